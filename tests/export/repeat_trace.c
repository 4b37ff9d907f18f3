/* repeat-trace TRACE EVENTS OUT: a trace of at least so many events, which has those of TRACE again
 * and again. Objects that a run has many of get new numbers in each round. The verdict stays the
 * first round's. */
#include "trace/trace.h"

#include "sim/handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t most[256]; /* highest number of each class */

static bool is_many(unsigned handle_class)
{
    return handle_class == FT_HC_TASK || handle_class == FT_HC_IRP || handle_class == FT_HC_MDL ||
           handle_class == FT_HC_GRANT || handle_class == FT_HC_MAPPING ||
           handle_class == FT_HC_SGLIST || handle_class == FT_HC_SRB;
}

static void look(unsigned handle_class, uint32_t id)
{
    if (is_many(handle_class) && id > most[handle_class]) {
        most[handle_class] = id;
    }
}

static uint64_t moved(uint64_t handle, uint32_t round)
{
    unsigned handle_class = ft_handle_class(handle);

    return handle != 0 && is_many(handle_class)
               ? ft_handle((enum ft_handle_class)handle_class,
                           ft_handle_id(handle) + round * most[handle_class],
                           ft_handle_offset(handle))
               : handle;
}

static void look_at(const struct ft_event *event)
{
    const struct ft_event_row *row = ft_event_row(event->kind);

    look(FT_HC_TASK, event->task);
    look(FT_HC_IRP, event->request);
    for (unsigned i = 0; i < row->argc; i++) {
        if (row->arg_type[i] == FT_ARG_HANDLE) {
            look(ft_handle_class(event->arg[i]), ft_handle_id(event->arg[i]));
        }
    }
}

static struct ft_event repeated(const struct ft_event *event, uint32_t round)
{
    const struct ft_event_row *row = ft_event_row(event->kind);
    struct ft_event ret = *event;

    if (ret.task != 0) {
        ret.task = (uint16_t)(ret.task + round * most[FT_HC_TASK]);
    }
    if (ret.request != 0) {
        ret.request = (uint16_t)(ret.request + round * most[FT_HC_IRP]);
    }
    for (unsigned i = 0; i < row->argc; i++) {
        if (row->arg_type[i] == FT_ARG_HANDLE) {
            ret.arg[i] = moved(ret.arg[i], round);
        }
    }
    return ret;
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc == 4 ? strtoull(argv[2], NULL, 10) : 0, rounds;
    struct ft_error error = {0};
    struct ft_trace trace;
    struct ft_event *event;

    if (argc != 4 || ft_trace_read(argv[1], &trace, &error) != FT_OK) {
        fprintf(stderr, "usage: repeat-trace TRACE EVENTS OUT; %s\n", error.text);
        return 1;
    }
    for (uint64_t i = 0; i < trace.event_count; i++) {
        look_at(&trace.event[i]);
    }
    rounds = (wanted + trace.event_count - 1) / trace.event_count;
    event = malloc(rounds * trace.event_count * sizeof(*event));
    if (event == NULL) {
        return 1;
    }
    for (uint64_t i = 0; i < rounds * trace.event_count; i++) {
        event[i] = repeated(&trace.event[i % trace.event_count], (uint32_t)(i / trace.event_count));
    }
    free(trace.event);
    trace.event = event;
    trace.event_count *= rounds;
    if (ft_trace_write(argv[3], &trace, &error) != FT_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    ft_trace_free(&trace);
    return 0;
}
