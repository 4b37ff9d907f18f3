/* The life of a world and of a run: create, reset, start, ops, tail, end. */
#include "sim/debugger.h"
#include "world/host.h"
#include "world/machine.h"
#include "world/races.h"
#include "world/shadow.h"
#include "world/world_private.h"

#include <string.h>

enum {
    TAIL_CLOCK_LIMIT =
        600000000, /* 60 s in 100 ns: the longest fair drain of one step of the tail */
    /* 200 s: a START that takes longer hangs, though a periodic timer ticks on */
    START_CLOCK_LIMIT = 2000000000,
    HANG_BLOCKED = 1
};

struct ft_world {
    int unused; /* there is one world; the handle only keeps callers honest */
};
static struct ft_world the_world;
static bool mapped;
static unsigned char *pristine[2]; /* the module's data as it was loaded */

static size_t align_up(size_t bytes, size_t to)
{
    return (bytes + to - 1) / to * to;
}

static bool map_region(void)
{
    static const struct {
        uintptr_t base;
        size_t bytes;
    } open[] = {{FT_STATE_BASE, FT_STATE_BYTES},
                {FT_POOL_BASE, FT_POOL_BYTES},
                {FT_CPU_VIEW_BASE, FT_FRAMES_MAX * FT_PAGE_BYTES},
                {FT_BUS_VIEW_BASE, FT_FRAMES_MAX * FT_PAGE_BYTES},
                {FT_TRUTH_BASE, FT_FRAMES_MAX * FT_PAGE_BYTES},
                {FT_BOUNCE_BASE, FT_FRAMES_MAX * FT_PAGE_BYTES}};

    if (mapped)
        return true;
    if (!ft_host_map_region(FT_REGION_BASE, FT_REGION_BYTES))
        return false;
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (!ft_host_open(open[i].base, open[i].bytes))
            return false;
    for (unsigned i = 0; i < FT_TASKS_MAX; i++)
        if (!ft_host_open(ft_stack_bottom(i), FT_STACK_BYTES))
            return false;
    mapped = true;
    return true;
}

/* Remembers the module's data sections, so that a cold start finds them as the loader left them. */
static bool keep_pristine(const struct ft_module *module)
{
    for (unsigned i = 0; i < 2; i++) {
        size_t bytes = (size_t)(module->data[i].end - module->data[i].begin);

        if (bytes == 0)
            continue;
        pristine[i] = ft_host_grow(NULL, 0, align_up(bytes, FT_PAGE_BYTES));
        if (!pristine[i])
            return false;
        ft_raw_copy(pristine[i], module->data[i].begin, bytes);
    }
    return true;
}

static void put_pristine_back(void)
{
    const struct ft_module *module = ft_host_world.module;

    for (unsigned i = 0; i < 2; i++) {
        size_t bytes = (size_t)(module->data[i].end - module->data[i].begin);

        if (bytes == 0)
            continue;
        ft_raw_copy(module->data[i].begin, pristine[i], bytes);
        ft_host_release(pristine[i], align_up(bytes, FT_PAGE_BYTES));
        pristine[i] = NULL;
    }
}

static void restore_pristine(void)
{
    const struct ft_module *module = ft_host_world.module;

    for (unsigned i = 0; i < 2; i++)
        ft_raw_copy(module->data[i].begin, pristine[i],
                    (size_t)(module->data[i].end - module->data[i].begin));
}

struct ft_world *ft_world_create(const struct ft_module *module)
{
    if (ft_host_world.module)
        ft_world_destroy(&the_world);
    if (!map_region() || !keep_pristine(module))
        return NULL;
    ft_asan_present();
    ft_poison((void *)FT_POOL_BASE, FT_POOL_BYTES);
    ft_tasks_reset(); /* tasks that the last world left parked: their stacks' shadow is stale */
    memset(FT_M, 0, sizeof *FT_M);
    ft_save_forget();
    ft_host_world.module = module;
    ft_races_open();
    ft_host_world.observer = NULL;
    ft_host_world.state_reserved = (uint32_t)align_up(sizeof *FT_M, 64);
    FT_M->state_used = ft_host_world.state_reserved;
    FT_M->current = FT_NO_TASK;
    ft_faults_catch();
    return &the_world;
}

void ft_world_destroy(struct ft_world *world)
{
    if (!world || !ft_host_world.module)
        return;
    ft_host_release_faults();
    put_pristine_back();
    ft_host_world.module = NULL;
}

