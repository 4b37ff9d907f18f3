/* Scatter/gather lists: what they hold, who gets one when, and that the right put alone brings the
 * data. */
#include "dma_bench.h"

#include "dma/frames.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 20000, OFFSET = 700, MAXIMUM = 64 * 1024 };

static unsigned ran;
static PSCATTER_GATHER_LIST lists[8];

static VOID list_control(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list, PVOID context)
{
    (void)device;
    (void)irp;
    (void)context;
    CHECK(ft_irql() == DISPATCH_LEVEL);
    lists[ran++ % 8] = list;
}

static NTSTATUS get(struct bench *b, ULONG offset, ULONG length, bool write)
{
    return b->ops->GetScatterGatherList(b->adapter, &b->device, b->mdl, (uint8_t *)b->va + offset,
                                        length, list_control, b, write);
}

static void put(struct bench *b, PSCATTER_GATHER_LIST list, bool write)
{
    b->ops->PutScatterGatherList(b->adapter, list, write);
}

static void begin(struct bench *b, bool scatter_gather, bool read)
{
    ran = 0;
    bench_open(b, scatter_gather, MAXIMUM);
    bench_request(b, BYTES, OFFSET, read);
    KeFlushIoBuffers(b->mdl, read, TRUE);
    ft_irql_set(DISPATCH_LEVEL);
}

static void no_cap(struct ft_platform *platform)
{
    platform->registers = 0;
    platform->pool = 0;
}

static void device_fills(PSCATTER_GATHER_LIST list)
{
    for (ULONG i = 0; i < list->NumberOfElements; i++)
        CHECK(bench_device_writes((uint64_t)list->Elements[i].Address.QuadPart,
                                  list->Elements[i].Length));
}

static ULONG sum_of(const SCATTER_GATHER_LIST *list)
{
    ULONG sum = 0;

    for (ULONG i = 0; i < list->NumberOfElements; i++)
        sum += list->Elements[i].Length;
    return sum;
}

static void read_with(bool scatter_gather)
{
    struct bench b;

    begin(&b, scatter_gather, true);
    CHECK(get(&b, 0, BYTES, false) == STATUS_SUCCESS && ran == 1);
    CHECK(sum_of(lists[0]) == BYTES);
    CHECK(lists[0]->Reserved != 0 && lists[0]->Elements[0].Reserved != 0);
    CHECK(lists[0]->Elements[0].Address.QuadPart % PAGE_SIZE == OFFSET);
    CHECK(scatter_gather || lists[0]->NumberOfElements == 1);
    CHECK(wb_last(FT_EV_SG_LIST)->arg[3] == lists[0]->NumberOfElements);
    CHECK(wb_last(FT_EV_SG_LIST)->arg[4] == 6);
    CHECK(wb_count(FT_EV_SG_ELEMENT) == lists[0]->NumberOfElements);
    CHECK(wb_last(FT_EV_SG_ELEMENT)->arg[2] != 0);
    CHECK(wb_place(FT_EV_SG_DONE, 1) < wb_place(FT_EV_SG_GET, 1));
    device_fills(lists[0]);
    CHECK(wb_last(FT_EV_BUS_WRITE)->arg[2] != 0);
    put(&b, lists[0], false);
    CHECK(wb_last(FT_EV_SG_PUT)->arg[3] == 0);
    CHECK(wb_count(FT_EV_DMA_FLUSHED) == wb_count(FT_EV_SG_ELEMENT));
    CHECK(bench_equal(&b, false) == BYTES);
    CHECK(wb_count(FT_EV_MEM_DAMAGE) == 0);
}

static void body_read_elements(void)
{
    read_with(true);
}

static void body_read_one_run(void)
{
    read_with(false);
}

static void a_list_covers_the_range_and_put_brings_the_data(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++) {
        dma_bench_run(preset, no_cap, body_read_elements);
        dma_bench_run(preset, no_cap, body_read_one_run);
    }
}

static void body_write(void)
{
    static uint8_t seen[BYTES];
    struct bench b;
    ULONG done = 0;

    begin(&b, true, false);
    CHECK(get(&b, 0, BYTES, true) == STATUS_SUCCESS && ran == 1);
    for (ULONG i = 0; i < lists[0]->NumberOfElements; i++) {
        const SCATTER_GATHER_ELEMENT *element = &lists[0]->Elements[i];

        CHECK(
            bench_device_reads((uint64_t)element->Address.QuadPart, seen + done, element->Length));
        done += element->Length;
    }
    put(&b, lists[0], true);
    CHECK(bench_equal(&b, true) == BYTES);
}

