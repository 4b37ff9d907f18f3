/* What Driver Verifier's emulation says, at which level members may be called, and arguments,
 * tables and addresses that are wrong without being refused. */
#include "dma_bench.h"

#include "dma/frames.h"
#include "sim/device.h"
#include "sim/dma_words.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, OFFSET = 300 };

static void verifier(struct ft_platform *platform)
{
    platform->verifier = 1;
}

static void verifier_on_frames_of_any_order(struct ft_platform *platform)
{
    platform->verifier = 1;
    platform->frames = FT_FRAMES_RANDOM;
    platform->high = 1;
}

/* How often the verifier would have stopped with that code. */
static unsigned stops(unsigned code)
{
    unsigned count = 0;

    for (unsigned i = 1; i <= wb_count(FT_EV_DMA_VERIFIER); i++)
        count += wb_event(FT_EV_DMA_VERIFIER, i)->arg[0] == code;
    return count;
}

static void begin(struct bench *b, bool scatter_gather, ULONG bytes)
{
    bench_open(b, scatter_gather, 4 * PAGE_SIZE);
    bench_request(b, bytes, OFFSET, true);
    KeFlushIoBuffers(b->mdl, TRUE, TRUE);
    bench_grant(b, 4);
}

static void body_double_buffer(void)
{
    ULONG length = BYTES;
    struct bench b;
    uint64_t address;

    begin(&b, false, BYTES);
    address = bench_map(&b, 0, &length, false);
    CHECK(bench_device_writes(address, BYTES));
    CHECK(bench_equal(&b, false) < BYTES / 50); /* in pages of the verifier's */
    CHECK(bench_flush(&b, 0, BYTES, false));
    CHECK(bench_equal(&b, false) == BYTES);
    b.ops->FreeMapRegisters(b.adapter, b.base, 4);
    ft_irql_set(PASSIVE_LEVEL);
    b.ops->PutDmaAdapter(b.adapter);
    CHECK(wb_count(FT_EV_DMA_VERIFIER) == 0 && wb_count(FT_EV_MEM_DAMAGE) == 0);
}

static void a_sound_driver_passes_and_its_data_is_copied(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++) {
        dma_bench_run(preset, verifier, body_double_buffer);
        dma_bench_run(preset, verifier_on_frames_of_any_order, body_double_buffer);
    }
}

static void body_mistakes(void)
{
    ULONG length = 4096;
    struct bench b;

    begin(&b, true, BYTES);
    bench_map(&b, 0, &length, false);
    length = 0;
    bench_map(&b, 0, &length, false);
    CHECK(stops(0x21) == 1);
    length = 10;
    bench_map(&b, BYTES, &length, false);
    CHECK(stops(0x1B) == 1);
    length = 10;
    bench_map(&b, BYTES - 5, &length, false);
    CHECK(stops(0x24) == 1 && wb_last(FT_EV_DMA_VERIFIER)->arg[1] == 5);
    CHECK(!bench_flush(&b, 8192, 100, false));
    CHECK(stops(0x20) == 1);
    b.ops->FreeMapRegisters(b.adapter, b.base, 4);
    CHECK(stops(0x10) == 1);
    b.ops->FreeMapRegisters(b.adapter, b.base, 4);
    CHECK(stops(0x05) == 1);
    b.ops->FreeAdapterChannel(b.adapter);
    CHECK(stops(0x04) == 1);
    b.ops->PutScatterGatherList(b.adapter, b.buffer ? (void *)b.buffer : NULL, FALSE);
    CHECK(stops(0x06) == 1);
    CHECK(stops(0x13) == 0);
    ft_irql_set(PASSIVE_LEVEL);
    b.ops->FreeMapRegisters(b.adapter, b.base, 4);
    CHECK(stops(0x13) == 1);
    CHECK(wb_event(FT_EV_DMA_VERIFIER, wb_count(FT_EV_DMA_VERIFIER) - 1)->arg[1] == 1);
    bench_grant(&b, 2);
    b.ops->PutDmaAdapter(b.adapter);
    CHECK(stops(0x09) == 1 && wb_last(FT_EV_DMA_VERIFIER)->arg[2] == 2);
    b.ops->FreeAdapterChannel(b.adapter);
    CHECK(stops(0x18) == 1);
    b.ops->FreeAdapterChannel(NULL);
    CHECK(stops(0x19) == 1 && wb_last(FT_EV_DMA_DEAD_ADAPTER)->arg[0] == 0);
}

