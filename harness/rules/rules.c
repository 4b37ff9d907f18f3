/* The rules engine: firing, the switch over events, and its life. */
#include "rules/rules.h"

#include "rules/rules_io.h"
#include "rules/rules_private.h"

#include <string.h>

/* ---- firing ---- */

/* Adds a finding unless the same rule speaks of the same object already. False: no room. */
static bool add(struct ft_rs_finding *list, uint8_t *count, uint16_t rule,
                const struct ft_rules *rules, const struct ft_event *event, uint64_t object)
{
    for (unsigned i = 0; i < *count; i++) {
        if (list[i].rule == rule && list[i].object == object) {
            return true;
        }
    }
    if (*count == FT_RS_FINDINGS) {
        return false;
    }
    list[*count] = (struct ft_rs_finding){
        .event = rules->events, .object = object, .site = event->site, .rule = rule};
    (*count)++;
    return true;
}

static void fire(struct ft_rules *rules, uint16_t rule, const struct ft_event *event,
                 uint64_t object, bool warning)
{
    const struct ft_rule_row *row = ft_rule_by_number(rule);

    if (rules->disabled == rule || rules->overflow != FT_RS_TABLE_NONE ||
        (row->needs != FT_NEED_NONE &&
         (row->needs & ft_rules_broken_needs(rules, event, object)) != 0)) {
        return;
    }
    if (warning || row->severity == FT_SEVERITY_W) {
        (void)add(rules->warning, &rules->warning_count, rule, rules, event, object);
    } else if (!add(rules->finding, &rules->finding_count, rule, rules, event, object)) {
        rules->finding_lost = 1;
    }
}

void ft_rule_fire(struct ft_rules *rules, enum ft_judged_rule rule, const struct ft_event *event,
                  uint64_t object)
{
    uint16_t refined = ft_kmdf_refined(rules, (uint16_t)rule, event);

    fire(rules, (uint16_t)rule, event, object, false);
    if (refined != 0) {
        fire(rules, refined, event, object, false);
    }
}

void ft_rule_warn(struct ft_rules *rules, enum ft_judged_rule rule, const struct ft_event *event,
                  uint64_t object)
{
    fire(rules, (uint16_t)rule, event, object, true);
}

void ft_rules_overflow(struct ft_rules *rules, enum ft_rs_table table)
{
    if (rules->overflow == FT_RS_TABLE_NONE) {
        rules->overflow = (uint8_t)table;
    }
}

/* True when one of the findings from `first` on refines this rule. */
static bool is_refined(const struct ft_rules *rules, unsigned first, uint16_t rule)
{
    for (unsigned i = first; i < rules->finding_count; i++) {
        if (ft_rule_refines(rules->finding[i].rule, rule)) {
            return true;
        }
    }
    return false;
}

/* Puts the verdict among the findings of one event first: a row that another one refines gives way,
 * then the lowest number wins. */
static void choose(struct ft_rules *rules, unsigned first)
{
    unsigned best = rules->finding_count;

    for (unsigned i = first; i < rules->finding_count; i++) {
        uint16_t rule = rules->finding[i].rule;

        if (!is_refined(rules, first, rule) &&
            (best == rules->finding_count || rule < rules->finding[best].rule)) {
            best = i;
        }
    }
    if (best < rules->finding_count && best != first) {
        struct ft_rs_finding swap = rules->finding[first];

        rules->finding[first] = rules->finding[best];
        rules->finding[best] = swap;
    }
}

/* ---- the switch ---- */

static void on_enter(struct ft_rules *rules, const struct ft_event *event)
{
    ft_irql_at_enter(rules, event);
    ft_irp_at_enter(rules, event);
    ft_dpc_at_enter(rules, event);
}

static void on_leave(struct ft_rules *rules, const struct ft_event *event)
{
    ft_irql_at_leave(rules, event);
    ft_irp_at_leave(rules, event);
    ft_dpc_at_leave(rules, event);
}

static void on_end(struct ft_rules *rules, const struct ft_event *event)
{
    ft_dma_at_end(rules, event);
    ft_irp_at_end(rules, event);
    ft_pnp_at_end(rules, event);
    ft_mem_at_end(rules, event);
}

/* The run ended in this way; the first one said stands. */
static void on_stop(struct ft_rules *rules, const struct ft_event *event)
{
    if (rules->stop_kind == 0) {
        rules->stop_kind = event->kind;
        memcpy(rules->stop_arg, event->arg, sizeof(rules->stop_arg));
    }
}

