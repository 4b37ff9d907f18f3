/* The orderly end of a run (design, section 9): its order, and what cannot be brought to an end. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define READ_OP                                                                                    \
    {                                                                                              \
        .kind = FT_OP_READ, .label = 1, .arg = { 16, 0 }                                           \
    }
#define OP(kind_)                                                                                  \
    {                                                                                              \
        .kind = FT_OP_##kind_                                                                      \
    }

static const char *after_tail(const struct bench_driver *how, const struct ft_op *op,
                              unsigned count, enum ft_stop stop)
{
    bench_driver_run(how, op, count);
    assert_int_equal(wb_result()->stop, stop);
    return wb_notes();
}

/* In the order in which they must come. */
static void in_order(const enum ft_event_kind *kind, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_true(wb_place(kind[i], 1) >= 0);
        if (i > 0)
            assert_true(wb_place(kind[i - 1], 1) < wb_place(kind[i], 1));
    }
}

static void a_pending_request_is_cancelled_before_cleanup_and_close(void **state)
{
    static const struct ft_op op[] = {READ_OP};
    static const enum ft_event_kind order[] = {FT_EV_RUN_STARTED,     FT_EV_RUN_TAIL,
                                               FT_EV_IRP_CANCEL,      FT_EV_DEVICE_DELETE,
                                               FT_EV_DRIVER_UNLOADED, FT_EV_RUN_END};

    (void)state;
    assert_string_equal(
        after_tail(&(struct bench_driver){.request = bench_hold}, op, 1, FT_STOP_NONE),
        "start create read cancelled cleanup close query-remove remove hw-off unload");
    in_order(order, sizeof order / sizeof *order);
    assert_int_equal(wb_last(FT_EV_RUN_END)->arg[0], true);
    assert_int_equal(wb_last(FT_EV_DRIVER_UNLOADED)->arg[0], 0);
    assert_int_equal(wb_place(FT_EV_RUN_END, 1), (long)wb_result()->event_count - 1);
}

static void a_request_nobody_ends_is_a_hang_after_the_device_was_pulled(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    assert_string_equal(
        after_tail(&(struct bench_driver){.request = bench_swallow}, op, 1, FT_STOP_HANG),
        "start create read cleanup hw-yanked surprise");
    assert_int_equal(wb_last(FT_EV_RUN_HANG)->arg[0], 2);
    assert_int_equal(wb_count(FT_EV_IRP_CANCEL), 1);
    assert_int_equal(wb_last(FT_EV_IRP_CANCEL)->arg[1], false);
}

static void power_and_resources_come_back_before_the_end(void **state)
{
    static const struct ft_op down[] = {READ_OP, OP(POWER_DOWN)};
    static const struct ft_op stopped[] = {READ_OP, OP(STOP)};
    static const struct bench_driver holding = {.request = bench_hold};

    (void)state;
    assert_non_null(strstr(after_tail(&holding, down, 2, FT_STOP_NONE),
                           "d3 hw-off d0 cancelled cleanup close query-remove"));
    assert_non_null(strstr(after_tail(&holding, stopped, 2, FT_STOP_NONE),
                           "stop hw-off start cancelled cleanup close query-remove"));
}

static void a_yanked_device_is_reported_and_never_asked(void **state)
{
    static const struct ft_op op[] = {OP(YANK)};

    (void)state;
    assert_string_equal(after_tail(&(struct bench_driver){0}, op, 1, FT_STOP_NONE),
                        "start create hw-yanked surprise cleanup close remove unload");
}

static void a_driver_without_unload_stays(void **state)
{
    (void)state;
    assert_string_equal(
        after_tail(&(struct bench_driver){.no_unload = TRUE}, NULL, 0, FT_STOP_NONE),
        "start create cleanup close query-remove remove hw-off");
    assert_int_equal(wb_last(FT_EV_RUN_END)->arg[0], false);
}

/* ---- the fair drain ---- */

static KTIMER timer;
static KDPC dpc;
static PIRP waiting;

static VOID complete_it(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)context, (void)argument1, (void)argument2;
    wb_note("timer");
    if (waiting)
        bench_complete(waiting, STATUS_SUCCESS, 0);
    waiting = NULL;
}

static LONGLONG delay_seconds;

static NTSTATUS complete_later(PDEVICE_OBJECT device, PIRP irp)
{
    LARGE_INTEGER due = {.QuadPart = -delay_seconds * 10000000};

    (void)device;
    IoMarkIrpPending(irp);
    waiting = irp;
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, complete_it, NULL);
    KeSetTimer(&timer, due, &dpc);
    return STATUS_PENDING;
}

