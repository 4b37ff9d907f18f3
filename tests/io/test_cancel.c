/* Cancellation: the primitives (wdm-io, 4.1), and a request that its requester gives up. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static PIRP irp;
static PDRIVER_CANCEL claimed; /* CancelRoutine as the routine found it */

static VOID routine(PDEVICE_OBJECT device, PIRP the_irp)
{
    wb_note("routine");
    CHECK(the_irp == irp && device == NULL); /* nobody was called with it */
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    CHECK(FT_M->io.cancel_lock == ft_current()->id);
    CHECK(the_irp->Cancel);
    claimed = the_irp->CancelRoutine;
    IoReleaseCancelSpinLock(the_irp->CancelIrql);
    CHECK(FT_M->io.cancel_lock == 0);
}

static VOID another(PDEVICE_OBJECT device, PIRP the_irp)
{
    (void)device;
    wb_note("another");
    IoReleaseCancelSpinLock(the_irp->CancelIrql);
}

static void body_without(void)
{
    irp = IoAllocateIrp(1, FALSE);
    CHECK(!IoCancelIrp(irp));
    CHECK(irp->Cancel && KeGetCurrentIrql() == PASSIVE_LEVEL && FT_M->io.cancel_lock == 0);
    KeRaiseIrqlToDpcLevel();
    CHECK(!IoCancelIrp(irp));
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeLowerIrql(PASSIVE_LEVEL);
    IoFreeIrp(irp);
}

static void cancelling_without_a_routine_only_sets_the_bit(void **state)
{
    (void)state;
    wb_body(body_without, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_IRP_CANCEL, 1)->arg[1], false);
    assert_int_equal(wb_event(FT_EV_CANCEL_UNLOCK, 1)->arg[0], PASSIVE_LEVEL);
    assert_int_equal(wb_event(FT_EV_CANCEL_UNLOCK, 2)->arg[0], DISPATCH_LEVEL);
}

static void body_with(void)
{
    irp = IoAllocateIrp(1, FALSE);
    CHECK(IoSetCancelRoutine(irp, routine) == NULL);
    claimed = routine;
    CHECK(IoCancelIrp(irp));
    CHECK(claimed == NULL && irp->CancelIrql == PASSIVE_LEVEL);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK(!IoCancelIrp(irp)); /* the routine was used up */
    KeRaiseIrqlToDpcLevel();
    IoSetCancelRoutine(irp, routine);
    CHECK(IoCancelIrp(irp));
    CHECK(irp->CancelIrql == DISPATCH_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeLowerIrql(PASSIVE_LEVEL);
    IoFreeIrp(irp);
}

static void a_cancel_routine_runs_once_with_the_lock_held(void **state)
{
    (void)state;
    wb_body(body_with, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "routine routine");
    assert_int_equal(wb_event(FT_EV_IRP_CANCEL, 1)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_IRP_CANCEL, 2)->arg[1], false);
    assert_int_equal(wb_event(FT_EV_CALL_ENTER, 2)->arg[0], FT_ROUTINE_CANCEL);
    assert_int_equal(wb_event(FT_EV_CANCEL_UNLOCK, 1)->arg[1], true);
}

static void body_exchange(void)
{
    irp = IoAllocateIrp(1, FALSE);
    CHECK(IoSetCancelRoutine(irp, routine) == NULL);
    CHECK(IoSetCancelRoutine(irp, another) == routine);
    CHECK(IoSetCancelRoutine(irp, NULL) == another);
    CHECK(IoSetCancelRoutine(irp, NULL) == NULL);
    CHECK(!IoCancelIrp(irp)); /* it was taken back in time */
    CHECK(IoSetCancelRoutine(irp, another) == NULL);
    CHECK(IoCancelIrp(irp));
    CHECK(IoSetCancelRoutine(irp, NULL) == NULL); /* cancellation has claimed it */
    IoFreeIrp(irp);
}

static void setting_a_routine_is_an_exchange(void **state)
{
    (void)state;
    wb_body(body_exchange, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "another");
    assert_int_equal(wb_event(FT_EV_IRP_SET_CANCEL, 2)->arg[2], true);
    assert_int_equal(wb_event(FT_EV_IRP_SET_CANCEL, 4)->arg[3], false);
    assert_int_equal(wb_last(FT_EV_IRP_SET_CANCEL)->arg[2], false);
    assert_int_equal(wb_last(FT_EV_IRP_SET_CANCEL)->arg[3], true);
}

static void canceller(void *unused)
{
    (void)unused;
    wb_note("cancels");
    CHECK(!IoCancelIrp(irp));
    wb_note("cancelled");
}

