/* Events (wdm-io sheet, section 10). Not modelled: the priority increment. */
#include "kernel/dispatcher.h"

VOID KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    FT_DDI_BEGIN(EVENT_SET, 0);
    Event->Header.Type =
        Type == SynchronizationEvent ? FT_DT_SYNCHRONIZATION_EVENT : FT_DT_NOTIFICATION_EVENT;
    Event->Header.SignalState = State ? 1 : 0;
    ft_emit(FT_EV_EVENT_INIT, ft_object_register(Event, FT_HC_EVENT), Type == SynchronizationEvent,
            State != 0, ft_memory_kind(Event));
    FT_DDI_END(EVENT_SET, 0);
}

static LONG set_event(PRKEVENT event)
{
    LONG previous = event->Header.SignalState;

    ft_emit(FT_EV_EVENT_SET, ft_dispatcher_handle(event), previous != 0);
    event->Header.SignalState = 1;
    ft_dispatcher_signal(&event->Header);
    return previous;
}

static LONG clear_event(PRKEVENT event)
{
    LONG previous = event->Header.SignalState;

    ft_emit(FT_EV_EVENT_CLEAR, ft_dispatcher_handle(event), previous != 0);
    event->Header.SignalState = 0;
    return previous;
}

LONG KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    LONG previous;

    (void)Increment;
    (void)Wait;
    FT_DDI_BEGIN(EVENT_SET, 0);
    previous = set_event(Event);
    FT_DDI_END(EVENT_SET, 0);
    return previous;
}

/* Frees those that wait now, and leaves the event not signalled. */
LONG KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    LONG previous;

    (void)Increment;
    (void)Wait;
    FT_DDI_BEGIN(EVENT_SET, 0);
    previous = set_event(Event);
    clear_event(Event);
    FT_DDI_END(EVENT_SET, 0);
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
