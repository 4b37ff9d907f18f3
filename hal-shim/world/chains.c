#include "world/chains.h"

#include "sim/turns.h"
#include "world/machine.h"
#include "world/order.h"
#include "world/world_private.h"

#include <string.h>

enum {
    NEXT_MAX = 48,
    RANK_CHAIN = 1 << 8, /* above all that fell */
    RANK_LAST = RANK_CHAIN - 1,
    NAME_ENGINE = 1,
    NAME_GRANT,
    NAME_WORK,
    NAME_CLOCK,
    NAME_OP,
    NAME_OLD,
    NAME_KINDS = 16 /* ISR, DPC and timer follow, by their kind */
};

/* ---- names ---- */

static uint32_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * 0x9E3779B97F4A7C15ULL ^ (b + 0x632BE59BD9B4E019ULL) * 0xC2B2AE3D27D4EB4FULL;

    x ^= x >> 29;
    x *= 0xBF58476D1CE4E5B9ULL;
    x ^= x >> 32;
    return (uint32_t)x;
}

/* Two arguments of an op hold a name. */
static uint32_t name(uint64_t a, uint64_t b)
{
    return mix(a, b) % (FT_CHAIN_BASE * (uint32_t)FT_CHAIN_BASE - 1) + 1;
}

static bool is_alive(uint32_t chain)
{
    for (uint32_t left = FT_ALL_TASKS; left;)
        if (ft_next_task(&left)->chain == chain)
            return true;
    return false;
}

/* The chain that an activation of that object begins or goes on with. */
static uint32_t name_of(unsigned kind, uint64_t object)
{
    uint32_t chain = name(kind, object);

    for (unsigned i = 1; is_alive(chain); i++)
        chain = name(chain, i);
    return chain;
}

void ft_order_name(struct ft_task *task)
{
    struct ft_order *order = &FT_M->order;
    struct ft_task *parent = ft_current();

    order->begun = (uint8_t)(task - FT_M->task);
    if (!order->on)
        return;
    if (order->naming)
        task->chain = order->naming;
    else if (parent)
        task->chain = name(parent->chain, ++parent->children);
    else
        task->chain = name(NAME_OP, ++order->spawned);
}

/* ---- what a strategy sees ---- */

static struct ft_turns *notes(void)
{
    return FT_M->options.turns;
}

static void note_chain(struct ft_turns *turns, uint32_t chain)
{
    uint8_t *seen = &turns->seen[chain % FT_TURN_SEEN];

    if (*seen && turns->chain[*seen - 1] == chain)
        return;
    for (unsigned i = 0; i < turns->chains; i++)
        if (turns->chain[i] == chain)
            return;
    if (turns->chains == FT_CHAINS_MAX) {
        turns->lost = true;
        return;
    }
    turns->chain[turns->chains++] = chain;
    *seen = (uint8_t)turns->chains;
}

static void note_turn(uint32_t running, const struct ft_next *list, unsigned count, unsigned taken,
                      unsigned point)
{
    struct ft_turns *turns = notes();

    if (!turns)
        return;
    for (unsigned i = 0; i < count; i++)
        note_chain(turns, list[i].chain);
    if (turns->count == FT_TURNS_MAX) {
        turns->lost = true;
        return;
    }
    turns->turn[turns->count++] = (struct ft_turn){.running = running,
                                                   .taken = list[taken].chain,
                                                   .count = (uint8_t)count,
                                                   .which = (uint8_t)taken,
                                                   .point = (uint8_t)point};
}

/* ---- who could go on ---- */

struct list {
    struct ft_next next[NEXT_MAX];
    unsigned count;
};

static void add(struct list *list, unsigned kind, unsigned task, unsigned index, uint32_t chain)
{
    if (list->count < NEXT_MAX)
        list->next[list->count++] =
            (struct ft_next){chain, (uint8_t)kind, (uint8_t)task, (uint8_t)index};
    else if (notes())
        notes()->lost = true;
}

static bool comes_before(const struct ft_next *a, const struct ft_next *b)
{
    const struct ft_task *left = &FT_M->task[a->task], *right = &FT_M->task[b->task];

    return left->began != right->began ? left->began > right->began : left->order < right->order;
}

