#include "explain/continuation.h"

#include <stdlib.h>
#include <string.h>

enum { STRIKES_MAX = 128, SEED_STREAM = 0x6578706C /* no other purpose draws from it */ };

/* ---- the chooser ---- */

/* Preemptions that differ: to the first task of each kind, and to the second thread. */
static struct ft_op preemption(uint32_t kind)
{
    struct ft_op op = {.kind = FT_OP_PREEMPT};

    op.arg[0] = (uint16_t)(kind == 0 ? FT_TASK_THREAD : kind);
    op.arg[1] = kind == 0;
    return op;
}

static bool strikes_one(struct ft_continuer *continuer, const struct ft_here *here,
                        struct ft_op *ret)
{
    if (here->events != continuer->from ||
        continuer->places != continuer->wish / FT_WAY_KINDS + 1 || continuer->struck)
        return false;
    *ret = preemption(continuer->wish % FT_WAY_KINDS);
    continuer->struck = 2;
    return true;
}

static bool strikes_at_random(struct ft_continuer *continuer, struct ft_op *ret)
{
    if (continuer->strikes == 0 || !ft_prng_odds(&continuer->prng, 1, continuer->odds))
        return false;
    continuer->strikes--;
    *ret = preemption(ft_prng_odds(&continuer->prng, 3, 4)
                          ? continuer->favourite
                          : ft_prng_below(&continuer->prng, FT_WAY_KINDS));
    return true;
}

static enum ft_choice at_point(void *context, const struct ft_here *here, struct ft_op *ret)
{
    struct ft_continuer *continuer = context;
    bool strikes = false;

    if (here->events < continuer->from)
        return FT_CHOICE_PASS;
    continuer->places += here->events == continuer->from;
    if (continuer->way == FT_WAY_ONE)
        strikes = strikes_one(continuer, here, ret);
    else if (continuer->way == FT_WAY_RANDOM)
        strikes = strikes_at_random(continuer, ret);
    return strikes ? FT_CHOICE_STRIKE : FT_CHOICE_PASS;
}

static bool see_event(void *state, const struct ft_event *event)
{
    struct ft_continuer *continuer = state;

    if (ft_is_stop_event(event))
        continuer->stop = *event;
    if (continuer->way == FT_WAY_ONE && continuer->struck > 0 && --continuer->struck == 0) {
        continuer->idle = event->kind == FT_EV_OP_SKIPPED;
        continuer->struck = 0;
        continuer->wish = UINT32_MAX; /* it has struck */
    }
    return false;
}

/* ---- runs ---- */

bool ft_is_op_strike(const struct ft_event *event)
{
    return event->kind == FT_EV_OP_FIRED || event->kind == FT_EV_OP_LATE;
}

/* How many ops of the scenario have struck by that event of the trace. */
static unsigned ops_struck(const struct ft_trace *trace, uint64_t event)
{
    unsigned ops = 0;

    for (uint64_t i = 0; i < event && i < trace->event_count; i++)
        ops += ft_is_op_strike(&trace->event[i]);
    return ops;
}

bool ft_continuer_open(struct ft_continuer *continuer, const struct ft_module *module,
                       const struct ft_trace *trace)
{
    const struct ft_event *stop = ft_stop_event(trace->event, trace->event_count);

    memset(continuer, 0, sizeof *continuer);
    continuer->trace = trace;
    continuer->events = malloc(FT_CONTINUE_STEPS_MAX * sizeof *continuer->events);
    if (!continuer->events || !ft_session_open(&continuer->session, module, false, 0))
        return false;
    continuer->session.tap = see_event;
    continuer->session.tap_state = continuer;
    continuer->chooser = (struct ft_chooser){.context = continuer, .at_point = at_point};
    ft_finding_id_init(&continuer->wanted, module, &trace->verdict);
    ft_finding_id_same(&continuer->wanted, &trace->verdict, stop);
    return true;
}

