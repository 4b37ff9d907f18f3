/* SCSI Port: HwScsiInterrupt, the callbacks of long interrupts, timers (scsiport sheet, 17.3).
 *
 * An interrupt before HwScsiInitialize is not judged here: a miniport that does not survive it
 * crashes. Stalls are judged with the other services.
 */
#include "rules/rules_scsi.h"

enum { CALL_DISABLE = 4, CALL_ENABLE = 5, TIMER_CALL = 6 };

static bool is_true(const struct ft_event *event)
{
    return (event->arg[3] & 0xFF) != 0;
}

/* ---- HwScsiInterrupt ---- */

/* The line is that of the only adapter. What rises inside the routine is for its next call. */
static void judge_interrupt(struct ft_rules *rules, const struct ft_event *event)
{
    unsigned flags = rules->scsi.flags;
    bool claims = is_true(event), had = (flags & FT_HBA_HAD_LINE) != 0;
    bool up = (flags & FT_HBA_LINE_UP) != 0, rose = (flags & FT_HBA_RAISED) != 0;

    if ((claims && !had && !rose) || (!claims && had && up && !rose)) {
        ft_rule_fire(rules, FT_J_SCSI_ISR_CLAIMS_OWN, event, event->arg[1]);
    }
    if (claims && had && up && !rose) {
        ft_rule_fire(rules, FT_J_SCSI_ISR_DISMISSES, event, event->arg[1]);
    }
    if (!claims && (flags & FT_HBA_ACTED) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_ISR_SPURIOUS_NO_EFFECT, event, event->arg[1]);
    }
    if ((flags & FT_HBA_ENABLE_ASKED) != 0 && up && (flags & FT_HBA_INT_ENABLED) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_ENABLE_CB_CONTEXT, event, event->arg[1]);
    }
}

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->arg[0]) {
    case FT_ROUTINE_SCSI_INTERRUPT:
        judge_interrupt(rules, event);
        break;
    case FT_ROUTINE_SCSI_ENABLE:
        if (rules->scsi.disables != 1) {
            ft_rule_fire(rules, FT_J_SCSI_DISABLE_CB_PAIR, event, event->arg[1]);
        }
        break;
    case FT_ROUTINE_SCSI_DISABLE:
        if ((rules->scsi.flags & FT_HBA_ACTED) != 0) {
            ft_rule_fire(rules, FT_J_SCSI_DISABLE_CB_MINIMAL, event, event->arg[1]);
        }
        break;
    default:
        break;
    }
}

static void judge_notify(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t in = event->arg[4];

    if (event->arg[1] == CALL_ENABLE && in != FT_ROUTINE_SCSI_INTERRUPT) {
        ft_rule_fire(rules, FT_J_SCSI_ENABLE_CB_CONTEXT, event, event->arg[0]);
    }
    if (event->arg[1] == TIMER_CALL && event->arg[2] != 0 && event->arg[5] != 0 &&
        ft_known(event, 6) && event->arg[6] != 0) {
        ft_rule_fire(rules, FT_J_SCSI_TIMER_SINGLE_SLOT, event, event->arg[0]);
    }
}

void ft_scsi_interrupts_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_CALL_LEAVE:
        judge_leave(rules, event);
        break;
    case FT_EV_SCSI_NOTIFY:
        judge_notify(rules, event);
        break;
    case FT_EV_SCSI_STOPPED:
        if ((rules->scsi.flags & FT_HBA_TIMER_ARMED) != 0) {
            ft_rule_fire(rules, FT_J_SCSI_TIMER_CANCEL_ON_STOP, event, event->arg[0]);
        }
        break;
    default:
        break;
    }
}

/* ---- what there is ---- */

static void set(struct ft_rules *rules, unsigned flags, bool on)
{
    rules->scsi.flags = (uint16_t)(on ? rules->scsi.flags | flags : rules->scsi.flags & ~flags);
}

static void note_notify(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->arg[1]) {
    case CALL_ENABLE:
        set(rules, FT_HBA_ENABLE_ASKED, true);
        break;
    case CALL_DISABLE:
        rules->scsi.disables++;
        break;
    case TIMER_CALL:
        set(rules, FT_HBA_TIMER_ARMED, event->arg[2] != 0);
        set(rules, FT_HBA_TIMER_CANCELLED, event->arg[2] == 0);
        return;
    default:
        break;
    }
}

static void note_enter(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->arg[0]) {
    case FT_ROUTINE_SCSI_INTERRUPT:
        set(rules, FT_HBA_HAD_LINE, (rules->scsi.flags & (FT_HBA_LINE_UP | FT_HBA_RAISED)) != 0);
        set(rules, FT_HBA_ACTED | FT_HBA_ENABLE_ASKED | FT_HBA_RAISED, false);
        break;
    case FT_ROUTINE_SCSI_DISABLE:
        set(rules, FT_HBA_ACTED, false);
        break;
    case FT_ROUTINE_SCSI_ENABLE:
        rules->scsi.disables = 0;
        break;
    case FT_ROUTINE_SCSI_TIMER:
        set(rules, FT_HBA_TIMER_ARMED, false);
        break;
    default:
        break;
    }
}

void ft_scsi_interrupts_note(struct ft_rules *rules, const struct ft_event *event)
{
    unsigned in = ft_by_driver(event) ? ft_scsi_in(rules, event) : 0;
    bool acts = in == FT_ROUTINE_SCSI_INTERRUPT || in == FT_ROUTINE_SCSI_DISABLE;

    switch (event->kind) {
    case FT_EV_CALL_ENTER:
        note_enter(rules, event);
        break;
    case FT_EV_SCSI_NOTIFY:
        note_notify(rules, event);
        set(rules, FT_HBA_ACTED, (rules->scsi.flags & FT_HBA_ACTED) != 0 || acts);
        break;
    case FT_EV_SCSI_COMPLETE:
    case FT_EV_SCSI_COMPLETE_ALL:
    case FT_EV_SCSI_NEXT:
        set(rules, FT_HBA_ACTED, (rules->scsi.flags & FT_HBA_ACTED) != 0 || acts);
        break;
    case FT_EV_LINE_SET:
        set(rules, FT_HBA_LINE_UP, event->arg[0] != 0);
        set(rules, FT_HBA_RAISED, event->arg[0] != 0 || (rules->scsi.flags & FT_HBA_RAISED) != 0);
        break;
    case FT_EV_HW_INT_ENABLE:
        set(rules, FT_HBA_INT_ENABLED, event->arg[0] != 0);
        break;
    case FT_EV_POWER_HW:
    case FT_EV_HW_YANK: /* its line is down, and it raises it no more */
        set(rules, FT_HBA_LINE_UP | FT_HBA_RAISED | FT_HBA_INT_ENABLED, false);
        break;
    default:
        break;
    }
}
