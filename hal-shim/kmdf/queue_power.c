/* Power-managed queues: QStart, QHold and the purges of kmdf.md, sections 4.1 and 5.6.
 *
 * A hold has two phases over all queues: first each stops delivering and its handlers return, then
 * EvtIoStop is called for each request that the driver owns, and the thread waits until each is
 * completed, acknowledged or given back. A request that is retrieved while that goes on is neither
 * announced nor waited for.
 */
#include "kmdf/requests.h"

static void set_power(struct ft_wdf_queue *queue, enum ft_wdf_queue_power power)
{
    queue->power = power;
    ft_emit(FT_EV_WDF_QUEUE_POWER, ft_wdf_handle(queue), power, queue->waits, queue->owns);
}

/* While requests are announced to the driver one by one, cancel callbacks wait. */
bool ft_wdf_queue_notifying(const struct ft_wdf_queue *queue)
{
    return queue->power == FT_WDF_POWER_STOP_NOTIFYING ||
           queue->power == FT_WDF_POWER_PURGE_NOTIFYING ||
           queue->power == FT_WDF_POWER_RESUME_NOTIFYING;
}

static struct ft_wdf_request *owned_at(struct ft_wdf_link *link)
{
    return CONTAINING_RECORD(link, struct ft_wdf_request, owned);
}

static uint64_t call_stop(void *queue, void *request, void *routine, void *flags)
{
    ((PFN_WDF_IO_QUEUE_IO_STOP)routine)(queue, request, (ULONG)(uintptr_t)flags);
    return 0;
}

static uint64_t call_resume(void *queue, void *request, void *routine, void *unused)
{
    (void)unused;
    ((PFN_WDF_IO_QUEUE_IO_RESUME)routine)(queue, request);
    return 0;
}

static void announce_stop(struct ft_wdf_queue *queue, struct ft_wdf_request *request, bool purge)
{
    ULONG flags = purge ? WdfRequestStopActionPurge : WdfRequestStopActionSuspend;
    bool owned;

    request->acknowledged = 0;
    if (!queue->config.EvtIoStop || request->canceled)
        return;
    if (request->cancelable == FT_WDF_MARKED)
        flags |= WdfRequestStopRequestCancelable;
    ft_wdf_object_refer(&request->object);
    request->in_stop = purge ? 2 : 1;
    ft_emit(FT_EV_WDF_IO_STOP, ft_wdf_handle(queue), ft_wdf_handle(request), flags);
    ft_wdf_queue_call(queue, FT_ROUTINE_WDF_IO_STOP, request, true, call_stop, request,
                      (void *)queue->config.EvtIoStop, (void *)(uintptr_t)flags);
    request->in_stop = 0;
    owned = request->place == FT_WDF_OWNED && request->queue == queue;
    ft_emit(FT_EV_WDF_IO_STOPPED, ft_wdf_handle(request), owned, request->acknowledged);
    ft_wdf_object_release(&request->object);
}

static void announce_resume(struct ft_wdf_queue *queue, struct ft_wdf_request *request)
{
    if (!queue->config.EvtIoResume || request->canceled)
        return;
    ft_wdf_object_refer(&request->object);
    ft_emit(FT_EV_WDF_IO_RESUME, ft_wdf_handle(queue), ft_wdf_handle(request));
    ft_wdf_queue_call(queue, FT_ROUTINE_WDF_IO_RESUME, request, true, call_resume, request,
                      (void *)queue->config.EvtIoResume, NULL);
    ft_wdf_object_release(&request->object);
}

/* The next of the requests that were the driver's when this began. False: there is none left. */
static bool notify_one(struct ft_wdf_queue *queue)
{
    struct ft_wdf_link *link = queue->notify.next;
    bool resume = queue->power == FT_WDF_POWER_RESUME_NOTIFYING;

    if (ft_wdf_list_empty(&queue->notify))
        return false;
    ft_wdf_unlink(link);
    ft_wdf_link_before(resume ? &queue->owned : &queue->notified, link);
    if (resume)
        announce_resume(queue, owned_at(link));
    else
        announce_stop(queue, owned_at(link), queue->power == FT_WDF_POWER_PURGE_NOTIFYING);
    return true;
}

/* EvtIoStop gave the request back, to its head or to be cancelled. */
static void give_back(struct ft_wdf_queue *queue, struct ft_wdf_request *request)
{
    ft_wdf_queue_disown(request);
    ft_emit(FT_EV_WDF_QUEUED, ft_wdf_handle(queue), ft_wdf_handle(request), FT_WDF_RETURNED,
            queue->accepts);
    if (queue->cancels || !ft_wdf_queue_insert(queue, request, true))
        ft_wdf_cancel_for_queue(request);
}

/* Deals with the acknowledged requests. False: there was none. */
static bool take_acknowledged(struct ft_wdf_queue *queue)
{
    struct ft_wdf_link *next;
    bool any = false;

    for (struct ft_wdf_link *link = queue->notified.next; link != &queue->notified; link = next) {
        struct ft_wdf_request *request = owned_at(link);
        uint8_t acknowledged = request->acknowledged;

        next = link->next;
        if (!acknowledged)
            continue;
        any = true;
        request->acknowledged = 0;
        ft_wdf_unlink(link);
        ft_wdf_link_before(&queue->owned, link);
        if (acknowledged > 1) {
            give_back(queue, request);
            next = queue->notified.next; /* the list may have changed */
        }
    }
    return any;
}

