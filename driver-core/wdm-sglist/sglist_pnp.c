/*
 * sglist_pnp.c: start, stop and removal.
 *
 * Every change of the hardware is made by whoever has it (SglistTakeHardware), under a hold that
 * keeps requests in their queues. A stop lets the requests in flight end; a removal aborts them. In
 * either case their lists are put before anything that they rest on goes, whether the hardware is
 * still there or not.
 */
#include "sglist.h"

static IO_COMPLETION_ROUTINE SglistSignalDone;

static NTSTATUS SglistSignalDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Passes an IRP down and waits for the drivers below. The IRP is the caller's again. */
static NTSTATUS SglistForwardAndWait(PSGLIST_EXTENSION Extension, PIRP Irp)
{
    KEVENT done;
    NTSTATUS status;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, SglistSignalDone, &done, TRUE, TRUE, TRUE);
    status = IoCallDriver(Extension->LowerDevice, Irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = Irp->IoStatus.Status;
    }
    return status;
}

static VOID SglistFreeBuffers(PSGLIST_EXTENSION Extension)
{
    PDMA_ADAPTER adapter = Extension->Adapter;
    ULONG i;

    for (i = 0; i < SGLIST_IN_FLIGHT; i++) {
        PSGLIST_REQUEST request = &Extension->Channels[SGLIST_WRITE].Requests[i];

        if (request->ListBuffer == NULL)
            continue;
        ExFreePoolWithTag(request->ListBuffer, SGLIST_TAG);
        request->ListBuffer = NULL;
    }
    if (Extension->Common != NULL) {
        adapter->DmaOperations->FreeCommonBuffer(adapter, SGLIST_COMMON_BYTES,
                                                 Extension->CommonLogicalAddress, Extension->Common,
                                                 FALSE);
        Extension->Common = NULL;
    }
}

/* By whoever has the hardware; also after a start that got only half way. */
static VOID SglistReleaseHardware(PSGLIST_EXTENSION Extension)
{
    PDMA_ADAPTER adapter = Extension->Adapter;

    if (Extension->Interrupt != NULL) {
        if (Extension->DeviceReady)
            KeSynchronizeExecution(Extension->Interrupt, SglistDisableInterrupts, Extension);
        Extension->DeviceReady = FALSE;
        IoDisconnectInterrupt(Extension->Interrupt);
        Extension->Interrupt = NULL;
    }
    /* No more interrupts, and no running chain that would set the timer: after this no DPC of the
     * driver is left that could look at what goes now, or at a device object that a removal deletes
     * next. */
    KeCancelTimer(&Extension->WatchdogTimer);
    KeFlushQueuedDpcs();
    Extension->WatchdogSet = FALSE;
    if (adapter != NULL) {
        SglistFreeBuffers(Extension);
        Extension->Adapter = NULL;
        adapter->DmaOperations->PutDmaAdapter(adapter);
    }
    if (Extension->Registers != NULL) {
        MmUnmapIoSpace(Extension->Registers, Extension->RegisterBytes);
        Extension->Registers = NULL;
    }
}

