/* One run in a worker process, and the trace of it. */
#define _GNU_SOURCE
#include "replay/execute.h"
#include "replay/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_EVENTS = 1 << 19, CPU_SECONDS = 5, EXIT_NO_WORLD = 3 };

/* Shared with the worker. The log follows. */
struct shared {
    volatile bool finished;
    struct ft_run_result result;
    struct ft_verdict verdict;
    struct ft_event_log log;
};

static size_t shared_bytes(void)
{
    return sizeof(struct shared) + (size_t)LOG_EVENTS * sizeof(struct ft_event);
}

static struct shared *map_shared(void)
{
    struct shared *shared = mmap(NULL, shared_bytes(), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (shared == MAP_FAILED)
        return NULL;
    shared->log.capacity = LOG_EVENTS;
    return shared;
}

static bool run_here(const struct ft_module *module, const struct ft_scenario *scenario,
                     const struct ft_execute_options *options, struct shared *shared)
{
    struct ft_session session;
    struct ft_run_options run = {.scenario = scenario,
                                 .log = &shared->log,
                                 .cold = options->cold,
                                 .keep_faults = options->stop_at != 0,
                                 .stop_at = options->stop_at};

    if (!ft_session_open(&session, module, options->keep_going, options->disabled))
        return false;
    ft_session_run(&session, &run, &shared->result, &shared->verdict);
    shared->finished = true;
    ft_session_close(&session);
    return true;
}

/* Appends what the worker could not say itself. */
static void append_event(struct shared *shared, enum ft_event_kind kind, unsigned argc, uint64_t a,
                         uint64_t b)
{
    struct ft_event event = {.kind = (uint16_t)kind,
                             .cpu = 0xFF,
                             .layer = FT_LAYER_HARNESS,
                             .argc = (uint8_t)argc,
                             .arg = {a, b}};

    if (shared->log.count == shared->log.capacity)
        return;
    shared->log.event[shared->log.count] = event;
    shared->log.count = shared->log.count + 1;
    shared->log.hash = ft_event_hash(shared->log.hash, &event);
}

static void limit_cpu(uint32_t seconds)
{
    struct rlimit limit = {seconds, seconds + 1};
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CPU, &limit);
    setrlimit(RLIMIT_CORE, &none);
}

static enum ft_status run_in_worker(const struct ft_module *module,
                                    const struct ft_scenario *scenario,
                                    const struct ft_execute_options *options, struct shared *shared,
                                    struct ft_error *error)
{
    uint32_t seconds = options->cpu_seconds ? options->cpu_seconds : CPU_SECONDS;
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid < 0)
        return ft_fail(error, FT_IO, 0, "cannot start a worker: %s", strerror(errno));
    if (pid == 0) {
        limit_cpu(seconds);
        _exit(run_here(module, scenario, options, shared) ? 0 : EXIT_NO_WORLD);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (shared->finished)
        return FT_OK;
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);

        /* A worker that had to be stopped, or that died where its own handler could not help. */
        if (number == SIGXCPU || number == SIGKILL)
            append_event(shared, FT_EV_RUN_HANG, 1, 3, 0);
        else
            append_event(shared, FT_EV_RUN_CRASH, 3, number == SIGABRT ? 5 : 1, (uint64_t)number);
        return FT_OK;
    }
    return ft_fail(error, FT_INTERNAL, 0, "the worker ended with status %d before the run did",
                   WEXITSTATUS(status));
}

/* Judges the events once more, from the outside: the verdict of a trace never rests on the process
 * that the driver ran in. */
static void judge(const struct shared *shared, const struct ft_execute_options *options,
                  struct ft_verdict *ret)
{
    struct ft_rules *rules = calloc(1, ft_rules_state_bytes());

    if (!rules)
        abort();
    ft_rules_init(rules, options->keep_going, options->disabled);
    for (uint64_t i = 0; i < shared->log.count; i++)
        ft_rules_event(rules, &shared->log.event[i]);
    ft_rules_verdict(rules, ret);
    free(rules);
}

