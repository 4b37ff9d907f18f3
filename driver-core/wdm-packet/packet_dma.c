/*
 * packet_dma.c: a request on the device.
 *
 * The life of a request that has the slot is a chain of DPCs. Each line ends with the phase it
 * leaves:
 *
 * - ServiceDpc takes it from the queue, KeFlushIoBuffers, AllocateAdapterChannel: ChannelWait.
 * - AdapterControl keeps the map registers: Granted. Or gives them back if it is to stop: Refused.
 * - GrantDpc maps the first piece and starts the device: Running.
 * - DpcForIsr flushes the piece, maps the next one and starts the device: Running. After the last
 *   it frees the map registers and completes the request: Idle.
 *
 * AdapterControl does no more than to decide, for it may run inside AllocateAdapterChannel or at
 * any time later, on any processor. The request may not end, and the next one may not ask for a
 * channel, before AdapterControl has returned. The grant DPC sees to that: it runs on the processor
 * that queued it, once that is below DISPATCH_LEVEL, hence after the return.
 *
 * A piece that does not end by itself is ended by the cancel routine, a removal or the watchdog.
 * Each of them, like DpcForIsr, first changes the phase from Running to Owned under the lock; who
 * finds another phase leaves the request to its owner, who looks at StopStatus before each further
 * step.
 */
#include "packet.h"

static DRIVER_CONTROL PacketAdapterControl;

/* Ends the mapping of the piece, whatever the device made of it. FALSE: the data did not arrive. */
static BOOLEAN PacketFlushPiece(PPACKET_EXTENSION Extension)
{
    PPACKET_REQUEST request = &Extension->Request;
    PDMA_ADAPTER adapter = Extension->Adapter;
    BOOLEAN flushed;

    flushed = adapter->DmaOperations->FlushAdapterBuffers(
        adapter, request->Mdl, request->MapRegisterBase, request->PieceVa, request->PieceLength,
        request->Write);
    request->PieceLength = 0;
    return flushed;
}

/* By the owner of a request with map registers, the device being quiet: gives everything back. */
static VOID PacketEndTransfer(PPACKET_EXTENSION Extension, NTSTATUS Status)
{
    PPACKET_REQUEST request = &Extension->Request;
    PDMA_ADAPTER adapter = Extension->Adapter;

    if (request->PieceLength != 0)
        PacketFlushPiece(Extension);
    /* A HAL that needs no registers hands out a NULL base, which must not be freed. */
    if (request->MapRegisterBase != NULL)
        adapter->DmaOperations->FreeMapRegisters(adapter, request->MapRegisterBase,
                                                 request->MapRegisterCount);
    PacketFinishRequest(Extension, Status, NT_SUCCESS(Status) ? request->Moved : 0);
}

/* The longest piece at this address that the device and the map registers can take. Unless it is
 * the last, it ends with a page, so that no two pieces share a cache line. */
static ULONG PacketPieceLength(const PACKET_REQUEST *Request, PVOID Va)
{
    ULONG left = Request->Length - Request->Moved;
    ULONG reach = Request->MapRegisterCount * PAGE_SIZE - BYTE_OFFSET(Va);

    if (reach > PACKET_PIECE_MAX)
        reach = PACKET_PIECE_MAX;
    if (left <= reach)
        return left;
    return reach - BYTE_OFFSET((PUCHAR)Va + reach);
}

/* By the owner of a request with map registers and nothing mapped: maps the next piece and hands it
 * to the device. */
static VOID PacketStartPiece(PPACKET_EXTENSION Extension)
{
    PPACKET_REQUEST request = &Extension->Request;
    PDMA_ADAPTER adapter = Extension->Adapter;
    PACKET_OPERATION operation;
    LARGE_INTEGER tick;
    NTSTATUS stop;

    request->PieceVa = (PUCHAR)MmGetMdlVirtualAddress(request->Mdl) + request->Moved;
    operation.Extension = Extension;
    operation.Write = request->Write;
    operation.Length = PacketPieceLength(request, request->PieceVa);
    operation.Address =
        adapter->DmaOperations->MapTransfer(adapter, request->Mdl, request->MapRegisterBase,
                                            request->PieceVa, &operation.Length, request->Write);
    request->PieceLength = operation.Length;
    tick.QuadPart = -(LONGLONG)PACKET_TICK_100NS;

    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    stop = request->StopStatus;
    if (NT_SUCCESS(stop)) {
        Extension->Phase = PacketPhaseRunning;
        Extension->Statistics.Pieces++;
        request->TicksLeft = PACKET_PIECE_TICKS;
        KeSetTimer(&Extension->WatchdogTimer, tick, &Extension->WatchdogDpc);
        KeSynchronizeExecution(Extension->Interrupt, PacketStartDevice, &operation);
    }
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);

    if (!NT_SUCCESS(stop))
        PacketEndTransfer(Extension, stop);
}

