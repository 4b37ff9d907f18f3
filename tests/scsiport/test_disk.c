/* The disk class driver: SRBs, pieces, retries, sense data, the thaw of a frozen queue, what it
 * asks besides reads and writes, and the comparison of data. */
#include "disk_hba.h"

#include "scsiport/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct ft_op a_read[] = {{.kind = FT_OP_DISK_READ, .label = 1, .arg = {8, 3}}};
static const struct ft_op a_write[] = {{.kind = FT_OP_DISK_WRITE, .label = 1, .arg = {8, 3}}};

/* The end of the read or write whose SRB was judged last. */
static const struct ft_event *last_done(void)
{
    const struct ft_event *found = wb_event(FT_EV_IRP_DONE, 1);

    for (unsigned n = 1; n <= wb_count(FT_EV_IRP_DONE); n++)
        if (wb_event(FT_EV_IRP_DONE, n)->arg[0] == wb_last(FT_EV_DISK_JUDGED)->arg[1])
            found = wb_event(FT_EV_IRP_DONE, n);
    return found;
}

static void run_pio(struct disk_hba how, const struct ft_op *op, unsigned count)
{
    how.kind = DISK_HBA_PIO;
    disk_hba_run(&how, op, count);
}

/* ---- sense data and statuses ---- */

static const struct {
    UCHAR srb_status, scsi_status, key, code;
    NTSTATUS status;
    bool retry, delay;
} judgements[] = {
    {SRB_STATUS_SUCCESS, 0, 0, 0, STATUS_SUCCESS, false, false},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_RECOVERED_ERROR, 0, STATUS_SUCCESS, false, false},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_NOT_READY, 4, STATUS_DEVICE_NOT_READY, true, true},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_NOT_READY, 0x3A, STATUS_NO_MEDIA_IN_DEVICE, false, false},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_MEDIUM_ERROR, 0, STATUS_DEVICE_DATA_ERROR, false, false},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_HARDWARE_ERROR, 0, STATUS_IO_DEVICE_ERROR, true, false},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_ILLEGAL_REQUEST, 0x20, STATUS_INVALID_DEVICE_REQUEST, false,
     false},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_ILLEGAL_REQUEST, 0x21, STATUS_NONEXISTENT_SECTOR, false,
     false},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_ILLEGAL_REQUEST, 0x25, STATUS_NO_SUCH_DEVICE, false, false},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_UNIT_ATTENTION, 0x29, STATUS_IO_DEVICE_ERROR, true, false},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_DATA_PROTECT, 0, STATUS_MEDIA_WRITE_PROTECTED, false, false},
    {SRB_STATUS_ERROR, 2, SCSI_SENSE_ABORTED_COMMAND, 0, STATUS_IO_DEVICE_ERROR, true, true},
    {SRB_STATUS_ERROR, 8, 0xFF, 0, STATUS_DEVICE_NOT_READY, true, true},
    {SRB_STATUS_ERROR, 0x18, 0xFF, 0, STATUS_DEVICE_BUSY, false, false},
    {SRB_STATUS_ERROR, 2, 0xFF, 0, STATUS_IO_DEVICE_ERROR, true, false},
    {SRB_STATUS_BUSY, 0, 0xFF, 0, STATUS_DEVICE_NOT_READY, true, true},
    {SRB_STATUS_BUS_RESET, 0, 0xFF, 0, STATUS_IO_DEVICE_ERROR, true, false},
    {SRB_STATUS_TIMEOUT, 0, 0xFF, 0, STATUS_IO_TIMEOUT, true, false},
    {SRB_STATUS_COMMAND_TIMEOUT, 0, 0xFF, 0, STATUS_IO_TIMEOUT, true, false},
    {SRB_STATUS_ABORTED, 0, 0xFF, 0, STATUS_IO_TIMEOUT, true, true},
    {SRB_STATUS_SELECTION_TIMEOUT, 0, 0xFF, 0, STATUS_DEVICE_NOT_CONNECTED, false, false},
    {SRB_STATUS_NO_DEVICE, 0, 0xFF, 0, STATUS_NO_SUCH_DEVICE, false, false},
    {SRB_STATUS_NO_HBA, 0, 0xFF, 0, STATUS_NO_SUCH_DEVICE, false, false},
    {SRB_STATUS_DATA_OVERRUN, 0, 0xFF, 0, STATUS_DATA_OVERRUN, false, false},
    {SRB_STATUS_INVALID_REQUEST, 0, 0xFF, 0, STATUS_INVALID_DEVICE_REQUEST, false, false},
    {SRB_STATUS_PARITY_ERROR, 0, 0xFF, 0, STATUS_IO_DEVICE_ERROR, true, false},
};

