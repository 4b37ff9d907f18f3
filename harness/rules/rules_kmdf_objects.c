/* Framework objects, their locks, timers and work items, and the levels of framework calls.
 *
 * kind of a lock event: 1 spin lock, 2 wait lock, 3 callback lock, 4 interrupt lock.
 */
#include "rules/rules_io.h"

enum { SPIN = 1, WAIT, CALLBACK, INTERRUPT };

#define STATUS_TIMED_OUT 0x102u

static bool is_framework_routine(uint64_t routine)
{
    return routine >= FT_ROUTINE_WDF_CLEANUP && routine < FT_ROUTINE_SCSI_FIND_ADAPTER;
}

/* The bit of the device at the bottom of the event's stack. */
static uint16_t device_bit(struct ft_rules *rules, const struct ft_event *event)
{
    return (uint16_t)(1u << (ft_rs_root(rules, event->device) - rules->device));
}

/* ---- locks ---- */

static struct ft_rs_wdf_lock *find(struct ft_rules *rules, const struct ft_event *event,
                                   bool timed_out)
{
    for (unsigned i = 0; i < FT_RS_WDF_LOCKS; i++) {
        struct ft_rs_wdf_lock *lock = &rules->wdf.lock[i];

        if (lock->handle == event->arg[0] && lock->handle != 0 && lock->task == ft_task_of(event) &&
            lock->timed_out == timed_out) {
            return lock;
        }
    }
    return NULL;
}

static struct ft_rs_wdf_lock *free_slot(struct ft_rules *rules)
{
    for (unsigned i = 0; i < FT_RS_WDF_LOCKS; i++) {
        if (rules->wdf.lock[i].handle == 0) {
            return &rules->wdf.lock[i];
        }
    }
    ft_rules_overflow(rules, FT_RS_TABLE_WDF_LOCK);
    return NULL;
}

/* A name of 16 bits. */
static uint16_t name_of(uint64_t lock)
{
    return (uint16_t)((ft_handle_class(lock) & 31) << 11 | (ft_handle_id(lock) & 0x7FF));
}

static bool was_inverse(const struct ft_rules *rules, uint16_t first, uint16_t second)
{
    for (unsigned i = 0; i < FT_RS_WDF_EDGES; i++) {
        if (rules->wdf.edge[i].first == second && rules->wdf.edge[i].second == first) {
            return true;
        }
    }
    return false;
}

/* Who gives up after a while does not wait for ever, so its order is not judged. */
static void judge_order(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_WDF_LOCKS; i++) {
        const struct ft_rs_wdf_lock *lock = &rules->wdf.lock[i];

        if (lock->handle != 0 && lock->task == ft_task_of(event) && !lock->timed_out &&
            lock->handle != event->arg[0] && event->arg[3] == 0 &&
            was_inverse(rules, name_of(lock->handle), name_of(event->arg[0]))) {
            ft_rule_fire(rules, FT_J_KMDF_LOCK_ORDER, event, event->arg[0]);
            return;
        }
    }
}

static void note_edge(struct ft_rules *rules, uint16_t first, uint16_t second)
{
    for (unsigned i = 0; i < FT_RS_WDF_EDGES; i++) {
        if (rules->wdf.edge[i].first == first && rules->wdf.edge[i].second == second) {
            return;
        }
    }
    rules->wdf.edge[rules->wdf.edge_next] = (struct ft_rs_edge){.first = first, .second = second};
    rules->wdf.edge_next = (uint8_t)((rules->wdf.edge_next + 1) % FT_RS_WDF_EDGES);
}

static void note_acquire(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_lock *late = find(rules, event, true), *lock;
    bool timed_out = event->arg[2] == STATUS_TIMED_OUT;

    if (late != NULL) {
        *late = (struct ft_rs_wdf_lock){0};
    }
    if (event->arg[2] != 0 && !timed_out) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_WDF_LOCKS && !timed_out; i++) {
        const struct ft_rs_wdf_lock *other = &rules->wdf.lock[i];

        if (other->handle != 0 && other->task == ft_task_of(event) && !other->timed_out) {
            note_edge(rules, name_of(other->handle), name_of(event->arg[0]));
        }
    }
    lock = free_slot(rules);
    if (lock != NULL) {
        *lock = (struct ft_rs_wdf_lock){.handle = event->arg[0],
                                        .task = ft_task_of(event),
                                        .nesting = event->nesting,
                                        .timed_out = timed_out};
    }
}

