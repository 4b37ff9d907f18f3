/* One mutation in the making, and what the files of this folder do to it. Internal to
 * harness/scenario/mutate.
 */
#ifndef FT_MUTATION_H
#define FT_MUTATION_H

#include "scenario/mutate/catalogue.h"
#include "scenario/prng.h"

/* The state a scenario has probably brought the machine to; none of them: started, in D0, awake. */
enum {
    FT_STATE_LOW = 1,     /* the device is not in D0 */
    FT_STATE_STOPPED = 2, /* between STOP and the next START */
    FT_STATE_ASLEEP = 4,  /* the machine sleeps */
    FT_STATE_GONE = 8     /* removed, or the hardware is away */
};

struct ft_mutation {
    struct ft_prng prng;
    const struct ft_catalogue *catalogue;
    uint64_t kinds[4]; /* the swarm: bit per op kind that may be drawn */
    struct ft_scenario scenario;
};

static inline unsigned ft_below(struct ft_mutation *m, unsigned bound)
{
    return ft_prng_below(&m->prng, bound);
}

static inline bool ft_odds(struct ft_mutation *m, unsigned times, unsigned of)
{
    return ft_prng_odds(&m->prng, times, of);
}

/* ---- kinds.c ---- */

/* Draws the swarm. */
void ft_swarm_draw(struct ft_mutation *m);
bool ft_swarm_has(const struct ft_mutation *m, unsigned kind);

/* A kind of that class that is in the swarm (if any is) and legal in the state; 0: there is none.
 * Kinds that end a device's life are left out unless `ending`. */
uint8_t ft_pick_kind(struct ft_mutation *m, enum ft_op_class class_, unsigned state, bool ending);

/* A request that the driver takes. */
uint8_t ft_pick_request(struct ft_mutation *m);

/* The state after an op. */
unsigned ft_state_after(unsigned state, const struct ft_op *op);

/* The kind that leads back to a started device in D0; 0: nothing does, or nothing need. */
uint8_t ft_way_back(unsigned state);

/* The driver has two devices. */
bool ft_has_two(const struct ft_mutation *m);

/* An op of that kind without label and moment; `target` is the label that an `of` names. */
struct ft_op ft_pick_op(struct ft_mutation *m, uint8_t kind, uint8_t target);

/* A length and a page offset at the borders of pages and map registers. */
void ft_pick_buffer(struct ft_mutation *m, struct ft_op *op);

/* ---- moments.c ---- */

/* What is known of the scope of a moment of op `at` on that label. */
const struct ft_scope_facts *ft_facts_of(const struct ft_mutation *m, unsigned at, uint8_t target);

/* A moment of op `at` on that label, at a point that was met there. *position counts the points
 * that have come there when the op arms (0: it arms when they begin) and is moved on to the moment;
 * when that has come to the usual end, nothing may be left. */
struct ft_moment ft_pick_moment(struct ft_mutation *m, unsigned at, uint8_t target,
                                unsigned *position);

/* How many points usually come there. */
unsigned ft_usual_end(const struct ft_mutation *m, unsigned at, uint8_t target);

/* Moves a moment a little: to a neighbour among the points met, another count, before or after a
 * call, to a flush, map, completion or lock. */
void ft_move_moment(struct ft_mutation *m, unsigned at, struct ft_moment *moment);

/* ---- labels.c ---- */

/* The lowest label that no op has; 0 when all are taken. */
uint8_t ft_free_label(const struct ft_scenario *scenario);

/* The op with that label; NULL when there is none. */
const struct ft_op *ft_op_of_label(const struct ft_scenario *scenario, uint8_t label);

/* A read, write or device control: what can be cancelled. */
bool ft_is_request(const struct ft_op *op);

/* The label of an op before `at`, mostly just before it; 0 when there is none. Requests only:
 * labels that a cancel can name. */
uint8_t ft_some_label(struct ft_mutation *m, unsigned at, bool requests_only);

/* Its first argument is a label. */
bool ft_names_label(const struct ft_op *op);

/* Makes labels differ, and gives moments and ops that name a label which no earlier op has one
 * that is there: such a moment could never come. */
void ft_mend_labels(struct ft_mutation *m);

/* ---- the four ways ---- */

/* A fresh scenario, of about as many bytes at most. */
void ft_walk(struct ft_mutation *m, size_t bytes);

/* What a change does. ft_change applies one that is drawn. */
enum ft_change {
    FT_CHANGE_INSERT,
    FT_CHANGE_DELETE,
    FT_CHANGE_DUPLICATE,
    FT_CHANGE_MOVE,
    FT_CHANGE_MOMENT,   /* a little */
    FT_CHANGE_RETARGET, /* another object or label, same point */
    FT_CHANGE_NEW_MOMENT,
    FT_CHANGE_KIND,
    FT_CHANGE_ARGUMENT,
    FT_CHANGE_PLATFORM,
    FT_CHANGE_COUNT
};
void ft_change_apply(struct ft_mutation *m, enum ft_change change);
void ft_change(struct ft_mutation *m);

/* The ops of m->scenario up to a border, then those of `other` from a border on. Labels of the
 * second part that the first part has are renamed, with all that refers to them. */
void ft_splice(struct ft_mutation *m, const struct ft_scenario *other);

#endif
