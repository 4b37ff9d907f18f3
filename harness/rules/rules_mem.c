/* Pool blocks and MDLs: who owns them, damage to them, and what is left of them. */
#include "rules/rules_io.h"

/* ---- pool ---- */

static void add_block(struct ft_rules *rules, uint32_t id, uint32_t marks)
{
    for (unsigned i = 0; i < FT_RS_POOLS; i++) {
        uint32_t *slot = &rules->pool[(id + i) % FT_RS_POOLS];

        if (*slot == 0 || *slot == FT_RS_POOL_HOLE) {
            *slot = id | marks;
            if (slot - rules->pool >= rules->pool_end) {
                rules->pool_end = (uint16_t)(slot - rules->pool + 1);
            }
            return;
        }
    }
    ft_rules_overflow(rules, FT_RS_TABLE_POOL);
}

/* Returns the block's marks. */
static uint32_t drop_block(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_POOLS; i++) {
        uint32_t *slot = &rules->pool[(id + i) % FT_RS_POOLS];

        if (*slot != FT_RS_POOL_HOLE && (*slot & ~FT_RS_POOL_MARKS) == id) {
            uint32_t marks = *slot & FT_RS_POOL_MARKS;

            *slot = FT_RS_POOL_HOLE;
            return marks;
        }
        if (*slot == 0) {
            break;
        }
    }
    return 0;
}

/* True in the dispatch routine for IRP_MJ_CREATE: the block may be what the driver keeps of the
 * handle, which IRP_MJ_CLOSE frees. */
static bool is_for_handle(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, event->request);

    return irp != NULL && (irp->flags & FT_IRP_IN_DISPATCH) != 0 && irp->major == FT_MAJOR_CREATE;
}

static void on_pool_alloc(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t marks = is_for_handle(rules, event) ? FT_RS_POOL_OF_HANDLE : 0;

    if (ft_known(event, 3) && event->arg[3] != 0) {
        marks |= FT_RS_POOL_PAGED;
    }
    if (ft_frame_in(rules, event, FT_ROUTINE_WDF_SMIO_INIT) != NULL) {
        marks |= FT_RS_POOL_OF_INIT;
    }
    add_block(rules, ft_arg_id(event, 0), marks);
}

/* By whom does not matter for the block: some are handed over. */
static void on_pool_free(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t marks = drop_block(rules, ft_arg_id(event, 0));

    if (ft_by_driver(event) && (marks & FT_RS_POOL_PAGED) != 0 && event->irql > FT_IRQL_APC) {
        ft_rule_fire(rules, FT_J_IO_IRQL_DDI_LEVEL, event, event->arg[0]);
        ft_rule_fire(rules, FT_J_IO_POOL_IRQL_TYPE, event, event->arg[0]);
    }
}

/* Damage is found by checks that are not the driver's, and nobody but the driver or its device can
 * have done it. */
static void judge_damage(struct ft_rules *rules, const struct ft_event *event)
{
    enum { IN_FREED_BLOCK = 3 };

    if (ft_handle_class(event->arg[0]) == FT_HC_COMMON) {
        ft_rule_fire(rules, FT_J_MEM_CPU_CB_SLACK, event, event->arg[0]);
    } else if (event->arg[1] == IN_FREED_BLOCK) {
        ft_rule_fire(rules, FT_J_MEM_POOL_USE_AFTER_FREE, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_MEM_POOL_BOUNDS, event, event->arg[0]);
    }
}

void ft_on_pool(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);

    switch (event->kind) {
    case FT_EV_POOL_ALLOC:
        if (ft_by_driver(event) && id != 0) {
            on_pool_alloc(rules, event);
        }
        break;
    case FT_EV_POOL_FREE:
        if (id != 0) {
            on_pool_free(rules, event);
        }
        break;
    case FT_EV_POOL_DAMAGE:
        judge_damage(rules, event);
        break;
    default:
        if (ft_by_driver(event)) {
            ft_rule_fire(rules, FT_J_MEM_POOL_FREE_ONCE, event, event->arg[0]);
        }
        break;
    }
}

/* ---- MDLs ---- */

