/* Each ScsiPort routine where it must not be called: its event says at which level and in which
 * routine of the miniport that was, which is what rules judge; and the level at which the port
 * calls each routine of a miniport (port_levels.def; scsiport.md, section 5). */
#include "disk_hba.h"

#include "scsiport/scsiport_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <scsiwmi.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

enum place { IN_FIND, IN_START_IO, OUTSIDE };
enum { NO_WORD = 0xFF };
enum { PASSIVE = PASSIVE_LEVEL, DISPATCH = DISPATCH_LEVEL, DEVICE = WB_IRQ_LEVEL };

/* ---- the calls ---- */

static UCHAR bytes[256];
static ULONG available, needed;

#define EXTENSION the_scsi.extension

static void call_ScsiPortInitialize(void)
{
    HW_INITIALIZATION_DATA data = {.HwInitializationDataSize = 1};

    CHECK(ScsiPortInitialize(wb_driver_object(), bytes, &data, NULL) ==
          (ULONG)STATUS_REVISION_MISMATCH);
}

static void call_ScsiPortGetBusData(void)
{
    ScsiPortGetBusData(EXTENSION, PCIConfiguration, 0, 0, bytes, 64);
}

static void call_ScsiPortSetBusDataByOffset(void)
{
    ScsiPortSetBusDataByOffset(EXTENSION, PCIConfiguration, 0, 0, bytes, 60, 1);
}

static void call_ScsiPortValidateRange(void)
{
    ScsiPortValidateRange(EXTENSION, PCIBus, 0, the_scsi.range.RangeStart, 4, FALSE);
}

static void call_ScsiPortGetDeviceBase(void)
{
    SCSI_PHYSICAL_ADDRESS nowhere = {.QuadPart = 0x7000000000};

    ScsiPortGetDeviceBase(EXTENSION, PCIBus, 0, nowhere, 4, FALSE);
}

static void call_ScsiPortFreeDeviceBase(void)
{
    ScsiPortFreeDeviceBase(EXTENSION, bytes);
}

static void call_ScsiPortGetUncachedExtension(void)
{
    CHECK(ScsiPortGetUncachedExtension(EXTENSION, &the_scsi.taken, 8) == NULL);
}

static void call_ScsiPortNotification(void)
{
    ScsiPortNotification(RequestTimerCall, EXTENSION, NULL, 0);
}

static void call_ScsiPortCompleteRequest(void)
{
    ScsiPortCompleteRequest(EXTENSION, 0, 6, 0, SRB_STATUS_BUS_RESET);
}

static void call_ScsiPortGetLogicalUnit(void)
{
    CHECK(ScsiPortGetLogicalUnit(EXTENSION, 3, 3, 3) == NULL);
}

static void call_ScsiPortGetSrb(void)
{
    CHECK(ScsiPortGetSrb(EXTENSION, 3, 3, 3, SP_UNTAGGED) == NULL);
}

static void call_ScsiPortGetPhysicalAddress(void)
{
    ScsiPortGetPhysicalAddress(EXTENSION, NULL, bytes, &needed);
    CHECK(needed == 0);
}

static void call_ScsiPortGetVirtualAddress(void)
{
    SCSI_PHYSICAL_ADDRESS nowhere = {.QuadPart = 0x7000000000};

    CHECK(ScsiPortGetVirtualAddress(EXTENSION, nowhere) == NULL);
}

static void call_ScsiPortIoMapTransfer(void)
{
    ScsiPortIoMapTransfer(EXTENSION, NULL, bytes, 4);
}

static void call_ScsiPortFlushDma(void)
{
    ScsiPortFlushDma(EXTENSION);
}

static void call_ScsiPortLogError(void)
{
    ScsiPortLogError(EXTENSION, NULL, 0, 0, 0, SP_INTERNAL_ADAPTER_ERROR, 1);
}

static void call_ScsiPortMoveMemory(void)
{
    ScsiPortMoveMemory(bytes, bytes + 4, 4);
}

static void call_ScsiPortStallExecution(void)
{
    ScsiPortStallExecution(1);
}

static void call_ScsiPortQuerySystemTime(void)
{
    LARGE_INTEGER time;

    ScsiPortQuerySystemTime(&time);
}

static void call_ScsiPortConvertUlongToPhysicalAddress(void)
{
    ScsiPortConvertUlongToPhysicalAddress(1);
}

static void call_ScsiDebugPrint(void)
{
    ScsiDebugPrint(0, "here");
}

