/* The local I/O target: formatting, sending, cancelling, stopping (kmdf.md, sections 5.3, 5.7).
 *
 * The driver below is one of the test's own, between the framework's device and the bus: it answers
 * at once, keeps the request until it is cancelled, or keeps it until the test completes it.
 */
#include "io_bench.h"

#include <wdfdevice.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static WDFQUEUE queue;
static WDFREQUEST held, own;
static WDFIOTARGET target;
static PIRP below;
static enum { ANSWERS, KEEPS } lower;
static PDEVICE_OBJECT lower_device;

static VOID lower_cancel(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    wb_note("lower-cancel");
    below = NULL;
    bench_complete(irp, STATUS_CANCELLED, 0);
}

static NTSTATUS lower_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION at = IoGetCurrentIrpStackLocation(irp);
    unsigned char *buffer = irp->AssociatedIrp.SystemBuffer;

    (void)device;
    wb_note(at->MajorFunction == IRP_MJ_READ    ? "lower-read"
            : at->MajorFunction == IRP_MJ_WRITE ? "lower-write"
                                                : "lower-control");
    if (lower == KEEPS) {
        IoMarkIrpPending(irp);
        below = irp;
        IoSetCancelRoutine(irp, lower_cancel);
        return STATUS_PENDING;
    }
    if (at->MajorFunction == IRP_MJ_READ) {
        memset(MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority), 0x5A,
               at->Parameters.Read.Length);
        return bench_complete(irp, STATUS_SUCCESS, at->Parameters.Read.Length);
    }
    if (at->MajorFunction == IRP_MJ_WRITE) {
        CHECK(at->Parameters.Write.ByteOffset.QuadPart == 0x20);
        return bench_complete(irp, STATUS_SUCCESS, at->Parameters.Write.Length);
    }
    CHECK(at->Parameters.DeviceIoControl.IoControlCode == WB_CONTROL);
    buffer[0]++;
    return bench_complete(irp, STATUS_SUCCESS, at->Parameters.DeviceIoControl.OutputBufferLength);
}

/* A device object of this driver's own stands for the one below. */
static void make_lower(struct ft_wdf_device *device)
{
    CHECK(IoCreateDevice(the_driver.device->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                         &lower_device) == STATUS_SUCCESS);
    lower_device->Flags |= DO_DIRECT_IO;
    lower_device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    the_driver.device->StackSize = (CCHAR)(lower_device->StackSize + 1);
    device->below = lower_device;
    lower = ANSWERS;
}

static VOID keep(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    held = request;
}

static void setup(void)
{
    queue = io_default_queue(WdfIoQueueDispatchParallel, keep);
    target = WdfDeviceGetIoTarget(IO_DEVICE);
    CHECK(target != NULL && WdfDeviceGetIoTarget(IO_DEVICE) == target);
}

static void run_to(void (*body)(void), enum ft_stop stop)
{
    io_bench_run(&(struct io_bench){.setup = setup,
                                    .prepare = make_lower,
                                    .body = body,
                                    .lower = lower_dispatch,
                                    .stop = stop},
                 NULL, 0);
}

static void run(void (*body)(void))
{
    run_to(body, FT_STOP_NONE);
}

static void forget_lower(void)
{
    IoDeleteDevice(lower_device);
}

static VOID on_completion(WDFREQUEST request, WDFIOTARGET from,
                          PWDF_REQUEST_COMPLETION_PARAMS params, WDFCONTEXT context)
{
    CHECK(from == target && context == &queue);
    CHECK(params->IoStatus.Status == WdfRequestGetStatus(request));
    wb_note(NT_SUCCESS(params->IoStatus.Status) ? "back" : "back-failed");
}

static WDFMEMORY memory_of(void *buffer, size_t bytes)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFMEMORY memory = NULL;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = IO_DEVICE;
    CHECK(WdfMemoryCreatePreallocated(&attributes, buffer, bytes, &memory) == STATUS_SUCCESS);
    return memory;
}

/* ---- what a target is asked ---- */