/* A key of 0xFF: no sense data is valid. */
static void every_status_has_its_meaning(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(judgements); i++) {
        SENSE_DATA sense = {.SenseKey = judgements[i].key & 0xF,
                            .AdditionalSenseCode = judgements[i].code};
        SCSI_REQUEST_BLOCK srb = {.SrbStatus = judgements[i].srb_status,
                                  .ScsiStatus = judgements[i].scsi_status,
                                  .SenseInfoBuffer = &sense,
                                  .SenseInfoBufferLength = sizeof sense};
        struct ft_disk_verdict verdict;

        if (judgements[i].key != 0xFF)
            srb.SrbStatus |= SRB_STATUS_AUTOSENSE_VALID;
        verdict = ft_disk_judge(&srb);
        if (verdict.status != judgements[i].status || verdict.retry != judgements[i].retry ||
            verdict.delay != judgements[i].delay)
            fail_msg("row %u", i);
    }
}

/* ---- what a disk must hold ---- */

typedef unsigned char block[SIM_MEDIA_BLOCK_BYTES];

static bool may_hold(uint32_t since, uint32_t version)
{
    block bytes;

    ft_media_pattern(1, 7, version, bytes);
    return ft_disk_may_hold(1, 7, since, bytes);
}

static void a_block_is_old_or_new_while_it_is_written(void)
{
    uint32_t before = ft_disk_now(), first, second, between;

    CHECK(may_hold(before, 0));
    first = ft_disk_write_begins(1, 5, 4);
    CHECK(may_hold(ft_disk_now(), 0) && may_hold(ft_disk_now(), first));
    ft_disk_write_ends(first, 4);
    between = ft_disk_now();
    CHECK(!may_hold(between, 0) && may_hold(between, first));
    CHECK(may_hold(before, 0)); /* a read that began before may still have got the old one */
    second = ft_disk_write_begins(1, 7, 1);
    ft_disk_write_ends(second, 0); /* it failed */
    CHECK(may_hold(ft_disk_now(), first) && may_hold(ft_disk_now(), second));
    CHECK(!may_hold(ft_disk_now(), 0) && !may_hold(ft_disk_now(), second + 1));
}

/* Of a write that was cut short, what comes behind is not certain; other units are not meant. */
static void only_what_was_moved_is_certain(void)
{
    uint32_t version = ft_disk_write_begins(1, 6, 2);
    block bytes;

    ft_disk_write_ends(version, 1);
    CHECK(may_hold(ft_disk_now(), 0) && may_hold(ft_disk_now(), version));
    ft_media_pattern(1, 6, 0, bytes);
    CHECK(!ft_disk_may_hold(1, 6, ft_disk_now(), bytes));
    ft_media_pattern(2, 6, 0, bytes);
    CHECK(ft_disk_may_hold(2, 6, ft_disk_now(), bytes));
}

static void two_writes_at_a_time_leave_either(void)
{
    uint32_t first = ft_disk_write_begins(1, 7, 1), second = ft_disk_write_begins(1, 7, 1);

    ft_disk_write_ends(second, 1);
    ft_disk_write_ends(first, 1);
    CHECK(may_hold(ft_disk_now(), first) && may_hold(ft_disk_now(), second));
    CHECK(!may_hold(ft_disk_now(), 0));
}

static void the_ledger_knows_what_a_disk_must_hold(void **state)
{
    (void)state;
    wb_body(a_block_is_old_or_new_while_it_is_written, FT_STOP_NONE);
    wb_body(only_what_was_moved_is_certain, FT_STOP_NONE);
    wb_body(two_writes_at_a_time_leave_either, FT_STOP_NONE);
}

static void compare_is(bool write, unsigned blocks, unsigned equal)
{
    const struct ft_event *event = wb_event(FT_EV_DISK_COMPARE, 1);

    assert_int_equal(wb_count(FT_EV_DISK_COMPARE), 1);
    assert_int_equal(event->arg[3], blocks);
    assert_int_equal(event->arg[4], equal);
    assert_int_equal(event->arg[5], equal == blocks ? blocks : 0);
    assert_int_equal(event->arg[6], write);
}

