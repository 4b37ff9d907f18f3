/* Requests that a child forwards to a queue of its parent. */
#include "wdf_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static IO_STATUS_BLOCK result;
static WDFQUEUE parent_queue, closed_queue;

static VOID child_reads(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    WDF_REQUEST_FORWARD_OPTIONS options;

    (void)queue, (void)length;
    WDF_REQUEST_FORWARD_OPTIONS_INIT(&options);
    options.Size--;
    CHECK(WdfRequestForwardToParentDeviceIoQueue(request, parent_queue, &options) ==
          STATUS_INFO_LENGTH_MISMATCH);
    options.Size++;
    options.Flags = 2;
    CHECK(WdfRequestForwardToParentDeviceIoQueue(request, parent_queue, &options) ==
          STATUS_INVALID_PARAMETER);
    WDF_REQUEST_FORWARD_OPTIONS_INIT(&options);
    CHECK(WdfRequestForwardToParentDeviceIoQueue(request, queue, &options) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfRequestForwardToParentDeviceIoQueue(request, closed_queue, &options) ==
          STATUS_WDF_BUSY);
    CHECK(WdfRequestForwardToParentDeviceIoQueue(request, parent_queue, &options) ==
          STATUS_SUCCESS);
}

static VOID parent_reads(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    CHECK(queue == parent_queue && length == 8);
    wb_note("parent-read");
    WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, 8);
}

static WDFQUEUE make_queue(WDFDEVICE device, PFN_WDF_IO_QUEUE_IO_READ read)
{
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue = NULL;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.DefaultQueue = read == child_reads;
    config.PowerManaged = WdfFalse;
    config.EvtIoRead = read;
    CHECK(WdfIoQueueCreate(device, &config, NULL, &queue) == STATUS_SUCCESS);
    return queue;
}

static NTSTATUS read_of(PDEVICE_OBJECT device)
{
    LARGE_INTEGER zero = {.QuadPart = 0};
    unsigned char buffer[8];
    KEVENT done;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, device, buffer, sizeof buffer, &zero, &done,
                                       &result);
    if (IoCallDriver(device, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    return result.Status;
}

static void check_forward(WDFDEVICE device)
{
    PWDFDEVICE_INIT init = WdfPdoInitAllocate(device);
    PDEVICE_OBJECT pdo;
    WDFDEVICE child;

    parent_queue = make_queue(device, parent_reads);
    closed_queue = make_queue(device, parent_reads);
    WdfIoQueueDrain(closed_queue, NULL, NULL);
    WdfPdoInitAllowForwardingRequestToParent(init);
    CHECK(WdfDeviceCreate(&init, NULL, &child) == STATUS_SUCCESS);
    make_queue(child, child_reads);
    pdo = WdfDeviceWdmGetDeviceObject(child);
    CHECK(read_of(pdo) == STATUS_SUCCESS && result.Information == 8);
    WdfObjectDelete(child);
}

static void in_forward(enum ft_routine routine, WDFOBJECT device)
{
    if (routine == FT_ROUTINE_WDF_SMIO_INIT)
        check_forward(device);
}

static void a_child_forwards_requests_to_its_parent(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.in = in_forward}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(wb_notes(), "parent-read"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_forwards_requests_to_its_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
