/*
 * sglist.h: a driver for a bus master with scatter/gather hardware, the PLX PCI 9054.
 *
 * The bridge has two DMA channels. Channel 0 reads: it moves data from the board's local memory to
 * the host. Channel 1 writes. Each works through a chain of descriptors in host memory that the
 * driver makes from a scatter/gather list; reads get theirs from GetScatterGatherList, writes from
 * BuildScatterGatherList in a buffer of the driver. Each channel has up to four requests in flight:
 * one runs, the others have their lists made and their chains written, or wait for map registers.
 *
 * Terms
 *   request  a read, write or fetch from the moment it leaves the queue until it is complete.
 *   piece    what one scatter/gather list covers: a part of a request, or all of it.
 *   chain    the descriptors of one piece. They lie in the common buffer; each request has a
 *            region of its own there.
 *   owner    the routine that goes on with a request (SGLIST_REQUEST.Phase is Owned).
 *   hold     a reason why no request may leave the queues (SGLIST_EXTENSION.Holds).
 *
 * Locking
 *   SGLIST_EXTENSION.Lock guards everything marked (L). The cancel spin lock is outside it, the
 *   interrupt lock inside. Fields marked (I) belong to the interrupt lock, fields marked (O) to the
 *   owner of the request, fields marked (X) to whoever has the hardware (SglistTakeHardware); they
 *   do not change while requests are in flight. Nothing is completed, forwarded or waited for under
 *   a lock, and no list is asked for or put under one: both may call SglistListControl.
 */
#ifndef SGLIST_H
#define SGLIST_H

#include <ntddk.h>

/* --- The device. --- */

#define PLX_INTCSR           0x68 /* interrupt control and status */
#define PLX_CNTRL            0x6C
#define PLX_PCIHIDR          0x70 /* hard-coded device and vendor id */
#define PLX_DMAMODE(Channel) (0x80 + 0x14 * (Channel))
#define PLX_DMADPR(Channel)  (0x90 + 0x14 * (Channel)) /* descriptor pointer */
#define PLX_DMACSR(Channel)  (0xA8 + (Channel))        /* one byte */
#define PLX_REGISTER_BYTES   0x100

#define PLX_ID          0x905410B5u
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

#define PLX_CSR_ENABLE ((UCHAR)0x01) /* clear: the channel pauses */
#define PLX_CSR_START  ((UCHAR)0x02)
#define PLX_CSR_ABORT  ((UCHAR)0x04) /* together with START, while paused */
#define PLX_CSR_CLEAR  ((UCHAR)0x08) /* the channel's interrupt */
#define PLX_CSR_DONE   ((UCHAR)0x10)

/* A descriptor in host memory, aligned to 16 bytes. */
typedef struct _PLX_DESCRIPTOR {
    ULONG PciAddress;
    ULONG LocalAddress;
    ULONG Count; /* bytes */
    ULONG Next;  /* address of the next descriptor, with PLX_NEXT_* for this one */
} PLX_DESCRIPTOR, *PPLX_DESCRIPTOR;

#define PLX_NEXT_IN_PCI 0x1u /* the next descriptor is in host memory */
#define PLX_NEXT_END    0x2u /* there is none */
#define PLX_NEXT_TO_PCI 0x8u /* this one moves data to the host */

#define SGLIST_LOCAL_BYTES 0x01000000u /* local memory on the board */

/* --- For applications. --- */

typedef struct _SGLIST_STATISTICS {
    ULONG Pieces;    /* lists made and put */
    ULONG Completed; /* requests that succeeded */
    ULONG Failed;    /* requests that ended otherwise */
    ULONG Requeued;  /* requests that a power-down sent back to their queue */
    ULONGLONG BytesRead;
    ULONGLONG BytesWritten;
} SGLIST_STATISTICS, *PSGLIST_STATISTICS;

/* Output: SGLIST_STATISTICS. */
#define IOCTL_SGLIST_GET_STATISTICS                                                                \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Output: the beginning of the local memory, as much as the buffer takes. A read without a
 * position. */
#define IOCTL_SGLIST_FETCH CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_OUT_DIRECT, FILE_READ_ACCESS)

/* --- The driver. --- */

#define SGLIST_TAG 0x736C6753u /* "Sgls" in memory */

#define SGLIST_READ     0u /* channels */
#define SGLIST_WRITE    1u
#define SGLIST_CHANNELS 2u

#define SGLIST_IN_FLIGHT   4u     /* requests of a channel */
#define SGLIST_DESCRIPTORS 32u    /* of a chain */
#define SGLIST_PIECE_MAX   65536u /* bytes; with an unaligned start still fewer pages than that */

