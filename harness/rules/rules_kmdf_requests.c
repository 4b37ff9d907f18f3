/* Framework requests and queues: who owns a request, what is completed, cancellation, EvtIoStop.
 *
 * marked, in events: 0 not cancelable, 1 marked, 2 cancelled and EvtRequestCancel is due, 3 it was
 * called. Requests that are left over are judged when the run hangs or ends, each by the row that
 * says best how it came to that.
 */
#include "rules/rules_io.h"

enum { UNMARKED, MARKED, CANCELED, CANCELING };
enum { BY_HANDLER = 1, BY_RETRIEVE, BY_CANCELED_ON_QUEUE };
enum { USE_COMPLETE = 1, USE_MARK };
enum {
    POWER_ON = 1,
    POWER_HOLDING = 2,
    POWER_NOTIFYING = 4,
    POWER_NOTIFIED,
    POWER_OFF,
    POWER_PURGE
};
enum { HOW_MANAGED = 1, HOW_RESUME = 16 };
enum { STOP_SUSPEND = 1, STOP_PURGE };
enum { SEND_AND_FORGET = 8 };
enum { POLLS = 8 };

#define NT_PAUSED 0xC0200203u

/* ---- state ---- */

static struct ft_rs_wdf_request *find_request(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_WDF_REQUESTS; i++) {
        if (rules->wdf_io.request[i].id == id && id != 0) {
            return &rules->wdf_io.request[i];
        }
    }
    return NULL;
}

/* An ended request's slot is free when there is no other. */
static struct ft_rs_wdf_request *new_request(struct ft_rules *rules)
{
    struct ft_rs_wdf_request *ended = NULL;

    for (unsigned i = 0; i < FT_RS_WDF_REQUESTS; i++) {
        struct ft_rs_wdf_request *request = &rules->wdf_io.request[i];

        if (request->id == 0) {
            return request;
        }
        if ((request->flags & FT_WDF_REQUEST_ENDED) != 0 &&
            (ended == NULL || request->id < ended->id)) {
            ended = request;
        }
    }
    if (ended == NULL) {
        ft_rules_overflow(rules, FT_RS_TABLE_WDF_REQUEST);
    }
    return ended;
}

static struct ft_rs_wdf_queue *find_queue(struct ft_rules *rules, uint64_t handle)
{
    for (unsigned i = 0; i < FT_RS_WDF_QUEUES; i++) {
        if (rules->wdf_io.queue[i].id == ft_handle_id(handle) && handle != 0) {
            return &rules->wdf_io.queue[i];
        }
    }
    return NULL;
}

static struct ft_rs_wdf_request *arg_request(struct ft_rules *rules, const struct ft_event *event,
                                             unsigned index)
{
    return find_request(rules, ft_arg_id(event, index));
}

/* What a finding about the request in an argument is about: its IRP, if that is known. */
static uint64_t about(struct ft_rules *rules, const struct ft_event *event, unsigned index)
{
    const struct ft_rs_wdf_request *request = arg_request(rules, event, index);

    return request != NULL && request->irp != 0 ? ft_handle(FT_HC_IRP, request->irp, 0)
                                                : event->arg[index];
}

static bool is_owned(const struct ft_rs_wdf_request *request)
{
    return request->id != 0 &&
           (request->flags & (FT_WDF_REQUEST_OWNED | FT_WDF_REQUEST_SENT)) == FT_WDF_REQUEST_OWNED;
}

/* The task is in that routine, called for the request of that argument. */
static bool is_in(struct ft_rules *rules, const struct ft_event *event, enum ft_routine routine,
                  unsigned index)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, routine);

    return frame != NULL && frame->object == ft_arg_id(event, index);
}

bool ft_wdf_queues_are_idle(const struct ft_rules *rules)
{
    for (unsigned i = 0; i < FT_RS_WDF_REQUESTS; i++) {
        const struct ft_rs_wdf_request *request = &rules->wdf_io.request[i];

        for (unsigned j = 0; is_owned(request) && j < FT_RS_WDF_QUEUES; j++) {
            const struct ft_rs_wdf_queue *queue = &rules->wdf_io.queue[j];

            if (queue->id != 0 && queue->id == request->queue && (queue->how & HOW_MANAGED) != 0) {
                return false;
            }
        }
    }
    return true;
}

/* ---- calls that need an owned request, or one that is not marked ---- */

