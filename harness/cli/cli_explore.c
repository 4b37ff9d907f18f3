/* flushtrace explore: what a strategy finds near a scenario. */
#include "cli/cli.h"
#include "cli/explore_answer.h"
#include "explore/explore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RANDOM_RUNS = 10000, PAIR_RUNS = 100000 };

static bool is_trace(const char *name)
{
    size_t length = strlen(name);

    return length > 4 && strcmp(name + length - 4, ".ftr") == 0;
}

/* "pct:3": the strategy and its number. */
static bool take_numbered(const char *name, const char *head, unsigned least, unsigned most,
                          unsigned *ret)
{
    size_t length = strlen(head);
    char *end = NULL;
    unsigned long value;

    if (strncmp(name, head, length) != 0 || name[length] < '0' || name[length] > '9') {
        return false;
    }
    value = strtoul(name + length, &end, 10);
    *ret = (unsigned)value;
    return *end == '\0' && value >= least && value <= most;
}

static int get_strategy(const struct ft_cli *cli, struct ft_explore *explore)
{
    static const struct ft_strategy *const all[] = {&ft_strategy_sweep, &ft_strategy_pairs,
                                                    &ft_strategy_random};
    const char *name = cli->strategy != NULL ? cli->strategy : "sweep";

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i]->name, name) == 0) {
            explore->strategy = all[i];
            return FT_EXIT_OK;
        }
    }
    if (take_numbered(name, "pct:", 1, FT_DEPTH_MAX, &explore->depth)) {
        explore->strategy = &ft_strategy_pct;
        return FT_EXIT_OK;
    }
    if (take_numbered(name, "exhaustive:", 0, FT_PREEMPTIONS_MAX, &explore->depth)) {
        explore->strategy = &ft_strategy_exhaustive;
        return FT_EXIT_OK;
    }
    return ft_cli_refuse(
        cli, FT_USAGE,
        "no strategy %.40s: sweep, pairs, random, pct:D (1 to %d) or exhaustive:K (0 to %d)", name,
        FT_DEPTH_MAX, FT_PREEMPTIONS_MAX);
}

/* Of the strategies of schedules. */
static int get_schedule(const struct ft_cli *cli, struct ft_explore *explore)
{
    char *end = NULL;
    double percent = cli->confidence != NULL ? strtod(cli->confidence, &end) : 99;

    if (explore->strategy->drive == NULL) {
        return cli->points == NULL && cli->confidence == NULL
                   ? FT_EXIT_OK
                   : ft_cli_refuse(cli, FT_USAGE, "--points and --confidence are for schedules");
    }
    if ((end != NULL && *end != '\0') || !(percent > 0 && percent <= 100)) {
        return ft_cli_refuse(cli, FT_USAGE, "--confidence takes a percentage, not '%.40s'",
                             cli->confidence);
    }
    explore->confidence = percent / 100;
    explore->points = FT_POINTS_ENTRY;
    while (cli->points != NULL && explore->points < FT_POINT_SETS &&
           strcmp(ft_point_set_name(explore->points), cli->points) != 0) {
        explore->points = explore->points == FT_POINTS_ENTRY ? FT_POINTS_ALL
                          : explore->points == FT_POINTS_ALL ? FT_POINTS_SYNC
                                                             : FT_POINT_SETS;
    }
    if (explore->points == FT_POINT_SETS) {
        return ft_cli_refuse(cli, FT_USAGE, "no set of points %.40s: all, entry or sync",
                             cli->points);
    }
    if (explore->base.op_count + explore->depth + 1 > FT_OPS_MAX) {
        return ft_cli_refuse(cli, FT_USAGE, "the scenario has too many ops");
    }
    for (unsigned i = 0; i < explore->base.op_count; i++) {
        if (explore->base.op[i].kind == FT_OP_ORDER) {
            return ft_cli_refuse(cli, FT_USAGE, "the scenario has an order of its own");
        }
    }
    return FT_EXIT_OK;
}

