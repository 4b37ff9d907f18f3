/*
 * packet_isr.c: the device: its interrupt, starting it, and making it stop.
 *
 * Events are noted by the ISR and taken by DpcForIsr, both under the interrupt lock. Starting the
 * device forgets all events before (PacketStartDevice), and DpcForIsr takes events only while it
 * holds the driver's lock and a piece is running: so an interrupt or DPC that is late finds
 * nothing, and never ends a piece that it does not belong to.
 */
#include "packet.h"

BOOLEAN PacketIsr(PKINTERRUPT Interrupt, PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;
    ULONG events;

    UNREFERENCED_PARAMETER(Interrupt);

    /* The line may be shared: without power, or before the start is over, the registers are not to
     * be touched. */
    if (!extension->InterruptsOn)
        return FALSE;
    events = PacketRead(extension, PACKET_EVENTS);
    if (events == PACKET_ABSENT)
        return FALSE;
    events &= PACKET_EVENT_MASK;
    if (events == 0)
        return FALSE;
    PacketWrite(extension, PACKET_EVENTS, events);
    extension->Events |= events;
    IoRequestDpc(extension->Self, NULL, NULL);
    return TRUE;
}

BOOLEAN PacketEnableInterrupts(PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;

    extension->Events = 0;
    extension->InterruptsOn = TRUE;
    PacketWrite(extension, PACKET_CONTROL, PACKET_CONTROL_INTERRUPT);
    return TRUE;
}

BOOLEAN PacketDisableInterrupts(PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;

    extension->InterruptsOn = FALSE;
    PacketWrite(extension, PACKET_CONTROL, 0);
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
    PacketWrite(extension, PACKET_EVENTS, PACKET_EVENT_MASK);
    PacketWrite(extension, PACKET_ADDRESS_LO, operation->Address.LowPart);
    PacketWrite(extension, PACKET_ADDRESS_HI, (ULONG)operation->Address.HighPart);
    PacketWrite(extension, PACKET_LENGTH, operation->Length);
    PacketWrite(extension, PACKET_DIRECTION, operation->Write ? 1 : 0);
    PacketWrite(extension, PACKET_CONTROL, PACKET_CONTROL_INTERRUPT | PACKET_CONTROL_START);
    return TRUE;
}

VOID PacketResetDevice(PPACKET_EXTENSION Extension)
{
    PacketWrite(Extension, PACKET_CONTROL, PACKET_CONTROL_RESET);
    PacketRead(Extension, PACKET_STATUS); /* the write has arrived when the read is answered */
}

VOID PacketStopDevice(PPACKET_EXTENSION Extension)
{
    ULONG status;
    ULONG polls;

    PacketWrite(Extension, PACKET_CONTROL, PACKET_CONTROL_INTERRUPT | PACKET_CONTROL_ABORT);
    for (polls = 0; polls < PACKET_ABORT_POLLS; polls++) {
        status = PacketRead(Extension, PACKET_STATUS);
        if (status == PACKET_ABSENT || (status & PACKET_STATUS_BUSY) == 0)
            return;
        KeStallExecutionProcessor(1);
    }
    PacketResetDevice(Extension);
    KeSynchronizeExecution(Extension->Interrupt, PacketEnableInterrupts, Extension);
}

/* Irp and Context of IoRequestDpc mean nothing here: one DPC may stand for several interrupts, or
 * for one that is long over. */
VOID PacketDpcForIsr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    PACKET_EVENTS_TAKEN taken;
    ULONG status;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Irp);
    UNREFERENCED_PARAMETER(Context);

    taken.Extension = extension;
    taken.Events = 0;
    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (extension->Phase == PacketPhaseRunning) {
        KeSynchronizeExecution(extension->Interrupt, PacketTakeEvents, &taken);
        if (taken.Events != 0) {
            /* Only a device that is idle has finished. One that claims both is left to the
             * watchdog. */
            status = PacketRead(extension, PACKET_STATUS);
            if (status != PACKET_ABSENT && (status & PACKET_STATUS_BUSY) != 0)
                taken.Events = 0;
        }
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
