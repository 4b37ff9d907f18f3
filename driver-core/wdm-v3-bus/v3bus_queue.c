/*
 * v3bus_queue.c: reads, writes and device control until they reach the hardware.
 *
 * Requests wait in a cancel-safe queue for each channel. The queues' lock is the extension's, so
 * whether a request may be queued at all (V3busInsertIrp) and whether one may leave
 * (V3busReserveLocked) are decided under the same lock as the holds. Only V3busServiceDpc takes
 * requests out to start them.
 */
#include "v3bus.h"

static IO_CSQ_INSERT_IRP_EX V3busInsertIrp;
static IO_CSQ_REMOVE_IRP V3busRemoveIrp;
static IO_CSQ_PEEK_NEXT_IRP V3busPeekNextIrp;
static IO_CSQ_ACQUIRE_LOCK V3busAcquireQueueLock;
static IO_CSQ_RELEASE_LOCK V3busReleaseQueueLock;
static IO_CSQ_COMPLETE_CANCELED_IRP V3busCompleteCancelledIrp;

/* Insert contexts: anything else than NULL. */
#define V3BUS_AT_HEAD ((PVOID)1)

static PV3BUS_CHANNEL V3busChannelOf(PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, V3BUS_CHANNEL, Csq);
}

static NTSTATUS V3busInsertIrp(PIO_CSQ Csq, PIRP Irp, PVOID InsertContext)
{
    PV3BUS_CHANNEL channel = V3busChannelOf(Csq);

    if ((channel->Extension->Holds & V3BUS_HOLD_REMOVED) != 0)
        return STATUS_DELETE_PENDING;
    if (InsertContext == V3BUS_AT_HEAD)
        InsertHeadList(&channel->Queue, &Irp->Tail.Overlay.ListEntry);
    else
        InsertTailList(&channel->Queue, &Irp->Tail.Overlay.ListEntry);
    V3busKickLocked(channel->Extension);
    return STATUS_SUCCESS;
}

static VOID V3busRemoveIrp(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);

    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* The context is a file object, or NULL for the requests of all. */
static PIRP V3busPeekNextIrp(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PV3BUS_CHANNEL channel = V3busChannelOf(Csq);
    PLIST_ENTRY entry = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : channel->Queue.Flink;

    for (; entry != &channel->Queue; entry = entry->Flink) {
        PIRP next = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(next)->FileObject == PeekContext)
            return next;
    }
    return NULL;
}

static VOID V3busAcquireQueueLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&V3busChannelOf(Csq)->Extension->Lock, Irql);
}

static VOID V3busReleaseQueueLock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&V3busChannelOf(Csq)->Extension->Lock, Irql);
}

static VOID V3busCompleteCancelledIrp(PIO_CSQ Csq, PIRP Irp)
{
    V3busCompleteIrp(V3busChannelOf(Csq)->Extension, Irp, STATUS_CANCELLED, 0);
}

NTSTATUS V3busInitializeQueue(PV3BUS_CHANNEL Channel)
{
    return IoCsqInitializeEx(&Channel->Csq, V3busInsertIrp, V3busRemoveIrp, V3busPeekNextIrp,
                             V3busAcquireQueueLock, V3busReleaseQueueLock,
                             V3busCompleteCancelledIrp);
}

/* ---- into a queue ---- */

NTSTATUS V3busQueueIrp(PV3BUS_CHANNEL Channel, PIRP Irp, BOOLEAN AtHead)
{
    NTSTATUS status;

    status = IoCsqInsertIrpEx(&Channel->Csq, Irp, NULL, AtHead ? V3BUS_AT_HEAD : NULL);
    return NT_SUCCESS(status) ? STATUS_PENDING : status;
}

/* Queues a transfer whose IRP has the remove lock, or completes it. */
static NTSTATUS V3busQueueTransfer(PV3BUS_EXTENSION Extension, PIRP Irp, ULONG Channel,
                                   ULONG Length, LONGLONG Position)
{
    NTSTATUS status;

    if (Length == 0) /* has no MDL */
        return V3busCompleteIrp(Extension, Irp, STATUS_SUCCESS, 0);
    if (Irp->MdlAddress == NULL || Length > MmGetMdlByteCount(Irp->MdlAddress))
        return V3busCompleteIrp(Extension, Irp, STATUS_INVALID_PARAMETER, 0);
    if (Position < 0 || Position >= V3BUS_LOCAL_BYTES ||
        Length > V3BUS_LOCAL_BYTES - (ULONG)Position)
        return V3busCompleteIrp(Extension, Irp, STATUS_END_OF_FILE, 0);

    status = V3busQueueIrp(&Extension->Channels[Channel], Irp, FALSE);
    if (status != STATUS_PENDING)
        V3busCompleteIrp(Extension, Irp, status, 0);
    return status;
}

/* A device that is gone answers nothing, not even a request that needs no device. */
static NTSTATUS V3busCheckPresent(PV3BUS_EXTENSION Extension)
{
    BOOLEAN removed;
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    removed = (Extension->Holds & V3BUS_HOLD_REMOVED) != 0;
    KeReleaseSpinLock(&Extension->Lock, irql);
    return removed ? STATUS_DELETE_PENDING : STATUS_SUCCESS;
}

