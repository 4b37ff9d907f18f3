/* Events and waits (wdm-io sheet, section 10). */
#include "world/machine.h"

#include <wdm.h>

enum {
    NOTIFICATION_OBJECT = 0,
    SYNCHRONIZATION_OBJECT = 1,
    TIMER_OBJECT = 8,
    TIMER_SYNC_OBJECT = 9
};

VOID KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    FT_DDI_BEGIN(EVENT_SET, 0);
    Event->Header.Type =
        Type == SynchronizationEvent ? SYNCHRONIZATION_OBJECT : NOTIFICATION_OBJECT;
    Event->Header.SignalState = State ? 1 : 0;
    ft_emit(FT_EV_EVENT_INIT, ft_object_register(Event, FT_HC_EVENT), Type == SynchronizationEvent,
            State != 0);
    FT_DDI_END(EVENT_SET, 0);
}

static LONG signal_event(PRKEVENT event)
{
    LONG previous = event->Header.SignalState;

    if (event->Header.Type == SYNCHRONIZATION_OBJECT) {
        if (!previous && ft_wake_waiters(event, STATUS_SUCCESS, false) == 0)
            event->Header.SignalState = 1;
    } else {
        event->Header.SignalState = 1;
        ft_wake_waiters(event, STATUS_SUCCESS, true);
    }
    return previous;
}

/* Not modelled: the priority increment; Wait TRUE (a wait that follows at once) is the same as
 * FALSE here, because no other task runs between the two but at a point. */
LONG KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    LONG previous;

    (void)Increment;
    (void)Wait;
    FT_DDI_BEGIN(EVENT_SET, 0);
    ft_emit(FT_EV_EVENT_SET, ft_object_handle(Event, FT_HC_EVENT), Event->Header.SignalState != 0);
    previous = signal_event(Event);
    FT_DDI_END(EVENT_SET, 0);
    return previous;
}

static LONG clear_event(PRKEVENT event)
{
    LONG previous = event->Header.SignalState;

    ft_emit(FT_EV_EVENT_CLEAR, ft_object_handle(event, FT_HC_EVENT), previous != 0);
    event->Header.SignalState = 0;
    return previous;
}

VOID KeClearEvent(PRKEVENT Event)
{
    FT_DDI_BEGIN(EVENT_SET, 0);
    clear_event(Event);
    FT_DDI_END(EVENT_SET, 0);
}

LONG KeResetEvent(PRKEVENT Event)
{
    LONG previous;

    FT_DDI_BEGIN(EVENT_SET, 0);
    previous = clear_event(Event);
    FT_DDI_END(EVENT_SET, 0);
    return previous;
}

LONG KeReadStateEvent(PRKEVENT Event)
{
    return Event->Header.SignalState;
}

/* Absolute time of a time-out: negative values are relative. */
static uint64_t deadline_of(const LARGE_INTEGER *timeout)
{
    uint64_t at = timeout->QuadPart < 0 ? FT_M->now + (uint64_t)-timeout->QuadPart
                                        : (uint64_t)timeout->QuadPart;

    return at ? at : 1;
}

static bool take_signal(DISPATCHER_HEADER *header)
{
    if (!header->SignalState)
        return false;
    if (header->Type == SYNCHRONIZATION_OBJECT || header->Type == TIMER_SYNC_OBJECT)
        header->SignalState = 0;
    return true;
}

/* Not modelled: alertable and user-mode waits end only by signal or time-out; mutexes, semaphores
 * and threads stop the run by name. A wait that blocks at DISPATCH_LEVEL is bug check 0xB8. */
NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                               BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    DISPATCHER_HEADER *header = Object;
    bool can_block = !Timeout || Timeout->QuadPart != 0;
    bool timer = header->Type == TIMER_OBJECT || header->Type == TIMER_SYNC_OBJECT;
    uint64_t handle = ft_object_handle(Object, timer ? FT_HC_TIMER : FT_HC_EVENT);
    NTSTATUS status = STATUS_SUCCESS;

    (void)WaitReason;
    (void)WaitMode;
    (void)Alertable;
    FT_DDI_BEGIN(WAIT, 0);
    if (header->Type > SYNCHRONIZATION_OBJECT && !timer)
        ft_unimplemented("KeWaitForSingleObject on this kind of object");
    ft_emit(FT_EV_WAIT_BEGIN, handle, can_block);
    if (!take_signal(header)) {
        if (can_block && ft_irql() >= DISPATCH_LEVEL)
            ft_bugcheck(0xB8, 0, 0, 0, 0);
        status =
            can_block ? ft_task_wait(Object, Timeout ? deadline_of(Timeout) : 0) : STATUS_TIMEOUT;
    }
    ft_emit(FT_EV_WAIT_END, handle, (uint32_t)status);
    FT_DDI_END(WAIT, 0);
    return status;
}

NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                PLARGE_INTEGER Interval)
{
    (void)WaitMode;
    (void)Alertable;
    FT_DDI_BEGIN(WAIT, 0);
    ft_emit(FT_EV_DELAY,
            Interval->QuadPart < 0 ? (uint64_t)-Interval->QuadPart : (uint64_t)Interval->QuadPart);
    if (ft_irql() >= DISPATCH_LEVEL)
        ft_bugcheck(0xB8, 0, 0, 0, 0);
    ft_task_wait(ft_current(), deadline_of(Interval));
    FT_DDI_END(WAIT, 0);
    return STATUS_SUCCESS;
}
