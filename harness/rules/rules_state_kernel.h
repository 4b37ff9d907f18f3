/* What the rules remember of locks, DPCs, timers, interrupts, devices and the routines that run. */
#ifndef FT_RULES_STATE_KERNEL_H
#define FT_RULES_STATE_KERNEL_H

#include "rules/rules_state_sizes.h"

struct ft_rs_lock {
    uint32_t id; /* 0: free slot */
    uint16_t task;
    uint8_t old;
    uint8_t dpc_level;
    uint8_t kind; /* 0 ordinary, 1 in-stack queued */
    uint8_t unused[3];
    uint32_t holder; /* id of the queue handle */
};

/* One level that a KeLowerIrql may restore. */
struct ft_rs_raise {
    uint16_t task; /* 0: free slot */
    uint8_t old;
    uint8_t of_lock; /* saved by a lock that was released without restoring it */
};

enum {
    FT_DPC_QUEUED = 1,
    FT_DPC_RUNNING = 2,
    FT_DPC_OF_TIMER = 4,
    FT_DPC_OF_DRIVER = 8, /* of a timer FT_TIMER_OF_DRIVER */
    FT_DPC_MISSED = 16    /* KeCancelTimer came too late for it */
};

struct ft_rs_dpc {
    uint32_t id; /* 0: free slot */
    uint16_t device;
    uint16_t task; /* that runs it */
    uint8_t flags;
    uint8_t unused[3];
    uint32_t timer; /* that queued it */
    uint32_t irp;   /* argument of its insertion */
};

/* A timer that was first set before the driver had any device belongs to no device: it is due at
 * unload, not at a removal. Its slot is kept, so that setting it again does not change that. */
enum { FT_TIMER_PENDING = 1, FT_TIMER_OF_DRIVER = 2 };

struct ft_rs_timer {
    uint32_t id; /* 0: free slot */
    uint32_t dpc;
    uint16_t device;
    uint8_t periodic;
    uint8_t flags; /* FT_TIMER_* */
};

struct ft_rs_interrupt {
    uint32_t id; /* 0: free slot */
    uint16_t device;
    uint16_t unused;
};

enum {
    FT_DEVICE_BY_DRIVER = 0x0001,
    FT_DEVICE_ATTACHED = 0x0002,
    FT_DEVICE_DETACHED = 0x0004,
    FT_DEVICE_DELETED = 0x0008,
    FT_DEVICE_YANKED = 0x0010,
    FT_DEVICE_REMOVAL_SENT = 0x0020, /* SURPRISE_REMOVAL or REMOVE */
    FT_DEVICE_GONE = 0x0040,         /* the driver has handled one of them */
    FT_DEVICE_REMOVED = 0x0080,      /* REMOVE succeeded */
    FT_DEVICE_HOSTILE = 0x0100,
    FT_DEVICE_INT_LOST = 0x0200,
    FT_DEVICE_INT_WRONG = 0x0400, /* spurious or late */
    FT_DEVICE_FRAMEWORK = 0x0800  /* its function driver is the framework */
};

/* In `more`. Those of the hardware stand at the bottom of the stack, those of StartIo at the device
 * object that has it. */
enum {
    FT_HW_MOVING = 0x0001, /* a request that changes the PnP state is in the driver */
    FT_HW_STARTED_ONCE = 0x0002,
    FT_HW_HAD_INTERRUPT = 0x0004, /* connected when the first start was done */
    FT_HW_INT_ENABLED = 0x0008,
    FT_HW_LINE_UP = 0x0010,
    FT_HW_INTERRUPTED = 0x0020,     /* since an interrupt service routine last began */
    FT_HW_POWER_DOWN = 0x0040,      /* the IRP that takes it out of D0 was forwarded */
    FT_HW_WAS_UNSTARTED = 0x0080,   /* CANCEL_REMOVE led back to before the first start */
    FT_STARTIO_OWED = 0x0100,       /* the current IRP has not been followed by IoStartNextPacket */
    FT_STARTIO_CANCELABLE = 0x0200, /* IoStartPacket with a cancel routine */
    FT_STARTIO_PLAIN = 0x0400,      /* … without one */
    FT_HW_MESSAGES = 0x1000,        /* the device sends messages and raises no line */
    FT_HW_COUNTS_USAGE = 0x0800,    /* the driver looks at usage notifications */
    FT_HW_WAS_OFF = 0x2000,         /* with the machine or by the driver's own doing; it is in D0,
                                       and nobody has told the driver */
    FT_HW_UNASKED = 0x4000          /* the framework had no memory to ask for its power-down */
};

