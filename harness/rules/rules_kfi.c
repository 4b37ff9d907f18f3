/* KeFlushIoBuffers: before the map, the right way round, on each MDL, and never in place of the
 * flush that a mapping owes.
 *
 * On a platform where processor and device share one view of memory the call does nothing, and no
 * driver is blamed for leaving it out.
 */
#include "rules/rules_private.h"

enum { KFI_FLAGS = FT_MDL_KFI | FT_MDL_KFI_FRESH | FT_MDL_KFI_READ | FT_MDL_KFI_PIO };

/* The device has moved something in the mapping and works on it no more. */
static bool is_finished(const struct ft_rules *rules, const struct ft_rs_mapping *mapping)
{
    return (mapping->engine_bytes != 0 || mapping->bus_bytes != 0) &&
           !ft_mapping_is_active(rules, mapping);
}

/* Between map and flush. Before the device is done, dirty lines may fall on its data; afterwards
 * the call is somebody's idea of the flush, which is told when the flush does not come. */
static void judge_mapped(struct ft_rules *rules, const struct ft_event *event, uint32_t mdl)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (!ft_mapping_is_due(mapping) || mapping->mdl != mdl) {
            continue;
        }
        if (is_finished(rules, mapping)) {
            mapping->flags |= FT_MAPPING_KFI;
        } else {
            ft_rule_fire(rules, FT_J_DMA_KFI_TOO_LATE, event, ft_mapping_handle(mapping));
            return;
        }
    }
}

/* Every live adapter of the driver is one of version 3. False when there is none. */
static bool all_version_3(const struct ft_rules *rules)
{
    bool any = false;

    for (unsigned i = 0; i < FT_RS_ADAPTERS; i++) {
        const struct ft_rs_adapter *adapter = &rules->adapter[i];

        if (adapter->id == 0 || (adapter->flags & FT_RS_OVER) != 0) {
            continue;
        }
        if ((adapter->flags & FT_ADAPTER_V3) == 0) {
            return false;
        }
        any = true;
    }
    return any;
}

void ft_on_kfi(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, ft_rs_mdl_id(event, 0));

    if (mdl == NULL || !ft_by_driver(event)) {
        return;
    }
    if (all_version_3(rules) && ft_known(event, 2) && event->arg[2] != 0) {
        ft_rule_fire(rules, FT_J_DMA_KFI_V3_REDUNDANT, event, event->arg[0]);
    }
    if ((mdl->flags & FT_MDL_BY_DRIVER) != 0 && (mdl->flags & FT_MDL_FREED) != 0) {
        ft_rule_fire(rules, FT_J_MEM_MDL_USE_AFTER_FREE, event, event->arg[0]);
        return;
    }
    if (ft_rs_irp_is_complete(rules, mdl->irp)) {
        ft_rule_fire(rules, FT_J_DMA_KFI_AFTER_COMPLETE, event, event->arg[0]);
        return;
    }
    judge_mapped(rules, event, mdl->id);
    mdl->flags &= (uint16_t)~KFI_FLAGS;
    mdl->flags |= FT_MDL_KFI | FT_MDL_KFI_FRESH;
    mdl->flags |= ft_known(event, 1) && event->arg[1] != 0 ? FT_MDL_KFI_READ : 0;
    mdl->flags |= ft_known(event, 2) && event->arg[2] == 0 ? FT_MDL_KFI_PIO : 0;
}

/* Another MDL of the same request had its KeFlushIoBuffers. */
static bool sibling_has_kfi(const struct ft_rules *rules, const struct ft_rs_mdl *mdl)
{
    for (unsigned i = 0; i < rules->mdl_end; i++) {
        const struct ft_rs_mdl *other = &rules->mdl[i];

        if (other->id != 0 && other != mdl && mdl->irp != 0 && other->irp == mdl->irp &&
            (other->flags & FT_MDL_KFI) != 0) {
            return true;
        }
    }
    return false;
}

/* The HAL keeps the caches in step for an adapter of version 3. */
static bool is_version_3(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    return adapter != NULL && (adapter->flags & FT_ADAPTER_V3) != 0;
}

/* MapTransfer or a list request is about to take an MDL. A part lies on its source's lines. */
void ft_judge_kfi_at_map(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                         bool write)
{
    struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, id);

    for (unsigned depth = 0; depth < 4 && mdl != NULL && mdl->source != 0; depth++) {
        mdl = ft_rs_mdl_find(rules, mdl->source);
    }
    if (mdl == NULL || (mdl->flags & FT_MDL_COMMON) != 0 || is_version_3(rules, event)) {
        return;
    }
    if ((mdl->flags & FT_MDL_KFI) == 0) {
        if (sibling_has_kfi(rules, mdl)) {
            ft_rule_fire(rules, FT_J_DMA_KFI_EACH_MDL, event, ft_handle(FT_HC_MDL, mdl->id, 0));
        } else if (rules->noncoherent) {
            ft_rule_fire(rules, FT_J_DMA_KFI_BEFORE_DMA, event, ft_handle(FT_HC_MDL, mdl->id, 0));
        }
        return;
    }
    if ((mdl->flags & FT_MDL_KFI_FRESH) == 0) {
        return; /* a later piece */
    }
    if (((mdl->flags & FT_MDL_KFI_READ) != 0) == write) {
        ft_rule_fire(rules, FT_J_DMA_KFI_DIRECTION, event, ft_handle(FT_HC_MDL, mdl->id, 0));
    }
    if ((mdl->flags & FT_MDL_KFI_PIO) != 0) {
        ft_rule_fire(rules, FT_J_DMA_KFI_DMA_FLAG, event, ft_handle(FT_HC_MDL, mdl->id, 0));
    }
    mdl->flags &= (uint16_t)~FT_MDL_KFI_FRESH;
}
