/* The calls that a miniport gets from its loading to its end (scsiport.md, section 11), line by
 * line: start, stop, rebalance, removal, power, and each step failing. */
#include "scsi_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MAX_OPS = 4 };

#define O(KIND)                                                                                    \
    {                                                                                              \
        .kind = FT_OP_##KIND                                                                       \
    }
#define OPS(...) .op = {__VA_ARGS__}

#define START "find init query "
#define GONE  "stop hw-off"
#define DOWN  "stop boot hw-off "
#define UP    "run restart "

enum {
    NO_RESTART = 1 << ScsiRestartAdapter,
    NO_CONFIG = 1 << ScsiSetBootConfig | 1 << ScsiSetRunningConfig,
    NO_STOP = 1 << ScsiStopAdapter
};

static void cache(PPORT_CONFIGURATION_INFORMATION config)
{
    config->CachesData = TRUE;
}

struct row {
    const char *name;
    struct scsi_bench how;
    struct ft_op op[MAX_OPS];
    const char *notes;
};

static const struct row rows[] = {
    {"start and removal", .notes = START GONE},
    {"two units", {.targets = 3}, .notes = START GONE},
    {"the scan, with all that it asks",
     {.flags = SCSI_BENCH_NOTE_SCAN, .targets = 9, .luns = 2},
     .notes = START "cdb:12 cdb:12 cdb:12 cdb:12 cdb:12 cdb:12 "
                    "cdb:12 cdb:12 cdb:12 cdb:12 cdb:12 " GONE},
    {"nothing found",
     {.find_fails = TRUE, .find_result = SP_RETURN_NOT_FOUND},
     .notes = "find hw-off"},
    {"bad configuration", {.find_result = SP_RETURN_BAD_CONFIG}, .notes = "find hw-off"},
    {"an error", {.find_result = SP_RETURN_ERROR}, .notes = "find hw-off"},
    {"HwScsiInitialize fails", {.initialize_fails = TRUE}, .notes = "find init hw-off"},
    {"query-remove and cancel", OPS(O(QUERY_REMOVE)), .notes = START GONE},
    {"stop and start", OPS(O(STOP), O(RESTART)), .notes = START "stop hw-off " START GONE},
    {"stop, and remove", OPS(O(STOP), O(REMOVE)), .notes = START "stop hw-off " START GONE},
    {"stop that is cancelled", OPS(O(CANCEL_STOP)), .notes = START GONE},
    {"remove", OPS(O(REMOVE)), .notes = START GONE},
    {"yank", OPS(O(YANK)), .notes = START "hw-yanked stop"},
    {"surprise removal", OPS(O(SURPRISE_REMOVE)), .notes = START "hw-yanked stop"},
    {"data are flushed before the stop",
     {.targets = 3, .configure = cache},
     .notes = START "io:08 io:08 stop hw-off"},
    {"down and up", OPS(O(POWER_DOWN), O(POWER_UP)), .notes = START DOWN UP GONE},
    {"down and up without configuration controls",
     {.not_supported = NO_CONFIG},
     OPS(O(POWER_DOWN), O(POWER_UP)),
     .notes = START "stop hw-off restart " GONE},
    {"down and up without restart",
     {.not_supported = NO_RESTART},
     OPS(O(POWER_DOWN), O(POWER_UP)),
     .notes = START DOWN "run " START GONE},
    {"restart fails",
     {.restart = ScsiAdapterControlUnsuccessful},
     OPS(O(POWER_DOWN), O(POWER_UP)),
     .notes = START DOWN UP "hw-off"},
    {"asleep when it goes", OPS(O(POWER_DOWN), O(REMOVE)), .notes = START "stop boot hw-off"},
    {"sleep and wake", OPS(O(SLEEP), O(WAKE)), .notes = START DOWN UP GONE},
    {"a flush on the way down",
     {.configure = cache},
     OPS(O(POWER_DOWN), O(POWER_UP)),
     .notes = START "io:08 " DOWN UP "io:08 " GONE},
    {"an adapter that cannot be stopped stays",
     {.flags = SCSI_BENCH_NO_CONTROL},
     OPS(O(STOP), O(RESTART)),
     .notes = "find init hw-yanked"},
    {"nor one that does not handle the stop",
     {.not_supported = NO_STOP},
     OPS(O(STOP), O(RESTART)),
     .notes = START "hw-yanked"},
    {"and it stays in D0",
     {.flags = SCSI_BENCH_NO_CONTROL},
     OPS(O(SLEEP), O(WAKE)),
     .notes = "find init hw-yanked"},
};