static void what_comes_in_time_is_waited_for_and_not_cancelled(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    delay_seconds = 20;
    assert_string_equal(
        after_tail(&(struct bench_driver){.request = complete_later}, op, 1, FT_STOP_NONE),
        "start create read timer cleanup close query-remove remove hw-off unload");
    assert_int_equal(wb_count(FT_EV_IRP_CANCEL), 0);
}

static VOID tick(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)context, (void)argument1, (void)argument2;
}

static NTSTATUS swallow_and_tick(PDEVICE_OBJECT device, PIRP irp)
{
    LARGE_INTEGER due = {.QuadPart = -10000000};

    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, tick, NULL);
    KeSetTimerEx(&timer, due, 1000, &dpc);
    return bench_swallow(device, irp);
}

static void the_drain_ends_though_a_periodic_timer_never_does(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    after_tail(&(struct bench_driver){.request = swallow_and_tick}, op, 1, FT_STOP_HANG);
    assert_int_equal(wb_last(FT_EV_RUN_HANG)->arg[0], 2);
    assert_in_range(wb_count(FT_EV_TIMER_EXPIRE), 60, 1000);
}

static NTSTATUS stuck_in_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    static KEVENT never;

    (void)device, (void)irp;
    KeInitializeEvent(&never, NotificationEvent, FALSE);
    KeWaitForSingleObject(&never, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

static void a_task_that_waits_for_ever_is_a_hang(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    assert_string_equal(
        after_tail(&(struct bench_driver){.request = stuck_in_dispatch}, op, 1, FT_STOP_HANG),
        "start create read");
    assert_int_equal(wb_last(FT_EV_RUN_HANG)->arg[0], 1);
}

static NTSTATUS damage(PDEVICE_OBJECT device, PIRP irp)
{
    volatile char *block = ExAllocatePoolWithTag(NonPagedPoolNx, 32, 1);

    (void)device;
    ft_raw_fill((void *)(block + 32), 0, 1);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void the_end_checks_every_guard(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    after_tail(&(struct bench_driver){.request = damage}, op, 1, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_POOL_DAMAGE), 1);
    assert_int_equal(wb_place(FT_EV_POOL_DAMAGE, 1), wb_place(FT_EV_RUN_END, 1) - 1);
}

static NTSTATUS loop(PDEVICE_OBJECT device, PIRP irp)
{
    while (the_driver.device == device) /* for ever */
        KeStallExecutionProcessor(1);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_run_past_its_step_limit_is_cut(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    the_driver = (struct bench_driver){.request = loop};
    wb_run(&(struct wb_case){
        .entry = bench_driver_entry, .op = op, .op_count = 1, .step_limit = 5000});
    assert_int_equal(wb_result()->stop, FT_STOP_CUT);
    assert_int_equal(wb_last(FT_EV_RUN_CUT)->arg[0], 5001);
}

static void twice_as_many(struct ft_platform *platform)
{
    platform->longer = 1;
}

static void a_longer_run_is_cut_later(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    the_driver = (struct bench_driver){.request = loop};
    wb_run(&(struct wb_case){
        .entry = bench_driver_entry, .op = op, .op_count = 1, .adjust = twice_as_many});
    assert_int_equal(wb_result()->stop, FT_STOP_CUT);
    assert_int_equal(wb_result()->steps, 2 * FT_STEP_LIMIT + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pending_request_is_cancelled_before_cleanup_and_close),
        cmocka_unit_test(a_request_nobody_ends_is_a_hang_after_the_device_was_pulled),
        cmocka_unit_test(power_and_resources_come_back_before_the_end),
        cmocka_unit_test(a_yanked_device_is_reported_and_never_asked),
        cmocka_unit_test(a_driver_without_unload_stays),
        cmocka_unit_test(what_comes_in_time_is_waited_for_and_not_cancelled),
        cmocka_unit_test(the_drain_ends_though_a_periodic_timer_never_does),
        cmocka_unit_test(a_task_that_waits_for_ever_is_a_hang),
        cmocka_unit_test(the_end_checks_every_guard),
        cmocka_unit_test(a_run_past_its_step_limit_is_cut),
        cmocka_unit_test(a_longer_run_is_cut_later),
    };

    return cmocka_run_group_tests_name("tail", tests, NULL, NULL);
}
