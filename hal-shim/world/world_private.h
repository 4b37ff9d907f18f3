/* What the files of hal-shim/world share and no other folder needs. */
#ifndef FT_WORLD_PRIVATE_H
#define FT_WORLD_PRIVATE_H

#include "world/machine.h"

/* What is never saved or restored: it belongs to the host process, not to the simulated machine. */
struct ft_host_world {
    const struct ft_module *module;
    ft_observer *observer;
    void *observer_state;
    void *main_context; /* the scheduler's fiber while a task runs */
    const void *main_bottom;
    size_t main_bytes;
    void *main_fake_stack;
    uint32_t state_reserved;                   /* struct ft_machine and harness reservations */
    uint64_t run_number, loop_run, loop_steps; /* the watch for loops without points */
    uint64_t reset_bytes;
    bool started_warm;
    bool accesses;                 /* the module is of the access flavour */
    bool stack_used[FT_TASKS_MAX]; /* the stack may hold stale shadow */
};
extern struct ft_host_world ft_host_world;

/* task.c */
void ft_tasks_reset(void);
void ft_task_run(unsigned index, unsigned cpu);
_Noreturn void ft_task_leave(void); /* the running task is gone for good; back to the scheduler */

uintptr_t ft_stack_bottom(unsigned index);
uintptr_t ft_stack_top(unsigned index);
bool ft_stack_guard_hit(uintptr_t address);

/* schedule.c */
bool ft_schedule_step(void); /* false: quiet */
bool ft_task_may_step(const struct ft_task *task, unsigned *cpu);
bool ft_prefer_choice(unsigned kind, unsigned index); /* preempt op; false: no such task */
void ft_engine_step_alone(void);                      /* one step of the engine, which is busy */
void ft_cpu_push(unsigned cpu, unsigned task);
void ft_cpu_drop(unsigned cpu, unsigned task);

/* clock.c */
bool ft_clock_step(bool periodic_too); /* false: nothing is due */
bool ft_clock_pending(void);           /* something is */

/* ops.c */
void ft_ops_at_point(enum ft_point point, unsigned label);
void ft_ops_on_access(void);
void ft_ops_strike_in_order(void); /* under an `order`: the ops without a moment */
bool ft_op_may_strike_in_start(const struct ft_op *op);

/* save.c */
void ft_save_forget(void);
bool ft_warm_restore(const struct ft_platform *platform);
void ft_warm_save(const struct ft_platform *platform);

/* faults.c */
void ft_faults_catch(void);

#endif
