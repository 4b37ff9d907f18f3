/* Remove locks. Acquisitions are counted for each lock; those whose tag is an IRP also at the IRP.
 *
 * A driver may keep a lock for each handle, too, made by CREATE and waited for by CLEANUP (public
 * samples do): what is said of the lock that guards a device is not said of that.
 */
#include "rules/rules_io.h"

/* Acquisitions whose IRPs are known. */
static uint32_t named(const struct ft_rules *rules)
{
    uint32_t count = 0;

    for (unsigned i = 0; i < rules->irp_end; i++) {
        count += rules->irp[i].id != 0 ? rules->irp[i].held : 0;
    }
    return count;
}

static bool is_of_file(const struct ft_rs_object *lock)
{
    return lock != NULL && (lock->flags & FT_OBJECT_OF_FILE) != 0;
}

/* The only lock of a device, NULL when there are several. */
static struct ft_rs_object *only_lock(struct ft_rules *rules)
{
    struct ft_rs_object *only = NULL;

    for (unsigned i = 0; i < FT_RS_OBJECTS && rules->object[i].id != 0; i++) {
        struct ft_rs_object *object = &rules->object[i];

        if (object->class_ == FT_HC_REMOVE_LOCK && (object->flags & FT_RS_OVER) == 0 &&
            !is_of_file(object)) {
            if (only != NULL) {
                return NULL;
            }
            only = object;
        }
    }
    return only;
}

/* ---- release ---- */

static void judge_release(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_object *lock =
        ft_rs_object_find(rules, FT_HC_REMOVE_LOCK, ft_arg_id(event, 0));
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);
    bool by_irp = ft_handle_class(event->arg[1]) == FT_HC_IRP;
    bool wrong;

    if (lock == NULL || !ft_known(event, 1)) {
        return;
    }
    if (lock->count == 0 || (ft_known(event, 2) && (event->arg[2] & 0x80000000u) != 0)) {
        ft_rule_fire(rules, FT_J_IO_RL_NO_RELEASE_UNACQUIRED, event, event->arg[0]);
        return;
    }
    if (by_irp) {
        wrong = irp != NULL && irp->held == 0;
    } else {
        wrong = lock->unnamed == 0 && named(rules) == lock->count;
    }
    if (wrong) {
        ft_rule_fire(rules, FT_J_IO_RL_TAG_MATCH, event, event->arg[0]);
    }
}

static void judge_wait(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *remove = ft_irp_in_driver(rules, FT_MAJOR_PNP, FT_PNP_MINOR_REMOVE);
    bool by_irp = remove != NULL && ft_arg_irp(rules, event, 1) == remove;

    if (is_of_file(ft_rs_object_find(rules, FT_HC_REMOVE_LOCK, ft_arg_id(event, 0)))) {
        return;
    }
    if (remove == NULL) {
        ft_rule_fire(rules, FT_J_IO_RL_WAIT_ONLY_REMOVE, event, event->arg[0]);
    } else if (ft_known(event, 2) && event->arg[2] != 0 && remove->held > by_irp) {
        ft_rule_fire(rules, FT_J_IO_RL_WAIT_NOT_DEADLOCK, event, event->arg[0]);
    }
}

/* ---- use after a refusal ---- */

static void judge_refused(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_irp *irp)
{
    if (ft_by_driver(event) && irp != NULL && (irp->more & FT_MORE_REFUSED) != 0) {
        ft_rule_fire(rules, FT_J_IO_RL_ACQUIRE_CHECKED, event, ft_irp_handle_of(irp));
    }
}

static void judge_refused_complete(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);

    if (irp != NULL && ft_major_is_io(irp->major) && ft_known(event, 1) &&
        ft_nt_success((uint32_t)event->arg[1])) {
        judge_refused(rules, event, irp);
    }
}

/* ---- the end of a dispatch routine ---- */

/* A driver that acquires the lock for some kinds of I/O requests acquires it for all. Requests that
 * it completes at once need none. */
static void judge_unheld(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_frame *frame, const struct ft_rs_irp *irp)
{
    const uint32_t io =
        1u << FT_MAJOR_READ | 1u << FT_MAJOR_WRITE | 1u << FT_MAJOR_IOCTL | 1u << FT_MAJOR_INTERNAL;
    bool pending = (uint32_t)event->arg[3] == FT_NT_PENDING;

    if ((frame->flags & FT_FRAME_ACQUIRED) != 0 || irp->held != 0 ||
        (rules->lock_majors & io) == 0 || (rules->lock_majors & 1u << (irp->major & 31)) != 0) {
        return;
    }
    if ((ft_major_is_io(irp->major) || irp->major == FT_MAJOR_FLUSH) && pending) {
        ft_rule_fire(rules, FT_J_IO_IRP_REMOVE_LOCK_HELD, event, ft_irp_handle_of(irp));
    } else if (irp->major == FT_MAJOR_POWER &&
               (frame->flags & (FT_FRAME_ROUTINE | FT_FRAME_HARDWARE)) != 0) {
        ft_rule_fire(rules, FT_J_IO_PWR_REMOVELOCK, event, ft_irp_handle_of(irp));
    }
}