static void questions_body(void)
{
    CHECK(WdfIoTargetGetState(target) == WdfIoTargetStarted);
    CHECK(WdfIoTargetGetDevice(target) == IO_DEVICE);
    CHECK(WdfIoTargetWdmGetTargetDeviceObject(target) == lower_device);
    CHECK(WdfIoTargetWdmGetTargetPhysicalDevice(target) == io_device->pdo);
    CHECK(WdfIoTargetWdmGetTargetFileObject(target) == NULL);
    forget_lower();
}

static void a_target_answers_questions(void **state)
{
    (void)state;
    run(questions_body);
}

/* ---- a request that came in ---- */

static void pass_on(WDF_REQUEST_SEND_OPTIONS *options)
{
    io_send(IRP_MJ_READ, 16);
    WdfRequestFormatRequestUsingCurrentType(held);
    WdfRequestSetCompletionRoutine(held, on_completion, &queue);
    CHECK(WdfRequestSend(held, target, options));
}

static void pass_body(void)
{
    WDF_REQUEST_COMPLETION_PARAMS params;

    io_send(IRP_MJ_READ, 16);
    CHECK(!WdfRequestSend(held, target, NULL)); /* not formatted, and nobody would complete it */
    CHECK(WdfRequestGetStatus(held) == STATUS_INVALID_DEVICE_REQUEST);
    WdfRequestComplete(held, STATUS_SUCCESS);
    pass_on(NULL);
    WDF_REQUEST_COMPLETION_PARAMS_INIT(&params);
    WdfRequestGetCompletionParams(held, &params);
    CHECK(params.Type == WdfRequestTypeRead && params.IoStatus.Information == 16);
    WdfRequestCompleteWithInformation(held, STATUS_SUCCESS, params.IoStatus.Information);
    CHECK(io_buffer[15] == 0x5A && io_ended.Information == 16);
    forget_lower();
}

static void a_request_goes_down_and_comes_back(void **state)
{
    (void)state;
    run(pass_body);
    assert_non_null(strstr(wb_notes(), "done:0 lower-read back done:0"));
    assert_int_equal(wb_last(FT_EV_WDF_SENT_DONE)->arg[3], 16);
}

static void forget_body(void)
{
    WDF_REQUEST_SEND_OPTIONS options;

    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET);
    io_send(IRP_MJ_READ, 16);
    CHECK(WdfRequestSend(held, target, &options));
    options.Flags |= WDF_REQUEST_SEND_OPTION_SYNCHRONOUS;
    io_send(IRP_MJ_READ, 16);
    CHECK(!WdfRequestSend(held, target, &options));
    CHECK(WdfRequestGetStatus(held) == STATUS_INVALID_PARAMETER);
    options.Flags = 0x80000000;
    CHECK(!WdfRequestSend(held, target, &options));
    options.Size = 1;
    CHECK(!WdfRequestSend(held, target, &options));
    CHECK(WdfRequestGetStatus(held) == STATUS_INFO_LENGTH_MISMATCH);
    WdfRequestComplete(held, STATUS_SUCCESS);
    forget_lower();
}

static void a_request_may_be_sent_and_forgotten(void **state)
{
    (void)state;
    run(forget_body);
    assert_non_null(strstr(wb_notes(), "lower-read done:0 done:0"));
    assert_int_equal(wb_count(FT_EV_WDF_COMPLETE), 1);
}

static void early_body(void)
{
    lower = KEEPS;
    pass_on(NULL);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void what_is_sent_cannot_be_completed(void **state)
{
    (void)state;
    run_to(early_body, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 3);
}

/* ---- cancelling ---- */

static void cancel_body(void)
{
    lower = KEEPS;
    pass_on(NULL);
    CHECK(WdfRequestCancelSentRequest(held));
    CHECK(!WdfRequestCancelSentRequest(held));
    WdfRequestComplete(held, WdfRequestGetStatus(held));
    pass_on(NULL);
    IoSetCancelRoutine(below, NULL);
    CHECK(WdfRequestCancelSentRequest(held)); /* nobody listens */
    bench_complete(below, STATUS_SUCCESS, 0);
    WdfRequestComplete(held, WdfRequestGetStatus(held));
    forget_lower();
}

static void a_sent_request_can_be_cancelled(void **state)
{
    (void)state;
    run(cancel_body);
    assert_non_null(strstr(wb_notes(), "lower-read lower-cancel back-failed done:C0000120 "
                                       "lower-read back done:0"));
}

static void timeout_body(void)
{
    WDF_REQUEST_SEND_OPTIONS options;

    lower = KEEPS;
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, 0);
    WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&options, -10000);
    pass_on(&options);
    io_settle();
    KeStallExecutionProcessor(2000);
    io_settle();
    CHECK(WdfRequestGetStatus(held) == STATUS_IO_TIMEOUT);
    WdfRequestComplete(held, STATUS_IO_TIMEOUT);
    forget_lower();
}

