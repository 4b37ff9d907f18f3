#include "explore/certificate.h"

#include "scenario/scenario_codec.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static void raise_to(uint32_t *most, uint32_t value)
{
    uint32_t old = __atomic_load_n(most, __ATOMIC_RELAXED);

    while (old < value && !__atomic_compare_exchange_n(most, &old, value, true, __ATOMIC_RELAXED,
                                                       __ATOMIC_RELAXED))
        ;
}

static uint32_t turns_of_chains(const struct ft_turns *turns)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < turns->count; i++)
        count += turns->turn[i].running != 0;
    return count;
}

void ft_tally_run(struct ft_tally *tally, const struct ft_turns *turns,
                  const struct ft_run_result *result)
{
    __atomic_fetch_add(&tally->schedules, 1, __ATOMIC_RELAXED);
    raise_to(&tally->chains, turns->chains);
    raise_to(&tally->turns, turns_of_chains(turns));
    if (turns->demoted)
        __atomic_fetch_add(&tally->demoted, 1, __ATOMIC_RELAXED);
    if (turns->lost)
        __atomic_fetch_add(&tally->lost, 1, __ATOMIC_RELAXED);
    if (result->stop == FT_STOP_CUT)
        __atomic_fetch_add(&tally->cut, 1, __ATOMIC_RELAXED);
}

void ft_tally_add(struct ft_tally *to, const struct ft_tally *past)
{
    to->schedules += past->schedules;
    to->same += past->same;
    to->passed += past->passed;
    to->restored += past->restored;
    raise_to(&to->chains, past->chains);
    raise_to(&to->turns, past->turns);
    to->demoted += past->demoted;
    to->lost += past->lost;
    to->cut += past->cut;
    to->full += past->full;
    to->broken += past->broken;
}

const char *ft_tally_objection(const struct ft_tally *tally)
{
    if (tally->demoted)
        return "a task polled so long that its priority had to be lowered";
    if (tally->lost)
        return "a run had more turns or chains than can be written down";
    if (tally->cut)
        return "a run was cut short by the limit of steps";
    if (tally->full)
        return "a schedule needs more ops than a scenario has";
    if (tally->broken)
        return "a worker was lost, and with it part of its schedules";
    return NULL;
}

uint64_t ft_scenario_hash(const struct ft_scenario *scenario)
{
    char text[8192];
    size_t length = ft_scenario_print(scenario, text, sizeof text);

    return XXH3_64bits(text, length < sizeof text ? length : sizeof text);
}
