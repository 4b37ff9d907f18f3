/* Cancellation of framework requests in every state (kmdf.md, section 5.3). */
#include "io_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static WDFQUEUE queue, second;
static WDFREQUEST held;

static VOID keep(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    wb_note("keep");
    held = request;
}

static VOID on_canceled(WDFQUEUE from, WDFREQUEST request)
{
    CHECK(from == second);
    wb_note("on-queue");
    WdfRequestComplete(request, STATUS_CANCELLED);
}

static VOID on_cancel(WDFREQUEST request)
{
    CHECK(request == held);
    wb_note("cancel");
    WdfRequestComplete(request, STATUS_CANCELLED);
}

static void setup(void)
{
    WDF_IO_QUEUE_CONFIG config;

    queue = io_default_queue(WdfIoQueueDispatchSequential, keep);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    config.EvtIoCanceledOnQueue = on_canceled;
    CHECK(WdfIoQueueCreate(IO_DEVICE, &config, NULL, &second) == STATUS_SUCCESS);
}

static void waiting_body(void)
{
    PIRP irp;

    io_send(IRP_MJ_READ, 4);
    irp = io_send(IRP_MJ_READ, 4);
    IoCancelIrp(irp);
    wb_note("|");
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void the_framework_completes_what_waits(void **state)
{
    (void)state;
    io_bench_body(setup, waiting_body);
    assert_non_null(strstr(wb_notes(), "keep done:C0000120 | done:0"));
    assert_int_equal(wb_event(FT_EV_WDF_CANCELED, 1)->arg[2], 1);
}

static void presented_body(void)
{
    PIRP irp = io_send(IRP_MJ_READ, 4);

    CHECK(WdfRequestForwardToIoQueue(held, second) == STATUS_SUCCESS);
    IoCancelIrp(irp);
}

static void the_driver_hears_of_what_it_has_had(void **state)
{
    (void)state;
    io_bench_body(setup, presented_body);
    assert_non_null(strstr(wb_notes(), "keep on-queue done:C0000120"));
    assert_int_equal(wb_event(FT_EV_WDF_CANCELED, 1)->arg[2], 2);
}

static void marked_body(void)
{
    PIRP irp = io_send(IRP_MJ_READ, 4);

    CHECK(!WdfRequestIsCanceled(held));
    WdfRequestMarkCancelable(held, on_cancel);
    CHECK(!WdfRequestIsCanceled(held)); /* may not be asked now */
    CHECK(WdfRequestForwardToIoQueue(held, second) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfRequestMarkCancelableEx(held, on_cancel) == STATUS_INVALID_DEVICE_REQUEST);
    IoCancelIrp(irp);
}

static void a_marked_request_is_cancelled_by_its_callback(void **state)
{
    (void)state;
    io_bench_body(setup, marked_body);
    assert_non_null(strstr(wb_notes(), "keep cancel done:C0000120"));
    assert_int_equal(wb_last(FT_EV_WDF_COMPLETE)->arg[4], FT_WDF_CANCELING);
}

static void unmarked_body(void)
{
    PIRP irp = io_send(IRP_MJ_READ, 4);

    CHECK(WdfRequestMarkCancelableEx(held, on_cancel) == STATUS_SUCCESS);
    CHECK(WdfRequestUnmarkCancelable(held) == STATUS_SUCCESS);
    CHECK(WdfRequestUnmarkCancelable(held) == STATUS_CANCELLED); /* it is not marked */
    IoCancelIrp(irp);
    CHECK(WdfRequestIsCanceled(held));
    CHECK(WdfRequestMarkCancelableEx(held, on_cancel) == STATUS_CANCELLED);
    WdfRequestComplete(held, STATUS_CANCELLED);
}

static void marking_with_ex_reports_a_cancelled_request(void **state)
{
    (void)state;
    io_bench_body(setup, unmarked_body);
    assert_non_null(strstr(wb_notes(), "keep done:C0000120"));
    assert_null(strstr(wb_notes(), "cancel"));
}

static void late_body(void)
{
    PIRP irp = io_send(IRP_MJ_READ, 4);

    IoCancelIrp(irp);
    WdfRequestMarkCancelable(held, on_cancel);
    wb_note("marked");
}

static void marking_a_cancelled_request_calls_its_callback(void **state)
{
    (void)state;
    io_bench_body(setup, late_body);
    assert_non_null(strstr(wb_notes(), "keep cancel done:C0000120 marked"));
}

/* ---- the handler runs: the callback waits for it ---- */

static VOID cancel_inside(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    held = request;
    WdfRequestMarkCancelable(request, on_cancel);
    IoCancelIrp(WdfRequestWdmGetIrp(request));
    CHECK(WdfRequestUnmarkCancelable(request) == STATUS_CANCELLED);
    wb_note("returns");
}

static void inside_setup(void)
{
    queue = io_default_queue(WdfIoQueueDispatchSequential, cancel_inside);
}

static void inside_body(void)
{
    io_send(IRP_MJ_READ, 4);
}

static void the_callback_waits_for_the_queue(void **state)
{
    (void)state;
    io_bench_body(inside_setup, inside_body);
    assert_non_null(strstr(wb_notes(), "returns cancel done:C0000120"));
}

static void null_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfRequestMarkCancelable(held, NULL);
}