#define SGLIST_REGION_BYTES ((ULONG)(SGLIST_DESCRIPTORS * sizeof(PLX_DESCRIPTOR)))
#define SGLIST_COMMON_BYTES (SGLIST_CHANNELS * SGLIST_IN_FLIGHT * SGLIST_REGION_BYTES)

/* An abort takes one or two bus cycles. After this many looks at the channel, a microsecond apart,
 * the bridge is reset instead. */
#define SGLIST_ABORT_POLLS 50u

/* A chain that is not done after this many ticks of the watchdog is aborted. */
#define SGLIST_TICK_100NS  (100 * 10000)
#define SGLIST_CHAIN_TICKS 5u

/* What becomes of a request (SGLIST_REQUEST.Phase). */
typedef enum _SGLIST_PHASE {
    SglistPhaseFree,     /* not in use */
    SglistPhaseListWait, /* a list was asked for; SglistListControl goes on */
    SglistPhaseReady,    /* in the channel's ready list: the chain is written */
    SglistPhaseRunning,  /* on the channel. Who makes this Owned ends the piece */
    SglistPhaseOwned     /* the routine that set it goes on, nobody else */
} SGLIST_PHASE;

/* Why no request may leave the queues (SGLIST_EXTENSION.Holds). */
#define SGLIST_HOLD_NOT_STARTED 0x1u
#define SGLIST_HOLD_STOP        0x2u /* from QUERY_STOP to START or CANCEL_STOP */
#define SGLIST_HOLD_POWER       0x4u /* not in D0, or on the way out of it */
#define SGLIST_HOLD_REMOVED     0x8u /* for good; new requests are refused instead of queued */

/* StopStatus of a request that goes back to its queue instead of being completed. */
#define SGLIST_STOP_REQUEUE STATUS_RETRY

typedef enum _SGLIST_PNP_STATE {
    SglistNotStarted,
    SglistStarted,
    SglistStopPending,
    SglistStopped,
    SglistRemovePending,
    SglistSurpriseRemoved,
    SglistRemoved
} SGLIST_PNP_STATE;

typedef struct _SGLIST_CHANNEL *PSGLIST_CHANNEL;
typedef struct _SGLIST_EXTENSION *PSGLIST_EXTENSION;

/* A place for a request in flight. The IRP leads here by DriverContext[0] for as long as the
 * request may be stopped. */
typedef struct _SGLIST_REQUEST {
    PSGLIST_CHANNEL Channel;
    SGLIST_PHASE Phase;   /* (L) */
    PIRP Irp;             /* (L) NULL while it is being taken from the queue or given up */
    NTSTATUS StopStatus;  /* (L) not success: end as soon as possible with this status */
    BOOLEAN Cancelled;    /* (L) no cancel routine will come any more */
    LIST_ENTRY ReadyLink; /* (L) */
    ULONG TicksLeft;      /* (L) of the watchdog */
    KDPC ListDpc;         /* gives back a list that came too late */

    PMDL Mdl;           /* (O) */
    ULONG Length;       /* (O) bytes asked for */
    ULONG Moved;        /* (O) bytes moved by pieces that have ended */
    ULONG LocalAddress; /* (O) of the first byte */
    ULONG PieceLength;  /* (O) */
    PSCATTER_GATHER_LIST List;
    ULONG ChainLength; /* (O) descriptors */

    PPLX_DESCRIPTOR Chain;     /* (X) its region of the common buffer */
    ULONG ChainLogicalAddress; /* (X) */
    PVOID ListBuffer;          /* (X) for BuildScatterGatherList; NULL for reads */
} SGLIST_REQUEST, *PSGLIST_REQUEST;

typedef struct _SGLIST_CHANNEL {
    PSGLIST_EXTENSION Extension;
    ULONG Index;
    BOOLEAN Write;

    IO_CSQ Csq;              /* its lock is the extension's */
    LIST_ENTRY Queue;        /* (L) IRPs, by Tail.Overlay.ListEntry */
    LIST_ENTRY Ready;        /* (L) requests, by ReadyLink */
    PSGLIST_REQUEST Running; /* (L) NULL: the channel is idle. Its owner alone clears it */
    SGLIST_REQUEST Requests[SGLIST_IN_FLIGHT];

    UCHAR Csr;       /* (I) PLX_CSR_ENABLE, or 0 while paused */
    BOOLEAN Noticed; /* (I) the ISR has seen the interrupt of the running chain */
} SGLIST_CHANNEL;

