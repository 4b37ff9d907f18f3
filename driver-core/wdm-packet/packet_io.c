/*
 * packet_io.c: reads, writes and device control until they reach the hardware, and their end.
 *
 * One cancel routine serves an IRP from queueing to completion. Where the IRP is (PACKET_IRP_PLACE)
 * and who completes it are decided under the lock, so of the cancel routine, cleanup, removal and
 * the end of a transfer exactly one completes it:
 *   - who takes an IRP out of the queue or ends its transfer clears the cancel routine. If there
 * was one, it completes the IRP; if the routine has run already (CancelRan), too;
 *   - otherwise the routine has been called and waits for the lock. It gets the IRP
 * (PacketIrpLeft).
 */
#include "packet.h"

static DRIVER_CANCEL PacketCancel;

static VOID PacketSetPlaceLocked(PIRP Irp, PACKET_IRP_PLACE Place)
{
    Irp->Tail.Overlay.DriverContext[0] = (PVOID)(ULONG_PTR)Place;
}

static PACKET_IRP_PLACE PacketPlaceLocked(PIRP Irp)
{
    return (PACKET_IRP_PLACE)(ULONG_PTR)Irp->Tail.Overlay.DriverContext[0];
}

static VOID PacketCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    BOOLEAN complete = TRUE;
    BOOLEAN abort = FALSE;
    KIRQL irql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    switch (PacketPlaceLocked(Irp)) {
    case PacketIrpQueued:
        RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
        break;
    case PacketIrpActive:
        /* Its owner, which this routine may become, completes it when nothing is mapped. */
        extension->Request.CancelRan = TRUE;
        abort = PacketStopRequestLocked(extension, STATUS_CANCELLED);
        complete = FALSE;
        break;
    case PacketIrpLeft:
        break;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (abort)
        PacketAbortPiece(extension);
    else if (complete)
        PacketCompleteIrp(extension, Irp, STATUS_CANCELLED, 0);
    KeLowerIrql(irql);
}

VOID PacketKickLocked(PPACKET_EXTENSION Extension)
{
    if (Extension->Phase != PacketPhaseIdle || Extension->Holds != 0)
        return;
    if (!IsListEmpty(&Extension->Queue))
        KeInsertQueueDpc(&Extension->ServiceDpc, NULL, NULL);
}

/* STATUS_PENDING: the IRP is queued, and may be gone once the lock is released. STATUS_CANCELLED:
 * the caller completes it. */
static NTSTATUS PacketEnqueueLocked(PPACKET_EXTENSION Extension, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    PacketSetPlaceLocked(Irp, PacketIrpQueued);
    InsertTailList(&Extension->Queue, &Irp->Tail.Overlay.ListEntry);
    IoSetCancelRoutine(Irp, PacketCancel);
    if (Irp->Cancel) {
        /* Cancelled before there was a routine to call, unless the routine has been called in the
         * meantime. */
        if (IoSetCancelRoutine(Irp, NULL) != NULL) {
            RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
            return STATUS_CANCELLED;
        }
    }
    PacketKickLocked(Extension);
    return STATUS_PENDING;
}

/* What an IRP asks to be moved. */
static ULONG PacketIrpLength(PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    switch (stack->MajorFunction) {
    case IRP_MJ_READ:
        return stack->Parameters.Read.Length;
    case IRP_MJ_WRITE:
        return stack->Parameters.Write.Length;
    default: /* IOCTL_PACKET_SEND */
        return stack->Parameters.DeviceIoControl.OutputBufferLength;
    }
}

/* Queues a transfer whose IRP has the remove lock, or completes it. */
static NTSTATUS PacketQueueTransfer(PPACKET_EXTENSION Extension, PIRP Irp)
{
    ULONG length = PacketIrpLength(Irp);
    PMDL mdl = Irp->MdlAddress;
    BOOLEAN marked = FALSE;
    NTSTATUS status;
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    if ((Extension->Holds & PACKET_HOLD_REMOVED) != 0) {
        status = STATUS_DELETE_PENDING;
    } else if (length == 0) {
        status = STATUS_SUCCESS; /* has no MDL */
    } else if (mdl == NULL || length > MmGetMdlByteCount(mdl) ||
               (MmGetMdlByteOffset(mdl) & S5933_ALIGNMENT) != 0) {
        status = STATUS_INVALID_PARAMETER;
    } else {
        status = PacketEnqueueLocked(Extension, Irp);
        marked = TRUE;
    }
    KeReleaseSpinLock(&Extension->Lock, irql);

    if (status == STATUS_PENDING)
        return STATUS_PENDING;
    PacketCompleteIrp(Extension, Irp, status, 0);
    return marked ? STATUS_PENDING : status;
}

NTSTATUS PacketReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return PacketRefuseIrp(Irp, status);
    return PacketQueueTransfer(extension, Irp);
}

