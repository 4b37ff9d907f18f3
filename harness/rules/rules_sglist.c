/* Scatter/gather lists: GetScatterGatherList, BuildScatterGatherList, PutScatterGatherList and
 * their kin.
 *
 * The elements of a list are mappings like those of MapTransfer; where those have their grant they
 * have the list's key. A list is flushed and given back by PutScatterGatherList and by nothing
 * else.
 */
#include "rules/rules_private.h"

static uint64_t list_handle(const struct ft_rs_list *list)
{
    return ft_handle(FT_HC_SGLIST, list->id, 0);
}

static bool list_is_live(const struct ft_rs_list *list)
{
    return list->id != 0 && (list->flags & FT_RS_OVER) == 0;
}

static bool is_element(const struct ft_rs_mapping *mapping, uint32_t list)
{
    return mapping->id != 0 && mapping->grant == (FT_RS_LIST_KEY | list);
}

/* A live list of the adapter, NULL when there is none. */
static const struct ft_rs_list *list_of(const struct ft_rules *rules, uint32_t adapter)
{
    for (unsigned i = 0; i < FT_RS_LISTS; i++) {
        if (list_is_live(&rules->list[i]) && rules->list[i].adapter == adapter) {
            return &rules->list[i];
        }
    }
    return NULL;
}

bool ft_adapter_has_list(const struct ft_rules *rules, uint32_t adapter)
{
    return list_of(rules, adapter) != NULL;
}

static void drop_elements(struct ft_rules *rules, uint32_t list)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        if (is_element(&rules->mapping[i], list) && ft_mapping_is_live(&rules->mapping[i])) {
            ft_mapping_ends(rules, &rules->mapping[i], rules->mapping[i].length);
        }
    }
}

/* ---- asking for a list ---- */

/* A start outside the first MDL, or a length beyond the chain: only the HAL sees its end. */
static void judge_range(struct ft_rules *rules, const struct ft_event *event)
{
    const uint32_t too_small = 0xC0000023;
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, ft_rs_mdl_id(event, 1));
    uint64_t offset = event->arg[2];

    if (!ft_known(event, 2) || !ft_known(event, 3)) {
        return;
    }
    if (event->arg[3] == 0) {
        ft_rule_fire(rules, FT_J_DMA_MAP_ZERO_LENGTH, event, event->arg[1]);
    } else if (offset >> 63 != 0 || (mdl != NULL && mdl->length != 0 && offset >= mdl->length) ||
               (ft_known(event, 5) && event->arg[5] == too_small && event->arg[6] == 0)) {
        ft_rule_fire(rules, FT_J_DMA_GSL_RANGE, event, event->arg[1]);
    }
}

static void judge_limit(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_adapter *adapter)
{
    enum { PAGE = 4096 };
    uint64_t pages = (event->arg[3] + PAGE - 1) / PAGE;

    if (ft_known(event, 3) && ft_known(event, 5) && adapter->registers != 0 &&
        pages > adapter->registers && !ft_nt_success((uint32_t)event->arg[5])) {
        ft_rule_fire(rules, FT_J_DMA_GSL_LIMIT, event, event->arg[0]);
    }
}

/* BuildScatterGatherList for an MDL whose size was never calculated, though others' were. */
static void judge_size_known(struct ft_rules *rules, const struct ft_event *event,
                             const struct ft_rs_adapter *adapter)
{
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, ft_rs_mdl_id(event, 1));

    if (event->arg[6] != 0 && mdl != NULL && (mdl->flags & FT_MDL_SIZED) == 0 &&
        (adapter->flags & (FT_ADAPTER_SIZED | FT_ADAPTER_SIZED_ANY)) == FT_ADAPTER_SIZED) {
        ft_rule_fire(rules, FT_J_DMA_CSL_ARGS, event, event->arg[1]);
    }
}

static void on_get(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    bool granted = ft_nt_success((uint32_t)event->arg[5]);
    uint32_t mdl = ft_rs_mdl_id(event, 1);

    if (adapter == NULL || (adapter->flags & FT_RS_OVER) != 0) {
        return;
    }
    if (ft_by_driver(event)) {
        if (ft_known(event, 1) && event->arg[1] == 0 && !granted) {
            ft_rule_fire(rules, FT_J_DMA_MDL_NULL, event, 0);
            return;
        }
        judge_range(rules, event);
        judge_limit(rules, event, adapter);
        judge_size_known(rules, event, adapter);
        ft_judge_request_place(rules, event);
        ft_judge_list_pages(rules, event, mdl, granted);
        if (ft_known(event, 4)) {
            ft_judge_direction(rules, event, mdl, event->arg[4] != 0);
            ft_judge_kfi_at_map(rules, event, mdl, event->arg[4] != 0);
        }
    }
    adapter->flags &= (uint16_t)~FT_ADAPTER_LIST_REFUSED;
    adapter->flags |= granted ? 0 : FT_ADAPTER_LIST_REFUSED;
    ft_request_ended(rules, event, ft_arg_id(event, 7), granted, FT_IRP_DMA_LIST_REFUSED);
}

