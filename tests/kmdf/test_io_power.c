/* Power-managed queues: hold, resume, purge, EvtIoStop and its answers (kmdf.md, sections 4.1 and
 * 5.6). */
#include "io_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static WDFQUEUE queue, second;
static WDFREQUEST held[4];
static unsigned held_count;
static enum { NOTHING, COMPLETE, KEEP, GIVE_BACK, COMPLETE_LATER } answer;
static ULONG flags;

static VOID keep(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    wb_note("keep");
    held[held_count++] = request;
}

static void complete_held(void)
{
    wb_note("later");
    WdfRequestComplete(held[0], STATUS_SUCCESS);
}

static VOID on_stop(WDFQUEUE from, WDFREQUEST request, ULONG action)
{
    (void)from;
    wb_note(action & WdfRequestStopActionPurge ? "stop-purge" : "stop");
    flags = action;
    if (answer == COMPLETE)
        WdfRequestComplete(request, STATUS_DEVICE_BUSY);
    else if (answer == KEEP || answer == GIVE_BACK)
        WdfRequestStopAcknowledge(request, answer == GIVE_BACK);
    else
        io_thread(complete_held);
}

static VOID on_resume(WDFQUEUE from, WDFREQUEST request)
{
    CHECK(from == queue && request == held[0]);
    wb_note("resume");
}

static VOID on_cancel(WDFREQUEST request)
{
    wb_note("cancel");
    WdfRequestComplete(request, STATUS_CANCELLED);
}

static void setup(void)
{
    WDF_IO_QUEUE_CONFIG config;

    held_count = 0;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoDefault = keep;
    config.EvtIoStop = on_stop;
    config.EvtIoResume = on_resume;
    CHECK(WdfIoQueueCreate(IO_DEVICE, &config, NULL, &queue) == STATUS_SUCCESS);
    CHECK(ft_wdf_has_managed_queue(io_device));
}

static void hold(void)
{
    uint8_t layer = ft_layer_set(FT_LAYER_FRAMEWORK);

    ft_wdf_queues_hold(io_device);
    ft_layer_set(layer);
    wb_note("held");
}

static void resume(void)
{
    uint8_t layer = ft_layer_set(FT_LAYER_FRAMEWORK);

    ft_wdf_queues_start(io_device);
    ft_layer_set(layer);
    wb_note("started");
}

static void one_body(void)
{
    io_send(IRP_MJ_READ, 4);
    io_send(IRP_MJ_READ, 4);
    hold();
    CHECK(WdfIoQueueGetState(queue, NULL, NULL) & WdfIoQueuePnpHeld);
    resume();
    if (answer != COMPLETE && answer != COMPLETE_LATER)
        WdfRequestComplete(held[answer == GIVE_BACK], STATUS_SUCCESS);
    while (WdfIoQueueGetState(queue, NULL, NULL) != 15)
        WdfRequestComplete(held[held_count - 1], STATUS_SUCCESS);
}

static void run(unsigned what, const char *notes)
{
    answer = what;
    io_bench_body(setup, one_body);
    if (!strstr(wb_notes(), notes))
        print_error("%s\n", wb_notes());
    assert_non_null(strstr(wb_notes(), notes));
    assert_int_equal(flags, WdfRequestStopActionSuspend);
}

static void a_hold_asks_the_driver(void **state)
{
    (void)state;
    run(COMPLETE, "keep stop done:80000011 held keep started done:0");
    run(KEEP, "keep stop held resume started done:0 keep done:0");
    run(GIVE_BACK, "keep stop held keep started done:0 keep done:0");
    run(COMPLETE_LATER, "keep stop later done:0 held keep started done:0");
}

static void plain_setup(void)
{
    held_count = 0;
    queue = io_default_queue(WdfIoQueueDispatchSequential, keep);
}

static void plain_body(void)
{
    io_send(IRP_MJ_READ, 4);
    io_thread(complete_held);
    hold();
    resume();
}

static void without_a_callback_the_hold_waits(void **state)
{
    (void)state;
    io_bench_body(plain_setup, plain_body);
    assert_non_null(strstr(wb_notes(), "keep later done:0 held started"));
}

static void marked_body(void)
{
    answer = COMPLETE_LATER;
    io_send(IRP_MJ_READ, 4);
    WdfRequestMarkCancelable(held[0], on_cancel);
    answer = KEEP;
    hold();
    CHECK(flags == (WdfRequestStopActionSuspend | (ULONG)WdfRequestStopRequestCancelable));
    resume();
    CHECK(WdfRequestUnmarkCancelable(held[0]) == STATUS_SUCCESS);
    WdfRequestComplete(held[0], STATUS_SUCCESS);
}

static void the_flags_say_that_it_is_cancelable(void **state)
{
    (void)state;
    io_bench_body(setup, marked_body);
    assert_non_null(strstr(wb_notes(), "keep stop held resume started done:0"));
}

/* Acknowledged outside of EvtIoStop: noted, and nothing looks at it before the queue moves. */
static void outside_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfRequestStopAcknowledge(held[0], FALSE);
    WdfRequestComplete(held[0], STATUS_SUCCESS);
}

static void an_acknowledgement_outside_is_an_event(void **state)
{
    (void)state;
    io_bench_body(setup, outside_body);
    assert_int_equal(wb_event(FT_EV_WDF_STOP_ACK, 1)->arg[2], 0);
}