static void a_callback_is_required(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = setup, .body = null_body, .stop = FT_STOP_BUGCHECK},
                 NULL, 0);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 4);
}

static void stale_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfRequestComplete(held, STATUS_SUCCESS);
    WdfRequestMarkCancelable(held, on_cancel);
}

static void marking_a_completed_request_stops_the_machine(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = setup, .body = stale_body, .stop = FT_STOP_BUGCHECK},
                 NULL, 0);
    assert_int_equal(wb_last(FT_EV_WDF_STALE)->arg[1], FT_WDF_USE_MARK);
}

/* ---- completed although marked, against the contract: the machine stays whole ---- */

static void marked_and_completed_body(void)
{
    PIRP irp = io_send(IRP_MJ_READ, 4);

    (void)irp;
    WdfRequestMarkCancelable(held, on_cancel);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void completing_a_marked_request_is_seen(void **state)
{
    (void)state;
    io_bench_body(setup, marked_and_completed_body);
    assert_int_equal(wb_event(FT_EV_WDF_COMPLETE, 1)->arg[4], FT_WDF_MARKED);
    assert_int_equal(wb_last(FT_EV_IRP_COMPLETE)->arg[4], false); /* no cancel routine left */
}

/* ---- with a whole requester ---- */

static VOID mark(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    held = request;
    if (WdfRequestMarkCancelableEx(request, on_cancel) == STATUS_CANCELLED) {
        wb_note("early");
        WdfRequestComplete(request, STATUS_CANCELLED);
    }
}

static void mark_setup(void)
{
    queue = io_default_queue(WdfIoQueueDispatchSequential, mark);
}

static void the_requester_may_give_up(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {64, 0}},
        {.kind = FT_OP_READ, .label = 2, .arg = {64, 0}},
        {.kind = FT_OP_CANCEL, .label = 3, .arg = {2}},
        {.kind = FT_OP_CANCEL, .label = 4, .arg = {1}},
    };

    (void)state;
    io_bench_run(&(struct io_bench){.setup = mark_setup}, op, 4);
    assert_int_equal(wb_count(FT_EV_WDF_CANCELED), 2);
    assert_int_equal(wb_event(FT_EV_WDF_CANCELED, 1)->arg[2], 1);
    assert_int_equal(wb_event(FT_EV_WDF_CANCELED, 2)->arg[2], 3);
}

/* The cancellation has the request; before the driver hears of it, its handler marks it. */
static void a_cancellation_may_be_late(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {64, 0}},
        {.kind = FT_OP_CANCEL,
         .label = 2,
         .arg = {1},
         .moment = {.target = 1, .point = FT_PT_WDF_CANCELABLE, .count = 1}},
    };

    (void)state;
    io_bench_run(&(struct io_bench){.setup = mark_setup}, op, 2);
    assert_non_null(strstr(wb_notes(), "early"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_framework_completes_what_waits),
        cmocka_unit_test(the_driver_hears_of_what_it_has_had),
        cmocka_unit_test(a_marked_request_is_cancelled_by_its_callback),
        cmocka_unit_test(marking_with_ex_reports_a_cancelled_request),
        cmocka_unit_test(marking_a_cancelled_request_calls_its_callback),
        cmocka_unit_test(the_callback_waits_for_the_queue),
        cmocka_unit_test(a_callback_is_required),
        cmocka_unit_test(marking_a_completed_request_stops_the_machine),
        cmocka_unit_test(completing_a_marked_request_is_seen),
        cmocka_unit_test(the_requester_may_give_up),
        cmocka_unit_test(a_cancellation_may_be_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
