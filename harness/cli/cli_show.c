/* flushtrace show: the timeline of a trace. */
#include "cli/cli.h"
#include "cli/explaining.h"
#include "report/colour.h"
#include "report/event_line.h"
#include "report/report_json.h"
#include "report/trace_facts.h"
#include "report/verdict_block.h"

#include <inttypes.h>
#include <string.h>

/* ---- which events ---- */

static int refuse_number(const struct ft_cli *cli, const struct ft_trace *trace, uint64_t number)
{
    return ft_cli_refuse(cli, FT_USAGE, "%s has %" PRIu64 " events, none is number %" PRIu64,
                         cli->argument[0], trace->event_count, number);
}

static int make_range(const struct ft_cli *cli, const struct ft_trace *trace,
                      struct ft_filter *filter)
{
    uint64_t last = trace->event_count;

    if (cli->around > last || cli->from > last) {
        return refuse_number(cli, trace, cli->around > last ? cli->around : cli->from);
    }
    if (cli->to != 0 && cli->to < cli->from) {
        return ft_cli_refuse(cli, FT_USAGE, "--from %" PRIu64 " is behind --to %" PRIu64, cli->from,
                             cli->to);
    }
    if (cli->radius_given && cli->around == 0) {
        return ft_cli_refuse(cli, FT_USAGE, "--context is for --around");
    }
    ft_filter_range(filter, cli->from, cli->to != 0 ? cli->to : last);
    if (cli->around != 0) {
        ft_filter_range(filter, cli->around > cli->radius ? cli->around - cli->radius : 0,
                        cli->radius < last - cli->around ? cli->around + cli->radius : last);
    }
    return FT_EXIT_OK;
}

static int make_filter(const struct ft_cli *cli, const struct ft_trace *trace,
                       struct ft_filter *ret)
{
    ft_filter_init(ret, trace);
    for (unsigned i = 0; i < cli->object.count; i++) {
        if (!ft_filter_add_object(ret, cli->object.word[i])) {
            return ft_cli_refuse(
                cli, FT_USAGE,
                "--object takes CLASS#NUMBER (irp#3, mdl#1) or a task as the lines "
                "name it (dpc-4), not '%.60s'",
                cli->object.word[i]);
        }
    }
    for (unsigned i = 0; i < ret->object_count; i++) {
        uint64_t k = 0;

        while (k < trace->event_count && !ft_event_concerns(&trace->event[k], ret->object[i])) {
            k++;
        }
        if (k == trace->event_count) {
            return ft_cli_refuse(cli, FT_USAGE, "%.80s: no event concerns %.60s", cli->argument[0],
                                 cli->object.word[i]);
        }
    }
    for (unsigned i = 0; i < cli->kind.count; i++) {
        if (!ft_filter_add_kind(ret, cli->kind.word[i])) {
            return ft_cli_refuse(cli, FT_USAGE,
                                 "--kind: no event is called '%.60s' (docs/EVENTS.md)",
                                 cli->kind.word[i]);
        }
    }
    return make_range(cli, trace, ret);
}

/* ---- JSON ---- */

/* The members of the object that stand before the list of events, without its closing brace. */
static bool print_members(const struct ft_cli *cli, const struct ft_trace *trace,
                          const struct ft_filter *filter, const struct ft_explained *explained)
{
    json_t *object = ft_json_trace(trace);
    struct ft_command rerun;
    char *text;

    ft_command_replay_of(&rerun, cli, trace);
    json_object_set_new(object, "complete", json_boolean(trace->complete));
    if (explained != NULL) {
        json_object_set_new(object, "no_return", ft_explained_json(explained));
    }
    json_object_set_new(object, "suspended", ft_json_suspended(trace));
    json_object_set_new(object, "trace", ft_json_text(cli->argument[0]));
    json_object_set_new(object, "rerun", ft_json_text(rerun.text));
    json_object_set_new(object, "first", json_integer((json_int_t)filter->first + 1));
    json_object_set_new(object, "last", json_integer((json_int_t)filter->end));
    text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    if (text == NULL) {
        return false;
    }
    printf("%.*s,\n  \"lines\": [", (int)strlen(text) - 2, text);
    free(text);
    return true;
}

/* One object, written piece by piece: a trace may have more events than fit into memory as JSON. */
static int answer(const struct ft_cli *cli, struct ft_lines *lines, const struct ft_filter *filter,
                  const struct ft_explained *explained)
{
    const struct ft_trace *trace = lines->trace;
    uint64_t shown = 0;

    if (!print_members(cli, trace, filter, explained)) {
        return ft_cli_refuse(cli, FT_NO_MEMORY, "%s: no memory", cli->argument[0]);
    }
    for (uint64_t i = filter->first; i < filter->end && ferror(stdout) == 0; i++) {
        if (ft_filter_passes(filter, &trace->event[i])) {
            json_t *event = ft_json_event(trace, i);

            json_object_set_new(event, "time",
                                json_integer((json_int_t)ft_clock_at(&lines->clock, i)));
            fputs(shown++ != 0 ? ",\n    " : "\n    ", stdout);
            json_dumpf(event, stdout, 0);
            json_decref(event);
        }
    }
    printf("\n  ],\n  \"shown\": %" PRIu64 ",\n  \"hidden\": %" PRIu64 "\n}\n", shown,
           trace->event_count - shown);
    return FT_EXIT_OK;
}

/* ---- text ---- */