/* Of a request for all data that nobody made. */
static PSCSIWMI_REQUEST_CONTEXT request(void)
{
    static SCSIWMI_REQUEST_CONTEXT context;

    memset(bytes, 0, sizeof bytes);
    context = (SCSIWMI_REQUEST_CONTEXT){
        .MinorFunction = IRP_MN_ENABLE_EVENTS, .Buffer = bytes, .BufferSize = sizeof bytes};
    return &context;
}

static void call_ScsiPortWmiDispatchFunction(void)
{
    static const GUID guid;
    SCSI_WMILIB_CONTEXT none = {0};

    ScsiPortWmiDispatchFunction(&none, IRP_MN_ENABLE_EVENTS, EXTENSION, request(), (PVOID)&guid,
                                sizeof bytes, bytes);
}

static void call_ScsiPortWmiPostProcess(void)
{
    ScsiPortWmiPostProcess(request(), SRB_STATUS_SUCCESS, 0);
}

static void call_ScsiPortWmiGetInstanceName(void)
{
    CHECK(ScsiPortWmiGetInstanceName(request()) == NULL);
}

static void call_ScsiPortWmiSetInstanceCount(void)
{
    CHECK(!ScsiPortWmiSetInstanceCount(request(), 1, &available, &needed));
}

static void call_ScsiPortWmiSetInstanceName(void)
{
    CHECK(!ScsiPortWmiSetInstanceName(request(), 0, 2, &available, &needed));
}

static void call_ScsiPortWmiSetData(void)
{
    CHECK(!ScsiPortWmiSetData(request(), 0, 2, &available, &needed));
}

static void call_ScsiPortWmiFireAdapterEvent(void)
{
    ScsiPortWmiFireAdapterEvent(EXTENSION, NULL, 0, 0, NULL);
}

static void call_ScsiPortWmiFireLogicalUnitEvent(void)
{
    ScsiPortWmiFireLogicalUnitEvent(EXTENSION, 0, 0, 0, NULL, 0, 0, NULL);
}

/* ---- the wrong places ---- */

#define LEVEL(name, where, place, event, word) {#name, call_##name, place, FT_EV_##event, word},
#define ENTRY(...)
static const struct row {
    const char *name;
    void (*call)(void);
    enum place place;
    enum ft_event_kind event;
    unsigned word;
} rows[] = {
#include "port_levels.def"
};
#undef LEVEL
#undef ENTRY

static const struct row *row;
static enum place place; /* where the call is made in this run */
static bool called;
static unsigned before; /* events of its kind before the call */

static void make_call(void)
{
    if (called)
        return;
    called = true;
    before = wb_count(row->event);
    row->call();
}

