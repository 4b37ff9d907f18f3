/* DPCs, timers, work items, waits on the stack, and what an unloaded driver leaves. */
#include "rules/rules_io.h"

enum { ON_STACK = 1, PAGED_POOL = 3 };

static void judge_insert(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);

    for (unsigned i = 0; i < FT_RS_TIMERS; i++) {
        const struct ft_rs_timer *timer = &rules->timer[i];

        if (timer->id != 0 && timer->dpc == id && id != 0 &&
            (timer->flags & FT_TIMER_PENDING) != 0) {
            ft_rule_fire(rules, FT_J_IO_TIMER_DPC_EXCLUSIVE, event, event->arg[0]);
        }
    }
}

static void judge_wait(struct ft_rules *rules, const struct ft_event *event)
{
    bool delay = event->kind == FT_EV_DELAY;
    const struct ft_rs_frame *frame = ft_frame_top(rules, event);

    if (frame != NULL &&
        (frame->routine == FT_ROUTINE_DPC || frame->routine == FT_ROUTINE_TIMER_DPC) &&
        (delay || event->arg[1] != 0)) {
        ft_rule_fire(rules, FT_J_IO_DPC_NO_BLOCK, event, delay ? 0 : event->arg[0]);
    }
    if (!delay && event->arg[2] != 0 && ft_known(event, 3) && event->arg[3] == ON_STACK) {
        ft_rule_fire(rules, FT_J_IO_WAIT_NO_USEROBJ, event, event->arg[0]);
    }
}

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    bool locked = ft_known(event, 5) && ft_known(event, 6) && event->arg[6] > event->arg[5];

    if (event->arg[0] == FT_ROUTINE_WORK_ITEM && (event->irql != FT_IRQL_PASSIVE || locked)) {
        ft_rule_fire(rules, FT_J_IO_WORK_RETURNS_PASSIVE, event, event->arg[1]);
    }
}

static void judge_unloaded(struct ft_rules *rules, const struct ft_event *event)
{
    const unsigned busy = FT_OBJECT_QUEUED | FT_OBJECT_RUNNING;

    for (unsigned i = 0; i < FT_RS_OBJECTS && rules->object[i].id != 0; i++) {
        const struct ft_rs_object *item = &rules->object[i];

        if (item->class_ == FT_HC_WORK && (item->flags & FT_RS_OVER) == 0 &&
            (item->flags & busy) != 0) {
            ft_rule_fire(rules, FT_J_IO_WORK_DONE_BEFORE_UNLOAD, event,
                         ft_handle(FT_HC_WORK, item->id, 0));
        }
    }
    if (event->arg[0] != 0 || rules->links != 0 || rules->callbacks != 0 ||
        rules->work_items != 0) {
        ft_rule_fire(rules, FT_J_IO_UNLOAD_CLEAN, event, 0);
    }
}

/* Requests whose DPC was queued already, and that were lost with its arguments. */
static void judge_hang(struct ft_rules *rules, const struct ft_event *event)
{
    enum { ALL_BLOCKED = 1, NOT_DONE = 2 };

    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if ((irp->more & FT_MORE_NO_DPC) != 0 && ft_irp_is_owned(irp) &&
            (irp->flags & FT_IRP_CANCEL_RAN) == 0 &&
            (event->arg[0] == ALL_BLOCKED || event->arg[0] == NOT_DONE)) {
            ft_rule_fire(rules, FT_J_IO_DPC_QUEUE_FALSE_HANDLED, event, ft_irp_handle_of(irp));
        }
    }
}

static void judge_memory(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_known(event, 3) && event->arg[3] == PAGED_POOL) {
        ft_rule_fire(rules, FT_J_IO_EVENT_NOT_PAGEABLE, event, event->arg[0]);
    }
}

