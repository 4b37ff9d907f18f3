/* Time: a task like others, the last in the order. It moves to the next thing that comes due. */
#include "world/machine.h"
#include "world/world_private.h"

enum { STATUS_TIMEOUT_VALUE = 0x102 };

/* Everything due at or before now, in order of due time, then of setting. */
static void expire_due(void)
{
    for (;;) {
        struct ft_timer *first = NULL;

        for (unsigned i = 0; i < FT_TIMERS_MAX; i++) {
            struct ft_timer *timer = &FT_M->timer[i];

            if (timer->timer && !timer->pending && !timer->held && timer->due <= FT_M->now &&
                (!first || timer->due < first->due ||
                 (timer->due == first->due && timer->order < first->order)))
                first = timer;
        }
        if (!first)
            break;
        if (!ft_timer_hold(first))
            ft_timer_expired(first);
    }
    for (uint32_t left = FT_ALL_TASKS; left;) {
        struct ft_task *task = ft_next_task(&left);

        if (task->state == FT_TS_WAIT && task->deadline && task->deadline <= FT_M->now)
            ft_task_wake(task, STATUS_TIMEOUT_VALUE);
    }
}

void ft_time_pass(uint64_t units)
{
    FT_M->now += units;
    expire_due();
}

void ft_hardware_pass(void)
{
    uint8_t old = FT_M->in_engine;

    if (FT_M->order.on) {
        ft_order_poll();
        return;
    }
    if (!ft_engine_busy())
        return;
    FT_M->in_engine = FT_ENGINE_STEPPING;
    ft_engine_step();
    FT_M->in_engine = old;
}

/* When the next thing comes due, UINT64_MAX: nothing does. */
static uint64_t next_due(bool periodic_too)
{
    uint64_t due = UINT64_MAX;

    for (unsigned i = 0; i < FT_TIMERS_MAX; i++) {
        const struct ft_timer *timer = &FT_M->timer[i];

        if (timer->timer && !timer->pending && !timer->held &&
            (periodic_too || timer->period == 0) && timer->due < due)
            due = timer->due;
    }
    for (uint32_t left = FT_ALL_TASKS; left;) {
        const struct ft_task *task = ft_next_task(&left);

        if (task->state == FT_TS_WAIT && task->deadline && task->deadline < due)
            due = task->deadline;
    }
    return due;
}

bool ft_clock_pending(void)
{
    return next_due(true) != UINT64_MAX;
}

bool ft_clock_step(bool periodic_too)
{
    uint64_t due = next_due(periodic_too);

    if (due == UINT64_MAX)
        return false;
    if (due > FT_M->now)
        FT_M->now = due;
    ft_emit(FT_EV_CLOCK_ADVANCE, FT_M->now);
    expire_due();
    return true;
}
