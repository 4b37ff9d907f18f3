/* Interrupt service routines and the device's interrupt. */
#include "rules/rules_io.h"

static uint64_t handle_of(const struct ft_rs_device *device)
{
    return ft_handle(FT_HC_DEVICE, device->id, 0);
}

static bool is_connected(struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_INTERRUPTS; i++) {
        if (rules->interrupt[i].id != 0 &&
            ft_rs_same_device(rules, rules->interrupt[i].device, device)) {
            return true;
        }
    }
    return false;
}

static void judge_enable(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] != 0 && !is_connected(rules, event->device)) {
        ft_rule_fire(rules, FT_J_IO_ISR_ENABLE_AFTER_CONNECT, event,
                     handle_of(ft_rs_root(rules, event->device)));
    }
}

static void judge_disconnect(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *root = ft_rs_root(rules, event->device);

    /* A running device that is started with other resources may be out of reach. */
    if (ft_by_driver(event) && (root->more & FT_HW_INT_ENABLED) != 0 &&
        ft_frame_dispatch(rules, event, FT_MAJOR_PNP, FT_PNP_MINOR_START) == NULL) {
        ft_rule_fire(rules, FT_J_IO_ISR_ENABLE_AFTER_CONNECT, event, handle_of(root));
    }
}

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *root = ft_rs_root(rules, event->device);
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_ISR);
    const unsigned raised = FT_HW_LINE_UP | FT_HW_INTERRUPTED | FT_HW_MESSAGES;

    if (!ft_by_driver(event) || !ft_known(event, 3) || (event->arg[3] & 0xFF) == 0) {
        return;
    }
    if (frame != NULL && (frame->flags & FT_FRAME_INTERRUPT) == 0 && (root->more & raised) == 0) {
        ft_rule_fire(rules, FT_J_IO_ISR_RETURN_TRUTH, event, event->arg[1]);
    }
    if (root->power > FT_POWER_D0 ||
        (root->pnp == FT_PNP_STOPPED && (root->more & FT_HW_MOVING) == 0)) {
        ft_rule_fire(rules, FT_J_IO_ISR_AFTER_POWER_DOWN, event, event->arg[1]);
    }
}

/* The interrupt's own lock is held while its routine runs. */
static void judge_own_lock(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_ISR);

    if (frame == NULL || !ft_by_driver(event)) {
        return;
    }
    if (event->kind == FT_EV_LOCK_WAIT ? event->task != 0 && ft_arg_id(event, 1) == event->task &&
                                             !ft_holds_lock(rules, ft_task_of(event))
                                       : frame->object == ft_arg_id(event, 0)) {
        ft_rule_fire(rules, FT_J_IO_LOCK_SYNC_NOT_IN_ISR, event, event->arg[0]);
    }
}

void ft_isr_judge(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_by_driver(event) && !ft_irql_is_right(event) &&
        ft_frame_in(rules, event, FT_ROUTINE_ISR) != NULL) {
        ft_rule_fire(rules, FT_J_IO_ISR_DDIS, event, event->arg[0]);
    }
    switch (event->kind) {
    case FT_EV_HW_INT_ENABLE:
        judge_enable(rules, event);
        break;
    case FT_EV_ISR_DISCONNECT:
        judge_disconnect(rules, event);
        break;
    case FT_EV_LOCK_WAIT:
    case FT_EV_SYNC_ENTER:
    case FT_EV_INT_LOCK_ACQUIRE:
        judge_own_lock(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_ISR) {
            judge_leave(rules, event);
        }
        break;
    default:
        break;
    }
}

static void change(struct ft_rules *rules, const struct ft_event *event, unsigned set,
                   unsigned clear)
{
    struct ft_rs_device *root = ft_rs_root(rules, event->device);

    root->more = (uint16_t)((root->more & ~clear) | set);
}

void ft_isr_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_HW_INT_ENABLE:
        change(rules, event, event->arg[0] != 0 ? FT_HW_INT_ENABLED : 0, FT_HW_INT_ENABLED);
        break;
    case FT_EV_POWER_HW: /* a device that loses its power forgets; one that is gone is silent */
    case FT_EV_HW_YANK:
        if (event->kind == FT_EV_HW_YANK || event->arg[1] > FT_POWER_D0) {
            change(rules, event, 0, FT_HW_INT_ENABLED);
        }
        break;
    case FT_EV_LINE_SET:
        change(rules, event, event->arg[0] != 0 ? FT_HW_LINE_UP | FT_HW_INTERRUPTED : 0,
               FT_HW_LINE_UP);
        break;
    case FT_EV_IRQ_MESSAGE:
        change(rules, event, FT_HW_MESSAGES, 0);
        break;
    default:
        break;
    }
}
