/* Tasks: Boost.Context fibers on stacks with guard pages.
 *
 * The scheduler runs on the host's stack ("main"). A task runs until it ends, blocks or yields;
 * then it jumps back. While parked its whole context lies on its own stack, so a copy of [context,
 * top) saves it. Sanitizers are told of every switch.
 */
#include "world/host.h"
#include "world/machine.h"
#include "world/races.h"
#include "world/shadow.h"
#include "world/world_private.h"

#include <string.h>

typedef void *fcontext_t;
struct transfer {
    fcontext_t from;
    void *data;
};
extern struct transfer jump_fcontext(fcontext_t to, void *data);
extern fcontext_t make_fcontext(void *top, size_t bytes, void (*entry)(struct transfer));

extern void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t bytes)
    __attribute__((weak));
extern void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *bytes)
    __attribute__((weak));

enum { TASK_IDS_MAX = UINT16_MAX - 1 };

struct ft_host_world ft_host_world;

uintptr_t ft_stack_bottom(unsigned index)
{
    return FT_STACKS_BASE + index * FT_STACK_STRIDE + FT_PAGE_BYTES;
}

uintptr_t ft_stack_top(unsigned index)
{
    return ft_stack_bottom(index) + FT_STACK_BYTES;
}

bool ft_stack_guard_hit(uintptr_t address)
{
    return address >= FT_STACKS_BASE && address < FT_STACKS_BASE + FT_TASKS_MAX * FT_STACK_STRIDE &&
           (address - FT_STACKS_BASE) % FT_STACK_STRIDE < FT_PAGE_BYTES;
}

static void switch_begin(void **fake, const void *bottom, size_t bytes)
{
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(fake, bottom, bytes);
}

static void switch_end(void *fake, const void **bottom, size_t *bytes)
{
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(fake, bottom, bytes);
}

/* Back to the scheduler. Returns when the task runs again. */
static void jump_to_main(struct ft_task *task, bool for_good)
{
    struct transfer back;

    switch_begin(for_good ? NULL : &task->fake_stack, ft_host_world.main_bottom,
                 ft_host_world.main_bytes);
    back = jump_fcontext(ft_host_world.main_context, task);
    ft_host_world.main_context = back.from;
    switch_end(task->fake_stack, &ft_host_world.main_bottom, &ft_host_world.main_bytes);
}

void ft_task_park(enum ft_task_state state)
{
    struct ft_task *task = ft_current();

    FT_ASSERT(task && task->state == FT_TS_RUNNING);
    task->state = (uint8_t)state;
    jump_to_main(task, false);
}

static void release(struct ft_task *task)
{
    if (task->resident)
        ft_cpu_drop(task->cpu, (unsigned)(task - FT_M->task));
    task->state = FT_TS_FREE;
    task->resident = 0;
    FT_M->tasks_of_kind[task->kind] &= ~(1u << (task - FT_M->task));
    FT_M->tasks_of_kind[0] &= ~(1u << (task - FT_M->task));
}

_Noreturn void ft_task_leave(void)
{
    struct ft_task *task = ft_current();

    /* Its frames stay behind on the stack with their shadow. */
    ft_host_world.stack_used[task - FT_M->task] = true;
    release(task);
    jump_to_main(task, true);
    __builtin_unreachable();
}

static void fiber_entry(struct transfer from)
{
    struct ft_task *task = from.data;

    ft_host_world.main_context = from.from;
    switch_end(NULL, &ft_host_world.main_bottom, &ft_host_world.main_bytes);
    task->fn(task->argument);
    ft_thread_end();
    ft_emit(FT_EV_TASK_END, ft_handle(FT_HC_TASK, task->id, 0));
    release(task);
    jump_to_main(task, true);
    __builtin_unreachable();
}

_Noreturn void ft_task_exit(void)
{
    ft_thread_end();
    ft_emit(FT_EV_TASK_END, ft_handle(FT_HC_TASK, ft_current()->id, 0));
    ft_task_leave();
}

