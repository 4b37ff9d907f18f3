/* One event, one line, for people: the formatter that show, diff and failure blocks share.
 *
 *     #   time c il  task      who  event
 *   205 15.2ms 1 P  *thread-5  drv  cancel irp#7 {
 *   206 15.2ms 1 P   thread-5  drv    cancel:unlock new=PASSIVE         packet_io.c:PacketCancel:33
 * > 210 15.2ms 1 P   thread-5  drv    irp:complete irp#7 STATUS_CANCELLED …
 *
 * Columns: mark (`>` an event of the verdict, `x` the point of no return, `!` an op), number (1 is
 * the first), simulated time, processor (`-` none), IRQL (P passive, A APC, D dispatch, a number
 * above), task (`*`: another one than on the line before), layer (drv driver, fwk framework, prt
 * port, sys kernel and bus driver, dev device, ops harness; of a driver with two devices a 2 behind
 * it where the event is about the second), the event indented by the nesting of its task
 * (event_words.h), where the driver called. A routine in which nothing happened is one line. Lines
 * that begin with `~` say that rules fell silent or speak again. This is not the text form of
 * trace.h and cannot be parsed back.
 *
 * With a width the place in the sources is shortened and moved to the right edge, and what still
 * does not fit is cut.
 */
#ifndef FT_EVENT_LINE_H
#define FT_EVENT_LINE_H

#include "report/event_filter.h"
#include "report/suspension.h"
#include "report/trace_clock.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { FT_LINE_TASKS_MAX = 1 << 16 };

/* What lines of one trace share. After ft_lines_begin the caller may change what is not private. */
struct ft_lines {
    const struct ft_trace *trace; /* borrowed */
    bool colour;
    int width; /* of the terminal, 0: lines are not cut */
    int number_width;
    bool unmarked;      /* no `>` */
    uint64_t no_return; /* event number that is marked `x`, 0: none */
    /* private */
    int time_width, task_width;
    uint8_t *task_kind;     /* by task id; owned */
    uint16_t previous_task; /* of the line before */
    uint16_t second;        /* id of the PDO of the driver's second device, 0: it has one */
    struct ft_clock clock;
};

/* Width is ft_terminal_width of the stream that is meant in the end (ask before a pager takes its
 * place). False: out of memory. End with ft_lines_end. */
bool ft_lines_begin(struct ft_lines *lines, const struct ft_trace *trace, bool colour, int width);
void ft_lines_end(struct ft_lines *lines);

/* Writes event `index` (0 is the first) as one line with its newline. */
void ft_lines_print(struct ft_lines *lines, uint64_t index, FILE *out);

/* Writes the events [first, end), as far as there are any, routines without content in one line. */
void ft_lines_print_range(struct ft_lines *lines, uint64_t first, uint64_t end, FILE *out);

/* The same for the events that pass the filter, with lines about suspended rules when there is a
 * watch (it takes the events before the first one, too). Stops when the stream fails. Returns how
 * many events were shown. */
uint64_t ft_lines_print_filtered(struct ft_lines *lines, const struct ft_filter *filter,
                                 struct ft_watch *watch, FILE *out);

/* Writes the line that names the columns. */
void ft_lines_print_legend(const struct ft_lines *lines, FILE *out);

#endif
