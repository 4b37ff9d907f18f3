/* The single steps. */
#include "shrink/simpler.h"
#include "scenario/scenario_parts.h"

#include <string.h>

enum {
    PAGE = 4096,
    SIZE_MAXIMUM = 256, /* an argument with a greater maximum is a size */
    FEW = 8             /* so many values or counts are tried one by one */
};

/* The points that say most about a DMA driver, the most telling first. */
static const uint8_t common_points[] = {
    FT_PT_DMA_MAP_OUT,   FT_PT_DMA_FLUSH,      FT_PT_DMA_MAP,      FT_PT_DMA_FLUSH_OUT,
    FT_PT_ENGINE_BURST,  FT_PT_IRQ_RAISED,     FT_PT_IRP_COMPLETE, FT_PT_IRP_PENDING_OUT,
    FT_PT_DMA_CHANNEL,   FT_PT_DMA_FREE,       FT_PT_SG_GET,       FT_PT_SG_PUT,
    FT_PT_LOCK_ACQUIRE,  FT_PT_IRP_SET_CANCEL, FT_PT_CALL_ENTER,   FT_PT_CALL_LEAVE,
    FT_PT_REG_WRITE_OUT, FT_PT_REG_READ,
};

enum { COMMON_POINTS = sizeof common_points / sizeof *common_points };

/* A point behind the common ones: the entry of a routine before its exit, `any` last. */
static unsigned point_rank(uint8_t point)
{
    for (unsigned i = 0; i < COMMON_POINTS; i++)
        if (common_points[i] == point)
            return i;
    return point == FT_PT_ANY ? 2 * UINT8_MAX : COMMON_POINTS + point;
}

/* ---- ops ---- */

void ft_remove_ops(struct ft_scenario *scenario, unsigned index, unsigned count)
{
    unsigned rest = scenario->op_count - index - count;

    memmove(&scenario->op[index], &scenario->op[index + count], rest * sizeof *scenario->op);
    memset(&scenario->op[index + rest], 0, count * sizeof *scenario->op);
    scenario->op_count = (uint16_t)(index + rest);
}

/* ---- platform ---- */

static unsigned own_knobs(const struct ft_platform *platform)
{
    struct ft_platform preset;
    unsigned own = 0;

    ft_platform_preset((enum ft_platform_name)platform->preset, &preset);
    for (unsigned knob = 0; knob < FT_KNOB_COUNT; knob++)
        own += ft_knob_get(platform, knob) != ft_knob_get(&preset, knob);
    return own;
}

/* Another preset, and the knobs that are not as the preset has them. */
static void change_preset(struct ft_platform *platform, enum ft_platform_name name)
{
    struct ft_platform old, before = *platform;

    ft_platform_preset((enum ft_platform_name)platform->preset, &old);
    ft_platform_preset(name, platform);
    for (unsigned knob = 0; knob < FT_KNOB_COUNT; knob++)
        if (ft_knob_get(&before, knob) != ft_knob_get(&old, knob))
            ft_knob_set(platform, knob, ft_knob_get(&before, knob));
}

unsigned ft_simpler_platforms(const struct ft_platform *platform, struct ft_platform *list)
{
    unsigned own = own_knobs(platform), count = 0;
    struct ft_platform preset;

    for (unsigned i = 0; i < FT_PLATFORM_COUNT; i++)
        if (own > 0 || i < platform->preset)
            ft_platform_preset((enum ft_platform_name)i, &list[count++]);
    for (unsigned i = 0; own > 0 && i < platform->preset; i++) {
        list[count] = *platform;
        change_preset(&list[count++], (enum ft_platform_name)i);
    }
    ft_platform_preset((enum ft_platform_name)platform->preset, &preset);
    for (unsigned knob = 0; knob < FT_KNOB_COUNT; knob++) {
        unsigned value = ft_knob_get(platform, knob), usual = ft_knob_get(&preset, knob);
        unsigned tried[] = {1, 2, value / 2, value - 1};

        if (value == usual)
            continue;
        list[count] = *platform;
        ft_knob_set(&list[count++], knob, usual);
        for (unsigned i = 0; i < sizeof tried / sizeof *tried; i++)
            if (tried[i] > 0 && tried[i] < value && tried[i] != usual) {
                list[count] = *platform;
                ft_knob_set(&list[count++], knob, tried[i]);
            }
    }
    return count;
}

/* ---- moments ---- */

/* The argument that names a request, or FT_OP_ARGS_MAX. */
static unsigned of_argument(const struct ft_op *op)
{
    const struct ft_op_row *row = ft_op_row(op->kind);

    return row && strncmp(row->args, "of:", 3) == 0 ? 0 : FT_OP_ARGS_MAX;
}

