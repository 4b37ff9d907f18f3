/* Timers: when they come due, what cancelling them means, and their DPCs. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MS = 10000 /* 100 ns */ };

static KTIMER timer, other;
static KDPC dpc, other_dpc;
static KEVENT done;
static unsigned runs;

static LARGE_INTEGER in_ms(LONGLONG ms)
{
    return (LARGE_INTEGER){.QuadPart = -ms * MS};
}

static NTSTATUS wait_for(PVOID object)
{
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
}

static void pass_ms(LONGLONG ms)
{
    LARGE_INTEGER interval = in_ms(ms);

    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

static VOID note_dpc(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)argument1, (void)argument2;
    runs++;
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    wb_note(context);
}

static void begin(void)
{
    runs = 0;
    KeInitializeTimer(&timer);
    KeInitializeTimer(&other);
    KeInitializeDpc(&dpc, note_dpc, "dpc");
    KeInitializeDpc(&other_dpc, note_dpc, "other");
    KeInitializeEvent(&done, NotificationEvent, FALSE);
}

static void body_due(void)
{
    LARGE_INTEGER absolute;
    uint64_t from;

    begin();
    from = FT_M->now;
    CHECK(!KeSetTimer(&timer, in_ms(7), NULL));
    CHECK(wait_for(&timer) == STATUS_SUCCESS);
    CHECK(FT_M->now == from + 7 * MS);
    absolute.QuadPart = (LONGLONG)(FT_M->now + 3 * MS);
    CHECK(!KeSetTimer(&timer, absolute, NULL));
    CHECK(wait_for(&timer) == STATUS_SUCCESS);
    CHECK(FT_M->now == (uint64_t)absolute.QuadPart);
    absolute.QuadPart = 1; /* long past: due at once */
    KeSetTimer(&timer, absolute, NULL);
    from = FT_M->now;
    CHECK(wait_for(&timer) == STATUS_SUCCESS);
    CHECK(FT_M->now == from);
}

static void negative_due_times_are_relative_and_positive_ones_absolute(void **state)
{
    (void)state;
    wb_body(body_due, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_TIMER_EXPIRE), 3);
}

static uint64_t came[3];

static VOID third_time_ends_it(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)context, (void)argument1, (void)argument2;
    came[runs++ % 3] = FT_M->now;
    if (runs == 3) {
        CHECK(KeCancelTimer(&timer)); /* a periodic timer is always in the queue */
        KeSetEvent(&done, 0, FALSE);
    }
}

static void body_periodic(void)
{
    uint64_t from;

    begin();
    KeInitializeDpc(&dpc, third_time_ends_it, NULL);
    from = FT_M->now;
    KeSetTimerEx(&timer, in_ms(10), 5, &dpc);
    wait_for(&done);
    CHECK(came[0] == from + 10 * MS && came[1] == from + 15 * MS && came[2] == from + 20 * MS);
    pass_ms(100);
    CHECK(runs == 3);
}

static void a_periodic_timer_comes_until_it_is_cancelled(void **state)
{
    (void)state;
    wb_body(body_periodic, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_TIMER_EXPIRE), 3);
}

static void body_cancel_before(void)
{
    begin();
    KeSetTimer(&timer, in_ms(10), &dpc);
    pass_ms(9);
    CHECK(KeCancelTimer(&timer));
    CHECK(!KeCancelTimer(&timer));
    pass_ms(100);
}

static void a_timer_cancelled_in_time_never_comes(void **state)
{
    (void)state;
    wb_body(body_cancel_before, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "");
    assert_int_equal(wb_count(FT_EV_TIMER_EXPIRE), 0);
    assert_int_equal(wb_event(FT_EV_TIMER_CANCEL, 1)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_TIMER_CANCEL, 2)->arg[1], false);
}

static void body_cancel_after(void)
{
    begin();
    KeSetTimer(&timer, in_ms(1), &dpc);
    KeStallExecutionProcessor(2000); /* it comes due, and its DPC waits behind us */
    CHECK(runs == 0);
    CHECK(!KeCancelTimer(&timer));
    wb_note("cancelled");
    ft_task_wait_quiet();
    CHECK(!KeCancelTimer(&timer));
}

static void cancelling_an_expired_timer_says_no_and_its_dpc_runs(void **state)
{
    (void)state;
    wb_body(body_cancel_after, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "cancelled dpc");
}

