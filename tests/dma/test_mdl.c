/* Memory descriptor lists: what they describe, how they are locked, cut and mapped. */
#include "dma_bench.h"

#include "bench_driver.h"
#include "dma/frames.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { TAG = 0x31676154, BYTES = 3 * PAGE_SIZE, OFFSET = 100 };
enum { BAD_ADDRESS = 1, INJECTED, LOCKED_ALREADY, NONPAGED_POOL, PARTIAL };

static uint8_t *buffer;

static PMDL new_mdl(void *va, ULONG bytes)
{
    PMDL mdl = IoAllocateMdl(va, bytes, FALSE, FALSE, NULL);

    CHECK(mdl != NULL);
    return mdl;
}

static PMDL user_mdl(void)
{
    buffer = ft_buffer_create(BYTES, OFFSET, 1, true);
    CHECK(buffer != NULL);
    return new_mdl(buffer, BYTES);
}

/* Locks as a driver does: the code of the exception, or STATUS_SUCCESS. */
static NTSTATUS lock(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation)
{
    volatile NTSTATUS status = STATUS_SUCCESS;
    uint8_t layer = ft_layer_set(FT_LAYER_DRIVER);

    __try {
        MmProbeAndLockPages(mdl, mode, operation);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    ft_layer_set(layer);
    return status;
}

static void end(PMDL mdl)
{
    if (mdl->MdlFlags & MDL_PAGES_LOCKED)
        MmUnlockPages(mdl);
    IoFreeMdl(mdl);
    ft_buffer_destroy(buffer);
    buffer = NULL;
}

/* ---- locking ---- */

static void body_lock(void)
{
    PMDL mdl = user_mdl();

    CHECK(lock(mdl, UserMode, IoWriteAccess) == STATUS_SUCCESS);
    CHECK(mdl->MdlFlags & MDL_PAGES_LOCKED && mdl->MdlFlags & MDL_WRITE_OPERATION);
    CHECK(MmGetMdlPfnArray(mdl)[0] ==
          (PFN_NUMBER)MmGetPhysicalAddress(buffer).QuadPart >> PAGE_SHIFT);
    MmUnlockPages(mdl);
    CHECK(!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_WRITE_OPERATION)));
    CHECK(lock(mdl, UserMode, IoReadAccess) == STATUS_SUCCESS);
    CHECK(!(mdl->MdlFlags & MDL_WRITE_OPERATION));
    end(mdl);
}

static void a_lock_fills_the_page_array_and_says_how(void **state)
{
    (void)state;
    wb_body(body_lock, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_MDL_LOCK, 1)->arg[1], 1); /* write */
    assert_int_equal(wb_event(FT_EV_MDL_LOCK, 1)->arg[2], STATUS_SUCCESS);
    assert_int_equal(wb_event(FT_EV_MDL_LOCK, 1)->arg[3], IoWriteAccess);
    assert_int_equal(wb_event(FT_EV_MDL_LOCK, 1)->arg[4], 1); /* user */
    assert_int_equal(wb_event(FT_EV_MDL_LOCK, 2)->arg[3], IoReadAccess);
    assert_int_equal(wb_count(FT_EV_MDL_BAD_LOCK), 0);
}

static void body_bad_range(void)
{
    uint8_t *pool = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);
    PMDL nothing = new_mdl((void *)0x5000, 64), kernel = new_mdl(pool, 64);

    CHECK(lock(nothing, KernelMode, IoReadAccess) == STATUS_ACCESS_VIOLATION);
    CHECK(!(nothing->MdlFlags & MDL_PAGES_LOCKED));
    CHECK(lock(kernel, UserMode, IoReadAccess) == STATUS_ACCESS_VIOLATION);
    CHECK(lock(kernel, KernelMode, IoReadAccess) == STATUS_SUCCESS);
    MmUnlockPages(kernel);
    IoFreeMdl(nothing);
    IoFreeMdl(kernel);
    ExFreePoolWithTag(pool, TAG);
}

