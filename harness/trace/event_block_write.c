/* Events to columns. */
#include "trace/event_block.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4 * FT_TRACE_BLOCK_EVENTS };

struct ft_block_scratch *ft_block_scratch_create(void)
{
    return malloc(sizeof(struct ft_block_scratch));
}

void ft_block_group(struct ft_block_scratch *scratch)
{
    uint16_t *begin = scratch->begin;

    /* A counting sort: sizes, then ends, then filled from the back. */
    memset(begin, 0, (scratch->shape_count + 1) * sizeof(begin[0]));
    for (unsigned i = 0; i < scratch->count; i++) {
        begin[scratch->shape_of[i]]++;
    }
    for (unsigned i = 1; i <= scratch->shape_count; i++) {
        begin[i] = (uint16_t)(begin[i] + begin[i - 1]);
    }
    for (unsigned i = scratch->count; i-- > 0;) {
        scratch->by_shape[--begin[scratch->shape_of[i]]] = (uint16_t)i;
    }
}

/* 1 + index of a site in the sorted table; the caller made sure that it is there. */
static uint32_t site_number(const struct ft_trace_site *site, uint32_t count, uint64_t wanted)
{
    uint32_t low = 0;

    while (wanted != 0 && count > 0) {
        uint32_t half = count / 2;

        if (site[low + half].site < wanted) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return wanted != 0 ? low + 1 : 0;
}

static uint16_t kind_entry_of(struct ft_block_scratch *scratch, const struct ft_event *event)
{
    const struct ft_event_row *row = ft_event_row(event->kind);
    struct ft_kind_entry *entry;

    for (unsigned i = 0; i < scratch->kind_count; i++) {
        if (scratch->kind[i].number == event->kind && scratch->kind[i].words == event->argc) {
            return (uint16_t)i;
        }
    }
    entry = &scratch->kind[scratch->kind_count];
    memset(entry, 0, sizeof(*entry));
    entry->number = event->kind;
    entry->words = event->argc;
    for (unsigned i = 0; i < event->argc; i++) {
        unsigned type = row->arg_type[ft_word_argument(row, i)];

        entry->mode[i] = type == FT_ARG_HANDLE ? FT_MODE_HANDLE
                         : type == FT_ARG_TEXT ? FT_MODE_RAW
                                               : FT_MODE_DELTA;
    }
    return (uint16_t)scratch->kind_count++;
}

static bool shape_is(const struct ft_block_scratch *scratch, unsigned index,
                     const struct ft_event *event, uint32_t site)
{
    const struct ft_shape *shape = &scratch->shape[index];
    const struct ft_kind_entry *kind = &scratch->kind[shape->kind];

    return shape->site == site && kind->number == event->kind && kind->words == event->argc &&
           shape->layer == event->layer && shape->irql == event->irql &&
           shape->nesting == event->nesting && shape->unknown == event->unknown;
}

/* Index of the event's shape; a new one is the last of the table. */
static uint16_t shape_of(struct ft_block_scratch *scratch, const struct ft_event *event,
                         uint32_t site)
{
    uint64_t key = (uint64_t)event->kind | (uint64_t)event->layer << 16 |
                   (uint64_t)event->irql << 24 | (uint64_t)event->nesting << 32 |
                   (uint64_t)event->unknown << 40 | (uint64_t)event->argc << 48;
    uint64_t hash = (key ^ (uint64_t)site * 0xC2B2AE3D27D4EB4FU) * 0x9E3779B185EBCA87U;
    unsigned slot = (unsigned)(hash >> 50) % SLOTS;

    while (scratch->slot[slot] != 0) {
        if (shape_is(scratch, scratch->slot[slot] - 1U, event, site)) {
            return (uint16_t)(scratch->slot[slot] - 1);
        }
        slot = (slot + 1) % SLOTS;
    }
    scratch->shape[scratch->shape_count] = (struct ft_shape){
        .kind = kind_entry_of(scratch, event),
        .layer = event->layer,
        .irql = event->irql,
        .nesting = event->nesting,
        .unknown = event->unknown,
        .site = site,
    };
    scratch->slot[slot] = (uint16_t)++scratch->shape_count;
    return (uint16_t)(scratch->shape_count - 1);
}

static void write_tables(const struct ft_block_scratch *scratch, struct ft_bytes_out *out)
{
    const struct ft_shape *shape = scratch->shape;

    ft_out_number(out, scratch->kind_count);
    for (unsigned i = 0; i < scratch->kind_count; i++) {
        const struct ft_kind_entry *kind = &scratch->kind[i];

        ft_out_number(out, kind->number);
        ft_out_number(out, kind->words);
        ft_out_bytes(out, kind->mode, kind->words);
    }
    ft_out_number(out, scratch->shape_count);
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        ft_out_number(out, shape[i].kind);
    }
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        ft_out_byte(out, shape[i].layer);
    }
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        ft_out_byte(out, shape[i].irql);
    }
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        ft_out_byte(out, shape[i].nesting);
    }
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        ft_out_byte(out, shape[i].unknown);
    }
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        ft_out_number(out, shape[i].site);
    }
}

