/*
 * sg.h: a KMDF function driver for a bus master with scatter/gather hardware: the DMA engine of a
 * PLX PCI 9656 bus bridge, with local memory behind it.
 *
 * Channel 0 moves writes to the local memory, channel 1 reads from it. Each channel has a
 * sequential, power-managed queue, so at most one request, and one DMA transaction that is used
 * again for every request.
 *
 * Words
 *   fragment  what one EvtProgramDma is given: a scatter/gather list of a part of the request.
 *   chain     the descriptors of a fragment, in a common buffer of the channel that Fill makes and
 *             Flush deletes.
 *   owner     the routine that goes on with a request (SG_CHANNEL.Phase is Owned): whoever makes it
 *             Owned under the lock, and nobody else, ends the fragment.
 *
 * Locking
 *   SG_DEVICE.Lock guards fields marked (L). The interrupt lock is inside it and guards fields
 *   marked (I). Fields marked (O) belong to the owner of the request. No framework routine that may
 *   call EvtSgProgramDma, and none that completes a request, is called under a lock.
 */
#ifndef SG_H
#define SG_H

#include <ntddk.h>
#include <wdf.h>

/* --- The device. --- */

#define PLX_INTCSR           0x68 /* interrupt control and status */
#define PLX_CNTRL            0x6C
#define PLX_PCIHIDR          0x70 /* hard-coded device and vendor id */
#define PLX_DMAMODE(Channel) (0x80 + 0x14 * (Channel))
#define PLX_DMADPR(Channel)  (0x90 + 0x14 * (Channel)) /* descriptor pointer */
#define PLX_DMACSR(Channel)  (0xA8 + (Channel))        /* one byte */
#define PLX_REGISTER_BYTES   0x200

#define PLX_ID          0x965610B5u
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

#define SG_LOCAL_BYTES 0x01000000u /* local memory on the board */

/* --- The driver. --- */

#define SG_WRITE    0u /* channels */
#define SG_READ     1u
#define SG_CHANNELS 2u

#define SG_DESCRIPTORS 32u /* of a chain */
#define SG_CHAIN_BYTES (SG_DESCRIPTORS * sizeof(PLX_DESCRIPTOR))
/* Even with an unaligned start a fragment has fewer pages than a chain has descriptors. */
#define SG_FRAGMENT_MAX ((SG_DESCRIPTORS - 1) * PAGE_SIZE)

/* An abort takes one or two bus cycles. After this many looks at the channel, a microsecond apart,
 * the bridge is reset instead. */
#define SG_ABORT_POLLS 50u

/* What becomes of the request of a channel (SG_CHANNEL.Phase). */
typedef enum _SG_PHASE {
    SgPhaseIdle,    /* no request */
    SgPhaseWaiting, /* EvtSgProgramDma goes on with it */
    SgPhaseRunning, /* on the channel. Who makes this Owned ends the fragment */
    SgPhaseOwned    /* the routine that set it goes on, nobody else */
} SG_PHASE;

/* StopStatus of a request that goes back to its queue instead of being completed, if EvtSgStop
 * itself can take it off its channel. */
#define SG_STOP_REQUEUE STATUS_RETRY

typedef struct _SG_DEVICE *PSG_DEVICE;

typedef struct _SG_CHANNEL {
    PSG_DEVICE Device;
    ULONG Index;
    WDFQUEUE Queue;
    WDFDMATRANSACTION Transaction;

    SG_PHASE Phase;     /* (L) */
    WDFREQUEST Request; /* (L) NULL while Idle */
    NTSTATUS Result;    /* (L) of the chain that EvtSgTakeDone has taken off the channel */

    ULONG LocalAddress; /* (O) of the request's first byte */

    WDFCOMMONBUFFER ChainBuffer; /* from Fill to Flush, else NULL */
    PPLX_DESCRIPTOR Chain;
    ULONG ChainLogicalAddress;

    UCHAR Csr;       /* (I) PLX_CSR_ENABLE, or 0 while paused or off */
    BOOLEAN Noticed; /* (I) the ISR has seen the interrupt of the running chain */
    BOOLEAN Lost;    /* (I) a reset of the bridge ended the running chain */
} SG_CHANNEL, *PSG_CHANNEL;

typedef struct _SG_DEVICE {
    WDFDEVICE Device;
    WDFINTERRUPT Interrupt;
    WDFDMAENABLER Enabler;
    WDFSPINLOCK Lock;
    PUCHAR Registers; /* from PrepareHardware to ReleaseHardware */
    SIZE_T RegisterBytes;
    SG_CHANNEL Channels[SG_CHANNELS];
    BOOLEAN InterruptsOn; /* (I) */
} SG_DEVICE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(SG_DEVICE, SgGetDevice)

