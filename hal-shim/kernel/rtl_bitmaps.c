/* Bit maps (wdm.h Rtl*Bit*). Not locked: the caller's business. */
#include <stdbool.h>
#include <string.h>
#include <wdm.h>

enum { WORD_BITS = 32, NOT_FOUND = -1 };

VOID RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap)
{
    BitMapHeader->SizeOfBitMap = SizeOfBitMap;
    BitMapHeader->Buffer = BitMapBuffer;
}

static bool bit_at(const RTL_BITMAP *map, ULONG index)
{
    return (map->Buffer[index / WORD_BITS] >> index % WORD_BITS & 1) != 0;
}

static void put_bit(PRTL_BITMAP map, ULONG index, bool value)
{
    ULONG bit = 1u << index % WORD_BITS;

    if (value)
        map->Buffer[index / WORD_BITS] |= bit;
    else
        map->Buffer[index / WORD_BITS] &= ~bit;
}

static void put_bits(PRTL_BITMAP map, ULONG first, ULONG count, bool value)
{
    for (ULONG i = 0; i < count && first + i < map->SizeOfBitMap; i++)
        put_bit(map, first + i, value);
}

/* Bits from `first` on that have that value, at most `most`. */
static ULONG run_at(const RTL_BITMAP *map, ULONG first, ULONG most, bool value)
{
    ULONG length = 0;

    while (length < most && first + length < map->SizeOfBitMap &&
           bit_at(map, first + length) == value)
        length++;
    return length;
}

/* The first run of that length that begins in [from, to); -1: none. */
static ULONG find_between(const RTL_BITMAP *map, ULONG count, ULONG from, ULONG to, bool value)
{
    while (from < to) {
        ULONG length = run_at(map, from, count, value);

        if (length == count)
            return from;
        from += length + 1;
    }
    return (ULONG)NOT_FOUND;
}

/* From the hint to the end, then from the start to the hint. Nothing to find is found at the byte
 * of the hint. */
static ULONG find(const RTL_BITMAP *map, ULONG count, ULONG hint, bool value)
{
    ULONG found;

    if (hint >= map->SizeOfBitMap)
        hint = 0;
    if (count == 0)
        return hint & ~7u;
    found = find_between(map, count, hint, map->SizeOfBitMap, value);
    return found == (ULONG)NOT_FOUND ? find_between(map, count, 0, hint, value) : found;
}

static ULONG find_and_put(PRTL_BITMAP map, ULONG count, ULONG hint, bool value)
{
    ULONG found = find(map, count, hint, value);

    if (found != (ULONG)NOT_FOUND)
        put_bits(map, found, count, !value);
    return found;
}

static ULONG count_of(const RTL_BITMAP *map, bool value)
{
    ULONG count = 0;

    for (ULONG i = 0; i < map->SizeOfBitMap; i++)
        count += bit_at(map, i) == value;
    return count;
}

VOID RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    put_bit(BitMapHeader, BitNumber, false);
}

VOID RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    put_bit(BitMapHeader, BitNumber, true);
}

BOOLEAN RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    return bit_at(BitMapHeader, BitNumber);
}

/* All of the buffer's words, as Windows does. */
static void fill(PRTL_BITMAP map, int byte)
{
    memset(map->Buffer, byte, (map->SizeOfBitMap + WORD_BITS - 1) / WORD_BITS * sizeof(ULONG));
}

VOID RtlClearAllBits(PRTL_BITMAP BitMapHeader)
{
    fill(BitMapHeader, 0);
}

VOID RtlSetAllBits(PRTL_BITMAP BitMapHeader)
{
    fill(BitMapHeader, 0xFF);
}

ULONG RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return find(BitMapHeader, NumberToFind, HintIndex, false);
}

ULONG RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return find(BitMapHeader, NumberToFind, HintIndex, true);
}

ULONG RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return find_and_put(BitMapHeader, NumberToFind, HintIndex, false);
}

ULONG RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return find_and_put(BitMapHeader, NumberToFind, HintIndex, true);
}

VOID RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear)
{
    put_bits(BitMapHeader, StartingIndex, NumberToClear, false);
}

VOID RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet)
{
    put_bits(BitMapHeader, StartingIndex, NumberToSet, true);
}

/* FALSE for no bits, and for bits beyond the map. */
BOOLEAN RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    return Length && run_at(BitMapHeader, StartingIndex, Length, false) == Length;
}

BOOLEAN RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    return Length && run_at(BitMapHeader, StartingIndex, Length, true) == Length;
}

ULONG RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader)
{
    return count_of(BitMapHeader, false);
}

ULONG RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader)
{
    return count_of(BitMapHeader, true);
}

CCHAR RtlFindLeastSignificantBit(ULONGLONG Set)
{
    return Set ? (CCHAR)__builtin_ctzll(Set) : NOT_FOUND;
}

CCHAR RtlFindMostSignificantBit(ULONGLONG Set)
{
    return Set ? (CCHAR)(63 - __builtin_clzll(Set)) : NOT_FOUND;
}
