/* WMI through the port: registration of an adapter and its units, what WMI asks of the miniport,
 * the library that answers it, events and renewals. */
#include "scsi_bench.h"

#include "scsiport/scsiport_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <scsiwmi.h>
#include <wmilib.h>

static const GUID fixed_guid = {0x11111111, 1, 1, {1}}, own_guid = {0x22222222, 2, 2, {2}};
static const GUID strange_guid = {0x33333333, 3, 3, {3}};
static SCSIWMIGUIDREGINFO guids[] = {{&fixed_guid, 2, 0}, {&own_guid, (ULONG)-1, 0}};
enum { FIXED, OWN, VALUE_BYTES = 12, NODE_BYTES = 512 };

/* ---- the miniport ---- */

static SCSIWMI_REQUEST_CONTEXT request;
static PSCSI_REQUEST_BLOCK pending;
static UCHAR answer; /* of the next set */
static BOOLEAN pends;
static unsigned controls;
static PVOID seen_context;

static UCHAR NTAPI query_reginfo(PVOID context, PSCSIWMI_REQUEST_CONTEXT at, PWCHAR *mof)
{
    static WCHAR name[] = {'M', 'o', 'f', 0};

    CHECK(ft_irql() == WB_IRQ_LEVEL && at == &request);
    seen_context = context;
    *mof = name;
    return SRB_STATUS_SUCCESS;
}

/* Two instances, whose names and data the miniport places itself. */
static void place_all(PSCSIWMI_REQUEST_CONTEXT at)
{
    ULONG available, needed;
    PWCHAR name;
    PUCHAR data;

    CHECK(ScsiPortWmiSetInstanceCount(at, 2, &available, &needed));
    for (ULONG i = 0; i < 2; i++) {
        name = ScsiPortWmiSetInstanceName(at, i, 2 * sizeof(WCHAR), &available, &needed);
        data = ScsiPortWmiSetData(at, i, 5 + i, &available, &needed);
        if (name)
            name[0] = name[1] = (WCHAR)('a' + i);
        if (data)
            memset(data, (int)(0x50 + i), 5 + i);
        CHECK((available == 0) == (data == NULL));
    }
    ScsiPortWmiPostProcess(at, available ? SRB_STATUS_SUCCESS : SRB_STATUS_DATA_OVERRUN, needed);
}

static BOOLEAN NTAPI query_block(PVOID context, PSCSIWMI_REQUEST_CONTEXT at, ULONG guid,
                                 ULONG first, ULONG count, PULONG lengths, ULONG available,
                                 PUCHAR data)
{
    ULONG used = 0;

    CHECK(context == the_scsi.extension);
    if (guid == OWN) {
        place_all(at);
        return FALSE;
    }
    for (ULONG i = 0; i < count; i++) {
        if (used + VALUE_BYTES <= available) {
            memset(data + used, (int)(first + i + 1), VALUE_BYTES);
            lengths[i] = VALUE_BYTES;
        }
        used += i + 1 < count ? 16 : VALUE_BYTES;
    }
    ScsiPortWmiPostProcess(at, used > available ? SRB_STATUS_DATA_OVERRUN : SRB_STATUS_SUCCESS,
                           used);
    return FALSE;
}

static BOOLEAN NTAPI set_block(PVOID context, PSCSIWMI_REQUEST_CONTEXT at, ULONG guid,
                               ULONG instance, ULONG bytes, PUCHAR data)
{
    (void)context;
    CHECK(guid == FIXED && instance == 1 && bytes == 4 && data[0] == 0x77);
    CHECK(ScsiPortWmiGetInstanceName(at)[0] == 2 * sizeof(WCHAR));
    wb_note("set");
    if (pends)
        return TRUE;
    ScsiPortWmiPostProcess(at, answer, 0);
    return FALSE;
}

