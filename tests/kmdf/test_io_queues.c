/* WDFQUEUE: creation, delivery by each type, state changes (kmdf.md, sections 5.1, 5.2, 5.5). */
#include "io_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static WDFQUEUE queue, second;
static WDFREQUEST held[8];
static unsigned held_count;

static VOID keep(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    wb_note("keep");
    held[held_count++] = request;
}

static VOID complete(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    wb_note("complete");
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static void finish(unsigned n)
{
    WdfRequestComplete(held[n], STATUS_SUCCESS);
}

/* ---- creation ---- */

static VOID on_read(WDFQUEUE from, WDFREQUEST request, size_t length)
{
    (void)from;
    wb_note("read");
    WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, length);
}

static VOID on_write(WDFQUEUE from, WDFREQUEST request, size_t length)
{
    (void)from;
    wb_note("write");
    WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, length);
}

static VOID on_control(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    (void)from;
    wb_note("control");
    CHECK(output == 8 && input == 4 && code == WB_CONTROL);
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static VOID on_internal(WDFQUEUE from, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    (void)from;
    (void)output;
    (void)input;
    (void)code;
    wb_note("internal");
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static NTSTATUS create(const WDF_IO_QUEUE_CONFIG *config, WDF_OBJECT_ATTRIBUTES *attributes,
                       bool handle)
{
    WDF_IO_QUEUE_CONFIG copy = *config;
    WDFQUEUE made;

    return WdfIoQueueCreate(IO_DEVICE, &copy, attributes, handle ? &made : NULL);
}

static void refused_queues(void)
{
    WDF_IO_QUEUE_CONFIG good, config;
    WDF_OBJECT_ATTRIBUTES attributes;

    WDF_IO_QUEUE_CONFIG_INIT(&good, WdfIoQueueDispatchSequential);
    good.EvtIoDefault = complete;
    config = good;
    config.Size--;
    CHECK(create(&config, NULL, true) == STATUS_INFO_LENGTH_MISMATCH);
    CHECK(create(&good, NULL, false) == STATUS_INVALID_PARAMETER_4);
    config = good;
    config.DispatchType = WdfIoQueueDispatchMax;
    CHECK(create(&config, NULL, true) == STATUS_INVALID_PARAMETER);
    config.DispatchType = WdfIoQueueDispatchManual;
    CHECK(create(&config, NULL, true) == STATUS_INVALID_PARAMETER);
    config = good;
    config.EvtIoDefault = NULL;
    CHECK(create(&config, NULL, true) == STATUS_WDF_NO_CALLBACK);
    config = good;
    config.Settings.Parallel.NumberOfPresentedRequests = 1;
    CHECK(create(&config, NULL, true) == STATUS_INVALID_PARAMETER);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.Size = 1;
    CHECK(create(&good, &attributes, true) == STATUS_INFO_LENGTH_MISMATCH);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.SynchronizationScope = WdfSynchronizationScopeDevice;
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    CHECK(create(&good, &attributes, true) == STATUS_INVALID_PARAMETER);
    good.DefaultQueue = TRUE;
    CHECK(create(&good, NULL, false) == STATUS_UNSUCCESSFUL); /* there is one */
    io_device->add_over = 1;
    CHECK(create(&good, NULL, false) == STATUS_INVALID_DEVICE_STATE);
}

static void a_queue_setup(void)
{
    WDF_IO_QUEUE_CONFIG config;

    CHECK(WdfDeviceGetDefaultQueue(IO_DEVICE) == NULL);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoRead = on_read;
    config.EvtIoWrite = on_write;
    config.EvtIoDeviceControl = on_control;
    config.EvtIoInternalDeviceControl = on_internal;
    CHECK(WdfIoQueueCreate(IO_DEVICE, &config, NULL, NULL) == STATUS_SUCCESS);
    queue = WdfDeviceGetDefaultQueue(IO_DEVICE);
    CHECK(queue != NULL && WdfIoQueueGetDevice(queue) == IO_DEVICE);
    refused_queues();
}

static void a_request_of_each_kind(void)
{
    io_send(IRP_MJ_READ, 16);
    CHECK(io_ended.Information == 16);
    io_send(IRP_MJ_WRITE, 8);
    io_send_control(WB_CONTROL, 4, 8);
    io_send(IRP_MJ_READ, 0); /* completed without the driver */
    io_send(IRP_MJ_INTERNAL_DEVICE_CONTROL, 0);
}

static void each_kind_has_its_handler(void **state)
{
    (void)state;
    io_bench_body(a_queue_setup, a_request_of_each_kind);
    assert_non_null(strstr(wb_notes(), "read done:0 write done:0 control done:0 done:0 internal "
                                       "done:0"));
    assert_int_equal(wb_event(FT_EV_WDF_QUEUE_NEW, 1)->arg[3], 3); /* power-managed, default */
}

static void no_handler_setup(void)
{
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoRead = on_read;
    CHECK(WdfIoQueueCreate(IO_DEVICE, &config, NULL, NULL) == STATUS_SUCCESS);
}

static void no_handler_body(void)
{
    io_send(IRP_MJ_WRITE, 4);
    CHECK(io_ended.Status == STATUS_INVALID_DEVICE_REQUEST);
}

static void no_queue_body(void)
{
    io_send(IRP_MJ_WRITE, 4);
    CHECK(io_ended.Status == STATUS_INVALID_DEVICE_REQUEST);
}

static void a_request_that_nobody_takes_fails(void **state)
{
    (void)state;
    io_bench_body(no_handler_setup, no_handler_body);
    assert_int_equal(wb_count(FT_EV_WDF_REQUEST_NEW), 1);
    io_bench_body(NULL, no_queue_body);
    assert_int_equal(wb_count(FT_EV_WDF_REQUEST_NEW), 0);
}

static void filter_setup(struct ft_wdf_device *device)
{
    device->filter = 1;
}

static void filter_body(void)
{
    io_send(IRP_MJ_WRITE, 4); /* the bus driver takes no writes */
    CHECK(io_ended.Status == STATUS_INVALID_DEVICE_REQUEST);
}

static void a_filter_passes_on_what_it_does_not_handle(void **state)
{
    (void)state;
    io_bench_run(
        &(struct io_bench){.setup = no_handler_setup, .prepare = filter_setup, .body = filter_body},
        NULL, 0);
    assert_int_equal(wb_count(FT_EV_WDF_REQUEST_NEW), 0);
    assert_int_equal(wb_event(FT_EV_WDF_QUEUE_NEW, 1)->arg[3], 2); /* not power-managed */
}

/* ---- which queue ---- */

static void routing_setup(void)
{
    queue = io_default_queue(WdfIoQueueDispatchParallel, complete);
    second = io_queue(WdfIoQueueDispatchManual, NULL);
    CHECK(WdfDeviceConfigureRequestDispatching(IO_DEVICE, queue, WdfRequestTypeRead) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfDeviceConfigureRequestDispatching(IO_DEVICE, second, WdfRequestTypePnp) ==
          STATUS_INVALID_PARAMETER);
    CHECK(WdfDeviceConfigureRequestDispatching(IO_DEVICE, second, WdfRequestTypeRead) ==
          STATUS_SUCCESS);
    CHECK(WdfDeviceConfigureRequestDispatching(IO_DEVICE, second, WdfRequestTypeRead) ==
          STATUS_WDF_BUSY);
}

static void routing_body(void)
{
    ULONG waits, owns;
    WDFREQUEST request;

    io_send(IRP_MJ_WRITE, 4);
    io_send(IRP_MJ_READ, 4);
    CHECK(WdfIoQueueGetState(second, &waits, &owns) ==
          (WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests | WdfIoQueueDriverNoRequests));
    CHECK(waits == 1 && owns == 0);
    CHECK(WdfIoQueueRetrieveNextRequest(second, &request) == STATUS_SUCCESS);
    CHECK(WdfIoQueueGetState(second, &waits, &owns) ==
          (WdfIoQueueAcceptRequests | WdfIoQueueDispatchRequests | WdfIoQueueNoRequests));
    CHECK(waits == 0 && owns == 1);
    WdfRequestComplete(request, STATUS_SUCCESS);
    CHECK(WdfIoQueueRetrieveNextRequest(second, &request) == STATUS_NO_MORE_ENTRIES);
    CHECK(request == NULL);
    CHECK(WdfIoQueueRetrieveNextRequest(queue, &request) == STATUS_INVALID_DEVICE_STATE);
}

static void types_may_have_queues_of_their_own(void **state)
{
    (void)state;
    io_bench_body(routing_setup, routing_body);
    assert_non_null(strstr(wb_notes(), "complete done:0 done:0"));
}

/* ---- delivery ---- */

static void sequential_setup(void)
{
    held_count = 0;
    queue = io_default_queue(WdfIoQueueDispatchSequential, keep);
}

static void sequential_body(void)
{
    io_send(IRP_MJ_READ, 4);
    io_send(IRP_MJ_READ, 4);
    wb_note("|");
    finish(0);
    wb_note("|");
    finish(1);
}

static void a_sequential_queue_gives_one_at_a_time(void **state)
{
    (void)state;
    io_bench_body(sequential_setup, sequential_body);
    assert_non_null(strstr(wb_notes(), "keep | done:0 keep | done:0"));
}

static void parallel_setup(void)
{
    WDF_IO_QUEUE_CONFIG config;

    held_count = 0;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDefault = keep;
    config.Settings.Parallel.NumberOfPresentedRequests = 2;
    CHECK(WdfIoQueueCreate(IO_DEVICE, &config, NULL, &queue) == STATUS_SUCCESS);
}

static void parallel_body(void)
{
    for (unsigned i = 0; i < 3; i++)
        io_send(IRP_MJ_READ, 4);
    wb_note("|");
    finish(1);
    finish(0);
    finish(2);
}

static void a_parallel_queue_gives_as_many_as_it_may(void **state)
{
    (void)state;
    io_bench_body(parallel_setup, parallel_body);
    assert_non_null(strstr(wb_notes(), "keep keep | done:0 keep done:0 done:0"));
}

/* A handler that completes its request does not recurse: the loop goes on when it has returned. */
static VOID complete_and_say(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    wb_note("in");
    WdfRequestComplete(request, STATUS_SUCCESS);
    wb_note("out");
}

static void loop_setup(void)
{
    queue = io_default_queue(WdfIoQueueDispatchSequential, complete_and_say);
}

static void loop_body(void)
{
    WdfIoQueueStop(queue, NULL, NULL);
    io_send(IRP_MJ_READ, 4);
    io_send(IRP_MJ_READ, 4);
    WdfIoQueueStart(queue);
}

static void completion_in_a_handler_does_not_recurse(void **state)
{
    (void)state;
    io_bench_body(loop_setup, loop_body);
    assert_non_null(strstr(wb_notes(), "in done:0 out in done:0 out"));
}

/* ---- levels and locks ---- */

static VOID say_irql(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    wb_note(KeGetCurrentIrql() == PASSIVE_LEVEL ? "passive" : "dispatch");
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static void level_setup(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDefault = say_irql;
    CHECK(WdfIoQueueCreate(IO_DEVICE, &config, &attributes, &queue) == STATUS_SUCCESS);
}

static void level_body(void)
{
    KIRQL old = KeRaiseIrqlToDpcLevel();

    io_send(IRP_MJ_READ, 4);
    wb_note("sent");
    KeLowerIrql(old);
    io_settle();
    wb_note("|");
}

static void passive_handlers_never_run_above(void **state)
{
    (void)state;
    io_bench_body(level_setup, level_body);
    assert_non_null(strstr(wb_notes(), "sent passive done:0 |"));
}

static void lock_setup(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.SynchronizationScope = WdfSynchronizationScopeQueue;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDefault = say_irql;
    CHECK(WdfIoQueueCreate(IO_DEVICE, &config, &attributes, &queue) == STATUS_SUCCESS);
}

/* Who holds the callback lock gets no callback: a DPC brings it. */
static void lock_body(void)
{
    WdfObjectAcquireLock((WDFOBJECT)queue);
    io_send(IRP_MJ_READ, 4);
    wb_note("sent");
    WdfObjectReleaseLock((WDFOBJECT)queue);
    io_settle();
    wb_note("|");
    io_send(IRP_MJ_READ, 4);
}

static void handlers_run_under_the_callback_lock(void **state)
{
    (void)state;
    io_bench_body(lock_setup, lock_body);
    assert_non_null(strstr(wb_notes(), "sent dispatch done:0 | dispatch done:0"));
    assert_int_equal(wb_event(FT_EV_WDF_QUEUE_NEW, 1)->arg[3] & 128, 128);
}

/* ---- state changes ---- */

static int context;

static VOID state_changed(WDFQUEUE of, WDFCONTEXT with)
{
    CHECK(of == queue && with == &context);
    wb_note("changed");
}

static void stop_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfIoQueueStop(queue, state_changed, &context);
    io_send(IRP_MJ_READ, 4); /* it waits */
    CHECK(!(WdfIoQueueGetState(queue, NULL, NULL) & WdfIoQueueDispatchRequests));
    wb_note("|");
    finish(0);
    CHECK(WDF_IO_QUEUE_STOPPED(WdfIoQueueGetState(queue, NULL, NULL)));
    wb_note("|");
    WdfIoQueueStart(queue);
    finish(1);
}

static void a_stopped_queue_keeps_what_comes(void **state)
{
    (void)state;
    io_bench_body(sequential_setup, stop_body);
    assert_non_null(strstr(wb_notes(), "keep | done:0 changed | keep done:0"));
}

static void drain_body(void)
{
    io_send(IRP_MJ_READ, 4);
    io_send(IRP_MJ_READ, 4);
    WdfIoQueueDrain(queue, state_changed, &context);
    io_send(IRP_MJ_READ, 4);
    CHECK(io_ended.Status == STATUS_INVALID_DEVICE_STATE);
    wb_note("|");
    finish(0);
    finish(1);
    CHECK(WDF_IO_QUEUE_DRAINED(WdfIoQueueGetState(queue, NULL, NULL)));
    WdfIoQueueStart(queue);
    io_send(IRP_MJ_READ, 4);
    finish(2);
}

static void a_drained_queue_gives_what_it_has(void **state)
{
    (void)state;
    io_bench_body(sequential_setup, drain_body);
    assert_non_null(
        strstr(wb_notes(), "keep done:C0000184 | done:0 keep done:0 changed keep done:0"));
}

static VOID on_cancel(WDFREQUEST request)
{
    wb_note("cancel");
    WdfRequestComplete(request, STATUS_CANCELLED);
}

static void purge_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfRequestMarkCancelable(held[0], on_cancel);
    io_send(IRP_MJ_READ, 4);
    WdfIoQueuePurge(queue, state_changed, &context);
    CHECK(WDF_IO_QUEUE_PURGED(WdfIoQueueGetState(queue, NULL, NULL)));
}

static void a_purge_cancels_what_waits_and_what_is_marked(void **state)
{
    (void)state;
    io_bench_body(sequential_setup, purge_body);
    assert_non_null(strstr(wb_notes(), "keep done:C0000120 cancel done:C0000120 changed"));
}

static void late_mark_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfIoQueuePurge(queue, state_changed, &context);
    wb_note("|");
    WdfRequestMarkCancelable(held[0], on_cancel);
}

