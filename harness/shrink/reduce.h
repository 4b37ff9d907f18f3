/* The reducer: the simplest scenario that a question still answers with yes.
 *
 * It knows nothing of worlds and rules: the question is the caller's. Ops go first, in chunks and
 * then one by one, then platform, moments, arguments and labels become simpler, until no step of
 * simpler.h is left that the question allows; a last pass asks every one of them again. The same
 * scenario and the same answers give the same result.
 */
#ifndef FT_REDUCE_H
#define FT_REDUCE_H

#include "sim/scenario.h"

#include <stdbool.h>
#include <stdint.h>

enum ft_answer {
    FT_ANSWER_NO,
    FT_ANSWER_YES,
    FT_ANSWER_STOP /* not asked any more: time, runs, Ctrl-C or a failure; best is the result */
};

struct ft_reduce {
    /* The question; it is asked of one scenario at a time. */
    enum ft_answer (*ask)(void *context, const struct ft_scenario *scenario);
    void *context;
    struct ft_scenario best; /* in: where to begin, a scenario that the answer is yes for */
    bool minimal;            /* out: no single step is left; false after FT_ANSWER_STOP */
};

void ft_reduce(struct ft_reduce *reduce);

#endif
