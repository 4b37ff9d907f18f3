/* In-stack queued locks, reader/writer locks, and the rarer forms of the ordinary one. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { ORDINARY, QUEUED, SHARED, EXCLUSIVE, TRY = 4 };

static KSPIN_LOCK lock;
static EX_SPIN_LOCK rw;

/* Lets the other task go at the next point, if a processor can take it. */
static void let_go(struct ft_task *task)
{
    ft_task_prefer(task);
    KeStallExecutionProcessor(1);
}

static void body_queued(void)
{
    KLOCK_QUEUE_HANDLE handle, second;
    KSPIN_LOCK other;

    KeInitializeSpinLock(&lock);
    KeInitializeSpinLock(&other);
    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && ft_current()->locks == 1);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&other, &second);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&second);
    KeReleaseInStackQueuedSpinLock(&handle);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && ft_current()->locks == 0);
    KeAcquireInStackQueuedSpinLockForDpc(&lock, &handle);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeAcquireInStackQueuedSpinLockForDpc(&other, &second);
    KeReleaseInStackQueuedSpinLockForDpc(&second);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeReleaseInStackQueuedSpinLockForDpc(&handle);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

static void a_queued_lock_tells_its_kind_and_holder(void **state)
{
    const struct ft_event *first, *second;

    (void)state;
    wb_body(body_queued, FT_STOP_NONE);
    first = wb_event(FT_EV_LOCK_ACQUIRE, 1);
    second = wb_event(FT_EV_LOCK_ACQUIRE, 2);
    assert_int_equal(first->arg[2], false);
    assert_int_equal(first->arg[3], QUEUED);
    assert_int_not_equal(first->arg[4], 0);
    assert_int_not_equal(first->arg[4], second->arg[4]);
    assert_int_equal(second->arg[2], true);
    assert_int_equal(wb_event(FT_EV_LOCK_RELEASE, 1)->arg[5], second->arg[4]);
    assert_int_equal(wb_event(FT_EV_LOCK_RELEASE, 2)->arg[5], first->arg[4]);
    assert_int_equal(wb_event(FT_EV_LOCK_RELEASE, 2)->arg[4], QUEUED);
    assert_int_equal(wb_event(FT_EV_LOCK_RELEASE, 2)->arg[2], PASSIVE_LEVEL);
}

static void queues_up(void *name)
{
    KLOCK_QUEUE_HANDLE handle;

    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    wb_note(name);
    KeReleaseInStackQueuedSpinLock(&handle);
}

/* The younger task comes first, so the order of tasks is not the order of the queue. */
static void body_fair(void)
{
    struct ft_task *older = ft_task_spawn(FT_TASK_THREAD, queues_up, "second", 0);
    struct ft_task *younger = ft_task_spawn(FT_TASK_THREAD, queues_up, "first", 0);
    KLOCK_QUEUE_HANDLE handle;

    KeInitializeSpinLock(&lock);
    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    let_go(younger);
    let_go(older);
    wb_note("frees");
    KeReleaseInStackQueuedSpinLock(&handle);
    ft_task_wait_quiet();
    CHECK(lock == 0);
}

static void a_queued_lock_goes_to_who_came_first(void **state)
{
    (void)state;
    wb_body_on(3, body_fair);
    assert_string_equal(wb_notes(), "frees first second");
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 2);
}

static void body_twice(void)
{
    KLOCK_QUEUE_HANDLE handle, again;

    KeInitializeSpinLock(&lock);
    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    wb_note("has");
    KeAcquireInStackQueuedSpinLock(&lock, &again);
    wb_note("never");
}

static void acquiring_a_queued_lock_again_hangs(void **state)
{
    (void)state;
    wb_body(body_twice, FT_STOP_HANG);
    assert_string_equal(wb_notes(), "has");
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 1);
}

/* ---- the rarer forms ---- */

