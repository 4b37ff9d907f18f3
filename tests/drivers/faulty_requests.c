/* Starts and stops like a driver; then a read of more than one page writes to nowhere, a write of
 * exactly one page never ends, and a longer one writes to nowhere, too. */
#include "faulty.h"

struct extension {
    PDEVICE_OBJECT below;
};

DRIVER_ADD_DEVICE FaultyAddDevice;
DRIVER_UNLOAD FaultyUnload;
_Dispatch_type_(IRP_MJ_PNP) DRIVER_DISPATCH FaultyPnp;
_Dispatch_type_(IRP_MJ_READ) DRIVER_DISPATCH FaultyRead;
_Dispatch_type_(IRP_MJ_WRITE) DRIVER_DISPATCH FaultyWrite;
DRIVER_DISPATCH FaultyPassDown;
DRIVER_DISPATCH FaultySucceed;

static PULONG volatile Nowhere = (PULONG)(ULONG_PTR)0x123456789000;

static NTSTATUS Complete(PIRP Irp, ULONG_PTR Information)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS FaultySucceed(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, 0);
}

NTSTATUS FaultyPassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct extension *extension = DeviceObject->DeviceExtension;

    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(extension->below, Irp);
}

NTSTATUS FaultyPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct extension *extension = DeviceObject->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS status;

    if (minor <= IRP_MN_CANCEL_STOP_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL)
        Irp->IoStatus.Status = STATUS_SUCCESS;
    status = FaultyPassDown(DeviceObject, Irp);
    if (minor == IRP_MN_REMOVE_DEVICE) {
        IoDetachDevice(extension->below);
        IoDeleteDevice(DeviceObject);
    }
    return status;
}

NTSTATUS FaultyRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (length > PAGE_SIZE)
        *Nowhere = 1;
    return Complete(Irp, 0);
}

NTSTATUS FaultyWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    volatile ULONG turns = 0;

    UNREFERENCED_PARAMETER(DeviceObject);
    while (length == PAGE_SIZE)
        turns++;
    if (length > PAGE_SIZE)
        *Nowhere = 2;
    return Complete(Irp, 0);
}

NTSTATUS FaultyAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    struct extension *extension;
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(DriverObject, sizeof(struct extension), NULL,
                                     FILE_DEVICE_UNKNOWN, 0, FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    extension = device->DeviceExtension;
    extension->below = IoAttachDeviceToDeviceStack(device, PhysicalDeviceObject);
    device->Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

VOID FaultyUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        DriverObject->MajorFunction[i] = FaultySucceed;
    DriverObject->MajorFunction[IRP_MJ_PNP] = FaultyPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = FaultyPassDown;
    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = FaultyPassDown;
    DriverObject->MajorFunction[IRP_MJ_READ] = FaultyRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = FaultyWrite;
    DriverObject->DriverExtension->AddDevice = FaultyAddDevice;
    DriverObject->DriverUnload = FaultyUnload;
    return STATUS_SUCCESS;
}
