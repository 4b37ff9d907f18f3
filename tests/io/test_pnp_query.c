/* PnP beyond the states (wdm-io, 6): the queries around a start and what the bus driver answers,
 * other resources, notifications of use; and the table of legal orders itself. */
#include "bench_driver.h"
#include "io/io_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define OP(kind_)                                                                                  \
    {                                                                                              \
        .kind = FT_OP_##kind_                                                                      \
    }
#define READ_OP                                                                                    \
    {                                                                                              \
        .kind = FT_OP_READ, .arg = { 16, 0 }                                                       \
    }

static const struct ft_op one_read[] = {READ_OP};

static const char *run(const struct bench_driver *how, const struct ft_op *op, unsigned count)
{
    bench_driver_run(how, op, count);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    return wb_notes();
}

static void check_contains(const char *notes, const char *wanted)
{
    if (strstr(notes, wanted) == NULL)
        fail_msg("%s, wanted %s", notes, wanted);
}

/* ---- the table of legal orders ---- */

/* The rows of section 6.1 and 7.1 once more, by state: what may come in D0 while the machine works.
 */
static void each_state_takes_what_the_sheet_says(void **state)
{
    enum { NOT = 1 << FT_PNP_NOT_STARTED, RUN = 1 << FT_PNP_STARTED };
    enum { PEND = 1 << FT_PNP_STOP_PENDING, HALT = 1 << FT_PNP_STOPPED };
    enum { GO = 1 << FT_PNP_REMOVE_PENDING, GONE = 1 << FT_PNP_SURPRISE_REMOVED };
    static const struct {
        unsigned work, states;
    } wanted[] = {
        {FT_WORK_START, NOT},
        {FT_OP_RESTART, HALT},
        {FT_OP_STOP, RUN},
        {FT_OP_QUERY_STOP, RUN},
        {FT_OP_CANCEL_STOP, RUN},
        {FT_OP_QUERY_REMOVE, NOT | RUN},
        {FT_OP_REMOVE, NOT | RUN},
        {FT_OP_CANCEL_REMOVE, RUN},
        {FT_OP_SURPRISE_REMOVE, NOT | RUN | PEND | HALT | GO},
        {FT_OP_USAGE, RUN},
        {FT_OP_POWER_DOWN, RUN | PEND | GO},
        {FT_OP_POWER_TO, RUN | PEND | GO},
        {FT_OP_QUERY_POWER, RUN | PEND | GO},
        {FT_OP_POWER_UP, 0}, /* it is in D0 */
        {FT_OP_SLEEP, NOT | RUN | PEND | HALT | GO | GONE},
        {FT_OP_WAKE, 0}, /* it works */
        {FT_OP_READ, 0}, /* not the manager's */
    };

    (void)state;
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
        for (unsigned pnp = FT_PNP_NOT_STARTED; pnp < FT_PNP_COUNT; pnp++)
            if (ft_manager_legal_in(wanted[i].work, pnp, FT_D0, FT_S0) !=
                ((wanted[i].states >> pnp & 1) != 0))
                fail_msg("work %u in state %u", wanted[i].work, pnp);
    assert_true(ft_manager_legal_in(FT_OP_POWER_UP, FT_PNP_STARTED, FT_D3, FT_S0));
    assert_false(ft_manager_legal_in(FT_OP_POWER_DOWN, FT_PNP_STARTED, FT_D3, FT_S0));
    assert_true(ft_manager_legal_in(FT_OP_STOP, FT_PNP_STARTED, FT_D3, FT_S0));
    assert_true(ft_manager_legal_in(FT_OP_WAKE, FT_PNP_STOPPED, FT_D3, PowerSystemSleeping3));
    assert_false(ft_manager_legal_in(FT_OP_STOP, FT_PNP_STARTED, FT_D0, PowerSystemSleeping3));
}

/* ---- around a start ---- */

static unsigned minors[32], count;

static bool note_minor(PIRP irp, NTSTATUS *status)
{
    (void)status;
    if (count < 32)
        minors[count++] = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
    return false;
}

