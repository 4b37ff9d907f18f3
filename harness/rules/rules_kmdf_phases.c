/* KMDF: what callbacks have to bear when one before them has failed or was left out, and when
 * self-managed I/O rests (kmdf sheet, 8.5 and 8.6). One device: the driver's first.
 *
 * A callback that does not bear it shows by a fault: a crash, a bug check, or a handle that the
 * framework refuses. The row that says why is then the verdict.
 */
#include "rules/rules_io.h"

enum { POLLS = 48 }; /* of an absent device's register, one behind the other */

static uint64_t device_handle(const struct ft_rules *rules)
{
    return ft_handle(FT_HC_WDF_DEVICE, rules->wdf_power.device, 0);
}

static bool has(const struct ft_rules *rules, unsigned flag)
{
    return (rules->wdf_phases.flags & flag) != 0;
}

static bool in(struct ft_rules *rules, const struct ft_event *event, enum ft_routine routine)
{
    return ft_frame_in(rules, event, routine) != NULL;
}

static bool of_device(const struct ft_rules *rules, const struct ft_event *event)
{
    return ft_handle_class(event->arg[1]) == FT_HC_WDF_DEVICE &&
           ft_arg_id(event, 1) == rules->wdf_power.device;
}

/* ---- faults ---- */

static bool is_after_down(struct ft_rules *rules, const struct ft_event *event)
{
    return in(rules, event, FT_ROUTINE_WDF_RELEASE) ||
           in(rules, event, FT_ROUTINE_WDF_SMIO_FLUSH) ||
           in(rules, event, FT_ROUTINE_WDF_SMIO_CLEANUP);
}

static void judge_fault(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t device = device_handle(rules);

    if (rules->wdf_power.device == 0) {
        return;
    }
    if (has(rules, FT_WDFP_PREPARE_FAILED) && in(rules, event, FT_ROUTINE_WDF_RELEASE)) {
        ft_rule_fire(rules, FT_J_KMDF_RELEASE_TOLERATES_PARTIAL, event, device);
    }
    if (!has(rules, FT_WDFP_PREPARED) && in(rules, event, FT_ROUTINE_WDF_CLEANUP)) {
        ft_rule_fire(rules, FT_J_KMDF_REMOVE_WITHOUT_START_SAFE, event, device);
    }
    if (has(rules, FT_WDFP_DOWN_FAILED) && is_after_down(rules, event)) {
        ft_rule_fire(rules, FT_J_KMDF_DEVICE_FAILED_STILL_WORKS, event, device);
    }
    if (has(rules, FT_WDFP_ACTIVE) && in(rules, event, FT_ROUTINE_WDF_SMIO_FLUSH)) {
        ft_rule_fire(rules, FT_J_KMDF_SMIO_FLUSH_WITHOUT_SUSPEND, event, device);
    }
}

/* ---- self-managed I/O ---- */

/* What an engine moves for no request is the driver's own doing, if no power-managed queue has one
 * that may need it. */
static bool is_self_managed(const struct ft_rules *rules, uint64_t address)
{
    return ft_irp_at(rules, address) == 0 && ft_is_live_common(rules, address) &&
           ft_wdf_queues_are_idle(rules);
}

static void judge_suspended(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        const struct ft_rs_engine *engine = &rules->engine[i];

        if (engine->active && ft_rs_same_device(rules, engine->device, event->device) &&
            is_self_managed(rules, engine->address)) {
            ft_rule_fire(rules, FT_J_KMDF_SMIO_SUSPEND_NOT_QUIESCING, event, event->arg[1]);
            return;
        }
    }
}

static void judge_engine(struct ft_rules *rules, const struct ft_event *event)
{
    if (has(rules, FT_WDFP_SUSPENDED) && ft_known(event, 1) &&
        is_self_managed(rules, event->arg[1])) {
        ft_rule_fire(rules, FT_J_KMDF_SMIO_ACTIVITY_BETWEEN_SUSPEND_AND_RESTART, event,
                     device_handle(rules));
    }
}

