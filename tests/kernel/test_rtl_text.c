/* Counted strings, conversions, integers and GUIDs as text. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static UNICODE_STRING wide(const WCHAR *text)
{
    UNICODE_STRING string;

    RtlInitUnicodeString(&string, text);
    return string;
}

static bool is(const UNICODE_STRING *string, const WCHAR *text)
{
    return string->Length == ft_wcslen(text) * sizeof(WCHAR) &&
           memcmp(string->Buffer, text, string->Length) == 0;
}

/* A string with room for that many characters. */
static UNICODE_STRING room(WCHAR *buffer, unsigned count)
{
    return (UNICODE_STRING){.MaximumLength = (USHORT)(count * sizeof(WCHAR)), .Buffer = buffer};
}

static void strings_are_initialised_with_their_length(void **state)
{
    STRING narrow;
    UNICODE_STRING string = wide(L"abc");

    (void)state;
    assert_int_equal(string.Length, 6);
    assert_int_equal(string.MaximumLength, 8);
    RtlInitUnicodeString(&string, NULL);
    assert_int_equal(string.MaximumLength, 0);
    RtlInitString(&narrow, "abcd");
    assert_int_equal(narrow.Length, 4);
    assert_int_equal(narrow.MaximumLength, 5);
    RtlInitAnsiString(&narrow, NULL);
    assert_null(narrow.Buffer);
}

static void copies_are_cut_and_appends_refused(void **state)
{
    WCHAR buffer[4];
    CHAR bytes[2];
    UNICODE_STRING to = room(buffer, 4), from = wide(L"abcdef"), tail = wide(L"y");
    STRING narrow = {.MaximumLength = 2, .Buffer = bytes}, source;

    (void)state;
    RtlCopyUnicodeString(&to, &from);
    assert_true(is(&to, L"abcd"));
    assert_int_equal(RtlAppendUnicodeStringToString(&to, &tail), STATUS_BUFFER_TOO_SMALL);
    RtlCopyUnicodeString(&to, NULL);
    assert_int_equal(to.Length, 0);
    assert_int_equal(RtlAppendUnicodeToString(&to, L"xz"), STATUS_SUCCESS);
    assert_int_equal(RtlAppendUnicodeStringToString(&to, &tail), STATUS_SUCCESS);
    assert_true(is(&to, L"xzy"));
    assert_int_equal(buffer[3], 0); /* there was room for a terminator */
    assert_int_equal(RtlAppendUnicodeToString(&to, NULL), STATUS_SUCCESS);
    RtlInitString(&source, "abc");
    RtlCopyString(&narrow, &source);
    assert_int_equal(narrow.Length, 2);
    assert_memory_equal(bytes, "ab", 2);
}

static void comparing_folds_letters_when_asked(void **state)
{
    UNICODE_STRING a = wide(L"Path\u00e4"), b = wide(L"pATH\u00c4"), longer = wide(L"path\u00e4s");
    STRING left, right;

    (void)state;
    assert_true(RtlEqualUnicodeString(&a, &b, TRUE));
    assert_false(RtlEqualUnicodeString(&a, &b, FALSE));
    assert_true(RtlCompareUnicodeString(&a, &b, FALSE) < 0);
    assert_true(RtlCompareUnicodeString(&longer, &a, TRUE) > 0);
    assert_true(RtlPrefixUnicodeString(&a, &longer, TRUE));
    assert_false(RtlPrefixUnicodeString(&a, &longer, FALSE));
    assert_false(RtlPrefixUnicodeString(&longer, &a, TRUE));
    RtlInitString(&left, "abc");
    RtlInitString(&right, "ABD");
    assert_true(RtlCompareString(&left, &right, TRUE) < 0);
    assert_true(RtlCompareString(&left, &right, FALSE) > 0);
    assert_false(RtlEqualString(&left, &right, TRUE));
    assert_int_equal(RtlUpcaseUnicodeChar(L'q'), L'Q');
    assert_int_equal(RtlDowncaseUnicodeChar(L'Q'), L'q');
    assert_int_equal(RtlUpperChar('z'), 'Z');
}

static void hashes_are_those_of_x65599(void **state)
{
    UNICODE_STRING a = wide(L"ab"), b = wide(L"AB");
    ULONG first, second;

    (void)state;
    assert_int_equal(RtlHashUnicodeString(&a, FALSE, 1, &first), STATUS_SUCCESS);
    assert_int_equal(first, 'a' * 65599u + 'b');
    assert_int_equal(RtlHashUnicodeString(&a, TRUE, 0, &first), STATUS_SUCCESS);
    assert_int_equal(RtlHashUnicodeString(&b, FALSE, 0, &second), STATUS_SUCCESS);
    assert_int_equal(first, second);
    assert_int_equal(RtlHashUnicodeString(&a, FALSE, 7, &first), STATUS_INVALID_PARAMETER);
}

