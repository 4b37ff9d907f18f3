/* Framework locks: spin locks, wait locks, callback locks and scopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "object_bench.h"

#include <cmocka.h>

enum { MS = 10000 };

static WDFSPINLOCK spin;
static WDFWAITLOCK waitable;
static WDFOBJECT object;
static KEVENT done;

/* Runs `routine` in a thread of its own until it ends. */
static void in_thread(PKSTART_ROUTINE routine)
{
    HANDLE handle;

    CHECK(PsCreateSystemThread(&handle, 0, NULL, NULL, NULL, routine, NULL) == STATUS_SUCCESS);
    ZwClose(handle);
}

static void wait_done(void)
{
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
}

static void begin(void)
{
    ob_begin();
    KeInitializeEvent(&done, SynchronizationEvent, FALSE);
    CHECK(WdfSpinLockCreate(NULL, &spin) == STATUS_SUCCESS);
    CHECK(WdfWaitLockCreate(NULL, &waitable) == STATUS_SUCCESS);
}

/* ---- spin locks ---- */

static void body_spin(void)
{
    begin();
    for (unsigned i = 0; i < 2; i++) {
        WdfSpinLockAcquire(spin);
        CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
        WdfSpinLockRelease(spin);
        CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    }
    WdfObjectDelete(spin);
}

static void a_spin_lock_raises_and_restores(void **state)
{
    (void)state;
    wb_body(body_spin, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_LOCK_ACQUIRE), 2);
    assert_int_equal(wb_last(FT_EV_WDF_LOCK_ACQUIRE)->irql, DISPATCH_LEVEL);
    assert_int_equal(wb_last(FT_EV_WDF_LOCK_RELEASE)->arg[2],
                     ft_handle(FT_HC_TASK, wb_last(FT_EV_WDF_LOCK_RELEASE)->task, 0));
}

static void body_not_owner(void)
{
    begin();
    WdfSpinLockRelease(spin);
}

static void releasing_a_spin_lock_that_is_free_stops_the_machine(void **state)
{
    (void)state;
    ob_violates(body_not_owner, FT_WDF_LOCK_ERROR);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[3], 1);
    assert_int_equal(wb_last(FT_EV_WDF_LOCK_RELEASE)->arg[2], 0);
}

static void body_recursive(void)
{
    begin();
    WdfSpinLockAcquire(spin);
    WdfSpinLockAcquire(spin);
}

static void acquiring_a_spin_lock_twice_hangs(void **state)
{
    (void)state;
    wb_body(body_recursive, FT_STOP_HANG);
    assert_int_equal(wb_last(FT_EV_WDF_LOCK_ASK)->arg[2],
                     ft_handle(FT_HC_TASK, wb_last(FT_EV_WDF_LOCK_ASK)->task, 0));
}

static VOID holds_spin(PVOID unused)
{
    (void)unused;
    WdfSpinLockAcquire(spin);
    wb_note("other");
    WdfSpinLockRelease(spin);
    KeSetEvent(&done, 0, FALSE);
}

static void body_contended(void)
{
    begin();
    WdfSpinLockAcquire(spin);
    in_thread(holds_spin);
    KeStallExecutionProcessor(1000);
    wb_note("mine");
    WdfSpinLockRelease(spin);
    wait_done();
}

static void a_spin_lock_keeps_another_processor_out(void **state)
{
    (void)state;
    wb_body(body_contended, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "mine other");
}

/* ---- wait locks ---- */

static VOID holds_wait_lock(PVOID unused)
{
    LARGE_INTEGER interval = {.QuadPart = -10 * MS};

    (void)unused;
    CHECK(WdfWaitLockAcquire(waitable, NULL) == STATUS_SUCCESS);
    CHECK(KeAreApcsDisabled());
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
    wb_note("release");
    WdfWaitLockRelease(waitable);
    CHECK(!KeAreApcsDisabled());
    KeSetEvent(&done, 0, FALSE);
}

