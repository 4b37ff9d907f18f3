/* What the rules remember of IRPs and MDLs. */
#ifndef FT_RULES_STATE_IRP_H
#define FT_RULES_STATE_IRP_H

#include "rules/rules_state_sizes.h"

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

#endif
