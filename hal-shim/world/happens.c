/* Which accesses of two activations are ordered: vector clocks, moved by events (happens.def) and
 * by spin locks.
 *
 * A key is what orders: an object's handle, the address of a lock or of an interlocked variable, or
 * one of KEY_... Whoever gives leaves its clock there; whoever takes is behind everything that was
 * given. Raising the IRQL gives and takes nothing, since it keeps others away on one processor
 * only; a machine of one processor has no races (ft_races_on).
 */
#include "world/races.h"
#include "world/world_private.h"

#include <string.h>

/* ---- activations ---- */

static bool lives(const struct ft_activation *activation)
{
    return activation->task != 0 && FT_RACES->life[activation->slot].task == activation->task &&
           FT_M->task[activation->slot].state != FT_TS_FREE &&
           FT_M->task[activation->slot].id == activation->task;
}

/* The place of the one that began first among those that are over. Its clock goes on, so what was
 * remembered of it is at worst taken for the new one's own. */
static unsigned free_activation(void)
{
    struct ft_races *r = FT_RACES;

    while (lives(&r->activation[r->next_activation % FT_ACTIVATIONS]))
        r->next_activation++;
    return r->next_activation++ % FT_ACTIVATIONS;
}

static void join(struct ft_clock *into, const struct ft_clock *from)
{
    for (unsigned i = 0; i < FT_ACTIVATIONS; i++)
        if (from->of[i] > into->of[i])
            into->of[i] = from->of[i];
}

static struct ft_clock *clock_at(uint64_t key)
{
    struct ft_races *r = FT_RACES;
    uint32_t slot = (uint32_t)((key * 0x9E3779B97F4A7C15ull) >> 40) % FT_ORDER_SLOTS;

    for (; r->place_of[slot]; slot = (slot + 1) % FT_ORDER_SLOTS)
        if (FT_RACE_PLACES[r->place_of[slot] - 1].key == key)
            return &FT_RACE_PLACES[r->place_of[slot] - 1].clock;
    if (r->places == FT_ORDER_PLACES)
        return &r->overflow;
    memset(&FT_RACE_PLACES[r->places], 0, sizeof *FT_RACE_PLACES);
    FT_RACE_PLACES[r->places].key = key;
    r->place_of[slot] = (uint16_t)++r->places;
    return &FT_RACE_PLACES[r->places - 1].clock;
}

static void begin_life(unsigned slot)
{
    struct ft_races *r = FT_RACES;
    const struct ft_task *task = &FT_M->task[slot];
    unsigned activation = free_activation();

    r->activation[activation].task = task->id;
    r->activation[activation].slot = (uint8_t)slot;
    r->activation[activation].clock++;
    memset(&r->life[slot], 0, sizeof r->life[slot]);
    r->life[slot].task = task->id;
    r->life[slot].activation = (uint8_t)activation;
    memset(&r->now[slot], 0, sizeof r->now[slot]);
    r->now[slot].of[activation] = r->activation[activation].clock;
    /* Nobody sends a request before the device was started. */
    if (task->kind == FT_TASK_THREAD)
        join(&r->now[slot], clock_at(KEY_START));
}

unsigned ft_happens_now(void)
{
    unsigned slot = FT_M->current;

    if (FT_RACES->life[slot].task != FT_M->task[slot].id)
        begin_life(slot);
    return slot;
}

static bool by_task(void)
{
    return ft_races_on() && ft_current() && FT_M->in_engine != FT_ENGINE_STEPPING;
}

void ft_order_take(uint64_t key)
{
    if (by_task())
        join(&FT_RACES->now[ft_happens_now()], clock_at(key));
}

void ft_order_give(uint64_t key)
{
    struct ft_races *r = FT_RACES;
    unsigned slot, activation;

    if (!by_task())
        return;
    slot = ft_happens_now();
    activation = r->life[slot].activation;
    join(clock_at(key), &r->now[slot]);
    r->now[slot].of[activation] = ++r->activation[activation].clock;
}

/* ---- events ---- */

enum step { TAKES = 1, GIVES = 2, BOTH = 3 };
enum when { WHEN_ALWAYS, WHEN_IF, WHEN_UNLESS, WHEN_DONE, WHEN_IS };

struct edge {
    uint16_t kind;
    uint8_t step, key, own, when, arg, value;
};
struct call {
    uint8_t from, to, step, key;
};

