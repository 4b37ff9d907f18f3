/* Requests that the driver takes from a queue itself, and queues that tell it when they have some
 * (kmdf.md, section 5.2). Manual and sequential queues only; while the queue is stopped or the
 * device has no power there is nothing to be had. */
#include "kmdf/requests.h"

enum { BY_NEXT = 1, BY_FILE, BY_FOUND };

static NTSTATUS may_retrieve(const struct ft_wdf_queue *queue)
{
    if (queue->config.DispatchType == WdfIoQueueDispatchParallel)
        return STATUS_INVALID_DEVICE_STATE;
    return queue->power == FT_WDF_POWER_OFF || !queue->dispatches ? STATUS_WDF_PAUSED
                                                                  : STATUS_SUCCESS;
}

/* Reads and writes of no bytes are done by themselves here, too. */
static NTSTATUS next_of(struct ft_wdf_queue *queue, const FILE_OBJECT *file,
                        struct ft_wdf_request **ret)
{
    for (;;) {
        struct ft_wdf_request *request = ft_wdf_queue_next(queue, file);

        if (!request) {
            /* What is being cancelled is still there: the next arrival has to be announced. */
            queue->force_ready = queue->force_ready || (!file && queue->waits > 0);
            return STATUS_NO_MORE_ENTRIES;
        }
        if (!ft_wdf_zero_length(queue, request)) {
            *ret = request;
            return STATUS_SUCCESS;
        }
        ft_wdf_request_end(request, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
    }
}

static NTSTATUS found(struct ft_wdf_queue *queue, struct ft_wdf_request *request,
                      struct ft_wdf_request **ret)
{
    if (queue->config.DispatchType != WdfIoQueueDispatchManual)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (request->place != FT_WDF_WAITS || request->queue != queue || !ft_wdf_queue_take(request))
        return STATUS_NOT_FOUND;
    *ret = request;
    return STATUS_SUCCESS;
}

/* The driver owns it from here; the event comes before anything else can happen to it. */
static WDFREQUEST hand_over(struct ft_wdf_queue *queue, struct ft_wdf_request *request,
                            NTSTATUS status, unsigned how, uint8_t layer)
{
    uint8_t own;

    if (request)
        ft_wdf_queue_own(queue, request);
    own = ft_layer_set(layer);
    ft_emit(FT_EV_WDF_RETRIEVE, ft_wdf_handle(queue), ft_wdf_handle(request), (uint32_t)status,
            how);
    ft_layer_set(own);
    if (request)
        ft_wdf_given(request, FT_WDF_BY_RETRIEVE);
    return (WDFREQUEST)request;
}

NTSTATUS WdfIoQueueRetrieveNextRequest(WDFQUEUE Queue, WDFREQUEST *OutRequest)
{
    struct ft_wdf_request *request = NULL;
    struct ft_wdf_queue *queue;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Queue));
    queue = ft_wdf_queue_check(Queue);
    ft_wdf_require(OutRequest);
    status = may_retrieve(queue);
    if (NT_SUCCESS(status))
        status = next_of(queue, NULL, &request);
    *OutRequest = hand_over(queue, request, status, BY_NEXT, ft_wdf_layer);
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(request));
    return status;
}

NTSTATUS WdfIoQueueRetrieveRequestByFileObject(WDFQUEUE Queue, WDFFILEOBJECT FileObject,
                                               WDFREQUEST *OutRequest)
{
    struct ft_wdf_request *request = NULL;
    struct ft_wdf_queue *queue;
    struct ft_wdf_file *file;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Queue));
    queue = ft_wdf_queue_check(Queue);
    file = ft_wdf_check(FileObject, FT_HC_WDF_FILE);
    ft_wdf_require(OutRequest);
    status = may_retrieve(queue);
    if (NT_SUCCESS(status))
        status = next_of(queue, file->file, &request);
    *OutRequest = hand_over(queue, request, status, BY_FILE, ft_wdf_layer);
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(request));
    return status;
}

