/* The request engine of SCSI Port: from IRP_MJ_SCSI to HwScsiStartIo and back. */
#include "engine_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* A StartIo that keeps what it gets, and an interrupt that completes the oldest of it. */
static PSCSI_REQUEST_BLOCK kept[EB_SRBS];
static unsigned kept_count;
static UCHAR answer;

static BOOLEAN keep(PSCSI_REQUEST_BLOCK srb)
{
    kept[kept_count++] = srb;
    return TRUE;
}

static BOOLEAN keep_and_ask(PSCSI_REQUEST_BLOCK srb)
{
    eb_next();
    return keep(srb);
}

static PSCSI_REQUEST_BLOCK take_kept(void)
{
    PSCSI_REQUEST_BLOCK first = kept[0];

    CHECK(kept_count > 0);
    kept_count--;
    memmove(kept, kept + 1, kept_count * sizeof *kept);
    return first;
}

static void complete_oldest(void)
{
    eb_complete(take_kept(), answer);
    eb_next();
}

static void forget(const struct engine_bench *how, const char *notes)
{
    kept_count = 0;
    answer = SRB_STATUS_SUCCESS;
    eb_run(how, notes);
}

/* ---- one request ---- */

static void send_one(void)
{
    unsigned one = eb_execute(0, SRB_FLAGS_NO_DATA_TRANSFER);

    eb_settle();
    CHECK(eb_is_done(one) && eb.status[one] == STATUS_SUCCESS);
    CHECK(!(eb.srb[one]->SrbFlags & SRB_FLAGS_IS_ACTIVE));
    CHECK(eb.adapter->active_count == -1 && !eb.adapter->busy && eb.extensions_used == 0);
}

static void a_request_completes_in_start_io(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_one}, "start:1 last:1 done:1:01");
    assert_int_equal(wb_last(FT_EV_SCSI_START_IO)->arg[3], SP_UNTAGGED);
    assert_int_equal(wb_last(FT_EV_SCSI_COMPLETE)->arg[2], true);
    assert_int_equal(wb_last(FT_EV_SCSI_COMPLETE)->arg[4], 0);
    assert_int_equal(wb_last(FT_EV_SCSI_COMPLETE)->layer, FT_LAYER_DRIVER);
    assert_int_equal(wb_last(FT_EV_SCSI_COMPLETE)->irql, WB_IRQ_LEVEL);
}

static void send_and_interrupt(void)
{
    unsigned one = eb_execute(0, 0);

    eb_settle();
    CHECK(!eb_is_done(one) && eb.srb[one]->SrbFlags & SRB_FLAGS_IS_ACTIVE);
    CHECK(eb.srb[one]->SrbStatus == SRB_STATUS_PENDING);
    eb_line();
    eb_settle();
    CHECK(eb_is_done(one));
}

static void a_request_completes_in_the_interrupt(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_and_interrupt,
                                  .start = keep,
                                  .interrupt = complete_oldest},
           "start:1 isr last:1 done:1:01");
}

/* ---- what the IRP says ---- */

static const struct {
    UCHAR srb_status;
    NTSTATUS status;
} statuses[] = {
    {SRB_STATUS_SUCCESS, STATUS_SUCCESS},
    {SRB_STATUS_ERROR, STATUS_IO_DEVICE_ERROR},
    {SRB_STATUS_INVALID_REQUEST, STATUS_IO_DEVICE_ERROR},
    {SRB_STATUS_NO_DEVICE, STATUS_DEVICE_DOES_NOT_EXIST},
    {SRB_STATUS_TIMEOUT, STATUS_IO_TIMEOUT},
    {SRB_STATUS_COMMAND_TIMEOUT, STATUS_IO_TIMEOUT},
    {SRB_STATUS_SELECTION_TIMEOUT, STATUS_DEVICE_NOT_CONNECTED},
    {SRB_STATUS_BUS_RESET, STATUS_IO_DEVICE_ERROR},
    {SRB_STATUS_NO_HBA, STATUS_DEVICE_DOES_NOT_EXIST},
    {SRB_STATUS_DATA_OVERRUN, STATUS_BUFFER_OVERFLOW},
    {SRB_STATUS_BAD_SRB_BLOCK_LENGTH, STATUS_INVALID_DEVICE_REQUEST},
    {SRB_STATUS_INVALID_LUN, STATUS_DEVICE_DOES_NOT_EXIST},
    {SRB_STATUS_INVALID_TARGET_ID, STATUS_DEVICE_DOES_NOT_EXIST},
    {SRB_STATUS_BAD_FUNCTION, STATUS_INVALID_DEVICE_REQUEST},
    {SRB_STATUS_PARITY_ERROR, STATUS_IO_DEVICE_ERROR},
};
enum { STATUSES = sizeof statuses / sizeof *statuses };

