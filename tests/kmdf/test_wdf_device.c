/* Routines of framework drivers and devices: what they do, what they refuse, and their levels. */
#include "wdf_bench.h"
#include "kmdf/kmdf_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <initguid.h>
#include <wdmguid.h>

static const GUID some_guid = {0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};
static const GUID other_guid = {0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 11}};

static UNICODE_STRING text(PCWSTR from)
{
    UNICODE_STRING string;

    RtlInitUnicodeString(&string, from);
    return string;
}

/* ---- the driver ---- */

static int driver_entry(void *object, void *path)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_VERSION_AVAILABLE_PARAMS version;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDRIVER driver = &config;

    WDF_DRIVER_CONFIG_INIT(&config, NULL);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    CHECK(WdfGetDriver() == NULL && WdfWdmDriverGetWdfDriverHandle(object) == NULL);
    config.Size--;
    CHECK(WdfDriverCreate(object, path, NULL, &config, &driver) == STATUS_INFO_LENGTH_MISMATCH);
    CHECK(driver == NULL);
    config.Size++;
    attributes.ParentObject = object;
    CHECK(WdfDriverCreate(object, path, &attributes, &config, NULL) ==
          STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDriverCreate(object, path, NULL, &config, NULL) == STATUS_INSUFFICIENT_RESOURCES);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    FT_M->alloc_fail_after = 1;
    CHECK(WdfDriverCreate(object, path, NULL, &config, NULL) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(WdfDriverCreate(object, path, NULL, &config, &driver) == STATUS_SUCCESS);
    CHECK(WdfDriverCreate(object, path, NULL, &config, NULL) == STATUS_DRIVER_INTERNAL_ERROR);
    CHECK(WdfGetDriver() == driver && WdfWdmDriverGetWdfDriverHandle(object) == driver);
    CHECK(WdfDriverWdmGetDriverObject(driver) == object);
    CHECK(memcmp(WdfDriverGetRegistryPath(driver), ((PUNICODE_STRING)path)->Buffer,
                 ((PUNICODE_STRING)path)->Length) == 0);
    WDF_DRIVER_VERSION_AVAILABLE_PARAMS_INIT(&version, 1, 33);
    CHECK(WdfDriverIsVersionAvailable(driver, &version));
    version.MinorVersion = 35;
    CHECK(!WdfDriverIsVersionAvailable(driver, &version));
    CHECK(WdfDriverRegisterTraceInfo(object, NULL, NULL) == STATUS_NOT_SUPPORTED);
    return STATUS_UNSUCCESSFUL;
}

static void a_driver_is_made_once_and_knows_itself(void **state)
{
    (void)state;
    wb_run(&(struct wb_case){.entry = driver_entry});
    assert_int_equal(wb_count(FT_EV_WDF_DRIVER_NEW), 6);
}

static NTSTATUS add_none(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
    (void)driver, (void)init;
    return STATUS_SUCCESS;
}

