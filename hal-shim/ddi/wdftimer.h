/* Timer objects. A timer is not stopped by power transitions, only by its driver or its deletion.
 */
#ifndef _WDFTIMER_H_
#define _WDFTIMER_H_

#include "wdfcore.h"
#include "wdfobject.h"

EXTERN_C_START

#define TolerableDelayUnlimited ((ULONG)-1)

/* DISPATCH_LEVEL, or PASSIVE_LEVEL when the timer's execution level is passive; under the callback
 * lock of the parent when AutomaticSerialization is set. */
typedef VOID EVT_WDF_TIMER(WDFTIMER Timer);
typedef EVT_WDF_TIMER *PFN_WDF_TIMER;

/* Period and TolerableDelay in ms; a Period of 0 is a timer that comes once. */
typedef struct _WDF_TIMER_CONFIG {
    ULONG Size;
    PFN_WDF_TIMER EvtTimerFunc;
    ULONG Period;
    BOOLEAN AutomaticSerialization;
    ULONG TolerableDelay;
    DECLSPEC_ALIGN(8) BOOLEAN UseHighResolutionTimer;
} WDF_TIMER_CONFIG, *PWDF_TIMER_CONFIG;

FORCEINLINE VOID WDF_TIMER_CONFIG_INIT_PERIODIC(PWDF_TIMER_CONFIG Config,
                                                PFN_WDF_TIMER EvtTimerFunc, LONG Period)
{
    RtlZeroMemory(Config, sizeof *Config);
    Config->Size = sizeof *Config;
    Config->EvtTimerFunc = EvtTimerFunc;
    Config->Period = (ULONG)Period;
    Config->AutomaticSerialization = TRUE;
}

FORCEINLINE VOID WDF_TIMER_CONFIG_INIT(PWDF_TIMER_CONFIG Config, PFN_WDF_TIMER EvtTimerFunc)
{
    WDF_TIMER_CONFIG_INIT_PERIODIC(Config, EvtTimerFunc, 0);
}

/* <= DISPATCH_LEVEL. The attributes must name a parent. */
NTSTATUS WdfTimerCreate(PWDF_TIMER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes,
                        WDFTIMER *Timer);
/* <= DISPATCH_LEVEL. TRUE: it was set already. DueTime in 100 ns, relative when negative. */
BOOLEAN WdfTimerStart(WDFTIMER Timer, LONGLONG DueTime);
/* <= DISPATCH_LEVEL; PASSIVE_LEVEL when it waits for a running callback. TRUE: it was set. */
BOOLEAN WdfTimerStop(WDFTIMER Timer, BOOLEAN Wait);
WDFOBJECT WdfTimerGetParentObject(WDFTIMER Timer);

EXTERN_C_END

#endif
