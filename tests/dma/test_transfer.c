/* What a map and a flush do to data, platform by platform: it arrives only with the right flush. */
#include "dma_bench.h"

#include "dma/frames.h"
#include "sim/device.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, OFFSET = 300, REGISTERS = 4, LINE = 64 };

static uint8_t seen[BYTES]; /* by the device */

static bool evict_all(void)
{
    const struct ft_op op = {.kind = FT_OP_EVICT};

    return ft_dma_op(&op);
}

/* A read request, mapped as a whole, that the device has filled. */
static uint64_t filled_read(struct bench *bench, bool flush_caches)
{
    ULONG length = BYTES;
    uint64_t address;

    bench_open(bench, false, 4 * PAGE_SIZE);
    bench_request(bench, BYTES, OFFSET, true);
    if (flush_caches)
        KeFlushIoBuffers(bench->mdl, TRUE, TRUE);
    bench_grant(bench, REGISTERS);
    address = bench_map(bench, 0, &length, false);
    CHECK(length == BYTES);
    CHECK(address % PAGE_SIZE == OFFSET);
    CHECK(bench_device_writes(address, BYTES));
    CHECK(wb_last(FT_EV_BUS_WRITE)->arg[2] != 0);
    return address;
}

static void body_read_flushed(void)
{
    struct bench bench;

    filled_read(&bench, true);
    CHECK(bench_flush(&bench, 0, BYTES, false));
    CHECK(bench_equal(&bench, false) == BYTES);
    CHECK(wb_last(FT_EV_DMA_FLUSHED)->arg[1] == BYTES);
    CHECK(wb_last(FT_EV_DMA_FLUSHED)->arg[2] == 0 || wb_last(FT_EV_DMA_FLUSHED)->arg[2] == BYTES);
    bench.ops->FreeMapRegisters(bench.adapter, bench.base, REGISTERS);
}

static void a_flushed_read_has_the_device_s_data(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_read_flushed);
}

static void body_read_unflushed(void)
{
    const struct ft_platform *platform = &FT_M->platform;
    bool copies = platform->bounce == FT_BOUNCE_ALWAYS || !platform->coherent;
    struct bench bench;

    filled_read(&bench, true);
    /* A byte in 256 may be equal by chance. */
    CHECK(copies ? bench_equal(&bench, false) < BYTES / 50 : bench_equal(&bench, false) == BYTES);
}

static void an_unflushed_read_has_it_only_where_nothing_is_copied(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_read_unflushed);
}

static void body_short_flush(void)
{
    enum { SHORT = 4096 };
    struct bench bench;
    uint32_t equal;

    filled_read(&bench, true);
    CHECK(bench_flush(&bench, 0, SHORT, false));
    equal = bench_equal(&bench, false);
    CHECK(equal >= SHORT && equal < SHORT + (BYTES - SHORT) / 50 + LINE);
    CHECK(!bench_flush(&bench, SHORT, BYTES - SHORT, false)); /* the short flush ended it */
}

static void a_short_flush_moves_only_its_bytes(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, NULL, body_short_flush);
    dma_bench_run(FT_PLATFORM_NONCOHERENT, NULL, body_short_flush);
}

static void body_wrong_direction(void)
{
    struct bench bench;

    filled_read(&bench, true);
    CHECK(bench_flush(&bench, 0, BYTES, true));
    CHECK(wb_last(FT_EV_DMA_FLUSHED)->arg[2] == 0);
    CHECK(bench_equal(&bench, false) < BYTES / 50);
}

static void a_flush_the_wrong_way_loses_the_data(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, NULL, body_wrong_direction);
    dma_bench_run(FT_PLATFORM_NONCOHERENT, NULL, body_wrong_direction);
}

