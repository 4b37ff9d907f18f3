/* A driver without AddDevice: loaded as a service, it makes its device in DriverEntry, and no PnP
 * or power request ever comes. */
#include "world_bench.h"

#include "sim/handle.h"

#include <wdm.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct {
    bool unnamed;
    bool control_first; /* another device, without a name, is made before */
    bool deletes;       /* the first read deletes the device */
    unsigned reads;
    PDEVICE_OBJECT device;
} how;

static NTSTATUS done(PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS open_close(PDEVICE_OBJECT device, PIRP irp)
{
    bool create = IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_CREATE;

    CHECK(device == how.device);
    CHECK(IoGetCurrentIrpStackLocation(irp)->FileObject->DeviceObject == how.device);
    wb_note(create ? "create" : "close");
    return done(irp);
}

static NTSTATUS read(PDEVICE_OBJECT device, PIRP irp)
{
    CHECK(device == how.device && device->DeviceExtension == NULL);
    CHECK((device->Flags & DO_DEVICE_INITIALIZING) == 0);
    wb_note("read");
    if (how.deletes && how.reads++ == 0)
        IoDeleteDevice(device);
    return done(irp);
}

static NTSTATUS never(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    CHECK(!"a request of Plug and Play");
    return done(irp);
}

static void unload(PDRIVER_OBJECT driver)
{
    wb_note("unload");
    while (driver->DeviceObject)
        IoDeleteDevice(driver->DeviceObject);
}

static int entry(void *object, void *path)
{
    PDRIVER_OBJECT driver = object;
    PDEVICE_OBJECT other;
    UNICODE_STRING name;

    (void)path;
    RtlInitUnicodeString(&name, L"\\Device\\Legacy");
    if (how.control_first)
        CHECK(NT_SUCCESS(IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &other)));
    CHECK(NT_SUCCESS(IoCreateDevice(driver, 0, how.unnamed ? NULL : &name, FILE_DEVICE_UNKNOWN, 0,
                                    FALSE, &how.device)));
    CHECK(how.device->Flags & DO_DEVICE_INITIALIZING);
    driver->MajorFunction[IRP_MJ_CREATE] = open_close;
    driver->MajorFunction[IRP_MJ_CLOSE] = open_close;
    driver->MajorFunction[IRP_MJ_READ] = read;
    driver->MajorFunction[IRP_MJ_PNP] = never;
    driver->MajorFunction[IRP_MJ_POWER] = never;
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
}

static void describe(struct ft_description *description)
{
    description->flags |= FT_DRIVER_LEGACY;
}

static void run(const struct ft_op *op, unsigned count)
{
    how.reads = 0;
    wb_run(&(struct wb_case){
        .entry = entry, .describe = describe, .device_auto = true, .op = op, .op_count = count});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static const struct ft_op two_reads[] = {{.kind = FT_OP_READ, .arg = {16}},
                                         {.kind = FT_OP_READ, .arg = {16}}};

static void requests_go_to_the_device_that_it_has_named(void **state)
{
    (void)state;
    memset(&how, 0, sizeof how);
    how.control_first = true;
    run(two_reads, 2);
    assert_string_equal(wb_notes(), "create read read close unload");
    assert_int_equal(wb_result()->ops_skipped, 0);
    assert_int_equal(wb_last(FT_EV_DRIVER_UNLOADED)->arg[0], 0);
    assert_int_equal(wb_last(FT_EV_RUN_STARTED)->arg[0], STATUS_SUCCESS);
}

static void a_device_without_a_name_cannot_be_opened(void **state)
{
    (void)state;
    memset(&how, 0, sizeof how);
    how.unnamed = true;
    run(two_reads, 2);
    assert_string_equal(wb_notes(), "unload");
    assert_int_equal(wb_result()->ops_skipped, 2);
}

/* Who has opened it keeps it; nobody else can open it any more. */
static void a_deleted_device_lives_until_its_handle_is_closed(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_READ, .arg = {16}},
                                      {.kind = FT_OP_OPEN_HANDLE},
                                      {.kind = FT_OP_READ, .arg = {16}}};

    (void)state;
    memset(&how, 0, sizeof how);
    how.deletes = true;
    run(op, 3);
    assert_string_equal(wb_notes(), "create read read close unload");
    assert_int_equal(wb_result()->ops_skipped, 1);
}

static void nothing_of_plug_and_play_reaches_it(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_STOP},         {.kind = FT_OP_REMOVE},
        {.kind = FT_OP_QUERY_REMOVE}, {.kind = FT_OP_SURPRISE_REMOVE},
        {.kind = FT_OP_POWER_DOWN},   {.kind = FT_OP_SLEEP},
        {.kind = FT_OP_YANK},         {.kind = FT_OP_READ, .arg = {16}},
    };

    (void)state;
    memset(&how, 0, sizeof how);
    run(op, 8);
    assert_string_equal(wb_notes(), "create read close unload");
    assert_int_equal(wb_result()->ops_skipped, 6);
    assert_int_equal(wb_count(FT_EV_HW_YANK), 1);
    assert_int_equal(wb_count(FT_EV_PNP_SEND), 0);
    assert_int_equal(wb_count(FT_EV_POWER_SEND), 0);
}

/* Every event is its device's, from the moment on that there is one. */
static void its_events_name_its_device(void **state)
{
    const struct ft_event *read;

    (void)state;
    memset(&how, 0, sizeof how);
    run(two_reads, 1);
    read = wb_event(FT_EV_IRP_NEW, 2);
    assert_int_equal(read->device, ft_handle_id(wb_event(FT_EV_DEVICE_CREATE, 1)->arg[0]));
    assert_int_equal(wb_event(FT_EV_DEVICE_CREATE, 1)->device, 0);
}

/* Else every op of the run would be skipped without a word. */
static void a_driver_without_add_device_says_so_in_its_flags(void **state)
{
    (void)state;
    memset(&how, 0, sizeof how);
    wb_run(&(struct wb_case){.entry = entry, .device_auto = true, .op = two_reads, .op_count = 2});
    assert_int_equal(wb_result()->stop, FT_STOP_UNIMPLEMENTED);
    assert_memory_equal(wb_last(FT_EV_RUN_UNIMPLEMENTED)->arg,
                        "a driver without AddDevice or FT_DRIVER_LEGACY", 46);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_driver_without_add_device_says_so_in_its_flags),
        cmocka_unit_test(requests_go_to_the_device_that_it_has_named),
        cmocka_unit_test(a_device_without_a_name_cannot_be_opened),
        cmocka_unit_test(a_deleted_device_lives_until_its_handle_is_closed),
        cmocka_unit_test(nothing_of_plug_and_play_reaches_it),
        cmocka_unit_test(its_events_name_its_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
