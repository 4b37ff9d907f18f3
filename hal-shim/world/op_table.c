/* The tables behind ops, points and platforms, from ops.def, points.def and the presets below. */
#include "sim/scenario.h"

#include <stddef.h>
#include <string.h>

enum { DELIMITER = 255 };

#define OP(number, symbol, name, class_, built, args, sentence)                                    \
    _Static_assert((number) > 0 && (number) + FT_OP_OF_DEVICES < DELIMITER,                        \
                   "op number of " name " out of range");
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

bool ft_op_is_of_device(unsigned number)
{
    const struct ft_op_row *row = ft_op_row(number);

    switch (number) {
    case FT_OP_CANCEL:
    case FT_OP_ABORT:
    case FT_OP_SLEEP:
    case FT_OP_WAKE:
        return false;
    case FT_OP_LOWER_FAILS:
    case FT_OP_LOWER_PENDS:
        return true;
    default:
        return row && row->class_ != FT_OP_CLASS_CHOICE;
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

/* What no other task can notice. */
static bool is_private(enum ft_point point)
{
    switch (point) {
    case FT_PT_RTL_COPY:
    case FT_PT_IRQL_RAISE:
    case FT_PT_IRQL_LOWER:
    case FT_PT_STALL:
    case FT_PT_POOL_ALLOC:
    case FT_PT_POOL_FREE:
    case FT_PT_IRP_STACK:
    case FT_PT_IRP_ALLOC:
    case FT_PT_MDL:
    case FT_PT_IO_MAP:
    case FT_PT_LOOKASIDE:
    case FT_PT_REGISTRY:
    case FT_PT_PROBE:
    case FT_PT_SG_SIZE:
    case FT_PT_DMA_QUERY:
    case FT_PT_DEVICE_QUERY:
    case FT_PT_ERROR_LOG:
    case FT_PT_CALL_LEAVE:
        return true;
    default:
        return false;
    }
}

bool ft_point_is_in(enum ft_point point, enum ft_point_set set)
{
    static uint8_t known[256]; /* 1 + a bit per set; a pure function of the rows */
    const char *name;
    size_t length;

    if (set == FT_POINTS_ALL)
        return true;
    if (known[point] == 0) {
        name = ft_point_name(point);
        length = name ? strlen(name) : 0;
        known[point] = 1;
        if (length < 4 || strcmp(name + length - 4, ".out") != 0)
            known[point] |= is_private(point) ? 1 << FT_POINTS_ENTRY
                                              : 1 << FT_POINTS_ENTRY | 1 << FT_POINTS_SYNC;
    }
    return known[point] & 1 << set;
}

const char *ft_point_set_name(unsigned set)
{
    static const char *const names[] = {"all", "entry", "sync"};

    return set < FT_POINT_SETS ? names[set] : NULL;
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

void ft_platform_change(enum ft_platform_name name, struct ft_platform *platform)
{
    uint8_t longer = platform->longer;

    ft_platform_preset(name, platform);
    platform->longer = longer;
}

const char *ft_platform_preset_name(unsigned preset)
{
    return preset < FT_PLATFORM_COUNT ? presets[preset].name : NULL;
}
