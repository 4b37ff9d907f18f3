/* Cancellation: the cancel lock, cancel routines, who completes a cancelled request. */
#include "rules/rules_io.h"

/* ---- the cancel lock ---- */

/* The level belongs to a lock of this task that was acquired inside, or was saved before. */
static bool is_exchanged(const struct ft_rules *rules, uint16_t task, uint8_t level)
{
    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        if (rules->lock[i].id != 0 && rules->lock[i].task == task && rules->lock[i].old == level) {
            return true;
        }
    }
    for (unsigned i = 0; i < FT_RS_RAISES; i++) {
        if (rules->raise[i].task == task && rules->raise[i].old == level) {
            return true;
        }
    }
    return false;
}

/* A release to a higher level may be followed by KeLowerIrql; a cancel routine that returns too
 * high is judged at its end. */
static void judge_unlock(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_by_driver(event) && rules->cancel_known && ft_known(event, 0) &&
        event->arg[0] < rules->cancel_old &&
        !is_exchanged(rules, ft_task_of(event), (uint8_t)event->arg[0])) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_RELEASE_IRQL_RIGHT, event, 0);
    }
}

static void judge_recursion(struct ft_rules *rules, const struct ft_event *event)
{
    uint16_t task = ft_task_of(event);
    bool waits = event->kind == FT_EV_LOCK_WAIT;

    if (!ft_by_driver(event) || rules->cancel_task != task ||
        (waits && ft_arg_id(event, 1) != event->task)) {
        return;
    }
    for (unsigned i = 0; waits && i < FT_RS_LOCKS; i++) {
        if (rules->lock[i].id == ft_arg_id(event, 0) && rules->lock[i].task == task) {
            return; /* another lock of its own */
        }
    }
    ft_rule_fire(rules, FT_J_IO_CANCEL_NO_RECURSION, event, waits ? event->arg[0] : 0);
}

/* ---- who completes ---- */

static void judge_claim(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_irp *irp)
{
    if ((irp->more & FT_MORE_CLAIMED) == 0 || irp->claim_task == ft_task_of(event)) {
        return;
    }
    if ((irp->more & FT_MORE_LOST) != 0 && irp->lost_task == ft_task_of(event)) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_ROUTINE_OWNS_AFTER_NULL, event, ft_irp_handle_of(irp));
    } else {
        ft_rule_fire(rules, FT_J_IO_CANCEL_CLAIM_ATOMIC, event, ft_irp_handle_of(irp));
    }
}

/* The hardware has the request, and the cancel routine looked at nothing before it completes it. */
static void judge_current(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_irp *irp)
{
    const struct ft_rs_frame *frame = ft_frame_just_in(rules, event, FT_ROUTINE_CANCEL);
    const unsigned active = FT_MORE_STARTED | FT_MORE_TOUCHED;

    if (frame == NULL || frame->object != irp->id || (frame->flags & FT_FRAME_HARDWARE) != 0 ||
        (irp->more & active) != active) {
        return;
    }
    for (unsigned i = 1; i < FT_RS_DEVICES; i++) {
        if (rules->device[i].id != 0 && rules->device[i].current == irp->id &&
            (rules->device[i].more & FT_STARTIO_OWED) != 0) {
            ft_rule_fire(rules, FT_J_IO_CANCEL_CURRENT_LEFT_ALONE, event, ft_irp_handle_of(irp));
        }
    }
}

static void judge_twice(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_irp *irp)
{
    const struct ft_rs_frame *frame = ft_frame_top(rules, event);
    bool by_timer = ft_frame_just_in(rules, event, FT_ROUTINE_TIMER_DPC) != NULL;

    if ((irp->flags & FT_IRP_CANCEL_RAN) != 0) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_DPC_RACE_SINGLE_OWNER, event, ft_irp_handle_of(irp));
    }
    if (by_timer || (irp->more & FT_MORE_BY_TIMER) != 0) {
        ft_rule_fire(rules, FT_J_IO_TIMER_OWNER_CHECK, event, ft_irp_handle_of(irp));
    }
    if (frame != NULL && frame->routine == FT_ROUTINE_DPC && frame->irp == irp->id) {
        ft_rule_fire(rules, FT_J_IO_DPC_IRP_ARG_STALE, event, ft_irp_handle_of(irp));
    }
}