static NTSTATUS PacketGetStatistics(PPACKET_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PPACKET_STATISTICS statistics = (PPACKET_STATISTICS)Irp->AssociatedIrp.SystemBuffer;
    KIRQL irql;

    if (stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*statistics))
        return PacketCompleteIrp(Extension, Irp, STATUS_BUFFER_TOO_SMALL, 0);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    *statistics = Extension->Statistics;
    KeReleaseSpinLock(&Extension->Lock, irql);
    return PacketCompleteIrp(Extension, Irp, STATUS_SUCCESS, sizeof(*statistics));
}

NTSTATUS PacketDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return PacketRefuseIrp(Irp, status);
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_PACKET_GET_STATISTICS:
        return PacketGetStatistics(extension, Irp);
    case IOCTL_PACKET_SEND:
        return PacketQueueTransfer(extension, Irp);
    default:
        return PacketCompleteIrp(extension, Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

BOOLEAN PacketTakeNextLocked(PPACKET_EXTENSION Extension)
{
    PPACKET_REQUEST request = &Extension->Request;

    if (Extension->Phase != PacketPhaseIdle || Extension->Holds != 0)
        return FALSE;
    while (!IsListEmpty(&Extension->Queue)) {
        PLIST_ENTRY entry = RemoveHeadList(&Extension->Queue);
        PIRP irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (irp->Cancel) {
            /* Its cancel routine is on its way and has not had the lock: do not start what is to be
             * cancelled. */
            PacketSetPlaceLocked(irp, PacketIrpLeft);
            continue;
        }
        PacketSetPlaceLocked(irp, PacketIrpActive);
        RtlZeroMemory(request, sizeof(*request));
        request->Irp = irp;
        request->StopStatus = STATUS_SUCCESS;
        request->Mdl = irp->MdlAddress;
        request->Length = PacketIrpLength(irp);
        request->Write = IoGetCurrentIrpStackLocation(irp)->MajorFunction != IRP_MJ_READ;
        Extension->Phase = PacketPhaseChannelWait;
        KeClearEvent(&Extension->IdleEvent);
        return TRUE;
    }
    return FALSE;
}

static VOID PacketCountLocked(PPACKET_EXTENSION Extension, NTSTATUS Status, ULONG Moved)
{
    if (!NT_SUCCESS(Status)) {
        Extension->Statistics.Failed++;
        return;
    }
    Extension->Statistics.Completed++;
    if (Extension->Request.Write)
        Extension->Statistics.BytesWritten += Moved;
    else
        Extension->Statistics.BytesRead += Moved;
}

VOID PacketFinishRequest(PPACKET_EXTENSION Extension, NTSTATUS Status, ULONG Information)
{
    PIRP irp = Extension->Request.Irp;
    BOOLEAN mine = TRUE;

    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    Extension->Phase = PacketPhaseOwned;
    if (Extension->Request.CancelRan) {
        Status = STATUS_CANCELLED;
        Information = 0;
    } else if (IoSetCancelRoutine(irp, NULL) == NULL) {
        PacketSetPlaceLocked(irp, PacketIrpLeft);
        mine = FALSE;
    }
    PacketCountLocked(Extension, Status, Information);
    Extension->Request.Irp = NULL;
    Extension->Self->CurrentIrp = NULL;
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);

    if (mine) {
        irp->IoStatus.Status = Status;
        irp->IoStatus.Information = Information;
        IoCompleteRequest(irp, NT_SUCCESS(Status) ? IO_DISK_INCREMENT : IO_NO_INCREMENT);
    }
    PacketLeaveSlot(Extension);
    if (mine)
        IoReleaseRemoveLock(&Extension->RemoveLock, irp);
}

VOID PacketFailQueued(PPACKET_EXTENSION Extension, PFILE_OBJECT FileObject, NTSTATUS Status)
{
    LIST_ENTRY failed;
    PLIST_ENTRY entry;
    PLIST_ENTRY next;
    PIRP irp;
    KIRQL irql;

    InitializeListHead(&failed);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    for (entry = Extension->Queue.Flink; entry != &Extension->Queue; entry = next) {
        next = entry->Flink;
        irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
        if (FileObject != NULL && IoGetCurrentIrpStackLocation(irp)->FileObject != FileObject)
            continue;
        RemoveEntryList(entry);
        PacketSetPlaceLocked(irp, PacketIrpLeft);
        if (IoSetCancelRoutine(irp, NULL) != NULL)
            InsertTailList(&failed, entry);
    }
    KeReleaseSpinLock(&Extension->Lock, irql);

    while (!IsListEmpty(&failed)) {
        entry = RemoveHeadList(&failed);
        irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
        PacketCompleteIrp(Extension, irp, Status, 0);
    }
}

/* The last handle of a file object is closed: nobody waits for its queued requests. One that has
 * the slot ends by itself. */
NTSTATUS PacketCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return PacketRefuseIrp(Irp, status);
    PacketFailQueued(extension, IoGetCurrentIrpStackLocation(Irp)->FileObject, STATUS_CANCELLED);
    return PacketCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
}