static void the_manager_asks_around_a_start(void **state)
{
    static const unsigned wanted[] = {IRP_MN_FILTER_RESOURCE_REQUIREMENTS, IRP_MN_START_DEVICE,
                                      IRP_MN_QUERY_CAPABILITIES, IRP_MN_QUERY_PNP_DEVICE_STATE,
                                      IRP_MN_QUERY_DEVICE_RELATIONS};

    (void)state;
    count = 0;
    run(&(struct bench_driver){.pnp = note_minor}, NULL, 0);
    assert_true(count > 5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(minors[i], wanted[i]);
    assert_int_equal(wb_event(FT_EV_PNP_SEND, 5)->arg[3], BusRelations);
    assert_int_equal(wb_event(FT_EV_PNP_DONE, 5)->arg[4], wb_event(FT_EV_PNP_SEND, 5)->arg[1]);
}

static bool fail_state(PIRP irp, NTSTATUS *status)
{
    if (IoGetCurrentIrpStackLocation(irp)->MinorFunction != IRP_MN_QUERY_PNP_DEVICE_STATE)
        return false;
    irp->IoStatus.Information |= PNP_DEVICE_FAILED;
    irp->IoStatus.Status = STATUS_SUCCESS;
    *status = bench_pass_down(irp);
    return true;
}

static void a_device_that_reports_failure_is_removed(void **state)
{
    (void)state;
    check_contains(run(&(struct bench_driver){.pnp = fail_state}, one_read, 1), "start surprise");
    assert_null(strstr(wb_notes(), "query-remove"));
    check_contains(wb_notes(), " remove ");
}

/* ---- other resources ---- */

static NTSTATUS touch(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    bench_register_set(WB_REG_SCRATCH, 7);
    wb_note(bench_register(WB_REG_SCRATCH) == 7 ? "reached" : "lost");
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_restart_may_give_other_addresses_and_vectors(void **state)
{
    static const struct ft_op op[] = {
        READ_OP, OP(STOP), {.kind = FT_OP_RESTART, .arg = {1}}, READ_OP};
    struct bench_driver how = {.request = touch};

    (void)state;
    check_contains(run(&how, op, 4), "reached query-stop stop hw-off start read reached");
    assert_true(the_driver.translated[0].u.Memory.Start.QuadPart ==
                (LONGLONG)(FT_BAR_PHYSICAL_BASE + FT_BAR_ELSEWHERE));
    assert_true(wb_event(FT_EV_MAP_IO, 1)->arg[0] != wb_event(FT_EV_MAP_IO, 2)->arg[0]);
}

static PUCHAR old_window;

/* The window stays mapped, against the rules. */
static bool keep_window(PIRP irp, NTSTATUS *status)
{
    (void)status;
    if (IoGetCurrentIrpStackLocation(irp)->MinorFunction == IRP_MN_STOP_DEVICE) {
        old_window = the_driver.registers;
        the_driver.registers = NULL;
    }
    return false;
}

static NTSTATUS touch_old(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    if (old_window)
        wb_note(READ_REGISTER_ULONG((PULONG)(old_window + WB_REG_RESETS)) == 0xFFFFFFFF
                    ? "old-gone"
                    : "old-live");
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void an_old_window_reaches_nothing_after_the_move(void **state)
{
    static const struct ft_op op[] = {OP(STOP), {.kind = FT_OP_RESTART, .arg = {1}}, READ_OP};
    struct bench_driver how = {.request = touch_old, .pnp = keep_window};

    (void)state;
    old_window = NULL;
    check_contains(run(&how, op, 3), "start read old-gone");
}

static void a_started_device_can_be_moved_without_a_stop(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_RESTART, .arg = {1}}, OP(RESTART)};

    (void)state;
    run(&(struct bench_driver){.restart = STATUS_UNSUCCESSFUL}, op, 2);
    assert_int_equal(wb_result()->ops_skipped, 1);
    check_contains(wb_notes(), "create start surprise"); /* this driver fails it */
}

static bool change_requirements(PIRP irp, NTSTATUS *status)
{
    if (IoGetCurrentIrpStackLocation(irp)->MinorFunction != IRP_MN_QUERY_STOP_DEVICE)
        return false;
    *status = bench_complete(irp, STATUS_RESOURCE_REQUIREMENTS_CHANGED, 0);
    return true;
}

static void requirements_that_changed_are_asked_for_again(void **state)
{
    static const struct ft_op op[] = {OP(STOP)};
    unsigned filters = 0;

    (void)state;
    run(&(struct bench_driver){.pnp = change_requirements}, op, 1);
    for (unsigned i = 1; i <= wb_count(FT_EV_PNP_SEND); i++)
        filters += wb_event(FT_EV_PNP_SEND, i)->arg[2] == IRP_MN_FILTER_RESOURCE_REQUIREMENTS;
    assert_int_equal(filters, 2);
    check_contains(wb_notes(), "query-stop stop");
}

/* ---- use by files ---- */

static void use_is_notified(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_USAGE, .arg = {2, 1}}, /* in the path of a hibernation file */
        {.kind = FT_OP_USAGE, .arg = {0, 1}},
        OP(USAGE),
    };

    (void)state;
    run(&(struct bench_driver){0}, op, 3);
    assert_int_equal(wb_count(FT_EV_USAGE), 3);
    assert_int_equal(wb_event(FT_EV_USAGE, 1)->arg[1], DeviceUsageTypeHibernation);
    assert_true(wb_event(FT_EV_USAGE, 1)->arg[2]);
    assert_int_equal(wb_event(FT_EV_USAGE, 1)->arg[3], STATUS_SUCCESS);
    assert_int_equal(wb_event(FT_EV_USAGE, 3)->arg[1], DeviceUsageTypePaging);
    assert_false(wb_event(FT_EV_USAGE, 3)->arg[2]);
}