static void arrives_body(void)
{
    hold();
    io_send(IRP_MJ_READ, 4);
    wb_note("|");
    resume();
    WdfRequestComplete(held[0], STATUS_SUCCESS);
}

static void what_comes_while_held_waits(void **state)
{
    (void)state;
    io_bench_body(setup, arrives_body);
    assert_non_null(strstr(wb_notes(), "held | keep started done:0"));
}

static void manual_setup(void)
{
    held_count = 0;
    queue = io_default_queue(WdfIoQueueDispatchManual, NULL);
}

static void manual_body(void)
{
    WDFREQUEST request;

    io_send(IRP_MJ_READ, 4);
    hold();
    CHECK(WdfIoQueueRetrieveNextRequest(queue, &request) == STATUS_WDF_PAUSED);
    resume();
    CHECK(WdfIoQueueRetrieveNextRequest(queue, &request) == STATUS_SUCCESS);
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static void a_manual_queue_gives_nothing_while_off(void **state)
{
    (void)state;
    io_bench_body(manual_setup, manual_body);
    assert_int_equal(wb_event(FT_EV_WDF_RETRIEVE, 1)->arg[2], (uint32_t)STATUS_WDF_PAUSED);
}

/* ---- queues that are not power-managed ---- */

static void other_setup(void)
{
    WDF_IO_QUEUE_CONFIG config;

    held_count = 0;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoDefault = keep;
    config.PowerManaged = WdfFalse;
    CHECK(!ft_wdf_has_managed_queue(io_device));
    CHECK(WdfIoQueueCreate(IO_DEVICE, &config, NULL, &queue) == STATUS_SUCCESS);
    CHECK(!ft_wdf_has_managed_queue(io_device));
}

static void other_body(void)
{
    hold();
    io_send(IRP_MJ_READ, 4);
    WdfRequestComplete(held[0], STATUS_SUCCESS);
}

static void other_queues_go_on(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = other_setup, .body = other_body, .asleep = true}, NULL,
                 0);
    assert_non_null(strstr(wb_notes(), "held keep done:0"));
}

/* ---- the device goes ---- */

static void purge_body(void)
{
    answer = COMPLETE;
    io_send(IRP_MJ_READ, 4);
    io_send(IRP_MJ_READ, 4);
}

static void removal_purges(void **state)
{
    (void)state;
    io_bench_body(setup, purge_body);
    assert_non_null(strstr(wb_notes(), "keep"));
    assert_non_null(strstr(wb_notes(), "remove stop done:80000011 done:C0000120"));
}

static void purged_body(void)
{
    uint8_t layer;

    answer = COMPLETE;
    hold();
    layer = ft_layer_set(FT_LAYER_FRAMEWORK);
    ft_wdf_queues_purge(io_device, true);
    ft_layer_set(layer);
    WdfIoQueueStart(queue); /* it cannot be opened again */
    io_send(IRP_MJ_READ, 4);
    CHECK(io_ended.Status == STATUS_INVALID_DEVICE_STATE);
    io_device->in_d0 = 0;
}

static void a_purged_queue_stays_shut(void **state)
{
    (void)state;
    io_bench_body(setup, purged_body);
    assert_int_equal(wb_last(FT_EV_WDF_QUEUED)->arg[3], false);
}

static void purge_owned_body(void)
{
    uint8_t layer;

    answer = KEEP;
    io_send(IRP_MJ_READ, 4);
    hold();
    layer = ft_layer_set(FT_LAYER_FRAMEWORK);
    ft_wdf_queues_purge(io_device, true);
    ft_layer_set(layer);
    wb_note("purged");
    io_device->in_d0 = 0;
    WdfRequestComplete(held[0], STATUS_SUCCESS);
}

static void a_purge_asks_again(void **state)
{
    (void)state;
    io_bench_body(setup, purge_owned_body);
    assert_non_null(strstr(wb_notes(), "keep stop held stop-purge purged done:0"));
}

/* ---- with a whole requester and power manager ---- */

static VOID complete_now(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    wb_note("now");
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static void now_setup(void)
{
    queue = io_default_queue(WdfIoQueueDispatchSequential, complete_now);
    (void)second;
}

static void requests_wait_for_the_device_to_wake(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_POWER_DOWN, .label = 1, .arg = {3}},
        {.kind = FT_OP_READ, .label = 2, .arg = {64, 0}},
        {.kind = FT_OP_POWER_UP, .label = 3},
    };

    (void)state;
    io_bench_run(&(struct io_bench){.setup = now_setup, .power = true}, op, 3);
    assert_non_null(strstr(wb_notes(), "d3 hw-off d0 now"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_asks_the_driver),
        cmocka_unit_test(without_a_callback_the_hold_waits),
        cmocka_unit_test(the_flags_say_that_it_is_cancelable),
        cmocka_unit_test(an_acknowledgement_outside_is_an_event),
        cmocka_unit_test(what_comes_while_held_waits),
        cmocka_unit_test(a_manual_queue_gives_nothing_while_off),
        cmocka_unit_test(other_queues_go_on),
        cmocka_unit_test(removal_purges),
        cmocka_unit_test(a_purged_queue_stays_shut),
        cmocka_unit_test(a_purge_asks_again),
        cmocka_unit_test(requests_wait_for_the_device_to_wake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
