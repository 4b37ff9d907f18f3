/* The routines with which a driver formats a request for a target. */
#include "kmdf/requests.h"

static NTSTATUS transfer(WDFIOTARGET handle, WDFREQUEST request, UCHAR major, WDFMEMORY memory,
                         const WDFMEMORY_OFFSET *offsets, const LONGLONG *offset, uint8_t layer)
{
    struct ft_wdf_target *target = ft_wdf_target_check(handle);
    struct ft_wdf_request *of = ft_wdf_request_check(request, FT_WDF_USE_SEND, layer);
    struct ft_wdf_piece piece;
    NTSTATUS status = ft_wdf_piece_of_memory(memory, offsets, &piece);

    return NT_SUCCESS(status) ? ft_wdf_format_transfer(target, of, major, &piece, offset) : status;
}

NTSTATUS WdfIoTargetFormatRequestForRead(WDFIOTARGET IoTarget, WDFREQUEST Request,
                                         WDFMEMORY OutputBuffer,
                                         PWDFMEMORY_OFFSET OutputBufferOffset,
                                         PLONGLONG DeviceOffset)
{
    FT_WDF_RETURN(NTSTATUS, WDF_SEND, ft_wdf_label(Request),
                  transfer(IoTarget, Request, IRP_MJ_READ, OutputBuffer, OutputBufferOffset,
                           DeviceOffset, ft_wdf_layer));
}

NTSTATUS WdfIoTargetFormatRequestForWrite(WDFIOTARGET IoTarget, WDFREQUEST Request,
                                          WDFMEMORY InputBuffer,
                                          PWDFMEMORY_OFFSET InputBufferOffset,
                                          PLONGLONG DeviceOffset)
{
    FT_WDF_RETURN(NTSTATUS, WDF_SEND, ft_wdf_label(Request),
                  transfer(IoTarget, Request, IRP_MJ_WRITE, InputBuffer, InputBufferOffset,
                           DeviceOffset, ft_wdf_layer));
}

struct pair {
    WDFMEMORY input, output;
    const WDFMEMORY_OFFSET *input_offset, *output_offset;
};

static NTSTATUS control(WDFIOTARGET handle, WDFREQUEST request, UCHAR major, ULONG code,
                        const struct pair *pair, uint8_t layer)
{
    struct ft_wdf_target *target = ft_wdf_target_check(handle);
    struct ft_wdf_request *of = ft_wdf_request_check(request, FT_WDF_USE_SEND, layer);
    struct ft_wdf_control how = {.code = code, .major = major};
    NTSTATUS status = ft_wdf_piece_of_memory(pair->input, pair->input_offset, &how.input);

    if (NT_SUCCESS(status))
        status = ft_wdf_piece_of_memory(pair->output, pair->output_offset, &how.output);
    return NT_SUCCESS(status) ? ft_wdf_format_control(target, of, &how) : status;
}

NTSTATUS WdfIoTargetFormatRequestForIoctl(WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode,
                                          WDFMEMORY InputBuffer,
                                          PWDFMEMORY_OFFSET InputBufferOffset,
                                          WDFMEMORY OutputBuffer,
                                          PWDFMEMORY_OFFSET OutputBufferOffset)
{
    struct pair pair = {InputBuffer, OutputBuffer, InputBufferOffset, OutputBufferOffset};
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    status = control(IoTarget, Request, IRP_MJ_DEVICE_CONTROL, IoctlCode, &pair, ft_wdf_layer);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
    return status;
}

NTSTATUS WdfIoTargetFormatRequestForInternalIoctl(WDFIOTARGET IoTarget, WDFREQUEST Request,
                                                  ULONG IoctlCode, WDFMEMORY InputBuffer,
                                                  PWDFMEMORY_OFFSET InputBufferOffset,
                                                  WDFMEMORY OutputBuffer,
                                                  PWDFMEMORY_OFFSET OutputBufferOffset)
{
    struct pair pair = {InputBuffer, OutputBuffer, InputBufferOffset, OutputBufferOffset};
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    status =
        control(IoTarget, Request, IRP_MJ_INTERNAL_DEVICE_CONTROL, IoctlCode, &pair, ft_wdf_layer);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
    return status;
}

NTSTATUS WdfIoTargetFormatRequestForInternalIoctlOthers(
    WDFIOTARGET IoTarget, WDFREQUEST Request, ULONG IoctlCode, WDFMEMORY OtherArg1,
    PWDFMEMORY_OFFSET OtherArg1Offset, WDFMEMORY OtherArg2, PWDFMEMORY_OFFSET OtherArg2Offset,
    WDFMEMORY OtherArg4, PWDFMEMORY_OFFSET OtherArg4Offset)
{
    struct ft_wdf_piece argument[3];
    struct ft_wdf_target *target;
    struct ft_wdf_request *request;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    target = ft_wdf_target_check(IoTarget);
    request = ft_wdf_request_of(Request, SEND);
    status = ft_wdf_piece_of_memory(OtherArg1, OtherArg1Offset, &argument[0]);
    if (NT_SUCCESS(status))
        status = ft_wdf_piece_of_memory(OtherArg2, OtherArg2Offset, &argument[1]);
    if (NT_SUCCESS(status))
        status = ft_wdf_piece_of_memory(OtherArg4, OtherArg4Offset, &argument[2]);
    if (NT_SUCCESS(status))
        status = ft_wdf_format_others(target, request, IoctlCode, argument);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
    return status;
}

/* The next location gets what the current one has, or what the driver says: the IRP's buffers stay
 * as they are. */
static void format_plain(struct ft_wdf_request *request, const IO_STACK_LOCATION *stack)
{
    struct ft_wdf_sent *sent = &request->sent;

    ft_wdf_format_release(request);
    if (stack)
        *IoGetNextIrpStackLocation(request->irp) = *stack;
    else
        IoCopyCurrentIrpStackLocationToNext(request->irp);
    WDF_REQUEST_COMPLETION_PARAMS_INIT(&sent->params);
    sent->params.Type = (WDF_REQUEST_TYPE)IoGetNextIrpStackLocation(request->irp)->MajorFunction;
    sent->formatted = sent->plain = true;
}

enum { NO_STACK = 1, NO_IRP = 2 }; /* p2 of bug check 0x10D/6 */

static void need_irp(const struct ft_wdf_request *request)
{
    if (!request->irp)
        ft_wdf_bugcheck(FT_WDF_REQUEST_ERROR, NO_IRP, ft_wdf_handle(request), 0);
    if (request->irp->CurrentLocation <= 1)
        ft_wdf_bugcheck(FT_WDF_REQUEST_ERROR, NO_STACK, ft_handle_of(request->irp), 0);
}

VOID WdfRequestFormatRequestUsingCurrentType(WDFREQUEST Request)
{
    struct ft_wdf_request *request;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, SEND);
    need_irp(request);
    format_plain(request, NULL);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
}

VOID WdfRequestWdmFormatUsingStackLocation(WDFREQUEST Request, PIO_STACK_LOCATION Stack)
{
    struct ft_wdf_request *request;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, SEND);
    ft_wdf_require(Stack);
    need_irp(request);
    format_plain(request, Stack);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Request));
}
