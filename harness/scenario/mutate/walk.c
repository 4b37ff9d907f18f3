/* A fresh scenario: a walk through the states of the machine. Requests go out, ops strike them at
 * moments that were met, and what was put to sleep or stopped comes back, so that one run tries
 * many moments; what ends the device's life comes last. */
#include "scenario/mutate/mutation.h"
#include "scenario/scenario_draw.h"

#include <string.h>

enum {
    FLIGHT_MAX = 6,
    BYTES_AN_OP = 9,
    CALM_REQUESTS = 4,
    END_OPS = 4,
    FEW_REGISTERS = 6,
    STRETCH = 16
};

/* An op with a label whose points may still come. */
struct flight {
    uint8_t label;
    bool disturbed;    /* it may end sooner than usual */
    unsigned position; /* points that came by now */
};

struct walk {
    struct ft_mutation *m;
    unsigned state;  /* FT_STATE_* */
    unsigned wanted; /* ops in all */
    unsigned flights;
    struct flight flight[FLIGHT_MAX];
};

static unsigned count_of(const struct walk *walk)
{
    return walk->m->scenario.op_count;
}

static bool is_down(const struct walk *walk)
{
    return ft_way_back(walk->state) != 0;
}

/* Everything comes to rest before an op without a moment. What the state holds back stays. */
static void come_to_rest(struct walk *walk)
{
    if (!is_down(walk))
        walk->flights = 0;
}

/* Cancels, PnP and power change what the requests on their way still do; the rest hardly does. */
static void mark_disturbed(struct walk *walk, const struct ft_op *op, unsigned state)
{
    bool all = walk->state != state || op->kind == FT_OP_QUERY_STOP ||
               op->kind == FT_OP_QUERY_REMOVE || op->kind == FT_OP_CLOSE_HANDLE;

    for (unsigned i = 0; i < walk->flights; i++)
        if (all || (op->kind == FT_OP_CANCEL && op->arg[0] == walk->flight[i].label))
            walk->flight[i].disturbed = true;
}

static void append(struct walk *walk, struct ft_op op)
{
    struct ft_scenario *scenario = &walk->m->scenario;
    unsigned state = walk->state;

    if (scenario->op_count == FT_OPS_MAX)
        return;
    if (op.moment.count == 0)
        come_to_rest(walk);
    walk->state = ft_state_after(state, &op);
    mark_disturbed(walk, &op, state);
    scenario->op[scenario->op_count++] = op;
    if (op.label == 0)
        return;
    if (walk->flights == FLIGHT_MAX)
        memmove(&walk->flight[0], &walk->flight[1], --walk->flights * sizeof walk->flight[0]);
    walk->flight[walk->flights++] = (struct flight){.label = op.label};
}

/* Something on its way that has points left, the newest most often; NULL: there is none. What was
 * disturbed counts now and then only. */
static struct flight *some_flight(struct walk *walk)
{
    struct ft_mutation *m = walk->m;
    struct flight *found[FLIGHT_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < walk->flights; i++) {
        struct flight *flight = &walk->flight[i];

        if (flight->position <= ft_usual_end(m, count_of(walk), flight->label) &&
            (!flight->disturbed || ft_odds(m, 1, 3)))
            found[count++] = flight;
    }
    if (count == 0)
        return NULL;
    return ft_odds(m, 1, 2) ? found[count - 1] : found[ft_below(m, count)];
}

/* A moment of something on its way, now and then of the device; none when nothing is. */
static struct ft_moment some_moment(struct walk *walk)
{
    struct ft_mutation *m = walk->m;
    struct flight *flight = some_flight(walk);
    unsigned position = 0;

    if (!flight)
        return (struct ft_moment){0};
    if (ft_odds(m, 1, 12))
        return ft_pick_moment(m, count_of(walk), 0, &position);
    return ft_pick_moment(m, count_of(walk), flight->label, &flight->position);
}

static void append_request(struct walk *walk, bool at_rest)
{
    struct ft_mutation *m = walk->m;
    struct ft_op op = ft_pick_op(m, ft_pick_request(m), 0);

    op.label = ft_free_label(&m->scenario);
    if (!at_rest)
        op.moment = some_moment(walk);
    append(walk, op);
}