static NTSTATUS SglistMapRegisters(PSGLIST_EXTENSION Extension,
                                   PCM_PARTIAL_RESOURCE_DESCRIPTOR Memory)
{
    if (Memory->u.Memory.Length < PLX_REGISTER_BYTES)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Extension->RegisterBytes = Memory->u.Memory.Length;
    Extension->Registers =
        (PUCHAR)MmMapIoSpace(Memory->u.Memory.Start, Extension->RegisterBytes, MmNonCached);
    if (Extension->Registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (SglistRead(Extension, PLX_PCIHIDR) != PLX_ID)
        return STATUS_NO_SUCH_DEVICE;
    SglistResetDevice(Extension);
    return STATUS_SUCCESS;
}

/* The bridge could master 64-bit addresses, but its descriptors hold 32 bits. */
static NTSTATUS SglistGetAdapter(PSGLIST_EXTENSION Extension)
{
    DEVICE_DESCRIPTION description;
    PDMA_ADAPTER adapter;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION2;
    description.Master = TRUE;
    description.ScatterGather = TRUE;
    description.Dma32BitAddresses = TRUE;
    description.InterfaceType = PCIBus;
    description.MaximumLength = SGLIST_PIECE_MAX;
    adapter = IoGetDmaAdapter(Extension->PhysicalDevice, &description, &Extension->MapRegisters);
    if (adapter == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    /* A list has at most one element for each map register. */
    if (Extension->MapRegisters > SGLIST_DESCRIPTORS)
        Extension->MapRegisters = SGLIST_DESCRIPTORS;
    Extension->Adapter = adapter;
    return STATUS_SUCCESS;
}

/* A buffer for the list of each write in flight, as large as any list may get. */
static NTSTATUS SglistAllocateListBuffers(PSGLIST_EXTENSION Extension)
{
    PDMA_ADAPTER adapter = Extension->Adapter;
    NTSTATUS status;
    ULONG i;

    status = adapter->DmaOperations->CalculateScatterGatherList(adapter, NULL, NULL,
                                                                Extension->MapRegisters * PAGE_SIZE,
                                                                &Extension->ListBufferBytes, NULL);
    if (!NT_SUCCESS(status))
        return status;
    for (i = 0; i < SGLIST_IN_FLIGHT; i++) {
        PSGLIST_REQUEST request = &Extension->Channels[SGLIST_WRITE].Requests[i];

        request->ListBuffer =
            ExAllocatePoolWithTag(NonPagedPoolNx, Extension->ListBufferBytes, SGLIST_TAG);
        if (request->ListBuffer == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

/* The descriptors of all chains, one page that bridge and processor both see. */
static NTSTATUS SglistAllocateChains(PSGLIST_EXTENSION Extension)
{
    PDMA_ADAPTER adapter = Extension->Adapter;
    ULONG offset;
    ULONG i;

    Extension->Common = adapter->DmaOperations->AllocateCommonBuffer(
        adapter, SGLIST_COMMON_BYTES, &Extension->CommonLogicalAddress, FALSE);
    if (Extension->Common == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (i = 0; i < SGLIST_CHANNELS * SGLIST_IN_FLIGHT; i++) {
        PSGLIST_CHANNEL channel = &Extension->Channels[i / SGLIST_IN_FLIGHT];
        PSGLIST_REQUEST request = &channel->Requests[i % SGLIST_IN_FLIGHT];

        offset = i * SGLIST_REGION_BYTES;
        request->Chain = (PPLX_DESCRIPTOR)((PUCHAR)Extension->Common + offset);
        request->ChainLogicalAddress = Extension->CommonLogicalAddress.LowPart + offset;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS SglistConnectInterrupt(PSGLIST_EXTENSION Extension,
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
        &interrupt, SglistIsr, Extension, NULL, Descriptor->u.Interrupt.Vector,
        (KIRQL)Descriptor->u.Interrupt.Level, (KIRQL)Descriptor->u.Interrupt.Level, mode, shared,
        Descriptor->u.Interrupt.Affinity, FALSE);
    if (NT_SUCCESS(status))
        Extension->Interrupt = interrupt;
    return status;
}

/* By whoever has the hardware, after the drivers below have started. SglistLeaveHardware enables
 * the interrupt. */
static NTSTATUS SglistAcquireHardware(PSGLIST_EXTENSION Extension, PCM_RESOURCE_LIST Translated)
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

    status = SglistMapRegisters(Extension, memory);
    if (NT_SUCCESS(status))
        status = SglistGetAdapter(Extension);
    if (NT_SUCCESS(status))
        status = SglistAllocateListBuffers(Extension);
    if (NT_SUCCESS(status))
        status = SglistAllocateChains(Extension);
    if (NT_SUCCESS(status))
        status = SglistConnectInterrupt(Extension, interrupt);
    if (!NT_SUCCESS(status))
        SglistReleaseHardware(Extension);
    return status;
}

/* By whoever has the hardware, when it is there: the bus has given the device power. */
static VOID SglistSetStarted(PSGLIST_EXTENSION Extension)
{
    POWER_STATE power;
    KIRQL irql;

    power.DeviceState = PowerDeviceD0;
    PoSetPowerState(Extension->Self, DevicePowerState, power);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->PnpState = SglistStarted;
    Extension->PowerState = PowerDeviceD0;
    Extension->Holds &= ~(SGLIST_HOLD_NOT_STARTED | SGLIST_HOLD_STOP);
    if (IsListEmpty(&Extension->PowerDowns))
        Extension->Holds &= ~SGLIST_HOLD_POWER;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

static VOID SglistHold(PSGLIST_EXTENSION Extension, ULONG Hold, SGLIST_PNP_STATE State)
{
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->Holds |= Hold;
    Extension->PreviousPnpState = Extension->PnpState;
    Extension->PnpState = State;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

/* A second start, with other resources, finds the device in use. */
static NTSTATUS SglistStart(PSGLIST_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    SglistHold(Extension, SGLIST_HOLD_NOT_STARTED, SglistNotStarted);
    SglistTakeHardware(Extension);
    SglistReleaseHardware(Extension);
    status = SglistForwardAndWait(Extension, Irp);
    if (NT_SUCCESS(status))
        status = SglistAcquireHardware(Extension,
                                       stack->Parameters.StartDevice.AllocatedResourcesTranslated);
    if (NT_SUCCESS(status))
        SglistSetStarted(Extension);
    SglistLeaveHardware(Extension);
    return SglistCompleteIrp(Extension, Irp, status, 0);
}

/* Returns when the device is quiet: its requests have ended, later ones stay in the queues and can
 * be cancelled there. */
static NTSTATUS SglistQueryStop(PSGLIST_EXTENSION Extension, PIRP Irp)
{
    SglistHold(Extension, SGLIST_HOLD_STOP, SglistStopPending);
    SglistTakeHardware(Extension);
    SglistLeaveHardware(Extension);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return SglistForwardIrp(Extension, Irp);
}

static NTSTATUS SglistStop(PSGLIST_EXTENSION Extension, PIRP Irp)
{
    SglistHold(Extension, SGLIST_HOLD_STOP, SglistStopped);
    SglistTakeHardware(Extension);
    SglistReleaseHardware(Extension);
    SglistLeaveHardware(Extension);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return SglistForwardIrp(Extension, Irp);
}

/* CANCEL_STOP and CANCEL_REMOVE; one that no query went before changes nothing. */
static NTSTATUS SglistCancelQuery(PSGLIST_EXTENSION Extension, PIRP Irp, SGLIST_PNP_STATE Pending)
{
    NTSTATUS status;
    KIRQL irql;

    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = SglistForwardAndWait(Extension, Irp);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    if (Extension->PnpState == Pending) {
        Extension->PnpState = Extension->PreviousPnpState;
        if (Pending == SglistStopPending)
            Extension->Holds &= ~SGLIST_HOLD_STOP;
        SglistKickLocked(Extension);
    }
    KeReleaseSpinLock(&Extension->Lock, irql);
    return SglistCompleteIrp(Extension, Irp, status, 0);
}

static NTSTATUS SglistQueryRemove(PSGLIST_EXTENSION Extension, PIRP Irp)
{
    SglistHold(Extension, 0, SglistRemovePending);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return SglistForwardIrp(Extension, Irp);
}

/* Ends all I/O for good and gives the hardware back. Again for a removal after a surprise removal:
 * then there is nothing left. */
static VOID SglistShutDown(PSGLIST_EXTENSION Extension, SGLIST_PNP_STATE State)
{
    SglistHold(Extension, SGLIST_HOLD_REMOVED, State);
    SglistStopRequests(Extension, STATUS_DELETE_PENDING);
    SglistFailQueued(Extension, NULL, STATUS_DELETE_PENDING);
    SglistTakeHardware(Extension);
    SglistReleaseHardware(Extension);
    SglistLeaveHardware(Extension);
}

static NTSTATUS SglistSurpriseRemoval(PSGLIST_EXTENSION Extension, PIRP Irp)
{
    SglistShutDown(Extension, SglistSurpriseRemoved);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return SglistForwardIrp(Extension, Irp);
}

static NTSTATUS SglistRemove(PSGLIST_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    SglistShutDown(Extension, SglistRemoved);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Extension->LowerDevice, Irp);

    IoReleaseRemoveLockAndWait(&Extension->RemoveLock, Irp);
    IoDetachDevice(Extension->LowerDevice);
    IoFreeWorkItem(Extension->PowerWork);
    IoDeleteDevice(Extension->Self);
    return status;
}

NTSTATUS SglistPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SglistRefuseIrp(Irp, status);

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return SglistStart(extension, Irp);
    case IRP_MN_QUERY_STOP_DEVICE:
        return SglistQueryStop(extension, Irp);
    case IRP_MN_STOP_DEVICE:
        return SglistStop(extension, Irp);
    case IRP_MN_CANCEL_STOP_DEVICE:
        return SglistCancelQuery(extension, Irp, SglistStopPending);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return SglistQueryRemove(extension, Irp);
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return SglistCancelQuery(extension, Irp, SglistRemovePending);
    case IRP_MN_SURPRISE_REMOVAL:
        return SglistSurpriseRemoval(extension, Irp);
    case IRP_MN_REMOVE_DEVICE:
        return SglistRemove(extension, Irp);
    default:
        return SglistForwardIrp(extension, Irp);
    }
}
