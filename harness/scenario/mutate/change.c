/* Changes of whole ops: what a mutant keeps of its parent is what no change touched. */
#include "scenario/mutate/mutation.h"
#include "scenario/scenario_draw.h"
#include "scenario/scenario_parts.h"

#include <string.h>

enum { PAGE_BYTES = 4096 };

static unsigned some_place(struct ft_mutation *m)
{
    return ft_below(m, m->scenario.op_count);
}

static bool open_gap(struct ft_scenario *scenario, unsigned at)
{
    if (scenario->op_count >= FT_OPS_MAX)
        return false;
    memmove(&scenario->op[at + 1], &scenario->op[at],
            (scenario->op_count - at) * sizeof(scenario->op[0]));
    scenario->op_count++;
    return true;
}

static void close_gap(struct ft_scenario *scenario, unsigned at)
{
    scenario->op_count--;
    memmove(&scenario->op[at], &scenario->op[at + 1],
            (scenario->op_count - at) * sizeof(scenario->op[0]));
    scenario->op[scenario->op_count] = (struct ft_op){0};
}

/* Of that device. */
static unsigned state_before(const struct ft_scenario *scenario, unsigned at, unsigned device)
{
    unsigned state = 0;

    for (unsigned i = 0; i < at; i++)
        if (scenario->op[i].device == device || !ft_op_is_of_device(scenario->op[i].kind))
            state = ft_state_after(state, &scenario->op[i]);
    return state;
}

static struct ft_moment new_moment(struct ft_mutation *m, unsigned at)
{
    uint8_t target = ft_some_label(m, at, false);
    unsigned position = 0;
    struct ft_moment moment = ft_pick_moment(m, at, ft_odds(m, 1, 12) ? 0 : target, &position);

    if (ft_has_two(m) && moment.target == 0 && moment.count != 0)
        moment.device = (uint8_t)ft_below(m, 3);
    return moment;
}

/* An op that fits where it comes to stand: a request, or what is legal there. */
static void insert(struct ft_mutation *m)
{
    unsigned at = ft_below(m, m->scenario.op_count + 1u);
    uint8_t device = (uint8_t)(ft_has_two(m) ? ft_below(m, 2) : 0);
    unsigned state = state_before(&m->scenario, at, device);
    bool last = at == m->scenario.op_count;
    uint8_t kind = 0;
    struct ft_op op;

    if (at > 0 && ft_odds(m, 3, 4))
        kind = ft_pick_kind(m, ft_odds(m, 3, 4) ? FT_OP_CLASS_DISTURB : FT_OP_CLASS_CHOICE, state,
                            last && ft_odds(m, 1, 3));
    if (kind == 0)
        kind = ft_pick_request(m);
    op = ft_pick_op(m, kind, ft_some_label(m, at, true));
    op.device = ft_op_is_of_device(kind) ? device : 0;
    if (ft_op_row(kind)->class_ == FT_OP_CLASS_REQUEST) {
        op.label = ft_free_label(&m->scenario);
        if (at > 0 && ft_odds(m, 1, 3))
            op.moment = new_moment(m, at);
    } else if (ft_odds(m, 7, 8)) {
        op.moment = new_moment(m, at);
    }
    if (open_gap(&m->scenario, at))
        m->scenario.op[at] = op;
}

static void delete (struct ft_mutation *m)
{
    if (m->scenario.op_count > 1)
        close_gap(&m->scenario, some_place(m));
}

/* Right behind, or where it comes again later. */
static void duplicate(struct ft_mutation *m)
{
    unsigned from = some_place(m), to;
    struct ft_op copy = m->scenario.op[from];

    to = ft_odds(m, 1, 2) ? from + 1 : from + 1 + ft_below(m, m->scenario.op_count - from);
    if (copy.label != 0)
        copy.label = ft_free_label(&m->scenario);
    if (open_gap(&m->scenario, to))
        m->scenario.op[to] = copy;
}

static void move(struct ft_mutation *m)
{
    unsigned from = some_place(m), to = some_place(m);
    struct ft_op op = m->scenario.op[from];

    close_gap(&m->scenario, from);
    open_gap(&m->scenario, to);
    m->scenario.op[to] = op;
}

/* An op with a moment if a few tries find one, else any. */
static unsigned place_with_moment(struct ft_mutation *m)
{
    unsigned at = some_place(m);

    for (unsigned tries = 0; tries < 4 && m->scenario.op[at].moment.count == 0; tries++)
        at = some_place(m);
    return at;
}

static void change_moment(struct ft_mutation *m, enum ft_change how)
{
    unsigned at = place_with_moment(m);
    struct ft_moment *moment = &m->scenario.op[at].moment;
    unsigned position = 0;
    uint8_t target;

    if (moment->count == 0 || how == FT_CHANGE_NEW_MOMENT) {
        *moment =
            moment->count != 0 && ft_odds(m, 1, 8) ? (struct ft_moment){0} : new_moment(m, at);
        return;
    }
    if (how == FT_CHANGE_MOMENT) {
        ft_move_moment(m, at, moment);
        return;
    }
    target = ft_odds(m, 1, 4) ? 0 : ft_some_label(m, at, false);
    if (ft_facts_of(m, at, target)->highest[moment->point] == 0)
        *moment = ft_pick_moment(m, at, target, &position); /* that point does not come there */
    else
        moment->target = target;
    ft_op_fit(&m->scenario.op[at]);
}

