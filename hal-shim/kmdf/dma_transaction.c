/* WDFDMATRANSACTION: its states, and the calls that every kind has (kmdf sheet, 2.1 to 2.4, 2.7).
 *
 * KMDF Verifier is on: Release and delete in Transfer stop the machine. A call that follows a null
 * pointer of the framework's (SetMaximumLength without parameters, Cancel after the end) does so
 * here, too.
 *
 * Conflict with the source: Release, FreeResources and deletion while the HAL has not granted a
 * reservation take nothing back there, and EvtReserveDma's caller finds a transaction that is no
 * more. Here they stop the machine as a call in a wrong state does; Cancel is what takes it back.
 */
#include "kmdf/dma_objects.h"
#include "kmdf/wdf_touches.h"

#define STATE(name) (1u << FT_TX_##name)
enum { NULL_POINTER_CODE = 0xD1 }; /* DRIVER_IRQL_NOT_LESS_OR_EQUAL */

/* ---- states ---- */

struct ft_wdf_tx *ft_wdf_tx_check(WDFDMATRANSACTION handle)
{
    return ft_wdf_check(handle, FT_HC_WDF_TRANSACTION);
}

void ft_wdf_tx_must(const struct ft_wdf_tx *tx, enum ft_tx_call call, unsigned states)
{
    if (states & 1u << tx->state)
        return;
    ft_wdf_driver_event(FT_EV_WDF_TX_BAD, ft_wdf_handle(tx), call, tx->state, FT_TX_BAD_STOPS);
    ft_wdf_bugcheck(FT_WDF_DMA_ERROR, ft_wdf_handle(tx), tx->state, 0);
}

void ft_wdf_tx_break(const struct ft_wdf_tx *tx, enum ft_tx_call call)
{
    ft_wdf_driver_event(FT_EV_WDF_TX_BAD, ft_wdf_handle(tx), call, tx->state, FT_TX_BAD_BREAKS);
}

_Noreturn void ft_wdf_tx_null(const struct ft_wdf_tx *tx, enum ft_tx_call call)
{
    ft_wdf_driver_event(FT_EV_WDF_TX_BAD, ft_wdf_handle(tx), call, tx->state, FT_TX_BAD_NULL);
    ft_bugcheck(NULL_POINTER_CODE, 0, ft_irql(), 0, 0);
}

void ft_wdf_tx_must_be_idle(const struct ft_wdf_tx *tx, enum ft_tx_call call, unsigned states)
{
    bool waits = tx->state == FT_TX_RESERVED && !tx->base_set;

    ft_wdf_tx_must(tx, call, waits ? 0 : states);
}

uint16_t ft_wdf_tx_serve(const struct ft_wdf_tx *tx)
{
    struct ft_task *task = ft_current();
    uint16_t before = task->request;

    if (tx->serves)
        task->request = tx->serves;
    return before;
}

void ft_wdf_tx_let_go(struct ft_wdf_tx *tx)
{
    if (!tx->held)
        return;
    tx->held = 0;
    ft_wdf_request_hold(tx->request, -1);
    ft_wdf_object_release((struct ft_wdf_object *)tx->request);
}

/* What Release clears. The callbacks of system profiles stay. */
static void reset(struct ft_wdf_tx *tx)
{
    tx->fragment_most = tx->fragment = tx->total = tx->left = tx->moved = 0;
    tx->mdl = tx->fragment_mdl = NULL;
    tx->offset = tx->fragment_offset = 0;
    tx->at_once = 0;
    tx->program = NULL;
    tx->program_context = NULL;
    tx->single = tx->enabler->config.Flags & WDF_DMA_ENABLER_CONFIG_REQUIRE_SINGLE_TRANSFER ? 1 : 0;
}

void ft_wdf_tx_reuse(struct ft_wdf_tx *tx, bool forced)
{
    tx->state = FT_TX_RELEASED;
    tx->kind->release(tx, forced);
    reset(tx);
    ft_wdf_tx_let_go(tx);
    tx->request = NULL;
}

/* ---- WdfDmaTransactionCreate ---- */

static void dispose(struct ft_wdf_object *object)
{
    struct ft_wdf_tx *tx = (struct ft_wdf_tx *)object;

    ft_emit(FT_EV_WDF_TX_END, ft_wdf_handle(tx), tx->state);
    ft_wdf_tx_must_be_idle(tx, FT_TX_CALL_DELETE, ~STATE(TRANSFER));
    tx->state = FT_TX_DELETED;
    tx->kind->release(tx, true);
    ft_wdf_tx_let_go(tx);
    tx->request = NULL;
    if (tx->buffer)
        ft_block_free(tx->buffer);
    tx->buffer = NULL;
}

static const struct ft_wdf_class tx_class = {
    .handle_class = FT_HC_WDF_TRANSACTION,
    .dispose = dispose,
};

