/* What an event says, in words: the text that stands behind the columns of a line.
 *
 * An event is its name and its named arguments, both from events.def:
 *
 *     dma:flush adapter#1 grant#2 mdl#5 offset=0 length=4096 write=no
 *
 * A name that the value says again is left out (irp=irp#3, status=STATUS_PENDING), and so is an
 * argument that is as it nearly always is (no completion twice, the hardware live). A driver
 * routine is drawn with braces: `dispatch irp#6 READ {` … `} dispatch irp#6 READ = STATUS_PENDING`.
 * An op stands as its scenario wrote it. An argument that is not known is `?`. Nothing but
 * printable ASCII comes out, whatever the trace holds.
 */
#ifndef FT_EVENT_WORDS_H
#define FT_EVENT_WORDS_H

#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ft_words_of_event {
    char text[1024];
    size_t length;
    size_t name_length; /* the part that says what happened; arguments follow */
};

void ft_event_words(const struct ft_trace *trace, const struct ft_event *event,
                    struct ft_words_of_event *ret);

/* The words of a routine in which nothing happened, begin and end in one: `completion irp#2 {} =
 * STATUS_MORE_PROCESSING_REQUIRED`. */
void ft_event_words_folded(const struct ft_trace *trace, const struct ft_event *enter,
                           const struct ft_event *leave, struct ft_words_of_event *ret);

/* True for the events of an op: fired, late, skipped. */
bool ft_event_is_op(const struct ft_event *event);

/* Name of a task kind as the lines have it ("thread"), "task" for none. */
const char *ft_task_kind_text(unsigned kind);

#endif