static void note_release(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_lock *lock = find(rules, event, false);

    if (lock == NULL) {
        lock = find(rules, event, true);
    }
    if (lock != NULL) {
        *lock = (struct ft_rs_wdf_lock){0};
    }
}

static void judge_ask(struct ft_rules *rules, const struct ft_event *event)
{
    bool at_once = ft_known(event, 3) && event->arg[3] == 1;

    if (event->arg[1] == SPIN && event->arg[2] != 0 && ft_arg_id(event, 2) == event->task) {
        ft_rule_fire(rules, FT_J_KMDF_SPINLOCK_RECURSIVE, event, event->arg[0]);
    }
    if (event->arg[1] == WAIT && event->irql > (at_once ? FT_IRQL_DISPATCH : FT_IRQL_PASSIVE)) {
        ft_rule_fire(rules, FT_J_KMDF_WAITLOCK_IRQL, event, event->arg[0]);
    }
}

static void judge_release(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_known(event, 2) || ft_arg_id(event, 2) == event->task) {
        return;
    }
    if (event->arg[1] == SPIN) {
        ft_rule_fire(rules, FT_J_KMDF_SPINLOCK_UNLOCK_NOT_OWNER, event, event->arg[0]);
    }
    if (event->arg[1] == WAIT && find(rules, event, true) != NULL) {
        ft_rule_fire(rules, FT_J_KMDF_WAITLOCK_STATUS_TIMEOUT, event, event->arg[0]);
    }
}

/* ---- callbacks ---- */

/* What the framework acquired before the callback is not deeper than the callback. */
static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    if (!is_framework_routine(event->arg[0]) || !ft_by_driver(event)) {
        return;
    }
    if (ft_known(event, 4) && event->irql != event->arg[4]) {
        ft_rule_fire(rules, FT_J_KMDF_IRQL_RESTORED, event, event->arg[1]);
    }
    for (unsigned i = 0; i < FT_RS_WDF_LOCKS; i++) {
        const struct ft_rs_wdf_lock *lock = &rules->wdf.lock[i];

        if (lock->handle != 0 && !lock->timed_out && lock->task == ft_task_of(event) &&
            lock->nesting > event->nesting) {
            ft_rule_fire(rules, FT_J_KMDF_LOCK_HELD_AT_CALLBACK_END, event, lock->handle);
            return;
        }
    }
}

static void judge_level(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_frame_in(rules, event, FT_ROUTINE_WDF_ISR) != NULL ||
        ft_frame_in(rules, event, FT_ROUTINE_WDF_INTERRUPT_SYNC) != NULL) {
        ft_rule_fire(rules, FT_J_KMDF_ISR_FORBIDDEN_CALLS, event, 0);
    }
    ft_rule_fire(rules, FT_J_KMDF_IRQL_MAX, event, 0);
}

/* ---- interrupts ---- */

/* Its lock is held while its routines run. */
static bool holds_interrupt(struct ft_rules *rules, const struct ft_event *event)
{
    static const enum ft_routine routines[] = {FT_ROUTINE_WDF_ISR, FT_ROUTINE_WDF_INTERRUPT_SYNC,
                                               FT_ROUTINE_WDF_INTERRUPT_ENABLE,
                                               FT_ROUTINE_WDF_INTERRUPT_DISABLE};

    for (unsigned i = 0; i < sizeof(routines) / sizeof(routines[0]); i++) {
        const struct ft_rs_frame *frame = ft_frame_in(rules, event, routines[i]);

        if (frame != NULL && frame->object == ft_arg_id(event, 0)) {
            return true;
        }
    }
    return find(rules, event, false) != NULL;
}

