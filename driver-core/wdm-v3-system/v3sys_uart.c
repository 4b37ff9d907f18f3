/*
 * v3sys_uart.c: the UART: its interrupt, its request lines, the watchdog.
 *
 * The only interrupts are those of line errors, of which a break is one. While one is asserted the
 * UART keeps the receiver's request line down (UART_DMACR_ON_ERROR), so what comes after it waits
 * in the FIFO or at the other end. The ISR disables the line before it clears the interrupt, and
 * takes the character out of the FIFO that the break left there; the DPC ends the read. The note
 * that it finds is of this read: V3sysBeginMessage forgets what was noted before.
 */
#include "v3sys.h"

static KSYNCHRONIZE_ROUTINE V3sysMessageEnded;

static VOID V3sysEmptyReceiver(PV3SYS_EXTENSION Extension)
{
    ULONG i;

    for (i = 0; i < UART_FIFO_DEPTH; i++) {
        if ((V3sysRead(Extension, UART_FR) & UART_FR_RX_EMPTY) != 0)
            return;
        V3sysRead(Extension, UART_DR);
    }
}

BOOLEAN V3sysIsr(PKINTERRUPT Interrupt, PVOID Context)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;
    ULONG asserted;

    UNREFERENCED_PARAMETER(Interrupt);

    /* The line may be shared: without power, or before the start is over, the registers are not to
     * be touched. */
    if (!extension->InterruptsOn)
        return FALSE;
    asserted = V3sysRead(extension, UART_MIS);
    if (asserted == UART_ABSENT || (asserted & UART_INT_ERRORS) == 0)
        return FALSE;
    extension->DmaControl &= ~UART_DMACR_CHANNEL(V3SYS_READ);
    V3sysWrite(extension, UART_DMACR, extension->DmaControl);
    V3sysEmptyReceiver(extension);
    V3sysWrite(extension, UART_ICR, asserted);
    extension->MessageEnded = TRUE;
    IoRequestDpc(extension->Self, NULL, NULL);
    return TRUE;
}

/* ---- under the interrupt lock ---- */

BOOLEAN V3sysProgramDevice(PVOID Context)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;

    extension->MessageEnded = FALSE;
    extension->DmaControl = UART_DMACR_ON_ERROR;
    V3sysWrite(extension, UART_IBRD, UART_BAUD_INTEGER);
    V3sysWrite(extension, UART_FBRD, UART_BAUD_FRACTION);
    V3sysWrite(extension, UART_LCRH, UART_LCRH_8BITS | UART_LCRH_FIFO);
    V3sysWrite(extension, UART_DMACR, extension->DmaControl);
    V3sysWrite(extension, UART_ICR, UART_INT_ALL);
    extension->InterruptsOn = TRUE;
    V3sysWrite(extension, UART_IMSC, UART_INT_ERRORS);
    V3sysWrite(extension, UART_CR,
               UART_CR_ENABLE | UART_CR_TX | UART_CR_RX | UART_CR_RTS | UART_CR_RTS_HW |
                   UART_CR_CTS_HW);
    return TRUE;
}

BOOLEAN V3sysDisableInterrupts(PVOID Context)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;

    extension->InterruptsOn = FALSE;
    V3sysResetDevice(extension);
    return TRUE;
}

BOOLEAN V3sysBeginMessage(PVOID Context)
{
    ((PV3SYS_EXTENSION)Context)->MessageEnded = FALSE;
    return TRUE;
}

/* The read of a message that has ended gets nothing more; the DPC that stops it is on its way. */
BOOLEAN V3sysEnableLine(PVOID Context)
{
    PV3SYS_CHANNEL channel = (PV3SYS_CHANNEL)Context;
    PV3SYS_EXTENSION extension = channel->Extension;

    if (!channel->Write && extension->MessageEnded)
        return FALSE;
    extension->DmaControl |= UART_DMACR_CHANNEL(channel->Index);
    V3sysWrite(extension, UART_DMACR, extension->DmaControl);
    return TRUE;
}

BOOLEAN V3sysDisableLine(PVOID Context)
{
    PV3SYS_CHANNEL channel = (PV3SYS_CHANNEL)Context;
    PV3SYS_EXTENSION extension = channel->Extension;

    extension->DmaControl &= ~UART_DMACR_CHANNEL(channel->Index);
    V3sysWrite(extension, UART_DMACR, extension->DmaControl);
    return TRUE;
}

/* Returns whether the message of the read has ended. */
static BOOLEAN V3sysMessageEnded(PVOID Context)
{
    return ((PV3SYS_EXTENSION)Context)->MessageEnded;
}

/* ---- the device ---- */

BOOLEAN V3sysFindDevice(PV3SYS_EXTENSION Extension)
{
    ULONG part = 0;
    ULONG i;

    for (i = 0; i < 4; i++)
        part |= (V3sysRead(Extension, UART_PERIPH(i)) & 0xFF) << (8 * i);
    return (part & UART_PART_MASK) == UART_PART;
}

VOID V3sysResetDevice(PV3SYS_EXTENSION Extension)
{
    V3sysWrite(Extension, UART_IMSC, 0);
    V3sysWrite(Extension, UART_DMACR, 0);
    V3sysWrite(Extension, UART_CR, 0);
    V3sysRead(Extension, UART_CR); /* the writes have arrived when the read is answered */
}

/* Irp and Context of IoRequestDpc mean nothing here: one DPC may stand for several interrupts, or
 * for one that is long over. */
VOID V3sysDpcForIsr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)DeviceObject->DeviceExtension;
    PV3SYS_CHANNEL channel = &extension->Channels[V3SYS_READ];
    BOOLEAN abort = FALSE;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (channel->Irp != NULL &&
        KeSynchronizeExecution(extension->Interrupt, V3sysMessageEnded, extension))
        abort = V3sysStopRequestLocked(channel, V3SYS_STOP_MESSAGE);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (abort)
        V3sysAbortRequest(channel);
}

/* ---- the watchdog ---- */

static VOID V3sysSetWatchdogLocked(PV3SYS_EXTENSION Extension)
{
    LARGE_INTEGER tick;

    if (Extension->WatchdogSet)
        return;
    Extension->WatchdogSet = TRUE;
    tick.QuadPart = -(LONGLONG)V3SYS_TICK_100NS;
    KeSetTimer(&Extension->WatchdogTimer, tick, &Extension->WatchdogDpc);
}

VOID V3sysWatchLocked(PV3SYS_CHANNEL Channel)
{
    Channel->TicksLeft = V3SYS_PIECE_TICKS;
    V3sysSetWatchdogLocked(Channel->Extension);
}

/* A tick of the watchdog. One that was set for a piece that is over costs a later one one of its
 * ticks and no more. */
VOID V3sysWatchdogDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;
    BOOLEAN expired[V3SYS_CHANNELS];
    ULONG i;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    extension->WatchdogSet = FALSE;
    for (i = 0; i < V3SYS_CHANNELS; i++) {
        PV3SYS_CHANNEL channel = &extension->Channels[i];

        expired[i] = FALSE;
        if (channel->Phase != V3sysPhaseRunning || channel->TicksLeft == 0)
            continue;
        channel->TicksLeft--;
        if (channel->TicksLeft != 0)
            V3sysSetWatchdogLocked(extension);
        else
            expired[i] = V3sysStopRequestLocked(channel, STATUS_IO_TIMEOUT);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    for (i = 0; i < V3SYS_CHANNELS; i++) {
        if (expired[i])
            V3sysAbortRequest(&extension->Channels[i]);
    }
}