static void the_device_reads_what_a_write_list_names(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, no_cap, body_write);
}

static void body_wrong_direction(void)
{
    struct bench b;

    begin(&b, true, true);
    CHECK(get(&b, 0, BYTES, false) == STATUS_SUCCESS);
    device_fills(lists[0]);
    put(&b, lists[0], true);
    CHECK(wb_last(FT_EV_SG_PUT)->arg[2] == 1);
    CHECK(bench_equal(&b, false) < BYTES / 50);
}

static void a_put_the_wrong_way_loses_the_data(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, no_cap, body_wrong_direction);
    dma_bench_run(FT_PLATFORM_NONCOHERENT, no_cap, body_wrong_direction);
}

static void body_several(void)
{
    enum { PIECE = 4096 };
    struct bench b;

    begin(&b, true, true);
    CHECK(b.registers == 5);
    for (unsigned i = 0; i < 4; i++)
        CHECK(get(&b, i * PIECE, PIECE, false) == STATUS_SUCCESS && ran == i + 1);
    CHECK(get(&b, 4 * PIECE, 2000, false) == STATUS_SUCCESS && ran == 4); /* 8 of 8 are taken */
    CHECK(get(&b, 0, PIECE, false) == STATUS_SUCCESS && ran == 4);
    put(&b, lists[1], false); /* re-enters the driver */
    CHECK(ran == 5);
    put(&b, lists[0], false);
    CHECK(ran == 6);
    for (unsigned i = 2; i < 6; i++)
        put(&b, lists[i], false);
    CHECK(wb_count(FT_EV_SG_LIST) == 6 && wb_count(FT_EV_SG_PUT) == 6);
    CHECK(FT_M->dma.mappings_live == 0 && FT_M->dma.granted[0] == 0);
}

static void several_lists_are_in_flight_and_others_wait_for_registers(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, NULL, body_several);
}

/* Three lists of two registers leave too few for a fourth, which waits. */
static void body_circle(void)
{
    enum { PIECE = 4096, HELD = 4 };
    struct bench b;
    PMDL whole, circle;

    begin(&b, true, true);
    whole = b.mdl;
    circle = IoAllocateMdl(b.buffer + HELD * PIECE, 100, FALSE, FALSE, NULL);
    MmProbeAndLockPages(circle, KernelMode, IoWriteAccess);
    for (unsigned i = 0; i < HELD; i++)
        CHECK(get(&b, i * PIECE, PIECE, false) == STATUS_SUCCESS && ran == i + 1);
    b.mdl = circle;
    CHECK(b.ops->GetScatterGatherList(b.adapter, &b.device, circle, MmGetMdlVirtualAddress(circle),
                                      100, list_control, &b, FALSE) == STATUS_SUCCESS);
    CHECK(ran == HELD);
    circle->ByteCount = 0;
    circle->Next = circle;
    put(&b, lists[0], false);
    CHECK(ran == HELD + 1 && lists[HELD]->NumberOfElements == 0);
    CHECK(wb_count(FT_EV_MEM_DAMAGE) == 1 && wb_last(FT_EV_MEM_DAMAGE)->arg[0] == 4);
    CHECK(wb_last(FT_EV_MEM_DAMAGE)->arg[1] == ft_handle_of(circle));
    /* Asked for now, it is refused. */
    CHECK(b.ops->GetScatterGatherList(b.adapter, &b.device, circle, MmGetMdlVirtualAddress(circle),
                                      100, list_control, &b, FALSE) == STATUS_BUFFER_TOO_SMALL);
    for (unsigned i = 1; i <= HELD; i++)
        put(&b, lists[i], false);
    circle->Next = NULL;
    b.mdl = whole;
}

static void a_chain_that_became_a_circle_ends(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, NULL, body_circle);
}

static VOID put_at_once(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list, PVOID context)
{
    struct bench *b = context;

    (void)device;
    (void)irp;
    if (++ran == 1) /* a second one, before the first routine is over */
        CHECK(b->ops->GetScatterGatherList(b->adapter, &b->device, b->mdl, b->va, 100, put_at_once,
                                           b, FALSE) == STATUS_SUCCESS);
    CHECK(ran == 1 || wb_count(FT_EV_SG_DONE) == 1);
    put(b, list, false);
}

