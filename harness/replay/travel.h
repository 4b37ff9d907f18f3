/* A run that goes back and forth, for the debugger that watches this process (replay --gdb).
 *
 * The run stops (SIGTRAP) before the event that ft_debugger.stop_at names. Save points are kept at
 * intervals; to go back to an earlier event the debugger sets stop_at, leaves the running task
 * (ft_debugger_bail) or sets ft_debugger.back, and lets the process go on: the nearest save point
 * before it is restored and the run goes forward to there. No counter of the processor is needed,
 * and nothing is undone.
 */
#ifndef FT_TRAVEL_H
#define FT_TRAVEL_H

#include "sim/module.h"
#include "status.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

/* `trace` is the run, recorded before; the debugger asks about its events. The first stop is before
 * event `stop_at`. Returns when the debugger lets it go on from the end of the run. */
enum ft_status ft_travel(const struct ft_module *module, const struct ft_trace *trace,
                         bool keep_going, uint64_t stop_at, struct ft_error *error);

/* Called by the debugger while the process is stopped. */

extern char ft_travel_text[256]; /* what it asks about */

uint64_t ft_travel_count(void); /* events of the run */
/* The next event from there on (that one left out) that concerns the object in ft_travel_text
 * ("irp#3"), forwards or backwards; 0: none, UINT64_MAX: that is no object. */
uint64_t ft_travel_find(uint64_t from, bool backwards);
/* The event of that number as a line of the timeline. Valid until the next call. */
const char *ft_travel_line(uint64_t event);
/* The last save point before that event: the number of events it has behind it. */
uint64_t ft_travel_saved(uint64_t event);

#endif
