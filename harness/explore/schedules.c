#include "explore/schedules.h"

#include "sim/turns.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 14 };

/* ---- states ---- */

static uint64_t key_of(uint64_t digest, unsigned left)
{
    uint64_t key = (digest ^ left * 0x9E3779B97F4A7C15ULL) * 0xBF58476D1CE4E5B9ULL;

    return key ^ key >> 31 ? key ^ key >> 31 : 1;
}

static bool is_there(const struct ft_states *states, uint64_t key)
{
    uint64_t i = key % FT_STATES, held;

    while ((held = __atomic_load_n(&states->slot[i], __ATOMIC_RELAXED)) != 0) {
        if (held == key)
            return true;
        i = (i + 1) % FT_STATES;
    }
    return false;
}

/* False: somebody else put it there, or the table is full and every run goes to its end. */
static bool put(struct ft_states *states, uint64_t key)
{
    uint64_t i = key % FT_STATES, free_slot = 0;

    if (__atomic_load_n(&states->count, __ATOMIC_RELAXED) > FT_STATES / 4 * 3)
        return true;
    while (!__atomic_compare_exchange_n(&states->slot[i], &free_slot, key, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
        if (free_slot == key)
            return false;
        free_slot = 0;
        i = (i + 1) % FT_STATES;
    }
    __atomic_fetch_add(&states->count, 1, __ATOMIC_RELAXED);
    return true;
}

bool ft_states_meet(struct ft_states *states, uint64_t digest, unsigned left, unsigned most)
{
    for (unsigned more = left + 1; more <= most; more++)
        if (is_there(states, key_of(digest, more)))
            return true;
    return !put(states, key_of(digest, left));
}

/* ---- a schedule as ops ---- */

bool ft_schedule_write(const struct ft_scenario *scenario, const struct ft_pick *pick,
                       unsigned count, struct ft_scenario *ret)
{
    *ret = *scenario;
    if (ret->op_count + count > FT_OPS_MAX)
        return false;
    for (unsigned i = 0; i < count; i++)
        ret->op[ret->op_count++] =
            (struct ft_op){.kind = FT_OP_PICK, .arg = {pick[i].turn, pick[i].which}};
    return true;
}

/* ---- runs ---- */

bool ft_schedules_open(struct ft_schedules *schedules)
{
    struct ft_run_options options = {.scenario = schedules->scenario};

    struct ft_run_result result;

    schedules->turns = calloc(1, sizeof *schedules->turns);
    if (!schedules->turns)
        return false;
    options.turns = schedules->turns;
    ft_session_run(schedules->session, &options, &result, NULL); /* START is saved by it */
    schedules->count = 0;
    schedules->stopped = schedules->full = false;
    ft_world_begin(schedules->session->world, &options);
    ft_world_save(schedules->session->world, 0);
    return true;
}

void ft_schedules_close(struct ft_schedules *schedules)
{
    free(schedules->turns);
    schedules->turns = NULL;
}

/* A save point, and how far it is. */
struct stand {
    unsigned slot, picks;
    uint32_t turns; /* behind it */
};

static void restore(struct ft_schedules *schedules, const struct stand *from)
{
    struct ft_world *world = schedules->session->world;

    ft_world_restore(world, from->slot);
    schedules->turns->count = ft_world_turns(world);
    for (unsigned i = from->picks; i < schedules->count; i++)
        if (!ft_world_pick(world, schedules->pick[i].turn, schedules->pick[i].which))
            schedules->full = true;
}

static unsigned left_of(const struct ft_schedules *schedules)
{
    unsigned left = schedules->preemptions;

    for (unsigned i = 0; i < schedules->count; i++)
        left -= schedules->pick[i].preempts;
    return left;
}

static bool meets_another(struct ft_schedules *schedules)
{
    if (!schedules->merge || !ft_world_turned(schedules->session->world))
        return false;
    return ft_states_meet(schedules->merge, ft_world_digest(schedules->session->world),
                          left_of(schedules), schedules->preemptions);
}

/* One run, to its end or to a state that was met; behind its last pick it is saved. *end: the turns
 * that are its own. */
static void run_one(struct ft_schedules *schedules, const struct stand *from, struct stand *here,
                    uint32_t *end)
{
    struct ft_world *world = schedules->session->world;
    uint32_t last = schedules->count ? schedules->pick[schedules->count - 1].turn : 0, compared = 0;
    struct ft_run_result result;
    struct ft_verdict verdict = {.kind = FT_VERDICT_CLEAN};
    bool merged = false, saved = schedules->count == 0;

    *here = *from;
    restore(schedules, from);
    schedules->repeated += schedules->turns->count;
    while (!merged && ft_world_step(world)) {
        uint32_t turns = ft_world_turns(world);

        if (!saved && turns >= last) {
            saved = true;
            if (from->slot + 1 < SLOTS) {
                *here = (struct stand){from->slot + 1, schedules->count, turns};
                ft_world_save(world, here->slot);
            }
        }
        if (saved && turns != compared) {
            compared = turns;
            merged = meets_another(schedules);
        }
    }
    *end = schedules->turns->count;
    schedules->steps += *end;
    ft_world_finish(world, &result);
    if (!merged)
        ft_session_verdict(schedules->session, &result, &verdict);
    schedules->ended(schedules->context, merged, &result, &verdict, schedules->turns);
}

static void run_all(struct ft_schedules *schedules, const struct stand *from, bool alone);

/* The schedules that differ from the one that just ran at a later turn. */
static void run_later(struct ft_schedules *schedules, const struct stand *from,
                      const struct stand *here, uint32_t begin, uint32_t end)
{
    unsigned left = left_of(schedules);
    struct ft_turn *own = malloc((end - begin + 1) * sizeof *own);

    if (!own) {
        schedules->full = true;
        return;
    }
    memcpy(own, &schedules->turns->turn[begin], (end - begin) * sizeof *own);
    for (uint32_t i = 0; i < end - begin && !schedules->stopped; i++)
        for (unsigned which = 1; which < own[i].count && !schedules->stopped; which++) {
            bool preempts = own[i].running != 0;

            if (preempts && left == 0)
                break;
            if (schedules->count == FT_SCHEDULE_PICKS) {
                schedules->full = true;
                break;
            }
            schedules->pick[schedules->count++] =
                (struct ft_pick){(uint16_t)(begin + i + 1), (uint8_t)which, preempts};
            run_all(schedules, begin + i + 1 > here->turns ? here : from, false);
            schedules->count--;
        }
    free(own);
}

static void run_all(struct ft_schedules *schedules, const struct stand *from, bool alone)
{
    uint32_t begin = schedules->count ? schedules->pick[schedules->count - 1].turn : 0, end;
    struct stand here;

    if (!schedules->begins(schedules->context, schedules->pick, schedules->count)) {
        schedules->stopped = true;
        return;
    }
    run_one(schedules, from, &here, &end);
    if (!alone && end > begin)
        run_later(schedules, from, &here, begin, end);
}

void ft_schedules_run(struct ft_schedules *schedules, const struct ft_pick *pick, unsigned count,
                      bool alone)
{
    struct stand start = {0, 0, 0};

    for (unsigned i = 0; i < count; i++)
        schedules->pick[i] = pick[i];
    schedules->count = count;
    schedules->stopped = false;
    run_all(schedules, &start, alone);
}