static BOOLEAN NTAPI set_item(PVOID context, PSCSIWMI_REQUEST_CONTEXT at, ULONG guid,
                              ULONG instance, ULONG item, ULONG bytes, PUCHAR data)
{
    (void)context, (void)data;
    CHECK(guid == FIXED && instance == 1 && item == 6 && bytes == 4);
    wb_note("item");
    ScsiPortWmiPostProcess(at, SRB_STATUS_SUCCESS, 0);
    return FALSE;
}

static BOOLEAN NTAPI execute(PVOID context, PSCSIWMI_REQUEST_CONTEXT at, ULONG guid, ULONG instance,
                             ULONG method, ULONG in, ULONG out, PUCHAR data)
{
    (void)context;
    CHECK(guid == FIXED && instance == 1 && method == 6 && in == 4);
    wb_note("method");
    if (out >= 8)
        memset(data, 0x99, 8);
    ScsiPortWmiPostProcess(at, out >= 8 ? SRB_STATUS_SUCCESS : SRB_STATUS_DATA_OVERRUN, 8);
    return FALSE;
}

static BOOLEAN NTAPI control(PVOID context, PSCSIWMI_REQUEST_CONTEXT at, ULONG guid,
                             SCSIWMI_ENABLE_DISABLE_CONTROL what, BOOLEAN enable)
{
    (void)context;
    CHECK(guid == FIXED && ScsiPortWmiGetInstanceName(at) == NULL);
    controls = controls * 10 + what * 2 + enable + 1;
    ScsiPortWmiPostProcess(at, SRB_STATUS_SUCCESS, 0);
    return FALSE;
}

static SCSI_WMILIB_CONTEXT library;

static void end_wmi(PSCSI_REQUEST_BLOCK srb)
{
    srb->DataTransferLength = ScsiPortWmiGetReturnSize(&request);
    scsi_bench_complete(srb, ScsiPortWmiGetReturnStatus(&request));
}

/* The machine's WMI asks adapter and unit for a registration and for two blocks. */
enum { SERVICE_REQUESTS = 6 };
static KEVENT service_is_done;
static unsigned requests;

static BOOLEAN start_io(PSCSI_REQUEST_BLOCK srb)
{
    PSCSI_WMI_REQUEST_BLOCK wmi = (PSCSI_WMI_REQUEST_BLOCK)srb;

    if (srb->Function != SRB_FUNCTION_WMI) {
        scsi_bench_complete(srb, scsi_bench_answer(srb));
        return TRUE;
    }
    if (++requests == SERVICE_REQUESTS)
        KeSetEvent(&service_is_done, IO_NO_INCREMENT, FALSE);
    wb_note(wmi->WMIFlags & SRB_WMI_FLAGS_ADAPTER_REQUEST ? "adapter" : "unit");
    if (ScsiPortWmiDispatchFunction(&library, wmi->WMISubFunction, the_scsi.extension, &request,
                                    wmi->DataPath, wmi->DataTransferLength, wmi->DataBuffer)) {
        pending = srb;
        ScsiPortNotification(NextRequest, the_scsi.extension);
        return TRUE;
    }
    end_wmi(srb);
    return TRUE;
}

static void provide(PPORT_CONFIGURATION_INFORMATION config)
{
    config->WmiDataProvider = TRUE;
}

/* ---- who asks ---- */

static struct ft_scsi_adapter *adapter(void)
{
    return FT_SCSI->adapters;
}

static union {
    WNODE_ALL_DATA all;
    WNODE_SINGLE_INSTANCE one;
    WNODE_SINGLE_ITEM item;
    WNODE_METHOD_ITEM method;
    WNODE_TOO_SMALL small;
    WMIREGINFOW info;
    UCHAR bytes[NODE_BYTES];
} node;
static ULONG_PTR information;