static void begin(struct ft_task *task, unsigned index)
{
    uintptr_t bottom = ft_stack_bottom(index);

    if (ft_host_world.stack_used[index]) {
        ft_unpoison((void *)bottom, FT_STACK_BYTES);
        ft_host_world.stack_used[index] = false;
    }
    task->context = make_fcontext((void *)ft_stack_top(index), FT_STACK_BYTES, fiber_entry);
    task->began = 1;
}

void ft_task_run(unsigned index, unsigned cpu)
{
    struct ft_task *task = &FT_M->task[index];
    struct transfer back;

    if (!task->began) {
        begin(task, index);
        if (task->kind == FT_TASK_ISR || task->kind == FT_TASK_DPC || task->kind == FT_TASK_TIMER)
            ft_cpu_push(cpu, index);
    }
    task->cpu = (uint8_t)cpu;
    task->state = FT_TS_RUNNING;
    FT_M->current = (uint8_t)index;
    ft_focus_resume(task);
    switch_begin(&ft_host_world.main_fake_stack, (void *)ft_stack_bottom(index), FT_STACK_BYTES);
    back = jump_fcontext(task->context, task);
    switch_end(ft_host_world.main_fake_stack, NULL, NULL);
    task->context = back.from;
    FT_M->current = FT_NO_TASK;
}

struct ft_task *ft_task_spawn(enum ft_task_kind kind, ft_task_fn *fn, void *argument,
                              unsigned label)
{
    struct ft_task *task = NULL;
    uint64_t handle;

    for (unsigned i = 0; i < FT_TASKS_MAX && !task; i++)
        if (FT_M->task[i].state == FT_TS_FREE)
            task = &FT_M->task[i];
    if (!task || FT_M->handle_next[FT_HC_TASK] >= TASK_IDS_MAX) {
        /* A scenario that keeps so many tasks alive, or makes so many, has no verdict; it must not
         * look clean. */
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop(FT_STOP_CUT);
        return NULL;
    }
    memset(task, 0, sizeof *task);
    handle = ft_handle_new(FT_HC_TASK);
    FT_M->tasks_of_kind[kind] |= 1u << (task - FT_M->task);
    FT_M->tasks_of_kind[0] |= 1u << (task - FT_M->task);
    task->kind = (uint8_t)kind;
    task->state = FT_TS_READY;
    task->cpu = FT_NO_CPU;
    task->layer = FT_LAYER_HARNESS;
    task->id = (uint16_t)ft_handle_id(handle);
    task->label = (uint16_t)label;
    task->order = FT_M->order_next++;
    ft_task_about(task, FT_DEV->number);
    task->fn = fn;
    task->argument = argument;
    ft_order_name(task);
    ft_emit(FT_EV_TASK_NEW, handle, kind, label);
    return task;
}

void ft_task_prefer(const struct ft_task *task)
{
    if (task)
        FT_M->prefer = (uint8_t)(task - FT_M->task);
}

void ft_task_yield(void)
{
    ft_task_park(FT_TS_READY);
}

int32_t ft_task_wait(void *object, uint64_t deadline)
{
    struct ft_task *task = ft_current();

    task->wait_object = object;
    task->deadline = deadline;
    task->waited = FT_M->order_next++;
    ft_task_park(FT_TS_WAIT);
    return task->wake_status;
}

void ft_task_wake(struct ft_task *task, int32_t status)
{
    FT_ASSERT(task->state == FT_TS_WAIT);
    task->state = FT_TS_READY;
    task->wait_object = NULL;
    task->deadline = 0;
    task->wake_status = status;
}

void ft_task_wait_quiet(void)
{
    ft_task_park(FT_TS_QUIET);
}

struct ft_task *ft_first_waiter(const void *object)
{
    struct ft_task *first = NULL;

