/* One run in a worker process, and the trace of it. */
#include "replay/execute.h"
#include "replay/session.h"
#include "replay/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ft_status run_here(const struct ft_module *module, const struct ft_scenario *scenario,
                               const struct ft_execute_options *options, struct ft_worker_log *run,
                               struct ft_error *error)
{
    struct ft_session session;
    struct ft_run_options how = {.scenario = scenario,
                                 .log = &run->log,
                                 .cold = options->cold,
                                 .keep_faults = options->stop_at != 0,
                                 .stop_at = options->stop_at};

    run->log.capacity = ft_worker_capacity(scenario);
    if (!ft_session_open(&session, module, options->keep_going, options->disabled))
        return ft_fail(error, FT_INTERNAL, 0, "no world");
    ft_session_run(&session, &how, &run->result, &run->verdict);
    run->finished = true;
    ft_session_close(&session);
    return FT_OK;
}

static int compare_sites(const void *a, const void *b)
{
    const struct ft_trace_site *left = a, *right = b;

    return left->site < right->site ? -1 : left->site > right->site;
}

/* Resolves one more site, unless it was there before. */
static bool add_site(const struct ft_module *module, uint64_t site, struct ft_trace *trace)
{
    enum { STEP = 64 };
    uint32_t at = 0;

    while (at < trace->site_count && trace->site[at].site != site)
        at++;
    if (!site || at < trace->site_count)
        return true;
    if (trace->site_count % STEP == 0) {
        void *grown = realloc(trace->site, (trace->site_count + STEP) * sizeof *trace->site);

        if (!grown)
            return false;
        trace->site = grown;
    }
    trace->site[at].site = site;
    ft_site_resolve(module, site, trace->site[at].function, sizeof trace->site[at].function);
    trace->site_count++;
    return true;
}

/* Each distinct call site of the events (all of them, or of warnings alone), resolved and sorted.
 */
static bool collect_sites(const struct ft_module *module, bool all, struct ft_trace *trace)
{
    const struct ft_verdict *verdict = &trace->verdict;
    bool enough = true;

    for (uint64_t i = 0; all && enough && i < trace->event_count; i++)
        enough = add_site(module, trace->event[i].site, trace);
    for (uint32_t i = 0; enough && i < verdict->warning_count; i++)
        enough = add_site(module, verdict->warning[i].site, trace);
    if (trace->site_count)
        qsort(trace->site, trace->site_count, sizeof *trace->site, compare_sites);
    return enough;
}

static void name_findings(struct ft_trace *trace)
{
    struct ft_verdict *verdict = &trace->verdict;

    for (uint32_t i = 0; i < verdict->finding_count; i++)
        snprintf(verdict->finding[i].function, FT_FUNCTION_MAX, "%s",
                 ft_trace_function(trace, verdict->finding[i].site));
    for (uint32_t i = 0; i < verdict->warning_count; i++)
        snprintf(verdict->warning[i].function, FT_FUNCTION_MAX, "%s",
                 ft_trace_function(trace, verdict->warning[i].site));
}

static void fill_header(const struct ft_module *module, const struct ft_scenario *scenario,
                        struct ft_trace *trace)
{
    memset(trace, 0, sizeof *trace);
    trace->origin = FT_ORIGIN_SIMULATED;
    trace->model = FT_MODEL_NUMBER;
    snprintf(trace->core, sizeof trace->core, "%s", module->core);
    snprintf(trace->mutant, sizeof trace->mutant, "%s", module->mutant);
    snprintf(trace->flavour, sizeof trace->flavour, "%s", module->flavour);
    snprintf(trace->compiler, sizeof trace->compiler, "%s", module->compiler);
    snprintf(trace->fingerprint, sizeof trace->fingerprint, "%s", module->fingerprint);
    ft_description_print(module->description, trace->description, sizeof trace->description);
    trace->scenario = *scenario;
    trace->complete = true;
}

static enum ft_status make_trace(const struct ft_module *module, const struct ft_scenario *scenario,
                                 const struct ft_execute_options *options,
                                 const struct ft_worker_log *run, struct ft_trace *ret,
                                 struct ft_error *error)
{
    fill_header(module, scenario, ret);
    ret->event_count = run->log.count;
    ret->hash = run->log.hash;
    ret->event = malloc((ret->event_count + 1) * sizeof *ret->event);
    if (!ret->event)
        return ft_fail(error, FT_NO_MEMORY, 0, "%llu events", (unsigned long long)ret->event_count);
    memcpy(ret->event, (const void *)run->log.event, ret->event_count * sizeof *ret->event);
    if (run->finished)
        ret->verdict = run->verdict;
    else
        ft_worker_judge(run, options->keep_going, options->disabled, &ret->verdict);
    if (run->log.lost) {
        ret->verdict.kind = FT_VERDICT_CUT;
        snprintf(ret->verdict.detail, sizeof ret->verdict.detail, "more than %llu events",
                 (unsigned long long)run->log.capacity);
    }
    if (!collect_sites(module, !options->brief || ret->verdict.kind != FT_VERDICT_CLEAN, ret))
        return ft_fail(error, FT_NO_MEMORY, 0, "call sites");
    name_findings(ret);
    return FT_OK;
}

/* The worker's verdict and the one from its events are the same rules over the same events. */
static enum ft_status check_agreement(const struct ft_worker_log *run,
                                      const struct ft_execute_options *options,
                                      struct ft_error *error)
{
    struct ft_verdict outside;

    ft_worker_judge(run, options->keep_going, options->disabled, &outside);
    if (ft_worker_agrees(run, &outside))
        return FT_OK;
    return ft_fail(error, FT_INTERNAL, 0,
                   "the rules' state was damaged in the worker: it says %s, its events say %s",
                   ft_verdict_name(run->verdict.kind), ft_verdict_name(outside.kind));
}

static enum ft_status finish(const struct ft_module *module, const struct ft_scenario *scenario,
                             const struct ft_execute_options *options,
                             const struct ft_worker_log *run, struct ft_trace *ret,
                             struct ft_error *error)
{
    enum ft_status status = check_agreement(run, options, error);

    return status == FT_OK ? make_trace(module, scenario, options, run, ret, error) : status;
}

static enum ft_status execute_here(const struct ft_module *module,
                                   const struct ft_scenario *scenario,
                                   const struct ft_execute_options *options, struct ft_trace *ret,
                                   struct ft_error *error)
{
    struct ft_worker_log *run = ft_worker_log_map();
    enum ft_status status;

    if (!run)
        return ft_fail(error, FT_NO_MEMORY, 0, "the event log");
    status = run_here(module, scenario, options, run, error);
    if (status == FT_OK)
        status = finish(module, scenario, options, run, ret, error);
    ft_worker_log_unmap(run);
    return status;
}

enum ft_status ft_execute(const struct ft_module *module, const struct ft_scenario *scenario,
                          const struct ft_execute_options *options, struct ft_trace *ret,
                          struct ft_error *error)
{
    struct ft_worker_options how = {.keep_going = options->keep_going,
                                    .disabled = options->disabled,
                                    .cpu_seconds = options->cpu_seconds};
    struct ft_worker worker;
    enum ft_status status;

    if (options->in_process || options->stop_at)
        return execute_here(module, scenario, options, ret, error);
    status = ft_worker_open(&worker, module, &how, error);
    if (status != FT_OK)
        return status;
    status = ft_worker_run(&worker, scenario, true, error);
    if (status == FT_OK)
        status = finish(module, scenario, options, worker.run, ret, error);
    ft_worker_close(&worker);
    return status;
}
