/*
 * capture.c: the driver and its device object.
 */
#include "capture.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, EvtCaptureDeviceAdd);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config,
                           WDF_NO_HANDLE);
}

static VOID CaptureSetCallbacks(PWDFDEVICE_INIT DeviceInit)
{
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDevicePrepareHardware = EvtCapturePrepareHardware;
    callbacks.EvtDeviceReleaseHardware = EvtCaptureReleaseHardware;
    callbacks.EvtDeviceD0Entry = EvtCaptureD0Entry;
    callbacks.EvtDeviceD0Exit = EvtCaptureD0Exit;
    callbacks.EvtDeviceSelfManagedIoInit = EvtCaptureInit;
    callbacks.EvtDeviceSelfManagedIoSuspend = EvtCaptureSuspend;
    callbacks.EvtDeviceSelfManagedIoRestart = EvtCaptureRestart;
    callbacks.EvtDeviceSelfManagedIoFlush = EvtCaptureFlush;
    callbacks.EvtDeviceSelfManagedIoCleanup = EvtCaptureCleanup;
    WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, &callbacks);

    WdfDeviceInitSetIoType(DeviceInit, WdfDeviceIoDirect);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, CAPTURE_REQUEST);
    WdfDeviceInitSetRequestAttributes(DeviceInit, &attributes);
}

static NTSTATUS CaptureCreateInterrupt(PCAPTURE_DEVICE Device)
{
    WDF_INTERRUPT_CONFIG config;

    WDF_INTERRUPT_CONFIG_INIT(&config, EvtCaptureIsr, EvtCaptureDpc);
    config.EvtInterruptEnable = EvtCaptureInterruptEnable;
    config.EvtInterruptDisable = EvtCaptureInterruptDisable;
    return WdfInterruptCreate(Device->Device, &config, WDF_NO_OBJECT_ATTRIBUTES,
                              &Device->Interrupt);
}

/* Reads wait in the driver's own list, asleep or awake. */
static NTSTATUS CaptureCreateQueue(PCAPTURE_DEVICE Device)
{
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.PowerManaged = WdfFalse;
    config.EvtIoRead = EvtCaptureRead;
    return WdfIoQueueCreate(Device->Device, &config, WDF_NO_OBJECT_ATTRIBUTES, &Device->Queue);
}

static NTSTATUS CaptureCreateTimer(PCAPTURE_DEVICE Device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;

    WDF_TIMER_CONFIG_INIT_PERIODIC(&config, EvtCaptureTimer, CAPTURE_TICK_MS);
    config.AutomaticSerialization = FALSE;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = Device->Device;
    return WdfTimerCreate(&config, &attributes, &Device->Timer);
}

static NTSTATUS CaptureCreateObjects(PCAPTURE_DEVICE Device)
{
    WDF_DMA_ENABLER_CONFIG enabler;
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = Device->Device;
    status = WdfSpinLockCreate(&attributes, &Device->Lock);
    if (!NT_SUCCESS(status))
        return status;
    WDF_DMA_ENABLER_CONFIG_INIT(&enabler, WdfDmaProfilePacket, CAPTURE_RING_BYTES);
    status =
        WdfDmaEnablerCreate(Device->Device, &enabler, WDF_NO_OBJECT_ATTRIBUTES, &Device->Enabler);
    if (!NT_SUCCESS(status))
        return status;
    status = CaptureCreateTimer(Device);
    if (!NT_SUCCESS(status))
        return status;
    status = CaptureCreateInterrupt(Device);
    if (!NT_SUCCESS(status))
        return status;
    return CaptureCreateQueue(Device);
}

NTSTATUS EvtCaptureDeviceAdd(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    PCAPTURE_DEVICE device;
    WDFDEVICE handle;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Driver);

    CaptureSetCallbacks(DeviceInit);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, CAPTURE_DEVICE);
    status = WdfDeviceCreate(&DeviceInit, &attributes, &handle);
    if (!NT_SUCCESS(status))
        return status;
    device = CaptureGetDevice(handle);
    device->Device = handle;
    InitializeListHead(&device->Pending);
    return CaptureCreateObjects(device);
}
