/* What a debugger that watches this process reads, writes and calls (flushtrace replay --gdb).
 *
 * Nothing here is part of the machine: a save point that is restored leaves it alone, and a run
 * that nobody watches only pays for one comparison an event.
 */
#ifndef FT_SIM_DEBUGGER_H
#define FT_SIM_DEBUGGER_H

#include <stdbool.h>
#include <stdint.h>

struct ft_debugger {
    volatile uint64_t stop_at; /* SIGTRAP before this event (1 is the first); 0: never */
    volatile uint64_t event;   /* stopped there: before this event; 0: it is not */
    volatile bool back;        /* whoever drives the run restores a save point before stop_at */
    volatile bool over;        /* the run is over */
    volatile bool ahead; /* not yet for the debugger: at stop_at the run turns back by itself */
};
extern struct ft_debugger ft_debugger;

/* Stops in the debugger: before the event of that number (0: none in particular). */
void ft_debugger_stop(uint64_t event);

/* Called by the debugger while the process is stopped. */

/* Events emitted so far. */
uint64_t ft_debugger_events(void);
/* True inside a task: it can be left for good (ft_debugger_bail) to go back. */
bool ft_debugger_in_task(void);
/* The debugger goes on here instead of where the task is: the task is left as it stands. */
_Noreturn void ft_debugger_bail(void);
/* The machine in words: the run, tasks, requests, DMA, timers, PnP and power. Valid until the next
 * call. */
const char *ft_debugger_world(void);
/* The code of the driver: frames there are the driver's own. */
uint64_t ft_debugger_code_begin(void);
uint64_t ft_debugger_code_end(void);

#endif
