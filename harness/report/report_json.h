/* JSON of verdicts, events and traces, with the keys of the command line (docs: flushtrace VERB
 * --json).
 *
 * Every function returns a new reference, or NULL when memory is short.
 */
#ifndef FT_REPORT_JSON_H
#define FT_REPORT_JSON_H

#include "trace/trace.h"

#include <jansson.h>

/* A string of anybody's bytes: what is not printable ASCII becomes `?`. */
json_t *ft_json_text(const char *text);

/* {"rule": id, "number", "severity", "event", "function", "object", "sentence", "source",
 * "bugcheck"} */
json_t *ft_json_finding(const struct ft_finding *finding);

/* {"event", "name", "cpu", "irql", "layer", "task", "device", "request", "label", "nesting",
 * "arguments": {name: text}, "function"} of event `index` (0 is the first). */
json_t *ft_json_event(const struct ft_trace *trace, uint64_t index);

/* verdict, rule, event, function, object, detail, also[], warnings[] into an object that exists. */
void ft_json_add_verdict(json_t *object, const struct ft_verdict *verdict);

/* driver, mutant, platform, flavour, model, events, hash, ops_fired, ops_late, ops_skipped and the
 * verdict of a trace. */
json_t *ft_json_trace(const struct ft_trace *trace);

/* A list of what was suspended: object ("": everything), need, rules (ids), since, until. */
json_t *ft_json_suspended(const struct ft_trace *trace);

#endif
