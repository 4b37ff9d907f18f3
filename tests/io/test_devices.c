/* Device stacks, names, interfaces, properties, and the I/O manager's small services (wdm-io, 6.5
 * and 10; the pages of each routine). */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { FAIL_POOL = 1 };

static PDEVICE_OBJECT device, other;

static PDEVICE_OBJECT make(PUNICODE_STRING name)
{
    PDEVICE_OBJECT made = NULL;

    CHECK(NT_SUCCESS(
        IoCreateDevice(wb_driver_object(), 0, name, FILE_DEVICE_UNKNOWN, 0, FALSE, &made)));
    return made;
}

static void set_fails(unsigned what)
{
    FT_M->alloc_fail_what = what;
    FT_M->alloc_fail_after = 0;
}

/* ---- names and links ---- */

static void body_names(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\One"), same, link, nobody;

    RtlInitUnicodeString(&same, L"\\DEVICE\\one");
    RtlInitUnicodeString(&link, L"\\??\\One");
    RtlInitUnicodeString(&nobody, L"\\Device\\Nobody");
    device = make(&name);
    CHECK(device->Flags & DO_DEVICE_HAS_NAME);
    CHECK(device->AlignmentRequirement == FT_LINE_BYTES - 1);
    CHECK(IoCreateDevice(wb_driver_object(), 0, &same, FILE_DEVICE_UNKNOWN, 0, FALSE, &other) ==
          STATUS_OBJECT_NAME_COLLISION);
    CHECK(other == NULL);
    CHECK(IoCreateSymbolicLink(&link, &name) == STATUS_SUCCESS);
    CHECK(IoCreateUnprotectedSymbolicLink(&link, &name) == STATUS_OBJECT_NAME_COLLISION);
    CHECK(IoDeleteSymbolicLink(&nobody) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(IoDeleteSymbolicLink(&link) == STATUS_SUCCESS);
    CHECK(IoDeleteSymbolicLink(&link) == STATUS_OBJECT_NAME_NOT_FOUND);
    IoDeleteDevice(device);
    device = make(&same); /* the name is free again */
    CHECK(WdmlibIoCreateDeviceSecure(wb_driver_object(), 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                     &name, NULL, &other) == STATUS_INVALID_PARAMETER);
    CHECK(WdmlibIoCreateDeviceSecure(wb_driver_object(), 0, &nobody, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                     &name, NULL, &other) == STATUS_SUCCESS);
}

static void a_name_is_used_once(void **state)
{
    (void)state;
    wb_body(body_names, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_DEVICE_CREATE, 2)->arg[1],
                     (uint32_t)STATUS_OBJECT_NAME_COLLISION);
    assert_int_equal(wb_event(FT_EV_DEVICE_CREATE, 1)->arg[3], FILE_DEVICE_UNKNOWN);
    assert_int_equal(wb_event(FT_EV_SYMBOLIC_LINK, 1)->arg[2], 1);
    assert_int_equal(wb_event(FT_EV_SYMBOLIC_LINK, 4)->arg[0], false);
    assert_int_equal(wb_event(FT_EV_SYMBOLIC_LINK, 4)->arg[2], 0);
}

/* ---- stacks ---- */

static void body_stack(void)
{
    UNICODE_STRING nobody = RTL_CONSTANT_STRING(L"\\Device\\Nobody");
    PFILE_OBJECT file = NULL;
    PDEVICE_OBJECT found = NULL;
    FILE_OBJECT mine = {0};

    device = make(NULL);
    other = make(NULL);
    CHECK(IoAttachDeviceByPointer(other, device) == STATUS_SUCCESS);
    CHECK(IoGetAttachedDevice(device) == other && other->StackSize == 2);
    CHECK(IoGetAttachedDeviceReference(device) == other);
    ObDereferenceObject(other);
    mine.DeviceObject = device;
    CHECK(IoGetRelatedDeviceObject(&mine) == other);
    CHECK(IoAttachDevice(other, &nobody, &found) == STATUS_OBJECT_NAME_NOT_FOUND && !found);
    CHECK(IoGetDeviceObjectPointer(&nobody, FILE_READ_DATA, &file, &found) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
}

static void devices_attach_and_are_found(void **state)
{
    (void)state;
    wb_body(body_stack, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_DEVICE_ATTACH), 1);
    assert_int_equal(wb_count(FT_EV_OBJECT_REFERENCE), 1);
}

