/*
 * v3bus_request.c: who may stop a request in flight, and who completes it.
 *
 * The end of the channel's work, the cancel routine, a removal, a power-down and the watchdog may
 * all want to end a request. Under the lock, each of them first changes its phase to Owned
 * (V3busStopRequestLocked, V3busDpcForIsr), and only the one that does so goes on; the others
 * leave a StopStatus, which the owner looks at before each further step. A request that waits for
 * map registers becomes Withdrawing instead (v3bus_dma.c).
 *
 * The cancel routine is set while the request is in flight, and of it and the owner exactly one
 * completes the IRP:
 *   - the owner, if it clears the cancel routine or the routine has come and gone (Cancelled);
 *   - else the routine has been called and waits for the lock. It finds no request behind the IRP
 *     and completes it.
 */
#include "v3bus.h"

static DRIVER_CANCEL V3busCancel;

static VOID V3busSetRequestLocked(PIRP Irp, PV3BUS_REQUEST Request)
{
    Irp->Tail.Overlay.DriverContext[0] = Request;
}

static VOID V3busCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)DeviceObject->DeviceExtension;
    PV3BUS_REQUEST request;
    BOOLEAN abort = FALSE;
    KIRQL irql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    request = (PV3BUS_REQUEST)Irp->Tail.Overlay.DriverContext[0];
    if (request != NULL) {
        /* Its owner, which this routine may become, completes it when nothing is mapped. */
        request->Cancelled = TRUE;
        abort = V3busStopRequestLocked(request, STATUS_CANCELLED);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (abort)
        V3busAbortRequest(request);
    else if (request == NULL)
        V3busCompleteIrp(extension, Irp, STATUS_CANCELLED, 0);
    KeLowerIrql(irql);
}

/* A request that was to go back to its queue may still be ended for good. A wait is withdrawn once,
 * and not before the call that asks has returned: the caller looks at StopStatus itself. */
BOOLEAN V3busStopRequestLocked(PV3BUS_REQUEST Request, NTSTATUS Status)
{
    BOOLEAN first = NT_SUCCESS(Request->StopStatus);

    if (first || Request->StopStatus == V3BUS_STOP_REQUEUE)
        Request->StopStatus = Status;
    switch (Request->Phase) {
    case V3busPhaseWaiting:
        if (!first || !Request->Asked)
            return FALSE;
        Request->Phase = V3busPhaseWithdrawing;
        return TRUE;
    case V3busPhaseReady:
        RemoveEntryList(&Request->ReadyLink);
        Request->Phase = V3busPhaseOwned;
        return TRUE;
    case V3busPhaseRunning:
        Request->Phase = V3busPhaseOwned;
        return TRUE;
    default:
        return FALSE;
    }
}

VOID V3busStopRequests(PV3BUS_EXTENSION Extension, NTSTATUS Status)
{
    PV3BUS_REQUEST stopped[V3BUS_CHANNELS * V3BUS_IN_FLIGHT];
    ULONG count = 0;
    KIRQL irql;
    ULONG i;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    for (i = 0; i < V3BUS_CHANNELS * V3BUS_IN_FLIGHT; i++) {
        PV3BUS_CHANNEL channel = &Extension->Channels[i / V3BUS_IN_FLIGHT];
        PV3BUS_REQUEST request = &channel->Requests[i % V3BUS_IN_FLIGHT];

        if (request->Phase != V3busPhaseFree && V3busStopRequestLocked(request, Status))
            stopped[count++] = request;
    }
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);

    for (i = 0; i < count; i++)
        V3busAbortRequest(stopped[i]);
    KeLowerIrql(irql);
}

static ULONG V3busIrpLength(PIO_STACK_LOCATION Stack)
{
    switch (Stack->MajorFunction) {
    case IRP_MJ_READ:
        return Stack->Parameters.Read.Length;
    case IRP_MJ_WRITE:
        return Stack->Parameters.Write.Length;
    default:
        return Stack->Parameters.DeviceIoControl.OutputBufferLength;
    }
}

static ULONG V3busIrpPosition(PIO_STACK_LOCATION Stack)
{
    switch (Stack->MajorFunction) {
    case IRP_MJ_READ:
        return Stack->Parameters.Read.ByteOffset.LowPart;
    case IRP_MJ_WRITE:
        return Stack->Parameters.Write.ByteOffset.LowPart;
    default:
        return 0;
    }
}

VOID V3busStartRequest(PV3BUS_REQUEST Request, PIRP Irp)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    Request->Mdl = Irp->MdlAddress;
    Request->Length = V3busIrpLength(stack);
    Request->LocalAddress = V3busIrpPosition(stack);
    Request->Moved = 0;
    Request->Fetch = stack->MajorFunction == IRP_MJ_DEVICE_CONTROL;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Request->Irp = Irp;
    Request->Cancelled = FALSE;
    V3busSetRequestLocked(Irp, Request);
    IoSetCancelRoutine(Irp, V3busCancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        /* Cancelled between the two cancel routines, so neither has been called. */
        Request->Cancelled = TRUE;
        V3busStopRequestLocked(Request, STATUS_CANCELLED);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    V3busAskForGrant(Request);
}

/* Takes the IRP from its request. NULL: its cancel routine has it. */
static PIRP V3busClaimIrp(PV3BUS_REQUEST Request, PNTSTATUS Status)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    PIRP irp = Request->Irp;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Request->Phase = V3busPhaseOwned;
    Request->Irp = NULL;
    V3busSetRequestLocked(irp, NULL);
    if (Request->Cancelled) {
        *Status = STATUS_CANCELLED;
    } else if (IoSetCancelRoutine(irp, NULL) == NULL) {
        *Status = STATUS_CANCELLED;
        irp = NULL;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    return irp;
}

static VOID V3busCountLocked(PV3BUS_REQUEST Request, NTSTATUS Status)
{
    PV3BUS_STATISTICS statistics = &Request->Channel->Extension->Statistics;

    if (Status == V3BUS_STOP_REQUEUE) {
        statistics->Requeued++;
    } else if (!NT_SUCCESS(Status)) {
        statistics->Failed++;
    } else {
        statistics->Completed++;
        if (Request->Channel->Write)
            statistics->BytesWritten += Request->Moved;
        else
            statistics->BytesRead += Request->Moved;
    }
}

VOID V3busFinishRequest(PV3BUS_REQUEST Request, NTSTATUS Status)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    NTSTATUS status = Status;
    PIRP irp = V3busClaimIrp(Request, &status);
    BOOLEAN last;

    if (irp != NULL && status == V3BUS_STOP_REQUEUE) {
        status = V3busQueueIrp(Request->Channel, irp, TRUE);
        if (status == STATUS_PENDING) {
            irp = NULL;
            status = V3BUS_STOP_REQUEUE;
        }
    }
    if (irp != NULL) {
        irp->IoStatus.Status = status;
        irp->IoStatus.Information = NT_SUCCESS(status) ? Request->Moved : 0;
        IoCompleteRequest(irp, NT_SUCCESS(status) ? IO_DISK_INCREMENT : IO_NO_INCREMENT);
    }

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    V3busCountLocked(Request, status);
    Request->Phase = V3busPhaseFree;
    last = V3busRequestLeftLocked(extension);
    V3busKickLocked(extension);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (last)
        V3busQueuePowerDown(extension);
    if (irp != NULL)
        IoReleaseRemoveLock(&extension->RemoveLock, irp);
}
