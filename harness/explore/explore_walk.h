/* A walk: one run that a strategy steers. It can stop at any step, be saved there, go on with a
 * disturbance at a later place, and come back: n disturbed runs cost one undisturbed run and n
 * suffixes.
 *
 * A place is where the world asks its chooser (struct ft_here); places are numbered from 1 in the
 * order of the run. Whatever is decided at a place is also a scenario (place.h), and the run of
 * that scenario from the start has the same events.
 *
 * One walk at a time: it holds the world. In a worker process, because the driver's code runs here.
 */
#ifndef FT_EXPLORE_WALK_H
#define FT_EXPLORE_WALK_H

#include "explore/tails.h"
#include "replay/session.h"

#include <stdbool.h>
#include <stdint.h>

enum { FT_WALK_DECISIONS_MAX = 2, FT_WALK_SLOTS = 2 };

/* A place as the run passed it. */
struct ft_passed {
    struct ft_here here;
    uint64_t step; /* the step of the world in which it was passed; 0 is the first */
};

/* Where a walk can stand in front of a place, with every task parked. */
struct ft_stand {
    uint64_t step;  /* of the world */
    uint64_t park;  /* place in that step, 0: the beginning of the step */
    uint64_t first; /* the first place that is not behind it */
};

struct ft_decision {
    uint64_t place;
    struct ft_op op;
};

struct ft_walk {
    struct ft_session session;
    struct ft_chooser chooser;
    const struct ft_scenario *scenario;
    struct ft_decision decision[FT_WALK_DECISIONS_MAX];
    unsigned decision_count;
    uint64_t step;            /* steps done */
    struct ft_passed *passed; /* NULL: nothing is recorded */
    uint64_t passed_count, passed_capacity, passed_from;
    struct ft_tails *tails; /* NULL: every run goes to its own end */
    bool sharing;           /* events go to the tails */
    bool all_struck;
    bool skipped;     /* the last decision was not legal where it struck, and did nothing */
    uint8_t struck;   /* 2: its event comes, 1: what comes next says whether it was legal */
    uint64_t park_at; /* the place to park at, 0: none */
    bool parked;
    struct {
        uint64_t step;
        uint64_t next; /* the first place that is not behind it */
    } slot[FT_WALK_SLOTS];
};

/* How a walk ended. */
struct ft_walk_end {
    struct ft_run_result result;
    struct ft_verdict verdict;
    bool shared;  /* it took over the end of another run */
    bool skipped; /* given up: the last decision did nothing; there is no verdict */
};

/* False: the reason stands on standard error. */
bool ft_walk_open(struct ft_walk *walk, const struct ft_module *module, bool keep_going);
void ft_walk_close(struct ft_walk *walk);

/* Begins the run of a scenario, cold. The scenario must stay where it is. */
void ft_walk_begin(struct ft_walk *walk, const struct ft_scenario *scenario);

/* One step of the world, or up to where it parks; false when the run is over. */
bool ft_walk_step(struct ft_walk *walk);

/* Goes on to there. False: the run does not come there. */
bool ft_walk_go(struct ft_walk *walk, const struct ft_stand *stand);

/* Save points; decisions and records are the caller's to set again. */
void ft_walk_save(struct ft_walk *walk, unsigned slot);
void ft_walk_restore(struct ft_walk *walk, unsigned slot);

/* Restores the slot and takes the decisions; a slot that is behind goes on to the stand first, and
 * is saved there. The slot must not be ahead: slot.next is at most stand->first. */
bool ft_walk_stand(struct ft_walk *walk, unsigned slot, const struct ft_stand *stand,
                   const struct ft_decision *decision, unsigned count);

/* From here on only these decisions are taken; places behind us are no matter. */
void ft_walk_decide(struct ft_walk *walk, const struct ft_decision *decision, unsigned count);

/* From here on places from number `from` on are recorded, up to capacity; NULL: none. */
void ft_walk_record(struct ft_walk *walk, struct ft_passed *passed, uint64_t capacity,
                    uint64_t from);

/* From here on runs take over the ends of others that were in the same state (tails.h). False: no
 * memory. */
bool ft_walk_share(struct ft_walk *walk);

/* Goes on to the end, or until the last decision turns out to be skipped. */
void ft_walk_finish(struct ft_walk *walk, struct ft_walk_end *ret);

#endif