static void body_mistakes_unseen(void)
{
    ULONG length = 0;
    struct bench b;

    begin(&b, true, BYTES);
    bench_map(&b, 0, &length, false);
    CHECK(wb_count(FT_EV_DMA_VERIFIER) == 0);
}

static void mistakes_have_the_codes_of_the_verifier(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, verifier, body_mistakes);
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_mistakes_unseen);
}

/* It counts; it does not look at each request. */
static void body_threshold(void)
{
    struct bench b;

    bench_open(&b, true, PAGE_SIZE); /* 2 registers */
    bench_request(&b, BYTES, 0, true);
    for (unsigned i = 0; i < 3; i++) {
        ULONG length = PAGE_SIZE;

        bench_grant(&b, 1);
        bench_map(&b, 0, &length, false);
        b.ops->FreeMapRegisters(b.adapter, b.base, 1); /* never flushed */
        CHECK(stops(0x0D) == (i == 2));
    }
}

static void a_missing_flush_is_found_by_a_threshold(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, verifier, body_threshold);
}

static void body_common(void)
{
    PHYSICAL_ADDRESS logical;
    struct bench b;
    uint8_t *va;

    bench_open(&b, true, 4 * PAGE_SIZE);
    va = b.ops->AllocateCommonBuffer(b.adapter, 0x300, &logical, TRUE);
    CHECK(va != NULL && (uintptr_t)va % PAGE_SIZE == (PAGE_SIZE - 0x300) / 2);
    CHECK(logical.QuadPart % PAGE_SIZE == (LONGLONG)((uintptr_t)va % PAGE_SIZE));
    CHECK(bench_device_writes((uint64_t)logical.QuadPart, 0x300) && va[1] == 10);
    b.ops->FreeCommonBuffer(b.adapter, 0x300, logical, va, TRUE);
    CHECK(wb_last(FT_EV_DMA_CB_FREE)->arg[4] == 0 && wb_count(FT_EV_MEM_DAMAGE) == 0);
    va = b.ops->AllocateCommonBuffer(b.adapter, 0x300, &logical, TRUE);
    ft_unpoison(va - 8, 8);
    va[-3] = 0;
    b.ops->FreeCommonBuffer(b.adapter, 0x300, logical, va, TRUE);
    CHECK(wb_count(FT_EV_MEM_DAMAGE) == 1);
    CHECK(wb_last(FT_EV_MEM_DAMAGE)->arg[0] == FT_DAMAGE_COMMON_SLACK);
    CHECK(stops(0x0F) == 1 && wb_last(FT_EV_DMA_VERIFIER)->arg[1] == 1);
    b.ops->FreeCommonBuffer(b.adapter, 0x300, logical, va, TRUE);
    CHECK(stops(0x03) == 1);
    CHECK(b.ops->AllocateCommonBuffer(b.adapter, 0x300, &logical, TRUE) != NULL);
    b.ops->PutDmaAdapter(b.adapter);
    CHECK(stops(0x07) == 1);
}

static void a_common_buffer_lies_between_tags(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, verifier, body_common);
    dma_bench_run(FT_PLATFORM_IOMMU, verifier, body_common);
}