static int compare_sites(const void *a, const void *b)
{
    const struct ft_trace_site *left = a, *right = b;

    return left->site < right->site ? -1 : left->site > right->site;
}

/* Each distinct call site of the events, resolved and sorted. */
static bool collect_sites(const struct ft_module *module, struct ft_trace *trace)
{
    size_t capacity = 0;

    for (uint64_t i = 0; i < trace->event_count; i++) {
        uint64_t site = trace->event[i].site;
        uint32_t at = 0;

        if (!site)
            continue;
        while (at < trace->site_count && trace->site[at].site != site)
            at++;
        if (at < trace->site_count)
            continue;
        if (trace->site_count == capacity) {
            void *grown = realloc(trace->site, (capacity += 64) * sizeof *trace->site);

            if (!grown)
                return false;
            trace->site = grown;
        }
        trace->site[at].site = site;
        ft_site_resolve(module, site, trace->site[at].function, sizeof trace->site[at].function);
        trace->site_count++;
    }
    if (trace->site_count)
        qsort(trace->site, trace->site_count, sizeof *trace->site, compare_sites);
    return true;
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
                                 const struct shared *shared, struct ft_trace *ret,
                                 struct ft_error *error)
{
    fill_header(module, scenario, ret);
    ret->event_count = shared->log.count;
    ret->hash = shared->log.hash;
    ret->event = malloc((ret->event_count + 1) * sizeof *ret->event);
    if (!ret->event)
        return ft_fail(error, FT_NO_MEMORY, 0, "%llu events", (unsigned long long)ret->event_count);
    memcpy(ret->event, (const void *)shared->log.event, ret->event_count * sizeof *ret->event);
    if (!collect_sites(module, ret))
        return ft_fail(error, FT_NO_MEMORY, 0, "call sites");
    if (shared->finished)
        ret->verdict = shared->verdict;
    else
        judge(shared, options, &ret->verdict);
    if (shared->log.lost) {
        ret->verdict.kind = FT_VERDICT_CUT;
        snprintf(ret->verdict.detail, sizeof ret->verdict.detail, "more than %d events",
                 LOG_EVENTS);
    }
    name_findings(ret);
    return FT_OK;
}

/* The worker's verdict and the one from its events are the same rules over the same events. */
static enum ft_status check_agreement(const struct shared *shared,
                                      const struct ft_execute_options *options,
                                      struct ft_error *error)
{
    struct ft_verdict outside;

    if (!shared->finished || shared->log.lost)
        return FT_OK;
    judge(shared, options, &outside);
    if (outside.kind == shared->verdict.kind &&
        outside.finding_count == shared->verdict.finding_count &&
        (outside.finding_count == 0 || outside.finding[0].rule == shared->verdict.finding[0].rule))
        return FT_OK;
    return ft_fail(error, FT_INTERNAL, 0,
                   "the rules' state was damaged in the worker: it says %s, its events say %s",
                   ft_verdict_name(shared->verdict.kind), ft_verdict_name(outside.kind));
}

enum ft_status ft_execute(const struct ft_module *module, const struct ft_scenario *scenario,
                          const struct ft_execute_options *options, struct ft_trace *ret,
                          struct ft_error *error)
{
    struct shared *shared = map_shared();
    enum ft_status status = FT_OK;

    if (!shared)
        return ft_fail(error, FT_NO_MEMORY, 0, "the event log");
    if (options->in_process || options->stop_at) {
        if (!run_here(module, scenario, options, shared))
            status = ft_fail(error, FT_INTERNAL, 0, "no world");
    } else {
        status = run_in_worker(module, scenario, options, shared, error);
    }
    if (status == FT_OK)
        status = check_agreement(shared, options, error);
    if (status == FT_OK)
        status = make_trace(module, scenario, options, shared, ret, error);
    munmap(shared, shared_bytes());
    return status;
}
