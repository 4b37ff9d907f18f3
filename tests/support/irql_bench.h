/* A bench for the levels at which routines may be called: a table of calls and their windows.
 *
 * Each call is made at every level of the bench, each time in a run of its own: a whole driver
 * (bench_driver.h) makes it while it handles START, with the rules engine watching. Outside its
 * window a call must be judged by io.irql-ddi-level, a rule that refines it, io.irql-no-wait or a
 * bug check; inside, by none of them. Other rules (a call may leave its objects behind) do not
 * count.
 */
#ifndef FT_IRQL_BENCH_H
#define FT_IRQL_BENCH_H

#include "bench_driver.h"

struct irql_row {
    const char *name;
    KIRQL lowest, highest; /* the window */
    void (*ready)(void);   /* at PASSIVE_LEVEL before the call, may be NULL */
    void (*call)(void);
};

enum { IRQL_DIRQL = WB_IRQ_LEVEL };

/* A call that may be made at every level has this as its highest. */
enum { IRQL_ANY = HIGH_LEVEL };

/* Prints every call that was judged wrongly, and fails if there was one. `describe` may be NULL. */
void irql_windows(const struct irql_row *rows, size_t count,
                  void (*describe)(struct ft_description *description));

/* The interrupt service routine of the bench's driver; its interrupt is the_driver.interrupt. */
BOOLEAN irql_isr(PKINTERRUPT interrupt, PVOID context);

#endif
