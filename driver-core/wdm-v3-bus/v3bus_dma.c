/*
 * v3bus_dma.c: the map registers of a request, and its pieces.
 *
 * The life of a request, each line with the phase it leaves:
 *
 * - V3busAskForGrant asks for map registers. A short request asks for them at once and is Owned all
 *   the time; when there are none, and for every other request, it asks to be called: Waiting. Each
 *   request has one grant, for all of its pieces, so one that waits never keeps another from
 *   ending.
 * - V3busAdapterControl is called, inside the call that asks, inside the one by which another
 *   request frees its own, or at any time later, on any processor. The transfer context is the
 *   system's until it has returned; so it leaves the rest to a DPC, which runs on the same
 *   processor after that.
 * - V3busStartPiece maps as much as the map registers hold and writes the chain: Ready.
 * - When the channel is free it is given the chain: Running.
 * - DpcForIsr lets the channel go on with the next ready chain, flushes the piece and starts the
 *   next one, or frees the grant and completes the request: Free.
 *
 * A request that is to stop while it waits is Withdrawing until CancelAdapterChannel has said
 * whether the routine will still run. If not, it is over; if so, the later of V3busWithdraw and
 * V3busGrantDpc frees what it was granted.
 */
#include "v3bus.h"

static DRIVER_CONTROL V3busAdapterControl;
static VOID V3busStartPiece(PV3BUS_REQUEST Request);

static NTSTATUS V3busStopStatus(PV3BUS_REQUEST Request)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    NTSTATUS status;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    status = Request->StopStatus;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    return status;
}

/* ---- map registers ---- */

/* By the owner of a request that has a grant and nothing mapped. */
static VOID V3busFreeGrant(PV3BUS_REQUEST Request)
{
    PDMA_ADAPTER adapter = Request->Channel->Extension->Adapter;

    if (Request->Synchronous)
        adapter->DmaOperations->FreeAdapterObject(adapter, DeallocateObject);
    else
        adapter->DmaOperations->FreeMapRegisters(adapter, Request->MapRegisterBase,
                                                 Request->MapRegisters);
}

/* How many map registers the request wants: for all of it, or for its longest piece. */
static NTSTATUS V3busCountRegisters(PV3BUS_REQUEST Request)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    PDMA_ADAPTER adapter = extension->Adapter;
    DMA_TRANSFER_INFO info;
    NTSTATUS status;

    RtlZeroMemory(&info, sizeof(info));
    info.Version = DMA_TRANSFER_INFO_VERSION1;
    status = adapter->DmaOperations->GetDmaTransferInfo(adapter, Request->Mdl, 0, Request->Length,
                                                        Request->Channel->Write, &info);
    if (!NT_SUCCESS(status))
        return status;
    Request->MapRegisters = info.V1.MapRegisterCount;
    if (Request->MapRegisters > extension->MapRegisters)
        Request->MapRegisters = extension->MapRegisters;
    return STATUS_SUCCESS;
}

/* On success the request has its map registers, and the adapter's channel with them. */
static NTSTATUS V3busAskAtOnce(PV3BUS_REQUEST Request)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    PDMA_ADAPTER adapter = extension->Adapter;
    NTSTATUS status;

    if (!extension->SynchronousCallback || Request->MapRegisters > V3BUS_SHORT)
        return STATUS_INSUFFICIENT_RESOURCES;
    status =
        adapter->DmaOperations->InitializeDmaTransferContext(adapter, Request->TransferContext);
    if (!NT_SUCCESS(status))
        return status;
    Request->Synchronous = TRUE;
    return adapter->DmaOperations->AllocateAdapterChannelEx(
        adapter, extension->Self, Request->TransferContext, Request->MapRegisters,
        DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, &Request->MapRegisterBase);
}

/* The request waits, and somebody wants it to stop: the caller set it to Withdrawing. V3busGrantDpc
 * leaves it alone meanwhile. */
static VOID V3busWithdraw(PV3BUS_REQUEST Request)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    PDMA_ADAPTER adapter = extension->Adapter;
    BOOLEAN withdrawn, granted = FALSE;

    withdrawn = adapter->DmaOperations->CancelAdapterChannel(adapter, extension->Self,
                                                             Request->TransferContext);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    if (withdrawn) {
        extension->Statistics.Withdrawn++;
        Request->Phase = V3busPhaseOwned;
    } else {
        granted = Request->Granted;
        Request->Phase = granted ? V3busPhaseOwned : V3busPhaseWaiting;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (granted)
        V3busFreeGrant(Request);
    if (withdrawn || granted)
        V3busFinishRequest(Request, V3busStopStatus(Request));
}

/* The call that asked for map registers has returned. They may have come already, or somebody may
 * have wanted the request to stop before it could be withdrawn. */
