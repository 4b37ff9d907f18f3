/* The deprecated names of DMA routines: each is the member of the table that it stands for. */
#include "dma_bench.h"

#include "dma/frames.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { BYTES = 5000, REGISTERS = 2, COMMON = 4096 };

static struct bench bench;

static IO_ALLOCATION_ACTION take(PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
    (void)device, (void)irp;
    bench.base = base;
    return *(IO_ALLOCATION_ACTION *)context;
}

static void body_transfer(void)
{
    IO_ALLOCATION_ACTION keep_registers = DeallocateObjectKeepRegisters, keep_all = KeepObject;
    ULONG length = BYTES;

    bench_open(&bench, false, 2 * PAGE_SIZE);
    bench_request(&bench, BYTES, 0, true);
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(IoAllocateAdapterChannel(bench.adapter, &bench.device, REGISTERS, take,
                                   &keep_registers) == STATUS_SUCCESS);
    CHECK(bench_device_writes(
        (uint64_t)IoMapTransfer(bench.adapter, bench.mdl, bench.base, bench.va, &length, FALSE)
            .QuadPart,
        BYTES));
    CHECK(IoFlushAdapterBuffers(bench.adapter, bench.mdl, bench.base, bench.va, BYTES, FALSE));
    CHECK(bench_equal(&bench, false) == BYTES);
    IoFreeMapRegisters(bench.adapter, bench.base, REGISTERS);
    CHECK(IoAllocateAdapterChannel(bench.adapter, &bench.device, REGISTERS, take, &keep_all) ==
          STATUS_SUCCESS);
    IoFreeAdapterChannel(bench.adapter);
    wb_note("done");
}

static void a_transfer_by_the_old_names_goes_through_the_table(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, NULL, body_transfer);
    assert_string_equal(wb_notes(), "done");
    assert_int_equal(wb_count(FT_EV_DMA_CHANNEL), 2);
    assert_int_equal(wb_count(FT_EV_DMA_MAP), 1);
    assert_int_equal(wb_count(FT_EV_DMA_FLUSH), 1);
    assert_int_equal(wb_count(FT_EV_DMA_FREE_REGS), 1);
    assert_int_equal(wb_count(FT_EV_DMA_FREE_CHANNEL), 1);
}

static void body_common(void)
{
    PHYSICAL_ADDRESS address;
    PVOID common;

    bench_open(&bench, false, 2 * PAGE_SIZE);
    common = HalAllocateCommonBuffer(bench.adapter, COMMON, &address, TRUE);
    CHECK(common != NULL);
    HalFreeCommonBuffer(bench.adapter, COMMON, address, common, TRUE);
    CHECK(HalGetDmaAlignment(bench.adapter) == bench.ops->GetDmaAlignment(bench.adapter));
    CHECK(HalReadDmaCounter(bench.adapter) == 0); /* a bus master has no counter */
    FT_M->alloc_fail_what = 5;
    FT_M->alloc_fail_after = 0;
    CHECK(HalAllocateCommonBuffer(bench.adapter, COMMON, &address, TRUE) == NULL);
    wb_note("done");
}

static void the_others_too(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, NULL, body_common);
    assert_string_equal(wb_notes(), "done");
    assert_int_equal(wb_count(FT_EV_DMA_CB_ALLOC), 2);
    assert_int_equal(wb_count(FT_EV_DMA_CB_FREE), 1);
    assert_int_equal(wb_count(FT_EV_DMA_ALIGNMENT), 2);
    assert_int_equal(wb_count(FT_EV_DMA_COUNTER), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transfer_by_the_old_names_goes_through_the_table),
        cmocka_unit_test(the_others_too),
    };

    return cmocka_run_group_tests_name("old DMA names", tests, NULL, NULL);
}