static void a_file_that_is_not_there_does_not_go(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_USAGE, .arg = {2, 1}}, OP(USAGE)};

    (void)state;
    run(&(struct bench_driver){0}, op, 2);
    assert_int_equal(wb_result()->ops_skipped, 1);
    assert_int_equal(wb_count(FT_EV_USAGE), 1);
}

/* ---- what the bus driver answers ---- */

static NTSTATUS caught(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device, (void)irp, (void)context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Sends a PnP request of the driver's own; the stack location is filled by `fill`. */
static NTSTATUS ask(UCHAR minor, void (*fill)(PIO_STACK_LOCATION next), ULONG_PTR *information)
{
    PIRP irp = IoAllocateIrp(the_driver.below->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    NTSTATUS status;

    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next->MajorFunction = IRP_MJ_PNP;
    next->MinorFunction = minor;
    if (fill)
        fill(next);
    IoSetCompletionRoutine(irp, caught, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(the_driver.below, irp);
    status = irp->IoStatus.Status;
    *information = irp->IoStatus.Information;
    IoFreeIrp(irp);
    return status;
}

static ULONG config_value;
static BUS_INTERFACE_STANDARD bus;
static BUS_QUERY_ID_TYPE id_type;

static void fill_id(PIO_STACK_LOCATION next)
{
    next->Parameters.QueryId.IdType = id_type;
}

static void fill_config(PIO_STACK_LOCATION next)
{
    next->Parameters.ReadWriteConfig.WhichSpace = PCI_WHICHSPACE_CONFIG;
    next->Parameters.ReadWriteConfig.Buffer = &config_value;
    next->Parameters.ReadWriteConfig.Length = sizeof config_value;
}

static void fill_interface(PIO_STACK_LOCATION next)
{
    static const GUID standard = {
        0x496b8280, 0x6f25, 0x11d0, {0xbe, 0xaf, 0x08, 0x00, 0x2b, 0xe2, 0x09, 0x2f}};

    next->Parameters.QueryInterface.InterfaceType = &standard;
    next->Parameters.QueryInterface.Size = sizeof bus;
    next->Parameters.QueryInterface.Version = 1;
    next->Parameters.QueryInterface.Interface = (PINTERFACE)&bus;
}

static void fill_other_interface(PIO_STACK_LOCATION next)
{
    static const GUID other = {1, 2, 3, {0}};

    fill_interface(next);
    next->Parameters.QueryInterface.InterfaceType = &other;
}

static bool wide_is(ULONG_PTR wide, const char *text)
{
    const WCHAR *at = (const WCHAR *)wide;

    while (*text != '\0' && *at == (WCHAR)*text)
        at++, text++;
    return *text == '\0' && *at == 0;
}

static void check_interface(void)
{
    USHORT vendor = 0, command = 0x0146;
    ULONG space = 0;
    PHYSICAL_ADDRESS translated;

    CHECK(bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &vendor, 0, 2) == 2);
    CHECK(vendor == 0x8086);
    CHECK(bus.SetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &command, 4, 2) == 2);
    command = 0;
    CHECK(bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, &command, 4, 2) == 2);
    CHECK(command == 0x0146);
    CHECK(bus.GetBusData(bus.Context, 1, &vendor, 0, 2) == 0);
    CHECK(bus.TranslateBusAddress(bus.Context, the_driver.raw[0].u.Memory.Start, 16, &space,
                                  &translated));
    CHECK(translated.QuadPart == the_driver.translated[0].u.Memory.Start.QuadPart);
    bus.InterfaceReference(bus.Context);
    bus.InterfaceDereference(bus.Context);
    bus.InterfaceDereference(bus.Context);
}

