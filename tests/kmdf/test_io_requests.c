/* WDFREQUEST: completion, what it is asked, its buffers, forwarding and requeueing (kmdf.md,
 * sections 5.4, 5.5, 5.8), and levels that are too high. */
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
    held = request;
}

static void keep_setup(void)
{
    queue = io_default_queue(WdfIoQueueDispatchParallel, keep);
    second = io_queue(WdfIoQueueDispatchManual, NULL);
}

static void run(const struct io_bench *how)
{
    struct io_bench bench = *how;

    bench.setup = keep_setup;
    io_bench_run(&bench, NULL, 0);
}

static void run_to_bugcheck(void (*body)(void), uint64_t p1, uint64_t p2)
{
    run(&(struct io_bench){.body = body, .stop = FT_STOP_BUGCHECK});
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x10D);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], p1);
    if (p2)
        assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[2], p2);
}

/* ---- completion ---- */

static void statuses_body(void)
{
    static const struct {
        NTSTATUS given, seen;
    } row[] = {
        {STATUS_SUCCESS, STATUS_SUCCESS},
        {STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_OVERFLOW},
        {STATUS_WDF_PAUSED, STATUS_DEVICE_BUSY},
        {STATUS_WDF_BUSY, STATUS_DEVICE_BUSY},
        {STATUS_WDF_INTERNAL_ERROR, STATUS_INTERNAL_ERROR},
        {STATUS_WDF_TOO_FRAGMENTED, STATUS_INVALID_DEVICE_REQUEST},
        {STATUS_WDF_TOO_MANY_TRANSFERS, STATUS_INVALID_DEVICE_REQUEST},
        {STATUS_WDF_NOT_ENOUGH_MAP_REGISTERS, STATUS_INSUFFICIENT_RESOURCES},
        {STATUS_WDF_NO_CALLBACK, STATUS_INVALID_DEVICE_REQUEST},
    };

    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        io_send(IRP_MJ_READ, 4);
        WdfRequestComplete(held, row[i].given);
        CHECK(io_ended.Status == row[i].seen);
    }
}

static void statuses_of_the_framework_are_translated(void **state)
{
    (void)state;
    run(&(struct io_bench){.body = statuses_body});
}

static void information_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfRequestSetInformation(held, 3);
    CHECK(WdfRequestGetInformation(held) == 3);
    WdfRequestComplete(held, STATUS_SUCCESS);
    CHECK(io_ended.Information == 3);
    io_send(IRP_MJ_READ, 4);
    WdfRequestCompleteWithInformation(held, STATUS_UNSUCCESSFUL, 100); /* not looked at */
    CHECK(io_ended.Status == STATUS_UNSUCCESSFUL);
    io_send(IRP_MJ_READ, 4);
    WdfRequestSetInformation(held, 2);
    WdfRequestCompleteWithPriorityBoost(held, STATUS_SUCCESS, IO_DISK_INCREMENT);
    CHECK(io_ended.Information == 2);
}

static void information_reaches_the_requester(void **state)
{
    (void)state;
    run(&(struct io_bench){.body = information_body});
}

static void long_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfRequestCompleteWithInformation(held, STATUS_SUCCESS, 5);
}

static void twice_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfRequestComplete(held, STATUS_SUCCESS);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void twice_referenced_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfObjectReference(held);
    WdfRequestComplete(held, STATUS_SUCCESS);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void held_body(void)
{
    io_send(IRP_MJ_READ, 4);
    ft_wdf_request_hold(held, 1);
    ft_wdf_request_hold(held, 1);
    ft_wdf_request_hold(held, -1);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void completion_that_cannot_be_stops_the_machine(void **state)
{
    (void)state;
    run_to_bugcheck(long_body, 6, 4);
    assert_int_equal(wb_last(FT_EV_WDF_COMPLETE)->arg[6], 4);
    run_to_bugcheck(twice_body, 5, 0);
    assert_int_equal(wb_last(FT_EV_WDF_STALE)->arg[1], FT_WDF_USE_COMPLETE);
    assert_int_equal(wb_last(FT_EV_WDF_STALE)->arg[0], wb_event(FT_EV_WDF_COMPLETE, 1)->arg[0]);
    run_to_bugcheck(twice_referenced_body, 6, 2);
    run_to_bugcheck(held_body, 3, 0);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[3], 1);
}

