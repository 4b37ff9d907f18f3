/* Framework requests that are left over, judged when the run hangs or ends, each by the row that
 * says best how it came to that; and those that a power-down or the end of self-managed I/O should
 * have found. */
#include "rules/rules_kmdf_requests.h"

/* ---- what is left ---- */

static enum ft_judged_rule why_left(struct ft_rules *rules, const struct ft_rs_wdf_request *request)
{
    const struct ft_rs_wdf_queue *queue =
        ft_wdf_queue_find(rules, ft_handle(FT_HC_WDF_QUEUE, request->queue, 0));
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
    if (queue != NULL && queue->power >= FT_WDF_POWER_HOLDING && queue->power < FT_WDF_POWER_OFF) {
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

        if (ft_wdf_request_is_owned(request)) {
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
        ft_wdf_queue_find(rules, ft_handle(FT_HC_WDF_QUEUE, request->queue, 0));

    return ft_wdf_request_is_owned(request) && (request->flags & state) == FT_WDF_REQUEST_MARKED &&
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
    const struct ft_rs_wdf_request *found = ft_wdf_request_arg(rules, event, 1);
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

/* EvtDeviceD0Exit has returned, and a request that was taken during the hold is still there. */
static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] == FT_ROUTINE_WDF_SMIO_FLUSH) {
        judge_flush_leaves(rules, event);
    }
    if (ft_wdf_is_handler(event->arg[0])) {
        judge_handled(rules, event);
    }
    if (event->arg[0] != FT_ROUTINE_WDF_D0_EXIT) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_WDF_REQUESTS; i++) {
        const struct ft_rs_wdf_request *request = &rules->wdf_io.request[i];

        if (ft_wdf_request_is_owned(request) && (request->flags & FT_WDF_REQUEST_ACK_LIVE) != 0 &&
            ft_request_is_moved(rules, request->id)) {
            ft_rule_fire(rules, FT_J_KMDF_STOPACK_FALSE_LIVE_DMA, event,
                         ft_handle(FT_HC_IRP, request->irp, 0));
        }
        if (ft_wdf_request_is_owned(request) &&
            (request->flags & FT_WDF_REQUEST_TAKEN_IN_HOLD) != 0) {
            ft_rule_fire(rules, FT_J_KMDF_RETRIEVE_DURING_HOLD_UNSTOPPED, event,
                         ft_handle(FT_HC_IRP, request->irp, 0));
        }
    }
}

void ft_kmdf_left_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
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