static NTSTATUS ask_everything(PDEVICE_OBJECT device, PIRP irp)
{
    ULONG_PTR information;
    PDEVICE_OBJECT pdo = the_driver.below;

    (void)device, (void)pdo;
    id_type = BusQueryDeviceID;
    CHECK(ask(IRP_MN_QUERY_ID, fill_id, &information) == STATUS_SUCCESS);
    CHECK(wide_is(information, "PCI\\VEN_8086&DEV_1234"));
    ExFreePool((PVOID)information);
    id_type = BusQueryContainerID;
    CHECK(ask(IRP_MN_QUERY_ID, fill_id, &information) == STATUS_NOT_SUPPORTED);
    CHECK(ask(IRP_MN_QUERY_DEVICE_TEXT, NULL, &information) == STATUS_SUCCESS);
    CHECK(wide_is(information, "bench"));
    ExFreePool((PVOID)information);
    CHECK(ask(IRP_MN_QUERY_BUS_INFORMATION, NULL, &information) == STATUS_SUCCESS);
    CHECK(((PPNP_BUS_INFORMATION)information)->LegacyBusType == PCIBus);
    ExFreePool((PVOID)information);
    CHECK(ask(IRP_MN_QUERY_RESOURCES, NULL, &information) == STATUS_SUCCESS);
    CHECK(((PCM_RESOURCE_LIST)information)->List[0].PartialResourceList.Count == 2);
    ExFreePool((PVOID)information);
    CHECK(ask(IRP_MN_QUERY_RESOURCE_REQUIREMENTS, NULL, &information) == STATUS_SUCCESS);
    CHECK(((PIO_RESOURCE_REQUIREMENTS_LIST)information)->List[0].Count == 2);
    ExFreePool((PVOID)information);
    CHECK(ask(IRP_MN_READ_CONFIG, fill_config, &information) == STATUS_SUCCESS);
    CHECK(information == 4 && config_value == 0x12348086);
    CHECK(ask(IRP_MN_QUERY_INTERFACE, fill_interface, &information) == STATUS_SUCCESS);
    CHECK(ask(IRP_MN_QUERY_INTERFACE, fill_other_interface, &information) == STATUS_NOT_SUPPORTED);
    check_interface();
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_pci_part(struct ft_description *description)
{
    description->pci_id = 0x12348086;
    description->pci_class = 0x020000;
}

static void the_bus_driver_answers_every_query(void **state)
{
    (void)state;
    run(&(struct bench_driver){.describe = a_pci_part, .request = ask_everything}, one_read, 1);
}

/* ---- notifications and ejection ---- */

static const GUID interface_class = {9, 8, 7, {6}};
static const GUID custom = {5, 5, 5, {5}};
static PVOID entry;
static PFILE_OBJECT watched;
static bool refuse;

static NTSTATUS target_changed(PVOID structure, PVOID context)
{
    PTARGET_DEVICE_REMOVAL_NOTIFICATION change = structure;

    CHECK(context == &entry && change->FileObject == watched);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    wb_note(change->Event.Data1 == custom.Data1 ? "custom"
            : change->Event.Data1 == 0xcb3a4006 ? "asked"
            : change->Event.Data1 == 0xcb3a4007 ? "cancelled"
                                                : "complete");
    return refuse ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

static NTSTATUS watch_target(PDEVICE_OBJECT device, PIRP irp)
{
    TARGET_DEVICE_REMOVAL_NOTIFICATION change = {.Version = 1, .Size = sizeof change};

    (void)device;
    watched = IoGetCurrentIrpStackLocation(irp)->FileObject;
    CHECK(IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, NULL,
                                         wb_driver_object(), target_changed, &entry,
                                         &entry) == STATUS_INVALID_PARAMETER);
    CHECK(IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, watched,
                                         wb_driver_object(), target_changed, &entry,
                                         &entry) == STATUS_SUCCESS);
    change.Event = custom;
    CHECK(IoReportTargetDeviceChange(the_driver.below, &change) == STATUS_SUCCESS);
    change.Event.Data1 = 0xcb3a4006;
    change.Event.Data2 = 0x46f0;
    change.Event.Data3 = 0x11d0;
    memcpy(change.Event.Data4, "\xb0\x8f\x00\x60\x97\x13\x05\x3f", 8);
    CHECK(IoReportTargetDeviceChange(the_driver.below, &change) == STATUS_INVALID_DEVICE_REQUEST);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void those_who_hold_the_target_are_asked_before_a_removal(void **state)
{
    static const struct ft_op op[] = {READ_OP, OP(REMOVE)};

    (void)state;
    refuse = false;
    check_contains(run(&(struct bench_driver){.request = watch_target}, op, 2),
                   "read custom asked cleanup close query-remove complete remove");
    refuse = true;
    check_contains(run(&(struct bench_driver){.request = watch_target}, op, 2),
                   "read custom asked cancelled cleanup close query-remove complete remove");
}

static NTSTATUS interface_changed(PVOID structure, PVOID context)
{
    PDEVICE_INTERFACE_CHANGE_NOTIFICATION change = structure;

    (void)context;
    CHECK(memcmp(&change->InterfaceClassGuid, &interface_class, sizeof(GUID)) == 0);
    CHECK(change->SymbolicLinkName->Length == 4);
    wb_note(change->Event.Data1 == 0xcb3a4004 ? "arrived" : "went");
    return STATUS_SUCCESS;
}

static NTSTATUS watch_interfaces(PDEVICE_OBJECT device, PIRP irp)
{
    static WCHAR text[] = {'a', 'b'};
    UNICODE_STRING link = {.Length = 4, .MaximumLength = 4, .Buffer = text};

    (void)device;
    CHECK(IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0,
                                         (PVOID)&interface_class, wb_driver_object(),
                                         interface_changed, NULL, &entry) == STATUS_SUCCESS);
    ft_notify_interface(&interface_class, &link, true);
    ft_notify_interface(&custom, &link, true);
    ft_task_wait_quiet();
    ft_notify_interface(&interface_class, &link, false);
    ft_task_wait_quiet();
    CHECK(IoUnregisterPlugPlayNotification(entry) == STATUS_SUCCESS);
    CHECK(IoUnregisterPlugPlayNotificationEx(entry) == STATUS_INVALID_PARAMETER);
    ft_notify_interface(&interface_class, &link, true);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void interfaces_are_told_to_those_who_registered(void **state)
{
    (void)state;
    check_contains(run(&(struct bench_driver){.request = watch_interfaces}, one_read, 1),
                   "read arrived went cleanup");
    assert_int_equal(wb_count(FT_EV_CALLBACK), 2);
}

static NTSTATUS eject(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoRequestDeviceEject(the_driver.below);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void an_ejection_is_an_orderly_removal(void **state)
{
    static const struct ft_op op[] = {READ_OP, OP(STOP)};

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = eject}, op, 2);
    check_contains(wb_notes(), "read cleanup close query-remove remove hw-off unload");
    assert_int_equal(wb_result()->ops_skipped, 1);
}

