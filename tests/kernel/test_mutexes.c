/* Mutexes, semaphores, waits for many objects, fast and guarded mutexes, regions. */
#include "bench_driver.h"
#include "kernel/memory_kind.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MS = 10000 /* 100 ns */, TAG = 0x31676154 };

static KMUTEX mutex;
static KSEMAPHORE semaphore;
static KEVENT event, other;
static FAST_MUTEX fast;

static NTSTATUS wait_for(PVOID object)
{
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
}

static NTSTATUS look_at(PVOID object)
{
    LARGE_INTEGER none = {.QuadPart = 0};

    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &none);
}

/* ---- mutexes ---- */

static void owner(void *name)
{
    CHECK(look_at(&mutex) == STATUS_TIMEOUT);
    CHECK(wait_for(&mutex) == STATUS_SUCCESS);
    wb_note(name);
    CHECK(KeReleaseMutex(&mutex, FALSE) == 0);
}

static void body_mutex(void)
{
    KeInitializeMutex(&mutex, 0);
    CHECK(KeReadStateMutex(&mutex) == 1 && !KeAreApcsDisabled());
    CHECK(wait_for(&mutex) == STATUS_SUCCESS && KeAreApcsDisabled());
    CHECK(look_at(&mutex) == STATUS_SUCCESS); /* its owner takes it again */
    CHECK(KeReadStateMutex(&mutex) == -1);
    ft_task_spawn(FT_TASK_THREAD, owner, "one", 0);
    ft_task_spawn(FT_TASK_THREAD, owner, "two", 0);
    ft_task_wait_quiet();
    CHECK(KeReleaseMutex(&mutex, FALSE) == -1);
    ft_task_wait_quiet();
    wb_note("frees");
    CHECK(KeReleaseMutex(&mutex, FALSE) == 0 && !KeAreApcsDisabled());
    ft_task_wait_quiet();
    CHECK(KeReadStateMutex(&mutex) == 1);
}

static void a_mutex_has_one_owner_who_may_take_it_often(void **state)
{
    (void)state;
    wb_body(body_mutex, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "frees one two");
    assert_int_equal(wb_event(FT_EV_OBJECT_INIT, 1)->arg[3], FT_MEMORY_UNKNOWN);
    assert_int_equal(wb_event(FT_EV_OBJECT_RELEASE, 1)->arg[2], true);
    assert_int_equal(wb_event(FT_EV_OBJECT_RELEASE, 1)->arg[1], UINT32_MAX);
}

