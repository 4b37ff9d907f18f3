/* Ops: arming, moments, striking. Legality and effect belong to the layers (ft_io_op, ft_dma_op).
 */
#include "world/machine.h"
#include "world/world_private.h"

#include <string.h>

bool ft_op_may_strike_in_start(const struct ft_op *op)
{
    /* A moment on a label cannot come before an op has that label; a moment on the device can. */
    return op->moment.count != 0 && op->moment.target == 0;
}

static bool take_next(struct ft_op *ret)
{
    struct ft_machine *m = FT_M;
    const struct ft_scenario *scenario = m->options.scenario;

    if (m->options.chooser)
        return m->options.chooser->next(m->options.chooser->context, ret);
    if (m->op_next >= scenario->op_count)
        return false;
    *ret = scenario->op[m->op_next++];
    return true;
}

void ft_ops_arm(void)
{
    struct ft_machine *m = FT_M;

    if (m->armed_valid || m->ops_done)
        return;
    if (!take_next(&m->armed)) {
        m->ops_done = 1;
        return;
    }
    m->op_index++;
    m->armed_valid = 1;
    m->armed_left = m->armed.moment.count;
    m->armed_accesses = m->armed.moment.accesses;
    m->access_phase = 0;
    m->armed_step = m->steps;
}

static bool execute(const struct ft_op *op)
{
    const struct ft_op_row *row = ft_op_row(op->kind);

    if (!row || !row->built)
        return false;
    switch (op->kind) {
    case FT_OP_PREEMPT:
        return !ft_io_asleep() && ft_prefer_choice(op->arg[0], op->arg[1]);
    case FT_OP_FAIL_ALLOC:
        FT_M->alloc_fail_what = op->arg[0] ? op->arg[0] : 0xFF;
        FT_M->alloc_fail_after = op->arg[1];
        return true;
    case FT_OP_LOWER_FAILS:
    case FT_OP_LOWER_PENDS:
        return ft_io_op(op);
    case FT_OP_TIMER_LATE:
    case FT_OP_TIMER_DUE:
        return !ft_io_asleep() && ft_timer_op(op);
    default:
        return row->class_ == FT_OP_CLASS_CHOICE ? ft_dma_op(op) : ft_io_op(op);
    }
}

static void announce(enum ft_event_kind kind, uint32_t index, const struct ft_op *op)
{
    uint64_t arg[] = {index, op->kind, op->label};

    ft_emit_as(FT_LAYER_HARNESS, 0, kind, 3, arg);
}

/* What a strategy strikes has no position in a scenario. */
void ft_ops_note(uint32_t index, enum ft_met_op how)
{
    const struct ft_run_options *options = &FT_M->options;

    if (options->met && !options->chooser && index >= 1 && index <= FT_OPS_MAX)
        options->met->op[index - 1] = (uint8_t)how;
}

/* Strikes the armed op and arms the next. The event comes before the effect; a skipped op has no
 * effect. */
static void strike(bool late)
{
    struct ft_machine *m = FT_M;
    struct ft_op op = m->armed;
    uint32_t index = m->op_index;

    m->armed_valid = 0;
    announce(late ? FT_EV_OP_LATE : FT_EV_OP_FIRED, index, &op);
    m->ops_late += late;
    ft_ops_note(index, late ? FT_MET_LATE : FT_MET_FIRED);
    if (execute(&op)) {
        m->ops_fired++;
    } else {
        announce(FT_EV_OP_SKIPPED, index, &op);
        ft_ops_note(index, FT_MET_SKIPPED);
        m->ops_skipped++;
    }
    ft_ops_arm();
}

static bool matches(const struct ft_moment *moment, enum ft_point point, unsigned label)
{
    const struct ft_task *task = ft_current();

    if (moment->point != FT_PT_ANY && moment->point != point)
        return false;
    return moment->target == 0 || moment->target == label ||
           (task && moment->target == task->label);
}

/* A strategy's decision becomes an op with a moment that finds the same place again: the next point
 * of any kind. */
static void ask_strategy(enum ft_point point, unsigned label)
{
    struct ft_machine *m = FT_M;
    struct ft_op op;

    if (!m->options.chooser || !m->options.chooser->at_point)
        return;
    if (!m->options.chooser->at_point(m->options.chooser->context, point, label, &op))
        return;
    m->armed = op;
    m->armed_valid = 1;
    m->op_index++;
    strike(false);
}

void ft_ops_at_point(enum ft_point point, unsigned label)
{
    struct ft_machine *m = FT_M;

    if (m->phase == FT_PHASE_TAIL || m->phase == FT_PHASE_OVER)
        return;
    ask_strategy(point, label);
    if (!m->armed_valid)
        return;
    if (m->steps - m->armed_step > FT_LATE_STEPS && m->phase == FT_PHASE_OPS) {
        strike(true);
        return;
    }
    if (m->armed.moment.count == 0 || m->access_phase || !matches(&m->armed.moment, point, label))
        return;
    if (--m->armed_left > 0)
        return;
    if (m->armed_accesses)
        m->access_phase = 1;
    else
        strike(false);
}

void ft_ops_on_access(void)
{
    struct ft_machine *m = FT_M;

    if (!m->armed_valid || !m->access_phase || m->stop != FT_STOP_NONE || !ft_current())
        return;
    if (--m->armed_accesses > 0)
        return;
    strike(false);
    if (m->prefer != FT_NO_TASK || m->prefer_kind)
        ft_task_yield();
    if (m->stop != FT_STOP_NONE)
        ft_task_leave();
}

bool ft_ops_strike_at_quiet(void)
{
    struct ft_machine *m = FT_M;

    ft_ops_arm();
    if (!m->armed_valid)
        return false;
    strike(m->armed.moment.count != 0);
    return true;
}
