/* WDFQUEUE: creation, what a device does with its requests, and what a queue is asked (kmdf.md,
 * sections 5.1 and 5.5).
 *
 * A queue that the driver deletes, or that goes with its device, is purged first, and its disposal
 * waits until the driver owns none of its requests.
 */
#include "kmdf/requests.h"

static FT_FRAMEWORK_ROUTINE VOID dispatch_dpc(PKDPC Dpc, PVOID DeferredContext,
                                              PVOID SystemArgument1, PVOID SystemArgument2);

/* ---- the end of a queue ---- */

static void remove_from_device(struct ft_wdf_queue *queue)
{
    struct ft_wdf_io *io = ft_wdf_io_of(queue->object.device);
    struct ft_wdf_queue **link = &io->queues;

    while (*link && *link != queue)
        link = &(*link)->next;
    if (*link)
        *link = queue->next;
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        if (io->table[i] == queue)
            io->table[i] = NULL;
    if (io->default_queue == queue)
        io->default_queue = NULL;
    if (io->creates == queue)
        io->creates = NULL;
}

static void dispose_queue(struct ft_wdf_object *object)
{
    struct ft_wdf_queue *queue = (struct ft_wdf_queue *)object;

    ft_wdf_queue_purge(queue, true);
    queue->disposing = true;
    remove_from_device(queue);
    if (ft_wdf_queue_run(queue, NULL))
        KeWaitForSingleObject(&queue->disposed, Executive, KernelMode, FALSE, NULL);
    ft_wdf_reserve_end(queue);
    if (queue->work) {
        IoFreeWorkItem(queue->work);
        queue->work = NULL;
    }
    if (queue->deferred)
        KeFlushQueuedDpcs();
}

static const struct ft_wdf_class queue_class = {
    .handle_class = FT_HC_WDF_QUEUE,
    .passive = true,
    .dispose = dispose_queue,
};
/* The default queue, and one that a type of request is dispatched to. */
static const struct ft_wdf_class kept_queue_class = {
    .handle_class = FT_HC_WDF_QUEUE,
    .passive = true,
    .undeletable = true,
    .dispose = dispose_queue,
};

struct ft_wdf_queue *ft_wdf_queue_check(WDFQUEUE handle)
{
    struct ft_wdf_queue *queue = ft_wdf_check(handle, FT_HC_WDF_QUEUE);

    ft_wdf_irql_ok(DISPATCH_LEVEL);
    return queue;
}

/* ---- creation ---- */

bool ft_wdf_queue_handles(const struct ft_wdf_queue *queue, unsigned major)
{
    const WDF_IO_QUEUE_CONFIG *config = &queue->config;

    switch (major) {
    case IRP_MJ_READ:
        return config->EvtIoRead || config->EvtIoDefault;
    case IRP_MJ_WRITE:
        return config->EvtIoWrite || config->EvtIoDefault;
    case IRP_MJ_DEVICE_CONTROL:
        return config->EvtIoDeviceControl || config->EvtIoDefault;
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        return config->EvtIoInternalDeviceControl || config->EvtIoDefault;
    default:
        return config->EvtIoDefault != NULL;
    }
}