static int bare_entry(void *object, void *path)
{
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, add_none);
    config.DriverInitFlags = WdfDriverInitNonPnpDriver;
    CHECK(WdfDriverCreate(object, path, NULL, &config, NULL) == STATUS_INVALID_PARAMETER);
    config.DriverInitFlags = 0;
    CHECK(WdfDriverCreate(object, path, NULL, &config, NULL) == STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static void a_driver_may_make_no_device(void **state)
{
    (void)state;
    wb_run(&(struct wb_case){.entry = bare_entry});
    assert_int_equal(wb_count(FT_EV_WDF_DEVICE_NEW), 0);
}

/* ---- what is said before the device is made ---- */

static WDF_FILEOBJECT_CONFIG file;
static ULONG length;

static VOID on_file(WDFFILEOBJECT object)
{
    (void)object;
}

static VOID in_caller(WDFDEVICE device, WDFREQUEST request)
{
    (void)device, (void)request;
}

static NTSTATUS preprocess(WDFDEVICE device, PIRP irp)
{
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;

    CHECK(device == the_wdf.device);
    if (minor == IRP_MN_QUERY_CAPABILITIES)
        wb_note("preprocess");
    IoSkipCurrentIrpStackLocation(irp);
    return WdfDeviceWdmDispatchPreprocessedIrp(device, irp);
}

static VOID on_pnp_state(WDFDEVICE device, PCWDF_DEVICE_PNP_NOTIFICATION_DATA data)
{
    CHECK(device == the_wdf.device);
    if (data->Type == StateNotificationEnterState) {
        CHECK(data->Data.EnterState.NewState == WdfDevStatePnpStarted);
        CHECK(data->Data.EnterState.CurrentState == WdfDevStatePnpEnableInterfaces);
        wb_note("enter-started");
    } else if (data->Type == StateNotificationLeaveState) {
        CHECK(data->Data.LeaveState.CurrentState == WdfDevStatePnpStarted);
        wb_note("leave-started");
    } else {
        CHECK(data->Data.PostProcessState.CurrentState == WdfDevStatePnpStarted);
    }
}

static VOID on_power_state(WDFDEVICE device, PCWDF_DEVICE_POWER_NOTIFICATION_DATA data)
{
    (void)device;
    CHECK(data->Data.EnterState.NewState == WdfDevStatePowerD0);
    wb_note("enter-d0");
}

static VOID on_policy_state(WDFDEVICE device, PCWDF_DEVICE_POWER_POLICY_NOTIFICATION_DATA data)
{
    (void)device;
    CHECK(data->Data.EnterState.NewState == WdfDevStatePwrPolStarted);
    wb_note("policy-started");
}

static void register_states(PWDFDEVICE_INIT init)
{
    CHECK(WdfDeviceInitRegisterPnpStateChangeCallback(init, WdfDevStatePnpStarted, on_pnp_state,
                                                      StateNotificationAllStates) ==
          STATUS_SUCCESS);
    CHECK(WdfDeviceInitRegisterPnpStateChangeCallback(init, WdfDevStatePnpStarted, NULL, 1) ==
          STATUS_INVALID_PARAMETER);
    CHECK(WdfDeviceInitRegisterPnpStateChangeCallback(init, WdfDevStatePnpStarted, on_pnp_state,
                                                      0) == STATUS_INVALID_PARAMETER);
    CHECK(WdfDeviceInitRegisterPowerStateChangeCallback(init, WdfDevStatePowerD0, on_power_state,
                                                        StateNotificationEnterState) ==
          STATUS_SUCCESS);
    CHECK(WdfDeviceInitRegisterPowerPolicyStateChangeCallback(
              init, WdfDevStatePwrPolStarted, on_policy_state, StateNotificationEnterState) ==
          STATUS_SUCCESS);
}

static void register_preprocess(PWDFDEVICE_INIT init)
{
    UCHAR minors[] = {IRP_MN_QUERY_CAPABILITIES};

    CHECK(WdfDeviceInitAssignWdmIrpPreprocessCallback(init, preprocess, IRP_MJ_PNP, minors, 1) ==
          STATUS_SUCCESS);
    CHECK(WdfDeviceInitAssignWdmIrpPreprocessCallback(init, NULL, IRP_MJ_PNP, NULL, 0) ==
          STATUS_INVALID_PARAMETER);
    CHECK(WdfDeviceInitAssignWdmIrpPreprocessCallback(init, preprocess, IRP_MJ_PNP, minors, 0) ==
          STATUS_INVALID_PARAMETER);
    CHECK(WdfDeviceInitAssignWdmIrpPreprocessCallback(init, preprocess, 0x20, NULL, 0) ==
          STATUS_INVALID_PARAMETER);
}

static void say_everything(PWDFDEVICE_INIT init)
{
    UNICODE_STRING name = text(L"\\Device\\Bench"), sddl = text(L"D:P(A;;GA;;;SY)");
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_REMOVE_LOCK_OPTIONS lock;
    WDF_IO_TYPE_CONFIG io;
    WDF_FDO_EVENT_CALLBACKS fdo;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    WDF_FILEOBJECT_CONFIG_INIT(&file, NULL, on_file, on_file);
    WDF_REMOVE_LOCK_OPTIONS_INIT(&lock, 0);
    WDF_IO_TYPE_CONFIG_INIT(&io);
    io.ReadWriteIoType = WdfDeviceIoDirect;
    WDF_FDO_EVENT_CALLBACKS_INIT(&fdo);
    WdfDeviceInitSetExclusive(init, TRUE);
    WdfDeviceInitSetIoType(init, WdfDeviceIoNeither);
    WdfDeviceInitSetIoTypeEx(init, &io);
    WdfDeviceInitSetDeviceType(init, FILE_DEVICE_SERIAL_PORT);
    WdfDeviceInitSetCharacteristics(init, FILE_READ_ONLY_DEVICE, TRUE);
    WdfDeviceInitSetDeviceClass(init, &some_guid);
    WdfDeviceInitSetFileObjectConfig(init, &file, &attributes);
    WdfDeviceInitSetRequestAttributes(init, &attributes);
    WdfDeviceInitSetIoInCallerContextCallback(init, in_caller);
    WdfDeviceInitSetRemoveLockOptions(init, &lock);
    WdfDeviceInitSetReleaseHardwareOrderOnFailure(init,
                                                  WdfReleaseHardwareOrderOnFailureAfterDescendants);
    CHECK(WdfDeviceInitAssignName(init, NULL) == STATUS_SUCCESS);
    CHECK(WdfDeviceInitAssignName(init, &name) == STATUS_SUCCESS);
    CHECK(WdfDeviceInitAssignSDDLString(init, &sddl) == STATUS_SUCCESS);
    sddl.Length = 0;
    CHECK(WdfDeviceInitAssignSDDLString(init, &sddl) == STATUS_INVALID_PARAMETER);
    WdfFdoInitSetEventCallbacks(init, &fdo);
    fdo.Size--;
    WdfFdoInitSetEventCallbacks(init, &fdo); /* wdf:size, and nothing else */
    CHECK(WdfFdoInitWdmGetPhysicalDevice(init) == FT_M->io.first.pdo);
    CHECK(WdfFdoInitQueryProperty(init, DevicePropertyBusNumber, sizeof length, &length, &length) ==
          STATUS_SUCCESS);
    register_states(init);
    register_preprocess(init);
}

static NTSTATUS check_what_was_said(WDFDEVICE handle)
{
    struct ft_wdf_device *device = ft_wdf_check(handle, FT_HC_WDF_DEVICE);
    PDEVICE_OBJECT object = WdfDeviceWdmGetDeviceObject(handle);

    CHECK(object->DeviceType == FILE_DEVICE_SERIAL_PORT && (object->Flags & DO_EXCLUSIVE));
    CHECK((object->Flags & DO_DIRECT_IO) && !(object->Flags & DO_BUFFERED_IO));
    CHECK((object->Flags & DO_POWER_PAGABLE) && !(object->Flags & DO_POWER_INRUSH));
    CHECK(WdfDeviceGetCharacteristics(handle) == (FILE_READ_ONLY_DEVICE | FILE_DEVICE_SECURE_OPEN));
    CHECK(device->file_close == on_file && device->in_caller == in_caller);
    CHECK(device->request_attributes.Size && device->file_attributes.Size);
    return STATUS_SUCCESS;
}

static void what_is_said_before_shows_in_the_device(void **state)
{
    (void)state;
    wdf_bench_expect(&(struct wdf_bench){.init = say_everything,
                                         .add = check_what_was_said,
                                         .flags = WDF_BENCH_QUIET},
                     NULL, 0,
                     "prepare d0-entry:d3f d0-post:d3f init enter-d0 policy-started enter-started "
                     "preprocess leave-started query-remove suspend d0-pre:d3f d0-exit:d3f release "
                     "flush cleanup hw-off");
    assert_int_equal(wb_count(FT_EV_WDF_SIZE), 1);
}

static void say_inrush(PWDFDEVICE_INIT init)
{
    WdfDeviceInitSetPowerPageable(init);
    WdfDeviceInitSetPowerNotPageable(init);
    WdfDeviceInitSetPowerInrush(init);
}

static NTSTATUS check_inrush(WDFDEVICE device)
{
    ULONG flags = WdfDeviceWdmGetDeviceObject(device)->Flags;

    CHECK(!(flags & DO_POWER_PAGABLE) && (flags & DO_POWER_INRUSH) && (flags & DO_BUFFERED_IO));
    return STATUS_SUCCESS;
}

static void say_filter(PWDFDEVICE_INIT init)
{
    WdfFdoInitSetFilter(init);
}

static NTSTATUS check_filter(WDFDEVICE handle)
{
    struct ft_wdf_device *device = ft_wdf_check(handle, FT_HC_WDF_DEVICE);

    CHECK(device->filter && !device->power_owner);
    return STATUS_SUCCESS;
}

static void power_flags_and_filters(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.init = say_inrush, .add = check_inrush}, NULL, 0);
    wdf_bench_run(&(struct wdf_bench){.init = say_filter, .add = check_filter}, NULL, 0);
}