static unsigned simpler_counts(const struct ft_moment *moment, struct ft_moment *list)
{
    unsigned count = 0, n = moment->count;

    for (unsigned few = 1; few < n && few <= FEW; few++) {
        list[count] = *moment;
        list[count++].count = (uint8_t)few;
    }
    for (unsigned off = n / 2; n > FEW + 1 && off > 0; off /= 2) {
        list[count] = *moment;
        list[count++].count = (uint8_t)(n - off);
    }
    return count;
}

/* Named points instead of `any` may come at any of the first counts. */
static unsigned simpler_points(const struct ft_moment *moment, struct ft_moment *list)
{
    enum { FIRST_COUNTS = 4 };
    unsigned rank = point_rank(moment->point), count = 0;
    bool any = moment->point == FT_PT_ANY;

    for (unsigned i = 0; i < COMMON_POINTS && i < rank; i++)
        for (unsigned n = 1; n <= (any ? FIRST_COUNTS : 1); n++) {
            list[count] = *moment;
            list[count].point = common_points[i];
            list[count++].count = (uint8_t)(any ? n : moment->count);
        }
    /* The entry of the same routine. */
    if (rank >= COMMON_POINTS && !any && ft_point_name(moment->point - 1u) &&
        point_rank((uint8_t)(moment->point - 1)) >= COMMON_POINTS) {
        list[count] = *moment;
        list[count++].point = (uint8_t)(moment->point - 1);
    }
    return count;
}

static unsigned simpler_targets(const struct ft_op *op, struct ft_moment *list)
{
    unsigned of = of_argument(op), count = 0;
    uint8_t request = of < FT_OP_ARGS_MAX ? (uint8_t)op->arg[of] : 0;

    if (op->moment.target == 0)
        return 0;
    list[count] = op->moment;
    list[count++].target = 0;
    if (request != 0 && request != op->moment.target) {
        list[count] = op->moment;
        list[count++].target = request;
    }
    return count;
}

static unsigned simpler_accesses(const struct ft_moment *moment, struct ft_moment *list)
{
    unsigned count = 0;

    if (moment->accesses == 0)
        return 0;
    list[count] = *moment;
    list[count++].accesses = 0;
    for (unsigned off = moment->accesses / 2; off > 0; off /= 2) {
        list[count] = *moment;
        list[count++].accesses = (uint16_t)(moment->accesses - off);
    }
    if (moment->accesses == 1)
        return count;
    list[count] = *moment;
    list[count++].accesses = 1;
    return count;
}

unsigned ft_simpler_moments(const struct ft_op *op, struct ft_moment *list)
{
    unsigned count = 0;

    if (op->moment.count == 0)
        return 0;
    memset(&list[count++], 0, sizeof *list);
    count += simpler_accesses(&op->moment, &list[count]);
    count += simpler_targets(op, &list[count]);
    count += simpler_counts(&op->moment, &list[count]);
    count += simpler_points(&op->moment, &list[count]);
    return count;
}

/* ---- arguments ---- */

static bool is_round(unsigned value)
{
    return (value & (value - 1)) == 0 || value % PAGE == 0;
}

/* Sizes: what people would choose first, then what is smaller. */
static bool is_simpler(unsigned a, unsigned b, unsigned maximum)
{
    if (maximum >= SIZE_MAXIMUM && is_round(a) != is_round(b))
        return is_round(a);
    return a < b;
}

static unsigned add_value(uint16_t *list, unsigned count, unsigned candidate, unsigned value,
                          unsigned maximum)
{
    if (candidate > maximum || !is_simpler(candidate, value, maximum))
        return count;
    for (unsigned i = 0; i < count; i++)
        if (list[i] == candidate)
            return count;
    list[count] = (uint16_t)candidate;
    return count + 1;
}

unsigned ft_simpler_values(const struct ft_op *op, unsigned argument, uint16_t *list)
{
    const struct ft_op_row *row = ft_op_row(op->kind);
    unsigned value = op->arg[argument], maximum = row ? row->arg_max[argument] : 0, count = 0;

    if (!row || argument >= row->argc || value == 0)
        return 0;
    count = add_value(list, count, 0, value, maximum);
    if (of_argument(op) == argument) /* another request would not be a smaller one */
        return count;
    for (unsigned few = 1; few < FEW; few++)
        if (maximum < SIZE_MAXIMUM || is_round(few))
            count = add_value(list, count, few, value, maximum);
    for (unsigned round = FEW; maximum >= SIZE_MAXIMUM && round <= maximum;
         round = round < PAGE ? 2 * round : round + PAGE)
        count = add_value(list, count, round, value, maximum);
    count = add_value(list, count, (value - 1) / PAGE * PAGE + 1, value, maximum);
    for (unsigned off = value / 2; off > 0; off /= 2)
        count = add_value(list, count, value - off, value, maximum);
    return count;
}

/* ---- labels ---- */

static bool refers_to(const struct ft_op *op, uint8_t label)
{
    unsigned of = of_argument(op);

    return op->moment.target == label || (of < FT_OP_ARGS_MAX && op->arg[of] == label);
}

