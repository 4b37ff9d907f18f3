/* Places as moments: what a strategy decides at a place, written down as an op of the scenario. */
#ifndef FT_PLACE_H
#define FT_PLACE_H

#include "explore/explore_walk.h"

/* Why nothing can be put at a place. */
enum ft_place_bar {
    FT_PLACE_FREE,  /* something can */
    FT_PLACE_TAKEN, /* an op of the scenario strikes there itself, or counts accesses */
    FT_PLACE_FAR    /* more than 254 occurrences, or more steps than an op waits, since it armed */
};

struct ft_place {
    uint64_t number;       /* 1 is the first of the run */
    struct ft_stand stand; /* from where a run to it goes on */
    uint64_t events;       /* before it */
    uint64_t site;         /* call site in the driver, 0: not in the driver */
    struct ft_moment moment;
    uint16_t position; /* ops in front of what strikes here */
    uint16_t left;     /* occurrences that the op behind it lacks then */
    uint8_t bar;       /* enum ft_place_bar */
};

/* Numbers the places that a run passed, in order. `passed` begins with the run or just behind the
 * strike of an op. */
void ft_places_name(const struct ft_passed *passed, uint64_t count, struct ft_place *ret);

/* The scenario with `op` at that place. False: the place is not free, or the scenario is full. */
bool ft_place_insert(const struct ft_scenario *scenario, const struct ft_place *place,
                     const struct ft_op *op, struct ft_scenario *ret);

#endif
