/* KMDF: enablers and their six callbacks, and what DMA may do while a device is up, down or in
 * between (kmdf sheet, 8.1). */
#include "rules/rules_io.h"

#include "sim/wdf_dma_words.h"

enum { UP = 1, DOWN = 2, NOT_POWERED = 2, GROWS = 2 };

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

static uint32_t adapter_at(const struct ft_rules *rules, uint64_t address)
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
    return ft_enabler_of_adapter(rules, adapter_at(rules, address));
}

/* The only enabler, NULL when there are several. */
static struct ft_rs_enabler *only_enabler(struct ft_rules *rules)
{
    struct ft_rs_enabler *only = NULL;

    for (unsigned i = 0; i < FT_RS_ENABLERS; i++) {
        if (rules->enabler[i].id != 0) {
            if (only != NULL) {
                return NULL;
            }
            only = &rules->enabler[i];
        }
    }
    return only;
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

static const struct ft_rs_tx *in_transfer(const struct ft_rules *rules, uint32_t enabler)
{
    for (unsigned i = 0; i < FT_RS_TXS; i++) {
        if (rules->tx[i].id != 0 && rules->tx[i].enabler == enabler &&
            rules->tx[i].state == FT_TX_TRANSFER) {
            return &rules->tx[i];
        }
    }
    return NULL;
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

static struct ft_rs_wdf_device *device_get(struct ft_rules *rules, uint32_t id)
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

static uint64_t enabler_handle(const struct ft_rs_enabler *enabler)
{
    return ft_handle(FT_HC_WDF_ENABLER, enabler->id, 0);
}

/* ---- callbacks ---- */

/* The bit of a callback, 0: the routine is none; *up: of the way up. */
static unsigned bit_of(uint64_t routine, bool *up)
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

/* What EvtDmaEnablerFill made and Flush has left. */
static bool left_of_fill(const struct ft_rules *rules, uint32_t enabler)
{
    for (unsigned i = 0; i < FT_RS_WDF_COMMONS; i++) {
        if (rules->wdf_common[i].id != 0 && rules->wdf_common[i].of_fill == enabler) {
            return true;
        }
    }
    return false;
}

static void judge_flushed(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_enabler *enabler)
{
    if (ft_enabler_is_busy(rules, enabler) || in_transfer(rules, enabler->id) != NULL) {
        ft_rule_fire(rules, FT_J_KMDF_DMA_IN_FLIGHT_AFTER_FLUSH, event, event->arg[1]);
    }
    if (left_of_fill(rules, enabler->id)) {
        ft_rule_fire(rules, FT_J_KMDF_ENABLER_FLUSH_FREES_FILL, event, event->arg[1]);
        if (!ft_nt_success((uint32_t)event->arg[3]) && enabler->freed != 0) {
            ft_rule_fire(rules, FT_J_KMDF_FLUSH_FAILS_BUT_FREES, event, event->arg[1]);
        }
    }
}

static void judge_leave_enabler(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_enabler *enabler = ft_enabler_find(rules, ft_arg_id(event, 1));
    bool up;
    unsigned bit = bit_of(event->arg[0], &up);

    if (bit == 0 || enabler == NULL || !ft_known(event, 3)) {
        return;
    }
    if ((uint32_t)event->arg[3] == FT_NT_PENDING) {
        ft_rule_fire(rules, FT_J_KMDF_ENABLER_PENDING_RETURN, event, event->arg[1]);
    }
    if (!up && !ft_nt_success((uint32_t)event->arg[3])) {
        ft_rule_fire(rules, FT_J_KMDF_ENABLER_FAILURE_CASCADE, event, event->arg[1]);
    }
    if (bit == FT_ENABLER_FLUSH) {
        judge_flushed(rules, event, enabler);
    } else if (bit == FT_ENABLER_DISABLE) {
        const struct ft_rs_tx *tx = in_transfer(rules, enabler->id);

        if (ft_enabler_is_busy(rules, enabler)) {
            ft_rule_fire(rules, FT_J_KMDF_DMA_IN_FLIGHT_AFTER_DISABLE, event, event->arg[1]);
        }
        if (tx != NULL && tx->fragments == 0) {
            ft_rule_fire(rules, FT_J_KMDF_TX_WAITING_FOR_MAP_REGISTERS_AT_POWER_DOWN, event,
                         ft_handle(FT_HC_WDF_TRANSACTION, tx->id, 0));
        }
    }
}

/* ---- power ---- */

bool ft_engine_runs(struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        if (rules->engine[i].active && ft_rs_same_device(rules, rules->engine[i].device, device)) {
            return true;
        }
    }
    return false;
}

/* Grants, lists and common buffers that are there now. */
static unsigned resources(const struct ft_rules *rules)
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

/* What a Fill or an Enable that failed has left is nobody's to free any more. */
static void judge_left(struct ft_rules *rules, const struct ft_event *event, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_ENABLERS; i++) {
        const struct ft_rs_enabler *enabler = &rules->enabler[i];

        if (enabler->id == 0 || enabler->device != device || !left_of_fill(rules, enabler->id)) {
            continue;
        }
        if ((enabler->flags & FT_WDFE_FILL_FAILED) != 0) {
            ft_rule_fire(rules, FT_J_KMDF_ENABLER_FILL_FAILURE_LEAK, event,
                         enabler_handle(enabler));
        } else if ((enabler->flags & FT_WDFE_ENABLE_FAILED) != 0) {
            ft_rule_fire(rules, FT_J_KMDF_ENABLER_ENABLE_FAILURE_LEAK, event,
                         enabler_handle(enabler));
        }
    }
}

