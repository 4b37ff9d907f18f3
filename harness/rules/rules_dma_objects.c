/* Adapters, channels, map registers and common buffers: who holds what, how they come and go.
 * What is left of them at the end is rules_dma_ends.c. */
#include "rules/rules_private.h"

static uint64_t adapter_handle(const struct ft_rs_adapter *adapter)
{
    return ft_handle(FT_HC_ADAPTER, adapter->id, 0);
}

static uint64_t grant_handle(const struct ft_rs_grant *grant)
{
    return ft_handle(FT_HC_GRANT, grant->id, 0);
}

static bool common_is_live(const struct ft_rs_common *common)
{
    return common->id != 0 && (common->flags & FT_RS_OVER) == 0;
}

/* A mapping of the adapter that owes its flush, NULL when there is none. */
const struct ft_rs_mapping *ft_adapter_due(const struct ft_rules *rules, uint32_t adapter)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        if (ft_mapping_is_due(&rules->mapping[i]) && rules->mapping[i].adapter == adapter) {
            return &rules->mapping[i];
        }
    }
    return NULL;
}

bool ft_adapter_is_asked(const struct ft_rules *rules, uint32_t adapter)
{
    for (unsigned i = 0; i < FT_RS_QUEUED; i++) {
        if (rules->queued[i].adapter == adapter) {
            return true;
        }
    }
    return false;
}

static void drop_queued(struct ft_rules *rules, uint32_t adapter)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < FT_RS_QUEUED; i++) {
        if (rules->queued[i].adapter != adapter) {
            rules->queued[kept++] = rules->queued[i];
        }
    }
    for (; kept < FT_RS_QUEUED; kept++) {
        rules->queued[kept] = (struct ft_rs_queued){0};
    }
}

/* ---- the adapter ---- */

void ft_on_dma_get(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_get(rules, ft_arg_id(event, 0));

    if (ft_by_driver(event)) {
        ft_judge_dma_get(rules, event);
    }
    if (adapter == NULL) {
        rules->get_failed = ft_known(event, 0);
        return; /* IoGetDmaAdapter returned NULL */
    }
    adapter->device = event->device;
    ft_learn_adapter(adapter, event);
    if (ft_known(event, 4) && ft_known(event, 5)) {
        adapter->flags |= event->arg[4] && event->arg[5] ? FT_ADAPTER_PIPELINES : 0;
    }
    /* One MapTransferEx makes several mappings; what it owes is its own row. */
    if (!ft_known(event, 4) || !ft_known(event, 5) || (adapter->flags & FT_ADAPTER_V3) != 0) {
        adapter->flags |= FT_ADAPTER_PIPELINES;
    }
}

static void judge_put(struct ft_rules *rules, const struct ft_event *event, uint32_t adapter)
{
    const struct ft_rs_mapping *due = ft_adapter_due(rules, adapter);

    if (due != NULL && (due->flags & FT_MAPPING_LIST) == 0) {
        ft_rule_fire(rules, FT_J_DMA_PUT_WITH_MAPPING, event, ft_mapping_handle(due));
    }
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (grant->id == 0 || grant->adapter != adapter || (grant->flags & FT_RS_OVER) != 0 ||
            ft_grant_is_due(rules, grant->id) || ft_v3_grant_left(rules, event, grant)) {
            continue;
        }
        if ((grant->flags & FT_GRANT_REGISTERS) != 0) {
            ft_rule_fire(rules, FT_J_DMA_PUT_WITH_REGISTERS, event, grant_handle(grant));
        } else {
            ft_rule_fire(rules, FT_J_DMA_PUT_WITH_CHANNEL, event, grant_handle(grant));
        }
    }
    if (ft_adapter_is_asked(rules, adapter)) {
        ft_rule_fire(rules, FT_J_DMA_PUT_WITH_CHANNEL, event, event->arg[0]);
    }
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        const struct ft_rs_common *common = &rules->common[i];

        if (common_is_live(common) && common->adapter == adapter) {
            ft_rule_fire(rules, FT_J_DMA_PUT_WITH_COMMON_BUFFER, event,
                         ft_handle(FT_HC_COMMON, common->id, 0));
        }
    }
}

