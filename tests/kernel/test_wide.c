/* The wcs* routines for 16-bit wide characters: as the C library's, but for the width. */
#include "bench_driver.h"

#include <ntddk.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static bool is(const WCHAR *a, const WCHAR *b)
{
    return wcscmp(a, b) == 0;
}

static void comparing(void **state)
{
    (void)state;
    assert_int_equal(wcslen(L""), 0);
    assert_int_equal(wcslen(L"wide"), 4);
    assert_int_equal(wcsnlen(L"wide", 2), 2);
    assert_int_equal(wcsnlen(L"wide", 9), 4);
    assert_int_equal(wcscmp(L"a", L"a"), 0);
    assert_true(wcscmp(L"a", L"b") < 0 && wcscmp(L"b", L"a") > 0 && wcscmp(L"a", L"") > 0);
    assert_int_equal(wcsncmp(L"abc", L"abd", 2), 0);
    assert_true(wcsncmp(L"abc", L"abd", 3) < 0);
    assert_int_equal(wcsncmp(L"ab", L"ab", 9), 0); /* ends with the terminator */
    assert_int_equal(_wcsicmp(L"PCI\\ven_8086", L"pci\\VEN_8086"), 0);
    assert_true(_wcsicmp(L"b", L"A") > 0 && _wcsicmp(L"A", L"b") < 0);
    assert_int_equal(_wcsnicmp(L"ABx", L"aby", 2), 0);
    assert_int_equal(_wcsnicmp(L"AB", L"ab", 9), 0);
    assert_int_equal(_wcsicmp(L"\xC4", L"\xE4"), 0); /* Latin-1 */
    assert_true(_wcsicmp(L"\xD7", L"\xF7") < 0);     /* times and divide are no letters */
    assert_int_equal(towupper(L'z'), L'Z');
    assert_int_equal(towupper(0xE4), 0xC4);
    assert_int_equal(towupper(0xF7), 0xF7);
    assert_int_equal(towupper(L'1'), L'1');
}

static void copying(void **state)
{
    WCHAR to[8] = L"xxxxxxx";

    (void)state;
    assert_ptr_equal(wcscpy(to, L"ab"), to);
    assert_true(is(to, L"ab") && to[3] == L'x');
    assert_ptr_equal(wcscat(to, L"cd"), to);
    assert_true(is(to, L"abcd"));
    assert_true(is(wcsncat(to, L"efgh", 2), L"abcdef"));
    assert_true(is(wcsncat(to, L"g", 5), L"abcdefg"));
    assert_ptr_equal(wcsncpy(to, L"xy", 4), to);
    assert_true(to[0] == L'x' && to[2] == 0 && to[3] == 0 && to[4] == L'e'); /* filled up */
    wcsncpy(to, L"abcdef", 2);
    assert_true(to[0] == L'a' && to[1] == L'b' && to[2] == 0 && to[4] == L'e'); /* no terminator */
}

static void searching(void **state)
{
    static const WCHAR path[] = L"\\Device\\Device0";

    (void)state;
    assert_ptr_equal(wcschr(path, L'D'), path + 1);
    assert_ptr_equal(wcsrchr(path, L'D'), path + 8);
    assert_null(wcschr(path, L'x'));
    assert_null(wcsrchr(path, L'x'));
    assert_ptr_equal(wcschr(path, 0), path + 15); /* the terminator is one of them */
    assert_ptr_equal(wcsrchr(path, 0), path + 15);
    assert_ptr_equal(wcsstr(path, L"Device0"), path + 8);
    assert_ptr_equal(wcsstr(path, L""), path);
    assert_null(wcsstr(path, L"Device1"));
}

static void scanning(void **state)
{
    ULONG a = 9, b = 9;
    USHORT half = 9;
    UCHAR byte = 9;
    ULONGLONG large = 9;
    LONG number = 9;

    (void)state;
    assert_int_equal(swscanf_s(L"PCI\\VEN_80aF&DEV_12", L"PCI\\VEN_%x&DEV_%X", &a, &b), 2);
    assert_true(a == 0x80AF && b == 0x12);
    assert_int_equal(swscanf_s(L"  -17 +4", L"%d %u", &number, &a), 2);
    assert_true(number == -17 && a == 4);
    assert_int_equal(swscanf_s(L"0x1F 017 19", L"%i%i%i", &a, &b, &number), 3);
    assert_true(a == 0x1F && b == 15 && number == 19);
    assert_int_equal(swscanf_s(L"300 70000", L"%hhu %hu", &byte, &half), 2);
    assert_true(byte == (UCHAR)300 && half == (USHORT)70000);
    assert_int_equal(swscanf_s(L"5000000000", L"%llu", &large), 1);
    assert_true(large == 5000000000u);
    assert_int_equal(swscanf_s(L"6000000000 7", L"%I64u %lu", &large, &a), 2);
    assert_true(large == 6000000000u && a == 7);
    assert_int_equal(swscanf_s(L"12345", L"%2u%*1u%u", &a, &b), 2); /* width, and one left out */
    assert_true(a == 12 && b == 45);
    assert_int_equal(swscanf_s(L"7%8", L"%u%%%u", &a, &b), 2);
    assert_true(a == 7 && b == 8);
}

static void what_does_not_fit_stops_the_scan(void **state)
{
    ULONG a = 9, b = 9;

    (void)state;
    assert_int_equal(swscanf_s(L"", L"%u", &a), -1);
    assert_int_equal(swscanf_s(L"x", L"%u", &a), 0);
    assert_int_equal(swscanf_s(L"1,2", L"%u;%u", &a, &b), 1);
    assert_true(a == 1 && b == 9);
    assert_int_equal(swscanf_s(L"5", L"%u%u", &a, &b), 1);
    assert_int_equal(swscanf_s(L"5 6", L"%u%s", &a, &b), 1); /* no such conversion here */
    assert_int_equal(b, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),
        cmocka_unit_test(copying),
        cmocka_unit_test(searching),
        cmocka_unit_test(scanning),
        cmocka_unit_test(what_does_not_fit_stops_the_scan),
    };

    return cmocka_run_group_tests_name("wide", tests, NULL, NULL);
}
