/*
 * wdm_interlocked.h: Interlocked* and _Interlocked*, in every width and every memory order.
 *
 * Each one is a scheduling point of the simulated machine, so each is a macro that calls a routine
 * of the shim (clang knows the names as builtins and lets nobody define them). All act as full
 * barriers; the Acquire, Release and NoFence forms are the same operations. As on Windows:
 * Increment, Decrement and Add return the new value; Exchange, ExchangeAdd, CompareExchange, And,
 * Or and Xor return the old one; the bit operations return the old bit as 0 or 1.
 */
#ifndef WDM_INTERLOCKED_H
#define WDM_INTERLOCKED_H

#include "ntdef.h"

EXTERN_C_START
LONG ft_interlocked_increment(LONG volatile *target);
LONG ft_interlocked_decrement(LONG volatile *target);
LONG ft_interlocked_add(LONG volatile *target, LONG value);
LONG ft_interlocked_exchange(LONG volatile *target, LONG value);
LONG ft_interlocked_exchange_add(LONG volatile *target, LONG value);
LONG ft_interlocked_compare_exchange(LONG volatile *target, LONG exchange, LONG comparand);
LONG ft_interlocked_and(LONG volatile *target, LONG mask);
LONG ft_interlocked_or(LONG volatile *target, LONG mask);
LONG ft_interlocked_xor(LONG volatile *target, LONG mask);
UCHAR ft_interlocked_bit_test_and_set(LONG volatile *base, LONG bit);
UCHAR ft_interlocked_bit_test_and_reset(LONG volatile *base, LONG bit);
UCHAR ft_interlocked_bit_test_and_complement(LONG volatile *base, LONG bit);

LONG64 ft_interlocked_increment64(LONG64 volatile *target);
LONG64 ft_interlocked_decrement64(LONG64 volatile *target);
LONG64 ft_interlocked_add64(LONG64 volatile *target, LONG64 value);
LONG64 ft_interlocked_exchange64(LONG64 volatile *target, LONG64 value);
LONG64 ft_interlocked_exchange_add64(LONG64 volatile *target, LONG64 value);
LONG64 ft_interlocked_compare_exchange64(LONG64 volatile *target, LONG64 exchange,
                                         LONG64 comparand);
LONG64 ft_interlocked_and64(LONG64 volatile *target, LONG64 mask);
LONG64 ft_interlocked_or64(LONG64 volatile *target, LONG64 mask);
LONG64 ft_interlocked_xor64(LONG64 volatile *target, LONG64 mask);
UCHAR ft_interlocked_bit_test_and_set64(LONG64 volatile *base, LONG64 bit);
UCHAR ft_interlocked_bit_test_and_reset64(LONG64 volatile *base, LONG64 bit);

SHORT ft_interlocked_increment16(SHORT volatile *target);
SHORT ft_interlocked_decrement16(SHORT volatile *target);
SHORT ft_interlocked_exchange16(SHORT volatile *target, SHORT value);
SHORT ft_interlocked_exchange_add16(SHORT volatile *target, SHORT value);
SHORT ft_interlocked_compare_exchange16(SHORT volatile *target, SHORT exchange, SHORT comparand);
SHORT ft_interlocked_and16(SHORT volatile *target, SHORT mask);
SHORT ft_interlocked_or16(SHORT volatile *target, SHORT mask);
SHORT ft_interlocked_xor16(SHORT volatile *target, SHORT mask);

CHAR ft_interlocked_exchange8(CHAR volatile *target, CHAR value);
CHAR ft_interlocked_exchange_add8(CHAR volatile *target, CHAR value);
CHAR ft_interlocked_compare_exchange8(CHAR volatile *target, CHAR exchange, CHAR comparand);
CHAR ft_interlocked_and8(CHAR volatile *target, CHAR mask);
CHAR ft_interlocked_or8(CHAR volatile *target, CHAR mask);
CHAR ft_interlocked_xor8(CHAR volatile *target, CHAR mask);

