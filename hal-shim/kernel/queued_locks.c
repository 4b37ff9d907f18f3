/* In-stack queued spin locks, and reader/writer spin locks (wdm-io sheet, section 9;
 * nf-wdm-exacquirespinlockshared).
 *
 * A queued lock goes to those that wait for it in the order in which they came. A KSPIN_LOCK that
 * is taken both ways loses its waiters: a release of the ordinary form wakes nobody who is queued.
 *
 * A reader/writer lock is one ULONG: the top bit says that a writer has it, the next that one
 * waits, the rest counts readers. While a writer waits no reader comes in, so reading twice on one
 * processor can hang, as the documentation warns.
 */
#include "kernel/locks.h"

#include <wdm.h>

enum { KIND_QUEUED = 1, KIND_SHARED, KIND_EXCLUSIVE };

/* ---- in-stack queued locks ---- */

static uint64_t lock_handle(const void *lock)
{
    return ft_object_handle(lock, FT_HC_LOCK);
}

static void acquire_queued(PKSPIN_LOCK lock, PKLOCK_QUEUE_HANDLE queue, bool at_level)
{
    KIRQL old = (KIRQL)ft_irql();

    if (!at_level && old < DISPATCH_LEVEL)
        ft_irql_set(DISPATCH_LEVEL);
    queue->LockQueue.Next = NULL;
    queue->LockQueue.Lock = lock;
    queue->OldIrql = old;
    ft_lock_take_queued((uint64_t *)lock, lock_handle(lock));
    ft_emit(FT_EV_LOCK_ACQUIRE, lock_handle(lock), old, at_level, KIND_QUEUED,
            ft_object_register(queue, FT_HC_OTHER));
}

static void release_queued(PKLOCK_QUEUE_HANDLE queue, bool at_level)
{
    PKSPIN_LOCK lock = queue->LockQueue.Lock;

    ft_emit(FT_EV_LOCK_RELEASE, lock_handle(lock), ft_lock_owner((uint64_t *)lock),
            at_level ? ft_irql() : queue->OldIrql, at_level, KIND_QUEUED,
            ft_object_handle(queue, FT_HC_OTHER));
    ft_lock_give_queued((uint64_t *)lock);
    if (!at_level)
        ft_irql_set(queue->OldIrql);
}

VOID KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    acquire_queued(SpinLock, LockHandle, false);
    FT_DDI_END(LOCK_ACQUIRE, 0);
}

VOID KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    release_queued(LockHandle, false);
    FT_DDI_END(LOCK_RELEASE, 0);
}

VOID KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    acquire_queued(SpinLock, LockHandle, true);
    FT_DDI_END(LOCK_ACQUIRE, 0);
}

VOID KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    release_queued(LockHandle, true);
    FT_DDI_END(LOCK_RELEASE, 0);
}

/* As KeAcquireSpinLockForDpc: the caller's level decides. */
VOID KeAcquireInStackQueuedSpinLockForDpc(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    acquire_queued(SpinLock, LockHandle, ft_irql() >= DISPATCH_LEVEL);
    FT_DDI_END(LOCK_ACQUIRE, 0);
}

VOID KeReleaseInStackQueuedSpinLockForDpc(PKLOCK_QUEUE_HANDLE LockHandle)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    release_queued(LockHandle, LockHandle->OldIrql >= DISPATCH_LEVEL);
    FT_DDI_END(LOCK_RELEASE, 0);
}

/* ---- reader/writer spin locks ---- */

#define WRITER       0x80000000u
#define WRITER_WAITS 0x40000000u

static bool is_open(const EX_SPIN_LOCK *lock, bool exclusive)
{
    return exclusive ? !(*lock & ~WRITER_WAITS) : !(*lock & (WRITER | WRITER_WAITS));
}

/* Who holds it is not kept: there may be many. */
static void take(EX_SPIN_LOCK *lock, bool exclusive)
{
    bool waited = false;

    while (!is_open(lock, exclusive)) {
        if (!waited)
            ft_emit(FT_EV_LOCK_WAIT, lock_handle(lock), 0);
        waited = true;
        if (exclusive)
            *lock |= WRITER_WAITS;
        ft_task_wait(lock, 0);
    }
    *lock = exclusive ? WRITER : *lock + 1;
    ft_current()->locks++;
}

static KIRQL acquire(EX_SPIN_LOCK *lock, bool exclusive, bool at_level)
{
    KIRQL old = (KIRQL)ft_irql();

    if (!at_level && old < DISPATCH_LEVEL)
        ft_irql_set(DISPATCH_LEVEL);
    take(lock, exclusive);
    ft_emit(FT_EV_LOCK_ACQUIRE, lock_handle(lock), old, at_level,
            exclusive ? KIND_EXCLUSIVE : KIND_SHARED, 0);
    return old;
}

static void release(EX_SPIN_LOCK *lock, bool exclusive, bool at_level, KIRQL irql)
{
    struct ft_task *task = ft_current();
    bool held = exclusive ? *lock & WRITER : *lock & ~(WRITER | WRITER_WAITS);

    ft_emit(FT_EV_LOCK_RELEASE, lock_handle(lock), held ? ft_handle(FT_HC_TASK, task->id, 0) : 0,
            irql, at_level, exclusive ? KIND_EXCLUSIVE : KIND_SHARED, 0);
    if (held)
        *lock -= exclusive ? WRITER : 1;
    if (task->locks > 0)
        task->locks--;
    ft_wake_waiters(lock, STATUS_SUCCESS, true);
    if (!at_level)
        ft_irql_set(irql);
}

KIRQL ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock)
{
    KIRQL old;

    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    old = acquire(SpinLock, false, false);
    FT_DDI_END(LOCK_ACQUIRE, 0);
    return old;
}

KIRQL ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    KIRQL old;

    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    old = acquire(SpinLock, true, false);
    FT_DDI_END(LOCK_ACQUIRE, 0);
    return old;
}

VOID ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    release(SpinLock, false, false, OldIrql);
    FT_DDI_END(LOCK_RELEASE, 0);
}

VOID ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    release(SpinLock, true, false, OldIrql);
    FT_DDI_END(LOCK_RELEASE, 0);
}

VOID ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    acquire(SpinLock, false, true);
    FT_DDI_END(LOCK_ACQUIRE, 0);
}

VOID ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    FT_DDI_BEGIN(LOCK_ACQUIRE, 0);
    acquire(SpinLock, true, true);
    FT_DDI_END(LOCK_ACQUIRE, 0);
}

VOID ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    release(SpinLock, false, true, (KIRQL)ft_irql());
    FT_DDI_END(LOCK_RELEASE, 0);
}

VOID ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    FT_DDI_BEGIN(LOCK_RELEASE, 0);
    release(SpinLock, true, true, (KIRQL)ft_irql());
    FT_DDI_END(LOCK_RELEASE, 0);
}
