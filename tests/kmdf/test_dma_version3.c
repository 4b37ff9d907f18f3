/* What needs DMA version 3 (kmdf sheet, 2.9): reservations, Cancel, immediate execution, single
 * transfers; and who gets the device's one packet slot of version 2. */
#include "dma_framework.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, OFFSET = 300, PAGES_4 = 4 * PAGE_SIZE };

static const struct ft_wdf_tx *tx_of(WDFDMATRANSACTION handle)
{
    return (const struct ft_wdf_tx *)handle;
}

/* ---- reservations ---- */

static void body_reserve(void)
{
    wd_open_3(WdfDmaProfilePacket64, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    wd.complete = WD_PLAIN;
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 2, wd_reserve,
                                             &wd) == STATUS_SUCCESS);
    CHECK(wd.reserved == 1 && wd_state() == FT_TX_RESERVED);
    for (unsigned round = 0; round < 2; round++) { /* Release keeps the reservation */
        wd.bytes = wd.programs = 0;
        CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
        CHECK(wd.bytes == BYTES && wd.programs == 2); /* two registers a fragment */
        CHECK(v3_all_equal(&wd.v, false) && wd_state() == FT_TX_DONE);
        CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
        CHECK(tx_of(wd.tx)->reserved == 2 && tx_of(wd.tx)->base_set);
    }
    WdfDmaTransactionFreeResources(wd.tx);
    CHECK(wd_state() == FT_TX_RELEASED && tx_of(wd.tx)->reserved == 0);
    WdfDmaTransactionFreeResources(wd.tx); /* nothing is left, nothing happens */
}

static void test_reserve(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++) {
        wd_run((enum ft_platform_name)preset, body_reserve);
        assert_int_equal(wb_count(FT_EV_CHANNEL_EX), 1);
        assert_int_equal(wb_count(FT_EV_DMA_FREE_REGS), 1);
        assert_int_equal(wb_last(FT_EV_DMA_FREE_REGS)->arg[2], 2); /* what was reserved */
        assert_int_equal(wb_count(FT_EV_WDF_TX_RESERVED), 1);
    }
}

/* 0 registers: what the initialized transfer needs. */
static void body_reserve_all(void)
{
    wd_open_3(WdfDmaProfilePacket, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(wd_initialize(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 0, wd_reserve,
                                             &wd) == STATUS_SUCCESS);
    CHECK(wd.reserved == 1 && tx_of(wd.tx)->reserved == 3);
    wd.complete = WD_PLAIN;
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(wd.programs == 1 && v3_all_equal(&wd.v, false));
    WdfDmaTransactionFreeResources(wd.tx);
}

/* More than the adapter has. */
static void body_reserve_fails(void)
{
    wd_open_3(WdfDmaProfilePacket, PAGES_4);
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 1000, wd_reserve,
                                             &wd) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(wd.reserved == 0 && wd_state() == FT_TX_FAILED);
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 3, wd_reserve,
                                             &wd) == STATUS_SUCCESS);
    WdfObjectDelete(wd.tx);
}

static void test_reserve_count(void **state)
{
    (void)state;
    wd_run_all(body_reserve_all);
    wd_run(FT_PLATFORM_COHERENT, body_reserve_fails);
    assert_int_equal(wb_count(FT_EV_DMA_FREE_REGS), 1);
}

/* ---- Cancel ---- */

static void defer(struct ft_platform *platform)
{
    platform->defer = 1;
}

static void describe_3(struct ft_description *description)
{
    description->dma_version = DEVICE_DESCRIPTION_VERSION3;
}