static void a_range_that_is_no_memory_or_not_the_users_raises(void **state)
{
    (void)state;
    wb_body(body_bad_range, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_MDL_BAD_LOCK), 2);
    assert_int_equal(wb_event(FT_EV_MDL_BAD_LOCK, 1)->arg[1], BAD_ADDRESS);
    assert_int_equal(wb_event(FT_EV_MDL_LOCK, 2)->arg[2], (uint32_t)STATUS_ACCESS_VIOLATION);
    assert_int_equal(wb_event(FT_EV_MDL_LOCK, 2)->arg[4], 1);
    assert_int_equal(wb_event(FT_EV_MDL_LOCK, 3)->arg[4], 0);
}

static void body_no_handler(void)
{
    MmProbeAndLockPages(new_mdl((void *)0x5000, 64), KernelMode, IoReadAccess);
    wb_note("never");
}

static void without_a_handler_the_machine_stops(void **state)
{
    (void)state;
    wb_body(body_no_handler, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], KMODE_EXCEPTION_NOT_HANDLED);
    assert_string_equal(wb_notes(), "");
}

static void body_wrong_state(void)
{
    uint8_t *pool = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);
    PMDL mdl = user_mdl(), built = new_mdl(pool, 64), part = new_mdl(buffer, BYTES);

    lock(mdl, KernelMode, IoReadAccess);
    lock(mdl, KernelMode, IoReadAccess);
    MmBuildMdlForNonPagedPool(built);
    lock(built, KernelMode, IoReadAccess);
    IoBuildPartialMdl(mdl, part, buffer, 64);
    lock(part, KernelMode, IoReadAccess);
    IoFreeMdl(part);
    IoFreeMdl(built);
    end(mdl);
    ExFreePoolWithTag(pool, TAG);
}

static void a_lock_that_cannot_be_right_is_told(void **state)
{
    (void)state;
    wb_body(body_wrong_state, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_MDL_BAD_LOCK), 3);
    assert_int_equal(wb_event(FT_EV_MDL_BAD_LOCK, 1)->arg[1], LOCKED_ALREADY);
    assert_int_equal(wb_event(FT_EV_MDL_BAD_LOCK, 2)->arg[1], NONPAGED_POOL);
    assert_int_equal(wb_event(FT_EV_MDL_BAD_LOCK, 3)->arg[1], PARTIAL);
}

static void body_fail_probe(void)
{
    PMDL mdl = user_mdl();

    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    MmUnlockPages(mdl);
    ft_layer_set(FT_LAYER_SYSTEM);
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess); /* the system's own never fails */
    MmUnlockPages(mdl);
    CHECK(lock(mdl, KernelMode, IoReadAccess) == STATUS_WORKING_SET_QUOTA);
    CHECK(lock(mdl, KernelMode, IoReadAccess) == STATUS_SUCCESS);
    ft_layer_set(FT_LAYER_DRIVER);
    end(mdl);
}

static void an_op_makes_the_drivers_next_lock_raise(void **state)
{
    static const struct ft_op fail = {.kind = FT_OP_FAIL_PROBE,
                                      .moment = {.point = FT_PT_MDL, .count = 3}};

    (void)state;
    wb_run(&(struct wb_case){.body = body_fail_probe, .op = &fail, .op_count = 1});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_CHOICE_FAIL), 1);
    assert_int_equal(wb_last(FT_EV_CHOICE_FAIL)->arg[0], 8);
    assert_int_equal(wb_count(FT_EV_MDL_BAD_LOCK), 1);
    assert_int_equal(wb_last(FT_EV_MDL_BAD_LOCK)->arg[1], INJECTED);
}

static void body_freed(void)
{
    PMDL mdl = user_mdl();

    IoFreeMdl(mdl);
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
}

static void locking_a_freed_mdl_stops_the_machine(void **state)
{
    (void)state;
    wb_body(body_freed, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], PAGE_FAULT_IN_NONPAGED_AREA);
}

/* ---- what an MDL describes ---- */

static void body_memory_kinds(void)
{
    uint8_t local[64];
    uint8_t *pool = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);
    uint8_t *paged = ExAllocatePoolWithTag(PagedPool, 64, TAG);
    void *memory[] = {local, pool, paged};

    for (unsigned i = 0; i < 3; i++) {
        PMDL mdl = new_mdl(memory[i], 64);

        MmBuildMdlForNonPagedPool(mdl);
        CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == memory[i]);
        IoFreeMdl(mdl);
    }
    ExFreePoolWithTag(pool, TAG);
    ExFreePoolWithTag(paged, TAG);
}

