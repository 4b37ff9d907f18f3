/* Which task steps next: world/order.h, as code. */
#include "world/machine.h"
#include "world/order.h"
#include "world/world_private.h"

enum { DISPATCH = 2 };

unsigned ft_cpu_irql(unsigned cpu)
{
    const struct ft_cpu *c = &FT_M->cpu[cpu];

    return c->depth ? FT_M->task[c->stack[c->depth - 1]].irql : 0;
}

void ft_cpu_push(unsigned cpu, unsigned task)
{
    struct ft_cpu *c = &FT_M->cpu[cpu];

    FT_ASSERT(c->depth < FT_CPU_DEPTH);
    c->stack[c->depth++] = (uint8_t)task;
    FT_M->task[task].resident = 1;
    FT_M->task[task].cpu = (uint8_t)cpu;
}

void ft_cpu_drop(unsigned cpu, unsigned task)
{
    struct ft_cpu *c = &FT_M->cpu[cpu];
    unsigned kept = 0;

    for (unsigned i = 0; i < c->depth; i++)
        if (c->stack[i] != task)
            c->stack[kept++] = c->stack[i];
    c->depth = (uint8_t)kept;
    FT_M->task[task].resident = 0;
}

bool ft_cpu_find(unsigned irql, unsigned *ret)
{
    for (unsigned cpu = 0; cpu < FT_M->cpus; cpu++)
        if (ft_cpu_irql(cpu) < irql && FT_M->cpu[cpu].depth < FT_CPU_DEPTH) {
            *ret = cpu;
            return true;
        }
    return false;
}

/* The lowest-numbered processor with nothing at DISPATCH_LEVEL or above on it, among those of the
 * mask (0: all). */
static bool idle_cpu(unsigned mask, unsigned *ret)
{
    for (unsigned cpu = 0; cpu < FT_M->cpus; cpu++)
        if ((mask == 0 || mask & 1u << cpu) && ft_cpu_irql(cpu) < DISPATCH &&
            FT_M->cpu[cpu].depth == 0) {
            *ret = cpu;
            return true;
        }
    return false;
}

bool ft_task_may_step(const struct ft_task *task, unsigned *cpu)
{
    if (task->state == FT_TS_SPIN) {
        if (*(const uint64_t *)task->wait_object != 0)
            return false;
    } else if (task->state != FT_TS_READY) {
        return false;
    }
    if (task->resident) {
        const struct ft_cpu *c = &FT_M->cpu[task->cpu];

        *cpu = task->cpu;
        return &FT_M->task[c->stack[c->depth - 1]] == task;
    }
    if (task->kind == FT_TASK_ISR || task->kind == FT_TASK_DPC) {
        /* Begun by their layer on the processor it chose. */
        *cpu = task->target;
        return ft_cpu_irql(task->target) < task->irql;
    }
    return idle_cpu(task->affinity, cpu);
}

/* Begun tasks come before those that wait to begin, older ones before younger. */
static bool comes_before(const struct ft_task *a, const struct ft_task *b)
{
    return a->began != b->began ? a->began > b->began : a->order < b->order;
}

/* The index-th task of a kind that may step. -1: none. */
static int find_task(unsigned kind, unsigned index, unsigned *cpu)
{
    const struct ft_task *last = NULL;

    for (;;) {
        int best = -1;

        for (uint32_t live = FT_M->tasks_of_kind[kind]; live; live &= live - 1) {
            int i = __builtin_ctz(live);
            const struct ft_task *task = &FT_M->task[i];
            unsigned at;

            if ((!last || comes_before(last, task)) &&
                (best < 0 || comes_before(task, &FT_M->task[best])) &&
                ft_task_may_step(task, &at)) {
                best = i;
                *cpu = at;
            }
        }
        if (best < 0 || index-- == 0)
            return best;
        last = &FT_M->task[best];
    }
}

/* Lets a layer begin what waits to begin: a raised interrupt, a queued DPC, an expired timer. */
static bool begin_pending(unsigned kind)
{
    switch (kind) {
    case FT_TASK_ISR:
        return ft_interrupt_start_next();
    case FT_TASK_DPC: {
        unsigned cpu;

        return ft_dpc_start_next(&cpu) || ft_dma_grant_next();
    }
    case FT_TASK_TIMER:
        return ft_timer_start_next();
    case FT_TASK_WORK:
        return ft_work_start_next();
    default:
        return false;
    }
}

void ft_engine_step_alone(void)
{
    FT_M->in_engine = FT_ENGINE_STEPPING;
    ft_engine_step();
    FT_M->in_engine = FT_ENGINE_RUNS;
}

static bool run_kind(unsigned kind)
{
    unsigned cpu = 0;
    int index;

    if (kind == FT_TASK_ENGINE) {
        if (!ft_engine_busy())
            return false;
        ft_engine_step_alone();
        return true;
    }
    index = find_task(kind, 0, &cpu);
    if (index < 0 && begin_pending(kind))
        index = find_task(kind, 0, &cpu);
    if (index < 0)
        return false;
    ft_task_run((unsigned)index, cpu);
    return true;
}

static bool run_preferred(void)
{
    unsigned kind = FT_M->prefer_kind, task = FT_M->prefer, cpu;

    FT_M->prefer = FT_NO_TASK;
    FT_M->prefer_kind = 0;
    if (task != FT_NO_TASK && ft_task_may_step(&FT_M->task[task], &cpu)) {
        ft_task_run(task, cpu);
        return true;
    }
    if (kind == FT_TASK_CLOCK)
        return ft_clock_step(true);
    return kind != 0 && run_kind(kind);
}

bool ft_prefer_choice(unsigned kind, unsigned index)
{
    unsigned cpu;
    int found;

    if (kind == 0) {
        for (unsigned i = 0; i < sizeof ft_step_order; i++)
            if (ft_prefer_choice(ft_step_order[i], index))
                return true;
        return false;
    }
    if (kind == FT_TASK_ENGINE || kind == FT_TASK_CLOCK) {
        if (kind == FT_TASK_ENGINE && !ft_engine_busy())
            return false;
        if (kind == FT_TASK_ENGINE && FT_M->io.second)
            ft_engine_choose(index % 2);
        FT_M->prefer_kind = (uint8_t)kind;
        return true;
    }
    found = find_task(kind, index, &cpu);
    if (found < 0 && index == 0 && begin_pending(kind))
        found = find_task(kind, 0, &cpu);
    if (found < 0 || found == FT_M->current)
        return false;
    FT_M->prefer = (uint8_t)found;
    return true;
}

bool ft_schedule_step(void)
{
    if (FT_M->order.on)
        return ft_order_step();
    if ((FT_M->prefer != FT_NO_TASK || FT_M->prefer_kind) && run_preferred())
        return true;
    /* The running task keeps running: an engine that was stepping goes on until it is idle. */
    if (FT_M->in_engine && run_kind(FT_TASK_ENGINE))
        return true;
    FT_M->in_engine = FT_ENGINE_RESTS;
    for (unsigned i = 0; i < sizeof ft_step_order; i++)
        if (ft_step_order[i] != FT_TASK_CLOCK && run_kind(ft_step_order[i]))
            return true;
    return false;
}