static void judge_owned(struct ft_rules *rules, const struct ft_event *event, unsigned owned)
{
    if (ft_known(event, owned) && event->arg[owned] == 0) {
        ft_rule_fire(rules, FT_J_KMDF_REQUEST_NOT_OWNED, event, about(rules, event, 0));
    }
}

static void judge_stale(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_request *request = arg_request(rules, event, 0);
    uint64_t object = about(rules, event, 0);
    bool in_stop = is_in(rules, event, FT_ROUTINE_WDF_IO_STOP, 0);

    if (event->arg[1] == USE_COMPLETE) {
        ft_rule_fire(rules, FT_J_KMDF_DOUBLE_COMPLETION, event, object);
        if (in_stop || (request != NULL && (request->flags & FT_WDF_REQUEST_IN_STOP) != 0)) {
            ft_rule_fire(rules, FT_J_KMDF_EVTIOSTOP_DOUBLE_HANDLING, event, object);
        }
    } else if (event->arg[1] == USE_MARK) {
        ft_rule_fire(rules, FT_J_KMDF_MARK_AFTER_POSSIBLE_COMPLETION, event, object);
    } else {
        ft_rule_fire(rules, FT_J_KMDF_REQUEST_NOT_OWNED, event, object);
    }
}

/* ---- completion ---- */

/* Somebody else's cancel callback has the request: it is due, or it runs. One that has returned may
 * have left the rest to this task. */
static bool is_callbacks(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_request *request = arg_request(rules, event, 0);

    if (event->arg[4] == CANCELED) {
        return true;
    }
    return event->arg[4] == CANCELING && request != NULL &&
           (request->flags & FT_WDF_REQUEST_CANCELING) != 0 &&
           request->lost_task == ft_task_of(event) &&
           !is_in(rules, event, FT_ROUTINE_WDF_REQUEST_CANCEL, 0);
}

static void judge_holds(struct ft_rules *rules, const struct ft_event *event, uint64_t object)
{
    if (event->arg[5] == 0) {
        return;
    }
    if (is_in(rules, event, FT_ROUTINE_WDF_REQUEST_CANCEL, 0)) {
        ft_rule_fire(rules, FT_J_KMDF_CANCEL_ROUTINE_COMPLETES_INFLIGHT_DMA, event, object);
    } else if (is_in(rules, event, FT_ROUTINE_WDF_IO_STOP, 0)) {
        ft_rule_fire(rules, FT_J_KMDF_EVTIOSTOP_SUSPEND_COMPLETES_INFLIGHT, event, object);
    }
}

static bool is_smio_flush(struct ft_rules *rules, const struct ft_event *event)
{
    return ft_frame_in(rules, event, FT_ROUTINE_WDF_SMIO_FLUSH) != NULL;
}

static bool in_surprise(struct ft_rules *rules, const struct ft_event *event)
{
    return ft_by_driver(event) &&
           ft_frame_in(rules, event, FT_ROUTINE_WDF_SURPRISE_REMOVAL) != NULL;
}

static void judge_complete(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t object = about(rules, event, 0);
    bool in_stop = is_in(rules, event, FT_ROUTINE_WDF_IO_STOP, 0);

    judge_owned(rules, event, 3);
    if (event->arg[4] == MARKED) {
        ft_rule_fire(rules, FT_J_KMDF_COMPLETE_CANCELABLE, event, object);
        if (in_stop) {
            ft_rule_fire(rules, FT_J_KMDF_EVTIOSTOP_CANCELABLE_WITHOUT_UNMARK, event, object);
        }
    }
    if (is_callbacks(rules, event)) {
        ft_rule_fire(rules, FT_J_KMDF_COMPLETE_AFTER_UNMARK_CANCELLED, event, object);
    }
    if (is_smio_flush(rules, event) && (event->arg[4] == MARKED || is_callbacks(rules, event))) {
        ft_rule_fire(rules, FT_J_KMDF_SMIO_FLUSH_CANCEL_RACE, event, object);
    }
    if (in_surprise(rules, event)) {
        ft_rule_fire(rules, FT_J_KMDF_SURPRISE_REMOVAL_SIDE_EFFECTS, event, object);
    }
    judge_holds(rules, event, object);
    if (event->arg[1] == FT_NT_PENDING) {
        ft_rule_fire(rules, FT_J_KMDF_COMPLETION_STATUS_PENDING, event, object);
    }
    if (ft_nt_success((uint32_t)event->arg[1]) && ft_known(event, 6) &&
        event->arg[2] > event->arg[6]) {
        ft_rule_fire(rules, FT_J_KMDF_REQUEST_INFORMATION_BOUND, event, object);
    }
}