static void body_safe(void)
{
    PDEVICE_OBJECT found = NULL;

    device = make(NULL);
    other = make(NULL);
    CHECK(IoAttachDeviceToDeviceStackSafe(other, device, &found) == STATUS_SUCCESS);
    CHECK(found == device && device->AttachedDevice == other && other->StackSize == 2);
    IoDetachDevice(found);
    CHECK(device->AttachedDevice == NULL && IoGetAttachedDevice(device) == device);
    wb_note("detached");
    IoDetachDevice(found);
    wb_note("never");
}

static void detaching_what_is_not_attached_is_bug_check_c9(void **state)
{
    (void)state;
    wb_body(body_safe, FT_STOP_BUGCHECK);
    assert_string_equal(wb_notes(), "detached");
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC9);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 0x202);
    assert_int_equal(wb_count(FT_EV_DEVICE_DETACH), 2);
}

static void body_lower_goes_first(void)
{
    device = make(NULL);
    other = make(NULL);
    CHECK(IoAttachDeviceToDeviceStack(other, device) == device);
    IoDeleteDevice(device);
    CHECK(device->AttachedDevice == other);
    IoDetachDevice(device);
    wb_note("detached");
    IoDeleteDevice(other);
    IoDetachDevice(device); /* it is gone now */
    wb_note("never");
}

static void a_device_stays_until_what_is_above_it_is_detached(void **state)
{
    (void)state;
    wb_body(body_lower_goes_first, FT_STOP_BUGCHECK);
    assert_string_equal(wb_notes(), "detached");
    assert_int_equal(wb_count(FT_EV_DEVICE_DELETE), 2);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 0x202);
}

static void open_the_pdo(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\NTPNP_PCI0001");
    PFILE_OBJECT file = NULL;
    PDEVICE_OBJECT found = NULL;

    CHECK(IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &found) == STATUS_SUCCESS);
    CHECK(found == the_driver.device && file && file->Type == IO_TYPE_FILE);
    wb_note("found");
    ObDereferenceObject(file);
}

static void the_pdo_has_a_name(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){.started = open_the_pdo}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(wb_notes(), "start create cleanup found close create"));
}

static void a_device_says_its_flags_after_add_device(void **state)
{
    const struct ft_event *flags;

    (void)state;
    bench_driver_run(&(struct bench_driver){0}, NULL, 0);
    flags = wb_event(FT_EV_DEVICE_FLAGS, 1);
    assert_int_equal(wb_count(FT_EV_DEVICE_FLAGS), 1);
    assert_int_equal(flags->arg[0], wb_event(FT_EV_DEVICE_CREATE, 1)->arg[0]);
    assert_int_equal(flags->arg[1], wb_event(FT_EV_DEVICE_ATTACH, 1)->arg[1]);
    assert_int_equal(flags->arg[2] & (DO_DIRECT_IO | DO_DEVICE_INITIALIZING), DO_DIRECT_IO);
    assert_int_equal(flags->arg[4], FILE_DEVICE_UNKNOWN);
    assert_int_equal(wb_event(FT_EV_DRIVER_DISPATCH, 1)->arg[0] >> IRP_MJ_PNP & 1, 1);
    assert_int_equal(wb_event(FT_EV_DRIVER_DISPATCH, 1)->arg[0] >> IRP_MJ_FLUSH_BUFFERS & 1, 0);
}

/* ---- what hangs on a driver object ---- */

static VOID reinitialize(PDRIVER_OBJECT driver, PVOID context, ULONG count)
{
    CHECK(driver == wb_driver_object() && context == &device);
    wb_note(count == 1 ? "first" : count == 2 ? "second" : "third");
    if (count == 2)
        IoRegisterDriverReinitialization(driver, reinitialize, context);
}