static void body_not_owner(void)
{
    volatile NTSTATUS status = 0;

    KeInitializeMutex(&mutex, 0);
    __try {
        KeReleaseMutex(&mutex, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK(status == STATUS_MUTANT_NOT_OWNED && KeReadStateMutex(&mutex) == 1);
    wb_note("raised");
}

static void releasing_a_mutex_of_another_raises(void **state)
{
    (void)state;
    wb_body(body_not_owner, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "raised");
    assert_int_equal(wb_last(FT_EV_OBJECT_RELEASE)->arg[2], false);
}

/* ---- semaphores ---- */

static void taker(void *name)
{
    CHECK(wait_for(&semaphore) == STATUS_SUCCESS);
    wb_note(name);
}

static void body_semaphore(void)
{
    volatile NTSTATUS status = 0;

    KeInitializeSemaphore(&semaphore, 1, 3);
    CHECK(KeReadStateSemaphore(&semaphore) == 1);
    ft_task_spawn(FT_TASK_THREAD, taker, "one", 0);
    ft_task_spawn(FT_TASK_THREAD, taker, "two", 0);
    ft_task_spawn(FT_TASK_THREAD, taker, "three", 0);
    ft_task_wait_quiet();
    wb_note("more");
    CHECK(KeReleaseSemaphore(&semaphore, 0, 3, FALSE) == 0);
    ft_task_wait_quiet();
    CHECK(KeReadStateSemaphore(&semaphore) == 1);
    __try {
        KeReleaseSemaphore(&semaphore, 0, 3, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK(status == STATUS_SEMAPHORE_LIMIT_EXCEEDED && KeReadStateSemaphore(&semaphore) == 1);
    CHECK(look_at(&semaphore) == STATUS_SUCCESS && look_at(&semaphore) == STATUS_TIMEOUT);
}

static void a_semaphore_counts_up_to_its_limit(void **state)
{
    (void)state;
    wb_body(body_semaphore, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "one more two three");
    assert_int_equal(wb_last(FT_EV_OBJECT_INIT)->arg[1], 1);
    assert_int_equal(wb_last(FT_EV_OBJECT_INIT)->arg[2], 3);
}

static void body_pulse(void)
{
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeInitializeSemaphore(&semaphore, 0, 1);
    CHECK(KePulseEvent(&event, 0, FALSE) == 0);
    CHECK(look_at(&event) == STATUS_TIMEOUT);
}

static void waits_for_event(void *name)
{
    CHECK(wait_for(&event) == STATUS_SUCCESS);
    wb_note(name);
}

static void body_pulse_waiters(void)
{
    body_pulse();
    ft_task_spawn(FT_TASK_THREAD, waits_for_event, "one", 0);
    ft_task_spawn(FT_TASK_THREAD, waits_for_event, "two", 0);
    ft_task_wait_quiet();
    KePulseEvent(&event, 0, FALSE);
    CHECK(KeReadStateEvent(&event) == 0);
    ft_task_wait_quiet();
}

static void a_pulse_frees_those_that_wait_and_leaves_nothing(void **state)
{
    (void)state;
    wb_body(body_pulse_waiters, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "one two");
}

/* ---- many objects ---- */

static NTSTATUS wait_many(WAIT_TYPE type, LONGLONG units, PKWAIT_BLOCK blocks)
{
    PVOID objects[] = {&event, &semaphore, &other};
    LARGE_INTEGER timeout = {.QuadPart = units};

    return KeWaitForMultipleObjects(3, objects, type, Executive, KernelMode, FALSE, &timeout,
                                    blocks);
}

static void begin_many(void)
{
    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    KeInitializeEvent(&other, NotificationEvent, FALSE);
    KeInitializeSemaphore(&semaphore, 0, 2);
}

static void body_any(void)
{
    KWAIT_BLOCK blocks[3];

    begin_many();
    CHECK(wait_many(WaitAny, 0, NULL) == STATUS_TIMEOUT);
    CHECK(wait_many(WaitAny, -MS, blocks) == STATUS_TIMEOUT);
    KeReleaseSemaphore(&semaphore, 0, 2, FALSE);
    KeSetEvent(&other, 0, FALSE);
    CHECK(wait_many(WaitAny, -MS, NULL) == STATUS_WAIT_0 + 1); /* the lowest that can */
    CHECK(KeReadStateSemaphore(&semaphore) == 1);
    KeSetEvent(&event, 0, FALSE);
    CHECK(wait_many(WaitAny, -MS, NULL) == STATUS_WAIT_0);
    CHECK(KeReadStateEvent(&event) == 0 && KeReadStateSemaphore(&semaphore) == 1);
}

static void any_of_many_takes_only_the_one_that_ended_the_wait(void **state)
{
    (void)state;
    wb_body(body_any, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WAIT_OBJECT), 12);
    assert_int_equal(wb_event(FT_EV_WAIT_OBJECT, 2)->arg[1], 1);
    assert_int_equal(wb_event(FT_EV_WAIT_OBJECT, 2)->arg[2], 3);
    assert_int_equal(wb_event(FT_EV_WAIT_OBJECT, 2)->arg[3], false);
    assert_int_equal(wb_last(FT_EV_WAIT_END)->arg[1], STATUS_WAIT_0);
}

static void gives_all(void *unused)
{
    (void)unused;
    KeSetEvent(&event, 0, FALSE);
    KeReleaseSemaphore(&semaphore, 0, 1, FALSE);
    wb_note("two");
    ft_task_wait_quiet();
    CHECK(KeReadStateEvent(&event) == 1 && KeReadStateSemaphore(&semaphore) == 1);
    wb_note("three");
    KeSetEvent(&other, 0, FALSE);
}

static void body_all(void)
{
    begin_many();
    ft_task_spawn(FT_TASK_THREAD, gives_all, NULL, 0);
    CHECK(wait_many(WaitAll, -100 * MS, NULL) == STATUS_SUCCESS);
    wb_note("woke");
    CHECK(KeReadStateEvent(&event) == 0 && KeReadStateSemaphore(&semaphore) == 0);
    CHECK(KeReadStateEvent(&other) == 1);
}

static void all_of_many_takes_nothing_until_it_can_take_everything(void **state)
{
    (void)state;
    wb_body(body_all, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "two three woke");
    assert_int_equal(wb_last(FT_EV_WAIT_OBJECT)->arg[3], true);
}

static void body_too_many(void)
{
    PVOID objects[] = {&event, &event, &event, &event};

    begin_many();
    wb_note("looked");
    KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
    wb_note("never");
}

static void more_than_three_objects_need_wait_blocks(void **state)
{
    (void)state;
    wb_body(body_too_many, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x0C);
    assert_string_equal(wb_notes(), "looked");
}

static void body_many_at_dispatch(void)
{
    begin_many();
    KeRaiseIrqlToDpcLevel();
    CHECK(wait_many(WaitAny, 0, NULL) == STATUS_TIMEOUT);
    wb_note("looked");
    wait_many(WaitAny, -1, NULL);
    wb_note("never");
}

static void blocking_for_many_at_dispatch_is_bug_check_b8(void **state)
{
    (void)state;
    wb_body(body_many_at_dispatch, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xB8);
    assert_string_equal(wb_notes(), "looked");
}

static void body_where(void)
{
    PKEVENT paged = ExAllocatePoolWithTag(PagedPool, sizeof *paged, TAG);
    KEVENT local;

    KeInitializeEvent(&local, NotificationEvent, TRUE);
    KeInitializeEvent(paged, NotificationEvent, TRUE);
    KeWaitForSingleObject(&local, Executive, UserMode, FALSE, NULL);
    ExFreePoolWithTag(paged, TAG);
}

static void events_say_where_an_object_lies_and_who_waits(void **state)
{
    (void)state;
    wb_body(body_where, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_EVENT_INIT, 1)->arg[3], FT_MEMORY_STACK);
    assert_int_equal(wb_event(FT_EV_EVENT_INIT, 2)->arg[3], FT_MEMORY_PAGED_POOL);
    assert_int_equal(wb_last(FT_EV_WAIT_BEGIN)->arg[2], true);
    assert_int_equal(wb_last(FT_EV_WAIT_BEGIN)->arg[3], FT_MEMORY_STACK);
}

/* More objects than the machine keeps in its state, each at an address of its own. */
static void body_very_many(void)
{
    enum { MANY = 1000 };
    PKEVENT events = ExAllocatePoolWithTag(NonPagedPool, MANY * sizeof *events, TAG);

    for (unsigned i = 0; i < MANY; i++)
        KeInitializeEvent(&events[i], NotificationEvent, FALSE);
    for (unsigned i = 0; i < MANY; i++)
        KeSetEvent(&events[i], 0, FALSE);
    ExFreePoolWithTag(events, TAG);
}

static void a_driver_may_have_any_number_of_objects(void **state)
{
    (void)state;
    wb_body(body_very_many, FT_STOP_NONE);
    for (unsigned i = 1; i <= 1000; i += 111)
        assert_int_equal(wb_event(FT_EV_EVENT_SET, i)->arg[0],
                         wb_event(FT_EV_EVENT_INIT, i)->arg[0]);
}

/* ---- fast and guarded mutexes ---- */

static void wants_fast(void *name)
{
    CHECK(!ExTryToAcquireFastMutex(&fast) && KeGetCurrentIrql() == PASSIVE_LEVEL);
    ExAcquireFastMutex(&fast);
    CHECK(KeGetCurrentIrql() == APC_LEVEL && KeAreAllApcsDisabled());
    wb_note(name);
    ExReleaseFastMutex(&fast);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

static void body_fast(void)
{
    ExInitializeFastMutex(&fast);
    CHECK(ExTryToAcquireFastMutex(&fast) && KeGetCurrentIrql() == APC_LEVEL);
    CHECK(fast.Owner == KeGetCurrentThread());
    ft_task_spawn(FT_TASK_THREAD, wants_fast, "one", 0);
    ft_task_spawn(FT_TASK_THREAD, wants_fast, "two", 0);
    ft_task_wait_quiet();
    wb_note("frees");
    ExReleaseFastMutex(&fast);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    ft_task_wait_quiet();
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&fast);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    ExReleaseFastMutexUnsafe(&fast);
    KeLeaveCriticalRegion();
}

static void a_fast_mutex_raises_its_owner_to_apc_level(void **state)
{
    (void)state;
    wb_body(body_fast, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "frees one two");
    assert_int_equal(wb_event(FT_EV_MUTEX_ACQUIRE, 1)->arg[3], true);
    assert_int_equal(wb_event(FT_EV_MUTEX_ACQUIRE, 2)->arg[3], false);
    assert_int_equal(wb_last(FT_EV_MUTEX_ACQUIRE)->arg[2], true);
    assert_int_equal(wb_last(FT_EV_MUTEX_RELEASE)->arg[3], true);
}

static void body_guarded(void)
{
    KeInitializeGuardedMutex(&fast);
    KeAcquireGuardedMutex(&fast);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && KeAreAllApcsDisabled());
    CHECK(!KeTryToAcquireGuardedMutex(&fast));
    KeReleaseGuardedMutex(&fast);
    CHECK(!KeAreAllApcsDisabled());
    CHECK(KeTryToAcquireGuardedMutex(&fast) && KeAreAllApcsDisabled());
    KeReleaseGuardedMutex(&fast);
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(&fast);
    KeReleaseGuardedMutexUnsafe(&fast);
    KeLeaveGuardedRegion();
    KeReleaseGuardedMutex(&fast); /* nobody has it */
}

static void a_guarded_mutex_puts_its_owner_into_a_guarded_region(void **state)
{
    (void)state;
    wb_body(body_guarded, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_MUTEX_ACQUIRE, 1)->arg[1], true);
    assert_int_equal(wb_last(FT_EV_MUTEX_RELEASE)->arg[3], false);
}

