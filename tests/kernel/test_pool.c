/* Pool: what a block holds, and that damage and wrong frees are seen and told. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* Damage is done on purpose: not with ASan in the way. */
#define RAW __attribute__((no_sanitize("address", "undefined"), noinline))

enum { TAG = 0x31676154, BYTES = 100, NEW = 0xCD, FREED = 0xDD };
enum { BEFORE = 1, AFTER = 2, INSIDE_FREED = 3 };
enum { TWICE = 1, FOREIGN = 2, WRONG_TAG = 3 };

RAW static void poke(volatile uint8_t *bytes, long offset)
{
    bytes[offset] = 0x11;
}

RAW static bool all(const volatile uint8_t *bytes, size_t count, uint8_t value)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static uint8_t *allocate(SIZE_T bytes)
{
    return ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG);
}

static void body_fills(void)
{
    uint8_t *plain = allocate(BYTES);
    uint8_t *zeroed = ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, TAG);
    uint8_t *raw = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, BYTES, TAG);

    uint8_t *fresh = ExAllocatePoolUninitialized(NonPagedPoolNx, BYTES, TAG);
    uint8_t *clean = ExAllocatePoolZero(PagedPool, BYTES, TAG);

    ExInitializeDriverRuntime(DrvRtPoolNxOptIn);
    CHECK(all(fresh, BYTES, NEW) && all(clean, BYTES, 0));
    CHECK(MmGetPhysicalAddress(plain + 1).QuadPart == MmGetPhysicalAddress(plain).QuadPart + 1);
    CHECK(MmGetPhysicalAddress(fresh).QuadPart != MmGetPhysicalAddress(plain).QuadPart);
    CHECK((uintptr_t)plain % 16 == 0 && (uintptr_t)zeroed % 16 == 0);
    CHECK(all(plain, BYTES, NEW) && all(zeroed, BYTES, 0) && all(raw, BYTES, NEW));
    plain[0] = plain[BYTES - 1] = 1; /* to the last byte it is the driver's */
    ExFreePoolWithTag(plain, TAG);
    CHECK(all(plain, BYTES, FREED));
    CHECK(allocate(BYTES) != plain); /* a freed block is never handed out again */
}

static void new_and_freed_blocks_have_their_fill(void **state)
{
    (void)state;
    wb_body(body_fills, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_POOL_DAMAGE), 0);
    assert_int_equal(wb_event(FT_EV_POOL_ALLOC, 1)->arg[1], BYTES);
    assert_int_equal(wb_event(FT_EV_POOL_ALLOC, 1)->arg[2], TAG);
    assert_int_equal(wb_event(FT_EV_POOL_ALLOC, 4)->arg[3], 0); /* paged? */
    assert_int_equal(wb_event(FT_EV_POOL_ALLOC, 5)->arg[3], 1);
    assert_int_equal(wb_event(FT_EV_POOL_ALLOC, 1)->arg[0], wb_last(FT_EV_POOL_FREE)->arg[0]);
}

static long damage_at;
static bool freed_before, freed_after;

static void body_damage(void)
{
    uint8_t *block = allocate(BYTES);

    allocate(BYTES);
    if (freed_before)
        ExFreePoolWithTag(block, TAG);
    poke(block, damage_at);
    if (freed_after)
        ExFreePoolWithTag(block, TAG);
    wb_note(wb_count(FT_EV_POOL_DAMAGE) ? "seen" : "not-yet");
}

static void damage(long at, bool before, bool after, unsigned where, unsigned offset)
{
    damage_at = at;
    freed_before = before;
    freed_after = after;
    wb_body(body_damage, FT_STOP_NONE);
    assert_string_equal(wb_notes(), after ? "seen" : "not-yet");
    assert_int_equal(wb_last(FT_EV_POOL_DAMAGE)->arg[0], wb_event(FT_EV_POOL_ALLOC, 1)->arg[0]);
    assert_int_equal(wb_last(FT_EV_POOL_DAMAGE)->arg[1], where);
    assert_int_equal(wb_last(FT_EV_POOL_DAMAGE)->arg[2], offset);
}