/* ---- marking, forwarding, sending ---- */

static void judge_mark(struct ft_rules *rules, const struct ft_event *event)
{
    judge_owned(rules, event, 3);
    if (event->arg[4] != UNMARKED) {
        ft_rule_fire(rules, FT_J_KMDF_MARK_CANCELABLE_TWICE, event, about(rules, event, 0));
    }
}

static void judge_leaving(struct ft_rules *rules, const struct ft_event *event, unsigned owned)
{
    const struct ft_rs_wdf_request *request = arg_request(rules, event, 0);

    judge_owned(rules, event, owned);
    if (event->arg[owned + 1] != UNMARKED) {
        ft_rule_fire(rules, FT_J_KMDF_FORWARD_WHILE_CANCELABLE, event, about(rules, event, 0));
    }
    if (request != NULL && (request->flags & FT_WDF_REQUEST_ON_QUEUE) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_CANCELED_ON_QUEUE_COMPLETION, event, about(rules, event, 0));
    }
}

/* ---- EvtIoStop ---- */

static void judge_acknowledge(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_request *request = arg_request(rules, event, 0);
    const struct ft_rs_wdf_queue *queue =
        request != NULL ? find_queue(rules, ft_handle(FT_HC_WDF_QUEUE, request->queue, 0)) : NULL;
    uint64_t object = about(rules, event, 0);
    bool requeue = event->arg[1] != 0;

    judge_owned(rules, event, 3);
    if (event->arg[2] == 0) {
        ft_rule_fire(rules, FT_J_KMDF_STOPACK_OUTSIDE_EVTIOSTOP, event, object);
    }
    if (requeue && event->arg[4] != UNMARKED) {
        ft_rule_fire(rules, FT_J_KMDF_STOPACK_REQUEUE_CANCELABLE, event, object);
    }
    if (requeue && event->arg[5] != 0) {
        ft_rule_fire(rules, FT_J_KMDF_STOPACK_REQUEUE_LIVE_DMA, event, object);
    }
    if (!requeue && event->arg[2] == STOP_SUSPEND && queue != NULL &&
        (queue->how & HOW_RESUME) == 0) {
        ft_rule_fire(rules, FT_J_KMDF_EVTIOSTOP_RESUME_MISSING, event, object);
    }
}

static void judge_parameters(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[2] != 0 || is_in(rules, event, FT_ROUTINE_WDF_IO_STOP, 0) ||
        is_in(rules, event, FT_ROUTINE_WDF_IO_RESUME, 0)) {
        ft_rule_fire(rules, FT_J_KMDF_EVTIOSTOP_GET_PARAMETERS, event, about(rules, event, 0));
    }
}

/* ---- queues ---- */

static void judge_state(struct ft_rules *rules, const struct ft_event *event)
{
    if (in_surprise(rules, event)) {
        ft_rule_fire(rules, FT_J_KMDF_SURPRISE_REMOVAL_SIDE_EFFECTS, event, event->arg[0]);
    }
    if (event->arg[2] != 0 && event->arg[5] != 0) {
        ft_rule_fire(rules, FT_J_KMDF_QUEUE_SYNC_IN_HANDLER, event, event->arg[0]);
    }
    if (event->arg[4] != 0) {
        ft_rule_fire(rules, FT_J_KMDF_QUEUE_STATE_OVERLAP, event, event->arg[0]);
    }
}

/* The same task asks a paused queue again and again. */
static void judge_retrieve(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_queue *queue = find_queue(rules, event->arg[0]);

    if (queue != NULL && (uint32_t)event->arg[2] == NT_PAUSED &&
        queue->poll_task == ft_task_of(event) && queue->polls + 1 == POLLS) {
        ft_rule_fire(rules, FT_J_KMDF_RETRIEVE_STATUS_HANDLED, event, event->arg[0]);
    }
}

/* ---- the hardware ---- */

static const struct ft_rs_frame *handler_of(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_top(rules, event);

    return frame != NULL && frame->routine >= FT_ROUTINE_WDF_IO_DEFAULT &&
                   frame->routine <= FT_ROUTINE_WDF_IO_INTERNAL
               ? frame
               : NULL;
}

