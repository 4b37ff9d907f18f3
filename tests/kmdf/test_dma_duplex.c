/* The duplex system profile: a channel of its own for each direction, one set of callbacks, and the
 * bytes of a read and of a write, one after the other (kmdf sheet, 1.2, 1.3, 2.6). */
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

static VOID transfer_complete(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                              WDF_DMA_DIRECTION direction, DMA_COMPLETION_STATUS status)
{
    CHECK(tx == wd.tx && device == (WDFDEVICE)wd.device && context == &wd && direction <= 1);
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

static NTSTATUS configure(WDF_DMA_DIRECTION direction)
{
    CM_PARTIAL_RESOURCE_DESCRIPTOR part = {.Type = CmResourceTypeDma, .Flags = CM_RESOURCE_DMA_V3};
    PHYSICAL_ADDRESS address = {.QuadPart = 0x3F8};
    WDF_DMA_SYSTEM_PROFILE_CONFIG config;

    part.u.DmaV3.RequestLine = V3_LINE;
    WDF_DMA_SYSTEM_PROFILE_CONFIG_INIT(&config, address, Width8Bits, &part);
    return WdfDmaEnablerConfigureSystemProfile(wd.enabler, &config, direction);
}

static void open(void)
{
    for (ULONG i = 0; i < BYTES; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    KeInitializeEvent(&called, SynchronizationEvent, FALSE);
    wd.complete = WD_PLAIN;
    wd_open(WdfDmaProfileSystemDuplex, PAGES_4);
}

static void device_moves(bool to_device, size_t bytes)
{
    bool terminal = false;

    for (size_t done = 0; done < bytes && !terminal;) {
        size_t piece = bytes - done < SIM_BURST_BYTES ? bytes - done : SIM_BURST_BYTES;
        size_t moved = sim_slave_transfer(NULL, to_device, data + done, (unsigned)piece, &terminal);

        CHECK(moved > 0);
        done += moved;
    }
}

/* The whole of the buffer, fragment by fragment. */
static void one_transfer(WDF_DMA_DIRECTION direction)
{
    bool write = direction == WdfDmaDirectionWriteToDevice;
    size_t before = 0;

    wd.bytes = 0;
    v3_request(&wd.v, BYTES, OFFSET, !write);
    CHECK(WdfDmaTransactionInitializeUsingOffset(wd.tx, program, direction, wd.v.b.mdl, 0, BYTES) ==
          STATUS_SUCCESS);
    WdfDmaTransactionSetTransferCompleteCallback(wd.tx, transfer_complete, &wd);
    CHECK(WdfDmaTransactionExecute(wd.tx, &wd) == STATUS_SUCCESS);
    do {
        size_t now = wd.bytes - before;

        before = wd.bytes;
        device_moves(write, now);
        CHECK(KeWaitForSingleObject(&called, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
    } while (wd_state() == FT_TX_TRANSFER);
    CHECK(wd.bytes == BYTES && wd.done_status == DmaComplete && wd.result &&
          wd.status == STATUS_SUCCESS);
    CHECK(v3_all_equal(&wd.v, write));
    CHECK(WdfDmaTransactionGetBytesTransferred(wd.tx) == BYTES);
    CHECK(WdfDmaTransactionRelease(wd.tx) == STATUS_SUCCESS);
}

static void body_both(void)
{
    open();
    CHECK(configure(WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(configure(WdfDmaDirectionWriteToDevice) == STATUS_SUCCESS);
    CHECK(WdfDmaEnablerWdmGetDmaAdapter(wd.enabler, WdfDmaDirectionReadFromDevice) != NULL &&
          WdfDmaEnablerWdmGetDmaAdapter(wd.enabler, WdfDmaDirectionWriteToDevice) != NULL);
    one_transfer(WdfDmaDirectionReadFromDevice);
    one_transfer(WdfDmaDirectionWriteToDevice);
    one_transfer(WdfDmaDirectionReadFromDevice);
    WdfObjectDelete(wd.tx);
    WdfObjectDelete(wd.enabler);
}

static void both_directions_move_their_bytes(void **state)
{
    (void)state;
    wd_run_all(body_both);
    assert_int_equal(wb_count(FT_EV_DMA_PUT), 2);
}

/* A direction that nobody configured has no adapter. */
static void body_one(void)
{
    open();
    CHECK(configure(WdfDmaDirectionWriteToDevice) == STATUS_SUCCESS);
    CHECK(configure(WdfDmaDirectionWriteToDevice) == STATUS_INVALID_PARAMETER);
    CHECK(WdfDmaEnablerWdmGetDmaAdapter(wd.enabler, WdfDmaDirectionReadFromDevice) == NULL);
    v3_request(&wd.v, BYTES, OFFSET, true);
    CHECK(WdfDmaTransactionInitializeUsingOffset(wd.tx, program, WdfDmaDirectionReadFromDevice,
                                                 wd.v.b.mdl, 0,
                                                 BYTES) == STATUS_INVALID_DEVICE_STATE);
}

static void each_direction_is_configured(void **state)
{
    (void)state;
    wd_run(FT_PLATFORM_COHERENT, body_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_move_their_bytes),
        cmocka_unit_test(each_direction_is_configured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
