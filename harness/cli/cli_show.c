/* flushtrace show: the timeline of a trace. */
#include "cli/cli.h"
#include "report/colour.h"
#include "report/event_line.h"
#include "report/report_json.h"
#include "report/trace_facts.h"
#include "report/verdict_block.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Which events are shown. */
struct filter {
    uint64_t first, end; /* event indices, [first, end) */
    uint64_t object;     /* handle, 0: any */
    const char *kind;    /* prefix, NULL: any */
};

/* "irp#3" as a handle; 0 when it is none. */
static uint64_t parse_object(const char *text)
{
    const char *hash = strchr(text, '#');
    char *end = NULL;
    unsigned handle_class;
    unsigned long id;

    if (hash == NULL || hash[1] < '0' || hash[1] > '9') {
        return 0;
    }
    handle_class = ft_handle_class_named(text, (size_t)(hash - text));
    id = strtoul(hash + 1, &end, 10);
    if (handle_class == 0 || *end != '\0' || id == 0 || id > 0xFFFFFF) {
        return 0;
    }
    return ft_handle((enum ft_handle_class)handle_class, (uint32_t)id, 0);
}

static int make_filter(const struct ft_cli *cli, const struct ft_trace *trace, struct filter *ret)
{
    *ret = (struct filter){.end = trace->event_count, .kind = cli->kind};
    if (cli->object != NULL) {
        ret->object = parse_object(cli->object);
        if (ret->object == 0) {
            return ft_cli_refuse(cli, FT_USAGE,
                                 "--object takes CLASS#NUMBER (irp#3, mdl#1), not '%.60s'",
                                 cli->object);
        }
    }
    if (cli->around != 0) {
        if (cli->around > trace->event_count) {
            return ft_cli_refuse(cli, FT_USAGE,
                                 "%s has %" PRIu64 " events, none is number %" PRIu64,
                                 cli->argument[0], trace->event_count, cli->around);
        }
        ret->first = cli->around > cli->radius ? cli->around - 1 - cli->radius : 0;
        if (cli->radius < trace->event_count - cli->around) {
            ret->end = cli->around + cli->radius;
        }
    }
    return FT_EXIT_OK;
}

static bool passes(const struct filter *filter, const struct ft_trace *trace, uint64_t index)
{
    const struct ft_event *event = &trace->event[index];
    const struct ft_event_row *row = ft_event_row(event->kind);

    if (filter->kind != NULL &&
        (row == NULL || strncmp(row->name, filter->kind, strlen(filter->kind)) != 0)) {
        return false;
    }
    return filter->object == 0 || ft_event_concerns(event, filter->object);
}

static void make_rerun(const struct ft_cli *cli, const struct ft_trace *trace,
                       struct ft_command *command)
{
    ft_command_replay(command, cli, cli->argument[0]);
    if (strcmp(trace->flavour, "plain") != 0 && cli->flavour == NULL &&
        strcmp(trace->flavour, ft_cli_own_flavour()) != 0) {
        ft_command_option(command, "--flavour", trace->flavour);
    }
}

static void answer(const struct ft_cli *cli, const struct ft_trace *trace,
                   const struct filter *filter)
{
    json_t *object = ft_json_trace(trace);
    json_t *lines = json_array();
    struct ft_command rerun;

    make_rerun(cli, trace, &rerun);
    for (uint64_t i = filter->first; i < filter->end; i++) {
        if (passes(filter, trace, i)) {
            json_array_append_new(lines, ft_json_event(trace, i));
        }
    }
    json_object_set_new(object, "complete", json_boolean(trace->complete));
    json_object_set_new(object, "lines", lines);
    json_object_set_new(object, "trace", ft_json_text(cli->argument[0]));
    json_object_set_new(object, "rerun", ft_json_text(rerun.text));
    ft_cli_print_json(object);
}

static uint64_t print_lines(const struct ft_lines *lines, const struct filter *filter, FILE *out)
{
    uint64_t shown = 0;

    for (uint64_t i = filter->first; i < filter->end && ferror(out) == 0; i++) {
        if (passes(filter, lines->trace, i)) {
            ft_lines_print(lines, i, out);
            shown++;
        }
    }
    return shown;
}

static int print(const struct ft_cli *cli, const struct ft_trace *trace,
                 const struct filter *filter)
{
    struct ft_block block = {
        .trace = trace, .path = cli->argument[0], .colour = ft_colour_wanted(stdout)};
    struct ft_command rerun;
    struct ft_lines lines;
    uint64_t shown;
    FILE *out;

    if (!ft_lines_begin(&lines, trace, block.colour)) {
        return ft_cli_refuse(cli, FT_NO_MEMORY, "%s: no memory", cli->argument[0]);
    }
    make_rerun(cli, trace, &rerun);
    block.rerun = rerun.text;
    out = ft_cli_page_begin();
    ft_lines_print_legend(&lines, out);
    shown = print_lines(&lines, filter, out);
    if (shown != trace->event_count) {
        fprintf(out, "%" PRIu64 " of %" PRIu64 " events\n", shown, trace->event_count);
    }
    fputc('\n', out);
    ft_block_print_verdict(&block, out);
    ft_cli_page_end(out);
    ft_lines_end(&lines);
    return FT_EXIT_OK;
}

static int run(struct ft_cli *cli)
{
    struct ft_error error = {0};
    struct filter filter;
    struct ft_trace trace;
    int status;

    if (ft_cli_read_trace(cli->argument[0], &trace, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    status = make_filter(cli, &trace, &filter);
    if (status == FT_EXIT_OK && cli->json) {
        answer(cli, &trace, &filter);
    } else if (status == FT_EXIT_OK) {
        status = print(cli, &trace, &filter);
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
    .options = FT_OPT(AROUND) | FT_OPT(OBJECT) | FT_OPT(KIND) | FT_OPT(JSON),
    .details =
        "One line for each event: mark (> the event of the verdict), number, processor, IRQL (P "
        "passive, A APC, D dispatch, else the number), task, layer (drv driver, sys kernel and bus "
        "driver, dev device, ops harness), the event indented by nesting with its arguments, and "
        "where the driver called. Below stand the verdict, the last events of the object concerned "
        "and the rules that could not be judged any more. A terminal gets colours (not with "
        "NO_COLOR) and a pager ($PAGER, less -R).\n\n"
        "Exit status: 0, or 3 when the trace cannot be read.\n\n"
        "  flushtrace show fail.ftr\n"
        "  flushtrace show fail.ftr --around 212:30\n"
        "  flushtrace show fail.ftr --object irp#3\n"
        "  flushtrace show fail.ftr --kind dma:",
    .run = run,
};
