/* Transactions that move data, on every platform: profiles, directions, fragments, chains, and the
 * ways in which fragments end (kmdf sheet, 2.3 to 2.8). */
#include "dma_framework.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, OFFSET = 300, PAGES_4 = 4 * PAGE_SIZE };

static void finished(size_t bytes)
{
    CHECK(wd.result == TRUE && wd.status == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionGetBytesTransferred(wd.tx) == bytes);
    CHECK(WdfDmaTransactionGetCurrentDmaTransferLength(wd.tx) == 0);
    CHECK(wd_state() == FT_TX_DONE);
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionGetBytesTransferred(wd.tx) == 0);
    CHECK(wd_state() == FT_TX_RELEASED);
}

/* Completed by the body, outside of EvtProgramDma, as a DPC would. */
static void complete_all(void)
{
    unsigned rounds = 0;

    wd.complete = WD_PLAIN;
    do {
        unsigned programs = wd.programs;

        wd.complete = WD_PLAIN;
        wd.result = FALSE;
        wd.result = WdfDmaTransactionDmaCompleted(wd.tx, &wd.status);
        CHECK(wd.result ||
              (wd.status == STATUS_MORE_PROCESSING_REQUIRED && wd.programs > programs));
    } while (!wd.result && ++rounds < 100);
    CHECK(wd.result);
}

static BOOLEAN program_later(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                             WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
    wd.complete = WD_LATER;
    return wd_program(tx, device, context, direction, list);
}

static void transfer(WDF_DMA_PROFILE profile, WDF_DMA_DIRECTION direction, size_t maximum)
{
    bool write = direction == WdfDmaDirectionWriteToDevice;

    wd_open(profile, maximum);
    v3_request(&wd.v, BYTES, OFFSET, !write);
    CHECK(WdfDmaTransactionInitialize(wd.tx, program_later, direction, wd.v.b.mdl, wd.v.b.va,
                                      BYTES) == STATUS_SUCCESS);
    CHECK(wd_state() == FT_TX_INITIALIZED);
    CHECK(WdfDmaTransactionExecute(wd.tx, &wd) == STATUS_SUCCESS);
    CHECK(wd.programs == 1 && wd_state() == FT_TX_TRANSFER);
    complete_all();
    CHECK(wd.bytes == BYTES);
    CHECK(v3_all_equal(&wd.v, write));
    finished(BYTES);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
}

static struct {
    WDF_DMA_PROFILE profile;
    WDF_DMA_DIRECTION direction;
    size_t maximum;
} plan;

static void body_plan(void)
{
    transfer(plan.profile, plan.direction, plan.maximum);
}

/* Every bus-master profile, both directions, one fragment and several, on every platform. */
static void test_profiles(void **state)
{
    static const size_t maximum[] = {BYTES, PAGES_4, PAGE_SIZE, 1000};

    (void)state;
    for (unsigned profile = WdfDmaProfilePacket; profile < WdfDmaProfileSystem; profile++)
        for (unsigned direction = 0; direction < 2; direction++)
            for (unsigned i = 0; i < sizeof maximum / sizeof *maximum; i++) {
                plan.profile = (WDF_DMA_PROFILE)profile;
                plan.direction = (WDF_DMA_DIRECTION)direction;
                plan.maximum = maximum[i];
                wd_run_all(body_plan);
            }
}

/* EvtProgramDma completes each fragment itself. */
static void body_nested(void)
{
    wd_open(plan.profile, plan.maximum);
    v3_request(&wd.v, BYTES, OFFSET, true);
    wd.complete = WD_PLAIN;
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(wd.bytes == BYTES && wd.programs == (BYTES + plan.maximum - 1) / plan.maximum);
    CHECK(v3_all_equal(&wd.v, false));
    wd.result = TRUE;
    wd.status = STATUS_SUCCESS;
    finished(BYTES);
}

static void test_nested(void **state)
{
    (void)state;
    plan.maximum = PAGE_SIZE;
    for (unsigned profile = WdfDmaProfilePacket; profile < WdfDmaProfileSystem; profile++) {
        plan.profile = (WDF_DMA_PROFILE)profile;
        wd_run_all(body_nested);
    }
}

