/*
 * v3sys.h: a driver for a serial port, the ARM PrimeCell UART (PL011), on the system DMA controller
 * by version 3 of the DMA operations.
 *
 * The receiver and the transmitter are on a request line each, so there are two channels, each with
 * an adapter of its own: channel 0 reads, channel 1 writes. A channel has one request at a time,
 * which moves its data piece by piece. The other end of the line marks the end of a message by a
 * break: a read ends there, full or not.
 *
 * Terms
 *   request  a read or write from the moment it leaves the queue until it is complete.
 *   grant    the adapter's channel and map registers, from AllocateAdapterChannelEx until they are
 *            freed: one for all pieces of a request.
 *   piece    what one MapTransferEx covers: a part of a request, or all of it.
 *   owner    the routine that goes on with a request (V3SYS_CHANNEL.Phase is Owned).
 *   hold     a reason why no request may leave the queues (V3SYS_EXTENSION.Holds).
 *
 * Locking
 *   V3SYS_EXTENSION.Lock guards everything marked (L). The cancel spin lock is outside it, the
 *   interrupt lock inside. Fields marked (I) belong to the interrupt lock, fields marked (O) to the
 *   owner of the request, fields marked (X) to whoever has the hardware (V3sysTakeHardware); they
 *   do not change while requests are in flight. Nothing is completed, forwarded or waited for under
 *   a lock, and no grant or transfer is asked for, withdrawn, cancelled or freed under one.
 */
#ifndef V3SYS_H
#define V3SYS_H

#include <ntddk.h>

/* --- The device. --- */

#define UART_DR             0x000                 /* data, with the errors of the character */
#define UART_FR             0x018                 /* flags */
#define UART_IBRD           0x024                 /* baud rate divisor, integer part */
#define UART_FBRD           0x028                 /* … and sixty-fourths */
#define UART_LCRH           0x02C                 /* line control */
#define UART_CR             0x030                 /* control */
#define UART_IMSC           0x038                 /* interrupts that are let through */
#define UART_MIS            0x040                 /* those that are asserted and let through */
#define UART_ICR            0x044                 /* clears them */
#define UART_DMACR          0x048                 /* DMA control */
#define UART_PERIPH(Index)  (0xFE0 + 4 * (Index)) /* identification, a byte in each of four */
#define UART_REGISTER_BYTES 0x1000

#define UART_ABSENT 0xFFFFFFFFu /* what every register of a missing device reads as */

#define UART_PART      0x011u /* in the low 12 bits of the identification */
#define UART_PART_MASK 0xFFFu

#define UART_FR_RX_EMPTY 0x10u
#define UART_FIFO_DEPTH  32u

#define UART_LCRH_FIFO  0x10u
#define UART_LCRH_8BITS 0x60u

#define UART_CR_ENABLE 0x0001u
#define UART_CR_TX     0x0100u
#define UART_CR_RX     0x0200u
#define UART_CR_RTS    0x0800u
#define UART_CR_RTS_HW 0x4000u /* the FIFO says whether the other end may send */
#define UART_CR_CTS_HW 0x8000u

#define UART_INT_ERRORS 0x0780u /* framing, parity, break, overrun */
#define UART_INT_ALL    0x07FFu

#define UART_DMACR_CHANNEL(Index) (1u << (Index)) /* its request line works */
#define UART_DMACR_ON_ERROR       0x4u /* an error interrupt stops that of the receiver */

#define UART_BAUD_INTEGER  13u /* 115200 Bd from 24 MHz */
#define UART_BAUD_FRACTION 1u

/* --- The driver. --- */

#define V3SYS_TAG 0x73797333u /* "3sys" in memory */

#define V3SYS_READ     0u /* channels */
#define V3SYS_WRITE    1u
#define V3SYS_CHANNELS 2u

#define V3SYS_PIECE_MAX ((ULONG)(2 * PAGE_SIZE)) /* bytes */

/* A piece that is not done after this many ticks of the watchdog is stopped. */
#define V3SYS_TICK_100NS  (100 * 10000)
#define V3SYS_PIECE_TICKS 5u

/* What becomes of the request of a channel (V3SYS_CHANNEL.Phase). */
typedef enum _V3SYS_PHASE {
    V3sysPhaseFree,        /* there is none */
    V3sysPhaseWaiting,     /* a grant was asked for; V3sysGrantDpc goes on */
    V3sysPhaseWithdrawing, /* as before, but the routine that set it cancels the wait */
    V3sysPhaseRunning,     /* a piece is mapped; V3sysDmaComplete ends it */
    V3sysPhaseStopping,    /* as before, but the routine that set it cancels the transfer */
    V3sysPhaseOwned        /* the routine that set it goes on, nobody else */
} V3SYS_PHASE;

