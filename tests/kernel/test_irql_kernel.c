/* The levels of the kernel's routines (wdm-io, 8): judged at every wrong one, at no right one. */
#include "irql_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { TAG = 0x31676154 };

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static LARGE_INTEGER soon = {.QuadPart = -10};
static LARGE_INTEGER at_once = {.QuadPart = 0};
static KIRQL old;

/* ---- spin locks ---- */

static KSPIN_LOCK lock;
static KLOCK_QUEUE_HANDLE queued;

static void new_lock(void)
{
    KeInitializeSpinLock(&lock);
}

static void hold(void)
{
    new_lock();
    KeAcquireSpinLock(&lock, &old);
}

static void hold_queued(void)
{
    new_lock();
    KeAcquireInStackQueuedSpinLock(&lock, &queued);
}

static void hold_at_level(void)
{
    new_lock();
    KeRaiseIrqlToDpcLevel();
    KeAcquireSpinLockAtDpcLevel(&lock);
}

static void hold_queued_at_level(void)
{
    new_lock();
    KeRaiseIrqlToDpcLevel();
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&lock, &queued);
}

static void init_lock(void)
{
    KeInitializeSpinLock(&lock);
}

static void acquire(void)
{
    KeAcquireSpinLock(&lock, &old);
}

static void acquire_queued(void)
{
    KeAcquireInStackQueuedSpinLock(&lock, &queued);
}

static void acquire_at_level(void)
{
    KeAcquireSpinLockAtDpcLevel(&lock);
}

static void acquire_queued_at_level(void)
{
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&lock, &queued);
}

static void try_at_level(void)
{
    KeTryToAcquireSpinLockAtDpcLevel(&lock);
}

static void release(void)
{
    KeReleaseSpinLock(&lock, old);
}

static void release_queued(void)
{
    KeReleaseInStackQueuedSpinLock(&queued);
}

static void release_at_level(void)
{
    KeReleaseSpinLockFromDpcLevel(&lock);
}

static void release_queued_at_level(void)
{
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&queued);
}

static const struct irql_row lock_rows[] = {
    {"KeInitializeSpinLock", PASSIVE_LEVEL, IRQL_ANY, NULL, init_lock},
    {"KeAcquireSpinLock", PASSIVE_LEVEL, DISPATCH_LEVEL, new_lock, acquire},
    {"KeAcquireInStackQueuedSpinLock", PASSIVE_LEVEL, DISPATCH_LEVEL, new_lock, acquire_queued},
    {"KeAcquireSpinLockAtDpcLevel", DISPATCH_LEVEL, IRQL_ANY, new_lock, acquire_at_level},
    {"KeAcquireInStackQueuedSpinLockAtDpcLevel", DISPATCH_LEVEL, IRQL_ANY, new_lock,
     acquire_queued_at_level},
    {"KeTryToAcquireSpinLockAtDpcLevel", DISPATCH_LEVEL, DISPATCH_LEVEL, new_lock, try_at_level},
    {"KeReleaseSpinLock", DISPATCH_LEVEL, DISPATCH_LEVEL, hold, release},
    {"KeReleaseInStackQueuedSpinLock", DISPATCH_LEVEL, DISPATCH_LEVEL, hold_queued, release_queued},
    /* at the level of the acquisition, which may be any from DISPATCH_LEVEL on */
    {"KeReleaseSpinLockFromDpcLevel", DISPATCH_LEVEL, IRQL_ANY, hold_at_level, release_at_level},
    {"KeReleaseInStackQueuedSpinLockFromDpcLevel", DISPATCH_LEVEL, IRQL_ANY, hold_queued_at_level,
     release_queued_at_level},
};

static void spin_locks(void **state)
{
    (void)state;
    irql_windows(lock_rows, COUNT(lock_rows), NULL);
}

/* ---- events, waits, mutexes ---- */

static KEVENT event;
static KMUTEX mutex;
static KSEMAPHORE semaphore;
static FAST_MUTEX fast;
static KGUARDED_MUTEX guarded;
static ERESOURCE resource;
static EX_RUNDOWN_REF rundown;

static void new_objects(void)
{
    KeInitializeEvent(&event, NotificationEvent, TRUE);
    KeInitializeMutex(&mutex, 0);
    KeInitializeSemaphore(&semaphore, 1, 9);
    ExInitializeFastMutex(&fast);
    KeInitializeGuardedMutex(&guarded);
    ExInitializeResourceLite(&resource);
    ExInitializeRundownProtection(&rundown);
}

static void own_mutex(void)
{
    new_objects();
    KeWaitForSingleObject(&mutex, Executive, KernelMode, FALSE, NULL);
}

static void own_resource(void)
{
    new_objects();
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&resource, TRUE);
}

static void own_fast_mutex(void)
{
    new_objects();
    ExAcquireFastMutex(&fast);
}

static void own_guarded_mutex(void)
{
    new_objects();
    KeAcquireGuardedMutex(&guarded);
}

static void in_region(void)
{
    KeEnterCriticalRegion();
}