PVOID ft_interlocked_exchange_pointer(PVOID volatile *target, PVOID value);
PVOID ft_interlocked_compare_exchange_pointer(PVOID volatile *target, PVOID exchange,
                                              PVOID comparand);
/* Compares and replaces 16 bytes, low half first; returns 1 if it stored, and the old value. */
UCHAR ft_interlocked_compare_exchange128(LONG64 volatile *target, LONG64 exchange_high,
                                         LONG64 exchange_low, LONG64 *comparand_and_result);
EXTERN_C_END

#ifdef __cplusplus
/* C++ has no conversion from a pointer to unsigned; the WDK overloads these for it. */
FORCEINLINE ULONG ft_interlocked_increment(ULONG volatile *target)
{
    return (ULONG)ft_interlocked_increment((LONG volatile *)target);
}
FORCEINLINE ULONG ft_interlocked_decrement(ULONG volatile *target)
{
    return (ULONG)ft_interlocked_decrement((LONG volatile *)target);
}
FORCEINLINE ULONG ft_interlocked_exchange(ULONG volatile *target, ULONG value)
{
    return (ULONG)ft_interlocked_exchange((LONG volatile *)target, (LONG)value);
}
FORCEINLINE ULONG ft_interlocked_exchange_add(ULONG volatile *target, ULONG value)
{
    return (ULONG)ft_interlocked_exchange_add((LONG volatile *)target, (LONG)value);
}
FORCEINLINE ULONG ft_interlocked_compare_exchange(ULONG volatile *target, ULONG exchange,
                                                  ULONG comparand)
{
    return (ULONG)ft_interlocked_compare_exchange((LONG volatile *)target, (LONG)exchange,
                                                  (LONG)comparand);
}
FORCEINLINE ULONG ft_interlocked_and(ULONG volatile *target, ULONG mask)
{
    return (ULONG)ft_interlocked_and((LONG volatile *)target, (LONG)mask);
}
FORCEINLINE ULONG ft_interlocked_or(ULONG volatile *target, ULONG mask)
{
    return (ULONG)ft_interlocked_or((LONG volatile *)target, (LONG)mask);
}
#endif

/* 32 bits. */
#define InterlockedIncrement              ft_interlocked_increment
#define _InterlockedIncrement             ft_interlocked_increment
#define InterlockedIncrementAcquire       ft_interlocked_increment
#define InterlockedIncrementRelease       ft_interlocked_increment
#define InterlockedIncrementNoFence       ft_interlocked_increment
#define InterlockedDecrement              ft_interlocked_decrement
#define _InterlockedDecrement             ft_interlocked_decrement
#define InterlockedDecrementAcquire       ft_interlocked_decrement
#define InterlockedDecrementRelease       ft_interlocked_decrement
#define InterlockedDecrementNoFence       ft_interlocked_decrement
#define InterlockedExchange               ft_interlocked_exchange
#define _InterlockedExchange              ft_interlocked_exchange
#define InterlockedExchangeAcquire        ft_interlocked_exchange
#define InterlockedExchangeRelease        ft_interlocked_exchange
#define InterlockedExchangeNoFence        ft_interlocked_exchange
#define InterlockedExchangeAdd            ft_interlocked_exchange_add
#define _InterlockedExchangeAdd           ft_interlocked_exchange_add
#define InterlockedExchangeAddAcquire     ft_interlocked_exchange_add
#define InterlockedExchangeAddRelease     ft_interlocked_exchange_add
#define InterlockedExchangeAddNoFence     ft_interlocked_exchange_add
#define InterlockedCompareExchange        ft_interlocked_compare_exchange
#define _InterlockedCompareExchange       ft_interlocked_compare_exchange
#define InterlockedCompareExchangeAcquire ft_interlocked_compare_exchange
#define InterlockedCompareExchangeRelease ft_interlocked_compare_exchange
#define InterlockedCompareExchangeNoFence ft_interlocked_compare_exchange
#define InterlockedAnd                    ft_interlocked_and
#define _InterlockedAnd                   ft_interlocked_and
#define InterlockedAndAcquire             ft_interlocked_and
#define InterlockedAndRelease             ft_interlocked_and
#define InterlockedAndNoFence             ft_interlocked_and
#define InterlockedOr                     ft_interlocked_or
#define _InterlockedOr                    ft_interlocked_or
#define InterlockedOrAcquire              ft_interlocked_or
#define InterlockedOrRelease              ft_interlocked_or
#define InterlockedOrNoFence              ft_interlocked_or
#define InterlockedXor                    ft_interlocked_xor
#define _InterlockedXor                   ft_interlocked_xor
#define InterlockedXorAcquire             ft_interlocked_xor
#define InterlockedXorRelease             ft_interlocked_xor
#define InterlockedXorNoFence             ft_interlocked_xor
#define InterlockedAdd                    ft_interlocked_add
#define _InterlockedAdd                   ft_interlocked_add
#define InterlockedAddAcquire             ft_interlocked_add
#define InterlockedAddRelease             ft_interlocked_add
#define InterlockedAddNoFence             ft_interlocked_add
#define InterlockedBitTestAndSet          ft_interlocked_bit_test_and_set
#define _interlockedbittestandset         ft_interlocked_bit_test_and_set
#define InterlockedBitTestAndReset        ft_interlocked_bit_test_and_reset
#define _interlockedbittestandreset       ft_interlocked_bit_test_and_reset
#define InterlockedBitTestAndComplement   ft_interlocked_bit_test_and_complement