void ft_work_judge(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->kind == FT_EV_DRIVER_UNLOADED) {
        judge_unloaded(rules, event);
    } else if (event->kind == FT_EV_RUN_HANG) {
        judge_hang(rules, event);
    }
    if (!ft_by_driver(event)) {
        return;
    }
    switch (event->kind) {
    case FT_EV_DPC_INSERT:
        judge_insert(rules, event);
        break;
    case FT_EV_WAIT_BEGIN:
    case FT_EV_DELAY:
        judge_wait(rules, event);
        break;
    case FT_EV_EVENT_INIT:
    case FT_EV_OBJECT_INIT:
        judge_memory(rules, event);
        break;
    case FT_EV_WORK_QUEUE:
        if (event->arg[1] != 0) {
            ft_rule_fire(rules, FT_J_IO_WORK_NOT_REQUEUED, event, event->arg[0]);
        }
        break;
    case FT_EV_WORK_FREE:
        if (event->arg[1] != 0) {
            ft_rule_fire(rules, FT_J_IO_WORK_NOT_REQUEUED, event, event->arg[0]);
        }
        break;
    case FT_EV_CALL_LEAVE:
        judge_leave(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

static void note_item(struct ft_rules *rules, const struct ft_event *event)
{
    bool routine = event->kind == FT_EV_CALL_ENTER || event->kind == FT_EV_CALL_LEAVE;
    unsigned index = routine ? 1 : 0;
    struct ft_rs_object *item = ft_rs_object_find(rules, FT_HC_WORK, ft_arg_id(event, index));

    if (item == NULL && event->kind == FT_EV_WORK_QUEUE) {
        item = ft_rs_object_get(rules, FT_HC_WORK, ft_arg_id(event, index));
    }
    if (item == NULL) {
        return;
    }
    switch (event->kind) {
    case FT_EV_WORK_QUEUE:
        item->flags |= FT_OBJECT_QUEUED;
        break;
    case FT_EV_CALL_ENTER:
        item->flags = (uint16_t)((item->flags & ~FT_OBJECT_QUEUED) | FT_OBJECT_RUNNING);
        item->task = ft_task_of(event);
        break;
    default: /* the end of the routine, or of the item; it may have been queued again */
        item->flags = (uint16_t)(item->flags & ~FT_OBJECT_RUNNING);
        if (event->kind == FT_EV_WORK_FREE || (item->flags & FT_OBJECT_QUEUED) == 0) {
            item->flags |= FT_RS_OVER;
        }
        break;
    }
}

static void note_free(struct ft_rules *rules, const struct ft_event *event)
{
    rules->work_items -= rules->work_items > 0;
    note_item(rules, event);
}

static void note_missed(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_DPCS; i++) {
        struct ft_rs_dpc *dpc = &rules->dpc[i];

        if (dpc->id != 0 && dpc->timer != 0 && dpc->timer == ft_arg_id(event, 0) &&
            event->arg[1] == 0 && ft_by_driver(event)) {
            dpc->flags |= FT_DPC_MISSED;
        }
    }
}

static void note_not_inserted(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 2);

    if (irp != NULL && event->arg[1] == 0) {
        irp->more |= FT_MORE_NO_DPC;
    }
}

void ft_work_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WORK_FREE:
        note_free(rules, event);
        break;
    case FT_EV_WORK_QUEUE:
        note_item(rules, event);
        break;
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_WORK_ITEM) {
            note_item(rules, event);
        }
        break;
    case FT_EV_TIMER_CANCEL:
        note_missed(rules, event);
        break;
    case FT_EV_DPC_INSERT:
        note_not_inserted(rules, event);
        break;
    case FT_EV_WORK_INIT: /* one without a device is the driver's own memory, and needs no end */
        rules->work_items += ft_arg_id(event, 0) != 0 && ft_arg_id(event, 1) != 0;
        break;
    case FT_EV_SYMBOLIC_LINK:
        rules->links = ft_known(event, 2) ? (uint8_t)event->arg[2] : rules->links;
        break;
    case FT_EV_CALLBACK:
        rules->callbacks += event->arg[1] != 0;
        rules->callbacks -= event->arg[1] == 0 && rules->callbacks > 0;
        break;
    default:
        break;
    }
}
