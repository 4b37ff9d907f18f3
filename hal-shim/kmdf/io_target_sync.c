/* Requests that the framework formats, sends and waits for in one call. The driver may lend one of
 * its own requests for that; otherwise the framework makes one. */
#include "kmdf/requests.h"

struct call {
    struct ft_wdf_target *target;
    struct ft_wdf_request *request;
    WDF_REQUEST_SEND_OPTIONS options;
    bool made;
};

/* Only a time-out and whether to look at the target's state are the caller's choice. */
static NTSTATUS begin(struct call *call, WDFIOTARGET target, WDFREQUEST request,
                      const WDF_REQUEST_SEND_OPTIONS *options, uint8_t layer)
{
    const ULONG allowed = WDF_REQUEST_SEND_OPTION_TIMEOUT | WDF_REQUEST_SEND_OPTION_SYNCHRONOUS |
                          WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE;
    NTSTATUS status = STATUS_SUCCESS;

    *call = (struct call){.target = ft_wdf_target_check(target)};
    WDF_REQUEST_SEND_OPTIONS_INIT(&call->options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS);
    if (!ft_wdf_irql_ok(PASSIVE_LEVEL))
        return STATUS_INVALID_DEVICE_REQUEST;
    if (options && options->Size != sizeof *options)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (options && options->Flags & ~allowed)
        return STATUS_INVALID_PARAMETER;
    if (options) {
        call->options.Flags |= options->Flags;
        call->options.Timeout = options->Timeout;
    }
    if (request) {
        call->request = ft_wdf_request_check(request, FT_WDF_USE_SEND, layer);
        return STATUS_SUCCESS;
    }
    call->request = ft_wdf_request_make(call->target->object.device, &call->target->object, NULL,
                                        NULL, FT_WDF_MADE, &status);
    call->made = call->request != NULL;
    return status;
}

/* Sends what was formatted, waits, and cleans up. */
static NTSTATUS run(struct call *call, NTSTATUS status, ULONG_PTR *bytes)
{
    if (bytes)
        *bytes = 0;
    if (call->request && NT_SUCCESS(status)) {
        ft_wdf_send_and_wait(call->target, call->request, &call->options);
        status = call->request->status;
        if (bytes)
            *bytes = call->request->sent.params.IoStatus.Information;
    }
    if (call->made)
        ft_wdf_object_delete(&call->request->object);
    return status;
}

static NTSTATUS transfer(WDFIOTARGET target, WDFREQUEST request, UCHAR major,
                         const WDF_MEMORY_DESCRIPTOR *buffer, const LONGLONG *offset,
                         const WDF_REQUEST_SEND_OPTIONS *options, ULONG_PTR *bytes, uint8_t layer)
{
    struct ft_wdf_piece piece;
    struct call call;
    NTSTATUS status = begin(&call, target, request, options, layer);

    if (NT_SUCCESS(status))
        status = ft_wdf_piece_of_descriptor(buffer, &piece);
    if (NT_SUCCESS(status))
        status = ft_wdf_format_transfer(call.target, call.request, major, &piece, offset);
    return run(&call, status, bytes);
}

NTSTATUS WdfIoTargetSendReadSynchronously(WDFIOTARGET IoTarget, WDFREQUEST Request,
                                          PWDF_MEMORY_DESCRIPTOR OutputBuffer,
                                          PLONGLONG DeviceOffset,
                                          PWDF_REQUEST_SEND_OPTIONS RequestOptions,
                                          PULONG_PTR BytesRead)
{
    FT_WDF_RETURN(NTSTATUS, WDF_SEND, ft_wdf_label(Request),
                  transfer(IoTarget, Request, IRP_MJ_READ, OutputBuffer, DeviceOffset,
                           RequestOptions, BytesRead, ft_wdf_layer));
}

