/* Events in words. */
#include "report/event_words.h"
#include "report/trace_clock.h"
#include "scenario/scenario_codec.h"
#include "trace/event_text.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    VALUE_BYTES = 256,
    MEANING_BYTES = 96,
    OP_BYTES = 256,
    LEAVE_VALUE = 3,
    LEAVE_IRQL = 4,
    LEAVE_WORDS = 7
};
enum { MAJOR_PNP = 0x1B, MAJOR_POWER = 0x16 };

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
    char meaning[MEANING_BYTES];

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

/* How an argument nearly always is; it says something only when it is not. */
struct usual {
    uint16_t kind; /* 0: of any event */
    const char *text;
};

static const struct usual usual[] = {{0, "by_hand=0"},
                                     {0, "by_key=no"},
                                     {0, "by_owner=yes"},
                                     {0, "can_block=yes"},
                                     {0, "cancel_routine=no"},
                                     {0, "cancelable=no"},
                                     {0, "cancelled=no"},
                                     {0, "detail=0"},
                                     {0, "done=no"},
                                     {0, "dpc_level=no"},
                                     {0, "error=no"},
                                     {0, "file=-"},
                                     {0, "held=yes"},
                                     {0, "holder=-"},
                                     {0, "key=0"},
                                     {0, "kind=0"},
                                     {0, "label=-"},
                                     {0, "live=yes"},
                                     {0, "locks=0"},
                                     {0, "marked=no"},
                                     {0, "master=-"},
                                     {0, "pending_returned=no"},
                                     {0, "put_before=no"},
                                     {0, "sleep=0"},
                                     {0, "tolerance=0"},
                                     {0, "unsafe=no"},
                                     {0, "was_locked=yes"},
                                     {0, "was_mapped=yes"},
                                     {0, "was_set=no"},
                                     {0, "why=0"},
                                     {FT_EV_IRP_CALL, "information=0"},
                                     {FT_EV_IRP_NEW, "length=0"},
                                     {FT_EV_IRP_NEW, "mdl=-"},
                                     {FT_EV_IRP_NEW, "write=no"},
                                     {FT_EV_MDL_ALLOC, "irp=-"}};

/* What the I/O manager always puts into its own requests. */
static bool is_routine_request(const struct ft_event *event, const char *name)
{
    return event->layer == FT_LAYER_HARNESS &&
           (event->kind == FT_EV_IRP_NEW || event->kind == FT_EV_IRP_CALL) &&
           (strcmp(name, "status") == 0 || strcmp(name, "initial") == 0 ||
            strcmp(name, "location") == 0);
}

static bool goes_without_saying(const struct ft_event *event, const struct ft_event_row *row,
                                unsigned index, const char *value)
{
    const char *name = row->arg_name[index];
    size_t length = strlen(name);

    if ((event->unknown >> index & 1) != 0) {
        return false;
    }
    if ((row->arg_type[index] == FT_ARG_MAJOR && strcmp(value, "-") == 0) ||
        is_routine_request(event, name)) {
        return true;
    }
    for (unsigned i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        const char *text = usual[i].text;

        if ((usual[i].kind == 0 || usual[i].kind == event->kind) &&
            strncmp(text, name, length) == 0 && text[length] == '=' &&
            strcmp(text + length + 1, value) == 0) {
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
