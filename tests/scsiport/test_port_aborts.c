/* The request engine of SCSI Port: aborts, of the class driver and of the port's own, and what ends
 * them when nobody answers.
 */
#include "engine_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static BOOLEAN swallow_and_ask(PSCSI_REQUEST_BLOCK srb)
{
    (void)srb;
    eb_next();
    return TRUE;
}

static void clean_reset(ULONG path)
{
    ScsiPortCompleteRequest(eb.adapter->extension, (UCHAR)path, SP_UNTAGGED, SP_UNTAGGED,
                            SRB_STATUS_BUS_RESET);
    eb_next();
}

static void send_with_time(unsigned unit, ULONG seconds)
{
    PSCSI_REQUEST_BLOCK srb = eb_srb(SRB_FUNCTION_EXECUTE_SCSI, unit);

    srb->TimeOutValue = seconds;
    srb->SrbFlags = SRB_FLAGS_NO_QUEUE_FREEZE;
    eb_send(srb);
}

/* ---- aborts ---- */

static PSCSI_REQUEST_BLOCK abort_of(unsigned victim)
{
    PSCSI_REQUEST_BLOCK srb = eb_srb(SRB_FUNCTION_ABORT_COMMAND, 0);

    srb->NextSrb = eb.srb[victim];
    return srb;
}

static BOOLEAN abort_it(PSCSI_REQUEST_BLOCK srb)
{
    PSCSI_REQUEST_BLOCK victim;

    eb_next();
    if (srb->Function != SRB_FUNCTION_ABORT_COMMAND)
        return TRUE;
    victim =
        ScsiPortGetSrb(eb.adapter->extension, srb->PathId, srb->TargetId, srb->Lun, srb->QueueTag);
    if (victim && victim == srb->NextSrb) {
        eb_complete(victim, SRB_STATUS_ABORTED);
        eb_complete(srb, SRB_STATUS_SUCCESS);
    } else {
        eb_complete(srb, SRB_STATUS_ABORT_FAILED);
    }
    return TRUE;
}

static void abort_active(void)
{
    eb_execute(0, SRB_FLAGS_QUEUE_ACTION_ENABLE);
    eb_settle();
    eb_function(SRB_FUNCTION_LOCK_QUEUE, 0); /* an abort passes */
    eb_send(abort_of(1));
    eb_settle();
    CHECK(eb.status[1] == STATUS_IO_DEVICE_ERROR && eb.status[3] == STATUS_SUCCESS);
}

static void an_abort_goes_to_the_miniport(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = abort_active, .start = abort_it},
           "start:1 done:2:01 start:3 finish:1 done:1:42 done:3:01");
    assert_int_not_equal(wb_last(FT_EV_SCSI_START_IO)->arg[7], 0);
}

static void abort_queued(void)
{
    eb_execute(0, 0);
    eb_execute(0, 0);
    eb_settle();
    eb_send(abort_of(2));
    CHECK(eb_is_done(2) && eb_is_done(3) && !eb_is_done(1));
    eb_send(abort_of(2)); /* it is no more */
    CHECK(eb.status[4] == STATUS_IO_DEVICE_ERROR);
}

static void an_abort_of_what_waits_needs_no_miniport(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = abort_queued, .start = swallow_and_ask},
           "start:1 done:2:02 done:3:01 done:4:03");
}

/* What takes its victim with it only in the end: an abort that nobody answers. */
static void clean_reset_1(ULONG path)
{
    CHECK(path == 0);
    clean_reset(path);
}

static void abort_for_ever(void)
{
    PSCSI_REQUEST_BLOCK abort;

    eb_srb(SRB_FUNCTION_EXECUTE_SCSI, 0)->TimeOutValue = 60;
    eb.srb[1]->SrbFlags = SRB_FLAGS_NO_QUEUE_FREEZE;
    eb_send(eb.srb[1]);
    eb_settle();
    abort = abort_of(1);
    abort->TimeOutValue = 3;
    eb_send(abort);
    eb_seconds(3);
    CHECK(!eb_is_done(2));
    eb_seconds(2);
    CHECK(eb_is_done(1) && eb_is_done(2));
}

static void an_abort_has_a_time_out_too(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = abort_for_ever,
                                  .start = swallow_and_ask,
                                  .reset = clean_reset_1},
           "start:1 start:2 reset:0 finish:1 done:1:0e done:2:0e");
    assert_int_equal(wb_count(FT_EV_SCSI_TIMEOUT), 1);
    assert_int_equal(wb_last(FT_EV_SCSI_RESET)->arg[2], FT_SCSI_RESET_UNIT);
}

static void aborts_first(struct ft_description *description)
{
    description->flags |= FT_DRIVER_ABORT_FIRST;
}

static void take_long(void)
{
    send_with_time(0, 2);
    eb_seconds(4);
    CHECK(eb_is_done(1));
    eb_seconds(10);
}

