/* flushtrace run: one scenario, once. */
#include "cli/cli.h"
#include "report/colour.h"
#include "report/report_json.h"
#include "report/verdict_block.h"

#include <inttypes.h>
#include <string.h>

/* The command that runs it again: the trace when there is one, else the same arguments. */
static void make_rerun(const struct ft_cli *cli, struct ft_command *command)
{
    char seed[32];

    if (cli->output != NULL) {
        ft_command_replay(command, cli, cli->output);
        if (strchr(cli->argument[0], '/') != NULL) {
            ft_command_option(command, "--driver", cli->argument[0]);
        }
        return;
    }
    snprintf(seed, sizeof(seed), "%" PRIu64, cli->seed);
    ft_command_begin(command, cli, "run");
    ft_command_word(command, cli->argument[0]);
    ft_command_option(command, "--mutant", cli->mutant);
    ft_command_option(command, "--scenario", cli->scenario);
    ft_command_option(command, "--seed", cli->seed_given ? seed : NULL);
    ft_command_option(command, "--platform", cli->platform);
    if (cli->keep_going) {
        ft_command_word(command, "--keep-going");
    }
}

static int report(struct ft_cli *cli, const struct ft_trace *trace)
{
    struct ft_command rerun;
    const char *known = NULL;
    int status = ft_cli_judge(cli, trace, &known);

    make_rerun(cli, &rerun);
    if (cli->json) {
        json_t *object = ft_json_trace(trace);

        json_object_set_new(object, "rerun", ft_json_text(rerun.text));
        json_object_set_new(object, "trace",
                            cli->output != NULL ? ft_json_text(cli->output) : json_null());
        json_object_set_new(object, "known", known != NULL ? ft_json_text(known) : json_null());
        ft_cli_print_json(object);
    } else {
        struct ft_block block = {.trace = trace,
                                 .path = cli->output,
                                 .rerun = rerun.text,
                                 .known = known,
                                 .colour = ft_colour_wanted(stdout),
                                 .width = ft_terminal_width(stdout)};

        ft_block_print(&block, stdout);
    }
    ft_cli_complain_unused(cli);
    return status;
}

static int run(struct ft_cli *cli)
{
    struct ft_execute_options options = {.keep_going = cli->keep_going, .brief = !cli->output};
    const struct ft_module *module = NULL;
    struct ft_error error = {0};
    struct ft_scenario scenario;
    struct ft_trace trace;
    int status;

    if (ft_cli_module(cli->argument[0], cli->mutant != NULL ? cli->mutant : "none", &module,
                      &error) != FT_OK) {
        return ft_cli_fail(cli, &error, NULL);
    }
    if (cli->output != NULL && ft_cli_check_output(cli->output, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->output);
    }
    status = ft_cli_scenario(cli, module, &scenario);
    if (status != FT_EXIT_OK) {
        return status;
    }
    if (ft_execute(module, &scenario, &options, &trace, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, NULL);
    }
    if (cli->output != NULL && ft_trace_write(cli->output, &trace, &error) != FT_OK) {
        ft_trace_free(&trace);
        return ft_cli_fail(cli, &error, cli->output);
    }
    status = report(cli, &trace);
    ft_trace_free(&trace);
    return status;
}

const struct ft_verb ft_verb_run = {
    .name = "run",
    .sentence = "Run one scenario on a driver, judge it, and record it.",
    .arguments = "DRIVER",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = FT_OPT(SCENARIO) | FT_OPT(SEED) | FT_OPT(MUTANT) | FT_OPT(PLATFORM) |
               FT_OPT(FLAVOUR) | FT_OPT(OUTPUT) | FT_OPT(KEEP_GOING) | FT_OPT(BASELINE) |
               FT_OPT(IGNORE) | FT_OPT(JSON),
    .details =
        "DRIVER is a core (flushtrace drivers) or the path of a module (./mine.so). Without "
        "--scenario and --seed it gets two reads and a write, and nothing disturbs it. "
        "--platform takes the place of the scenario's platform.\n\n"
        "Exit status: 0 clean, 1 a finding, 3 bad input, 4 no verdict, 5 our own failure.\n\n"
        "  flushtrace run wdm-packet\n"
        "  flushtrace run wdm-packet --scenario remove.fts --platform bounce -o remove.ftr\n"
        "  flushtrace run wdm-packet --mutant flush-va-advanced --seed 7",
    .run = run,
};
