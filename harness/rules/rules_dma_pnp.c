/* DMA across stop, surprise removal, removal and the end; and what a request owes when it is
 * completed. */
#include "rules/rules_private.h"

#include "sim/platform.h"

static uint64_t irp_handle(const struct ft_rs_irp *irp)
{
    return ft_handle(FT_HC_IRP, irp->id, 0);
}

/* ---- the platform ---- */

/* run:begin packs the knobs, the first one in the highest digit; flags stand above the digits. */
static bool shares_memory(uint64_t word)
{
    enum { BASE = 131 };
    static const char *const names[] = {
#define KNOB(field, name, maximum, sentence) #field,
        FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
    };

    word &= UINT64_MAX >> 2;
    for (unsigned i = FT_PLATFORM_PACKED; i-- > 0; word /= BASE) {
        if (names[i][0] == 'c' && names[i][1] == 'o' && names[i][2] == 'h') {
            return word % BASE != 0;
        }
    }
    return true;
}

/* ---- stop and removal ---- */

/* What the device's adapters still hold. What a driver keeps for the life of its device is its own.
 */
static uint64_t held_by(struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_ADAPTERS; i++) {
        const struct ft_rs_adapter *adapter = &rules->adapter[i];

        if (adapter->id == 0 || (adapter->flags & FT_RS_OVER) != 0 ||
            !ft_rs_same_device(rules, adapter->device, device)) {
            continue;
        }
        for (unsigned k = 0; k < rules->mapping_end; k++) {
            if (ft_mapping_is_due(&rules->mapping[k]) && rules->mapping[k].adapter == adapter->id) {
                return ft_mapping_handle(&rules->mapping[k]);
            }
        }
        for (unsigned k = 0; k < FT_RS_GRANTS; k++) {
            if (ft_grant_is_held(&rules->grant[k]) && rules->grant[k].adapter == adapter->id &&
                (rules->grant[k].flags & FT_GRANT_OF_DEVICE) == 0) {
                return ft_handle(FT_HC_GRANT, rules->grant[k].id, 0);
            }
        }
        if (ft_adapter_is_asked(rules, adapter->id) || ft_adapter_has_list(rules, adapter->id)) {
            return ft_handle(FT_HC_ADAPTER, adapter->id, 0);
        }
    }
    return 0;
}

static bool engine_runs(struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        if (rules->engine[i].active && ft_rs_same_device(rules, rules->engine[i].device, device)) {
            return true;
        }
    }
    return false;
}

static unsigned slot_of(struct ft_rules *rules, uint32_t device)
{
    return (unsigned)(ft_rs_root(rules, device) - rules->device);
}

/* The driver has handled the request: the device has stopped, is gone, or runs again. */
void ft_judge_pnp_done(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t device = ft_arg_id(event, 0);
    uint64_t minor = event->arg[1];
    uint64_t held;

    if (minor == FT_PNP_MINOR_START && rules->starts_running > 0) {
        rules->starts_running--;
    }
    if (!ft_known(event, 1) || !ft_known(event, 2) || !ft_nt_success((uint32_t)event->arg[2])) {
        return;
    }
    held = held_by(rules, device);
    if ((minor == FT_PNP_MINOR_STOP || minor == FT_PNP_MINOR_REMOVE) &&
        engine_runs(rules, device)) {
        ft_rule_fire(rules, FT_J_DMA_DEV_QUIESCED, event, event->arg[0]);
    }
    if (minor == FT_PNP_MINOR_STOP && held != 0) {
        ft_rule_fire(rules, FT_J_DMA_PNP_STOP_LIVE, event, held);
    }
    if (minor == FT_PNP_MINOR_SURPRISE_REMOVAL && held != 0) {
        ft_rule_fire(rules, FT_J_DMA_PNP_SURPRISE_LIVE, event, held);
    }
    if (minor == FT_PNP_MINOR_STOP) {
        rules->stopped |= (uint16_t)(1U << slot_of(rules, device));
    }
    if (minor == FT_PNP_MINOR_REMOVE) {
        ft_judge_stuck(rules, event, device);
    }
}

void ft_learn_run(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_RUN_BEGIN:
        rules->noncoherent =
            ft_known(event, 1) && event->arg[1] != 0 && !shares_memory(event->arg[1]);
        break;
    case FT_EV_RUN_STARTED:
        rules->start_over = 1;
        break;
    case FT_EV_PNP_SEND:
        if (event->arg[2] == FT_PNP_MINOR_START) {
            rules->starts_running++;
            rules->stopped &= (uint16_t) ~(1U << slot_of(rules, ft_arg_id(event, 0)));
        }
        break;
    case FT_EV_CALL_ENTER:
        rules->starts_running += event->arg[0] == FT_ROUTINE_ADD_DEVICE;
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_ADD_DEVICE && rules->starts_running > 0) {
            rules->starts_running--;
        }
        break;
    case FT_EV_ISR_CONNECT:
        rules->disconnected &= (uint16_t) ~(1U << slot_of(rules, event->device));
        break;
    case FT_EV_ISR_DISCONNECT:
        rules->disconnected |= (uint16_t)(1U << slot_of(rules, event->device));
        break;
    default:
        break;
    }
}

/* ---- DPCs ---- */

static const struct ft_rs_dpc *dpc_of(const struct ft_rules *rules, uint16_t task)
{
    for (unsigned i = 0; i < FT_RS_DPCS; i++) {
        const struct ft_rs_dpc *dpc = &rules->dpc[i];

        if (task != 0 && dpc->id != 0 && (dpc->flags & FT_DPC_RUNNING) != 0 && dpc->task == task) {
            return dpc;
        }
    }
    return NULL;
}

