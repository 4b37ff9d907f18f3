/* Channels: how AllocateAdapterChannel is called, what AdapterControl does and returns, and how a
 * channel and its registers are given back. */
#include "rules/rules_private.h"

enum { KEEP_OBJECT = 1, DEALLOCATE_OBJECT = 2, KEEP_REGISTERS = 3 };

static uint64_t grant_handle(const struct ft_rs_grant *grant)
{
    return ft_handle(FT_HC_GRANT, grant->id, 0);
}

/* ---- AdapterControl and AdapterListControl that run ---- */

void ft_control_begins(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                       bool of_list)
{
    for (unsigned i = 0; i < FT_RS_CONTROLS; i++) {
        if (rules->control[i].task == 0) {
            rules->control[i] =
                (struct ft_rs_control){.task = event->task, .of_list = of_list, .id = id};
            return;
        }
    }
    ft_rules_overflow(rules, FT_RS_TABLE_CONTROL);
}

/* The others move up, so that the innermost of a task stays the last. */
void ft_control_ends(struct ft_rules *rules, uint32_t id, bool of_list)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < FT_RS_CONTROLS; i++) {
        if (rules->control[i].id != id || (rules->control[i].of_list != 0) != of_list) {
            rules->control[kept++] = rules->control[i];
        }
    }
    for (; kept < FT_RS_CONTROLS; kept++) {
        rules->control[kept] = (struct ft_rs_control){0};
    }
}

/* A dispatch routine or StartIo that AdapterControl leads to works for another request. */
static void count_inside(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_control *control = (struct ft_rs_control *)ft_control_of(rules, event->task);
    uint64_t routine = event->arg[0];

    if (control == NULL || routine == FT_ROUTINE_ADAPTER_CONTROL ||
        routine == FT_ROUTINE_LIST_CONTROL) {
        return;
    }
    if (event->kind == FT_EV_CALL_ENTER) {
        control->depth++;
    } else if (control->depth > 0) {
        control->depth--;
    }
}

const struct ft_rs_control *ft_control_of(const struct ft_rules *rules, uint16_t task)
{
    for (unsigned i = FT_RS_CONTROLS; i-- > 0;) {
        if (task != 0 && rules->control[i].task == task) {
            return &rules->control[i];
        }
    }
    return NULL;
}

/* AdapterControl is called at DISPATCH_LEVEL and returns there. */
void ft_channel_at_call(struct ft_rules *rules, const struct ft_event *event)
{
    count_inside(rules, event);
    if (event->kind == FT_EV_CALL_LEAVE &&
        (event->arg[0] == FT_ROUTINE_ADAPTER_CONTROL || event->arg[0] == FT_ROUTINE_LIST_CONTROL ||
         event->arg[0] == FT_ROUTINE_DMA_COMPLETION) &&
        ft_by_driver(event) && ft_known(event, 4) && event->irql != event->arg[4]) {
        ft_rule_fire(rules,
                     event->arg[0] == FT_ROUTINE_DMA_COMPLETION ? FT_J_DMA_DCR_IRQL
                                                                : FT_J_DMA_ACB_IRQL_SAME,
                     event, event->arg[1]);
    }
}

void ft_channel_at_wait(struct ft_rules *rules, const struct ft_event *event)
{
    bool can_block = event->kind == FT_EV_DELAY || event->arg[1] != 0;

    if (ft_by_driver(event) && can_block && ft_control_of(rules, event->task) != NULL) {
        ft_rule_fire(rules, FT_J_DMA_ACB_NO_WAIT, event,
                     event->kind == FT_EV_DELAY ? 0 : event->arg[0]);
    }
}

/* ---- AllocateAdapterChannel ---- */

/* A request for that device object waits, or its AdapterControl has not returned. */
static bool device_is_asking(const struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_QUEUED; i++) {
        if (rules->queued[i].adapter != 0 && rules->queued[i].device == device) {
            return true;
        }
    }
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        if (rules->grant[i].id != 0 && rules->grant[i].device == device &&
            (rules->grant[i].flags & FT_GRANT_IN_CONTROL) != 0) {
            return true;
        }
    }
    return false;
}