static void set_callbacks(PWDFDEVICE_INIT init)
{
    WDF_POWER_POLICY_EVENT_CALLBACKS policy;
    WDF_PNPPOWER_EVENT_CALLBACKS pnp;

    WDF_POWER_POLICY_EVENT_CALLBACKS_INIT(&policy);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
    WdfDeviceInitSetPowerPolicyOwnership(init, TRUE);
    WdfDeviceInitSetPowerPolicyEventCallbacks(init, &policy);
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
    CHECK(wb_count(FT_EV_WDF_SIZE) == 0);
    policy.Size = pnp.Size = 0;
    WdfDeviceInitSetPowerPolicyEventCallbacks(init, &policy);
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
    CHECK(wb_count(FT_EV_WDF_SIZE) == 2);
}

static void free_it(PWDFDEVICE_INIT init)
{
    PWDFDEVICE_INIT mine = init;
    WDFDEVICE device = &mine;
    WDF_OBJECT_ATTRIBUTES attributes;

    set_callbacks(init);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = the_wdf.driver;
    CHECK(WdfDeviceCreate(&mine, &attributes, &device) == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    CHECK(device == NULL && mine == init);
    for (unsigned after = 0; after < 4; after++) {
        FT_M->alloc_fail_what = FT_FAIL_POOL;
        FT_M->alloc_fail_after = after;
        CHECK(WdfDeviceCreate(&mine, NULL, &device) == STATUS_INSUFFICIENT_RESOURCES);
    }
    CHECK(FT_M->kmdf.devices == NULL);
    WdfDeviceInitFree(mine);
    WdfDeviceInitFree(mine); /* bug check 0x10D/5 */
}

static void a_failed_creation_leaves_nothing(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.init = free_it}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x10D);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 5);
}

