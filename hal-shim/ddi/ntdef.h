/*
 * ntdef.h: the basic types of the Windows kernel: integers, strings, lists, large integers, object
 * attributes, and the small macros that every driver uses.
 *
 * Win64 sizes on any host: LONG and ULONG are 32-bit ints, pointers and SIZE_T have 64 bits, WCHAR
 * has 16. Every handle is a void pointer, as the WDK has it without STRICT.
 */
#ifndef _NTDEF_
#define _NTDEF_

#include "wdm_compiler.h"

#include "basetsd.h"
#include "driverspecs.h"
#include "guiddef.h"
#include "wdm_version.h"

#ifndef IN
#define IN
#define OUT
#endif
#ifndef OPTIONAL
#define OPTIONAL
#endif
#define CRITICAL
#ifndef CONST
#define CONST const
#endif
#ifndef VOID
#define VOID void
#endif
#ifndef TRUE
#define TRUE  1
#define FALSE 0
#endif
#define ANYSIZE_ARRAY            1
#define UNICODE_NULL             ((WCHAR)0)
#define ANSI_NULL                ((CHAR)0)
#define UNICODE_STRING_MAX_BYTES ((USHORT)65534)
#define UNICODE_STRING_MAX_CHARS (32767)
#define MAXIMUM_PROCESSORS       64
#define MAXCHAR                  0x7f
#define MAXSHORT                 0x7fff
#define MAXLONG                  0x7fffffff
#define MAXUCHAR                 0xff
#define MAXUSHORT                0xffff
#define MAXULONG                 0xffffffff
#define MAXLONGLONG              (0x7fffffffffffffffLL)
#define MINCHAR                  0x80
#define MINSHORT                 0x8000
#define MINLONG                  0x80000000
#define MAXDWORD                 0xffffffff

typedef char CHAR, *PCHAR, *LPCH, *PCH, *NPSTR, *LPSTR, *PSTR, *PSZ;
typedef const char *LPCSTR, *PCSTR, *LPCCH, *PCCH, *PCSZ;
typedef char CCHAR, *PCCHAR;
typedef signed char SCHAR, *PSCHAR;
typedef unsigned char UCHAR, *PUCHAR;
typedef const UCHAR *PCUCHAR;
typedef short SHORT, *PSHORT;
typedef short CSHORT, *PCSHORT;
typedef unsigned short USHORT, *PUSHORT;
typedef const USHORT *PCUSHORT;
typedef int INT, *PINT, *LPINT;
typedef unsigned int UINT, *PUINT;
typedef int LONG, *PLONG;
typedef unsigned int ULONG, *PULONG;
typedef const ULONG *PCULONG;
typedef long long LONGLONG, *PLONGLONG;
typedef unsigned long long ULONGLONG, *PULONGLONG;
typedef long long USN;
typedef unsigned char BOOLEAN, *PBOOLEAN;
typedef ULONG LOGICAL, *PLOGICAL;
typedef void *PVOID, *LPVOID;
typedef const void *LPCVOID, *PCVOID;
typedef PVOID HANDLE, *PHANDLE;
typedef double DOUBLE;
typedef ULONG CLONG, *PCLONG;
typedef USHORT CUSHORT;
typedef UCHAR KIRQL, *PKIRQL;
typedef LONG KPRIORITY;
typedef LONG NTSTATUS, *PNTSTATUS;
typedef ULONG LCID, *PLCID;
typedef USHORT LANGID;
typedef ULONG ACCESS_MASK, *PACCESS_MASK;

typedef wchar_t WCHAR, *PWCHAR, *LPWCH, *PWCH, *NWPSTR, *LPWSTR, *PWSTR, *PZZWSTR;
typedef const WCHAR *LPCWCH, *PCWCH, *LPCWSTR, *PCWSTR, *PCZZWSTR, *PCNZWCH;
typedef CHAR *PZZSTR;

#define DECLARE_HANDLE(name) typedef HANDLE name

#ifdef __cplusplus
#define C_ASSERT(condition) static_assert((condition), #condition)
#else
#define C_ASSERT(condition) _Static_assert((condition), #condition)
#endif
C_ASSERT(sizeof(WCHAR) == 2); /* build with -fshort-wchar */
C_ASSERT(sizeof(LONG) == 4 && sizeof(PVOID) == 8);

#define NT_SUCCESS(Status)           (((NTSTATUS)(Status)) >= 0)
#define NT_INFORMATION(Status)       ((((ULONG)(Status)) >> 30) == 1)
#define NT_WARNING(Status)           ((((ULONG)(Status)) >> 30) == 2)
#define NT_ERROR(Status)             ((((ULONG)(Status)) >> 30) == 3)
#define APPLICATION_ERROR_MASK       0x20000000
#define ERROR_SEVERITY_SUCCESS       0x00000000
#define ERROR_SEVERITY_INFORMATIONAL 0x40000000
#define ERROR_SEVERITY_WARNING       0x80000000
#define ERROR_SEVERITY_ERROR         0xC0000000

