/* Shrinking against drivers: violation, crash and hang; what it leaves is 1-minimal when every step
 * is run by itself; it can be stopped, and leaves other children alone. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "replay/execute.h"
#include "scenario/scenario_codec.h"
#include "scenario/scenario_parts.h"
#include "shrink/shrink.h"
#include "shrink/simpler.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A read that is cancelled in its transfer, among much else. */
static const char busy[] = "platform bounce registers=6 frames=2\n"
                           "evict lines=9\n"
                           "k: read length=300 offset=7\n"
                           "query-remove\n"
                           "l: write length=5000\n"
                           "query-stop\n"
                           "few-registers left=4\n"
                           "m: read length=20000 offset=12\n"
                           "cancel of=m @ m/dma:map.out/1\n"
                           "n: write length=77\n"
                           "spurious-interrupt\n"
                           "o: read length=4096\n";

static const struct ft_module *module_of(const char *core, const char *mutant)
{
    const struct ft_module *module = ft_module_find(core, mutant);

    assert_non_null(module);
    return module;
}

/* Drivers that were never meant to work come from the tests' folder. */
static const struct ft_module *faulty(const char *name)
{
    const struct ft_module *module = NULL;
    struct ft_error error = {0};
    char path[1024];

    snprintf(path, sizeof path, "%s/%s.so", MODULES, name);
    if (ft_module_load(path, &module, &error) != FT_OK)
        fail_msg("%s", error.text);
    return module;
}

static struct ft_scenario parsed(const char *text)
{
    struct ft_scenario scenario;
    struct ft_error error = {0};

    if (ft_scenario_parse(text, strlen(text), &scenario, &error) != FT_OK)
        fail_msg("%s", error.text);
    return scenario;
}

static struct ft_verdict verdict_of(const struct ft_module *module,
                                    const struct ft_scenario *scenario)
{
    static const struct ft_execute_options options = {0};
    struct ft_error error = {0};
    struct ft_verdict verdict;
    struct ft_trace trace;

    if (ft_execute(module, scenario, &options, &trace, &error) != FT_OK)
        fail_msg("%s", error.text);
    verdict = trace.verdict;
    ft_trace_free(&trace);
    return verdict;
}

static struct ft_shrink_result shrunk(const struct ft_module *module, const char *text,
                                      const struct ft_shrink_options *options,
                                      struct ft_verdict *wanted)
{
    struct ft_scenario scenario = parsed(text);
    struct ft_shrink_result result;
    struct ft_error error = {0};

    *wanted = verdict_of(module, &scenario);
    if (ft_shrink(module, &scenario, wanted, options, &result, &error) != FT_OK)
        fail_msg("%s", error.text);
    assert_true(ft_same_finding(&result.trace.verdict, wanted));
    assert_true(ft_scenario_equal(&result.trace.scenario, &result.scenario));
    return result;
}

/* ---- 1-minimal, each step in a process of its own ---- */

struct recheck {
    const struct ft_module *module;
    const struct ft_verdict *wanted;
    unsigned steps;
};

static bool keeps(void *context, const struct ft_scenario *simpler)
{
    struct recheck *recheck = context;
    struct ft_verdict verdict = verdict_of(recheck->module, simpler);

    recheck->steps++;
    return ft_same_finding(&verdict, recheck->wanted);
}

static void check_one_minimal(const struct ft_module *module, const struct ft_scenario *scenario,
                              const struct ft_verdict *wanted)
{
    struct recheck recheck = {module, wanted, 0};

    assert_false(ft_simpler_each(scenario, keeps, &recheck));
    assert_true(recheck.steps > 0);
}