/* Tasks of a kind in the usual order. */
static void add_tasks(struct list *list, unsigned kind)
{
    unsigned from = list->count, cpu;

    for (uint32_t live = FT_M->tasks_of_kind[kind]; live; live &= live - 1) {
        unsigned task = (unsigned)__builtin_ctz(live);

        if (FT_M->task[task].idle_polls < FT_IDLE_POLLS &&
            ft_task_may_step(&FT_M->task[task], &cpu))
            add(list, kind, task, 0, FT_M->task[task].chain);
    }
    for (unsigned i = from + 1; i < list->count; i++)
        for (unsigned j = i; j > from && comes_before(&list->next[j], &list->next[j - 1]); j--) {
            struct ft_next held = list->next[j];

            list->next[j] = list->next[j - 1];
            list->next[j - 1] = held;
        }
}

static void add_dpcs(struct list *list)
{
    for (unsigned i = 0; i < FT_M->dpc_count; i++)
        if (ft_dpc_may_begin(i))
            add(list, FT_TASK_DPC, FT_NO_TASK, i,
                name_of(NAME_KINDS + FT_TASK_DPC,
                        ft_object_find(FT_M->dpc_queue[i].dpc, FT_HC_DPC)));
    if (ft_dma_grant_pending())
        add(list, FT_TASK_DPC, FT_NO_TASK, FT_DPC_QUEUE_MAX, name_of(NAME_GRANT, 0));
}

/* What waits to begin. */
static void add_pending(struct list *list, unsigned kind)
{
    const void *timer;

    switch (kind) {
    case FT_TASK_ISR:
        for (unsigned i = 0; ft_interrupt_input(i); i++)
            if (ft_interrupt_may_begin(i))
                add(list, kind, FT_NO_TASK, i, name_of(NAME_KINDS + FT_TASK_ISR, i));
        break;
    case FT_TASK_DPC:
        add_dpcs(list);
        break;
    case FT_TASK_ENGINE:
        for (unsigned i = 0; i < FT_DESCRIPTION_DEVICES_MAX; i++)
            if (ft_engine_busy_at(i))
                add(list, kind, FT_NO_TASK, i, name(NAME_ENGINE, i));
        break;
    case FT_TASK_TIMER:
        timer = ft_timer_pending();
        if (timer)
            add(list, kind, FT_NO_TASK, 0,
                name_of(NAME_KINDS + FT_TASK_TIMER, ft_object_find(timer, FT_HC_TIMER)));
        break;
    case FT_TASK_WORK:
        if (ft_work_pending())
            add(list, kind, FT_NO_TASK, 0, name_of(NAME_WORK, 0));
        break;
    case FT_TASK_CLOCK:
        /* When nothing else may step, it is quiet, and the clock has its turn elsewhere. */
        if (list->count > 0 && FT_M->order.early > 0 && ft_clock_pending())
            add(list, kind, FT_NO_TASK, 0, name(NAME_CLOCK, FT_M->order.early));
        break;
    default:
        break;
    }
}

static void add_all(struct list *list)
{
    for (unsigned i = 0; i < sizeof ft_step_order; i++) {
        unsigned kind = ft_step_order[i];

        if (kind != FT_TASK_ENGINE && kind != FT_TASK_CLOCK)
            add_tasks(list, kind);
        add_pending(list, kind);
    }
}

/* ---- who does ---- */

static int64_t rank(uint32_t chain)
{
    const struct ft_order *order = &FT_M->order;

    for (unsigned i = 0; i < order->lowered; i++)
        if (order->fallen[i].chain == chain)
            return order->fallen[i].to;
    if (chain == order->last)
        return RANK_LAST;
    return RANK_CHAIN + (int64_t)mix(order->seed, chain);
}

static void fall(uint32_t chain, int to)
{
    struct ft_order *order = &FT_M->order;
    unsigned i = 0;

    while (i < order->lowered && order->fallen[i].chain != chain)
        i++;
    if (i == FT_LOWERED_MAX) {
        if (notes())
            notes()->lost = true;
        return;
    }
    order->fallen[i].chain = chain;
    order->fallen[i].to = (int16_t)to;
    order->lowered += i == order->lowered;
}

