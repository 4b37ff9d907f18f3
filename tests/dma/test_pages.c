/* Physical memory that a driver allocates, and what is seen when it is wrong about it. */
#include "bench_driver.h"
#include "dma/frames.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define RAW __attribute__((no_sanitize("address", "undefined"), noinline))

enum { BYTES = 3 * PAGE_SIZE - 100, CONTIGUOUS = 1, FOR_MDL = 2, NONCACHED = 3, FREE_PAGE = 6 };
enum { COMMON_BUFFER_FAILS = 5, MDL_FAILS = 2 };

static PHYSICAL_ADDRESS at(uint64_t physical)
{
    return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)physical};
}

static uint64_t physical(const void *va)
{
    return (uint64_t)MmGetPhysicalAddress((PVOID)(uintptr_t)va).QuadPart;
}

/* ---- contiguous and noncached memory ---- */

static void body_contiguous(void)
{
    uint8_t *first = MmAllocateContiguousMemory(BYTES, at(UINT32_MAX));
    uint8_t *second =
        MmAllocateContiguousNodeMemory(BYTES, at(0), at(UINT32_MAX), at(0), PAGE_READWRITE, 0);
    uint8_t *third = MmAllocateNonCachedMemory(BYTES);

    CHECK(first && second && third && (uintptr_t)first % PAGE_SIZE == 0);
    CHECK(physical(first + 2 * PAGE_SIZE) == physical(first) + 2 * PAGE_SIZE);
    memset(first, 1, BYTES);
    memset(second, 2, BYTES);
    CHECK(first[BYTES - 1] == 1 && third[0] == 0xCD);
    MmFreeContiguousMemory(first);
    MmFreeContiguousMemorySpecifyCache(second, BYTES, MmCached);
    MmFreeNonCachedMemory(third, BYTES);
    CHECK(MmAllocateContiguousMemory(BYTES, at(UINT32_MAX)) == first);
}

static void contiguous_memory_is_physically_so(void **state)
{
    (void)state;
    wb_body(body_contiguous, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_PAGES_ALLOC, 1)->arg[1], BYTES);
    assert_int_equal(wb_event(FT_EV_PAGES_ALLOC, 1)->arg[2], CONTIGUOUS);
    assert_int_equal(wb_event(FT_EV_PAGES_ALLOC, 3)->arg[2], NONCACHED);
    assert_int_equal(wb_event(FT_EV_PAGES_FREE, 1)->arg[0], wb_event(FT_EV_PAGES_ALLOC, 1)->arg[0]);
    assert_int_equal(wb_event(FT_EV_PAGES_FREE, 1)->arg[1], BYTES);
    assert_int_equal(wb_count(FT_EV_MEM_DAMAGE), 0);
}

static void body_limits(void)
{
    uint64_t base = FT_COMMON_PHYSICAL_BASE;
    uint8_t *plug = MmAllocateContiguousMemory(PAGE_SIZE, at(UINT32_MAX));
    uint8_t *aligned = MmAllocateContiguousMemorySpecifyCache(4 * PAGE_SIZE, at(0), at(UINT32_MAX),
                                                              at(4 * PAGE_SIZE), MmNonCached);
    uint8_t *high = MmAllocateContiguousMemorySpecifyCacheNode(PAGE_SIZE, at(base + 0x20000),
                                                               at(UINT32_MAX), at(0), MmCached, 0);

    CHECK(plug && physical(aligned) == base + 4 * PAGE_SIZE);
    CHECK(physical(high) == base + 0x20000);
    CHECK(MmAllocateContiguousMemory(PAGE_SIZE, at(0xFFFFF)) == NULL);
    CHECK(MmAllocateContiguousMemory(FT_FRAMES_MAX * PAGE_SIZE, at(UINT32_MAX)) == NULL);
    CHECK(MmAllocateContiguousMemory(SIZE_MAX, at(UINT32_MAX)) == NULL);
    CHECK(MmAllocateContiguousMemory(0, at(UINT32_MAX)) == NULL);
    CHECK(MmAllocateContiguousMemorySpecifyCache(PAGE_SIZE, at(0), at(UINT32_MAX), at(0x3000),
                                                 MmCached) == NULL);
    CHECK(MmAllocateContiguousMemorySpecifyCache(2 * PAGE_SIZE, at(0), at(UINT32_MAX),
                                                 at(PAGE_SIZE), MmCached) == NULL);
}

static void reach_and_boundary_are_kept(void **state)
{
    (void)state;
    wb_body(body_limits, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_PAGES_ALLOC)->arg[0], 0);
}

static void body_bad_free(void)
{
    MmFreeContiguousMemory((uint8_t *)MmAllocateContiguousMemory(BYTES, at(UINT32_MAX)) +
                           PAGE_SIZE);
}