static BOOLEAN answer_next(PSCSI_REQUEST_BLOCK srb)
{
    srb->DataTransferLength = 100 + eb_number(srb);
    eb_complete(srb, statuses[eb_number(srb) - 1].srb_status);
    eb_next();
    return TRUE;
}

static void send_each(void)
{
    for (unsigned i = 0; i < STATUSES; i++) {
        unsigned number = eb_execute(0, SRB_FLAGS_NO_QUEUE_FREEZE);

        eb_settle();
        CHECK(eb_is_done(number) && eb.status[number] == statuses[i].status);
        CHECK(eb.information[number] == 100 + number);
        CHECK(eb.srb[number]->SrbStatus == statuses[i].srb_status);
    }
}

static void srb_statuses_become_statuses(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_each, .start = answer_next}, NULL);
}

/* ---- functions of the port's own ---- */

static const struct {
    UCHAR function;
    UCHAR srb_status;
    NTSTATUS status;
} own[] = {
    {SRB_FUNCTION_CLAIM_DEVICE, SRB_STATUS_SUCCESS, STATUS_SUCCESS},
    {SRB_FUNCTION_CLAIM_DEVICE, SRB_STATUS_BUSY, STATUS_DEVICE_BUSY},
    {SRB_FUNCTION_RELEASE_DEVICE, SRB_STATUS_SUCCESS, STATUS_SUCCESS},
    {SRB_FUNCTION_ATTACH_DEVICE, SRB_STATUS_SUCCESS, STATUS_SUCCESS},
    {SRB_FUNCTION_LOCK_QUEUE, SRB_STATUS_SUCCESS, STATUS_SUCCESS},
    {SRB_FUNCTION_UNLOCK_QUEUE, SRB_STATUS_SUCCESS, STATUS_SUCCESS},
    {SRB_FUNCTION_RELEASE_QUEUE, SRB_STATUS_SUCCESS, STATUS_SUCCESS},
    {SRB_FUNCTION_FLUSH_QUEUE, SRB_STATUS_SUCCESS, STATUS_SUCCESS},
    {SRB_FUNCTION_FLUSH, SRB_STATUS_SUCCESS, STATUS_SUCCESS},
    {SRB_FUNCTION_SHUTDOWN, SRB_STATUS_SUCCESS, STATUS_SUCCESS},
    {SRB_FUNCTION_RECEIVE_EVENT, SRB_STATUS_INVALID_REQUEST, STATUS_IO_DEVICE_ERROR},
    {SRB_FUNCTION_WMI, SRB_STATUS_INVALID_REQUEST, STATUS_IO_DEVICE_ERROR},
    {SRB_FUNCTION_RESET_DEVICE, SRB_STATUS_BAD_FUNCTION, STATUS_INVALID_DEVICE_REQUEST},
    {SRB_FUNCTION_REMOVE_DEVICE, SRB_STATUS_BAD_FUNCTION, STATUS_INVALID_DEVICE_REQUEST},
    {SRB_FUNCTION_PNP, SRB_STATUS_BAD_FUNCTION, STATUS_INVALID_DEVICE_REQUEST},
};

static void send_own_functions(void)
{
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++) {
        NTSTATUS status = eb_function(own[i].function, 0);

        CHECK(status == own[i].status && eb_is_done(eb.sent));
        CHECK(eb.status[eb.sent] == own[i].status);
        CHECK(eb.srb[eb.sent]->SrbStatus == own[i].srb_status);
        if (own[i].function == SRB_FUNCTION_CLAIM_DEVICE && NT_SUCCESS(status))
            CHECK(eb.srb[eb.sent]->DataBuffer == eb.unit[0]->pdo);
    }
}

