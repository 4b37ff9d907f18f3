/* Work items (wdm-io sheet, section 10): one queue for all kinds, first in, first out; each item
 * runs in a task of its own, so one that waits does not keep the others.
 *
 * An item leaves the queue before its routine runs, so the routine may queue it again or free it.
 * The device object (or driver object) of an I/O work item is referenced from the moment it is
 * queued until its routine has returned. Queueing an item that is queued, or freeing it, is bug
 * check 0x96; a routine that returns above PASSIVE_LEVEL is 0xE1.
 *
 * Not modelled: priorities of the queues, and a shortage of worker threads.
 */
#include "kernel/dispatcher.h"
#include "kernel/handles.h"

enum { BUGCHECK_QUEUED = 0x96, BUGCHECK_RETURNED_AT_BAD_IRQL = 0xE1 };

struct _IO_WORKITEM {
    WORK_QUEUE_ITEM item;
    PVOID object; /* device or driver object */
    PVOID context;
    void *routine; /* PIO_WORKITEM_ROUTINE, or PIO_WORKITEM_ROUTINE_EX */
    BOOLEAN extended;
};

/* What runs, copied when it leaves the queue: the item may be gone or queued again meanwhile. */
struct work {
    uint64_t handle;
    PVOID object, context;
    PIO_WORKITEM item;
    void *routine;
    bool io, extended;
};

static uint64_t handle_of(void *item)
{
    uint64_t block = ft_block_handle(item);

    return ft_handle_class(block) == FT_HC_WORK ? block : ft_object_handle(item, FT_HC_WORK);
}

/* ---- the queue ---- */

static bool is_queued(const void *item)
{
    for (unsigned i = 0; i < FT_M->kernel.work_count; i++)
        if (FT_M->kernel.work[i].item == item)
            return true;
    return false;
}

static void enqueue(void *item, bool io)
{
    struct ft_kernel_state *kernel = &FT_M->kernel;

    ft_emit(FT_EV_WORK_QUEUE, handle_of(item), is_queued(item));
    if (is_queued(item))
        ft_bugcheck(BUGCHECK_QUEUED, handle_of(item), 0, 0, 0);
    if (kernel->work_count == FT_WORK_MAX) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop_now(FT_STOP_CUT);
    }
    kernel->work[kernel->work_count].item = item;
    kernel->work[kernel->work_count].device = ft_current()->device;
    kernel->work[kernel->work_count].focus =
        (io ? ft_device_owning(((PIO_WORKITEM)item)->object) : FT_DEV)->number;
    kernel->work[kernel->work_count++].io = io;
}

static struct ft_work_entry dequeue(void)
{
    struct ft_kernel_state *kernel = &FT_M->kernel;
    struct ft_work_entry first = kernel->work[0];

    kernel->work_count--;
    for (unsigned i = 0; i < kernel->work_count; i++)
        kernel->work[i] = kernel->work[i + 1];
    return first;
}

/* ---- running ---- */

static uint64_t call_work(void *argument, void *unused, void *unused2, void *unused3)
{
    const struct work *work = argument;

    (void)unused;
    (void)unused2;
    (void)unused3;
    if (!work->io)
        ((PWORKER_THREAD_ROUTINE)work->routine)(work->context);
    else if (work->extended)
        ((PIO_WORKITEM_ROUTINE_EX)work->routine)(work->object, work->context, work->item);
    else
        ((PIO_WORKITEM_ROUTINE)work->routine)(work->object, work->context);
    return 0;
}

static struct work describe(const struct ft_work_entry *entry)
{
    const WORK_QUEUE_ITEM *plain = entry->item;
    PIO_WORKITEM item = entry->item;

    if (!entry->io)
        return (struct work){.handle = handle_of(entry->item),
                             .context = plain->Parameter,
                             .routine = (void *)plain->WorkerRoutine};
    return (struct work){handle_of(item), item->object, item->context, item,
                         item->routine,   true,         item->extended};
}

static void run_work(void *unused)
{
    struct ft_work_entry entry = dequeue();
    struct work work = describe(&entry);
    struct ft_task *task = ft_current();

    (void)unused;
    task->layer = FT_LAYER_SYSTEM;
    ft_focus_on(ft_device_numbered(entry.focus));
    task->device = entry.device;
    FT_M->kernel.work_begun--;
    ft_call_routine(work.routine, FT_ROUTINE_WORK_ITEM, work.handle, 0, 0, call_work, &work, NULL,
                    NULL, NULL);
    if (ft_irql() != PASSIVE_LEVEL)
        ft_bugcheck(BUGCHECK_RETURNED_AT_BAD_IRQL, work.handle, ft_irql(), 0, 0);
    if (work.io)
        ft_object_put(work.object);
}