static void body_wrong_routine(void)
{
    MmFreeContiguousMemory(MmAllocateNonCachedMemory(BYTES));
}

static void body_double_free(void)
{
    void *memory = MmAllocateContiguousMemory(BYTES, at(UINT32_MAX));

    MmFreeContiguousMemory(memory);
    MmFreeContiguousMemory(memory);
}

static void freeing_what_was_not_allocated_is_bug_check_c2(void **state)
{
    static void (*const bodies[])(void) = {body_bad_free, body_wrong_routine, body_double_free};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        wb_body(bodies[i], FT_STOP_BUGCHECK);
        assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC2);
        assert_int_equal(wb_last(FT_EV_PAGES_FREE)->arg[0], 0);
    }
}

static unsigned failing;

static void body_fail(void)
{
    void *memory = failing == MDL_FAILS
                       ? (void *)MmAllocatePagesForMdl(at(0), at(UINT64_MAX), at(0), BYTES)
                       : MmAllocateContiguousMemory(BYTES, at(UINT32_MAX));

    CHECK(memory == NULL);
}

static void an_op_makes_an_allocation_fail(void **state)
{
    static const unsigned whats[] = {COMMON_BUFFER_FAILS, MDL_FAILS};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct ft_op fail = {.kind = FT_OP_FAIL_ALLOC,
                             .moment = {.point = FT_PT_PAGES, .count = 1},
                             .arg = {(uint16_t)whats[i], 0}};

        failing = whats[i];
        wb_run(&(struct wb_case){.body = body_fail, .op = &fail, .op_count = 1});
        assert_int_equal(wb_result()->stop, FT_STOP_NONE);
        assert_int_equal(wb_last(FT_EV_PAGES_ALLOC)->arg[0], 0);
    }
}

/* ---- free pages ---- */

RAW static void poke(volatile uint8_t *byte)
{
    *byte = 0x11;
}

static bool take_again;

static void body_write_freed(void)
{
    uint8_t *memory = MmAllocateContiguousMemory(BYTES, at(UINT32_MAX));

    MmFreeContiguousMemory(memory);
    poke(memory + 77);
    if (take_again)
        CHECK(ft_buffer_create(BYTES, 0, 1, false) != NULL);
    wb_note(wb_count(FT_EV_MEM_DAMAGE) ? "seen" : "not-yet");
}

static void a_write_to_a_free_page_is_found_when_it_is_taken_or_at_the_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        take_again = i;
        wb_body(body_write_freed, FT_STOP_NONE);
        assert_string_equal(wb_notes(), i ? "seen" : "not-yet");
        assert_int_equal(wb_count(FT_EV_MEM_DAMAGE), 1);
        assert_int_equal(wb_last(FT_EV_MEM_DAMAGE)->arg[0], FREE_PAGE);
        assert_int_equal(wb_last(FT_EV_MEM_DAMAGE)->arg[2], 77);
    }
}

/* ---- pages for an MDL ---- */

static void body_mdl(void)
{
    PMDL mdl = MmAllocatePagesForMdl(at(0), at(UINT64_MAX), at(0), BYTES);
    uint8_t *va;

    CHECK(mdl && MmGetMdlByteCount(mdl) == 3 * PAGE_SIZE && MmGetMdlVirtualAddress(mdl) == NULL);
    CHECK(mdl->MdlFlags & MDL_PAGES_LOCKED);
    va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
    CHECK(va && va[0] == 0 && va[3 * PAGE_SIZE - 1] == 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK(MmGetMdlPfnArray(mdl)[i] == physical(va + i * PAGE_SIZE) >> PAGE_SHIFT);
    MmFreePagesFromMdl(mdl);
    CHECK(!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA)));
    ExFreePool(mdl);
}

static void an_mdl_gets_zeroed_pages_and_is_freed_by_itself(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++) {
        wb_run(&(struct wb_case){.body = body_mdl, .preset = (enum ft_platform_name)preset});
        assert_int_equal(wb_result()->stop, FT_STOP_NONE);
        assert_int_equal(wb_last(FT_EV_PAGES_ALLOC)->arg[1], 3 * PAGE_SIZE);
        assert_int_equal(wb_last(FT_EV_PAGES_ALLOC)->arg[2], FOR_MDL);
        assert_int_equal(wb_last(FT_EV_PAGES_FREE)->arg[0], wb_last(FT_EV_PAGES_ALLOC)->arg[0]);
        assert_int_equal(wb_last(FT_EV_MDL_FREE)->arg[0], wb_last(FT_EV_PAGES_ALLOC)->arg[0]);
        assert_int_equal(wb_count(FT_EV_POOL_BAD_FREE), 0);
    }
}

