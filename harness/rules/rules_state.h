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

#include <stdbool.h>
#include <stdint.h>

enum {
    FT_RS_IRPS = 64,
    FT_RS_MDLS = 128,
    FT_RS_MAPPINGS = 96,
    FT_RS_GRANTS = 16,
    FT_RS_QUEUED = 8,
    FT_RS_ADAPTERS = 4,
    FT_RS_COMMONS = 16,
    FT_RS_ENGINES = 8,
    FT_RS_POOLS = 128,
    FT_RS_LOCKS = 16,
    FT_RS_RAISES = 16,
    FT_RS_DPCS = 16,
    FT_RS_TIMERS = 16,
    FT_RS_INTERRUPTS = 4,
    FT_RS_DEVICES = 16,
    FT_RS_LISTS = 16,
    FT_RS_CONTROLS = 8,
    FT_RS_FRAMES = 40,
    FT_RS_OBJECTS = 64,
    FT_RS_EDGES = 24,
    FT_RS_WDF_LOCKS = 12,
    FT_RS_WDF_EDGES = 16,
    FT_RS_WDF_REQUESTS = 24,
    FT_RS_WDF_QUEUES = 8,
    FT_RS_ENABLERS = 4,
    FT_RS_TXS = 16,
    FT_RS_WDF_COMMONS = 12,
    FT_RS_WDF_TIMERS = 4,
    FT_RS_WDF_DEVICES = 2,
    FT_RS_SRBS = 32,
    FT_RS_FINDINGS = 16
};

/* Tables, for the name of the one that overflowed. The order is that of table_names in
 * rules_verdict.c. */
enum ft_rs_table {
    FT_RS_TABLE_NONE,
    FT_RS_TABLE_IRP,
    FT_RS_TABLE_MDL,
    FT_RS_TABLE_MAPPING,
    FT_RS_TABLE_GRANT,
    FT_RS_TABLE_QUEUED,
    FT_RS_TABLE_ADAPTER,
    FT_RS_TABLE_COMMON,
    FT_RS_TABLE_ENGINE,
    FT_RS_TABLE_POOL,
    FT_RS_TABLE_LOCK,
    FT_RS_TABLE_RAISE,
    FT_RS_TABLE_DPC,
    FT_RS_TABLE_TIMER,
    FT_RS_TABLE_INTERRUPT,
    FT_RS_TABLE_DEVICE,
    FT_RS_TABLE_LIST,
    FT_RS_TABLE_CONTROL,
    FT_RS_TABLE_FRAME,
    FT_RS_TABLE_OBJECT,
    FT_RS_TABLE_WDF_LOCK,
    FT_RS_TABLE_WDF_REQUEST,
    FT_RS_TABLE_WDF_DMA,
    FT_RS_TABLE_SRB,
    FT_RS_TABLE_COUNT
};

/* In every flags word: the object is over, the slot may be taken for another one. */
enum { FT_RS_OVER = 0x8000 };

/* Every entry of a table that is searched by id begins with these two. */
struct ft_rs_head {
    uint32_t id; /* of the handle, 0: never used */
    uint16_t flags;
};

enum {
    FT_IRP_DISPATCHED = 0x0001,   /* a dispatch routine of the driver got it */
    FT_IRP_MARKED = 0x0002,       /* the driver called IoMarkIrpPending */
    FT_IRP_COMPLETED = 0x0004,    /* the driver called IoCompleteRequest */
    FT_IRP_LOWER = 0x0008,        /* a driver below completed it */
    FT_IRP_LOWER_FAILED = 0x0010, /* … with an error */
    FT_IRP_FORWARDED = 0x0020,    /* the driver called IoCallDriver with it */
    FT_IRP_CANCELLED = 0x0040,    /* IoCancelIrp */
    FT_IRP_CANCEL_RAN = 0x0080,   /* … found a cancel routine */
    FT_IRP_IN_DISPATCH = 0x0100,  /* the dispatch routine has not returned */
    FT_IRP_IN_CANCEL = 0x0200,    /* its cancel routine runs in cancel_task */
    FT_IRP_INJECTED = 0x0400,     /* a failure was injected into it */
    FT_IRP_MAPPED = 0x0800,       /* MapTransfer was called for it */
    FT_IRP_DONE = 0x1000,         /* its requester has it back */
    FT_IRP_MAPPED_OWN = 0x2000    /* MapTransfer was called for its own memory */
};

