/* IRQL, spin locks, the cancel lock and waits.
 *
 * The header of an event shows the IRQL at the call. Where a routine raises before its event is
 * made (spin locks), the argument `old` is the caller's level.
 */
#include "rules/rules_private.h"

/* Levels at which a routine may be called; `dma` says which of the two rows about levels speaks of
 * it. */
struct window {
    uint8_t lowest, highest;
    bool dma;
    bool by_arguments; /* which may move the limits */
};

enum { ANY_LEVEL = 0xFF, HIGHEST_DIRQL = 11 };

static struct window dma_window(uint16_t kind)
{
    switch (kind) {
    case FT_EV_DMA_GET:
    case FT_EV_DMA_CB_ALLOC:
    case FT_EV_DMA_CB_FREE:
    case FT_EV_DMA_ALIGNMENT:
    case FT_EV_DMA_DOMAIN:
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, true, false};
    case FT_EV_DMA_CHANNEL:
    case FT_EV_DMA_FREE_CHANNEL:
    case FT_EV_DMA_FREE_REGS:
    case FT_EV_SG_GET:
    case FT_EV_SG_PUT:
    case FT_EV_CHANNEL_EX:
        return (struct window){FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, true, false};
    case FT_EV_DMA_PUT:
    case FT_EV_DMA_MAP:
    case FT_EV_DMA_FLUSH:
    case FT_EV_DMA_COUNTER:
    case FT_EV_SG_MDL:
    case FT_EV_CTX_INIT:
    case FT_EV_CHANNEL_CANCEL:
    case FT_EV_DMA_MAP_EX:
    case FT_EV_DMA_FLUSH_EX:
    case FT_EV_CANCEL_MAPPED:
    case FT_EV_FREE_OBJECT:
    case FT_EV_FLUSH_BUFFER:
    case FT_EV_DMA_CONFIGURE:
    case FT_EV_ADAPTER_INFO:
    case FT_EV_TRANSFER_INFO:
    case FT_EV_SG_GET_EX:
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, true, false};
    case FT_EV_DMA_KFI:
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, false, false};
    default:
        return (struct window){FT_IRQL_PASSIVE, ANY_LEVEL, true, false};
    }
}

static bool is_up_to_dispatch(uint16_t kind)
{
    switch (kind) {
    case FT_EV_ERROR_LOG:
    case FT_EV_IO_TIMER:
    case FT_EV_DEVICE_INVALIDATE:
    case FT_EV_QUEUE_REMOVE:
    case FT_EV_IRP_NEW:
    case FT_EV_IRP_REUSE:
    case FT_EV_IRP_SET_COMPLETION:
    case FT_EV_IRP_FREE:
    case FT_EV_IRP_CANCEL:
    case FT_EV_IRP_CALL:
    case FT_EV_START_PACKET:
    case FT_EV_CSQ_INSERT:
    case FT_EV_CSQ_REMOVE:
    case FT_EV_RL_ACQUIRE:
    case FT_EV_RL_RELEASE:
    case FT_EV_PO_SET_STATE:
    case FT_EV_PO_START_NEXT:
    case FT_EV_PO_REQUEST:
    case FT_EV_PO_CALL:
    case FT_EV_INT_ACTIVE:
    case FT_EV_MDL_ALLOC:
    case FT_EV_MDL_BUILD:
    case FT_EV_MDL_LOCK:
    case FT_EV_MDL_UNLOCK:
    case FT_EV_MDL_FREE:
    case FT_EV_MDL_PARTIAL:
    case FT_EV_MDL_SYSVA:
    case FT_EV_MDL_REUSE:
    case FT_EV_MDL_ADVANCE:
    case FT_EV_MDL_UNMAP:
    case FT_EV_MAP_IO:
    case FT_EV_UNMAP_IO:
    case FT_EV_TIMER_SET:
    case FT_EV_TIMER_CANCEL:
    case FT_EV_TIMER_DELETE:
    case FT_EV_OBJECT_RELEASE:
    case FT_EV_OBJECT_REFERENCE:
    case FT_EV_OBJECT_DEREFERENCE:
    case FT_EV_RESOURCE_INIT:
    case FT_EV_RESOURCE_RELEASE:
    case FT_EV_RESOURCE_DELETE:
    case FT_EV_WORK_INIT:
    case FT_EV_WORK_QUEUE:
    case FT_EV_WORK_FREE:
    case FT_EV_EVENT_SET:
    case FT_EV_EVENT_CLEAR:
    case FT_EV_POOL_ALLOC:
    case FT_EV_POOL_FREE:
    case FT_EV_LOOKASIDE_INIT:
    case FT_EV_LOOKASIDE_DELETE:
    case FT_EV_CANCEL_LOCK: /* the level after it was raised: above DISPATCH_LEVEL it was before */
        return true;
    default:
        return false;
    }
}

