/* The rules about FlushAdapterBuffers; rules_dma.c says what mapping, grant and operation are.
 *
 * A flush ends the mappings that its range tiles exactly, from the start of one to the end of one
 * (itself or a later one); one flush over a whole scatter/gather operation and one flush per piece
 * are both right. A flush of just as many bytes as the device reported ends the operation too, with
 * a warning: the documents ask for the full length, shipped frameworks pass the count.
 */
#include "rules/rules_private.h"

/* The arguments of a flush. */
struct flush {
    uint32_t adapter, grant, mdl;
    uint64_t begin, end; /* in the MDL's buffer */
    bool write;
};

/* What the device says it moved, or what the bus saw when it says nothing. */
static uint32_t reported(const struct ft_rs_mapping *mapping)
{
    return mapping->engine_bytes != 0 ? mapping->engine_bytes : mapping->bus_bytes;
}

/* The live mapping of grant and MDL that begins at the offset. */
static struct ft_rs_mapping *live_at(struct ft_rules *rules, uint32_t grant, uint32_t mdl,
                                     uint64_t offset)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == grant && mapping->mdl == mdl &&
            mapping->offset == offset) {
            return mapping;
        }
    }
    return NULL;
}

/* Counts the bytes for the request. */
void ft_mapping_ends(struct ft_rules *rules, struct ft_rs_mapping *mapping, uint64_t bytes)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, mapping->irp);

    mapping->flags |= FT_RS_OVER;
    if (irp != NULL) {
        irp->flushed += (uint32_t)bytes;
        irp->moved += reported(mapping);
        rules->flush_irp = irp->id;
        rules->flush_bytes += (uint32_t)bytes;
    }
}

/* The first that applies is the one to tell; the others follow from it. */
bool ft_judge_flush_gone(struct ft_rules *rules, const struct ft_event *event, uint32_t adapter_id,
                         uint32_t grant_id, uint32_t mdl_id)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, adapter_id);
    const struct ft_rs_grant *grant = ft_rs_grant_find(rules, grant_id);
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, mdl_id);
    uint32_t owner = mdl != NULL && mdl->irp != 0 ? mdl->irp : grant != NULL ? grant->irp : 0;

    if (adapter != NULL && (adapter->flags & FT_RS_OVER) != 0) {
        if ((ft_rs_root(rules, adapter->device)->flags & FT_DEVICE_REMOVED) == 0) {
            ft_rule_fire(rules, FT_J_DMA_FLUSH_AFTER_PUT, event, event->arg[0]);
        } else {
            ft_rule_fire(rules, FT_J_DMA_FLUSH_AFTER_REMOVE, event, event->arg[0]);
        }
    } else if (adapter != NULL &&
               (ft_rs_root(rules, adapter->device)->flags & FT_DEVICE_REMOVED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_AFTER_REMOVE, event, event->arg[0]);
    } else if (ft_rs_irp_is_complete(rules, owner)) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_AFTER_COMPLETE, event, ft_handle(FT_HC_IRP, owner, 0));
    } else if (grant != NULL && (grant->flags & FT_RS_OVER) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_AFTER_FREE, event, event->arg[1]);
    } else if (mdl != NULL && (mdl->flags & (FT_MDL_UNLOCKED | FT_MDL_FREED)) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_AFTER_UNLOCK, event, event->arg[2]);
    } else {
        return false;
    }
    return true;
}

/* A live mapping of that MDL and start on another grant. */
static const struct ft_rs_mapping *live_elsewhere(struct ft_rules *rules, const struct flush *flush)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant != flush->grant &&
            mapping->mdl == flush->mdl && mapping->offset == flush->begin) {
            return mapping;
        }
    }
    return NULL;
}

/* A mapping of the grant that was flushed before and that holds the first byte of the range. */
static const struct ft_rs_mapping *flushed_before(struct ft_rules *rules, const struct flush *flush)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (mapping->id != 0 && (mapping->flags & FT_RS_OVER) != 0 &&
            mapping->grant == flush->grant && mapping->mdl == flush->mdl &&
            mapping->offset <= flush->begin &&
            (flush->begin < ft_mapping_end(mapping) || mapping->length == 0)) {
            return mapping;
        }
    }
    return NULL;
}

/* Nothing is mapped where the flush points. */
static void judge_unmapped(struct ft_rules *rules, const struct ft_event *event,
                           const struct flush *flush)
{
    const struct ft_rs_mapping *mapping = flushed_before(rules, flush);

    if (mapping != NULL) {
        bool by_timer = (mapping->flags & FT_MAPPING_BY_TIMER) != 0;

        ft_rule_fire(rules, FT_J_DMA_FLUSH_DOUBLE, event, ft_mapping_handle(mapping));
        if (by_timer != ft_is_timer_dpc(rules, event->task)) {
            ft_rule_fire(rules, FT_J_DMA_TIMER_RACE, event, ft_mapping_handle(mapping));
        }
    } else {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_UNMAPPED, event, event->arg[1]);
    }
}