bool ft_label_is_unused(const struct ft_scenario *scenario, unsigned index)
{
    uint8_t label = scenario->op[index].label;

    for (unsigned i = 0; label != 0 && i < scenario->op_count; i++) {
        if (i < index && scenario->op[i].label == label)
            return true; /* the first one wins */
        if (refers_to(&scenario->op[i], label))
            return false;
    }
    return label != 0;
}

/* Labels that no op has, but something refers to, come behind all others. */
bool ft_labels_in_order(struct ft_scenario *scenario)
{
    uint8_t number[UINT8_MAX + 1] = {0}, next = 1;
    struct ft_scenario before = *scenario;

    for (unsigned i = 0; i < scenario->op_count; i++)
        if (scenario->op[i].label != 0 && number[scenario->op[i].label] == 0)
            number[scenario->op[i].label] = next++;
    for (unsigned i = 0; i < scenario->op_count; i++) {
        struct ft_op *op = &scenario->op[i];
        unsigned of = of_argument(op);

        if (op->moment.target != 0 && number[op->moment.target] == 0)
            number[op->moment.target] = next++;
        if (of < FT_OP_ARGS_MAX && op->arg[of] != 0 && number[op->arg[of]] == 0)
            number[op->arg[of]] = next++;
        op->label = number[op->label];
        op->moment.target = number[op->moment.target];
        if (of < FT_OP_ARGS_MAX)
            op->arg[of] = number[op->arg[of]];
    }
    return !ft_scenario_equal(&before, scenario);
}

/* ---- all of them ---- */

/* What ft_simpler_each was called with. */
struct walk {
    const struct ft_scenario *from;
    bool (*visit)(void *context, const struct ft_scenario *simpler);
    void *context;
};

static bool walk_ops(const struct walk *walk)
{
    struct ft_scenario simpler;

    for (unsigned i = walk->from->op_count; i-- > 0;) {
        simpler = *walk->from;
        ft_remove_ops(&simpler, i, 1);
        if (walk->visit(walk->context, &simpler))
            return true;
    }
    if (walk->from->op_count > FT_PAIR_OPS)
        return false;
    for (unsigned i = walk->from->op_count; i-- > 1;)
        for (unsigned j = i; j-- > 0;) {
            simpler = *walk->from;
            ft_remove_ops(&simpler, i, 1);
            ft_remove_ops(&simpler, j, 1);
            if (walk->visit(walk->context, &simpler))
                return true;
        }
    return false;
}

static bool walk_platform(const struct walk *walk)
{
    struct ft_platform list[FT_SIMPLER_MAX];
    unsigned count = ft_simpler_platforms(&walk->from->platform, list);
    struct ft_scenario simpler = *walk->from;

    for (unsigned i = 0; i < count; i++) {
        simpler.platform = list[i];
        if (walk->visit(walk->context, &simpler))
            return true;
    }
    return false;
}

static bool walk_moment(const struct walk *walk, unsigned op)
{
    struct ft_moment list[FT_SIMPLER_MAX];
    unsigned count = ft_simpler_moments(&walk->from->op[op], list);
    struct ft_scenario simpler = *walk->from;

    for (unsigned i = 0; i < count; i++) {
        simpler.op[op].moment = list[i];
        if (walk->visit(walk->context, &simpler))
            return true;
    }
    return false;
}

static bool walk_argument(const struct walk *walk, unsigned op, unsigned argument)
{
    uint16_t list[FT_SIMPLER_MAX];
    unsigned count = ft_simpler_values(&walk->from->op[op], argument, list);
    struct ft_scenario simpler = *walk->from;

    for (unsigned i = 0; i < count; i++) {
        simpler.op[op].arg[argument] = list[i];
        if (walk->visit(walk->context, &simpler))
            return true;
    }
    return false;
}

static bool walk_labels(const struct walk *walk)
{
    struct ft_scenario simpler;

    for (unsigned i = 0; i < walk->from->op_count; i++) {
        if (!ft_label_is_unused(walk->from, i))
            continue;
        simpler = *walk->from;
        simpler.op[i].label = 0;
        if (walk->visit(walk->context, &simpler))
            return true;
    }
    simpler = *walk->from;
    return ft_labels_in_order(&simpler) && walk->visit(walk->context, &simpler);
}

bool ft_simpler_each(const struct ft_scenario *scenario,
                     bool (*visit)(void *context, const struct ft_scenario *simpler), void *context)
{
    struct walk walk = {scenario, visit, context};

    if (walk_ops(&walk) || walk_platform(&walk))
        return true;
    for (unsigned i = 0; i < scenario->op_count; i++) {
        if (walk_moment(&walk, i))
            return true;
        for (unsigned a = 0; a < FT_OP_ARGS_MAX; a++)
            if (walk_argument(&walk, i, a))
                return true;
    }
    return walk_labels(&walk);
}
