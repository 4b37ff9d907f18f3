/* WDFFILEOBJECT, and create, cleanup and close (kmdf.md, sections 4.1 and 6.2).
 *
 * A create goes to the queue that the driver has configured for creates, else to its
 * EvtDeviceFileCreate, through a queue of the framework's own so that the driver may forward it or
 * mark it cancelable; without either it succeeds, or goes on to the driver below a filter. Cleanup
 * cancels the requests of that handle that wait in any queue.
 *
 * Not modelled: exclusive devices.
 */
#include "kmdf/requests.h"

#include <wdfdevice.h>

enum { CLASS_BITS = 0x7FFFFFFF }; /* without WdfFileObjectCanBeOptional */

static const struct ft_wdf_class file_class = {
    .handle_class = FT_HC_WDF_FILE,
    .undeletable = true,
};

static bool wants_files(const struct ft_wdf_device *device)
{
    return (device->file_class & CLASS_BITS) > WdfFileObjectNotRequired;
}

struct ft_wdf_file *ft_wdf_file_of(struct ft_wdf_device *device, const FILE_OBJECT *file)
{
    struct ft_wdf_io *io = ft_wdf_io_of(device);

    for (struct ft_wdf_file *at = io && file ? io->files : NULL; at; at = at->next)
        if (at->file == file)
            return at;
    return NULL;
}

static void **context_of(const struct ft_wdf_device *device, PFILE_OBJECT file)
{
    switch (device->file_class & CLASS_BITS) {
    case WdfFileObjectWdfCanUseFsContext:
        return &file->FsContext;
    case WdfFileObjectWdfCanUseFsContext2:
        return &file->FsContext2;
    default:
        return NULL;
    }
}

static void announce(const struct ft_wdf_device *device, const struct ft_wdf_file *file, bool gone)
{
    ft_emit(FT_EV_WDF_FILE, ft_wdf_handle(file), ft_handle_of(file->file), ft_wdf_handle(device),
            gone);
}

/* NULL with STATUS_SUCCESS: the driver wants none. */
static struct ft_wdf_file *make_file(struct ft_wdf_device *device, PFILE_OBJECT object,
                                     NTSTATUS *status)
{
    const WDF_OBJECT_ATTRIBUTES *attributes = &device->file_attributes;
    struct ft_wdf_io *io;
    struct ft_wdf_file *file;
    void **context;

    *status = STATUS_SUCCESS;
    if (!wants_files(device) || !object)
        return NULL;
    io = ft_wdf_io_make(device, status);
    if (!io)
        return NULL;
    file = ft_wdf_object_new(&file_class, sizeof *file, &device->object,
                             attributes->Size ? attributes : NULL, status);
    if (!file)
        return NULL;
    file->object.device = device;
    file->file = object;
    file->next = io->files;
    io->files = file;
    context = context_of(device, object);
    if (context)
        *context = file;
    announce(device, file, false);
    return file;
}

void ft_wdf_file_gone(struct ft_wdf_device *device, const FILE_OBJECT *object)
{
    struct ft_wdf_file *file = ft_wdf_file_of(device, object), **link;
    void **context;

    if (!file)
        return;
    link = &ft_wdf_io_of(device)->files;
    while (*link != file)
        link = &(*link)->next;
    *link = file->next;
    context = context_of(device, file->file);
    if (context)
        *context = NULL;
    announce(device, file, true);
    ft_wdf_object_delete(&file->object);
}

/* ---- create ---- */

/* The way back of a create that went to the driver below. */
static FT_FRAMEWORK_ROUTINE NTSTATUS create_is_back(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                                    PVOID Context)
{
    (void)DeviceObject;
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    if (!NT_SUCCESS(Irp->IoStatus.Status))
        ft_wdf_file_gone(Context, IoGetCurrentIrpStackLocation(Irp)->FileObject);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS create_below(struct ft_wdf_device *device, PIRP irp)
{
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, create_is_back, device, TRUE, TRUE, TRUE);
    return IoCallDriver(device->below, irp);
}

static struct ft_wdf_queue *create_queue(struct ft_wdf_device *device)
{
    struct ft_wdf_io *io = ft_wdf_io_of(device);
    struct ft_wdf_queue *queue = io ? io->table[IRP_MJ_CREATE] : NULL;

    return queue && queue != io->default_queue ? queue : NULL;
}