static void building_tells_what_memory_it_is(void **state)
{
    (void)state;
    wb_body(body_memory_kinds, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_MDL_BUILD, 1)->arg[1], 1);
    assert_int_equal(wb_event(FT_EV_MDL_BUILD, 2)->arg[1], 2);
    assert_int_equal(wb_event(FT_EV_MDL_BUILD, 3)->arg[1], 3);
}

static void body_stack(void)
{
    uint8_t local[2 * PAGE_SIZE];
    PMDL mdl = new_mdl(local, sizeof local);
    uint32_t left;
    uint8_t *memory;

    CHECK(lock(mdl, KernelMode, IoWriteAccess) == STATUS_SUCCESS);
    memory = ft_physical_memory((MmGetMdlPfnArray(mdl)[0] << PAGE_SHIFT) + MmGetMdlByteOffset(mdl),
                                &left);
    CHECK(memory == local);
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
}

static void a_stack_has_a_place_in_physical_memory(void **state)
{
    (void)state;
    wb_body(body_stack, FT_STOP_NONE);
}

static void body_chain(void)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    PMDL first = IoAllocateMdl((void *)0x1000, 10, FALSE, FALSE, irp);
    PMDL second = IoAllocateMdl((void *)0x2000, 10, TRUE, FALSE, irp);
    PMDL third = IoAllocateMdl((void *)0x3000, 10, TRUE, FALSE, irp);

    CHECK(irp->MdlAddress == first && first->Next == second && second->Next == third);
    irp->MdlAddress = NULL;
    IoFreeMdl(first); /* this one only */
    CHECK(second->Next == third);
    IoFreeMdl(second);
    IoFreeMdl(third);
    IoFreeIrp(irp);
}

static void secondary_mdls_join_the_chain_of_the_irp(void **state)
{
    (void)state;
    wb_body(body_chain, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_MDL_FREE), 3);
}

/* ---- parts ---- */

static void body_advance(void)
{
    PMDL mdl = user_mdl();
    PFN_NUMBER second;
    uint8_t *address;

    CHECK(MmSizeOfMdl(buffer, BYTES) == (SIZE_T)mdl->Size);
    CHECK(MmSizeOfMdl((PVOID)1, PAGE_SIZE) == sizeof(MDL) + 2 * sizeof(PFN_NUMBER));
    CHECK(MmAdvanceMdl(mdl, 10) == STATUS_INVALID_PARAMETER_1); /* no pages yet */
    lock(mdl, KernelMode, IoReadAccess);
    address = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
    second = MmGetMdlPfnArray(mdl)[1];
    CHECK(MmAdvanceMdl(mdl, BYTES) == STATUS_INVALID_PARAMETER_2);
    CHECK(MmAdvanceMdl(mdl, 10) == STATUS_SUCCESS);
    CHECK(MmGetMdlVirtualAddress(mdl) == buffer + 10 && MmGetMdlByteCount(mdl) == BYTES - 10);
    CHECK(MmAdvanceMdl(mdl, PAGE_SIZE) == STATUS_SUCCESS);
    CHECK(MmGetMdlVirtualAddress(mdl) == buffer + 10 + PAGE_SIZE);
    CHECK(MmGetMdlPfnArray(mdl)[0] == second);
    CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == address + 10 + PAGE_SIZE);
    end(mdl);
}

static void advancing_moves_the_start_and_drops_pages(void **state)
{
    (void)state;
    wb_body(body_advance, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_MDL_ADVANCE), 4);
    assert_int_equal(wb_last(FT_EV_MDL_ADVANCE)->arg[1], PAGE_SIZE);
    assert_int_equal(wb_last(FT_EV_MDL_ADVANCE)->arg[2], STATUS_SUCCESS);
}

static void body_partial(void)
{
    PMDL mdl = user_mdl(), part = new_mdl(buffer, BYTES);

    lock(mdl, KernelMode, IoReadAccess);
    IoBuildPartialMdl(mdl, part, buffer + PAGE_SIZE, 64);
    CHECK(MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == buffer + PAGE_SIZE);
    CHECK(part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
    MmPrepareMdlForReuse(part);
    CHECK(!(part->MdlFlags & (MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_MAPPED_TO_SYSTEM_VA)));
    IoBuildPartialMdl(mdl, part, buffer + 8, 0);
    CHECK(MmGetMdlByteCount(part) == BYTES - 8);
    CHECK(MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == buffer + 8);
    IoFreeMdl(part);
    end(mdl);
}

static void a_part_can_be_used_again(void **state)
{
    (void)state;
    wb_body(body_partial, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_MDL_REUSE), 1);
    assert_int_equal(wb_event(FT_EV_MDL_PARTIAL, 2)->arg[3], BYTES - 8);
}

