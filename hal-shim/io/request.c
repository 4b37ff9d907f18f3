/* The requester: reads and writes, their buffers, cancellation, and the handle.
 *
 * Each request has a thread of its own that sends the IRP and ends; completion finds the requester
 * in whatever task completes it. The request's data is compared there, before the pages are
 * unlocked.
 *
 * Not modelled: requests of several processes; a requester that waits for one request before the
 * next; asynchronous procedure calls, so buffer and IRP go in the completing task; the system
 * buffer of buffered I/O and its copies (the driver gets the requester's own pages at their own
 * offset); the security context of CREATE.
 */
#include "io/io_private.h"
#include "dma/frames.h"

unsigned ft_label_claim(unsigned label)
{
    uint8_t bit = (uint8_t)(1u << label % 8);

    if (label == 0 || (FT_M->label_used[label / 8] & bit))
        return 0;
    FT_M->label_used[label / 8] |= bit;
    return label;
}

void ft_task_for_device(struct ft_task *task)
{
    if (task)
        task->device = FT_IO->pdo_id;
}

unsigned ft_io_outstanding(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < FT_REQUESTS_MAX; i++)
        count += FT_IO->request[i].state != FT_REQUEST_FREE;
    return count;
}

/* ---- the end of a request ---- */

static void compare_data(PIRP irp, const struct ft_request *request)
{
    uint32_t bytes = request->bytes, equal, first;
    uint64_t arg[4];

    if (irp->IoStatus.Information < bytes)
        bytes = (uint32_t)irp->IoStatus.Information;
    ft_buffer_compare(request->buffer, bytes, request->op == FT_OP_WRITE, &equal, &first);
    arg[0] = ft_irp_handle(irp);
    arg[1] = bytes;
    arg[2] = equal;
    arg[3] = first;
    ft_emit_as(FT_LAYER_HARNESS, ft_irp_id(irp), FT_EV_DATA_COMPARE, 4, arg);
}

void ft_request_done(PIRP irp, unsigned index)
{
    struct ft_request *request = &FT_IO->request[index];
    uint16_t served = ft_current()->request;

    FT_ASSERT(request->irp == irp && request->state == FT_REQUEST_SENT);
    ft_current()->request = (uint16_t)ft_irp_id(irp);
    if (NT_SUCCESS(irp->IoStatus.Status) && request->buffer)
        compare_data(irp, request);
    ft_irp_release_pages(irp);
    if (request->buffer)
        ft_buffer_destroy(request->buffer);
    *request = (struct ft_request){0};
    ft_requester_left();
    ft_irp_retire(irp);
    ft_current()->request = served;
}

/* ---- sending ---- */

/* Locks the requester's pages and describes them with an MDL. NULL: a world choice made that fail.
 */
static PMDL lock_pages(const struct ft_request *request)
{
    PMDL mdl = IoAllocateMdl(request->buffer, request->bytes, FALSE, TRUE, NULL);

    if (!mdl)
        return NULL;
    ft_block_set_label(mdl, request->label);
    MmProbeAndLockPages(mdl, UserMode, request->op == FT_OP_READ ? IoWriteAccess : IoReadAccess);
    return mdl;
}

static void fill_irp(PIRP irp, const struct ft_request *request)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    bool write = request->op == FT_OP_WRITE;

    irp->Flags = write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
    irp->RequestorMode = UserMode;
    irp->Tail.Overlay.OriginalFileObject = FT_IO->file;
    next->MajorFunction = write ? IRP_MJ_WRITE : IRP_MJ_READ;
    next->FileObject = FT_IO->file;
    next->Parameters.Read.Length = request->bytes;
    next->Parameters.Read.ByteOffset.QuadPart = (LONGLONG)request->position;
}

/* The requester's memory in the form that the device's flags ask for. False: the MDL could not be
 * had. Buffered requests get a system buffer whose frames are the requester's own, so there is no
 * copy and the comparison sees what the driver left there. */
static bool attach_buffer(PIRP irp, const struct ft_request *request, ULONG flags)
{
    if (!request->buffer)
        return true;
    if (flags & DO_DIRECT_IO) {
        irp->MdlAddress = lock_pages(request);
        return irp->MdlAddress != NULL;
    }
    if (flags & DO_BUFFERED_IO)
        irp->AssociatedIrp.SystemBuffer = request->buffer;
    irp->UserBuffer = request->buffer;
    return true;
}

/* The I/O manager gives up before the driver sees the request. */
static void refuse(PIRP irp, unsigned index)
{
    uint64_t arg[] = {ft_irp_handle(irp), (uint32_t)STATUS_INSUFFICIENT_RESOURCES, 0};

    irp->IoStatus.Status = STATUS_INSUFFICIENT_RESOURCES;
    ft_emit_as(FT_LAYER_HARNESS, ft_irp_id(irp), FT_EV_IRP_DONE, 3, arg);
    ft_request_done(irp, index);
}

static bool may_request(void)
{
    return FT_IO->open && !FT_IO->cleaned && !FT_IO->removing && FT_IO->system == FT_S0;
}

void ft_requester_left(void)
{
    ft_wake_waiters(&FT_IO->removing, STATUS_SUCCESS, true);
}

static bool requester_inside(void)
{
    bool inside = FT_IO->send[FT_SEND_HANDLE].irp != 0;

    for (unsigned i = 0; i < FT_REQUESTS_MAX; i++)
        inside = inside || FT_IO->request[i].inside;
    return inside;
}

void ft_requester_keep_out(void)
{
    FT_IO->removing = 1;
    while (requester_inside())
        ft_task_wait(&FT_IO->removing, 0);
}

