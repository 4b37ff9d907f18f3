/* SCSI Port: notifications and the ownership of requests (scsiport sheet, 17.2).
 *
 * Not judged: what a busy completion leaves in the hardware, and bursts of WMI events, for which no
 * number is documented. The order of a completion and the next request is free.
 */
#include "rules/rules_scsi.h"

enum { RESERVED_STATUS = 0x17, CHANGED_INTERNAL = 14, CHANGED_SENSE_LENGTH = 18 };

/* ---- objects ---- */

struct ft_rs_srb *ft_srb_find(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_SRBS; i++) {
        if (id != 0 && rules->scsi.srb[i].id == id) {
            return &rules->scsi.srb[i];
        }
    }
    return NULL;
}

/* A free slot, or that of a request that is over. */
static struct ft_rs_srb *srb_slot(struct ft_rules *rules, uint32_t id)
{
    struct ft_rs_srb *found = ft_srb_find(rules, id);

    for (unsigned i = 0; found == NULL && i < FT_RS_SRBS; i++) {
        if (rules->scsi.srb[i].id == 0) {
            found = &rules->scsi.srb[i];
        }
    }
    for (unsigned i = 0; found == NULL && i < FT_RS_SRBS; i++) {
        if ((rules->scsi.srb[i].flags & FT_RS_OVER) != 0) {
            found = &rules->scsi.srb[i];
        }
    }
    if (found == NULL) {
        ft_rules_overflow(rules, FT_RS_TABLE_SRB);
    }
    return found;
}

uint64_t ft_srb_handle(const struct ft_rs_srb *srb)
{
    return ft_handle(FT_HC_SRB, srb->id, 0);
}

unsigned ft_srbs_active(const struct ft_rules *rules)
{
    unsigned count = 0;

    for (unsigned i = 0; i < FT_RS_SRBS; i++) {
        count += ft_srb_is_active(&rules->scsi.srb[i]);
    }
    return count;
}

unsigned ft_scsi_in(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_top(rules, event);

    return frame != NULL && frame->routine >= FT_ROUTINE_SCSI_FIND_ADAPTER &&
                   frame->routine <= FT_ROUTINE_SCSI_CONTROL
               ? frame->routine
               : 0;
}

/* ---- a completion ---- */

static bool is_assigned(unsigned status)
{
    if (status == 0 || status == 0x0C || (status > 0x15 && status < 0x20) || status > 0x25) {
        return false;
    }
    return true;
}

static void judge_status(struct ft_rules *rules, const struct ft_event *event, unsigned status)
{
    if ((status & FT_SRB_QUEUE_FROZEN) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_SRB_NO_QUEUE_FROZEN, event, event->arg[0]);
    }
    status &= ~(unsigned)(FT_SRB_QUEUE_FROZEN | FT_SRB_AUTOSENSE_VALID);
    if (status == FT_SRB_INTERNAL_ERROR || (event->arg[4] >> CHANGED_INTERNAL & 1) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_SRB_NO_INTERNAL_ERROR, event, event->arg[0]);
    } else if (!is_assigned(status)) {
        ft_rule_fire(rules, FT_J_SCSI_SRB_STATUS_VALID, event, event->arg[0]);
    }
}

/* Some answers of a target are good without being GOOD. */
static bool is_bad(unsigned scsi_status)
{
    return scsi_status != FT_SCSI_GOOD && scsi_status != FT_SCSI_CONDITION_MET &&
           scsi_status != FT_SCSI_INTERMEDIATE && scsi_status != FT_SCSI_INTERMEDIATE_MET;
}

