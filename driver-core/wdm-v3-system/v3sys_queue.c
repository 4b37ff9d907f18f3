/*
 * v3sys_queue.c: reads and writes until they reach the hardware.
 *
 * Requests wait in a cancel-safe queue for each channel. The queues' lock is the extension's, so
 * whether a request may be queued at all (V3sysInsertIrp) and whether one may leave
 * (V3sysReserveLocked) are decided under the same lock as the holds. Only V3sysServiceDpc takes
 * requests out to start them.
 */
#include "v3sys.h"

static IO_CSQ_INSERT_IRP_EX V3sysInsertIrp;
static IO_CSQ_REMOVE_IRP V3sysRemoveIrp;
static IO_CSQ_PEEK_NEXT_IRP V3sysPeekNextIrp;
static IO_CSQ_ACQUIRE_LOCK V3sysAcquireQueueLock;
static IO_CSQ_RELEASE_LOCK V3sysReleaseQueueLock;
static IO_CSQ_COMPLETE_CANCELED_IRP V3sysCompleteCancelledIrp;

/* Insert contexts: anything else than NULL. */
#define V3SYS_AT_HEAD ((PVOID)1)

static PV3SYS_CHANNEL V3sysChannelOf(PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, V3SYS_CHANNEL, Csq);
}

static NTSTATUS V3sysInsertIrp(PIO_CSQ Csq, PIRP Irp, PVOID InsertContext)
{
    PV3SYS_CHANNEL channel = V3sysChannelOf(Csq);

    if ((channel->Extension->Holds & V3SYS_HOLD_REMOVED) != 0)
        return STATUS_DELETE_PENDING;
    if (InsertContext == V3SYS_AT_HEAD)
        InsertHeadList(&channel->Queue, &Irp->Tail.Overlay.ListEntry);
    else
        InsertTailList(&channel->Queue, &Irp->Tail.Overlay.ListEntry);
    V3sysKickLocked(channel->Extension);
    return STATUS_SUCCESS;
}

static VOID V3sysRemoveIrp(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);

    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* The context is a file object, or NULL for the requests of all. */
static PIRP V3sysPeekNextIrp(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PV3SYS_CHANNEL channel = V3sysChannelOf(Csq);
    PLIST_ENTRY entry = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : channel->Queue.Flink;

    for (; entry != &channel->Queue; entry = entry->Flink) {
        PIRP next = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(next)->FileObject == PeekContext)
            return next;
    }
    return NULL;
}

static VOID V3sysAcquireQueueLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&V3sysChannelOf(Csq)->Extension->Lock, Irql);
}

static VOID V3sysReleaseQueueLock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&V3sysChannelOf(Csq)->Extension->Lock, Irql);
}

static VOID V3sysCompleteCancelledIrp(PIO_CSQ Csq, PIRP Irp)
{
    V3sysCompleteIrp(V3sysChannelOf(Csq)->Extension, Irp, STATUS_CANCELLED, 0);
}

NTSTATUS V3sysInitializeQueue(PV3SYS_CHANNEL Channel)
{
    return IoCsqInitializeEx(&Channel->Csq, V3sysInsertIrp, V3sysRemoveIrp, V3sysPeekNextIrp,
                             V3sysAcquireQueueLock, V3sysReleaseQueueLock,
                             V3sysCompleteCancelledIrp);
}

/* ---- into a queue ---- */

NTSTATUS V3sysQueueIrp(PV3SYS_CHANNEL Channel, PIRP Irp, BOOLEAN AtHead)
{
    NTSTATUS status;

    status = IoCsqInsertIrpEx(&Channel->Csq, Irp, NULL, AtHead ? V3SYS_AT_HEAD : NULL);
    return NT_SUCCESS(status) ? STATUS_PENDING : status;
}

/* A device that is gone answers nothing, not even a request that needs no device. */
static NTSTATUS V3sysCheckPresent(PV3SYS_EXTENSION Extension)
{
    BOOLEAN removed;
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    removed = (Extension->Holds & V3SYS_HOLD_REMOVED) != 0;
    KeReleaseSpinLock(&Extension->Lock, irql);
    return removed ? STATUS_DELETE_PENDING : STATUS_SUCCESS;
}

