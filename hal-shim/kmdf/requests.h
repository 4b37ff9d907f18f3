/* Queues, requests, files and I/O targets of the framework: what the files of this area share.
 *
 * The framework's code is one step to the world as long as it calls no driver and does not wait,
 * so there are no queue locks here: whatever is changed between two such calls changes at once.
 */
#ifndef FT_KMDF_REQUESTS_H
#define FT_KMDF_REQUESTS_H

#include "kmdf/kmdf_private.h"

/* ---- lists: a head that is a link, too ---- */

struct ft_wdf_link {
    struct ft_wdf_link *next, *previous;
};

static inline void ft_wdf_list_init(struct ft_wdf_link *list)
{
    list->next = list->previous = list;
}
static inline bool ft_wdf_list_empty(const struct ft_wdf_link *list)
{
    return list->next == list;
}
/* Also of a link that is in no list. */
static inline void ft_wdf_unlink(struct ft_wdf_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    ft_wdf_list_init(link);
}
static inline void ft_wdf_link_before(struct ft_wdf_link *at, struct ft_wdf_link *link)
{
    link->next = at;
    link->previous = at->previous;
    at->previous->next = link;
    at->previous = link;
}
/* Moves all links of `from` to the empty list `to`. */
static inline void ft_wdf_list_move(struct ft_wdf_link *to, struct ft_wdf_link *from)
{
    while (!ft_wdf_list_empty(from)) {
        struct ft_wdf_link *link = from->next;

        ft_wdf_unlink(link);
        ft_wdf_link_before(to, link);
    }
}

/* ---- requests ---- */

enum ft_wdf_request_place {
    FT_WDF_NOWHERE = 1, /* in the framework's hands, in no queue; or the driver made it */
    FT_WDF_WAITS,       /* in a queue */
    FT_WDF_OWNED,       /* the driver's */
    FT_WDF_CALLER,      /* the driver's, in EvtIoInCallerContext or since: in no queue yet */
    FT_WDF_ENDED        /* completed, or sent and forgotten */
};

enum ft_wdf_cancelable {
    FT_WDF_UNMARKED,
    FT_WDF_MARKED,
    FT_WDF_CANCELED,  /* EvtRequestCancel is due */
    FT_WDF_CANCELING, /* it was called */
};

enum ft_wdf_request_kind {
    FT_WDF_FROM_IO, /* of an IRP that came in */
    FT_WDF_MADE,    /* WdfRequestCreate: the framework owns its IRP */
    FT_WDF_OF_IRP   /* WdfRequestCreateFromIrp: the driver owns it */
};

struct ft_wdf_target;

/* A piece of memory that a format gives the target. */
struct ft_wdf_piece {
    void *address;
    PMDL mdl; /* the caller's own, NULL: none */
    size_t length, offset;
    struct ft_wdf_object *memory; /* the memory object that it is of, or NULL */
};

/* What a request has on its way to an I/O target. */
struct ft_wdf_sent {
    struct ft_wdf_target *target; /* that has it, NULL: none */
    struct ft_wdf_link link;      /* of the target's requests */
    PFN_WDF_REQUEST_COMPLETION_ROUTINE routine;
    WDFCONTEXT context;
    KEVENT *done;                      /* a thread waits for it */
    struct ft_wdf_piece piece[2];      /* input and output, or the only one first */
    struct ft_wdf_object *held[2];     /* their memory objects, referenced */
    PMDL mdl;                          /* that the format made */
    void *system_buffer;               /* the same */
    void *copy_to;                     /* where the target's output goes from there */
    void *system_before, *user_before; /* buffers of the IRP before it was formatted */
    PMDL mdl_before;
    WDF_REQUEST_COMPLETION_PARAMS params;
    KTIMER timer;
    KDPC dpc;
    uint8_t formatted; /* the next stack location is filled */
    uint8_t plain;     /* by the driver's own parameters: no buffers to give back */
    uint8_t canceled;  /* somebody asked the target to cancel it */
    uint8_t timed_out;
    uint8_t cancelers; /* tasks inside IoCancelIrp for it */
    uint8_t back;      /* it came back meanwhile */
    uint8_t timer_set;
    uint8_t pended; /* the target is stopped */
};

