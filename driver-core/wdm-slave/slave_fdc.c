/*
 * slave_fdc.c: the controller: its FIFO, its interrupt, resetting it.
 *
 * The FIFO belongs to the interrupt lock. The ISR fetches the result of the command that has ended
 * into Extension->Result, which issuing a command clears, so a result never meets a command that it
 * does not belong to. DpcForIsr takes it only while it holds the driver's lock and a request is
 * running.
 */
#include "slave.h"

/* Interrupt lock held, or interrupts off. Waits until the FIFO wants to be written, or read. */
static BOOLEAN SlaveFifoReady(PSLAVE_EXTENSION Extension, UCHAR Direction)
{
    UCHAR wanted = (UCHAR)(FDC_STATUS_REQUEST | Direction);
    ULONG polls;

    for (polls = 0; polls < FDC_POLLS; polls++) {
        UCHAR status = SlaveRead(Extension, FDC_STATUS);

        if (status == FDC_ABSENT)
            return FALSE;
        if ((status & (FDC_STATUS_REQUEST | FDC_STATUS_TO_HOST)) == wanted)
            return TRUE;
        KeStallExecutionProcessor(1);
    }
    return FALSE;
}

static BOOLEAN SlaveSend(PSLAVE_EXTENSION Extension, const UCHAR *Bytes, ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        if (!SlaveFifoReady(Extension, 0))
            return FALSE;
        SlaveWrite(Extension, FDC_FIFO, Bytes[i]);
    }
    return TRUE;
}

/* Reads result bytes as long as there are some. Returns how many. */
static UCHAR SlaveReceive(PSLAVE_EXTENSION Extension, UCHAR *Bytes, UCHAR Most)
{
    UCHAR count = 0;

    while (count < Most) {
        UCHAR status = SlaveRead(Extension, FDC_STATUS);

        if (status == FDC_ABSENT || (status & FDC_STATUS_BUSY) == 0)
            break;
        if (!SlaveFifoReady(Extension, FDC_STATUS_TO_HOST))
            break;
        Bytes[count++] = SlaveRead(Extension, FDC_FIFO);
    }
    return count;
}

/* ---- reset ---- */

static BOOLEAN SlaveConfigure(PSLAVE_EXTENSION Extension)
{
    /* No polling of drives, implied seeks off, FIFO on with a threshold of 8; step rate and head
     * times for DMA. */
    static const UCHAR configure[] = {FDC_CONFIGURE, 0, 0x17, 0};
    static const UCHAR specify[] = {FDC_SPECIFY, 0xDF, 0x02};

    return SlaveSend(Extension, configure, sizeof(configure)) &&
           SlaveSend(Extension, specify, sizeof(specify));
}

BOOLEAN SlaveResetDevice(PSLAVE_EXTENSION Extension)
{
    UCHAR sense = FDC_SENSE_INTERRUPT;
    UCHAR result[2];
    ULONG drive;

    Extension->Cylinder = SLAVE_NO_CYLINDER;
    SlaveWrite(Extension, FDC_DOR, 0);
    KeStallExecutionProcessor(2);
    SlaveWrite(Extension, FDC_DOR, FDC_DOR_RUN | FDC_DOR_DRIVE_0);
    SlaveWrite(Extension, FDC_RATE, 0);
    /* A controller that has just left its reset reports the state of four drives. */
    for (drive = 0; drive < 4; drive++) {
        if (!SlaveSend(Extension, &sense, 1))
            return FALSE;
        SlaveReceive(Extension, result, sizeof(result));
    }
    return SlaveConfigure(Extension);
}

BOOLEAN SlaveFindDevice(PSLAVE_EXTENSION Extension)
{
    UCHAR version = FDC_VERSION;
    UCHAR answer = 0;

    if (!SlaveResetDevice(Extension) || !SlaveSend(Extension, &version, 1))
        return FALSE;
    return SlaveReceive(Extension, &answer, 1) == 1 && answer == FDC_VERSION_82077;
}

BOOLEAN SlaveEnableInterrupts(PVOID Context)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)Context;

    extension->Result.Arrived = FALSE;
    extension->InterruptsOn = TRUE;
    SlaveWrite(extension, FDC_DOR, FDC_DOR_RUN | FDC_DOR_GATE | FDC_DOR_MOTOR_0 | FDC_DOR_DRIVE_0);
    return TRUE;
}