/* Every member once at that level: which ones were called there in vain. */
static void body_levels_at(KIRQL irql, const char *wrong)
{
    PHYSICAL_ADDRESS logical = {.QuadPart = 0};
    ULONG length = 10, size, registers;
    struct bench b, gone;
    unsigned count = 0;

    bench_open(&b, true, 4 * PAGE_SIZE);
    bench_open(&gone, true, 4 * PAGE_SIZE);
    bench_request(&b, BYTES, 0, true);
    ft_irql_set(irql);
#define TRY(letter, call)                                                                          \
    do {                                                                                           \
        (void)(call);                                                                              \
        CHECK((stops(0x13) > count) == (strchr(wrong, letter) != NULL));                           \
        CHECK(stops(0x13) == count || wb_last(FT_EV_DMA_VERIFIER)->irql == irql);                  \
        count = stops(0x13);                                                                       \
    } while (0)
    TRY('a', b.ops->AllocateCommonBuffer(b.adapter, 8, &logical, TRUE));
    TRY('b', (b.ops->FreeCommonBuffer(b.adapter, 8, logical, b.buffer, TRUE), 0));
    TRY('c', b.ops->AllocateAdapterChannel(b.adapter, &b.device, 99, NULL, NULL));
    TRY('d', b.ops->FlushAdapterBuffers(b.adapter, b.mdl, NULL, b.va, 8, FALSE));
    TRY('e', (b.ops->FreeAdapterChannel(b.adapter), 0));
    TRY('f', (b.ops->FreeMapRegisters(b.adapter, b.mdl, 1), 0));
    TRY('g', b.ops->MapTransfer(b.adapter, b.mdl, NULL, b.va, &length, FALSE).QuadPart);
    TRY('h', b.ops->GetDmaAlignment(b.adapter));
    TRY('i', b.ops->ReadDmaCounter(b.adapter));
    TRY('j', b.ops->GetScatterGatherList(b.adapter, &b.device, b.mdl, b.va, 2 * BYTES, NULL, NULL,
                                         FALSE));
    TRY('k', (b.ops->PutScatterGatherList(b.adapter, (void *)b.buffer, FALSE), 0));
    TRY('l', b.ops->CalculateScatterGatherList(b.adapter, b.mdl, b.va, 8, &size, &registers));
    TRY('m', b.ops->BuildScatterGatherList(b.adapter, &b.device, b.mdl, b.va, 2 * BYTES, NULL, NULL,
                                           FALSE, b.buffer, 1));
    TRY('n', b.ops->BuildMdlFromScatterGatherList(b.adapter, (void *)b.buffer, b.mdl, &b.mdl));
    TRY('o', (gone.ops->PutDmaAdapter(gone.adapter), 0));
#undef TRY
    ft_irql_set(PASSIVE_LEVEL);
}

static void body_passive(void)
{
    body_levels_at(PASSIVE_LEVEL, "cefjkm");
}

static void body_dispatch(void)
{
    body_levels_at(DISPATCH_LEVEL, "abh");
}

static void body_device_level(void)
{
    body_levels_at(5, "abcdefghijkmno");
}

static void members_have_levels(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, verifier, body_passive);
    dma_bench_run(FT_PLATFORM_COHERENT, verifier, body_dispatch);
    dma_bench_run(FT_PLATFORM_COHERENT, verifier, body_device_level);
}

/* ---- without the verifier ---- */

static void body_common_free(void)
{
    PHYSICAL_ADDRESS logical, wrong;
    struct bench b, other;
    uint8_t *va;

    bench_open(&b, true, 4 * PAGE_SIZE);
    bench_open(&other, true, 4 * PAGE_SIZE);
    va = b.ops->AllocateCommonBuffer(b.adapter, 5000, &logical, TRUE);
    CHECK(wb_last(FT_EV_DMA_CB_ALLOC)->arg[4] == 1);
    wrong.QuadPart = logical.QuadPart + 1;
    b.ops->FreeCommonBuffer(b.adapter, 5000, logical, va + 16, TRUE); /* frees nothing */
    CHECK(wb_last(FT_EV_DMA_CB_FREE)->arg[4] == FT_CF_VIRTUAL);
    other.ops->FreeCommonBuffer(other.adapter, 4999, wrong, va, FALSE);
    CHECK(wb_last(FT_EV_DMA_CB_FREE)->arg[4] ==
          (FT_CF_ADAPTER | FT_CF_LENGTH | FT_CF_LOGICAL | FT_CF_CACHE));
    b.ops->FreeCommonBuffer(b.adapter, 5000, logical, va, TRUE);
    CHECK(wb_last(FT_EV_DMA_CB_FREE)->arg[4] == FT_CF_FREED);
}

static void a_free_says_what_differs_from_the_allocation(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_common_free);
}

static void body_free_register(void)
{
    ULONG length = 4096;
    struct bench b;
    uint64_t address;

    begin(&b, false, BYTES);
    address = bench_map(&b, 0, &length, false);
    CHECK(bench_flush(&b, 0, length, false));
    CHECK(wb_count(FT_EV_MEM_DAMAGE) == 0);
    CHECK(bench_device_writes(address, 4)); /* late */
    CHECK(wb_last(FT_EV_BUS_WRITE)->arg[2] == 0);
    length = 4096;
    bench_map(&b, 0, &length, false);
    CHECK(wb_count(FT_EV_MEM_DAMAGE) == 1);
    CHECK(wb_last(FT_EV_MEM_DAMAGE)->arg[0] == FT_DAMAGE_FREE_REGISTER);
    CHECK(wb_last(FT_EV_MEM_DAMAGE)->arg[2] == OFFSET);
}