/* A call on an adapter that was put. After the removal of the device the row about removal says it
 * for what gives things back. */
static void judge_dead(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_adapter *adapter, bool gives_back)
{
    bool removed = (ft_rs_root(rules, adapter->device)->flags & FT_DEVICE_REMOVED) != 0;

    if (removed && gives_back) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_AFTER_REMOVE, event, adapter_handle(adapter));
    } else if (removed) {
        ft_rule_fire(rules, FT_J_DMA_DMA_AFTER_REMOVE, event, adapter_handle(adapter));
    } else {
        ft_rule_fire(rules, FT_J_DMA_ADAPTER_USE_AFTER_PUT, event, adapter_handle(adapter));
    }
}

void ft_on_dma_put(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    if (adapter == NULL) {
        return;
    }
    if ((adapter->flags & FT_RS_OVER) == 0 && (adapter->flags & FT_ADAPTER_REFERENCES) != 0 &&
        adapter->references > 1) {
        adapter->flags |= FT_ADAPTER_PUT_ONCE;
        return; /* somebody else got it, too */
    }
    if (ft_by_driver(event)) {
        if ((adapter->flags & FT_RS_OVER) != 0 || event->arg[1]) {
            judge_dead(rules, event, adapter, true);
            if ((ft_rs_root(rules, adapter->device)->flags & FT_DEVICE_REMOVED) == 0) {
                ft_rule_fire(rules, FT_J_DMA_ADAPTER_DOUBLE_PUT, event, adapter_handle(adapter));
            }
        } else {
            ft_v3_adapter_left(rules, event, adapter);
            judge_put(rules, event, adapter->id);
        }
    }
    if ((adapter->flags & FT_RS_OVER) == 0) {
        ft_lists_at_put(rules, event, adapter->id);
    }
    adapter->flags |= FT_RS_OVER;
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        if (rules->grant[i].id != 0 && rules->grant[i].adapter == adapter->id) {
            ft_grant_drop_mappings(rules, rules->grant[i].id);
            rules->grant[i].flags |= FT_RS_OVER;
        }
    }
    drop_queued(rules, adapter->id);
}

/* Calls on a dead adapter come as this event instead of their own. */
void ft_on_dma_dead_adapter(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    uint64_t ddi = event->arg[1];
    bool removed;

    if (ft_by_driver(event) && ft_known(event, 0) && event->arg[0] == 0) {
        ft_judge_null_adapter(rules, event);
    }
    if (adapter == NULL || !ft_by_driver(event)) {
        return; /* an adapter that never was is no adapter that was put */
    }
    removed = (ft_rs_root(rules, adapter->device)->flags & FT_DEVICE_REMOVED) != 0;
    if (ddi == FT_PT_DMA_FLUSH && !removed) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_AFTER_PUT, event, event->arg[0]);
    }
    judge_dead(rules, event, adapter,
               ddi == FT_PT_DMA_FLUSH || ddi == FT_PT_DMA_FREE || ddi == FT_PT_DMA_GET);
}

/* Every other call of the driver on an adapter. */
static void judge_use(struct ft_rules *rules, const struct ft_event *event, bool gives_back)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    if (adapter != NULL && (adapter->flags & FT_RS_OVER) != 0 && ft_by_driver(event)) {
        judge_dead(rules, event, adapter, gives_back);
    }
}

/* ---- channel and registers ---- */

/* A driver may ask once, when it is started, for what it keeps until it is stopped. */
static bool asked_by_pnp(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, event->request);

    return irp != NULL && irp->major == FT_MAJOR_PNP && (irp->flags & FT_IRP_IN_DISPATCH) != 0;
}

void ft_queue_request(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_queued *request)
{
    for (unsigned i = 0; i < FT_RS_QUEUED; i++) {
        if (rules->queued[i].adapter == 0) {
            rules->queued[i] = *request;
            rules->queued[i].of_device = asked_by_pnp(rules, event);
            rules->queued[i].lock = ft_lock_held_by(rules, event->task);
            return;
        }
    }
    ft_rules_overflow(rules, FT_RS_TABLE_QUEUED);
}

