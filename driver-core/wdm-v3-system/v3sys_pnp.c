/*
 * v3sys_pnp.c: start, stop and removal.
 *
 * Every change of the hardware is made by whoever has it (V3sysTakeHardware), under a hold that
 * keeps requests in their queues. A stop lets the requests in flight end; a removal aborts them. In
 * either case they are flushed and their map registers freed before anything that they rest on
 * goes, whether the hardware is still there or not.
 */
#include "v3sys.h"

static IO_COMPLETION_ROUTINE V3sysSignalDone;

static NTSTATUS V3sysSignalDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Passes an IRP down and waits for the drivers below. The IRP is the caller's again. */
static NTSTATUS V3sysForwardAndWait(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    KEVENT done;
    NTSTATUS status;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, V3sysSignalDone, &done, TRUE, TRUE, TRUE);
    status = IoCallDriver(Extension->LowerDevice, Irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = Irp->IoStatus.Status;
    }
    return status;
}

static VOID V3sysPutAdapters(PV3SYS_EXTENSION Extension)
{
    ULONG i;

    for (i = 0; i < V3SYS_CHANNELS; i++) {
        PDMA_ADAPTER adapter = Extension->Channels[i].Adapter;

        if (adapter == NULL)
            continue;
        Extension->Channels[i].Adapter = NULL;
        adapter->DmaOperations->PutDmaAdapter(adapter);
    }
}

/* By whoever has the hardware; also after a start that got only half way. */
static VOID V3sysReleaseHardware(PV3SYS_EXTENSION Extension)
{
    V3sysDisarmWake(Extension);
    if (Extension->Interrupt != NULL) {
        if (Extension->DeviceReady)
            KeSynchronizeExecution(Extension->Interrupt, V3sysDisableInterrupts, Extension);
        Extension->DeviceReady = FALSE;
        IoDisconnectInterrupt(Extension->Interrupt);
        Extension->Interrupt = NULL;
    }
    /* No more interrupts, and no running piece that would set the timer: after this no DPC of the
     * driver is left that could look at what goes now, or at a device object that a removal deletes
     * next. */
    KeCancelTimer(&Extension->WatchdogTimer);
    KeFlushQueuedDpcs();
    Extension->WatchdogSet = FALSE;
    V3sysPutAdapters(Extension);
    if (Extension->Registers != NULL) {
        MmUnmapIoSpace(Extension->Registers, Extension->RegisterBytes);
        Extension->Registers = NULL;
    }
}

static NTSTATUS V3sysMapRegisters(PV3SYS_EXTENSION Extension,
                                  PCM_PARTIAL_RESOURCE_DESCRIPTOR Memory)
{
    if (Memory->u.Memory.Length < UART_REGISTER_BYTES)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Extension->RegisterBytes = Memory->u.Memory.Length;
    Extension->Registers =
        (PUCHAR)MmMapIoSpace(Memory->u.Memory.Start, Extension->RegisterBytes, MmNonCached);
    if (Extension->Registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!V3sysFindDevice(Extension))
        return STATUS_NO_SUCH_DEVICE;
    V3sysResetDevice(Extension);
    return STATUS_SUCCESS;
}

/* FALSE: the adapter cannot say, or cannot grant at once. */
static BOOLEAN V3sysCanGrantAtOnce(PDMA_ADAPTER Adapter)
{
    DMA_ADAPTER_INFO info;

    RtlZeroMemory(&info, sizeof(info));
    info.Version = DMA_ADAPTER_INFO_VERSION1;
    return NT_SUCCESS(Adapter->DmaOperations->GetDmaAdapterInfo(Adapter, &info)) &&
           (info.V1.Flags & ADAPTER_INFO_SYNCHRONOUS_CALLBACK) != 0;
}

/* The registers lie where Memory says; a transfer names UART_DR by its offset in them. */
static NTSTATUS V3sysGetAdapter(PV3SYS_CHANNEL Channel, PCM_PARTIAL_RESOURCE_DESCRIPTOR Memory,
                                PCM_PARTIAL_RESOURCE_DESCRIPTOR Line)
{
    DEVICE_DESCRIPTION description;
    PDMA_ADAPTER adapter;

    RtlZeroMemory(&description, sizeof(description));
    description.Version = DEVICE_DESCRIPTION_VERSION3;
    description.Master = FALSE;
    description.ScatterGather = TRUE;
    description.DmaChannel = Line->u.DmaV3.Channel;
    description.DmaRequestLine = Line->u.DmaV3.RequestLine;
    description.DmaWidth = (DMA_WIDTH)Line->u.DmaV3.TransferWidth;
    description.DeviceAddress = Memory->u.Memory.Start;
    description.InterfaceType = ACPIBus;
    description.MaximumLength = V3SYS_PIECE_MAX;
    adapter = IoGetDmaAdapter(Channel->Extension->PhysicalDevice, &description,
                              &Channel->MapRegistersMax);
    if (adapter == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;

    Channel->SynchronousCallback = V3sysCanGrantAtOnce(adapter);
    Channel->Adapter = adapter;
    return STATUS_SUCCESS;
}

static NTSTATUS V3sysConnectInterrupt(PV3SYS_EXTENSION Extension,
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
        &interrupt, V3sysIsr, Extension, NULL, Descriptor->u.Interrupt.Vector,
        (KIRQL)Descriptor->u.Interrupt.Level, (KIRQL)Descriptor->u.Interrupt.Level, mode, shared,
        Descriptor->u.Interrupt.Affinity, FALSE);
    if (NT_SUCCESS(status))
        Extension->Interrupt = interrupt;
    return status;
}