static int entry_reinitialized(void *driver, void *path)
{
    int status = bench_driver_entry(driver, path);

    IoRegisterDriverReinitialization(driver, reinitialize, &device);
    IoRegisterBootDriverReinitialization(driver, reinitialize, &device);
    wb_note("entry");
    return status;
}

static void reinitialization_follows_driver_entry(void **state)
{
    (void)state;
    the_driver = (struct bench_driver){0};
    wb_run(&(struct wb_case){.entry = entry_reinitialized});
    assert_non_null(strstr(wb_notes(), "entry first second third start"));
}

static void body_extension(void)
{
    PDRIVER_OBJECT driver = wb_driver_object();
    PVOID first = NULL, second = NULL;

    CHECK(IoGetDriverObjectExtension(driver, &device) == NULL);
    CHECK(IoAllocateDriverObjectExtension(driver, &device, 64, &first) == STATUS_SUCCESS);
    CHECK(IoAllocateDriverObjectExtension(driver, &device, 64, &second) ==
          STATUS_OBJECT_NAME_COLLISION);
    CHECK(second == NULL && IoGetDriverObjectExtension(driver, &device) == first);
    set_fails(FAIL_POOL);
    CHECK(IoAllocateDriverObjectExtension(driver, &other, 64, &second) ==
          STATUS_INSUFFICIENT_RESOURCES);
    CHECK(IoGetDriverObjectExtension(driver, &other) == NULL);
}

static void a_driver_object_has_extensions_by_client(void **state)
{
    (void)state;
    wb_body(body_extension, FT_STOP_NONE);
}

/* ---- interfaces ---- */

static const GUID class_ = {0x11223344, 0x5566, 0x7788, {1, 2, 3, 4, 5, 6, 7, 8}};

