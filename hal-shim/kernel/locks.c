/* Spin locks (wdm-io sheet, sections 8 and 9). KSPIN_LOCK's word is the holder's task id. */
#include "kernel/locks.h"

#include <wdm.h>

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
    *lock = task->id;
    task->locks++;
}

uint64_t ft_lock_give(uint64_t *lock)
{
    uint64_t owner = ft_lock_owner(lock);

    *lock = 0;
    if (ft_current()->locks > 0)
        ft_current()->locks--;
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
    ft_emit(FT_EV_LOCK_ACQUIRE, lock_handle(SpinLock), old, false);
    FT_DDI_END(LOCK_ACQUIRE, 0);
    return old;
}

VOID KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    ft_emit(FT_EV_LOCK_RELEASE, lock_handle(SpinLock), ft_lock_owner((uint64_t *)SpinLock), NewIrql,
            false);
    ft_lock_give((uint64_t *)SpinLock);
    ft_irql_set(NewIrql);
    FT_DDI_END(LOCK_RELEASE, 0);
}

VOID KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    ft_lock_take((uint64_t *)SpinLock, lock_handle(SpinLock));
    ft_emit(FT_EV_LOCK_ACQUIRE, lock_handle(SpinLock), ft_irql(), true);
    FT_DDI_END(LOCK_ACQUIRE, 0);
}

VOID KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    ft_emit(FT_EV_LOCK_RELEASE, lock_handle(SpinLock), ft_lock_owner((uint64_t *)SpinLock),
            ft_irql(), true);
    ft_lock_give((uint64_t *)SpinLock);
    FT_DDI_END(LOCK_RELEASE, 0);
}
