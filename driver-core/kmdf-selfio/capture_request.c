/*
 * capture_request.c: reads: waiting, being filled, and their end.
 */
#include "capture.h"

static EVT_WDF_REQUEST_CANCEL EvtCaptureCancel;

VOID EvtCaptureRead(WDFQUEUE Queue, WDFREQUEST Request, size_t Length)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(WdfIoQueueGetDevice(Queue));
    PCAPTURE_REQUEST context = CaptureGetRequest(Request);
    NTSTATUS status;

    InitializeListHead(&context->Link);
    context->Request = Request;
    context->Length = (ULONG)Length;
    context->Copied = 0;
    status = WdfRequestRetrieveOutputBuffer(Request, 1, (PVOID *)&context->Buffer, NULL);
    if (!NT_SUCCESS(status)) {
        WdfRequestComplete(Request, status);
        return;
    }

    /* The cancel callback waits for the lock, so it finds the request in the list. */
    WdfSpinLockAcquire(device->Lock);
    status = device->Refusal;
    if (NT_SUCCESS(status))
        status = WdfRequestMarkCancelableEx(Request, EvtCaptureCancel);
    if (NT_SUCCESS(status))
        InsertTailList(&device->Pending, &context->Link);
    WdfSpinLockRelease(device->Lock);

    if (NT_SUCCESS(status))
        CaptureServe(device);
    else
        WdfRequestComplete(Request, status);
}

/* It is not in the list any more when CaptureClaimLocked has found it cancelled. */
static VOID EvtCaptureCancel(WDFREQUEST Request)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(WdfIoQueueGetDevice(WdfRequestGetIoQueue(Request)));
    PCAPTURE_REQUEST context = CaptureGetRequest(Request);

    WdfSpinLockAcquire(device->Lock);
    RemoveEntryList(&context->Link);
    InitializeListHead(&context->Link);
    WdfSpinLockRelease(device->Lock);
    WdfRequestComplete(Request, STATUS_CANCELLED);
}

/* Lock held. Takes that read out of the list. FALSE: it is cancelled, and its cancel callback,
 * which waits for the lock, completes it. Without the lock it might be completed, and gone, by now.
 */
static BOOLEAN CaptureClaimLocked(PCAPTURE_REQUEST Context)
{
    RemoveEntryList(&Context->Link);
    InitializeListHead(&Context->Link);
    return WdfRequestUnmarkCancelable(Context->Request) != STATUS_CANCELLED;
}

static PCAPTURE_REQUEST CaptureClaimFirst(PCAPTURE_DEVICE Device)
{
    PCAPTURE_REQUEST found = NULL;

    WdfSpinLockAcquire(Device->Lock);
    while (found == NULL && !IsListEmpty(&Device->Pending)) {
        PCAPTURE_REQUEST context = CONTAINING_RECORD(Device->Pending.Flink, CAPTURE_REQUEST, Link);

        if (CaptureClaimLocked(context))
            found = context;
    }
    WdfSpinLockRelease(Device->Lock);
    return found;
}

VOID CaptureRefuse(PCAPTURE_DEVICE Device, NTSTATUS Status)
{
    PCAPTURE_REQUEST context;

    WdfSpinLockAcquire(Device->Lock);
    Device->Refusal = Status;
    WdfSpinLockRelease(Device->Lock);
    while ((context = CaptureClaimFirst(Device)) != NULL)
        WdfRequestComplete(context->Request, Status);
}

/* Lock held. Copies from the first filled buffer into that read. */
static VOID CaptureCopyLocked(PCAPTURE_DEVICE Device, PCAPTURE_REQUEST Context)
{
    ULONG bytes = CAPTURE_BUFFER_BYTES - Device->Offset;

    if (bytes > Context->Length - Context->Copied)
        bytes = Context->Length - Context->Copied;
    RtlCopyMemory(Context->Buffer + Context->Copied,
                  Device->Data + Device->Next * CAPTURE_BUFFER_BYTES + Device->Offset, bytes);
    Context->Copied += bytes;
    Device->Offset += bytes;
    if (Device->Offset < CAPTURE_BUFFER_BYTES)
        return;
    Device->Offset = 0;
    Device->Filled--;
    Device->Next = (Device->Next + 1) % ICH_DESCRIPTORS;
    if (Device->Streaming)
        CaptureGiveLocked(Device);
}

/* Lock held. Copies until a read has all it asked for: that read, claimed. NULL: there is nothing
 * more to copy, or nobody to copy it for. */
static PCAPTURE_REQUEST CaptureFillLocked(PCAPTURE_DEVICE Device)
{
    PCAPTURE_REQUEST context;

    if (Device->Streaming)
        Device->Filled = CaptureLookLocked(Device);
    while (Device->Filled != 0 && !IsListEmpty(&Device->Pending)) {
        context = CONTAINING_RECORD(Device->Pending.Flink, CAPTURE_REQUEST, Link);
        CaptureCopyLocked(Device, context);
        if (context->Copied == context->Length && CaptureClaimLocked(context))
            return context;
    }
    return NULL;
}

VOID CaptureServe(PCAPTURE_DEVICE Device)
{
    PCAPTURE_REQUEST context;

    do {
        WdfSpinLockAcquire(Device->Lock);
        context = CaptureFillLocked(Device);
        WdfSpinLockRelease(Device->Lock);
        if (context != NULL)
            WdfRequestCompleteWithInformation(context->Request, STATUS_SUCCESS, context->Copied);
    } while (context != NULL);
}
