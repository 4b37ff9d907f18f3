/*
 * wdm_compiler.h: what a Windows C compiler has built in and clang or gcc on Linux has not.
 *
 * A driver never includes this header by name; ntdef.h does. It must come before everything else,
 * so every header of this directory reaches it first. Build with
 *     -fms-extensions -fshort-wchar -Wno-unknown-pragmas -Wno-multichar
 * in a GNU dialect of C11 or later, or C++17. wchar_t has 16 bits (checked in ntdef.h); `long` in a
 * driver's own text has 64 bits here and 32 on Windows, LONG and ULONG have 32 bits on both.
 *
 * Inline functions: FORCEINLINE, __forceinline and (in C) __inline are always inlined, at -O0 too,
 * because C11 gives a plain inline function no body to link with, and MSVC does.
 */
#ifndef WDM_COMPILER_H
#define WDM_COMPILER_H

#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#ifdef __cplusplus
#include <cwchar>
#endif
#include <wchar.h>

/* The target: 64-bit x86. _WIN32 and _MSC_VER stay undefined, host headers would believe them. */
#ifndef _WIN64
#define _WIN64 1
#endif
#ifndef _AMD64_
#define _AMD64_ 1
#endif
#ifndef _M_AMD64
#define _M_AMD64 100
#endif
#ifndef _M_X64
#define _M_X64 100
#endif
#ifndef DBG
#define DBG 0
#endif

#ifdef __cplusplus
#define EXTERN_C       extern "C"
#define EXTERN_C_START extern "C" {
#define EXTERN_C_END   }
#else
#define EXTERN_C extern
#define EXTERN_C_START
#define EXTERN_C_END
#endif

/* Calling conventions mean nothing on x64. */
#undef __cdecl
#undef __stdcall
#undef __fastcall
#define __cdecl
#define __stdcall
#define __fastcall
#define __vectorcall
#define _cdecl
#define _stdcall
#define _fastcall
#define NTAPI
#define FASTCALL
#define WINAPI
#define APIENTRY
#define CALLBACK
#define NTAPI_INLINE
#define NTKERNELAPI
#define NTSYSAPI
#define NTSYSCALLAPI
#define NTHALAPI
#define NTOSAPI
#define DECLSPEC_IMPORT
#define DECLSPEC_EXPORT
#define DECLSPEC_NORETURN   __attribute__((noreturn))
#define DECLSPEC_NOINLINE   __attribute__((noinline))
#define DECLSPEC_ALIGN(n)   __attribute__((aligned(n)))
#define DECLSPEC_CACHEALIGN DECLSPEC_ALIGN(64)
#define DECLSPEC_SELECTANY  __attribute__((weak))
#define DECLSPEC_NOTHROW
#define DECLSPEC_NOVTABLE
#define DECLSPEC_GUARDNOCF
#define DECLSPEC_DEPRECATED_DDK
#define DECLSPEC_DEPRECATED_DDK_WINXP
#define DECLSPEC_UUID(x)
#define __unaligned
#define UNALIGNED
#define UNALIGNED64
#define RESTRICTED_POINTER __restrict__
#define POINTER_ALIGNMENT  DECLSPEC_ALIGN(8)
#define __ptr32
#define __ptr64
#define POINTER_32
#define POINTER_64
#define __w64
#define CFORCEINLINE FORCEINLINE
#define FORCEINLINE  __inline__ __attribute__((always_inline))
#define PFORCEINLINE FORCEINLINE
#define STDAPIVCALLTYPE

#ifndef __cplusplus
#undef __inline
#define __inline __inline__ __attribute__((always_inline))
#endif

#ifndef __clang__
/* gcc knows none of the Microsoft keywords; __declspec(x) becomes the macro FT_DS_x. */
#define __int8 char
#define __int16 short
#define __int32 int
#define __int64 long long
#undef __forceinline
#define __forceinline FORCEINLINE
#define __declspec(x) FT_DS_##x
#define FT_DS_align(n) __attribute__((aligned(n)))
#define FT_DS_allocator
#define FT_DS_deprecated __attribute__((deprecated))
#define FT_DS_dllexport
#define FT_DS_dllimport
#define FT_DS_naked
#define FT_DS_noalias
#define FT_DS_noinline __attribute__((noinline))
#define FT_DS_noreturn __attribute__((noreturn))
#define FT_DS_nothrow
#define FT_DS_novtable
#define FT_DS_restrict
#define FT_DS_selectany     __attribute__((weak))
#define FT_DS_thread        __thread
#define __noop(...)         (0)
#define __assume(condition) ((void)0)
#define __pragma(...)
#define _ReadWriteBarrier() __asm__ __volatile__("" ::: "memory")
#define _ReadBarrier()      _ReadWriteBarrier()
#define _WriteBarrier()     _ReadWriteBarrier()
#define __debugbreak()      __builtin_trap()
#endif

#endif
