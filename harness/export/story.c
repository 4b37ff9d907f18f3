/* Spans from events. */
#include "export/story.h"
#include "export/handle_map.h"

#include "sim/handle.h"

#include <stdlib.h>

enum { TASKS = 1 << 16, FIRST_CAPACITY = 256, ENGINES = 2 * FT_STORY_SECOND };

/* What is known while the events go by. */
struct teller {
    struct ft_story *story;
    struct ft_handle_map current; /* handle to its last span */
    struct ft_handle_map owner;   /* mdl, grant, list to the id of the IRP it serves */
    struct ft_handle_map held;    /* grant or list to the last mapping under it */
    uint32_t *before;  /* mapping: the one before it under the same grant or list; capacity of
                          the story */
    uint32_t *routine; /* task to its innermost routine */
    uint32_t *around;  /* routine to the one around it; capacity of the story */
    uint32_t engine[ENGINES];
    uint16_t first, second; /* PDOs of the driver's devices, 0: not added */
    uint32_t index;         /* of the event */
    bool short_of_memory;
};

/* ---- spans ---- */

static bool make_room(struct teller *teller)
{
    struct ft_story *story = teller->story;
    size_t capacity = story->capacity != 0 ? 2 * story->capacity : FIRST_CAPACITY;
    struct ft_span *span;
    uint32_t *before, *around;

    if (story->count < story->capacity) {
        return true;
    }
    span = realloc(story->span, capacity * sizeof(*span));
    story->span = span != NULL ? span : story->span;
    before = realloc(teller->before, capacity * sizeof(*before));
    teller->before = before != NULL ? before : teller->before;
    around = realloc(teller->around, capacity * sizeof(*around));
    teller->around = around != NULL ? around : teller->around;
    if (span == NULL || before == NULL || around == NULL) {
        teller->short_of_memory = true;
        return false;
    }
    story->capacity = capacity;
    return true;
}

static struct ft_span *begin_span(struct teller *teller, enum ft_span_kind kind, uint64_t object)
{
    struct ft_story *story = teller->story;
    struct ft_span *span;

    if (!make_room(teller)) {
        return NULL;
    }
    span = &story->span[story->count];
    *span = (struct ft_span){.object = object,
                             .begin = teller->index,
                             .end = teller->index,
                             .mark = FT_STORY_NONE,
                             .owner = FT_STORY_NONE,
                             .kind = (uint8_t)kind,
                             .open = true};
    teller->before[story->count] = FT_STORY_NONE;
    teller->around[story->count] = FT_STORY_NONE;
    if (kind != FT_SPAN_ROUTINE &&
        !ft_handle_map_set(&teller->current, object, (uint32_t)story->count)) {
        teller->short_of_memory = true;
    }
    story->count++;
    return span;
}

static uint32_t last_span(const struct teller *teller)
{
    return (uint32_t)teller->story->count - 1;
}

/* The present span of an object; NULL for none. */
static struct ft_span *find(const struct teller *teller, uint64_t object)
{
    uint32_t index = ft_handle_map_get(&teller->current, ft_handle_object(object));

    return index != FT_HANDLE_MAP_NONE ? &teller->story->span[index] : NULL;
}

static void end_span(const struct teller *teller, struct ft_span *span)
{
    if (span != NULL && span->open) {
        span->end = teller->index;
        span->open = false;
    }
}

/* ---- whom a mapping serves ---- */

static void serves(struct teller *teller, uint64_t object, uint64_t irp)
{
    if (irp != 0 &&
        !ft_handle_map_set(&teller->owner, ft_handle_object(object), ft_handle_id(irp))) {
        teller->short_of_memory = true;
    }
}

static uint32_t irp_of(const struct teller *teller, uint64_t object)
{
    uint32_t id = ft_handle_map_get(&teller->owner, ft_handle_object(object));

    return id != FT_HANDLE_MAP_NONE ? id : 0;
}

/* The request of a mapping: that of the MDL, else of the grant or list, else of the event. */
static uint32_t owner_of(const struct teller *teller, const struct ft_event *event, uint64_t mdl,
                         uint64_t holder)
{
    uint32_t id = irp_of(teller, mdl);

    id = id != 0 ? id : irp_of(teller, holder);
    id = id != 0 ? id : event->request;
    return ft_handle_map_get(&teller->current, ft_handle(FT_HC_IRP, id, 0));
}

static void note_servants(struct teller *teller, const struct ft_event *event)
{
    const uint64_t *arg = event->arg;

    switch (event->kind) {
    case FT_EV_IRP_NEW:
        serves(teller, arg[4], arg[0]);
        break;
    case FT_EV_MDL_ALLOC:
        serves(teller, arg[0], arg[2]);
        break;
    case FT_EV_MDL_PARTIAL:
        serves(teller, arg[1], ft_handle(FT_HC_IRP, irp_of(teller, arg[0]), 0));
        break;
    case FT_EV_DMA_GRANT:
        serves(teller, arg[1], arg[3]);
        break;
    case FT_EV_CHANNEL_EX:
        serves(teller, arg[5], arg[6]);
        break;
    case FT_EV_SG_LIST:
        serves(teller, arg[1], arg[7]);
        break;
    default:
        break;
    }
}

