/* What the files of hal-shim/io share and no other folder needs.
 *
 * Who is who: the requester (layer HARNESS) opens a handle and sends reads and writes; the manager
 * (layer HARNESS) is the PnP and the power manager, one task that sends one request after the
 * other; the bus driver (layer SYSTEM) owns the PDO.
 */
#ifndef FT_IO_IO_PRIVATE_H
#define FT_IO_IO_PRIVATE_H

#include "world/machine.h"

#include <wdm.h>

#define FT_IO (&FT_M->io)

/* ---- focus.c (and machine.h) ---- */

/* Before DriverEntry: one device or two, without PDO. */
void ft_devices_reset(unsigned count);
/* ft_focus_on for that device. */
struct ft_focus ft_focus_on_owner(PDEVICE_OBJECT object);
/* It is the PDO of a device. */
bool ft_is_pdo(PDEVICE_OBJECT object);

/* ---- irp.c ---- */

/* Whose IRP it is: what happens when completion reaches the top. */
enum ft_irp_owner {
    FT_IRP_OF_DRIVER = 1, /* IoAllocateIrp: nothing; its completion routine should have kept it */
    FT_IRP_OF_REQUEST,    /* a read or write: index of the request */
    FT_IRP_OF_SEND,       /* somebody waits: index of the send */
    FT_IRP_OF_THREAD,     /* IoBuild...Request: the I/O manager ends it */
    FT_IRP_ASSOCIATED,    /* IoMakeAssociatedIrp: its master may end with it */
    FT_IRP_OF_POWER       /* a device power request: its index */
};

/* At the end of an IRP's block. */
struct ft_irp_private {
    uint8_t owner; /* enum ft_irp_owner */
    uint8_t index;
    uint8_t pins;    /* tasks that are about to cancel it: it stays allocated that long */
    uint8_t ended;   /* completion reached the top */
    uint8_t sent_at; /* CurrentLocation of the first who sent it, 0 while nobody below has it */
    uint8_t woke;    /* PoSetSystemWake: it woke the machine */
    uint8_t device;  /* number of the device that it was made for */
    uint8_t unused;
};

/* Makes an IRP. NULL when the arena is full. */
PIRP ft_irp_create(CCHAR stack_size, enum ft_irp_owner owner, unsigned index, unsigned label);
/* The same for the system's own use: when the arena is full the run is cut, and NULL is returned.
 */
PIRP ft_irp_create_or_cut(CCHAR stack_size, enum ft_irp_owner owner, unsigned index,
                          unsigned label);
/* NULL: an IRP in memory of the driver's own. */
struct ft_irp_private *ft_irp_private(PIRP irp);
enum ft_irp_owner ft_irp_owner(PIRP irp);
uint64_t ft_irp_handle(const void *irp);
bool ft_irp_is_live(const IRP *irp);
/* Event irp:new: what is asked for stands in the next location. */
void ft_irp_announce(PIRP irp, uint32_t length, bool write, PIRP master);
/* The same for an IRP of the system's own: layer HARNESS, on behalf of that IRP. */
void ft_irp_announce_system(PIRP irp, uint32_t length, bool write);
/* The I/O manager is done with it: event irp:free and gone, now or when the last pin goes. */
void ft_irp_retire(PIRP irp);
void ft_irp_pin(PIRP irp);
void ft_irp_unpin(PIRP irp);
/* Bug check 0xC9 with that parameter when the pointer is no live IRP. */
enum { FT_NOT_AN_IRP = 3 }; /* most routines' parameter: no IRP was passed */
void ft_irp_check(PIRP irp, unsigned code);
/* IoMarkIrpPending without its points. */
void ft_irp_mark_pending(PIRP irp);
/* IoCopyCurrentIrpStackLocationToNext and IoSetCompletionRoutine without their points. */
void ft_irp_copy_location(PIRP irp);
void ft_irp_set_completion(PIRP irp, PIO_COMPLETION_ROUTINE routine, PVOID context, UCHAR control);
/* Sends an IRP of the I/O manager's own, waits for it, and frees it. information: NULL: not wanted.
 */
