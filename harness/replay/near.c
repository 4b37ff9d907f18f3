/* A followed scenario whose moments have moved: the driver calls once more, or once less, than the
 * one that was recorded, and the n-th call is another one. */
#include "replay/execute.h"

#include <string.h>

enum { NUMBERS_OF_OP = 2 };

/* The numbers of an op that count what the driver does: how often the point of its moment comes,
 * and how many register reads, or allocations, come first. 0: it has no such number. */
static unsigned number_of(const struct ft_op *op, unsigned which)
{
    if (which == 0) {
        return op->moment.count;
    }
    return op->kind == FT_OP_DEVICE_DATA || op->kind == FT_OP_FAIL_ALLOC ? op->arg[1] : 0;
}

/* Moves a number. False: it counts nothing, or cannot be that. */
static bool move(struct ft_op *op, unsigned which, int by)
{
    int now = (int)number_of(op, which) + by;

    if (number_of(op, which) == 0 || now < 1 || now > FT_LABEL_MAX) {
        return false;
    }
    if (which == 0) {
        op->moment.count = (uint8_t)now;
    } else {
        op->arg[1] = (uint16_t)now;
    }
    return true;
}

/* How a run ended, against the recorded one. Another compiler may name another function for the
 * same call (inlining, tail calls), so the rule alone is better than nothing. */
enum likeness { UNLIKE, SAME_RULE, SAME_FINDING };

static enum likeness compare(const struct ft_verdict *recorded, const struct ft_verdict *now)
{
    if (ft_same_finding(recorded, now)) {
        return SAME_FINDING;
    }
    return recorded->kind == now->kind && recorded->finding_count != 0 && now->finding_count != 0 &&
                   recorded->finding[0].rule == now->finding[0].rule
               ? SAME_RULE
               : UNLIKE;
}

/* What the runs so far have given. */
struct best {
    enum likeness likeness;
    unsigned op; /* 1 is the first */
    struct ft_trace trace;
};

/* One run with one number moved. */
static enum ft_status try(const struct ft_module *module, const struct ft_trace *recorded,
                          const struct ft_scenario *scenario, unsigned op,
                          const struct ft_execute_options *options, struct best *best,
                          struct ft_error *error)
{
    struct ft_trace trace;
    enum ft_status status = ft_execute(module, scenario, options, &trace, error);
    enum likeness likeness;

    if (status != FT_OK) {
        return status;
    }
    likeness = compare(&recorded->verdict, &trace.verdict);
    if (likeness <= best->likeness) {
        ft_trace_free(&trace);
        return FT_OK;
    }
    if (best->likeness != UNLIKE) {
        ft_trace_free(&best->trace);
    }
    *best = (struct best){likeness, op, trace};
    return FT_OK;
}

enum ft_status ft_replay_near(const struct ft_module *module, const struct ft_trace *recorded,
                              const struct ft_execute_options *options, struct ft_trace *ret,
                              unsigned *moved, struct ft_error *error)
{
    struct best best = {.likeness = UNLIKE};
    enum ft_status status = FT_OK;

    for (int step = 0; step < 2 * FT_NEAR; step++) {
        int by = step % 2 == 0 ? step / 2 + 1 : -(step / 2 + 1);

        for (unsigned i = 0; i < recorded->scenario.op_count * NUMBERS_OF_OP; i++) {
            struct ft_scenario scenario = recorded->scenario;
            unsigned op = i / NUMBERS_OF_OP;

            if (status == FT_OK && best.likeness != SAME_FINDING &&
                move(&scenario.op[op], i % NUMBERS_OF_OP, by)) {
                status = try(module, recorded, &scenario, op + 1, options, &best, error);
            }
        }
    }
    if (status != FT_OK && best.likeness != UNLIKE) {
        ft_trace_free(&best.trace);
    }
    *moved = status == FT_OK ? best.op : 0;
    if (*moved != 0) {
        *ret = best.trace;
    }
    return status;
}