/* ---- what the device knows ---- */

static NTSTATUS check_getters(WDFDEVICE device)
{
    WDF_DEVICE_STATE device_state;
    PDEVICE_OBJECT object = WdfDeviceWdmGetDeviceObject(device);

    CHECK(WdfWdmDeviceGetWdfDeviceHandle(object) == device);
    CHECK(WdfDeviceWdmGetPhysicalDevice(device) == FT_M->io.first.pdo);
    CHECK(WdfDeviceWdmGetAttachedDevice(device) == FT_M->io.first.pdo);
    CHECK(WdfDeviceGetDriver(device) == the_wdf.driver);
    CHECK(WdfDeviceGetDevicePnpState(device) == WdfDevStatePnpInit);
    CHECK(WdfDeviceGetDevicePowerState(device) == WdfDevStatePowerStopped);
    CHECK(WdfDeviceGetDevicePowerPolicyState(device) == WdfDevStatePwrPolObjectCreated);
    CHECK(WdfDeviceGetSystemPowerAction(device) == PowerActionNone);
    WdfDeviceSetCharacteristics(device, FILE_REMOVABLE_MEDIA);
    CHECK(WdfDeviceGetCharacteristics(device) == FILE_REMOVABLE_MEDIA);
    WdfDeviceSetAlignmentRequirement(device, FILE_LONG_ALIGNMENT);
    CHECK(WdfDeviceGetAlignmentRequirement(device) == FILE_LONG_ALIGNMENT);
    CHECK(object->AlignmentRequirement == FILE_LONG_ALIGNMENT);
    WDF_DEVICE_STATE_INIT(&device_state);
    device_state.NotDisableable = WdfTrue;
    WdfDeviceSetDeviceState(device, &device_state);
    device_state.NotDisableable = WdfFalse;
    WdfDeviceGetDeviceState(device, &device_state);
    CHECK(device_state.NotDisableable == WdfTrue);
    device_state.Size--;
    device_state.NotDisableable = WdfFalse;
    WdfDeviceSetDeviceState(device, &device_state); /* ignored */
    return STATUS_SUCCESS;
}

static void check_states(enum ft_routine routine, WDFOBJECT object)
{
    if (routine == FT_ROUTINE_WDF_SMIO_SUSPEND) {
        CHECK(WdfDeviceGetDevicePnpState(object) == WdfDevStatePnpStartedRemoving);
        CHECK(WdfDeviceGetDevicePowerState(object) == WdfDevStatePowerGotoD3Stopped);
    } else if (routine == FT_ROUTINE_WDF_QUERY_REMOVE) {
        CHECK(WdfDeviceGetDevicePowerState(object) == WdfDevStatePowerD0);
        CHECK(WdfDeviceGetDevicePowerPolicyState(object) == WdfDevStatePwrPolStarted);
    }
}