static void judge_hardware(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = handler_of(rules, event);
    const struct ft_rs_wdf_request *request =
        frame != NULL ? find_request(rules, frame->object) : NULL;
    const struct ft_rs_wdf_queue *queue =
        request != NULL ? find_queue(rules, ft_handle(FT_HC_WDF_QUEUE, request->queue, 0)) : NULL;

    if (queue != NULL && (queue->how & HOW_MANAGED) == 0 && rules->wdf_io.asleep != 0 &&
        ft_by_driver(event)) {
        ft_rule_fire(rules, FT_J_KMDF_NON_PM_QUEUE_HARDWARE_TOUCH, event,
                     ft_handle(FT_HC_IRP, request->irp, 0));
    }
}

/* ---- what is left ---- */

static enum ft_judged_rule why_left(struct ft_rules *rules, const struct ft_rs_wdf_request *request)
{
    const struct ft_rs_wdf_queue *queue =
        find_queue(rules, ft_handle(FT_HC_WDF_QUEUE, request->queue, 0));
    unsigned flags = request->flags;

    if ((flags & FT_WDF_REQUEST_ON_QUEUE) != 0) {
        return FT_J_KMDF_CANCELED_ON_QUEUE_COMPLETION;
    }
    if ((flags & FT_WDF_REQUEST_CALLED_BACK) != 0) {
        return FT_J_KMDF_CANCEL_ROUTINE_NO_COMPLETION;
    }
    if ((flags & FT_WDF_REQUEST_EX_CANCELED) != 0) {
        return FT_J_KMDF_MARKEX_CANCELLED_LEAK;
    }
    if ((flags & FT_WDF_REQUEST_KEPT_ON_PURGE) != 0) {
        return FT_J_KMDF_STOPACK_FALSE_ON_PURGE;
    }
    if ((flags & FT_WDF_REQUEST_STOP_IGNORED) != 0) {
        return FT_J_KMDF_EVTIOSTOP_NO_ACTION;
    }
    if ((flags & FT_WDF_REQUEST_LATE) != 0) {
        return FT_J_KMDF_SUSPEND_THEN_DELIVERY;
    }
    if (queue != NULL && queue->power >= POWER_HOLDING && queue->power < POWER_OFF) {
        return FT_J_KMDF_QUEUE_HOLD_WAITS_FOR_DEVICE;
    }
    return FT_J_KMDF_REQUEST_LEAK;
}

/* Of a device that is gone nothing comes that would end it. */
static void judge_left(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_wdf_request *request)
{
    enum ft_judged_rule why = why_left(rules, request);
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, request->irp);
    uint64_t object = ft_handle(FT_HC_IRP, request->irp, 0);

    if (why == FT_J_KMDF_REQUEST_LEAK && irp != NULL && irp->device != 0 &&
        (ft_rs_root(rules, irp->device)->flags & (FT_DEVICE_GONE | FT_DEVICE_YANKED)) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_GONE_HARDWARE_TIMEOUTS, event, object);
    }
    ft_rule_fire(rules, why, event, object);
}

static void judge_end(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_WDF_REQUESTS; i++) {
        const struct ft_rs_wdf_request *request = &rules->wdf_io.request[i];

        if (is_owned(request)) {
            judge_left(rules, event, request);
        }
        if (event->kind == FT_EV_RUN_END && request->finds > 0) {
            ft_rule_fire(rules, FT_J_KMDF_FIND_REQUEST_REFERENCE, event,
                         ft_handle(FT_HC_WDF_REQUEST, request->id, 0));
        }
    }
}

/* ---- self-managed I/O ---- */

/* The driver has put it aside, to be completed some time. What is unmarked, or still in its
 * handler, somebody is at work on. */
static bool is_parked(struct ft_rules *rules, const struct ft_rs_wdf_request *request,
                      uint32_t device)
{
    const unsigned state = FT_WDF_REQUEST_MARKED | FT_WDF_REQUEST_IN_HANDLER;
    const struct ft_rs_wdf_queue *queue =
        find_queue(rules, ft_handle(FT_HC_WDF_QUEUE, request->queue, 0));

    return is_owned(request) && (request->flags & state) == FT_WDF_REQUEST_MARKED &&
           queue != NULL && queue->device == device;
}