static void body_remove_dpc(void)
{
    begin();
    KeSetTimer(&timer, in_ms(1), &dpc);
    KeStallExecutionProcessor(2000);
    CHECK(KeRemoveQueueDpc(&dpc));
    ft_task_wait_quiet();
    CHECK(runs == 0);
    KeSetTimer(&timer, in_ms(1), &dpc);
    KeStallExecutionProcessor(2000);
    KeFlushQueuedDpcs();
    wb_note("flushed");
}

static void the_waiting_dpc_of_a_timer_can_be_removed_and_flushed(void **state)
{
    (void)state;
    wb_body(body_remove_dpc, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "dpc flushed");
}

static void body_set_again(void)
{
    uint64_t from;

    begin();
    from = FT_M->now;
    CHECK(!KeSetTimer(&timer, in_ms(10), &dpc));
    CHECK(KeSetTimer(&timer, in_ms(20), &other_dpc)); /* the first setting is gone */
    wait_for(&timer);
    CHECK(FT_M->now == from + 20 * MS);
    pass_ms(50);
}

static void setting_a_set_timer_replaces_it(void **state)
{
    (void)state;
    wb_body(body_set_again, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "other");
    assert_int_equal(wb_count(FT_EV_TIMER_EXPIRE), 1);
    assert_int_equal(wb_event(FT_EV_TIMER_SET, 1)->arg[4], false);
    assert_int_equal(wb_event(FT_EV_TIMER_SET, 2)->arg[4], true);
}

static void body_set_while_dpc_waits(void)
{
    begin();
    KeSetTimer(&timer, in_ms(1), &dpc);
    KeStallExecutionProcessor(2000);
    CHECK(!KeSetTimer(&timer, in_ms(10), &other_dpc)); /* the first one expired */
    CHECK(KeCancelTimer(&timer));                      /* the second is set and not due */
    pass_ms(100);
}

static void a_timer_set_again_while_its_dpc_waits_can_be_cancelled(void **state)
{
    (void)state;
    wb_body(body_set_while_dpc_waits, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "dpc");
}

static void body_periodic_to_one_shot(void)
{
    begin();
    KeSetTimerEx(&timer, in_ms(1), 1, &dpc);
    KeStallExecutionProcessor(1500);
    CHECK(KeSetTimer(&timer, in_ms(10), &dpc)); /* still set: it was periodic */
    pass_ms(5);
    wb_note("5ms");
    pass_ms(100);
}

static void a_periodic_timer_set_anew_has_no_period_left(void **state)
{
    (void)state;
    wb_body(body_periodic_to_one_shot, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "dpc 5ms dpc");
}

static void body_order(void)
{
    begin();
    KeSetTimer(&timer, in_ms(20), &dpc);
    KeSetTimer(&other, in_ms(10), &other_dpc);
    pass_ms(30);
}

static void the_timer_that_is_due_first_comes_first(void **state)
{
    (void)state;
    wb_body(body_order, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "other dpc");
    assert_int_equal(wb_event(FT_EV_CALL_ENTER, 2)->arg[0], FT_ROUTINE_TIMER_DPC);
    assert_int_equal(wb_event(FT_EV_TASK_NEW, 2)->arg[1], FT_TASK_TIMER);
}

static void waiter(void *name)
{
    CHECK(wait_for(&timer) == STATUS_SUCCESS);
    wb_note(name);
}

static void body_waiters(TIMER_TYPE type)
{
    begin();
    KeInitializeTimerEx(&timer, type);
    ft_task_spawn(FT_TASK_THREAD, waiter, "one", 0);
    ft_task_spawn(FT_TASK_THREAD, waiter, "two", 0);
    KeSetTimer(&timer, in_ms(1), NULL);
    pass_ms(5);
    wb_note("later");
    if (type == SynchronizationTimer) {
        KeSetTimer(&timer, in_ms(1), NULL);
        pass_ms(5);
    } else {
        CHECK(wait_for(&timer) == STATUS_SUCCESS); /* signalled until it is set again */
    }
}

static void body_notification(void)
{
    body_waiters(NotificationTimer);
}

static void body_synchronization(void)
{
    body_waiters(SynchronizationTimer);
}

static void a_notification_timer_frees_every_waiter(void **state)
{
    (void)state;
    wb_body(body_notification, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "one two later");
}

static void a_synchronization_timer_frees_one_waiter(void **state)
{
    (void)state;
    wb_body(body_synchronization, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "one later two");
}

