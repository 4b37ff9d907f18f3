/*
 * packet.c: driver and device object, and the requests that need no hardware.
 */
#include <initguid.h>

#include "packet.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);

    DriverObject->DriverExtension->AddDevice = PacketAddDevice;
    DriverObject->DriverUnload = PacketUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = PacketCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PacketClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = PacketCleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = PacketReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = PacketReadWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PacketDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = PacketPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = PacketPower;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = PacketSystemControl;
    return STATUS_SUCCESS;
}

/* Every device is gone by now, and with it all that the driver ever had. */
VOID PacketUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

static VOID PacketInitializeExtension(PPACKET_EXTENSION Extension, PDEVICE_OBJECT Device,
                                      PDEVICE_OBJECT PhysicalDevice)
{
    Extension->Self = Device;
    Extension->PhysicalDevice = PhysicalDevice;
    Extension->Phase = PacketPhaseIdle;
    Extension->Holds = PACKET_HOLD_NOT_STARTED;
    Extension->PnpState = PacketNotStarted;
    Extension->PreviousPnpState = PacketNotStarted;
    Extension->PowerState = PowerDeviceD3;
    IoInitializeRemoveLock(&Extension->RemoveLock, PACKET_TAG, 0, 0);
    KeInitializeSpinLock(&Extension->Lock);
    KeInitializeEvent(&Extension->IdleEvent, NotificationEvent, TRUE);
    InitializeListHead(&Extension->Queue);
    KeInitializeDpc(&Extension->ServiceDpc, PacketServiceDpc, Extension);
    KeInitializeDpc(&Extension->GrantDpc, PacketGrantDpc, Extension);
    KeInitializeDpc(&Extension->WatchdogDpc, PacketWatchdogDpc, Extension);
    KeInitializeTimer(&Extension->WatchdogTimer);
    IoInitializeDpcRequest(Device, PacketDpcForIsr);
}

NTSTATUS PacketAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT device;
    PPACKET_EXTENSION extension;
    NTSTATUS status;

    status = IoCreateDevice(DriverObject, sizeof(PACKET_EXTENSION), NULL, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;

    extension = (PPACKET_EXTENSION)device->DeviceExtension;
    PacketInitializeExtension(extension, device, PhysicalDeviceObject);
    extension->PowerWork = IoAllocateWorkItem(device);
    if (extension->PowerWork == NULL) {
        IoDeleteDevice(device);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    extension->LowerDevice = IoAttachDeviceToDeviceStack(device, PhysicalDeviceObject);
    status = STATUS_NO_SUCH_DEVICE;
    if (extension->LowerDevice != NULL)
        status = IoRegisterDeviceInterface(PhysicalDeviceObject, &GUID_DEVINTERFACE_PACKET, NULL,
                                           &extension->InterfaceName);
    if (!NT_SUCCESS(status)) {
        if (extension->LowerDevice != NULL)
            IoDetachDevice(extension->LowerDevice);
        IoFreeWorkItem(extension->PowerWork);
        IoDeleteDevice(device);
        return status;
    }

    device->Flags |= DO_DIRECT_IO;
    device->Flags |= extension->LowerDevice->Flags & DO_POWER_PAGABLE;
    device->AlignmentRequirement = extension->LowerDevice->AlignmentRequirement;
    if (device->AlignmentRequirement < S5933_ALIGNMENT)
        device->AlignmentRequirement = S5933_ALIGNMENT;
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

NTSTATUS PacketRefuseIrp(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS PacketCompleteIrp(PPACKET_EXTENSION Extension, PIRP Irp, NTSTATUS Status,
                           ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return Status;
}

NTSTATUS PacketForwardIrp(PPACKET_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Extension->LowerDevice, Irp);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return status;
}

/* A handle opened while a removal is pending would keep the device: QUERY_REMOVE promised that
 * there is none. */
NTSTATUS PacketCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    PACKET_PNP_STATE state;
    NTSTATUS status;
    KIRQL irql;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return PacketRefuseIrp(Irp, status);

    KeAcquireSpinLock(&extension->Lock, &irql);
    state = extension->PnpState;
    KeReleaseSpinLock(&extension->Lock, irql);
    if (state == PacketRemovePending || state == PacketSurpriseRemoved || state == PacketRemoved)
        status = STATUS_DELETE_PENDING;
    return PacketCompleteIrp(extension, Irp, status, 0);
}

NTSTATUS PacketClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return PacketRefuseIrp(Irp, status);
    return PacketCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
}

NTSTATUS PacketSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return PacketRefuseIrp(Irp, status);
    return PacketForwardIrp(extension, Irp);
}