static void body_interface(void)
{
    UNICODE_STRING link, again, reference = RTL_CONSTANT_STRING(L"ref"), nobody;
    PDEVICE_OBJECT pdo = FT_M->io.first.pdo;
    PZZWSTR list;

    RtlInitUnicodeString(&nobody, L"\\??\\nobody");
    device = make(NULL);
    CHECK(IoRegisterDeviceInterface(device, &class_, NULL, &link) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(IoRegisterDeviceInterface(pdo, &class_, &reference, &link) == STATUS_SUCCESS);
    CHECK(IoRegisterDeviceInterface(pdo, &class_, &reference, &again) == STATUS_SUCCESS);
    CHECK(RtlEqualUnicodeString(&link, &again, FALSE));
    CHECK(IoSetDeviceInterfaceState(&nobody, TRUE) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(IoSetDeviceInterfaceState(&link, FALSE) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(IoSetDeviceInterfaceState(NULL, TRUE) == STATUS_INVALID_PARAMETER);
    CHECK(IoGetDeviceInterfaces(&class_, pdo, 0, &list) == STATUS_SUCCESS && list[0] == 0);
    ExFreePool(list);
    CHECK(IoSetDeviceInterfaceState(&link, TRUE) == STATUS_SUCCESS);
    CHECK(IoSetDeviceInterfaceState(&link, TRUE) == STATUS_OBJECT_NAME_EXISTS);
    CHECK(IoGetDeviceInterfaces(&class_, NULL, 0, &list) == STATUS_SUCCESS);
    CHECK(memcmp(list, link.Buffer, link.Length + sizeof(WCHAR)) == 0);
    CHECK(list[link.Length / sizeof(WCHAR) + 1] == 0);
    ExFreePool(list);
    CHECK(IoSetDeviceInterfaceState(&link, FALSE) == STATUS_SUCCESS);
    CHECK(IoGetDeviceInterfaces(&class_, pdo, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &list) ==
              STATUS_SUCCESS &&
          list[0] != 0);
    ExFreePool(list);
    CHECK(IoGetDeviceInterfaces(&class_, device, 0, &list) == STATUS_INVALID_DEVICE_REQUEST);
    RtlFreeUnicodeString(&link);
    RtlFreeUnicodeString(&again);
    set_fails(FAIL_POOL);
    CHECK(IoRegisterDeviceInterface(pdo, &class_, NULL, &link) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(FT_M->pool_blocks == 0);
}

static void an_interface_is_registered_and_switched(void **state)
{
    (void)state;
    wb_body(body_interface, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_INTERFACE_NEW, 1)->arg[0], 0);
    assert_int_equal(wb_event(FT_EV_INTERFACE_NEW, 2)->arg[0],
                     wb_event(FT_EV_INTERFACE_NEW, 3)->arg[0]);
    assert_int_equal(ft_handle_class(wb_event(FT_EV_INTERFACE_NEW, 2)->arg[0]), FT_HC_INTERFACE);
    assert_int_equal(wb_event(FT_EV_INTERFACE_STATE, 4)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_INTERFACE_STATE, 4)->arg[2], STATUS_SUCCESS);
}

/* ---- properties and news ---- */

static void body_property(void)
{
    PDEVICE_OBJECT pdo = FT_M->io.first.pdo;
    ULONG number = 99, needed = 0;
    WCHAR text[64];
    USHORT node = 9;

    device = make(NULL);
    CHECK(IoGetDeviceProperty(device, DevicePropertyBusNumber, sizeof number, &number, &needed) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(IoGetDeviceProperty(pdo, DevicePropertyBusNumber, sizeof number, &number, &needed) ==
          STATUS_SUCCESS);
    CHECK(number == 0 && needed == sizeof number);
    CHECK(IoGetDeviceProperty(pdo, DevicePropertyEnumeratorName, 2, text, &needed) ==
          STATUS_BUFFER_TOO_SMALL);
    CHECK(needed == 4 * sizeof(WCHAR));
    CHECK(IoGetDeviceProperty(pdo, DevicePropertyEnumeratorName, sizeof text, text, &needed) ==
          STATUS_SUCCESS);
    CHECK(text[3] == 0 && (text[0] == 'P' || text[0] == 'I'));
    CHECK(IoGetDeviceProperty(pdo, DevicePropertyFriendlyName, sizeof text, text, &needed) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(IoGetDeviceProperty(pdo, (DEVICE_REGISTRY_PROPERTY)999, sizeof text, text, &needed) ==
          STATUS_INVALID_PARAMETER_2);
    CHECK(IoGetDeviceNumaNode(pdo, &node) == STATUS_SUCCESS && node == 0);
    CHECK(IoGetDeviceNumaNode(device, &node) == STATUS_INVALID_PARAMETER);
}

static void properties_come_from_the_description(void **state)
{
    (void)state;
    wb_body(body_property, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_DEVICE_PROPERTY, 2)->arg[1], DevicePropertyBusNumber);
    assert_int_equal(wb_event(FT_EV_DEVICE_PROPERTY, 3)->arg[2], (uint32_t)STATUS_BUFFER_TOO_SMALL);
}

static NTSTATUS invalidate(PDEVICE_OBJECT the_device, PIRP irp)
{
    (void)the_device;
    IoInvalidateDeviceState(FT_M->io.first.pdo);
    IoInvalidateDeviceRelations(FT_M->io.first.pdo, BusRelations);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void the_manager_asks_again_when_told(void **state)
{
    static const struct ft_op read[] = {{.kind = FT_OP_READ, .arg = {16, 0}}};
    unsigned before, after;

    (void)state;
    bench_driver_run(&(struct bench_driver){0}, read, 1);
    before = wb_count(FT_EV_PNP_SEND);
    bench_driver_run(&(struct bench_driver){.request = invalidate}, read, 1);
    after = wb_count(FT_EV_PNP_SEND);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_DEVICE_INVALIDATE), 2);
    assert_int_equal(wb_event(FT_EV_DEVICE_INVALIDATE, 2)->arg[1], 2);
    assert_int_equal(after, before + 2);
}

/* ---- timers ---- */

static VOID tick(PDEVICE_OBJECT the_device, PVOID context)
{
    CHECK(the_device == device && context == &other);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    wb_note("tick");
}

static void wait_ms(LONGLONG ms)
{
    LARGE_INTEGER delay = {.QuadPart = -10000 * ms};

    KeDelayExecutionThread(KernelMode, FALSE, &delay);
}

static void body_timer(void)
{
    device = make(NULL);
    CHECK(IoInitializeTimer(device, tick, &other) == STATUS_SUCCESS);
    wait_ms(2500);
    wb_note("start");
    IoStartTimer(device);
    wait_ms(2500);
    IoStopTimer(device);
    wb_note("stop");
    wait_ms(2500);
    IoStartTimer(device);
    IoDeleteDevice(device);
    wait_ms(2500);
}

static void an_io_timer_ticks_once_a_second(void **state)
{
    unsigned ticks = 0;

    (void)state;
    wb_body(body_timer, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "start tick tick stop");
    assert_int_equal(wb_count(FT_EV_IO_TIMER), 4);
    for (unsigned n = 1; n <= wb_count(FT_EV_CALL_ENTER); n++)
        ticks += wb_event(FT_EV_CALL_ENTER, n)->arg[0] == FT_ROUTINE_IO_TIMER;
    assert_int_equal(ticks, 2);
}

/* ---- controllers ---- */

static PCONTROLLER_OBJECT controller;

static IO_ALLOCATION_ACTION control(PDEVICE_OBJECT the_device, PIRP irp, PVOID base, PVOID context)
{
    (void)irp;
    CHECK(base == NULL);
    wb_note(the_device == device ? "one" : "two");
    return context ? KeepObject : DeallocateObject;
}

static void body_controller(void)
{
    controller = IoCreateController(32);
    CHECK(controller && controller->ControllerExtension);
    device = make(NULL);
    other = make(NULL);
    KeRaiseIrqlToDpcLevel();
    IoAllocateController(controller, device, control, NULL); /* gives it back at once */
    IoAllocateController(controller, device, control, &device);
    wb_note("asks");
    IoAllocateController(controller, other, control, &device);
    wb_note("frees");
    IoFreeController(controller);
    IoFreeController(controller);
    KeLowerIrql(PASSIVE_LEVEL);
    IoDeleteController(controller);
}

static void a_controller_serves_one_device_at_a_time(void **state)
{
    (void)state;
    wb_body(body_controller, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "one one asks frees two");
    assert_int_equal(wb_event(FT_EV_CONTROLLER, 6)->arg[0], 2);
    assert_int_equal(wb_event(FT_EV_CONTROLLER, 6)->arg[1], true);
    assert_int_equal(wb_last(FT_EV_CONTROLLER)->arg[1], false);
}

/* ---- error log, share access, counts, shutdown ---- */

static void body_log(void)
{
    PIO_ERROR_LOG_PACKET packet;

    device = make(NULL);
    CHECK(IoAllocateErrorLogEntry(device, 4) == NULL);
    CHECK(IoAllocateErrorLogEntry(device, 0xFF) == NULL);
    packet = IoAllocateErrorLogEntry(device, sizeof *packet);
    CHECK(packet != NULL);
    packet->ErrorCode = STATUS_DEVICE_BUSY;
    IoWriteErrorLogEntry(packet);
    packet = IoAllocateErrorLogEntry(device, sizeof *packet + 8);
    IoFreeErrorLogEntry(packet);
}

static void an_error_log_entry_is_written_or_freed(void **state)
{
    (void)state;
    wb_body(body_log, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_ERROR_LOG, 1)->arg[1], 0);
    assert_int_equal(wb_event(FT_EV_ERROR_LOG, 4)->arg[0], 2);
    assert_int_equal(wb_event(FT_EV_ERROR_LOG, 6)->arg[0], 3);
    assert_int_equal(wb_event(FT_EV_ERROR_LOG, 6)->arg[1], sizeof(IO_ERROR_LOG_PACKET) + 8);
}

static void body_share(void)
{
    FILE_OBJECT a = {0}, b = {0}, c = {0};
    SHARE_ACCESS share;

    IoSetShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &a, &share);
    CHECK(share.OpenCount == 1 && share.Readers == 1 && share.SharedRead == 1);
    CHECK(IoCheckShareAccess(FILE_WRITE_DATA, FILE_SHARE_READ, &b, &share, TRUE) ==
          STATUS_SHARING_VIOLATION);
    CHECK(IoCheckShareAccess(FILE_READ_DATA, 0, &b, &share, TRUE) == STATUS_SHARING_VIOLATION);
    CHECK(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &b, &share, TRUE) == STATUS_SUCCESS);
    CHECK(share.OpenCount == 2);
    CHECK(IoCheckShareAccess(0, 0, &c, &share, TRUE) == STATUS_SUCCESS && share.OpenCount == 2);
    IoRemoveShareAccess(&a, &share);
    IoRemoveShareAccess(&b, &share);
    CHECK(share.OpenCount == 0 && share.Readers == 0 && share.SharedRead == 0);
    IoGetConfigurationInformation()->DiskCount++;
    CHECK(IoGetConfigurationInformation()->DiskCount == 1);
}

