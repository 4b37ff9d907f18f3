/* The dispatch loop of a queue (kmdf.md, section 5.2).
 *
 * Whatever changes a queue runs this loop in its own task, at its own IRQL: cancel callbacks first,
 * then the ends of stop and purge, power, and last the requests that wait. Several tasks may be in
 * it at one time (the sheet says one; the published source lets each arrival deliver its own
 * request, and only what a completion or cancellation gives rise to is left to a task that is in
 * the loop already). A task whose IRQL is too high, or which holds the callback lock, leaves the
 * loop to a DPC or work item.
 */
#include "kmdf/requests.h"

/* ---- requests that wait ---- */

void ft_wdf_queue_came(struct ft_wdf_queue *queue)
{
    queue->was_empty = true;
    queue->force_ready = false;
    if (queue->object.device->power_owner && queue->power_managed && !queue->power_referenced) {
        queue->power_referenced = true;
        ft_wdf_power_reference(queue->object.device);
    }
}

bool ft_wdf_queue_insert(struct ft_wdf_queue *queue, struct ft_wdf_request *request, bool head)
{
    if (!ft_wdf_request_arm(request, ft_wdf_cancel_waiting))
        return false;
    request->queue = queue;
    request->place = FT_WDF_WAITS;
    ft_wdf_link_before(head ? queue->waiting.next : &queue->waiting, &request->queued);
    queue->waits++;
    if (queue->waits == 1 || queue->force_ready)
        ft_wdf_queue_came(queue);
    return true;
}

static struct ft_wdf_request *waiting_at(struct ft_wdf_link *link)
{
    return CONTAINING_RECORD(link, struct ft_wdf_request, queued);
}

bool ft_wdf_queue_take(struct ft_wdf_request *request)
{
    if (!ft_wdf_request_claim(request))
        return false;
    ft_wdf_unlink(&request->queued);
    request->queue->waits--;
    request->place = FT_WDF_NOWHERE;
    return true;
}

struct ft_wdf_request *ft_wdf_queue_next(struct ft_wdf_queue *queue, const FILE_OBJECT *file)
{
    struct ft_wdf_link *next;

    for (struct ft_wdf_link *link = queue->waiting.next; link != &queue->waiting; link = next) {
        struct ft_wdf_request *request = waiting_at(link);

        next = link->next;
        if (file && IoGetCurrentIrpStackLocation(request->irp)->FileObject != file)
            continue;
        if (ft_wdf_queue_take(request))
            return request;
    }
    return NULL;
}

void ft_wdf_queue_own(struct ft_wdf_queue *queue, struct ft_wdf_request *request)
{
    request->queue = queue;
    request->place = FT_WDF_OWNED;
    ft_wdf_link_before(&queue->owned, &request->owned);
    queue->owns++;
}

void ft_wdf_queue_disown(struct ft_wdf_request *request)
{
    ft_wdf_unlink(&request->owned);
    request->queue->owns--;
    request->place = FT_WDF_NOWHERE;
}

/* ---- callbacks ---- */

uint64_t ft_wdf_queue_call(struct ft_wdf_queue *queue, enum ft_routine routine,
                           struct ft_wdf_request *request, bool locked, ft_thunk *thunk, void *a,
                           void *b, void *c)
{
    struct ft_wdf_inside inside = {.task = ft_current()->id};
    struct ft_wdf_inside **link;
    uint64_t value;

    if (locked)
        ft_wdf_callback_lock(&queue->object);
    inside.next = queue->inside;
    queue->inside = &inside;
    value =
        ft_call_driver_routine(routine, ft_wdf_handle(request ? (void *)request : queue), 0,
                               request ? ft_wdf_request_irp(request) : 0, thunk, queue, a, b, c);
    for (link = &queue->inside; *link != &inside;)
        link = &(*link)->next;
    *link = inside.next;
    if (locked)
        ft_wdf_callback_unlock(&queue->object);
    return value;
}

bool ft_wdf_queue_inside(const struct ft_wdf_queue *queue)
{
    for (const struct ft_wdf_inside *inside = queue->inside; inside; inside = inside->next)
        if (inside->task == ft_current()->id)
            return true;
    return false;
}