/* The framework's own queue for creates. */
static struct ft_wdf_queue *own_queue(struct ft_wdf_device *device, NTSTATUS *status)
{
    WDF_IO_QUEUE_CONFIG config;
    struct ft_wdf_io *io = ft_wdf_io_make(device, status);
    struct ft_wdf_queue *queue = NULL;

    if (!io || io->creates)
        return io ? io->creates : NULL;
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    config.PowerManaged = WdfFalse;
    *status = ft_wdf_queue_make(device, &config, NULL, &queue);
    if (queue) {
        queue->internal = true;
        io->creates = queue;
    }
    return queue;
}

static uint64_t call_create(void *device, void *request, void *file, void *unused)
{
    (void)unused;
    ((struct ft_wdf_device *)device)->file_create(device, request, file);
    return 0;
}

/* File callbacks run at PASSIVE_LEVEL, so a lock that raises the IRQL does not cover them. */
static bool has_file_lock(const struct ft_wdf_device *device)
{
    return device->object.level == WdfExecutionLevelPassive;
}

static uint64_t call_file(struct ft_wdf_device *device, enum ft_routine routine, void *object,
                          PIRP irp, ft_thunk *thunk, void *a, void *b, void *c)
{
    uint64_t value;

    if (has_file_lock(device))
        ft_wdf_callback_lock(&device->object);
    value = ft_call_driver_routine(routine, ft_wdf_handle(object), 0,
                                   ft_handle_id(ft_handle_of(irp)), thunk, a, b, c, NULL);
    if (has_file_lock(device))
        ft_wdf_callback_unlock(&device->object);
    return value;
}

static NTSTATUS give_create(struct ft_wdf_device *device, struct ft_wdf_queue *queue,
                            struct ft_wdf_request *request, struct ft_wdf_file *file)
{
    bool handler = !create_queue(device);

    ft_emit(FT_EV_WDF_QUEUED, ft_wdf_handle(queue), ft_wdf_handle(request), FT_WDF_ARRIVED,
            queue->accepts);
    request->queue = queue;
    if (!queue->accepts) {
        ft_wdf_request_end(request, STATUS_INVALID_DEVICE_STATE, 0, IO_NO_INCREMENT);
        return STATUS_INVALID_DEVICE_STATE;
    }
    IoMarkIrpPending(request->irp);
    if (!handler) {
        ft_wdf_queue_run(queue, request);
        return STATUS_PENDING;
    }
    ft_wdf_queue_own(queue, request);
    ft_wdf_given(request, FT_WDF_BY_HANDLER);
    call_file(device, FT_ROUTINE_WDF_FILE_CREATE, request, request->irp, call_create, device,
              request, file);
    return STATUS_PENDING;
}

static NTSTATUS fail_create(struct ft_wdf_device *device, PIRP irp, NTSTATUS status)
{
    ft_wdf_file_gone(device, IoGetCurrentIrpStackLocation(irp)->FileObject);
    return ft_wdf_irp_end(irp, status);
}

NTSTATUS ft_wdf_file_create(struct ft_wdf_device *device, PIRP irp)
{
    NTSTATUS status;
    struct ft_wdf_file *file =
        make_file(device, IoGetCurrentIrpStackLocation(irp)->FileObject, &status);
    struct ft_wdf_queue *queue = create_queue(device);
    struct ft_wdf_request *request;

    if (!NT_SUCCESS(status))
        return ft_wdf_irp_end(irp, status);
    if (!queue && !device->file_create)
        return device->filter ? create_below(device, irp) : ft_wdf_irp_end(irp, STATUS_SUCCESS);
    if (!queue)
        queue = own_queue(device, &status);
    if (!queue)
        return fail_create(device, irp, status);
    request = ft_wdf_request_make(device, &device->object, &device->request_attributes, irp,
                                  FT_WDF_FROM_IO, &status);
    if (!request)
        return fail_create(device, irp, status);
    ft_emit(FT_EV_WDF_REQUEST_NEW, ft_wdf_handle(request), ft_handle_of(irp), ft_wdf_handle(device),
            FT_WDF_FROM_IO);
    return give_create(device, queue, request, file);
}

/* ---- cleanup and close ---- */

static uint64_t call_cleanup(void *device, void *file, void *unused, void *unused2)
{
    (void)unused;
    (void)unused2;
    ((struct ft_wdf_device *)device)->file_cleanup(file);
    return 0;
}

