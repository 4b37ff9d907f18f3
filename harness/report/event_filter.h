/* Which events are shown: a range, objects and kinds.
 *
 * An event passes when it lies in the range, concerns one of the objects (if there are any) and is
 * of one of the kinds (if there are any). An object is concerned by the events that have it as an
 * argument, or as their request, device or task.
 */
#ifndef FT_EVENT_FILTER_H
#define FT_EVENT_FILTER_H

#include "trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

enum { FT_FILTER_OBJECTS_MAX = 16, FT_FILTER_KIND_BYTES = 0x10000 / 8 };

struct ft_filter {
    uint64_t first, end; /* event indices, [first, end) */
    uint64_t object[FT_FILTER_OBJECTS_MAX];
    unsigned object_count;
    bool by_kind;
    uint8_t kind[FT_FILTER_KIND_BYTES]; /* bit for each event number that passes */
};

/* Lets all events of the trace pass. */
void ft_filter_init(struct ft_filter *filter, const struct ft_trace *trace);

/* Narrows the range to the events [first, last], which count from 1. */
void ft_filter_range(struct ft_filter *filter, uint64_t first, uint64_t last);

/* Adds an object: "irp#3", also with an offset ("mdl#5+0x1000"), or a task as the lines name it
 * ("dpc-4"). False: that is none, or there are FT_FILTER_OBJECTS_MAX already. */
bool ft_filter_add_object(struct ft_filter *filter, const char *text);

/* Adds the kinds whose name begins like this ("dma:") or, with *, ? or [, fits this pattern
 * ("*:cancel"). False: no event has such a name. */
bool ft_filter_add_kind(struct ft_filter *filter, const char *pattern);

/* The part that does not look at the range. */
bool ft_filter_passes(const struct ft_filter *filter, const struct ft_event *event);

/* True when the event speaks of that object (a handle without offset): as an argument, or as its
 * request, device or task. */
bool ft_event_concerns(const struct ft_event *event, uint64_t object);

#endif
