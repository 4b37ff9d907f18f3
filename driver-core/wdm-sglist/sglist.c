/*
 * sglist.c: driver and device object, and the requests that need no hardware.
 */
#include "sglist.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);

    DriverObject->DriverExtension->AddDevice = SglistAddDevice;
    DriverObject->DriverUnload = SglistUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SglistCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SglistClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = SglistCleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = SglistReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = SglistReadWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SglistDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = SglistPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = SglistPower;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = SglistSystemControl;
    return STATUS_SUCCESS;
}

/* Every device is gone by now, and with it all that the driver ever had. */
VOID SglistUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

static NTSTATUS SglistInitializeChannel(PSGLIST_EXTENSION Extension, ULONG Index)
{
    PSGLIST_CHANNEL channel = &Extension->Channels[Index];
    ULONG i;

    channel->Extension = Extension;
    channel->Index = Index;
    channel->Write = Index == SGLIST_WRITE;
    InitializeListHead(&channel->Queue);
    InitializeListHead(&channel->Ready);
    for (i = 0; i < SGLIST_IN_FLIGHT; i++) {
        channel->Requests[i].Channel = channel;
        channel->Requests[i].Phase = SglistPhaseFree;
        KeInitializeDpc(&channel->Requests[i].ListDpc, SglistListDpc, &channel->Requests[i]);
    }
    return SglistInitializeQueue(channel);
}

static NTSTATUS SglistInitializeExtension(PSGLIST_EXTENSION Extension, PDEVICE_OBJECT Device,
                                          PDEVICE_OBJECT PhysicalDevice)
{
    NTSTATUS status;

    Extension->Self = Device;
    Extension->PhysicalDevice = PhysicalDevice;
    Extension->Holds = SGLIST_HOLD_NOT_STARTED;
    Extension->PnpState = SglistNotStarted;
    Extension->PreviousPnpState = SglistNotStarted;
    Extension->PowerState = PowerDeviceD3;
    IoInitializeRemoveLock(&Extension->RemoveLock, SGLIST_TAG, 0, 0);
    KeInitializeSpinLock(&Extension->Lock);
    KeInitializeEvent(&Extension->IdleEvent, NotificationEvent, TRUE);
    InitializeListHead(&Extension->PowerDowns);
    KeInitializeDpc(&Extension->ServiceDpc, SglistServiceDpc, Extension);
    KeInitializeDpc(&Extension->WatchdogDpc, SglistWatchdogDpc, Extension);
    KeInitializeTimer(&Extension->WatchdogTimer);
    IoInitializeDpcRequest(Device, SglistDpcForIsr);
    status = SglistInitializeChannel(Extension, SGLIST_READ);
    if (NT_SUCCESS(status))
        status = SglistInitializeChannel(Extension, SGLIST_WRITE);
    return status;
}

NTSTATUS SglistAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT device;
    PSGLIST_EXTENSION extension;
    NTSTATUS status;

    status = IoCreateDevice(DriverObject, sizeof(SGLIST_EXTENSION), NULL, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;

    extension = (PSGLIST_EXTENSION)device->DeviceExtension;
    status = SglistInitializeExtension(extension, device, PhysicalDeviceObject);
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

NTSTATUS SglistRefuseIrp(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS SglistCompleteIrp(PSGLIST_EXTENSION Extension, PIRP Irp, NTSTATUS Status,
                           ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return Status;
}

NTSTATUS SglistForwardIrp(PSGLIST_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Extension->LowerDevice, Irp);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return status;
}

/* A handle opened while a removal is pending would keep the device: QUERY_REMOVE promised that
 * there is none. */
NTSTATUS SglistCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)DeviceObject->DeviceExtension;
    SGLIST_PNP_STATE state;
    NTSTATUS status;
    KIRQL irql;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SglistRefuseIrp(Irp, status);

    KeAcquireSpinLock(&extension->Lock, &irql);
    state = extension->PnpState;
    KeReleaseSpinLock(&extension->Lock, irql);
    if (state == SglistRemovePending || state == SglistSurpriseRemoved || state == SglistRemoved)
        status = STATUS_DELETE_PENDING;
    return SglistCompleteIrp(extension, Irp, status, 0);
}

NTSTATUS SglistClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SglistRefuseIrp(Irp, status);
    return SglistCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
}

NTSTATUS SglistSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSGLIST_EXTENSION extension = (PSGLIST_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SglistRefuseIrp(Irp, status);
    return SglistForwardIrp(extension, Irp);
}
