/* Messages of software tracing: %!TYPE! beside the formats of DbgPrint. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <ft_wpp.h>
#include <cmocka.h>

static const char *printed(void)
{
    static char text[1024];
    size_t used = 0;

    for (unsigned n = 1; n <= wb_count(FT_EV_DBG_PRINT); n++) {
        const char *piece = (const char *)wb_event(FT_EV_DBG_PRINT, n)->arg;
        size_t bytes = strnlen(piece, 48);

        memcpy(text + used, piece, bytes);
        used += bytes;
    }
    text[used] = 0;
    return text;
}

#define TRACE(...) ft_wpp_trace(2, "FLAG", "Function", "file.c", 12, __VA_ARGS__)

static void body_places(void)
{
    TRACE("%!STDPREFIX!%!FUNC! %!FILE!:%!LINE! %!LEVEL! %!FLAGS!%!COMPNAME! 100%%");
}

static void body_types(void)
{
    static const GUID guid = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
    DECLARE_CONST_UNICODE_STRING(wide, L"wide");

    TRACE("%d %!STATUS! %!hresult! %!x! %!s! %!ws! %!USTR! %!bool! %!BOOLEAN! %!Colour! %!time! ",
          1, STATUS_TIMEOUT, 0x80000001, 255, "narrow", L"text", &wide, 1, 0, 6, -7ll);
    TRACE("%!GUID! %!guid! %s|", &guid, NULL, "end");
}

static void body_dump(void)
{
    struct {
        const char *at;
        short bytes;
    } dump = {"ab", 2};

    TRACE("%!HEXDUMP!%d", dump, 5);
}

static void body_nothing(void)
{
    TRACE("");
    TRACE("%!unfinished");
    ft_wpp_use(0, "argument");
}

static void types_print_as_wpp_has_them(void **state)
{
    (void)state;
    wb_body(body_places, FT_STOP_NONE);
    assert_string_equal(printed(), "Function file.c:12 2 FLAG 100%");
    wb_body(body_types, FT_STOP_NONE);
    assert_string_equal(printed(), "1 0x00000102 0x80000001 0xff narrow text wide TRUE FALSE 6 -7 "
                                   "{00000001-0002-0003-0405-060708090a0b} NULL end|");
    wb_body(body_dump, FT_STOP_NONE);
    assert_string_equal(printed(), "61 62 5");
    wb_body(body_nothing, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_DBG_PRINT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_print_as_wpp_has_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
