/* KMDF: transactions (kmdf sheet, 8.2 and the DMA parts of 8.9). */
#include "rules/rules_kmdf_dma.h"

#include "sim/dma_words.h"

enum { ZEROS_MOST = 32, DEPTH_MOST = 8 };

/* In a driver of the framework a finding of DMA in general is one of a framework rule. */
uint16_t ft_kmdf_refined(const struct ft_rules *rules, uint16_t rule, const struct ft_event *event)
{
    static const struct {
        uint16_t general, kmdf;
    } pairs[] = {
        {FT_J_DMA_DEV_LOGICAL_ONLY, FT_J_KMDF_DMA_ADDRESS_NOT_DEVICE_ADDRESS},
        {FT_J_DMA_DEV_AFTER_FREE, FT_J_KMDF_COMMON_BUFFER_TOUCHED_AFTER_FLUSH},
        {FT_J_DMA_CB_LOGICAL, FT_J_KMDF_COMMON_BUFFER_WRONG_ADDRESS_SPACE},
        {FT_J_DMA_DEV_AFTER_FLUSH, FT_J_KMDF_DEVICE_WRITES_AFTER_ABORT},
        {FT_J_DMA_DEV_IN_MAPPING, FT_J_KMDF_FILL_BEFORE_ENABLE_BUFFERS},
        {FT_J_DMA_FLUSH_WRONG_BASE, FT_J_KMDF_HAL_FLUSH_ARGS},
        {FT_J_DMA_FLUSH_WRONG_DIRECTION, FT_J_KMDF_HAL_FLUSH_DIRECTION},
        {FT_J_DMA_FLUSH_BEFORE_FREE_REGS, FT_J_KMDF_HAL_FLUSH_BEFORE_FREE},
        {FT_J_DMA_PSL_DOUBLE, FT_J_KMDF_HAL_PUT_ONCE},
        {FT_J_DMA_FMR_LEAK, FT_J_KMDF_HAL_MAP_REGISTER_BALANCE},
    };

    bool of_common =
        event->kind == FT_EV_ENGINE_BEGIN && ft_known(event, 4) &&
        (event->arg[4] == FT_LOOKS_COMMON_PHYSICAL || event->arg[4] == FT_LOOKS_COMMON_VIRTUAL);

    if (rules->wdf_device[0].id == 0 || (rule == FT_J_DMA_DEV_LOGICAL_ONLY && of_common) ||
        (rule == FT_J_DMA_DEV_IN_MAPPING && !ft_enabler_is_enabling(rules))) {
        return 0;
    }
    for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i].general == rule) {
            return pairs[i].kmdf;
        }
    }
    return 0;
}

/* ---- calls that the state does not allow ---- */

static enum ft_judged_rule rule_of_bad(const struct ft_rs_tx *tx, unsigned call, unsigned state)
{
    unsigned flags = tx != NULL ? tx->flags : 0;

    switch (call) {
    case FT_TX_CALL_EXECUTE:
        return (flags & FT_WDFT_INIT_FAILED) != 0 ? FT_J_KMDF_TX_INIT_FAILURE_IGNORED
                                                  : FT_J_KMDF_TX_STATE_MACHINE;
    case FT_TX_CALL_COMPLETED:
        if ((flags & FT_WDFT_CANCELLED) != 0) {
            return FT_J_KMDF_TX_CANCEL_TRUE_THEN_FINAL;
        }
        return state == FT_TX_DONE || state == FT_TX_FAILED ? FT_J_KMDF_TX_DOUBLE_COMPLETED
                                                            : FT_J_KMDF_TX_STATE_MACHINE;
    case FT_TX_CALL_RELEASE:
    case FT_TX_CALL_DELETE:
    case FT_TX_CALL_FREE:
        if (state != FT_TX_TRANSFER) {
            return FT_J_KMDF_TX_STATE_MACHINE;
        }
        return (flags & FT_WDFT_MORE) != 0 ? FT_J_KMDF_TX_FALSE_TREATED_AS_DONE
                                           : FT_J_KMDF_TX_RELEASE_IN_TRANSFER;
    case FT_TX_CALL_SET_MAXIMUM:
        return FT_J_KMDF_TX_SETMAXLENGTH_WINDOW;
    default:
        return FT_J_KMDF_TX_STATE_MACHINE;
    }
}

static bool needs_version_3(unsigned call)
{
    return call == FT_TX_CALL_CANCEL || call == FT_TX_CALL_RESERVE || call == FT_TX_CALL_FREE ||
           call == FT_TX_CALL_SET_SINGLE || call == FT_TX_CALL_SET_IMMEDIATE ||
           call == FT_TX_CALL_GET_CONTEXT;
}

