/* One event, one line, for people: the formatter that show, diff and failure blocks share.
 *
 *     > 212  0  D  thread#3  drv    dma:flush adapter#1 grant#2 mdl#5 offset=0
 * packet.c:PacketDpc:212
 *
 * Columns: mark (`>` the event of the verdict), number (1 is the first), processor (`-` none), IRQL
 * (P passive, A APC, D dispatch, a number above), task, layer (drv driver, fwk framework, prt port,
 * sys kernel and bus driver, dev device, ops harness), the event indented by the nesting of its
 * task, its arguments (a handle names itself; flags that are as usual are left out: no completion
 * twice, no write, the hardware live), the driver's call site. This is not the text form of
 * trace.h and cannot be parsed back.
 */
#ifndef FT_EVENT_LINE_H
#define FT_EVENT_LINE_H

#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { FT_LINE_TASKS_MAX = 1 << 16 };

/* What lines of one trace share. */
struct ft_lines {
    const struct ft_trace *trace; /* borrowed */
    bool colour;
    int number_width;
    uint64_t marked;    /* event with the mark, 0: none */
    uint8_t *task_kind; /* by task id; owned */
};

/* False: out of memory. End with ft_lines_end. */
bool ft_lines_begin(struct ft_lines *lines, const struct ft_trace *trace, bool colour);
void ft_lines_end(struct ft_lines *lines);

/* Writes event `index` (0 is the first) as one line with its newline. */
void ft_lines_print(const struct ft_lines *lines, uint64_t index, FILE *out);

/* Writes the events [first, end), as far as there are any. */
void ft_lines_print_range(const struct ft_lines *lines, uint64_t first, uint64_t end, FILE *out);

/* Writes the line that names the columns. */
void ft_lines_print_legend(const struct ft_lines *lines, FILE *out);

/* True when the event speaks of that object (a handle without offset): as an argument, or as its
 * request, device or task. */
bool ft_event_concerns(const struct ft_event *event, uint64_t object);

/* Name of a task kind as the lines have it ("thread"), "task" for none. */
const char *ft_task_kind_text(unsigned kind);

#endif