/* Why no request may leave the queues (V3SYS_EXTENSION.Holds). */
#define V3SYS_HOLD_NOT_STARTED 0x1u
#define V3SYS_HOLD_STOP        0x2u /* from QUERY_STOP to START or CANCEL_STOP */
#define V3SYS_HOLD_POWER       0x4u /* not in D0, or on the way out of it */
#define V3SYS_HOLD_REMOVED     0x8u /* for good; new requests are refused instead of queued */

/* StopStatus of a request that ends with what it has: at the end of a message, or for a power-down;
 * then one that has nothing goes back to its queue. */
#define V3SYS_STOP_MESSAGE STATUS_END_OF_FILE
#define V3SYS_STOP_POWER   STATUS_RETRY

typedef enum _V3SYS_PNP_STATE {
    V3sysNotStarted,
    V3sysStarted,
    V3sysStopPending,
    V3sysStopped,
    V3sysRemovePending,
    V3sysSurpriseRemoved,
    V3sysRemoved
} V3SYS_PNP_STATE;

/* What becomes of the WAIT_WAKE request (V3SYS_EXTENSION.Wake). */
typedef enum _V3SYS_WAKE {
    V3sysWakeNone,       /* there is none */
    V3sysWakeSent,       /* on its way to V3sysWaitWake, or from V3sysWaitWakeDone to V3sysWoken */
    V3sysWakeWaits,      /* below the driver */
    V3sysWakeCancelling, /* as before, and V3sysDisarmWake cancels it */
    V3sysWakeKept        /* completed meanwhile; V3sysDisarmWake completes it on */
} V3SYS_WAKE;

typedef struct _V3SYS_EXTENSION *PV3SYS_EXTENSION;

/* A direction of the line, and its request. The IRP leads here by DriverContext[0] for as long as
 * the request may be stopped. */
typedef struct _V3SYS_CHANNEL {
    PV3SYS_EXTENSION Extension;
    ULONG Index;
    BOOLEAN Write;

    IO_CSQ Csq;       /* its lock is the extension's */
    LIST_ENTRY Queue; /* (L) IRPs, by Tail.Overlay.ListEntry */

    V3SYS_PHASE Phase;   /* (L) */
    PIRP Irp;            /* (L) NULL while it is being taken from the queue or given up */
    NTSTATUS StopStatus; /* (L) not success: end as soon as possible with this status */
    BOOLEAN Cancelled;   /* (L) no cancel routine will come any more */
    BOOLEAN Asked;       /* (L) the call that asked for the grant has returned */
    BOOLEAN Granted;     /* (L) and it has come */
    BOOLEAN Completed;   /* (L) the completion routine of the piece has run */
    ULONG TicksLeft;     /* (L) of the watchdog */
    KDPC GrantDpc;       /* goes on when the execution routine has returned */

    PMDL Mdl;            /* (O) */
    ULONG Length;        /* (O) bytes asked for */
    ULONG Moved;         /* (O) bytes moved by pieces that have ended */
    BOOLEAN Synchronous; /* (O) the grant was made without an execution routine */
    ULONG MapRegisters;  /* (O) of the grant */
    PVOID MapRegisterBase;
    ULONG PieceLength;             /* (O) bytes mapped; what MapTransferEx said */
    DMA_COMPLETION_STATUS Outcome; /* (O) of the piece */

    PDMA_ADAPTER Adapter;        /* (X) from START to STOP or removal */
    ULONG MapRegistersMax;       /* (X) most of one grant */
    BOOLEAN SynchronousCallback; /* (X) the adapter can grant at once or refuse */

    /* From AllocateAdapterChannelEx until the grant is freed or withdrawn this is the system's. */
    ULONGLONG TransferContext[DMA_TRANSFER_CONTEXT_SIZE_V1 / sizeof(ULONGLONG)];
} V3SYS_CHANNEL, *PV3SYS_CHANNEL;