static void on_run(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_RUN_END:
        on_end(rules, event);
        on_stop(rules, event);
        break;
    case FT_EV_RUN_HANG:
        ft_irp_at_hang(rules, event);
        on_stop(rules, event);
        break;
    case FT_EV_RUN_CRASH:
    case FT_EV_RUN_CUT:
    case FT_EV_RUN_UNIMPLEMENTED:
    case FT_EV_RUN_BUGCHECK:
        on_stop(rules, event);
        break;
    case FT_EV_TASK_END:
        ft_on_task_end(rules, event);
        break;
    case FT_EV_DATA_COMPARE:
        ft_on_data_compare(rules, event);
        break;
    case FT_EV_DATA_STREAM:
        ft_on_data_stream(rules, event);
        break;
    case FT_EV_CHOICE_LOWER_FAILS:
        ft_on_choice_lower_fails(rules, event);
        break;
    case FT_EV_CHOICE_FAIL:
        ft_on_choice_fail(rules, event);
        break;
    case FT_EV_CALL_ENTER:
        on_enter(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        on_leave(rules, event);
        break;
    default:
        break;
    }
}

static void on_kernel(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_IRQL_RAISE:
        ft_on_irql_raise(rules, event);
        break;
    case FT_EV_IRQL_LOWER:
        ft_on_irql_lower(rules, event);
        break;
    case FT_EV_LOCK_ACQUIRE:
        ft_on_lock_acquire(rules, event);
        break;
    case FT_EV_LOCK_WAIT:
        ft_on_lock_wait(rules, event);
        break;
    case FT_EV_LOCK_RELEASE:
        ft_on_lock_release(rules, event);
        break;
    case FT_EV_WAIT_BEGIN:
    case FT_EV_DELAY:
        ft_on_wait(rules, event);
        break;
    case FT_EV_DPC_INSERT:
        ft_on_dpc_insert(rules, event);
        break;
    case FT_EV_DPC_REMOVE:
        ft_on_dpc_remove(rules, event);
        break;
    case FT_EV_TIMER_SET:
    case FT_EV_TIMER_CANCEL:
    case FT_EV_TIMER_EXPIRE:
        ft_on_timer(rules, event);
        break;
    case FT_EV_POOL_ALLOC:
    case FT_EV_POOL_FREE:
    case FT_EV_POOL_DAMAGE:
    case FT_EV_POOL_BAD_FREE:
        ft_on_pool(rules, event);
        break;
    default:
        break;
    }
}

static void on_irp(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_IRP_NEW:
        ft_on_irp_new(rules, event);
        break;
    case FT_EV_IRP_CALL:
        ft_on_irp_call(rules, event);
        break;
    case FT_EV_IRP_COMPLETE:
        ft_on_irp_complete(rules, event);
        break;
    case FT_EV_IRP_DONE:
        ft_on_irp_done(rules, event);
        break;
    case FT_EV_IRP_PENDING:
        ft_on_irp_pending(rules, event);
        break;
    case FT_EV_IRP_CANCEL:
        ft_on_irp_cancel(rules, event);
        break;
    case FT_EV_IRP_FREE:
        ft_on_irp_free(rules, event);
        break;
    case FT_EV_CANCEL_LOCK:
        ft_on_cancel_lock(rules, event);
        break;
    case FT_EV_CANCEL_UNLOCK:
        ft_on_cancel_unlock(rules, event);
        break;
    case FT_EV_START_NEXT:
        ft_on_start_next(rules, event);
        break;
    default:
        break;
    }
}

static void on_pnp(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_DEVICE_CREATE:
    case FT_EV_DEVICE_ATTACH:
    case FT_EV_DEVICE_DETACH:
    case FT_EV_DEVICE_DELETE:
        ft_on_device(rules, event);
        break;
    case FT_EV_ISR_CONNECT:
        ft_on_isr_connect(rules, event);
        break;
    case FT_EV_ISR_DISCONNECT:
        ft_on_isr_disconnect(rules, event);
        break;
    case FT_EV_PNP_SEND:
        ft_on_pnp_send(rules, event);
        break;
    case FT_EV_PNP_DONE:
        ft_on_pnp_done(rules, event);
        break;
    case FT_EV_POWER_SEND:
        ft_on_power_send(rules, event);
        break;
    case FT_EV_POWER_HW:
        ft_on_power_hw(rules, event);
        break;
    case FT_EV_MDL_ALLOC:
    case FT_EV_MDL_BUILD:
    case FT_EV_MDL_LOCK:
    case FT_EV_MDL_UNLOCK:
    case FT_EV_MDL_FREE:
    case FT_EV_MDL_PARTIAL:
        ft_on_mdl(rules, event);
        break;
    case FT_EV_DRIVER_UNLOADED:
        ft_on_driver_unloaded(rules, event);
        break;
    default:
        break;
    }
}

