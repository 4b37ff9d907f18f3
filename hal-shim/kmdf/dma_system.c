/* What system profiles have beside dma_packet.c: the callbacks around a transfer of the system DMA
 * controller (kmdf sheet, 2.6, 2.9). */
#include "kmdf/dma_objects.h"

static uint64_t configure_thunk(void *a, void *b, void *c, void *d)
{
    const struct ft_wdf_tx *tx = a;

    (void)c;
    (void)d;
    return tx->configure((WDFDMATRANSACTION)a, (WDFDEVICE)b, tx->configure_context, tx->mdl,
                         tx->fragment_offset, tx->fragment);
}

bool ft_wdf_tx_configure(struct ft_wdf_tx *tx)
{
    bool go_on = true;

    if (tx->configure)
        FT_WDF_TX_HAL(tx, go_on = (uint8_t)ft_wdf_call(FT_ROUTINE_WDF_DMA_CONFIGURE, tx,
                                                       configure_thunk, tx,
                                                       tx->enabler->object.device, NULL, NULL));
    return go_on;
}

static uint64_t complete_thunk(void *a, void *b, void *c, void *d)
{
    const struct ft_wdf_tx *tx = a;

    (void)d;
    tx->complete((WDFDMATRANSACTION)a, (WDFDEVICE)b, tx->complete_context,
                 (WDF_DMA_DIRECTION)tx->write, (DMA_COMPLETION_STATUS)(uintptr_t)c);
    return 0;
}

/* Without a callback nobody is told, and the transaction waits for the driver. */
void ft_wdf_tx_complete(struct ft_wdf_tx *tx, DMA_COMPLETION_STATUS status)
{
    if (tx->complete)
        FT_WDF_TX_HAL(tx, ft_call_driver_routine(FT_ROUTINE_WDF_DMA_DONE, ft_wdf_handle(tx), 0,
                                                 tx->serves, complete_thunk, tx,
                                                 tx->enabler->object.device,
                                                 (void *)(uintptr_t)status, NULL));
}

/* While a fragment is being staged the news waits: EvtProgramDma comes first. */
FT_FRAMEWORK_ROUTINE
static VOID NTAPI completion_routine(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context,
                                     DMA_COMPLETION_STATUS status)
{
    struct ft_wdf_tx *tx = context;

    (void)adapter;
    (void)device;
    if (tx->staging) {
        tx->completion = (uint8_t)status;
        tx->complete_due = 1;
    } else {
        ft_wdf_tx_complete(tx, status);
    }
}

PDMA_COMPLETION_ROUTINE ft_wdf_tx_routine(const struct ft_wdf_tx *tx)
{
    return ft_wdf_enabler_is_system(tx->enabler) && tx->complete ? completion_routine : NULL;
}

VOID WdfDmaTransactionStopSystemTransfer(WDFDMATRANSACTION DmaTransaction)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    bool stopped = false;
    PDMA_ADAPTER adapter;
    struct ft_wdf_tx *tx;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if (!ft_wdf_enabler_is_system(tx->enabler)) {
        ft_wdf_tx_break(tx, FT_TX_CALL_STOP);
    } else {
        if (!tx->adapter)
            ft_wdf_tx_null(tx, FT_TX_CALL_STOP);
        adapter = tx->adapter->adapter;
        /* The machine's HAL takes a second cancellation; Windows says that it was stopped. */
        stopped = NT_SUCCESS(adapter->DmaOperations->CancelMappedTransfer(adapter, tx->context)) &&
                  !tx->cancelled;
        tx->cancelled = 1;
        ft_wdf_emit(FT_EV_WDF_TX_STOP, ft_wdf_handle(tx), stopped);
        ft_wdf_tx_must(tx, FT_TX_CALL_STOP, stopped ? ~0u : 0);
    }
    FT_WDF_END(WDF_TX, label);
}

/* ---- the setters: system profiles only ---- */

static bool for_system(const struct ft_wdf_tx *tx, enum ft_tx_call call, uint64_t value)
{
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if (!ft_wdf_enabler_is_system(tx->enabler)) {
        ft_wdf_tx_break(tx, call);
        return false;
    }
    ft_wdf_driver_event(FT_EV_WDF_TX_SET, ft_wdf_handle(tx), call, value, tx->state);
    return true;
}

VOID WdfDmaTransactionSetChannelConfigurationCallback(
    WDFDMATRANSACTION DmaTransaction,
    PFN_WDF_DMA_TRANSACTION_CONFIGURE_DMA_CHANNEL ConfigureRoutine, PVOID ConfigureContext)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    struct ft_wdf_tx *tx;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    if (for_system(tx, FT_TX_CALL_SET_CONFIGURE, ConfigureRoutine != NULL)) {
        tx->configure = ConfigureRoutine;
        tx->configure_context = ConfigureContext;
    }
    FT_WDF_END(WDF_TX, label);
}

VOID WdfDmaTransactionSetTransferCompleteCallback(
    WDFDMATRANSACTION DmaTransaction,
    PFN_WDF_DMA_TRANSACTION_DMA_TRANSFER_COMPLETE DmaCompletionRoutine, PVOID DmaCompletionContext)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    struct ft_wdf_tx *tx;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    if (for_system(tx, FT_TX_CALL_SET_COMPLETE, DmaCompletionRoutine != NULL)) {
        tx->complete = DmaCompletionRoutine;
        tx->complete_context = DmaCompletionContext;
    }
    FT_WDF_END(WDF_TX, label);
}

VOID WdfDmaTransactionSetDeviceAddressOffset(WDFDMATRANSACTION DmaTransaction, ULONG Offset)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    struct ft_wdf_tx *tx;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    if (for_system(tx, FT_TX_CALL_SET_OFFSET, Offset))
        tx->device_offset = Offset;
    FT_WDF_END(WDF_TX, label);
}
