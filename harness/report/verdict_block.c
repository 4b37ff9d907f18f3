/* Verdicts and failure blocks as text. */
#include "report/verdict_block.h"
#include "report/colour.h"
#include "report/event_line.h"
#include "report/suspension.h"
#include "report/trace_facts.h"
#include "rules/rules.h"
#include "scenario/scenario_codec.h"
#include "trace/event_text.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <string.h>

enum {
    LAST_EVENTS = 10,
    OBJECT_EVENTS = 8,
    SCENARIO_BYTES = 8192,
    WRAP_MIN = 20,
    RULES_BYTES = 4096,
    SOURCE_BYTES = 1024
};

void ft_wrap_at(const char *text, int indent, int columns, FILE *out)
{
    while (*text != '\0') {
        size_t room = (size_t)(columns > indent + WRAP_MIN ? columns - indent : WRAP_MIN);
        size_t cut = ft_wrap_length(text, room);

        fprintf(out, "%*s%.*s\n", indent, "", (int)cut, text);
        text += cut;
        text += strspn(text, " ");
    }
}

void ft_wrap(const char *text, int indent, FILE *out)
{
    ft_wrap_at(text, indent, FT_WRAP_COLUMNS, out);
}

static void wrap(const struct ft_block *block, const char *text, int indent, FILE *out)
{
    bool narrow = block->width != 0 && block->width < FT_WRAP_COLUMNS;

    ft_wrap_at(text, indent, narrow ? block->width : FT_WRAP_COLUMNS, out);
}

static const char *rule_id(uint16_t number)
{
    const struct ft_rule_row *row = ft_rule_by_number(number);

    return row != NULL ? row->id : "?";
}

size_t ft_verdict_print(const struct ft_verdict *verdict, char *text, size_t capacity)
{
    const struct ft_finding *first = &verdict->finding[0];
    const char *name = ft_verdict_name(verdict->kind);

    if (verdict->finding_count != 0) {
        return (size_t)snprintf(text, capacity, "%s %s%s%s", name, rule_id(first->rule),
                                first->function[0] != '\0' ? " in " : "", first->function);
    }
    return (size_t)snprintf(text, capacity, "%s%s%s", name, verdict->detail[0] != '\0' ? ": " : "",
                            verdict->detail);
}

static bool is_finding(const struct ft_verdict *verdict)
{
    return verdict->kind == FT_VERDICT_VIOLATION || verdict->kind == FT_VERDICT_CRASH ||
           verdict->kind == FT_VERDICT_HANG || verdict->kind == FT_VERDICT_DIVERGENCE;
}

static enum ft_colour verdict_colour(const struct ft_verdict *verdict)
{
    return verdict->kind == FT_VERDICT_CLEAN ? FT_COLOUR_GOOD
           : is_finding(verdict)             ? FT_COLOUR_BAD
                                             : FT_COLOUR_OP;
}

static void print_head(const struct ft_block *block, FILE *out)
{
    const struct ft_trace *trace = block->trace;
    char platform[256];

    ft_platform_print(&trace->scenario, platform, sizeof(platform));
    fprintf(out, "%s%s%s%s  %s%s%s on %s, %s flavour, model %u\n",
            ft_colour(block->colour, verdict_colour(&trace->verdict)),
            ft_verdict_name(trace->verdict.kind), block->known != NULL ? " (known)" : "",
            ft_colour(block->colour, FT_COLOUR_NONE), trace->core,
            trace->mutant[0] != '\0' ? ", mutant " : "", trace->mutant, platform, trace->flavour,
            trace->model);
}

static void print_numbers(const struct ft_block *block, FILE *out)
{
    const struct ft_trace *trace = block->trace;
    struct ft_op_counts ops;

    ft_count_ops(trace, &ops);
    fprintf(out, "  events  %" PRIu64 ", hash %016" PRIx64 "\n", trace->event_count, trace->hash);
    fprintf(out, "  ops     %u of %u fired, %u late, %u skipped\n", ops.fired,
            trace->scenario.op_count, ops.late, ops.skipped);
    if (block->path != NULL) {
        fprintf(out, "  trace   %s\n", block->path);
    }
    if (!trace->complete) {
        fputs("  the file was cut off: the verdict is missing and so are the last events\n", out);
    }
    if (block->known != NULL) {
        fprintf(out, "  known   %s\n", block->known);
    }
}