static void an_overrun_is_found_at_the_free_or_at_the_end(void **state)
{
    (void)state;
    damage(BYTES, false, true, AFTER, BYTES);
    damage(BYTES + 3, false, true, AFTER, BYTES + 3);
    damage(BYTES, false, false, AFTER, BYTES);
}

static void an_underrun_is_found_at_the_free_or_at_the_end(void **state)
{
    (void)state;
    damage(-1, false, true, BEFORE, 1);
    damage(-16, false, true, BEFORE, 16);
    damage(-1, false, false, BEFORE, 1);
}

static void a_write_into_a_freed_block_is_found_at_the_end(void **state)
{
    (void)state;
    damage(0, true, false, INSIDE_FREED, 0);
    damage(BYTES - 1, true, false, INSIDE_FREED, BYTES - 1);
}

static void body_double_free(void)
{
    void *block = allocate(BYTES);

    ExFreePoolWithTag(block, TAG);
    ExFreePoolWithTag(block, TAG);
    wb_note("never");
}

static void freeing_twice_is_bug_check_c2(void **state)
{
    (void)state;
    wb_body(body_double_free, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_POOL_BAD_FREE)->arg[0], wb_last(FT_EV_POOL_ALLOC)->arg[0]);
    assert_int_equal(wb_last(FT_EV_POOL_BAD_FREE)->arg[1], TWICE);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC2);
    assert_string_equal(wb_notes(), "");
}

static void body_free_local(void)
{
    uint8_t local[64] = {0};

    ExFreePoolWithTag(local, TAG);
}

static void body_free_middle(void)
{
    ExFreePoolWithTag(allocate(BYTES) + 32, TAG);
}

static void body_free_irp(void)
{
    ExFreePoolWithTag(IoAllocateIrp(1, FALSE), TAG);
}

static void freeing_what_is_no_pool_block_is_bug_check_c2(void **state)
{
    static void (*const bodies[])(void) = {body_free_local, body_free_middle, body_free_irp};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        wb_body(bodies[i], FT_STOP_BUGCHECK);
        assert_int_equal(wb_last(FT_EV_POOL_BAD_FREE)->arg[1], FOREIGN);
        assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC2);
        assert_int_equal(wb_count(FT_EV_POOL_FREE), 0);
    }
}

static void body_tags(void)
{
    ExFreePoolWithTag(allocate(BYTES), TAG + 1);
    CHECK(wb_count(FT_EV_POOL_BAD_FREE) == 1);
    ExFreePool(allocate(BYTES)); /* without a tag any block fits */
    CHECK(wb_count(FT_EV_POOL_BAD_FREE) == 1);
    CHECK(FT_M->pool_blocks == 0);
}

static void a_wrong_tag_is_told_and_the_block_is_freed(void **state)
{
    (void)state;
    wb_body(body_tags, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_POOL_BAD_FREE)->arg[1], WRONG_TAG);
    assert_int_equal(wb_count(FT_EV_POOL_FREE), 2);
}

static void body_fail(void)
{
    CHECK(allocate(BYTES) != NULL);
    CHECK(allocate(BYTES) == NULL);
    CHECK(allocate(BYTES) != NULL);
}

static void an_op_makes_one_later_allocation_fail(void **state)
{
    static const struct ft_op fail = {
        .kind = FT_OP_FAIL_ALLOC, .moment = {.point = FT_PT_POOL_ALLOC, .count = 1}, .arg = {1, 1}};

    (void)state;
    wb_run(&(struct wb_case){.body = body_fail, .op = &fail, .op_count = 1});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_CHOICE_FAIL), 1);
    assert_int_equal(wb_event(FT_EV_POOL_ALLOC, 2)->arg[0], 0);
}