/* What the DMA path knows of an IRP, in struct ft_rs_irp.dma. */
enum {
    FT_IRP_DMA_CHANNEL_REFUSED = 1, /* its AllocateAdapterChannel failed */
    FT_IRP_DMA_LIST_REFUSED = 2,    /* its GetScatterGatherList failed */
    FT_IRP_DMA_FLUSH_FAILED = 4,
    FT_IRP_DMA_PIECE_FAILED = 8 /* the device ended a piece with a bus error */
};

/* What a driver does with an IRP, in `more`. The first four are about the next stack location and
 * hold until the IRP is called or completed. */
enum {
    FT_MORE_SKIPPED = 0x00000001,
    FT_MORE_COPIED = 0x00000002,  /* or filled in after IoSetNextIrpStackLocation */
    FT_MORE_ROUTINE = 0x00000004, /* a completion routine is set */
    FT_MORE_PENDING_RETURNED = 0x00000008,
    FT_MORE_BELOW = 0x00000010,      /* a driver below has it */
    FT_MORE_OWN = 0x00000020,        /* the driver made it */
    FT_MORE_SENT = 0x00000040,       /* … and sent it once */
    FT_MORE_INITIAL = 0x00000080,    /* `initial` is known */
    FT_MORE_QUEUED = 0x00000100,     /* in a device queue or a cancel-safe queue */
    FT_MORE_PACKET = 0x00000200,     /* went through IoStartPacket */
    FT_MORE_CANCELABLE = 0x00000400, /* … with a cancel routine */
    FT_MORE_STARTED = 0x00000800,    /* StartIo has returned */
    FT_MORE_TOUCHED = 0x00001000,    /* StartIo gave it to the hardware */
    FT_MORE_STOPPED = 0x00002000,    /* came while the device was stopped, or was about to be */
    FT_MORE_ASLEEP = 0x00004000,     /* came while the device was not in D0 */
    FT_MORE_LEAVING = 0x00008000,    /* came while a removal was pending */
    FT_MORE_TOO_LATE = 0x00010000,   /* came after the driver had handled a surprise removal */
    FT_MORE_REFUSED = 0x00020000,    /* IoAcquireRemoveLock failed for it */
    FT_MORE_CLAIMED = 0x00040000,    /* IoCancelIrp has its cancel routine, which holds the lock */
    FT_MORE_LOST = 0x00080000,       /* IoSetCancelRoutine said so to lost_task */
    FT_MORE_SYSTEM = 0x00100000,     /* a system power IRP */
    FT_MORE_REDUNDANT = 0x00200000,  /* SET_POWER to D0 of a device in D0 */
    FT_MORE_REQUESTED = 0x00400000,  /* of PoRequestPowerIrp */
    FT_MORE_NO_DPC = 0x00800000,     /* its DPC was queued already, for another one */
    FT_MORE_BY_TIMER = 0x01000000,   /* a timer DPC completed it */
    FT_MORE_CSQ = 0x02000000,        /* IoCsqInsertIrp was called for it */
    FT_MORE_WMI = 0x04000000,        /* WmiSystemControl looked at it */
    FT_MORE_EMPTY_DMA = 0x08000000,  /* of no bytes, and a channel was asked for */
    FT_MORE_LATE = 0x10000000,       /* queued when a CLEANUP of its file was in the driver */
    FT_MORE_TAKEN = 0x20000000       /* its cancel routine was taken back */
};

struct ft_rs_irp {
    uint32_t id;
    uint16_t flags;
    uint8_t major, minor;
    uint32_t length;
    uint32_t flushed; /* bytes that flushes of its mappings covered */
    uint32_t status;  /* of its completion */
    uint16_t device;
    uint16_t cancel_task;
    uint8_t power;    /* target of SET_POWER, 0: not known */
    uint8_t dma;      /* FT_IRP_DMA_* */
    uint8_t maps;     /* mappings made for it, 255: that many or more */
    uint8_t held;     /* times that a remove lock was acquired with it as the tag */
    uint32_t moved;   /* bytes that the device moved in its flushed mappings */
    uint32_t more;    /* FT_MORE_* */
    uint32_t initial; /* status that it came with */
    uint16_t file;    /* 0: none */
    uint16_t master;
    uint16_t claim_task, lost_task;
};