static NTSTATUS check_config(const WDF_IO_QUEUE_CONFIG *config)
{
    bool any = config->EvtIoDefault || config->EvtIoRead || config->EvtIoWrite ||
               config->EvtIoDeviceControl || config->EvtIoInternalDeviceControl;

    if (config->DispatchType <= WdfIoQueueDispatchInvalid ||
        config->DispatchType >= WdfIoQueueDispatchMax)
        return STATUS_INVALID_PARAMETER;
    if (config->DispatchType != WdfIoQueueDispatchManual && !any)
        return STATUS_WDF_NO_CALLBACK;
    if (config->DispatchType == WdfIoQueueDispatchManual && any)
        return STATUS_INVALID_PARAMETER;
    if (config->DispatchType != WdfIoQueueDispatchParallel &&
        config->Settings.Parallel.NumberOfPresentedRequests != 0)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* A callback lock of the device's serves only queues of the device's execution level. */
static NTSTATUS check_constraints(struct ft_wdf_device *device,
                                  const WDF_OBJECT_ATTRIBUTES *attributes)
{
    uint8_t level = device->object.level, scope = device->object.scope;

    if (attributes && attributes->ExecutionLevel != WdfExecutionLevelInheritFromParent)
        level = attributes->ExecutionLevel;
    if (attributes && attributes->SynchronizationScope != WdfSynchronizationScopeInheritFromParent)
        scope = attributes->SynchronizationScope;
    return scope == WdfSynchronizationScopeDevice && level != device->object.level
               ? STATUS_INVALID_PARAMETER
               : STATUS_SUCCESS;
}

static void init_queue(struct ft_wdf_queue *queue)
{
    ft_wdf_list_init(&queue->waiting);
    ft_wdf_list_init(&queue->owned);
    ft_wdf_list_init(&queue->notify);
    ft_wdf_list_init(&queue->notified);
    ft_wdf_list_init(&queue->canceled);
    ft_wdf_list_init(&queue->canceled_on_queue);
    KeInitializeEvent(&queue->power_idle, NotificationEvent, FALSE);
    KeInitializeEvent(&queue->disposed, NotificationEvent, FALSE);
    KeInitializeDpc(&queue->dpc, dispatch_dpc, queue);
    queue->accepts = queue->dispatches = true;
}

static void join_device(struct ft_wdf_io *io, struct ft_wdf_queue *queue)
{
    struct ft_wdf_queue **link = &io->queues;

    while (*link)
        link = &(*link)->next;
    *link = queue;
}

NTSTATUS ft_wdf_queue_make(struct ft_wdf_device *device, const WDF_IO_QUEUE_CONFIG *config,
                           const WDF_OBJECT_ATTRIBUTES *attributes, struct ft_wdf_queue **ret)
{
    NTSTATUS status;
    struct ft_wdf_io *io = ft_wdf_io_make(device, &status);
    struct ft_wdf_queue *queue = NULL;

    if (io)
        queue =
            ft_wdf_object_new(&queue_class, sizeof *queue, &device->object, attributes, &status);
    if (!queue)
        return status;
    queue->object.device = device;
    queue->config = *config;
    init_queue(queue);
    queue->power_managed =
        config->PowerManaged == WdfUseDefault ? !device->filter : config->PowerManaged == WdfTrue;
    queue->power = queue->power_managed && io->held ? FT_WDF_POWER_OFF : FT_WDF_POWER_ON;
    if (queue->object.level == WdfExecutionLevelPassive) {
        queue->work = IoAllocateWorkItem(device->fdo);
        if (!queue->work) {
            ft_wdf_object_abandon(&queue->object);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    join_device(io, queue);
    *ret = queue;
    return STATUS_SUCCESS;
}

static void make_default(struct ft_wdf_queue *queue)
{
    struct ft_wdf_io *io = ft_wdf_io_of(queue->object.device);

    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        if (!io->table[i])
            io->table[i] = queue;
    io->default_queue = queue;
    queue->object.class_ = &kept_queue_class;
}

static NTSTATUS create(struct ft_wdf_device *device, const WDF_IO_QUEUE_CONFIG *config,
                       const WDF_OBJECT_ATTRIBUTES *attributes, WDFQUEUE *handle,
                       struct ft_wdf_queue **ret)
{
    struct ft_wdf_io *io = ft_wdf_io_of(device);
    NTSTATUS status = ft_wdf_attributes_check(attributes, true);

    if (!NT_SUCCESS(status))
        return status;
    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!config->DefaultQueue && !handle)
        return STATUS_INVALID_PARAMETER_4;
    if (config->DefaultQueue && device->add_over)
        return STATUS_INVALID_DEVICE_STATE;
    if (config->DefaultQueue && io && io->default_queue)
        return STATUS_UNSUCCESSFUL;
    status = check_constraints(device, attributes);
    if (NT_SUCCESS(status))
        status = check_config(config);
    if (NT_SUCCESS(status))
        status = ft_wdf_queue_make(device, config, attributes, ret);
    if (NT_SUCCESS(status) && config->DefaultQueue)
        make_default(*ret);
    return status;
}

static unsigned how_made(const WDF_IO_QUEUE_CONFIG *config, const struct ft_wdf_queue *queue)
{
    unsigned how = 0;

    if (!queue)
        return 0;
    how |= queue->power_managed ? 1 : 0;
    how |= config->DefaultQueue ? 2 : 0;
    how |= config->AllowZeroLengthRequests ? 4 : 0;
    how |= config->EvtIoStop ? 8 : 0;
    how |= config->EvtIoResume ? 16 : 0;
    how |= config->EvtIoCanceledOnQueue ? 32 : 0;
    how |= queue->object.level == WdfExecutionLevelPassive ? 64 : 0;
    return how | (queue->object.lock ? 128 : 0);
}

NTSTATUS WdfIoQueueCreate(WDFDEVICE Device, PWDF_IO_QUEUE_CONFIG Config,
                          PWDF_OBJECT_ATTRIBUTES QueueAttributes, WDFQUEUE *Queue)
{
    struct ft_wdf_device *device;
    struct ft_wdf_queue *queue = NULL;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_require(Config);
    status = create(device, Config, QueueAttributes, Queue, &queue);
    ft_wdf_emit(FT_EV_WDF_QUEUE_NEW, ft_wdf_handle(queue), ft_wdf_handle(device),
                Config->DispatchType, how_made(Config, queue),
                Config->Settings.Parallel.NumberOfPresentedRequests, (uint32_t)status);
    if (NT_SUCCESS(status) && Queue)
        *Queue = (WDFQUEUE)queue;
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(Device));
    return status;
}

/* ---- which requests go to which queue ---- */

static NTSTATUS configure(struct ft_wdf_io *io, struct ft_wdf_queue *queue, WDF_REQUEST_TYPE type)
{
    if (type != WdfRequestTypeCreate && type != WdfRequestTypeRead && type != WdfRequestTypeWrite &&
        type != WdfRequestTypeDeviceControl && type != WdfRequestTypeDeviceControlInternal)
        return STATUS_INVALID_PARAMETER;
    if (queue->config.DispatchType != WdfIoQueueDispatchManual &&
        !ft_wdf_queue_handles(queue, type))
        return STATUS_INVALID_DEVICE_REQUEST;
    if (queue == io->default_queue)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (io->table[type] && io->table[type] != io->default_queue)
        return STATUS_WDF_BUSY;
    io->table[type] = queue;
    queue->object.class_ = &kept_queue_class;
    return STATUS_SUCCESS;
}

NTSTATUS WdfDeviceConfigureRequestDispatching(WDFDEVICE Device, WDFQUEUE Queue,
                                              WDF_REQUEST_TYPE RequestType)
{
    struct ft_wdf_device *device;
    struct ft_wdf_queue *queue;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    queue = ft_wdf_queue_check(Queue);
    status = queue->object.device != device ? STATUS_INVALID_DEVICE_REQUEST
                                            : configure(ft_wdf_io_of(device), queue, RequestType);
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(Device));
    return status;
}

