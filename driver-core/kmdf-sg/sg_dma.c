/*
 * sg_dma.c: the fragments of a request.
 *
 * WdfDmaTransactionExecute leads to EvtSgProgramDma, at once or when map registers come free; so
 * does WdfDmaTransactionDmaCompleted for each further fragment. EvtSgProgramDma writes the chain
 * and gives it to the channel: Running. Whoever takes the request off the channel owns it and tells
 * the framework that the fragment is over.
 */
#include "sg.h"

/* Writes the descriptors of a list. FALSE: the bridge cannot take it. */
static BOOLEAN SgWriteChain(PSG_CHANNEL Channel, PSCATTER_GATHER_LIST List)
{
    ULONG local =
        Channel->LocalAddress + (ULONG)WdfDmaTransactionGetBytesTransferred(Channel->Transaction);
    ULONG flags = PLX_NEXT_IN_PCI | (Channel->Index == SG_WRITE ? 0 : PLX_NEXT_TO_PCI);
    ULONG next = Channel->ChainLogicalAddress;
    ULONG i;

    if (List->NumberOfElements == 0 || List->NumberOfElements > SG_DESCRIPTORS)
        return FALSE;
    for (i = 0; i < List->NumberOfElements; i++) {
        PSCATTER_GATHER_ELEMENT element = &List->Elements[i];

        if (element->Address.HighPart != 0)
            return FALSE;
        next += sizeof(PLX_DESCRIPTOR);
        Channel->Chain[i].PciAddress = element->Address.LowPart;
        Channel->Chain[i].LocalAddress = local;
        Channel->Chain[i].Count = element->Length;
        Channel->Chain[i].Next = next | flags;
        local += element->Length;
    }
    Channel->Chain[i - 1].Next = PLX_NEXT_END | flags;
    KeMemoryBarrier();
    return TRUE;
}

/* Ends the transaction with the present fragment, of which nothing was moved. */
static VOID SgEndTransaction(PSG_CHANNEL Channel)
{
    NTSTATUS ignored;

    WdfDmaTransactionDmaCompletedFinal(Channel->Transaction, 0, &ignored);
}

/* DISPATCH_LEVEL. From Running on the request may end on another processor before this returns. */
BOOLEAN EvtSgProgramDma(WDFDMATRANSACTION Transaction, WDFDEVICE Device, WDFCONTEXT Context,
                        WDF_DMA_DIRECTION Direction, PSCATTER_GATHER_LIST List)
{
    PSG_CHANNEL channel = (PSG_CHANNEL)Context;
    PSG_DEVICE device = channel->Device;
    BOOLEAN written;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Transaction);
    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Direction);

    written = SgWriteChain(channel, List);

    WdfSpinLockAcquire(device->Lock);
    status = SgGetRequest(channel->Request)->StopStatus;
    if (NT_SUCCESS(status) && !written)
        status = STATUS_DEVICE_CONFIGURATION_ERROR;
    channel->Phase = NT_SUCCESS(status) ? SgPhaseRunning : SgPhaseOwned;
    if (NT_SUCCESS(status))
        WdfInterruptSynchronize(device->Interrupt, EvtSgStartChain, channel);
    WdfSpinLockRelease(device->Lock);
    if (NT_SUCCESS(status))
        return TRUE;

    SgEndTransaction(channel);
    SgFinishRequest(channel, status, FALSE);
    return FALSE;
}

VOID SgFragmentDone(PSG_CHANNEL Channel)
{
    PSG_DEVICE device = Channel->Device;
    NTSTATUS status;

    WdfSpinLockAcquire(device->Lock);
    status = Channel->Result;
    if (NT_SUCCESS(status))
        Channel->Phase = SgPhaseWaiting; /* the next fragment, if there is one */
    WdfSpinLockRelease(device->Lock);

    if (!NT_SUCCESS(status))
        SgEndTransaction(Channel);
    else if (!WdfDmaTransactionDmaCompleted(Channel->Transaction, &status))
        return; /* EvtSgProgramDma goes on, or has gone on */
    SgFinishRequest(Channel, status, FALSE);
}

VOID SgAbortFragment(PSG_CHANNEL Channel)
{
    SgStopChannel(Channel);
    SgEndTransaction(Channel);
}
