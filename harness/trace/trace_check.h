/* What a trace may hold. The writer refuses what the reader would refuse, by the same functions.
 *
 * Each returns NULL when all is well, or a static sentence.
 */
#ifndef FT_TRACE_CHECK_H
#define FT_TRACE_CHECK_H

#include "trace/trace.h"

/* Shape of an event: known number, words that end where an argument ends, unknown bits of arguments
 * it has, known layer. */
const char *ft_check_event_shape(unsigned kind, unsigned words, unsigned unknown, unsigned layer);

/* A whole event: its shape, and zeros where zeros must be. */
const char *ft_check_event(const struct ft_event *event);

const char *ft_check_op(const struct ft_op *op);
const char *ft_check_platform(const struct ft_platform *platform);
const char *ft_check_verdict(const struct ft_verdict *verdict, uint64_t event_count);

#endif
