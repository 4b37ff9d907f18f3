/* A driver from before Plug and Play: no AddDevice; DriverEntry makes and names the device, which
 * has no extension. One control code takes bytes from the device through a request line of the
 * system DMA controller, and survives whatever fails; another one forgets that there is no
 * extension. */
#include "faulty.h"

enum { LINE = 0x1000, BYTES = 3 * PAGE_SIZE, TAG = 'ageL' };

#define DEVICE_NAME L"\\Device\\FtLegacy"
#define LINK_NAME   L"\\DosDevices\\FtLegacy"

struct transfer {
    PDMA_ADAPTER adapter;
    ULONG registers;
    PMDL mdl;
    PVOID base;
    KEVENT granted, completed;
    DMA_COMPLETION_STATUS status;
    UCHAR context[DMA_TRANSFER_CONTEXT_SIZE_V1];
};

DRIVER_UNLOAD LegacyUnload;
_Dispatch_type_(IRP_MJ_CREATE) _Dispatch_type_(IRP_MJ_CLOSE) DRIVER_DISPATCH LegacyOpenClose;
_Dispatch_type_(IRP_MJ_DEVICE_CONTROL) DRIVER_DISPATCH LegacyControl;
DRIVER_CONTROL LegacyGranted;
DMA_COMPLETION_ROUTINE LegacyCompleted;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS LegacyOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

IO_ALLOCATION_ACTION LegacyGranted(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID MapRegisterBase,
                                   PVOID Context)
{
    struct transfer *transfer = Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    transfer->base = MapRegisterBase;
    KeSetEvent(&transfer->granted, IO_NO_INCREMENT, FALSE);
    return KeepObject;
}

VOID LegacyCompleted(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject, PVOID CompletionContext,
                     DMA_COMPLETION_STATUS Status)
{
    struct transfer *transfer = CompletionContext;

    UNREFERENCED_PARAMETER(DmaAdapter);
    UNREFERENCED_PARAMETER(DeviceObject);
    transfer->status = Status;
    KeSetEvent(&transfer->completed, IO_NO_INCREMENT, FALSE);
}

