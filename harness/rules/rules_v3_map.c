/* MapTransferEx, FlushAdapterBuffersEx and CancelMappedTransfer.
 *
 * A transfer is one successful MapTransferEx: a piece of an MDL chain. Its elements are mappings
 * (event dma:map) and end as such; here stands what the calls owe each other.
 */
#include "rules/rules_private.h"

#include "sim/dma_words.h"

static uint64_t grant_handle(const struct ft_rs_grant *grant)
{
    return ft_handle(FT_HC_GRANT, grant->id, 0);
}

/* ---- MapTransferEx ---- */

/* Arguments that no state makes right. */
static void judge_arguments(struct ft_rules *rules, const struct ft_event *event,
                            const struct ft_rs_grant *grant)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    bool master = adapter != NULL && (adapter->flags & FT_ADAPTER_MASTER) != 0;
    uint64_t how = event->arg[7];

    switch (FT_HOW_WHY(how)) {
    case FT_WHY_BASE:
        ft_rule_fire(rules,
                     grant != NULL && (grant->flags & FT_RS_OVER) != 0
                         ? FT_J_DMA_MAP_AFTER_FREE
                         : FT_J_DMA_MAP_BASE_PROVENANCE,
                     event, event->arg[1]);
        break;
    case FT_WHY_RANGE:
        ft_rule_fire(rules, FT_J_DMA_MPX_RANGE, event, event->arg[2]);
        break;
    case FT_WHY_LIST:
        ft_rule_fire(
            rules, (how & FT_HOW_LIST) != 0 ? FT_J_DMA_MPX_SGBUF_SIZE : FT_J_DMA_MPX_SGBUF_REQUIRED,
            event, event->arg[0]);
        break;
    case FT_WHY_MDL:
        ft_judge_mdl_pages(rules, event, ft_rs_mdl_id(event, 2));
        break;
    default:
        break;
    }
    if ((master && (how & (FT_HOW_ROUTINE | FT_HOW_DEVICE_OFFSET)) != 0) ||
        (how & (FT_HOW_ROUTINE | FT_HOW_CONTEXT)) == FT_HOW_CONTEXT) {
        ft_rule_fire(rules, FT_J_DMA_MPX_BUSMASTER_NULL, event, event->arg[0]);
    }
}

static bool is_partial(struct ft_rules *rules, uint32_t id)
{
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, id);

    return mdl != NULL && (mdl->flags & FT_MDL_PARTIAL) != 0;
}

/* What the piece before it says of this one. A map that fails because the one before was not
 * flushed is one too many all the same. */
static void judge_order(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_grant *grant)
{
    uint64_t end = (uint64_t)grant->map_offset + grant->map_length;
    uint64_t asked = (uint64_t)grant->map_offset + grant->map_asked;
    uint32_t mdl = ft_rs_mdl_id(event, 2);

    if ((event->arg[7] & FT_HOW_UNFLUSHED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_MPX_ONE_OUTSTANDING, event, grant_handle(grant));
        return;
    }
    if ((grant->more & FT_MORE_WAS_MAPPED) == 0 || event->arg[3] == 0) {
        return;
    }
    /* A grant that is kept for life serves one transfer after the other, and a part of an MDL may
     * be a transfer of its own. */
    if (grant->irp == 0 || ft_rs_mdl_owner(rules, mdl) != grant->irp) {
        return;
    }
    if (mdl != grant->chain) {
        if (!is_partial(rules, mdl)) {
            ft_rule_fire(rules, FT_J_DMA_MPX_CHAIN_SAME, event, event->arg[2]);
        }
    } else if (event->arg[3] == asked && asked != end) {
        ft_rule_fire(rules, FT_J_DMA_MPX_LENGTH_OUT, event, grant_handle(grant));
    } else if (event->arg[3] > end) {
        ft_rule_fire(rules, FT_J_DMA_MPX_ADVANCE, event, grant_handle(grant));
    }
}

static void on_map(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 1));

    if (ft_by_driver(event) && event->unknown == 0) {
        judge_arguments(rules, event, grant);
        if (grant != NULL && (grant->flags & FT_RS_OVER) == 0) {
            judge_order(rules, event, grant);
        }
    }
    if (grant == NULL) {
        return;
    }
    grant->more &= (uint16_t) ~(FT_MORE_MAP_FAILED | FT_MORE_ABORTED);
    if (!ft_nt_success((uint32_t)event->arg[6])) {
        grant->more |= FT_MORE_MAP_FAILED;
        return;
    }
    grant->more |= FT_MORE_V3_MAPPED | FT_MORE_WAS_MAPPED;
    grant->more &= (uint16_t)~FT_MORE_V3_WRITE;
    grant->more |= (event->arg[7] & FT_HOW_WRITE) != 0 ? FT_MORE_V3_WRITE : 0;
    grant->chain = ft_rs_mdl_id(event, 2);
    grant->map_offset = (uint32_t)event->arg[3];
    grant->map_asked = (uint32_t)event->arg[4];
    grant->map_length = (uint32_t)event->arg[5];
}

/* ---- FlushAdapterBuffersEx ---- */

/* What device and bus say moved in the live mappings of the grant. */
static uint64_t reported(const struct ft_rules *rules, uint32_t grant)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == grant) {
            bytes += mapping->engine_bytes != 0 ? mapping->engine_bytes : mapping->bus_bytes;
        }
    }
    return bytes;
}

/* The flush names another adapter than the map did. */
static bool is_elsewhere(const struct ft_rules *rules, uint32_t grant, uint32_t adapter)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == grant) {
            return mapping->adapter != adapter;
        }
    }
    return false;
}

