/* IRQL, spin locks, the cancel lock and waits.
 *
 * The header of an event shows the IRQL at the call. Where a routine raises before its event is
 * made (spin locks), the argument `old` is the caller's level.
 */
#include "rules/rules_private.h"

/* ---- raising and lowering ---- */

static void push_level(struct ft_rules *rules, uint16_t task, uint8_t old, bool of_lock)
{
    for (unsigned i = 0; i < FT_RS_RAISES; i++) {
        if (rules->raise[i].task == 0) {
            rules->raise[i].task = task;
            rules->raise[i].old = old;
            rules->raise[i].of_lock = of_lock;
            return;
        }
    }
    ft_rules_overflow(rules, FT_RS_TABLE_RAISE);
}

/* Removes the entry; those behind it move up, so that the order stays that of the raises. */
static void drop_level(struct ft_rules *rules, unsigned index)
{
    for (; index + 1 < FT_RS_RAISES; index++) {
        rules->raise[index] = rules->raise[index + 1];
    }
    rules->raise[FT_RS_RAISES - 1] = (struct ft_rs_raise){0, 0, 0};
}

/* Takes the task's last saved level with that value, and what was saved after it. False: no such
 * level was saved. */
static bool pop_level(struct ft_rules *rules, uint16_t task, uint8_t level)
{
    unsigned found = FT_RS_RAISES;

    for (unsigned i = 0; i < FT_RS_RAISES; i++) {
        if (rules->raise[i].task == task && rules->raise[i].old == level) {
            found = i;
        }
    }
    if (found == FT_RS_RAISES) {
        return false;
    }
    for (unsigned i = FT_RS_RAISES; i-- > found;) {
        if (rules->raise[i].task == task) {
            drop_level(rules, i);
        }
    }
    return true;
}

static bool is_saved(const struct ft_rules *rules, uint16_t task, uint8_t level)
{
    for (unsigned i = 0; i < FT_RS_RAISES; i++) {
        if (rules->raise[i].task == task && rules->raise[i].old == level) {
            return true;
        }
    }
    return false;
}

/* Task 0 (none) is kept apart from free slots. */
static uint16_t task_of(const struct ft_event *event)
{
    return event->task != 0 ? event->task : UINT16_MAX;
}

void ft_on_irql_raise(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_by_driver(event) || event->unknown != 0) {
        return;
    }
    if (event->arg[1] < event->arg[0]) {
        ft_rule_fire(rules, FT_J_IO_IRQL_RAISE_LOWER, event, 0);
    }
    push_level(rules, task_of(event), (uint8_t)event->arg[0], false);
}

void ft_on_irql_lower(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_by_driver(event) || event->unknown != 0) {
        return;
    }
    if (event->arg[1] > event->arg[0] ||
        (!pop_level(rules, task_of(event), (uint8_t)event->arg[1]) &&
         event->arg[1] != event->arg[0])) {
        ft_rule_fire(rules, FT_J_IO_IRQL_RAISE_LOWER, event, 0);
    }
}

void ft_on_task_end(struct ft_rules *rules, const struct ft_event *event)
{
    uint16_t task = (uint16_t)ft_arg_id(event, 0);

    for (unsigned i = FT_RS_RAISES; i-- > 0;) {
        if (rules->raise[i].task == task) {
            drop_level(rules, i);
        }
    }
}

/* ---- spin locks ---- */

static struct ft_rs_lock *held_lock(struct ft_rules *rules, uint32_t id, uint16_t task)
{
    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        if (rules->lock[i].id == id && rules->lock[i].task == task) {
            return &rules->lock[i];
        }
    }
    return NULL;
}

void ft_on_lock_acquire(struct ft_rules *rules, const struct ft_event *event)
{
    uint16_t task = task_of(event);
    uint32_t id = ft_arg_id(event, 0);

    if (!ft_by_driver(event) || id == 0) {
        return;
    }
    if (held_lock(rules, id, task) != NULL) {
        ft_rule_fire(rules, FT_J_IO_LOCK_NO_RECURSION, event, event->arg[0]);
    }
    if (!event->arg[2] && event->arg[1] > FT_IRQL_DISPATCH) {
        ft_rule_fire(rules, FT_J_IO_IRQL_DDI_LEVEL, event, event->arg[0]);
    }
    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        if (rules->lock[i].id == 0) {
            rules->lock[i] = (struct ft_rs_lock){.id = id,
                                                 .task = task,
                                                 .old = (uint8_t)event->arg[1],
                                                 .dpc_level = event->arg[2] != 0};
            return;
        }
    }
    ft_rules_overflow(rules, FT_RS_TABLE_LOCK);
}

/* The processor spins for a lock that its own task holds: it will do so for ever. */
void ft_on_lock_wait(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_by_driver(event) && event->task != 0 && event->arg[1] != 0 &&
        ft_arg_id(event, 1) == event->task) {
        ft_rule_fire(rules, FT_J_IO_LOCK_NO_RECURSION, event, event->arg[0]);
    }
}

/* The same for levels that a lock left to another one to restore. */
static bool pop_level_of_lock(struct ft_rules *rules, uint16_t task, uint8_t level)
{
    for (unsigned i = 0; i < FT_RS_RAISES; i++) {
        const struct ft_rs_raise *raise = &rules->raise[i];

        if (raise->task == task && raise->old == level && raise->of_lock) {
            drop_level(rules, i);
            return true;
        }
    }
    return false;
}

/* True when the level is one that an acquisition of this task saved. Locks, the cancel lock among
 * them, may be released in another order than they were acquired, each with the other's level; then
 * the levels change places. */