static void body_lock(void)
{
    struct ft_task *task = ft_task_spawn(FT_TASK_THREAD, canceller, NULL, 0);
    KIRQL old = 99;

    irp = IoAllocateIrp(1, FALSE);
    IoAcquireCancelSpinLock(&old);
    CHECK(old == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
    ft_task_prefer(task);
    KeStallExecutionProcessor(1);
    CHECK(!irp->Cancel);
    wb_note("releases");
    IoReleaseCancelSpinLock(old);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    ft_task_wait_quiet();
    CHECK(irp->Cancel);
}

static void who_holds_the_cancel_lock_keeps_cancellation_out(void **state)
{
    (void)state;
    wb_body_on(2, body_lock);
    assert_string_equal(wb_notes(), "cancels releases cancelled");
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 1);
}

static void body_lock_twice(void)
{
    KIRQL old;

    IoAcquireCancelSpinLock(&old);
    IoAcquireCancelSpinLock(&old);
    wb_note("never");
}

static void the_cancel_lock_is_not_recursive(void **state)
{
    (void)state;
    wb_body(body_lock_twice, FT_STOP_HANG);
    assert_string_equal(wb_notes(), "");
    assert_int_equal(ft_handle_id(wb_last(FT_EV_LOCK_WAIT)->arg[1]),
                     wb_last(FT_EV_LOCK_WAIT)->task);
}

static void body_release_free(void)
{
    IoReleaseCancelSpinLock(PASSIVE_LEVEL);
}

static void releasing_what_is_not_held_says_so(void **state)
{
    (void)state;
    wb_body(body_release_free, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_CANCEL_UNLOCK)->arg[1], false);
}

static void body_freed(void)
{
    irp = IoAllocateIrp(1, FALSE);
    IoFreeIrp(irp);
    IoCancelIrp(irp);
}

static void cancelling_a_freed_irp_is_bug_check_c9(void **state)
{
    (void)state;
    wb_body(body_freed, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC9);
}

/* ---- requests ---- */

static const struct ft_op read_and_cancel[] = {
    {.kind = FT_OP_READ, .label = 1, .arg = {16, 0}},
    {.kind = FT_OP_CANCEL, .arg = {1, 0}},
};

static void a_cancelled_request_comes_back_cancelled(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){.request = bench_hold}, read_and_cancel, 2);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_IRP_CANCEL, 1)->arg[1], true);
    assert_true(wb_place(FT_EV_IRP_CANCEL, 1) < wb_place(FT_EV_RUN_TAIL, 1));
    assert_int_equal(wb_count(FT_EV_IRP_CANCEL), 1);
    assert_non_null(strstr(wb_notes(), "read cancelled cleanup"));
    /* request 1 is done with STATUS_CANCELLED */
    for (unsigned n = 1; n <= wb_count(FT_EV_IRP_DONE); n++)
        if (wb_event(FT_EV_IRP_DONE, n)->arg[0] == wb_event(FT_EV_IRP_CANCEL, 1)->arg[0])
            assert_int_equal(wb_event(FT_EV_IRP_DONE, n)->arg[1], (uint32_t)STATUS_CANCELLED);
}

static void a_finished_request_cannot_be_cancelled(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){0}, read_and_cancel, 2);
    assert_int_equal(wb_count(FT_EV_IRP_CANCEL), 0);
    assert_int_equal(wb_result()->ops_skipped, 1);
}

static VOID note_device(PDEVICE_OBJECT device, PIRP the_irp)
{
    CHECK(device == the_driver.device);
    IoReleaseCancelSpinLock(the_irp->CancelIrql);
    wb_note("right-device");
    bench_complete(the_irp, STATUS_CANCELLED, 0);
}

static NTSTATUS hold_with_own_routine(PDEVICE_OBJECT device, PIRP the_irp)
{
    (void)device;
    IoMarkIrpPending(the_irp);
    IoSetCancelRoutine(the_irp, note_device);
    return STATUS_PENDING;
}

static void a_cancel_routine_gets_the_device_of_the_current_location(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){.request = hold_with_own_routine}, read_and_cancel, 2);
    assert_non_null(strstr(wb_notes(), "right-device"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancelling_without_a_routine_only_sets_the_bit),
        cmocka_unit_test(a_cancel_routine_runs_once_with_the_lock_held),
        cmocka_unit_test(setting_a_routine_is_an_exchange),
        cmocka_unit_test(who_holds_the_cancel_lock_keeps_cancellation_out),
        cmocka_unit_test(the_cancel_lock_is_not_recursive),
        cmocka_unit_test(releasing_what_is_not_held_says_so),
        cmocka_unit_test(cancelling_a_freed_irp_is_bug_check_c9),
        cmocka_unit_test(a_cancelled_request_comes_back_cancelled),
        cmocka_unit_test(a_finished_request_cannot_be_cancelled),
        cmocka_unit_test(a_cancel_routine_gets_the_device_of_the_current_location),
    };

    return cmocka_run_group_tests_name("cancellation", tests, NULL, NULL);
}