static void body_fast_twice(void)
{
    ExInitializeFastMutex(&fast);
    ExAcquireFastMutex(&fast);
    wb_note("has");
    ExAcquireFastMutex(&fast);
    wb_note("never");
}

static void acquiring_a_fast_mutex_again_hangs(void **state)
{
    (void)state;
    wb_body(body_fast_twice, FT_STOP_HANG);
    assert_string_equal(wb_notes(), "has");
}

static void holds_fast(void *unused)
{
    (void)unused;
    ExAcquireFastMutex(&fast);
    wait_for(&event);
}

static void body_fast_at_dispatch(void)
{
    ExInitializeFastMutex(&fast);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    ft_task_spawn(FT_TASK_THREAD, holds_fast, NULL, 0);
    ft_task_wait_quiet();
    KeRaiseIrqlToDpcLevel();
    wb_note("tries");
    ExAcquireFastMutex(&fast);
    wb_note("never");
}

static void blocking_on_a_fast_mutex_at_dispatch_is_bug_check_b8(void **state)
{
    (void)state;
    wb_body(body_fast_at_dispatch, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xB8);
    assert_string_equal(wb_notes(), "tries");
}

static void body_regions(void)
{
    CHECK(!KeAreApcsDisabled() && !KeAreAllApcsDisabled());
    KeEnterCriticalRegion();
    KeEnterCriticalRegion();
    CHECK(KeAreApcsDisabled() && !KeAreAllApcsDisabled());
    KeEnterGuardedRegion();
    CHECK(KeAreAllApcsDisabled());
    KeLeaveGuardedRegion();
    KeLeaveCriticalRegion();
    CHECK(KeAreApcsDisabled());
    KeLeaveCriticalRegion();
    CHECK(!KeAreApcsDisabled());
    KeLeaveCriticalRegion(); /* once too often */
}