static void body_conversions(void)
{
    UNICODE_STRING from = wide(L"a\u20acb"), to, upper;
    ANSI_STRING ansi, small = {.MaximumLength = 3, .Buffer = (CHAR[3]){0}};
    WCHAR buffer[2];

    CHECK(RtlUnicodeStringToAnsiSize(&from) == 4);
    CHECK(RtlUnicodeStringToAnsiString(&ansi, &from, TRUE) == STATUS_SUCCESS);
    CHECK(ansi.Length == 3 && strcmp(ansi.Buffer, "a?b") == 0);
    CHECK(RtlUnicodeStringToAnsiString(&small, &from, FALSE) == STATUS_BUFFER_OVERFLOW);
    CHECK(small.Length == 2 && strcmp(small.Buffer, "a?") == 0);
    CHECK(RtlAnsiStringToUnicodeSize(&ansi) == 8);
    CHECK(RtlAnsiStringToUnicodeString(&to, &ansi, TRUE) == STATUS_SUCCESS && is(&to, L"a?b"));
    CHECK(RtlUpcaseUnicodeString(&upper, &to, TRUE) == STATUS_SUCCESS && is(&upper, L"A?B"));
    RtlFreeUnicodeString(&upper);
    RtlFreeUnicodeString(&to);
    CHECK(to.Buffer == NULL);
    to = room(buffer, 2);
    CHECK(RtlAnsiStringToUnicodeString(&to, &ansi, FALSE) == STATUS_BUFFER_OVERFLOW);
    CHECK(RtlUpcaseUnicodeString(&to, &from, FALSE) == STATUS_BUFFER_OVERFLOW);
    RtlFreeAnsiString(&ansi);
    CHECK(FT_M->pool_blocks == 0);
}

static void strings_convert_and_are_freed(void **state)
{
    (void)state;
    wb_body(body_conversions, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_POOL_ALLOC), 3);
    assert_int_equal(wb_count(FT_EV_POOL_FREE), 3);
}

