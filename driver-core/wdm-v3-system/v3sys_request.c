/*
 * v3sys_request.c: who may stop a request in flight, and who completes it.
 *
 * The completion routine of its transfer, the cancel routine, the end of a message, a removal, a
 * power-down and the watchdog may all want to end a request. A stop leaves a StopStatus, which the
 * owner looks at before each further step, and the first one also changes the phase of a request
 * that has no owner (V3sysStopRequestLocked): then it withdraws or cancels what the request waits
 * for, and the later of it and the routine that is called at the end goes on (v3sys_dma.c).
 *
 * The cancel routine is set while the request is in flight, and of it and the owner exactly one
 * completes the IRP:
 *   - the owner, if it clears the cancel routine or the routine has come and gone (Cancelled);
 *   - else the routine has been called and waits for the lock. It finds no request behind the IRP
 *     and completes it.
 */
#include "v3sys.h"

static DRIVER_CANCEL V3sysCancel;

static VOID V3sysSetChannelLocked(PIRP Irp, PV3SYS_CHANNEL Channel)
{
    Irp->Tail.Overlay.DriverContext[0] = Channel;
}

static VOID V3sysCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)DeviceObject->DeviceExtension;
    PV3SYS_CHANNEL channel;
    BOOLEAN abort = FALSE;
    KIRQL irql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    channel = (PV3SYS_CHANNEL)Irp->Tail.Overlay.DriverContext[0];
    if (channel != NULL) {
        /* Its owner completes it when nothing is mapped. */
        channel->Cancelled = TRUE;
        abort = V3sysStopRequestLocked(channel, STATUS_CANCELLED);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (abort)
        V3sysAbortRequest(channel);
    else if (channel == NULL)
        V3sysCompleteIrp(extension, Irp, STATUS_CANCELLED, 0);
    KeLowerIrql(irql);
}

/* A request that was to go back to its queue may still be ended for good. A wait is withdrawn once,
 * and not before the call that asks has returned: the caller looks at StopStatus itself. */
BOOLEAN V3sysStopRequestLocked(PV3SYS_CHANNEL Channel, NTSTATUS Status)
{
    BOOLEAN first = NT_SUCCESS(Channel->StopStatus);

    if (first || Channel->StopStatus == V3SYS_STOP_POWER)
        Channel->StopStatus = Status;
    if (!first)
        return FALSE;
    switch (Channel->Phase) {
    case V3sysPhaseWaiting:
        if (!Channel->Asked)
            return FALSE;
        Channel->Phase = V3sysPhaseWithdrawing;
        return TRUE;
    case V3sysPhaseRunning:
        Channel->Phase = V3sysPhaseStopping;
        KeSynchronizeExecution(Channel->Extension->Interrupt, V3sysDisableLine, Channel);
        return TRUE;
    default:
        return FALSE;
    }
}

VOID V3sysStopRequests(PV3SYS_EXTENSION Extension, NTSTATUS Status)
{
    BOOLEAN stopped[V3SYS_CHANNELS];
    KIRQL irql;
    ULONG i;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    for (i = 0; i < V3SYS_CHANNELS; i++) {
        PV3SYS_CHANNEL channel = &Extension->Channels[i];

        stopped[i] = channel->Phase != V3sysPhaseFree && V3sysStopRequestLocked(channel, Status);
    }
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);

    for (i = 0; i < V3SYS_CHANNELS; i++) {
        if (stopped[i])
            V3sysAbortRequest(&Extension->Channels[i]);
    }
    KeLowerIrql(irql);
}

VOID V3sysStartRequest(PV3SYS_CHANNEL Channel, PIRP Irp)
{
    PV3SYS_EXTENSION extension = Channel->Extension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    Channel->Mdl = Irp->MdlAddress;
    Channel->Length =
        Channel->Write ? stack->Parameters.Write.Length : stack->Parameters.Read.Length;
    Channel->Moved = 0;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Channel->Irp = Irp;
    Channel->Cancelled = FALSE;
    if (!Channel->Write)
        KeSynchronizeExecution(extension->Interrupt, V3sysBeginMessage, extension);
    V3sysSetChannelLocked(Irp, Channel);
    IoSetCancelRoutine(Irp, V3sysCancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        /* Cancelled between the two cancel routines, so neither has been called. */
        Channel->Cancelled = TRUE;
        V3sysStopRequestLocked(Channel, STATUS_CANCELLED);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    V3sysAskForGrant(Channel);
}

/* Takes the IRP from its request. NULL: its cancel routine has it. */
static PIRP V3sysClaimIrp(PV3SYS_CHANNEL Channel, PNTSTATUS Status)
{
    PV3SYS_EXTENSION extension = Channel->Extension;
    PIRP irp = Channel->Irp;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Channel->Phase = V3sysPhaseOwned;
    Channel->Irp = NULL;
    V3sysSetChannelLocked(irp, NULL);
    if (Channel->Cancelled) {
        *Status = STATUS_CANCELLED;
    } else if (IoSetCancelRoutine(irp, NULL) == NULL) {
        *Status = STATUS_CANCELLED;
        irp = NULL;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    return irp;
}

/* What was moved counts: no character is received or sent twice. */
VOID V3sysFinishRequest(PV3SYS_CHANNEL Channel, NTSTATUS Status)
{
    PV3SYS_EXTENSION extension = Channel->Extension;
    NTSTATUS status = Status;
    BOOLEAN last;
    PIRP irp;

    if (Status == V3SYS_STOP_MESSAGE || (Status == V3SYS_STOP_POWER && Channel->Moved != 0))
        status = STATUS_SUCCESS;
    irp = V3sysClaimIrp(Channel, &status);
    if (irp != NULL && status == V3SYS_STOP_POWER) {
        status = V3sysQueueIrp(Channel, irp, TRUE);
        if (status == STATUS_PENDING)
            irp = NULL;
    }
    if (irp != NULL) {
        irp->IoStatus.Status = status;
        irp->IoStatus.Information = NT_SUCCESS(status) ? Channel->Moved : 0;
        IoCompleteRequest(irp, NT_SUCCESS(status) ? IO_SERIAL_INCREMENT : IO_NO_INCREMENT);
    }

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Channel->Phase = V3sysPhaseFree;
    last = V3sysRequestLeftLocked(extension);
    V3sysKickLocked(extension);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (last)
        V3sysQueuePowerDown(extension);
    if (irp != NULL)
        IoReleaseRemoveLock(&extension->RemoveLock, irp);
}
