/* Callback locks: what a synchronization scope means (kmdf sheet, section 6.2).
 *
 * A device with device scope has one lock, which its queues and files share; a queue with queue
 * scope has its own. The lock follows the execution level: a passive one holds the thread in a
 * critical region, the other raises to DISPATCH_LEVEL. Who already owns the lock gets bug check
 * 0x10D/2.
 */
#include "kmdf/kmdf_private.h"

struct ft_wdf_lock {
    const struct ft_wdf_object *object; /* whose lock it is */
    KSPIN_LOCK spin;
    FAST_MUTEX mutex;
    uint16_t task; /* id of the owner's task, 0: free */
    KIRQL old;
    uint8_t passive;
};

static bool makes_one(const struct ft_wdf_object *object)
{
    switch (object->class_->handle_class) {
    case FT_HC_WDF_DEVICE:
        return object->scope == WdfSynchronizationScopeDevice;
    case FT_HC_WDF_QUEUE:
        return object->scope == WdfSynchronizationScopeQueue;
    default:
        return false;
    }
}

static bool shares_one(const struct ft_wdf_object *object)
{
    switch (object->class_->handle_class) {
    case FT_HC_WDF_QUEUE:
    case FT_HC_WDF_FILE:
    case FT_HC_WDF_OBJECT:
        return object->scope == WdfSynchronizationScopeDevice && object->device;
    default:
        return false;
    }
}

NTSTATUS ft_wdf_lock_make(struct ft_wdf_object *object)
{
    struct ft_wdf_lock *lock;

    if (shares_one(object))
        object->lock = ((struct ft_wdf_object *)object->device)->lock;
    if (!makes_one(object))
        return STATUS_SUCCESS;
    lock = ft_block_for_driver(sizeof *lock, FT_HC_OTHER, 0);
    if (!lock)
        return STATUS_INSUFFICIENT_RESOURCES;
    lock->object = object;
    lock->passive = object->level == WdfExecutionLevelPassive;
    if (lock->passive)
        ExInitializeFastMutex(&lock->mutex);
    else
        KeInitializeSpinLock(&lock->spin);
    object->lock = lock;
    return STATUS_SUCCESS;
}

void ft_wdf_lock_unmake(struct ft_wdf_object *object)
{
    struct ft_wdf_lock *lock = object->lock;

    if (lock && lock->object == object)
        ft_block_free(lock);
    object->lock = NULL;
}

void *ft_wdf_lock_above(const struct ft_wdf_object *object)
{
    while (object && !object->lock && object->class_->handle_class != FT_HC_WDF_DEVICE &&
           object->class_->handle_class != FT_HC_WDF_QUEUE)
        object = object->parent;
    return object ? object->lock : NULL;
}

bool ft_wdf_lock_owned(const void *lock)
{
    return lock && ((const struct ft_wdf_lock *)lock)->task == ft_current()->id;
}

bool ft_wdf_lock_is_passive(const void *lock)
{
    return ((const struct ft_wdf_lock *)lock)->passive;
}

static void take(struct ft_wdf_lock *lock)
{
    uint64_t handle = ft_wdf_handle(lock->object);
    uint64_t owner = lock->task ? ft_handle(FT_HC_TASK, lock->task, 0) : 0;

    ft_emit(FT_EV_WDF_LOCK_ASK, handle, FT_WDF_LOCK_CALLBACK, owner, 0);
    if (lock->task == ft_current()->id)
        ft_wdf_bugcheck(FT_WDF_RECURSIVE_LOCK, handle, ft_wdf_handle(lock), 0);
    if (lock->passive) {
        KeEnterCriticalRegion();
        ExAcquireFastMutexUnsafe(&lock->mutex);
    } else {
        lock->old = KeAcquireSpinLockRaiseToDpc(&lock->spin);
    }
    lock->task = ft_current()->id;
    ft_emit(FT_EV_WDF_LOCK_ACQUIRE, handle, FT_WDF_LOCK_CALLBACK, STATUS_SUCCESS, 0);
}

/* The level before is the owner's, so it is read before another may own the lock. */
static void give(struct ft_wdf_lock *lock)
{
    KIRQL old = lock->old;

    ft_emit(FT_EV_WDF_LOCK_RELEASE, ft_wdf_handle(lock->object), FT_WDF_LOCK_CALLBACK,
            lock->task ? ft_handle(FT_HC_TASK, lock->task, 0) : 0);
    lock->task = 0;
    if (lock->passive) {
        ExReleaseFastMutexUnsafe(&lock->mutex);
        KeLeaveCriticalRegion();
    } else {
        KeReleaseSpinLock(&lock->spin, old);
    }
}

void ft_wdf_lock_take(void *lock)
{
    if (lock)
        take(lock);
}

void ft_wdf_lock_give(void *lock)
{
    if (lock)
        give(lock);
}

void ft_wdf_callback_lock(struct ft_wdf_object *object)
{
    ft_wdf_lock_take(object->lock);
}

void ft_wdf_callback_unlock(struct ft_wdf_object *object)
{
    ft_wdf_lock_give(object->lock);
}

bool ft_wdf_callback_locked(const struct ft_wdf_object *object)
{
    return ft_wdf_lock_owned(object->lock);
}

/* ---- what drivers call ---- */

/* An object without a callback lock is bug check 0x10D/B. */
static struct ft_wdf_lock *lock_of(WDFOBJECT handle)
{
    struct ft_wdf_object *object = ft_wdf_check(handle, 0);

    if (!object->lock)
        ft_wdf_bugcheck(FT_WDF_LOCK_ERROR, ft_wdf_handle(object), 0, 0);
    return object->lock;
}

VOID WdfObjectAcquireLock(WDFOBJECT Object)
{
    struct ft_wdf_lock *lock;

    FT_WDF_BEGIN(WDF_LOCK, ft_wdf_label(Object));
    lock = lock_of(Object);
    if (ft_wdf_irql_ok(lock->passive ? PASSIVE_LEVEL : DISPATCH_LEVEL))
        take(lock);
    FT_WDF_END(WDF_LOCK, ft_wdf_label(Object));
}

/* Conflict of the sources: what a release by another thread does is not said; it releases here. */
VOID WdfObjectReleaseLock(WDFOBJECT Object)
{
    struct ft_wdf_lock *lock;

    FT_WDF_BEGIN(WDF_LOCK, ft_wdf_label(Object));
    lock = lock_of(Object);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        give(lock);
    FT_WDF_END(WDF_LOCK, ft_wdf_label(Object));
}
