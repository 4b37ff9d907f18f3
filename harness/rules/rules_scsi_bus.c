/* SCSI Port: what a miniport owes for what happened on its bus (scsiport sheet, 17.2, 17.4, 17.6),
 * and an adapter that begins anew. A device model that tells nothing of its bus has nothing judged
 * by it. */
#include "rules/rules_scsi.h"

enum { NOTIFY_RESET_DETECTED = 3, SYNCHRONIZE_CACHE = 0x35, NO_HBA = 0x11, STATUS_BITS = 0x3F };
enum { ADAPTER_RUNNING = 2, STARTED_BY_INITIALIZE = 1 };

/* ft_rs_scsi_bus.trial */
enum { NO_TRIAL, AFTER_RESTART, AFTER_FIND };

static struct ft_rs_scsi_unit *unit_at(struct ft_rules *rules, uint32_t where, bool make)
{
    struct ft_rs_scsi_unit *unused = NULL;

    for (unsigned i = 0; i < FT_RS_SCSI_UNITS; i++) {
        struct ft_rs_scsi_unit *unit = &rules->scsi_bus.unit[i];

        if (unit->used && unit->where == where) {
            return unit;
        }
        unused = unit->used || unused != NULL ? unused : unit;
    }
    if (!make || unused == NULL) {
        return NULL;
    }
    *unused = (struct ft_rs_scsi_unit){.where = where, .used = 1};
    return unused;
}

/* Commands for a unit that the miniport has. */
static unsigned active_of(const struct ft_rules *rules, uint32_t where)
{
    unsigned count = 0;

    for (unsigned i = 0; i < FT_RS_SRBS; i++) {
        const struct ft_rs_srb *srb = &rules->scsi.srb[i];

        count += ft_srb_is_active(srb) && srb->where == where && srb->function == FT_SRB_EXECUTE;
    }
    return count;
}

/* ---- the end of a request ---- */

/* Busy by the miniport's own word, while the unit works on one command more than it may. */
static void judge_busy(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_srb *srb)
{
    const struct ft_rs_scsi_unit *unit = unit_at(rules, srb->where, false);
    unsigned scsi_status = (unsigned)(event->arg[3] >> 8) & 0xFF;

    if (srb->function == FT_SRB_EXECUTE && scsi_status == FT_SCSI_GOOD && unit != NULL &&
        unit->commands >= active_of(rules, srb->where)) {
        ft_rule_fire(rules, FT_J_SCSI_BUSY_CLEAN, event, event->arg[0]);
    }
}

static void judge_flushed(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_srb *srb)
{
    const struct ft_rs_scsi_unit *unit = unit_at(rules, srb->where, false);

    if (unit != NULL && unit->flushes != 0 && active_of(rules, srb->where) == 0) {
        ft_rule_fire(rules, FT_J_SCSI_FLUSH_SRB_BEFORE_STOP, event, event->arg[0]);
    }
}

/* A request that a reset has ended is used by what came after it. */
static void judge_stale(struct ft_rules *rules, const struct ft_event *event, uint64_t object)
{
    const struct ft_rs_srb *srb = ft_srb_find(rules, ft_handle_id(object));

    if (srb != NULL && !ft_srb_is_active(srb) && (srb->flags & FT_SRB_WAS_RESET) != 0 &&
        rules->scsi_bus.started) {
        ft_rule_fire(rules, FT_J_SCSI_RESET_STATE_CLEARED, event, object);
    }
}

static void judge_trial(struct ft_rules *rules, const struct ft_event *event, uint64_t object)
{
    if (rules->scsi_bus.trial == NO_TRIAL || rules->scsi_adapter.outside ||
        rules->scsi_adapter.yanked) {
        return;
    }
    ft_rule_fire(rules,
                 rules->scsi_bus.trial == AFTER_RESTART ? FT_J_SCSI_RESTART_EQUALS_INIT
                                                        : FT_J_SCSI_STATE_REBUILT_AFTER_STOP,
                 event, object);
}

