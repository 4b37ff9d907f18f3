/*
 * v3sys_dma.c: the grant of a request, and its pieces.
 *
 * The life of a request, each line with the phase it leaves:
 *
 * - V3sysAskForGrant asks for the adapter's channel and map registers. A read asks at once, for
 *   characters may arrive already, and is Owned all the time; when it is refused, and for every
 *   write, the driver asks to be called: Waiting.
 * - V3sysAdapterControl is called, inside the call that asks or at any time later, on any
 *   processor. The transfer context is the system's until it has returned; so it leaves the rest to
 *   a DPC, which runs on the same processor after that.
 * - V3sysStartPiece maps as much as the map registers hold. The system DMA controller is programmed
 *   by that, and the request line of the UART is enabled after it: Running.
 * - V3sysDmaComplete is called when the controller is done. It flushes the piece and starts the
 *   next one, or frees the grant and completes the request: Free.
 *
 * Nothing but the completion routine ends a piece. Who wants a transfer to stop cancels it
 * (Stopping), and the routine comes all the same; it may have come already. The later of both goes
 * on, so that the transfer context is never freed under CancelMappedTransfer. In the same way a
 * request that waits is Withdrawing until CancelAdapterChannel has said whether the execution
 * routine will still run.
 */
#include "v3sys.h"

static DRIVER_CONTROL V3sysAdapterControl;
static DMA_COMPLETION_ROUTINE V3sysDmaComplete;
static VOID V3sysStartPiece(PV3SYS_CHANNEL Channel);

static NTSTATUS V3sysStopStatus(PV3SYS_CHANNEL Channel)
{
    PV3SYS_EXTENSION extension = Channel->Extension;
    NTSTATUS status;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    status = Channel->StopStatus;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    return status;
}

/* ---- the grant ---- */

/* By the owner of a request that has a grant and nothing mapped. */
static VOID V3sysFreeGrant(PV3SYS_CHANNEL Channel)
{
    PDMA_ADAPTER adapter = Channel->Adapter;

    if (Channel->Synchronous)
        adapter->DmaOperations->FreeAdapterObject(adapter, DeallocateObject);
    else
        adapter->DmaOperations->FreeAdapterChannel(adapter);
}

/* How many map registers the request wants: for all of it, or for its longest piece. */
static NTSTATUS V3sysCountRegisters(PV3SYS_CHANNEL Channel)
{
    PDMA_ADAPTER adapter = Channel->Adapter;
    DMA_TRANSFER_INFO info;
    NTSTATUS status;

    RtlZeroMemory(&info, sizeof(info));
    info.Version = DMA_TRANSFER_INFO_VERSION1;
    status = adapter->DmaOperations->GetDmaTransferInfo(adapter, Channel->Mdl, 0, Channel->Length,
                                                        Channel->Write, &info);
    if (!NT_SUCCESS(status))
        return status;
    Channel->MapRegisters = info.V1.MapRegisterCount;
    if (Channel->MapRegisters > Channel->MapRegistersMax)
        Channel->MapRegisters = Channel->MapRegistersMax;
    return STATUS_SUCCESS;
}

/* On success the request has its grant. */
static NTSTATUS V3sysAskAtOnce(PV3SYS_CHANNEL Channel)
{
    PDMA_ADAPTER adapter = Channel->Adapter;
    NTSTATUS status;

    if (!Channel->SynchronousCallback || Channel->Write)
        return STATUS_INSUFFICIENT_RESOURCES;
    status =
        adapter->DmaOperations->InitializeDmaTransferContext(adapter, Channel->TransferContext);
    if (!NT_SUCCESS(status))
        return status;
    Channel->Synchronous = TRUE;
    return adapter->DmaOperations->AllocateAdapterChannelEx(
        adapter, Channel->Extension->Self, Channel->TransferContext, Channel->MapRegisters,
        DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, &Channel->MapRegisterBase);
}

/* The request waits, and somebody wants it to stop: the caller set it to Withdrawing. V3sysGrantDpc
 * leaves it alone meanwhile. */