static void judge_unlock(struct ft_rules *rules, const struct ft_event *event, uint32_t mdl)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_due(mapping) && mapping->mdl == mdl) {
            ft_rule_fire(rules, FT_J_DMA_MDL_UNLOCK_MAPPED, event, event->arg[0]);
            return;
        }
    }
}

/* IoBuildPartialMdl: the target describes the memory of the source's request. */
static void on_partial(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t owner = ft_rs_mdl_owner(rules, ft_rs_mdl_id(event, 0));
    struct ft_rs_mdl *target = ft_rs_mdl_get(rules, ft_rs_mdl_id(event, 1));

    if (target != NULL && (owner != 0 || (target->flags & FT_MDL_PARTIAL) != 0)) {
        target->irp = owner;
        target->flags |= FT_MDL_PARTIAL;
    }
}

static void on_alloc(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_mdl *mdl = ft_rs_mdl_get(rules, ft_rs_mdl_id(event, 0));

    if (mdl != NULL) {
        mdl->flags = ft_by_driver(event) ? FT_MDL_BY_DRIVER : 0;
        mdl->irp = ft_arg_id(event, 2);
    }
}

void ft_on_mdl(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, ft_rs_mdl_id(event, 0));

    if (event->kind == FT_EV_MDL_ALLOC) {
        on_alloc(rules, event);
        return;
    }
    if (event->kind == FT_EV_MDL_PARTIAL) {
        on_partial(rules, event);
        return;
    }
    if (event->kind == FT_EV_MDL_UNLOCK && ft_by_driver(event)) {
        judge_unlock(rules, event, ft_rs_mdl_id(event, 0));
    }
    if (mdl == NULL) {
        return;
    }
    switch (event->kind) {
    case FT_EV_MDL_LOCK:
        if (ft_nt_success((uint32_t)event->arg[2])) {
            mdl->flags = (uint16_t)((mdl->flags & ~FT_MDL_UNLOCKED) | FT_MDL_LOCKED);
        }
        break;
    case FT_EV_MDL_BUILD:
        if ((mdl->flags & FT_MDL_PARTIAL) != 0) {
            mdl->irp = 0; /* it described a part of a request once, and does no longer */
        }
        mdl->flags = (uint16_t)(mdl->flags & ~(FT_MDL_UNLOCKED | FT_MDL_PARTIAL));
        break;
    case FT_EV_MDL_UNLOCK:
        mdl->flags = (uint16_t)((mdl->flags & ~FT_MDL_LOCKED) | FT_MDL_UNLOCKED);
        break;
    case FT_EV_MDL_FREE:
        mdl->flags |= FT_MDL_FREED | FT_RS_OVER;
        break;
    default:
        break;
    }
}

/* ---- the end ---- */

/* What a driver that stays loaded keeps for itself is its own; one that was unloaded owes
 * everything, but what it has of a handle that was open at the removal: it got no CLOSE for it. */
void ft_mem_at_end(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < rules->mdl_end; i++) {
        const struct ft_rs_mdl *mdl = &rules->mdl[i];

        if (mdl->id != 0 && (mdl->flags & FT_MDL_BY_DRIVER) != 0 &&
            (mdl->flags & (FT_MDL_FREED | FT_RS_OVER)) == 0) {
            ft_rule_fire(rules, FT_J_IO_MDL_LEAK, event, ft_handle(FT_HC_MDL, mdl->id, 0));
        }
    }
    for (unsigned i = 0; i < rules->pool_end && event->arg[0] != 0; i++) {
        uint32_t id = rules->pool[i];

        if (id == 0 || id == FT_RS_POOL_HOLE ||
            ((id & FT_RS_POOL_OF_HANDLE) != 0 && rules->open_handles > 0)) {
            continue;
        }
        if ((id & FT_RS_POOL_OF_INIT) != 0) {
            ft_rule_fire(rules, FT_J_KMDF_SMIO_CLEANUP_LEAK, event,
                         ft_handle(FT_HC_POOL, id & ~FT_RS_POOL_MARKS, 0));
        }
        id &= ~FT_RS_POOL_MARKS;
        ft_rule_fire(rules, FT_J_IO_POOL_LEAK, event, ft_handle(FT_HC_POOL, id, 0));
    }
}
