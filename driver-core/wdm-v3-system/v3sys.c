/*
 * v3sys.c: driver and device object, and the requests that need no hardware.
 */
#include "v3sys.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);

    DriverObject->DriverExtension->AddDevice = V3sysAddDevice;
    DriverObject->DriverUnload = V3sysUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = V3sysCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = V3sysClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = V3sysCleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = V3sysReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = V3sysReadWrite;
    DriverObject->MajorFunction[IRP_MJ_PNP] = V3sysPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = V3sysPower;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = V3sysSystemControl;
    return STATUS_SUCCESS;
}

/* Every device is gone by now, and with it all that the driver ever had. */
VOID V3sysUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

static NTSTATUS V3sysInitializeChannel(PV3SYS_EXTENSION Extension, ULONG Index)
{
    PV3SYS_CHANNEL channel = &Extension->Channels[Index];

    channel->Extension = Extension;
    channel->Index = Index;
    channel->Write = Index == V3SYS_WRITE;
    channel->Phase = V3sysPhaseFree;
    InitializeListHead(&channel->Queue);
    KeInitializeDpc(&channel->GrantDpc, V3sysGrantDpc, channel);
    return V3sysInitializeQueue(channel);
}

static NTSTATUS V3sysInitializeExtension(PV3SYS_EXTENSION Extension, PDEVICE_OBJECT Device,
                                         PDEVICE_OBJECT PhysicalDevice)
{
    NTSTATUS status;

    Extension->Self = Device;
    Extension->PhysicalDevice = PhysicalDevice;
    Extension->Holds = V3SYS_HOLD_NOT_STARTED;
    Extension->PnpState = V3sysNotStarted;
    Extension->PreviousPnpState = V3sysNotStarted;
    Extension->PowerState = PowerDeviceD3;
    IoInitializeRemoveLock(&Extension->RemoveLock, V3SYS_TAG, 0, 0);
    KeInitializeSpinLock(&Extension->Lock);
    KeInitializeEvent(&Extension->IdleEvent, NotificationEvent, TRUE);
    InitializeListHead(&Extension->PowerDowns);
    KeInitializeEvent(&Extension->WakeEvent, NotificationEvent, TRUE);
    KeInitializeDpc(&Extension->ServiceDpc, V3sysServiceDpc, Extension);
    KeInitializeDpc(&Extension->WatchdogDpc, V3sysWatchdogDpc, Extension);
    KeInitializeTimer(&Extension->WatchdogTimer);
    IoInitializeDpcRequest(Device, V3sysDpcForIsr);
    status = V3sysInitializeChannel(Extension, V3SYS_READ);
    if (NT_SUCCESS(status))
        status = V3sysInitializeChannel(Extension, V3SYS_WRITE);
    return status;
}

NTSTATUS V3sysAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT device;
    PV3SYS_EXTENSION extension;
    NTSTATUS status;

    status = IoCreateDevice(DriverObject, sizeof(V3SYS_EXTENSION), NULL, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;

    extension = (PV3SYS_EXTENSION)device->DeviceExtension;
    status = V3sysInitializeExtension(extension, device, PhysicalDeviceObject);
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

NTSTATUS V3sysRefuseIrp(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS V3sysCompleteIrp(PV3SYS_EXTENSION Extension, PIRP Irp, NTSTATUS Status,
                          ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return Status;
}

NTSTATUS V3sysForwardIrp(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Extension->LowerDevice, Irp);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return status;
}

/* A handle opened while a removal is pending would keep the device: QUERY_REMOVE promised that
 * there is none. */
NTSTATUS V3sysCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)DeviceObject->DeviceExtension;
    V3SYS_PNP_STATE state;
    NTSTATUS status;
    KIRQL irql;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3sysRefuseIrp(Irp, status);

    KeAcquireSpinLock(&extension->Lock, &irql);
    state = extension->PnpState;
    KeReleaseSpinLock(&extension->Lock, irql);
    if (state == V3sysRemovePending || state == V3sysSurpriseRemoved || state == V3sysRemoved)
        status = STATUS_DELETE_PENDING;
    return V3sysCompleteIrp(extension, Irp, status, 0);
}

NTSTATUS V3sysClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3sysRefuseIrp(Irp, status);
    return V3sysCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
}

NTSTATUS V3sysSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3sysRefuseIrp(Irp, status);
    return V3sysForwardIrp(extension, Irp);
}