struct ft_wdf_request {
    struct ft_wdf_object object;
    PIRP irp;                      /* NULL: gone */
    struct ft_wdf_queue *queue;    /* the last it was in, NULL: none */
    struct ft_wdf_queue *reserver; /* whose reserved request it is, NULL: nobody's */
    struct ft_wdf_link owned;      /* of the queue's requests that the driver owns */
    struct ft_wdf_link queued;     /* of those that wait, or whose cancel callback is due */
    PFN_WDF_REQUEST_CANCEL cancel;
    PMDL mdl;                /* over a system buffer */
    WDFMEMORY input, output; /* of its buffers, NULL: nobody asked */
    NTSTATUS status;         /* WdfRequestGetStatus */
    uint32_t holds;          /* transactions and sent requests that use its IRP */
    uint8_t place;           /* enum ft_wdf_request_place */
    uint8_t cancelable;      /* enum ft_wdf_cancelable */
    uint8_t kind;            /* enum ft_wdf_request_kind */
    uint8_t presented;       /* the driver had it once */
    uint8_t canceled;
    uint8_t in_stop;      /* EvtIoStop runs for it: 1 suspend, 2 purge */
    uint8_t acknowledged; /* 1 it stays the driver's, 2 it is requeued */
    uint8_t frees_irp;    /* with the object */
    struct ft_wdf_sent sent;
};

/* As FT_EV_WDF_QUEUED says how it came. */
enum ft_wdf_came { FT_WDF_ARRIVED = 1, FT_WDF_FORWARDED, FT_WDF_REQUEUED, FT_WDF_RETURNED };
/* As FT_EV_WDF_GIVEN says how the driver got it. */
enum ft_wdf_given {
    FT_WDF_BY_HANDLER = 1,
    FT_WDF_BY_RETRIEVE,
    FT_WDF_BY_CANCELED_ON_QUEUE,
    FT_WDF_BY_CALLER_CONTEXT
};
/* What FT_EV_WDF_STALE names: the routine that got a request that is over. */
enum ft_wdf_use {
    FT_WDF_USE_COMPLETE = 1,
    FT_WDF_USE_MARK,
    FT_WDF_USE_UNMARK,
    FT_WDF_USE_FORWARD,
    FT_WDF_USE_STOP_ACKNOWLEDGE,
    FT_WDF_USE_SEND,
    FT_WDF_USE_BUFFER,
    FT_WDF_USE_OTHER
};

/* ---- queues ---- */

enum ft_wdf_queue_power {
    FT_WDF_POWER_ON = 1,
    FT_WDF_POWER_HOLDING, /* no new dispatch; the thread waits for handlers to return */
    FT_WDF_POWER_STOPPING,
    FT_WDF_POWER_STOP_NOTIFYING,
    FT_WDF_POWER_STOP_NOTIFIED,
    FT_WDF_POWER_OFF,
    FT_WDF_POWER_PURGE,
    FT_WDF_POWER_PURGE_NOTIFYING,
    FT_WDF_POWER_PURGE_NOTIFIED,
    FT_WDF_POWER_RESUMING,
    FT_WDF_POWER_RESUME_NOTIFYING,
    FT_WDF_POWER_RESUME_NOTIFIED
};

/* A state change that waits for its end. */
struct ft_wdf_change {
    PFN_WDF_IO_QUEUE_STATE routine; /* one of these two, or no change waits */
    KEVENT *event;
    WDFCONTEXT context;
    uint8_t what; /* enum ft_wdf_state_change */
};
/* As FT_EV_WDF_QUEUE_STATE names it. */
enum ft_wdf_state_change {
    FT_WDF_CHANGE_START = 1,
    FT_WDF_CHANGE_STOP,
    FT_WDF_CHANGE_DRAIN,
    FT_WDF_CHANGE_PURGE,
    FT_WDF_CHANGE_STOP_AND_PURGE
};

/* A task inside a callback of the queue; on that task's stack. */
struct ft_wdf_inside {
    struct ft_wdf_inside *next;
    uint16_t task;
};

struct ft_wdf_queue {
    struct ft_wdf_object object;
    struct ft_wdf_queue *next; /* of the device, in creation order */
    WDF_IO_QUEUE_CONFIG config;
    struct ft_wdf_link waiting;          /* requests that wait, the first first */
    struct ft_wdf_link owned;            /* that the driver owns */
    struct ft_wdf_link notify, notified; /* of those: EvtIoStop or EvtIoResume is due; was called */
    struct ft_wdf_link canceled;         /* EvtRequestCancel is due */
    struct ft_wdf_link canceled_on_queue; /* EvtIoCanceledOnQueue is due */
    struct ft_wdf_change idle, purge;     /* stop; drain and purge */
    struct ft_wdf_inside *inside;
    PFN_WDF_IO_QUEUE_STATE ready;
    WDFCONTEXT ready_context;
    KEVENT power_idle, disposed;
    KDPC dpc;
    PIO_WORKITEM work;
    struct ft_wdf_reserve *reserve; /* reserved requests, NULL: none */
    uint32_t waits, owns;           /* how many */
    uint32_t dispatching;           /* tasks in the dispatch loop */
    uint8_t power;                  /* enum ft_wdf_queue_power */
    uint8_t accepts, dispatches;
    uint8_t shut;    /* removal: it never accepts again */
    uint8_t cancels; /* a purge is on: what is marked now is cancelled at once */
    uint8_t power_managed, power_referenced;
    uint8_t was_empty, force_ready;
    uint8_t deferred, redefer; /* a DPC or work item will dispatch; and once more */
    uint8_t disposing, deleted, internal;
};