static NTSTATUS NTAPI asked(PDEVICE_OBJECT device, PIRP irp, PVOID done)
{
    (void)device, (void)irp;
    KeSetEvent(done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* guid NULL: the request is for another provider. */
static NTSTATUS ask(PDEVICE_OBJECT device, UCHAR minor, const GUID *guid, ULONG bytes)
{
    PIRP irp = IoAllocateIrp((CCHAR)(device->StackSize + 1), FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    NTSTATUS status;
    KEVENT done;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    next->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
    next->MinorFunction = minor;
    next->Parameters.WMI.ProviderId = guid ? (ULONG_PTR)device : 1;
    next->Parameters.WMI.DataPath = (PVOID)guid;
    next->Parameters.WMI.BufferSize = bytes;
    next->Parameters.WMI.Buffer = &node;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoSetCompletionRoutine(irp, asked, &done, TRUE, TRUE, TRUE);
    IoCallDriver(device, irp);
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    status = irp->IoStatus.Status;
    information = irp->IoStatus.Information;
    IoFreeIrp(irp);
    return status;
}

static void (*body)(void);

static VOID NTAPI run(PVOID context)
{
    (void)context;
    KeWaitForSingleObject(&service_is_done, Executive, KernelMode, FALSE, NULL);
    KeFlushQueuedDpcs();
    body();
    wb_note("asked");
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void start_thread(enum ft_routine routine)
{
    HANDLE thread;

    if (routine != FT_ROUTINE_SCSI_FIND_ADAPTER)
        return;
    KeInitializeEvent(&service_is_done, NotificationEvent, FALSE);
    if (body)
        CHECK(NT_SUCCESS(PsCreateSystemThread(&thread, 0, NULL, NULL, NULL, run, NULL)));
}

static void run_with(void (*what)(void))
{
    body = what;
    answer = SRB_STATUS_SUCCESS;
    pends = FALSE;
    controls = requests = 0;
    pending = NULL;
    memset(&node, 0, sizeof node);
    library = (SCSI_WMILIB_CONTEXT){2,         guids,    query_reginfo, query_block,
                                    set_block, set_item, execute,       control};
    scsi_bench_run(
        &(struct scsi_bench){.in = start_thread, .configure = provide, .start_io = start_io}, NULL,
        0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_true(!body || strstr(wb_notes(), "asked") != NULL);
}

/* ---- registration and all data: the machine's WMI asks for them ---- */

static void adapter_and_units_are_registered(void **state)
{
    (void)state;
    run_with(NULL);
    assert_int_equal(wb_count(FT_EV_WMI_REGISTER), 4);
    assert_int_equal(wb_event(FT_EV_WMI_REGISTER, 1)->arg[1], WMIREG_ACTION_REGISTER);
    assert_int_equal(wb_last(FT_EV_WMI_REGISTER)->arg[1], WMIREG_ACTION_DEREGISTER);
    assert_non_null(strstr(wb_notes(), "io:17 adapter"));
    assert_non_null(strstr(wb_notes(), "io:17 unit"));
    assert_ptr_equal(seen_context, the_scsi.extension);
}

static void an_adapter_that_provides_nothing_is_not(void **state)
{
    (void)state;
    body = NULL;
    scsi_bench_run(&(struct scsi_bench){0}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_WMI_REGISTER), 0);
}

static void look_at_registration(void)
{
    ULONG whole = sizeof(WMIREGINFOW) + 2 * sizeof(WMIREGGUIDW), mof = sizeof(USHORT) + 6;

    CHECK(ask(adapter()->fdo, IRP_MN_REGINFO, &fixed_guid, 16) == STATUS_SUCCESS);
    CHECK(information == sizeof(ULONG) && *(PULONG)&node == whole + mof);
    CHECK(ask(adapter()->fdo, IRP_MN_REGINFO_EX, &fixed_guid, sizeof node) == STATUS_SUCCESS);
    CHECK(information == whole + mof && node.info.GuidCount == 2);
    CHECK(node.info.MofResourceName == whole && *(PUSHORT)(node.bytes + whole) == 6);
    CHECK(node.info.WmiRegGuid[FIXED].InstanceCount == 2);
    CHECK(node.info.WmiRegGuid[FIXED].Flags == WMIREG_FLAG_INSTANCE_PDO);
    CHECK(node.info.WmiRegGuid[FIXED].Pdo == (ULONG_PTR)adapter()->pdo);
    CHECK(ask(adapter()->units->pdo, IRP_MN_REGINFO_EX, &fixed_guid, sizeof node) ==
          STATUS_SUCCESS);
    CHECK(node.info.WmiRegGuid[OWN].Pdo == (ULONG_PTR)adapter()->units->pdo);
    CHECK(ask(adapter()->fdo, IRP_MN_REGINFO_EX, NULL, sizeof node) == STATUS_NOT_SUPPORTED);
    CHECK(ask(adapter()->units->pdo, IRP_MN_REGINFO_EX, NULL, 0) == STATUS_NOT_SUPPORTED);
}

static void the_answer_names_the_device(void **state)
{
    (void)state;
    run_with(look_at_registration);
}

static void query_all(void)
{
    ULONG at = (ULONG)offsetof(WNODE_ALL_DATA, OffsetInstanceDataAndLength) +
               2 * (ULONG)sizeof(OFFSETINSTANCEDATAANDLENGTH);
    POFFSETINSTANCEDATAANDLENGTH place = node.all.OffsetInstanceDataAndLength;

    CHECK(ask(adapter()->fdo, IRP_MN_QUERY_ALL_DATA, &fixed_guid, sizeof node) == STATUS_SUCCESS);
    at = (at + 7) / 8 * 8;
    CHECK(node.all.DataBlockOffset == at && node.all.InstanceCount == 2);
    CHECK(place[1].OffsetInstanceData == at + 16 && place[1].LengthInstanceData == VALUE_BYTES);
    CHECK(node.bytes[at] == 1 && node.bytes[at + 16] == 2);
    CHECK(information == at + 16 + VALUE_BYTES && node.all.WnodeHeader.BufferSize == information);
    CHECK(ask(adapter()->fdo, IRP_MN_QUERY_ALL_DATA, &fixed_guid, at + 16) == STATUS_SUCCESS);
    CHECK(information == sizeof(WNODE_TOO_SMALL) && node.small.SizeNeeded == at + 16 + VALUE_BYTES);
    CHECK(node.small.WnodeHeader.Flags & WNODE_FLAG_TOO_SMALL);
    CHECK(ask(adapter()->fdo, IRP_MN_QUERY_ALL_DATA, &strange_guid, sizeof node) ==
          STATUS_IO_DEVICE_ERROR);
}

static void all_data_has_its_places(void **state)
{
    (void)state;
    run_with(query_all);
}

static void query_own(void)
{
    POFFSETINSTANCEDATAANDLENGTH place = node.all.OffsetInstanceDataAndLength;
    PULONG names;
    ULONG whole;

    CHECK(ask(adapter()->fdo, IRP_MN_QUERY_ALL_DATA, &own_guid, sizeof node) == STATUS_SUCCESS);
    whole = (ULONG)information;
    names = (PULONG)(node.bytes + node.all.OffsetInstanceNameOffsets);
    CHECK(node.all.InstanceCount == 2 && *(PUSHORT)(node.bytes + names[1]) == 2 * sizeof(WCHAR));
    CHECK(node.bytes[names[1] + 2] == 'b' && place[1].LengthInstanceData == 6);
    CHECK(node.bytes[place[0].OffsetInstanceData] == 0x50);
    CHECK(node.bytes[place[1].OffsetInstanceData + 5] == 0x51);
    CHECK(ask(adapter()->fdo, IRP_MN_QUERY_ALL_DATA, &own_guid, whole - 8) == STATUS_SUCCESS);
    CHECK(node.small.SizeNeeded == whole && information == sizeof(WNODE_TOO_SMALL));
    CHECK(ask(adapter()->fdo, IRP_MN_QUERY_ALL_DATA, &own_guid,
              offsetof(WNODE_ALL_DATA, OffsetInstanceDataAndLength) + 8) == STATUS_SUCCESS);
    CHECK(node.small.SizeNeeded == whole);
}

static void a_miniport_may_place_instances_itself(void **state)
{
    (void)state;
    run_with(query_own);
    assert_int_equal(wb_last(FT_EV_SCSI_WMI)->layer, FT_LAYER_DRIVER);
}

/* ---- one instance ---- */

enum { DATA_AT = 128, NAME_AT = 120 };

static void fill_one(ULONG instance, ULONG number)
{
    static const USHORT name[] = {2 * sizeof(WCHAR), 'x', 'y'};

    memset(&node, 0, sizeof node);
    node.method.InstanceIndex = instance;
    node.method.OffsetInstanceName = NAME_AT;
    node.method.MethodId = number; /* of an item, too */
    node.method.DataBlockOffset = DATA_AT;
    node.method.SizeDataBlock = 4;
    memcpy(node.bytes + NAME_AT, name, sizeof name);
    memset(node.bytes + DATA_AT, 0x77, 4);
}

/* Their nodes have no number. */
static void fill_whole(ULONG instance)
{
    fill_one(instance, 0);
    node.one.DataBlockOffset = DATA_AT;
    node.one.SizeDataBlock = 4;
}

static void ask_one(void)
{
    PDEVICE_OBJECT fdo = adapter()->fdo;

    fill_whole(1);
    CHECK(ask(fdo, IRP_MN_QUERY_SINGLE_INSTANCE, &fixed_guid, sizeof node) == STATUS_SUCCESS);
    CHECK(node.one.SizeDataBlock == VALUE_BYTES && node.bytes[DATA_AT] == 2);
    CHECK(information == DATA_AT + VALUE_BYTES);
    fill_whole(1);
    CHECK(ask(fdo, IRP_MN_QUERY_SINGLE_INSTANCE, &fixed_guid, DATA_AT + 4) == STATUS_SUCCESS);
    CHECK(node.small.SizeNeeded == DATA_AT + VALUE_BYTES);
    fill_whole(2); /* there are two */
    CHECK(ask(fdo, IRP_MN_QUERY_SINGLE_INSTANCE, &fixed_guid, sizeof node) ==
          STATUS_IO_DEVICE_ERROR);
    fill_whole(1);
    CHECK(ask(fdo, IRP_MN_CHANGE_SINGLE_INSTANCE, &fixed_guid, sizeof node) == STATUS_SUCCESS);
    CHECK(information == 0);
    CHECK(ask(fdo, IRP_MN_CHANGE_SINGLE_INSTANCE, &fixed_guid, DATA_AT + 2) ==
          STATUS_IO_DEVICE_ERROR); /* data beyond the buffer */
    answer = SRB_STATUS_ERROR;
    CHECK(ask(fdo, IRP_MN_CHANGE_SINGLE_INSTANCE, &fixed_guid, sizeof node) ==
          STATUS_IO_DEVICE_ERROR);
    fill_one(1, 6);
    CHECK(ask(fdo, IRP_MN_CHANGE_SINGLE_ITEM, &fixed_guid, sizeof node) == STATUS_SUCCESS);
    fill_one(1, 6);
    CHECK(ask(fdo, IRP_MN_EXECUTE_METHOD, &fixed_guid, sizeof node) == STATUS_SUCCESS);
    CHECK(information == DATA_AT + 8 && node.bytes[DATA_AT + 7] == 0x99);
    fill_one(1, 6);
    CHECK(ask(fdo, IRP_MN_EXECUTE_METHOD, &fixed_guid, DATA_AT + 4) == STATUS_SUCCESS);
    CHECK(node.small.SizeNeeded == DATA_AT + 8);
    library.SetWmiDataBlock = NULL;
    fill_whole(1);
    CHECK(ask(fdo, IRP_MN_CHANGE_SINGLE_INSTANCE, &fixed_guid, sizeof node) ==
          STATUS_IO_DEVICE_ERROR);
}

static void requests_for_an_instance_reach_its_routines(void **state)
{
    (void)state;
    run_with(ask_one);
    assert_non_null(strstr(wb_notes(), "set io:17 adapter io:17 adapter set io:17 adapter item"));
}

static void switch_on_and_off(void)
{
    for (UCHAR minor = IRP_MN_ENABLE_EVENTS; minor <= IRP_MN_DISABLE_COLLECTION; minor++)
        CHECK(ask(adapter()->fdo, minor, &fixed_guid, sizeof node) == STATUS_SUCCESS);
    CHECK(controls == 2143);
    library.WmiFunctionControl = NULL; /* there is nothing to switch */
    CHECK(ask(adapter()->fdo, IRP_MN_ENABLE_EVENTS, &fixed_guid, sizeof node) == STATUS_SUCCESS);
}

static void blocks_are_switched_on_and_off(void **state)
{
    (void)state;
    run_with(switch_on_and_off);
}

/* ---- a request that pends ---- */

static VOID NTAPI finish_later(PVOID extension)
{
    (void)extension;
    ScsiPortWmiPostProcess(&request, SRB_STATUS_SUCCESS, 0);
    end_wmi(pending);
}

static BOOLEAN pend(PSCSI_REQUEST_BLOCK srb)
{
    BOOLEAN taken = start_io(srb);

    if (pending == srb)
        ScsiPortNotification(RequestTimerCall, the_scsi.extension, finish_later, 1000);
    return taken;
}

static void ask_and_wait(void)
{
    the_scsi.start_io = pend;
    pends = TRUE;
    fill_whole(1);
    CHECK(ask(adapter()->fdo, IRP_MN_CHANGE_SINGLE_INSTANCE, &fixed_guid, sizeof node) ==
          STATUS_SUCCESS);
    CHECK(pending != NULL);
}

static void a_request_may_pend(void **state)
{
    (void)state;
    run_with(ask_and_wait);
}

/* ---- calls out of place ---- */

static void misuse(void)
{
    SCSIWMI_REQUEST_CONTEXT at = {.MinorFunction = IRP_MN_QUERY_SINGLE_INSTANCE,
                                  .Buffer = node.bytes,
                                  .BufferSize = sizeof node};
    ULONG available = sizeof node, needed = 0;

    CHECK(!ScsiPortWmiSetInstanceCount(&at, 1, &available, &needed));
    CHECK(available == sizeof node && needed == 0);
    CHECK(ScsiPortWmiSetData(&at, 0, 8, &available, &needed) == NULL && available == 0);
    available = sizeof node;
    CHECK(ScsiPortWmiSetInstanceName(&at, 0, 8, &available, &needed) == NULL);
    at.MinorFunction = IRP_MN_QUERY_ALL_DATA;
    CHECK(ScsiPortWmiSetInstanceCount(&at, 1, &available, &needed));
    CHECK(ScsiPortWmiSetData(&at, 1, 8, &available, &needed) == NULL); /* there is one */
    CHECK(!ScsiPortWmiDispatchFunction(&library, 0x20, NULL, &at, NULL, sizeof node, &node));
    CHECK(ScsiPortWmiGetReturnStatus(&at) == SRB_STATUS_INVALID_REQUEST);
}

static void places_are_for_all_data_only(void **state)
{
    (void)state;
    run_with(misuse);
}

/* ---- events ---- */

static void fire(ULONG bytes)
{
    UCHAR data[64] = {0};
    KIRQL irql;

    KeRaiseIrql(WB_IRQ_LEVEL, &irql);
    ScsiPortWmiFireAdapterEvent(the_scsi.extension, (LPGUID)&fixed_guid, 0, bytes, data);
    KeLowerIrql(irql);
}

static void fire_events(void)
{
    UCHAR data[4] = {0};

    fire(8);
    fire(0);
    ScsiPortWmiFireLogicalUnitEvent(the_scsi.extension, 0, 0, 0, (LPGUID)&fixed_guid, 1,
                                    sizeof data, data);
    ScsiPortWmiFireLogicalUnitEvent(the_scsi.extension, 0, 5, 0, (LPGUID)&fixed_guid, 1,
                                    sizeof data, data); /* no such unit */
    fire(65 + 64);                                      /* too long */
    fire(1);
    fire(1); /* there are four places */
    ScsiPortNotification(WMIReregister, the_scsi.extension, 0xFF);
    ScsiPortNotification(WMIReregister, the_scsi.extension, 0, 0, 0);
    ScsiPortNotification(RequestTimerCall, the_scsi.extension, NULL, 0);
    ft_scsi_after(adapter());
    KeFlushQueuedDpcs();
    fire(1); /* the places are free again */
    ft_scsi_after(adapter());
}

static const UCHAR kept[] = {SRB_STATUS_SUCCESS, SRB_STATUS_SUCCESS, SRB_STATUS_SUCCESS,
                             SRB_STATUS_ERROR,   SRB_STATUS_ERROR,   SRB_STATUS_SUCCESS,
                             SRB_STATUS_ERROR,   SRB_STATUS_SUCCESS};

static void events_wait_in_a_few_places(void **state)
{
    unsigned seen = 0, renewals = 0;

    (void)state;
    run_with(fire_events);
    for (unsigned i = 1; i <= wb_count(FT_EV_SCSI_WMI); i++)
        if (wb_event(FT_EV_SCSI_WMI, i)->arg[0] >= FT_SCSI_WMI_FIRE)
            assert_int_equal(wb_event(FT_EV_SCSI_WMI, i)->arg[2], kept[seen++]);
    assert_int_equal(seen, sizeof kept);
    assert_int_equal(wb_count(FT_EV_SCSI_LOG_ERROR), 1);
    assert_int_equal(wb_last(FT_EV_SCSI_LOG_ERROR)->arg[4], SP_LOST_WMI_MINIPORT_REQUEST);
    for (unsigned i = 1; i <= wb_count(FT_EV_WMI_REGISTER); i++)
        renewals += wb_event(FT_EV_WMI_REGISTER, i)->arg[1] == WMIREG_ACTION_REREGISTER;
    assert_int_equal(renewals, 2);
}

/* ---- power and removal ---- */

static void the_adapter_s_state_holds_requests_back(void **state)
{
    const struct ft_op ops[] = {{.kind = FT_OP_POWER_DOWN},
                                {.kind = FT_OP_POWER_UP},
                                {.kind = FT_OP_YANK},
                                {.kind = FT_OP_SURPRISE_REMOVE}};

    (void)state;
    body = NULL;
    library = (SCSI_WMILIB_CONTEXT){2,         guids,    query_reginfo, query_block,
                                    set_block, set_item, execute,       control};
    for (unsigned n = 1; n < 12; n++) {
        struct ft_op op[4];

        memcpy(op, ops, sizeof ops);
        requests = 0;
        op[0].moment.point = op[2].moment.point = FT_PT_SCSI_SERVICE;
        op[0].moment.count = op[2].moment.count = (uint16_t)n;
        scsi_bench_run(&(struct scsi_bench){.configure = provide, .start_io = start_io}, op, 4);
        assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapter_and_units_are_registered),
        cmocka_unit_test(an_adapter_that_provides_nothing_is_not),
        cmocka_unit_test(the_answer_names_the_device),
        cmocka_unit_test(all_data_has_its_places),
        cmocka_unit_test(a_miniport_may_place_instances_itself),
        cmocka_unit_test(requests_for_an_instance_reach_its_routines),
        cmocka_unit_test(blocks_are_switched_on_and_off),
        cmocka_unit_test(a_request_may_pend),
        cmocka_unit_test(places_are_for_all_data_only),
        cmocka_unit_test(events_wait_in_a_few_places),
        cmocka_unit_test(the_adapter_s_state_holds_requests_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
