/* A simple shrink: greedy, one change at a time, to a fixed point. Kept is what gives the same
 * finding. */
#include "replay/execute.h"
#include "scenario/scenario_parts.h"

#include <string.h>

struct shrink {
    const struct ft_module *module;
    const struct ft_verdict *wanted;
    struct ft_scenario best;
    uint32_t runs;
    struct ft_error *error;
    enum ft_status status;
};

static bool try_scenario(struct shrink *shrink, const struct ft_scenario *candidate)
{
    static const struct ft_execute_options options = {.cpu_seconds = 3};
    struct ft_trace trace;
    bool same;

    if (shrink->status != FT_OK || ft_scenario_equal(candidate, &shrink->best))
        return false;
    shrink->runs++;
    shrink->status = ft_execute(shrink->module, candidate, &options, &trace, shrink->error);
    if (shrink->status != FT_OK)
        return false;
    same = ft_same_finding(&trace.verdict, shrink->wanted);
    ft_trace_free(&trace);
    if (same)
        shrink->best = *candidate;
    return same;
}

static bool remove_ops(struct shrink *shrink)
{
    bool changed = false;

    for (unsigned i = shrink->best.op_count; i-- > 0;) {
        struct ft_scenario candidate = shrink->best;

        memmove(&candidate.op[i], &candidate.op[i + 1],
                (candidate.op_count - i - 1u) * sizeof *candidate.op);
        candidate.op_count--;
        memset(&candidate.op[candidate.op_count], 0, sizeof *candidate.op);
        changed |= try_scenario(shrink, &candidate);
    }
    return changed;
}

/* Halves an argument as long as that works, then takes one off. */
static bool lower_arguments(struct shrink *shrink)
{
    bool changed = false;

    for (unsigned i = 0; i < shrink->best.op_count; i++)
        for (unsigned a = 0; a < FT_OP_ARGS_MAX; a++) {
            struct ft_scenario candidate;

            do {
                candidate = shrink->best;
                candidate.op[i].arg[a] /= 2;
            } while (try_scenario(shrink, &candidate) && (changed = true));
            do {
                candidate = shrink->best;
                if (candidate.op[i].arg[a] == 0 || candidate.op[i].arg[a] > 64)
                    break;
                candidate.op[i].arg[a]--;
            } while (try_scenario(shrink, &candidate) && (changed = true));
        }
    return changed;
}

static bool simplify_moments(struct shrink *shrink)
{
    bool changed = false;

    for (unsigned i = 0; i < shrink->best.op_count; i++) {
        struct ft_scenario candidate = shrink->best;

        memset(&candidate.op[i].moment, 0, sizeof candidate.op[i].moment);
        changed |= try_scenario(shrink, &candidate);
        while (shrink->best.op[i].moment.count > 1) {
            candidate = shrink->best;
            candidate.op[i].moment.count--;
            if (!try_scenario(shrink, &candidate))
                break;
            changed = true;
        }
        candidate = shrink->best;
        candidate.op[i].moment.accesses = 0;
        changed |= try_scenario(shrink, &candidate);
    }
    return changed;
}

static bool simplify_platform(struct shrink *shrink)
{
    struct ft_scenario candidate = shrink->best;
    bool changed;

    ft_platform_preset(FT_PLATFORM_COHERENT, &candidate.platform);
    changed = try_scenario(shrink, &candidate);
    candidate = shrink->best;
    ft_platform_preset(shrink->best.platform.preset, &candidate.platform);
    return try_scenario(shrink, &candidate) || changed;
}

enum ft_status ft_shrink(const struct ft_module *module, const struct ft_trace *trace,
                         struct ft_scenario *ret, uint32_t *runs, struct ft_error *error)
{
    struct shrink shrink = {.module = module, .wanted = &trace->verdict, .error = error};
    bool changed = true;

    shrink.best = trace->scenario;
    while (changed && shrink.status == FT_OK) {
        changed = remove_ops(&shrink);
        changed |= simplify_platform(&shrink);
        changed |= simplify_moments(&shrink);
        changed |= lower_arguments(&shrink);
    }
    if (shrink.status != FT_OK)
        return shrink.status;
    *ret = shrink.best;
    *runs = shrink.runs;
    return FT_OK;
}
