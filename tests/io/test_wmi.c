/* WMI: registration, what the service asks, and the library that answers (wdm-io, 2.1; wmilib). */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <wmilib.h>
#include <cmocka.h>

static const GUID blocks[] = {{1, 2, 3, {4}}, {5, 6, 7, {8}}};
static WMIGUIDREGINFO table[] = {{&blocks[0], 2, 0}, {&blocks[1], 1, WMIREG_FLAG_EVENT_ONLY_GUID}};
static WMILIB_CONTEXT library;
static NTSTATUS reginfo_answer;
static bool too_small, keep;
static ULONG action;
static PIRP kept;

static NTSTATUS reginfo(PDEVICE_OBJECT device, PULONG flags, PUNICODE_STRING instance,
                        PUNICODE_STRING *path, PUNICODE_STRING mof, PDEVICE_OBJECT *pdo)
{
    (void)instance, (void)path, (void)mof;
    CHECK(device == the_driver.device);
    wb_note("reginfo");
    *flags = WMIREG_FLAG_INSTANCE_PDO;
    *pdo = FT_M->io.first.pdo;
    return reginfo_answer;
}

static NTSTATUS query(PDEVICE_OBJECT device, PIRP irp, ULONG guid, ULONG instance, ULONG count,
                      PULONG lengths, ULONG available, PUCHAR buffer)
{
    CHECK(guid == 0 && instance == 0 && count == 2 && available >= 32);
    wb_note("data");
    if (keep) {
        IoMarkIrpPending(irp);
        kept = irp;
        return STATUS_PENDING;
    }
    if (too_small)
        return WmiCompleteRequest(device, irp, STATUS_BUFFER_TOO_SMALL, 5000, IO_NO_INCREMENT);
    memset(buffer, 7, 20);
    lengths[0] = 12;
    lengths[1] = 4;
    return WmiCompleteRequest(device, irp, STATUS_SUCCESS, 20, IO_NO_INCREMENT);
}

static NTSTATUS system_control(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    WNODE_ALL_DATA *node = location->Parameters.WMI.Buffer;
    POFFSETINSTANCEDATAANDLENGTH place = node->OffsetInstanceDataAndLength;
    UCHAR minor = location->MinorFunction;
    SYSCTL_IRP_DISPOSITION disposition;
    NTSTATUS status;

    CHECK(irp->IoStatus.Status == STATUS_NOT_SUPPORTED);
    status = WmiSystemControl(&library, device, irp, &disposition);
    if (disposition == IrpNotCompleted) {
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    } else if (disposition != IrpProcessed) {
        IoSkipCurrentIrpStackLocation(irp);
        return IoCallDriver(the_driver.below, irp);
    }
    if (minor == IRP_MN_QUERY_ALL_DATA && disposition == IrpProcessed && !keep) {
        /* The service's buffer outlives the request. */
        CHECK(too_small == !!(node->WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL));
        if (!too_small) {
            CHECK(node->InstanceCount == 2);
            CHECK(place[0].LengthInstanceData == 12);
            CHECK(place[0].OffsetInstanceData == node->DataBlockOffset);
            CHECK(place[1].OffsetInstanceData == node->DataBlockOffset + 16);
            CHECK(node->WnodeHeader.BufferSize == node->DataBlockOffset + 20);
        }
    }
    return status;
}

static NTSTATUS end_registration(PDEVICE_OBJECT device, PIRP irp)
{
    CHECK(IoWMIRegistrationControl(device, WMIREG_ACTION_DEREGISTER) == STATUS_SUCCESS);
    wb_note("ended");
    CHECK(IoWMIRegistrationControl(device, WMIREG_ACTION_DEREGISTER) == STATUS_INVALID_PARAMETER);
    CHECK(IoWMIRegistrationControl(device, WMIREG_ACTION_UPDATE_GUIDS) == STATUS_INVALID_PARAMETER);
    CHECK(IoWMIRegistrationControl(device, 99) == STATUS_INVALID_PARAMETER);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void registers(void)
{
    PDRIVER_OBJECT driver = wb_driver_object();

    library = (WMILIB_CONTEXT){
        .GuidCount = 2, .GuidList = table, .QueryWmiRegInfo = reginfo, .QueryWmiDataBlock = query};
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = system_control;
    CHECK(IoWMIRegistrationControl(the_driver.device, action) ==
          (action == WMIREG_ACTION_REGISTER ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER));
}

static const struct ft_op read_op[] = {{.kind = FT_OP_READ, .arg = {16, 0}}};

static void run(NTSTATUS answer, bool small)
{
    reginfo_answer = answer;
    too_small = small;
    keep = false;
    action = WMIREG_ACTION_REGISTER;
    bench_driver_run(&(struct bench_driver){.started = registers, .request = end_registration},
                     read_op, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static void the_service_asks_for_blocks_and_their_data(void **state)
{
    unsigned callbacks = 0;

    (void)state;
    run(STATUS_SUCCESS, false);
    assert_non_null(strstr(wb_notes(), "reginfo data"));
    assert_non_null(strstr(wb_notes(), "read ended"));
    assert_int_equal(wb_count(FT_EV_WMI_CONTROL), 2); /* the second block has events only */
    assert_int_equal(wb_event(FT_EV_WMI_CONTROL, 1)->arg[1], IrpNotCompleted);
    assert_int_equal(wb_event(FT_EV_WMI_CONTROL, 2)->arg[1], IrpProcessed);
    assert_int_equal(wb_event(FT_EV_WMI_REGISTER, 1)->arg[1], WMIREG_ACTION_REGISTER);
    assert_int_equal(wb_event(FT_EV_WMI_REGISTER, 3)->arg[2], (uint32_t)STATUS_INVALID_PARAMETER);
    for (unsigned n = 1; n <= wb_count(FT_EV_CALL_ENTER); n++)
        callbacks += wb_event(FT_EV_CALL_ENTER, n)->arg[0] == FT_ROUTINE_WMI;
    assert_int_equal(callbacks, 2);
}

static void a_driver_may_refuse_or_need_more_room(void **state)
{
    (void)state;
    run(STATUS_UNSUCCESSFUL, false);
    assert_null(strstr(wb_notes(), "data"));
    assert_int_equal(wb_event(FT_EV_WMI_CONTROL, 1)->arg[2], (uint32_t)STATUS_UNSUCCESSFUL);
    run(STATUS_SUCCESS, true);
    assert_non_null(strstr(wb_notes(), "reginfo data"));
}

static void who_is_not_registered_cannot_update(void **state)
{
    (void)state;
    action = WMIREG_ACTION_REREGISTER;
    bench_driver_run(&(struct bench_driver){.started = registers}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_WMI_CONTROL), 0);
}

static NTSTATUS finish_kept(PDEVICE_OBJECT device, PIRP irp)
{
    if (IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_READ)
        return end_registration(device, irp);
    WmiCompleteRequest(device, kept, STATUS_UNSUCCESSFUL, 0, IO_NO_INCREMENT);
    wb_note("finished");
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

/* Taking back the registration waits for the request that is on its way. */
static void deregistration_waits(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_READ, .arg = {16, 0}}, {.kind = FT_OP_WRITE}};

    (void)state;
    reginfo_answer = STATUS_SUCCESS;
    keep = true;
    action = WMIREG_ACTION_REGISTER;
    bench_driver_run(&(struct bench_driver){.started = registers, .request = finish_kept}, ops, 2);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(wb_notes(), "read write finished ended"));
}

