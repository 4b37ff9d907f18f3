/* Events as lines for people. */
#include "report/event_line.h"
#include "report/colour.h"
#include "scenario/scenario_codec.h"
#include "trace/event_text.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NO_CPU = 0xFF, INDENT_MAX = 12, VALUE_BYTES = 256, TASK_COLUMN = 10, EVENT_COLUMN = 58 };
enum { MAJOR_PNP = 0x1B, MAJOR_POWER = 0x16, LEAVE_IRQL = 4 };

static const char *const layer_marks[FT_LAYER_COUNT] = {
    [FT_LAYER_DRIVER] = "drv", [FT_LAYER_FRAMEWORK] = "fwk", [FT_LAYER_PORT] = "prt",
    [FT_LAYER_SYSTEM] = "sys", [FT_LAYER_DEVICE] = "dev",    [FT_LAYER_HARNESS] = "ops",
};

const char *ft_task_kind_text(unsigned kind)
{
    static const char *const names[FT_TASK_KIND_COUNT] = {"task",  "isr",  "dpc",    "engine",
                                                          "timer", "work", "thread", "clock"};

    return names[kind < FT_TASK_KIND_COUNT ? kind : 0];
}

static int digits(uint64_t number)
{
    int count = 1;

    for (; number >= 10; number /= 10) {
        count++;
    }
    return count;
}

bool ft_lines_begin(struct ft_lines *lines, const struct ft_trace *trace, bool colour)
{
    const struct ft_verdict *verdict = &trace->verdict;

    *lines = (struct ft_lines){.trace = trace, .colour = colour};
    lines->number_width = digits(trace->event_count);
    lines->marked = verdict->finding_count != 0 ? verdict->finding[0].event : 0;
    lines->task_kind = calloc(FT_LINE_TASKS_MAX, 1);
    if (lines->task_kind == NULL) {
        return false;
    }
    for (uint64_t i = 0; i < trace->event_count; i++) {
        const struct ft_event *event = &trace->event[i];

        if (event->kind == FT_EV_TASK_NEW && event->arg[1] < FT_TASK_KIND_COUNT) {
            lines->task_kind[ft_handle_id(event->arg[0]) % FT_LINE_TASKS_MAX] =
                (uint8_t)event->arg[1];
        }
    }
    return true;
}

void ft_lines_end(struct ft_lines *lines)
{
    free(lines->task_kind);
    lines->task_kind = NULL;
}

static void print_irql(unsigned irql, FILE *out)
{
    static const char letters[] = "PAD";

    if (irql < 3) {
        fprintf(out, " %c", letters[irql]);
    } else {
        fprintf(out, "%2u", irql);
    }
}

static void print_task(const struct ft_lines *lines, const struct ft_event *event, FILE *out)
{
    char text[32] = "-";

    if (event->task != 0) {
        snprintf(text, sizeof(text), "%s#%u", ft_task_kind_text(lines->task_kind[event->task]),
                 event->task);
    } else if (event->layer == FT_LAYER_DEVICE) {
        snprintf(text, sizeof(text), "%s", ft_task_kind_text(FT_TASK_ENGINE));
    }
    fprintf(out, "%-*s", TASK_COLUMN, text);
}

static void print_columns(const struct ft_lines *lines, uint64_t index, FILE *out)
{
    const struct ft_event *event = &lines->trace->event[index];
    bool marked = lines->marked == index + 1;

    fprintf(out, "%s%c ", ft_colour(lines->colour, marked ? FT_COLOUR_BAD : FT_COLOUR_DIM),
            marked ? '>' : ' ');
    fprintf(out, "%*" PRIu64 "  ", lines->number_width, index + 1);
    if (event->cpu == NO_CPU) {
        fputc('-', out);
    } else {
        fprintf(out, "%u", event->cpu);
    }
    fputc(' ', out);
    print_irql(event->irql, out);
    fputs("  ", out);
    print_task(lines, event, out);
    fprintf(out, " %s%s  ", event->layer < FT_LAYER_COUNT ? layer_marks[event->layer] : "?",
            ft_colour(lines->colour, FT_COLOUR_NONE));
    fprintf(out, "%*s", 2 * (event->nesting < INDENT_MAX ? event->nesting : INDENT_MAX), "");
}

