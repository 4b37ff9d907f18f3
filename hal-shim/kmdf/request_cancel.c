/* Cancellation of requests (kmdf.md, section 5.3).
 *
 * While a request waits in a queue, or is marked cancelable, its IRP has a cancel routine of the
 * framework's, and whoever takes that routine out of the IRP decides what becomes of the request.
 * The driver's EvtRequestCancel runs in the queue's dispatch loop, so a handler of the queue that
 * is running may delay it.
 */
#include "kmdf/requests.h"

enum { SLOT = 3 }; /* of DriverContext: leads from the IRP to its request */

/* False: the IRP is cancelled, and its cancel routine will not run. */
bool ft_wdf_request_arm(struct ft_wdf_request *request, PDRIVER_CANCEL routine)
{
    PIRP irp = request->irp;

    irp->Tail.Overlay.DriverContext[SLOT] = request;
    IoSetCancelRoutine(irp, routine);
    return !irp->Cancel || !IoSetCancelRoutine(irp, NULL);
}

/* False: its cancel routine is about to run. */
bool ft_wdf_request_claim(struct ft_wdf_request *request)
{
    return IoSetCancelRoutine(request->irp, NULL) != NULL;
}

/* ---- the cancel routines ---- */

/* A request that ended although it could be cancelled is no longer the IRP's. */
static struct ft_wdf_request *request_of_irp(PIRP irp)
{
    struct ft_wdf_request *request =
        ft_wdf_find(irp->Tail.Overlay.DriverContext[SLOT], FT_HC_WDF_REQUEST);

    return request && request->irp == irp ? request : NULL;
}

FT_FRAMEWORK_ROUTINE VOID ft_wdf_cancel_waiting(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct ft_wdf_request *request;

    (void)DeviceObject;
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    ft_wdf_point(FT_PT_WDF_CANCEL, ft_label_of(Irp));
    request = request_of_irp(Irp);
    if (!request || request->place != FT_WDF_WAITS)
        return;
    ft_wdf_unlink(&request->queued);
    request->queue->waits--;
    request->place = FT_WDF_NOWHERE;
    ft_wdf_cancel_for_queue(request);
}

FT_FRAMEWORK_ROUTINE VOID ft_wdf_cancel_owned(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct ft_wdf_request *request;

    (void)DeviceObject;
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    ft_wdf_point(FT_PT_WDF_CANCEL, ft_label_of(Irp));
    request = request_of_irp(Irp);
    if (request && request->cancelable == FT_WDF_MARKED)
        ft_wdf_cancel_for_driver(request);
}

/* The driver hears of it when it has had the request before and wants to. */
void ft_wdf_cancel_for_queue(struct ft_wdf_request *request)
{
    struct ft_wdf_queue *queue = request->queue;
    bool tell = queue->config.EvtIoCanceledOnQueue && request->presented;

    request->canceled = true;
    ft_emit(FT_EV_WDF_CANCELED, ft_wdf_handle(request), ft_wdf_handle(queue), tell ? 2 : 1);
    ft_wdf_object_refer(&queue->object);
    if (tell) {
        ft_wdf_queue_own(queue, request);
        ft_wdf_link_before(&queue->canceled_on_queue, &request->queued);
    } else {
        ft_wdf_request_end(request, STATUS_CANCELLED, 0, IO_NO_INCREMENT);
    }
    ft_wdf_queue_run_more(queue);
    ft_wdf_object_release(&queue->object);
}

void ft_wdf_cancel_for_driver(struct ft_wdf_request *request)
{
    struct ft_wdf_queue *queue = request->queue;

    request->canceled = true;
    request->cancelable = FT_WDF_CANCELED;
    ft_emit(FT_EV_WDF_CANCELED, ft_wdf_handle(request), ft_wdf_handle(queue), 3);
    ft_wdf_link_before(&queue->canceled, &request->queued);
    ft_wdf_queue_run_more(queue);
}

static struct ft_wdf_request *marked_in(const struct ft_wdf_link *list)
{
    for (struct ft_wdf_link *link = list->next; link != list; link = link->next) {
        struct ft_wdf_request *request = CONTAINING_RECORD(link, struct ft_wdf_request, owned);

        if (request->cancelable == FT_WDF_MARKED && ft_wdf_request_claim(request))
            return request;
    }
    return NULL;
}

bool ft_wdf_cancel_marked(struct ft_wdf_queue *queue)
{
    struct ft_wdf_request *request = marked_in(&queue->owned);

    if (!request)
        request = marked_in(&queue->notify);
    if (!request)
        request = marked_in(&queue->notified);
    if (request)
        ft_wdf_cancel_for_driver(request);
    return request != NULL;
}

/* ---- marking ---- */

