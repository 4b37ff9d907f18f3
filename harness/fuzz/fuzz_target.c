/* The fuzz target, one program per core and engine. Property: no scenario makes this driver break a
 * rule, fault or hang, and a scenario gives the same events from a warm and from a cold machine.
 *
 * Our own arguments begin with --ft- and are taken out before the engine sees them:
 *     --ft-mutant=M       fuzz the mutant M instead of the sound core
 *     --ft-platform=P     every scenario on the preset P
 *     --ft-findings=DIR   write each new finding's scenario to DIR and go on (flushtrace fuzz does
 * this); without it the target prints the failure and aborts, as an engine run by itself expects
 *     --ft-counter=FILE   count runs in the first eight bytes of that file, for whoever watches
 *     --ft-fixed=FILE     run the scenario in that text file whatever the engine says (benchmarks)
 *     --ft-stop           end at the first finding, with exit status 1; --ft-counter then holds the
 * number of runs up to and with it (runs that only warm up or compare are not counted)
 *     --ft-catalogue=FILE keep the point catalogue there, for other jobs, AFL++'s mutator and the
 * next campaign; without it, in memory
 *     --ft-keep-going     a run goes on after a violation, and each one is a finding of its own
 *     --ft-mutation=HOW   structured (the default): whole ops, learning from what is reached;
 * bytes: the engine's own; random: each input a fresh random scenario, whatever the engine has
 * kept. For libFuzzer; AFL++ takes its mutator from AFL_CUSTOM_MUTATOR_LIBRARY
 *     --ft-no-state       tell the engine the driver's edges only, not the state cells
 */
#include "feedback/feedback.h"
#include "fuzz/finding_file.h"
#include "fuzz/target_mutator.h"
#include "replay/execute.h"
#include "replay/session.h"
#include "scenario/scenario_codec.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

enum { COLD_CHECK_ONE_IN = 256 };

static struct {
    const char *mutant, *findings, *counter, *fixed, *catalogue;
    int platform; /* -1: the scenario's own */
    bool stop, keep_going, no_state;
    volatile uint64_t *runs; /* shared with whoever watches */
    struct ft_scenario fixed_scenario;
    const struct ft_module *module;
    bool open;
    struct ft_session session;
} target = {.mutant = "", .platform = -1};

/* AFL++'s, when it is the engine. */
extern uint8_t *__afl_area_ptr __attribute__((weak));
extern uint32_t __afl_map_size __attribute__((weak));

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Noreturn void refuse(const char *what, const char *value)
{
    fprintf(stderr, "flushtrace: fuzz target: %s: %s\n", what, value);
    exit(3);
}

static bool take(const char *argument, const char *name, const char **ret)
{
    size_t length = strlen(name);

    if (strncmp(argument, name, length) != 0)
        return false;
    *ret = argument + length;
    return true;
}

static void take_argument(const char *argument)
{
    const char *value;

    if (take(argument, "--ft-mutant=", &target.mutant) ||
        take(argument, "--ft-findings=", &target.findings) ||
        take(argument, "--ft-counter=", &target.counter) ||
        take(argument, "--ft-fixed=", &target.fixed) ||
        take(argument, "--ft-catalogue=", &target.catalogue))
        return;
    if (strcmp(argument, "--ft-keep-going") == 0) {
        target.keep_going = true;
        return;
    }
    if (strcmp(argument, "--ft-stop") == 0) {
        target.stop = true;
        return;
    }
    if (strcmp(argument, "--ft-no-state") == 0) {
        target.no_state = true;
        return;
    }
    if (take(argument, "--ft-mutation=", &value)) {
        if (!ft_target_mutation_set(value))
            refuse("no such mutation", value);
        return;
    }
    if (!take(argument, "--ft-platform=", &value))
        refuse("unknown argument", argument);
    for (int i = 0; i < FT_PLATFORM_COUNT; i++)
        if (strcmp(value, ft_platform_preset_name((unsigned)i)) == 0)
            target.platform = i;
    if (target.platform < 0)
        refuse("no such platform", value);
}

