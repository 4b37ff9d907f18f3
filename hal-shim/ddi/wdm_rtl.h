/*
 * wdm_rtl.h: run-time library: memory, lists, strings, bit maps, registry helpers, debug output.
 *
 * Memory routines are shim points (the machine checks the buffers); list routines are plain inline
 * code. Lengths of a UNICODE_STRING are bytes. wcs* go to 16-bit versions of our own, because the
 * host's library takes a wide character for 32 bits.
 *
 * ASSERT, ASSERTMSG, NT_ASSERT and KdPrint act in every build unless FT_FREE_BUILD is defined,
 * which makes them what a free WDK build makes them: nothing, with the arguments unevaluated.
 */
#ifndef WDM_RTL_H
#define WDM_RTL_H

#include "wdm_types.h"
#include "ntstatus.h"

EXTERN_C_START

/* --- Memory. ft_rtl_compare returns how many leading bytes are equal. --- */
void *ft_rtl_copy(void *destination, const void *source, size_t length);
void *ft_rtl_move(void *destination, const void *source, size_t length);
void *ft_rtl_zero(void *destination, size_t length);
void *ft_rtl_fill(void *destination, size_t length, int value);
size_t ft_rtl_compare(const void *a, const void *b, size_t length);
#define RtlCopyMemory(d, s, n)             ((void)ft_rtl_copy((d), (s), (n)))
#define RtlCopyBytes(d, s, n)              RtlCopyMemory(d, s, n)
#define RtlCopyMemoryNonTemporal(d, s, n)  RtlCopyMemory(d, s, n)
#define RtlCopyDeviceMemory(d, s, n)       RtlCopyMemory(d, s, n)
#define RtlMoveMemory(d, s, n)             ((void)ft_rtl_move((d), (s), (n)))
#define RtlZeroMemory(d, n)                ((void)ft_rtl_zero((d), (n)))
#define RtlZeroBytes(d, n)                 RtlZeroMemory(d, n)
#define RtlSecureZeroMemory(d, n)          ft_rtl_zero((d), (n))
#define RtlFillMemory(d, n, v)             ((void)ft_rtl_fill((d), (n), (v)))
#define RtlFillBytes(d, n, v)              RtlFillMemory(d, n, v)
#define RtlCompareMemory(a, b, n)          ((SIZE_T)ft_rtl_compare((a), (b), (n)))
#define RtlEqualMemory(a, b, n)            (ft_rtl_compare((a), (b), (n)) == (size_t)(n))
#define RtlPrefetchMemoryNonTemporal(s, n) ((void)(s), (void)(n))
#define CopyMemory                         RtlCopyMemory
#define MoveMemory                         RtlMoveMemory
#define ZeroMemory                         RtlZeroMemory
#define FillMemory                         RtlFillMemory