NTSTATUS ft_irp_send(PDEVICE_OBJECT device, PIRP irp, ULONG_PTR *information);
/* IoCallDriver without its points. */
NTSTATUS ft_irp_call(PDEVICE_OBJECT device, PIRP irp);
unsigned ft_irp_id(PIRP irp);
/* Ends the run as cut: the machine has no room for an object of its own. */
void ft_io_cut(void);

/* ---- irp_touches.c: who may touch an IRP; nothing but in the access flavour ---- */

void ft_irp_gone(PIRP irp); /* the driver has passed it on for good */
void ft_irp_back(PIRP irp); /* a routine is called with it */
/* It is in a cancel-safe queue of the driver's; locked: under a spin lock that the queue took. */
void ft_irp_queued(PIRP irp, bool locked);
void ft_irp_linked(PIRP irp); /* its DriverContext[3] leads there */
void ft_irp_unqueued(PIRP irp);
/* The driver has set a cancel routine, or taken it back; or the IRP is not its own any more. */
void ft_irp_cancel_set(PIRP irp, bool set);

/* ---- irp_build.c ---- */

/* Unlocks and frees the MDLs that hang on an IRP. */
void ft_irp_release_pages(PIRP irp);
/* The end of an IRP that the I/O manager built for a driver's thread. */
void ft_irp_end_built(PIRP irp);

/* ---- cancel.c ---- */

/* Raises to DISPATCH_LEVEL and takes the cancel lock for the running task, with its event in layer
 * SYSTEM. Returns the old IRQL. */
KIRQL ft_cancel_lock(void);
void ft_cancel_unlock(KIRQL irql);
/* IoCancelIrp without its points. */
bool ft_irp_cancel(PIRP irp);
/* Calls a cancel routine that the caller has claimed; the lock is held and the routine gives it
 * back. */
void ft_cancel_call(PIRP irp, PDRIVER_CANCEL routine);
/* Sets the cancel routine on the I/O manager's own account: the event is of layer SYSTEM. Returns
 * the old one. */
PDRIVER_CANCEL ft_cancel_exchange(PIRP irp, PDRIVER_CANCEL routine);

/* ---- csq.c ---- */

/* The cancel routine of a request in a cancel-safe queue. */
VOID ft_csq_cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp);

/* ---- device_queue.c: the queue's routines without their points and events ---- */

void ft_queue_reset(PKDEVICE_QUEUE queue);
/* Event queue:init; device: the one that the queue is part of, or NULL. */
void ft_queue_announce(PKDEVICE_QUEUE queue, PDEVICE_OBJECT device);
/* key NULL: at the end, or the first. */
bool ft_queue_insert(PKDEVICE_QUEUE queue, PKDEVICE_QUEUE_ENTRY entry, const ULONG *key);
PKDEVICE_QUEUE_ENTRY ft_queue_remove(PKDEVICE_QUEUE queue, const ULONG *key);

/* ---- device.c ---- */

/* An IoStartNextPacket that waits for StartIo to return. */
struct ft_start_next {
    ULONG key;
    uint8_t keyed;
    uint8_t cancelable;
};
enum { FT_STARTS_OWED_MAX = 8 };

/* What the shim keeps of a device object, at the end of its block. */
struct ft_device_private {
    DEVOBJ_EXTENSION windows; /* DeviceObjectExtension points here */
    uint8_t start_io_deferred;
    uint8_t start_io_uncancelable;
    uint8_t start_io_active;                       /* StartIo runs */
    uint8_t starts_owed;                           /* calls of IoStartNextPacket in it, deferred */
    struct ft_start_next owed[FT_STARTS_OWED_MAX]; /* in the order of the calls */
    uint8_t deleted; /* IoDeleteDevice was called; references keep it */
    void *name;      /* struct ft_name, NULL: none */
};
struct ft_device_private *ft_device_private(PDEVICE_OBJECT device);
/* A device object of that driver, with `extension` bytes behind it. NULL when the arena is full. */
PDEVICE_OBJECT ft_device_create(PDRIVER_OBJECT driver, uint32_t extension, ULONG type,
                                ULONG characteristics);
