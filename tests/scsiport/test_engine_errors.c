/* The request engine of SCSI Port: time-outs, resets, sense data, timer, the callbacks for long
 * interrupts; aborts are in test_port_aborts.c.
 */
#include "engine_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static BOOLEAN swallow(PSCSI_REQUEST_BLOCK srb)
{
    (void)srb;
    return TRUE;
}

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

/* ---- time-outs ---- */

static unsigned send_with_time(unsigned unit, ULONG seconds)
{
    PSCSI_REQUEST_BLOCK srb = eb_srb(SRB_FUNCTION_EXECUTE_SCSI, unit);
    unsigned number = eb.sent;

    srb->TimeOutValue = seconds;
    srb->SrbFlags = SRB_FLAGS_NO_QUEUE_FREEZE;
    eb_send(srb);
    return number;
}

static void time_out(void)
{
    unsigned one = send_with_time(0, 2);

    eb_seconds(2);
    CHECK(!eb_is_done(one)); /* never too early */
    eb_seconds(2);
    CHECK(eb_is_done(one) && eb.status[one] == STATUS_IO_DEVICE_ERROR);
    CHECK(eb.adapter->hold_ticks > 0);
}

static void a_request_that_takes_too_long_resets_its_bus(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = time_out, .start = swallow_and_ask, .reset = clean_reset},
           "start:1 reset:0 last:1 done:1:0e");
    assert_int_equal(wb_last(FT_EV_SCSI_TIMEOUT)->arg[2], false);
    assert_int_equal(wb_last(FT_EV_SCSI_RESET)->arg[2], FT_SCSI_RESET_UNIT);
    assert_int_equal(wb_last(FT_EV_SCSI_COMPLETE_ALL)->arg[3], 1);
}

static void watch(void)
{
    send_with_time(0, 2);
    eb_seconds(4);
}

static void an_hba_that_asks_for_nothing_is_reset_on_every_bus(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = watch, .start = swallow, .reset = clean_reset},
           "start:1 reset:0 reset:1 last:1 done:1:0e");
    assert_int_equal(wb_last(FT_EV_SCSI_TIMEOUT)->arg[2], true);
}

static void wait_long(void)
{
    send_with_time(0, (ULONG)-1);
    send_with_time(1, 0);
    eb_seconds(100);
}

static void some_requests_have_no_time_out(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = wait_long, .start = swallow_and_ask}, "start:1 start:2");
}

static void two_paths(void)
{
    unsigned one = send_with_time(0, 2), two = send_with_time(2, 60);

    eb_seconds(4);
    CHECK(eb_is_done(one) && !eb_is_done(two));
}

static void a_reset_is_of_one_path(void **state)
{
    (void)state;
    eb_run(
        &(struct engine_bench){.body = two_paths, .start = swallow_and_ask, .reset = clean_reset},
        "start:1 start:2 reset:0 finish:1 done:1:0e");
    assert_int_equal(wb_last(FT_EV_SCSI_RESET)->arg[3], 1);
}

/* ---- the hold ---- */

static void hold(void)
{
    eb_execute(0, 0);
    eb_settle();
    ScsiPortNotification(ResetDetected, eb.adapter->extension);
    ft_scsi_after(eb.adapter);
    eb_settle();
    eb_execute(1, 0);
    eb_seconds(FT_SCSI_HOLD_TICKS - 1);
    CHECK(!eb_is_done(2));
    eb_seconds(2);
    CHECK(eb_is_done(2));
}

static void nothing_starts_in_the_hold(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = hold},
           "start:1 last:1 done:1:01 start:2 last:2 done:2:01");
    assert_int_equal(wb_count(FT_EV_SCSI_HOLD), 1);
    assert_int_equal(wb_last(FT_EV_SCSI_HOLD_END)->arg[1], 0);
}

static void granted_in_hold(void)
{
    KIRQL irql;

    eb_execute(0, 0);
    ft_scsi_reset_bus(eb.adapter, 1);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    eb.hold_dma = FALSE;
    ft_scsi_start_granted(eb.waiting);
    KeLowerIrql(irql);
    eb_settle();
    CHECK(!eb_is_done(1));
    eb_seconds(FT_SCSI_HOLD_TICKS + 1);
}