static void remove_queued(struct ft_rules *rules, unsigned at)
{
    for (; at + 1 < FT_RS_QUEUED; at++) {
        rules->queued[at] = rules->queued[at + 1];
    }
    rules->queued[FT_RS_QUEUED - 1] = (struct ft_rs_queued){0};
}

void ft_withdraw_request(struct ft_rules *rules, uint32_t adapter, uint32_t grant)
{
    for (unsigned i = 0; i < FT_RS_QUEUED; i++) {
        if (rules->queued[i].adapter == adapter && rules->queued[i].grant == grant) {
            remove_queued(rules, i);
            return;
        }
    }
}

/* A request that is granted inside the call may be reported after its grant. */
void ft_on_dma_channel(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    judge_use(rules, event, false);
    ft_judge_channel(rules, event);
    if (adapter == NULL || !ft_nt_success((uint32_t)event->arg[2])) {
        return;
    }
    if (adapter->early_grants != 0) {
        adapter->early_grants--;
        return;
    }
    ft_queue_request(rules, event,
                     &(struct ft_rs_queued){
                         .adapter = adapter->id,
                         .irp = ft_arg_id(event, 3),
                         .device = ft_known(event, 5) ? (uint16_t)ft_arg_id(event, 5) : 0,
                     });
}

/* Takes the oldest request for that adapter and IRP from the queue, else the oldest for the
 * adapter; the rest keeps its order. Adapter 0 in the result: there was none. */
static struct ft_rs_queued take_queued(struct ft_rules *rules, uint32_t adapter, uint32_t irp)
{
    struct ft_rs_queued taken = {0};
    unsigned found = FT_RS_QUEUED;

    for (unsigned i = FT_RS_QUEUED; i-- > 0;) {
        if (rules->queued[i].adapter == adapter &&
            (rules->queued[i].irp == irp || found == FT_RS_QUEUED ||
             rules->queued[found].irp != irp)) {
            found = i;
        }
    }
    if (found == FT_RS_QUEUED) {
        return taken;
    }
    taken = rules->queued[found];
    remove_queued(rules, found);
    return taken;
}

void ft_on_dma_grant(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    struct ft_rs_grant *grant = ft_rs_grant_get(rules, ft_arg_id(event, 1));
    struct ft_rs_queued asked;

    if (grant == NULL) {
        return;
    }
    grant->adapter = ft_arg_id(event, 0);
    grant->registers = (uint32_t)event->arg[2];
    grant->irp = ft_arg_id(event, 3);
    if (ft_rs_irp_is_complete(rules, grant->irp)) {
        grant->irp =
            0; /* CurrentIrp was stale; the memory that is mapped says whose transfer it is */
    }
    asked = take_queued(rules, grant->adapter, ft_arg_id(event, 3));
    grant->flags |= asked.of_device ? FT_GRANT_OF_DEVICE : 0;
    grant->flags |= FT_GRANT_IN_CONTROL;
    grant->device = asked.device;
    grant->lock = asked.lock;
    ft_judge_grant(rules, event, grant);
    ft_control_begins(rules, event, grant->id, false);
    if (asked.adapter == 0 && adapter != NULL) {
        adapter->early_grants++;
    }
}

void ft_on_dma_action(struct ft_rules *rules, const struct ft_event *event)
{
    enum { KEEP_OBJECT = 1, DEALLOCATE_OBJECT = 2, KEEP_REGISTERS = 3 };
    struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 1));

    ft_control_ends(rules, ft_arg_id(event, 1), false);
    if (grant == NULL) {
        return;
    }
    grant->flags &= (uint16_t)~FT_GRANT_IN_CONTROL;
    if ((grant->flags & FT_RS_OVER) != 0) {
        return;
    }
    ft_judge_action(rules, event, grant);
    switch (event->arg[2]) {
    case KEEP_OBJECT:
        grant->flags |= FT_GRANT_CHANNEL;
        break;
    case KEEP_REGISTERS:
        grant->flags |= FT_GRANT_REGISTERS;
        break;
    case DEALLOCATE_OBJECT:
        ft_grant_drop_mappings(rules, grant->id);
        grant->flags |= FT_RS_OVER | FT_GRANT_DEALLOCATED;
        break;
    default:
        break;
    }
}

