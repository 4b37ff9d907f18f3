/* Starting, stopping, draining and purging a queue (kmdf.md, section 5.5).
 *
 * A change has a callback, or a thread that waits for it; stop and stop-and-purge share one such
 * slot, drain and purge another. Two changes in one slot, and a change of a deleted queue, stop the
 * machine.
 */
#include "kmdf/requests.h"

static void cancel_waiting(struct ft_wdf_queue *queue)
{
    struct ft_wdf_request *request;

    while ((request = ft_wdf_queue_next(queue, NULL)) != NULL)
        ft_wdf_cancel_for_queue(request);
}

static void cancel_marked(struct ft_wdf_queue *queue)
{
    while (ft_wdf_cancel_marked(queue))
        continue;
}

/* cancel: a purge; else a drain. */
void ft_wdf_queue_purge(struct ft_wdf_queue *queue, bool cancel)
{
    queue->accepts = false;
    ft_wdf_object_refer(&queue->object);
    if (cancel) {
        queue->cancels = true;
        ft_wdf_reserve_cancel(queue, NULL);
        cancel_waiting(queue);
        cancel_marked(queue);
    }
    ft_wdf_queue_run(queue, NULL);
    ft_wdf_object_release(&queue->object);
}

static void set_accepts(struct ft_wdf_queue *queue)
{
    if (!queue->shut)
        queue->accepts = true;
}

/* Requests that come while the waiting ones are cancelled stay. */
static void cancel_those_now(struct ft_wdf_queue *queue)
{
    uint32_t count = queue->waits;
    struct ft_wdf_request *request;

    while (count-- > 0 && (request = ft_wdf_queue_next(queue, NULL)) != NULL)
        ft_wdf_cancel_for_queue(request);
}

static void stop(struct ft_wdf_queue *queue, bool cancel)
{
    set_accepts(queue);
    queue->dispatches = false;
    ft_wdf_object_refer(&queue->object);
    if (cancel) {
        queue->cancels = true;
        ft_wdf_reserve_cancel(queue, NULL);
        cancel_those_now(queue);
        cancel_marked(queue);
    }
    ft_wdf_queue_run(queue, NULL);
    ft_wdf_object_release(&queue->object);
}

static void start(struct ft_wdf_queue *queue)
{
    set_accepts(queue);
    queue->dispatches = true;
    queue->cancels = false;
    if (queue->waits > 0) {
        queue->was_empty = true;
        queue->force_ready = false;
    }
    ft_wdf_queue_run(queue, NULL);
}

static struct ft_wdf_change *slot_of(struct ft_wdf_queue *queue, enum ft_wdf_state_change what)
{
    return what == FT_WDF_CHANGE_STOP || what == FT_WDF_CHANGE_STOP_AND_PURGE ? &queue->idle
                                                                              : &queue->purge;
}

static void announce(struct ft_wdf_queue *queue, enum ft_wdf_state_change what, bool synchronous,
                     bool callback, uint8_t layer)
{
    bool busy = (callback || synchronous) && slot_of(queue, what)->what != 0;
    uint8_t own = ft_layer_set(layer);

    ft_emit(FT_EV_WDF_QUEUE_STATE, ft_wdf_handle(queue), what, synchronous, callback, busy,
            ft_wdf_queue_inside(queue), queue->waits, queue->owns);
    ft_layer_set(own);
}

static void change(struct ft_wdf_queue *queue, const struct ft_wdf_change *how)
{
    struct ft_wdf_change *slot = slot_of(queue, how->what);
    bool waits = how->routine || how->event;
    NTSTATUS failure = queue->deleted || queue->disposing ? STATUS_DELETE_PENDING
                       : waits && slot->what != 0         ? STATUS_INVALID_DEVICE_REQUEST
                                                          : STATUS_SUCCESS;

    if (failure != STATUS_SUCCESS)
        ft_wdf_bugcheck(FT_WDF_QUEUE_ERROR, ft_wdf_handle(queue), 0, (uint32_t)failure);
    if (waits)
        *slot = *how;
    switch (how->what) {
    case FT_WDF_CHANGE_STOP:
    case FT_WDF_CHANGE_STOP_AND_PURGE:
        stop(queue, how->what == FT_WDF_CHANGE_STOP_AND_PURGE);
        break;
    default:
        ft_wdf_queue_purge(queue, how->what == FT_WDF_CHANGE_PURGE);
        break;
    }
}