/* 64 bits. */
#define InterlockedIncrement64              ft_interlocked_increment64
#define _InterlockedIncrement64             ft_interlocked_increment64
#define InterlockedIncrement64Acquire       ft_interlocked_increment64
#define InterlockedIncrement64Release       ft_interlocked_increment64
#define InterlockedIncrement64NoFence       ft_interlocked_increment64
#define InterlockedDecrement64              ft_interlocked_decrement64
#define _InterlockedDecrement64             ft_interlocked_decrement64
#define InterlockedDecrement64Acquire       ft_interlocked_decrement64
#define InterlockedDecrement64Release       ft_interlocked_decrement64
#define InterlockedDecrement64NoFence       ft_interlocked_decrement64
#define InterlockedExchange64               ft_interlocked_exchange64
#define _InterlockedExchange64              ft_interlocked_exchange64
#define InterlockedExchange64Acquire        ft_interlocked_exchange64
#define InterlockedExchange64Release        ft_interlocked_exchange64
#define InterlockedExchange64NoFence        ft_interlocked_exchange64
#define InterlockedExchangeAdd64            ft_interlocked_exchange_add64
#define _InterlockedExchangeAdd64           ft_interlocked_exchange_add64
#define InterlockedExchangeAdd64Acquire     ft_interlocked_exchange_add64
#define InterlockedExchangeAdd64Release     ft_interlocked_exchange_add64
#define InterlockedExchangeAdd64NoFence     ft_interlocked_exchange_add64
#define InterlockedCompareExchange64        ft_interlocked_compare_exchange64
#define _InterlockedCompareExchange64       ft_interlocked_compare_exchange64
#define InterlockedCompareExchange64Acquire ft_interlocked_compare_exchange64
#define InterlockedCompareExchange64Release ft_interlocked_compare_exchange64
#define InterlockedCompareExchange64NoFence ft_interlocked_compare_exchange64
#define InterlockedAnd64                    ft_interlocked_and64
#define _InterlockedAnd64                   ft_interlocked_and64
#define InterlockedAnd64Acquire             ft_interlocked_and64
#define InterlockedAnd64Release             ft_interlocked_and64
#define InterlockedAnd64NoFence             ft_interlocked_and64
#define InterlockedOr64                     ft_interlocked_or64
#define _InterlockedOr64                    ft_interlocked_or64
#define InterlockedOr64Acquire              ft_interlocked_or64
#define InterlockedOr64Release              ft_interlocked_or64
#define InterlockedOr64NoFence              ft_interlocked_or64
#define InterlockedXor64                    ft_interlocked_xor64
#define _InterlockedXor64                   ft_interlocked_xor64
#define InterlockedXor64Acquire             ft_interlocked_xor64
#define InterlockedXor64Release             ft_interlocked_xor64
#define InterlockedXor64NoFence             ft_interlocked_xor64
#define InterlockedAdd64                    ft_interlocked_add64
#define _InterlockedAdd64                   ft_interlocked_add64
#define InterlockedAdd64Acquire             ft_interlocked_add64
#define InterlockedAdd64Release             ft_interlocked_add64
#define InterlockedAdd64NoFence             ft_interlocked_add64
#define InterlockedBitTestAndSet64          ft_interlocked_bit_test_and_set64
#define _interlockedbittestandset64         ft_interlocked_bit_test_and_set64
#define InterlockedBitTestAndReset64        ft_interlocked_bit_test_and_reset64
#define _interlockedbittestandreset64       ft_interlocked_bit_test_and_reset64