static void wrong_data_is_found_through_the_processor_too(void **state)
{
    (void)state;
    run_pio((struct disk_hba){0}, a_read, 1);
    compare_is(false, 8, 8);
    run_pio((struct disk_hba){.skew = 1}, a_read, 1);
    compare_is(false, 8, 0);
    run_pio((struct disk_hba){0}, a_write, 1);
    compare_is(true, 8, 8);
    run_pio((struct disk_hba){.skew = 40}, a_write, 1);
    compare_is(true, 8, 0);
    /* An adapter with a cache may keep it for later. */
    run_pio((struct disk_hba){.skew = 40, .cached = 1}, a_write, 1);
    assert_int_equal(wb_count(FT_EV_DISK_COMPARE), 0);
}

/* ---- SRBs ---- */

static SCSI_REQUEST_BLOCK seen[16];
static unsigned seen_count;

static void see(PSCSI_REQUEST_BLOCK srb)
{
    if (seen_count < COUNT(seen))
        seen[seen_count++] = *srb;
}

static void a_command_is_what_drivers_build(void **state)
{
    (void)state;
    seen_count = 0;
    run_pio((struct disk_hba){.command = see, .tagged = 1}, a_write, 1);
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen[0].CdbLength, 10);
    assert_int_equal(seen[0].Cdb[0], SCSIOP_WRITE);
    assert_int_equal(disk_hba_block(&seen[0]), 3);
    assert_int_equal(seen[0].Cdb[8], 8);
    assert_int_equal(seen[0].DataTransferLength, 8 * 512);
    assert_true(seen[0].SrbFlags & SRB_FLAGS_DATA_OUT);
    assert_false(seen[0].SrbFlags & SRB_FLAGS_DATA_IN);
    assert_true(seen[0].SrbFlags & SRB_FLAGS_QUEUE_ACTION_ENABLE);
    assert_int_equal(seen[0].QueueAction, SRB_SIMPLE_TAG_REQUEST);
    assert_int_not_equal(seen[0].QueueTag, SP_UNTAGGED);
    assert_int_equal(seen[0].TimeOutValue, 10);
    assert_int_equal(seen[0].SenseInfoBufferLength, SENSE_BUFFER_SIZE);
    assert_non_null(seen[0].SenseInfoBuffer);
}

/* Op disk-next. */
static const struct {
    uint16_t how;
    ULONG flags;  /* set */
    ULONG clear;  /* not set */
    UCHAR action; /* 0: untagged */
} hows[] = {
    {FT_DISK_UNTAGGED, 0, SRB_FLAGS_QUEUE_ACTION_ENABLE, 0},
    {FT_DISK_HEAD, SRB_FLAGS_QUEUE_ACTION_ENABLE, 0, SRB_HEAD_OF_QUEUE_TAG_REQUEST},
    {FT_DISK_ORDERED, SRB_FLAGS_QUEUE_ACTION_ENABLE, 0, SRB_ORDERED_QUEUE_TAG_REQUEST},
    {FT_DISK_NO_DISCONNECT, SRB_FLAGS_DISABLE_DISCONNECT, 0, 0},
    {FT_DISK_NO_AUTOSENSE, SRB_FLAGS_DISABLE_AUTOSENSE, 0, SRB_SIMPLE_TAG_REQUEST},
    {FT_DISK_NO_FREEZE, SRB_FLAGS_NO_QUEUE_FREEZE, 0, SRB_SIMPLE_TAG_REQUEST},
    {FT_DISK_BOTH_WAYS, SRB_FLAGS_UNSPECIFIED_DIRECTION, 0, SRB_SIMPLE_TAG_REQUEST},
};

static void the_next_request_is_sent_as_the_op_says(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT(hows); i++) {
        struct ft_op op[] = {{.kind = FT_OP_DISK_NEXT, .arg = {hows[i].how}},
                             {.kind = FT_OP_DISK_READ, .label = 1, .arg = {1, 3}},
                             {.kind = FT_OP_DISK_READ, .label = 2, .arg = {1, 3}}};

        seen_count = 0;
        run_pio((struct disk_hba){.command = see, .tagged = 1}, op, COUNT(op));
        assert_int_equal(seen_count, 2);
        assert_int_equal(seen[0].SrbFlags & hows[i].flags, hows[i].flags);
        assert_int_equal(seen[0].SrbFlags & hows[i].clear, 0);
        assert_int_equal(seen[0].QueueTag == SP_UNTAGGED, hows[i].action == 0);
        if (hows[i].action)
            assert_int_equal(seen[0].QueueAction, hows[i].action);
        /* Only that one. */
        assert_int_equal(seen[1].SrbFlags & ~(ULONG)SRB_FLAGS_IS_ACTIVE,
                         SRB_FLAGS_DATA_IN | SRB_FLAGS_ADAPTER_CACHE_ENABLE |
                             SRB_FLAGS_QUEUE_ACTION_ENABLE);
    }
}

