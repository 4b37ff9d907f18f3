/* What the files of this folder share: the knobs as a table, and the ranges of an op.
 *
 * In range means: built kind; label, target and count at most 254; accesses at most 65024; a point
 * that points.def has; each argument at most its maximum, and zero beyond argc; a quiet moment
 * (count 0) all zero, because nothing else of it has a meaning; a device only where one can be
 * meant. Internal to harness/scenario.
 */
#ifndef FT_SCENARIO_PARTS_H
#define FT_SCENARIO_PARTS_H

#include "sim/scenario.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FT_ACCESSES_MAX = 255 * 255 - 1 };

/* One row of FT_PLATFORM_KNOBS. */
struct ft_knob {
    const char *name;
    uint8_t maximum;
    uint8_t offset; /* of the field in struct ft_platform, a uint8_t */
};

enum {
#define KNOB(field, name, maximum, sentence) FT_KNOB_##field,
    FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
        FT_KNOB_COUNT
};

/* The knobs in the order of the byte form; the first is the preset. */
extern const struct ft_knob ft_knobs[FT_KNOB_COUNT];

static inline uint8_t ft_knob_get(const struct ft_platform *platform, unsigned knob)
{
    return *((const uint8_t *)platform + ft_knobs[knob].offset);
}

/* Sets a knob, modulo its maximum + 1. */
static inline void ft_knob_set(struct ft_platform *platform, unsigned knob, unsigned value)
{
    uint8_t *field = (uint8_t *)platform + ft_knobs[knob].offset;

    *field = (uint8_t)(value % (ft_knobs[knob].maximum + 1u));
}

/* Brings every field of *op into its range: values modulo their maximum + 1, a free point number to
 * `any`. Returns false, and leaves *op alone, when its kind is free or not built: such an op does
 * nothing and belongs in no scenario. */
bool ft_op_fit(struct ft_op *op);

/* Equal in every field. Not memcmp: a moment has a byte of padding. */
bool ft_op_equal(const struct ft_op *a, const struct ft_op *b);
bool ft_scenario_equal(const struct ft_scenario *a, const struct ft_scenario *b);

#endif
