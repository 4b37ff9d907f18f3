/* Formatting: a request's next stack location is filled for the target, with the buffers that it
 * takes.
 *
 * The memory objects that a format names are referenced until it is released, and a request whose
 * own buffer such a memory object is cannot be completed before.
 */
#include "kmdf/requests.h"

enum { TAG = 0x46646657 /* "WfdF" */ };

/* ---- the IRP ---- */

NTSTATUS ft_wdf_request_fit(struct ft_wdf_request *request, struct ft_wdf_target *target)
{
    CCHAR needed;

    if (!target->below)
        return STATUS_INVALID_DEVICE_STATE;
    needed = target->below->StackSize;
    if (request->irp && request->irp->CurrentLocation > needed)
        return STATUS_SUCCESS;
    if (request->kind != FT_WDF_MADE)
        return request->irp ? STATUS_REQUEST_NOT_ACCEPTED : STATUS_WDF_REQUEST_INVALID_STATE;
    if (request->irp)
        IoFreeIrp(request->irp);
    request->irp = IoAllocateIrp(needed, FALSE);
    return request->irp ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* ---- memory ---- */

NTSTATUS ft_wdf_piece_of_memory(WDFMEMORY memory, const WDFMEMORY_OFFSET *offsets,
                                struct ft_wdf_piece *ret)
{
    size_t size, offset = offsets ? offsets->BufferOffset : 0;
    char *address;

    *ret = (struct ft_wdf_piece){0};
    if (!memory)
        return STATUS_SUCCESS;
    ret->memory = ft_wdf_check(memory, FT_HC_WDF_MEMORY);
    address = WdfMemoryGetBuffer(memory, &size);
    if (offset > size || (offsets && offsets->BufferLength > size - offset))
        return STATUS_INTEGER_OVERFLOW;
    ret->address = address + offset;
    ret->offset = offset;
    ret->length = offsets && offsets->BufferLength ? offsets->BufferLength : size - offset;
    return STATUS_SUCCESS;
}

NTSTATUS ft_wdf_piece_of_descriptor(const WDF_MEMORY_DESCRIPTOR *descriptor,
                                    struct ft_wdf_piece *ret)
{
    *ret = (struct ft_wdf_piece){0};
    if (!descriptor)
        return STATUS_SUCCESS;
    switch (descriptor->Type) {
    case WdfMemoryDescriptorTypeBuffer:
        ret->address = descriptor->u.BufferType.Buffer;
        ret->length = descriptor->u.BufferType.Length;
        return STATUS_SUCCESS;
    case WdfMemoryDescriptorTypeMdl:
        ret->mdl = descriptor->u.MdlType.Mdl;
        ret->length = descriptor->u.MdlType.BufferLength ? descriptor->u.MdlType.BufferLength
                                                         : MmGetMdlByteCount(ret->mdl);
        ret->address = MmGetSystemAddressForMdlSafe(ret->mdl, NormalPagePriority);
        return ret->address ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    case WdfMemoryDescriptorTypeHandle:
        return ft_wdf_piece_of_memory(descriptor->u.HandleType.Memory,
                                      descriptor->u.HandleType.Offsets, ret);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

/* The request whose own buffer that is, NULL: it is the driver's. */
static struct ft_wdf_request *request_behind(const struct ft_wdf_object *memory)
{
    struct ft_wdf_request *request = (struct ft_wdf_request *)memory->parent;

    if (!request || request->object.class_->handle_class != FT_HC_WDF_REQUEST)
        return NULL;
    return (WDFMEMORY)memory == request->input || (WDFMEMORY)memory == request->output ? request
                                                                                       : NULL;
}

static void hold(struct ft_wdf_sent *sent, unsigned slot, const struct ft_wdf_piece *piece)
{
    struct ft_wdf_request *behind;

    sent->piece[slot] = *piece;
    if (!piece->memory)
        return;
    ft_wdf_object_refer(piece->memory);
    sent->held[slot] = piece->memory;
    behind = request_behind(piece->memory);
    if (behind)
        behind->holds++;
}

static void let_go(struct ft_wdf_sent *sent)
{
    for (unsigned slot = 0; slot < 2; slot++) {
        struct ft_wdf_object *memory = sent->held[slot];
        struct ft_wdf_request *behind = memory ? request_behind(memory) : NULL;

        sent->held[slot] = NULL;
        if (behind)
            behind->holds--;
        if (memory)
            ft_wdf_object_release(memory);
    }
}

/* ---- beginning and ending a format ---- */

static NTSTATUS begin(struct ft_wdf_target *target, struct ft_wdf_request *request)
{
    struct ft_wdf_sent *sent = &request->sent;
    NTSTATUS status;

    if (sent->target)
        return STATUS_WDF_REQUEST_ALREADY_PENDING;
    ft_wdf_format_release(request);
    status = ft_wdf_request_fit(request, target);
    if (!NT_SUCCESS(status))
        return status;
    sent->system_before = request->irp->AssociatedIrp.SystemBuffer;
    sent->user_before = request->irp->UserBuffer;
    sent->mdl_before = request->irp->MdlAddress;
    sent->formatted = true;
    sent->plain = false;
    WDF_REQUEST_COMPLETION_PARAMS_INIT(&sent->params);
    RtlZeroMemory(IoGetNextIrpStackLocation(request->irp), sizeof(IO_STACK_LOCATION));
    IoGetNextIrpStackLocation(request->irp)->FileObject = target->file;
    return STATUS_SUCCESS;
}

void ft_wdf_format_undo(struct ft_wdf_request *request)
{
    struct ft_wdf_sent *sent = &request->sent;
    PIRP irp = request->irp;

    if (!sent->formatted || sent->plain)
        return;
    if (sent->copy_to && !NT_ERROR(irp->IoStatus.Status)) {
        size_t bytes = irp->IoStatus.Information;

        if (bytes > sent->piece[1].length)
            bytes = sent->piece[1].length;
        ft_raw_copy(sent->copy_to, sent->system_buffer, bytes);
    }
    irp->AssociatedIrp.SystemBuffer = sent->system_before;
    irp->UserBuffer = sent->user_before;
    irp->MdlAddress = sent->mdl_before;
    if (sent->mdl)
        IoFreeMdl(sent->mdl);
    if (sent->system_buffer)
        ExFreePoolWithTag(sent->system_buffer, TAG);
    sent->mdl = NULL;
    sent->system_buffer = NULL;
    sent->copy_to = NULL;
    sent->plain = true;
    let_go(sent);
}

void ft_wdf_format_release(struct ft_wdf_request *request)
{
    struct ft_wdf_sent *sent = &request->sent;

    if (!sent->formatted)
        return;
    sent->copy_to = NULL;
    if (request->irp)
        ft_wdf_format_undo(request);
    sent->formatted = false;
    sent->piece[0] = sent->piece[1] = (struct ft_wdf_piece){0};
}

/* ---- buffers ---- */

static NTSTATUS attach_mdl(struct ft_wdf_request *request, const struct ft_wdf_piece *piece)
{
    struct ft_wdf_sent *sent = &request->sent;

    if (piece->length == 0)
        return STATUS_SUCCESS;
    if (piece->mdl) {
        request->irp->MdlAddress = piece->mdl;
        return STATUS_SUCCESS;
    }
    sent->mdl = IoAllocateMdl(piece->address, (ULONG)piece->length, FALSE, FALSE, NULL);
    if (!sent->mdl)
        return STATUS_INSUFFICIENT_RESOURCES;
    MmBuildMdlForNonPagedPool(sent->mdl);
    request->irp->MdlAddress = sent->mdl;
    return STATUS_SUCCESS;
}

static NTSTATUS finish(struct ft_wdf_request *request, NTSTATUS status)
{
    if (!NT_SUCCESS(status))
        ft_wdf_format_release(request);
    return status;
}

NTSTATUS ft_wdf_format_transfer(struct ft_wdf_target *target, struct ft_wdf_request *request,
                                UCHAR major, const struct ft_wdf_piece *piece,
                                const LONGLONG *offset)
{
    NTSTATUS status = begin(target, request);
    PIO_STACK_LOCATION next;

    if (!NT_SUCCESS(status))
        return status;
    next = IoGetNextIrpStackLocation(request->irp);
    next->MajorFunction = major;
    next->Parameters.Read.Length = (ULONG)piece->length;
    next->Parameters.Read.ByteOffset.QuadPart = offset ? *offset : 0;
    hold(&request->sent, 0, piece);
    if (target->below->Flags & DO_BUFFERED_IO)
        request->irp->AssociatedIrp.SystemBuffer = piece->address;
    else if (target->below->Flags & DO_DIRECT_IO)
        status = attach_mdl(request, piece);
    request->irp->UserBuffer = piece->address;
    request->sent.params.Type = (WDF_REQUEST_TYPE)major;
    request->sent.params.Parameters.Read.Buffer = (WDFMEMORY)piece->memory;
    request->sent.params.Parameters.Read.Offset = piece->offset;
    return finish(request, status);
}

static NTSTATUS attach_system(struct ft_wdf_request *request, const struct ft_wdf_control *control)
{
    struct ft_wdf_sent *sent = &request->sent;
    size_t bytes = control->input.length > control->output.length ? control->input.length
                                                                  : control->output.length;

    if (bytes == 0)
        return STATUS_SUCCESS;
    sent->system_buffer = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG);
    if (!sent->system_buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    ft_raw_copy(sent->system_buffer, control->input.address, control->input.length);
    sent->copy_to = control->output.length ? control->output.address : NULL;
    request->irp->AssociatedIrp.SystemBuffer = sent->system_buffer;
    request->irp->UserBuffer = control->output.address;
    return STATUS_SUCCESS;
}

static NTSTATUS attach_control(struct ft_wdf_request *request, const struct ft_wdf_control *control)
{
    ULONG method = METHOD_FROM_CTL_CODE(control->code);

    if (method == METHOD_BUFFERED)
        return attach_system(request, control);
    if (method == METHOD_NEITHER) {
        IoGetNextIrpStackLocation(request->irp)->Parameters.DeviceIoControl.Type3InputBuffer =
            control->input.address;
        request->irp->UserBuffer = control->output.address;
        return STATUS_SUCCESS;
    }
    request->irp->AssociatedIrp.SystemBuffer = control->input.address;
    return attach_mdl(request, &control->output);
}

NTSTATUS ft_wdf_format_control(struct ft_wdf_target *target, struct ft_wdf_request *request,
                               const struct ft_wdf_control *control)
{
    NTSTATUS status = begin(target, request);
    WDF_REQUEST_COMPLETION_PARAMS *params;
    PIO_STACK_LOCATION next;

    if (!NT_SUCCESS(status))
        return status;
    next = IoGetNextIrpStackLocation(request->irp);
    next->MajorFunction = control->major;
    next->Parameters.DeviceIoControl.IoControlCode = control->code;
    next->Parameters.DeviceIoControl.InputBufferLength = (ULONG)control->input.length;
    next->Parameters.DeviceIoControl.OutputBufferLength = (ULONG)control->output.length;
    hold(&request->sent, 0, &control->input);
    hold(&request->sent, 1, &control->output);
    status = attach_control(request, control);
    params = &request->sent.params;
    params->Type = (WDF_REQUEST_TYPE)control->major;
    params->Parameters.Ioctl.IoControlCode = control->code;
    params->Parameters.Ioctl.Input.Buffer = (WDFMEMORY)control->input.memory;
    params->Parameters.Ioctl.Input.Offset = control->input.offset;
    params->Parameters.Ioctl.Output.Buffer = (WDFMEMORY)control->output.memory;
    params->Parameters.Ioctl.Output.Offset = control->output.offset;
    return finish(request, status);
}

/* Two of the three arguments at most are referenced: more than two memory objects nobody sends. */
NTSTATUS ft_wdf_format_others(struct ft_wdf_target *target, struct ft_wdf_request *request,
                              ULONG code, const struct ft_wdf_piece argument[3])
{
    NTSTATUS status = begin(target, request);
    WDF_REQUEST_COMPLETION_PARAMS *params;
    PIO_STACK_LOCATION next;

    if (!NT_SUCCESS(status))
        return status;
    next = IoGetNextIrpStackLocation(request->irp);
    next->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    next->Parameters.Others.Argument1 = argument[0].address;
    next->Parameters.Others.Argument2 = argument[1].address;
    next->Parameters.DeviceIoControl.IoControlCode = code;
    next->Parameters.Others.Argument4 = argument[2].address;
    hold(&request->sent, 0, &argument[0]);
    hold(&request->sent, 1, &argument[1]);
    params = &request->sent.params;
    params->Type = WdfRequestTypeOther;
    params->Parameters.Others.Argument1.Ptr = argument[0].memory;
    params->Parameters.Others.Argument2.Ptr = argument[1].memory;
    params->Parameters.Others.Argument4.Ptr = argument[2].memory;
    return finish(request, status);
}
