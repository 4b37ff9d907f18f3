/* Moments at points that were met. */
#include "scenario/mutate/mutation.h"
#include "scenario/scenario_draw.h"

#include <string.h>

/* A flush, cancel or removal bug shows between two of these. */
static const char *const crossroads[] = {
    "dma:flush",   "dma:map", "dma:free", "dma:sg-",        "dma:channel", "irp:complete",
    "irp:pending", "cancel:", "lock:",    "irp:set-cancel", "engine:burst"};

enum { GUESS = 32, DEVICE_COUNT = 6 };

static bool is_crossroad(const char *point)
{
    for (size_t i = 0; point && i < sizeof crossroads / sizeof *crossroads; i++)
        if (strncmp(point, crossroads[i], strlen(crossroads[i])) == 0)
            return true;
    return false;
}

/* 1 for each point that is one; a pure function of points.def, filled at the first use. */
static const uint8_t *crossroad_points(void)
{
    static uint8_t points[FT_MET_POINTS];
    static bool filled;

    for (unsigned i = 1; !filled && i < FT_MET_POINTS; i++)
        points[i] = is_crossroad(ft_point_name(i));
    filled = true;
    return points;
}

const struct ft_scope_facts *ft_facts_of(const struct ft_mutation *m, unsigned at, uint8_t target)
{
    const struct ft_op *op = ft_op_of_label(&m->scenario, target);

    if (op)
        return &m->catalogue->scope[ft_scope_of_op(op)];
    return &m->catalogue->scope[at == 0 ? FT_SCOPE_START : FT_SCOPE_DEVICE];
}

/* No request meets it on its label: the hardware's own steps, for one. */
static bool is_off_labels(const struct ft_catalogue *catalogue, unsigned point)
{
    for (unsigned scope = FT_SCOPE_READ; scope <= FT_SCOPE_REQUEST; scope++)
        if (catalogue->scope[scope].highest[point] != 0)
            return false;
    return true;
}

enum which { ALL_POINTS, CROSSROADS, OFF_LABELS };

/* One of the points that were met, the usual ones and crossroads more often; FT_PT_ANY: none was.
 */
static uint8_t some_point(struct ft_mutation *m, const struct ft_scope_facts *facts,
                          enum which which)
{
    const uint8_t *crossroad = crossroad_points();
    uint32_t up_to[FT_MET_POINTS], sum = 0, drawn;
    uint8_t points[FT_MET_POINTS];
    unsigned count = 0, i = 0;

    for (unsigned point = 0; point < FT_MET_POINTS; point++) {
        if (facts->highest[point] == 0 || point == FT_PT_ANY ||
            (which == CROSSROADS && !crossroad[point]) ||
            (which == OFF_LABELS && !is_off_labels(m->catalogue, point)))
            continue;
        sum += (16u + facts->often[point]) << crossroad[point];
        points[count] = (uint8_t)point;
        up_to[count++] = sum;
    }
    if (count == 0)
        return FT_PT_ANY;
    for (drawn = ft_below(m, sum); up_to[i] <= drawn;)
        i++;
    return points[i];
}

/* How many points the scope usually has. */
static unsigned end_of(const struct ft_scope_facts *facts)
{
    return facts->usual[FT_PT_ANY];
}

unsigned ft_usual_end(const struct ft_mutation *m, unsigned at, uint8_t target)
{
    return end_of(ft_facts_of(m, at, target));
}

/* The occurrences of a point lie about evenly between its first one and the end. */
static unsigned left_after(const struct ft_scope_facts *facts, unsigned point, unsigned position)
{
    unsigned first = facts->first[point], usual = facts->usual[point], end = end_of(facts);

    if (position < first || end <= first)
        return usual;
    return position < end ? usual * (end - position) / (end - first + 1) : 0;
}

static unsigned position_of(const struct ft_scope_facts *facts, const struct ft_moment *moment,
                            unsigned position)
{
    unsigned first = facts->first[moment->point], usual = facts->usual[moment->point];
    unsigned from = position < first ? first : position;
    unsigned further = moment->count - (position < first), end = end_of(facts);

    if (moment->point == FT_PT_ANY)
        return position + moment->count;
    return usual > 1 && end > first ? from + further * (end - first) / usual : from + further;
}

struct ft_moment ft_pick_moment(struct ft_mutation *m, unsigned at, uint8_t target,
                                unsigned *position)
{
    const struct ft_scope_facts *facts = ft_facts_of(m, at, target);
    struct ft_moment moment = {.target = target, .point = FT_PT_ANY};
    bool on_device = target == 0 && at > 0;
    unsigned most;

    if (facts->highest[FT_PT_ANY] == 0) { /* nothing is known: a guess, mostly of any point */
        if (ft_odds(m, 1, 2))
            return ft_draw_moment(&m->prng, target);
        moment.count = (uint8_t)(1 + ft_below(m, GUESS));
        return moment;
    }
    /* Counting points of any kind makes every moment of the request equally likely. */
    if (ft_odds(m, 5, 6))
        moment.point =
            some_point(m, facts, on_device && ft_odds(m, 3, 4) ? OFF_LABELS : ALL_POINTS);
    most = left_after(facts, moment.point, *position);
    if (most == 0 && ft_odds(m, 7, 8)) { /* it is probably over; what still comes is not known */
        moment.point = FT_PT_ANY;
        most = left_after(facts, moment.point, *position);
    }
    if (ft_odds(m, 1, 16))
        most = facts->highest[moment.point];
    if (on_device && most > DEVICE_COUNT) /* met in a whole run, not from here on */
        most = DEVICE_COUNT;
    moment.count = (uint8_t)(1 + (most > 1 ? ft_below(m, most) : 0));
    *position = position_of(facts, &moment, *position);
    return moment;
}

/* The next point that was met in that direction; the same one when there is no other. */
static uint8_t neighbour(const uint8_t *met, unsigned point, bool up)
{
    for (unsigned i = 1; i < FT_MET_POINTS; i++) {
        unsigned next = (point + (up ? i : FT_MET_POINTS - i)) % FT_MET_POINTS;

        if (met[next] && next != FT_PT_ANY)
            return (uint8_t)next;
    }
    return (uint8_t)point;
}

void ft_move_moment(struct ft_mutation *m, unsigned at, struct ft_moment *moment)
{
    const struct ft_scope_facts *facts = ft_facts_of(m, at, moment->target);
    const uint8_t *highest = facts->highest;
    unsigned most;

    switch (ft_below(m, 8)) {
    case 0:
    case 1: /* entry and exit of a routine are neighbours in points.def */
        moment->point = neighbour(highest, moment->point, ft_odds(m, 1, 2));
        break;
    case 2:
        moment->point = some_point(m, facts, CROSSROADS);
        break;
    case 3:
    case 4:
        moment->count += moment->count < FT_LABEL_MAX;
        break;
    case 5: /* not below 1: that would lose the rest of the moment */
        moment->count -= moment->count > 1;
        break;
    case 6:
        most = highest[moment->point];
        moment->count = (uint8_t)(1 + ft_below(m, most > 0 ? most : 4));
        break;
    default: /* only the access build looks at this */
        moment->accesses =
            (uint16_t)(moment->accesses == 0 ? 1 + ft_below(m, 16)
                                             : moment->accesses - 1 + ft_below(m, 4));
        break;
    }
}
