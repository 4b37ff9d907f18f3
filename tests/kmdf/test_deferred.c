/* Timers, work items and DPCs of the framework. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "object_bench.h"

#include <cmocka.h>

enum { MS = 10000 };

static WDFDEVICE device;
static WDFTIMER timer;
static WDFWORKITEM work;
static WDFDPC dpc;
static KEVENT go;
static unsigned runs;

static void pass_ms(LONGLONG ms)
{
    LARGE_INTEGER interval = {.QuadPart = -ms * MS};

    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

static void begin(void)
{
    runs = 0;
    device = ob_begin();
    KeInitializeEvent(&go, NotificationEvent, FALSE);
}

/* ---- timers ---- */

static VOID on_timer(WDFTIMER object)
{
    runs++;
    wb_note(KeGetCurrentIrql() == DISPATCH_LEVEL ? "timer" : "passive-timer");
    CHECK(object == timer);
}

static NTSTATUS make_timer(PFN_WDF_TIMER routine, ULONG period, WDF_EXECUTION_LEVEL level,
                           PVOID parent)
{
    WDF_OBJECT_ATTRIBUTES attributes = ob_below(parent);
    WDF_TIMER_CONFIG config;

    attributes.ExecutionLevel = level;
    WDF_TIMER_CONFIG_INIT_PERIODIC(&config, routine, (LONG)period);
    return WdfTimerCreate(&config, &attributes, &timer);
}

static NTSTATUS plain_timer(ULONG period)
{
    return make_timer(on_timer, period, WdfExecutionLevelInheritFromParent, device);
}

static void body_timer(void)
{
    begin();
    CHECK(plain_timer(0) == STATUS_SUCCESS);
    CHECK(WdfTimerGetParentObject(timer) == device);
    CHECK(!WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(5)));
    CHECK(WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(7)));
    pass_ms(6);
    CHECK(runs == 0);
    pass_ms(10);
    CHECK(runs == 1);
    CHECK(!WdfTimerStop(timer, FALSE));
    WdfTimerStart(timer, (LONGLONG)FT_M->now + 3 * MS);
    CHECK(WdfTimerStop(timer, TRUE));
    CHECK(!WdfTimerStop(timer, TRUE));
    pass_ms(100);
    CHECK(runs == 1);
}

static void a_timer_comes_once_unless_it_is_stopped(void **state)
{
    (void)state;
    wb_body(body_timer, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "timer");
    assert_int_equal(wb_event(FT_EV_WDF_TIMER_START, 2)->arg[2], true);
    assert_int_equal(wb_count(FT_EV_WDF_TIMER_STOP), 3);
}

static void body_periodic(void)
{
    begin();
    CHECK(plain_timer(5) == STATUS_SUCCESS);
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    pass_ms(12);
    CHECK(runs == 3);
    CHECK(WdfTimerStop(timer, TRUE));
    pass_ms(100);
    CHECK(runs == 3);
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    WdfObjectDelete(timer);
    pass_ms(100);
    CHECK(runs == 3);
}

static void a_periodic_timer_comes_until_stopped_or_deleted(void **state)
{
    (void)state;
    wb_body(body_periodic, FT_STOP_NONE);
}

static void body_passive_timer(void)
{
    begin();
    CHECK(make_timer(on_timer, 0, WdfExecutionLevelPassive, device) == STATUS_SUCCESS);
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    pass_ms(5);
    CHECK(runs == 1);
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    KeStallExecutionProcessor(2000);
    WdfObjectDelete(timer); /* waits for the work item */
    wb_note("deleted");
}

static void a_passive_timer_calls_back_at_passive_level(void **state)
{
    (void)state;
    wb_body(body_passive_timer, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "passive-timer passive-timer deleted");
}

static VOID slow_timer(WDFTIMER object)
{
    (void)object;
    wb_note("begin");
    KeWaitForSingleObject(&go, Executive, KernelMode, FALSE, NULL);
    wb_note("end");
}

static VOID restarts(PVOID unused)
{
    (void)unused;
    pass_ms(1);
    CHECK(!WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1))); /* swallowed */
    KeSetEvent(&go, 0, FALSE);
}