static void body_wrong_range(void)
{
    struct bench bench;

    filled_read(&bench, true);
    CHECK(!bench_flush(&bench, BYTES, BYTES, false)); /* CurrentVa was advanced */
    CHECK(wb_count(FT_EV_DMA_FLUSHED) == 0);
    CHECK(wb_last(FT_EV_DMA_FLUSH)->arg[3] == BYTES);
    CHECK(bench_flush(&bench, 0, BYTES, false)); /* still mapped */
    CHECK(bench_equal(&bench, false) == BYTES);
    CHECK(!bench_flush(&bench, 0, BYTES, false)); /* not twice */
}

static void a_flush_elsewhere_moves_nothing(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_wrong_range);
}

static void body_early_flush(void)
{
    ULONG length = BYTES;
    struct bench bench;
    uint64_t address;

    bench_open(&bench, false, 4 * PAGE_SIZE);
    bench_request(&bench, BYTES, OFFSET, true);
    KeFlushIoBuffers(bench.mdl, TRUE, TRUE);
    bench_grant(&bench, REGISTERS);
    address = bench_map(&bench, 0, &length, false);
    CHECK(bench_device_writes(address, 1000));
    CHECK(bench_flush(&bench, 0, BYTES, false));
    CHECK(bench_device_writes(address, BYTES) == !FT_M->platform.iommu);
    /* What came after the flush hit nothing of the driver's. */
    if (FT_M->platform.iommu)
        CHECK(wb_count(FT_EV_BUS_FAULT) == 1);
    else
        CHECK(wb_last(FT_EV_BUS_WRITE)->arg[2] == 0);
    CHECK(bench_equal(&bench, false) < 1000 + BYTES / 50);
}

static void what_comes_after_the_flush_is_lost(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_early_flush);
}

static void body_write(void)
{
    ULONG length = BYTES;
    struct bench bench;
    uint64_t address;

    bench_open(&bench, false, 4 * PAGE_SIZE);
    bench_request(&bench, BYTES, OFFSET, false);
    CHECK(bench_equal(&bench, true) < BYTES / 50);
    KeFlushIoBuffers(bench.mdl, FALSE, TRUE);
    bench_grant(&bench, REGISTERS);
    address = bench_map(&bench, 0, &length, true);
    CHECK(bench_device_reads(address, seen, BYTES));
    CHECK(memcmp(seen, bench.buffer, BYTES) == 0);
    CHECK(bench_flush(&bench, 0, BYTES, true));
    CHECK(bench_equal(&bench, true) == BYTES);
}

static void a_written_buffer_reaches_the_device(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_write);
}

static void body_write_without_cache_flush(void)
{
    ULONG length = BYTES;
    struct bench bench;
    uint64_t address;

    bench_open(&bench, false, 4 * PAGE_SIZE);
    bench_request(&bench, BYTES, OFFSET, false);
    bench_grant(&bench, REGISTERS);
    address = bench_map(&bench, 0, &length, true);
    CHECK(bench_device_reads(address, seen, BYTES));
    CHECK(bench_equal(&bench, true) < BYTES / 50);
    CHECK(evict_all()); /* too late for the device */
    CHECK(bench_equal(&bench, true) < BYTES / 50);
    CHECK(!evict_all()); /* nothing is dirty any more */
}

static void without_the_cache_flush_the_device_reads_old_memory(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_NONCOHERENT, NULL, body_write_without_cache_flush);
}

static void body_read_with_dirty_lines(void)
{
    struct bench bench;

    filled_read(&bench, false);
    CHECK(evict_all()); /* the requester's old bytes go over the device's */
    CHECK(bench_flush(&bench, 0, BYTES, false));
    CHECK(bench_equal(&bench, false) < BYTES / 50);
}

static void an_eviction_spoils_a_read_whose_lines_are_dirty(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_NONCOHERENT, NULL, body_read_with_dirty_lines);
}

