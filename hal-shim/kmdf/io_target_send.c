/* Sending requests to a target, and what happens when they come back.
 *
 * While a target has a request it cannot be completed by the driver (bug check 0x10D/3). The
 * framework's completion routine keeps the IRP, gives the driver its data and buffers back, and
 * calls the driver's routine. A request that comes back while somebody is inside IoCancelIrp for it
 * waits for that.
 */
#include "kmdf/requests.h"

/* ---- back from the target ---- */

static uint64_t call_completion(void *request, void *target, void *params, void *unused)
{
    struct ft_wdf_sent *sent = &((struct ft_wdf_request *)request)->sent;
    PFN_WDF_REQUEST_COMPLETION_ROUTINE routine = sent->routine;

    (void)unused;
    routine(request, target, params, sent->context);
    return 0;
}

static void tell_driver(struct ft_wdf_request *request, struct ft_wdf_target *target)
{
    struct ft_wdf_sent *sent = &request->sent;

    if (sent->done)
        KeSetEvent(sent->done, IO_NO_INCREMENT, FALSE);
    else if (sent->routine)
        ft_call_driver_routine(FT_ROUTINE_WDF_REQUEST_COMPLETION, ft_wdf_handle(request), 0,
                               ft_wdf_request_irp(request), call_completion, request, target,
                               &sent->params, NULL);
}

static void set_params(struct ft_wdf_request *request)
{
    WDF_REQUEST_COMPLETION_PARAMS *params = &request->sent.params;
    PIRP irp = request->irp;

    params->IoStatus = irp->IoStatus;
    if (params->Type == WdfRequestTypeRead || params->Type == WdfRequestTypeWrite)
        params->Parameters.Read.Length = irp->IoStatus.Information;
    else if (params->Type == WdfRequestTypeDeviceControl ||
             params->Type == WdfRequestTypeDeviceControlInternal)
        params->Parameters.Ioctl.Output.Length = irp->IoStatus.Information;
}

/* The request is the driver's again. */
static void come_back(struct ft_wdf_request *request)
{
    struct ft_wdf_sent *sent = &request->sent;
    struct ft_wdf_target *target = sent->target;
    PIRP irp = request->irp;

    sent->back = false;
    if (sent->timed_out && irp->IoStatus.Status == STATUS_CANCELLED)
        irp->IoStatus.Status = STATUS_IO_TIMEOUT;
    request->status = irp->IoStatus.Status;
    set_params(request);
    ft_wdf_format_undo(request);
    sent->formatted = false;
    ft_wdf_unlink(&sent->link);
    sent->target = NULL;
    request->holds--;
    ft_emit(FT_EV_WDF_SENT_DONE, ft_wdf_handle(request), ft_wdf_handle(target),
            (uint32_t)irp->IoStatus.Status, irp->IoStatus.Information);
    if (ft_wdf_list_empty(&target->sent))
        KeSetEvent(&target->none, IO_NO_INCREMENT, FALSE);
    tell_driver(request, target);
    ft_wdf_object_release(&target->object);
    ft_wdf_object_release(&request->object);
}

/* The target is done with it. Who is still at it has the last word: a task that cancels it, or the
 * DPC of a timer that could not be taken back. */
static void is_back(struct ft_wdf_request *request)
{
    struct ft_wdf_sent *sent = &request->sent;

    sent->back = true;
    if (sent->cancelers > 0 || (sent->timer_set && !KeCancelTimer(&sent->timer)))
        return;
    sent->timer_set = false;
    come_back(request);
}