static void a_channel_that_comes_in_the_hold_waits(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = granted_in_hold, .hold_dma = TRUE},
           "reset:1 start:1 last:1 done:1:01");
}

static void forgotten(void)
{
    send_with_time(0, 2);
    eb_seconds(4 + FT_SCSI_HOLD_TICKS);
    ft_scsi_fail_all(eb.adapter, SRB_STATUS_NO_HBA);
    CHECK(eb_is_done(1) && eb.adapter->active_count == -1);
}

static void the_end_of_the_hold_tells_what_was_forgotten(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = forgotten, .start = swallow_and_ask},
           "start:1 reset:0 reset:0 last:1 done:1:11");
    assert_int_equal(wb_event(FT_EV_SCSI_HOLD_END, 1)->arg[1], 1);
    assert_int_equal(wb_last(FT_EV_SCSI_COMPLETE)->arg[1], FT_SCSI_BY_FORCE);
}

static void fail_everything(void)
{
    for (unsigned i = 0; i < 4; i++)
        eb_execute(i / 2, 0);
    eb_settle();
    ft_scsi_fail_all(eb.adapter, SRB_STATUS_NO_DEVICE);
    for (unsigned i = 1; i <= 4; i++)
        CHECK(eb_is_done(i));
}

static void everything_can_be_failed(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = fail_everything,
                                  .start = swallow_and_ask,
                                  .reset = clean_reset},
           NULL);
    assert_int_equal(wb_count(FT_EV_SCSI_ENDED), 4);
    assert_int_equal(wb_last(FT_EV_SCSI_RESET)->arg[2], FT_SCSI_RESET_GONE);
}

static void drain(void)
{
    eb_execute(0, 0);
    eb_execute(0, 0);
    eb_settle();
    eb_line();
    ft_scsi_drain(eb.adapter);
    CHECK(eb_is_done(1) && !eb_is_done(2));
    eb_settle();
    CHECK(!eb_is_done(2));
    ft_scsi_resume(eb.adapter);
    eb_settle();
    eb_line();
    eb_settle();
    CHECK(eb_is_done(2));
}

static void complete_all(void)
{
    ScsiPortCompleteRequest(eb.adapter->extension, SP_UNTAGGED, SP_UNTAGGED, SP_UNTAGGED,
                            SRB_STATUS_SUCCESS);
}

static void a_drained_adapter_starts_nothing(void **state)
{
    (void)state;
    eb_run(
        &(struct engine_bench){.body = drain, .start = swallow_and_ask, .interrupt = complete_all},
        "start:1 isr last:1 done:1:01 start:2 isr last:2 done:2:01");
}

/* ---- the port's own requests ---- */

static void send_own(void)
{
    PSCSI_REQUEST_BLOCK own = eb_srb(SRB_FUNCTION_FLUSH, 0);

    eb_function(SRB_FUNCTION_LOCK_QUEUE, 0);
    eb_execute(0, 0);
    ft_scsi_drain(eb.adapter);
    ft_scsi_send_own(eb.adapter, eb.unit[0], own, NULL);
    CHECK(own->SrbStatus == SRB_STATUS_SUCCESS && !eb_is_done(3));
    own->Function = SRB_FUNCTION_SHUTDOWN;
    ft_scsi_send_own(eb.adapter, NULL, own, NULL);
    CHECK(own->SrbStatus == SRB_STATUS_SUCCESS && !eb_is_done(3));
    ft_scsi_resume(eb.adapter);
    eb_function(SRB_FUNCTION_UNLOCK_QUEUE, 0);
    eb_settle();
}

static void the_port_s_own_requests_pass_what_is_held(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = send_own},
           "done:2:01 start:1 start:1 done:4:01 start:3 last:3 done:3:01");
}

static void swallow_own(void)
{
    PSCSI_REQUEST_BLOCK own = eb_srb(SRB_FUNCTION_EXECUTE_SCSI, 1);

    own->TimeOutValue = 1;
    ft_scsi_send_own(eb.adapter, eb.unit[1], own, NULL);
    CHECK(own->SrbStatus == SRB_STATUS_BUS_RESET);
}

