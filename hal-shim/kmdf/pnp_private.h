/* What the framework's driver, device, PnP, power and interrupt files share.
 *
 * A device has three machines (kmdf.md, section 4): PnP (pnp_machine.c) takes PnP requests, power
 * policy (power_policy.c) decides when the device sleeps, power (power_machine.c) calls the
 * callbacks. PnP and power are tables of states, run by machine.c; state numbers are the public
 * ones. One event at a time is processed, by whoever posted it when that may be, else by a worker.
 *
 * Framework code runs without points, so between two waits, callbacks or ft_wdf_point calls nothing
 * else runs: its own state needs no lock.
 */
#ifndef FT_KMDF_PNP_PRIVATE_H
#define FT_KMDF_PNP_PRIVATE_H

#include "kmdf/kmdf_private.h"

struct ft_wdf_pnp;

/* ---- machine.c ---- */

enum { FT_WDF_GOOD, FT_WDF_BAD, FT_WDF_WORSE, FT_WDF_OUTCOMES };

/* A state: what entering it does, and where each outcome leads. No action, or an outcome that leads
 * nowhere (0): the machine rests there. */
struct ft_wdf_state {
    uint16_t state;
    unsigned (*action)(struct ft_wdf_pnp *pnp); /* returns FT_WDF_GOOD… */
    uint16_t next[FT_WDF_OUTCOMES];
};

/* Where an event leads from a state in which the machine rests. */
struct ft_wdf_edge {
    uint16_t state;
    uint8_t event;
    uint16_t next;
};

struct ft_wdf_machine_kind {
    const struct ft_wdf_state *states;
    const struct ft_wdf_edge *edges;
    unsigned state_count, edge_count;
    enum ft_event_kind event; /* the event that tells a change of state */
    /* An event that leads nowhere. */
    void (*stray)(struct ft_wdf_pnp *pnp, unsigned event);
};

enum { FT_WDF_MACHINE_EVENTS = 8 };

struct ft_wdf_machine {
    const struct ft_wdf_machine_kind *kind;
    uint16_t state;
    uint8_t running; /* a task processes events */
    uint8_t count;
    uint8_t event[FT_WDF_MACHINE_EVENTS];
};

/* Queues the event; processes it and what else waits when nobody else does, at PASSIVE_LEVEL. At a
 * higher level a worker will. */
void ft_wdf_machine_post(struct ft_wdf_pnp *pnp, struct ft_wdf_machine *machine, unsigned event);
/* Waits until the machine rests with no event left; PASSIVE_LEVEL, not from its own actions. */
void ft_wdf_machine_settle(struct ft_wdf_machine *machine);
/* Processes what waits, in the worker. */
void ft_wdf_machine_run(struct ft_wdf_pnp *pnp, struct ft_wdf_machine *machine);

/* ---- device_init.c ---- */

enum { FT_WDF_STATE_CALLBACKS = 8, FT_WDF_QUERY_INTERFACES = 4 };

/* A callback for a state of one of the machines. */
struct ft_wdf_state_callback {
    void *callback;
    uint16_t state;
    uint8_t types; /* WDF_STATE_NOTIFICATION_TYPE */
    uint8_t machine;
};
enum { FT_WDF_PNP_MACHINE = 1, FT_WDF_POWER_MACHINE, FT_WDF_POLICY_MACHINE };

struct ft_wdf_preprocess {
    PFN_WDFDEVICE_WDM_IRP_PREPROCESS callback;
    uint32_t minors[8]; /* bit per minor code; no bit set: all */
    uint8_t all;
};

struct ft_wdf_name {
    UNICODE_STRING string;
    WCHAR text[64];
};

