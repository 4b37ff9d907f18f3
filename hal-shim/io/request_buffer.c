/* The buffers of the requester's requests (wdm-io sheet, section 2.3; nf-wdm-iobuilddeviceiocontrol
 * request and the pages on buffered, direct and neither I/O).
 *
 * Buffered: the driver gets a system buffer, and Information bytes of it are copied to the
 * requester when the request ends without an error. A system buffer is nonpaged pool: it begins a
 * page when it is a page or longer, and lies within one page else. Direct: an MDL over the
 * requester's locked pages. Neither: the requester's own addresses.
 */
#include "io/io_private.h"
#include "dma/frames.h"

enum { POOL_UNIT = 16, POOL_STEP = 0x150 };

/* Where pool of that size would lie in its page; the same for the same request. */
static uint32_t pool_offset(const struct ft_request *request)
{
    uint32_t room = FT_PAGE_BYTES - request->bytes % FT_PAGE_BYTES;

    if (request->bytes >= FT_PAGE_BYTES)
        return 0;
    return (request->op_index * POOL_STEP) % room / POOL_UNIT * POOL_UNIT;
}

static void *user_buffer(const struct ft_request *request, bool device_writes)
{
    void *buffer =
        ft_buffer_create(request->bytes, request->page_offset, request->label, device_writes);

    if (!buffer)
        ft_io_cut();
    return buffer;
}

static void *system_buffer(const struct ft_request *request, bool device_writes)
{
    return ft_buffer_create_system(request->bytes, pool_offset(request), request->label,
                                   device_writes);
}

/* Locks the requester's pages and describes them with an MDL. False: a world choice made that fail.
 */
static bool lock_pages(PIRP irp, const struct ft_request *request, LOCK_OPERATION operation)
{
    PMDL mdl = IoAllocateMdl(request->buffer, request->bytes, FALSE, TRUE, NULL);

    irp->MdlAddress = mdl;
    if (!mdl)
        return false;
    ft_block_set_label(mdl, request->label);
    MmProbeAndLockPages(mdl, UserMode, operation);
    return true;
}

/* A write's data is in the system buffer from the start, and its requester's own buffer is never
 * seen again. */
static bool attach_buffered(PIRP irp, struct ft_request *request, bool write)
{
    request->system = system_buffer(request, !write);
    irp->AssociatedIrp.SystemBuffer = request->system;
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    if (write || !request->system)
        return request->system != NULL;
    irp->Flags |= IRP_INPUT_OPERATION;
    request->buffer = user_buffer(request, true);
    irp->UserBuffer = request->buffer;
    return request->buffer != NULL;
}

static bool attach_transfer(PIRP irp, struct ft_request *request, ULONG flags)
{
    bool write = request->op == FT_OP_WRITE;

    if (flags & DO_BUFFERED_IO)
        return attach_buffered(irp, request, write);
    request->buffer = user_buffer(request, !write);
    if (!request->buffer)
        return false;
    if (flags & DO_DIRECT_IO)
        return lock_pages(irp, request, write ? IoReadAccess : IoWriteAccess);
    irp->UserBuffer = request->buffer;
    return true;
}

/* One system buffer serves for input and output. */
static bool attach_control(PIRP irp, struct ft_request *request)
{
    ULONG method = METHOD_FROM_CTL_CODE(request->code);
    bool out = method != METHOD_IN_DIRECT;

    if (method == METHOD_BUFFERED)
        return attach_buffered(irp, request, false);
    request->input =
        method == METHOD_NEITHER ? user_buffer(request, false) : system_buffer(request, false);
    request->buffer = request->input ? user_buffer(request, out) : NULL;
    if (!request->buffer)
        return false;
    if (method == METHOD_NEITHER) {
        irp->UserBuffer = request->buffer;
        IoGetNextIrpStackLocation(irp)->Parameters.DeviceIoControl.Type3InputBuffer =
            request->input;
        return true;
    }
    irp->AssociatedIrp.SystemBuffer = request->input;
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    return lock_pages(irp, request, out ? IoWriteAccess : IoReadAccess);
}

bool ft_request_attach(PIRP irp, struct ft_request *request, ULONG flags)
{
    if (request->bytes == 0)
        return true;
    return request->op == FT_OP_IOCTL ? attach_control(irp, request)
                                      : attach_transfer(irp, request, flags);
}

void ft_request_free_buffers(struct ft_request *request)
{
    ft_buffer_destroy(request->buffer);
    ft_buffer_destroy(request->system);
    ft_buffer_destroy(request->input);
}

/* ---- what came of it ---- */

static uint32_t claimed(PIRP irp, const struct ft_request *request)
{
    ULONG_PTR bytes = irp->IoStatus.Information;

    return bytes < request->bytes ? (uint32_t)bytes : request->bytes;
}

/* Where the driver found the data: NULL when there is none, or when Information counts something
 * else, as for METHOD_IN_DIRECT. */
static void *data_of(const struct ft_request *request)
{
    if (request->op == FT_OP_IOCTL && METHOD_FROM_CTL_CODE(request->code) == METHOD_IN_DIRECT)
        return NULL;
    return request->system ? request->system : request->buffer;
}

/* Bytes that the processor may have moved to the device for this request: what it wrote since the
 * request was sent, and since the last one was completed. */
static uint32_t written_by_hand(const struct ft_request *request)
{
    uint64_t since =
        request->by_hand > FT_DEV->by_hand_since ? request->by_hand : FT_DEV->by_hand_since;
    uint64_t bytes = FT_DEV->by_hand - since;

    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

uint32_t ft_request_by_hand(PIRP irp)
{
    const struct ft_irp_private *private = ft_irp_private(irp);
    const struct ft_request *request;

    if (ft_irp_owner(irp) != FT_IRP_OF_REQUEST || private->ended)
        return 0;
    request = &ft_device_numbered(private->device)->request[private->index];
    if (request->disk || !data_of(request) || !NT_SUCCESS(irp->IoStatus.Status))
        return 0;
    return ft_buffer_by_hand(data_of(request), claimed(irp, request), request->op == FT_OP_WRITE,
                             written_by_hand(request));
}

static void compare(PIRP irp, const struct ft_request *request, void *data)
{
    uint32_t bytes = claimed(irp, request), equal, first;
    uint64_t arg[4];

    ft_buffer_compare(data, bytes, request->op == FT_OP_WRITE, written_by_hand(request), &equal,
                      &first);
    arg[0] = ft_irp_handle(irp);
    arg[1] = bytes;
    arg[2] = equal;
    arg[3] = first;
    ft_emit_as(FT_LAYER_HARNESS, ft_irp_id(irp), FT_EV_DATA_COMPARE, 4, arg);
}

void ft_request_deliver(PIRP irp, const struct ft_request *request)
{
    void *data = data_of(request);

    if (request->system && request->buffer) {
        ft_buffer_copy(request->buffer, request->system, claimed(irp, request));
        data = request->buffer;
    }
    if (!data)
        return;
    compare(irp, request, data);
    if (request->op == FT_OP_READ)
        ft_model_delivered(irp, data, claimed(irp, request));
}