static NTSTATUS create(struct ft_wdf_enabler *enabler, const WDF_OBJECT_ATTRIBUTES *attributes,
                       struct ft_wdf_tx **ret)
{
    NTSTATUS status = ft_wdf_attributes_check(attributes, false);
    bool lists = !ft_wdf_enabler_is_packet(enabler) && !ft_wdf_enabler_is_system(enabler);
    struct ft_wdf_tx *tx;

    if (!NT_SUCCESS(status))
        return status;
    tx = ft_wdf_object_new(&tx_class, sizeof *tx, &enabler->object, attributes, &status);
    if (!tx)
        return status;
    tx->enabler = enabler;
    tx->kind = lists ? &ft_wdf_tx_lists : &ft_wdf_tx_packets;
    tx->state = FT_TX_CREATED;
    reset(tx);
    if (lists && enabler->list_bytes) {
        tx->buffer = ft_block_for_driver(enabler->list_bytes, FT_HC_OTHER, 0);
        tx->buffer_bytes = enabler->list_bytes;
    }
    if (lists && enabler->list_bytes && !tx->buffer) {
        ft_wdf_object_abandon(&tx->object);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *ret = tx;
    return STATUS_SUCCESS;
}

NTSTATUS WdfDmaTransactionCreate(WDFDMAENABLER DmaEnabler, PWDF_OBJECT_ATTRIBUTES Attributes,
                                 WDFDMATRANSACTION *DmaTransaction)
{
    unsigned label = ft_wdf_label(DmaEnabler);
    struct ft_wdf_enabler *enabler;
    struct ft_wdf_tx *tx = NULL;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_TX, label);
    enabler = ft_wdf_check(DmaEnabler, FT_HC_WDF_ENABLER);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL)) {
        ft_wdf_require(DmaTransaction);
        status = create(enabler, Attributes, &tx);
    }
    ft_wdf_emit(FT_EV_WDF_TX, ft_wdf_handle(tx), ft_wdf_handle(enabler), (uint32_t)status);
    if (NT_SUCCESS(status))
        *DmaTransaction = (WDFDMATRANSACTION)tx;
    FT_WDF_END(WDF_TX, label);
    return status;
}

/* ---- the calls from Initialize to Release ---- */

NTSTATUS WdfDmaTransactionExecute(WDFDMATRANSACTION DmaTransaction, WDFCONTEXT Context)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    struct ft_wdf_tx *tx;
    uint64_t handle;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_TX_EXECUTE, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    handle = ft_wdf_handle(tx);
    ft_wdf_emit(FT_EV_WDF_TX_EXECUTE, handle, ft_wdf_handle(tx->request), tx->at_once, tx->reserved,
                tx->total);
    ft_wdf_tx_must(tx, FT_TX_CALL_EXECUTE, STATE(INITIALIZED));
    if (tx->request) {
        tx->held = 1;
        ft_wdf_object_refer((struct ft_wdf_object *)tx->request);
        ft_wdf_request_hold(tx->request, 1);
    }
    if (!tx->serves)
        tx->serves = ft_current()->request;
    tx->state = FT_TX_TRANSFER;
    tx->program_context = Context;
    status = tx->kind->start(tx);
    /* Where that succeeded the transaction may be gone. */
    if (!NT_SUCCESS(status)) {
        tx->state = FT_TX_FAILED;
        tx->program_context = NULL;
        ft_wdf_tx_let_go(tx);
    }
    ft_wdf_emit(FT_EV_WDF_TX_EXECUTED, handle, (uint32_t)status);
    FT_WDF_END(WDF_TX_EXECUTE, label);
    return status;
}

NTSTATUS WdfDmaTransactionRelease(WDFDMATRANSACTION DmaTransaction)
{
    unsigned label = ft_wdf_label(DmaTransaction);
    struct ft_wdf_tx *tx;

    FT_WDF_BEGIN(WDF_TX, label);
    tx = ft_wdf_tx_check(DmaTransaction);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_emit(FT_EV_WDF_TX_RELEASE, ft_wdf_handle(tx), 0, tx->state);
    ft_wdf_tx_must_be_idle(tx, FT_TX_CALL_RELEASE, ~STATE(TRANSFER));
    if (tx->state != FT_TX_RELEASED)
        ft_wdf_tx_reuse(tx, false);
    FT_WDF_END(WDF_TX, label);
    return STATUS_SUCCESS;
}

/* ---- DmaCompleted and its kin ---- */

/* What the fragment's end means: STATUS_MORE_PROCESSING_REQUIRED when the next one is on its way.
 * After that the transaction may be gone, but for our reference. */
