/* WdfDmaTransactionInitialize and its kin (kmdf sheet, 2.3). */
#include "kmdf/dma_objects.h"
#include "kmdf/wdf_touches.h"

#define STATE(name) (1u << FT_TX_##name)

struct init_call {
    PFN_WDF_PROGRAM_DMA program;
    WDF_DMA_DIRECTION direction;
    PMDL mdl;
    uint64_t offset; /* in the first MDL */
    size_t length;
    WDFREQUEST request;
};

/* The framework's arithmetic: pages, MDL by MDL. */
NTSTATUS ft_wdf_tx_registers(const MDL *mdl, uint64_t offset, size_t length, ULONG most,
                             size_t *possible, ULONG *registers)
{
    size_t fits = 0, seen = 0;

    *registers = 0;
    for (; mdl && seen < length; mdl = mdl->Next, offset = 0) {
        size_t here = MmGetMdlByteCount(mdl) - (size_t)offset;
        size_t piece = here < length - seen ? here : length - seen;

        *registers +=
            (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlByteOffset(mdl) + offset, piece);
        seen += piece;
        if (*registers <= most)
            fits = seen;
    }
    if (possible)
        *possible = fits;
    return seen < length ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

/* An SG list of the transfer may be longer than the preallocated one. */
static NTSTATUS enlarge_list(struct ft_wdf_tx *tx, ULONG bytes)
{
    void *buffer;

    if (!tx->buffer || bytes <= tx->buffer_bytes)
        return STATUS_SUCCESS;
    buffer = ft_block_for_driver(bytes, FT_HC_OTHER, 0);
    if (!buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    ft_block_free(tx->buffer);
    tx->buffer = buffer;
    tx->buffer_bytes = bytes;
    return STATUS_SUCCESS;
}

/* The whole transaction has to be one transfer. */
static NTSTATUS prepare_single(struct ft_wdf_tx *tx)
{
    DMA_TRANSFER_INFO info = {.Version = DMA_TRANSFER_INFO_VERSION1};
    PDMA_ADAPTER adapter = tx->adapter->adapter;
    NTSTATUS status;

    if (tx->fragment_most < tx->enabler->config.MaximumLength)
        tx->fragment_most = tx->enabler->config.MaximumLength;
    if (tx->total > tx->fragment_most)
        return STATUS_WDF_TOO_MANY_TRANSFERS;
    status = adapter->DmaOperations->GetDmaTransferInfo(adapter, tx->mdl, tx->offset,
                                                        (ULONG)tx->total, tx->write, &info);
    if (!NT_SUCCESS(status))
        return status;
    if (info.V1.MapRegisterCount > (tx->reserved ? tx->reserved : tx->adapter->registers))
        return STATUS_WDF_NOT_ENOUGH_MAP_REGISTERS;
    if (info.V1.ScatterGatherElementCount > tx->enabler->elements_most ||
        (ft_wdf_enabler_is_packet(tx->enabler) && info.V1.ScatterGatherElementCount > 1))
        return STATUS_WDF_TOO_FRAGMENTED;
    return enlarge_list(tx, info.V1.ScatterGatherListSize);
}

static NTSTATUS prepare(struct ft_wdf_tx *tx)
{
    PDMA_ADAPTER adapter = tx->adapter->adapter;
    NTSTATUS status = STATUS_SUCCESS;

    /* The context of a reservation goes on serving it. */
    if (tx->enabler->version >= DEVICE_DESCRIPTION_VERSION3 && !tx->base_set)
        status = adapter->DmaOperations->InitializeDmaTransferContext(adapter, tx->context);
    if (NT_SUCCESS(status) && tx->single)
        status = prepare_single(tx);
    return NT_SUCCESS(status) ? tx->kind->prepare(tx) : status;
}

/* On failure the transaction is Released; a reservation stays. */
static NTSTATUS initialize(struct ft_wdf_tx *tx, const struct init_call *call)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_STATE;

    tx->adapter = ft_wdf_enabler_direction(tx->enabler, call->direction);
    if (tx->adapter) {
        tx->write = (uint8_t)call->direction;
        tx->program = call->program;
        tx->mdl = tx->fragment_mdl = call->mdl;
        tx->offset = tx->fragment_offset = call->offset;
        tx->total = tx->left = (ULONG)call->length;
        tx->moved = tx->fragment = 0;
        tx->fragment_most = tx->adapter->fragment_most;
        tx->cancelled = 0;
        tx->device_offset = 0;
        tx->serves = 0;
        status = prepare(tx);
    }
    if (NT_SUCCESS(status)) {
        tx->state = FT_TX_INITIALIZED;
        tx->request = call->request;
        ft_wdf_touch_request(ft_wdf_handle(tx->request));
        if (call->request)
            tx->serves = (uint16_t)ft_handle_id(ft_handle_of(WdfRequestWdmGetIrp(call->request)));
    } else {
        ft_wdf_tx_reuse(tx, false);
    }
    return status;
}

/* Packets of version 2 do not go beyond one MDL. */
static bool chains(const struct ft_wdf_enabler *enabler)
{
    return !ft_wdf_enabler_is_packet(enabler) || enabler->version >= DEVICE_DESCRIPTION_VERSION3;
}

static NTSTATUS check(const struct ft_wdf_tx *tx, const struct init_call *call)
{
    ULONG bytes = MmGetMdlByteCount(call->mdl);

    if (call->length == 0 || (unsigned)call->direction > WdfDmaDirectionWriteToDevice ||
        call->offset >= bytes)
        return STATUS_INVALID_PARAMETER;
    if (!chains(tx->enabler) && call->length > bytes - call->offset)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static void announce(uint64_t tx, const struct init_call *call, NTSTATUS status, unsigned how)
{
    ft_wdf_driver_event(FT_EV_WDF_TX_INIT, tx, ft_wdf_handle(call->request),
                        ft_handle_of(call->mdl), call->offset, call->length, call->direction,
                        (uint32_t)status, how);
}

static NTSTATUS initialize_mdl(struct ft_wdf_tx *tx, const struct init_call *call, unsigned how)
{
    NTSTATUS status;

    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_require((const void *)call->program);
    ft_wdf_require(call->mdl);
    status = check(tx, call);
    if (NT_SUCCESS(status)) {
        ft_wdf_tx_must(tx, FT_TX_CALL_INITIALIZE,
                       STATE(CREATED) | STATE(RESERVED) | STATE(RELEASED));
        status = initialize(tx, call);
    }
    announce(ft_wdf_handle(tx), call, status, how);
    return status;
}

NTSTATUS WdfDmaTransactionInitialize(WDFDMATRANSACTION DmaTransaction,
                                     PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
                                     WDF_DMA_DIRECTION DmaDirection, PMDL Mdl, PVOID VirtualAddress,
                                     size_t Length)
{
    struct init_call call = {
        .program = EvtProgramDmaFunction, .direction = DmaDirection, .mdl = Mdl, .length = Length};
    unsigned label = ft_wdf_label(DmaTransaction);
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_TX, label);
    if (Mdl) /* an address before the MDL's is an offset beyond it */
        call.offset =
            (uint64_t)(uintptr_t)VirtualAddress - (uint64_t)(uintptr_t)MmGetMdlVirtualAddress(Mdl);
    status = initialize_mdl(ft_wdf_tx_check(DmaTransaction), &call, FT_TX_BY_MDL);
    FT_WDF_END(WDF_TX, label);
    return status;
}

NTSTATUS WdfDmaTransactionInitializeUsingOffset(WDFDMATRANSACTION DmaTransaction,
                                                PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
                                                WDF_DMA_DIRECTION DmaDirection, PMDL Mdl,
                                                size_t Offset, size_t Length)
{
    const struct init_call call = {.program = EvtProgramDmaFunction,
                                   .direction = DmaDirection,
                                   .mdl = Mdl,
                                   .offset = Offset,
                                   .length = Length};
    unsigned label = ft_wdf_label(DmaTransaction);
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_TX, label);
    status = initialize_mdl(ft_wdf_tx_check(DmaTransaction), &call, FT_TX_BY_OFFSET);
    FT_WDF_END(WDF_TX, label);
    return status;
}