BOOLEAN SlaveDisableInterrupts(PVOID Context)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)Context;

    extension->InterruptsOn = FALSE;
    SlaveWrite(extension, FDC_DOR, FDC_DOR_RUN | FDC_DOR_DRIVE_0);
    return TRUE;
}

/* A reset ends whatever the controller does; then it is made ready again. */
VOID SlaveStopDevice(PSLAVE_EXTENSION Extension)
{
    KeSynchronizeExecution(Extension->Interrupt, SlaveDisableInterrupts, Extension);
    if (SlaveResetDevice(Extension))
        KeSynchronizeExecution(Extension->Interrupt, SlaveEnableInterrupts, Extension);
    else
        Extension->DeviceReady = FALSE;
}

/* ---- commands and their end ---- */

BOOLEAN SlaveIssueCommand(PVOID Context)
{
    PSLAVE_COMMAND command = (PSLAVE_COMMAND)Context;

    command->Extension->Result.Arrived = FALSE;
    command->Accepted = SlaveSend(command->Extension, command->Bytes, command->Count);
    return command->Accepted;
}

/* The result of a data command waits in the FIFO; that of a seek must be asked for. A controller
 * that has neither did not interrupt. */
BOOLEAN SlaveIsr(PKINTERRUPT Interrupt, PVOID Context)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)Context;
    UCHAR sense = FDC_SENSE_INTERRUPT;
    SLAVE_RESULT result;
    UCHAR status;

    UNREFERENCED_PARAMETER(Interrupt);

    if (!extension->InterruptsOn)
        return FALSE;
    status = SlaveRead(extension, FDC_STATUS);
    if (status == FDC_ABSENT)
        return FALSE;
    if ((status & FDC_STATUS_TO_HOST) == 0) {
        /* In the middle of a data command the FIFO takes no other. */
        if ((status & (FDC_STATUS_REQUEST | FDC_STATUS_BUSY)) != FDC_STATUS_REQUEST ||
            !SlaveSend(extension, &sense, 1))
            return FALSE;
    }
    result.Count = SlaveReceive(extension, result.Bytes, FDC_RESULT_BYTES);
    if (result.Count < 2)
        return FALSE;
    result.Arrived = TRUE;
    extension->Result = result;
    IoRequestDpc(extension->Self, NULL, NULL);
    return TRUE;
}

static BOOLEAN SlaveTakeResult(PVOID Context)
{
    PSLAVE_EXTENSION extension = ((PSLAVE_COMMAND)Context)->Extension;
    PSLAVE_COMMAND taken = (PSLAVE_COMMAND)Context;

    if (!extension->Result.Arrived)
        return FALSE;
    taken->Count = extension->Result.Count;
    RtlCopyMemory(taken->Bytes, extension->Result.Bytes, FDC_RESULT_BYTES);
    extension->Result.Arrived = FALSE;
    return TRUE;
}

/* Irp and Context of IoRequestDpc mean nothing here: one DPC may stand for several interrupts, or
 * for one that is long over. */
VOID SlaveDpcForIsr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)DeviceObject->DeviceExtension;
    SLAVE_COMMAND taken;
    SLAVE_RESULT result;
    BOOLEAN mine = FALSE;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);

    taken.Extension = extension;
    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (extension->Phase == SlavePhaseRunning &&
        KeSynchronizeExecution(extension->Interrupt, SlaveTakeResult, &taken)) {
        extension->Phase = SlavePhaseOwned;
        mine = TRUE;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (!mine)
        return;
    KeCancelTimer(&extension->WatchdogTimer);
    result.Arrived = TRUE;
    result.Count = taken.Count;
    RtlCopyMemory(result.Bytes, taken.Bytes, FDC_RESULT_BYTES);
    SlaveCommandDone(extension, &result);
}

/* A tick of the watchdog. One that comes late, for a command that is over, costs the next command
 * one of its ticks and no more. */
VOID SlaveWatchdogDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)Context;
    BOOLEAN expired = FALSE;
    LARGE_INTEGER tick;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    tick.QuadPart = -(LONGLONG)SLAVE_TICK_100NS;
    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (extension->Phase == SlavePhaseRunning) {
        extension->Request.TicksLeft--;
        if (extension->Request.TicksLeft != 0)
            KeSetTimer(&extension->WatchdogTimer, tick, &extension->WatchdogDpc);
        else
            expired = SlaveStopRequestLocked(extension, STATUS_IO_TIMEOUT);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (expired)
        SlaveAbortRequest(extension);
}
