/* What is left of DMA when a request is completed, when the device is powered down or removed, and
 * at the end.
 *
 * Of several things that are left one is told: an object with live mappings on it is in use, which
 * is the graver fault; only an object with nothing on it is a plain leak.
 */
#include "rules/rules_private.h"

static uint64_t adapter_handle(const struct ft_rs_adapter *adapter)
{
    return ft_handle(FT_HC_ADAPTER, adapter->id, 0);
}

static uint64_t grant_handle(const struct ft_rs_grant *grant)
{
    return ft_handle(FT_HC_GRANT, grant->id, 0);
}

static bool adapter_is_live(const struct ft_rs_adapter *adapter)
{
    return adapter->id != 0 && (adapter->flags & FT_RS_OVER) == 0;
}

static bool common_is_live(const struct ft_rs_common *common)
{
    return common->id != 0 && (common->flags & FT_RS_OVER) == 0;
}

/* ---- at the completion of a request ---- */

static void judge_due_at_complete(struct ft_rules *rules, const struct ft_event *event,
                                  const struct ft_rs_irp *irp, const struct ft_rs_mapping *due)
{
    bool cancelled = (irp->flags & FT_IRP_CANCELLED) != 0 && event->arg[1] == FT_NT_CANCELLED;

    const struct ft_rs_grant *grant = ft_rs_grant_find(rules, due->grant);

    ft_rule_fire(rules, FT_J_DMA_FLUSH_BEFORE_COMPLETE, event, ft_mapping_handle(due));
    if (grant != NULL && (grant->more & FT_MORE_V3) != 0) {
        ft_rule_fire(rules, FT_J_DMA_MPX_FLUSH_EACH, event, ft_mapping_handle(due));
    } else if (cancelled) {
        ft_rule_fire(rules, FT_J_DMA_IRP_CANCEL_FLUSH, event, ft_mapping_handle(due));
    } else if (ft_grant_is_half_flushed(rules, due->grant)) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_PARTIAL_SPLIT, event, ft_mapping_handle(due));
    } else if ((due->flags & FT_MAPPING_KFI) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_BY_KEFLUSH, event, ft_mapping_handle(due));
    } else if (ft_known(event, 1) && !ft_nt_success((uint32_t)event->arg[1])) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_ON_ERROR, event, ft_mapping_handle(due));
    } else if ((due->flags & FT_MAPPING_WRITE) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_ON_WRITE, event, ft_mapping_handle(due));
    }
}

void ft_dma_at_complete(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_irp *irp)
{
    uint64_t object = ft_handle(FT_HC_IRP, irp->id, 0);
    bool live = ft_lists_at_complete(rules, event, irp->id);

    ft_v3_at_complete(rules, event, irp);
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_due(mapping) && mapping->irp == irp->id &&
            (mapping->flags & FT_MAPPING_LIST) == 0) {
            judge_due_at_complete(rules, event, irp, mapping);
            live = true;
        }
    }
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (ft_grant_is_held(grant) && grant->irp == irp->id &&
            (grant->flags & FT_GRANT_OF_DEVICE) == 0 && !ft_grant_is_due(rules, grant->id)) {
            ft_rule_fire(rules, FT_J_DMA_FREE_BEFORE_COMPLETE, event, grant_handle(grant));
            if ((grant->more & FT_MORE_KEPT_REGISTERS) != 0) {
                ft_rule_fire(rules, FT_J_DMA_FAO_KEEPREGS, event, grant_handle(grant));
            }
            live = true;
        }
    }
    for (unsigned i = 0; i < FT_RS_QUEUED; i++) {
        live = live || (rules->queued[i].adapter != 0 && rules->queued[i].irp == irp->id);
    }
    if (live) {
        ft_rule_fire(rules, FT_J_DMA_IRP_COMPLETE_LIVE, event, object);
    }
}

/* ---- at a removal, at power-down and at the end ---- */