static void a_write_to_a_free_register_is_found(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, NULL, body_free_register);
}

static void body_flush_fails(void)
{
    const struct ft_op op = {.kind = FT_OP_FLUSH_FAILS};
    ULONG length = BYTES;
    struct bench b;
    uint64_t address;

    CHECK(!ft_dma_op(&op)); /* nobody could flush */
    begin(&b, false, BYTES);
    CHECK(ft_dma_op(&op));
    CHECK(!bench_flush(&b, 0, BYTES, false)); /* nothing to flush: still armed */
    CHECK(wb_count(FT_EV_CHOICE_FAIL) == 0);
    address = bench_map(&b, 0, &length, false);
    CHECK(bench_device_writes(address, BYTES));
    CHECK(!bench_flush(&b, 0, BYTES, false));
    CHECK(wb_last(FT_EV_CHOICE_FAIL)->arg[0] == 9 && wb_last(FT_EV_DMA_FLUSH_RESULT)->arg[1] == 0);
    CHECK(bench_equal(&b, false) < BYTES);
    length = BYTES;
    address = bench_map(&b, 0, &length, false); /* once */
    CHECK(bench_device_writes(address, BYTES) && bench_flush(&b, 0, BYTES, false));
    CHECK(bench_equal(&b, false) == BYTES);
}

static void a_flush_may_fail_and_lose_data(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_flush_fails);
}

static void body_odd(void)
{
    struct bench b;
    ULONG length = 100;

    begin(&b, true, BYTES);
    b.ops->MapTransfer(b.adapter, b.mdl, b.base, b.va, &length, 0x80);
    CHECK(wb_last(FT_EV_ODD_ARGUMENT)->arg[1] == 6 && wb_last(FT_EV_ODD_ARGUMENT)->arg[2] == 0x80);
    b.ops->FlushAdapterBuffers(b.adapter, b.mdl, b.base, b.va, 100, 2);
    CHECK(wb_last(FT_EV_ODD_ARGUMENT)->arg[0] == FT_PT_DMA_FLUSH);
    CHECK(wb_count(FT_EV_ODD_ARGUMENT) == 2);
    b.ops->MapTransfer(b.adapter, b.mdl, b.base, b.va, &b.mdl->ByteCount, FALSE);
    CHECK(wb_last(FT_EV_ODD_ARGUMENT)->arg[1] == 5);
    CHECK(wb_last(FT_EV_ODD_ARGUMENT)->arg[2] == offsetof(MDL, ByteCount));
    b.mdl->ByteCount = BYTES;
    b.mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL; /* and locked: no MDL is both */
    b.ops->MapTransfer(b.adapter, b.mdl, b.base, b.va, &length, FALSE);
    CHECK(wb_last(FT_EV_ODD_ARGUMENT)->arg[1] == 2);
    CHECK(wb_last(FT_EV_ODD_ARGUMENT)->arg[2] == (uint16_t)b.mdl->MdlFlags);
    b.mdl->MdlFlags &= (CSHORT)~MDL_SOURCE_IS_NONPAGED_POOL;
    KeFlushIoBuffers(b.mdl, TRUE, 3);
    CHECK(wb_last(FT_EV_ODD_ARGUMENT)->arg[0] == FT_PT_DMA_KFI);
    CHECK(wb_count(FT_EV_ODD_ARGUMENT) == 5);
}

static void odd_arguments_are_told(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_odd);
}

