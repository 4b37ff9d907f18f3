/* WMI providers and instances: what the service of this machine asks, and requests of the test's.
 */
#include "wdf_bench.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <wmistr.h>
#include <cmocka.h>

enum { BYTES = 512 };

static const GUID guid = {0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};
static const GUID other = {0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 11}};

typedef struct data {
    ULONG value, more;
} DATA;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(DATA, data_of)

static NTSTATUS answer;
static ULONG used;
static union {
    unsigned char bytes[BYTES];
    WNODE_HEADER header;
    WNODE_ALL_DATA all;
    WNODE_SINGLE_INSTANCE single;
    WNODE_SINGLE_ITEM item;
    WNODE_METHOD_ITEM method;
    WNODE_TOO_SMALL small;
    WMIREGINFOW info;
    unsigned char align[1] __attribute__((aligned(16)));
} node;

/* ---- the driver ---- */

static NTSTATUS query_one(WDFWMIINSTANCE instance, ULONG bytes, PVOID buffer, PULONG ret)
{
    (void)instance;
    wb_note("query");
    *ret = used;
    if (bytes < used)
        return STATUS_BUFFER_TOO_SMALL;
    memset(buffer, 7, used);
    return answer;
}

static NTSTATUS set_one(WDFWMIINSTANCE instance, ULONG bytes, PVOID buffer)
{
    (void)instance;
    CHECK(bytes == 8 && *(PULONG)buffer == 9);
    wb_note("set");
    return answer;
}

static NTSTATUS set_item(WDFWMIINSTANCE instance, ULONG item, ULONG bytes, PVOID buffer)
{
    (void)instance;
    CHECK(item == 3 && bytes == 4 && *(PULONG)buffer == 9);
    wb_note("item");
    return answer;
}

static NTSTATUS execute(WDFWMIINSTANCE instance, ULONG method, ULONG in, ULONG out, PVOID buffer,
                        PULONG ret)
{
    (void)instance;
    CHECK(method == 5 && in == 4 && out >= 16 && *(PULONG)buffer == 9);
    wb_note("method");
    *ret = 16;
    return answer;
}

static NTSTATUS control(WDFWMIPROVIDER provider, WDF_WMI_PROVIDER_CONTROL what, BOOLEAN enable)
{
    CHECK(WdfWmiProviderIsEnabled(provider, what) == enable);
    wb_note(what == WdfWmiEventControl ? enable ? "events-on" : "events-off"
            : enable                   ? "data-on"
                                       : "data-off");
    return answer;
}

static WDFWMIPROVIDER provider;
static WDFWMIINSTANCE instance;

static NTSTATUS make_provider(WDFDEVICE device, const GUID *of, ULONG flags)
{
    WDF_WMI_PROVIDER_CONFIG config;

    WDF_WMI_PROVIDER_CONFIG_INIT(&config, of);
    config.Flags = flags;
    config.MinInstanceBufferSize = 8;
    if (flags & (WdfWmiProviderExpensive | WdfWmiProviderTracing))
        config.EvtWmiProviderFunctionControl = control;
    return WdfWmiProviderCreate(device, &config, NULL, &provider);
}

static NTSTATUS make_instance(WDFDEVICE device)
{
    WDF_WMI_INSTANCE_CONFIG config;

    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&config, provider);
    config.Register = TRUE;
    config.EvtWmiInstanceQueryInstance = query_one;
    config.EvtWmiInstanceSetInstance = set_one;
    config.EvtWmiInstanceSetItem = set_item;
    config.EvtWmiInstanceExecuteMethod = execute;
    return WdfWmiInstanceCreate(device, &config, NULL, &instance);
}

static NTSTATUS make_both(WDFDEVICE device)
{
    CHECK(make_provider(device, &guid, WdfWmiProviderExpensive) == STATUS_SUCCESS);
    CHECK(make_instance(device) == STATUS_SUCCESS);
    CHECK(WdfWmiProviderGetDevice(provider) == device);
    CHECK(WdfWmiInstanceGetDevice(instance) == device);
    CHECK(WdfWmiInstanceGetProvider(instance) == provider);
    return STATUS_SUCCESS;
}

