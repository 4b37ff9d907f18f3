/*
 * packet.h: a driver for a bus master without scatter/gather hardware, the AMCC S5933.
 *
 * The part moves one contiguous run at a time, to memory or from it; the driver never uses both of
 * its engines at once. Reads and writes are direct I/O; a longer or scattered request is cut into
 * pieces, each mapped, moved and flushed before the next (packet_dma.c).
 *
 * Terms
 *   piece   one MapTransfer, one device operation, one FlushAdapterBuffers.
 *   slot    the right to use the device. A request has it from the moment it leaves the queue until
 * it is complete; PnP and power code take it for as long as they change the hardware.
 * PACKET_EXTENSION.Phase says who has it. hold    a reason why no queued request may take the slot.
 * PACKET_EXTENSION.Holds is the set of them.
 *
 * Locking
 *   PACKET_EXTENSION.Lock guards everything marked (L). The cancel spin lock is outside it, the
 * interrupt lock inside. Fields marked (I) belong to the interrupt lock; fields marked (S) to
 * whoever has the slot. Nothing is completed, forwarded or waited for under a lock.
 */
#ifndef PACKET_H
#define PACKET_H

#include <ntddk.h>

/* --- The device. --- */

#define S5933_MWAR   0x24 /* address of a run to memory, a multiple of 4; follows the data */
#define S5933_MWTC   0x28 /* bytes of it that are left */
#define S5933_MRAR   0x2C /* the same for a run from memory */
#define S5933_MRTC   0x30
#define S5933_INTCSR 0x38 /* S5933_INTCSR_*, S5933_EVENT_*; interrupts */
#define S5933_MCSR   0x3C /* S5933_MCSR_*; the bus master */

#define S5933_REGISTER_BYTES 0x40
#define S5933_ALIGNMENT      FILE_LONG_ALIGNMENT
#define S5933_ABSENT         0xFFFFFFFFu /* what every register of a missing device reads as */

#define S5933_INTCSR_WRITE_ENABLE                                                                  \
    0x00004000u                              /* interrupt when MWTC gets zero, or after an abort   \
                                              */
#define S5933_INTCSR_READ_ENABLE 0x00008000u /* the same for MRTC */
#define S5933_INTCSR_ASSERTED    0x00800000u /* read only */

/* In INTCSR; a one written clears the bit. */
#define S5933_EVENT_WRITE_DONE   0x00040000u /* MWTC got zero */
#define S5933_EVENT_READ_DONE    0x00080000u
#define S5933_EVENT_MASTER_ABORT 0x00100000u /* nobody took the address */
#define S5933_EVENT_TARGET_ABORT 0x00200000u
#define S5933_EVENT_ABORTS       (S5933_EVENT_MASTER_ABORT | S5933_EVENT_TARGET_ABORT)
#define S5933_EVENT_MASK         (S5933_EVENT_WRITE_DONE | S5933_EVENT_READ_DONE | S5933_EVENT_ABORTS)

#define S5933_MCSR_WRITE_ENABLE 0x00000400u /* runs to memory; clear: none, at once */
#define S5933_MCSR_READ_ENABLE  0x00004000u
#define S5933_MCSR_RESET_ADD_ON 0x01000000u /* while it is set */
#define S5933_MCSR_RESET_FIFOS  0x06000000u

/* --- For applications. --- */

/* The class of the interface that a started device has. */
/* {6f0d2c5e-91b7-4d0a-8a53-2f4be1c97d38} */
DEFINE_GUID(GUID_DEVINTERFACE_PACKET, 0x6f0d2c5e, 0x91b7, 0x4d0a, 0x8a, 0x53, 0x2f, 0x4b, 0xe1,
            0xc9, 0x7d, 0x38);

typedef struct _PACKET_STATISTICS {
    ULONG Pieces;    /* mapped, moved and flushed */
    ULONG Completed; /* requests that succeeded */
    ULONG Failed;    /* requests that had the device and ended otherwise */
    ULONG Reserved;
    ULONGLONG BytesRead;
    ULONGLONG BytesWritten;
} PACKET_STATISTICS, *PPACKET_STATISTICS;

