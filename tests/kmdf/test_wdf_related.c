/* What a framework device says about itself and others: removal relations, dependent usage, unified
 * properties, keys; and small routines. */
#include "wdf_bench.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <initguid.h>
#include <wdmguid.h>

/* ---- removal relations ---- */

static PDEVICE_RELATIONS ask_relations(WDFDEVICE device, PDEVICE_RELATIONS above, NTSTATUS expected)
{
    PDEVICE_OBJECT object = WdfDeviceWdmGetDeviceObject(device);
    IO_STATUS_BLOCK result;
    KEVENT done;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, object, NULL, 0, NULL, &done, &result);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    irp->IoStatus.Information = (ULONG_PTR)above;
    IoGetNextIrpStackLocation(irp)->MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS;
    IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type = RemovalRelations;
    CHECK(IoCallDriver(object, irp) == expected && result.Status == expected);
    return (PDEVICE_RELATIONS)result.Information;
}

static void check_relations(WDFDEVICE device)
{
    PDEVICE_OBJECT pdo = WdfDeviceWdmGetPhysicalDevice(device);
    PDEVICE_OBJECT fdo = WdfDeviceWdmGetDeviceObject(device);
    PDEVICE_RELATIONS relations;

    CHECK(ask_relations(device, NULL, STATUS_NOT_SUPPORTED) == NULL);
    CHECK(the_wdf.calls[FT_ROUTINE_WDF_RELATIONS] == 0); /* nobody was ever named */
    CHECK(WdfDeviceAddRemovalRelationsPhysicalDevice(device, pdo) == STATUS_SUCCESS);
    CHECK(WdfDeviceAddRemovalRelationsPhysicalDevice(device, pdo) == STATUS_DUPLICATE_OBJECTID);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDeviceAddRemovalRelationsPhysicalDevice(device, fdo) == STATUS_INSUFFICIENT_RESOURCES);
    relations = ask_relations(device, NULL, STATUS_SUCCESS);
    CHECK(the_wdf.calls[FT_ROUTINE_WDF_RELATIONS] == 1);
    CHECK(relations->Count == 1 && relations->Objects[0] == pdo);
    ObReferenceObject(fdo);
    relations->Objects[0] = fdo; /* as a driver above has said it */
    ObDereferenceObject(pdo);
    relations = ask_relations(device, relations, STATUS_SUCCESS);
    CHECK(relations->Count == 2 && relations->Objects[0] == fdo && relations->Objects[1] == pdo);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(ask_relations(device, relations, STATUS_INSUFFICIENT_RESOURCES) == NULL);
    WdfDeviceRemoveRemovalRelationsPhysicalDevice(device, fdo); /* is none */
    WdfDeviceRemoveRemovalRelationsPhysicalDevice(device, pdo);
    relations = ask_relations(device, NULL, STATUS_SUCCESS); /* one has left: said once */
    CHECK(relations->Count == 0);
    ExFreePool(relations);
    CHECK(ask_relations(device, NULL, STATUS_NOT_SUPPORTED) == NULL);
    CHECK(WdfDeviceAddRemovalRelationsPhysicalDevice(device, pdo) == STATUS_SUCCESS);
    CHECK(WdfDeviceAddRemovalRelationsPhysicalDevice(device, fdo) == STATUS_SUCCESS);
    WdfDeviceClearRemovalRelationsDevices(device);
    CHECK(ask_relations(device, NULL, STATUS_NOT_SUPPORTED) == NULL);
    CHECK(WdfDeviceAddRemovalRelationsPhysicalDevice(device, pdo) == STATUS_SUCCESS);
}

static void relate(enum ft_routine routine, WDFOBJECT device)
{
    if (routine == FT_ROUTINE_WDF_SMIO_INIT)
        check_relations(device);
}

static void devices_that_go_with_it_are_named(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.in = relate}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* ---- special files ---- */

static NTSTATUS answer;

