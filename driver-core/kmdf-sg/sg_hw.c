/*
 * sg_hw.c: the bridge: its interrupt, starting a channel, and making it stop.
 *
 * The ISR notes which channels have interrupted, the DPC takes the notes, both under the interrupt
 * lock. Starting a chain forgets what was noted before (EvtSgStartChain), and the DPC takes a note
 * only while it holds the driver's lock and a chain is running: so an interrupt or DPC that is late
 * finds nothing, and never ends a chain that it does not belong to.
 */
#include "sg.h"

static EVT_WDF_INTERRUPT_SYNCHRONIZE EvtSgProgramChannel;
static EVT_WDF_INTERRUPT_SYNCHRONIZE EvtSgPauseChannel;
static EVT_WDF_INTERRUPT_SYNCHRONIZE EvtSgResetAndProgram;
static EVT_WDF_INTERRUPT_SYNCHRONIZE EvtSgTakeDone;

BOOLEAN EvtSgIsr(WDFINTERRUPT Interrupt, ULONG MessageID)
{
    PSG_DEVICE device = SgGetDevice(WdfInterruptGetDevice(Interrupt));
    BOOLEAN ours = FALSE;
    ULONG intcsr;
    ULONG i;

    UNREFERENCED_PARAMETER(MessageID);

    /* The line may be shared: without power the registers are not to be touched. */
    if (!device->InterruptsOn)
        return FALSE;
    intcsr = SgRead(device, PLX_INTCSR);
    if (intcsr == PLX_ABSENT)
        return FALSE;
    for (i = 0; i < SG_CHANNELS; i++) {
        PSG_CHANNEL channel = &device->Channels[i];

        if ((intcsr & PLX_INTCSR_DMA_ACTIVE(i)) == 0)
            continue;
        SgWriteCsr(channel, (UCHAR)(channel->Csr | PLX_CSR_CLEAR));
        channel->Noticed = TRUE;
        ours = TRUE;
    }
    if (ours)
        WdfInterruptQueueDpcForIsr(Interrupt);
    return ours;
}

NTSTATUS EvtSgInterruptEnable(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice)
{
    PSG_DEVICE device = SgGetDevice(AssociatedDevice);
    ULONG intcsr = PLX_INTCSR_PCI_ENABLE;
    ULONG i;

    UNREFERENCED_PARAMETER(Interrupt);

    for (i = 0; i < SG_CHANNELS; i++)
        intcsr |= PLX_INTCSR_DMA_ENABLE(i);
    device->InterruptsOn = TRUE;
    SgWrite(device, PLX_INTCSR, intcsr);
    return STATUS_SUCCESS;
}

NTSTATUS EvtSgInterruptDisable(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice)
{
    PSG_DEVICE device = SgGetDevice(AssociatedDevice);

    UNREFERENCED_PARAMETER(Interrupt);

    device->InterruptsOn = FALSE;
    SgWrite(device, PLX_INTCSR, 0);
    return STATUS_SUCCESS;
}

VOID SgResetBridge(PSG_DEVICE Device)
{
    ULONG cntrl = SgRead(Device, PLX_CNTRL) & ~PLX_CNTRL_RESET;

    SgWrite(Device, PLX_CNTRL, cntrl | PLX_CNTRL_RESET);
    SgWrite(Device, PLX_CNTRL, cntrl);
    SgRead(Device, PLX_CNTRL); /* the writes have arrived when the read is answered */
}

/* ---- starting a channel ---- */

/* Under the interrupt lock, or while no interrupt of the channel can come. */
static VOID SgProgramChannel(PSG_CHANNEL Channel)
{
    Channel->Noticed = FALSE;
    Channel->Csr = PLX_CSR_ENABLE;
    SgWriteCsr(Channel, PLX_CSR_ENABLE | PLX_CSR_CLEAR);
    SgWrite(Channel->Device, PLX_DMAMODE(Channel->Index),
            PLX_MODE_BUS_32 | PLX_MODE_READY | PLX_MODE_BURST | PLX_MODE_CHAIN |
                PLX_MODE_DONE_INTERRUPT | PLX_MODE_PCI_INTERRUPT);
}

static BOOLEAN EvtSgProgramChannel(WDFINTERRUPT Interrupt, WDFCONTEXT Context)
{
    UNREFERENCED_PARAMETER(Interrupt);

    SgProgramChannel((PSG_CHANNEL)Context);
    return TRUE;
}

VOID SgEnableChannel(PSG_CHANNEL Channel)
{
    WdfInterruptSynchronize(Channel->Device->Interrupt, EvtSgProgramChannel, Channel);
}