static void a_timer_cancels_it(void **state)
{
    (void)state;
    run(timeout_body);
    assert_non_null(strstr(wb_notes(), "lower-read lower-cancel back-failed done:C00000B5"));
}

/* The timer has come due, and its DPC waits, when the target is done with the request: it is not
 * the driver's before that DPC has run, and has not timed out. */
static void late_timer_body(void)
{
    WDF_REQUEST_SEND_OPTIONS options;
    KIRQL old;

    lower = KEEPS;
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, 0);
    WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&options, -10000);
    pass_on(&options);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    KeStallExecutionProcessor(2000);
    IoSetCancelRoutine(below, NULL);
    bench_complete(below, STATUS_SUCCESS, 0);
    CHECK(strstr(wb_notes(), "back") == NULL);
    KeLowerIrql(old);
    io_settle();
    CHECK(strstr(wb_notes(), "back") != NULL && WdfRequestGetStatus(held) == STATUS_SUCCESS);
    WdfRequestComplete(held, STATUS_SUCCESS);
    forget_lower();
}

static void a_timer_that_comes_too_late_lets_it_pass(void **state)
{
    (void)state;
    run(late_timer_body);
    assert_non_null(strstr(wb_notes(), "lower-read back done:0"));
}

/* ---- the driver's own requests ---- */