#define ALWAYS                       WHEN_ALWAYS, 0, 0
#define IF(n)                        WHEN_IF, n, 0
#define UNLESS(n)                    WHEN_UNLESS, n, 0
#define DONE(n)                      WHEN_DONE, n, 0
#define IS(n, v)                     WHEN_IS, n, v
#define EDGE(event, step, key, when) {FT_EV_##event, step, key, IS_KEY(key), when},
#define CALL(from, to, step, key)
#define IS_KEY(key) (sizeof(#key) > 4) /* a name, not a digit */
static const struct edge edges[] = {
#include "world/happens.def"
};
#undef EDGE
#undef CALL
#define EDGE(event, step, key, when)
#define CALL(from, to, step, key) {FT_ROUTINE_##from, FT_ROUTINE_##to, step, key},
static const struct call calls[] = {
#include "world/happens.def"
};
#undef EDGE
#undef CALL

static bool applies(const struct edge *edge, const struct ft_event *event)
{
    uint64_t value = event->arg[edge->arg];

    switch (edge->when) {
    case WHEN_IF:
        return value != 0;
    case WHEN_UNLESS:
        return value == 0;
    case WHEN_DONE:
        return (int32_t)value >= 0 && value != 0x102; /* STATUS_TIMEOUT */
    case WHEN_IS:
        return value == edge->value;
    default:
        return true;
    }
}

static void step_on(unsigned step, uint64_t key)
{
    if (key == 0)
        return;
    if (step & TAKES)
        ft_order_take(key);
    if (step & GIVES)
        ft_order_give(key);
}

static void routine_edges(const struct ft_event *event, unsigned step)
{
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].step == step && event->arg[0] >= calls[i].from && event->arg[0] <= calls[i].to)
            step_on(step, calls[i].key == OBJECT ? ft_handle_object(event->arg[1]) : calls[i].key);
}

static void enter(const struct ft_event *event)
{
    unsigned slot = ft_happens_now();

    if (FT_RACES->life[slot].depth < FT_ROUTINE_DEPTH)
        FT_RACES->life[slot].routine[FT_RACES->life[slot].depth] = (uint8_t)event->arg[0];
    FT_RACES->life[slot].depth++;
    routine_edges(event, TAKES);
}

static void leave(const struct ft_event *event)
{
    unsigned slot = ft_happens_now();

    routine_edges(event, GIVES);
    if (FT_RACES->life[slot].depth > 0)
        FT_RACES->life[slot].depth--;
}

/* A wait for several objects takes what was given to any of them: more than it must, so that a race
 * is missed rather than invented. */
static void wait_for_several(const struct ft_event *event)
{
    unsigned slot = ft_happens_now();
    uint8_t *count = &FT_RACES->life[slot].waits;

    if (event->kind == FT_EV_WAIT_OBJECT) {
        if (event->arg[1] == 0)
            *count = 0;
        if (*count < FT_ROUTINE_DEPTH)
            FT_RACES->life[slot].wait[(*count)++] = ft_handle_object(event->arg[0]);
        return;
    }
    for (unsigned i = 0; i < *count; i++)
        ft_order_take(FT_RACES->life[slot].wait[i]);
    *count = 0;
}

void ft_happens_event(const struct ft_event *event)
{
    if (event->kind == FT_EV_RUN_BEGIN)
        ft_races_reset();
    if (event->kind != FT_EV_MEM_TOUCH)
        ft_wdf_touch_event();
    if (event->kind == FT_EV_POOL_ALLOC && event->arg[0] && event->arg[3])
        FT_RACES->paged = 1;
    if (!by_task())
        return;
    if (event->kind == FT_EV_CALL_ENTER)
        enter(event);
    else if (event->kind == FT_EV_CALL_LEAVE)
        leave(event);
    else if (event->kind == FT_EV_WAIT_OBJECT ||
             (event->kind == FT_EV_WAIT_END && event->arg[0] == 0))
        wait_for_several(event);
    for (unsigned i = 0; i < sizeof edges / sizeof *edges; i++)
        if (edges[i].kind == event->kind && applies(&edges[i], event))
            step_on(edges[i].step,
                    edges[i].own ? edges[i].key : ft_handle_object(event->arg[edges[i].key]));
}
