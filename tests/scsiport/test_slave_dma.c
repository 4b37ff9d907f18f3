/* ScsiPortIoMapTransfer and ScsiPortFlushDma, the port's DPC, and the adapter channel. */
#include "disk_hba.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct ft_op a_read[] = {{.kind = FT_OP_DISK_READ, .label = 1, .arg = {8, 3}}};
static const struct ft_op read_write_read[] = {
    {.kind = FT_OP_DISK_READ, .label = 1, .arg = {8, 3}},
    {.kind = FT_OP_DISK_WRITE, .label = 2, .arg = {5, 6}},
    {.kind = FT_OP_DISK_READ, .label = 3, .arg = {8, 3}},
};

static bool comes_before(enum ft_event_kind first, enum ft_event_kind second, unsigned n)
{
    return wb_place(first, n) >= 0 && wb_place(first, n) < wb_place(second, n);
}

static void check_data(unsigned requests)
{
    assert_int_equal(wb_count(FT_EV_DISK_COMPARE), requests);
    for (unsigned n = 1; n <= requests; n++)
        assert_int_equal(wb_event(FT_EV_DISK_COMPARE, n)->arg[4],
                         wb_event(FT_EV_DISK_COMPARE, n)->arg[3]);
}

static enum ft_platform_name wanted;

static void adjust_to(struct ft_platform *platform)
{
    ft_platform_preset(wanted, platform);
}

/* ---- the usual way ---- */

static void data_moves_on_every_platform(void **state)
{
    (void)state;
    for (wanted = 0; wanted < FT_PLATFORM_COUNT; wanted++) {
        disk_hba_run(&(struct disk_hba){.adjust = adjust_to}, read_write_read,
                     COUNT(read_write_read));
        check_data(3);
        assert_int_equal(wb_count(FT_EV_SCSI_MAP), 3);
        assert_int_equal(wb_count(FT_EV_SCSI_FLUSH), 3);
        assert_int_equal(wb_count(FT_EV_DMA_MAP), 3);
        assert_int_equal(wb_count(FT_EV_DMA_FLUSH), 3);
    }
}

static void intent_and_act_are_two_events(void **state)
{
    const struct ft_event *map, *hal;

    (void)state;
    disk_hba_run(&(struct disk_hba){0}, a_read, 1);
    map = wb_event(FT_EV_SCSI_MAP, 1);
    hal = wb_event(FT_EV_DMA_MAP, 1);
    assert_int_equal(map->layer, FT_LAYER_DRIVER);
    assert_int_equal(map->irql, WB_IRQ_LEVEL);
    assert_int_equal(map->arg[3], 8 * 512);
    assert_int_equal(map->arg[7], FT_ROUTINE_SCSI_START_IO);
    assert_int_equal(hal->layer, FT_LAYER_PORT);
    assert_int_equal(hal->irql, DISPATCH_LEVEL);
    assert_int_equal(hal->request, ft_handle_id(wb_event(FT_EV_DISK_COMPARE, 1)->arg[0]));
    assert_int_equal(wb_event(FT_EV_SCSI_DMA_STARTED, 1)->irql, WB_IRQ_LEVEL);
    assert_true(comes_before(FT_EV_SCSI_MAP, FT_EV_DMA_MAP, 1));
    assert_true(comes_before(FT_EV_DMA_MAP, FT_EV_SCSI_DMA_STARTED, 1));
    assert_true(comes_before(FT_EV_SCSI_FLUSH, FT_EV_DMA_FLUSH, 1));
    assert_int_equal(wb_event(FT_EV_SCSI_FLUSH, 1)->arg[2], 2);
    assert_int_equal(wb_event(FT_EV_SCSI_FLUSH, 1)->arg[3], 8 * 512);
}

/* The channel is held from the first active request to the end of the last one. */
static void the_channel_is_held_while_requests_are_active(void **state)
{
    (void)state;
    disk_hba_run(&(struct disk_hba){0}, a_read, 1);
    assert_int_equal(wb_last(FT_EV_SCSI_CHANNEL)->arg[2], 0);
    assert_int_equal(wb_count(FT_EV_DMA_CHANNEL), wb_count(FT_EV_DMA_FREE_CHANNEL));
    assert_true(wb_place(FT_EV_DMA_FREE_CHANNEL, wb_count(FT_EV_DMA_FREE_CHANNEL)) >
                wb_place(FT_EV_DMA_FLUSH, 1));
}

/* ---- piece by piece ---- */

enum { PIECE = 1536 };
static ULONG done;

static void map_piece(void)
{
    ScsiPortIoMapTransfer(the_scsi.extension, hba.srb, (PUCHAR)hba.srb->DataBuffer + done, PIECE);
}