static void files_share_or_do_not(void **state)
{
    (void)state;
    wb_body(body_share, FT_STOP_NONE);
}

static NTSTATUS note_shutdown(PDEVICE_OBJECT the_device, PIRP irp)
{
    (void)the_device;
    wb_note("shutdown");
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void ask_for_shutdown(void)
{
    ((PDRIVER_OBJECT)wb_driver_object())->MajorFunction[IRP_MJ_SHUTDOWN] = note_shutdown;
    CHECK(IoRegisterShutdownNotification(the_driver.device) == STATUS_SUCCESS);
    CHECK(the_driver.device->Flags & DO_SHUTDOWN_REGISTERED);
}

static void ask_and_take_back(void)
{
    ask_for_shutdown();
    CHECK(IoRegisterLastChanceShutdownNotification(the_driver.device) == STATUS_SUCCESS);
    IoUnregisterShutdownNotification(the_driver.device);
}

static void who_asked_is_told_of_the_shutdown(void **state)
{
    static const struct ft_op off[] = {{.kind = FT_OP_SLEEP, .arg = {5, 0}}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.started = ask_for_shutdown}, off, 1);
    assert_non_null(strstr(wb_notes(), "create shutdown"));
    bench_driver_run(&(struct bench_driver){.started = ask_and_take_back}, off, 1);
    assert_null(strstr(wb_notes(), "shutdown"));
}