static void judge_flush_leaves(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_WDF_REQUESTS; i++) {
        const struct ft_rs_wdf_request *request = &rules->wdf_io.request[i];

        if (is_parked(rules, request, ft_arg_id(event, 1))) {
            ft_rule_fire(rules, FT_J_KMDF_SMIO_FLUSH_LEAVES_PENDING, event,
                         ft_handle(FT_HC_IRP, request->irp, 0));
        }
    }
}

/* A handler returns; its request still counts as being in it. */
static void judge_handled(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_request *found = arg_request(rules, event, 1);
    struct ft_rs_wdf_request request;

    if (found == NULL || rules->wdf_io.flushed == 0) {
        return;
    }
    request = *found;
    request.flags &= (uint16_t)~FT_WDF_REQUEST_IN_HANDLER;
    if (is_parked(rules, &request, rules->wdf_io.flushed)) {
        ft_rule_fire(rules, FT_J_KMDF_SMIO_REQUEST_AFTER_FLUSH, event,
                     ft_handle(FT_HC_IRP, request.irp, 0));
    }
}

static bool is_handler(uint64_t routine)
{
    return routine >= FT_ROUTINE_WDF_IO_DEFAULT && routine <= FT_ROUTINE_WDF_IO_INTERNAL;
}

/* EvtDeviceD0Exit has returned, and a request that was taken during the hold is still there. */
static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] == FT_ROUTINE_WDF_SMIO_FLUSH) {
        judge_flush_leaves(rules, event);
    }
    if (is_handler(event->arg[0])) {
        judge_handled(rules, event);
    }
    if (event->arg[0] != FT_ROUTINE_WDF_D0_EXIT) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_WDF_REQUESTS; i++) {
        const struct ft_rs_wdf_request *request = &rules->wdf_io.request[i];

        if (is_owned(request) && (request->flags & FT_WDF_REQUEST_ACK_LIVE) != 0 &&
            ft_request_is_moved(rules, request->id)) {
            ft_rule_fire(rules, FT_J_KMDF_STOPACK_FALSE_LIVE_DMA, event,
                         ft_handle(FT_HC_IRP, request->irp, 0));
        }
        if (is_owned(request) && (request->flags & FT_WDF_REQUEST_TAKEN_IN_HOLD) != 0) {
            ft_rule_fire(rules, FT_J_KMDF_RETRIEVE_DURING_HOLD_UNSTOPPED, event,
                         ft_handle(FT_HC_IRP, request->irp, 0));
        }
    }
}

void ft_kmdf_requests_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_STALE:
        judge_stale(rules, event);
        break;
    case FT_EV_WDF_COMPLETE:
        judge_complete(rules, event);
        break;
    case FT_EV_WDF_MARK:
        judge_mark(rules, event);
        break;
    case FT_EV_WDF_UNMARK:
        judge_owned(rules, event, 2);
        break;
    case FT_EV_WDF_IS_CANCELED:
        if (event->arg[2] == 0 || event->arg[3] != UNMARKED) {
            ft_rule_fire(rules, FT_J_KMDF_ISCANCELED_MISUSE, event, about(rules, event, 0));
        }
        break;
    case FT_EV_WDF_FORWARD:
        judge_leaving(rules, event, 3);
        break;
    case FT_EV_WDF_SEND:
        judge_leaving(rules, event, 5);
        break;
    case FT_EV_WDF_STOP_ACK:
        judge_acknowledge(rules, event);
        break;
    case FT_EV_WDF_PARAMETERS:
        judge_parameters(rules, event);
        break;
    case FT_EV_WDF_QUEUE_STATE:
        judge_state(rules, event);
        break;
    case FT_EV_WDF_RETRIEVE:
        judge_retrieve(rules, event);
        break;
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
        judge_hardware(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        judge_leave(rules, event);
        break;
    case FT_EV_RUN_HANG:
    case FT_EV_RUN_END:
        judge_end(rules, event);
        break;
    default:
        break;
    }
}

/* ---- notes ---- */

/* A reserved request of a queue comes again, for another IRP. */
static void note_new(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request;

    if (event->arg[3] != 0) { /* one of the driver's own */
        return;
    }
    request = arg_request(rules, event, 0);
    if (request == NULL) {
        request = new_request(rules);
    }
    if (request != NULL) {
        *request =
            (struct ft_rs_wdf_request){.id = ft_arg_id(event, 0), .irp = ft_arg_id(event, 1)};
    }
}

