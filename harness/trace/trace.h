/* Traces (.ftr): scenario, events and verdict of one run. docs/TRACE_FORMAT.md is the
 * specification.
 *
 * A file is a sequence of zstd frames: the header frame, event blocks (each an independent frame
 * with checksum, at most FT_TRACE_BLOCK_EVENTS events), the verdict frame, and a seek table in a
 * skippable frame (zstd seekable format). `zstd -dc` works; a file cut off anywhere yields every
 * whole block before the cut.
 *
 * Reading is bounded: whatever a file claims, at most FT_TRACE_BYTES_MAX of memory is used and
 * every failure has an offset and a reason. Writing goes to a temporary file in the same folder, is
 * synced and renamed.
 */
#ifndef FT_TRACE_H
#define FT_TRACE_H

#include "sim/event.h"
#include "sim/scenario.h"
#include "status.h"
#include "verdict.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FT_TRACE_VERSION = 1,
    FT_TRACE_BLOCK_EVENTS = 4096,
    FT_TRACE_EVENTS_MAX = 4 << 20,
    FT_TRACE_SITES_MAX = 1 << 16,
    FT_TRACE_FILE_MAX = 256 << 20 /* bytes of a file */
};
#define FT_TRACE_BYTES_MAX (1UL << 30)

enum ft_origin { FT_ORIGIN_SIMULATED = 1, FT_ORIGIN_CAPTURED = 2 };

struct ft_trace {
    /* header */
    uint8_t origin;  /* enum ft_origin */
    uint32_t model;  /* FT_MODEL_NUMBER of the recorder */
    char core[64];   /* "wdm-packet" */
    char mutant[64]; /* "" for the sound core */
    char flavour[16];
    char compiler[64];
    char fingerprint[40];
    char description[2048]; /* lines key=value */
    struct ft_scenario scenario;
    /* events: owned by the trace, free with ft_trace_free */
    struct ft_event *event;
    uint64_t event_count;
    /* sites: function and line of each distinct call site, sorted by site; owned */
    struct ft_trace_site *site;
    uint32_t site_count;
    /* end */
    uint64_t hash;
    struct ft_verdict verdict;
    bool complete; /* false: the file was cut off before the verdict frame */
};

struct ft_trace_site {
    uint64_t site;
    char function[FT_FUNCTION_MAX]; /* "packet.c:PacketDpc:212" */
};

/* Reads a whole file. FT_OK with ret->complete false: the file was cut off, the events before the
 * cut are there and the verdict is not. On failure *ret is untouched, and error has the byte offset
 * in the file where it was noticed; a failure inside a frame has the offset of the frame, and the
 * text says which byte of its content. */
enum ft_status ft_trace_read(const char *path, struct ft_trace *ret, struct ft_error *error);

/* Writes a whole file. `complete` is not looked at: a written trace has a verdict (FT_BAD_FIELD
 * without one). Sites of events that trace->site does not list are stored without a function.
 * FT_BAD_FIELD: the trace holds what no reader would take, with the index of the event (or op) in
 * the text. */
enum ft_status ft_trace_write(const char *path, const struct ft_trace *trace,
                              struct ft_error *error);

/* The same over memory; what fuzzers and tests use. *ret of encode is malloc'd: the caller frees
 * it. */
enum ft_status ft_trace_decode(const uint8_t *bytes, size_t length, struct ft_trace *ret,
                               struct ft_error *error);
enum ft_status ft_trace_encode(const struct ft_trace *trace, uint8_t **ret, size_t *ret_length,
                               struct ft_error *error);

/* How ft_trace_decode_as reads. */
enum ft_decode_how {
    FT_DECODE_SECTIONS = 1, /* bare sections, without frames around them (what `zstd -dc` prints) */
    FT_DECODE_FACTS = 2     /* leave the events out: event is NULL, event_count what it would be */
};
enum ft_status ft_trace_decode_as(const uint8_t *bytes, size_t length, unsigned how,
                                  struct ft_trace *ret, struct ft_error *error);
/* Bare sections; a corpus keeps a trace so, in one frame. */
enum ft_status ft_trace_encode_sections(const struct ft_trace *trace, uint8_t **ret,
                                        size_t *ret_length, struct ft_error *error);

void ft_trace_free(struct ft_trace *trace);

/* Function and line of a site of this trace; "" when it has none. Lives as long as the trace. */
const char *ft_trace_function(const struct ft_trace *trace, uint64_t site);

/* Tables from events.def. */
struct ft_event_row {
    const char *name;
    const char *sentence;
    const char *arg_name[FT_EVENT_ARGS_MAX];
    uint8_t arg_type[FT_EVENT_ARGS_MAX]; /* enum ft_arg_type */
    uint16_t number;
    uint8_t argc;  /* arguments that the row names */
    uint8_t words; /* words of ft_event.arg they take, which is ft_event.argc: a text takes six */
};

/* The argument that a word of ft_event.arg belongs to: a text is last and has what is behind it. */
static inline unsigned ft_word_argument(const struct ft_event_row *row, unsigned word)
{
    return word < row->argc || row->argc == 0 ? word : row->argc - 1U;
}

const struct ft_event_row *ft_event_row(unsigned number); /* NULL when there is none */
size_t ft_event_row_count(void);
const struct ft_event_row *ft_event_row_at(size_t index);

/* One argument as text: "irp#3", "STATUS_PENDING", "yes", "?" when unknown. snprintf convention. */
size_t ft_arg_print(const struct ft_event *event, unsigned index, char *text, size_t capacity);

/* One event as one line of text (no newline), and back: parse(print(e)) == e for every field that
 * is not `site`, if e has the words of its row. A line reads
 *
 *     dma:flushed mapping=map#1 bytes=4096 copied=0 ; irql=DISPATCH layer=system task=3 cpu=0
 *
 * First the name, then arguments in any order (missing: zero, `?`: unknown), then attributes in any
 * order (missing: zero). Print follows the snprintf convention and leaves attributes out that are
 * zero, but not layer and cpu (`-`: no processor). Parse takes what print writes and refuses every
 * other spelling; error->offset is the column, 1 is the first. */
size_t ft_event_print(const struct ft_event *event, char *text, size_t capacity);
enum ft_status ft_event_parse(const char *line, struct ft_event *ret, struct ft_error *error);

#endif