static void body_mdl_limits(void)
{
    PMDL low = MmAllocatePagesForMdlEx(at(0), at(0xFFFFFF), at(0), PAGE_SIZE, MmCached,
                                       MM_DONT_ZERO_ALLOCATION);
    PMDL chunk =
        MmAllocateNodePagesForMdlEx(at(0), at(UINT64_MAX), at(2 * PAGE_SIZE), 2 * PAGE_SIZE,
                                    MmCached, 0, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
    PMDL rest;

    CHECK(MmGetMdlPfnArray(low)[0] < 0x1000);
    CHECK(*(uint8_t *)MmGetSystemAddressForMdlSafe(low, NormalPagePriority) == 0xCD);
    CHECK(MmGetMdlPfnArray(chunk)[1] == MmGetMdlPfnArray(chunk)[0] + 1);
    CHECK(MmAllocatePagesForMdlEx(at(0), at(UINT64_MAX), at(0), FT_FRAMES_MAX * PAGE_SIZE, MmCached,
                                  MM_ALLOCATE_FULLY_REQUIRED) == NULL);
    rest = MmAllocatePagesForMdl(at(0), at(UINT64_MAX), at(0), FT_FRAMES_MAX * PAGE_SIZE);
    CHECK(rest && MmGetMdlByteCount(rest) < FT_FRAMES_MAX * PAGE_SIZE);
    CHECK(MmAllocatePagesForMdl(at(0), at(0xFFFF), at(0), PAGE_SIZE) == NULL);
}

static void pages_respect_limits_and_may_be_fewer(void **state)
{
    (void)state;
    wb_body(body_mdl_limits, FT_STOP_NONE);
}

static void body_wrong_mdl(void)
{
    MmFreePagesFromMdl(IoAllocateMdl((void *)0x1000, 64, FALSE, FALSE, NULL));
}

static void body_pages_twice(void)
{
    PMDL mdl = MmAllocatePagesForMdl(at(0), at(UINT64_MAX), at(0), BYTES);

    MmFreePagesFromMdl(mdl);
    MmFreePagesFromMdl(mdl);
}

static void freeing_pages_that_are_none_is_bug_check_4e(void **state)
{
    (void)state;
    wb_body(body_wrong_mdl, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], PFN_LIST_CORRUPT);
    wb_body(body_pages_twice, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], PFN_LIST_CORRUPT);
}

/* ---- the system ---- */

static void body_ranges(void)
{
    PPHYSICAL_MEMORY_RANGE ranges = MmGetPhysicalMemoryRanges();
    uint8_t local = 0;
    bool found = false;
    unsigned count = 0;

    for (; ranges[count].NumberOfBytes.QuadPart; count++)
        found |= physical(&local) - (uint64_t)ranges[count].BaseAddress.QuadPart <
                 (uint64_t)ranges[count].NumberOfBytes.QuadPart;
    CHECK(found && count > 1 && ranges[count].BaseAddress.QuadPart == 0);
    ExFreePool(ranges);
}

static void the_ranges_of_memory_end_with_an_empty_one(void **state)
{
    (void)state;
    wb_body(body_ranges, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_POOL_FREE), 1);
}

static void body_system(void)
{
    ULONG flags = 1;
    PVOID section = MmLockPagableDataSection(&failing);

    CHECK(MmQuerySystemSize() == MmMediumSystem);
    CHECK(section != NULL);
    MmLockPagableSectionByHandle(section);
    MmUnlockPagableImageSection(section);
    MmResetDriverPaging(&failing);
    CHECK(MmPageEntireDriver(&failing) == (PVOID)(ULONG_PTR)ft_world_module()->code_begin);
    CHECK(MmIsVerifierEnabled(&flags) == STATUS_NOT_SUPPORTED && flags == 0);
    CHECK(!MmIsDriverVerifying(wb_driver_object()) && !MmIsDriverVerifyingByAddress(&failing));
}

static void the_system_is_of_medium_size_and_unverified(void **state)
{
    (void)state;
    wb_body(body_system, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contiguous_memory_is_physically_so),
        cmocka_unit_test(reach_and_boundary_are_kept),
        cmocka_unit_test(freeing_what_was_not_allocated_is_bug_check_c2),
        cmocka_unit_test(an_op_makes_an_allocation_fail),
        cmocka_unit_test(a_write_to_a_free_page_is_found_when_it_is_taken_or_at_the_end),
        cmocka_unit_test(an_mdl_gets_zeroed_pages_and_is_freed_by_itself),
        cmocka_unit_test(pages_respect_limits_and_may_be_fewer),
        cmocka_unit_test(freeing_pages_that_are_none_is_bug_check_4e),
        cmocka_unit_test(the_ranges_of_memory_end_with_an_empty_one),
        cmocka_unit_test(the_system_is_of_medium_size_and_unverified),
    };

    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