/* A map register or a channel is held for it. */
static bool has_dma(struct ft_rules *rules, const struct ft_rs_irp *irp)
{
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        if (ft_grant_is_held(&rules->grant[i]) && rules->grant[i].irp == irp->id) {
            return true;
        }
    }
    for (unsigned i = 0; i < FT_RS_QUEUED; i++) {
        if (rules->queued[i].adapter != 0 && rules->queued[i].irp == irp->id) {
            return true;
        }
    }
    return false;
}

/* The routine released the lock of a request that the hardware still works on. */
static void judge_dropped(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_frame *frame)
{
    const struct ft_rs_irp *irp =
        (frame->flags & FT_FRAME_DROPPED) != 0 ? ft_rs_irp_find(rules, frame->dropped) : NULL;

    if (irp != NULL && irp->held == 0 && ft_irp_is_owned(irp) &&
        (irp->flags & FT_IRP_MARKED) != 0 && has_dma(rules, irp)) {
        ft_rule_fire(rules, FT_J_IO_RL_PENDED_HELD_TILL_COMPLETE, event, ft_irp_handle_of(irp));
    }
}

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_top(rules, event);
    const struct ft_rs_irp *irp;

    if (frame == NULL || frame->routine != event->arg[0]) {
        return;
    }
    judge_dropped(rules, event, frame);
    irp = frame->routine == FT_ROUTINE_DISPATCH ? ft_rs_irp_find(rules, frame->object) : NULL;
    if (irp != NULL && ft_known(event, 3)) {
        judge_unheld(rules, event, frame, irp);
    }
}

/* ---- removal and the end ---- */

/* With one device and one lock it is known which lock the device is guarded by. */
static void judge_detach(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_object *lock = only_lock(rules);

    if (!ft_by_driver(event) || lock == NULL || rules->driver_devices != 1 ||
        ft_frame_dispatch(rules, event, FT_MAJOR_PNP, FT_PNP_MINOR_REMOVE) == NULL) {
        return;
    }
    if (lock->count != 0) {
        ft_rule_fire(rules, FT_J_IO_RL_BALANCE, event, ft_handle(FT_HC_REMOVE_LOCK, lock->id, 0));
    } else if ((lock->flags & FT_OBJECT_USED) != 0 && (lock->flags & FT_OBJECT_WAITED) == 0) {
        ft_rule_fire(rules, FT_J_IO_RL_WAIT_BEFORE_DETACH, event,
                     ft_handle(FT_HC_REMOVE_LOCK, lock->id, 0));
    }
}

/* Somebody waits for the lock for ever, and no request is there that might hold it. */
static void judge_hang(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (irp->id != 0 && irp->major != FT_MAJOR_PNP && ft_irp_is_owned(irp)) {
            return;
        }
    }
    for (unsigned i = 0; i < FT_RS_OBJECTS && rules->object[i].id != 0; i++) {
        const struct ft_rs_object *lock = &rules->object[i];

        if (lock->class_ == FT_HC_REMOVE_LOCK && (lock->flags & FT_OBJECT_WAITING) != 0 &&
            lock->count != 0) {
            ft_rule_fire(rules, FT_J_IO_RL_BALANCE, event,
                         ft_handle(FT_HC_REMOVE_LOCK, lock->id, 0));
        }
    }
}

