/* Memory descriptor lists: locking, building, parts, freeing; and how pool is asked for. */
#include "rules/rules_io.h"

/* The MDL of a request that somebody else sent: the I/O manager locks, unlocks and frees it. */
static bool is_of_manager(struct ft_rules *rules, const struct ft_rs_mdl *mdl)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, mdl->irp);

    return (mdl->more & FT_MDL_OF_IRP) != 0 && (mdl->flags & FT_MDL_BY_DRIVER) == 0 &&
           (irp == NULL || (irp->more & FT_MORE_OWN) == 0);
}

static void judge_lock(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_mdl *mdl)
{
    if ((mdl->flags & (FT_MDL_LOCKED | FT_MDL_BUILT)) != 0 || (mdl->more & FT_PART_BUILT) != 0 ||
        is_of_manager(rules, mdl)) {
        ft_rule_fire(rules, FT_J_IO_MDL_NO_DOUBLE_LOCK, event, event->arg[0]);
    }
}

static void judge_unlock(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_mdl *mdl)
{
    if (is_of_manager(rules, mdl)) {
        ft_rule_fire(rules, FT_J_IO_MDL_IO_MANAGER_OWNED, event, event->arg[0]);
    } else if ((ft_known(event, 1) && event->arg[1] == 0) || (mdl->flags & FT_MDL_BUILT) != 0 ||
               (mdl->more & FT_PART_BUILT) != 0) {
        ft_rule_fire(rules, FT_J_IO_MDL_UNLOCK_VALID, event, event->arg[0]);
    }
}

/* Locked alone is what the row about pairs speaks of. */
static void judge_free(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_mdl *mdl)
{
    const unsigned locked = FT_MDL_LOCK_OWED | FT_PART_MAPPED;

    if (is_of_manager(rules, mdl)) {
        ft_rule_fire(rules, FT_J_IO_MDL_IO_MANAGER_OWNED, event, event->arg[0]);
    } else if ((mdl->more & locked) == locked) {
        ft_rule_fire(rules, FT_J_IO_MDL_FREE_STATE, event, event->arg[0]);
    }
}

/* A part lies inside its source, whose pages are locked. */
static void judge_partial(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_mdl *source = ft_rs_mdl_find(rules, ft_arg_id(event, 0));
    const struct ft_rs_mdl *target = ft_rs_mdl_find(rules, ft_arg_id(event, 1));
    const struct ft_rs_irp *irp = source != NULL ? ft_rs_irp_find(rules, source->irp) : NULL;
    const unsigned mapped = FT_PART_BUILT | FT_PART_MAPPED;
    bool outside = irp != NULL && (source->more & FT_MDL_OF_IRP) != 0 &&
                   (source->more & FT_PART_BUILT) == 0 && irp->length != UINT32_MAX &&
                   event->arg[2] + event->arg[3] > irp->length;

    if (outside || (source != NULL && (source->flags & FT_MDL_UNLOCKED) != 0)) {
        ft_rule_fire(rules, FT_J_IO_MDL_PARTIAL_SOURCE_LIVES, event, event->arg[0]);
    }
    if (target != NULL && (target->more & mapped) == mapped) {
        ft_rule_fire(rules, FT_J_IO_MDL_PARTIAL_PREPARE, event, event->arg[1]);
    }
}

static void judge_build(struct ft_rules *rules, const struct ft_event *event)
{
    enum { ON_STACK = 1, PAGED_POOL = 3 };

    if (ft_known(event, 1) && (event->arg[1] == ON_STACK || event->arg[1] == PAGED_POOL)) {
        ft_rule_fire(rules, FT_J_IO_MDL_NONPAGED_BUILD, event, event->arg[0]);
    }
}

static void judge_by_driver(struct ft_rules *rules, const struct ft_event *event,
                            const struct ft_rs_mdl *mdl)
{
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
    default:
        break;
    }
}

/* A transfer that is given up is stopped in the device first. */
static void judge_flush(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];
        const struct ft_rs_irp *irp;

        if (!ft_mapping_is_due(mapping) || mapping->mdl != ft_arg_id(event, 2) ||
            !ft_mapping_is_active(rules, mapping)) {
            continue;
        }
        irp = ft_rs_irp_find(rules, mapping->irp);
        if (irp != NULL && (irp->flags & FT_IRP_CANCELLED) != 0) {
            ft_rule_fire(rules, FT_J_IO_DMA_DEVICE_QUIET_BEFORE_UNMAP, event,
                         ft_mapping_handle(mapping));
        }
    }
}

static void judge_end(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < rules->mdl_end; i++) {
        const struct ft_rs_mdl *mdl = &rules->mdl[i];

        if (mdl->id != 0 && (mdl->flags & FT_RS_OVER) == 0 && (mdl->more & FT_MDL_LOCK_OWED) != 0) {
            ft_rule_fire(rules, FT_J_IO_MDL_LOCK_BALANCE, event, ft_handle(FT_HC_MDL, mdl->id, 0));
        }
    }
}