struct WDFDEVICE_INIT {
    struct ft_wdf_driver *driver;
    PDEVICE_OBJECT pdo;         /* NULL: of a control device, or of a child */
    struct ft_wdf_child *child; /* NULL: not of a child */
    WDF_CHILD_LIST_CONFIG list; /* of the default child list; Size 0: none */
    WDF_OBJECT_ATTRIBUTES list_attributes;
    struct ft_wdf_device *created;
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_POWER_POLICY_EVENT_CALLBACKS policy;
    WDF_FDO_EVENT_CALLBACKS fdo;
    WDF_FILEOBJECT_CONFIG file;
    WDF_OBJECT_ATTRIBUTES file_attributes, request_attributes; /* Size 0: none */
    PFN_WDF_IO_IN_CALLER_CONTEXT in_caller;
    PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION shutdown;
    struct ft_wdf_state_callback state_callback[FT_WDF_STATE_CALLBACKS];
    struct ft_wdf_preprocess preprocess[IRP_MJ_MAXIMUM_FUNCTION + 1];
    struct ft_wdf_name name;
    DEVICE_TYPE type;
    ULONG characteristics;
    WDF_DEVICE_IO_TYPE io_type;
    WDF_RELEASE_HARDWARE_ORDER_ON_FAILURE release_order;
    uint32_t remove_lock_flags;
    uint8_t type_set, characteristics_set, io_type_set;
    uint8_t filter, exclusive, inrush, has_name, has_policy_callbacks, shutdown_flags;
    uint8_t pageable; /* WDF_TRI_STATE */
    uint8_t owner;    /* WDF_TRI_STATE: of the power policy */
};
typedef struct WDFDEVICE_INIT ft_wdf_init;

ft_wdf_init *ft_wdf_init_new(struct ft_wdf_driver *driver, PDEVICE_OBJECT pdo);
void ft_wdf_init_free(ft_wdf_init *init);
/* The init behind a pointer of the driver's; bug check as ft_wdf_check when it is none. */
ft_wdf_init *ft_wdf_init_check(PWDFDEVICE_INIT init);

static inline bool ft_wdf_init_is_function(const ft_wdf_init *init)
{
    return init->pdo != NULL;
}
static inline bool ft_wdf_init_is_control(const ft_wdf_init *init)
{
    return !init->pdo && !init->child;
}

/* ---- related_devices.c ---- */

/* Other devices that a device names. */
struct ft_wdf_relations {
    struct ft_wdf_related *first;
    uint8_t used; /* somebody was named once */
    uint8_t owes; /* one that an answer has named has left since */
};
void ft_wdf_relations_clear(struct ft_wdf_relations *relations);
/* Adds them to the answer of a QUERY_DEVICE_RELATIONS; STATUS_NOT_SUPPORTED: nothing to say. */
NTSTATUS ft_wdf_relations_answer(struct ft_wdf_relations *relations, PIRP irp);
/* Passes a DEVICE_USAGE_NOTIFICATION on to their stacks, or takes it back. */
NTSTATUS ft_wdf_relations_add(struct ft_wdf_relations *relations, PDEVICE_OBJECT device);
void ft_wdf_relations_drop(struct ft_wdf_relations *relations, PDEVICE_OBJECT device);
NTSTATUS ft_wdf_relations_usage(struct ft_wdf_relations *relations, PIRP irp, bool revert);

/* ---- pdo_init.c, child_list.c, child_relations.c, pdo_irps.c: children ---- */

void ft_wdf_child_free(struct ft_wdf_child *child);
/* The lists of a device that was made. */
NTSTATUS ft_wdf_children_begin(struct ft_wdf_device *device, const ft_wdf_init *init);
/* Adds the children to the answer of a QUERY_DEVICE_RELATIONS; STATUS_NOT_SUPPORTED: no change. */
NTSTATUS ft_wdf_children_answer(struct ft_wdf_pnp *pnp, PIRP irp);
/* The device has entered D0: EvtChildListScanForChildren. */
void ft_wdf_children_look(struct ft_wdf_pnp *pnp);
/* The device's hardware is gone; the device goes: so do its children. */
void ft_wdf_children_surprise(struct ft_wdf_pnp *pnp);
void ft_wdf_children_remove(struct ft_wdf_pnp *pnp);
/* Ends children that nobody knows any more; PASSIVE_LEVEL. */
void ft_wdf_children_discard(struct ft_wdf_pnp *pnp);
/* True: the child is no longer there, and its REMOVE is the last. */
bool ft_wdf_child_gone(struct ft_wdf_pnp *pnp);
/* A child's machine has ended. */
void ft_wdf_child_ended(struct ft_wdf_pnp *pnp);
/* What a child answers itself; false: the same as other devices. */
bool ft_wdf_child_pnp(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS *status);
/* pdo_power.c: a child has its parent in D0 before it gets there itself. False: that cannot be. */
bool ft_wdf_child_take_parent(struct ft_wdf_pnp *pnp);
void ft_wdf_child_leave_parent(struct ft_wdf_pnp *pnp);
/* IRP_MN_WAIT_WAKE of a child. */
NTSTATUS ft_wdf_child_wait_wake(struct ft_wdf_pnp *pnp, PIRP irp);
/* Waits for the one that the child's own power policy has sent; false: the bus refuses it. */
bool ft_wdf_child_await_wake(struct ft_wdf_pnp *pnp);
/* In the power machine: EvtDeviceEnableWakeAtBus or EvtDeviceDisableWakeAtBus when it is due. */
void ft_wdf_child_settle_wake(struct ft_wdf_pnp *pnp);
void ft_wdf_child_disable_wake(struct ft_wdf_pnp *pnp);
/* Ends the request that a child holds, if any. */
bool ft_wdf_child_end_wake(struct ft_wdf_pnp *pnp, NTSTATUS status);
/* io_resource_lists.c: what EvtDeviceResourceRequirementsQuery says. */
NTSTATUS ft_wdf_ask_requirements(struct ft_wdf_pnp *pnp, void *callback,
                                 PIO_RESOURCE_REQUIREMENTS_LIST *ret);