/* 16 bits. */
#define InterlockedIncrement16        ft_interlocked_increment16
#define _InterlockedIncrement16       ft_interlocked_increment16
#define InterlockedDecrement16        ft_interlocked_decrement16
#define _InterlockedDecrement16       ft_interlocked_decrement16
#define InterlockedExchange16         ft_interlocked_exchange16
#define _InterlockedExchange16        ft_interlocked_exchange16
#define InterlockedExchangeAdd16      ft_interlocked_exchange_add16
#define _InterlockedExchangeAdd16     ft_interlocked_exchange_add16
#define InterlockedCompareExchange16  ft_interlocked_compare_exchange16
#define _InterlockedCompareExchange16 ft_interlocked_compare_exchange16
#define InterlockedAnd16              ft_interlocked_and16
#define _InterlockedAnd16             ft_interlocked_and16
#define InterlockedOr16               ft_interlocked_or16
#define _InterlockedOr16              ft_interlocked_or16
#define InterlockedXor16              ft_interlocked_xor16
#define _InterlockedXor16             ft_interlocked_xor16

/* 8 bits. */
#define InterlockedExchange8         ft_interlocked_exchange8
#define _InterlockedExchange8        ft_interlocked_exchange8
#define InterlockedExchangeAdd8      ft_interlocked_exchange_add8
#define _InterlockedExchangeAdd8     ft_interlocked_exchange_add8
#define InterlockedCompareExchange8  ft_interlocked_compare_exchange8
#define _InterlockedCompareExchange8 ft_interlocked_compare_exchange8
#define InterlockedAnd8              ft_interlocked_and8
#define _InterlockedAnd8             ft_interlocked_and8
#define InterlockedOr8               ft_interlocked_or8
#define _InterlockedOr8              ft_interlocked_or8
#define InterlockedXor8              ft_interlocked_xor8
#define _InterlockedXor8             ft_interlocked_xor8

/* Pointers, and two words at once. */
#define InterlockedExchangePointer               ft_interlocked_exchange_pointer
#define _InterlockedExchangePointer              ft_interlocked_exchange_pointer
#define InterlockedExchangePointerAcquire        ft_interlocked_exchange_pointer
#define InterlockedExchangePointerRelease        ft_interlocked_exchange_pointer
#define InterlockedExchangePointerNoFence        ft_interlocked_exchange_pointer
#define InterlockedCompareExchangePointer        ft_interlocked_compare_exchange_pointer
#define _InterlockedCompareExchangePointer       ft_interlocked_compare_exchange_pointer
#define InterlockedCompareExchangePointerAcquire ft_interlocked_compare_exchange_pointer
#define InterlockedCompareExchangePointerRelease ft_interlocked_compare_exchange_pointer
#define InterlockedCompareExchangePointerNoFence ft_interlocked_compare_exchange_pointer
#define InterlockedCompareExchange128            ft_interlocked_compare_exchange128
#define _InterlockedCompareExchange128           ft_interlocked_compare_exchange128

#endif