/* --- 16-bit wide strings, kernel/wcs.c. --- */
size_t ft_wcslen(const WCHAR *s);
size_t ft_wcsnlen(const WCHAR *s, size_t limit);
int ft_wcscmp(const WCHAR *a, const WCHAR *b);
int ft_wcsncmp(const WCHAR *a, const WCHAR *b, size_t limit);
int ft_wcsicmp(const WCHAR *a, const WCHAR *b);
int ft_wcsnicmp(const WCHAR *a, const WCHAR *b, size_t limit);
WCHAR *ft_wcscpy(WCHAR *destination, const WCHAR *source);
WCHAR *ft_wcsncpy(WCHAR *destination, const WCHAR *source, size_t limit);
WCHAR *ft_wcscat(WCHAR *destination, const WCHAR *source);
WCHAR *ft_wcsncat(WCHAR *destination, const WCHAR *source, size_t limit);
WCHAR *ft_wcschr(const WCHAR *s, WCHAR c);
WCHAR *ft_wcsrchr(const WCHAR *s, WCHAR c);
WCHAR *ft_wcsstr(const WCHAR *s, const WCHAR *part);
WCHAR ft_towupper(WCHAR c);
WCHAR ft_towlower(WCHAR c);
/* Reads what swscanf_s would, for the conversions %d %i %u %x with h, l, ll, I64 and widths. */
int ft_swscanf_s(const WCHAR *text, const WCHAR *format, ...);
#undef wcslen
#undef wcscmp
#undef wcsncmp
#undef wcscpy
#undef wcsncpy
#undef wcscat
#undef wcsncat
#undef wcschr
#undef wcsrchr
#undef wcsstr
#define wcslen    ft_wcslen
#define wcsnlen   ft_wcsnlen
#define wcscmp    ft_wcscmp
#define wcsncmp   ft_wcsncmp
#define _wcsicmp  ft_wcsicmp
#define _wcsnicmp ft_wcsnicmp
#define wcscpy    ft_wcscpy
#define wcsncpy   ft_wcsncpy
#define wcscat    ft_wcscat
#define wcsncat   ft_wcsncat
#define wcschr    ft_wcschr
#define wcsrchr   ft_wcsrchr
#define wcsstr    ft_wcsstr
#define towupper  ft_towupper
#define towlower  ft_towlower
#define swscanf_s ft_swscanf_s
#define _stricmp  strcasecmp
#define _strnicmp strncasecmp

/* --- Debug output and assertions. --- */
#define DPFLTR_ERROR_LEVEL   0
#define DPFLTR_WARNING_LEVEL 1
#define DPFLTR_TRACE_LEVEL   2
#define DPFLTR_INFO_LEVEL    3
#define DPFLTR_MASK          0x80000000

ULONG DbgPrint(PCSTR Format, ...);
ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, va_list arglist);
ULONG vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format,
                            va_list arglist);
VOID DbgBreakPoint(VOID);
VOID DbgBreakPointWithStatus(ULONG Status);
VOID RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PCHAR Message);
/* Records a failed assertion of the driver; returns, as with no debugger attached. */
void ft_driver_assert(const char *expression, const char *file, unsigned line);
/* Checks that a pageable routine runs where paging is allowed. */
void ft_paged_code(const char *function);

#define PAGED_CODE()       ft_paged_code(__func__)
#define PAGED_ASSERT(expr) NT_ASSERT(expr)
#ifdef FT_FREE_BUILD
#define ASSERT(expr)             ((void)0)
#define ASSERTMSG(message, expr) ((void)0)
#define NT_ASSERT(expr)          ((void)0)
#define NT_VERIFY(expr)          ((expr) ? TRUE : FALSE)
#define KdPrint(args)
#define KdPrintEx(args)
#define vKdPrintEx(args)
#define KdBreakPoint()
#else
#define ASSERT(expr)             ((expr) ? (void)0 : ft_driver_assert(#expr, __FILE__, __LINE__))
#define ASSERTMSG(message, expr) ((expr) ? (void)0 : ft_driver_assert(message, __FILE__, __LINE__))
#define NT_ASSERT(expr)          ASSERT(expr)
#define KdPrint(args)            DbgPrint args
#define KdPrintEx(args)          DbgPrintEx args
#define vKdPrintEx(args)         vDbgPrintEx args
#define KdBreakPoint()           DbgBreakPoint()

#define NT_VERIFY(expr) ((expr) ? TRUE : (ft_driver_assert(#expr, __FILE__, __LINE__), FALSE))
#endif
#define RTL_VERIFY(expr)             NT_VERIFY(expr)
#define RTL_SOFT_ASSERT(expr)        ASSERT(expr)
#define NT_ASSERT_ACTION(expr)       NT_ASSERT(expr)
#define NT_ASSERTMSG(message, expr)  ASSERTMSG(message, expr)
#define NT_ASSERTMSGW(message, expr) NT_ASSERT(expr)
#define NT_FRE_ASSERT(expr)          NT_ASSERT(expr)
#define ASSERT_NOT_REACHED()         ft_driver_assert("not reached", __FILE__, __LINE__)
/* No kernel debugger is ever attached to the machine. */
#define KD_DEBUGGER_ENABLED     ((BOOLEAN)FALSE)
#define KD_DEBUGGER_NOT_PRESENT ((BOOLEAN)TRUE)