enum {
    FT_MDL_BY_DRIVER = 1, /* the driver allocated it */
    FT_MDL_LOCKED = 2,
    FT_MDL_UNLOCKED = 4, /* was locked and is not any more */
    FT_MDL_FREED = 8,
    FT_MDL_PARTIAL = 16,      /* its request is that of the MDL it was built from */
    FT_MDL_FILLED = 0x20,     /* its page array is filled in */
    FT_MDL_BUILT = 0x40,      /* … by MmBuildMdlForNonPagedPool */
    FT_MDL_PAGED = 0x80,      /* … over paged pool */
    FT_MDL_COMMON = 0x100,    /* … over a common buffer */
    FT_MDL_READ_ONLY = 0x200, /* locked with IoReadAccess */
    FT_MDL_KFI = 0x400,       /* KeFlushIoBuffers was called on it */
    FT_MDL_KFI_FRESH = 0x800, /* … and nothing was mapped since */
    FT_MDL_KFI_READ = 0x1000,
    FT_MDL_KFI_PIO = 0x2000, /* … with DmaOperation FALSE */
    FT_MDL_SIZED = 0x4000    /* CalculateScatterGatherList was called for it */
};

/* In `more`. */
enum {
    FT_PART_BUILT = 1,   /* IoBuildPartialMdl was its last builder */
    FT_PART_MAPPED = 2,  /* … and it was mapped since */
    FT_MDL_OF_IRP = 4,   /* it came with a request */
    FT_MDL_LOCK_OWED = 8 /* the driver locked it */
};

struct ft_rs_mdl {
    uint32_t id;
    uint16_t flags;
    uint16_t more;
    uint32_t irp;    /* the request whose memory it describes, 0: none */
    uint32_t length; /* bytes it describes, 0: not known */
    uint32_t source; /* the MDL that it is a part of, 0: none */
};

/* FT_RS_OVER: flushed. */
enum {
    FT_MAPPING_WRITE = 1, /* to the device */
    FT_MAPPING_SPENT = 2, /* a flush of just the bytes that the device reported ended the operation
                             before this piece */
    FT_MAPPING_LIST = 4,  /* an element of a scatter/gather list; its grant is the list's key */
    FT_MAPPING_KFI = 8,   /* KeFlushIoBuffers was called after the device had moved its data */
    FT_MAPPING_BY_TIMER = 16 /* flushed by the DPC of a timer */
};

/* Elements of a list have this and the list's id where other mappings have their grant. */
#define FT_RS_LIST_KEY 0x80000000u

struct ft_rs_mapping {
    uint32_t id;
    uint16_t flags;
    uint16_t unused;
    uint32_t adapter, grant, mdl;
    uint32_t irp; /* owner, 0: not known */
    uint32_t offset, length;
    uint64_t address;
    uint32_t engine_bytes; /* the device says it moved */
    uint32_t bus_bytes;    /* seen on the bus */
};

/* FT_RS_OVER: channel and registers are back. */
enum {
    FT_GRANT_CHANNEL = 1,    /* KeepObject */
    FT_GRANT_REGISTERS = 2,  /* DeallocateObjectKeepRegisters */
    FT_GRANT_FREED_REGS = 4, /* FreeMapRegisters was called */
    FT_GRANT_MAPPED = 8,     /* mdl and next are valid */
    FT_GRANT_OF_DEVICE = 16, /* asked for by a PnP request: it serves one request after the other */
    FT_GRANT_FREED_CHANNEL = 0x20, /* FreeAdapterChannel was called */
    FT_GRANT_DEALLOCATED = 0x40,   /* AdapterControl returned DeallocateObject */
    FT_GRANT_NEXT_STARTED = 0x80,  /* IoStartNextPacket was called while its channel was held */
    FT_GRANT_IN_CONTROL = 0x100    /* its AdapterControl has not returned */
};

/* In `more`: of version 3. */
enum {
    FT_MORE_V3 = 0x0001,             /* asked for by AllocateAdapterChannelEx */
    FT_MORE_SYNCHRONOUS = 0x0002,    /* … at once and without a routine: the caller owns it */
    FT_MORE_WITHDRAWN = 0x0004,      /* CancelAdapterChannel returned TRUE */
    FT_MORE_CANCEL_LATE = 0x0008,    /* … FALSE */
    FT_MORE_KEPT_REGISTERS = 0x0010, /* FreeAdapterObject left the registers */
    FT_MORE_V3_MAPPED = 0x0020,      /* a MapTransferEx was not flushed */
    FT_MORE_WAS_MAPPED = 0x0040,     /* there was one */
    FT_MORE_MAP_FAILED = 0x0080,     /* the last one failed */
    FT_MORE_V3_WRITE = 0x0100,
    FT_MORE_V3_CANCELLED = 0x0200, /* CancelMappedTransfer, until the flush */
    FT_MORE_ABORTED = 0x0400       /* the controller moved less than all of the last one */
};

