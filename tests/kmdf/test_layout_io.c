/* The structures of requests, queues, files and I/O targets have the sizes, offsets and values of
 * x64 Windows, and their INIT functions fill them. The rows come from the published headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world_bench.h"

#include <ntddk.h>
#include <wdf.h>

struct row {
    const char *name;
    uint64_t expected, actual;
};

#define SIZE(type, expected)                                                                       \
    {                                                                                              \
        "sizeof " #type, expected, sizeof(type)                                                    \
    }
#define OFFSET(type, member, expected)                                                             \
    {                                                                                              \
#type "." #member, expected, offsetof(type, member)                                        \
    }
#define VALUE(name, expected)                                                                      \
    {                                                                                              \
#name, expected, (uint64_t)(name)                                                          \
    }

static const struct row rows[] = {
    SIZE(WDF_REQUEST_PARAMETERS, 40),
    OFFSET(WDF_REQUEST_PARAMETERS, MinorFunction, 2),
    OFFSET(WDF_REQUEST_PARAMETERS, Type, 4),
    OFFSET(WDF_REQUEST_PARAMETERS, Parameters, 8),
    OFFSET(WDF_REQUEST_PARAMETERS, Parameters.Create.ShareAccess, 26),
    OFFSET(WDF_REQUEST_PARAMETERS, Parameters.Create.EaLength, 32),
    OFFSET(WDF_REQUEST_PARAMETERS, Parameters.Read.DeviceOffset, 24),
    OFFSET(WDF_REQUEST_PARAMETERS, Parameters.DeviceIoControl.Type3InputBuffer, 32),
    OFFSET(WDF_REQUEST_PARAMETERS, Parameters.Others.Arg4, 32),
    SIZE(WDF_REQUEST_COMPLETION_PARAMS, 72),
    OFFSET(WDF_REQUEST_COMPLETION_PARAMS, IoStatus, 8),
    OFFSET(WDF_REQUEST_COMPLETION_PARAMS, Parameters.Ioctl.Output.Length, 64),
    SIZE(WDF_REQUEST_REUSE_PARAMS, 24),
    SIZE(WDF_REQUEST_SEND_OPTIONS, 16),
    OFFSET(WDF_REQUEST_SEND_OPTIONS, Timeout, 8),
    SIZE(WDF_REQUEST_FORWARD_OPTIONS, 8),
    SIZE(WDF_IO_QUEUE_CONFIG, 96),
    OFFSET(WDF_IO_QUEUE_CONFIG, DefaultQueue, 13),
    OFFSET(WDF_IO_QUEUE_CONFIG, EvtIoDefault, 16),
    OFFSET(WDF_IO_QUEUE_CONFIG, EvtIoCanceledOnQueue, 72),
    OFFSET(WDF_IO_QUEUE_CONFIG, Settings, 80),
    OFFSET(WDF_IO_QUEUE_CONFIG, Driver, 88),
    SIZE(WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY, 40),
    OFFSET(WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY, EvtIoAllocateRequestResources, 32),
    SIZE(WDF_IO_TARGET_OPEN_PARAMS, 136),
    OFFSET(WDF_IO_TARGET_OPEN_PARAMS, TargetDeviceName, 48),
    OFFSET(WDF_IO_TARGET_OPEN_PARAMS, AllocationSize, 104),
    OFFSET(WDF_IO_TARGET_OPEN_PARAMS, FileInformation, 112),
    VALUE(WdfRequestTypeCreate, 0),
    VALUE(WdfRequestTypeRead, 3),
    VALUE(WdfRequestTypeWrite, 4),
    VALUE(WdfRequestTypeFlushBuffers, 9),
    VALUE(WdfRequestTypeDeviceControl, 14),
    VALUE(WdfRequestTypeDeviceControlInternal, 15),
    VALUE(WdfRequestTypeCleanup, 18),
    VALUE(WdfRequestTypePnp, 27),
    VALUE(WdfRequestTypeUsb, 64),
    VALUE(WdfRequestTypeNoFormat, 255),
    VALUE(WdfRequestTypeMax, 256),
    VALUE(WdfRequestStopActionSuspend, 1),
    VALUE(WdfRequestStopActionPurge, 2),
    VALUE(WdfRequestStopRequestCancelable, 0x10000000),
    VALUE(WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET, 8),
    VALUE(WDF_REQUEST_SEND_OPTION_IMPERSONATE_CLIENT, 0x10000),
    VALUE(WdfIoQueueDispatchSequential, 1),
    VALUE(WdfIoQueueDispatchParallel, 2),
    VALUE(WdfIoQueueDispatchManual, 3),
    VALUE(WdfIoQueueDispatchMax, 4),
    VALUE(WdfIoQueuePnpHeld, 16),
    VALUE(WdfIoForwardProgressActionUseReservedRequest, 2),
    VALUE(WdfIoForwardProgressReservedPolicyPagingIO, 3),
    VALUE(WdfIoTargetStarted, 1),
    VALUE(WdfIoTargetPurged, 6),
    VALUE(WdfIoTargetOpenLocalTargetByFile, 4),
    VALUE(WdfIoTargetCancelSentIo, 1),
    VALUE(WdfIoTargetLeaveSentIoPending, 3),
    VALUE(WdfIoTargetPurgeIo, 2),
    VALUE(FILE_OPEN, 1),
    VALUE(FILE_NON_DIRECTORY_FILE, 0x40),
};

static void test_layout(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].expected == rows[i].actual)
            continue;
        print_error("%s: expected %llu, is %llu\n", rows[i].name,
                    (unsigned long long)rows[i].expected, (unsigned long long)rows[i].actual);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void init_requests(void)
{
    WDF_REQUEST_PARAMETERS parameters = {.Type = WdfRequestTypeRead};
    WDF_REQUEST_COMPLETION_PARAMS completion;
    WDF_REQUEST_REUSE_PARAMS reuse;
    WDF_REQUEST_SEND_OPTIONS options = {.Timeout = 1};
    WDF_REQUEST_FORWARD_OPTIONS forward = {0};
    IRP irp;

    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    CHECK(parameters.Size == 40 && parameters.Type == WdfRequestTypeCreate);
    WDF_REQUEST_COMPLETION_PARAMS_INIT(&completion);
    CHECK(completion.Size == 72 && completion.Type == WdfRequestTypeNoFormat);
    WDF_REQUEST_REUSE_PARAMS_INIT(&reuse, WDF_REQUEST_REUSE_NO_FLAGS, STATUS_TIMEOUT);
    CHECK(reuse.Size == 24 && reuse.Flags == 0 && reuse.Status == STATUS_TIMEOUT);
    CHECK(reuse.NewIrp == NULL);
    WDF_REQUEST_REUSE_PARAMS_SET_NEW_IRP(&reuse, &irp);
    CHECK(reuse.Flags == WDF_REQUEST_REUSE_SET_NEW_IRP && reuse.NewIrp == &irp);
    WDF_REQUEST_SEND_OPTIONS_INIT(&options, WDF_REQUEST_SEND_OPTION_SYNCHRONOUS);
    CHECK(options.Size == 16 && options.Flags == 2 && options.Timeout == 0);
    WDF_REQUEST_SEND_OPTIONS_SET_TIMEOUT(&options, -5);
    CHECK(options.Flags == 3 && options.Timeout == -5);
    WDF_REQUEST_FORWARD_OPTIONS_INIT(&forward);
    CHECK(forward.Size == 8 && forward.Flags == WDF_REQUEST_FORWARD_OPTION_SEND_AND_FORGET);
}

static void init_queues(void)
{
    WDF_IO_QUEUE_CONFIG config = {.Driver = (WDFDRIVER)&config};
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY policy;

    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchSequential);
    CHECK(config.Size == 96 && config.PowerManaged == WdfUseDefault && !config.DefaultQueue);
    CHECK(config.Settings.Parallel.NumberOfPresentedRequests == 0 && config.Driver == NULL);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    CHECK(config.DispatchType == WdfIoQueueDispatchParallel && config.DefaultQueue);
    CHECK(config.Settings.Parallel.NumberOfPresentedRequests == (ULONG)-1);
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_DEFAULT_INIT(&policy, 3);
    CHECK(policy.Size == 40 && policy.TotalForwardProgressRequests == 3);
    CHECK(policy.ForwardProgressReservedPolicy == 1);
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_EXAMINE_INIT(&policy, 4, NULL);
    CHECK(policy.TotalForwardProgressRequests == 4 && policy.ForwardProgressReservedPolicy == 2);
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY_PAGINGIO_INIT(&policy, 5);
    CHECK(policy.TotalForwardProgressRequests == 5 && policy.ForwardProgressReservedPolicy == 3);
}

/* What each combination of bits means. */
static void queue_states(void)
{
    for (unsigned bits = 0; bits < 32; bits++) {
        WDF_IO_QUEUE_STATE state = (WDF_IO_QUEUE_STATE)bits;
        bool accepts = bits & 1, dispatches = bits & 2, empty = bits & 4, none_owned = bits & 8;

        CHECK(WDF_IO_QUEUE_IDLE(state) == (empty && none_owned));
        CHECK(WDF_IO_QUEUE_READY(state) == (accepts && dispatches && !(bits & 16)));
        CHECK(WDF_IO_QUEUE_STOPPED(state) == (accepts && !dispatches && none_owned));
        CHECK(WDF_IO_QUEUE_DRAINED(state) == (!accepts && dispatches && empty && none_owned));
        CHECK(WDF_IO_QUEUE_PURGED(state) == (!accepts && empty && none_owned));
    }
}

static void init_targets(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Below");
    WDF_IO_TARGET_OPEN_PARAMS params;
    DEVICE_OBJECT device;

    WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&params, &device);
    CHECK(params.Size == 136 && params.Type == WdfIoTargetOpenUseExistingDevice);
    CHECK(params.TargetDeviceObject == &device);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_CREATE_BY_NAME(&params, &name, 7);
    CHECK(params.Type == WdfIoTargetOpenByName && params.TargetDeviceName.Buffer == name.Buffer);
    CHECK(params.DesiredAccess == 7 && params.CreateOptions == FILE_NON_DIRECTORY_FILE);
    CHECK(params.CreateDisposition == FILE_SUPERSEDE && params.TargetDeviceObject == NULL);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&params, &name, 7);
    CHECK(params.Type == WdfIoTargetOpenByName && params.CreateDisposition == FILE_OPEN);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&params);
    CHECK(params.Size == 136 && params.Type == WdfIoTargetOpenReopen);
    CHECK(params.CreateDisposition == FILE_SUPERSEDE);
}

static void init_body(void)
{
    init_requests();
    init_queues();
    queue_states();
    init_targets();
}

static void test_init(void **state)
{
    (void)state;
    wb_body(init_body, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_init),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
