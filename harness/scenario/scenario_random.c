/* Random scenarios. An op without a moment waits for a quiet machine, and ops arm in list order; so
 * what is to strike a request stands behind it with a moment, and what prepares the machine for a
 * request stands before it. */
#include "scenario/scenario_codec.h"
#include "scenario/scenario_draw.h"
#include "scenario/scenario_parts.h"

enum { OPS_WANTED_MAX = 12, REQUESTS_MAX = 4 };

enum stream { STREAM_PLATFORM, STREAM_SHAPE, STREAM_REQUEST, STREAM_STRIKE };

struct draft {
    struct ft_scenario *scenario;
    struct ft_prng shape;
    struct ft_prng request;
    struct ft_prng strike;
    unsigned strikes_left;
    uint8_t labels; /* labels 1..labels are in use */
};

static struct ft_op *append(struct draft *draft, struct ft_op op)
{
    struct ft_op *place = &draft->scenario->op[draft->scenario->op_count++];

    *place = op;
    return place;
}

/* The newest request, sometimes an older one, sometimes any object of the device. */
static uint8_t draw_target(struct draft *draft)
{
    if (ft_prng_odds(&draft->strike, 1, 4))
        return 0;
    if (ft_prng_odds(&draft->strike, 3, 4))
        return draft->labels;
    return (uint8_t)(1 + ft_prng_below(&draft->strike, draft->labels));
}

static void append_request(struct draft *draft)
{
    uint8_t kind = ft_draw_kind(&draft->request, FT_OP_CLASS_REQUEST);
    struct ft_op op = ft_draw_op(&draft->request, &draft->scenario->platform, kind, 0);

    /* With a moment on an earlier one, several are in flight. A first request has nothing to wait
     * for. */
    if (draft->labels > 0 && ft_prng_odds(&draft->request, 1, 3)) {
        uint8_t target = (uint8_t)(1 + ft_prng_below(&draft->request, draft->labels));

        op.moment = ft_draw_moment(&draft->request, target);
    }
    op.label = ++draft->labels;
    append(draft, op);
}

/* What undoes or completes a strike, or 0. */
static uint8_t sequel(uint8_t kind)
{
    switch (kind) {
    case FT_OP_POWER_DOWN:
        return FT_OP_POWER_UP;
    case FT_OP_STOP:
        return FT_OP_RESTART;
    case FT_OP_POWER_TO:
        return FT_OP_POWER_UP;
    case FT_OP_SLEEP:
        return FT_OP_WAKE;
    case FT_OP_YANK:
        return FT_OP_SURPRISE_REMOVE;
    default:
        return 0;
    }
}

/* A disturbance or a choice at a moment of some request, and mostly its sequel. */
static void append_strike(struct draft *draft)
{
    struct ft_prng *prng = &draft->strike;
    enum ft_op_class class_ = ft_prng_odds(prng, 3, 5) ? FT_OP_CLASS_DISTURB : FT_OP_CLASS_CHOICE;
    uint8_t kind = ft_draw_kind(prng, class_);
    uint8_t victim = (uint8_t)(ft_prng_odds(prng, 5, 6) ? draft->labels
                                                        : 1 + ft_prng_below(prng, draft->labels));
    struct ft_op op = ft_draw_op(prng, &draft->scenario->platform, kind, victim);

    if (ft_prng_odds(prng, 15, 16))
        op.moment = ft_draw_moment(prng, draw_target(draft));
    append(draft, op);
    draft->strikes_left--;
    if (sequel(kind) != 0 && draft->strikes_left > 0 && ft_prng_odds(prng, 3, 4)) {
        op = ft_draw_op(prng, &draft->scenario->platform, sequel(kind), victim);
        if (ft_prng_odds(prng, 1, 3))
            op.moment = ft_draw_moment(prng, draw_target(draft));
        append(draft, op);
        draft->strikes_left--;
    }
}

/* A choice that waits for the next request: fewer registers, a failing allocation, a held
 * interrupt. */
static void append_preparation(struct draft *draft)
{
    static const uint8_t kinds[] = {FT_OP_FEW_REGISTERS, FT_OP_DEFER_GRANT, FT_OP_SHORT_MAP,
                                    FT_OP_FAIL_ALLOC,    FT_OP_INT_LATE,    FT_OP_INT_LOST,
                                    FT_OP_DEVICE_DATA};
    uint8_t kind = kinds[ft_prng_below(&draft->strike, sizeof(kinds))];

    append(draft, ft_draw_op(&draft->strike, &draft->scenario->platform, kind, 0));
    draft->strikes_left--;
}

void ft_scenario_random(uint64_t seed, int platform, struct ft_scenario *ret)
{
    struct ft_prng prng = ft_prng_init(seed, STREAM_PLATFORM);
    struct ft_scenario scenario = {0};
    struct draft draft = {
        .scenario = &scenario,
        .shape = ft_prng_init(seed, STREAM_SHAPE),
        .request = ft_prng_init(seed, STREAM_REQUEST),
        .strike = ft_prng_init(seed, STREAM_STRIKE),
    };
    unsigned requests = 1 + ft_prng_below(&draft.shape, REQUESTS_MAX);

    /* Who names a platform gets that platform, without varied knobs. */
    if (platform >= 0) {
        ft_platform_preset((unsigned)platform % FT_PLATFORM_COUNT, &scenario.platform);
    } else {
        ft_platform_preset(ft_prng_below(&prng, FT_PLATFORM_COUNT), &scenario.platform);
        while (ft_prng_odds(&prng, 1, 3))
            ft_draw_knob(&prng, &scenario.platform);
    }
    draft.strikes_left = ft_prng_below(&draft.shape, 5) + ft_prng_below(&draft.shape, 5);
    if (draft.strikes_left > OPS_WANTED_MAX - requests)
        draft.strikes_left = OPS_WANTED_MAX - requests;
    for (; requests > 0; requests--) {
        if (draft.strikes_left > 0 && ft_prng_odds(&draft.shape, 1, 8))
            append_preparation(&draft);
        append_request(&draft);
        while (draft.strikes_left > 0 && (requests == 1 || ft_prng_odds(&draft.shape, 1, 2)))
            append_strike(&draft);
    }
    *ret = scenario;
}
