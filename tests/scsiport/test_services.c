/* Services: error log, memory, time, addresses, prints; and device control requests. */
#include "scsi_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* ---- the error log ---- */

enum { NO_REQUEST, OWNED, NOT_OWNED };

static BOOLEAN log_errors(PSCSI_REQUEST_BLOCK srb)
{
    ScsiPortLogError(the_scsi.extension, NULL, 0, 1, 2, SP_INTERNAL_ADAPTER_ERROR, 77);
    ScsiPortLogError(the_scsi.extension, srb, srb->PathId, srb->TargetId, srb->Lun,
                     SP_PROTOCOL_ERROR, 78);
    scsi_bench_complete(srb, scsi_bench_answer(srb));
    ScsiPortLogError(the_scsi.extension, srb, 0, 0, 0, SP_PROTOCOL_ERROR, 79);
    return TRUE;
}

static void the_log_says_whose_request_it_was(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.start_io = log_errors}, NULL, 0);
    assert_int_equal(wb_event(FT_EV_SCSI_LOG_ERROR, 1)->arg[2], NO_REQUEST);
    assert_int_equal(wb_event(FT_EV_SCSI_LOG_ERROR, 1)->arg[3], 1 << 8 | 2);
    assert_int_equal(wb_event(FT_EV_SCSI_LOG_ERROR, 1)->arg[4], SP_INTERNAL_ADAPTER_ERROR);
    assert_int_equal(wb_event(FT_EV_SCSI_LOG_ERROR, 1)->arg[5], 77);
    assert_int_equal(wb_event(FT_EV_SCSI_LOG_ERROR, 2)->arg[2], OWNED);
    assert_int_equal(wb_event(FT_EV_SCSI_LOG_ERROR, 3)->arg[2], NOT_OWNED);
    assert_int_equal(wb_event(FT_EV_SCSI_LOG_ERROR, 3)->irql, WB_IRQ_LEVEL);
}

/* ---- memory, time, addresses ---- */

static void use_services(enum ft_routine routine)
{
    char text[8] = "abcdefg";
    LARGE_INTEGER before, after;
    SCSI_PHYSICAL_ADDRESS address;

    if (routine != FT_ROUTINE_SCSI_INITIALIZE)
        return;
    ScsiPortMoveMemory(text + 2, text, 4);
    CHECK(memcmp(text, "ababcdg", 8) == 0);
    ScsiPortQuerySystemTime(&before);
    ScsiPortStallExecution(300);
    ScsiPortQuerySystemTime(&after);
    CHECK(after.QuadPart - before.QuadPart >= 3000); /* asking takes time too */
    address = ScsiPortConvertUlongToPhysicalAddress(0x123456789);
    CHECK(address.QuadPart == 0x23456789);
    CHECK(ScsiPortConvertPhysicalAddressToUlong(address) == 0x23456789);
    ScsiDebugPrint(0, "adapter %d", 5);
}

static void services_work_at_device_level(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.in = use_services}, NULL, 0);
    assert_int_equal(wb_event(FT_EV_SCSI_STALL, 1)->arg[0], 300);
    assert_int_equal(wb_event(FT_EV_SCSI_STALL, 1)->arg[1], FT_ROUTINE_SCSI_INITIALIZE);
    assert_int_equal(wb_event(FT_EV_SCSI_MOVE, 1)->arg[0], 4);
    assert_int_equal(wb_count(FT_EV_SCSI_SERVICE), 4);
    assert_int_equal(wb_last(FT_EV_SCSI_SERVICE)->irql, WB_IRQ_LEVEL);
    assert_int_equal(wb_count(FT_EV_DBG_PRINT), 1);
}

static void overrun(enum ft_routine routine)
{
    if (routine == FT_ROUTINE_SCSI_INITIALIZE)
        ScsiPortMoveMemory((PUCHAR)the_scsi.extension + SCSI_BENCH_EXTENSION - 4,
                           the_scsi.extension, 4);
}

static void the_room_behind_an_address_is_in_the_event(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.in = overrun}, NULL, 0);
    assert_true(wb_event(FT_EV_SCSI_MOVE, 1)->arg[1] >= 4);
    assert_int_equal(wb_event(FT_EV_SCSI_MOVE, 1)->arg[2] - wb_event(FT_EV_SCSI_MOVE, 1)->arg[1],
                     SCSI_BENCH_EXTENSION - 4);
}

static void wrong_extension(enum ft_routine routine)
{
    if (routine == FT_ROUTINE_SCSI_INITIALIZE)
        ScsiPortLogError((PUCHAR)the_scsi.extension + 8, NULL, 0, 0, 0, 1, 0);
}

static void a_pointer_that_is_no_device_extension_stops_the_machine(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.in = wrong_extension}, NULL, 0);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xF1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_says_whose_request_it_was),
        cmocka_unit_test(services_work_at_device_level),
        cmocka_unit_test(the_room_behind_an_address_is_in_the_event),
        cmocka_unit_test(a_pointer_that_is_no_device_extension_stops_the_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
