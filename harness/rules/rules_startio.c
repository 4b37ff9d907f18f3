/* StartIo, IoStartPacket and IoStartNextPacket. */
#include "rules/rules_io.h"

/* ---- IoStartNextPacket ---- */

static unsigned nested_start_ios(const struct ft_rules *rules, const struct ft_event *event)
{
    unsigned count = 0;

    for (unsigned i = 0; i < rules->frames; i++) {
        count += rules->frame[i].task == ft_task_of(event) &&
                 rules->frame[i].routine == FT_ROUTINE_START_IO;
    }
    return count;
}

/* A routine that starts the next request, completes one, and starts another while the first one it
 * started runs. */
static void judge_second(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_device *device)
{
    const struct ft_rs_frame *frame = ft_frame_top(rules, event);
    const struct ft_rs_irp *started = frame != NULL ? ft_rs_irp_find(rules, frame->next) : NULL;

    if (frame == NULL || frame->routine == FT_ROUTINE_START_IO || started == NULL ||
        (frame->flags & FT_FRAME_NEXT_DONE) == 0 || device->current != frame->next ||
        (device->more & FT_STARTIO_OWED) == 0 || ft_irp_is_over(started)) {
        return;
    }
    ft_rule_fire(rules, FT_J_IO_STARTIO_NEXT_ONCE, event, ft_irp_handle_of(started));
}

/* A call from inside StartIo starts the next request inside the StartIo of the one before; once is
 * how a request that fails at once is done with, twice is a recursion without a bound. */
static void judge_next(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *device = ft_rs_device(rules, ft_arg_id(event, 0));
    const unsigned both = FT_STARTIO_CANCELABLE | FT_STARTIO_PLAIN;

    if (event->irql != FT_IRQL_DISPATCH) {
        ft_rule_fire(rules, FT_J_IO_STARTIO_NEXT_IRQL, event, event->arg[0]);
    }
    if (ft_holds_lock(rules, ft_task_of(event)) || rules->cancel_task == ft_task_of(event)) {
        ft_rule_fire(rules, FT_J_IO_STARTIO_NEXT_NOT_LOCKED, event, event->arg[0]);
    }
    if (nested_start_ios(rules, event) > 1) {
        ft_rule_fire(rules, FT_J_IO_STARTIO_RECURSION_DEFERRED, event, event->arg[0]);
    }
    if (ft_known(event, 2) && event->arg[2] == 0 &&
        (device->more & both) == FT_STARTIO_CANCELABLE) {
        ft_rule_fire(rules, FT_J_IO_STARTIO_CANCELABLE_CONSISTENT, event, event->arg[0]);
    }
    judge_second(rules, event, device);
}

/* The current request is done with, nobody asked for the next one, and another one waits. */
static void judge_stalled(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_irp *waiting)
{
    const unsigned queued = FT_MORE_QUEUED | FT_MORE_PACKET;

    if ((waiting->more & queued) != queued || ft_irp_is_over(waiting)) {
        return;
    }
    for (unsigned i = 1; i < FT_RS_DEVICES; i++) {
        const struct ft_rs_device *device = &rules->device[i];

        if (device->id != 0 && (device->more & FT_STARTIO_OWED) != 0 &&
            ft_rs_irp_is_complete(rules, device->current) &&
            ft_rs_same_device(rules, device->id, waiting->device)) {
            ft_rule_fire(rules, FT_J_IO_STARTIO_NEXT_ONCE, event, ft_irp_handle_of(waiting));
        }
    }
}

/* ---- inside StartIo ---- */

static void judge_stale(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_irp *irp)
{
    const struct ft_rs_frame *frame = ft_frame_just_in(rules, event, FT_ROUTINE_START_IO);

    if (ft_by_driver(event) && frame != NULL && irp != NULL && frame->object == irp->id &&
        ft_irp_is_over(irp)) {
        ft_rule_fire(rules, FT_J_IO_STARTIO_CURRENTIRP_CHECKED, event, ft_irp_handle_of(irp));
    }
}

static void judge_work(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *root = ft_rs_root(rules, event->device);

    if (ft_by_driver(event) && ft_frame_in(rules, event, FT_ROUTINE_START_IO) != NULL &&
        (root->pnp == FT_PNP_STOPPED || (root->flags & FT_DEVICE_GONE) != 0)) {
        ft_rule_fire(rules, FT_J_IO_STARTIO_AFTER_REMOVE, event,
                     ft_handle(FT_HC_DEVICE, root->id, 0));
    }
}

