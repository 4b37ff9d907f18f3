/*
 * capture.h: a KMDF function driver for a capture device: the PCM-in channel of the AC '97
 * controller in an Intel ICH4.
 *
 * The stream is self-managed I/O. From Init, or Restart, to Suspend the channel fills a ring of
 * buffers in a common buffer, and the driver copies them into the reads that wait. Reads are the
 * driver's own: their queue is not power-managed, they wait through sleep, and only cancellation,
 * the data they asked for, or Flush ends them.
 *
 * Words
 *   buffer    one descriptor's part of the ring. The channel owns Ahead of them from Next on; those
 *             that it is through with are filled, until the driver has copied them.
 *   pending   a read in the driver's list. Who takes it out of the list and finds it not cancelled
 *             has claimed it, and completes it; a cancelled one is its cancel callback's.
 *
 * Locking
 *   CAPTURE_DEVICE.Lock guards fields marked (L) and the channel's last valid index. Fields marked
 *   (I) belong to the interrupt lock. No request is completed under a lock.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <ntddk.h>
#include <wdf.h>

/* --- The device. --- */

#define PI_BDBAR           0x00 /* address of the descriptors */
#define PI_CIV             0x04 /* current index, a byte */
#define PI_LVI             0x05 /* last valid index, a byte */
#define PI_SR              0x06 /* status, 16 bits */
#define PI_CR              0x0B /* control, a byte */
#define GLOB_CNT           0x2C
#define GLOB_STA           0x30
#define ICH_REGISTER_BYTES 0x100

#define SR_DCH    0x0001u /* the channel is halted */
#define SR_CELV   0x0002u /* because it is through with the last valid buffer */
#define SR_LVBCI  0x0004u /* it is through with the last valid buffer */
#define SR_BCIS   0x0008u /* it is through with a buffer */
#define SR_FIFOE  0x0010u /* the bus refused it */
#define SR_CAUSES (SR_LVBCI | SR_BCIS | SR_FIFOE)
#define SR_ABSENT 0xFFFFu

#define CR_RUN              ((UCHAR)0x01)
#define CR_RESET            ((UCHAR)0x02)
#define CR_LAST_INTERRUPT   ((UCHAR)0x04)
#define CR_ERROR_INTERRUPT  ((UCHAR)0x08)
#define CR_BUFFER_INTERRUPT ((UCHAR)0x10)
#define CR_INTERRUPTS       ((UCHAR)(CR_LAST_INTERRUPT | CR_ERROR_INTERRUPT | CR_BUFFER_INTERRUPT))

#define GLOB_CNT_RUNNING 0x00000002u /* not in cold reset */
#define GLOB_STA_READY   0x00000100u
#define GLOB_ABSENT      0xFFFFFFFFu

typedef struct _ICH_DESCRIPTOR {
    ULONG Address;
    USHORT Samples;
    USHORT Control;
} ICH_DESCRIPTOR, *PICH_DESCRIPTOR;

#define ICH_DESCRIPTORS  32u
#define ICH_INTERRUPT    ((USHORT)0x8000) /* when the buffer is done */
#define ICH_SAMPLE_BYTES 2u

/* --- The driver. --- */

#define CAPTURE_BUFFER_BYTES 512u
#define CAPTURE_AHEAD        8u /* buffers that the channel may fill */
#define CAPTURE_DATA_OFFSET  PAGE_SIZE
#define CAPTURE_RING_BYTES   (CAPTURE_DATA_OFFSET + ICH_DESCRIPTORS * CAPTURE_BUFFER_BYTES)

#define CAPTURE_STOP_POLLS 50u /* looks at the channel, a microsecond apart, before it is reset */
#define CAPTURE_TICK_MS    10u /* how long an interrupt may be missed */

