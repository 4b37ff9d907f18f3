/* The life of an MDL around DMA: locks that pair, and nothing that pulls pages or fields from under
 * a mapping. */
#include "rules/rules_private.h"

#include "sim/dma_words.h"

/* A mapping on the MDL still owes its flush. */
static bool is_mapped(const struct ft_rules *rules, uint32_t mdl)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        if (ft_mapping_is_due(&rules->mapping[i]) && rules->mapping[i].mdl == mdl) {
            return true;
        }
    }
    return false;
}

/* A part of the MDL is mapped. */
static bool part_is_mapped(const struct ft_rules *rules, uint32_t source)
{
    for (unsigned i = 0; i < rules->mdl_end; i++) {
        const struct ft_rs_mdl *mdl = &rules->mdl[i];

        if (mdl->id != 0 && mdl->source == source && is_mapped(rules, mdl->id)) {
            return true;
        }
    }
    return false;
}

static void judge_lock(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_mdl *mdl)
{
    if ((mdl->flags & FT_MDL_COMMON) != 0) {
        ft_rule_fire(rules, FT_J_DMA_CB_MDL, event, event->arg[0]);
    }
    if ((mdl->flags & (FT_MDL_LOCKED | FT_MDL_BUILT | FT_MDL_PARTIAL)) != 0) {
        ft_rule_fire(rules, FT_J_DMA_MDL_LOCK_PAIRING, event, event->arg[0]);
    }
}

/* The pages of a request's own MDL are the I/O manager's to unlock. */
static void judge_unlock(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_mdl *mdl)
{
    if ((mdl->flags & FT_MDL_BY_DRIVER) != 0 && (mdl->flags & FT_MDL_LOCKED) == 0) {
        ft_rule_fire(rules, FT_J_DMA_MDL_LOCK_PAIRING, event, event->arg[0]);
    }
    if (part_is_mapped(rules, mdl->id)) {
        ft_rule_fire(rules, FT_J_DMA_MDL_SOURCE_UNLOCK, event, event->arg[0]);
    }
}

static void judge_free(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_mdl *mdl)
{
    if (is_mapped(rules, mdl->id)) {
        ft_rule_fire(rules, FT_J_DMA_MDL_FREE_MAPPED, event, event->arg[0]);
    }
    if ((mdl->flags & FT_MDL_BY_DRIVER) != 0 && (mdl->flags & FT_MDL_LOCKED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_MDL_LOCK_PAIRING, event, event->arg[0]);
    }
}

/* The MDL that the event is about; of IoBuildPartialMdl the one that it fills. */
static uint32_t subject(const struct ft_event *event)
{
    return ft_rs_mdl_id(event, event->kind == FT_EV_MDL_PARTIAL ? 1 : 0);
}

void ft_judge_mdl(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, subject(event));

    if (mdl == NULL || !ft_by_driver(event) || event->kind == FT_EV_MDL_ALLOC) {
        return;
    }
    if ((mdl->flags & FT_MDL_BY_DRIVER) != 0 && (mdl->flags & FT_MDL_FREED) != 0) {
        ft_rule_fire(rules, FT_J_MEM_MDL_USE_AFTER_FREE, event, event->arg[0]);
        return;
    }
    switch (event->kind) {
    case FT_EV_MDL_LOCK:
        judge_lock(rules, event, mdl);
        break;
    case FT_EV_MDL_UNLOCK:
        judge_unlock(rules, event, mdl);
        break;
    case FT_EV_MDL_FREE:
        judge_free(rules, event, mdl);
        break;
    case FT_EV_MDL_REUSE:
    case FT_EV_MDL_PARTIAL:
        if (is_mapped(rules, mdl->id)) {
            ft_rule_fire(rules, FT_J_DMA_MDL_REUSE_MAPPED, event, ft_handle(FT_HC_MDL, mdl->id, 0));
        }
        break;
    case FT_EV_MDL_ADVANCE:
        if (is_mapped(rules, mdl->id)) {
            ft_rule_fire(rules, FT_J_DMA_MDL_ADVANCE_MAPPED, event, event->arg[0]);
        }
        break;
    default:
        break;
    }
}

/* ---- what is learnt ---- */

static void learn_lock(struct ft_rs_mdl *mdl, const struct ft_event *event)
{
    if (!ft_nt_success((uint32_t)event->arg[2])) {
        return;
    }
    mdl->flags &= (uint16_t)~FT_MDL_READ_ONLY;
    mdl->flags |= FT_MDL_FILLED;
    mdl->flags |= ft_known(event, 1) && event->arg[1] == 0 ? FT_MDL_READ_ONLY : 0;
}

static void learn_build(struct ft_rs_mdl *mdl, const struct ft_event *event)
{
    uint64_t memory = ft_known(event, 1) ? event->arg[1] : 0;

    mdl->flags &= (uint16_t) ~(FT_MDL_PAGED | FT_MDL_COMMON);
    mdl->flags |= FT_MDL_FILLED | FT_MDL_BUILT;
    mdl->flags |= memory == FT_MEMORY_IS_PAGED ? FT_MDL_PAGED : 0;
    mdl->flags |= memory == FT_MEMORY_IS_COMMON ? FT_MDL_COMMON : 0;
    mdl->source = 0;
}

static void learn_partial(struct ft_rules *rules, struct ft_rs_mdl *mdl,
                          const struct ft_event *event)
{
    const struct ft_rs_mdl *source = ft_rs_mdl_find(rules, ft_rs_mdl_id(event, 0));

    mdl->flags |= FT_MDL_FILLED | FT_MDL_PARTIAL;
    mdl->source = ft_rs_mdl_id(event, 0);
    if (ft_known(event, 3) && event->arg[3] != 0) {
        mdl->length = (uint32_t)event->arg[3];
    } else {
        /* Zero means: up to the end of the source. */
        mdl->length = source != NULL && source->length > event->arg[2]
                          ? source->length - (uint32_t)event->arg[2]
                          : 0;
    }
}

/* MmAdvanceMdl takes the front off; what is left is not worth guessing. */
void ft_learn_mdl(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, subject(event));

    if (mdl == NULL) {
        return;
    }
    switch (event->kind) {
    case FT_EV_MDL_ALLOC:
        mdl->length = ft_known(event, 1) ? (uint32_t)event->arg[1] : 0;
        mdl->source = 0;
        break;
    case FT_EV_MDL_LOCK:
        learn_lock(mdl, event);
        break;
    case FT_EV_MDL_BUILD:
        learn_build(mdl, event);
        break;
    case FT_EV_MDL_PARTIAL:
        learn_partial(rules, mdl, event);
        break;
    case FT_EV_MDL_ADVANCE:
        mdl->length = 0;
        break;
    case FT_EV_MDL_REUSE:
        mdl->flags &= (uint16_t) ~(FT_MDL_FILLED | FT_MDL_BUILT | FT_MDL_PARTIAL);
        mdl->source = 0;
        break;
    default:
        break;
    }
}

/* MmAllocatePagesForMdl gives an MDL whose pages are there. */
void ft_on_pages(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, ft_rs_mdl_id(event, 0));

    if (event->kind == FT_EV_PAGES_ALLOC && mdl != NULL) {
        mdl->flags |= FT_MDL_FILLED;
    }
}