static int set_up(void **state)
{
    (void)state;
    answer = STATUS_SUCCESS;
    used = 8;
    return 0;
}

/* ---- what the service asks ---- */

static void the_device_is_registered_while_it_is_started(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = make_both, .flags = WDF_BENCH_QUIET}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(wb_notes(), "query"));
    assert_int_equal(wb_count(FT_EV_WMI_REGISTER), 2);
    assert_int_equal(wb_event(FT_EV_WMI_REGISTER, 1)->arg[1], WMIREG_ACTION_REGISTER);
    assert_int_equal(wb_event(FT_EV_WMI_REGISTER, 2)->arg[1], WMIREG_ACTION_DEREGISTER);
    wdf_bench_run(&(struct wdf_bench){.flags = WDF_BENCH_QUIET}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_WMI_REGISTER), 0); /* it has nothing to offer */
}

/* ---- requests of the test's ---- */

static NTSTATUS ask(WDFDEVICE device, UCHAR minor, const GUID *of, ULONG bytes, ULONG *information)
{
    PDEVICE_OBJECT fdo = WdfDeviceWdmGetDeviceObject(device);
    IO_STATUS_BLOCK result;
    PIO_STACK_LOCATION next;
    KEVENT done;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, fdo, NULL, 0, NULL, &done, &result);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
    next->MinorFunction = minor;
    next->Parameters.WMI.ProviderId = (ULONG_PTR)fdo;
    next->Parameters.WMI.DataPath = (PVOID)(uintptr_t)of;
    next->Parameters.WMI.BufferSize = bytes;
    next->Parameters.WMI.Buffer = &node;
    node.header.Flags |= WNODE_FLAG_STATIC_INSTANCE_NAMES;
    IoCallDriver(fdo, irp);
    if (information)
        *information = (ULONG)result.Information;
    return result.Status;
}

static void check_queries(WDFDEVICE device)
{
    ULONG information;

    memset(&node, 0, sizeof node);
    CHECK(ask(device, IRP_MN_QUERY_ALL_DATA, &guid, BYTES, &information) == STATUS_SUCCESS);
    CHECK(node.all.InstanceCount == 1 && information == node.all.DataBlockOffset + 8);
    CHECK(node.bytes[node.all.OffsetInstanceDataAndLength[0].OffsetInstanceData] == 7);
    CHECK(ask(device, IRP_MN_QUERY_ALL_DATA, &guid, sizeof node.all, &information) ==
          STATUS_SUCCESS);
    CHECK(node.header.Flags & WNODE_FLAG_TOO_SMALL && information == sizeof node.small);
    CHECK(ask(device, IRP_MN_QUERY_ALL_DATA, &guid, 8, NULL) == STATUS_UNSUCCESSFUL);
    CHECK(ask(device, IRP_MN_QUERY_ALL_DATA, &other, BYTES, NULL) == STATUS_WMI_GUID_NOT_FOUND);
    memset(&node, 0, sizeof node);
    node.single.DataBlockOffset = sizeof node.single;
    CHECK(ask(device, IRP_MN_QUERY_SINGLE_INSTANCE, &guid, BYTES, &information) == STATUS_SUCCESS);
    CHECK(information == sizeof node.single + 8 && node.single.SizeDataBlock == 8);
    CHECK(ask(device, IRP_MN_QUERY_SINGLE_INSTANCE, &guid, sizeof node.single, &information) ==
          STATUS_SUCCESS);
    CHECK(node.header.Flags & WNODE_FLAG_TOO_SMALL);
    node.single.InstanceIndex = 1;
    CHECK(ask(device, IRP_MN_QUERY_SINGLE_INSTANCE, &guid, BYTES, NULL) ==
          STATUS_WMI_INSTANCE_NOT_FOUND);
    answer = STATUS_PENDING; /* which no callback may say */
    memset(&node, 0, sizeof node);
    CHECK(ask(device, IRP_MN_QUERY_ALL_DATA, &guid, BYTES, NULL) == STATUS_UNSUCCESSFUL);
    answer = STATUS_SUCCESS;
}

