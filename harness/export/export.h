/* A trace in other forms: a page to look at, a Perfetto trace, JSON, a regression test in C.
 *
 * docs/EXPORT.md says what each form holds. Every writer reads a trace whose texts are clean
 * (ft_cli_read_trace) and writes to a stream; the caller looks after the stream's failures. What a
 * writer needs beside the trace is of the trace's size at most.
 */
#ifndef FT_EXPORT_H
#define FT_EXPORT_H

#include "export/story.h"
#include "status.h"
#include "trace/trace.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct ft_export {
    const struct ft_trace *trace;
    const char *path;  /* of the trace, as typed */
    const char *rerun; /* the command that replays it */
    json_t *no_return; /* the point of no return (ft_explained_json), NULL: nobody looked for it */
};

struct ft_export_format {
    const char *name; /* of --format */
    const char *sentence;
    bool binary;
    bool has_facts; /* it has what ft_export_facts gives */
    enum ft_status (*write)(const struct ft_export *export, FILE *out, struct ft_error *error);
};

/* The formats, in the order of the help; NULL behind the last. */
extern const struct ft_export_format *const ft_export_formats[];

extern const struct ft_export_format ft_export_html, ft_export_perfetto, ft_export_json,
    ft_export_ctest;

/* ---- what several formats share ---- */

/* Everything about the run that is no event: the members of ft_json_trace, compiler, description,
 * complete, suspended, no_return (where it is known), trace, rerun, scenario (text) and its ops
 * (op, text, fired, late, skipped: events or null). */
json_t *ft_export_facts(const struct ft_export *export);

/* What a span is called ("READ", "map#3", "dpc-11", "DPC", "channel 0"). snprintf convention. */
size_t ft_span_print(const struct ft_span *span, char *text, size_t capacity);

/* "request", "mapping", …: the name of a kind of span. */
const char *ft_span_kind_name(unsigned kind);

#endif