static void body_try(void)
{
    KIRQL old;

    KeInitializeSpinLock(&lock);
    CHECK(KeTestSpinLock(&lock));
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    CHECK(KeTryToAcquireSpinLockAtDpcLevel(&lock));
    CHECK(!KeTryToAcquireSpinLockAtDpcLevel(&lock) && !KeTestSpinLock(&lock));
    CHECK(ft_current()->locks == 1);
    KeReleaseSpinLockFromDpcLevel(&lock);
    CHECK(KeAcquireSpinLockForDpc(&lock) == DISPATCH_LEVEL);
    KeReleaseSpinLockForDpc(&lock, DISPATCH_LEVEL);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeLowerIrql(old);
    old = KeAcquireSpinLockForDpc(&lock);
    CHECK(old == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeReleaseSpinLockForDpc(&lock, old);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

static void trying_acquires_only_what_is_free(void **state)
{
    (void)state;
    wb_body(body_try, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_LOCK_ACQUIRE), 3);
    assert_int_equal(wb_event(FT_EV_LOCK_ACQUIRE, 1)->arg[3], TRY);
    assert_int_equal(wb_event(FT_EV_LOCK_ACQUIRE, 2)->arg[2], true);
    assert_int_equal(wb_event(FT_EV_LOCK_ACQUIRE, 3)->arg[2], false);
}

static void body_try_at_passive(void)
{
    KeInitializeSpinLock(&lock);
    CHECK(KeTryToAcquireSpinLockAtDpcLevel(&lock));
    KeReleaseSpinLockFromDpcLevel(&lock);
}

static void trying_at_passive_shows_in_the_event(void **state)
{
    (void)state;
    wb_body(body_try_at_passive, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_LOCK_ACQUIRE)->irql, PASSIVE_LEVEL);
    assert_int_equal(wb_last(FT_EV_LOCK_ACQUIRE)->arg[2], true);
}

/* ---- reader/writer locks ---- */

static void reads(void *name)
{
    KIRQL old = ExAcquireSpinLockShared(&rw);

    wb_note(name);
    CHECK(old == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
    ExReleaseSpinLockShared(&rw, old);
}

static void writes(void *name)
{
    KIRQL old = ExAcquireSpinLockExclusive(&rw);

    wb_note(name);
    ExReleaseSpinLockExclusive(&rw, old);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

static void body_rw(void)
{
    struct ft_task *early = ft_task_spawn(FT_TASK_THREAD, reads, "early", 0);
    struct ft_task *late = ft_task_spawn(FT_TASK_THREAD, reads, "late", 0);
    struct ft_task *writer = ft_task_spawn(FT_TASK_THREAD, writes, "writes", 0);
    KIRQL old = KeRaiseIrqlToDpcLevel();

    rw = 0;
    ExAcquireSpinLockSharedAtDpcLevel(&rw);
    let_go(early);
    let_go(writer);
    let_go(late);
    wb_note("frees");
    ExReleaseSpinLockSharedFromDpcLevel(&rw);
    KeLowerIrql(old);
    ft_task_wait_quiet();
    CHECK(rw == 0 && ft_current()->locks == 0);
}

static void readers_share_until_a_writer_waits(void **state)
{
    (void)state;
    wb_body_on(4, body_rw);
    assert_string_equal(wb_notes(), "early frees writes late");
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 2);
    assert_int_equal(wb_event(FT_EV_LOCK_ACQUIRE, 1)->arg[3], SHARED);
    assert_int_equal(wb_event(FT_EV_LOCK_ACQUIRE, 3)->arg[3], EXCLUSIVE);
    assert_int_equal(wb_event(FT_EV_LOCK_RELEASE, 3)->arg[4], EXCLUSIVE);
}

static void body_exclusive(void)
{
    struct ft_task *reader = ft_task_spawn(FT_TASK_THREAD, reads, "reads", 0);
    KIRQL old = KeRaiseIrqlToDpcLevel();

    rw = 0;
    ExAcquireSpinLockExclusiveAtDpcLevel(&rw);
    let_go(reader);
    wb_note("frees");
    ExReleaseSpinLockExclusiveFromDpcLevel(&rw);
    KeLowerIrql(old);
    ft_task_wait_quiet();
    old = ExAcquireSpinLockExclusive(&rw);
    ExReleaseSpinLockExclusive(&rw, old);
    ExReleaseSpinLockExclusive(&rw, old); /* nobody has it */
    CHECK(rw == 0);
}

static void a_writer_keeps_readers_out(void **state)
{
    (void)state;
    wb_body_on(2, body_exclusive);
    assert_string_equal(wb_notes(), "frees reads");
    assert_int_not_equal(wb_event(FT_EV_LOCK_RELEASE, 1)->arg[1], 0);
    assert_int_equal(wb_last(FT_EV_LOCK_RELEASE)->arg[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queued_lock_tells_its_kind_and_holder),
        cmocka_unit_test(a_queued_lock_goes_to_who_came_first),
        cmocka_unit_test(acquiring_a_queued_lock_again_hangs),
        cmocka_unit_test(trying_acquires_only_what_is_free),
        cmocka_unit_test(trying_at_passive_shows_in_the_event),
        cmocka_unit_test(readers_share_until_a_writer_waits),
        cmocka_unit_test(a_writer_keeps_readers_out),
    };

    return cmocka_run_group_tests_name("queued locks", tests, NULL, NULL);
}