static void body_full(void)
{
    unsigned blocks = 0;

    while (allocate(1 << 20))
        blocks++;
    CHECK(blocks == FT_POOL_BYTES / (1 << 20) - 1);
    CHECK(wb_last(FT_EV_POOL_ALLOC)->arg[0] == 0);
    CHECK(allocate(BYTES) != NULL); /* there is room for a small one */
    CHECK(allocate(SIZE_MAX) == NULL);
}

static void a_full_arena_gives_null_with_its_event(void **state)
{
    (void)state;
    wb_body(body_full, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_POOL_ALLOC)->arg[0], 0);
}

/* ---- all the forms ---- */

static void body_forms(void)
{
    const POOL_TYPE NX = NonPagedPoolNx;
    POOL_EXTENDED_PARAMETER low = {.Type = PoolExtendedParameterPriority,
                                   .Priority = LowPoolPriority};
    uint8_t *block[] = {
        ExAllocatePoolWithTagPriority(NX, BYTES, TAG, LowPoolPriority),
        ExAllocatePoolWithQuotaTag(NX, BYTES, TAG),
        ExAllocatePoolQuotaUninitialized(NX, BYTES, TAG),
        ExAllocatePoolPriorityUninitialized(NX, BYTES, TAG, HighPoolPriority),
        ExAllocatePoolQuotaZero(NX, BYTES, TAG),
        ExAllocatePoolPriorityZero(NX, BYTES, TAG, NormalPoolPriority),
        ExAllocatePool3(POOL_FLAG_NON_PAGED, BYTES, TAG, &low, 1),
        ExAllocatePoolWithTag(NX | POOL_ZERO_ALLOCATION, BYTES, TAG),
    };

    for (unsigned i = 0; i < sizeof block / sizeof *block; i++) {
        CHECK(all(block[i], BYTES, i < 4 ? NEW : 0));
        ExFreePool2(block[i], TAG, NULL, 0);
    }
}

static void every_form_gives_its_fill(void **state)
{
    (void)state;
    wb_body(body_forms, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_POOL_ALLOC), 8);
    assert_int_equal(wb_count(FT_EV_POOL_FREE), 8);
    assert_int_equal(wb_count(FT_EV_POOL_BAD_FREE), 0);
}

static void body_kinds(void)
{
    ExAllocatePoolWithTag(NonPagedPool, BYTES, TAG);
    ExAllocatePoolWithTag(NonPagedPoolNx, BYTES, TAG);
    ExAllocatePoolWithTag(PagedPool, BYTES, TAG);
    ExAllocatePool2(POOL_FLAG_NON_PAGED_EXECUTE, BYTES, TAG);
    ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, TAG);
    ExAllocatePool2(POOL_FLAG_PAGED, BYTES, TAG);
    ExInitializeDriverRuntime(DrvRtPoolNxOptIn);
    ExAllocatePoolWithTag(NonPagedPool, 0, TAG);
}

static void the_event_tells_the_kind_of_memory(void **state)
{
    static const unsigned kinds[] = {1, 2, 3, 1, 2, 3, 2};

    (void)state;
    wb_body(body_kinds, FT_STOP_NONE);
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(wb_event(FT_EV_POOL_ALLOC, i + 1)->arg[4], kinds[i]);
    assert_int_equal(wb_last(FT_EV_POOL_ALLOC)->arg[1], 0); /* zero bytes: told, and a block */
    assert_int_not_equal(wb_last(FT_EV_POOL_ALLOC)->arg[0], 0);
}

static PVOID take_quota(void)
{
    return ExAllocatePoolWithQuotaTag(PagedPool, SIZE_MAX, TAG);
}

static PVOID take_quota_quietly(void)
{
    return ExAllocatePoolWithQuotaTag((POOL_TYPE)(PagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),
                                      SIZE_MAX, TAG);
}

