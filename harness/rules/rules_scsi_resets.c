/* SCSI Port: bus resets and time-outs (scsiport sheet, 17.4).
 *
 * Not judged: what only the HBA's own bus knows (that a reset was done, what it did to targets). A
 * reset in any state of a mapping shows in the rules of 17.1, or crashes.
 */
#include "rules/rules_scsi.h"

enum { LONG_STALL_US = 10000, RESET_DETECTED = 3 };

static unsigned path_of(const struct ft_rs_srb *srb)
{
    return ft_where_path(srb->where);
}

/* In HwScsiResetBus of path reset_path - 1. */
static bool in_reset(struct ft_rules *rules, const struct ft_event *event)
{
    return rules->scsi.reset_path != 0 && ft_scsi_in(rules, event) == FT_ROUTINE_SCSI_RESET_BUS;
}

static void judge_in_reset(struct ft_rules *rules, const struct ft_event *event,
                           const struct ft_rs_srb *srb)
{
    unsigned status = event->arg[3] & 0x3F;

    if (path_of(srb) + 1 != rules->scsi.reset_path) {
        if ((rules->scsi.flags & FT_HBA_LOGGED) == 0) { /* it gave the whole adapter up */
            rules->scsi.flags |= FT_HBA_OTHER_PATH;
            if (event->arg[1] == FT_SCSI_WILDCARD) {
                ft_rule_fire(rules, FT_J_SCSI_COMPLETEREQUEST_SCOPE, event, event->arg[0]);
            }
        }
    } else if (srb->function == FT_SRB_EXECUTE && status != FT_SRB_BUS_RESET) {
        ft_rule_fire(rules, FT_J_SCSI_RESETBUS_STATUS, event, event->arg[0]);
    }
}

static bool hardware_is_gone(struct ft_rules *rules, const struct ft_event *event)
{
    return ((ft_rs_root(rules, event->device)->flags | rules->device[0].flags) &
            FT_DEVICE_YANKED) != 0;
}

static void judge_complete(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_srb *srb = ft_srb_find(rules, ft_arg_id(event, 0));
    unsigned how = (unsigned)event->arg[1], status = event->arg[3] & 0x3F;
    uint64_t seconds = event->arg[3] >> 24;

    if (srb == NULL || event->arg[2] == 0) {
        return;
    }
    if (how == FT_SCSI_FORCED) {
        ft_rule_fire(rules,
                     hardware_is_gone(rules, event) ? FT_J_SCSI_RESET_ON_REMOVED_HW
                                                    : FT_J_SCSI_RESETBUS_COMPLETES_ALL,
                     event, event->arg[0]);
        return;
    }
    if (in_reset(rules, event) && how != FT_SCSI_REFUSED) {
        judge_in_reset(rules, event, srb);
    }
    if ((status == FT_SRB_TIMED_OUT || status == FT_SRB_COMMAND_TIMED_OUT) &&
        how == FT_SCSI_NOTIFIED && seconds + 1 < srb->timeout) {
        ft_rule_fire(rules, FT_J_SCSI_TIMEOUT_NOT_DRIVER_JOB, event, event->arg[0]);
    }
}

static void judge_hold_end(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[1] != 0) {
        ft_rule_fire(rules, FT_J_SCSI_RESETBUS_COMPLETES_ALL, event, event->arg[0]);
    } else if (event->arg[2] != 0 && ft_srbs_active(rules) == 0) {
        ft_rule_fire(rules, FT_J_SCSI_RESETBUS_NEXT, event, event->arg[0]);
    }
}

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] == FT_ROUTINE_SCSI_RESET_BUS &&
        (rules->scsi.flags & FT_HBA_OTHER_PATH) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_RESETBUS_PATH_ONLY, event, event->arg[1]);
    }
}

/* A target needs 250 ms after a reset; the pulse itself is a matter of microseconds. */
static void judge_stall(struct ft_rules *rules, const struct ft_event *event)
{
    if (in_reset(rules, event) && rules->scsi.stalled + event->arg[0] >= LONG_STALL_US) {
        ft_rule_fire(rules, FT_J_SCSI_RESET_NO_OWN_DELAY, event, 0);
    }
}

void ft_scsi_resets_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_SCSI_COMPLETE:
        judge_complete(rules, event);
        break;
    case FT_EV_SCSI_HOLD_END:
        judge_hold_end(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        judge_leave(rules, event);
        break;
    case FT_EV_SCSI_STALL:
        judge_stall(rules, event);
        break;
    default:
        break;
    }
}

void ft_scsi_resets_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_SCSI_RESET:
        rules->scsi.reset_path = (uint16_t)(event->arg[1] + 1);
        rules->scsi.stalled = 0;
        rules->scsi.flags &= (uint16_t) ~(FT_HBA_OTHER_PATH | FT_HBA_LOGGED);
        rules->scsi.flags |= FT_HBA_RESET;
        break;
    case FT_EV_SCSI_HOLD:
        rules->scsi.flags |= FT_HBA_RESET;
        break;
    case FT_EV_SCSI_STALL:
        rules->scsi.stalled += in_reset(rules, event) ? (uint32_t)event->arg[0] : 0;
        break;
    case FT_EV_SCSI_LOG_ERROR:
        rules->scsi.flags |= in_reset(rules, event) ? FT_HBA_LOGGED : 0;
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_SCSI_RESET_BUS) {
            rules->scsi.reset_path = 0;
        }
        break;
    default:
        break;
    }
}
