/* The adapter object: how it is asked for, described, called and given back. What hangs on an
 * adapter when it is put, and what is left of it, is rules_dma_objects.c. */
#include "rules/rules_private.h"

#include "sim/dma_words.h"

enum { PAGE = 4096, VERSION_HIGHEST = 3 };

/* ---- IoGetDmaAdapter ---- */

static void judge_description(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_known(event, 1) && event->arg[1] > VERSION_HIGHEST) {
        ft_rule_fire(rules, FT_J_DMA_DD_VERSION_KNOWN, event, event->arg[0]);
    }
    if (ft_known(event, 3) && event->arg[3] == 0) {
        ft_rule_fire(rules, FT_J_DMA_DD_MAXLEN_NONZERO, event, event->arg[0]);
    }
    if (ft_known(event, 7) && (event->arg[7] & FT_DD_KNOWN) != 0 && ft_known(event, 1) &&
        event->arg[1] == VERSION_HIGHEST && (event->arg[7] & FT_DD_MASTER) != 0 &&
        (FT_DD_WIDTH(event->arg[7]) == 0 || FT_DD_WIDTH(event->arg[7]) > 64)) {
        ft_rule_fire(rules, FT_J_DMA_DD_V3_WIDTH, event, event->arg[0]);
    }
    if (ft_known(event, 7) && (event->arg[7] & FT_DD_KNOWN) != 0 &&
        (event->arg[7] & FT_DD_NOT_ZEROED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_DD_ZEROED, event, event->arg[0]);
    }
}

/* Where and for whom the adapter is asked for. */
static void judge_place(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, event->request);
    bool starts = rules->starts_running != 0 || !rules->start_over;

    if (irp != NULL && irp->major == FT_MAJOR_POWER && irp->minor == FT_POWER_MINOR_SET &&
        (irp->flags & FT_IRP_DONE) == 0) {
        ft_rule_fire(rules, FT_J_DMA_GET_DURING_POWER, event, ft_handle(FT_HC_IRP, irp->id, 0));
    }
    if (!starts) {
        ft_rule_fire(rules, FT_J_DMA_GET_PHASE, event, event->arg[0]);
        if ((ft_rs_root(rules, event->device)->flags & FT_DEVICE_REMOVED) != 0) {
            ft_rule_fire(rules, FT_J_DMA_DMA_AFTER_REMOVE, event, event->arg[0]);
        }
    }
    if (ft_known(event, 6) && ft_arg_id(event, 6) != 0 &&
        (ft_rs_device(rules, ft_arg_id(event, 6))->flags & FT_DEVICE_BY_DRIVER) != 0) {
        ft_rule_fire(rules, FT_J_DMA_GET_PDO, event, event->arg[6]);
    }
}

void ft_judge_dma_get(struct ft_rules *rules, const struct ft_event *event)
{
    judge_description(rules, event);
    judge_place(rules, event);
}

/* What later calls on the adapter are measured by. */
void ft_learn_adapter(struct ft_rs_adapter *adapter, const struct ft_event *event)
{
    bool lists = event->arg[4] != 0;
    bool master = event->arg[5] != 0;

    if (ft_known(event, 1) && event->arg[1] >= 2) {
        adapter->flags |= FT_ADAPTER_V2;
    }
    if (ft_known(event, 1) && event->arg[1] == VERSION_HIGHEST) {
        adapter->flags |= FT_ADAPTER_V3;
    }
    if (ft_known(event, 5)) {
        adapter->flags |= master ? FT_ADAPTER_MASTER : FT_ADAPTER_SLAVE;
    }
    if (ft_known(event, 4) && ft_known(event, 5) && master && !lists) {
        adapter->flags |= FT_ADAPTER_SINGLE;
    }
    if (ft_known(event, 7) && (event->arg[7] & FT_DD_AUTO_INITIALIZE) != 0) {
        adapter->flags |= FT_ADAPTER_AUTO_INITIALIZE;
    }
    adapter->channel = !ft_known(event, 7) ? 0
                       : (adapter->flags & FT_ADAPTER_V3) != 0
                           ? (uint16_t)FT_DD_LINE(event->arg[7])
                           : (uint16_t)FT_DD_CHANNEL(event->arg[7]);
    adapter->registers = ft_known(event, 2) ? (uint32_t)event->arg[2] : 0;
    adapter->maximum = ft_known(event, 3) ? (uint32_t)event->arg[3] : 0;
}