/* What a device has of this area: an object below it, made with the device. */
struct ft_wdf_io {
    struct ft_wdf_object object;
    struct ft_wdf_queue *queues; /* in creation order */
    struct ft_wdf_queue *table[IRP_MJ_MAXIMUM_FUNCTION + 1];
    struct ft_wdf_queue *default_queue;
    struct ft_wdf_queue *creates; /* of EvtDeviceFileCreate; not the driver's */
    struct ft_wdf_target *target; /* the local one */
    struct ft_wdf_file *files;
    uint8_t held; /* the device is not in D0: a power-managed queue begins powered off */
};

/* io_dispatch.c */
struct ft_wdf_io *ft_wdf_io_of(struct ft_wdf_device *device);
struct ft_wdf_io *ft_wdf_io_make(struct ft_wdf_device *device, NTSTATUS *status);

/* queue.c */
NTSTATUS ft_wdf_queue_make(struct ft_wdf_device *device, const WDF_IO_QUEUE_CONFIG *config,
                           const WDF_OBJECT_ATTRIBUTES *attributes, struct ft_wdf_queue **ret);
/* The queue behind a handle; a level above DISPATCH_LEVEL is an event. */
struct ft_wdf_queue *ft_wdf_queue_check(WDFQUEUE handle);
bool ft_wdf_queue_handles(const struct ft_wdf_queue *queue, unsigned major);

/* queue_dispatch.c: the loop. `request`: one that has just come, or NULL. Until it returns the
 * queue stays; false: the queue is deleted. ft_wdf_queue_run_more: only when no task is in the
 * loop, which otherwise sees to it. */
bool ft_wdf_queue_run(struct ft_wdf_queue *queue, struct ft_wdf_request *request);
void ft_wdf_queue_run_more(struct ft_wdf_queue *queue);
/* Puts it at the queue's end, or its head; false: it is cancelled already, and in no list. */
bool ft_wdf_queue_insert(struct ft_wdf_queue *queue, struct ft_wdf_request *request, bool head);
/* The next that waits, of that file (NULL: any), and which nobody is cancelling. It is taken out.
 */
struct ft_wdf_request *ft_wdf_queue_next(struct ft_wdf_queue *queue, const FILE_OBJECT *file);
bool ft_wdf_queue_take(struct ft_wdf_request *request); /* that one; false: it is being cancelled */
void ft_wdf_queue_own(struct ft_wdf_queue *queue, struct ft_wdf_request *request);
void ft_wdf_queue_disown(struct ft_wdf_request *request);
void ft_wdf_queue_came(struct ft_wdf_queue *queue); /* it may have been empty: ready, power */
/* Calls a callback of the queue, in its lock when locked. */
uint64_t ft_wdf_queue_call(struct ft_wdf_queue *queue, enum ft_routine routine,
                           struct ft_wdf_request *request, bool locked, ft_thunk *thunk, void *a,
                           void *b, void *c);
bool ft_wdf_queue_inside(const struct ft_wdf_queue *queue); /* the task is in a callback of it */
void ft_wdf_given(struct ft_wdf_request *request, enum ft_wdf_given how);
bool ft_wdf_zero_length(const struct ft_wdf_queue *queue, const struct ft_wdf_request *request);

/* queue_power.c */
bool ft_wdf_queue_power_step(struct ft_wdf_queue *queue); /* false: the loop has to end */
bool ft_wdf_queue_notifying(const struct ft_wdf_queue *queue);

/* reserved_requests.c: of a queue with queue->reserve only, but for the first two. */
void ft_wdf_reserve_end(struct ft_wdf_queue *queue);        /* the queue goes */
bool ft_wdf_reserve_busy(const struct ft_wdf_queue *queue); /* one of them is not back */
/* Cancels the IRPs that wait for a request, of that file (NULL: any). */
void ft_wdf_reserve_cancel(struct ft_wdf_queue *queue, const FILE_OBJECT *file);
/* There is no request for the IRP: finds a reserved one (STATUS_SUCCESS, *ret), lets it wait, or
 * ends it. */
