/* What a transaction can be asked and told besides (kmdf sheet, 2.9), and the calls of DMA version
 * 3: on an older enabler they do nothing but break into the debugger of KMDF Verifier. */
#include "kmdf/dma_objects.h"

#define STATE(name) (1u << FT_TX_##name)

static bool needs_3(const struct ft_wdf_tx *tx, enum ft_tx_call call)
{
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if (tx->enabler->version >= DEVICE_DESCRIPTION_VERSION3)
        return true;
    ft_wdf_tx_break(tx, call);
    return false;
}

static void asked(const struct ft_wdf_tx *tx, unsigned what, uint64_t value)
{
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_driver_event(FT_EV_WDF_TX_ASK, ft_wdf_handle(tx), what, value, tx->state);
}

static void told(const struct ft_wdf_tx *tx, enum ft_tx_call call, uint64_t value)
{
    ft_wdf_driver_event(FT_EV_WDF_TX_SET, ft_wdf_handle(tx), call, value, tx->state);
}

/* ---- asked ---- */

static size_t ask_bytes(WDFDMATRANSACTION handle, unsigned what)
{
    const struct ft_wdf_tx *tx = ft_wdf_tx_check(handle);
    size_t bytes = what == FT_TX_ASK_BYTES ? tx->moved : tx->fragment;

    asked(tx, what, bytes);
    return bytes;
}

size_t WdfDmaTransactionGetBytesTransferred(WDFDMATRANSACTION DmaTransaction)
{
    FT_WDF_RETURN(size_t, WDF_TX, ft_wdf_label(DmaTransaction),
                  ask_bytes(DmaTransaction, FT_TX_ASK_BYTES));
}

size_t WdfDmaTransactionGetCurrentDmaTransferLength(WDFDMATRANSACTION DmaTransaction)
{
    FT_WDF_RETURN(size_t, WDF_TX, ft_wdf_label(DmaTransaction),
                  ask_bytes(DmaTransaction, FT_TX_ASK_FRAGMENT));
}

/* A request that was completed before Release is still named. */
WDFREQUEST WdfDmaTransactionGetRequest(WDFDMATRANSACTION DmaTransaction)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    const struct ft_wdf_tx *tx;
    WDFREQUEST request;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    request = tx->request;
    asked(tx, FT_TX_ASK_REQUEST, ft_handle_of(request));
    FT_WDF_END(WDF_TX, label);
    return request;
}

WDFDEVICE WdfDmaTransactionGetDevice(WDFDMATRANSACTION DmaTransaction)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    const struct ft_wdf_tx *tx;
    WDFDEVICE device;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    device = (WDFDEVICE)tx->enabler->object.device;
    asked(tx, FT_TX_ASK_DEVICE, ft_wdf_handle(device));
    FT_WDF_END(WDF_TX, label);
    return device;
}

/* The framework counts pages itself for version 2, and asks the HAL of version 3. */
static void transfer_info(const struct ft_wdf_tx *tx, ULONG *registers, ULONG *elements)
{
    DMA_TRANSFER_INFO info = {.Version = DMA_TRANSFER_INFO_VERSION1};
    PDMA_ADAPTER adapter = tx->adapter->adapter;

    if (tx->enabler->version >= DEVICE_DESCRIPTION_VERSION3) {
        adapter->DmaOperations->GetDmaTransferInfo(adapter, tx->mdl, tx->offset, (ULONG)tx->total,
                                                   tx->write, &info);
    } else {
        ft_wdf_tx_registers(tx->mdl, tx->offset, tx->total, ~0u, NULL, &info.V1.MapRegisterCount);
        info.V1.ScatterGatherElementCount = info.V1.MapRegisterCount;
    }
    if (registers)
        *registers = info.V1.MapRegisterCount;
    if (elements)
        *elements = info.V1.ScatterGatherElementCount;
    asked(tx, FT_TX_ASK_INFO, info.V1.MapRegisterCount);
}

VOID WdfDmaTransactionGetTransferInfo(WDFDMATRANSACTION DmaTransaction, ULONG *MapRegisterCount,
                                      ULONG *ScatterGatherElementCount)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    const struct ft_wdf_tx *tx;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_tx_must(tx, FT_TX_CALL_TRANSFER_INFO, STATE(INITIALIZED));
    transfer_info(tx, MapRegisterCount, ScatterGatherElementCount);
    FT_WDF_END(WDF_TX, label);
}

PVOID WdfDmaTransactionWdmGetTransferContext(WDFDMATRANSACTION DmaTransaction)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    struct ft_wdf_tx *tx;
    void *context = NULL;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    if (needs_3(tx, FT_TX_CALL_GET_CONTEXT)) {
        if (tx->state == FT_TX_CREATED || tx->state == FT_TX_RELEASED)
            ft_wdf_tx_break(tx, FT_TX_CALL_GET_CONTEXT);
        else
            context = tx->context;
        asked(tx, FT_TX_ASK_CONTEXT, context != NULL);
    }
    FT_WDF_END(WDF_TX, label);
    return context;
}

/* ---- told ---- */