/* With a callback, or none. */
static void change_later(struct ft_wdf_queue *queue, enum ft_wdf_state_change what,
                         PFN_WDF_IO_QUEUE_STATE routine, WDFCONTEXT context, uint8_t layer)
{
    announce(queue, what, false, routine != NULL, layer);
    change(queue,
           &(struct ft_wdf_change){.routine = routine, .context = context, .what = (uint8_t)what});
}

/* The event is the thread's own: nobody else knows it once the change is over. */
static void change_and_wait(struct ft_wdf_queue *queue, enum ft_wdf_state_change what,
                            uint8_t layer)
{
    KEVENT event;

    if (!ft_wdf_irql_ok(PASSIVE_LEVEL))
        return;
    announce(queue, what, true, false, layer);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    ft_wdf_object_refer(&queue->object);
    change(queue, &(struct ft_wdf_change){.event = &event, .what = (uint8_t)what});
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    ft_wdf_object_release(&queue->object);
}

VOID WdfIoQueueStart(WDFQUEUE Queue)
{
    struct ft_wdf_queue *queue;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Queue));
    queue = ft_wdf_queue_check(Queue);
    announce(queue, FT_WDF_CHANGE_START, false, false, ft_wdf_layer);
    start(queue);
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(Queue));
}

VOID WdfIoQueueStop(WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE StopComplete, WDFCONTEXT Context)
{
    FT_WDF_DO(WDF_QUEUE, ft_wdf_label(Queue),
              change_later(ft_wdf_queue_check(Queue), FT_WDF_CHANGE_STOP, StopComplete, Context,
                           ft_wdf_layer));
}

VOID WdfIoQueueStopSynchronously(WDFQUEUE Queue)
{
    FT_WDF_DO(WDF_QUEUE, ft_wdf_label(Queue),
              change_and_wait(ft_wdf_queue_check(Queue), FT_WDF_CHANGE_STOP, ft_wdf_layer));
}

VOID WdfIoQueueDrain(WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE DrainComplete, WDFCONTEXT Context)
{
    FT_WDF_DO(WDF_QUEUE, ft_wdf_label(Queue),
              change_later(ft_wdf_queue_check(Queue), FT_WDF_CHANGE_DRAIN, DrainComplete, Context,
                           ft_wdf_layer));
}

VOID WdfIoQueueDrainSynchronously(WDFQUEUE Queue)
{
    FT_WDF_DO(WDF_QUEUE, ft_wdf_label(Queue),
              change_and_wait(ft_wdf_queue_check(Queue), FT_WDF_CHANGE_DRAIN, ft_wdf_layer));
}

VOID WdfIoQueuePurge(WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE PurgeComplete, WDFCONTEXT Context)
{
    FT_WDF_DO(WDF_QUEUE, ft_wdf_label(Queue),
              change_later(ft_wdf_queue_check(Queue), FT_WDF_CHANGE_PURGE, PurgeComplete, Context,
                           ft_wdf_layer));
}

VOID WdfIoQueuePurgeSynchronously(WDFQUEUE Queue)
{
    FT_WDF_DO(WDF_QUEUE, ft_wdf_label(Queue),
              change_and_wait(ft_wdf_queue_check(Queue), FT_WDF_CHANGE_PURGE, ft_wdf_layer));
}

VOID WdfIoQueueStopAndPurge(WDFQUEUE Queue, PFN_WDF_IO_QUEUE_STATE StopAndPurgeComplete,
                            WDFCONTEXT Context)
{
    FT_WDF_DO(WDF_QUEUE, ft_wdf_label(Queue),
              change_later(ft_wdf_queue_check(Queue), FT_WDF_CHANGE_STOP_AND_PURGE,
                           StopAndPurgeComplete, Context, ft_wdf_layer));
}

VOID WdfIoQueueStopAndPurgeSynchronously(WDFQUEUE Queue)
{
    FT_WDF_DO(
        WDF_QUEUE, ft_wdf_label(Queue),
        change_and_wait(ft_wdf_queue_check(Queue), FT_WDF_CHANGE_STOP_AND_PURGE, ft_wdf_layer));
}
