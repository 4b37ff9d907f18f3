/* Version 3 on the system DMA controller: request lines, completion routines, and
 * CancelMappedTransfer against completion (wdm-dma sheet, 1.21, 1.23, 1.28, 6.9). */
#include "v3_bench.h"

#include "sim/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, OFFSET = 300, REGISTERS = 4 };

static struct {
    unsigned runs;
    DMA_COMPLETION_STATUS status;
    PVOID context;
    KIRQL irql;
    KEVENT done;
} completion;

static void completed(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context,
                      DMA_COMPLETION_STATUS status)
{
    CHECK(adapter != NULL && device != NULL);
    completion.runs++;
    completion.status = status;
    completion.context = context;
    completion.irql = KeGetCurrentIrql();
    KeSetEvent(&completion.done, IO_NO_INCREMENT, FALSE);
}

static uint8_t data[BYTES];

/* The device asserts its request line until that many bytes went by; returns how many did. */
static ULONG device_moves(bool to_device, ULONG bytes, bool *terminal)
{
    ULONG done = 0;

    *terminal = false;
    while (done < bytes && !*terminal) {
        ULONG piece = bytes - done < SIM_BURST_BYTES ? bytes - done : SIM_BURST_BYTES;
        ULONG moved = sim_slave_transfer(NULL, to_device, data + done, piece, terminal);

        done += moved;
        if (moved == 0)
            break;
    }
    return done;
}

