#include "scenario/mutate/mutation.h"

#include <string.h>

uint8_t ft_free_label(const struct ft_scenario *scenario)
{
    uint64_t taken[4] = {1}; /* 0 is no label */

    for (unsigned i = 0; i < scenario->op_count; i++)
        taken[scenario->op[i].label / 64] |= UINT64_C(1) << scenario->op[i].label % 64;
    for (unsigned word = 0; word < 4; word++) {
        unsigned label = 64 * word + (unsigned)__builtin_ctzll(~taken[word] | UINT64_C(1) << 63);

        if (~taken[word] != 0 && label <= FT_LABEL_MAX)
            return (uint8_t)label;
    }
    return 0;
}

const struct ft_op *ft_op_of_label(const struct ft_scenario *scenario, uint8_t label)
{
    for (unsigned i = 0; label != 0 && i < scenario->op_count; i++)
        if (scenario->op[i].label == label)
            return &scenario->op[i];
    return NULL;
}

bool ft_is_request(const struct ft_op *op)
{
    switch (op->kind) {
    case FT_OP_READ:
    case FT_OP_WRITE:
    case FT_OP_READ_PAGES:
    case FT_OP_WRITE_PAGES:
    case FT_OP_IOCTL:
    case FT_OP_DISK_READ:
    case FT_OP_DISK_WRITE:
        return true;
    default:
        return false;
    }
}

uint8_t ft_some_label(struct ft_mutation *m, unsigned at, bool requests_only)
{
    uint8_t labels[FT_OPS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < at && i < m->scenario.op_count; i++) {
        const struct ft_op *op = &m->scenario.op[i];

        if (op->label == 0 || (requests_only && !ft_is_request(op)))
            continue;
        if (ft_odds(m, 1, 2))
            count = 0; /* forget the older ones */
        labels[count++] = op->label;
    }
    return count > 0 ? labels[ft_below(m, count)] : 0;
}

bool ft_names_label(const struct ft_op *op)
{
    return strncmp(ft_op_row(op->kind)->args, "of:", 3) == 0;
}

/* A set of labels. */
static bool has(const uint64_t *set, unsigned label)
{
    return set[label / 64] >> label % 64 & 1;
}

void ft_mend_labels(struct ft_mutation *m)
{
    uint64_t before[4] = {1}; /* 0 is no label, and always good */

    for (unsigned i = 0; i < m->scenario.op_count; i++) {
        struct ft_op *op = &m->scenario.op[i];

        if (op->label != 0 && has(before, op->label))
            op->label = ft_free_label(&m->scenario);
        if (op->moment.count != 0 && !has(before, op->moment.target))
            op->moment.target = ft_some_label(m, i, false);
        if (ft_names_label(op) && (op->arg[0] > FT_LABEL_MAX || !has(before, op->arg[0])))
            op->arg[0] = ft_some_label(m, i, op->kind == FT_OP_CANCEL || op->kind == FT_OP_ABORT);
        before[op->label / 64] |= UINT64_C(1) << op->label % 64;
    }
}
