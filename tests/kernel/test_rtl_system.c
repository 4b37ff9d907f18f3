/* Bit maps, calendar time, versions, and what a driver asks about its caller and processor. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* ---- bit maps ---- */

static void runs_of_bits_are_found_from_the_hint_round(void **state)
{
    ULONG words[2] = {0};
    RTL_BITMAP map;

    (void)state;
    RtlInitializeBitMap(&map, words, 40);
    RtlSetBits(&map, 4, 32);
    assert_int_equal(RtlFindClearBits(&map, 4, 0), 0);
    assert_int_equal(RtlFindClearBits(&map, 4, 1), 36);
    assert_int_equal(RtlFindClearBits(&map, 4, 37), 0); /* round */
    assert_int_equal(RtlFindClearBits(&map, 5, 0), 0xFFFFFFFF);
    assert_int_equal(RtlFindSetBits(&map, 32, 39), 4);
    assert_int_equal(RtlFindSetBits(&map, 33, 0), 0xFFFFFFFF);
    assert_int_equal(RtlFindClearBits(&map, 0, 13), 8);
    assert_int_equal(RtlFindClearBitsAndSet(&map, 2, 0), 0);
    assert_int_equal(words[0] & 7, 3);
    assert_int_equal(RtlFindSetBitsAndClear(&map, 2, 30), 30);
    assert_false(RtlTestBit(&map, 31));
    assert_int_equal(RtlNumberOfSetBits(&map), 32);
    assert_int_equal(RtlNumberOfClearBits(&map), 8);
}

static void single_bits_and_ranges_are_tested(void **state)
{
    ULONG words[2];
    RTL_BITMAP map;

    (void)state;
    RtlInitializeBitMap(&map, words, 40);
    RtlSetAllBits(&map);
    assert_true(RtlAreBitsSet(&map, 0, 40));
    assert_false(RtlAreBitsSet(&map, 0, 41));
    assert_false(RtlAreBitsSet(&map, 0, 0));
    RtlClearBit(&map, 33);
    assert_false(RtlAreBitsSet(&map, 30, 10));
    assert_true(RtlAreBitsClear(&map, 33, 1));
    RtlClearAllBits(&map);
    RtlSetBit(&map, 39);
    RtlClearBits(&map, 38, 2);
    assert_true(RtlAreBitsClear(&map, 0, 40));
    assert_int_equal(RtlFindLeastSignificantBit(0x50), 4);
    assert_int_equal(RtlFindMostSignificantBit(0x50), 6);
    assert_int_equal(RtlFindLeastSignificantBit(0), -1);
    assert_int_equal(RtlFindMostSignificantBit(1ULL << 63), 63);
}

/* ---- time ---- */

static void dates_go_there_and_back(void **state)
{
    static const TIME_FIELDS dates[] = {
        {1601, 1, 1, 0, 0, 0, 0, 1},       {1999, 12, 31, 23, 59, 59, 999, 5},
        {2000, 2, 29, 12, 30, 15, 500, 2}, {2001, 1, 1, 0, 0, 0, 1, 1},
        {2100, 3, 1, 1, 2, 3, 4, 1},       {2400, 12, 31, 6, 7, 8, 9, 0}};
    LARGE_INTEGER time;
    TIME_FIELDS back;

    (void)state;
    for (unsigned i = 0; i < sizeof dates / sizeof *dates; i++) {
        TIME_FIELDS date = dates[i];

        assert_true(RtlTimeFieldsToTime(&date, &time));
        RtlTimeToTimeFields(&time, &back);
        assert_memory_equal(&back, &dates[i], sizeof back);
    }
    /* The Unix epoch. */
    assert_true(RtlTimeFieldsToTime(&(TIME_FIELDS){.Year = 1970, .Month = 1, .Day = 1}, &time));
    assert_true(time.QuadPart == 116444736000000000);
}