static void each_sequence_is_the_sheets(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned count = 0;

        while (count < MAX_OPS && rows[i].op[count].kind != 0)
            count++;
        scsi_bench_run(&rows[i].how, rows[i].op, count);
        if (strcmp(wb_notes(), rows[i].notes) == 0 && wb_result()->stop == FT_STOP_NONE)
            continue;
        print_error("%s (stop %d):\n  is       \"%s\"\n  expected \"%s\"\n", rows[i].name,
                    (int)wb_result()->stop, wb_notes(), rows[i].notes);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* ---- what START's outcome is ---- */

static const struct {
    struct scsi_bench how;
    NTSTATUS status;
} outcomes[] = {
    {{0}, STATUS_SUCCESS},
    {{.find_fails = TRUE}, STATUS_DEVICE_DOES_NOT_EXIST},
    {{.find_result = SP_RETURN_ERROR}, STATUS_ADAPTER_HARDWARE_ERROR},
    {{.find_result = SP_RETURN_BAD_CONFIG}, STATUS_DEVICE_CONFIGURATION_ERROR},
    {{.find_result = 7}, STATUS_DEVICE_DOES_NOT_EXIST},
    {{.initialize_fails = TRUE}, STATUS_ADAPTER_HARDWARE_ERROR},
};

static void a_failure_is_the_status_of_the_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        scsi_bench_run(&outcomes[i].how, NULL, 0);
        assert_int_equal((NTSTATUS)wb_last(FT_EV_RUN_STARTED)->arg[0], outcomes[i].status);
        assert_int_equal(wb_count(FT_EV_MAP_IO), wb_count(FT_EV_UNMAP_IO));
        assert_int_equal(wb_count(FT_EV_ISR_CONNECT), wb_count(FT_EV_ISR_DISCONNECT));
    }
}

/* ---- extensions ---- */

static void the_device_extension_begins_anew_with_each_search(void **state)
{
    const struct ft_op ops[] = {O(STOP), O(RESTART)};

    (void)state;
    scsi_bench_run(&(struct scsi_bench){0}, ops, 2);
    assert_int_equal(the_scsi.calls[FT_ROUTINE_SCSI_FIND_ADAPTER], 2);
    assert_true(the_scsi.fresh);
}

static const UCHAR kept = 0x5A;
static bool was_kept;

static void look_at_extension(enum ft_routine routine)
{
    if (routine == FT_ROUTINE_SCSI_CONTROL)
        was_kept = *(const UCHAR *)the_scsi.extension == kept;
}

static void it_stays_as_it_is_through_a_power_stop(void **state)
{
    const struct ft_op ops[] = {O(POWER_DOWN), O(POWER_UP)};

    (void)state;
    was_kept = false;
    scsi_bench_run(&(struct scsi_bench){.in = look_at_extension}, ops, 2);
    assert_int_equal(the_scsi.calls[FT_ROUTINE_SCSI_FIND_ADAPTER], 1);
    assert_true(was_kept);
}

/* ---- the interrupt ---- */

static void raise_early(enum ft_routine routine)
{
    if (routine == FT_ROUTINE_SCSI_FIND_ADAPTER)
        scsi_bench_register_set(WB_REG_LINE, 1);
}

/* The interrupt gets its turn at the n-th step of the port. */
#define INTERRUPT_AT(step)                                                                         \
    {                                                                                              \
        .kind = FT_OP_PREEMPT, .moment = {.point = FT_PT_SCSI_STEP, .count = (step)}, .arg = {     \
            FT_TASK_ISR                                                                            \
        }                                                                                          \
    }

static void an_interrupt_may_come_before_HwScsiInitialize(void **state)
{
    const struct ft_op op = INTERRUPT_AT(1);

    (void)state;
    scsi_bench_expect(&(struct scsi_bench){.in = raise_early}, &op, 1, "find isr init query " GONE);
}

