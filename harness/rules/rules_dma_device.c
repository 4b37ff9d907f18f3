/* What the driver programs into its device: addresses and lengths that came from nowhere, or that
 * go beyond what was mapped. What the device then reaches on the bus is rules_dma.c. */
#include "rules/rules_private.h"

#include "sim/dma_words.h"

enum { PAGE = 4096 };

static const struct ft_rs_mapping *mapping_at(const struct ft_rules *rules, uint64_t address)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->address <= address &&
            address < mapping->address + mapping->length) {
            return mapping;
        }
    }
    return NULL;
}

static const struct ft_rs_common *common_at(const struct ft_rules *rules, uint64_t address)
{
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        const struct ft_rs_common *common = &rules->common[i];

        if (common->id != 0 && (common->flags & FT_RS_OVER) == 0 && common->address <= address &&
            address < common->address + common->length) {
            return common;
        }
    }
    return NULL;
}

/* How far live memory reaches from the address on, mapping after mapping. */
static uint64_t reach(const struct ft_rules *rules, uint64_t address)
{
    for (;;) {
        const struct ft_rs_mapping *mapping = mapping_at(rules, address);
        const struct ft_rs_common *common = mapping == NULL ? common_at(rules, address) : NULL;

        if (mapping != NULL) {
            address = mapping->address + mapping->length;
        } else if (common != NULL) {
            address = common->address + common->length;
        } else {
            return address;
        }
    }
}

/* ---- addresses that lead nowhere ---- */

/* A common buffer begins in this page, but not at its start. */
static const struct ft_rs_common *common_in_page(const struct ft_rules *rules, uint64_t address)
{
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        const struct ft_rs_common *common = &rules->common[i];

        if (common->id != 0 && (common->flags & FT_RS_OVER) == 0 && address % PAGE == 0 &&
            common->address != address && common->address - common->address % PAGE == address) {
            return common;
        }
    }
    return NULL;
}

/* The driver owns something that the device may be programmed for. */
static bool owns_anything(const struct ft_rules *rules)
{
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        if (rules->grant[i].id != 0 && (rules->grant[i].flags & FT_RS_OVER) == 0) {
            return true;
        }
    }
    for (unsigned i = 0; i < FT_RS_LISTS; i++) {
        if (rules->list[i].id != 0 && (rules->list[i].flags & FT_RS_OVER) == 0) {
            return true;
        }
    }
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        if (rules->common[i].id != 0 && (rules->common[i].flags & FT_RS_OVER) == 0) {
            return true;
        }
    }
    return false;
}

/* AllocateCommonBuffer failed on an adapter that still has none. */
static bool lacks_common(const struct ft_rules *rules)
{
    for (unsigned i = 0; i < FT_RS_ADAPTERS; i++) {
        if (rules->adapter[i].id != 0 && (rules->adapter[i].flags & FT_RS_OVER) == 0 &&
            (rules->adapter[i].flags & FT_ADAPTER_COMMON_REFUSED) != 0) {
            return true;
        }
    }
    return false;
}

static void judge_stray(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t looks = ft_known(event, 4) ? event->arg[4] : FT_LOOKS_NOTHING;
    const struct ft_rs_common *common = common_in_page(rules, event->arg[1]);

    switch (looks) {
    case FT_LOOKS_CUT:
        ft_rule_fire(rules, FT_J_DMA_DEV_HIGH_BITS, event, 0);
        return;
    case FT_LOOKS_COMMON_PHYSICAL:
    case FT_LOOKS_COMMON_VIRTUAL:
        ft_rule_fire(rules, FT_J_DMA_CB_LOGICAL, event, 0);
        ft_rule_fire(rules, FT_J_DMA_DEV_LOGICAL_ONLY, event, 0);
        return;
    case FT_LOOKS_PHYSICAL:
    case FT_LOOKS_VIRTUAL:
        ft_rule_fire(rules, FT_J_DMA_DEV_LOGICAL_ONLY, event, 0);
        return;
    default:
        break;
    }
    if (common != NULL || looks == FT_LOOKS_COMMON_PAGE) {
        ft_rule_fire(rules, FT_J_DMA_CB_ALIGN_ASSUMED, event,
                     common != NULL ? ft_handle(FT_HC_COMMON, common->id, 0) : 0);
    } else if (lacks_common(rules)) {
        ft_rule_fire(rules, FT_J_DMA_CB_NULL, event, 0);
    } else if (!owns_anything(rules)) {
        ft_rule_fire(rules, FT_J_DMA_DEV_STARTED_GRANTED, event, 0);
    }
}

