/* System profiles: transactions on the system DMA controller (kmdf sheet, 1.3, 2.6, 2.9). */
#include "dma_framework.h"

#include "sim/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, OFFSET = 300, PAGES_4 = 4 * PAGE_SIZE };

static uint8_t data[BYTES];
static KEVENT called;

/* ---- what the driver has ---- */

static BOOLEAN configure(WDFDMATRANSACTION tx, WDFDEVICE device, PVOID context, PMDL mdl,
                         size_t offset, size_t length)
{
    CHECK(tx == wd.tx && device == (WDFDEVICE)wd.device && context == &wd && mdl == wd.v.b.mdl);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && offset + length <= BYTES && length > 0);
    wd.configured++;
    return wd.configure_answer;
}

static VOID transfer_complete(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                              WDF_DMA_DIRECTION direction, DMA_COMPLETION_STATUS status)
{
    CHECK(tx == wd.tx && device == (WDFDEVICE)wd.device && context == &wd);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && direction <= WdfDmaDirectionWriteToDevice);
    wd.done_calls++;
    wd.done_status = status;
    wd_complete_fragment();
    KeSetEvent(&called, IO_NO_INCREMENT, FALSE);
}

static BOOLEAN program(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                       WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
    CHECK(tx == wd.tx && device == (WDFDEVICE)wd.device && context == &wd && direction <= 1);
    wd.programs++;
    for (ULONG i = 0; i < list->NumberOfElements; i++)
        wd.bytes += list->Elements[i].Length;
    return TRUE;
}

static CM_PARTIAL_RESOURCE_DESCRIPTOR resource(void)
{
    CM_PARTIAL_RESOURCE_DESCRIPTOR part = {.Type = CmResourceTypeDma, .Flags = CM_RESOURCE_DMA_V3};

    part.u.DmaV3.RequestLine = V3_LINE;
    return part;
}

