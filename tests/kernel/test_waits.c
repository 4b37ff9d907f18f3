/* Events and waits: who is freed by a signal, when a time-out comes, and where one may not wait. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MS = 10000 /* 100 ns */ };

static KEVENT event;

static NTSTATUS wait_units(LONGLONG units)
{
    LARGE_INTEGER timeout = {.QuadPart = units};

    return KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &timeout);
}

static NTSTATUS wait(void)
{
    return KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static void waiter(void *name)
{
    CHECK(wait() == STATUS_SUCCESS);
    wb_note(name);
}

static void body_two_waiters(EVENT_TYPE type)
{
    KeInitializeEvent(&event, type, FALSE);
    ft_task_spawn(FT_TASK_THREAD, waiter, "one", 0);
    ft_task_spawn(FT_TASK_THREAD, waiter, "two", 0);
    ft_task_wait_quiet();
    wb_note("set");
    CHECK(KeSetEvent(&event, 0, FALSE) == 0);
    ft_task_wait_quiet();
    CHECK(KeReadStateEvent(&event) == (type == NotificationEvent));
    wb_note("again");
    CHECK(KeSetEvent(&event, 0, FALSE) == (type == NotificationEvent));
    ft_task_wait_quiet();
    CHECK(KeReadStateEvent(&event) == (type == NotificationEvent));
}

static void body_notification(void)
{
    body_two_waiters(NotificationEvent);
    CHECK(wait() == STATUS_SUCCESS && wait() == STATUS_SUCCESS);
}

static void a_notification_event_frees_all_and_stays_signalled(void **state)
{
    (void)state;
    wb_body(body_notification, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "set one two again");
}

static void body_synchronization(void)
{
    body_two_waiters(SynchronizationEvent);
    KeSetEvent(&event, 0, FALSE); /* nobody waits: it is kept for one */
    CHECK(wait() == STATUS_SUCCESS);
    CHECK(wait_units(0) == STATUS_TIMEOUT);
}

static void a_synchronization_event_frees_one_and_falls_back(void **state)
{
    (void)state;
    wb_body(body_synchronization, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "set one again two");
}

static void body_state(void)
{
    KeInitializeEvent(&event, NotificationEvent, TRUE);
    CHECK(KeReadStateEvent(&event) != 0);
    CHECK(KeSetEvent(&event, 0, FALSE) != 0);
    CHECK(KeResetEvent(&event) != 0);
    CHECK(KeReadStateEvent(&event) == 0);
    CHECK(KeResetEvent(&event) == 0);
    CHECK(KeSetEvent(&event, 0, FALSE) == 0);
    KeClearEvent(&event);
    CHECK(KeReadStateEvent(&event) == 0);
}

static void setting_and_resetting_return_the_state_before(void **state)
{
    (void)state;
    wb_body(body_state, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_EVENT_CLEAR), 3);
    assert_int_equal(wb_last(FT_EV_EVENT_CLEAR)->arg[1], true);
}

static void body_timeout(void)
{
    uint64_t from;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    from = FT_M->now;
    CHECK(wait_units(-3 * MS) == STATUS_TIMEOUT);
    CHECK(FT_M->now == from + 3 * MS);
    CHECK(wait_units((LONGLONG)from + 8 * MS) == STATUS_TIMEOUT); /* absolute */
    CHECK(FT_M->now == from + 8 * MS);
    CHECK(wait_units(0) == STATUS_TIMEOUT);
    CHECK(FT_M->now == from + 8 * MS);
    KeSetEvent(&event, 0, FALSE);
    CHECK(wait_units(-3 * MS) == STATUS_SUCCESS && wait_units(0) == STATUS_SUCCESS);
    CHECK(FT_M->now == from + 8 * MS);
}

static void a_wait_ends_by_its_time_out_to_the_unit(void **state)
{
    (void)state;
    wb_body(body_timeout, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_WAIT_BEGIN, 1)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_WAIT_BEGIN, 3)->arg[1], false);
    assert_int_equal(wb_event(FT_EV_WAIT_END, 3)->arg[1], STATUS_TIMEOUT);
}

static void setter(void *unused)
{
    LARGE_INTEGER interval = {.QuadPart = -2 * MS};

    (void)unused;
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
    KeSetEvent(&event, 0, FALSE);
}