static void body_swallowed(void)
{
    HANDLE handle;

    begin();
    CHECK(make_timer(slow_timer, 0, WdfExecutionLevelPassive, device) == STATUS_SUCCESS);
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    pass_ms(2);
    PsCreateSystemThread(&handle, 0, NULL, NULL, NULL, restarts, NULL);
    ZwClose(handle);
    CHECK(WdfTimerStop(timer, TRUE));
    wb_note("stopped");
    pass_ms(100);
}

static void a_start_during_a_stop_is_swallowed(void **state)
{
    (void)state;
    wb_body(body_swallowed, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "begin end stopped");
    assert_int_equal(wb_last(FT_EV_WDF_TIMER_START)->arg[3], 1);
}

static VOID stops_itself(WDFTIMER object)
{
    CHECK(!WdfTimerStop(object, TRUE));
    wb_note("stopped");
    WdfObjectDelete(object);
}

static void body_own_stop(void)
{
    begin();
    CHECK(make_timer(stops_itself, 0, WdfExecutionLevelPassive, device) == STATUS_SUCCESS);
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    pass_ms(10);
}

static void a_callback_cannot_wait_for_itself(void **state)
{
    (void)state;
    wb_body(body_own_stop, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "stopped");
    assert_int_equal(wb_count(FT_EV_WDF_TIMER_STOP), 2);
    assert_int_equal(wb_event(FT_EV_WDF_TIMER_STOP, 1)->arg[3], true);
    assert_int_equal(wb_event(FT_EV_WDF_TIMER_STOP, 2)->arg[3], true);
}

static VOID deletes_itself(WDFTIMER object)
{
    wb_note("timer");
    WdfObjectDelete(object);
}

static VOID starts_again(WDFOBJECT object)
{
    wb_note("cleanup");
    CHECK(!WdfTimerStart(object, WDF_REL_TIMEOUT_IN_MS(1)));
}

static void body_deleting(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG config;

    begin();
    WDF_TIMER_CONFIG_INIT(&config, deletes_itself);
    attributes = ob_below(device);
    attributes.EvtCleanupCallback = starts_again;
    CHECK(WdfTimerCreate(&config, &attributes, &timer) == STATUS_SUCCESS);
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    pass_ms(2);
    ft_wdf_dispose_drain();
}

static void a_timer_deleted_at_dispatch_level_goes_later(void **state)
{
    (void)state;
    wb_body(body_deleting, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "timer cleanup");
    assert_int_equal(wb_last(FT_EV_WDF_TIMER_START)->arg[3], 2);
}

static void check_timer_configurations(void)
{
    WDF_OBJECT_ATTRIBUTES attributes = ob_below(device);
    WDF_TIMER_CONFIG config;

    WDF_TIMER_CONFIG_INIT(&config, on_timer);
    CHECK(WdfTimerCreate(&config, NULL, &timer) == STATUS_WDF_PARENT_NOT_SPECIFIED);
    config.TolerableDelay = 5;
    CHECK(WdfTimerCreate(&config, &attributes, &timer) == STATUS_SUCCESS);
    WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1));
    WdfObjectDelete(timer);
    config.UseHighResolutionTimer = WdfTrue;
    CHECK(WdfTimerCreate(&config, &attributes, &timer) == STATUS_INVALID_PARAMETER);
    config.Size--;
    CHECK(WdfTimerCreate(&config, &attributes, &timer) == STATUS_INFO_LENGTH_MISMATCH);
}