/* An argument whose value says what it is: "mapping=map#1", "adapter=adapter#1". */
static bool names_itself(const struct ft_event_row *row, unsigned index, const char *value)
{
    if (row->arg_type[index] == FT_ARG_HANDLE) {
        return strcmp(value, "-") != 0 && strcmp(value, "?") != 0 &&
               strcmp(row->arg_name[index], "source") != 0 &&
               strcmp(row->arg_name[index], "owner") != 0;
    }
    return row->arg_type[index] == FT_ARG_STATUS || row->arg_type[index] == FT_ARG_ROUTINE ||
           row->arg_type[index] == FT_ARG_TASK_KIND || row->arg_type[index] == FT_ARG_TEXT ||
           row->arg_type[index] == FT_ARG_PNP || row->arg_type[index] == FT_ARG_POWER ||
           row->arg_type[index] == FT_ARG_MAJOR;
}

/* Appends to text, bounded; returns the new length. */
static size_t append(char *text, size_t length, size_t capacity, const char *format,
                     const char *first, const char *second)
{
    int more =
        length < capacity ? snprintf(text + length, capacity - length, format, first, second) : 0;

    return more < 0 ? length : length + (size_t)more;
}

/* A flag that is nearly always the same says something only when it is not. */
static bool goes_without_saying(const struct ft_event *event, const struct ft_event_row *row,
                                unsigned index, const char *value)
{
    static const char *const usual[] = {
        "cancel_routine=no", "done=no", "dpc_level=no", "cancelled=no",  "live=yes", "was_set=no",
        "put_before=no",     "label=-", "locks=0",      "can_block=yes", "mdl=-"};
    size_t length = strlen(row->arg_name[index]);

    if (row->arg_type[index] == FT_ARG_MAJOR && strcmp(value, "-") == 0) {
        return true;
    }
    if (event->kind == FT_EV_CALL_LEAVE && index >= LEAVE_IRQL) {
        /* IRQL and locks as they were when the routine began. */
        return event->arg[LEAVE_IRQL] == event->irql &&
               event->arg[LEAVE_IRQL + 1] == event->arg[LEAVE_IRQL + 2];
    }
    for (unsigned i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (strncmp(usual[i], row->arg_name[index], length) == 0 && usual[i][length] == '=' &&
            strcmp(usual[i] + length + 1, value) == 0) {
            return true;
        }
    }
    return false;
}

/* Minor functions of PnP and power events, by name. */
static bool print_minor(const struct ft_event *event, const struct ft_event_row *row,
                        unsigned index, char *text, size_t capacity)
{
    bool pnp = event->kind == FT_EV_PNP_SEND || event->kind == FT_EV_PNP_DONE;
    bool power = event->kind == FT_EV_POWER_SEND || event->kind == FT_EV_POWER_DONE;
    uint64_t code = (uint64_t)(pnp ? MAJOR_PNP : MAJOR_POWER) << 8 | (event->arg[index] & 0xFF);

    if (strcmp(row->arg_name[index], "minor") != 0 || !(pnp || power) ||
        (event->unknown >> index & 1) != 0 || event->arg[index] > 0xFF) {
        return false;
    }
    return ft_value_print(FT_ARG_MAJOR, code, text, capacity) != 0;
}

static size_t print_arguments(const struct ft_event *event, const struct ft_event_row *row,
                              char *text, size_t capacity)
{
    size_t length = 0;

    for (unsigned i = 0; i < row->argc && i < event->argc; i++) {
        char value[VALUE_BYTES];
        bool named = print_minor(event, row, i, value, sizeof(value));

        if (!named) {
            ft_arg_print(event, i, value, sizeof(value));
        }
        if (goes_without_saying(event, row, i, value)) {
            continue;
        }
        length = named || names_itself(row, i, value)
                     ? append(text, length, capacity, " %s%s", value, "")
                     : append(text, length, capacity, " %s=%s", row->arg_name[i], value);
    }
    return length < capacity ? length : capacity - 1;
}