static void dates_that_are_none_are_refused(void **state)
{
    static const TIME_FIELDS bad[] = {{1600, 1, 1, 0, 0, 0, 0, 0},    {2001, 2, 29, 0, 0, 0, 0, 0},
                                      {2001, 13, 1, 0, 0, 0, 0, 0},   {2001, 1, 1, 24, 0, 0, 0, 0},
                                      {2001, 1, 1, 0, 60, 0, 0, 0},   {2001, 1, 0, 0, 0, 0, 0, 0},
                                      {2001, 1, 1, 0, 0, 0, 1000, 0}, {2100, 2, 29, 0, 0, 0, 0, 0}};
    LARGE_INTEGER time;

    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        TIME_FIELDS date = bad[i];

        assert_false(RtlTimeFieldsToTime(&date, &time));
    }
}

static void local_time_is_system_time(void **state)
{
    LARGE_INTEGER system = {.QuadPart = 12345}, local, back;

    (void)state;
    ExSystemTimeToLocalTime(&system, &local);
    ExLocalTimeToSystemTime(&local, &back);
    assert_true(local.QuadPart == 12345 && back.QuadPart == 12345);
    assert_int_equal(ExSetTimerResolution(10000, TRUE), 10000);
    assert_int_equal(ExSetTimerResolution(1, TRUE), 5000);
    assert_int_equal(ExSetTimerResolution(0, FALSE), 156250);
}

/* ---- versions ---- */

static uint8_t windows;

static void describe(struct ft_description *description)
{
    description->windows = windows;
}

static bool verifies(ULONG major, ULONG minor, ULONG types, UCHAR condition)
{
    RTL_OSVERSIONINFOEXW wanted = {.dwMajorVersion = major, .dwMinorVersion = minor};
    ULONGLONG mask = VerSetConditionMask(0, VER_MAJORVERSION, condition);
    NTSTATUS status;

    mask = VerSetConditionMask(mask, VER_MINORVERSION, condition);
    status = RtlVerifyVersionInfo(&wanted, types, mask);
    CHECK(status == STATUS_SUCCESS || status == STATUS_REVISION_MISMATCH);
    return status == STATUS_SUCCESS;
}

static void body_seven(void)
{
    enum { BOTH = VER_MAJORVERSION | VER_MINORVERSION };
    RTL_OSVERSIONINFOEXW info = {.dwOSVersionInfoSize = sizeof info};
    ULONG major, minor, build;
    UNICODE_STRING pack;

    CHECK(RtlGetVersion((PRTL_OSVERSIONINFOW)&info) == STATUS_SUCCESS);
    CHECK(info.dwMajorVersion == 6 && info.dwMinorVersion == 1 && info.dwBuildNumber == 7601);
    CHECK(info.wProductType == 1);
    info.dwOSVersionInfoSize = 4;
    CHECK(RtlGetVersion((PRTL_OSVERSIONINFOW)&info) == STATUS_INVALID_PARAMETER);
    CHECK(PsGetVersion(&major, &minor, &build, &pack) == FALSE);
    CHECK(major == 6 && minor == 1 && build == 7601 && pack.Length == 0);
    CHECK(IoIsWdmVersionAvailable(1, 0x30) && IoIsWdmVersionAvailable(6, 0));
    CHECK(RtlIsNtDdiVersionAvailable(NTDDI_WIN7) && !RtlIsNtDdiVersionAvailable(NTDDI_WIN8));
    CHECK(!RtlIsNtDdiVersionAvailable(NTDDI_WIN6SP1)); /* a service pack is another's question */
    CHECK(verifies(6, 1, BOTH, VER_EQUAL) && !verifies(6, 2, BOTH, VER_GREATER_EQUAL));
    CHECK(verifies(5, 9, BOTH, VER_GREATER) && verifies(7, 0, BOTH, VER_LESS));
    CHECK(verifies(6, 1, VER_MAJORVERSION, VER_LESS_EQUAL));
    CHECK(RtlVerifyVersionInfo(&info, 0, 1) == STATUS_INVALID_PARAMETER);
}

static void body_xp(void)
{
    CHECK(IoIsWdmVersionAvailable(1, 0x20) && !IoIsWdmVersionAvailable(1, 0x30));
    CHECK(!IoIsWdmVersionAvailable(6, 0) && !RtlIsNtDdiVersionAvailable(NTDDI_VISTA));
}

