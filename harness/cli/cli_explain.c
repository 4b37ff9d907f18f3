/* flushtrace explain: the rule, the point of no return, the events that matter. */
#include "cli/cli.h"
#include "cli/explaining.h"
#include "explain/matters.h"
#include "report/colour.h"
#include "report/event_line.h"
#include "report/report_json.h"
#include "report/verdict_block.h"

#include <inttypes.h>
#include <string.h>

enum { BAR_COLUMNS = 40 };

/* ---- JSON ---- */

static int answer(const struct ft_cli *cli, const struct ft_explained *explained,
                  const struct ft_matters *matters, const char *rerun)
{
    json_t *object = ft_json_trace(&explained->trace);
    json_t *events = json_array();

    for (unsigned i = 0; i < matters->event_count; i++) {
        json_array_append_new(events, ft_json_event(&explained->trace, matters->event[i] - 1));
    }
    json_object_set_new(object, "no_return", ft_explained_json(explained));
    json_object_set_new(object, "matters", events);
    json_object_set_new(object, "matters_left_out", json_integer((json_int_t)matters->left_out));
    json_object_set_new(object, "same_run", json_boolean(explained->same_run));
    json_object_set_new(object, "trace", ft_json_text(cli->argument[0]));
    json_object_set_new(object, "rerun", ft_json_text(rerun));
    ft_cli_print_json(object);
    return FT_EXIT_OK;
}

/* ---- text ---- */

static void print_shares(const struct ft_explained *explained, FILE *out)
{
    const struct ft_explain *explain = &explained->explain;

    fputs("\ncontinuations that fail, by the last event that is as recorded\n", out);
    for (unsigned i = 0; i < explain->share_count; i++) {
        const struct ft_share *share = &explain->share[i];
        int columns = share->runs != 0 ? (int)(share->same * BAR_COLUMNS / share->runs) : 0;

        fprintf(out, "  %c %*" PRIu32 "  %3" PRIu32 " of %3" PRIu32 "  %.*s\n",
                share->event == ft_explained_point(explained) && share->event != 0 ? 'x' : ' ', 7,
                share->event, share->same, share->runs, columns,
                "########################################");
    }
}

static void print_point(const struct ft_explained *explained, struct ft_lines *lines, FILE *out)
{
    const struct ft_explain *explain = &explained->explain;

    fputs("\npoint of no return\n", out);
    ft_explained_print(explained, out);
    if (ft_explained_point(explained) != 0) {
        ft_lines_print(lines, explain->event - 1, out);
        if (explain->event != explain->rule_event) {
            ft_lines_print(lines, explain->rule_event - 1, out);
        }
    }
    if (explain->any < explain->event &&
        (explain->end == FT_EXPLAIN_POINT || explain->end == FT_EXPLAIN_START)) {
        fprintf(out, "    from event %" PRIu64 " on every continuation has some finding\n",
                explain->any);
    }
    if (explain->stride > 1) {
        fprintf(out, "    looked for from every %" PRIu64 "th event first: the run is long\n",
                explain->stride);
    }
}

static void print_matters(const struct ft_matters *matters, struct ft_lines *lines, FILE *out)
{
    fputs("\nevents that matter\n", out);
    ft_lines_print_legend(lines, out);
    for (unsigned i = 0; i < matters->event_count; i++) {
        /* Those that were left out lie in one gap, behind the first few. */
        if (i == FT_MATTERS_FIRST && matters->left_out != 0) {
            fprintf(out, "  %*s %" PRIu64 " more\n", lines->number_width, "...", matters->left_out);
        }
        ft_lines_print(lines, matters->event[i] - 1, out);
    }
}

