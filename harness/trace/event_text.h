/* What printing and parsing of events share; trace.h has the public half. */
#ifndef FT_EVENT_TEXT_H
#define FT_EVENT_TEXT_H

#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FT_TEXT_BYTES = 48,    /* of a text argument */
    FT_VALUE_NAME_MAX = 80 /* more than any single value but a text needs, with its NUL */
};

/* ft_value_print writes one value that is not a text, by name or number; snprintf convention. */
size_t ft_value_print(enum ft_arg_type type, uint64_t value, char *text, size_t capacity);

/* ft_has_no_major: the code of call:enter and call:leave means something for dispatch routines
 * only; elsewhere zero is not CREATE and prints as `-`. */
bool ft_has_no_major(const struct ft_event *event, const struct ft_event_row *row, unsigned index);

#endif