static NTSTATUS advance(struct ft_wdf_tx *tx, unsigned how, size_t length)
{
    NTSTATUS status;

    if (how != FT_TX_PLAIN && length > tx->fragment) {
        ft_wdf_tx_break(tx, FT_TX_CALL_LENGTH);
        return STATUS_INVALID_PARAMETER;
    }
    if (how != FT_TX_PLAIN) {
        tx->left += tx->fragment - length;
        tx->fragment = length;
    }
    tx->moved += tx->fragment;
    status = tx->kind->finish(tx);
    ft_wdf_point(FT_PT_WDF_TX_FLUSHED, ft_wdf_label(tx));
    if (!NT_SUCCESS(status))
        return status;
    if (tx->single && tx->left > 0)
        return STATUS_WDF_TOO_MANY_TRANSFERS;
    if (tx->left == 0 || how == FT_TX_FINAL)
        return STATUS_SUCCESS;
    status = tx->kind->stage(tx);
    return NT_SUCCESS(status) ? STATUS_MORE_PROCESSING_REQUIRED : status;
}

static BOOLEAN completed(struct ft_wdf_tx *tx, unsigned how, size_t length, NTSTATUS *ret)
{
    uint64_t handle = ft_wdf_handle(tx);
    NTSTATUS status;
    size_t moved;
    bool done;

    ft_wdf_require(ret);
    ft_wdf_driver_event(FT_EV_WDF_TX_COMPLETED, handle, how, how == FT_TX_PLAIN ? 0 : length,
                        tx->fragment, tx->left);
    ft_wdf_tx_must(tx, FT_TX_CALL_COMPLETED, STATE(TRANSFER));
    ft_wdf_object_refer(&tx->object);
    status = advance(tx, how, length);
    done = status != STATUS_MORE_PROCESSING_REQUIRED;
    if (done) {
        tx->state = NT_SUCCESS(status) ? FT_TX_DONE : FT_TX_FAILED;
        ft_wdf_touch_ended(tx);
        tx->kind->release(tx, false);
        tx->fragment = 0;
        ft_wdf_tx_let_go(tx);
    }
    moved = tx->moved;
    ft_wdf_object_release(&tx->object);
    *ret = status;
    ft_wdf_driver_event(FT_EV_WDF_TX_OUTCOME, handle, done, (uint32_t)status, moved);
    return done;
}

static BOOLEAN complete_fragment(WDFDMATRANSACTION handle, unsigned how, size_t length,
                                 NTSTATUS *status, void *site)
{
    unsigned label = ft_wdf_label(handle);
    uint8_t layer;
    BOOLEAN done;

    ft_ddi_begin(FT_PT_WDF_TX_COMPLETED, label, site);
    layer = ft_layer_set(FT_LAYER_FRAMEWORK);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    done = completed(ft_wdf_tx_check(handle), how, length, status);
    ft_layer_set(layer);
    ft_ddi_end(FT_PT_WDF_TX_COMPLETED_OUT, label);
    return done;
}

BOOLEAN WdfDmaTransactionDmaCompleted(WDFDMATRANSACTION DmaTransaction, NTSTATUS *Status)
{
    return complete_fragment(DmaTransaction, FT_TX_PLAIN, 0, Status, __builtin_return_address(0));
}

BOOLEAN WdfDmaTransactionDmaCompletedWithLength(WDFDMATRANSACTION DmaTransaction,
                                                size_t TransferredLength, NTSTATUS *Status)
{
    return complete_fragment(DmaTransaction, FT_TX_WITH_LENGTH, TransferredLength, Status,
                             __builtin_return_address(0));
}

BOOLEAN WdfDmaTransactionDmaCompletedFinal(WDFDMATRANSACTION DmaTransaction,
                                           size_t FinalTransferredLength, NTSTATUS *Status)
{
    return complete_fragment(DmaTransaction, FT_TX_FINAL, FinalTransferredLength, Status,
                             __builtin_return_address(0));
}

/* ---- EvtProgramDma ---- */

static uint64_t program_thunk(void *a, void *b, void *c, void *d)
{
    const struct ft_wdf_tx *tx = a;
    PFN_WDF_PROGRAM_DMA program = tx->program;

    (void)d;
    return program((WDFDMATRANSACTION)a, (WDFDEVICE)b, tx->program_context,
                   (WDF_DMA_DIRECTION)tx->write, c);
}

/* What it returns is ignored. */
void ft_wdf_tx_program(struct ft_wdf_tx *tx, PSCATTER_GATHER_LIST list, bool own_list)
{
    ft_emit(FT_EV_WDF_TX_PROGRAM, ft_wdf_handle(tx), own_list ? 0 : ft_dma_list_at(list),
            list->NumberOfElements, tx->fragment, tx->write, tx->moved);
    ft_call_driver_routine(FT_ROUTINE_WDF_PROGRAM_DMA, ft_wdf_handle(tx), 0, tx->serves,
                           program_thunk, tx, tx->enabler->object.device, list, NULL);
}