static NTSTATUS get_pnp(WDFDEVICE device, PIRP irp)
{
    PIO_STACK_LOCATION at = IoGetCurrentIrpStackLocation(irp);

    (void)device;
    CHECK(at->MinorFunction == IRP_MN_DEVICE_USAGE_NOTIFICATION);
    CHECK(at->Parameters.UsageNotification.Type == DeviceUsageTypePaging);
    wb_note(at->Parameters.UsageNotification.InPath ? "told:1" : "told:0");
    irp->IoStatus.Status = answer;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return answer;
}

static WDFDEVICE make_control(PCWSTR name)
{
    DECLARE_CONST_UNICODE_STRING(sddl, L"D:P(A;;GA;;;SY)");
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(the_wdf.driver, &sddl);
    UNICODE_STRING string;
    WDFDEVICE control = NULL;

    RtlInitUnicodeString(&string, name);
    CHECK(WdfDeviceInitAssignName(init, &string) == STATUS_SUCCESS);
    CHECK(WdfDeviceInitAssignWdmIrpPreprocessCallback(init, get_pnp, IRP_MJ_PNP, NULL, 0) ==
          STATUS_SUCCESS);
    CHECK(WdfDeviceCreate(&init, NULL, &control) == STATUS_SUCCESS);
    return control;
}

static NTSTATUS depend(WDFDEVICE device)
{
    PDEVICE_OBJECT first = WdfDeviceWdmGetDeviceObject(make_control(L"\\Device\\First"));
    PDEVICE_OBJECT second = WdfDeviceWdmGetDeviceObject(make_control(L"\\Device\\Second"));

    WdfDeviceSetSpecialFileSupport(device, WdfSpecialFilePaging, TRUE);
    CHECK(WdfDeviceAddDependentUsageDeviceObject(device, first) == STATUS_SUCCESS);
    CHECK(WdfDeviceAddDependentUsageDeviceObject(device, first) == STATUS_DUPLICATE_OBJECTID);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDeviceAddDependentUsageDeviceObject(device, second) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(WdfDeviceAddDependentUsageDeviceObject(device, second) == STATUS_SUCCESS);
    WdfDeviceRemoveDependentUsageDeviceObject(device, second);
    return STATUS_SUCCESS;
}

static void stacks_that_depend_hear_of_files(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_USAGE, .arg = {0, 1}},
                                       {.kind = FT_OP_USAGE, .arg = {0, 0}}};

    (void)state;
    answer = STATUS_SUCCESS;
    wdf_bench_run(&(struct wdf_bench){.add = depend, .flags = WDF_BENCH_QUIET}, ops, 2);
    assert_non_null(strstr(wb_notes(), "told:1 usage:1 told:0 usage:0"));
    answer = STATUS_NOT_SUPPORTED; /* it does not know the request: no objection */
    wdf_bench_run(&(struct wdf_bench){.add = depend, .flags = WDF_BENCH_QUIET}, ops, 2);
    assert_non_null(strstr(wb_notes(), "told:1 usage:1 told:0 usage:0"));
    answer = STATUS_DEVICE_BUSY; /* it refuses: the driver hears of no file */
    wdf_bench_run(&(struct wdf_bench){.add = depend, .flags = WDF_BENCH_QUIET}, ops, 1);
    assert_non_null(strstr(wb_notes(), "told:1"));
    assert_null(strstr(wb_notes(), "usage"));
    assert_int_equal(wb_event(FT_EV_USAGE, 1)->arg[3], (uint32_t)STATUS_DEVICE_BUSY);
}

/* ---- properties ---- */

static const DEVPROPKEY own = {{0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}},
                               DEVPROPID_FIRST_USABLE};
static const DEVPROPKEY hardware_ids = {
    {0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}}, 3};
static const DEVPROPKEY bus_number = {
    {0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}}, 23};

