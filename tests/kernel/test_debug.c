/* What a driver prints: formats as the kernel has them, handles for pointers, pieces of events. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <ntstrsafe.h>
#include <cmocka.h>

enum { PIECE = 48 };

/* The text of all dbg:print events of the run. */
static const char *printed(void)
{
    static char text[2048];
    size_t used = 0;

    for (unsigned n = 1; n <= wb_count(FT_EV_DBG_PRINT); n++) {
        const char *piece = (const char *)wb_event(FT_EV_DBG_PRINT, n)->arg;
        size_t bytes = strnlen(piece, PIECE);

        memcpy(text + used, piece, bytes);
        used += bytes;
    }
    text[used] = '\0';
    return text;
}

static void body_numbers(void)
{
    DbgPrint("%d %i %u %x %X %08lx %5d|%-4d| %lu %ld %hd %c %o 100%%", -5, 7, 4000000000u, 0xAB,
             0xAB, 0x1Fu, 42, 42, 4000000000u, -3, -9, 'c', 8);
}

static void numbers_print_as_windows_has_them(void **state)
{
    (void)state;
    wb_body(body_numbers, FT_STOP_NONE);
    assert_string_equal(printed(),
                        "-5 7 4000000000 ab AB 0000001f    42|42  | 4000000000 -3 -9 c 10 100%");
}

static void body_wide_numbers(void)
{
    DbgPrint("%I64x %llx %I64d %lld %I64u %I32u %Iu %d", 0x123456789ABCDEF0ull,
             0xFEDCBA9876543210ull, -1ll, -2ll, 1ull << 40, 6u, (SIZE_T)1 << 33, 5);
}

static void numbers_of_64_bits_keep_them(void **state)
{
    (void)state;
    wb_body(body_wide_numbers, FT_STOP_NONE);
    assert_string_equal(printed(), "123456789abcdef0 fedcba9876543210 -1 -2 1099511627776 6 "
                                   "8589934592 5");
}

static void body_pointers(void)
{
    static KEVENT event;
    void *block = ExAllocatePoolWithTag(NonPagedPoolNx, 8, 1);

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    DbgPrint("%p %p %p %p", block, (void *)&event, NULL, (void *)body_pointers);
}

static void pointers_print_as_handles(void **state)
{
    (void)state;
    wb_body(body_pointers, FT_STOP_NONE);
    assert_string_equal(printed(), "pool#1 event#1 NULL object#0");
}

static void body_strings(void)
{
    static WCHAR wide[] = {'w', 'i', 'd', 'e', 0};
    UNICODE_STRING counted = {6, 8, wide}; /* three characters of it */
    ANSI_STRING bytes = {2, 4, (PCHAR) "abc"};

    DbgPrint("%s %S %ws %ls %wZ %Z %s|", "narrow", wide, wide, wide, &counted, &bytes,
             (char *)NULL);
    DbgPrint("%.3s %6s|%-6s| %.*s %d", "precision", "right", "left", 2, "star", 9);
}

static void strings_print_narrow_wide_and_counted(void **state)
{
    (void)state;
    wb_body(body_strings, FT_STOP_NONE);
    assert_string_equal(printed(), "narrow wide wide wide wid ab (null)|pre  right|left  | st 9");
}

static void body_long(void)
{
    char text[131];

    for (unsigned i = 0; i < sizeof text - 1; i++)
        text[i] = (char)('a' + i % 26);
    text[sizeof text - 1] = '\0';
    DbgPrint("%s", text);
    CHECK(wb_count(FT_EV_DBG_PRINT) == 3); /* 48 + 48 + 34 */
    DbgPrint("");
    CHECK(wb_count(FT_EV_DBG_PRINT) == 3);
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "|%d", 7);
}

static void long_texts_come_in_pieces_and_empty_ones_not_at_all(void **state)
{
    const char *text;

    (void)state;
    wb_body(body_long, FT_STOP_NONE);
    text = printed();
    assert_int_equal(strlen(text), 132);
    for (unsigned i = 0; i < 130; i++)
        assert_int_equal(text[i], 'a' + i % 26);
    assert_string_equal(text + 130, "|7");
}

static void body_too_long(void)
{
    char text[700];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    DbgPrint("%s%s", text, text);
}

static void a_text_ends_after_511_bytes(void **state)
{
    (void)state;
    wb_body(body_too_long, FT_STOP_NONE);
    assert_int_equal(strlen(printed()), 511);
}

static void print_list(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vDbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, format, args);
    vDbgPrintExWithPrefix("<ft> ", DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, format, args);
    va_end(args);
}

static void body_list(void)
{
    print_list("%d %s|", 3, "list");
}

static void an_argument_list_prints_like_arguments(void **state)
{
    (void)state;
    wb_body(body_list, FT_STOP_NONE);
    assert_string_equal(printed(), "3 list|<ft> 3 list|");
}

