/* Queues of a whole framework device: requests, power and idling together. */
#include "wdf_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static WDFREQUEST held;

static VOID on_cancel(WDFREQUEST request)
{
    wb_note("cancel");
    WdfRequestComplete(request, STATUS_CANCELLED);
}

static VOID keep(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    (void)queue;
    (void)length;
    wb_note("keep");
    held = request;
    if (WdfRequestMarkCancelableEx(request, on_cancel) == STATUS_CANCELLED)
        WdfRequestComplete(request, STATUS_CANCELLED);
}

static VOID give_back(WDFQUEUE queue, WDFREQUEST request, ULONG flags)
{
    (void)queue;
    wb_note(flags & WdfRequestStopRequestCancelable ? "stop-cancelable" : "stop-plain");
    if (WdfRequestUnmarkCancelable(request) == STATUS_SUCCESS)
        WdfRequestStopAcknowledge(request, TRUE);
}

static NTSTATUS make_queue(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoRead = keep;
    config.EvtIoStop = give_back;
    return WdfIoQueueCreate(device, &config, NULL, NULL);
}

static NTSTATUS make_idle_queue(WDFDEVICE device)
{
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&settings, IdleCannotWakeFromS0);
    settings.IdleTimeout = 10;
    CHECK(WdfDeviceAssignS0IdleSettings(device, &settings) == STATUS_SUCCESS);
    return make_queue(device);
}

static void run(NTSTATUS (*add)(WDFDEVICE device), const struct ft_op *op, unsigned op_count,
                const char *notes)
{
    wdf_bench_run(&(struct wdf_bench){.add = add, .flags = WDF_BENCH_QUIET}, op, op_count);
    if (!strstr(wb_notes(), notes))
        print_error("%s\n", wb_notes());
    assert_non_null(strstr(wb_notes(), notes));
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static void a_busy_queue_keeps_the_device_awake(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {64, 0}},
        {.kind = FT_OP_CANCEL, .label = 2, .arg = {1}},
    };

    (void)state;
    run(make_idle_queue, op, 2, "keep cancel");
}

/* What is given back on the way down is delivered again on the way up. */
static void a_request_survives_a_power_down(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {64, 0}},
        {.kind = FT_OP_SLEEP, .label = 2, .arg = {3}},
        {.kind = FT_OP_WAKE, .label = 3},
        {.kind = FT_OP_CANCEL, .label = 4, .arg = {1}},
    };

    (void)state;
    run(make_queue, op, 4, "keep suspend stop-cancelable");
    assert_non_null(strstr(wb_notes(), "keep restart cancel"));
}

static void removal_cancels_what_is_marked(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {64, 0}},
        {.kind = FT_OP_YANK, .label = 2},
        {.kind = FT_OP_SURPRISE_REMOVE, .label = 3},
    };

    (void)state;
    run(make_queue, op, 3, "keep hw-yanked surprise suspend stop-cancelable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_queue_keeps_the_device_awake),
        cmocka_unit_test(a_request_survives_a_power_down),
        cmocka_unit_test(removal_cancels_what_is_marked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
