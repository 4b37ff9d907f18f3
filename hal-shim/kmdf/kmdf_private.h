/* What the files of hal-shim/kmdf share and no other folder needs.
 *
 * The framework is a driver of its own: it takes IRPs from the I/O manager as a WDM driver does,
 * and calls the same DDIs (IoGetDmaAdapter, IoConnectInterruptEx, KeInsertQueueDpc, …). What it
 * does carries the layer FT_LAYER_FRAMEWORK, and points inside it are off.
 *
 * A framework routine is written like this:
 *
 *     VOID WdfSomething(WDFDEVICE Device)
 *     {
 *         struct ft_wdf_device *device;
 *
 *         FT_WDF_BEGIN(WDF_OBJECT, ft_wdf_label(Device));  // point, layer becomes FRAMEWORK
 *         device = ft_wdf_check(Device, FT_HC_WDF_DEVICE); // bug check 0x10D/5 when it is none
 *         ... effect, with calls of other DDIs ...
 *         ft_wdf_emit(FT_EV_WDF_..., ...);                 // the driver's event
 *         FT_WDF_END(WDF_OBJECT, ft_wdf_label(Device));    // layer as before, the .out point
 *     }
 *
 * and a routine that the system calls (dispatch, ISR, DPC, completion, list control) like this:
 *
 *     FT_FRAMEWORK_ROUTINE
 *     static VOID NTAPI my_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
 *     {
 *         ... ft_wdf_call(FT_ROUTINE_WDF_..., object, thunk, a, b, c, d) runs a driver's callback
 *     }
 *
 * Handles are the addresses of the objects. Verifier checks are on; whether the check would have
 * been silent without KMDF Verifier is in its rule.
 */
#ifndef FT_KMDF_KMDF_PRIVATE_H
#define FT_KMDF_KMDF_PRIVATE_H

#include "world/machine.h"

#include <ntddk.h>
#include <wdf.h>

#define FT_WDF (&FT_M->kmdf)

/* ---- layer.c ---- */

/* Of a routine that the framework gives to the layers below: who calls it knows by its section that
 * it runs in layer FRAMEWORK. */
#define FT_FRAMEWORK_ROUTINE __attribute__((section("ft_framework_code"), noinline))

/* The layer before, which FT_WDF_END wants back; it lives in a variable of the routine. */
#define FT_WDF_BEGIN(POINT, label)                                                                 \
    uint8_t ft_wdf_layer;                                                                          \
    FT_DDI_BEGIN(POINT, label);                                                                    \
    ft_wdf_layer = ft_layer_set(FT_LAYER_FRAMEWORK)
#define FT_WDF_END(POINT, label)                                                                   \
    do {                                                                                           \
        ft_layer_set(ft_wdf_layer);                                                                \
        FT_DDI_END(POINT, label);                                                                  \
    } while (0)

/* The whole of a routine that does one thing and returns what comes of it, or nothing. */
#define FT_WDF_RETURN(type, POINT, label, ...)                                                     \
    type ft_wdf_returned;                                                                          \
    FT_WDF_BEGIN(POINT, label);                                                                    \
    ft_wdf_returned = (__VA_ARGS__);                                                               \
    FT_WDF_END(POINT, label);                                                                      \
    return ft_wdf_returned
#define FT_WDF_DO(POINT, label, ...)                                                               \
    FT_WDF_BEGIN(POINT, label);                                                                    \
    __VA_ARGS__;                                                                                   \
    FT_WDF_END(POINT, label)

/* An event of the driver's own call, or of the task's owner: with the layer that called the
 * framework. Inside FT_WDF_BEGIN … FT_WDF_END only. */