/* --- Byte order. --- */
#define RtlUshortByteSwap(x)    __builtin_bswap16((USHORT)(x))
#define RtlUlongByteSwap(x)     __builtin_bswap32((ULONG)(x))
#define RtlUlonglongByteSwap(x) ((ULONGLONG)__builtin_bswap64((ULONGLONG)(x)))
#define _byteswap_ushort(x)     RtlUshortByteSwap(x)
#define _byteswap_ulong(x)      RtlUlongByteSwap(x)
#define _byteswap_uint64(x)     RtlUlonglongByteSwap(x)

/* --- Strings. --- */
VOID RtlInitString(PSTRING DestinationString, PCSZ SourceString);
VOID RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString);
VOID RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
VOID RtlCopyString(PSTRING DestinationString, const STRING *SourceString);
VOID RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString);
NTSTATUS RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source);
NTSTATUS RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source);
LONG RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
LONG RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                             BOOLEAN CaseInSensitive);
BOOLEAN RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
BOOLEAN RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                              BOOLEAN CaseInSensitive);
BOOLEAN RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                               BOOLEAN CaseInSensitive);
WCHAR RtlUpcaseUnicodeChar(WCHAR SourceCharacter);
WCHAR RtlDowncaseUnicodeChar(WCHAR SourceCharacter);
CHAR RtlUpperChar(CHAR Character);
NTSTATUS RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                BOOLEAN AllocateDestinationString);
NTSTATUS RtlHashUnicodeString(const UNICODE_STRING *String, BOOLEAN CaseInSensitive,
                              ULONG HashAlgorithm, PULONG HashValue);
NTSTATUS RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString);
NTSTATUS RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString,
                                      BOOLEAN AllocateDestinationString);
ULONG RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString);
ULONG RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString);
#define RtlUnicodeStringToAnsiSize(s) RtlxUnicodeStringToAnsiSize(s)
#define RtlAnsiStringToUnicodeSize(s) RtlxAnsiStringToUnicodeSize(s)
VOID RtlFreeUnicodeString(PUNICODE_STRING UnicodeString);
VOID RtlFreeAnsiString(PANSI_STRING AnsiString);
NTSTATUS RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount,
                           PULONG UTF8StringActualByteCount, PCWCH UnicodeStringSource,
                           ULONG UnicodeStringByteCount);
NTSTATUS RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                           PULONG UnicodeStringActualByteCount, PCCH UTF8StringSource,
                           ULONG UTF8StringByteCount);
NTSTATUS RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value);
NTSTATUS RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value);
NTSTATUS RtlStringFromGUID(REFGUID Guid, PUNICODE_STRING GuidString);
NTSTATUS RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid);

/* --- Bit maps. --- */
typedef struct _RTL_BITMAP {
    ULONG SizeOfBitMap;
    PULONG Buffer;
} RTL_BITMAP, *PRTL_BITMAP;
VOID RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap);
VOID RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
VOID RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
BOOLEAN RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
VOID RtlClearAllBits(PRTL_BITMAP BitMapHeader);
VOID RtlSetAllBits(PRTL_BITMAP BitMapHeader);
ULONG RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
VOID RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear);
VOID RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet);
BOOLEAN RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length);
BOOLEAN RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length);
ULONG RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader);
ULONG RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader);
CCHAR RtlFindLeastSignificantBit(ULONGLONG Set);
CCHAR RtlFindMostSignificantBit(ULONGLONG Set);