/* The device may be silent: after a second the controller is told to give up, and calls back. */
static void WaitForDevice(struct transfer *transfer)
{
    LARGE_INTEGER second = {.QuadPart = -10000000};

    if (KeWaitForSingleObject(&transfer->completed, Executive, KernelMode, FALSE, &second) ==
        STATUS_SUCCESS)
        return;
    transfer->adapter->DmaOperations->CancelMappedTransfer(transfer->adapter, transfer->context);
    KeWaitForSingleObject(&transfer->completed, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS MapAndWait(struct transfer *transfer, PULONG Length)
{
    PDMA_OPERATIONS operations = transfer->adapter->DmaOperations;
    NTSTATUS status =
        operations->MapTransferEx(transfer->adapter, transfer->mdl, transfer->base, 0, 0, Length,
                                  FALSE, NULL, 0, LegacyCompleted, transfer);

    if (!NT_SUCCESS(status))
        return status;
    WaitForDevice(transfer);
    status = operations->FlushAdapterBuffersEx(transfer->adapter, transfer->mdl, transfer->base, 0,
                                               *Length, FALSE);
    return transfer->status == DmaComplete ? status : STATUS_IO_DEVICE_ERROR;
}

static NTSTATUS RunOnChannel(PDEVICE_OBJECT DeviceObject, struct transfer *transfer, PULONG Length)
{
    PDMA_OPERATIONS operations = transfer->adapter->DmaOperations;
    NTSTATUS status;
    KIRQL irql;

    operations->InitializeDmaTransferContext(transfer->adapter, transfer->context);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    status =
        operations->AllocateAdapterChannelEx(transfer->adapter, DeviceObject, transfer->context,
                                             transfer->registers, 0, LegacyGranted, transfer, NULL);
    KeLowerIrql(irql);
    if (!NT_SUCCESS(status))
        return status;
    KeWaitForSingleObject(&transfer->granted, Executive, KernelMode, FALSE, NULL);
    status = MapAndWait(transfer, Length);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    operations->FreeAdapterChannel(transfer->adapter);
    KeLowerIrql(irql);
    return status;
}

static PDMA_ADAPTER GetAdapter(PULONG registers)
{
    DEVICE_DESCRIPTION description;

    RtlZeroMemory(&description, sizeof description);
    description.Version = DEVICE_DESCRIPTION_VERSION3;
    description.InterfaceType = ACPIBus;
    description.DmaAddressWidth = 32;
    description.DmaRequestLine = LINE;
    description.MaximumLength = BYTES;
    return IoGetDmaAdapter(NULL, &description, registers); /* there is no PDO */
}

static NTSTATUS Transfer(PDEVICE_OBJECT DeviceObject, struct transfer *transfer, PULONG Length)
{
    NTSTATUS status;

    KeInitializeEvent(&transfer->granted, NotificationEvent, FALSE);
    KeInitializeEvent(&transfer->completed, NotificationEvent, FALSE);
    transfer->adapter = GetAdapter(&transfer->registers);
    if (!transfer->adapter)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = RunOnChannel(DeviceObject, transfer, Length);
    transfer->adapter->DmaOperations->PutDmaAdapter(transfer->adapter);
    return status;
}

/* The device counts: byte n of a transfer is n plus the number of 256s that went before its burst.
 */
static NTSTATUS Judge(const UCHAR *Bytes, ULONG Length)
{
    return Length >= 2 && Bytes[0] == 0 && Bytes[1] == 1 && Bytes[255] == 255 ? STATUS_SUCCESS
                                                                              : STATUS_CRC_ERROR;
}

static PMDL AllocatePages(PVOID *Buffer)
{
    PHYSICAL_ADDRESS low = {.QuadPart = 0}, high = {.QuadPart = -1}, skip = {.QuadPart = 0};
    PMDL mdl = MmAllocatePagesForMdlEx(low, high, skip, BYTES, MmCached, 0);

    *Buffer = NULL;
    if (mdl && MmGetMdlByteCount(mdl) == BYTES)
        *Buffer = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE,
                                               NormalPagePriority);
    return mdl;
}

static void FreePages(PMDL Mdl, PVOID Buffer)
{
    if (Buffer)
        MmUnmapLockedPages(Buffer, Mdl);
    if (Mdl) {
        MmFreePagesFromMdl(Mdl);
        ExFreePool(Mdl);
    }
}

static NTSTATUS TakeBytes(PDEVICE_OBJECT DeviceObject)
{
    struct transfer *transfer = ExAllocatePoolWithTag(NonPagedPool, sizeof *transfer, TAG);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    ULONG length = BYTES;
    PVOID buffer;
    PMDL mdl = AllocatePages(&buffer);

    if (transfer && buffer) {
        RtlZeroMemory(transfer, sizeof *transfer);
        transfer->mdl = mdl;
        status = Transfer(DeviceObject, transfer, &length);
        if (NT_SUCCESS(status))
            status = Judge(buffer, length);
    }
    FreePages(mdl, buffer);
    if (transfer)
        ExFreePoolWithTag(transfer, TAG);
    return status;
}

NTSTATUS LegacyControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS):
        return Complete(Irp, TakeBytes(DeviceObject), 0);
    case CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS):
        return Complete(Irp, STATUS_SUCCESS, *(volatile ULONG *)DeviceObject->DeviceExtension);
    default:
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

VOID LegacyUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING link;

    RtlInitUnicodeString(&link, LINK_NAME);
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name, link;
    PDEVICE_OBJECT device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(RegistryPath);
    RtlInitUnicodeString(&name, DEVICE_NAME);
    RtlInitUnicodeString(&link, LINK_NAME);
    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
                            FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LegacyOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LegacyOpenClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = LegacyControl;
    DriverObject->DriverUnload = LegacyUnload;
    status = IoCreateSymbolicLink(&link, &name);
    if (!NT_SUCCESS(status))
        IoDeleteDevice(device);
    return status;
}