static void body_bounce_at_map(void)
{
    ULONG length = BYTES;
    struct bench bench;
    uint64_t address;

    bench_open(&bench, false, 4 * PAGE_SIZE);
    bench_request(&bench, BYTES, OFFSET, false);
    bench_grant(&bench, REGISTERS);
    address = bench_map(&bench, 0, &length, true);
    bench.buffer[10] ^= 0xFF; /* after the copy */
    CHECK(bench_device_reads(address, seen, BYTES));
    CHECK((seen[10] ^ bench.buffer[10]) == 0xFF);
    CHECK(bench_equal(&bench, true) == BYTES);
}

static void data_is_copied_to_bounce_pages_at_the_map(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, NULL, body_bounce_at_map);
}

static void contiguous_frames(struct ft_platform *platform)
{
    platform->frames = FT_FRAMES_CONTIGUOUS;
}

static void body_always_bounces(void)
{
    ULONG length = 100;
    struct bench bench;

    bench_open(&bench, false, PAGE_SIZE);
    bench_request(&bench, length, 0, true);
    bench_grant(&bench, 1);
    CHECK(bench_device_writes(bench_map(&bench, 0, &length, false), length));
    CHECK(bench_equal(&bench, false) < length / 10);
    CHECK(bench_flush(&bench, 0, length, false));
    CHECK(wb_last(FT_EV_DMA_FLUSHED)->arg[2] == length);
    CHECK(bench_equal(&bench, false) == length);
}

static void odd_pages(struct ft_platform *platform)
{
    platform->bounce = FT_BOUNCE_ODD_PAGES;
}

static void body_odd_pages(void)
{
    struct bench bench;

    bench_open(&bench, true, 4 * PAGE_SIZE);
    bench_request(&bench, 3 * PAGE_SIZE, 0, true);
    bench_grant(&bench, 3);
    for (ULONG page = 0; page < 3; page++) {
        ULONG length = (3 - page) * PAGE_SIZE;

        CHECK(bench_device_writes(bench_map(&bench, page * PAGE_SIZE, &length, false), length));
        CHECK(length == PAGE_SIZE);
        CHECK(bench_flush(&bench, page * PAGE_SIZE, length, false));
        CHECK((wb_last(FT_EV_DMA_FLUSHED)->arg[2] != 0) == (page == 1));
    }
    CHECK(bench_equal(&bench, false) == bench.bytes);
}

static void the_bounce_knob_says_which_pages_are_copied(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, contiguous_frames, body_always_bounces);
    dma_bench_run(FT_PLATFORM_COHERENT, odd_pages, body_odd_pages);
}

static void reversed_frames(struct ft_platform *platform)
{
    platform->frames = FT_FRAMES_REVERSED;
}

static void body_runs(void)
{
    ULONG length = BYTES, done = 0;
    struct bench bench;
    uint64_t address;

    bench_open(&bench, true, 4 * PAGE_SIZE);
    bench_request(&bench, BYTES, OFFSET, true);
    bench_grant(&bench, REGISTERS);
    while (done < BYTES) {
        length = BYTES - done;
        address = bench_map(&bench, done, &length, false);
        CHECK(length == (done == 0                  ? PAGE_SIZE - OFFSET
                         : BYTES - done < PAGE_SIZE ? BYTES - done
                                                    : PAGE_SIZE));
        CHECK(bench_device_writes(address, length));
        if (length == 0)
            return;
        done += length;
    }
    CHECK(wb_count(FT_EV_DMA_MAP) == 3);
    CHECK(bench_flush(&bench, 0, BYTES, false)); /* one flush for all */
    CHECK(wb_count(FT_EV_DMA_FLUSHED) == 3);
    CHECK(bench_equal(&bench, false) == BYTES);
}

static void a_scatter_gather_device_gets_runs(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, reversed_frames, body_runs);
    dma_bench_run(FT_PLATFORM_IOMMU, reversed_frames, body_runs);
}

