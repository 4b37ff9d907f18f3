/* What is remembered of enablers, of their callbacks and of what power does around them; and how
 * they are found. */
#include "rules/rules_kmdf_dma.h"

enum { UP = 1, DOWN = 2 };

/* ---- objects ---- */

struct ft_rs_enabler *ft_enabler_find(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_ENABLERS; i++) {
        if (id != 0 && rules->enabler[i].id == id) {
            return &rules->enabler[i];
        }
    }
    return NULL;
}

struct ft_rs_enabler *ft_enabler_of_adapter(struct ft_rules *rules, uint32_t adapter)
{
    for (unsigned i = 0; i < FT_RS_ENABLERS; i++) {
        const struct ft_rs_enabler *enabler = &rules->enabler[i];

        if (enabler->id != 0 && adapter != 0 &&
            (enabler->adapter[0] == adapter || enabler->adapter[1] == adapter)) {
            return &rules->enabler[i];
        }
    }
    return NULL;
}

uint32_t ft_adapter_at(const struct ft_rules *rules, uint64_t address)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->address <= address &&
            address < mapping->address + mapping->length) {
            return mapping->adapter;
        }
    }
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        const struct ft_rs_common *common = &rules->common[i];

        if (common->id != 0 && (common->flags & FT_RS_OVER) == 0 && common->address <= address &&
            address < common->address + common->length) {
            return common->adapter;
        }
    }
    return 0;
}

bool ft_is_live_common(const struct ft_rules *rules, uint64_t address)
{
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        const struct ft_rs_common *common = &rules->common[i];

        if (common->id != 0 && (common->flags & FT_RS_OVER) == 0 && common->address <= address &&
            address < common->address + common->length) {
            return true;
        }
    }
    return false;
}

struct ft_rs_enabler *ft_enabler_at(struct ft_rules *rules, uint64_t address)
{
    return ft_enabler_of_adapter(rules, ft_adapter_at(rules, address));
}

bool ft_enabler_is_enabling(const struct ft_rules *rules)
{
    for (unsigned i = 0; i < FT_RS_ENABLERS; i++) {
        if (rules->enabler[i].id != 0 && (rules->enabler[i].flags & FT_WDFE_IN_ENABLE) != 0) {
            return true;
        }
    }
    return false;
}

bool ft_enabler_is_busy(struct ft_rules *rules, const struct ft_rs_enabler *enabler)
{
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        const struct ft_rs_engine *engine = &rules->engine[i];

        if (engine->active && ft_enabler_at(rules, engine->address) == enabler) {
            return true;
        }
    }
    return false;
}

struct ft_rs_wdf_device *ft_wdf_device_find(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_WDF_DEVICES; i++) {
        if (id != 0 && rules->wdf_device[i].id == id) {
            return &rules->wdf_device[i];
        }
    }
    return NULL;
}

struct ft_rs_wdf_device *ft_wdf_device_get(struct ft_rules *rules, uint32_t id)
{
    struct ft_rs_wdf_device *found = ft_wdf_device_find(rules, id);

    for (unsigned i = 0; found == NULL && i < FT_RS_WDF_DEVICES; i++) {
        if (rules->wdf_device[i].id == 0) {
            found = &rules->wdf_device[i];
            *found = (struct ft_rs_wdf_device){.id = (uint16_t)id};
        }
    }
    return found;
}

/* ---- callbacks and resources ---- */

/* The bit of a callback, 0: the routine is none; *up: of the way up. */
unsigned ft_enabler_callback(uint64_t routine, bool *up)
{
    *up = routine == FT_ROUTINE_WDF_DMA_FILL || routine == FT_ROUTINE_WDF_DMA_ENABLE ||
          routine == FT_ROUTINE_WDF_DMA_START;
    switch (routine) {
    case FT_ROUTINE_WDF_DMA_FILL:
        return FT_ENABLER_FILL;
    case FT_ROUTINE_WDF_DMA_ENABLE:
        return FT_ENABLER_ENABLE;
    case FT_ROUTINE_WDF_DMA_START:
        return FT_ENABLER_START;
    case FT_ROUTINE_WDF_DMA_STOP:
        return FT_ENABLER_STOP;
    case FT_ROUTINE_WDF_DMA_DISABLE:
        return FT_ENABLER_DISABLE;
    case FT_ROUTINE_WDF_DMA_FLUSH:
        return FT_ENABLER_FLUSH;
    default:
        return 0;
    }
}