/* A line has no position, so the offset of the request means nothing. */
NTSTATUS V3sysReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN write = stack->MajorFunction == IRP_MJ_WRITE;
    ULONG length = write ? stack->Parameters.Write.Length : stack->Parameters.Read.Length;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3sysRefuseIrp(Irp, status);
    status = V3sysCheckPresent(extension);
    if (!NT_SUCCESS(status) || length == 0) /* has no MDL */
        return V3sysCompleteIrp(extension, Irp, status, 0);
    if (Irp->MdlAddress == NULL || length > MmGetMdlByteCount(Irp->MdlAddress))
        return V3sysCompleteIrp(extension, Irp, STATUS_INVALID_PARAMETER, 0);

    status = V3sysQueueIrp(&extension->Channels[write ? V3SYS_WRITE : V3SYS_READ], Irp, FALSE);
    if (status != STATUS_PENDING)
        V3sysCompleteIrp(extension, Irp, status, 0);
    return status;
}

/* ---- out of a queue ---- */

static BOOLEAN V3sysMayLeaveLocked(PV3SYS_EXTENSION Extension)
{
    return Extension->Holds == 0 && !Extension->Exclusive;
}

VOID V3sysKickLocked(PV3SYS_EXTENSION Extension)
{
    ULONG i;

    if (!V3sysMayLeaveLocked(Extension))
        return;
    for (i = 0; i < V3SYS_CHANNELS; i++) {
        if (!IsListEmpty(&Extension->Channels[i].Queue)) {
            KeInsertQueueDpc(&Extension->ServiceDpc, NULL, NULL);
            return;
        }
    }
}

/* The channel is for a request that is about to leave the queue. FALSE: none may. */
static BOOLEAN V3sysReserveLocked(PV3SYS_CHANNEL Channel)
{
    PV3SYS_EXTENSION extension = Channel->Extension;

    if (!V3sysMayLeaveLocked(extension) || IsListEmpty(&Channel->Queue) ||
        Channel->Phase != V3sysPhaseFree)
        return FALSE;
    Channel->Phase = V3sysPhaseOwned;
    Channel->Irp = NULL;
    Channel->StopStatus = STATUS_SUCCESS;
    extension->InFlight++;
    KeClearEvent(&extension->IdleEvent);
    return TRUE;
}

/* Gives back a channel that was not needed. That does not call the service DPC again: what the
 * queue holds, if anything, its cancel routine is about to take. */
static VOID V3sysGiveBack(PV3SYS_CHANNEL Channel)
{
    PV3SYS_EXTENSION extension = Channel->Extension;
    BOOLEAN last;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Channel->Phase = V3sysPhaseFree;
    last = V3sysRequestLeftLocked(extension);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (last)
        V3sysQueuePowerDown(extension);
}

static BOOLEAN V3sysServeChannel(PV3SYS_CHANNEL Channel)
{
    BOOLEAN reserved;
    PIRP irp;

    KeAcquireSpinLockAtDpcLevel(&Channel->Extension->Lock);
    reserved = V3sysReserveLocked(Channel);
    KeReleaseSpinLockFromDpcLevel(&Channel->Extension->Lock);
    if (!reserved)
        return FALSE;

    irp = IoCsqRemoveNextIrp(&Channel->Csq, NULL);
    if (irp == NULL) {
        V3sysGiveBack(Channel);
        return FALSE;
    }
    V3sysStartRequest(Channel, irp);
    return TRUE;
}

VOID V3sysServiceDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;
    ULONG i;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    for (i = 0; i < V3SYS_CHANNELS; i++) {
        while (V3sysServeChannel(&extension->Channels[i]))
            ;
    }
}

VOID V3sysFailQueued(PV3SYS_EXTENSION Extension, PFILE_OBJECT FileObject, NTSTATUS Status)
{
    PIRP irp;
    ULONG i;

    for (i = 0; i < V3SYS_CHANNELS; i++) {
        for (;;) {
            irp = IoCsqRemoveNextIrp(&Extension->Channels[i].Csq, FileObject);
            if (irp == NULL)
                break;
            V3sysCompleteIrp(Extension, irp, Status, 0);
        }
    }
}

/* The last handle of a file object is closed: nobody waits for its queued requests. Those in flight
 * end by themselves. */
NTSTATUS V3sysCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3sysRefuseIrp(Irp, status);
    V3sysFailQueued(extension, IoGetCurrentIrpStackLocation(Irp)->FileObject, STATUS_CANCELLED);
    return V3sysCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
}