static void body_clocks(void)
{
    LARGE_INTEGER ticks, system;
    ULONGLONG before, after;

    before = KeQueryInterruptTime();
    KeStallExecutionProcessor(50000);
    after = KeQueryInterruptTime();
    CHECK(after - before >= 500000 && after - before < 600000);
    KeQuerySystemTime(&system);
    KeQueryTickCount(&ticks);
    CHECK((ULONGLONG)system.QuadPart > after);
    CHECK(ticks.QuadPart >= 3); /* 50 ms are three ticks and a bit */
    CHECK(after - (ULONGLONG)ticks.QuadPart * KeQueryTimeIncrement() < KeQueryTimeIncrement());
    wb_note("read");
}

static void the_clocks_of_the_kernel_agree(void **state)
{
    (void)state;
    wb_body(body_clocks, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "read");
}

static void body_due_together(void)
{
    begin();
    KeSetTimer(&timer, in_ms(2), &dpc); /* set first, due last */
    KeSetTimer(&other, in_ms(1), &other_dpc);
    KeStallExecutionProcessor(5000); /* both come due in one step */
    pass_ms(1);
}

static void dpcs_of_timers_run_in_the_order_of_their_due_times(void **state)
{
    (void)state;
    wb_body(body_due_together, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "other dpc");
}

static void body_coalescable(void)
{
    begin();
    CHECK(!KeSetCoalescableTimer(&timer, in_ms(3), 2, 40, &dpc));
    CHECK(!KeReadStateTimer(&timer));
    pass_ms(4);
    CHECK(KeReadStateTimer(&timer));
    CHECK(KeSetCoalescableTimer(&timer, in_ms(3), 0, 0, &dpc)); /* it was periodic */
    CHECK(!KeReadStateTimer(&timer) && KeCancelTimer(&timer));
}

static void a_coalescable_timer_tells_its_tolerance(void **state)
{
    (void)state;
    wb_body(body_coalescable, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "dpc");
    assert_int_equal(wb_event(FT_EV_TIMER_SET, 1)->arg[2], 2);
    assert_int_equal(wb_event(FT_EV_TIMER_SET, 1)->arg[5], 40);
}

/* ---- timers that the kernel allocates ---- */

static PEX_TIMER ex_timer;

static VOID ex_callback(PEX_TIMER object, PVOID context)
{
    runs++;
    CHECK(object == ex_timer && KeGetCurrentIrql() == DISPATCH_LEVEL);
    wb_note(context);
}

static VOID ex_deleted(PVOID context)
{
    wb_note(context);
}

static void body_ex(void)
{
    EXT_SET_PARAMETERS set;
    EXT_DELETE_PARAMETERS delete;

    begin();
    ExInitializeSetTimerParameters(&set);
    ExInitializeDeleteTimerParameters(&delete);
    delete.DeleteCallback = ex_deleted;
    delete.DeleteContext = "deleted";
    set.NoWakeTolerance = 20 * MS;
    CHECK(ExAllocateTimer(ex_callback, NULL, 0x100) == NULL);
    ex_timer = ExAllocateTimer(ex_callback, "tick", EX_TIMER_NOTIFICATION);
    CHECK(!ExSetTimer(ex_timer, -3 * MS, 2 * MS, &set));
    CHECK(wait_for(ex_timer) == STATUS_SUCCESS);
    pass_ms(3); /* at 3 and 5 ms */
    CHECK(runs == 2 && ExCancelTimer(ex_timer, NULL) && !ExCancelTimer(ex_timer, NULL));
    CHECK(!ExSetTimer(ex_timer, -MS, 0, NULL));
    CHECK(ExSetTimer(ex_timer, -9 * MS, 0, NULL));
    CHECK(ExDeleteTimer(ex_timer, TRUE, TRUE, &delete));
    pass_ms(20);
}

static void an_allocated_timer_ticks_until_it_is_cancelled_and_deleted(void **state)
{
    (void)state;
    wb_body(body_ex, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "tick tick deleted");
    assert_int_equal(wb_event(FT_EV_TIMER_SET, 1)->arg[2], 2);
    assert_int_equal(wb_event(FT_EV_TIMER_SET, 1)->arg[5], 20);
    assert_int_equal(wb_last(FT_EV_TIMER_DELETE)->arg[1], true);
    assert_int_equal(wb_last(FT_EV_TIMER_DELETE)->arg[2], true);
    assert_int_equal(wb_last(FT_EV_TIMER_DELETE)->arg[0], wb_last(FT_EV_TIMER_INIT)->arg[0]);
}