static void body_wait_lock(void)
{
    LONGLONG now = 0, soon = WDF_REL_TIMEOUT_IN_MS(1), absolute;
    LARGE_INTEGER moment = {.QuadPart = -1 * MS};

    begin();
    in_thread(holds_wait_lock);
    KeDelayExecutionThread(KernelMode, FALSE, &moment);
    CHECK(WdfWaitLockAcquire(waitable, &now) == STATUS_TIMEOUT);
    CHECK(WdfWaitLockAcquire(waitable, &soon) == STATUS_TIMEOUT);
    absolute = (LONGLONG)FT_M->now + MS;
    CHECK(WdfWaitLockAcquire(waitable, &absolute) == STATUS_TIMEOUT);
    CHECK(!KeAreApcsDisabled());
    CHECK(WdfWaitLockAcquire(waitable, NULL) == STATUS_SUCCESS);
    wb_note("mine");
    WdfWaitLockRelease(waitable);
    wait_done();
    CHECK(!KeAreApcsDisabled());
}

static void a_wait_lock_waits_at_most_as_long_as_told(void **state)
{
    (void)state;
    wb_body(body_wait_lock, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "release mine");
    assert_int_equal(wb_event(FT_EV_WDF_LOCK_ACQUIRE, 2)->arg[2], STATUS_TIMEOUT);
    assert_int_equal(wb_event(FT_EV_WDF_LOCK_ACQUIRE, 2)->arg[3], 1);
    assert_int_equal(wb_event(FT_EV_WDF_LOCK_ACQUIRE, 3)->arg[3], 2);
}

static void body_wait_lock_level(void)
{
    LONGLONG now = 0, later = 1;
    WDFWAITLOCK another;
    KIRQL irql;

    begin();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK(WdfWaitLockCreate(NULL, &another) == STATUS_SUCCESS);
    CHECK(WdfWaitLockAcquire(waitable, &now) == STATUS_SUCCESS);
    WdfWaitLockRelease(waitable);
    CHECK(WdfWaitLockAcquire(waitable, &later) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfWaitLockAcquire(waitable, NULL) == STATUS_INVALID_DEVICE_REQUEST);
    KeLowerIrql(irql);
    CHECK(WdfWaitLockAcquire(waitable, &now) == STATUS_SUCCESS); /* it is free */
    WdfWaitLockRelease(waitable);
    WdfObjectDelete(another);
}

static void at_dispatch_level_a_wait_lock_is_only_tried(void **state)
{
    (void)state;
    wb_body(body_wait_lock_level, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 2);
    assert_int_equal(wb_last(FT_EV_WDF_IRQL)->arg[0], PASSIVE_LEVEL);
}

static void body_levels(void)
{
    WDFSPINLOCK another;
    WDFWAITLOCK other;
    KIRQL irql;

    begin();
    CHECK(WdfWaitLockAcquire(waitable, NULL) == STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    CHECK(WdfSpinLockCreate(NULL, &another) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfWaitLockCreate(NULL, &other) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(another == NULL && other == NULL);
    WdfSpinLockAcquire(spin);
    WdfSpinLockRelease(spin);
    KeLowerIrql(irql);
    WdfWaitLockRelease(waitable);
}

static void locks_above_their_level_are_told(void **state)
{
    (void)state;
    wb_body(body_levels, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 4);
}

static void body_no_memory(void)
{
    WDFSPINLOCK another;
    WDFWAITLOCK other;

    begin();
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfSpinLockCreate(NULL, &another) == STATUS_INSUFFICIENT_RESOURCES);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfWaitLockCreate(NULL, &other) == STATUS_INSUFFICIENT_RESOURCES);
}

static void locks_need_memory(void **state)
{
    (void)state;
    wb_body(body_no_memory, FT_STOP_NONE);
}

/* ---- callback locks ---- */

