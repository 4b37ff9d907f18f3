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

    if (m->options.chooser && m->options.chooser->next)
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
    m->armed_step = m->steps;
    if (!take_next(&m->armed)) {
        m->ops_done = 1;
        return;
    }
    m->op_index++;
    m->armed_valid = 1;
    m->armed_left = m->armed.moment.count;
    m->armed_accesses = m->armed.moment.accesses;
    m->access_phase = 0;
}

/* What strikes at once by itself is a thread under an order, so that it has its turn, too. */
static bool is_deferred(unsigned kind)
{
    switch (kind) {
    case FT_OP_YANK:
    case FT_OP_SURPRISE_REMOVE:
    case FT_OP_BUS_RESET:
    case FT_OP_INT_SPURIOUS:
    case FT_OP_ABORT:
    case FT_OP_TARGET:
        return FT_M->order.on && !ft_current();
    default:
        return false;
    }
}

static void announce(enum ft_event_kind kind, uint32_t index, const struct ft_op *op)
{
    uint64_t arg[] = {index, op->kind, op->label};

    ft_emit_as(FT_LAYER_HARNESS, 0, kind, 3, arg);
}

enum { KIND_SHIFT = 56, LABEL_SHIFT = 48, INDEX_SHIFT = 32, ARG_SHIFT = 16 };

static void strike_deferred(void *argument)
{
    uint64_t packed = (uintptr_t)argument;
    struct ft_op op = {.kind = (uint8_t)(packed >> KIND_SHIFT),
                       .label = (uint8_t)(packed >> LABEL_SHIFT),
                       .device = FT_DEV->number, /* the task was made for it */
                       .arg = {(uint16_t)packed, (uint16_t)(packed >> ARG_SHIFT)}};
    uint32_t index = (uint16_t)(packed >> INDEX_SHIFT), later = FT_M->op_index;
    bool done;

    FT_M->op_index = index; /* what is queued is skipped by this number */
    done = ft_io_op(&op);
    FT_M->op_index = later;
    if (!done)
        announce(FT_EV_OP_SKIPPED, index, &op);
}

static bool defer(const struct ft_op *op)
{
    uint64_t packed = (uint64_t)op->kind << KIND_SHIFT | (uint64_t)op->label << LABEL_SHIFT |
                      (uint64_t)(uint16_t)FT_M->op_index << INDEX_SHIFT |
                      (uint64_t)op->arg[1] << ARG_SHIFT | op->arg[0];

    return ft_task_spawn(FT_TASK_THREAD, strike_deferred, (void *)(uintptr_t)packed, op->label) !=
           NULL;
}