static void raise_in_running_config(enum ft_routine routine)
{
    if (routine == FT_ROUTINE_SCSI_CONTROL && ft_irql() == PASSIVE_LEVEL &&
        the_scsi.calls[FT_ROUTINE_SCSI_CONTROL] == 4)
        scsi_bench_register_set(WB_REG_LINE, 1);
}

/* One that the miniport must not provoke: nothing is connected yet, so it comes afterwards. */
static void the_interrupt_is_not_connected_in_ScsiSetRunningConfig(void **state)
{
    const struct ft_op ops[] = {O(POWER_DOWN), O(POWER_UP), INTERRUPT_AT(1)};

    (void)state;
    scsi_bench_expect(&(struct scsi_bench){.in = raise_in_running_config}, ops, 3,
                      START DOWN "run restart isr " GONE);
}

static void touch_in_restart(enum ft_routine routine)
{
    if (routine == FT_ROUTINE_SCSI_CONTROL && ft_irql() > DISPATCH_LEVEL &&
        the_scsi.calls[FT_ROUTINE_SCSI_CONTROL] > 3) {
        scsi_bench_register_set(WB_REG_SCRATCH, 1);
        ScsiPortStallExecution(1);
    }
}

/* The device is lost while the miniport restarts it: the removal waits until that is over. */
static void a_removal_waits_for_a_power_up_on_its_way(void **state)
{
    static const struct {
        enum ft_point point;
        uint16_t count;
    } moments[] = {{FT_PT_REG_WRITE, 1}, {FT_PT_SCSI_STEP, 1}, {FT_PT_SCSI_SERVICE, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        const struct ft_op ops[] = {
            O(POWER_DOWN),
            O(POWER_UP),
            {.kind = FT_OP_SURPRISE_REMOVE,
             .moment = {.point = moments[i].point, .count = moments[i].count}}};

        scsi_bench_run(&(struct scsi_bench){.in = touch_in_restart}, ops, 3);
        assert_int_equal(wb_result()->stop, FT_STOP_NONE);
        assert_int_equal(wb_count(FT_EV_ISR_CONNECT), wb_count(FT_EV_ISR_DISCONNECT));
        assert_true(wb_place(FT_EV_SCSI_STARTED, 2) < wb_place(FT_EV_SCSI_STOPPED, 2));
    }
}

static void three_units(PPORT_CONFIGURATION_INFORMATION config)
{
    config->MaximumNumberOfLogicalUnits = 3;
}

static void the_scan_stops_where_the_adapter_does(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.luns = 8, .configure = three_units}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_SCSI_UNIT), 3);
}

/* ---- units ---- */

static void each_unit_that_answers_is_found(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.targets = 5, .luns = 2}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_SCSI_UNIT), 4);
    assert_int_equal(wb_event(FT_EV_SCSI_UNIT, 1)->arg[2], 0);
    assert_int_equal(wb_event(FT_EV_SCSI_UNIT, 2)->arg[2], 1);
    assert_int_equal(wb_event(FT_EV_SCSI_UNIT, 3)->arg[2], 2 << 8);
    assert_int_equal(wb_event(FT_EV_SCSI_UNIT, 4)->arg[2], 2 << 8 | 1);
    assert_int_equal(wb_count(FT_EV_SCSI_UNIT_GONE), 4);
}

static void never_a_unit(PPORT_CONFIGURATION_INFORMATION config)
{
    config->AdapterScansDown = TRUE;
}

static void the_scan_goes_down_where_the_adapter_does(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.targets = 3, .configure = never_a_unit}, NULL, 0);
    assert_int_equal(wb_event(FT_EV_SCSI_UNIT, 1)->arg[2], 1 << 8);
    assert_int_equal(wb_event(FT_EV_SCSI_UNIT, 2)->arg[2], 0);
}

static unsigned tries;

static BOOLEAN fail_twice(PSCSI_REQUEST_BLOCK srb)
{
    UCHAR status = scsi_bench_answer(srb);

    if (status == SRB_STATUS_SUCCESS && srb->Lun == 0 && tries++ < 2)
        status = SRB_STATUS_PARITY_ERROR;
    scsi_bench_complete(srb, status);
    return TRUE;
}

static void an_inquiry_is_tried_three_times(void **state)
{
    (void)state;
    tries = 0;
    scsi_bench_run(&(struct scsi_bench){.start_io = fail_twice}, NULL, 0);
    assert_int_equal(tries, 3);
    assert_int_equal(wb_count(FT_EV_SCSI_UNIT), 1);
}

