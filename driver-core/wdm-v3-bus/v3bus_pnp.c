/*
 * v3bus_pnp.c: start, stop and removal.
 *
 * Every change of the hardware is made by whoever has it (V3busTakeHardware), under a hold that
 * keeps requests in their queues. A stop lets the requests in flight end; a removal aborts them. In
 * either case they are flushed and their map registers freed before anything that they rest on
 * goes, whether the hardware is still there or not.
 */
#include "v3bus.h"

static IO_COMPLETION_ROUTINE V3busSignalDone;

static NTSTATUS V3busSignalDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Passes an IRP down and waits for the drivers below. The IRP is the caller's again. */
static NTSTATUS V3busForwardAndWait(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    KEVENT done;
    NTSTATUS status;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, V3busSignalDone, &done, TRUE, TRUE, TRUE);
    status = IoCallDriver(Extension->LowerDevice, Irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = Irp->IoStatus.Status;
    }
    return status;
}

static VOID V3busFreeChains(PV3BUS_EXTENSION Extension)
{
    PDMA_ADAPTER adapter = Extension->Adapter;

    if (Extension->Common != NULL) {
        adapter->DmaOperations->FreeCommonBuffer(
            adapter, V3BUS_COMMON_BYTES, Extension->CommonLogicalAddress, Extension->Common, FALSE);
        Extension->Common = NULL;
    }
}

/* By whoever has the hardware; also after a start that got only half way. */
static VOID V3busReleaseHardware(PV3BUS_EXTENSION Extension)
{
    PDMA_ADAPTER adapter = Extension->Adapter;

    if (Extension->Interrupt != NULL) {
        if (Extension->DeviceReady)
            KeSynchronizeExecution(Extension->Interrupt, V3busDisableInterrupts, Extension);
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
        V3busFreeChains(Extension);
        Extension->Adapter = NULL;
        adapter->DmaOperations->PutDmaAdapter(adapter);
    }
    if (Extension->Registers != NULL) {
        MmUnmapIoSpace(Extension->Registers, Extension->RegisterBytes);
        Extension->Registers = NULL;
    }
}

