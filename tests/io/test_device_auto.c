/* A device without a model: ops are the device. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { REGISTER = 0x20, VALUE = 0x1234, BYTES = 3000, CHANNEL = 2 };

#define READ_OP(bytes)                                                                             \
    {                                                                                              \
        .kind = FT_OP_READ, .label = 1, .arg = { bytes, 0 }                                        \
    }
#define SET_OP(offset, value)                                                                      \
    {                                                                                              \
        .kind = FT_OP_DEVICE_REGISTER, .arg = { offset, value }                                    \
    }

static void run(struct bench_driver *how, const struct ft_op *op, unsigned count)
{
    how->device_auto = TRUE;
    bench_driver_run(how, op, count);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static NTSTATUS look_at_register(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    CHECK(bench_register(REGISTER) == VALUE);
    CHECK(bench_register(REGISTER + 4) == 0);
    bench_register_set(REGISTER + 4, 7);
    CHECK(bench_register(REGISTER + 4) == 7);
    wb_note("looked");
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void an_op_gives_a_register_its_value(void **state)
{
    static const struct ft_op op[] = {SET_OP(REGISTER, VALUE), READ_OP(16)};

    (void)state;
    run(&(struct bench_driver){.request = look_at_register}, op, 2);
    assert_non_null(strstr(wb_notes(), "looked"));
    assert_int_equal(wb_result()->ops_skipped, 0);
}

static BOOLEAN isr(PKINTERRUPT interrupt, PVOID context)
{
    (void)interrupt;
    (void)context;
    wb_note("isr");
    return bench_register(REGISTER) == VALUE;
}

static void an_op_interrupts_until_the_next_register_access(void **state)
{
    static const struct ft_op op[] = {SET_OP(REGISTER, VALUE),
                                      {.kind = FT_OP_DEVICE_INTERRUPT},
                                      {.kind = FT_OP_DEVICE_INTERRUPT}};

    (void)state;
    run(&(struct bench_driver){.isr = isr}, op, 3);
    assert_non_null(strstr(wb_notes(), "isr isr cleanup"));
    assert_int_equal(wb_count(FT_EV_LINE_SET), 4);
}

static bool on_channel; /* of the system DMA controller */

static IO_ALLOCATION_ACTION keep(PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
    (void)device;
    (void)irp;
    *(PVOID *)context = base;
    return on_channel ? KeepObject : DeallocateObjectKeepRegisters;
}

/* Maps its whole buffer and keeps it so. */
static NTSTATUS map_and_hold(PDEVICE_OBJECT device, PIRP irp)
{
    DEVICE_DESCRIPTION wanted;
    PDMA_ADAPTER adapter;
    ULONG registers, length = BYTES;
    PVOID base = NULL;
    KIRQL old;

    memset(&wanted, 0, sizeof wanted);
    wanted.Version = DEVICE_DESCRIPTION_VERSION2;
    wanted.Master = !on_channel;
    wanted.Dma32BitAddresses = !on_channel;
    wanted.DmaChannel = on_channel ? CHANNEL : 0;
    wanted.InterfaceType = on_channel ? Isa : PCIBus;
    wanted.MaximumLength = 0x4000;
    adapter = IoGetDmaAdapter(the_driver.below, &wanted, &registers);
    CHECK(adapter != NULL);
    if (!adapter)
        return bench_complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    CHECK(NT_SUCCESS(
        adapter->DmaOperations->AllocateAdapterChannel(adapter, device, 1, keep, &base)));
    adapter->DmaOperations->MapTransfer(adapter, irp->MdlAddress, base,
                                        MmGetMdlVirtualAddress(irp->MdlAddress), &length, FALSE);
    KeLowerIrql(old);
    if (on_channel) {
        LARGE_INTEGER delay = {.QuadPart = -1000};

        CHECK(adapter->DmaOperations->ReadDmaCounter(adapter) != 0);
        KeDelayExecutionThread(KernelMode, FALSE, &delay);
        CHECK(adapter->DmaOperations->ReadDmaCounter(adapter) == 0);
    }
    return bench_hold(device, irp);
}

static void an_op_moves_data_through_a_live_mapping(void **state)
{
    static const struct ft_op op[] = {READ_OP(BYTES),
                                      {.kind = FT_OP_DEVICE_MOVES, .arg = {0, 1}}, /* no second */
                                      {.kind = FT_OP_DEVICE_MOVES, .arg = {0, 0}},
                                      {.kind = FT_OP_DEVICE_MOVES, .arg = {100, 0}}};

    (void)state;
    run(&(struct bench_driver){.request = map_and_hold}, op, 4);
    assert_int_equal(wb_result()->ops_skipped, 1);
    assert_int_equal(wb_count(FT_EV_ENGINE_BEGIN), 2);
    assert_int_equal(wb_event(FT_EV_ENGINE_END, 1)->arg[1], BYTES);
    assert_int_equal(wb_event(FT_EV_ENGINE_END, 1)->arg[2], SIM_END_DONE);
    assert_int_equal(wb_event(FT_EV_ENGINE_END, 2)->arg[1], 100);
    assert_int_equal(wb_count(FT_EV_BUS_WRITE), 4); /* three bursts and one */
    assert_int_equal(wb_count(FT_EV_BUS_FAULT), 0);
}

static void put_on_channel(struct ft_description *description)
{
    description->dma_channel = CHANNEL;
    description->dma_bits = 8;
}

static void on_a_channel_it_takes_what_comes_without_an_op(void **state)
{
    static const struct ft_op op[] = {READ_OP(BYTES), {.kind = FT_OP_DEVICE_MOVES}};

    (void)state;
    on_channel = true;
    run(&(struct bench_driver){.request = map_and_hold, .describe = put_on_channel}, op, 2);
    on_channel = false;
    assert_int_equal(wb_result()->ops_skipped, 1); /* it drives no address itself */
    assert_int_equal(wb_count(FT_EV_SYS_TERMINAL), 1);
    assert_int_equal(wb_count(FT_EV_BUS_WRITE), 3);
}

static void a_device_with_a_model_is_its_own_master(void **state)
{
    static const struct ft_op op[] = {
        SET_OP(REGISTER, VALUE), {.kind = FT_OP_DEVICE_INTERRUPT}, {.kind = FT_OP_DEVICE_MOVES}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.isr = isr}, op, 3);
    assert_int_equal(wb_result()->ops_skipped, 3);
    assert_int_equal(wb_count(FT_EV_LINE_SET), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_op_gives_a_register_its_value),
        cmocka_unit_test(an_op_interrupts_until_the_next_register_access),
        cmocka_unit_test(an_op_moves_data_through_a_live_mapping),
        cmocka_unit_test(on_a_channel_it_takes_what_comes_without_an_op),
        cmocka_unit_test(a_device_with_a_model_is_its_own_master),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
