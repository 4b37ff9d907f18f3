/* WDFREQUEST: how it begins and ends (kmdf.md, sections 5.4 and 5.8).
 *
 * A request that the framework made for an IRP ends with it: its children go and its cleanup
 * callback runs before the IRP is completed, its destroy callback when the last reference goes. Of
 * a request that the driver never saw no callback runs.
 *
 * Not modelled: that WdfRequestCompleteWithPriorityBoost changes the order of threads.
 */
#include "kmdf/requests.h"

enum { FACILITY_BITS = 0x0FFF0000, FACILITY_WDF = 0x00200000 };
/* p2 of bug check 0x10D/6. */
enum { ERROR_NULL_IRP = 2, ERROR_INFORMATION = 4 };

static void destroy_request(struct ft_wdf_object *object)
{
    struct ft_wdf_request *request = (struct ft_wdf_request *)object;

    ft_wdf_format_release(request);
    if (request->irp && request->frees_irp)
        IoFreeIrp(request->irp);
    request->irp = NULL;
}

/* The last reference but the creation's. */
static void alone_request(struct ft_wdf_object *object)
{
    struct ft_wdf_request *request = (struct ft_wdf_request *)object;

    if (request->reserver)
        ft_wdf_reserve_back(request);
}

/* The driver never deletes a request that came in. */
static const struct ft_wdf_class io_request_class = {
    .handle_class = FT_HC_WDF_REQUEST,
    .undeletable = true,
    .alone = alone_request,
    .destroy = destroy_request,
};
static const struct ft_wdf_class request_class = {
    .handle_class = FT_HC_WDF_REQUEST,
    .destroy = destroy_request,
};

struct ft_wdf_request *ft_wdf_request_make(struct ft_wdf_device *device,
                                           struct ft_wdf_object *parent,
                                           const WDF_OBJECT_ATTRIBUTES *attributes, PIRP irp,
                                           enum ft_wdf_request_kind kind, NTSTATUS *status)
{
    bool from_io = kind == FT_WDF_FROM_IO;
    struct ft_wdf_request *request;

    request = ft_wdf_object_new(from_io ? &io_request_class : &request_class, sizeof *request,
                                parent, attributes && attributes->Size ? attributes : NULL, status);
    if (!request)
        return NULL;
    request->object.device = device;
    request->irp = irp;
    request->place = FT_WDF_NOWHERE;
    request->kind = (uint8_t)kind;
    request->status = STATUS_SUCCESS;
    ft_wdf_list_init(&request->owned);
    ft_wdf_list_init(&request->queued);
    ft_wdf_list_init(&request->sent.link);
    ft_block_set_label(request, ft_label_of(irp));
    return request;
}

unsigned ft_wdf_request_irp(const struct ft_wdf_request *request)
{
    return request->irp ? ft_handle_id(ft_handle_of(request->irp)) : 0;
}

bool ft_wdf_request_owned(const struct ft_wdf_request *request)
{
    if (request->kind != FT_WDF_FROM_IO)
        return request->place != FT_WDF_WAITS;
    return request->place == FT_WDF_OWNED || request->place == FT_WDF_CALLER;
}

struct ft_wdf_request *ft_wdf_request_check(WDFREQUEST handle, enum ft_wdf_use use, uint8_t layer)
{
    struct ft_wdf_request *request = ft_wdf_find(handle, FT_HC_WDF_REQUEST);
    uint8_t own;

    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if (request && request->place != FT_WDF_ENDED)
        return request;
    if (request || ft_handle_class(ft_handle_of(handle)) == FT_HC_WDF_REQUEST) {
        own = ft_layer_set(layer);
        ft_emit(FT_EV_WDF_STALE, ft_handle_of(handle), use);
        ft_layer_set(own);
    }
    if (request)
        ft_wdf_bugcheck(FT_WDF_REQUEST_ERROR, ERROR_NULL_IRP, ft_wdf_handle(request), 0);
    return ft_wdf_check(handle, FT_HC_WDF_REQUEST);
}

/* ---- completion ---- */