static void body_small_target(void)
{
    PMDL mdl = user_mdl(), part = new_mdl(buffer, 8);

    lock(mdl, KernelMode, IoReadAccess);
    IoBuildPartialMdl(mdl, part, buffer, 0);
}

static void a_target_too_small_is_bug_check_40(void **state)
{
    (void)state;
    wb_body(body_small_target, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], TARGET_MDL_TOO_SMALL);
}

/* ---- mappings ---- */

static void body_mappings(void)
{
    PMDL mdl = user_mdl();

    CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == NULL); /* not locked */
    lock(mdl, KernelMode, IoReadAccess);
    CHECK(MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE,
                                       NormalPagePriority) == buffer);
    CHECK(MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE, NormalPagePriority) ==
          buffer);
    MmUnmapLockedPages(buffer, mdl);
    CHECK(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA); /* the user's went first */
    MmUnmapLockedPages(buffer, mdl);
    CHECK(!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    MmUnmapLockedPages(buffer, mdl);
    CHECK(MmMapLockedPages(mdl, KernelMode) == buffer);
    MmUnmapLockedPages(buffer, mdl);
    end(mdl);
}

static void body_map_unlocked(void)
{
    MmMapLockedPages(user_mdl(), KernelMode);
    wb_note("never");
}

/* The old form returns no NULL: it stops the machine, or raises for a mapping of a user. */
static void the_old_mapping_of_pages_that_are_not_locked_stops_the_run(void **state)
{
    (void)state;
    wb_body(body_map_unlocked, FT_STOP_BUGCHECK);
    assert_string_equal(wb_notes(), "");
}

static void system_and_user_mappings_are_given_back(void **state)
{
    (void)state;
    wb_body(body_mappings, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_MDL_SYSVA, 1)->arg[1], 0);
    assert_int_equal(wb_event(FT_EV_MDL_SYSVA, 3)->arg[1], 1);
    assert_int_equal(wb_event(FT_EV_MDL_UNMAP, 2)->arg[1], 1);
    assert_int_equal(wb_event(FT_EV_MDL_UNMAP, 3)->arg[1], 0);
}

static KPROCESSOR_MODE wanted_mode;
static BOOLEAN wanted_bugcheck;

