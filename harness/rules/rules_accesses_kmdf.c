/* What a touch of memory breaks in a framework driver: that depends on the callback that touches,
 * and on where the device is on its way up or down.
 *
 * All of it is memory that no correct driver touches (mem:touch); the rules here only say which
 * promise was not kept. The steps are those of the device that the event is about
 * (rules_devices.c).
 */
#include "rules/rules_kmdf_dma.h"
#include "rules/rules_kmdf_requests.h"
#include "rules/rules_touches.h"

#include "sim/wdf_dma_words.h"

static bool in(struct ft_rules *rules, const struct ft_event *event, enum ft_routine routine)
{
    return ft_frame_in(rules, event, routine) != NULL;
}

static bool is_null(const struct ft_event *event)
{
    return event->arg[FT_TOUCHED_WHAT] == FT_TOUCHED_NEAR_NULL ||
           event->arg[FT_TOUCHED_WHAT] == FT_TOUCHED_NULL_BEFORE_SMIO;
}

static bool is_freed(const struct ft_event *event)
{
    return event->arg[FT_TOUCHED_WHAT] == FT_TOUCHED_COMMON_FREED ||
           event->arg[FT_TOUCHED_WHAT] == FT_TOUCHED_CONTEXT ||
           (event->arg[FT_TOUCHED_WHAT] == FT_TOUCHED_FREED &&
            ft_handle_class(event->arg[FT_TOUCHED_OBJECT]) == FT_HC_POOL);
}

/* ---- where ---- */

/* In Stop, Disable or Flush of an enabler that has not had all of its callbacks on the way up, each
 * with success. */
static bool is_unpaired(struct ft_rules *rules, const struct ft_event *event)
{
    static const uint8_t down[] = {FT_ROUTINE_WDF_DMA_STOP, FT_ROUTINE_WDF_DMA_DISABLE,
                                   FT_ROUTINE_WDF_DMA_FLUSH};
    const unsigned up = FT_ENABLER_FILL | FT_ENABLER_ENABLE | FT_ENABLER_START;

    for (unsigned i = 0; i < sizeof down; i++) {
        const struct ft_rs_frame *frame = ft_frame_in(rules, event, (enum ft_routine)down[i]);
        const struct ft_rs_enabler *enabler =
            frame != NULL ? ft_enabler_find(rules, frame->object) : NULL;

        if (enabler != NULL && (enabler->callbacks & up & ~(unsigned)enabler->risen) != 0) {
            return true;
        }
    }
    return false;
}

static enum ft_judged_rule of_interrupt(struct ft_rules *rules, const struct ft_event *event)
{
    bool isr = in(rules, event, FT_ROUTINE_WDF_ISR);

    if (!isr && !in(rules, event, FT_ROUTINE_WDF_INTERRUPT_DPC) &&
        !in(rules, event, FT_ROUTINE_WDF_INTERRUPT_WORK)) {
        return 0;
    }
    if (is_freed(event)) {
        return rules->wdf_touch.phase == FT_WDFA_FLUSHED ? FT_J_KMDF_COMMON_BUFFER_ISR_AFTER_FLUSH
                                                         : FT_J_KMDF_ISR_TOUCHES_DEAD_STATE;
    }
    return isr && rules->wdf_touch.phase == FT_WDFA_RISING ? FT_J_KMDF_INTERRUPT_ENABLE_BEFORE_STATE
                                                           : FT_J_KMDF_ISR_TOUCHES_DEAD_STATE;
}

static bool is_deferred(struct ft_rules *rules, const struct ft_event *event)
{
    return in(rules, event, FT_ROUTINE_WDF_TIMER) || in(rules, event, FT_ROUTINE_WDF_WORK) ||
           in(rules, event, FT_ROUTINE_WDF_DPC);
}

/* The innermost handler of a queue that runs. */
static const struct ft_rs_frame *handler_of(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = FT_ROUTINE_WDF_IO_DEFAULT; i <= FT_ROUTINE_WDF_IO_INTERNAL; i++) {
        const struct ft_rs_frame *frame = ft_frame_in(rules, event, (enum ft_routine)i);

        if (frame != NULL) {
            return frame;
        }
    }
    return NULL;
}

/* The end of self-managed I/O has begun, and the handler's queue still delivers. */
static bool is_after_smio(struct ft_rules *rules, const struct ft_rs_frame *handler)
{
    const struct ft_rs_wdf_request *request = ft_wdf_request_find(rules, handler->object);
    const struct ft_rs_wdf_queue *queue =
        request != NULL ? ft_wdf_queue_find(rules, ft_handle(FT_HC_WDF_QUEUE, request->queue, 0))
                        : NULL;

    return queue != NULL && (queue->how & FT_WDF_HOW_MANAGED) == 0 &&
           (rules->wdf_io.flushed == queue->device ||
            rules->wdf_power.open == FT_ROUTINE_WDF_SMIO_FLUSH ||
            rules->wdf_power.open == FT_ROUTINE_WDF_SMIO_CLEANUP);
}

