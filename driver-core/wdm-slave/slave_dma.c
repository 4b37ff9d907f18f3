/*
 * slave_dma.c: a request on the device.
 *
 * The life of a request that has the slot is a chain of DPCs. Each line ends with the phase it
 * leaves:
 *
 * - StartIo calls KeFlushIoBuffers and AllocateAdapterChannel: ChannelWait.
 * - AdapterControl keeps the channel: Granted. Or gives it back if the request is to stop: Refused.
 * - GrantDpc begins the first piece: recalibrate, seek, or map and transfer: Running.
 * - DpcForIsr goes on with the piece: Running. At its end it flushes, and begins the next one:
 *   Running. After the last it frees the channel and completes the request: Idle.
 *
 * A piece is mapped only when the heads are where it begins: the channel of the system DMA
 * controller is then live for no longer than the data command.
 *
 * AdapterControl does no more than to decide, for it may run inside AllocateAdapterChannel or at
 * any time later, on any processor; the channel must not be freed before it has returned. The grant
 * DPC sees to that: it runs on the processor that queued it, once that is below DISPATCH_LEVEL.
 */
#include "slave.h"

static DRIVER_CONTROL SlaveAdapterControl;

static BOOLEAN SlaveFlushPiece(PSLAVE_EXTENSION Extension)
{
    PSLAVE_REQUEST request = &Extension->Request;
    PDMA_ADAPTER adapter = Extension->Adapter;
    BOOLEAN flushed;

    flushed = adapter->DmaOperations->FlushAdapterBuffers(
        adapter, request->Mdl, request->MapRegisterBase, request->PieceVa, request->PieceLength,
        request->Write);
    request->PieceLength = 0;
    return flushed;
}

/* By the owner of a request with the channel, the device being quiet: gives everything back. */
static VOID SlaveEndTransfer(PSLAVE_EXTENSION Extension, NTSTATUS Status)
{
    PSLAVE_REQUEST request = &Extension->Request;
    PDMA_ADAPTER adapter = Extension->Adapter;

    if (request->PieceLength != 0)
        SlaveFlushPiece(Extension);
    adapter->DmaOperations->FreeAdapterChannel(adapter);
    SlaveFinishRequest(Extension, Status, NT_SUCCESS(Status) ? request->Moved : 0);
}

/* ---- commands ---- */

/* Gives the command to the controller, if the request is not to stop; its end comes by interrupt.
 */
static VOID SlaveRun(PSLAVE_EXTENSION Extension, PSLAVE_COMMAND Command)
{
    PSLAVE_REQUEST request = &Extension->Request;
    LARGE_INTEGER tick;
    NTSTATUS stop;

    Command->Extension = Extension;
    tick.QuadPart = -(LONGLONG)SLAVE_TICK_100NS;
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    stop = request->StopStatus;
    if (NT_SUCCESS(stop)) {
        if (KeSynchronizeExecution(Extension->Interrupt, SlaveIssueCommand, Command)) {
            Extension->Phase = SlavePhaseRunning;
            request->TicksLeft = SLAVE_PIECE_TICKS;
            KeSetTimer(&Extension->WatchdogTimer, tick, &Extension->WatchdogDpc);
        } else {
            request->StopStatus = STATUS_IO_DEVICE_ERROR;
        }
    }
    stop = request->StopStatus;
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);

    if (!NT_SUCCESS(stop))
        SlaveAbortRequest(Extension);
}

static VOID SlaveMoveHeads(PSLAVE_EXTENSION Extension, SLAVE_STAGE Stage, UCHAR Cylinder)
{
    SLAVE_COMMAND command;

    Extension->Request.Stage = Stage;
    Extension->Cylinder = SLAVE_NO_CYLINDER;
    command.Count = 0;
    if (Stage == SlaveRecalibrates) {
        command.Bytes[command.Count++] = FDC_RECALIBRATE;
        command.Bytes[command.Count++] = 0;
    } else {
        command.Bytes[command.Count++] = FDC_SEEK;
        command.Bytes[command.Count++] = 0;
        command.Bytes[command.Count++] = Cylinder;
    }
    SlaveRun(Extension, &command);
}

/* The longest piece from here that the cylinder and the map registers can take. Unless it is the
 * last, it ends with a sector. */
