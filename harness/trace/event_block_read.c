/* Columns to events. Nothing here trusts a byte: every index is checked against the table it points
 * into. */
#include "trace/event_block.h"
#include "trace/trace_check.h"

#include <string.h>

void ft_block_read_head(struct ft_bytes_in *in, uint64_t *ret_first, unsigned *ret_count)
{
    *ret_first = ft_in_number(in, 1, FT_TRACE_EVENTS_MAX, "number of the first event");
    *ret_count = (unsigned)ft_in_number(in, 1, FT_TRACE_BLOCK_EVENTS, "number of events");
}

static void read_kind(struct ft_bytes_in *in, struct ft_kind_entry *kind)
{
    const struct ft_event_row *row;

    memset(kind, 0, sizeof(*kind));
    kind->number = (uint16_t)ft_in_number(in, 0, UINT16_MAX, "event number");
    row = ft_event_row(kind->number);
    if (row == NULL) {
        ft_in_fail(in, "event number of a later version");
        return;
    }
    kind->words = (uint8_t)ft_in_number(in, 0, FT_EVENT_ARGS_MAX, "argument words of an event");
    for (unsigned i = 0; i < kind->words && in->reason == NULL; i++) {
        bool text = i < row->words && row->arg_type[ft_word_argument(row, i)] == FT_ARG_TEXT;

        kind->mode[i] = (uint8_t)ft_in_byte(in, "mode of an argument");
        if (kind->mode[i] >= FT_MODE_COUNT || (kind->mode[i] == FT_MODE_RAW) != text) {
            ft_in_fail(in, "mode of an argument");
        }
    }
}

static void read_tables(struct ft_block_scratch *scratch, struct ft_bytes_in *in,
                        uint32_t site_count)
{
    struct ft_shape *shape = scratch->shape;

    scratch->kind_count = (unsigned)ft_in_number(in, 1, scratch->count, "number of kinds");
    for (unsigned i = 0; i < scratch->kind_count && in->reason == NULL; i++) {
        read_kind(in, &scratch->kind[i]);
    }
    scratch->shape_count = (unsigned)ft_in_number(in, 1, scratch->count, "number of shapes");
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        shape[i].kind = (uint16_t)ft_in_number(in, 0, scratch->kind_count - 1U, "kind of a shape");
    }
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        shape[i].layer = (uint8_t)ft_in_byte(in, "layer of a shape");
    }
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        shape[i].irql = (uint8_t)ft_in_byte(in, "IRQL of a shape");
    }
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        shape[i].nesting = (uint8_t)ft_in_byte(in, "nesting of a shape");
    }
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        shape[i].unknown = (uint8_t)ft_in_byte(in, "unknown arguments of a shape");
    }
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        shape[i].site = (uint32_t)ft_in_number(in, 0, site_count, "site of a shape");
    }
    for (unsigned i = 0; i < scratch->shape_count && in->reason == NULL; i++) {
        const struct ft_kind_entry *kind = &scratch->kind[shape[i].kind];
        const char *reason =
            ft_check_event_shape(kind->number, kind->words, shape[i].unknown, shape[i].layer);

        if (reason != NULL) {
            ft_in_fail(in, reason);
        }
    }
}

static void read_order(struct ft_block_scratch *scratch, struct ft_bytes_in *in)
{
    uint16_t *follower = scratch->follower;
    unsigned introduced = 0;

    memset(follower, 0, scratch->shape_count * sizeof(follower[0]));
    for (unsigned i = 0; i < scratch->count && in->reason == NULL; i++) {
        uint64_t value =
            ft_in_number(in, 0, FT_ORDER_SHAPE + scratch->shape_count - 1U, "shape of an event");
        uint16_t *guess = i > 0 ? &follower[scratch->shape_of[i - 1]] : NULL;
        unsigned shape = (unsigned)value - FT_ORDER_SHAPE;

        if (value == FT_ORDER_AS_LAST) {
            shape = guess != NULL ? *guess - 1U : introduced;
        } else if (value == FT_ORDER_NEW) {
            shape = introduced++;
        }
        /* Also catches a follower that there is none of: 0 - 1. */
        if (in->reason != NULL || shape >= introduced || shape >= scratch->shape_count) {
            ft_in_fail(in, "an event has a shape that is not there yet");
            return;
        }
        scratch->shape_of[i] = (uint16_t)shape;
        if (guess != NULL) {
            *guess = (uint16_t)(shape + 1);
        }
    }
    if (introduced != scratch->shape_count) {
        ft_in_fail(in, "a shape has no event");
    }
}

