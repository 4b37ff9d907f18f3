/* IRQL and spin locks: levels go up and down as told, and a held lock makes others wait. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static KSPIN_LOCK first, second;

static uint64_t this_task(void)
{
    return ft_handle(FT_HC_TASK, ft_current()->id, 0);
}

static void body_raise(void)
{
    KIRQL old = 99;

    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    KeRaiseIrql(APC_LEVEL, &old);
    CHECK(old == PASSIVE_LEVEL && KeGetCurrentIrql() == APC_LEVEL);
    CHECK(KeRaiseIrqlToDpcLevel() == APC_LEVEL);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeLowerIrql(PASSIVE_LEVEL);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

static void raising_returns_the_old_level_and_lowering_restores_it(void **state)
{
    (void)state;
    wb_body(body_raise, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_IRQL_RAISE), 2);
    assert_int_equal(wb_event(FT_EV_IRQL_RAISE, 2)->arg[0], APC_LEVEL);
    assert_int_equal(wb_event(FT_EV_IRQL_RAISE, 2)->arg[1], DISPATCH_LEVEL);
    assert_int_equal(wb_last(FT_EV_IRQL_LOWER)->arg[0], DISPATCH_LEVEL);
    assert_int_equal(wb_last(FT_EV_IRQL_LOWER)->arg[1], PASSIVE_LEVEL);
}

static void body_acquire(void)
{
    KIRQL old = 99;

    KeInitializeSpinLock(&first);
    KeInitializeSpinLock(&second);
    KeRaiseIrql(APC_LEVEL, &old);
    KeAcquireSpinLock(&first, &old);
    CHECK(old == APC_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeAcquireSpinLockAtDpcLevel(&second);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && ft_current()->locks == 2);
    KeReleaseSpinLockFromDpcLevel(&second);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && ft_current()->locks == 1);
    KeReleaseSpinLock(&first, old);
    CHECK(KeGetCurrentIrql() == APC_LEVEL && ft_current()->locks == 0);
}

static void acquiring_raises_to_dispatch_unless_it_is_the_dpc_level_form(void **state)
{
    (void)state;
    wb_body(body_acquire, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_LOCK_ACQUIRE, 1)->arg[1], APC_LEVEL);
    assert_int_equal(wb_event(FT_EV_LOCK_ACQUIRE, 1)->arg[2], false);
    assert_int_equal(wb_event(FT_EV_LOCK_ACQUIRE, 1)->irql, DISPATCH_LEVEL);
    assert_int_equal(wb_event(FT_EV_LOCK_ACQUIRE, 2)->arg[2], true);
    assert_int_not_equal(wb_event(FT_EV_LOCK_ACQUIRE, 1)->arg[0],
                         wb_event(FT_EV_LOCK_ACQUIRE, 2)->arg[0]);
    assert_int_equal(wb_event(FT_EV_LOCK_RELEASE, 1)->arg[3], true);
    assert_int_equal(wb_event(FT_EV_LOCK_RELEASE, 2)->arg[2], APC_LEVEL);
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 0);
}

static void contender(void *unused)
{
    KIRQL old;

    (void)unused;
    wb_note("wants");
    KeAcquireSpinLock(&first, &old);
    wb_note("has");
    CHECK(old == PASSIVE_LEVEL);
    KeReleaseSpinLock(&first, old);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

/* Lets the other task go at the next point, if a processor can take it. */
static void let_go(struct ft_task *task)
{
    ft_task_prefer(task);
    KeStallExecutionProcessor(1);
}

static uint64_t holder;

static void body_contended(void)
{
    struct ft_task *task = ft_task_spawn(FT_TASK_THREAD, contender, NULL, 0);
    KIRQL old;

    holder = this_task();
    KeInitializeSpinLock(&first);
    KeAcquireSpinLock(&first, &old);
    wb_note("held");
    let_go(task);
    wb_note("releases");
    KeReleaseSpinLock(&first, old);
    wb_note("released");
    ft_task_wait_quiet();
}

