/* How IRPs become requests (kmdf.md, section 5.1 and EvtIoInCallerContext).
 *
 * A read, write or control IRP goes to the queue of its type, or to the default queue; a filter
 * passes down what none of its queues wants. The IRP is marked pending before the queue gets the
 * request, so what the dispatch routine returns never depends on who completes it.
 */
#include "kmdf/requests.h"

static const struct ft_wdf_class io_class = {
    .handle_class = FT_HC_WDF_OBJECT,
    .undeletable = true,
};

struct ft_wdf_io *ft_wdf_io_of(struct ft_wdf_device *device)
{
    return device->io;
}

struct ft_wdf_io *ft_wdf_io_make(struct ft_wdf_device *device, NTSTATUS *status)
{
    struct ft_wdf_io *io = device->io;

    *status = STATUS_SUCCESS;
    if (io)
        return io;
    io = ft_wdf_object_new(&io_class, sizeof *io, &device->object, NULL, status);
    if (!io)
        return NULL;
    io->object.device = device;
    io->held = !device->in_d0;
    device->io = io;
    return io;
}

/* ---- IRPs that are no request ---- */

NTSTATUS ft_wdf_irp_end(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

NTSTATUS ft_wdf_irp_pass(struct ft_wdf_device *device, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(device->below, irp);
}

/* ---- arrival ---- */

static NTSTATUS refuse(struct ft_wdf_request *request, NTSTATUS status)
{
    ft_wdf_request_end(request, status, 0, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS arrive(struct ft_wdf_queue *queue, struct ft_wdf_request *request, bool pended)
{
    request->queue = queue;
    ft_emit(FT_EV_WDF_QUEUED, ft_wdf_handle(queue), ft_wdf_handle(request), FT_WDF_ARRIVED,
            queue->accepts);
    if (!queue->accepts)
        return refuse(request, STATUS_INVALID_DEVICE_STATE);
    if (!pended)
        IoMarkIrpPending(request->irp);
    ft_wdf_queue_run(queue, request);
    return STATUS_PENDING;
}

void ft_wdf_arrive_pended(struct ft_wdf_queue *queue, struct ft_wdf_request *request)
{
    arrive(queue, request, true);
}

static uint64_t call_in_caller(void *device, void *request, void *routine, void *unused)
{
    (void)unused;
    ((PFN_WDF_IO_IN_CALLER_CONTEXT)routine)(device, request);
    return 0;
}

/* The driver has it before any queue, in the requester's thread. */
static NTSTATUS call_caller(struct ft_wdf_device *device, struct ft_wdf_queue *queue,
                            struct ft_wdf_request *request)
{
    unsigned irp = ft_wdf_request_irp(request);

    IoMarkIrpPending(request->irp);
    request->place = FT_WDF_CALLER;
    ft_wdf_given(request, FT_WDF_BY_CALLER_CONTEXT);
    request->queue = queue;
    ft_call_driver_routine(FT_ROUTINE_WDF_IN_CALLER, ft_wdf_handle(request), 0, irp, call_in_caller,
                           device, request, (void *)device->in_caller, NULL);
    return STATUS_PENDING;
}

static bool filter_passes(const struct ft_wdf_device *device, const struct ft_wdf_io *io,
                          const struct ft_wdf_queue *queue, unsigned major)
{
    if (!device->filter)
        return false;
    return !queue || (queue == io->default_queue && !ft_wdf_queue_handles(queue, major));
}

NTSTATUS ft_wdf_io_deliver(struct ft_wdf_device *device, PIRP irp, struct ft_wdf_queue *queue,
                           bool in_caller)
{
    bool reserve = queue && queue->reserve;
    struct ft_wdf_request *request;
    NTSTATUS status;

    request = ft_wdf_request_make(device, &device->object, &device->request_attributes, irp,
                                  FT_WDF_FROM_IO, &status);
    if (!request && !reserve)
        return ft_wdf_irp_end(irp, status);
    if (request)
        ft_emit(FT_EV_WDF_REQUEST_NEW, ft_wdf_handle(request), ft_handle_of(irp),
                ft_wdf_handle(device), FT_WDF_FROM_IO);
    if (request && reserve && !NT_SUCCESS(ft_wdf_reserve_allocate(queue, request))) {
        request->irp = NULL;
        ft_wdf_object_delete(&request->object);
        request = NULL;
    }
    if (!request) {
        status = ft_wdf_reserve_serve(queue, irp, &request);
        return request ? arrive(queue, request, false) : status;
    }
    return in_caller && device->in_caller ? call_caller(device, queue, request)
                                          : arrive(queue, request, false);
}

static NTSTATUS dispatch_io(struct ft_wdf_device *device, PIRP irp)
{
    struct ft_wdf_io *io = ft_wdf_io_of(device);
    unsigned major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;
    struct ft_wdf_queue *queue = io ? io->table[major] : NULL;

    if (!device->in_caller && filter_passes(device, io, queue, major))
        return ft_wdf_irp_pass(device, irp);
    if (!device->in_caller && !queue)
        return ft_wdf_irp_end(irp, STATUS_INVALID_DEVICE_REQUEST);
    return ft_wdf_io_deliver(device, irp, queue, true);
}

NTSTATUS ft_wdf_io_dispatch(struct ft_wdf_device *device, PIRP irp)
{
    switch (IoGetCurrentIrpStackLocation(irp)->MajorFunction) {
    case IRP_MJ_CREATE:
        return ft_wdf_file_create(device, irp);
    case IRP_MJ_CLEANUP:
        return ft_wdf_file_cleanup(device, irp);
    case IRP_MJ_CLOSE:
        return ft_wdf_file_close(device, irp);
    default:
        return dispatch_io(device, irp);
    }
}

/* ---- the way on from EvtIoInCallerContext ---- */

static NTSTATUS enqueue(struct ft_wdf_device *device, struct ft_wdf_request *request)
{
    struct ft_wdf_io *io = ft_wdf_io_of(device);
    unsigned major = IoGetCurrentIrpStackLocation(request->irp)->MajorFunction;
    struct ft_wdf_queue *queue = request->queue;
    PIRP irp = request->irp;

    if (filter_passes(device, io, queue, major)) {
        IoSkipCurrentIrpStackLocation(irp);
        ft_wdf_request_dispose(request);
        IoCallDriver(device->below, irp);
        ft_wdf_request_forget(request);
        return STATUS_SUCCESS;
    }
    if (!queue)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!queue->accepts)
        return STATUS_WDF_BUSY;
    request->place = FT_WDF_NOWHERE;
    ft_emit(FT_EV_WDF_QUEUED, ft_wdf_handle(queue), ft_wdf_handle(request), FT_WDF_ARRIVED, true);
    if (!ft_wdf_queue_insert(queue, request, false))
        ft_wdf_cancel_for_queue(request);
    ft_wdf_queue_run(queue, NULL);
    return STATUS_SUCCESS;
}

/* STATUS_WDF_BUSY: the queue does not accept; the request is still the driver's. */
NTSTATUS WdfDeviceEnqueueRequest(WDFDEVICE Device, WDFREQUEST Request)
{
    struct ft_wdf_device *device;
    struct ft_wdf_request *request;
    unsigned label = ft_wdf_label(Request);
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, label);
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    request = ft_wdf_request_of(Request, FORWARD);
    status = request->place != FT_WDF_CALLER || request->cancelable != FT_WDF_UNMARKED ||
                     request->object.device != device
                 ? STATUS_INVALID_DEVICE_REQUEST
                 : enqueue(device, request);
    FT_WDF_END(WDF_QUEUE, label);
    return status;
}
