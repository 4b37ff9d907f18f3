/* Framework requests and queues: who owns a request, what is completed, cancellation, EvtIoStop.
 * What a request is left over for is judged in rules_kmdf_left.c. */
#include "rules/rules_kmdf_requests.h"

enum { USE_COMPLETE = 1, USE_MARK };
enum { HOW_RESUME = 16 };
enum { POLLS = 8 };
enum { KIND_SEQUENTIAL = 1, KIND_MANUAL = 3 };
enum { ARRIVED = 1 };

/* What a finding about the request in an argument is about: its IRP, if that is known. */
static uint64_t about(struct ft_rules *rules, const struct ft_event *event, unsigned index)
{
    const struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, index);

    return request != NULL && request->irp != 0 ? ft_handle(FT_HC_IRP, request->irp, 0)
                                                : event->arg[index];
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
    const struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 0);
    uint64_t object = about(rules, event, 0);
    bool in_stop = ft_wdf_is_in(rules, event, FT_ROUTINE_WDF_IO_STOP, 0);

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
    const struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 0);

    if (event->arg[4] == FT_WDF_CANCELED) {
        return true;
    }
    return event->arg[4] == FT_WDF_CANCELING && request != NULL &&
           (request->flags & FT_WDF_REQUEST_CANCELING) != 0 &&
           request->lost_task == ft_task_of(event) &&
           !ft_wdf_is_in(rules, event, FT_ROUTINE_WDF_REQUEST_CANCEL, 0);
}

static void judge_holds(struct ft_rules *rules, const struct ft_event *event, uint64_t object)
{
    if (event->arg[5] == 0) {
        return;
    }
    if (ft_wdf_is_in(rules, event, FT_ROUTINE_WDF_REQUEST_CANCEL, 0)) {
        ft_rule_fire(rules, FT_J_KMDF_CANCEL_ROUTINE_COMPLETES_INFLIGHT_DMA, event, object);
    } else if (ft_wdf_is_in(rules, event, FT_ROUTINE_WDF_IO_STOP, 0)) {
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
    bool in_stop = ft_wdf_is_in(rules, event, FT_ROUTINE_WDF_IO_STOP, 0);

    judge_owned(rules, event, 3);
    if (event->arg[4] == FT_WDF_MARKED) {
        ft_rule_fire(rules, FT_J_KMDF_COMPLETE_CANCELABLE, event, object);
        if (in_stop) {
            ft_rule_fire(rules, FT_J_KMDF_EVTIOSTOP_CANCELABLE_WITHOUT_UNMARK, event, object);
        }
    }
    if (is_callbacks(rules, event)) {
        ft_rule_fire(rules, FT_J_KMDF_COMPLETE_AFTER_UNMARK_CANCELLED, event, object);
    }
    if (is_smio_flush(rules, event) &&
        (event->arg[4] == FT_WDF_MARKED || is_callbacks(rules, event))) {
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
    if (event->arg[4] != FT_WDF_UNMARKED) {
        ft_rule_fire(rules, FT_J_KMDF_MARK_CANCELABLE_TWICE, event, about(rules, event, 0));
    }
    if (event->arg[2] == 0 && ft_known(event, 5) && event->arg[5] != 0) {
        ft_rule_fire(rules, FT_J_KMDF_PURGE_CANCELS_MARKED, event, about(rules, event, 0));
    }
}

static void judge_leaving(struct ft_rules *rules, const struct ft_event *event, unsigned owned)
{
    const struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 0);

    judge_owned(rules, event, owned);
    if (event->arg[owned + 1] != FT_WDF_UNMARKED) {
        ft_rule_fire(rules, FT_J_KMDF_FORWARD_WHILE_CANCELABLE, event, about(rules, event, 0));
    }
    if (request != NULL && (request->flags & FT_WDF_REQUEST_ON_QUEUE) != 0) {
        ft_rule_fire(rules, FT_J_KMDF_CANCELED_ON_QUEUE_COMPLETION, event, about(rules, event, 0));
    }
}

/* ---- EvtIoStop ---- */

static void judge_acknowledge(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 0);
    const struct ft_rs_wdf_queue *queue =
        request != NULL ? ft_wdf_queue_find(rules, ft_handle(FT_HC_WDF_QUEUE, request->queue, 0))
                        : NULL;
    uint64_t object = about(rules, event, 0);
    bool requeue = event->arg[1] != 0;

    judge_owned(rules, event, 3);
    if (event->arg[2] == 0) {
        ft_rule_fire(rules, FT_J_KMDF_STOPACK_OUTSIDE_EVTIOSTOP, event, object);
    }
    if (requeue && event->arg[4] != FT_WDF_UNMARKED) {
        ft_rule_fire(rules, FT_J_KMDF_STOPACK_REQUEUE_CANCELABLE, event, object);
    }
    if (requeue && event->arg[5] != 0) {
        ft_rule_fire(rules, FT_J_KMDF_STOPACK_REQUEUE_LIVE_DMA, event, object);
    }
    if (!requeue && event->arg[2] == FT_WDF_STOP_SUSPEND && queue != NULL &&
        (queue->how & HOW_RESUME) == 0) {
        ft_rule_fire(rules, FT_J_KMDF_EVTIOSTOP_RESUME_MISSING, event, object);
    }
}