static void utf8_goes_there_and_back(void **state)
{
    static const WCHAR text[] = {'a', 0xE4, 0x20AC, 0xD83D, 0xDE00};
    static const char utf8[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
    CHAR bytes[16];
    WCHAR back[8];
    ULONG size;

    (void)state;
    assert_int_equal(RtlUnicodeToUTF8N(NULL, 0, &size, text, sizeof text), STATUS_SUCCESS);
    assert_int_equal(size, sizeof utf8 - 1);
    assert_int_equal(RtlUnicodeToUTF8N(bytes, sizeof bytes, &size, text, sizeof text),
                     STATUS_SUCCESS);
    assert_memory_equal(bytes, utf8, size);
    assert_int_equal(RtlUTF8ToUnicodeN(back, sizeof back, &size, utf8, sizeof utf8 - 1),
                     STATUS_SUCCESS);
    assert_int_equal(size, sizeof text);
    assert_memory_equal(back, text, sizeof text);
    assert_int_equal(RtlUnicodeToUTF8N(bytes, 4, &size, text, sizeof text),
                     STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(size, 3); /* whole characters */
    assert_int_equal(RtlUTF8ToUnicodeN(back, 2, &size, utf8, sizeof utf8 - 1),
                     STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlUnicodeToUTF8N(NULL, 0, NULL, text, 2), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlUTF8ToUnicodeN(back, 2, &size, NULL, 2), STATUS_INVALID_PARAMETER_4);
}

static void broken_text_is_replaced(void **state)
{
    static const WCHAR lone[] = {0xDC00};
    static const char *const broken[] = {"\x80", "\xC0\x80", "\xE2\x82", "\xED\xA0\x80",
                                         "\xF5\x80\x80\x80"};
    CHAR bytes[4];
    WCHAR back[8];
    ULONG size;

    (void)state;
    assert_int_equal(RtlUnicodeToUTF8N(bytes, 4, &size, lone, 2), STATUS_SOME_NOT_MAPPED);
    assert_memory_equal(bytes, "\xEF\xBF\xBD", 3);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(
            RtlUTF8ToUnicodeN(back, sizeof back, &size, broken[i], (ULONG)strlen(broken[i])),
            STATUS_SOME_NOT_MAPPED);
        assert_int_equal(back[0], 0xFFFD);
    }
}

static void numbers_become_text(void **state)
{
    WCHAR buffer[65];
    UNICODE_STRING to = room(buffer, 65), tiny = room(buffer, 2);

    (void)state;
    assert_int_equal(RtlIntegerToUnicodeString(48879, 16, &to), STATUS_SUCCESS);
    assert_true(is(&to, L"BEEF"));
    assert_int_equal(RtlIntegerToUnicodeString(0, 0, &to), STATUS_SUCCESS);
    assert_true(is(&to, L"0"));
    assert_int_equal(RtlInt64ToUnicodeString(UINT64_MAX, 10, &to), STATUS_SUCCESS);
    assert_true(is(&to, L"18446744073709551615"));
    assert_int_equal(RtlInt64ToUnicodeString(UINT64_MAX, 2, &to), STATUS_SUCCESS);
    assert_int_equal(to.Length, 128);
    assert_int_equal(RtlIntegerToUnicodeString(100, 10, &tiny), STATUS_BUFFER_OVERFLOW);
    assert_int_equal(RtlIntegerToUnicodeString(1, 7, &to), STATUS_INVALID_PARAMETER);
}

static ULONG value_of(const WCHAR *text, ULONG base)
{
    UNICODE_STRING string = wide(text);
    ULONG value = 0;

    assert_int_equal(RtlUnicodeStringToInteger(&string, base, &value), STATUS_SUCCESS);
    return value;
}

static void text_becomes_numbers(void **state)
{
    UNICODE_STRING string = wide(L"1");
    ULONG value;

    (void)state;
    assert_int_equal(value_of(L" \t42x", 0), 42);
    assert_int_equal(value_of(L"0xfF", 0), 255);
    assert_int_equal(value_of(L"0b101", 0), 5);
    assert_int_equal(value_of(L"0o17", 0), 15);
    assert_int_equal(value_of(L"-1", 10), 0xFFFFFFFF);
    assert_int_equal(value_of(L"+ff", 16), 255);
    assert_int_equal(value_of(L"nothing", 10), 0);
    assert_int_equal(RtlUnicodeStringToInteger(&string, 3, &value), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCharToInteger("0x10", 0, &value), STATUS_SUCCESS);
    assert_int_equal(value, 16);
}

static void body_guids(void)
{
    static const GUID guid = {
        0x01234567, 0x89AB, 0xCDEF, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}};
    UNICODE_STRING text;
    GUID back, other;

    CHECK(RtlStringFromGUID(&guid, &text) == STATUS_SUCCESS);
    CHECK(is(&text, L"{01234567-89AB-CDEF-0123-456789ABCDEF}"));
    CHECK(RtlGUIDFromString(&text, &back) == STATUS_SUCCESS);
    CHECK(memcmp(&back, &guid, sizeof guid) == 0);
    text.Buffer[9] = 'x';
    CHECK(RtlGUIDFromString(&text, &back) == STATUS_INVALID_PARAMETER);
    text.Length -= 2;
    CHECK(RtlGUIDFromString(&text, &back) == STATUS_INVALID_PARAMETER);
    RtlFreeUnicodeString(&text);
    CHECK(ExUuidCreate(&back) == STATUS_SUCCESS && ExUuidCreate(&other) == STATUS_SUCCESS);
    CHECK(back.Data1 == 1 && other.Data1 == 2);
}

static void guids_go_there_and_back(void **state)
{
    (void)state;
    wb_body(body_guids, FT_STOP_NONE);
}

static void random_numbers_are_of_their_seed(void **state)
{
    ULONG seed = 1, again = 1;

    (void)state;
    assert_int_equal(RtlRandomEx(&seed), RtlRandom(&again));
    assert_int_equal(seed, again);
    assert_int_not_equal(RtlRandomEx(&seed), again);
    assert_true(seed < 0x7FFFFFFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_initialised_with_their_length),
        cmocka_unit_test(copies_are_cut_and_appends_refused),
        cmocka_unit_test(comparing_folds_letters_when_asked),
        cmocka_unit_test(hashes_are_those_of_x65599),
        cmocka_unit_test(strings_convert_and_are_freed),
        cmocka_unit_test(utf8_goes_there_and_back),
        cmocka_unit_test(broken_text_is_replaced),
        cmocka_unit_test(numbers_become_text),
        cmocka_unit_test(text_becomes_numbers),
        cmocka_unit_test(guids_go_there_and_back),
        cmocka_unit_test(random_numbers_are_of_their_seed),
    };

    return cmocka_run_group_tests_name("rtl-text", tests, NULL, NULL);
}
