/*
 * packet_isr.c: the device: its interrupt, starting it, and making it stop.
 *
 * Events are noted by the ISR and taken by DpcForIsr, both under the interrupt lock. Starting the
 * device forgets all events before (PacketStartDevice), and DpcForIsr takes events only while it
 * holds the driver's lock and a piece is running: so an interrupt or DPC that is late finds
 * nothing, and never ends a piece that it does not belong to.
 */
#include "packet.h"

#define PACKET_INTERRUPTS (S5933_INTCSR_WRITE_ENABLE | S5933_INTCSR_READ_ENABLE)

BOOLEAN PacketIsr(PKINTERRUPT Interrupt, PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;
    ULONG events;

    UNREFERENCED_PARAMETER(Interrupt);

    /* The line may be shared: without power, or before the start is over, the registers are not to
     * be touched. */
    if (!extension->InterruptsOn)
        return FALSE;
    events = PacketRead(extension, S5933_INTCSR);
    if (events == S5933_ABSENT || (events & S5933_INTCSR_ASSERTED) == 0)
        return FALSE;
    events &= S5933_EVENT_MASK;
    PacketWrite(extension, S5933_INTCSR, PACKET_INTERRUPTS | events);
    extension->Events |= events;
    IoRequestDpc(extension->Self, NULL, NULL);
    return TRUE;
}

BOOLEAN PacketEnableInterrupts(PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;

    extension->Events = 0;
    extension->InterruptsOn = TRUE;
    PacketWrite(extension, S5933_INTCSR, PACKET_INTERRUPTS | S5933_EVENT_MASK);
    return TRUE;
}

BOOLEAN PacketDisableInterrupts(PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;

    extension->InterruptsOn = FALSE;
    PacketWrite(extension, S5933_INTCSR, S5933_EVENT_MASK);
    return TRUE;
}

BOOLEAN PacketTakeEvents(PVOID Context)
{
    PACKET_EVENTS_TAKEN *taken = (PACKET_EVENTS_TAKEN *)Context;

    taken->Events = taken->Extension->Events;
    taken->Extension->Events = 0;
    return TRUE;
}

BOOLEAN PacketStartDevice(PVOID Context)
{
    PACKET_OPERATION *operation = (PACKET_OPERATION *)Context;
    PPACKET_EXTENSION extension = operation->Extension;

    extension->Events = 0;
    PacketWrite(extension, S5933_INTCSR, PACKET_INTERRUPTS | S5933_EVENT_MASK);
    PacketWrite(extension, operation->Write ? S5933_MRAR : S5933_MWAR, operation->Address.LowPart);
    PacketWrite(extension, operation->Write ? S5933_MRTC : S5933_MWTC, operation->Length);
    PacketWrite(extension, S5933_MCSR,
                operation->Write ? S5933_MCSR_READ_ENABLE : S5933_MCSR_WRITE_ENABLE);
    return TRUE;
}

VOID PacketResetDevice(PPACKET_EXTENSION Extension)
{
    PacketWrite(Extension, S5933_INTCSR, S5933_EVENT_MASK);
    PacketWrite(Extension, S5933_MCSR, S5933_MCSR_RESET_ADD_ON | S5933_MCSR_RESET_FIFOS);
    PacketRead(Extension, S5933_MCSR); /* the write has arrived when the read is answered */
    KeStallExecutionProcessor(1);
    PacketWrite(Extension, S5933_MCSR, 0);
}

VOID PacketStopDevice(PPACKET_EXTENSION Extension)
{
    PacketWrite(Extension, S5933_MCSR, S5933_MCSR_RESET_FIFOS);
    PacketRead(Extension, S5933_MCSR); /* see above; and all that was on its way is in memory */
}

ULONG PacketBytesLeft(PPACKET_EXTENSION Extension)
{
    return PacketRead(Extension, Extension->Request.Write ? S5933_MRTC : S5933_MWTC);
}

/* Irp and Context of IoRequestDpc mean nothing here: one DPC may stand for several interrupts, or
 * for one that is long over. */
VOID PacketDpcForIsr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    PACKET_EVENTS_TAKEN taken;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);

    taken.Extension = extension;
    taken.Events = 0;
    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (extension->Phase == PacketPhaseRunning) {
        KeSynchronizeExecution(extension->Interrupt, PacketTakeEvents, &taken);
        if (taken.Events != 0)
            extension->Phase = PacketPhaseOwned;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (taken.Events == 0)
        return;
    KeCancelTimer(&extension->WatchdogTimer);
    PacketPieceDone(extension, taken.Events);
}

/* A tick of the watchdog. One that comes late, for a piece that is over, costs the next piece one
 * of its ticks and no more. */
VOID PacketWatchdogDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;
    PPACKET_REQUEST request = &extension->Request;
    BOOLEAN expired = FALSE;
    LARGE_INTEGER tick;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    tick.QuadPart = -(LONGLONG)PACKET_TICK_100NS;
    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (extension->Phase == PacketPhaseRunning) {
        request->TicksLeft--;
        if (request->TicksLeft != 0) {
            KeSetTimer(&extension->WatchdogTimer, tick, &extension->WatchdogDpc);
        } else {
            expired = PacketStopRequestLocked(extension, STATUS_IO_TIMEOUT);
        }
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (expired)
        PacketAbortPiece(extension);
}
