/* What is remembered of framework requests and queues. */
#include "rules/rules_kmdf_requests.h"

enum { POWER_NOTIFYING = 4, POWER_NOTIFIED };
enum { PNP_PDO_RESTART = 0x134 };
enum { SEND_AND_FORGET = 8 };

/* ---- finding ---- */

struct ft_rs_wdf_request *ft_wdf_request_find(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_WDF_REQUESTS; i++) {
        if (rules->wdf_io.request[i].id == id && id != 0) {
            return &rules->wdf_io.request[i];
        }
    }
    return NULL;
}

struct ft_rs_wdf_queue *ft_wdf_queue_find(struct ft_rules *rules, uint64_t handle)
{
    for (unsigned i = 0; i < FT_RS_WDF_QUEUES; i++) {
        if (rules->wdf_io.queue[i].id == ft_handle_id(handle) && handle != 0) {
            return &rules->wdf_io.queue[i];
        }
    }
    return NULL;
}

struct ft_rs_wdf_request *ft_wdf_request_arg(struct ft_rules *rules, const struct ft_event *event,
                                             unsigned index)
{
    return ft_wdf_request_find(rules, ft_arg_id(event, index));
}

bool ft_wdf_request_is_owned(const struct ft_rs_wdf_request *request)
{
    return request->id != 0 &&
           (request->flags & (FT_WDF_REQUEST_OWNED | FT_WDF_REQUEST_SENT)) == FT_WDF_REQUEST_OWNED;
}

/* The task is in that routine, called for the request of that argument. */
bool ft_wdf_is_in(struct ft_rules *rules, const struct ft_event *event, enum ft_routine routine,
                  unsigned index)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, routine);

    return frame != NULL && frame->object == ft_arg_id(event, index);
}

bool ft_wdf_is_handler(uint64_t routine)
{
    return routine >= FT_ROUTINE_WDF_IO_DEFAULT && routine <= FT_ROUTINE_WDF_IO_INTERNAL;
}

bool ft_wdf_queues_are_idle(const struct ft_rules *rules)
{
    for (unsigned i = 0; i < FT_RS_WDF_REQUESTS; i++) {
        const struct ft_rs_wdf_request *request = &rules->wdf_io.request[i];

        for (unsigned j = 0; ft_wdf_request_is_owned(request) && j < FT_RS_WDF_QUEUES; j++) {
            const struct ft_rs_wdf_queue *queue = &rules->wdf_io.queue[j];

            if (queue->id != 0 && queue->id == request->queue &&
                (queue->how & FT_WDF_HOW_MANAGED) != 0) {
                return false;
            }
        }
    }
    return true;
}

/* ---- notes ---- */

/* An ended request's slot is free when there is no other. */
static struct ft_rs_wdf_request *new_request(struct ft_rules *rules)
{
    struct ft_rs_wdf_request *ended = NULL;

    for (unsigned i = 0; i < FT_RS_WDF_REQUESTS; i++) {
        struct ft_rs_wdf_request *request = &rules->wdf_io.request[i];

        if (request->id == 0) {
            return request;
        }
        if ((request->flags & FT_WDF_REQUEST_ENDED) != 0 &&
            (ended == NULL || request->id < ended->id)) {
            ended = request;
        }
    }
    if (ended == NULL) {
        ft_rules_overflow(rules, FT_RS_TABLE_WDF_REQUEST);
    }
    return ended;
}

/* A reserved request of a queue comes again, for another IRP. */
static void note_new(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request;

    if (event->arg[3] != 0) { /* one of the driver's own */
        return;
    }
    request = ft_wdf_request_arg(rules, event, 0);
    if (request == NULL) {
        request = new_request(rules);
    }
    if (request != NULL) {
        *request =
            (struct ft_rs_wdf_request){.id = ft_arg_id(event, 0), .irp = ft_arg_id(event, 1)};
    }
}

static void note_queue(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_WDF_QUEUES && event->arg[0] != 0; i++) {
        struct ft_rs_wdf_queue *queue = &rules->wdf_io.queue[i];

        if (queue->id == 0) {
            *queue = (struct ft_rs_wdf_queue){.id = ft_arg_id(event, 0),
                                              .device = (uint16_t)ft_arg_id(event, 1),
                                              .kind = (uint8_t)event->arg[2],
                                              .how = (uint8_t)event->arg[3],
                                              .power = FT_WDF_POWER_ON};
            return;
        }
    }
}