static void run_deferred(void (*body)(void))
{
    memset(&wd, 0, sizeof wd);
    wb_run(&(struct wb_case){.body = body, .adjust = defer, .describe = describe_3});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static WDF_DMA_PROFILE profile;

/* Before the grant: nothing comes any more. */
static void body_cancel(void)
{
    wd_open_3(profile, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(wd.programs == 0 && wd_state() == FT_TX_TRANSFER);
    CHECK(WdfDmaTransactionCancel(wd.tx) && wd_state() == FT_TX_FAILED);
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    KeFlushQueuedDpcs();
    CHECK(wd.programs == 0);
}

/* After it: too late, and EvtProgramDma came. */
static void body_cancel_late(void)
{
    wd_open_3(profile, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(wd.programs == 1);
    CHECK(!WdfDmaTransactionCancel(wd.tx) && wd_state() == FT_TX_TRANSFER);
    CHECK(WdfDmaTransactionDmaCompletedFinal(wd.tx, 0, &wd.status));
}

static void test_cancel(void **state)
{
    static const WDF_DMA_PROFILE profiles[] = {WdfDmaProfilePacket, WdfDmaProfileScatterGather};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        profile = profiles[i];
        run_deferred(body_cancel);
        assert_int_equal(wb_last(FT_EV_WDF_TX_CANCEL)->arg[1], true);
        wd_run_all(body_cancel_late);
        assert_int_equal(wb_last(FT_EV_WDF_TX_CANCEL)->arg[1], false);
    }
}

/* A reservation that is not granted yet, withdrawn: nothing of it is left. */
static void body_cancel_reservation(void)
{
    wd_open_3(WdfDmaProfilePacket, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 2, wd_reserve,
                                             &wd) == STATUS_SUCCESS);
    CHECK(wd.reserved == 0 && wd_state() == FT_TX_RESERVED);
    CHECK(WdfDmaTransactionCancel(wd.tx) && wd_state() == FT_TX_FAILED);
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    KeFlushQueuedDpcs();
    CHECK(wd.reserved == 0);
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 2, wd_reserve,
                                             &wd) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionCancel(wd.tx));
    WdfObjectDelete(wd.tx);
}

static unsigned left_by; /* which call forgets the reservation that waits */

static void body_forget_reservation(void)
{
    wd_open_3(WdfDmaProfilePacket, PAGES_4);
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 2, wd_reserve,
                                             &wd) == STATUS_SUCCESS);
    if (left_by == FT_TX_CALL_RELEASE)
        WdfDmaTransactionRelease(wd.tx);
    else if (left_by == FT_TX_CALL_FREE)
        WdfDmaTransactionFreeResources(wd.tx);
    else
        WdfObjectDelete(wd.tx);
}

static void test_waiting_reservation(void **state)
{
    static const unsigned calls[] = {FT_TX_CALL_RELEASE, FT_TX_CALL_FREE, FT_TX_CALL_DELETE};

    (void)state;
    run_deferred(body_cancel_reservation);
    assert_int_equal(wb_count(FT_EV_DMA_FREE_REGS), 0);
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        memset(&wd, 0, sizeof wd);
        left_by = calls[i];
        wb_run(&(struct wb_case){
            .body = body_forget_reservation, .adjust = defer, .describe = describe_3});
        assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
        assert_int_equal(wb_last(FT_EV_WDF_TX_BAD)->arg[1], calls[i]);
        assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], FT_WDF_DMA_ERROR);
    }
}

/* ---- immediate execution ---- */

static void body_immediate(void)
{
    wd_open_3(profile, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    WdfDmaTransactionSetImmediateExecution(wd.tx, TRUE);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(wd.programs == 1); /* inside Execute, though the platform defers */
    CHECK(WdfDmaTransactionDmaCompleted(wd.tx, &wd.status));
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    CHECK(!tx_of(wd.tx)->at_once); /* Release forgets it */
}

static void body_immediate_fails(void)
{
    wd_open_3(profile, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    WdfDmaTransactionSetImmediateExecution(wd.tx, TRUE);
    FT_M->dma.few_armed = 1;
    FT_M->dma.few_left = 0;
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(wd.programs == 0 && wd_state() == FT_TX_FAILED);
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    FT_M->dma.few_armed = 0;
    wd.complete = WD_PLAIN;
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS && wd.programs == 1);
}

static void test_immediate(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        profile = i ? WdfDmaProfilePacket : WdfDmaProfileScatterGather;
        run_deferred(body_immediate);
        wd_run_all(body_immediate_fails);
    }
}

/* ---- single transfer ---- */

static void body_single(void)
{
    wd_open_3(WdfDmaProfileScatterGather, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    WdfDmaTransactionSetSingleTransferRequirement(wd.tx, TRUE);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS && wd.programs == 1);
    CHECK(WdfDmaTransactionDmaCompletedFinal(wd.tx, 100, &wd.status));
    CHECK(wd.status == STATUS_WDF_TOO_MANY_TRANSFERS); /* before it counts as final */
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS && !tx_of(wd.tx)->single);
    WdfDmaTransactionSetSingleTransferRequirement(wd.tx, TRUE);
    WdfDmaEnablerSetMaximumScatterGatherElements(wd.enabler, 2);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_WDF_TOO_FRAGMENTED);
    CHECK(wd_state() == FT_TX_RELEASED);
}

