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
    FT_RS_FINDINGS = 16
};

/* Tables, for the name of the one that overflowed. The order is that of ft_rs_table_names in
 * rules.c. */
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

struct ft_rs_irp {
    uint32_t id;
    uint16_t flags;
    uint8_t major, minor;
    uint32_t length;
    uint32_t flushed; /* bytes that flushes of its mappings covered */
    uint32_t status;  /* of its completion */
    uint16_t device;
    uint16_t cancel_task;
    uint8_t power; /* target of SET_POWER, 0: not known */
    uint8_t dma;   /* FT_IRP_DMA_* */
    uint8_t maps;  /* mappings made for it, 255: that many or more */
    uint8_t unused;
    uint32_t moved; /* bytes that the device moved in its flushed mappings */
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

struct ft_rs_mdl {
    uint32_t id;
    uint16_t flags;
    uint16_t unused;
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
    uint16_t unused;
};

/* An AllocateAdapterChannel that has not been granted. */
struct ft_rs_queued {
    uint32_t adapter; /* 0: free slot */
    uint32_t irp;
    uint32_t lock;
    uint16_t device;
    uint16_t of_device; /* FT_GRANT_OF_DEVICE will be set */
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
    FT_ADAPTER_RUNNING = 0x2000 /* its system DMA channel was programmed and has not finished */
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
    uint8_t channel;    /* of the system DMA controller */
    uint8_t unused[3];
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
    FT_DPC_OF_DRIVER = 8 /* of a timer FT_TIMER_OF_DRIVER */
};

struct ft_rs_dpc {
    uint32_t id; /* 0: free slot */
    uint16_t device;
    uint16_t task; /* that runs it */
    uint8_t flags;
    uint8_t unused[3];
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
    FT_DEVICE_INT_WRONG = 0x0400 /* spurious or late */
};

/* Slot 0 is the device that events do not name: what is said of it is said of every device. */
struct ft_rs_device {
    uint16_t id;    /* 0: free slot */
    uint16_t below; /* the device that it was attached to */
    uint16_t flags;
    uint8_t power; /* 1 (D0) to 4 (D3), 0: not known */
    uint8_t unused;
};

struct ft_rs_finding {
    uint64_t event, object, site;
    uint16_t rule;
    uint16_t unused[3];
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
    uint8_t unused;
    /* Slots below these have been used; the tables are walked no further. */
    uint16_t mapping_end, mdl_end, pool_end, irp_end;
    uint32_t irp_last;               /* highest id seen */
    uint32_t flush_irp, flush_bytes; /* of the last FlushAdapterBuffers */
    uint16_t stopped;                /* bit i: the device in slot i handled IRP_MN_STOP_DEVICE */
    uint16_t disconnected;  /* bit i: the interrupt of the device in slot i was disconnected */
    uint8_t start_over;     /* run:started */
    uint8_t starts_running; /* IRP_MN_START_DEVICE and AddDevice under way */
    uint8_t get_failed;     /* IoGetDmaAdapter returned NULL */
    uint8_t noncoherent;    /* processor and device do not share one view of memory */
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
    uint32_t pool[FT_RS_POOLS]; /* ids of the driver's live blocks, FT_RS_POOL_HOLE: freed slot */
};

#define FT_RS_POOL_HOLE 0xFFFFFFFFu
/* Set in the id of a block that was allocated for IRP_MJ_CREATE: CLOSE may owe it. */
#define FT_RS_POOL_OF_HANDLE 0x80000000u

_Static_assert(sizeof(struct ft_rules) <= 20 * 1024,
               "saved and restored at every reset: keep small");

#endif
