/* flushtrace shrink: the smallest scenario with the same finding. */
#include "cli/cli.h"
#include "report/colour.h"
#include "report/report_json.h"
#include "report/verdict_block.h"
#include "shrink/shrink.h"

/* Runs the small scenario, and writes and reports it. */
static int record(struct ft_cli *cli, const struct ft_module *module, const struct ft_trace *before,
                  const struct ft_scenario *small, uint32_t runs)
{
    struct ft_execute_options options = {0};
    struct ft_command rerun;
    struct ft_error error = {0};
    struct ft_trace after;

    if (ft_execute(module, small, &options, &after, &error) != FT_OK ||
        ft_trace_write(cli->output, &after, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->output);
    }
    ft_command_replay(&rerun, cli, cli->output);
    if (cli->json) {
        json_t *object = ft_json_trace(&after);

        json_object_set_new(object, "ops_before", json_integer(before->scenario.op_count));
        json_object_set_new(object, "events_before", json_integer((json_int_t)before->event_count));
        json_object_set_new(object, "runs", json_integer(runs));
        json_object_set_new(object, "trace", ft_json_text(cli->output));
        json_object_set_new(object, "rerun", ft_json_text(rerun.text));
        ft_cli_print_json(object);
    } else {
        struct ft_block block = {.trace = &after,
                                 .path = cli->output,
                                 .rerun = rerun.text,
                                 .colour = ft_colour_wanted(stdout),
                                 .width = ft_terminal_width(stdout)};

        printf("shrunk: %u ops to %u, %llu events to %llu, in %u runs\n\n",
               before->scenario.op_count, small->op_count, (unsigned long long)before->event_count,
               (unsigned long long)after.event_count, runs);
        ft_block_print(&block, stdout);
    }
    ft_trace_free(&after);
    return FT_EXIT_OK;
}

/* The finding must be there before it can be kept. */
static int still_found(const struct ft_cli *cli, const struct ft_module *module,
                       const struct ft_trace *trace)
{
    struct ft_execute_options options = {0};
    struct ft_error error = {0};
    struct ft_trace now;
    char text[200];
    bool same;

    if (ft_execute(module, &trace->scenario, &options, &now, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    same = ft_same_finding(&now.verdict, &trace->verdict);
    ft_verdict_print(&now.verdict, text, sizeof(text));
    ft_trace_free(&now);
    if (!same) {
        ft_cli_refuse(cli, FT_USAGE, "the scenario gives another verdict now: %s", text);
        return FT_EXIT_FINDING;
    }
    return FT_EXIT_OK;
}

static int shrink(struct ft_cli *cli, const struct ft_trace *trace)
{
    const struct ft_module *module = NULL;
    struct ft_error error = {0};
    struct ft_shrink_result small;
    bool other = false;
    int status;

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
    status = still_found(cli, module, trace);
    if (status != FT_EXIT_OK) {
        return status;
    }
    if (ft_shrink(module, &trace->scenario, &trace->verdict, &(struct ft_shrink_options){0}, &small, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    return record(cli, module, trace, &small.scenario, small.runs);
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
    .options = FT_OPT(OUTPUT) | FT_OPT(DRIVER) | FT_OPT(MUTANT) | FT_OPT(FLAVOUR) | FT_OPT(JSON),
    .details =
        "Ops are taken out, moments and sizes made simpler, the platform brought back to its "
        "preset, as long as the finding stays.\n\n"
        "Exit status: 0 the small trace was written, 1 the finding is not there any more, 3 bad "
        "input, 5 our own failure.\n\n"
        "  flushtrace shrink fail.ftr -o small.ftr",
    .run = run,
};