NTSTATUS WdfIoTargetSendWriteSynchronously(WDFIOTARGET IoTarget, WDFREQUEST Request,
                                           PWDF_MEMORY_DESCRIPTOR InputBuffer,
                                           PLONGLONG DeviceOffset,
                                           PWDF_REQUEST_SEND_OPTIONS RequestOptions,
                                           PULONG_PTR BytesWritten)
{
    FT_WDF_RETURN(NTSTATUS, WDF_SEND, ft_wdf_label(Request),
                  transfer(IoTarget, Request, IRP_MJ_WRITE, InputBuffer, DeviceOffset,
                           RequestOptions, BytesWritten, ft_wdf_layer));
}

struct control {
    ULONG code;
    UCHAR major;
    const WDF_MEMORY_DESCRIPTOR *input, *output;
};

static NTSTATUS send_control(WDFIOTARGET target, WDFREQUEST request, const struct control *how,
                             const WDF_REQUEST_SEND_OPTIONS *options, ULONG_PTR *bytes,
                             uint8_t layer)
{
    struct ft_wdf_control control = {.code = how->code, .major = how->major};
    struct call call;
    NTSTATUS status = begin(&call, target, request, options, layer);

    if (NT_SUCCESS(status))
        status = ft_wdf_piece_of_descriptor(how->input, &control.input);
    if (NT_SUCCESS(status))
        status = ft_wdf_piece_of_descriptor(how->output, &control.output);
    if (NT_SUCCESS(status))
        status = ft_wdf_format_control(call.target, call.request, &control);
    return run(&call, status, bytes);
}

NTSTATUS WdfIoTargetSendIoctlSynchronously(WDFIOTARGET IoTarget, WDFREQUEST Request,
                                           ULONG IoctlCode, PWDF_MEMORY_DESCRIPTOR InputBuffer,
                                           PWDF_MEMORY_DESCRIPTOR OutputBuffer,
                                           PWDF_REQUEST_SEND_OPTIONS RequestOptions,
                                           PULONG_PTR BytesReturned)
{
    struct control how = {IoctlCode, IRP_MJ_DEVICE_CONTROL, InputBuffer, OutputBuffer};
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    status = send_control(IoTarget, Request, &how, RequestOptions, BytesReturned, ft_wdf_layer);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
    return status;
}

NTSTATUS WdfIoTargetSendInternalIoctlSynchronously(WDFIOTARGET IoTarget, WDFREQUEST Request,
                                                   ULONG IoctlCode,
                                                   PWDF_MEMORY_DESCRIPTOR InputBuffer,
                                                   PWDF_MEMORY_DESCRIPTOR OutputBuffer,
                                                   PWDF_REQUEST_SEND_OPTIONS RequestOptions,
                                                   PULONG_PTR BytesReturned)
{
    struct control how = {IoctlCode, IRP_MJ_INTERNAL_DEVICE_CONTROL, InputBuffer, OutputBuffer};
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    status = send_control(IoTarget, Request, &how, RequestOptions, BytesReturned, ft_wdf_layer);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
    return status;
}

NTSTATUS WdfIoTargetSendInternalIoctlOthersSynchronously(
    WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode, PWDF_MEMORY_DESCRIPTOR OtherArg1,
    PWDF_MEMORY_DESCRIPTOR OtherArg2, PWDF_MEMORY_DESCRIPTOR OtherArg4,
    PWDF_REQUEST_SEND_OPTIONS RequestOptions, PULONG_PTR BytesReturned)
{
    struct ft_wdf_piece argument[3];
    struct call call;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    status = begin(&call, IoTarget, Request, RequestOptions, ft_wdf_layer);
    if (NT_SUCCESS(status))
        status = ft_wdf_piece_of_descriptor(OtherArg1, &argument[0]);
    if (NT_SUCCESS(status))
        status = ft_wdf_piece_of_descriptor(OtherArg2, &argument[1]);
    if (NT_SUCCESS(status))
        status = ft_wdf_piece_of_descriptor(OtherArg4, &argument[2]);
    if (NT_SUCCESS(status))
        status = ft_wdf_format_others(call.target, call.request, IoctlCode, argument);
    status = run(&call, status, BytesReturned);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
    return status;
}
