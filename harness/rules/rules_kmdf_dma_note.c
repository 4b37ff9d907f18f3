/* What is remembered of transactions. */
#include "rules/rules_kmdf_dma.h"

struct ft_rs_tx *ft_tx_find(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_TXS; i++) {
        if (id != 0 && rules->tx[i].id == id) {
            return &rules->tx[i];
        }
    }
    return NULL;
}

uint64_t ft_tx_handle(const struct ft_rs_tx *tx)
{
    return ft_handle(FT_HC_WDF_TRANSACTION, tx->id, 0);
}

/* ---- what is remembered ---- */

static void note_new(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_nt_success((uint32_t)event->arg[2])) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_TXS; i++) {
        if (rules->tx[i].id == 0) {
            rules->tx[i] = (struct ft_rs_tx){
                .id = ft_arg_id(event, 0), .enabler = ft_arg_id(event, 1), .state = FT_TX_CREATED};
            return;
        }
    }
    ft_rules_overflow(rules, FT_RS_TABLE_WDF_DMA);
}

static void note_init(struct ft_rules *rules, struct ft_rs_tx *tx, const struct ft_event *event)
{
    uint32_t status = (uint32_t)event->arg[6];
    uint32_t owner = ft_rs_mdl_owner(rules, ft_rs_mdl_id(event, 2));

    tx->flags &= (uint16_t)~FT_WDFT_INIT_FAILED;
    if (!ft_nt_success(status)) {
        tx->flags |= FT_WDFT_INIT_FAILED;
        tx->state = status == FT_NT_INVALID_PARAMETER ? tx->state : FT_TX_RELEASED;
        return;
    }
    tx->state = FT_TX_INITIALIZED;
    tx->request = ft_arg_id(event, 1);
    tx->mdl = ft_rs_mdl_id(event, 2);
    tx->irp = owner != 0 ? owner : event->request;
    tx->fragments = tx->zeros = tx->lost = 0;
    tx->list = tx->bad_request = 0;
    tx->flags &=
        (uint16_t) ~(FT_WDFT_MOVED | FT_WDFT_MORE | FT_WDFT_OWED | FT_WDFT_FALSE | FT_WDFT_STOPPED |
                     FT_WDFT_GONE | FT_WDFT_CANCELLED | FT_WDFT_CANCEL_LATE |
                     FT_WDFT_EXECUTE_FAILED | FT_WDFT_BUSY | FT_WDFT_BAD);
}

static void note_execute(struct ft_rules *rules, struct ft_rs_tx *tx, const struct ft_event *event)
{
    if (tx->state != FT_TX_INITIALIZED) {
        return;
    }
    tx->state = FT_TX_TRANSFER;
    tx->lock = (uint16_t)ft_lock_held_by(rules, event->task);
    if ((ft_rs_root(rules, event->device)->flags & FT_DEVICE_GONE) != 0) {
        tx->flags |= FT_WDFT_GONE;
    }
}

static void note_executed(struct ft_rs_tx *tx, const struct ft_event *event)
{
    uint32_t status = (uint32_t)event->arg[1];

    tx->lock = 0;
    if (ft_nt_success(status)) {
        return;
    }
    tx->state = FT_TX_FAILED;
    tx->flags |= FT_WDFT_EXECUTE_FAILED | (status == FT_NT_WDF_BUSY ? FT_WDFT_BUSY : 0);
}

static void note_program(struct ft_rs_tx *tx, const struct ft_event *event)
{
    tx->list = ft_arg_id(event, 1);
    tx->fragments = (uint8_t)(tx->fragments + (tx->fragments < UINT8_MAX));
    tx->flags |= FT_WDFT_OWED;
}

static void note_completed(struct ft_rs_tx *tx, const struct ft_event *event)
{
    bool zero = event->arg[1] == FT_TX_WITH_LENGTH && event->arg[2] == 0;

    tx->zeros = zero ? (uint8_t)(tx->zeros + (tx->zeros < UINT8_MAX)) : 0;
    tx->flags &= (uint16_t) ~(FT_WDFT_OWED | FT_WDFT_FALSE | FT_WDFT_MORE);
}

/* With more to come the next fragment may have been programmed, and completed, already. */
static void note_outcome(struct ft_rs_tx *tx, const struct ft_event *event)
{
    if (event->arg[1] == 0) {
        tx->flags |= tx->state == FT_TX_TRANSFER ? FT_WDFT_MORE : 0;
        return;
    }
    tx->state = ft_nt_success((uint32_t)event->arg[2]) ? FT_TX_DONE : FT_TX_FAILED;
    tx->bad_request = tx->state == FT_TX_FAILED ? tx->request : 0;
    tx->flags |=
        (tx->state == FT_TX_FAILED ? FT_WDFT_BAD : 0) | (event->arg[3] != 0 ? FT_WDFT_MOVED : 0);
}

