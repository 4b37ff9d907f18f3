/* Interlocked operations: each is one point, then one indivisible step. */
#include "world/machine.h"

#include <wdm.h>

static void point(const volatile void *target, size_t bytes)
{
    if (ft_current())
        ft_point(FT_PT_INTERLOCKED, 0);
    ft_access(target, bytes, FT_ACCESS_WRITE | FT_ACCESS_MARKED);
}

/* The old value comes back from the first macro, the new one from the second. */
#define OLD(name, type, parameters, statement)                                                     \
    type name parameters                                                                           \
    {                                                                                              \
        type old;                                                                                  \
                                                                                                   \
        point(target, sizeof *target);                                                             \
        old = *target;                                                                             \
        statement;                                                                                 \
        return old;                                                                                \
    }
#define NEW(name, type, parameters, value_)                                                        \
    type name parameters                                                                           \
    {                                                                                              \
        point(target, sizeof *target);                                                             \
        return *target = (type)(value_);                                                           \
    }

#define FAMILY(suffix, type, unsigned_type)                                                        \
    OLD(ft_interlocked_exchange##suffix, type, (type volatile * target, type value),               \
        *target = value)                                                                           \
    OLD(ft_interlocked_exchange_add##suffix, type, (type volatile * target, type value),           \
        *target = (type)((unsigned_type)old + (unsigned_type)value))                               \
    OLD(ft_interlocked_compare_exchange##suffix, type,                                             \
        (type volatile * target, type exchange, type comparand),                                   \
        if (old == comparand) *target = exchange)                                                  \
    OLD(ft_interlocked_and##suffix, type, (type volatile * target, type mask),                     \
        *target = old & mask)                                                                      \
    OLD(ft_interlocked_or##suffix, type, (type volatile * target, type mask),                      \
        *target = old | mask)                                                                      \
    OLD(ft_interlocked_xor##suffix, type, (type volatile * target, type mask), *target = old ^ mask)

#define COUNTERS(suffix, type, unsigned_type)                                                      \
    NEW(ft_interlocked_increment##suffix, type, (type volatile * target),                          \
        (unsigned_type)*target + 1u)                                                               \
    NEW(ft_interlocked_decrement##suffix, type, (type volatile * target),                          \
        (unsigned_type)*target - 1u)

FAMILY(, LONG, ULONG)
FAMILY(64, LONG64, ULONG64)
FAMILY(16, SHORT, USHORT)
FAMILY(8, CHAR, UCHAR)
COUNTERS(, LONG, ULONG)
COUNTERS(64, LONG64, ULONG64)
COUNTERS(16, SHORT, USHORT)
NEW(ft_interlocked_add, LONG, (LONG volatile * target, LONG value), (ULONG)*target + (ULONG)value)
NEW(ft_interlocked_add64, LONG64, (LONG64 volatile * target, LONG64 value),
    (ULONG64)*target + (ULONG64)value)
OLD(ft_interlocked_exchange_pointer, PVOID, (PVOID volatile * target, PVOID value), *target = value)
OLD(ft_interlocked_compare_exchange_pointer, PVOID,
    (PVOID volatile * target, PVOID exchange, PVOID comparand),
    if (old == comparand) *target = exchange)

/* Bit operations address bits beyond the first word, as the intrinsics do. */
#define BITS(name, type, unsigned_type, width, change)                                             \
    UCHAR name(type volatile *base, type bit)                                                      \
    {                                                                                              \
        type volatile *word = base + bit / (width);                                                \
        unsigned_type mask = (unsigned_type)1 << (bit % (width));                                  \
        UCHAR old;                                                                                 \
                                                                                                   \
        point(word, sizeof *word);                                                                 \
        old = ((unsigned_type)*word & mask) != 0;                                                  \
        *word = (type)((unsigned_type)*word change mask);                                          \
        return old;                                                                                \
    }
BITS(ft_interlocked_bit_test_and_set, LONG, ULONG, 32, |)
BITS(ft_interlocked_bit_test_and_reset, LONG, ULONG, 32, &~)
BITS(ft_interlocked_bit_test_and_complement, LONG, ULONG, 32, ^)
BITS(ft_interlocked_bit_test_and_set64, LONG64, ULONG64, 64, |)
BITS(ft_interlocked_bit_test_and_reset64, LONG64, ULONG64, 64, &~)

UCHAR ft_interlocked_compare_exchange128(LONG64 volatile *target, LONG64 exchange_high,
                                         LONG64 exchange_low, LONG64 *comparand_and_result)
{
    LONG64 low, high;
    UCHAR equal;

    point(target, 2 * sizeof *target);
    low = target[0];
    high = target[1];
    equal = low == comparand_and_result[0] && high == comparand_and_result[1];
    if (equal) {
        target[0] = exchange_low;
        target[1] = exchange_high;
    }
    comparand_and_result[0] = low;
    comparand_and_result[1] = high;
    return equal;
}