/* Of commands that are completed one by one: ScsiPortCompleteRequest says nothing of the target. */
static void judge_pair(struct ft_rules *rules, const struct ft_event *event, unsigned status,
                       unsigned scsi_status)
{
    bool busy = scsi_status == FT_SCSI_BUSY || scsi_status == FT_SCSI_QUEUE_FULL;

    status &= ~(unsigned)(FT_SRB_QUEUE_FROZEN | FT_SRB_AUTOSENSE_VALID);
    if (!is_bad(scsi_status) || status == FT_SRB_ERROR || (busy && status == FT_SRB_BUSY)) {
        return;
    }
    ft_rule_fire(rules,
                 status == FT_SRB_SUCCESS ? FT_J_SCSI_SRB_SUCCESS_GOOD
                                          : FT_J_SCSI_SRB_SCSISTATUS_ERROR_PAIR,
                 event, event->arg[0]);
}

static void judge_sense(struct ft_rules *rules, const struct ft_event *event, unsigned status)
{
    uint64_t facts = event->arg[7];
    bool allowed = (facts & 1) != 0, seen = (facts & 2) != 0, written = (facts & 4) != 0;

    if ((status & FT_SRB_AUTOSENSE_VALID) != 0 && (!allowed || (seen && !written))) {
        ft_rule_fire(rules, FT_J_SCSI_SRB_AUTOSENSE_BIT, event, event->arg[0]);
    }
    if ((facts & 8) != 0 || (event->arg[4] >> CHANGED_SENSE_LENGTH & 1) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_SRB_SENSE_BOUND, event, event->arg[0]);
    }
}

static void judge_fields(struct ft_rules *rules, const struct ft_event *event)
{
    const uint64_t own = 1ull << CHANGED_INTERNAL | 1ull << CHANGED_SENSE_LENGTH;

    if ((event->arg[4] & ~own) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_SRB_READONLY_FIELDS, event, event->arg[0]);
    }
    if (event->arg[5] > event->arg[6]) {
        ft_rule_fire(rules, FT_J_SCSI_SRB_LENGTH_ONLY_UNDERRUN, event, event->arg[0]);
    }
}

/* A request that is not the miniport's, or was never one. */
static void judge_stray(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_srb *srb = ft_srb_find(rules, ft_arg_id(event, 0));
    unsigned in = ft_scsi_in(rules, event);

    if (event->arg[0] == 0) {
        ft_rule_fire(rules, FT_J_SCSI_NOTIFY_ARGS, event, 0);
        return;
    }
    if (srb != NULL && (srb->flags & FT_SRB_TAKEN) != 0) {
        return;
    }
    if (in == FT_ROUTINE_SCSI_TIMER) {
        ft_rule_fire(rules,
                     (rules->scsi.flags & FT_HBA_TIMER_CANCELLED) != 0
                         ? FT_J_SCSI_TIMER_CANCEL_RACE
                         : FT_J_SCSI_TIMER_OWNER_ALIVE,
                     event, event->arg[0]);
        return;
    }
    if (in == FT_ROUTINE_SCSI_RESET_BUS) {
        ft_rule_fire(rules, FT_J_SCSI_RESET_IDEMPOTENT, event, event->arg[0]);
        return;
    }
    ft_rule_fire(rules,
                 srb != NULL && (srb->flags & FT_SRB_BY_WILDCARD) != 0
                     ? FT_J_SCSI_COMPLETEREQUEST_EXCLUSIVE
                     : FT_J_SCSI_SRB_COMPLETE_ONCE,
                 event, event->arg[0]);
}

/* ---- aborts ---- */

static struct ft_rs_srb *abort_of(struct ft_rules *rules, uint32_t victim)
{
    for (unsigned i = 0; i < FT_RS_SRBS; i++) {
        struct ft_rs_srb *srb = &rules->scsi.srb[i];

        if (ft_srb_is_active(srb) && srb->function == FT_SRB_ABORT &&
            (victim == 0 || srb->victim == victim)) {
            return srb;
        }
    }
    return NULL;
}