static void judge_count(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_adapter *adapter)
{
    if (adapter->registers == 0 || !ft_known(event, 1) || event->arg[1] <= adapter->registers) {
        return;
    }
    ft_rule_fire(rules, FT_J_DMA_ACH_COUNT_LIMIT, event, event->arg[0]);
    if (ft_adapter_is_cut(adapter)) {
        ft_rule_fire(rules, FT_J_DMA_GET_COUNT_INSPECTED, event, event->arg[0]);
    }
}

/* Where the call is made from. Lists may be asked for while others wait, but from no callback. */
void ft_judge_request_place(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_control *control = ft_control_of(rules, event->task);
    const struct ft_rs_device *root = ft_rs_root(rules, event->device);
    bool for_channel = event->kind == FT_EV_DMA_CHANNEL || event->kind == FT_EV_CHANNEL_EX;

    if (control != NULL && control->depth != 0) {
        control = NULL;
    }
    if (control != NULL && control->of_list && for_channel) {
        ft_rule_fire(rules, FT_J_DMA_LCB_NO_ALLOC_MAP, event, event->arg[0]);
    } else if (control != NULL) {
        ft_rule_fire(rules, FT_J_DMA_ACH_NOT_NESTED, event, event->arg[0]);
    }
    if ((root->flags & FT_DEVICE_REMOVED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_DMA_AFTER_REMOVE, event, event->arg[0]);
    } else if ((root->flags & FT_DEVICE_GONE) != 0 ||
               (rules->stopped >> (root - rules->device) & 1) != 0) {
        ft_rule_fire(rules, FT_J_DMA_ACH_AFTER_STOP, event, event->arg[0]);
    }
}

/* What the grants that are held already say about one more request. */
static void judge_held(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t irp = ft_arg_id(event, 3);

    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (!ft_grant_is_held(grant) || grant->adapter != ft_arg_id(event, 0) ||
            (grant->flags & FT_GRANT_OF_DEVICE) != 0) {
            continue;
        }
        if (irp != 0 && grant->irp == irp && (grant->flags & FT_GRANT_MAPPED) != 0) {
            ft_rule_fire(rules, FT_J_DMA_ACB_ONCE_PER_IRP, event, grant_handle(grant));
        }
        if ((grant->flags & FT_GRANT_NEXT_STARTED) != 0) {
            ft_rule_fire(rules, FT_J_DMA_STARTNEXT_ORDER, event, grant_handle(grant));
        }
    }
}

/* The IRP that a request is made for: CurrentIrp, or the one that the task serves. */
static struct ft_rs_irp *irp_of(struct ft_rules *rules, const struct ft_event *event,
                                uint32_t named)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, named);

    return irp != NULL && (irp->flags & FT_IRP_COMPLETED) == 0
               ? irp
               : ft_rs_irp_find(rules, event->request);
}

void ft_request_ended(struct ft_rules *rules, const struct ft_event *event, uint32_t named,
                      bool granted, uint8_t refusal)
{
    struct ft_rs_irp *irp = irp_of(rules, event, named);

    if (irp == NULL) {
        return;
    }
    if (granted) {
        irp->dma &= (uint8_t) ~(FT_IRP_DMA_CHANNEL_REFUSED | FT_IRP_DMA_LIST_REFUSED);
    } else {
        irp->dma |= refusal;
    }
}

void ft_judge_channel(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    uint32_t device = ft_known(event, 5) ? ft_arg_id(event, 5) : 0;
    bool granted = ft_nt_success((uint32_t)event->arg[2]);

    if (adapter == NULL || (adapter->flags & FT_RS_OVER) != 0) {
        return;
    }
    if (ft_by_driver(event)) {
        if (ft_known(event, 4) && event->arg[4] == 0) {
            ft_rule_fire(rules, FT_J_DMA_ACH_ROUTINE_NONNULL, event, event->arg[0]);
        }
        judge_count(rules, event, adapter);
        ft_judge_request_place(rules, event);
        if (device != 0 && device_is_asking(rules, device)) {
            ft_rule_fire(rules, FT_J_DMA_ACH_ONE_PER_DEVICE, event, event->arg[5]);
        }
        if (ft_rs_irp_is_complete(rules, ft_arg_id(event, 3))) {
            ft_rule_fire(rules, FT_J_DMA_ACH_CANCELLED_IRP, event, event->arg[3]);
        }
        judge_held(rules, event);
    }
    adapter->flags &= (uint16_t)~FT_ADAPTER_REFUSED;
    adapter->flags |= granted ? 0 : FT_ADAPTER_REFUSED;
    ft_request_ended(rules, event, ft_arg_id(event, 3), granted, FT_IRP_DMA_CHANNEL_REFUSED);
}

