#include "explore/place.h"

#include <string.h>

enum { LABELS = 256, POINTS = 256 };

/* How often each moment has come since the present op armed. */
struct seen {
    unsigned position;
    bool begun;
    uint16_t device[POINTS];
    uint16_t label[LABELS][POINTS];
};

static void count_up(uint16_t *count)
{
    *count += *count < UINT16_MAX;
}

static void see(struct seen *seen, const struct ft_here *here)
{
    if (!seen->begun || seen->position != here->position) {
        memset(seen, 0, sizeof *seen);
        seen->begun = true;
        seen->position = here->position;
    }
    count_up(&seen->device[here->point]);
    if (here->label != 0 && here->label < LABELS)
        count_up(&seen->label[here->label][here->point]);
    if (here->task_label != 0 && here->task_label < LABELS && here->task_label != here->label)
        count_up(&seen->label[here->task_label][here->point]);
}

/* A label says more than the device. The first op of a scenario arms at the very beginning only
 * when it is about the device, and no label is in use then. */
static void name_moment(const struct seen *seen, const struct ft_here *here, struct ft_place *ret)
{
    unsigned label = here->label != 0 ? here->label : here->task_label;
    unsigned count = seen->device[here->point];

    if (here->position == 0 || label > FT_LABEL_MAX)
        label = 0;
    if (label != 0 && seen->label[label][here->point] <= FT_LABEL_MAX)
        count = seen->label[label][here->point];
    else
        label = 0;
    ret->moment =
        (struct ft_moment){.target = (uint8_t)label, .point = here->point, .count = (uint8_t)count};
    if (count > FT_LABEL_MAX)
        ret->bar = FT_PLACE_FAR;
}

/* A task can park at most places, but not where the device's engine is in a step. */
static struct ft_stand stand_at(const struct ft_passed *passed, uint64_t i,
                                const struct ft_place *before)
{
    struct ft_stand stand = {.step = passed[i].step, .first = passed[i].here.place};

    if (stand.first == 1 || (i > 0 && passed[i - 1].step != stand.step))
        return stand;
    if (passed[i].here.parks)
        stand.park = stand.first;
    else if (i > 0)
        return before->stand;
    return stand;
}

void ft_places_name(const struct ft_passed *passed, uint64_t count, struct ft_place *ret)
{
    static struct seen seen;

    memset(&seen, 0, sizeof seen);
    for (uint64_t i = 0; i < count; i++) {
        const struct ft_here *here = &passed[i].here;
        uint64_t armed = here->position == 0 ? 0 : here->armed_step;

        see(&seen, here);
        ret[i] = (struct ft_place){.number = here->place,
                                   .events = here->events,
                                   .site = here->site,
                                   .position = here->position,
                                   .left = here->left};
        ret[i].stand = stand_at(passed, i, i > 0 ? &ret[i - 1] : NULL);
        name_moment(&seen, here, &ret[i]);
        if (here->steps - armed > FT_LATE_STEPS)
            ret[i].bar = FT_PLACE_FAR;
        if (here->taken)
            ret[i].bar = FT_PLACE_TAKEN;
    }
}

bool ft_place_insert(const struct ft_scenario *scenario, const struct ft_place *place,
                     const struct ft_op *op, struct ft_scenario *ret)
{
    unsigned at = place->position;

    if (place->bar != FT_PLACE_FREE || scenario->op_count >= FT_OPS_MAX || at > scenario->op_count)
        return false;
    *ret = *scenario;
    memmove(&ret->op[at + 1], &ret->op[at], (ret->op_count - at) * sizeof *ret->op);
    ret->op_count++;
    ret->op[at] = *op;
    ret->op[at].moment = place->moment;
    if (at + 1u < ret->op_count && ret->op[at + 1].moment.count != 0)
        ret->op[at + 1].moment.count = (uint8_t)place->left;
    return true;
}