static NTSTATUS may_mark(const struct ft_wdf_request *request)
{
    return request->place != FT_WDF_OWNED || request->cancelable != FT_WDF_UNMARKED
               ? STATUS_INVALID_DEVICE_REQUEST
               : STATUS_SUCCESS;
}

/* A request that is cancelled already is given to its callback now, or with Ex to the caller. */
static NTSTATUS mark(struct ft_wdf_request *request, PFN_WDF_REQUEST_CANCEL routine, bool ex,
                     uint8_t layer)
{
    uint8_t owned = ft_wdf_request_owned(request), before = request->cancelable, own;
    NTSTATUS status = may_mark(request);
    bool purge = request->queue && request->queue->cancels;

    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if (NT_SUCCESS(status) && (purge || !ft_wdf_request_arm(request, ft_wdf_cancel_owned)))
        status = STATUS_CANCELLED;
    own = ft_layer_set(layer);
    ft_emit(FT_EV_WDF_MARK, ft_wdf_handle(request), ex, (uint32_t)status, owned, before, purge);
    ft_layer_set(own);
    if (status == STATUS_INVALID_DEVICE_REQUEST || (status == STATUS_CANCELLED && ex))
        return status;
    request->cancel = routine;
    request->cancelable = FT_WDF_MARKED;
    if (status == STATUS_CANCELLED)
        ft_wdf_cancel_for_driver(request);
    return STATUS_SUCCESS;
}

VOID WdfRequestMarkCancelable(WDFREQUEST Request, PFN_WDF_REQUEST_CANCEL EvtRequestCancel)
{
    unsigned label = ft_wdf_label(Request);

    FT_WDF_BEGIN(WDF_CANCELABLE, label);
    ft_wdf_require((const void *)EvtRequestCancel);
    mark(ft_wdf_request_of(Request, MARK), EvtRequestCancel, false, ft_wdf_layer);
    FT_WDF_END(WDF_CANCELABLE, label);
}

NTSTATUS WdfRequestMarkCancelableEx(WDFREQUEST Request, PFN_WDF_REQUEST_CANCEL EvtRequestCancel)
{
    unsigned label = ft_wdf_label(Request);
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_CANCELABLE, label);
    ft_wdf_require((const void *)EvtRequestCancel);
    status = mark(ft_wdf_request_of(Request, MARK), EvtRequestCancel, true, ft_wdf_layer);
    FT_WDF_END(WDF_CANCELABLE, label);
    return status;
}

static NTSTATUS unmark(struct ft_wdf_request *request)
{
    if (request->place != FT_WDF_OWNED)
        return STATUS_INVALID_DEVICE_REQUEST;
    /* Of one that was never marked the framework finds no IRP in its list. */
    if (request->cancelable != FT_WDF_MARKED || !ft_wdf_request_claim(request))
        return STATUS_CANCELLED;
    request->cancelable = FT_WDF_UNMARKED;
    request->cancel = NULL;
    return STATUS_SUCCESS;
}

/* A driver that keeps a reference may ask after the cancel callback has completed the request.
 * Conflict of the sources: the verifier would then break, and an unverified framework says
 * STATUS_CANCELLED, which is what the documents make drivers expect. */
static bool is_gone_by_cancel(const struct ft_wdf_request *request)
{
    return request && request->place == FT_WDF_ENDED && request->canceled;
}

NTSTATUS WdfRequestUnmarkCancelable(WDFREQUEST Request)
{
    struct ft_wdf_request *request;
    unsigned label = ft_wdf_label(Request), before;
    NTSTATUS status;
    bool gone;

    FT_WDF_BEGIN(WDF_CANCELABLE, label);
    request = ft_wdf_find(Request, FT_HC_WDF_REQUEST);
    gone = is_gone_by_cancel(request);
    if (!gone)
        request = ft_wdf_request_of(Request, UNMARK);
    before = gone ? FT_WDF_CANCELING : request->cancelable;
    status = gone ? STATUS_CANCELLED : unmark(request);
    ft_wdf_emit(FT_EV_WDF_UNMARK, ft_wdf_handle(request), (uint32_t)status,
                gone || ft_wdf_request_owned(request), before);
    FT_WDF_END(WDF_CANCELABLE, label);
    return status;
}

BOOLEAN WdfRequestIsCanceled(WDFREQUEST Request)
{
    struct ft_wdf_request *request;
    unsigned label = ft_wdf_label(Request);
    bool owned, value;

    FT_WDF_BEGIN(WDF_CANCELABLE, label);
    request = ft_wdf_request_of(Request, OTHER);
    owned = ft_wdf_request_owned(request);
    value = owned && request->cancelable == FT_WDF_UNMARKED &&
            (request->canceled || (request->irp && request->irp->Cancel));
    ft_wdf_emit(FT_EV_WDF_IS_CANCELED, ft_wdf_handle(request), value, owned, request->cancelable);
    FT_WDF_END(WDF_CANCELABLE, label);
    return value;
}
