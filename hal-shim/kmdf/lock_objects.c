/* WDFSPINLOCK and WDFWAITLOCK (kmdf sheet, section 6.2). */
#include "kmdf/kmdf_private.h"

static uint64_t task_handle(unsigned id)
{
    return id ? ft_handle(FT_HC_TASK, id, 0) : 0;
}

/* ---- spin locks ---- */

struct spin_lock {
    struct ft_wdf_object object;
    KSPIN_LOCK lock;
    uint16_t task; /* id of the owner's task, 0: free */
    KIRQL old;
};

static const struct ft_wdf_class spin_class = {.handle_class = FT_HC_WDF_SPIN_LOCK};

PKSPIN_LOCK ft_wdf_spin_lock_of(WDFSPINLOCK lock)
{
    return &((struct spin_lock *)ft_wdf_check(lock, FT_HC_WDF_SPIN_LOCK))->lock;
}

NTSTATUS WdfSpinLockCreate(PWDF_OBJECT_ATTRIBUTES SpinLockAttributes, WDFSPINLOCK *SpinLock)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct spin_lock *lock = NULL;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(SpinLock);
    *SpinLock = NULL;
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        lock = ft_wdf_object_new(&spin_class, sizeof *lock, FT_WDF->driver, SpinLockAttributes,
                                 &status);
    if (lock)
        KeInitializeSpinLock(&lock->lock);
    *SpinLock = (WDFSPINLOCK)lock;
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

/* Who owns it already spins for ever, as on Windows. */
VOID WdfSpinLockAcquire(WDFSPINLOCK SpinLock)
{
    struct spin_lock *lock;

    FT_WDF_BEGIN(WDF_LOCK, 0);
    lock = ft_wdf_check(SpinLock, FT_HC_WDF_SPIN_LOCK);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_emit(FT_EV_WDF_LOCK_ASK, ft_wdf_handle(lock), FT_WDF_LOCK_SPIN, task_handle(lock->task),
                0);
    lock->old = KeAcquireSpinLockRaiseToDpc(&lock->lock);
    lock->task = ft_current()->id;
    ft_wdf_emit(FT_EV_WDF_LOCK_ACQUIRE, ft_wdf_handle(lock), FT_WDF_LOCK_SPIN, STATUS_SUCCESS, 0);
    FT_WDF_END(WDF_LOCK, 0);
}

/* KMDF Verifier keeps the owner: a release by another thread is bug check 0x10D/B. */
VOID WdfSpinLockRelease(WDFSPINLOCK SpinLock)
{
    struct spin_lock *lock;
    KIRQL old;

    FT_WDF_BEGIN(WDF_LOCK, 0);
    lock = ft_wdf_check(SpinLock, FT_HC_WDF_SPIN_LOCK);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_emit(FT_EV_WDF_LOCK_RELEASE, ft_wdf_handle(lock), FT_WDF_LOCK_SPIN,
                task_handle(lock->task));
    if (lock->task != ft_current()->id)
        ft_wdf_bugcheck(FT_WDF_LOCK_ERROR, ft_wdf_handle(lock), 1, 0);
    old = lock->old;
    lock->task = 0;
    KeReleaseSpinLock(&lock->lock, old);
    FT_WDF_END(WDF_LOCK, 0);
}

/* ---- wait locks ---- */

struct wait_lock {
    struct ft_wdf_object object;
    KEVENT free;
    uint16_t task;
    uint8_t in_region; /* its owner is in a critical region */
};

static const struct ft_wdf_class wait_class = {.handle_class = FT_HC_WDF_WAIT_LOCK};

NTSTATUS WdfWaitLockCreate(PWDF_OBJECT_ATTRIBUTES LockAttributes, WDFWAITLOCK *Lock)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct wait_lock *lock = NULL;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(Lock);
    *Lock = NULL;
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        lock =
            ft_wdf_object_new(&wait_class, sizeof *lock, FT_WDF->driver, LockAttributes, &status);
    if (lock)
        KeInitializeEvent(&lock->free, SynchronizationEvent, TRUE);
    *Lock = (WDFWAITLOCK)lock;
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

/* A critical region cannot be entered at DISPATCH_LEVEL, and needs not be. */
static NTSTATUS wait_for(struct wait_lock *lock, PLONGLONG timeout)
{
    bool region = ft_irql() < DISPATCH_LEVEL;
    NTSTATUS status;

    if (region)
        KeEnterCriticalRegion();
    status = KeWaitForSingleObject(&lock->free, Executive, KernelMode, FALSE,
                                   (PLARGE_INTEGER)(PVOID)timeout);
    if (status == STATUS_SUCCESS) {
        lock->task = ft_current()->id;
        lock->in_region = region;
    } else if (region) {
        KeLeaveCriticalRegion();
    }
    return status;
}

/* At a wrong level the lock is not taken (KMDF Verifier). The event's time-out is 0: none, 1: zero,
 * 2: another. */
NTSTATUS WdfWaitLockAcquire(WDFWAITLOCK Lock, PLONGLONG Timeout)
{
    enum { UNLIMITED, ZERO, LIMITED };
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    unsigned limit = !Timeout ? UNLIMITED : *Timeout == 0 ? ZERO : LIMITED;
    struct wait_lock *lock;

    FT_WDF_BEGIN(WDF_LOCK, 0);
    lock = ft_wdf_check(Lock, FT_HC_WDF_WAIT_LOCK);
    ft_wdf_emit(FT_EV_WDF_LOCK_ASK, ft_wdf_handle(lock), FT_WDF_LOCK_WAIT, task_handle(lock->task),
                limit);
    if (ft_wdf_irql_ok(limit == ZERO ? DISPATCH_LEVEL : PASSIVE_LEVEL))
        status = wait_for(lock, Timeout);
    ft_wdf_emit(FT_EV_WDF_LOCK_ACQUIRE, ft_wdf_handle(lock), FT_WDF_LOCK_WAIT, (uint32_t)status,
                limit);
    FT_WDF_END(WDF_LOCK, 0);
    return status;
}

VOID WdfWaitLockRelease(WDFWAITLOCK Lock)
{
    struct wait_lock *lock;
    uint8_t in_region;

    FT_WDF_BEGIN(WDF_LOCK, 0);
    lock = ft_wdf_check(Lock, FT_HC_WDF_WAIT_LOCK);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_emit(FT_EV_WDF_LOCK_RELEASE, ft_wdf_handle(lock), FT_WDF_LOCK_WAIT,
                task_handle(lock->task));
    in_region = lock->in_region;
    lock->task = 0;
    lock->in_region = 0;
    KeSetEvent(&lock->free, IO_NO_INCREMENT, FALSE);
    if (in_region)
        KeLeaveCriticalRegion();
    FT_WDF_END(WDF_LOCK, 0);
}