#define FIELD_OFFSET(type, field)  ((LONG)offsetof(type, field))
#define UFIELD_OFFSET(type, field) ((ULONG)offsetof(type, field))
#define CONTAINING_RECORD(address, type, field)                                                    \
    ((type *)((PCHAR)(address) - (ULONG_PTR)offsetof(type, field)))
#define RTL_FIELD_SIZE(type, field)           (sizeof(((type *)0)->field))
#define RTL_SIZEOF_THROUGH_FIELD(type, field) (offsetof(type, field) + RTL_FIELD_SIZE(type, field))
#define RTL_CONTAINS_FIELD(Struct, Size, Field)                                                    \
    ((((PCHAR)(&(Struct)->Field)) + sizeof((Struct)->Field)) <= (((PCHAR)(Struct)) + (Size)))
#define RTL_NUMBER_OF(a)                 (sizeof(a) / sizeof((a)[0]))
#define RTL_NUMBER_OF_V1(a)              RTL_NUMBER_OF(a)
#define RTL_NUMBER_OF_V2(a)              RTL_NUMBER_OF(a)
#define ARRAYSIZE(a)                     RTL_NUMBER_OF(a)
#define _ARRAYSIZE(a)                    RTL_NUMBER_OF(a)
#define RTL_NUMBER_OF_FIELD(type, field) RTL_NUMBER_OF(((type *)0)->field)
#define TYPE_ALIGNMENT(t)                __alignof__(t)
#define PROBE_ALIGNMENT(t)               TYPE_ALIGNMENT(ULONG)
#define MEMORY_ALLOCATION_ALIGNMENT      16
#define RTL_BITS_OF(x)                   (sizeof(x) * 8)
#define RTL_BITS_OF_FIELD(type, field)   (RTL_BITS_OF(((type *)0)->field))
#define ALIGN_DOWN_BY(length, alignment) ((ULONG_PTR)(length) & ~((ULONG_PTR)(alignment)-1))
#define ALIGN_UP_BY(length, alignment)                                                             \
    (ALIGN_DOWN_BY(((ULONG_PTR)(length) + (alignment)-1), alignment))
#define ALIGN_DOWN_POINTER_BY(p, alignment) ((PVOID)ALIGN_DOWN_BY(p, alignment))
#define ALIGN_UP_POINTER_BY(p, alignment)   ((PVOID)ALIGN_UP_BY(p, alignment))
#define ALIGN_DOWN(length, type)            ALIGN_DOWN_BY(length, sizeof(type))
#define ALIGN_UP(length, type)              ALIGN_UP_BY(length, sizeof(type))
#define ALIGN_DOWN_POINTER(p, type)         ALIGN_DOWN_POINTER_BY(p, sizeof(type))
#define ALIGN_UP_POINTER(p, type)           ALIGN_UP_POINTER_BY(p, sizeof(type))

#define UNREFERENCED_PARAMETER(P)          ((void)(P))
#define DBG_UNREFERENCED_PARAMETER(P)      ((void)(P))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(V) ((void)(V))
#define DEFAULT_UNREACHABLE                                                                        \
    default:                                                                                       \
        __builtin_unreachable()
#define FlagOn(flags, mask)        ((flags) & (mask))
#define BooleanFlagOn(flags, mask) ((BOOLEAN)(((flags) & (mask)) != 0))
#define SetFlag(flags, mask)       ((flags) |= (mask))
#define ClearFlag(flags, mask)     ((flags) &= ~(mask))

#ifndef NOMINMAX
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#endif

#define TEXT(quote)   quote
#define __TEXT(quote) quote
#define TEXTW(quote)  L##quote

#define Int32x32To64(a, b)   ((LONGLONG)(LONG)(a) * (LONGLONG)(LONG)(b))
#define UInt32x32To64(a, b)  ((ULONGLONG)(ULONG)(a) * (ULONGLONG)(ULONG)(b))
#define Int64ShllMod32(a, b) ((ULONGLONG)(a) << ((b)&31))
#define Int64ShraMod32(a, b) ((LONGLONG)(a) >> ((b)&31))
#define Int64ShrlMod32(a, b) ((ULONGLONG)(a) >> ((b)&31))
#define MAKELANGID(p, s)     ((USHORT)(((USHORT)(s) << 10) | (USHORT)(p)))

typedef union _LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    };
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
    struct {
        ULONG LowPart;
        ULONG HighPart;
    };
    struct {
        ULONG LowPart;
        ULONG HighPart;
    } u;
    ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

typedef struct _LUID {
    ULONG LowPart;
    LONG HighPart;
} LUID, *PLUID;

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY, *RESTRICTED_POINTER PRLIST_ENTRY;

