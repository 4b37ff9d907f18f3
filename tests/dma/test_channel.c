/* Who gets channel and registers, when, and what stays behind. */
#include "dma_bench.h"

#include "dma/frames.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static unsigned ran;   /* AdapterControl calls */
static PVOID bases[4]; /* what they got */
static IO_ALLOCATION_ACTION answer;

static IO_ALLOCATION_ACTION control(PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
    (void)device;
    (void)irp;
    (void)context;
    CHECK(ft_irql() == DISPATCH_LEVEL);
    bases[ran++ % 4] = base;
    return answer;
}

static NTSTATUS ask(struct bench *bench, ULONG registers)
{
    return bench->ops->AllocateAdapterChannel(bench->adapter, &bench->device, registers, control,
                                              NULL);
}

static void begin(struct bench *bench, ULONG maximum, IO_ALLOCATION_ACTION action)
{
    ran = 0;
    answer = action;
    bench_open(bench, false, maximum);
    ft_irql_set(DISPATCH_LEVEL);
}

/* Lets other tasks run until nothing but the clock may. */
static void wait_quiet(void)
{
    ft_irql_set(PASSIVE_LEVEL);
    ft_task_wait_quiet();
    ft_irql_set(DISPATCH_LEVEL);
}

static void body_channel_queue(void)
{
    struct bench bench;

    begin(&bench, 2 * PAGE_SIZE, KeepObject);
    CHECK(bench.registers == 3);
    CHECK(ask(&bench, 4) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(ask(&bench, 3) == STATUS_SUCCESS && ran == 1);
    CHECK(ask(&bench, 1) == STATUS_SUCCESS && ran == 1); /* the channel is taken */
    bench.ops->FreeAdapterChannel(bench.adapter);
    CHECK(ran == 2); /* inside the free */
    bench.ops->FreeAdapterChannel(bench.adapter);
    bench.ops->FreeAdapterChannel(bench.adapter);
    CHECK(wb_last(FT_EV_DMA_FREE_CHANNEL)->arg[1] == 0);
}

static void a_held_channel_makes_the_next_request_wait(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_channel_queue);
}

static void three_registers(struct ft_platform *platform)
{
    platform->pool = 3;
}

static void body_register_queue(void)
{
    struct bench bench;

    begin(&bench, 2 * PAGE_SIZE, DeallocateObjectKeepRegisters);
    CHECK(ask(&bench, 2) == STATUS_SUCCESS && ran == 1);
    CHECK(ask(&bench, 2) == STATUS_SUCCESS && ran == 1); /* one register is free */
    CHECK(ask(&bench, 1) == STATUS_SUCCESS && ran == 1); /* who waits first is served first */
    bench.ops->FreeMapRegisters(bench.adapter, bases[0], 2);
    CHECK(ran == 3);
    bench.ops->FreeMapRegisters(bench.adapter, bases[0], 2); /* twice: only an event */
    CHECK(wb_last(FT_EV_DMA_FREE_REGS)->arg[1] != 0);
    answer = DeallocateObject;
    CHECK(ask(&bench, 1) == STATUS_SUCCESS && ran == 3);
    bench.ops->FreeMapRegisters(bench.adapter, bases[1], 2);
    bench.ops->FreeMapRegisters(bench.adapter, bases[2], 1);
    CHECK(ran == 4);
    CHECK(ask(&bench, 3) == STATUS_SUCCESS && ran == 5); /* nothing is held */
}

static void scarce_registers_make_requests_wait_in_order(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, three_registers, body_register_queue);
}

static void defer(struct ft_platform *platform)
{
    platform->defer = 1;
}

static void body_deferred(void)
{
    struct bench bench;

    begin(&bench, 2 * PAGE_SIZE, DeallocateObject);
    CHECK(ask(&bench, 2) == STATUS_SUCCESS && ran == 0);
    wait_quiet();
    CHECK(ran == 1);
}

static void a_platform_may_never_grant_inside_the_call(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, defer, body_deferred);
}

static void body_choices(void)
{
    const struct ft_op later = {.kind = FT_OP_DEFER_GRANT};
    const struct ft_op few = {.kind = FT_OP_FEW_REGISTERS, .arg = {1}};
    struct bench bench;

    begin(&bench, 2 * PAGE_SIZE, DeallocateObjectKeepRegisters);
    CHECK(ft_dma_op(&later));
    CHECK(ask(&bench, 1) == STATUS_SUCCESS && ran == 0);
    wait_quiet();
    CHECK(ran == 1);
    CHECK(ft_dma_op(&few));
    CHECK(ask(&bench, 2) == STATUS_SUCCESS && ran == 1);
    bench.ops->FreeMapRegisters(bench.adapter, bases[0], 1);
    CHECK(ran == 2); /* a file was freed */
    bench.ops->FreeMapRegisters(bench.adapter, bases[1], 2);
    CHECK(ft_dma_op(&few));
    CHECK(ask(&bench, 2) == STATUS_SUCCESS && ran == 2);
    wait_quiet();
    CHECK(ran == 3); /* nobody of ours can free one: it is not for ever */
}