/* No mapping of the grant is live. */
static void judge_no_candidate(struct ft_rules *rules, const struct ft_event *event,
                               const struct flush *flush)
{
    const struct ft_rs_mapping *elsewhere = live_elsewhere(rules, flush);

    if (elsewhere == NULL) {
        judge_unmapped(rules, event, flush);
    } else if (flush->grant == 0 && elsewhere->adapter != flush->adapter) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_WRONG_ADAPTER, event, ft_mapping_handle(elsewhere));
    } else {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_WRONG_BASE, event, ft_mapping_handle(elsewhere));
    }
}

/* The live mapping of grant and MDL that the start of the flush points at: it begins there, holds
 * it, or ends there; else any. */
static struct ft_rs_mapping *aimed_at(struct ft_rules *rules, const struct flush *flush)
{
    struct ft_rs_mapping *best = live_at(rules, flush->grant, flush->mdl, flush->begin);

    for (unsigned i = 0; i < rules->mapping_end && best == NULL; i++) {
        struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == flush->grant &&
            mapping->mdl == flush->mdl && mapping->offset <= flush->begin &&
            flush->begin <= ft_mapping_end(mapping)) {
            best = mapping;
        }
    }
    for (unsigned i = 0; i < rules->mapping_end && best == NULL; i++) {
        struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == flush->grant &&
            mapping->mdl == flush->mdl) {
            best = mapping;
        }
    }
    return best;
}

/* The MDL is not the one mapped on this grant. If all but the base fits a mapping elsewhere, the
 * base is what is wrong. */
static void judge_wrong_mdl(struct ft_rules *rules, const struct ft_event *event,
                            const struct flush *flush)
{
    const struct ft_rs_mapping *elsewhere = live_elsewhere(rules, flush);
    const struct ft_rs_mapping *here = ft_mapping_live_on(rules, flush->grant);

    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == flush->grant &&
            mapping->offset == flush->begin && ft_mapping_end(mapping) == flush->end) {
            elsewhere = NULL;
            here = mapping;
        }
    }
    if (elsewhere != NULL) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_WRONG_BASE, event, ft_mapping_handle(elsewhere));
    } else {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_WRONG_MDL, event, ft_mapping_handle(here));
    }
}

/* The device still moves data in a mapping that the flush touches. */
static void judge_early(struct ft_rules *rules, const struct ft_event *event,
                        const struct flush *flush)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == flush->grant &&
            mapping->mdl == flush->mdl && mapping->offset < flush->end &&
            flush->begin < ft_mapping_end(mapping) && ft_mapping_is_active(rules, mapping)) {
            ft_rule_fire(rules, FT_J_DMA_FLUSH_EARLY, event, ft_mapping_handle(mapping));
            return;
        }
    }
}

/* The flush does not begin where a mapping begins. */
static void judge_start(struct ft_rules *rules, const struct ft_event *event,
                        const struct flush *flush, const struct ft_rs_mapping *aim)
{
    uint64_t last = 0;

    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == flush->grant &&
            mapping->mdl == flush->mdl && ft_mapping_end(mapping) > last) {
            last = ft_mapping_end(mapping);
        }
    }
    if (flush->begin == ft_mapping_end(aim)) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_VA_ADVANCED, event, ft_mapping_handle(aim));
    } else if (flush->begin > last) {
        judge_unmapped(rules, event, flush);
    } else {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_VA_MISMATCH, event, ft_mapping_handle(aim));
    }
}

/* What the device reported for the run of pieces that begins at the start of the flush. */
static uint64_t reported_from(struct ft_rules *rules, const struct flush *flush)
{
    const struct ft_rs_mapping *mapping;
    uint64_t cursor = flush->begin;
    uint64_t bytes = 0;

    while ((mapping = live_at(rules, flush->grant, flush->mdl, cursor)) != NULL &&
           mapping->length != 0) {
        bytes += reported(mapping);
        cursor = ft_mapping_end(mapping);
    }
    return bytes;
}

/* The pieces behind the end of a short transfer hold no data: their flush is not missed, only asked
 * for. */
static void spend_rest(struct ft_rules *rules, const struct flush *flush, uint64_t cursor)
{
    struct ft_rs_mapping *mapping;

    while ((mapping = live_at(rules, flush->grant, flush->mdl, cursor)) != NULL &&
           mapping->length != 0 && reported(mapping) == 0) {
        mapping->flags |= FT_MAPPING_SPENT;
        cursor = ft_mapping_end(mapping);
    }
}

