/*
 * sglist_hw.c: the bridge: its interrupt, starting a channel, and making it stop.
 *
 * The ISR notes which channels have interrupted, DpcForIsr takes the notes, both under the
 * interrupt lock. Starting a chain forgets what was noted before (SglistStartChain), and DpcForIsr
 * takes a note only while it holds the driver's lock and a chain is running: so an interrupt or DPC
 * that is late finds nothing, and never ends a chain that it does not belong to.
 */
#include "sglist.h"

static KSYNCHRONIZE_ROUTINE SglistTakeNote;
static KSYNCHRONIZE_ROUTINE SglistStartChain;
static KSYNCHRONIZE_ROUTINE SglistPauseChannel;

BOOLEAN SglistIsr(PKINTERRUPT Interrupt, PVOID Context)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)Context;
    BOOLEAN ours = FALSE;
    ULONG intcsr;
    ULONG i;

    UNREFERENCED_PARAMETER(Interrupt);

    /* The line may be shared: without power, or before the start is over, the registers are not to
     * be touched. */
    if (!extension->InterruptsOn)
        return FALSE;
    intcsr = SglistRead(extension, PLX_INTCSR);
    if (intcsr == PLX_ABSENT)
        return FALSE;
    for (i = 0; i < SGLIST_CHANNELS; i++) {
        PSGLIST_CHANNEL channel = &extension->Channels[i];

        if ((intcsr & PLX_INTCSR_DMA_ACTIVE(i)) == 0)
            continue;
        SglistWriteCsr(channel, (UCHAR)(channel->Csr | PLX_CSR_CLEAR));
        channel->Noticed = TRUE;
        ours = TRUE;
    }
    if (ours)
        IoRequestDpc(extension->Self, NULL, NULL);
    return ours;
}

BOOLEAN SglistProgramDevice(PVOID Context)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)Context;
    ULONG intcsr = PLX_INTCSR_PCI_ENABLE;
    ULONG i;

    for (i = 0; i < SGLIST_CHANNELS; i++) {
        PSGLIST_CHANNEL channel = &extension->Channels[i];

        channel->Noticed = FALSE;
        channel->Csr = PLX_CSR_ENABLE;
        SglistWriteCsr(channel, PLX_CSR_ENABLE | PLX_CSR_CLEAR);
        SglistWrite(extension, PLX_DMAMODE(i),
                    PLX_MODE_BUS_32 | PLX_MODE_READY | PLX_MODE_BURST | PLX_MODE_CHAIN |
                        PLX_MODE_DONE_INTERRUPT | PLX_MODE_CLEAR_COUNT | PLX_MODE_PCI_INTERRUPT);
        intcsr |= PLX_INTCSR_DMA_ENABLE(i);
    }
    extension->InterruptsOn = TRUE;
    SglistWrite(extension, PLX_INTCSR, intcsr);
    return TRUE;
}

BOOLEAN SglistDisableInterrupts(PVOID Context)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)Context;

    extension->InterruptsOn = FALSE;
    SglistWrite(extension, PLX_INTCSR, 0);
    return TRUE;
}

VOID SglistResetDevice(PSGLIST_EXTENSION Extension)
{
    ULONG cntrl = SglistRead(Extension, PLX_CNTRL) & ~PLX_CNTRL_RESET;

    SglistWrite(Extension, PLX_INTCSR, 0);
    SglistWrite(Extension, PLX_CNTRL, cntrl | PLX_CNTRL_RESET);
    SglistWrite(Extension, PLX_CNTRL, cntrl);
    SglistRead(Extension, PLX_CNTRL); /* the writes have arrived when the read is answered */
}

/* ---- starting a channel ---- */

static BOOLEAN SglistStartChain(PVOID Context)
{
    PSGLIST_CHANNEL channel = (PSGLIST_CHANNEL)Context;

    channel->Noticed = FALSE;
    channel->Csr = PLX_CSR_ENABLE;
    SglistWriteCsr(channel, PLX_CSR_ENABLE | PLX_CSR_CLEAR);
    SglistWrite(channel->Extension, PLX_DMADPR(channel->Index),
                channel->Running->ChainLogicalAddress | PLX_NEXT_IN_PCI);
    SglistWriteCsr(channel, PLX_CSR_ENABLE | PLX_CSR_START);
    return TRUE;
}

static VOID SglistSetWatchdogLocked(PSGLIST_EXTENSION Extension)
{
    LARGE_INTEGER tick;

    if (Extension->WatchdogSet)
        return;
    Extension->WatchdogSet = TRUE;
    tick.QuadPart = -(LONGLONG)SGLIST_TICK_100NS;
    KeSetTimer(&Extension->WatchdogTimer, tick, &Extension->WatchdogDpc);
}