/* The DPC of an interrupt that finds the enabler flushed. */
static void judge_late(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_tx *tx)
{
    const struct ft_rs_enabler *enabler = ft_enabler_find(rules, tx->enabler);

    if (enabler != NULL && (enabler->flags & FT_WDFE_DRAINED) != 0 &&
        ft_frame_in(rules, event, FT_ROUTINE_WDF_INTERRUPT_DPC) != NULL) {
        ft_rule_fire(rules, FT_J_KMDF_DPC_COMPLETES_AFTER_FLUSH, event, event->arg[0]);
    }
}

static void judge_bad(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_tx *tx = ft_tx_find(rules, ft_arg_id(event, 0));
    const struct ft_rs_enabler *enabler = tx != NULL ? ft_enabler_find(rules, tx->enabler) : NULL;
    unsigned call = (unsigned)event->arg[1], state = (unsigned)event->arg[2];

    if (tx != NULL && call == FT_TX_CALL_COMPLETED) {
        judge_late(rules, event, tx);
    }
    if (event->arg[3] != FT_TX_BAD_BREAKS) {
        ft_rule_fire(rules, rule_of_bad(tx, call, state), event, event->arg[0]);
    } else if (call == FT_TX_CALL_LENGTH) {
        ft_rule_fire(rules, FT_J_KMDF_TX_COMPLETED_LENGTH_OVERFLOW, event, event->arg[0]);
    } else if (needs_version_3(call) && enabler != NULL && enabler->version < 3) {
        ft_rule_fire(rules, FT_J_KMDF_TX_CANCEL_NEEDS_V3, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_KMDF_TX_STATE_MACHINE, event, event->arg[0]);
    }
}

/* ---- Initialize, Execute ---- */

static void judge_request_direction(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, event->request);
    bool write = event->arg[5] != 0;

    if (irp != NULL && !ft_nt_success((uint32_t)event->arg[6]) &&
        ((irp->major == FT_MAJOR_READ && write) || (irp->major == FT_MAJOR_WRITE && !write))) {
        ft_rule_fire(rules, FT_J_KMDF_TX_DIRECTION_MISMATCH, event, event->arg[0]);
    }
}

static void judge_init(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_tx *tx = ft_tx_find(rules, ft_arg_id(event, 0));
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, ft_rs_mdl_id(event, 2));

    if (tx != NULL && (tx->flags & FT_WDFT_RESERVING) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_TX_RESERVE_BEFORE_GRANT, event, event->arg[0]);
    }
    if (event->arg[4] > UINT32_MAX) {
        ft_rule_fire(rules, FT_J_KMDF_TX_LENGTH_TRUNCATION, event, event->arg[0]);
    }
    if (event->arg[7] == FT_TX_BY_REQUEST) {
        judge_request_direction(rules, event);
    } else if (event->arg[7] == FT_TX_BY_OFFSET && mdl != NULL && mdl->length != 0 &&
               event->arg[3] >= mdl->length) {
        ft_rule_fire(rules, FT_J_KMDF_TX_OFFSET_BEYOND_FIRST_MDL, event, event->arg[0]);
    }
}

static void judge_execute(struct ft_rules *rules, const struct ft_event *event)
{
    enum { NOT_POWERED = 2 };
    const struct ft_rs_tx *tx = ft_tx_find(rules, ft_arg_id(event, 0));
    const struct ft_rs_enabler *enabler = tx != NULL ? ft_enabler_find(rules, tx->enabler) : NULL;
    const struct ft_rs_wdf_device *device =
        enabler != NULL ? ft_wdf_device_find(rules, enabler->device) : NULL;

    if (enabler == NULL) {
        return;
    }
    if (device != NULL && device->powered == NOT_POWERED) {
        ft_rule_fire(rules, FT_J_KMDF_TX_EXECUTE_OUTSIDE_D0, event, event->arg[0]);
    } else if ((enabler->flags & FT_WDFE_DISABLED) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_DMA_STARTED_WHILE_DOWN, event, event->arg[0]);
    }
    if (event->arg[2] == 0 && (tx->flags & FT_WDFT_WAS_AT_ONCE) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_TX_IMMEDIATE_LOST, event, event->arg[0]);
    }
}

/* ---- fragments ---- */

