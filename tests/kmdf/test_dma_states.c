/* The state machine of transactions (kmdf sheet, 2.1): every call in every state, and the
 * parameters that Initialize refuses. */
#include "dma_framework.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, OFFSET = 300, PAGES_4 = 4 * PAGE_SIZE };

#define CREATED     (1u << FT_TX_CREATED)
#define RESERVED    (1u << FT_TX_RESERVED)
#define INITIALIZED (1u << FT_TX_INITIALIZED)
#define TRANSFER    (1u << FT_TX_TRANSFER)
#define DONE        (1u << FT_TX_DONE)
#define FAILED      (1u << FT_TX_FAILED)
#define RELEASED    (1u << FT_TX_RELEASED)
#define ALL         (CREATED | RESERVED | INITIALIZED | TRANSFER | DONE | FAILED | RELEASED)

/* ---- bringing a packet transaction of version 3 into a state ---- */

static void reach(unsigned state)
{
    wd_open_3(WdfDmaProfilePacket, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    if (state == FT_TX_RESERVED)
        CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 4,
                                                 wd_reserve, &wd) == STATUS_SUCCESS);
    if (state == FT_TX_INITIALIZED)
        CHECK(wd_initialize(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    if (state == FT_TX_TRANSFER || state == FT_TX_DONE)
        CHECK(wd_execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    if (state == FT_TX_DONE)
        CHECK(WdfDmaTransactionDmaCompletedFinal(wd.tx, BYTES, &wd.status));
    if (state == FT_TX_FAILED) { /* cancelled before it began */
        CHECK(wd_initialize(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
        CHECK(WdfDmaTransactionCancel(wd.tx));
    }
    if (state == FT_TX_RELEASED)
        CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    CHECK(wd_state() == state);
}

/* ---- the calls ---- */

static void call_initialize(void)
{
    CHECK(wd_initialize(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(wd_state() == FT_TX_INITIALIZED);
}

static void call_execute(void)
{
    CHECK(WdfDmaTransactionExecute(wd.tx, &wd) == STATUS_SUCCESS);
    CHECK(wd_state() == FT_TX_TRANSFER);
}

static void call_completed(void)
{
    CHECK(WdfDmaTransactionDmaCompleted(wd.tx, &wd.status) && wd_state() == FT_TX_DONE);
}

static void call_length(void)
{
    CHECK(!WdfDmaTransactionDmaCompletedWithLength(wd.tx, 1, &wd.status));
    CHECK(wd_state() == FT_TX_TRANSFER);
}

static void call_final(void)
{
    CHECK(WdfDmaTransactionDmaCompletedFinal(wd.tx, 0, &wd.status) && wd_state() == FT_TX_DONE);
}

static void call_release(void)
{
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS && wd_state() == FT_TX_RELEASED);
}

static void call_delete(void)
{
    WdfObjectDelete(wd.tx);
}

static void call_cancel(void)
{
    (void)WdfDmaTransactionCancel(wd.tx);
}

static void call_reserve(void)
{
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 4, wd_reserve,
                                             &wd) == STATUS_SUCCESS);
    CHECK(wd_state() == FT_TX_RESERVED && wd.reserved == 1);
}

static void call_reserve_0(void)
{
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 0, wd_reserve,
                                             &wd) == STATUS_SUCCESS);
    CHECK(wd_state() == FT_TX_RESERVED && wd.reserved == 1);
}

static void call_free(void)
{
    WdfDmaTransactionFreeResources(wd.tx);
    CHECK(wd_state() == FT_TX_RELEASED);
}

static void call_info(void)
{
    ULONG registers = 0, elements = 0;

    WdfDmaTransactionGetTransferInfo(wd.tx, &registers, &elements);
    CHECK(registers == 3 && elements == 3);
    WdfDmaTransactionGetTransferInfo(wd.tx, NULL, NULL);
}

static void call_maximum(void)
{
    WdfDmaTransactionSetMaximumLength(wd.tx, PAGE_SIZE);
}

struct call {
    void (*call)(void);
    unsigned call_number, legal;
    unsigned null; /* states in which the framework follows a null pointer */
};

static const struct call calls[] = {
    {call_initialize, FT_TX_CALL_INITIALIZE, CREATED | RESERVED | RELEASED, 0},
    {call_execute, FT_TX_CALL_EXECUTE, INITIALIZED, 0},
    {call_completed, FT_TX_CALL_COMPLETED, TRANSFER, 0},
    {call_length, FT_TX_CALL_COMPLETED, TRANSFER, 0},
    {call_final, FT_TX_CALL_COMPLETED, TRANSFER, 0},
    {call_release, FT_TX_CALL_RELEASE, ALL & ~TRANSFER, 0},
    {call_delete, FT_TX_CALL_DELETE, ALL & ~TRANSFER, 0},
    {call_cancel, FT_TX_CALL_CANCEL, ALL & ~(CREATED | RELEASED), DONE},
    {call_reserve, FT_TX_CALL_RESERVE, CREATED | INITIALIZED | RELEASED, 0},
    {call_reserve_0, FT_TX_CALL_RESERVE, INITIALIZED, 0},
    {call_free, FT_TX_CALL_FREE, ALL & ~(CREATED | TRANSFER), 0},
    {call_info, FT_TX_CALL_TRANSFER_INFO, INITIALIZED, 0},
    {call_maximum, FT_TX_CALL_SET_MAXIMUM, ALL, CREATED | DONE | RELEASED},
};

static unsigned present_state, present_call;

static void body_call(void)
{
    reach(present_state);
    calls[present_call].call();
}

static void check_bad(unsigned how)
{
    const struct ft_event *bad = wb_last(FT_EV_WDF_TX_BAD);

    assert_int_equal(bad->arg[1], calls[present_call].call_number);
    assert_int_equal(bad->arg[2], present_state);
    assert_int_equal(bad->arg[3], how);
}

static void test_table(void **state)
{
    enum { NULL_POINTER_CODE = 0xD1 };

    (void)state;
    for (present_call = 0; present_call < sizeof calls / sizeof *calls; present_call++)
        for (present_state = FT_TX_CREATED; present_state <= FT_TX_RELEASED; present_state++) {
            const struct call *call = &calls[present_call];
            unsigned bit = 1u << present_state;

            if (call->null & bit) {
                wd_run_bugcheck(body_call, NULL_POINTER_CODE);
                check_bad(FT_TX_BAD_NULL);
            } else if (call->legal & bit) {
                wd_run(FT_PLATFORM_COHERENT, body_call);
                assert_int_equal(wb_count(FT_EV_WDF_TX_BAD), 0);
            } else {
                wd_run_violation(body_call, FT_WDF_DMA_ERROR);
                assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[3], present_state);
                check_bad(FT_TX_BAD_STOPS);
            }
        }
}