static void what_is_marked_during_a_purge_is_cancelled(void **state)
{
    (void)state;
    io_bench_body(sequential_setup, late_mark_body);
    assert_non_null(strstr(wb_notes(), "keep | cancel done:C0000120 changed"));
    assert_int_equal(wb_event(FT_EV_WDF_MARK, 1)->arg[5], true);
}

static void stop_and_purge_body(void)
{
    io_send(IRP_MJ_READ, 4);
    io_send(IRP_MJ_READ, 4);
    WdfIoQueueStopAndPurge(queue, state_changed, &context);
    io_send(IRP_MJ_READ, 4);
    wb_note("|");
    finish(0);
    WdfIoQueueStart(queue);
    finish(1);
}

static void stop_and_purge_keeps_what_comes_later(void **state)
{
    (void)state;
    io_bench_body(sequential_setup, stop_and_purge_body);
    assert_non_null(strstr(wb_notes(), "keep done:C0000120 | done:0 changed keep done:0"));
}

static void finish_first(void)
{
    wb_note("other");
    finish(0);
}

static void synchronous_body(void)
{
    io_send(IRP_MJ_READ, 4);
    io_thread(finish_first);
    WdfIoQueueStopSynchronously(queue);
    wb_note("stopped");
    WdfIoQueueStart(queue);
    WdfIoQueueDrainSynchronously(queue);
    wb_note("drained");
    WdfIoQueueStart(queue);
    WdfIoQueuePurgeSynchronously(queue);
    wb_note("purged");
    WdfIoQueueStopAndPurgeSynchronously(queue);
    wb_note("both");
}

