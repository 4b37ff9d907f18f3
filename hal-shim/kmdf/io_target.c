/* WDFIOTARGET: the driver below, its state, and requests that the driver makes for it.
 *
 * A target that is stopped keeps what is sent to it until it is started; one that is purged refuses
 * it.
 * Remote targets are in io_target_remote.c.
 */
#include "kmdf/requests.h"

#include <wdfdevice.h>

static const struct ft_wdf_class target_class = {
    .handle_class = FT_HC_WDF_TARGET,
    .passive = true,
    .undeletable = true,
};

void ft_wdf_target_init(struct ft_wdf_target *target)
{
    target->state = WdfIoTargetStarted;
    ft_wdf_list_init(&target->sent);
    ft_wdf_list_init(&target->pended);
    KeInitializeEvent(&target->none, NotificationEvent, TRUE);
}

/* A control device has nothing below it, and no target. */
NTSTATUS ft_wdf_io_begin(struct ft_wdf_device *device)
{
    NTSTATUS status;
    struct ft_wdf_io *io = ft_wdf_io_make(device, &status);
    struct ft_wdf_target *target;

    if (!io || !device->below)
        return status;
    target = ft_wdf_object_new(&target_class, sizeof *target, &device->object, NULL, &status);
    if (!target)
        return status;
    target->object.device = device;
    target->below = device->below;
    target->pdo = device->pdo;
    ft_wdf_target_init(target);
    io->target = target;
    return STATUS_SUCCESS;
}

struct ft_wdf_target *ft_wdf_target_check(WDFIOTARGET handle)
{
    struct ft_wdf_target *target = ft_wdf_check(handle, FT_HC_WDF_TARGET);

    ft_wdf_irql_ok(DISPATCH_LEVEL);
    return target;
}

WDFIOTARGET WdfDeviceGetIoTarget(WDFDEVICE Device)
{
    struct ft_wdf_device *device;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Device));
    return (WDFIOTARGET)ft_wdf_io_of(device)->target;
}

/* ---- state ---- */

static unsigned count(const struct ft_wdf_link *list)
{
    unsigned n = 0;

    for (const struct ft_wdf_link *link = list->next; link != list; link = link->next)
        n++;
    return n;
}

static void announce(const struct ft_wdf_target *target, unsigned action, uint8_t layer)
{
    uint8_t own = ft_layer_set(layer);

    ft_emit(FT_EV_WDF_TARGET, ft_wdf_handle(target), target->state, action, count(&target->sent));
    ft_layer_set(own);
}

static struct ft_wdf_request *uncanceled(const struct ft_wdf_link *list)
{
    for (struct ft_wdf_link *link = list->next; link != list; link = link->next) {
        struct ft_wdf_sent *sent = CONTAINING_RECORD(link, struct ft_wdf_sent, link);

        if (!sent->canceled)
            return CONTAINING_RECORD(sent, struct ft_wdf_request, sent);
    }
    return NULL;
}

static void cancel_list(struct ft_wdf_link *list)
{
    struct ft_wdf_request *request;

    while ((request = uncanceled(list)) != NULL) {
        ft_wdf_object_refer(&request->object);
        ft_wdf_cancel_sent(request);
        ft_wdf_object_release(&request->object);
    }
}

static void cancel_all(struct ft_wdf_target *target)
{
    cancel_list(&target->pended);
    cancel_list(&target->sent);
}

static void wait_for_all(struct ft_wdf_target *target)
{
    KeWaitForSingleObject(&target->none, Executive, KernelMode, FALSE, NULL);
}

void ft_wdf_target_cancel(struct ft_wdf_target *target)
{
    cancel_all(target);
    wait_for_all(target);
}

NTSTATUS WdfIoTargetStart(WDFIOTARGET IoTarget)
{
    struct ft_wdf_target *target;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_target_check(IoTarget);
    target->state = WdfIoTargetStarted;
    announce(target, 0, ft_wdf_layer);
    ft_wdf_send_pended(target);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return STATUS_SUCCESS;
}

VOID WdfIoTargetStop(WDFIOTARGET IoTarget, WDF_IO_TARGET_SENT_IO_ACTION Action)
{
    struct ft_wdf_target *target;
    bool wait;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_target_check(IoTarget);
    wait = Action == WdfIoTargetCancelSentIo || Action == WdfIoTargetWaitForSentIoToComplete;
    if (!wait || ft_wdf_irql_ok(PASSIVE_LEVEL)) {
        target->state = WdfIoTargetStopped;
        announce(target, Action, ft_wdf_layer);
        if (Action == WdfIoTargetCancelSentIo)
            cancel_all(target);
        if (wait)
            wait_for_all(target);
    }
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
}

VOID WdfIoTargetPurge(WDFIOTARGET IoTarget, WDF_IO_TARGET_PURGE_IO_ACTION Action)
{
    struct ft_wdf_target *target;
    bool wait;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_target_check(IoTarget);
    wait = Action == WdfIoTargetPurgeIoAndWait;
    if (!wait || ft_wdf_irql_ok(PASSIVE_LEVEL)) {
        target->state = WdfIoTargetPurged;
        announce(target, Action, ft_wdf_layer);
        cancel_all(target);
        if (wait)
            wait_for_all(target);
    }
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
}