/* Grants, lists and common buffers that are there now. */
unsigned ft_dma_resources(const struct ft_rules *rules)
{
    unsigned count = 0;

    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        count += ft_grant_is_held(&rules->grant[i]);
    }
    for (unsigned i = 0; i < FT_RS_LISTS; i++) {
        count += rules->list[i].id != 0 && (rules->list[i].flags & FT_RS_OVER) == 0;
    }
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        count += rules->common[i].id != 0 && (rules->common[i].flags & FT_RS_OVER) == 0;
    }
    return count;
}

/* ---- what is remembered ---- */

static void note_create(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_nt_success((uint32_t)event->arg[5]) ||
        ft_wdf_device_get(rules, ft_arg_id(event, 1)) == NULL) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_ENABLERS; i++) {
        struct ft_rs_enabler *enabler = &rules->enabler[i];

        if (enabler->id != 0 && enabler->id != ft_arg_id(event, 0)) {
            continue;
        }
        enabler->id = ft_arg_id(event, 0);
        enabler->device = (uint16_t)ft_arg_id(event, 1);
        enabler->version = (uint8_t)event->arg[3];
        enabler->callbacks = (uint8_t)(event->arg[4] & 0x3F);
        enabler->width = (uint8_t)(event->arg[4] >> FT_ENABLER_WIDTH_SHIFT);
        enabler->flags = 0;
        return;
    }
    ft_rules_overflow(rules, FT_RS_TABLE_WDF_DMA);
}

/* Comes before the event of the enabler itself. */
static void note_adapter(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_enabler *enabler = ft_enabler_find(rules, ft_arg_id(event, 0));

    for (unsigned i = 0; enabler == NULL && i < FT_RS_ENABLERS; i++) {
        if (rules->enabler[i].id == 0) {
            enabler = &rules->enabler[i];
            *enabler = (struct ft_rs_enabler){.id = ft_arg_id(event, 0)};
        }
    }
    if (enabler != NULL && ft_nt_success((uint32_t)event->arg[4])) {
        enabler->adapter[event->arg[2] != 0] = ft_arg_id(event, 1);
    } else if (enabler != NULL && enabler->device == 0) {
        enabler->id = 0; /* its creation fails */
    }
}

static void note_walk(struct ft_rules *rules, const struct ft_event *event, unsigned walk)
{
    struct ft_rs_wdf_device *device = ft_wdf_device_get(rules, ft_arg_id(event, 0));
    bool done = event->arg[1] != 0;

    if (device == NULL) {
        return;
    }
    device->walk = (uint8_t)(done ? FT_WDF_NO_WALK : walk);
    device->window = walk == UP || !done;
    for (unsigned i = 0; i < FT_RS_ENABLERS; i++) {
        struct ft_rs_enabler *enabler = &rules->enabler[i];

        if (enabler->device != device->id) {
            continue;
        }
        if (walk == UP && !done) {
            enabler->flags &= (uint16_t) ~(FT_WDFE_DISABLED | FT_WDFE_STOPPED | FT_WDFE_ENABLED |
                                           FT_WDFE_DRAINED);
        }
    }
}

static void note_enter(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_enabler *enabler = ft_enabler_find(rules, ft_arg_id(event, 1));
    struct ft_rs_wdf_device *device;
    bool up;
    unsigned bit = ft_enabler_callback(event->arg[0], &up);

    if (event->arg[0] == FT_ROUTINE_WDF_D0_ENTRY) {
        device = ft_wdf_device_get(rules, ft_arg_id(event, 1));
        if (device != NULL) {
            device->powered = 1;
        }
        return;
    }
    if (bit == 0 || enabler == NULL) {
        return;
    }
    if (bit == FT_ENABLER_FLUSH) {
        enabler->freed = 0;
    } else if (bit == FT_ENABLER_FILL) {
        enabler->flags |= FT_WDFE_IN_FILL;
    } else if (bit == FT_ENABLER_ENABLE || bit == FT_ENABLER_START) {
        /* The engine may be used from inside Enable on. */
        enabler->flags |= FT_WDFE_ENABLED | (bit == FT_ENABLER_ENABLE ? FT_WDFE_IN_ENABLE : 0);
    }
}

