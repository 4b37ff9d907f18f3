/* What a request is asked: its parameters, file, queue, requester and IRP (kmdf.md, section 5.8).
 *
 * Not modelled: 32-bit processes; process ids (0: nobody's).
 */
#include "kmdf/requests.h"

static bool is_control(unsigned major)
{
    return major == IRP_MJ_DEVICE_CONTROL || major == IRP_MJ_INTERNAL_DEVICE_CONTROL;
}

/* The parameters of the framework and of the I/O manager have the same shape behind the first
 * word of each, but for lengths, which are wider here. */
void ft_wdf_request_parameters(const struct ft_wdf_request *request,
                               PWDF_REQUEST_PARAMETERS parameters)
{
    const IO_STACK_LOCATION *at = IoGetCurrentIrpStackLocation(request->irp);

    parameters->MinorFunction = at->MinorFunction;
    parameters->Type = (WDF_REQUEST_TYPE)at->MajorFunction;
    switch (at->MajorFunction) {
    case IRP_MJ_CREATE:
        parameters->Parameters.Create.SecurityContext = at->Parameters.Create.SecurityContext;
        parameters->Parameters.Create.Options = at->Parameters.Create.Options;
        parameters->Parameters.Create.FileAttributes = at->Parameters.Create.FileAttributes;
        parameters->Parameters.Create.ShareAccess = at->Parameters.Create.ShareAccess;
        parameters->Parameters.Create.EaLength = at->Parameters.Create.EaLength;
        break;
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
        parameters->Parameters.Read.Length = at->Parameters.Read.Length;
        parameters->Parameters.Read.Key = at->Parameters.Read.Key;
        parameters->Parameters.Read.DeviceOffset = at->Parameters.Read.ByteOffset.QuadPart;
        break;
    default:
        parameters->Parameters.Others.Arg1 = at->Parameters.Others.Argument1;
        parameters->Parameters.Others.Arg2 = at->Parameters.Others.Argument2;
        parameters->Parameters.Others.IoControlCode =
            (ULONG)(uintptr_t)at->Parameters.Others.Argument3;
        parameters->Parameters.Others.Arg4 = at->Parameters.Others.Argument4;
        break;
    }
    if (!is_control(at->MajorFunction))
        return;
    parameters->Parameters.DeviceIoControl.OutputBufferLength =
        at->Parameters.DeviceIoControl.OutputBufferLength;
    parameters->Parameters.DeviceIoControl.InputBufferLength =
        at->Parameters.DeviceIoControl.InputBufferLength;
    parameters->Parameters.DeviceIoControl.IoControlCode =
        at->Parameters.DeviceIoControl.IoControlCode;
    parameters->Parameters.DeviceIoControl.Type3InputBuffer =
        at->Parameters.DeviceIoControl.Type3InputBuffer;
}

VOID WdfRequestGetParameters(WDFREQUEST Request, PWDF_REQUEST_PARAMETERS Parameters)
{
    struct ft_wdf_request *request;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    ft_wdf_require(Parameters);
    if (request->irp)
        ft_wdf_request_parameters(request, Parameters);
    ft_wdf_emit(FT_EV_WDF_PARAMETERS, ft_wdf_handle(request), Parameters->Type, request->in_stop);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
}

WDFFILEOBJECT WdfRequestGetFileObject(WDFREQUEST Request)
{
    struct ft_wdf_request *request;
    struct ft_wdf_file *file = NULL;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    if (request->irp && request->kind == FT_WDF_FROM_IO)
        file = ft_wdf_file_of(request->object.device,
                              IoGetCurrentIrpStackLocation(request->irp)->FileObject);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
    return (WDFFILEOBJECT)file;
}

WDFQUEUE WdfRequestGetIoQueue(WDFREQUEST Request)
{
    struct ft_wdf_request *request;
    WDFQUEUE queue;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    queue = request->place != FT_WDF_CALLER && request->queue && !request->queue->internal
                ? (WDFQUEUE)request->queue
                : NULL;
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
    return queue;
}

KPROCESSOR_MODE WdfRequestGetRequestorMode(WDFREQUEST Request)
{
    struct ft_wdf_request *request;
    KPROCESSOR_MODE mode;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    mode = request->irp ? request->irp->RequestorMode : KernelMode;
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
    return mode;
}

BOOLEAN WdfRequestIsFrom32BitProcess(WDFREQUEST Request)
{
    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    ft_wdf_request_of(Request, OTHER);
    ft_wdf_irql_ok(APC_LEVEL);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
    return FALSE;
}

ULONG WdfRequestGetRequestorProcessId(WDFREQUEST Request)
{
    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    ft_wdf_request_of(Request, OTHER);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
    return 0;
}

BOOLEAN WdfRequestIsReserved(WDFREQUEST Request)
{
    const struct ft_wdf_request *request;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
    return request->reserver != NULL;
}

PIRP WdfRequestWdmGetIrp(WDFREQUEST Request)
{
    struct ft_wdf_request *request;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
    return request->irp;
}

/* The result of a request that was sent, or of one that could not be. */
NTSTATUS WdfRequestGetStatus(WDFREQUEST Request)
{
    struct ft_wdf_request *request;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Request));
    request = ft_wdf_request_of(Request, OTHER);
    status = request->status;
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Request));
    return status;
}