static void body_callback_lock(void)
{
    WDFDEVICE device;

    begin();
    device = ob_device(WdfExecutionLevelInheritFromParent, WdfSynchronizationScopeDevice);
    object = ob_object(device);
    WdfObjectAcquireLock(device);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    CHECK(ft_wdf_callback_locked(object));
    WdfObjectReleaseLock(device);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK(!ft_wdf_callback_locked(object));
    WdfObjectAcquireLock(object);
    CHECK(ft_wdf_callback_locked((struct ft_wdf_object *)device));
    WdfObjectReleaseLock(object);
    WdfObjectDelete(device);
}

static void the_objects_of_a_device_share_its_lock(void **state)
{
    (void)state;
    wb_body(body_callback_lock, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_WDF_LOCK_ACQUIRE, 1)->arg[0],
                     wb_event(FT_EV_WDF_LOCK_ACQUIRE, 2)->arg[0]);
    assert_int_equal(wb_last(FT_EV_WDF_LOCK_ACQUIRE)->arg[1], FT_WDF_LOCK_CALLBACK);
}

static void body_passive_lock(void)
{
    WDFDEVICE device;
    KIRQL irql;

    begin();
    device = ob_device(WdfExecutionLevelPassive, WdfSynchronizationScopeDevice);
    WdfObjectAcquireLock(device);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK(KeAreApcsDisabled());
    WdfObjectReleaseLock(device);
    CHECK(!KeAreApcsDisabled());
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    WdfObjectAcquireLock(device);
    KeLowerIrql(irql);
    CHECK(!ft_wdf_callback_locked((struct ft_wdf_object *)device));
}

static void the_lock_of_a_passive_device_keeps_the_level(void **state)
{
    (void)state;
    wb_body(body_passive_lock, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 1);
}

static void body_lock_level(void)
{
    WDFDEVICE device;
    KIRQL irql;

    begin();
    device = ob_device(WdfExecutionLevelInheritFromParent, WdfSynchronizationScopeDevice);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    WdfObjectAcquireLock(device);
    WdfObjectReleaseLock(device);
    KeLowerIrql(irql);
}

static void callback_locks_are_not_for_interrupts(void **state)
{
    (void)state;
    wb_body(body_lock_level, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 2);
    assert_int_equal(wb_count(FT_EV_WDF_LOCK_ACQUIRE), 0);
}

static void body_twice(void)
{
    WDFDEVICE device;

    begin();
    device = ob_device(WdfExecutionLevelInheritFromParent, WdfSynchronizationScopeDevice);
    WdfObjectAcquireLock(device);
    WdfObjectAcquireLock(ob_object(device));
}

static void body_no_scope(void)
{
    WdfObjectAcquireLock(ob_begin());
}

static void body_no_scope_release(void)
{
    WdfObjectReleaseLock(ob_begin());
}

static void callback_locks_have_their_bug_checks(void **state)
{
    (void)state;
    ob_violates(body_twice, FT_WDF_RECURSIVE_LOCK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[2], wb_last(FT_EV_WDF_LOCK_ASK)->arg[0]);
    ob_violates(body_no_scope, FT_WDF_LOCK_ERROR);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[3], 0);
    ob_violates(body_no_scope_release, FT_WDF_LOCK_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spin_lock_raises_and_restores),
        cmocka_unit_test(releasing_a_spin_lock_that_is_free_stops_the_machine),
        cmocka_unit_test(acquiring_a_spin_lock_twice_hangs),
        cmocka_unit_test(a_spin_lock_keeps_another_processor_out),
        cmocka_unit_test(a_wait_lock_waits_at_most_as_long_as_told),
        cmocka_unit_test(at_dispatch_level_a_wait_lock_is_only_tried),
        cmocka_unit_test(locks_above_their_level_are_told),
        cmocka_unit_test(locks_need_memory),
        cmocka_unit_test(the_objects_of_a_device_share_its_lock),
        cmocka_unit_test(the_lock_of_a_passive_device_keeps_the_level),
        cmocka_unit_test(callback_locks_are_not_for_interrupts),
        cmocka_unit_test(callback_locks_have_their_bug_checks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
