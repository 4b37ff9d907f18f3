/* KMDF: enablers and their six callbacks, and what DMA may do while a device is up, down or in
 * between (kmdf sheet, 8.1). */
#include "rules/rules_kmdf_dma.h"

enum { GROWS = 2 };

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

static uint64_t enabler_handle(const struct ft_rs_enabler *enabler)
{
    return ft_handle(FT_HC_WDF_ENABLER, enabler->id, 0);
}

/* ---- callbacks ---- */

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
    unsigned bit = ft_enabler_callback(event->arg[0], &up);

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
        if (device != NULL && device->growing >= GROWS && ft_dma_resources(rules) > device->left) {
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

    if ((device != NULL && device->powered == FT_WDF_NOT_POWERED) ||
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

/* Memory of a request where the device prefers not to begin. A warning, where the catalogue's row
 * has a defect: the page calls the alignment preferred, nothing enforces it for a caller's buffer,
 * and a public sample asks for 16 bytes for a part that can begin at any. */
static void judge_alignment(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t address = event->arg[1];

    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->address == address && mapping->irp != 0 &&
            (address & rules->wdf_power.alignment) != 0) {
            ft_rule_fire(rules, FT_J_KMDF_DMA_UNALIGNED_BUFFER, event, ft_mapping_handle(mapping));
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

    if (only_enabler(rules) == NULL || event->arg[1] == 0 || ft_adapter_at(rules, last) != 0) {
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