/* Output: PACKET_STATISTICS. */
#define IOCTL_PACKET_GET_STATISTICS                                                                \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* Moves what would be the output buffer to the device: a write by another name. */
#define IOCTL_PACKET_SEND CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_IN_DIRECT, FILE_WRITE_ACCESS)

/* --- The driver. --- */

#define PACKET_TAG 0x746B6350u /* "Pckt" in memory */

/* Bytes per piece. The part could move far more; map registers are scarce. */
#define PACKET_PIECE_MAX 16384u

/* A piece that is not done after this many ticks of the watchdog is aborted. */
#define PACKET_TICK_100NS  (100 * 10000)
#define PACKET_PIECE_TICKS 5u

/* Who has the slot (PACKET_EXTENSION.Phase). */
typedef enum _PACKET_PHASE {
    PacketPhaseIdle,        /* nobody */
    PacketPhaseChannelWait, /* a request, until AdapterControl has run */
    PacketPhaseGranted,     /* a request; AdapterControl kept the map registers */
    PacketPhaseRefused,     /* a request that is to stop; AdapterControl gave them back */
    PacketPhaseRunning,     /* a request; the device works. Who makes this Owned ends the piece */
    PacketPhaseOwned        /* the routine that set it goes on, nobody else */
} PACKET_PHASE;

/* Why no queued request may take the slot (PACKET_EXTENSION.Holds). */
#define PACKET_HOLD_NOT_STARTED 0x1u
#define PACKET_HOLD_STOP        0x2u /* from QUERY_STOP to START or CANCEL_STOP */
#define PACKET_HOLD_POWER       0x4u /* not in D0, or on the way out of it */
#define PACKET_HOLD_REMOVED     0x8u /* for good; new requests are refused instead of queued */

typedef enum _PACKET_PNP_STATE {
    PacketNotStarted,
    PacketStarted,
    PacketStopPending,
    PacketStopped,
    PacketRemovePending,
    PacketSurpriseRemoved,
    PacketRemoved
} PACKET_PNP_STATE;

/* Where the IRP of a transfer is, in Tail.Overlay.DriverContext[0]; guarded by the lock. The cancel
 * routine stays set from queueing to completion and acts on this. */
typedef enum _PACKET_IRP_PLACE {
    PacketIrpQueued, /* in the queue; the cancel routine takes it out and completes it */
    PacketIrpActive, /* has the slot; the cancel routine asks for it to be stopped */
    PacketIrpLeft    /* its cancel routine is on its way and completes it; nobody else touches it */
} PACKET_IRP_PLACE;

/* The request that has the slot. */
typedef struct _PACKET_REQUEST {
    PIRP Irp;               /* (L) NULL: none */
    NTSTATUS StopStatus;    /* (L) not success: end as soon as possible with this status */
    BOOLEAN CancelRan;      /* (L) the cancel routine has come and gone */
    BOOLEAN Write;          /* (S) from memory to the device */
    PMDL Mdl;               /* (S) */
    ULONG Length;           /* (S) bytes asked for */
    ULONG Moved;            /* (S) bytes moved and flushed */
    PVOID MapRegisterBase;  /* (S) may be NULL although registers were granted */
    ULONG MapRegisterCount; /* (S) */
    PVOID PieceVa;     /* (S) what MapTransfer got: an index into the MDL, never dereferenced */
    ULONG PieceLength; /* (S) 0: nothing is mapped */
    ULONG TicksLeft;   /* (L) of the watchdog */
} PACKET_REQUEST, *PPACKET_REQUEST;