/* ---- contexts ---- */

typedef struct {
    int number;
} REQUEST_CONTEXT;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(REQUEST_CONTEXT, request_context)

static VOID on_cleanup(WDFOBJECT object)
{
    CHECK(request_context(object)->number == 7);
    wb_note("cleanup");
}

static VOID on_destroy(WDFOBJECT object)
{
    (void)object;
    wb_note("destroy");
}

static void with_context(struct ft_wdf_device *device)
{
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&device->request_attributes, REQUEST_CONTEXT);
    device->request_attributes.EvtCleanupCallback = on_cleanup;
    device->request_attributes.EvtDestroyCallback = on_destroy;
}

static void context_body(void)
{
    io_send(IRP_MJ_READ, 4);
    CHECK(request_context(held)->number == 0);
    request_context(held)->number = 7;
    WdfRequestComplete(held, STATUS_SUCCESS);
    WdfIoQueueDrain(queue, NULL, NULL);
    io_send(IRP_MJ_READ, 4); /* refused: the driver never had it */
}

static void cleanup_comes_before_the_irp_is_completed(void **state)
{
    (void)state;
    run(&(struct io_bench){.prepare = with_context, .body = context_body});
    assert_non_null(strstr(wb_notes(), "cleanup done:0 destroy done:C0000184"));
}

/* ---- questions ---- */