static void print_hidden(const struct ft_filter *filter, const struct ft_trace *trace,
                         uint64_t shown, FILE *out)
{
    uint64_t before = filter->first, behind = trace->event_count - filter->end;
    uint64_t between = trace->event_count - before - behind - shown;
    const char *comma = "";

    fprintf(out, "%" PRIu64 " of %" PRIu64 " events; hidden:", shown, trace->event_count);
    if (before != 0) {
        fprintf(out, " %" PRIu64 " before", before);
        comma = ",";
    }
    if (between != 0) {
        fprintf(out, "%s %" PRIu64 " by %s", comma, between,
                filter->object_count == 0 ? "--kind"
                : filter->by_kind         ? "--object and --kind"
                                          : "--object");
        comma = ",";
    }
    if (behind != 0) {
        fprintf(out, "%s %" PRIu64 " behind", comma, behind);
    }
    fputc('\n', out);
}

static int print(const struct ft_cli *cli, struct ft_lines *lines, const struct ft_filter *filter,
                 const struct ft_explained *explained)
{
    const struct ft_trace *trace = lines->trace;
    struct ft_block block = {
        .trace = trace, .path = cli->argument[0], .colour = lines->colour, .width = lines->width};
    struct ft_command rerun;
    struct ft_watch watch;
    uint64_t shown;
    FILE *out;

    if (!ft_watch_begin(&watch, ft_kept_going(trace))) {
        return ft_cli_refuse(cli, FT_NO_MEMORY, "%s: no memory", cli->argument[0]);
    }
    ft_command_replay_of(&rerun, cli, trace);
    block.rerun = rerun.text;
    out = ft_cli_page_begin(cli);
    ft_block_print_title(&block, out);
    fputc('\n', out);
    ft_lines_print_legend(lines, out);
    shown = ft_lines_print_filtered(lines, filter, &watch, out);
    if (shown != trace->event_count && ferror(out) == 0) {
        print_hidden(filter, trace, shown, out);
    }
    fputc('\n', out);
    if (explained != NULL) {
        fputs("point of no return\n", out);
        ft_explained_print(explained, out);
        fputc('\n', out);
    }
    if (ferror(out) == 0) {
        ft_block_print_verdict(&block, out);
    }
    ft_cli_page_end(cli, out);
    ft_watch_end(&watch);
    return FT_EXIT_OK;
}

/* With --explain the driver is run; without it a trace is only read. */
static int show(struct ft_cli *cli, struct ft_trace *trace, const struct ft_filter *filter)
{
    struct ft_explained explained;
    const struct ft_explained *known = cli->explain ? &explained : NULL;
    int status = cli->explain ? ft_cli_explain_recorded(cli, trace, &explained) : FT_EXIT_OK;
    struct ft_lines lines;

    if (status != FT_EXIT_OK) {
        return status;
    }
    if (!ft_lines_begin(&lines, trace, ft_colour_wanted(stdout), ft_terminal_width(stdout))) {
        return ft_cli_refuse(cli, FT_NO_MEMORY, "%s: no memory", cli->argument[0]);
    }
    lines.no_return = known != NULL ? ft_explained_point(known) : 0;
    status = cli->json ? answer(cli, &lines, filter, known) : print(cli, &lines, filter, known);
    ft_lines_end(&lines);
    if (known != NULL) {
        ft_explained_free(&explained);
    }
    return status;
}

static int run(struct ft_cli *cli)
{
    struct ft_error error = {0};
    struct ft_filter filter;
    struct ft_trace trace;
    int status;

    if (ft_cli_read_trace(cli->argument[0], &trace, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    status = make_filter(cli, &trace, &filter);
    if (status == FT_EXIT_OK) {
        status = show(cli, &trace, &filter);
    }
    ft_trace_free(&trace);
    return status;
}

const struct ft_verb ft_verb_show = {
    .name = "show",
    .sentence = "The timeline of a trace, and what its verdict means.",
    .arguments = "TRACE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = FT_OPT(AROUND) | FT_OPT(CONTEXT) | FT_OPT(FROM) | FT_OPT(TO) | FT_OPT(OBJECT) |
               FT_OPT(KIND) | FT_OPT(EXPLAIN) | FT_OPT(DRIVER) | FT_OPT(FLAVOUR) | FT_OPT(TIME) |
               FT_OPT(JSON),
    .details =
        "One line for each event: mark (> an event of the verdict, x the point of no return, ! an "
        "op), number, simulated "
        "time, processor, IRQL (P passive, A APC, D dispatch, else the number), task (* another "
        "one than before), layer (drv driver, sys kernel and bus driver, dev device, ops harness; "
        "a 2 behind it: the event is "
        "about the second of two devices), "
        "the event indented by nesting with its arguments, and where the driver called. A driver "
        "routine is drawn with braces. Lines that begin with ~ say which rules are suspended, or "
        "judge again. Below stand the verdict, the last events of the object concerned, what was "
        "not judged, and the command that runs it again.\n\n"
        "Filters add up: an event must lie in the range, concern one of the objects and be of one "
        "of the kinds. A terminal gets colours (not with NO_COLOR), lines as wide as it is "
        "(COLUMNS), and a pager ($PAGER, less -R -F -X).\n\n"
        "A trace is only read; --explain also runs the driver, to mark the point of no return "
        "(flushtrace explain says what that is), and --driver, --flavour and --time are for "
        "that.\n\n"
        "Exit status: 0, or 3 when the trace cannot be read; with --explain also those of "
        "explain.\n\n"
        "  flushtrace show fail.ftr\n"
        "  flushtrace show fail.ftr --around 212 --context 30\n"
        "  flushtrace show fail.ftr --explain\n"
        "  flushtrace show fail.ftr --object irp#3 --object mdl#1\n"
        "  flushtrace show fail.ftr --kind dma: --kind '*:cancel' --from 100",
    .run = run,
};
