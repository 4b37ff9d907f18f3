/* flushtrace shrink: the smallest scenario with the same finding. */
#define _GNU_SOURCE
#include "cli/cli.h"
#include "report/colour.h"
#include "report/report_json.h"
#include "report/verdict_block.h"
#include "scenario/scenario_codec.h"
#include "shrink/shrink.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { SCENARIO_BYTES = 8192 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static bool must_stop(void *context)
{
    (void)context;
    return interrupted != 0;
}

/* One line that is rewritten, on a terminal only. */
static void show_progress(void *context, const struct ft_shrink_result *so_far)
{
    const struct ft_trace *before = context;
    static double last;

    if (so_far->seconds - last < 0.1) {
        return;
    }
    last = so_far->seconds;
    fprintf(stderr, "\r\033[Kshrinking: %u of %u ops left, run %" PRIu32 ", %.1f s",
            so_far->scenario.op_count, before->scenario.op_count, so_far->runs, so_far->seconds);
    fflush(stderr);
}

static json_t *describe(const struct ft_cli *cli, const struct ft_trace *before,
                        const struct ft_shrink_result *small)
{
    json_t *object = ft_json_trace(&small->trace);
    char text[SCENARIO_BYTES];

    ft_scenario_print(&before->scenario, text, sizeof(text));
    json_object_set_new(object, "scenario_before", ft_json_text(text));
    ft_scenario_print(&small->scenario, text, sizeof(text));
    json_object_set_new(object, "scenario", ft_json_text(text));
    json_object_set_new(object, "ops_before", json_integer(before->scenario.op_count));
    json_object_set_new(object, "events_before", json_integer((json_int_t)before->event_count));
    json_object_set_new(object, "runs", json_integer(small->runs));
    json_object_set_new(object, "seconds", json_real(small->seconds));
    json_object_set_new(object, "minimal", json_boolean(small->end == FT_SHRINK_MINIMAL));
    json_object_set_new(object, "end", json_string(ft_shrink_end_text(small->end)));
    json_object_set_new(object, "trace", ft_json_text(cli->output));
    return object;
}

static void print(const struct ft_cli *cli, const struct ft_trace *before,
                  const struct ft_shrink_result *small, const char *rerun)
{
    struct ft_block block = {.trace = &small->trace,
                             .path = cli->output,
                             .rerun = rerun,
                             .colour = ft_colour_wanted(stdout),
                             .width = ft_terminal_width(stdout)};

    printf("shrunk: %u ops to %u, %" PRIu64 " events to %" PRIu64 ", in %" PRIu32
           " runs and %.1f s\n",
           before->scenario.op_count, small->scenario.op_count, before->event_count,
           small->trace.event_count, small->runs, small->seconds);
    printf(small->end == FT_SHRINK_MINIMAL
               ? "%s: without any op, and with any part simpler, it is another verdict\n\n"
               : "not minimal (%s): this is the best so far\n\n",
           ft_shrink_end_text(small->end));
    ft_block_print(&block, stdout);
}

/* Writes and reports the small trace. */
static int record(struct ft_cli *cli, const struct ft_trace *before,
                  const struct ft_shrink_result *small)
{
    struct ft_command rerun;
    struct ft_error error = {0};

    if (ft_trace_write(cli->output, &small->trace, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->output);
    }
    ft_command_replay(&rerun, cli, cli->output);
    if (cli->json) {
        json_t *object = describe(cli, before, small);

        json_object_set_new(object, "rerun", ft_json_text(rerun.text));
        ft_cli_print_json(object);
    } else {
        print(cli, before, small, rerun.text);
    }
    return FT_EXIT_OK;
}

/* The scenario has another verdict than the trace says: in this flavour, or altogether. */
static int not_found(struct ft_cli *cli, const struct ft_module *module,
                     const struct ft_trace *trace)
{
    struct ft_execute_options options = {0};
    struct ft_error error = {0};
    struct ft_trace now;
    char text[200];

    if (cli->flavour == NULL && strcmp(trace->flavour, ft_cli_own_flavour()) != 0) {
        return ft_cli_take_flavour(cli, trace->flavour);
    }
    if (ft_execute(module, &trace->scenario, &options, &now, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    ft_verdict_print(&now.verdict, text, sizeof(text));
    ft_trace_free(&now);
    ft_cli_refuse(cli, FT_USAGE, "the scenario gives another verdict now: %s", text);
    return FT_EXIT_FINDING;
}

/* The first Ctrl-C gives the best so far, the second one ends the program. */
static enum ft_status reduce(const struct ft_cli *cli, const struct ft_module *module,
                             struct ft_trace *trace, struct ft_shrink_result *small,
                             struct ft_error *error)
{
    bool shown = !cli->json && isatty(STDERR_FILENO) != 0;
    struct ft_shrink_options options = {.seconds = (double)cli->seconds,
                                        .stop = must_stop,
                                        .progress = shown ? show_progress : NULL,
                                        .context = trace};
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    enum ft_status status;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    status = ft_shrink(module, &trace->scenario, &trace->verdict, &options, small, error);
    if (shown) {
        fputs("\r\033[K", stderr);
    }
    return status;
}

static int shrink(struct ft_cli *cli, struct ft_trace *trace)
{
    const struct ft_module *module = NULL;
    struct ft_error error = {0};
    struct ft_shrink_result small;
    enum ft_status status;
    bool other = false;
    int exit_status;

    if (trace->verdict.kind != FT_VERDICT_VIOLATION && trace->verdict.kind != FT_VERDICT_CRASH &&
        trace->verdict.kind != FT_VERDICT_HANG) {
        return ft_cli_refuse(cli, FT_USAGE, "%s: the verdict is %s; there is no finding to keep",
                             cli->argument[0], ft_verdict_name(trace->verdict.kind));
    }
    if (ft_cli_check_output(cli->output, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->output);
    }
    if (ft_cli_trace_module(cli, trace, &module, &other, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    status = reduce(cli, module, trace, &small, &error);
    if (status == FT_NOT_FOUND) {
        return not_found(cli, module, trace);
    }
    if (status != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    exit_status = record(cli, trace, &small);
    ft_trace_free(&small.trace);
    return exit_status;
}

static int run(struct ft_cli *cli)
{
    struct ft_error error = {0};
    struct ft_trace trace;
    int status;

    if (cli->output == NULL) {
        return ft_cli_refuse(cli, FT_USAGE, "-o is missing: where does the small trace go?");
    }
    if (ft_cli_read_trace(cli->argument[0], &trace, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    status = shrink(cli, &trace);
    ft_trace_free(&trace);
    return status;
}

const struct ft_verb ft_verb_shrink = {
    .name = "shrink",
    .sentence = "The smallest scenario with the same rule and driver function.",
    .arguments = "TRACE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = FT_OPT(OUTPUT) | FT_OPT(DRIVER) | FT_OPT(MUTANT) | FT_OPT(FLAVOUR) | FT_OPT(TIME) |
               FT_OPT(JSON),
    .details =
        "Ops are taken out, moments, sizes, arguments and labels made simpler, the platform "
        "brought back to a preset, as long as the finding stays, until nothing more can go: no "
        "single step that is left keeps it (docs/SCENARIOS.md lists the steps). Ctrl-C and --time "
        "give the best scenario so far. A finding that only the flavour of the trace sees is "
        "shrunk by the program of that flavour.\n\n"
        "Exit status: 0 the small trace was written, 1 the finding is not there any more, 3 bad "
        "input, 5 our own failure.\n\n"
        "  flushtrace shrink fail.ftr -o small.ftr",
    .run = run,
};