typedef struct _PACKET_EXTENSION {
    PDEVICE_OBJECT Self;
    PDEVICE_OBJECT LowerDevice;
    PDEVICE_OBJECT PhysicalDevice;
    UNICODE_STRING InterfaceName;
    IO_REMOVE_LOCK RemoveLock; /* held for each IRP that the driver has; tag: the IRP */

    KSPIN_LOCK Lock;
    PACKET_PHASE Phase; /* (L) */
    KEVENT IdleEvent;   /* (L) signalled while Phase is Idle */
    ULONG Holds;        /* (L) */
    LIST_ENTRY Queue;   /* (L) IRPs, by Tail.Overlay.ListEntry */
    PACKET_REQUEST Request;
    PACKET_PNP_STATE PnpState;         /* (L) */
    PACKET_PNP_STATE PreviousPnpState; /* (L) what CANCEL_STOP and CANCEL_REMOVE go back to */
    DEVICE_POWER_STATE PowerState;     /* (L) */
    PIRP PowerIrp;                     /* (L) a power-down that waits for the slot to become free */
    PIRP SystemPowerIrp;               /* a system power IRP that waits for its device power IRP */
    PIO_WORKITEM PowerWork;       /* forwards a power-down that may not go down at DISPATCH_LEVEL */
    ULONG SpecialFiles;           /* (L) paging, hibernation and dump files on the device */
    ULONG PagingFiles;            /* (L) of these */
    PACKET_STATISTICS Statistics; /* (L) */

    KDPC ServiceDpc; /* starts the next request */
    KDPC GrantDpc;   /* goes on after AdapterControl */
    KTIMER WatchdogTimer;
    KDPC WatchdogDpc;

    /* (S) Hardware, from START to STOP or removal. */
    PUCHAR Registers;
    SIZE_T RegisterBytes;
    PKINTERRUPT Interrupt;
    PDMA_ADAPTER Adapter;
    ULONG MapRegisters;  /* most that one request may have */
    BOOLEAN DeviceReady; /* reset and its interrupt enabled since it last had no power */

    BOOLEAN InterruptsOn; /* (I) */
    ULONG Events;         /* (I) S5933_EVENT_* of the running piece that the ISR has seen */
} PACKET_EXTENSION, *PPACKET_EXTENSION;

static __inline ULONG PacketRead(PPACKET_EXTENSION Extension, ULONG Offset)
{
    return READ_REGISTER_ULONG((PULONG)(Extension->Registers + Offset));
}

static __inline VOID PacketWrite(PPACKET_EXTENSION Extension, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Extension->Registers + Offset), Value);
}

/* --- packet.c --- */
DRIVER_INITIALIZE DriverEntry;
DRIVER_ADD_DEVICE PacketAddDevice;
DRIVER_UNLOAD PacketUnload;
DRIVER_DISPATCH PacketCreate;
DRIVER_DISPATCH PacketClose;
DRIVER_DISPATCH PacketSystemControl;

/* Completes an IRP that could not get the remove lock. Returns Status. */
NTSTATUS PacketRefuseIrp(PIRP Irp, NTSTATUS Status);

/* Completes an IRP and releases its remove lock; the extension may be gone afterwards. Returns
 * Status. */
NTSTATUS PacketCompleteIrp(PPACKET_EXTENSION Extension, PIRP Irp, NTSTATUS Status,
                           ULONG_PTR Information);

/* Passes an IRP down that needs nothing more, and releases its remove lock. Returns the status of
 * the driver below. */
NTSTATUS PacketForwardIrp(PPACKET_EXTENSION Extension, PIRP Irp);

/* --- packet_pnp.c --- */
DRIVER_DISPATCH PacketPnp;

/* --- packet_power.c --- */
DRIVER_DISPATCH PacketPower;

/* PASSIVE_LEVEL. Waits until nobody has the slot and takes it. Set a hold first, or requests go on
 * taking it. */
VOID PacketTakeSlot(PPACKET_EXTENSION Extension);

/* <= DISPATCH_LEVEL, by the owner of the slot. Brings the hardware to the power state that is due,
 * gives the slot up, lets the next request go and forwards a power-down that waited. Only a remove
 * lock reference or a running DPC keeps the extension alive for the caller afterwards. */
