/* Timers (kmdf sheet, section 6.3). A timer is a KTIMER with a DPC; a passive one hands its
 * callback on to a work item.
 *
 * While somebody waits in WdfTimerStop, a start does nothing, and the stop returns TRUE for it. An
 * end of the object stops the timer and waits. Not modelled: a high resolution timer differs from
 * another in nothing, because the machine's time has no ticks.
 */
#include "kmdf/kmdf_private.h"

struct timer {
    struct ft_wdf_deferred head;
    KTIMER timer;
    KDPC dpc;
    PIO_WORKITEM work; /* of a passive timer, NULL otherwise */
    ULONG period, delay;
    uint8_t queued;           /* the work item is */
    uint8_t stopping;         /* somebody waits in WdfTimerStop */
    uint8_t started_too_late; /* and somebody started it meanwhile */
};

/* ---- expiry ---- */

FT_FRAMEWORK_ROUTINE
static VOID NTAPI run_passive(PDEVICE_OBJECT device, PVOID context)
{
    struct timer *timer = context;

    (void)device;
    timer->queued = 0;
    ft_wdf_deferred_run(&timer->head, FT_ROUTINE_WDF_TIMER);
    ft_wdf_object_release(&timer->head.object);
}

FT_FRAMEWORK_ROUTINE
static VOID NTAPI expired(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct timer *timer = context;

    (void)dpc;
    (void)argument1;
    (void)argument2;
    if (!timer->work) {
        ft_wdf_deferred_run(&timer->head, FT_ROUTINE_WDF_TIMER);
    } else if (!timer->queued) {
        timer->queued = 1;
        ft_wdf_object_refer(&timer->head.object);
        IoQueueWorkItem(timer->work, run_passive, DelayedWorkQueue, timer);
    }
}

/* ---- stopping ---- */

/* PASSIVE_LEVEL. A callback of the running task is not waited for. */
static bool halt(struct timer *timer)
{
    bool was_set = KeCancelTimer(&timer->timer);

    if (!was_set || timer->period)
        KeFlushQueuedDpcs();
    while (timer->queued || ft_wdf_deferred_runs(&timer->head))
        ft_task_wait(timer, 0);
    return was_set;
}

static void dispose(struct ft_wdf_object *object)
{
    struct timer *timer = (struct timer *)object;

    if (timer->work && ft_wdf_deferred_own(&timer->head))
        ft_emit(FT_EV_WDF_TIMER_STOP, ft_wdf_handle(timer), true, false, true);
    halt(timer);
}

static void destroy(struct ft_wdf_object *object)
{
    struct timer *timer = (struct timer *)object;

    if (timer->work)
        IoFreeWorkItem(timer->work);
}

static const struct ft_wdf_class timer_class = {
    .handle_class = FT_HC_WDF_TIMER, .passive = 1, .dispose = dispose, .destroy = destroy};

/* ---- what drivers call ---- */

static NTSTATUS check(const WDF_TIMER_CONFIG *config, bool passive)
{
    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (config->Period > MAXLONG || (passive && config->Period))
        return STATUS_INVALID_PARAMETER;
    if (config->TolerableDelay != TolerableDelayUnlimited &&
        (config->TolerableDelay > MAXLONG ||
         (config->UseHighResolutionTimer == WdfTrue && config->TolerableDelay)))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static struct timer *create(const WDF_TIMER_CONFIG *config, const WDF_OBJECT_ATTRIBUTES *attributes,
                            NTSTATUS *status)
{
    bool passive = attributes && attributes->ExecutionLevel == WdfExecutionLevelPassive;
    struct timer *timer = NULL;

    *status = check(config, passive);
    if (NT_SUCCESS(*status))
        timer = ft_wdf_deferred_new(&timer_class, sizeof *timer, (void *)config->EvtTimerFunc,
                                    attributes, config->AutomaticSerialization, passive, status);
    if (!timer)
        return NULL;
    timer->period = config->Period;
    timer->delay = config->TolerableDelay == TolerableDelayUnlimited ? 0 : config->TolerableDelay;
    KeInitializeTimerEx(&timer->timer, NotificationTimer);
    KeInitializeDpc(&timer->dpc, expired, timer);
    if (!passive)
        return timer;
    timer->work = IoAllocateWorkItem(timer->head.object.device->fdo);
    if (timer->work)
        return timer;
    *status = STATUS_INSUFFICIENT_RESOURCES;
    ft_wdf_object_abandon(&timer->head.object);
    return NULL;
}

NTSTATUS WdfTimerCreate(PWDF_TIMER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes,
                        WDFTIMER *Timer)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_TIMER, 0);
    ft_wdf_require(Config);
    ft_wdf_require(Timer);
    *Timer = NULL;
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        *Timer = (WDFTIMER)create(Config, Attributes, &status);
    FT_WDF_END(WDF_TIMER, 0);
    return status;
}