static void note_leave(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_enabler *enabler = ft_enabler_find(rules, ft_arg_id(event, 1));
    bool up;
    unsigned bit = ft_enabler_callback(event->arg[0], &up);

    if (bit == 0 || enabler == NULL) {
        return;
    }
    enabler->flags &= (uint16_t) ~(FT_WDFE_IN_FILL | FT_WDFE_IN_ENABLE);
    if (ft_known(event, 3) && !ft_nt_success((uint32_t)event->arg[3])) {
        enabler->flags |= bit == FT_ENABLER_FILL     ? FT_WDFE_FILL_FAILED
                          : bit == FT_ENABLER_ENABLE ? FT_WDFE_ENABLE_FAILED
                                                     : 0;
    }
    switch (bit) {
    case FT_ENABLER_STOP:
        enabler->flags |= FT_WDFE_STOPPED;
        break;
    case FT_ENABLER_DISABLE:
        enabler->flags |= FT_WDFE_DISABLED;
        break;
    case FT_ENABLER_FLUSH:
        enabler->flags |= FT_WDFE_FLUSHED | FT_WDFE_DRAINED;
        break;
    default:
        break;
    }
}

static void note_exit(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_device *device = event->arg[0] == FT_ROUTINE_WDF_D0_EXIT
                                          ? ft_wdf_device_get(rules, ft_arg_id(event, 1))
                                          : NULL;
    unsigned left = ft_dma_resources(rules);

    if (device == NULL) {
        return;
    }
    device->powered = FT_WDF_NOT_POWERED;
    device->growing = device->cycled && left > device->left
                          ? (uint8_t)(device->growing + (device->growing < UINT8_MAX))
                          : 0;
    device->cycled = 1;
    device->left = (uint8_t)left;
}

static void note_common(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_enabler *enabler = ft_enabler_find(rules, ft_arg_id(event, 1));

    if (!ft_nt_success((uint32_t)event->arg[5])) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_WDF_COMMONS; i++) {
        if (rules->wdf_common[i].id == 0) {
            rules->wdf_common[i] = (struct ft_rs_wdf_common){
                .id = ft_arg_id(event, 0),
                .enabler = ft_arg_id(event, 1),
                .of_fill =
                    enabler != NULL && (enabler->flags & FT_WDFE_IN_FILL) != 0 ? enabler->id : 0,
            };
            return;
        }
    }
    ft_rules_overflow(rules, FT_RS_TABLE_WDF_DMA);
}

static void note_common_end(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *flush = ft_frame_in(rules, event, FT_ROUTINE_WDF_DMA_FLUSH);
    struct ft_rs_enabler *enabler = flush != NULL ? ft_enabler_find(rules, flush->object) : NULL;

    for (unsigned i = 0; i < FT_RS_WDF_COMMONS; i++) {
        if (rules->wdf_common[i].id == ft_arg_id(event, 0)) {
            if (enabler != NULL && enabler->id == rules->wdf_common[i].of_fill) {
                enabler->freed = (uint8_t)(enabler->freed + (enabler->freed < UINT8_MAX));
            }
            rules->wdf_common[i].id = 0;
        }
    }
}

void ft_kmdf_enabler_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_enabler *enabler;

    switch (event->kind) {
    case FT_EV_CALL_ENTER:
        note_enter(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        note_leave(rules, event);
        note_exit(rules, event);
        break;
    case FT_EV_WDF_ENABLER:
        note_create(rules, event);
        break;
    case FT_EV_WDF_ENABLER_HAL:
        note_adapter(rules, event);
        break;
    case FT_EV_WDF_ENABLER_END:
        enabler = ft_enabler_find(rules, ft_arg_id(event, 0));
        if (enabler != NULL) {
            *enabler = (struct ft_rs_enabler){0};
        }
        break;
    case FT_EV_WDF_DMA_UP:
        note_walk(rules, event, UP);
        break;
    case FT_EV_WDF_DMA_DOWN:
        note_walk(rules, event, DOWN);
        break;
    case FT_EV_WDF_COMMON:
        note_common(rules, event);
        break;
    case FT_EV_WDF_COMMON_END:
        note_common_end(rules, event);
        break;
    default:
        break;
    }
}