typedef struct _V3SYS_EXTENSION {
    PDEVICE_OBJECT Self;
    PDEVICE_OBJECT LowerDevice;
    PDEVICE_OBJECT PhysicalDevice;
    IO_REMOVE_LOCK RemoveLock; /* held for each IRP that the driver has; tag: the IRP */

    KSPIN_LOCK Lock;
    ULONG Holds;       /* (L) */
    ULONG InFlight;    /* (L) requests that are not Free, and power-downs that stop them */
    BOOLEAN Exclusive; /* (L) PnP or power code has the hardware */
    KEVENT IdleEvent;  /* (L) signalled while nothing is in flight and nobody has the hardware */
    V3SYS_CHANNEL Channels[V3SYS_CHANNELS];
    V3SYS_PNP_STATE PnpState;         /* (L) */
    V3SYS_PNP_STATE PreviousPnpState; /* (L) what CANCEL_STOP and CANCEL_REMOVE go back to */
    DEVICE_POWER_STATE PowerState;    /* (L) */
    LIST_ENTRY PowerDowns;            /* (L) power-down IRPs that wait for the hardware */
    PIO_WORKITEM PowerWork;           /* turns the device off; queued by whoever has the hardware */
    PIRP SystemPowerIrp;              /* a system power IRP that waits for its device power IRP */

    SYSTEM_POWER_STATE SystemWake; /* deepest state that the UART wakes the machine from */
    V3SYS_WAKE Wake;               /* (L) */
    PIRP WakeIrp;                  /* (L) */
    BOOLEAN WakeUnwanted;          /* (L) it is to end: there will be no hardware */
    KEVENT WakeEvent;              /* (L) signalled while there is none */

    KDPC ServiceDpc; /* takes requests from the queues */
    KTIMER WatchdogTimer;
    KDPC WatchdogDpc;
    BOOLEAN WatchdogSet; /* (L) */

    /* (X) From START to STOP or removal. */
    PUCHAR Registers;
    SIZE_T RegisterBytes;
    PKINTERRUPT Interrupt;
    BOOLEAN DeviceReady; /* programmed and its interrupt enabled since it last had no power */

    BOOLEAN InterruptsOn; /* (I) */
    ULONG DmaControl;     /* (I) what is in UART_DMACR */
    BOOLEAN MessageEnded; /* (I) the ISR has seen a break or an error since the read began */
} V3SYS_EXTENSION;

static __inline ULONG V3sysRead(PV3SYS_EXTENSION Extension, ULONG Offset)
{
    return READ_REGISTER_ULONG((PULONG)(Extension->Registers + Offset));
}

static __inline VOID V3sysWrite(PV3SYS_EXTENSION Extension, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Extension->Registers + Offset), Value);
}

/* --- v3sys.c --- */
DRIVER_INITIALIZE DriverEntry;
DRIVER_ADD_DEVICE V3sysAddDevice;
DRIVER_UNLOAD V3sysUnload;
DRIVER_DISPATCH V3sysCreate;
DRIVER_DISPATCH V3sysClose;
DRIVER_DISPATCH V3sysSystemControl;

/* Completes an IRP that could not get the remove lock. Returns Status. */
NTSTATUS V3sysRefuseIrp(PIRP Irp, NTSTATUS Status);

/* Completes an IRP and releases its remove lock; the extension may be gone afterwards. Returns
 * Status. */
NTSTATUS V3sysCompleteIrp(PV3SYS_EXTENSION Extension, PIRP Irp, NTSTATUS Status,
                          ULONG_PTR Information);

/* Passes an IRP down that needs nothing more, and releases its remove lock. Returns the status of
 * the driver below. */
NTSTATUS V3sysForwardIrp(PV3SYS_EXTENSION Extension, PIRP Irp);

/* --- v3sys_pnp.c --- */
DRIVER_DISPATCH V3sysPnp;

/* --- v3sys_power.c --- */
DRIVER_DISPATCH V3sysPower;

/* PASSIVE_LEVEL. Waits until no request is in flight and takes the hardware. Set a hold first, or
 * requests go on leaving the queues. */
VOID V3sysTakeHardware(PV3SYS_EXTENSION Extension);

/* <= DISPATCH_LEVEL, by whoever has the hardware. Brings it to the power state that is due, gives
 * it up, lets queued requests go and forwards a power-down that waited. Only a remove lock
 * reference or a running DPC keeps the extension alive for the caller afterwards. */
VOID V3sysLeaveHardware(PV3SYS_EXTENSION Extension);

/* Lock held; the caller's request is no longer in flight. TRUE: it was the last one and a
 * power-down waits, so the caller has the hardware now and calls V3sysQueuePowerDown without the
 * lock. */
BOOLEAN V3sysRequestLeftLocked(PV3SYS_EXTENSION Extension);

/* <= DISPATCH_LEVEL. Hands the hardware to a work item, which calls V3sysLeaveHardware. */
VOID V3sysQueuePowerDown(PV3SYS_EXTENSION Extension);

