/* Timers (wdm-io sheet, section 10). An expired timer signals, and its DPC waits to run as a timer
 * task; KeCancelTimer then says FALSE, because the DPC was queued, runs or has run. */
#include "kernel/dpc.h"

enum { UNITS_PER_MS = 10000 };

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

        if (slot->timer == timer && (!slot->pending || slot->period))
            return slot;
    }
    return NULL;
}

/* The setting is gone. Returns its slot when that is free now: a DPC that is on its way still runs.
 */
static struct ft_timer *unset(struct ft_timer *slot)
{
    if (slot->pending) {
        slot->period = 0;
        return NULL;
    }
    slot->timer = NULL;
    return slot;
}

VOID KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    FT_DDI_BEGIN(TIMER_SET, 0);
    RtlZeroMemory(Timer, sizeof *Timer);
    Timer->Header.Type = Type == SynchronizationTimer ? FT_DT_SYNCHRONIZATION_TIMER : FT_DT_TIMER;
    ft_emit(FT_EV_TIMER_INIT, ft_object_register(Timer, FT_HC_TIMER));
    FT_DDI_END(TIMER_SET, 0);
}

VOID KeInitializeTimer(PKTIMER Timer)
{
    KeInitializeTimerEx(Timer, NotificationTimer);
}

bool ft_timer_is_set(const KTIMER *timer)
{
    return find_set(timer) != NULL;
}

bool ft_timer_set(PKTIMER timer, int64_t due, uint64_t period, PKDPC dpc, uint64_t *absolute)
{
    struct ft_timer *slot = find_set(timer);
    bool was_set = slot != NULL;

    if (was_set)
        slot = unset(slot);
    if (!slot)
        slot = find_free();
    if (!slot) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop_now(FT_STOP_CUT);
    }
    slot->timer = timer;
    slot->dpc = dpc;
    slot->due = due < 0 ? FT_M->now + (0 - (uint64_t)due) : (uint64_t)due;
    slot->period = period;
    slot->order = FT_M->order_next++;
    slot->pending = 0;
    slot->held = 0;
    slot->cpu = ft_current()->cpu;
    slot->focus = FT_DEV->number;
    timer->Header.SignalState = 0;
    *absolute = slot->due;
    return was_set;
}

/* tolerance: in ms, as the period; the timer uses none of it. */
static BOOLEAN set_timer(PKTIMER timer, LARGE_INTEGER due, ULONG period, ULONG tolerance, PKDPC dpc)
{
    uint64_t absolute;
    bool was_set =
        ft_timer_set(timer, due.QuadPart, (uint64_t)period * UNITS_PER_MS, dpc, &absolute);

    ft_emit(FT_EV_TIMER_SET, ft_dispatcher_handle(timer), absolute, period,
            dpc ? ft_object_handle(dpc, FT_HC_DPC) : 0, was_set, tolerance);
    return was_set;
}

BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    BOOLEAN was_set;

    FT_DDI_BEGIN(TIMER_SET, 0);
    was_set = set_timer(Timer, DueTime, (ULONG)Period, 0, Dpc);
    FT_DDI_END(TIMER_SET, 0);
    return was_set;
}

BOOLEAN KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    BOOLEAN was_set;

    FT_DDI_BEGIN(TIMER_SET, 0);
    was_set = set_timer(Timer, DueTime, 0, 0, Dpc);
    FT_DDI_END(TIMER_SET, 0);
    return was_set;
}

BOOLEAN KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period,
                              ULONG TolerableDelay, PKDPC Dpc)
{
    BOOLEAN was_set;

    FT_DDI_BEGIN(TIMER_SET, 0);
    was_set = set_timer(Timer, DueTime, Period, TolerableDelay, Dpc);
    FT_DDI_END(TIMER_SET, 0);
    return was_set;
}

BOOLEAN KeReadStateTimer(PKTIMER Timer)
{
    return Timer->Header.SignalState != 0;
}

bool ft_timer_cancel(PKTIMER timer)
{
    struct ft_timer *slot = find_set(timer);

    if (slot)
        unset(slot);
    return slot != NULL;
}

BOOLEAN KeCancelTimer(PKTIMER Timer)
{
    bool was_set;

    FT_DDI_BEGIN(TIMER_CANCEL, 0);
    was_set = ft_timer_cancel(Timer);
    ft_emit(FT_EV_TIMER_CANCEL, ft_dispatcher_handle(Timer), was_set);
    FT_DDI_END(TIMER_CANCEL, 0);
    return was_set;
}