static void a_violation_is_shrunk_to_one_minimal(void **state)
{
    static const char *const mutants[] = {"no-flush-on-abort", "cancel-completes-active",
                                          "flush-request-length"};

    (void)state;
    for (unsigned i = 0; i < sizeof mutants / sizeof *mutants; i++) {
        const struct ft_module *module = module_of("wdm-packet", mutants[i]);
        struct ft_verdict wanted;
        struct ft_shrink_result result =
            shrunk(module, busy, &(struct ft_shrink_options){0}, &wanted);

        assert_int_equal(wanted.kind, FT_VERDICT_VIOLATION);
        assert_int_equal(result.end, FT_SHRINK_MINIMAL);
        assert_true(result.scenario.op_count <= 2);
        assert_true(result.runs < 500);
        check_one_minimal(module, &result.scenario, &wanted);
        ft_trace_free(&result.trace);
    }
}

static void the_same_scenario_gives_the_same_result(void **state)
{
    const struct ft_module *module = module_of("wdm-packet", "cancel-completes-active");
    struct ft_verdict wanted;
    struct ft_shrink_result a = shrunk(module, busy, &(struct ft_shrink_options){0}, &wanted);
    struct ft_shrink_result b = shrunk(module, busy, &(struct ft_shrink_options){0}, &wanted);

    (void)state;
    assert_true(ft_scenario_equal(&a.scenario, &b.scenario));
    assert_int_equal(a.runs, b.runs);
    assert_true(a.trace.hash == b.trace.hash);
    ft_trace_free(&a.trace);
    ft_trace_free(&b.trace);
}

/* ---- findings that cost a process ---- */

static void check_single_op(const struct ft_module *module, const char *text, unsigned verdict,
                            const char *smallest)
{
    struct ft_verdict wanted;
    struct ft_shrink_result result = shrunk(module, text, &(struct ft_shrink_options){0}, &wanted);
    struct ft_scenario expected = parsed(smallest);

    assert_int_equal(wanted.kind, verdict);
    assert_int_equal(result.end, FT_SHRINK_MINIMAL);
    assert_true(ft_scenario_equal(&result.scenario, &expected));
    ft_trace_free(&result.trace);
}

static void a_crash_is_shrunk(void **state)
{
    (void)state;
    check_single_op(faulty("faulty-requests"),
                    "platform iommu registers=3\na: read length=300\nb: write length=500\n"
                    "cancel of=a\nc: read length=9001 offset=77\nyank\nwrite length=5000\n",
                    FT_VERDICT_CRASH, "read length=8192\n");
}

/* Without the read it would be the crash of the write. */
static void another_crash_is_another_finding(void **state)
{
    static const char both[] = "write length=5\nread length=9001\nwrite length=9001\n";
    struct ft_verdict wanted;
    struct ft_shrink_result result =
        shrunk(faulty("faulty-requests"), both, &(struct ft_shrink_options){0}, &wanted);
    const struct ft_event *last = &result.trace.event[result.trace.event_count - 1];

    (void)state;
    assert_int_equal(result.scenario.op_count, 1);
    assert_int_equal(result.scenario.op[0].kind, FT_OP_READ);
    assert_int_equal(last->kind, FT_EV_RUN_CRASH);
    assert_non_null(strstr(ft_trace_function(&result.trace, last->site), ":FaultyRead:"));
    ft_trace_free(&result.trace);
}

static void a_hang_is_shrunk(void **state)
{
    (void)state;
    check_single_op(faulty("faulty-requests"),
                    "platform bounce\na: read length=300\nc: write length=4096 offset=77\nyank\n",
                    FT_VERDICT_HANG, "write length=4096\n");
}

static void what_the_scenario_has_no_part_in_needs_no_op(void **state)
{
    (void)state;
    check_single_op(faulty("faulty-recursion"), "platform iommu\nread\nyank\n", FT_VERDICT_CRASH,
                    "platform coherent\n");
    check_single_op(faulty("faulty-divide"), "platform bounce\nread\n", FT_VERDICT_CRASH,
                    "platform coherent\n");
}

/* ---- limits ---- */

struct stopper {
    unsigned asked, stop_at, told;
    uint16_t fewest;
};

static bool stop_at(void *context)
{
    struct stopper *stopper = context;

    return ++stopper->asked >= stopper->stop_at;
}

static void note(void *context, const struct ft_shrink_result *so_far)
{
    struct stopper *stopper = context;

    stopper->told++;
    assert_int_equal(so_far->runs, stopper->told);
    stopper->fewest = so_far->scenario.op_count;
}

