/* The device on the bus: when it moves data, and what it reaches. What it was told is
 * rules_dma_device.c. */
#include "rules/rules_private.h"

/* ---- transfers ---- */

/* The start of a transfer is an event of the task that wrote the register and names the device; its
 * end may come from the engine, which has no task and names none. */
static struct ft_rs_engine *engine_slot(struct ft_rules *rules, uint16_t device, uint8_t channel)
{
    struct ft_rs_engine *idle = NULL;

    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        struct ft_rs_engine *engine = &rules->engine[i];

        if (engine->active && engine->channel == channel &&
            ft_rs_same_device(rules, engine->device, device)) {
            return engine;
        }
        if (!engine->active && idle == NULL) {
            idle = engine;
        }
    }
    if (idle == NULL) {
        ft_rules_overflow(rules, FT_RS_TABLE_ENGINE);
        idle = &rules->engine[0];
    }
    return idle;
}

void ft_on_engine_begin(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_engine *engine;

    ft_judge_engine(rules, event);
    engine = engine_slot(rules, event->device, (uint8_t)event->arg[0]);
    engine->device = event->device;
    engine->channel = (uint8_t)event->arg[0];
    engine->address = event->arg[1];
    engine->length = (uint32_t)event->arg[2];
    engine->active = 1;
    ft_engine_began(rules, engine);
}

/* The count that the device reports is laid over the mappings from the start of its range on. */
void ft_on_engine_end(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_engine *engine = engine_slot(rules, event->device, (uint8_t)event->arg[0]);
    uint64_t end = engine->address + event->arg[1];

    if (!engine->active) {
        return;
    }
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        struct ft_rs_mapping *mapping = &rules->mapping[i];
        uint64_t from = mapping->address > engine->address ? mapping->address : engine->address;
        uint64_t to = mapping->address + mapping->length;

        to = to < end ? to : end;
        if (ft_mapping_is_live(mapping) && from < to) {
            mapping->engine_bytes += (uint32_t)(to - from);
        }
    }
    engine->active = 0;
    ft_engine_ended(rules, engine, event->arg[2]);
}

void ft_engines_stop(struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        if (ft_rs_same_device(rules, rules->engine[i].device, device)) {
            rules->engine[i].active = 0;
        }
    }
}

/* ---- accesses ---- */

/* True when live DMA memory holds the whole range. */
static bool is_covered(const struct ft_rules *rules, uint64_t address, uint64_t length)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->address <= address &&
            address + length <= mapping->address + mapping->length) {
            return true;
        }
    }
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        const struct ft_rs_common *common = &rules->common[i];

        if (common->id != 0 && (common->flags & FT_RS_OVER) == 0 && common->address <= address &&
            address + length <= common->address + common->length) {
            return true;
        }
    }
    return false;
}

/* The mapping flushed last that held the first byte of an access. */
static const struct ft_rs_mapping *flushed_under(const struct ft_rules *rules, uint64_t address)
{
    const struct ft_rs_mapping *last = NULL;

    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (mapping->id != 0 && (mapping->flags & FT_RS_OVER) != 0 && mapping->address <= address &&
            address < mapping->address + mapping->length &&
            (last == NULL || mapping->id > last->id)) {
            last = mapping;
        }
    }
    return last;
}

/* The first byte is in no mapping, now or before. */
static void judge_stray_access(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_mapping *beside = ft_mapping_beside(rules, event->arg[0]);
    const struct ft_rs_common *freed = ft_common_freed_under(rules, event->arg[0]);

    if (freed != NULL) {
        ft_rule_fire(rules, FT_J_DMA_DEV_AFTER_FREE, event, ft_handle(FT_HC_COMMON, freed->id, 0));
        ft_rule_fire(rules, FT_J_DMA_DEV_IN_MAPPING, event, 0);
    } else if (beside != NULL) {
        ft_rule_fire(rules, FT_J_DMA_DEV_BOUNDS, event, ft_mapping_handle(beside));
    } else {
        ft_rule_fire(rules, FT_J_DMA_DEV_IN_MAPPING, event, 0);
    }
}

/* Accesses by the device. A fault has no target, and one inside live memory is about the direction,
 * not about the range. */
void ft_on_bus_access(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t target = event->kind == FT_EV_BUS_FAULT ? 0 : event->arg[2];
    struct ft_rs_mapping *mapping = ft_handle_class(target) == FT_HC_MAPPING
                                        ? ft_rs_mapping_find(rules, ft_handle_id(target))
                                        : NULL;
    const struct ft_rs_mapping *stale = mapping;

    if (event->unknown != 0 || (mapping == NULL && target != 0)) {
        return;
    }
    if (mapping != NULL && ft_mapping_is_live(mapping)) {
        ft_judge_access_direction(rules, event, mapping, event->kind == FT_EV_BUS_WRITE);
        mapping->bus_bytes += (uint32_t)event->arg[1];
        return;
    }
    if (is_covered(rules, event->arg[0], event->arg[1])) {
        return;
    }
    if (stale == NULL) {
        stale = flushed_under(rules, event->arg[0]);
    }
    if (stale != NULL) {
        ft_rule_fire(rules, FT_J_DMA_DEV_AFTER_FLUSH, event, ft_mapping_handle(stale));
    } else {
        judge_stray_access(rules, event);
    }
}