/* A driver object whose dispatch routines refuse everything. */
PDRIVER_OBJECT ft_driver_create(void);
/* Completes a request that the driver has no dispatch routine for. */
NTSTATUS ft_invalid_request(PDEVICE_OBJECT device, PIRP irp);
/* Attaches to the top of the target's stack and returns what was there. */
PDEVICE_OBJECT ft_device_attach(PDEVICE_OBJECT source, PDEVICE_OBJECT target);
/* AddDevice has returned: an event for each device object of the driver. */
void ft_device_announce(void);
/* What the requester opens: the PDO, so its stack; of a legacy driver the first device that it has
 * named, NULL: none. */
PDEVICE_OBJECT ft_device_opened(void);
/* The description says that the driver has no AddDevice (FT_DRIVER_LEGACY). */
bool ft_driver_is_legacy(void);
/* Highest device object above (and including) `device`. */
PDEVICE_OBJECT ft_device_top(PDEVICE_OBJECT device);
/* Bug check 0xC9 with that parameter when the pointer is no live device object. */
void ft_device_check(PDEVICE_OBJECT device, unsigned code);

/* ---- bus.c ---- */

void ft_bus_reset(void); /* driver object and PDOs */
NTSTATUS ft_bus_dispatch(PDEVICE_OBJECT device, PIRP irp);

/* Does what the request asks for, completes nothing, and returns its status. */
NTSTATUS ft_bus_serve(PIRP irp);

/* ---- lower.c: ops lower-fails and lower-pends ---- */

/* The choice is that the bus driver fails this request, with this status. */
bool ft_lower_fails(PIRP irp, NTSTATUS *ret);
/* The choice is that it pends it: it is marked pending, and served later. */
bool ft_lower_pends(PIRP irp);
/* The machine is quiet: serves what waits for that. False: nothing does. */
bool ft_lower_release_held(void);
bool ft_lower_op(const struct ft_op *op);
void ft_lower_honest(void); /* the tail: no choice is armed any more */

/* ---- bus_query.c ---- */

/* Completes nothing: the status of a PnP query that the bus driver answers, and whether it does. */
bool ft_bus_query(PDEVICE_OBJECT device, PIRP irp, NTSTATUS *status);

/* Configuration space of the device: bytes read or written, 0 when it is on no PCI bus. */
ULONG ft_bus_read_config(void *buffer, ULONG offset, ULONG length);
ULONG ft_bus_write_config(const void *buffer, ULONG offset, ULONG length);
/* The processor's address of memory of the device; false: that is not on this bus. */
bool ft_bus_translate(uint64_t address, uint32_t length, uint64_t *translated);

/* ---- resources.c ---- */

/* The resources of the device, as START_DEVICE carries them: a block that the caller frees, NULL
 * when the arena is full. */
PCM_RESOURCE_LIST ft_bus_resources(bool translated);
/* Inputs of the interrupt controller that the device has: its line is input 0, or message n is
 * input n. 0: it cannot interrupt. */
unsigned ft_bus_inputs(void);
/* The same as the device asks for them. */
PIO_RESOURCE_REQUIREMENTS_LIST ft_bus_requirements(void);
ULONG ft_bus_vector(unsigned input); /* translated */
ULONG ft_bus_line(void);             /* raw */
ULONG ft_bus_ports(void);            /* the first one */
uint64_t ft_bus_memory(void);        /* physical address of BAR 0 now */
INTERFACE_TYPE ft_bus_type(void);