static ULONG SlavePieceLength(const SLAVE_REQUEST *Request, PVOID Va)
{
    ULONG left = Request->Length - Request->Moved;
    ULONG reach = Request->MapRegisterCount * PAGE_SIZE - BYTE_OFFSET(Va);
    ULONG cylinder =
        (FDC_CYLINDER_SECTORS - Request->Sector % FDC_CYLINDER_SECTORS) * FDC_SECTOR_BYTES;

    if (reach > cylinder)
        reach = cylinder;
    if (left <= reach)
        return left;
    return reach - reach % FDC_SECTOR_BYTES;
}

static VOID SlaveTransferCommand(const SLAVE_REQUEST *Request, PSLAVE_COMMAND Command)
{
    ULONG inCylinder = Request->Sector % FDC_CYLINDER_SECTORS;
    UCHAR head = (UCHAR)(inCylinder / FDC_SECTORS);

    Command->Count = 9;
    Command->Bytes[0] = Request->Write ? FDC_WRITE_DATA : FDC_READ_DATA;
    Command->Bytes[1] = (UCHAR)(head << 2);
    Command->Bytes[2] = (UCHAR)(Request->Sector / FDC_CYLINDER_SECTORS);
    Command->Bytes[3] = head;
    Command->Bytes[4] = (UCHAR)(inCylinder % FDC_SECTORS + 1);
    Command->Bytes[5] = 2; /* sectors of 512 bytes */
    Command->Bytes[6] = FDC_SECTORS;
    Command->Bytes[7] = 0x1B; /* gap */
    Command->Bytes[8] = 0xFF;
}

/* The heads are there: maps the piece, which programs the channel, and starts the data command. The
 * address that MapTransfer returns is the DMA controller's affair. */
static VOID SlaveTransferPiece(PSLAVE_EXTENSION Extension)
{
    PSLAVE_REQUEST request = &Extension->Request;
    PDMA_ADAPTER adapter = Extension->Adapter;
    SLAVE_COMMAND command;
    ULONG length;

    request->Stage = SlaveTransfers;
    request->PieceVa = (PUCHAR)MmGetMdlVirtualAddress(request->Mdl) + request->Moved;
    length = SlavePieceLength(request, request->PieceVa);
    adapter->DmaOperations->MapTransfer(adapter, request->Mdl, request->MapRegisterBase,
                                        request->PieceVa, &length, request->Write);
    request->PieceLength = length;
    SlaveTransferCommand(request, &command);
    SlaveRun(Extension, &command);
}

/* By the owner of a request with the channel and nothing mapped: goes on where it stands. */
static VOID SlaveStartPiece(PSLAVE_EXTENSION Extension)
{
    UCHAR cylinder = (UCHAR)(Extension->Request.Sector / FDC_CYLINDER_SECTORS);

    if (!Extension->DeviceReady)
        SlaveEndTransfer(Extension, STATUS_IO_DEVICE_ERROR);
    else if (Extension->Cylinder == SLAVE_NO_CYLINDER)
        SlaveMoveHeads(Extension, SlaveRecalibrates, 0);
    else if (Extension->Cylinder != cylinder)
        SlaveMoveHeads(Extension, SlaveSeeks, cylinder);
    else
        SlaveTransferPiece(Extension);
}

/* ---- the end of a command ---- */

/* The heads have stopped where the controller says. */
static NTSTATUS SlaveHeadsMoved(PSLAVE_EXTENSION Extension, const SLAVE_RESULT *Result)
{
    ULONG wanted = Extension->Request.Sector / FDC_CYLINDER_SECTORS;

    if (Result->Count != 2 ||
        (Result->Bytes[0] & (FDC_ST0_CODE | FDC_ST0_SEEK_END)) != FDC_ST0_SEEK_END)
        return STATUS_IO_DEVICE_ERROR;
    if (Result->Bytes[1] != (Extension->Request.Stage == SlaveRecalibrates ? 0 : wanted))
        return STATUS_DEVICE_PROTOCOL_ERROR;
    Extension->Cylinder = Result->Bytes[1];
    return STATUS_SUCCESS;
}