/* The adapter got fewer registers than its longest transfer needs at any start. */
bool ft_adapter_is_cut(const struct ft_rs_adapter *adapter)
{
    return adapter->maximum != 0 && adapter->registers != 0 &&
           adapter->registers < adapter->maximum / PAGE + (adapter->maximum % PAGE != 0) + 1;
}

/* ---- calls that reach no adapter, or the wrong one ---- */

void ft_judge_null_adapter(struct ft_rules *rules, const struct ft_event *event)
{
    if (rules->get_failed) {
        ft_rule_fire(rules, FT_J_DMA_GET_NULL_UNCHECKED, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_DMA_ADAPTER_NULL, event, event->arg[0]);
    }
}

/* A member that the adapter's table does not have, or that came from another adapter's. */
static void judge_member(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    unsigned flags = adapter != NULL ? adapter->flags : 0;
    unsigned members = (flags & FT_ADAPTER_V3) != 0   ? FT_DMA_MEMBERS_V3
                       : (flags & FT_ADAPTER_V2) != 0 ? FT_DMA_MEMBERS_V2
                                                      : FT_DMA_MEMBERS_V1;

    if (ft_known(event, 1) && event->arg[1] > members) {
        ft_rule_fire(rules, FT_J_DMA_OPS_VERSION_GATE, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_DMA_OPS_OWN_TABLE, event, event->arg[0]);
    }
}

static void on_references(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    if (adapter != NULL && ft_known(event, 1)) {
        adapter->references = (uint16_t)event->arg[1];
        adapter->flags |= FT_ADAPTER_REFERENCES;
    }
}

/* GetDmaAlignment gives bytes; AlignmentRequirement is a mask. */
static void judge_requirement(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t requirement = event->arg[6];

    if (ft_known(event, 6) && (requirement & (requirement + 1)) != 0) {
        ft_rule_fire(rules, FT_J_DMA_ALN_MASK, event, event->arg[0]);
    }
}

void ft_on_dma_query(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter;

    switch (event->kind) {
    case FT_EV_DMA_REFS:
        on_references(rules, event);
        break;
    case FT_EV_DMA_ALIGNMENT:
        adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
        if (adapter != NULL && ft_known(event, 1)) {
            adapter->alignment = (uint16_t)event->arg[1];
        }
        break;
    case FT_EV_DEVICE_FLAGS:
        judge_requirement(rules, event);
        break;
    case FT_EV_HAL_GET_ADAPTER:
        if (ft_by_driver(event)) {
            ft_rule_fire(rules, FT_J_DMA_OBSOLETE_HAL, event, event->arg[0]);
        }
        break;
    case FT_EV_DMA_OLD_TABLE:
        if (ft_by_driver(event)) {
            judge_member(rules, event);
        }
        break;
    default:
        break;
    }
}

/* References that outlived the put. */
void ft_adapters_at_end(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_ADAPTERS; i++) {
        const struct ft_rs_adapter *adapter = &rules->adapter[i];

        if (adapter->id != 0 && (adapter->flags & FT_RS_OVER) != 0 &&
            (adapter->flags & FT_ADAPTER_REFERENCES) != 0 && adapter->references != 0) {
            ft_rule_fire(rules, FT_J_DMA_ADAPTER_REFS, event,
                         ft_handle(FT_HC_ADAPTER, adapter->id, 0));
        }
    }
}
