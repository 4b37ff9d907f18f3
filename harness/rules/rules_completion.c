/* Completion routines, skipped locations, and events on a stack that is gone. */
#include "rules/rules_io.h"

static void judge_completion_leave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_COMPLETION);
    const struct ft_rs_irp *irp = frame != NULL ? ft_rs_irp_find(rules, frame->object) : NULL;
    const unsigned both = FT_FRAME_SET_EVENT | FT_FRAME_MARKED;
    bool stops = (uint32_t)event->arg[3] == FT_NT_MORE_PROCESSING;

    if (frame == NULL) {
        return;
    }
    if (ft_known(event, 4) && event->irql != event->arg[4]) {
        ft_rule_fire(rules, FT_J_IO_IRP_COMPLETION_IRQL, event, event->arg[1]);
    }
    if (!ft_known(event, 3)) {
        return;
    }
    if (stops && (frame->flags & both) == both) {
        ft_rule_fire(rules, FT_J_IO_IRP_COMPLETION_NO_MARK_WITH_MPR, event, event->arg[1]);
    }
    if (!stops && irp != NULL && (irp->more & FT_MORE_PENDING_RETURNED) != 0 &&
        (irp->flags & FT_IRP_MARKED) == 0 && (irp->more & FT_MORE_OWN) == 0) {
        ft_rule_fire(rules, FT_J_IO_IRP_COMPLETION_PENDING_PROPAGATE, event, ft_irp_handle_of(irp));
    }
}

static bool is_skipped(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);

    return ft_by_driver(event) && irp != NULL && (irp->more & FT_MORE_SKIPPED) != 0;
}

void ft_completion_judge(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_object *object;

    switch (event->kind) {
    case FT_EV_IRP_SET_COMPLETION:
        if (is_skipped(rules, event)) {
            ft_rule_fire(rules, FT_J_IO_IRP_SKIP_NO_COMPLETION, event, event->arg[0]);
        }
        break;
    case FT_EV_IRP_PENDING:
        if (is_skipped(rules, event)) {
            ft_rule_fire(rules, FT_J_IO_IRP_SKIP_NO_MARK, event, event->arg[0]);
        }
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_COMPLETION && ft_by_driver(event)) {
            judge_completion_leave(rules, event);
        }
        break;
    case FT_EV_EVENT_SET:
        object = ft_rs_object_find(rules, FT_HC_EVENT, ft_arg_id(event, 0));
        if (ft_by_driver(event) && object != NULL && (object->flags & FT_OBJECT_DEAD) != 0) {
            ft_rule_fire(rules, FT_J_IO_IRP_EVENT_LIFETIME, event, event->arg[0]);
        }
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

/* An event on the stack lives as long as the routine that was innermost at its birth. */
static void note_event(struct ft_rules *rules, const struct ft_event *event)
{
    enum { ON_STACK = 1 };
    struct ft_rs_object *object = ft_rs_object_find(rules, FT_HC_EVENT, ft_arg_id(event, 0));

    if (object != NULL) {
        object->flags |= FT_RS_OVER;
    }
    if (!ft_by_driver(event) || !ft_known(event, 3) || event->arg[3] != ON_STACK) {
        return;
    }
    object = ft_rs_object_get(rules, FT_HC_EVENT, ft_arg_id(event, 0));
    if (object != NULL) {
        object->task = ft_task_of(event);
        object->count = ft_frame_depth(rules, event);
    }
}

static void note_leave(struct ft_rules *rules, const struct ft_event *event)
{
    unsigned depth = ft_frame_depth(rules, event);

    for (unsigned i = 0; i < FT_RS_OBJECTS && rules->object[i].id != 0; i++) {
        struct ft_rs_object *object = &rules->object[i];

        if (object->class_ == FT_HC_EVENT && object->task == ft_task_of(event) && depth != 0 &&
            object->count >= depth) {
            object->flags |= FT_OBJECT_DEAD;
        }
    }
}

void ft_completion_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_frame *frame;
    struct ft_rs_irp *irp;

    switch (event->kind) {
    case FT_EV_IRP_COMPLETION:
        irp = ft_arg_irp(rules, event, 0);
        if (irp != NULL && ft_known(event, 1)) {
            irp->more = event->arg[1] != 0 ? irp->more | FT_MORE_PENDING_RETURNED
                                           : irp->more & ~(uint32_t)FT_MORE_PENDING_RETURNED;
        }
        break;
    case FT_EV_IRP_PENDING:
    case FT_EV_EVENT_SET:
        frame = ft_frame_just_in(rules, event, FT_ROUTINE_COMPLETION);
        if (frame != NULL && event->kind == FT_EV_EVENT_SET) {
            frame->flags |= FT_FRAME_SET_EVENT;
        } else if (frame != NULL && frame->object == ft_arg_id(event, 0)) {
            frame->flags |= FT_FRAME_MARKED;
        }
        break;
    case FT_EV_EVENT_INIT:
        note_event(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        note_leave(rules, event);
        break;
    default:
        break;
    }
}