/* A device that moves less than it was told: the rest comes again. */
static void body_length(void)
{
    wd_open(plan.profile, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(WdfDmaTransactionInitializeUsingOffset(wd.tx, program_later,
                                                 WdfDmaDirectionReadFromDevice, wd.v.b.mdl, 0,
                                                 BYTES) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionExecute(wd.tx, &wd) == STATUS_SUCCESS);
    CHECK(wd.last_length == BYTES);
    CHECK(!WdfDmaTransactionDmaCompletedWithLength(wd.tx, 1000, &wd.status));
    CHECK(wd.status == STATUS_MORE_PROCESSING_REQUIRED && wd.last_length == BYTES - 1000);
    CHECK(WdfDmaTransactionGetBytesTransferred(wd.tx) == 1000);
    CHECK(!WdfDmaTransactionDmaCompletedWithLength(wd.tx, 0, &wd.status)); /* once more */
    CHECK(wd.last_length == BYTES - 1000 && wd.programs == 3);
    wd.result = WdfDmaTransactionDmaCompletedFinal(wd.tx, 500, &wd.status);
    CHECK(wd.result && wd.status == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionGetBytesTransferred(wd.tx) == 1500);
    finished(1500);
}

static void test_length(void **state)
{
    (void)state;
    plan.profile = WdfDmaProfileScatterGather;
    wd_run_all(body_length);
    plan.profile = WdfDmaProfilePacket;
    wd_run_all(body_length);
}

/* Final(0) is how a transfer is aborted; nothing is left mapped, and the object serves again. */
static void body_abort(void)
{
    wd_open(plan.profile, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    wd.idle_device = true;
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionDmaCompletedFinal(wd.tx, 0, &wd.status));
    wd.result = TRUE;
    finished(0);
    wd.idle_device = false;
    wd.complete = WD_PLAIN;
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(v3_all_equal(&wd.v, false));
    finished(BYTES);
    WdfObjectDelete(wd.tx);
    WdfObjectDelete(wd.enabler);
}

static void test_abort(void **state)
{
    (void)state;
    for (unsigned profile = WdfDmaProfilePacket; profile < WdfDmaProfileSystem; profile++) {
        plan.profile = (WDF_DMA_PROFILE)profile;
        wd_run_all(body_abort);
        assert_int_equal(wb_count(FT_EV_DMA_GET), wb_count(FT_EV_DMA_PUT));
        assert_int_equal(wb_count(FT_EV_WDF_TX_END), 1);
    }
}

/* More than the fragment has: the transaction is over, without a flush on the packet path. */
static void body_too_long(void)
{
    wd_open(plan.profile, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionDmaCompletedWithLength(wd.tx, BYTES + 1, &wd.status));
    CHECK(wd.status == STATUS_INVALID_PARAMETER && wd_state() == FT_TX_FAILED);
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
}

static void test_too_long(void **state)
{
    (void)state;
    plan.profile = WdfDmaProfilePacket;
    wd_run(FT_PLATFORM_COHERENT, body_too_long);
    assert_int_equal(wb_count(FT_EV_DMA_FLUSH), 0);
    assert_int_equal(wb_count(FT_EV_DMA_FREE_REGS), 1);
    assert_int_equal(wb_last(FT_EV_WDF_TX_BAD)->arg[1], FT_TX_CALL_LENGTH);
    plan.profile = WdfDmaProfileScatterGather;
    wd_run(FT_PLATFORM_COHERENT, body_too_long);
    assert_int_equal(wb_count(FT_EV_SG_PUT), 1);
}

/* A flush that fails ends the transaction. */
static void body_flush_fails(void)
{
    wd_open(WdfDmaProfilePacket, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    FT_M->dma.flush_fails = 1;
    CHECK(WdfDmaTransactionDmaCompleted(wd.tx, &wd.status));
    CHECK(wd.status == STATUS_UNSUCCESSFUL && wd_state() == FT_TX_FAILED);
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
}

static void test_flush_fails(void **state)
{
    (void)state;
    wd_run_all(body_flush_fails);
}

/* Chains: lists take them in any version, packets in version 3, one MDL at a time. */
static void body_chain(void)
{
    static const ULONG bytes[V3_CHAIN_MAX] = {5000, 300, 2000};

    wd_device();
    wd_config(plan.profile, PAGES_4);
    wd.config.WdmDmaVersionOverride = (ULONG)plan.maximum;
    CHECK(wd_enabler() == STATUS_SUCCESS && wd_transaction() == STATUS_SUCCESS);
    v3_chain(&wd.v, V3_CHAIN_MAX, bytes, true);
    wd.complete = WD_PLAIN;
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(wd.bytes == 7300 && v3_all_equal(&wd.v, false));
    wd.result = TRUE;
    finished(7300);
}

static void body_chain_refused(void)
{
    static const ULONG bytes[2] = {5000, 300};

    wd_open(WdfDmaProfilePacket, PAGES_4);
    v3_chain(&wd.v, 2, bytes, true);
    CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_INVALID_PARAMETER);
    CHECK(wd_state() == FT_TX_CREATED);
}

static void test_chain(void **state)
{
    (void)state;
    plan.profile = WdfDmaProfileScatterGather64;
    plan.maximum = 3;
    wd_run_all(body_chain);
    plan.maximum = 2;
    wd_run(FT_PLATFORM_COHERENT, body_chain);
    wd_run(FT_PLATFORM_BOUNCE, body_chain);
    plan.profile = WdfDmaProfilePacket;
    plan.maximum = 3;
    wd_run_all(body_chain);
    wd_run(FT_PLATFORM_COHERENT, body_chain_refused);
}

/* The list of a packet leads nowhere once EvtProgramDma has returned. */
static SCATTER_GATHER_LIST *escaped;

static BOOLEAN program_escape(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                              WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
    (void)tx;
    (void)device;
    (void)context;
    (void)direction;
    CHECK(list->NumberOfElements == 1 && list->Elements[0].Length == BYTES);
    escaped = list;
    return FALSE; /* ignored */
}

static void body_escape(void)
{
    wd_open(WdfDmaProfilePacket, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(WdfDmaTransactionInitialize(wd.tx, program_escape, WdfDmaDirectionReadFromDevice,
                                      wd.v.b.mdl, wd.v.b.va, BYTES) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionExecute(wd.tx, &wd) == STATUS_SUCCESS);
    CHECK(wd_state() == FT_TX_TRANSFER && escaped != NULL);
    CHECK(WdfDmaTransactionDmaCompletedFinal(wd.tx, 0, &wd.status));
}

static void test_escape(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_escape);
    assert_int_equal(wb_count(FT_EV_WDF_TX_PROGRAM), 1);
    assert_int_equal(wb_last(FT_EV_WDF_TX_PROGRAM)->arg[1], 0);
}

/* SetMaximumLength makes fragments smaller. */
static void body_smaller(void)
{
    wd_open(WdfDmaProfileScatterGather, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(wd_initialize(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    WdfDmaTransactionSetMaximumLength(wd.tx, 100000); /* not larger */
    WdfDmaTransactionSetMaximumLength(wd.tx, 3000);
    wd.complete = WD_PLAIN;
    CHECK(WdfDmaTransactionExecute(wd.tx, &wd) == STATUS_SUCCESS);
    CHECK(wd.programs == 3 && wd.bytes == BYTES && v3_all_equal(&wd.v, false));
}

static void test_smaller(void **state)
{
    (void)state;
    wd_run_all(body_smaller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profiles), cmocka_unit_test(test_nested),
        cmocka_unit_test(test_length),   cmocka_unit_test(test_abort),
        cmocka_unit_test(test_too_long), cmocka_unit_test(test_flush_fails),
        cmocka_unit_test(test_chain),    cmocka_unit_test(test_escape),
        cmocka_unit_test(test_smaller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
