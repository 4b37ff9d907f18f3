/* exhaustive:K, all schedules with at most K preemptions (schedules.h). A unit is one turn at which
 * a schedule differs from the usual one for the first time, and what goes on there; its cells are
 * the schedules behind it. */
#include "explore/explore.h"
#include "explore/schedules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct ft_exhaustive {
    struct ft_tally tally;
    struct ft_states states;
    uint32_t units;
    struct ft_pick unit[FT_TURNS_MAX * 4];
};

/* What a worker keeps between units. */
static struct {
    struct ft_schedules schedules;
    struct ft_scenario scenario;
    struct ft_worker *worker;
    uint32_t cell, from;
    uint64_t steps, repeated;
    bool open, replays;
} mine;

static bool has_moments(const struct ft_scenario *scenario)
{
    for (unsigned i = 0; i < scenario->op_count; i++)
        if (scenario->op[i].moment.count != 0)
            return true;
    return false;
}

/* ---- in a worker ---- */

static void add_one(uint32_t *to)
{
    __atomic_fetch_add(to, 1, __ATOMIC_RELAXED);
}

static bool begins(void *context, const struct ft_pick *pick, unsigned count)
{
    struct ft_worker *worker = context;
    struct ft_scenario scenario;

    mine.replays = mine.cell < mine.from;
    if (ft_worker_stopped(worker))
        return false;
    if (!ft_schedule_write(&mine.scenario, pick, count, &scenario)) {
        add_one(&worker->explore->exhaustive->tally.full);
        scenario = mine.scenario;
    }
    ft_worker_announce(worker, mine.cell++, 0, &scenario, &worker->seat->spare);
    return true;
}

static void add(uint64_t *to, uint64_t value)
{
    __atomic_fetch_add(to, value, __ATOMIC_RELAXED);
}

static void ended(void *context, bool merged, const struct ft_run_result *result,
                  const struct ft_verdict *verdict, const struct ft_turns *turns)
{
    struct ft_worker *worker = context;
    struct ft_tally *tally = &worker->explore->exhaustive->tally;
    struct ft_walk_end end = {.result = *result, .verdict = *verdict};

    ft_tally_run(tally, turns, result);
    add(&tally->same, merged);
    add(&tally->passed, mine.schedules.steps - mine.steps);
    add(&tally->restored, mine.schedules.repeated - mine.repeated);
    mine.steps = mine.schedules.steps;
    mine.repeated = mine.schedules.repeated;
    ft_worker_note(worker, &end);
}

static bool open_here(struct ft_worker *worker)
{
    const struct ft_explore *explore = worker->explore;

    if (mine.open)
        return true;
    mine.worker = worker;
    mine.scenario = explore->base;
    memmove(&mine.scenario.op[1], &mine.scenario.op[0],
            mine.scenario.op_count * sizeof *mine.scenario.op);
    mine.scenario.op[0] =
        (struct ft_op){.kind = FT_OP_ORDER, .arg = {0, (uint16_t)explore->points}};
    mine.scenario.op_count++;
    mine.schedules = (struct ft_schedules){.session = &worker->walk.session,
                                           .scenario = &mine.scenario,
                                           .preemptions = explore->depth,
                                           .merge = &explore->exhaustive->states,
                                           .context = worker,
                                           .begins = begins,
                                           .ended = ended};
    mine.open = ft_schedules_open(&mine.schedules);
    return mine.open;
}

/* The usual schedule tells where others can begin to differ. */
static void run_usual(struct ft_exhaustive *all, unsigned preemptions)
{
    const struct ft_turns *turns = mine.schedules.turns;

    mine.schedules.merge = NULL;
    ft_schedules_run(&mine.schedules, NULL, 0, true);
    for (uint32_t t = 0; t < turns->count; t++)
        for (unsigned which = 1; which < turns->turn[t].count; which++) {
            bool preempts = turns->turn[t].running != 0;

            if (preempts && preemptions == 0)
                continue;
            if (all->units == sizeof all->unit / sizeof *all->unit) {
                all->tally.full++;
                return;
            }
            all->unit[all->units++] = (struct ft_pick){(uint16_t)(t + 1), (uint8_t)which, preempts};
        }
}

static void run(struct ft_worker *worker, uint64_t number, uint32_t from)
{
    const struct ft_explore *explore = worker->explore;
    struct ft_exhaustive *all = explore->exhaustive;

    if (from !=
        0) { /* what its process died of is a finding; the rest of the unit is not covered */
        add_one(&all->tally.broken);
        return;
    }
    if (!open_here(worker)) {
        add_one(&all->tally.broken);
        return;
    }
    mine.cell = 0;
    if (explore->phase == 0)
        run_usual(all, explore->depth);
    else
        ft_schedules_run(&mine.schedules, &all->unit[number], 1, false);
    if (mine.schedules.full)
        add_one(&all->tally.full);
    mine.schedules.full = false;
}

/* ---- here ---- */

static void certify(struct ft_explore *explore, bool done)
{
    struct ft_certificate *certificate = &explore->certificate;
    struct ft_tally *tally = &explore->exhaustive->tally;
    const char *objection;

    ft_past_add(explore, tally);
    objection = ft_tally_objection(tally);

    *certificate = (struct ft_certificate){
        .exhaustive = true,
        .bound = explore->depth,
        .points = explore->points,
        .chains = tally->chains,
        .turns = tally->turns,
        .schedules = tally->schedules,
        .same = tally->same,
        .restored = tally->passed ? (double)tally->restored / (double)tally->passed : 0,
        .probability = done ? 1 : 0,
        .scenario = ft_scenario_hash(&explore->base),
        .seconds = ft_past_seconds(explore)};
    if (explore->from && !explore->past)
        objection = FT_OBJECTION_RESUMED;
    if (ft_past_found(explore))
        objection = FT_OBJECTION_FINDINGS;
    if (!done)
        objection = "stopped before every schedule was run";
    if (objection)
        snprintf(certificate->why, sizeof certificate->why, "%s", objection);
    certificate->given = !objection;
}

static enum ft_status drive(struct ft_explore *explore, struct ft_error *error)
{
    struct ft_exhaustive *all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint64_t from = explore->from;
    bool done;

    if (all == MAP_FAILED)
        return ft_fail(error, FT_NO_MEMORY, 0, "the schedules");
    explore->exhaustive = all;
    if (has_moments(&explore->base))
        return ft_fail(error, FT_USAGE, 0, "exhaustive takes scenarios without moments");
    done = ft_explore_phase(explore, 0, 0, 1);
    if (done)
        done = ft_explore_phase(explore, 1, from, all->units);
    else
        explore->resume = from;
    certify(explore, done);
    return FT_OK;
}

void ft_exhaustive_free(struct ft_explore *explore)
{
    if (explore->exhaustive)
        munmap(explore->exhaustive, sizeof *explore->exhaustive);
    explore->exhaustive = NULL;
}

const struct ft_strategy ft_strategy_exhaustive = {
    .name = "exhaustive", .run = run, .drive = drive};