static void a_device_knows_itself(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = check_getters, .in = check_states}, NULL, 0);
    assert_string_not_equal(wb_notes(), "");
}

/* ---- names and properties ---- */

static void name_it(PWDFDEVICE_INIT init)
{
    UNICODE_STRING name = text(L"\\Device\\Bench");

    WdfDeviceInitAssignName(init, &name);
}

static NTSTATUS make_names(WDFDEVICE device)
{
    UNICODE_STRING link = text(L"\\DosDevices\\Bench"), reference = text(L"ref");

    CHECK(WdfDeviceCreateSymbolicLink(device, &link) == STATUS_SUCCESS);
    CHECK(WdfDeviceCreateSymbolicLink(device, &link) == STATUS_INVALID_DEVICE_STATE);
    CHECK(WdfDeviceCreateDeviceInterface(device, &some_guid, NULL) == STATUS_SUCCESS);
    CHECK(WdfDeviceCreateDeviceInterface(device, &some_guid, NULL) == STATUS_SUCCESS);
    CHECK(WdfDeviceCreateDeviceInterface(device, &some_guid, &reference) == STATUS_SUCCESS);
    CHECK(WdfDeviceCreateDeviceInterface(device, &other_guid, NULL) == STATUS_SUCCESS);
    WdfDeviceSetDeviceInterfaceState(device, &other_guid, NULL, FALSE);
    CHECK(wb_count(FT_EV_INTERFACE_STATE) == 0);
    return STATUS_SUCCESS;
}

static void change_interfaces(enum ft_routine routine, WDFOBJECT device)
{
    if (routine != FT_ROUTINE_WDF_QUERY_REMOVE)
        return;
    CHECK(wb_count(FT_EV_INTERFACE_STATE) == 2);
    WdfDeviceSetDeviceInterfaceState(device, &other_guid, NULL, TRUE);
    WdfDeviceSetDeviceInterfaceStateEx(device, &some_guid, NULL, FALSE);
    CHECK(wb_count(FT_EV_INTERFACE_STATE) == 4);
}

static void interfaces_follow_the_device(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.init = name_it, .add = make_names, .in = change_interfaces},
                  NULL, 0);
    assert_int_equal(wb_count(FT_EV_INTERFACE_STATE), 6);
    assert_int_equal(wb_last(FT_EV_INTERFACE_STATE)->arg[1], false);
}

static NTSTATUS unnamed(WDFDEVICE device)
{
    UNICODE_STRING link = text(L"\\DosDevices\\Bench");
    BUS_INTERFACE_STANDARD bus = {0};
    INTERFACE none = {0};
    WDFMEMORY memory;
    ULONG needed = 0, bytes = 0;

    CHECK(WdfDeviceCreateSymbolicLink(device, &link) == STATUS_INVALID_DEVICE_STATE);
    CHECK(WdfDeviceQueryProperty(device, DevicePropertyHardwareID, 0, NULL, &needed) ==
          STATUS_BUFFER_TOO_SMALL);
    CHECK(needed > 0);
    CHECK(WdfDeviceAllocAndQueryProperty(device, DevicePropertyHardwareID, NonPagedPoolNx, NULL,
                                         &memory) == STATUS_SUCCESS);
    CHECK(memory != NULL);
    WdfObjectDelete(memory);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfDeviceAllocAndQueryProperty(device, DevicePropertyHardwareID, NonPagedPoolNx, NULL,
                                         &memory) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(memory == NULL);
    CHECK(WdfFdoQueryForInterface(device, &GUID_BUS_INTERFACE_STANDARD, (PINTERFACE)&bus,
                                  sizeof bus, 1, NULL) == STATUS_SUCCESS);
    CHECK(bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &bytes, 0, 2) == 2);
    bus.InterfaceDereference(bus.Context);
    CHECK(WdfFdoQueryForInterface(device, &some_guid, &none, sizeof none, 1, NULL) ==
          STATUS_NOT_SUPPORTED);
    FT_M->alloc_fail_what = FT_FAIL_IRP;
    CHECK(WdfFdoQueryForInterface(device, &some_guid, &none, sizeof none, 1, NULL) ==
          STATUS_INSUFFICIENT_RESOURCES);
    return STATUS_SUCCESS;
}

