/* Cancel-safe queues. The code of a callback's events says what it is for. */
#include "rules/rules_io.h"

enum { CALL_INSERT = 1, CALL_REMOVE = 2, CALL_COMPLETE = 6, CALL_INSERT_EX = 7 };

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, event->request);

    if ((event->arg[2] & 0xFF) != CALL_COMPLETE || !ft_by_driver(event)) {
        return;
    }
    if ((ft_known(event, 5) && event->arg[5] != 0) || (irp != NULL && !ft_irp_is_over(irp))) {
        ft_rule_fire(rules, FT_J_IO_CSQ_COMPLETE_UNLOCKED, event, event->arg[1]);
    }
}

/* The library marks the IRP, so the dispatch routine has no choice. */
static void judge_dispatch_leave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_DISPATCH);
    const struct ft_rs_irp *irp = frame != NULL ? ft_rs_irp_find(rules, frame->object) : NULL;

    if (irp != NULL && (irp->more & FT_MORE_CSQ) != 0 && ft_known(event, 3) &&
        (uint32_t)event->arg[3] != FT_NT_PENDING) {
        ft_rule_fire(rules, FT_J_IO_CSQ_RETURN_PENDING, event, ft_irp_handle_of(irp));
    }
}

static void judge_wait(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_by_driver(event) && event->task != 0 && ft_arg_id(event, 1) == event->task &&
        ft_frame_just_in(rules, event, FT_ROUTINE_CSQ) != NULL) {
        ft_rule_fire(rules, FT_J_IO_CSQ_CALLBACK_NO_LOCK, event, event->arg[0]);
    }
}

void ft_csq_judge(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->kind == FT_EV_LOCK_WAIT) {
        judge_wait(rules, event);
    } else if (event->kind == FT_EV_CALL_LEAVE && event->arg[0] == FT_ROUTINE_CSQ) {
        judge_leave(rules, event);
    } else if (event->kind == FT_EV_CALL_LEAVE && event->arg[0] == FT_ROUTINE_DISPATCH) {
        judge_dispatch_leave(rules, event);
    }
}

/* The callbacks say when an IRP is in the queue: another processor may take it out before
 * IoCsqInsertIrp returns. */
static void note_callback(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, event->request);
    unsigned code = event->arg[2] & 0xFF;

    if (irp == NULL) {
        return;
    }
    if (code == CALL_INSERT || code == CALL_INSERT_EX) {
        ft_irp_note_queued(rules, irp);
    } else if (code == CALL_REMOVE) {
        irp->more &= ~(uint32_t)FT_MORE_QUEUED;
    }
}

/* The driver does not take the IRP into the queue. */
static void note_refusal(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, event->request);

    if (irp != NULL && (event->arg[2] & 0xFF) == CALL_INSERT_EX && ft_known(event, 3) &&
        !ft_nt_success((uint32_t)event->arg[3])) {
        irp->more &= ~(uint32_t)FT_MORE_QUEUED;
    }
}

void ft_csq_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp;

    switch (event->kind) {
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_CSQ) {
            note_refusal(rules, event);
        }
        break;
    case FT_EV_CALL_ENTER:
        if (event->arg[0] == FT_ROUTINE_CSQ) {
            note_callback(rules, event);
        }
        break;
    case FT_EV_CSQ_INSERT:
        irp = ft_arg_irp(rules, event, 1);
        if (irp != NULL && ft_nt_success((uint32_t)event->arg[2])) {
            irp->more |= FT_MORE_CSQ;
        } else if (irp != NULL) {
            irp->more &= ~(uint32_t)FT_MORE_QUEUED;
        }
        break;
    case FT_EV_CSQ_REMOVE:
    case FT_EV_CSQ_CANCEL:
        irp = ft_arg_irp(rules, event, 1);
        if (irp != NULL) {
            irp->more &= ~(uint32_t)(FT_MORE_QUEUED | FT_MORE_CSQ);
        }
        break;
    default:
        break;
    }
}