static void questions_body(void)
{
    WDF_REQUEST_PARAMETERS parameters;
    PIRP irp = io_send(IRP_MJ_READ, 4);

    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(held, &parameters);
    CHECK(parameters.Type == WdfRequestTypeRead && parameters.Parameters.Read.Length == 4);
    CHECK(parameters.Parameters.Read.DeviceOffset == 0x1000);
    CHECK(WdfRequestWdmGetIrp(held) == irp);
    CHECK(WdfRequestGetIoQueue(held) == queue && WdfRequestGetFileObject(held) == NULL);
    CHECK(WdfRequestGetRequestorMode(held) == KernelMode);
    CHECK(!WdfRequestIsFrom32BitProcess(held) && !WdfRequestIsReserved(held));
    CHECK(WdfRequestGetRequestorProcessId(held) == 0);
    CHECK(WdfRequestGetStatus(held) == STATUS_SUCCESS);
    WdfRequestComplete(held, STATUS_SUCCESS);
    io_send_control(WB_CONTROL, 4, 8);
    WdfRequestGetParameters(held, &parameters);
    CHECK(parameters.Type == WdfRequestTypeDeviceControl);
    CHECK(parameters.Parameters.DeviceIoControl.OutputBufferLength == 8);
    CHECK(parameters.Parameters.DeviceIoControl.InputBufferLength == 4);
    CHECK(parameters.Parameters.DeviceIoControl.IoControlCode == WB_CONTROL);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void a_request_answers_questions(void **state)
{
    (void)state;
    run(&(struct io_bench){.body = questions_body});
}

static void no_parameters_body(void)
{
    io_send(IRP_MJ_READ, 4);
    WdfRequestGetParameters(held, NULL);
}

static void parameters_need_a_place(void **state)
{
    (void)state;
    run_to_bugcheck(no_parameters_body, 4, 0);
}

/* ---- buffers ---- */

/* What the six routines say of the present request; length 0: no such buffer. */
static void check_buffers(bool output, size_t length, bool has_mdl)
{
    NTSTATUS none = length ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
    WDFMEMORY memory = NULL, again = NULL;
    size_t size = 99;
    PVOID buffer;
    PMDL mdl;

    CHECK((output ? WdfRequestRetrieveOutputBuffer
                  : WdfRequestRetrieveInputBuffer)(held, 1, &buffer, &size) == none);
    CHECK(size == length && (buffer != NULL) == (length != 0));
    CHECK((output ? WdfRequestRetrieveOutputMemory
                  : WdfRequestRetrieveInputMemory)(held, &memory) == none);
    CHECK((output ? WdfRequestRetrieveOutputWdmMdl : WdfRequestRetrieveInputWdmMdl)(held, &mdl) ==
          (has_mdl ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST));
    CHECK((mdl != NULL) == has_mdl);
    if (!length)
        return;
    CHECK(WdfMemoryGetBuffer(memory, &size) == buffer && size == length);
    CHECK((output ? WdfRequestRetrieveOutputMemory : WdfRequestRetrieveInputMemory)(held, &again) ==
          STATUS_SUCCESS);
    CHECK(again == memory);
    CHECK(!has_mdl || MmGetMdlByteCount(mdl) == length);
    CHECK((output ? WdfRequestRetrieveOutputBuffer : WdfRequestRetrieveInputBuffer)(
              held, length + 1, &buffer, &size) == STATUS_BUFFER_TOO_SMALL);
    CHECK(buffer == NULL && size == 0);
}

static void transfers_body(void)
{
    bool mdl = io_device->io_type != WdfDeviceIoNeither;

    io_send(IRP_MJ_READ, 32);
    check_buffers(false, 0, false);
    check_buffers(true, 32, mdl);
    WdfRequestComplete(held, STATUS_SUCCESS);
    io_send(IRP_MJ_WRITE, 16);
    check_buffers(true, 0, false);
    check_buffers(false, 16, mdl);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void controls_body(void)
{
    io_send_control(WB_CONTROL, 8, 8); /* buffered: one MDL serves both */
    check_buffers(false, 8, true);
    check_buffers(true, 8, true);
    WdfRequestComplete(held, STATUS_SUCCESS);
    io_send_control(WB_CONTROL | METHOD_IN_DIRECT, 4, 8);
    check_buffers(true, 8, true);
    WdfRequestComplete(held, STATUS_SUCCESS);
    io_send_control(WB_CONTROL | METHOD_OUT_DIRECT, 4, 8);
    check_buffers(true, 8, true);
    WdfRequestComplete(held, STATUS_SUCCESS);
    io_send_control(WB_CONTROL | METHOD_NEITHER, 4, 8); /* of a requester in the kernel */
    check_buffers(false, 4, false);
    check_buffers(true, 8, false);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void nothing_body(void)
{
    WDFMEMORY memory;
    PVOID buffer;
    PMDL mdl;

    io_send(IRP_MJ_READ, 0);
    CHECK(WdfRequestRetrieveOutputBuffer(held, 0, &buffer, NULL) == STATUS_BUFFER_TOO_SMALL);
    CHECK(WdfRequestRetrieveOutputMemory(held, &memory) == STATUS_BUFFER_TOO_SMALL);
    CHECK(WdfRequestRetrieveOutputWdmMdl(held, &mdl) == STATUS_BUFFER_TOO_SMALL);
    WdfRequestComplete(held, STATUS_SUCCESS);
    io_send_control(WB_CONTROL, 0, 0);
    CHECK(WdfRequestRetrieveInputBuffer(held, 0, &buffer, NULL) == STATUS_BUFFER_TOO_SMALL);
    CHECK(WdfRequestRetrieveInputWdmMdl(held, &mdl) == STATUS_BUFFER_TOO_SMALL);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void buffers_are_where_the_io_type_says(void **state)
{
    static const WDF_DEVICE_IO_TYPE type[] = {WdfDeviceIoDirect, WdfDeviceIoBuffered,
                                              WdfDeviceIoNeither};

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        run(&(struct io_bench){.io_type = type[i], .body = transfers_body});
    run(&(struct io_bench){.body = controls_body});
    run(&(struct io_bench){.body = nothing_body});
}

static void dma_body(void)
{
    PMDL mdl;
    ULONG length;

    io_send(IRP_MJ_READ, 32);
    CHECK(ft_wdf_request_dma(held, WdfDmaDirectionReadFromDevice, &mdl, &length) == STATUS_SUCCESS);
    CHECK(length == 32 && mdl == WdfRequestWdmGetIrp(held)->MdlAddress);
    CHECK(ft_wdf_request_dma(held, WdfDmaDirectionWriteToDevice, &mdl, &length) ==
          STATUS_INVALID_DEVICE_REQUEST);
    WdfRequestComplete(held, STATUS_SUCCESS);
    io_send_control(WB_CONTROL | METHOD_IN_DIRECT, 4, 8);
    CHECK(ft_wdf_request_dma(held, WdfDmaDirectionWriteToDevice, &mdl, &length) == STATUS_SUCCESS);
    CHECK(length == 8 && mdl == WdfRequestWdmGetIrp(held)->MdlAddress);
    CHECK(ft_wdf_request_dma(held, WdfDmaDirectionReadFromDevice, &mdl, &length) ==
          STATUS_INVALID_DEVICE_REQUEST);
    WdfRequestComplete(held, STATUS_SUCCESS);
    io_send(IRP_MJ_WRITE, 0);
    CHECK(ft_wdf_request_dma(held, WdfDmaDirectionWriteToDevice, &mdl, &length) ==
          STATUS_INVALID_DEVICE_REQUEST);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void a_transaction_finds_the_pages(void **state)
{
    (void)state;
    run(&(struct io_bench){.body = dma_body});
}

/* ---- a user's addresses ---- */

static VOID in_caller(WDFDEVICE device, WDFREQUEST request)
{
    PIRP irp = WdfRequestWdmGetIrp(request);
    size_t length = 0, size;
    WDFMEMORY memory;
    PVOID buffer;
    bool write = IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_WRITE;

    CHECK(device == IO_DEVICE && WdfRequestGetIoQueue(request) == NULL);
    wb_note("caller");
    held = request;
    if (write) {
        CHECK(WdfRequestRetrieveUnsafeUserInputBuffer(request, 4, &buffer, &length) ==
              STATUS_SUCCESS);
        CHECK(WdfRequestRetrieveUnsafeUserOutputBuffer(request, 4, &buffer, NULL) ==
              STATUS_INVALID_DEVICE_REQUEST);
        WdfRequestComplete(request, STATUS_SUCCESS); /* it needs no queue */
        return;
    }
    CHECK(WdfRequestRetrieveUnsafeUserOutputBuffer(request, 4, &buffer, &length) == STATUS_SUCCESS);
    CHECK(buffer == irp->UserBuffer && length > 0);
    CHECK(WdfRequestRetrieveUnsafeUserOutputBuffer(request, length + 1, &buffer, NULL) ==
          STATUS_BUFFER_TOO_SMALL);
    CHECK(WdfRequestRetrieveUnsafeUserInputBuffer(request, 4, &buffer, NULL) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfRequestProbeAndLockUserBufferForWrite(request, irp->UserBuffer, 0, &memory) ==
          STATUS_INVALID_USER_BUFFER);
    CHECK(memory == NULL);
    CHECK(WdfRequestProbeAndLockUserBufferForRead(request, irp->UserBuffer, length, &memory) ==
          STATUS_SUCCESS);
    CHECK(WdfRequestProbeAndLockUserBufferForWrite(request, irp->UserBuffer, length, &memory) ==
          STATUS_SUCCESS);
    CHECK(WdfMemoryGetBuffer(memory, &size) != NULL && size == length);
    CHECK(WdfDeviceEnqueueRequest(device, request) == STATUS_SUCCESS);
}

static void set_caller(struct ft_wdf_device *device)
{
    device->in_caller = in_caller;
}

static VOID complete(WDFQUEUE from, WDFREQUEST request)
{
    PVOID buffer;

    CHECK(WdfRequestRetrieveUnsafeUserOutputBuffer(request, 4, &buffer, NULL) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfDeviceEnqueueRequest(WdfIoQueueGetDevice(from), request) ==
          STATUS_INVALID_DEVICE_REQUEST);
    wb_note("queue");
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static void caller_setup(void)
{
    queue = io_default_queue(WdfIoQueueDispatchParallel, complete);
}

static void caller_body(void)
{
    io_send(IRP_MJ_WRITE, 4);
}

static void requests_pass_through_the_callers_context(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {64}},
    };

    (void)state;
    io_bench_run(&(struct io_bench){.setup = caller_setup,
                                    .prepare = set_caller,
                                    .io_type = WdfDeviceIoNeither,
                                    .body = caller_body},
                 op, 1);
    assert_non_null(strstr(wb_notes(), "caller done:0"));
    assert_non_null(strstr(wb_notes(), "caller queue"));
}

static VOID try_a_busy_queue(WDFDEVICE device, WDFREQUEST request)
{
    WdfIoQueueDrain(queue, NULL, NULL);
    CHECK(WdfDeviceEnqueueRequest(device, request) == STATUS_WDF_BUSY);
    WdfRequestComplete(request, STATUS_DEVICE_BUSY);
}

static void set_busy(struct ft_wdf_device *device)
{
    device->in_caller = try_a_busy_queue;
}

static void a_queue_that_does_not_accept_leaves_it_with_the_driver(void **state)
{
    (void)state;
    io_bench_run(
        &(struct io_bench){.setup = caller_setup, .prepare = set_busy, .body = caller_body}, NULL,
        0);
    assert_non_null(strstr(wb_notes(), "done:80000011"));
}

/* ---- forwarding and requeueing ---- */

static void forward_body(void)
{
    WDFREQUEST request;

    io_send(IRP_MJ_READ, 4);
    CHECK(WdfRequestForwardToIoQueue(held, queue) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfRequestRequeue(held) == STATUS_INVALID_DEVICE_REQUEST); /* not a manual queue */
    WdfIoQueueDrain(second, NULL, NULL);
    CHECK(WdfRequestForwardToIoQueue(held, second) == STATUS_WDF_BUSY);
    WdfIoQueueStart(second);
    CHECK(WdfRequestForwardToIoQueue(held, second) == STATUS_SUCCESS);
    CHECK(WdfRequestForwardToIoQueue(held, queue) == STATUS_INVALID_DEVICE_REQUEST); /* not ours */
    io_send(IRP_MJ_READ, 4);
    CHECK(WdfRequestForwardToIoQueue(held, second) == STATUS_SUCCESS);
    CHECK(WdfIoQueueRetrieveNextRequest(second, &request) == STATUS_SUCCESS);
    CHECK(request != held && WdfRequestGetIoQueue(request) == second);
    CHECK(WdfRequestRequeue(request) == STATUS_SUCCESS); /* to the head */
    CHECK(WdfIoQueueRetrieveNextRequest(second, &request) == STATUS_SUCCESS);
    CHECK(request != held);
    WdfRequestComplete(request, STATUS_SUCCESS);
    CHECK(WdfIoQueueRetrieveNextRequest(second, &request) == STATUS_SUCCESS);
    CHECK(request == held);
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static void requests_move_between_queues(void **state)
{
    (void)state;
    run(&(struct io_bench){.body = forward_body});
    assert_int_equal(wb_count(FT_EV_WDF_FORWARD), 7);
}

/* ---- levels ---- */

static void at_high_level(void)
{
    KIRQL old = PASSIVE_LEVEL;
    PVOID buffer;
    PMDL mdl;

    io_send(IRP_MJ_READ, 4);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    WdfIoQueueStopSynchronously(queue); /* refused */
    WdfIoQueueDrainSynchronously(queue);
    WdfIoQueuePurgeSynchronously(queue);
    WdfIoQueueStopAndPurgeSynchronously(queue);
    CHECK(WdfRequestRetrieveUnsafeUserOutputBuffer(held, 1, &buffer, NULL) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(!WdfRequestIsFrom32BitProcess(held));
    KeLowerIrql(old);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
    CHECK(WdfRequestRetrieveOutputWdmMdl(held, &mdl) == STATUS_SUCCESS); /* and an event */
    CHECK(WdfIoQueueGetDevice(queue) == IO_DEVICE);
    KeLowerIrql(old);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void levels_that_are_too_high_are_events(void **state)
{
    (void)state;
    run(&(struct io_bench){.body = at_high_level});
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 8);
    assert_int_equal(wb_event(FT_EV_WDF_IRQL, 1)->arg[0], PASSIVE_LEVEL);
    assert_int_equal(wb_event(FT_EV_WDF_IRQL, 6)->arg[0], APC_LEVEL);
    assert_int_equal(wb_last(FT_EV_WDF_IRQL)->arg[0], DISPATCH_LEVEL);
    assert_int_equal(wb_count(FT_EV_WDF_QUEUE_STATE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_of_the_framework_are_translated),
        cmocka_unit_test(information_reaches_the_requester),
        cmocka_unit_test(completion_that_cannot_be_stops_the_machine),
        cmocka_unit_test(cleanup_comes_before_the_irp_is_completed),
        cmocka_unit_test(a_request_answers_questions),
        cmocka_unit_test(parameters_need_a_place),
        cmocka_unit_test(buffers_are_where_the_io_type_says),
        cmocka_unit_test(a_transaction_finds_the_pages),
        cmocka_unit_test(requests_pass_through_the_callers_context),
        cmocka_unit_test(a_queue_that_does_not_accept_leaves_it_with_the_driver),
        cmocka_unit_test(requests_move_between_queues),
        cmocka_unit_test(levels_that_are_too_high_are_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