static void property_of_init(PWDFDEVICE_INIT init)
{
    WDFMEMORY memory;

    CHECK(WdfFdoInitAllocAndQueryProperty(init, DevicePropertyHardwareID, NonPagedPoolNx, NULL,
                                          &memory) == STATUS_SUCCESS);
    WdfObjectDelete(memory);
}

static void properties_come_from_the_bus(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.init = property_of_init, .add = unnamed}, NULL, 0);
}

/* ---- keys and strings ---- */

static void keys_of_init(PWDFDEVICE_INIT init)
{
    WDFKEY key;

    CHECK(WdfFdoInitOpenRegistryKey(init, PLUGPLAY_REGKEY_DEVICE, KEY_READ, NULL, &key) ==
          STATUS_SUCCESS);
    WdfRegistryClose(key);
    name_it(init);
}

static NTSTATUS keys_and_strings(WDFDEVICE device)
{
    UNICODE_STRING got;
    WDFSTRING string;
    WDFKEY key;
    NTSTATUS status;

    CHECK(WdfDeviceOpenRegistryKey(device, PLUGPLAY_REGKEY_DEVICE, KEY_READ, NULL, &key) ==
          STATUS_SUCCESS);
    WdfRegistryClose(key);
    CHECK(!NT_SUCCESS(WdfDeviceOpenRegistryKey(device, 77, KEY_READ, NULL, &key)) && key == NULL);
    status = WdfDriverOpenParametersRegistryKey(the_wdf.driver, KEY_READ, NULL, &key);
    CHECK(NT_SUCCESS(status) ? key != NULL : status == STATUS_OBJECT_NAME_NOT_FOUND);
    if (key)
        WdfRegistryClose(key);
    CHECK(WdfStringCreate(NULL, NULL, &string) == STATUS_SUCCESS);
    CHECK(WdfDriverRetrieveVersionString(the_wdf.driver, string) == STATUS_SUCCESS);
    WdfStringGetUnicodeString(string, &got);
    CHECK(got.Length > 0);
    CHECK(WdfDeviceRetrieveDeviceName(device, string) == STATUS_SUCCESS);
    WdfStringGetUnicodeString(string, &got);
    CHECK(got.Length == sizeof L"\\Device\\Bench" - sizeof(WCHAR));
    CHECK(WdfDeviceRetrieveDeviceInterfaceString(device, &some_guid, NULL, string) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(WdfDeviceCreateDeviceInterface(device, &some_guid, NULL) == STATUS_SUCCESS);
    CHECK(WdfDeviceRetrieveDeviceInterfaceString(device, &some_guid, NULL, string) ==
          STATUS_SUCCESS);
    WdfStringGetUnicodeString(string, &got);
    CHECK(got.Length > 0);
    return STATUS_SUCCESS;
}

static void keys_and_strings_say_what_the_system_knows(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.init = keys_of_init, .add = keys_and_strings}, NULL, 0);
}

/* ---- capabilities and exported interfaces ---- */

static INTERFACE exported;

static VOID count_up(PVOID context)
{
    ++*(unsigned *)context;
}

static unsigned references;

static NTSTATUS process_query(WDFDEVICE device, LPGUID type, PINTERFACE interface, PVOID data)
{
    (void)type, (void)data;
    CHECK(device == the_wdf.device && interface->Version == 7);
    wb_note("query");
    return STATUS_SUCCESS;
}