/* Of the enabler. */
typedef struct _SG_ENABLER {
    PSG_DEVICE Device;
} SG_ENABLER, *PSG_ENABLER;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(SG_ENABLER, SgGetEnabler)

/* Of a queue. */
typedef struct _SG_QUEUE {
    PSG_CHANNEL Channel;
} SG_QUEUE, *PSG_QUEUE;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(SG_QUEUE, SgGetQueue)

/* Of a request. Its cancel callback and its owner meet here: the second of them completes it. */
typedef struct _SG_REQUEST {
    PSG_CHANNEL Channel;
    NTSTATUS StopStatus; /* (L) not success: end as soon as possible with this status */
    BOOLEAN CancelSeen;  /* (L) the cancel callback has run and left the request to its owner */
    BOOLEAN Finished;    /* (L) the owner is done and left the request to the cancel callback */
    NTSTATUS Status;     /* (L) with which */
    ULONG_PTR Bytes;     /* (L) */
} SG_REQUEST, *PSG_REQUEST;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(SG_REQUEST, SgGetRequest)

static __inline ULONG SgRead(PSG_DEVICE Device, ULONG Offset)
{
    return READ_REGISTER_ULONG((PULONG)(Device->Registers + Offset));
}

static __inline VOID SgWrite(PSG_DEVICE Device, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Device->Registers + Offset), Value);
}

static __inline UCHAR SgReadCsr(PSG_CHANNEL Channel)
{
    return READ_REGISTER_UCHAR(Channel->Device->Registers + PLX_DMACSR(Channel->Index));
}

static __inline VOID SgWriteCsr(PSG_CHANNEL Channel, UCHAR Value)
{
    WRITE_REGISTER_UCHAR(Channel->Device->Registers + PLX_DMACSR(Channel->Index), Value);
}

/* --- sg.c --- */
DRIVER_INITIALIZE DriverEntry;
EVT_WDF_DRIVER_DEVICE_ADD EvtSgDeviceAdd;

/* --- sg_power.c --- */
EVT_WDF_DEVICE_PREPARE_HARDWARE EvtSgPrepareHardware;
EVT_WDF_DEVICE_RELEASE_HARDWARE EvtSgReleaseHardware;
EVT_WDF_DEVICE_D0_ENTRY EvtSgD0Entry;
EVT_WDF_DEVICE_D0_EXIT EvtSgD0Exit;
EVT_WDF_DMA_ENABLER_FILL EvtSgFill;
EVT_WDF_DMA_ENABLER_ENABLE EvtSgEnable;
EVT_WDF_DMA_ENABLER_DISABLE EvtSgDisable;
EVT_WDF_DMA_ENABLER_FLUSH EvtSgFlush;

/* --- sg_request.c --- */
EVT_WDF_IO_QUEUE_IO_READ EvtSgRead;
EVT_WDF_IO_QUEUE_IO_WRITE EvtSgWrite;
EVT_WDF_IO_QUEUE_IO_STOP EvtSgStop;

/* <= DISPATCH_LEVEL, by the owner of a request whose transaction has ended, or never began. Gives
 * up the channel, and completes the request, puts it back into its queue (SG_STOP_REQUEUE inside
 * EvtSgStop; the framework takes none back anywhere else) or leaves it to its cancel callback. */
VOID SgFinishRequest(PSG_CHANNEL Channel, NTSTATUS Status, BOOLEAN InStop);

/* --- sg_dma.c --- */
EVT_WDF_PROGRAM_DMA EvtSgProgramDma;

/* <= DISPATCH_LEVEL, by the owner of a request whose chain the channel has ended with
 * SG_CHANNEL.Result. */
VOID SgFragmentDone(PSG_CHANNEL Channel);

/* <= DISPATCH_LEVEL, by the owner of a request that was running: takes it off the channel and ends
 * its transaction. */
VOID SgAbortFragment(PSG_CHANNEL Channel);

/* --- sg_hw.c --- */
EVT_WDF_INTERRUPT_ISR EvtSgIsr;
EVT_WDF_INTERRUPT_DPC EvtSgDpc;
EVT_WDF_INTERRUPT_ENABLE EvtSgInterruptEnable;
EVT_WDF_INTERRUPT_DISABLE EvtSgInterruptDisable;
EVT_WDF_INTERRUPT_SYNCHRONIZE EvtSgStartChain; /* context: the channel */

/* <= DISPATCH_LEVEL. Resets the bridge: both channels stop, and neither interrupts until it is
 * programmed. */
VOID SgResetBridge(PSG_DEVICE Device);

/* PASSIVE_LEVEL. Programs a channel that was reset, or stops it for good. */
VOID SgEnableChannel(PSG_CHANNEL Channel);

/* <= DISPATCH_LEVEL. Returns when the channel moves no more data: it says so, it was reset, or it
 * is not there. Bounded. */
VOID SgStopChannel(PSG_CHANNEL Channel);

#endif