static void check_property_of_init(PWDFDEVICE_INIT init)
{
    WDF_DEVICE_PROPERTY_DATA data;
    DEVPROPTYPE type;
    ULONG need, number = 9;
    WDFMEMORY memory;
    size_t bytes = 0;

    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &bus_number);
    CHECK(WdfFdoInitQueryPropertyEx(init, &data, sizeof number, &number, &need, &type) ==
          STATUS_SUCCESS);
    CHECK(need == sizeof number && number == 0 && type == DEVPROP_TYPE_UINT32);
    CHECK(WdfFdoInitQueryPropertyEx(init, &data, 0, &number, &need, &type) ==
          STATUS_INVALID_PARAMETER);
    data.PropertyKey = &hardware_ids;
    CHECK(WdfFdoInitAllocAndQueryPropertyEx(init, &data, PagedPool, NULL, &memory, &type) ==
          STATUS_SUCCESS);
    CHECK(type == DEVPROP_TYPE_STRING_LIST && WdfMemoryGetBuffer(memory, &bytes) != NULL);
    CHECK(bytes > 8);
    WdfObjectDelete(memory);
    data.PropertyKey = &own;
    CHECK(WdfFdoInitAllocAndQueryPropertyEx(init, &data, PagedPool, NULL, &memory, &type) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(memory == NULL);
    data.Size--;
    CHECK(WdfFdoInitQueryPropertyEx(init, &data, 0, NULL, &need, &type) ==
          STATUS_INFO_LENGTH_MISMATCH);
    CHECK(WdfFdoInitAllocAndQueryPropertyEx(init, &data, PagedPool, NULL, &memory, &type) ==
          STATUS_INFO_LENGTH_MISMATCH);
}

static void check_alloc(WDFDEVICE device, PWDF_DEVICE_PROPERTY_DATA data)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFMEMORY memory;
    DEVPROPTYPE type;
    size_t bytes;

    CHECK(WdfDeviceAllocAndQueryPropertyEx(device, data, NonPagedPoolNx, NULL, &memory, &type) ==
          STATUS_SUCCESS);
    CHECK(*(ULONGLONG *)WdfMemoryGetBuffer(memory, &bytes) == 77 && bytes == sizeof(ULONGLONG));
    CHECK(type == DEVPROP_TYPE_UINT64);
    WdfObjectDelete(memory);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDeviceAllocAndQueryPropertyEx(device, data, NonPagedPoolNx, NULL, &memory, &type) ==
          STATUS_INSUFFICIENT_RESOURCES);
    CHECK(memory == NULL);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.Size = 1;
    CHECK(WdfDeviceAllocAndQueryPropertyEx(device, data, NonPagedPoolNx, &attributes, &memory,
                                           &type) == STATUS_INFO_LENGTH_MISMATCH);
}

static void check_wrong(WDFDEVICE device, PWDF_DEVICE_PROPERTY_DATA data)
{
    ULONGLONG value = 1;
    WDFMEMORY memory;
    DEVPROPTYPE type;
    ULONG need;

    CHECK(WdfDeviceAssignProperty(device, data, DEVPROP_TYPE_UINT64, 0, &value) ==
          STATUS_INVALID_PARAMETER);
    CHECK(WdfDeviceQueryPropertyEx(device, data, 8, NULL, &need, &type) ==
          STATUS_INVALID_PARAMETER);
    CHECK(WdfDeviceQueryPropertyEx(device, data, 0, &value, &need, &type) ==
          STATUS_INVALID_PARAMETER);
    data->Flags = 2;
    CHECK(WdfDeviceAssignProperty(device, data, DEVPROP_TYPE_UINT64, 8, &value) ==
          STATUS_INVALID_PARAMETER);
    data->Flags = 0;
    data->Size++;
    CHECK(WdfDeviceAssignProperty(device, data, DEVPROP_TYPE_UINT64, 8, &value) ==
          STATUS_INFO_LENGTH_MISMATCH);
    CHECK(WdfDeviceQueryPropertyEx(device, data, 8, &value, &need, &type) ==
          STATUS_INFO_LENGTH_MISMATCH);
    CHECK(WdfDeviceAllocAndQueryPropertyEx(device, data, PagedPool, NULL, &memory, &type) ==
          STATUS_INFO_LENGTH_MISMATCH);
    data->Size--;
}

