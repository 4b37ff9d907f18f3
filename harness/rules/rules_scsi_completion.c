/* SCSI Port: what a miniport completes, and how (scsiport sheet, 17.2). */
#include "rules/rules_scsi.h"

enum { RESERVED_STATUS = 0x17, CHANGED_INTERNAL = 14, CHANGED_SENSE_LENGTH = 18 };

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

/* ---- the whole of it ---- */

static void judge_function(struct ft_rules *rules, const struct ft_event *event,
                           const struct ft_rs_srb *srb, unsigned status)
{
    if ((srb->function == FT_SRB_FLUSH || srb->function == FT_SRB_SHUTDOWN) &&
        (status == FT_SRB_INVALID_REQUEST || status == FT_SRB_BAD_FUNCTION)) {
        ft_rule_fire(rules, FT_J_SCSI_FLUSH_SHUTDOWN_ONLY_CACHESDATA, event, event->arg[0]);
    }
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

void ft_scsi_completion_judge(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->kind == FT_EV_SCSI_COMPLETE && ft_is_whole(event, 8)) {
        judge_complete(rules, event);
    }
}
