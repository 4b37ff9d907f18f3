/* Spin locks (wdm-io sheet, sections 8 and 9). KSPIN_LOCK's word is the holder's task id. In-stack
 * queued locks are in queued_locks.c. */
#include "kernel/locks.h"

#include <wdm.h>

/* A try does not wait, so the order of locks is not judged by it. */
enum { KIND_ORDINARY = 0, KIND_TRY = 4 };

uint64_t ft_lock_owner(const uint64_t *lock)
{
    return *lock ? ft_handle(FT_HC_TASK, (uint32_t)*lock, 0) : 0;
}

void ft_lock_take(uint64_t *lock, uint64_t handle)
{
    struct ft_task *task = ft_current();

    while (*lock != 0) {
        ft_emit(FT_EV_LOCK_WAIT, handle, ft_lock_owner(lock));
        task->wait_object = lock;
        ft_task_park(FT_TS_SPIN);
    }
    task->wait_object = NULL;
    ft_order_take((uintptr_t)lock);
    *lock = task->id;
    task->locks++;
}

uint64_t ft_lock_give(uint64_t *lock)
{
    uint64_t owner = ft_lock_owner(lock);

    ft_order_give((uintptr_t)lock);
    *lock = 0;
    if (ft_current()->locks > 0)
        ft_current()->locks--;
    return owner;
}

/* A queued waiter is handed the lock by whoever gives it back; it spins in a state of its own, so
 * nobody comes in between. */
void ft_lock_take_queued(uint64_t *lock, uint64_t handle)
{
    struct ft_task *task = ft_current();

    if (*lock != 0) {
        ft_emit(FT_EV_LOCK_WAIT, handle, ft_lock_owner(lock));
        ft_task_wait(lock, 0);
    }
    ft_order_take((uintptr_t)lock);
    *lock = task->id;
    task->locks++;
}

uint64_t ft_lock_give_queued(uint64_t *lock)
{
    uint64_t owner = ft_lock_give(lock);
    struct ft_task *next = ft_first_waiter(lock);

    if (next) {
        *lock = next->id;
        ft_task_wake(next, 0);
    }
    return owner;
}

static uint64_t lock_handle(PKSPIN_LOCK lock)
{
    return ft_object_handle(lock, FT_HC_LOCK);
}

VOID KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
    FT_DDI_BEGIN(IRQL_RAISE, 0);
    *SpinLock = 0;
    ft_emit(FT_EV_LOCK_INIT, ft_object_register(SpinLock, FT_HC_LOCK));
    FT_DDI_END(IRQL_RAISE, 0);
}

/* Raises to DISPATCH_LEVEL before it spins, as the real one does. The event's header shows the
 * level after the raise; argument `old` the caller's. */
KIRQL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    KIRQL old;

    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    old = (KIRQL)ft_irql();
    if (old < DISPATCH_LEVEL)
        ft_irql_set(DISPATCH_LEVEL);
    ft_lock_take((uint64_t *)SpinLock, lock_handle(SpinLock));
    ft_emit(FT_EV_LOCK_ACQUIRE, lock_handle(SpinLock), old, false, KIND_ORDINARY, 0);
    FT_DDI_END(LOCK_ACQUIRE, 0);
    return old;
}

VOID KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    ft_emit(FT_EV_LOCK_RELEASE, lock_handle(SpinLock), ft_lock_owner((uint64_t *)SpinLock), NewIrql,
            false, KIND_ORDINARY, 0);
    ft_lock_give((uint64_t *)SpinLock);
    ft_irql_set(NewIrql);
    FT_DDI_END(LOCK_RELEASE, 0);
}

VOID KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    ft_lock_take((uint64_t *)SpinLock, lock_handle(SpinLock));
    ft_emit(FT_EV_LOCK_ACQUIRE, lock_handle(SpinLock), ft_irql(), true, KIND_ORDINARY, 0);
    FT_DDI_END(LOCK_ACQUIRE, 0);
}

VOID KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    ft_emit(FT_EV_LOCK_RELEASE, lock_handle(SpinLock), ft_lock_owner((uint64_t *)SpinLock),
            ft_irql(), true, KIND_ORDINARY, 0);
    ft_lock_give((uint64_t *)SpinLock);
    FT_DDI_END(LOCK_RELEASE, 0);
}

BOOLEAN KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    bool is_free;

    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    is_free = *SpinLock == 0;
    if (is_free) {
        ft_lock_take((uint64_t *)SpinLock, lock_handle(SpinLock));
        ft_emit(FT_EV_LOCK_ACQUIRE, lock_handle(SpinLock), ft_irql(), true, KIND_TRY, 0);
    }
    FT_DDI_END(LOCK_ACQUIRE, 0);
    return is_free;
}

/* TRUE: it was free a moment ago. A loop around this lets the machine go on. */
BOOLEAN KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
    bool is_free;

    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    is_free = *SpinLock == 0;
    FT_DDI_END(LOCK_ACQUIRE, 0);
    return is_free;
}

/* For DPCs that may be threaded ones: here they all run at DISPATCH_LEVEL, where this is the form
 * for the DPC level; below it, the ordinary one. */
KIRQL KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock)
{
    KIRQL old;
    bool at_level;

    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    old = (KIRQL)ft_irql();
    at_level = old >= DISPATCH_LEVEL;
    if (!at_level)
        ft_irql_set(DISPATCH_LEVEL);
    ft_lock_take((uint64_t *)SpinLock, lock_handle(SpinLock));
    ft_emit(FT_EV_LOCK_ACQUIRE, lock_handle(SpinLock), old, at_level, KIND_ORDINARY, 0);
    FT_DDI_END(LOCK_ACQUIRE, 0);
    return old;
}

VOID KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    ft_emit(FT_EV_LOCK_RELEASE, lock_handle(SpinLock), ft_lock_owner((uint64_t *)SpinLock), OldIrql,
            OldIrql >= DISPATCH_LEVEL, KIND_ORDINARY, 0);
    ft_lock_give((uint64_t *)SpinLock);
    ft_irql_set(OldIrql);
    FT_DDI_END(LOCK_RELEASE, 0);
}