static void body_single_enabler(void)
{
    wd_device();
    wd_config(WdfDmaProfilePacket, PAGE_SIZE);
    wd.config.WdmDmaVersionOverride = DEVICE_DESCRIPTION_VERSION3;
    wd.config.Flags = WDF_DMA_ENABLER_CONFIG_REQUIRE_SINGLE_TRANSFER;
    CHECK(wd_enabler() == STATUS_SUCCESS && wd_transaction() == STATUS_SUCCESS);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_WDF_TOO_MANY_TRANSFERS);
    CHECK(WdfDmaTransactionInitializeUsingOffset(wd.tx, wd_program, WdfDmaDirectionReadFromDevice,
                                                 wd.v.b.mdl, 0, PAGE_SIZE) ==
          STATUS_WDF_TOO_FRAGMENTED); /* two pages, one element */
    CHECK(WdfDmaTransactionInitializeUsingOffset(wd.tx, wd_program, WdfDmaDirectionReadFromDevice,
                                                 wd.v.b.mdl, 0, 64) == STATUS_SUCCESS);
}

static void few_registers(struct ft_platform *platform)
{
    platform->registers = 2;
}

static void body_single_registers(void)
{
    body_single_enabler();
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    wd_config(WdfDmaProfileScatterGather, PAGES_4);
    wd.config.WdmDmaVersionOverride = DEVICE_DESCRIPTION_VERSION3;
    CHECK(wd_enabler() == STATUS_SUCCESS && wd_transaction() == STATUS_SUCCESS);
    WdfDmaTransactionSetSingleTransferRequirement(wd.tx, TRUE);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_WDF_NOT_ENOUGH_MAP_REGISTERS);
}

static void test_single(void **state)
{
    (void)state;
    wd_run_all(body_single);
    wd_run_all(body_single_enabler);
    memset(&wd, 0, sizeof wd);
    wb_run(&(struct wb_case){
        .body = body_single_registers, .adjust = few_registers, .describe = describe_3});
}

/* ---- limits ---- */

static void body_fragmented(void)
{
    wd_open(WdfDmaProfileScatterGather, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    WdfDmaEnablerSetMaximumScatterGatherElements(wd.enabler, 2);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_WDF_TOO_FRAGMENTED);
    CHECK(wd_state() == FT_TX_RELEASED);
}

static void test_fragmented(void **state)
{
    (void)state;
    wd_run_all(body_fragmented);
    assert_int_equal(wb_count(FT_EV_WDF_TX_PROGRAM), 0);
}

/* Version 2: one packet transaction of the device at a time, whatever the enabler. */
static void body_busy(void)
{
    WDFDMATRANSACTION first;

    wd_open(WdfDmaProfilePacket, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    first = wd.tx;
    CHECK(wd_enabler() == STATUS_SUCCESS && wd_transaction() == STATUS_SUCCESS);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_WDF_BUSY);
    CHECK(wd_state() == FT_TX_FAILED && wd.programs == 1);
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionDmaCompletedFinal(first, 0, &wd.status));
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS && wd.programs == 2);
    CHECK(WdfDmaTransactionDmaCompletedFinal(wd.tx, 0, &wd.status));
}

/* Version 3: as many as the adapter's registers allow. */
static void body_not_busy(void)
{
    WDFDMATRANSACTION first;

    wd_open_3(WdfDmaProfilePacket, PAGE_SIZE);
    v3_request(&wd.v, 600, OFFSET, true);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    first = wd.tx;
    CHECK(wd_transaction() == STATUS_SUCCESS);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS && wd.programs == 2);
    CHECK(WdfDmaTransactionDmaCompletedFinal(first, 0, &wd.status));
    CHECK(WdfDmaTransactionDmaCompletedFinal(wd.tx, 0, &wd.status));
}

/* The HAL refuses: nobody is called, and the slot is free again. */
static void body_refused(void)
{
    wd_open(WdfDmaProfilePacket, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    FT_M->alloc_fail_what = FT_FAIL_CHANNEL;
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(wd.programs == 0 && wd_state() == FT_TX_FAILED);
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    wd.complete = WD_PLAIN;
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS && wd.result);
}

static void test_busy(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_busy);
    assert_int_equal(wb_count(FT_EV_DMA_CHANNEL), 2); /* the refused one never came to the HAL */
    wd_run(FT_PLATFORM_BOUNCE, body_busy);
    wd_run_all(body_not_busy);
    wd_run(FT_PLATFORM_COHERENT, body_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserve),    cmocka_unit_test(test_reserve_count),
        cmocka_unit_test(test_cancel),     cmocka_unit_test(test_waiting_reservation),
        cmocka_unit_test(test_immediate),  cmocka_unit_test(test_single),
        cmocka_unit_test(test_fragmented), cmocka_unit_test(test_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