static void judge_program(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_tx *tx = ft_tx_find(rules, ft_arg_id(event, 0));
    const struct ft_rs_enabler *enabler = tx != NULL ? ft_enabler_find(rules, tx->enabler) : NULL;
    const struct ft_rs_wdf_device *device =
        enabler != NULL ? ft_wdf_device_find(rules, enabler->device) : NULL;

    if (enabler == NULL) {
        return;
    }
    if (tx->depth >= DEPTH_MOST) {
        ft_rule_fire(rules, FT_J_KMDF_SG_SYNCHRONOUS_COMPLETION_RECURSION, event, event->arg[0]);
    }
    if (tx->request != 0 && device != NULL && device->window == 0 && device->powered != 1) {
        ft_rule_fire(rules, FT_J_KMDF_TX_WRITE_DURING_POWER_DOWN, event, event->arg[0]);
    }
}

/* The device was programmed with less than the list has, and says that it is through. */
static bool fragment_is_short(const struct ft_rules *rules, const struct ft_rs_tx *tx,
                              uint64_t length)
{
    uint64_t moved = 0;

    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (mapping->id != 0 && mapping->grant == (tx->list | FT_RS_LIST_KEY)) {
            moved += mapping->engine_bytes > mapping->bus_bytes ? mapping->engine_bytes
                                                                : mapping->bus_bytes;
        }
    }
    return tx->list != 0 && moved != 0 && moved < length;
}

/* The device works on memory of the present fragment. */
static bool fragment_is_busy(struct ft_rules *rules, const struct ft_rs_tx *tx)
{
    const struct ft_rs_enabler *enabler = ft_enabler_find(rules, tx->enabler);

    for (unsigned i = 0; enabler != NULL && i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];
        bool its =
            mapping->adapter == enabler->adapter[0] || mapping->adapter == enabler->adapter[1];

        if (!ft_mapping_is_live(mapping) || !its) {
            continue;
        }
        its = tx->list != 0 ? mapping->grant == (tx->list | FT_RS_LIST_KEY)
                            : tx->mdl != 0 && mapping->mdl == tx->mdl;
        if (its && ft_mapping_is_active(rules, mapping)) {
            return true;
        }
    }
    return false;
}

static void judge_completed(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_tx *tx = ft_tx_find(rules, ft_arg_id(event, 0));

    if (tx == NULL) {
        return;
    }
    judge_late(rules, event, tx);
    if (tx->state != FT_TX_TRANSFER) {
        return;
    }
    if (event->arg[1] == FT_TX_PLAIN && fragment_is_short(rules, tx, event->arg[3])) {
        ft_rule_fire(rules, FT_J_KMDF_PROGRAM_DMA_PARTIAL, event, event->arg[0]);
    }
    if (fragment_is_busy(rules, tx)) {
        ft_rule_fire(rules,
                     tx->fragments > 1 && (tx->flags & FT_WDFT_MORE) != 0
                         ? FT_J_KMDF_TX_DUPLICATE_COMPLETION_HITS_NEXT_FRAGMENT
                         : FT_J_KMDF_TX_COMPLETED_BEFORE_HW_DONE,
                     event, event->arg[0]);
    } else if (tx->fragments != 0 && (tx->flags & FT_WDFT_OWED) == 0) {
        ft_rule_fire(rules, FT_J_KMDF_TX_DOUBLE_COMPLETED, event, event->arg[0]);
    }
    if (event->arg[1] == FT_TX_WITH_LENGTH && event->arg[2] == 0 && tx->zeros >= ZEROS_MOST) {
        ft_rule_fire(rules, FT_J_KMDF_TX_ZERO_PROGRESS_LOOP, event, event->arg[0]);
    }
    if (event->arg[1] == FT_TX_FINAL && event->arg[4] != 0 && event->arg[3] != 0 &&
        event->arg[2] == event->arg[3]) {
        ft_rule_fire(rules, FT_J_KMDF_TX_FINAL_ON_RETRY, event, event->arg[0]);
    }
}

/* ---- what is left ---- */

static enum ft_judged_rule rule_of_left(const struct ft_rs_tx *tx)
{
    if ((tx->flags & FT_WDFT_FALSE) != 0) {
        return FT_J_KMDF_PROGRAM_DMA_FALSE_WITHOUT_FINAL;
    }
    if ((tx->flags & FT_WDFT_STOPPED) != 0) {
        return FT_J_KMDF_TX_STOP_SYSTEM_TERMINAL;
    }
    return (tx->flags & FT_WDFT_GONE) != 0 ? FT_J_KMDF_TX_EXECUTE_AFTER_GONE
                                           : FT_J_KMDF_TX_LEAKED_IN_TRANSFER;
}

