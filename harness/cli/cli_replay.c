/* flushtrace replay: a trace again, exactly or following. */
#include "cli/cli.h"
#include "cli/replaying.h"
#include "replay/travel.h"
#include "report/colour.h"
#include "report/difference.h"
#include "report/report_json.h"
#include "report/trace_facts.h"
#include "report/verdict_block.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIVERGENCE_CONTEXT = 3, GDB_WORDS = 24 };

/* One call of replay. */
struct job {
    struct ft_cli *cli;
    const char *path;
    struct ft_trace recorded;
    const struct ft_module *module;
    bool follow;
    bool changed; /* the driver, since; the same one as far as its names say */
    int platform; /* -1: the recorded one */
    struct ft_command rerun;
};

static bool under_debugger(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    long tracer = 0;
    char line[256];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "TracerPid:", 10) == 0) {
            tracer = strtol(line + 10, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return tracer != 0;
}

/* Where the debugger should stop: at the event of the verdict. A crash is its own stop, so the last
 * event before it. */
static uint64_t verdict_event(const struct ft_trace *trace)
{
    if (trace->verdict.finding_count != 0) {
        return trace->verdict.finding[0].event;
    }
    return trace->event_count > 1 ? trace->event_count - 1 : 1;
}

/* The commands for gdb, where a build and an installation have them: beside the programs' folder.
 */
static bool find_commands(char *path, size_t capacity)
{
    return ft_cli_sibling("../share/flushtrace/flushtrace_gdb.py", path, capacity) &&
           access(path, R_OK) == 0;
}

static void add_option(const char **word, unsigned *count, const char *option, const char *value)
{
    if (value != NULL) {
        word[(*count)++] = option;
        word[(*count)++] = value;
    }
}

static int start_gdb(const struct job *job)
{
    const struct ft_cli *cli = job->cli;
    uint64_t event = cli->stop_at != 0 ? cli->stop_at : verdict_event(&job->recorded);
    char self[4096], commands[4096], number[32];
    const char *word[GDB_WORDS] = {"gdb", "-q",      "-x",     commands, "-ex",    "run",
                                   "-ex", "ft here", "--args", self,     "replay", job->path};
    unsigned count = 12;
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (length <= 0) {
        return ft_cli_refuse(cli, FT_IO, "cannot find this program: %s", strerror(errno));
    }
    self[length] = '\0';
    if (!find_commands(commands, sizeof(commands))) {
        return ft_cli_refuse(cli, FT_IO, "cannot read %.300s: the commands for gdb", commands);
    }
    snprintf(number, sizeof(number), "%" PRIu64, event);
    add_option(word, &count, "--stop-at", number);
    add_option(word, &count, "--mutant", cli->mutant);
    add_option(word, &count, "--driver", cli->driver);
    add_option(word, &count, "--platform", cli->platform);
    if (cli->keep_going) {
        word[count++] = "--keep-going";
    }
    ft_cli_note(cli, "gdb stops before event %s, in the driver's call; ft help tells the commands",
                number);
    fflush(NULL);
    execvp("gdb", (char *const *)word);
    return ft_cli_refuse(cli, FT_IO, "cannot start gdb: %s", strerror(errno));
}

/* In this process, for the debugger that watches it. The run is recorded first, by a worker, so
 * that it can be asked about events that are still to come. */
static int stop_in_debugger(const struct job *job)
{
    struct ft_execute_options options = {.keep_going =
                                             job->cli->keep_going || ft_kept_going(&job->recorded)};
    struct ft_error error = {0};
    struct ft_trace trace;
    enum ft_status status;

    if (!under_debugger()) {
        return ft_cli_refuse(
            job->cli, FT_USAGE,
            "--stop-at raises SIGTRAP and no debugger is there to take it; use --gdb");
    }
    if (ft_execute(job->module, &job->recorded.scenario, &options, &trace, &error) != FT_OK) {
        return ft_cli_fail(job->cli, &error, job->path);
    }
    if (trace.event_count < job->cli->stop_at) {
        ft_cli_note(job->cli, "the run has only %" PRIu64 " events", trace.event_count);
    }
    status = ft_travel(job->module, &trace, options.keep_going, job->cli->stop_at, &error);
    ft_trace_free(&trace);
    return status == FT_OK ? FT_EXIT_OK : ft_cli_fail(job->cli, &error, job->path);
}

static void make_rerun(struct job *job)
{
    const struct ft_cli *cli = job->cli;
    bool implied = cli->platform != NULL || cli->mutant != NULL || cli->driver != NULL;

    ft_command_replay(&job->rerun, cli, job->path);
    ft_command_option(&job->rerun, "--mutant", cli->mutant);
    ft_command_option(&job->rerun, "--platform", cli->platform);
    if (cli->keep_going) {
        ft_command_word(&job->rerun, "--keep-going");
    }
    if (job->follow && !implied) {
        ft_command_word(&job->rerun, "--follow");
    }
}

static json_t *answer_object(const struct job *job, const struct ft_replayed *replayed)
{
    json_t *object = ft_json_trace(&replayed->trace);
    json_t *stored = json_object();

    ft_json_add_verdict(stored, &job->recorded.verdict);
    json_object_set_new(object, "outcome", json_string(ft_outcome_name(replayed->outcome)));
    json_object_set_new(object, "stored", stored);
    json_object_set_new(object, "followed", json_boolean(job->follow));
    json_object_set_new(object, "divergence",
                        replayed->divergence != 0 ? json_integer((json_int_t)replayed->divergence)
                                                  : json_null());
    json_object_set_new(object, "note", ft_json_text(replayed->note));
    json_object_set_new(object, "rerun", ft_json_text(job->rerun.text));
    json_object_set_new(object, "trace", ft_json_text(job->path));
    return object;
}

static void print_outcome(const struct job *job, const struct ft_replayed *replayed, bool colour)
{
    static const char *const sentences[] = {
        [FT_OUTCOME_PENDING] = "not run",
        [FT_OUTCOME_PASSED] = "the stored verdict",
        [FT_OUTCOME_OTHER] = "another verdict than the stored one",
        [FT_OUTCOME_DIVERGED] = "divergence",
        [FT_OUTCOME_UNJUDGED] = "unjudged",
        [FT_OUTCOME_BAD_FILE] = "bad file",
        [FT_OUTCOME_MISPLACED] = "wrong folder",
        [FT_OUTCOME_OWN_FAILURE] = "own failure",
    };
    bool passed = replayed->outcome == FT_OUTCOME_PASSED;

    printf("%s%s%s%s%s%s\n", job->follow ? "followed: " : "replayed: ",
           ft_colour(colour, passed ? FT_COLOUR_GOOD : FT_COLOUR_BAD), sentences[replayed->outcome],
           ft_colour(colour, FT_COLOUR_NONE), replayed->note[0] != '\0' ? "; " : "",
           replayed->note);
    if (replayed->divergence != 0) {
        printf("\nfirst difference at event %" PRIu64 " (- recorded, + replayed)\n",
               replayed->divergence);
        ft_difference_print(&job->recorded, &replayed->trace, replayed->divergence,
                            DIVERGENCE_CONTEXT, stdout);
    }
    putchar('\n');
}

static int report(const struct job *job, const struct ft_replayed *replayed)
{
    bool colour = ft_colour_wanted(stdout);
    struct ft_error error = {0};

    if (job->cli->output != NULL &&
        ft_trace_write(job->cli->output, &replayed->trace, &error) != FT_OK) {
        return ft_cli_fail(job->cli, &error, job->cli->output);
    }
    if (job->cli->json) {
        ft_cli_print_json(answer_object(job, replayed));
    } else {
        struct ft_block block = {.trace = &replayed->trace,
                                 .path = job->cli->output,
                                 .rerun = job->rerun.text,
                                 .colour = colour,
                                 .width = ft_terminal_width(stdout)};

        print_outcome(job, replayed, colour);
        if (replayed->outcome == FT_OUTCOME_DIVERGED) {
            printf("run it again with\n%s\n", job->rerun.text);
        } else {
            ft_block_print(&block, stdout);
            if (replayed->outcome != FT_OUTCOME_PASSED &&
                replayed->trace.verdict.kind == FT_VERDICT_CLEAN) {
                printf("\nrun it again with\n%s\n", job->rerun.text);
            }
        }
    }
    return ft_outcome_exit(replayed->outcome);
}

static enum ft_replay_way way_of(const struct job *job)
{
    if (!job->follow) {
        return FT_REPLAY_STRICT;
    }
    return job->changed && job->platform < 0 ? FT_REPLAY_FOLLOW_NEAR : FT_REPLAY_FOLLOW;
}

static int replay_once(struct job *job)
{
    struct ft_replayed replayed;
    struct ft_error error = {0};
    int status;

    if (!job->follow && ft_why_not_strict(job->module, &job->recorded) != NULL) {
        return ft_cli_refuse(job->cli, FT_USAGE, "%s: %s; replay it with --follow", job->path,
                             ft_why_not_strict(job->module, &job->recorded));
    }
    if (ft_replay_compare(job->module, &job->recorded, way_of(job), job->cli->keep_going, &replayed,
                          &error) != FT_OK) {
        return ft_cli_fail(job->cli, &error, job->path);
    }
    status = report(job, &replayed);
    ft_trace_free(&replayed.trace);
    return status;
}

/* One row of --platform all. */
static int replay_on(struct job *job, int platform, json_t *list)
{
    struct ft_error error = {0};
    struct ft_replayed replayed;
    char verdict[256];
    int status;

    ft_platform_change((enum ft_platform_name)platform, &job->recorded.scenario.platform);
    if (ft_replay_compare(job->module, &job->recorded, FT_REPLAY_FOLLOW, job->cli->keep_going,
                          &replayed, &error) != FT_OK) {
        ft_cli_note(job->cli, "%s: %s", ft_platform_preset_name((unsigned)platform), error.text);
        return FT_EXIT_FAILURE;
    }
    ft_verdict_print(&replayed.trace.verdict, verdict, sizeof(verdict));
    if (job->cli->json) {
        json_array_append_new(list, answer_object(job, &replayed));
    } else {
        printf("%-12s  %-13s  %8" PRIu64 "  %016" PRIx64 "  %s\n",
               ft_platform_preset_name((unsigned)platform), ft_outcome_name(replayed.outcome),
               replayed.trace.event_count, replayed.trace.hash, verdict);
    }
    status = ft_outcome_exit(replayed.outcome);
    ft_trace_free(&replayed.trace);
    return status;
}

static int replay_everywhere(struct job *job)
{
    json_t *list = json_array();
    int worst = FT_EXIT_OK;
    char stored[256];

    ft_verdict_print(&job->recorded.verdict, stored, sizeof(stored));
    if (!job->cli->json) {
        printf("%s, stored: %s\n\n%-12s  %-13s  %8s  %-16s  verdict\n", job->path, stored,
               "platform", "outcome", "events", "hash");
    }
    for (int i = 0; i < FT_PLATFORM_COUNT; i++) {
        int status = replay_on(job, i, list);

        /* Our own failure outweighs another verdict, and that outweighs none. */
        if (status == FT_EXIT_FAILURE || worst == FT_EXIT_OK ||
            (status == FT_EXIT_FINDING && worst != FT_EXIT_FAILURE)) {
            worst = status;
        }
    }
    if (job->cli->json) {
        json_t *object = json_object();

        ft_json_add_verdict(object, &job->recorded.verdict);
        json_object_set(object, "platforms", list);
        json_object_set_new(object, "trace", ft_json_text(job->path));
        json_object_set_new(object, "rerun", ft_json_text(job->rerun.text));
        ft_cli_print_json(object);
    } else {
        printf("\nrun it again with\n%s\n", job->rerun.text);
    }
    json_decref(list);
    return worst;
}

static int prepare(struct job *job)
{
    struct ft_cli *cli = job->cli;
    bool everywhere = cli->platform != NULL && strcmp(cli->platform, "all") == 0;
    struct ft_error error = {0};
    bool other = false;

    job->platform = cli->platform != NULL && !everywhere ? ft_cli_platform(cli->platform) : -1;
    if (cli->platform != NULL && !everywhere && job->platform < 0) {
        return ft_cli_refuse(cli, FT_USAGE,
                             "no platform %.60s: coherent, bounce, noncoherent, iommu or all",
                             cli->platform);
    }
    if (!job->recorded.complete) {
        return ft_cli_refuse(cli, FT_TRUNCATED,
                             "%s: cut off before its verdict; show and check read it", job->path);
    }
    if (cli->output != NULL && ft_cli_check_output(cli->output, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->output);
    }
    if (ft_cli_trace_module(cli, &job->recorded, &job->module, &other, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, job->path);
    }
    job->changed = !other && ft_why_not_strict(job->module, &job->recorded) != NULL;
    job->follow = cli->follow || other || cli->platform != NULL ||
                  (cli->keep_going && !ft_kept_going(&job->recorded));
    if (strcmp(job->recorded.flavour, job->module->flavour) != 0) {
        ft_cli_note(cli, "recorded with flavour %s, this is flavour %s", job->recorded.flavour,
                    job->module->flavour);
    }
    if (job->platform >= 0) {
        ft_platform_change((enum ft_platform_name)job->platform, &job->recorded.scenario.platform);
    }
    make_rerun(job);
    return FT_EXIT_OK;
}

static int run(struct ft_cli *cli)
{
    struct job job = {.cli = cli, .path = cli->argument[0]};
    struct ft_error error = {0};
    int status;

    if (ft_cli_read_trace(job.path, &job.recorded, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, job.path);
    }
    if (cli->flavour == NULL && strcmp(job.recorded.flavour, "access") == 0 &&
        strcmp(job.recorded.flavour, ft_cli_own_flavour()) != 0) {
        status = ft_cli_take_flavour(cli, job.recorded.flavour);
        ft_trace_free(&job.recorded);
        return status;
    }
    status = prepare(&job);
    if (status == FT_EXIT_OK && cli->gdb) {
        status = cli->json ? ft_cli_refuse(cli, FT_USAGE, "--gdb and --json do not go together")
                           : start_gdb(&job);
    } else if (status == FT_EXIT_OK && cli->stop_at != 0) {
        status = stop_in_debugger(&job);
    } else if (status == FT_EXIT_OK && cli->platform != NULL && job.platform < 0) {
        status = replay_everywhere(&job);
    } else if (status == FT_EXIT_OK) {
        status = replay_once(&job);
    }
    ft_trace_free(&job.recorded);
    return status;
}

const struct ft_verb ft_verb_replay = {
    .name = "replay",
    .sentence = "Run a trace again, event for event, and compare its verdict.",
    .arguments = "TRACE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = FT_OPT(FOLLOW) | FT_OPT(STOP_AT) | FT_OPT(GDB) | FT_OPT(PLATFORM) | FT_OPT(MUTANT) |
               FT_OPT(DRIVER) | FT_OPT(FLAVOUR) | FT_OPT(KEEP_GOING) | FT_OPT(OUTPUT) |
               FT_OPT(JSON),
    .details =
        "Strict by default: model number and driver fingerprint must match, and every event must "
        "be the recorded one. --mutant, --driver and --platform imply --follow; --platform all "
        "runs the scenario on every platform. --follow on a driver that has changed since also "
        "looks "
        "near by, where the stored finding does not come: a moment may count one call more or less "
        "(docs/SCENARIOS.md).\n\n"
        "Exit status: 0 the stored verdict, 1 another, 2 divergence (the first different event "
        "is shown), 3 bad input, 4 no verdict, also when another flavour saw a crash that this "
        "one may not see, 5 our own failure.\n\n"
        "--gdb opens at the event of the verdict (or --stop-at) in the driver's own line; there "
        "`ft help` lists commands to go to any event, forwards and backwards, to the last write "
        "of an address, and to print the machine (docs/DEBUGGING.md).\n\n"
        "  flushtrace replay fail.ftr\n"
        "  flushtrace replay fail.ftr --gdb\n"
        "  flushtrace replay fail.ftr --mutant none\n"
        "  flushtrace replay fail.ftr --platform all",
    .run = run,
};
