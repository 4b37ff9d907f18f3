/* Device queues that a driver runs itself, and what is left in any queue. */
#include "rules/rules_io.h"

static void judge_level(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_by_driver(event) && !ft_irql_is_right(event)) {
        ft_rule_fire(rules, FT_J_IO_DEVQUEUE_IRQL, event, event->arg[0]);
    }
}

/* IoStartNextPacket takes the head too, and its event follows. */
static void judge_cancel_leave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_CANCEL);

    if (frame != NULL && (frame->flags & FT_FRAME_HEAD) != 0) {
        ft_rule_fire(rules, FT_J_IO_DEVQUEUE_REMOVE_ENTRY_ONLY_IN_CANCEL, event, event->arg[1]);
    }
}

static void judge_idle(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_DISPATCH);

    if (frame != NULL && (frame->flags & FT_FRAME_IDLE) != 0 && ft_known(event, 3) &&
        (uint32_t)event->arg[3] == FT_NT_PENDING) {
        ft_rule_fire(rules, FT_J_IO_DEVQUEUE_INSERT_FALSE, event, event->arg[1]);
    }
}

static void judge_delete(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t device = ft_arg_id(event, 0);

    if (!ft_by_driver(event) || device == 0 ||
        (ft_rs_device(rules, device)->flags & FT_DEVICE_ATTACHED) == 0) {
        return;
    }
    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (irp->id != 0 && (irp->more & FT_MORE_QUEUED) != 0 && !ft_irp_is_over(irp) &&
            ft_rs_same_device(rules, irp->device, device)) {
            ft_rule_fire(rules, FT_J_IO_QUEUE_DRAINED_ON_REMOVE, event, ft_irp_handle_of(irp));
        }
    }
}

void ft_queue_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_QUEUE_INSERT:
    case FT_EV_QUEUE_REMOVE:
        judge_level(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_CANCEL) {
            judge_cancel_leave(rules, event);
        } else if (event->arg[0] == FT_ROUTINE_DISPATCH) {
            judge_idle(rules, event);
        }
        break;
    case FT_EV_DEVICE_DELETE:
        judge_delete(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

static void note_insert(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);
    struct ft_rs_frame *frame = ft_frame_just_in(rules, event, FT_ROUTINE_DISPATCH);

    if (irp == NULL) {
        return;
    }
    if (event->arg[2] != 0) {
        ft_irp_note_queued(rules, irp);
    } else if (ft_by_driver(event) && frame != NULL && frame->object == irp->id &&
               (frame->flags & FT_FRAME_IDLE) == 0) {
        frame->flags |= FT_FRAME_IDLE;
        rules->idle_inserts++;
    }
}

static void note_remove(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);
    struct ft_rs_frame *frame = ft_frame_just_in(rules, event, FT_ROUTINE_CANCEL);

    if (irp != NULL) {
        irp->more &= ~(uint32_t)FT_MORE_QUEUED;
    }
    if (frame != NULL && ft_by_driver(event) && event->arg[2] == 0 && event->arg[1] != 0) {
        frame->flags |= FT_FRAME_HEAD;
    }
}

/* The routine does something after it found the queue idle. */
static void note_busy(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_frame *frame = ft_frame_top(rules, event);

    if (event->kind == FT_EV_IRP_PENDING || event->kind == FT_EV_LOCK_RELEASE ||
        event->kind == FT_EV_IRQL_LOWER || event->kind == FT_EV_CALL_LEAVE) {
        return;
    }
    if (ft_by_driver(event) && frame != NULL && (frame->flags & FT_FRAME_IDLE) != 0) {
        frame->flags = (uint16_t)(frame->flags & ~FT_FRAME_IDLE);
        rules->idle_inserts--;
    }
}

void ft_queue_note(struct ft_rules *rules, const struct ft_event *event)
{
    if (rules->idle_inserts != 0) {
        note_busy(rules, event);
    }
    if (event->kind == FT_EV_QUEUE_INSERT) {
        note_insert(rules, event);
    } else if (event->kind == FT_EV_QUEUE_REMOVE) {
        note_remove(rules, event);
    }
}
