/* The events of a failing run that matter to its finding: what became of the objects it is about.
 *
 * From the object of the finding and those that its event names, along what ties them together (a
 * request, its MDL, the grant and the mappings made for it, the framework's request and
 * transaction, an SRB), to every event of those objects that moves a request or its DMA on; and the
 * ops that struck, the rule's own event and the point of no return.
 */
#ifndef FT_MATTERS_H
#define FT_MATTERS_H

#include "trace/trace.h"

#include <stdint.h>

enum { FT_MATTERS_OBJECTS = 48, FT_MATTERS_EVENTS = 48, FT_MATTERS_FIRST = 12 };

struct ft_matters {
    uint64_t object[FT_MATTERS_OBJECTS];
    unsigned object_count;
    uint64_t event[FT_MATTERS_EVENTS]; /* numbers (1 is the first), ascending */
    unsigned event_count;
    uint64_t left_out; /* events that matter too, behind the first FT_MATTERS_FIRST */
};

/* `rule_event` and `point` are event numbers; 0: there is none. */
void ft_matters_read(const struct ft_trace *trace, uint64_t rule_event, uint64_t point,
                     struct ft_matters *ret);

#endif