static void the_port_serves_some_functions_itself(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_own_functions}, NULL);
    assert_int_equal(wb_count(FT_EV_SCSI_START_IO), 0);
}

static void knows_all(PPORT_CONFIGURATION_INFORMATION config)
{
    config->CachesData = TRUE;
    config->ReceiveEvent = TRUE;
    config->WmiDataProvider = TRUE;
}

static void send_special_functions(void)
{
    static const UCHAR functions[] = {SRB_FUNCTION_IO_CONTROL, SRB_FUNCTION_RECEIVE_EVENT,
                                      SRB_FUNCTION_FLUSH,      SRB_FUNCTION_SHUTDOWN,
                                      SRB_FUNCTION_WMI,        SRB_FUNCTION_RELEASE_RECOVERY,
                                      SRB_FUNCTION_RESET_BUS};

    for (unsigned i = 0; i < sizeof functions; i++) {
        CHECK(eb_function(functions[i], 0) == STATUS_PENDING);
        eb_settle();
        CHECK(eb_is_done(eb.sent) && eb.status[eb.sent] == STATUS_SUCCESS);
    }
}

static void the_miniport_gets_what_it_knows(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_special_functions, .configure = knows_all}, NULL);
    assert_int_equal(wb_count(FT_EV_SCSI_START_IO), 7);
    assert_int_equal(wb_count(FT_EV_SCSI_HOLD), 1); /* after the bus reset */
}

static void send_to_missing(void)
{
    eb.unit[0]->missing = 1;
    CHECK(eb_function(SRB_FUNCTION_EXECUTE_SCSI, 0) == STATUS_DEVICE_DOES_NOT_EXIST);
    eb.adapter->surprise = 1;
    CHECK(eb_function(SRB_FUNCTION_EXECUTE_SCSI, 1) == STATUS_DEVICE_DOES_NOT_EXIST);
    CHECK(eb_function(SRB_FUNCTION_CLAIM_DEVICE, 1) == STATUS_DEVICE_DOES_NOT_EXIST);
    eb.adapter->surprise = 0;
}

static void what_is_gone_gets_no_requests(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_to_missing}, "done:1:08 done:2:08 done:3:08");
}

/* ---- queues ---- */

static void send_three(void)
{
    for (unsigned i = 0; i < 3; i++)
        eb_execute(0, 0);
    for (unsigned i = 0; i < 3; i++) {
        eb_settle();
        eb_line();
    }
    eb_settle();
}

static void a_unit_has_one_untagged_request_at_a_time(void **state)
{
    (void)state;
    forget(
        &(struct engine_bench){
            .body = send_three, .start = keep_and_ask, .interrupt = complete_oldest},
        "start:1 isr last:1 done:1:01 start:2 isr last:2 done:2:01 start:3 isr last:3 done:3:01");
}

static void send_to_units(void)
{
    for (unsigned i = 0; i < 6; i++)
        eb_execute(i / 2, 0);
    for (unsigned i = 0; i < 6; i++) {
        eb_settle();
        eb_line();
    }
    eb_settle();
}

static void units_take_turns(void **state)
{
    (void)state;
    forget(
        &(struct engine_bench){.body = send_to_units, .start = keep, .interrupt = complete_oldest},
        "start:1 isr start:3 finish:1 done:1:01 isr start:5 finish:3 done:3:01 isr start:2 "
        "finish:5 done:5:01 isr start:4 finish:2 done:2:01 isr start:6 finish:4 done:4:01 isr "
        "last:6 done:6:01");
}

static void send_sorted(void)
{
    static const ULONG keys[] = {50, 20, 70, 60, 10};

    for (unsigned i = 0; i < 5; i++) {
        PSCSI_REQUEST_BLOCK srb = eb_srb(SRB_FUNCTION_EXECUTE_SCSI, 0);

        srb->QueueSortKey = keys[i];
        eb_send(srb);
    }
    for (unsigned i = 0; i < 5; i++) {
        eb_settle();
        eb_line();
    }
    eb_settle();
}