static void judge_interrupt_lock(struct ft_rules *rules, const struct ft_event *event)
{
    bool lock = event->kind == FT_EV_WDF_INTERRUPT_LOCK;

    if (lock && event->arg[1] == 0) {
        return;
    }
    if (holds_interrupt(rules, event)) {
        ft_rule_fire(rules, FT_J_KMDF_INTERRUPT_LOCK_RECURSION, event, event->arg[0]);
    } else if (lock && ft_known(event, 2) && event->arg[2] == 0) {
        ft_rule_fire(rules, FT_J_KMDF_INTERRUPT_LOCK_DISCONNECTED, event, event->arg[0]);
    }
}

static void note_interrupt_lock(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_lock *lock;

    if (event->arg[1] == 0) {
        note_release(rules, event);
        return;
    }
    lock = event->arg[2] != 0 ? free_slot(rules) : NULL;
    if (lock != NULL) {
        *lock = (struct ft_rs_wdf_lock){
            .handle = event->arg[0], .task = ft_task_of(event), .nesting = event->nesting};
    }
}

static void judge_created(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_frame_in(rules, event, FT_ROUTINE_WDF_DEVICE_ADD) == NULL &&
        ft_frame_in(rules, event, FT_ROUTINE_WDF_PREPARE) == NULL) {
        ft_rule_fire(rules, FT_J_KMDF_INTERRUPT_CREATE_WINDOW, event, event->arg[0]);
    }
}

/* ---- timers and work items ---- */

/* A callback that starts its own timer again expects that a stop may win. */
static void judge_start(struct ft_rules *rules, const struct ft_event *event)
{
    enum { SWALLOWED = 1 };
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_WDF_TIMER);

    if (event->arg[3] == SWALLOWED && (frame == NULL || frame->object != ft_arg_id(event, 0))) {
        ft_rule_fire(rules, FT_J_KMDF_TIMER_RESTART_RACE, event, event->arg[0]);
    }
}

static void judge_registers(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_WDF_TIMER);

    if (frame != NULL && ft_by_driver(event) &&
        (rules->wdf.released & device_bit(rules, event)) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_TIMER_DIES_BEFORE_RESOURCE, event,
                     ft_handle(FT_HC_WDF_TIMER, frame->object, 0));
    }
}

/* ---- objects ---- */

static void judge_argument(struct ft_rules *rules, const struct ft_event *event)
{
    enum { WHY_NULL = 1 };

    if (event->arg[2] == WHY_NULL) {
        ft_rule_fire(rules, FT_J_KMDF_NULL_REQUIRED_PARAMETER, event, 0);
    } else {
        ft_rule_fire(rules, FT_J_KMDF_OBJECT_BAD_HANDLE, event, event->arg[0]);
    }
}

static void judge_reference(struct ft_rules *rules, const struct ft_event *event)
{
    bool released = event->arg[3] != 0, deleted = event->arg[4] != 0;

    if (released && event->arg[2] == 0 && !deleted) {
        ft_rule_fire(rules, FT_J_KMDF_OBJECT_DEREFERENCE, event, event->arg[0]);
    }
}

static void judge_interrupt(struct ft_rules *rules, const struct ft_event *event)
{
    bool asserts = event->kind == FT_EV_IRQ_MESSAGE || event->arg[0] != 0;

    if (asserts && (rules->wdf.masked & device_bit(rules, event)) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_INTERRUPT_DISABLE_ASSERTS_LINE, event, 0);
    }
}