static PVOID take_raising(void)
{
    return ExAllocatePoolZero((POOL_TYPE)(NonPagedPoolNx | POOL_RAISE_IF_ALLOCATION_FAILURE),
                              SIZE_MAX, TAG);
}

static PVOID take_flags_raising(void)
{
    return ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, SIZE_MAX, TAG);
}

static PVOID take_two_kinds(void)
{
    return ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_PAGED, BYTES, TAG);
}

static PVOID take_unknown_flag(void)
{
    return ExAllocatePool2(POOL_FLAG_NON_PAGED | 0x10000, BYTES, TAG);
}

static PVOID take_unknown_parameter(void)
{
    POOL_EXTENDED_PARAMETER parameter = {.Type = 17};

    return ExAllocatePool3(POOL_FLAG_PAGED, BYTES, TAG, &parameter, 1);
}

static NTSTATUS status_of(PVOID (*take)(void))
{
    volatile NTSTATUS status = STATUS_SUCCESS;

    __try {
        CHECK(take() == NULL);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    return status;
}

static void body_failures(void)
{
    CHECK(status_of(take_quota) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(status_of(take_quota_quietly) == STATUS_SUCCESS);
    CHECK(status_of(take_raising) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(status_of(take_flags_raising) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(status_of(take_two_kinds) == STATUS_SUCCESS);
    CHECK(status_of(take_unknown_flag) == STATUS_SUCCESS);
    CHECK(status_of(take_unknown_parameter) == STATUS_SUCCESS);
    CHECK(FT_M->pool_blocks == 0);
}

static void failures_return_null_or_raise(void **state)
{
    (void)state;
    wb_body(body_failures, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_POOL_ALLOC), 7);
}

static void body_must_succeed(void)
{
    ExAllocatePoolWithTag(NonPagedPoolMustSucceed, BYTES, TAG);
}

static void must_succeed_pool_is_bug_check_c2(void **state)
{
    (void)state;
    wb_body(body_must_succeed, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC2);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 0x9A);
}

static void body_alignment(void)
{
    for (unsigned i = 0; i < 40; i++) {
        uintptr_t at = (uintptr_t)allocate(700);

        CHECK(at % 16 == 0 && at % PAGE_SIZE + 700 <= PAGE_SIZE);
    }
    CHECK((uintptr_t)allocate(PAGE_SIZE) % PAGE_SIZE == 0);
    CHECK((uintptr_t)allocate(PAGE_SIZE + 1) % PAGE_SIZE == 0);
    CHECK((uintptr_t)ExAllocatePoolWithTag(NonPagedPoolNxCacheAligned, 10, TAG) % 64 == 0);
    CHECK((uintptr_t)ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_CACHE_ALIGNED, 10, TAG) % 64 == 0);
    CHECK(ft_pool_check() == 44);
}

static void blocks_respect_pages_and_cache_lines(void **state)
{
    (void)state;
    wb_body(body_alignment, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_POOL_DAMAGE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_and_freed_blocks_have_their_fill),
        cmocka_unit_test(an_overrun_is_found_at_the_free_or_at_the_end),
        cmocka_unit_test(an_underrun_is_found_at_the_free_or_at_the_end),
        cmocka_unit_test(a_write_into_a_freed_block_is_found_at_the_end),
        cmocka_unit_test(freeing_twice_is_bug_check_c2),
        cmocka_unit_test(freeing_what_is_no_pool_block_is_bug_check_c2),
        cmocka_unit_test(a_wrong_tag_is_told_and_the_block_is_freed),
        cmocka_unit_test(an_op_makes_one_later_allocation_fail),
        cmocka_unit_test(a_full_arena_gives_null_with_its_event),
        cmocka_unit_test(every_form_gives_its_fill),
        cmocka_unit_test(the_event_tells_the_kind_of_memory),
        cmocka_unit_test(failures_return_null_or_raise),
        cmocka_unit_test(must_succeed_pool_is_bug_check_c2),
        cmocka_unit_test(blocks_respect_pages_and_cache_lines),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