/* Timers that this callback, or the one that is named, has started and nobody has stopped. */
static uint64_t timer_of(const struct ft_rules *rules, unsigned routine, unsigned other)
{
    for (unsigned i = 0; i < FT_RS_WDF_TIMERS; i++) {
        const struct ft_rs_wdf_timer *timer = &rules->wdf_phases.timer[i];

        if (timer->id != 0 && (timer->of == routine || timer->of == other)) {
            return ft_handle(FT_HC_WDF_TIMER, timer->id, 0);
        }
    }
    return 0;
}

static void judge_flushed(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t timer = timer_of(rules, FT_ROUTINE_WDF_SMIO_INIT, FT_ROUTINE_WDF_SMIO_RESTART);

    if (has(rules, FT_WDFP_ACTIVE) && timer != 0) {
        ft_rule_fire(rules, FT_J_KMDF_SMIO_FLUSH_WITHOUT_SUSPEND, event, timer);
    }
}

/* ---- the end of a callback ---- */

/* No EvtDeviceD0Exit follows it. */
static void judge_no_entry(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_known(event, 3) || ft_nt_success((uint32_t)event->arg[3])) {
        return;
    }
    if (ft_engine_runs(rules, event->device) ||
        timer_of(rules, FT_ROUTINE_WDF_D0_ENTRY, FT_ROUTINE_WDF_D0_ENTRY) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_D0ENTRY_SELF_UNDO, event, event->arg[1]);
    }
}

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    if (!of_device(rules, event)) {
        return;
    }
    switch (event->arg[0]) {
    case FT_ROUTINE_WDF_D0_ENTRY:
        judge_no_entry(rules, event);
        break;
    case FT_ROUTINE_WDF_SMIO_SUSPEND:
        judge_suspended(rules, event);
        break;
    case FT_ROUTINE_WDF_SMIO_FLUSH:
        judge_flushed(rules, event);
        break;
    default:
        break;
    }
}

void ft_kmdf_phases_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_RUN_CRASH:
    case FT_EV_RUN_BUGCHECK:
    case FT_EV_WDF_BAD_ARGUMENT:
        judge_fault(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        judge_leave(rules, event);
        break;
    case FT_EV_ENGINE_BEGIN:
        judge_engine(rules, event);
        break;
    case FT_EV_REG_READ:
        if (rules->wdf_power.device != 0 && rules->poll_count == POLLS &&
            rules->poll_task == ft_task_of(event)) {
            ft_rule_fire(rules, FT_J_KMDF_MMIO_IN_SURPRISE_REMOVED, event, device_handle(rules));
        }
        break;
    case FT_EV_RUN_HANG:
        if (has(rules, FT_WDFP_LOST_INTERRUPT)) {
            ft_rule_fire(rules, FT_J_KMDF_INTERRUPT_FORCED_DISCONNECT_LOST, event,
                         ft_handle(FT_HC_WDF_INTERRUPT, rules->wdf_phases.forced_off, 0));
        }
        break;
    case FT_EV_DRIVER_UNLOADED:
        if (rules->wdf_power.device != 0 && rules->wdf_phases.threads != 0) {
            ft_rule_fire(rules, FT_J_KMDF_LOST_WAKEUP_AT_REMOVE, event, device_handle(rules));
        }
        break;
    default:
        break;
    }
}

/* ---- what is remembered ---- */

static void set(struct ft_rules *rules, unsigned flag, bool value)
{
    rules->wdf_phases.flags &= (uint16_t)~flag;
    rules->wdf_phases.flags |= value ? (uint16_t)flag : 0;
}

static void note_enter(struct ft_rules *rules, unsigned routine)
{
    switch (routine) {
    case FT_ROUTINE_WDF_PREPARE:
        set(rules, FT_WDFP_PREPARED, true);
        break;
    case FT_ROUTINE_WDF_D0_ENTRY:
        set(rules, FT_WDFP_DOWN_FAILED, false);
        if (rules->wdf_phases.forced_off != 0) {
            set(rules, FT_WDFP_LOST_INTERRUPT, true);
        }
        break;
    case FT_ROUTINE_WDF_SMIO_INIT:
    case FT_ROUTINE_WDF_SMIO_RESTART:
        set(rules, FT_WDFP_SUSPENDED, false);
        set(rules, FT_WDFP_ACTIVE, true);
        break;
    default:
        break;
    }
}

