/* The buffers of a request (kmdf.md, section 5.8): where they are depends on how the device does
 * its I/O, and for control requests on the method of the code.
 *
 * A buffer that the I/O manager copied gets one MDL when somebody asks for it, over the input's or
 * the output's length, whichever was asked for first; it is freed when the request is completed.
 * Memory objects are children of the request.
 */
#include "kmdf/requests.h"
#include "kmdf/wdf_touches.h"

static bool is_control(const IO_STACK_LOCATION *at)
{
    return at->MajorFunction == IRP_MJ_DEVICE_CONTROL ||
           at->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL;
}

/* Addresses of a user's that nobody has checked. */
static bool is_unsafe(const struct ft_wdf_request *request, const IO_STACK_LOCATION *at)
{
    return request->irp->RequestorMode != KernelMode &&
           at->MajorFunction != IRP_MJ_INTERNAL_DEVICE_CONTROL;
}

static NTSTATUS control_side(const struct ft_wdf_request *request, const IO_STACK_LOCATION *at,
                             bool output, struct ft_wdf_side *ret)
{
    ULONG method = METHOD_FROM_CTL_CODE(at->Parameters.DeviceIoControl.IoControlCode);
    PIRP irp = request->irp;

    ret->length = output ? at->Parameters.DeviceIoControl.OutputBufferLength
                         : at->Parameters.DeviceIoControl.InputBufferLength;
    if (ret->length == 0)
        return STATUS_BUFFER_TOO_SMALL;
    if (method == METHOD_NEITHER) {
        if (is_unsafe(request, at))
            return STATUS_INVALID_DEVICE_REQUEST;
        ret->address = output ? irp->UserBuffer : at->Parameters.DeviceIoControl.Type3InputBuffer;
    } else if (output && method != METHOD_BUFFERED) {
        ret->mdl = irp->MdlAddress;
    } else {
        ret->address = irp->AssociatedIrp.SystemBuffer;
    }
    return ret->address || ret->mdl ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

static NTSTATUS transfer_side(const struct ft_wdf_request *request, const IO_STACK_LOCATION *at,
                              struct ft_wdf_side *ret)
{
    PIRP irp = request->irp;

    ret->length =
        at->MajorFunction == IRP_MJ_READ ? at->Parameters.Read.Length : at->Parameters.Write.Length;
    if (ret->length == 0)
        return STATUS_BUFFER_TOO_SMALL;
    switch (request->object.device->io_type) {
    case WdfDeviceIoDirect:
        ret->mdl = irp->MdlAddress;
        break;
    case WdfDeviceIoNeither:
        if (is_unsafe(request, at))
            return STATUS_INVALID_DEVICE_REQUEST;
        ret->address = irp->UserBuffer;
        break;
    default:
        ret->address = irp->AssociatedIrp.SystemBuffer;
        break;
    }
    return ret->address || ret->mdl ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

static NTSTATUS side_of(const struct ft_wdf_request *request, bool output, struct ft_wdf_side *ret)
{
    const IO_STACK_LOCATION *at;

    *ret = (struct ft_wdf_side){0};
    if (!request->irp)
        return STATUS_INVALID_DEVICE_REQUEST;
    at = IoGetCurrentIrpStackLocation(request->irp);
    if (is_control(at))
        return control_side(request, at, output, ret);
    /* A read has an output buffer only, a write an input buffer. */
    if (at->MajorFunction != (output ? IRP_MJ_READ : IRP_MJ_WRITE))
        return STATUS_INVALID_DEVICE_REQUEST;
    return transfer_side(request, at, ret);
}

static NTSTATUS address_of(struct ft_wdf_side *side)
{
    if (!side->mdl)
        return STATUS_SUCCESS;
    side->address =
        MmGetSystemAddressForMdlSafe(side->mdl, NormalPagePriority | MdlMappingNoExecute);
    return side->address ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void ft_wdf_buffer_asked(const struct ft_wdf_request *request, unsigned what, size_t minimum,
                         size_t length, NTSTATUS status, uint8_t layer)
{
    uint8_t own = ft_layer_set(layer);

    ft_emit(FT_EV_WDF_BUFFER, ft_wdf_handle(request), what, minimum, length, (uint32_t)status);
    ft_layer_set(own);
}

/* ---- addresses ---- */

NTSTATUS ft_wdf_buffer_give(const struct ft_wdf_request *request, unsigned what,
                            struct ft_wdf_side *side, NTSTATUS status,
                            const struct ft_wdf_wanted *wanted, uint8_t layer)
{
    if (NT_SUCCESS(status) && side->length < wanted->minimum)
        status = STATUS_BUFFER_TOO_SMALL;
    if (NT_SUCCESS(status))
        status = address_of(side);
    *wanted->buffer = NT_SUCCESS(status) ? side->address : NULL;
    if (wanted->length)
        *wanted->length = NT_SUCCESS(status) ? side->length : 0;
    ft_wdf_buffer_asked(request, what, wanted->minimum, side->length, status, layer);
    return status;
}

static NTSTATUS get_buffer(WDFREQUEST handle, bool output, const struct ft_wdf_wanted *wanted,
                           uint8_t layer)
{
    struct ft_wdf_request *request = ft_wdf_request_check(handle, FT_WDF_USE_BUFFER, layer);
    struct ft_wdf_side side;
    NTSTATUS status;

    ft_wdf_require(wanted->buffer);
    status = side_of(request, output, &side);
    return ft_wdf_buffer_give(request, FT_WDF_WHAT_SIDE(output), &side, status, wanted, layer);
}

NTSTATUS WdfRequestRetrieveInputBuffer(WDFREQUEST Request, size_t MinimumRequiredLength,
                                       PVOID *Buffer, size_t *Length)
{
    FT_WDF_RETURN(NTSTATUS, WDF_REQUEST, ft_wdf_label(Request),
                  get_buffer(Request, false,
                             &(struct ft_wdf_wanted){MinimumRequiredLength, Buffer, Length},
                             ft_wdf_layer));
}

NTSTATUS WdfRequestRetrieveOutputBuffer(WDFREQUEST Request, size_t MinimumRequiredSize,
                                        PVOID *Buffer, size_t *Length)
{
    FT_WDF_RETURN(NTSTATUS, WDF_REQUEST, ft_wdf_label(Request),
                  get_buffer(Request, true,
                             &(struct ft_wdf_wanted){MinimumRequiredSize, Buffer, Length},
                             ft_wdf_layer));
}

/* ---- memory objects ---- */

/* What the requester gave the driver to read: the buffer of a write, the first one of a direct
 * control request, and the second one of METHOD_IN_DIRECT. */
static bool is_read_only(const struct ft_wdf_request *request, bool output)
{
    const IO_STACK_LOCATION *at = IoGetCurrentIrpStackLocation(request->irp);
    ULONG method = METHOD_FROM_CTL_CODE(at->Parameters.DeviceIoControl.IoControlCode);

    if (!is_control(at))
        return !output;
    return method == METHOD_IN_DIRECT || (method == METHOD_OUT_DIRECT && !output);
}

static NTSTATUS make_memory(struct ft_wdf_request *request, bool output,
                            const struct ft_wdf_side *side, WDFMEMORY *ret)
{
    NTSTATUS status = STATUS_SUCCESS;
    struct ft_wdf_memory *memory;

    if (*ret)
        return STATUS_SUCCESS;
    memory = ft_wdf_memory_new(FT_WDF_MEMORY_REQUEST, &request->object, NULL, side->address,
                               side->length, &status);
    if (!memory)
        return status;
    memory->read_only = is_read_only(request, output);
    *ret = (WDFMEMORY)memory;
    return STATUS_SUCCESS;
}

static NTSTATUS get_memory(WDFREQUEST handle, bool output, WDFMEMORY *ret, uint8_t layer)
{
    struct ft_wdf_request *request = ft_wdf_request_check(handle, FT_WDF_USE_BUFFER, layer);
    WDFMEMORY *memory = output ? &request->output : &request->input;
    struct ft_wdf_side side;
    NTSTATUS status;

    ft_wdf_require(ret);
    status = side_of(request, output, &side);
    if (NT_SUCCESS(status))
        status = address_of(&side);
    if (NT_SUCCESS(status))
        status = make_memory(request, output, &side, memory);
    if (NT_SUCCESS(status))
        *ret = *memory;
    ft_wdf_buffer_asked(request, FT_WDF_WHAT_SIDE(output) | FT_WDF_WHAT_MEMORY, 0, side.length,
                        status, layer);
    return status;
}

NTSTATUS WdfRequestRetrieveInputMemory(WDFREQUEST Request, WDFMEMORY *Memory)
{
    FT_WDF_RETURN(NTSTATUS, WDF_REQUEST, ft_wdf_label(Request),
                  get_memory(Request, false, Memory, ft_wdf_layer));
}

NTSTATUS WdfRequestRetrieveOutputMemory(WDFREQUEST Request, WDFMEMORY *Memory)
{
    FT_WDF_RETURN(NTSTATUS, WDF_REQUEST, ft_wdf_label(Request),
                  get_memory(Request, true, Memory, ft_wdf_layer));
}

/* ---- MDLs ---- */

/* Addresses of a user's have no MDL, not even for a requester in the kernel. */
static bool has_no_mdl(const struct ft_wdf_request *request)
{
    const IO_STACK_LOCATION *at = IoGetCurrentIrpStackLocation(request->irp);

    if (is_control(at))
        return METHOD_FROM_CTL_CODE(at->Parameters.DeviceIoControl.IoControlCode) == METHOD_NEITHER;
    return request->object.device->io_type == WdfDeviceIoNeither;
}

static NTSTATUS mdl_of(struct ft_wdf_request *request, bool output, PMDL *ret, ULONG *length)
{
    struct ft_wdf_side side;
    NTSTATUS status = side_of(request, output, &side);

    *ret = NULL;
    *length = side.length;
    if (request->irp && has_no_mdl(request))
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!NT_SUCCESS(status))
        return status;
    if (!side.mdl && !request->mdl) {
        request->mdl = IoAllocateMdl(side.address, side.length, FALSE, FALSE, NULL);
        if (!request->mdl)
            return STATUS_INSUFFICIENT_RESOURCES;
        ft_block_set_label(request->mdl, ft_label_of(request));
        MmBuildMdlForNonPagedPool(request->mdl);
    }
    *ret = side.mdl ? side.mdl : request->mdl;
    return STATUS_SUCCESS;
}

static NTSTATUS get_mdl(WDFREQUEST handle, bool output, PMDL *ret, uint8_t layer)
{
    struct ft_wdf_request *request = ft_wdf_request_check(handle, FT_WDF_USE_BUFFER, layer);
    ULONG length;
    NTSTATUS status;

    ft_wdf_require(ret);
    status = mdl_of(request, output, ret, &length);
    ft_wdf_buffer_asked(request, FT_WDF_WHAT_SIDE(output) | FT_WDF_WHAT_MDL, 0, length, status,
                        layer);
    return status;
}

NTSTATUS WdfRequestRetrieveInputWdmMdl(WDFREQUEST Request, PMDL *Mdl)
{
    FT_WDF_RETURN(NTSTATUS, WDF_REQUEST, ft_wdf_label(Request),
                  get_mdl(Request, false, Mdl, ft_wdf_layer));
}

NTSTATUS WdfRequestRetrieveOutputWdmMdl(WDFREQUEST Request, PMDL *Mdl)
{
    FT_WDF_RETURN(NTSTATUS, WDF_REQUEST, ft_wdf_label(Request),
                  get_mdl(Request, true, Mdl, ft_wdf_layer));
}

/* The table of kmdf.md, section 2.3. */
NTSTATUS ft_wdf_request_dma(WDFREQUEST request, WDF_DMA_DIRECTION direction, PMDL *mdl,
                            ULONG *length)
{
    struct ft_wdf_request *of = ft_wdf_check(request, FT_HC_WDF_REQUEST);
    bool write = direction == WdfDmaDirectionWriteToDevice, output = !write;
    const IO_STACK_LOCATION *at;
    ULONG method;
    NTSTATUS status;

    if (!of->irp)
        return STATUS_INVALID_DEVICE_REQUEST;
    at = IoGetCurrentIrpStackLocation(of->irp);
    if (is_control(at)) {
        method = METHOD_FROM_CTL_CODE(at->Parameters.DeviceIoControl.IoControlCode);
        if (method == METHOD_NEITHER || (method == METHOD_IN_DIRECT && !write) ||
            (method == METHOD_OUT_DIRECT && write))
            return STATUS_INVALID_DEVICE_REQUEST;
        output = output || method == METHOD_IN_DIRECT;
    }
    status = mdl_of(of, output, mdl, length);
    return status == STATUS_BUFFER_TOO_SMALL ? STATUS_INVALID_DEVICE_REQUEST : status;
}

void ft_wdf_request_release_buffers(struct ft_wdf_request *request)
{
    ft_wdf_touch_request(ft_wdf_handle(request));
    if (request->mdl)
        IoFreeMdl(request->mdl);
    request->mdl = NULL;
}