static void start_pieces(PSCSI_REQUEST_BLOCK srb)
{
    (void)srb;
    done = 0;
    map_piece();
}

/* The chip goes on for the rest, the controller ends with each piece. */
static void next_piece(void)
{
    ScsiPortFlushDma(the_scsi.extension);
    done += PIECE;
    hba.skew += PIECE / 512;
    if (done < hba.srb->DataTransferLength)
        map_piece();
    else
        disk_hba_end(SRB_STATUS_SUCCESS);
}

static void a_request_may_have_several_mappings(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_DISK_READ, .label = 1, .arg = {6, 3}}};

    (void)state;
    disk_hba_run(&(struct disk_hba){.start = start_pieces, .interrupted = next_piece}, op, 1);
    check_data(1);
    assert_int_equal(wb_count(FT_EV_DMA_MAP), 2);
    assert_int_equal(wb_event(FT_EV_SCSI_MAP, 2)->arg[2], PIECE);
    /* Flush and next mapping of one interrupt: the DPC flushes first, each with its own range. */
    assert_true(wb_place(FT_EV_DMA_FLUSH, 1) < wb_place(FT_EV_DMA_MAP, 2));
    assert_int_equal(wb_event(FT_EV_DMA_FLUSH, 1)->arg[3], 0);
    assert_int_equal(wb_event(FT_EV_DMA_FLUSH, 2)->arg[3], PIECE);
}

/* ---- given up ---- */

static void give_up_at_once(PSCSI_REQUEST_BLOCK srb)
{
    (void)srb;
    disk_hba_map();
    ScsiPortFlushDma(the_scsi.extension);
    disk_hba_end(SRB_STATUS_INVALID_REQUEST);
}

static void what_is_flushed_at_once_is_never_mapped(void **state)
{
    (void)state;
    disk_hba_run(&(struct disk_hba){.start = give_up_at_once}, a_read, 1);
    assert_int_equal(wb_count(FT_EV_SCSI_MAP), 1);
    assert_int_equal(wb_event(FT_EV_SCSI_FLUSH, 1)->arg[2], 1);
    assert_int_equal(wb_count(FT_EV_DMA_MAP), 0);
    assert_int_equal(wb_count(FT_EV_DMA_FLUSH), 0);
    assert_int_equal(wb_count(FT_EV_SCSI_DMA_STARTED), 0);
    assert_int_equal(wb_last(FT_EV_SCSI_CHANNEL)->arg[2], 0);
}

/* An interrupt between the programming of the controller and HwScsiDmaStarted. */
static void give_up_in_isr(enum ft_routine routine)
{
    if (routine != FT_ROUTINE_SCSI_INTERRUPT || !hba.srb)
        return;
    ScsiPortFlushDma(the_scsi.extension);
    disk_hba_end(SRB_STATUS_INVALID_REQUEST);
}

static void what_is_flushed_before_it_started_never_starts(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_DISK_READ, .label = 1, .arg = {8, 3}},
        {.kind = FT_OP_INT_SPURIOUS, .moment = {.point = FT_PT_SCSI_DMA_MAP, .count = 1}},
        {.kind = FT_OP_PREEMPT,
         .moment = {.point = FT_PT_SCSI_DMA_MAPPED, .count = 1},
         .arg = {FT_TASK_ISR, 0}},
    };

    (void)state;
    disk_hba_run(&(struct disk_hba){.in = give_up_in_isr}, op, COUNT(op));
    assert_int_equal(wb_count(FT_EV_DMA_MAP), 1);
    assert_int_equal(wb_event(FT_EV_SCSI_FLUSH, 1)->arg[2], 2);
    assert_int_equal(wb_count(FT_EV_SCSI_DMA_STARTED), 1);
    assert_int_equal(wb_event(FT_EV_SCSI_DMA_STARTED, 1)->arg[2], 0);
    assert_null(strstr(wb_notes(), "dma"));
    assert_int_equal(wb_count(FT_EV_DMA_FLUSH), 1);
    assert_true(wb_place(FT_EV_DMA_FLUSH, 1) < wb_place(FT_EV_DISK_JUDGED, 1));
}

/* … and before the DPC maps: nothing is mapped. */
static void what_is_flushed_while_the_dpc_waits_is_not_mapped(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_DISK_READ, .label = 1, .arg = {8, 3}},
        {.kind = FT_OP_INT_SPURIOUS, .moment = {.point = FT_PT_SCSI_MAP_OUT, .count = 1}},
        {.kind = FT_OP_PREEMPT,
         .moment = {.point = FT_PT_SCSI_DMA_MAP, .count = 1},
         .arg = {FT_TASK_ISR, 0}},
    };

    (void)state;
    disk_hba_run(&(struct disk_hba){.in = give_up_in_isr}, op, COUNT(op));
    assert_int_equal(wb_event(FT_EV_SCSI_FLUSH, 1)->arg[2], 1);
    assert_int_equal(wb_count(FT_EV_DMA_MAP), 0);
    assert_int_equal(wb_count(FT_EV_SCSI_DMA_STARTED), 0);
    assert_int_equal(wb_count(FT_EV_DMA_FLUSH), 0);
}

