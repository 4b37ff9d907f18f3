/* Fast and guarded mutexes (nf-wdm-exacquirefastmutex, nf-wdm-keacquireguardedmutex and peers).
 *
 * Both are the same object: Count is 1 while it is free. A fast mutex raises its owner to
 * APC_LEVEL, a guarded one puts it into a guarded region, and the unsafe forms do neither.
 * Acquiring one that one has already waits for ever.
 *
 * Releasing by another thread than the owner frees it all the same, as nothing checks that there.
 */
#include "kernel/dispatcher.h"

enum kind { FAST = 0, GUARDED = 1, UNSAFE = 2 };

static uint64_t handle_of(const FAST_MUTEX *mutex)
{
    return ft_object_handle(mutex, FT_HC_MUTEX);
}

void ft_fast_mutex_init(PFAST_MUTEX mutex)
{
    FT_DDI_BEGIN(MUTEX, 0);
    RtlZeroMemory(mutex, sizeof *mutex);
    mutex->Count = 1;
    ft_emit(FT_EV_OBJECT_INIT, ft_object_register(mutex, FT_HC_MUTEX), 1, 1, ft_memory_kind(mutex));
    FT_DDI_END(MUTEX, 0);
}

static KIRQL shield(enum kind kind)
{
    KIRQL old = (KIRQL)ft_irql();

    if (kind == GUARDED)
        ft_region_enter(true);
    else if (kind == FAST && old < APC_LEVEL)
        ft_irql_set(APC_LEVEL);
    return old;
}

static void unshield(enum kind kind, KIRQL old)
{
    if (kind == GUARDED)
        ft_region_leave(true);
    else if (kind == FAST)
        ft_irql_set(old);
}

static void own(PFAST_MUTEX mutex, enum kind kind, KIRQL old)
{
    mutex->Count = 0;
    mutex->Owner = ft_thread_of(NULL);
    mutex->OldIrql = old;
    ft_emit(FT_EV_MUTEX_ACQUIRE, handle_of(mutex), (kind & GUARDED) != 0, (kind & UNSAFE) != 0,
            true);
}

static void acquire(PFAST_MUTEX mutex, enum kind kind)
{
    KIRQL old = shield(kind);

    while (mutex->Count < 1) {
        mutex->Contention++;
        ft_block_on(mutex, 0);
    }
    own(mutex, kind, old);
}

static void release(PFAST_MUTEX mutex, enum kind kind)
{
    KIRQL old = (KIRQL)mutex->OldIrql;

    ft_emit(FT_EV_MUTEX_RELEASE, handle_of(mutex), (kind & GUARDED) != 0, (kind & UNSAFE) != 0,
            mutex->Owner == ft_current()->thread && mutex->Owner);
    mutex->Owner = NULL;
    mutex->Count = 1;
    ft_wake_waiters(mutex, STATUS_SUCCESS, false);
    unshield(kind, old);
}

static BOOLEAN try_to_acquire(PFAST_MUTEX mutex, enum kind kind)
{
    KIRQL old;

    if (mutex->Count < 1) {
        ft_emit(FT_EV_MUTEX_ACQUIRE, handle_of(mutex), (kind & GUARDED) != 0, false, false);
        return FALSE;
    }
    old = shield(kind);
    own(mutex, kind, old);
    return TRUE;
}

#define ACQUIRE(name, type, kind)                                                                  \
    VOID name(type mutex)                                                                          \
    {                                                                                              \
        FT_DDI_BEGIN(MUTEX, 0);                                                                    \
        acquire(mutex, kind);                                                                      \
        FT_DDI_END(MUTEX, 0);                                                                      \
    }
#define RELEASE(name, type, kind)                                                                  \
    VOID name(type mutex)                                                                          \
    {                                                                                              \
        FT_DDI_BEGIN(MUTEX, 0);                                                                    \
        release(mutex, kind);                                                                      \
        FT_DDI_END(MUTEX, 0);                                                                      \
    }
#define TRY(name, type, kind)                                                                      \
    BOOLEAN name(type mutex)                                                                       \
    {                                                                                              \
        BOOLEAN acquired;                                                                          \
                                                                                                   \
        FT_DDI_BEGIN(MUTEX, 0);                                                                    \
        acquired = try_to_acquire(mutex, kind);                                                    \
        FT_DDI_END(MUTEX, 0);                                                                      \
        return acquired;                                                                           \
    }

ACQUIRE(ExAcquireFastMutex, PFAST_MUTEX, FAST)
RELEASE(ExReleaseFastMutex, PFAST_MUTEX, FAST)
TRY(ExTryToAcquireFastMutex, PFAST_MUTEX, FAST)
ACQUIRE(ExAcquireFastMutexUnsafe, PFAST_MUTEX, FAST | UNSAFE)
RELEASE(ExReleaseFastMutexUnsafe, PFAST_MUTEX, FAST | UNSAFE)
ACQUIRE(KeAcquireGuardedMutex, PKGUARDED_MUTEX, GUARDED)
RELEASE(KeReleaseGuardedMutex, PKGUARDED_MUTEX, GUARDED)
TRY(KeTryToAcquireGuardedMutex, PKGUARDED_MUTEX, GUARDED)
ACQUIRE(KeAcquireGuardedMutexUnsafe, PKGUARDED_MUTEX, GUARDED | UNSAFE)
RELEASE(KeReleaseGuardedMutexUnsafe, PKGUARDED_MUTEX, GUARDED | UNSAFE)

VOID KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    ft_fast_mutex_init(Mutex);
}