static void own_body(void)
{
    WDFMEMORY memory = memory_of(io_buffer, 64);
    WDFMEMORY_OFFSET offset = {.BufferOffset = 8, .BufferLength = 16};
    WDF_REQUEST_REUSE_PARAMS reuse;
    LONGLONG position = 0x20;
    PIRP irp;

    CHECK(WdfRequestCreate(NULL, target, &own) == STATUS_SUCCESS);
    CHECK(WdfRequestWdmGetIrp(own) != NULL && WdfRequestGetIoQueue(own) == NULL);
    CHECK(WdfRequestAllocateTimer(own) == STATUS_SUCCESS);
    memset(io_buffer, 0, 64);
    CHECK(WdfIoTargetFormatRequestForRead(target, own, memory, &offset, NULL) == STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(own, on_completion, &queue);
    CHECK(WdfRequestSend(own, target, NULL));
    CHECK(io_buffer[7] == 0 && io_buffer[8] == 0x5A && io_buffer[23] == 0x5A && !io_buffer[24]);
    CHECK(WdfIoTargetFormatRequestForRead(target, own, memory, &(WDFMEMORY_OFFSET){60, 8}, NULL) ==
          STATUS_INTEGER_OVERFLOW);
    CHECK(WdfIoTargetFormatRequestForRead(target, own, memory, &(WDFMEMORY_OFFSET){~(size_t)0, 8},
                                          NULL) == STATUS_INTEGER_OVERFLOW);
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
    CHECK(WdfRequestReuse(own, &reuse) == STATUS_SUCCESS);
    CHECK(WdfRequestChangeTarget(own, target) == STATUS_SUCCESS);
    CHECK(WdfIoTargetFormatRequestForWrite(target, own, memory, NULL, &position) == STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(own, on_completion, &queue);
    CHECK(WdfRequestSend(own, target, NULL));
    CHECK(WdfIoTargetFormatRequestForIoctl(target, own, WB_CONTROL, memory, NULL, memory, NULL) ==
          STATUS_SUCCESS);
    io_buffer[0] = 3;
    CHECK(WdfRequestSend(own, target, NULL));
    CHECK(WdfIoTargetFormatRequestForInternalIoctl(target, own, WB_CONTROL, memory, NULL, memory,
                                                   NULL) == STATUS_SUCCESS);
    CHECK(WdfIoTargetFormatRequestForInternalIoctlOthers(target, own, WB_CONTROL, memory, NULL,
                                                         NULL, NULL, NULL, NULL) == STATUS_SUCCESS);
    WdfObjectDelete(own);
    irp = IoAllocateIrp(3, FALSE);
    CHECK(WdfRequestCreateFromIrp(NULL, irp, TRUE, &own) == STATUS_SUCCESS);
    CHECK(WdfRequestWdmGetIrp(own) == irp);
    WdfObjectDelete(own); /* and the IRP */
    CHECK(WdfRequestCreate(NULL, NULL, &own) == STATUS_SUCCESS);
    CHECK(!WdfRequestSend(own, target, NULL)); /* it has no IRP yet */
    CHECK(WdfRequestGetStatus(own) == STATUS_WDF_REQUEST_INVALID_STATE);
    WdfObjectDelete(own);
    WdfObjectDelete(memory);
    forget_lower();
}

static void a_driver_makes_requests_of_its_own(void **state)
{
    (void)state;
    run(own_body);
    assert_non_null(strstr(wb_notes(), "lower-read back lower-write back lower-control back"));
}

static void reuse_body(void)
{
    WDF_REQUEST_REUSE_PARAMS reuse;
    IO_STACK_LOCATION stack = {.MajorFunction = IRP_MJ_READ};
    PIRP irp = IoAllocateIrp(3, FALSE);

    lower = KEEPS;
    pass_on(NULL);
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
    CHECK(WdfRequestReuse(held, &reuse) == STATUS_WDF_REQUEST_ALREADY_PENDING);
    bench_complete((IoSetCancelRoutine(below, NULL), below), STATUS_SUCCESS, 0);
    reuse.Size = 1;
    CHECK(WdfRequestReuse(held, &reuse) == STATUS_INFO_LENGTH_MISMATCH);
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_SUCCESS);
    WDF_REQUEST_REUSE_PARAMS_SET_NEW_IRP(&reuse, irp);
    CHECK(WdfRequestReuse(held, &reuse) == STATUS_WDF_REQUEST_INVALID_STATE);
    WdfRequestComplete(held, STATUS_SUCCESS);
    CHECK(WdfRequestCreate(NULL, target, &own) == STATUS_SUCCESS);
    CHECK(WdfRequestReuse(own, &reuse) == STATUS_SUCCESS);
    CHECK(WdfRequestWdmGetIrp(own) == irp);
    WdfRequestWdmFormatUsingStackLocation(own, &stack);
    WdfObjectDelete(own);
    IoFreeIrp(irp);
    forget_lower();
}

static void a_request_can_be_used_again(void **state)
{
    (void)state;
    run(reuse_body);
}

/* A memory object of another request keeps that one until the format goes. */
static void borrowed_body(void)
{
    WDFMEMORY memory;

    io_send(IRP_MJ_READ, 16);
    CHECK(WdfRequestRetrieveOutputMemory(held, &memory) == STATUS_SUCCESS);
    CHECK(WdfRequestCreate(NULL, target, &own) == STATUS_SUCCESS);
    CHECK(WdfIoTargetFormatRequestForRead(target, own, memory, NULL, NULL) == STATUS_SUCCESS);
    WdfRequestComplete(held, STATUS_SUCCESS);
}

static void a_buffer_that_is_lent_keeps_its_request(void **state)
{
    (void)state;
    run_to(borrowed_body, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 3);
}

/* ---- send and wait ---- */

static void finish_below(void)
{
    io_settle();
    if (below && IoSetCancelRoutine(below, NULL))
        bench_complete(below, STATUS_SUCCESS, 4);
}

static void synchronous_body(void)
{
    WDF_MEMORY_DESCRIPTOR descriptor, output;
    WDF_REQUEST_SEND_OPTIONS options;
    LONGLONG position = 0x20;
    ULONG_PTR bytes = 0;
    PMDL mdl;

    memset(io_buffer, 0, 64);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&descriptor, io_buffer, 8);
    CHECK(WdfIoTargetSendReadSynchronously(target, NULL, &descriptor, NULL, NULL, &bytes) ==
          STATUS_SUCCESS);
    CHECK(bytes == 8 && io_buffer[7] == 0x5A);
    CHECK(WdfIoTargetSendWriteSynchronously(target, NULL, &descriptor, &position, NULL, &bytes) ==
          STATUS_SUCCESS);
    io_buffer[0] = 9;
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&output, io_buffer + 32, 8);
    CHECK(WdfIoTargetSendIoctlSynchronously(target, NULL, WB_CONTROL, &descriptor, &output, NULL,
                                            &bytes) == STATUS_SUCCESS);
    CHECK(bytes == 8 && io_buffer[32] == 10);
    CHECK(WdfIoTargetSendInternalIoctlSynchronously(target, NULL, WB_CONTROL, &descriptor, &output,
                                                    NULL, NULL) == STATUS_SUCCESS);
    mdl = IoAllocateMdl(io_buffer, 8, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(mdl);
    WDF_MEMORY_DESCRIPTOR_INIT_MDL(&descriptor, mdl, 0);
    lower = KEEPS;
    io_thread(finish_below);
    CHECK(WdfIoTargetSendReadSynchronously(target, NULL, &descriptor, NULL, NULL, &bytes) ==
          STATUS_SUCCESS);
    CHECK(bytes == 4);
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, 0);
    WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&options, -10000);
    CHECK(WdfIoTargetSendReadSynchronously(target, NULL, &descriptor, NULL, &options, NULL) ==
          STATUS_IO_TIMEOUT);
    CHECK(WdfIoTargetSendWriteSynchronously(target, NULL, &descriptor, NULL, &options, NULL) ==
          STATUS_IO_TIMEOUT);
    CHECK(WdfIoTargetSendIoctlSynchronously(target, NULL, WB_CONTROL, &descriptor, NULL, &options,
                                            NULL) == STATUS_IO_TIMEOUT);
    CHECK(WdfIoTargetSendInternalIoctlSynchronously(target, NULL, WB_CONTROL, &descriptor, NULL,
                                                    &options, NULL) == STATUS_IO_TIMEOUT);
    CHECK(WdfIoTargetSendInternalIoctlOthersSynchronously(target, NULL, WB_CONTROL, &descriptor,
                                                          NULL, NULL, &options,
                                                          NULL) == STATUS_IO_TIMEOUT);
    io_thread(finish_below);
    CHECK(WdfIoTargetSendInternalIoctlOthersSynchronously(
              target, NULL, WB_CONTROL, &descriptor, NULL, NULL, NULL, &bytes) == STATUS_SUCCESS);
    options.Flags = WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET;
    CHECK(WdfIoTargetSendReadSynchronously(target, NULL, &descriptor, NULL, &options, NULL) ==
          STATUS_INVALID_PARAMETER);
    descriptor.Type = WdfMemoryDescriptorTypeInvalid;
    CHECK(WdfIoTargetSendReadSynchronously(target, NULL, &descriptor, NULL, NULL, NULL) ==
          STATUS_INVALID_PARAMETER);
    IoFreeMdl(mdl);
    forget_lower();
}