#define ft_wdf_emit(kind, ...)                                                                     \
    do {                                                                                           \
        ft_layer_set(ft_wdf_layer);                                                                \
        ft_emit(kind, ##__VA_ARGS__);                                                              \
        ft_layer_set(FT_LAYER_FRAMEWORK);                                                          \
    } while (0)

/* A point inside framework code at which the sheet (kmdf.md, section 9.5) says that a driver can
 * see the difference. */
void ft_wdf_point(enum ft_point point, unsigned label);

/* Calls a callback of the driver: events call:enter and call:leave. Takes no lock. */
uint64_t ft_wdf_call(enum ft_routine routine, void *object, ft_thunk *thunk, void *a, void *b,
                     void *c, void *d);

/* WDF_VIOLATION (0x10D), with its numbers of kmdf.md, section 7.1. */
enum ft_wdf_violation {
    FT_WDF_TIMED_OUT = 1,
    FT_WDF_RECURSIVE_LOCK,
    FT_WDF_OUTSTANDING,
    FT_WDF_NULL_PARAMETER,
    FT_WDF_INVALID_HANDLE,
    FT_WDF_REQUEST_ERROR,
    FT_WDF_OBJECT_ERROR,
    FT_WDF_DMA_ERROR,
    FT_WDF_INTERRUPT_ERROR,
    FT_WDF_QUEUE_ERROR,
    FT_WDF_LOCK_ERROR,
    FT_WDF_PNP_ERROR,
    FT_WDF_TWO_OWNERS,
    FT_WDF_IRQL_MISMATCH,
    FT_WDF_REGION_MISMATCH,
    FT_WDF_UNAVAILABLE
};
_Noreturn void ft_wdf_bugcheck(enum ft_wdf_violation what, uint64_t p2, uint64_t p3, uint64_t p4);

/* ---- object.c: what every framework object begins with ---- */

enum ft_wdf_object_state {
    FT_WDF_OBJECT_ALIVE = 1,
    FT_WDF_OBJECT_DISPOSING, /* its tree is being disposed */
    FT_WDF_OBJECT_DISPOSED,  /* EvtCleanupCallback has run */
    FT_WDF_OBJECT_DELETED    /* only references keep it */
};

struct ft_wdf_object;

/* What a kind of object does when it ends. Any member may be NULL. */
struct ft_wdf_class {
    uint8_t handle_class; /* enum ft_handle_class */
    uint8_t passive;      /* disposed at PASSIVE_LEVEL only */
    uint8_t undeletable;  /* WdfObjectDelete refuses it */
    /* The same for some: true while WdfObjectDelete must refuse this one. */
    bool (*keeps)(const struct ft_wdf_object *object);
    /* Only the creation's reference is left. */
    void (*alone)(struct ft_wdf_object *object);
    void (*dispose)(struct ft_wdf_object *object); /* before EvtCleanupCallback */
    void (*destroy)(struct ft_wdf_object *object); /* after EvtDestroyCallback, the very last */
};

struct ft_wdf_context {
    struct ft_wdf_context *next;
    struct ft_wdf_object *object;
    const WDF_OBJECT_CONTEXT_TYPE_INFO *type; /* NULL: attributes without a type */
    PFN_WDF_OBJECT_CONTEXT_CLEANUP cleanup;
    PFN_WDF_OBJECT_CONTEXT_DESTROY destroy;
    uint64_t bytes;
    unsigned char data[]; /* what the driver gets, aligned to 16 */
};

struct ft_wdf_object {
    const struct ft_wdf_class *class_;
    struct ft_wdf_object *parent, *first, *last, *next, *previous; /* children in creation order */
    struct ft_wdf_object *dispose_next;
    struct ft_wdf_context *contexts;
    struct ft_wdf_device *device; /* to which it belongs, NULL: the driver's */
    PFN_WDF_OBJECT_CONTEXT_CLEANUP cleanup;
    PFN_WDF_OBJECT_CONTEXT_DESTROY destroy;
    void *lock; /* the callback lock it uses (locks.c), NULL: none */
    uint32_t references;
    uint8_t state;    /* enum ft_wdf_object_state */
    uint8_t level;    /* WDF_EXECUTION_LEVEL, resolved */
    uint8_t scope;    /* WDF_SYNCHRONIZATION_SCOPE, resolved */
    uint8_t deferred; /* its disposal waits for PASSIVE_LEVEL */
};

/* Makes an object of `bytes` (which begins with struct ft_wdf_object), with the context of the
 * attributes, as a child of attributes->ParentObject or else of `parent`. NULL and *status when
 * that fails: nothing is left then, and no callback of the driver runs. */
void *ft_wdf_object_new(const struct ft_wdf_class *class_, size_t bytes,
                        struct ft_wdf_object *parent, const WDF_OBJECT_ATTRIBUTES *attributes,
                        NTSTATUS *status);
/* A create that fails after ft_wdf_object_new: frees it without its callbacks. */
void ft_wdf_object_abandon(struct ft_wdf_object *object);
/* WdfObjectDelete without its points: disposes the tree and drops the creation's reference. */
void ft_wdf_object_delete(struct ft_wdf_object *object);
/* Disposes the tree (cleanup callbacks run) and leaves the creation's reference. */
void ft_wdf_object_dispose(struct ft_wdf_object *object);
void ft_wdf_object_refer(struct ft_wdf_object *object);
void ft_wdf_object_release(struct ft_wdf_object *object); /* may destroy it */
/* Waits until every object whose disposal was put off has been disposed; PASSIVE_LEVEL. */
void ft_wdf_dispose_drain(void);

/* The object behind a handle of that class (0: of any); otherwise bug check 0x10D/5, or /4 for
 * NULL. */
void *ft_wdf_check(const void *handle, unsigned class_);
/* A required argument that is NULL: bug check 0x10D/4. */
void ft_wdf_require(const void *argument);
/* The event and the bug check 0x10D/5 of ft_wdf_check. */
_Noreturn void ft_wdf_bad_handle(const void *handle, unsigned class_);
/* NULL instead of a bug check. */
void *ft_wdf_find(const void *handle, unsigned class_);
uint64_t ft_wdf_handle(const void *object); /* as events name it; NULL gives 0 */
unsigned ft_wdf_label(const void *handle);  /* of any pointer; 0 none */

/* Checks attributes as every create does: STATUS_SUCCESS or what kmdf.md says. */
NTSTATUS ft_wdf_attributes_check(const WDF_OBJECT_ATTRIBUTES *attributes, bool parent_allowed);

/* Events of calls at a level above their highest: emits wdf:irql and returns false. */
bool ft_wdf_irql_ok(unsigned highest);
bool ft_wdf_pool_irql_ok(POOL_TYPE type); /* of what allocates such memory */

/* ---- contexts.c ---- */

/* The first context of that type; its callbacks are for the caller to set. NULL: no memory. */
struct ft_wdf_context *ft_wdf_context_new(struct ft_wdf_object *object,
                                          PCWDF_OBJECT_CONTEXT_TYPE_INFO type, size_t override);
void ft_wdf_contexts_free(struct ft_wdf_object *object);

/* ---- callback_locks.c: callback locks (synchronization scope) ---- */

/* Kinds of locks, as events name them. */
enum ft_wdf_lock_kind {
    FT_WDF_LOCK_SPIN = 1,
    FT_WDF_LOCK_WAIT,
    FT_WDF_LOCK_CALLBACK,
    FT_WDF_LOCK_INTERRUPT
};

/* Gives a new object its callback lock, if level and scope say that it has one. */
NTSTATUS ft_wdf_lock_make(struct ft_wdf_object *object);
void ft_wdf_lock_unmake(struct ft_wdf_object *object);
/* The callback lock that automatic serialization takes for a child of that object, NULL: none. */
void *ft_wdf_lock_above(const struct ft_wdf_object *object);
bool ft_wdf_lock_is_passive(const void *lock);
bool ft_wdf_lock_owned(const void *lock); /* by the running task; NULL is not */
void ft_wdf_lock_take(void *lock);        /* NULL: nothing */
void ft_wdf_lock_give(void *lock);

/* Taken around the callbacks that the scope covers; nothing when object->lock is NULL. */
void ft_wdf_callback_lock(struct ft_wdf_object *object);
void ft_wdf_callback_unlock(struct ft_wdf_object *object);
bool ft_wdf_callback_locked(const struct ft_wdf_object *object); /* by the running task */

/* ---- lock_objects.c ---- */

/* The spin lock inside a WDFSPINLOCK, for an interrupt that uses it. */
PKSPIN_LOCK ft_wdf_spin_lock_of(WDFSPINLOCK lock);

/* ---- deferred.c: what timers, DPCs and work items begin with ---- */

struct ft_wdf_deferred {
    struct ft_wdf_object object;
    void *routine;    /* the driver's, NULL: none */
    void *lock;       /* of automatic serialization */
    uint32_t running; /* bit per task that runs the callback */
};

/* A new one, or NULL and why: its parent is not right for it, or there is no memory. */
void *ft_wdf_deferred_new(const struct ft_wdf_class *class_, size_t bytes, void *routine,
                          const WDF_OBJECT_ATTRIBUTES *attributes, bool serialized, bool passive,
                          NTSTATUS *status);
/* Runs the driver's callback under its lock; wakes who waits for `deferred`. */
void ft_wdf_deferred_run(struct ft_wdf_deferred *deferred, enum ft_routine routine);
bool ft_wdf_deferred_own(const struct ft_wdf_deferred *deferred);  /* the running task runs it */
bool ft_wdf_deferred_runs(const struct ft_wdf_deferred *deferred); /* another task does */

/* ---- memory.c, memory_lists.c ---- */

enum ft_wdf_memory_kind {
    FT_WDF_MEMORY_POOL = 1,
    FT_WDF_MEMORY_PREALLOCATED,
    FT_WDF_MEMORY_LOOKASIDE,
    FT_WDF_MEMORY_REQUEST /* the buffer of a request; not to be deleted by drivers */
};

struct ft_wdf_memory {
    struct ft_wdf_object object;
    PVOID buffer;
    size_t bytes;
    void *lookaside;
    ULONG tag;
    uint8_t kind;
    uint8_t read_only; /* WdfMemoryCopyFromBuffer fails */
};

/* A memory object for a buffer that somebody else frees. */
struct ft_wdf_memory *ft_wdf_memory_new(enum ft_wdf_memory_kind kind, struct ft_wdf_object *parent,
                                        const WDF_OBJECT_ATTRIBUTES *attributes, PVOID buffer,
                                        size_t bytes, NTSTATUS *status);
struct ft_wdf_memory *ft_wdf_memory_from_pool(const WDF_OBJECT_ATTRIBUTES *attributes,
                                              POOL_TYPE type, ULONG tag, size_t bytes,
                                              NTSTATUS *status);
void ft_wdf_lookaside_give(struct ft_wdf_memory *memory);
ULONG ft_wdf_pool_tag(void); /* the driver's own */

/* ---- collection.c, string.c, keys.c ---- */

NTSTATUS ft_wdf_collection_add(WDFCOLLECTION collection, struct ft_wdf_object *object);
ULONG ft_wdf_collection_count(WDFCOLLECTION collection);
struct ft_wdf_object *ft_wdf_collection_item(WDFCOLLECTION collection, ULONG index);
void ft_wdf_collection_cut(WDFCOLLECTION collection, ULONG count); /* to its first `count` items */
/* text NULL: an empty string. The default parent is the driver. */
NTSTATUS ft_wdf_string_new(const UNICODE_STRING *text, const WDF_OBJECT_ATTRIBUTES *attributes,
                           WDFSTRING *ret);
NTSTATUS ft_wdf_string_set(WDFSTRING string, const UNICODE_STRING *text);
const UNICODE_STRING *ft_wdf_string_text(WDFSTRING string);
/* STATUS_INVALID_PARAMETER for a string that is none: an odd length, no characters behind it. */
NTSTATUS ft_wdf_text_check(const UNICODE_STRING *text);
/* A WDFKEY around an open handle, which it closes, also when this fails. */
NTSTATUS ft_wdf_key_new(HANDLE handle, struct ft_wdf_object *parent,
                        const WDF_OBJECT_ATTRIBUTES *attributes, WDFKEY *ret);
HANDLE ft_wdf_key_handle(WDFKEY key);

/* ---- device_object.c, dispatch.c, pnp_machine.c, power_machine.c ---- */

struct ft_wdf_device {
    struct ft_wdf_object object;
    struct ft_wdf_device *next;
    PDEVICE_OBJECT fdo, pdo, below;
    void *pnp;  /* struct ft_wdf_pnp of pnp_machine.c */
    void *io;   /* struct ft_wdf_io of queue.c */
    void *dma;  /* the first enabler, in creation order (dma_enabler.c) */
    void *ints; /* the first interrupt, in creation order (interrupt_power.c) */
    WDF_DEVICE_IO_TYPE io_type;
    uint8_t filter;
    uint8_t in_d0;       /* between D0Entry's begin and D0Exit's end */
    uint8_t power_state; /* WDF_POWER_DEVICE_STATE as recorded */
    uint8_t power_owner; /* it owns the power policy */
    uint8_t add_over;    /* EvtDriverDeviceAdd has returned */
    uint8_t dma_walks;   /* enabler callbacks are being called: their list is locked */
    uint8_t dma_up;      /* the DMA power-up of this D0 period has begun */
    uint8_t dma_packet;  /* DMA version 2: a packet transaction has the device's only slot */
    uint32_t file_class; /* WDF_FILEOBJECT_CLASS */
    PFN_WDF_DEVICE_FILE_CREATE file_create;
    PFN_WDF_FILE_CLOSE file_close;
    PFN_WDF_FILE_CLEANUP file_cleanup;
    PFN_WDF_IO_IN_CALLER_CONTEXT in_caller;
    ULONG alignment;
    WDF_OBJECT_ATTRIBUTES request_attributes, file_attributes; /* Size 0: none */
};

/* A power-managed queue got a request while the device sleeps, or became idle: power policy. */
void ft_wdf_power_reference(struct ft_wdf_device *device);
void ft_wdf_power_release(struct ft_wdf_device *device);
/* The device fails itself: WdfDeviceSetFailed, and internal failures. */
void ft_wdf_device_failed(struct ft_wdf_device *device, WDF_DEVICE_FAILED_ACTION action);
struct ft_wdf_device *ft_wdf_device_of(PDEVICE_OBJECT fdo);

/* ---- interrupt_power.c: composite steps of kmdf.md, section 4.1 ---- */

enum ft_wdf_down { FT_WDF_DOWN_EXPLICIT, FT_WDF_DOWN_FORCE, FT_WDF_DOWN_SURPRISE };
NTSTATUS ft_wdf_interrupts_up(struct ft_wdf_device *device, bool explicit_);
NTSTATUS ft_wdf_interrupts_down(struct ft_wdf_device *device, enum ft_wdf_down how);
/* PrepareHardware: assigns resources; ReleaseHardware: removes those made in PrepareHardware. */
struct ft_wdf_resources;
void ft_wdf_interrupts_assign(struct ft_wdf_device *device, const struct ft_wdf_resources *raw,
                              const struct ft_wdf_resources *translated);
void ft_wdf_interrupts_revoke(struct ft_wdf_device *device);

/* ---- dma_enabler.c: the walks of kmdf.md, section 1.4 ---- */

NTSTATUS ft_wdf_dma_up(struct ft_wdf_device *device);
NTSTATUS ft_wdf_dma_down(struct ft_wdf_device *device);

/* ---- queue.c, request_object.c: queues and the IRPs that they take ---- */

/* What a new device has of it: its local I/O target. */
NTSTATUS ft_wdf_io_begin(struct ft_wdf_device *device);
/* READ, WRITE, DEVICE_CONTROL, INTERNAL_DEVICE_CONTROL, CREATE, CLEANUP, CLOSE. */
NTSTATUS ft_wdf_io_dispatch(struct ft_wdf_device *device, PIRP irp);
void ft_wdf_queues_start(struct ft_wdf_device *device);               /* QStart */
void ft_wdf_queues_hold(struct ft_wdf_device *device);                /* QHold */
void ft_wdf_queues_purge(struct ft_wdf_device *device, bool managed); /* QPurge… */
/* A child starts again: its power-managed queues take requests again. */
void ft_wdf_queues_reset(struct ft_wdf_device *device);
bool ft_wdf_has_managed_queue(struct ft_wdf_device *device);
/* What a DMA transaction needs of a request: its MDL and length for that direction. */
NTSTATUS ft_wdf_request_dma(WDFREQUEST request, WDF_DMA_DIRECTION direction, PMDL *mdl,
                            ULONG *length);
/* A transaction in Transfer holds a count on the request's IRP (kmdf.md, section 2.11). */
void ft_wdf_request_hold(WDFREQUEST request, int change);

#endif