static void judge_complete(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_srb *srb = ft_srb_find(rules, ft_arg_id(event, 0));
    unsigned status = event->arg[3] & STATUS_BITS, how = (unsigned)event->arg[1];

    if (event->unknown != 0 || srb == NULL) {
        return;
    }
    if (event->arg[2] == 0) {
        judge_stale(rules, event, event->arg[0]);
        return;
    }
    if (how == FT_SCSI_FORCED && srb->id == rules->scsi_bus.reset_owner &&
        !rules->scsi_adapter.yanked) {
        ft_rule_fire(rules, FT_J_SCSI_RESET_DURING_ANY_STATE, event, event->arg[0]);
    }
    if (how == FT_SCSI_FORCED || how == FT_SCSI_REFUSED) {
        return;
    }
    if (status == FT_SRB_BUSY) {
        judge_busy(rules, event, srb);
    } else if (status == NO_HBA && srb->function == FT_SRB_EXECUTE) {
        judge_trial(rules, event, event->arg[0]);
    } else if (status == FT_SRB_SUCCESS &&
               (srb->function == FT_SRB_FLUSH || srb->function == FT_SRB_SHUTDOWN)) {
        judge_flushed(rules, event, srb);
    }
}

/* ---- resets ---- */

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_bus *bus = &rules->scsi_bus;
    bool done = (event->arg[3] & 0xFF) != 0;

    if (rules->scsi_adapter.yanked) {
        return; /* a bus that is gone cannot be reset */
    }
    if (event->arg[0] == FT_ROUTINE_SCSI_RESET_BUS && !done && bus->reset_owner != 0) {
        ft_rule_fire(rules, FT_J_SCSI_RESET_DURING_ANY_STATE, event, event->arg[1]);
    }
    if (bus->unseen && event->arg[0] != FT_ROUTINE_SCSI_CONTROL &&
        event->arg[0] >= FT_ROUTINE_SCSI_FIND_ADAPTER && event->arg[0] <= FT_ROUTINE_SCSI_CONTROL) {
        ft_rule_fire(rules, FT_J_SCSI_RESET_REPORTED, event, event->arg[1]);
    }
}

/* The bus may be reset in a step of its own: what HwScsiResetBus claims is looked at when the port
 * has waited for the bus to settle. */
static void judge_hold_end(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_bus *bus = &rules->scsi_bus;

    if (bus->tells && bus->claims && !bus->was_reset && !rules->scsi_adapter.yanked) {
        ft_rule_fire(rules, FT_J_SCSI_RESETBUS_RETURNS_TRUTH, event, event->arg[0]);
    }
}

void ft_scsi_bus_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_SCSI_COMPLETE:
        judge_complete(rules, event);
        break;
    case FT_EV_SCSI_MAP:
        if (event->unknown == 0 && event->arg[6] == 0) {
            judge_stale(rules, event, event->arg[1]);
        }
        break;
    case FT_EV_SCSI_START_IO:
        if (rules->scsi_bus.unreported) {
            ft_rule_fire(rules, FT_J_SCSI_RESET_REPORTED, event, event->arg[0]);
        }
        break;
    case FT_EV_CALL_LEAVE:
        judge_leave(rules, event);
        break;
    case FT_EV_SCSI_HOLD_END:
        judge_hold_end(rules, event);
        break;
    case FT_EV_SCSI_TIMEOUT:
        if (ft_srbs_active(rules) != 0) {
            judge_trial(rules, event, event->arg[0]);
        }
        break;
    case FT_EV_RUN_HANG:
        if (ft_srbs_active(rules) != 0) {
            judge_trial(rules, event, 0);
        }
        break;
    default:
        break;
    }
}

/* ---- what there is ---- */

static void forget_commands(struct ft_rs_scsi_bus *bus)
{
    for (unsigned i = 0; i < FT_RS_SCSI_UNITS; i++) {
        bus->unit[i] = (struct ft_rs_scsi_unit){0};
    }
}