/* --- Registry helpers. --- */
#define RTL_REGISTRY_ABSOLUTE              0
#define RTL_REGISTRY_SERVICES              1
#define RTL_REGISTRY_CONTROL               2
#define RTL_REGISTRY_WINDOWS_NT            3
#define RTL_REGISTRY_DEVICEMAP             4
#define RTL_REGISTRY_USER                  5
#define RTL_REGISTRY_HANDLE                0x40000000
#define RTL_REGISTRY_OPTIONAL              0x80000000
#define RTL_QUERY_REGISTRY_SUBKEY          0x00000001
#define RTL_QUERY_REGISTRY_TOPKEY          0x00000002
#define RTL_QUERY_REGISTRY_REQUIRED        0x00000004
#define RTL_QUERY_REGISTRY_NOVALUE         0x00000008
#define RTL_QUERY_REGISTRY_NOEXPAND        0x00000010
#define RTL_QUERY_REGISTRY_DIRECT          0x00000020
#define RTL_QUERY_REGISTRY_DELETE          0x00000040
#define RTL_QUERY_REGISTRY_TYPECHECK       0x00000100
#define RTL_QUERY_REGISTRY_TYPECHECK_SHIFT 24

typedef NTSTATUS NTAPI RTL_QUERY_REGISTRY_ROUTINE(PWSTR ValueName, ULONG ValueType, PVOID ValueData,
                                                  ULONG ValueLength, PVOID Context,
                                                  PVOID EntryContext);
typedef RTL_QUERY_REGISTRY_ROUTINE *PRTL_QUERY_REGISTRY_ROUTINE;
typedef struct _RTL_QUERY_REGISTRY_TABLE {
    PRTL_QUERY_REGISTRY_ROUTINE QueryRoutine;
    ULONG Flags;
    PWSTR Name;
    PVOID EntryContext;
    ULONG DefaultType;
    PVOID DefaultData;
    ULONG DefaultLength;
} RTL_QUERY_REGISTRY_TABLE, *PRTL_QUERY_REGISTRY_TABLE;
NTSTATUS RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable,
                                PVOID Context, PVOID Environment);
NTSTATUS RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName, ULONG ValueType,
                               PVOID ValueData, ULONG ValueLength);
NTSTATUS RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName);
NTSTATUS RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path);
NTSTATUS RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path);

/* --- Time, version. --- */
typedef struct _OSVERSIONINFOW {
    ULONG dwOSVersionInfoSize;
    ULONG dwMajorVersion;
    ULONG dwMinorVersion;
    ULONG dwBuildNumber;
    ULONG dwPlatformId;
    WCHAR szCSDVersion[128];
} OSVERSIONINFOW, *POSVERSIONINFOW, RTL_OSVERSIONINFOW, *PRTL_OSVERSIONINFOW;
typedef struct _OSVERSIONINFOEXW {
    ULONG dwOSVersionInfoSize;
    ULONG dwMajorVersion;
    ULONG dwMinorVersion;
    ULONG dwBuildNumber;
    ULONG dwPlatformId;
    WCHAR szCSDVersion[128];
    USHORT wServicePackMajor;
    USHORT wServicePackMinor;
    USHORT wSuiteMask;
    UCHAR wProductType;
    UCHAR wReserved;
} OSVERSIONINFOEXW, *POSVERSIONINFOEXW, RTL_OSVERSIONINFOEXW, *PRTL_OSVERSIONINFOEXW;
#define VER_EQUAL         1
#define VER_GREATER       2
#define VER_GREATER_EQUAL 3
#define VER_LESS          4
#define VER_LESS_EQUAL    5
#define VER_MINORVERSION  0x00000001
#define VER_MAJORVERSION  0x00000002
#define VER_BUILDNUMBER   0x00000004
NTSTATUS RtlGetVersion(PRTL_OSVERSIONINFOW VersionInformation);
NTSTATUS RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask,
                              ULONGLONG ConditionMask);