static bool set(struct timer *timer, LONGLONG due)
{
    LARGE_INTEGER time = {.QuadPart = due};

    return timer->delay ? KeSetCoalescableTimer(&timer->timer, time, timer->period, timer->delay,
                                                &timer->dpc)
                        : KeSetTimerEx(&timer->timer, time, (LONG)timer->period, &timer->dpc);
}

BOOLEAN WdfTimerStart(WDFTIMER Timer, LONGLONG DueTime)
{
    enum { STARTED, SWALLOWED, DELETING };
    unsigned what = STARTED;
    struct timer *timer;
    bool was_set = false;

    FT_WDF_BEGIN(WDF_TIMER, ft_wdf_label(Timer));
    timer = ft_wdf_check(Timer, FT_HC_WDF_TIMER);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if (timer->head.object.state != FT_WDF_OBJECT_ALIVE) {
        what = DELETING;
    } else if (timer->stopping) {
        what = SWALLOWED;
        timer->started_too_late = 1;
    } else {
        was_set = set(timer, DueTime);
    }
    ft_wdf_emit(FT_EV_WDF_TIMER_START, ft_wdf_handle(timer),
                DueTime < 0 ? FT_M->now + (0 - (uint64_t)DueTime) : (uint64_t)DueTime, was_set,
                what);
    FT_WDF_END(WDF_TIMER, ft_wdf_label(Timer));
    return was_set;
}

static bool stop_and_wait(struct timer *timer)
{
    bool was_set;

    timer->stopping++;
    was_set = halt(timer);
    if (--timer->stopping == 0) {
        was_set = was_set || timer->started_too_late;
        timer->started_too_late = 0;
    }
    return was_set;
}

/* A callback that would wait for itself gets FALSE. The event comes before the wait; its was_set is
 * what a stop that does not wait returns. */
BOOLEAN WdfTimerStop(WDFTIMER Timer, BOOLEAN Wait)
{
    bool own, was_set = false;
    struct timer *timer;

    FT_WDF_BEGIN(WDF_TIMER, ft_wdf_label(Timer));
    timer = ft_wdf_check(Timer, FT_HC_WDF_TIMER);
    own = ft_wdf_deferred_own(&timer->head);
    if (ft_wdf_irql_ok(Wait ? PASSIVE_LEVEL : DISPATCH_LEVEL) || !Wait) {
        if (!Wait)
            was_set = KeCancelTimer(&timer->timer);
        ft_wdf_emit(FT_EV_WDF_TIMER_STOP, ft_wdf_handle(timer), Wait != 0, was_set, own);
        if (Wait && !own)
            was_set = stop_and_wait(timer);
    } else {
        ft_wdf_emit(FT_EV_WDF_TIMER_STOP, ft_wdf_handle(timer), true, false, own);
    }
    FT_WDF_END(WDF_TIMER, ft_wdf_label(Timer));
    return was_set;
}

WDFOBJECT WdfTimerGetParentObject(WDFTIMER Timer)
{
    WDFOBJECT parent;

    FT_WDF_BEGIN(WDF_TIMER, ft_wdf_label(Timer));
    parent = ((struct timer *)ft_wdf_check(Timer, FT_HC_WDF_TIMER))->head.object.parent;
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_TIMER, ft_wdf_label(Timer));
    return parent;
}
