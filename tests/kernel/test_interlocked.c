/* Interlocked operations: which value comes back, what is stored, and one point for each. */
#include "bench_driver.h"
#include "world/machine.h"

#include <ntddk.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Exchange, add, compare, and, or, xor of one width: the old value comes back. */
#define CHECK_FAMILY(suffix, type)                                                                 \
    do {                                                                                           \
        type volatile word = 5;                                                                    \
                                                                                                   \
        CHECK(InterlockedExchange##suffix(&word, 6) == 5 && word == 6);                            \
        CHECK(InterlockedExchangeAdd##suffix(&word, -7) == 6 && word == -1);                       \
        CHECK(InterlockedCompareExchange##suffix(&word, 9, 4) == -1 && word == -1);                \
        CHECK(InterlockedCompareExchange##suffix(&word, 9, -1) == -1 && word == 9);                \
        CHECK(InterlockedAnd##suffix(&word, 8) == 9 && word == 8);                                 \
        CHECK(InterlockedOr##suffix(&word, 3) == 8 && word == 11);                                 \
        CHECK(InterlockedXor##suffix(&word, 1) == 11 && word == 10);                               \
    } while (0)

/* Increment and decrement: the new value comes back, and the largest wraps. */
#define CHECK_COUNTER(suffix, type, largest, smallest)                                             \
    do {                                                                                           \
        type volatile word = (largest);                                                            \
                                                                                                   \
        CHECK(InterlockedIncrement##suffix(&word) == (smallest) && word == (smallest));            \
        CHECK(InterlockedDecrement##suffix(&word) == (largest) && word == (largest));              \
    } while (0)

static void body_words(void)
{
    LONG volatile word = 40;
    LONG64 volatile large = 40;

    CHECK_FAMILY(, LONG);
    CHECK_FAMILY(64, LONG64);
    CHECK_FAMILY(16, SHORT);
    CHECK_FAMILY(8, CHAR);
    CHECK_COUNTER(, LONG, MAXLONG, (LONG)0x80000000);
    CHECK_COUNTER(64, LONG64, 0x7FFFFFFFFFFFFFFF, (LONG64)0x8000000000000000);
    CHECK_COUNTER(16, SHORT, 0x7FFF, (SHORT)0x8000);
    CHECK(InterlockedAdd(&word, 2) == 42 && word == 42); /* the new one */
    CHECK(InterlockedAdd64(&large, -50) == -10 && large == -10);
}

static void each_width_gives_the_value_that_windows_gives(void **state)
{
    (void)state;
    wb_body(body_words, FT_STOP_NONE);
}

static void body_pointers(void)
{
    int a, b;
    PVOID volatile pointer = &a;
    LONG64 volatile pair[2] __attribute__((aligned(16))) = {1, 2};
    LONG64 wanted[2] = {1, 3};

    CHECK(InterlockedExchangePointer(&pointer, &b) == &a && pointer == &b);
    CHECK(InterlockedCompareExchangePointer(&pointer, NULL, &a) == &b && pointer == &b);
    CHECK(InterlockedCompareExchangePointer(&pointer, NULL, &b) == &b && pointer == NULL);
    CHECK(!InterlockedCompareExchange128(pair, 8, 9, wanted));
    CHECK(pair[0] == 1 && pair[1] == 2 && wanted[0] == 1 && wanted[1] == 2); /* what is there */
    CHECK(InterlockedCompareExchange128(pair, 8, 9, wanted));
    CHECK(pair[0] == 9 && pair[1] == 8);
}

static void pointers_and_pairs_are_exchanged_when_equal(void **state)
{
    (void)state;
    wb_body(body_pointers, FT_STOP_NONE);
}

static void body_bits(void)
{
    LONG volatile bits[2] = {0, 0};
    LONG64 volatile large[2] = {0, 0};

    CHECK(InterlockedBitTestAndSet(bits, 33) == 0 && bits[0] == 0 && bits[1] == 2);
    CHECK(InterlockedBitTestAndSet(bits, 33) == 1 && bits[1] == 2);
    CHECK(InterlockedBitTestAndComplement(bits, 33) == 1 && bits[1] == 0);
    CHECK(InterlockedBitTestAndComplement(bits, 31) == 0 && bits[0] == (LONG)0x80000000);
    CHECK(InterlockedBitTestAndReset(bits, 31) == 1 && bits[0] == 0);
    CHECK(InterlockedBitTestAndReset(bits, 31) == 0);
    CHECK(InterlockedBitTestAndSet64(large, 64) == 0 && large[1] == 1);
    CHECK(InterlockedBitTestAndReset64(large, 64) == 1 && large[1] == 0);
}

static void bits_are_found_beyond_the_first_word(void **state)
{
    (void)state;
    wb_body(body_bits, FT_STOP_NONE);
}

static LONG volatile shared;

static VOID other(PVOID context)
{
    (void)context;
    shared = 7;
}

/* The operation is one step: what comes in between comes before it. */
static void body_point(void)
{
    HANDLE thread;

    shared = 0;
    CHECK(PsCreateSystemThread(&thread, 0, NULL, NULL, NULL, other, NULL) == STATUS_SUCCESS);
    ZwClose(thread);
    CHECK(InterlockedIncrement(&shared) == 8);
}

static void another_task_may_come_before_the_step(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_PREEMPT,
                                       .moment = {.point = FT_PT_INTERLOCKED, .count = 1},
                                       .arg = {FT_TASK_THREAD, 0}}};

    (void)state;
    wb_run(&(struct wb_case){.body = body_point, .op = op, .op_count = 1});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_result()->ops_fired, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_width_gives_the_value_that_windows_gives),
        cmocka_unit_test(pointers_and_pairs_are_exchanged_when_equal),
        cmocka_unit_test(bits_are_found_beyond_the_first_word),
        cmocka_unit_test(another_task_may_come_before_the_step),
    };

    return cmocka_run_group_tests_name("interlocked", tests, NULL, NULL);
}