static void a_queue_is_swept_by_its_keys(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_sorted, .start = keep, .interrupt = complete_oldest},
           "start:1 isr last:1 done:1:01 start:4 isr last:4 done:4:01 start:3 isr last:3 done:3:01 "
           "start:5 isr last:5 done:5:01 start:2 isr last:2 done:2:01");
}

static void lock_and_send(void)
{
    eb_function(SRB_FUNCTION_LOCK_QUEUE, 0);
    eb_execute(0, 0);
    eb_execute(0, SRB_FLAGS_BYPASS_LOCKED_QUEUE);
    eb_execute(1, 0);
    eb_settle();
    eb_function(SRB_FUNCTION_UNLOCK_QUEUE, 0);
    eb_settle();
}

static void a_locked_queue_waits(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = lock_and_send},
           "done:1:01 start:3 start:4 finish:3 done:3:01 last:4 done:4:01 done:5:01 start:2 last:2 "
           "done:2:01");
}

static BOOLEAN fail_first(PSCSI_REQUEST_BLOCK srb)
{
    bool first = eb_number(srb) == 1;

    eb_complete(srb, first ? SRB_STATUS_BUS_RESET : SRB_STATUS_SUCCESS);
    eb_next();
    return TRUE;
}

static void freeze_and_release(void)
{
    eb_execute(0, 0);
    eb_execute(0, 0);
    eb_execute(0, SRB_FLAGS_BYPASS_FROZEN_QUEUE);
    eb_settle();
    CHECK(!eb_is_done(2) && eb_is_done(3));
    eb_function(SRB_FUNCTION_RELEASE_QUEUE, 0);
    eb_settle();
}

static void an_error_freezes_the_queue(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = freeze_and_release, .start = fail_first},
           "start:1 last:1 done:1:4e start:3 last:3 done:3:01 done:4:01 start:2 last:2 done:2:01");
}

static void freeze_and_flush(void)
{
    eb_execute(0, 0);
    eb_execute(0, 0);
    eb_execute(0, 0);
    eb_settle();
    eb_function(SRB_FUNCTION_FLUSH_QUEUE, 0);
    eb_execute(0, 0);
    eb_settle();
    CHECK(eb.status[2] == STATUS_IO_DEVICE_ERROR);
}

static void a_frozen_queue_can_be_flushed(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = freeze_and_flush, .start = fail_first},
           "start:1 last:1 done:1:4e done:2:16 done:3:16 done:4:01 start:5 last:5 done:5:01");
}

static void no_freeze(void)
{
    eb_execute(0, SRB_FLAGS_NO_QUEUE_FREEZE);
    eb_execute(0, 0);
    eb_settle();
}

static void a_request_may_forbid_the_freeze(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = no_freeze, .start = fail_first},
           "start:1 last:1 done:1:0e start:2 last:2 done:2:01");
}

/* ---- tags ---- */

static void several(PPORT_CONFIGURATION_INFORMATION config)
{
    config->TaggedQueuing = TRUE;
    config->AutoRequestSense = TRUE;
    config->MultipleRequestPerLu = TRUE;
}

static BOOLEAN keep_and_ask_unit(PSCSI_REQUEST_BLOCK srb)
{
    if (srb->QueueTag == SP_UNTAGGED)
        eb_next();
    else
        eb_next_lu(0);
    return keep(srb);
}

