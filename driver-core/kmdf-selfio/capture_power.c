/*
 * capture_power.c: the hardware comes and goes.
 */
#include "capture.h"

NTSTATUS EvtCapturePrepareHardware(WDFDEVICE Device, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(Device);
    PCM_PARTIAL_RESOURCE_DESCRIPTOR part;
    ULONG i;

    UNREFERENCED_PARAMETER(Raw);

    for (i = 0; i < WdfCmResourceListGetCount(Translated); i++) {
        part = WdfCmResourceListGetDescriptor(Translated, i);
        if (part->Type != CmResourceTypeMemory || part->u.Memory.Length != ICH_REGISTER_BYTES)
            continue;
        device->Registers = (PUCHAR)MmMapIoSpaceEx(part->u.Memory.Start, part->u.Memory.Length,
                                                   PAGE_READWRITE | PAGE_NOCACHE);
        if (device->Registers == NULL)
            return STATUS_INSUFFICIENT_RESOURCES;
        device->RegisterBytes = part->u.Memory.Length;
        return STATUS_SUCCESS;
    }
    return STATUS_DEVICE_CONFIGURATION_ERROR;
}

NTSTATUS EvtCaptureReleaseHardware(WDFDEVICE Device, WDFCMRESLIST Translated)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(Device);

    UNREFERENCED_PARAMETER(Translated);

    if (device->Registers != NULL)
        MmUnmapIoSpace(device->Registers, device->RegisterBytes);
    device->Registers = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS EvtCaptureD0Entry(WDFDEVICE Device, WDF_POWER_DEVICE_STATE PreviousState)
{
    UNREFERENCED_PARAMETER(PreviousState);

    return CaptureResetController(CaptureGetDevice(Device)) ? STATUS_SUCCESS
                                                            : STATUS_DEVICE_NOT_CONNECTED;
}

/* Suspend has stopped the stream. When Init or Restart failed there was no Suspend, and no stream
 * either. */
NTSTATUS EvtCaptureD0Exit(WDFDEVICE Device, WDF_POWER_DEVICE_STATE TargetState)
{
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(TargetState);

    return STATUS_SUCCESS;
}