/* An op as the scenario wrote it; false when the scenario has no such op there. */
static bool print_op(const struct ft_trace *trace, const struct ft_event *event, char *text,
                     size_t capacity)
{
    uint64_t index = event->arg[0];
    const struct ft_op *op = &trace->scenario.op[(index - 1) % FT_OPS_MAX];
    int length;

    if (index == 0 || index > trace->scenario.op_count || op->kind != event->arg[1]) {
        return false;
    }
    length = snprintf(text, capacity, " %" PRIu64 "  ", index);
    ft_op_print(op, text + length, capacity - (size_t)length);
    return true;
}

static bool is_op(const struct ft_event *event)
{
    return event->kind == FT_EV_OP_FIRED || event->kind == FT_EV_OP_LATE ||
           event->kind == FT_EV_OP_SKIPPED;
}

static enum ft_colour colour_of(const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_RUN_CRASH:
    case FT_EV_RUN_HANG:
    case FT_EV_RUN_BUGCHECK:
    case FT_EV_RUN_UNIMPLEMENTED:
        return FT_COLOUR_BAD;
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        return FT_COLOUR_BOLD;
    default:
        break;
    }
    if (is_op(event)) {
        return FT_COLOUR_OP;
    }
    return event->layer == FT_LAYER_DEVICE ? FT_COLOUR_DEVICE : FT_COLOUR_NONE;
}

void ft_lines_print(const struct ft_lines *lines, uint64_t index, FILE *out)
{
    const struct ft_event *event = &lines->trace->event[index];
    const struct ft_event_row *row = ft_event_row(event->kind);
    const char *function = ft_trace_function(lines->trace, event->site);
    bool marked = lines->marked == index + 1;
    char arguments[1024] = "";
    size_t width;

    print_columns(lines, index, out);
    if (row != NULL &&
        !(is_op(event) && print_op(lines->trace, event, arguments, sizeof(arguments)))) {
        print_arguments(event, row, arguments, sizeof(arguments));
    }
    fprintf(out, "%s%s%s%s", ft_colour(lines->colour, marked ? FT_COLOUR_BAD : colour_of(event)),
            row != NULL ? row->name : "?",
            is_op(event) ? "" : ft_colour(lines->colour, FT_COLOUR_NONE), arguments);
    fputs(ft_colour(lines->colour, FT_COLOUR_NONE), out);
    /* Where the driver called, and no call of the driver begins or ends a routine. */
    if (function[0] != '\0' && event->kind != FT_EV_CALL_ENTER && event->kind != FT_EV_CALL_LEAVE) {
        width = (row != NULL ? strlen(row->name) : 1) + strlen(arguments) + 2U * event->nesting;
        fprintf(out, "%*s  %s%s%s", width < EVENT_COLUMN ? (int)(EVENT_COLUMN - width) : 0, "",
                ft_colour(lines->colour, FT_COLOUR_CODE), function,
                ft_colour(lines->colour, FT_COLOUR_NONE));
    }
    fputc('\n', out);
}

void ft_lines_print_legend(const struct ft_lines *lines, FILE *out)
{
    fprintf(out, "%s  %*s  c il  %-*s who  event%s\n", ft_colour(lines->colour, FT_COLOUR_DIM),
            lines->number_width, "#", TASK_COLUMN, "task",
            ft_colour(lines->colour, FT_COLOUR_NONE));
}

void ft_lines_print_range(const struct ft_lines *lines, uint64_t first, uint64_t end, FILE *out)
{
    if (end > lines->trace->event_count) {
        end = lines->trace->event_count;
    }
    for (uint64_t i = first; i < end; i++) {
        ft_lines_print(lines, i, out);
    }
}

bool ft_event_concerns(const struct ft_event *event, uint64_t object)
{
    const struct ft_event_row *row = ft_event_row(event->kind);
    uint32_t id = ft_handle_id(object);

    switch (ft_handle_class(object)) {
    case FT_HC_IRP:
        if (event->request == id) {
            return true;
        }
        break;
    case FT_HC_DEVICE:
        if (event->device == id) {
            return true;
        }
        break;
    case FT_HC_TASK:
        if (event->task == id) {
            return true;
        }
        break;
    default:
        break;
    }
    for (unsigned i = 0; row != NULL && i < row->argc; i++) {
        if (row->arg_type[i] == FT_ARG_HANDLE && ft_handle_object(event->arg[i]) == object) {
            return true;
        }
    }
    return false;
}
