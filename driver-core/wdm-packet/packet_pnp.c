/*
 * packet_pnp.c: start, stop and removal.
 *
 * Every change of the hardware is made by the owner of the slot (PacketTakeSlot), under a hold that
 * keeps requests from taking it. A removal first asks the request that has the slot to stop; it
 * ends with its map registers flushed and freed, whether the hardware is still there or not.
 */
#include "packet.h"

static IO_COMPLETION_ROUTINE PacketSignalDone;

static NTSTATUS PacketSignalDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Passes an IRP down and waits for the drivers below. The IRP is the caller's again. */
static NTSTATUS PacketForwardAndWait(PPACKET_EXTENSION Extension, PIRP Irp)
{
    KEVENT done;
    NTSTATUS status;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, PacketSignalDone, &done, TRUE, TRUE, TRUE);
    status = IoCallDriver(Extension->LowerDevice, Irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = Irp->IoStatus.Status;
    }
    return status;
}

/* By the owner of the slot; also after a start that got only half way. */
static VOID PacketReleaseHardware(PPACKET_EXTENSION Extension)
{
    PDMA_ADAPTER adapter = Extension->Adapter;

    if (Extension->Interrupt != NULL) {
        if (Extension->DeviceReady)
            KeSynchronizeExecution(Extension->Interrupt, PacketDisableInterrupts, Extension);
        Extension->DeviceReady = FALSE;
        IoDisconnectInterrupt(Extension->Interrupt);
        Extension->Interrupt = NULL;
    }
    /* No more interrupts, and no running piece that would set the timer: after this no DPC of the
     * driver is left that could look at what goes now, or at a device object that a removal deletes
     * next. */
    KeCancelTimer(&Extension->WatchdogTimer);
    KeFlushQueuedDpcs();
    if (adapter != NULL) {
        Extension->Adapter = NULL;
        adapter->DmaOperations->PutDmaAdapter(adapter);
    }
    if (Extension->Registers != NULL) {
        MmUnmapIoSpace(Extension->Registers, Extension->RegisterBytes);
        Extension->Registers = NULL;
    }
}

