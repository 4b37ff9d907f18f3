/* Simulated time. Events carry none: the clock of a trace is set by clock:advance and moved by
 * stalls; between them it stands still. Units are 100 ns.
 */
#ifndef FT_TRACE_CLOCK_H
#define FT_TRACE_CLOCK_H

#include "trace/trace.h"

#include <stddef.h>
#include <stdint.h>

/* Begin with {.trace = trace}; the rest is private. */
struct ft_clock {
    const struct ft_trace *trace;
    uint64_t events; /* that the clock has seen */
    uint64_t now, next;
};

/* The time of event `index` (0 is the first). Cheap when asked in order. */
uint64_t ft_clock_at(struct ft_clock *clock, uint64_t index);

/* A time with its unit: "0us", "12.3us", "15.625ms", "2.5s". snprintf convention. */
size_t ft_time_print(uint64_t units, char *text, size_t capacity);

/* The same for a column, with the same number of digits behind the point in every line: "12us",
 * "15.625ms", "2.500s". */
void ft_time_print_column(uint64_t units, char *text, size_t capacity);

#endif