NTSTATUS V3busReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3busRefuseIrp(Irp, status);
    status = V3busCheckPresent(extension);
    if (!NT_SUCCESS(status))
        return V3busCompleteIrp(extension, Irp, status, 0);
    if (stack->MajorFunction == IRP_MJ_WRITE)
        return V3busQueueTransfer(extension, Irp, V3BUS_WRITE, stack->Parameters.Write.Length,
                                  stack->Parameters.Write.ByteOffset.QuadPart);
    return V3busQueueTransfer(extension, Irp, V3BUS_READ, stack->Parameters.Read.Length,
                              stack->Parameters.Read.ByteOffset.QuadPart);
}

static NTSTATUS V3busGetStatistics(PV3BUS_EXTENSION Extension, PIRP Irp, ULONG Length)
{
    PV3BUS_STATISTICS statistics = (PV3BUS_STATISTICS)Irp->AssociatedIrp.SystemBuffer;
    KIRQL irql;

    if (Length < sizeof(*statistics))
        return V3busCompleteIrp(Extension, Irp, STATUS_BUFFER_TOO_SMALL, 0);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    *statistics = Extension->Statistics;
    KeReleaseSpinLock(&Extension->Lock, irql);
    return V3busCompleteIrp(Extension, Irp, STATUS_SUCCESS, sizeof(*statistics));
}

NTSTATUS V3busDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG length = stack->Parameters.DeviceIoControl.OutputBufferLength;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3busRefuseIrp(Irp, status);
    status = V3busCheckPresent(extension);
    if (!NT_SUCCESS(status))
        return V3busCompleteIrp(extension, Irp, status, 0);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_V3BUS_GET_STATISTICS:
        return V3busGetStatistics(extension, Irp, length);
    case IOCTL_V3BUS_FETCH:
        return V3busQueueTransfer(extension, Irp, V3BUS_READ, length, 0);
    default:
        return V3busCompleteIrp(extension, Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

/* ---- out of a queue ---- */

static BOOLEAN V3busMayLeaveLocked(PV3BUS_EXTENSION Extension)
{
    return Extension->Holds == 0 && !Extension->Exclusive;
}

VOID V3busKickLocked(PV3BUS_EXTENSION Extension)
{
    ULONG i;

    if (!V3busMayLeaveLocked(Extension))
        return;
    for (i = 0; i < V3BUS_CHANNELS; i++) {
        if (!IsListEmpty(&Extension->Channels[i].Queue)) {
            KeInsertQueueDpc(&Extension->ServiceDpc, NULL, NULL);
            return;
        }
    }
}

/* A place for a request that is about to leave the queue; NULL: none may. */
static PV3BUS_REQUEST V3busReserveLocked(PV3BUS_CHANNEL Channel)
{
    PV3BUS_EXTENSION extension = Channel->Extension;
    ULONG i;

    if (!V3busMayLeaveLocked(extension) || IsListEmpty(&Channel->Queue))
        return NULL;
    for (i = 0; i < V3BUS_IN_FLIGHT; i++) {
        PV3BUS_REQUEST request = &Channel->Requests[i];

        if (request->Phase != V3busPhaseFree)
            continue;
        request->Phase = V3busPhaseOwned;
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
static VOID V3busGiveBack(PV3BUS_REQUEST Request)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    BOOLEAN last;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Request->Phase = V3busPhaseFree;
    last = V3busRequestLeftLocked(extension);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (last)
        V3busQueuePowerDown(extension);
}

static BOOLEAN V3busServeChannel(PV3BUS_CHANNEL Channel)
{
    PV3BUS_REQUEST request;
    PIRP irp;

    KeAcquireSpinLockAtDpcLevel(&Channel->Extension->Lock);
    request = V3busReserveLocked(Channel);
    KeReleaseSpinLockFromDpcLevel(&Channel->Extension->Lock);
    if (request == NULL)
        return FALSE;

    irp = IoCsqRemoveNextIrp(&Channel->Csq, NULL);
    if (irp == NULL) {
        V3busGiveBack(request);
        return FALSE;
    }
    V3busStartRequest(request, irp);
    return TRUE;
}

VOID V3busServiceDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)Context;
    ULONG i;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    for (i = 0; i < V3BUS_CHANNELS; i++) {
        while (V3busServeChannel(&extension->Channels[i]))
            ;
    }
}

VOID V3busFailQueued(PV3BUS_EXTENSION Extension, PFILE_OBJECT FileObject, NTSTATUS Status)
{
    PIRP irp;
    ULONG i;

    for (i = 0; i < V3BUS_CHANNELS; i++) {
        for (;;) {
            irp = IoCsqRemoveNextIrp(&Extension->Channels[i].Csq, FileObject);
            if (irp == NULL)
                break;
            V3busCompleteIrp(Extension, irp, Status, 0);
        }
    }
}

/* The last handle of a file object is closed: nobody waits for its queued requests. Those in flight
 * end by themselves. */
NTSTATUS V3busCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3busRefuseIrp(Irp, status);
    V3busFailQueued(extension, IoGetCurrentIrpStackLocation(Irp)->FileObject, STATUS_CANCELLED);
    return V3busCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
}
