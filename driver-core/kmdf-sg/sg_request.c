/*
 * sg_request.c: a request from its queue to its completion.
 *
 * A request is cancelable from before its transaction is executed until its owner has won it back
 * (WdfRequestUnmarkCancelable). When the cancel callback was faster, owner and callback meet in the
 * request's context: the second of them completes it.
 */
#include "sg.h"

static EVT_WDF_REQUEST_CANCEL EvtSgCancel;

static VOID SgStartRequest(PSG_CHANNEL Channel, WDFREQUEST Request, LONGLONG Offset)
{
    PSG_REQUEST context = SgGetRequest(Request);
    NTSTATUS status;

    context->Channel = Channel;
    status = WdfDmaTransactionInitializeUsingRequest(
        Channel->Transaction, Request, EvtSgProgramDma,
        Channel->Index == SG_WRITE ? WdfDmaDirectionWriteToDevice : WdfDmaDirectionReadFromDevice);
    if (!NT_SUCCESS(status)) {
        WdfDmaTransactionRelease(Channel->Transaction);
        WdfRequestComplete(Request, status);
        return;
    }

    WdfSpinLockAcquire(Channel->Device->Lock);
    Channel->Phase = SgPhaseWaiting;
    Channel->Request = Request;
    Channel->LocalAddress = (ULONG)Offset & (SG_LOCAL_BYTES - 1);
    WdfSpinLockRelease(Channel->Device->Lock);

    status = WdfRequestMarkCancelableEx(Request, EvtSgCancel);
    if (!NT_SUCCESS(status)) {
        /* Cancelled before it was marked: no callback will come. */
        WdfSpinLockAcquire(Channel->Device->Lock);
        Channel->Phase = SgPhaseIdle;
        Channel->Request = NULL;
        WdfSpinLockRelease(Channel->Device->Lock);
        WdfDmaTransactionRelease(Channel->Transaction);
        WdfRequestComplete(Request, status);
        return;
    }
    status = WdfDmaTransactionExecute(Channel->Transaction, Channel);
    /* After a success the request is EvtSgProgramDma's, and may be gone. */
    if (!NT_SUCCESS(status))
        SgFinishRequest(Channel, status, FALSE);
}

VOID EvtSgRead(WDFQUEUE Queue, WDFREQUEST Request, size_t Length)
{
    WDF_REQUEST_PARAMETERS parameters;

    UNREFERENCED_PARAMETER(Length);

    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(Request, &parameters);
    SgStartRequest(SgGetQueue(Queue)->Channel, Request, parameters.Parameters.Read.DeviceOffset);
}

VOID EvtSgWrite(WDFQUEUE Queue, WDFREQUEST Request, size_t Length)
{
    WDF_REQUEST_PARAMETERS parameters;

    UNREFERENCED_PARAMETER(Length);

    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(Request, &parameters);
    SgStartRequest(SgGetQueue(Queue)->Channel, Request, parameters.Parameters.Write.DeviceOffset);
}

/* Lock held. The request is to end with Status. TRUE: the caller now owns it. FALSE: its owner, or
 * EvtSgProgramDma, ends it. */
static BOOLEAN SgStopLocked(PSG_CHANNEL Channel, WDFREQUEST Request, NTSTATUS Status)
{
    PSG_REQUEST context = SgGetRequest(Request);

    if (NT_SUCCESS(context->StopStatus))
        context->StopStatus = Status;
    if (Channel->Request != Request || Channel->Phase != SgPhaseRunning)
        return FALSE;
    Channel->Phase = SgPhaseOwned;
    return TRUE;
}

static VOID EvtSgCancel(WDFREQUEST Request)
{
    PSG_REQUEST context = SgGetRequest(Request);
    PSG_CHANNEL channel = context->Channel;
    BOOLEAN finished, owned = FALSE;

    WdfSpinLockAcquire(channel->Device->Lock);
    finished = context->Finished;
    context->CancelSeen = TRUE;
    if (!finished)
        owned = SgStopLocked(channel, Request, STATUS_CANCELLED);
    WdfSpinLockRelease(channel->Device->Lock);

    if (finished) {
        WdfRequestCompleteWithInformation(Request, context->Status, context->Bytes);
    } else if (owned) {
        SgAbortFragment(channel);
        SgFinishRequest(channel, STATUS_CANCELLED, FALSE);
    }
}

/* The power goes, or the queue is being emptied. A request that waits for its list ends as soon as
 * the list comes. */
VOID EvtSgStop(WDFQUEUE Queue, WDFREQUEST Request, ULONG ActionFlags)
{
    PSG_CHANNEL channel = SgGetQueue(Queue)->Channel;
    NTSTATUS status =
        ActionFlags & WdfRequestStopActionSuspend ? SG_STOP_REQUEUE : STATUS_CANCELLED;
    BOOLEAN owned;

    WdfSpinLockAcquire(channel->Device->Lock);
    owned = SgStopLocked(channel, Request, status);
    WdfSpinLockRelease(channel->Device->Lock);
    if (!owned)
        return;
    SgAbortFragment(channel);
    SgFinishRequest(channel, status, TRUE);
}

/* Lock held, by the owner. FALSE: the cancel callback is still to take the lock, and completes the
 * request. One that has had the lock before has left the request to its owner (CancelSeen). */
static BOOLEAN SgWinLocked(WDFREQUEST Request, NTSTATUS Status, ULONG_PTR Bytes)
{
    PSG_REQUEST context = SgGetRequest(Request);

    if (context->CancelSeen || NT_SUCCESS(WdfRequestUnmarkCancelable(Request)))
        return TRUE;
    context->Finished = TRUE;
    context->Status = Status;
    context->Bytes = Bytes;
    return FALSE;
}

VOID SgFinishRequest(PSG_CHANNEL Channel, NTSTATUS Status, BOOLEAN InStop)
{
    WDFREQUEST request = Channel->Request;
    PSG_REQUEST context = SgGetRequest(request);
    BOOLEAN again = Status == SG_STOP_REQUEUE;
    BOOLEAN ours;
    ULONG_PTR bytes = 0;

    if (NT_SUCCESS(Status))
        bytes = WdfDmaTransactionGetBytesTransferred(Channel->Transaction);
    else if (again)
        Status = STATUS_CANCELLED; /* unless it really goes back */
    WdfDmaTransactionRelease(Channel->Transaction);

    WdfSpinLockAcquire(Channel->Device->Lock);
    Channel->Phase = SgPhaseIdle;
    Channel->Request = NULL;
    ours = SgWinLocked(request, Status, bytes);
    again = again && InStop && !context->CancelSeen;
    if (ours && again)
        context->StopStatus = STATUS_SUCCESS;
    WdfSpinLockRelease(Channel->Device->Lock);

    if (!ours)
        return;
    if (again)
        WdfRequestStopAcknowledge(request, TRUE);
    else
        WdfRequestCompleteWithInformation(request, Status, bytes);
}