void *ft_world_reserve(struct ft_world *world, size_t bytes)
{
    unsigned char *block = (unsigned char *)FT_STATE_BASE + ft_host_world.state_reserved;

    (void)world;
    FT_ASSERT(ft_host_world.state_reserved + bytes <= FT_STATE_BYTES);
    ft_host_world.state_reserved += (uint32_t)align_up(bytes, 64);
    ft_raw_fill(block, 0, bytes);
    FT_M->state_used = ft_host_world.state_reserved;
    ft_save_forget();
    return block;
}

void ft_world_observe(struct ft_world *world, ft_observer *observer, void *state)
{
    (void)world;
    ft_host_world.observer = observer;
    ft_host_world.observer_state = state;
    ft_save_forget();
}

const struct ft_module *ft_world_module(void)
{
    return ft_host_world.module;
}

/* Cold: everything from the beginning, but for the harness's reservations: their owner begins anew
 * at the event run:begin. */
static void reset_cold(const struct ft_platform *platform)
{
    uint32_t used = ft_host_world.state_reserved;
    uint32_t pool = FT_M->pool_used;

    ft_tasks_reset();
    memset(FT_M, 0, sizeof *FT_M);
    ft_poison((void *)FT_POOL_BASE, pool);
    restore_pristine();
    FT_M->state_used = used;
    FT_M->platform = *platform;
    FT_M->cpus = (uint8_t)(platform->processors + 1);
    FT_M->current = FT_NO_TASK;
    FT_M->prefer = FT_NO_TASK;
    FT_M->parked = FT_NO_TASK;
    ft_kernel_reset();
    ft_dma_reset();
    ft_io_reset();
    ft_host_world.reset_bytes = sizeof *FT_M;
}

/* See FT_PLATFORM_PACKED. */
static uint64_t platform_word(const struct ft_platform *platform)
{
    const uint8_t knob[] = {
#define KNOB(field, name, maximum, sentence) platform->field,
        FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
    };
    uint64_t word = 0;

    for (unsigned i = 0; i < FT_PLATFORM_PACKED; i++)
        word = word * 131 + knob[i];
    for (unsigned i = FT_PLATFORM_PACKED; i < FT_PLATFORM_OF_MACHINE; i++)
        word |= (uint64_t)knob[i] << (62 + i - FT_PLATFORM_PACKED);
    return word;
}

static bool may_be_warm(const struct ft_run_options *options)
{
    const struct ft_scenario *scenario = options->scenario;

    if (options->cold || options->log || options->chooser || options->stop_at)
        return false;
    return scenario->op_count == 0 || !ft_op_may_strike_in_start(&scenario->op[0]);
}

void ft_world_begin(struct ft_world *world, const struct ft_run_options *options)
{
    const struct ft_scenario *scenario = options->scenario;
    struct ft_machine *m = FT_M;

    (void)world;
    ft_host_world.run_number++;
    ft_sanitizer_take_report();
    ft_host_world.started_warm = may_be_warm(options) && ft_warm_restore(&scenario->platform);
    if (!ft_host_world.started_warm)
        reset_cold(&scenario->platform);
    m->options = *options;
    ft_debugger.stop_at = options->stop_at;
    m->step_limit = options->step_limit ? options->step_limit
                                        : FT_STEP_LIMIT * (1u + scenario->platform.longer);
    if (options->keep_faults)
        ft_host_release_faults();
    if (options->met)
        memset(options->met, 0, sizeof *options->met);
    if (options->turns)
        memset(options->turns, 0, offsetof(struct ft_turns, turn));
    if (ft_host_world.started_warm)
        return;
    if (options->log) {
        options->log->count = 0;
        options->log->lost = 0;
    }
    ft_emit(FT_EV_RUN_BEGIN, m->cpus, platform_word(&m->platform));
    /* An op that cannot strike before START ends arms afterwards, so that warm and cold runs are
     * one. */
    if ((options->chooser && options->chooser->next) ||
        (scenario->op_count > 0 && ft_op_may_strike_in_start(&scenario->op[0])))
        ft_ops_arm();
    ft_io_start_driver();
}

static bool any_task(enum ft_task_state state)
{
    for (uint32_t left = FT_ALL_TASKS; left;)
        if (ft_next_task(&left)->state == state)
            return true;
    return false;
}

static bool wake_quiet(void)
{
    bool any = false;

    for (uint32_t left = FT_ALL_TASKS; left;) {
        struct ft_task *task = ft_next_task(&left);

        if (task->state == FT_TS_QUIET) {
            task->state = FT_TS_READY;
            any = true;
        }
    }
    return any;
}

