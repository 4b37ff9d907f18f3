/* Guaranteed forward progress: reserved requests of a queue, their policies, and IRPs that wait. */
#include "wdf_bench.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static WDF_IO_FORWARD_PROGRESS_RESERVED_POLICY kind;
static WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY policy;
static NTSTATUS reserve_answer, allocate_answer;
static WDF_IO_FORWARD_PROGRESS_ACTION action;
static WDFQUEUE queue;
static WDFREQUEST held; /* that the driver keeps */
static bool keep, refer, paging;

static NTSTATUS reserve(WDFQUEUE of, WDFREQUEST request)
{
    CHECK(of == queue && request != NULL);
    wb_note("reserve");
    return reserve_answer;
}

static NTSTATUS allocate(WDFQUEUE of, WDFREQUEST request)
{
    CHECK(of == queue && !WdfRequestIsReserved(request));
    wb_note("allocate");
    return allocate_answer;
}

static WDF_IO_FORWARD_PROGRESS_ACTION examine(WDFQUEUE of, PIRP irp)
{
    CHECK(of == queue && IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_READ);
    wb_note("examine");
    return action;
}

static VOID on_read(WDFQUEUE of, WDFREQUEST request, size_t length)
{
    PVOID buffer;
    WDFMEMORY memory;

    CHECK(of == queue);
    wb_note(WdfRequestIsReserved(request) ? "reserved" : "plain");
    CHECK(WdfRequestRetrieveOutputBuffer(request, length, &buffer, NULL) == STATUS_SUCCESS);
    CHECK(WdfRequestRetrieveOutputMemory(request, &memory) == STATUS_SUCCESS);
    if (keep && !held) {
        held = request;
        return;
    }
    WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, length);
}

static VOID on_stop(WDFQUEUE of, WDFREQUEST request, ULONG flags)
{
    (void)of, (void)flags;
    CHECK(request == held);
    held = NULL;
    WdfRequestComplete(request, STATUS_CANCELLED);
}

/* Whoever writes lets the request go that is held. */
static VOID on_write(WDFQUEUE of, WDFREQUEST request, size_t length)
{
    WDFREQUEST kept = held;

    (void)of;
    held = NULL;
    keep = false;
    if (refer)
        WdfObjectReference(kept);
    WdfRequestCompleteWithInformation(kept, STATUS_SUCCESS, 64);
    wb_note("let-go");
    if (refer)
        WdfObjectDereference(kept);
    WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, length);
}

static void fill_policy(void)
{
    if (kind == WdfIoForwardProgressReservedPolicyUseExamine)
        WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_EXAMINE_INIT(&policy, 1, examine);
    else if (kind == WdfIoForwardProgressReservedPolicyPagingIO)
        WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_PAGINGIO_INIT(&policy, 1);
    else
        WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_DEFAULT_INIT(&policy, 1);
    policy.EvtIoAllocateRequestResources = allocate;
    policy.EvtIoAllocateResourcesForReservedRequest = reserve;
}

static NTSTATUS make(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE writes;

    held = NULL;
    fill_policy();
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoRead = on_read;
    config.EvtIoStop = on_stop;
    CHECK(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_SUCCESS);
    CHECK(WdfIoQueueAssignForwardProgressPolicy(queue, &policy) == STATUS_SUCCESS);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    config.EvtIoWrite = on_write;
    CHECK(WdfIoQueueCreate(device, &config, NULL, &writes) == STATUS_SUCCESS);
    return WdfDeviceConfigureRequestDispatching(device, writes, WdfRequestTypeWrite);
}

static void run(const struct ft_op *op, unsigned count)
{
    wdf_bench_run(&(struct wdf_bench){.add = make, .flags = WDF_BENCH_QUIET}, op, count);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static int set_up(void **state)
{
    (void)state;
    kind = WdfIoForwardProgressReservedPolicyAlwaysUseReservedRequest;
    reserve_answer = STATUS_SUCCESS;
    allocate_answer = STATUS_NO_MEMORY;
    keep = refer = false;
    return 0;
}

static bool has_status(NTSTATUS status)
{
    for (unsigned n = 1; n <= wb_count(FT_EV_IRP_DONE); n++)
        if (wb_event(FT_EV_IRP_DONE, n)->arg[1] == (uint32_t)status)
            return true;
    return false;
}

static void assert_notes(const char *notes)
{
    if (!strstr(wb_notes(), notes))
        fail_msg("%s", wb_notes());
}

static const struct ft_op read_once[] = {{.kind = FT_OP_READ, .label = 1, .arg = {64, 0}}};

/* ---- policies ---- */

static void a_request_is_used_when_there_is_no_other(void **state)
{
    (void)state;
    allocate_answer = STATUS_SUCCESS;
    run(read_once, 1);
    assert_notes("reserve prepare");
    assert_notes("allocate plain");
    allocate_answer = STATUS_NO_MEMORY;
    run(read_once, 1);
    assert_notes("allocate reserved");
    assert_true(wb_place(FT_EV_WDF_RESERVED, 2) < wb_place(FT_EV_WDF_GIVEN, 1));
    assert_int_equal(wb_event(FT_EV_WDF_RESERVED, 3)->arg[3], 4); /* it is back */
}

static void no_memory_for_a_request(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_FAIL_ALLOC, .arg = {FT_FAIL_POOL, 0}},
                                      {.kind = FT_OP_READ, .label = 1, .arg = {64, 0}}};

    (void)state;
    allocate_answer = STATUS_SUCCESS;
    run(op, 2);
    assert_null(strstr(wb_notes(), "allocate"));
    assert_notes("reserved");
}

