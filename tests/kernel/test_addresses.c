/* Addresses and what is behind them, and probes of user buffers. */
#include "bench_driver.h"
#include "dma/frames.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { TAG = 0x31676154, BYTES = 2 * PAGE_SIZE };

static PHYSICAL_ADDRESS at(uint64_t physical)
{
    return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)physical};
}

static void there_and_back(void *address)
{
    PHYSICAL_ADDRESS physical = MmGetPhysicalAddress(address);

    CHECK(MmIsAddressValid(address));
    CHECK(physical.QuadPart != 0);
    CHECK(MmGetVirtualForPhysical(physical) == address);
}

static void body_translation(void)
{
    uint8_t local = 0;
    uint8_t *pool = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);
    uint8_t *user = ft_buffer_create(BYTES, 16, 1, true);
    uint8_t *window = MmMapIoSpace(at(FT_BAR_PHYSICAL_BASE), WB_BAR_BYTES, MmNonCached);

    there_and_back(&local);
    there_and_back(pool + 63);
    there_and_back(user + BYTES - 1);
    there_and_back(window + 4);
    CHECK(MmGetPhysicalAddress(window + 4).QuadPart == FT_BAR_PHYSICAL_BASE + 4);
    MmUnmapIoSpace(window, WB_BAR_BYTES);
    CHECK(!MmIsAddressValid(window + 4));
    ft_buffer_destroy(user);
    CHECK(!MmIsAddressValid(user) && MmGetPhysicalAddress(user).QuadPart == 0);
    CHECK(!MmIsAddressValid(NULL) && !MmIsAddressValid((void *)0x5000));
    CHECK(!MmIsAddressValid((void *)(FT_POOL_BASE + FT_POOL_BYTES - 1)));
    CHECK(MmGetVirtualForPhysical(at(0x1000)) == NULL);
    ExFreePoolWithTag(pool, TAG);
    CHECK(MmIsAddressValid(pool)); /* the page is still there */
}

static void addresses_translate_there_and_back(void **state)
{
    (void)state;
    wb_body(body_translation, FT_STOP_NONE);
}

static NTSTATUS probe(void *address, SIZE_T bytes, ULONG alignment, bool write)
{
    volatile NTSTATUS status = STATUS_SUCCESS;

    __try {
        if (write)
            ProbeForWrite(address, bytes, alignment);
        else
            ProbeForRead(address, bytes, alignment);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    return status;
}

static void body_probes(void)
{
    uint8_t local[16];
    uint8_t *pool = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);
    uint8_t *user = ft_buffer_create(BYTES, 0, 1, true);
    uint8_t *unmapped = (uint8_t *)0x50000;

    CHECK(probe(user, BYTES, 4, false) == STATUS_SUCCESS);
    CHECK(probe(user, BYTES, 4, true) == STATUS_SUCCESS);
    CHECK(probe(user + 1, 4, 4, false) == STATUS_DATATYPE_MISALIGNMENT);
    CHECK(probe(user + 1, 4, 1, true) == STATUS_SUCCESS);
    CHECK(probe(unmapped, 4, 1, false) == STATUS_SUCCESS); /* a read is not tried */
    CHECK(probe(unmapped, 4, 1, true) == STATUS_ACCESS_VIOLATION);
    CHECK(probe(user, BYTES + PAGE_SIZE, 1, true) == STATUS_ACCESS_VIOLATION);
    CHECK(probe(pool, 64, 1, false) == STATUS_ACCESS_VIOLATION);
    CHECK(probe(local, 16, 1, true) == STATUS_ACCESS_VIOLATION);
    CHECK(probe(user, SIZE_MAX, 1, false) == STATUS_ACCESS_VIOLATION);
    CHECK(probe(pool, 0, 4, true) == STATUS_SUCCESS); /* nothing is nobody's */
    ft_buffer_destroy(user);
    ExFreePoolWithTag(pool, TAG);
}

static void probes_take_user_memory_only(void **state)
{
    (void)state;
    wb_body(body_probes, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_PROBE), 11);
    assert_int_equal(wb_event(FT_EV_PROBE, 2)->arg[0], 1);
    assert_int_equal(wb_event(FT_EV_PROBE, 3)->arg[1], (uint32_t)STATUS_DATATYPE_MISALIGNMENT);
}

static void body_secure(void)
{
    uint8_t *pool = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);
    uint8_t *user = ft_buffer_create(BYTES, 0, 1, true);
    HANDLE handle = MmSecureVirtualMemory(user, BYTES, PAGE_READWRITE);

    CHECK(handle != NULL);
    MmUnsecureVirtualMemory(handle);
    CHECK(MmSecureVirtualMemory(pool, 64, PAGE_READONLY) == NULL);
    CHECK(MmSecureVirtualMemory(user, BYTES, PAGE_NOACCESS) == NULL);
    CHECK(MmSecureVirtualMemory(user, 0, PAGE_READONLY) == NULL);
    ft_buffer_destroy(user);
    ExFreePoolWithTag(pool, TAG);
    MmUnsecureVirtualMemory(handle);
    wb_note("never");
}

static void securing_gives_a_handle_that_is_given_back_once(void **state)
{
    (void)state;
    wb_body(body_secure, FT_STOP_BUGCHECK);
    assert_string_equal(wb_notes(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_translate_there_and_back),
        cmocka_unit_test(probes_take_user_memory_only),
        cmocka_unit_test(securing_gives_a_handle_that_is_given_back_once),
    };

    return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
