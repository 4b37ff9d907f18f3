/*
 * capture_hw.c: the controller: its interrupt, starting the channel, and making it stop.
 */
#include "capture.h"

static EVT_WDF_INTERRUPT_SYNCHRONIZE EvtCaptureTakeCauses;

static UCHAR CaptureReadByte(PCAPTURE_DEVICE Device, ULONG Offset)
{
    return READ_REGISTER_UCHAR(Device->Registers + Offset);
}

static VOID CaptureWriteByte(PCAPTURE_DEVICE Device, ULONG Offset, UCHAR Value)
{
    WRITE_REGISTER_UCHAR(Device->Registers + Offset, Value);
}

static USHORT CaptureReadStatus(PCAPTURE_DEVICE Device)
{
    return READ_REGISTER_USHORT((PUSHORT)(Device->Registers + PI_SR));
}

static VOID CaptureWriteStatus(PCAPTURE_DEVICE Device, USHORT Value)
{
    WRITE_REGISTER_USHORT((PUSHORT)(Device->Registers + PI_SR), Value);
}

/* ---- interrupt ---- */

BOOLEAN EvtCaptureIsr(WDFINTERRUPT Interrupt, ULONG MessageID)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(WdfInterruptGetDevice(Interrupt));
    USHORT status;

    UNREFERENCED_PARAMETER(MessageID);

    /* The line may be shared: without power the registers are not to be touched. */
    if (!device->InterruptsOn)
        return FALSE;
    status = CaptureReadStatus(device);
    if (status == SR_ABSENT || (status & SR_CAUSES) == 0)
        return FALSE;
    CaptureWriteStatus(device, status & SR_CAUSES);
    device->Causes |= status & SR_CAUSES;
    WdfInterruptQueueDpcForIsr(Interrupt);
    return TRUE;
}

NTSTATUS EvtCaptureInterruptEnable(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(AssociatedDevice);

    UNREFERENCED_PARAMETER(Interrupt);

    device->Causes = 0;
    device->InterruptsOn = TRUE;
    return STATUS_SUCCESS;
}

NTSTATUS EvtCaptureInterruptDisable(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(AssociatedDevice);

    UNREFERENCED_PARAMETER(Interrupt);

    device->InterruptsOn = FALSE;
    return STATUS_SUCCESS;
}

static BOOLEAN EvtCaptureTakeCauses(WDFINTERRUPT Interrupt, WDFCONTEXT Context)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(WdfInterruptGetDevice(Interrupt));

    *(PUSHORT)Context = device->Causes;
    device->Causes = 0;
    return TRUE;
}

VOID EvtCaptureDpc(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject)
{
    PCAPTURE_DEVICE device = CaptureGetDevice(AssociatedObject);
    USHORT causes;

    WdfInterruptSynchronize(Interrupt, EvtCaptureTakeCauses, &causes);
    CaptureServe(device);
    /* The bus has refused the channel: it has halted, and no data will come. */
    if (causes & SR_FIFOE)
        CaptureRefuse(device, STATUS_IO_DEVICE_ERROR);
}

/* ---- the controller and its channel ---- */

BOOLEAN CaptureResetController(PCAPTURE_DEVICE Device)
{
    PULONG control = (PULONG)(Device->Registers + GLOB_CNT);
    ULONG status;

    WRITE_REGISTER_ULONG(control, 0);
    WRITE_REGISTER_ULONG(control, GLOB_CNT_RUNNING);
    status = READ_REGISTER_ULONG((PULONG)(Device->Registers + GLOB_STA));
    return status != GLOB_ABSENT && (status & GLOB_STA_READY) != 0;
}

VOID CaptureStartChannel(PCAPTURE_DEVICE Device)
{
    PHYSICAL_ADDRESS ring = WdfCommonBufferGetAlignedLogicalAddress(Device->Ring);

    CaptureWriteByte(Device, PI_CR, CR_RESET);
    WRITE_REGISTER_ULONG((PULONG)(Device->Registers + PI_BDBAR), ring.LowPart);
    CaptureGiveLocked(Device);
    CaptureWriteByte(Device, PI_CR, CR_RUN | CR_INTERRUPTS);
}

VOID CaptureStopChannel(PCAPTURE_DEVICE Device)
{
    ULONG polls;

    CaptureWriteByte(Device, PI_CR, 0);
    for (polls = 0; polls < CAPTURE_STOP_POLLS; polls++) {
        if ((CaptureReadStatus(Device) & SR_DCH) != 0) /* or the device is not there */
            return;
        KeStallExecutionProcessor(1);
    }
    CaptureWriteByte(Device, PI_CR, CR_RESET);
}

/* The status is read last: a channel that has halted at the end of what it was given is through
 * with all of it. */
ULONG CaptureLookLocked(PCAPTURE_DEVICE Device)
{
    ULONG current = CaptureReadByte(Device, PI_CIV);
    USHORT status = CaptureReadStatus(Device);

    if (current >= ICH_DESCRIPTORS || status == SR_ABSENT)
        return 0;
    if ((status & SR_CELV) != 0)
        return CAPTURE_AHEAD;
    return (current + ICH_DESCRIPTORS - Device->Next) % ICH_DESCRIPTORS;
}

VOID CaptureGiveLocked(PCAPTURE_DEVICE Device)
{
    CaptureWriteByte(Device, PI_LVI, (UCHAR)((Device->Next + CAPTURE_AHEAD - 1) % ICH_DESCRIPTORS));
}