static void check_changes(WDFDEVICE device)
{
    ULONG information;

    memset(&node, 0, sizeof node);
    node.single.DataBlockOffset = 96;
    node.single.SizeDataBlock = 8;
    node.bytes[96] = 9;
    CHECK(ask(device, IRP_MN_CHANGE_SINGLE_INSTANCE, &guid, BYTES, NULL) == STATUS_SUCCESS);
    answer = STATUS_BUFFER_TOO_SMALL;
    CHECK(ask(device, IRP_MN_CHANGE_SINGLE_INSTANCE, &guid, BYTES, NULL) == STATUS_WMI_SET_FAILURE);
    answer = STATUS_SUCCESS;
    node.single.SizeDataBlock = 4; /* less than an instance has */
    CHECK(ask(device, IRP_MN_CHANGE_SINGLE_INSTANCE, &guid, BYTES, NULL) == STATUS_WMI_SET_FAILURE);
    node.item.ItemId = 3;
    node.item.DataBlockOffset = 96;
    node.item.SizeDataItem = 4;
    CHECK(ask(device, IRP_MN_CHANGE_SINGLE_ITEM, &guid, BYTES, NULL) == STATUS_SUCCESS);
    node.method.MethodId = 5;
    node.method.DataBlockOffset = 96;
    node.method.SizeDataBlock = 4;
    CHECK(ask(device, IRP_MN_EXECUTE_METHOD, &guid, BYTES, &information) == STATUS_SUCCESS);
    CHECK(information == 112 && node.method.SizeDataBlock == 16);
}

static void check_control(WDFDEVICE device)
{
    memset(&node, 0, sizeof node);
    CHECK(ask(device, IRP_MN_ENABLE_EVENTS, &guid, BYTES, NULL) == STATUS_SUCCESS);
    CHECK(WdfWmiProviderIsEnabled(provider, WdfWmiEventControl));
    CHECK(ask(device, IRP_MN_DISABLE_EVENTS, &guid, BYTES, NULL) == STATUS_SUCCESS);
    CHECK(ask(device, IRP_MN_ENABLE_COLLECTION, &guid, BYTES, NULL) == STATUS_SUCCESS);
    CHECK(ask(device, IRP_MN_DISABLE_COLLECTION, &guid, BYTES, NULL) == STATUS_SUCCESS);
    answer = STATUS_UNSUCCESSFUL;
    CHECK(ask(device, IRP_MN_ENABLE_COLLECTION, &guid, BYTES, NULL) == STATUS_UNSUCCESSFUL);
    CHECK(!WdfWmiProviderIsEnabled(provider, WdfWmiInstanceControl));
    answer = STATUS_SUCCESS;
    CHECK(ask(device, IRP_MN_ENABLE_EVENTS, &guid, 4, NULL) == STATUS_INVALID_PARAMETER);
    CHECK(!WdfWmiProviderIsEnabled(provider, WdfWmiControlInvalid));
}

static void check_registration(WDFDEVICE device)
{
    DECLARE_CONST_UNICODE_STRING(mof, L"MofResource");
    ULONG information;

    CHECK(WdfDeviceAssignMofResourceName(device, &mof) == STATUS_SUCCESS);
    CHECK(WdfDeviceAssignMofResourceName(device, &mof) == STATUS_INVALID_DEVICE_REQUEST);
    memset(&node, 0, sizeof node);
    CHECK(ask(device, IRP_MN_REGINFO_EX, NULL, 16, &information) == STATUS_SUCCESS);
    CHECK(information == sizeof(ULONG) && node.info.BufferSize > 64);
    CHECK(ask(device, IRP_MN_REGINFO_EX, NULL, BYTES, &information) == STATUS_SUCCESS);
    CHECK(information == node.info.BufferSize && node.info.GuidCount == 1);
    CHECK(*(PUSHORT)(node.bytes + node.info.MofResourceName) == mof.Length);
    CHECK(node.info.WmiRegGuid[0].Flags == (WMIREG_FLAG_INSTANCE_PDO | WMIREG_FLAG_EXPENSIVE));
    CHECK(node.info.WmiRegGuid[0].InstanceCount == 1);
    WdfWmiInstanceDeregister(instance);
    CHECK(ask(device, IRP_MN_QUERY_ALL_DATA, &guid, BYTES, NULL) == STATUS_WMI_INSTANCE_NOT_FOUND);
    CHECK(WdfWmiInstanceRegister(instance) == STATUS_SUCCESS);
    CHECK(WdfWmiInstanceRegister(instance) == STATUS_INVALID_DEVICE_REQUEST);
}