static void regions_nest_and_are_counted(void **state)
{
    (void)state;
    wb_body(body_regions, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_REGION, 2)->arg[2], 2);
    assert_int_equal(wb_event(FT_EV_REGION, 3)->arg[0], true);
    assert_int_equal(wb_event(FT_EV_REGION, 6)->arg[2], 0);
    assert_int_equal(wb_last(FT_EV_REGION)->arg[2], UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mutex_has_one_owner_who_may_take_it_often),
        cmocka_unit_test(releasing_a_mutex_of_another_raises),
        cmocka_unit_test(a_semaphore_counts_up_to_its_limit),
        cmocka_unit_test(a_pulse_frees_those_that_wait_and_leaves_nothing),
        cmocka_unit_test(any_of_many_takes_only_the_one_that_ended_the_wait),
        cmocka_unit_test(all_of_many_takes_nothing_until_it_can_take_everything),
        cmocka_unit_test(more_than_three_objects_need_wait_blocks),
        cmocka_unit_test(blocking_for_many_at_dispatch_is_bug_check_b8),
        cmocka_unit_test(events_say_where_an_object_lies_and_who_waits),
        cmocka_unit_test(a_driver_may_have_any_number_of_objects),
        cmocka_unit_test(a_fast_mutex_raises_its_owner_to_apc_level),
        cmocka_unit_test(a_guarded_mutex_puts_its_owner_into_a_guarded_region),
        cmocka_unit_test(acquiring_a_fast_mutex_again_hangs),
        cmocka_unit_test(blocking_on_a_fast_mutex_at_dispatch_is_bug_check_b8),
        cmocka_unit_test(regions_nest_and_are_counted),
    };

    return cmocka_run_group_tests_name("mutexes", tests, NULL, NULL);
}