static enum ft_judged_rule of_handler(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *handler = handler_of(rules, event);

    if (handler == NULL) {
        return 0;
    }
    if (is_after_smio(rules, handler)) {
        return FT_J_KMDF_SMIO_CLEANUP_VS_NONPM_QUEUE;
    }
    return event->arg[FT_TOUCHED_WHAT] == FT_TOUCHED_NULL_BEFORE_SMIO
               ? FT_J_KMDF_RESTART_BEFORE_INIT_DELIVERY
               : 0;
}

/* ---- WdfDmaTransactionExecute ---- */

/* That call has not returned, and EvtProgramDma runs inside it. */
static bool is_inside_execute(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *program = ft_frame_in(rules, event, FT_ROUTINE_WDF_PROGRAM_DMA);
    const struct ft_rs_tx *tx = program != NULL ? ft_tx_find(rules, program->object) : NULL;

    return tx != NULL && tx->executor == ft_task_of(event);
}

/* The routine that touches has executed the transaction of that request. */
static bool has_executed(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_top(rules, event);

    return frame != NULL && frame->executed != 0 &&
           frame->executed == (uint16_t)ft_arg_id(event, FT_TOUCHED_OBJECT);
}

/* ---- memory that a callback freed and a later one needs ---- */

static void judge_again(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_touch *touch = &rules->wdf_touch;
    uint64_t block = event->arg[FT_TOUCHED_OBJECT];

    for (unsigned i = 0; i < FT_RS_WDF_FREED; i++) {
        if (ft_handle_class(block) != FT_HC_POOL ||
            touch->freed[i] != (uint16_t)ft_handle_id(block)) {
            continue;
        }
        if (touch->by[i] == FT_ROUTINE_WDF_D0_EXIT && (touch->again & 1u << i) != 0 &&
            in(rules, event, FT_ROUTINE_WDF_D0_ENTRY)) {
            ft_rule_fire(rules, FT_J_KMDF_D0EXIT_NOT_REMOVAL, event, block);
        } else if (touch->by[i] == FT_ROUTINE_WDF_SMIO_FLUSH &&
                   in(rules, event, FT_ROUTINE_WDF_SMIO_RESTART)) {
            ft_rule_fire(rules, FT_J_KMDF_SMIO_RESTART_AFTER_FLUSH, event, block);
        }
    }
}

/* ---- all together ---- */

/* The context of a request that is gone, wherever it is touched. */
static enum ft_judged_rule of_context(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[FT_TOUCHED_WHAT] != FT_TOUCHED_CONTEXT ||
        ft_handle_class(event->arg[FT_TOUCHED_OBJECT]) != FT_HC_WDF_REQUEST) {
        return 0;
    }
    return has_executed(rules, event) ? FT_J_KMDF_TX_TOUCH_AFTER_EXECUTE
                                      : FT_J_KMDF_REQUEST_CONTEXT_AFTER_COMPLETE;
}

static enum ft_judged_rule of_place(struct ft_rules *rules, const struct ft_event *event)
{
    bool nobodys = event->arg[FT_TOUCHED_WHAT] == FT_TOUCHED_NOBODYS ||
                   event->arg[FT_TOUCHED_WHAT] == FT_TOUCHED_VIEW_OVER;
    enum ft_judged_rule rule;

    if ((is_null(event) || is_freed(event)) && is_unpaired(rules, event)) {
        return FT_J_KMDF_ENABLER_UNPAIRED_DOWN_SAFE;
    }
    if (is_null(event) && ft_null_source(rules, event) != 0) {
        return 0;
    }
    if ((is_null(event) || is_freed(event) || nobodys) && rules->wdf_io.flushed != 0 &&
        is_deferred(rules, event)) {
        return FT_J_KMDF_SMIO_TIMER_AFTER_FLUSH;
    }
    rule = of_context(rules, event);
    if (rule != 0 || (!is_null(event) && !is_freed(event))) {
        return rule;
    }
    if (event->arg[FT_TOUCHED_WHAT] == FT_TOUCHED_COMMON_FREED &&
        in(rules, event, FT_ROUTINE_WDF_CLEANUP)) {
        return FT_J_KMDF_OBJECT_USE_IN_OWN_CLEANUP;
    }
    if (is_null(event) && is_inside_execute(rules, event)) {
        return FT_J_KMDF_EXECUTE_CALLBACK_BEFORE_STORE;
    }
    rule = of_interrupt(rules, event);
    return rule != 0 ? rule : of_handler(rules, event);
}

