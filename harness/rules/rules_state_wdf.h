/* What the rules remember of the framework and its objects. */
#ifndef FT_RULES_STATE_WDF_H
#define FT_RULES_STATE_WDF_H

#include "rules/rules_state_kernel.h"

/* ---- objects and locks (rules_kmdf_objects.c) ---- */

/* A framework lock that a task holds, or failed to acquire in time. */
struct ft_rs_wdf_lock {
    uint64_t handle; /* 0: free slot */
    uint16_t task;
    uint8_t nesting; /* of its acquisition */
    uint8_t timed_out;
    uint32_t unused;
};

/* What the rules of framework objects remember. */
struct ft_rs_wdf {
    struct ft_rs_wdf_lock lock[FT_RS_WDF_LOCKS];
    struct ft_rs_edge edge[FT_RS_WDF_EDGES];
    uint64_t referenced; /* last */
    int32_t references;  /* WdfObjectReference, less WdfObjectDereference */
    uint16_t released;   /* bit i: EvtDeviceReleaseHardware of the device in slot i has returned */
    uint16_t masked;     /* the same of EvtInterruptDisable */
    uint8_t edge_next;
    uint8_t unused[7];
};

/* ---- PnP and power (rules_kmdf_power.c, rules_kmdf_phases.c) ---- */

/* The driver's first framework device, as its machines and callbacks show it. */
struct ft_rs_wdf_power {
    uint32_t device;     /* id, 0: none */
    uint16_t pnp, power; /* states of the machines, as wdfdevice.h numbers them */
    uint16_t references; /* of WdfDeviceStopIdle */
    uint8_t open;        /* the serialised callback that runs, enum ft_routine */
    uint8_t mapped;      /* between EvtDevicePrepareHardware and EvtDeviceReleaseHardware */
    uint8_t in_d0;
    uint8_t windows;    /* that EvtDevicePrepareHardware mapped */
    uint16_t alignment; /* mask that the device's buffers have to fit */
    uint8_t place;      /* of the last callback on the way up or down (rules_kmdf_order.c) */
    uint8_t window;     /* enablers may have their callbacks */
    uint16_t child[FT_RS_WDF_CHILDREN]; /* ids, 0: free; others are not looked at */
};

/* What has failed, or has not run, in the life of the driver's first device. */
enum {
    FT_WDFP_PREPARE_FAILED = 0x01, /* the last EvtDevicePrepareHardware */
    FT_WDFP_PREPARED = 0x02,       /* it was called once */
    FT_WDFP_DOWN_FAILED = 0x04,    /* a callback on the way down, since the last D0 entry */
    FT_WDFP_ACTIVE = 0x08,         /* self-managed I/O was begun, and not suspended */
    FT_WDFP_SUSPENDED = 0x10,      /* EvtDeviceSelfManagedIoSuspend has returned */
    FT_WDFP_LOST_INTERRUPT = 0x20  /* D0 was entered while an interrupt was forced off */
};

/* A framework timer that was started in a callback that may have to take it back. */
struct ft_rs_wdf_timer {
    uint32_t id; /* 0: free slot */
    uint16_t of; /* the callback, enum ft_routine */
    uint16_t unused;
};

struct ft_rs_wdf_phases {
    uint16_t flags;
    uint16_t threads;    /* of the driver, that have not ended */
    uint32_t forced_off; /* an interrupt, 0: none */
    struct ft_rs_wdf_timer timer[FT_RS_WDF_TIMERS];
};

/* ---- DMA (rules_kmdf_enabler.c, rules_kmdf_dma.c) ---- */

enum {
    FT_WDFE_ENABLED = 0x0004,  /* EvtDmaEnablerEnable has run in this D0 period */
    FT_WDFE_STOPPED = 0x0008,  /* SelfManagedIoStop has returned, and no start has begun */
    FT_WDFE_DISABLED = 0x0010, /* EvtDmaEnablerDisable has returned, and nothing went up again */
    FT_WDFE_FLUSHED = 0x0020,  /* EvtDmaEnablerFlush has returned once */
    FT_WDFE_IN_FILL = 0x0080,
    FT_WDFE_IN_ENABLE = 0x0100,
    FT_WDFE_DRAINED = 0x0200, /* EvtDmaEnablerFlush has returned, and nothing went up again */
    FT_WDFE_FILL_FAILED = 0x0400,
    FT_WDFE_ENABLE_FAILED = 0x0800,
    FT_WDFE_WALKED = 0x1000 /* it was there when the walk that is under way began */
};