static void judge_leave_power(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_device *device;

    if (event->arg[0] == FT_ROUTINE_WDF_D0_EXIT) {
        device = ft_wdf_device_find(rules, ft_arg_id(event, 1));
        if (ft_engine_runs(rules, event->device)) {
            ft_rule_fire(rules, FT_J_KMDF_DMA_IN_FLIGHT_AFTER_D0EXIT, event, event->arg[1]);
        }
        if (device != NULL && device->growing >= GROWS && resources(rules) > device->left) {
            ft_rule_fire(rules, FT_J_KMDF_POWER_CYCLE_LEAK, event, event->arg[1]);
        }
    } else if (event->arg[0] == FT_ROUTINE_WDF_RELEASE) {
        if (ft_engine_runs(rules, event->device)) {
            ft_rule_fire(rules, FT_J_KMDF_DMA_IN_FLIGHT_AFTER_RELEASE_HARDWARE, event,
                         event->arg[1]);
        }
        judge_left(rules, event, ft_arg_id(event, 1));
    }
}

/* ---- the device is told to move data ---- */

/* The request that the memory serves, 0: none. */
uint32_t ft_irp_at(const struct ft_rules *rules, uint64_t address)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->address <= address &&
            address < mapping->address + mapping->length) {
            return mapping->irp;
        }
    }
    return 0;
}

static void judge_phase(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_enabler *enabler)
{
    const struct ft_rs_wdf_device *device = ft_wdf_device_find(rules, enabler->device);

    if ((device != NULL && device->powered == NOT_POWERED) ||
        (enabler->flags & FT_WDFE_DISABLED) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_DMA_STARTED_WHILE_DOWN, event, enabler_handle(enabler));
    } else if ((enabler->flags & FT_WDFE_STOPPED) != 0 && ft_irp_at(rules, event->arg[1]) == 0) {
        ft_rule_fire(rules, FT_J_KMDF_DMA_KICK_BETWEEN_STOP_AND_FLUSH, event,
                     enabler_handle(enabler));
    } else if ((enabler->callbacks & FT_ENABLER_ENABLE) != 0 &&
               (enabler->flags & FT_WDFE_ENABLED) == 0) {
        ft_rule_fire(rules, FT_J_KMDF_DMA_BEFORE_ENABLE, event, enabler_handle(enabler));
    }
}

/* Memory of a request where the device cannot begin. */
static void judge_alignment(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t address = event->arg[1];

    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->address == address && mapping->irp != 0 &&
            (address & rules->wdf_power.alignment) != 0) {
            ft_rule_fire(rules, FT_J_KMDF_DMA_UNALIGNED_BUFFER, event,
                         ft_handle(FT_HC_MAPPING, mapping->id, 0));
        }
    }
}

static void judge_engine(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_enabler *enabler, *only = only_enabler(rules);

    if (!ft_known(event, 1) || event->arg[1] == 0) {
        return;
    }
    enabler = ft_enabler_at(rules, event->arg[1]);
    if (enabler != NULL) {
        judge_phase(rules, event, enabler);
        judge_alignment(rules, event);
        return;
    }
    if (only == NULL) {
        return;
    }
    if (only->width != 0 && only->width < 64 && event->arg[1] >> only->width != 0) {
        ft_rule_fire(rules, FT_J_KMDF_DMA_ADDRESS_OUTSIDE_PROFILE, event, enabler_handle(only));
    }
    if ((only->flags & FT_WDFE_FLUSHED) != 0 &&
        ft_common_freed_under(rules, event->arg[1]) != NULL) {
        ft_rule_fire(rules, FT_J_KMDF_SECOND_CYCLE_USES_STALE_ADDRESS, event, enabler_handle(only));
    }
}