void ft_remove_lock_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_RL_INIT:
        if (ft_by_driver(event) && ft_known(event, 1) && event->arg[1] != 0 &&
            ft_frame_in(rules, event, FT_ROUTINE_ADD_DEVICE) == NULL) {
            ft_rule_fire(rules, FT_J_IO_RL_INIT_ONCE, event, event->arg[0]);
        }
        break;
    case FT_EV_RL_RELEASE:
        if (ft_by_driver(event)) {
            judge_release(rules, event);
        }
        break;
    case FT_EV_RL_WAIT:
        if (ft_by_driver(event)) {
            judge_wait(rules, event);
        }
        break;
    case FT_EV_IRP_CALL:
        judge_refused(rules, event, ft_arg_irp(rules, event, 0));
        break;
    case FT_EV_START_PACKET:
    case FT_EV_CSQ_INSERT:
        judge_refused(rules, event, ft_arg_irp(rules, event, 1));
        break;
    case FT_EV_DMA_CHANNEL:
    case FT_EV_CHANNEL_EX:
    case FT_EV_SG_GET:
    case FT_EV_SG_GET_EX:
        judge_refused(rules, event, ft_asked_for(rules, event));
        break;
    case FT_EV_IRP_COMPLETE:
        judge_refused_complete(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        judge_leave(rules, event);
        break;
    case FT_EV_DEVICE_DETACH:
        judge_detach(rules, event);
        break;
    case FT_EV_RUN_HANG:
        judge_hang(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

static void note_acquire(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_object *lock = ft_rs_object_get(rules, FT_HC_REMOVE_LOCK, ft_arg_id(event, 0));
    struct ft_rs_frame *frame = ft_frame_just_in(rules, event, FT_ROUTINE_DISPATCH);
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);
    bool by_irp = ft_handle_class(event->arg[1]) == FT_HC_IRP;

    if (lock == NULL || !ft_known(event, 2)) {
        return;
    }
    if (!ft_nt_success((uint32_t)event->arg[2])) {
        irp = by_irp || frame == NULL ? irp : ft_rs_irp_find(rules, frame->object);
        if (irp != NULL) {
            irp->more |= FT_MORE_REFUSED;
        }
        return;
    }
    lock->flags |= FT_OBJECT_USED;
    lock->count++;
    lock->unnamed += !by_irp && lock->unnamed < UINT8_MAX;
    if (irp != NULL && irp->held < UINT8_MAX) {
        irp->held++;
    }
    if (frame != NULL && !is_of_file(lock)) {
        frame->flags |= FT_FRAME_ACQUIRED;
        rules->lock_majors |= 1u << (frame->major & 31);
    }
}

static void note_release(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_object *lock = ft_rs_object_find(rules, FT_HC_REMOVE_LOCK, ft_arg_id(event, 0));
    struct ft_rs_frame *frame = ft_frame_top(rules, event);
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);
    bool by_irp = ft_handle_class(event->arg[1]) == FT_HC_IRP;

    if (lock == NULL) {
        return;
    }
    lock->count -= lock->count > 0;
    lock->unnamed -= !by_irp && lock->unnamed > 0;
    if (irp != NULL && irp->held > 0) {
        irp->held--;
    }
    if (irp != NULL && frame != NULL && event->kind == FT_EV_RL_RELEASE) {
        frame->flags |= FT_FRAME_DROPPED;
        frame->dropped = (uint16_t)irp->id;
    }
    if (event->kind == FT_EV_RL_WAIT) {
        lock->flags |= FT_OBJECT_WAITED | FT_OBJECT_WAITING;
        lock->task = ft_task_of(event);
    }
}

/* A new lock in the place of an old one; a wait that is over. */
static void note_over(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_OBJECTS && rules->object[i].id != 0; i++) {
        struct ft_rs_object *lock = &rules->object[i];

        if (lock->class_ == FT_HC_REMOVE_LOCK && lock->task == ft_task_of(event)) {
            lock->flags = (uint16_t)(lock->flags & ~FT_OBJECT_WAITING);
        }
    }
}

void ft_remove_lock_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_frame *frame;
    struct ft_rs_object *lock;

    switch (event->kind) {
    case FT_EV_RL_INIT:
        lock = ft_rs_object_get(rules, FT_HC_REMOVE_LOCK, ft_arg_id(event, 0));
        if (lock != NULL) {
            lock->flags =
                ft_frame_dispatch(rules, event, FT_MAJOR_CREATE, -1) ? FT_OBJECT_OF_FILE : 0;
            lock->count = 0;
            lock->unnamed = 0;
        }
        break;
    case FT_EV_RL_ACQUIRE:
        note_acquire(rules, event);
        break;
    case FT_EV_RL_RELEASE:
    case FT_EV_RL_WAIT:
        note_release(rules, event);
        break;
    case FT_EV_DEVICE_DETACH:
    case FT_EV_CALL_LEAVE:
        note_over(rules, event);
        break;
    case FT_EV_DEVICE_DELETE:
        lock = only_lock(rules); /* it lay in the extension of the device */
        if (ft_by_driver(event) && lock != NULL && rules->driver_devices == 0) {
            lock->flags |= FT_RS_OVER;
        }
        break;
    case FT_EV_IRP_SET_COMPLETION:
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
        frame = ft_frame_in(rules, event, FT_ROUTINE_DISPATCH);
        if (frame != NULL && ft_by_driver(event)) {
            frame->flags |=
                event->kind == FT_EV_IRP_SET_COMPLETION ? FT_FRAME_ROUTINE : FT_FRAME_HARDWARE;
        }
        break;
    default:
        break;
    }
}