static void body_timer_refused(void)
{
    WDFDEVICE passive;
    KIRQL irql;

    begin();
    passive = ob_device(WdfExecutionLevelPassive, WdfSynchronizationScopeInheritFromParent);
    CHECK(make_timer(on_timer, 0, WdfExecutionLevelInheritFromParent, NULL) ==
          STATUS_WDF_PARENT_NOT_SPECIFIED);
    CHECK(make_timer(on_timer, 0, WdfExecutionLevelInheritFromParent, FT_WDF->driver) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(make_timer(on_timer, 0, WdfExecutionLevelInheritFromParent, passive) ==
          STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL);
    CHECK(make_timer(on_timer, 1, WdfExecutionLevelPassive, device) == STATUS_INVALID_PARAMETER);
    CHECK(make_timer(on_timer, 0x80000000, WdfExecutionLevelInheritFromParent, device) ==
          STATUS_INVALID_PARAMETER);
    check_timer_configurations();
    for (unsigned after = 0; after < 2; after++) {
        FT_M->alloc_fail_what = FT_FAIL_POOL;
        FT_M->alloc_fail_after = after;
        CHECK(make_timer(on_timer, 0, WdfExecutionLevelPassive, device) ==
              STATUS_INSUFFICIENT_RESOURCES);
        CHECK(timer == NULL);
    }
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    CHECK(plain_timer(0) == STATUS_INVALID_DEVICE_REQUEST);
    KeLowerIrql(irql);
    CHECK(plain_timer(0) == STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK(!WdfTimerStart(timer, WDF_REL_TIMEOUT_IN_MS(1)));
    CHECK(!WdfTimerStop(timer, TRUE)); /* told, and nothing done */
    CHECK(WdfTimerStop(timer, FALSE));
    KeLowerIrql(irql);
}

static void timers_are_refused_with_a_reason(void **state)
{
    (void)state;
    wb_body(body_timer_refused, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 2);
    assert_int_equal(wb_last(FT_EV_WDF_IRQL)->arg[0], PASSIVE_LEVEL);
}

/* ---- work items ---- */

static VOID on_work(WDFWORKITEM object)
{
    CHECK(object == work && KeGetCurrentIrql() == PASSIVE_LEVEL);
    runs++;
    wb_note("work");
}

static NTSTATUS make_work(PFN_WDF_WORKITEM routine, PVOID parent)
{
    WDF_OBJECT_ATTRIBUTES attributes = ob_below(parent);
    WDF_WORKITEM_CONFIG config;

    WDF_WORKITEM_CONFIG_INIT(&config, routine);
    return WdfWorkItemCreate(&config, &attributes, &work);
}

static void body_work(void)
{
    KIRQL irql;

    begin();
    CHECK(make_work(on_work, device) == STATUS_SUCCESS);
    CHECK(WdfWorkItemGetParentObject(work) == device);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    WdfWorkItemEnqueue(work);
    WdfWorkItemEnqueue(work); /* is queued */
    KeLowerIrql(irql);
    WdfWorkItemFlush(work);
    wb_note("flushed");
    WdfWorkItemFlush(work);
    WdfWorkItemEnqueue(work);
    WdfObjectDelete(work);
    wb_note("deleted");
}

static void a_work_item_runs_once_for_each_time_it_was_queued(void **state)
{
    (void)state;
    wb_body(body_work, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "work flushed work deleted");
    assert_int_equal(wb_event(FT_EV_WDF_WORK_QUEUE, 1)->arg[1], false);
    assert_int_equal(wb_event(FT_EV_WDF_WORK_QUEUE, 2)->arg[1], true);
}

static VOID overlaps(WDFWORKITEM object)
{
    wb_note("begin");
    if (runs++ == 0) {
        WdfWorkItemEnqueue(object);
        pass_ms(1);
    }
    wb_note("end");
}

static void body_overlap(void)
{
    begin();
    CHECK(make_work(overlaps, device) == STATUS_SUCCESS);
    WdfWorkItemEnqueue(work);
    WdfWorkItemFlush(work);
    wb_note("flushed");
}

static void two_executions_may_overlap(void **state)
{
    (void)state;
    wb_body(body_overlap, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "begin begin end end flushed");
}

static void body_serialized(void)
{
    begin();
    device = ob_device(WdfExecutionLevelPassive, WdfSynchronizationScopeDevice);
    CHECK(make_work(overlaps, device) == STATUS_SUCCESS);
    WdfWorkItemEnqueue(work);
    WdfWorkItemFlush(work);
    WdfObjectAcquireLock(device);
    WdfWorkItemFlush(work); /* nothing is queued, so it does not hang */
    WdfObjectReleaseLock(device);
}

static void serialization_keeps_executions_apart(void **state)
{
    (void)state;
    wb_body(body_serialized, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "begin end begin end");
    assert_int_equal(wb_last(FT_EV_WDF_WORK_FLUSH)->arg[2], true);
}

static VOID flushes_itself(WDFWORKITEM object)
{
    WdfWorkItemFlush(object);
    wb_note("flushed");
    WdfObjectDelete(object);
    WdfWorkItemEnqueue(object);
}

static void body_own_flush(void)
{
    begin();
    CHECK(make_work(flushes_itself, device) == STATUS_SUCCESS);
    WdfObjectReference(work);
    WdfWorkItemEnqueue(work);
    pass_ms(1);
    WdfObjectDereference(work);
}

static void a_work_item_may_delete_itself(void **state)
{
    (void)state;
    wb_body(body_own_flush, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "flushed");
    assert_int_equal(wb_last(FT_EV_WDF_WORK_FLUSH)->arg[1], true);
    assert_int_equal(wb_last(FT_EV_WDF_WORK_QUEUE)->arg[2], true);
}

static void body_work_refused(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG config;
    WDFDEVICE locked;
    KIRQL irql;

    begin();
    locked = ob_device(WdfExecutionLevelDispatch, WdfSynchronizationScopeDevice);
    attributes = ob_below(device);
    CHECK(make_work(on_work, NULL) == STATUS_WDF_PARENT_NOT_SPECIFIED);
    CHECK(make_work(on_work, FT_WDF->driver) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(make_work(on_work, locked) == STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL);
    CHECK(make_work(NULL, device) == STATUS_INVALID_PARAMETER);
    WDF_WORKITEM_CONFIG_INIT(&config, on_work);
    config.Size++;
    CHECK(WdfWorkItemCreate(&config, &attributes, &work) == STATUS_INFO_LENGTH_MISMATCH);
    for (unsigned after = 0; after < 2; after++) {
        FT_M->alloc_fail_what = FT_FAIL_POOL;
        FT_M->alloc_fail_after = after;
        CHECK(make_work(on_work, device) == STATUS_INSUFFICIENT_RESOURCES);
    }
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    CHECK(make_work(on_work, device) == STATUS_INVALID_DEVICE_REQUEST);
    KeLowerIrql(irql);
    CHECK(make_work(on_work, device) == STATUS_SUCCESS);
    KeRaiseIrql(APC_LEVEL, &irql);
    WdfWorkItemFlush(work);
    KeLowerIrql(irql);
}

static void work_items_are_refused_with_a_reason(void **state)
{
    (void)state;
    wb_body(body_work_refused, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 2);
}

/* ---- DPCs ---- */

static VOID on_dpc(WDFDPC object)
{
    CHECK(object == dpc && KeGetCurrentIrql() == DISPATCH_LEVEL);
    runs++;
    wb_note("dpc");
}

static NTSTATUS make_dpc(PFN_WDF_DPC routine, PVOID parent)
{
    WDF_OBJECT_ATTRIBUTES attributes = ob_below(parent);
    WDF_DPC_CONFIG config;

    WDF_DPC_CONFIG_INIT(&config, routine);
    return WdfDpcCreate(&config, &attributes, &dpc);
}

static void body_dpc(void)
{
    KIRQL irql;

    begin();
    CHECK(make_dpc(on_dpc, device) == STATUS_SUCCESS);
    CHECK(WdfDpcGetParentObject(dpc) == device);
    CHECK(WdfDpcWdmGetDpc(dpc)->DeferredContext == dpc);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    CHECK(WdfDpcEnqueue(dpc));
    CHECK(!WdfDpcEnqueue(dpc));
    CHECK(WdfDpcCancel(dpc, FALSE));
    CHECK(WdfDpcEnqueue(dpc));
    KeLowerIrql(irql);
    WdfDpcCancel(dpc, TRUE);
    wb_note("cancelled");
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    WdfDpcEnqueue(dpc);
    WdfObjectDelete(dpc); /* put off: it may have a DPC to wait for */
    KeLowerIrql(irql);
    ft_wdf_dispose_drain();
}

static void a_dpc_is_queued_once_and_goes_with_its_object(void **state)
{
    (void)state;
    wb_body(body_dpc, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_WDF_DPC_QUEUE, 2)->arg[1], false);
    assert_int_equal(wb_event(FT_EV_WDF_DPC_CANCEL, 1)->arg[2], true);
    assert_int_equal(wb_event(FT_EV_WDF_OBJECT_GONE, 1)->irql, PASSIVE_LEVEL);
}

static VOID queues_again(WDFOBJECT object)
{
    CHECK(!WdfDpcEnqueue(object));
}

static void body_dpc_refused(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_DPC_CONFIG config;
    WDFDEVICE passive;
    WDFDPC refused;
    KIRQL irql;

    begin();
    passive = ob_device(WdfExecutionLevelPassive, WdfSynchronizationScopeInheritFromParent);
    CHECK(make_dpc(on_dpc, NULL) == STATUS_WDF_PARENT_NOT_SPECIFIED);
    CHECK(make_dpc(on_dpc, FT_WDF->driver) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(make_dpc(on_dpc, passive) == STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL);
    CHECK(make_dpc(NULL, device) == STATUS_INVALID_PARAMETER);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(make_dpc(on_dpc, device) == STATUS_INSUFFICIENT_RESOURCES);
    attributes = ob_below(device);
    attributes.EvtCleanupCallback = queues_again;
    WDF_DPC_CONFIG_INIT(&config, on_dpc);
    config.Size++;
    CHECK(WdfDpcCreate(&config, &attributes, &dpc) == STATUS_INFO_LENGTH_MISMATCH);
    config.Size--;
    CHECK(WdfDpcCreate(&config, &attributes, &dpc) == STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK(!WdfDpcCancel(dpc, TRUE)); /* told, and does not wait */
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    CHECK(WdfDpcCreate(&config, &attributes, &refused) == STATUS_INVALID_DEVICE_REQUEST);
    KeLowerIrql(PASSIVE_LEVEL);
    WdfObjectDelete(dpc);
}

static void dpcs_are_refused_with_a_reason(void **state)
{
    (void)state;
    wb_body(body_dpc_refused, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 2);
    assert_int_equal(wb_last(FT_EV_WDF_DPC_QUEUE)->arg[2], true);
}

static VOID locked_dpc(WDFDPC object)
{
    (void)object;
    CHECK(ft_wdf_callback_locked((struct ft_wdf_object *)device) ||
          ft_wdf_lock_owned(((struct ft_wdf_object *)device)->lock));
    wb_note("locked");
}

static void body_locked(void)
{
    begin();
    device = ob_device(WdfExecutionLevelInheritFromParent, WdfSynchronizationScopeDevice);
    CHECK(make_dpc(locked_dpc, device) == STATUS_SUCCESS);
    WdfObjectAcquireLock(device);
    WdfDpcEnqueue(dpc);
    KeStallExecutionProcessor(1000);
    wb_note("mine");
    WdfObjectReleaseLock(device);
    pass_ms(1);
}

static void a_serialized_dpc_waits_for_the_callback_lock(void **state)
{
    (void)state;
    wb_body(body_locked, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "mine locked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_comes_once_unless_it_is_stopped),
        cmocka_unit_test(a_periodic_timer_comes_until_stopped_or_deleted),
        cmocka_unit_test(a_passive_timer_calls_back_at_passive_level),
        cmocka_unit_test(a_start_during_a_stop_is_swallowed),
        cmocka_unit_test(a_callback_cannot_wait_for_itself),
        cmocka_unit_test(a_timer_deleted_at_dispatch_level_goes_later),
        cmocka_unit_test(timers_are_refused_with_a_reason),
        cmocka_unit_test(a_work_item_runs_once_for_each_time_it_was_queued),
        cmocka_unit_test(two_executions_may_overlap),
        cmocka_unit_test(serialization_keeps_executions_apart),
        cmocka_unit_test(a_work_item_may_delete_itself),
        cmocka_unit_test(work_items_are_refused_with_a_reason),
        cmocka_unit_test(a_dpc_is_queued_once_and_goes_with_its_object),
        cmocka_unit_test(dpcs_are_refused_with_a_reason),
        cmocka_unit_test(a_serialized_dpc_waits_for_the_callback_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