static bool is_early(const struct ft_rules *rules, uint32_t grant)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == grant &&
            ft_mapping_is_active(rules, mapping)) {
            return true;
        }
    }
    return false;
}

/* The arguments against the MapTransferEx that the flush ends. */
static void judge_against(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_grant *grant)
{
    bool same = ft_rs_mdl_id(event, 2) == grant->chain && event->arg[3] == grant->map_offset &&
                (event->arg[5] != 0) == ((grant->more & FT_MORE_V3_WRITE) != 0);
    uint64_t length = event->arg[4];

    if (is_elsewhere(rules, grant->id, ft_arg_id(event, 0))) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_WRONG_ADAPTER, event, grant_handle(grant));
        return;
    }
    if (event->arg[7] != 0) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_SYSTEM_RUNNING, event, grant_handle(grant));
    } else if (is_early(rules, grant->id)) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_EARLY, event, grant_handle(grant));
    }
    if (same && length == grant->map_length) {
        return;
    }
    if (same && length == grant->map_asked) {
        ft_rule_fire(rules, FT_J_DMA_MPX_LENGTH_OUT, event, grant_handle(grant));
    } else if (same && length < grant->map_length && length == reported(rules, grant->id)) {
        ft_rule_warn(rules, FT_J_DMA_FLUSH_LENGTH_SHORT, event, grant_handle(grant));
    } else {
        ft_rule_fire(rules, FT_J_DMA_FLX_ARGS, event, grant_handle(grant));
    }
}

static void judge_flush(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_grant *grant)
{
    if (ft_judge_flush_gone(rules, event, ft_arg_id(event, 0), ft_arg_id(event, 1),
                            ft_rs_mdl_id(event, 2))) {
        return;
    }
    if (grant == NULL || (grant->more & FT_MORE_V3) == 0) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_UNMAPPED, event, event->arg[1]);
    } else if ((grant->more & FT_MORE_V3_MAPPED) != 0) {
        judge_against(rules, event, grant);
    } else if ((grant->more & FT_MORE_V3_CANCELLED) != 0) {
        return; /* cancelled before it was mapped: the pages ask for a flush all the same */
    } else if ((grant->more & FT_MORE_MAP_FAILED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_MPX_STATUS, event, grant_handle(grant));
    } else if ((grant->more & FT_MORE_WAS_MAPPED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_DOUBLE, event, grant_handle(grant));
    } else {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_UNMAPPED, event, grant_handle(grant));
    }
}

static void on_flush(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 1));

    rules->flush_irp = 0;
    rules->flush_bytes = 0;
    if (ft_by_driver(event) && event->unknown == 0) {
        ft_judge_late_dpc(rules, event);
        judge_flush(rules, event, grant);
    }
    if (grant != NULL && (event->arg[6] == FT_WHY_NOTHING || event->arg[6] == FT_WHY_NOT_MAPPED)) {
        grant->more &= (uint16_t) ~(FT_MORE_V3_MAPPED | FT_MORE_V3_CANCELLED);
    }
}

/* ---- the end of a system transfer ---- */

/* Channel or registers go back, and a transfer that was cancelled still owes its flush. */
void ft_v3_at_release(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_grant *grant)
{
    const uint16_t cancelled = FT_MORE_V3_MAPPED | FT_MORE_V3_CANCELLED;

    if (ft_by_driver(event) && (grant->more & cancelled) == cancelled) {
        ft_rule_fire(rules, FT_J_DMA_CMT_THEN_FLUSH, event, grant_handle(grant));
    }
}

static void on_cancel(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 2));
    bool master = adapter != NULL && (adapter->flags & FT_ADAPTER_MASTER) != 0;

    if (ft_by_driver(event) && event->arg[4] == FT_WHY_ADAPTER) {
        ft_rule_fire(rules, master ? FT_J_DMA_CMT_SYSTEM_ONLY : FT_J_DMA_CTX_MATCH, event,
                     event->arg[1]);
    } else if (ft_by_driver(event) && event->arg[4] == FT_WHY_CONTEXT && event->arg[2] == 0) {
        /* No request has the context, or none has it any more. */
        ft_rule_fire(rules, FT_J_DMA_CTX_MATCH, event, event->arg[1]);
    } else if (ft_by_driver(event) && event->arg[4] == FT_WHY_TWICE) {
        ft_rule_fire(rules, FT_J_DMA_CMT_DOUBLE, event, event->arg[1]);
    }
    if (grant != NULL && ft_nt_success((uint32_t)event->arg[3])) {
        grant->more |= FT_MORE_V3_CANCELLED;
    }
}

static void on_complete(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 1));

    if (grant != NULL && event->arg[2] != 0 && event->arg[3] != 0) {
        grant->more |= FT_MORE_ABORTED;
    }
}

/* A request is completed with success for all of its bytes, and its last transfer was cut short. */
void ft_v3_at_complete(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_irp *irp)
{
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (grant->id != 0 && grant->irp == irp->id && (grant->more & FT_MORE_ABORTED) != 0 &&
            ft_known(event, 1) && ft_nt_success((uint32_t)event->arg[1]) && ft_known(event, 2) &&
            irp->length != 0 && event->arg[2] >= irp->length) {
            ft_rule_fire(rules, FT_J_DMA_DCR_STATUS, event, grant_handle(grant));
            return;
        }
    }
}

void ft_on_v3_transfer(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_DMA_MAP_EX:
        on_map(rules, event);
        break;
    case FT_EV_DMA_FLUSH_EX:
        on_flush(rules, event);
        break;
    case FT_EV_DMA_COMPLETE:
        on_complete(rules, event);
        break;
    default:
        on_cancel(rules, event);
        break;
    }
}