/* A request is completed as aborted while an abort of another one is under way. */
static void judge_victim(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_srb *srb, unsigned status)
{
    if (srb->function == FT_SRB_EXECUTE && status == FT_SRB_ABORTED &&
        event->arg[1] == FT_SCSI_NOTIFIED && abort_of(rules, 0) != NULL &&
        abort_of(rules, srb->id) == NULL) {
        ft_rule_fire(rules, FT_J_SCSI_ABORT_VICTIM_CHECKED, event, event->arg[0]);
    }
}

/* A victim that was never started is not known. */
static void judge_abort(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_srb *srb, unsigned status)
{
    if (srb->function == FT_SRB_ABORT && status == FT_SRB_SUCCESS &&
        ft_srb_find(rules, srb->victim) == NULL) {
        ft_rule_fire(rules, FT_J_SCSI_ABORT_FAILED_STATUS, event, event->arg[0]);
    }
}

/* ---- */

static void judge_function(struct ft_rules *rules, const struct ft_event *event,
                           const struct ft_rs_srb *srb, unsigned status)
{
    if ((srb->function == FT_SRB_FLUSH || srb->function == FT_SRB_SHUTDOWN) &&
        (status == FT_SRB_INVALID_REQUEST || status == FT_SRB_BAD_FUNCTION)) {
        ft_rule_fire(rules, FT_J_SCSI_FLUSH_SHUTDOWN_ONLY_CACHESDATA, event, event->arg[0]);
    }
}

/* Every word of it is known. */
static bool is_whole(const struct ft_event *event, unsigned words)
{
    return event->unknown == 0 && event->argc >= words;
}

static void judge_complete(struct ft_rules *rules, const struct ft_event *event)
{
    unsigned how = (unsigned)event->arg[1], status = event->arg[3] & 0xFF;
    unsigned scsi_status = event->arg[3] >> 8 & 0xFF;
    const struct ft_rs_srb *srb = ft_srb_find(rules, ft_arg_id(event, 0));

    if (event->arg[2] == 0) {
        judge_stray(rules, event);
        return;
    }
    if (how == FT_SCSI_REFUSED || how == FT_SCSI_FORCED) {
        return;
    }
    judge_status(rules, event, status);
    judge_fields(rules, event);
    judge_sense(rules, event, status);
    if (how == FT_SCSI_NOTIFIED && (event->arg[3] >> 16 & 0xFF) == FT_SRB_EXECUTE) {
        judge_pair(rules, event, status, scsi_status);
    }
    if (srb != NULL) {
        judge_victim(rules, event, srb, status & 0x3F);
        judge_abort(rules, event, srb, status & 0x3F);
        judge_function(rules, event, srb, status & 0x3F);
    }
}

/* ---- the next request ---- */

static void judge_next(struct ft_rules *rules, const struct ft_event *event)
{
    const unsigned twice = FT_HBA_STARTED_ONE | FT_HBA_ASKED;

    if (event->arg[3] == 0) {
        ft_rule_fire(rules, FT_J_SCSI_NOTIFY_ARGS, event, event->arg[0]);
    }
    if (event->arg[1] == 0) {
        if ((rules->scsi.flags & twice) == twice && (rules->scsi.flags & FT_HBA_RESET) == 0) {
            ft_rule_fire(rules, FT_J_SCSI_NEXT_ONCE, event, event->arg[0]);
        }
        return;
    }
    if (event->arg[4] != 0) {
        ft_rule_fire(rules, FT_J_SCSI_NEXTLU_UNTAGGED, event, event->arg[0]);
    }
    if (event->arg[5] == 0) {
        ft_rule_fire(rules, FT_J_SCSI_NEXTLU_CAPABILITY, event, event->arg[0]);
    }
}

static void judge_notify(struct ft_rules *rules, const struct ft_event *event)
{
    enum { KNOWN_TYPES = 10 };

    if (event->arg[1] >= KNOWN_TYPES) {
        ft_rule_fire(rules, FT_J_SCSI_NOTIFY_KNOWN_TYPE, event, event->arg[0]);
    } else if (event->arg[3] == 0) {
        ft_rule_fire(rules, FT_J_SCSI_NOTIFY_ARGS, event, event->arg[0]);
    }
}

