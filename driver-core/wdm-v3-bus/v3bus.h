/*
 * v3bus.h: a driver for a bus master with 64-bit addresses, the PLX PCI 9056, on version 3 of the
 * DMA operations.
 *
 * The bridge has two DMA channels. Channel 0 reads: it moves data from the board's local memory to
 * the host. Channel 1 writes. Each works through a chain of descriptors in host memory that the
 * driver makes from what MapTransferEx returns. Each channel has up to four requests in flight: one
 * runs, the others have a piece mapped and its chain written, or wait for map registers. Every
 * request has a transfer context of its own, so their allocations overlap.
 *
 * Terms
 *   request  a read, write or fetch from the moment it leaves the queue until it is complete.
 *   grant    the map registers of a request, and for a synchronous one the adapter's channel, from
 *            AllocateAdapterChannelEx until they are freed.
 *   piece    what one MapTransferEx covers: a part of a request, or all of it.
 *   chain    the descriptors of one piece. They lie in the common buffer; each request has a
 *            region of its own there.
 *   owner    the routine that goes on with a request (V3BUS_REQUEST.Phase is Owned).
 *   hold     a reason why no request may leave the queues (V3BUS_EXTENSION.Holds).
 *
 * Locking
 *   V3BUS_EXTENSION.Lock guards everything marked (L). The cancel spin lock is outside it, the
 *   interrupt lock inside. Fields marked (I) belong to the interrupt lock, fields marked (O) to the
 *   owner of the request, fields marked (X) to whoever has the hardware (V3busTakeHardware); they
 *   do not change while requests are in flight. Nothing is completed, forwarded or waited for under
 *   a lock, and no grant is asked for, withdrawn or freed under one: each may call
 *   V3busAdapterControl.
 */
#ifndef V3BUS_H
#define V3BUS_H

#include <ntddk.h>

/* --- The device. --- */

#define PLX_INTCSR           0x68 /* interrupt control and status */
#define PLX_CNTRL            0x6C
#define PLX_PCIHIDR          0x70 /* hard-coded device and vendor id */
#define PLX_DMAMODE(Channel) (0x80 + 0x14 * (Channel))
#define PLX_DMADPR(Channel)  (0x90 + 0x14 * (Channel)) /* descriptor pointer */
#define PLX_DMACSR(Channel)  (0xA8 + (Channel))        /* one byte */
#define PLX_REGISTER_BYTES   0x100

#define PLX_ID          0x905610B5u
#define PLX_ABSENT      0xFFFFFFFFu /* what every register of a missing device reads as */
#define PLX_ABSENT_BYTE 0xFFu

#define PLX_INTCSR_PCI_ENABLE           0x00000100u
#define PLX_INTCSR_DMA_ENABLE(Channel)  (0x00040000u << (Channel))
#define PLX_INTCSR_DMA_ACTIVE(Channel)  (0x00200000u << (Channel))
#define PLX_INTCSR_NOT_ABORTED(Channel) (0x02000000u << (Channel)) /* 0: the bus refused */

#define PLX_CNTRL_RESET 0x40000000u

#define PLX_MODE_BUS_32         0x00000003u /* width of the local bus */
#define PLX_MODE_READY          0x00000040u
#define PLX_MODE_BURST          0x00000100u
#define PLX_MODE_CHAIN          0x00000200u
#define PLX_MODE_DONE_INTERRUPT 0x00000400u
#define PLX_MODE_CLEAR_COUNT    0x00010000u /* zero a descriptor's count when it is done */
#define PLX_MODE_PCI_INTERRUPT  0x00020000u
#define PLX_MODE_LOAD_HIGH      0x00040000u /* descriptors hold the high half of the PCI address */

#define PLX_CSR_ENABLE ((UCHAR)0x01) /* clear: the channel pauses */
#define PLX_CSR_START  ((UCHAR)0x02)
#define PLX_CSR_ABORT  ((UCHAR)0x04) /* together with START, while paused */
#define PLX_CSR_CLEAR  ((UCHAR)0x08) /* the channel's interrupt */
#define PLX_CSR_DONE   ((UCHAR)0x10)