/* ---- setters that only break into the debugger ---- */

static void body_setters(void)
{
    const struct ft_wdf_tx *tx;

    reach(present_state);
    tx = (const struct ft_wdf_tx *)wd.tx;
    WdfDmaTransactionSetSingleTransferRequirement(wd.tx, TRUE);
    CHECK(tx->single == ((CREATED | RELEASED | RESERVED) >> present_state & 1));
    WdfDmaTransactionSetImmediateExecution(wd.tx, TRUE);
    CHECK(tx->at_once == 1); /* in any state */
    CHECK((WdfDmaTransactionWdmGetTransferContext(wd.tx) != NULL) ==
          !((CREATED | RELEASED) >> present_state & 1));
}

static unsigned bad_of(unsigned call)
{
    unsigned count = 0;

    for (unsigned i = 1; i <= wb_count(FT_EV_WDF_TX_BAD); i++) {
        const struct ft_event *bad = wb_event(FT_EV_WDF_TX_BAD, i);

        assert_int_equal(bad->arg[3], FT_TX_BAD_BREAKS);
        count += bad->arg[1] == call;
    }
    return count;
}

static void test_setters(void **state)
{
    (void)state;
    for (present_state = FT_TX_CREATED; present_state <= FT_TX_RELEASED; present_state++) {
        wd_run(FT_PLATFORM_COHERENT, body_setters);
        assert_int_equal(bad_of(FT_TX_CALL_SET_SINGLE),
                         !((CREATED | RELEASED | RESERVED) >> present_state & 1));
        assert_int_equal(bad_of(FT_TX_CALL_SET_IMMEDIATE),
                         !((CREATED | INITIALIZED | RELEASED) >> present_state & 1));
        assert_int_equal(bad_of(FT_TX_CALL_GET_CONTEXT), (CREATED | RELEASED) >> present_state & 1);
    }
}

