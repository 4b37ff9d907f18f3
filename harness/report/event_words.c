/* Events in words. */
#include "report/event_words.h"
#include "scenario/scenario_codec.h"
#include "trace/event_text.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES = 256, OP_BYTES = 256, LEAVE_VALUE = 3, LEAVE_IRQL = 4, LEAVE_WORDS = 7 };
enum { MAJOR_PNP = 0x1B, MAJOR_POWER = 0x16 };
enum { UNITS_PER_US = 10, UNITS_PER_MS = 10000, UNITS_PER_S = 10000000 };

static void put(struct ft_words_of_event *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct ft_words_of_event *words, const char *format, ...)
{
    size_t room = sizeof(words->text) - words->length;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(words->text + words->length, room, format, arguments);
    va_end(arguments);
    if (length > 0) {
        words->length += (size_t)length < room ? (size_t)length : room - 1;
    }
}

/* ---- values ---- */

const char *ft_task_kind_text(unsigned kind)
{
    static const char *const names[FT_TASK_KIND_COUNT] = {"task",  "isr",  "dpc",    "engine",
                                                          "timer", "work", "thread", "clock"};

    return names[kind < FT_TASK_KIND_COUNT ? kind : 0];
}

/* "2.5" of 25000 in units of 10000, at most four digits behind the point. */
static size_t print_fraction(uint64_t value, uint64_t unit, const char *name, char *text,
                             size_t capacity)
{
    char digits[8] = "";
    uint64_t scale = unit < 10000 ? unit : 10000;
    unsigned length = 0;

    for (uint64_t step = scale; step > 1; step /= 10) {
        length++;
    }
    snprintf(digits, sizeof(digits), "%0*" PRIu64, (int)length, value % unit / (unit / scale));
    while (length > 0 && digits[length - 1] == '0') {
        digits[--length] = '\0';
    }
    return (size_t)snprintf(text, capacity, "%" PRIu64 "%s%s%s", value / unit,
                            length != 0 ? "." : "", digits, name);
}

size_t ft_time_print(uint64_t units, char *text, size_t capacity)
{
    if (units < UNITS_PER_MS) {
        return print_fraction(units, UNITS_PER_US, "us", text, capacity);
    }
    return units < UNITS_PER_S ? print_fraction(units, UNITS_PER_MS, "ms", text, capacity)
                               : print_fraction(units, UNITS_PER_S, "s", text, capacity);
}

/* A pool tag as it stands in memory: 'IoIf'. */
static bool print_tag(uint64_t value, char *text, size_t capacity)
{
    char tag[5] = "";

    for (unsigned i = 0; i < 4; i++) {
        tag[i] = (char)(value >> 8 * i & 0xFF);
        if (isalnum((unsigned char)tag[i]) == 0 && tag[i] != '_' && tag[i] != ' ') {
            return false;
        }
    }
    snprintf(text, capacity, "'%s'", tag);
    return value >> 32 == 0;
}

/* What a number stands for, where the sentence of the row lists it: "… 1 pool, 2 MDL, 3 IRP …". */
static bool find_meaning(const char *sentence, uint64_t value, char *text, size_t capacity)
{
    char number[24];
    size_t length = (size_t)snprintf(number, sizeof(number), " %" PRIu64 " ", value);

    for (const char *at = strstr(sentence, number); at != NULL; at = strstr(at + 1, number)) {
        const char *word = at + length;
        size_t end = strcspn(word, ",;:.()");

        if (end != 0 && isalpha((unsigned char)word[0]) != 0) {
            snprintf(text, capacity, "%.*s", (int)end, word);
            return true;
        }
    }
    return false;
}

static bool is_list(const char *name)
{
    return strcmp(name, "why") == 0 || strcmp(name, "kind") == 0 || strcmp(name, "what") == 0 ||
           strcmp(name, "operation") == 0 || strcmp(name, "where") == 0;
}

/* Minor functions of PnP and power events, by name. */
static bool print_minor(const struct ft_event *event, const struct ft_event_row *row,
                        unsigned index, char *text, size_t capacity)
{
    bool pnp = event->kind == FT_EV_PNP_SEND || event->kind == FT_EV_PNP_DONE;
    bool power = event->kind == FT_EV_POWER_SEND || event->kind == FT_EV_POWER_DONE;
    uint64_t code = (uint64_t)(pnp ? MAJOR_PNP : MAJOR_POWER) << 8 | (event->arg[index] & 0xFF);

    if (strcmp(row->arg_name[index], "minor") != 0 || !(pnp || power) || event->arg[index] > 0xFF) {
        return false;
    }
    return ft_value_print(FT_ARG_MAJOR, code, text, capacity) != 0;
}

