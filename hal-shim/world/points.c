/* Points: where a run may be cut, an op may strike and tasks may switch. */
#include "world/machine.h"
#include "world/shadow.h"
#include "world/world_private.h"

static void out_of_steps(void)
{
    ft_emit(FT_EV_RUN_CUT, FT_M->steps);
    ft_stop(FT_STOP_CUT);
}

/* The engine's step is not the task's, even when a polling task gave it the chance: nothing
 * switches inside it. */
static bool may_switch(void)
{
    return ft_current() && FT_M->in_engine != FT_ENGINE_STEPPING;
}

/* A run that has stopped goes no further: a task is left where it stands. */
static void leave_if_stopped(void)
{
    if (FT_M->stop != FT_STOP_NONE && may_switch())
        ft_task_leave();
}

void ft_point(enum ft_point point, unsigned label)
{
    struct ft_machine *m = FT_M;

    m->steps++;
    if (__builtin_expect(m->steps > m->step_limit, 0) && m->stop == FT_STOP_NONE)
        out_of_steps();
    if (__builtin_expect(ft_sanitizer_take_report(), 0)) {
        ft_emit(FT_EV_RUN_CRASH, 6, 0, 0);
        ft_stop(FT_STOP_CRASH);
    }
    leave_if_stopped();
    if (m->armed_valid || m->options.chooser)
        ft_ops_at_point(point, label);
    leave_if_stopped();
    if ((m->prefer != FT_NO_TASK || m->prefer_kind) && may_switch()) {
        ft_task_yield();
        leave_if_stopped();
    }
}

void ft_ddi_begin(enum ft_point point, unsigned label, void *return_address)
{
    struct ft_task *task = ft_current();
    const struct ft_module *module = ft_host_world.module;
    const unsigned char *at = return_address;

    /* DDIs run in tasks only: driver code never runs elsewhere. */
    FT_ASSERT(task);
    if (at >= module->code_begin && at < module->code_end)
        task->site = (uint64_t)(at - module->code_begin);
    ft_point(point, label);
    task->nesting++;
}

void ft_ddi_end(enum ft_point point, unsigned label)
{
    ft_current()->nesting--;
    ft_point(point, label);
}