void ft_wdf_given(struct ft_wdf_request *request, enum ft_wdf_given how)
{
    const struct ft_wdf_queue *queue = request->queue;

    request->presented = true;
    ft_emit(FT_EV_WDF_GIVEN, ft_wdf_handle(queue), ft_wdf_handle(request), how,
            queue ? queue->power : 0, queue && queue->dispatches, queue ? queue->owns : 0);
}

static uint64_t call_default(void *queue, void *request, void *routine, void *unused)
{
    (void)unused;
    ((PFN_WDF_IO_QUEUE_IO_DEFAULT)routine)(queue, request);
    return 0;
}

static uint64_t call_transfer(void *queue, void *request, void *routine, void *length)
{
    ((PFN_WDF_IO_QUEUE_IO_READ)routine)(queue, request, (size_t)length);
    return 0;
}

static uint64_t call_control(void *queue, void *request, void *routine, void *location)
{
    const IO_STACK_LOCATION *at = location;

    ((PFN_WDF_IO_QUEUE_IO_DEVICE_CONTROL)routine)(queue, request,
                                                  at->Parameters.DeviceIoControl.OutputBufferLength,
                                                  at->Parameters.DeviceIoControl.InputBufferLength,
                                                  at->Parameters.DeviceIoControl.IoControlCode);
    return 0;
}

bool ft_wdf_zero_length(const struct ft_wdf_queue *queue, const struct ft_wdf_request *request)
{
    const IO_STACK_LOCATION *at = IoGetCurrentIrpStackLocation(request->irp);

    if (queue->config.AllowZeroLengthRequests)
        return false;
    return (at->MajorFunction == IRP_MJ_READ && at->Parameters.Read.Length == 0) ||
           (at->MajorFunction == IRP_MJ_WRITE && at->Parameters.Write.Length == 0);
}

/* The handler of that kind of request, NULL: the default one has to do. */
static void *handler_of(const WDF_IO_QUEUE_CONFIG *config, unsigned major, enum ft_routine *routine,
                        ft_thunk **thunk)
{
    *thunk = major == IRP_MJ_READ || major == IRP_MJ_WRITE ? call_transfer : call_control;
    switch (major) {
    case IRP_MJ_READ:
        *routine = FT_ROUTINE_WDF_IO_READ;
        return (void *)config->EvtIoRead;
    case IRP_MJ_WRITE:
        *routine = FT_ROUTINE_WDF_IO_WRITE;
        return (void *)config->EvtIoWrite;
    case IRP_MJ_DEVICE_CONTROL:
        *routine = FT_ROUTINE_WDF_IO_CONTROL;
        return (void *)config->EvtIoDeviceControl;
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        *routine = FT_ROUTINE_WDF_IO_INTERNAL;
        return (void *)config->EvtIoInternalDeviceControl;
    default:
        return NULL;
    }
}

/* The driver owns the request already; it may be gone on return. */
static void deliver(struct ft_wdf_queue *queue, struct ft_wdf_request *request)
{
    PIO_STACK_LOCATION at = IoGetCurrentIrpStackLocation(request->irp);
    enum ft_routine routine = FT_ROUTINE_WDF_IO_DEFAULT;
    ft_thunk *thunk;
    void *handler = handler_of(&queue->config, at->MajorFunction, &routine, &thunk);
    void *argument = at;

    if (!handler) {
        routine = FT_ROUTINE_WDF_IO_DEFAULT;
        handler = (void *)queue->config.EvtIoDefault;
        thunk = call_default;
    }
    if (!handler || ft_wdf_zero_length(queue, request)) {
        ft_wdf_request_end(request, handler ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST, 0,
                           IO_NO_INCREMENT);
        return;
    }
    if (thunk == call_transfer)
        argument = (void *)(size_t)at->Parameters.Read.Length;
    ft_wdf_given(request, FT_WDF_BY_HANDLER);
    ft_wdf_queue_call(queue, routine, request, true, thunk, request, handler, argument);
}

static uint64_t call_cancel(void *queue, void *request, void *routine, void *unused)
{
    (void)queue;
    (void)unused;
    ((PFN_WDF_REQUEST_CANCEL)routine)(request);
    return 0;
}