/* A task that never gets its processor, lock or object. A thread that the driver made for itself
 * may wait for work until DriverUnload ends it; a rule speaks of those that are left. A requester
 * that waits for its requests waits for the next steps of the tail, which end those. */
static bool blocked_for_good(void)
{
    for (uint32_t left = FT_ALL_TASKS; left;) {
        const struct ft_task *task = ft_next_task(&left);

        if (task->state == FT_TS_WAIT && !task->of_driver && !ft_io_waits_for_requests(task))
            return true;
    }
    return any_task(FT_TS_SPIN) || any_task(FT_TS_READY);
}

static void hang(unsigned kind)
{
    ft_emit(FT_EV_RUN_HANG, kind);
    ft_stop(FT_STOP_HANG);
}

static bool quiet_in_start(void)
{
    struct ft_machine *m = FT_M;

    if (ft_timer_release(true))
        return true;
    if (!m->started) {
        if (m->now < START_CLOCK_LIMIT && ft_clock_step(true))
            return true;
        hang(HANG_BLOCKED);
        return false;
    }
    m->phase = FT_PHASE_OPS;
    if (m->ops_fired + m->ops_skipped + m->ops_late == 0 && !m->options.chooser &&
        !m->options.cold && !m->options.log && !m->armed_valid)
        ft_warm_save(&m->platform);
    return true;
}

static bool quiet_in_ops(void)
{
    struct ft_machine *m = FT_M;

    if (ft_timer_release(false) || ft_ops_strike_at_quiet() || ft_timer_release(true))
        return true;
    m->phase = FT_PHASE_TAIL;
    if (m->order.on)
        ft_order_end();
    m->tail_began = m->now;
    ft_emit(FT_EV_RUN_TAIL);
    return true;
}

static bool quiet_in_tail(void)
{
    struct ft_machine *m = FT_M;
    bool asleep = ft_io_asleep(); /* the first step wakes it */
    bool waits = !asleep && (blocked_for_good() || ft_io_outstanding() > 0);

    if (waits && m->now - m->tail_began < TAIL_CLOCK_LIMIT && ft_clock_step(true))
        return true;
    if (!asleep && blocked_for_good()) {
        hang(HANG_BLOCKED);
        return false;
    }
    m->tail_began = m->now;
    if (ft_io_tail_step())
        return true;
    if (m->stop != FT_STOP_NONE)
        return false;
    ft_pool_check();
    ft_frames_check();
    ft_emit(FT_EV_RUN_END, ft_io_unloaded());
    m->phase = FT_PHASE_OVER;
    return false;
}

/* Nothing has happened since it parked: the order of steps does not see it. */
static void run_parked(void)
{
    unsigned task = FT_M->parked;

    FT_M->parked = FT_NO_TASK;
    ft_task_run(task, FT_M->task[task].cpu);
}

bool ft_world_step(struct ft_world *world)
{
    (void)world;
    if (FT_M->stop != FT_STOP_NONE)
        return false;
    if (FT_M->parked != FT_NO_TASK) {
        run_parked();
        return true;
    }
    if (FT_M->phase == FT_PHASE_OPS) {
        ft_ops_arm();
        if (FT_M->order.on)
            ft_ops_strike_in_order();
    }
    if (ft_schedule_step())
        return true;
    if (FT_M->stop != FT_STOP_NONE)
        return false;
    if (wake_quiet() || ft_io_quiet())
        return true;
    switch (FT_M->phase) {
    case FT_PHASE_START:
        return quiet_in_start();
    case FT_PHASE_OPS:
        return quiet_in_ops();
    case FT_PHASE_TAIL:
        return quiet_in_tail();
    default:
        return false;
    }
}

void ft_world_finish(struct ft_world *world, struct ft_run_result *ret)
{
    const struct ft_machine *m = FT_M;

    (void)world;
    ret->stop = m->stop;
    ret->hash = m->hash;
    ret->event_count = m->events;
    ret->driver_event_count = m->driver_events;
    ret->steps = m->steps;
    ret->places = m->places;
    ret->ops_fired = m->ops_fired;
    ret->ops_late = m->ops_late;
    ret->ops_skipped = m->ops_skipped;
    ret->warm = ft_host_world.started_warm;
    ret->yanked = ft_io_yanked();
    ret->reset_bytes = ft_host_world.reset_bytes;
}

void ft_world_run(struct ft_world *world, const struct ft_run_options *options,
                  struct ft_run_result *ret)
{
    ft_world_begin(world, options);
    while (ft_world_step(world))
        ;
    ft_world_finish(world, ret);
}