/* Slot 0 is the device that events do not name: what is said of it is said of every device. */
struct ft_rs_device {
    uint16_t id;    /* 0: free slot */
    uint16_t below; /* the device that it was attached to */
    uint16_t flags;
    uint8_t power; /* 1 (D0) to 4 (D3), 0: not known */
    uint8_t pnp;   /* enum ft_pnp_state, 0: not known */
    uint16_t more;
    uint16_t current;   /* CurrentIrp */
    uint16_t start_irp; /* START_DEVICE that the drivers below have not completed */
    uint16_t up_irp;    /* the same of SET_POWER to D0 */
    uint8_t usage;      /* paging, hibernation and dump files */
    uint8_t windows;    /* register mappings */
};

/* A driver routine that was entered and not left. */
enum {
    FT_FRAME_RAISED = 0x0001, /* entered at DISPATCH_LEVEL */
    FT_FRAME_SET_EVENT = 0x0002,
    FT_FRAME_MARKED = 0x0004,    /* marked its IRP pending */
    FT_FRAME_ACQUIRED = 0x0008,  /* the remove lock */
    FT_FRAME_HARDWARE = 0x0010,  /* touched the device, or took a lock */
    FT_FRAME_NEXT = 0x0020,      /* called IoStartNextPacket, which started `next` */
    FT_FRAME_NEXT_DONE = 0x0040, /* … and then completed a request */
    FT_FRAME_HEAD = 0x0080,      /* took the head of a device queue */
    FT_FRAME_IDLE = 0x0100,      /* found a device queue idle and has done nothing since */
    FT_FRAME_DROPPED = 0x0200,   /* released the remove lock of IRP `dropped` */
    FT_FRAME_ROUTINE = 0x0400,   /* set a completion routine */
    FT_FRAME_INTERRUPT = 0x0800  /* the device had interrupted when it began */
};

struct ft_rs_frame {
    uint16_t task; /* 0: free slot */
    uint16_t flags;
    uint32_t object; /* id: the IRP, for DPCs, ISRs and queue callbacks their own */
    uint16_t next, dropped;
    uint16_t irp;  /* that the DPC was queued with */
    uint8_t level; /* a cancel routine's: to which the cancel lock is released; 0xFF: not known */
    uint8_t routine, major, minor;
    uint16_t executed; /* the framework request whose transaction it executed last, low word */
};

enum {
    FT_OBJECT_DEAD = 1,   /* an event whose routine has returned */
    FT_OBJECT_QUEUED = 2, /* a work item */
    FT_OBJECT_RUNNING = 4,
    FT_OBJECT_USED = 8, /* a remove lock that was acquired */
    FT_OBJECT_WAITED = 16,
    FT_OBJECT_WAITING = 32,
    FT_OBJECT_ENABLED = 64, /* a device interface */
    FT_OBJECT_OF_FILE = 128 /* a remove lock that was made by a CREATE */
};

/* An event on a stack, a remove lock, a work item or a device interface. */
struct ft_rs_object {
    uint32_t id; /* 0: free slot */
    uint16_t flags;
    uint8_t class_;  /* enum ft_handle_class */
    uint8_t unnamed; /* acquisitions of a remove lock with a tag that is no IRP */
    uint16_t task, device;
    uint32_t count; /* a remove lock's acquisitions; an event's depth of routines */
};

/* `second` was acquired while `first` was held. */
struct ft_rs_edge {
    uint16_t first, second;
};

#endif
