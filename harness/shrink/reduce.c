/* The reducer. */
#include "shrink/reduce.h"
#include "scenario/scenario_codec.h"
#include "scenario/scenario_parts.h"
#include "shrink/simpler.h"

#include <string.h>
#include <xxhash.h>

enum { SEEN = 1 << 14, SEEN_PROBES = 8, BYTES_MAX = 4096 };

struct search {
    struct ft_reduce *reduce;
    bool stopped;
    uint64_t no[SEEN]; /* scenarios that the answer was no for; 0: free */
};

static uint64_t *find_seen(struct search *search, const struct ft_scenario *scenario, uint64_t *key)
{
    uint8_t bytes[BYTES_MAX];
    size_t length = ft_scenario_encode(scenario, bytes, sizeof bytes);

    *key = XXH3_64bits(bytes, length < sizeof bytes ? length : sizeof bytes) | 1;
    for (unsigned probe = 0; probe < SEEN_PROBES; probe++) {
        uint64_t *place = &search->no[(*key / 2 + probe) % SEEN];

        if (*place == 0 || *place == *key)
            return place;
    }
    return &search->no[*key / 2 % SEEN];
}

static bool ask(struct search *search, const struct ft_scenario *candidate)
{
    struct ft_reduce *reduce = search->reduce;
    enum ft_answer answer;

    if (search->stopped || ft_scenario_equal(candidate, &reduce->best))
        return false;
    answer = reduce->ask(reduce->context, candidate);
    search->stopped = answer == FT_ANSWER_STOP;
    if (answer == FT_ANSWER_YES)
        reduce->best = *candidate;
    return answer == FT_ANSWER_YES;
}

/* Takes the candidate as the best when the answer is yes. The same question is not asked twice. */
static bool try_once(struct search *search, const struct ft_scenario *candidate)
{
    uint64_t key, *place = find_seen(search, candidate, &key);

    if (*place == key)
        return false;
    if (ask(search, candidate))
        return true;
    if (!search->stopped)
        *place = key;
    return false;
}

/* ---- ops ---- */

/* Chunks from the end: what comes after the defect goes at once. */
static bool remove_chunks(struct search *search, unsigned size)
{
    struct ft_scenario *best = &search->reduce->best;
    bool changed = false;

    for (unsigned end = best->op_count; end > 0;) {
        struct ft_scenario candidate = *best;
        unsigned count = end < size ? end : size;

        ft_remove_ops(&candidate, end - count, count);
        changed |= try_once(search, &candidate);
        end -= count;
    }
    return changed;
}

static bool remove_pairs(struct search *search)
{
    struct ft_scenario *best = &search->reduce->best;
    bool changed = false;

    if (best->op_count > FT_PAIR_OPS)
        return false;
    for (unsigned i = best->op_count; i-- > 1;)
        for (unsigned j = i < best->op_count ? i : best->op_count; j-- > 0;) {
            struct ft_scenario candidate = *best;

            if (i >= candidate.op_count)
                break;
            ft_remove_ops(&candidate, i, 1);
            ft_remove_ops(&candidate, j, 1);
            changed |= try_once(search, &candidate);
        }
    return changed;
}

static bool remove_ops(struct search *search)
{
    bool changed = false;

    for (unsigned size = search->reduce->best.op_count; size > 1; size = (size + 1) / 2)
        changed |= remove_chunks(search, size);
    while (remove_chunks(search, 1))
        changed = true;
    while (remove_pairs(search))
        changed = true;
    return changed;
}

/* ---- fields: of each list the first that works, and again from there ---- */

static bool simplify_platform(struct search *search)
{
    struct ft_platform list[FT_SIMPLER_MAX];
    unsigned count = ft_simpler_platforms(&search->reduce->best.platform, list);

    for (unsigned i = 0; i < count; i++) {
        struct ft_scenario candidate = search->reduce->best;

        candidate.platform = list[i];
        if (try_once(search, &candidate))
            return true;
    }
    return false;
}

static bool simplify_moment(struct search *search, unsigned op)
{
    struct ft_moment list[FT_SIMPLER_MAX];
    unsigned count = ft_simpler_moments(&search->reduce->best.op[op], list);

    for (unsigned i = 0; i < count; i++) {
        struct ft_scenario candidate = search->reduce->best;

        candidate.op[op].moment = list[i];
        if (try_once(search, &candidate))
            return true;
    }
    return false;
}

static bool simplify_argument(struct search *search, unsigned op, unsigned argument)
{
    uint16_t list[FT_SIMPLER_MAX];
    unsigned count = ft_simpler_values(&search->reduce->best.op[op], argument, list);

    for (unsigned i = 0; i < count; i++) {
        struct ft_scenario candidate = search->reduce->best;

        candidate.op[op].arg[argument] = list[i];
        if (try_once(search, &candidate))
            return true;
    }
    return false;
}

static bool simplify_labels(struct search *search)
{
    struct ft_scenario candidate;
    bool changed = false;

    for (unsigned i = 0; i < search->reduce->best.op_count; i++) {
        candidate = search->reduce->best;
        if (!ft_label_is_unused(&candidate, i))
            continue;
        candidate.op[i].label = 0;
        changed |= try_once(search, &candidate);
    }
    candidate = search->reduce->best;
    if (ft_labels_in_order(&candidate))
        changed |= try_once(search, &candidate);
    return changed;
}

static bool simplify_fields(struct search *search)
{
    bool changed = false;

    while (simplify_platform(search))
        changed = true;
    for (unsigned i = 0; i < search->reduce->best.op_count; i++) {
        while (simplify_moment(search, i))
            changed = true;
        for (unsigned a = 0; a < FT_OP_ARGS_MAX; a++)
            while (simplify_argument(search, i, a))
                changed = true;
    }
    return simplify_labels(search) || changed;
}

/* The last pass trusts no memory of earlier answers. */
static bool visit(void *context, const struct ft_scenario *simpler)
{
    struct search *search = context;

    return ask(search, simpler) || search->stopped;
}

void ft_reduce(struct ft_reduce *reduce)
{
    struct search search = {.reduce = reduce};
    bool changed = true;

    reduce->minimal = false;
    while (changed && !search.stopped) {
        struct ft_scenario settled;

        while (remove_ops(&search) || simplify_fields(&search))
            ;
        settled = reduce->best;
        changed = ft_simpler_each(&settled, visit, &search);
    }
    reduce->minimal = !search.stopped;
}