/* Requests whose cancel callback is due. The handle lives until its callback has returned. */
static void call_canceled(struct ft_wdf_queue *queue)
{
    while (!ft_wdf_list_empty(&queue->canceled)) {
        struct ft_wdf_request *request = waiting_at(queue->canceled.next);

        ft_wdf_unlink(&request->queued);
        request->cancelable = FT_WDF_CANCELING;
        ft_wdf_object_refer(&request->object);
        ft_wdf_queue_call(queue, FT_ROUTINE_WDF_REQUEST_CANCEL, request, true, call_cancel, request,
                          (void *)request->cancel, NULL);
        ft_wdf_object_release(&request->object);
    }
}

static void call_canceled_on_queue(struct ft_wdf_queue *queue)
{
    while (!ft_wdf_list_empty(&queue->canceled_on_queue)) {
        struct ft_wdf_request *request = waiting_at(queue->canceled_on_queue.next);

        ft_wdf_unlink(&request->queued);
        ft_wdf_given(request, FT_WDF_BY_CANCELED_ON_QUEUE);
        ft_wdf_queue_call(queue, FT_ROUTINE_WDF_IO_CANCELED, request, true, call_default, request,
                          (void *)queue->config.EvtIoCanceledOnQueue, NULL);
    }
}

static uint64_t call_state(void *queue, void *routine, void *context, void *unused)
{
    (void)unused;
    ((PFN_WDF_IO_QUEUE_STATE)routine)(queue, context);
    return 0;
}

/* The callback of a stop is called without the callback lock, that of a drain or purge with it. */
static void call_change(struct ft_wdf_queue *queue, struct ft_wdf_change *change, bool locked)
{
    struct ft_wdf_change over = *change;

    *change = (struct ft_wdf_change){0};
    queue->cancels = false;
    ft_emit(FT_EV_WDF_QUEUE_DONE, ft_wdf_handle(queue), over.what);
    if (over.event)
        KeSetEvent(over.event, IO_NO_INCREMENT, FALSE);
    else
        ft_wdf_queue_call(queue, FT_ROUTINE_WDF_QUEUE_STATE, NULL, locked, call_state,
                          (void *)over.routine, over.context, NULL);
}

static void call_ready(struct ft_wdf_queue *queue)
{
    queue->was_empty = false;
    ft_wdf_queue_call(queue, FT_ROUTINE_WDF_QUEUE_STATE, NULL, true, call_state,
                      (void *)queue->ready, queue->ready_context, NULL);
}

/* ---- the loop ---- */

/* A request that has just come waits instead of being delivered. False: it was cancelled, and is
 * complete. */
static bool put_off(struct ft_wdf_queue *queue, struct ft_wdf_request **request)
{
    struct ft_wdf_request *late = *request;

    *request = NULL;
    if (!late || ft_wdf_queue_insert(queue, late, false))
        return true;
    ft_emit(FT_EV_WDF_CANCELED, ft_wdf_handle(late), ft_wdf_handle(queue), 1);
    ft_wdf_request_end(late, STATUS_CANCELLED, 0, IO_NO_INCREMENT);
    return false;
}

static FT_FRAMEWORK_ROUTINE VOID dispatch_work(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    struct ft_wdf_queue *queue = Context;

    (void)DeviceObject;
    queue->redefer = false;
    ft_wdf_queue_run(queue, NULL);
    if (queue->deleted)
        return;
    if (queue->redefer) {
        IoQueueWorkItem(queue->work, dispatch_work, DelayedWorkQueue, queue);
    } else {
        queue->redefer = false;
        queue->deferred = false;
    }
}

/* False: a DPC or work item will do it. */
static bool may_dispatch(struct ft_wdf_queue *queue)
{
    bool passive = queue->object.level == WdfExecutionLevelPassive;

    if (!(passive && ft_irql() > PASSIVE_LEVEL) && !ft_wdf_callback_locked(&queue->object))
        return true;
    queue->redefer = true;
    if (queue->deferred)
        return false;
    queue->deferred = true;
    if (passive)
        IoQueueWorkItem(queue->work, dispatch_work, DelayedWorkQueue, queue);
    else
        KeInsertQueueDpc(&queue->dpc, NULL, NULL);
    return false;
}