/* Reads and writes take the same arguments; a swap among them keeps those. */
static void change_kind(struct ft_mutation *m)
{
    unsigned at = some_place(m);
    struct ft_op *op = &m->scenario.op[at], other;
    enum ft_op_class class_ = ft_op_row(op->kind)->class_;
    uint8_t kind = class_ == FT_OP_CLASS_REQUEST
                       ? ft_pick_request(m)
                       : ft_pick_kind(m, class_, state_before(&m->scenario, at, op->device), false);

    if (kind == 0)
        return;
    other = ft_pick_op(m, kind, ft_some_label(m, at, true));
    other.label = op->label;
    other.moment = op->moment;
    other.device = op->device;
    if (class_ == FT_OP_CLASS_REQUEST && kind != FT_OP_IOCTL && op->kind != FT_OP_IOCTL)
        memcpy(other.arg, op->arg, sizeof(other.arg));
    *op = other;
    ft_op_fit(op);
}

/* A new one, one more, one less, or the nearest page border; or the other device. */
static void change_argument(struct ft_mutation *m)
{
    unsigned at = some_place(m), tries, i, maximum;
    struct ft_op fresh, *op;

    if (ft_has_two(m) && ft_odds(m, 1, 3)) {
        m->scenario.op[at].device = !m->scenario.op[at].device;
        ft_op_fit(&m->scenario.op[at]);
        return;
    }
    for (tries = 0; tries < 4 && ft_op_row(m->scenario.op[at].kind)->argc == 0; tries++)
        at = some_place(m);
    op = &m->scenario.op[at];
    if (ft_op_row(op->kind)->argc == 0)
        return;
    i = ft_below(m, ft_op_row(op->kind)->argc);
    maximum = ft_op_row(op->kind)->arg_max[i];
    switch (ft_below(m, maximum > PAGE_BYTES ? 6 : 5)) {
    case 0:
        op->arg[i] = (uint16_t)(op->arg[i] < maximum ? op->arg[i] + 1u : 0);
        break;
    case 1:
        op->arg[i] = (uint16_t)(op->arg[i] > 0 ? op->arg[i] - 1u : maximum);
        break;
    case 5:
        op->arg[i] = (uint16_t)((op->arg[i] + PAGE_BYTES / 2) / PAGE_BYTES * PAGE_BYTES);
        break;
    default: /* all of them: length and offset meet at one border */
        fresh = ft_pick_op(m, op->kind, ft_some_label(m, at, true));
        memcpy(op->arg, fresh.arg, sizeof op->arg);
        break;
    }
    ft_op_fit(op);
}

static void change_platform(struct ft_mutation *m)
{
    struct ft_platform *platform = &m->scenario.platform;

    if (ft_odds(m, 2, 3))
        ft_platform_preset((enum ft_platform_name)ft_below(m, FT_PLATFORM_COUNT), platform);
    else if (ft_odds(m, 1, 8))
        ft_knob_set(platform, 1 + ft_below(m, FT_PLATFORM_OF_MACHINE - 1), ft_below(m, 256));
    else
        ft_draw_knob(&m->prng, platform);
}

void ft_change_apply(struct ft_mutation *m, enum ft_change change)
{
    if (m->scenario.op_count == 0 && change != FT_CHANGE_PLATFORM)
        change = FT_CHANGE_INSERT;
    switch (change) {
    case FT_CHANGE_INSERT:
        insert(m);
        break;
    case FT_CHANGE_DELETE:
        delete (m);
        break;
    case FT_CHANGE_DUPLICATE:
        duplicate(m);
        break;
    case FT_CHANGE_MOVE:
        move(m);
        break;
    case FT_CHANGE_MOMENT:
    case FT_CHANGE_RETARGET:
    case FT_CHANGE_NEW_MOMENT:
        change_moment(m, change);
        break;
    case FT_CHANGE_KIND:
        change_kind(m);
        break;
    case FT_CHANGE_ARGUMENT:
        change_argument(m);
        break;
    default:
        change_platform(m);
        break;
    }
    ft_mend_labels(m);
}

void ft_change(struct ft_mutation *m)
{
    static const uint8_t weight[FT_CHANGE_COUNT] = {
        [FT_CHANGE_INSERT] = 5,     [FT_CHANGE_DELETE] = 2, [FT_CHANGE_DUPLICATE] = 1,
        [FT_CHANGE_MOVE] = 1,       [FT_CHANGE_MOMENT] = 4, [FT_CHANGE_RETARGET] = 2,
        [FT_CHANGE_NEW_MOMENT] = 4, [FT_CHANGE_KIND] = 3,   [FT_CHANGE_ARGUMENT] = 2,
        [FT_CHANGE_PLATFORM] = 1};
    unsigned sum = 0, drawn, change = 0;

    for (unsigned i = 0; i < FT_CHANGE_COUNT; i++)
        sum += weight[i];
    for (drawn = ft_below(m, sum); drawn >= weight[change]; change++)
        drawn -= weight[change];
    ft_change_apply(m, (enum ft_change)change);
}
