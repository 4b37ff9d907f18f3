/* Choosing events. */
#include "report/event_filter.h"
#include "report/event_words.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 0xFFFFFF };

void ft_filter_init(struct ft_filter *filter, const struct ft_trace *trace)
{
    memset(filter, 0, sizeof(*filter));
    filter->end = trace->event_count;
}

void ft_filter_range(struct ft_filter *filter, uint64_t first, uint64_t last)
{
    if (first > filter->first + 1) {
        filter->first = first - 1;
    }
    if (last < filter->end) {
        filter->end = last;
    }
    if (filter->first > filter->end) {
        filter->first = filter->end;
    }
}

/* Class of "irp#3" or, for a task, of "dpc-4"; 0 for none. */
static unsigned class_of(const char *text, const char *sign)
{
    size_t length = (size_t)(sign - text);

    if (*sign == '#') {
        return ft_handle_class_named(text, length);
    }
    for (unsigned kind = 0; kind < FT_TASK_KIND_COUNT; kind++) {
        const char *name = ft_task_kind_text(kind);

        if (strlen(name) == length && memcmp(name, text, length) == 0) {
            return FT_HC_TASK;
        }
    }
    return 0;
}

/* An object as a handle; 0 when it is none. */
static uint64_t parse_object(const char *text)
{
    const char *hash = strchr(text, '#');
    const char *sign = hash != NULL ? hash : strrchr(text, '-');
    char *end = NULL;
    unsigned handle_class;
    unsigned long id;

    if (sign == NULL || sign[1] < '0' || sign[1] > '9') {
        return 0;
    }
    handle_class = class_of(text, sign);
    id = strtoul(sign + 1, &end, 10);
    if (hash != NULL && strncmp(end, "+0x", 3) == 0 && end[3] != '\0') {
        end += 3 + strspn(end + 3, "0123456789abcdefABCDEF");
    }
    if (handle_class == 0 || *end != '\0' || id == 0 || id > ID_MAX) {
        return 0;
    }
    return ft_handle((enum ft_handle_class)handle_class, (uint32_t)id, 0);
}

bool ft_filter_add_object(struct ft_filter *filter, const char *text)
{
    uint64_t object = parse_object(text);

    if (object == 0 || filter->object_count == FT_FILTER_OBJECTS_MAX) {
        return false;
    }
    filter->object[filter->object_count++] = object;
    return true;
}

bool ft_filter_add_kind(struct ft_filter *filter, const char *pattern)
{
    bool glob = strpbrk(pattern, "*?[") != NULL;
    bool found = false;

    for (size_t i = 0; i < ft_event_row_count(); i++) {
        const struct ft_event_row *row = ft_event_row_at(i);

        if (glob ? fnmatch(pattern, row->name, 0) == 0
                 : strncmp(row->name, pattern, strlen(pattern)) == 0) {
            filter->kind[row->number / 8] |= (uint8_t)(1 << row->number % 8);
            found = true;
        }
    }
    filter->by_kind = true;
    return found;
}

bool ft_filter_passes(const struct ft_filter *filter, const struct ft_event *event)
{
    bool concerned = filter->object_count == 0;

    if (filter->by_kind && (filter->kind[event->kind / 8] >> event->kind % 8 & 1) == 0) {
        return false;
    }
    for (unsigned i = 0; i < filter->object_count && !concerned; i++) {
        concerned = ft_event_concerns(event, filter->object[i]);
    }
    return concerned;
}

/* The object as one of the four that every event names. */
static bool is_owner(const struct ft_event *event, uint64_t object)
{
    uint32_t id = ft_handle_id(object);

    switch (ft_handle_class(object)) {
    case FT_HC_IRP:
        return event->request == id;
    case FT_HC_DEVICE:
        return event->device == id;
    case FT_HC_TASK:
        return event->task == id;
    default:
        return false;
    }
}

bool ft_event_concerns(const struct ft_event *event, uint64_t object)
{
    const struct ft_event_row *row = ft_event_row(event->kind);

    if (is_owner(event, object)) {
        return true;
    }
    for (unsigned i = 0; row != NULL && i < row->argc; i++) {
        if (row->arg_type[i] == FT_ARG_HANDLE && ft_handle_object(event->arg[i]) == object) {
            return true;
        }
    }
    return false;
}
