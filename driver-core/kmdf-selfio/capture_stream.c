/*
 * capture_stream.c: the stream as self-managed I/O.
 *
 * Init makes the ring and starts the stream, Suspend stops it and gives out what it has brought,
 * Restart starts it anew. Flush comes when the device has gone for good: nobody will bring data any
 * more, so every read that waits is completed and none may begin to wait. Cleanup frees what Init
 * made.
 */
#include "capture.h"

static NTSTATUS CaptureCreateRing(PCAPTURE_DEVICE Device)
{
    PHYSICAL_ADDRESS address;
    NTSTATUS status;
    ULONG i;

    status = WdfCommonBufferCreate(Device->Enabler, CAPTURE_RING_BYTES, WDF_NO_OBJECT_ATTRIBUTES,
                                   &Device->Ring);
    if (!NT_SUCCESS(status)) {
        Device->Ring = NULL;
        return status;
    }
    Device->Descriptors = (PICH_DESCRIPTOR)WdfCommonBufferGetAlignedVirtualAddress(Device->Ring);
    Device->Data = (PUCHAR)Device->Descriptors + CAPTURE_DATA_OFFSET;
    address = WdfCommonBufferGetAlignedLogicalAddress(Device->Ring);
    for (i = 0; i < ICH_DESCRIPTORS; i++) {
        Device->Descriptors[i].Address =
            address.LowPart + CAPTURE_DATA_OFFSET + i * CAPTURE_BUFFER_BYTES;
        Device->Descriptors[i].Samples = CAPTURE_BUFFER_BYTES / ICH_SAMPLE_BYTES;
        Device->Descriptors[i].Control = ICH_INTERRUPT;
    }
    KeMemoryBarrier();
    return STATUS_SUCCESS;
}

static VOID CaptureStart(PCAPTURE_DEVICE Device)
{
    WdfSpinLockAcquire(Device->Lock);
    Device->Next = 0;
    Device->Offset = 0;
    Device->Filled = 0;
    Device->Refusal = STATUS_SUCCESS;
    Device->Streaming = TRUE;
    CaptureStartChannel(Device);
    WdfSpinLockRelease(Device->Lock);
    WdfTimerStart(Device->Timer, WDF_REL_TIMEOUT_IN_MS(CAPTURE_TICK_MS));
}

NTSTATUS EvtCaptureInit(WDFDEVICE Device)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(Device);
    NTSTATUS status = CaptureCreateRing(device);

    if (NT_SUCCESS(status))
        CaptureStart(device);
    return status;
}

NTSTATUS EvtCaptureRestart(WDFDEVICE Device)
{
    CaptureStart(CaptureGetDevice(Device));
    return STATUS_SUCCESS;
}

NTSTATUS EvtCaptureSuspend(WDFDEVICE Device)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(Device);

    WdfTimerStop(device->Timer, TRUE);
    WdfSpinLockAcquire(device->Lock);
    CaptureStopChannel(device);
    device->Filled = CaptureLookLocked(device);
    device->Streaming = FALSE;
    WdfSpinLockRelease(device->Lock);
    CaptureServe(device);
    return STATUS_SUCCESS;
}

VOID EvtCaptureFlush(WDFDEVICE Device)
{
    CaptureRefuse(CaptureGetDevice(Device), STATUS_DEVICE_NOT_CONNECTED);
}

VOID EvtCaptureCleanup(WDFDEVICE Device)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(Device);

    if (device->Ring == NULL)
        return;
    WdfObjectDelete(device->Ring);
    device->Ring = NULL;
}

/* An interrupt may have been missed. */
VOID EvtCaptureTimer(WDFTIMER Timer)
{
    CaptureServe(CaptureGetDevice(WdfTimerGetParentObject(Timer)));
}