VOID WdfDmaTransactionSetMaximumLength(WDFDMATRANSACTION DmaTransaction, size_t MaximumLength)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    struct ft_wdf_tx *tx;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if (!tx->adapter)
        ft_wdf_tx_null(tx, FT_TX_CALL_SET_MAXIMUM);
    if (MaximumLength < tx->adapter->fragment_most)
        tx->fragment_most = MaximumLength;
    told(tx, FT_TX_CALL_SET_MAXIMUM, MaximumLength);
    FT_WDF_END(WDF_TX, label);
}

VOID WdfDmaTransactionSetSingleTransferRequirement(WDFDMATRANSACTION DmaTransaction,
                                                   BOOLEAN RequireSingleTransfer)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    struct ft_wdf_tx *tx;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    if (needs_3(tx, FT_TX_CALL_SET_SINGLE)) {
        if ((STATE(CREATED) | STATE(RELEASED) | STATE(RESERVED)) & 1u << tx->state)
            tx->single = RequireSingleTransfer != FALSE;
        else
            ft_wdf_tx_break(tx, FT_TX_CALL_SET_SINGLE);
        told(tx, FT_TX_CALL_SET_SINGLE, RequireSingleTransfer);
    }
    FT_WDF_END(WDF_TX, label);
}

/* In a state that forbids it the flag changes nevertheless. */
VOID WdfDmaTransactionSetImmediateExecution(WDFDMATRANSACTION DmaTransaction,
                                            BOOLEAN UseImmediateExecution)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    struct ft_wdf_tx *tx;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    if (needs_3(tx, FT_TX_CALL_SET_IMMEDIATE)) {
        if (!((STATE(CREATED) | STATE(INITIALIZED) | STATE(RELEASED)) & 1u << tx->state))
            ft_wdf_tx_break(tx, FT_TX_CALL_SET_IMMEDIATE);
        tx->at_once = UseImmediateExecution != FALSE;
        told(tx, FT_TX_CALL_SET_IMMEDIATE, UseImmediateExecution);
    }
    FT_WDF_END(WDF_TX, label);
}

/* ---- version 3: reservation and Cancel ---- */

static bool may_reserve(const struct ft_wdf_tx *tx, enum ft_tx_call call)
{
    if (!needs_3(tx, call))
        return false;
    if (ft_wdf_enabler_is_packet(tx->enabler) || ft_wdf_enabler_is_system(tx->enabler))
        return true;
    ft_wdf_tx_break(tx, call);
    return false;
}

NTSTATUS WdfDmaTransactionAllocateResources(WDFDMATRANSACTION DmaTransaction,
                                            WDF_DMA_DIRECTION DmaDirection,
                                            ULONG RequiredMapRegisters,
                                            PFN_WDF_RESERVE_DMA EvtReserveDmaFunction,
                                            PVOID EvtReserveDmaContext)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_tx *tx;
    uint64_t handle;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    handle = ft_wdf_handle(tx);
    if (may_reserve(tx, FT_TX_CALL_RESERVE)) {
        status = STATUS_INVALID_PARAMETER;
        if ((unsigned)DmaDirection <= WdfDmaDirectionWriteToDevice) {
            ft_wdf_require((const void *)EvtReserveDmaFunction);
            status = ft_wdf_tx_reserve(tx, DmaDirection, RequiredMapRegisters,
                                       EvtReserveDmaFunction, EvtReserveDmaContext);
        }
    }
    ft_wdf_emit(FT_EV_WDF_TX_RESERVE, handle, RequiredMapRegisters, DmaDirection, (uint32_t)status);
    FT_WDF_END(WDF_TX, label);
    return status;
}

VOID WdfDmaTransactionFreeResources(WDFDMATRANSACTION DmaTransaction)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    struct ft_wdf_tx *tx;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    if (may_reserve(tx, FT_TX_CALL_FREE)) {
        ft_wdf_emit(FT_EV_WDF_TX_RELEASE, ft_wdf_handle(tx), 1, tx->state);
        ft_wdf_tx_must_be_idle(tx, FT_TX_CALL_FREE,
                               ~(STATE(INVALID) | STATE(CREATED) | STATE(TRANSFER)));
        ft_wdf_tx_reuse(tx, true);
    }
    FT_WDF_END(WDF_TX, label);
}

BOOLEAN WdfDmaTransactionCancel(WDFDMATRANSACTION DmaTransaction)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    BOOLEAN cancelled = FALSE;
    PDMA_ADAPTER adapter;
    struct ft_wdf_tx *tx;
    unsigned state;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    if (needs_3(tx, FT_TX_CALL_CANCEL)) {
        state = tx->state;
        ft_wdf_tx_must(tx, FT_TX_CALL_CANCEL, ~(STATE(CREATED) | STATE(RELEASED)));
        if (!tx->adapter)
            ft_wdf_tx_null(tx, FT_TX_CALL_CANCEL);
        adapter = tx->adapter->adapter;
        cancelled = adapter->DmaOperations->CancelAdapterChannel(
            adapter, tx->enabler->object.device->fdo, tx->context);
        if (cancelled) {
            if (state == FT_TX_RESERVED) /* which will not be granted */
                tx->reserved = 0;
            tx->state = FT_TX_FAILED;
            ft_wdf_tx_let_go(tx);
        }
        ft_wdf_emit(FT_EV_WDF_TX_CANCEL, ft_wdf_handle(tx), cancelled, state);
    }
    FT_WDF_END(WDF_TX, label);
    return cancelled;
}
