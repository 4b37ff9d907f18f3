/* flushtrace check: the rules over recorded events; the driver does not run. */
#include "cli/cli.h"
#include "report/colour.h"
#include "report/report_json.h"
#include "report/trace_facts.h"
#include "report/verdict_block.h"

static json_t *answer_object(const struct ft_cli *cli, const struct ft_trace *trace,
                             const struct ft_verdict *stored, bool same, const char *known)
{
    json_t *object = ft_json_trace(trace);
    json_t *before = json_object();
    struct ft_command rerun;

    ft_json_add_verdict(before, stored);
    ft_command_begin(&rerun, cli, "check");
    ft_command_word(&rerun, cli->argument[0]);
    json_object_set_new(object, "stored", trace->complete ? json_incref(before) : json_null());
    json_object_set_new(object, "same", json_boolean(same));
    json_object_set_new(object, "complete", json_boolean(trace->complete));
    json_object_set_new(object, "known", known != NULL ? ft_json_text(known) : json_null());
    json_object_set_new(object, "trace", ft_json_text(cli->argument[0]));
    json_object_set_new(object, "rerun", ft_json_text(rerun.text));
    json_decref(before);
    return object;
}

static int report(struct ft_cli *cli, const struct ft_trace *trace, const struct ft_verdict *stored)
{
    bool same = trace->complete && ft_same_finding(stored, &trace->verdict);
    const char *known = NULL;
    int status = ft_cli_judge(cli, trace, &known);
    struct ft_command rerun;
    char text[256];

    ft_command_replay(&rerun, cli, cli->argument[0]);
    if (cli->json) {
        ft_cli_print_json(answer_object(cli, trace, stored, same, known));
    } else {
        struct ft_block block = {.trace = trace,
                                 .path = cli->argument[0],
                                 .rerun = rerun.text,
                                 .known = known,
                                 .colour = ft_colour_wanted(stdout),
                                 .width = ft_terminal_width(stdout)};

        if (trace->complete) {
            ft_verdict_print(stored, text, sizeof(text));
            printf("checked: the stored verdict is %s%s%s\n\n",
                   same ? "right" : "another: ", same ? "" : text, "");
        }
        ft_block_print(&block, stdout);
    }
    if (trace->complete && !same) {
        ft_cli_note(cli, "these rules say something else than the stored verdict");
    }
    ft_cli_complain_unused(cli);
    return status;
}

static int run(struct ft_cli *cli)
{
    struct ft_error error = {0};
    struct ft_verdict stored;
    struct ft_trace trace;
    int status;

    if (ft_cli_read_trace(cli->argument[0], &trace, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    stored = trace.verdict;
    if (!ft_judge_trace(&trace, cli->keep_going || ft_kept_going(&trace), &trace.verdict)) {
        status = ft_cli_refuse(cli, FT_NO_MEMORY, "%s: no memory", cli->argument[0]);
    } else {
        status = report(cli, &trace, &stored);
    }
    ft_trace_free(&trace);
    return status;
}

const struct ft_verb ft_verb_check = {
    .name = "check",
    .sentence = "Judge a recorded trace by the rules, without running the driver.",
    .arguments = "TRACE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = FT_OPT(KEEP_GOING) | FT_OPT(BASELINE) | FT_OPT(IGNORE) | FT_OPT(JSON),
    .details =
        "Exit status: 0 clean, 1 a finding, 3 bad input, 4 no verdict. Whether the stored verdict "
        "is the same is said, and is the key `same` of the JSON answer.\n\n"
        "  flushtrace check fail.ftr",
    .run = run,
};
