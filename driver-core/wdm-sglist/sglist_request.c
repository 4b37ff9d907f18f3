/*
 * sglist_request.c: who may stop a request in flight, and who completes it.
 *
 * The end of the channel's work, the cancel routine, a removal, a power-down and the watchdog may
 * all want to end a request. Under the lock, each of them first changes its phase to Owned
 * (SglistStopRequestLocked, SglistDpcForIsr), and only the one that does so goes on; the others
 * leave a StopStatus, which the owner looks at before each further step.
 *
 * The cancel routine is set while the request is in flight, and of it and the owner exactly one
 * completes the IRP:
 *   - the owner, if it clears the cancel routine or the routine has come and gone (Cancelled);
 *   - else the routine has been called and waits for the lock. It finds no request behind the IRP
 *     and completes it.
 */
#include "sglist.h"

static DRIVER_CANCEL SglistCancel;

static VOID SglistSetRequestLocked(PIRP Irp, PSGLIST_REQUEST Request)
{
    Irp->Tail.Overlay.DriverContext[0] = Request;
}

static VOID SglistCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)DeviceObject->DeviceExtension;
    PSGLIST_REQUEST request;
    BOOLEAN abort = FALSE;
    KIRQL irql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    request = (PSGLIST_REQUEST)Irp->Tail.Overlay.DriverContext[0];
    if (request != NULL) {
        /* Its owner, which this routine may become, completes it when nothing is mapped. */
        request->Cancelled = TRUE;
        abort = SglistStopRequestLocked(request, STATUS_CANCELLED);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (abort)
        SglistAbortRequest(request);
    else if (request == NULL)
        SglistCompleteIrp(extension, Irp, STATUS_CANCELLED, 0);
    KeLowerIrql(irql);
}

/* A request that was to go back to its queue may still be ended for good. */
BOOLEAN SglistStopRequestLocked(PSGLIST_REQUEST Request, NTSTATUS Status)
{
    if (NT_SUCCESS(Request->StopStatus) || Request->StopStatus == SGLIST_STOP_REQUEUE)
        Request->StopStatus = Status;
    if (Request->Phase == SglistPhaseReady)
        RemoveEntryList(&Request->ReadyLink);
    else if (Request->Phase != SglistPhaseRunning)
        return FALSE;
    Request->Phase = SglistPhaseOwned;
    return TRUE;
}

VOID SglistStopRequests(PSGLIST_EXTENSION Extension, NTSTATUS Status)
{
    PSGLIST_REQUEST stopped[SGLIST_CHANNELS * SGLIST_IN_FLIGHT];
    ULONG count = 0;
    KIRQL irql;
    ULONG i;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    for (i = 0; i < SGLIST_CHANNELS * SGLIST_IN_FLIGHT; i++) {
        PSGLIST_CHANNEL channel = &Extension->Channels[i / SGLIST_IN_FLIGHT];
        PSGLIST_REQUEST request = &channel->Requests[i % SGLIST_IN_FLIGHT];

        if (request->Phase != SglistPhaseFree && SglistStopRequestLocked(request, Status))
            stopped[count++] = request;
    }
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);

    for (i = 0; i < count; i++)
        SglistAbortRequest(stopped[i]);
    KeLowerIrql(irql);
}

static ULONG SglistIrpLength(PIO_STACK_LOCATION Stack)
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

static ULONG SglistIrpPosition(PIO_STACK_LOCATION Stack)
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

VOID SglistStartRequest(PSGLIST_REQUEST Request, PIRP Irp)
{
    PSGLIST_EXTENSION extension = Request->Channel->Extension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    Request->Mdl = Irp->MdlAddress;
    Request->Length = SglistIrpLength(stack);
    Request->LocalAddress = SglistIrpPosition(stack);
    Request->Moved = 0;
    Request->List = NULL;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Request->Irp = Irp;
    Request->Cancelled = FALSE;
    SglistSetRequestLocked(Irp, Request);
    IoSetCancelRoutine(Irp, SglistCancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        /* Cancelled between the two cancel routines, so neither has been called. */
        Request->Cancelled = TRUE;
        SglistStopRequestLocked(Request, STATUS_CANCELLED);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    KeFlushIoBuffers(Request->Mdl, !Request->Channel->Write, TRUE);
    SglistStartPiece(Request);
}

/* Takes the IRP from its request. NULL: its cancel routine has it. */
static PIRP SglistClaimIrp(PSGLIST_REQUEST Request, PNTSTATUS Status)
{
    PSGLIST_EXTENSION extension = Request->Channel->Extension;
    PIRP irp = Request->Irp;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Request->Phase = SglistPhaseOwned;
    Request->Irp = NULL;
    SglistSetRequestLocked(irp, NULL);
    if (Request->Cancelled) {
        *Status = STATUS_CANCELLED;
    } else if (IoSetCancelRoutine(irp, NULL) == NULL) {
        *Status = STATUS_CANCELLED;
        irp = NULL;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    return irp;
}

static VOID SglistCountLocked(PSGLIST_REQUEST Request, NTSTATUS Status)
{
    PSGLIST_STATISTICS statistics = &Request->Channel->Extension->Statistics;

    if (Status == SGLIST_STOP_REQUEUE) {
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

VOID SglistFinishRequest(PSGLIST_REQUEST Request, NTSTATUS Status)
{
    PSGLIST_EXTENSION extension = Request->Channel->Extension;
    NTSTATUS status = Status;
    PIRP irp = SglistClaimIrp(Request, &status);
    BOOLEAN last;

    if (irp != NULL && status == SGLIST_STOP_REQUEUE) {
        status = SglistQueueIrp(Request->Channel, irp, TRUE);
        if (status == STATUS_PENDING) {
            irp = NULL;
            status = SGLIST_STOP_REQUEUE;
        }
    }
    if (irp != NULL) {
        irp->IoStatus.Status = status;
        irp->IoStatus.Information = NT_SUCCESS(status) ? Request->Moved : 0;
        IoCompleteRequest(irp, NT_SUCCESS(status) ? IO_DISK_INCREMENT : IO_NO_INCREMENT);
    }

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    SglistCountLocked(Request, status);
    Request->Phase = SglistPhaseFree;
    last = SglistRequestLeftLocked(extension);
    SglistKickLocked(extension);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (last)
        SglistQueuePowerDown(extension);
    if (irp != NULL)
        IoReleaseRemoveLock(&extension->RemoveLock, irp);
}