static void judge_end(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_tx *tx = ft_tx_find(rules, ft_arg_id(event, 0));

    if (tx == NULL) {
        return;
    }
    if (event->arg[1] == FT_TX_TRANSFER) {
        ft_rule_fire(rules, rule_of_left(tx), event, event->arg[0]);
    }
    if ((tx->flags & FT_WDFT_RESERVED) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_TX_RESERVE_NOT_FREED, event, event->arg[0]);
    }
}

static void judge_delete(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_tx *tx = ft_handle_class(event->arg[0]) == FT_HC_WDF_TRANSACTION
                                    ? ft_tx_find(rules, ft_arg_id(event, 0))
                                    : NULL;

    if (tx != NULL && tx->state == FT_TX_TRANSFER) {
        ft_rule_fire(rules, rule_of_bad(tx, FT_TX_CALL_DELETE, tx->state), event, event->arg[0]);
    }
}

/* Nothing makes progress any more. */
static void judge_hang(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_TXS; i++) {
        const struct ft_rs_tx *tx = &rules->tx[i];

        if (tx->id == 0) {
            continue;
        }
        if (tx->state == FT_TX_TRANSFER) {
            ft_rule_fire(rules, rule_of_left(tx), event, ft_tx_handle(tx));
        } else if (tx->state == FT_TX_FAILED && (tx->flags & FT_WDFT_BUSY) != 0) {
            ft_rule_fire(rules, FT_J_KMDF_PACKET_BUSY_HANDLED, event, ft_tx_handle(tx));
        } else if (tx->state == FT_TX_FAILED && (tx->flags & FT_WDFT_EXECUTE_FAILED) != 0) {
            ft_rule_fire(rules, FT_J_KMDF_TX_EXECUTE_FAILURE_NO_RELEASE, event, ft_tx_handle(tx));
        } else if (tx->state == FT_TX_FAILED && (tx->flags & FT_WDFT_CANCELLED) != 0) {
            ft_rule_fire(rules, FT_J_KMDF_TX_CANCEL_TRUE_REQUEST_LEFT, event, ft_tx_handle(tx));
        }
    }
}

/* ---- what else a call may be at fault for ---- */

static void judge_ask(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_tx *tx = ft_tx_find(rules, ft_arg_id(event, 0));

    if (tx != NULL && event->arg[1] == FT_TX_ASK_BYTES && tx->state == FT_TX_RELEASED &&
        (tx->flags & FT_WDFT_MOVED) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_TX_BYTES_AFTER_RELEASE, event, event->arg[0]);
    }
}

static void judge_set(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[1] == FT_TX_CALL_SET_MAXIMUM && event->arg[3] != FT_TX_INITIALIZED &&
        event->arg[3] != FT_TX_TRANSFER) {
        ft_rule_fire(rules, FT_J_KMDF_TX_SETMAXLENGTH_WINDOW, event, event->arg[0]);
    }
}

/* EvtProgramDma runs into a lock that was held at Execute by the same task. */
static void judge_lock(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->task == 0 || ft_arg_id(event, 1) != event->task) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_TXS; i++) {
        const struct ft_rs_tx *tx = &rules->tx[i];

        if (tx->id != 0 && tx->depth != 0 && tx->lock != 0 &&
            tx->lock == (uint16_t)ft_arg_id(event, 0)) {
            ft_rule_fire(rules, FT_J_KMDF_TX_EXECUTE_WITH_CALLBACK_LOCK, event, event->arg[0]);
        }
    }
}

void ft_kmdf_dma_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_TX_BAD:
        judge_bad(rules, event);
        break;
    case FT_EV_WDF_TX_INIT:
        judge_init(rules, event);
        break;
    case FT_EV_WDF_TX_EXECUTE:
        judge_execute(rules, event);
        break;
    case FT_EV_WDF_TX_PROGRAM:
        judge_program(rules, event);
        break;
    case FT_EV_WDF_TX_COMPLETED:
        judge_completed(rules, event);
        break;
    case FT_EV_WDF_TX_END:
        judge_end(rules, event);
        break;
    case FT_EV_WDF_OBJECT_DELETE:
        judge_delete(rules, event);
        break;
    case FT_EV_WDF_TX_ASK:
        judge_ask(rules, event);
        break;
    case FT_EV_WDF_TX_SET:
        judge_set(rules, event);
        break;
    case FT_EV_LOCK_WAIT:
        judge_lock(rules, event);
        break;
    case FT_EV_RUN_HANG:
        judge_hang(rules, event);
        break;
    default:
        break;
    }
}