static bool execute(const struct ft_op *op)
{
    const struct ft_op_row *row = ft_op_row(op->kind);

    if (!row || !row->built || !ft_device_numbered(op->device))
        return false;
    if (is_deferred(op->kind))
        return defer(op);
    switch (op->kind) {
    case FT_OP_PREEMPT:
        return !ft_io_asleep() && ft_prefer_choice(op->arg[0], op->arg[1]);
    case FT_OP_ORDER:
    case FT_OP_LAST:
    case FT_OP_LOWER:
    case FT_OP_PICK:
        return ft_order_op(op);
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

/* What a strategy strikes has no position in a scenario. */
void ft_ops_note(uint32_t index, enum ft_met_op how)
{
    const struct ft_run_options *options = &FT_M->options;

    if (options->met && !options->chooser && index >= 1 && index <= FT_OPS_MAX)
        options->met->op[index - 1] = (uint8_t)how;
}

/* The event comes before the effect; a skipped op has no effect. */
static void perform(const struct ft_op *op, uint32_t index, bool late)
{
    struct ft_io_device *device = ft_device_numbered(op->device);
    struct ft_focus was = ft_focus_on(device ? device : FT_DEV);
    struct ft_machine *m = FT_M;

    announce(late ? FT_EV_OP_LATE : FT_EV_OP_FIRED, index, op);
    m->ops_late += late;
    ft_ops_note(index, late ? FT_MET_LATE : FT_MET_FIRED);
    if (execute(op)) {
        m->ops_fired++;
    } else {
        announce(FT_EV_OP_SKIPPED, index, op);
        ft_ops_note(index, FT_MET_SKIPPED);
        m->ops_skipped++;
    }
    ft_focus_back(was);
}

/* Strikes the armed op and arms the next. */
static void strike(bool late)
{
    struct ft_machine *m = FT_M;
    struct ft_op op = m->armed;

    m->armed_valid = 0;
    perform(&op, m->op_index, late);
    ft_ops_arm();
}

static bool matches(const struct ft_moment *moment, enum ft_point point, unsigned label)
{
    const struct ft_task *task = ft_current();

    if (moment->point != FT_PT_ANY && moment->point != point)
        return false;
    if (moment->device != 0 && moment->device != FT_DEV->number + 1)
        return false;
    return moment->target == 0 || moment->target == label ||
           (task && moment->target == task->label);
}

static bool armed_waits_too_long(void)
{
    return FT_M->steps - FT_M->armed_step > FT_LATE_STEPS && FT_M->phase == FT_PHASE_OPS;
}

static void describe(enum ft_point point, unsigned label, struct ft_here *ret)
{
    const struct ft_machine *m = FT_M;
    const struct ft_task *task = ft_current();
    bool waits = m->armed_valid && m->armed.moment.count != 0;
    bool here = waits && matches(&m->armed.moment, point, label);

    *ret = (struct ft_here){
        .place = m->places,
        .events = m->events,
        .steps = m->steps,
        .armed_step = m->armed_step,
        .site = task && task->layer == FT_LAYER_DRIVER ? task->site : 0,
        .label = (uint16_t)label,
        .task_label = task ? task->label : 0,
        .position = (uint16_t)(m->op_index - m->armed_valid),
        .left = waits ? (uint16_t)(m->armed_left - here) : 0,
        .point = (uint8_t)point,
        .task_kind = task ? task->kind : FT_TASK_ENGINE,
        .parks = task && m->in_engine != FT_ENGINE_STEPPING,
        .taken = m->armed_valid &&
                 (m->access_phase || (here && m->armed_left == 1) || armed_waits_too_long()),
    };
}

/* What a strategy puts here strikes as though it had been the op in front of the armed one; that
 * one arms anew with the occurrences it still lacks. */
static void strike_before_armed(const struct ft_op *op, unsigned left)
{
    struct ft_machine *m = FT_M;

    if (!m->armed_valid) {
        perform(op, ++m->op_index, false);
        ft_ops_arm();
        return;
    }
    m->armed_valid = 0;
    perform(op, m->op_index++, false);
    m->armed_valid = 1;
    m->armed_left = (uint16_t)left;
    m->armed_step = m->steps;
}

static bool ask_strategy(enum ft_point point, unsigned label)
{
    const struct ft_chooser *chooser = FT_M->options.chooser;
    enum ft_choice choice;
    struct ft_here here;
    struct ft_op op;

    if (!chooser)
        return false;
    FT_M->places++;
    if (!chooser->at_point || FT_M->places < chooser->ask_from)
        return false;
    describe(point, label, &here);
    while ((choice = chooser->at_point(chooser->context, &here, &op)) == FT_CHOICE_PARK) {
        FT_ASSERT(here.parks);
        FT_M->parked = FT_M->current;
        ft_task_park(FT_TS_READY);
    }
    if (choice == FT_CHOICE_STRIKE)
        strike_before_armed(&op, here.left);
    return choice == FT_CHOICE_STRIKE;
}

void ft_ops_at_point(enum ft_point point, unsigned label)
{
    struct ft_machine *m = FT_M;

    if (m->phase == FT_PHASE_TAIL || m->phase == FT_PHASE_OVER)
        return;
    if (ask_strategy(point, label) || !m->armed_valid)
        return;
    if (armed_waits_too_long()) {
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

void ft_ops_strike_in_order(void)
{
    struct ft_machine *m = FT_M;

    while (m->order.on && m->armed_valid && m->armed.moment.count == 0 && m->stop == FT_STOP_NONE)
        strike(false);
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
