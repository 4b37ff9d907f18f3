/* The tables behind ops, points and platforms, from ops.def, points.def and the presets below. */
#include "sim/scenario.h"

#include <stddef.h>

enum { DELIMITER = 255 };

#define OP(number, symbol, name, class_, built, args, sentence)                                    \
    _Static_assert((number) > 0 && (number) < DELIMITER, "op number of " name " out of range");
#include "sim/ops.def"
#undef OP
#define PT(number, symbol, name, sentence)                                                         \
    _Static_assert((number) > 0 && (number) < DELIMITER, "point number of " name " out of range");
#include "sim/points.def"
#undef PT

/* The rows as written; argc and arg_max are filled from args when the table is first asked. They
 * are a pure function of the rows, so the late filling can never be seen in a run. */
static struct ft_op_row op_rows[] = {
#define OP(number, symbol, name, class_, built, args, sentence)                                    \
    {number, name, FT_OP_CLASS_##class_, built, args, sentence, 0, {0}},
#include "sim/ops.def"
#undef OP
};

enum {
#define OP(number, symbol, name, class_, built, args, sentence) ROW_##symbol,
#include "sim/ops.def"
#undef OP
    ROW_COUNT
};

static bool args_are_parsed;

/* Reads "name:max name:max" into argc and arg_max. */
static void parse_args(struct ft_op_row *row)
{
    const char *at = row->args;

    row->argc = 0;
    while (*at != '\0' && row->argc < FT_OP_ARGS_MAX) {
        unsigned maximum = 0;

        while (*at != ':')
            at++;
        for (at++; *at >= '0' && *at <= '9'; at++)
            maximum = maximum * 10 + (unsigned)(*at - '0');
        row->arg_max[row->argc++] = (uint16_t)maximum;
        while (*at == ' ')
            at++;
    }
}

static void parse_all_args(void)
{
    for (unsigned i = 0; i < ROW_COUNT; i++)
        parse_args(&op_rows[i]);
    args_are_parsed = true;
}

/* A switch, because a number used twice is then a case used twice, which does not compile. */
const struct ft_op_row *ft_op_row(unsigned number)
{
    if (!args_are_parsed)
        parse_all_args();
    switch (number) {
#define OP(number, symbol, name, class_, built, args, sentence)                                    \
    case number:                                                                                   \
        return &op_rows[ROW_##symbol];
#include "sim/ops.def"
#undef OP
#undef OP
    default:
        return NULL;
    }
}

const char *ft_point_name(unsigned number)
{
    switch (number) {
#define PT(number, symbol, name, sentence)                                                         \
    case number:                                                                                   \
        return name;
#include "sim/points.def"
#undef PT
#undef PT
    default:
        return NULL;
    }
}

bool ft_scenario_is_calm(const struct ft_scenario *scenario)
{
    for (unsigned i = 0; i < scenario->op_count && i < FT_OPS_MAX; i++) {
        const struct ft_op_row *row = ft_op_row(scenario->op[i].kind);

        if (row != NULL && row->class_ != FT_OP_CLASS_REQUEST)
            return false;
    }
    return true;
}

static const struct {
    const char *name;
    struct ft_platform knobs;
} presets[FT_PLATFORM_COUNT] = {
    [FT_PLATFORM_COHERENT] = {"coherent",
                              {.preset = FT_PLATFORM_COHERENT,
                               .processors = 1,
                               .coherent = 1,
                               .bounce = FT_BOUNCE_NEVER,
                               .frames = FT_FRAMES_CONTIGUOUS}},
    [FT_PLATFORM_BOUNCE] = {"bounce",
                            {.preset = FT_PLATFORM_BOUNCE,
                             .processors = 1,
                             .coherent = 1,
                             .bounce = FT_BOUNCE_ALWAYS,
                             .frames = FT_FRAMES_REVERSED,
                             .registers = 5,
                             .pool = 8}},
    [FT_PLATFORM_NONCOHERENT] = {"noncoherent",
                                 {.preset = FT_PLATFORM_NONCOHERENT,
                                  .processors = 1,
                                  .bounce = FT_BOUNCE_NEVER,
                                  .frames = FT_FRAMES_CONTIGUOUS,
                                  .registers = 16}},
    [FT_PLATFORM_IOMMU] = {"iommu",
                           {.preset = FT_PLATFORM_IOMMU,
                            .processors = 1,
                            .coherent = 1,
                            .iommu = 1,
                            .bounce = FT_BOUNCE_NEVER,
                            .frames = FT_FRAMES_PAIRWISE,
                            .registers = 16}},
};

void ft_platform_preset(enum ft_platform_name name, struct ft_platform *ret)
{
    *ret = presets[(unsigned)name % FT_PLATFORM_COUNT].knobs;
}

const char *ft_platform_preset_name(unsigned preset)
{
    return preset < FT_PLATFORM_COUNT ? presets[preset].name : NULL;
}
