/* One trace of a regression run. */
#ifndef FT_REGRESS_CASE_H
#define FT_REGRESS_CASE_H

#include "cli/replaying.h"
#include "replay/worker.h"

/* What a process of the crew keeps from case to case: a world of the driver it ran last. */
struct ft_regress_worker {
    struct ft_cli *cli;
    struct ft_worker worker;
    bool open;
};

/* Fills in what the trace at one->path says of itself; the outcome too if it can be told already.
 * `state` is a struct ft_regress_worker in all three. */
void ft_regress_read(void *state, struct ft_regress_case *one);

/* Replays it, or records it again with --refresh, and fills in the rest. */
void ft_regress_replay(void *state, struct ft_regress_case *one);

/* Whether the case needed that entry of the baseline. */
bool ft_regress_used(const struct ft_regress_case *one, unsigned entry);

void ft_regress_worker_close(void *state);

#endif
