/* A framework driver that empties its device's FIFO by programmed I/O, a word at a time: a quarter
 * of a million events in a row, without a wait between. So few requests make a trace as long as a
 * trace can be. One defect: a request that it does not know is completed twice. */
#include <ntddk.h>
#include <wdf.h>

enum { FIFO = 16, FIFO_WORDS = 1 << 18, IOCTL_DRAIN = 0x222000 };

typedef struct _PIO {
    PUCHAR Registers;
    SIZE_T Bytes;
} PIO;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(PIO, GetPio)

DRIVER_INITIALIZE DriverEntry;
static EVT_WDF_DRIVER_DEVICE_ADD PioAdd;
static EVT_WDF_DEVICE_PREPARE_HARDWARE PioPrepare;
static EVT_WDF_DEVICE_RELEASE_HARDWARE PioRelease;
static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL PioControl;

static VOID Drain(PIO *Pio, WDFREQUEST Request)
{
    ULONG sum = 0;

    for (ULONG i = 0; i < FIFO_WORDS; i++)
        sum += READ_REGISTER_ULONG((PULONG)(Pio->Registers + FIFO));
    WdfRequestComplete(Request, sum == 0 ? STATUS_SUCCESS : STATUS_IO_DEVICE_ERROR);
}

static VOID PioControl(WDFQUEUE Queue, WDFREQUEST Request, size_t OutputBufferLength,
                       size_t InputBufferLength, ULONG IoControlCode)
{
    UNREFERENCED_PARAMETER(OutputBufferLength);
    UNREFERENCED_PARAMETER(InputBufferLength);
    if (IoControlCode == IOCTL_DRAIN) {
        Drain(GetPio(WdfIoQueueGetDevice(Queue)), Request);
        return;
    }
    WdfRequestComplete(Request, STATUS_INVALID_DEVICE_REQUEST);
    WdfRequestComplete(Request, STATUS_INVALID_DEVICE_REQUEST);
}

static NTSTATUS PioPrepare(WDFDEVICE Device, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    PIO *pio = GetPio(Device);

    UNREFERENCED_PARAMETER(Raw);
    for (ULONG i = 0; i < WdfCmResourceListGetCount(Translated); i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR one = WdfCmResourceListGetDescriptor(Translated, i);

        if (one->Type != CmResourceTypeMemory)
            continue;
        pio->Bytes = one->u.Memory.Length;
        pio->Registers = MmMapIoSpace(one->u.Memory.Start, pio->Bytes, MmNonCached);
        return pio->Registers ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_DEVICE_CONFIGURATION_ERROR;
}

static NTSTATUS PioRelease(WDFDEVICE Device, WDFCMRESLIST Translated)
{
    PIO *pio = GetPio(Device);

    UNREFERENCED_PARAMETER(Translated);
    if (pio->Registers)
        MmUnmapIoSpace(pio->Registers, pio->Bytes);
    pio->Registers = NULL;
    return STATUS_SUCCESS;
}

static NTSTATUS PioAdd(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    WDFDEVICE device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Driver);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDevicePrepareHardware = PioPrepare;
    callbacks.EvtDeviceReleaseHardware = PioRelease;
    WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, &callbacks);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, PIO);
    status = WdfDeviceCreate(&DeviceInit, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoDeviceControl = PioControl;
    return WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, PioAdd);
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config,
                           WDF_NO_HANDLE);
}
