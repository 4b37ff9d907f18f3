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

/* At most UINT8_MAX. */
static void count(uint8_t *met, enum ft_point point)
{
    met[point] += met[point] < UINT8_MAX;
    met[FT_PT_ANY] += met[FT_PT_ANY] < UINT8_MAX;
}

static void count_on(struct ft_met *met, enum ft_point point, unsigned label)
{
    if (label >= FT_MET_LABELS)
        return;
    count(met->point[label], point);
    if (met->first[label][point] == 0)
        met->first[label][point] = met->point[label][FT_PT_ANY];
}

/* Counts as the moments of ops do (world/ops.c): on the object's label and on the task's. */
static void note(struct ft_met *met, enum ft_point point, unsigned label)
{
    const struct ft_task *task = ft_current();

    if (FT_M->phase == FT_PHASE_START) {
        count(met->start, point);
    } else if (FT_M->phase == FT_PHASE_OPS) {
        met->tasks[point] |= (uint8_t)(1u << (task ? task->kind : 0));
        count_on(met, point, 0);
        if (label > 0)
            count_on(met, point, label);
        if (task && task->label > 0 && task->label != label)
            count_on(met, point, task->label);
    }
}

/* Points inside framework and port code are off: a driver cannot tell where in them it is
 * interrupted. Where it can, they say so with the layer of the driver (kmdf/kmdf_private.h). */
static bool inside_framework(void)
{
    const struct ft_task *task = ft_current();

    return task && (task->layer == FT_LAYER_FRAMEWORK || task->layer == FT_LAYER_PORT);
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
    if (inside_framework())
        return;
    if (m->options.met)
        note(m->options.met, point, label);
    if (m->armed_valid || m->options.chooser)
        ft_ops_at_point(point, label);
    leave_if_stopped();
    if (m->order.on && may_switch()) {
        ft_order_at_point(point);
        leave_if_stopped();
    } else if ((m->prefer != FT_NO_TASK || m->prefer_kind) && may_switch()) {
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