static void send_request(void *argument)
{
    struct ft_request *request = argument;
    unsigned index = (unsigned)(request - FT_IO->request);
    PDEVICE_OBJECT top;
    PIRP irp = NULL;

    if (!may_request()) {
        /* The device went between the op and its thread. */
        ft_op_skipped(request->op, request->label, request->op_index);
    } else {
        top = ft_device_top(FT_IO->pdo);
        request->inside = 1;
        irp = ft_irp_create_or_cut(top->StackSize, FT_IRP_OF_REQUEST, index, request->label);
    }
    if (!irp) {
        *request = (struct ft_request){0};
        ft_requester_left();
        return;
    }
    ft_current()->request = (uint16_t)ft_irp_id(irp);
    request->irp = irp;
    request->state = FT_REQUEST_SENT;
    if (request->bytes)
        request->buffer = ft_buffer_create(request->bytes, request->page_offset, request->label,
                                           request->op == FT_OP_READ);
    if (request->bytes && !request->buffer)
        ft_io_cut();
    fill_irp(irp, request);
    if (!attach_buffer(irp, request, top->Flags)) {
        ft_irp_announce_system(irp, request->bytes, request->op == FT_OP_WRITE);
        refuse(irp, index);
        return;
    }
    ft_irp_announce_system(irp, request->bytes, request->op == FT_OP_WRITE);
    ft_irp_call(top, irp);
    /* The slot may serve another request by now. */
    if (request->irp == irp) {
        request->inside = 0;
        ft_requester_left();
    }
}

bool ft_request_op(const struct ft_op *op)
{
    const struct ft_description *description = ft_world_module()->description;
    unsigned takes = op->kind == FT_OP_WRITE ? FT_TAKES_WRITE : FT_TAKES_READ;
    struct ft_request *request = NULL;
    struct ft_task *task;

    for (unsigned i = 0; i < FT_REQUESTS_MAX && !request; i++)
        if (FT_IO->request[i].state == FT_REQUEST_FREE)
            request = &FT_IO->request[i];
    if (!request || !may_request() || !(description->requests & takes))
        return false;
    *request = (struct ft_request){.state = FT_REQUEST_NEW, .op = op->kind};
    request->label = (uint8_t)ft_label_claim(op->label);
    request->bytes = op->arg[0] % (description->request_bytes_max + 1);
    request->page_offset = op->arg[1];
    request->position = FT_IO->position;
    request->op_index = FT_M->op_index;
    FT_IO->position += request->bytes;
    task = ft_task_spawn(FT_TASK_THREAD, send_request, request, request->label);
    if (!task)
        *request = (struct ft_request){0};
    ft_task_for_device(task);
    ft_task_prefer(task);
    return true;
}

/* ---- cancelling ---- */

/* The pin keeps the IRP until this thread has run, as the requesting thread's own list does in
 * Windows. */
static void cancel_request(void *argument)
{
    PIRP irp = argument;
    unsigned label = ft_label_of(irp);

    ft_current()->request = (uint16_t)ft_irp_id(irp);
    FT_DDI_BEGIN(CANCEL_LOCK, label);
    if (!ft_irp_private(irp)->ended)
        ft_irp_cancel(irp);
    FT_DDI_END(CANCEL_LOCK, label);
    ft_irp_unpin(irp);
}

static struct ft_task *spawn_cancel(struct ft_request *request, unsigned label)
{
    struct ft_task *task;

    ft_irp_pin(request->irp);
    task = ft_task_spawn(FT_TASK_THREAD, cancel_request, request->irp, label);
    ft_task_for_device(task);
    return task;
}

/* The requester can cancel what it has sent and not got back; anything else is skipped. */
bool ft_cancel_op(const struct ft_op *op)
{
    for (unsigned i = 0; i < FT_REQUESTS_MAX; i++) {
        struct ft_request *request = &FT_IO->request[i];

        if (op->arg[0] == 0 || request->state != FT_REQUEST_SENT || request->label != op->arg[0])
            continue;
        ft_task_prefer(spawn_cancel(request, ft_label_claim(op->label)));
        return true;
    }
    return false;
}

void ft_requests_cancel_all(void)
{
    for (unsigned i = 0; i < FT_REQUESTS_MAX; i++)
        if (FT_IO->request[i].state == FT_REQUEST_SENT)
            spawn_cancel(&FT_IO->request[i], FT_IO->request[i].label);
}

/* ---- the handle ---- */

NTSTATUS ft_handle_send(UCHAR major)
{
    PIRP irp = ft_send_prepare(FT_SEND_HANDLE, major, 0);
    PIO_STACK_LOCATION next;

    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    next = IoGetNextIrpStackLocation(irp);
    irp->RequestorMode = UserMode;
    irp->Tail.Overlay.OriginalFileObject = FT_IO->file;
    if (major == IRP_MJ_CREATE) {
        irp->Flags = IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API;
        next->Parameters.Create.ShareAccess = 3; /* others may read and write */
    } else {
        irp->Flags = IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
    }
    return ft_send_wait(FT_SEND_HANDLE, irp);
}

/* Not modelled: a user that keeps its handle; Windows would veto the removal. */
void ft_handle_let_go(void)
{
    ft_requester_keep_out();
    if (!FT_IO->open)
        return;
    FT_IO->cleaned = 1;
    ft_handle_send(IRP_MJ_CLEANUP);
    while (ft_io_outstanding() > 0)
        ft_task_wait(&FT_IO->removing, 0);
    ft_handle_send(IRP_MJ_CLOSE);
    FT_IO->open = 0;
}

void ft_handle_take_again(void)
{
    FT_IO->removing = 0;
    if (!FT_IO->file || FT_IO->open || !NT_SUCCESS(ft_handle_send(IRP_MJ_CREATE)))
        return;
    FT_IO->open = 1;
    FT_IO->cleaned = 0;
}