static void body_read_scattered(void)
{
    struct bench bench;

    filled_read(&bench, true);
    CHECK(bench_flush(&bench, 0, BYTES, false));
    /* Not contiguous, so the shim had to bounce, unless the IOMMU remaps. */
    CHECK(FT_M->platform.iommu || wb_last(FT_EV_DMA_FLUSHED)->arg[2] == BYTES);
    CHECK(bench_equal(&bench, false) == BYTES);
}

static void any_other_device_gets_one_run(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, reversed_frames, body_read_scattered);
}

static void body_short_map(void)
{
    const struct ft_op op = {.kind = FT_OP_SHORT_MAP, .arg = {2}};
    struct bench bench;
    ULONG length = BYTES;

    CHECK(!ft_dma_op(&op)); /* no such adapter */
    bench_open(&bench, true, 4 * PAGE_SIZE);
    bench_request(&bench, BYTES, OFFSET, true);
    bench_grant(&bench, REGISTERS);
    CHECK(ft_dma_op(&op));
    bench_map(&bench, 0, &length, false);
    CHECK(length == 2 * PAGE_SIZE - OFFSET);
    CHECK(wb_last(FT_EV_DMA_SHORT_MAP)->arg[1] == length);
}

static void the_world_may_shorten_a_run(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_short_map);
}

static void refused(struct bench *bench, ULONG offset, ULONG length)
{
    unsigned maps = wb_count(FT_EV_DMA_MAP);
    uint64_t address = bench_map(bench, offset, &length, false);

    CHECK(length == 0);
    CHECK(wb_count(FT_EV_DMA_MAP) == maps + 1);
    CHECK(wb_last(FT_EV_DMA_MAP)->arg[6] == 0);
    CHECK(!bench_device_writes(address, 1)); /* no memory there on any platform */
}

static void body_breaches(void)
{
    struct bench bench;
    ULONG length = PAGE_SIZE;

    bench_open(&bench, false, 4 * PAGE_SIZE);
    bench_request(&bench, BYTES, OFFSET, true);
    refused(&bench, 0, 100); /* no base */
    bench_grant(&bench, 2);
    refused(&bench, 0, 0);
    refused(&bench, BYTES, 1);
    refused(&bench, BYTES - 10, 11);
    refused(&bench, 0, 2 * PAGE_SIZE);    /* three registers */
    bench_map(&bench, 0, &length, false); /* two */
    CHECK(length == PAGE_SIZE);
    refused(&bench, PAGE_SIZE, 1); /* none left */
    CHECK(bench_flush(&bench, 0, PAGE_SIZE, false));
    bench.ops->FreeMapRegisters(bench.adapter, bench.base, 2);
    refused(&bench, 0, 100); /* freed */
}

static void a_wrong_map_maps_nothing(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_breaches);
}

static void body_stray(void)
{
    struct bench bench;
    PHYSICAL_ADDRESS logical;
    uint8_t *common, byte = 0x11;
    uint64_t physical;

    bench_open(&bench, false, 4 * PAGE_SIZE);
    bench_request(&bench, BYTES, OFFSET, true);
    physical = ft_physical_of(bench.buffer);
    CHECK(sim_dma_write(NULL, physical, &byte, 1) == !FT_M->platform.iommu);
    if (FT_M->platform.coherent && !FT_M->platform.iommu)
        CHECK(bench.buffer[0] == 0x11); /* a stray write does harm */
    CHECK(bench_equal(&bench, false) < BYTES / 50);

    common = bench.ops->AllocateCommonBuffer(bench.adapter, 5000, &logical, TRUE);
    CHECK(common != NULL);
    memset(common, 0x77, 5000);
    CHECK(bench_device_reads((uint64_t)logical.QuadPart, seen, 5000));
    CHECK(seen[0] == 0x77 && seen[4999] == 0x77);
    CHECK(wb_last(FT_EV_BUS_READ)->arg[2] != 0);
    CHECK(bench_device_writes((uint64_t)logical.QuadPart, 5000));
    CHECK(common[0] == 3 && common[1] == 10);
    bench.ops->FreeCommonBuffer(bench.adapter, 5000, logical, common, TRUE);
    CHECK(wb_count(FT_EV_POOL_DAMAGE) == 0);
    CHECK(bench_device_reads((uint64_t)logical.QuadPart, seen, 1) == !FT_M->platform.iommu);
}

