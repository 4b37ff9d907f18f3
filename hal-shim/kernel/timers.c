/* Timers (wdm-io sheet, section 10). An expired timer signals, and its DPC waits to run as a timer
 * task; KeCancelTimer then says FALSE, because the DPC was queued, runs or has run. */
#include "kernel/dpc.h"
#include "world/machine.h"

#include <wdm.h>

enum { TIMER_OBJECT = 8, TIMER_SYNC_OBJECT = 9, UNITS_PER_MS = 10000 };

static struct ft_timer *find_free(void)
{
    for (unsigned i = 0; i < FT_TIMERS_MAX; i++)
        if (!FT_M->timer[i].timer)
            return &FT_M->timer[i];
    return NULL;
}

/* The slot of a timer that is set and not yet expired; a periodic timer stays set. An expired one
 * keeps a slot of its own until its DPC has begun, so a timer that was set again meanwhile has two.
 */
static struct ft_timer *find_set(const void *timer)
{
    for (unsigned i = 0; i < FT_TIMERS_MAX; i++) {
        struct ft_timer *slot = &FT_M->timer[i];

        if (slot->timer == timer && (!slot->pending || slot->period_ms))
            return slot;
    }
    return NULL;
}

/* The setting is gone. Returns its slot when that is free now: a DPC that is on its way still runs.
 */
static struct ft_timer *unset(struct ft_timer *slot)
{
    if (slot->pending) {
        slot->period_ms = 0;
        return NULL;
    }
    slot->timer = NULL;
    return slot;
}

VOID KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    FT_DDI_BEGIN(TIMER_SET, 0);
    RtlZeroMemory(Timer, sizeof *Timer);
    Timer->Header.Type = Type == SynchronizationTimer ? TIMER_SYNC_OBJECT : TIMER_OBJECT;
    ft_emit(FT_EV_TIMER_INIT, ft_object_register(Timer, FT_HC_TIMER));
    FT_DDI_END(TIMER_SET, 0);
}

VOID KeInitializeTimer(PKTIMER Timer)
{
    KeInitializeTimerEx(Timer, NotificationTimer);
}

static BOOLEAN set_timer(PKTIMER object, LARGE_INTEGER due, LONG period, PKDPC dpc)
{
    struct ft_timer *slot = find_set(object);
    bool was_set = slot != NULL;
    uint64_t relative = due.QuadPart < 0 ? (uint64_t)-due.QuadPart : 0;

    if (was_set)
        slot = unset(slot);
    if (!slot)
        slot = find_free();
    if (!slot) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop_now(FT_STOP_CUT);
    }
    slot->timer = object;
    slot->dpc = dpc;
    slot->due = due.QuadPart < 0 ? FT_M->now + relative : (uint64_t)due.QuadPart;
    slot->period_ms = (uint32_t)period;
    slot->order = FT_M->order_next++;
    slot->pending = 0;
    slot->cpu = ft_current()->cpu;
    object->Header.SignalState = 0;
    ft_emit(FT_EV_TIMER_SET, ft_object_handle(object, FT_HC_TIMER), slot->due, (uint32_t)period,
            dpc ? ft_object_handle(dpc, FT_HC_DPC) : 0, was_set);
    return was_set;
}

BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    BOOLEAN was_set;

    FT_DDI_BEGIN(TIMER_SET, 0);
    was_set = set_timer(Timer, DueTime, Period, Dpc);
    FT_DDI_END(TIMER_SET, 0);
    return was_set;
}

BOOLEAN KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    BOOLEAN was_set;

    FT_DDI_BEGIN(TIMER_SET, 0);
    was_set = set_timer(Timer, DueTime, 0, Dpc);
    FT_DDI_END(TIMER_SET, 0);
    return was_set;
}

BOOLEAN KeCancelTimer(PKTIMER Timer)
{
    struct ft_timer *slot;
    bool was_set;

    FT_DDI_BEGIN(TIMER_CANCEL, 0);
    slot = find_set(Timer);
    was_set = slot != NULL;
    if (was_set)
        unset(slot);
    ft_emit(FT_EV_TIMER_CANCEL, ft_object_handle(Timer, FT_HC_TIMER), was_set);
    FT_DDI_END(TIMER_CANCEL, 0);
    return was_set;
}

void ft_timer_expired(struct ft_timer *timer)
{
    PKTIMER object = timer->timer;
    PRKDPC dpc = timer->dpc;

    object->Header.SignalState = 1;
    if (ft_wake_waiters(object, STATUS_SUCCESS, object->Header.Type == TIMER_OBJECT) > 0 &&
        object->Header.Type == TIMER_SYNC_OBJECT)
        object->Header.SignalState = 0;
    if (timer->period_ms)
        timer->due += (uint64_t)timer->period_ms * UNITS_PER_MS;
    if (dpc && !dpc->DpcData) {
        dpc->DpcData = dpc;
        dpc->SystemArgument1 = NULL;
        dpc->SystemArgument2 = NULL;
        timer->pending = 1;
    } else if (!timer->period_ms) {
        timer->timer = NULL;
    }
}

bool ft_timer_start_next(void)
{
    struct ft_timer *first = NULL;
    unsigned cpu;
    void *dpc;

    for (unsigned i = 0; i < FT_TIMERS_MAX; i++) {
        struct ft_timer *timer = &FT_M->timer[i];

        if (timer->timer && timer->pending && (!first || timer->order < first->order))
            first = timer;
    }
    if (!first || !ft_cpu_find(DISPATCH_LEVEL, &cpu))
        return false;
    dpc = first->dpc;
    first->pending = 0;
    if (!first->period_ms)
        first->timer = NULL;
    ft_dpc_begin(dpc, FT_TASK_TIMER, cpu);
    return true;
}
