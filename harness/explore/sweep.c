/* Sweep: each disturbance at each place of a run, one at a time. A unit is a place, a cell a
 * disturbance. */
#include "explore/explore.h"

static uint64_t units(const struct ft_explore *explore)
{
    return explore->place_count;
}

static void run(struct ft_worker *worker, uint64_t unit, uint32_t from)
{
    const struct ft_explore *explore = worker->explore;
    const struct ft_place *place = &explore->place[unit];

    for (unsigned i = from; i < explore->disturbance_count && !ft_worker_stopped(worker); i++) {
        struct ft_cell *cell = ft_explore_cell(explore, unit, i);
        struct ft_decision decision = {.place = place->number};
        struct ft_scenario scenario;

        if (!ft_disturbance_at(&explore->disturbance[i], place, &explore->flights, &decision.op) ||
            !ft_place_insert(&explore->base, place, &decision.op, &scenario)) {
            cell->state = FT_CELL_ABSENT;
            continue;
        }
        ft_worker_announce(worker, i, place->site, &scenario, cell);
        if (!ft_worker_go(worker, place, &decision, 1))
            return;
        ft_worker_finish(worker);
    }
}

const struct ft_strategy ft_strategy_sweep = {
    .name = "sweep", .places = true, .units = units, .run = run};
