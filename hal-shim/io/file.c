/* The requester's handles: CREATE, CLEANUP and CLOSE (wdm-io sheet, sections 4.4 C11 and 6.1).
 *
 * The first is opened when the device was started. A request goes through the newest one that is
 * open. A handle that is closed while requests are on their way gets CLEANUP at once, and CLOSE
 * when the last of them has ended.
 *
 * Not modelled: the security context of CREATE; a driver's own reference to a file object of the
 * requester's, which in Windows delays CLOSE.
 */
#include "io/io_private.h"
#include "kernel/handles.h"

#include <string.h>

static unsigned index_of(const struct ft_file *file)
{
    return (unsigned)(file - FT_DEV->file);
}

static NTSTATUS send(struct ft_file *file, UCHAR major)
{
    PIRP irp = ft_send_prepare(FT_SEND_HANDLE + index_of(file), major, 0);

    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->RequestorMode = UserMode;
    irp->Tail.Overlay.OriginalFileObject = file->object;
    if (major == IRP_MJ_CREATE) {
        irp->Flags = IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API;
        IoGetNextIrpStackLocation(irp)->Parameters.Create.ShareAccess = 3; /* read and write */
    } else {
        irp->Flags = IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API;
    }
    return ft_send_wait(FT_SEND_HANDLE + index_of(file), irp);
}

/* It keeps its device. */
static PFILE_OBJECT new_object(PDEVICE_OBJECT device)
{
    PFILE_OBJECT object = ft_block_alloc(sizeof *object, FT_HC_FILE, 0);

    if (!object) {
        ft_io_cut();
        return NULL;
    }
    object->Type = IO_TYPE_FILE;
    object->Size = sizeof *object;
    ft_object_get(device);
    object->DeviceObject = device;
    object->ReadAccess = TRUE;
    object->WriteAccess = TRUE;
    object->SharedRead = TRUE;
    object->SharedWrite = TRUE;
    return object;
}

static void give_up(struct ft_file *file)
{
    ft_object_put(file->object);
    *file = (struct ft_file){0};
    ft_requester_left();
}

static void open(struct ft_file *file)
{
    uint64_t handle;
    NTSTATUS status;

    file->object = ft_device_opened() ? new_object(ft_device_opened()) : NULL;
    if (!file->object) {
        *file = (struct ft_file){0};
        return;
    }
    handle = ft_block_handle(file->object);
    status = send(file, IRP_MJ_CREATE);
    ft_emit(FT_EV_FILE_NEW, handle, (uint32_t)status);
    if (!NT_SUCCESS(status)) {
        give_up(file);
        return;
    }
    ((PFILE_OBJECT)file->object)->Flags |= FO_FILE_OPEN;
    file->state = FT_FILE_OPEN;
    file->op_index = 0;
    FT_DEV->open++;
    FT_DEV->opened = 1;
    ft_requester_left();
}

static void clean_up(struct ft_file *file)
{
    file->state = FT_FILE_CLEANING;
    send(file, IRP_MJ_CLEANUP);
    ((PFILE_OBJECT)file->object)->Flags |= FO_CLEANUP_COMPLETE;
}

static void close(struct ft_file *file)
{
    file->state = FT_FILE_CLOSING;
    send(file, IRP_MJ_CLOSE);
    FT_DEV->open--;
    give_up(file);
}

static struct ft_file *free_file(void)
{
    for (unsigned i = 0; i < FT_FILES_MAX; i++)
        if (FT_DEV->file[i].state == FT_FILE_FREE)
            return &FT_DEV->file[i];
    return NULL;
}

static struct ft_file *reserve(unsigned label)
{
    struct ft_file *file = free_file();

    if (file)
        *file = (struct ft_file){.state = FT_FILE_OPENING,
                                 .order = FT_M->order_next++,
                                 .op_index = FT_M->op_index,
                                 .label = (uint8_t)label};
    return file;
}

struct ft_file *ft_handle_current(void)
{
    struct ft_file *newest = NULL;

    for (unsigned i = 0; i < FT_FILES_MAX; i++) {
        struct ft_file *file = &FT_DEV->file[i];

        if (file->state == FT_FILE_OPEN && (!newest || file->order > newest->order))
            newest = file;
    }
    return newest;
}