NTSTATUS ft_wdf_reserve_serve(struct ft_wdf_queue *queue, PIRP irp, struct ft_wdf_request **ret);
/* The driver's own resources for a request that is none of the reserved ones. */
NTSTATUS ft_wdf_reserve_allocate(struct ft_wdf_queue *queue, struct ft_wdf_request *request);
/* A reserved request is complete, or a reference to it is gone. */
void ft_wdf_reserve_back(struct ft_wdf_request *request);

/* queue_state.c */
void ft_wdf_queue_purge(struct ft_wdf_queue *queue, bool cancel);

/* request_object.c */
struct ft_wdf_request *ft_wdf_request_make(struct ft_wdf_device *device,
                                           struct ft_wdf_object *parent,
                                           const WDF_OBJECT_ATTRIBUTES *attributes, PIRP irp,
                                           enum ft_wdf_request_kind kind, NTSTATUS *status);
/* The request, live and not over; else event wdf:stale-request and the bug check of a bad handle.
 * Inside FT_WDF_BEGIN … FT_WDF_END; layer: the caller's. */
struct ft_wdf_request *ft_wdf_request_check(WDFREQUEST handle, enum ft_wdf_use use, uint8_t layer);
#define ft_wdf_request_of(handle, USE) ft_wdf_request_check(handle, FT_WDF_USE_##USE, ft_wdf_layer)
void ft_wdf_request_end(struct ft_wdf_request *request, NTSTATUS status, ULONG_PTR information,
                        CCHAR boost);
/* Before its IRP is completed or leaves: EvtCleanupCallback, and the end of its children. */
void ft_wdf_request_dispose(struct ft_wdf_request *request);
/* It leaves the driver without being completed here. */
void ft_wdf_request_forget(struct ft_wdf_request *request);
bool ft_wdf_request_owned(const struct ft_wdf_request *request);
unsigned ft_wdf_request_irp(const struct ft_wdf_request *request); /* handle id */

/* request_cancel.c */
bool ft_wdf_request_arm(struct ft_wdf_request *request, PDRIVER_CANCEL routine);
bool ft_wdf_request_claim(struct ft_wdf_request *request);
DRIVER_CANCEL ft_wdf_cancel_waiting, ft_wdf_cancel_owned;
/* It was cancelled while it waited, and is in no list. */
void ft_wdf_cancel_for_queue(struct ft_wdf_request *request);
/* It was cancelled while the driver had it. */
void ft_wdf_cancel_for_driver(struct ft_wdf_request *request);
bool ft_wdf_cancel_marked(struct ft_wdf_queue *queue); /* one of them; false: none is left */

/* request_memory.c */

/* What FT_EV_WDF_BUFFER says was asked for. */
enum {
    FT_WDF_WHAT_INPUT = 1,
    FT_WDF_WHAT_OUTPUT = 2,
    FT_WDF_WHAT_MEMORY = 4,
    FT_WDF_WHAT_MDL = 8,
    FT_WDF_WHAT_UNSAFE = 16,
    FT_WDF_WHAT_PROBE = 32
};
#define FT_WDF_WHAT_SIDE(output) ((output) ? FT_WDF_WHAT_OUTPUT : FT_WDF_WHAT_INPUT)

/* One of the two buffers of a request. */
struct ft_wdf_side {
    void *address; /* of a system buffer, or of what the driver may use as it is */
    PMDL mdl;      /* or its pages */
    ULONG length;
};

/* What a driver asks for: at least so many bytes; the length may be NULL. */
struct ft_wdf_wanted {
    size_t minimum;
    PVOID *buffer;
    size_t *length;
};

/* Event wdf:buffer, of the layer that called. */
void ft_wdf_buffer_asked(const struct ft_wdf_request *request, unsigned what, size_t minimum,
                         size_t length, NTSTATUS status, uint8_t layer);
/* Gives the driver that buffer if `status`, the finding of it, is a success and it is as long as
 * wanted; and says so. */
NTSTATUS ft_wdf_buffer_give(const struct ft_wdf_request *request, unsigned what,
                            struct ft_wdf_side *side, NTSTATUS status,
                            const struct ft_wdf_wanted *wanted, uint8_t layer);
void ft_wdf_request_release_buffers(struct ft_wdf_request *request);

/* request_query.c */
void ft_wdf_request_parameters(const struct ft_wdf_request *request,
                               PWDF_REQUEST_PARAMETERS parameters);