static void judge_complete(struct ft_rules *rules, const struct ft_event *event,
                           const struct ft_rs_irp *irp)
{
    if (event->arg[6] != 0) {
        judge_twice(rules, event, irp);
        return;
    }
    if (event->arg[5] != 0 && (uint32_t)event->arg[1] == FT_NT_CANCELLED) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_NO_COMPLETE_LOCKED, event, ft_irp_handle_of(irp));
    }
    judge_claim(rules, event, irp);
    judge_current(rules, event, irp);
    for (unsigned i = 0; i < FT_RS_QUEUED; i++) {
        if (rules->queued[i].adapter != 0 && rules->queued[i].irp == irp->id &&
            (irp->flags & FT_IRP_CANCELLED) != 0) {
            ft_rule_fire(rules, FT_J_IO_CANCEL_CHANNEL_PENDING, event, ft_irp_handle_of(irp));
        }
    }
}

/* ---- IoSetCancelRoutine and IoCancelIrp ---- */

static void judge_set(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_irp *irp)
{
    const unsigned packet = FT_MORE_PACKET | FT_MORE_CANCELABLE;

    if ((irp->more & packet) == packet && !ft_irp_is_over(irp) &&
        rules->cancel_task != ft_task_of(event)) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_LOCK_NEEDED_DEVQUEUE, event, ft_irp_handle_of(irp));
    }
    if (event->arg[1] != 0 && (irp->more & FT_MORE_BELOW) != 0 && !ft_irp_is_over(irp)) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_ROUTINE_NOT_ON_BELOW, event, ft_irp_handle_of(irp));
    }
}

static void judge_cancel(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_irp *irp)
{
    const unsigned own = FT_MORE_OWN | FT_MORE_REQUESTED;

    if (!ft_by_driver(event)) {
        if (event->arg[1] == 0 && (irp->more & FT_MORE_QUEUED) != 0 && ft_irp_is_owned(irp) &&
            ft_is_drained(rules, irp)) {
            ft_rule_fire(rules, FT_J_IO_CANCEL_HELD_CANCELLABLE, event, ft_irp_handle_of(irp));
        }
        return;
    }
    if ((irp->more & own) == 0 && (irp->flags & FT_IRP_DISPATCHED) != 0) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_ONLY_OWN, event, ft_irp_handle_of(irp));
    }
    if ((irp->flags & FT_RS_OVER) != 0) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_TARGET_ALIVE, event, ft_irp_handle_of(irp));
    }
}

/* ---- CLEANUP and associated IRPs ---- */

/* A CLEANUP ends what is in the queue when it comes. What gets there meanwhile, on its way in or
 * back because its transfer was aborted, may stay and can be cancelled. */
void ft_irp_note_queued(const struct ft_rules *rules, struct ft_rs_irp *irp)
{
    irp->more |= FT_MORE_QUEUED;
    irp->more &= ~(uint32_t)FT_MORE_LATE;
    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *other = &rules->irp[i];

        if (other->id != 0 && other->major == FT_MAJOR_CLEANUP && other->file == irp->file &&
            (other->flags & FT_IRP_DISPATCHED) != 0 && !ft_irp_is_over(other)) {
            irp->more |= FT_MORE_LATE;
        }
    }
}

static void judge_cleanup(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_irp *cleanup)
{
    if (cleanup->major != FT_MAJOR_CLEANUP || cleanup->file == 0 ||
        (cleanup->flags & FT_IRP_DISPATCHED) == 0 || !ft_nt_success((uint32_t)event->arg[1])) {
        return;
    }
    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (irp->id != 0 && irp != cleanup && irp->file == cleanup->file &&
            (irp->more & (FT_MORE_QUEUED | FT_MORE_LATE)) == FT_MORE_QUEUED &&
            !ft_irp_is_over(irp) && (irp->flags & FT_IRP_CANCELLED) == 0) {
            ft_rule_fire(rules, FT_J_IO_CANCEL_CLEANUP_HANDLED, event, ft_irp_handle_of(irp));
        }
    }
}

static void judge_associates(struct ft_rules *rules, const struct ft_event *event, uint32_t master)
{
    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (irp->id != 0 && irp->master == master && !ft_irp_is_over(irp) &&
            (irp->flags & FT_IRP_CANCELLED) == 0) {
            ft_rule_fire(rules, FT_J_IO_CANCEL_MASTER_ASSOCIATES, event, ft_irp_handle_of(irp));
        }
    }
}