BOOLEAN EvtSgStartChain(WDFINTERRUPT Interrupt, WDFCONTEXT Context)
{
    PSG_CHANNEL channel = (PSG_CHANNEL)Context;

    UNREFERENCED_PARAMETER(Interrupt);

    channel->Noticed = FALSE;
    channel->Lost = FALSE;
    channel->Csr = PLX_CSR_ENABLE;
    SgWriteCsr(channel, PLX_CSR_ENABLE | PLX_CSR_CLEAR);
    SgWrite(channel->Device, PLX_DMADPR(channel->Index),
            channel->ChainLogicalAddress | PLX_NEXT_IN_PCI);
    SgWriteCsr(channel, PLX_CSR_ENABLE | PLX_CSR_START);
    return TRUE;
}

/* ---- stopping a channel ---- */

/* Paused, the channel cannot get done any more: an abort of one that is would spoil its next
 * transfer. Returns whether it was still to be aborted. */
static BOOLEAN EvtSgPauseChannel(WDFINTERRUPT Interrupt, WDFCONTEXT Context)
{
    PSG_CHANNEL channel = (PSG_CHANNEL)Context;

    UNREFERENCED_PARAMETER(Interrupt);

    channel->Csr = 0;
    SgWriteCsr(channel, 0);
    if ((SgReadCsr(channel) & PLX_CSR_DONE) != 0) /* or the device is not there */
        return FALSE;
    SgWriteCsr(channel, PLX_CSR_START | PLX_CSR_ABORT);
    return TRUE;
}

/* The other channel's chain, if there is one, is lost with it, and nothing will interrupt. */
static BOOLEAN EvtSgResetAndProgram(WDFINTERRUPT Interrupt, WDFCONTEXT Context)
{
    PSG_CHANNEL channel = (PSG_CHANNEL)Context;
    PSG_DEVICE device = channel->Device;
    ULONG i;

    SgResetBridge(device);
    for (i = 0; i < SG_CHANNELS; i++) {
        PSG_CHANNEL other = &device->Channels[i];

        SgProgramChannel(other);
        if (other != channel)
            other->Noticed = other->Lost = TRUE;
    }
    WdfInterruptQueueDpcForIsr(Interrupt);
    return TRUE;
}

VOID SgStopChannel(PSG_CHANNEL Channel)
{
    WDFINTERRUPT interrupt = Channel->Device->Interrupt;
    ULONG polls;

    if (!WdfInterruptSynchronize(interrupt, EvtSgPauseChannel, Channel))
        return;
    for (polls = 0; polls < SG_ABORT_POLLS; polls++) {
        if ((SgReadCsr(Channel) & PLX_CSR_DONE) != 0)
            return;
        KeStallExecutionProcessor(1);
    }
    WdfInterruptSynchronize(interrupt, EvtSgResetAndProgram, Channel);
}

/* ---- the end of a chain ---- */

/* The bridge tells of a refused address until the channel is started again. */
static NTSTATUS SgChainStatus(PSG_CHANNEL Channel)
{
    ULONG intcsr = SgRead(Channel->Device, PLX_INTCSR);

    if (intcsr == PLX_ABSENT)
        return STATUS_DEVICE_NOT_CONNECTED;
    if (Channel->Lost || (intcsr & PLX_INTCSR_NOT_ABORTED(Channel->Index)) == 0)
        return STATUS_IO_DEVICE_ERROR;
    return STATUS_SUCCESS;
}

/* A channel that interrupts and is not done goes on. */
static BOOLEAN EvtSgTakeDone(WDFINTERRUPT Interrupt, WDFCONTEXT Context)
{
    PSG_CHANNEL channel = (PSG_CHANNEL)Context;
    BOOLEAN noticed = channel->Noticed;

    UNREFERENCED_PARAMETER(Interrupt);

    channel->Noticed = FALSE;
    if (!noticed || (SgReadCsr(channel) & PLX_CSR_DONE) == 0)
        return FALSE;
    channel->Result = SgChainStatus(channel);
    return TRUE;
}

/* TRUE: the channel has ended its chain, and the caller owns the request. */
static BOOLEAN SgTakeDone(PSG_CHANNEL Channel)
{
    PSG_DEVICE device = Channel->Device;
    BOOLEAN done;

    WdfSpinLockAcquire(device->Lock);
    done = Channel->Phase == SgPhaseRunning &&
           WdfInterruptSynchronize(device->Interrupt, EvtSgTakeDone, Channel);
    if (done)
        Channel->Phase = SgPhaseOwned;
    WdfSpinLockRelease(device->Lock);
    return done;
}

VOID EvtSgDpc(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject)
{
    PSG_DEVICE device = SgGetDevice(AssociatedObject);
    ULONG i;

    UNREFERENCED_PARAMETER(Interrupt);

    for (i = 0; i < SG_CHANNELS; i++) {
        if (SgTakeDone(&device->Channels[i]))
            SgFragmentDone(&device->Channels[i]);
    }
}