/* resource_lists.c: what EvtDeviceResourcesQuery says. */
NTSTATUS ft_wdf_ask_resources(struct ft_wdf_pnp *pnp, void *callback, PCM_RESOURCE_LIST *ret);
/* pnp_irps.c: what the driver says of them. */
void ft_wdf_apply_capabilities(struct ft_wdf_pnp *pnp, PDEVICE_CAPABILITIES caps);

/* ---- wdf_wmi.c ---- */

/* The device is started; its end begins; it is gone. */
void ft_wdf_wmi_start(struct ft_wdf_pnp *pnp);
void ft_wdf_wmi_stop(struct ft_wdf_pnp *pnp);
void ft_wdf_wmi_end(struct ft_wdf_pnp *pnp);

/* ---- dispatch_direct.c ---- */

/* Read, write, device control and internal device control. */
enum { FT_WDF_DIRECT_KINDS = 4 };
struct ft_wdf_direct {
    PFN_WDFDEVICE_WDM_IRP_DISPATCH callback; /* NULL: the queues get such IRPs */
    WDFCONTEXT context;
};
/* True: the driver's own dispatch callback has got it. */
bool ft_wdf_dispatch_direct(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS *status);

/* ---- driver.c ---- */

struct ft_wdf_driver {
    struct ft_wdf_object object;
    PDRIVER_OBJECT driver;
    WDF_DRIVER_CONFIG config;
    PWSTR registry_path;
};

/* ---- device_object.c ---- */

enum ft_wdf_smio_state {
    FT_WDF_SMIO_NONE, /* no callback is registered */
    FT_WDF_SMIO_CREATED,
    FT_WDF_SMIO_INIT_FAILED,
    FT_WDF_SMIO_STARTED,
    FT_WDF_SMIO_STOPPED,
    FT_WDF_SMIO_FAILED,
    FT_WDF_SMIO_FLUSHED,
    FT_WDF_SMIO_FINAL
};

enum { FT_WDF_INTERFACES = 4 };

struct ft_wdf_interface {
    UNICODE_STRING link; /* of IoRegisterDeviceInterface; Buffer NULL: free */
    GUID class_;
    struct ft_wdf_name reference;
    uint8_t wanted;  /* the driver wants it enabled */
    uint8_t enabled; /* it is */
};

/* What power policy keeps (power_policy.c). */
struct ft_wdf_policy {
    uint16_t state; /* WDF_DEVICE_POWER_POLICY_STATE */
    uint8_t running;
    uint8_t in_d0;
    uint8_t requested; /* a device power IRP of ours is on its way: FT_D0…; 0: none */
    uint8_t asleep;    /* the system sleeps, or is about to */
    uint8_t directed;  /* the power framework wants the device down: FT_D1…; 0: not */
    uint8_t idle;      /* the idle timer has expired since the last use */
    uint8_t gone;      /* no power request is worth it any more */
    uint8_t pins;      /* stop, remove and their queries keep the device awake */
    uint8_t idle_enabled, wake_enabled, power_up_on_wake;
    uint8_t timer_set;
    uint8_t armed;                   /* FT_WDF_ARMED_… */
    uint8_t idle_state, sleep_state; /* device states to go to */
    uint8_t wake_triggered;
    uint8_t slept;      /* the machine has woken; the device follows */
    uint8_t wake_state; /* from which it can wake the machine */
    uint8_t unused[2];
    uint32_t references; /* requests in power-managed queues, and the driver's own */
    uint32_t own;        /* of WdfDeviceStopIdle */
    uint32_t idle_ms;
    PIRP system_irp; /* a system SET_POWER that waits for the device */
    PIRP wake_irp;   /* IRP_MN_WAIT_WAKE of ours */
    WDF_POWER_POLICY_S0_IDLE_CAPABILITIES idle_caps;
    KTIMER timer;
    KDPC dpc;
};
enum { FT_WDF_ARMED_NOT, FT_WDF_ARMED_S0, FT_WDF_ARMED_SX };

