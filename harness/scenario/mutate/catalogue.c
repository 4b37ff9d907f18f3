#include "scenario/mutate/catalogue.h"

#include <string.h>

enum {
    COUNT_MAX = 254, /* of a moment */
    SHORT_BYTES = 8192,
    SHORT_PAGES = 2,
    DISTURB_FIRST = 32 /* kinds of disturbances: that many from this number on */
};

void ft_catalogue_init(struct ft_catalogue *catalogue, const struct ft_module *module)
{
    const struct ft_description *description = module ? module->description : NULL;

    *catalogue = (struct ft_catalogue){
        .magic = FT_CATALOGUE_MAGIC, .version = FT_CATALOGUE_VERSION, .has_model = 1};
    if (!description)
        return;
    catalogue->request_bytes_max = description->request_bytes_max;
    catalogue->requests = (uint8_t)ft_takes(description);
    catalogue->has_model = module->device != NULL;
    while (catalogue->controls < FT_CONTROLS_MAX && description->control[catalogue->controls])
        catalogue->controls++;
}

enum ft_scope ft_scope_of_op(const struct ft_op *op)
{
    switch (op->kind) {
    case FT_OP_READ:
        return FT_SCOPE_READ + (op->arg[0] > SHORT_BYTES);
    case FT_OP_WRITE:
        return FT_SCOPE_WRITE + (op->arg[0] > SHORT_BYTES);
    case FT_OP_READ_PAGES:
        return FT_SCOPE_READ + (op->arg[0] > SHORT_PAGES);
    case FT_OP_WRITE_PAGES:
        return FT_SCOPE_WRITE + (op->arg[0] > SHORT_PAGES);
    case FT_OP_IOCTL:
        return FT_SCOPE_IOCTL + op->arg[0] % 4;
    default:
        if (op->kind < DISTURB_FIRST || op->kind >= DISTURB_FIRST + 32)
            return FT_SCOPE_REQUEST;
        return FT_SCOPE_DISTURB + op->kind - DISTURB_FIRST;
    }
}

/* A running median: one step towards each new value; 0 is no value. */
static uint8_t towards(uint8_t old, uint8_t value)
{
    if (old == 0)
        return value;
    return (uint8_t)(old + (value > old) - (value && value < old));
}

/* An eighth of the way to all or nothing. */
static uint8_t share(uint8_t old, bool met)
{
    return (uint8_t)(met ? old + (UINT8_MAX - old + 7) / 8 : old - old / 8);
}

/* The compiler makes vector operations of the loop. */
static void learn_scope(struct ft_scope_facts *facts, const uint8_t *met, const uint8_t *first)
{
    for (unsigned i = 0; i < FT_MET_POINTS; i++) {
        uint8_t count = met[i] < COUNT_MAX ? met[i] : COUNT_MAX;

        facts->highest[i] = count > facts->highest[i] ? count : facts->highest[i];
        facts->usual[i] = towards(facts->usual[i], count);
        facts->first[i] = towards(facts->first[i], first[i]);
        facts->often[i] = share(facts->often[i], count > 0);
    }
}

/* Recent ones weigh more: both counts are halved when one is full. */
static void learn_kind(struct ft_catalogue *catalogue, unsigned kind, bool skipped)
{
    uint8_t *count = skipped ? &catalogue->skipped[kind] : &catalogue->struck[kind];

    if (*count == UINT8_MAX) {
        catalogue->skipped[kind] /= 2;
        catalogue->struck[kind] /= 2;
    }
    ++*count;
}

void ft_catalogue_learn(struct ft_catalogue *catalogue, const struct ft_scenario *scenario,
                        const struct ft_met *met)
{
    static const uint8_t unknown[FT_MET_POINTS];
    bool owned[FT_MET_LABELS] = {true};

    if (met->start[FT_PT_ANY] != 0)
        learn_scope(&catalogue->scope[FT_SCOPE_START], met->start, unknown);
    learn_scope(&catalogue->scope[FT_SCOPE_DEVICE], met->point[0], met->first[0]);
    for (unsigned i = 0; i < FT_MET_POINTS; i++)
        catalogue->tasks[i] |= met->tasks[i];
    for (unsigned i = 0; i < scenario->op_count; i++) {
        const struct ft_op *op = &scenario->op[i];

        if (met->op[i] == FT_MET_NOT_STRUCK)
            continue;
        learn_kind(catalogue, op->kind, met->op[i] == FT_MET_SKIPPED);
        if (op->label >= FT_MET_LABELS || owned[op->label])
            continue;
        owned[op->label] = true;
        learn_scope(&catalogue->scope[ft_scope_of_op(op)], met->point[op->label],
                    met->first[op->label]);
    }
}

bool ft_catalogue_is_empty(const struct ft_catalogue *catalogue)
{
    bool met = false;

    for (unsigned scope = FT_SCOPE_READ; scope <= FT_SCOPE_REQUEST; scope++)
        met = met || catalogue->scope[scope].highest[FT_PT_ANY] != 0;
    return catalogue->requests != 0 && !met;
}

/* Mine first; what I have not met, from the other, in range. */
static void merge_point(struct ft_scope_facts *mine, const struct ft_scope_facts *other, unsigned i)
{
    uint8_t highest = other->highest[i] < COUNT_MAX ? other->highest[i] : COUNT_MAX;
    uint8_t usual = other->usual[i] < highest ? other->usual[i] : highest;

    if (highest > mine->highest[i])
        mine->highest[i] = highest;
    if (mine->usual[i] == 0 && highest > 0) {
        mine->usual[i] = usual > 0 ? usual : 1;
        mine->first[i] = other->first[i];
        mine->often[i] = other->often[i];
    }
}

static void merge_points(struct ft_catalogue *catalogue, const struct ft_catalogue *other)
{
    for (unsigned i = 0; i < FT_MET_POINTS; i++) {
        if (!ft_point_name(i))
            continue;
        catalogue->tasks[i] |= other->tasks[i] & ((1 << FT_TASK_KIND_COUNT) - 1);
        for (unsigned scope = 0; scope < FT_SCOPE_COUNT; scope++)
            merge_point(&catalogue->scope[scope], &other->scope[scope], i);
    }
}

bool ft_catalogue_merge(struct ft_catalogue *catalogue, const struct ft_catalogue *other)
{
    if (other->magic != FT_CATALOGUE_MAGIC || other->version != FT_CATALOGUE_VERSION)
        return false;
    merge_points(catalogue, other);
    for (unsigned kind = 0; kind < FT_MET_POINTS; kind++)
        if (catalogue->struck[kind] == 0 && catalogue->skipped[kind] == 0) {
            catalogue->struck[kind] = other->struck[kind];
            catalogue->skipped[kind] = other->skipped[kind];
        }
    if (catalogue->requests == 0) {
        catalogue->requests = other->requests & FT_TAKES_ALL;
        catalogue->controls = other->controls < FT_CONTROLS_MAX ? other->controls : FT_CONTROLS_MAX;
        catalogue->request_bytes_max = other->request_bytes_max;
        catalogue->has_model = other->has_model != 0;
    }
    return true;
}