static NTSTATUS eject_nothing(PDEVICE_OBJECT device, PIRP irp)
{
    (void)irp;
    IoRequestDeviceEject(device); /* not the physical device object */
    return STATUS_SUCCESS;
}

static void ejecting_what_is_no_pdo_is_bug_check_ca(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){.request = eject_nothing}, one_read, 1);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xCA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_takes_what_the_sheet_says),
        cmocka_unit_test(the_manager_asks_around_a_start),
        cmocka_unit_test(a_device_that_reports_failure_is_removed),
        cmocka_unit_test(a_restart_may_give_other_addresses_and_vectors),
        cmocka_unit_test(an_old_window_reaches_nothing_after_the_move),
        cmocka_unit_test(a_started_device_can_be_moved_without_a_stop),
        cmocka_unit_test(requirements_that_changed_are_asked_for_again),
        cmocka_unit_test(use_is_notified),
        cmocka_unit_test(a_file_that_is_not_there_does_not_go),
        cmocka_unit_test(the_bus_driver_answers_every_query),
        cmocka_unit_test(those_who_hold_the_target_are_asked_before_a_removal),
        cmocka_unit_test(interfaces_are_told_to_those_who_registered),
        cmocka_unit_test(an_ejection_is_an_orderly_removal),
        cmocka_unit_test(ejecting_what_is_no_pdo_is_bug_check_ca),
    };

    return cmocka_run_group_tests_name("PnP queries", tests, NULL, NULL);
}
