/* Events as text. The grammar stands in trace.h; event_parse.c is the inverse. */
#include "trace/event_text.h"
#include "trace/trace.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NO_CPU = 0xFF, LETTERS = 26 };

/* Text with a bound: `length` counts on beyond the capacity, as snprintf does. */
struct out {
    char *text;
    size_t capacity;
    size_t length;
};

static void out_printf(struct out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void out_printf(struct out *out, const char *format, ...)
{
    size_t room = out->length < out->capacity ? out->capacity - out->length : 0;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(room != 0 ? out->text + out->length : NULL, room, format, arguments);
    va_end(arguments);
    out->length += length > 0 ? (size_t)length : 0;
}

static void print_handle(struct out *out, uint64_t handle)
{
    const char *name = ft_handle_class_name(ft_handle_class(handle));

    if (handle == 0) {
        out_printf(out, "-");
    } else if (name == NULL) {
        out_printf(out, "0x%016" PRIx64, handle);
    } else {
        out_printf(out, "%s#%" PRIu32, name, ft_handle_id(handle));
        if (ft_handle_offset(handle) != 0) {
            out_printf(out, "+0x%" PRIx32, ft_handle_offset(handle));
        }
    }
}

static void print_label(struct out *out, uint64_t label)
{
    if (label == 0) {
        out_printf(out, "-");
    } else if (label <= LETTERS) {
        out_printf(out, "%c", (int)('a' + label - 1));
    } else {
        out_printf(out, "l%" PRIu64, label);
    }
}

/* Bytes outside printable ASCII are escaped, so a line stays a line whatever a driver prints. */
static void print_text(struct out *out, const uint64_t *words)
{
    unsigned char bytes[FT_TEXT_BYTES];
    size_t length = FT_TEXT_BYTES;

    memcpy(bytes, words, sizeof(bytes));
    while (length > 0 && bytes[length - 1] == 0) {
        length--;
    }
    out_printf(out, "\"");
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\') {
            out_printf(out, "\\%c", bytes[i]);
        } else if (bytes[i] == '\n') {
            out_printf(out, "\\n");
        } else if (bytes[i] == '\r') {
            out_printf(out, "\\r");
        } else if (bytes[i] == '\t') {
            out_printf(out, "\\t");
        } else if (bytes[i] < 0x20 || bytes[i] > 0x7E) {
            out_printf(out, "\\x%02x", bytes[i]);
        } else {
            out_printf(out, "%c", bytes[i]);
        }
    }
    out_printf(out, "\"");
}

/* A value that has no name, in the spelling of its type. */
static void print_number(struct out *out, enum ft_arg_type type, uint64_t value)
{
    switch (type) {
    case FT_ARG_HANDLE:
        print_handle(out, value);
        break;
    case FT_ARG_LABEL:
        print_label(out, value);
        break;
    case FT_ARG_STATUS:
        out_printf(out, "0x%08" PRIX64, value);
        break;
    case FT_ARG_HEX:
    case FT_ARG_LA:
    case FT_ARG_MAJOR:
        out_printf(out, "0x%" PRIx64, value);
        break;
    case FT_ARG_TIME: /* relative times are negative */
        out_printf(out, "%" PRId64, (int64_t)value);
        break;
    default:
        out_printf(out, "%" PRIu64, value);
        break;
    }
}

/* The text is written through struct out, which the check does not see.
 * NOLINTNEXTLINE(readability-non-const-parameter) */
size_t ft_value_print(enum ft_arg_type type, uint64_t value, char *text, size_t capacity)
{
    struct out out = {.text = text, .capacity = capacity};
    char name[FT_VALUE_NAME_MAX];

    if (ft_value_name(type, value, name, sizeof(name)) != 0) {
        out_printf(&out, "%s", name);
    } else {
        print_number(&out, type, value);
    }
    return out.length;
}

bool ft_has_no_major(const struct ft_event *event, const struct ft_event_row *row, unsigned index)
{
    return row->arg_type[index] == FT_ARG_MAJOR && row->arg_type[0] == FT_ARG_ROUTINE &&
           event->arg[0] != FT_ROUTINE_DISPATCH && event->arg[index] == 0;
}

static void print_argument(struct out *out, const struct ft_event *event,
                           const struct ft_event_row *row, unsigned index)
{
    char value[FT_VALUE_NAME_MAX];

    if ((event->unknown >> index & 1) != 0) {
        out_printf(out, "?");
    } else if (row->arg_type[index] == FT_ARG_TEXT) {
        print_text(out, &event->arg[index]);
    } else if (ft_has_no_major(event, row, index)) {
        out_printf(out, "-");
    } else {
        ft_value_print(row->arg_type[index], event->arg[index], value, sizeof(value));
        out_printf(out, "%s", value);
    }
}

size_t ft_arg_print(const struct ft_event *event, unsigned index, char *text, size_t capacity)
{
    const struct ft_event_row *row = ft_event_row(event->kind);
    struct out out = {.text = text, .capacity = capacity};

    if (row != NULL && index < row->argc) {
        print_argument(&out, event, row, index);
    } else if (index < FT_EVENT_ARGS_MAX) {
        out_printf(&out, "0x%" PRIx64, event->arg[index]);
    } else if (capacity != 0) {
        text[0] = '\0';
    }
    return out.length;
}

static void print_attributes(struct out *out, const struct ft_event *event)
{
    const char *layer = ft_layer_name(event->layer);
    char irql[FT_VALUE_NAME_MAX];

    out_printf(out, " ;");
    if (event->irql != 0) {
        ft_value_print(FT_ARG_IRQL, event->irql, irql, sizeof(irql));
        out_printf(out, " irql=%s", irql);
    }
    if (layer != NULL) {
        out_printf(out, " layer=%s", layer);
    } else {
        out_printf(out, " layer=%u", event->layer);
    }
    if (event->task != 0) {
        out_printf(out, " task=%u", event->task);
    }
    if (event->device != 0) {
        out_printf(out, " device=%u", event->device);
    }
    if (event->request != 0) {
        out_printf(out, " request=%u", event->request);
    }
    if (event->label != 0) {
        out_printf(out, " label=");
        print_label(out, event->label);
    }
    if (event->cpu == NO_CPU) {
        out_printf(out, " cpu=-");
    } else {
        out_printf(out, " cpu=%u", event->cpu);
    }
    if (event->nesting != 0) {
        out_printf(out, " nest=%u", event->nesting);
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): as above */
size_t ft_event_print(const struct ft_event *event, char *text, size_t capacity)
{
    const struct ft_event_row *row = ft_event_row(event->kind);
    struct out out = {.text = text, .capacity = capacity};

    if (row == NULL) {
        /* Not a line that parse takes: there is nothing to parse it into. */
        out_printf(&out, "event:0x%04x", event->kind);
    } else {
        out_printf(&out, "%s", row->name);
        /* Argument i begins at word i: what an older trace did not write is not printed. */
        for (unsigned i = 0; i < row->argc && i < event->argc; i++) {
            out_printf(&out, " %s=", row->arg_name[i]);
            print_argument(&out, event, row, i);
        }
    }
    print_attributes(&out, event);
    return out.length;
}