static VOID V3sysWithdraw(PV3SYS_CHANNEL Channel)
{
    PV3SYS_EXTENSION extension = Channel->Extension;
    PDMA_ADAPTER adapter = Channel->Adapter;
    BOOLEAN withdrawn, granted = FALSE;

    withdrawn = adapter->DmaOperations->CancelAdapterChannel(adapter, extension->Self,
                                                             Channel->TransferContext);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (withdrawn) {
        Channel->Phase = V3sysPhaseOwned;
    } else {
        granted = Channel->Granted;
        Channel->Phase = granted ? V3sysPhaseOwned : V3sysPhaseWaiting;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (granted)
        V3sysFreeGrant(Channel);
    if (withdrawn || granted)
        V3sysFinishRequest(Channel, V3sysStopStatus(Channel));
}

/* The call that asked for the grant has returned. It may have come already, or somebody may have
 * wanted the request to stop before it could be withdrawn. */
static VOID V3sysAsked(PV3SYS_CHANNEL Channel)
{
    PV3SYS_EXTENSION extension = Channel->Extension;
    BOOLEAN granted, withdraw;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Channel->Asked = TRUE;
    granted = Channel->Granted;
    withdraw = !granted && !NT_SUCCESS(Channel->StopStatus);
    if (granted)
        Channel->Phase = V3sysPhaseOwned;
    else if (withdraw)
        Channel->Phase = V3sysPhaseWithdrawing;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (granted)
        V3sysStartPiece(Channel);
    else if (withdraw)
        V3sysWithdraw(Channel);
}

/* Asks to be called when the channel and map registers are there. */
static VOID V3sysAskToWait(PV3SYS_CHANNEL Channel)
{
    PV3SYS_EXTENSION extension = Channel->Extension;
    PDMA_ADAPTER adapter = Channel->Adapter;
    NTSTATUS status;

    Channel->Synchronous = FALSE;
    status =
        adapter->DmaOperations->InitializeDmaTransferContext(adapter, Channel->TransferContext);
    if (!NT_SUCCESS(status)) {
        V3sysFinishRequest(Channel, status);
        return;
    }

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Channel->Asked = FALSE;
    Channel->Granted = FALSE;
    Channel->Phase = V3sysPhaseWaiting;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    status = adapter->DmaOperations->AllocateAdapterChannelEx(
        adapter, extension->Self, Channel->TransferContext, Channel->MapRegisters, 0,
        V3sysAdapterControl, Channel, NULL);
    /* After a failure V3sysAdapterControl will never run, and nobody withdraws what was not Asked.
     */
    if (NT_SUCCESS(status))
        V3sysAsked(Channel);
    else
        V3sysFinishRequest(Channel, status);
}

VOID V3sysAskForGrant(PV3SYS_CHANNEL Channel)
{
    NTSTATUS status = V3sysStopStatus(Channel);

    if (NT_SUCCESS(status))
        status = V3sysCountRegisters(Channel);
    if (!NT_SUCCESS(status)) {
        V3sysFinishRequest(Channel, status);
        return;
    }

    status = V3sysAskAtOnce(Channel);
    if (NT_SUCCESS(status))
        V3sysStartPiece(Channel);
    else if (status == STATUS_INSUFFICIENT_RESOURCES)
        V3sysAskToWait(Channel);
    else
        V3sysFinishRequest(Channel, status);
}

/* DISPATCH_LEVEL. System DMA keeps the channel. */
static IO_ALLOCATION_ACTION V3sysAdapterControl(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                                PVOID MapRegisterBase, PVOID Context)
{
    PV3SYS_CHANNEL channel = (PV3SYS_CHANNEL)Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);

    channel->MapRegisterBase = MapRegisterBase;
    KeInsertQueueDpc(&channel->GrantDpc, NULL, NULL);
    return KeepObject;
}

VOID V3sysGrantDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PV3SYS_CHANNEL channel = (PV3SYS_CHANNEL)Context;
    PV3SYS_EXTENSION extension = channel->Extension;
    BOOLEAN owned;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    channel->Granted = TRUE;
    owned = channel->Asked && channel->Phase == V3sysPhaseWaiting;
    if (owned)
        channel->Phase = V3sysPhaseOwned;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (owned)
        V3sysStartPiece(channel);
}

/* ---- pieces ---- */

/* By the owner of a request that has a grant and nothing mapped. */
static VOID V3sysEndRequest(PV3SYS_CHANNEL Channel, NTSTATUS Status)
{
    V3sysFreeGrant(Channel);
    V3sysFinishRequest(Channel, Status);
}

/* By the owner of a request whose piece the controller is done with. What the controller has left
 * to move says how much arrived; after the flush nobody knows any more. */