static void world_choices_make_a_request_wait_but_not_for_ever(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_choices);
}

static void body_dead_adapter(void)
{
    ULONG length = 100;
    struct bench bench;

    begin(&bench, 2 * PAGE_SIZE, DeallocateObjectKeepRegisters);
    bench_request(&bench, 4096, 0, true);
    bench_grant(&bench, 2);
    bench_map(&bench, 0, &length, false);
    CHECK(length == 100);
    bench.ops->PutDmaAdapter(bench.adapter);
    CHECK(wb_last(FT_EV_DMA_PUT)->arg[1] == 0);
    CHECK(!bench_flush(&bench, 0, 100, false));
    CHECK(wb_last(FT_EV_DMA_DEAD_ADAPTER)->arg[1] == FT_PT_DMA_FLUSH);
    length = 100;
    bench_map(&bench, 0, &length, false);
    CHECK(length == 0);
    CHECK(ask(&bench, 1) == STATUS_INSUFFICIENT_RESOURCES);
    bench.ops->FreeMapRegisters(bench.adapter, bench.base, 2);
    CHECK(wb_count(FT_EV_DMA_DEAD_ADAPTER) == 4);
    bench.ops->PutDmaAdapter(bench.adapter);
    CHECK(wb_last(FT_EV_DMA_PUT)->arg[1] == 1);
    begin(&bench, 2 * PAGE_SIZE, DeallocateObject); /* another one is another adapter */
    CHECK(ask(&bench, 3) == STATUS_SUCCESS && ran == 1);
}

static void an_adapter_that_was_put_does_nothing(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, NULL, body_dead_adapter);
}

static void body_versions(void)
{
    DEVICE_DESCRIPTION wanted;
    PDMA_ADAPTER adapter;
    ULONG registers = 0;

    memset(&wanted, 0, sizeof wanted);
    wanted.Master = TRUE;
    wanted.MaximumLength = 65536;
    adapter = IoGetDmaAdapter(NULL, &wanted, &registers);
    CHECK(adapter && adapter->Version == 1 && adapter->DmaOperations->Size == 0x68);
    CHECK(registers == 17);
    wanted.Version = DEVICE_DESCRIPTION_VERSION2;
    adapter = IoGetDmaAdapter(NULL, &wanted, &registers);
    CHECK(adapter && adapter->Version == 1 && adapter->DmaOperations->Size == 0x80);
    wanted.Version = DEVICE_DESCRIPTION_VERSION3;
    CHECK(IoGetDmaAdapter(NULL, &wanted, &registers) == NULL);
    CHECK(wb_last(FT_EV_DMA_GET)->arg[0] == 0);
    wanted.Version = 77;
    CHECK(IoGetDmaAdapter(NULL, &wanted, &registers) == NULL);
}

static void a_version_beyond_the_machine_s_gives_null(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_versions);
}

static void body_low_reach(void)
{
    DEVICE_DESCRIPTION wanted;
    struct bench bench;
    ULONG length = 5000;
    uint64_t address;

    memset(&bench, 0, sizeof bench);
    memset(&wanted, 0, sizeof wanted);
    wanted.Version = DEVICE_DESCRIPTION_VERSION2;
    wanted.Master = TRUE;
    wanted.MaximumLength = 2 * PAGE_SIZE;
    bench.adapter = IoGetDmaAdapter(NULL, &wanted, &bench.registers);
    bench.ops = bench.adapter->DmaOperations;
    bench_request(&bench, length, 0, true);
    KeFlushIoBuffers(bench.mdl, TRUE, TRUE);
    bench_grant(&bench, 2);
    address = bench_map(&bench, 0, &length, false);
    CHECK(address + length <= 0x1000000);
    CHECK(bench_device_writes(address, length));
    CHECK(bench_flush(&bench, 0, length, false));
    CHECK(bench_equal(&bench, false) == length);
}

static void a_device_of_24_bits_gets_low_addresses(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_low_reach);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_channel_makes_the_next_request_wait),
        cmocka_unit_test(scarce_registers_make_requests_wait_in_order),
        cmocka_unit_test(a_platform_may_never_grant_inside_the_call),
        cmocka_unit_test(world_choices_make_a_request_wait_but_not_for_ever),
        cmocka_unit_test(an_adapter_that_was_put_does_nothing),
        cmocka_unit_test(a_version_beyond_the_machine_s_gives_null),
        cmocka_unit_test(a_device_of_24_bits_gets_low_addresses),
    };

    return cmocka_run_group_tests_name("dma-channel", tests, NULL, NULL);
}