/* What comes before requests. True: something was done, the loop begins again. */
static bool do_events(struct ft_wdf_queue *queue, struct ft_wdf_request **request)
{
    bool alone = queue->dispatching == 1, none = queue->waits + queue->owns == 0 && !*request;
    bool notifying = ft_wdf_queue_notifying(queue);

    if (!ft_wdf_list_empty(&queue->canceled) && !notifying) {
        if (put_off(queue, request))
            call_canceled(queue);
        return true;
    }
    if (!ft_wdf_list_empty(&queue->canceled_on_queue) && !notifying) {
        if (put_off(queue, request))
            call_canceled_on_queue(queue);
        return true;
    }
    if (queue->idle.what && alone && queue->owns == 0) {
        put_off(queue, request);
        call_change(queue, &queue->idle, false);
        return true;
    }
    if (queue->purge.what && alone && none) {
        call_change(queue, &queue->purge, true);
        return true;
    }
    if (queue->power_referenced && alone && none) {
        queue->power_referenced = false;
        ft_wdf_power_release(queue->object.device);
        return true;
    }
    return false;
}

static bool is_full(const struct ft_wdf_queue *queue)
{
    if (queue->config.DispatchType == WdfIoQueueDispatchSequential)
        return queue->owns > 0;
    return queue->owns >= queue->config.Settings.Parallel.NumberOfPresentedRequests;
}

/* True: the loop begins again. */
static bool do_requests(struct ft_wdf_queue *queue, struct ft_wdf_request **request)
{
    bool manual = queue->config.DispatchType == WdfIoQueueDispatchManual;
    struct ft_wdf_request *next;

    if (queue->power == FT_WDF_POWER_OFF || !queue->dispatches || manual || is_full(queue)) {
        if (!put_off(queue, request))
            return true;
        if (queue->power == FT_WDF_POWER_OFF || !queue->dispatches || !manual || !queue->ready ||
            !queue->was_empty)
            return false;
        call_ready(queue);
        return true;
    }
    next = ft_wdf_queue_next(queue, NULL);
    if (next) {
        put_off(queue, request);
    } else {
        next = *request;
        if (!next)
            return false;
        *request = NULL;
        ft_wdf_queue_came(queue);
    }
    ft_wdf_queue_own(queue, next);
    FT_ASSERT(queue->power == FT_WDF_POWER_ON && queue->dispatches);
    deliver(queue, next);
    return true;
}

/* A queue that is being disposed is over when it is empty and no other task is in the loop. */
static bool dispose_now(struct ft_wdf_queue *queue)
{
    if (!queue->disposing || queue->waits + queue->owns > 0 || queue->dispatching > 1 ||
        ft_wdf_reserve_busy(queue))
        return false;
    queue->deleted = true;
    queue->dispatching--;
    KeSetEvent(&queue->disposed, IO_NO_INCREMENT, FALSE);
    return true;
}

bool ft_wdf_queue_run(struct ft_wdf_queue *queue, struct ft_wdf_request *request)
{
    if (queue->deleted)
        return false;
    ft_wdf_object_refer(&queue->object);
    if (!may_dispatch(queue)) {
        put_off(queue, &request);
        ft_wdf_object_release(&queue->object);
        return true;
    }
    queue->dispatching++;
    for (;;) {
        if (do_events(queue, &request))
            continue;
        if (queue->power != FT_WDF_POWER_ON && queue->power != FT_WDF_POWER_OFF) {
            if (!put_off(queue, &request) || ft_wdf_queue_power_step(queue))
                continue;
            break;
        }
        if (!request && dispose_now(queue)) {
            ft_wdf_object_release(&queue->object);
            return true;
        }
        if (!do_requests(queue, &request))
            break;
    }
    queue->dispatching--;
    ft_wdf_object_release(&queue->object);
    return true;
}

void ft_wdf_queue_run_more(struct ft_wdf_queue *queue)
{
    if (queue->dispatching == 0)
        ft_wdf_queue_run(queue, NULL);
}