/* A descriptor in host memory below 4 GB, aligned to 16 bytes. */
typedef struct _PLX_DESCRIPTOR {
    ULONG PciAddress;
    ULONG LocalAddress;
    ULONG Count; /* bytes */
    ULONG Next;  /* address of the next descriptor, with PLX_NEXT_* for this one */
    ULONG PciAddressHigh;
    ULONG Unused[3];
} PLX_DESCRIPTOR, *PPLX_DESCRIPTOR;

#define PLX_NEXT_IN_PCI 0x1u /* the next descriptor is in host memory */
#define PLX_NEXT_END    0x2u /* there is none */
#define PLX_NEXT_TO_PCI 0x8u /* this one moves data to the host */

#define V3BUS_LOCAL_BYTES 0x01000000u /* local memory on the board */

/* --- For applications. --- */

typedef struct _V3BUS_STATISTICS {
    ULONG Pieces;    /* mapped and flushed */
    ULONG Completed; /* requests that succeeded */
    ULONG Failed;    /* requests that ended otherwise */
    ULONG Requeued;  /* requests that a power-down sent back to their queue */
    ULONGLONG BytesRead;
    ULONGLONG BytesWritten;
    ULONG Withdrawn;   /* requests that ended while they waited for map registers */
    ULONG LastFetched; /* the first bytes of the last fetch */
} V3BUS_STATISTICS, *PV3BUS_STATISTICS;

/* Output: V3BUS_STATISTICS. */
#define IOCTL_V3BUS_GET_STATISTICS                                                                 \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Output: the beginning of the local memory, as much as the buffer takes. A read without a
 * position. */
#define IOCTL_V3BUS_FETCH CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_OUT_DIRECT, FILE_READ_ACCESS)

/* --- The driver. --- */

#define V3BUS_TAG 0x7375623Eu /* ">bus" in memory */

#define V3BUS_READ     0u /* channels */
#define V3BUS_WRITE    1u
#define V3BUS_CHANNELS 2u

#define V3BUS_IN_FLIGHT   4u /* requests of a channel */
#define V3BUS_DESCRIPTORS 8u /* of a chain; what a piece may have of elements and map registers */
#define V3BUS_PIECE_MAX   ((ULONG)(V3BUS_DESCRIPTORS * PAGE_SIZE)) /* bytes */

/* A request that needs no more map registers than this is not worth a wait: it is first asked for
 * synchronously. */
#define V3BUS_SHORT 2u

#define V3BUS_LIST_BYTES                                                                           \
    (sizeof(SCATTER_GATHER_LIST) + V3BUS_DESCRIPTORS * sizeof(SCATTER_GATHER_ELEMENT))

#define V3BUS_REGION_BYTES ((ULONG)(V3BUS_DESCRIPTORS * sizeof(PLX_DESCRIPTOR)))
#define V3BUS_COMMON_BYTES (V3BUS_CHANNELS * V3BUS_IN_FLIGHT * V3BUS_REGION_BYTES)

/* An abort takes one or two bus cycles. After this many looks at the channel, a microsecond apart,
 * the bridge is reset instead. */
#define V3BUS_ABORT_POLLS 50u

/* A chain that is not done after this many ticks of the watchdog is aborted. */
#define V3BUS_TICK_100NS  (100 * 10000)
#define V3BUS_CHAIN_TICKS 5u

/* What becomes of a request (V3BUS_REQUEST.Phase). */
typedef enum _V3BUS_PHASE {
    V3busPhaseFree,        /* not in use */
    V3busPhaseWaiting,     /* map registers were asked for; V3busGrantDpc goes on */
    V3busPhaseWithdrawing, /* as before, but the routine that set it cancels the wait */
    V3busPhaseReady,       /* in the channel's ready list: the chain is written */
    V3busPhaseRunning,     /* on the channel. Who makes this Owned ends the piece */
    V3busPhaseOwned        /* the routine that set it goes on, nobody else */
} V3BUS_PHASE;

/* Why no request may leave the queues (V3BUS_EXTENSION.Holds). */
#define V3BUS_HOLD_NOT_STARTED 0x1u
#define V3BUS_HOLD_STOP        0x2u /* from QUERY_STOP to START or CANCEL_STOP */
#define V3BUS_HOLD_POWER       0x4u /* not in D0, or on the way out of it */
#define V3BUS_HOLD_REMOVED     0x8u /* for good; new requests are refused instead of queued */