static void init_event(void)
{
    KeInitializeEvent(&event, NotificationEvent, FALSE);
}

static void set_event(void)
{
    KeSetEvent(&event, 0, FALSE);
}

static void clear_event(void)
{
    KeClearEvent(&event);
}

static void reset_event(void)
{
    KeResetEvent(&event);
}

static void wait_for_it(void)
{
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static void poll(void)
{
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &at_once);
}

static void wait_for_two(void)
{
    PVOID both[] = {&event, &semaphore};

    KeWaitForMultipleObjects(2, both, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
}

static void delay(void)
{
    KeDelayExecutionThread(KernelMode, FALSE, &soon);
}

static void release_mutex(void)
{
    KeReleaseMutex(&mutex, FALSE);
}

static void release_semaphore(void)
{
    KeReleaseSemaphore(&semaphore, 0, 1, FALSE);
}

static void acquire_fast(void)
{
    ExAcquireFastMutex(&fast);
}

static void release_fast(void)
{
    ExReleaseFastMutex(&fast);
}

static void try_fast(void)
{
    ExTryToAcquireFastMutex(&fast);
}

static void acquire_guarded(void)
{
    KeAcquireGuardedMutex(&guarded);
}

static void release_guarded(void)
{
    KeReleaseGuardedMutex(&guarded);
}

static void init_resource(void)
{
    ExInitializeResourceLite(&resource);
}

static void acquire_resource(void)
{
    ExAcquireResourceExclusiveLite(&resource, FALSE);
}

static void release_resource(void)
{
    ExReleaseResourceLite(&resource);
}

static void delete_resource(void)
{
    ExDeleteResourceLite(&resource);
}

static void enter_region(void)
{
    KeEnterCriticalRegion();
}

static void leave_region(void)
{
    KeLeaveCriticalRegion();
}

static void run_down(void)
{
    ExWaitForRundownProtectionRelease(&rundown);
}

static const struct irql_row wait_rows[] = {
    {"KeInitializeEvent", PASSIVE_LEVEL, IRQL_ANY, NULL, init_event},
    {"KeSetEvent", PASSIVE_LEVEL, DISPATCH_LEVEL, new_objects, set_event},
    {"KeClearEvent", PASSIVE_LEVEL, DISPATCH_LEVEL, new_objects, clear_event},
    {"KeResetEvent", PASSIVE_LEVEL, DISPATCH_LEVEL, new_objects, reset_event},
    {"KeWaitForSingleObject", PASSIVE_LEVEL, APC_LEVEL, new_objects, wait_for_it},
    {"KeWaitForSingleObject, zero", PASSIVE_LEVEL, DISPATCH_LEVEL, new_objects, poll},
    {"KeWaitForMultipleObjects", PASSIVE_LEVEL, APC_LEVEL, new_objects, wait_for_two},
    {"KeDelayExecutionThread", PASSIVE_LEVEL, APC_LEVEL, NULL, delay},
    {"KeReleaseMutex", PASSIVE_LEVEL, DISPATCH_LEVEL, own_mutex, release_mutex},
    {"KeReleaseSemaphore", PASSIVE_LEVEL, DISPATCH_LEVEL, new_objects, release_semaphore},
    {"ExAcquireFastMutex", PASSIVE_LEVEL, APC_LEVEL, new_objects, acquire_fast},
    {"ExReleaseFastMutex", PASSIVE_LEVEL, APC_LEVEL, own_fast_mutex, release_fast},
    {"ExTryToAcquireFastMutex", PASSIVE_LEVEL, APC_LEVEL, new_objects, try_fast},
    {"KeAcquireGuardedMutex", PASSIVE_LEVEL, APC_LEVEL, new_objects, acquire_guarded},
    {"KeReleaseGuardedMutex", PASSIVE_LEVEL, APC_LEVEL, own_guarded_mutex, release_guarded},
    {"ExInitializeResourceLite", PASSIVE_LEVEL, DISPATCH_LEVEL, NULL, init_resource},
    {"ExAcquireResourceExclusiveLite", PASSIVE_LEVEL, APC_LEVEL, new_objects, acquire_resource},
    {"ExReleaseResourceLite", PASSIVE_LEVEL, DISPATCH_LEVEL, own_resource, release_resource},
    {"ExDeleteResourceLite", PASSIVE_LEVEL, DISPATCH_LEVEL, new_objects, delete_resource},
    {"KeEnterCriticalRegion", PASSIVE_LEVEL, APC_LEVEL, NULL, enter_region},
    {"KeLeaveCriticalRegion", PASSIVE_LEVEL, APC_LEVEL, in_region, leave_region},
    {"ExWaitForRundownProtectionRelease", PASSIVE_LEVEL, APC_LEVEL, new_objects, run_down},
};

static void events_waits_and_mutexes(void **state)
{
    (void)state;
    irql_windows(wait_rows, COUNT(wait_rows), NULL);
}

/* ---- DPCs and timers ---- */

static KDPC dpc;
static KTIMER timer;

static VOID run_dpc(PKDPC self, PVOID context, PVOID a, PVOID b)
{
    (void)self, (void)context, (void)a, (void)b;
}

static void new_dpc(void)
{
    KeInitializeDpc(&dpc, run_dpc, NULL);
    KeInitializeTimer(&timer);
}

static void init_dpc(void)
{
    KeInitializeDpc(&dpc, run_dpc, NULL);
}

static void insert_dpc(void)
{
    KeInsertQueueDpc(&dpc, NULL, NULL);
}

static void remove_dpc(void)
{
    KeRemoveQueueDpc(&dpc);
}

static void flush_dpcs(void)
{
    KeFlushQueuedDpcs();
}

static void set_timer(void)
{
    KeSetTimer(&timer, soon, &dpc);
}

static void set_timer_ex(void)
{
    KeSetTimerEx(&timer, soon, 0, &dpc);
}

static void cancel_timer(void)
{
    KeCancelTimer(&timer);
}

static void stall(void)
{
    KeStallExecutionProcessor(1);
}

static const struct irql_row dpc_rows[] = {
    {"KeInitializeDpc", PASSIVE_LEVEL, IRQL_ANY, NULL, init_dpc},
    {"KeInsertQueueDpc", PASSIVE_LEVEL, IRQL_ANY, new_dpc, insert_dpc},
    {"KeRemoveQueueDpc", PASSIVE_LEVEL, IRQL_ANY, new_dpc, remove_dpc},
    {"KeFlushQueuedDpcs", PASSIVE_LEVEL, PASSIVE_LEVEL, NULL, flush_dpcs},
    {"KeSetTimer", PASSIVE_LEVEL, DISPATCH_LEVEL, new_dpc, set_timer},
    {"KeSetTimerEx", PASSIVE_LEVEL, DISPATCH_LEVEL, new_dpc, set_timer_ex},
    {"KeCancelTimer", PASSIVE_LEVEL, DISPATCH_LEVEL, new_dpc, cancel_timer},
    {"KeStallExecutionProcessor", PASSIVE_LEVEL, IRQL_ANY, NULL, stall},
};

static void dpcs_and_timers(void **state)
{
    (void)state;
    irql_windows(dpc_rows, COUNT(dpc_rows), NULL);
}

/* ---- memory ---- */

static PVOID block;
static NPAGED_LOOKASIDE_LIST nonpaged;
static PAGED_LOOKASIDE_LIST paged;

static void allocate_nonpaged(void)
{
    block = ExAllocatePoolWithTag(NonPagedPoolNx, 16, TAG);
}

static void allocate_paged(void)
{
    block = ExAllocatePoolWithTag(PagedPool, 16, TAG);
}

static void free_block(void)
{
    ExFreePoolWithTag(block, TAG);
}

static void new_nonpaged(void)
{
    ExInitializeNPagedLookasideList(&nonpaged, NULL, NULL, 0, 16, TAG, 0);
}

static void new_paged(void)
{
    ExInitializePagedLookasideList(&paged, NULL, NULL, 0, 16, TAG, 0);
}

static void delete_nonpaged(void)
{
    ExDeleteNPagedLookasideList(&nonpaged);
}

static void delete_paged(void)
{
    ExDeletePagedLookasideList(&paged);
}

static void entry_of_paged(void)
{
    block = ExAllocateFromPagedLookasideList(&paged);
}

static const struct irql_row memory_rows[] = {
    {"ExAllocatePoolWithTag, nonpaged", PASSIVE_LEVEL, DISPATCH_LEVEL, NULL, allocate_nonpaged},
    {"ExAllocatePoolWithTag, paged", PASSIVE_LEVEL, APC_LEVEL, NULL, allocate_paged},
    {"ExFreePoolWithTag, nonpaged", PASSIVE_LEVEL, DISPATCH_LEVEL, allocate_nonpaged, free_block},
    {"ExFreePoolWithTag, paged", PASSIVE_LEVEL, APC_LEVEL, allocate_paged, free_block},
    {"ExInitializeNPagedLookasideList", PASSIVE_LEVEL, DISPATCH_LEVEL, NULL, new_nonpaged},
    {"ExInitializePagedLookasideList", PASSIVE_LEVEL, APC_LEVEL, NULL, new_paged},
    {"ExDeleteNPagedLookasideList", PASSIVE_LEVEL, DISPATCH_LEVEL, new_nonpaged, delete_nonpaged},
    {"ExDeletePagedLookasideList", PASSIVE_LEVEL, APC_LEVEL, new_paged, delete_paged},
    {"ExAllocateFromPagedLookasideList", PASSIVE_LEVEL, APC_LEVEL, new_paged, entry_of_paged},
};

static void memory(void **state)
{
    (void)state;
    irql_windows(memory_rows, COUNT(memory_rows), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spin_locks),
        cmocka_unit_test(events_waits_and_mutexes),
        cmocka_unit_test(dpcs_and_timers),
        cmocka_unit_test(memory),
    };

    return cmocka_run_group_tests_name("levels of the kernel's routines", tests, NULL, NULL);
}