/* The flush begins right; does it end right? */
static void judge_length(struct ft_rules *rules, const struct ft_event *event,
                         const struct flush *flush, struct ft_rs_mapping *first)
{
    uint64_t moved = reported_from(rules, flush);
    uint64_t length = flush->end - flush->begin;
    uint64_t cursor = flush->begin;
    struct ft_rs_mapping *mapping = first;

    while (mapping != NULL && mapping->length != 0 && ft_mapping_end(mapping) <= flush->end) {
        ft_mapping_ends(rules, mapping, mapping->length);
        cursor = ft_mapping_end(mapping);
        mapping = live_at(rules, flush->grant, flush->mdl, cursor);
    }
    if (cursor == flush->end && length != 0) {
        if (moved == length) {
            spend_rest(rules, flush, cursor);
        }
    } else if (mapping == NULL) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_LENGTH_LONG, event, ft_mapping_handle(first));
    } else if (length == moved) {
        ft_rule_warn(rules, FT_J_DMA_FLUSH_LENGTH_SHORT, event, ft_mapping_handle(mapping));
        ft_mapping_ends(rules, mapping, flush->end - cursor);
        spend_rest(rules, flush, ft_mapping_end(mapping));
    } else {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_LENGTH_SHORT, event, ft_mapping_handle(mapping));
    }
}

/* Who flushed: the timeout and the completion may meet. */
static void mark_by_timer(struct ft_rules *rules, const struct ft_event *event,
                          const struct flush *flush)
{
    if (!ft_is_timer_dpc(rules, event->task)) {
        return;
    }
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == flush->grant &&
            mapping->mdl == flush->mdl && mapping->offset < flush->end &&
            flush->begin < ft_mapping_end(mapping)) {
            mapping->flags |= FT_MAPPING_BY_TIMER;
        }
    }
}

static void match(struct ft_rules *rules, const struct ft_event *event, const struct flush *flush)
{
    const struct ft_rs_mapping *any = ft_mapping_live_on(rules, flush->grant);
    struct ft_rs_mapping *aim;

    if (any == NULL) {
        judge_no_candidate(rules, event, flush);
        return;
    }
    if (any->adapter != flush->adapter) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_WRONG_ADAPTER, event, ft_mapping_handle(any));
        return;
    }
    aim = aimed_at(rules, flush);
    if (aim == NULL) {
        judge_wrong_mdl(rules, event, flush);
        return;
    }
    if (((aim->flags & FT_MAPPING_WRITE) != 0) != flush->write) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_WRONG_DIRECTION, event, ft_mapping_handle(aim));
        return;
    }
    judge_early(rules, event, flush);
    if (aim->offset == flush->begin) {
        judge_length(rules, event, flush, aim);
    } else {
        judge_start(rules, event, flush, aim);
    }
}

void ft_on_dma_flush(struct ft_rules *rules, const struct ft_event *event)
{
    struct flush flush = {.adapter = ft_arg_id(event, 0),
                          .grant = ft_arg_id(event, 1),
                          .mdl = ft_rs_mdl_id(event, 2),
                          .begin = event->arg[3],
                          .end = event->arg[3] + event->arg[4],
                          .write = event->arg[5] != 0};

    struct ft_rs_grant *grant = ft_rs_grant_find(rules, flush.grant);
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, flush.adapter);

    rules->flush_irp = 0;
    rules->flush_bytes = 0;
    if (ft_by_driver(event)) {
        ft_judge_refused(rules, event);
        ft_judge_late_dpc(rules, event);
    }
    if (adapter != NULL && ft_by_driver(event)) {
        ft_judge_system_flush(rules, event, adapter);
    }
    if (grant != NULL) {
        grant->flushes += grant->flushes < UINT8_MAX;
    }
    /* With an argument unknown there is nothing to hold against the mapping; the flushed mappings
     * are reported one by one. */
    if (!ft_by_driver(event) || event->unknown != 0 ||
        ft_judge_flush_gone(rules, event, flush.adapter, flush.grant, flush.mdl)) {
        return;
    }
    if (ft_mapping_live_on(rules, flush.grant) == NULL &&
        ft_judge_manual_flush(rules, event, flush.mdl, flush.begin)) {
        return;
    }
    if (!ft_judge_flush_range(rules, event, flush.mdl, flush.begin)) {
        mark_by_timer(rules, event, &flush);
        match(rules, event, &flush);
    }
}

/* What a flush really did. It matters only where the flush was wrong, or came from a framework. */
void ft_on_dma_flushed(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_mapping *mapping = ft_rs_mapping_find(rules, ft_arg_id(event, 0));

    if (mapping != NULL && ft_mapping_is_live(mapping)) {
        ft_mapping_ends(rules, mapping, event->arg[1]);
    }
}

/* A flush that failed moved nothing. */
void ft_on_dma_flush_result(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, rules->flush_irp);

    if (irp != NULL && ft_known(event, 1) && event->arg[1] == 0) {
        irp->flushed -= rules->flush_bytes;
        irp->dma |= FT_IRP_DMA_FLUSH_FAILED;
    }
    rules->flush_irp = 0;
    rules->flush_bytes = 0;
}