static void print_scenario(const struct ft_block *block, FILE *out)
{
    char text[SCENARIO_BYTES];
    const char *line = text;

    ft_scenario_print(&block->trace->scenario, text, sizeof(text));
    fputs("\nscenario\n", out);
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");

        fprintf(out, "    %.*s\n", (int)length, line);
        line += length + (line[length] != '\0');
    }
}

/* Events end where the verdict fell; a crash or a hang is the last event. */
static uint64_t verdict_event(const struct ft_trace *trace)
{
    const struct ft_verdict *verdict = &trace->verdict;
    uint64_t event = verdict->finding_count != 0 ? verdict->finding[0].event : trace->event_count;

    return event <= trace->event_count ? event : trace->event_count;
}

static void print_last_events(const struct ft_block *block, FILE *out)
{
    uint64_t end = verdict_event(block->trace);
    struct ft_lines lines;

    if (end == 0 || !ft_lines_begin(&lines, block->trace, block->colour, block->width)) {
        return;
    }
    fputs("\nlast events\n", out);
    ft_lines_print_legend(&lines, out);
    ft_lines_print_range(&lines, end > LAST_EVENTS ? end - LAST_EVENTS : 0, end, out);
    ft_lines_end(&lines);
}

static void print_place(const struct ft_finding *finding, FILE *out)
{
    char object[64] = "";

    if (finding->object != 0) {
        ft_value_print(FT_ARG_HANDLE, finding->object, object, sizeof(object));
    }
    fprintf(out, "    event %" PRIu64, finding->event);
    if (finding->function[0] != '\0') {
        fprintf(out, ", in %s", finding->function);
    }
    if (object[0] != '\0') {
        fprintf(out, ", about %s", object);
    }
    fputc('\n', out);
}

static void print_rule(const struct ft_block *block, const struct ft_finding *finding, FILE *out)
{
    const struct ft_rule_row *row = ft_rule_by_number(finding->rule);
    char source[SOURCE_BYTES];

    fprintf(out, "\n%s%s%s  (rule %u)\n", ft_colour(block->colour, FT_COLOUR_BAD),
            rule_id(finding->rule), ft_colour(block->colour, FT_COLOUR_NONE), finding->rule);
    if (row == NULL) {
        fputs("    this build does not know that rule\n", out);
        return;
    }
    wrap(block, row->sentence, 4, out);
    print_place(finding, out);
    snprintf(source, sizeof(source), "source: %s", row->source);
    wrap(block, source, 4, out);
    if (row->bugcheck[0] != '\0') {
        fprintf(out, "    Windows would say: bug check %s\n", row->bugcheck);
    }
}

static void print_others(const char *title, const struct ft_finding *finding, uint32_t first,
                         uint32_t count, FILE *out)
{
    for (uint32_t i = first; i < count; i++) {
        fprintf(out, "%s%-9s %s at event %" PRIu64 "%s%s\n", i == first ? "\n" : "", title,
                rule_id(finding[i].rule), finding[i].event,
                finding[i].function[0] != '\0' ? ", in " : "", finding[i].function);
    }
}

void ft_block_print_why(const struct ft_block *block, FILE *out)
{
    const struct ft_verdict *verdict = &block->trace->verdict;

    if (verdict->finding_count != 0) {
        print_rule(block, &verdict->finding[0], out);
    }
    if (verdict->detail[0] != '\0') {
        fprintf(out, "\n%s\n", verdict->detail);
        if (verdict->kind == FT_VERDICT_CUT && block->trace->scenario.platform.longer == 0) {
            fprintf(out, "    `longer=9` in the scenario's first line allows ten times as many "
                         "(docs/SCENARIOS.md)\n");
        }
    }
    print_others("also", verdict->finding, 1, verdict->finding_count, out);
    print_others("warning", verdict->warning, 0, verdict->warning_count, out);
}

static void print_rerun(const struct ft_block *block, FILE *out)
{
    if (block->rerun != NULL) {
        fprintf(out, "\nrun it again with\n%s\n", block->rerun);
    }
}

void ft_block_print(const struct ft_block *block, FILE *out)
{
    print_head(block, out);
    print_numbers(block, out);
    if (is_finding(&block->trace->verdict)) {
        print_scenario(block, out);
        print_last_events(block, out);
    }
    ft_block_print_why(block, out);
    if (block->trace->verdict.kind != FT_VERDICT_CLEAN) {
        print_rerun(block, out);
    }
}

/* What the verdict is about: the object of the finding, else the request or device that its event
 * serves; of a crash or hang, what the last event serves. */
