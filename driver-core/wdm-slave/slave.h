/*
 * slave.h: a driver for a floppy disk controller, the Intel 82077AA, on the system DMA controller.
 *
 * Requests go through the device queue (IoStartPacket, StartIo), one at a time. A request holds the
 * adapter channel from AdapterControl to its end; it is cut into pieces that end with a sector, a
 * cylinder or the map registers, each mapped, moved and flushed before the next. A request begins
 * at the sector that its offset lies in, and wraps at the end of the disk.
 *
 * Terms
 *   piece   one MapTransfer, one data command, one FlushAdapterBuffers.
 *   slot    the right to use the device. A request has it from StartIo until it is complete; PnP
 *           and power code take it for as long as they change the hardware. SLAVE_EXTENSION.Phase
 *           says who has it.
 *   hold    a reason why no request may take the slot. SLAVE_EXTENSION.Holds is the set of them.
 *   parked  the current IRP of the device queue, which StartIo did not start because of a hold or
 *           because the slot was taken. It can be cancelled.
 *
 * Locking
 *   The cancel spin lock guards the device queue and CurrentIrp. SLAVE_EXTENSION.Lock guards
 *   everything marked (L) and is taken inside it; the interrupt lock is inside both and guards what
 *   is marked (I) and the FIFO of the controller. Fields marked (S) belong to whoever has the slot.
 *   Nothing is completed, forwarded or waited for under a lock.
 */
#ifndef SLAVE_H
#define SLAVE_H

#include <ntddk.h>

/* --- The controller: ports from the first. --- */

#define FDC_PORTS  8u
#define FDC_DOR    2u /* digital output */
#define FDC_STATUS 4u /* main status, read only */
#define FDC_FIFO   5u
#define FDC_RATE   7u /* data rate, write only */

#define FDC_DOR_DRIVE_0 ((UCHAR)0x00)
#define FDC_DOR_RUN     ((UCHAR)0x04) /* clear: reset */
#define FDC_DOR_GATE    ((UCHAR)0x08) /* interrupt and DMA request reach the bus */
#define FDC_DOR_MOTOR_0 ((UCHAR)0x10)

#define FDC_STATUS_REQUEST ((UCHAR)0x80) /* the FIFO wants the processor */
#define FDC_STATUS_TO_HOST ((UCHAR)0x40) /* … to read */
#define FDC_STATUS_BUSY    ((UCHAR)0x10)

#define FDC_ABSENT ((UCHAR)0xFF) /* what every port of a missing controller reads as */

#define FDC_SPECIFY         ((UCHAR)0x03)
#define FDC_WRITE_DATA      ((UCHAR)0xC5) /* both sides, double density */
#define FDC_READ_DATA       ((UCHAR)0xC6)
#define FDC_RECALIBRATE     ((UCHAR)0x07)
#define FDC_SENSE_INTERRUPT ((UCHAR)0x08)
#define FDC_SEEK            ((UCHAR)0x0F)
#define FDC_VERSION         ((UCHAR)0x10)
#define FDC_CONFIGURE       ((UCHAR)0x13)

#define FDC_VERSION_82077 ((UCHAR)0x90)

#define FDC_ST0_CODE     ((UCHAR)0xC0) /* 0: the command ended well */
#define FDC_ST0_INVALID  ((UCHAR)0x80)
#define FDC_ST0_SEEK_END ((UCHAR)0x20)

#define FDC_RESULT_BYTES 7u  /* of a data command */
#define FDC_POLLS        50u /* looks at the status before a controller is given up */

/* A disk of 1.44 MB. */
#define FDC_CYLINDERS        80u
#define FDC_SECTORS          18u
#define FDC_SECTOR_BYTES     512u
#define FDC_CYLINDER_SECTORS (2u * FDC_SECTORS)
#define FDC_DISK_SECTORS     (FDC_CYLINDERS * FDC_CYLINDER_SECTORS)
#define FDC_PIECE_MAX        (FDC_CYLINDER_SECTORS * FDC_SECTOR_BYTES)

/* --- The driver. --- */

#define SLAVE_TAG 0x76616C53u /* "Slav" in memory */

#define SLAVE_NO_CYLINDER 0xFFu /* nobody knows where the heads are */

/* A piece that is not done after this many ticks of the watchdog is given up. */
#define SLAVE_TICK_100NS  (100 * 10000)
#define SLAVE_PIECE_TICKS 5u

/* Who has the slot (SLAVE_EXTENSION.Phase). */
typedef enum _SLAVE_PHASE {
    SlavePhaseIdle,        /* nobody */
    SlavePhaseChannelWait, /* a request, until AdapterControl has run */
    SlavePhaseGranted,     /* a request; AdapterControl kept the channel */
    SlavePhaseRefused,     /* a request that is to stop; AdapterControl gave the channel back */
    SlavePhaseRunning,     /* a request; the device works. Who makes this Owned goes on */
    SlavePhaseOwned        /* the routine that set it goes on, nobody else */
} SLAVE_PHASE;