/* Without version 3, or on another profile, the calls do nothing. */
static void body_version_2(void)
{
    const struct ft_wdf_tx *tx;

    wd_open(WdfDmaProfilePacket, PAGES_4);
    tx = (const struct ft_wdf_tx *)wd.tx;
    CHECK(!WdfDmaTransactionCancel(wd.tx));
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 1, wd_reserve,
                                             &wd) == STATUS_INVALID_DEVICE_REQUEST);
    WdfDmaTransactionFreeResources(wd.tx);
    WdfDmaTransactionSetImmediateExecution(wd.tx, TRUE);
    WdfDmaTransactionSetSingleTransferRequirement(wd.tx, TRUE);
    CHECK(WdfDmaTransactionWdmGetTransferContext(wd.tx) == NULL);
    CHECK(!tx->at_once && !tx->single && wd_state() == FT_TX_CREATED);
    WdfDmaTransactionSetDeviceAddressOffset(wd.tx, 4);
    WdfDmaTransactionSetChannelConfigurationCallback(wd.tx, NULL, NULL);
    WdfDmaTransactionSetTransferCompleteCallback(wd.tx, NULL, NULL);
    WdfDmaTransactionStopSystemTransfer(wd.tx);
}

static void body_lists_3(void)
{
    wd_open_3(WdfDmaProfileScatterGather, PAGES_4);
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 1, wd_reserve,
                                             &wd) == STATUS_INVALID_DEVICE_REQUEST);
    WdfDmaTransactionFreeResources(wd.tx);
    CHECK(wd_state() == FT_TX_CREATED);
}

static void test_needs(void **state)
{
    static const unsigned needing[] = {
        FT_TX_CALL_CANCEL,        FT_TX_CALL_RESERVE,       FT_TX_CALL_FREE,
        FT_TX_CALL_SET_IMMEDIATE, FT_TX_CALL_SET_SINGLE,    FT_TX_CALL_GET_CONTEXT,
        FT_TX_CALL_SET_OFFSET,    FT_TX_CALL_SET_CONFIGURE, FT_TX_CALL_SET_COMPLETE,
        FT_TX_CALL_STOP,
    };

    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_version_2);
    for (unsigned i = 0; i < sizeof needing / sizeof *needing; i++)
        assert_int_equal(bad_of(needing[i]), 1);
    wd_run(FT_PLATFORM_COHERENT, body_lists_3);
    assert_int_equal(bad_of(FT_TX_CALL_RESERVE) + bad_of(FT_TX_CALL_FREE), 2);
}

/* ---- what Initialize and Create refuse ---- */