/* ---- progress ---- */

/* The port gives up on it, or the run can go no further. */
static void judge_lost(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_srb *srb)
{
    uint64_t object = ft_srb_handle(srb);

    switch (srb->function) {
    case FT_SRB_EXECUTE:
        ft_rule_fire(rules,
                     (srb->flags & FT_SRB_ABORT_DONE) != 0 ? FT_J_SCSI_ABORT_BOTH_COMPLETE
                                                           : FT_J_SCSI_SRB_COMPLETE_EVENTUALLY,
                     event, object);
        break;
    case FT_SRB_ABORT:
        ft_rule_fire(rules, FT_J_SCSI_ABORT_BOTH_COMPLETE, event, object);
        break;
    case FT_SRB_RESET_BUS:
        ft_rule_fire(rules, FT_J_SCSI_CLASS_RESET_SRB, event, object);
        break;
    default:
        ft_rule_fire(rules, FT_J_SCSI_STARTIO_UNKNOWN_FUNCTION, event, object);
        break;
    }
}

static void judge_all_lost(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_SRBS; i++) {
        if (ft_srb_is_active(&rules->scsi.srb[i])) {
            judge_lost(rules, event, &rules->scsi.srb[i]);
        }
    }
}

/* Nothing is the miniport's any more, and it has not asked for the next request. */
static void judge_owed(struct ft_rules *rules, const struct ft_event *event)
{
    if ((rules->scsi.flags & FT_HBA_OWES) != 0 && ft_srbs_active(rules) == 0) {
        ft_rule_fire(rules, FT_J_SCSI_NEXT_AFTER_STARTIO, event, event->arg[0]);
    }
}

/* Requests that need nobody's answer but the miniport's. */
static bool is_quick(unsigned function)
{
    return function == FT_SRB_RESET_BUS || function == FT_SRB_RELEASE_RECOVERY ||
           function == FT_SRB_WMI;
}

/* A time-out tells of what the miniport should have finished: what no target can delay, and what an
 * abort has ended. */
static void judge_timeout(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_SRBS; i++) {
        const struct ft_rs_srb *srb = &rules->scsi.srb[i];

        if (ft_srb_is_active(srb) &&
            (is_quick(srb->function) || (srb->flags & FT_SRB_ABORT_DONE) != 0)) {
            judge_lost(rules, event, srb);
        }
    }
    if (event->arg[2] != 0) {
        judge_owed(rules, event);
    }
}

/* A reselection may come before its tag: that the unit has no untagged request is no error until
 * the miniport takes it for one. */
static void judge_log(struct ft_rules *rules, const struct ft_event *event)
{
    enum { INVALID_RESELECTION = 3 };

    if (ft_known(event, 2) && event->arg[2] == 2) {
        ft_rule_fire(rules, FT_J_SCSI_LOGUSE_OWNED_SRB, event, event->arg[1]);
    }
    if (ft_known(event, 4) && event->arg[4] == INVALID_RESELECTION &&
        rules->scsi.untagged_where == (uint32_t)event->arg[3] + 1) {
        ft_rule_fire(rules, FT_J_SCSI_TAG_HONOURED, event, event->arg[0]);
    }
}

/* ---- */

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] == FT_ROUTINE_SCSI_START_IO && (event->arg[3] & 0xFF) == 0) {
        ft_rule_fire(rules, FT_J_SCSI_STARTIO_TRUE, event, event->arg[1]);
    }
}