/* ---- all handles ---- */

void ft_handle_take(void)
{
    struct ft_file *file = FT_DEV->removing || !ft_device_opened() ? NULL : reserve(0);

    if (file)
        open(file);
}

void ft_handles_clean_up(void)
{
    for (unsigned i = 0; i < FT_FILES_MAX; i++)
        if (FT_DEV->file[i].state == FT_FILE_OPEN)
            clean_up(&FT_DEV->file[i]);
}

/* Handles that an op's thread is closing are left to it. */
void ft_handles_close(void)
{
    for (unsigned i = 0; i < FT_FILES_MAX; i++)
        if (FT_DEV->file[i].state == FT_FILE_CLEANING && FT_DEV->file[i].op_index == 0)
            close(&FT_DEV->file[i]);
}

bool ft_io_waits_for_requests(const struct ft_task *task)
{
    FT_EACH_DEVICE(device)
        if (task->wait_object == &device->removing)
            return ft_io_outstanding() > 0;
    return false;
}

bool ft_handle_closing(void)
{
    FT_EACH_DEVICE(device)
        for (unsigned i = 0; i < FT_FILES_MAX; i++)
            if (device->file[i].state == FT_FILE_CLEANING && device->file[i].op_index != 0)
                return true;
    return false;
}

/* Not modelled: a user that keeps its handle; Windows would veto the removal. */
void ft_handle_let_go(void)
{
    ft_requester_keep_out();
    ft_handles_clean_up();
    while (ft_device_outstanding() > 0 && FT_DEV->open > 0)
        ft_task_wait(&FT_DEV->removing, 0);
    ft_handles_close();
    while (FT_DEV->open > 0)
        ft_task_wait(&FT_DEV->removing, 0);
}

void ft_handle_take_again(void)
{
    FT_DEV->removing = 0;
    if (FT_DEV->opened && FT_DEV->open == 0)
        ft_handle_take();
}

/* ---- for the driver itself ---- */

/* Of FILE_OBJECT.Flags: CLOSE is due with the last reference; CLEANUP with the last handle. */
enum { DRIVERS_OWN = 0x40000000, BY_HANDLE = 0x20000000 };

static NTSTATUS send_how(PFILE_OBJECT object, UCHAR major, const struct ft_file_how *how)
{
    PDEVICE_OBJECT top = ft_device_top(object->DeviceObject);
    PIRP irp = ft_irp_create_or_cut(top->StackSize, FT_IRP_OF_DRIVER, 0, 0);
    uint8_t layer = ft_layer_set(FT_LAYER_SYSTEM);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    if (irp) {
        IoGetNextIrpStackLocation(irp)->MajorFunction = major;
        IoGetNextIrpStackLocation(irp)->FileObject = object;
        irp->Tail.Overlay.OriginalFileObject = object;
        irp->Flags = IRP_SYNCHRONOUS_API;
        if (how) {
            IoGetNextIrpStackLocation(irp)->Parameters.Create.Options = how->options;
            IoGetNextIrpStackLocation(irp)->Parameters.Create.FileAttributes = how->attributes;
            IoGetNextIrpStackLocation(irp)->Parameters.Create.ShareAccess = how->share;
            IoGetNextIrpStackLocation(irp)->Parameters.Create.EaLength = how->ea_bytes;
            irp->AssociatedIrp.SystemBuffer = how->ea;
        }
        ft_irp_announce_system(irp, 0, false);
        status = ft_irp_send(top, irp, NULL);
    }
    ft_layer_set(layer);
    return status;
}

static NTSTATUS send_for_driver(PFILE_OBJECT object, UCHAR major)
{
    return send_how(object, major, NULL);
}

static void file_closed(void *object)
{
    PFILE_OBJECT file = object;

    if (!(file->Flags & BY_HANDLE) || file->Flags & FO_CLEANUP_COMPLETE)
        return;
    send_for_driver(file, IRP_MJ_CLEANUP);
    file->Flags |= FO_CLEANUP_COMPLETE;
}

static void file_gone(void *object)
{
    PFILE_OBJECT file = object;

    if (file->Flags & DRIVERS_OWN)
        send_for_driver(file, IRP_MJ_CLOSE);
    if (file->Flags & BY_HANDLE && file->FileName.Buffer)
        ft_block_free(file->FileName.Buffer);
    ft_object_put(file->DeviceObject);
}