/* ---- names.c ---- */

/* An entry of a list of names. */
struct ft_name {
    struct ft_name *next;
    UNICODE_STRING text;
    UNICODE_STRING target; /* links: where they lead */
    GUID class_;           /* interfaces: the class */
    bool enabled;          /* interfaces */
    uint8_t device;        /* interfaces: number of their device */
    WCHAR characters[];
};
bool ft_name_equal(const UNICODE_STRING *a, const UNICODE_STRING *b);
/* NULL: the arena is full. */
struct ft_name *ft_name_new(const UNICODE_STRING *text, enum ft_handle_class class_);
/* Where it is linked in the list, or where the list ends. */
struct ft_name **ft_name_find(void **list, const UNICODE_STRING *text);
NTSTATUS ft_device_name(PDEVICE_OBJECT device, const UNICODE_STRING *text);
const char *ft_pdo_name(const struct ft_io_device *device);
PDEVICE_OBJECT ft_pdo_named(const UNICODE_STRING *text); /* NULL: it is no PDO's name */

/* ---- stack.c, io_timer.c ---- */

void ft_reinitialize(void); /* calls what was registered for it */
void ft_shutdown(void);     /* IRP_MJ_SHUTDOWN to those who asked; in tasks only */
void ft_io_timer_remove(PDEVICE_OBJECT device);

/* ---- send.c: IRPs that a system thread sends and waits for ---- */

/* An IRP for the top of the stack, in send slot `slot`; major and minor are in its next stack
 * location. NULL: no room (cut). */
PIRP ft_send_prepare(unsigned slot, UCHAR major, UCHAR minor);
/* Sends it and waits until it is done. Only in tasks, at PASSIVE_LEVEL. */
NTSTATUS ft_send_wait(unsigned slot, PIRP irp);
/* The same; the driver is called at that IRQL. */
NTSTATUS ft_send_wait_at(unsigned slot, PIRP irp, KIRQL irql);
void ft_send_done(PIRP irp, unsigned slot);

/* ---- file.c: the requester's handles ---- */

/* Opens a handle; in tasks only. */
void ft_handle_take(void);
/* CLEANUP for each handle that had none; CLOSE for each handle. In tasks only. */
void ft_handles_clean_up(void);
void ft_handles_close(void);
/* An op's thread waits for the requests of the handle that it closes. */
bool ft_handle_closing(void);
/* A file object on that device for the driver itself, already closed as a handle: it gets CLOSE
 * with its last reference. In the driver's task. */
NTSTATUS ft_file_open_for_driver(PDEVICE_OBJECT pdo, PFILE_OBJECT *ret);
/* How a file is opened by name, as CREATE tells it. */
struct ft_file_how {
    ULONG options;
    USHORT attributes, share;
    PVOID ea;
    ULONG ea_bytes;
};
/* A file object on that device, for a handle: it gets CLEANUP with its last handle, and CLOSE with
 * its last reference. `rest`: the name behind the device's. */
NTSTATUS ft_file_open_handle(PDEVICE_OBJECT device, const UNICODE_STRING *rest,
                             const struct ft_file_how *how, PFILE_OBJECT *ret);
/* Ops open-handle and close-handle. */
bool ft_handle_op(const struct ft_op *op);
/* The newest handle that requests may go through, NULL: none. */
struct ft_file *ft_handle_current(void);

/* Before an orderly removal the handles' user lets go, as the PnP manager's notification makes
 * applications do: no new requests, CLEANUP, the outstanding ones end, CLOSE. After a veto the user
 * opens a handle again. In the manager's task. */
void ft_handle_let_go(void);
void ft_handle_take_again(void);

/* ---- request_buffer.c ---- */

/* The requester's memory, and what the I/O manager makes of it for the driver. False: there was no
 * memory for that. */