static void synchronous_changes_wait(void **state)
{
    (void)state;
    io_bench_body(sequential_setup, synchronous_body);
    assert_non_null(strstr(wb_notes(), "keep other done:0 stopped drained purged both"));
    assert_int_equal(wb_event(FT_EV_WDF_QUEUE_STATE, 1)->arg[2], true);
}

static void overlap_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfIoQueueStop(queue, state_changed, &context);
    WdfIoQueueDrain(queue, state_changed, &context); /* another slot */
    WdfIoQueueStop(queue, NULL, NULL);
    WdfIoQueueStopAndPurge(queue, state_changed, &context);
}

static void two_changes_in_one_slot_stop_the_machine(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = sequential_setup,
                                    .body = overlap_body,
                                    .stop = FT_STOP_BUGCHECK},
                 NULL, 0);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x10D);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 0xA);
    assert_int_equal(wb_last(FT_EV_WDF_QUEUE_STATE)->arg[4], true);
}

/* ---- deletion ---- */

static void delete_body(void)
{
    WDFQUEUE manual = io_queue(WdfIoQueueDispatchManual, NULL);

    io_send(IRP_MJ_READ, 4);
    CHECK(WdfRequestForwardToIoQueue(held[0], manual) == STATUS_SUCCESS);
    WdfObjectDelete(manual);
    CHECK(io_ended.Status == STATUS_CANCELLED);
}

