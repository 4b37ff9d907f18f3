/* Resources and rundown protection. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static ERESOURCE resource;
static EX_RUNDOWN_REF rundown;

static void body_exclusive(void)
{
    CHECK(NT_SUCCESS(ExInitializeResourceLite(&resource)));
    KeEnterCriticalRegion();
    CHECK(ExAcquireResourceExclusiveLite(&resource, TRUE));
    CHECK(ExAcquireResourceExclusiveLite(&resource, FALSE)); /* again */
    CHECK(ExAcquireResourceSharedLite(&resource, FALSE));    /* its owner may */
    CHECK(ExIsResourceAcquiredExclusiveLite(&resource));
    CHECK(ExIsResourceAcquiredSharedLite(&resource) == 3);
    ExReleaseResourceLite(&resource);
    ExReleaseResourceLite(&resource);
    CHECK(ExIsResourceAcquiredExclusiveLite(&resource));
    ExReleaseResourceForThreadLite(&resource, ExGetCurrentResourceThread());
    CHECK(!ExIsResourceAcquiredExclusiveLite(&resource));
    CHECK(ExIsResourceAcquiredSharedLite(&resource) == 0);
    KeLeaveCriticalRegion();
    CHECK(NT_SUCCESS(ExReinitializeResourceLite(&resource)));
    CHECK(NT_SUCCESS(ExDeleteResourceLite(&resource)));
}

static void an_exclusive_owner_may_acquire_again(void **state)
{
    (void)state;
    wb_body(body_exclusive, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_RESOURCE_INIT), 2);
    assert_int_equal(wb_count(FT_EV_RESOURCE_ACQUIRE), 3);
    assert_int_equal(wb_event(FT_EV_RESOURCE_ACQUIRE, 1)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_RESOURCE_ACQUIRE, 1)->arg[3], true);
    assert_int_equal(wb_last(FT_EV_RESOURCE_RELEASE)->arg[1], true);
    assert_int_equal(wb_last(FT_EV_RESOURCE_DELETE)->arg[1], false);
}

static void reader(void *name)
{
    ExEnterCriticalRegionAndAcquireResourceShared(&resource);
    wb_note(name);
    ft_task_wait_quiet();
    ExReleaseResourceAndLeaveCriticalRegion(&resource);
}

static void writer(void *name)
{
    CHECK(!ExAcquireResourceExclusiveLite(&resource, FALSE));
    CHECK(ExEnterCriticalRegionAndAcquireResourceExclusive(&resource) ==
          (PVOID)KeGetCurrentThread());
    wb_note(name);
    ExReleaseResourceAndLeaveCriticalRegion(&resource);
}

static void starver(void *name)
{
    KeEnterCriticalRegion();
    CHECK(!ExAcquireResourceSharedLite(&resource, FALSE)); /* behind the writer */
    CHECK(ExAcquireSharedStarveExclusive(&resource, TRUE));
    wb_note(name);
    ExReleaseResourceLite(&resource);
    KeLeaveCriticalRegion();
}

static void body_order(void)
{
    ExInitializeResourceLite(&resource);
    KeEnterCriticalRegion();
    CHECK(ExAcquireResourceSharedLite(&resource, TRUE));
    ft_task_spawn(FT_TASK_THREAD, writer, "writer", 0);
    ft_task_spawn(FT_TASK_THREAD, reader, "reader", 0);
    ft_task_spawn(FT_TASK_THREAD, reader, "reader2", 0);
    ft_task_spawn(FT_TASK_THREAD, starver, "starver", 0);
    ft_task_wait_quiet();
    CHECK(ExGetExclusiveWaiterCount(&resource) == 1 && ExGetSharedWaiterCount(&resource) == 2);
    CHECK(ExAcquireResourceSharedLite(&resource, FALSE)); /* who has it may */
    ExReleaseResourceLite(&resource);
    ExReleaseResourceLite(&resource);
    ft_task_wait_quiet();
    ft_task_wait_quiet();
    CHECK(ExGetExclusiveWaiterCount(&resource) == 0 && ExGetSharedWaiterCount(&resource) == 0);
    KeLeaveCriticalRegion();
    ExDeleteResourceLite(&resource);
}

static void readers_wait_behind_a_writer_that_waits(void **state)
{
    (void)state;
    wb_body(body_order, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "starver writer reader reader2");
}

static void body_convert(void)
{
    ExInitializeResourceLite(&resource);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&resource, TRUE);
    ft_task_spawn(FT_TASK_THREAD, reader, "reader", 0);
    ft_task_spawn(FT_TASK_THREAD, writer, "writer", 0);
    ft_task_wait_quiet();
    wb_note("converts");
    ExConvertExclusiveToSharedLite(&resource);
    CHECK(!ExIsResourceAcquiredExclusiveLite(&resource));
    CHECK(ExIsResourceAcquiredSharedLite(&resource) == 1);
    ft_task_wait_quiet();
    wb_note("releases");
    ExReleaseResourceLite(&resource);
    ft_task_wait_quiet();
    KeLeaveCriticalRegion();
}

