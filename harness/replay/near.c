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

/* One run with that number moved. *found: it ended with the recorded finding, and *ret is its
 * trace. */
static enum ft_status try(const struct ft_module *module, const struct ft_trace *recorded,
                          const struct ft_scenario *scenario,
                          const struct ft_execute_options *options, struct ft_trace *ret,
                          bool *found, struct ft_error *error)
{
    enum ft_status status = ft_execute(module, scenario, options, ret, error);

    *found = status == FT_OK && ft_same_finding(&recorded->verdict, &ret->verdict);
    if (status == FT_OK && !*found) {
        ft_trace_free(ret);
    }
    return status;
}

enum ft_status ft_replay_near(const struct ft_module *module, const struct ft_trace *recorded,
                              const struct ft_execute_options *options, struct ft_trace *ret,
                              unsigned *moved, struct ft_error *error)
{
    enum ft_status status = FT_OK;
    bool found = false;

    *moved = 0;
    for (int step = 0; step < 2 * FT_NEAR && !found && status == FT_OK; step++) {
        int by = step % 2 == 0 ? step / 2 + 1 : -(step / 2 + 1);

        for (unsigned i = 0; i < recorded->scenario.op_count * NUMBERS_OF_OP; i++) {
            struct ft_scenario scenario = recorded->scenario;

            if (!move(&scenario.op[i / NUMBERS_OF_OP], i % NUMBERS_OF_OP, by)) {
                continue;
            }
            status = try(module, recorded, &scenario, options, ret, &found, error);
            if (found || status != FT_OK) {
                *moved = found ? i / NUMBERS_OF_OP + 1 : 0;
                break;
            }
        }
    }
    return status;
}
