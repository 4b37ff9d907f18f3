/* Ops late-timer and timer-due: timers that come late, or at once. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MS = 10000 /* 100 ns */, LATE = 1, AFTER_ALL, DUE };

#define AT_EVENT(kind_, argument)                                                                  \
    {                                                                                              \
        .kind = FT_OP_##kind_, .moment = {.point = FT_PT_EVENT_SET, .count = 1}, .arg = {          \
            argument                                                                               \
        }                                                                                          \
    }

static KTIMER timer, other;
static KDPC dpc, other_dpc;
static KEVENT event;
static uint64_t began;

static LARGE_INTEGER in_ms(LONGLONG ms)
{
    return (LARGE_INTEGER){.QuadPart = -ms * MS};
}

static VOID note_dpc(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)argument1, (void)argument2;
    wb_note(context);
}

static void set_timers(void)
{
    KeInitializeTimer(&timer);
    KeInitializeTimer(&other);
    KeInitializeDpc(&dpc, note_dpc, "dpc");
    KeInitializeDpc(&other_dpc, note_dpc, "other");
    began = FT_M->now;
    KeSetTimer(&timer, in_ms(10), &dpc);
    KeSetTimer(&other, in_ms(20), &other_dpc);
}

static void run_body(void (*body)(void), const struct ft_op *op, unsigned count)
{
    wb_run(&(struct wb_case){.body = body, .op = op, .op_count = count});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* ---- timer-due ---- */

static void body_due(void)
{
    set_timers();
    KeSetEvent(&event, 0, FALSE);
    wb_note("set");
    CHECK(FT_M->now == began + 10 * MS);
    CHECK(KeCancelTimer(&other) && !KeCancelTimer(&timer));
}

static void a_timer_comes_due_and_its_dpc_goes_next(void **state)
{
    static const struct ft_op op[] = {AT_EVENT(TIMER_DUE, 0)};

    (void)state;
    run_body(body_due, op, 1);
    assert_string_equal(wb_notes(), "dpc set");
    assert_int_equal(wb_event(FT_EV_CHOICE_TIMER, 1)->arg[1], DUE);
    assert_int_equal(wb_event(FT_EV_CHOICE_TIMER, 1)->arg[0],
                     wb_event(FT_EV_TIMER_EXPIRE, 1)->arg[0]);
}

static void body_both_due(void)
{
    set_timers();
    KeSetEvent(&event, 0, FALSE);
    CHECK(FT_M->now == began + 20 * MS);
}

static void what_is_due_before_comes_too(void **state)
{
    static const struct ft_op op[] = {AT_EVENT(TIMER_DUE, 1)};

    (void)state;
    run_body(body_both_due, op, 1);
    assert_string_equal(wb_notes(), "dpc other");
    assert_int_equal(wb_count(FT_EV_CHOICE_TIMER), 1);
    assert_int_equal(wb_count(FT_EV_TIMER_EXPIRE), 2);
}

static void body_none_due(void)
{
    set_timers();
    KeSetEvent(&event, 0, FALSE);
    CHECK(FT_M->now == began);
    KeCancelTimer(&timer);
    KeCancelTimer(&other);
}

static void a_timer_that_is_not_set_cannot_come_due(void **state)
{
    static const struct ft_op op[] = {AT_EVENT(TIMER_DUE, 2)};

    (void)state;
    run_body(body_none_due, op, 1);
    assert_string_equal(wb_notes(), "");
    assert_int_equal(wb_result()->ops_skipped, 1);
    assert_int_equal(wb_count(FT_EV_CHOICE_TIMER), 0);
}

static void body_at_dispatch(void)
{
    KIRQL irql;

    set_timers();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    KeSetEvent(&event, 0, FALSE);
    wb_note("set");
    KeLowerIrql(irql);
    KeDelayExecutionThread(KernelMode, FALSE, &(LARGE_INTEGER){.QuadPart = -1});
    KeCancelTimer(&other);
}

static void one_processor(struct ft_platform *platform)
{
    platform->processors = 0;
}

static void a_dpc_that_may_not_run_waits(void **state)
{
    static const struct ft_op op[] = {AT_EVENT(TIMER_DUE, 0)};

    (void)state;
    wb_run(&(struct wb_case){
        .body = body_at_dispatch, .op = op, .op_count = 1, .adjust = one_processor});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "set dpc");
    assert_int_equal(wb_count(FT_EV_TIMER_EXPIRE), 1);
}

/* ---- late-timer: timers come due because time passes, here by timer-due ---- */