WDF_IO_TARGET_STATE WdfIoTargetGetState(WDFIOTARGET IoTarget)
{
    struct ft_wdf_target *target;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_target_check(IoTarget);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return (WDF_IO_TARGET_STATE)target->state;
}

WDFDEVICE WdfIoTargetGetDevice(WDFIOTARGET IoTarget)
{
    struct ft_wdf_target *target;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_target_check(IoTarget);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return (WDFDEVICE)target->object.device;
}

PDEVICE_OBJECT WdfIoTargetWdmGetTargetDeviceObject(WDFIOTARGET IoTarget)
{
    struct ft_wdf_target *target;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_target_check(IoTarget);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return target->below;
}

PDEVICE_OBJECT WdfIoTargetWdmGetTargetPhysicalDevice(WDFIOTARGET IoTarget)
{
    struct ft_wdf_target *target;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_target_check(IoTarget);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return target->pdo;
}

/* The local target was opened by nobody. */
PFILE_OBJECT WdfIoTargetWdmGetTargetFileObject(WDFIOTARGET IoTarget)
{
    struct ft_wdf_target *target;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_target_check(IoTarget);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return target->file;
}

/* ---- requests of the driver's own ---- */

static struct ft_wdf_target *target_of(WDFIOTARGET handle)
{
    return handle ? ft_wdf_target_check(handle) : NULL;
}

static struct ft_wdf_request *make(PWDF_OBJECT_ATTRIBUTES attributes, struct ft_wdf_device *device,
                                   PIRP irp, NTSTATUS *status)
{
    struct ft_wdf_object *parent = device ? &device->object : FT_WDF->driver;

    *status = ft_wdf_attributes_check(attributes, true);
    if (!NT_SUCCESS(*status))
        return NULL;
    return ft_wdf_request_make(device, parent, attributes, irp, irp ? FT_WDF_OF_IRP : FT_WDF_MADE,
                               status);
}

static NTSTATUS create(PWDF_OBJECT_ATTRIBUTES attributes, struct ft_wdf_target *target, PIRP irp,
                       bool frees, WDFREQUEST *ret)
{
    NTSTATUS status;
    struct ft_wdf_request *request =
        make(attributes, target ? target->object.device : NULL, irp, &status);

    if (!request)
        return status;
    request->presented = true;
    request->frees_irp = frees;
    if (target)
        status = ft_wdf_request_fit(request, target);
    if (!NT_SUCCESS(status)) {
        ft_wdf_object_abandon(&request->object);
        return status;
    }
    ft_emit(FT_EV_WDF_REQUEST_NEW, ft_wdf_handle(request), ft_handle_of(request->irp),
            ft_wdf_handle(request->object.device), request->kind);
    *ret = (WDFREQUEST)request;
    return STATUS_SUCCESS;
}

NTSTATUS WdfRequestCreate(PWDF_OBJECT_ATTRIBUTES RequestAttributes, WDFIOTARGET IoTarget,
                          WDFREQUEST *Request)
{
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_SEND, 0);
    ft_wdf_require(Request);
    *Request = NULL;
    status = create(RequestAttributes, target_of(IoTarget), NULL, true, Request);
    FT_WDF_END(WDF_SEND, ft_wdf_label(*Request));
    return status;
}

NTSTATUS WdfRequestCreateFromIrp(PWDF_OBJECT_ATTRIBUTES RequestAttributes, PIRP Irp,
                                 BOOLEAN RequestFreesIrp, WDFREQUEST *Request)
{
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Irp));
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_require(Irp);
    ft_wdf_require(Request);
    *Request = NULL;
    status = create(RequestAttributes, NULL, Irp, RequestFreesIrp != FALSE, Request);
    FT_WDF_END(WDF_SEND, ft_wdf_label(*Request));
    return status;
}

static NTSTATUS reuse(struct ft_wdf_request *request, const WDF_REQUEST_REUSE_PARAMS *params)
{
    bool new_irp = params->Flags & WDF_REQUEST_REUSE_SET_NEW_IRP;

    if (params->Size != sizeof *params)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (request->kind == FT_WDF_FROM_IO && new_irp)
        return STATUS_WDF_REQUEST_INVALID_STATE;
    ft_wdf_format_release(request);
    request->sent.routine = NULL;
    request->sent.context = NULL;
    request->canceled = false;
    if (new_irp) {
        if (request->kind == FT_WDF_MADE && request->irp)
            IoFreeIrp(request->irp);
        request->irp = params->NewIrp;
        request->kind = FT_WDF_OF_IRP;
        request->frees_irp = false;
    }
    if (request->kind == FT_WDF_MADE && request->irp)
        IoReuseIrp(request->irp, params->Status);
    else if (request->irp)
        request->irp->IoStatus.Status = params->Status;
    return STATUS_SUCCESS;
}

NTSTATUS WdfRequestReuse(WDFREQUEST Request, PWDF_REQUEST_REUSE_PARAMS ReuseParams)
{
    struct ft_wdf_request *request;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    ft_wdf_require(ReuseParams);
    status =
        request->sent.target ? STATUS_WDF_REQUEST_ALREADY_PENDING : reuse(request, ReuseParams);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
    return status;
}

NTSTATUS WdfRequestChangeTarget(WDFREQUEST Request, WDFIOTARGET IoTarget)
{
    struct ft_wdf_request *request;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    status = ft_wdf_request_fit(request, ft_wdf_target_check(IoTarget));
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
    return status;
}