/* The piece is over: what the DMA controller has left to move tells how much arrived. */
static NTSTATUS SlavePieceDone(PSLAVE_EXTENSION Extension, const SLAVE_RESULT *Result)
{
    PSLAVE_REQUEST request = &Extension->Request;
    PDMA_ADAPTER adapter = Extension->Adapter;
    ULONG length = request->PieceLength;
    ULONG left = adapter->DmaOperations->ReadDmaCounter(adapter);
    BOOLEAN flushed = SlaveFlushPiece(Extension);

    if (Result->Count != FDC_RESULT_BYTES || (Result->Bytes[0] & FDC_ST0_CODE) != 0 || !flushed)
        return STATUS_IO_DEVICE_ERROR;
    if (left != 0)
        return STATUS_DEVICE_PROTOCOL_ERROR;
    request->Moved += length;
    request->Sector = (request->Sector + length / FDC_SECTOR_BYTES) % FDC_DISK_SECTORS;
    return STATUS_SUCCESS;
}

VOID SlaveCommandDone(PSLAVE_EXTENSION Extension, const SLAVE_RESULT *Result)
{
    PSLAVE_REQUEST request = &Extension->Request;
    NTSTATUS status;
    NTSTATUS stop;

    if (request->Stage == SlaveTransfers)
        status = SlavePieceDone(Extension, Result);
    else
        status = SlaveHeadsMoved(Extension, Result);
    if (!NT_SUCCESS(status) || request->Moved == request->Length) {
        SlaveEndTransfer(Extension, status);
        return;
    }
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    stop = request->StopStatus;
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
    if (NT_SUCCESS(stop))
        SlaveStartPiece(Extension);
    else
        SlaveEndTransfer(Extension, stop);
}

VOID SlaveAbortRequest(PSLAVE_EXTENSION Extension)
{
    KeCancelTimer(&Extension->WatchdogTimer);
    SlaveStopDevice(Extension);
    SlaveEndTransfer(Extension, Extension->Request.StopStatus);
}

BOOLEAN SlaveStopRequestLocked(PSLAVE_EXTENSION Extension, NTSTATUS Status)
{
    if (NT_SUCCESS(Extension->Request.StopStatus))
        Extension->Request.StopStatus = Status;
    if (Extension->Phase != SlavePhaseRunning)
        return FALSE;
    Extension->Phase = SlavePhaseOwned;
    return TRUE;
}

/* ---- the channel ---- */

/* DISPATCH_LEVEL, any time and any processor after AllocateAdapterChannel was called. */
static IO_ALLOCATION_ACTION SlaveAdapterControl(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                                PVOID MapRegisterBase, PVOID Context)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)Context;
    IO_ALLOCATION_ACTION action;

    UNREFERENCED_PARAMETER(DeviceObject);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (NT_SUCCESS(extension->Request.StopStatus)) {
        extension->Request.MapRegisterBase = MapRegisterBase;
        extension->Phase = SlavePhaseGranted;
        action = KeepObject;
    } else {
        extension->Phase = SlavePhaseRefused;
        action = DeallocateObject;
    }
    KeInsertQueueDpc(&extension->GrantDpc, Irp, NULL);
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    return action;
}

VOID SlaveAllocateChannel(PSLAVE_EXTENSION Extension)
{
    PSLAVE_REQUEST request = &Extension->Request;
    PDMA_ADAPTER adapter = Extension->Adapter;
    ULONG count =
        ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(request->Mdl), request->Length);
    NTSTATUS status;

    if (count > Extension->MapRegisters)
        count = Extension->MapRegisters;
    request->MapRegisterCount = count;
    KeFlushIoBuffers(request->Mdl, !request->Write, TRUE);
    status = adapter->DmaOperations->AllocateAdapterChannel(adapter, Extension->Self, count,
                                                            SlaveAdapterControl, Extension);
    /* After a success the request is AdapterControl's. After a failure that will never run. */
    if (!NT_SUCCESS(status))
        SlaveFinishRequest(Extension, status, 0);
}

/* AdapterControl has returned; see above. Nothing else queues this DPC. */
VOID SlaveGrantDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)Context;
    SLAVE_PHASE phase;
    NTSTATUS stop;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    phase = extension->Phase;
    stop = extension->Request.StopStatus;
    extension->Phase = SlavePhaseOwned;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (phase == SlavePhaseRefused)
        SlaveFinishRequest(extension, stop, 0);
    else if (NT_SUCCESS(stop))
        SlaveStartPiece(extension);
    else
        SlaveEndTransfer(extension, stop);
}