/* ---- files ---- */

struct ft_wdf_file {
    struct ft_wdf_object object;
    struct ft_wdf_file *next; /* of the device */
    PFILE_OBJECT file;
};
struct ft_wdf_file *ft_wdf_file_of(struct ft_wdf_device *device, const FILE_OBJECT *file);
void ft_wdf_file_gone(struct ft_wdf_device *device, const FILE_OBJECT *file);
NTSTATUS ft_wdf_file_create(struct ft_wdf_device *device, PIRP irp);
NTSTATUS ft_wdf_file_cleanup(struct ft_wdf_device *device, PIRP irp);
NTSTATUS ft_wdf_file_close(struct ft_wdf_device *device, PIRP irp);

/* io_dispatch.c */
NTSTATUS ft_wdf_irp_end(PIRP irp, NTSTATUS status);
NTSTATUS ft_wdf_irp_pass(struct ft_wdf_device *device, PIRP irp);
/* A request whose IRP is marked pending already comes to that queue. */
void ft_wdf_arrive_pended(struct ft_wdf_queue *queue, struct ft_wdf_request *request);
/* Makes a request of it, for that queue (NULL: EvtIoInCallerContext gets it). `in_caller`:
 * EvtIoInCallerContext, if there is one, sees it first. */
NTSTATUS ft_wdf_io_deliver(struct ft_wdf_device *device, PIRP irp, struct ft_wdf_queue *queue,
                           bool in_caller);

/* ---- I/O targets ---- */

struct ft_wdf_target {
    struct ft_wdf_object object;
    PDEVICE_OBJECT below;      /* gets the requests; NULL: a remote target that is not open */
    PDEVICE_OBJECT pdo;        /* of that stack, NULL: not known */
    PFILE_OBJECT file;         /* of a remote target, NULL: none */
    HANDLE handle;             /* the same, of one that was opened by name */
    struct ft_wdf_link sent;   /* requests on their way */
    struct ft_wdf_link pended; /* that wait for the target's start */
    KEVENT none;               /* set while no request is on its way */
    uint8_t state;             /* WDF_IO_TARGET_STATE */
};

/* io_target.c: as ft_wdf_queue_check. */
struct ft_wdf_target *ft_wdf_target_check(WDFIOTARGET handle);
void ft_wdf_target_init(struct ft_wdf_target *target);
/* Cancels what it has and waits for it; PASSIVE_LEVEL. */
void ft_wdf_target_cancel(struct ft_wdf_target *target);

/* io_target_format.c. The IRP has room for the target, or gets it. */
NTSTATUS ft_wdf_request_fit(struct ft_wdf_request *request, struct ft_wdf_target *target);
/* Drops the format and what it refers to. */
void ft_wdf_format_release(struct ft_wdf_request *request);
NTSTATUS ft_wdf_format_transfer(struct ft_wdf_target *target, struct ft_wdf_request *request,
                                UCHAR major, const struct ft_wdf_piece *piece,
                                const LONGLONG *offset);
struct ft_wdf_control {
    ULONG code;
    UCHAR major;
    struct ft_wdf_piece input, output;
};
NTSTATUS ft_wdf_format_control(struct ft_wdf_target *target, struct ft_wdf_request *request,
                               const struct ft_wdf_control *control);
NTSTATUS ft_wdf_format_others(struct ft_wdf_target *target, struct ft_wdf_request *request,
                              ULONG code, const struct ft_wdf_piece argument[3]);
NTSTATUS ft_wdf_piece_of_memory(WDFMEMORY memory, const WDFMEMORY_OFFSET *offsets,
                                struct ft_wdf_piece *ret);
NTSTATUS ft_wdf_piece_of_descriptor(const WDF_MEMORY_DESCRIPTOR *descriptor,
                                    struct ft_wdf_piece *ret);
/* The data is back where it belongs, and the IRP as it was. */
void ft_wdf_format_undo(struct ft_wdf_request *request);

/* io_target_send.c */
bool ft_wdf_send(struct ft_wdf_target *target, struct ft_wdf_request *request,
                 const WDF_REQUEST_SEND_OPTIONS *options);
bool ft_wdf_send_and_wait(struct ft_wdf_target *target, struct ft_wdf_request *request,
                          const WDF_REQUEST_SEND_OPTIONS *options);
bool ft_wdf_send_and_forget(struct ft_wdf_target *target, struct ft_wdf_request *request);
void ft_wdf_send_pended(struct ft_wdf_target *target);
bool ft_wdf_cancel_sent(struct ft_wdf_request *request);

#endif