/* The list routine runs before GetScatterGatherList returns, or long after. */
static void on_list(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_list *list = ft_rs_list_get(rules, ft_arg_id(event, 1));
    uint32_t owner = ft_rs_mdl_owner(rules, ft_rs_mdl_id(event, 2));

    if (list == NULL) {
        return;
    }
    list->flags &= (uint16_t)~FT_RS_OVER;
    list->adapter = ft_arg_id(event, 0);
    list->mdl = ft_rs_mdl_id(event, 2);
    list->irp = owner != 0 ? owner : ft_arg_id(event, 7);
    ft_control_begins(rules, event, list->id, true);
}

static void on_element(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_list *list = ft_rs_list_find(rules, ft_arg_id(event, 0));
    struct ft_rs_mapping *mapping = ft_rs_mapping_get(rules, ft_arg_id(event, 2));
    struct ft_rs_irp *irp;

    if (mapping == NULL || list == NULL) {
        return;
    }
    mapping->adapter = list->adapter;
    mapping->grant = FT_RS_LIST_KEY | list->id;
    mapping->mdl = ft_known(event, 7) && event->arg[7] != 0 ? ft_rs_mdl_id(event, 7) : list->mdl;
    mapping->irp = list->irp;
    mapping->offset = (uint32_t)event->arg[6];
    mapping->length = (uint32_t)event->arg[4];
    mapping->address = event->arg[3];
    mapping->flags |= FT_MAPPING_LIST;
    if (ft_known(event, 5)) {
        mapping->flags |= event->arg[5] ? FT_MAPPING_WRITE : 0;
        list->flags |= FT_LIST_DIRECTED;
        list->flags |= event->arg[5] ? FT_LIST_WRITE : 0;
    }
    irp = ft_rs_irp_find(rules, list->irp);
    if (irp != NULL) {
        irp->flags |= FT_IRP_MAPPED;
        irp->flags |= ft_rs_mdl_owner(rules, list->mdl) == irp->id ? FT_IRP_MAPPED_OWN : 0;
        irp->maps += irp->maps < UINT8_MAX;
    }
    ft_judge_overlap(rules, event, mapping);
}

/* ---- giving it back ---- */

static void judge_foreign(struct ft_rules *rules, const struct ft_event *event)
{
    enum { PUT_BEFORE = 1 };
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    if (event->arg[3] == PUT_BEFORE) {
        ft_rule_fire(rules, FT_J_DMA_PSL_DOUBLE, event, event->arg[1]);
    } else if (adapter != NULL && (adapter->flags & FT_ADAPTER_LIST_REFUSED) != 0 &&
               list_of(rules, adapter->id) == NULL) {
        ft_rule_fire(rules, FT_J_DMA_GSL_STATUS, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_DMA_PSL_PROVENANCE, event, event->arg[1]);
    }
}

static void judge_put(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_list *list)
{
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, list->mdl);

    if ((list->flags & FT_LIST_DIRECTED) != 0 && ft_known(event, 2) &&
        ((list->flags & FT_LIST_WRITE) != 0) != (event->arg[2] != 0)) {
        ft_rule_fire(rules, FT_J_DMA_PSL_DIRECTION, event, list_handle(list));
    }
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        if (is_element(&rules->mapping[i], list->id) && ft_mapping_is_live(&rules->mapping[i]) &&
            ft_mapping_is_active(rules, &rules->mapping[i])) {
            ft_rule_fire(rules, FT_J_DMA_PSL_EARLY, event, list_handle(list));
            ft_rule_fire(rules, FT_J_DMA_FLUSH_EARLY, event, list_handle(list));
            break;
        }
    }
    if (mdl != NULL && (mdl->flags & (FT_MDL_UNLOCKED | FT_MDL_FREED)) != 0) {
        ft_rule_fire(rules, FT_J_DMA_PSL_AFTER_UNLOCK, event, list_handle(list));
        ft_rule_fire(rules, FT_J_DMA_FLUSH_AFTER_UNLOCK, event, list_handle(list));
    }
}