static BOOLEAN qualifier_3(PSCSI_REQUEST_BLOCK srb)
{
    UCHAR status = scsi_bench_answer(srb);

    if (status == SRB_STATUS_SUCCESS)
        ((PINQUIRYDATA)srb->DataBuffer)->DeviceTypeQualifier = DEVICE_QUALIFIER_NOT_SUPPORTED;
    scsi_bench_complete(srb, status);
    return TRUE;
}

static void a_place_without_a_device_is_no_unit(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.start_io = qualifier_3}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_SCSI_UNIT), 0);
}

static void change_bus(enum ft_routine routine)
{
    if (routine != FT_ROUTINE_SCSI_INTERRUPT)
        return;
    the_scsi.targets ^= 5;
    ScsiPortNotification(BusChangeDetected, the_scsi.extension, 0);
}

/* The unit that was there goes, another one comes. */
static void a_change_of_the_bus_is_looked_at(void **state)
{
    const struct ft_op op = {.kind = FT_OP_INT_SPURIOUS};

    (void)state;
    scsi_bench_run(&(struct scsi_bench){.targets = 3, .in = change_bus}, &op, 1);
    assert_int_equal(wb_count(FT_EV_SCSI_UNIT), 3);
    assert_int_equal(wb_event(FT_EV_SCSI_UNIT, 3)->arg[2], 2 << 8);
    assert_true(wb_place(FT_EV_SCSI_UNIT_GONE, 1) < wb_place(FT_EV_SCSI_UNIT, 3));
    assert_int_equal(wb_event(FT_EV_SCSI_UNIT_GONE, 1)->arg[1],
                     wb_event(FT_EV_SCSI_UNIT, 1)->arg[1]);
}

/* Power goes in the middle of the scan that the change has asked for. */
static void a_scan_that_power_ended_begins_again(void **state)
{
    const struct ft_op ops[] = {
        {.kind = FT_OP_INT_SPURIOUS},
        {.kind = FT_OP_POWER_DOWN, .moment = {.point = FT_PT_SCSI_NOTIFY, .count = 3}},
        O(POWER_UP)};

    (void)state;
    scsi_bench_run(&(struct scsi_bench){.targets = 3, .in = change_bus}, ops, 3);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_SCSI_UNIT), wb_count(FT_EV_SCSI_UNIT_GONE));
    assert_int_equal(wb_event(FT_EV_SCSI_UNIT, 3)->arg[2], 2 << 8);
}

static void the_inquiry_is_the_sheets(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){0}, NULL, 0);
    assert_int_equal(the_scsi.last.Cdb[0], SCSIOP_INQUIRY);
    assert_int_equal(the_scsi.last.CdbLength, 6);
    assert_int_equal(the_scsi.last.TimeOutValue, 4);
    assert_true(the_scsi.last.SrbFlags & SRB_FLAGS_DISABLE_SYNCH_TRANSFER);
    assert_int_equal(the_scsi.last.SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION, SRB_FLAGS_DATA_IN);
    assert_int_equal(the_scsi.last.TargetId, 6); /* 7 is the adapter's own */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sequence_is_the_sheets),
        cmocka_unit_test(a_failure_is_the_status_of_the_start),
        cmocka_unit_test(the_device_extension_begins_anew_with_each_search),
        cmocka_unit_test(it_stays_as_it_is_through_a_power_stop),
        cmocka_unit_test(an_interrupt_may_come_before_HwScsiInitialize),
        cmocka_unit_test(the_interrupt_is_not_connected_in_ScsiSetRunningConfig),
        cmocka_unit_test(a_removal_waits_for_a_power_up_on_its_way),
        cmocka_unit_test(the_scan_stops_where_the_adapter_does),
        cmocka_unit_test(each_unit_that_answers_is_found),
        cmocka_unit_test(the_scan_goes_down_where_the_adapter_does),
        cmocka_unit_test(an_inquiry_is_tried_three_times),
        cmocka_unit_test(a_place_without_a_device_is_no_unit),
        cmocka_unit_test(a_change_of_the_bus_is_looked_at),
        cmocka_unit_test(a_scan_that_power_ended_begins_again),
        cmocka_unit_test(the_inquiry_is_the_sheets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