static void open(bool read)
{
    CM_PARTIAL_RESOURCE_DESCRIPTOR part = resource();
    PHYSICAL_ADDRESS address = {.QuadPart = 0x3F8};
    WDF_DMA_SYSTEM_PROFILE_CONFIG config;

    for (ULONG i = 0; i < BYTES; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    KeInitializeEvent(&called, SynchronizationEvent, FALSE);
    wd.configure_answer = TRUE;
    wd_open(WdfDmaProfileSystem, PAGES_4);
    CHECK(WdfDmaEnablerGetFragmentLength(wd.enabler, WdfDmaDirectionReadFromDevice) == 0);
    WDF_DMA_SYSTEM_PROFILE_CONFIG_INIT(&config, address, Width8Bits, &part);
    CHECK(WdfDmaEnablerConfigureSystemProfile(wd.enabler, &config, WdfDmaDirectionReadFromDevice) ==
          STATUS_SUCCESS);
    v3_request(&wd.v, BYTES, OFFSET, read);
    wd.complete = WD_PLAIN;
}

static NTSTATUS execute(WDF_DMA_DIRECTION direction)
{
    NTSTATUS status =
        WdfDmaTransactionInitializeUsingOffset(wd.tx, program, direction, wd.v.b.mdl, 0, BYTES);

    CHECK(status == STATUS_SUCCESS);
    WdfDmaTransactionSetDeviceAddressOffset(wd.tx, 4);
    WdfDmaTransactionSetChannelConfigurationCallback(wd.tx, configure, &wd);
    WdfDmaTransactionSetTransferCompleteCallback(wd.tx, transfer_complete, &wd);
    return WdfDmaTransactionExecute(wd.tx, &wd);
}

static ULONG device_moves(bool to_device, ULONG bytes)
{
    bool terminal = false;
    ULONG done = 0;

    while (done < bytes && !terminal) {
        ULONG piece = bytes - done < SIM_BURST_BYTES ? bytes - done : SIM_BURST_BYTES;
        ULONG moved = sim_slave_transfer(NULL, to_device, data + done, piece, &terminal);

        done += moved;
        if (moved == 0)
            break;
    }
    return done;
}

static void wait(void)
{
    CHECK(KeWaitForSingleObject(&called, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
}

/* ---- transfers ---- */

static void body_read(void)
{
    open(true);
    CHECK(execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(wd.programs == 1 && wd.configured == 1 && wd.done_calls == 0);
    CHECK(device_moves(false, (ULONG)wd.bytes) == wd.bytes);
    while (wd_state() == FT_TX_TRANSFER) {
        size_t before = wd.bytes;

        wait();
        if (wd_state() == FT_TX_TRANSFER) /* the next fragment */
            CHECK(device_moves(false, (ULONG)(wd.bytes - before)) == wd.bytes - before);
    }
    CHECK(wd.bytes == BYTES && wd.done_status == DmaComplete && wd.done_calls == wd.programs);
    CHECK(wd.result && wd.status == STATUS_SUCCESS && v3_all_equal(&wd.v, false));
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
    WdfObjectDelete(wd.tx);
    WdfObjectDelete(wd.enabler);
}

static void body_write(void)
{
    open(false);
    CHECK(execute(WdfDmaDirectionWriteToDevice) == STATUS_SUCCESS);
    CHECK(device_moves(true, BYTES) == BYTES);
    wait();
    CHECK(wd.result && v3_all_equal(&wd.v, true));
}

static void test_transfers(void **state)
{
    (void)state;
    wd_run_all(body_read);
    assert_int_equal(wb_count(FT_EV_DMA_PUT), 1);
    assert_int_equal(wb_count(FT_EV_DMA_FREE_CHANNEL), 1);
    wd_run(FT_PLATFORM_COHERENT, body_write);
    wd_run(FT_PLATFORM_NONCOHERENT, body_write);
}

/* ---- StopSystemTransfer ---- */

static void body_stop(void)
{
    open(true);
    CHECK(execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(device_moves(false, 1000) == 1000);
    wd.complete = WD_FINAL;
    wd.length = 1000;
    WdfDmaTransactionStopSystemTransfer(wd.tx);
    wait();
    CHECK(wd.done_calls == 1 && wd.done_status == DmaCancelled);
    CHECK(wd.result && wd.status == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionGetBytesTransferred(wd.tx) == 1000);
}

static void body_stop_plain(void)
{
    open(true);
    CHECK(execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(device_moves(false, 1000) == 1000);
    wd.complete = WD_LENGTH;
    wd.length = 1000;
    WdfDmaTransactionStopSystemTransfer(wd.tx);
    wait();
    CHECK(wd.result && wd.status == STATUS_CANCELLED && wd_state() == FT_TX_FAILED);
}

static void body_stop_twice(void)
{
    open(true);
    CHECK(execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    WdfDmaTransactionStopSystemTransfer(wd.tx);
    WdfDmaTransactionStopSystemTransfer(wd.tx);
}

static void body_stop_early(void)
{
    open(true);
    WdfDmaTransactionStopSystemTransfer(wd.tx);
}

static void body_stop_unmapped(void)
{
    open(true);
    CHECK(wd_initialize(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    WdfDmaTransactionStopSystemTransfer(wd.tx);
}

static void test_stop(void **state)
{
    enum { NULL_POINTER_CODE = 0xD1 };

    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_stop);
    assert_int_equal(wb_last(FT_EV_WDF_TX_STOP)->arg[1], true);
    wd_run(FT_PLATFORM_COHERENT, body_stop_plain);
    wd_run_violation(body_stop_twice, FT_WDF_DMA_ERROR);
    wd_run_violation(body_stop_unmapped, FT_WDF_DMA_ERROR);
    wd_run_bugcheck(body_stop_early, NULL_POINTER_CODE);
}

/* ---- the configuration callback ends it, and failures ---- */

static void body_refused(void)
{
    open(true);
    wd.configure_answer = FALSE;
    CHECK(execute(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(wd.configured == 1 && wd.programs == 0 && wd.done_calls == 0);
    CHECK(wd_state() == FT_TX_TRANSFER);
    /* Nothing was mapped, so there is nothing to flush. */
    CHECK(WdfDmaTransactionDmaCompletedFinal(wd.tx, 0, &wd.status));
}

static void body_config(void)
{
    CM_PARTIAL_RESOURCE_DESCRIPTOR part = resource(), memory = resource();
    PHYSICAL_ADDRESS address = {.QuadPart = 0x3F8};
    WDF_DMA_SYSTEM_PROFILE_CONFIG config;
    const WDF_DMA_DIRECTION read = WdfDmaDirectionReadFromDevice;

    wd_open(WdfDmaProfileSystem, PAGES_4);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(wd_initialize(read) == STATUS_INVALID_DEVICE_STATE); /* not configured */
    CHECK(WdfDmaTransactionAllocateResources(wd.tx, read, 1, wd_reserve, &wd) ==
          STATUS_INVALID_DEVICE_STATE);
    memory.Type = CmResourceTypeMemory;
    WDF_DMA_SYSTEM_PROFILE_CONFIG_INIT(&config, address, Width8Bits, &part);
#define CONFIGURE(c, direction) WdfDmaEnablerConfigureSystemProfile(wd.enabler, c, direction)
    CHECK(CONFIGURE(NULL, read) == STATUS_INVALID_PARAMETER);
    CHECK(CONFIGURE(&config, (WDF_DMA_DIRECTION)2) == STATUS_INVALID_PARAMETER);
    config.Size++;
    CHECK(CONFIGURE(&config, read) == STATUS_INFO_LENGTH_MISMATCH);
    config.Size--;
    config.DmaDescriptor = NULL;
    CHECK(CONFIGURE(&config, read) == STATUS_INVALID_PARAMETER);
    config.DmaDescriptor = &memory;
    CHECK(CONFIGURE(&config, read) == STATUS_INVALID_PARAMETER);
    config.DmaDescriptor = &part;
    config.DmaWidth = Width64Bits;
    CHECK(CONFIGURE(&config, read) == STATUS_UNSUCCESSFUL); /* the HAL's refusal */
    config.DmaWidth = Width8Bits;
    FT_M->alloc_fail_what = FT_FAIL_POOL; /* of the list: the channel goes back */
    CHECK(CONFIGURE(&config, read) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(WdfDmaEnablerWdmGetDmaAdapter(wd.enabler, read) == NULL);
    CHECK(CONFIGURE(&config, read) == STATUS_SUCCESS);
    CHECK(CONFIGURE(&config, WdfDmaDirectionWriteToDevice) == STATUS_INVALID_PARAMETER); /* twice */
    wd_config(WdfDmaProfilePacket, PAGES_4);
    CHECK(wd_enabler() == STATUS_SUCCESS && CONFIGURE(&config, read) == STATUS_INVALID_PARAMETER);
#undef CONFIGURE
}

static void test_failures(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_refused);
    wd_run(FT_PLATFORM_COHERENT, body_config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfers),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