static NTSTATUS export(WDFDEVICE device)
{
    WDF_QUERY_INTERFACE_CONFIG config;
    WDF_DEVICE_PNP_CAPABILITIES pnp;
    WDF_DEVICE_POWER_CAPABILITIES power;
    INTERFACE got = {0};

    references = 0;
    exported = (INTERFACE){.Size = sizeof exported, .Version = 7, .Context = &references};
    exported.InterfaceReference = count_up;
    WDF_QUERY_INTERFACE_CONFIG_INIT(&config, &exported, &some_guid, process_query);
    config.Size--;
    CHECK(WdfDeviceAddQueryInterface(device, &config) == STATUS_INFO_LENGTH_MISMATCH);
    config.Size++;
    config.Interface = NULL;
    CHECK(WdfDeviceAddQueryInterface(device, &config) == STATUS_INVALID_PARAMETER);
    config.Interface = &exported;
    CHECK(WdfDeviceAddQueryInterface(device, &config) == STATUS_SUCCESS);
    CHECK(WdfFdoQueryForInterface(device, &some_guid, &got, sizeof got, 7, NULL) == STATUS_SUCCESS);
    CHECK(got.Version == 7 && references == 1);
    CHECK(WdfFdoQueryForInterface(device, &some_guid, &got, 2, 7, NULL) ==
          STATUS_INVALID_PARAMETER);
    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp);
    pnp.SurpriseRemovalOK = WdfTrue;
    pnp.UINumber = 42;
    WdfDeviceSetPnpCapabilities(device, &pnp);
    WDF_DEVICE_POWER_CAPABILITIES_INIT(&power);
    power.D3Latency = 77;
    WdfDeviceSetPowerCapabilities(device, &power);
    return STATUS_SUCCESS;
}

static void query_capabilities(enum ft_routine routine, WDFOBJECT device)
{
    DEVICE_CAPABILITIES caps = {.Size = sizeof caps, .Version = 1};
    PDEVICE_OBJECT object = WdfDeviceWdmGetDeviceObject(device);
    IO_STATUS_BLOCK result;
    KEVENT done;
    PIRP irp;

    if (routine != FT_ROUTINE_WDF_QUERY_REMOVE)
        return;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, object, NULL, 0, NULL, &done, &result);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(irp)->MinorFunction = IRP_MN_QUERY_CAPABILITIES;
    IoGetNextIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities = &caps;
    CHECK(IoCallDriver(object, irp) == STATUS_SUCCESS);
    CHECK(caps.SurpriseRemovalOK && caps.UINumber == 42 && caps.D3Latency == 77);
}

static void drivers_above_see_what_was_exported(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = export, .in = query_capabilities}, NULL, 0);
    assert_non_null(strstr(wb_notes(), "query"));
}

/* ---- the remove lock ---- */

static void with_remove_lock(PWDFDEVICE_INIT init)
{
    WDF_REMOVE_LOCK_OPTIONS options;

    WDF_REMOVE_LOCK_OPTIONS_INIT(&options, WDF_REMOVE_LOCK_OPTION_ACQUIRE_FOR_IO);
    WdfDeviceInitSetRemoveLockOptions(init, &options);
}

static void requests_may_hold_the_remove_lock(void **state)
{
    unsigned without;

    (void)state;
    wdf_bench_run(&(struct wdf_bench){0}, NULL, 0);
    without = wb_count(FT_EV_RL_ACQUIRE);
    assert_int_equal(wb_count(FT_EV_RL_RELEASE) + 1, without); /* the last one waits */
    wdf_bench_run(&(struct wdf_bench){.init = with_remove_lock}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_RL_ACQUIRE), without + 3); /* CREATE, CLEANUP, CLOSE */
    assert_int_equal(wb_count(FT_EV_RL_RELEASE) + 1, without + 3);
}

/* ---- static answers ---- */

static NTSTATUS not_stoppable(WDFDEVICE device)
{
    WdfDeviceSetStaticStopRemove(device, FALSE);
    WdfDeviceSetSpecialFileSupport(device, WdfSpecialFilePaging, TRUE);
    return STATUS_SUCCESS;
}

static void a_device_may_refuse_to_stop_for_good(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_STOP}};

    (void)state;
    wdf_bench_expect(&(struct wdf_bench){.add = not_stoppable, .flags = WDF_BENCH_QUIET}, ops, 1,
                     "prepare d0-entry:d3f d0-post:d3f init hw-yanked surprise suspend d0-pre:d3f "
                     "d0-exit:d3f release flush cleanup");
}

static void special_files_keep_the_device(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_USAGE, .arg = {0, 1}},
                                       {.kind = FT_OP_STOP},
                                       {.kind = FT_OP_USAGE, .arg = {0, 0}}};

    (void)state;
    wdf_bench_run(&(struct wdf_bench){.flags = WDF_BENCH_QUIET}, ops, 1);
    assert_null(strstr(wb_notes(), "usage")); /* not supported */
    wdf_bench_run(&(struct wdf_bench){.add = not_stoppable, .flags = WDF_BENCH_QUIET}, ops, 3);
    assert_non_null(strstr(wb_notes(), "usage:1 usage:0"));
}

