/* Ops lower-fails and lower-pends: the bus driver fails or pends the next request that it may. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum kind { ANY, PNP, POWER, OTHER };
enum how { SOON, AT_DISPATCH, WHEN_QUIET, QUIET_AT_DISPATCH };

#define OP(kind_)                                                                                  \
    {                                                                                              \
        .kind = FT_OP_##kind_                                                                      \
    }
#define FAILS(status, what)                                                                        \
    {                                                                                              \
        .kind = FT_OP_LOWER_FAILS, .arg = { status, what }                                         \
    }
#define PENDS(how, what)                                                                           \
    {                                                                                              \
        .kind = FT_OP_LOWER_PENDS, .arg = { how, what }                                            \
    }
#define READ_OP                                                                                    \
    {                                                                                              \
        .kind = FT_OP_READ, .arg = { 16, 0 }                                                       \
    }

static const struct bench_driver sound;

static const char *run(const struct bench_driver *how, const struct ft_op *op, unsigned count)
{
    bench_driver_run(how, op, count);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_result()->ops_skipped, 0);
    return wb_notes();
}

static void check_contains(const char *notes, const char *part)
{
    if (!strstr(notes, part))
        fail_msg("no \"%s\" in \"%s\"", part, notes);
}

/* The status with which the first request of that minor code ended. */
static uint32_t pnp_status(unsigned minor, unsigned n)
{
    for (unsigned i = 1; i <= wb_count(FT_EV_PNP_DONE); i++)
        if (wb_event(FT_EV_PNP_DONE, i)->arg[1] == minor && --n == 0)
            return (uint32_t)wb_event(FT_EV_PNP_DONE, i)->arg[2];
    return 0x7FFFFFFF;
}

/* ---- failing ---- */

static void a_start_that_the_bus_fails_gives_no_resources(void **state)
{
    static const struct ft_op op[] = {OP(STOP), FAILS(2, PNP), OP(RESTART)};

    (void)state;
    check_contains(run(&sound, op, 3), "stop hw-off start surprise cleanup close remove unload");
    assert_int_equal(pnp_status(IRP_MN_START_DEVICE, 2), (uint32_t)STATUS_NO_SUCH_DEVICE);
    assert_int_equal(wb_count(FT_EV_MAP_IO), 1); /* of the first start */
    assert_int_equal(wb_event(FT_EV_CHOICE_LOWER_FAILS, 1)->arg[1],
                     (uint32_t)STATUS_NO_SUCH_DEVICE);
    assert_int_equal(wb_event(FT_EV_CHOICE_LOWER_FAILS, 1)->arg[2],
                     (unsigned)IRP_MJ_PNP << 8 | IRP_MN_START_DEVICE);
}

static void the_bus_vetoes_a_stop_and_a_removal(void **state)
{
    static const struct ft_op op[] = {FAILS(5, ANY), OP(STOP), FAILS(0, ANY), OP(REMOVE)};

    (void)state;
    check_contains(run(&sound, op, 4), "query-stop cancel-stop");
    check_contains(wb_notes(), "query-remove cancel-remove create"); /* its user comes back */
    assert_int_equal(pnp_status(IRP_MN_QUERY_STOP_DEVICE, 1), (uint32_t)STATUS_DEVICE_BUSY);
    assert_int_equal(pnp_status(IRP_MN_QUERY_REMOVE_DEVICE, 1), (uint32_t)STATUS_UNSUCCESSFUL);
}

static void each_status_of_the_table_is_met(void **state)
{
    static const NTSTATUS expected[] = {
        STATUS_UNSUCCESSFUL,   STATUS_INSUFFICIENT_RESOURCES,
        STATUS_NO_SUCH_DEVICE, STATUS_DEVICE_NOT_READY,
        STATUS_IO_TIMEOUT,     STATUS_DEVICE_BUSY,
        STATUS_NOT_SUPPORTED,  STATUS_DEVICE_POWER_FAILURE,
    };

    (void)state;
    for (uint16_t i = 0; i < 8; i++) {
        const struct ft_op op[] = {FAILS(i, POWER), OP(QUERY_POWER)};

        run(&sound, op, 2);
        assert_int_equal(wb_event(FT_EV_POWER_DONE, 1)->arg[1], IRP_MN_QUERY_POWER);
        assert_int_equal(wb_event(FT_EV_POWER_DONE, 1)->arg[2], (uint32_t)expected[i]);
    }
}

/* The choice waits for a request that may fail: a power-down may not. */
static void only_a_power_up_may_fail_and_the_device_stays_off(void **state)
{
    static const struct ft_op op[] = {FAILS(7, POWER), OP(POWER_DOWN), OP(POWER_UP)};

    (void)state;
    check_contains(run(&sound, op, 3), "d3 hw-off d0 d0 cleanup"); /* the end powers it up */
    assert_int_equal(wb_event(FT_EV_POWER_DONE, 1)->arg[2], (uint32_t)STATUS_SUCCESS);
    assert_int_equal(wb_event(FT_EV_POWER_DONE, 2)->arg[2], (uint32_t)STATUS_DEVICE_POWER_FAILURE);
    assert_int_equal(wb_event(FT_EV_POWER_DONE, 2)->arg[3], FT_D3);
    assert_int_equal(wb_event(FT_EV_POWER_DONE, 3)->arg[3], FT_D0);
    assert_int_equal(wb_count(FT_EV_CHOICE_LOWER_FAILS), 1);
}

