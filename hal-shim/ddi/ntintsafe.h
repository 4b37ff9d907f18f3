/* ntintsafe.h: arithmetic and conversions of integers that say when the result does not fit. Each
 * returns STATUS_SUCCESS, or STATUS_INTEGER_OVERFLOW with the type's <NAME>_ERROR in *Result: the
 * largest value of an unsigned type, -1 of a signed one. */
#ifndef _NTINTSAFE_H_INCLUDED_
#define _NTINTSAFE_H_INCLUDED_

#include "ntdef.h"
#include "ntstatus.h"

#define INTSAFE_E_ARITHMETIC_OVERFLOW STATUS_INTEGER_OVERFLOW

/* As <stdint.h> has them. */
#ifndef INT8_MAX
#define INT8_MIN   (-127 - 1)
#define INT16_MIN  (-32767 - 1)
#define INT32_MIN  (-2147483647 - 1)
#define INT64_MIN  (-9223372036854775807LL - 1)
#define INT8_MAX   127
#define INT16_MAX  32767
#define INT32_MAX  2147483647
#define INT64_MAX  9223372036854775807LL
#define UINT8_MAX  255
#define UINT16_MAX 65535
#define UINT32_MAX 4294967295U
#define UINT64_MAX 18446744073709551615ULL
#endif

#define FT_INTSAFE_DONE(overflowed)                                                                \
    if (overflowed) {                                                                              \
        *Result = (__typeof__(*Result))-1;                                                         \
        return STATUS_INTEGER_OVERFLOW;                                                            \
    }                                                                                              \
    return STATUS_SUCCESS
#define FT_INTSAFE_OPERATION(name, type, builtin)                                                  \
    FORCEINLINE NTSTATUS name(type Left, type Right, type *Result)                                 \
    {                                                                                              \
        FT_INTSAFE_DONE(builtin(Left, Right, Result));                                             \
    }
#define FT_INTSAFE_CONVERSION(from, from_type, to, to_type)                                        \
    FORCEINLINE NTSTATUS Rtl##from##To##to(from_type Operand, to_type *Result)                     \
    {                                                                                              \
        FT_INTSAFE_DONE(__builtin_add_overflow(Operand, (from_type)0, Result));                    \
    }

#define FT_INTSAFE_ARITHMETIC(name, type)                                                          \
    FT_INTSAFE_OPERATION(Rtl##name##Add, type, __builtin_add_overflow)                             \
    FT_INTSAFE_OPERATION(Rtl##name##Sub, type, __builtin_sub_overflow)                             \
    FT_INTSAFE_OPERATION(Rtl##name##Mult, type, __builtin_mul_overflow)
FT_INTSAFE_ARITHMETIC(UInt8, UCHAR)
FT_INTSAFE_ARITHMETIC(UShort, USHORT)
FT_INTSAFE_ARITHMETIC(UInt, UINT)
FT_INTSAFE_ARITHMETIC(ULong, ULONG)
FT_INTSAFE_ARITHMETIC(ULongLong, ULONGLONG)
FT_INTSAFE_ARITHMETIC(UIntPtr, UINT_PTR)
FT_INTSAFE_ARITHMETIC(ULongPtr, ULONG_PTR)
FT_INTSAFE_ARITHMETIC(SIZET, SIZE_T)
FT_INTSAFE_ARITHMETIC(SizeT, size_t)
FT_INTSAFE_ARITHMETIC(Short, SHORT)
FT_INTSAFE_ARITHMETIC(Int, INT)
FT_INTSAFE_ARITHMETIC(Long, LONG)
FT_INTSAFE_ARITHMETIC(LongLong, LONGLONG)

/* From a type to those into which it may not fit. */
#define FT_INTSAFE_TO_SMALL(from, type)                                                            \
    FT_INTSAFE_CONVERSION(from, type, Char, CHAR)                                                  \
    FT_INTSAFE_CONVERSION(from, type, UChar, UCHAR)                                                \
    FT_INTSAFE_CONVERSION(from, type, UInt8, UCHAR)                                                \
    FT_INTSAFE_CONVERSION(from, type, Short, SHORT)                                                \
    FT_INTSAFE_CONVERSION(from, type, UShort, USHORT)
#define FT_INTSAFE_TO_ANY(from, type)                                                              \
    FT_INTSAFE_TO_SMALL(from, type)                                                                \
    FT_INTSAFE_CONVERSION(from, type, Int, INT)                                                    \
    FT_INTSAFE_CONVERSION(from, type, UInt, UINT)                                                  \
    FT_INTSAFE_CONVERSION(from, type, Long, LONG)                                                  \
    FT_INTSAFE_CONVERSION(from, type, ULong, ULONG)                                                \
    FT_INTSAFE_CONVERSION(from, type, LongLong, LONGLONG)                                          \
    FT_INTSAFE_CONVERSION(from, type, ULongLong, ULONGLONG)                                        \
    FT_INTSAFE_CONVERSION(from, type, SizeT, size_t)
FT_INTSAFE_TO_ANY(Short, SHORT)
FT_INTSAFE_TO_ANY(UShort, USHORT)
FT_INTSAFE_TO_ANY(Int, INT)
FT_INTSAFE_TO_ANY(UInt, UINT)
FT_INTSAFE_TO_ANY(Long, LONG)
FT_INTSAFE_TO_ANY(ULong, ULONG)
FT_INTSAFE_TO_ANY(LongLong, LONGLONG)
FT_INTSAFE_TO_ANY(ULongLong, ULONGLONG)
FT_INTSAFE_TO_ANY(ULongPtr, ULONG_PTR)
FT_INTSAFE_TO_ANY(SIZET, SIZE_T)
FT_INTSAFE_TO_ANY(SizeT, size_t)

#endif