/* What the controller does for a running request. */
typedef enum _SLAVE_STAGE {
    SlaveRecalibrates, /* heads to cylinder 0 */
    SlaveSeeks,
    SlaveTransfers
} SLAVE_STAGE;

/* Why no request may take the slot (SLAVE_EXTENSION.Holds). */
#define SLAVE_HOLD_NOT_STARTED 0x1u
#define SLAVE_HOLD_STOP        0x2u /* from QUERY_STOP to START or CANCEL_STOP */
#define SLAVE_HOLD_POWER       0x4u /* not in D0, or on the way out of it */
#define SLAVE_HOLD_REMOVED     0x8u /* for good; StartIo fails requests instead of parking them */

typedef enum _SLAVE_PNP_STATE {
    SlaveNotStarted,
    SlaveStarted,
    SlaveStopPending,
    SlaveStopped,
    SlaveRemovePending,
    SlaveSurpriseRemoved,
    SlaveRemoved
} SLAVE_PNP_STATE;

/* The request that has the slot. */
typedef struct _SLAVE_REQUEST {
    PIRP Irp;               /* (L) NULL: none */
    NTSTATUS StopStatus;    /* (L) not success: end as soon as possible with this status */
    BOOLEAN Write;          /* (S) from memory to the disk */
    PMDL Mdl;               /* (S) */
    ULONG Length;           /* (S) bytes asked for */
    ULONG Moved;            /* (S) bytes moved and flushed */
    ULONG Sector;           /* (S) of the disk, where the next piece begins */
    PVOID MapRegisterBase;  /* (S) */
    ULONG MapRegisterCount; /* (S) */
    SLAVE_STAGE Stage;      /* (S) */
    PVOID PieceVa;     /* (S) what MapTransfer got: an index into the MDL, never dereferenced */
    ULONG PieceLength; /* (S) 0: nothing is mapped */
    ULONG TicksLeft;   /* (L) of the watchdog */
} SLAVE_REQUEST, *PSLAVE_REQUEST;

/* What the ISR found. */
typedef struct _SLAVE_RESULT {
    BOOLEAN Arrived;
    UCHAR Count; /* bytes: 2 of a seek, 7 of a data command */
    UCHAR Bytes[FDC_RESULT_BYTES];
} SLAVE_RESULT, *PSLAVE_RESULT;

typedef struct _SLAVE_EXTENSION {
    PDEVICE_OBJECT Self;
    PDEVICE_OBJECT LowerDevice;
    PDEVICE_OBJECT PhysicalDevice;
    IO_REMOVE_LOCK RemoveLock; /* held for each IRP that the driver has; tag: the IRP */

    KSPIN_LOCK Lock;
    SLAVE_PHASE Phase; /* (L) */
    KEVENT IdleEvent;  /* (L) signalled while Phase is Idle */
    ULONG Holds;       /* (L) */
    BOOLEAN Parked;    /* (L), changed with the cancel lock held too */
    LIST_ENTRY
        Waiting; /* (L) IRPs given to IoStartPacket and not started, by Tail.Overlay.ListEntry */
    SLAVE_REQUEST Request;
    SLAVE_PNP_STATE PnpState;         /* (L) */
    SLAVE_PNP_STATE PreviousPnpState; /* (L) what CANCEL_STOP and CANCEL_REMOVE go back to */
    DEVICE_POWER_STATE PowerState;    /* (L) */
    PIRP PowerIrp;                    /* (L) a power-down that waits for the slot to become free */

    LONG SpecialFiles; /* that the device carries: it may not be stopped or removed then */

    KDPC ServiceDpc; /* starts the parked request */
    KDPC GrantDpc;   /* goes on after AdapterControl */
    KTIMER WatchdogTimer;
    KDPC WatchdogDpc;

    /* (S) Hardware, from START to STOP or removal. */
    PUCHAR Ports; /* NULL: none */
    PKINTERRUPT Interrupt;
    PDMA_ADAPTER Adapter;
    ULONG MapRegisters;  /* most that one request may have */
    BOOLEAN DeviceReady; /* reset and its interrupt enabled since it last had no power */
    UCHAR Cylinder;      /* where the heads are, or SLAVE_NO_CYLINDER */

    BOOLEAN InterruptsOn; /* (I) */
    SLAVE_RESULT Result;  /* (I) of the running command */
} SLAVE_EXTENSION, *PSLAVE_EXTENSION;

static __inline UCHAR SlaveRead(PSLAVE_EXTENSION Extension, ULONG Port)
{
    return READ_PORT_UCHAR(Extension->Ports + Port);
}

static __inline VOID SlaveWrite(PSLAVE_EXTENSION Extension, ULONG Port, UCHAR Value)
{
    WRITE_PORT_UCHAR(Extension->Ports + Port, Value);
}

/* --- slave.c --- */
DRIVER_INITIALIZE DriverEntry;
DRIVER_ADD_DEVICE SlaveAddDevice;
DRIVER_UNLOAD SlaveUnload;
DRIVER_DISPATCH SlaveCreate;
DRIVER_DISPATCH SlaveClose;
DRIVER_DISPATCH SlaveSystemControl;