static void note_queue(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_WDF_QUEUES && event->arg[0] != 0; i++) {
        struct ft_rs_wdf_queue *queue = &rules->wdf_io.queue[i];

        if (queue->id == 0) {
            *queue = (struct ft_rs_wdf_queue){.id = ft_arg_id(event, 0),
                                              .device = (uint16_t)ft_arg_id(event, 1),
                                              .how = (uint8_t)event->arg[3],
                                              .power = POWER_ON};
            return;
        }
    }
}

static void note_given(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = arg_request(rules, event, 1);

    if (request == NULL) {
        return;
    }
    request->queue = ft_arg_id(event, 0);
    request->flags = FT_WDF_REQUEST_OWNED;
    if (event->arg[2] == BY_CANCELED_ON_QUEUE) {
        request->flags |= FT_WDF_REQUEST_ON_QUEUE;
    }
    if (event->arg[2] == BY_RETRIEVE &&
        (event->arg[3] == POWER_NOTIFYING || event->arg[3] == POWER_NOTIFIED)) {
        request->flags |= FT_WDF_REQUEST_TAKEN_IN_HOLD;
    }
    if (event->arg[2] == BY_HANDLER && rules->wdf_io.suspended != 0) {
        request->flags |= FT_WDF_REQUEST_LATE;
    }
}

static void note_ended(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = arg_request(rules, event, 0);

    if (request == NULL) {
        return;
    }
    request->flags = FT_WDF_REQUEST_ENDED;
    if (is_in(rules, event, FT_ROUTINE_WDF_IO_STOP, 0)) {
        request->flags |= FT_WDF_REQUEST_IN_STOP;
    }
}

static void note_mark(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = arg_request(rules, event, 0);

    if (request != NULL && event->arg[1] != 0 && (uint32_t)event->arg[2] == FT_NT_CANCELLED) {
        request->flags |= FT_WDF_REQUEST_EX_CANCELED;
    }
    if (request != NULL && event->arg[2] == 0) {
        request->flags |= FT_WDF_REQUEST_MARKED;
        request->lost_task = 0;
    }
}

static void note_unmark(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = arg_request(rules, event, 0);

    if (request != NULL) {
        request->flags &= (uint16_t)~FT_WDF_REQUEST_MARKED;
    }
    if (request != NULL && (uint32_t)event->arg[1] == FT_NT_CANCELLED &&
        event->arg[3] != UNMARKED) {
        request->lost_task = ft_task_of(event);
    }
}

static void note_stop(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = arg_request(rules, event, 0);

    if (request == NULL) {
        return;
    }
    if (event->kind == FT_EV_WDF_STOP_ACK) {
        request->flags &= (uint16_t)~FT_WDF_REQUEST_STOP_IGNORED;
        if (event->arg[1] == 0 && event->arg[2] == STOP_PURGE) {
            request->flags |= FT_WDF_REQUEST_KEPT_ON_PURGE;
        }
        if (event->arg[1] == 0 && event->arg[5] != 0) {
            request->flags |= FT_WDF_REQUEST_ACK_LIVE;
        }
    } else if (event->arg[1] != 0 && event->arg[2] == 0) {
        request->flags |= FT_WDF_REQUEST_STOP_IGNORED;
    }
}

static void note_send(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = arg_request(rules, event, 0);

    if (request == NULL || event->arg[3] == 0) {
        return;
    }
    if ((event->arg[2] & SEND_AND_FORGET) != 0) {
        request->flags = FT_WDF_REQUEST_ENDED;
    } else {
        request->flags |= FT_WDF_REQUEST_SENT;
    }
}

static void note_retrieve(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_queue *queue = find_queue(rules, event->arg[0]);
    struct ft_rs_wdf_request *request = arg_request(rules, event, 1);

    if (request != NULL && event->arg[3] == 3 && request->finds > 0) {
        request->finds--;
    }
    if (queue == NULL) {
        return;
    }
    if ((uint32_t)event->arg[2] != NT_PAUSED || queue->poll_task != ft_task_of(event)) {
        queue->polls = 0;
    }
    queue->poll_task = ft_task_of(event);
    queue->polls += (uint32_t)event->arg[2] == NT_PAUSED && queue->polls < UINT8_MAX;
}

static void note_find(struct ft_rules *rules, const struct ft_event *event, int change)
{
    struct ft_rs_wdf_request *request = arg_request(rules, event, change > 0 ? 1 : 0);

    if (request != NULL && (change > 0 || request->finds > 0)) {
        request->finds = (uint8_t)(request->finds + change);
    }
}