static void common_buffers_need_no_flush(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_stray);
}

static void body_partial(void)
{
    enum { SKIP = 5000, PART = 2000 };
    ULONG length = PART;
    struct bench bench;
    PMDL whole, part;
    uint64_t address;

    bench_open(&bench, false, 4 * PAGE_SIZE);
    bench_request(&bench, BYTES, OFFSET, true);
    KeFlushIoBuffers(bench.mdl, TRUE, TRUE);
    whole = bench.mdl;
    part = IoAllocateMdl((uint8_t *)bench.va + SKIP, PART, FALSE, FALSE, NULL);
    IoBuildPartialMdl(whole, part, (uint8_t *)bench.va + SKIP, PART);
    bench.mdl = part;
    bench_grant(&bench, REGISTERS);
    address = bench_map(&bench, SKIP, &length, false);
    CHECK(length == PART && wb_last(FT_EV_DMA_MAP)->arg[3] == 0);
    CHECK(bench_device_writes(address, PART));
    CHECK(bench_flush(&bench, SKIP, PART, false));
    CHECK(memcmp(bench.buffer + SKIP, "\x03\x0a\x11", 3) == 0);
    CHECK(MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == bench.buffer + SKIP);
    IoFreeMdl(part);
    bench.mdl = whole;
    MmUnlockPages(whole);
    refused(&bench, 0, 100); /* not locked any more */
    IoFreeMdl(whole);
    CHECK(!bench_flush(&bench, 0, 100, false)); /* a freed MDL does no harm to the shim */
}

static void a_part_of_a_buffer_is_mapped_by_a_partial_mdl(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, NULL, body_partial);
}

static void body_slack(void)
{
    struct bench bench;

    bench_open(&bench, false, PAGE_SIZE);
    bench_request(&bench, BYTES, OFFSET, true);
    ft_raw_fill(bench.buffer + BYTES + 5, 0, 1);
    ft_buffer_destroy(bench.buffer);
    CHECK(wb_count(FT_EV_POOL_DAMAGE) == 1);
    CHECK(wb_last(FT_EV_POOL_DAMAGE)->arg[2] == BYTES + 5);
}

static void damage_beside_a_buffer_is_found(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_slack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flushed_read_has_the_device_s_data),
        cmocka_unit_test(an_unflushed_read_has_it_only_where_nothing_is_copied),
        cmocka_unit_test(a_short_flush_moves_only_its_bytes),
        cmocka_unit_test(a_flush_the_wrong_way_loses_the_data),
        cmocka_unit_test(a_flush_elsewhere_moves_nothing),
        cmocka_unit_test(what_comes_after_the_flush_is_lost),
        cmocka_unit_test(a_written_buffer_reaches_the_device),
        cmocka_unit_test(without_the_cache_flush_the_device_reads_old_memory),
        cmocka_unit_test(an_eviction_spoils_a_read_whose_lines_are_dirty),
        cmocka_unit_test(data_is_copied_to_bounce_pages_at_the_map),
        cmocka_unit_test(the_bounce_knob_says_which_pages_are_copied),
        cmocka_unit_test(a_scatter_gather_device_gets_runs),
        cmocka_unit_test(any_other_device_gets_one_run),
        cmocka_unit_test(the_world_may_shorten_a_run),
        cmocka_unit_test(a_wrong_map_maps_nothing),
        cmocka_unit_test(common_buffers_need_no_flush),
        cmocka_unit_test(a_part_of_a_buffer_is_mapped_by_a_partial_mdl),
        cmocka_unit_test(damage_beside_a_buffer_is_found),
    };

    return cmocka_run_group_tests_name("dma-transfer", tests, NULL, NULL);
}