bool ft_work_pending(void)
{
    unsigned cpu;

    return FT_M->kernel.work_begun < FT_M->kernel.work_count && ft_cpu_find(DISPATCH_LEVEL, &cpu);
}

/* A task takes the first item when it runs: so an item counts as queued until then. */
bool ft_work_start_next(void)
{
    if (!ft_work_pending())
        return false;
    if (!ft_task_spawn(FT_TASK_WORK, run_work, NULL, 0))
        return false;
    FT_M->kernel.work_begun++;
    return true;
}

/* ---- work items of the I/O manager ---- */

static void init_item(PVOID object, PIO_WORKITEM item, uint64_t handle)
{
    RtlZeroMemory(item, sizeof *item);
    item->object = object;
    ft_emit(FT_EV_WORK_INIT, handle, ft_block_handle(object));
}

PIO_WORKITEM IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM item;

    FT_DDI_BEGIN(WORK, 0);
    item = ft_block_for_driver(sizeof *item, FT_HC_WORK, 0);
    if (item)
        init_item(DeviceObject, item, ft_block_handle(item));
    else
        ft_emit(FT_EV_WORK_INIT, 0, ft_block_handle(DeviceObject));
    FT_DDI_END(WORK, 0);
    return item;
}

ULONG IoSizeofWorkItem(VOID)
{
    return sizeof(struct _IO_WORKITEM);
}

/* The memory is the driver's, IoSizeofWorkItem bytes of it. */
VOID IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem)
{
    FT_DDI_BEGIN(WORK, 0);
    init_item(IoObject, IoWorkItem, ft_object_register(IoWorkItem, FT_HC_WORK));
    FT_DDI_END(WORK, 0);
}

static void queue_item(PIO_WORKITEM item, void *routine, bool extended, PVOID context)
{
    if (!is_queued(item)) {
        item->routine = routine;
        item->context = context;
        item->extended = extended;
        ft_object_get(item->object);
    }
    enqueue(item, true);
}

VOID IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                     WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    (void)QueueType;
    FT_DDI_BEGIN(WORK, 0);
    queue_item(IoWorkItem, (void *)WorkerRoutine, false, Context);
    FT_DDI_END(WORK, 0);
}

VOID IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                       WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    (void)QueueType;
    FT_DDI_BEGIN(WORK, 0);
    queue_item(IoWorkItem, (void *)WorkerRoutine, true, Context);
    FT_DDI_END(WORK, 0);
}

static void give_up(PIO_WORKITEM item)
{
    bool queued = is_queued(item);

    ft_emit(FT_EV_WORK_FREE, handle_of(item), queued);
    if (queued)
        ft_bugcheck(BUGCHECK_QUEUED, handle_of(item), 0, 0, 0);
}

VOID IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem)
{
    FT_DDI_BEGIN(WORK, 0);
    give_up(IoWorkItem);
    FT_DDI_END(WORK, 0);
}

VOID IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    enum { BAD_FREE = 0xC2, NOT_ALLOCATED = 0x7 };

    FT_DDI_BEGIN(WORK, 0);
    if (!ft_block_is_live(IoWorkItem, FT_HC_WORK)) {
        ft_emit(FT_EV_WORK_FREE, ft_handle_of(IoWorkItem), false);
        ft_bugcheck(BAD_FREE, NOT_ALLOCATED, ft_handle_of(IoWorkItem), 0, 0);
    }
    give_up(IoWorkItem);
    ft_block_free(IoWorkItem);
    FT_DDI_END(WORK, 0);
}

/* ---- the older kind ---- */

void ft_work_item_init(PWORK_QUEUE_ITEM item, PWORKER_THREAD_ROUTINE routine, PVOID context)
{
    FT_DDI_BEGIN(WORK, 0);
    item->WorkerRoutine = routine;
    item->Parameter = context;
    item->List.Flink = NULL;
    ft_emit(FT_EV_WORK_INIT, ft_object_register(item, FT_HC_WORK), 0);
    FT_DDI_END(WORK, 0);
}

VOID ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    (void)QueueType;
    FT_DDI_BEGIN(WORK, 0);
    enqueue(WorkItem, false);
    FT_DDI_END(WORK, 0);
}
