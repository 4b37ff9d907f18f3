/* What the system refuses: connections, wait-wakes, interfaces, majors without a routine; and what
 * a refusal leaves behind: nothing. */
#include "bench_driver.h"
#include "io/io_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void run(const struct bench_driver *how)
{
    bench_driver_run(how, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* ---- interrupts ---- */

static PIO_INTERRUPT_MESSAGE_INFO table;

static BOOLEAN unused_isr(PKINTERRUPT interrupt, PVOID context)
{
    (void)interrupt, (void)context;
    return FALSE;
}

static BOOLEAN unused_message(PKINTERRUPT interrupt, PVOID context, ULONG message)
{
    (void)interrupt, (void)context, (void)message;
    return FALSE;
}

static void three_messages(struct ft_description *description)
{
    description->interrupt = FT_INTERRUPT_MESSAGES;
    description->messages = 3;
}

static NTSTATUS connect_messages(void)
{
    IO_CONNECT_INTERRUPT_PARAMETERS how = {.Version = CONNECT_MESSAGE_BASED};

    how.MessageBased.PhysicalDeviceObject = the_driver.below;
    how.MessageBased.ConnectionContext.InterruptMessageTable = &table;
    how.MessageBased.MessageServiceRoutine = unused_message;
    how.MessageBased.ServiceContext = &table;
    return IoConnectInterruptEx(&how);
}

/* The table, then an object for each message: whichever is missing, all are given back. */
static void half_connected(void)
{
    for (unsigned after = 0; after < 4; after++) {
        table = NULL;
        FT_M->alloc_fail_what = FT_FAIL_POOL;
        FT_M->alloc_fail_after = after;
        CHECK(connect_messages() == STATUS_INSUFFICIENT_RESOURCES && table == NULL);
        CHECK(FT_M->alloc_fail_what == 0);
        for (unsigned input = 0; input < 3; input++)
            CHECK(FT_M->io.first.interrupt[input] == NULL);
    }
}

static void messages_are_all_connected_or_none(void **state)
{
    (void)state;
    run(&(struct bench_driver){.started = half_connected, .describe = three_messages});
    assert_int_equal(wb_count(FT_EV_ISR_DISCONNECT), 0 + 1 + 2);
}

static void foreign_device(void)
{
    IO_CONNECT_INTERRUPT_PARAMETERS how = {.Version = CONNECT_MESSAGE_BASED};

    table = NULL;
    how.MessageBased.PhysicalDeviceObject = the_driver.device; /* not the bottom of the stack */
    how.MessageBased.ConnectionContext.InterruptMessageTable = &table;
    how.MessageBased.MessageServiceRoutine = unused_message;
    CHECK(IoConnectInterruptEx(&how) == STATUS_INVALID_PARAMETER && table == NULL);
}

static void messages_belong_to_the_physical_device(void **state)
{
    (void)state;
    run(&(struct bench_driver){.started = foreign_device, .describe = three_messages});
    assert_int_equal(wb_count(FT_EV_ISR_CONNECT), 0);
}

static void silent(struct ft_description *description)
{
    description->irq_level = 0;
}

static void nothing_to_connect(void)
{
    PKINTERRUPT interrupt = NULL;
    IO_CONNECT_INTERRUPT_PARAMETERS line = {.Version = CONNECT_LINE_BASED};

    line.LineBased.PhysicalDeviceObject = the_driver.below;
    line.LineBased.InterruptObject = &interrupt;
    line.LineBased.ServiceRoutine = unused_isr;
    CHECK(IoConnectInterruptEx(&line) == STATUS_NOT_FOUND && interrupt == NULL);
    CHECK(connect_messages() == STATUS_NOT_FOUND);
}

static void a_device_without_interrupts_has_none_to_connect(void **state)
{
    (void)state;
    run(&(struct bench_driver){.started = nothing_to_connect, .describe = silent});
    assert_int_equal(wb_count(FT_EV_ISR_CONNECT), 0);
}

/* ---- the bus interface ---- */

static NTSTATUS caught(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device, (void)irp, (void)context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS query_interface(BUS_INTERFACE_STANDARD *bus, USHORT size)
{
    static const GUID standard = {
        0x496b8280, 0x6f25, 0x11d0, {0xbe, 0xaf, 0x08, 0x00, 0x2b, 0xe2, 0x09, 0x2f}};
    PIRP irp = IoAllocateIrp(the_driver.below->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    NTSTATUS status;

    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next->MajorFunction = IRP_MJ_PNP;
    next->MinorFunction = IRP_MN_QUERY_INTERFACE;
    next->Parameters.QueryInterface.InterfaceType = &standard;
    next->Parameters.QueryInterface.Size = size;
    next->Parameters.QueryInterface.Version = 1;
    next->Parameters.QueryInterface.Interface = (PINTERFACE)bus;
    IoSetCompletionRoutine(irp, caught, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(the_driver.below, irp);
    status = irp->IoStatus.Status;
    IoFreeIrp(irp);
    return status;
}

static void bus_interface(void)
{
    BUS_INTERFACE_STANDARD bus = {.Size = 7};
    DEVICE_DESCRIPTION wanted = {.Version = DEVICE_DESCRIPTION_VERSION2,
                                 .Master = TRUE,
                                 .ScatterGather = TRUE,
                                 .Dma32BitAddresses = TRUE,
                                 .InterfaceType = PCIBus,
                                 .MaximumLength = PAGE_SIZE};
    PHYSICAL_ADDRESS address = the_driver.raw[0].u.Memory.Start, translated = {.QuadPart = 5};
    ULONG space = 1, registers = 0;
    PDMA_ADAPTER adapter;

    CHECK(query_interface(&bus, sizeof bus - 1) == STATUS_INVALID_PARAMETER && bus.Size == 7);
    CHECK(query_interface(&bus, sizeof bus) == STATUS_SUCCESS && bus.Size == sizeof bus);
    CHECK(!bus.TranslateBusAddress(bus.Context, address, 16, &space, &translated)); /* no ports */
    space = 0;
    address.QuadPart = 16; /* not on this bus */
    CHECK(!bus.TranslateBusAddress(bus.Context, address, 16, &space, &translated));
    CHECK(translated.QuadPart == 5);
    adapter = bus.GetDmaAdapter(bus.Context, &wanted, &registers);
    CHECK(adapter != NULL && registers > 0);
    if (adapter)
        adapter->DmaOperations->PutDmaAdapter(adapter);
    bus.InterfaceDereference(bus.Context);
}

static void the_bus_interface_refuses_what_it_does_not_have(void **state)
{
    (void)state;
    run(&(struct bench_driver){.started = bus_interface});
}

/* ---- registrations ---- */

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

static NTSTATUS notify(PVOID *entry)
{
    static const GUID class_ = {9, 9, 9, {9}};

    return IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, (PVOID)&class_,
                                          the_driver.device->DriverObject, unused_notification,
                                          NULL, entry);
}

static NTSTATUS follow(PVOID *handle)
{
    static const GUID setting = {8, 8, 8, {8}};

    return PoRegisterPowerSettingCallback(the_driver.device, &setting, unused_setting, NULL,
                                          handle);
}

/* One more than there is room for; after one is taken back there is room again. */
static void too_many(void)
{
    PVOID entry[FT_NOTIFICATIONS_MAX], setting[FT_SETTINGS_MAX], more = NULL;

    for (unsigned i = 0; i < FT_NOTIFICATIONS_MAX; i++)
        CHECK(notify(&entry[i]) == STATUS_SUCCESS);
    CHECK(notify(&more) == STATUS_INSUFFICIENT_RESOURCES && more == NULL);
    CHECK(IoUnregisterPlugPlayNotification(entry[0]) == STATUS_SUCCESS);
    CHECK(notify(&entry[0]) == STATUS_SUCCESS);
    for (unsigned i = 0; i < FT_NOTIFICATIONS_MAX; i++)
        CHECK(IoUnregisterPlugPlayNotification(entry[i]) == STATUS_SUCCESS);

    for (unsigned i = 0; i < FT_SETTINGS_MAX; i++)
        CHECK(follow(&setting[i]) == STATUS_SUCCESS);
    CHECK(follow(&more) == STATUS_INSUFFICIENT_RESOURCES && more == NULL);
    for (unsigned i = 0; i < FT_SETTINGS_MAX; i++)
        CHECK(PoUnregisterPowerSettingCallback(setting[i]) == STATUS_SUCCESS);
    CHECK(PoUnregisterPowerSettingCallback(setting[0]) == STATUS_INVALID_PARAMETER);
}

static void there_is_room_for_so_many_registrations(void **state)
{
    (void)state;
    run(&(struct bench_driver){.started = too_many});
    assert_int_equal(wb_count(FT_EV_CALLBACK), 2 * (FT_NOTIFICATIONS_MAX + 1 + FT_SETTINGS_MAX));
}

static VOID unused_callback(PVOID context, PVOID argument1, PVOID argument2)
{
    (void)context, (void)argument1, (void)argument2;
}

/* An object that takes one callback takes no second one while the first is registered. */
static void one_callback(void)
{
    OBJECT_ATTRIBUTES attributes;
    PCALLBACK_OBJECT object = NULL;
    PVOID first;

    InitializeObjectAttributes(&attributes, NULL, 0, NULL, NULL);
    CHECK(ExCreateCallback(&object, &attributes, TRUE, FALSE) == STATUS_SUCCESS);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(ExRegisterCallback(object, unused_callback, NULL) == NULL);
    CHECK(FT_M->alloc_fail_what == 0);
    first = ExRegisterCallback(object, unused_callback, NULL);
    CHECK(first != NULL && ExRegisterCallback(object, unused_callback, NULL) == NULL);
    ExUnregisterCallback(first);
    ObDereferenceObject(object);
}

static void a_callback_object_may_take_one_only(void **state)
{
    (void)state;
    run(&(struct bench_driver){.started = one_callback});
    assert_int_equal(wb_count(FT_EV_CALLBACK), 2);
}

/* ---- wait-wake ---- */

static NTSTATUS woken_with;

static VOID woken(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                  PIO_STATUS_BLOCK result)
{
    (void)device, (void)minor, (void)state, (void)context;
    woken_with = result->Status;
    wb_note("answered");
}

static void wakes(struct ft_description *description)
{
    description->flags |= FT_DRIVER_WAKES;
}

static void arm(SYSTEM_POWER_STATE deepest)
{
    POWER_STATE state = {.SystemState = deepest};

    CHECK(PoRequestPowerIrp(the_driver.device, IRP_MN_WAIT_WAKE, state, woken, NULL, NULL) ==
          STATUS_PENDING);
}

static NTSTATUS arm_too_deep(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    arm(PowerSystemShutdown);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS arm_when_gone(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    arm(PowerSystemSleeping3);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_wait_wake_needs_a_state_and_a_device(void **state)
{
    static const struct ft_op deep[] = {{.kind = FT_OP_READ, .arg = {16, 0}}};
    static const struct ft_op gone[] = {{.kind = FT_OP_YANK}, {.kind = FT_OP_READ, .arg = {16, 0}}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.describe = wakes, .request = arm_too_deep}, deep, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(woken_with, STATUS_INVALID_DEVICE_STATE);
    woken_with = STATUS_SUCCESS;
    bench_driver_run(&(struct bench_driver){.describe = wakes, .request = arm_when_gone}, gone, 2);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(woken_with, STATUS_NO_SUCH_DEVICE);
    assert_int_equal(wb_count(FT_EV_WAIT_WAKE), 0);
}

/* ---- devices ---- */

/* Sent to the driver's own device, which has no routine for it. */
static void no_routine(void)
{
    PIRP irp = IoAllocateIrp(the_driver.device->StackSize, FALSE);

    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 77;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoSetCompletionRoutine(irp, caught, NULL, TRUE, TRUE, TRUE);
    CHECK(IoCallDriver(the_driver.device, irp) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(irp->IoStatus.Status == STATUS_INVALID_DEVICE_REQUEST && irp->IoStatus.Information == 0);
    IoFreeIrp(irp);
}

static void a_major_without_a_routine_is_refused(void **state)
{
    (void)state;
    run(&(struct bench_driver){.started = no_routine});
}

static void delete_twice(void)
{
    PDEVICE_OBJECT device;

    CHECK(IoCreateDevice(the_driver.device->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                         &device) == STATUS_SUCCESS);
    ObReferenceObject(device);
    IoDeleteDevice(device);
    IoDeleteDevice(device); /* it is there still, and deleted */
    CHECK(false);
}

static void deleting_a_device_twice_is_bug_check_c9(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){.started = delete_twice}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC9);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 0x240);
    assert_int_equal(wb_count(FT_EV_DEVICE_DELETE), 2);
}

static void delete_while_attached(void)
{
    PDEVICE_OBJECT filter;

    CHECK(IoCreateDevice(the_driver.device->DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE,
                         &filter) == STATUS_SUCCESS);
    CHECK(IoAttachDeviceToDeviceStack(filter, the_driver.device) == the_driver.device);
    CHECK(IoGetAttachedDevice(the_driver.below) == filter);
    IoDeleteDevice(filter);
    CHECK(IoGetAttachedDevice(the_driver.below) == the_driver.device); /* nobody points to it */
}

static void a_device_that_is_deleted_leaves_its_stack(void **state)
{
    (void)state;
    run(&(struct bench_driver){.started = delete_while_attached});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_all_connected_or_none),
        cmocka_unit_test(messages_belong_to_the_physical_device),
        cmocka_unit_test(a_device_without_interrupts_has_none_to_connect),
        cmocka_unit_test(the_bus_interface_refuses_what_it_does_not_have),
        cmocka_unit_test(there_is_room_for_so_many_registrations),
        cmocka_unit_test(a_callback_object_may_take_one_only),
        cmocka_unit_test(a_wait_wake_needs_a_state_and_a_device),
        cmocka_unit_test(a_major_without_a_routine_is_refused),
        cmocka_unit_test(deleting_a_device_twice_is_bug_check_c9),
        cmocka_unit_test(a_device_that_is_deleted_leaves_its_stack),
    };

    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