static void a_long_transfer_goes_in_pieces(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_DISK_READ, .label = 1, .arg = {20, 3}}};

    (void)state;
    seen_count = 0;
    run_pio((struct disk_hba){.command = see, .transfer = 4096}, op, 1);
    assert_int_equal(seen_count, 3);
    for (unsigned i = 0; i < seen_count; i++)
        assert_int_equal(disk_hba_block(&seen[i]), 3 + 8 * i);
    assert_int_equal(seen[2].DataTransferLength, 4 * 512);
    compare_is(false, 20, 20);
    assert_int_equal(last_done()->arg[2], 20 * 512);
}

/* ---- failures ---- */

static UCHAR fail_with;
static unsigned fail_times;

static void fail_first(PSCSI_REQUEST_BLOCK srb)
{
    UCHAR *data = srb->DataBuffer;

    if (hba.tries <= fail_times) {
        disk_hba_end(fail_with);
        return;
    }
    for (ULONG at = 0; at < srb->DataTransferLength; at += SIM_MEDIA_BLOCK_BYTES)
        sim_media_read(NULL, 0, disk_hba_block(srb) + at / SIM_MEDIA_BLOCK_BYTES, data + at);
    disk_hba_end(SRB_STATUS_SUCCESS);
}

static unsigned srbs_of(UCHAR function)
{
    unsigned count = 0;

    for (unsigned n = 1; n <= wb_count(FT_EV_DISK_SRB); n++)
        count += wb_event(FT_EV_DISK_SRB, n)->arg[2] == function;
    return count;
}

/* A bus reset freezes the queue: each time it is thawed, and the read tried again. */
static void what_may_go_better_is_tried_again(void **state)
{
    (void)state;
    fail_with = SRB_STATUS_BUS_RESET;
    fail_times = 2;
    run_pio((struct disk_hba){.start = fail_first}, a_read, 1);
    assert_int_equal(hba.tries, 3);
    assert_int_equal(srbs_of(SRB_FUNCTION_RELEASE_QUEUE), 2);
    assert_int_equal(wb_event(FT_EV_DISK_JUDGED, 1)->arg[5], 1);
    assert_int_equal(wb_event(FT_EV_DISK_SRB, 3)->arg[5], 1); /* behind the first release */
    compare_is(false, 8, 8);
}

static void four_times_at_most(void **state)
{
    (void)state;
    fail_with = SRB_STATUS_PARITY_ERROR;
    fail_times = 99;
    run_pio((struct disk_hba){.start = fail_first}, a_read, 1);
    assert_int_equal(hba.tries, 5);
    assert_int_equal(last_done()->arg[1], (uint32_t)STATUS_IO_DEVICE_ERROR);
    assert_int_equal(last_done()->arg[2], 0);
    assert_int_equal(wb_count(FT_EV_DISK_COMPARE), 0);
}

static void what_will_not_go_better_ends(void **state)
{
    (void)state;
    fail_with = SRB_STATUS_SELECTION_TIMEOUT;
    fail_times = 99;
    run_pio((struct disk_hba){.start = fail_first}, a_read, 1);
    assert_int_equal(hba.tries, 1);
    assert_int_equal(last_done()->arg[1], (uint32_t)STATUS_DEVICE_NOT_CONNECTED);
}

static void an_aborted_command_is_tried_a_second_later(void **state)
{
    (void)state;
    fail_with = SRB_STATUS_ABORTED;
    fail_times = 1;
    run_pio((struct disk_hba){.start = fail_first}, a_read, 1);
    assert_int_equal(hba.tries, 2);
    assert_int_equal(wb_event(FT_EV_DISK_JUDGED, 1)->arg[5], 2);
    compare_is(false, 8, 8);
}

static void end_short(PSCSI_REQUEST_BLOCK srb)
{
    sim_media_read(NULL, 0, disk_hba_block(srb), srb->DataBuffer);
    srb->DataTransferLength = SIM_MEDIA_BLOCK_BYTES;
    disk_hba_end(SRB_STATUS_SUCCESS);
}

static void a_short_read_claims_what_it_got(void **state)
{
    (void)state;
    run_pio((struct disk_hba){.start = end_short}, a_read, 1);
    assert_int_equal(last_done()->arg[2], SIM_MEDIA_BLOCK_BYTES);
    compare_is(false, 1, 1);
}

/* ---- other requests ---- */

/* What comes to the miniport: "io:" and the function, "cdb:" and the operation, or nothing that is
 * noted: the port's own functions, an end of a request that is not there, what nobody knows. */