static void open(struct v3 *v, bool read)
{
    DEVICE_DESCRIPTION d = v3_description(false);

    memset(&completion, 0, sizeof completion);
    KeInitializeEvent(&completion.done, NotificationEvent, FALSE);
    for (ULONG i = 0; i < BYTES; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    v3_open_as(v, &d);
    v3_request(v, BYTES, OFFSET, read);
    CHECK(v3_grant(v, REGISTERS) == STATUS_SUCCESS);
}

static NTSTATUS map(struct v3 *v, ULONG *length, bool write, PDMA_COMPLETION_ROUTINE routine)
{
    *length = BYTES;
    return v->b.ops->MapTransferEx(v->b.adapter, v->b.mdl, v->b.base, 0, 0x40, length, write, NULL,
                                   0, routine, routine ? v : NULL);
}

static void wait_for_completion(void)
{
    ft_irql_set(PASSIVE_LEVEL);
    CHECK(KeWaitForSingleObject(&completion.done, Executive, KernelMode, FALSE, NULL) ==
          STATUS_SUCCESS);
    ft_irql_set(DISPATCH_LEVEL);
}

static void close(struct v3 *v)
{
    v->b.ops->FreeAdapterChannel(v->b.adapter);
    ft_irql_set(PASSIVE_LEVEL);
}

static void body_info(void)
{
    DMA_ADAPTER_INFO info = {.Version = DMA_ADAPTER_INFO_VERSION1};
    struct v3 v;

    open(&v, true);
    CHECK(v.b.ops->GetDmaAdapterInfo(v.b.adapter, &info) == STATUS_SUCCESS);
    CHECK(info.V1.ReadDmaCounterAvailable && info.V1.DmaAddressWidth == 32);
    CHECK(info.V1.MinimumTransferUnit == 1 && info.V1.ScatterGatherLimit > 1);
    close(&v);
}

static void a_system_adapter_describes_the_controller(void **state)
{
    (void)state;
    v3_run(FT_PLATFORM_COHERENT, NULL, body_info);
}

static void body_read(void)
{
    ULONG length;
    bool terminal;
    struct v3 v;

    open(&v, true);
    CHECK(device_moves(false, 10, &terminal) == 0); /* nothing is programmed */
    CHECK(map(&v, &length, false, completed) == STATUS_SUCCESS && length == BYTES);
    CHECK(v.b.ops->ReadDmaCounter(v.b.adapter) == BYTES);
    CHECK(device_moves(true, 10, &terminal) == 0); /* the other way */
    CHECK(device_moves(false, 1000, &terminal) == 1000 && !terminal);
    CHECK(v.b.ops->ReadDmaCounter(v.b.adapter) == BYTES - 1000);
    CHECK(completion.runs == 0);
    CHECK(device_moves(false, BYTES, &terminal) == BYTES - 1000 && terminal);
    CHECK(completion.runs == 0); /* a task of its own */
    wait_for_completion();
    CHECK(completion.runs == 1 && completion.status == DmaComplete);
    CHECK(completion.context == &v && completion.irql == DISPATCH_LEVEL);
    CHECK(v3_flush(&v, 0, BYTES, false) == STATUS_SUCCESS);
    CHECK(wb_last(FT_EV_DMA_FLUSH_EX)->arg[7] == 0);
    close(&v);
}

static void a_completion_routine_runs_once_at_dispatch_level(void **state)
{
    (void)state;
    v3_run_all(body_read);
}

static void body_write(void)
{
    ULONG length;
    bool terminal;
    struct v3 v;

    open(&v, false);
    CHECK(map(&v, &length, true, NULL) == STATUS_SUCCESS);
    CHECK(device_moves(true, BYTES, &terminal) == BYTES && terminal);
    CHECK(wb_last(FT_EV_DMA_COMPLETE)->arg[4] == 0); /* nobody to call */
    CHECK(v3_flush(&v, 0, BYTES, true) == STATUS_SUCCESS);
    CHECK(bench_equal(&v.b, true) == BYTES);
    close(&v);
}

static void a_write_reaches_the_device_without_a_routine(void **state)
{
    (void)state;
    v3_run_all(body_write);
}

static void body_cancel_running(void)
{
    ULONG length;
    bool terminal;
    struct v3 v;

    open(&v, true);
    CHECK(map(&v, &length, false, completed) == STATUS_SUCCESS);
    CHECK(device_moves(false, 1000, &terminal) == 1000);
    CHECK(v.b.ops->CancelMappedTransfer(v.b.adapter, v.context) == STATUS_SUCCESS);
    CHECK(device_moves(false, 1000, &terminal) == 0); /* stopped in mid-transfer */
    CHECK(wb_last(FT_EV_DMA_COMPLETE)->arg[3] == BYTES - 1000);
    wait_for_completion();
    CHECK(completion.runs == 1 && completion.status == DmaCancelled);
    CHECK(v.b.ops->CancelMappedTransfer(v.b.adapter, v.context) == STATUS_SUCCESS);
    CHECK(wb_last(FT_EV_CANCEL_MAPPED)->arg[4] == FT_WHY_TWICE);
    length = BYTES;
    CHECK(map(&v, &length, false, NULL) == STATUS_CANCELLED && length == 0);
    CHECK(v3_flush(&v, 0, BYTES, false) == STATUS_SUCCESS); /* still due; clears the mark */
    CHECK(map(&v, &length, false, NULL) == STATUS_SUCCESS);
    CHECK(v3_flush(&v, 0, BYTES, false) == STATUS_SUCCESS);
    CHECK(wb_last(FT_EV_DMA_FLUSH_EX)->arg[7] == 1); /* it was running: aborted */
    CHECK(completion.runs == 1);
    close(&v);
}

static void body_cancel_race(void)
{
    ULONG length;
    bool terminal;
    struct v3 v;

    open(&v, true);
    CHECK(map(&v, &length, false, completed) == STATUS_SUCCESS);
    CHECK(device_moves(false, BYTES, &terminal) == BYTES && terminal);
    CHECK(v.b.ops->CancelMappedTransfer(v.b.adapter, v.context) == STATUS_SUCCESS); /* too late */
    wait_for_completion();
    CHECK(completion.runs == 1 && completion.status == DmaComplete);
    CHECK(v3_flush(&v, 0, BYTES, false) == STATUS_SUCCESS);
    close(&v);
}

static void body_cancel_unmapped(void)
{
    ULONG length;
    struct v3 v;

    open(&v, true);
    CHECK(v.b.ops->CancelMappedTransfer(v.b.adapter, v.other_context) == STATUS_INVALID_PARAMETER);
    CHECK(v.b.ops->CancelMappedTransfer(v.b.adapter, v.context) == STATUS_SUCCESS);
    CHECK(map(&v, &length, false, completed) == STATUS_CANCELLED);
    CHECK(completion.runs == 0);
    close(&v);
}

/* v3: success CancelMappedTransfer; fails CancelMappedTransfer STATUS_INVALID_PARAMETER; fails
 * MapTransferEx STATUS_CANCELLED */
static void a_mapped_transfer_is_cancelled_at_any_time(void **state)
{
    (void)state;
    v3_run_all(body_cancel_running);
    v3_run_all(body_cancel_race);
    v3_run_all(body_cancel_unmapped);
}

/* The channel goes before the routine had its turn: it comes all the same, and only then is the
 * context free. */
static void body_freed_before_completion(void)
{
    ULONG length;
    bool terminal;
    struct v3 v;

    open(&v, true);
    CHECK(map(&v, &length, false, completed) == STATUS_SUCCESS);
    CHECK(device_moves(false, BYTES, &terminal) == BYTES);
    CHECK(v3_flush(&v, 0, BYTES, false) == STATUS_SUCCESS);
    v.b.ops->FreeAdapterChannel(v.b.adapter);
    CHECK(v3_grant(&v, 1) == STATUS_INVALID_PARAMETER); /* the context is in use still */
    wait_for_completion();
    CHECK(completion.runs == 1);
    CHECK(v3_grant(&v, 1) == STATUS_SUCCESS);
    close(&v);
}

static void a_completion_that_is_due_comes_after_the_release(void **state)
{
    (void)state;
    v3_run(FT_PLATFORM_COHERENT, NULL, body_freed_before_completion);
}

/* A device on two request lines: a transfer in each direction at the same time. */
static void describe_two_lines(struct ft_description *description)
{
    description->dma_version = DEVICE_DESCRIPTION_VERSION3;
    description->dma_channel = V3_LINE;
    description->dma_bits = 8;
    description->dma_lines = 2;
}

static void body_two_lines(void)
{
    DEVICE_DESCRIPTION d = v3_description(false);
    ULONG length, registers;
    struct v3 in, out;
    bool terminal;

    open(&in, true);
    d.DmaRequestLine = V3_LINE + 2;
    CHECK(IoGetDmaAdapter(NULL, &d, &registers) == NULL);
    d.DmaRequestLine = V3_LINE + 1;
    ft_irql_set(PASSIVE_LEVEL);
    v3_open_as(&out, &d);
    CHECK(out.b.adapter != in.b.adapter);
    v3_request(&out, BYTES, OFFSET, false);
    CHECK(v3_grant(&out, REGISTERS) == STATUS_SUCCESS);
    CHECK(map(&in, &length, false, completed) == STATUS_SUCCESS);
    CHECK(map(&out, &length, true, NULL) == STATUS_SUCCESS);
    CHECK(sim_line_transfer(NULL, 0, false, data, 1000, &terminal) == 1000 && !terminal);
    CHECK(sim_line_transfer(NULL, 0, true, data, 1000, &terminal) == 0);
    CHECK(sim_line_transfer(NULL, 1, true, data, 500, &terminal) == 500 && !terminal);
    CHECK(in.b.ops->ReadDmaCounter(in.b.adapter) == BYTES - 1000);
    CHECK(out.b.ops->ReadDmaCounter(out.b.adapter) == BYTES - 500);
    CHECK(in.b.ops->CancelMappedTransfer(in.b.adapter, in.context) == STATUS_SUCCESS);
    CHECK(sim_line_transfer(NULL, 0, false, data, 1000, &terminal) == 0);
    CHECK(sim_line_transfer(NULL, 1, true, data, 500, &terminal) == 500);
    wait_for_completion();
    CHECK(completion.runs == 1 && completion.status == DmaCancelled);
    CHECK(out.b.ops->CancelMappedTransfer(out.b.adapter, out.context) == STATUS_SUCCESS);
    CHECK(v3_flush(&in, 0, BYTES, false) == STATUS_SUCCESS);
    CHECK(v3_flush(&out, 0, BYTES, true) == STATUS_SUCCESS);
    close(&in);
    close(&out);
}

static void each_request_line_has_a_transfer_of_its_own(void **state)
{
    (void)state;
    wb_run(&(struct wb_case){
        .body = body_two_lines, .preset = FT_PLATFORM_COHERENT, .describe = describe_two_lines});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static void body_lists(void)
{
    struct v3 v;
    PSCATTER_GATHER_LIST list = NULL;

    open(&v, true);
    CHECK(NT_SUCCESS(v.b.ops->InitializeDmaTransferContext(v.b.adapter, v.other_context)));
    CHECK(v.b.ops->GetScatterGatherListEx(v.b.adapter, &v.b.device, v.other_context, v.b.mdl, 0,
                                          BYTES, DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, FALSE, NULL,
                                          NULL, &list) == STATUS_INVALID_PARAMETER);
    CHECK(list == NULL);
    close(&v);
}

static void lists_are_for_bus_masters(void **state)
{
    (void)state;
    v3_run(FT_PLATFORM_COHERENT, NULL, body_lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_system_adapter_describes_the_controller),
        cmocka_unit_test(a_completion_routine_runs_once_at_dispatch_level),
        cmocka_unit_test(a_write_reaches_the_device_without_a_routine),
        cmocka_unit_test(a_mapped_transfer_is_cancelled_at_any_time),
        cmocka_unit_test(a_completion_that_is_due_comes_after_the_release),
        cmocka_unit_test(each_request_line_has_a_transfer_of_its_own),
        cmocka_unit_test(lists_are_for_bus_masters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
