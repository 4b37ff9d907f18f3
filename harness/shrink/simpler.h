/* What is simpler: every single step by which a scenario can be made simpler, in a fixed order.
 *
 * A scenario is 1-minimal for a finding when none of these steps keeps the finding:
 *
 *     ops         one op goes; while there are at most FT_PAIR_OPS of them, two ops go
 *     platform    a preset without own knobs; a lower preset (coherent is the lowest) with or
 *                 without them; one knob as the preset has it; a smaller value of an own knob
 *     moment      none; no accesses, or fewer; the target `device`, or the request that the op is
 *                 `of`; a smaller count; a named point for `any`, a more common one for another
 *     argument    a smaller value; of a size rather 0, 1, a power of two or whole pages
 *     label       none where nothing refers to it; the labels in order from the first
 *
 * Each step lowers the scenario in a well-founded order, so taking steps comes to an end. The lists
 * begin with the simplest: the first that keeps the finding is the one to take.
 */
#ifndef FT_SIMPLER_H
#define FT_SIMPLER_H

#include "sim/scenario.h"

#include <stdbool.h>
#include <stdint.h>

enum { FT_PAIR_OPS = 12, FT_SIMPLER_MAX = 192 };

/* Takes out `count` ops from the index on. */
void ft_remove_ops(struct ft_scenario *scenario, unsigned index, unsigned count);

/* Each gives the number of simpler ones written to `list`, at most FT_SIMPLER_MAX. */
unsigned ft_simpler_platforms(const struct ft_platform *platform, struct ft_platform *list);
unsigned ft_simpler_moments(const struct ft_op *op, struct ft_moment *list);
unsigned ft_simpler_values(const struct ft_op *op, unsigned argument, uint16_t *list);

/* True when the op has a label and nothing refers to it. */
bool ft_label_is_unused(const struct ft_scenario *scenario, unsigned index);

/* Gives the labels numbers from 1 in the order of their ops. False: they have them already. */
bool ft_labels_in_order(struct ft_scenario *scenario);

/* Calls visit with each scenario that is one step simpler, until it returns true; returns that. */
bool ft_simpler_each(const struct ft_scenario *scenario,
                     bool (*visit)(void *context, const struct ft_scenario *simpler),
                     void *context);

#endif
