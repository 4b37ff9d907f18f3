/* What a run costs, inside one process: no engine, no fork.
 *
 *     ft-bench CORE [RUNS]
 *
 * The scenario is one split read from the warm point, plus the end of the run, rules on. Prints one
 * figure a line, `name value unit`. Times are medians of ROUNDS rounds, of the processor rather
 * than of the clock: others use the machine, too.
 */
#include "bench_sweep.h"
#include "replay/execute.h"
#include "replay/session.h"
#include "scenario/scenario_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

enum { ROUNDS = 7, DEFAULT_RUNS = 4000, LOG_EVENTS = 1 << 16 };

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

/* Nanoseconds a run, the median over rounds. */
static double time_runs(struct ft_session *session, const struct ft_run_options *options, long runs,
                        struct ft_run_result *result)
{
    double rounds[ROUNDS];

    for (int round = 0; round < ROUNDS; round++) {
        double start = now();

        for (long i = 0; i < runs; i++)
            ft_session_run(session, options, result, NULL);
        rounds[round] = (now() - start) / (double)runs;
    }
    qsort(rounds, ROUNDS, sizeof *rounds, ascending);
    return rounds[ROUNDS / 2];
}

/* Bytes of the whole trace file per event, and of the same events as zstd alone packs them. */
static void print_stored(const char *name, const struct ft_module *module,
                         const struct ft_scenario *scenario)
{
    static const struct ft_execute_options options = {.in_process = true};
    struct ft_error error;
    struct ft_trace trace;
    uint8_t *bytes, *raw;
    size_t length, raw_length, event_bytes;

    if (ft_execute(module, scenario, &options, &trace, &error) != FT_OK ||
        ft_trace_encode(&trace, &bytes, &length, &error) != FT_OK) {
        fprintf(stderr, "ft-bench: %s\n", error.text);
        exit(5);
    }
    event_bytes = trace.event_count * sizeof *trace.event;
    raw = malloc(ZSTD_compressBound(event_bytes));
    if (raw == NULL)
        exit(5);
    raw_length = ZSTD_compress(raw, ZSTD_compressBound(event_bytes), trace.event, event_bytes, 3);
    printf("%s_events %llu\n", name, (unsigned long long)trace.event_count);
    printf("%s_bytes_per_event %.2f B\n", name, (double)length / (double)trace.event_count);
    printf("%s_raw_zstd_bytes_per_event %.2f B\n", name,
           (double)raw_length / (double)trace.event_count);
    free(raw);
    free(bytes);
    ft_trace_free(&trace);
}

/* Sixty requests of all sizes: a trace long enough that its header does not count. */
static void make_long(struct ft_scenario *scenario)
{
    enum { REQUESTS = 60 };

    ft_platform_preset(FT_PLATFORM_BOUNCE, &scenario->platform);
    scenario->op_count = REQUESTS;
    for (unsigned i = 0; i < REQUESTS; i++)
        scenario->op[i] = (struct ft_op){.kind = i % 3 ? FT_OP_READ : FT_OP_WRITE,
                                         .arg = {(uint16_t)(i * 7919 % 40000), i * 37 % 4096}};
}

static void print_scenario(const struct ft_scenario *scenario)
{
    char text[1024];

    ft_scenario_print(scenario, text, sizeof text);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        printf("# %s\n", line);
}

int main(int argc, char **argv)
{
    static const char text[] = "platform coherent\na: read length=1024\n";
    const struct ft_module *module = argc > 1 ? ft_module_find(argv[1], "") : NULL;
    long runs = argc > 2 ? strtol(argv[2], NULL, 0) : DEFAULT_RUNS;
    struct ft_event_log *log;
    struct ft_run_options options = {0};
    struct ft_scenario scenario;
    struct ft_run_result result;
    struct ft_session session;
    struct ft_error error;
    double warm, cold, recorded;

    if (!module || runs < 1 ||
        ft_scenario_parse(text, sizeof text - 1, &scenario, &error) != FT_OK) {
        fprintf(stderr, "usage: ft-bench CORE [RUNS]\n");
        return 3;
    }
    log = malloc(sizeof *log + LOG_EVENTS * sizeof(struct ft_event));
    if (!log || !ft_session_open(&session, module, false, 0)) {
        fprintf(stderr, "ft-bench: no memory\n");
        free(log);
        return 5;
    }
    log->capacity = LOG_EVENTS;
    options.scenario = &scenario;
    print_scenario(&scenario);
    warm = time_runs(&session, &options, runs, &result);
    printf("warm_run %.0f ns\n", warm);
    printf("warm_runs_per_second %.0f 1/s\n", 1e9 / warm);
    printf("driver_events %llu\n", (unsigned long long)result.driver_event_count);
    printf("events %llu\n", (unsigned long long)result.event_count);
    printf("bytes_per_reset %llu B\n", (unsigned long long)result.reset_bytes);
    options.cold = true;
    cold = time_runs(&session, &options, runs, &result);
    printf("cold_run %.0f ns\n", cold);
    printf("ns_per_event %.1f ns\n", cold / (double)result.event_count);
    options.log = log;
    recorded = time_runs(&session, &options, runs, &result);
    printf("recording %.1f %%\n", (recorded / cold - 1) * 100);
    ft_session_close(&session);
    ft_bench_sweep(module);
    print_stored("short_trace", module, &scenario);
    make_long(&scenario);
    print_stored("long_trace", module, &scenario);
    free(log);
    return 0;
}