static void send_tagged(void)
{
    eb_execute(0, SRB_FLAGS_QUEUE_ACTION_ENABLE);
    eb_execute(0, SRB_FLAGS_NO_QUEUE_FREEZE);
    eb_execute(0, SRB_FLAGS_QUEUE_ACTION_ENABLE | SRB_FLAGS_DISABLE_DISCONNECT);
    eb_execute(0, SRB_FLAGS_QUEUE_ACTION_ENABLE);
    eb_settle();
    CHECK(kept_count == 2 && kept[0]->QueueTag == 1 && kept[1]->QueueTag == 2);
    CHECK(ScsiPortGetSrb(eb.adapter->extension, 0, 1, 0, 2) == kept[1]);
    CHECK(ScsiPortGetSrb(eb.adapter->extension, 0, 1, 0, 3) == NULL);
    CHECK(ScsiPortGetSrb(eb.adapter->extension, 0, 2, 0, 2) == NULL);
    CHECK(ScsiPortGetSrb(eb.adapter->extension, 0, 1, 0, SP_UNTAGGED) == NULL);
    eb_line();
    eb_settle();
    CHECK(kept_count == 1); /* the untagged one waits for the last tagged one */
    eb_line();
    eb_settle();
    CHECK(kept_count == 1 && kept[0]->QueueTag == SP_UNTAGGED);
    CHECK(!(kept[0]->SrbFlags & SRB_FLAGS_QUEUE_ACTION_ENABLE));
    CHECK(ScsiPortGetSrb(eb.adapter->extension, 0, 1, 0, SP_UNTAGGED) == kept[0]);
    eb_line();
    eb_settle();
    CHECK(kept_count == 1 && kept[0]->QueueTag == 3);
    eb_line();
    eb_settle();
    CHECK(eb.srb[3]->SrbFlags & SRB_FLAGS_QUEUE_ACTION_ENABLE);
}

static void tagged_requests_share_a_unit(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_tagged,
                                  .start = keep_and_ask_unit,
                                  .interrupt = complete_oldest,
                                  .configure = several},
           NULL);
    assert_int_equal(wb_count(FT_EV_SCSI_ENDED), 4);
}

static void send_without_extension(void)
{
    eb_execute(0, 0);
    eb_execute(1, 0);
    eb_settle();
    CHECK(kept_count == 1);
    eb_line();
    eb_settle();
    CHECK(kept_count == 1 && eb_is_done(1));
    eb_line();
    eb_settle();
    CHECK(eb_is_done(2));
}

static void a_request_waits_for_an_srb_extension(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_without_extension,
                                  .start = keep_and_ask,
                                  .interrupt = complete_oldest,
                                  .extensions = 1},
           "start:1 isr last:1 done:1:01 start:2 isr last:2 done:2:01");
}

/* ---- DMA that comes late, or never ---- */

static void send_refused(void)
{
    eb_execute(0, 0);
    CHECK(eb_is_done(1) && eb.status[1] == STATUS_IO_DEVICE_ERROR);
    CHECK(eb.adapter->active_count == -1 && !eb.adapter->busy);
}

static void without_channel_the_request_fails(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_refused, .refuse_dma = TRUE}, "done:1:06");
}

static void send_and_grant(void)
{
    KIRQL irql;

    eb_execute(0, 0);
    eb_execute(1, 0);
    eb_settle();
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    eb.hold_dma = FALSE;
    ft_scsi_start_granted(eb.waiting);
    KeLowerIrql(irql);
    eb_settle();
}

static void a_request_waits_for_its_channel(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_and_grant, .hold_dma = TRUE},
           "start:1 start:2 finish:1 done:1:01 last:2 done:2:01");
}

/* ---- busy ---- */

static BOOLEAN busy_once(PSCSI_REQUEST_BLOCK srb)
{
    bool first = kept_count++ == 0;

    if (first)
        srb->DataTransferLength = 0;
    CHECK(first || eb_number(srb) > 1 || srb->DataTransferLength == 512);
    eb_complete(srb, first ? SRB_STATUS_BUSY : SRB_STATUS_SUCCESS);
    eb_next();
    return TRUE;
}

static void send_busy(void)
{
    PSCSI_REQUEST_BLOCK srb = eb_srb(SRB_FUNCTION_EXECUTE_SCSI, 0);

    srb->DataTransferLength = 512;
    eb_send(srb);
    eb_execute(0, 0);
    eb_execute(1, 0);
    eb_settle();
    CHECK(!eb_is_done(1) && !eb_is_done(2) && eb_is_done(3));
    eb_seconds(1);
    eb_settle();
}

static void a_busy_request_is_tried_again(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_busy, .start = busy_once},
           "start:1 start:3 finish:1 last:3 done:3:01 start:1 last:1 done:1:01 start:2 last:2 "
           "done:2:01");
}

static BOOLEAN always_full(PSCSI_REQUEST_BLOCK srb)
{
    srb->ScsiStatus = SCSISTAT_QUEUE_FULL;
    eb_complete(srb, SRB_STATUS_ERROR);
    eb_next();
    return TRUE;
}