static void a_deleted_queue_cancels_what_waits(void **state)
{
    (void)state;
    io_bench_body(sequential_setup, delete_body);
    assert_non_null(strstr(wb_notes(), "keep done:C0000120"));
}

/* ---- manual queues ---- */

static void manual_setup(void)
{
    queue = io_default_queue(WdfIoQueueDispatchManual, NULL);
}

static void ready_body(void)
{
    WDFREQUEST request;

    CHECK(WdfIoQueueReadyNotify(queue, NULL, NULL) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfIoQueueReadyNotify(queue, state_changed, &context) == STATUS_SUCCESS);
    CHECK(WdfIoQueueReadyNotify(queue, state_changed, &context) == STATUS_INVALID_DEVICE_REQUEST);
    io_send(IRP_MJ_READ, 4); /* told */
    io_send(IRP_MJ_READ, 4); /* not: it was not empty */
    wb_note("|");
    CHECK(WdfIoQueueRetrieveNextRequest(queue, &request) == STATUS_SUCCESS);
    WdfRequestComplete(request, STATUS_SUCCESS);
    CHECK(WdfIoQueueRetrieveNextRequest(queue, &request) == STATUS_SUCCESS);
    WdfRequestComplete(request, STATUS_SUCCESS);
    io_send(IRP_MJ_READ, 4);
    CHECK(WdfIoQueueReadyNotify(queue, NULL, NULL) == STATUS_INVALID_DEVICE_REQUEST);
    WdfIoQueueStop(queue, NULL, NULL);
    CHECK(WdfIoQueueRetrieveNextRequest(queue, &request) == STATUS_WDF_PAUSED && !request);
    CHECK(WdfIoQueueReadyNotify(queue, NULL, NULL) == STATUS_SUCCESS);
}

