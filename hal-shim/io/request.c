/* The requester: reads, writes and device control requests, and their cancellation. Buffers are in
 * request_buffer.c, handles in file.c.
 *
 * Each request has a thread of its own that sends the IRP and ends; completion finds the requester
 * in whatever task completes it. The request's data is compared there, before the pages are
 * unlocked.
 *
 * Not modelled: requests of several processes; a requester that waits for one request before the
 * next; asynchronous procedure calls, so buffer and IRP go in the completing task.
 */
#include "io/io_private.h"

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
        task->device = FT_DEV->pdo_id;
}

struct ft_request *ft_request_at(unsigned index)
{
    struct ft_io_device *device = ft_device_numbered(index / FT_REQUESTS_MAX);

    return device ? &device->request[index % FT_REQUESTS_MAX] : NULL;
}

static unsigned count_outstanding(const struct ft_io_device *device)
{
    unsigned count = 0;

    for (unsigned i = 0; i < FT_REQUESTS_MAX; i++)
        count += device->request[i].state != FT_REQUEST_FREE;
    return count;
}

unsigned ft_device_outstanding(void)
{
    return count_outstanding(FT_DEV);
}

unsigned ft_io_outstanding(void)
{
    unsigned count = 0;

    FT_EACH_DEVICE(device)
        count += count_outstanding(device);
    return count;
}

unsigned ft_requests_of(unsigned file)
{
    unsigned count = 0;

    for (unsigned i = 0; i < FT_REQUESTS_MAX; i++)
        count += FT_DEV->request[i].state != FT_REQUEST_FREE && FT_DEV->request[i].file == file;
    return count;
}

/* ---- the end of a request ---- */

void ft_request_done(PIRP irp, unsigned index)
{
    struct ft_request *request = &FT_DEV->request[index];
    uint16_t served = ft_current()->request;

    FT_ASSERT(request->irp == irp && request->state == FT_REQUEST_SENT);
    ft_current()->request = (uint16_t)ft_irp_id(irp);
    if (request->disk)
        ft_disk_request_ends(irp, request);
    else if (NT_SUCCESS(irp->IoStatus.Status))
        ft_request_deliver(irp, request);
    ft_irp_release_pages(irp);
    ft_request_free_buffers(request);
    *request = (struct ft_request){0};
    FT_DEV->by_hand_since = FT_DEV->by_hand;
    ft_requester_left();
    ft_irp_retire(irp);
    ft_current()->request = served;
}

/* ---- sending ---- */

static void fill_transfer(PIRP irp, const struct ft_request *request)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    bool write = request->op == FT_OP_WRITE;

    irp->Flags = write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
    next->MajorFunction = write ? IRP_MJ_WRITE : IRP_MJ_READ;
    next->Parameters.Read.Length = request->bytes;
    next->Parameters.Read.ByteOffset.QuadPart = (LONGLONG)request->position;
    next->Parameters.Read.Key = request->how;
}

static void fill_control(PIRP irp, const struct ft_request *request)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);

    next->MajorFunction = IRP_MJ_DEVICE_CONTROL;
    next->Parameters.DeviceIoControl.IoControlCode = request->code;
    next->Parameters.DeviceIoControl.InputBufferLength = request->bytes;
    next->Parameters.DeviceIoControl.OutputBufferLength = request->bytes;
}

static void fill_irp(PIRP irp, struct ft_request *request)
{
    irp->RequestorMode = UserMode;
    irp->UserIosb = (PIO_STATUS_BLOCK)request->iosb;
    /* A file system has no file object of the disk. */
    if (!request->disk)
        irp->Tail.Overlay.OriginalFileObject = FT_DEV->file[request->file].object;
    if (request->op == FT_OP_IOCTL)
        fill_control(irp, request);
    else
        fill_transfer(irp, request);
    IoGetNextIrpStackLocation(irp)->FileObject = irp->Tail.Overlay.OriginalFileObject;
}

static void announce(PIRP irp, const struct ft_request *request)
{
    uint64_t arg[] = {ft_irp_handle(irp), request->code, request->bytes, request->bytes,
                      METHOD_FROM_CTL_CODE(request->code)};

    ft_irp_announce_system(irp, request->bytes, request->op == FT_OP_WRITE);
    if (request->op == FT_OP_IOCTL)
        ft_emit_as(FT_LAYER_HARNESS, ft_irp_id(irp), FT_EV_IRP_BUFFERS, 5, arg);
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
    return ft_handle_current() && !FT_DEV->removing && FT_IO->system == FT_S0;
}

