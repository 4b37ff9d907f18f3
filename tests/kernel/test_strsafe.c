/* ntstrsafe.h: copies, appends and formats that stay inside their buffer and say when they cut. */
#include "bench_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <ntstrsafe.h>
#include <cmocka.h>

enum { ROOM = 8, TOO_MUCH = 0x7FFFFFFF };

static char a[ROOM];
static WCHAR w[ROOM];

static bool is_a(const char *text)
{
    return strcmp(a, text) == 0;
}

static bool is_w(const WCHAR *text)
{
    size_t i = 0;

    while (w[i] == text[i] && text[i] != 0)
        i++;
    return w[i] == text[i];
}

/* ---- copies ---- */

static void body_copies(void)
{
    CHECK(RtlStringCbCopyA(a, ROOM, "seven..") == STATUS_SUCCESS && is_a("seven.."));
    CHECK(RtlStringCchCopyA(a, 4, "seven") == STATUS_BUFFER_OVERFLOW && is_a("sev"));
    CHECK(RtlStringCbCopyNA(a, ROOM, "seven", 2) == STATUS_SUCCESS && is_a("se"));
    CHECK(RtlStringCchCopyNA(a, 3, "seven", 4) == STATUS_BUFFER_OVERFLOW && is_a("se"));
    CHECK(RtlStringCbCopyA(a, 0, "x") == STATUS_INVALID_PARAMETER && is_a("se"));
    CHECK(RtlStringCchCopyA(a, (size_t)TOO_MUCH + 1, "x") == STATUS_INVALID_PARAMETER);
    CHECK(RtlStringCbCopyW(w, sizeof w, L"seven..") == STATUS_SUCCESS && is_w(L"seven.."));
    CHECK(RtlStringCbCopyW(w, 7, L"seven") == STATUS_BUFFER_OVERFLOW && is_w(L"se"));
    CHECK(RtlStringCchCopyW(w, 4, L"seven") == STATUS_BUFFER_OVERFLOW && is_w(L"sev"));
    CHECK(RtlStringCbCopyNW(w, sizeof w, L"seven", 4) == STATUS_SUCCESS && is_w(L"se"));
    CHECK(RtlStringCchCopyNW(w, ROOM, L"seven", 9) == STATUS_SUCCESS && is_w(L"seven"));
    CHECK(RtlStringCbCopyW(w, 1, L"x") == STATUS_INVALID_PARAMETER); /* no whole character */
    wb_note("done");
}

static void body_appends(void)
{
    CHECK(RtlStringCbCopyA(a, ROOM, "one") == STATUS_SUCCESS);
    CHECK(RtlStringCbCatA(a, ROOM, "two") == STATUS_SUCCESS && is_a("onetwo"));
    CHECK(RtlStringCchCatA(a, ROOM, "three") == STATUS_BUFFER_OVERFLOW && is_a("onetwot"));
    CHECK(RtlStringCchCatA(a, 4, "x") == STATUS_INVALID_PARAMETER); /* no terminator in there */
    CHECK(RtlStringCbCopyA(a, ROOM, "one") == STATUS_SUCCESS);
    CHECK(RtlStringCbCatNA(a, ROOM, "two", 1) == STATUS_SUCCESS && is_a("onet"));
    CHECK(RtlStringCchCatNA(a, 5, "two", 1) == STATUS_BUFFER_OVERFLOW && is_a("onet"));
    CHECK(RtlStringCbCopyW(w, sizeof w, L"one") == STATUS_SUCCESS);
    CHECK(RtlStringCbCatW(w, sizeof w, L"two") == STATUS_SUCCESS && is_w(L"onetwo"));
    CHECK(RtlStringCchCatW(w, ROOM, L"three") == STATUS_BUFFER_OVERFLOW && is_w(L"onetwot"));
    CHECK(RtlStringCchCatW(w, 4, L"x") == STATUS_INVALID_PARAMETER);
    CHECK(RtlStringCchCopyW(w, ROOM, L"one") == STATUS_SUCCESS);
    CHECK(RtlStringCbCatNW(w, sizeof w, L"two", 2) == STATUS_SUCCESS && is_w(L"onet"));
    CHECK(RtlStringCchCatNW(w, ROOM, L"two", 2) == STATUS_SUCCESS && is_w(L"onettw"));
    wb_note("done");
}

static void body_lengths(void)
{
    size_t n = 99;

    CHECK(RtlStringCchLengthA("four", 5, &n) == STATUS_SUCCESS && n == 4);
    CHECK(RtlStringCbLengthA("four", 4, &n) == STATUS_INVALID_PARAMETER && n == 0);
    CHECK(RtlStringCchLengthA(NULL, 5, NULL) == STATUS_INVALID_PARAMETER);
    CHECK(RtlStringCchLengthW(L"four", 5, &n) == STATUS_SUCCESS && n == 4);
    CHECK(RtlStringCbLengthW(L"four", 10, &n) == STATUS_SUCCESS && n == 8);
    CHECK(RtlStringCbLengthW(L"four", 9, &n) == STATUS_INVALID_PARAMETER && n == 0);
    CHECK(RtlStringCchLengthW(L"four", (size_t)TOO_MUCH + 1, &n) == STATUS_INVALID_PARAMETER);
    wb_note("done");
}