/* StopStatus of a request that goes back to its queue instead of being completed. */
#define V3BUS_STOP_REQUEUE STATUS_RETRY

typedef enum _V3BUS_PNP_STATE {
    V3busNotStarted,
    V3busStarted,
    V3busStopPending,
    V3busStopped,
    V3busRemovePending,
    V3busSurpriseRemoved,
    V3busRemoved
} V3BUS_PNP_STATE;

typedef struct _V3BUS_CHANNEL *PV3BUS_CHANNEL;
typedef struct _V3BUS_EXTENSION *PV3BUS_EXTENSION;

/* A place for a request in flight. The IRP leads here by DriverContext[0] for as long as the
 * request may be stopped. */
typedef struct _V3BUS_REQUEST {
    PV3BUS_CHANNEL Channel;
    V3BUS_PHASE Phase;    /* (L) */
    PIRP Irp;             /* (L) NULL while it is being taken from the queue or given up */
    NTSTATUS StopStatus;  /* (L) not success: end as soon as possible with this status */
    BOOLEAN Cancelled;    /* (L) no cancel routine will come any more */
    BOOLEAN Asked;        /* (L) the call that asked for map registers has returned */
    BOOLEAN Granted;      /* (L) and they have come */
    LIST_ENTRY ReadyLink; /* (L) */
    ULONG TicksLeft;      /* (L) of the watchdog */
    KDPC GrantDpc;        /* goes on when the execution routine has returned */

    PMDL Mdl;            /* (O) */
    ULONG Length;        /* (O) bytes asked for */
    ULONG Moved;         /* (O) bytes moved by pieces that have ended */
    ULONG LocalAddress;  /* (O) of the first byte */
    BOOLEAN Fetch;       /* (O) the driver looks at the data itself */
    BOOLEAN Synchronous; /* (O) the grant has the adapter's channel, too */
    ULONG MapRegisters;  /* (O) of the grant */
    PVOID MapRegisterBase;
    ULONG PieceLength; /* (O) bytes mapped; what MapTransferEx said */
    ULONG ChainLength; /* (O) descriptors */

    PPLX_DESCRIPTOR Chain;     /* (X) its region of the common buffer */
    ULONG ChainLogicalAddress; /* (X) */

    /* From AllocateAdapterChannelEx until the grant is freed or withdrawn these are the system's
     * and those of the bus. */
    ULONGLONG TransferContext[DMA_TRANSFER_CONTEXT_SIZE_V1 / sizeof(ULONGLONG)];
    union {
        SCATTER_GATHER_LIST List;
        UCHAR ListBytes[V3BUS_LIST_BYTES];
    };
} V3BUS_REQUEST, *PV3BUS_REQUEST;

typedef struct _V3BUS_CHANNEL {
    PV3BUS_EXTENSION Extension;
    ULONG Index;
    BOOLEAN Write;

    IO_CSQ Csq;             /* its lock is the extension's */
    LIST_ENTRY Queue;       /* (L) IRPs, by Tail.Overlay.ListEntry */
    LIST_ENTRY Ready;       /* (L) requests, by ReadyLink */
    PV3BUS_REQUEST Running; /* (L) NULL: the channel is idle. Its owner alone clears it */
    V3BUS_REQUEST Requests[V3BUS_IN_FLIGHT];

    UCHAR Csr;       /* (I) PLX_CSR_ENABLE, or 0 while paused */
    BOOLEAN Noticed; /* (I) the ISR has seen the interrupt of the running chain */
} V3BUS_CHANNEL;

