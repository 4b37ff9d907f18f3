/* Every schedule of a scenario with at most K preemptions, each once.
 *
 * A preemption is a turn (hal-shim/world/chains.h) at which the running chain could go on and
 * another goes. Who goes on when a chain ends or blocks is free. So K = 0 has every choice at a
 * block, and each preemption more has every place for it (iterative context bounding, Musuvathi and
 * Qadeer, PLDI 2007).
 *
 * A schedule is the list of turns at which not the usual chain went on. The one without any comes
 * first; those behind it differ from it at one later turn, and so on, depth first. A run begins at
 * a save point behind the last turn at which it differs from its parent.
 *
 * With `merge`, a run that comes into a state in which another was with as many preemptions left
 * ends there: everything that could follow was, or is, run from that one. States are compared as a
 * whole (ft_world_digest), so nothing is approximated but for two states with one digest of 64
 * bits.
 */
#ifndef FT_SCHEDULES_H
#define FT_SCHEDULES_H

#include "replay/session.h"

#include <stdbool.h>
#include <stdint.h>

enum { FT_SCHEDULE_PICKS = 56, FT_STATES = 1 << 22 };

struct ft_pick {
    uint16_t turn; /* 1 is the first */
    uint8_t which;
    bool preempts;
};

/* States that were met; workers share it (it lies in shared memory). */
struct ft_states {
    uint64_t slot[FT_STATES];
    uint64_t count;
};

struct ft_schedules {
    /* --- set by the caller --- */
    struct ft_session *session;
    const struct ft_scenario *scenario; /* begins with an `order` of seed 0, and has room */
    unsigned preemptions;
    struct ft_states *merge; /* NULL: every run goes to its own end */
    void *context;
    /* A run is about to begin. False: stop. */
    bool (*begins)(void *context, const struct ft_pick *pick, unsigned count);
    /* It ended. merged: in a state that was met; there is no verdict. */
    void (*ended)(void *context, bool merged, const struct ft_run_result *result,
                  const struct ft_verdict *verdict, const struct ft_turns *turns);

    /* --- inside --- */
    struct ft_turns *turns;
    struct ft_pick pick[FT_SCHEDULE_PICKS];
    unsigned count;
    bool stopped, full;
    uint64_t steps, repeated; /* turns passed in all, and of these before the last save point */
};

/* False: no memory. */
bool ft_schedules_open(struct ft_schedules *schedules);
void ft_schedules_close(struct ft_schedules *schedules);

/* The schedule of these picks and all that differ from it later. `alone`: without those. */
void ft_schedules_run(struct ft_schedules *schedules, const struct ft_pick *pick, unsigned count,
                      bool alone);

/* The picks as ops behind those of the scenario. False: there is no room. */
bool ft_schedule_write(const struct ft_scenario *scenario, const struct ft_pick *pick,
                       unsigned count, struct ft_scenario *ret);

/* True: the state was met with at least so many preemptions left. Else it is met now. */
bool ft_states_meet(struct ft_states *states, uint64_t digest, unsigned left, unsigned most);

#endif
