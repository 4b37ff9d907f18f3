#include "explore/explore_walk.h"

#include <string.h>

static bool records(const struct ft_walk *walk)
{
    return walk->passed && walk->passed_count < walk->passed_capacity;
}

/* Being asked costs time, so we are asked no earlier than something is to be done. */
static void plan(struct ft_walk *walk, uint64_t behind)
{
    uint64_t next = records(walk) ? walk->passed_from : UINT64_MAX;

    for (unsigned i = 0; i < walk->decision_count; i++)
        if (walk->decision[i].place > behind && walk->decision[i].place < next)
            next = walk->decision[i].place;
    if (walk->park_at > behind && walk->park_at < next)
        next = walk->park_at;
    walk->chooser.ask_from = next;
}

static enum ft_choice at_point(void *context, const struct ft_here *here, struct ft_op *ret)
{
    struct ft_walk *walk = context;
    bool strikes = false;

    if (here->place == walk->park_at) {
        walk->park_at = 0;
        walk->parked = true;
        return FT_CHOICE_PARK;
    }
    if (records(walk) && here->place >= walk->passed_from)
        walk->passed[walk->passed_count++] = (struct ft_passed){*here, walk->step};
    for (unsigned i = 0; i < walk->decision_count; i++)
        if (walk->decision[i].place == here->place) {
            *ret = walk->decision[i].op;
            if (i + 1 == walk->decision_count) {
                walk->struck = 2;
                walk->all_struck = true;
            }
            strikes = true;
        }
    plan(walk, here->place);
    return strikes ? FT_CHOICE_STRIKE : FT_CHOICE_PASS;
}

/* An op that is not legal says so at once; one that finds out later has had its effects. */
static bool see_event(void *state, const struct ft_event *event)
{
    struct ft_walk *walk = state;

    if (walk->sharing)
        ft_tails_event(walk->tails, event);
    if (walk->struck == 0)
        return false;
    walk->skipped = --walk->struck == 0 && event->kind == FT_EV_OP_SKIPPED;
    return false;
}

bool ft_walk_open(struct ft_walk *walk, const struct ft_module *module, bool keep_going)
{
    memset(walk, 0, sizeof *walk);
    if (!ft_session_open(&walk->session, module, keep_going, 0))
        return false;
    walk->session.tap = see_event;
    walk->session.tap_state = walk;
    walk->chooser = (struct ft_chooser){.context = walk, .at_point = at_point};
    return true;
}

void ft_walk_close(struct ft_walk *walk)
{
    ft_session_close(&walk->session);
    ft_tails_free(walk->tails);
    walk->tails = NULL;
}

void ft_walk_begin(struct ft_walk *walk, const struct ft_scenario *scenario)
{
    struct ft_run_options options = {.scenario = scenario, .chooser = &walk->chooser, .cold = true};

    walk->scenario = scenario;
    walk->step = 0;
    walk->decision_count = 0;
    walk->park_at = 0;
    walk->parked = false;
    walk->passed = NULL;
    walk->skipped = false;
    walk->struck = 0;
    plan(walk, 0);
    ft_world_begin(walk->session.world, &options);
}

bool ft_walk_step(struct ft_walk *walk)
{
    bool more;

    walk->parked = false;
    more = ft_world_step(walk->session.world);
    walk->step += more && !walk->parked;
    return more;
}

static uint64_t places_behind(struct ft_walk *walk)
{
    struct ft_run_result now;

    ft_world_finish(walk->session.world, &now);
    return now.places;
}

/* A walk that is parked at a place has that place still before it. */
static uint64_t next_place(struct ft_walk *walk)
{
    return places_behind(walk) + !walk->parked;
}

bool ft_walk_go(struct ft_walk *walk, const struct ft_stand *stand)
{
    bool there = true;

    if (stand->park == 0) {
        while (there && walk->step < stand->step)
            there = ft_walk_step(walk);
        return there;
    }
    if (next_place(walk) == stand->park)
        return true;
    walk->park_at = stand->park;
    plan(walk, places_behind(walk));
    do
        there = ft_walk_step(walk);
    while (there && !walk->parked);
    return there;
}

void ft_walk_save(struct ft_walk *walk, unsigned slot)
{
    walk->slot[slot].step = walk->step;
    walk->slot[slot].next = next_place(walk);
    ft_world_save(walk->session.world, slot);
}

void ft_walk_restore(struct ft_walk *walk, unsigned slot)
{
    ft_world_restore(walk->session.world, slot);
    walk->step = walk->slot[slot].step;
    walk->parked = places_behind(walk) == walk->slot[slot].next;
    walk->park_at = 0;
    walk->skipped = false;
    walk->struck = 0;
    plan(walk, places_behind(walk));
}

bool ft_walk_stand(struct ft_walk *walk, unsigned slot, const struct ft_stand *stand,
                   const struct ft_decision *decision, unsigned count)
{
    ft_walk_restore(walk, slot);
    ft_walk_record(walk, NULL, 0, 0);
    ft_walk_decide(walk, decision, count);
    if (walk->slot[slot].next == stand->first)
        return true;
    if (!ft_walk_go(walk, stand))
        return false;
    ft_walk_save(walk, slot);
    return true;
}

void ft_walk_decide(struct ft_walk *walk, const struct ft_decision *decision, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        walk->decision[i] = decision[i];
    walk->decision_count = count;
    walk->all_struck = false;
    plan(walk, places_behind(walk));
}

void ft_walk_record(struct ft_walk *walk, struct ft_passed *passed, uint64_t capacity,
                    uint64_t from)
{
    walk->passed = passed;
    walk->passed_count = 0;
    walk->passed_capacity = capacity;
    walk->passed_from = from;
    plan(walk, places_behind(walk));
}

bool ft_walk_share(struct ft_walk *walk)
{
    walk->tails = ft_tails_new();
    return walk->tails != NULL;
}

/* What is behind the last disturbance was often seen before. */
static bool meets_another(struct ft_walk *walk, struct ft_walk_end *ret)
{
    struct ft_world *world = walk->session.world;

    if (!walk->sharing || !walk->all_struck || !ft_tails_compares(walk->tails))
        return false;
    ft_world_finish(world, &ret->result);
    return ft_tails_meet(walk->tails, ft_world_digest(world), &ret->result, &ret->verdict);
}

void ft_walk_finish(struct ft_walk *walk, struct ft_walk_end *ret)
{
    *ret = (struct ft_walk_end){.shared = false};
    walk->sharing = walk->tails && walk->decision_count > 0;
    if (walk->sharing)
        ft_tails_begin(walk->tails);
    while (!walk->skipped && !ret->shared && ft_walk_step(walk))
        ret->shared = !walk->skipped && meets_another(walk, ret);
    ret->skipped = walk->skipped;
    if (!ret->shared) {
        ft_world_finish(walk->session.world, &ret->result);
        ft_session_verdict(&walk->session, &ret->result, &ret->verdict);
        if (walk->sharing && !walk->skipped)
            ft_tails_end(walk->tails, &ret->result, &ret->verdict);
    }
    walk->sharing = false;
}
