/* ntintsafe.h: what fits is done, what does not is an error and the type's error value. */
#include <ntddk.h>
#include <ntintsafe.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void what_fits_is_done(void **state)
{
    ULONG sum;
    SIZE_T product;
    LONG difference;
    UCHAR small;

    (void)state;
    assert_int_equal(RtlULongAdd(0xFFFFFFFE, 1, &sum), STATUS_SUCCESS);
    assert_int_equal(sum, 0xFFFFFFFF);
    assert_int_equal(RtlSIZETMult(1ull << 32, 1ull << 31, &product), STATUS_SUCCESS);
    assert_true(product == 1ull << 63);
    assert_int_equal(RtlLongSub(-0x7FFFFFFF, 1, &difference), STATUS_SUCCESS);
    assert_int_equal(difference, -0x7FFFFFFF - 1);
    assert_int_equal(RtlULongToUChar(255, &small), STATUS_SUCCESS);
    assert_int_equal(small, 255);
}

static void what_does_not_fit_is_an_error(void **state)
{
    ULONG result = 7;
    LONG difference = 7;
    USHORT small = 7;
    ULONGLONG wide = 7;

    (void)state;
    assert_int_equal(RtlULongAdd(0xFFFFFFFF, 1, &result), STATUS_INTEGER_OVERFLOW);
    assert_int_equal(result, 0xFFFFFFFF);
    assert_int_equal(RtlULongSub(1, 2, &result), STATUS_INTEGER_OVERFLOW);
    assert_int_equal(RtlULongMult(0x10000, 0x10000, &result), STATUS_INTEGER_OVERFLOW);
    assert_int_equal(RtlLongSub(-0x7FFFFFFF, 2, &difference), STATUS_INTEGER_OVERFLOW);
    assert_int_equal(difference, -1);
    assert_int_equal(RtlULongToUShort(0x10000, &small), STATUS_INTEGER_OVERFLOW);
    assert_int_equal(small, 0xFFFF);
    assert_int_equal(RtlIntToULongLong(-1, &wide), STATUS_INTEGER_OVERFLOW);
    assert_int_equal(RtlSizeTToULong(1ull << 32, &result), STATUS_INTEGER_OVERFLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_done),
        cmocka_unit_test(what_does_not_fit_is_an_error),
    };

    return cmocka_run_group_tests_name("kernel-intsafe", tests, NULL, NULL);
}