static void write_order(struct ft_block_scratch *scratch, struct ft_bytes_out *out)
{
    uint16_t *follower = scratch->follower;
    unsigned introduced = 0;

    memset(follower, 0, scratch->shape_count * sizeof(follower[0]));
    for (unsigned i = 0; i < scratch->count; i++) {
        unsigned shape = scratch->shape_of[i];
        uint16_t *guess = i > 0 ? &follower[scratch->shape_of[i - 1]] : NULL;

        if (guess != NULL && *guess == shape + 1) {
            ft_out_number(out, FT_ORDER_AS_LAST);
        } else if (shape == introduced) {
            ft_out_number(out, FT_ORDER_NEW);
        } else {
            ft_out_number(out, FT_ORDER_SHAPE + shape);
        }
        introduced += shape == introduced;
        if (guess != NULL) {
            *guess = (uint16_t)(shape + 1);
        }
    }
}

static struct ft_context context_of(const struct ft_event *event)
{
    return (struct ft_context){event->cpu, event->task, event->device, event->request,
                               event->label};
}

static bool same_context(const struct ft_context *a, const struct ft_context *b)
{
    return a->cpu == b->cpu && a->task == b->task && a->device == b->device &&
           a->request == b->request && a->label == b->label;
}

/* Differences wrap at the width of the field, so every number is a field. */
static void write_difference(struct ft_bytes_out *out, unsigned value, unsigned previous,
                             unsigned bits)
{
    uint64_t difference = (uint64_t)value - previous;

    /* Sign-extended from the field's width. */
    difference = (uint64_t)((int64_t)(difference << (64 - bits)) >> (64 - bits));
    ft_out_number(out, ft_zigzag(difference));
}

static void write_contexts(const struct ft_event *event, unsigned count, struct ft_bytes_out *out)
{
    struct ft_context_list list = {.count = 0};
    struct ft_bytes_out fields = {0};
    struct ft_context latest = {0};

    for (unsigned i = 0; i < count; i++) {
        struct ft_context context = context_of(&event[i]);
        unsigned place = 0;

        while (place < list.count && !same_context(&list.at[place], &context)) {
            place++;
        }
        if (place < list.count) {
            ft_out_number(out, place == 0 ? FT_CONTEXT_SAME : FT_CONTEXT_LIST + place);
        } else {
            ft_out_number(out, FT_CONTEXT_NEW);
            write_difference(&fields, context.cpu, latest.cpu, 8);
            write_difference(&fields, context.task, latest.task, 16);
            write_difference(&fields, context.device, latest.device, 16);
            write_difference(&fields, context.request, latest.request, 16);
            write_difference(&fields, context.label, latest.label, 16);
            latest = context;
        }
        ft_context_front(&list, place, &context);
    }
    ft_out_bytes(out, fields.bytes, fields.length);
    out->failed |= fields.failed;
    free(fields.bytes);
}

/* One argument word of all events of a shape. */
static void write_column(const struct ft_block_scratch *scratch, unsigned shape,
                         const struct ft_event *event, unsigned word, uint64_t *first,
                         struct ft_bytes_out *out)
{
    unsigned mode = scratch->kind[scratch->shape[shape].kind].mode[word];
    uint64_t previous = *first;

    for (unsigned i = scratch->begin[shape]; i < scratch->begin[shape + 1]; i++) {
        uint64_t value = event[scratch->by_shape[i]].arg[word];

        if (mode == FT_MODE_RAW) {
            ft_out_u64(out, value);
            continue;
        }
        value = mode == FT_MODE_HANDLE ? ft_rotate32(value) : value;
        ft_out_number(out, ft_zigzag(value - previous));
        previous = value;
        if (i == scratch->begin[shape]) {
            *first = value;
        }
    }
}

static void write_arguments(struct ft_block_scratch *scratch, const struct ft_event *event,
                            struct ft_bytes_out *out)
{
    for (unsigned i = 0; i < scratch->shape_count; i++) {
        struct ft_kind_entry *kind = &scratch->kind[scratch->shape[i].kind];
        const struct ft_event_row *row = ft_event_row(kind->number);

        for (unsigned word = 0; word < kind->words; word++) {
            if ((scratch->shape[i].unknown >> ft_word_argument(row, word) & 1) == 0) {
                write_column(scratch, i, event, word, &kind->first[word], out);
            }
        }
    }
}

void ft_block_write(struct ft_block_scratch *scratch, const struct ft_event *event, unsigned count,
                    uint64_t first, const struct ft_trace_site *site, uint32_t site_count,
                    struct ft_bytes_out *out)
{
    scratch->count = count;
    scratch->kind_count = 0;
    scratch->shape_count = 0;
    memset(scratch->slot, 0, sizeof(scratch->slot));
    for (unsigned i = 0; i < count; i++) {
        scratch->shape_of[i] =
            shape_of(scratch, &event[i], site_number(site, site_count, event[i].site));
    }
    ft_block_group(scratch);
    ft_out_number(out, first);
    ft_out_number(out, count);
    write_tables(scratch, out);
    write_order(scratch, out);
    write_contexts(event, count, out);
    write_arguments(scratch, event, out);
}