/* ---- common buffers ---- */

static void judge_common_end(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_common *common = ft_rs_common_find(rules, ft_arg_id(event, 1));

    if (event->irql != FT_IRQL_PASSIVE) {
        ft_rule_fire(rules, FT_J_KMDF_COMMON_BUFFER_DELETE_IRQL, event, event->arg[0]);
    }
    for (unsigned i = 0; common != NULL && i < FT_RS_ENGINES; i++) {
        const struct ft_rs_engine *engine = &rules->engine[i];

        if (engine->active && engine->address < common->address + common->length &&
            common->address < engine->address + engine->length) {
            ft_rule_fire(rules, FT_J_KMDF_COMMON_BUFFER_FREED_WHILE_DEVICE_OWNS, event,
                         event->arg[0]);
        }
    }
}

/* The device reaches what lies behind a common buffer in its last page. */
static void judge_access(struct ft_rules *rules, const struct ft_event *event)
{
    enum { PAGE = 4096 };
    uint64_t last = event->arg[0] + event->arg[1] - 1;

    if (only_enabler(rules) == NULL || event->arg[1] == 0 || adapter_at(rules, last) != 0) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        const struct ft_rs_common *common = &rules->common[i];
        uint64_t end = common->address + common->length;

        if (common->id != 0 && (common->flags & FT_RS_OVER) == 0 && last >= end &&
            last - end < PAGE) {
            ft_rule_fire(rules, FT_J_KMDF_COMMON_BUFFER_BOUNDS, event,
                         ft_handle(FT_HC_COMMON, common->id, 0));
            return;
        }
    }
}

/* ---- enablers that come and go ---- */

static void judge_create(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_nt_success((uint32_t)event->arg[5]) || !ft_known(event, 4)) {
        return;
    }
    if ((event->arg[4] & FT_ENABLER_IN_WALK) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_ENABLER_LIST_CHANGE_IN_CALLBACK, event, event->arg[0]);
    }
    if ((event->arg[4] & FT_ENABLER_LATE) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_ENABLER_CREATED_LATE, event, event->arg[0]);
    }
}

static void judge_end(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_enabler *enabler = ft_enabler_find(rules, ft_arg_id(event, 0));
    const struct ft_rs_wdf_device *device =
        enabler != NULL ? ft_wdf_device_find(rules, enabler->device) : NULL;

    if (enabler == NULL) {
        return;
    }
    if (device != NULL && device->walk != FT_WDF_NO_WALK) {
        ft_rule_fire(rules, FT_J_KMDF_ENABLER_LIST_CHANGE_IN_CALLBACK, event, event->arg[0]);
    }
    if ((device != NULL && device->window) || in_transfer(rules, enabler->id) != NULL ||
        ft_enabler_is_busy(rules, enabler)) {
        ft_rule_fire(rules, FT_J_KMDF_ENABLER_DELETED_POWERED, event, event->arg[0]);
    }
}

void ft_kmdf_enabler_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_CALL_LEAVE:
        judge_leave_enabler(rules, event);
        judge_leave_power(rules, event);
        break;
    case FT_EV_ENGINE_BEGIN:
        judge_engine(rules, event);
        break;
    case FT_EV_BUS_READ:
    case FT_EV_BUS_WRITE:
    case FT_EV_BUS_FAULT:
        judge_access(rules, event);
        break;
    case FT_EV_WDF_COMMON_END:
        judge_common_end(rules, event);
        break;
    case FT_EV_WDF_ENABLER:
        judge_create(rules, event);
        break;
    case FT_EV_WDF_ENABLER_END:
        judge_end(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what is remembered ---- */

static void note_create(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_nt_success((uint32_t)event->arg[5]) || device_get(rules, ft_arg_id(event, 1)) == NULL) {
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
    struct ft_rs_wdf_device *device = device_get(rules, ft_arg_id(event, 0));
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
    unsigned bit = bit_of(event->arg[0], &up);

    if (event->arg[0] == FT_ROUTINE_WDF_D0_ENTRY) {
        device = device_get(rules, ft_arg_id(event, 1));
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
    unsigned bit = bit_of(event->arg[0], &up);

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
    struct ft_rs_wdf_device *device =
        event->arg[0] == FT_ROUTINE_WDF_D0_EXIT ? device_get(rules, ft_arg_id(event, 1)) : NULL;
    unsigned left = resources(rules);

    if (device == NULL) {
        return;
    }
    device->powered = NOT_POWERED;
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