const struct ft_object_type ft_file_type = {.closed = file_closed, .gone = file_gone};

static bool name_file(PFILE_OBJECT file, const UNICODE_STRING *rest)
{
    if (rest->Length == 0)
        return true;
    file->FileName.Buffer = ft_block_alloc(rest->Length, FT_HC_OTHER, 0);
    if (!file->FileName.Buffer) {
        ft_io_cut();
        return false;
    }
    file->FileName.Length = file->FileName.MaximumLength = rest->Length;
    memcpy(file->FileName.Buffer, rest->Buffer, rest->Length);
    return true;
}

NTSTATUS ft_file_open_handle(PDEVICE_OBJECT device, const UNICODE_STRING *rest,
                             const struct ft_file_how *how, PFILE_OBJECT *ret)
{
    PFILE_OBJECT file = ft_alloc_fails(FT_FAIL_POOL) ? NULL : new_object(device);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    if (!file)
        return status;
    file->Flags |= BY_HANDLE;
    if (name_file(file, rest))
        status = send_how(file, IRP_MJ_CREATE, how);
    if (!NT_SUCCESS(status)) {
        ft_object_put(file);
        return status;
    }
    file->Flags |= FO_FILE_OPEN | DRIVERS_OWN;
    *ret = file;
    return status;
}

NTSTATUS ft_file_open_for_driver(PDEVICE_OBJECT pdo, PFILE_OBJECT *ret)
{
    PFILE_OBJECT object = ft_alloc_fails(FT_FAIL_POOL) ? NULL : new_object(pdo);
    NTSTATUS status =
        object ? send_for_driver(object, IRP_MJ_CREATE) : STATUS_INSUFFICIENT_RESOURCES;

    if (!NT_SUCCESS(status)) {
        if (object)
            ft_object_put(object);
        return status;
    }
    object->Flags |= FO_FILE_OPEN | DRIVERS_OWN;
    send_for_driver(object, IRP_MJ_CLEANUP);
    object->Flags |= FO_CLEANUP_COMPLETE;
    *ret = object;
    return status;
}

/* ---- ops ---- */

static void open_task(void *argument)
{
    struct ft_file *file = argument;

    if (FT_DEV->removing || !ft_device_opened()) {
        /* The device went between the op and its thread. */
        ft_op_skipped(FT_OP_OPEN_HANDLE, file->label, file->op_index);
        *file = (struct ft_file){0};
        return;
    }
    open(file);
}

/* op_index marks the handle as this thread's to close. */
static void close_task(void *argument)
{
    struct ft_file *file = argument;

    clean_up(file);
    while (ft_requests_of(index_of(file)) > 0)
        ft_task_wait(&FT_DEV->removing, 0);
    close(file);
}

static bool spawn(struct ft_file *file, ft_task_fn *fn, unsigned label)
{
    struct ft_task *task = ft_task_spawn(FT_TASK_THREAD, fn, file, label);

    ft_task_for_device(task);
    ft_task_prefer(task);
    return task != NULL;
}

static bool op_open(const struct ft_op *op)
{
    struct ft_file *file;

    if (!FT_DEV->opened || FT_DEV->removing || FT_DEV->pnp == FT_PNP_REMOVED ||
        !ft_device_opened() || !free_file())
        return false;
    file = reserve(ft_label_claim(op->label));
    if (!spawn(file, open_task, file->label))
        *file = (struct ft_file){0};
    return true;
}

/* The handle that the op with that label opened, or the first one. */
static bool op_close(const struct ft_op *op)
{
    for (unsigned i = 0; i < FT_FILES_MAX; i++) {
        struct ft_file *file = &FT_DEV->file[i];

        if (file->state != FT_FILE_OPEN || file->label != op->arg[0] || FT_DEV->removing)
            continue;
        file->state = FT_FILE_CLEANING;
        file->op_index = FT_M->op_index;
        spawn(file, close_task, ft_label_claim(op->label));
        return true;
    }
    return false;
}

bool ft_handle_op(const struct ft_op *op)
{
    return op->kind == FT_OP_OPEN_HANDLE ? op_open(op) : op_close(op);
}
