/* Windows of MmMapIoSpace and its relatives, and the register routines in all widths. */
#include "bench_driver.h"
#include "dma/frames.h"
#include "world/machine.h"

#include <ntddk.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static PHYSICAL_ADDRESS bar(void)
{
    return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)FT_BAR_PHYSICAL_BASE};
}

static void body_forms(void)
{
    static const ULONG wrong[] = {0, PAGE_NOACCESS, PAGE_READONLY | PAGE_READWRITE,
                                  PAGE_READWRITE | PAGE_NOCACHE | PAGE_WRITECOMBINE};
    void *plain = MmMapIoSpace(bar(), 64, MmNonCached);
    void *protected = MmMapIoSpaceEx(bar(), 64, PAGE_READWRITE | PAGE_NOCACHE);
    void *video = MmMapVideoDisplay(bar(), 64, MmWriteCombined);

    CHECK(plain && protected && video && plain != protected && protected != video);
    for (unsigned i = 0; i < 4; i++)
        CHECK(MmMapIoSpaceEx(bar(), 64, wrong[i]) == NULL);
    MmUnmapVideoDisplay(video, 64);
    MmUnmapIoSpace(protected, 64);
    MmUnmapIoSpace(plain, 64);
}

static void every_form_maps_and_unmaps(void **state)
{
    (void)state;
    wb_body(body_forms, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_MAP_IO), 7);
    assert_int_equal(wb_event(FT_EV_MAP_IO, 4)->arg[2], 0);
    assert_int_equal(wb_count(FT_EV_UNMAP_IO), 3);
}

static void body_twice(void)
{
    void *window = MmMapIoSpace(bar(), 64, MmNonCached);

    MmUnmapIoSpace(window, 64);
    MmUnmapIoSpace(window, 64);
}

static void unmapping_twice_is_bug_check_da(void **state)
{
    (void)state;
    wb_body(body_twice, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xDA);
}

static void body_widths(void)
{
    PUCHAR scratch = the_driver.registers + WB_REG_SCRATCH;
    ULONG words[2] = {0};
    ULONG64 wide[1] = {5};
    UCHAR bytes[2] = {0x61, 0x62};
    USHORT halves[1] = {0x7172};

    WRITE_REGISTER_ULONG64((PULONG64)scratch, 0x1122334455667788);
    CHECK(READ_REGISTER_ULONG64((PULONG64)scratch) == 0x55667788); /* the bench keeps 32 bits */
    WRITE_REGISTER_UCHAR(scratch, 0xFE);
    CHECK(READ_REGISTER_UCHAR(scratch) == 0xFE && READ_REGISTER_USHORT((PUSHORT)scratch) == 0xFE);
    WRITE_REGISTER_USHORT((PUSHORT)scratch, 0x8182);
    CHECK(READ_REGISTER_USHORT((PUSHORT)scratch) == 0x8182);
    WRITE_REGISTER_ULONG((PULONG)scratch, 0x91929394);
    CHECK(READ_REGISTER_ULONG((PULONG)scratch) == 0x91929394);
    WRITE_REGISTER_BUFFER_UCHAR(scratch, bytes, 1);
    READ_REGISTER_BUFFER_ULONG((PULONG)scratch, words, 2);
    CHECK(words[0] == 0x61 && words[1] == 0); /* the second is the next register */
    WRITE_REGISTER_BUFFER_USHORT((PUSHORT)scratch, halves, 1);
    READ_REGISTER_BUFFER_USHORT((PUSHORT)scratch, halves, 1);
    CHECK(halves[0] == 0x7172);
    WRITE_REGISTER_BUFFER_ULONG64((PULONG64)scratch, wide, 1);
    READ_REGISTER_BUFFER_ULONG64((PULONG64)scratch, wide, 1);
    WRITE_REGISTER_BUFFER_ULONG((PULONG)scratch, words, 1);
    READ_REGISTER_BUFFER_UCHAR(scratch, bytes, 1);
    CHECK(wide[0] == 5 && bytes[0] == 0x61);
}

static void registers_are_read_and_written_in_every_width(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){.started = body_widths}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_maps_and_unmaps),
        cmocka_unit_test(unmapping_twice_is_bug_check_da),
        cmocka_unit_test(registers_are_read_and_written_in_every_width),
    };

    return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