static VOID V3busAsked(PV3BUS_REQUEST Request)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    BOOLEAN granted, withdraw;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Request->Asked = TRUE;
    granted = Request->Granted;
    withdraw = !granted && !NT_SUCCESS(Request->StopStatus);
    if (granted)
        Request->Phase = V3busPhaseOwned;
    else if (withdraw)
        Request->Phase = V3busPhaseWithdrawing;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    if (granted)
        V3busStartPiece(Request);
    else if (withdraw)
        V3busWithdraw(Request);
}

/* Asks to be called when there are map registers. */
static VOID V3busAskToWait(PV3BUS_REQUEST Request)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    PDMA_ADAPTER adapter = extension->Adapter;
    NTSTATUS status;

    Request->Synchronous = FALSE;
    Request->MapRegisterBase = NULL;
    status =
        adapter->DmaOperations->InitializeDmaTransferContext(adapter, Request->TransferContext);
    if (!NT_SUCCESS(status)) {
        V3busFinishRequest(Request, status);
        return;
    }

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    Request->Asked = FALSE;
    Request->Granted = FALSE;
    Request->Phase = V3busPhaseWaiting;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);

    status = adapter->DmaOperations->AllocateAdapterChannelEx(
        adapter, extension->Self, Request->TransferContext, Request->MapRegisters, 0,
        V3busAdapterControl, Request, NULL);
    /* After a failure V3busAdapterControl will never run, and nobody withdraws what was not Asked.
     */
    if (NT_SUCCESS(status))
        V3busAsked(Request);
    else
        V3busFinishRequest(Request, status);
}

VOID V3busAskForGrant(PV3BUS_REQUEST Request)
{
    NTSTATUS status = V3busStopStatus(Request);

    if (NT_SUCCESS(status))
        status = V3busCountRegisters(Request);
    if (!NT_SUCCESS(status)) {
        V3busFinishRequest(Request, status);
        return;
    }

    status = V3busAskAtOnce(Request);
    if (NT_SUCCESS(status))
        V3busStartPiece(Request);
    else if (status == STATUS_INSUFFICIENT_RESOURCES)
        V3busAskToWait(Request);
    else
        V3busFinishRequest(Request, status);
}

/* DISPATCH_LEVEL. */
static IO_ALLOCATION_ACTION V3busAdapterControl(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                                PVOID MapRegisterBase, PVOID Context)
{
    PV3BUS_REQUEST request = (PV3BUS_REQUEST)Context;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);

    request->MapRegisterBase = MapRegisterBase;
    KeInsertQueueDpc(&request->GrantDpc, NULL, NULL);
    return DeallocateObjectKeepRegisters;
}

VOID V3busGrantDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PV3BUS_REQUEST request = (PV3BUS_REQUEST)Context;
    PV3BUS_EXTENSION extension = request->Channel->Extension;
    BOOLEAN owned;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    request->Granted = TRUE;
    owned = request->Asked && request->Phase == V3busPhaseWaiting;
    if (owned)
        request->Phase = V3busPhaseOwned;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (owned)
        V3busStartPiece(request);
}

/* ---- pieces ---- */

static NTSTATUS V3busFlushPiece(PV3BUS_REQUEST Request)
{
    PDMA_ADAPTER adapter = Request->Channel->Extension->Adapter;

    return adapter->DmaOperations->FlushAdapterBuffersEx(
        adapter, Request->Mdl, Request->MapRegisterBase, Request->Moved, Request->PieceLength,
        Request->Channel->Write);
}

/* By the owner of a request that has a grant and nothing mapped. */
static VOID V3busEndRequest(PV3BUS_REQUEST Request, NTSTATUS Status)
{
    V3busFreeGrant(Request);
    V3busFinishRequest(Request, Status);
}

/* Maps from where the last piece ended as much as the map registers and a chain can take. */
static NTSTATUS V3busMapPiece(PV3BUS_REQUEST Request)
{
    PDMA_ADAPTER adapter = Request->Channel->Extension->Adapter;
    ULONG length = Request->Length - Request->Moved;
    NTSTATUS status;

    status = adapter->DmaOperations->MapTransferEx(
        adapter, Request->Mdl, Request->MapRegisterBase, Request->Moved, 0, &length,
        Request->Channel->Write, &Request->List, V3BUS_LIST_BYTES, NULL, NULL);
    Request->PieceLength = length;
    return status;
}

/* Writes the descriptors of a piece. FALSE: the bridge cannot take it. */
static BOOLEAN V3busWriteChain(PV3BUS_REQUEST Request)
{
    PSCATTER_GATHER_LIST list = &Request->List;
    ULONG local = Request->LocalAddress + Request->Moved;
    ULONG flags = PLX_NEXT_IN_PCI | (Request->Channel->Write ? 0 : PLX_NEXT_TO_PCI);
    ULONG next = Request->ChainLogicalAddress;
    ULONG i;

    if (list->NumberOfElements == 0 || list->NumberOfElements > V3BUS_DESCRIPTORS)
        return FALSE;
    for (i = 0; i < list->NumberOfElements; i++) {
        PSCATTER_GATHER_ELEMENT element = &list->Elements[i];

        next += sizeof(PLX_DESCRIPTOR);
        Request->Chain[i].PciAddress = element->Address.LowPart;
        Request->Chain[i].PciAddressHigh = (ULONG)element->Address.HighPart;
        Request->Chain[i].LocalAddress = local;
        Request->Chain[i].Count = element->Length;
        Request->Chain[i].Next = next | flags;
        local += element->Length;
    }
    Request->Chain[i - 1].Next = PLX_NEXT_END | flags;
    Request->ChainLength = i;
    KeMemoryBarrier();
    return TRUE;
}

