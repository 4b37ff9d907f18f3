/*
 * slave_pnp.c: start, stop and removal.
 *
 * Every change of the hardware is made by the owner of the slot (SlaveTakeSlot), under a hold that
 * keeps requests from taking it. A removal first asks the request that has the slot to stop; it
 * ends with its map registers flushed and freed, whether the hardware is still there or not.
 */
#include "slave.h"

static IO_COMPLETION_ROUTINE SlaveSignalDone;

static NTSTATUS SlaveSignalDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Passes an IRP down and waits for the drivers below. The IRP is the caller's again. */
static NTSTATUS SlaveForwardAndWait(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    KEVENT done;
    NTSTATUS status;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, SlaveSignalDone, &done, TRUE, TRUE, TRUE);
    status = IoCallDriver(Extension->LowerDevice, Irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = Irp->IoStatus.Status;
    }
    return status;
}

/* By the owner of the slot; also after a start that got only half way. */
static VOID SlaveReleaseHardware(PSLAVE_EXTENSION Extension)
{
    PDMA_ADAPTER adapter = Extension->Adapter;

    if (Extension->Interrupt != NULL) {
        if (Extension->DeviceReady)
            KeSynchronizeExecution(Extension->Interrupt, SlaveDisableInterrupts, Extension);
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
    Extension->Ports = NULL;
}

/* The parts of the resource list that a floppy controller has. */
typedef struct _SLAVE_RESOURCES {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Ports;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Channel;
} SLAVE_RESOURCES;

static NTSTATUS SlaveFindResources(PCM_RESOURCE_LIST Translated, SLAVE_RESOURCES *Found)
{
    PCM_PARTIAL_RESOURCE_LIST list;
    ULONG i;

    RtlZeroMemory(Found, sizeof(*Found));
    if (Translated == NULL || Translated->Count == 0)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    list = &Translated->List[0].PartialResourceList;
    for (i = 0; i < list->Count; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR part = &list->PartialDescriptors[i];

        if (part->Type == CmResourceTypePort && Found->Ports == NULL)
            Found->Ports = part;
        if (part->Type == CmResourceTypeInterrupt && Found->Interrupt == NULL)
            Found->Interrupt = part;
        if (part->Type == CmResourceTypeDma && Found->Channel == NULL)
            Found->Channel = part;
    }
    if (Found->Ports == NULL || Found->Interrupt == NULL || Found->Channel == NULL ||
        Found->Ports->u.Port.Length < FDC_PORTS)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    return STATUS_SUCCESS;
}

static NTSTATUS SlaveGetAdapter(PSLAVE_EXTENSION Extension, PCM_PARTIAL_RESOURCE_DESCRIPTOR Channel)
{
    DEVICE_DESCRIPTION description;
    PDMA_ADAPTER adapter;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION;
    description.Master = FALSE;
    description.DmaChannel = Channel->u.Dma.Channel;
    description.InterfaceType = Isa;
    description.DmaWidth = Width8Bits;
    description.DmaSpeed = Compatible;
    description.MaximumLength = FDC_PIECE_MAX;
    adapter = IoGetDmaAdapter(Extension->PhysicalDevice, &description, &Extension->MapRegisters);
    if (adapter == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Extension->Adapter = adapter;
    /* With one register a piece could be shorter than a sector. */
    return Extension->MapRegisters >= 2 ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS SlaveConnectInterrupt(PSLAVE_EXTENSION Extension,
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
        &interrupt, SlaveIsr, Extension, NULL, Descriptor->u.Interrupt.Vector,
        (KIRQL)Descriptor->u.Interrupt.Level, (KIRQL)Descriptor->u.Interrupt.Level, mode, shared,
        Descriptor->u.Interrupt.Affinity, FALSE);
    if (NT_SUCCESS(status))
        Extension->Interrupt = interrupt;
    return status;
}

/* By the owner of the slot, after the drivers below have started. SlaveLeaveSlot enables the
 * interrupt. */
static NTSTATUS SlaveAcquireHardware(PSLAVE_EXTENSION Extension, PCM_RESOURCE_LIST Translated)
{
    SLAVE_RESOURCES resources;
    NTSTATUS status;

    status = SlaveFindResources(Translated, &resources);
    if (NT_SUCCESS(status)) {
        Extension->Ports = (PUCHAR)(ULONG_PTR)resources.Ports->u.Port.Start.QuadPart;
        if (!SlaveFindDevice(Extension))
            status = STATUS_NO_SUCH_DEVICE;
    }
    if (NT_SUCCESS(status))
        status = SlaveGetAdapter(Extension, resources.Channel);
    if (NT_SUCCESS(status))
        status = SlaveConnectInterrupt(Extension, resources.Interrupt);
    if (!NT_SUCCESS(status))
        SlaveReleaseHardware(Extension);
    return status;
}

/* By the owner of the slot, when the hardware is there: the bus has given the device power. */
static VOID SlaveSetStarted(PSLAVE_EXTENSION Extension)
{
    POWER_STATE power;
    KIRQL irql;

    power.DeviceState = PowerDeviceD0;
    PoSetPowerState(Extension->Self, DevicePowerState, power);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->PnpState = SlaveStarted;
    Extension->PowerState = PowerDeviceD0;
    Extension->Holds &= ~(SLAVE_HOLD_NOT_STARTED | SLAVE_HOLD_STOP);
    if (Extension->PowerIrp == NULL)
        Extension->Holds &= ~SLAVE_HOLD_POWER;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

static VOID SlaveHold(PSLAVE_EXTENSION Extension, ULONG Hold, SLAVE_PNP_STATE State)
{
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->Holds |= Hold;
    Extension->PreviousPnpState = Extension->PnpState;
    Extension->PnpState = State;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

/* A second start, with other resources, finds the device in use. */
static NTSTATUS SlaveStart(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    SlaveHold(Extension, SLAVE_HOLD_NOT_STARTED, SlaveNotStarted);
    SlaveTakeSlot(Extension);
    SlaveReleaseHardware(Extension);
    status = SlaveForwardAndWait(Extension, Irp);
    if (NT_SUCCESS(status))
        status = SlaveAcquireHardware(Extension,
                                      stack->Parameters.StartDevice.AllocatedResourcesTranslated);
    if (NT_SUCCESS(status))
        SlaveSetStarted(Extension);
    SlaveLeaveSlot(Extension);
    return SlaveCompleteIrp(Extension, Irp, status, 0);
}

/* The device carries a paging file, a hibernation file or a dump, or does so no more. */
static NTSTATUS SlaveUsage(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = SlaveForwardAndWait(Extension, Irp);

    if (NT_SUCCESS(status)) {
        if (stack->Parameters.UsageNotification.InPath)
            InterlockedIncrement(&Extension->SpecialFiles);
        else
            InterlockedDecrement(&Extension->SpecialFiles);
    }
    return SlaveCompleteIrp(Extension, Irp, status, Irp->IoStatus.Information);
}

/* Returns when the device is quiet: its request is drained, later ones stay in the queue and can be
 * cancelled there. */
static NTSTATUS SlaveQueryStop(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    if (Extension->SpecialFiles != 0)
        return SlaveCompleteIrp(Extension, Irp, STATUS_UNSUCCESSFUL, 0);
    SlaveHold(Extension, SLAVE_HOLD_STOP, SlaveStopPending);
    SlaveTakeSlot(Extension);
    SlaveLeaveSlot(Extension);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return SlaveForwardIrp(Extension, Irp);
}

static NTSTATUS SlaveStop(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    SlaveHold(Extension, SLAVE_HOLD_STOP, SlaveStopped);
    SlaveTakeSlot(Extension);
    SlaveReleaseHardware(Extension);
    SlaveLeaveSlot(Extension);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return SlaveForwardIrp(Extension, Irp);
}

/* CANCEL_STOP and CANCEL_REMOVE; one that no query went before changes nothing. */
static NTSTATUS SlaveCancelQuery(PSLAVE_EXTENSION Extension, PIRP Irp, SLAVE_PNP_STATE Pending)
{
    NTSTATUS status;
    KIRQL irql;

    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = SlaveForwardAndWait(Extension, Irp);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    if (Extension->PnpState == Pending) {
        Extension->PnpState = Extension->PreviousPnpState;
        if (Pending == SlaveStopPending)
            Extension->Holds &= ~SLAVE_HOLD_STOP;
        SlaveKickLocked(Extension);
    }
    KeReleaseSpinLock(&Extension->Lock, irql);
    return SlaveCompleteIrp(Extension, Irp, status, 0);
}

static NTSTATUS SlaveQueryRemove(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    if (Extension->SpecialFiles != 0)
        return SlaveCompleteIrp(Extension, Irp, STATUS_UNSUCCESSFUL, 0);
    SlaveHold(Extension, 0, SlaveRemovePending);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return SlaveForwardIrp(Extension, Irp);
}

/* Ends all I/O for good and gives the hardware back. Requests that wait are failed by StartIo.
 * Again for a removal after a surprise removal: then there is nothing left. */
static VOID SlaveShutDown(PSLAVE_EXTENSION Extension, SLAVE_PNP_STATE State)
{
    BOOLEAN abort = FALSE;
    KIRQL irql;

    SlaveHold(Extension, SLAVE_HOLD_REMOVED, State);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    if (Extension->Request.Irp != NULL)
        abort = SlaveStopRequestLocked(Extension, STATUS_DELETE_PENDING);
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
    if (abort)
        SlaveAbortRequest(Extension);
    KeLowerIrql(irql);

    SlaveResume(Extension);
    SlaveTakeSlot(Extension);
    SlaveReleaseHardware(Extension);
    SlaveLeaveSlot(Extension);
}

static NTSTATUS SlaveSurpriseRemoval(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    SlaveShutDown(Extension, SlaveSurpriseRemoved);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return SlaveForwardIrp(Extension, Irp);
}

static NTSTATUS SlaveRemove(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    SlaveShutDown(Extension, SlaveRemoved);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Extension->LowerDevice, Irp);

    IoReleaseRemoveLockAndWait(&Extension->RemoveLock, Irp);
    IoDetachDevice(Extension->LowerDevice);
    IoDeleteDevice(Extension->Self);
    return status;
}

NTSTATUS SlavePnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SlaveRefuseIrp(Irp, status);

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return SlaveStart(extension, Irp);
    case IRP_MN_QUERY_STOP_DEVICE:
        return SlaveQueryStop(extension, Irp);
    case IRP_MN_STOP_DEVICE:
        return SlaveStop(extension, Irp);
    case IRP_MN_CANCEL_STOP_DEVICE:
        return SlaveCancelQuery(extension, Irp, SlaveStopPending);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return SlaveQueryRemove(extension, Irp);
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return SlaveCancelQuery(extension, Irp, SlaveRemovePending);
    case IRP_MN_SURPRISE_REMOVAL:
        return SlaveSurpriseRemoval(extension, Irp);
    case IRP_MN_REMOVE_DEVICE:
        return SlaveRemove(extension, Irp);
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
        return SlaveUsage(extension, Irp);
    default:
        return SlaveForwardIrp(extension, Irp);
    }
}