static unsigned best_of(const struct list *list)
{
    unsigned best = 0;

    if (FT_M->order.seed == 0)
        return 0;
    for (unsigned i = 1; i < list->count; i++)
        if (rank(list->next[i].chain) > rank(list->next[best].chain))
            best = i;
    return best;
}

/* running: the chain that could go on by itself, 0: none, it ended or blocks. */
static unsigned decide(const struct list *list, uint32_t running, unsigned point, bool counts)
{
    struct ft_order *order = &FT_M->order;
    unsigned taken;

    if (list->count < 2)
        return 0;
    if (!counts)
        return best_of(list);
    order->turns++;
    for (unsigned i = 0; i < order->lowers && running; i++)
        if (order->lower[i].at == order->turns)
            fall(running, order->lower[i].to);
    taken = best_of(list);
    for (unsigned i = 0; i < order->picks; i++)
        if (order->pick[i].at == order->turns && order->pick[i].which < list->count)
            taken = order->pick[i].which;
    note_turn(running, list->next, list->count, taken, point);
    return taken;
}

static bool has_turn(unsigned point)
{
    return FT_M->order.points == FT_POINTS_ALL ||
           ft_point_is_in((enum ft_point)point, FT_M->order.points);
}

void ft_order_at_point(unsigned point)
{
    struct ft_order *order = &FT_M->order;
    const struct ft_task *task = ft_current();
    struct list list = {.count = 0};
    uint32_t running;
    unsigned taken;

    FT_M->prefer = FT_NO_TASK;
    FT_M->prefer_kind = 0;
    if (task->idle_polls < FT_IDLE_POLLS)
        add(&list, task->kind, FT_M->current, 0, task->chain);
    add_all(&list);
    if (list.count == 0)
        return;
    running = task->idle_polls < FT_IDLE_POLLS ? task->chain : 0;
    taken = decide(&list, running, point, running == 0 || has_turn(point));
    if (running && taken == 0)
        return;
    order->next = list.next[taken];
    ft_task_park(FT_TS_READY);
}

static bool begin(const struct ft_next *next)
{
    struct ft_order *order = &FT_M->order;
    bool begun;

    order->naming = next->chain;
    switch (next->kind) {
    case FT_TASK_ISR:
        begun = ft_interrupt_start(next->index);
        break;
    case FT_TASK_DPC:
        begun = next->index == FT_DPC_QUEUE_MAX ? ft_dma_grant_next() : ft_dpc_start(next->index);
        break;
    case FT_TASK_TIMER:
        begun = ft_timer_start_next();
        break;
    default:
        begun = ft_work_start_next();
        break;
    }
    order->naming = 0;
    return begun;
}

/* Whoever polls may do so again when another has moved. */
static void note_move(unsigned task)
{
    for (uint32_t left = FT_ALL_TASKS; left;) {
        struct ft_task *other = ft_next_task(&left);

        if (other - FT_M->task != (int)task)
            other->idle_polls = 0;
    }
}

static bool go(const struct ft_next *next)
{
    unsigned cpu, task = next->task;

    note_move(task);
    if (next->kind == FT_TASK_ENGINE) {
        ft_engine_choose(next->index);
        if (!ft_engine_busy())
            return false;
        ft_engine_step_alone();
        return true;
    }
    if (next->kind == FT_TASK_CLOCK) {
        FT_M->order.early--;
        return ft_clock_step(true);
    }
    if (task == FT_NO_TASK) {
        if (!begin(next))
            return false;
        task = FT_M->order.begun;
    }
    if (!ft_task_may_step(&FT_M->task[task], &cpu))
        return task != next->task; /* it began, and waits for its turn */
    ft_task_run(task, cpu);
    return true;
}

static bool take_decided(void)
{
    struct ft_next next = FT_M->order.next;

    FT_M->order.next.kind = 0;
    return next.kind && go(&next);
}

/* The engine that was stepping could go on: to the usual order it comes first then. */
static void engine_first(struct list *list)
{
    for (unsigned i = 1; i < list->count; i++)
        if (list->next[i].kind == FT_TASK_ENGINE && list->next[i].index == ft_engine_next()) {
            struct ft_next engine = list->next[i];

            memmove(&list->next[1], &list->next[0], i * sizeof engine);
            list->next[0] = engine;
        }
}