/* The value of an argument, better than ft_arg_print where a reader wants more. True: it says by
 * itself what it is, and needs no name before it. */
static bool print_value(const struct ft_event *event, const struct ft_event_row *row,
                        unsigned index, char *text, size_t capacity)
{
    const char *name = row->arg_name[index];
    uint64_t value = event->arg[index];
    char meaning[VALUE_BYTES];

    ft_arg_print(event, index, text, capacity);
    if ((event->unknown >> index & 1) != 0) {
        return false;
    }
    switch (row->arg_type[index]) {
    case FT_ARG_TIME:
        ft_time_print(value, text, capacity);
        return false;
    case FT_ARG_HEX:
        if (strcmp(name, "tag") == 0 && print_tag(value, meaning, sizeof(meaning))) {
            snprintf(text, capacity, "%s", meaning);
        }
        return false;
    case FT_ARG_NUM:
        if (print_minor(event, row, index, text, capacity)) {
            return true;
        }
        if (is_list(name) && find_meaning(row->sentence, value, meaning, sizeof(meaning))) {
            snprintf(text, capacity, "%" PRIu64 " (%s)", value, meaning);
        }
        return false;
    case FT_ARG_HANDLE: {
        const char *class_name = ft_handle_class_name(ft_handle_class(value));

        return class_name != NULL &&
               (strstr(name, class_name) != NULL || strstr(class_name, name) != NULL);
    }
    case FT_ARG_STATUS:
        return strcmp(name, "status") == 0 && strncmp(text, "STATUS_", 7) == 0;
    case FT_ARG_MAJOR:
    case FT_ARG_TASK_KIND:
    case FT_ARG_TEXT:
        return true;
    default:
        return false;
    }
}

/* ---- arguments ---- */

/* Made by the I/O manager for its own requests: what is usual there says nothing. */
static bool is_routine_request(const struct ft_event *event, const char *name)
{
    if (event->layer != FT_LAYER_HARNESS ||
        (event->kind != FT_EV_IRP_NEW && event->kind != FT_EV_IRP_CALL)) {
        return false;
    }
    return strcmp(name, "status") == 0 || strcmp(name, "information") == 0 ||
           strcmp(name, "initial") == 0 || strcmp(name, "location") == 0;
}

/* An argument that is nearly always the same says something only when it is not. */
static bool goes_without_saying(const struct ft_event *event, const struct ft_event_row *row,
                                unsigned index, const char *value)
{
    static const char *const usual[] = {
        "cancel_routine=no", "done=no",        "dpc_level=no",
        "cancelled=no",      "live=yes",       "was_set=no",
        "label=-",           "put_before=no",  "locks=0",
        "can_block=yes",     "mdl=-",          "file=-",
        "master=-",          "holder=-",       "kind=0",
        "by_hand=0",         "marked=no",      "pending_returned=no",
        "error=no",          "why=0",          "tolerance=0",
        "held=yes",          "by_owner=yes",   "cancelable=no",
        "by_key=no",         "key=0",          "sleep=0",
        "unsafe=no",         "was_mapped=yes", "was_locked=yes"};
    const char *name = row->arg_name[index];
    size_t length = strlen(name);
    bool null = strcmp(value, "-") == 0;

    if ((event->unknown >> index & 1) != 0) {
        return false;
    }
    if ((row->arg_type[index] == FT_ARG_MAJOR && null) || is_routine_request(event, name) ||
        (event->kind == FT_EV_IRP_NEW && event->arg[2] == 0 && (index == 2 || index == 3))) {
        return true;
    }
    /* There the null handle is the news. */
    if (row->arg_type[index] == FT_ARG_HANDLE && null && event->kind == FT_EV_MDL_ALLOC) {
        return false;
    }
    for (unsigned i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (strncmp(usual[i], name, length) == 0 && usual[i][length] == '=' &&
            strcmp(usual[i] + length + 1, value) == 0) {
            return true;
        }
    }
    return false;
}

static void put_argument(struct ft_words_of_event *words, const struct ft_event *event,
                         const struct ft_event_row *row, unsigned index)
{
    char value[VALUE_BYTES];
    bool says;

    ft_arg_print(event, index, value, sizeof(value));
    if (goes_without_saying(event, row, index, value)) {
        return;
    }
    says = print_value(event, row, index, value, sizeof(value));
    if (says) {
        put(words, " %s", value);
    } else {
        put(words, " %s=%s", row->arg_name[index], value);
    }
}

/* ---- routines ---- */

