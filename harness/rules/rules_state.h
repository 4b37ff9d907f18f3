/* The state of the rules engine: one block of plain data.
 *
 * The block is saved and restored with the machine at every reset, so it is small, holds no
 * pointer, and is zero when empty. Objects stand in fixed tables and are found by the id of their
 * handle. An entry of an object that is over stays for as long as its slot is not needed (flag
 * FT_RS_OVER): what is said of a freed object can still be told from what is said of none. When a
 * table has no slot left the engine stops judging and the verdict is `unjudged`: it never forgets
 * an object in silence.
 */
#ifndef FT_RULES_STATE_H
#define FT_RULES_STATE_H

#include "rules/rules_state_dma.h"
#include "rules/rules_state_irp.h"
#include "rules/rules_state_kernel.h"
#include "rules/rules_state_scsi.h"
#include "rules/rules_state_wdf.h"

#include <stdbool.h>
#include <stdint.h>

struct ft_rs_finding {
    uint64_t event, object, site;
    uint16_t rule;
    uint16_t unused[3];
};

enum { FT_RS_NULLS = 6 };

struct ft_rules {
    uint64_t events; /* seen so far; the index of the present one */
    uint16_t disabled;
    uint8_t keep_going;
    uint8_t ended;    /* the first violation stands; nothing is judged any more */
    uint8_t overflow; /* enum ft_rs_table */
    uint8_t injected; /* a failure was injected outside any request */
    uint8_t finding_count, warning_count;
    uint8_t finding_lost; /* findings beyond the table */
    uint8_t group;        /* findings before the present event */
    uint8_t driver_devices;
    uint8_t open_handles; /* CREATE succeeded, CLOSE has not come */
    uint16_t stop_kind;   /* the run:* event that ended the run, 0: none yet */
    uint16_t cancel_task; /* holds the cancel lock, 0: nobody */
    uint8_t cancel_old;   /* the level that the cancel lock's last acquisition saved */
    uint8_t cancel_known; /* … if known and not used up */
    uint8_t tail;         /* the tail has begun */
    uint8_t whole;        /* the events begin with the driver's load */
    uint8_t wmi;          /* the driver registered with WMI */
    uint8_t idle_inserts; /* routines with FT_FRAME_IDLE */
    uint8_t links, callbacks, work_items;
    uint8_t edge_next;
    uint16_t raise_task; /* MmProbeAndLockPages raised an exception in it */
    uint16_t poll_task;  /* reads the same register of an absent device again and again */
    uint16_t poll_count;
    uint32_t poll_offset;
    uint32_t lock_majors;     /* major functions whose dispatch routine acquired a remove lock */
    uint16_t callback_task;   /* about to run the callback of a PoRequestPowerIrp … */
    uint16_t callback_failed; /* … that failed */
    uint32_t served;          /* major functions of requests that were done with success */
    uint32_t lock_known[8], lock_plain[8], lock_queued[8]; /* bits by the low byte of lock ids */
    /* Slots below these have been used; the tables are walked no further. */
    uint16_t mapping_end, mdl_end, pool_end, irp_end;
    uint16_t frames;                 /* of driver routines, one behind the other */
    uint32_t irp_last;               /* highest id seen */
    uint32_t flush_irp, flush_bytes; /* of the last FlushAdapterBuffers */
    uint16_t stopped;                /* bit i: the device in slot i handled IRP_MN_STOP_DEVICE */
    uint16_t disconnected;  /* bit i: the interrupt of the device in slot i was disconnected */
    uint8_t start_over;     /* run:started */
    uint8_t starts_running; /* IRP_MN_START_DEVICE and AddDevice under way */
    uint8_t get_failed;     /* IoGetDmaAdapter returned NULL */
    uint8_t noncoherent;    /* processor and device do not share one view of memory */
    uint8_t touch_enabler;  /* the driver has a DMA enabler … */
    uint8_t touch_hba;      /* … or a SCSI adapter, so others map for it */
    struct {
        uint16_t task, rule; /* who got NULL last, and the rule that it breaks to use it */
    } null[FT_RS_NULLS];
    uint16_t list_mdl; /* the last of BuildMdlFromScatterGatherList that the driver did not free */
    /* The last MapTransferEx with a completion routine, and what that routine freed last before its
     * caller went on. */
    uint16_t mapper_task, mapper_grant;
    uint8_t mapper_class;
    uint32_t mapper_freed;
    uint64_t stop_arg[6];
    struct ft_rs_finding finding[FT_RS_FINDINGS], warning[FT_RS_FINDINGS];
    struct ft_rs_irp irp[FT_RS_IRPS];
    struct ft_rs_mdl mdl[FT_RS_MDLS];
    struct ft_rs_mapping mapping[FT_RS_MAPPINGS];
    struct ft_rs_grant grant[FT_RS_GRANTS];
    struct ft_rs_queued queued[FT_RS_QUEUED];
    struct ft_rs_adapter adapter[FT_RS_ADAPTERS];
    struct ft_rs_common common[FT_RS_COMMONS];
    struct ft_rs_engine engine[FT_RS_ENGINES];
    struct ft_rs_lock lock[FT_RS_LOCKS];
    struct ft_rs_raise raise[FT_RS_RAISES];
    struct ft_rs_dpc dpc[FT_RS_DPCS];
    struct ft_rs_timer timer[FT_RS_TIMERS];
    struct ft_rs_interrupt interrupt[FT_RS_INTERRUPTS];
    struct ft_rs_device device[FT_RS_DEVICES];
    struct ft_rs_list list[FT_RS_LISTS];
    struct ft_rs_control control[FT_RS_CONTROLS];
    struct ft_rs_frame frame[FT_RS_FRAMES];
    struct ft_rs_object object[FT_RS_OBJECTS];
    struct ft_rs_edge edge[FT_RS_EDGES];
    struct ft_rs_wdf wdf;
    struct ft_rs_scsi_adapter scsi_adapter;
    struct ft_rs_wdf_io wdf_io;
    struct ft_rs_wdf_power wdf_power;
    struct ft_rs_wdf_phases wdf_phases;
    struct ft_rs_wdf_touch wdf_touch;
    struct ft_rs_wdf_aside wdf_aside; /* of the device that the present event is not about */
    uint16_t pdo[2];                  /* the driver's devices, in the order of AddDevice */
    uint16_t pdo_now;                 /* 0 or 1: the one that the present event is about */
    struct ft_rs_enabler enabler[FT_RS_ENABLERS];
    struct ft_rs_tx tx[FT_RS_TXS];
    struct ft_rs_wdf_common wdf_common[FT_RS_WDF_COMMONS];
    struct ft_rs_wdf_device wdf_device[FT_RS_WDF_DEVICES];
    struct ft_rs_scsi scsi;
    struct ft_rs_scsi_dma scsi_dma;
    struct ft_rs_scsi_bus scsi_bus;
    struct ft_rs_scsi_port scsi_port;
    uint32_t pool[FT_RS_POOLS]; /* ids of the driver's live blocks, FT_RS_POOL_HOLE: freed slot */
};

#define FT_RS_POOL_HOLE 0xFFFFFFFFu
/* Set in the id of a block that was allocated for IRP_MJ_CREATE: CLOSE may owe it. */
#define FT_RS_POOL_OF_HANDLE 0x80000000u
#define FT_RS_POOL_PAGED     0x40000000u
#define FT_RS_POOL_OF_INIT   0x20000000u /* allocated in EvtDeviceSelfManagedIoInit */
#define FT_RS_POOL_MARKS     (FT_RS_POOL_OF_HANDLE | FT_RS_POOL_PAGED | FT_RS_POOL_OF_INIT)

_Static_assert(sizeof(struct ft_rules) <= 20 * 1024 + 128,
               "saved and restored at every reset: keep small");

#endif