VOID PacketLeaveSlot(PPACKET_EXTENSION Extension);

/* --- packet_io.c --- */
DRIVER_DISPATCH PacketReadWrite;
DRIVER_DISPATCH PacketDeviceControl;
DRIVER_DISPATCH PacketCleanup;

/* Lock held. Gives the slot to the next request of the queue (phase ChannelWait), if it is free and
 * holds permit. FALSE: none. */
BOOLEAN PacketTakeNextLocked(PPACKET_EXTENSION Extension);

/* Lock held. Queues the service DPC if a request could take the slot. */
VOID PacketKickLocked(PPACKET_EXTENSION Extension);

/* Completes the queued IRPs of a file object (NULL: all) with Status. */
VOID PacketFailQueued(PPACKET_EXTENSION Extension, PFILE_OBJECT FileObject, NTSTATUS Status);

/* DISPATCH_LEVEL, by the owner of a request that has nothing mapped or allocated any more.
 * Completes it (or leaves it to its cancel routine) and gives the slot up. The extension may be
 * gone for the caller afterwards, unless that is a DPC or holds the remove lock itself. */
VOID PacketFinishRequest(PPACKET_EXTENSION Extension, NTSTATUS Status, ULONG Information);

/* --- packet_dma.c --- */
KDEFERRED_ROUTINE PacketServiceDpc;
KDEFERRED_ROUTINE PacketGrantDpc;

/* DISPATCH_LEVEL, by the owner of a request whose piece the device has ended with these events. */
VOID PacketPieceDone(PPACKET_EXTENSION Extension, ULONG Events);

/* Lock held; a request has the slot. It is to end with Status, unless it is to stop already. TRUE:
 * the caller now owns it, and calls PacketAbortPiece without the lock. FALSE: its owner ends it. */
BOOLEAN PacketStopRequestLocked(PPACKET_EXTENSION Extension, NTSTATUS Status);

/* DISPATCH_LEVEL, by the owner of a request whose piece may still be running: stops the device and
 * ends the request with its StopStatus, as PacketFinishRequest does. */
VOID PacketAbortPiece(PPACKET_EXTENSION Extension);

/* --- packet_isr.c --- */
KSERVICE_ROUTINE PacketIsr;
IO_DPC_ROUTINE PacketDpcForIsr;
KDEFERRED_ROUTINE PacketWatchdogDpc;
KSYNCHRONIZE_ROUTINE PacketEnableInterrupts;  /* context: the extension */
KSYNCHRONIZE_ROUTINE PacketDisableInterrupts; /* context: the extension */
KSYNCHRONIZE_ROUTINE PacketTakeEvents;        /* context: PACKET_EVENTS_TAKEN */
KSYNCHRONIZE_ROUTINE PacketStartDevice;       /* context: PACKET_OPERATION */

typedef struct _PACKET_EVENTS_TAKEN {
    PPACKET_EXTENSION Extension;
    ULONG Events; /* out */
} PACKET_EVENTS_TAKEN;

typedef struct _PACKET_OPERATION {
    PPACKET_EXTENSION Extension;
    PHYSICAL_ADDRESS Address; /* logical */
    ULONG Length;
    BOOLEAN Write;
} PACKET_OPERATION;

/* <= DISPATCH_LEVEL, by the owner of the slot. Puts the device into its power-on state with its
 * interrupt off. */
VOID PacketResetDevice(PPACKET_EXTENSION Extension);

/* <= DISPATCH_LEVEL, by the owner of the slot. When it returns the device moves no more data. */
VOID PacketStopDevice(PPACKET_EXTENSION Extension);

/* <= DISPATCH_LEVEL, by the owner of a request whose run has ended: its bytes that were not moved,
 * or S5933_ABSENT. */
ULONG PacketBytesLeft(PPACKET_EXTENSION Extension);

#endif