static void body_tables(void)
{
    DEVICE_DESCRIPTION wanted;
    struct bench b, other;
    ULONG size, registers;
    PDMA_ADAPTER first;

    bench_open(&b, true, 4 * PAGE_SIZE);
    bench_open(&other, true, 4 * PAGE_SIZE);
    CHECK(b.ops->GetDmaAlignment(other.adapter) == 1); /* works all the same */
    CHECK(wb_last(FT_EV_DMA_OLD_TABLE)->arg[1] == 9);
    memset(&wanted, 0, sizeof wanted);
    wanted.Version = DEVICE_DESCRIPTION_VERSION1;
    wanted.Master = TRUE;
    wanted.Dma32BitAddresses = TRUE;
    wanted.MaximumLength = PAGE_SIZE;
    wanted.Reserved1 = TRUE;
    first = IoGetDmaAdapter(NULL, &wanted, &registers);
    CHECK(wb_last(FT_EV_DMA_GET)->arg[7] ==
          (FT_DD_KNOWN | FT_DD_MASTER | FT_DD_32_BITS | FT_DD_NOT_ZEROED));
    CHECK(first->DmaOperations->CalculateScatterGatherList(first, NULL, NULL, 4096, &size, NULL) ==
          STATUS_SUCCESS);
    CHECK(wb_count(FT_EV_DMA_OLD_TABLE) == 2 && wb_last(FT_EV_DMA_OLD_TABLE)->arg[1] == 13);
    CHECK(wb_count(FT_EV_MEM_DAMAGE) == 0);
    b.ops->ReadDmaCounter = other.ops->ReadDmaCounter;
    b.ops->GetDmaAlignment(b.adapter);
    b.ops->GetDmaAlignment(b.adapter);
    CHECK(wb_count(FT_EV_MEM_DAMAGE) == 1); /* said once */
    CHECK(wb_last(FT_EV_MEM_DAMAGE)->arg[0] == FT_DAMAGE_ADAPTER);
    CHECK(HalGetAdapter(&wanted, &registers) != NULL && wb_count(FT_EV_HAL_GET_ADAPTER) == 1);
}

static void tables_belong_to_adapters(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_tables);
}

static void body_later(void)
{
    struct bench b;

    bench_open(&b, true, 4 * PAGE_SIZE);
    b.ops->FlushDmaBuffer(b.adapter, NULL, FALSE);
}

static void a_member_of_version_3_stops_the_run_by_name(void **state)
{
    (void)state;
    wb_body(body_later, FT_STOP_UNIMPLEMENTED);
    assert_int_equal(wb_last(FT_EV_DMA_OLD_TABLE)->arg[1], 30);
}

static void body_looks(void)
{
    bool differs = FT_M->platform.iommu || FT_M->platform.bounce == FT_BOUNCE_ALWAYS;
    PHYSICAL_ADDRESS logical;
    ULONG length = 100;
    struct bench b;
    uint64_t address;
    uint8_t *va;

    begin(&b, true, BYTES);
    address = bench_map(&b, 0, &length, false);
    ft_irql_set(PASSIVE_LEVEL);
    va = b.ops->AllocateCommonBuffer(b.adapter, 100, &logical, TRUE);
    CHECK(ft_dma_looks(address + 50) == FT_LOOKS_NOTHING);
    CHECK(ft_dma_looks((uint64_t)logical.QuadPart) == FT_LOOKS_NOTHING);
    CHECK(ft_dma_looks(0xBAD0DEAD0000) == FT_LOOKS_NOTHING);
    CHECK(ft_dma_looks((uintptr_t)b.buffer) == FT_LOOKS_VIRTUAL);
    CHECK(ft_dma_looks((uintptr_t)b.adapter) == FT_LOOKS_VIRTUAL);
    CHECK(ft_dma_looks((uintptr_t)va + 1) == FT_LOOKS_COMMON_VIRTUAL);
    CHECK(ft_dma_looks((uint64_t)MmGetPhysicalAddress(b.buffer).QuadPart) ==
          (differs ? FT_LOOKS_PHYSICAL : FT_LOOKS_NOTHING));
    if (FT_M->platform.iommu)
        CHECK(ft_dma_looks((uint64_t)MmGetPhysicalAddress(va).QuadPart) ==
              FT_LOOKS_COMMON_PHYSICAL);
    sim_engine_begin(NULL, 0, (uintptr_t)b.buffer, 1, true);
    CHECK(wb_last(FT_EV_ENGINE_BEGIN)->arg[4] == FT_LOOKS_VIRTUAL);
}

static void an_address_says_where_it_was_got_wrong(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_looks);
}

static void high(struct ft_platform *platform)
{
    platform->high = 1;
}

static void body_high(void)
{
    DEVICE_DESCRIPTION wanted;
    ULONG length = BYTES;
    uint64_t address;
    struct bench b;

    begin(&b, true, BYTES); /* of 32 bits */
    address = bench_map(&b, 0, &length, false);
    CHECK(address >> 32 == 0 && (uint64_t)MmGetPhysicalAddress(b.buffer).QuadPart >> 32 == 1);
    CHECK(bench_device_writes(address, length) && bench_flush(&b, 0, length, false));
    memset(&wanted, 0, sizeof wanted);
    wanted.Master = TRUE;
    wanted.ScatterGather = TRUE;
    wanted.Dma64BitAddresses = TRUE;
    wanted.MaximumLength = 4 * PAGE_SIZE;
    ft_irql_set(PASSIVE_LEVEL);
    b.adapter = IoGetDmaAdapter(NULL, &wanted, &b.registers);
    b.ops = b.adapter->DmaOperations;
    bench_grant(&b, 4);
    length = 100;
    address = bench_map(&b, 0, &length, false);
    CHECK(address >> 32 == 1);
    CHECK(ft_dma_looks((uint32_t)address) == FT_LOOKS_CUT);
}

