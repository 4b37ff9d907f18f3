/* Mutation of whole ops. Bytes are decoded, changed as a scenario and encoded again, so that a
 * mutant keeps what its parent did except for what was changed; one in sixteen gets plain byte
 * noise instead, because a structure can hide what it does not know. */
#include "scenario/scenario_codec.h"
#include "scenario/scenario_draw.h"
#include "scenario/scenario_parts.h"

#include <string.h>

enum { DELIMITER = 0xFF, PAGE_BYTES = 4096, TRIES = 4 };

enum stream { STREAM_MUTATE = 16 };

struct mutation {
    struct ft_prng prng;
    struct ft_scenario scenario;
};

static unsigned below(struct mutation *m, unsigned bound)
{
    return ft_prng_below(&m->prng, bound);
}

static struct ft_op *some_op(struct mutation *m)
{
    return m->scenario.op_count > 0 ? &m->scenario.op[below(m, m->scenario.op_count)] : NULL;
}

/* The lowest label that no op has; 0 when all are taken. */
static uint8_t free_label(const struct ft_scenario *scenario)
{
    for (unsigned label = 1; label <= FT_LABEL_MAX; label++) {
        bool taken = false;

        for (unsigned i = 0; i < scenario->op_count; i++)
            taken = taken || scenario->op[i].label == label;
        if (!taken)
            return (uint8_t)label;
    }
    return 0;
}

/* A label in use, mostly of an op at `near` or just before it; 0 when there is none. */
static uint8_t used_label(struct mutation *m, unsigned near)
{
    uint8_t labels[FT_OPS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < m->scenario.op_count; i++) {
        if (m->scenario.op[i].label == 0)
            continue;
        if (i <= near && ft_prng_odds(&m->prng, 1, 2))
            count = 0; /* forget the older ones */
        labels[count++] = m->scenario.op[i].label;
    }
    return count > 0 ? labels[below(m, count)] : 0;
}

