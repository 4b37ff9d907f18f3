/* The point of no return of a failing run: the event from which on it fails whatever happens.
 *
 * From an event on many continuations are run (continuation.h): the events up to it are as
 * recorded, nothing more of the scenario comes, and tasks run as drawn. The share of them that has
 * the same finding rises along the run; where it jumps to certain, so that no continuation tried
 * from there or from any later event ends otherwise, is the point of no return. Tried are, from
 * every event: the world's own order, each single preemption right behind the event, and random
 * ones. So an escape that takes one preemption is never missed (unless events are left out, see
 * `stride`); one that takes several may be.
 *
 * Fill the first part of struct ft_explain, call ft_explain_run, read the rest, call
 * ft_explain_free. The driver's code runs in worker processes.
 */
#ifndef FT_EXPLAIN_H
#define FT_EXPLAIN_H

#include "explain/continuation.h"
#include "status.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FT_EXPLAIN_JOBS_MAX = 64,
    FT_EXPLAIN_SHARES_MAX = 24,
    FT_EXPLAIN_RANDOM = 100 /* random continuations behind each share that is told */
};

/* Continuations from one event on. */
struct ft_share {
    uint32_t event; /* the last one that is as recorded, 0: none is */
    uint32_t runs;
    uint32_t same;  /* of these, with the same finding */
    uint32_t clean; /* without any; the rest has another finding or no verdict */
};

enum ft_explain_end {
    FT_EXPLAIN_POINT, /* there is a point of no return */
    FT_EXPLAIN_START, /* it is lost before the first event: the driver, left alone, fails */
    FT_EXPLAIN_TIME,  /* out of time: not determined */
    FT_EXPLAIN_STOPPED
};

struct ft_explain {
    /* --- what to do --- */
    const struct ft_module *module;
    const struct ft_trace *trace; /* of a run by this module, with a finding */
    unsigned jobs;                /* 0: one for each processor */
    double seconds;               /* host time, 0: no limit */
    /* Asked about 50 times a second: true ends it. NULL: nobody does. */
    bool (*stop)(void *context);
    void (*progress)(void *context, const struct ft_explain *explain);
    void *context;

    /* --- what came out --- */
    enum ft_explain_end end;
    uint64_t rule_event; /* the rule's own: that of the verdict */
    uint64_t event;      /* the point of no return; 1 is the first event, 0 with FT_EXPLAIN_START */
    uint64_t any;        /* the same for any finding instead of this one; never behind `event` */
    uint64_t stride;     /* 1: from every event; else from every so many in the first pass */
    struct ft_share before, at; /* from the event before it on, and from it on */
    bool single_escapes;        /* a single preemption right in front of it leads elsewhere */
    struct ft_share share[FT_EXPLAIN_SHARES_MAX]; /* along the run, by event */
    unsigned share_count;
    uint64_t runs;
    double elapsed;
    struct ft_explain_board *board; /* private */
};

enum ft_status ft_explain_run(struct ft_explain *explain, struct ft_error *error);
void ft_explain_free(struct ft_explain *explain);

#endif