bool ft_request_attach(PIRP irp, struct ft_request *request, ULONG flags);
/* Copies back and compares, when it went well. */
void ft_request_deliver(PIRP irp, const struct ft_request *request);
void ft_request_free_buffers(struct ft_request *request);
/* Bytes, of those that Information claims, that the processor moved instead of the device. */
uint32_t ft_request_by_hand(PIRP irp);

/* ---- request.c ---- */

bool ft_request_op(const struct ft_op *op);
unsigned ft_device_outstanding(void);   /* requests of the device in focus that are not done */
unsigned ft_requests_of(unsigned file); /* outstanding through that handle */
bool ft_cancel_op(const struct ft_op *op);
void ft_request_done(PIRP irp, unsigned index);
void ft_requests_cancel_all(void);
/* A thread of the requester has left the driver, or its IRP is done. */
void ft_requester_left(void);
/* From now on no new request enters the driver; waits until none is inside. Requests that the
 * driver has pended stay. */
void ft_requester_keep_out(void);
/* The task's header fields for work on behalf of the device. */
void ft_task_for_device(struct ft_task *task);
/* The label itself when no op had it before in this run, else 0; it is taken from now on. */
unsigned ft_label_claim(unsigned label);

/* ---- manager.c, pnp.c ---- */

/* May that op or work come in the present state? `arg` is the op's first argument. */
bool ft_manager_legal(unsigned work, unsigned arg);
/* The same for any state of a device and machine: the table alone. */
bool ft_manager_legal_in(unsigned work, unsigned pnp, unsigned power, unsigned system);
/* Queues work for the manager and starts it. False: illegal in the present state, or the queue is
 * full. `arg`: the op's arguments, NULL: none. */
bool ft_manager_submit(unsigned work, unsigned label, const uint16_t *arg);
/* The start thread was the manager until now: others may have queued work behind it. */
void ft_manager_release(void);
/* The machine is awake: the manager does what it has put off. */
void ft_manager_awake(void);
/* A PnP request for the device, or for the child that the manager deals with. */
NTSTATUS ft_pnp_send(UCHAR minor);
/* The same in two steps, for one with parameters. NULL: no room (cut). `detail`: what it is about,
 * where its minor does not say. */
PIRP ft_pnp_prepare(UCHAR minor);
NTSTATUS ft_pnp_send_irp(PIRP irp, UCHAR minor, unsigned detail);
void ft_pnp_capabilities(PDEVICE_CAPABILITIES capabilities);
/* The answer, pool with references to the objects; NULL: none. */
PDEVICE_RELATIONS ft_pnp_ask_relations(unsigned type);
bool ft_pnp_has_failed(void); /* its driver says so when asked for its state */
void ft_pnp_query_remove(void);
void ft_pnp_remove(void);
void ft_pnp_tail_remove(void);
void ft_pnp_surprise(void);
void ft_pnp_stop(void);
void ft_pnp_query_stop(void);
NTSTATUS ft_pnp_start(void);
void ft_pnp_restart(bool moved);
void ft_pnp_usage(unsigned kind, bool in_path);
bool ft_pnp_usage_legal(unsigned kind, bool in_path);
void ft_pnp_device_state(void);
void ft_pnp_relations(unsigned type);
void ft_pnp_eject(void);
void ft_pnp_gone(void);
/* Says that the op did nothing, at its turn. */
void ft_op_skipped(unsigned work, unsigned label, uint32_t op_index);

/* ---- children.c, children_start.c: what the driver reports on its bus ---- */