/* Type of what a routine returns; FT_ARG_TYPE_COUNT: nothing. */
static enum ft_arg_type result_type(uint64_t routine)
{
    switch (routine) {
    case FT_ROUTINE_DRIVER_ENTRY:
    case FT_ROUTINE_ADD_DEVICE:
    case FT_ROUTINE_DISPATCH:
    case FT_ROUTINE_COMPLETION:
    case FT_ROUTINE_WMI:
    case FT_ROUTINE_QUERY:
        return FT_ARG_STATUS;
    case FT_ROUTINE_ISR:
    case FT_ROUTINE_SYNCH:
        return FT_ARG_BOOL;
    case FT_ROUTINE_ADAPTER_CONTROL:
    case FT_ROUTINE_CONTROLLER_CONTROL:
        return FT_ARG_ACTION;
    default:
        return FT_ARG_TYPE_COUNT;
    }
}

static void put_result(struct ft_words_of_event *words, const struct ft_event *leave)
{
    bool known = (leave->unknown & 1) == 0;
    enum ft_arg_type type = known ? result_type(leave->arg[0]) : FT_ARG_HEX;
    uint64_t value = leave->arg[LEAVE_VALUE];
    char text[FT_VALUE_NAME_MAX];

    if (leave->argc <= LEAVE_VALUE) {
        return;
    }
    if ((leave->unknown >> LEAVE_VALUE & 1) != 0) {
        put(words, " = ?");
    } else if (type != FT_ARG_TYPE_COUNT || value != 0) {
        ft_value_print(type != FT_ARG_TYPE_COUNT ? type : FT_ARG_HEX, value, text, sizeof(text));
        put(words, " = %s", text);
    }
    /* IRQL and spin locks are as they were when the routine began, or this is worth a look. */
    if (leave->argc >= LEAVE_WORDS && (leave->arg[LEAVE_IRQL] != leave->irql ||
                                       leave->arg[LEAVE_IRQL + 1] != leave->arg[LEAVE_IRQL + 2])) {
        ft_arg_print(leave, LEAVE_IRQL, text, sizeof(text));
        put(words, " irql_before=%s locks_before=%" PRIu64 " locks=%" PRIu64, text,
            leave->arg[LEAVE_IRQL + 1], leave->arg[LEAVE_IRQL + 2]);
    }
}

static void put_routine(struct ft_words_of_event *words, const struct ft_event *event)
{
    char text[VALUE_BYTES];

    ft_arg_print(event, 0, text, sizeof(text));
    put(words, "%s", text);
    words->name_length = words->length;
    for (unsigned i = 1; i < LEAVE_VALUE && i < event->argc; i++) {
        ft_arg_print(event, i, text, sizeof(text));
        if (strcmp(text, "-") != 0) {
            put(words, " %s", text);
        }
    }
}

/* ---- events ---- */

bool ft_event_is_op(const struct ft_event *event)
{
    return event->kind == FT_EV_OP_FIRED || event->kind == FT_EV_OP_LATE ||
           event->kind == FT_EV_OP_SKIPPED;
}

/* An op as the scenario wrote it; false when the scenario has no such op there. */
static bool put_op(struct ft_words_of_event *words, const struct ft_trace *trace,
                   const struct ft_event *event)
{
    uint64_t index = event->arg[0];
    const struct ft_op *op = &trace->scenario.op[(index - 1) % FT_OPS_MAX];
    char text[OP_BYTES];

    if (event->unknown != 0 || index == 0 || index > trace->scenario.op_count ||
        op->kind != event->arg[1]) {
        return false;
    }
    ft_op_print(op, text, sizeof(text));
    put(words, " %" PRIu64 "  %s", index, text);
    words->name_length = words->length;
    return true;
}

void ft_event_words(const struct ft_trace *trace, const struct ft_event *event,
                    struct ft_words_of_event *ret)
{
    const struct ft_event_row *row = ft_event_row(event->kind);

    ret->length = 0;
    ret->text[0] = '\0';
    if (row == NULL) {
        put(ret, "event:0x%04x", event->kind);
    } else if (event->kind == FT_EV_CALL_ENTER || event->kind == FT_EV_CALL_LEAVE) {
        bool enter = event->kind == FT_EV_CALL_ENTER;

        put(ret, "%s", enter ? "" : "} ");
        put_routine(ret, event);
        if (enter) {
            put(ret, " {");
        } else {
            put_result(ret, event);
        }
        return;
    } else {
        put(ret, "%s", row->name);
    }
    ret->name_length = ret->length;
    if (row == NULL || (ft_event_is_op(event) && put_op(ret, trace, event))) {
        return;
    }
    for (unsigned i = 0; i < row->argc && i < event->argc; i++) {
        put_argument(ret, event, row, i);
    }
}

void ft_event_words_folded(const struct ft_trace *trace, const struct ft_event *enter,
                           const struct ft_event *leave, struct ft_words_of_event *ret)
{
    ft_event_words(trace, enter, ret);
    put(ret, "}");
    put_result(ret, leave);
}
