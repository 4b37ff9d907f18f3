/* Ends of runs that other runs take over: two runs that reach one state go on alike.
 *
 * A disturbance rarely changes a run for good. Struck one point earlier or later it mostly leads to
 * the very same state of the machine and of the rules, so that what follows was seen before. At
 * some of its steps a run compares the digest of its state with those of the runs before it, and on
 * a match takes over the end of that run: result and verdict, and the hash of its own events
 * followed by those of the other. Nothing is approximated; the hash is that of the whole run.
 */
#ifndef FT_TAILS_H
#define FT_TAILS_H

#include "rules/rules.h"
#include "sim/world.h"

#include <stdbool.h>

struct ft_tails;

/* NULL: no memory. */
struct ft_tails *ft_tails_new(void);
void ft_tails_free(struct ft_tails *tails);

/* A run begins here, as far as others may take over its end. */
void ft_tails_begin(struct ft_tails *tails);
/* It emits an event. */
void ft_tails_event(struct ft_tails *tails, const struct ft_event *event);
/* Between two steps: true at the few places where runs compare their states. Runs in one state
 * agree about it: it depends on the last event alone. */
bool ft_tails_compares(const struct ft_tails *tails);
/* The run is in the state of that digest. True: the state is known, and *result (so far) and
 * *verdict become those of the end. False: it is now. */
bool ft_tails_meet(struct ft_tails *tails, uint64_t digest, struct ft_run_result *result,
                   struct ft_verdict *verdict);
/* The run came to its end by itself. */
void ft_tails_end(struct ft_tails *tails, const struct ft_run_result *result,
                  const struct ft_verdict *verdict);

#endif
