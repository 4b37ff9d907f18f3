/*
 * sglist_queue.c: reads, writes and device control until they reach the hardware.
 *
 * Requests wait in a cancel-safe queue for each channel. The queues' lock is the extension's, so
 * whether a request may be queued at all (SglistInsertIrp) and whether one may leave
 * (SglistReserveLocked) are decided under the same lock as the holds. Only SglistServiceDpc takes
 * requests out to start them.
 */
#include "sglist.h"

static IO_CSQ_INSERT_IRP_EX SglistInsertIrp;
static IO_CSQ_REMOVE_IRP SglistRemoveIrp;
static IO_CSQ_PEEK_NEXT_IRP SglistPeekNextIrp;
static IO_CSQ_ACQUIRE_LOCK SglistAcquireQueueLock;
static IO_CSQ_RELEASE_LOCK SglistReleaseQueueLock;
static IO_CSQ_COMPLETE_CANCELED_IRP SglistCompleteCancelledIrp;

/* Insert contexts: anything else than NULL. */
#define SGLIST_AT_HEAD ((PVOID)1)

static PSGLIST_CHANNEL SglistChannelOf(PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, SGLIST_CHANNEL, Csq);
}

static NTSTATUS SglistInsertIrp(PIO_CSQ Csq, PIRP Irp, PVOID InsertContext)
{
    PSGLIST_CHANNEL channel = SglistChannelOf(Csq);

    if ((channel->Extension->Holds & SGLIST_HOLD_REMOVED) != 0)
        return STATUS_DELETE_PENDING;
    if (InsertContext == SGLIST_AT_HEAD)
        InsertHeadList(&channel->Queue, &Irp->Tail.Overlay.ListEntry);
    else
        InsertTailList(&channel->Queue, &Irp->Tail.Overlay.ListEntry);
    SglistKickLocked(channel->Extension);
    return STATUS_SUCCESS;
}

static VOID SglistRemoveIrp(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);

    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* The context is a file object, or NULL for the requests of all. */
static PIRP SglistPeekNextIrp(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PSGLIST_CHANNEL channel = SglistChannelOf(Csq);
    PLIST_ENTRY entry = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : channel->Queue.Flink;

    for (; entry != &channel->Queue; entry = entry->Flink) {
        PIRP next = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(next)->FileObject == PeekContext)
            return next;
    }
    return NULL;
}

static VOID SglistAcquireQueueLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&SglistChannelOf(Csq)->Extension->Lock, Irql);
}

static VOID SglistReleaseQueueLock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&SglistChannelOf(Csq)->Extension->Lock, Irql);
}

static VOID SglistCompleteCancelledIrp(PIO_CSQ Csq, PIRP Irp)
{
    SglistCompleteIrp(SglistChannelOf(Csq)->Extension, Irp, STATUS_CANCELLED, 0);
}

NTSTATUS SglistInitializeQueue(PSGLIST_CHANNEL Channel)
{
    return IoCsqInitializeEx(&Channel->Csq, SglistInsertIrp, SglistRemoveIrp, SglistPeekNextIrp,
                             SglistAcquireQueueLock, SglistReleaseQueueLock,
                             SglistCompleteCancelledIrp);
}

/* ---- into a queue ---- */

NTSTATUS SglistQueueIrp(PSGLIST_CHANNEL Channel, PIRP Irp, BOOLEAN AtHead)
{
    NTSTATUS status;

    status = IoCsqInsertIrpEx(&Channel->Csq, Irp, NULL, AtHead ? SGLIST_AT_HEAD : NULL);
    return NT_SUCCESS(status) ? STATUS_PENDING : status;
}

/* Queues a transfer whose IRP has the remove lock, or completes it. */
static NTSTATUS SglistQueueTransfer(PSGLIST_EXTENSION Extension, PIRP Irp, ULONG Channel,
                                    ULONG Length, LONGLONG Position)
{
    NTSTATUS status;

    if (Length == 0) /* has no MDL */
        return SglistCompleteIrp(Extension, Irp, STATUS_SUCCESS, 0);
    if (Irp->MdlAddress == NULL || Length > MmGetMdlByteCount(Irp->MdlAddress))
        return SglistCompleteIrp(Extension, Irp, STATUS_INVALID_PARAMETER, 0);
    if (Position < 0 || Position >= SGLIST_LOCAL_BYTES ||
        Length > SGLIST_LOCAL_BYTES - (ULONG)Position)
        return SglistCompleteIrp(Extension, Irp, STATUS_END_OF_FILE, 0);

    status = SglistQueueIrp(&Extension->Channels[Channel], Irp, FALSE);
    if (status != STATUS_PENDING)
        SglistCompleteIrp(Extension, Irp, status, 0);
    return status;
}

/* A device that is gone answers nothing, not even a request that needs no device. */
static NTSTATUS SglistCheckPresent(PSGLIST_EXTENSION Extension)
{
    BOOLEAN removed;
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    removed = (Extension->Holds & SGLIST_HOLD_REMOVED) != 0;
    KeReleaseSpinLock(&Extension->Lock, irql);
    return removed ? STATUS_DELETE_PENDING : STATUS_SUCCESS;
}