static void stopped_it_has_the_best_so_far(void **state)
{
    const struct ft_module *module = module_of("wdm-packet", "cancel-completes-active");

    (void)state;
    for (unsigned at = 1; at < 25; at += 4) {
        struct stopper stopper = {.stop_at = at, .fewest = 11};
        struct ft_shrink_options options = {.stop = stop_at, .progress = note, .context = &stopper};
        struct ft_verdict wanted;
        struct ft_shrink_result result = shrunk(module, busy, &options, &wanted);

        assert_int_equal(result.end, FT_SHRINK_STOPPED);
        assert_int_equal(result.scenario.op_count, stopper.fewest);
        ft_trace_free(&result.trace);
    }
}

static void runs_and_seconds_are_bounded(void **state)
{
    const struct ft_module *module = module_of("wdm-packet", "cancel-completes-active");
    struct ft_verdict wanted;
    struct ft_shrink_result result =
        shrunk(module, busy, &(struct ft_shrink_options){.runs = 10}, &wanted);

    (void)state;
    assert_int_equal(result.end, FT_SHRINK_RUN_LIMIT);
    assert_int_equal(result.runs, 11); /* and the recorded one */
    ft_trace_free(&result.trace);
    result = shrunk(module, busy, &(struct ft_shrink_options){.seconds = 1e-9}, &wanted);
    assert_int_equal(result.end, FT_SHRINK_TIME);
    assert_int_equal(result.scenario.op_count, 11);
    ft_trace_free(&result.trace);
}

static void a_finding_that_is_not_there_is_not_found(void **state)
{
    const struct ft_module *module = module_of("wdm-packet", "cancel-completes-active");
    struct ft_scenario scenario = parsed(busy);
    struct ft_verdict wanted = verdict_of(module, &scenario);
    struct ft_shrink_result result;
    struct ft_error error = {0};

    (void)state;
    assert_int_equal(ft_shrink(module_of("wdm-packet", ""), &scenario, &wanted,
                               &(struct ft_shrink_options){0}, &result, &error),
                     FT_NOT_FOUND);
    scenario.op_count = 1;
    assert_int_equal(
        ft_shrink(module, &scenario, &wanted, &(struct ft_shrink_options){0}, &result, &error),
        FT_NOT_FOUND);
}

/* A campaign has engines of its own: they are not waited for. */
static void other_children_are_left_alone(void **state)
{
    const struct ft_module *module = module_of("wdm-packet", "cancel-completes-active");
    struct ft_shrink_result result;
    struct ft_verdict wanted;
    pid_t ended = fork(), sleeping;
    int status = 0;

    (void)state;
    if (ended == 0)
        _exit(42);
    sleeping = fork();
    if (sleeping == 0)
        for (;;)
            pause();
    result = shrunk(module, busy, &(struct ft_shrink_options){0}, &wanted);
    ft_trace_free(&result.trace);
    assert_int_equal(waitpid(ended, &status, 0), ended);
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_int_equal(waitpid(sleeping, &status, WNOHANG), 0);
    kill(sleeping, SIGKILL);
    assert_int_equal(waitpid(sleeping, &status, 0), sleeping);
    assert_int_equal(waitpid(-1, &status, WNOHANG), -1); /* and none of its own is left */
    assert_int_equal(errno, ECHILD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_violation_is_shrunk_to_one_minimal),
        cmocka_unit_test(the_same_scenario_gives_the_same_result),
        cmocka_unit_test(a_crash_is_shrunk),
        cmocka_unit_test(another_crash_is_another_finding),
        cmocka_unit_test(a_hang_is_shrunk),
        cmocka_unit_test(what_the_scenario_has_no_part_in_needs_no_op),
        cmocka_unit_test(stopped_it_has_the_best_so_far),
        cmocka_unit_test(runs_and_seconds_are_bounded),
        cmocka_unit_test(a_finding_that_is_not_there_is_not_found),
        cmocka_unit_test(other_children_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
