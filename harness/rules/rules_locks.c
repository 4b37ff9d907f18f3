/* Spin locks beyond their balance: first use, order, kinds, what is called while one is held.
 *
 * kind of lock:acquire and lock:release: 0 an ordinary spin lock, 1 an in-stack queued one. Others
 * (shared locks, which nothing initialises, and tries, which do not wait) have no order.
 */
#include "rules/rules_io.h"

enum { ORDINARY = 0, QUEUED = 1, CANCEL_LOCK = UINT16_MAX };

static bool is_set(const uint32_t *bits, uint32_t id)
{
    return (bits[id / 32 % 8] >> id % 32 & 1) != 0;
}

static void set(uint32_t *bits, uint32_t id)
{
    bits[id / 32 % 8] |= 1u << id % 32;
}

/* ---- order ---- */

static bool was_inverse(const struct ft_rules *rules, uint16_t first, uint16_t second)
{
    for (unsigned i = 0; i < FT_RS_EDGES; i++) {
        if (rules->edge[i].first == second && rules->edge[i].second == first) {
            return true;
        }
    }
    return false;
}

/* What the task holds when it acquires `id`. The order of locks that another lock guards is judged
 * as well, as Driver Verifier does. */
static void judge_order(struct ft_rules *rules, const struct ft_event *event, uint16_t id)
{
    uint16_t task = ft_task_of(event);
    bool wrong =
        id != CANCEL_LOCK && rules->cancel_task == task && was_inverse(rules, CANCEL_LOCK, id);

    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        const struct ft_rs_lock *lock = &rules->lock[i];

        wrong = wrong || (lock->id != 0 && lock->task == task && lock->id != id &&
                          was_inverse(rules, (uint16_t)lock->id, id));
    }
    if (wrong) {
        ft_rule_fire(rules, FT_J_IO_LOCK_ORDER, event, id != CANCEL_LOCK ? event->arg[0] : 0);
    }
}

static void add_edge(struct ft_rules *rules, uint16_t first, uint16_t second)
{
    for (unsigned i = 0; i < FT_RS_EDGES; i++) {
        if (rules->edge[i].first == first && rules->edge[i].second == second) {
            return;
        }
    }
    rules->edge[rules->edge_next] = (struct ft_rs_edge){.first = first, .second = second};
    rules->edge_next = (uint8_t)((rules->edge_next + 1) % FT_RS_EDGES);
}

static void note_order(struct ft_rules *rules, const struct ft_event *event, uint16_t id)
{
    uint16_t task = ft_task_of(event);

    if (id != CANCEL_LOCK && rules->cancel_task == task) {
        add_edge(rules, CANCEL_LOCK, id);
    }
    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        const struct ft_rs_lock *lock = &rules->lock[i];

        if (lock->id != 0 && lock->task == task && lock->id != id) {
            add_edge(rules, (uint16_t)lock->id, id);
        }
    }
}

/* ---- one lock ---- */

static struct ft_rs_lock *held(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        struct ft_rs_lock *lock = &rules->lock[i];

        if (lock->id != 0 && lock->id == ft_arg_id(event, 0) && lock->task == ft_task_of(event)) {
            return lock;
        }
    }
    return NULL;
}

static void judge_acquire(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);

    if (rules->whole && (!ft_known(event, 3) || event->arg[3] <= QUEUED) &&
        !is_set(rules->lock_known, id)) {
        ft_rule_fire(rules, FT_J_IO_LOCK_INIT, event, event->arg[0]);
    }
    if (event->arg[2] != 0 && event->irql < FT_IRQL_DISPATCH) {
        ft_rule_fire(rules, FT_J_IO_IRQL_DDI_LEVEL, event, event->arg[0]);
        ft_rule_fire(rules, FT_J_IO_LOCK_ATDPC_IRQL, event, event->arg[0]);
    }
    if (!ft_known(event, 3)) {
        return;
    }
    if ((event->arg[3] == ORDINARY && is_set(rules->lock_queued, id)) ||
        (event->arg[3] == QUEUED && is_set(rules->lock_plain, id))) {
        ft_rule_fire(rules, FT_J_IO_LOCK_API_MATCH, event, event->arg[0]);
    }
    if (event->arg[3] <= QUEUED) {
        judge_order(rules, event, (uint16_t)id);
    }
}

static void judge_release(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_lock *lock = held(rules, event);

    if (lock == NULL || !ft_known(event, 4)) {
        return;
    }
    if ((lock->kind == QUEUED) != (event->arg[4] == QUEUED) ||
        (lock->kind == QUEUED && ft_known(event, 5) && lock->holder != ft_arg_id(event, 5))) {
        ft_rule_fire(rules, FT_J_IO_LOCK_API_MATCH, event, event->arg[0]);
    }
}

static void judge_init(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        if (rules->lock[i].id != 0 && rules->lock[i].id == ft_arg_id(event, 0)) {
            ft_rule_fire(rules, FT_J_IO_LOCK_INIT, event, event->arg[0]);
        }
    }
}

void ft_locks_judge(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_by_driver(event)) {
        return;
    }
    switch (event->kind) {
    case FT_EV_LOCK_INIT:
        judge_init(rules, event);
        break;
    case FT_EV_LOCK_ACQUIRE:
        judge_acquire(rules, event);
        break;
    case FT_EV_LOCK_RELEASE:
        judge_release(rules, event);
        break;
    case FT_EV_CANCEL_LOCK:
        judge_order(rules, event, CANCEL_LOCK);
        break;
    case FT_EV_IRP_CALL:
        if (ft_holds_lock(rules, ft_task_of(event))) {
            ft_rule_fire(rules, FT_J_IO_LOCK_HOLD_BOUNDED, event, event->arg[0]);
        }
        break;
    default:
        break;
    }
}

static void note_acquire(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);
    struct ft_rs_lock *lock = held(rules, event);

    if (!ft_known(event, 3)) {
        return;
    }
    if (event->arg[3] <= QUEUED) {
        set(event->arg[3] == QUEUED ? rules->lock_queued : rules->lock_plain, id);
        note_order(rules, event, (uint16_t)id);
    }
    if (lock != NULL) {
        lock->kind = (uint8_t)event->arg[3];
        lock->holder = ft_arg_id(event, 4);
    }
}

void ft_locks_note(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);

    if (event->kind == FT_EV_LOCK_INIT) {
        set(rules->lock_known, id);
        /* A new lock with the low byte of an old one's id. */
        rules->lock_plain[id / 32 % 8] &= ~(1u << id % 32);
        rules->lock_queued[id / 32 % 8] &= ~(1u << id % 32);
    } else if (event->kind == FT_EV_LOCK_ACQUIRE && ft_by_driver(event)) {
        note_acquire(rules, event);
    } else if (event->kind == FT_EV_CANCEL_LOCK && ft_by_driver(event)) {
        note_order(rules, event, CANCEL_LOCK);
    }
}