struct ft_rs_enabler {
    uint32_t id; /* 0: free slot */
    uint32_t adapter[2];
    uint16_t device; /* id of the framework device */
    uint16_t flags;
    uint8_t callbacks; /* FT_ENABLER_FILL and so on */
    uint8_t version, width;
    uint8_t freed;  /* common buffers of EvtDmaEnablerFill, in the Flush that runs */
    uint8_t called; /* callbacks in the walk that is under way */
    uint8_t risen;  /* callbacks of the way up that succeeded since it last began */
    uint8_t unused[2];
};

/* What a framework device is in, as far as DMA goes. */
enum { FT_WDF_NO_WALK, FT_WDF_WALK_UP, FT_WDF_WALK_DOWN };

struct ft_rs_wdf_device {
    uint16_t id;     /* 0: free slot */
    uint8_t powered; /* 1 between D0Entry's begin and D0Exit's end, 2 outside, 0 not known */
    uint8_t window;  /* a walk up has begun, and no walk down has ended since */
    uint8_t walk;
    uint8_t cycled;  /* a D0 period has ended */
    uint8_t left;    /* DMA resources at the end of the last one */
    uint8_t growing; /* periods in a row that left more than the one before */
    uint8_t walk_failed;
    uint8_t unused;
};

enum {
    FT_WDFT_INIT_FAILED = 0x0001,
    FT_WDFT_EXECUTE_FAILED = 0x0002,
    FT_WDFT_BUSY = 0x0004,
    FT_WDFT_CANCELLED = 0x0008,   /* WdfDmaTransactionCancel returned TRUE */
    FT_WDFT_CANCEL_LATE = 0x0010, /* … FALSE */
    FT_WDFT_STOPPED = 0x0020,     /* StopSystemTransfer */
    FT_WDFT_RESERVING = 0x0040,   /* AllocateResources, and EvtReserveDma has not come */
    FT_WDFT_RESERVED = 0x0080,
    FT_WDFT_AT_ONCE = 0x0100,     /* immediate execution */
    FT_WDFT_WAS_AT_ONCE = 0x0200, /* … before a Release */
    FT_WDFT_FALSE = 0x0400,       /* EvtProgramDma returned FALSE */
    FT_WDFT_MORE = 0x0800,        /* the last completion was answered with FALSE */
    FT_WDFT_OWED = 0x1000,        /* a fragment was programmed and not completed */
    FT_WDFT_BAD = 0x2000,         /* the transfer ended with a failure */
    FT_WDFT_GONE = 0x4000,        /* executed after the device was gone */
    FT_WDFT_MOVED = 0x8000        /* bytes were moved, and the last call was Release */
};

struct ft_rs_tx {
    uint32_t id; /* 0: free slot */
    uint32_t enabler, request, irp, mdl;
    uint32_t list; /* of the present fragment, 0: a packet */
    uint16_t flags;
    uint16_t lock;     /* low word of a lock that was held at Execute */
    uint8_t state;     /* enum ft_tx_state */
    uint8_t zeros;     /* reports of no bytes in a row */
    uint8_t fragments; /* programmed since Execute; 255: that many or more */
    uint8_t depth;     /* EvtProgramDma routines inside one another */
    uint8_t lost;      /* EvtProgramDma found its request cancelled */
    uint8_t unused;
    uint16_t executor;    /* the task that is inside WdfDmaTransactionExecute, 0: none */
    uint32_t bad_request; /* the request of a transfer that failed */
};

struct ft_rs_wdf_common {
    uint32_t id; /* 0: free slot */
    uint32_t enabler;
    uint32_t of_fill; /* made in EvtDmaEnablerFill */
};