static NTSTATUS translated(NTSTATUS status)
{
    if (((uint32_t)status & FACILITY_BITS) != FACILITY_WDF)
        return status;
    switch (status) {
    case STATUS_WDF_PAUSED:
    case STATUS_WDF_BUSY:
        return STATUS_DEVICE_BUSY;
    case STATUS_WDF_INTERNAL_ERROR:
        return STATUS_INTERNAL_ERROR;
    case STATUS_WDF_NOT_ENOUGH_MAP_REGISTERS:
        return STATUS_INSUFFICIENT_RESOURCES;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

/* A request that is completed while it is marked, or while it waits, against the contract: the
 * cancel routine of its IRP has to go, and a cancel callback that is due is not called. */
static void take_back(struct ft_wdf_request *request)
{
    if (request->cancelable == FT_WDF_MARKED || request->place == FT_WDF_WAITS)
        IoSetCancelRoutine(request->irp, NULL);
    if (request->place == FT_WDF_WAITS)
        request->queue->waits--;
    ft_wdf_unlink(&request->queued);
    request->cancelable = FT_WDF_UNMARKED;
}

static void clear_callbacks(struct ft_wdf_object *object)
{
    object->cleanup = NULL;
    object->destroy = NULL;
    for (struct ft_wdf_context *context = object->contexts; context; context = context->next) {
        context->cleanup = NULL;
        context->destroy = NULL;
    }
}

/* What was made for the IRP goes; what the driver made for a reserved request stays. */
void ft_wdf_request_dispose(struct ft_wdf_request *request)
{
    WDFMEMORY memory[] = {request->input, request->output};

    if (!request->reserver) {
        ft_wdf_object_dispose(&request->object);
        return;
    }
    request->input = request->output = NULL;
    for (unsigned i = 0; i < sizeof memory / sizeof *memory; i++)
        if (memory[i])
            ft_wdf_object_delete((struct ft_wdf_object *)memory[i]);
}

/* The request has left the driver's hands, and its queue goes on. */
static void leave_queue(struct ft_wdf_request *request, struct ft_wdf_queue *queue)
{
    if (queue) {
        ft_wdf_queue_disown(request);
        request->place = FT_WDF_ENDED;
        ft_wdf_queue_run_more(queue);
        ft_wdf_object_release(&queue->object);
    }
    if (request->reserver)
        ft_wdf_reserve_back(request);
    else
        ft_wdf_object_delete(&request->object);
}

static struct ft_wdf_queue *owner_of(struct ft_wdf_request *request)
{
    struct ft_wdf_queue *queue = request->place == FT_WDF_OWNED ? request->queue : NULL;

    if (queue)
        ft_wdf_object_refer(&queue->object);
    return queue;
}

/* A request that the driver made for an IRP is over; the object stays the driver's. */
static void end_made(struct ft_wdf_request *request, NTSTATUS status, CCHAR boost)
{
    struct ft_wdf_queue *queue = owner_of(request);
    PIRP irp = request->irp;

    irp->IoStatus.Status = status;
    request->status = status;
    if (queue)
        ft_wdf_queue_disown(request);
    request->place = FT_WDF_NOWHERE;
    request->irp = NULL;
    IoCompleteRequest(irp, boost);
    if (queue) {
        ft_wdf_queue_run_more(queue);
        ft_wdf_object_release(&queue->object);
    }
}

static void end_from_io(struct ft_wdf_request *request, NTSTATUS status, CCHAR boost)
{
    struct ft_wdf_device *device = request->object.device;
    struct ft_wdf_queue *queue = owner_of(request);
    PIRP irp = request->irp;

    if (!request->presented)
        clear_callbacks(&request->object);
    ft_wdf_request_dispose(request);
    if (request->holds)
        ft_wdf_bugcheck(FT_WDF_OUTSTANDING, ft_wdf_handle(request), request->holds, 0);
    irp->IoStatus.Status = status;
    request->irp = NULL;
    if (!queue)
        request->place = FT_WDF_ENDED;
    if (IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_CREATE && !NT_SUCCESS(status))
        ft_wdf_file_gone(device, IoGetCurrentIrpStackLocation(irp)->FileObject);
    IoCompleteRequest(irp, boost);
    leave_queue(request, queue);
}

void ft_wdf_request_end(struct ft_wdf_request *request, NTSTATUS status, ULONG_PTR information,
                        CCHAR boost)
{
    take_back(request);
    ft_wdf_format_release(request);
    ft_wdf_request_release_buffers(request);
    request->irp->IoStatus.Information = information;
    if (request->kind == FT_WDF_FROM_IO)
        end_from_io(request, translated(status), boost);
    else
        end_made(request, translated(status), boost);
}

void ft_wdf_request_forget(struct ft_wdf_request *request)
{
    struct ft_wdf_queue *queue = owner_of(request);

    request->irp = NULL;
    if (!queue)
        request->place = FT_WDF_ENDED;
    leave_queue(request, queue);
}

/* ---- the routines ---- */

/* What Information may claim of a success; all ones: anything. */
static uint64_t limit_of(const struct ft_wdf_request *request)
{
    const IO_STACK_LOCATION *at = IoGetCurrentIrpStackLocation(request->irp);

    switch (at->MajorFunction) {
    case IRP_MJ_READ:
        return at->Parameters.Read.Length;
    case IRP_MJ_WRITE:
        return at->Parameters.Write.Length;
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        return at->Parameters.DeviceIoControl.OutputBufferLength;
    default:
        return UINT64_MAX;
    }
}

static void complete(WDFREQUEST handle, NTSTATUS status, const ULONG_PTR *information, CCHAR boost,
                     uint8_t layer)
{
    struct ft_wdf_request *request = ft_wdf_request_check(handle, FT_WDF_USE_COMPLETE, layer);
    uint8_t own = ft_layer_set(layer);
    ULONG_PTR claimed;
    uint64_t limit;

    if (!request->irp)
        ft_wdf_bugcheck(FT_WDF_REQUEST_ERROR, ERROR_NULL_IRP, ft_wdf_handle(request), 0);
    claimed = information ? *information : request->irp->IoStatus.Information;
    limit = limit_of(request);
    ft_emit(FT_EV_WDF_COMPLETE, ft_wdf_handle(request), (uint32_t)status, claimed,
            ft_wdf_request_owned(request), request->cancelable, request->holds, limit);
    ft_layer_set(own);
    if (information && NT_SUCCESS(status) && claimed > limit)
        ft_wdf_bugcheck(FT_WDF_REQUEST_ERROR, ERROR_INFORMATION, ft_wdf_handle(request), claimed);
    ft_wdf_request_end(request, status, claimed, boost);
}

VOID WdfRequestComplete(WDFREQUEST Request, NTSTATUS Status)
{
    unsigned label = ft_wdf_label(Request);

    FT_WDF_BEGIN(WDF_COMPLETE, label);
    complete(Request, Status, NULL, IO_NO_INCREMENT, ft_wdf_layer);
    FT_WDF_END(WDF_COMPLETE, label);
}

VOID WdfRequestCompleteWithInformation(WDFREQUEST Request, NTSTATUS Status, ULONG_PTR Information)
{
    unsigned label = ft_wdf_label(Request);

    FT_WDF_BEGIN(WDF_COMPLETE, label);
    complete(Request, Status, &Information, IO_NO_INCREMENT, ft_wdf_layer);
    FT_WDF_END(WDF_COMPLETE, label);
}

VOID WdfRequestCompleteWithPriorityBoost(WDFREQUEST Request, NTSTATUS Status, CCHAR PriorityBoost)
{
    unsigned label = ft_wdf_label(Request);

    FT_WDF_BEGIN(WDF_COMPLETE, label);
    complete(Request, Status, NULL, PriorityBoost, ft_wdf_layer);
    FT_WDF_END(WDF_COMPLETE, label);
}

VOID WdfRequestSetInformation(WDFREQUEST Request, ULONG_PTR Information)
{
    struct ft_wdf_request *request;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    if (request->irp)
        request->irp->IoStatus.Information = Information;
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
}

ULONG_PTR WdfRequestGetInformation(WDFREQUEST Request)
{
    struct ft_wdf_request *request;
    ULONG_PTR information;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    information = request->irp ? request->irp->IoStatus.Information : 0;
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
    return information;
}

/* ---- for the DMA transactions ---- */

void ft_wdf_request_hold(WDFREQUEST request, int change)
{
    struct ft_wdf_request *held = ft_wdf_check(request, FT_HC_WDF_REQUEST);

    FT_ASSERT(change > 0 || held->holds >= (uint32_t)-change);
    held->holds += (uint32_t)change;
}