static void body_signal_first(void)
{
    uint64_t from = FT_M->now;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    ft_task_spawn(FT_TASK_THREAD, setter, NULL, 0);
    CHECK(wait_units(-5 * MS) == STATUS_SUCCESS);
    CHECK(FT_M->now == from + 2 * MS);
    KeClearEvent(&event);
    CHECK(wait_units(-20 * MS) == STATUS_TIMEOUT); /* the first time-out does not end this one */
    CHECK(FT_M->now == from + 22 * MS);
}

static void a_signal_before_the_time_out_ends_the_wait(void **state)
{
    (void)state;
    wb_body(body_signal_first, FT_STOP_NONE);
}

static void body_delay(void)
{
    LARGE_INTEGER interval = {.QuadPart = -250 * MS};
    uint64_t from = FT_M->now;

    CHECK(KeDelayExecutionThread(KernelMode, FALSE, &interval) == STATUS_SUCCESS);
    CHECK(FT_M->now == from + 250 * MS);
}

static void a_delay_takes_its_time(void **state)
{
    (void)state;
    wb_body(body_delay, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_DELAY)->arg[0], 250 * MS);
}

static void body_wait_at_dispatch(void)
{
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeRaiseIrqlToDpcLevel();
    CHECK(wait_units(0) == STATUS_TIMEOUT); /* a look is allowed */
    wb_note("looked");
    wait_units(-1);
    wb_note("never");
}

static void body_delay_at_dispatch(void)
{
    LARGE_INTEGER interval = {.QuadPart = -1};

    KeRaiseIrqlToDpcLevel();
    wb_note("looked");
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
    wb_note("never");
}

static VOID waits_in_dpc(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)context, (void)argument1, (void)argument2;
    wb_note("looked");
    wait();
    wb_note("never");
}

static void body_wait_in_dpc(void)
{
    static KDPC dpc;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeInitializeDpc(&dpc, waits_in_dpc, NULL);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    ft_task_wait_quiet();
}

static void blocking_at_dispatch_is_bug_check_b8(void **state)
{
    static void (*const bodies[])(void) = {body_wait_at_dispatch, body_delay_at_dispatch,
                                           body_wait_in_dpc};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        wb_body(bodies[i], FT_STOP_BUGCHECK);
        assert_string_equal(wb_notes(), "looked");
        assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xB8);
    }
}

static void body_for_ever(void)
{
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    wait();
    wb_note("never");
}

static void a_wait_that_nobody_ends_is_a_hang(void **state)
{
    (void)state;
    wb_body(body_for_ever, FT_STOP_HANG);
    assert_int_equal(wb_last(FT_EV_RUN_HANG)->arg[0], 1);
    assert_string_equal(wb_notes(), "");
}

static void body_for_ever_with_a_tick(void)
{
    static KTIMER timer;
    LARGE_INTEGER due = {.QuadPart = -MS};

    KeInitializeTimer(&timer);
    KeSetTimerEx(&timer, due, 1, NULL);
    body_for_ever();
}

static void a_ticking_timer_does_not_hide_the_hang(void **state)
{
    (void)state;
    wb_body(body_for_ever_with_a_tick, FT_STOP_HANG);
    assert_string_equal(wb_notes(), "");
}

static void body_queue(void)
{
    enum { QUEUE_OBJECT = 4 };

    event.Header.Type = QUEUE_OBJECT;
    wait();
    wb_note("never");
}

static void an_object_that_is_not_modelled_stops_the_run(void **state)
{
    (void)state;
    wb_body(body_queue, FT_STOP_UNIMPLEMENTED);
    assert_int_equal(wb_count(FT_EV_RUN_UNIMPLEMENTED), 1);
    assert_string_equal(wb_notes(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_notification_event_frees_all_and_stays_signalled),
        cmocka_unit_test(a_synchronization_event_frees_one_and_falls_back),
        cmocka_unit_test(setting_and_resetting_return_the_state_before),
        cmocka_unit_test(a_wait_ends_by_its_time_out_to_the_unit),
        cmocka_unit_test(a_signal_before_the_time_out_ends_the_wait),
        cmocka_unit_test(a_delay_takes_its_time),
        cmocka_unit_test(blocking_at_dispatch_is_bug_check_b8),
        cmocka_unit_test(a_wait_that_nobody_ends_is_a_hang),
        cmocka_unit_test(a_ticking_timer_does_not_hide_the_hang),
        cmocka_unit_test(an_object_that_is_not_modelled_stops_the_run),
    };

    return cmocka_run_group_tests_name("waits", tests, NULL, NULL);
}