/* ---- mappings ---- */

static void map(struct teller *teller, const struct ft_event *event, uint64_t mapping,
                uint64_t holder, uint64_t mdl, uint64_t length, bool write)
{
    struct ft_span *span;

    if (mapping == 0) {
        return;
    }
    span = begin_span(teller, FT_SPAN_MAPPING, ft_handle_object(mapping));
    if (span == NULL) {
        return;
    }
    span->owner = owner_of(teller, event, mdl, holder);
    span->detail = (uint32_t)length;
    span->write = write;
    if (span->owner != FT_STORY_NONE) {
        holder = teller->story->span[span->owner].object;
    }
    teller->before[last_span(teller)] = ft_handle_map_get(&teller->held, holder);
    if (!ft_handle_map_set(&teller->held, holder, last_span(teller))) {
        teller->short_of_memory = true;
    }
}

/* Mappings end when the driver completes their request, for then the data must be there; those of
 * no request when the grant or list is given back. */
static void end_mappings(struct teller *teller, uint64_t holder)
{
    uint32_t index;

    holder = ft_handle_object(holder);
    index = ft_handle_map_get(&teller->held, holder);
    while (index != FT_STORY_NONE) {
        end_span(teller, &teller->story->span[index]);
        index = teller->before[index];
    }
    if (!ft_handle_map_set(&teller->held, holder, FT_HANDLE_MAP_NONE)) {
        teller->short_of_memory = true;
    }
}

/* A flush that comes too late counts, and the mapping lasts as long. */
static void flush(const struct teller *teller, struct ft_span *span)
{
    if (span != NULL) {
        span->mark = teller->index;
        span->end = teller->index;
    }
}

static void tell_dma(struct teller *teller, const struct ft_event *event)
{
    const uint64_t *arg = event->arg;
    struct ft_span *span;

    switch (event->kind) {
    case FT_EV_DMA_MAP:
        map(teller, event, arg[6], arg[1], arg[2], arg[4], arg[5] != 0);
        break;
    case FT_EV_SG_ELEMENT:
        map(teller, event, arg[2], arg[0], arg[7], arg[4], arg[5] != 0);
        break;
    case FT_EV_DMA_FLUSHED:
        flush(teller, find(teller, arg[0]));
        break;
    case FT_EV_DMA_FREE_CHANNEL:
    case FT_EV_DMA_FREE_REGS:
    case FT_EV_FREE_OBJECT:
    case FT_EV_SG_PUT:
        end_mappings(teller, arg[1]);
        break;
    case FT_EV_DMA_CB_ALLOC:
        span = arg[1] != 0 ? begin_span(teller, FT_SPAN_COMMON, arg[1]) : NULL;
        if (span != NULL) {
            span->detail = (uint32_t)arg[2];
        }
        break;
    case FT_EV_DMA_CB_FREE:
        end_span(teller, find(teller, arg[1]));
        break;
    default:
        break;
    }
}

/* ---- requests, engines ---- */

static void tell_request(struct teller *teller, const struct ft_event *event)
{
    struct ft_span *span;

    switch (event->kind) {
    case FT_EV_IRP_NEW:
        span = begin_span(teller, FT_SPAN_REQUEST, ft_handle_object(event->arg[0]));
        if (span != NULL) {
            span->detail = (uint32_t)event->arg[1];
            span->write = event->arg[3] != 0;
        }
        break;
    case FT_EV_IRP_COMPLETE:
        span = find(teller, event->arg[0]);
        if (span != NULL && span->open) {
            span->mark = teller->index;
        }
        end_mappings(teller, event->arg[0]);
        break;
    case FT_EV_IRP_DONE:
    case FT_EV_IRP_FREE:
        end_mappings(teller, event->arg[0]);
        end_span(teller, find(teller, event->arg[0]));
        break;
    default:
        break;
    }
}

/* Of a driver with two devices, which is the second? */
static void tell_device(struct teller *teller, const struct ft_event *event)
{
    if (event->kind != FT_EV_CALL_ENTER || event->arg[0] != FT_ROUTINE_ADD_DEVICE) {
        return;
    }
    if (teller->first == 0) {
        teller->first = (uint16_t)ft_handle_id(event->arg[1]);
    } else if (teller->second == 0) {
        teller->second = (uint16_t)ft_handle_id(event->arg[1]);
    }
}