/* A trace gives the scenario, and the driver it was recorded on. */
static int get_traced(const struct ft_cli *cli, struct ft_explore *explore)
{
    struct ft_error error = {0};
    struct ft_trace trace;
    bool other = false;

    if (cli->scenario != NULL) {
        return ft_cli_refuse(cli, FT_USAGE, "a trace has its scenario; no --scenario");
    }
    if (ft_cli_read_trace(cli->argument[0], &trace, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    explore->base = trace.scenario;
    if (ft_cli_trace_module(cli, &trace, &explore->module, &other, &error) != FT_OK) {
        ft_trace_free(&trace);
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    ft_trace_free(&trace);
    if (explore->platform >= 0) {
        ft_platform_change((enum ft_platform_name)explore->platform, &explore->base.platform);
    }
    return FT_EXIT_OK;
}

static int get_subject(const struct ft_cli *cli, struct ft_explore *explore)
{
    struct ft_error error = {0};

    explore->platform = cli->platform != NULL ? ft_cli_platform(cli->platform) : -1;
    if (cli->platform != NULL && explore->platform < 0) {
        return ft_cli_refuse(cli, FT_USAGE,
                             "no platform %.60s: coherent, bounce, noncoherent or iommu",
                             cli->platform);
    }
    if (is_trace(cli->argument[0])) {
        return get_traced(cli, explore);
    }
    if (ft_cli_module(cli->argument[0], cli->mutant != NULL ? cli->mutant : "none",
                      &explore->module, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, NULL);
    }
    if (explore->strategy == &ft_strategy_random) {
        return FT_EXIT_OK;
    }
    return ft_cli_scenario(cli, explore->module, &explore->base);
}

static int get_disturbances(const struct ft_cli *cli, struct ft_explore *explore)
{
    struct ft_error error = {0};

    if (!explore->strategy->places && cli->disturb.count != 0) {
        return ft_cli_refuse(cli, FT_USAGE, "--disturb is for sweep and pairs");
    }
    if (explore->strategy->places && cli->disturb.count == 0) {
        explore->disturbance_count = ft_disturbances_all(explore->disturbance);
    }
    for (unsigned i = 0; i < cli->disturb.count; i++) {
        if (ft_disturbance_parse(cli->disturb.word[i], explore->disturbance,
                                 &explore->disturbance_count, &error) != FT_OK) {
            return ft_cli_fail(cli, &error, "--disturb");
        }
    }
    return FT_EXIT_OK;
}

static bool is_known(void *context, const struct ft_verdict *verdict, const char *function)
{
    struct ft_cli *cli = context;

    return verdict->finding_count != 0
               ? ft_baseline_finding(&cli->baseline, &verdict->finding[0]) != NULL
               : ft_baseline_stop(&cli->baseline, verdict->kind, function) != NULL;
}

/* One line that is rewritten, on a terminal only. */
static void show_progress(void *context, const struct ft_explore *explore)
{
    static double last;

    (void)context;
    if (explore->elapsed < last) {
        last = 0; /* another phase */
    }
    if (explore->elapsed - last < 0.2) {
        return;
    }
    last = explore->elapsed;
    fprintf(stderr, "\r\033[K  %s  %" PRIu64 " of %" PRIu64 "  %" PRIu64 " runs  %.0f s",
            explore->strategy->name,
            explore->board->next_unit < explore->units ? explore->board->next_unit : explore->units,
            explore->units, explore->runs, explore->elapsed);
    fflush(stderr);
}

static int get_work(struct ft_cli *cli, struct ft_explore *explore)
{
    int status = get_strategy(cli, explore);

    status = status == FT_EXIT_OK ? get_subject(cli, explore) : status;
    status = status == FT_EXIT_OK ? get_disturbances(cli, explore) : status;
    status = status == FT_EXIT_OK ? get_schedule(cli, explore) : status;
    explore->first = cli->first;
    explore->keep_going = cli->keep_going;
    explore->jobs = cli->jobs;
    if (explore->strategy == &ft_strategy_random) {
        explore->seeds = cli->limit != 0     ? cli->limit
                         : cli->seconds != 0 ? UINT32_MAX
                                             : RANDOM_RUNS;
    } else {
        explore->limit = cli->limit;
    }
    explore->seconds = (double)cli->seconds;
    explore->from = cli->resume;
    explore->seed = cli->seed_given ? cli->seed : 1;
    explore->folder = cli->output;
    explore->is_known = is_known;
    explore->context = cli;
    if (isatty(STDERR_FILENO) != 0) {
        explore->progress = show_progress;
    }
    if (explore->limit == 0 && cli->seconds == 0 && explore->strategy == &ft_strategy_pairs) {
        explore->limit = PAIR_RUNS;
    }
    return status;
}

/* What earlier calls with that --state did. */
static int get_past(const struct ft_cli *cli, struct ft_explore *explore, struct ft_past *past)
{
    struct ft_error error = {0};

    if (cli->state == NULL) {
        return FT_EXIT_OK;
    }
    if (explore->strategy->drive == NULL || cli->resume != 0) {
        return ft_cli_refuse(cli, FT_USAGE,
                             "--state goes with pct and exhaustive, without --resume");
    }
    if (ft_past_read(cli->state, explore, past, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, NULL);
    }
    explore->past = past;
    explore->from = past->at;
    return FT_EXIT_OK;
}

static int run(struct ft_cli *cli)
{
    struct ft_explore *explore = calloc(1, sizeof(*explore));
    struct ft_error error = {0};
    struct ft_past past;
    enum ft_status done;
    int status;

    if (explore == NULL) {
        abort();
    }
    status = get_work(cli, explore);
    status = status == FT_EXIT_OK ? get_past(cli, explore, &past) : status;
    if (status != FT_EXIT_OK) {
        free(explore);
        return status;
    }
    done = ft_explore_run(explore, &error);
    if (done == FT_OK && cli->state != NULL) {
        done = ft_past_write(cli->state, explore, explore->past, &error);
    }
    if (done == FT_OK && explore->past == NULL && explore->units != 0 &&
        explore->from >= explore->units) {
        status = ft_cli_refuse(cli, FT_USAGE, "--resume %" PRIu64 ": there are only %" PRIu64,
                               explore->from, explore->units);
        ft_explore_free(explore);
        free(explore);
        return status;
    }
    if (explore->progress != NULL) {
        fputs("\r\033[K", stderr);
    }
    if (done != FT_OK) {
        status = ft_cli_fail(cli, &error, NULL);
    } else {
        status = ft_explore_exit(explore);
        (cli->json ? ft_explore_print_json : ft_explore_print)(cli, explore);
        ft_cli_complain_unused(cli);
    }
    ft_explore_free(explore);
    free(explore);
    return status;
}

const struct ft_verb ft_verb_explore = {
    .name = "explore",
    .sentence = "Try disturbances at every point of a scenario: which points break which rule.",
    .arguments = "DRIVER|TRACE",
    .arguments_min = 1,
    .arguments_max = 1,
    .output = "DIR",
    .output_help = "write a trace of each finding into this folder",
    .options = FT_OPT(STRATEGY) | FT_OPT(POINTS) | FT_OPT(CONFIDENCE) | FT_OPT(FIRST) |
               FT_OPT(DISTURB) | FT_OPT(SCENARIO) | FT_OPT(SEED) | FT_OPT(MUTANT) |
               FT_OPT(PLATFORM) | FT_OPT(DRIVER) | FT_OPT(FLAVOUR) | FT_OPT(OUTPUT) |
               FT_OPT(LIMIT) | FT_OPT(TIME) | FT_OPT(RESUME) | FT_OPT(STATE) | FT_OPT(FULL) |
               FT_OPT(JOBS) | FT_OPT(KEEP_GOING) | FT_OPT(BASELINE) | FT_OPT(IGNORE) | FT_OPT(JSON),
    .details =
        "sweep: one disturbance at every point that the scenario's run passes before its tail, in "
        "turn. pairs: the sweep, then a second disturbance at the points behind the first, near "
        "ones first (100000 runs unless --limit or --time says else). random: structured random "
        "scenarios of the seeds from --seed on (10000 unless --limit or --time says else).\n\n"
        "The scenario is the driver's default, --scenario, the random one of --seed, or that of a "
        "trace. --disturb takes an op as a scenario has it: cancel, 'sleep critical=1'; without it "
        "every disturbance and world choice has its turn. Each run is a scenario with explicit "
        "ops; a run from the start confirms each finding, and becomes a trace with -o DIR. Ctrl-C "
        "prints the table so far, and with --state FILE the same call goes on later.\n\n"
        "Exit status: 0 nothing found, 1 a finding, 3 bad input, 4 runs without a verdict, 5 our "
        "own failure.\n\n"
        "  flushtrace explore wdm-packet --mutant no-flush-on-abort --disturb cancel\n"
        "  flushtrace explore wdm-packet --platform bounce -o found\n"
        "  flushtrace explore fail.ftr --strategy pairs --disturb cancel --disturb power-down",
    .run = run,
};
