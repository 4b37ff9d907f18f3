/* Pairs: two disturbances, near ones first. A unit is a first disturbance (a cell of the sweep that
 * ran clean) and a ring of distances behind it; a cell is a place in that ring and a second one.
 *
 * The rings are 1, 2, 3-4, 5-8, … places behind the first: each costs as much as all before it. */
#include "explore/explore.h"

struct pair {
    struct ft_worker *worker;
    struct ft_decision first;
    struct ft_scenario scenario; /* with the first disturbance */
    const struct ft_place *place;
    unsigned disturbance;
    bool saved; /* slot 1 is a moment of the run with the first one */
};

void ft_pairs_ring(uint64_t unit, uint64_t live_count, uint64_t *from, uint64_t *to)
{
    uint64_t ring = unit / live_count;

    *to = 1ULL << ring;
    *from = ring == 0 ? 1 : *to / 2 + 1;
}

static uint64_t units(const struct ft_explore *explore)
{
    uint64_t rings = 1;

    while (1ULL << rings <= FT_RING_PLACES && 1ULL << (rings - 1) < explore->place_count)
        rings++;
    return explore->live_count * rings;
}

static bool begin(struct pair *pair, uint64_t unit)
{
    const struct ft_explore *explore = pair->worker->explore;
    uint32_t cell = explore->live[unit % explore->live_count];

    pair->place = &explore->place[cell / explore->disturbance_count];
    pair->disturbance = cell % explore->disturbance_count;
    pair->saved = false;
    pair->first.place = pair->place->number;
    return ft_disturbance_at(&explore->disturbance[pair->disturbance], pair->place,
                             &explore->flights, &pair->first.op) &&
           ft_place_insert(&explore->base, pair->place, &pair->first.op, &pair->scenario);
}

/* The places behind the first disturbance, as many as the ring needs. Returns how many there are.
 */
static uint64_t look_behind(struct pair *pair, uint64_t count)
{
    struct ft_worker *worker = pair->worker;
    struct ft_walk *walk = &worker->walk;

    if (!ft_worker_go(worker, pair->place, &pair->first, 1))
        return 0;
    ft_walk_record(walk, worker->passed, count, pair->place->number + 1);
    while (walk->passed_count < count && ft_walk_step(walk))
        ;
    ft_places_name(worker->passed, walk->passed_count, worker->place);
    return walk->passed_count;
}

/* Stands in front of the second place (slot 1), both decisions taken: the first has struck, or is
 * about to. */
static bool go(struct pair *pair, const struct ft_place *place, const struct ft_decision *both)
{
    struct ft_worker *worker = pair->worker;

    if (!pair->saved) {
        if (!ft_worker_go(worker, pair->place, &pair->first, 1))
            return false;
        ft_walk_save(&worker->walk, 1);
        pair->saved = true;
    }
    return ft_walk_stand(&worker->walk, 1, &place->stand, &pair->first, 1) &&
           ft_walk_stand(&worker->walk, 1, &place->stand, both, 2);
}

/* The undisturbed run says what was in flight when the first one struck. */
static bool second_at(const struct pair *pair, const struct ft_place *place, unsigned second,
                      struct ft_op *ret)
{
    const struct ft_explore *explore = pair->worker->explore;
    const struct ft_disturbance *disturbance = &explore->disturbance[second];
    struct ft_place then = *place;

    then.events = pair->place->events;
    if (ft_disturbance_at(disturbance, &then, &explore->flights, ret))
        return true;
    ret->arg[0] = place->moment.target;
    return disturbance->whom == FT_WHOM_HERE && ret->arg[0] != 0;
}

static void tally(struct ft_seat *seat, unsigned first, unsigned second)
{
    const struct ft_cell *cell = &seat->spare;

    if (cell->state != FT_CELL_RUN)
        return;
    seat->pair_runs[first][second]++;
    if (cell->verdict == FT_VERDICT_CLEAN || seat->pair_kind[first][second] != 0)
        return;
    seat->pair_kind[first][second] = cell->verdict;
    seat->pair_rule[first][second] = cell->rule;
}

static void run_pair(struct pair *pair, const struct ft_place *place, unsigned second,
                     uint32_t number)
{
    struct ft_worker *worker = pair->worker;
    struct ft_decision both[2] = {pair->first, {.place = place->number}};
    struct ft_scenario scenario;

    if (!second_at(pair, place, second, &both[1].op) ||
        !ft_place_insert(&pair->scenario, place, &both[1].op, &scenario))
        return;
    ft_worker_announce(worker, number, place->site, &scenario, &worker->seat->spare);
    if (!go(pair, place, both))
        return;
    ft_worker_finish(worker);
    tally(worker->seat, pair->disturbance, second);
}

static void run(struct ft_worker *worker, uint64_t unit, uint32_t from)
{
    const struct ft_explore *explore = worker->explore;
    struct pair pair = {.worker = worker};
    uint64_t first, last, count;

    if (!begin(&pair, unit))
        return;
    ft_pairs_ring(unit, explore->live_count, &first, &last);
    count = look_behind(&pair, last);
    for (uint64_t i = first - 1; i < count; i++)
        for (unsigned second = 0; second < explore->disturbance_count; second++) {
            uint32_t number = (uint32_t)i * explore->disturbance_count + second;

            if (ft_worker_stopped(worker))
                return;
            if (number >= from)
                run_pair(&pair, &worker->place[i], second, number);
        }
}

const struct ft_strategy ft_strategy_pairs = {
    .name = "pairs", .places = true, .units = units, .run = run};
