/* Lookaside lists: where entries come from and go to, and what is told. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { TAG = 0x31676154, BYTES = 40 };

static void body_plain(void)
{
    NPAGED_LOOKASIDE_LIST nonpaged;
    PAGED_LOOKASIDE_LIST paged;
    void *a, *b;

    ExInitializeNPagedLookasideList(&nonpaged, NULL, NULL, 0, BYTES, TAG, 0);
    ExInitializePagedLookasideList(&paged, NULL, NULL, 0, BYTES, TAG, 0);
    a = ExAllocateFromNPagedLookasideList(&nonpaged);
    b = ExAllocateFromPagedLookasideList(&paged);
    CHECK(a && b && a != b && nonpaged.L.TotalAllocates == 1);
    ExFreeToNPagedLookasideList(&nonpaged, a);
    ExDeleteNPagedLookasideList(&nonpaged);
    ExDeletePagedLookasideList(&paged); /* b is not back */
    ExFreePoolWithTag(b, TAG);
    ExInitializePagedLookasideList(&paged, NULL, NULL, 0, BYTES, TAG, 0);
    ExFreeToPagedLookasideList(&paged, ExAllocateFromPagedLookasideList(&paged));
    ExDeletePagedLookasideList(&paged);
}

static void entries_are_pool_blocks(void **state)
{
    (void)state;
    wb_body(body_plain, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_LOOKASIDE_INIT, 1)->arg[1], BYTES);
    assert_int_equal(wb_event(FT_EV_LOOKASIDE_INIT, 1)->arg[3], 0);
    assert_int_equal(wb_event(FT_EV_LOOKASIDE_INIT, 2)->arg[3], 1);
    assert_int_equal(wb_event(FT_EV_POOL_ALLOC, 2)->arg[3], 1); /* paged */
    assert_int_equal(wb_event(FT_EV_POOL_FREE, 1)->arg[0], wb_event(FT_EV_POOL_ALLOC, 1)->arg[0]);
    assert_int_equal(wb_event(FT_EV_LOOKASIDE_DELETE, 1)->arg[0],
                     wb_event(FT_EV_LOOKASIDE_INIT, 1)->arg[0]);
    assert_int_equal(wb_event(FT_EV_LOOKASIDE_DELETE, 1)->arg[1], 0);
    assert_int_equal(wb_event(FT_EV_LOOKASIDE_DELETE, 2)->arg[1], 1);
    assert_int_equal(wb_event(FT_EV_LOOKASIDE_DELETE, 3)->arg[1], 0);
}

static PVOID own_allocate(POOL_TYPE type, SIZE_T bytes, ULONG tag)
{
    CHECK(type == NonPagedPool && bytes == BYTES && tag == TAG);
    wb_note("allocate");
    return ExAllocatePoolWithTag(type, bytes, tag);
}

static VOID own_free(PVOID buffer)
{
    wb_note("free");
    ExFreePoolWithTag(buffer, TAG);
}

static void body_own(void)
{
    NPAGED_LOOKASIDE_LIST list;

    ExInitializeNPagedLookasideList(&list, own_allocate, own_free, 0, BYTES, TAG, 0);
    ExFreeToNPagedLookasideList(&list, ExAllocateFromNPagedLookasideList(&list));
    ExDeleteNPagedLookasideList(&list);
}

static void the_drivers_own_routines_are_called(void **state)
{
    (void)state;
    wb_body(body_own, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "allocate free");
    assert_int_equal(wb_count(FT_EV_POOL_ALLOC), 1);
    assert_int_equal(wb_last(FT_EV_CALL_ENTER)->arg[0], FT_ROUTINE_LOOKASIDE);
    assert_int_equal(wb_last(FT_EV_CALL_ENTER)->arg[1], wb_last(FT_EV_LOOKASIDE_INIT)->arg[0]);
}

static LOOKASIDE_LIST_EX extended;

static PVOID own_allocate_ex(POOL_TYPE type, SIZE_T bytes, ULONG tag, PLOOKASIDE_LIST_EX list)
{
    CHECK(list == &extended);
    wb_note("allocate");
    return ExAllocatePoolWithTag(type, bytes, tag);
}

static VOID own_free_ex(PVOID buffer, PLOOKASIDE_LIST_EX list)
{
    CHECK(list == &extended);
    wb_note("free");
    ExFreePoolWithTag(buffer, TAG);
}

static void body_extended(void)
{
    CHECK(ExInitializeLookasideListEx(&extended, own_allocate_ex, own_free_ex, PagedPool, 0, BYTES,
                                      TAG, 0) == STATUS_SUCCESS);
    ExFreeToLookasideListEx(&extended, ExAllocateFromLookasideListEx(&extended));
    ExFlushLookasideListEx(&extended);
    ExDeleteLookasideListEx(&extended);
    CHECK(ExInitializeLookasideListEx(&extended, NULL, NULL, (POOL_TYPE)32, 0, BYTES, TAG, 0) ==
          STATUS_INVALID_PARAMETER_4);
    CHECK(ExInitializeLookasideListEx(&extended, NULL, NULL, PagedPool, 3, BYTES, TAG, 0) ==
          STATUS_INVALID_PARAMETER_5);
}

static void the_extended_form_hands_itself_to_its_routines(void **state)
{
    (void)state;
    wb_body(body_extended, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "allocate free");
    assert_int_equal(wb_count(FT_EV_LOOKASIDE_INIT), 1);
    assert_int_equal(wb_last(FT_EV_LOOKASIDE_DELETE)->arg[1], 0);
}

static void body_failure(void)
{
    NPAGED_LOOKASIDE_LIST list;
    volatile NTSTATUS status = STATUS_SUCCESS;

    ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, FT_POOL_BYTES, TAG, 0);
    CHECK(ExAllocateFromNPagedLookasideList(&list) == NULL);
    CHECK(ExInitializeLookasideListEx(&extended, NULL, NULL, PagedPool,
                                      EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL, FT_POOL_BYTES, TAG,
                                      0) == STATUS_SUCCESS);
    __try {
        ExAllocateFromLookasideListEx(&extended);
        wb_note("never");
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK(status == STATUS_INSUFFICIENT_RESOURCES);
}

static void a_list_without_memory_gives_null_or_raises(void **state)
{
    (void)state;
    wb_body(body_failure, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_pool_blocks),
        cmocka_unit_test(the_drivers_own_routines_are_called),
        cmocka_unit_test(the_extended_form_hands_itself_to_its_routines),
        cmocka_unit_test(a_list_without_memory_gives_null_or_raises),
    };

    return cmocka_run_group_tests_name("lookaside", tests, NULL, NULL);
}