/* A request on its way that a cancel can name, seldom one that something happened to; 0: none. */
static uint8_t some_victim(struct walk *walk)
{
    unsigned from = walk->flights > 0 ? ft_below(walk->m, walk->flights) : 0;

    for (unsigned i = 0; i < walk->flights; i++) {
        const struct flight *flight = &walk->flight[(from + i) % walk->flights];

        if (ft_is_request(ft_op_of_label(&walk->m->scenario, flight->label)) &&
            (!flight->disturbed || ft_odds(walk->m, 1, 6)))
            return flight->label;
    }
    return 0;
}

/* The handle that was opened last, so that the first one stays for later requests; 0 when there is
 * none. */
static uint8_t some_handle(const struct walk *walk)
{
    const struct ft_scenario *scenario = &walk->m->scenario;

    for (unsigned i = scenario->op_count; i-- > 0;) {
        if (scenario->op[i].kind == FT_OP_CLOSE_HANDLE)
            return 0;
        if (scenario->op[i].kind == FT_OP_OPEN_HANDLE)
            return scenario->op[i].label;
    }
    return 0;
}

/* One handle must stay for the requests to come. */
static uint8_t handle_first(struct walk *walk, uint8_t kind)
{
    bool more = count_of(walk) + 2 < walk->wanted;

    return kind == FT_OP_CLOSE_HANDLE && more && some_handle(walk) == 0 ? FT_OP_OPEN_HANDLE : kind;
}

static void strike(struct walk *walk, uint8_t kind)
{
    struct ft_mutation *m = walk->m;
    struct ft_op op;

    if (kind == 0)
        return;
    kind = handle_first(walk, kind);
    op = ft_pick_op(m, kind, some_victim(walk));
    if (kind == FT_OP_CLOSE_HANDLE)
        op.arg[0] = some_handle(walk);
    if (kind == FT_OP_RESTART && !(walk->state & FT_STATE_STOPPED))
        op.arg[0] = 1; /* a started device gets another START with other resources only */
    if (kind == FT_OP_OPEN_HANDLE)
        op.label = ft_free_label(&m->scenario);
    if ((kind == FT_OP_CANCEL || kind == FT_OP_ABORT) && op.arg[0] == 0)
        return;
    if (ft_op_row(kind)->class_ == FT_OP_CLASS_DISTURB &&
        (count_of(walk) >= walk->wanted || ft_odds(m, 1, 4)))
        op.label = ft_free_label(&m->scenario);
    if (!is_down(walk) || ft_odds(m, 1, 8))
        op.moment = some_moment(walk);
    /* Mostly while it is under way: what is cancelled must still be there. */
    if ((kind == FT_OP_CANCEL || kind == FT_OP_ABORT) && op.moment.target != 0 &&
        ft_odds(m, 3, 4) && ft_is_request(ft_op_of_label(&m->scenario, op.moment.target)))
        op.arg[0] = op.moment.target;
    append(walk, op);
}

static void go_back(struct walk *walk)
{
    struct ft_op op = ft_pick_op(walk->m, ft_way_back(walk->state), 0);

    if (op.kind == FT_OP_POWER_UP && ft_odds(walk->m, 1, 4))
        op = (struct ft_op){.kind = FT_OP_POWER_TO, .arg = {1}};
    if (ft_odds(walk->m, 1, 4))
        op.label = ft_free_label(&walk->m->scenario);
    if (ft_odds(walk->m, 1, 6))
        op.moment = some_moment(walk);
    for (unsigned i = 0; i < walk->flights; i++) /* what was held begins anew */
        walk->flight[i] = (struct flight){.label = walk->flight[i].label};
    append(walk, op);
}

static void disturb(struct walk *walk)
{
    enum ft_op_class class_ = ft_odds(walk->m, 7, 8) ? FT_OP_CLASS_DISTURB : FT_OP_CLASS_CHOICE;

    strike(walk, ft_pick_kind(walk->m, class_, walk->state, false));
}

/* A device that is not ready gets requests, has some cancelled, and comes back. */
static void step_when_down(struct walk *walk)
{
    switch (ft_below(walk->m, walk->state & FT_STATE_ASLEEP ? 3 : 6)) {
    case 3:
    case 4:
        append_request(walk, true);
        break;
    case 5:
        disturb(walk);
        break;
    default:
        go_back(walk);
        break;
    }
}

