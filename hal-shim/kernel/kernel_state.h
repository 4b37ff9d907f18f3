/* What the kernel layer keeps: part of struct ft_machine, so that one copy of the state arena saves
 * it. Types only, and no Windows types. */
#ifndef FT_KERNEL_KERNEL_STATE_H
#define FT_KERNEL_KERNEL_STATE_H

#include <stdint.h>

enum { FT_HANDLES_MAX = 32 /* open at one time */ };

/* An open handle (kernel/handles.h). */
struct ft_open_handle {
    void *object;    /* NULL: free slot */
    uint32_t number; /* never used again in a run */
    uint32_t access;
};

struct ft_kernel_state {
    struct ft_open_handle handle[FT_HANDLES_MAX];
    uint32_t handle_last; /* number of the handle opened last */
};

#endif