static void body_events(void)
{
    GUID guid = blocks[0];

    CHECK(WmiFireEvent(NULL, &guid, 0, 16, ExAllocatePoolWithTag(NonPagedPool, 16, 0x74736574)) ==
          STATUS_SUCCESS);
    CHECK(WmiFireEvent(NULL, &guid, 0, 0, NULL) == STATUS_SUCCESS);
    CHECK(IoWMIWriteEvent(ExAllocatePoolWithTag(NonPagedPool, 64, 0x74736574)) == STATUS_SUCCESS);
    CHECK(FT_M->pool_blocks == 0);
}

static void an_event_is_freed_by_wmi(void **state)
{
    (void)state;
    wb_body(body_events, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_POOL_FREE), 2);
}

/* ---- what the library refuses ---- */

static NTSTATUS ask(UCHAR minor, PDEVICE_OBJECT provider, PVOID path, PVOID buffer, ULONG bytes,
                    SYSCTL_IRP_DISPOSITION *disposition, ULONG_PTR *information)
{
    PIRP irp = IoAllocateIrp(2, FALSE);
    PIO_STACK_LOCATION location;
    NTSTATUS status;

    IoSetNextIrpStackLocation(irp);
    location = IoGetCurrentIrpStackLocation(irp);
    location->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
    location->MinorFunction = minor;
    location->Parameters.WMI.ProviderId = (ULONG_PTR)provider;
    location->Parameters.WMI.DataPath = path;
    location->Parameters.WMI.Buffer = buffer;
    location->Parameters.WMI.BufferSize = bytes;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    irp->IoStatus.Information = 3;
    status = WmiSystemControl(&library, the_driver.device, irp, disposition);
    *information = irp->IoStatus.Information;
    IoFreeIrp(irp);
    return status;
}

static void refusals(void)
{
    SYSCTL_IRP_DISPOSITION disposition;
    GUID unknown = {9, 9, 9, {9}};
    ULONG_PTR information;
    ULONG needed = 0;

    library = (WMILIB_CONTEXT){
        .GuidCount = 2, .GuidList = table, .QueryWmiRegInfo = reginfo, .QueryWmiDataBlock = query};
    reginfo_answer = STATUS_SUCCESS;
    CHECK(ask(IRP_MN_QUERY_ALL_DATA, the_driver.below, &unknown, NULL, 0, &disposition,
              &information) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(disposition == IrpForward && information == 3);
    CHECK(ask(IRP_MN_REGINFO_EX + 1, the_driver.device, &unknown, NULL, 0, &disposition,
              &information) == STATUS_NOT_SUPPORTED);
    CHECK(disposition == IrpNotWmi);
    CHECK(ask(IRP_MN_QUERY_ALL_DATA, the_driver.device, &unknown, NULL, 0, &disposition,
              &information) == STATUS_WMI_GUID_NOT_FOUND);
    CHECK(disposition == IrpNotCompleted && information == 0);
    CHECK(ask(IRP_MN_REGINFO, the_driver.device, NULL, &needed, sizeof needed, &disposition,
              &information) == STATUS_SUCCESS);
    CHECK(disposition == IrpNotCompleted && information == sizeof needed);
    CHECK(needed >= sizeof(WMIREGINFOW) + 2 * sizeof(WMIREGGUIDW));
}

static void the_library_says_what_it_does_not_take(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){.started = refusals}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_service_asks_for_blocks_and_their_data),
        cmocka_unit_test(a_driver_may_refuse_or_need_more_room),
        cmocka_unit_test(who_is_not_registered_cannot_update),
        cmocka_unit_test(deregistration_waits),
        cmocka_unit_test(an_event_is_freed_by_wmi),
        cmocka_unit_test(the_library_says_what_it_does_not_take),
    };

    return cmocka_run_group_tests_name("WMI", tests, NULL, NULL);
}
