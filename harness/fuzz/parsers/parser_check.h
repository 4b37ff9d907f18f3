/* What the fuzz targets of our parsers have in common. A parser of strangers' bytes must do more
 * than survive: an error says where and why, and what was taken can be written and is then read
 * again as the same. */
#ifndef FT_PARSER_CHECK_H
#define FT_PARSER_CHECK_H

#include "status.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The engine's entry point, one in each parse_*.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with that sentence unless it holds. */
void ft_parser_check(bool holds, const char *sentence);

/* An error has a status, a reason, and a place no later than `last`. */
void ft_parser_check_error(enum ft_status status, const struct ft_error *error, uint64_t last);

/* A trace that was read is written, read and written again: the same bytes, framed and bare. Its
 * events survive their text form. */
void ft_parser_check_trace(struct ft_trace *trace);

/* So does a scenario, as bytes and as text. */
void ft_parser_check_scenario(const struct ft_scenario *scenario);

#endif