typedef struct _SGLIST_EXTENSION {
    PDEVICE_OBJECT Self;
    PDEVICE_OBJECT LowerDevice;
    PDEVICE_OBJECT PhysicalDevice;
    IO_REMOVE_LOCK RemoveLock; /* held for each IRP that the driver has; tag: the IRP */

    KSPIN_LOCK Lock;
    ULONG Holds;       /* (L) */
    ULONG InFlight;    /* (L) requests that are not Free */
    BOOLEAN Exclusive; /* (L) PnP or power code has the hardware */
    KEVENT IdleEvent;  /* (L) signalled while nothing is in flight and nobody has the hardware */
    SGLIST_CHANNEL Channels[SGLIST_CHANNELS];
    SGLIST_STATISTICS Statistics;      /* (L) */
    SGLIST_PNP_STATE PnpState;         /* (L) */
    SGLIST_PNP_STATE PreviousPnpState; /* (L) what CANCEL_STOP and CANCEL_REMOVE go back to */
    DEVICE_POWER_STATE PowerState;     /* (L) */
    LIST_ENTRY PowerDowns;             /* (L) power-down IRPs that wait for the hardware */
    PIO_WORKITEM PowerWork; /* turns the device off; queued by whoever has the hardware */
    PIRP SystemPowerIrp;    /* a system power IRP that waits for its device power IRP */

    KDPC ServiceDpc; /* takes requests from the queues */
    KTIMER WatchdogTimer;
    KDPC WatchdogDpc;
    BOOLEAN WatchdogSet; /* (L) */

    /* (X) From START to STOP or removal. */
    PUCHAR Registers;
    SIZE_T RegisterBytes;
    PKINTERRUPT Interrupt;
    PDMA_ADAPTER Adapter;
    ULONG MapRegisters; /* most that one list may need */
    PVOID Common;
    PHYSICAL_ADDRESS CommonLogicalAddress;
    ULONG ListBufferBytes;
    BOOLEAN DeviceReady; /* programmed and its interrupt enabled since it last had no power */

    BOOLEAN InterruptsOn; /* (I) */
} SGLIST_EXTENSION;

static __inline ULONG SglistRead(PSGLIST_EXTENSION Extension, ULONG Offset)
{
    return READ_REGISTER_ULONG((PULONG)(Extension->Registers + Offset));
}

static __inline VOID SglistWrite(PSGLIST_EXTENSION Extension, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Extension->Registers + Offset), Value);
}

static __inline UCHAR SglistReadCsr(PSGLIST_CHANNEL Channel)
{
    return READ_REGISTER_UCHAR(Channel->Extension->Registers + PLX_DMACSR(Channel->Index));
}

static __inline VOID SglistWriteCsr(PSGLIST_CHANNEL Channel, UCHAR Value)
{
    WRITE_REGISTER_UCHAR(Channel->Extension->Registers + PLX_DMACSR(Channel->Index), Value);
}

/* --- sglist.c --- */
DRIVER_INITIALIZE DriverEntry;
DRIVER_ADD_DEVICE SglistAddDevice;
DRIVER_UNLOAD SglistUnload;
DRIVER_DISPATCH SglistCreate;
DRIVER_DISPATCH SglistClose;
DRIVER_DISPATCH SglistSystemControl;

/* Completes an IRP that could not get the remove lock. Returns Status. */
NTSTATUS SglistRefuseIrp(PIRP Irp, NTSTATUS Status);

/* Completes an IRP and releases its remove lock; the extension may be gone afterwards. Returns
 * Status. */
NTSTATUS SglistCompleteIrp(PSGLIST_EXTENSION Extension, PIRP Irp, NTSTATUS Status,
                           ULONG_PTR Information);

/* Passes an IRP down that needs nothing more, and releases its remove lock. Returns the status of
 * the driver below. */
NTSTATUS SglistForwardIrp(PSGLIST_EXTENSION Extension, PIRP Irp);

/* --- sglist_pnp.c --- */
DRIVER_DISPATCH SglistPnp;

/* --- sglist_power.c --- */
DRIVER_DISPATCH SglistPower;

/* PASSIVE_LEVEL. Waits until no request is in flight and takes the hardware. Set a hold first, or
 * requests go on leaving the queues. */
VOID SglistTakeHardware(PSGLIST_EXTENSION Extension);