/* The top of the stack that the request goes to; NULL: there is none now. */
static PDEVICE_OBJECT top_for(const struct ft_request *request)
{
    const struct ft_file *file = ft_handle_current();

    if (!may_request())
        return NULL;
    if (request->disk)
        return ft_disk_opened(request);
    return ft_device_top(((PFILE_OBJECT)file->object)->DeviceObject);
}

void ft_requester_left(void)
{
    ft_wake_waiters(&FT_DEV->removing, STATUS_SUCCESS, true);
}

static bool requester_inside(void)
{
    bool inside = false;

    for (unsigned i = FT_SEND_HANDLE; i < FT_SEND_COUNT; i++)
        inside = inside || FT_DEV->send[i].irp != 0;
    for (unsigned i = 0; i < FT_REQUESTS_MAX; i++)
        inside = inside || FT_DEV->request[i].inside;
    for (unsigned i = 0; i < FT_FILES_MAX; i++)
        inside = inside || (FT_DEV->file[i].state == FT_FILE_OPENING && FT_DEV->file[i].object);
    return inside;
}

void ft_requester_keep_out(void)
{
    FT_DEV->removing = 1;
    while (requester_inside())
        ft_task_wait(&FT_DEV->removing, 0);
}

static unsigned op_of(const struct ft_request *request)
{
    if (!request->disk)
        return request->op;
    return request->op == FT_OP_READ ? FT_OP_DISK_READ : FT_OP_DISK_WRITE;
}

static void send_request(void *argument)
{
    struct ft_request *request = argument;
    unsigned index = (unsigned)(request - FT_DEV->request);
    PDEVICE_OBJECT top = top_for(request);
    PIRP irp = NULL;
    bool attached;

    if (!top) {
        /* The device went between the op and its thread. */
        ft_op_skipped(op_of(request), request->label, request->op_index);
    } else {
        request->inside = 1;
        request->file = (uint8_t)(ft_handle_current() - FT_DEV->file);
        irp = ft_irp_create_or_cut(top->StackSize, FT_IRP_OF_REQUEST, index, request->label);
    }
    if (!irp) {
        *request = (struct ft_request){0};
        ft_wake_waiters(request, STATUS_SUCCESS, true);
        ft_requester_left();
        return;
    }
    ft_current()->request = (uint16_t)ft_irp_id(irp);
    request->irp = irp;
    request->state = FT_REQUEST_SENT;
    request->by_hand = FT_DEV->by_hand;
    fill_irp(irp, request);
    attached = ft_request_attach(irp, request, top->Flags) &&
               (!request->disk || ft_disk_request_begins(request));
    announce(irp, request);
    ft_wake_waiters(request, STATUS_SUCCESS, true);
    if (!attached) {
        refuse(irp, index);
        return;
    }
    ft_irp_call(top, irp);
    /* The slot may serve another request by now. */
    if (request->irp == irp) {
        request->inside = 0;
        ft_requester_left();
    }
}

/* What a request is, whichever op asks for it. */
static uint8_t request_kind(unsigned op)
{
    switch (op) {
    case FT_OP_READ_PAGES:
    case FT_OP_DISK_READ:
        return FT_OP_READ;
    case FT_OP_WRITE_PAGES:
    case FT_OP_DISK_WRITE:
        return FT_OP_WRITE;
    default:
        return (uint8_t)op;
    }
}

static bool is_of_disk(unsigned op)
{
    return op == FT_OP_DISK_READ || op == FT_OP_DISK_WRITE;
}

/* The driver takes requests of that kind. */
static bool is_taken(const struct ft_op *op)
{
    const struct ft_description *description = ft_world_module()->description;
    const struct ft_request disk = {.disk = (uint8_t)(1 + op->arg[1] / SIM_MEDIA_BLOCKS)};

    if (is_of_disk(op->kind))
        return ft_disk_opened(&disk) != NULL;
    switch (request_kind(op->kind)) {
    case FT_OP_READ:
        return description->requests & FT_TAKES_READ;
    case FT_OP_WRITE:
        return description->requests & FT_TAKES_WRITE;
    default:
        return (description->requests & FT_TAKES_IOCTL) && description->control[0];
    }
}

static uint32_t control_code(unsigned choice)
{
    const uint32_t *control = ft_world_module()->description->control;
    unsigned count = 0;

    while (count < FT_CONTROLS_MAX && control[count])
        count++;
    return control[choice % count];
}

static struct ft_request *free_request(void)
{
    for (unsigned i = 0; i < FT_REQUESTS_MAX; i++)
        if (FT_DEV->request[i].state == FT_REQUEST_FREE)
            return &FT_DEV->request[i];
    return NULL;
}