/* Completes an IRP that could not get the remove lock. Returns Status. */
NTSTATUS SlaveRefuseIrp(PIRP Irp, NTSTATUS Status);

/* Completes an IRP and releases its remove lock; the extension may be gone afterwards. Returns
 * Status. */
NTSTATUS SlaveCompleteIrp(PSLAVE_EXTENSION Extension, PIRP Irp, NTSTATUS Status,
                          ULONG_PTR Information);

/* Passes an IRP down that needs nothing more, and releases its remove lock. Returns the status of
 * the driver below. */
NTSTATUS SlaveForwardIrp(PSLAVE_EXTENSION Extension, PIRP Irp);

/* --- slave_pnp.c --- */
DRIVER_DISPATCH SlavePnp;

/* --- slave_power.c --- */
DRIVER_DISPATCH SlavePower;

/* PASSIVE_LEVEL. Waits until nobody has the slot and takes it. Set a hold first, or requests go on
 * taking it. */
VOID SlaveTakeSlot(PSLAVE_EXTENSION Extension);

/* <= DISPATCH_LEVEL, by the owner of the slot. Brings the hardware to the power state that is due,
 * gives the slot up, lets the parked request go and forwards a power-down that waited. Only a
 * remove lock reference or a running DPC keeps the extension alive for the caller afterwards. */
VOID SlaveLeaveSlot(PSLAVE_EXTENSION Extension);

/* --- slave_queue.c --- */
DRIVER_DISPATCH SlaveReadWrite;
DRIVER_DISPATCH SlaveCleanup;
DRIVER_STARTIO SlaveStartIo;
KDEFERRED_ROUTINE SlaveServiceDpc;

/* Lock held. Queues the service DPC if the parked request could take the slot. */
VOID SlaveKickLocked(PSLAVE_EXTENSION Extension);

/* <= DISPATCH_LEVEL. Gives the parked request, if there is one, to StartIo again. After
 * SLAVE_HOLD_REMOVED was set this fails all requests that wait. */
VOID SlaveResume(PSLAVE_EXTENSION Extension);

/* DISPATCH_LEVEL, by the owner of a request that has no channel any more. Completes it, gives the
 * slot up and starts the next packet. The extension may be gone for the caller afterwards, unless
 * that is a DPC or holds the remove lock itself. */
VOID SlaveFinishRequest(PSLAVE_EXTENSION Extension, NTSTATUS Status, ULONG Information);

/* --- slave_dma.c --- */
KDEFERRED_ROUTINE SlaveGrantDpc;

/* DISPATCH_LEVEL. For the request that StartIo has just given the slot; the phase is ChannelWait.
 */
VOID SlaveAllocateChannel(PSLAVE_EXTENSION Extension);

/* DISPATCH_LEVEL, by the owner of a request whose command has ended with this result. */
VOID SlaveCommandDone(PSLAVE_EXTENSION Extension, const SLAVE_RESULT *Result);

/* Lock held; a request has the slot. It is to end with Status, unless it is to stop already. TRUE:
 * the caller now owns it, and calls SlaveAbortRequest without the lock. FALSE: its owner ends it.
 */
BOOLEAN SlaveStopRequestLocked(PSLAVE_EXTENSION Extension, NTSTATUS Status);

/* DISPATCH_LEVEL, by the owner of a request whose command may still be running: stops the device
 * and ends the request with its StopStatus, as SlaveFinishRequest does. */
VOID SlaveAbortRequest(PSLAVE_EXTENSION Extension);

/* --- slave_fdc.c --- */
KSERVICE_ROUTINE SlaveIsr;
IO_DPC_ROUTINE SlaveDpcForIsr;
KDEFERRED_ROUTINE SlaveWatchdogDpc;
KSYNCHRONIZE_ROUTINE SlaveEnableInterrupts;  /* context: the extension */
KSYNCHRONIZE_ROUTINE SlaveDisableInterrupts; /* context: the extension */

/* A command for the controller. */
typedef struct _SLAVE_COMMAND {
    PSLAVE_EXTENSION Extension;
    BOOLEAN Accepted; /* out: the controller took all bytes */
    UCHAR Count;
    UCHAR Bytes[9];
} SLAVE_COMMAND, *PSLAVE_COMMAND;

KSYNCHRONIZE_ROUTINE SlaveIssueCommand; /* context: SLAVE_COMMAND */

/* <= DISPATCH_LEVEL, by the owner of the slot, interrupts off. Resets the controller and tells it
 * how it is used. FALSE: it does not answer. */
BOOLEAN SlaveResetDevice(PSLAVE_EXTENSION Extension);

/* PASSIVE_LEVEL, by the owner of the slot, interrupts off. There is an 82077AA, or one that is
 * compatible. */
BOOLEAN SlaveFindDevice(PSLAVE_EXTENSION Extension);

/* <= DISPATCH_LEVEL, by the owner of the slot. Returns when the controller moves no more data. */
VOID SlaveStopDevice(PSLAVE_EXTENSION Extension);

#endif