enum { FT_CHILDREN_MAX = 16 };
struct ft_child {
    struct ft_child *next; /* in the order of arrival */
    PDEVICE_OBJECT pdo;    /* with a reference of the manager's */
    PCM_RESOURCE_LIST assigned;
    uint8_t pnp, pnp_before; /* enum ft_pnp_state */
    uint8_t power;           /* the state that it was told last */
    uint8_t known;           /* it was asked what it is */
    uint8_t raw;             /* it works without a function driver */
    uint8_t ejects;          /* it can be ejected */
    uint8_t asked;           /* a question may have to be taken back */
    uint8_t found;           /* the driver still reports it */
    uint8_t eject_due, state_due;
};
/* NULL: it is no child's PDO. */
struct ft_child *ft_child_of(PDEVICE_OBJECT pdo);
/* What the manager's requests go to: the child that it deals with, or the device. */
PDEVICE_OBJECT ft_manager_pdo(void);
/* From now on the manager deals with that child; NULL: with the device. */
void ft_manager_turn(struct ft_child *child);
/* These are the children now: others go, new ones are started. The references are taken over. */
void ft_children_take(PDEVICE_RELATIONS answer);
/* A question for all that are started, until one says no. */
NTSTATUS ft_children_ask(UCHAR minor);
void ft_children_take_back(UCHAR minor);
void ft_children_stop(void);
void ft_children_restart(void);
void ft_children_surprise(void);
void ft_children_remove(void);
/* News of a child: its ejection was asked for, its state may have changed. False: it is none. */
bool ft_child_eject(PDEVICE_OBJECT pdo);
bool ft_child_state(PDEVICE_OBJECT pdo);
void ft_children_look(void); /* the manager gets to it */
/* Asks what it is; starts it, again or for the first time. */
void ft_child_identify(struct ft_child *child);
void ft_child_start(struct ft_child *child);
/* It has failed: it goes, though the driver reports it still. */
void ft_child_give_up(struct ft_child *child);

/* ---- property.c ---- */

/* IoGetDeviceProperty without its points. */
NTSTATUS ft_device_property(PDEVICE_OBJECT device, DEVICE_REGISTRY_PROPERTY property, ULONG bytes,
                            PVOID buffer, PULONG result);

/* ---- windows.c ---- */

/* The physical address behind `width` bytes in a live window; false: none is there. */
bool ft_window_holds(const volatile void *address, unsigned width, uint64_t *physical);

/* ---- notify.c ---- */

enum { FT_BUGCHECK_PNP = 0xCA }; /* PNP_DETECTED_FATAL_ERROR */
enum ft_target_event {
    FT_TARGET_QUERY_REMOVE,
    FT_TARGET_REMOVE_CANCELLED,
    FT_TARGET_REMOVE_COMPLETE
};
/* Tells those who registered for the device. False: QUERY_REMOVE, and one of them said no. */
bool ft_notify_target(enum ft_target_event event);
/* An interface of that class came or went: tells those who registered for it, later. */
void ft_notify_interface(const GUID *class_, PCUNICODE_STRING link, bool arrived);

/* ---- power.c: device power ---- */

/* An op asks for a device power request; state 0 is the op's own. False: illegal, or too many. */
bool ft_power_op(unsigned work, unsigned state, unsigned label);
/* The device was idle: SET_POWER to that state. */
void ft_power_idle(PDEVICE_OBJECT device, unsigned state);
void ft_power_done(PIRP irp, unsigned index);
bool ft_power_busy(void);                     /* a request is on its way or waits */
void ft_power_wait_stack(PDEVICE_OBJECT pdo); /* until none of that device's is; in tasks */
void ft_power_wait_idle(void);                /* until none is; in tasks */
void ft_power_wait_ops(void);                 /* until none of an op is on its way */
bool ft_power_go_on(void);            /* what kept requests waiting is over; true if one goes now */
bool ft_power_sent_at(uint64_t *ret); /* when the request on its way was sent, if there is one */
KIRQL ft_power_irql(bool power_up);   /* at which the stack gets its power IRPs */
bool ft_power_awaits_start_next(void);

/* ---- power_system.c ---- */

/* The machine goes to that sleep state (1 to 5: S1 to S5, 0: S3), without asking when critical. */
void ft_system_sleep(unsigned state, bool critical);
void ft_system_wake(void);

/* ---- power_services.c ---- */

