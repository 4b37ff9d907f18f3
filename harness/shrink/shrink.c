/* The question that the reducer asks, answered by runs. */
#include "shrink/shrink.h"
#include "replay/execute.h"
#include "replay/finding_id.h"
#include "replay/worker.h"
#include "shrink/reduce.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CPU_SECONDS = 3 };

struct shrink {
    const struct ft_module *module;
    const struct ft_verdict *wanted;
    const struct ft_shrink_options *options;
    struct ft_worker worker;
    struct ft_reduce reduce;
    struct ft_shrink_result result;
    struct ft_finding_id wanted_id;
    bool careful; /* each run by itself: runs influence each other through the worker's process */
    double begin;
    enum ft_status status;
    struct ft_error *error;
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- the end before the end ---- */

/* Also asked while a run lasts. */
static bool must_stop(void *context)
{
    struct shrink *shrink = context;
    const struct ft_shrink_options *options = shrink->options;
    struct ft_shrink_result *result = &shrink->result;

    result->seconds = now() - shrink->begin;
    if (options->stop && options->stop(options->context))
        result->end = FT_SHRINK_STOPPED;
    else if (options->seconds > 0 && result->seconds >= options->seconds)
        result->end = FT_SHRINK_TIME;
    return result->end != FT_SHRINK_MINIMAL;
}

static bool is_over(struct shrink *shrink)
{
    uint32_t most = shrink->options->runs ? shrink->options->runs : FT_SHRINK_RUNS;

    if (!must_stop(shrink) && shrink->result.runs >= most)
        shrink->result.end = FT_SHRINK_RUN_LIMIT;
    return shrink->result.end != FT_SHRINK_MINIMAL;
}

/* ---- the same finding ---- */

/* Of a crash or a hang only the first run tells what is wanted: that of the scenario itself. */
static bool is_wanted(struct shrink *shrink, const struct ft_verdict *verdict,
                      const struct ft_event *event, uint64_t count)
{
    return ft_finding_id_same(&shrink->wanted_id, verdict, ft_stop_event(event, count));
}

/* ---- one run ---- */

/* Stops are told apart by their events. A run that killed its process has left no verdict: it is
 * run again, recorded, and its events judged. After a fault the process has seen what no driver
 * should do to it, and a new one goes on. */
static enum ft_status run(struct shrink *shrink, const struct ft_scenario *scenario,
                          struct ft_verdict *ret)
{
    struct ft_worker *worker = &shrink->worker;
    bool recorded = shrink->careful || shrink->wanted->finding_count == 0;
    enum ft_status status;

    if (shrink->careful)
        ft_worker_restart(worker);
    status = ft_worker_run(worker, scenario, recorded, shrink->error);
    if (status == FT_OK && !worker->stopped && !worker->run->finished && !recorded) {
        recorded = true;
        status = ft_worker_run(worker, scenario, recorded, shrink->error);
    }
    if (status != FT_OK || worker->stopped)
        return status;
    if (recorded)
        ft_worker_judge(worker->run, false, 0, ret);
    else
        *ret = worker->run->verdict;
    if (ret->kind == FT_VERDICT_CRASH || ret->kind == FT_VERDICT_HANG)
        ft_worker_restart(worker);
    return status;
}

static enum ft_answer ask(void *context, const struct ft_scenario *scenario)
{
    struct shrink *shrink = context;
    struct ft_verdict verdict;
    bool wanted;

    if (is_over(shrink))
        return FT_ANSWER_STOP;
    shrink->result.runs++;
    shrink->status = run(shrink, scenario, &verdict);
    if (shrink->status != FT_OK || shrink->worker.stopped)
        return FT_ANSWER_STOP;
    wanted =
        is_wanted(shrink, &verdict, shrink->worker.run->log.event, shrink->worker.run->log.count);
    if (wanted)
        shrink->result.scenario = *scenario;
    if (shrink->options->progress)
        shrink->options->progress(shrink->options->context, &shrink->result);
    return wanted ? FT_ANSWER_YES : FT_ANSWER_NO;
}

/* ---- the whole ---- */

/* By itself, cold, with the patience of every recorded run. */
static enum ft_status confirm(struct shrink *shrink, const struct ft_scenario *scenario, bool *ret)
{
    static const struct ft_execute_options options = {0};
    struct ft_trace *trace = &shrink->result.trace;
    enum ft_status status;