static void the_port_waits_until_its_request_is_over(void **state)
{
    (void)state;
    eb_run(
        &(struct engine_bench){.body = swallow_own, .start = swallow_and_ask, .reset = clean_reset},
        "start:1 reset:0 last:1");
}

/* ---- sense data ---- */

static BOOLEAN check_condition(PSCSI_REQUEST_BLOCK srb)
{
    if (srb->Cdb[0] == SCSIOP_REQUEST_SENSE) {
        CHECK(srb->QueueTag == SP_UNTAGGED && srb->DataTransferLength == EB_SENSE_BYTES);
        CHECK(srb->SrbFlags & SRB_FLAGS_DATA_IN && !eb_number(srb));
        memset(srb->DataBuffer, 0x70, 8);
        srb->DataTransferLength = 8;
        eb_complete(srb, eb.refuse_dma ? SRB_STATUS_ERROR : SRB_STATUS_DATA_OVERRUN);
    } else if (eb_number(srb) == 1) {
        srb->ScsiStatus = SCSISTAT_CHECK_CONDITION;
        eb_complete(srb, SRB_STATUS_ERROR);
    } else {
        eb_complete(srb, SRB_STATUS_SUCCESS);
    }
    eb_next();
    return TRUE;
}

static void want_sense(void)
{
    eb_execute(0, 0);
    eb_execute(0, 0);
    eb_settle();
    CHECK(eb.srb[1]->SrbStatus ==
          (SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID | SRB_STATUS_QUEUE_FROZEN));
    CHECK(eb.srb[1]->SenseInfoBufferLength == 8 && eb.sense[1][0] == 0x70);
    CHECK(eb.srb[1]->ScsiStatus == SCSISTAT_CHECK_CONDITION && !eb_is_done(2));
}

static void the_port_fetches_sense_data(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = want_sense, .start = check_condition},
           "start:1 last:1 start:0 last:0 done:1:c4");
    assert_int_equal(wb_count(FT_EV_SCSI_SENSE), 1);
}

static BOOLEAN no_sense(PSCSI_REQUEST_BLOCK srb)
{
    srb->ScsiStatus = SCSISTAT_CHECK_CONDITION;
    eb_complete(srb, SRB_STATUS_ERROR);
    eb_next();
    return TRUE;
}

static void fail_sense(void)
{
    eb_execute(0, SRB_FLAGS_NO_QUEUE_FREEZE);
    eb_execute(0, SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_DISABLE_AUTOSENSE);
    eb_settle();
}

static void sense_that_fails_says_so(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = fail_sense, .start = no_sense},
           "start:1 last:1 start:0 last:0 done:1:10 start:2 last:2 done:2:04");
}

static void automatic(PPORT_CONFIGURATION_INFORMATION config)
{
    config->AutoRequestSense = TRUE;
}

