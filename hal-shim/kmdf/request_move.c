/* Requests that the driver puts into a queue, its own or that of the parent device, or back into
 * theirs (kmdf.md, sections 5.5 and 5.6).
 *
 * Not modelled: requests of the driver's own that go to a parent's queue.
 */
#include "kmdf/children.h"

static void announce(struct ft_wdf_request *request, struct ft_wdf_queue *queue, NTSTATUS status,
                     uint8_t layer)
{
    uint8_t own = ft_layer_set(layer);

    ft_emit(FT_EV_WDF_FORWARD, ft_wdf_handle(request), ft_wdf_handle(queue), (uint32_t)status,
            ft_wdf_request_owned(request), request->cancelable);
    ft_layer_set(own);
}

static NTSTATUS may_move(const struct ft_wdf_request *request)
{
    return ft_wdf_request_owned(request) && request->cancelable == FT_WDF_UNMARKED
               ? STATUS_SUCCESS
               : STATUS_INVALID_DEVICE_REQUEST;
}

static NTSTATUS may_forward(const struct ft_wdf_request *request, const struct ft_wdf_queue *queue)
{
    if (!NT_SUCCESS(may_move(request)) || queue == request->queue ||
        queue->object.device != request->object.device || request->kind != FT_WDF_FROM_IO ||
        request->place != FT_WDF_OWNED)
        return STATUS_INVALID_DEVICE_REQUEST;
    return queue->accepts ? STATUS_SUCCESS : STATUS_WDF_BUSY;
}

/* The old queue still counts it until the new one has had its turn. */
static void forward(struct ft_wdf_request *request, struct ft_wdf_queue *to)
{
    struct ft_wdf_queue *from = request->queue;

    ft_wdf_object_refer(&from->object);
    ft_wdf_unlink(&request->owned);
    request->place = FT_WDF_NOWHERE;
    request->queue = to;
    ft_emit(FT_EV_WDF_QUEUED, ft_wdf_handle(to), ft_wdf_handle(request), FT_WDF_FORWARDED, true);
    if (!ft_wdf_queue_insert(to, request, false))
        ft_wdf_cancel_for_queue(request);
    ft_wdf_queue_run(to, NULL);
    from->owns--;
    ft_wdf_queue_run_more(from);
    ft_wdf_object_release(&from->object);
}

NTSTATUS WdfRequestForwardToIoQueue(WDFREQUEST Request, WDFQUEUE DestinationQueue)
{
    struct ft_wdf_request *request;
    struct ft_wdf_queue *queue;
    unsigned label = ft_wdf_label(Request);
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, label);
    queue = ft_wdf_queue_check(DestinationQueue);
    request = ft_wdf_request_of(Request, FORWARD);
    status = may_forward(request, queue);
    announce(request, queue, status, ft_wdf_layer);
    if (NT_SUCCESS(status))
        forward(request, queue);
    FT_WDF_END(WDF_QUEUE, label);
    return status;
}

static bool is_parent(struct ft_wdf_device *child, const struct ft_wdf_device *parent)
{
    const struct ft_wdf_child *own = ft_wdf_pnp_of(child)->child;

    return own && own->forwards && own->parent == parent;
}

static NTSTATUS may_forward_up(const struct ft_wdf_request *request,
                               const struct ft_wdf_queue *queue,
                               const WDF_REQUEST_FORWARD_OPTIONS *options)
{
    if (options->Size != sizeof *options)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (options->Flags & ~(ULONG)WDF_REQUEST_FORWARD_OPTION_SEND_AND_FORGET)
        return STATUS_INVALID_PARAMETER;
    if (!NT_SUCCESS(may_move(request)) || request->kind != FT_WDF_FROM_IO ||
        request->place != FT_WDF_OWNED || request->reserver ||
        !is_parent(request->object.device, queue->object.device))
        return STATUS_INVALID_DEVICE_REQUEST;
    return queue->accepts ? STATUS_SUCCESS : STATUS_WDF_BUSY;
}

/* The IRP goes on in a stack location of its own, as if the child had sent it down to its parent.
 */
static void go_up(struct ft_wdf_request *request, struct ft_wdf_device *parent)
{
    IoCopyCurrentIrpStackLocationToNext(request->irp);
    IoSetNextIrpStackLocation(request->irp);
    IoGetCurrentIrpStackLocation(request->irp)->DeviceObject = parent->fdo;
    request->object.device = parent;
}

NTSTATUS WdfRequestForwardToParentDeviceIoQueue(WDFREQUEST Request, WDFQUEUE ParentDeviceQueue,
                                                PWDF_REQUEST_FORWARD_OPTIONS ForwardOptions)
{
    struct ft_wdf_request *request;
    struct ft_wdf_queue *queue;
    unsigned label = ft_wdf_label(Request);
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, label);
    request = ft_wdf_request_of(Request, FORWARD);
    queue = ft_wdf_queue_check(ParentDeviceQueue);
    ft_wdf_require(ForwardOptions);
    status = may_forward_up(request, queue, ForwardOptions);
    announce(request, queue, status, ft_wdf_layer);
    if (NT_SUCCESS(status)) {
        go_up(request, queue->object.device);
        forward(request, queue);
    }
    FT_WDF_END(WDF_QUEUE, label);
    return status;
}

/* To the head of its queue. One that was cancelled meanwhile goes at once, and the call succeeds.
 */
static void requeue(struct ft_wdf_request *request)
{
    struct ft_wdf_queue *queue = request->queue;

    ft_wdf_queue_disown(request);
    ft_emit(FT_EV_WDF_QUEUED, ft_wdf_handle(queue), ft_wdf_handle(request), FT_WDF_REQUEUED,
            queue->accepts);
    if (queue->cancels || !ft_wdf_queue_insert(queue, request, true))
        ft_wdf_cancel_for_queue(request);
    ft_wdf_queue_run(queue, NULL);
}

NTSTATUS WdfRequestRequeue(WDFREQUEST Request)
{
    struct ft_wdf_request *request;
    unsigned label = ft_wdf_label(Request);
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, label);
    request = ft_wdf_request_of(Request, FORWARD);
    status = may_move(request);
    if (!request->queue || request->place != FT_WDF_OWNED ||
        request->queue->config.DispatchType != WdfIoQueueDispatchManual)
        status = STATUS_INVALID_DEVICE_REQUEST;
    announce(request, request->queue, status, ft_wdf_layer);
    if (NT_SUCCESS(status))
        requeue(request);
    FT_WDF_END(WDF_QUEUE, label);
    return status;
}

/* Only noted here: the queue looks at it when its loop goes on, which nothing but EvtIoStop's
 * return sees to. One that is to go back and is marked stays as it is. */
VOID WdfRequestStopAcknowledge(WDFREQUEST Request, BOOLEAN Requeue)
{
    struct ft_wdf_request *request;
    unsigned label = ft_wdf_label(Request);

    FT_WDF_BEGIN(WDF_QUEUE, label);
    request = ft_wdf_request_of(Request, STOP_ACKNOWLEDGE);
    ft_wdf_emit(FT_EV_WDF_STOP_ACK, ft_wdf_handle(request), Requeue != FALSE, request->in_stop,
                ft_wdf_request_owned(request), request->cancelable, request->holds);
    if (ft_wdf_request_owned(request) && !(Requeue && request->cancelable != FT_WDF_UNMARKED))
        request->acknowledged = Requeue ? 2 : 1;
    FT_WDF_END(WDF_QUEUE, label);
}