NTSTATUS WdfDmaTransactionInitializeUsingRequest(WDFDMATRANSACTION DmaTransaction,
                                                 WDFREQUEST Request,
                                                 PFN_WDF_PROGRAM_DMA EvtProgramDmaFunction,
                                                 WDF_DMA_DIRECTION DmaDirection)
{
    struct init_call call = {
        .program = EvtProgramDmaFunction, .direction = DmaDirection, .request = Request};
    unsigned label = ft_wdf_label(DmaTransaction);
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct ft_wdf_tx *tx;
    ULONG length = 0;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    ft_wdf_check(Request, FT_HC_WDF_REQUEST);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_require((const void *)EvtProgramDmaFunction);
    if ((unsigned)DmaDirection <= WdfDmaDirectionWriteToDevice)
        status = ft_wdf_request_dma(Request, DmaDirection, &call.mdl, &length);
    call.length = length;
    if (NT_SUCCESS(status))
        status = check(tx, &call);
    if (NT_SUCCESS(status)) {
        ft_wdf_tx_must(tx, FT_TX_CALL_INITIALIZE,
                       STATE(CREATED) | STATE(RESERVED) | STATE(RELEASED));
        status = initialize(tx, &call);
    }
    announce(ft_wdf_handle(tx), &call, status, FT_TX_BY_REQUEST);
    FT_WDF_END(WDF_TX, label);
    return status;
}