ULONGLONG VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition);
BOOLEAN RtlIsNtDdiVersionAvailable(ULONG Version);
VOID RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields);
BOOLEAN RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time);
#define RtlConvertLongToLargeInteger(n)  ft_large_integer((LONGLONG)(LONG)(n))
#define RtlConvertUlongToLargeInteger(n) ft_large_integer((LONGLONG)(ULONG)(n))
ULONG RtlRandomEx(PULONG Seed);
ULONG RtlRandom(PULONG Seed);

EXTERN_C_END

FORCEINLINE LARGE_INTEGER ft_large_integer(LONGLONG value)
{
    LARGE_INTEGER result;

    result.QuadPart = value;
    return result;
}

/* --- Lists. An entry belongs to one list; the routines that remove say whether it was the last. */
FORCEINLINE VOID InitializeListHead(PLIST_ENTRY ListHead)
{
    ListHead->Flink = ListHead;
    ListHead->Blink = ListHead;
}

FORCEINLINE BOOLEAN IsListEmpty(const LIST_ENTRY *ListHead)
{
    return (BOOLEAN)(ListHead->Flink == ListHead);
}

/* Stops the machine as Windows does (0x139) when a list does not close on itself. */
EXTERN_C void ft_list_corrupt(const LIST_ENTRY *entry);

FORCEINLINE BOOLEAN RemoveEntryList(PLIST_ENTRY Entry)
{
    PLIST_ENTRY next = Entry->Flink;
    PLIST_ENTRY previous = Entry->Blink;

    if (next->Blink != Entry || previous->Flink != Entry)
        ft_list_corrupt(Entry);
    previous->Flink = next;
    next->Blink = previous;
    return (BOOLEAN)(next == previous);
}

FORCEINLINE PLIST_ENTRY RemoveHeadList(PLIST_ENTRY ListHead)
{
    PLIST_ENTRY entry = ListHead->Flink;

    (void)RemoveEntryList(entry);
    return entry;
}

FORCEINLINE PLIST_ENTRY RemoveTailList(PLIST_ENTRY ListHead)
{
    PLIST_ENTRY entry = ListHead->Blink;

    (void)RemoveEntryList(entry);
    return entry;
}

FORCEINLINE VOID InsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
    PLIST_ENTRY last = ListHead->Blink;

    if (last->Flink != ListHead)
        ft_list_corrupt(ListHead);
    Entry->Flink = ListHead;
    Entry->Blink = last;
    last->Flink = Entry;
    ListHead->Blink = Entry;
}

FORCEINLINE VOID InsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
    PLIST_ENTRY first = ListHead->Flink;

    if (first->Blink != ListHead)
        ft_list_corrupt(ListHead);
    Entry->Flink = first;
    Entry->Blink = ListHead;
    first->Blink = Entry;
    ListHead->Flink = Entry;
}

FORCEINLINE VOID AppendTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListToAppend)
{
    PLIST_ENTRY last = ListHead->Blink;

    last->Flink = ListToAppend;
    ListHead->Blink = ListToAppend->Blink;
    ListToAppend->Blink->Flink = ListHead;
    ListToAppend->Blink = last;
}

FORCEINLINE PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY ListHead)
{
    PSINGLE_LIST_ENTRY first = ListHead->Next;

    if (first != NULL)
        ListHead->Next = first->Next;
    return first;
}

FORCEINLINE VOID PushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY Entry)
{
    Entry->Next = ListHead->Next;
    ListHead->Next = Entry;
}

FORCEINLINE VOID RtlInitEmptyUnicodeString(PUNICODE_STRING UnicodeString, PWCHAR Buffer,
                                           USHORT BufferSize)
{
    UnicodeString->Length = 0;
    UnicodeString->MaximumLength = BufferSize;
    UnicodeString->Buffer = Buffer;
}

FORCEINLINE VOID RtlInitEmptyAnsiString(PANSI_STRING AnsiString, PCHAR Buffer, USHORT BufferSize)
{
    AnsiString->Length = 0;
    AnsiString->MaximumLength = BufferSize;
    AnsiString->Buffer = Buffer;
}

#endif