static void judge_cancel_leave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_CANCEL);

    if (frame == NULL) {
        return;
    }
    if (frame->level != UINT8_MAX && event->irql > frame->level) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_RELEASE_IRQL_RIGHT, event, event->arg[1]);
    }
    if (frame->object != 0) {
        judge_associates(rules, event, frame->object);
    }
}

void ft_cancel_judge(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = event->kind >> 8 == 0x04 ? ft_arg_irp(rules, event, 0) : NULL;

    switch (event->kind) {
    case FT_EV_CANCEL_UNLOCK:
        judge_unlock(rules, event);
        break;
    case FT_EV_CANCEL_LOCK:
    case FT_EV_LOCK_WAIT:
        judge_recursion(rules, event);
        break;
    case FT_EV_IRP_COMPLETE:
        if (irp != NULL && ft_by_driver(event)) {
            judge_complete(rules, event, irp);
        }
        break;
    case FT_EV_IRP_SET_CANCEL:
        if (irp != NULL && ft_by_driver(event)) {
            judge_set(rules, event, irp);
        }
        break;
    case FT_EV_IRP_CANCEL:
        if (irp != NULL) {
            judge_cancel(rules, event, irp);
        }
        break;
    case FT_EV_IRP_DONE:
        if (irp != NULL) {
            judge_cleanup(rules, event, irp);
        }
        break;
    case FT_EV_LIST_DAMAGE:
        if (ft_by_driver(event)) {
            ft_rule_fire(rules, FT_J_IO_CANCEL_UNLINK_ONCE, event, event->arg[0]);
        }
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_CANCEL && ft_by_driver(event)) {
            judge_cancel_leave(rules, event);
        }
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

/* A cancel routine reads the level from the IRP when it gives the lock back; until then nobody else
 * may complete the IRP. */
static void note_unlock(struct ft_rules *rules, uint16_t task)
{
    for (unsigned i = 0; i < rules->irp_end; i++) {
        struct ft_rs_irp *irp = &rules->irp[i];

        if ((irp->more & FT_MORE_CLAIMED) != 0 && irp->claim_task == task) {
            irp->more &= ~(uint32_t)FT_MORE_CLAIMED;
        }
    }
}

static void note_set(struct ft_rs_irp *irp, const struct ft_event *event)
{
    bool lost = event->arg[1] == 0 && ft_known(event, 2) && event->arg[2] == 0 &&
                ft_known(event, 3) && event->arg[3] != 0;

    if (lost) {
        irp->more |= FT_MORE_LOST;
        irp->lost_task = ft_task_of(event);
    }
}

/* The cancel routine does more than give the lock back. */
static void note_hardware(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_CANCEL);

    if (frame != NULL && ft_by_driver(event)) {
        frame->flags |= FT_FRAME_HARDWARE;
    }
}

void ft_cancel_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = event->kind >> 8 == 0x04 ? ft_arg_irp(rules, event, 0) : NULL;

    switch (event->kind) {
    case FT_EV_CANCEL_LOCK:
        rules->cancel_known = ft_known(event, 0);
        break;
    case FT_EV_CANCEL_UNLOCK:
        rules->cancel_known = 0;
        note_unlock(rules, ft_task_of(event));
        break;
    case FT_EV_IRP_CANCEL:
        if (irp != NULL && event->arg[1] != 0) {
            irp->more |= FT_MORE_CLAIMED;
            irp->claim_task = ft_task_of(event);
        }
        break;
    case FT_EV_IRP_SET_CANCEL:
        if (irp != NULL) {
            note_set(irp, event);
        }
        break;
    case FT_EV_IRP_COMPLETE:
        if (irp != NULL && ft_frame_just_in(rules, event, FT_ROUTINE_TIMER_DPC) != NULL) {
            irp->more |= FT_MORE_BY_TIMER;
        }
        break;
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
    case FT_EV_LOCK_ACQUIRE:
    case FT_EV_SYNC_ENTER:
    case FT_EV_START_NEXT:
    case FT_EV_DMA_FLUSH:
    case FT_EV_DMA_FLUSH_EX:
        note_hardware(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_CANCEL) {
            note_unlock(rules, ft_task_of(event));
        }
        break;
    default:
        break;
    }
}