/* Grants of the adapter that nothing is mapped on. True: there are some. */
static bool judge_grants_left(struct ft_rules *rules, const struct ft_event *event,
                              uint32_t adapter)
{
    bool left = false;

    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (!ft_grant_is_held(grant) || grant->adapter != adapter ||
            ft_grant_is_due(rules, grant->id)) {
            continue;
        }
        left = true;
        if (ft_v3_grant_left(rules, event, grant)) {
            continue;
        }
        if ((grant->flags & FT_GRANT_CHANNEL) != 0) {
            ft_rule_fire(rules, FT_J_DMA_CHANNEL_LEAK, event, grant_handle(grant));
        } else {
            ft_rule_fire(rules, FT_J_DMA_FMR_LEAK, event, grant_handle(grant));
        }
    }
    return left;
}

static bool judge_commons_left(struct ft_rules *rules, const struct ft_event *event,
                               uint32_t adapter)
{
    bool left = false;

    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        const struct ft_rs_common *common = &rules->common[i];

        if (common_is_live(common) && common->adapter == adapter) {
            ft_rule_fire(rules, FT_J_DMA_CB_LEAK, event, ft_handle(FT_HC_COMMON, common->id, 0));
            left = true;
        }
    }
    return left;
}

/* What hangs on an adapter: plain leaks, or the adapter itself when nothing does. True: there was
 * something. */
static bool judge_leaks(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_adapter *adapter)
{
    bool left = judge_grants_left(rules, event, adapter->id);

    left = judge_commons_left(rules, event, adapter->id) || left;
    left = ft_judge_lists_left(rules, event, adapter->id) || left;
    ft_v3_adapter_left(rules, event, adapter);
    if (!left && ft_adapter_due(rules, adapter->id) == NULL &&
        !ft_adapter_is_asked(rules, adapter->id)) {
        ft_rule_fire(rules,
                     (adapter->flags & FT_ADAPTER_PUT_ONCE) != 0 ? FT_J_DMA_ADAPTER_REFS
                                                                 : FT_J_DMA_ADAPTER_LEAK,
                     event, adapter_handle(adapter));
    }
    return left;
}

void ft_dma_at_remove(struct ft_rules *rules, const struct ft_event *event, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_ADAPTERS; i++) {
        const struct ft_rs_adapter *adapter = &rules->adapter[i];
        const struct ft_rs_mapping *due;

        if (!adapter_is_live(adapter) || !ft_rs_same_device(rules, adapter->device, device)) {
            continue;
        }
        due = ft_adapter_due(rules, adapter->id);
        if (judge_leaks(rules, event, adapter) || due != NULL ||
            ft_adapter_is_asked(rules, adapter->id)) {
            ft_rule_fire(rules, FT_J_DMA_PNP_REMOVE_LIVE, event,
                         due != NULL ? ft_mapping_handle(due) : adapter_handle(adapter));
        }
    }
}

void ft_dma_at_power_down(struct ft_rules *rules, const struct ft_event *event, uint32_t device)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];
        const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, mapping->adapter);

        if (ft_mapping_is_due(mapping) && adapter != NULL &&
            ft_rs_same_device(rules, adapter->device, device)) {
            ft_rule_fire(rules, FT_J_IO_PWR_DMA_NONE_ACROSS, event, ft_mapping_handle(mapping));
            break;
        }
    }
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        const struct ft_rs_engine *engine = &rules->engine[i];

        /* A device that lies may have told the driver that it was done. */
        if (engine->active && ft_rs_same_device(rules, engine->device, device)) {
            ft_rule_fire(rules, FT_J_DMA_POW_LIVE, event, 0);
            break;
        }
    }
}

void ft_dma_at_end(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        if (ft_mapping_is_due(&rules->mapping[i]) &&
            (rules->mapping[i].flags & FT_MAPPING_LIST) == 0) {
            ft_rule_fire(rules, FT_J_DMA_FLUSH_MISSING_AT_END, event,
                         ft_mapping_handle(&rules->mapping[i]));
        }
    }
    for (unsigned i = 0; i < FT_RS_ADAPTERS; i++) {
        if (adapter_is_live(&rules->adapter[i])) {
            (void)judge_leaks(rules, event, &rules->adapter[i]);
        }
    }
    ft_adapters_at_end(rules, event);
    ft_queued_at_end(rules, event);
    ft_judge_stuck(rules, event, 0);
}