bool ft_kmdf_touch_judge(struct ft_rules *rules, const struct ft_event *event)
{
    enum ft_judged_rule rule = 0;

    if (rules->wdf_power.device == 0 && rules->touch_enabler == 0) {
        return false;
    }
    switch (event->arg[FT_TOUCHED_WHAT]) {
    case FT_TOUCHED_LIST_OVER:
        rule = FT_J_KMDF_PROGRAM_DMA_SGLIST_ESCAPE;
        break;
    case FT_TOUCHED_UNMOVED:
        rule = event->arg[FT_TOUCHED_WRITE] == 0 ? FT_J_KMDF_DIRTY_READ_AFTER_ABORT : 0;
        break;
    case FT_TOUCHED_STALE:
        rule = event->arg[FT_TOUCHED_WRITE] == 0 ? FT_J_KMDF_COMMON_BUFFER_STALE_AFTER_RESUME : 0;
        break;
    case FT_TOUCHED_FREED:
        judge_again(rules, event);
        rule = of_place(rules, event);
        break;
    default:
        rule = of_place(rules, event);
        break;
    }
    if (rule != 0) {
        ft_rule_fire(rules, rule, event, event->arg[FT_TOUCHED_OBJECT]);
    }
    return rule != 0;
}

/* ---- what has happened ---- */

static void note_execute(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_frame *frame = ft_frame_top(rules, event);
    struct ft_rs_tx *tx = ft_tx_find(rules, ft_arg_id(event, 0));
    bool over = event->kind == FT_EV_WDF_TX_EXECUTED;

    if (frame != NULL && !over) {
        frame->executed = (uint16_t)ft_arg_id(event, 1);
    } else if (frame != NULL && !ft_nt_success((uint32_t)event->arg[1])) {
        frame->executed = 0;
    }
    if (tx != NULL) {
        tx->executor = over ? 0 : ft_task_of(event);
    }
}

static void note_freed(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_touch *touch = &rules->wdf_touch;
    enum ft_routine by = in(rules, event, FT_ROUTINE_WDF_D0_EXIT)      ? FT_ROUTINE_WDF_D0_EXIT
                         : in(rules, event, FT_ROUTINE_WDF_SMIO_FLUSH) ? FT_ROUTINE_WDF_SMIO_FLUSH
                                                                       : 0;
    unsigned slot = touch->freed_next;

    if (by == 0) {
        return;
    }
    touch->freed[slot] = (uint16_t)ft_arg_id(event, 0);
    touch->by[slot] = (uint8_t)by;
    touch->again &= (uint8_t) ~(1u << slot);
    touch->freed_next = (uint8_t)((slot + 1) % FT_RS_WDF_FREED);
}

static void note_enter(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] == FT_ROUTINE_WDF_D0_ENTRY &&
        ft_arg_id(event, 1) == rules->wdf_power.device) {
        rules->wdf_touch.phase = FT_WDFA_RISING;
    }
    /* The same device starts anew: its exit to the final state was no removal. */
    if (event->arg[0] == FT_ROUTINE_WDF_PREPARE) {
        rules->wdf_touch.again = UINT8_MAX;
    }
}

static void note_leave(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_enabler *enabler = ft_enabler_find(rules, ft_arg_id(event, 1));
    bool up;
    unsigned bit = ft_enabler_callback(event->arg[0], &up);

    if (event->arg[0] == FT_ROUTINE_WDF_D0_EXIT && ft_arg_id(event, 1) == rules->wdf_power.device) {
        rules->wdf_touch.phase = FT_WDFA_UNKNOWN;
    }
    if (bit == 0 || enabler == NULL) {
        return;
    }
    if (up && ft_known(event, 3) && ft_nt_success((uint32_t)event->arg[3])) {
        enabler->risen |= (uint8_t)bit;
    }
    if (bit == FT_ENABLER_FLUSH && enabler->device == rules->wdf_power.device) {
        rules->wdf_touch.phase = FT_WDFA_FLUSHED;
    }
}

static void note_walk(struct ft_rules *rules, const struct ft_event *event, bool up)
{
    bool done = event->arg[1] != 0;

    if (up && done && ft_arg_id(event, 0) == rules->wdf_power.device) {
        rules->wdf_touch.phase = FT_WDFA_UP;
    }
    for (unsigned i = 0; up != done && i < FT_RS_ENABLERS; i++) {
        if (rules->enabler[i].device == ft_arg_id(event, 0)) {
            rules->enabler[i].risen = 0;
        }
    }
}

void ft_touches_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_CALL_ENTER:
        note_enter(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        note_leave(rules, event);
        break;
    case FT_EV_WDF_DMA_UP:
        note_walk(rules, event, true);
        break;
    case FT_EV_WDF_DMA_DOWN:
        note_walk(rules, event, false);
        break;
    case FT_EV_WDF_TX_EXECUTE:
    case FT_EV_WDF_TX_EXECUTED:
        note_execute(rules, event);
        break;
    case FT_EV_POOL_FREE:
        note_freed(rules, event);
        break;
    default:
        break;
    }
}