struct ft_rs_grant {
    uint32_t id;
    uint16_t flags;
    uint8_t maps, flushes; /* 255: that many or more */
    uint32_t adapter;
    uint32_t irp;
    uint32_t registers;
    uint32_t mdl;  /* of the mappings so far */
    uint32_t next; /* offset behind the bytes mapped so far */
    uint32_t lock; /* a spin lock that was held when it was asked for, 0: none */
    uint16_t device;
    uint16_t more; /* FT_MORE_V3 and what follows it */
    /* The last MapTransferEx: its chain, where, how much was asked for and mapped. */
    uint32_t chain, map_offset, map_asked, map_length;
};

/* An AllocateAdapterChannel that has not been granted. */
struct ft_rs_queued {
    uint32_t adapter; /* 0: free slot */
    uint32_t irp;
    uint32_t lock;
    uint16_t device;
    uint16_t of_device; /* FT_GRANT_OF_DEVICE will be set */
    uint32_t grant;     /* of version 3: its id, 0: not known */
};

/* FT_RS_OVER: put. */
enum {
    FT_ADAPTER_PIPELINES = 1, /* scatter/gather bus master: may map on without a flush */
    FT_ADAPTER_SLAVE = 2,     /* of a subordinate device */
    FT_ADAPTER_MASTER = 4,
    FT_ADAPTER_SINGLE = 8, /* bus master without scatter/gather */
    FT_ADAPTER_V2 = 0x10,
    FT_ADAPTER_AUTO_INITIALIZE = 0x20,
    FT_ADAPTER_REFUSED = 0x40,         /* its last channel request failed */
    FT_ADAPTER_LIST_REFUSED = 0x80,    /* its last list request failed */
    FT_ADAPTER_COMMON_REFUSED = 0x100, /* its last AllocateCommonBuffer failed */
    FT_ADAPTER_SIZED = 0x200,          /* CalculateScatterGatherList was called with an MDL */
    FT_ADAPTER_SIZED_ANY = 0x400,      /* … without one */
    FT_ADAPTER_REFERENCES = 0x800,     /* `references` is known */
    FT_ADAPTER_PUT_ONCE = 0x1000,      /* put, but not by all who got it */
    FT_ADAPTER_RUNNING = 0x2000, /* its system DMA channel was programmed and has not finished */
    FT_ADAPTER_V3 = 0x4000
};

struct ft_rs_adapter {
    uint32_t id;
    uint16_t flags;
    uint16_t device;
    uint32_t early_grants; /* granted before the event of their AllocateAdapterChannel */
    uint32_t registers;    /* that IoGetDmaAdapter granted, 0: not known */
    uint32_t maximum;      /* MaximumLength */
    uint16_t references;
    uint16_t alignment; /* that GetDmaAlignment returned, 0: not asked for */
    uint16_t channel;   /* of the system DMA controller */
    uint8_t lists_owed; /* synchronous lists without a routine whose channel is still held */
    uint8_t vectors;    /* of common buffers */
};

/* FT_RS_OVER: put. */
enum { FT_LIST_WRITE = 1, FT_LIST_DIRECTED = 2 /* FT_LIST_WRITE is known */, FT_LIST_HAS_MDL = 4 };

struct ft_rs_list {
    uint32_t id;
    uint16_t flags;
    uint16_t unused;
    uint32_t adapter, mdl;
    uint32_t irp;
};

/* An AdapterControl or AdapterListControl that runs. The innermost of a task stands last. */
struct ft_rs_control {
    uint16_t task; /* 0: free slot */
    uint8_t of_list;
    uint8_t depth; /* other routines of the driver that it runs inside */
    uint32_t id;   /* of the grant or list */
};

/* FT_RS_OVER: freed. */
struct ft_rs_common {
    uint32_t id;
    uint16_t flags;
    uint16_t unused;
    uint32_t adapter;
    uint32_t length;
    uint64_t address;
};