static NTSTATUS V3busMapRegisters(PV3BUS_EXTENSION Extension,
                                  PCM_PARTIAL_RESOURCE_DESCRIPTOR Memory)
{
    if (Memory->u.Memory.Length < PLX_REGISTER_BYTES)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Extension->RegisterBytes = Memory->u.Memory.Length;
    Extension->Registers =
        (PUCHAR)MmMapIoSpace(Memory->u.Memory.Start, Extension->RegisterBytes, MmNonCached);
    if (Extension->Registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (V3busRead(Extension, PLX_PCIHIDR) != PLX_ID)
        return STATUS_NO_SUCH_DEVICE;
    V3busResetDevice(Extension);
    return STATUS_SUCCESS;
}

/* FALSE: the adapter cannot say, or cannot grant at once. */
static BOOLEAN V3busCanGrantAtOnce(PDMA_ADAPTER Adapter)
{
    DMA_ADAPTER_INFO info;

    RtlZeroMemory(&info, sizeof(info));
    info.Version = DMA_ADAPTER_INFO_VERSION1;
    return NT_SUCCESS(Adapter->DmaOperations->GetDmaAdapterInfo(Adapter, &info)) &&
           (info.V1.Flags & ADAPTER_INFO_SYNCHRONOUS_CALLBACK) != 0;
}

static NTSTATUS V3busGetAdapter(PV3BUS_EXTENSION Extension)
{
    DEVICE_DESCRIPTION description;
    PDMA_ADAPTER adapter;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION3;
    description.Master = TRUE;
    description.ScatterGather = TRUE;
    description.DmaAddressWidth = 64;
    description.InterfaceType = PCIBus;
    description.MaximumLength = V3BUS_PIECE_MAX;
    adapter = IoGetDmaAdapter(Extension->PhysicalDevice, &description, &Extension->MapRegisters);
    if (adapter == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    /* A piece has at most one element for each map register. */
    if (Extension->MapRegisters > V3BUS_DESCRIPTORS)
        Extension->MapRegisters = V3BUS_DESCRIPTORS;
    Extension->SynchronousCallback = V3busCanGrantAtOnce(adapter);
    Extension->Adapter = adapter;
    return STATUS_SUCCESS;
}

/* The descriptors of all chains, one page that bridge and processor both see. Data may lie anywhere
 * in 64 bits, but a descriptor's own address has 32. */
static NTSTATUS V3busAllocateChains(PV3BUS_EXTENSION Extension)
{
    PDMA_ADAPTER adapter = Extension->Adapter;
    PHYSICAL_ADDRESS highest;
    ULONG offset;
    ULONG i;

    highest.QuadPart = 0xFFFFFFFF;
    Extension->Common = adapter->DmaOperations->AllocateCommonBufferEx(
        adapter, &highest, V3BUS_COMMON_BYTES, &Extension->CommonLogicalAddress, FALSE,
        MM_ANY_NODE_OK);
    if (Extension->Common == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (i = 0; i < V3BUS_CHANNELS * V3BUS_IN_FLIGHT; i++) {
        PV3BUS_CHANNEL channel = &Extension->Channels[i / V3BUS_IN_FLIGHT];
        PV3BUS_REQUEST request = &channel->Requests[i % V3BUS_IN_FLIGHT];

        offset = i * V3BUS_REGION_BYTES;
        request->Chain = (PPLX_DESCRIPTOR)((PUCHAR)Extension->Common + offset);
        request->ChainLogicalAddress = Extension->CommonLogicalAddress.LowPart + offset;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS V3busConnectInterrupt(PV3BUS_EXTENSION Extension,
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
        &interrupt, V3busIsr, Extension, NULL, Descriptor->u.Interrupt.Vector,
        (KIRQL)Descriptor->u.Interrupt.Level, (KIRQL)Descriptor->u.Interrupt.Level, mode, shared,
        Descriptor->u.Interrupt.Affinity, FALSE);
    if (NT_SUCCESS(status))
        Extension->Interrupt = interrupt;
    return status;
}

/* By whoever has the hardware, after the drivers below have started. V3busLeaveHardware enables
 * the interrupt. */
static NTSTATUS V3busAcquireHardware(PV3BUS_EXTENSION Extension, PCM_RESOURCE_LIST Translated)
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

    status = V3busMapRegisters(Extension, memory);
    if (NT_SUCCESS(status))
        status = V3busGetAdapter(Extension);
    if (NT_SUCCESS(status))
        status = V3busAllocateChains(Extension);
    if (NT_SUCCESS(status))
        status = V3busConnectInterrupt(Extension, interrupt);
    if (!NT_SUCCESS(status))
        V3busReleaseHardware(Extension);
    return status;
}

/* By whoever has the hardware, when it is there: the bus has given the device power. */
static VOID V3busSetStarted(PV3BUS_EXTENSION Extension)
{
    POWER_STATE power;
    KIRQL irql;

    power.DeviceState = PowerDeviceD0;
    PoSetPowerState(Extension->Self, DevicePowerState, power);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->PnpState = V3busStarted;
    Extension->PowerState = PowerDeviceD0;
    Extension->Holds &= ~(V3BUS_HOLD_NOT_STARTED | V3BUS_HOLD_STOP);
    if (IsListEmpty(&Extension->PowerDowns))
        Extension->Holds &= ~V3BUS_HOLD_POWER;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

static VOID V3busHold(PV3BUS_EXTENSION Extension, ULONG Hold, V3BUS_PNP_STATE State)
{
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->Holds |= Hold;
    Extension->PreviousPnpState = Extension->PnpState;
    Extension->PnpState = State;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

/* A second start, with other resources, finds the device in use. */
static NTSTATUS V3busStart(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    V3busHold(Extension, V3BUS_HOLD_NOT_STARTED, V3busNotStarted);
    V3busTakeHardware(Extension);
    V3busReleaseHardware(Extension);
    status = V3busForwardAndWait(Extension, Irp);
    if (NT_SUCCESS(status))
        status = V3busAcquireHardware(Extension,
                                      stack->Parameters.StartDevice.AllocatedResourcesTranslated);
    if (NT_SUCCESS(status))
        V3busSetStarted(Extension);
    V3busLeaveHardware(Extension);
    return V3busCompleteIrp(Extension, Irp, status, 0);
}

/* Returns when the device is quiet: its requests have ended, later ones stay in the queues and can
 * be cancelled there. */
static NTSTATUS V3busQueryStop(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    V3busHold(Extension, V3BUS_HOLD_STOP, V3busStopPending);
    V3busTakeHardware(Extension);
    V3busLeaveHardware(Extension);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return V3busForwardIrp(Extension, Irp);
}

static NTSTATUS V3busStop(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    V3busHold(Extension, V3BUS_HOLD_STOP, V3busStopped);
    V3busTakeHardware(Extension);
    V3busReleaseHardware(Extension);
    V3busLeaveHardware(Extension);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return V3busForwardIrp(Extension, Irp);
}

/* CANCEL_STOP and CANCEL_REMOVE; one that no query went before changes nothing. */
static NTSTATUS V3busCancelQuery(PV3BUS_EXTENSION Extension, PIRP Irp, V3BUS_PNP_STATE Pending)
{
    NTSTATUS status;
    KIRQL irql;

    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = V3busForwardAndWait(Extension, Irp);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    if (Extension->PnpState == Pending) {
        Extension->PnpState = Extension->PreviousPnpState;
        if (Pending == V3busStopPending)
            Extension->Holds &= ~V3BUS_HOLD_STOP;
        V3busKickLocked(Extension);
    }
    KeReleaseSpinLock(&Extension->Lock, irql);
    return V3busCompleteIrp(Extension, Irp, status, 0);
}

static NTSTATUS V3busQueryRemove(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    V3busHold(Extension, 0, V3busRemovePending);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return V3busForwardIrp(Extension, Irp);
}

/* Ends all I/O for good and gives the hardware back. Again for a removal after a surprise removal:
 * then there is nothing left. */
static VOID V3busShutDown(PV3BUS_EXTENSION Extension, V3BUS_PNP_STATE State)
{
    V3busHold(Extension, V3BUS_HOLD_REMOVED, State);
    V3busStopRequests(Extension, STATUS_DELETE_PENDING);
    V3busFailQueued(Extension, NULL, STATUS_DELETE_PENDING);
    V3busTakeHardware(Extension);
    V3busReleaseHardware(Extension);
    V3busLeaveHardware(Extension);
}

static NTSTATUS V3busSurpriseRemoval(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    V3busShutDown(Extension, V3busSurpriseRemoved);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return V3busForwardIrp(Extension, Irp);
}

static NTSTATUS V3busRemove(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    V3busShutDown(Extension, V3busRemoved);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Extension->LowerDevice, Irp);

    IoReleaseRemoveLockAndWait(&Extension->RemoveLock, Irp);
    IoDetachDevice(Extension->LowerDevice);
    IoFreeWorkItem(Extension->PowerWork);
    IoDeleteDevice(Extension->Self);
    return status;
}

NTSTATUS V3busPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3busRefuseIrp(Irp, status);

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return V3busStart(extension, Irp);
    case IRP_MN_QUERY_STOP_DEVICE:
        return V3busQueryStop(extension, Irp);
    case IRP_MN_STOP_DEVICE:
        return V3busStop(extension, Irp);
    case IRP_MN_CANCEL_STOP_DEVICE:
        return V3busCancelQuery(extension, Irp, V3busStopPending);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return V3busQueryRemove(extension, Irp);
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return V3busCancelQuery(extension, Irp, V3busRemovePending);
    case IRP_MN_SURPRISE_REMOVAL:
        return V3busSurpriseRemoval(extension, Irp);
    case IRP_MN_REMOVE_DEVICE:
        return V3busRemove(extension, Irp);
    default:
        return V3busForwardIrp(extension, Irp);
    }
}