/* DISPATCH_LEVEL, by the owner of a request that has a grant and nothing mapped. From Ready on the
 * request may end on another processor before this returns. */
static VOID V3busStartPiece(PV3BUS_REQUEST Request)
{
    PV3BUS_CHANNEL channel = Request->Channel;
    PV3BUS_EXTENSION extension = channel->Extension;
    NTSTATUS status = V3busStopStatus(Request);
    BOOLEAN written;

    if (NT_SUCCESS(status))
        status = V3busMapPiece(Request);
    if (!NT_SUCCESS(status)) {
        V3busEndRequest(Request, status);
        return;
    }
    written = V3busWriteChain(Request);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    extension->Statistics.Pieces++;
    status = Request->StopStatus;
    if (NT_SUCCESS(status) && !written)
        status = STATUS_DEVICE_CONFIGURATION_ERROR;
    if (NT_SUCCESS(status)) {
        Request->Phase = V3busPhaseReady;
        InsertTailList(&channel->Ready, &Request->ReadyLink);
        V3busStartChannelLocked(channel);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (!NT_SUCCESS(status)) {
        V3busFlushPiece(Request);
        V3busEndRequest(Request, status);
    }
}

/* By the owner of the request that has the channel. */
static VOID V3busGiveUpChannel(PV3BUS_CHANNEL Channel)
{
    KeAcquireSpinLockAtDpcLevel(&Channel->Extension->Lock);
    Channel->Running = NULL;
    V3busStartChannelLocked(Channel);
    KeReleaseSpinLockFromDpcLevel(&Channel->Extension->Lock);
}

/* The bridge has zeroed the count of each descriptor that it is done with. */
static BOOLEAN V3busChainEmpty(PV3BUS_REQUEST Request)
{
    ULONG i;

    for (i = 0; i < Request->ChainLength; i++) {
        if (Request->Chain[i].Count != 0)
            return FALSE;
    }
    return TRUE;
}

/* The driver's own look at what was fetched. Who asked for it may map the buffer in other ways than
 * the driver does, so whatever is left of it in caches goes first. */
static NTSTATUS V3busLookAtData(PV3BUS_REQUEST Request)
{
    PV3BUS_EXTENSION extension = Request->Channel->Extension;
    PDMA_ADAPTER adapter = extension->Adapter;
    ULONG head = 0;
    NTSTATUS status;
    PVOID data;

    status = adapter->DmaOperations->FlushDmaBuffer(adapter, Request->Mdl, TRUE);
    if (!NT_SUCCESS(status))
        return status;
    data = MmGetSystemAddressForMdlSafe(Request->Mdl, NormalPagePriority | MdlMappingNoExecute);
    if (data == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(&head, data, Request->Length < sizeof(head) ? Request->Length : sizeof(head));

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    extension->Statistics.LastFetched = head;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    return STATUS_SUCCESS;
}

VOID V3busPieceDone(PV3BUS_REQUEST Request, NTSTATUS Status)
{
    NTSTATUS flushed;

    if (NT_SUCCESS(Status) && !V3busChainEmpty(Request))
        Status = STATUS_DEVICE_PROTOCOL_ERROR;
    V3busGiveUpChannel(Request->Channel);
    flushed = V3busFlushPiece(Request);
    if (NT_SUCCESS(Status))
        Status = flushed;
    if (NT_SUCCESS(Status))
        Request->Moved += Request->PieceLength;
    if (NT_SUCCESS(Status) && Request->Moved < Request->Length) {
        V3busStartPiece(Request);
        return;
    }
    if (NT_SUCCESS(Status) && Request->Fetch)
        Status = V3busLookAtData(Request);
    V3busEndRequest(Request, Status);
}

/* Only the owner of a request changes its phase, and only that of the running one takes it off the
 * channel; so these looks need no lock. */
VOID V3busAbortRequest(PV3BUS_REQUEST Request)
{
    if (Request->Phase == V3busPhaseWithdrawing) {
        V3busWithdraw(Request);
        return;
    }
    if (Request->Channel->Running == Request) {
        V3busStopChannel(Request->Channel);
        V3busGiveUpChannel(Request->Channel);
    }
    V3busFlushPiece(Request);
    V3busEndRequest(Request, V3busStopStatus(Request));
}
