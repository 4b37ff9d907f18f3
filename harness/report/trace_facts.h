/* What a trace says about its run without being asked in so many words. */
#ifndef FT_TRACE_FACTS_H
#define FT_TRACE_FACTS_H

#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ops that struck (late ones included), struck late, and were skipped. */
struct ft_op_counts {
    uint32_t fired;
    uint32_t late;
    uint32_t skipped;
};

void ft_count_ops(const struct ft_trace *trace, struct ft_op_counts *ret);

/* True when the run went on after its first violation (--keep-going): it has the event that ends a
 * run, after that of the violation. Replay must do the same. */
bool ft_kept_going(const struct ft_trace *trace);

/* Judges the recorded events, rules only; functions come from the trace's sites. False: no memory.
 */
bool ft_judge_trace(const struct ft_trace *trace, bool keep_going, struct ft_verdict *ret);

/* The platform as the scenario writes it: "bounce registers=2". snprintf convention. */
size_t ft_platform_print(const struct ft_scenario *scenario, char *text, size_t capacity);

/* Replaces every byte of the trace's texts that a terminal could take as a command. A trace file is
 * anybody's bytes. */
void ft_trace_clean_texts(struct ft_trace *trace);

#endif