void ft_power_display(bool on);   /* the power setting changes; its callbacks run */
bool ft_power_services_end(void); /* the tail: no idle detection any more; true if there was one */

/* ---- wake.c ---- */

enum { FT_WAKES_FROM = PowerSystemSleeping3 }; /* deepest state that a device wakes from */

NTSTATUS ft_wake_arm(PIRP irp); /* the bus driver gets a WAIT_WAKE; completes or pends it */
bool ft_wake_signal(void);      /* the device wants to wake the machine. False: nobody listens */
VOID ft_wake_cancel(PDEVICE_OBJECT device, PIRP irp); /* its cancel routine */
bool ft_device_wakes(void);

/* ---- the disk class driver (scsiport/disk.h) ---- */

/* The requester's memory is there: a write gets its data. False: the run is cut. */
bool ft_disk_request_begins(struct ft_request *request);
/* Compares, when it went well. */
void ft_disk_request_ends(PIRP irp, const struct ft_request *request);
/* The disk's device object, NULL: it has gone. */
PDEVICE_OBJECT ft_disk_opened(const struct ft_request *request);
/* Ops disk-control, disk-next and abort. */
bool ft_disk_op(const struct ft_op *op);

/* ---- device_model.c ---- */

const struct sim_device_model *ft_model(void);
bool ft_hardware_live(void); /* there, powered, and decoding its addresses */
uint64_t ft_model_read(unsigned bar, uint32_t offset, unsigned width);
void ft_model_write(unsigned bar, uint32_t offset, unsigned width, uint64_t value);
/* Something happens on the bus of a storage adapter: ops bus-reset and target. False: it has none,
 * or it cannot happen now. */
bool ft_outside_op(const struct ft_op *op);
/* What a read got, as far as the model looks at it: tells data:stream. */
void ft_model_delivered(PIRP irp, const void *data, uint32_t bytes);
void ft_model_reset(void);                   /* power-on reset */
void ft_model_stop(enum sim_engine_end why); /* engine and line stop */
void ft_hardware_yank(void);
void ft_hardware_power(unsigned state); /* the bus driver changes the power */

/* ---- device_auto.c ---- */

extern const struct sim_device_model ft_device_auto;
/* An op of a device without a model. False: it has one, it is gone, or there is nothing to move. */
bool ft_auto_op(const struct ft_op *op);

/* ---- tail.c ---- */

/* The machine is quiet in the tail: makes the device honest, and helps a manager that is stuck.
 * True if something changed. */
bool ft_tail_at_quiet(void);

/* ---- interrupt.c ---- */

struct _KINTERRUPT {
    uint64_t lock; /* used unless the driver gave one */
    uint64_t *lock_word;
    PKSERVICE_ROUTINE routine; /* one of these two */
    PKMESSAGE_SERVICE_ROUTINE message_routine;
    PVOID context;
    KIRQL irql, synchronize_irql;
    uint8_t input;    /* of the controller: 0 the line, or a message */
    uint8_t active;   /* its ISR has a task */
    uint8_t inactive; /* the driver reported so: held back */
    uint8_t device;   /* its number */
    uint8_t after;    /* on a shared line: the other one was connected first */
    uint8_t unused;
};
/* Two devices have one line. */
bool ft_interrupt_line_is_shared(void);
/* The connected interrupt of that input of the device in focus, NULL: none. */
PKINTERRUPT ft_interrupt_connected(unsigned input);
/* Bug check 0xCA when it is no connected interrupt. */
void ft_interrupt_check(PKINTERRUPT interrupt);
void ft_line_changed(bool level); /* the controller's side of an edge of the line */
void ft_message_sent(unsigned message);
bool ft_interrupt_op(const struct ft_op *op);
bool ft_interrupt_release_held(void); /* held-back interrupts come; true if one does now */
bool ft_interrupt_honest(void); /* the tail: no held or lost interrupt; true if one comes now */

#endif
