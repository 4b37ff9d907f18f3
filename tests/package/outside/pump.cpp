// A WDM driver in C++, as somebody else's: headers in whatever case, a trace header, a header that
// the message compiler makes, settings that the build includes first. Its board needs no registers:
// a read maps its buffer, flushes it and gives the map registers back. With PUMP_FORGETS it leaves
// out the flush.
#include <NTDDK.H>
#include "Pump.h"
#include "PumpEtw.h"
#include "PumpMsg.h"
#include "pump.tmh"

namespace
{
// The usual wrapper: released on every way out.
class Held
{
    PIO_REMOVE_LOCK lock_;
    PVOID tag_;

  public:
    Held(PIO_REMOVE_LOCK lock, PVOID tag) : lock_(lock), tag_(tag)
    {
    }
    Held(const Held &) = delete;
    ~Held()
    {
        IoReleaseRemoveLock(lock_, tag_);
    }
};

template <typename T> T *ExtensionOf(PDEVICE_OBJECT device)
{
    return static_cast<T *>(device->DeviceExtension);
}

NTSTATUS Complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

NTSTATUS PassDown(PumpExtension *pump, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(pump->below, irp);
}

// The adapter is ours: map the whole buffer. The rest is for the DPC, as if an interrupt had come.
IO_ALLOCATION_ACTION Granted(PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
    auto *pump = static_cast<PumpExtension *>(context);

    pump->base = base;
    pump->length = MmGetMdlByteCount(irp->MdlAddress);
    pump->adapter->DmaOperations->MapTransfer(pump->adapter, irp->MdlAddress, base,
                                              MmGetMdlVirtualAddress(irp->MdlAddress),
                                              &pump->length, FALSE);
    IoRequestDpc(device, irp, pump);
    return DeallocateObjectKeepRegisters;
}

void End(PDEVICE_OBJECT device, PumpExtension *pump, PIRP irp, NTSTATUS status)
{
    Held held(&pump->lock, irp);

    IoStartNextPacket(device, FALSE);
    TraceEvents(TRACE_LEVEL_INFORMATION, PUMP_IO, "read ends with %!STATUS!, %u", status,
                PUMP_MSG_DONE);
    Complete(irp, status);
}

NTSTATUS Start(PumpExtension *pump, PIRP irp)
{
    DEVICE_DESCRIPTION description = {};

    description.Version = DEVICE_DESCRIPTION_VERSION;
    description.Master = TRUE;
    description.Dma32BitAddresses = TRUE;
    description.InterfaceType = PCIBus;
    description.MaximumLength = PUMP_BYTES_MAX;
    if (!IoForwardIrpSynchronously(pump->below, irp))
        return STATUS_UNSUCCESSFUL;
    if (!NT_SUCCESS(irp->IoStatus.Status))
        return irp->IoStatus.Status;
    if (!pump->adapter)
        pump->adapter = IoGetDmaAdapter(pump->physical, &description, &pump->registers);
    return pump->adapter ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void FreeAdapter(PumpExtension *pump)
{
    if (pump->adapter)
        pump->adapter->DmaOperations->PutDmaAdapter(pump->adapter);
    pump->adapter = nullptr;
}
} // namespace

extern "C" DRIVER_INITIALIZE DriverEntry;

static NTSTATUS PumpPnp(PDEVICE_OBJECT device, PIRP irp)
{
    auto *pump = ExtensionOf<PumpExtension>(device);
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
    NTSTATUS status = IoAcquireRemoveLock(&pump->lock, irp);

    if (!NT_SUCCESS(status))
        return Complete(irp, status);
    if (minor == IRP_MN_START_DEVICE) {
        Held held(&pump->lock, irp);

        return Complete(irp, Start(pump, irp));
    }
    if (minor == IRP_MN_REMOVE_DEVICE) {
        IoReleaseRemoveLockAndWait(&pump->lock, irp);
        FreeAdapter(pump);
        irp->IoStatus.Status = STATUS_SUCCESS;
        status = PassDown(pump, irp);
        IoDetachDevice(pump->below);
        IoDeleteDevice(device);
        return status;
    }
    Held held(&pump->lock, irp);

    if (minor <= IRP_MN_CANCEL_STOP_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL)
        irp->IoStatus.Status = STATUS_SUCCESS;
    return PassDown(pump, irp);
}

static NTSTATUS PumpPassDown(PDEVICE_OBJECT device, PIRP irp)
{
    auto *pump = ExtensionOf<PumpExtension>(device);
    NTSTATUS status = IoAcquireRemoveLock(&pump->lock, irp);

    if (!NT_SUCCESS(status))
        return Complete(irp, status);
    Held held(&pump->lock, irp);

    return PassDown(pump, irp);
}

static NTSTATUS PumpRead(PDEVICE_OBJECT device, PIRP irp)
{
    auto *pump = ExtensionOf<PumpExtension>(device);
    NTSTATUS status = IoAcquireRemoveLock(&pump->lock, irp);
    ULONG length = IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length;

    if (!NT_SUCCESS(status))
        return Complete(irp, status);
    if (!irp->MdlAddress || length > PUMP_BYTES_MAX) {
        Held held(&pump->lock, irp);

        return Complete(irp, STATUS_INVALID_PARAMETER);
    }
    IoMarkIrpPending(irp);
    IoStartPacket(device, irp, nullptr, nullptr);
    return STATUS_PENDING;
}

static VOID PumpStartIo(PDEVICE_OBJECT device, PIRP irp)
{
    auto *pump = ExtensionOf<PumpExtension>(device);
    PMDL mdl = irp->MdlAddress;

    pump->pages =
        ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(mdl), MmGetMdlByteCount(mdl));
    NTSTATUS status = pump->adapter->DmaOperations->AllocateAdapterChannel(
        pump->adapter, device, pump->pages, Granted, pump);
    if (!NT_SUCCESS(status))
        End(device, pump, irp, status);
}