/* ---- requests (rules_kmdf_requests.c) ---- */

enum {
    FT_WDF_REQUEST_OWNED = 1,          /* by the driver */
    FT_WDF_REQUEST_ENDED = 2,          /* completed, or sent and forgotten */
    FT_WDF_REQUEST_SENT = 4,           /* an I/O target has it */
    FT_WDF_REQUEST_ON_QUEUE = 8,       /* the driver got it in EvtIoCanceledOnQueue */
    FT_WDF_REQUEST_CANCELING = 16,     /* EvtRequestCancel runs */
    FT_WDF_REQUEST_CALLED_BACK = 32,   /* and has returned */
    FT_WDF_REQUEST_EX_CANCELED = 64,   /* WdfRequestMarkCancelableEx said that it is cancelled */
    FT_WDF_REQUEST_STOP_IGNORED = 128, /* EvtIoStop returned and had done nothing */
    FT_WDF_REQUEST_KEPT_ON_PURGE = 256,
    FT_WDF_REQUEST_TAKEN_IN_HOLD = 512, /* retrieved while EvtIoStop is called for others */
    FT_WDF_REQUEST_LATE = 1024,         /* delivered after self-managed I/O was suspended */
    FT_WDF_REQUEST_IN_STOP = 2048,      /* completed in EvtIoStop */
    FT_WDF_REQUEST_MARKED = 4096,       /* cancelable, and not cancelled */
    FT_WDF_REQUEST_IN_HANDLER = 8192,   /* the handler that got it runs */
    FT_WDF_REQUEST_ACK_LIVE = 16384     /* acknowledged in EvtIoStop while its transaction ran */
};

/* A framework request of an IRP that came in. */
struct ft_rs_wdf_request {
    uint32_t id, irp, queue;
    uint16_t flags;
    uint16_t lost_task; /* that could not unmark it any more */
    uint8_t finds;      /* references of WdfIoQueueFindRequest */
    uint8_t unused[3];
};

struct ft_rs_wdf_queue {
    uint32_t id;
    uint16_t poll_task; /* that found it paused so often … */
    uint16_t device;    /* id */
    uint8_t polls;
    uint8_t how, power, kind; /* as its events say */
    uint8_t shut;             /* a removal has purged it */
    uint8_t unused[3];
};

struct ft_rs_wdf_io {
    struct ft_rs_wdf_request request[FT_RS_WDF_REQUESTS];
    struct ft_rs_wdf_queue queue[FT_RS_WDF_QUEUES];
    uint8_t asleep;    /* EvtDeviceD0Exit has returned */
    uint8_t suspended; /* self-managed I/O */
    uint16_t flushed;  /* the device whose self-managed I/O is, 0: none */
    uint8_t unused[4];
};

/* ---- memory that is touched (rules_accesses_kmdf.c) ---- */

/* Where the driver's first device is. */
enum {
    FT_WDFA_UNKNOWN,
    FT_WDFA_RISING, /* from EvtDeviceD0Entry to the end of the enablers' way up */
    FT_WDFA_UP,
    FT_WDFA_FLUSHED /* from the return of an EvtDmaEnablerFlush to that of EvtDeviceD0Exit */
};

struct ft_rs_wdf_touch {
    uint16_t freed[FT_RS_WDF_FREED]; /* pool that callbacks of the device freed: low words */
    uint8_t by[FT_RS_WDF_FREED];     /* … which, enum ft_routine; 0: free slot */
    uint8_t freed_next;
    uint8_t again; /* bit per slot: EvtDevicePrepareHardware was called since */
    uint8_t phase;
    uint8_t unused;
};

/* ---- two devices (rules_devices.c) ---- */

/* What stands above of one device. The rules look at the driver's first framework device; of a
 * driver with two, what is known of the one that the present event is not about waits here. */
struct ft_rs_wdf_aside {
    struct ft_rs_wdf_power power;
    struct ft_rs_wdf_phases phases;
    struct ft_rs_wdf_touch touch;
    uint16_t flushed;
    uint8_t asleep, suspended;
};

#endif