typedef struct _V3BUS_EXTENSION {
    PDEVICE_OBJECT Self;
    PDEVICE_OBJECT LowerDevice;
    PDEVICE_OBJECT PhysicalDevice;
    IO_REMOVE_LOCK RemoveLock; /* held for each IRP that the driver has; tag: the IRP */

    KSPIN_LOCK Lock;
    ULONG Holds;       /* (L) */
    ULONG InFlight;    /* (L) requests that are not Free */
    BOOLEAN Exclusive; /* (L) PnP or power code has the hardware */
    KEVENT IdleEvent;  /* (L) signalled while nothing is in flight and nobody has the hardware */
    V3BUS_CHANNEL Channels[V3BUS_CHANNELS];
    V3BUS_STATISTICS Statistics;      /* (L) */
    V3BUS_PNP_STATE PnpState;         /* (L) */
    V3BUS_PNP_STATE PreviousPnpState; /* (L) what CANCEL_STOP and CANCEL_REMOVE go back to */
    DEVICE_POWER_STATE PowerState;    /* (L) */
    LIST_ENTRY PowerDowns;            /* (L) power-down IRPs that wait for the hardware */
    PIO_WORKITEM PowerWork;           /* turns the device off; queued by whoever has the hardware */
    PIRP SystemPowerIrp;              /* a system power IRP that waits for its device power IRP */

    KDPC ServiceDpc; /* takes requests from the queues */
    KTIMER WatchdogTimer;
    KDPC WatchdogDpc;
    BOOLEAN WatchdogSet; /* (L) */

    /* (X) From START to STOP or removal. */
    PUCHAR Registers;
    SIZE_T RegisterBytes;
    PKINTERRUPT Interrupt;
    PDMA_ADAPTER Adapter;
    ULONG MapRegisters;          /* most of one grant */
    BOOLEAN SynchronousCallback; /* the adapter can grant at once or refuse */
    PVOID Common;
    PHYSICAL_ADDRESS CommonLogicalAddress;
    BOOLEAN DeviceReady; /* programmed and its interrupt enabled since it last had no power */

    BOOLEAN InterruptsOn; /* (I) */
} V3BUS_EXTENSION;

static __inline ULONG V3busRead(PV3BUS_EXTENSION Extension, ULONG Offset)
{
    return READ_REGISTER_ULONG((PULONG)(Extension->Registers + Offset));
}

static __inline VOID V3busWrite(PV3BUS_EXTENSION Extension, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Extension->Registers + Offset), Value);
}

static __inline UCHAR V3busReadCsr(PV3BUS_CHANNEL Channel)
{
    return READ_REGISTER_UCHAR(Channel->Extension->Registers + PLX_DMACSR(Channel->Index));
}

static __inline VOID V3busWriteCsr(PV3BUS_CHANNEL Channel, UCHAR Value)
{
    WRITE_REGISTER_UCHAR(Channel->Extension->Registers + PLX_DMACSR(Channel->Index), Value);
}

/* --- v3bus.c --- */
DRIVER_INITIALIZE DriverEntry;
DRIVER_ADD_DEVICE V3busAddDevice;
DRIVER_UNLOAD V3busUnload;
DRIVER_DISPATCH V3busCreate;
DRIVER_DISPATCH V3busClose;
DRIVER_DISPATCH V3busSystemControl;

/* Completes an IRP that could not get the remove lock. Returns Status. */
NTSTATUS V3busRefuseIrp(PIRP Irp, NTSTATUS Status);

/* Completes an IRP and releases its remove lock; the extension may be gone afterwards. Returns
 * Status. */
NTSTATUS V3busCompleteIrp(PV3BUS_EXTENSION Extension, PIRP Irp, NTSTATUS Status,
                          ULONG_PTR Information);

/* Passes an IRP down that needs nothing more, and releases its remove lock. Returns the status of
 * the driver below. */
NTSTATUS V3busForwardIrp(PV3BUS_EXTENSION Extension, PIRP Irp);

/* --- v3bus_pnp.c --- */
DRIVER_DISPATCH V3busPnp;

/* --- v3bus_power.c --- */
DRIVER_DISPATCH V3busPower;

/* PASSIVE_LEVEL. Waits until no request is in flight and takes the hardware. Set a hold first, or
 * requests go on leaving the queues. */
VOID V3busTakeHardware(PV3BUS_EXTENSION Extension);

/* <= DISPATCH_LEVEL, by whoever has the hardware. Brings it to the power state that is due, gives
 * it up, lets queued requests go and forwards a power-down that waited. Only a remove lock
 * reference or a running DPC keeps the extension alive for the caller afterwards. */
VOID V3busLeaveHardware(PV3BUS_EXTENSION Extension);

/* Lock held; the caller's request is no longer in flight. TRUE: it was the last one and a
 * power-down waits, so the caller has the hardware now and calls V3busQueuePowerDown without the
 * lock. */