    for (uint32_t left = FT_ALL_TASKS; left;) {
        struct ft_task *task = ft_next_task(&left);

        if (task->state == FT_TS_WAIT && task->wait_object == object &&
            (!first || task->waited < first->waited))
            first = task;
    }
    return first;
}

unsigned ft_wake_waiters(void *object, int32_t status, bool all)
{
    struct ft_task *first;
    unsigned woken = 0;

    while ((first = ft_first_waiter(object)) != NULL) {
        ft_task_wake(first, status);
        woken++;
        if (!all)
            break;
    }
    return woken;
}

void ft_tasks_reset(void)
{
    for (unsigned i = 0; i < FT_TASKS_MAX; i++) {
        if (FT_M->task[i].state != FT_TS_FREE && FT_M->task[i].began)
            ft_host_world.stack_used[i] = true;
        FT_M->task[i].state = FT_TS_FREE;
    }
}

void ft_task_stack(uintptr_t *bottom, uintptr_t *top)
{
    *bottom = ft_stack_bottom(FT_M->current);
    *top = ft_stack_top(FT_M->current);
}

unsigned ft_irql(void)
{
    const struct ft_task *task = ft_current();

    return task ? task->irql : 0;
}

void ft_irql_set(unsigned irql)
{
    enum { DISPATCH = 2 };
    struct ft_task *task = ft_current();
    bool stays =
        task->kind == FT_TASK_ISR || task->kind == FT_TASK_DPC || task->kind == FT_TASK_TIMER;

    if (task->irql < DISPATCH && irql >= DISPATCH && !task->resident)
        ft_cpu_push(task->cpu, (unsigned)(task - FT_M->task));
    task->irql = (uint8_t)irql;
    if (irql < DISPATCH && task->resident && !stays)
        ft_cpu_drop(task->cpu, (unsigned)(task - FT_M->task));
}

uint8_t ft_layer_set(uint8_t layer)
{
    struct ft_task *task = ft_current();
    uint8_t old = task->layer;

    task->layer = layer;
    return old;
}

static uint64_t call_in(uint8_t layer, enum ft_routine routine, uint64_t object, unsigned code,
                        unsigned request, ft_thunk *thunk, void *a, void *b, void *c, void *d)
{
    struct ft_task *task = ft_current();
    uint8_t old_layer = task->layer, irql = task->irql, locks = task->locks;
    uint16_t old_request = task->request;
    uint64_t old_site = task->site;
    uint64_t value;

    if (request)
        task->request = (uint16_t)request;
    task->layer = layer;
    task->site = 0;
    ft_point(FT_PT_CALL_ENTER, task->label);
    ft_emit(FT_EV_CALL_ENTER, routine, object, code);
    task->nesting++;
    value = thunk(a, b, c, d);
    task->nesting--;
    ft_watch_leave();
    ft_emit(FT_EV_CALL_LEAVE, routine, object, code, value, irql, locks, task->locks);
    ft_point(FT_PT_CALL_LEAVE, task->label);
    task->layer = old_layer;
    task->site = old_site;
    task->request = old_request;
    return value;
}

uint8_t ft_layer_of(const void *routine)
{
    if (ft_framework_owns(routine))
        return FT_LAYER_FRAMEWORK;
    if (ft_port_owns(routine))
        return FT_LAYER_PORT;
    return ft_class_owns(routine) ? FT_LAYER_SYSTEM : FT_LAYER_DRIVER;
}

uint64_t ft_call_driver_routine(enum ft_routine routine, uint64_t object, unsigned code,
                                unsigned request, ft_thunk *thunk, void *a, void *b, void *c,
                                void *d)
{
    return call_in(FT_LAYER_DRIVER, routine, object, code, request, thunk, a, b, c, d);
}

uint64_t ft_call_routine(const void *address, enum ft_routine routine, uint64_t object,
                         unsigned code, unsigned request, ft_thunk *thunk, void *a, void *b,
                         void *c, void *d)
{
    return call_in(ft_layer_of(address), routine, object, code, request, thunk, a, b, c, d);
}