static void send_and_give_up(void)
{
    unsigned one = eb_execute(0, 0);

    eb_seconds(FT_SCSI_RETRIES - 1);
    CHECK(!eb_is_done(one));
    eb_seconds(3);
    CHECK(eb_is_done(one) && eb.status[one] == STATUS_DEVICE_NOT_READY);
    CHECK(eb.srb[one]->SrbStatus == (SRB_STATUS_BUSY | SRB_STATUS_QUEUE_FROZEN));
}

static void the_port_gives_up_after_twenty_tries(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = send_and_give_up, .start = always_full}, NULL);
    assert_int_equal(wb_count(FT_EV_SCSI_RETRY), FT_SCSI_RETRIES);
    assert_int_equal(wb_count(FT_EV_SCSI_START_IO), FT_SCSI_RETRIES + 1);
}

/* ---- cancelled requests ---- */

static void cancel_queued(void)
{
    eb_execute(0, 0);
    eb_execute(0, 0);
    eb_settle();
    CHECK(!IoCancelIrp(eb.irp[1])); /* it is the miniport's */
    CHECK(IoCancelIrp(eb.irp[2]));
    CHECK(eb_is_done(2) && eb.status[2] == STATUS_CANCELLED && !eb_is_done(1));
    eb_line();
    eb_settle();
    CHECK(eb_is_done(1) && eb.status[1] == STATUS_SUCCESS);
}

static void a_request_that_waits_can_be_cancelled(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = cancel_queued,
                                  .start = keep_and_ask,
                                  .interrupt = complete_oldest},
           "start:1 done:2:02 isr last:1 done:1:01");
}

static void cancel_busy(void)
{
    eb_execute(0, 0);
    eb_settle();
    CHECK(IoCancelIrp(eb.irp[1])); /* it came back busy and waits */
    CHECK(eb_is_done(1) && eb.status[1] == STATUS_CANCELLED);
}

static void a_request_that_came_back_busy_can_be_cancelled(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = cancel_busy, .start = always_full},
           "start:1 last:1 done:1:02");
}

/* ---- StartIo says no ---- */

static BOOLEAN refuse(PSCSI_REQUEST_BLOCK srb)
{
    (void)srb;
    return FALSE;
}

static void start_io_may_refuse(void **state)
{
    (void)state;
    forget(&(struct engine_bench){.body = no_freeze, .start = refuse},
           "start:1 last:1 done:1:06 start:2 last:2 done:2:06");
    assert_int_equal(wb_last(FT_EV_SCSI_COMPLETE)->arg[1], FT_SCSI_BY_REFUSAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_completes_in_start_io),
        cmocka_unit_test(a_request_completes_in_the_interrupt),
        cmocka_unit_test(srb_statuses_become_statuses),
        cmocka_unit_test(the_port_serves_some_functions_itself),
        cmocka_unit_test(the_miniport_gets_what_it_knows),
        cmocka_unit_test(what_is_gone_gets_no_requests),
        cmocka_unit_test(a_unit_has_one_untagged_request_at_a_time),
        cmocka_unit_test(units_take_turns),
        cmocka_unit_test(a_queue_is_swept_by_its_keys),
        cmocka_unit_test(a_locked_queue_waits),
        cmocka_unit_test(an_error_freezes_the_queue),
        cmocka_unit_test(a_frozen_queue_can_be_flushed),
        cmocka_unit_test(a_request_may_forbid_the_freeze),
        cmocka_unit_test(tagged_requests_share_a_unit),
        cmocka_unit_test(a_request_waits_for_an_srb_extension),
        cmocka_unit_test(without_channel_the_request_fails),
        cmocka_unit_test(a_request_waits_for_its_channel),
        cmocka_unit_test(a_busy_request_is_tried_again),
        cmocka_unit_test(the_port_gives_up_after_twenty_tries),
        cmocka_unit_test(a_request_that_waits_can_be_cancelled),
        cmocka_unit_test(a_request_that_came_back_busy_can_be_cancelled),
        cmocka_unit_test(start_io_may_refuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