static void note_given(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 1);

    if (request == NULL) {
        return;
    }
    request->queue = ft_arg_id(event, 0);
    request->flags = FT_WDF_REQUEST_OWNED;
    if (event->arg[2] == FT_WDF_BY_CANCELED_ON_QUEUE) {
        request->flags |= FT_WDF_REQUEST_ON_QUEUE;
    }
    if (event->arg[2] == FT_WDF_BY_RETRIEVE &&
        (event->arg[3] == POWER_NOTIFYING || event->arg[3] == POWER_NOTIFIED)) {
        request->flags |= FT_WDF_REQUEST_TAKEN_IN_HOLD;
    }
    if (event->arg[2] == FT_WDF_BY_HANDLER && rules->wdf_io.suspended != 0) {
        request->flags |= FT_WDF_REQUEST_LATE;
    }
}

static void note_ended(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 0);

    if (request == NULL) {
        return;
    }
    request->flags = FT_WDF_REQUEST_ENDED;
    if (ft_wdf_is_in(rules, event, FT_ROUTINE_WDF_IO_STOP, 0)) {
        request->flags |= FT_WDF_REQUEST_IN_STOP;
    }
}

static void note_mark(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 0);

    if (request != NULL && event->arg[1] != 0 && (uint32_t)event->arg[2] == FT_NT_CANCELLED) {
        request->flags |= FT_WDF_REQUEST_EX_CANCELED;
    }
    if (request != NULL && event->arg[2] == 0) {
        request->flags |= FT_WDF_REQUEST_MARKED;
        request->lost_task = 0;
    }
}

static void note_unmark(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 0);

    if (request != NULL) {
        request->flags &= (uint16_t)~FT_WDF_REQUEST_MARKED;
    }
    if (request != NULL && (uint32_t)event->arg[1] == FT_NT_CANCELLED &&
        event->arg[3] != FT_WDF_UNMARKED) {
        request->lost_task = ft_task_of(event);
    }
}

static void note_stop(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 0);

    if (request == NULL) {
        return;
    }
    if (event->kind == FT_EV_WDF_STOP_ACK) {
        request->flags &= (uint16_t)~FT_WDF_REQUEST_STOP_IGNORED;
        if (event->arg[1] == 0 && event->arg[2] == FT_WDF_STOP_PURGE) {
            request->flags |= FT_WDF_REQUEST_KEPT_ON_PURGE;
        }
        if (event->arg[1] == 0 && event->arg[5] != 0) {
            request->flags |= FT_WDF_REQUEST_ACK_LIVE;
        }
    } else if (event->arg[1] != 0 && event->arg[2] == 0) {
        request->flags |= FT_WDF_REQUEST_STOP_IGNORED;
    }
}

static void note_send(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 0);

    if (request == NULL || event->arg[3] == 0) {
        return;
    }
    if ((event->arg[2] & SEND_AND_FORGET) != 0) {
        request->flags = FT_WDF_REQUEST_ENDED;
    } else {
        request->flags |= FT_WDF_REQUEST_SENT;
    }
}

static void note_retrieve(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_queue *queue = ft_wdf_queue_find(rules, event->arg[0]);
    struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 1);

    if (request != NULL && event->arg[3] == 3 && request->finds > 0) {
        request->finds--;
    }
    if (queue == NULL) {
        return;
    }
    if ((uint32_t)event->arg[2] != FT_NT_WDF_PAUSED || queue->poll_task != ft_task_of(event)) {
        queue->polls = 0;
    }
    queue->poll_task = ft_task_of(event);
    queue->polls += (uint32_t)event->arg[2] == FT_NT_WDF_PAUSED && queue->polls < UINT8_MAX;
}

static void note_find(struct ft_rules *rules, const struct ft_event *event, int change)
{
    struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, change > 0 ? 1 : 0);

    if (request != NULL && (change > 0 || request->finds > 0)) {
        request->finds = (uint8_t)(request->finds + change);
    }
}

/* The task waits: what it asks next is no poll. */
static void note_wait(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_WDF_QUEUES; i++) {
        if (rules->wdf_io.queue[i].poll_task == ft_task_of(event)) {
            rules->wdf_io.queue[i].polls = 0;
        }
    }
}

static void note_power(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_queue *queue = ft_wdf_queue_find(rules, event->arg[0]);

    if (queue == NULL) {
        return;
    }
    queue->power = (uint8_t)event->arg[1];
    queue->shut |= queue->power == FT_WDF_POWER_PURGE;
}