static uint8_t some_target(struct mutation *m, unsigned near)
{
    return ft_prng_odds(&m->prng, 1, 4) ? 0 : used_label(m, near);
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

static void insert_op(struct mutation *m)
{
    static const enum ft_op_class classes[] = {FT_OP_CLASS_REQUEST, FT_OP_CLASS_DISTURB,
                                               FT_OP_CLASS_DISTURB, FT_OP_CLASS_DISTURB,
                                               FT_OP_CLASS_CHOICE,  FT_OP_CLASS_CHOICE};
    unsigned at = below(m, m->scenario.op_count + 1u);
    enum ft_op_class class_ = m->scenario.op_count == 0
                                  ? FT_OP_CLASS_REQUEST
                                  : classes[below(m, sizeof(classes) / sizeof(classes[0]))];
    uint8_t kind = ft_draw_kind(&m->prng, class_);
    struct ft_op op = ft_draw_op(&m->prng, &m->scenario.platform, kind, used_label(m, at));
    bool request = class_ == FT_OP_CLASS_REQUEST;

    if (request)
        op.label = free_label(&m->scenario);
    if (ft_prng_odds(&m->prng, request ? 1 : 7, request ? 3 : 8))
        op.moment = ft_draw_moment(&m->prng, some_target(m, at));
    if (open_gap(&m->scenario, at))
        m->scenario.op[at] = op;
}

static void delete_op(struct mutation *m)
{
    if (m->scenario.op_count > 1)
        close_gap(&m->scenario, below(m, m->scenario.op_count));
}

/* The copy of a labelled op gets a label of its own: of two equal labels only the first would
 * count. */
static void duplicate_op(struct mutation *m)
{
    struct ft_op *op = some_op(m);
    struct ft_op copy;

    if (op == NULL)
        return;
    copy = *op;
    if (copy.label != 0)
        copy.label = free_label(&m->scenario);
    if (open_gap(&m->scenario, (unsigned)(op - m->scenario.op) + 1))
        op[1] = copy;
}

static void move_op(struct mutation *m)
{
    unsigned count = m->scenario.op_count;
    unsigned from, to;
    struct ft_op op;

    if (count < 2)
        return;
    from = below(m, count);
    to = below(m, count);
    op = m->scenario.op[from];
    close_gap(&m->scenario, from);
    open_gap(&m->scenario, to);
    m->scenario.op[to] = op;
}

/* The next point in the order of points.def, where entry and exit of a routine are neighbours. */
static uint8_t neighbour_point(unsigned point, int step)
{
    do {
        point = (point + (unsigned)(FT_LABEL_MAX + 1 + step)) % (FT_LABEL_MAX + 1);
    } while (ft_point_name(point) == NULL);
    return (uint8_t)point;
}

static void change_moment(struct mutation *m)
{
    struct ft_op *op = some_op(m);
    struct ft_moment *moment;
    unsigned at;

    if (op == NULL)
        return;
    moment = &op->moment;
    at = (unsigned)(op - m->scenario.op);
    if (moment->count == 0) {
        *moment = ft_draw_moment(&m->prng, some_target(m, at));
        return;
    }
    switch (below(m, 12)) {
    case 0:
    case 1:
        moment->point = neighbour_point(moment->point, -1);
        break;
    case 2:
    case 3:
        moment->point = neighbour_point(moment->point, 1);
        break;
    case 4:
        moment->point = ft_draw_point(&m->prng);
        break;
    case 5:
        moment->target = some_target(m, at);
        break;
    case 6:
    case 7:
        moment->count += moment->count < 254;
        break;
    case 8: /* not below 1: that would lose the rest of the moment */
        moment->count -= moment->count > 1;
        break;
    case 9: /* only the access build looks at this */
        moment->accesses = (uint16_t)(moment->accesses == 0 ? 1 + below(m, 16)
                                                            : moment->accesses - 1 + below(m, 4));
        break;
    case 10:
        *moment = ft_draw_moment(&m->prng, some_target(m, at));
        break;
    default:
        *moment = (struct ft_moment){0};
        break;
    }
}

static void change_kind(struct mutation *m)
{
    struct ft_op *op = some_op(m);
    struct ft_op other;
    uint8_t kind;

    if (op == NULL)
        return;
    kind = ft_draw_kind(&m->prng, ft_op_row(op->kind)->class_);
    other = ft_draw_op(&m->prng, &m->scenario.platform, kind,
                       used_label(m, (unsigned)(op - m->scenario.op)));
    other.label = op->label;
    other.moment = op->moment;
    /* Reads and writes take the same arguments; a swap keeps them. */
    if (ft_op_row(kind)->class_ == FT_OP_CLASS_REQUEST)
        memcpy(other.arg, op->arg, sizeof(other.arg));
    *op = other;
    ft_op_fit(op);
}

/* One argument: a new one, one more, one less, or the nearest page border. */
static void change_arg(struct mutation *m)
{
    struct ft_op *op = some_op(m);
    const struct ft_op_row *row = op != NULL ? ft_op_row(op->kind) : NULL;
    unsigned i, maximum;

    if (row == NULL || row->argc == 0)
        return;
    i = below(m, row->argc);
    maximum = row->arg_max[i];
    switch (below(m, maximum > PAGE_BYTES ? 5 : 4)) {
    case 0:
        op->arg[i] = (uint16_t)(op->arg[i] < maximum ? op->arg[i] + 1u : 0);
        break;
    case 1:
        op->arg[i] = (uint16_t)(op->arg[i] > 0 ? op->arg[i] - 1u : maximum);
        break;
    case 4:
        op->arg[i] = (uint16_t)((op->arg[i] + PAGE_BYTES / 2) / PAGE_BYTES * PAGE_BYTES);
        break;
    default:
        op->arg[i] = ft_draw_arg(&m->prng, &m->scenario.platform, op->kind, i,
                                 used_label(m, (unsigned)(op - m->scenario.op)));
        break;
    }
    ft_op_fit(op);
}

static void change_platform(struct mutation *m)
{
    struct ft_platform *platform = &m->scenario.platform;

    if (ft_prng_odds(&m->prng, 1, 3))
        ft_platform_preset((enum ft_platform_name)below(m, FT_PLATFORM_COUNT), platform);
    else if (ft_prng_odds(&m->prng, 1, 8))
        ft_knob_set(platform, 1 + below(m, FT_KNOB_COUNT - 1), below(m, 256));
    else
        ft_draw_knob(&m->prng, platform);
}

static void change_something(struct mutation *m)
{
    static void (*const changes[])(struct mutation *) = {
        insert_op,     insert_op,     insert_op,     delete_op,    delete_op,  duplicate_op,
        move_op,       change_moment, change_kind,   change_arg,   change_arg, change_platform,
        change_moment, change_moment, change_moment, change_moment};

    if (m->scenario.op_count == 0)
        insert_op(m);
    else
        changes[below(m, sizeof(changes) / sizeof(changes[0]))](m);
}

/* Flips, replaces, inserts and deletes bytes. */
static size_t make_noise(struct ft_prng *prng, uint8_t *bytes, size_t length, size_t capacity)
{
    do {
        size_t at = ft_prng_below(prng, (uint32_t)length + 1);
        unsigned what = ft_prng_below(prng, 4);

        if ((what == 0 || length == 0) && length < capacity) {
            memmove(bytes + at + 1, bytes + at, length - at);
            bytes[at] = (uint8_t)(ft_prng_odds(prng, 1, 4) ? DELIMITER : ft_prng_next(prng));
            length++;
        } else if (at < length && what == 1) {
            length--;
            memmove(bytes + at, bytes + at + 1, length - at);
        } else if (at < length && what == 2) {
            bytes[at] ^= (uint8_t)(1u << ft_prng_below(prng, 8));
        } else if (at < length) {
            bytes[at] = (uint8_t)ft_prng_next(prng);
        }
    } while (ft_prng_odds(prng, 2, 3));
    return length;
}

/* Encodes; drops ops from the end until they fit. */
static size_t encode_within(struct ft_scenario *scenario, uint8_t *bytes, size_t capacity)
{
    size_t length = ft_scenario_encode(scenario, bytes, capacity);

    while (length > capacity && scenario->op_count > 0) {
        scenario->op_count--;
        length = ft_scenario_encode(scenario, bytes, capacity);
    }
    return length < capacity ? length : capacity;
}

size_t ft_scenario_mutate(uint8_t *bytes, size_t length, size_t capacity, uint64_t seed)
{
    struct mutation m = {.prng = ft_prng_init(seed, STREAM_MUTATE)};
    struct ft_scenario parent;

    if (length > capacity)
        length = capacity;
    if (ft_prng_odds(&m.prng, 1, 16))
        return make_noise(&m.prng, bytes, length, capacity);
    ft_scenario_decode(bytes, length, &parent);
    for (unsigned i = 0; i < TRIES; i++) {
        m.scenario = parent;
        do {
            change_something(&m);
        } while (ft_prng_odds(&m.prng, 1, 2));
        if (!ft_scenario_equal(&m.scenario, &parent))
            break;
    }
    return encode_within(&m.scenario, bytes, capacity);
}