static void converting_lets_the_readers_in(void **state)
{
    (void)state;
    wb_body(body_convert, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "converts reader releases writer");
}

static void body_not_owned(void)
{
    ExInitializeResourceLite(&resource);
    wb_note("made");
    ExReleaseResourceLite(&resource);
    wb_note("never");
}

static void releasing_what_one_does_not_have_is_bug_check_e3(void **state)
{
    (void)state;
    wb_body(body_not_owned, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xE3);
    assert_int_equal(wb_last(FT_EV_RESOURCE_RELEASE)->arg[1], false);
    assert_string_equal(wb_notes(), "made");
}

static void body_apcs_on(void)
{
    ExInitializeResourceLite(&resource);
    ExAcquireResourceSharedLite(&resource, TRUE); /* no critical region */
    ExDeleteResourceLite(&resource);              /* and still held */
    ExInitializeResourceLite(&resource);
    KeRaiseIrqlToDpcLevel();
    ExAcquireResourceSharedLite(&resource, FALSE);
}

static void events_tell_of_apcs_holders_and_levels(void **state)
{
    (void)state;
    wb_body(body_apcs_on, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_RESOURCE_ACQUIRE, 1)->arg[3], false);
    assert_int_equal(wb_last(FT_EV_RESOURCE_DELETE)->arg[1], true);
    assert_int_equal(wb_last(FT_EV_RESOURCE_ACQUIRE)->irql, DISPATCH_LEVEL);
}

/* ---- rundown protection ---- */

static void drains(void *unused)
{
    (void)unused;
    ExWaitForRundownProtectionRelease(&rundown);
    wb_note("drained");
    CHECK(!ExAcquireRundownProtection(&rundown));
}

static void body_rundown(void)
{
    ExInitializeRundownProtection(&rundown);
    CHECK(ExAcquireRundownProtection(&rundown) && ExAcquireRundownProtectionEx(&rundown, 2));
    ft_task_spawn(FT_TASK_THREAD, drains, NULL, 0);
    ft_task_wait_quiet();
    CHECK(!ExAcquireRundownProtection(&rundown)); /* run-down has begun */
    ExReleaseRundownProtectionEx(&rundown, 2);
    ft_task_wait_quiet();
    wb_note("last");
    ExReleaseRundownProtection(&rundown);
    ft_task_wait_quiet();
    ExRundownCompleted(&rundown);
    CHECK(!ExAcquireRundownProtection(&rundown));
    ExReInitializeRundownProtection(&rundown);
    CHECK(ExAcquireRundownProtection(&rundown));
    ExReleaseRundownProtection(&rundown);
    ExReleaseRundownProtection(&rundown); /* once too often */
    ExWaitForRundownProtectionRelease(&rundown);
    wb_note("again");
}

static void rundown_waits_for_the_last_and_lets_nobody_in(void **state)
{
    (void)state;
    wb_body(body_rundown, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "last drained again");
    assert_int_equal(wb_event(FT_EV_RUNDOWN_WAIT, 1)->arg[1], 3);
    assert_int_equal(wb_event(FT_EV_RUNDOWN_RELEASE, 1)->arg[1], 1);
    assert_int_equal(wb_last(FT_EV_RUNDOWN_RELEASE)->arg[1], UINT32_MAX);
}

static void body_rundown_at_dispatch(void)
{
    ExInitializeRundownProtection(&rundown);
    ExAcquireRundownProtection(&rundown);
    KeRaiseIrqlToDpcLevel();
    ExWaitForRundownProtectionRelease(&rundown);
}

static void waiting_for_rundown_at_dispatch_is_bug_check_b8(void **state)
{
    (void)state;
    wb_body(body_rundown_at_dispatch, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xB8);
    assert_int_equal(wb_last(FT_EV_RUNDOWN_WAIT)->irql, DISPATCH_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exclusive_owner_may_acquire_again),
        cmocka_unit_test(readers_wait_behind_a_writer_that_waits),
        cmocka_unit_test(converting_lets_the_readers_in),
        cmocka_unit_test(releasing_what_one_does_not_have_is_bug_check_e3),
        cmocka_unit_test(events_tell_of_apcs_holders_and_levels),
        cmocka_unit_test(rundown_waits_for_the_last_and_lets_nobody_in),
        cmocka_unit_test(waiting_for_rundown_at_dispatch_is_bug_check_b8),
    };

    return cmocka_run_group_tests_name("resources", tests, NULL, NULL);
}