static void note_release(struct ft_rs_tx *tx, const struct ft_event *event)
{
    if (event->arg[2] == FT_TX_TRANSFER) {
        return; /* bug check */
    }
    if (event->arg[1] != 0) {
        tx->flags &= (uint16_t) ~(FT_WDFT_RESERVED | FT_WDFT_RESERVING);
    }
    tx->flags |= (tx->flags & FT_WDFT_AT_ONCE) != 0 ? FT_WDFT_WAS_AT_ONCE : 0;
    tx->flags &= (uint16_t)~FT_WDFT_AT_ONCE;
    tx->state = FT_TX_RELEASED;
    tx->request = 0;
}

static void note_cancel(struct ft_rs_tx *tx, const struct ft_event *event)
{
    if (event->arg[1] == 0) {
        tx->flags |= FT_WDFT_CANCEL_LATE;
        return;
    }
    if ((tx->flags & FT_WDFT_RESERVING) != 0) { /* the reservation is withdrawn */
        tx->flags &= (uint16_t) ~(FT_WDFT_RESERVED | FT_WDFT_RESERVING);
    }
    tx->flags |= FT_WDFT_CANCELLED;
    tx->state = FT_TX_FAILED;
}

/* EvtReserveDma may have run before the call returns. */
static void note_reserve(struct ft_rs_tx *tx, const struct ft_event *event)
{
    if (!ft_nt_success((uint32_t)event->arg[3])) {
        return;
    }
    if ((tx->flags & FT_WDFT_RESERVED) == 0) {
        tx->flags |= FT_WDFT_RESERVED | FT_WDFT_RESERVING;
    }
}

static void note_set(struct ft_rs_tx *tx, const struct ft_event *event)
{
    if (event->arg[1] != FT_TX_CALL_SET_IMMEDIATE) {
        return;
    }
    tx->flags &= (uint16_t) ~(FT_WDFT_AT_ONCE | FT_WDFT_WAS_AT_ONCE);
    tx->flags |= event->arg[2] != 0 ? FT_WDFT_AT_ONCE : 0;
}

static void note_call(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_tx *tx =
        event->arg[0] == FT_ROUTINE_WDF_PROGRAM_DMA ? ft_tx_find(rules, ft_arg_id(event, 1)) : NULL;

    if (tx == NULL) {
        return;
    }
    if (event->kind == FT_EV_CALL_ENTER) {
        tx->depth++;
        return;
    }
    tx->depth = (uint8_t)(tx->depth - (tx->depth != 0));
    if (ft_known(event, 3) && (event->arg[3] & 0xFF) == 0 && tx->state == FT_TX_TRANSFER &&
        (tx->flags & FT_WDFT_OWED) != 0) {
        tx->flags |= FT_WDFT_FALSE;
    }
}

static void note_tx(struct ft_rules *rules, struct ft_rs_tx *tx, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_TX_END:
        *tx = (struct ft_rs_tx){0};
        break;
    case FT_EV_WDF_TX_INIT:
        note_init(rules, tx, event);
        break;
    case FT_EV_WDF_TX_EXECUTE:
        note_execute(rules, tx, event);
        break;
    case FT_EV_WDF_TX_EXECUTED:
        note_executed(tx, event);
        break;
    case FT_EV_WDF_TX_PROGRAM:
        note_program(tx, event);
        break;
    case FT_EV_WDF_TX_COMPLETED:
        note_completed(tx, event);
        break;
    case FT_EV_WDF_TX_OUTCOME:
        note_outcome(tx, event);
        break;
    case FT_EV_WDF_TX_RELEASE:
        note_release(tx, event);
        break;
    case FT_EV_WDF_TX_CANCEL:
        note_cancel(tx, event);
        break;
    case FT_EV_WDF_TX_RESERVE:
        note_reserve(tx, event);
        break;
    case FT_EV_WDF_TX_RESERVED:
        tx->flags |= FT_WDFT_RESERVED;
        tx->flags &= (uint16_t)~FT_WDFT_RESERVING;
        break;
    case FT_EV_WDF_TX_STOP:
        tx->flags |= FT_WDFT_STOPPED;
        break;
    case FT_EV_WDF_TX_SET:
        note_set(tx, event);
        break;
    default:
        break;
    }
}

/* EvtProgramDma cannot take its request back from a cancellation. */
static void note_unmark(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_WDF_PROGRAM_DMA);
    struct ft_rs_tx *tx = frame != NULL ? ft_tx_find(rules, frame->object) : NULL;

    if (tx != NULL && tx->request == ft_arg_id(event, 0) &&
        (uint32_t)event->arg[1] == FT_NT_CANCELLED) {
        tx->lost = 1;
    }
}

void ft_kmdf_dma_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_tx *tx;

    switch (event->kind) {
    case FT_EV_WDF_TX:
        note_new(rules, event);
        return;
    case FT_EV_WDF_UNMARK:
        note_unmark(rules, event);
        return;
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        note_call(rules, event);
        return;
    default:
        tx = ft_tx_find(rules, ft_arg_id(event, 0));
        if (tx != NULL && ft_handle_class(event->arg[0]) == FT_HC_WDF_TRANSACTION) {
            note_tx(rules, tx, event);
        }
        return;
    }
}
