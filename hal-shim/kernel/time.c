/* Time as a driver sees it. Stalls and time queries move the clock, and let the hardware work. */
#include "world/machine.h"

#include <wdm.h>

enum {
    UNITS_PER_US = 10,
    UNITS_PER_QUERY = 1,
    UNITS_PER_TICK = 156250,
    PERFORMANCE_FREQUENCY = 10000000
};

static uint64_t query(void *return_address)
{
    uint64_t now;

    ft_ddi_begin(FT_PT_STALL, 0, return_address);
    ft_time_pass(UNITS_PER_QUERY);
    now = FT_M->now;
    FT_DDI_END(STALL, 0);
    return now;
}

VOID KeStallExecutionProcessor(ULONG MicroSeconds)
{
    FT_DDI_BEGIN(STALL, 0);
    ft_emit(FT_EV_STALL, MicroSeconds);
    ft_time_pass((uint64_t)MicroSeconds * UNITS_PER_US);
    ft_hardware_pass();
    FT_DDI_END(STALL, 0);
}

LARGE_INTEGER KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency)
{
    LARGE_INTEGER now;

    if (PerformanceFrequency)
        PerformanceFrequency->QuadPart = PERFORMANCE_FREQUENCY;
    now.QuadPart = (LONGLONG)query(__builtin_return_address(0));
    return now;
}

/* The simulated epoch is 0: no date of the host reaches a driver. */
VOID KeQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
    CurrentTime->QuadPart = (LONGLONG)query(__builtin_return_address(0));
}

VOID KeQueryTickCount(PLARGE_INTEGER CurrentCount)
{
    CurrentCount->QuadPart = (LONGLONG)(query(__builtin_return_address(0)) / UNITS_PER_TICK);
}

/* In 100 ns, as a driver multiplies KeQueryTickCount with it. A constant: no time passes. */
ULONG KeQueryTimeIncrement(VOID)
{
    return UNITS_PER_TICK;
}

/* Time since the machine started, which is when its clock was 0; it never sleeps. */
ULONGLONG KeQueryInterruptTime(VOID)
{
    return query(__builtin_return_address(0));
}

/* All clocks of the machine are precise. */
VOID KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime)
{
    CurrentTime->QuadPart = (LONGLONG)query(__builtin_return_address(0));
}

ULONGLONG KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp)
{
    ULONGLONG now = query(__builtin_return_address(0));

    *QpcTimeStamp = now;
    return now;
}

/* Without the time that the machine slept, which is none: S-states take no time here. */
ULONGLONG KeQueryUnbiasedInterruptTime(VOID)
{
    return query(__builtin_return_address(0));
}

void ft_yield_processor(void)
{
    query(__builtin_return_address(0));
    ft_hardware_pass();
}