bool ft_is_timer_dpc(const struct ft_rules *rules, uint16_t task)
{
    const struct ft_rs_dpc *dpc = dpc_of(rules, task);

    return dpc != NULL && (dpc->flags & FT_DPC_OF_TIMER) != 0;
}

/* MapTransfer or a flush in a DPC of a device whose interrupt was disconnected. */
void ft_judge_late_dpc(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_by_driver(event) && dpc_of(rules, event->task) != NULL &&
        (rules->disconnected >> slot_of(rules, event->device) & 1) != 0) {
        ft_rule_fire(rules, FT_J_DMA_DPC_AFTER_DISCONNECT, event, event->arg[0]);
    }
}

/* IoStartNextPacket from the DPC while the transfer of this device is not flushed. */
void ft_judge_dpc_order(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_by_driver(event) || dpc_of(rules, event->task) == NULL) {
        return;
    }
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];
        const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, mapping->adapter);

        if (ft_mapping_is_due(mapping) && mapping->irp != 0 && mapping->irp == event->request &&
            adapter != NULL && ft_rs_same_device(rules, adapter->device, event->device)) {
            ft_rule_fire(rules, FT_J_DMA_DPC_ORDER, event, ft_mapping_handle(mapping));
            return;
        }
    }
}

/* ---- completion ---- */

/* The pieces that were mapped for the request on one MDL, taken together from the first byte on. 0:
 * it cannot be told. */
static uint64_t covered(struct ft_rules *rules, const struct ft_rs_irp *irp)
{
    uint64_t begin = UINT64_MAX;
    uint64_t end;
    const struct ft_rs_mdl *whole;
    uint32_t mdl = 0;
    unsigned pieces = 0;
    bool further = true;

    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (mapping->id == 0 || mapping->irp != irp->id) {
            continue;
        }
        if (mdl != 0 && mapping->mdl != mdl) {
            return 0;
        }
        mdl = mapping->mdl;
        begin = mapping->offset < begin ? mapping->offset : begin;
        pieces++;
    }
    whole = ft_rs_mdl_find(rules, mdl);
    if (pieces == 0 || pieces != irp->maps || whole == NULL || whole->source != 0) {
        return 0; /* some have left the table, or each lies in a part MDL of its own */
    }
    for (end = begin; further;) {
        further = false;
        for (unsigned i = 0; i < rules->mapping_end; i++) {
            const struct ft_rs_mapping *mapping = &rules->mapping[i];
            uint64_t stop = ft_mapping_end(mapping);

            if (mapping->id != 0 && mapping->irp == irp->id && mapping->offset <= end &&
                stop > end) {
                end = stop;
                further = true;
            }
        }
    }
    return end - begin;
}

void ft_dma_judge_result(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_irp *irp)
{
    uint64_t information = event->arg[2];
    uint64_t length = covered(rules, irp);

    if (!ft_known(event, 1) || !ft_known(event, 2) || !ft_nt_success((uint32_t)event->arg[1]) ||
        (irp->flags & FT_IRP_MAPPED_OWN) == 0 ||
        (irp->major != FT_MAJOR_READ && irp->major != FT_MAJOR_WRITE)) {
        return;
    }
    if ((irp->dma & FT_IRP_DMA_FLUSH_FAILED) != 0 && information > irp->flushed) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_RESULT_IGNORED, event, irp_handle(irp));
    }
    if (length != 0 && information > length && irp->flushed > length) {
        ft_rule_fire(rules, FT_J_DMA_MAP_NO_GAP, event, irp_handle(irp));
    }
    if (irp->moved != 0 && information > irp->moved) {
        ft_rule_fire(rules, FT_J_DMA_IRP_INFO, event, irp_handle(irp));
    }
    if ((irp->dma & FT_IRP_DMA_PIECE_FAILED) != 0 && irp->length != 0 &&
        information >= irp->length) {
        ft_rule_fire(rules, FT_J_DMA_IRP_SUCCESS_SHORT, event, irp_handle(irp));
    }
}

/* ---- requests that never end ---- */

/* The request is where the DMA path left it: what it met there says which row it is. */
static void judge_stuck(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_irp *irp)
{
    if ((irp->dma & FT_IRP_DMA_CHANNEL_REFUSED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_ACH_STATUS_CHECKED, event, irp_handle(irp));
    } else if ((irp->dma & FT_IRP_DMA_LIST_REFUSED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_GSL_STATUS, event, irp_handle(irp));
    } else if ((irp->flags & FT_IRP_MAPPED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_IRP_STUCK, event, irp_handle(irp));
    }
}

/* A driver that was told of a cancellation and does nothing is another row's. `device` 0: any. */
void ft_judge_stuck(struct ft_rules *rules, const struct ft_event *event, uint32_t device)
{
    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (ft_irp_is_owned(irp) && irp->major != FT_MAJOR_PNP && irp->major != FT_MAJOR_POWER &&
            (irp->flags & FT_IRP_CANCEL_RAN) == 0 &&
            (device == 0 || ft_rs_same_device(rules, irp->device, device))) {
            judge_stuck(rules, event, irp);
        }
    }
}

void ft_dma_at_hang(struct ft_rules *rules, const struct ft_event *event)
{
    enum { ALL_BLOCKED = 1, NOT_DONE = 2 };

    if (event->arg[0] == ALL_BLOCKED || event->arg[0] == NOT_DONE) {
        ft_judge_stuck(rules, event, 0);
    }
}

/* Somebody waits for a channel that nobody gives back. */
void ft_queued_at_end(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_QUEUED; i++) {
        if (rules->queued[i].adapter != 0) {
            ft_rule_fire(rules, FT_J_DMA_CHANNEL_STARVE, event,
                         ft_handle(FT_HC_ADAPTER, rules->queued[i].adapter, 0));
        }
    }
}
