/* Event blocks: up to FT_TRACE_BLOCK_EVENTS events as columns (docs/TRACE_FORMAT.md, "Event
 * blocks").
 *
 * What is fixed for a call site (number, layer, IRQL, nesting, site) is a *shape*, what changes
 * with the running task (processor, task, device, request, label) is a *context*; both are tables
 * of the block. Arguments are differences to the last value in the same place of the same shape. On
 * real runs most columns are runs of one byte, which is what zstd likes.
 */
#ifndef FT_EVENT_BLOCK_H
#define FT_EVENT_BLOCK_H

#include "trace/byte_stream.h"
#include "trace/trace.h"

enum {
    FT_CONTEXTS = 64, /* contexts in the list; an older one is forgotten */

    /* Values of the order column. */
    FT_ORDER_AS_LAST = 0, /* the shape that followed the last time this shape came */
    FT_ORDER_NEW = 1,     /* the next shape of the table */
    FT_ORDER_SHAPE = 2,   /* 2 + index of the shape */

    /* Values of the context column. */
    FT_CONTEXT_SAME = 0,
    FT_CONTEXT_NEW = 1,  /* the next context of the table */
    FT_CONTEXT_LIST = 1, /* 1 + place in the list, which is 1 or more */

    /* How the words of an argument are stored. */
    FT_MODE_DELTA = 0,  /* difference, zigzag, number */
    FT_MODE_HANDLE = 1, /* the same, of the word rotated by 32: an id is then the low end */
    FT_MODE_RAW = 2,    /* u64: text */
    FT_MODE_COUNT
};

struct ft_kind_entry {
    uint16_t number;
    uint8_t words;
    uint8_t mode[FT_EVENT_ARGS_MAX];
    uint64_t first[FT_EVENT_ARGS_MAX]; /* of the shape of this kind that was stored last */
};

struct ft_shape {
    uint16_t kind; /* index of the entry */
    uint8_t layer;
    uint8_t irql;
    uint8_t nesting;
    uint8_t unknown;
    uint32_t site; /* 1 + index into the site table, 0 none */
};

struct ft_context {
    uint8_t cpu;
    uint16_t task;
    uint16_t device;
    uint16_t request;
    uint16_t label;
};

/* Contexts by recency, the current one first. */
struct ft_context_list {
    unsigned count;
    struct ft_context at[FT_CONTEXTS];
};

static inline uint64_t ft_rotate32(uint64_t word)
{
    return word << 32 | word >> 32;
}

/* Moves the context at `place` to the front; place == count puts a new one there and forgets the
 * oldest when full. */
static inline void ft_context_front(struct ft_context_list *list, unsigned place,
                                    const struct ft_context *context)
{
    struct ft_context front = *context;

    if (place == list->count) {
        if (list->count < FT_CONTEXTS) {
            list->count++;
        } else {
            place--;
        }
    }
    for (; place > 0; place--) {
        list->at[place] = list->at[place - 1];
    }
    list->at[0] = front;
}

/* Scratch memory of either direction, for block after block; free() it. NULL: no memory. */
struct ft_block_scratch *ft_block_scratch_create(void);

/* Memory of a block while it is stored or read. */
struct ft_block_scratch {
    unsigned count;
    unsigned kind_count;
    unsigned shape_count;
    struct ft_kind_entry kind[FT_TRACE_BLOCK_EVENTS];
    struct ft_shape shape[FT_TRACE_BLOCK_EVENTS];
    uint16_t shape_of[FT_TRACE_BLOCK_EVENTS];  /* event -> shape */
    uint16_t by_shape[FT_TRACE_BLOCK_EVENTS];  /* events by shape, in order within a shape */
    uint16_t begin[FT_TRACE_BLOCK_EVENTS + 1]; /* shape -> where its group begins in by_shape */
    uint16_t follower[FT_TRACE_BLOCK_EVENTS];  /* shape -> 1 + the shape that followed it last */
    uint16_t slot[4 * FT_TRACE_BLOCK_EVENTS];  /* writer: hash table of shapes, 1 + index */
};

/* Fills by_shape and begin from shape_of. */
void ft_block_group(struct ft_block_scratch *scratch);

/* Appends the block of `count` events (1..FT_TRACE_BLOCK_EVENTS), all of them checked; `first` is
 * the number of the first one, counted from 1; `site` is the trace's sorted table with every site
 * of the events. */
void ft_block_write(struct ft_block_scratch *scratch, const struct ft_event *event, unsigned count,
                    uint64_t first, const struct ft_trace_site *site, uint32_t site_count,
                    struct ft_bytes_out *out);

/* Reads the two numbers a block begins with. */
void ft_block_read_head(struct ft_bytes_in *in, uint64_t *ret_first, unsigned *ret_count);

/* Reads the rest of a block of `count` events into event[0..count). Whatever the bytes are, the
 * events are valid or in->reason is set. */
void ft_block_read(struct ft_block_scratch *scratch, struct ft_bytes_in *in,
                   const struct ft_trace_site *site, uint32_t site_count, unsigned count,
                   struct ft_event *event);

#endif