static NTSTATUS validate(PDEVICE_OBJECT the_device, PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;

    (void)the_device;
    CHECK(IoValidateDeviceIoControlAccess(irp, FILE_READ_ACCESS) == STATUS_SUCCESS);
    CHECK(IoValidateDeviceIoControlAccess(irp, 8) == STATUS_INVALID_PARAMETER);
    file->WriteAccess = FALSE;
    CHECK(IoValidateDeviceIoControlAccess(irp, FILE_WRITE_ACCESS) == STATUS_ACCESS_DENIED);
    CHECK(!IoIs32bitProcess(irp));
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_control_request_may_need_more_access(void **state)
{
    static const struct ft_op control_op[] = {{.kind = FT_OP_IOCTL}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = validate}, control_op, 1);
    assert_int_equal(wb_result()->ops_fired, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_used_once),
        cmocka_unit_test(devices_attach_and_are_found),
        cmocka_unit_test(detaching_what_is_not_attached_is_bug_check_c9),
        cmocka_unit_test(a_device_stays_until_what_is_above_it_is_detached),
        cmocka_unit_test(the_pdo_has_a_name),
        cmocka_unit_test(a_device_says_its_flags_after_add_device),
        cmocka_unit_test(reinitialization_follows_driver_entry),
        cmocka_unit_test(a_driver_object_has_extensions_by_client),
        cmocka_unit_test(an_interface_is_registered_and_switched),
        cmocka_unit_test(properties_come_from_the_description),
        cmocka_unit_test(the_manager_asks_again_when_told),
        cmocka_unit_test(an_io_timer_ticks_once_a_second),
        cmocka_unit_test(a_controller_serves_one_device_at_a_time),
        cmocka_unit_test(an_error_log_entry_is_written_or_freed),
        cmocka_unit_test(files_share_or_do_not),
        cmocka_unit_test(who_asked_is_told_of_the_shutdown),
        cmocka_unit_test(a_control_request_may_need_more_access),
    };

    return cmocka_run_group_tests_name("devices and services", tests, NULL, NULL);
}