typedef struct _SINGLE_LIST_ENTRY {
    struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

typedef struct LIST_ENTRY32 {
    ULONG Flink;
    ULONG Blink;
} LIST_ENTRY32, *PLIST_ENTRY32;

typedef struct LIST_ENTRY64 {
    ULONGLONG Flink;
    ULONGLONG Blink;
} LIST_ENTRY64, *PLIST_ENTRY64;

/* Length and MaximumLength count bytes, without a terminator; Buffer need not have one. */
typedef struct _UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    PWCH Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct _STRING {
    USHORT Length;
    USHORT MaximumLength;
    PCHAR Buffer;
} STRING, *PSTRING, ANSI_STRING, *PANSI_STRING, OEM_STRING, *POEM_STRING, UTF8_STRING,
    *PUTF8_STRING;
typedef const STRING *PCSTRING, *PCANSI_STRING, *PCOEM_STRING;

#define DECLARE_CONST_UNICODE_STRING(name, text)                                                   \
    const WCHAR name##_buffer[] = text;                                                            \
    const UNICODE_STRING name = {sizeof(text) - sizeof(WCHAR), sizeof(text), (PWCH)name##_buffer}
#define DECLARE_GLOBAL_CONST_UNICODE_STRING(name, text)                                            \
    EXTERN_C const UNICODE_STRING name DECLSPEC_SELECTANY;                                         \
    const UNICODE_STRING name = {sizeof(text) - sizeof(WCHAR), sizeof(text), (PWCH)(text)}
#define DECLARE_UNICODE_STRING_SIZE(name, size)                                                    \
    WCHAR name##_buffer[size];                                                                     \
    UNICODE_STRING name = {0, (size) * sizeof(WCHAR), name##_buffer}
#define RTL_CONSTANT_STRING(s)                                                                     \
    {                                                                                              \
        sizeof(s) - sizeof((s)[0]), sizeof(s), (s)                                                 \
    }

typedef struct _OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    PUNICODE_STRING ObjectName;
    ULONG Attributes;
    PVOID SecurityDescriptor;
    PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;
typedef const OBJECT_ATTRIBUTES *PCOBJECT_ATTRIBUTES;

#define OBJ_INHERIT                       0x00000002
#define OBJ_PERMANENT                     0x00000010
#define OBJ_EXCLUSIVE                     0x00000020
#define OBJ_CASE_INSENSITIVE              0x00000040
#define OBJ_OPENIF                        0x00000080
#define OBJ_OPENLINK                      0x00000100
#define OBJ_KERNEL_HANDLE                 0x00000200
#define OBJ_FORCE_ACCESS_CHECK            0x00000400
#define OBJ_IGNORE_IMPERSONATED_DEVICEMAP 0x00000800
#define OBJ_DONT_REPARSE                  0x00001000
#define OBJ_VALID_ATTRIBUTES              0x00001FF2

#define InitializeObjectAttributes(p, n, a, r, s)                                                  \
    {                                                                                              \
        (p)->Length = sizeof(OBJECT_ATTRIBUTES);                                                   \
        (p)->RootDirectory = (r);                                                                  \
        (p)->Attributes = (a);                                                                     \
        (p)->ObjectName = (n);                                                                     \
        (p)->SecurityDescriptor = (s);                                                             \
        (p)->SecurityQualityOfService = NULL;                                                      \
    }
#define RTL_CONSTANT_OBJECT_ATTRIBUTES(n, a)                                                       \
    {                                                                                              \
        sizeof(OBJECT_ATTRIBUTES), NULL, (PUNICODE_STRING)(n), (a), NULL, NULL                     \
    }

typedef enum _EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;
typedef enum _TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;
typedef enum _WAIT_TYPE { WaitAll, WaitAny, WaitNotification, WaitDequeue, WaitDpc } WAIT_TYPE;

typedef struct _PROCESSOR_NUMBER {
    USHORT Group;
    UCHAR Number;
    UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;

typedef struct _GROUP_AFFINITY {
    KAFFINITY Mask;
    USHORT Group;
    USHORT Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;
#define ALL_PROCESSOR_GROUPS 0xffff

typedef struct _KSYSTEM_TIME {
    ULONG LowPart;
    LONG High1Time;
    LONG High2Time;
} KSYSTEM_TIME, *PKSYSTEM_TIME;

typedef enum _NT_PRODUCT_TYPE {
    NtProductWinNt = 1,
    NtProductLanManNt,
    NtProductServer
} NT_PRODUCT_TYPE,
    *PNT_PRODUCT_TYPE;

typedef struct _QUAD {
    union {
        LONGLONG UseThisFieldToCopy;
        double DoNotUseThisField;
    };
} QUAD, *PQUAD;

typedef struct _M128A {
    ULONGLONG Low;
    LONGLONG High;
} DECLSPEC_ALIGN(16) M128A, *PM128A;

#endif
