/*
 * v3bus.c: driver and device object, and the requests that need no hardware.
 */
#include "v3bus.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);

    DriverObject->DriverExtension->AddDevice = V3busAddDevice;
    DriverObject->DriverUnload = V3busUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = V3busCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = V3busClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = V3busCleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = V3busReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = V3busReadWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = V3busDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = V3busPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = V3busPower;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = V3busSystemControl;
    return STATUS_SUCCESS;
}

/* Every device is gone by now, and with it all that the driver ever had. */
VOID V3busUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

static NTSTATUS V3busInitializeChannel(PV3BUS_EXTENSION Extension, ULONG Index)
{
    PV3BUS_CHANNEL channel = &Extension->Channels[Index];
    ULONG i;

    channel->Extension = Extension;
    channel->Index = Index;
    channel->Write = Index == V3BUS_WRITE;
    InitializeListHead(&channel->Queue);
    InitializeListHead(&channel->Ready);
    for (i = 0; i < V3BUS_IN_FLIGHT; i++) {
        channel->Requests[i].Channel = channel;
        channel->Requests[i].Phase = V3busPhaseFree;
        KeInitializeDpc(&channel->Requests[i].GrantDpc, V3busGrantDpc, &channel->Requests[i]);
    }
    return V3busInitializeQueue(channel);
}

static NTSTATUS V3busInitializeExtension(PV3BUS_EXTENSION Extension, PDEVICE_OBJECT Device,
                                         PDEVICE_OBJECT PhysicalDevice)
{
    NTSTATUS status;

    Extension->Self = Device;
    Extension->PhysicalDevice = PhysicalDevice;
    Extension->Holds = V3BUS_HOLD_NOT_STARTED;
    Extension->PnpState = V3busNotStarted;
    Extension->PreviousPnpState = V3busNotStarted;
    Extension->PowerState = PowerDeviceD3;
    IoInitializeRemoveLock(&Extension->RemoveLock, V3BUS_TAG, 0, 0);
    KeInitializeSpinLock(&Extension->Lock);
    KeInitializeEvent(&Extension->IdleEvent, NotificationEvent, TRUE);
    InitializeListHead(&Extension->PowerDowns);
    KeInitializeDpc(&Extension->ServiceDpc, V3busServiceDpc, Extension);
    KeInitializeDpc(&Extension->WatchdogDpc, V3busWatchdogDpc, Extension);
    KeInitializeTimer(&Extension->WatchdogTimer);
    IoInitializeDpcRequest(Device, V3busDpcForIsr);
    status = V3busInitializeChannel(Extension, V3BUS_READ);
    if (NT_SUCCESS(status))
        status = V3busInitializeChannel(Extension, V3BUS_WRITE);
    return status;
}

NTSTATUS V3busAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT device;
    PV3BUS_EXTENSION extension;
    NTSTATUS status;

    status = IoCreateDevice(DriverObject, sizeof(V3BUS_EXTENSION), NULL, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;

    extension = (PV3BUS_EXTENSION)device->DeviceExtension;
    status = V3busInitializeExtension(extension, device, PhysicalDeviceObject);
    if (NT_SUCCESS(status)) {
        extension->PowerWork = IoAllocateWorkItem(device);
        if (extension->PowerWork == NULL)
            status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(status)) {
        extension->LowerDevice = IoAttachDeviceToDeviceStack(device, PhysicalDeviceObject);
        if (extension->LowerDevice == NULL)
            status = STATUS_NO_SUCH_DEVICE;
    }
    if (!NT_SUCCESS(status)) {
        if (extension->PowerWork != NULL)
            IoFreeWorkItem(extension->PowerWork);
        IoDeleteDevice(device);
        return status;
    }

    device->Flags |= DO_DIRECT_IO;
    device->Flags |= extension->LowerDevice->Flags & DO_POWER_PAGABLE;
    if (device->AlignmentRequirement < extension->LowerDevice->AlignmentRequirement)
        device->AlignmentRequirement = extension->LowerDevice->AlignmentRequirement;
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

NTSTATUS V3busRefuseIrp(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS V3busCompleteIrp(PV3BUS_EXTENSION Extension, PIRP Irp, NTSTATUS Status,
                          ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return Status;
}

NTSTATUS V3busForwardIrp(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Extension->LowerDevice, Irp);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return status;
}

/* A handle opened while a removal is pending would keep the device: QUERY_REMOVE promised that
 * there is none. */
NTSTATUS V3busCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)DeviceObject->DeviceExtension;
    V3BUS_PNP_STATE state;
    NTSTATUS status;
    KIRQL irql;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3busRefuseIrp(Irp, status);

    KeAcquireSpinLock(&extension->Lock, &irql);
    state = extension->PnpState;
    KeReleaseSpinLock(&extension->Lock, irql);
    if (state == V3busRemovePending || state == V3busSurpriseRemoved || state == V3busRemoved)
        status = STATUS_DELETE_PENDING;
    return V3busCompleteIrp(extension, Irp, status, 0);
}

NTSTATUS V3busClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3busRefuseIrp(Irp, status);
    return V3busCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
}

NTSTATUS V3busSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3busRefuseIrp(Irp, status);
    return V3busForwardIrp(extension, Irp);
}
