/* Calendar time, in 100 ns since the year 1601, and the machine's time zone, which has no bias. */
#include "world/machine.h"

#include <wdm.h>

enum {
    UNITS_PER_MS = 10000,
    MS_PER_SECOND = 1000,
    SECONDS_PER_DAY = 86400,
    FIRST_YEAR = 1601,
    LAST_YEAR = 30827,
    FIRST_WEEKDAY = 1, /* 1 January 1601 was a Monday */
    DAYS_PER_400_YEARS = 146097
};

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

static unsigned days_of_year(unsigned year)
{
    return 365 + is_leap(year);
}

static void put_date(unsigned days, PTIME_FIELDS ret)
{
    unsigned year = FIRST_YEAR + days / DAYS_PER_400_YEARS * 400, month = 1;

    days %= DAYS_PER_400_YEARS;
    for (; days >= days_of_year(year); year++)
        days -= days_of_year(year);
    for (; days >= days_of_month(year, month); month++)
        days -= days_of_month(year, month);
    ret->Year = (CSHORT)year;
    ret->Month = (CSHORT)month;
    ret->Day = (CSHORT)(days + 1);
}

VOID RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields)
{
    uint64_t ms = (uint64_t)Time->QuadPart / UNITS_PER_MS, seconds = ms / MS_PER_SECOND;
    unsigned days = (unsigned)(seconds / SECONDS_PER_DAY);
    unsigned second = (unsigned)(seconds % SECONDS_PER_DAY);

    put_date(days, TimeFields);
    TimeFields->Hour = (CSHORT)(second / 3600);
    TimeFields->Minute = (CSHORT)(second / 60 % 60);
    TimeFields->Second = (CSHORT)(second % 60);
    TimeFields->Milliseconds = (CSHORT)(ms % MS_PER_SECOND);
    TimeFields->Weekday = (CSHORT)((days + FIRST_WEEKDAY) % 7);
}

static bool is_between(int value, int low, int high)
{
    return value >= low && value <= high;
}

static bool are_sound(const TIME_FIELDS *fields)
{
    return is_between(fields->Year, FIRST_YEAR, LAST_YEAR) && is_between(fields->Month, 1, 12) &&
           is_between(fields->Day, 1,
                      (int)days_of_month((unsigned)fields->Year, (unsigned)fields->Month)) &&
           is_between(fields->Hour, 0, 23) && is_between(fields->Minute, 0, 59) &&
           is_between(fields->Second, 0, 59) && is_between(fields->Milliseconds, 0, 999);
}

/* The day of the week is not looked at. */
BOOLEAN RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time)
{
    uint64_t days = 0, seconds;
    unsigned year;

    if (!are_sound(TimeFields))
        return FALSE;
    year = (unsigned)TimeFields->Year;
    days = (year - FIRST_YEAR) / 400 * (uint64_t)DAYS_PER_400_YEARS;
    for (unsigned y = year - (year - FIRST_YEAR) % 400; y < year; y++)
        days += days_of_year(y);
    for (unsigned month = 1; month < (unsigned)TimeFields->Month; month++)
        days += days_of_month(year, month);
    days += (unsigned)TimeFields->Day - 1;
    seconds = days * SECONDS_PER_DAY + (unsigned)TimeFields->Hour * 3600u +
              (unsigned)TimeFields->Minute * 60u + (unsigned)TimeFields->Second;
    Time->QuadPart =
        (LONGLONG)((seconds * MS_PER_SECOND + (unsigned)TimeFields->Milliseconds) * UNITS_PER_MS);
    return TRUE;
}

VOID ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime)
{
    *LocalTime = *SystemTime;
}

VOID ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime)
{
    *SystemTime = *LocalTime;
}

/* The machine's clock moves to what is due next, so every resolution is granted, within the bounds
 * of a PC's. */
ULONG ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution)
{
    enum { FINEST = 5000, COARSEST = 156250 };

    if (!SetResolution || DesiredTime > COARSEST)
        return COARSEST;
    return DesiredTime < FINEST ? FINEST : DesiredTime;
}
