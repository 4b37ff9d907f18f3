/*
 * slave.c: driver and device object, and the requests that need no hardware.
 */
#include "slave.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);

    DriverObject->DriverExtension->AddDevice = SlaveAddDevice;
    DriverObject->DriverStartIo = SlaveStartIo;
    DriverObject->DriverUnload = SlaveUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SlaveCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SlaveClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = SlaveCleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = SlaveReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = SlaveReadWrite;
    DriverObject->MajorFunction[IRP_MJ_PNP] = SlavePnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = SlavePower;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = SlaveSystemControl;
    return STATUS_SUCCESS;
}

/* Every device is gone by now, and with it all that the driver ever had. */
VOID SlaveUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

static VOID SlaveInitializeExtension(PSLAVE_EXTENSION Extension, PDEVICE_OBJECT Device,
                                     PDEVICE_OBJECT PhysicalDevice)
{
    Extension->Self = Device;
    Extension->PhysicalDevice = PhysicalDevice;
    Extension->Phase = SlavePhaseIdle;
    Extension->Holds = SLAVE_HOLD_NOT_STARTED;
    Extension->PnpState = SlaveNotStarted;
    Extension->PreviousPnpState = SlaveNotStarted;
    Extension->PowerState = PowerDeviceD3;
    IoInitializeRemoveLock(&Extension->RemoveLock, SLAVE_TAG, 0, 0);
    KeInitializeSpinLock(&Extension->Lock);
    KeInitializeEvent(&Extension->IdleEvent, NotificationEvent, TRUE);
    InitializeListHead(&Extension->Waiting);
    Extension->Cylinder = SLAVE_NO_CYLINDER;
    KeInitializeDpc(&Extension->ServiceDpc, SlaveServiceDpc, Extension);
    KeInitializeDpc(&Extension->GrantDpc, SlaveGrantDpc, Extension);
    KeInitializeDpc(&Extension->WatchdogDpc, SlaveWatchdogDpc, Extension);
    KeInitializeTimer(&Extension->WatchdogTimer);
    IoInitializeDpcRequest(Device, SlaveDpcForIsr);
}

NTSTATUS SlaveAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT device;
    PSLAVE_EXTENSION extension;
    NTSTATUS status;

    status = IoCreateDevice(DriverObject, sizeof(SLAVE_EXTENSION), NULL, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;

    extension = (PSLAVE_EXTENSION)device->DeviceExtension;
    SlaveInitializeExtension(extension, device, PhysicalDeviceObject);
    extension->LowerDevice = IoAttachDeviceToDeviceStack(device, PhysicalDeviceObject);
    if (extension->LowerDevice == NULL) {
        IoDeleteDevice(device);
        return STATUS_NO_SUCH_DEVICE;
    }

    /* IoStartNextPacket inside of StartIo must not call it again from within. */
    IoSetStartIoAttributes(device, TRUE, FALSE);
    device->Flags |= DO_DIRECT_IO;
    device->Flags |= extension->LowerDevice->Flags & DO_POWER_PAGABLE;
    if (device->AlignmentRequirement < extension->LowerDevice->AlignmentRequirement)
        device->AlignmentRequirement = extension->LowerDevice->AlignmentRequirement;
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

NTSTATUS SlaveRefuseIrp(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS SlaveCompleteIrp(PSLAVE_EXTENSION Extension, PIRP Irp, NTSTATUS Status,
                          ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return Status;
}

NTSTATUS SlaveForwardIrp(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    IoSkipCurrentIrpStackLocation(Irp);
    status = IoCallDriver(Extension->LowerDevice, Irp);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return status;
}

/* A handle opened while a removal is pending would keep the device: QUERY_REMOVE promised that
 * there is none. */
NTSTATUS SlaveCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)DeviceObject->DeviceExtension;
    SLAVE_PNP_STATE state;
    NTSTATUS status;
    KIRQL irql;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SlaveRefuseIrp(Irp, status);

    KeAcquireSpinLock(&extension->Lock, &irql);
    state = extension->PnpState;
    KeReleaseSpinLock(&extension->Lock, irql);
    if (state == SlaveRemovePending || state == SlaveSurpriseRemoved || state == SlaveRemoved)
        status = STATUS_DELETE_PENDING;
    return SlaveCompleteIrp(extension, Irp, status, 0);
}

NTSTATUS SlaveClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SlaveRefuseIrp(Irp, status);
    return SlaveCompleteIrp(extension, Irp, STATUS_SUCCESS, 0);
}

NTSTATUS SlaveSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)DeviceObject->DeviceExtension;
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return SlaveRefuseIrp(Irp, status);
    return SlaveForwardIrp(extension, Irp);
}
