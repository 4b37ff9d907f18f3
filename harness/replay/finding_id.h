/* Is it the same finding? The same verdict with the same rule in the same driver function; a crash
 * or a hang has no rule, but its event says what happened and who called last.
 *
 * For engines that run many scenarios: a call site is looked up once.
 */
#ifndef FT_FINDING_ID_H
#define FT_FINDING_ID_H

#include "sim/event.h"
#include "sim/module.h"
#include "verdict.h"

#include <stdbool.h>
#include <stdint.h>

enum { FT_FINDING_SITES = 64 };

struct ft_finding_id {
    const struct ft_module *module;
    const struct ft_verdict *wanted;
    uint64_t what; /* rule, or kind and argument of the stop's event; 0: not known yet */
    char function[FT_FUNCTION_MAX]; /* "file.c:Function" */
    struct {
        uint64_t site;
        bool same;
    } site[FT_FINDING_SITES];
    unsigned site_count;
};

/* `wanted` must stay where it is; its first finding has the function's name. Of a crash or hang the
 * first verdict that is asked about tells. */
void ft_finding_id_init(struct ft_finding_id *id, const struct ft_module *module,
                        const struct ft_verdict *wanted);

/* `stop` is the event that says why the run stopped (ft_stop_event), NULL: none. */
bool ft_finding_id_same(struct ft_finding_id *id, const struct ft_verdict *verdict,
                        const struct ft_event *stop);

/* run:crash, run:hang and run:bugcheck. */
bool ft_is_stop_event(const struct ft_event *event);

/* The last of them, NULL: none. */
const struct ft_event *ft_stop_event(const struct ft_event *event, uint64_t count);

#endif