void ft_scsi_requests_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_SCSI_COMPLETE:
        if (is_whole(event, 8)) {
            judge_complete(rules, event);
        }
        break;
    case FT_EV_SCSI_NEXT:
        if (is_whole(event, 6)) {
            judge_next(rules, event);
        }
        break;
    case FT_EV_SCSI_NOTIFY:
        if (is_whole(event, 4)) {
            judge_notify(rules, event);
        }
        break;
    case FT_EV_SCSI_LOG_ERROR:
        judge_log(rules, event);
        break;
    case FT_EV_SCSI_TIMEOUT:
        judge_timeout(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        judge_leave(rules, event);
        break;
    case FT_EV_RUN_HANG:
        judge_all_lost(rules, event);
        judge_owed(rules, event);
        break;
    case FT_EV_RUN_END:
        judge_all_lost(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what there is ---- */

static void note_start(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_srb *srb = srb_slot(rules, ft_arg_id(event, 0));

    if (srb == NULL) {
        return;
    }
    *srb = (struct ft_rs_srb){.id = ft_arg_id(event, 0),
                              .function = (uint8_t)event->arg[1],
                              .where = (uint32_t)event->arg[2],
                              .tag = (uint8_t)event->arg[3],
                              .timeout = (uint32_t)event->arg[6],
                              .victim = ft_arg_id(event, 7)};
    rules->scsi.flags &= (uint16_t) ~(FT_HBA_ASKED | FT_HBA_RESET);
    rules->scsi.flags |= FT_HBA_STARTED_ONE | FT_HBA_OWES;
}

static void note_complete(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_srb *srb = ft_srb_find(rules, ft_arg_id(event, 0)), *victim;

    if (srb == NULL || event->arg[2] == 0) {
        return;
    }
    srb->flags |= FT_RS_OVER;
    if (event->arg[1] == FT_SCSI_WILDCARD) {
        srb->flags |= FT_SRB_BY_WILDCARD;
    }
    if (event->arg[1] == FT_SCSI_FORCED) {
        srb->flags |= FT_SRB_TAKEN;
    }
    if (event->arg[1] == FT_SCSI_REFUSED) {
        rules->scsi.flags &= (uint16_t)~FT_HBA_OWES;
    }
    victim = ft_srb_find(rules, srb->victim);
    if (srb->function == FT_SRB_ABORT && victim != NULL &&
        (event->arg[3] & 0x3F) == FT_SRB_SUCCESS) {
        victim->flags |= FT_SRB_ABORT_DONE;
    }
}

/* A unit with tagged requests alone was asked for an untagged one, in vain, and for no other since.
 */
static void note_get(struct ft_rules *rules, const struct ft_event *event)
{
    bool tagged = false;

    if (event->arg[3] != 0 || event->arg[2] != FT_SCSI_UNTAGGED) {
        rules->scsi.untagged_where = 0;
        return;
    }
    for (unsigned i = 0; i < FT_RS_SRBS; i++) {
        const struct ft_rs_srb *srb = &rules->scsi.srb[i];

        if (!ft_srb_is_active(srb) || srb->where != (uint32_t)event->arg[1] ||
            srb->function != FT_SRB_EXECUTE) {
            continue;
        }
        if (srb->tag == FT_SCSI_UNTAGGED) {
            return;
        }
        tagged = true;
    }
    if (tagged) {
        rules->scsi.untagged_where = (uint32_t)event->arg[1] + 1;
    }
}

void ft_scsi_requests_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_SCSI_START_IO:
        note_start(rules, event);
        break;
    case FT_EV_SCSI_COMPLETE:
        note_complete(rules, event);
        break;
    case FT_EV_SCSI_NEXT:
        rules->scsi.flags |= event->arg[1] == 0 ? FT_HBA_ASKED : 0;
        rules->scsi.flags &= (uint16_t)~FT_HBA_OWES;
        break;
    case FT_EV_SCSI_GET_SRB:
        note_get(rules, event);
        break;
    case FT_EV_SCSI_STARTED: /* the adapter begins anew */
        rules->scsi.flags &=
            (uint16_t) ~(FT_HBA_STARTED_ONE | FT_HBA_OWES | FT_HBA_ASKED | FT_HBA_RESET);
        break;
    default:
        break;
    }
}