/* Places of the usage requests that the drivers below get, and of the driver's callback. */
static long usage_place(enum ft_event_kind kind, unsigned n)
{
    for (unsigned i = 1; i <= wb_count(kind); i++) {
        const struct ft_event *event = wb_event(kind, i);
        bool hit = kind == FT_EV_CALL_ENTER
                       ? event->arg[0] == FT_ROUTINE_WDF_USAGE
                       : event->layer == FT_LAYER_FRAMEWORK &&
                             event->arg[2] == (IRP_MJ_PNP << 8 | IRP_MN_DEVICE_USAGE_NOTIFICATION);

        if (hit && --n == 0)
            return wb_place(kind, i);
    }
    return -1;
}

static void the_driver_hears_of_files_after_those_below(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_USAGE, .arg = {0, 1}}};
    struct wdf_bench refuses = {.add = not_stoppable, .flags = WDF_BENCH_QUIET};
    long below, driver;

    (void)state;
    wdf_bench_run(&refuses, ops, 1);
    below = usage_place(FT_EV_IRP_CALL, 1);
    driver = usage_place(FT_EV_CALL_ENTER, 1);
    assert_true(below >= 0 && driver > below);
    assert_int_equal(usage_place(FT_EV_IRP_CALL, 2), -1);
    assert_int_equal(wb_last(FT_EV_USAGE)->arg[3], STATUS_SUCCESS);

    refuses.answer[FT_ROUTINE_WDF_USAGE] = STATUS_DEVICE_BUSY;
    wdf_bench_run(&refuses, ops, 1);
    assert_true(usage_place(FT_EV_IRP_CALL, 2) > usage_place(FT_EV_CALL_ENTER, 1)); /* taken back */
    assert_int_equal(usage_place(FT_EV_CALL_ENTER, 2), -1);
    assert_int_equal(wb_last(FT_EV_USAGE)->arg[3], (uint32_t)STATUS_DEVICE_BUSY);
}

static void the_driver_hears_of_no_file_that_those_below_refuse(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_LOWER_FAILS, .arg = {2, 1}},
                                       {.kind = FT_OP_USAGE, .arg = {0, 1}}};

    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = not_stoppable, .flags = WDF_BENCH_QUIET}, ops, 2);
    assert_int_equal(usage_place(FT_EV_CALL_ENTER, 1), -1);
    assert_int_equal(wb_last(FT_EV_USAGE)->arg[3], (uint32_t)STATUS_NO_SUCH_DEVICE);
}

static void fail_it(enum ft_routine routine, WDFOBJECT device)
{
    if (routine == FT_ROUTINE_WDF_SMIO_INIT)
        WdfDeviceSetFailed(device, WdfDeviceFailedNoRestart);
}

static void a_device_that_has_failed_is_removed(void **state)
{
    (void)state;
    wdf_bench_expect(&(struct wdf_bench){.in = fail_it, .flags = WDF_BENCH_QUIET}, NULL, 0,
                     "prepare d0-entry:d3f d0-post:d3f init surprise suspend d0-pre:d3f "
                     "d0-exit:d3f release flush cleanup hw-off");
    assert_int_equal(wb_count(FT_EV_WDF_FAILED), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_driver_is_made_once_and_knows_itself),
        cmocka_unit_test(a_driver_may_make_no_device),
        cmocka_unit_test(what_is_said_before_shows_in_the_device),
        cmocka_unit_test(power_flags_and_filters),
        cmocka_unit_test(a_failed_creation_leaves_nothing),
        cmocka_unit_test(a_device_knows_itself),
        cmocka_unit_test(interfaces_follow_the_device),
        cmocka_unit_test(properties_come_from_the_bus),
        cmocka_unit_test(keys_and_strings_say_what_the_system_knows),
        cmocka_unit_test(drivers_above_see_what_was_exported),
        cmocka_unit_test(requests_may_hold_the_remove_lock),
        cmocka_unit_test(a_device_may_refuse_to_stop_for_good),
        cmocka_unit_test(special_files_keep_the_device),
        cmocka_unit_test(the_driver_hears_of_files_after_those_below),
        cmocka_unit_test(the_driver_hears_of_no_file_that_those_below_refuse),
        cmocka_unit_test(a_device_that_has_failed_is_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
