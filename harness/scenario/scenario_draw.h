/* Random parts of a scenario, shared by ft_scenario_random and ft_scenario_mutate. Internal to
 * harness/scenario.
 *
 * Everything drawn is in range (scenario_parts.h). The draws know where drivers break: page and
 * register borders, small counts, and the points of DMA, IRPs, cancel, locks, registers and bursts.
 */
#ifndef FT_SCENARIO_DRAW_H
#define FT_SCENARIO_DRAW_H

#include "scenario/prng.h"
#include "sim/scenario.h"

/* Some point, the interesting ones more often. */
uint8_t ft_draw_point(struct ft_prng *prng);

/* A moment on the target; the count is mostly 1 to 4. */
struct ft_moment ft_draw_moment(struct ft_prng *prng, uint8_t target);

/* A transfer length near a page or map register border, or a small one. */
uint16_t ft_draw_length(struct ft_prng *prng, const struct ft_platform *platform);

/* A built op of the class, by its weight in scenario_draw.c. */
uint8_t ft_draw_kind(struct ft_prng *prng, enum ft_op_class class_);

/* Draws argument i of op->kind. `target` is the label that an `of` argument names. */
uint16_t ft_draw_arg(struct ft_prng *prng, const struct ft_platform *platform, uint8_t kind,
                     unsigned i, uint8_t target);

/* A whole op of that kind without label and moment. */
struct ft_op ft_draw_op(struct ft_prng *prng, const struct ft_platform *platform, uint8_t kind,
                        uint8_t target);

/* Changes one knob; `coherent` and `iommu` stay what the preset says. */
void ft_draw_knob(struct ft_prng *prng, struct ft_platform *platform);

/* Says of each op which of two devices it is about, and lets one of them go now and then. */
void ft_scenario_spread(struct ft_prng *prng, struct ft_scenario *scenario);

#endif
