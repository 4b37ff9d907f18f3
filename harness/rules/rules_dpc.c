/* DPCs and timers: which are pending, which run, and whose they are. */
#include "rules/rules_private.h"

#include <string.h>

/* The entry of a DPC that is queued (flag FT_DPC_QUEUED) or that a task runs (FT_DPC_RUNNING). */
static struct ft_rs_dpc *dpc_entry(struct ft_rules *rules, uint32_t id, uint8_t flag, uint16_t task)
{
    for (unsigned i = 0; i < FT_RS_DPCS; i++) {
        struct ft_rs_dpc *dpc = &rules->dpc[i];

        if (dpc->id == id && (dpc->flags & flag) != 0 &&
            (flag == FT_DPC_QUEUED || dpc->task == task)) {
            return dpc;
        }
    }
    return NULL;
}

static struct ft_rs_dpc *add_dpc(struct ft_rules *rules, const struct ft_event *event, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_DPCS; i++) {
        if (rules->dpc[i].id == 0) {
            rules->dpc[i] =
                (struct ft_rs_dpc){.id = id, .device = event->device, .flags = FT_DPC_QUEUED};
            return &rules->dpc[i];
        }
    }
    ft_rules_overflow(rules, FT_RS_TABLE_DPC);
    return NULL;
}

void ft_on_dpc_insert(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[1] != 0 && ft_arg_id(event, 0) != 0) {
        struct ft_rs_dpc *dpc = add_dpc(rules, event, ft_arg_id(event, 0));

        if (dpc != NULL && ft_handle_class(event->arg[2]) == FT_HC_IRP) {
            dpc->irp = ft_arg_id(event, 2);
        }
    }
}

void ft_on_dpc_remove(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_dpc *dpc = dpc_entry(rules, ft_arg_id(event, 0), FT_DPC_QUEUED, 0);

    if (dpc != NULL && event->arg[1] != 0) {
        memset(dpc, 0, sizeof(*dpc));
    }
}

static struct ft_rs_timer *timer_slot(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_TIMERS; i++) {
        if (rules->timer[i].id == id) {
            return &rules->timer[i];
        }
    }
    return NULL;
}

static bool driver_has_device(const struct ft_rules *rules)
{
    for (unsigned i = 1; i < FT_RS_DEVICES; i++) {
        const struct ft_rs_device *device = &rules->device[i];

        if (device->id != 0 &&
            (device->flags & (FT_DEVICE_BY_DRIVER | FT_DEVICE_DELETED)) == FT_DEVICE_BY_DRIVER) {
            return true;
        }
    }
    return false;
}

static void set_timer(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_timer *timer = timer_slot(rules, ft_arg_id(event, 0));

    if (timer == NULL) {
        timer = timer_slot(rules, 0);
    }
    if (timer == NULL) {
        ft_rules_overflow(rules, FT_RS_TABLE_TIMER);
        return;
    }
    if (timer->id == 0 && !driver_has_device(rules)) {
        timer->flags |= FT_TIMER_OF_DRIVER;
    }
    timer->flags |= FT_TIMER_PENDING;
    timer->id = ft_arg_id(event, 0);
    timer->dpc = ft_arg_id(event, 3);
    timer->device = event->device;
    timer->periodic = event->arg[2] != 0;
}

/* A timer does not run any more. */
static void stop_timer(struct ft_rs_timer *timer)
{
    if ((timer->flags & FT_TIMER_OF_DRIVER) != 0) {
        timer->flags &= (uint8_t)~FT_TIMER_PENDING;
    } else {
        memset(timer, 0, sizeof(*timer));
    }
}

/* A timer that comes due queues its DPC, unless that is queued already. */
static void expire_timer(struct ft_rules *rules, const struct ft_event *event,
                         struct ft_rs_timer *timer)
{
    struct ft_rs_dpc *dpc = NULL;