static void judge_parameters(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[2] != 0 || ft_wdf_is_in(rules, event, FT_ROUTINE_WDF_IO_STOP, 0) ||
        ft_wdf_is_in(rules, event, FT_ROUTINE_WDF_IO_RESUME, 0)) {
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

/* What the framework itself owes a queue (severity F): nothing is delivered by one that is stopped
 * or without power, and a sequential one waits for the request that the driver has. */
static void judge_given(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_queue *queue = ft_wdf_queue_find(rules, event->arg[0]);

    if (queue == NULL || event->arg[2] != FT_WDF_BY_HANDLER || queue->kind == KIND_MANUAL) {
        return;
    }
    if ((ft_known(event, 3) && event->arg[3] != FT_WDF_POWER_ON) ||
        (ft_known(event, 4) && event->arg[4] == 0)) {
        ft_rule_fire(rules, FT_J_KMDF_QUEUE_STOPPED_DELIVERY, event, event->arg[0]);
    }
    if (queue->kind == KIND_SEQUENTIAL && ft_known(event, 5) && event->arg[5] > 1) {
        ft_rule_fire(rules, FT_J_KMDF_SEQUENTIAL_SINGLE_OWNED, event, event->arg[0]);
    }
}

/* A removal has purged the queue, and it takes another one. */
static void judge_queued(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_queue *queue = ft_wdf_queue_find(rules, event->arg[0]);

    if (queue != NULL && queue->shut != 0 && event->arg[2] == ARRIVED && event->arg[3] != 0) {
        ft_rule_fire(rules, FT_J_KMDF_PURGED_QUEUE_REVIVED, event, event->arg[0]);
    }
}

/* The same task asks a paused queue again and again. */
static void judge_retrieve(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_queue *queue = ft_wdf_queue_find(rules, event->arg[0]);

    if (queue != NULL && (uint32_t)event->arg[2] == FT_NT_WDF_PAUSED &&
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
        frame != NULL ? ft_wdf_request_find(rules, frame->object) : NULL;
    const struct ft_rs_wdf_queue *queue =
        request != NULL ? ft_wdf_queue_find(rules, ft_handle(FT_HC_WDF_QUEUE, request->queue, 0))
                        : NULL;

    if (queue != NULL && (queue->how & FT_WDF_HOW_MANAGED) == 0 && rules->wdf_io.asleep != 0 &&
        ft_by_driver(event)) {
        ft_rule_fire(rules, FT_J_KMDF_NON_PM_QUEUE_HARDWARE_TOUCH, event,
                     ft_handle(FT_HC_IRP, request->irp, 0));
    }
}

/* ---- the family ---- */

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
        if (event->arg[2] == 0 || event->arg[3] != FT_WDF_UNMARKED) {
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
    case FT_EV_WDF_GIVEN:
        judge_given(rules, event);
        break;
    case FT_EV_WDF_QUEUED:
        judge_queued(rules, event);
        break;
    case FT_EV_WDF_RETRIEVE:
        judge_retrieve(rules, event);
        break;
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
        judge_hardware(rules, event);
        break;
    default:
        break;
    }
}