/* False: the driver still has requests that the thread waits for. */
static bool settle(struct ft_wdf_queue *queue)
{
    bool any = take_acknowledged(queue);

    if (!ft_wdf_list_empty(&queue->notified) || queue->dispatching > 1)
        return any;
    set_power(queue, FT_WDF_POWER_OFF);
    KeSetEvent(&queue->power_idle, IO_NO_INCREMENT, FALSE);
    return true;
}

bool ft_wdf_queue_power_step(struct ft_wdf_queue *queue)
{
    switch (queue->power) {
    case FT_WDF_POWER_HOLDING:
        if (queue->dispatching == 1)
            KeSetEvent(&queue->power_idle, IO_NO_INCREMENT, FALSE);
        return false;
    case FT_WDF_POWER_STOPPING:
    case FT_WDF_POWER_PURGE:
    case FT_WDF_POWER_RESUMING:
        ft_wdf_list_move(&queue->notify, &queue->owned);
        set_power(queue, queue->power + 1);
        return true;
    case FT_WDF_POWER_STOP_NOTIFYING:
    case FT_WDF_POWER_PURGE_NOTIFYING:
    case FT_WDF_POWER_RESUME_NOTIFYING:
        if (!notify_one(queue))
            set_power(queue, queue->power + 1);
        return true;
    case FT_WDF_POWER_STOP_NOTIFIED:
    case FT_WDF_POWER_PURGE_NOTIFIED:
        return settle(queue);
    default:
        /* Nothing is delivered before every queue of the device is resumed. */
        set_power(queue, FT_WDF_POWER_ON);
        return false;
    }
}

/* ---- what the PnP and power machines ask for; at PASSIVE_LEVEL ---- */

static void go_and_wait(struct ft_wdf_queue *queue, enum ft_wdf_queue_power power)
{
    set_power(queue, power);
    KeClearEvent(&queue->power_idle);
    if (ft_wdf_queue_run(queue, NULL))
        KeWaitForSingleObject(&queue->power_idle, Executive, KernelMode, FALSE, NULL);
}

/* Calls `each` for every queue that the device has now; those that come meanwhile begin powered
 * off. */
static void each_queue(struct ft_wdf_device *device, bool managed,
                       void (*each)(struct ft_wdf_queue *queue))
{
    struct ft_wdf_io *io = ft_wdf_io_of(device);
    struct ft_wdf_queue *queue = io ? io->queues : NULL, *next;

    while (queue) {
        ft_wdf_object_refer(&queue->object);
        if (queue->power_managed == managed && !queue->deleted)
            each(queue);
        next = queue->next;
        ft_wdf_object_release(&queue->object);
        queue = next;
    }
}

static void resume(struct ft_wdf_queue *queue)
{
    if (queue->power != FT_WDF_POWER_OFF)
        return;
    set_power(queue, FT_WDF_POWER_RESUMING);
    ft_wdf_queue_run(queue, NULL);
}

static void start_again(struct ft_wdf_queue *queue)
{
    if (queue->waits > 0) {
        queue->was_empty = true;
        queue->force_ready = false;
    }
    ft_wdf_queue_run(queue, NULL);
}

static void set_held(struct ft_wdf_device *device, bool held)
{
    struct ft_wdf_io *io = ft_wdf_io_of(device);

    if (io)
        io->held = held;
}

void ft_wdf_queues_start(struct ft_wdf_device *device)
{
    set_held(device, false);
    each_queue(device, true, resume);
    each_queue(device, true, start_again);
}

static void begin_hold(struct ft_wdf_queue *queue)
{
    if (queue->power == FT_WDF_POWER_ON)
        go_and_wait(queue, FT_WDF_POWER_HOLDING);
}

static void hold(struct ft_wdf_queue *queue)
{
    if (queue->power == FT_WDF_POWER_HOLDING)
        go_and_wait(queue, FT_WDF_POWER_STOPPING);
}

void ft_wdf_queues_hold(struct ft_wdf_device *device)
{
    set_held(device, true);
    ft_wdf_point(FT_PT_WDF_HOLD, ft_wdf_label(device));
    each_queue(device, true, begin_hold);
    ft_wdf_point(FT_PT_WDF_HOLD, ft_wdf_label(device));
    each_queue(device, true, hold);
}

static void purge(struct ft_wdf_queue *queue)
{
    queue->shut = true;
    ft_wdf_queue_purge(queue, true);
    go_and_wait(queue, FT_WDF_POWER_PURGE);
}

void ft_wdf_queues_purge(struct ft_wdf_device *device, bool managed)
{
    set_held(device, true);
    ft_wdf_point(FT_PT_WDF_HOLD, ft_wdf_label(device));
    each_queue(device, managed, purge);
}

static void open_again(struct ft_wdf_queue *queue)
{
    queue->shut = false;
    queue->accepts = queue->dispatches = true;
}

void ft_wdf_queues_reset(struct ft_wdf_device *device)
{
    each_queue(device, true, open_again);
}

bool ft_wdf_has_managed_queue(struct ft_wdf_device *device)
{
    struct ft_wdf_io *io = ft_wdf_io_of(device);

    for (struct ft_wdf_queue *queue = io ? io->queues : NULL; queue; queue = queue->next)
        if (queue->power_managed)
            return true;
    return false;
}