struct ft_wdf_pnp {
    struct ft_wdf_device *device;
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_POWER_POLICY_EVENT_CALLBACKS policy_callbacks;
    WDF_FDO_EVENT_CALLBACKS fdo_callbacks;
    struct ft_wdf_state_callback state_callback[FT_WDF_STATE_CALLBACKS];
    struct ft_wdf_preprocess *preprocess; /* a block; NULL: no callback */
    PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION shutdown;
    struct ft_wdf_machine pnp, power;
    struct ft_wdf_policy policy;
    PIO_WORKITEM worker;
    uint8_t worker_queued;

    NTSTATUS status;          /* of the PnP request being dealt with */
    PIRP pnp_irp;             /* that one, 0x10D/C when a second one comes */
    PIRP power_irp;           /* the device SET_POWER being dealt with */
    uint8_t smio;             /* enum ft_wdf_smio_state */
    uint8_t target, previous; /* WDF_POWER_DEVICE_STATE */
    uint8_t broken;           /* a step of the present power-down failed */
    uint8_t power_result;     /* how the last start or stop of power ended: FT_WDF_GOOD… */
    uint8_t prepared;         /* EvtDevicePrepareHardware was called, ReleaseHardware is due */
    uint8_t in_prepare;       /* it runs: interrupts may be made */
    uint8_t surprise;         /* the hardware is gone */
    uint8_t failed;           /* WdfDeviceSetFailed, or an internal failure */
    uint8_t failed_action;    /* WDF_DEVICE_FAILED_ACTION */
    uint8_t interfaces_on, not_stoppable, special_files, files_supported;
    uint8_t release_order, remove_lock_for_io, control, finished;
    WDF_DEVICE_STATE state;
    WDF_DEVICE_PNP_CAPABILITIES pnp_caps;
    WDF_DEVICE_POWER_CAPABILITIES power_caps;
    DEVICE_CAPABILITIES caps; /* as the drivers below say, read at the start */
    struct ft_wdf_resources *raw, *translated;
    struct ft_wdf_interface interface[FT_WDF_INTERFACES];
    UNICODE_STRING link_name; /* WdfDeviceCreateSymbolicLink; Buffer NULL: none */
    struct ft_wdf_name name;
    WDF_QUERY_INTERFACE_CONFIG query[FT_WDF_QUERY_INTERFACES];
    uint8_t queries;
    struct ft_wdf_relations removal, usage;
    struct ft_wdf_child *child;            /* of a PDO, NULL: it is none */
    struct ft_wdf_child_list *child_lists; /* in creation order */
    struct ft_wdf_child_list *static_list, *default_list;
    struct ft_wdf_device *discards; /* children to be ended, by next_discard */
    struct ft_wdf_device *next_discard;
    uint8_t discarding;
    PNP_BUS_INFORMATION bus;         /* of the children; BusTypeGuid zero: none */
    struct ft_wdf_wmi_provider *wmi; /* the providers, in creation order */
    PIO_WORKITEM wmi_work;           /* made with the first of them */
    UNICODE_STRING mof;              /* Buffer NULL: none */
    uint8_t wmi_state;               /* enum ft_wdf_wmi_state */
    uint8_t wmi_queued, wmi_registered;
    struct ft_wdf_direct direct[FT_WDF_DIRECT_KINDS];
};

/* The device extension of the framework's device objects. */
struct ft_wdf_extension {
    struct ft_wdf_device *device;
    IO_REMOVE_LOCK lock;
};