static NTSTATUS PacketMapRegisters(PPACKET_EXTENSION Extension,
                                   PCM_PARTIAL_RESOURCE_DESCRIPTOR Memory)
{
    if (Memory->u.Memory.Length < S5933_REGISTER_BYTES)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Extension->RegisterBytes = Memory->u.Memory.Length;
    Extension->Registers =
        (PUCHAR)MmMapIoSpace(Memory->u.Memory.Start, Extension->RegisterBytes, MmNonCached);
    if (Extension->Registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (PacketRead(Extension, S5933_MCSR) == S5933_ABSENT)
        return STATUS_NO_SUCH_DEVICE;
    PacketResetDevice(Extension);
    return STATUS_SUCCESS;
}

static NTSTATUS PacketGetAdapter(PPACKET_EXTENSION Extension)
{
    DEVICE_DESCRIPTION description;
    PDMA_ADAPTER adapter;
    ULONG alignment;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION2;
    description.Master = TRUE;
    description.ScatterGather = FALSE;
    description.Dma32BitAddresses = TRUE;
    description.InterfaceType = PCIBus;
    description.MaximumLength = PACKET_PIECE_MAX;
    adapter = IoGetDmaAdapter(Extension->PhysicalDevice, &description, &Extension->MapRegisters);
    if (adapter == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    Extension->Adapter = adapter;
    alignment = adapter->DmaOperations->GetDmaAlignment(adapter);
    if (alignment > 1 && Extension->Self->AlignmentRequirement < alignment - 1)
        Extension->Self->AlignmentRequirement = alignment - 1;
    return STATUS_SUCCESS;
}

static NTSTATUS PacketConnectInterrupt(PPACKET_EXTENSION Extension,
                                       PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor)
{
    KINTERRUPT_MODE mode = LevelSensitive;
    BOOLEAN shared = Descriptor->ShareDisposition == CmResourceShareShared;
    PKINTERRUPT interrupt = NULL;
    NTSTATUS status;

    if ((Descriptor->Flags & CM_RESOURCE_INTERRUPT_LATCHED) != 0)
        mode = Latched;
    /* The ISR may run before this returns; InterruptsOn is clear, and it looks at nothing else. */
    status = IoConnectInterrupt(
        &interrupt, PacketIsr, Extension, NULL, Descriptor->u.Interrupt.Vector,
        (KIRQL)Descriptor->u.Interrupt.Level, (KIRQL)Descriptor->u.Interrupt.Level, mode, shared,
        Descriptor->u.Interrupt.Affinity, FALSE);
    if (NT_SUCCESS(status))
        Extension->Interrupt = interrupt;
    return status;
}

/* By the owner of the slot, after the drivers below have started. PacketLeaveSlot enables the
 * interrupt. */
static NTSTATUS PacketAcquireHardware(PPACKET_EXTENSION Extension, PCM_RESOURCE_LIST Translated)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR memory = NULL;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR interrupt = NULL;
    PCM_PARTIAL_RESOURCE_LIST list;
    NTSTATUS status;
    ULONG i;

    if (Translated == NULL || Translated->Count == 0)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    list = &Translated->List[0].PartialResourceList;
    for (i = 0; i < list->Count; i++) {
        if (list->PartialDescriptors[i].Type == CmResourceTypeMemory && memory == NULL)
            memory = &list->PartialDescriptors[i];
        if (list->PartialDescriptors[i].Type == CmResourceTypeInterrupt && interrupt == NULL)
            interrupt = &list->PartialDescriptors[i];
    }
    if (memory == NULL || interrupt == NULL)
        return STATUS_DEVICE_CONFIGURATION_ERROR;

    status = PacketMapRegisters(Extension, memory);
    if (NT_SUCCESS(status))
        status = PacketGetAdapter(Extension);
    if (NT_SUCCESS(status))
        status = PacketConnectInterrupt(Extension, interrupt);
    if (!NT_SUCCESS(status))
        PacketReleaseHardware(Extension);
    return status;
}

/* By the owner of the slot, when the hardware is there: the bus has given the device power. */
static VOID PacketSetStarted(PPACKET_EXTENSION Extension)
{
    POWER_STATE power;
    KIRQL irql;

    power.DeviceState = PowerDeviceD0;
    PoSetPowerState(Extension->Self, DevicePowerState, power);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->PnpState = PacketStarted;
    Extension->PowerState = PowerDeviceD0;
    Extension->Holds &= ~(PACKET_HOLD_NOT_STARTED | PACKET_HOLD_STOP);
    if (Extension->PowerIrp == NULL)
        Extension->Holds &= ~PACKET_HOLD_POWER;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

static VOID PacketHold(PPACKET_EXTENSION Extension, ULONG Hold, PACKET_PNP_STATE State)
{
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->Holds |= Hold;
    Extension->PreviousPnpState = Extension->PnpState;
    Extension->PnpState = State;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

/* A second start, with other resources, finds the device in use. */
static NTSTATUS PacketStart(PPACKET_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    PacketHold(Extension, PACKET_HOLD_NOT_STARTED, PacketNotStarted);
    PacketTakeSlot(Extension);
    PacketReleaseHardware(Extension);
    status = PacketForwardAndWait(Extension, Irp);
    if (NT_SUCCESS(status))
        status = PacketAcquireHardware(Extension,
                                       stack->Parameters.StartDevice.AllocatedResourcesTranslated);
    if (NT_SUCCESS(status))
        PacketSetStarted(Extension);
    PacketLeaveSlot(Extension);
    if (NT_SUCCESS(status)) /* enabled already after a stop: no matter */
        IoSetDeviceInterfaceState(&Extension->InterfaceName, TRUE);
    return PacketCompleteIrp(Extension, Irp, status, 0);
}

static BOOLEAN PacketHasSpecialFiles(PPACKET_EXTENSION Extension)
{
    BOOLEAN special;
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    special = Extension->SpecialFiles != 0;
    KeReleaseSpinLock(&Extension->Lock, irql);
    return special;
}

/* Returns when the device is quiet: its request is drained, later ones stay in the queue and can be
 * cancelled there. */
static NTSTATUS PacketQueryStop(PPACKET_EXTENSION Extension, PIRP Irp)
{
    if (PacketHasSpecialFiles(Extension))
        return PacketCompleteIrp(Extension, Irp, STATUS_DEVICE_BUSY, 0);
    PacketHold(Extension, PACKET_HOLD_STOP, PacketStopPending);
    PacketTakeSlot(Extension);
    PacketLeaveSlot(Extension);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return PacketForwardIrp(Extension, Irp);
}

static NTSTATUS PacketStop(PPACKET_EXTENSION Extension, PIRP Irp)
{
    PacketHold(Extension, PACKET_HOLD_STOP, PacketStopped);
    PacketTakeSlot(Extension);
    PacketReleaseHardware(Extension);
    PacketLeaveSlot(Extension);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return PacketForwardIrp(Extension, Irp);
}

/* CANCEL_STOP and CANCEL_REMOVE; one that no query went before changes nothing. */
static NTSTATUS PacketCancelQuery(PPACKET_EXTENSION Extension, PIRP Irp, PACKET_PNP_STATE Pending)
{
    NTSTATUS status;
    KIRQL irql;

    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = PacketForwardAndWait(Extension, Irp);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    if (Extension->PnpState == Pending) {
        Extension->PnpState = Extension->PreviousPnpState;
        if (Pending == PacketStopPending)
            Extension->Holds &= ~PACKET_HOLD_STOP;
        PacketKickLocked(Extension);
    }
    KeReleaseSpinLock(&Extension->Lock, irql);
    return PacketCompleteIrp(Extension, Irp, status, 0);
}

static NTSTATUS PacketQueryRemove(PPACKET_EXTENSION Extension, PIRP Irp)
{
    if (PacketHasSpecialFiles(Extension))
        return PacketCompleteIrp(Extension, Irp, STATUS_DEVICE_BUSY, 0);
    PacketHold(Extension, 0, PacketRemovePending);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return PacketForwardIrp(Extension, Irp);
}

static ULONG PacketCounted(ULONG Count, BOOLEAN InPath)
{
    if (InPath)
        return Count + 1;
    return Count != 0 ? Count - 1 : 0;
}

/* The device is in the path of a paging, hibernation or dump file, or not any more: counted when
 * the drivers below agree. Below a paging file power IRPs may come at DISPATCH_LEVEL. */
static NTSTATUS PacketUsage(PPACKET_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN paging = stack->Parameters.UsageNotification.Type == DeviceUsageTypePaging;
    BOOLEAN inPath = stack->Parameters.UsageNotification.InPath;
    ULONG pagable = Extension->Self->Flags & DO_POWER_PAGABLE;
    NTSTATUS status;
    KIRQL irql;

    if (paging && inPath)
        Extension->Self->Flags &= ~(ULONG)DO_POWER_PAGABLE;
    status = PacketForwardAndWait(Extension, Irp);
    if (!NT_SUCCESS(status)) {
        Extension->Self->Flags |= pagable;
        return PacketCompleteIrp(Extension, Irp, status, 0);
    }

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->SpecialFiles = PacketCounted(Extension->SpecialFiles, inPath);
    if (paging)
        Extension->PagingFiles = PacketCounted(Extension->PagingFiles, inPath);
    paging = Extension->PagingFiles != 0;
    KeReleaseSpinLock(&Extension->Lock, irql);
    if (!paging)
        Extension->Self->Flags |= Extension->LowerDevice->Flags & DO_POWER_PAGABLE;
    IoInvalidateDeviceState(Extension->PhysicalDevice);
    return PacketCompleteIrp(Extension, Irp, status, 0);
}

/* A device that holds a special file cannot be disabled. */
static NTSTATUS PacketQueryState(PPACKET_EXTENSION Extension, PIRP Irp)
{
    if (PacketHasSpecialFiles(Extension)) {
        Irp->IoStatus.Information |= PNP_DEVICE_NOT_DISABLEABLE;
        Irp->IoStatus.Status = STATUS_SUCCESS;
    }
    return PacketForwardIrp(Extension, Irp);
}

/* Ends all I/O for good and gives the hardware back. Again for a removal after a surprise removal:
 * then there is nothing left. */
static VOID PacketShutDown(PPACKET_EXTENSION Extension, PACKET_PNP_STATE State)
{
    BOOLEAN abort = FALSE;
    KIRQL irql;

    PacketHold(Extension, PACKET_HOLD_REMOVED, State);
    IoSetDeviceInterfaceState(&Extension->InterfaceName, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    if (Extension->Request.Irp != NULL)
        abort = PacketStopRequestLocked(Extension, STATUS_DELETE_PENDING);
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
    if (abort)
        PacketAbortPiece(Extension);
    KeLowerIrql(irql);

    PacketFailQueued(Extension, NULL, STATUS_DELETE_PENDING);
    PacketTakeSlot(Extension);
    PacketReleaseHardware(Extension);
    PacketLeaveSlot(Extension);
}

static NTSTATUS PacketSurpriseRemoval(PPACKET_EXTENSION Extension, PIRP Irp)
{
    PacketShutDown(Extension, PacketSurpriseRemoved);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return PacketForwardIrp(Extension, Irp);
}

static NTSTATUS PacketRemove(PPACKET_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    PacketShutDown(Extension, PacketRemoved);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Extension->LowerDevice, Irp);

    IoReleaseRemoveLockAndWait(&Extension->RemoveLock, Irp);
    IoDetachDevice(Extension->LowerDevice);
    IoFreeWorkItem(Extension->PowerWork);
    RtlFreeUnicodeString(&Extension->InterfaceName);
    IoDeleteDevice(Extension->Self);
    return status;
}

NTSTATUS PacketPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return PacketRefuseIrp(Irp, status);

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return PacketStart(extension, Irp);
    case IRP_MN_QUERY_STOP_DEVICE:
        return PacketQueryStop(extension, Irp);
    case IRP_MN_STOP_DEVICE:
        return PacketStop(extension, Irp);
    case IRP_MN_CANCEL_STOP_DEVICE:
        return PacketCancelQuery(extension, Irp, PacketStopPending);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return PacketQueryRemove(extension, Irp);
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return PacketCancelQuery(extension, Irp, PacketRemovePending);
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
        return PacketUsage(extension, Irp);
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        return PacketQueryState(extension, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        return PacketSurpriseRemoval(extension, Irp);
    case IRP_MN_REMOVE_DEVICE:
        return PacketRemove(extension, Irp);
    default:
        return PacketForwardIrp(extension, Irp);
    }
}