/* The channel request failed, and the driver goes on as if it had its grant. */
void ft_judge_refused(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    if (adapter == NULL || (adapter->flags & FT_ADAPTER_REFUSED) == 0 || !ft_by_driver(event) ||
        ft_adapter_is_asked(rules, adapter->id)) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (grant->id != 0 && grant->adapter == adapter->id && (grant->flags & FT_RS_OVER) == 0) {
            return;
        }
    }
    ft_rule_fire(rules, FT_J_DMA_ACH_STATUS_CHECKED, event, event->arg[0]);
}

/* ---- the grant ---- */

void ft_judge_grant(struct ft_rules *rules, const struct ft_event *event,
                    const struct ft_rs_grant *given)
{
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (grant->id != 0 && grant->id != given->id && grant->adapter == given->adapter &&
            (grant->flags & (FT_RS_OVER | FT_GRANT_CHANNEL)) == FT_GRANT_CHANNEL) {
            ft_rule_fire(rules, FT_J_DMA_ACH_ONE_PER_ADAPTER, event, grant_handle(grant));
        }
    }
}

void ft_judge_action(struct ft_rules *rules, const struct ft_event *event,
                     const struct ft_rs_grant *grant)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, grant->adapter);
    unsigned flags = adapter != NULL ? adapter->flags : 0;

    if (!ft_known(event, 2)) {
        return;
    }
    switch (event->arg[2]) {
    case KEEP_OBJECT:
        if ((flags & FT_ADAPTER_MASTER) != 0 && (grant->more & FT_MORE_SYNCHRONOUS) == 0) {
            ft_rule_fire(rules, FT_J_DMA_ACB_RETURN_BUSMASTER, event, grant_handle(grant));
        }
        break;
    case DEALLOCATE_OBJECT:
        if (ft_grant_is_due(rules, grant->id)) {
            ft_rule_fire(rules, FT_J_DMA_ACB_DEALLOC_LIVE, event, grant_handle(grant));
        }
        break;
    case KEEP_REGISTERS:
        if ((flags & FT_ADAPTER_SLAVE) != 0 && ft_grant_is_due(rules, grant->id)) {
            ft_rule_fire(rules, FT_J_DMA_ACB_RETURN_SYSTEM, event, grant_handle(grant));
        }
        break;
    default:
        ft_rule_fire(rules, FT_J_DMA_ACB_RETURN_VALID, event, grant_handle(grant));
        break;
    }
}

/* A lock that was held over the request, and that AdapterControl takes: the driver that is granted
 * at once stands still. */
void ft_channel_at_lock(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_control *control = ft_control_of(rules, event->task);
    const struct ft_rs_grant *grant =
        control != NULL && !control->of_list ? ft_rs_grant_find(rules, control->id) : NULL;

    if (grant != NULL && ft_by_driver(event) && grant->lock != 0 &&
        grant->lock == ft_arg_id(event, 0)) {
        ft_rule_fire(rules, FT_J_DMA_LOCK_HELD, event, event->arg[0]);
    }
}

uint32_t ft_lock_held_by(const struct ft_rules *rules, uint16_t task)
{
    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        if (task != 0 && rules->lock[i].id != 0 && rules->lock[i].task == task) {
            return rules->lock[i].id;
        }
    }
    return 0;
}

void ft_channel_at_start_next(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        struct ft_rs_grant *grant = &rules->grant[i];

        if (ft_by_driver(event) && ft_grant_is_held(grant) &&
            (grant->flags & FT_GRANT_CHANNEL) != 0) {
            grant->flags |= FT_GRANT_NEXT_STARTED;
        }
    }
}

/* The request names the device object, whose wait block stands in the queue. */
void ft_channel_at_delete(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_QUEUED; i++) {
        if (rules->queued[i].adapter != 0 && rules->queued[i].device != 0 &&
            rules->queued[i].device == ft_arg_id(event, 0)) {
            ft_rule_fire(rules, FT_J_DMA_ACH_CONTEXT_ALIVE, event, event->arg[0]);
        }
    }
}

/* ---- FreeAdapterChannel, FreeMapRegisters ---- */