/* <= DISPATCH_LEVEL, by whoever has the hardware. Brings it to the power state that is due, gives
 * it up, lets queued requests go and forwards a power-down that waited. Only a remove lock
 * reference or a running DPC keeps the extension alive for the caller afterwards. */
VOID SglistLeaveHardware(PSGLIST_EXTENSION Extension);

/* Lock held; the caller's request is no longer in flight. TRUE: it was the last one and a
 * power-down waits, so the caller has the hardware now and calls SglistQueuePowerDown without the
 * lock. */
BOOLEAN SglistRequestLeftLocked(PSGLIST_EXTENSION Extension);

/* <= DISPATCH_LEVEL. Hands the hardware to a work item, which calls SglistLeaveHardware. */
VOID SglistQueuePowerDown(PSGLIST_EXTENSION Extension);

/* --- sglist_queue.c --- */
DRIVER_DISPATCH SglistReadWrite;
DRIVER_DISPATCH SglistDeviceControl;
DRIVER_DISPATCH SglistCleanup;
KDEFERRED_ROUTINE SglistServiceDpc;

/* Where new requests wait. */
NTSTATUS SglistInitializeQueue(PSGLIST_CHANNEL Channel);

/* Lock held. Queues the service DPC if a request could leave a queue. */
VOID SglistKickLocked(PSGLIST_EXTENSION Extension);

/* Puts an IRP at the end of the channel's queue, or at its head. STATUS_PENDING: it is queued and
 * may be gone already. Else it is refused, and the caller completes it. */
NTSTATUS SglistQueueIrp(PSGLIST_CHANNEL Channel, PIRP Irp, BOOLEAN AtHead);

/* Completes the queued IRPs of a file object (NULL: all) with Status. */
VOID SglistFailQueued(PSGLIST_EXTENSION Extension, PFILE_OBJECT FileObject, NTSTATUS Status);

/* --- sglist_request.c --- */

/* DISPATCH_LEVEL. Starts an IRP that has just left the queue in a place that was reserved for it.
 */
VOID SglistStartRequest(PSGLIST_REQUEST Request, PIRP Irp);

/* DISPATCH_LEVEL, by the owner of a request without a list. Completes it, leaves it to its cancel
 * routine or puts it back into its queue. The extension may be gone for the caller afterwards,
 * unless that is a DPC or holds the remove lock itself. */
VOID SglistFinishRequest(PSGLIST_REQUEST Request, NTSTATUS Status);

/* Lock held. The request is to end with Status. TRUE: the caller now owns it, and calls
 * SglistAbortRequest without the lock. FALSE: its owner, or SglistListControl, ends it. */
BOOLEAN SglistStopRequestLocked(PSGLIST_REQUEST Request, NTSTATUS Status);

/* <= DISPATCH_LEVEL. The same for all requests in flight, and aborts those that it gets. */
VOID SglistStopRequests(PSGLIST_EXTENSION Extension, NTSTATUS Status);

/* --- sglist_dma.c --- */
KDEFERRED_ROUTINE SglistListDpc;

/* DISPATCH_LEVEL, by the owner of a request without a list: goes on with its next piece. */
VOID SglistStartPiece(PSGLIST_REQUEST Request);

/* DISPATCH_LEVEL, by the owner of a request whose chain the channel has ended; the channel still
 * belongs to it. */
VOID SglistPieceDone(PSGLIST_REQUEST Request, NTSTATUS Status);

/* DISPATCH_LEVEL, by the owner of a request that has a list and may be on its channel: takes it off
 * the channel and ends it with its StopStatus. */
VOID SglistAbortRequest(PSGLIST_REQUEST Request);

/* --- sglist_hw.c --- */
KSERVICE_ROUTINE SglistIsr;
IO_DPC_ROUTINE SglistDpcForIsr;
KDEFERRED_ROUTINE SglistWatchdogDpc;
KSYNCHRONIZE_ROUTINE SglistProgramDevice;     /* context: the extension */
KSYNCHRONIZE_ROUTINE SglistDisableInterrupts; /* context: the extension */

/* <= DISPATCH_LEVEL, by whoever has the hardware. Resets the bridge and turns its interrupt off. */
VOID SglistResetDevice(PSGLIST_EXTENSION Extension);

/* Lock held. Starts the next ready chain if the channel is idle. */
VOID SglistStartChannelLocked(PSGLIST_CHANNEL Channel);

/* <= DISPATCH_LEVEL, by the owner of the running request. Returns when the channel moves no more
 * data: it says so, it was reset, or it is not there. Bounded. */
VOID SglistStopChannel(PSGLIST_CHANNEL Channel);

#endif