static void body_ex_late(void)
{
    EXT_DELETE_PARAMETERS delete;

    begin();
    ExInitializeDeleteTimerParameters(&delete);
    delete.DeleteCallback = ex_deleted;
    delete.DeleteContext = "deleted";
    ex_timer = ExAllocateTimer(ex_callback, "tick", 0);
    ExSetTimer(ex_timer, -MS, 0, NULL);
    CHECK(!ExDeleteTimer(ex_timer, FALSE, FALSE, &delete)); /* once more, then it goes */
    CHECK(!ExSetTimer(ex_timer, -MS, 0, NULL));
    wb_note("later");
    pass_ms(5);
    ex_timer = ExAllocateTimer(ex_callback, "tick2", 0);
    ExSetTimer(ex_timer, -MS, 0, NULL);
    KeStallExecutionProcessor(2000); /* its callback waits behind us */
    CHECK(!ExDeleteTimer(ex_timer, TRUE, TRUE, &delete));
    wb_note("over");
}

static void deleting_an_allocated_timer_may_wait_for_its_callback(void **state)
{
    (void)state;
    wb_body(body_ex_late, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "later tick deleted tick2 deleted over");
}

static void body_ex_at_dispatch(void)
{
    begin();
    ex_timer = ExAllocateTimer(ex_callback, "tick", 0);
    ExSetTimer(ex_timer, -MS, 0, NULL);
    KeStallExecutionProcessor(2000);
    KeRaiseIrqlToDpcLevel();
    ExDeleteTimer(ex_timer, TRUE, TRUE, NULL);
    wb_note("never");
}

static void waiting_for_a_callback_at_dispatch_is_bug_check_b8(void **state)
{
    (void)state;
    wb_run(&(struct wb_case){.body = body_ex_at_dispatch});
    assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xB8);
}

static void body_precise(void)
{
    LARGE_INTEGER system, precise;
    LARGE_INTEGER counter, frequency;
    ULONGLONG interrupt, unbiased;
    ULONG64 stamp;

    KeQuerySystemTime(&system);
    KeQuerySystemTimePrecise(&precise);
    interrupt = KeQueryInterruptTimePrecise(&stamp);
    unbiased = KeQueryUnbiasedInterruptTime();
    CHECK(precise.QuadPart > system.QuadPart && interrupt == stamp);
    CHECK(interrupt > (ULONGLONG)precise.QuadPart && unbiased > interrupt);
    counter = KeQueryPerformanceCounter(&frequency);
    CHECK(frequency.QuadPart > 0);
    KeStallExecutionProcessor(1000);
    CHECK(KeQueryPerformanceCounter(NULL).QuadPart - counter.QuadPart >= frequency.QuadPart / 1000);
    wb_note("read");
}

static void the_precise_clocks_agree_too(void **state)
{
    (void)state;
    wb_body(body_precise, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(negative_due_times_are_relative_and_positive_ones_absolute),
        cmocka_unit_test(a_periodic_timer_comes_until_it_is_cancelled),
        cmocka_unit_test(a_timer_cancelled_in_time_never_comes),
        cmocka_unit_test(cancelling_an_expired_timer_says_no_and_its_dpc_runs),
        cmocka_unit_test(the_waiting_dpc_of_a_timer_can_be_removed_and_flushed),
        cmocka_unit_test(setting_a_set_timer_replaces_it),
        cmocka_unit_test(a_timer_set_again_while_its_dpc_waits_can_be_cancelled),
        cmocka_unit_test(a_periodic_timer_set_anew_has_no_period_left),
        cmocka_unit_test(the_timer_that_is_due_first_comes_first),
        cmocka_unit_test(a_notification_timer_frees_every_waiter),
        cmocka_unit_test(a_synchronization_timer_frees_one_waiter),
        cmocka_unit_test(the_clocks_of_the_kernel_agree),
        cmocka_unit_test(dpcs_of_timers_run_in_the_order_of_their_due_times),
        cmocka_unit_test(a_coalescable_timer_tells_its_tolerance),
        cmocka_unit_test(an_allocated_timer_ticks_until_it_is_cancelled_and_deleted),
        cmocka_unit_test(deleting_an_allocated_timer_may_wait_for_its_callback),
        cmocka_unit_test(waiting_for_a_callback_at_dispatch_is_bug_check_b8),
        cmocka_unit_test(the_precise_clocks_agree_too),
    };

    return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