static int print(const struct ft_cli *cli, const struct ft_explained *explained,
                 const struct ft_matters *matters, const char *rerun)
{
    struct ft_block block = {.trace = &explained->trace,
                             .colour = ft_colour_wanted(stdout),
                             .width = ft_terminal_width(stdout)};
    struct ft_lines lines;
    FILE *out;

    if (!ft_lines_begin(&lines, &explained->trace, block.colour, block.width)) {
        return ft_cli_refuse(cli, FT_NO_MEMORY, "%s: no memory", cli->argument[0]);
    }
    lines.no_return = ft_explained_point(explained);
    out = ft_cli_page_begin(cli);
    ft_block_print_title(&block, out);
    if (!explained->same_run) {
        fputs("  not the recorded run: events differ, the finding is the same\n", out);
    }
    ft_block_print_why(&block, out);
    print_point(explained, &lines, out);
    print_matters(matters, &lines, out);
    print_shares(explained, out);
    fprintf(out, "\n%" PRIu64 " continuations in %.1f s; run it again with\n%s\n",
            explained->explain.runs, explained->explain.elapsed, rerun);
    ft_cli_page_end(cli, out);
    ft_lines_end(&lines);
    return FT_EXIT_OK;
}

static void make_rerun(const struct ft_cli *cli, struct ft_command *command)
{
    ft_command_begin(command, cli, "replay");
    ft_command_option(command, "--driver", cli->driver);
    ft_command_option(command, "--mutant", cli->mutant);
    ft_command_word(command, cli->argument[0]);
    ft_command_word(command, "--gdb");
}

static int report(struct ft_cli *cli, const struct ft_explained *explained)
{
    struct ft_matters matters;
    struct ft_command rerun;
    int status;

    ft_matters_read(&explained->trace, explained->explain.rule_event, ft_explained_point(explained),
                    &matters);
    make_rerun(cli, &rerun);
    status = cli->json ? answer(cli, explained, &matters, rerun.text)
                       : print(cli, explained, &matters, rerun.text);
    if (status != FT_EXIT_OK) {
        return status;
    }
    return explained->explain.end == FT_EXPLAIN_POINT || explained->explain.end == FT_EXPLAIN_START
               ? FT_EXIT_OK
               : FT_EXIT_NO_VERDICT;
}

static int run(struct ft_cli *cli)
{
    struct ft_error error = {0};
    struct ft_explained explained;
    struct ft_trace recorded;
    int status;

    if (ft_cli_read_trace(cli->argument[0], &recorded, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    status = ft_cli_explain(cli, &recorded, &explained);
    if (status == FT_EXIT_OK) {
        status = report(cli, &explained);
        ft_explained_free(&explained);
    }
    ft_trace_free(&recorded);
    return status;
}

const struct ft_verb ft_verb_explain = {
    .name = "explain",
    .sentence = "The rule, the point of no return, the events that matter.",
    .arguments = "TRACE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = FT_OPT(DRIVER) | FT_OPT(MUTANT) | FT_OPT(FLAVOUR) | FT_OPT(TIME) | FT_OPT(JOBS) |
               FT_OPT(JSON),
    .details =
        "The rule that was broken, with its sentence, its source and where the driver was; then "
        "when it was too late: the point of no return is the event from which on the run fails "
        "whatever happens. It is found by running the driver on from each event in many ways: the "
        "events up to it are as recorded, nothing more of the scenario comes, and which task runs "
        "when is drawn (the world's own order, each single preemption right behind the event, and "
        "random ones; seeds are fixed, so the answer is the same each time). From that event on "
        "all of them have the same finding (rule and driver function); from the event before it "
        "at least one has not. Doomed from the start means that the driver fails without any op. "
        "Then follow the events of the objects concerned, from their making to the violation "
        "(x the point of no return, > the rule's own event, ! an op).\n\n"
        "Exit status: 0 explained, 1 the finding is not there any more, 3 bad input, 4 not "
        "determined (--time, Ctrl-C), 5 our own failure.\n\n"
        "  flushtrace explain fail.ftr\n"
        "  flushtrace show fail.ftr --explain      the whole timeline, with that event marked",
    .run = run,
};