static uint64_t call_close(void *device, void *file, void *unused, void *unused2)
{
    (void)unused;
    (void)unused2;
    ((struct ft_wdf_device *)device)->file_close(file);
    return 0;
}

static void flush_queues(struct ft_wdf_device *device, const FILE_OBJECT *file)
{
    struct ft_wdf_io *io = ft_wdf_io_of(device);
    struct ft_wdf_queue *queue = io ? io->queues : NULL, *next;

    for (; queue && file; queue = next) {
        struct ft_wdf_request *request;

        ft_wdf_object_refer(&queue->object);
        ft_wdf_reserve_cancel(queue, file);
        while ((request = ft_wdf_queue_next(queue, file)) != NULL)
            ft_wdf_cancel_for_queue(request);
        ft_wdf_queue_run(queue, NULL);
        next = queue->next;
        ft_wdf_object_release(&queue->object);
    }
}

static NTSTATUS go_on(struct ft_wdf_device *device, PIRP irp)
{
    return device->filter ? ft_wdf_irp_pass(device, irp) : ft_wdf_irp_end(irp, STATUS_SUCCESS);
}

NTSTATUS ft_wdf_file_cleanup(struct ft_wdf_device *device, PIRP irp)
{
    PFILE_OBJECT object = IoGetCurrentIrpStackLocation(irp)->FileObject;
    struct ft_wdf_file *file = ft_wdf_file_of(device, object);

    if (file && device->file_cleanup)
        call_file(device, FT_ROUTINE_WDF_FILE_CLEANUP, file, irp, call_cleanup, device, file, NULL);
    flush_queues(device, object);
    return go_on(device, irp);
}

NTSTATUS ft_wdf_file_close(struct ft_wdf_device *device, PIRP irp)
{
    PFILE_OBJECT object = IoGetCurrentIrpStackLocation(irp)->FileObject;
    struct ft_wdf_file *file = ft_wdf_file_of(device, object);

    if (file && device->file_close)
        call_file(device, FT_ROUTINE_WDF_FILE_CLOSE, file, irp, call_close, device, file, NULL);
    ft_wdf_file_gone(device, object);
    return go_on(device, irp);
}

/* ---- the routines ---- */

WDFFILEOBJECT WdfDeviceGetFileObject(WDFDEVICE Device, PFILE_OBJECT FileObject)
{
    struct ft_wdf_file *file;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(Device));
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    file = ft_wdf_file_of(ft_wdf_check(Device, FT_HC_WDF_DEVICE), FileObject);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(Device));
    return (WDFFILEOBJECT)file;
}

PUNICODE_STRING WdfFileObjectGetFileName(WDFFILEOBJECT FileObject)
{
    struct ft_wdf_file *file;
    PUNICODE_STRING name;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(FileObject));
    file = ft_wdf_check(FileObject, FT_HC_WDF_FILE);
    name = ft_wdf_irql_ok(PASSIVE_LEVEL) ? &file->file->FileName : NULL;
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(FileObject));
    return name;
}

ULONG WdfFileObjectGetFlags(WDFFILEOBJECT FileObject)
{
    struct ft_wdf_file *file;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(FileObject));
    file = ft_wdf_check(FileObject, FT_HC_WDF_FILE);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(FileObject));
    return file->file->Flags;
}

WDFDEVICE WdfFileObjectGetDevice(WDFFILEOBJECT FileObject)
{
    struct ft_wdf_file *file;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(FileObject));
    file = ft_wdf_check(FileObject, FT_HC_WDF_FILE);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(FileObject));
    return (WDFDEVICE)file->object.device;
}

/* Process ids are not modelled. */
ULONG WdfFileObjectGetInitiatorProcessId(WDFFILEOBJECT FileObject)
{
    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(FileObject));
    ft_wdf_check(FileObject, FT_HC_WDF_FILE);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(FileObject));
    return 0;
}

PFILE_OBJECT WdfFileObjectWdmGetFileObject(WDFFILEOBJECT FileObject)
{
    struct ft_wdf_file *file;

    FT_WDF_BEGIN(WDF_REQUEST, ft_wdf_label(FileObject));
    file = ft_wdf_check(FileObject, FT_HC_WDF_FILE);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_REQUEST, ft_wdf_label(FileObject));
    return file->file;
}