bool ft_order_step(void)
{
    struct list list = {.count = 0};
    uint32_t running = 0;
    bool stepping = FT_M->in_engine == FT_ENGINE_RUNS && ft_engine_busy();
    unsigned taken;

    FT_M->prefer = FT_NO_TASK;
    FT_M->prefer_kind = 0;
    if (take_decided())
        return true;
    FT_M->in_engine = FT_ENGINE_RESTS;
    add_all(&list);
    if (list.count == 0) {
        note_move(FT_NO_TASK); /* all that may step wait for each other to move */
        add_all(&list);
    }
    if (stepping) {
        engine_first(&list);
        running = name(NAME_ENGINE, ft_engine_next());
    }
    if (list.count == 0)
        return false;
    taken = decide(&list, running, stepping ? FT_PT_ENGINE_BURST : 0, true);
    if (taken > 0 && FT_M->order.seed == 0) {
        FT_M->order.next = list.next[taken]; /* a step of its own: a save point can stand here */
        return true;
    }
    return go(&list.next[taken]);
}

void ft_order_poll(void)
{
    struct ft_order *order = &FT_M->order;
    struct ft_task *task = ft_current();

    task->idle_polls += task->idle_polls < FT_IDLE_POLLS;
    if (++task->polls <= FT_POLLS_LIMIT)
        return;
    task->polls = 0;
    fall(task->chain, -1 - order->demoted);
    order->demoted += order->demoted < 100;
    if (notes())
        notes()->demoted++;
}

void ft_order_end(void)
{
    FT_M->order.on = 0;
    if (notes())
        notes()->ended = true;
}

/* ---- from save points (sim/turns.h) ---- */

uint32_t ft_world_turns(const struct ft_world *world)
{
    (void)world;
    return FT_M->order.turns;
}

bool ft_world_pick(struct ft_world *world, uint32_t turn, unsigned which)
{
    struct ft_order *order = &FT_M->order;

    (void)world;
    if (order->picks == FT_PICKS_MAX || turn > UINT16_MAX)
        return false;
    order->pick[order->picks].at = (uint16_t)turn;
    order->pick[order->picks++].which = (uint8_t)which;
    return true;
}

bool ft_world_turned(const struct ft_world *world)
{
    const struct ft_order *order = &FT_M->order;

    (void)world;
    if (!order->on || !FT_M->ops_done || FT_M->armed_valid)
        return false;
    for (unsigned i = 0; i < order->picks; i++)
        if (order->pick[i].at > order->turns)
            return false;
    for (unsigned i = 0; i < order->lowers; i++)
        if (order->lower[i].at > order->turns)
            return false;
    return true;
}

/* ---- the ops ---- */

static bool begin_order(const struct ft_op *op)
{
    struct ft_order *order = &FT_M->order;

    if (order->on)
        return false;
    order->on = 1;
    order->seed = op->arg[0];
    order->points = (uint8_t)op->arg[1];
    order->early = FT_EARLY_CLOCK;
    for (uint32_t left = FT_ALL_TASKS; left;) {
        struct ft_task *task = ft_next_task(&left);

        task->chain = name(NAME_OLD, task->id);
        task->children = 0;
    }
    return true;
}

bool ft_order_op(const struct ft_op *op)
{
    struct ft_order *order = &FT_M->order;

    if (FT_M->phase != FT_PHASE_OPS || ft_io_asleep())
        return false;
    if (op->kind == FT_OP_ORDER)
        return begin_order(op);
    if (!order->on)
        return false;
    if (op->kind == FT_OP_LAST) {
        order->last = op->arg[0] * (uint32_t)FT_CHAIN_BASE + op->arg[1];
        return true;
    }
    if (op->kind == FT_OP_LOWER && order->lowers < FT_LOWERS_MAX) {
        order->lower[order->lowers].at = op->arg[0];
        order->lower[order->lowers++].to = (uint8_t)op->arg[1];
        return true;
    }
    if (op->kind == FT_OP_PICK && order->picks < FT_PICKS_MAX) {
        order->pick[order->picks].at = op->arg[0];
        order->pick[order->picks++].which = (uint8_t)op->arg[1];
        return true;
    }
    return false;
}
