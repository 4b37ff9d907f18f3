/*
 * basetsd.h: the integers whose width is in their name, and the ones as wide as a pointer.
 *
 * ULONG_PTR and its relatives are `unsigned long long`, as are the 64-bit types, so a pointer to
 * one is a pointer to the other as with MSVC. SIZE_T is the host's size_t, because drivers pass
 * the address of either where the other is declared.
 */
#ifndef _BASETSD_H_
#define _BASETSD_H_

#include "wdm_compiler.h"

typedef signed char INT8, *PINT8;
typedef short INT16, *PINT16;
typedef int INT32, *PINT32;
typedef long long INT64, *PINT64;
typedef unsigned char UINT8, *PUINT8;
typedef unsigned short UINT16, *PUINT16;
typedef unsigned int UINT32, *PUINT32;
typedef unsigned long long UINT64, *PUINT64;
typedef int LONG32, *PLONG32;
typedef unsigned int ULONG32, *PULONG32;
typedef unsigned int DWORD32, *PDWORD32;
typedef long long LONG64, *PLONG64;
typedef unsigned long long ULONG64, *PULONG64;
typedef unsigned long long DWORD64, *PDWORD64;

typedef long long INT_PTR, *PINT_PTR;
typedef unsigned long long UINT_PTR, *PUINT_PTR;
typedef long long LONG_PTR, *PLONG_PTR;
typedef unsigned long long ULONG_PTR, *PULONG_PTR;
typedef ULONG_PTR DWORD_PTR, *PDWORD_PTR;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef int HALF_PTR, *PHALF_PTR;
typedef unsigned int UHALF_PTR, *PUHALF_PTR;
typedef size_t SIZE_T, *PSIZE_T;
typedef ptrdiff_t SSIZE_T, *PSSIZE_T;

#define MAXULONG_PTR ((ULONG_PTR)~0ULL)
#define MAXLONG_PTR  ((LONG_PTR)0x7FFFFFFFFFFFFFFFLL)
#define MINLONG_PTR  (-MAXLONG_PTR - 1)
#define MAXSIZE_T    ((SIZE_T) ~(SIZE_T)0)
#define MAXUINT8     ((UINT8)0xFF)
#define MAXUINT16    ((UINT16)0xFFFF)
#define MAXUINT32    ((UINT32)0xFFFFFFFFU)
#define MAXUINT64    ((UINT64)~0ULL)
#define MAXINT32     ((INT32)0x7FFFFFFF)
#define MAXINT64     ((INT64)0x7FFFFFFFFFFFFFFFLL)

/* Pointers in and out of integers; the narrow ones lose the high half, as their names admit. */
#define HandleToULong(h)  ((unsigned int)(ULONG_PTR)(h))
#define HandleToLong(h)   ((int)(LONG_PTR)(h))
#define HandleToUlong(h)  HandleToULong(h)
#define ULongToHandle(ul) ((void *)(ULONG_PTR)(unsigned int)(ul))
#define UlongToHandle(ul) ULongToHandle(ul)
#define LongToHandle(l)   ((void *)(LONG_PTR)(int)(l))
#define PtrToULong(p)     ((unsigned int)(ULONG_PTR)(p))
#define PtrToUlong(p)     PtrToULong(p)
#define PtrToLong(p)      ((int)(LONG_PTR)(p))
#define PtrToUint(p)      ((unsigned int)(ULONG_PTR)(p))
#define PtrToInt(p)       ((int)(LONG_PTR)(p))
#define PtrToUshort(p)    ((unsigned short)(ULONG_PTR)(p))
#define PtrToShort(p)     ((short)(LONG_PTR)(p))
#define LongToPtr(l)      ((void *)(LONG_PTR)(int)(l))
#define IntToPtr(i)       ((void *)(LONG_PTR)(int)(i))
#define ULongToPtr(ul)    ((void *)(ULONG_PTR)(unsigned int)(ul))
#define UlongToPtr(ul)    ULongToPtr(ul)
#define UIntToPtr(ui)     ((void *)(ULONG_PTR)(unsigned int)(ui))
#define UintToPtr(ui)     UIntToPtr(ui)

#endif
