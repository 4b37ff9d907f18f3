/*
 * v3bus_hw.c: the bridge: its interrupt, starting a channel, and making it stop.
 *
 * The ISR notes which channels have interrupted, DpcForIsr takes the notes, both under the
 * interrupt lock. Starting a chain forgets what was noted before (V3busStartChain), and DpcForIsr
 * takes a note only while it holds the driver's lock and a chain is running: so an interrupt or DPC
 * that is late finds nothing, and never ends a chain that it does not belong to.
 */
#include "v3bus.h"

static KSYNCHRONIZE_ROUTINE V3busTakeNote;
static KSYNCHRONIZE_ROUTINE V3busStartChain;
static KSYNCHRONIZE_ROUTINE V3busPauseChannel;

BOOLEAN V3busIsr(PKINTERRUPT Interrupt, PVOID Context)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)Context;
    BOOLEAN ours = FALSE;
    ULONG intcsr;
    ULONG i;

    UNREFERENCED_PARAMETER(Interrupt);

    /* The line may be shared: without power, or before the start is over, the registers are not to
     * be touched. */
    if (!extension->InterruptsOn)
        return FALSE;
    intcsr = V3busRead(extension, PLX_INTCSR);
    if (intcsr == PLX_ABSENT)
        return FALSE;
    for (i = 0; i < V3BUS_CHANNELS; i++) {
        PV3BUS_CHANNEL channel = &extension->Channels[i];

        if ((intcsr & PLX_INTCSR_DMA_ACTIVE(i)) == 0)
            continue;
        V3busWriteCsr(channel, (UCHAR)(channel->Csr | PLX_CSR_CLEAR));
        channel->Noticed = TRUE;
        ours = TRUE;
    }
    if (ours)
        IoRequestDpc(extension->Self, NULL, NULL);
    return ours;
}

BOOLEAN V3busProgramDevice(PVOID Context)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)Context;
    ULONG intcsr = PLX_INTCSR_PCI_ENABLE;
    ULONG i;

    for (i = 0; i < V3BUS_CHANNELS; i++) {
        PV3BUS_CHANNEL channel = &extension->Channels[i];

        channel->Noticed = FALSE;
        channel->Csr = PLX_CSR_ENABLE;
        V3busWriteCsr(channel, PLX_CSR_ENABLE | PLX_CSR_CLEAR);
        V3busWrite(extension, PLX_DMAMODE(i),
                   PLX_MODE_BUS_32 | PLX_MODE_READY | PLX_MODE_BURST | PLX_MODE_CHAIN |
                       PLX_MODE_DONE_INTERRUPT | PLX_MODE_CLEAR_COUNT | PLX_MODE_PCI_INTERRUPT |
                       PLX_MODE_LOAD_HIGH);
        intcsr |= PLX_INTCSR_DMA_ENABLE(i);
    }
    extension->InterruptsOn = TRUE;
    V3busWrite(extension, PLX_INTCSR, intcsr);
    return TRUE;
}

BOOLEAN V3busDisableInterrupts(PVOID Context)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)Context;

    extension->InterruptsOn = FALSE;
    V3busWrite(extension, PLX_INTCSR, 0);
    return TRUE;
}

VOID V3busResetDevice(PV3BUS_EXTENSION Extension)
{
    ULONG cntrl = V3busRead(Extension, PLX_CNTRL) & ~PLX_CNTRL_RESET;

    V3busWrite(Extension, PLX_INTCSR, 0);
    V3busWrite(Extension, PLX_CNTRL, cntrl | PLX_CNTRL_RESET);
    V3busWrite(Extension, PLX_CNTRL, cntrl);
    V3busRead(Extension, PLX_CNTRL); /* the writes have arrived when the read is answered */
}

/* ---- starting a channel ---- */

static BOOLEAN V3busStartChain(PVOID Context)
{
    PV3BUS_CHANNEL channel = (PV3BUS_CHANNEL)Context;

    channel->Noticed = FALSE;
    channel->Csr = PLX_CSR_ENABLE;
    V3busWriteCsr(channel, PLX_CSR_ENABLE | PLX_CSR_CLEAR);
    V3busWrite(channel->Extension, PLX_DMADPR(channel->Index),
               channel->Running->ChainLogicalAddress | PLX_NEXT_IN_PCI);
    V3busWriteCsr(channel, PLX_CSR_ENABLE | PLX_CSR_START);
    return TRUE;
}

static VOID V3busSetWatchdogLocked(PV3BUS_EXTENSION Extension)
{
    LARGE_INTEGER tick;

    if (Extension->WatchdogSet)
        return;
    Extension->WatchdogSet = TRUE;
    tick.QuadPart = -(LONGLONG)V3BUS_TICK_100NS;
    KeSetTimer(&Extension->WatchdogTimer, tick, &Extension->WatchdogDpc);
}