static bool restores_saved(struct ft_rules *rules, struct ft_rs_lock *lock, uint8_t level)
{
    if (lock->old == level) {
        return true;
    }
    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        struct ft_rs_lock *other = &rules->lock[i];

        if (other->id != 0 && other != lock && other->task == lock->task && !other->dpc_level &&
            other->old == level) {
            other->old = lock->old;
            lock->old = level;
            return true;
        }
    }
    if (rules->cancel_task == lock->task && rules->cancel_old == level) {
        rules->cancel_old = lock->old;
        return true;
    }
    return pop_level_of_lock(rules, lock->task, level);
}

void ft_on_lock_release(struct ft_rules *rules, const struct ft_event *event)
{
    uint16_t task = task_of(event);
    struct ft_rs_lock *lock = held_lock(rules, ft_arg_id(event, 0), task);
    bool at_dpc_level = event->arg[3] != 0;
    bool of_another = ft_known(event, 1) && ft_arg_id(event, 1) != event->task;

    if (!ft_by_driver(event)) {
        return;
    }
    if (of_another || (lock != NULL && !lock->dpc_level && !at_dpc_level && ft_known(event, 2) &&
                       !restores_saved(rules, lock, (uint8_t)event->arg[2]))) {
        ft_rule_fire(rules, FT_J_IO_LOCK_RELEASE_OWNER, event, event->arg[0]);
    }
    if (lock == NULL) {
        return;
    }
    if (!lock->dpc_level && at_dpc_level && !is_saved(rules, task, lock->old)) {
        push_level(rules, task, lock->old, true); /* KeLowerIrql may restore it later */
    }
    *lock = (struct ft_rs_lock){0};
}

/* ---- the cancel lock ---- */

/* What the I/O manager takes it also gives back; only a cancel routine gets the lock from it. */
void ft_on_cancel_lock(struct ft_rules *rules, const struct ft_event *event)
{
    rules->cancel_old = (uint8_t)event->arg[0];
    if (ft_by_driver(event)) {
        rules->cancel_task = task_of(event);
    }
}

void ft_on_cancel_unlock(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_by_driver(event)) {
        return;
    }
    if (ft_known(event, 1) && event->arg[1] == 0) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_RELEASE_LOCK_ONCE, event, 0);
    } else {
        rules->cancel_task = 0;
    }
    if (event->arg[0] > rules->cancel_old && !is_saved(rules, task_of(event), rules->cancel_old)) {
        /* KeLowerIrql or the release of another lock may restore it later. */
        push_level(rules, task_of(event), rules->cancel_old, true);
    }
}

/* IoStartNextPacket under a spin lock or the cancel lock: StartIo runs inside it. */
void ft_on_start_next(struct ft_rules *rules, const struct ft_event *event)
{
    bool locked = rules->cancel_task == task_of(event);

    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        locked = locked || (rules->lock[i].id != 0 && rules->lock[i].task == task_of(event));
    }
    if (ft_by_driver(event) && locked) {
        ft_rule_fire(rules, FT_J_IO_IRP_COMPLETE_NO_LOCK, event, event->arg[0]);
    }
}

/* ---- waits ---- */

void ft_on_wait(struct ft_rules *rules, const struct ft_event *event)
{
    bool can_block = event->kind == FT_EV_DELAY || event->arg[1] != 0;

    if (ft_by_driver(event) && can_block && event->irql >= FT_IRQL_DISPATCH) {
        ft_rule_fire(rules, FT_J_IO_IRQL_NO_WAIT, event,
                     event->kind == FT_EV_DELAY ? 0 : event->arg[0]);
    }
}

/* ---- driver routines ---- */

/* A cancel routine is called with the cancel lock held. */
void ft_irql_at_enter(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] == FT_ROUTINE_CANCEL) {
        rules->cancel_task = task_of(event);
    }
}

/* Spin locks that a routine may hold when it returns: those held at its entry, for a cancel routine
 * without the cancel lock. */
static uint64_t locks_allowed(const struct ft_event *event)
{
    uint64_t before = event->arg[5];

    return event->arg[0] == FT_ROUTINE_CANCEL && before != 0 ? before - 1 : before;
}

/* The lock callbacks of a cancel-safe queue leave with the lock that they took, and with its
 * level. */
static bool is_lock_callback(const struct ft_event *event)
{
    enum { ACQUIRE = 4, RELEASE = 5 };

    return event->arg[0] == FT_ROUTINE_CSQ &&
           (event->arg[2] == ACQUIRE || event->arg[2] == RELEASE);
}

/* A cancel routine gives back a lock and a level that it did not take, so only the lock's own rules
 * speak of it. */
void ft_irql_at_leave(struct ft_rules *rules, const struct ft_event *event)
{
    bool cancel = event->arg[0] == FT_ROUTINE_CANCEL;

    if (!ft_by_driver(event) || is_lock_callback(event)) {
        return;
    }
    if (cancel && rules->cancel_task == task_of(event)) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_RELEASE_LOCK_ONCE, event, event->arg[1]);
        rules->cancel_task = 0;
        return;
    }
    if (!cancel && ft_known(event, 4) && event->irql != event->arg[4]) {
        ft_rule_fire(rules, FT_J_IO_IRQL_ROUTINE_PRESERVE, event, event->arg[1]);
    }
    if (ft_known(event, 5) && ft_known(event, 6) && event->arg[6] > locks_allowed(event)) {
        ft_rule_fire(rules, FT_J_IO_LOCK_BALANCED_PER_ROUTINE, event, event->arg[1]);
    }
}