static void on_hardware(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
        ft_on_register(rules, event);
        break;
    case FT_EV_HW_YANK:
    case FT_EV_INT_LATE:
    case FT_EV_INT_LOST:
    case FT_EV_INT_SPURIOUS:
    case FT_EV_DEV_HOSTILE:
        ft_on_hardware(rules, event);
        break;
    case FT_EV_ENGINE_BEGIN:
        ft_on_engine_begin(rules, event);
        break;
    case FT_EV_ENGINE_END:
        ft_on_engine_end(rules, event);
        break;
    case FT_EV_BUS_READ:
    case FT_EV_BUS_WRITE:
    case FT_EV_BUS_FAULT:
        ft_on_bus_access(rules, event);
        break;
    default:
        break;
    }
}

static void on_dma(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_DMA_GET:
        ft_on_dma_get(rules, event);
        break;
    case FT_EV_DMA_PUT:
        ft_on_dma_put(rules, event);
        break;
    case FT_EV_DMA_CHANNEL:
        ft_on_dma_channel(rules, event);
        break;
    case FT_EV_DMA_GRANT:
        ft_on_dma_grant(rules, event);
        break;
    case FT_EV_DMA_ACTION:
        ft_on_dma_action(rules, event);
        break;
    case FT_EV_DMA_MAP:
        ft_on_dma_map(rules, event);
        break;
    case FT_EV_DMA_FLUSH:
        ft_on_dma_flush(rules, event);
        break;
    case FT_EV_DMA_FLUSHED:
        ft_on_dma_flushed(rules, event);
        break;
    case FT_EV_DMA_FLUSH_RESULT:
        ft_on_dma_flush_result(rules, event);
        break;
    case FT_EV_DMA_FREE_CHANNEL:
        ft_on_dma_free_channel(rules, event);
        break;
    case FT_EV_DMA_FREE_REGS:
        ft_on_dma_free_regs(rules, event);
        break;
    case FT_EV_DMA_CB_ALLOC:
        ft_on_dma_common_alloc(rules, event);
        break;
    case FT_EV_DMA_CB_FREE:
        ft_on_dma_common_free(rules, event);
        break;
    case FT_EV_DMA_DEAD_ADAPTER:
        ft_on_dma_dead_adapter(rules, event);
        break;
    default:
        ft_on_v3(rules, event);
        break;
    }
}

/* Event numbers carry their group in the high byte. */
static void dispatch(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind >> 8) {
    case 0x01:
    case 0x02:
        on_run(rules, event);
        break;
    case 0x03:
        on_kernel(rules, event);
        break;
    case 0x04:
        on_irp(rules, event);
        on_pnp(rules, event);
        break;
    case 0x05:
    case 0x07:
        on_hardware(rules, event);
        break;
    case 0x06:
        on_dma(rules, event);
        break;
    default:
        break;
    }
}

/* A driver with two devices in one stack hands an IRP from one to the other: the driver keeps it.
 */
static bool is_inside_driver(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp;

    if (event->kind != FT_EV_IRP_CALL || rules->driver_devices < 2 || !ft_by_driver(event) ||
        ft_arg_id(event, 1) == 0) {
        return false;
    }
    irp = ft_rs_irp_find(rules, ft_arg_id(event, 0));
    return irp != NULL && (irp->more & FT_MORE_OWN) == 0 &&
           (ft_rs_device(rules, ft_arg_id(event, 1))->flags & FT_DEVICE_BY_DRIVER) != 0;
}

bool ft_rules_event(void *state, const struct ft_event *event)
{
    struct ft_rules *rules = state;
    unsigned first = rules->finding_count;
    bool wrong_level;

    if (rules->ended) {
        return true;
    }
    rules->events++;
    ft_turn_to_device(rules, event);
    if (rules->overflow != FT_RS_TABLE_NONE) {
        /* Nothing can be judged any more, but how the run ends is still known. */
        if (event->kind >= FT_EV_RUN_CRASH && event->kind <= FT_EV_RUN_BUGCHECK) {
            on_stop(rules, event);
        }
        return false;
    }
    wrong_level = ft_by_driver(event) && !ft_irql_is_right(event);
    if (wrong_level) {
        ft_judge_ddi_irql(rules, event);
    }
    if (is_inside_driver(rules, event)) {
        return false;
    }
    ft_io_judge(rules, event, wrong_level);
    dispatch(rules, event);
    ft_io_note(rules, event);
    if (rules->finding_count == first) {
        return false;
    }
    choose(rules, first);
    rules->ended = !rules->keep_going;
    return rules->ended;
}

/* ---- life ---- */

size_t ft_rules_state_bytes(void)
{
    return sizeof(struct ft_rules);
}

void ft_rules_init(struct ft_rules *rules, bool keep_going, uint16_t disabled)
{
    ft_families_init();
    ft_irql_init();
    memset(rules, 0, sizeof(*rules));
    rules->keep_going = keep_going;
    rules->disabled = disabled;
}
