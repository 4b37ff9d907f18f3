/*
 * sg.c: the driver and its device object.
 */
#include "sg.h"

static NTSTATUS SgCreateInterrupt(PSG_DEVICE Device);
static NTSTATUS SgCreateEnabler(PSG_DEVICE Device);
static NTSTATUS SgCreateChannel(PSG_DEVICE Device, ULONG Index);

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, EvtSgDeviceAdd);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config,
                           WDF_NO_HANDLE);
}

NTSTATUS EvtSgDeviceAdd(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_OBJECT_ATTRIBUTES attributes;
    PSG_DEVICE device;
    WDFDEVICE handle;
    NTSTATUS status;
    ULONG i;

    UNREFERENCED_PARAMETER(Driver);

    WdfDeviceInitSetIoType(DeviceInit, WdfDeviceIoDirect);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDevicePrepareHardware = EvtSgPrepareHardware;
    callbacks.EvtDeviceReleaseHardware = EvtSgReleaseHardware;
    callbacks.EvtDeviceD0Entry = EvtSgD0Entry;
    callbacks.EvtDeviceD0Exit = EvtSgD0Exit;
    WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, &callbacks);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, SG_REQUEST);
    WdfDeviceInitSetRequestAttributes(DeviceInit, &attributes);

    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, SG_DEVICE);
    status = WdfDeviceCreate(&DeviceInit, &attributes, &handle);
    if (!NT_SUCCESS(status))
        return status;
    device = SgGetDevice(handle);
    device->Device = handle;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = handle;
    status = WdfSpinLockCreate(&attributes, &device->Lock);
    if (!NT_SUCCESS(status))
        return status;
    status = SgCreateInterrupt(device);
    if (!NT_SUCCESS(status))
        return status;
    status = SgCreateEnabler(device);
    for (i = 0; NT_SUCCESS(status) && i < SG_CHANNELS; i++)
        status = SgCreateChannel(device, i);
    return status;
}

static NTSTATUS SgCreateInterrupt(PSG_DEVICE Device)
{
    WDF_INTERRUPT_CONFIG config;

    WDF_INTERRUPT_CONFIG_INIT(&config, EvtSgIsr, EvtSgDpc);
    config.EvtInterruptEnable = EvtSgInterruptEnable;
    config.EvtInterruptDisable = EvtSgInterruptDisable;
    return WdfInterruptCreate(Device->Device, &config, WDF_NO_OBJECT_ATTRIBUTES,
                              &Device->Interrupt);
}

/* The bridge takes addresses of 32 bits, and reads and writes at one time. */
static NTSTATUS SgCreateEnabler(PSG_DEVICE Device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_DMA_ENABLER_CONFIG config;
    NTSTATUS status;

    WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfileScatterGatherDuplex, SG_FRAGMENT_MAX);
    config.EvtDmaEnablerFill = EvtSgFill;
    config.EvtDmaEnablerEnable = EvtSgEnable;
    config.EvtDmaEnablerDisable = EvtSgDisable;
    config.EvtDmaEnablerFlush = EvtSgFlush;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, SG_ENABLER);
    status = WdfDmaEnablerCreate(Device->Device, &config, &attributes, &Device->Enabler);
    if (!NT_SUCCESS(status))
        return status;
    SgGetEnabler(Device->Enabler)->Device = Device;
    WdfDmaEnablerSetMaximumScatterGatherElements(Device->Enabler, SG_DESCRIPTORS);
    return STATUS_SUCCESS;
}

static NTSTATUS SgCreateQueue(PSG_CHANNEL Channel)
{
    BOOLEAN write = Channel->Index == SG_WRITE;
    WDFDEVICE device = Channel->Device->Device;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    NTSTATUS status;

    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchSequential);
    if (write)
        config.EvtIoWrite = EvtSgWrite;
    else
        config.EvtIoRead = EvtSgRead;
    config.EvtIoStop = EvtSgStop;
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, SG_QUEUE);
    status = WdfIoQueueCreate(device, &config, &attributes, &Channel->Queue);
    if (!NT_SUCCESS(status))
        return status;
    SgGetQueue(Channel->Queue)->Channel = Channel;
    return WdfDeviceConfigureRequestDispatching(device, Channel->Queue,
                                                write ? WdfRequestTypeWrite : WdfRequestTypeRead);
}

static NTSTATUS SgCreateChannel(PSG_DEVICE Device, ULONG Index)
{
    PSG_CHANNEL channel = &Device->Channels[Index];
    NTSTATUS status;

    channel->Device = Device;
    channel->Index = Index;
    status =
        WdfDmaTransactionCreate(Device->Enabler, WDF_NO_OBJECT_ATTRIBUTES, &channel->Transaction);
    if (!NT_SUCCESS(status))
        return status;
    return SgCreateQueue(channel);
}