static void memory_above_4_gib_is_out_of_reach_of_32_bits(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, high, body_high);
    dma_bench_run(FT_PLATFORM_IOMMU, high, body_high);
}

static void body_random(void)
{
    uint64_t seen[4] = {0};
    unsigned rows = 0;

    for (unsigned i = 0; i < FT_FRAMES_MAX; i++) {
        uint8_t *buffer = i < 24 ? ft_buffer_create(PAGE_SIZE, 0, i + 1, true) : NULL;
        uint64_t physical;
        uint32_t left;

        if (!buffer)
            break;
        physical = ft_physical_of(buffer);
        CHECK(ft_physical_memory(physical, &left) == buffer);
        physical = (physical - FT_PHYSICAL_BASE) / PAGE_SIZE;
        CHECK(physical < FT_FRAMES_MAX && !(seen[physical / 64] >> physical % 64 & 1));
        seen[physical / 64] |= 1ULL << physical % 64;
        rows += i > 0 && physical > 0 && (seen[(physical - 1) / 64] >> (physical - 1) % 64 & 1);
    }
    CHECK(rows < 6);
}

static unsigned frame_order;

static void ordered(struct ft_platform *platform)
{
    platform->frames = (uint8_t)frame_order;
}

static void body_every_frame(void)
{
    uint64_t seen[FT_FRAMES_MAX / 64] = {0};
    uint8_t *buffer[] = {ft_buffer_create(256 * PAGE_SIZE, 0, 1, true),
                         ft_buffer_create((FT_FRAMES_MAX - 256) * PAGE_SIZE, 0, 2, true)};

    CHECK(buffer[0] && buffer[1]);
    for (unsigned i = 0; i < FT_FRAMES_MAX; i++) {
        uint8_t *page = buffer[i / 256] + i % 256 * PAGE_SIZE;
        uint64_t frame = (ft_physical_of(page) - FT_PHYSICAL_BASE) / PAGE_SIZE;
        uint32_t left;

        CHECK(frame < FT_FRAMES_MAX && frame / 256 == i / 256);
        CHECK(!(seen[frame / 64] >> frame % 64 & 1));
        CHECK(ft_physical_memory(ft_physical_of(page), &left) == page && left == PAGE_SIZE);
        seen[frame / 64] |= 1ULL << frame % 64;
    }
}

static void every_frame_has_a_place_of_its_own(void **state)
{
    (void)state;
    for (frame_order = 0; frame_order < FT_FRAMES_COUNT; frame_order++)
        dma_bench_run(FT_PLATFORM_COHERENT, ordered, body_every_frame);
}

static void scattered(struct ft_platform *platform)
{
    platform->frames = FT_FRAMES_RANDOM;
}

static void frames_may_lie_in_no_order(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, scattered, body_random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_driver_passes_and_its_data_is_copied),
        cmocka_unit_test(mistakes_have_the_codes_of_the_verifier),
        cmocka_unit_test(a_missing_flush_is_found_by_a_threshold),
        cmocka_unit_test(a_common_buffer_lies_between_tags),
        cmocka_unit_test(members_have_levels),
        cmocka_unit_test(a_free_says_what_differs_from_the_allocation),
        cmocka_unit_test(a_write_to_a_free_register_is_found),
        cmocka_unit_test(a_flush_may_fail_and_lose_data),
        cmocka_unit_test(odd_arguments_are_told),
        cmocka_unit_test(tables_belong_to_adapters),
        cmocka_unit_test(a_member_of_version_3_stops_the_run_by_name),
        cmocka_unit_test(an_address_says_where_it_was_got_wrong),
        cmocka_unit_test(memory_above_4_gib_is_out_of_reach_of_32_bits),
        cmocka_unit_test(frames_may_lie_in_no_order),
        cmocka_unit_test(every_frame_has_a_place_of_its_own),
    };

    return cmocka_run_group_tests_name("dma-verifier", tests, NULL, NULL);
}