struct ft_rs_engine {
    uint64_t address;
    uint32_t length;
    uint16_t device;
    uint8_t channel;
    uint8_t active;
};

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
    uint16_t unused;
};

enum {
    FT_OBJECT_DEAD = 1,   /* an event whose routine has returned */
    FT_OBJECT_QUEUED = 2, /* a work item */
    FT_OBJECT_RUNNING = 4,
    FT_OBJECT_USED = 8, /* a remove lock that was acquired */
    FT_OBJECT_WAITED = 16,
    FT_OBJECT_WAITING = 32,
    FT_OBJECT_ENABLED = 64 /* a device interface */
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

/* A framework lock that a task holds, or failed to acquire in time. */
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
};

struct ft_rs_wdf_lock {
    uint64_t handle; /* 0: free slot */
    uint16_t task;
    uint8_t nesting; /* of its acquisition */
    uint8_t timed_out;
    uint32_t unused;
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

/* ---- KMDF: DMA (rules_kmdf_enabler.c, rules_kmdf_dma.c) ---- */

enum {
    FT_WDFE_ENABLED = 0x0004,  /* EvtDmaEnablerEnable has run in this D0 period */
    FT_WDFE_STOPPED = 0x0008,  /* SelfManagedIoStop has returned, and no start has begun */
    FT_WDFE_DISABLED = 0x0010, /* EvtDmaEnablerDisable has returned, and nothing went up again */
    FT_WDFE_FLUSHED = 0x0020,  /* EvtDmaEnablerFlush has returned once */
    FT_WDFE_IN_FILL = 0x0080,
    FT_WDFE_IN_ENABLE = 0x0100,
    FT_WDFE_DRAINED = 0x0200, /* EvtDmaEnablerFlush has returned, and nothing went up again */
    FT_WDFE_FILL_FAILED = 0x0400,
    FT_WDFE_ENABLE_FAILED = 0x0800
};

struct ft_rs_enabler {
    uint32_t id; /* 0: free slot */
    uint32_t adapter[2];
    uint16_t device; /* id of the framework device */
    uint16_t flags;
    uint8_t callbacks; /* FT_ENABLER_FILL and so on */
    uint8_t version, width;
    uint8_t freed; /* common buffers of EvtDmaEnablerFill, in the Flush that runs */
};

/* SCSI Port's adapter, as its initialisation, configuration and controls show it. */
struct ft_rs_scsi_adapter {
    uint32_t lowest;   /* status of the ScsiPortInitialize calls */
    uint32_t transfer; /* MaximumTransferLength, as HwScsiFindAdapter left it */
    uint32_t stalled;  /* microseconds, in the routine that task `stall_task` is in */
    uint16_t stall_task, style;
    uint8_t initialized, result, state, inside; /* inside: miniport routines */
    uint8_t control;                            /* type of the adapter control that runs */
    uint8_t yanked;
    uint8_t outside; /* others have done something on its bus */
    uint8_t unused[1];
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
    uint8_t unused[3];
    uint32_t bad_request; /* the request of a transfer that failed */
};

struct ft_rs_wdf_common {
    uint32_t id; /* 0: free slot */
    uint32_t enabler;
    uint32_t of_fill; /* made in EvtDmaEnablerFill */
};

struct ft_rs_finding {
    uint64_t event, object, site;
    uint16_t rule;
    uint16_t unused[3];
};

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
    uint8_t how, power; /* as its events say */
    uint8_t unused;
};

/* ---- SCSI Port (rules_scsi_*.c) ---- */

/* FT_RS_OVER: it is the port's again. */
enum {
    FT_SRB_BY_WILDCARD = 1, /* ScsiPortCompleteRequest gave it back */
    FT_SRB_TAKEN = 2,       /* the port took it */
    FT_SRB_ABORT_DONE = 4   /* an abort of it has succeeded */
};

struct ft_rs_srb {
    uint32_t id; /* 0: free slot */
    uint16_t flags;
    uint8_t function, tag;
    uint32_t where; /* path << 16 | target << 8 | unit */
    uint32_t timeout, victim;
};