static void tell_engine(struct teller *teller, const struct ft_event *event)
{
    bool second = teller->second != 0 && event->device == teller->second;
    uint32_t lane = (uint32_t)(event->arg[0] % FT_STORY_SECOND) + (second ? FT_STORY_SECOND : 0);
    uint32_t *now = &teller->engine[lane];
    struct ft_span *span;

    if (event->kind != FT_EV_ENGINE_BEGIN && event->kind != FT_EV_ENGINE_END) {
        return;
    }
    if (*now != FT_STORY_NONE) {
        end_span(teller, &teller->story->span[*now]);
        *now = FT_STORY_NONE;
    }
    if (event->kind == FT_EV_ENGINE_BEGIN) {
        span = begin_span(teller, FT_SPAN_ENGINE, 0);
        if (span != NULL) {
            span->lane = lane;
            span->detail = (uint32_t)event->arg[2];
            span->write = event->arg[3] != 0;
            *now = last_span(teller);
        }
    }
}

/* ---- tasks and routines ---- */

static void tell_task(struct teller *teller, const struct ft_event *event)
{
    uint32_t id = ft_handle_id(event->arg[0]) % TASKS;

    if (event->kind == FT_EV_TASK_NEW) {
        struct ft_span *span = begin_span(teller, FT_SPAN_TASK, ft_handle_object(event->arg[0]));

        if (span != NULL) {
            span->lane = id;
            span->detail = (uint32_t)event->arg[1];
            teller->routine[id] = FT_STORY_NONE;
        }
    } else if (event->kind == FT_EV_TASK_END) {
        end_span(teller, find(teller, event->arg[0]));
    }
}

static void leave(struct teller *teller, const struct ft_event *event)
{
    uint32_t *top = &teller->routine[event->task];
    uint32_t index = *top;

    /* An exception may leave several at once. */
    while (index != FT_STORY_NONE && teller->story->span[index].detail != event->arg[0]) {
        index = teller->around[index];
    }
    if (index == FT_STORY_NONE) {
        return;
    }
    do {
        end_span(teller, &teller->story->span[*top]);
        *top = teller->around[*top];
    } while (*top != FT_STORY_NONE && teller->story->span[index].open);
}

static void tell_routine(struct teller *teller, const struct ft_event *event)
{
    uint32_t *top = &teller->routine[event->task];

    if (event->kind == FT_EV_CALL_ENTER) {
        uint32_t outer = *top;
        struct ft_span *span = begin_span(teller, FT_SPAN_ROUTINE, ft_handle_object(event->arg[1]));

        if (span != NULL) {
            span->lane = event->task;
            span->detail = (uint32_t)event->arg[0];
            if (outer != FT_STORY_NONE) {
                uint8_t depth = teller->story->span[outer].depth;

                span->depth = depth < UINT8_MAX ? (uint8_t)(depth + 1) : depth;
            }
            teller->around[last_span(teller)] = outer;
            *top = last_span(teller);
        }
    } else if (event->kind == FT_EV_CALL_LEAVE) {
        leave(teller, event);
    }
}

/* ---- the whole ---- */

/* What has not ended runs to the last event. */
static void close_open_spans(struct ft_story *story, uint32_t last)
{
    for (size_t i = 0; i < story->count; i++) {
        if (story->span[i].open) {
            story->span[i].end = last;
        }
    }
}

static bool tell(struct teller *teller, const struct ft_trace *trace)
{
    for (uint64_t i = 0; i < trace->event_count && !teller->short_of_memory; i++) {
        const struct ft_event *event = &trace->event[i];

        teller->index = (uint32_t)i;
        tell_request(teller, event);
        note_servants(teller, event);
        tell_dma(teller, event);
        tell_device(teller, event);
        tell_engine(teller, event);
        tell_task(teller, event);
        tell_routine(teller, event);
    }
    return !teller->short_of_memory;
}

bool ft_story_begin(struct ft_story *story, const struct ft_trace *trace)
{
    struct teller *teller = calloc(1, sizeof(*teller));
    bool told = false;

    *story = (struct ft_story){0};
    if (teller == NULL) {
        return false;
    }
    teller->story = story;
    teller->routine = malloc(TASKS * sizeof(*teller->routine));
    if (teller->routine != NULL) {
        for (size_t i = 0; i < TASKS; i++) {
            teller->routine[i] = FT_STORY_NONE;
        }
        for (size_t i = 0; i < ENGINES; i++) {
            teller->engine[i] = FT_STORY_NONE;
        }
        told = tell(teller, trace);
    }
    if (told && trace->event_count != 0) {
        close_open_spans(story, (uint32_t)trace->event_count - 1);
    }
    ft_handle_map_free(&teller->current);
    ft_handle_map_free(&teller->owner);
    ft_handle_map_free(&teller->held);
    free(teller->before);
    free(teller->around);
    free(teller->routine);
    free(teller);
    return told;
}

void ft_story_end(struct ft_story *story)
{
    free(story->span);
    *story = (struct ft_story){0};
}