static uint64_t object_concerned(const struct ft_trace *trace)
{
    const struct ft_verdict *verdict = &trace->verdict;
    uint64_t number = verdict_event(trace);
    const struct ft_event *event;

    if (verdict->finding_count != 0 && verdict->finding[0].object != 0) {
        return ft_handle_object(verdict->finding[0].object);
    }
    if (number == 0 || !is_finding(verdict)) {
        return 0;
    }
    event = &trace->event[number - 1];
    return event->request != 0  ? ft_handle(FT_HC_IRP, event->request, 0)
           : event->device != 0 ? ft_handle(FT_HC_DEVICE, event->device, 0)
                                : 0;
}

/* The last events that speak of the object, up to the verdict. */
static void print_object_events(const struct ft_block *block, FILE *out)
{
    const struct ft_trace *trace = block->trace;
    uint64_t object = object_concerned(trace);
    uint64_t chosen[OBJECT_EVENTS];
    unsigned count = 0;
    struct ft_lines lines;
    char name[64];

    for (uint64_t i = verdict_event(trace); object != 0 && i > 0 && count < OBJECT_EVENTS; i--) {
        /* The event of the verdict itself may speak of the object by another name. */
        if (count == 0 || ft_event_concerns(&trace->event[i - 1], object)) {
            chosen[count++] = i - 1;
        }
    }
    if (count == 0 || !ft_lines_begin(&lines, trace, block->colour, block->width)) {
        return;
    }
    ft_value_print(FT_ARG_HANDLE, object, name, sizeof(name));
    fprintf(out, "\nlast events of %s%s%s\n", ft_colour(block->colour, FT_COLOUR_BOLD), name,
            ft_colour(block->colour, FT_COLOUR_NONE));
    while (count > 0) {
        ft_lines_print(&lines, chosen[--count], out);
    }
    ft_lines_end(&lines);
}

/* "since event 212, irq:spurious", "from event 212, hw:yank, to event 240, pnp:done". */
static void print_span(const struct ft_trace *trace, const struct ft_suspended *one, FILE *out)
{
    const struct ft_event_row *since = ft_event_row(trace->event[one->since - 1].kind);

    fprintf(out, "%s event %" PRIu64 ", %s", one->until == 0 ? "since" : "from", one->since,
            since != NULL ? since->name : "?");
    if (one->until != 0) {
        const struct ft_event_row *until = ft_event_row(trace->event[one->until - 1].kind);

        fprintf(out, ", to event %" PRIu64 ", %s", one->until, until != NULL ? until->name : "?");
    }
    fputc('\n', out);
}

static void print_suspended(const struct ft_block *block, FILE *out)
{
    const struct ft_trace *trace = block->trace;
    struct ft_watch watch;
    char text[RULES_BYTES];

    if (!ft_watch_begin(&watch, ft_kept_going(trace))) {
        return;
    }
    for (uint64_t i = 0; i < trace->event_count; i++) {
        ft_watch_event(&watch, &trace->event[i]);
    }
    if (watch.count != 0) {
        fputs("\nnot judged\n", out);
    }
    for (unsigned i = 0; i < watch.count; i++) {
        ft_suspended_print(&watch.list[i], text, sizeof(text));
        fprintf(out, "    %s, ", text);
        print_span(trace, &watch.list[i], out);
        ft_suspended_print_rules(&watch.list[i], text, sizeof(text));
        wrap(block, text, 8, out);
    }
    ft_watch_end(&watch);
}

void ft_block_print_title(const struct ft_block *block, FILE *out)
{
    const struct ft_trace *trace = block->trace;
    const struct ft_finding *first = &trace->verdict.finding[0];

    print_head(block, out);
    if (trace->verdict.finding_count != 0) {
        fprintf(out, "  %s%s%s at event %" PRIu64 " of %" PRIu64 "%s%s\n",
                ft_colour(block->colour, FT_COLOUR_BAD), rule_id(first->rule),
                ft_colour(block->colour, FT_COLOUR_NONE), first->event, trace->event_count,
                first->function[0] != '\0' ? ", in " : "", first->function);
    } else {
        fprintf(out, "  %" PRIu64 " events%s%s\n", trace->event_count,
                trace->verdict.detail[0] != '\0' ? "; " : "", trace->verdict.detail);
    }
}

void ft_block_print_verdict(const struct ft_block *block, FILE *out)
{
    print_head(block, out);
    print_numbers(block, out);
    ft_block_print_why(block, out);
    print_object_events(block, out);
    print_suspended(block, out);
    print_rerun(block, out);
}
