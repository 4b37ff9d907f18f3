/* Work items (kmdf sheet, section 6.3): an I/O work item of the device. The mark that it is queued
 * goes before its callback begins, so it may be queued again and two executions may overlap. */
#include "kmdf/kmdf_private.h"

struct work {
    struct ft_wdf_deferred head;
    PIO_WORKITEM item;
    uint8_t queued;
};

FT_FRAMEWORK_ROUTINE
static VOID NTAPI run(PDEVICE_OBJECT device, PVOID context)
{
    struct work *work = context;

    (void)device;
    work->queued = 0;
    ft_wdf_deferred_run(&work->head, FT_ROUTINE_WDF_WORK);
    ft_wdf_object_release(&work->head.object);
}

/* A callback of the running task is not waited for: it may delete its own item. */
static void wait_until_idle(struct work *work)
{
    while (work->queued || ft_wdf_deferred_runs(&work->head))
        ft_task_wait(work, 0);
}

static void dispose(struct ft_wdf_object *object)
{
    wait_until_idle((struct work *)object);
}

static void destroy(struct ft_wdf_object *object)
{
    struct work *work = (struct work *)object;

    if (work->item)
        IoFreeWorkItem(work->item);
}

static const struct ft_wdf_class work_class = {
    .handle_class = FT_HC_WDF_WORK, .passive = 1, .dispose = dispose, .destroy = destroy};

static struct work *create(const WDF_WORKITEM_CONFIG *config,
                           const WDF_OBJECT_ATTRIBUTES *attributes, NTSTATUS *status)
{
    struct work *work;

    *status = STATUS_INFO_LENGTH_MISMATCH;
    if (config->Size != sizeof *config)
        return NULL;
    *status = STATUS_INVALID_PARAMETER;
    if (!config->EvtWorkItemFunc)
        return NULL;
    work = ft_wdf_deferred_new(&work_class, sizeof *work, (void *)config->EvtWorkItemFunc,
                               attributes, config->AutomaticSerialization, true, status);
    if (!work)
        return NULL;
    work->item = IoAllocateWorkItem(work->head.object.device->fdo);
    if (work->item)
        return work;
    *status = STATUS_INSUFFICIENT_RESOURCES;
    ft_wdf_object_abandon(&work->head.object);
    return NULL;
}

NTSTATUS WdfWorkItemCreate(PWDF_WORKITEM_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes,
                           WDFWORKITEM *WorkItem)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_WORK, 0);
    ft_wdf_require(Config);
    ft_wdf_require(WorkItem);
    *WorkItem = NULL;
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        *WorkItem = (WDFWORKITEM)create(Config, Attributes, &status);
    FT_WDF_END(WDF_WORK, 0);
    return status;
}

/* Nothing happens when it is queued, or is being deleted. */
VOID WdfWorkItemEnqueue(WDFWORKITEM WorkItem)
{
    struct work *work;
    bool deleting;

    FT_WDF_BEGIN(WDF_WORK, ft_wdf_label(WorkItem));
    work = ft_wdf_check(WorkItem, FT_HC_WDF_WORK);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    deleting = work->head.object.state != FT_WDF_OBJECT_ALIVE;
    ft_wdf_emit(FT_EV_WDF_WORK_QUEUE, ft_wdf_handle(work), work->queued, deleting);
    if (!work->queued && !deleting) {
        work->queued = 1;
        ft_wdf_object_refer(&work->head.object);
        IoQueueWorkItem(work->item, run, DelayedWorkQueue, work);
    }
    FT_WDF_END(WDF_WORK, ft_wdf_label(WorkItem));
}

/* From its own callback it does not wait. */
VOID WdfWorkItemFlush(WDFWORKITEM WorkItem)
{
    struct work *work;
    bool own, locked;

    FT_WDF_BEGIN(WDF_WORK, ft_wdf_label(WorkItem));
    work = ft_wdf_check(WorkItem, FT_HC_WDF_WORK);
    own = ft_wdf_deferred_own(&work->head);
    locked = !own && ft_wdf_lock_owned(work->head.lock);
    ft_wdf_emit(FT_EV_WDF_WORK_FLUSH, ft_wdf_handle(work), own, locked);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL) && !own)
        wait_until_idle(work);
    FT_WDF_END(WDF_WORK, ft_wdf_label(WorkItem));
}

WDFOBJECT WdfWorkItemGetParentObject(WDFWORKITEM WorkItem)
{
    WDFOBJECT parent;

    FT_WDF_BEGIN(WDF_WORK, ft_wdf_label(WorkItem));
    parent = ((struct work *)ft_wdf_check(WorkItem, FT_HC_WDF_WORK))->head.object.parent;
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_WORK, ft_wdf_label(WorkItem));
    return parent;
}