/* MmUnmapIoSpace at DISPATCH_LEVEL and IoCreateDevice at APC_LEVEL are allowed by one page and not
 * by another. */
static struct window io_window(uint16_t kind)
{
    switch (kind) {
    case FT_EV_ISR_CONNECT:
    case FT_EV_ISR_DISCONNECT:
    case FT_EV_DEVICE_DETACH:
    case FT_EV_RL_INIT:
    case FT_EV_RL_WAIT:
    case FT_EV_DPC_FLUSH:
    case FT_EV_REGISTRY:
    case FT_EV_THREAD_NEW:
    case FT_EV_THREAD_END:
    case FT_EV_HANDLE_OPEN:
    case FT_EV_HANDLE_CLOSE:
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, false, false};
    case FT_EV_IDLE_DETECTION:
    case FT_EV_DEVICE_CREATE:
    case FT_EV_DEVICE_DELETE:
    case FT_EV_PROBE:
    case FT_EV_MUTEX_ACQUIRE:
    case FT_EV_MUTEX_RELEASE:
    case FT_EV_RESOURCE_ACQUIRE:
    case FT_EV_REGION:
    case FT_EV_RUNDOWN_WAIT:
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_APC, false, false};
    case FT_EV_START_NEXT:
    case FT_EV_QUEUE_INSERT:
        return (struct window){FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, false, false};
    case FT_EV_WMI_REGISTER:
    case FT_EV_INTERFACE_NEW:
    case FT_EV_INTERFACE_STATE:
    case FT_EV_SYMBOLIC_LINK:
    case FT_EV_DEVICE_PROPERTY:
    case FT_EV_IRP_BUFFERS: /* IoBuildDeviceIoControlRequest */
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, false, false};
    case FT_EV_SYNC_ENTER: /* likewise: after it was raised to the interrupt's level */
    case FT_EV_INT_LOCK_ACQUIRE:
        return (struct window){FT_IRQL_PASSIVE, HIGHEST_DIRQL, false, false};
    default:
        return (struct window){
            FT_IRQL_PASSIVE, is_up_to_dispatch(kind) ? FT_IRQL_DISPATCH : ANY_LEVEL, false, false};
    }
}

/* A read or write that IoBuildSynchronousFsdRequest or IoBuildAsynchronousFsdRequest makes; IRPs of
 * IoAllocateIrp say nothing of what they will be. */
static bool is_built_transfer(const struct ft_event *event)
{
    uint64_t major = event->arg[1] >> 8;

    return ft_known(event, 1) && (major == FT_MAJOR_READ || major == FT_MAJOR_WRITE);
}

/* Pages for an MDL and noncached memory need a lower level than contiguous memory. */
static bool is_cached_contiguous(const struct ft_event *event)
{
    enum { FOR_MDL = 2, NONCACHED = 3 };

    return event->arg[2] != FOR_MDL && event->arg[2] != NONCACHED;
}

static bool is_argument(const struct ft_event *event, unsigned index, uint64_t value)
{
    return ft_known(event, index) && event->arg[index] == value;
}

/* Locks. What the events of acquisitions tell of the caller's level is judged with the locks; these
 * are the routines that have another limit. The release of a lock that was acquired "at DPC level"
 * stands at the level of the acquisition, which may be higher. io.lock-release-owner judges the
 * release of a lock that the task does not hold. */
static void limit_release(const struct ft_event *event, struct window *window)
{
    if (ft_known(event, 1) && ft_known(event, 3) && ft_arg_id(event, 1) == event->task) {
        window->lowest = FT_IRQL_DISPATCH;
        window->highest = event->arg[3] != 0 ? ANY_LEVEL : FT_IRQL_DISPATCH;
    }
}

static const uint16_t limited_by_arguments[] = {
    FT_EV_PAGES_ALLOC,    FT_EV_PAGES_FREE,       FT_EV_LOCK_ACQUIRE, FT_EV_LOCK_RELEASE,
    FT_EV_IRP_NEW,        FT_EV_WAIT_BEGIN,       FT_EV_IO_TIMER,     FT_EV_CONTROLLER,
    FT_EV_LOOKASIDE_INIT, FT_EV_LOOKASIDE_DELETE, FT_EV_QUEUE_REMOVE, FT_EV_CANCEL_UNLOCK};