enum {
    FT_HBA_STARTED_ONE = 0x0001, /* HwScsiStartIo was called since the adapter's start */
    FT_HBA_OWES = 0x0002,        /* no next request was asked for since then */
    FT_HBA_ASKED = 0x0004,       /* NextRequest was, since then */
    FT_HBA_RESET = 0x0008,       /* a bus was reset since then */
    FT_HBA_ACTED = 0x0010, /* the interrupt routine, or callback, has told the port something */
    FT_HBA_ENABLE_ASKED = 0x0020,
    FT_HBA_TIMER_ARMED = 0x0080,
    FT_HBA_TIMER_CANCELLED = 0x0100,
    FT_HBA_OTHER_PATH = 0x0200, /* HwScsiResetBus completed a request of another path */
    FT_HBA_LOGGED = 0x0400,     /* … or logged an error */
    FT_HBA_LINE_UP = 0x0800,
    FT_HBA_RAISED = 0x1000,     /* its line rose since the interrupt routine last began */
    FT_HBA_HAD_LINE = 0x2000,   /* one of the two when it began */
    FT_HBA_INT_ENABLED = 0x4000 /* the device may interrupt */
};

struct ft_rs_scsi {
    struct ft_rs_srb srb[FT_RS_SRBS];
    uint16_t flags;
    uint16_t reset_path; /* of the HwScsiResetBus that runs, plus 1 */
    uint8_t disables;    /* CallDisableInterrupts in the enable callback */
    uint8_t unused[3];
    uint32_t untagged_where; /* a unit that was asked in vain for an untagged request, plus 1 */
    uint32_t stalled;        /* microseconds, in HwScsiResetBus */
};

/* An SRB of the miniport's and its DMA. */
struct ft_rs_scsi_srb {
    uint32_t id;            /* 0: free slot */
    uint32_t mapped, moved; /* bytes that ScsiPortIoMapTransfer had, that the device moved */
    uint8_t function;
    uint8_t cancelled; /* a mapping was flushed before HwScsiDmaStarted */
    uint8_t unused[2];
};
enum { FT_RS_SCSI_SRBS = 16 };

struct ft_rs_scsi_dma {
    uint32_t srb;             /* of the open mapping */
    uint32_t closed;          /* of the last one that was flushed, until the next is mapped */
    uint32_t transfer, limit; /* bytes that a mapping may have: HBA's, channel's */
    uint16_t style;           /* of scsi:found */
    uint8_t state;            /* of the mapping */
    uint8_t write;
    uint8_t found, configured;
    uint8_t hold;         /* after a reset */
    uint8_t flushed_here; /* in the miniport's routine that runs */
    uint8_t reset_told;   /* ResetDetected, in that routine */
    uint8_t unused[3];
    struct ft_rs_scsi_srb known[FT_RS_SCSI_SRBS];
};

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
    uint64_t stop_arg[6];
    struct {
        struct ft_rs_wdf_request request[FT_RS_WDF_REQUESTS];
        struct ft_rs_wdf_queue queue[FT_RS_WDF_QUEUES];
        uint8_t asleep;    /* EvtDeviceD0Exit has returned */
        uint8_t suspended; /* self-managed I/O */
        uint16_t flushed;  /* the device whose self-managed I/O is, 0: none */
        uint8_t unused[4];
    } wdf_io;

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
    struct ft_rs_wdf_power wdf_power;
    struct ft_rs_wdf_phases wdf_phases;
    struct ft_rs_enabler enabler[FT_RS_ENABLERS];
    struct ft_rs_tx tx[FT_RS_TXS];
    struct ft_rs_wdf_common wdf_common[FT_RS_WDF_COMMONS];
    struct ft_rs_wdf_device wdf_device[FT_RS_WDF_DEVICES];
    struct ft_rs_scsi scsi;
    struct ft_rs_scsi_dma scsi_dma;
    uint32_t pool[FT_RS_POOLS]; /* ids of the driver's live blocks, FT_RS_POOL_HOLE: freed slot */
};

#define FT_RS_POOL_HOLE 0xFFFFFFFFu
/* Set in the id of a block that was allocated for IRP_MJ_CREATE: CLOSE may owe it. */
#define FT_RS_POOL_OF_HANDLE 0x80000000u
#define FT_RS_POOL_PAGED     0x40000000u
#define FT_RS_POOL_OF_INIT   0x20000000u /* allocated in EvtDeviceSelfManagedIoInit */
#define FT_RS_POOL_MARKS     (FT_RS_POOL_OF_HANDLE | FT_RS_POOL_PAGED | FT_RS_POOL_OF_INIT)

_Static_assert(sizeof(struct ft_rules) <= 20 * 1024,
               "saved and restored at every reset: keep small");

#endif