WDFQUEUE WdfDeviceGetDefaultQueue(WDFDEVICE Device)
{
    struct ft_wdf_device *device;
    struct ft_wdf_io *io;
    WDFQUEUE queue;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    io = ft_wdf_io_of(device);
    queue = io ? (WDFQUEUE)io->default_queue : NULL;
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(Device));
    return queue;
}

/* ---- what a queue is asked ---- */

WDFDEVICE WdfIoQueueGetDevice(WDFQUEUE Queue)
{
    struct ft_wdf_queue *queue;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Queue));
    queue = ft_wdf_queue_check(Queue);
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(Queue));
    return (WDFDEVICE)queue->object.device;
}

WDF_IO_QUEUE_STATE WdfIoQueueGetState(WDFQUEUE Queue, PULONG QueueRequests, PULONG DriverRequests)
{
    struct ft_wdf_queue *queue;
    unsigned state = 0;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Queue));
    queue = ft_wdf_queue_check(Queue);
    if (QueueRequests)
        *QueueRequests = queue->waits;
    if (DriverRequests)
        *DriverRequests = queue->owns;
    state |= queue->accepts ? WdfIoQueueAcceptRequests : 0;
    state |= queue->dispatches ? WdfIoQueueDispatchRequests : 0;
    state |= queue->waits == 0 ? WdfIoQueueNoRequests : 0;
    state |= queue->owns == 0 ? WdfIoQueueDriverNoRequests : 0;
    if (queue->power_managed && queue->power != FT_WDF_POWER_ON)
        state |= WdfIoQueuePnpHeld;
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(Queue));
    return (WDF_IO_QUEUE_STATE)state;
}

/* ---- the DPC that dispatches for a task that could not ---- */

static FT_FRAMEWORK_ROUTINE VOID dispatch_dpc(PKDPC Dpc, PVOID DeferredContext,
                                              PVOID SystemArgument1, PVOID SystemArgument2)
{
    struct ft_wdf_queue *queue = DeferredContext;

    (void)SystemArgument1;
    (void)SystemArgument2;
    queue->redefer = false;
    ft_wdf_queue_run(queue, NULL);
    if (!queue->deleted && queue->redefer) {
        KeInsertQueueDpc(Dpc, NULL, NULL);
    } else {
        queue->redefer = false;
        queue->deferred = false;
    }
}