static NTSTATUS hold_with_timer(PDEVICE_OBJECT device, PIRP irp)
{
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, note_dpc, "dpc");
    KeSetTimer(&timer, in_ms(10), &dpc);
    return bench_hold(device, irp);
}

#define READ_OP                                                                                    \
    {                                                                                              \
        .kind = FT_OP_READ, .label = 1, .arg = { 16, 0 }                                           \
    }

static const struct bench_driver holding = {.request = hold_with_timer};

static const char *notes_of(const struct bench_driver *how, const struct ft_op *op, unsigned count)
{
    bench_driver_run(how, op, count);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_result()->ops_skipped, 0);
    return wb_notes();
}

static void a_late_timer_comes_after_the_next_op(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_TIMER_LATE},
                                      READ_OP,
                                      {.kind = FT_OP_TIMER_DUE},
                                      {.kind = FT_OP_CANCEL, .arg = {1}}};

    (void)state;
    assert_non_null(strstr(notes_of(&holding, op + 1, 3), "read dpc cancelled"));
    assert_int_equal(wb_count(FT_EV_CHOICE_TIMER), 1);
    assert_non_null(strstr(notes_of(&holding, op, 4), "read cancelled dpc"));
    assert_int_equal(wb_count(FT_EV_CHOICE_TIMER), 3);
    assert_int_equal(wb_event(FT_EV_CHOICE_TIMER, 2)->arg[1], LATE);
    assert_int_equal(wb_event(FT_EV_CHOICE_TIMER, 3)->arg[1], AFTER_ALL);
    assert_true(wb_place(FT_EV_CHOICE_TIMER, 3) < wb_place(FT_EV_TIMER_EXPIRE, 1));
}

static void a_late_timer_comes_before_the_end_when_no_op_is_left(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_TIMER_LATE}, READ_OP, {.kind = FT_OP_TIMER_DUE}};

    (void)state;
    assert_non_null(strstr(notes_of(&holding, op, 3), "read dpc cancelled"));
    assert_true(wb_place(FT_EV_CHOICE_TIMER, 3) < wb_place(FT_EV_RUN_TAIL, 1));
}

static VOID cancel_timer_too(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    CHECK(KeCancelTimer(&timer)); /* it has not expired yet */
    bench_complete(irp, STATUS_CANCELLED, 0);
}

static NTSTATUS hold_and_cancel_timer(PDEVICE_OBJECT device, PIRP irp)
{
    NTSTATUS status = hold_with_timer(device, irp);

    IoSetCancelRoutine(irp, cancel_timer_too);
    return status;
}

static void a_late_timer_can_be_cancelled(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_TIMER_LATE},
                                      READ_OP,
                                      {.kind = FT_OP_TIMER_DUE},
                                      {.kind = FT_OP_CANCEL, .arg = {1}}};

    (void)state;
    assert_null(
        strstr(notes_of(&(struct bench_driver){.request = hold_and_cancel_timer}, op, 4), "dpc"));
    assert_int_equal(wb_count(FT_EV_TIMER_EXPIRE), 0);
    assert_int_equal(wb_count(FT_EV_CHOICE_TIMER), 2);
}

static void body_late_in_start(void)
{
    set_timers();
    KeCancelTimer(&other);
    KeSetEvent(&event, 0, FALSE);
    CHECK(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
    CHECK(!KeSetTimer(&timer, in_ms(5), NULL));
    CHECK(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
    CHECK(FT_M->now == began + 15 * MS);
}

static void who_waits_for_a_late_timer_is_not_stuck(void **state)
{
    static const struct ft_op op[] = {AT_EVENT(TIMER_LATE, 0)};

    (void)state;
    run_body(body_late_in_start, op, 1);
    assert_string_equal(wb_notes(), "dpc");
    assert_int_equal(wb_count(FT_EV_CHOICE_TIMER), 2); /* the second setting was in time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_comes_due_and_its_dpc_goes_next),
        cmocka_unit_test(what_is_due_before_comes_too),
        cmocka_unit_test(a_timer_that_is_not_set_cannot_come_due),
        cmocka_unit_test(a_dpc_that_may_not_run_waits),
        cmocka_unit_test(a_late_timer_comes_after_the_next_op),
        cmocka_unit_test(a_late_timer_comes_before_the_end_when_no_op_is_left),
        cmocka_unit_test(a_late_timer_can_be_cancelled),
        cmocka_unit_test(who_waits_for_a_late_timer_is_not_stuck),
    };

    return cmocka_run_group_tests_name("timer-ops", tests, NULL, NULL);
}