static void note_command(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_unit *unit = unit_at(rules, (uint32_t)event->arg[1], true);
    bool flush = event->arg[2] == SYNCHRONIZE_CACHE;

    if (unit == NULL) {
        return;
    }
    if (event->arg[0] == FT_SCSI_NEWS_TAKEN) {
        unit->commands++;
        unit->flushes = (uint8_t)(unit->flushes + flush);
    } else {
        unit->commands = (uint8_t)(unit->commands - (unit->commands != 0));
        unit->flushes = (uint8_t)(unit->flushes - (flush && unit->flushes != 0));
    }
}

static void note_news(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_bus *bus = &rules->scsi_bus;

    if (event->unknown != 0) {
        return;
    }
    bus->tells = 1;
    switch (event->arg[0]) {
    case FT_SCSI_NEWS_RESET:
        bus->unreported = !bus->reported;
        bus->was_reset = 1;
        forget_commands(bus);
        break;
    case FT_SCSI_NEWS_RESET_OTHER:
        bus->was_reset = 1;
        forget_commands(bus);
        break;
    case FT_SCSI_NEWS_TOLD:
        bus->unseen = !bus->reported && rules->scsi_adapter.state == ADAPTER_RUNNING &&
                      ft_scsi_in(rules, event) != 0;
        break;
    case FT_SCSI_NEWS_TAKEN:
    case FT_SCSI_NEWS_OVER:
        note_command(rules, event);
        break;
    default:
        break;
    }
}

static void note_reported(struct ft_rs_scsi_bus *bus)
{
    bus->reported = 1;
    bus->unreported = bus->unseen = 0;
    bus->started = 0;
}

static void note_reset(struct ft_rules *rules)
{
    struct ft_rs_scsi_bus *bus = &rules->scsi_bus;

    note_reported(bus);
    bus->was_reset = bus->claims = 0;
    bus->reset_owner = rules->scsi_dma.srb;
}

/* Begun anew: what was on the bus is over, and the first request will show whether it works. */
static void note_started(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_bus *bus = &rules->scsi_bus;
    bool again = bus->starts != 0 && bus->served && event->arg[2] != 0;

    forget_commands(bus);
    bus->reported = bus->unseen = bus->claims = 0;
    bus->reset_owner = 0;
    bus->trial = NO_TRIAL;
    if (again) {
        bus->trial = event->arg[1] == STARTED_BY_INITIALIZE ? AFTER_FIND : AFTER_RESTART;
    }
    bus->starts = 1;
}

static void note_complete(struct ft_rs_scsi_bus *bus, const struct ft_event *event)
{
    unsigned status = event->arg[3] & STATUS_BITS;

    if (event->arg[2] == 0 || status == FT_SRB_BUSY || status == FT_SRB_BUS_RESET) {
        return;
    }
    bus->served |= status == FT_SRB_SUCCESS;
    bus->trial = NO_TRIAL;
}

void ft_scsi_bus_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_bus *bus = &rules->scsi_bus;

    switch (event->kind) {
    case FT_EV_SCSI_BUS:
        note_news(rules, event);
        break;
    case FT_EV_SCSI_NOTIFY:
        if (event->arg[1] == NOTIFY_RESET_DETECTED) {
            note_reported(bus);
        }
        break;
    case FT_EV_SCSI_HOLD:
        note_reported(bus);
        break;
    case FT_EV_SCSI_RESET:
        note_reset(rules);
        break;
    case FT_EV_SCSI_HOLD_END:
        bus->reported = bus->claims = 0;
        bus->reset_owner = 0;
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_SCSI_RESET_BUS) {
            bus->claims = (event->arg[3] & 0xFF) != 0;
        }
        bus->unseen = 0;
        break;
    case FT_EV_SCSI_STARTED:
        note_started(rules, event);
        break;
    case FT_EV_SCSI_START_IO:
        bus->started = 1;
        bus->unreported = 0;
        break;
    case FT_EV_SCSI_COMPLETE:
        note_complete(bus, event);
        break;
    case FT_EV_SCSI_STOPPING:
    case FT_EV_POWER_HW:
    case FT_EV_HW_YANK:
        forget_commands(bus);
        bus->claims = bus->unseen = bus->unreported = 0;
        break;
    default:
        break;
    }
}