static bool is_anything_left(const struct walk *walk)
{
    for (unsigned i = 0; i < walk->flights; i++) {
        const struct flight *flight = &walk->flight[i];

        if (!flight->disturbed &&
            flight->position <= ft_usual_end(walk->m, count_of(walk), flight->label))
            return true;
    }
    return false;
}

static void step(struct walk *walk)
{
    struct ft_mutation *m = walk->m;

    if (is_down(walk)) {
        step_when_down(walk);
    } else if ((!is_anything_left(walk) && ft_odds(m, 3, 4)) || ft_odds(m, 1, 4)) {
        if (ft_odds(m, 1, 8)) /* few registers, a failing allocation: for what comes next */
            strike(walk, ft_pick_kind(m, FT_OP_CLASS_CHOICE, walk->state, false));
        append_request(walk, true);
    } else if (ft_odds(m, 1, 4)) {
        append_request(walk, false);
    } else {
        disturb(walk);
    }
}

/* The device goes in the middle of a request; hardware that is pulled is missed a little later. The
 * removal itself is struck, too: by interrupts, cancels, other tasks. */
static void end(struct walk *walk)
{
    struct ft_mutation *m = walk->m;
    unsigned further = ft_below(m, END_OPS - 1);
    uint8_t kind;

    if (!is_anything_left(walk))
        append_request(walk, true);
    kind = ft_pick_kind(m, FT_OP_CLASS_DISTURB, walk->state, true);
    strike(walk, kind);
    if (kind == FT_OP_YANK)
        strike(walk, FT_OP_SURPRISE_REMOVE);
    for (; further > 0; further--)
        disturb(walk);
}

/* Before anything was met: requests of every kind that the driver takes, one after the other, so
 * that what is wrong without any disturbance shows without one. */
static void begin_calmly(struct walk *walk)
{
    for (unsigned i = 0; i < CALM_REQUESTS && count_of(walk) < walk->wanted; i++)
        append_request(walk, true);
}

static void draw_platform(struct ft_mutation *m)
{
    ft_platform_preset((enum ft_platform_name)ft_below(m, FT_PLATFORM_COUNT),
                       &m->scenario.platform);
    if (ft_odds(m, 1, 4)) /* few map registers: transfers in many pieces */
        m->scenario.platform.registers = (uint8_t)(1 + ft_below(m, FEW_REGISTERS));
    while (ft_odds(m, 1, 4))
        ft_draw_knob(&m->prng, &m->scenario.platform);
}

/* In mid-START: such a run is a cold one, and slower. */
static void begin_early(struct walk *walk)
{
    struct ft_mutation *m = walk->m;
    enum ft_op_class class_ = ft_odds(m, 1, 2) ? FT_OP_CLASS_DISTURB : FT_OP_CLASS_CHOICE;
    unsigned position = 0;

    strike(walk, ft_pick_kind(m, class_, walk->state, false));
    if (count_of(walk) > 0)
        m->scenario.op[0].moment = ft_pick_moment(m, 0, 0, &position);
}

/* As long as may be, mostly: START and the orderly end cost as much as many ops. Each stretch of a
 * long one has a swarm of its own. */
void ft_walk(struct ft_mutation *m, size_t bytes)
{
    struct walk walk = {.m = m, .wanted = FT_OPS_MAX - END_OPS};

    m->scenario = (struct ft_scenario){0};
    draw_platform(m);
    if (ft_odds(m, 1, 8))
        walk.wanted = CALM_REQUESTS + ft_below(m, FT_OPS_MAX / 2);
    if (walk.wanted > bytes / BYTES_AN_OP)
        walk.wanted = (unsigned)(bytes / BYTES_AN_OP);
    if (ft_catalogue_is_empty(m->catalogue))
        begin_calmly(&walk);
    else if (ft_odds(m, 1, 16))
        begin_early(&walk);
    for (unsigned steps = 0; count_of(&walk) < walk.wanted; steps++) {
        if (steps % STRETCH == STRETCH - 1)
            ft_swarm_draw(m);
        step(&walk);
    }
    if (ft_odds(m, 2, 3))
        end(&walk);
}