static void ask_all(enum ft_routine routine, WDFOBJECT device)
{
    if (routine != FT_ROUTINE_WDF_QUERY_REMOVE)
        return;
    check_queries(device);
    check_changes(device);
    check_control(device);
    check_registration(device);
    WdfObjectDelete(instance);
}

static void requests_reach_the_callbacks(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = make_both, .in = ask_all, .flags = WDF_BENCH_QUIET},
                  NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(
        strstr(wb_notes(), "set set item method events-on events-off data-on data-off"));
    assert_true(wb_count(FT_EV_WMI_REGISTER) > 3); /* what has changed is told */
}

/* ---- tracing, read-only instances and the context as data ---- */

static NTSTATUS make_by_context(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WMI_INSTANCE_CONFIG config;
    WDF_WMI_PROVIDER_CONFIG how;

    WDF_WMI_PROVIDER_CONFIG_INIT(&how, &guid);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER_CONFIG(&config, &how);
    config.UseContextForQuery = TRUE;
    config.Register = TRUE;
    CHECK(WdfWmiInstanceCreate(device, &config, NULL, &instance) == STATUS_INVALID_PARAMETER);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, DATA);
    how.MinInstanceBufferSize = sizeof(DATA) + 1;
    CHECK(WdfWmiInstanceCreate(device, &config, &attributes, &instance) == STATUS_BUFFER_TOO_SMALL);
    how.MinInstanceBufferSize = sizeof(DATA);
    CHECK(WdfWmiInstanceCreate(device, &config, &attributes, &instance) == STATUS_SUCCESS);
    data_of(instance)->value = 42;
    CHECK(make_provider(device, &other, WdfWmiProviderTracing) == STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static void ask_some(enum ft_routine routine, WDFOBJECT device)
{
    if (routine != FT_ROUTINE_WDF_QUERY_REMOVE)
        return;
    memset(&node, 0, sizeof node);
    node.single.DataBlockOffset = 96;
    CHECK(ask(device, IRP_MN_QUERY_SINGLE_INSTANCE, &guid, BYTES, NULL) == STATUS_SUCCESS);
    CHECK(*(PULONG)(node.bytes + 96) == 42);
    CHECK(ask(device, IRP_MN_CHANGE_SINGLE_INSTANCE, &guid, BYTES, NULL) == STATUS_WMI_READ_ONLY);
    CHECK(ask(device, IRP_MN_CHANGE_SINGLE_ITEM, &guid, BYTES, NULL) == STATUS_WMI_READ_ONLY);
    CHECK(ask(device, IRP_MN_EXECUTE_METHOD, &guid, BYTES, NULL) == STATUS_INVALID_DEVICE_REQUEST);
    node.header.HistoricalContext = 77;
    CHECK(ask(device, IRP_MN_ENABLE_EVENTS, &other, BYTES, NULL) == STATUS_SUCCESS);
    CHECK(WdfWmiProviderGetTracingHandle(provider) == 77);
    CHECK(make_instance(device) == STATUS_INVALID_DEVICE_REQUEST); /* of a tracing provider */
}

static void contexts_and_tracing(void **state)
{
    (void)state;
    wdf_bench_run(
        &(struct wdf_bench){.add = make_by_context, .in = ask_some, .flags = WDF_BENCH_QUIET}, NULL,
        0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* ---- events, and a level that is too high for the service ---- */

static void fire(enum ft_routine routine, WDFOBJECT device)
{
    ULONG value = 7;
    KIRQL irql;

    if (routine != FT_ROUTINE_WDF_SMIO_INIT)
        return;
    CHECK(WdfWmiInstanceFireEvent(instance, sizeof value, &value) == STATUS_SUCCESS);
    CHECK(WdfWmiInstanceFireEvent(instance, 0, NULL) == STATUS_SUCCESS);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfWmiInstanceFireEvent(instance, 0, NULL) == STATUS_INSUFFICIENT_RESOURCES);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK(make_instance(device) == STATUS_SUCCESS);
    KeLowerIrql(irql);
}

static void events_are_written(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = make_both, .in = fire, .flags = WDF_BENCH_QUIET}, NULL,
                  0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* ---- what is refused ---- */

static void check_provider_refused(WDFDEVICE device)
{
    static const GUID none;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WMI_PROVIDER_CONFIG config;

    WDF_WMI_PROVIDER_CONFIG_INIT(&config, &guid);
    config.Size--;
    CHECK(WdfWmiProviderCreate(device, &config, NULL, &provider) == STATUS_INFO_LENGTH_MISMATCH);
    config.Size++;
    CHECK(make_provider(device, &guid, 8) == STATUS_INVALID_PARAMETER);
    CHECK(make_provider(device, &guid, WdfWmiProviderTracing | WdfWmiProviderExpensive) ==
          STATUS_INVALID_PARAMETER);
    CHECK(make_provider(device, &none, 0) == STATUS_INVALID_PARAMETER);
    config.EvtWmiProviderFunctionControl = control; /* and no flag that asks for it */
    CHECK(WdfWmiProviderCreate(device, &config, NULL, &provider) == STATUS_INVALID_PARAMETER);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    CHECK(WdfWmiProviderCreate(device, &config, &attributes, &provider) ==
          STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(make_provider(device, &guid, 0) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(provider == NULL);
}

static void check_instance_refused(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WMI_INSTANCE_CONFIG config;

    CHECK(make_provider(device, &guid, WdfWmiProviderEventOnly) == STATUS_SUCCESS);
    CHECK(make_instance(device) == STATUS_INVALID_PARAMETER);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&config, provider);
    config.Size--;
    CHECK(WdfWmiInstanceCreate(device, &config, NULL, NULL) == STATUS_INFO_LENGTH_MISMATCH);
    config.Size++;
    config.Provider = NULL;
    CHECK(WdfWmiInstanceCreate(device, &config, NULL, NULL) == STATUS_INVALID_PARAMETER);
    config.Provider = provider;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    CHECK(WdfWmiInstanceCreate(device, &config, &attributes, NULL) ==
          STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfWmiInstanceCreate(device, &config, NULL, NULL) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(WdfWmiInstanceCreate(device, &config, NULL, NULL) == STATUS_SUCCESS);
}

static NTSTATUS refuse_all(WDFDEVICE device)
{
    DECLARE_CONST_UNICODE_STRING(mof, L"MofResource");
    UNICODE_STRING odd = {.Length = 3, .MaximumLength = 4, .Buffer = (PWSTR)(uintptr_t)L"a"};

    check_provider_refused(device);
    check_instance_refused(device);
    CHECK(WdfDeviceAssignMofResourceName(device, &odd) == STATUS_INVALID_PARAMETER);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDeviceAssignMofResourceName(device, &mof) == STATUS_INSUFFICIENT_RESOURCES);
    return STATUS_SUCCESS;
}

static NTSTATUS late_status;

static void too_late(enum ft_routine routine, WDFOBJECT device)
{
    if (routine == FT_ROUTINE_WDF_SMIO_CLEANUP)
        late_status = make_provider(device, &other, 0);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = refuse_all, .in = too_late, .flags = WDF_BENCH_QUIET},
                  NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(late_status, STATUS_INVALID_DEVICE_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_device_is_registered_while_it_is_started, set_up),
        cmocka_unit_test_setup(requests_reach_the_callbacks, set_up),
        cmocka_unit_test_setup(contexts_and_tracing, set_up),
        cmocka_unit_test_setup(events_are_written, set_up),
        cmocka_unit_test_setup(what_is_wrong_is_refused, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
