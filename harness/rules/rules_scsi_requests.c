/* SCSI Port: notifications and the ownership of requests (scsiport sheet, 17.2).
 *
 * Not judged: what a busy completion leaves in the hardware, and bursts of WMI events, for which no
 * number is documented. The order of a completion and the next request is free.
 */
#include "rules/rules_scsi.h"

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
 * the miniport takes it for one. A target that others pull before it has sent its tag has none. */
static void judge_log(struct ft_rules *rules, const struct ft_event *event)
{
    enum { INVALID_RESELECTION = 3 };

    if (ft_known(event, 2) && event->arg[2] == 2) {
        ft_rule_fire(rules, FT_J_SCSI_LOGUSE_OWNED_SRB, event, event->arg[1]);
    }
    if (ft_known(event, 4) && event->arg[4] == INVALID_RESELECTION &&
        rules->scsi.untagged_where == (uint32_t)event->arg[3] + 1 &&
        rules->scsi_adapter.outside == 0) {
        ft_rule_fire(rules, FT_J_SCSI_TAG_HONOURED, event, event->arg[0]);
    }
}

/* ---- the family ---- */

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] == FT_ROUTINE_SCSI_START_IO && (event->arg[3] & 0xFF) == 0) {
        ft_rule_fire(rules, FT_J_SCSI_STARTIO_TRUE, event, event->arg[1]);
    }
}

void ft_scsi_requests_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_SCSI_NEXT:
        if (ft_is_whole(event, 6)) {
            judge_next(rules, event);
        }
        break;
    case FT_EV_SCSI_NOTIFY:
        if (ft_is_whole(event, 4)) {
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
    if ((event->arg[3] & 0x3F) == FT_SRB_BUS_RESET) {
        srb->flags |= FT_SRB_WAS_RESET;
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