static BOOLEAN with_sense(PSCSI_REQUEST_BLOCK srb)
{
    unsigned number = eb_number(srb);

    CHECK(srb->SenseInfoBuffer != eb.sense[number]);
    memset(srb->SenseInfoBuffer, 0x71, number == 2 ? EB_SENSE_BYTES + 1 : 4);
    srb->SenseInfoBufferLength = 4;
    srb->ScsiStatus = SCSISTAT_CHECK_CONDITION;
    eb_complete(srb, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
    eb_next();
    return TRUE;
}

static void get_sense(void)
{
    eb_execute(0, SRB_FLAGS_NO_QUEUE_FREEZE);
    eb_settle();
    CHECK(eb.srb[1]->SenseInfoBuffer == eb.sense[1] && eb.srb[1]->SenseInfoBufferLength == 4);
    CHECK(eb.sense[1][3] == 0x71 && eb.sense[1][4] == 0);
    eb_execute(0, SRB_FLAGS_NO_QUEUE_FREEZE);
    eb_settle();
}

static void the_hba_fetches_sense_data(void **state)
{
    (void)state;
    eb_run(
        &(struct engine_bench){
            .body = get_sense, .start = with_sense, .configure = automatic, .sense_area = TRUE},
        NULL);
    assert_int_equal(wb_event(FT_EV_SCSI_COMPLETE, 1)->arg[7], 1 | 2 | 4);
    assert_int_equal(wb_event(FT_EV_SCSI_COMPLETE, 2)->arg[7], 1 | 2 | 4 | 8);
    assert_int_equal(wb_count(FT_EV_SCSI_SENSE), 0);
}

/* ---- timer ---- */

static VOID NTAPI on_timer(PVOID extension)
{
    CHECK(extension == eb.adapter->extension && KeGetCurrentIrql() == WB_IRQ_LEVEL);
    wb_note("timer");
    if (eb.timer)
        eb.timer();
}

static void ask_timer(PHW_TIMER routine, ULONG microseconds)
{
    KIRQL irql;

    KeRaiseIrql(WB_IRQ_LEVEL, &irql);
    ScsiPortNotification(RequestTimerCall, eb.adapter->extension, routine, microseconds);
    KeLowerIrql(irql);
    ft_scsi_after(eb.adapter);
    eb_settle();
}

static void again(void)
{
    ScsiPortNotification(RequestTimerCall, eb.adapter->extension, on_timer, 100000);
}

static void run_timer(void)
{
    ask_timer(on_timer, 500000);
    eb_seconds(1); /* after 0.5, 0.6, … */
    ask_timer(on_timer, 2000000);
    ask_timer(on_timer, 0);
    eb_seconds(3);
}

static void a_timer_is_one_slot(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = run_timer, .timer = again},
           "timer timer timer timer timer timer");
    assert_int_equal(wb_event(FT_EV_SCSI_NOTIFY, 1)->arg[5], false);
    assert_int_equal(wb_last(FT_EV_SCSI_NOTIFY)->arg[2], 0);
    assert_int_equal(wb_last(FT_EV_SCSI_NOTIFY)->arg[5], true);
}

/* ---- long interrupts ---- */

static BOOLEAN NTAPI on_disable(PVOID extension)
{
    CHECK(extension == eb.adapter->extension && KeGetCurrentIrql() == WB_IRQ_LEVEL);
    wb_note("disable");
    WRITE_REGISTER_ULONG((PULONG)(eb.registers + WB_REG_ENABLE), 1);
    return TRUE;
}

static BOOLEAN NTAPI on_enable(PVOID extension)
{
    CHECK(extension == eb.adapter->extension && KeGetCurrentIrql() == DISPATCH_LEVEL);
    wb_note("enable");
    CHECK(eb.adapter->interrupts_off);
    ScsiPortNotification(CallDisableInterrupts, extension, on_disable);
    return TRUE;
}

static void mask(void)
{
    WRITE_REGISTER_ULONG((PULONG)(eb.registers + WB_REG_ENABLE), 0);
    ScsiPortNotification(CallEnableInterrupts, eb.adapter->extension, on_enable);
}

static void interrupt_twice(void)
{
    eb_line();
    eb_settle();
    eb.interrupt = NULL;
    eb_line();
    eb_settle();
}

static void a_long_interrupt_goes_on_at_dispatch_level(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = interrupt_twice, .interrupt = mask},
           "isr enable disable isr");
}

/* ---- the rest ---- */

static void complete_twice(void)
{
    eb_execute(0, 0);
    eb_settle();
    eb_complete(eb.srb[1], SRB_STATUS_SUCCESS);
    ScsiPortNotification(RequestComplete, eb.adapter->extension, &eb);
    CHECK(ScsiPortGetLogicalUnit(eb.adapter->extension, 0, 1, 0) == eb.unit[0]->extension);
    CHECK(ScsiPortGetLogicalUnit(eb.adapter->extension, 0, 5, 0) == NULL);
    ScsiPortNotification(NextLuRequest, eb.adapter->extension, 7, 1, 0);
    ScsiPortNotification(BusChangeDetected, eb.adapter->extension, 0);
    ScsiPortNotification(WMIReregister, eb.adapter->extension, 0, 9, 0); /* nobody's */
    ScsiPortNotification(LinkUp, eb.adapter->extension);
    ft_scsi_after(eb.adapter);
    eb_settle();
}

