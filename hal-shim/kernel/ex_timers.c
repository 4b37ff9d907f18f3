/* Timers that the kernel allocates (nf-wdm-exallocatetimer and peers): a KTIMER with a DPC that
 * calls the driver's callback at DISPATCH_LEVEL. Threads may wait for one as for a KTIMER. Not
 * modelled: resolution and wake-up attributes, tolerance (it is told, and the timer uses none of
 * it). */
#include "kernel/dpc.h"

enum { UNITS_PER_MS = 10000 };

struct _EX_TIMER {
    KTIMER timer;
    KDPC dpc;
    PEXT_CALLBACK callback;
    PVOID context;
    PEXT_DELETE_CALLBACK delete_callback;
    PVOID delete_context;
    UCHAR life; /* enum life */
    BOOLEAN periodic, in_callback;
};

enum life { ALIVE, DELETED, LAST_CALLBACK /* which sees it off */ };

static uint64_t call_delete(void *routine, void *context, void *unused, void *unused2)
{
    (void)unused;
    (void)unused2;
    ((PEXT_DELETE_CALLBACK)routine)(context);
    return 0;
}

static void gone(PEX_TIMER timer)
{
    uint64_t handle = ft_block_handle(timer);
    PEXT_DELETE_CALLBACK callback = timer->delete_callback;
    PVOID context = timer->delete_context;

    ft_block_free(timer);
    if (callback)
        ft_call_driver_routine(FT_ROUTINE_CALLBACK, handle, 0, 0, call_delete, (void *)callback,
                               context, NULL, NULL);
}

/* Runs as the routine of the timer's DPC. */
static VOID NTAPI run_callback(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    PEX_TIMER timer = context;

    (void)dpc;
    (void)argument1;
    (void)argument2;
    timer->in_callback = TRUE;
    timer->callback(timer, timer->context);
    timer->in_callback = FALSE;
    if (timer->life == LAST_CALLBACK && !ft_timer_is_set(&timer->timer))
        gone(timer);
}

/* NULL when there is no room, or for attributes that are none. */
PEX_TIMER ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes)
{
    const ULONG known = EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE | EX_TIMER_NOTIFICATION;
    PEX_TIMER timer = NULL;

    FT_DDI_BEGIN(TIMER_SET, 0);
    if (!(Attributes & ~known))
        timer = ft_block_for_driver(sizeof *timer, FT_HC_TIMER, 0);
    if (timer) {
        timer->timer.Header.Type =
            Attributes & EX_TIMER_NOTIFICATION ? FT_DT_TIMER : FT_DT_SYNCHRONIZATION_TIMER;
        timer->callback = Callback;
        timer->context = CallbackContext;
        timer->dpc.DeferredRoutine = run_callback;
        timer->dpc.DeferredContext = timer;
        ft_object_register(&timer->dpc, FT_HC_DPC);
        ft_emit(FT_EV_TIMER_INIT, ft_block_handle(timer));
    }
    FT_DDI_END(TIMER_SET, 0);
    return timer;
}

/* A timer that is being deleted is not set again. Tolerance -1 in Parameters: unlimited. */
BOOLEAN ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period,
                   PEXT_SET_PARAMETERS Parameters)
{
    PKDPC dpc = Timer->callback ? &Timer->dpc : NULL;
    uint64_t tolerance = Parameters ? (uint64_t)Parameters->NoWakeTolerance : 0, absolute;
    bool was_set = false;

    FT_DDI_BEGIN(TIMER_SET, 0);
    if (Timer->life == ALIVE) {
        Timer->periodic = Period != 0;
        was_set = ft_timer_set(&Timer->timer, DueTime, (uint64_t)Period, dpc, &absolute);
        ft_emit(FT_EV_TIMER_SET, ft_block_handle(Timer), absolute, (uint64_t)Period / UNITS_PER_MS,
                dpc ? ft_object_handle(dpc, FT_HC_DPC) : 0, was_set, tolerance / UNITS_PER_MS);
    }
    FT_DDI_END(TIMER_SET, 0);
    return was_set;
}

BOOLEAN ExCancelTimer(PEX_TIMER Timer, PVOID Parameters)
{
    bool was_set;

    (void)Parameters;
    FT_DDI_BEGIN(TIMER_CANCEL, 0);
    was_set = ft_timer_cancel(&Timer->timer);
    ft_emit(FT_EV_TIMER_CANCEL, ft_block_handle(Timer), was_set);
    FT_DDI_END(TIMER_CANCEL, 0);
    return was_set;
}

/* Cancel FALSE leaves a one-shot timer to come once more, and it goes then. Wait TRUE waits for a
 * callback that runs. Without it the timer goes as soon as nothing of it runs. */
static bool delete_timer(PEX_TIMER timer, bool cancel, bool wait)
{
    bool was_set = ft_timer_is_set(&timer->timer);

    ft_emit(FT_EV_TIMER_DELETE, ft_block_handle(timer), was_set, wait);
    timer->life = DELETED;
    if (cancel || timer->periodic || !timer->callback)
        ft_timer_cancel(&timer->timer);
    while (wait && ft_dpc_is_busy(&timer->dpc))
        ft_dpc_wait_any();
    if (ft_dpc_is_busy(&timer->dpc) || timer->in_callback || ft_timer_is_set(&timer->timer))
        timer->life = LAST_CALLBACK;
    else
        gone(timer);
    return was_set && cancel;
}

BOOLEAN ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait,
                      PEXT_DELETE_PARAMETERS Parameters)
{
    bool cancelled;

    FT_DDI_BEGIN(TIMER_CANCEL, 0);
    if (Parameters) {
        Timer->delete_callback = Parameters->DeleteCallback;
        Timer->delete_context = Parameters->DeleteContext;
    }
    cancelled = delete_timer(Timer, Cancel, Wait);
    FT_DDI_END(TIMER_CANCEL, 0);
    return cancelled;
}

VOID ExInitializeSetTimerParameters(PEXT_SET_PARAMETERS Parameters)
{
    *Parameters = (EXT_SET_PARAMETERS){0};
}

VOID ExInitializeDeleteTimerParameters(PEXT_DELETE_PARAMETERS Parameters)
{
    *Parameters = (EXT_DELETE_PARAMETERS){0};
}