static const struct ft_rs_grant *newest_of(const struct ft_rules *rules, uint32_t adapter)
{
    const struct ft_rs_grant *newest = NULL;

    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (grant->id != 0 && grant->adapter == adapter &&
            (newest == NULL || grant->id > newest->id)) {
            newest = grant;
        }
    }
    return newest;
}

/* The held channel of another adapter of the driver. */
static const struct ft_rs_grant *held_elsewhere(const struct ft_rules *rules, uint32_t adapter)
{
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (grant->adapter != adapter && ft_grant_is_held(grant) &&
            (grant->flags & FT_GRANT_CHANNEL) != 0) {
            return grant;
        }
    }
    return NULL;
}

/* FreeAdapterChannel found no channel: what became of the adapter's last grant says why. */
void ft_judge_no_channel(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_grant *newest = newest_of(rules, ft_arg_id(event, 0));
    const struct ft_rs_grant *elsewhere = held_elsewhere(rules, ft_arg_id(event, 0));

    if (!ft_known(event, 1) || event->arg[1] != 0) {
        return;
    }
    if (newest == NULL && ft_adapter_has_list(rules, ft_arg_id(event, 0))) {
        ft_rule_fire(rules, FT_J_DMA_SGL_NO_MANUAL_FLUSH, event, event->arg[0]);
    } else if (elsewhere != NULL && (newest == NULL || (newest->flags & FT_RS_OVER) != 0)) {
        ft_rule_fire(rules, FT_J_DMA_FREE_WRONG_ADAPTER, event, grant_handle(elsewhere));
    } else if (newest == NULL ||
               (newest->flags & (FT_GRANT_REGISTERS | FT_GRANT_FREED_REGS)) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FCH_ONLY_KEEP, event, event->arg[0]);
    } else if ((newest->flags & FT_GRANT_DEALLOCATED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_GRANT_NO_RELEASE, event, grant_handle(newest));
    } else if ((newest->flags & FT_GRANT_FREED_CHANNEL) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FCH_DOUBLE, event, grant_handle(newest));
    }
}

/* The base is no grant's, or not the start of one. False: there is nothing to free. */
static bool judge_base(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t base = event->arg[1];

    if (!ft_known(event, 1)) {
        return false;
    }
    if (base == 0) {
        if (ft_adapter_has_list(rules, ft_arg_id(event, 0)) &&
            newest_of(rules, ft_arg_id(event, 0)) == NULL) {
            ft_rule_fire(rules, FT_J_DMA_SGL_NO_MANUAL_FLUSH, event, event->arg[0]);
        } else {
            ft_rule_fire(rules, FT_J_DMA_FMR_NULL, event, event->arg[0]);
        }
        return false;
    }
    if (ft_handle_class(base) != FT_HC_GRANT || (base & UINT32_MAX) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FMR_BASE, event, base);
        return false;
    }
    return true;
}

void ft_judge_free_registers(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 1));

    if (!judge_base(rules, event) || grant == NULL) {
        return;
    }
    if (grant->adapter != ft_arg_id(event, 0)) {
        ft_rule_fire(rules, FT_J_DMA_FREE_WRONG_ADAPTER, event, grant_handle(grant));
    } else if ((grant->flags & FT_GRANT_DEALLOCATED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_GRANT_NO_RELEASE, event, grant_handle(grant));
    } else if ((grant->flags & (FT_GRANT_CHANNEL | FT_GRANT_FREED_CHANNEL)) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FMR_ONLY_KEEPREGS, event, grant_handle(grant));
    } else if ((grant->flags & FT_GRANT_FREED_REGS) == 0 && ft_known(event, 2) &&
               event->arg[2] < grant->registers) {
        ft_rule_fire(rules, FT_J_DMA_FMR_PARTIAL, event, grant_handle(grant));
    }
}

/* A subordinate device flushes once for each piece. */
bool ft_judge_flush_count(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_grant *grant)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, grant->adapter);

    if (adapter != NULL &&
        (adapter->flags & (FT_ADAPTER_SLAVE | FT_ADAPTER_V3)) == FT_ADAPTER_SLAVE &&
        grant->maps > 1 && grant->maps != UINT8_MAX && grant->flushes < grant->maps &&
        ft_grant_is_due(rules, grant->id)) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_PER_MAP_SYSTEM, event, grant_handle(grant));
        return true;
    }
    return false;
}
