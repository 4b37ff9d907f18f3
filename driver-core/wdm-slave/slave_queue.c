/*
 * slave_queue.c: reads and writes on their way to the hardware, and their end.
 *
 * Requests wait in the device queue of the I/O manager. The cancel routine that IoStartPacket sets
 * stays until StartIo starts the request: one that waits can be cancelled, also while it is parked.
 * One that is under way cannot; the watchdog bounds the time it takes.
 */
#include "slave.h"

static DRIVER_CANCEL SlaveCancel;

/* Cancel lock and lock held: the IRP waits no more. */
static VOID SlaveForgetLocked(PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    InitializeListHead(&Irp->Tail.Overlay.ListEntry);
}

/* Completes the packet that StartIo or the cancel routine has, and lets the next one come. */
static VOID SlaveEndPacket(PSLAVE_EXTENSION Extension, PIRP Irp, NTSTATUS Status)
{
    IoStartNextPacket(Extension->Self, TRUE);
    SlaveCompleteIrp(Extension, Irp, Status, 0);
}

static VOID SlaveCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)DeviceObject->DeviceExtension;
    KIRQL irql = Irp->CancelIrql;
    BOOLEAN parked = FALSE;
    BOOLEAN queued = FALSE;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (Irp == DeviceObject->CurrentIrp) {
        /* Parked: it is this routine's now. Else StartIo is about to look at Irp->Cancel. */
        parked = extension->Parked;
        extension->Parked = FALSE;
    } else {
        queued = KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue,
                                          &Irp->Tail.Overlay.DeviceQueueEntry);
    }
    if (parked || queued)
        SlaveForgetLocked(Irp);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    IoReleaseCancelSpinLock(irql);

    if (queued) {
        SlaveCompleteIrp(extension, Irp, STATUS_CANCELLED, 0);
    } else if (parked) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        SlaveEndPacket(extension, Irp, STATUS_CANCELLED);
        KeLowerIrql(irql);
    }
}

static ULONG SlaveIrpLength(PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (stack->MajorFunction == IRP_MJ_WRITE)
        return stack->Parameters.Write.Length;
    return stack->Parameters.Read.Length;
}

NTSTATUS SlaveReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)DeviceObject->DeviceExtension;
    ULONG length = SlaveIrpLength(Irp);
    NTSTATUS status;
    KIRQL irql;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SlaveRefuseIrp(Irp, status);
    if (length == 0) /* has no MDL */
        return SlaveCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
    if (Irp->MdlAddress == NULL || length > MmGetMdlByteCount(Irp->MdlAddress))
        return SlaveCompleteIrp(extension, Irp, STATUS_INVALID_PARAMETER, 0);

    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&extension->Lock, &irql);
    InsertTailList(&extension->Waiting, &Irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&extension->Lock, irql);
    IoStartPacket(DeviceObject, Irp, NULL, SlaveCancel);
    return STATUS_PENDING;
}

/* Cancel lock and lock held, by StartIo for the current IRP: gives it the slot. */
static VOID SlaveGiveSlotLocked(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PSLAVE_REQUEST request = &Extension->Request;
    ULONGLONG offset = (ULONGLONG)stack->Parameters.Read.ByteOffset.QuadPart;

    RtlZeroMemory(request, sizeof(*request));
    request->Irp = Irp;
    request->StopStatus = STATUS_SUCCESS;
    request->Mdl = Irp->MdlAddress;
    request->Length = SlaveIrpLength(Irp);
    request->Write = stack->MajorFunction == IRP_MJ_WRITE;
    request->Sector = (ULONG)(offset / FDC_SECTOR_BYTES % FDC_DISK_SECTORS);
    Extension->Phase = SlavePhaseChannelWait;
    KeClearEvent(&Extension->IdleEvent);
}

/* What becomes of the packet that StartIo got. */
typedef enum _SLAVE_FATE {
    SlaveFateNone,
    SlaveFateStart,
    SlaveFateCancelled,
    SlaveFateFail
} SLAVE_FATE;

/* Cancel lock and lock held. */
static SLAVE_FATE SlaveFateLocked(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    if (Irp != Extension->Self->CurrentIrp)
        return SlaveFateNone; /* its cancel routine was faster, and has ended it */
    if ((Extension->Holds & SLAVE_HOLD_REMOVED) == 0 && !Irp->Cancel &&
        (Extension->Holds != 0 || Extension->Phase != SlavePhaseIdle)) {
        Extension->Parked = TRUE;
        return SlaveFateNone;
    }
    IoSetCancelRoutine(Irp, NULL);
    SlaveForgetLocked(Irp);
    if (Irp->Cancel)
        return SlaveFateCancelled;
    if ((Extension->Holds & SLAVE_HOLD_REMOVED) != 0)
        return SlaveFateFail;
    SlaveGiveSlotLocked(Extension, Irp);
    return SlaveFateStart;
}