static void body_reentered(void)
{
    struct bench b;

    begin(&b, true, true);
    CHECK(b.ops->GetScatterGatherList(b.adapter, &b.device, b.mdl, b.va, 100, put_at_once, &b,
                                      FALSE) == STATUS_SUCCESS);
    CHECK(ran == 2 && wb_count(FT_EV_SG_DONE) == 2);
    CHECK(FT_M->dma.adapter[0].channel == 0 && FT_M->dma.granted[0] == 0);
}

static void a_list_may_be_asked_for_inside_a_list_routine(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_reentered);
}

static void body_failures(void)
{
    struct bench b;

    begin(&b, true, true);
    CHECK(get(&b, 0, BYTES, false) == STATUS_INSUFFICIENT_RESOURCES); /* 6 of 5 */
    CHECK(wb_last(FT_EV_SG_GET)->arg[5] == (uint32_t)STATUS_INSUFFICIENT_RESOURCES);
    CHECK(get(&b, 0, BYTES + 1, false) == STATUS_BUFFER_TOO_SMALL);
    CHECK(get(&b, BYTES, 1, false) == STATUS_BUFFER_TOO_SMALL);
    FT_M->alloc_fail_what = 6; /* the op fail-alloc: a channel */
    CHECK(get(&b, 0, 100, false) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(ran == 0 && wb_count(FT_EV_SG_LIST) == 0);
    CHECK(get(&b, 0, 100, false) == STATUS_SUCCESS && ran == 1);
    put(&b, lists[0], false);
    b.ops->PutDmaAdapter(b.adapter);
    CHECK(get(&b, 0, 100, false) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(wb_last(FT_EV_DMA_DEAD_ADAPTER)->arg[1] == FT_PT_SG_GET);
    put(&b, lists[0], false);
    CHECK(wb_last(FT_EV_DMA_DEAD_ADAPTER)->arg[1] == FT_PT_SG_PUT);
}

static void a_list_that_cannot_be_is_refused(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, NULL, body_failures);
}

static void body_build(void)
{
    static _Alignas(8) uint8_t buffer[2048];
    ULONG size = 0, registers = 0;
    struct bench b;

    begin(&b, true, true);
    CHECK(b.ops->CalculateScatterGatherList(b.adapter, NULL, NULL, b.registers * PAGE_SIZE, &size,
                                            &registers) == STATUS_SUCCESS);
    CHECK(registers == b.registers);
    CHECK(b.ops->CalculateScatterGatherList(b.adapter, NULL, NULL, b.registers * PAGE_SIZE + 1,
                                            &size, NULL) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(b.ops->CalculateScatterGatherList(b.adapter, b.mdl, b.va, BYTES + 1, &size, NULL) ==
          STATUS_BUFFER_TOO_SMALL);
    CHECK(b.ops->CalculateScatterGatherList(b.adapter, b.mdl, b.va, BYTES, &size, &registers) ==
          STATUS_SUCCESS);
    CHECK(registers == 6 && wb_last(FT_EV_SG_SIZE)->arg[2] == size);
    CHECK(size > sizeof(SCATTER_GATHER_LIST) + 6 * sizeof(SCATTER_GATHER_ELEMENT));
    CHECK(b.ops->BuildScatterGatherList(b.adapter, &b.device, b.mdl, b.va, BYTES, list_control, &b,
                                        FALSE, buffer, size - 1) == STATUS_BUFFER_TOO_SMALL);
    CHECK(wb_last(FT_EV_SG_BUFFER)->arg[1] == size - 1 && wb_last(FT_EV_SG_BUFFER)->arg[2] == size);
    CHECK(b.ops->BuildScatterGatherList(b.adapter, &b.device, b.mdl, b.va, BYTES, list_control, &b,
                                        FALSE, buffer, size) == STATUS_SUCCESS);
    CHECK(ran == 1 && (void *)lists[0] == (void *)buffer);
    device_fills(lists[0]);
    put(&b, lists[0], false);
    CHECK(bench_equal(&b, false) == BYTES);
    put(&b, lists[0], false);
    CHECK(wb_last(FT_EV_SG_PUT)->arg[3] == 1);
    CHECK(wb_last(FT_EV_SG_PUT)->arg[1] == wb_last(FT_EV_SG_LIST)->arg[1]);
}

static void a_list_may_live_in_the_driver_s_buffer(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_build);
    dma_bench_run(FT_PLATFORM_BOUNCE, no_cap, body_build);
}

static void body_wrong_puts(void)
{
    struct bench b, other;
    SCATTER_GATHER_LIST copy;

    begin(&b, true, true);
    CHECK(get(&b, 0, 100, false) == STATUS_SUCCESS);
    copy = *lists[0];
    put(&b, &copy, false);
    CHECK(wb_last(FT_EV_SG_PUT)->arg[3] == 2);
    bench_open(&other, true, MAXIMUM);
    put(&other, lists[0], false);
    CHECK(wb_last(FT_EV_SG_PUT)->arg[3] == 3);
    CHECK(wb_count(FT_EV_DMA_FLUSHED) == 0);
    put(&b, lists[0], false);
    CHECK(wb_last(FT_EV_SG_PUT)->arg[3] == 0);
    put(&b, lists[0], false);
    CHECK(wb_last(FT_EV_SG_PUT)->arg[3] == 1);
    CHECK(wb_count(FT_EV_DMA_FLUSHED) == 1);
}

static void a_put_that_cannot_be_right_does_nothing(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_wrong_puts);
}