static void what_takes_the_device_away_never_fails(void **state)
{
    static const struct ft_op op[] = {FAILS(0, ANY), OP(SURPRISE_REMOVE)};

    (void)state;
    run(&sound, op, 2);
    assert_int_equal(pnp_status(IRP_MN_SURPRISE_REMOVAL, 1), (uint32_t)STATUS_SUCCESS);
    assert_int_equal(pnp_status(IRP_MN_REMOVE_DEVICE, 1), (uint32_t)STATUS_SUCCESS);
    assert_int_equal(wb_count(FT_EV_CHOICE_LOWER_FAILS), 0);
}

static void only_a_file_that_comes_may_be_refused(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_USAGE, .arg = {1, 1}},
        FAILS(6, PNP),
        {.kind = FT_OP_USAGE, .arg = {1, 0}},
        {.kind = FT_OP_USAGE, .arg = {2, 1}},
    };

    (void)state;
    run(&sound, op, 4);
    assert_int_equal(wb_event(FT_EV_USAGE, 2)->arg[3], (uint32_t)STATUS_SUCCESS);
    assert_int_equal(wb_event(FT_EV_USAGE, 3)->arg[3], (uint32_t)STATUS_NOT_SUPPORTED);
}

static NTSTATUS pass_request_down(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    return bench_pass_down(irp);
}

static void a_request_of_another_kind_is_left_alone(void **state)
{
    static const struct ft_op op[] = {FAILS(4, OTHER), OP(QUERY_POWER), READ_OP};

    (void)state;
    run(&(struct bench_driver){.request = pass_request_down}, op, 3);
    assert_int_equal(wb_event(FT_EV_POWER_DONE, 1)->arg[2], (uint32_t)STATUS_SUCCESS);
    assert_int_equal(wb_event(FT_EV_CHOICE_LOWER_FAILS, 1)->arg[2], (unsigned)IRP_MJ_READ << 8);
    assert_int_equal(wb_event(FT_EV_CHOICE_LOWER_FAILS, 1)->arg[1], (uint32_t)STATUS_IO_TIMEOUT);
    assert_int_equal(wb_last(FT_EV_DATA_COMPARE)->arg[1], 0); /* nothing was delivered */
}

static void a_choice_that_met_nothing_ends_with_the_ops(void **state)
{
    static const struct ft_op op[] = {FAILS(0, ANY), PENDS(SOON, ANY)};

    (void)state;
    check_contains(run(&sound, op, 2), "query-remove remove hw-off unload");
    assert_int_equal(wb_count(FT_EV_CHOICE_LOWER_FAILS), 0);
    assert_int_equal(wb_count(FT_EV_CHOICE_LOWER_PENDS), 0);
}

/* ---- pending ---- */