static NTSTATUS check_properties(WDFDEVICE device)
{
    WDFDEVICE control = make_control(L"\\Device\\Third");
    WDF_DEVICE_PROPERTY_DATA data;
    ULONGLONG value = 76;
    DEVPROPTYPE type;
    WDFMEMORY memory;
    ULONG need;

    WDF_DEVICE_PROPERTY_DATA_INIT(&data, &own);
    CHECK(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_NULL, 0, NULL) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_UINT64, 8, &value) == STATUS_SUCCESS);
    value++;
    data.Flags = PLUGPLAY_PROPERTY_PERSISTENT;
    CHECK(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_UINT64, 8, &value) == STATUS_SUCCESS);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_UINT64, 4, &value) ==
          STATUS_INSUFFICIENT_RESOURCES);
    value = 0;
    CHECK(WdfDeviceQueryPropertyEx(device, &data, 8, &value, &need, &type) == STATUS_SUCCESS);
    CHECK(value == 77 && need == 8 && type == DEVPROP_TYPE_UINT64);
    CHECK(WdfDeviceQueryPropertyEx(device, &data, 4, &value, &need, &type) ==
          STATUS_BUFFER_TOO_SMALL);
    CHECK(need == 8 && type == DEVPROP_TYPE_UINT64);
    check_alloc(device, &data);
    check_wrong(device, &data);
    CHECK(WdfDeviceAssignProperty(device, &data, DEVPROP_TYPE_NULL, 0, NULL) == STATUS_SUCCESS);
    CHECK(WdfDeviceQueryPropertyEx(device, &data, 8, &value, &need, &type) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(WdfDeviceAssignProperty(control, &data, DEVPROP_TYPE_UINT64, 8, &value) ==
          STATUS_INVALID_DEVICE_STATE);
    CHECK(WdfDeviceQueryPropertyEx(control, &data, 8, &value, &need, &type) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfDeviceAllocAndQueryPropertyEx(control, &data, PagedPool, NULL, &memory, &type) ==
          STATUS_INVALID_DEVICE_REQUEST);
    return STATUS_SUCCESS;
}

static void properties_are_kept_by_key(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.init = check_property_of_init, .add = check_properties},
                  NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* What the framework never asks for. */
static NTSTATUS check_beneath(WDFDEVICE device)
{
    PDEVICE_OBJECT pdo = WdfDeviceWdmGetPhysicalDevice(device);
    PDEVICE_OBJECT fdo = WdfDeviceWdmGetDeviceObject(device);
    DEVPROPKEY low = own;
    DEVPROPTYPE type;
    ULONG need, value = 1;

    low.pid = 1;
    CHECK(IoSetDevicePropertyData(pdo, &low, 0, 0, DEVPROP_TYPE_UINT32, 4, &value) ==
          STATUS_INVALID_PARAMETER);
    CHECK(IoSetDevicePropertyData(fdo, &own, 0, 0, DEVPROP_TYPE_UINT32, 4, &value) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(IoGetDevicePropertyData(pdo, &own, 0, 1, 4, &value, &need, &type) ==
          STATUS_INVALID_PARAMETER);
    CHECK(IoGetDevicePropertyData(fdo, &own, 0, 0, 4, &value, &need, &type) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(IoSetDevicePropertyData(pdo, &own, 0x409, 0, DEVPROP_TYPE_UINT32, 4, &value) ==
          STATUS_SUCCESS);
    CHECK(IoGetDevicePropertyData(pdo, &own, 0, 0, 4, &value, &need, &type) ==
          STATUS_OBJECT_NAME_NOT_FOUND); /* in another language */
    return STATUS_SUCCESS;
}

static void properties_beneath_the_framework(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = check_beneath}, NULL, 0);
    assert_int_equal(wb_last(FT_EV_DEVICE_PROPERTY)->arg[1], 0x10000 + own.pid);
}

/* ---- keys ---- */

static void check_key(WDFKEY key)
{
    DECLARE_CONST_UNICODE_STRING(name, L"value");
    ULONG value = 0;

    CHECK(WdfRegistryAssignULong(key, &name, 7) == STATUS_SUCCESS);
    CHECK(WdfRegistryQueryULong(key, &name, &value) == STATUS_SUCCESS && value == 7);
}

