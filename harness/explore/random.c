/* Random: scenarios drawn from consecutive seeds. A unit is a block of seeds, a cell one seed. */
#include "explore/explore.h"
#include "scenario/scenario_codec.h"

#include <string.h>

enum { SEEDS = 64 };

static uint64_t units(const struct ft_explore *explore)
{
    return (explore->seeds + SEEDS - 1) / SEEDS;
}

static void run(struct ft_worker *worker, uint64_t unit, uint32_t from)
{
    const struct ft_explore *explore = worker->explore;

    for (uint32_t i = from; i < SEEDS && !ft_worker_stopped(worker); i++) {
        uint64_t seed = unit * SEEDS + i;
        struct ft_scenario scenario;
        struct ft_run_options options = {.scenario = &scenario};
        struct ft_walk_end end;

        if (seed >= explore->seeds)
            return;
        ft_scenario_random_for(explore->seed + seed, explore->platform,
                               ft_takes(explore->module->description), &scenario);
        ft_worker_announce(worker, i, 0, &scenario, &worker->seat->spare);
        memset(&end, 0, sizeof end);
        ft_session_run(&worker->walk.session, &options, &end.result, &end.verdict);
        ft_worker_note(worker, &end);
    }
}

const struct ft_strategy ft_strategy_random = {.name = "random", .units = units, .run = run};