static void body_damage(void)
{
    struct bench b;

    begin(&b, true, true);
    CHECK(get(&b, 0, 100, false) == STATUS_SUCCESS);
    lists[0]->Elements[0].Reserved = 7;
    put(&b, lists[0], false);
    CHECK(wb_count(FT_EV_MEM_DAMAGE) == 1 && wb_last(FT_EV_MEM_DAMAGE)->arg[0] == 3);
    CHECK(wb_last(FT_EV_MEM_DAMAGE)->arg[1] == wb_last(FT_EV_SG_PUT)->arg[1]);
    CHECK(wb_last(FT_EV_MEM_DAMAGE)->arg[2] == 0x20);
    CHECK(get(&b, 0, 100, false) == STATUS_SUCCESS);
    b.mdl->ByteCount = 50;
    put(&b, lists[1], false);
    CHECK(wb_count(FT_EV_MEM_DAMAGE) == 2 && wb_last(FT_EV_MEM_DAMAGE)->arg[0] == 4);
}

static void a_changed_list_or_mdl_is_seen_at_the_put(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_damage);
}

static void body_chain(void)
{
    struct bench b;
    PMDL second, none;

    begin(&b, true, true);
    none = b.mdl; /* the first one describes the first 5000 bytes only */
    second = IoAllocateMdl(b.buffer + 5000, BYTES - 5000, FALSE, FALSE, NULL);
    MmProbeAndLockPages(second, KernelMode, IoWriteAccess);
    b.mdl = IoAllocateMdl(b.buffer, 5000, FALSE, FALSE, NULL);
    MmProbeAndLockPages(b.mdl, KernelMode, IoWriteAccess);
    b.mdl->Next = second;
    CHECK(get(&b, 0, BYTES, false) == STATUS_SUCCESS && ran == 1);
    CHECK(sum_of(lists[0]) == BYTES);
    CHECK(wb_last(FT_EV_SG_LIST)->arg[4] == 7); /* 2 and 5: a fresh register at the border */
    CHECK(wb_last(FT_EV_SG_ELEMENT)->arg[7] != wb_last(FT_EV_SG_LIST)->arg[2]);
    device_fills(lists[0]);
    put(&b, lists[0], false);
    CHECK(bench_equal(&b, false) == BYTES);
    b.mdl = none;
}

static void a_list_follows_a_chain_of_mdls(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        dma_bench_run(preset, no_cap, body_chain);
}

/* Where the device sees copies the MDL is a new one. */
static void body_no_mdl(void)
{
    PMDL target = NULL;
    struct bench b;

    begin(&b, true, true);
    CHECK(get(&b, 0, BYTES, false) == STATUS_SUCCESS);
    FT_M->alloc_fail_what = FT_FAIL_MDL;
    CHECK(b.ops->BuildMdlFromScatterGatherList(b.adapter, lists[0], b.mdl, &target) ==
          STATUS_INSUFFICIENT_RESOURCES);
    CHECK(target == NULL && FT_M->alloc_fail_what == 0);
    CHECK(wb_last(FT_EV_SG_MDL)->arg[2] == 0);
    CHECK(b.ops->BuildMdlFromScatterGatherList(b.adapter, lists[0], b.mdl, &target) ==
          STATUS_SUCCESS); /* the failure does not count as the one call */
    put(&b, lists[0], false);
}

static void without_memory_a_list_has_no_mdl(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_BOUNCE, no_cap, body_no_mdl);
}

