/*
 * sg_power.c: the hardware comes and goes: registers, power, and the enabler's callbacks.
 *
 * Up:    PrepareHardware, D0Entry, the interrupt's enable, Fill, Enable; then requests come.
 * Down:  requests have gone; Disable, Flush, the interrupt's disable, D0Exit, ReleaseHardware.
 *
 * Each step tolerates that its counterpart failed or never ran. The bridge may be gone in all of
 * the steps down.
 */
#include "sg.h"

NTSTATUS EvtSgPrepareHardware(WDFDEVICE Device, WDFCMRESLIST Raw, WDFCMRESLIST Translated)
{
    PSG_DEVICE device = SgGetDevice(Device);
    PCM_PARTIAL_RESOURCE_DESCRIPTOR part;
    ULONG i;

    UNREFERENCED_PARAMETER(Raw);

    for (i = 0; i < WdfCmResourceListGetCount(Translated); i++) {
        part = WdfCmResourceListGetDescriptor(Translated, i);
        if (part->Type != CmResourceTypeMemory || part->u.Memory.Length != PLX_REGISTER_BYTES)
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

NTSTATUS EvtSgReleaseHardware(WDFDEVICE Device, WDFCMRESLIST Translated)
{
    PSG_DEVICE device = SgGetDevice(Device);

    UNREFERENCED_PARAMETER(Translated);

    if (device->Registers != NULL)
        MmUnmapIoSpace(device->Registers, device->RegisterBytes);
    device->Registers = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS EvtSgD0Entry(WDFDEVICE Device, WDF_POWER_DEVICE_STATE PreviousState)
{
    PSG_DEVICE device = SgGetDevice(Device);

    UNREFERENCED_PARAMETER(PreviousState);

    if (SgRead(device, PLX_PCIHIDR) != PLX_ID)
        return STATUS_DEVICE_NOT_CONNECTED;
    SgResetBridge(device);
    return STATUS_SUCCESS;
}

NTSTATUS EvtSgD0Exit(WDFDEVICE Device, WDF_POWER_DEVICE_STATE TargetState)
{
    UNREFERENCED_PARAMETER(TargetState);

    SgResetBridge(SgGetDevice(Device));
    return STATUS_SUCCESS;
}

/* ---- the enabler ---- */

static VOID SgDeleteChains(PSG_DEVICE Device)
{
    ULONG i;

    for (i = 0; i < SG_CHANNELS; i++) {
        PSG_CHANNEL channel = &Device->Channels[i];

        if (channel->ChainBuffer == NULL)
            continue;
        channel->Chain = NULL;
        WdfObjectDelete(channel->ChainBuffer);
        channel->ChainBuffer = NULL;
    }
}

NTSTATUS EvtSgFill(WDFDMAENABLER Enabler)
{
    PSG_DEVICE device = SgGetEnabler(Enabler)->Device;
    NTSTATUS status;
    ULONG i;

    for (i = 0; i < SG_CHANNELS; i++) {
        PSG_CHANNEL channel = &device->Channels[i];

        status = WdfCommonBufferCreate(Enabler, SG_CHAIN_BYTES, WDF_NO_OBJECT_ATTRIBUTES,
                                       &channel->ChainBuffer);
        if (!NT_SUCCESS(status)) {
            channel->ChainBuffer = NULL;
            SgDeleteChains(device);
            return status;
        }
        channel->Chain =
            (PPLX_DESCRIPTOR)WdfCommonBufferGetAlignedVirtualAddress(channel->ChainBuffer);
        channel->ChainLogicalAddress =
            WdfCommonBufferGetAlignedLogicalAddress(channel->ChainBuffer).LowPart;
    }
    return STATUS_SUCCESS;
}

/* When this fails nobody calls Flush. */
NTSTATUS EvtSgEnable(WDFDMAENABLER Enabler)
{
    PSG_DEVICE device = SgGetEnabler(Enabler)->Device;
    ULONG i;

    if (SgRead(device, PLX_PCIHIDR) == PLX_ABSENT) {
        SgDeleteChains(device);
        return STATUS_DEVICE_NOT_CONNECTED;
    }
    for (i = 0; i < SG_CHANNELS; i++)
        SgEnableChannel(&device->Channels[i]);
    return STATUS_SUCCESS;
}

/* No request is in flight any more, so the channels are idle; after this they cannot be anything
 * else. */
NTSTATUS EvtSgDisable(WDFDMAENABLER Enabler)
{
    PSG_DEVICE device = SgGetEnabler(Enabler)->Device;
    ULONG i;

    for (i = 0; i < SG_CHANNELS; i++)
        SgStopChannel(&device->Channels[i]);
    return STATUS_SUCCESS;
}

NTSTATUS EvtSgFlush(WDFDMAENABLER Enabler)
{
    SgDeleteChains(SgGetEnabler(Enabler)->Device);
    return STATUS_SUCCESS;
}
