/* Continuations: a recorded run goes on from one of its events in other ways than it did.
 *
 * "From event e on" means: events 1 to e are as recorded, and nothing else is settled. What is
 * still to come of the scenario does not come (no op that had not struck by then), so a
 * continuation is the driver left alone; it differs from others only in when which task runs: at
 * the places where a strategy is asked (sim/world.h), behind event e, the op `preempt` strikes or
 * does not.
 *
 *   as-is   the tasks run in the world's own order
 *   one     one preemption at one place that lies right behind event e, else the world's order
 *   random  preemptions at random places, drawn from a seed; how dense they are, and which kind of
 *           task is preferred, goes round with the seed, so that each is preferred in turn
 *
 * A continuation is deterministic: a function of scenario, event, way and seed. In a worker process
 * only, because the driver's code runs here.
 */
#ifndef FT_CONTINUATION_H
#define FT_CONTINUATION_H

#include "replay/finding_id.h"
#include "replay/session.h"
#include "scenario/prng.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

enum ft_way { FT_WAY_AS_IS, FT_WAY_ONE, FT_WAY_RANDOM };

enum {
    FT_WAY_KINDS = 8, /* what one preemption can prefer: the arguments of the op (ft_way_op) */
    FT_CONTINUE_STEPS_MAX = 1 << 20
};

/* How one ended. */
enum ft_continued {
    FT_CONTINUED_CLEAN, /* no finding */
    FT_CONTINUED_SAME,  /* the finding in question */
    FT_CONTINUED_OTHER, /* another finding, or no verdict */
    FT_CONTINUED_IDLE   /* the one preemption was not possible: that is the way as-is */
};

struct ft_continuer {
    struct ft_session session;
    struct ft_chooser chooser;
    const struct ft_trace *trace; /* the recorded run */
    struct ft_finding_id wanted;
    struct ft_scenario scenario;    /* the first ops of the recorded one */
    unsigned ops;                   /* that strike before the event */
    uint64_t asked;                 /* the event of the last continuation */
    uint32_t *events;               /* before each step of that scenario's run */
    uint64_t steps;                 /* so many */
    enum ft_continued undisturbed;  /* how that run ends */
    uint64_t saved;                 /* the step at whose beginning the save point is */
    uint64_t length;                /* events of the last one, the recorded ones too */
    bool listed, is_saved, crashed; /* crashed: the last one did */
    /* of the present continuation */
    enum ft_way way;
    uint64_t from;   /* events that are settled */
    uint32_t wish;   /* one: which place, and which preemption there */
    uint32_t places; /* passed right behind event `from` */
    struct ft_prng prng;
    uint32_t odds, strikes; /* random: one in `odds` places, so many more */
    uint32_t favourite;     /* most of them are of this kind: time that passes often, say */
    uint8_t struck; /* one: 2 its event comes, 1 what comes next says whether it did something */
    bool idle;
    struct ft_event stop; /* the event that says why it stopped; kind 0: none */
};

/* False: the reason stands on standard error, or there is no memory. */
bool ft_continuer_open(struct ft_continuer *continuer, const struct ft_module *module,
                       const struct ft_trace *trace);

/* One continuation from event `from` on (0: the beginning). `wish` is the preemption of way one
 * (place * FT_WAY_KINDS + kind), or the seed of way random. */
enum ft_continued ft_continue(struct ft_continuer *continuer, uint64_t from, enum ft_way way,
                              uint32_t wish);

/* How many places lie right behind event `from`, before the next event; known after way as-is. */
uint32_t ft_continue_places(const struct ft_continuer *continuer);

/* True for the event of an op that strikes, in time or late. */
bool ft_is_op_strike(const struct ft_event *event);

#endif