VOID SglistStartChannelLocked(PSGLIST_CHANNEL Channel)
{
    PSGLIST_REQUEST request;

    if (Channel->Running != NULL || IsListEmpty(&Channel->Ready))
        return;
    request = CONTAINING_RECORD(RemoveHeadList(&Channel->Ready), SGLIST_REQUEST, ReadyLink);
    Channel->Running = request;
    request->Phase = SglistPhaseRunning;
    request->TicksLeft = SGLIST_CHAIN_TICKS;
    SglistSetWatchdogLocked(Channel->Extension);
    KeSynchronizeExecution(Channel->Extension->Interrupt, SglistStartChain, Channel);
}

/* ---- stopping a channel ---- */

/* Paused, the channel cannot get done any more: an abort of one that is would spoil its next
 * transfer. Returns whether it was still to be aborted. */
static BOOLEAN SglistPauseChannel(PVOID Context)
{
    PSGLIST_CHANNEL channel = (PSGLIST_CHANNEL)Context;

    channel->Csr = 0;
    SglistWriteCsr(channel, 0);
    if ((SglistReadCsr(channel) & PLX_CSR_DONE) != 0) /* or the device is not there */
        return FALSE;
    SglistWriteCsr(channel, PLX_CSR_START | PLX_CSR_ABORT);
    return TRUE;
}

/* The other channel's chain, if there is one, ends with it; the watchdog will find out. */
static BOOLEAN SglistResetAndProgram(PVOID Context)
{
    SglistResetDevice((PSGLIST_EXTENSION)Context);
    return SglistProgramDevice(Context);
}

VOID SglistStopChannel(PSGLIST_CHANNEL Channel)
{
    PSGLIST_EXTENSION extension = Channel->Extension;
    ULONG polls;

    if (!KeSynchronizeExecution(extension->Interrupt, SglistPauseChannel, Channel))
        return;
    for (polls = 0; polls < SGLIST_ABORT_POLLS; polls++) {
        if ((SglistReadCsr(Channel) & PLX_CSR_DONE) != 0)
            return;
        KeStallExecutionProcessor(1);
    }
    KeSynchronizeExecution(extension->Interrupt, SglistResetAndProgram, extension);
}

/* ---- the end of a chain ---- */

static BOOLEAN SglistTakeNote(PVOID Context)
{
    PSGLIST_CHANNEL channel = (PSGLIST_CHANNEL)Context;
    BOOLEAN noticed = channel->Noticed;

    channel->Noticed = FALSE;
    return noticed;
}

/* The running request whose chain the channel has ended, or NULL; the caller then owns it. The
 * bridge tells of a refused address until the channel is started again. */
static PSGLIST_REQUEST SglistTakeDone(PSGLIST_CHANNEL Channel, PNTSTATUS Status)
{
    PSGLIST_EXTENSION extension = Channel->Extension;
    PSGLIST_REQUEST request;
    ULONG intcsr;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    request = Channel->Running;
    if (request != NULL &&
        (request->Phase != SglistPhaseRunning ||
         !KeSynchronizeExecution(extension->Interrupt, SglistTakeNote, Channel) ||
         (SglistReadCsr(Channel) & PLX_CSR_DONE) == 0)) {
        /* A channel that interrupts and is not done is left to the watchdog. */
        request = NULL;
    }
    if (request != NULL) {
        request->Phase = SglistPhaseOwned;
        intcsr = SglistRead(extension, PLX_INTCSR);
        if (intcsr == PLX_ABSENT)
            *Status = STATUS_DEVICE_NOT_CONNECTED;
        else if ((intcsr & PLX_INTCSR_NOT_ABORTED(Channel->Index)) == 0)
            *Status = STATUS_IO_DEVICE_ERROR;
        else
            *Status = STATUS_SUCCESS;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    return request;
}

/* Irp and Context of IoRequestDpc mean nothing here: one DPC may stand for several interrupts, or
 * for one that is long over. */
VOID SglistDpcForIsr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)DeviceObject->DeviceExtension;
    PSGLIST_REQUEST request;
    NTSTATUS status;
    ULONG i;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);

    for (i = 0; i < SGLIST_CHANNELS; i++) {
        request = SglistTakeDone(&extension->Channels[i], &status);
        if (request != NULL)
            SglistPieceDone(request, status);
    }
}

/* A tick of the watchdog. One that was set for a chain that is over costs a later one one of its
 * ticks and no more. */
VOID SglistWatchdogDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)Context;
    PSGLIST_REQUEST expired[SGLIST_CHANNELS];
    ULONG i;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    extension->WatchdogSet = FALSE;
    for (i = 0; i < SGLIST_CHANNELS; i++) {
        PSGLIST_REQUEST request = extension->Channels[i].Running;

        expired[i] = NULL;
        if (request == NULL || request->Phase != SglistPhaseRunning)
            continue;
        request->TicksLeft--;
        if (request->TicksLeft != 0)
            SglistSetWatchdogLocked(extension);
        else if (SglistStopRequestLocked(request, STATUS_IO_TIMEOUT))
            expired[i] = request;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    for (i = 0; i < SGLIST_CHANNELS; i++) {
        if (expired[i] != NULL)
            SglistAbortRequest(expired[i]);
    }
}