/* --- v3sys_wake.c --- */

/* <= DISPATCH_LEVEL, by whoever has the hardware, which is on. Sends a WAIT_WAKE request unless
 * there is one, if the device can wake the machine. */
VOID V3sysArmWake(PV3SYS_EXTENSION Extension);

/* PASSIVE_LEVEL, by whoever has the hardware. Cancels the request and returns when it has ended. */
VOID V3sysDisarmWake(PV3SYS_EXTENSION Extension);

/* The request on its way down. Its IRP has the remove lock. */
NTSTATUS V3sysWaitWake(PV3SYS_EXTENSION Extension, PIRP Irp);

/* --- v3sys_queue.c --- */
DRIVER_DISPATCH V3sysReadWrite;
DRIVER_DISPATCH V3sysCleanup;
KDEFERRED_ROUTINE V3sysServiceDpc;

/* Where new requests wait. */
NTSTATUS V3sysInitializeQueue(PV3SYS_CHANNEL Channel);

/* Lock held. Queues the service DPC if a request could leave a queue. */
VOID V3sysKickLocked(PV3SYS_EXTENSION Extension);

/* Puts an IRP at the end of the channel's queue, or at its head. STATUS_PENDING: it is queued and
 * may be gone already. Else it is refused, and the caller completes it. */
NTSTATUS V3sysQueueIrp(PV3SYS_CHANNEL Channel, PIRP Irp, BOOLEAN AtHead);

/* Completes the queued IRPs of a file object (NULL: all) with Status. */
VOID V3sysFailQueued(PV3SYS_EXTENSION Extension, PFILE_OBJECT FileObject, NTSTATUS Status);

/* --- v3sys_request.c --- */

/* DISPATCH_LEVEL. Starts an IRP that has just left the queue on a channel that was reserved for it.
 */
VOID V3sysStartRequest(PV3SYS_CHANNEL Channel, PIRP Irp);

/* DISPATCH_LEVEL, by the owner of a request without a grant. Completes it, leaves it to its cancel
 * routine or puts it back into its queue. The extension may be gone for the caller afterwards,
 * unless that is a DPC or holds the remove lock itself. */
VOID V3sysFinishRequest(PV3SYS_CHANNEL Channel, NTSTATUS Status);

/* Lock held. The request is to end with Status. TRUE: the caller calls V3sysAbortRequest without
 * the lock. FALSE: its owner, or a routine that is called for it, ends it. */
BOOLEAN V3sysStopRequestLocked(PV3SYS_CHANNEL Channel, NTSTATUS Status);

/* <= DISPATCH_LEVEL. The same for all requests in flight, and aborts those that it gets. */
VOID V3sysStopRequests(PV3SYS_EXTENSION Extension, NTSTATUS Status);

/* --- v3sys_dma.c --- */
KDEFERRED_ROUTINE V3sysGrantDpc;

/* DISPATCH_LEVEL, by the owner of a request without a grant: asks for it. */
VOID V3sysAskForGrant(PV3SYS_CHANNEL Channel);

/* DISPATCH_LEVEL, after V3sysStopRequestLocked said so: withdraws a request that waits, or cancels
 * its transfer. */
VOID V3sysAbortRequest(PV3SYS_CHANNEL Channel);

/* --- v3sys_uart.c --- */
KSERVICE_ROUTINE V3sysIsr;
IO_DPC_ROUTINE V3sysDpcForIsr;
KDEFERRED_ROUTINE V3sysWatchdogDpc;
KSYNCHRONIZE_ROUTINE V3sysProgramDevice;     /* context: the extension */
KSYNCHRONIZE_ROUTINE V3sysDisableInterrupts; /* context: the extension */
KSYNCHRONIZE_ROUTINE V3sysBeginMessage;      /* context: the extension */
KSYNCHRONIZE_ROUTINE V3sysEnableLine;        /* context: the channel */
KSYNCHRONIZE_ROUTINE V3sysDisableLine;       /* context: the channel */

/* PASSIVE_LEVEL, by whoever has the hardware. There is a PL011. */
BOOLEAN V3sysFindDevice(PV3SYS_EXTENSION Extension);

/* <= DISPATCH_LEVEL, by whoever has the hardware. Stops the UART and turns its interrupt off. */
VOID V3sysResetDevice(PV3SYS_EXTENSION Extension);

/* Lock held. Sees to it that the watchdog looks at the channel from now on. */
VOID V3sysWatchLocked(PV3SYS_CHANNEL Channel);

#endif