VOID V3busStartChannelLocked(PV3BUS_CHANNEL Channel)
{
    PV3BUS_REQUEST request;

    if (Channel->Running != NULL || IsListEmpty(&Channel->Ready))
        return;
    request = CONTAINING_RECORD(RemoveHeadList(&Channel->Ready), V3BUS_REQUEST, ReadyLink);
    Channel->Running = request;
    request->Phase = V3busPhaseRunning;
    request->TicksLeft = V3BUS_CHAIN_TICKS;
    V3busSetWatchdogLocked(Channel->Extension);
    KeSynchronizeExecution(Channel->Extension->Interrupt, V3busStartChain, Channel);
}

/* ---- stopping a channel ---- */

/* Paused, the channel cannot get done any more: an abort of one that is would spoil its next
 * transfer. Returns whether it was still to be aborted. */
static BOOLEAN V3busPauseChannel(PVOID Context)
{
    PV3BUS_CHANNEL channel = (PV3BUS_CHANNEL)Context;

    channel->Csr = 0;
    V3busWriteCsr(channel, 0);
    if ((V3busReadCsr(channel) & PLX_CSR_DONE) != 0) /* or the device is not there */
        return FALSE;
    V3busWriteCsr(channel, PLX_CSR_START | PLX_CSR_ABORT);
    return TRUE;
}

/* The other channel's chain, if there is one, ends with it; the watchdog will find out. */
static BOOLEAN V3busResetAndProgram(PVOID Context)
{
    V3busResetDevice((PV3BUS_EXTENSION)Context);
    return V3busProgramDevice(Context);
}

VOID V3busStopChannel(PV3BUS_CHANNEL Channel)
{
    PV3BUS_EXTENSION extension = Channel->Extension;
    ULONG polls;

    if (!KeSynchronizeExecution(extension->Interrupt, V3busPauseChannel, Channel))
        return;
    for (polls = 0; polls < V3BUS_ABORT_POLLS; polls++) {
        if ((V3busReadCsr(Channel) & PLX_CSR_DONE) != 0)
            return;
        KeStallExecutionProcessor(1);
    }
    KeSynchronizeExecution(extension->Interrupt, V3busResetAndProgram, extension);
}

/* ---- the end of a chain ---- */

static BOOLEAN V3busTakeNote(PVOID Context)
{
    PV3BUS_CHANNEL channel = (PV3BUS_CHANNEL)Context;
    BOOLEAN noticed = channel->Noticed;

    channel->Noticed = FALSE;
    return noticed;
}

/* The running request whose chain the channel has ended, or NULL; the caller then owns it. The
 * bridge tells of a refused address until the channel is started again. */
static PV3BUS_REQUEST V3busTakeDone(PV3BUS_CHANNEL Channel, PNTSTATUS Status)
{
    PV3BUS_EXTENSION extension = Channel->Extension;
    PV3BUS_REQUEST request;
    ULONG intcsr;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    request = Channel->Running;
    if (request != NULL && (request->Phase != V3busPhaseRunning ||
                            !KeSynchronizeExecution(extension->Interrupt, V3busTakeNote, Channel) ||
                            (V3busReadCsr(Channel) & PLX_CSR_DONE) == 0)) {
        /* A channel that interrupts and is not done is left to the watchdog. */
        request = NULL;
    }
    if (request != NULL) {
        request->Phase = V3busPhaseOwned;
        intcsr = V3busRead(extension, PLX_INTCSR);
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
VOID V3busDpcForIsr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)DeviceObject->DeviceExtension;
    PV3BUS_REQUEST request;
    NTSTATUS status;
    ULONG i;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);

    for (i = 0; i < V3BUS_CHANNELS; i++) {
        request = V3busTakeDone(&extension->Channels[i], &status);
        if (request != NULL)
            V3busPieceDone(request, status);
    }
}

/* A tick of the watchdog. One that was set for a chain that is over costs a later one one of its
 * ticks and no more. */
VOID V3busWatchdogDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)Context;
    PV3BUS_REQUEST expired[V3BUS_CHANNELS];
    ULONG i;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    extension->WatchdogSet = FALSE;
    for (i = 0; i < V3BUS_CHANNELS; i++) {
        PV3BUS_REQUEST request = extension->Channels[i].Running;

        expired[i] = NULL;
        if (request == NULL || request->Phase != V3busPhaseRunning)
            continue;
        request->TicksLeft--;
        if (request->TicksLeft != 0)
            V3busSetWatchdogLocked(extension);
        else if (V3busStopRequestLocked(request, STATUS_IO_TIMEOUT))
            expired[i] = request;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    for (i = 0; i < V3BUS_CHANNELS; i++) {
        if (expired[i] != NULL)
            V3busAbortRequest(expired[i]);
    }
}