/* ---- wrong ---- */

static void complete_without_flush(void)
{
    disk_hba_end(SRB_STATUS_SUCCESS);
}

/* The data stays in the pages of the map registers, and the HAL is told of no flush. */
static void a_missing_flush_loses_the_data(void **state)
{
    (void)state;
    wanted = FT_PLATFORM_BOUNCE;
    disk_hba_run(&(struct disk_hba){.interrupted = complete_without_flush, .adjust = adjust_to},
                 a_read, 1);
    assert_int_equal(wb_count(FT_EV_DMA_FLUSH), 0);
    assert_int_equal(wb_event(FT_EV_DISK_COMPARE, 1)->arg[4], 0);
}

/* Nothing happens but the event. */
static void call_out_of_place(enum ft_routine routine)
{
    SCSI_REQUEST_BLOCK none = {0};

    if (routine != FT_ROUTINE_SCSI_FIND_ADAPTER)
        return;
    ScsiPortIoMapTransfer(the_scsi.extension, &none, NULL, 512);
    ScsiPortFlushDma(the_scsi.extension);
}

static void calls_outside_of_run_time_say_where_they_came(void **state)
{
    const struct ft_event *map, *flush;

    (void)state;
    disk_hba_run(&(struct disk_hba){.in = call_out_of_place}, a_read, 1);
    map = wb_event(FT_EV_SCSI_MAP, 1);
    flush = wb_event(FT_EV_SCSI_FLUSH, 1);
    assert_int_equal(map->irql, PASSIVE_LEVEL);
    assert_int_equal(map->arg[7], FT_ROUTINE_SCSI_FIND_ADAPTER);
    assert_int_equal(map->arg[1], 0);
    assert_int_equal(map->arg[4], 0); /* it is not the miniport's */
    assert_int_equal(flush->arg[2], 0);
    assert_int_equal(flush->arg[4], FT_ROUTINE_SCSI_FIND_ADAPTER);
    check_data(1);
}

static void over_flush(void)
{
    ScsiPortFlushDma(the_scsi.extension);
    ScsiPortFlushDma(the_scsi.extension);
    disk_hba_end(SRB_STATUS_SUCCESS);
}

static void a_second_flush_is_harmless(void **state)
{
    (void)state;
    disk_hba_run(&(struct disk_hba){.interrupted = over_flush}, a_read, 1);
    assert_int_equal(wb_event(FT_EV_SCSI_FLUSH, 2)->arg[2], 0);
    assert_int_equal(wb_count(FT_EV_DMA_FLUSH), 1);
    check_data(1);
}

/* The port completes the SRB; the class driver makes an error of it. */
static void a_channel_that_never_comes_fails_the_request(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_FAIL_ALLOC, .arg = {FT_FAIL_CHANNEL, 0}},
        {.kind = FT_OP_DISK_READ, .label = 1, .arg = {8, 3}},
    };

    (void)state;
    disk_hba_run(&(struct disk_hba){0}, op, COUNT(op));
    assert_int_equal(wb_event(FT_EV_DISK_JUDGED, 1)->arg[2], SRB_STATUS_INVALID_REQUEST);
    assert_int_equal(wb_count(FT_EV_DISK_COMPARE), 0);
    assert_null(strstr(wb_notes(), "cdb:28"));
}

static void the_grant_may_come_later(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_DEFER_GRANT},
        {.kind = FT_OP_DISK_READ, .label = 1, .arg = {8, 3}},
    };

    (void)state;
    disk_hba_run(&(struct disk_hba){0}, op, COUNT(op));
    check_data(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_moves_on_every_platform),
        cmocka_unit_test(intent_and_act_are_two_events),
        cmocka_unit_test(the_channel_is_held_while_requests_are_active),
        cmocka_unit_test(a_request_may_have_several_mappings),
        cmocka_unit_test(what_is_flushed_at_once_is_never_mapped),
        cmocka_unit_test(what_is_flushed_before_it_started_never_starts),
        cmocka_unit_test(what_is_flushed_while_the_dpc_waits_is_not_mapped),
        cmocka_unit_test(a_missing_flush_loses_the_data),
        cmocka_unit_test(calls_outside_of_run_time_say_where_they_came),
        cmocka_unit_test(a_second_flush_is_harmless),
        cmocka_unit_test(a_channel_that_never_comes_fails_the_request),
        cmocka_unit_test(the_grant_may_come_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
