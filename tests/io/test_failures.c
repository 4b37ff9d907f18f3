/* fail-alloc reaches every routine that allocates on behalf of the driver: what each of them
 * returns then, and that it leaves nothing behind. (IRPs, MDLs, adapters, channels, lists and
 * common buffers are tested with their routines.) */
#include "bench_driver.h"
#include "world/machine.h"

#include <ntddk.h>
#include <wdmsec.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const GUID guid = {0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};

/* The next allocation of that kind fails. */
static void lack(enum ft_fail what)
{
    CHECK(FT_M->alloc_fail_what == 0); /* the last one did */
    FT_M->alloc_fail_what = what;
    FT_M->alloc_fail_after = 0;
}

static UNICODE_STRING text(const WCHAR *characters)
{
    UNICODE_STRING string;

    RtlInitUnicodeString(&string, characters);
    return string;
}

#define IS_OUT_OF_MEMORY(...)                                                                      \
    do {                                                                                           \
        lack(FT_FAIL_POOL);                                                                        \
        CHECK((__VA_ARGS__) == STATUS_INSUFFICIENT_RESOURCES);                                     \
    } while (0)
#define IS_NULL(...)                                                                               \
    do {                                                                                           \
        lack(FT_FAIL_POOL);                                                                        \
        CHECK((__VA_ARGS__) == NULL);                                                              \
    } while (0)

/* ---- I/O manager ---- */

static VOID unused_timer(PDEVICE_OBJECT device, PVOID context)
{
    (void)device, (void)context;
}

static NTSTATUS unused_notification(PVOID structure, PVOID context)
{
    (void)structure, (void)context;
    return STATUS_SUCCESS;
}

static NTSTATUS unused_setting(LPCGUID setting, PVOID value, ULONG length, PVOID context)
{
    (void)setting, (void)value, (void)length, (void)context;
    return STATUS_SUCCESS;
}

static void objects_of_the_device(void)
{
    PDRIVER_OBJECT driver = the_driver.device->DriverObject;
    PDEVICE_OBJECT device = NULL, pdo = FT_M->io.first.pdo;
    UNICODE_STRING name = text(L"\\Device\\Other"), link = text(L"\\DosDevices\\Other"), made = {0};
    PVOID other = &other;

    IS_OUT_OF_MEMORY(IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device));
    CHECK(device == NULL);
    IS_OUT_OF_MEMORY(WdmlibIoCreateDeviceSecure(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                                &name, NULL, &device));
    CHECK(device == NULL && driver->DeviceObject == the_driver.device);
    IS_OUT_OF_MEMORY(IoCreateSymbolicLink(&link, &name));
    CHECK(FT_M->io.link_count == 0 && IoDeleteSymbolicLink(&link) == STATUS_OBJECT_NAME_NOT_FOUND);
    IS_OUT_OF_MEMORY(IoRegisterDeviceInterface(pdo, &guid, NULL, &made));
    CHECK(made.Buffer == NULL);
    IS_OUT_OF_MEMORY(IoAllocateDriverObjectExtension(driver, &other, 8, &other));
    CHECK(other == NULL && IoGetDriverObjectExtension(driver, &other) == NULL);
    IS_NULL(IoAllocateWorkItem(the_driver.device));
    IS_NULL(IoAllocateErrorLogEntry(the_driver.device, sizeof(IO_ERROR_LOG_PACKET)));
    IS_NULL(IoCreateController(16));
    IS_OUT_OF_MEMORY(IoInitializeTimer(the_driver.device, unused_timer, NULL));
    CHECK(the_driver.device->Timer == NULL);
}

static void registrations(void)
{
    PVOID handle = NULL;
    PDRIVER_OBJECT driver = the_driver.device->DriverObject;

    IS_OUT_OF_MEMORY(IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0,
                                                    (PVOID)&guid, driver, unused_notification, NULL,
                                                    &handle));
    CHECK(handle == NULL);
    IS_OUT_OF_MEMORY(
        PoRegisterPowerSettingCallback(the_driver.device, &guid, unused_setting, NULL, &handle));
    CHECK(handle == NULL);
    IS_NULL(PoRegisterDeviceForIdleDetection(the_driver.device, 10, 0, PowerDeviceD3));
    IS_NULL(PoRegisterSystemState(NULL, 0));
    IS_OUT_OF_MEMORY(IoWMIRegistrationControl(the_driver.device, WMIREG_ACTION_REGISTER));
    IS_OUT_OF_MEMORY(IoRegisterShutdownNotification(the_driver.device));
    CHECK(!(the_driver.device->Flags & DO_SHUTDOWN_REGISTERED));
    IS_OUT_OF_MEMORY(IoRegisterLastChanceShutdownNotification(the_driver.device));
    CHECK(!(the_driver.device->Flags & DO_SHUTDOWN_REGISTERED));
}

static void files_and_keys(void)
{
    UNICODE_STRING name = text(L"\\Device\\NTPNP_PCI0001");
    PFILE_OBJECT file = NULL;
    PDEVICE_OBJECT device = NULL;
    HANDLE key = NULL;

    IS_OUT_OF_MEMORY(IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &device));
    CHECK(file == NULL && device == NULL);
    IS_OUT_OF_MEMORY(
        IoOpenDeviceRegistryKey(FT_M->io.first.pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key));
    CHECK(key == NULL);
}

/* ---- kernel ---- */

static VOID unused_thread(PVOID context)
{
    (void)context;
    CHECK(false);
}

