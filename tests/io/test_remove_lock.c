/* Remove locks (wdm-io, 5): counted until someone waits, refused from then on. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static IO_REMOVE_LOCK lock;
static int tag, other_tag;

static void begin(void)
{
    IoInitializeRemoveLock(&lock, 1, 0, 0);
    CHECK(IoAcquireRemoveLock(&lock, &tag) == STATUS_SUCCESS);
}

static void body_alone(void)
{
    begin();
    CHECK(IoAcquireRemoveLock(&lock, &other_tag) == STATUS_SUCCESS);
    IoReleaseRemoveLock(&lock, &other_tag);
    CHECK(wb_last(FT_EV_RL_RELEASE)->arg[2] == 2); /* ours and the first one */
    IoReleaseRemoveLockAndWait(&lock, &tag);
    wb_note("waited");
    for (unsigned i = 0; i < 3; i++)
        CHECK(IoAcquireRemoveLock(&lock, &tag) == STATUS_DELETE_PENDING);
    CHECK(lock.Common.IoCount == 0);
}

static void with_nobody_else_the_wait_ends_at_once_and_for_ever(void **state)
{
    (void)state;
    wb_body(body_alone, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "waited");
    assert_int_equal(wb_last(FT_EV_RL_WAIT)->arg[2], 0);
    assert_int_equal(wb_last(FT_EV_RL_ACQUIRE)->arg[2], (uint32_t)STATUS_DELETE_PENDING);
}

static void late_comer(void *unused)
{
    (void)unused;
    wb_note(IoAcquireRemoveLock(&lock, &other_tag) == STATUS_DELETE_PENDING ? "refused" : "let-in");
}

static void holder(void *unused)
{
    (void)unused;
    wb_note("lets-go");
    IoReleaseRemoveLock(&lock, &other_tag);
}

static void body_wait(void)
{
    begin();
    CHECK(IoAcquireRemoveLock(&lock, &other_tag) == STATUS_SUCCESS);
    CHECK(IoAcquireRemoveLock(&lock, &other_tag) == STATUS_SUCCESS);
    ft_task_spawn(FT_TASK_THREAD, late_comer, NULL, 0);
    ft_task_spawn(FT_TASK_THREAD, holder, NULL, 0);
    ft_task_spawn(FT_TASK_THREAD, late_comer, NULL, 0);
    ft_task_spawn(FT_TASK_THREAD, holder, NULL, 0);
    wb_note("waits");
    IoReleaseRemoveLockAndWait(&lock, &tag);
    wb_note("waited");
}

static void the_wait_ends_with_the_last_release(void **state)
{
    (void)state;
    wb_body(body_wait, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "waits refused lets-go refused lets-go waited");
    assert_int_equal(wb_last(FT_EV_RL_WAIT)->arg[2], 2);
    assert_int_equal(wb_event(FT_EV_RL_RELEASE, 1)->arg[2], 1);
    assert_int_equal(wb_event(FT_EV_RL_RELEASE, 2)->arg[2], 0);
}

static void body_forgotten(void)
{
    begin();
    IoAcquireRemoveLock(&lock, &other_tag);
    IoReleaseRemoveLockAndWait(&lock, &tag);
    wb_note("never");
}

static void a_forgotten_release_is_a_hang(void **state)
{
    (void)state;
    wb_body(body_forgotten, FT_STOP_HANG);
    assert_string_equal(wb_notes(), "");
}

static void body_too_many(void)
{
    begin();
    IoReleaseRemoveLock(&lock, &tag);
    IoReleaseRemoveLock(&lock, &tag);
    CHECK(wb_last(FT_EV_RL_RELEASE)->arg[2] == 0);
    IoReleaseRemoveLock(&lock, &tag);
}

static void a_release_too_many_shows_as_a_huge_count(void **state)
{
    (void)state;
    wb_body(body_too_many, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_RL_RELEASE)->arg[2], UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_nobody_else_the_wait_ends_at_once_and_for_ever),
        cmocka_unit_test(the_wait_ends_with_the_last_release),
        cmocka_unit_test(a_forgotten_release_is_a_hang),
        cmocka_unit_test(a_release_too_many_shows_as_a_huge_count),
    };

    return cmocka_run_group_tests_name("remove locks", tests, NULL, NULL);
}