static VOID V3sysPieceDone(PV3SYS_CHANNEL Channel)
{
    PDMA_ADAPTER adapter = Channel->Adapter;
    ULONG left = 0;
    NTSTATUS status;

    if (Channel->Outcome != DmaComplete)
        left = adapter->DmaOperations->ReadDmaCounter(adapter);
    status = adapter->DmaOperations->FlushAdapterBuffersEx(adapter, Channel->Mdl,
                                                           Channel->MapRegisterBase, Channel->Moved,
                                                           Channel->PieceLength, Channel->Write);
    if (NT_SUCCESS(status) && Channel->Outcome == DmaError)
        status = STATUS_IO_DEVICE_ERROR;
    if (!NT_SUCCESS(status)) {
        V3sysEndRequest(Channel, status);
        return;
    }
    Channel->Moved += Channel->PieceLength - left;
    if (left == 0 && Channel->Moved < Channel->Length)
        V3sysStartPiece(Channel);
    else
        V3sysEndRequest(Channel, left == 0 ? STATUS_SUCCESS : V3sysStopStatus(Channel));
}

/* The caller set the request to Stopping. */
static VOID V3sysCancelPiece(PV3SYS_CHANNEL Channel)
{
    PV3SYS_EXTENSION extension = Channel->Extension;
    PDMA_ADAPTER adapter = Channel->Adapter;
    BOOLEAN completed;

    adapter->DmaOperations->CancelMappedTransfer(adapter, Channel->TransferContext);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    completed = Channel->Completed;
    Channel->Phase = completed ? V3sysPhaseOwned : V3sysPhaseRunning;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (completed)
        V3sysPieceDone(Channel);
}

/* Maps from where the last piece ended as much as the map registers can take. The controller may
 * be done, and V3sysDmaComplete have run, before this returns. */
static NTSTATUS V3sysMapPiece(PV3SYS_CHANNEL Channel)
{
    PDMA_ADAPTER adapter = Channel->Adapter;

    Channel->Completed = FALSE;
    Channel->PieceLength = Channel->Length - Channel->Moved;
    if (Channel->PieceLength > V3SYS_PIECE_MAX)
        Channel->PieceLength = V3SYS_PIECE_MAX;
    return adapter->DmaOperations->MapTransferEx(
        adapter, Channel->Mdl, Channel->MapRegisterBase, Channel->Moved, UART_DR,
        &Channel->PieceLength, Channel->Write, NULL, 0, V3sysDmaComplete, Channel);
}

/* DISPATCH_LEVEL, by the owner of a request that has a grant and nothing mapped. From Running on
 * the request may end on another processor before this returns. */
static VOID V3sysStartPiece(PV3SYS_CHANNEL Channel)
{
    PV3SYS_EXTENSION extension = Channel->Extension;
    NTSTATUS status = V3sysStopStatus(Channel);
    BOOLEAN completed;
    BOOLEAN stop;

    if (NT_SUCCESS(status))
        status = V3sysMapPiece(Channel);
    if (!NT_SUCCESS(status)) {
        V3sysEndRequest(Channel, status);
        return;
    }

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    completed = Channel->Completed;
    stop = !completed && !NT_SUCCESS(Channel->StopStatus);
    if (stop) {
        Channel->Phase = V3sysPhaseStopping;
    } else if (!completed) {
        Channel->Phase = V3sysPhaseRunning;
        V3sysWatchLocked(Channel);
        KeSynchronizeExecution(extension->Interrupt, V3sysEnableLine, Channel);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (stop)
        V3sysCancelPiece(Channel);
    else if (completed)
        V3sysPieceDone(Channel);
}

/* DISPATCH_LEVEL, any time and any processor after MapTransferEx was called. */
static VOID V3sysDmaComplete(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                             PVOID CompletionContext, DMA_COMPLETION_STATUS Status)
{
    PV3SYS_CHANNEL channel = (PV3SYS_CHANNEL)CompletionContext;
    PV3SYS_EXTENSION extension = channel->Extension;
    BOOLEAN owned;

    UNREFERENCED_PARAMETER(DmaAdapter);
    UNREFERENCED_PARAMETER(DeviceObject);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    channel->Completed = TRUE;
    channel->Outcome = Status;
    owned = channel->Phase == V3sysPhaseRunning;
    if (owned) {
        channel->Phase = V3sysPhaseOwned;
        KeSynchronizeExecution(extension->Interrupt, V3sysDisableLine, channel);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (owned)
        V3sysPieceDone(channel);
}

/* Nobody else changes either phase. */
VOID V3sysAbortRequest(PV3SYS_CHANNEL Channel)
{
    if (Channel->Phase == V3sysPhaseWithdrawing)
        V3sysWithdraw(Channel);
    else
        V3sysCancelPiece(Channel);
}