static void kernel_objects(void)
{
    UNICODE_STRING name = text(L"\\BaseNamedObjects\\E");
    OBJECT_ATTRIBUTES attributes;
    PCALLBACK_OBJECT callback = NULL;
    HANDLE handle = NULL;

    IS_OUT_OF_MEMORY(PsCreateSystemThread(&handle, 0, NULL, NULL, NULL, unused_thread, NULL));
    CHECK(handle == NULL);
    IS_NULL(ExAllocateTimer(NULL, NULL, 0));
    IS_NULL(IoCreateNotificationEvent(&name, &handle));
    IS_NULL(IoCreateSynchronizationEvent(&name, &handle));
    CHECK(handle == NULL);
    InitializeObjectAttributes(&attributes, &name, 0, NULL, NULL);
    IS_OUT_OF_MEMORY(ZwCreateEvent(&handle, 0, &attributes, NotificationEvent, FALSE));
    IS_OUT_OF_MEMORY(ExCreateCallback(&callback, &attributes, TRUE, TRUE));
    CHECK(callback == NULL && handle == NULL);
}

static void strings(void)
{
    UNICODE_STRING wide = text(L"wide"), made = {0};
    ANSI_STRING narrow, made_narrow = {0};

    RtlInitAnsiString(&narrow, "narrow");
    lack(FT_FAIL_POOL);
    CHECK(RtlAnsiStringToUnicodeString(&made, &narrow, TRUE) == STATUS_NO_MEMORY);
    lack(FT_FAIL_POOL);
    CHECK(RtlUnicodeStringToAnsiString(&made_narrow, &wide, TRUE) == STATUS_NO_MEMORY);
    lack(FT_FAIL_POOL);
    CHECK(RtlUpcaseUnicodeString(&made, &wide, TRUE) == STATUS_NO_MEMORY);
    CHECK(made.Buffer == NULL && made_narrow.Buffer == NULL);
    lack(FT_FAIL_POOL);
    CHECK(RtlStringFromGUID(&guid, &made) == STATUS_NO_MEMORY);
    CHECK(made.Buffer == NULL);
}

/* ---- the hardware's ---- */

static BOOLEAN unused_isr(PKINTERRUPT interrupt, PVOID context)
{
    (void)interrupt, (void)context;
    return FALSE;
}

static void hardware(void)
{
    PHYSICAL_ADDRESS bar = {.QuadPart = 0}, all = {.QuadPart = -1};
    PKINTERRUPT interrupt = NULL;

    for (ULONG i = 0; i < the_driver.resources; i++)
        if (the_driver.translated[i].Type == CmResourceTypeMemory)
            bar = the_driver.translated[i].u.Memory.Start;
    IS_OUT_OF_MEMORY(IoConnectInterrupt(&interrupt, unused_isr, NULL, NULL, the_driver.vector,
                                        WB_IRQ_LEVEL, WB_IRQ_LEVEL, LevelSensitive, TRUE, 1,
                                        FALSE));
    CHECK(interrupt == NULL);
    lack(FT_FAIL_MAPPING);
    CHECK(MmMapIoSpace(bar, 16, MmNonCached) == NULL);
    lack(FT_FAIL_MAPPING);
    CHECK(MmMapIoSpaceEx(bar, 16, PAGE_READWRITE | PAGE_NOCACHE) == NULL);
    lack(FT_FAIL_MAPPING);
    CHECK(MmMapVideoDisplay(bar, 16, MmNonCached) == NULL);
    lack(FT_FAIL_COMMON);
    CHECK(MmAllocateContiguousMemory(PAGE_SIZE, all) == NULL);
    lack(FT_FAIL_COMMON);
    CHECK(MmAllocateNonCachedMemory(PAGE_SIZE) == NULL);
    lack(FT_FAIL_MAPPING);
    CHECK(MmAllocateMappingAddress(PAGE_SIZE, 0x74736554) == NULL);
}

static void all(void)
{
    objects_of_the_device();
    registrations();
    files_and_keys();
    kernel_objects();
    strings();
    hardware();
    CHECK(FT_M->alloc_fail_what == 0);
}

static void every_routine_says_that_there_is_no_memory(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){.started = all}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_true(wb_count(FT_EV_CHOICE_FAIL) > 25);
    for (unsigned i = 1; i <= wb_count(FT_EV_POOL_ALLOC); i++)
        if (wb_event(FT_EV_POOL_ALLOC, i)->layer == FT_LAYER_DRIVER)
            assert_int_equal(wb_event(FT_EV_POOL_ALLOC, i)->arg[0], 0);
    assert_int_equal(wb_count(FT_EV_THREAD_NEW), 1);
    assert_int_equal(wb_event(FT_EV_THREAD_NEW, 1)->arg[0], 0);
    assert_int_equal(wb_count(FT_EV_CALLBACK), 0);
}

/* ---- per request ---- */

static NTSTATUS never(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device, (void)irp, (void)context;
    CHECK(false);
    return STATUS_SUCCESS;
}

static NTSTATUS set_completion(PDEVICE_OBJECT device, PIRP irp)
{
    IoCopyCurrentIrpStackLocationToNext(irp);
    IS_OUT_OF_MEMORY(IoSetCompletionRoutineEx(device, irp, never, NULL, TRUE, TRUE, TRUE));
    return IoCallDriver(the_driver.below, irp);
}

static void a_completion_routine_that_could_not_be_set_is_not_called(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_READ, .arg = {16, 0}}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = set_completion}, op, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_CHOICE_FAIL), 1);
    assert_int_equal(wb_count(FT_EV_IRP_SET_COMPLETION), 1); /* that of START */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_routine_says_that_there_is_no_memory),
        cmocka_unit_test(a_completion_routine_that_could_not_be_set_is_not_called),
    };

    return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
