/* Where two traces part. */
#ifndef FT_DIFFERENCE_H
#define FT_DIFFERENCE_H

#include "trace/trace.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The first event after `after` (1 is the first, 0: from the beginning) that differs in anything
 * but its call site, which is bound to a compiler; one past the end of the shorter trace when it is
 * a beginning of the other; 0: none. */
uint64_t ft_first_difference(const struct ft_trace *a, const struct ft_trace *b, uint64_t after);

/* The same for runs that may be on two platforms: the event run:begin, which tells the platform, is
 * passed over when there is another difference. */
uint64_t ft_first_departure(const struct ft_trace *a, const struct ft_trace *b);

/* Prints `context` events before the difference, then from it on both traces, `-` for a and `+` for
 * b, with as much context behind. */
void ft_difference_print(const struct ft_trace *a, const struct ft_trace *b, uint64_t event,
                         unsigned context, FILE *out);

#endif