BOOLEAN V3busRequestLeftLocked(PV3BUS_EXTENSION Extension);

/* <= DISPATCH_LEVEL. Hands the hardware to a work item, which calls V3busLeaveHardware. */
VOID V3busQueuePowerDown(PV3BUS_EXTENSION Extension);

/* --- v3bus_queue.c --- */
DRIVER_DISPATCH V3busReadWrite;
DRIVER_DISPATCH V3busDeviceControl;
DRIVER_DISPATCH V3busCleanup;
KDEFERRED_ROUTINE V3busServiceDpc;

/* Where new requests wait. */
NTSTATUS V3busInitializeQueue(PV3BUS_CHANNEL Channel);

/* Lock held. Queues the service DPC if a request could leave a queue. */
VOID V3busKickLocked(PV3BUS_EXTENSION Extension);

/* Puts an IRP at the end of the channel's queue, or at its head. STATUS_PENDING: it is queued and
 * may be gone already. Else it is refused, and the caller completes it. */
NTSTATUS V3busQueueIrp(PV3BUS_CHANNEL Channel, PIRP Irp, BOOLEAN AtHead);

/* Completes the queued IRPs of a file object (NULL: all) with Status. */
VOID V3busFailQueued(PV3BUS_EXTENSION Extension, PFILE_OBJECT FileObject, NTSTATUS Status);

/* --- v3bus_request.c --- */

/* DISPATCH_LEVEL. Starts an IRP that has just left the queue in a place that was reserved for it.
 */
VOID V3busStartRequest(PV3BUS_REQUEST Request, PIRP Irp);

/* DISPATCH_LEVEL, by the owner of a request without a grant. Completes it, leaves it to its cancel
 * routine or puts it back into its queue. The extension may be gone for the caller afterwards,
 * unless that is a DPC or holds the remove lock itself. */
VOID V3busFinishRequest(PV3BUS_REQUEST Request, NTSTATUS Status);

/* Lock held. The request is to end with Status. TRUE: the caller now owns it, and calls
 * V3busAbortRequest without the lock. FALSE: its owner, or V3busGrantDpc, ends it. */
BOOLEAN V3busStopRequestLocked(PV3BUS_REQUEST Request, NTSTATUS Status);

/* <= DISPATCH_LEVEL. The same for all requests in flight, and aborts those that it gets. */
VOID V3busStopRequests(PV3BUS_EXTENSION Extension, NTSTATUS Status);

/* --- v3bus_dma.c --- */
KDEFERRED_ROUTINE V3busGrantDpc;

/* DISPATCH_LEVEL, by the owner of a request without a grant: asks for its map registers. */
VOID V3busAskForGrant(PV3BUS_REQUEST Request);

/* DISPATCH_LEVEL, by the owner of a request whose chain the channel has ended; the channel still
 * belongs to it. */
VOID V3busPieceDone(PV3BUS_REQUEST Request, NTSTATUS Status);

/* DISPATCH_LEVEL, after V3busStopRequestLocked said so: withdraws a request that waits, or takes
 * one with a piece off its channel, and ends it with its StopStatus. */
VOID V3busAbortRequest(PV3BUS_REQUEST Request);

/* --- v3bus_hw.c --- */
KSERVICE_ROUTINE V3busIsr;
IO_DPC_ROUTINE V3busDpcForIsr;
KDEFERRED_ROUTINE V3busWatchdogDpc;
KSYNCHRONIZE_ROUTINE V3busProgramDevice;     /* context: the extension */
KSYNCHRONIZE_ROUTINE V3busDisableInterrupts; /* context: the extension */

/* <= DISPATCH_LEVEL, by whoever has the hardware. Resets the bridge and turns its interrupt off. */
VOID V3busResetDevice(PV3BUS_EXTENSION Extension);

/* Lock held. Starts the next ready chain if the channel is idle. */
VOID V3busStartChannelLocked(PV3BUS_CHANNEL Channel);

/* <= DISPATCH_LEVEL, by the owner of the running request. Returns when the channel moves no more
 * data: it says so, it was reset, or it is not there. Bounded. */
VOID V3busStopChannel(PV3BUS_CHANNEL Channel);

#endif