static void body_bounded_narrow(void)
{
    static WCHAR wide[] = {'w', 0xE9, 0};
    char to[9], one[2] = {'x', 'x'};

    memset(to, '#', sizeof to);
    CHECK(RtlStringCbPrintfA(to, 8, "%d-%s", 12, "abcd") == STATUS_SUCCESS);
    CHECK(strcmp(to, "12-abcd") == 0 && to[8] == '#');
    CHECK(RtlStringCchPrintfA(to, 8, "%d-%s", 12, "abcde") == STATUS_BUFFER_OVERFLOW);
    CHECK(strcmp(to, "12-abcd") == 0 && to[8] == '#');
    CHECK(RtlStringCbPrintfA(to, 8, "%20d", 1) == STATUS_BUFFER_OVERFLOW);
    CHECK(strcmp(to, "       ") == 0 && to[8] == '#');
    CHECK(RtlStringCbPrintfA(to, 8, "%ws %S %C", wide, wide, 'y') == STATUS_SUCCESS);
    CHECK(strcmp(to, "w? w? y") == 0);
    CHECK(RtlStringCbPrintfA(one, 1, "") == STATUS_SUCCESS && one[0] == 0 && one[1] == 'x');
    one[0] = 'x';
    CHECK(RtlStringCbPrintfA(one, 0, "a") == STATUS_INVALID_PARAMETER && one[0] == 'x');
    CHECK(RtlStringCchPrintfA(one, (size_t)NTSTRSAFE_MAX_CCH + 1, "a") == STATUS_INVALID_PARAMETER);
}

static void body_bounded_wide(void)
{
    static const WCHAR format[] = {'%', '0', '3', 'd', 0xE9, '%', 's', '%', 'S', 0};
    static const WCHAR wide[] = {0x416, 'b', 0};
    static const WCHAR whole[] = {'0', '0', '7', 0xE9, 0x416, 'b', 'n', 0};
    WCHAR to[9] = {0};
    UNICODE_STRING counted = {0, 7 * sizeof(WCHAR), to};

    to[8] = '#';
    CHECK(RtlStringCchPrintfW(to, 8, format, 7, wide, "n") == STATUS_SUCCESS);
    CHECK(memcmp(to, whole, sizeof whole) == 0);
    CHECK(RtlStringCbPrintfW(to, 7 * sizeof(WCHAR), format, 7, wide, "n") ==
          STATUS_BUFFER_OVERFLOW);
    CHECK(memcmp(to, whole, 6 * sizeof(WCHAR)) == 0 && to[6] == 0 && to[8] == '#');
    CHECK(RtlStringCbPrintfW(to, 1, format, 7, wide, "n") == STATUS_INVALID_PARAMETER);
    to[7] = '#';
    CHECK(RtlUnicodeStringPrintf(&counted, format, 7, wide, "n") == STATUS_SUCCESS);
    CHECK(counted.Length == 14 && memcmp(to, whole, 14) == 0 && to[7] == '#');
    counted.MaximumLength = 12;
    CHECK(RtlUnicodeStringPrintf(&counted, format, 7, wide, "n") == STATUS_INVALID_PARAMETER);
    counted.Length = 0;
    CHECK(RtlUnicodeStringPrintf(&counted, format, 7, wide, "n") == STATUS_BUFFER_OVERFLOW);
    CHECK(counted.Length == 12);
}

static void bounded_strings_are_cut_and_terminated(void **state)
{
    (void)state;
    wb_body(body_bounded_narrow, FT_STOP_NONE);
    wb_body(body_bounded_wide, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_DBG_PRINT), 0);
}

static void body_floating(void)
{
    char to[8];

    RtlStringCbPrintfA(to, sizeof to, "%f", 1.0);
}

static void a_string_with_an_unknown_conversion_stops_by_name(void **state)
{
    (void)state;
    wb_body(body_floating, FT_STOP_UNIMPLEMENTED);
}

static void body_assert(void)
{
    ft_driver_assert("1 + 1 == 3", "file.c", 12);
    wb_note("goes-on");
}

static void a_failed_assertion_is_told_and_the_run_goes_on(void **state)
{
    (void)state;
    wb_body(body_assert, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "goes-on");
    assert_int_equal(wb_last(FT_EV_ASSERT_FAILED)->arg[0], 12);
    assert_string_equal((const char *)&wb_last(FT_EV_ASSERT_FAILED)->arg[1], "1 + 1 == 3");
}

static void body_bugcheck(void)
{
    KeBugCheckEx(0xE2, 1, 2, 3, 4);
}

static void a_bug_check_ends_the_run_with_its_parameters(void **state)
{
    (void)state;
    wb_body(body_bugcheck, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xE2);
    for (unsigned i = 1; i <= 4; i++)
        assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[i], i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_print_as_windows_has_them),
        cmocka_unit_test(numbers_of_64_bits_keep_them),
        cmocka_unit_test(pointers_print_as_handles),
        cmocka_unit_test(strings_print_narrow_wide_and_counted),
        cmocka_unit_test(long_texts_come_in_pieces_and_empty_ones_not_at_all),
        cmocka_unit_test(a_text_ends_after_511_bytes),
        cmocka_unit_test(an_argument_list_prints_like_arguments),
        cmocka_unit_test(bounded_strings_are_cut_and_terminated),
        cmocka_unit_test(a_string_with_an_unknown_conversion_stops_by_name),
        cmocka_unit_test(a_failed_assertion_is_told_and_the_run_goes_on),
        cmocka_unit_test(a_bug_check_ends_the_run_with_its_parameters),
    };

    return cmocka_run_group_tests_name("debug output", tests, NULL, NULL);
}