static VOID PumpDpc(PKDPC dpc, PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    auto *pump = static_cast<PumpExtension *>(context);
    auto *operations = pump->adapter->DmaOperations;

    UNREFERENCED_PARAMETER(dpc);
#ifndef PUMP_FORGETS
    operations->FlushAdapterBuffers(pump->adapter, irp->MdlAddress, pump->base,
                                    MmGetMdlVirtualAddress(irp->MdlAddress), pump->length, FALSE);
#endif
    operations->FreeMapRegisters(pump->adapter, pump->base, pump->pages);
    End(device, pump, irp, STATUS_SUCCESS);
}

static NTSTATUS PumpSucceed(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    return Complete(irp, STATUS_SUCCESS);
}

static NTSTATUS PumpAddDevice(PDRIVER_OBJECT driver, PDEVICE_OBJECT physical)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(driver, sizeof(PumpExtension), nullptr, FILE_DEVICE_UNKNOWN, 0,
                                     FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    auto *pump = ExtensionOf<PumpExtension>(device);
    pump->physical = physical;
    IoInitializeDpcRequest(device, PumpDpc);
    IoInitializeRemoveLock(&pump->lock, PUMP_TAG, 0, 0);
    pump->below = IoAttachDeviceToDeviceStack(device, physical);
    if (!pump->below) {
        IoDeleteDevice(device);
        return STATUS_NO_SUCH_DEVICE;
    }
    device->Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
    device->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    return STATUS_SUCCESS;
}

static VOID PumpUnload(PDRIVER_OBJECT driver)
{
    WPP_CLEANUP(driver);
}

extern "C" NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    WPP_INIT_TRACING(driver, path);
    for (auto &major : driver->MajorFunction)
        major = PumpSucceed;
    driver->MajorFunction[IRP_MJ_PNP] = PumpPnp;
    driver->MajorFunction[IRP_MJ_POWER] = PumpPassDown;
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = PumpPassDown;
    driver->MajorFunction[IRP_MJ_READ] = PumpRead;
    driver->DriverExtension->AddDevice = PumpAddDevice;
    driver->DriverStartIo = PumpStartIo;
    driver->DriverUnload = PumpUnload;
    return STATUS_SUCCESS;
}