static void on_put(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_list *list = ft_rs_list_find(rules, ft_arg_id(event, 1));

    if (ft_known(event, 3) && event->arg[3] != 0) {
        if (ft_by_driver(event)) {
            judge_foreign(rules, event);
        }
        return;
    }
    if (list == NULL || !list_is_live(list)) {
        return;
    }
    if (ft_by_driver(event)) {
        judge_put(rules, event, list);
    }
    drop_elements(rules, list->id);
    list->flags |= FT_RS_OVER;
}

/* ---- sizes ---- */

static void on_size(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, ft_rs_mdl_id(event, 1));

    if (adapter != NULL && ft_known(event, 1)) {
        adapter->flags |= event->arg[1] != 0 ? FT_ADAPTER_SIZED : FT_ADAPTER_SIZED_ANY;
    }
    if (mdl != NULL) {
        mdl->flags |= FT_MDL_SIZED;
    }
}

static void on_mdl(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_list *list = ft_rs_list_find(rules, ft_arg_id(event, 1));

    if (list == NULL || !ft_by_driver(event)) {
        return;
    }
    if ((list->flags & FT_LIST_HAS_MDL) != 0) {
        ft_rule_fire(rules, FT_J_DMA_MFS_ONCE, event, list_handle(list));
    }
    list->flags |= FT_LIST_HAS_MDL;
}

void ft_on_list(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_SG_GET:
        on_get(rules, event);
        break;
    case FT_EV_SG_LIST:
        on_list(rules, event);
        break;
    case FT_EV_SG_ELEMENT:
        on_element(rules, event);
        break;
    case FT_EV_SG_DONE:
        ft_control_ends(rules, ft_arg_id(event, 1), true);
        break;
    case FT_EV_SG_PUT:
        on_put(rules, event);
        break;
    case FT_EV_SG_SIZE:
        on_size(rules, event);
        break;
    case FT_EV_SG_MDL:
        on_mdl(rules, event);
        break;
    case FT_EV_SG_BUFFER:
        if (ft_by_driver(event) && ft_known(event, 1) && ft_known(event, 2) &&
            event->arg[1] < event->arg[2]) {
            ft_rule_fire(rules, FT_J_DMA_BSL_BUFFER_SIZE, event, event->arg[0]);
        }
        break;
    default:
        break;
    }
}

/* ---- what others ask ---- */

/* True: the flush names memory that a list holds, and nothing that MapTransfer mapped. */
bool ft_judge_manual_flush(struct ft_rules *rules, const struct ft_event *event, uint32_t mdl,
                           uint64_t offset)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && (mapping->flags & FT_MAPPING_LIST) != 0 &&
            mapping->mdl == mdl && mapping->offset <= offset && offset < ft_mapping_end(mapping)) {
            ft_rule_fire(rules, FT_J_DMA_SGL_NO_MANUAL_FLUSH, event, ft_mapping_handle(mapping));
            return true;
        }
    }
    return false;
}

/* True: the request has a list. */
bool ft_lists_at_complete(struct ft_rules *rules, const struct ft_event *event, uint32_t irp)
{
    bool live = false;

    for (unsigned i = 0; i < FT_RS_LISTS; i++) {
        if (list_is_live(&rules->list[i]) && rules->list[i].irp == irp) {
            ft_rule_fire(rules, FT_J_DMA_PSL_BEFORE_COMPLETE, event, list_handle(&rules->list[i]));
            live = true;
        }
    }
    return live;
}

/* True: the adapter has a list. */
bool ft_judge_lists_left(struct ft_rules *rules, const struct ft_event *event, uint32_t adapter)
{
    const struct ft_rs_list *list = list_of(rules, adapter);

    if (list != NULL) {
        ft_rule_fire(rules, FT_J_DMA_PSL_LEAK, event, list_handle(list));
    }
    return list != NULL;
}

void ft_lists_at_put(struct ft_rules *rules, const struct ft_event *event, uint32_t adapter)
{
    for (unsigned i = 0; i < FT_RS_LISTS; i++) {
        struct ft_rs_list *list = &rules->list[i];

        if (!list_is_live(list) || list->adapter != adapter) {
            continue;
        }
        if (ft_by_driver(event)) {
            ft_rule_fire(rules, FT_J_DMA_PUT_WITH_SGLIST, event, list_handle(list));
        }
        drop_elements(rules, list->id);
        list->flags |= FT_RS_OVER;
    }
}