static void the_description_says_the_version(void **state)
{
    (void)state;
    windows = 61;
    wb_run(&(struct wb_case){.body = body_seven, .describe = describe});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    windows = 51;
    wb_run(&(struct wb_case){.body = body_xp, .describe = describe});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* ---- caller and processor ---- */

static VOID ask_in_dpc(PKDPC dpc, PVOID context, PVOID a, PVOID b)
{
    (void)dpc, (void)context, (void)a, (void)b;
    wb_note(ExGetPreviousMode() == KernelMode ? "kernel" : "user");
}

static KDPC dpc;

static NTSTATUS ask(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    wb_note(ExGetPreviousMode() == UserMode ? "user" : "kernel");
    KeInitializeDpc(&dpc, ask_in_dpc, NULL);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void started(void)
{
    wb_note(ExGetPreviousMode() == KernelMode ? "kernel" : "user");
}

static void a_requesters_thread_comes_from_user_mode(void **state)
{
    static const struct ft_op read = {.kind = FT_OP_READ, .label = 1, .arg = {64, 0}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = ask, .started = started}, &read, 1);
    assert_non_null(strstr(wb_notes(), "kernel"));
    assert_non_null(strstr(wb_notes(), "user kernel"));
}

static void privileges_and_features(void **state)
{
    LUID privilege = {0};

    (void)state;
    assert_true(SeSinglePrivilegeCheck(privilege, KernelMode));
    assert_false(SeSinglePrivilegeCheck(privilege, UserMode));
    assert_true(ExIsProcessorFeaturePresent(10));
    assert_false(ExIsProcessorFeaturePresent(0));
    assert_false(ExIsProcessorFeaturePresent(40));
}

static void a_descriptor_gets_a_list(void **state)
{
    SECURITY_DESCRIPTOR descriptor;
    PACL list = (PACL)&descriptor;

    (void)state;
    assert_int_equal(RtlCreateSecurityDescriptor(&descriptor, 2), STATUS_UNKNOWN_REVISION);
    assert_int_equal(RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION),
                     STATUS_SUCCESS);
    assert_int_equal(RtlSetDaclSecurityDescriptor(&descriptor, TRUE, list, TRUE), STATUS_SUCCESS);
    assert_ptr_equal(descriptor.Dacl, list);
    assert_int_equal(descriptor.Control, SE_DACL_PRESENT | SE_DACL_DEFAULTED);
    assert_int_equal(RtlSetDaclSecurityDescriptor(&descriptor, FALSE, list, TRUE), STATUS_SUCCESS);
    assert_null(descriptor.Dacl);
    assert_int_equal(descriptor.Control, 0);
    descriptor.Control = SE_SELF_RELATIVE;
    assert_int_equal(RtlSetDaclSecurityDescriptor(&descriptor, TRUE, NULL, FALSE),
                     STATUS_INVALID_SECURITY_DESCR);
}

static void body_assert(void)
{
    RtlAssert("a == b", "file.c", 17, "look: ");
}

static void an_assertion_is_told(void **state)
{
    (void)state;
    wb_body(body_assert, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_ASSERT_FAILED)->arg[0], 17);
    assert_int_equal(wb_count(FT_EV_DBG_PRINT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_of_bits_are_found_from_the_hint_round),
        cmocka_unit_test(single_bits_and_ranges_are_tested),
        cmocka_unit_test(dates_go_there_and_back),
        cmocka_unit_test(dates_that_are_none_are_refused),
        cmocka_unit_test(local_time_is_system_time),
        cmocka_unit_test(the_description_says_the_version),
        cmocka_unit_test(a_requesters_thread_comes_from_user_mode),
        cmocka_unit_test(privileges_and_features),
        cmocka_unit_test(a_descriptor_gets_a_list),
        cmocka_unit_test(an_assertion_is_told),
    };

    return cmocka_run_group_tests_name("rtl-system", tests, NULL, NULL);
}