static void odd_notifications_are_told(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = complete_twice}, "start:1 last:1 done:1:01 changed");
    assert_int_equal(wb_event(FT_EV_SCSI_COMPLETE, 2)->arg[2], false);
    assert_int_equal(wb_event(FT_EV_SCSI_COMPLETE, 3)->arg[0], 0);
    assert_int_equal(wb_last(FT_EV_SCSI_NEXT)->arg[3], false);
    assert_int_equal(wb_last(FT_EV_SCSI_NOTIFY)->arg[1], LinkUp);
}

static void notify_wmi(void)
{
    ULONG event[32] = {sizeof event};

    ScsiPortNotification(WMIEvent, eb.adapter->extension, event, 0xFF);
    ScsiPortNotification(WMIEvent, eb.adapter->extension, event, 0, 1, 0);
    ScsiPortNotification(WMIReregister, eb.adapter->extension, 0, 1, 0);
    ScsiPortNotification(WMIEvent, eb.adapter->extension, event, 0, 9, 0); /* nobody's */
    ft_scsi_after(eb.adapter);
    eb_settle();
}

static void events_and_registrations_are_for_the_dpc(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = notify_wmi}, "event renew");
    assert_int_equal(wb_count(FT_EV_SCSI_NOTIFY), 4);
    assert_int_equal(wb_event(FT_EV_SCSI_NOTIFY, 1)->arg[2], 0xFF);
}

static BOOLEAN scribble(PSCSI_REQUEST_BLOCK srb)
{
    srb->SrbFlags &= ~(ULONG)SRB_FLAGS_DATA_OUT; /* this one is allowed */
    if (eb_number(srb) == 2) {
        srb->SrbFlags |= SRB_FLAGS_NO_QUEUE_FREEZE;
        srb->NextSrb = srb;
        srb->Cdb[3] = 9;
        srb->SenseInfoBufferLength = 99;
    }
    eb_complete(srb, SRB_STATUS_SUCCESS);
    eb_next();
    return TRUE;
}

static void scribbles(void)
{
    eb_execute(0, SRB_FLAGS_UNSPECIFIED_DIRECTION);
    eb_settle();
    eb_execute(0, SRB_FLAGS_UNSPECIFIED_DIRECTION);
    eb_settle();
}

static void changed_fields_are_told(void **state)
{
    (void)state;
    eb_run(&(struct engine_bench){.body = scribbles, .start = scribble}, NULL);
    assert_int_equal(wb_event(FT_EV_SCSI_COMPLETE, 1)->arg[4], 0);
    assert_int_equal(wb_event(FT_EV_SCSI_COMPLETE, 2)->arg[4],
                     1 << 11 | 1 << 16 | 1 << 17 | 1 << 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_takes_too_long_resets_its_bus),
        cmocka_unit_test(an_hba_that_asks_for_nothing_is_reset_on_every_bus),
        cmocka_unit_test(some_requests_have_no_time_out),
        cmocka_unit_test(a_reset_is_of_one_path),
        cmocka_unit_test(nothing_starts_in_the_hold),
        cmocka_unit_test(a_channel_that_comes_in_the_hold_waits),
        cmocka_unit_test(the_end_of_the_hold_tells_what_was_forgotten),
        cmocka_unit_test(everything_can_be_failed),
        cmocka_unit_test(a_drained_adapter_starts_nothing),
        cmocka_unit_test(the_port_s_own_requests_pass_what_is_held),
        cmocka_unit_test(the_port_waits_until_its_request_is_over),
        cmocka_unit_test(the_port_fetches_sense_data),
        cmocka_unit_test(sense_that_fails_says_so),
        cmocka_unit_test(the_hba_fetches_sense_data),
        cmocka_unit_test(a_timer_is_one_slot),
        cmocka_unit_test(a_long_interrupt_goes_on_at_dispatch_level),
        cmocka_unit_test(odd_notifications_are_told),
        cmocka_unit_test(events_and_registrations_are_for_the_dpc),
        cmocka_unit_test(changed_fields_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