static void judge_pool(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_known(event, 1) && event->arg[1] == 0) {
        ft_rule_fire(rules, FT_J_IO_POOL_SIZE, event, event->arg[0]);
    }
    if (ft_known(event, 3) && event->arg[3] != 0 && event->irql > FT_IRQL_APC) {
        ft_rule_fire(rules, FT_J_IO_IRQL_DDI_LEVEL, event, event->arg[0]);
        ft_rule_fire(rules, FT_J_IO_POOL_IRQL_TYPE, event, event->arg[0]);
    }
}

/* Which argument of an event by the driver is an MDL; -1: none. */
static int mdl_argument(uint16_t kind)
{
    switch (kind) {
    case FT_EV_MDL_BUILD:
    case FT_EV_MDL_LOCK:
    case FT_EV_MDL_UNLOCK:
    case FT_EV_MDL_FREE:
    case FT_EV_MDL_PARTIAL:
    case FT_EV_MDL_SYSVA:
    case FT_EV_MDL_REUSE:
        return 0;
    case FT_EV_SG_GET:
        return 1;
    case FT_EV_SG_GET_EX:
    case FT_EV_DMA_MAP:
    case FT_EV_DMA_MAP_EX:
    case FT_EV_DMA_FLUSH:
    case FT_EV_DMA_FLUSH_EX:
        return 2;
    default:
        return -1;
    }
}

void ft_io_mdl_judge(struct ft_rules *rules, const struct ft_event *event)
{
    int index = ft_by_driver(event) ? mdl_argument(event->kind) : -1;
    const struct ft_rs_mdl *mdl =
        index >= 0 ? ft_rs_mdl_find(rules, ft_arg_id(event, (unsigned)index)) : NULL;

    if (event->kind == FT_EV_RUN_END) {
        judge_end(rules, event);
    } else if (event->kind == FT_EV_POOL_ALLOC && ft_by_driver(event)) {
        judge_pool(rules, event);
    } else if (event->kind == FT_EV_RAISE_UNHANDLED && rules->raise_task == ft_task_of(event)) {
        ft_rule_fire(rules, FT_J_IO_MDL_LOCK_EXCEPTION, event, 0);
    }
    if (mdl == NULL) {
        return;
    }
    if ((mdl->flags & FT_MDL_FREED) != 0) {
        return;
    }
    judge_by_driver(rules, event, mdl);
    if (event->kind == FT_EV_MDL_BUILD) {
        judge_build(rules, event);
    } else if (event->kind == FT_EV_MDL_PARTIAL) {
        judge_partial(rules, event);
    } else if (event->kind == FT_EV_DMA_FLUSH || event->kind == FT_EV_DMA_FLUSH_EX) {
        judge_flush(rules, event);
    }
}

/* ---- what to remember ---- */

static void note_lock(struct ft_rules *rules, const struct ft_event *event, struct ft_rs_mdl *mdl)
{
    bool locked = ft_nt_success((uint32_t)event->arg[2]);

    if (ft_by_driver(event)) {
        rules->raise_task = locked ? 0 : ft_task_of(event);
        mdl->more |= locked ? FT_MDL_LOCK_OWED : 0;
    }
}

static void change(struct ft_rs_mdl *mdl, unsigned set, unsigned clear)
{
    mdl->more = (uint16_t)((mdl->more & ~clear) | set);
}

/* The I/O manager unlocks the MDLs that hang on an IRP when it is done. */
static void note_done(struct ft_rules *rules, uint32_t irp)
{
    for (unsigned i = 0; i < rules->mdl_end; i++) {
        if (rules->mdl[i].id != 0 && rules->mdl[i].irp == irp) {
            change(&rules->mdl[i], 0, FT_MDL_LOCK_OWED);
        }
    }
}

void ft_io_mdl_note(struct ft_rules *rules, const struct ft_event *event)
{
    int index = event->kind == FT_EV_IRP_NEW ? 4 : mdl_argument(event->kind);
    struct ft_rs_mdl *mdl;

    if (event->kind == FT_EV_IRP_DONE) {
        note_done(rules, ft_arg_id(event, 0));
    }
    index = event->kind == FT_EV_MDL_PARTIAL ? 1 : index;
    mdl = index >= 0 ? ft_rs_mdl_find(rules, ft_arg_id(event, (unsigned)index)) : NULL;
    if (mdl == NULL) {
        return;
    }
    switch (event->kind) {
    case FT_EV_IRP_NEW:
        change(mdl, FT_MDL_OF_IRP, 0);
        break;
    case FT_EV_MDL_LOCK:
        note_lock(rules, event, mdl);
        break;
    case FT_EV_MDL_UNLOCK:
        change(mdl, 0, FT_MDL_LOCK_OWED | FT_PART_MAPPED); /* the system address goes too */
        break;
    case FT_EV_MDL_BUILD:
        change(mdl, 0, FT_PART_BUILT | FT_PART_MAPPED);
        break;
    case FT_EV_MDL_PARTIAL:
        change(mdl, FT_PART_BUILT, FT_PART_MAPPED);
        break;
    case FT_EV_MDL_SYSVA:
        change(mdl, event->arg[1] != 0 ? FT_PART_MAPPED : 0, 0);
        break;
    case FT_EV_MDL_REUSE:
        change(mdl, 0, FT_PART_MAPPED | FT_PART_BUILT);
        break;
    default:
        break;
    }
}