static void a_thread_can_wait_for_the_target(void **state)
{
    (void)state;
    run(synchronous_body);
}

/* ---- the target's state ---- */

static void complete_below(void)
{
    wb_note("other");
    if (IoSetCancelRoutine(below, NULL))
        bench_complete(below, STATUS_SUCCESS, 0);
}

static void state_body(void)
{
    lower = KEEPS;
    pass_on(NULL);
    WdfIoTargetStop(target, WdfIoTargetCancelSentIo);
    CHECK(WdfIoTargetGetState(target) == WdfIoTargetStopped);
    WdfRequestComplete(held, WdfRequestGetStatus(held));
    pass_on(NULL); /* it waits for the start */
    wb_note("|");
    CHECK(WdfIoTargetStart(target) == STATUS_SUCCESS);
    io_thread(complete_below);
    WdfIoTargetStop(target, WdfIoTargetWaitForSentIoToComplete);
    WdfRequestComplete(held, WdfRequestGetStatus(held));
    wb_note("|");
    WdfIoTargetStop(target, WdfIoTargetLeaveSentIoPending);
    pass_on(NULL);
    CHECK(WdfRequestCancelSentRequest(held)); /* it was never below */
    WdfRequestComplete(held, WdfRequestGetStatus(held));
    WdfIoTargetStart(target);
    pass_on(NULL);
    WdfIoTargetPurge(target, WdfIoTargetPurgeIoAndWait);
    CHECK(WdfIoTargetGetState(target) == WdfIoTargetPurged);
    WdfRequestComplete(held, WdfRequestGetStatus(held));
    io_send(IRP_MJ_READ, 16);
    WdfRequestFormatRequestUsingCurrentType(held);
    WdfRequestSetCompletionRoutine(held, on_completion, &queue);
    CHECK(!WdfRequestSend(held, target, NULL));
    CHECK(WdfRequestGetStatus(held) == STATUS_INVALID_DEVICE_STATE);
    WdfRequestComplete(held, STATUS_UNSUCCESSFUL);
    forget_lower();
}