static const char *const controls[16] = {
    "io:08", "io:07",  NULL,     NULL,     NULL,     "io:12", "io:02", "cdb:00",
    NULL,    "cdb:25", "cdb:1a", "cdb:35", "cdb:28", NULL,    "io:11", NULL,
};

static void every_control_is_an_srb(void **state)
{
    (void)state;
    for (uint16_t what = 0; what < COUNT(controls); what++) {
        struct ft_op op[] = {{.kind = FT_OP_DISK_CONTROL, .label = 1, .arg = {what, 0}},
                             {.kind = FT_OP_DISK_READ, .label = 2, .arg = {1, 3}}};

        run_pio((struct disk_hba){.tagged = 1, .cached = 1}, op, COUNT(op));
        assert_int_equal(wb_result()->ops_fired, 2);
        assert_true(wb_count(FT_EV_DISK_SRB) >= 2);
        if (controls[what] && !strstr(wb_notes(), controls[what]))
            fail_msg("%u: %s", what, wb_notes());
        assert_int_equal(last_done()->arg[1], STATUS_SUCCESS);
        assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    }
}

static void a_locked_queue_holds_requests_for_a_second(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_DISK_CONTROL, .label = 1, .arg = {2, 0}},
                                      {.kind = FT_OP_DISK_READ, .label = 2, .arg = {1, 3}}};

    (void)state;
    run_pio((struct disk_hba){0}, op, COUNT(op));
    assert_int_equal(srbs_of(SRB_FUNCTION_LOCK_QUEUE), 1);
    assert_int_equal(srbs_of(SRB_FUNCTION_UNLOCK_QUEUE), 1);
    compare_is(false, 1, 1);
}

static void there_is_no_disk_behind_the_last(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_DISK_CONTROL, .arg = {7, 1}},
                                      {.kind = FT_OP_DISK_READ, .arg = {1, 256}},
                                      {.kind = FT_OP_ABORT, .arg = {9}}};

    (void)state;
    run_pio((struct disk_hba){0}, op, COUNT(op));
    assert_int_equal(wb_result()->ops_skipped, 3);
}

/* ---- abort ---- */

static PSCSI_REQUEST_BLOCK held;

static void hold(PSCSI_REQUEST_BLOCK srb)
{
    if (hba.tries == 1) {
        held = srb;
        ScsiPortNotification(NextRequest, the_scsi.extension);
    } else {
        disk_hba_end(SRB_STATUS_SELECTION_TIMEOUT);
    }
}

static BOOLEAN abort_held(PSCSI_REQUEST_BLOCK srb)
{
    if (srb->Function != SRB_FUNCTION_ABORT_COMMAND)
        return FALSE;
    CHECK(srb->NextSrb == held);
    held->SrbStatus = SRB_STATUS_ABORTED;
    ScsiPortNotification(RequestComplete, the_scsi.extension, held);
    held = NULL;
    scsi_bench_complete(srb, SRB_STATUS_SUCCESS);
    return TRUE;
}

static void an_abort_names_its_victim(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_DISK_READ, .label = 1, .arg = {8, 3}},
                                      {.kind = FT_OP_ABORT, .label = 2, .arg = {1}}};

    (void)state;
    run_pio((struct disk_hba){.start = hold, .other = abort_held}, op, COUNT(op));
    assert_int_equal(srbs_of(SRB_FUNCTION_ABORT_COMMAND), 1);
    assert_int_equal(wb_event(FT_EV_DISK_JUDGED, 1)->arg[2] & 0x3F, SRB_STATUS_ABORTED);
    assert_int_equal(hba.tries, 2); /* it was tried again, a second later */
    assert_null(held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_meaning),
        cmocka_unit_test(the_ledger_knows_what_a_disk_must_hold),
        cmocka_unit_test(wrong_data_is_found_through_the_processor_too),
        cmocka_unit_test(a_command_is_what_drivers_build),
        cmocka_unit_test(the_next_request_is_sent_as_the_op_says),
        cmocka_unit_test(a_long_transfer_goes_in_pieces),
        cmocka_unit_test(what_may_go_better_is_tried_again),
        cmocka_unit_test(four_times_at_most),
        cmocka_unit_test(what_will_not_go_better_ends),
        cmocka_unit_test(an_aborted_command_is_tried_a_second_later),
        cmocka_unit_test(a_short_read_claims_what_it_got),
        cmocka_unit_test(every_control_is_an_srb),
        cmocka_unit_test(a_locked_queue_holds_requests_for_a_second),
        cmocka_unit_test(there_is_no_disk_behind_the_last),
        cmocka_unit_test(an_abort_names_its_victim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