static inline struct ft_wdf_pnp *ft_wdf_pnp_of(struct ft_wdf_device *device)
{
    return device->pnp;
}
static inline struct ft_wdf_extension *ft_wdf_extension(const struct ft_wdf_pnp *pnp)
{
    return pnp->device->fdo->DeviceExtension;
}
/* Deletes a device whose EvtDriverDeviceAdd failed, or that is a control device. */
void ft_wdf_device_drop(struct ft_wdf_device *device);
/* The last step of a removal: detaches and deletes. */
void ft_wdf_device_end(struct ft_wdf_device *device);
/* Puts a worker on the machines' waiting events. */
void ft_wdf_worker_queue(struct ft_wdf_pnp *pnp);
/* Calls the state callbacks of the driver. */
void ft_wdf_state_changed(struct ft_wdf_pnp *pnp, unsigned machine, unsigned type, unsigned old,
                          unsigned next);

/* ---- dispatch.c, pnp_irps.c ---- */

DRIVER_DISPATCH ft_wdf_dispatch;
/* Passes the IRP down and returns what that returns; gives the remove lock back. */
NTSTATUS ft_wdf_pass_down(struct ft_wdf_pnp *pnp, PIRP irp);
/* Passes it down and waits; it is ours again. */
NTSTATUS ft_wdf_forward_and_wait(struct ft_wdf_pnp *pnp, PIRP irp);
/* Completes it and gives the remove lock back. */
NTSTATUS ft_wdf_complete(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS status);
NTSTATUS ft_wdf_dispatch_pnp(struct ft_wdf_pnp *pnp, PIRP irp);
NTSTATUS ft_wdf_dispatch_power(struct ft_wdf_pnp *pnp, PIRP irp);

/* ---- pnp_machine.c: events of the PnP machine ---- */

enum ft_wdf_pnp_event {
    FT_WDF_PNP_START = 1,
    FT_WDF_PNP_RESTART,      /* a start is about to go to the drivers below */
    FT_WDF_PNP_START_FAILED, /* they failed it */
    FT_WDF_PNP_QUERY_STOP,
    FT_WDF_PNP_CANCEL_STOP,
    FT_WDF_PNP_STOP,
    FT_WDF_PNP_QUERY_REMOVE,
    FT_WDF_PNP_CANCEL_REMOVE,
    FT_WDF_PNP_REMOVE,
    FT_WDF_PNP_SURPRISE,
    FT_WDF_PNP_EJECT,
    FT_WDF_PNP_PARENT_REMOVED, /* a child that nobody knows any more */
    FT_WDF_PNP_POWER_UP_FAILED,
    FT_WDF_PNP_POWER_DOWN_FAILED
};
/* pnp_irps.c. Runs the machine on the event and waits until it rests: the request's status. */
NTSTATUS ft_wdf_pnp_run(struct ft_wdf_pnp *pnp, PIRP irp, enum ft_wdf_pnp_event event);
void ft_wdf_pnp_begin(struct ft_wdf_pnp *pnp); /* the device was made */
/* Enables or disables the interfaces that the driver wants. */
NTSTATUS ft_wdf_interfaces_set(struct ft_wdf_pnp *pnp, bool enable);
/* NULL: the driver has made none such; a class of NULL finds a free one. */
struct ft_wdf_interface *ft_wdf_interface_find(struct ft_wdf_pnp *pnp, const GUID *class_,
                                               PCUNICODE_STRING reference);
/* device_names.c. Asks the stack with that top; PASSIVE_LEVEL. */
NTSTATUS ft_wdf_query_interface(PDEVICE_OBJECT top, const GUID *type, PINTERFACE interface,
                                USHORT size, USHORT version, PVOID data);
NTSTATUS ft_wdf_property_into_memory(PDEVICE_OBJECT pdo, DEVICE_REGISTRY_PROPERTY property,
                                     POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES attributes,
                                     WDFMEMORY *ret);
/* Asks the drivers of a stack what its device can do. */
NTSTATUS ft_wdf_ask_capabilities(PDEVICE_OBJECT top, PDEVICE_CAPABILITIES caps);
/* The same of the drivers below, or of a child's own stack: pnp->caps. */
NTSTATUS ft_wdf_read_capabilities(struct ft_wdf_pnp *pnp);

/* ---- power_machine.c: events of the power machine ---- */