static void ready_notification_is_an_edge(void **state)
{
    (void)state;
    io_bench_body(manual_setup, ready_body);
    assert_non_null(strstr(wb_notes(), "changed | done:0 done:0 changed"));
}

static void not_manual_body(void)
{
    CHECK(WdfIoQueueReadyNotify(queue, state_changed, &context) == STATUS_INVALID_DEVICE_REQUEST);
}

static void ready_notification_is_for_manual_queues(void **state)
{
    (void)state;
    io_bench_body(sequential_setup, not_manual_body);
    assert_int_equal(wb_event(FT_EV_WDF_READY, 1)->arg[2], (uint32_t)STATUS_INVALID_DEVICE_REQUEST);
}

static void find_body(void)
{
    WDF_REQUEST_PARAMETERS parameters;
    WDFREQUEST first, other, taken;

    CHECK(WdfIoQueueFindRequest(queue, NULL, NULL, NULL, &first) == STATUS_NO_MORE_ENTRIES);
    io_send(IRP_MJ_READ, 4);
    io_send(IRP_MJ_WRITE, 8);
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    parameters.Size = 1;
    CHECK(WdfIoQueueFindRequest(queue, NULL, NULL, &parameters, &first) ==
          STATUS_INVALID_PARAMETER_4);
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    CHECK(WdfIoQueueFindRequest(queue, NULL, NULL, &parameters, &first) == STATUS_SUCCESS);
    CHECK(parameters.Type == WdfRequestTypeRead && parameters.Parameters.Read.Length == 4);
    CHECK(WdfIoQueueFindRequest(queue, first, NULL, &parameters, &other) == STATUS_SUCCESS);
    CHECK(parameters.Type == WdfRequestTypeWrite);
    CHECK(WdfIoQueueFindRequest(queue, other, NULL, NULL, &taken) == STATUS_NO_MORE_ENTRIES);
    CHECK(WdfIoQueueRetrieveFoundRequest(queue, other, &taken) == STATUS_SUCCESS);
    CHECK(taken == other);
    CHECK(WdfIoQueueRetrieveFoundRequest(queue, other, &taken) == STATUS_NOT_FOUND && !taken);
    CHECK(WdfIoQueueFindRequest(queue, other, NULL, NULL, &taken) == STATUS_NOT_FOUND);
    WdfObjectDereference(other);
    WdfRequestComplete(other, STATUS_SUCCESS);
    WdfObjectDereference(first);
}

