/* What the events of a trace belong to, as spans from one event to another: requests, mappings from
 * MapTransfer to flush to completion, common buffers, what the device's engine moves, tasks, driver
 * routines. The timelines that `flushtrace export` writes are drawn from them.
 *
 * A span is told from the events alone. Where they do not say (a trace may begin anywhere and be
 * cut anywhere), it lacks an owner or an end.
 */
#ifndef FT_STORY_H
#define FT_STORY_H

#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ft_span_kind {
    FT_SPAN_REQUEST, /* irp:new to irp:done (or irp:free) */
    FT_SPAN_MAPPING, /* MapTransfer or list element to the completion of its request */
    FT_SPAN_COMMON,  /* a common buffer, allocated to freed */
    FT_SPAN_ENGINE,  /* engine:begin to engine:end */
    FT_SPAN_TASK,    /* task:new to task:end */
    FT_SPAN_ROUTINE, /* call:enter to call:leave */
    FT_SPAN_KINDS
};

#define FT_STORY_NONE UINT32_MAX

/* Lanes of engines: the channel; of a second device from here on. */
enum { FT_STORY_SECOND = 32 };

/* Events are indices, 0 is the first. */
struct ft_span {
    uint64_t object;     /* irp, map, common, task, object of the routine; 0 for an engine */
    uint32_t begin, end; /* first and last event */
    uint32_t mark;       /* request: its last irp:complete; mapping: its last flush; or none */
    uint32_t owner;      /* mapping: the span of its request; FT_STORY_NONE: not known */
    uint32_t lane;       /* engine: channel; task and routine: the task */
    uint32_t detail; /* bytes of mapping, buffer and engine; code of a request (major << 8 | minor);
                        kind of a task; kind of a routine */
    uint8_t kind;    /* enum ft_span_kind */
    uint8_t depth;   /* routines around this one in its task */
    bool write;      /* mapping and engine: the device reads memory */
    bool open;       /* it has not ended by the last event */
};

struct ft_story {
    struct ft_span *span; /* in the order of their first events; owned */
    size_t count, capacity;
};

/* False: no memory. End with ft_story_end either way. */
bool ft_story_begin(struct ft_story *story, const struct ft_trace *trace);
void ft_story_end(struct ft_story *story);

#endif