    if (timer->dpc != 0 && dpc_entry(rules, timer->dpc, FT_DPC_QUEUED, 0) == NULL) {
        dpc = add_dpc(rules, event, timer->dpc);
    }
    if (dpc != NULL) {
        dpc->flags |= FT_DPC_OF_TIMER;
        dpc->flags |= (timer->flags & FT_TIMER_OF_DRIVER) != 0 ? FT_DPC_OF_DRIVER : 0;
        dpc->device = timer->device;
        dpc->timer = timer->id;
    }
    if (!timer->periodic) {
        stop_timer(timer);
    }
}

/* The timers of the I/O manager (IoStartTimer) are its own to drain. */
void ft_on_timer(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);
    struct ft_rs_timer *timer = id != 0 ? timer_slot(rules, id) : NULL;

    if (event->kind == FT_EV_TIMER_SET) {
        if (id != 0 && event->layer != FT_LAYER_SYSTEM) {
            set_timer(rules, event);
        }
    } else if (timer != NULL && event->kind == FT_EV_TIMER_CANCEL) {
        stop_timer(timer);
    } else if (timer != NULL) {
        expire_timer(rules, event, timer);
    }
}

static bool is_dpc_routine(uint64_t routine)
{
    return routine == FT_ROUTINE_DPC || routine == FT_ROUTINE_TIMER_DPC;
}

/* A DPC leaves the queue before its routine runs, and may be queued again while it runs. */
void ft_dpc_at_enter(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 1);
    struct ft_rs_dpc *dpc;

    if (!is_dpc_routine(event->arg[0]) || ft_handle_class(event->arg[1]) != FT_HC_DPC) {
        return;
    }
    dpc = dpc_entry(rules, id, FT_DPC_QUEUED, 0);
    if (dpc == NULL) {
        dpc = add_dpc(rules, event, id);
    }
    if (dpc != NULL) {
        dpc->flags = (uint8_t)((dpc->flags & (FT_DPC_OF_TIMER | FT_DPC_OF_DRIVER | FT_DPC_MISSED)) |
                               FT_DPC_RUNNING);
        dpc->task = event->task;
    }
}

void ft_dpc_at_leave(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_dpc *dpc;

    if (!is_dpc_routine(event->arg[0]) || ft_handle_class(event->arg[1]) != FT_HC_DPC) {
        return;
    }
    dpc = dpc_entry(rules, ft_arg_id(event, 1), FT_DPC_RUNNING, event->task);
    if (dpc != NULL) {
        memset(dpc, 0, sizeof(*dpc));
    }
}

void ft_judge_dpcs_pending(struct ft_rules *rules, const struct ft_event *event, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_DPCS; i++) {
        const struct ft_rs_dpc *dpc = &rules->dpc[i];

        if (dpc->id == 0 || (device != 0 && ((dpc->flags & FT_DPC_OF_DRIVER) != 0 ||
                                             !ft_rs_same_device(rules, dpc->device, device)))) {
            continue;
        }
        if ((dpc->flags & FT_DPC_MISSED) != 0) {
            ft_rule_fire(rules, FT_J_IO_TIMER_CANCEL_FALSE_HANDLED, event,
                         ft_handle(FT_HC_DPC, dpc->id, 0));
        }
        if ((dpc->flags & FT_DPC_OF_TIMER) != 0) {
            ft_rule_fire(rules, FT_J_IO_TIMER_CANCELLED_BEFORE_FREE, event,
                         ft_handle(FT_HC_DPC, dpc->id, 0));
        } else {
            ft_rule_fire(rules, FT_J_IO_DPC_DRAINED_BEFORE_FREE, event,
                         ft_handle(FT_HC_DPC, dpc->id, 0));
        }
    }
    for (unsigned i = 0; i < FT_RS_TIMERS; i++) {
        const struct ft_rs_timer *timer = &rules->timer[i];

        if ((timer->flags & FT_TIMER_PENDING) != 0 &&
            (device == 0 || ((timer->flags & FT_TIMER_OF_DRIVER) == 0 &&
                             ft_rs_same_device(rules, timer->device, device)))) {
            ft_rule_fire(rules, FT_J_IO_TIMER_CANCELLED_BEFORE_FREE, event,
                         ft_handle(FT_HC_TIMER, timer->id, 0));
        }
    }
}