static void a_request_can_be_found_and_taken(void **state)
{
    (void)state;
    io_bench_body(manual_setup, find_body);
    assert_non_null(strstr(wb_notes(), "done:0"));
    assert_int_equal(wb_count(FT_EV_WDF_RETRIEVE), 2);
}

/* ---- wrong handles ---- */

static void bad_handle_body(void)
{
    WdfIoQueueStart((WDFQUEUE)IO_DEVICE);
}

static void null_body(void)
{
    WdfIoQueueRetrieveNextRequest(queue, NULL);
}

static void wrong_arguments_stop_the_machine(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = manual_setup,
                                    .body = bad_handle_body,
                                    .stop = FT_STOP_BUGCHECK},
                 NULL, 0);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 5);
    io_bench_run(
        &(struct io_bench){.setup = manual_setup, .body = null_body, .stop = FT_STOP_BUGCHECK},
        NULL, 0);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_handler),
        cmocka_unit_test(a_request_that_nobody_takes_fails),
        cmocka_unit_test(a_filter_passes_on_what_it_does_not_handle),
        cmocka_unit_test(types_may_have_queues_of_their_own),
        cmocka_unit_test(a_sequential_queue_gives_one_at_a_time),
        cmocka_unit_test(a_parallel_queue_gives_as_many_as_it_may),
        cmocka_unit_test(completion_in_a_handler_does_not_recurse),
        cmocka_unit_test(passive_handlers_never_run_above),
        cmocka_unit_test(handlers_run_under_the_callback_lock),
        cmocka_unit_test(a_stopped_queue_keeps_what_comes),
        cmocka_unit_test(a_drained_queue_gives_what_it_has),
        cmocka_unit_test(a_purge_cancels_what_waits_and_what_is_marked),
        cmocka_unit_test(what_is_marked_during_a_purge_is_cancelled),
        cmocka_unit_test(stop_and_purge_keeps_what_comes_later),
        cmocka_unit_test(synchronous_changes_wait),
        cmocka_unit_test(two_changes_in_one_slot_stop_the_machine),
        cmocka_unit_test(a_deleted_queue_cancels_what_waits),
        cmocka_unit_test(ready_notification_is_an_edge),
        cmocka_unit_test(ready_notification_is_for_manual_queues),
        cmocka_unit_test(a_request_can_be_found_and_taken),
        cmocka_unit_test(wrong_arguments_stop_the_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