/* Asks the bus what states the device wakes the machine from. PASSIVE_LEVEL. */
static VOID V3sysAskWake(PV3SYS_EXTENSION Extension)
{
    DEVICE_CAPABILITIES capabilities;
    IO_STATUS_BLOCK result;
    PIO_STACK_LOCATION stack;
    NTSTATUS status;
    KEVENT done;
    PIRP irp;

    Extension->SystemWake = PowerSystemUnspecified;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, Extension->LowerDevice, NULL, 0, NULL, &done,
                                       &result);
    if (irp == NULL)
        return;
    RtlZeroMemory(&capabilities, sizeof(capabilities));
    capabilities.Size = sizeof(capabilities);
    capabilities.Version = 1;
    capabilities.Address = MAXULONG;
    capabilities.UINumber = MAXULONG;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    stack = IoGetNextIrpStackLocation(irp);
    stack->MinorFunction = IRP_MN_QUERY_CAPABILITIES;
    stack->Parameters.DeviceCapabilities.Capabilities = &capabilities;
    status = IoCallDriver(Extension->LowerDevice, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = result.Status;
    }
    if (NT_SUCCESS(status))
        Extension->SystemWake = capabilities.SystemWake;
}

/* The parts of the resource list that the UART has. The receiver's request line comes first. */
typedef struct _V3SYS_RESOURCES {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Memory;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Lines[V3SYS_CHANNELS];
} V3SYS_RESOURCES;

static NTSTATUS V3sysFindResources(PCM_RESOURCE_LIST Translated, V3SYS_RESOURCES *Found)
{
    PCM_PARTIAL_RESOURCE_LIST list;
    ULONG lines = 0;
    ULONG i;

    RtlZeroMemory(Found, sizeof(*Found));
    if (Translated == NULL || Translated->Count == 0)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    list = &Translated->List[0].PartialResourceList;
    for (i = 0; i < list->Count; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR part = &list->PartialDescriptors[i];

        if (part->Type == CmResourceTypeMemory && Found->Memory == NULL)
            Found->Memory = part;
        if (part->Type == CmResourceTypeInterrupt && Found->Interrupt == NULL)
            Found->Interrupt = part;
        if (part->Type == CmResourceTypeDma && (part->Flags & CM_RESOURCE_DMA_V3) != 0 &&
            lines < V3SYS_CHANNELS)
            Found->Lines[lines++] = part;
    }
    if (Found->Memory == NULL || Found->Interrupt == NULL || lines != V3SYS_CHANNELS)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    return STATUS_SUCCESS;
}

/* By whoever has the hardware, after the drivers below have started. V3sysLeaveHardware enables
 * the interrupt. */
static NTSTATUS V3sysAcquireHardware(PV3SYS_EXTENSION Extension, PCM_RESOURCE_LIST Translated)
{
    V3SYS_RESOURCES found;
    NTSTATUS status;
    ULONG i;

    status = V3sysFindResources(Translated, &found);
    if (NT_SUCCESS(status))
        status = V3sysMapRegisters(Extension, found.Memory);
    for (i = 0; NT_SUCCESS(status) && i < V3SYS_CHANNELS; i++)
        status = V3sysGetAdapter(&Extension->Channels[i], found.Memory, found.Lines[i]);
    if (NT_SUCCESS(status))
        status = V3sysConnectInterrupt(Extension, found.Interrupt);
    if (NT_SUCCESS(status))
        V3sysAskWake(Extension);
    else
        V3sysReleaseHardware(Extension);
    return status;
}