/* The reference of WdfIoQueueFindRequest is the caller's to give back: this does not do it. */
NTSTATUS WdfIoQueueRetrieveFoundRequest(WDFQUEUE Queue, WDFREQUEST FoundRequest,
                                        WDFREQUEST *OutRequest)
{
    struct ft_wdf_request *request = NULL, *tag;
    struct ft_wdf_queue *queue;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Queue));
    queue = ft_wdf_queue_check(Queue);
    tag = ft_wdf_check(FoundRequest, FT_HC_WDF_REQUEST);
    ft_wdf_require(OutRequest);
    status = may_retrieve(queue);
    if (NT_SUCCESS(status))
        status = found(queue, tag, &request);
    *OutRequest = hand_over(queue, request, status, BY_FOUND, ft_wdf_layer);
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(request));
    return status;
}

/* ---- looking ---- */

/* The first after `tag` (NULL: of all) whose file that is and that nobody is cancelling. */
static NTSTATUS look(struct ft_wdf_queue *queue, const struct ft_wdf_request *tag,
                     const FILE_OBJECT *file, struct ft_wdf_request **ret)
{
    const struct ft_wdf_link *link = queue->waiting.next;

    if (tag && (tag->place != FT_WDF_WAITS || tag->queue != queue))
        return STATUS_NOT_FOUND;
    if (tag)
        link = tag->queued.next;
    for (; link != &queue->waiting; link = link->next) {
        struct ft_wdf_request *request = CONTAINING_RECORD(link, struct ft_wdf_request, queued);

        if (file && IoGetCurrentIrpStackLocation(request->irp)->FileObject != file)
            continue;
        if (!request->irp->CancelRoutine)
            continue;
        *ret = request;
        return STATUS_SUCCESS;
    }
    queue->force_ready = queue->force_ready || (!file && !tag && queue->waits > 0);
    return STATUS_NO_MORE_ENTRIES;
}

NTSTATUS WdfIoQueueFindRequest(WDFQUEUE Queue, WDFREQUEST FoundRequest, WDFFILEOBJECT FileObject,
                               PWDF_REQUEST_PARAMETERS Parameters, WDFREQUEST *OutRequest)
{
    struct ft_wdf_request *request = NULL, *tag = NULL;
    struct ft_wdf_queue *queue;
    struct ft_wdf_file *file = NULL;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Queue));
    queue = ft_wdf_queue_check(Queue);
    ft_wdf_require(OutRequest);
    if (FoundRequest)
        tag = ft_wdf_check(FoundRequest, FT_HC_WDF_REQUEST);
    if (FileObject)
        file = ft_wdf_check(FileObject, FT_HC_WDF_FILE);
    status = Parameters && Parameters->Size < sizeof *Parameters
                 ? STATUS_INVALID_PARAMETER_4
                 : look(queue, tag, file ? file->file : NULL, &request);
    if (request) {
        ft_wdf_object_refer(&request->object);
        if (Parameters)
            ft_wdf_request_parameters(request, Parameters);
    }
    ft_wdf_emit(FT_EV_WDF_FIND, ft_wdf_handle(queue), ft_wdf_handle(request), (uint32_t)status);
    *OutRequest = (WDFREQUEST)request;
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(request));
    return status;
}

/* ---- being told ---- */

static NTSTATUS set_ready(struct ft_wdf_queue *queue, PFN_WDF_IO_QUEUE_STATE routine,
                          WDFCONTEXT context)
{
    bool clear = routine == NULL;

    if (queue->config.DispatchType != WdfIoQueueDispatchManual)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (queue->deleted)
        return STATUS_DELETE_PENDING;
    /* One registration at a time, and it ends only while the queue is stopped. */
    if (clear ? !queue->ready || queue->dispatches : queue->ready != NULL)
        return STATUS_INVALID_DEVICE_REQUEST;
    queue->ready = routine;
    queue->ready_context = context;
    return STATUS_SUCCESS;
}

NTSTATUS WdfIoQueueReadyNotify(WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE QueueReady,
                               WDFCONTEXT Context)
{
    struct ft_wdf_queue *queue;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Queue));
    queue = ft_wdf_queue_check(Queue);
    status = set_ready(queue, QueueReady, Context);
    ft_wdf_emit(FT_EV_WDF_READY, ft_wdf_handle(queue), QueueReady != NULL, (uint32_t)status);
    if (NT_SUCCESS(status))
        ft_wdf_queue_run(queue, NULL);
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(Queue));
    return status;
}