static void body_unmappable(void)
{
    PMDL mdl = user_mdl();
    volatile NTSTATUS status = STATUS_SUCCESS;

    __try {
        CHECK(MmMapLockedPagesSpecifyCache(mdl, wanted_mode, MmCached, NULL, wanted_bugcheck,
                                           NormalPagePriority) == NULL);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK(status == (wanted_mode == UserMode ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS));
    end(mdl);
}

static void a_mapping_that_fails_gives_null_raises_or_stops(void **state)
{
    (void)state;
    wanted_mode = KernelMode;
    wanted_bugcheck = FALSE;
    wb_body(body_unmappable, FT_STOP_NONE);
    wanted_mode = UserMode;
    wb_body(body_unmappable, FT_STOP_NONE);
    wanted_mode = KernelMode;
    wanted_bugcheck = TRUE;
    wb_body(body_unmappable, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x3F);
}

static void body_protect(void)
{
    PMDL mdl = user_mdl();

    lock(mdl, KernelMode, IoReadAccess);
    CHECK(MmProtectMdlSystemAddress(mdl, PAGE_READONLY) == STATUS_NOT_MAPPED_VIEW);
    MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
    CHECK(MmProtectMdlSystemAddress(mdl, PAGE_READONLY) == STATUS_SUCCESS);
    CHECK(MmProtectMdlSystemAddress(mdl, PAGE_READONLY | PAGE_NOCACHE) == STATUS_SUCCESS);
    CHECK(MmProtectMdlSystemAddress(mdl, PAGE_READONLY | PAGE_READWRITE) ==
          STATUS_INVALID_PAGE_PROTECTION);
    CHECK(MmProtectMdlSystemAddress(mdl, PAGE_WRITECOPY) == STATUS_INVALID_PAGE_PROTECTION);
    CHECK(MmProtectMdlSystemAddress(mdl, 0) == STATUS_INVALID_PAGE_PROTECTION);
    end(mdl);
}

static void protecting_judges_its_arguments(void **state)
{
    (void)state;
    wb_body(body_protect, FT_STOP_NONE);
}

static void body_reserved(void)
{
    void *small = MmAllocateMappingAddress(PAGE_SIZE, TAG);
    void *large = MmAllocateMappingAddress(BYTES + PAGE_SIZE, TAG);
    PMDL mdl = user_mdl();

    CHECK(MmAllocateMappingAddress(0, TAG) == NULL);
    lock(mdl, KernelMode, IoReadAccess);
    CHECK(MmMapLockedPagesWithReservedMapping(small, TAG, mdl, MmCached) == NULL);
    CHECK(MmMapLockedPagesWithReservedMapping(large, TAG, mdl, MmCached) == buffer);
    MmUnmapReservedMapping(large, TAG, mdl);
    CHECK(!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    MmFreeMappingAddress(large, TAG);
    MmFreeMappingAddress(small, TAG);
    end(mdl);
}

static void a_reserved_address_takes_what_fits(void **state)
{
    (void)state;
    wb_body(body_reserved, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_PAGES_ALLOC), 3);
    assert_int_equal(wb_event(FT_EV_PAGES_ALLOC, 3)->arg[0], 0);
    assert_int_equal(wb_count(FT_EV_PAGES_FREE), 2);
    assert_int_equal(wb_last(FT_EV_PAGES_FREE)->arg[2], 4);
}

static void body_reserved_wrong_tag(void)
{
    MmFreeMappingAddress(MmAllocateMappingAddress(PAGE_SIZE, TAG), TAG + 1);
}

static void body_reserved_freed_mapped(void)
{
    void *address = MmAllocateMappingAddress(BYTES + PAGE_SIZE, TAG);
    PMDL mdl = user_mdl();

    lock(mdl, KernelMode, IoReadAccess);
    MmMapLockedPagesWithReservedMapping(address, TAG, mdl, MmCached);
    MmFreeMappingAddress(address, TAG);
}

static void body_reserved_not_mapped(void)
{
    MmUnmapReservedMapping(MmAllocateMappingAddress(PAGE_SIZE, TAG), TAG, user_mdl());
}

static void misusing_a_reserved_address_is_bug_check_da(void **state)
{
    static void (*const bodies[])(void) = {body_reserved_wrong_tag, body_reserved_freed_mapped,
                                           body_reserved_not_mapped};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        wb_body(bodies[i], FT_STOP_BUGCHECK);
        assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xDA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_fills_the_page_array_and_says_how),
        cmocka_unit_test(a_range_that_is_no_memory_or_not_the_users_raises),
        cmocka_unit_test(without_a_handler_the_machine_stops),
        cmocka_unit_test(a_lock_that_cannot_be_right_is_told),
        cmocka_unit_test(an_op_makes_the_drivers_next_lock_raise),
        cmocka_unit_test(locking_a_freed_mdl_stops_the_machine),
        cmocka_unit_test(building_tells_what_memory_it_is),
        cmocka_unit_test(a_stack_has_a_place_in_physical_memory),
        cmocka_unit_test(secondary_mdls_join_the_chain_of_the_irp),
        cmocka_unit_test(advancing_moves_the_start_and_drops_pages),
        cmocka_unit_test(a_part_can_be_used_again),
        cmocka_unit_test(a_target_too_small_is_bug_check_40),
        cmocka_unit_test(the_old_mapping_of_pages_that_are_not_locked_stops_the_run),
        cmocka_unit_test(system_and_user_mappings_are_given_back),
        cmocka_unit_test(a_mapping_that_fails_gives_null_raises_or_stops),
        cmocka_unit_test(protecting_judges_its_arguments),
        cmocka_unit_test(a_reserved_address_takes_what_fits),
        cmocka_unit_test(misusing_a_reserved_address_is_bug_check_da),
    };

    return cmocka_run_group_tests_name("mdl", tests, NULL, NULL);
}