/* By whoever has the hardware, when it is there: the bus has given the device power. */
static VOID V3sysSetStarted(PV3SYS_EXTENSION Extension)
{
    POWER_STATE power;
    KIRQL irql;

    power.DeviceState = PowerDeviceD0;
    PoSetPowerState(Extension->Self, DevicePowerState, power);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->PnpState = V3sysStarted;
    Extension->PowerState = PowerDeviceD0;
    Extension->Holds &= ~(V3SYS_HOLD_NOT_STARTED | V3SYS_HOLD_STOP);
    if (IsListEmpty(&Extension->PowerDowns))
        Extension->Holds &= ~V3SYS_HOLD_POWER;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

static VOID V3sysHold(PV3SYS_EXTENSION Extension, ULONG Hold, V3SYS_PNP_STATE State)
{
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->Holds |= Hold;
    Extension->PreviousPnpState = Extension->PnpState;
    Extension->PnpState = State;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

/* A second start, with other resources, finds the device in use. */
static NTSTATUS V3sysStart(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    V3sysHold(Extension, V3SYS_HOLD_NOT_STARTED, V3sysNotStarted);
    V3sysTakeHardware(Extension);
    V3sysReleaseHardware(Extension);
    status = V3sysForwardAndWait(Extension, Irp);
    if (NT_SUCCESS(status))
        status = V3sysAcquireHardware(Extension,
                                      stack->Parameters.StartDevice.AllocatedResourcesTranslated);
    if (NT_SUCCESS(status))
        V3sysSetStarted(Extension);
    V3sysLeaveHardware(Extension);
    return V3sysCompleteIrp(Extension, Irp, status, 0);
}

/* Returns when the device is quiet: its requests have ended, later ones stay in the queues and can
 * be cancelled there. */
static NTSTATUS V3sysQueryStop(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    V3sysHold(Extension, V3SYS_HOLD_STOP, V3sysStopPending);
    V3sysTakeHardware(Extension);
    V3sysLeaveHardware(Extension);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return V3sysForwardIrp(Extension, Irp);
}

static NTSTATUS V3sysStop(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    V3sysHold(Extension, V3SYS_HOLD_STOP, V3sysStopped);
    V3sysTakeHardware(Extension);
    V3sysReleaseHardware(Extension);
    V3sysLeaveHardware(Extension);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return V3sysForwardIrp(Extension, Irp);
}

/* CANCEL_STOP and CANCEL_REMOVE; one that no query went before changes nothing. */
static NTSTATUS V3sysCancelQuery(PV3SYS_EXTENSION Extension, PIRP Irp, V3SYS_PNP_STATE Pending)
{
    NTSTATUS status;
    KIRQL irql;

    Irp->IoStatus.Status = STATUS_SUCCESS;
    status = V3sysForwardAndWait(Extension, Irp);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    if (Extension->PnpState == Pending) {
        Extension->PnpState = Extension->PreviousPnpState;
        if (Pending == V3sysStopPending)
            Extension->Holds &= ~V3SYS_HOLD_STOP;
        V3sysKickLocked(Extension);
    }
    KeReleaseSpinLock(&Extension->Lock, irql);
    return V3sysCompleteIrp(Extension, Irp, status, 0);
}

static NTSTATUS V3sysQueryRemove(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    V3sysHold(Extension, 0, V3sysRemovePending);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return V3sysForwardIrp(Extension, Irp);
}

/* Ends all I/O for good and gives the hardware back. Again for a removal after a surprise removal:
 * then there is nothing left. */
static VOID V3sysShutDown(PV3SYS_EXTENSION Extension, V3SYS_PNP_STATE State)
{
    V3sysHold(Extension, V3SYS_HOLD_REMOVED, State);
    V3sysStopRequests(Extension, STATUS_DELETE_PENDING);
    V3sysFailQueued(Extension, NULL, STATUS_DELETE_PENDING);
    V3sysTakeHardware(Extension);
    V3sysReleaseHardware(Extension);
    V3sysLeaveHardware(Extension);
}

static NTSTATUS V3sysSurpriseRemoval(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    V3sysShutDown(Extension, V3sysSurpriseRemoved);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return V3sysForwardIrp(Extension, Irp);
}

static NTSTATUS V3sysRemove(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    V3sysShutDown(Extension, V3sysRemoved);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Extension->LowerDevice, Irp);

    IoReleaseRemoveLockAndWait(&Extension->RemoveLock, Irp);
    IoDetachDevice(Extension->LowerDevice);
    IoFreeWorkItem(Extension->PowerWork);
    IoDeleteDevice(Extension->Self);
    return status;
}

NTSTATUS V3sysPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3sysRefuseIrp(Irp, status);

    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return V3sysStart(extension, Irp);
    case IRP_MN_QUERY_STOP_DEVICE:
        return V3sysQueryStop(extension, Irp);
    case IRP_MN_STOP_DEVICE:
        return V3sysStop(extension, Irp);
    case IRP_MN_CANCEL_STOP_DEVICE:
        return V3sysCancelQuery(extension, Irp, V3sysStopPending);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return V3sysQueryRemove(extension, Irp);
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return V3sysCancelQuery(extension, Irp, V3sysRemovePending);
    case IRP_MN_SURPRISE_REMOVAL:
        return V3sysSurpriseRemoval(extension, Irp);
    case IRP_MN_REMOVE_DEVICE:
        return V3sysRemove(extension, Irp);
    default:
        return V3sysForwardIrp(extension, Irp);
    }
}