static NTSTATUS tell(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device;
    wb_note(KeGetCurrentIrql() == DISPATCH_LEVEL ? "back-at-dispatch" : "back");
    CHECK(irp->PendingReturned);
    KeSetEvent(context, 0, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static BOOLEAN also_a_thread;

static VOID other_thread(PVOID context)
{
    (void)context;
    wb_note("thread");
}

static void start_a_thread(void)
{
    HANDLE thread;

    CHECK(PsCreateSystemThread(&thread, 0, NULL, NULL, NULL, other_thread, NULL) == STATUS_SUCCESS);
    ZwClose(thread);
}

/* Passes it down, waits, and completes it with what the bus said. */
static NTSTATUS forward_and_wait(PIRP irp)
{
    KEVENT done;
    NTSTATUS status;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, tell, &done, TRUE, TRUE, TRUE);
    status = IoCallDriver(the_driver.below, irp);
    CHECK(status == STATUS_PENDING);
    wb_note(FT_M->io.first.decodes ? "on" : "off");
    if (also_a_thread)
        start_a_thread();
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    wb_note(FT_M->io.first.decodes ? "on" : "off");
    return bench_complete(irp, irp->IoStatus.Status, 0);
}

static bool wait_for_restart(PIRP irp, NTSTATUS *status)
{
    if (IoGetCurrentIrpStackLocation(irp)->MinorFunction != IRP_MN_START_DEVICE ||
        the_driver.starts == 0)
        return false;
    *status = forward_and_wait(irp);
    return true;
}

static const struct bench_driver waiting = {.pnp = wait_for_restart};

static void a_pended_start_takes_effect_when_it_is_completed(void **state)
{
    (void)state;
    for (uint16_t how = SOON; how <= QUIET_AT_DISPATCH; how++) {
        const struct ft_op op[] = {OP(STOP), PENDS(how, PNP), OP(RESTART)};

        check_contains(run(&waiting, op, 3),
                       how & AT_DISPATCH ? "start off back-at-dispatch on" : "start off back on");
        assert_int_equal(pnp_status(IRP_MN_START_DEVICE, 2), (uint32_t)STATUS_SUCCESS);
        assert_int_equal(wb_event(FT_EV_CHOICE_LOWER_PENDS, 1)->arg[1], how);
    }
}

static void a_request_held_until_the_machine_is_quiet_lets_all_else_go_first(void **state)
{
    static const struct ft_op soon[] = {OP(STOP), PENDS(SOON, PNP), OP(RESTART)};
    static const struct ft_op late[] = {OP(STOP), PENDS(WHEN_QUIET, PNP), OP(RESTART)};

    (void)state;
    also_a_thread = TRUE;
    check_contains(run(&waiting, soon, 3), "off back on thread");
    check_contains(run(&waiting, late, 3), "off thread back on");
    also_a_thread = FALSE;
}

static void a_request_may_be_pended_and_fail_later(void **state)
{
    static const struct ft_op op[] = {OP(STOP), PENDS(AT_DISPATCH, PNP), FAILS(4, PNP),
                                      OP(RESTART)};

    (void)state;
    check_contains(run(&waiting, op, 4), "start off back-at-dispatch off surprise");
    assert_int_equal(pnp_status(IRP_MN_START_DEVICE, 2), (uint32_t)STATUS_IO_TIMEOUT);
    assert_true(wb_place(FT_EV_CHOICE_LOWER_PENDS, 1) < wb_place(FT_EV_CHOICE_LOWER_FAILS, 1));
}

static void a_pended_power_request_changes_the_power_later(void **state)
{
    static const struct ft_op op[] = {PENDS(SOON, POWER), OP(POWER_DOWN), PENDS(WHEN_QUIET, POWER),
                                      OP(POWER_UP)};

    (void)state;
    check_contains(run(&sound, op, 4), "d3 hw-off d0 cleanup");
    for (unsigned i = 1; i <= 2; i++) {
        assert_int_equal(wb_event(FT_EV_POWER_DONE, i)->arg[1], IRP_MN_SET_POWER);
        assert_int_equal(wb_event(FT_EV_POWER_DONE, i)->arg[2], (uint32_t)STATUS_SUCCESS);
    }
    assert_true(wb_place(FT_EV_CHOICE_LOWER_PENDS, 1) < wb_place(FT_EV_POWER_HW, 2));
    assert_int_equal(wb_count(FT_EV_CHOICE_LOWER_PENDS), 2);
}

static void a_removal_is_never_pended(void **state)
{
    static const struct ft_op op[] = {PENDS(SOON, ANY), OP(SURPRISE_REMOVE)};

    (void)state;
    run(&sound, op, 2);
    assert_int_equal(wb_count(FT_EV_CHOICE_LOWER_PENDS), 0);
}

static const struct ft_event *completion_of(uint64_t irp)
{
    unsigned i = 1;

    while (i < wb_count(FT_EV_IRP_COMPLETE) && wb_event(FT_EV_IRP_COMPLETE, i)->arg[0] != irp)
        i++;
    return wb_event(FT_EV_IRP_COMPLETE, i);
}

/* A request that went down pended is the requester's until it comes back. */
static void another_request_is_pended_too(void **state)
{
    static const struct ft_op op[] = {PENDS(QUIET_AT_DISPATCH, OTHER), READ_OP};

    (void)state;
    run(&(struct bench_driver){.request = pass_request_down}, op, 2);
    assert_int_equal(wb_count(FT_EV_CHOICE_LOWER_PENDS), 1);
    assert_int_equal(completion_of(wb_event(FT_EV_CHOICE_LOWER_PENDS, 1)->arg[0])->irql,
                     DISPATCH_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_that_the_bus_fails_gives_no_resources),
        cmocka_unit_test(the_bus_vetoes_a_stop_and_a_removal),
        cmocka_unit_test(each_status_of_the_table_is_met),
        cmocka_unit_test(only_a_power_up_may_fail_and_the_device_stays_off),
        cmocka_unit_test(what_takes_the_device_away_never_fails),
        cmocka_unit_test(only_a_file_that_comes_may_be_refused),
        cmocka_unit_test(a_request_of_another_kind_is_left_alone),
        cmocka_unit_test(a_choice_that_met_nothing_ends_with_the_ops),
        cmocka_unit_test(a_pended_start_takes_effect_when_it_is_completed),
        cmocka_unit_test(a_request_held_until_the_machine_is_quiet_lets_all_else_go_first),
        cmocka_unit_test(a_request_may_be_pended_and_fail_later),
        cmocka_unit_test(a_pended_power_request_changes_the_power_later),
        cmocka_unit_test(a_removal_is_never_pended),
        cmocka_unit_test(another_request_is_pended_too),
    };

    return cmocka_run_group_tests_name("lower", tests, NULL, NULL);
}