static uint32_t bytes_of(const struct ft_op *op)
{
    uint32_t span = op->arg[0] * (uint32_t)FT_PAGE_BYTES;

    if (op->kind == FT_OP_IOCTL)
        return op->arg[1];
    if (request_kind(op->kind) == op->kind)
        return op->arg[0];
    return span > op->arg[1] ? span - op->arg[1] : 0;
}

static void fill_request(struct ft_request *request, const struct ft_op *op)
{
    uint32_t most = ft_world_module()->description->request_bytes_max;
    bool control = op->kind == FT_OP_IOCTL;

    *request = (struct ft_request){.state = FT_REQUEST_NEW, .op = request_kind(op->kind)};
    request->label = (uint8_t)ft_label_claim(op->label);
    request->bytes = bytes_of(op) % (most + 1);
    request->page_offset = control ? 0 : op->arg[1];
    request->code = control ? control_code(op->arg[0]) : 0;
    request->file = (uint8_t)(ft_handle_current() - FT_DEV->file);
    request->op_index = FT_M->op_index;
    request->position = FT_DEV->position;
    if (!control)
        FT_DEV->position += request->bytes;
}

/* Blocks of a disk, up to its end; the buffer begins at some block of a page, as files' data do. */
static void fill_disk_request(struct ft_request *request, const struct ft_op *op)
{
    uint32_t block = op->arg[1] % SIM_MEDIA_BLOCKS, blocks = op->arg[0] ? op->arg[0] : 1;

    if (blocks > SIM_MEDIA_BLOCKS - block)
        blocks = SIM_MEDIA_BLOCKS - block;
    *request = (struct ft_request){.state = FT_REQUEST_NEW, .op = request_kind(op->kind)};
    request->label = (uint8_t)ft_label_claim(op->label);
    request->disk = (uint8_t)(1 + op->arg[1] / SIM_MEDIA_BLOCKS);
    request->bytes = blocks * SIM_MEDIA_BLOCK_BYTES;
    request->position = block * (uint64_t)SIM_MEDIA_BLOCK_BYTES;
    request->page_offset = (uint16_t)(FT_M->op_index * SIM_MEDIA_BLOCK_BYTES % FT_PAGE_BYTES);
    request->file = (uint8_t)(ft_handle_current() - FT_DEV->file);
    request->op_index = FT_M->op_index;
    request->how = FT_M->scsiport.next_how;
    FT_M->scsiport.next_how = 0;
}

bool ft_request_op(const struct ft_op *op)
{
    struct ft_request *request = free_request();
    struct ft_task *task;

    if (!request || !may_request() || !is_taken(op))
        return false;
    if (is_of_disk(op->kind))
        fill_disk_request(request, op);
    else
        fill_request(request, op);
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
    if (task)
        ft_task_about(task, ft_irp_private(request->irp)->device);
    return task;
}

/* A label is one request's, whichever device it went to. */
static struct ft_request *request_of(unsigned label)
{
    struct ft_request *request;

    for (unsigned i = 0; label != 0 && (request = ft_request_at(i)) != NULL; i++)
        if (request->state != FT_REQUEST_FREE && request->label == label)
            return request;
    return NULL;
}

/* Under an `order` the thread that cancels is there before the request is sent. */
static void cancel_when_sent(void *argument)
{
    unsigned label = (unsigned)(uintptr_t)argument;
    struct ft_request *request = request_of(label);

    if (request && request->state == FT_REQUEST_NEW)
        ft_task_wait(request, 0);
    request = request_of(label);
    if (!request || request->state != FT_REQUEST_SENT)
        return;
    ft_irp_pin(request->irp);
    cancel_request(request->irp);
}

static bool cancel_in_order(const struct ft_op *op)
{
    struct ft_request *request = request_of(op->arg[0]);

    if (!request || request->state != FT_REQUEST_NEW)
        return false;
    ft_task_for_device(ft_task_spawn(FT_TASK_THREAD, cancel_when_sent,
                                     (void *)(uintptr_t)op->arg[0], ft_label_claim(op->label)));
    return true;
}

/* The requester can cancel what it has sent and not got back; anything else is skipped. */
bool ft_cancel_op(const struct ft_op *op)
{
    struct ft_request *request;

    if (FT_M->order.on && cancel_in_order(op))
        return true;
    for (unsigned i = 0; (request = ft_request_at(i)) != NULL; i++) {
        if (op->arg[0] == 0 || request->state != FT_REQUEST_SENT || request->label != op->arg[0])
            continue;
        ft_task_prefer(spawn_cancel(request, ft_label_claim(op->label)));
        return true;
    }
    return false;
}

void ft_requests_cancel_all(void)
{
    struct ft_request *request;

    for (unsigned i = 0; (request = ft_request_at(i)) != NULL; i++)
        if (request->state == FT_REQUEST_SENT)
            spawn_cancel(request, request->label);
}