static void map_counter(void)
{
    static uint64_t private_counter;
    int file = target.counter ? open(target.counter, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;
    void *mapped = MAP_FAILED;

    target.runs = &private_counter;
    if (!target.counter)
        return;
    if (file >= 0 && ftruncate(file, sizeof *target.runs) == 0)
        mapped = mmap(NULL, sizeof *target.runs, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED)
        refuse("cannot count in", target.counter);
    close(file);
    target.runs = mapped;
}

static void read_fixed(void)
{
    FILE *file = fopen(target.fixed, "r");
    struct ft_error error = {.text = "cannot be opened"};
    char text[8192];
    size_t length = file ? fread(text, 1, sizeof text, file) : 0;

    if (!file || ft_scenario_parse(text, length, &target.fixed_scenario, &error) != FT_OK)
        refuse(target.fixed, error.text);
    fclose(file);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct ft_module *module;
    int kept = 1;

    for (int i = 1; i < *argc; i++)
        if (strncmp((*argv)[i], "--ft-", 5) == 0)
            take_argument((*argv)[i]);
        else
            (*argv)[kept++] = (*argv)[i];
    *argc = kept;
    (*argv)[kept] = NULL;
    module = ft_module_count() ? ft_module_find(ft_module_at(0)->core, target.mutant) : NULL;
    if (!module)
        refuse("no such mutant", target.mutant);
    map_counter();
    if (target.fixed)
        read_fixed();
    target.module = module;
    if (!ft_target_learning_begin(module, target.catalogue))
        refuse("not a catalogue, or cannot be written", target.catalogue);
    if (&__afl_area_ptr == NULL)
        ft_target_lift_length_limit(argc, argv);
    return 0;
}

static void run(const struct ft_scenario *scenario, bool cold, struct ft_run_result *result,
                struct ft_verdict *verdict)
{
    struct ft_run_options options = {.scenario = scenario, .cold = cold, .met = ft_target_met()};

    ft_session_run(&target.session, &options, result, verdict);
    ft_target_learn(scenario);
}

/* AFL++ compares the coverage of equal inputs: that of making a warm point must not count for the
 * input that happens to be the first on its platform. */

static void warm_up(const struct ft_platform *platform)
{
    struct ft_scenario nothing = {.platform = *platform};
    struct ft_run_result result;

    if (&__afl_area_ptr == NULL || ft_world_is_warm(target.session.world, platform))
        return;
    ft_feedback_pause();
    run(&nothing, false, &result, NULL);
    ft_feedback_resume();
}

/* The same scenario from the other start must give the same events; a difference is our own bug. */
static void check_cold(const struct ft_scenario *scenario, const struct ft_run_result *warm)
{
    struct ft_run_result cold;

    ft_feedback_pause();
    run(scenario, true, &cold, NULL);
    ft_feedback_resume();
    if (cold.hash == warm->hash)
        return;
    fprintf(stderr, "flushtrace: own failure: warm and cold runs differ (%016llx, %016llx)\n",
            (unsigned long long)warm->hash, (unsigned long long)cold.hash);
    abort();
}

static void print_finding(const struct ft_scenario *scenario, const struct ft_verdict *verdict)
{
    const struct ft_finding *finding = &verdict->finding[0];
    const struct ft_rule_row *rule =
        verdict->finding_count ? ft_rule_by_number(finding->rule) : NULL;
    char function[FT_FUNCTION_MAX], text[4096];

    ft_site_resolve(target.module, finding->site, function, sizeof function);
    ft_scenario_print(scenario, text, sizeof text);
    fprintf(stderr, "flushtrace: %s %s\n  %s\n  at %s\n%s", ft_verdict_name(verdict->kind),
            rule ? rule->id : "", rule ? rule->sentence : verdict->detail, function, text);
}

static void report(const struct ft_scenario *scenario, const struct ft_verdict *verdict)
{
    if (target.findings)
        for (uint32_t i = 0; i == 0 || (target.keep_going && i < verdict->finding_count); i++)
            ft_finding_file_write(target.findings, scenario, verdict, i);
    else
        print_finding(scenario, verdict);
    /* Not exit: the engine would take that for a crash of its own. */
    if (target.stop)
        _exit(1);
    if (target.findings)
        return;
    /* The engine's own handlers are back, and keep the input. */
    ft_session_close(&target.session);
    abort();
}

/* Not earlier than the first input: by now the engine has its signal handlers, and ours go in front
 * of them. */
static void open_session(void)
{
    if (target.open)
        return;
    if (!ft_session_open(&target.session, target.module, target.keep_going, 0))
        exit(5);
    if (!target.no_state)
        ft_feedback_open(&target.session);
    target.open = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ft_scenario scenario;
    struct ft_run_result result;
    struct ft_verdict verdict;

    open_session();
    (*target.runs)++;
    if (target.fixed)
        scenario = target.fixed_scenario;
    else
        ft_scenario_decode(data, size, &scenario);
    if (target.platform >= 0)
        ft_platform_preset((enum ft_platform_name)target.platform, &scenario.platform);
    scenario.platform.longer = 0; /* many short runs find more than few long ones */
    warm_up(&scenario.platform);
    ft_feedback_begin();
    run(&scenario, false, &result, &verdict);
    if (XXH3_64bits(data, size) % COLD_CHECK_ONE_IN == 0)
        check_cold(&scenario, &result);
    if (verdict.kind == FT_VERDICT_ERROR) {
        fprintf(stderr, "flushtrace: own failure: %s\n", verdict.detail);
        abort();
    }
    if (verdict.kind == FT_VERDICT_VIOLATION || verdict.kind == FT_VERDICT_CRASH ||
        verdict.kind == FT_VERDICT_HANG)
        report(&scenario, &verdict);
    return 0;
}