static void judge_object(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_BAD_ARGUMENT:
        judge_argument(rules, event);
        break;
    case FT_EV_WDF_REFERENCE:
        judge_reference(rules, event);
        break;
    case FT_EV_DRIVER_UNLOADED:
        if (rules->wdf.references > 0) {
            ft_rule_fire(rules, FT_J_KMDF_OBJECT_DEREFERENCE, event, rules->wdf.referenced);
        }
        break;
    case FT_EV_WDF_OBJECT_DELETE:
        if (event->arg[2] != 0) {
            ft_rule_fire(rules, FT_J_KMDF_OBJECT_DELETE_FORBIDDEN, event, event->arg[0]);
        }
        break;
    case FT_EV_WDF_OBJECT_DISPOSE:
        if (event->arg[1] != 0 && event->irql > FT_IRQL_PASSIVE) {
            ft_rule_fire(rules, FT_J_KMDF_OBJECT_CLEANUP_IRQL, event, event->arg[0]);
        }
        break;
    case FT_EV_WDF_NO_CONTEXT:
        if (event->arg[1] == 0) {
            ft_rule_fire(rules, FT_J_KMDF_CONTEXT_TYPE_MISMATCH, event, event->arg[0]);
        }
        break;
    default:
        break;
    }
}

static void judge_deferred(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_TIMER_START:
        judge_start(rules, event);
        break;
    case FT_EV_WDF_TIMER_STOP:
        if (event->arg[1] != 0 && event->arg[3] != 0) {
            ft_rule_fire(rules, FT_J_KMDF_TIMER_STOP_IN_CALLBACK, event, event->arg[0]);
        }
        break;
    case FT_EV_WDF_WORK_QUEUE:
        if (event->arg[2] != 0) {
            ft_rule_fire(rules, FT_J_KMDF_WORKITEM_AFTER_DELETE, event, event->arg[0]);
        }
        break;
    case FT_EV_WDF_WORK_FLUSH:
        if (event->arg[1] != 0 || event->arg[2] != 0) {
            ft_rule_fire(rules, FT_J_KMDF_WORKITEM_FLUSH_SELF, event, event->arg[0]);
        }
        break;
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
        judge_registers(rules, event);
        break;
    default:
        break;
    }
}

void ft_kmdf_objects_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_IRQL:
        judge_level(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        judge_leave(rules, event);
        break;
    case FT_EV_WDF_LOCK_ASK:
        judge_ask(rules, event);
        break;
    case FT_EV_WDF_LOCK_ACQUIRE:
        judge_order(rules, event);
        break;
    case FT_EV_WDF_LOCK_RELEASE:
        judge_release(rules, event);
        break;
    case FT_EV_LINE_SET:
    case FT_EV_IRQ_MESSAGE:
        judge_interrupt(rules, event);
        break;
    case FT_EV_WDF_INTERRUPT_LOCK:
    case FT_EV_WDF_INTERRUPT_SYNC:
        judge_interrupt_lock(rules, event);
        break;
    case FT_EV_WDF_INTERRUPT_NEW:
        judge_created(rules, event);
        break;
    default:
        judge_object(rules, event);
        judge_deferred(rules, event);
        break;
    }
}

static void note_routine(struct ft_rules *rules, const struct ft_event *event)
{
    bool enter = event->kind == FT_EV_CALL_ENTER;
    uint16_t bit = device_bit(rules, event);

    if (enter && event->arg[0] == FT_ROUTINE_WDF_PREPARE) {
        rules->wdf.released &= (uint16_t)~bit;
    } else if (!enter && event->arg[0] == FT_ROUTINE_WDF_RELEASE) {
        rules->wdf.released |= bit;
    } else if (enter && event->arg[0] == FT_ROUTINE_WDF_INTERRUPT_ENABLE) {
        rules->wdf.masked &= (uint16_t)~bit;
    } else if (!enter && event->arg[0] == FT_ROUTINE_WDF_INTERRUPT_DISABLE) {
        rules->wdf.masked |= bit;
    }
}

void ft_kmdf_objects_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_LOCK_ACQUIRE:
        note_acquire(rules, event);
        break;
    case FT_EV_WDF_LOCK_RELEASE:
        note_release(rules, event);
        break;
    case FT_EV_WDF_INTERRUPT_LOCK:
        note_interrupt_lock(rules, event);
        break;
    case FT_EV_WDF_REFERENCE:
        rules->wdf.references += event->arg[3] != 0 ? -1 : 1;
        rules->wdf.referenced = event->arg[0];
        break;
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        note_routine(rules, event);
        break;
    default:
        break;
    }
}
