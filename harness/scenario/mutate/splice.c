/* Crossover: the first ops of one scenario, then the last ops of another. */
#include "scenario/mutate/mutation.h"

/* The label of the second part's ops in the sum; refers[old] is the new one. */
static void append_renamed(struct ft_mutation *m, struct ft_op op, uint8_t *refers)
{
    if (op.label != 0) {
        uint8_t label = op.label;

        if (ft_op_of_label(&m->scenario, label))
            op.label = ft_free_label(&m->scenario);
        refers[label] = op.label;
    }
    op.moment.target = refers[op.moment.target];
    if (ft_names_label(&op))
        op.arg[0] = refers[op.arg[0]];
    m->scenario.op[m->scenario.op_count++] = op;
}

void ft_splice(struct ft_mutation *m, const struct ft_scenario *other)
{
    unsigned first = ft_below(m, m->scenario.op_count + 1u);
    unsigned from = other->op_count > 0 ? ft_below(m, other->op_count) : 0;
    uint8_t refers[FT_LABEL_MAX + 1];

    m->scenario.op_count = (uint16_t)first;
    /* What it refers to and left behind: a label that may be here as well; see ft_mend_labels. */
    for (unsigned label = 0; label <= FT_LABEL_MAX; label++)
        refers[label] = (uint8_t)label;
    for (unsigned i = from; i < other->op_count && m->scenario.op_count < FT_OPS_MAX; i++)
        append_renamed(m, other->op[i], refers);
    ft_mend_labels(m);
}