NTSTATUS SglistReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SglistRefuseIrp(Irp, status);
    status = SglistCheckPresent(extension);
    if (!NT_SUCCESS(status))
        return SglistCompleteIrp(extension, Irp, status, 0);
    if (stack->MajorFunction == IRP_MJ_WRITE)
        return SglistQueueTransfer(extension, Irp, SGLIST_WRITE, stack->Parameters.Write.Length,
                                   stack->Parameters.Write.ByteOffset.QuadPart);
    return SglistQueueTransfer(extension, Irp, SGLIST_READ, stack->Parameters.Read.Length,
                               stack->Parameters.Read.ByteOffset.QuadPart);
}

static NTSTATUS SglistGetStatistics(PSGLIST_EXTENSION Extension, PIRP Irp, ULONG Length)
{
    PSGLIST_STATISTICS statistics = (PSGLIST_STATISTICS)Irp->AssociatedIrp.SystemBuffer;
    KIRQL irql;

    if (Length < sizeof(*statistics))
        return SglistCompleteIrp(Extension, Irp, STATUS_BUFFER_TOO_SMALL, 0);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    *statistics = Extension->Statistics;
    KeReleaseSpinLock(&Extension->Lock, irql);
    return SglistCompleteIrp(Extension, Irp, STATUS_SUCCESS, sizeof(*statistics));
}

NTSTATUS SglistDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG length = stack->Parameters.DeviceIoControl.OutputBufferLength;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SglistRefuseIrp(Irp, status);
    status = SglistCheckPresent(extension);
    if (!NT_SUCCESS(status))
        return SglistCompleteIrp(extension, Irp, status, 0);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SGLIST_GET_STATISTICS:
        return SglistGetStatistics(extension, Irp, length);
    case IOCTL_SGLIST_FETCH:
        return SglistQueueTransfer(extension, Irp, SGLIST_READ, length, 0);
    default:
        return SglistCompleteIrp(extension, Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

/* ---- out of a queue ---- */

static BOOLEAN SglistMayLeaveLocked(PSGLIST_EXTENSION Extension)
{
    return Extension->Holds == 0 && !Extension->Exclusive;
}

VOID SglistKickLocked(PSGLIST_EXTENSION Extension)
{
    ULONG i;

    if (!SglistMayLeaveLocked(Extension))
        return;
    for (i = 0; i < SGLIST_CHANNELS; i++) {
        if (!IsListEmpty(&Extension->Channels[i].Queue)) {
            KeInsertQueueDpc(&Extension->ServiceDpc, NULL, NULL);
            return;
        }
    }
}

/* A place for a request that is about to leave the queue; NULL: none may. */
static PSGLIST_REQUEST SglistReserveLocked(PSGLIST_CHANNEL Channel)
{
    PSGLIST_EXTENSION extension = Channel->Extension;
    ULONG i;

    if (!SglistMayLeaveLocked(extension) || IsListEmpty(&Channel->Queue))
        return NULL;
    for (i = 0; i < SGLIST_IN_FLIGHT; i++) {
        PSGLIST_REQUEST request = &Channel->Requests[i];

        if (request->Phase != SglistPhaseFree)
            continue;
        request->Phase = SglistPhaseOwned;
        request->Irp = NULL;
        request->StopStatus = STATUS_SUCCESS;
        extension->InFlight++;
        KeClearEvent(&extension->IdleEvent);
        return request;
    }
    return NULL;
}

/* Gives back a place that was not needed. That does not call the service DPC again: what the queue
 * holds, if anything, its cancel routine is about to take. */
static VOID SglistGiveBack(PSGLIST_REQUEST Request)
{
    PSGLIST_EXTENSION extension = Request->Channel->Extension;
    BOOLEAN last;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Request->Phase = SglistPhaseFree;
    last = SglistRequestLeftLocked(extension);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (last)
        SglistQueuePowerDown(extension);
}

static BOOLEAN SglistServeChannel(PSGLIST_CHANNEL Channel)
{
    PSGLIST_REQUEST request;
    PIRP irp;

    KeAcquireSpinLockAtDpcLevel(&Channel->Extension->Lock);
    request = SglistReserveLocked(Channel);
    KeReleaseSpinLockFromDpcLevel(&Channel->Extension->Lock);
    if (request == NULL)
        return FALSE;

    irp = IoCsqRemoveNextIrp(&Channel->Csq, NULL);
    if (irp == NULL) {
        SglistGiveBack(request);
        return FALSE;
    }
    SglistStartRequest(request, irp);
    return TRUE;
}

VOID SglistServiceDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)Context;
    ULONG i;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    for (i = 0; i < SGLIST_CHANNELS; i++) {
        while (SglistServeChannel(&extension->Channels[i]))
            ;
    }
}

VOID SglistFailQueued(PSGLIST_EXTENSION Extension, PFILE_OBJECT FileObject, NTSTATUS Status)
{
    PIRP irp;
    ULONG i;

    for (i = 0; i < SGLIST_CHANNELS; i++) {
        for (;;) {
            irp = IoCsqRemoveNextIrp(&Extension->Channels[i].Csq, FileObject);
            if (irp == NULL)
                break;
            SglistCompleteIrp(Extension, irp, Status, 0);
        }
    }
}

/* The last handle of a file object is closed: nobody waits for its queued requests. Those in flight
 * end by themselves. */
NTSTATUS SglistCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SglistRefuseIrp(Irp, status);
    SglistFailQueued(extension, IoGetCurrentIrpStackLocation(Irp)->FileObject, STATUS_CANCELLED);
    return SglistCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
}
