/* A scenario for a driver of one device becomes one for a driver of two. */
#include "scenario/scenario_codec.h"
#include "scenario/scenario_draw.h"
#include "scenario/scenario_parts.h"

#include <string.h>

/* What undoes or completes an op before it, of the same device. */
static bool is_sequel(unsigned kind)
{
    switch (kind) {
    case FT_OP_POWER_UP:
    case FT_OP_RESTART:
    case FT_OP_SURPRISE_REMOVE:
    case FT_OP_CANCEL_STOP:
    case FT_OP_CANCEL_REMOVE:
        return true;
    default:
        return false;
    }
}

/* The device of the op with that label, 0: there is none. */
static uint8_t device_of(const struct ft_scenario *scenario, unsigned label)
{
    for (unsigned i = 0; label != 0 && i < scenario->op_count; i++)
        if (scenario->op[i].label == label)
            return scenario->op[i].device;
    return 0;
}

/* One device goes, and the other has what comes after. */
static void let_one_go(struct ft_prng *prng, struct ft_scenario *scenario)
{
    static const uint8_t kinds[] = {FT_OP_REMOVE, FT_OP_SURPRISE_REMOVE, FT_OP_YANK, FT_OP_STOP};
    unsigned at = 1 + ft_prng_below(prng, scenario->op_count);
    uint8_t label = scenario->op[ft_prng_below(prng, at)].label;
    struct ft_op op = {.kind = kinds[ft_prng_below(prng, sizeof(kinds))],
                       .device = (uint8_t)ft_prng_below(prng, 2)};

    if (label != 0 && ft_prng_odds(prng, 1, 2))
        op.moment = ft_draw_moment(prng, label);
    memmove(&scenario->op[at + 1], &scenario->op[at],
            (scenario->op_count - at) * sizeof(scenario->op[0]));
    scenario->op[at] = op;
    scenario->op_count++;
    for (unsigned i = at + 1; i < scenario->op_count; i++)
        if (ft_op_is_of_device(scenario->op[i].kind) && ft_prng_odds(prng, 7, 8))
            scenario->op[i].device = !op.device;
}

void ft_scenario_spread(struct ft_prng *prng, struct ft_scenario *scenario)
{
    uint8_t disturbed = 0;

    for (unsigned i = 0; i < scenario->op_count; i++) {
        struct ft_op *op = &scenario->op[i];
        bool disturbs = ft_op_row(op->kind)->class_ != FT_OP_CLASS_REQUEST;

        if (op->moment.count != 0 && op->moment.target == 0)
            op->moment.device = (uint8_t)ft_prng_below(prng, 3);
        if (!ft_op_is_of_device(op->kind))
            continue;
        op->device = is_sequel(op->kind) ? disturbed : (uint8_t)ft_prng_below(prng, 2);
        if (op->kind == FT_OP_CLOSE_HANDLE && op->arg[0] != 0)
            op->device = device_of(scenario, op->arg[0]);
        if (disturbs)
            disturbed = op->device;
    }
    if (scenario->op_count > 0 && scenario->op_count < FT_OPS_MAX && ft_prng_odds(prng, 1, 3))
        let_one_go(prng, scenario);
}