static void the_driver_may_examine(void **state)
{
    (void)state;
    kind = WdfIoForwardProgressReservedPolicyUseExamine;
    action = WdfIoForwardProgressActionUseReservedRequest;
    run(read_once, 1);
    assert_notes("allocate examine reserved");
    action = WdfIoForwardProgressActionFailRequest;
    run(read_once, 1);
    assert_true(has_status(STATUS_UNSUCCESSFUL));
    assert_null(strstr(wb_notes(), "reserved"));
    action = WdfIoForwardProgressActionInvalid;
    run(read_once, 1);
    assert_true(has_status(STATUS_UNSUCCESSFUL));
}

static NTSTATUS page(WDFDEVICE device, PIRP irp)
{
    if (paging)
        irp->Flags |= IRP_PAGING_IO;
    IoSkipCurrentIrpStackLocation(irp);
    return WdfDeviceWdmDispatchPreprocessedIrp(device, irp);
}

static void say_page(PWDFDEVICE_INIT init)
{
    CHECK(WdfDeviceInitAssignWdmIrpPreprocessCallback(init, page, IRP_MJ_READ, NULL, 0) ==
          STATUS_SUCCESS);
}

static void only_paging_io(void **state)
{
    struct wdf_bench how = {.init = say_page, .add = make, .flags = WDF_BENCH_QUIET};

    (void)state;
    kind = WdfIoForwardProgressReservedPolicyPagingIO;
    for (paging = true;; paging = false) {
        wdf_bench_run(&how, read_once, 1);
        assert_int_equal(strstr(wb_notes(), "reserved") != NULL, paging);
        assert_int_equal(has_status(STATUS_UNSUCCESSFUL), !paging);
        if (!paging)
            break;
    }
}

/* ---- IRPs that wait ---- */

static const struct ft_op two_reads_and_a_write[] = {
    {.kind = FT_OP_READ, .label = 1, .arg = {64, 0}},
    {.kind = FT_OP_READ, .label = 2, .arg = {64, 0}},
    {.kind = FT_OP_WRITE, .label = 3, .arg = {64, 0}}};

static void an_irp_waits_for_a_request(void **state)
{
    (void)state;
    keep = true;
    run(two_reads_and_a_write, 3);
    assert_notes("allocate reserved allocate reserved let-go");
    set_up(NULL);
    keep = refer = true; /* only when nobody refers to it is it back */
    run(two_reads_and_a_write, 3);
    assert_notes("allocate reserved allocate let-go reserved");
}

static void an_irp_that_waits_is_cancelled(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_READ, .label = 1, .arg = {64, 0}},
                                      {.kind = FT_OP_READ, .label = 2, .arg = {64, 0}},
                                      {.kind = FT_OP_CANCEL, .arg = {2}},
                                      {.kind = FT_OP_WRITE, .label = 3, .arg = {64, 0}}};

    (void)state;
    keep = true;
    run(op, 4);
    assert_notes("allocate reserved allocate let-go");
    assert_true(has_status(STATUS_CANCELLED));
    set_up(NULL);
    keep = true;
    run(op, 2); /* the end of the run cancels it, or the removal */
    assert_true(has_status(STATUS_CANCELLED));
}

/* ---- what is refused ---- */

static NTSTATUS check_refused(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;

    fill_policy();
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    config.EvtIoRead = on_read;
    CHECK(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_SUCCESS);
    policy.Size++;
    CHECK(WdfIoQueueAssignForwardProgressPolicy(queue, &policy) == STATUS_INFO_LENGTH_MISMATCH);
    policy.Size--;
    policy.TotalForwardProgressRequests = 0;
    CHECK(WdfIoQueueAssignForwardProgressPolicy(queue, &policy) == STATUS_INVALID_PARAMETER);
    policy.TotalForwardProgressRequests = 3;
    policy.ForwardProgressReservedPolicy = WdfIoForwardProgressReservedPolicyUseExamine;
    CHECK(WdfIoQueueAssignForwardProgressPolicy(queue, &policy) == STATUS_INVALID_PARAMETER);
    policy.ForwardProgressReservedPolicy =
        WdfIoForwardProgressReservedPolicyAlwaysUseReservedRequest;
    for (unsigned n = 0; n < 2; n++) { /* its own memory, and that of a request */
        FT_M->alloc_fail_what = FT_FAIL_POOL;
        FT_M->alloc_fail_after = (uint8_t)(2 * n);
        CHECK(WdfIoQueueAssignForwardProgressPolicy(queue, &policy) ==
              STATUS_INSUFFICIENT_RESOURCES);
    }
    reserve_answer = STATUS_DEVICE_BUSY;
    CHECK(WdfIoQueueAssignForwardProgressPolicy(queue, &policy) == STATUS_DEVICE_BUSY);
    reserve_answer = STATUS_SUCCESS;
    CHECK(WdfIoQueueAssignForwardProgressPolicy(queue, &policy) == STATUS_SUCCESS);
    CHECK(WdfIoQueueAssignForwardProgressPolicy(queue, &policy) == STATUS_INVALID_PARAMETER);
    WdfObjectDelete(queue);
    return STATUS_SUCCESS;
}

static void a_policy_is_checked(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = check_refused, .flags = WDF_BENCH_QUIET}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_request_is_used_when_there_is_no_other, set_up),
        cmocka_unit_test_setup(no_memory_for_a_request, set_up),
        cmocka_unit_test_setup(the_driver_may_examine, set_up),
        cmocka_unit_test_setup(only_paging_io, set_up),
        cmocka_unit_test_setup(an_irp_waits_for_a_request, set_up),
        cmocka_unit_test_setup(an_irp_that_waits_is_cancelled, set_up),
        cmocka_unit_test_setup(a_policy_is_checked, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