static void set_out(struct ft_continuer *continuer, uint64_t from, enum ft_way way, uint32_t wish)
{
    static const uint32_t odds[] = {2, 8, 32, 128};

    continuer->from = from;
    continuer->way = way;
    continuer->wish = wish;
    continuer->places = 0;
    continuer->struck = 0;
    continuer->idle = false;
    continuer->stop.kind = 0;
    continuer->prng = ft_prng_init(wish, SEED_STREAM);
    continuer->favourite = wish % FT_WAY_KINDS;
    continuer->odds = odds[wish / FT_WAY_KINDS % 4];
    continuer->strikes = STRIKES_MAX;
}

static void begin(struct ft_continuer *continuer)
{
    struct ft_run_options options = {
        .scenario = &continuer->scenario, .chooser = &continuer->chooser, .cold = true};

    ft_world_begin(continuer->session.world, &options);
}

static uint64_t events_now(const struct ft_continuer *continuer)
{
    struct ft_run_result now;

    ft_world_finish(continuer->session.world, &now);
    return now.event_count;
}

static enum ft_continued finish(struct ft_continuer *continuer)
{
    struct ft_run_result result;
    struct ft_verdict verdict;

    while (!continuer->idle && ft_world_step(continuer->session.world))
        ;
    if (continuer->idle)
        return FT_CONTINUED_IDLE;
    ft_world_finish(continuer->session.world, &result);
    ft_session_verdict(&continuer->session, &result, &verdict);
    continuer->crashed = result.stop == FT_STOP_CRASH;
    continuer->length = result.event_count;
    if (verdict.kind == FT_VERDICT_CLEAN)
        return FT_CONTINUED_CLEAN;
    return ft_finding_id_same(&continuer->wanted, &verdict,
                              continuer->stop.kind ? &continuer->stop : NULL)
               ? FT_CONTINUED_SAME
               : FT_CONTINUED_OTHER;
}

/* The run of the first ops alone: how it ends, and how many events each of its steps begins with.
 */
static void list_steps(struct ft_continuer *continuer, unsigned ops)
{
    continuer->scenario = continuer->trace->scenario;
    continuer->scenario.op_count = (uint16_t)ops;
    continuer->ops = ops;
    continuer->listed = true;
    continuer->is_saved = false;
    continuer->steps = 0;
    set_out(continuer, UINT64_MAX, FT_WAY_AS_IS, 0);
    begin(continuer);
    do {
        if (continuer->steps < FT_CONTINUE_STEPS_MAX)
            continuer->events[continuer->steps++] = (uint32_t)events_now(continuer);
    } while (ft_world_step(continuer->session.world));
    continuer->undisturbed = finish(continuer);
}

/* The last step that begins with fewer events: a place behind the event may lie in it. */
static uint64_t step_before(const struct ft_continuer *continuer, uint64_t from)
{
    uint64_t low = 0, high = continuer->steps;

    while (low + 1 < high) {
        uint64_t middle = (low + high) / 2;

        if (continuer->events[middle] < from)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Goes to the beginning of that step, as recorded. */
static void stand(struct ft_continuer *continuer, uint64_t step)
{
    struct ft_world *world = continuer->session.world;

    set_out(continuer, UINT64_MAX, FT_WAY_AS_IS, 0);
    if (continuer->is_saved && continuer->saved <= step) {
        ft_world_restore(world, 0);
    } else {
        begin(continuer);
        continuer->saved = 0;
        continuer->is_saved = false;
    }
    if (continuer->is_saved && continuer->saved == step)
        return;
    while (continuer->saved < step && ft_world_step(world))
        continuer->saved++;
    ft_world_save(world, 0);
    continuer->is_saved = true;
}

enum ft_continued ft_continue(struct ft_continuer *continuer, uint64_t from, enum ft_way way,
                              uint32_t wish)
{
    unsigned ops = continuer->ops;

    continuer->crashed = false;
    if (!continuer->listed || continuer->asked != from)
        ops = ops_struck(continuer->trace, from);
    if (!continuer->listed || continuer->ops != ops)
        list_steps(continuer, ops);
    continuer->asked = from;
    stand(continuer, step_before(continuer, from));
    set_out(continuer, from, way, wish);
    return finish(continuer);
}

uint32_t ft_continue_places(const struct ft_continuer *continuer)
{
    return continuer->places;
}