/* What the arguments say beyond the kind; the kinds are those of the list above. */
static void limit_by_arguments(const struct ft_event *event, struct window *window)
{
    enum { LOCK_TRY = 4, TIMER_INITIALISED = 1, CONTROLLER_ASKED = 2 };

    switch (event->kind) {
    case FT_EV_PAGES_ALLOC:
    case FT_EV_PAGES_FREE:
        window->highest = is_cached_contiguous(event) ? FT_IRQL_DISPATCH : FT_IRQL_APC;
        break;
    case FT_EV_LOCK_ACQUIRE:
        window->highest = is_argument(event, 3, LOCK_TRY) ? FT_IRQL_DISPATCH : ANY_LEVEL;
        break;
    case FT_EV_LOCK_RELEASE:
        limit_release(event, window);
        break;
    case FT_EV_IRP_NEW:
        window->highest = is_built_transfer(event) ? FT_IRQL_APC : window->highest;
        break;
    case FT_EV_DEVICE_PROPERTY: /* by key */
        if (ft_known(event, 1) && event->arg[1] >= 0x10000)
            window->highest = FT_IRQL_APC;
        break;
    case FT_EV_WAIT_BEGIN: /* one that cannot block; io.irql-no-wait judges the others */
        window->highest = is_argument(event, 1, 0) ? FT_IRQL_DISPATCH : window->highest;
        break;
    case FT_EV_LOOKASIDE_INIT:
    case FT_EV_LOOKASIDE_DELETE: {
        unsigned paged = event->kind == FT_EV_LOOKASIDE_INIT ? 3 : 2;

        if (ft_known(event, paged) && event->arg[paged] != 0) {
            window->highest = FT_IRQL_APC;
        }
        break;
    }
    case FT_EV_IO_TIMER:
        window->highest =
            is_argument(event, 1, TIMER_INITIALISED) ? FT_IRQL_PASSIVE : window->highest;
        break;
    case FT_EV_CONTROLLER: /* what asks for it */
        if (is_argument(event, 0, CONTROLLER_ASKED)) {
            window->lowest = window->highest = FT_IRQL_DISPATCH;
        }
        break;
    case FT_EV_CANCEL_UNLOCK: /* io.cancel-release-lock-once judges it when the lock is not held */
        if (ft_known(event, 1) && event->arg[1] != 0) {
            window->lowest = window->highest = FT_IRQL_DISPATCH;
        }
        break;
    case FT_EV_QUEUE_REMOVE: /* KeRemoveEntryDeviceQueue has no lower limit, the others have */
        window->lowest = is_argument(event, 2, 0) ? FT_IRQL_DISPATCH : window->lowest;
        break;
    default:
        break;
    }
}

/* Windows by the place of the kind: a pure function of the lists above. */
static struct window windows[FT_KIND_PLACES];

void ft_irql_init(void)
{
    static bool filled;

    for (unsigned kind = 0; !filled && kind < FT_KIND_GROUPS * 256; kind++) {
        windows[FT_KIND_PLACE(kind)] =
            kind >> 8 == 0x06 ? dma_window((uint16_t)kind) : io_window((uint16_t)kind);
    }
    for (unsigned i = 0; i < sizeof(limited_by_arguments) / sizeof(limited_by_arguments[0]); i++) {
        windows[FT_KIND_PLACE(limited_by_arguments[i])].by_arguments = true;
    }
    filled = true;
}

static struct window window_of(const struct ft_event *event)
{
    struct window window = windows[FT_KIND_PLACE(event->kind)];

    if (window.by_arguments) {
        limit_by_arguments(event, &window);
    }
    return window;
}

static bool is_inside(struct window window, uint8_t irql)
{
    return irql >= window.lowest && irql <= window.highest;
}

bool ft_irql_is_right(const struct ft_event *event)
{
    return is_inside(window_of(event), event->irql);
}

/* The page of FlushDmaBuffer gives no level: the window is a reading of ours. */
static bool is_documented(const struct ft_event *event)
{
    return event->kind != FT_EV_FLUSH_BUFFER;
}

void ft_judge_ddi_irql(struct ft_rules *rules, const struct ft_event *event)
{
    struct window window = window_of(event);

    if (is_inside(window, event->irql)) {
        return;
    }
    if (!is_documented(event)) {
        ft_rule_warn(rules, FT_J_DMA_IRQL_TABLE, event, event->arg[0]);
    } else if (window.dma) {
        ft_rule_fire(rules, FT_J_DMA_IRQL_TABLE, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_IO_IRQL_DDI_LEVEL, event, event->arg[0]);
    }
}

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
