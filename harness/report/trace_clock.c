/* The clock of a trace, and times as text. */
#include "report/trace_clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { UNITS_PER_US = 10, UNITS_PER_MS = 10000, UNITS_PER_S = 10000000 };

/* Lets the clock see the next event. A file may say anything; the clock never goes back. */
static void step(struct ft_clock *clock)
{
    const struct ft_event *event = &clock->trace->event[clock->events++];
    uint64_t argument = event->unknown == 0 && event->argc != 0 ? event->arg[0] : 0;

    if (event->kind == FT_EV_CLOCK_ADVANCE && argument > clock->next) {
        clock->next = argument;
    }
    clock->now = clock->next;
    if (event->kind == FT_EV_STALL && argument < (UINT64_MAX - clock->now) / UNITS_PER_US) {
        clock->next += argument * UNITS_PER_US;
    }
}

uint64_t ft_clock_at(struct ft_clock *clock, uint64_t index)
{
    if (index + 1 < clock->events) {
        clock->events = clock->now = clock->next = 0;
    }
    while (clock->events <= index) {
        step(clock);
    }
    return clock->now;
}

/* "2.5" of 25000 in units of 10000, at most four digits behind the point. */
static size_t print_fraction(uint64_t value, uint64_t unit, const char *name, char *text,
                             size_t capacity)
{
    char digits[8] = "";
    uint64_t scale = unit < 10000 ? unit : 10000;
    unsigned length = 0;

    for (uint64_t step = scale; step > 1; step /= 10) {
        length++;
    }
    snprintf(digits, sizeof(digits), "%0*" PRIu64, (int)length, value % unit / (unit / scale));
    while (length > 0 && digits[length - 1] == '0') {
        digits[--length] = '\0';
    }
    return (size_t)snprintf(text, capacity, "%" PRIu64 "%s%s%s", value / unit,
                            length != 0 ? "." : "", digits, name);
}

size_t ft_time_print(uint64_t units, char *text, size_t capacity)
{
    if (units < UNITS_PER_MS) {
        return print_fraction(units, UNITS_PER_US, "us", text, capacity);
    }
    return units < UNITS_PER_S ? print_fraction(units, UNITS_PER_MS, "ms", text, capacity)
                               : print_fraction(units, UNITS_PER_S, "s", text, capacity);
}

void ft_time_print_column(uint64_t units, char *text, size_t capacity)
{
    if (units < UNITS_PER_MS) {
        snprintf(text, capacity, "%" PRIu64 "us", units / UNITS_PER_US);
    } else if (units < UNITS_PER_S) {
        snprintf(text, capacity, "%" PRIu64 ".%03" PRIu64 "ms", units / UNITS_PER_MS,
                 units % UNITS_PER_MS / UNITS_PER_US);
    } else {
        snprintf(text, capacity, "%" PRIu64 ".%03" PRIu64 "s", units / UNITS_PER_S,
                 units % UNITS_PER_S / UNITS_PER_MS);
    }
}
