/* Subordinate devices: the system DMA controller moves their data, page registers and counts and
 * all. */
#include "dma_bench.h"

#include "dma/frames.h"
#include "sim/device.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, OFFSET = 301, CHANNEL = 2, WORD_CHANNEL = 5 };

static uint8_t data[65536];
static unsigned channel = CHANNEL;

static void describe(struct ft_description *description)
{
    description->dma_channel = (uint8_t)channel;
    description->dma_bits = channel > 4 ? 16 : 8;
}

static void run_on(enum ft_platform_name preset, void (*adjust)(struct ft_platform *),
                   void (*body)(void))
{
    wb_run(
        &(struct wb_case){.body = body, .preset = preset, .adjust = adjust, .describe = describe});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static void no_cap(struct ft_platform *platform)
{
    platform->registers = 0;
    platform->pool = 0;
}

static DEVICE_DESCRIPTION wanted(void)
{
    DEVICE_DESCRIPTION d;

    memset(&d, 0, sizeof d);
    d.Version = DEVICE_DESCRIPTION_VERSION2;
    d.DmaChannel = channel;
    d.DmaWidth = channel > 4 ? Width16Bits : Width8Bits;
    d.InterfaceType = Isa;
    d.MaximumLength = 32768;
    return d;
}

static void open_as(struct bench *b, DEVICE_DESCRIPTION d)
{
    memset(b, 0, sizeof *b);
    b->adapter = IoGetDmaAdapter(NULL, &d, &b->registers);
    CHECK(b->adapter != NULL);
    b->ops = b->adapter->DmaOperations;
}

static IO_ALLOCATION_ACTION keep(PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
    (void)device;
    (void)irp;
    ((struct bench *)context)->base = base;
    return KeepObject;
}

static void grant(struct bench *b, ULONG registers)
{
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(NT_SUCCESS(b->ops->AllocateAdapterChannel(b->adapter, &b->device, registers, keep, b)));
}

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

static void fill_data(void)
{
    for (ULONG i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 3);
}

static void begin(struct bench *b, bool read)
{
    fill_data();
    open_as(b, wanted());
    bench_request(b, BYTES, OFFSET, read);
    KeFlushIoBuffers(b->mdl, read, TRUE);
    grant(b, 4);
}

static void body_read(void)
{
    ULONG length = BYTES;
    struct bench b;
    bool terminal;

    begin(&b, true);
    CHECK(device_moves(false, 10, &terminal) == 0); /* nothing is programmed */
    CHECK((bench_map(&b, 0, &length, false) & ~0xFFFULL) == 0xBAD0DEAD0000ULL);
    CHECK(length == BYTES);
    CHECK(wb_last(FT_EV_SYS_PROGRAM)->arg[2] == BYTES);
    CHECK(wb_last(FT_EV_SYS_PROGRAM)->arg[1] + BYTES <= 0x1000000);
    CHECK(wb_last(FT_EV_SYS_MASK)->arg[1] == 0);
    CHECK(b.ops->ReadDmaCounter(b.adapter) == BYTES);
    CHECK(device_moves(true, 10, &terminal) == 0); /* the other way */
    CHECK(device_moves(false, 5000, &terminal) == 5000 && !terminal);
    CHECK(wb_last(FT_EV_BUS_WRITE)->arg[2] != 0);
    CHECK(b.ops->ReadDmaCounter(b.adapter) == BYTES - 5000);
    CHECK(wb_last(FT_EV_DMA_COUNTER)->arg[1] == BYTES - 5000);
    CHECK(device_moves(false, BYTES, &terminal) == BYTES - 5000 && terminal);
    CHECK(wb_last(FT_EV_SYS_TERMINAL)->arg[0] == CHANNEL);
    CHECK(wb_last(FT_EV_SYS_MASK)->arg[1] == 1);
    CHECK(b.ops->ReadDmaCounter(b.adapter) == 0);
    CHECK(bench_equal(&b, false) < BYTES / 50); /* always bounced */
    CHECK(bench_flush(&b, 0, BYTES, false));
    CHECK(wb_last(FT_EV_DMA_FLUSHED)->arg[2] == BYTES);
    CHECK(bench_equal(&b, false) == BYTES);
    b.ops->FreeAdapterChannel(b.adapter);
    b.ops->PutDmaAdapter(b.adapter);
}

static void a_read_goes_through_low_pages_and_comes_with_the_flush(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        run_on(preset, NULL, body_read);
}

static void body_write(void)
{
    ULONG length = BYTES;
    struct bench b;
    bool terminal;

    begin(&b, false);
    bench_map(&b, 0, &length, true);
    memset(data, 0, sizeof data);
    CHECK(device_moves(true, BYTES, &terminal) == BYTES && terminal);
    CHECK(bench_flush(&b, 0, BYTES, true));
    CHECK(bench_equal(&b, true) == BYTES);
}

static void the_device_gets_a_write_s_data(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        run_on(preset, NULL, body_write);
}

static void body_short(void)
{
    ULONG length = BYTES;
    struct bench b;
    bool terminal;

    begin(&b, true);
    bench_map(&b, 0, &length, false);
    CHECK(device_moves(false, 3000, &terminal) == 3000);
    CHECK(bench_flush(&b, 0, BYTES, false)); /* in mid-transfer */
    CHECK(wb_last(FT_EV_SYS_MASK)->arg[1] == 1);
    CHECK(wb_last(FT_EV_DMA_FLUSHED)->arg[1] == BYTES);
    CHECK(wb_last(FT_EV_DMA_FLUSHED)->arg[2] == 3000); /* what the counter says */
    CHECK(device_moves(false, 100, &terminal) == 0);
    length = 2000; /* the next piece */
    bench_map(&b, 3000, &length, false);
    CHECK(length == 2000 && device_moves(false, 2000, &terminal) == 2000 && terminal);
    CHECK(bench_flush(&b, 3000, 2000, false));
}

static void a_flush_masks_the_channel_and_brings_what_was_moved(void **state)
{
    (void)state;
    run_on(FT_PLATFORM_COHERENT, NULL, body_short);
    run_on(FT_PLATFORM_IOMMU, NULL, body_short);
}

static void body_ignore_count(void)
{
    DEVICE_DESCRIPTION d = wanted();
    ULONG length = BYTES;
    struct bench b;
    bool terminal;

    d.IgnoreCount = TRUE;
    open_as(&b, d);
    bench_request(&b, BYTES, OFFSET, true);
    grant(&b, 4);
    bench_map(&b, 0, &length, false);
    CHECK(device_moves(false, 3000, &terminal) == 3000);
    CHECK(bench_flush(&b, 0, BYTES, false));
    CHECK(wb_last(FT_EV_DMA_FLUSHED)->arg[2] == BYTES);
}

static void a_count_that_is_ignored_brings_everything(void **state)
{
    (void)state;
    run_on(FT_PLATFORM_COHERENT, NULL, body_ignore_count);
}

/* 16 pages of registers lie between two boundaries: 64 KiB go in one operation. */
static void body_64k(void)
{
    DEVICE_DESCRIPTION d = wanted();
    ULONG length = 65024;
    uint64_t address;
    struct bench b;
    bool terminal;

    d.MaximumLength = 65536;
    fill_data();
    open_as(&b, d);
    CHECK(b.registers == 16);
    bench_request(&b, 65024, 0, true);
    grant(&b, 3); /* the next file would cross */
    b.ops->FreeAdapterChannel(b.adapter);
    FT_M->dma.granted[0] |= 7; /* somebody else's */
    grant(&b, 16);
    bench_map(&b, 0, &length, false);
    address = wb_last(FT_EV_SYS_PROGRAM)->arg[1];
    CHECK(length == 65024 && address / 65536 == (address + length - 1) / 65536);
    CHECK(device_moves(false, 65024, &terminal) == 65024 && terminal);
    CHECK(bench_flush(&b, 0, 65024, false));
    CHECK(bench_equal(&b, false) == 65024);
}

static void a_file_does_not_cross_64_kib(void **state)
{
    (void)state;
    run_on(FT_PLATFORM_COHERENT, no_cap, body_64k);
}

static void body_words(void)
{
    ULONG length = 8000;
    struct bench b;
    bool terminal;

    fill_data();
    open_as(&b, wanted());
    bench_request(&b, 8000, 512, true);
    grant(&b, 3);
    bench_map(&b, 0, &length, false);
    CHECK(FT_M->dma.system[WORD_CHANNEL].count == 3999);
    CHECK(sim_slave_transfer(NULL, false, data, 1, &terminal) == 0); /* no word */
    CHECK(device_moves(false, 8000, &terminal) == 8000 && terminal);
    CHECK(bench_flush(&b, 0, 8000, false));
    CHECK(bench_equal(&b, false) == 8000);
}

static void a_wide_channel_counts_words(void **state)
{
    (void)state;
    channel = WORD_CHANNEL;
    run_on(FT_PLATFORM_COHERENT, NULL, body_words);
    channel = CHANNEL;
}

/* A circular common buffer: no copies, no end. */
static void body_auto(void)
{
    DEVICE_DESCRIPTION d = wanted();
    PHYSICAL_ADDRESS logical;
    ULONG length = 4096;
    struct bench b;
    uint8_t *ring;
    bool terminal;

    fill_data();
    d.AutoInitialize = TRUE;
    d.DemandMode = TRUE;
    open_as(&b, d);
    ring = b.ops->AllocateCommonBuffer(b.adapter, 4096, &logical, FALSE);
    CHECK(ring != NULL);
    b.mdl = IoAllocateMdl(ring, 4096, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(b.mdl);
    b.va = MmGetMdlVirtualAddress(b.mdl);
    grant(&b, 1);
    bench_map(&b, 0, &length, false);
    CHECK(wb_last(FT_EV_SYS_PROGRAM)->arg[4] == 4);
    CHECK(device_moves(false, 4096, &terminal) == 4096 && terminal);
    CHECK(memcmp(ring, data, 4096) == 0); /* at once */
    CHECK(b.ops->ReadDmaCounter(b.adapter) == 4096);
    CHECK(device_moves(false, 1000, &terminal) == 1000 && !terminal); /* and on */
    CHECK(b.ops->ReadDmaCounter(b.adapter) == 3096);
    CHECK(bench_flush(&b, 0, 4096, false));
    CHECK(device_moves(false, 1000, &terminal) == 0);
    b.ops->FreeAdapterChannel(b.adapter);
    IoFreeMdl(b.mdl);
    ft_irql_set(PASSIVE_LEVEL);
    b.ops->FreeCommonBuffer(b.adapter, 4096, logical, ring, FALSE);
    CHECK(wb_last(FT_EV_DMA_CB_FREE)->arg[4] == 0);
}

static void a_channel_that_auto_initialises_goes_round(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        run_on(preset, NULL, body_auto);
}

static bool refused(DEVICE_DESCRIPTION d)
{
    ULONG registers;

    return IoGetDmaAdapter(NULL, &d, &registers) == NULL;
}

static void body_refused(void)
{
    DEVICE_DESCRIPTION d = wanted();
    struct bench b, again;

    d.DmaChannel = 3; /* somebody else's */
    CHECK(refused(d));
    d = wanted();
    d.DmaWidth = Width16Bits;
    CHECK(refused(d));
    d = wanted();
    d.ScatterGather = TRUE;
    open_as(&b, d);
    CHECK(b.registers == 1);
    b.ops->PutDmaAdapter(b.adapter);
    open_as(&b, wanted());
    CHECK(b.registers == 9 || b.registers == 5);
    open_as(&again, wanted());
    CHECK(again.adapter == b.adapter); /* a channel has one adapter */
    CHECK(wb_last(FT_EV_DMA_REFS)->arg[1] == 2);
    b.ops->PutDmaAdapter(b.adapter);
    CHECK(b.ops->ReadDmaCounter(b.adapter) == 0 && wb_count(FT_EV_DMA_DEAD_ADAPTER) == 0);
    b.ops->PutDmaAdapter(b.adapter);
    CHECK(wb_last(FT_EV_DMA_REFS)->arg[1] == 0 && wb_last(FT_EV_DMA_PUT)->arg[1] == 0);
    b.ops->PutDmaAdapter(b.adapter);
    CHECK(wb_last(FT_EV_DMA_PUT)->arg[1] == 1);
}

static void a_device_gets_its_own_channel_only(void **state)
{
    (void)state;
    run_on(FT_PLATFORM_COHERENT, NULL, body_refused);
}

static unsigned lists;

static VOID list_control(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list, PVOID context)
{
    struct bench *b = context;
    bool terminal;

    (void)device;
    (void)irp;
    lists++;
    CHECK(list->NumberOfElements == 1 && list->Elements[0].Length == BYTES);
    CHECK(device_moves(false, BYTES, &terminal) == BYTES && terminal);
    b->ops->PutScatterGatherList(b->adapter, list, FALSE);
}

static void body_list(void)
{
    struct bench b;

    lists = 0;
    fill_data();
    open_as(&b, wanted());
    bench_request(&b, BYTES, OFFSET, true);
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(b.ops->GetScatterGatherList(b.adapter, &b.device, b.mdl, b.va, BYTES, list_control, &b,
                                      FALSE) == STATUS_SUCCESS);
    CHECK(lists == 1 && bench_equal(&b, false) == BYTES);
}

static void a_list_of_a_subordinate_device_is_one_operation(void **state)
{
    (void)state;
    run_on(FT_PLATFORM_COHERENT, NULL, body_list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_goes_through_low_pages_and_comes_with_the_flush),
        cmocka_unit_test(the_device_gets_a_write_s_data),
        cmocka_unit_test(a_flush_masks_the_channel_and_brings_what_was_moved),
        cmocka_unit_test(a_count_that_is_ignored_brings_everything),
        cmocka_unit_test(a_file_does_not_cross_64_kib),
        cmocka_unit_test(a_wide_channel_counts_words),
        cmocka_unit_test(a_channel_that_auto_initialises_goes_round),
        cmocka_unit_test(a_device_gets_its_own_channel_only),
        cmocka_unit_test(a_list_of_a_subordinate_device_is_one_operation),
    };

    return cmocka_run_group_tests_name("dma-system", tests, NULL, NULL);
}