static void a_target_stops_and_starts(void **state)
{
    (void)state;
    run(state_body);
    assert_non_null(strstr(wb_notes(), "lower-read lower-cancel back-failed done:C0000120 | "
                                       "lower-read other back done:0 | back-failed done:C0000120"));
}

static void level_body(void)
{
    KIRQL old = KeRaiseIrqlToDpcLevel();
    WDF_MEMORY_DESCRIPTOR descriptor;

    WdfIoTargetStop(target, WdfIoTargetCancelSentIo); /* refused */
    WdfIoTargetPurge(target, WdfIoTargetPurgeIoAndWait);
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&descriptor, io_buffer, 8);
    CHECK(WdfIoTargetSendReadSynchronously(target, NULL, &descriptor, NULL, NULL, NULL) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfIoTargetGetState(target) == WdfIoTargetStarted);
    WdfIoTargetStop(target, WdfIoTargetLeaveSentIoPending);
    CHECK(WdfIoTargetGetState(target) == WdfIoTargetStopped);
    KeLowerIrql(old);
    forget_lower();
}

static void waiting_is_for_passive_level(void **state)
{
    (void)state;
    run(level_body);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 3);
}

static void null_body(void)
{
    WdfRequestCreate(NULL, target, NULL);
}

static void bad_target_body(void)
{
    WdfIoTargetStart((WDFIOTARGET)queue);
}

static void no_irp_body(void)
{
    WdfRequestCreate(NULL, NULL, &own);
    WdfRequestFormatRequestUsingCurrentType(own);
}

static void wrong_arguments_stop_the_machine(void **state)
{
    (void)state;
    run_to(null_body, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 4);
    run_to(bad_target_body, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 5);
    run_to(no_irp_body, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 6);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[2], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_answers_questions),
        cmocka_unit_test(a_request_goes_down_and_comes_back),
        cmocka_unit_test(a_request_may_be_sent_and_forgotten),
        cmocka_unit_test(what_is_sent_cannot_be_completed),
        cmocka_unit_test(a_sent_request_can_be_cancelled),
        cmocka_unit_test(a_timer_cancels_it),
        cmocka_unit_test(a_timer_that_comes_too_late_lets_it_pass),
        cmocka_unit_test(a_driver_makes_requests_of_its_own),
        cmocka_unit_test(a_request_can_be_used_again),
        cmocka_unit_test(a_buffer_that_is_lent_keeps_its_request),
        cmocka_unit_test(a_thread_can_wait_for_the_target),
        cmocka_unit_test(a_target_stops_and_starts),
        cmocka_unit_test(waiting_is_for_passive_level),
        cmocka_unit_test(wrong_arguments_stop_the_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