typedef struct _CAPTURE_DEVICE {
    WDFDEVICE Device;
    WDFQUEUE Queue;
    WDFINTERRUPT Interrupt;
    WDFDMAENABLER Enabler;
    WDFTIMER Timer; /* looks at the ring while the stream runs */
    WDFSPINLOCK Lock;
    PUCHAR Registers; /* from PrepareHardware to ReleaseHardware */
    SIZE_T RegisterBytes;

    WDFCOMMONBUFFER Ring; /* from Init to Cleanup, else NULL */
    PICH_DESCRIPTOR Descriptors;
    PUCHAR Data;

    LIST_ENTRY Pending; /* (L) CAPTURE_REQUEST.Link */
    NTSTATUS Refusal;   /* (L) a failure: no read may wait, each ends with it */
    BOOLEAN Streaming;  /* (L) the channel runs, or has halted because the ring is full */
    ULONG Next;         /* (L) the first buffer that has not been copied */
    ULONG Offset;       /* (L) bytes of it that have */
    ULONG Filled;       /* (L) buffers from Next on that the channel was through with */

    BOOLEAN InterruptsOn; /* (I) */
    USHORT Causes;        /* (I) what the ISR has seen */
} CAPTURE_DEVICE, *PCAPTURE_DEVICE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(CAPTURE_DEVICE, CaptureGetDevice)

typedef struct _CAPTURE_REQUEST {
    LIST_ENTRY Link; /* (L) empty: not pending */
    WDFREQUEST Request;
    PUCHAR Buffer;
    ULONG Length;
    ULONG Copied; /* (L) */
} CAPTURE_REQUEST, *PCAPTURE_REQUEST;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(CAPTURE_REQUEST, CaptureGetRequest)

/* --- capture.c --- */
DRIVER_INITIALIZE DriverEntry;
EVT_WDF_DRIVER_DEVICE_ADD EvtCaptureDeviceAdd;

/* --- capture_power.c --- */
EVT_WDF_DEVICE_PREPARE_HARDWARE EvtCapturePrepareHardware;
EVT_WDF_DEVICE_RELEASE_HARDWARE EvtCaptureReleaseHardware;
EVT_WDF_DEVICE_D0_ENTRY EvtCaptureD0Entry;
EVT_WDF_DEVICE_D0_EXIT EvtCaptureD0Exit;

/* --- capture_stream.c --- */
EVT_WDF_DEVICE_SELF_MANAGED_IO_INIT EvtCaptureInit;
EVT_WDF_DEVICE_SELF_MANAGED_IO_SUSPEND EvtCaptureSuspend;
EVT_WDF_DEVICE_SELF_MANAGED_IO_RESTART EvtCaptureRestart;
EVT_WDF_DEVICE_SELF_MANAGED_IO_FLUSH EvtCaptureFlush;
EVT_WDF_DEVICE_SELF_MANAGED_IO_CLEANUP EvtCaptureCleanup;
EVT_WDF_TIMER EvtCaptureTimer;

/* --- capture_request.c --- */
EVT_WDF_IO_QUEUE_IO_READ EvtCaptureRead;

/* <= DISPATCH_LEVEL. Copies what is filled into the reads that wait, and completes those that have
 * all they asked for. */
VOID CaptureServe(PCAPTURE_DEVICE Device);

/* <= DISPATCH_LEVEL. No data will come any more: completes every pending read with Status, a
 * failure, and refuses those to come until the stream begins anew. */
VOID CaptureRefuse(PCAPTURE_DEVICE Device, NTSTATUS Status);

/* --- capture_hw.c --- */
EVT_WDF_INTERRUPT_ISR EvtCaptureIsr;
EVT_WDF_INTERRUPT_DPC EvtCaptureDpc;
EVT_WDF_INTERRUPT_ENABLE EvtCaptureInterruptEnable;
EVT_WDF_INTERRUPT_DISABLE EvtCaptureInterruptDisable;

/* <= DISPATCH_LEVEL. FALSE: the device is not there. */
BOOLEAN CaptureResetController(PCAPTURE_DEVICE Device);
/* PASSIVE_LEVEL, with a new ring. */
VOID CaptureStartChannel(PCAPTURE_DEVICE Device);
/* <= DISPATCH_LEVEL. Returns when the channel moves no more data, or is not there. Bounded. */
VOID CaptureStopChannel(PCAPTURE_DEVICE Device);
/* Lock held, while the stream runs. Buffers from Next on that the channel is through with. */
ULONG CaptureLookLocked(PCAPTURE_DEVICE Device);
/* Lock held. The channel may fill Ahead buffers from Next on. */
VOID CaptureGiveLocked(PCAPTURE_DEVICE Device);

#endif