void ft_timer_expired(struct ft_timer *timer)
{
    PKTIMER object = timer->timer;
    PRKDPC dpc = timer->dpc;

    ft_emit(FT_EV_TIMER_EXPIRE, ft_dispatcher_handle(object));
    object->Header.SignalState = 1;
    ft_dispatcher_signal(&object->Header);
    timer->due += timer->period;
    if (dpc && !dpc->DpcData) {
        dpc->DpcData = dpc;
        dpc->SystemArgument1 = NULL;
        dpc->SystemArgument2 = NULL;
        timer->pending = 1;
        timer->expired = FT_M->order_next++;
    } else if (!timer->period) {
        timer->timer = NULL;
    }
}

/* ---- ops: late-timer and timer-due ---- */

enum { CHOSE_LATE = 1, CHOSE_AFTER_ALL, CHOSE_DUE };

static void announce(const struct ft_timer *slot, unsigned what)
{
    uint64_t arg[] = {ft_dispatcher_handle(slot->timer), what};

    ft_emit_as(FT_LAYER_HARNESS, 0, FT_EV_CHOICE_TIMER, 2, arg);
}

bool ft_timer_hold(struct ft_timer *timer)
{
    if (!FT_M->timer_late || FT_M->phase == FT_PHASE_TAIL)
        return false;
    FT_M->timer_late = 0;
    timer->held = FT_TIMER_HELD;
    announce(timer, CHOSE_LATE);
    return true;
}

bool ft_timer_release(bool all)
{
    bool any = false;

    for (unsigned i = 0; i < FT_TIMERS_MAX; i++) {
        struct ft_timer *slot = &FT_M->timer[i];

        if (!slot->timer || !slot->held)
            continue;
        if (slot->held == FT_TIMER_HELD && !all) {
            slot->held = FT_TIMER_HELD_OVER_QUIET;
            continue;
        }
        slot->held = FT_TIMER_FREE_TO_EXPIRE;
        announce(slot, CHOSE_AFTER_ALL);
        any = true;
    }
    if (any)
        ft_time_pass(0);
    return any;
}

static bool is_due_before(const struct ft_timer *a, const struct ft_timer *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

/* The index-th timer that is set, in the order in which they come due. */
static struct ft_timer *find_due(unsigned index)
{
    struct ft_timer *last = NULL;

    for (;;) {
        struct ft_timer *next = NULL;

        for (unsigned i = 0; i < FT_TIMERS_MAX; i++) {
            struct ft_timer *slot = &FT_M->timer[i];

            if (slot->timer && !slot->pending && !slot->held &&
                (!last || is_due_before(last, slot)) && (!next || is_due_before(slot, next)))
                next = slot;
        }
        if (!next || index-- == 0)
            return next;
        last = next;
    }
}

/* What keeps the processor from everything else for so long need not be the driver: an interrupt of
 * another device, firmware, the host of a virtual machine. */
static bool come_due(unsigned index)
{
    struct ft_timer *slot = find_due(index);

    if (!slot)
        return false;
    announce(slot, CHOSE_DUE);
    ft_time_pass(slot->due > FT_M->now ? slot->due - FT_M->now : 0);
    FT_M->prefer_kind = FT_TASK_TIMER;
    return true;
}

bool ft_timer_op(const struct ft_op *op)
{
    if (op->kind == FT_OP_TIMER_DUE)
        return come_due(op->arg[0]);
    FT_M->timer_late = 1;
    return true;
}

/* DPCs of timers run in the order in which their timers expired. */
static struct ft_timer *first_expired(void)
{
    struct ft_timer *first = NULL;

    for (unsigned i = 0; i < FT_TIMERS_MAX; i++) {
        struct ft_timer *timer = &FT_M->timer[i];

        if (timer->timer && timer->pending && (!first || timer->expired < first->expired))
            first = timer;
    }
    return first;
}

void *ft_timer_pending(void)
{
    struct ft_timer *first = first_expired();
    unsigned cpu;

    return first && ft_cpu_find(DISPATCH_LEVEL, &cpu) ? first->timer : NULL;
}

bool ft_timer_start_next(void)
{
    struct ft_timer *first = first_expired();
    struct ft_dpc_entry entry;
    unsigned cpu;

    if (!first || !ft_cpu_find(DISPATCH_LEVEL, &cpu))
        return false;
    entry = (struct ft_dpc_entry){first->dpc, first->expired, (uint8_t)cpu, first->focus};
    first->pending = 0;
    if (!first->period)
        first->timer = NULL;
    ft_dpc_begin(FT_TASK_TIMER, &entry);
    return true;
}