static void body_list_mdl(void)
{
    bool bounces = FT_M->platform.bounce == FT_BOUNCE_ALWAYS;
    PMDL target = NULL;
    struct bench b;
    uint8_t *seen;

    begin(&b, true, true);
    CHECK(get(&b, 0, BYTES, false) == STATUS_SUCCESS);
    CHECK(b.ops->BuildMdlFromScatterGatherList(b.adapter, lists[0], NULL, &target) ==
          STATUS_INVALID_PARAMETER);
    CHECK(b.ops->BuildMdlFromScatterGatherList(b.adapter, lists[0], b.mdl, &target) ==
          STATUS_SUCCESS);
    CHECK(bounces ? target != b.mdl : target == b.mdl);
    CHECK(MmGetMdlByteCount(target) == BYTES);
    device_fills(lists[0]);
    seen = MmGetSystemAddressForMdlSafe(target, NormalPagePriority);
    CHECK(seen != NULL && (!bounces || seen[1] == 10)); /* before the put */
    CHECK(b.ops->BuildMdlFromScatterGatherList(b.adapter, lists[0], b.mdl, &target) ==
          STATUS_NONE_MAPPED);
    CHECK(wb_last(FT_EV_SG_MDL)->arg[3] == (uint32_t)STATUS_NONE_MAPPED);
    put(&b, lists[0], false);
    CHECK(bench_equal(&b, false) == BYTES);
    CHECK(!bounces || !ft_block_is_live(target, FT_HC_MDL));
}

static void an_mdl_over_a_list_shows_what_the_device_sees(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, no_cap, body_list_mdl);
    dma_bench_run(FT_PLATFORM_BOUNCE, no_cap, body_list_mdl);
}

static void body_unlocked(void)
{
    struct bench b;

    begin(&b, true, true);
    MmUnlockPages(b.mdl);
    CHECK(get(&b, 0, BYTES, false) == STATUS_SUCCESS && ran == 1);
    CHECK(sum_of(lists[0]) == BYTES);
    CHECK(wb_last(FT_EV_SG_ELEMENT)->arg[2] == 0);
    CHECK(!bench_device_writes((uint64_t)lists[0]->Elements[0].Address.QuadPart, 1));
    put(&b, lists[0], false);
}

static void a_list_of_unlocked_pages_leads_nowhere(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_unlocked);
    dma_bench_run(FT_PLATFORM_IOMMU, NULL, body_unlocked);
}

static void body_deferred(void)
{
    struct bench b;

    begin(&b, true, true);
    FT_M->platform.defer = 1;
    CHECK(get(&b, 0, 100, false) == STATUS_SUCCESS && ran == 0);
    b.ops->FreeAdapterChannel(b.adapter); /* nothing is held */
    ft_irql_set(PASSIVE_LEVEL);
    ft_task_wait_quiet();
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(ran == 1);
    b.ops->PutDmaAdapter(b.adapter); /* takes the list along */
    CHECK(FT_M->dma.mappings_live == 0 && FT_M->dma.granted[0] == 0);
}

static void a_list_routine_may_run_later(void **state)
{
    (void)state;
    dma_bench_run(FT_PLATFORM_COHERENT, NULL, body_deferred);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_covers_the_range_and_put_brings_the_data),
        cmocka_unit_test(the_device_reads_what_a_write_list_names),
        cmocka_unit_test(a_put_the_wrong_way_loses_the_data),
        cmocka_unit_test(a_chain_that_became_a_circle_ends),
        cmocka_unit_test(several_lists_are_in_flight_and_others_wait_for_registers),
        cmocka_unit_test(a_list_may_be_asked_for_inside_a_list_routine),
        cmocka_unit_test(a_list_that_cannot_be_is_refused),
        cmocka_unit_test(a_list_may_live_in_the_driver_s_buffer),
        cmocka_unit_test(a_put_that_cannot_be_right_does_nothing),
        cmocka_unit_test(a_changed_list_or_mdl_is_seen_at_the_put),
        cmocka_unit_test(a_list_follows_a_chain_of_mdls),
        cmocka_unit_test(without_memory_a_list_has_no_mdl),
        cmocka_unit_test(an_mdl_over_a_list_shows_what_the_device_sees),
        cmocka_unit_test(a_list_of_unlocked_pages_leads_nowhere),
        cmocka_unit_test(a_list_routine_may_run_later),
    };

    return cmocka_run_group_tests_name("dma-sglist", tests, NULL, NULL);
}