static void note_leave(struct ft_rules *rules, unsigned routine, bool failed)
{
    switch (routine) {
    case FT_ROUTINE_WDF_PREPARE:
        set(rules, FT_WDFP_PREPARE_FAILED, failed);
        break;
    case FT_ROUTINE_WDF_SMIO_SUSPEND:
        set(rules, FT_WDFP_ACTIVE, false);
        set(rules, FT_WDFP_SUSPENDED, true);
        break;
    default:
        break;
    }
    if (failed && (routine == FT_ROUTINE_WDF_SMIO_SUSPEND || routine == FT_ROUTINE_WDF_D0_EXIT ||
                   routine == FT_ROUTINE_WDF_D0_EXIT_PRE || routine == FT_ROUTINE_WDF_DMA_DISABLE ||
                   routine == FT_ROUTINE_WDF_DMA_FLUSH)) {
        set(rules, FT_WDFP_DOWN_FAILED, true);
    }
}

static void note_call(struct ft_rules *rules, const struct ft_event *event)
{
    bool of_enabler = ft_handle_class(event->arg[1]) == FT_HC_WDF_ENABLER;

    if (event->kind == FT_EV_CALL_ENTER && event->arg[0] == FT_ROUTINE_WDF_TIMER) {
        for (unsigned i = 0; i < FT_RS_WDF_TIMERS; i++) {
            if (rules->wdf_phases.timer[i].id == ft_arg_id(event, 1)) {
                rules->wdf_phases.timer[i].id = 0;
            }
        }
    }
    if (!of_device(rules, event) && !of_enabler) {
        return;
    }
    if (event->kind == FT_EV_CALL_ENTER) {
        note_enter(rules, (unsigned)event->arg[0]);
    } else {
        note_leave(rules, (unsigned)event->arg[0],
                   ft_known(event, 3) && !ft_nt_success((uint32_t)event->arg[3]));
    }
}

/* A timer that is started in a callback which may have to take it back. */
static void note_timer(struct ft_rules *rules, const struct ft_event *event)
{
    static const enum ft_routine routines[] = {FT_ROUTINE_WDF_D0_ENTRY, FT_ROUTINE_WDF_SMIO_INIT,
                                               FT_ROUTINE_WDF_SMIO_RESTART};
    struct ft_rs_wdf_timer *slot = NULL;
    unsigned of = 0;

    for (unsigned i = 0; i < sizeof(routines) / sizeof(routines[0]); i++) {
        of = in(rules, event, routines[i]) ? routines[i] : of;
    }
    for (unsigned i = 0; i < FT_RS_WDF_TIMERS; i++) {
        struct ft_rs_wdf_timer *timer = &rules->wdf_phases.timer[i];

        if (timer->id == ft_arg_id(event, 0)) {
            timer->id = 0;
        }
        slot = timer->id == 0 ? timer : slot;
    }
    if (slot != NULL && of != 0 && event->kind == FT_EV_WDF_TIMER_START && event->arg[3] == 0) {
        *slot = (struct ft_rs_wdf_timer){.id = ft_arg_id(event, 0), .of = (uint16_t)of};
    }
}

void ft_kmdf_phases_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_phases *wdf = &rules->wdf_phases;

    switch (event->kind) {
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        note_call(rules, event);
        break;
    case FT_EV_WDF_TIMER_START:
    case FT_EV_WDF_TIMER_STOP:
        note_timer(rules, event);
        break;
    case FT_EV_WDF_INTERRUPT_FORCE:
        wdf->forced_off = event->arg[1] != 0 ? 0 : ft_arg_id(event, 0);
        if (event->arg[1] != 0) {
            set(rules, FT_WDFP_LOST_INTERRUPT, false);
        }
        break;
    case FT_EV_THREAD_NEW:
        wdf->threads += ft_by_driver(event) && ft_nt_success((uint32_t)event->arg[1]);
        break;
    case FT_EV_THREAD_END:
        wdf->threads -= wdf->threads != 0;
        break;
    default:
        break;
    }
}
