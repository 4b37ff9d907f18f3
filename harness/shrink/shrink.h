/* Shrink: the simplest scenario with the same finding.
 *
 * Scenarios are tried in a long-lived worker process, warm; a run that kills it costs a new one.
 * The result has been run once more by itself, cold, and gives the same finding: the same
 * verdict with the same rule in the same driver function, or the same kind of crash or hang after a
 * call from the same function. That run is recorded. The caller may have other child processes
 * and signal handlers of its own: only the worker is waited for, and Ctrl-C does not reach it.
 */
#ifndef FT_SHRINK_H
#define FT_SHRINK_H

#include "sim/module.h"
#include "sim/scenario.h"
#include "status.h"
#include "trace/trace.h"
#include "verdict.h"

#include <stdbool.h>
#include <stdint.h>

enum { FT_SHRINK_RUNS = 20000 };

/* Why there is no going on. */
enum ft_shrink_end {
    FT_SHRINK_MINIMAL, /* no single step of shrink/simpler.h keeps the finding */
    FT_SHRINK_TIME,
    FT_SHRINK_RUN_LIMIT,
    FT_SHRINK_STOPPED, /* options->stop said so */
    FT_SHRINK_UNSTEADY /* runs of one scenario differ: the scenario is the one given */
};

struct ft_shrink_result {
    struct ft_scenario scenario; /* the best so far, whatever the end */
    struct ft_trace trace;       /* its run, recorded; the caller frees it (ft_trace_free) */
    uint32_t runs;
    double seconds;
    enum ft_shrink_end end;
};

/* All zero is good. */
struct ft_shrink_options {
    double seconds; /* host time, 0: no limit */
    uint32_t runs;  /* the most runs, 0: FT_SHRINK_RUNS */
    /* Asked before each run and about 20 times a second: true ends it with the best so far. */
    bool (*stop)(void *context);
    /* Told after each run. */
    void (*progress)(void *context, const struct ft_shrink_result *so_far);
    void *context;
};

/* FT_NOT_FOUND: the scenario does not give the finding `wanted` on this module. With a failure
 * there is no trace, and nothing of *ret is of use. */
enum ft_status ft_shrink(const struct ft_module *module, const struct ft_scenario *scenario,
                         const struct ft_verdict *wanted, const struct ft_shrink_options *options,
                         struct ft_shrink_result *ret, struct ft_error *error);

/* "minimal", "out of time", … */
const char *ft_shrink_end_text(enum ft_shrink_end end);

#endif