static void text_is_copied_appended_and_measured_within_its_buffer(void **state)
{
    (void)state;
    wb_body(body_copies, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
    wb_body(body_appends, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
    wb_body(body_lengths, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
}

/* ---- counted strings ---- */

static void body_counted(void)
{
    WCHAR buffer[4];
    char narrow[4];
    UNICODE_STRING text, source = RTL_CONSTANT_STRING(L"abcdef");
    ANSI_STRING ansi;

    CHECK(RtlUnicodeStringInit(&text, NULL) == STATUS_SUCCESS && text.Buffer == NULL);
    CHECK(RtlUnicodeStringInit(&text, L"ab") == STATUS_SUCCESS && text.Length == 4);
    CHECK(text.MaximumLength == 6);
    RtlInitEmptyAnsiString(&ansi, narrow, sizeof narrow);
    CHECK(ansi.Length == 0 && ansi.MaximumLength == 4 && ansi.Buffer == narrow);
    RtlInitEmptyUnicodeString(&text, buffer, sizeof buffer);
    CHECK(text.Length == 0 && text.MaximumLength == sizeof buffer);
    CHECK(RtlUnicodeStringCopyString(&text, L"ab") == STATUS_SUCCESS && text.Length == 4);
    CHECK(RtlUnicodeStringCatString(&text, L"cd") == STATUS_SUCCESS && buffer[3] == 'd');
    CHECK(RtlUnicodeStringCatString(&text, L"e") == STATUS_BUFFER_OVERFLOW && text.Length == 8);
    CHECK(RtlUnicodeStringCopyString(&text, L"abcde") == STATUS_BUFFER_OVERFLOW);
    CHECK(RtlUnicodeStringCopy(&text, &source) == STATUS_BUFFER_OVERFLOW && text.Length == 8);
    source.Length = 6;
    CHECK(RtlUnicodeStringCopy(&text, &source) == STATUS_SUCCESS && text.Length == 6);
    text.Length = text.MaximumLength + 2;
    CHECK(RtlUnicodeStringCatString(&text, L"e") == STATUS_INVALID_PARAMETER);
    CHECK(RtlStringCbCopyUnicodeString(w, sizeof w, &source) == STATUS_SUCCESS && is_w(L"abc"));
    CHECK(RtlStringCchCopyUnicodeString(w, 3, &source) == STATUS_BUFFER_OVERFLOW && is_w(L"ab"));
    wb_note("done");
}

static void counted_strings_need_no_terminator(void **state)
{
    (void)state;
    wb_body(body_counted, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
}

/* ---- formats ---- */

enum form { CB_A, CCH_A, CB_W, CCH_W, COUNTED };

static UNICODE_STRING counted;

/* `size` in the unit of the form; the wide forms have the same format, widened. */
static NTSTATUS format(enum form form, size_t size, ...)
{
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    va_list list;

    va_start(list, size);
    if (form == CB_A)
        status = RtlStringCbVPrintfA(a, size, "%d-%s", list);
    if (form == CCH_A)
        status = RtlStringCchVPrintfA(a, size, "%d-%s", list);
    if (form == CB_W)
        status = RtlStringCbVPrintfW(w, size, L"%d-%S", list);
    if (form == CCH_W)
        status = RtlStringCchVPrintfW(w, size, L"%d-%S", list);
    if (form == COUNTED)
        status = RtlUnicodeStringVPrintf(&counted, L"%d-%S", list);
    va_end(list);
    return status;
}

static void body_formats(void)
{
    CHECK(format(CB_A, ROOM, 12, "abcd") == STATUS_SUCCESS && is_a("12-abcd"));
    CHECK(format(CCH_A, 4, 12, "abcd") == STATUS_BUFFER_OVERFLOW && is_a("12-"));
    CHECK(format(CB_W, sizeof w, 12, "abcd") == STATUS_SUCCESS && is_w(L"12-abcd"));
    CHECK(format(CB_W, 6, 12, "abcd") == STATUS_BUFFER_OVERFLOW && is_w(L"12"));
    CHECK(format(CCH_W, 4, 12, "abcd") == STATUS_BUFFER_OVERFLOW && is_w(L"12-"));
    for (enum form form = CB_A; form <= CCH_W; form++) {
        CHECK(format(form, 0, 1, "x") == STATUS_INVALID_PARAMETER);
        CHECK(format(form, 2 * ((size_t)TOO_MUCH + 1), 1, "x") == STATUS_INVALID_PARAMETER);
    }
    counted = (UNICODE_STRING){.MaximumLength = 8, .Buffer = w};
    CHECK(format(COUNTED, 0, 1, "bc") == STATUS_SUCCESS && counted.Length == 8);
    CHECK(format(COUNTED, 0, 1, "bcd") == STATUS_BUFFER_OVERFLOW && counted.Length == 8);
    counted.MaximumLength = 7;
    CHECK(format(COUNTED, 0, 1, "b") == STATUS_INVALID_PARAMETER);
    counted = (UNICODE_STRING){0};
    CHECK(format(COUNTED, 0, 1, "b") == STATUS_BUFFER_OVERFLOW);
    counted.MaximumLength = 2; /* room, but no buffer */
    CHECK(format(COUNTED, 0, 1, "b") == STATUS_INVALID_PARAMETER);
    wb_note("done");
}

static void formats_with_an_argument_list_are_cut_and_terminated(void **state)
{
    (void)state;
    wb_body(body_formats, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_copied_appended_and_measured_within_its_buffer),
        cmocka_unit_test(counted_strings_need_no_terminator),
        cmocka_unit_test(formats_with_an_argument_list_are_cut_and_terminated),
    };

    return cmocka_run_group_tests_name("ntstrsafe", tests, NULL, NULL);
}