/* ---- too much ---- */

/* A device that takes one address and one length works on two at a time. */
static void judge_runs(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_mapping *mapping)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, mapping->adapter);

    if (adapter == NULL || (adapter->flags & FT_ADAPTER_SINGLE) == 0) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        const struct ft_rs_engine *engine = &rules->engine[i];
        const struct ft_rs_mapping *other =
            engine->active ? mapping_at(rules, engine->address) : NULL;

        if (other != NULL && other->grant == mapping->grant &&
            ft_rs_same_device(rules, engine->device, event->device) &&
            engine->channel != event->arg[0]) {
            ft_rule_fire(rules, FT_J_DMA_DEV_ONE_RUN, event, ft_mapping_handle(mapping));
            return;
        }
    }
}

/* What a device that lies begins is not the driver's. */
void ft_judge_engine(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_mapping *mapping;

    if ((ft_rs_root(rules, event->device)->flags & FT_DEVICE_HOSTILE) != 0 || !ft_known(event, 1) ||
        !ft_known(event, 2) || event->arg[2] == 0) {
        return; /* a subordinate device is told no address */
    }
    mapping = mapping_at(rules, event->arg[1]);
    if (mapping == NULL) {
        if (common_at(rules, event->arg[1]) == NULL) {
            judge_stray(rules, event);
        }
        return;
    }
    if (event->arg[1] + event->arg[2] > reach(rules, event->arg[1])) {
        ft_rule_fire(rules,
                     (mapping->flags & FT_MAPPING_LIST) != 0 ? FT_J_DMA_SGL_BOUNDS
                                                             : FT_J_DMA_MAP_LENGTH_HONOURED,
                     event, ft_mapping_handle(mapping));
    }
    judge_runs(rules, event, mapping);
}

/* ---- how a piece ended ---- */

/* A piece that the bus broke off is one that did not succeed, until it is tried again. */
static void mark_pieces(struct ft_rules *rules, const struct ft_rs_engine *engine, bool failed)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];
        struct ft_rs_irp *irp = ft_rs_irp_find(rules, mapping->irp);

        if (irp == NULL || !ft_mapping_is_live(mapping) ||
            mapping->address >= engine->address + engine->length ||
            engine->address >= mapping->address + mapping->length) {
            continue;
        }
        if (failed) {
            irp->dma |= FT_IRP_DMA_PIECE_FAILED;
        } else {
            irp->dma &= (uint8_t)~FT_IRP_DMA_PIECE_FAILED;
        }
    }
}

void ft_engine_began(struct ft_rules *rules, const struct ft_rs_engine *engine)
{
    mark_pieces(rules, engine, false);
}

void ft_engine_ended(struct ft_rules *rules, const struct ft_rs_engine *engine, uint64_t why)
{
    enum { BUS_ERROR = 3 };

    if (why == BUS_ERROR) {
        mark_pieces(rules, engine, true);
    }
}

/* ---- accesses ---- */

/* The device goes the wrong way in a live mapping. */
void ft_judge_access_direction(struct ft_rules *rules, const struct ft_event *event,
                               const struct ft_rs_mapping *mapping, bool write)
{
    bool directed = true;

    if ((mapping->flags & FT_MAPPING_LIST) != 0) {
        const struct ft_rs_list *list = ft_rs_list_find(rules, mapping->grant & ~FT_RS_LIST_KEY);

        directed = list != NULL && (list->flags & FT_LIST_DIRECTED) != 0;
    }
    if (directed && write == ((mapping->flags & FT_MAPPING_WRITE) != 0)) {
        ft_rule_fire(rules, FT_J_DMA_DEV_DIRECTION, event, ft_mapping_handle(mapping));
    }
}

/* The first byte lies in the page of a live mapping, but not in the mapping. */
const struct ft_rs_mapping *ft_mapping_beside(const struct ft_rules *rules, uint64_t address)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];
        uint64_t begin = mapping->address - mapping->address % PAGE;
        uint64_t end = mapping->address + mapping->length + PAGE - 1;

        if (ft_mapping_is_live(mapping) && mapping->length != 0 && begin <= address &&
            address < end - end % PAGE) {
            return mapping;
        }
    }
    return NULL;
}

/* A common buffer that was freed held the first byte. */
const struct ft_rs_common *ft_common_freed_under(const struct ft_rules *rules, uint64_t address)
{
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        const struct ft_rs_common *common = &rules->common[i];

        if (common->id != 0 && (common->flags & FT_RS_OVER) != 0 && common->address <= address &&
            address < common->address + common->length) {
            return common;
        }
    }
    return NULL;
}