    ft_trace_free(trace);
    memset(trace, 0, sizeof *trace);
    shrink->result.runs++;
    status = ft_execute(shrink->module, scenario, &options, trace, shrink->error);
    *ret = status == FT_OK && is_wanted(shrink, &trace->verdict, trace->event, trace->event_count);
    return status;
}

static enum ft_status search(struct shrink *shrink, const struct ft_scenario *scenario)
{
    struct ft_worker_options options = {.quiet = true,
                                        .impatient = true,
                                        .cpu_seconds = CPU_SECONDS,
                                        .stop = must_stop,
                                        .context = shrink};
    enum ft_status status =
        ft_worker_open(&shrink->worker, shrink->module, &options, shrink->error);

    if (status != FT_OK)
        return status;
    shrink->reduce = (struct ft_reduce){.ask = ask, .context = shrink, .best = *scenario};
    shrink->result.scenario = *scenario;
    if (ask(shrink, scenario) == FT_ANSWER_YES)
        ft_reduce(&shrink->reduce);
    ft_worker_close(&shrink->worker);
    return shrink->status;
}

/* Runs may leave something behind in the worker's process that the next one needs: then each has a
 * process of its own. */
static enum ft_status shrink_and_confirm(struct shrink *shrink, const struct ft_scenario *scenario)
{
    enum ft_status status = search(shrink, scenario);
    bool found = false;

    if (status == FT_OK)
        status = confirm(shrink, &shrink->result.scenario, &found);
    if (status != FT_OK || found)
        return status;
    shrink->careful = true;
    status = search(shrink, scenario);
    if (status == FT_OK)
        status = confirm(shrink, &shrink->result.scenario, &found);
    if (status != FT_OK || found)
        return status;
    shrink->result.end = FT_SHRINK_UNSTEADY;
    shrink->result.scenario = *scenario;
    status = confirm(shrink, scenario, &found);
    if (status == FT_OK && !found)
        return ft_fail(shrink->error, FT_NOT_FOUND, 0, "the scenario does not give the finding");
    return status;
}

enum ft_status ft_shrink(const struct ft_module *module, const struct ft_scenario *scenario,
                         const struct ft_verdict *wanted, const struct ft_shrink_options *options,
                         struct ft_shrink_result *ret, struct ft_error *error)
{
    struct shrink *shrink = calloc(1, sizeof *shrink);
    enum ft_status status;

    if (!shrink)
        return ft_fail(error, FT_NO_MEMORY, 0, "shrinking");
    shrink->module = module;
    shrink->wanted = wanted;
    shrink->options = options;
    shrink->error = error;
    shrink->begin = now();
    ft_finding_id_init(&shrink->wanted_id, module, wanted);
    status = shrink_and_confirm(shrink, scenario);
    shrink->result.seconds = now() - shrink->begin;
    if (status != FT_OK)
        ft_trace_free(&shrink->result.trace);
    *ret = shrink->result;
    free(shrink);
    return status;
}

const char *ft_shrink_end_text(enum ft_shrink_end end)
{
    static const char *const text[] = {
        [FT_SHRINK_MINIMAL] = "minimal",
        [FT_SHRINK_TIME] = "out of time",
        [FT_SHRINK_RUN_LIMIT] = "out of runs",
        [FT_SHRINK_STOPPED] = "interrupted",
        [FT_SHRINK_UNSTEADY] = "the same scenario does not always give the same finding",
    };

    return text[end];
}
