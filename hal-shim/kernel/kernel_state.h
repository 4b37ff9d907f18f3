/* What the kernel layer keeps: part of struct ft_machine, so that one copy of the state arena saves
 * it. Types only, and no Windows types. */
#ifndef FT_KERNEL_KERNEL_STATE_H
#define FT_KERNEL_KERNEL_STATE_H

#include <stdint.h>

enum {
    FT_HANDLES_MAX = 32, /* open at one time */
    FT_WORK_MAX = 24     /* work items queued at one time */
};

/* An open handle (kernel/handles.h). */
struct ft_open_handle {
    void *object;    /* NULL: free slot */
    uint32_t number; /* never used again in a run */
    uint32_t access;
};

/* A queued work item. */
struct ft_work_entry {
    void *item; /* PIO_WORKITEM, or PWORK_QUEUE_ITEM */
    uint16_t device;
    uint8_t focus; /* of who queued it */
    uint8_t io;
};

struct ft_kernel_state {
    struct ft_open_handle handle[FT_HANDLES_MAX];
    uint32_t handle_last; /* number of the handle opened last */
    uint32_t work_count;
    uint32_t work_begun; /* tasks that came into being and have not taken their item yet */
    struct ft_work_entry work[FT_WORK_MAX];
    void *process;         /* the system's process object, NULL until somebody asks for it */
    void *bugcheck_record; /* the first callback record (KBUGCHECK_CALLBACK_RECORD) */
    void *events;          /* the events with names */
    void *callbacks;       /* the callback objects */
    uint8_t in_bugcheck;   /* its callbacks run */
    uint8_t ipi_cpu;       /* KeIpiGenericCall: the processor that is played, plus 1 */
    uint16_t ipi_task;     /* in this task */
};

#endif