static void body_refused(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    uint8_t *va;

    wd_open(WdfDmaProfilePacket, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    va = wd.v.b.va;
#define INITIALIZE(va, length, direction)                                                          \
    WdfDmaTransactionInitialize(wd.tx, wd_program, direction, wd.v.b.mdl, va, length)
    CHECK(INITIALIZE(va, 0, WdfDmaDirectionReadFromDevice) == STATUS_INVALID_PARAMETER);
    CHECK(INITIALIZE(va, 1, (WDF_DMA_DIRECTION)2) == STATUS_INVALID_PARAMETER);
    CHECK(INITIALIZE(va - 1, 1, WdfDmaDirectionReadFromDevice) == STATUS_INVALID_PARAMETER);
    CHECK(INITIALIZE(va + BYTES, 1, WdfDmaDirectionReadFromDevice) == STATUS_INVALID_PARAMETER);
    CHECK(INITIALIZE(va + 1, BYTES, WdfDmaDirectionReadFromDevice) == STATUS_INVALID_PARAMETER);
    CHECK(WdfDmaTransactionInitializeUsingOffset(wd.tx, wd_program, WdfDmaDirectionReadFromDevice,
                                                 wd.v.b.mdl, BYTES, 1) == STATUS_INVALID_PARAMETER);
    CHECK(wd_state() == FT_TX_CREATED);
    CHECK(INITIALIZE(va + BYTES - 1, 1, WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
#undef INITIALIZE
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = wd.enabler;
    CHECK(WdfDmaTransactionCreate(wd.enabler, &attributes, &wd.tx) ==
          STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(wd_transaction() == STATUS_INSUFFICIENT_RESOURCES);
    wd_config(WdfDmaProfileScatterGather, PAGES_4);
    CHECK(wd_enabler() == STATUS_SUCCESS);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    FT_M->alloc_fail_after = 1; /* the list's buffer */
    CHECK(wd_transaction() == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(wd_transaction() == STATUS_SUCCESS);
}

static void test_refused(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_refused);
}

static void body_no_function(void)
{
    wd_open(WdfDmaProfilePacket, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    (void)WdfDmaTransactionInitialize(wd.tx, NULL, WdfDmaDirectionReadFromDevice, wd.v.b.mdl,
                                      wd.v.b.va, 1);
}

static void body_no_mdl(void)
{
    wd_open(WdfDmaProfilePacket, PAGES_4);
    (void)WdfDmaTransactionInitialize(wd.tx, wd_program, WdfDmaDirectionReadFromDevice, NULL, &wd,
                                      1);
}

static void body_no_status(void)
{
    reach(FT_TX_TRANSFER);
    (void)WdfDmaTransactionDmaCompleted(wd.tx, NULL);
}

static void body_no_handle(void)
{
    wd_open(WdfDmaProfilePacket, PAGES_4);
    (void)WdfDmaTransactionCreate(wd.enabler, NULL, NULL);
}

static void body_no_reserve(void)
{
    wd_open_3(WdfDmaProfilePacket, PAGES_4);
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, (WDF_DMA_DIRECTION)2, 1, wd_reserve, &wd) ==
          STATUS_INVALID_PARAMETER);
    (void)WdfDmaTransactionAllocateResources(wd.tx, WdfDmaDirectionReadFromDevice, 1, NULL, &wd);
}

static void body_wrong_handle(void)
{
    wd_open(WdfDmaProfilePacket, PAGES_4);
    (void)WdfDmaTransactionExecute((WDFDMATRANSACTION)wd.enabler, &wd);
}

static void body_wrong_request(void)
{
    wd_open(WdfDmaProfilePacket, PAGES_4);
    CHECK(WdfDmaTransactionGetRequest(wd.tx) == NULL);
    CHECK(WdfDmaTransactionGetDevice(wd.tx) == (WDFDEVICE)wd.device);
    (void)WdfDmaTransactionInitializeUsingRequest(wd.tx, (WDFREQUEST)wd.enabler, wd_program,
                                                  WdfDmaDirectionReadFromDevice);
}

static void test_parameters(void **state)
{
    (void)state;
    wd_run_violation(body_no_function, FT_WDF_NULL_PARAMETER);
    wd_run_violation(body_no_mdl, FT_WDF_NULL_PARAMETER);
    wd_run_violation(body_no_status, FT_WDF_NULL_PARAMETER);
    wd_run_violation(body_no_handle, FT_WDF_NULL_PARAMETER);
    wd_run_violation(body_no_reserve, FT_WDF_NULL_PARAMETER);
    wd_run_violation(body_wrong_handle, FT_WDF_INVALID_HANDLE);
    wd_run_violation(body_wrong_request, FT_WDF_INVALID_HANDLE);
}

/* ---- levels: above DISPATCH_LEVEL each call is told of, and goes on or stops the machine ---- */

static void call_create(void)
{
    (void)wd_transaction();
}

static void call_single(void)
{
    WdfDmaTransactionSetSingleTransferRequirement(wd.tx, TRUE);
}

static void call_immediate(void)
{
    WdfDmaTransactionSetImmediateExecution(wd.tx, TRUE);
}

static void call_context(void)
{
    (void)WdfDmaTransactionWdmGetTransferContext(wd.tx);
}

static void call_queries(void)
{
    (void)WdfDmaTransactionGetBytesTransferred(wd.tx);
    (void)WdfDmaTransactionGetCurrentDmaTransferLength(wd.tx);
    (void)WdfDmaTransactionGetRequest(wd.tx);
    (void)WdfDmaTransactionGetDevice(wd.tx);
}

static void call_enabler_queries(void)
{
    (void)WdfDmaEnablerGetMaximumLength(wd.enabler);
    (void)WdfDmaEnablerGetMaximumScatterGatherElements(wd.enabler);
    (void)WdfDmaEnablerGetFragmentLength(wd.enabler, WdfDmaDirectionReadFromDevice);
    (void)WdfDmaEnablerWdmGetDmaAdapter(wd.enabler, WdfDmaDirectionReadFromDevice);
}

static void call_system(void)
{
    WdfDmaTransactionStopSystemTransfer(wd.tx);
    WdfDmaTransactionSetDeviceAddressOffset(wd.tx, 1);
    WdfDmaTransactionSetChannelConfigurationCallback(wd.tx, NULL, NULL);
    WdfDmaTransactionSetTransferCompleteCallback(wd.tx, NULL, NULL);
}

static const struct {
    void (*call)(void);
    unsigned state, times;
} leveled[] = {
    {call_initialize, FT_TX_CREATED, 1},      {call_execute, FT_TX_INITIALIZED, 1},
    {call_completed, FT_TX_TRANSFER, 1},      {call_length, FT_TX_TRANSFER, 1},
    {call_final, FT_TX_TRANSFER, 1},          {call_release, FT_TX_DONE, 1},
    {call_cancel, FT_TX_INITIALIZED, 1},      {call_reserve, FT_TX_CREATED, 1},
    {call_free, FT_TX_RESERVED, 1},           {call_info, FT_TX_INITIALIZED, 1},
    {call_maximum, FT_TX_INITIALIZED, 1},     {call_create, FT_TX_CREATED, 1},
    {call_single, FT_TX_CREATED, 1},          {call_immediate, FT_TX_CREATED, 1},
    {call_context, FT_TX_INITIALIZED, 1},     {call_queries, FT_TX_DONE, 4},
    {call_enabler_queries, FT_TX_CREATED, 4}, {call_system, FT_TX_CREATED, 4},
};
static unsigned present_leveled;

static void body_level(void)
{
    reach(leveled[present_leveled].state);
    ft_irql_set(WB_IRQ_LEVEL);
    leveled[present_leveled].call();
    ft_irql_set(PASSIVE_LEVEL);
}

static void test_levels(void **state)
{
    (void)state;
    for (present_leveled = 0; present_leveled < sizeof leveled / sizeof *leveled;
         present_leveled++) {
        memset(&wd, 0, sizeof wd);
        wb_run(&(struct wb_case){.body = body_level, .describe = wd_describe});
        assert_true(wb_count(FT_EV_WDF_IRQL) >= leveled[present_leveled].times);
        assert_int_equal(wb_event(FT_EV_WDF_IRQL, 1)->arg[0], DISPATCH_LEVEL);
        assert_int_equal(wb_event(FT_EV_WDF_IRQL, 1)->irql, WB_IRQ_LEVEL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),      cmocka_unit_test(test_setters),
        cmocka_unit_test(test_needs),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_parameters), cmocka_unit_test(test_levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