static void judge_wait(struct ft_rules *rules, const struct ft_event *event)
{
    bool can_block = event->kind == FT_EV_DELAY || event->arg[1] != 0;

    if (ft_by_driver(event) && can_block &&
        ft_frame_just_in(rules, event, FT_ROUTINE_START_IO) != NULL) {
        ft_rule_fire(rules, FT_J_IO_STARTIO_NO_BLOCK, event,
                     event->kind == FT_EV_DELAY ? 0 : event->arg[0]);
    }
}

void ft_startio_judge(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp;

    switch (event->kind) {
    case FT_EV_START_NEXT:
        if (ft_by_driver(event)) {
            judge_next(rules, event);
        }
        break;
    case FT_EV_IRP_CANCEL:
        irp = ft_arg_irp(rules, event, 0);
        if (irp != NULL && !ft_by_driver(event) && ft_is_drained(rules, irp)) {
            judge_stalled(rules, event, irp);
        }
        break;
    case FT_EV_IRP_SET_CANCEL:
        judge_stale(rules, event, ft_arg_irp(rules, event, 0));
        break;
    case FT_EV_DMA_CHANNEL:
    case FT_EV_CHANNEL_EX:
        judge_stale(rules, event, ft_asked_for(rules, event));
        judge_work(rules, event);
        break;
    case FT_EV_SG_GET: /* comes after the list routine, which may have ended the request */
    case FT_EV_SG_GET_EX:
        judge_work(rules, event);
        break;
    case FT_EV_REG_WRITE:
        judge_work(rules, event);
        break;
    case FT_EV_WAIT_BEGIN:
    case FT_EV_DELAY:
        judge_wait(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

static void note_packet(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_device *device = ft_rs_device(rules, ft_arg_id(event, 0));
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);
    bool queued = event->arg[2] != 0;

    if (ft_known(event, 4)) {
        device->more |= event->arg[4] != 0 ? FT_STARTIO_CANCELABLE : FT_STARTIO_PLAIN;
    }
    if (!queued) {
        device->current = (uint16_t)ft_arg_id(event, 1);
        device->more |= FT_STARTIO_OWED;
    }
    if (irp != NULL) {
        irp->more |= FT_MORE_PACKET;
        if (queued) {
            ft_irp_note_queued(rules, irp);
        }
        irp->more |= ft_known(event, 4) && event->arg[4] != 0 ? FT_MORE_CANCELABLE : 0;
    }
}

static void note_next(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_device *device = ft_rs_device(rules, ft_arg_id(event, 0));
    struct ft_rs_frame *frame = ft_frame_top(rules, event);
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);

    device->current = (uint16_t)ft_arg_id(event, 1);
    device->more =
        (uint16_t)(irp != NULL ? device->more | FT_STARTIO_OWED : device->more & ~FT_STARTIO_OWED);
    if (irp != NULL) {
        irp->more &= ~(uint32_t)FT_MORE_QUEUED;
    }
    if (frame != NULL) {
        frame->flags =
            (uint16_t)((frame->flags & ~(FT_FRAME_NEXT_DONE | FT_FRAME_HEAD)) | FT_FRAME_NEXT);
        frame->next = (uint16_t)ft_arg_id(event, 1);
    }
}

/* StartIo gave its request to the hardware. */
static void note_touched(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_START_IO);
    struct ft_rs_irp *irp =
        ft_by_driver(event) && frame != NULL ? ft_rs_irp_find(rules, frame->object) : NULL;

    if (irp != NULL) {
        irp->more |= FT_MORE_TOUCHED;
    }
}

static void note_complete(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);
    struct ft_rs_frame *frame = ft_frame_top(rules, event);

    if (irp != NULL) {
        irp->more &= ~(uint32_t)FT_MORE_QUEUED;
    }
    if (event->kind == FT_EV_IRP_COMPLETE && frame != NULL && (frame->flags & FT_FRAME_NEXT) != 0 &&
        frame->next != ft_arg_id(event, 0)) {
        frame->flags |= FT_FRAME_NEXT_DONE;
    }
}

void ft_startio_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp;

    switch (event->kind) {
    case FT_EV_START_PACKET:
        note_packet(rules, event);
        break;
    case FT_EV_START_NEXT:
        note_next(rules, event);
        break;
    case FT_EV_REG_WRITE:
    case FT_EV_DMA_CHANNEL:
    case FT_EV_CHANNEL_EX:
    case FT_EV_SG_GET:
    case FT_EV_SG_GET_EX:
        note_touched(rules, event);
        break;
    case FT_EV_IRP_COMPLETE:
    case FT_EV_IRP_DONE:
        note_complete(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        irp = event->arg[0] == FT_ROUTINE_START_IO ? ft_arg_irp(rules, event, 1) : NULL;
        if (irp != NULL) {
            irp->more |= FT_MORE_STARTED;
        }
        break;
    default:
        break;
    }
}