static FT_FRAMEWORK_ROUTINE NTSTATUS sent_is_back(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                                  PVOID Context)
{
    (void)DeviceObject;
    (void)Irp;
    is_back(Context);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* ---- cancelling ---- */

bool ft_wdf_cancel_sent(struct ft_wdf_request *request)
{
    struct ft_wdf_sent *sent = &request->sent;

    if (!sent->target || sent->back)
        return false;
    sent->canceled = true;
    if (sent->pended) {
        request->irp->IoStatus.Status = STATUS_CANCELLED;
        request->irp->IoStatus.Information = 0;
        sent->pended = false;
        is_back(request);
        return true;
    }
    sent->cancelers++;
    IoCancelIrp(request->irp);
    sent->cancelers--;
    if (sent->back && sent->cancelers == 0)
        is_back(request);
    return true;
}

static FT_FRAMEWORK_ROUTINE VOID time_is_up(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                                            PVOID SystemArgument2)
{
    struct ft_wdf_request *request = DeferredContext;
    struct ft_wdf_sent *sent = &request->sent;

    (void)Dpc;
    (void)SystemArgument1;
    (void)SystemArgument2;
    sent->timer_set = false;
    if (sent->back) { /* in time, after all */
        if (sent->cancelers == 0)
            come_back(request);
        return;
    }
    sent->timed_out = true;
    ft_wdf_cancel_sent(request);
}

/* ---- sending ---- */

static bool refuse(struct ft_wdf_request *request, NTSTATUS status)
{
    request->status = status;
    return false;
}

static void set_timer(struct ft_wdf_request *request, LONGLONG timeout)
{
    struct ft_wdf_sent *sent = &request->sent;
    LARGE_INTEGER due = {.QuadPart = timeout};

    KeInitializeTimer(&sent->timer);
    KeInitializeDpc(&sent->dpc, time_is_up, request);
    sent->timer_set = true;
    KeSetTimer(&sent->timer, due, &sent->dpc);
}

static void go(struct ft_wdf_request *request)
{
    struct ft_wdf_target *target = request->sent.target;

    IoSetCompletionRoutine(request->irp, sent_is_back, request, TRUE, TRUE, TRUE);
    IoCallDriver(target->below, request->irp);
}

void ft_wdf_send_pended(struct ft_wdf_target *target)
{
    while (!ft_wdf_list_empty(&target->pended)) {
        struct ft_wdf_sent *sent = CONTAINING_RECORD(target->pended.next, struct ft_wdf_sent, link);

        ft_wdf_unlink(&sent->link);
        ft_wdf_link_before(&target->sent, &sent->link);
        KeClearEvent(&target->none);
        sent->pended = false;
        go(CONTAINING_RECORD(sent, struct ft_wdf_request, sent));
    }
}

/* The references go when it is back. */
static void set_out(struct ft_wdf_target *target, struct ft_wdf_request *request, bool pend)
{
    struct ft_wdf_sent *sent = &request->sent;

    sent->target = target;
    sent->canceled = sent->timed_out = sent->back = false;
    sent->pended = pend;
    ft_wdf_link_before(pend ? &target->pended : &target->sent, &sent->link);
    if (!pend)
        KeClearEvent(&target->none);
    request->holds++;
    ft_wdf_object_refer(&target->object);
    ft_wdf_object_refer(&request->object);
}

static NTSTATUS may_send(const struct ft_wdf_target *target, const struct ft_wdf_request *request,
                         bool ignore_state)
{
    const struct ft_wdf_sent *sent = &request->sent;

    if (!request->irp)
        return STATUS_WDF_REQUEST_INVALID_STATE;
    if (!sent->formatted)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (sent->target)
        return STATUS_WDF_REQUEST_ALREADY_PENDING;
    if (!target->below)
        return STATUS_INVALID_DEVICE_STATE;
    if (request->irp->CurrentLocation <= target->below->StackSize)
        return STATUS_REQUEST_NOT_ACCEPTED;
    if (!ignore_state && target->state == WdfIoTargetPurged)
        return STATUS_INVALID_DEVICE_STATE;
    return STATUS_SUCCESS;
}

static bool send(struct ft_wdf_target *target, struct ft_wdf_request *request,
                 const WDF_REQUEST_SEND_OPTIONS *options)
{
    ULONG flags = options ? options->Flags : 0;
    bool ignore_state = flags & WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE;
    NTSTATUS status = may_send(target, request, ignore_state);
    bool pend = !ignore_state && target->state == WdfIoTargetStopped;

    if (!NT_SUCCESS(status))
        return refuse(request, status);
    request->status = STATUS_SUCCESS;
    set_out(target, request, pend);
    if (flags & WDF_REQUEST_SEND_OPTION_TIMEOUT)
        set_timer(request, options->Timeout);
    if (!pend)
        go(request);
    return true;
}

bool ft_wdf_send(struct ft_wdf_target *target, struct ft_wdf_request *request,
                 const WDF_REQUEST_SEND_OPTIONS *options)
{
    /* Nobody would complete it. */
    if (request->kind == FT_WDF_FROM_IO && !request->sent.routine)
        return refuse(request, STATUS_INVALID_DEVICE_REQUEST);
    return send(target, request, options);
}

/* The thread waits without limit: a time-out cancels the request. */
bool ft_wdf_send_and_wait(struct ft_wdf_target *target, struct ft_wdf_request *request,
                          const WDF_REQUEST_SEND_OPTIONS *options)
{
    KEVENT event;
    bool sent;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    request->sent.done = &event;
    sent = send(target, request, options);
    if (sent)
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    request->sent.done = NULL;
    return sent;
}

bool ft_wdf_send_and_forget(struct ft_wdf_target *target, struct ft_wdf_request *request)
{
    const struct ft_wdf_sent *sent = &request->sent;
    PIRP irp = request->irp;

    if (request->kind != FT_WDF_FROM_IO || !irp || !target->below)
        return refuse(request, STATUS_INVALID_DEVICE_STATE);
    if (sent->formatted && !sent->plain)
        return refuse(request, STATUS_INVALID_DEVICE_REQUEST);
    if (!sent->formatted)
        IoSkipCurrentIrpStackLocation(irp);
    ft_wdf_request_release_buffers(request);
    ft_wdf_request_dispose(request);
    IoCallDriver(target->below, irp);
    ft_wdf_request_forget(request);
    return true;
}

/* ---- the routines ---- */

enum {
    FLAGS_KNOWN = WDF_REQUEST_SEND_OPTION_TIMEOUT | WDF_REQUEST_SEND_OPTION_SYNCHRONOUS |
                  WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE |
                  WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET |
                  WDF_REQUEST_SEND_OPTION_IMPERSONATE_CLIENT |
                  WDF_REQUEST_SEND_OPTION_IMPERSONATION_IGNORE_FAILURE,
    FLAGS_WITH_FORGET = WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET |
                        WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE |
                        WDF_REQUEST_SEND_OPTION_IMPERSONATE_CLIENT |
                        WDF_REQUEST_SEND_OPTION_IMPERSONATION_IGNORE_FAILURE
};

static NTSTATUS check_options(const WDF_REQUEST_SEND_OPTIONS *options)
{
    if (!options)
        return STATUS_SUCCESS;
    if (options->Size != sizeof *options)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (options->Flags & ~(ULONG)FLAGS_KNOWN)
        return STATUS_INVALID_PARAMETER;
    if (options->Flags & WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET &&
        options->Flags & ~(ULONG)FLAGS_WITH_FORGET)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* What WdfRequestSend will do with it, for the event that comes before. */
static void announce(const struct ft_wdf_request *request, const struct ft_wdf_target *target,
                     ULONG flags, NTSTATUS status, uint8_t layer)
{
    uint8_t own = ft_layer_set(layer);

    ft_emit(FT_EV_WDF_SEND, ft_wdf_handle(request), ft_wdf_handle(target), flags,
            NT_SUCCESS(status), (uint32_t)status, ft_wdf_request_owned(request),
            request->cancelable);
    ft_layer_set(own);
}

static bool send_by_flags(struct ft_wdf_target *target, struct ft_wdf_request *request,
                          const WDF_REQUEST_SEND_OPTIONS *options)
{
    ULONG flags = options ? options->Flags : 0;

    if (flags & WDF_REQUEST_SEND_OPTION_SYNCHRONOUS)
        return ft_wdf_send_and_wait(target, request, options);
    if (flags & WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET)
        return ft_wdf_send_and_forget(target, request);
    return ft_wdf_send(target, request, options);
}

BOOLEAN WdfRequestSend(WDFREQUEST Request, WDFIOTARGET Target, PWDF_REQUEST_SEND_OPTIONS Options)
{
    struct ft_wdf_target *target;
    struct ft_wdf_request *request;
    unsigned label = ft_wdf_label(Request);
    NTSTATUS status;
    bool sent;

    FT_WDF_BEGIN(WDF_SEND, label);
    request = ft_wdf_request_of(Request, SEND);
    target = ft_wdf_target_check(Target);
    status = check_options(Options);
    announce(request, target, Options ? Options->Flags : 0, status, ft_wdf_layer);
    sent = NT_SUCCESS(status) ? send_by_flags(target, request, Options) : refuse(request, status);
    FT_WDF_END(WDF_SEND, label);
    return sent;
}

BOOLEAN WdfRequestCancelSentRequest(WDFREQUEST Request)
{
    struct ft_wdf_request *request;
    unsigned label = ft_wdf_label(Request);
    bool canceled;

    FT_WDF_BEGIN(WDF_SEND, label);
    request = ft_wdf_request_of(Request, SEND);
    canceled = request->sent.target && !request->sent.back;
    ft_wdf_emit(FT_EV_WDF_CANCEL_SENT, ft_wdf_handle(request), canceled);
    if (canceled) {
        ft_wdf_object_refer(&request->object);
        ft_wdf_cancel_sent(request);
        ft_wdf_object_release(&request->object);
    }
    FT_WDF_END(WDF_SEND, label);
    return canceled;
}

VOID WdfRequestSetCompletionRoutine(WDFREQUEST Request,
                                    PFN_WDF_REQUEST_COMPLETION_ROUTINE CompletionRoutine,
                                    WDFCONTEXT CompletionContext)
{
    struct ft_wdf_request *request;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, SEND);
    request->sent.routine = CompletionRoutine;
    request->sent.context = CompletionContext;
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
}

VOID WdfRequestGetCompletionParams(WDFREQUEST Request, PWDF_REQUEST_COMPLETION_PARAMS Params)
{
    struct ft_wdf_request *request;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, SEND);
    ft_wdf_require(Params);
    *Params = request->sent.params;
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
}

/* A request has its timer from the start. */
NTSTATUS WdfRequestAllocateTimer(WDFREQUEST Request)
{
    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    ft_wdf_request_of(Request, SEND);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
    return STATUS_SUCCESS;
}