/* Adds a stored difference; wraps at the width of the field. */
static uint16_t add_difference(struct ft_bytes_in *in, unsigned previous, unsigned bits)
{
    uint64_t number = ft_in_number(in, 0, (1U << bits) - 1, "field of a context");

    return (uint16_t)((previous + ft_unzigzag(number)) & ((1U << bits) - 1));
}

static void read_context_fields(struct ft_bytes_in *in, struct ft_context *context)
{
    context->cpu = (uint8_t)add_difference(in, context->cpu, 8);
    context->task = add_difference(in, context->task, 16);
    context->device = add_difference(in, context->device, 16);
    context->request = add_difference(in, context->request, 16);
    context->label = add_difference(in, context->label, 16);
}

/* The column stands before the fields of the new contexts, so it is passed twice: `column` lags
 * behind and reads the values again while `in` reads the fields. */
static void read_contexts(struct ft_bytes_in *in, unsigned count, struct ft_event *event)
{
    struct ft_bytes_in column = *in;
    struct ft_context_list list = {.count = 0};
    struct ft_context latest = {0};

    for (unsigned i = 0; i < count; i++) {
        ft_in_number(in, 0, FT_CONTEXTS, "context of an event");
    }
    for (unsigned i = 0; i < count && in->reason == NULL; i++) {
        unsigned value = (unsigned)ft_in_number(&column, 0, FT_CONTEXTS, "context of an event");
        unsigned place = value == FT_CONTEXT_SAME ? 0 : value - FT_CONTEXT_LIST;
        struct ft_context context;

        if (value == FT_CONTEXT_NEW) {
            read_context_fields(in, &latest);
            place = list.count;
            context = latest;
        } else if (place < list.count) {
            context = list.at[place];
        } else {
            ft_in_fail(in, "an event has a context that is not there yet");
            return;
        }
        ft_context_front(&list, place, &context);
        event[i].cpu = context.cpu;
        event[i].task = context.task;
        event[i].device = context.device;
        event[i].request = context.request;
        event[i].label = context.label;
    }
}

static void read_column(const struct ft_block_scratch *scratch, struct ft_bytes_in *in,
                        unsigned shape, struct ft_event *event, unsigned word, uint64_t *first)
{
    unsigned mode = scratch->kind[scratch->shape[shape].kind].mode[word];
    uint64_t value = *first;

    for (unsigned i = scratch->begin[shape]; i < scratch->begin[shape + 1]; i++) {
        uint64_t *ret = &event[scratch->by_shape[i]].arg[word];

        if (mode == FT_MODE_RAW) {
            *ret = ft_in_u64(in, "text of an event");
            continue;
        }
        value += ft_unzigzag(ft_in_number(in, 0, UINT64_MAX, "argument of an event"));
        *ret = mode == FT_MODE_HANDLE ? ft_rotate32(value) : value;
        if (i == scratch->begin[shape]) {
            *first = value;
        }
    }
}

static void read_arguments(struct ft_block_scratch *scratch, struct ft_bytes_in *in,
                           struct ft_event *event)
{
    for (unsigned i = 0; i < scratch->shape_count && in->reason == NULL; i++) {
        struct ft_kind_entry *kind = &scratch->kind[scratch->shape[i].kind];
        const struct ft_event_row *row = ft_event_row(kind->number);

        for (unsigned word = 0; word < kind->words; word++) {
            if ((scratch->shape[i].unknown >> ft_word_argument(row, word) & 1) == 0) {
                read_column(scratch, in, i, event, word, &kind->first[word]);
            }
        }
    }
}

void ft_block_read(struct ft_block_scratch *scratch, struct ft_bytes_in *in,
                   const struct ft_trace_site *site, uint32_t site_count, unsigned count,
                   struct ft_event *event)
{
    scratch->count = count;
    read_tables(scratch, in, site_count);
    if (in->reason == NULL) {
        read_order(scratch, in);
    }
    if (in->reason != NULL) {
        return;
    }
    ft_block_group(scratch);
    memset(event, 0, count * sizeof(event[0]));
    for (unsigned i = 0; i < count; i++) {
        const struct ft_shape *shape = &scratch->shape[scratch->shape_of[i]];
        const struct ft_kind_entry *kind = &scratch->kind[shape->kind];

        event[i].kind = kind->number;
        event[i].argc = kind->words;
        event[i].layer = shape->layer;
        event[i].irql = shape->irql;
        event[i].nesting = shape->nesting;
        event[i].unknown = shape->unknown;
        event[i].site = shape->site != 0 ? site[shape->site - 1].site : 0;
    }
    read_contexts(in, count, event);
    read_arguments(scratch, in, event);
    if (in->reason == NULL && in->at != in->end) {
        ft_in_fail(in, "bytes behind the last argument");
    }
}