VOID SlaveStartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)DeviceObject->DeviceExtension;
    SLAVE_FATE fate;
    KIRQL irql;

    IoAcquireCancelSpinLock(&irql);
    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    fate = SlaveFateLocked(extension, Irp);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    IoReleaseCancelSpinLock(irql);

    if (fate == SlaveFateStart)
        SlaveAllocateChannel(extension);
    else if (fate != SlaveFateNone)
        SlaveEndPacket(extension, Irp,
                       fate == SlaveFateFail ? STATUS_DELETE_PENDING : STATUS_CANCELLED);
}

VOID SlaveKickLocked(PSLAVE_EXTENSION Extension)
{
    if (Extension->Parked && Extension->Phase == SlavePhaseIdle && Extension->Holds == 0)
        KeInsertQueueDpc(&Extension->ServiceDpc, NULL, NULL);
}

VOID SlaveResume(PSLAVE_EXTENSION Extension)
{
    PIRP parked = NULL;
    KIRQL irql;

    IoAcquireCancelSpinLock(&irql);
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    if (Extension->Parked) {
        Extension->Parked = FALSE;
        parked = Extension->Self->CurrentIrp;
    }
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
    IoReleaseCancelSpinLock(irql);

    if (parked == NULL)
        return;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    SlaveStartIo(Extension->Self, parked);
    KeLowerIrql(irql);
}

VOID SlaveServiceDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    SlaveResume((PSLAVE_EXTENSION)Context);
}

VOID SlaveFinishRequest(PSLAVE_EXTENSION Extension, NTSTATUS Status, ULONG Information)
{
    PIRP irp = Extension->Request.Irp;

    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    Extension->Phase = SlavePhaseOwned;
    Extension->Request.Irp = NULL;
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);

    SlaveLeaveSlot(Extension);
    IoStartNextPacket(Extension->Self, TRUE);
    irp->IoStatus.Status = Status;
    irp->IoStatus.Information = Information;
    IoCompleteRequest(irp, NT_SUCCESS(Status) ? IO_DISK_INCREMENT : IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Extension->RemoveLock, irp);
}

/* Cancel lock and lock held. Takes an IRP of that file out of the device queue. NULL: there is none
 * that nobody else has. */
static PIRP SlaveTakeOfFileLocked(PSLAVE_EXTENSION Extension, PFILE_OBJECT FileObject)
{
    PLIST_ENTRY entry;

    for (entry = Extension->Waiting.Flink; entry != &Extension->Waiting; entry = entry->Flink) {
        PIRP irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (IoGetCurrentIrpStackLocation(irp)->FileObject == FileObject &&
            KeRemoveEntryDeviceQueue(&Extension->Self->DeviceQueue,
                                     &irp->Tail.Overlay.DeviceQueueEntry)) {
            /* Under the cancel lock a routine that is set has not been called. */
            IoSetCancelRoutine(irp, NULL);
            SlaveForgetLocked(irp);
            return irp;
        }
    }
    return NULL;
}

/* Cancel lock and lock held. The same for the parked IRP. */
static PIRP SlaveTakeParkedLocked(PSLAVE_EXTENSION Extension, PFILE_OBJECT FileObject)
{
    PIRP irp = Extension->Self->CurrentIrp;

    if (!Extension->Parked || IoGetCurrentIrpStackLocation(irp)->FileObject != FileObject)
        return NULL;
    Extension->Parked = FALSE;
    IoSetCancelRoutine(irp, NULL);
    SlaveForgetLocked(irp);
    return irp;
}

/* The last handle of a file object is closed: nobody waits for its queued requests. One that is
 * under way ends by itself. */
NTSTATUS SlaveCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)DeviceObject->DeviceExtension;
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    NTSTATUS status;
    PIRP queued;
    PIRP parked;
    KIRQL irql;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SlaveRefuseIrp(Irp, status);
    do {
        IoAcquireCancelSpinLock(&irql);
        KeAcquireSpinLockAtDpcLevel(&extension->Lock);
        queued = SlaveTakeOfFileLocked(extension, file);
        parked = queued == NULL ? SlaveTakeParkedLocked(extension, file) : NULL;
        KeReleaseSpinLockFromDpcLevel(&extension->Lock);
        IoReleaseCancelSpinLock(irql);
        if (queued != NULL)
            SlaveCompleteIrp(extension, queued, STATUS_CANCELLED, 0);
    } while (queued != NULL);
    if (parked != NULL) {
        KeRaiseIrql(DISPATCH_LEVEL, &irql);
        SlaveEndPacket(extension, parked, STATUS_CANCELLED);
        KeLowerIrql(irql);
    }
    return SlaveCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
}