static NTSTATUS check_device_map(WDFDEVICE device)
{
    DECLARE_CONST_UNICODE_STRING(name, L"SERIALCOMM");
    DECLARE_CONST_UNICODE_STRING(deep, L"No\\Such");
    UNICODE_STRING none = {0};
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFKEY key;

    CHECK(WdfDeviceOpenDevicemapKey(device, &name, KEY_ALL_ACCESS, NULL, &key) == STATUS_SUCCESS);
    check_key(key); /* closed with the device */
    CHECK(WdfDeviceOpenDevicemapKey(device, &none, KEY_READ, NULL, &key) ==
          STATUS_INVALID_PARAMETER);
    CHECK(key == NULL);
    CHECK(WdfDeviceOpenDevicemapKey(device, &deep, KEY_READ, NULL, &key) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    CHECK(WdfDeviceOpenDevicemapKey(device, &name, KEY_READ, &attributes, &key) ==
          STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDeviceOpenDevicemapKey(device, &name, KEY_READ, NULL, &key) ==
          STATUS_INSUFFICIENT_RESOURCES);
    return STATUS_SUCCESS;
}

static void check_state_key(void)
{
    PDRIVER_OBJECT object = WdfDriverWdmGetDriverObject(the_wdf.driver);
    WDF_OBJECT_ATTRIBUTES attributes;
    HANDLE handle;
    WDFKEY key;

    CHECK(WdfDriverOpenPersistentStateRegistryKey(the_wdf.driver, KEY_ALL_ACCESS, NULL, &key) ==
          STATUS_SUCCESS);
    check_key(key);
    WdfRegistryClose(key);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.Size = 1;
    CHECK(WdfDriverOpenPersistentStateRegistryKey(the_wdf.driver, KEY_READ, &attributes, &key) ==
          STATUS_INFO_LENGTH_MISMATCH);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDriverOpenPersistentStateRegistryKey(the_wdf.driver, KEY_READ, NULL, &key) ==
          STATUS_INSUFFICIENT_RESOURCES);
    CHECK(key == NULL);
    CHECK(IoOpenDriverRegistryKey(object, DriverRegKeyParameters, KEY_READ, 0, &handle) ==
          STATUS_SUCCESS);
    ZwClose(handle);
    CHECK(IoOpenDriverRegistryKey(object, DriverRegKeyParameters, KEY_READ, 1, &handle) ==
          STATUS_INVALID_PARAMETER);
    CHECK(IoOpenDriverRegistryKey(object, (DRIVER_REGKEY_TYPE)3, KEY_READ, 0, &handle) ==
          STATUS_INVALID_PARAMETER);
}

static NTSTATUS check_keys(WDFDEVICE device)
{
    check_state_key();
    return check_device_map(device);
}

static void keys_of_driver_and_device_map(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = check_keys}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_HANDLE_OPEN), wb_count(FT_EV_HANDLE_CLOSE));
}

/* ---- what a function driver is refused, and what says little ---- */

static NTSTATUS check_small(WDFDEVICE device)
{
    const ULONG *triage = WdfGetTriageInfo();
    ULONG data;

    CHECK(WdfObjectQuery(device, &GUID_BUS_TYPE_PCI, sizeof data, &data) == STATUS_NOT_FOUND);
    CHECK(triage[0] == 1 && triage[1] == 33);
    CHECK(WdfDeviceIndicateWakeStatus(device, STATUS_SUCCESS) == STATUS_INVALID_DEVICE_STATE);
    CHECK(WdfDeviceIndicateWakeStatus(device, STATUS_PENDING) == STATUS_INVALID_PARAMETER);
    CHECK(WdfDeviceIndicateWakeStatus(device, STATUS_CANCELLED) == STATUS_INVALID_PARAMETER);
    return STATUS_SUCCESS;
}

static void small_routines(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = check_small}, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_that_go_with_it_are_named),
        cmocka_unit_test(stacks_that_depend_hear_of_files),
        cmocka_unit_test(properties_are_kept_by_key),
        cmocka_unit_test(properties_beneath_the_framework),
        cmocka_unit_test(keys_of_driver_and_device_map),
        cmocka_unit_test(small_routines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