static void the_port_may_abort_before_it_resets(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = take_long, .start = abort_it, .describe = aborts_first},
           "start:1 start:0 finish:1 done:1:02");
    assert_int_equal(wb_count(FT_EV_SCSI_RESET), 0);
    assert_int_equal(wb_count(FT_EV_SCSI_TIMEOUT), 1);
}

static void take_long_twice(void)
{
    send_with_time(0, 2);
    eb_seconds(8);
    CHECK(eb_is_done(1));
}

static BOOLEAN fail_abort(PSCSI_REQUEST_BLOCK srb)
{
    eb_next();
    if (srb->Function == SRB_FUNCTION_ABORT_COMMAND)
        eb_complete(srb, SRB_STATUS_ABORT_FAILED);
    return TRUE;
}

static void an_abort_of_the_port_s_own_that_fails_is_followed_by_a_reset(void **state)
{
    (void)state;
    eb_run(
        &(struct engine_bench){
            .body = take_long, .start = fail_abort, .reset = clean_reset, .describe = aborts_first},
        "start:1 start:0 reset:0 last:1 done:1:0e");
}

static BOOLEAN abort_in_name_only(PSCSI_REQUEST_BLOCK srb)
{
    eb_next();
    if (srb->Function == SRB_FUNCTION_ABORT_COMMAND)
        eb_complete(srb, SRB_STATUS_SUCCESS);
    return TRUE;
}

static void one_that_does_nothing_is_not_sent_again(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = take_long_twice,
                                  .start = abort_in_name_only,
                                  .reset = clean_reset,
                                  .describe = aborts_first},
           "start:1 start:0 reset:0 last:1 done:1:0e");
    assert_int_equal(wb_count(FT_EV_SCSI_TIMEOUT), 2);
}

static void take_longer(void)
{
    send_with_time(0, 2);
    eb_seconds(4);
    CHECK(!eb_is_done(1));
    eb_seconds(2 + FT_SCSI_ABORT_SECONDS);
    CHECK(eb_is_done(1));
}

static void one_that_takes_too_long_as_well(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = take_longer,
                                  .start = swallow_and_ask,
                                  .reset = clean_reset,
                                  .describe = aborts_first},
           "start:1 start:0 reset:0 finish:1 done:1:0e");
    assert_int_equal(wb_count(FT_EV_SCSI_TIMEOUT), 2);
}

static void late_but_done(void)
{
    send_with_time(0, 2);
    eb_settle();
    eb.adapter->busy = 1; /* the abort waits for NextRequest */
    eb_seconds(4);
    eb_complete(eb.srb[1], SRB_STATUS_SUCCESS);
    eb_next();
    ft_scsi_after(eb.adapter);
    eb_settle();
    CHECK(eb.adapter->active_count == -1 && !eb.adapter->queue);
}

static void one_whose_victim_is_over_is_not_sent(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = late_but_done,
                                  .start = swallow_and_ask,
                                  .describe = aborts_first},
           "start:1 last:1 done:1:01");
}

/* An adapter that waits for its last request lets an abort through; once it is idle nothing of the
 * class driver's reaches it any more. */
static void abort_in_drain(void)
{
    PSCSI_REQUEST_BLOCK reset;

    eb_execute(0, 0);
    eb_settle();
    eb.adapter->held = FT_SCSI_DRAINS;
    eb_send(abort_of(1));
    eb_settle();
    CHECK(eb_is_done(1) && eb_is_done(2));
    ft_scsi_drain(eb.adapter);
    reset = eb_srb(SRB_FUNCTION_RESET_BUS, 0);
    eb_send(reset);
    eb_settle();
    CHECK(!eb_is_done(3));
    ft_scsi_resume(eb.adapter);
    eb_settle();
    CHECK(eb_is_done(3));
}

static BOOLEAN abort_or_reset(PSCSI_REQUEST_BLOCK srb)
{
    if (srb->Function != SRB_FUNCTION_RESET_BUS)
        return abort_it(srb);
    eb_complete(srb, SRB_STATUS_SUCCESS);
    eb_next();
    return TRUE;
}

static void a_drained_adapter_gets_no_resets_either(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = abort_in_drain, .start = abort_or_reset},
           "start:1 start:2 finish:1 done:1:42 done:2:01 start:3 done:3:01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_abort_goes_to_the_miniport),
        cmocka_unit_test(an_abort_of_what_waits_needs_no_miniport),
        cmocka_unit_test(an_abort_has_a_time_out_too),
        cmocka_unit_test(the_port_may_abort_before_it_resets),
        cmocka_unit_test(an_abort_of_the_port_s_own_that_fails_is_followed_by_a_reset),
        cmocka_unit_test(one_that_does_nothing_is_not_sent_again),
        cmocka_unit_test(one_that_takes_too_long_as_well),
        cmocka_unit_test(one_whose_victim_is_over_is_not_sent),
        cmocka_unit_test(a_drained_adapter_gets_no_resets_either),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