/* How a piece went: what the device says, checked against what it was told. */
static NTSTATUS PacketPieceStatus(ULONG Events, ULONG Left, BOOLEAN Flushed)
{
    if (Left == S5933_ABSENT)
        return STATUS_DEVICE_NOT_CONNECTED;
    if ((Events & S5933_EVENT_ABORTS) != 0 || !Flushed)
        return STATUS_IO_DEVICE_ERROR;
    if (Left != 0)
        return STATUS_DEVICE_PROTOCOL_ERROR;
    return STATUS_SUCCESS;
}

VOID PacketPieceDone(PPACKET_EXTENSION Extension, ULONG Events)
{
    PPACKET_REQUEST request = &Extension->Request;
    ULONG length = request->PieceLength;
    BOOLEAN flushed;
    NTSTATUS status;
    NTSTATUS stop;
    ULONG left;

    /* Whatever it claims: nothing moves while the piece is flushed. */
    PacketStopDevice(Extension);
    left = PacketBytesLeft(Extension);
    flushed = PacketFlushPiece(Extension);
    status = PacketPieceStatus(Events, left, flushed);
    if (!NT_SUCCESS(status)) {
        PacketEndTransfer(Extension, status);
        return;
    }
    request->Moved += length;
    if (request->Moved == request->Length) {
        PacketEndTransfer(Extension, STATUS_SUCCESS);
        return;
    }
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    stop = request->StopStatus;
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
    if (NT_SUCCESS(stop))
        PacketStartPiece(Extension);
    else
        PacketEndTransfer(Extension, stop);
}

VOID PacketAbortPiece(PPACKET_EXTENSION Extension)
{
    KeCancelTimer(&Extension->WatchdogTimer);
    PacketStopDevice(Extension);
    PacketEndTransfer(Extension, Extension->Request.StopStatus);
}

BOOLEAN PacketStopRequestLocked(PPACKET_EXTENSION Extension, NTSTATUS Status)
{
    if (NT_SUCCESS(Extension->Request.StopStatus))
        Extension->Request.StopStatus = Status;
    if (Extension->Phase != PacketPhaseRunning)
        return FALSE;
    Extension->Phase = PacketPhaseOwned;
    return TRUE;
}

/* DISPATCH_LEVEL, any time and any processor after AllocateAdapterChannel was called. */
static IO_ALLOCATION_ACTION PacketAdapterControl(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                                 PVOID MapRegisterBase, PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;
    IO_ALLOCATION_ACTION action;

    UNREFERENCED_PARAMETER(DeviceObject);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (NT_SUCCESS(extension->Request.StopStatus)) {
        extension->Request.MapRegisterBase = MapRegisterBase;
        extension->Phase = PacketPhaseGranted;
        action = DeallocateObjectKeepRegisters;
    } else {
        extension->Phase = PacketPhaseRefused;
        action = DeallocateObject;
    }
    KeInsertQueueDpc(&extension->GrantDpc, Irp, NULL);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    return action;
}

/* For the request that PacketTakeNextLocked took; the phase is ChannelWait. */
static VOID PacketAllocateChannel(PPACKET_EXTENSION Extension)
{
    PPACKET_REQUEST request = &Extension->Request;
    PDMA_ADAPTER adapter = Extension->Adapter;
    PVOID va = MmGetMdlVirtualAddress(request->Mdl);
    ULONG count = ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, request->Length);
    NTSTATUS status;

    if (count > Extension->MapRegisters)
        count = Extension->MapRegisters;
    request->MapRegisterCount = count;
    Extension->Self->CurrentIrp = request->Irp;

    KeFlushIoBuffers(request->Mdl, !request->Write, TRUE);
    status = adapter->DmaOperations->AllocateAdapterChannel(adapter, Extension->Self, count,
                                                            PacketAdapterControl, Extension);
    /* After a success the request is AdapterControl's. After a failure that will never run. */
    if (!NT_SUCCESS(status))
        PacketFinishRequest(Extension, status, 0);
}

/* AdapterControl has returned; see above. Nothing else queues this DPC, so it cannot be on its way
 * from another processor. */
VOID PacketGrantDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;
    PACKET_PHASE phase;
    NTSTATUS stop;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    phase = extension->Phase;
    stop = extension->Request.StopStatus;
    extension->Phase = PacketPhaseOwned;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (phase == PacketPhaseRefused)
        PacketFinishRequest(extension, stop, 0);
    else if (NT_SUCCESS(stop))
        PacketStartPiece(extension);
    else
        PacketEndTransfer(extension, stop);
}

VOID PacketServiceDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;
    BOOLEAN start;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    start = PacketTakeNextLocked(extension);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (start)
        PacketAllocateChannel(extension);
}