/* A child is started again after its removal: its queues take requests again. */
static void note_restart(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; event->arg[1] == PNP_PDO_RESTART && i < FT_RS_WDF_QUEUES; i++) {
        if (rules->wdf_io.queue[i].device == ft_arg_id(event, 0)) {
            rules->wdf_io.queue[i].shut = 0;
        }
    }
}

static void note_call(struct ft_rules *rules, const struct ft_event *event)
{
    bool enter = event->kind == FT_EV_CALL_ENTER;
    struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, 1);

    if (request != NULL && ft_wdf_is_handler(event->arg[0])) {
        request->flags &= (uint16_t)~FT_WDF_REQUEST_IN_HANDLER;
        request->flags |= enter ? FT_WDF_REQUEST_IN_HANDLER : 0;
    }
    switch (event->arg[0]) {
    case FT_ROUTINE_WDF_D0_ENTRY:
        rules->wdf_io.asleep = 0;
        break;
    case FT_ROUTINE_WDF_D0_EXIT:
        rules->wdf_io.asleep = !enter;
        break;
    case FT_ROUTINE_WDF_SMIO_SUSPEND:
        rules->wdf_io.suspended = 1;
        break;
    case FT_ROUTINE_WDF_SMIO_RESTART:
    case FT_ROUTINE_WDF_SMIO_INIT:
        rules->wdf_io.suspended = 0;
        rules->wdf_io.flushed = 0;
        break;
    case FT_ROUTINE_WDF_SMIO_FLUSH:
        rules->wdf_io.flushed = enter ? 0 : (uint16_t)ft_arg_id(event, 1);
        break;
    case FT_ROUTINE_WDF_REQUEST_CANCEL:
        if (request == NULL || (request->flags & FT_WDF_REQUEST_ENDED) != 0) {
            break;
        }
        request->flags &= (uint16_t)~FT_WDF_REQUEST_CANCELING;
        request->flags &= (uint16_t)~FT_WDF_REQUEST_MARKED;
        request->flags |= enter ? FT_WDF_REQUEST_CANCELING : FT_WDF_REQUEST_CALLED_BACK;
        break;
    default:
        break;
    }
}

/* Of the request that this argument names. */
static void forget_flags(struct ft_rules *rules, const struct ft_event *event, unsigned argument,
                         unsigned flags)
{
    struct ft_rs_wdf_request *request = ft_wdf_request_arg(rules, event, argument);

    if (request != NULL) {
        request->flags &= (uint16_t)~flags;
    }
}

void ft_kmdf_requests_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_REQUEST_NEW:
        note_new(rules, event);
        break;
    case FT_EV_WDF_QUEUE_NEW:
        note_queue(rules, event);
        break;
    case FT_EV_WDF_QUEUE_POWER:
        note_power(rules, event);
        break;
    case FT_EV_WDF_PNP_STATE:
        note_restart(rules, event);
        break;
    case FT_EV_WDF_GIVEN:
        note_given(rules, event);
        break;
    case FT_EV_WDF_QUEUED:
        forget_flags(rules, event, 1, UINT16_MAX);
        break;
    case FT_EV_WDF_COMPLETE:
        note_ended(rules, event);
        break;
    case FT_EV_WDF_MARK:
        note_mark(rules, event);
        break;
    case FT_EV_WDF_UNMARK:
        note_unmark(rules, event);
        break;
    case FT_EV_WDF_CANCELED:
        forget_flags(rules, event, 0, FT_WDF_REQUEST_MARKED);
        break;
    case FT_EV_WDF_STOP_ACK:
    case FT_EV_WDF_IO_STOPPED:
        note_stop(rules, event);
        break;
    case FT_EV_WDF_SEND:
        note_send(rules, event);
        break;
    case FT_EV_WDF_SENT_DONE:
        forget_flags(rules, event, 0, FT_WDF_REQUEST_SENT);
        break;
    case FT_EV_WDF_RETRIEVE:
        note_retrieve(rules, event);
        break;
    case FT_EV_WDF_FIND:
        note_find(rules, event, 1);
        break;
    case FT_EV_WDF_REFERENCE:
        if (event->arg[3] != 0) {
            note_find(rules, event, -1);
        }
        break;
    case FT_EV_WAIT_BEGIN:
    case FT_EV_DELAY:
        note_wait(rules, event);
        break;
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        note_call(rules, event);
        break;
    default:
        break;
    }
}