static VOID NTAPI of_nobody(PVOID context)
{
    (void)context;
    make_call();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void enter(enum ft_routine routine)
{
    HANDLE thread;

    if (routine == FT_ROUTINE_SCSI_FIND_ADAPTER && place == OUTSIDE)
        CHECK(NT_SUCCESS(PsCreateSystemThread(&thread, 0, NULL, NULL, NULL, of_nobody, NULL)));
    if ((routine == FT_ROUTINE_SCSI_FIND_ADAPTER && place == IN_FIND) ||
        (routine == FT_ROUTINE_SCSI_START_IO && place == IN_START_IO))
        make_call();
}

static const struct {
    uint8_t irql, routine;
} expected[] = {
    [IN_FIND] = {PASSIVE, FT_ROUTINE_SCSI_FIND_ADAPTER},
    [IN_START_IO] = {DEVICE, FT_ROUTINE_SCSI_START_IO},
    [OUTSIDE] = {PASSIVE, 0},
};

static bool is_told(void)
{
    const struct ft_event *event = wb_event(row->event, before + 1);

    return called && wb_count(row->event) > before && event->irql == expected[place].irql &&
           event->layer == FT_LAYER_DRIVER &&
           (row->word == NO_WORD || event->arg[row->word] == expected[place].routine);
}

static unsigned run_row(const struct row *of, enum place where)
{
    row = of;
    place = where;
    called = false;
    scsi_bench_run(&(struct scsi_bench){.in = enter}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    if (is_told())
        return 0;
    fprintf(stderr, "%s: called %d, %u events\n", of->name, called, wb_count(of->event) - before);
    return 1;
}

/* What is called outside of all routines is called in HwScsiStartIo, too, to see the difference. */
static void a_call_out_of_place_says_where_it_was(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (unsigned i = 0; i < COUNT(rows); i++) {
        wrong += run_row(&rows[i], rows[i].place);
        if (rows[i].place == OUTSIDE)
            wrong += run_row(&rows[i], IN_START_IO);
    }
    assert_int_equal(wrong, 0);
}

/* ---- what else such a call does: nothing that lasts ---- */

static void initialize_is_for_DriverEntry(void **state)
{
    (void)state;
    assert_string_equal(rows[0].name, "ScsiPortInitialize");
    assert_int_equal(run_row(&rows[0], IN_FIND), 0);
    assert_true(wb_event(FT_EV_SCSI_INITIALIZE, 1)->arg[6]);
    assert_false(wb_event(FT_EV_SCSI_INITIALIZE, 2)->arg[6]);
}

/* ---- the levels of a miniport's routines ---- */

static const struct {
    uint16_t routine;
    uint8_t lowest, highest;
} entries[] = {
#define LEVEL(...)
#define ENTRY(entry, routine, level, lowest, highest) {FT_ROUTINE_##routine, lowest, highest},
#include "port_levels.def"
#undef LEVEL
#undef ENTRY
};

static bool swallowed;

static VOID NTAPI on_timer(PVOID extension)
{
    CHECK(extension == EXTENSION);
}

static BOOLEAN NTAPI on_disable(PVOID extension)
{
    (void)extension;
    scsi_bench_register_set(WB_REG_ENABLE, 1);
    return TRUE;
}

static BOOLEAN NTAPI on_enable(PVOID extension)
{
    ScsiPortNotification(CallDisableInterrupts, extension, on_disable);
    return TRUE;
}

/* The first INQUIRY is never answered, so that the bus is reset. */
static BOOLEAN swallow_one(PSCSI_REQUEST_BLOCK srb)
{
    ScsiPortNotification(RequestTimerCall, EXTENSION, on_timer, 10);
    if (!swallowed) {
        swallowed = true;
        return TRUE;
    }
    scsi_bench_complete(srb, scsi_bench_answer(srb));
    return TRUE;
}

static void call_enable(enum ft_routine routine)
{
    if (routine == FT_ROUTINE_SCSI_INTERRUPT) {
        scsi_bench_register_set(WB_REG_ENABLE, 0);
        ScsiPortNotification(CallEnableInterrupts, EXTENSION, on_enable);
    }
}

static unsigned met[COUNT(entries)], wrong_level;

/* ScsiStopAdapter and ScsiRestartAdapter under the interrupt lock, the others without. */
static bool is_right_control(unsigned call)
{
    uint64_t type = ScsiAdapterControlMax;

    for (unsigned n = 1; n <= wb_count(FT_EV_SCSI_CONTROLLING); n++)
        if (wb_place(FT_EV_SCSI_CONTROLLING, n) < wb_place(FT_EV_CALL_ENTER, call))
            type = wb_event(FT_EV_SCSI_CONTROLLING, n)->arg[1];
    return (wb_event(FT_EV_CALL_ENTER, call)->irql == DEVICE) ==
           (type == ScsiStopAdapter || type == ScsiRestartAdapter);
}

static void look(void)
{
    for (unsigned n = 1; n <= wb_count(FT_EV_CALL_ENTER); n++) {
        const struct ft_event *call = wb_event(FT_EV_CALL_ENTER, n);

        for (unsigned i = 0; i < COUNT(entries); i++) {
            if (call->arg[0] != entries[i].routine)
                continue;
            met[i]++;
            wrong_level += call->irql != entries[i].lowest && call->irql != entries[i].highest;
            wrong_level += call->arg[0] == FT_ROUTINE_SCSI_CONTROL && !is_right_control(n);
        }
    }
}

static void each_routine_of_a_miniport_has_its_level(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_INT_SPURIOUS}, {.kind = FT_OP_POWER_DOWN}, {.kind = FT_OP_POWER_UP}};
    static const struct ft_op read[] = {{.kind = FT_OP_DISK_READ, .label = 1, .arg = {1, 1}}};

    (void)state;
    memset(met, 0, sizeof met);
    wrong_level = 0;
    swallowed = false;
    scsi_bench_run(&(struct scsi_bench){.start_io = swallow_one, .in = call_enable}, ops, 3);
    look();
    disk_hba_run(&(struct disk_hba){.kind = DISK_HBA_SLAVE}, read, 1);
    look();
    for (unsigned i = 0; i < COUNT(entries); i++)
        if (!met[i])
            fail_msg("routine %u was not called", entries[i].routine);
    assert_int_equal(wrong_level, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_out_of_place_says_where_it_was),
        cmocka_unit_test(initialize_is_for_DriverEntry),
        cmocka_unit_test(each_routine_of_a_miniport_has_its_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