enum ft_wdf_power_event {
    FT_WDF_POWER_IMPLICIT_D0 = 1, /* a start */
    FT_WDF_POWER_IMPLICIT_D3,     /* a stop or removal */
    FT_WDF_POWER_DX,              /* the IRP in pnp->power_irp */
    FT_WDF_POWER_D0,              /* the IRP in pnp->power_irp, from below */
    FT_WDF_POWER_WAKE             /* a child's wait-wake request came, or went */
};
void ft_wdf_power_begin(struct ft_wdf_pnp *pnp);
/* Starts or stops power for the PnP machine and waits: FT_WDF_GOOD, FT_WDF_BAD. */
unsigned ft_wdf_power_start(struct ft_wdf_pnp *pnp);
unsigned ft_wdf_power_stop(struct ft_wdf_pnp *pnp);
NTSTATUS ft_wdf_device_power(struct ft_wdf_pnp *pnp, PIRP irp); /* device SET_POWER */

/* ---- power_policy.c ---- */

void ft_wdf_policy_begin(struct ft_wdf_pnp *pnp);
void ft_wdf_policy_start(struct ft_wdf_pnp *pnp); /* the device is started and in D0 */
/* Wakes the device and keeps it awake; FT_WDF_BAD when it cannot be woken. */
unsigned ft_wdf_policy_pin(struct ft_wdf_pnp *pnp);
void ft_wdf_policy_unpin(struct ft_wdf_pnp *pnp);
/* No power request comes any more; waits for the one that is on its way. */
void ft_wdf_policy_stop(struct ft_wdf_pnp *pnp);
void ft_wdf_policy_remove(struct ft_wdf_pnp *pnp);
/* The device has changed its power state, up or down. */
void ft_wdf_policy_moved(struct ft_wdf_pnp *pnp, bool d0);
NTSTATUS ft_wdf_system_power(struct ft_wdf_pnp *pnp, PIRP irp); /* system SET_POWER */
/* A fact has changed: decides anew. <= DISPATCH_LEVEL. */
void ft_wdf_policy_look(struct ft_wdf_pnp *pnp);

/* ---- power_idle.c ---- */

/* A reference of the owner that has the device in D0: waits for it, or says STATUS_PENDING. No
 * reference is left after a failure. Given back with ft_wdf_power_release. */
NTSTATUS ft_wdf_power_hold(struct ft_wdf_pnp *pnp, bool wait);

/* ---- power_wake.c ---- */

/* The steps of the power machine that arm and disarm the wake signal. */
void ft_wdf_policy_arm(struct ft_wdf_pnp *pnp);
void ft_wdf_policy_disarm(struct ft_wdf_pnp *pnp);

/* ---- self_managed.c ---- */

enum ft_wdf_smio_event {
    FT_WDF_SMIO_START,
    FT_WDF_SMIO_SUSPEND,
    FT_WDF_SMIO_FLUSH,
    FT_WDF_SMIO_CLEANUP,
    FT_WDF_SMIO_EVENTS
};
/* STATUS_SUCCESS, or what the callback said. */
NTSTATUS ft_wdf_smio(struct ft_wdf_pnp *pnp, enum ft_wdf_smio_event event);

/* ---- resource_lists.c ---- */

enum { FT_WDF_RESOURCES_MAX = 16 };

/* Which of the lists behind one class of handles it is. */
enum { FT_WDF_CM_LIST, FT_WDF_IO_LIST, FT_WDF_REQUIREMENTS };

struct ft_wdf_resources {
    struct ft_wdf_object object;
    uint8_t kind; /* FT_WDF_CM_LIST */
    uint32_t count;
    uint8_t may_add, may_remove;
    CM_PARTIAL_RESOURCE_DESCRIPTOR part[FT_WDF_RESOURCES_MAX];
};
/* Copies of the lists of a START request, or empty lists; false: no memory. */
bool ft_wdf_resources_take(struct ft_wdf_pnp *pnp, PIRP irp);
void ft_wdf_resources_drop(struct ft_wdf_pnp *pnp);

/* ---- io_resource_lists.c ---- */

/* IRP_MN_FILTER_RESOURCE_REQUIREMENTS with the driver's callbacks around the drivers below. */
NTSTATUS ft_wdf_filter_requirements(struct ft_wdf_pnp *pnp, PIRP irp);

#endif
