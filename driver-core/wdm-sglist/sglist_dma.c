/*
 * sglist_dma.c: the pieces of a request.
 *
 * The life of a piece, each line with the phase it leaves:
 *
 * - SglistStartPiece asks for a list: ListWait. A list may need as many map registers as the
 *   adapter has, and requests wait for them in turn; each has one list at a time, so one that waits
 *   never keeps another from ending.
 * - SglistListControl writes the chain: Ready. It may run inside the call that asks for the list,
 *   inside PutScatterGatherList of another request, or at any time later, on any processor.
 * - When the channel is free it is given the chain: Running.
 * - DpcForIsr lets the channel go on with the next ready chain, puts the list and starts the next
 *   piece, or completes the request: Free.
 *
 * There is no way to take back a request for a list. When SglistListControl finds that the request
 * is to stop, it leaves the list to a DPC, which runs on the same processor after it has returned:
 * a list is not put inside the routine that delivers it.
 */
#include "sglist.h"

static DRIVER_LIST_CONTROL SglistListControl;

static VOID SglistPutList(PSGLIST_REQUEST Request)
{
    PDMA_ADAPTER adapter = Request->Channel->Extension->Adapter;
    PSCATTER_GATHER_LIST list = Request->List;

    Request->List = NULL;
    adapter->DmaOperations->PutScatterGatherList(adapter, list, Request->Channel->Write);
}

static NTSTATUS SglistStopStatus(PSGLIST_REQUEST Request)
{
    PSGLIST_EXTENSION extension = Request->Channel->Extension;
    NTSTATUS status;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    status = Request->StopStatus;
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    return status;
}

/* The longest piece at this address that the map registers and a chain can take. Unless it is the
 * last, it ends with a page, so that no two pieces share a cache line. */
static ULONG SglistPieceLength(PSGLIST_REQUEST Request, PVOID Va)
{
    ULONG left = Request->Length - Request->Moved;
    ULONG reach = Request->Channel->Extension->MapRegisters * PAGE_SIZE - BYTE_OFFSET(Va);

    return left < reach ? left : reach;
}

VOID SglistStartPiece(PSGLIST_REQUEST Request)
{
    PSGLIST_EXTENSION extension = Request->Channel->Extension;
    PDMA_ADAPTER adapter = extension->Adapter;
    PVOID va = (PUCHAR)MmGetMdlVirtualAddress(Request->Mdl) + Request->Moved;
    NTSTATUS status;

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    status = Request->StopStatus;
    if (NT_SUCCESS(status)) {
        Request->PieceLength = SglistPieceLength(Request, va);
        Request->Phase = SglistPhaseListWait;
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
    if (!NT_SUCCESS(status)) {
        SglistFinishRequest(Request, status);
        return;
    }

    if (Request->Channel->Write)
        status = adapter->DmaOperations->BuildScatterGatherList(
            adapter, extension->Self, Request->Mdl, va, Request->PieceLength, SglistListControl,
            Request, TRUE, Request->ListBuffer, extension->ListBufferBytes);
    else
        status = adapter->DmaOperations->GetScatterGatherList(
            adapter, extension->Self, Request->Mdl, va, Request->PieceLength, SglistListControl,
            Request, FALSE);
    /* After a success the request is SglistListControl's. After a failure that will never run. */
    if (!NT_SUCCESS(status))
        SglistFinishRequest(Request, status);
}

/* Writes the descriptors of a list. FALSE: the bridge cannot take it. */
static BOOLEAN SglistWriteChain(PSGLIST_REQUEST Request)
{
    PSCATTER_GATHER_LIST list = Request->List;
    ULONG local = Request->LocalAddress + Request->Moved;
    ULONG flags = PLX_NEXT_IN_PCI | (Request->Channel->Write ? 0 : PLX_NEXT_TO_PCI);
    ULONG next = Request->ChainLogicalAddress;
    ULONG i;

    if (list->NumberOfElements == 0 || list->NumberOfElements > SGLIST_DESCRIPTORS)
        return FALSE;
    for (i = 0; i < list->NumberOfElements; i++) {
        PSCATTER_GATHER_ELEMENT element = &list->Elements[i];

        if (element->Address.HighPart != 0)
            return FALSE;
        next += sizeof(PLX_DESCRIPTOR);
        Request->Chain[i].PciAddress = element->Address.LowPart;
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

/* DISPATCH_LEVEL. From Ready on the request may end on another processor before this returns. */
static VOID SglistListControl(PDEVICE_OBJECT DeviceObject, PIRP Irp, PSCATTER_GATHER_LIST List,
                              PVOID Context)
{
    PSGLIST_REQUEST request = (PSGLIST_REQUEST)Context;
    PSGLIST_CHANNEL channel = request->Channel;
    PSGLIST_EXTENSION extension = channel->Extension;
    BOOLEAN written;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);

    request->List = List;
    written = SglistWriteChain(request);

    KeAcquireSpinLockAtDpcLevel(&extension->Lock);
    extension->Statistics.Pieces++;
    if (!written && NT_SUCCESS(request->StopStatus))
        request->StopStatus = STATUS_DEVICE_CONFIGURATION_ERROR;
    if (NT_SUCCESS(request->StopStatus)) {
        request->Phase = SglistPhaseReady;
        InsertTailList(&channel->Ready, &request->ReadyLink);
        SglistStartChannelLocked(channel);
    } else {
        request->Phase = SglistPhaseOwned;
        KeInsertQueueDpc(&request->ListDpc, NULL, NULL);
    }
    KeReleaseSpinLockFromDpcLevel(&extension->Lock);
}

VOID SglistListDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PSGLIST_REQUEST request = (PSGLIST_REQUEST)Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);

    SglistPutList(request);
    SglistFinishRequest(request, SglistStopStatus(request));
}

/* By the owner of the request that has the channel. */
static VOID SglistGiveUpChannel(PSGLIST_CHANNEL Channel)
{
    KeAcquireSpinLockAtDpcLevel(&Channel->Extension->Lock);
    Channel->Running = NULL;
    SglistStartChannelLocked(Channel);
    KeReleaseSpinLockFromDpcLevel(&Channel->Extension->Lock);
}

/* The bridge has zeroed the count of each descriptor that it is done with. */
static BOOLEAN SglistChainEmpty(PSGLIST_REQUEST Request)
{
    ULONG i;

    for (i = 0; i < Request->ChainLength; i++) {
        if (Request->Chain[i].Count != 0)
            return FALSE;
    }
    return TRUE;
}

VOID SglistPieceDone(PSGLIST_REQUEST Request, NTSTATUS Status)
{
    if (NT_SUCCESS(Status) && !SglistChainEmpty(Request))
        Status = STATUS_DEVICE_PROTOCOL_ERROR;
    SglistGiveUpChannel(Request->Channel);
    SglistPutList(Request);
    if (NT_SUCCESS(Status))
        Request->Moved += Request->PieceLength;
    if (!NT_SUCCESS(Status) || Request->Moved == Request->Length)
        SglistFinishRequest(Request, Status);
    else
        SglistStartPiece(Request);
}

/* Only the owner of the running request takes it off the channel, so the look at Running needs no
 * lock. */
VOID SglistAbortRequest(PSGLIST_REQUEST Request)
{
    if (Request->Channel->Running == Request) {
        SglistStopChannel(Request->Channel);
        SglistGiveUpChannel(Request->Channel);
    }
    SglistPutList(Request);
    SglistFinishRequest(Request, SglistStopStatus(Request));
}