/* The task waits: what it asks next is no poll. */
static void note_wait(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_WDF_QUEUES; i++) {
        if (rules->wdf_io.queue[i].poll_task == ft_task_of(event)) {
            rules->wdf_io.queue[i].polls = 0;
        }
    }
}

static void note_power(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_queue *queue = find_queue(rules, event->arg[0]);

    if (queue == NULL) {
        return;
    }
    queue->power = (uint8_t)event->arg[1];
}

static void note_call(struct ft_rules *rules, const struct ft_event *event)
{
    bool enter = event->kind == FT_EV_CALL_ENTER;
    struct ft_rs_wdf_request *request = arg_request(rules, event, 1);

    if (request != NULL && is_handler(event->arg[0])) {
        request->flags &= (uint16_t)~FT_WDF_REQUEST_IN_HANDLER;
        request->flags |= enter ? FT_WDF_REQUEST_IN_HANDLER : 0;
    }
    switch (event->arg[0]) {
    case FT_ROUTINE_WDF_D0_ENTRY:
        rules->wdf_io.asleep = 0;
        break;
    case FT_ROUTINE_WDF_D0_EXIT:
        rules->wdf_io.asleep = !enter;
        break;
    case FT_ROUTINE_WDF_SMIO_SUSPEND:
        rules->wdf_io.suspended = 1;
        break;
    case FT_ROUTINE_WDF_SMIO_RESTART:
    case FT_ROUTINE_WDF_SMIO_INIT:
        rules->wdf_io.suspended = 0;
        rules->wdf_io.flushed = 0;
        break;
    case FT_ROUTINE_WDF_SMIO_FLUSH:
        rules->wdf_io.flushed = enter ? 0 : (uint16_t)ft_arg_id(event, 1);
        break;
    case FT_ROUTINE_WDF_REQUEST_CANCEL:
        if (request == NULL || (request->flags & FT_WDF_REQUEST_ENDED) != 0) {
            break;
        }
        request->flags &= (uint16_t)~FT_WDF_REQUEST_CANCELING;
        request->flags &= (uint16_t)~FT_WDF_REQUEST_MARKED;
        request->flags |= enter ? FT_WDF_REQUEST_CANCELING : FT_WDF_REQUEST_CALLED_BACK;
        break;
    default:
        break;
    }
}

/* Of the request that this argument names. */
static void forget_flags(struct ft_rules *rules, const struct ft_event *event, unsigned argument,
                         unsigned flags)
{
    struct ft_rs_wdf_request *request = arg_request(rules, event, argument);

    if (request != NULL) {
        request->flags &= (uint16_t)~flags;
    }
}

void ft_kmdf_requests_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_REQUEST_NEW:
        note_new(rules, event);
        break;
    case FT_EV_WDF_QUEUE_NEW:
        note_queue(rules, event);
        break;
    case FT_EV_WDF_QUEUE_POWER:
        note_power(rules, event);
        break;
    case FT_EV_WDF_GIVEN:
        note_given(rules, event);
        break;
    case FT_EV_WDF_QUEUED:
        forget_flags(rules, event, 1, UINT16_MAX);
        break;
    case FT_EV_WDF_COMPLETE:
        note_ended(rules, event);
        break;
    case FT_EV_WDF_MARK:
        note_mark(rules, event);
        break;
    case FT_EV_WDF_UNMARK:
        note_unmark(rules, event);
        break;
    case FT_EV_WDF_CANCELED:
        forget_flags(rules, event, 0, FT_WDF_REQUEST_MARKED);
        break;
    case FT_EV_WDF_STOP_ACK:
    case FT_EV_WDF_IO_STOPPED:
        note_stop(rules, event);
        break;
    case FT_EV_WDF_SEND:
        note_send(rules, event);
        break;
    case FT_EV_WDF_SENT_DONE:
        forget_flags(rules, event, 0, FT_WDF_REQUEST_SENT);
        break;
    case FT_EV_WDF_RETRIEVE:
        note_retrieve(rules, event);
        break;
    case FT_EV_WDF_FIND:
        note_find(rules, event, 1);
        break;
    case FT_EV_WDF_REFERENCE:
        if (event->arg[3] != 0) {
            note_find(rules, event, -1);
        }
        break;
    case FT_EV_WAIT_BEGIN:
    case FT_EV_DELAY:
        note_wait(rules, event);
        break;
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        note_call(rules, event);
        break;
    default:
        break;
    }
}
