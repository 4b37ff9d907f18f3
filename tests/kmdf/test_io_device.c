/* Queues of a whole framework device: requests, power and idling together. Every run is judged, and
 * no rule may find anything: neither about this driver, nor about the framework. */
#include "wdf_bench.h"

#include "rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct ft_rules *rules;

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

static bool judge(void *state, const struct ft_event *event)
{
    (void)state;
    if (event->kind == FT_EV_RUN_BEGIN)
        ft_rules_init(rules, true, 0);
    return ft_rules_event(rules, event);
}

static void check_verdict(void)
{
    struct ft_verdict verdict = {0};

    ft_rules_verdict(rules, &verdict);
    for (unsigned i = 0; i < verdict.finding_count; i++)
        print_error("%s at event %llu\n", ft_rule_by_number(verdict.finding[i].rule)->id,
                    (unsigned long long)verdict.finding[i].event);
    assert_int_equal(verdict.finding_count, 0);
    free(rules);
}

static void run(NTSTATUS (*add)(WDFDEVICE device), const struct ft_op *op, unsigned op_count,
                const char *notes)
{
    rules = calloc(1, ft_rules_state_bytes());
    assert_non_null(rules);
    the_wdf = (struct wdf_bench){.add = add, .flags = WDF_BENCH_QUIET};
    wb_run(
        &(struct wb_case){.entry = wdf_bench_entry, .op = op, .op_count = op_count, .tap = judge});
    if (!strstr(wb_notes(), notes))
        print_error("%s\n", wb_notes());
    assert_non_null(strstr(wb_notes(), notes));
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    check_verdict();
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

/* ---- races: an op at every moment of a request's life ---- */

static const enum ft_point moments[] = {
    FT_PT_CALL_ENTER, FT_PT_CALL_LEAVE,    FT_PT_WDF_CANCELABLE,   FT_PT_WDF_CANCELABLE_OUT,
    FT_PT_WDF_CANCEL, FT_PT_WDF_COMPLETE,  FT_PT_WDF_COMPLETE_OUT, FT_PT_WDF_HOLD,
    FT_PT_WDF_QUEUE,  FT_PT_WDF_QUEUE_OUT,
};

/* A work item of the device's completes what the handler marked, unless the cancellation has it.
 * Its reference keeps the handle alive until it has asked. */
static WDFREQUEST pending;

static VOID finish(WDFWORKITEM item)
{
    WDFREQUEST request = pending;

    (void)item;
    pending = NULL;
    if (!request)
        return;
    if (WdfRequestUnmarkCancelable(request) == STATUS_SUCCESS)
        WdfRequestComplete(request, STATUS_SUCCESS);
    WdfObjectDereference(request);
}

static WDFWORKITEM worker;

static VOID on_cancel_pending(WDFREQUEST request)
{
    bool alone = pending == request;

    if (alone)
        pending = NULL;
    WdfRequestComplete(request, STATUS_CANCELLED);
    if (alone)
        WdfObjectDereference(request);
}

static VOID read_later(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    (void)queue;
    (void)length;
    WdfObjectReference(request);
    if (WdfRequestMarkCancelableEx(request, on_cancel_pending) == STATUS_CANCELLED) {
        WdfRequestComplete(request, STATUS_CANCELLED);
        WdfObjectDereference(request);
        return;
    }
    pending = request;
    WdfWorkItemEnqueue(worker);
}

static NTSTATUS make_worker_queue(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG work;
    WDF_IO_QUEUE_CONFIG config;

    pending = NULL;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    WDF_WORKITEM_CONFIG_INIT(&work, finish);
    work.AutomaticSerialization = FALSE;
    CHECK(WdfWorkItemCreate(&work, &attributes, &worker) == STATUS_SUCCESS);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoRead = read_later;
    return WdfIoQueueCreate(device, &config, NULL, NULL);
}

/* The second request comes while the first is in its dispatch routine. */
static void sweep(const struct ft_op *strike, uint8_t target)
{
    for (unsigned i = 0; i < sizeof moments / sizeof *moments; i++) {
        for (uint8_t count = 1; count <= 4; count++) {
            struct ft_op op[] = {
                {.kind = FT_OP_READ, .label = 1, .arg = {64, 0}},
                {.kind = FT_OP_READ,
                 .label = 2,
                 .arg = {64, 0},
                 .moment = {.target = 1, .point = FT_PT_CALL_ENTER, .count = 1}},
                *strike,
            };

            op[2].moment =
                (struct ft_moment){.target = target, .point = moments[i], .count = count};
            run(make_worker_queue, op, 3, "");
        }
    }
}

static void a_request_may_be_cancelled_at_any_moment(void **state)
{
    (void)state;
    sweep(&(struct ft_op){.kind = FT_OP_CANCEL, .label = 3, .arg = {1}}, 1);
    sweep(&(struct ft_op){.kind = FT_OP_CANCEL, .label = 3, .arg = {2}}, 1);
    sweep(&(struct ft_op){.kind = FT_OP_CANCEL, .label = 3, .arg = {2}}, 2);
}

static void the_device_may_sleep_or_go_at_any_moment(void **state)
{
    (void)state;
    sweep(&(struct ft_op){.kind = FT_OP_POWER_DOWN, .label = 3, .arg = {3}}, 1);
    sweep(&(struct ft_op){.kind = FT_OP_SLEEP, .label = 3, .arg = {3}}, 1);
    sweep(&(struct ft_op){.kind = FT_OP_SURPRISE_REMOVE, .label = 3}, 1);
    sweep(&(struct ft_op){.kind = FT_OP_REMOVE, .label = 3}, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_queue_keeps_the_device_awake),
        cmocka_unit_test(a_request_survives_a_power_down),
        cmocka_unit_test(removal_cancels_what_is_marked),
        cmocka_unit_test(a_request_may_be_cancelled_at_any_moment),
        cmocka_unit_test(the_device_may_sleep_or_go_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