bool ft_irp_is_due(const struct ft_rules *rules, uint32_t irp)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        if (ft_mapping_is_due(&rules->mapping[i]) && rules->mapping[i].irp == irp) {
            return true;
        }
    }
    return false;
}

/* What giving back a grant owes. */
static void judge_free(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_grant *grant, enum ft_judged_rule rule)
{
    if (ft_grant_is_due(rules, grant->id)) {
        ft_rule_fire(rules, rule, event, grant_handle(grant));
        /* dma.cmt-then-flush says more of a transfer that was cancelled. */
        if (!ft_judge_flush_count(rules, event, grant) &&
            (grant->more & FT_MORE_V3_CANCELLED) == 0 &&
            ft_grant_is_half_flushed(rules, grant->id)) {
            ft_rule_fire(rules, FT_J_DMA_FLUSH_PARTIAL_SPLIT, event, grant_handle(grant));
        }
    }
    ft_warn_spent(rules, event, grant->id);
}

void ft_on_dma_free_channel(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 1));

    judge_use(rules, event, true);
    if (ft_by_driver(event)) {
        ft_judge_refused(rules, event);
    }
    if (grant == NULL) {
        if (ft_by_driver(event)) {
            ft_judge_no_channel(rules, event);
            ft_v3_at_free_nothing(rules, event);
        }
        return;
    }
    ft_v3_at_release(rules, event, grant);
    if (ft_by_driver(event)) {
        judge_free(rules, event, grant, FT_J_DMA_FLUSH_BEFORE_FREE_CHANNEL);
    }
    ft_grant_drop_mappings(rules, grant->id);
    grant->flags |= FT_RS_OVER | FT_GRANT_FREED_CHANNEL;
}

void ft_on_dma_free_regs(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 1));

    judge_use(rules, event, true);
    if (ft_by_driver(event)) {
        ft_judge_refused(rules, event);
        ft_judge_free_registers(rules, event);
        if (grant == NULL || (grant->flags & FT_GRANT_FREED_REGS) != 0) {
            ft_v3_at_free_nothing(rules, event);
        }
    }
    if (grant == NULL || grant->adapter != ft_arg_id(event, 0) ||
        (event->arg[1] & UINT32_MAX) != 0) {
        return; /* registers of another adapter stay where they are */
    }
    if (ft_by_driver(event)) {
        if ((grant->flags & FT_GRANT_FREED_REGS) != 0) {
            ft_rule_fire(rules, FT_J_DMA_FMR_DOUBLE, event, grant_handle(grant));
            return;
        }
        ft_v3_at_release(rules, event, grant);
        judge_free(rules, event, grant, FT_J_DMA_FLUSH_BEFORE_FREE_REGS);
        if (ft_known(event, 2) && event->arg[2] != grant->registers) {
            ft_rule_fire(rules, FT_J_DMA_FMR_COUNT, event, grant_handle(grant));
        }
    }
    ft_grant_drop_mappings(rules, grant->id);
    grant->flags |= FT_RS_OVER | FT_GRANT_FREED_REGS;
}

/* ---- common buffers ---- */

void ft_on_dma_common_alloc(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_common *common = ft_rs_common_get(rules, ft_arg_id(event, 1));

    judge_use(rules, event, false);
    ft_judge_common_alloc(rules, event);
    if (common == NULL) {
        return; /* the allocation failed */
    }
    common->adapter = ft_arg_id(event, 0);
    common->length = (uint32_t)event->arg[2];
    common->address = event->arg[3];
}

void ft_on_dma_common_free(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_common *common = ft_rs_common_find(rules, ft_arg_id(event, 1));

    judge_use(rules, event, true);
    ft_judge_common_free(rules, event);
    if (common != NULL && ft_handle_class(event->arg[1]) == FT_HC_COMMON) {
        common->flags |= FT_RS_OVER;
    }
}