static void a_held_lock_makes_the_other_processor_spin(void **state)
{
    (void)state;
    wb_body_on(2, body_contended);
    assert_string_equal(wb_notes(), "held wants releases released has");
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 1);
    assert_int_equal(wb_last(FT_EV_LOCK_WAIT)->arg[1], holder);
    assert_int_equal(wb_last(FT_EV_LOCK_WAIT)->cpu, 1);
    assert_int_equal(wb_last(FT_EV_LOCK_WAIT)->irql, DISPATCH_LEVEL);
}

static void one_processor_never_meets_its_own_lock(void **state)
{
    (void)state;
    wb_body_on(1, body_contended);
    assert_string_equal(wb_notes(), "held releases released wants has");
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 0);
}

static void body_again(void)
{
    KIRQL old;

    holder = this_task();
    KeInitializeSpinLock(&first);
    KeAcquireSpinLock(&first, &old);
    KeAcquireSpinLock(&first, &old);
    wb_note("never");
}

static void acquiring_a_lock_again_hangs_and_names_the_holder(void **state)
{
    (void)state;
    wb_body(body_again, FT_STOP_HANG);
    assert_int_equal(wb_last(FT_EV_LOCK_WAIT)->arg[1], holder);
    assert_int_equal(ft_handle(FT_HC_TASK, wb_last(FT_EV_LOCK_WAIT)->task, 0), holder);
    assert_int_equal(wb_last(FT_EV_RUN_HANG)->arg[0], 1);
    assert_string_equal(wb_notes(), "");
}

static void other_order(void *body)
{
    KIRQL old;

    KeAcquireSpinLock(&second, &old);
    ft_task_prefer(body);
    KeAcquireSpinLock(&first, &old);
    wb_note("never");
}

static void body_two_orders(void)
{
    struct ft_task *task = ft_task_spawn(FT_TASK_THREAD, other_order, ft_current(), 0);
    KIRQL old;

    KeInitializeSpinLock(&first);
    KeInitializeSpinLock(&second);
    KeAcquireSpinLock(&first, &old);
    let_go(task);
    KeAcquireSpinLock(&second, &old);
    wb_note("never");
}

static void two_orders_of_two_locks_meet_in_a_deadlock(void **state)
{
    (void)state;
    wb_body(body_two_orders, FT_STOP_HANG);
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 2);
    assert_string_equal(wb_notes(), "");
}

static void stranger(void *unused)
{
    (void)unused;
    KeReleaseSpinLock(&first, PASSIVE_LEVEL);
}

static void body_stranger(void)
{
    struct ft_task *task = ft_task_spawn(FT_TASK_THREAD, stranger, NULL, 0);
    KIRQL old;

    holder = this_task();
    KeInitializeSpinLock(&first);
    KeAcquireSpinLock(&first, &old);
    let_go(task);
    CHECK(first == 0);
    KeReleaseSpinLock(&first, old);
}

static void a_release_tells_who_held_the_lock(void **state)
{
    (void)state;
    wb_body(body_stranger, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_LOCK_RELEASE, 1)->arg[1], holder);
    assert_int_not_equal(ft_handle(FT_HC_TASK, wb_event(FT_EV_LOCK_RELEASE, 1)->task, 0), holder);
    assert_int_equal(wb_event(FT_EV_LOCK_RELEASE, 2)->arg[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raising_returns_the_old_level_and_lowering_restores_it),
        cmocka_unit_test(acquiring_raises_to_dispatch_unless_it_is_the_dpc_level_form),
        cmocka_unit_test(a_held_lock_makes_the_other_processor_spin),
        cmocka_unit_test(one_processor_never_meets_its_own_lock),
        cmocka_unit_test(acquiring_a_lock_again_hangs_and_names_the_holder),
        cmocka_unit_test(two_orders_of_two_locks_meet_in_a_deadlock),
        cmocka_unit_test(a_release_tells_who_held_the_lock),
    };

    return cmocka_run_group_tests_name("locks", tests, NULL, NULL);
}
