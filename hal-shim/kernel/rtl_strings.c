/* Counted strings: initialising, copying, appending, comparing (wdm.h Rtl*String). Letters are
 * those of Latin 1, as in wcs.c. */
#include "kernel/pool.h"
#include "world/machine.h"

#include <string.h>
#include <wdm.h>

enum { STRING_BYTES_MAX = 0xFFFE, STRING_TAG = 0x67727453 /* Strg */ };

/* ---- making ---- */

static size_t limited(size_t bytes, size_t most)
{
    return bytes < most ? bytes : most;
}

VOID RtlInitString(PSTRING DestinationString, PCSZ SourceString)
{
    size_t bytes = SourceString ? limited(strlen(SourceString), STRING_BYTES_MAX) : 0;

    DestinationString->Length = (USHORT)bytes;
    DestinationString->MaximumLength = (USHORT)(SourceString ? bytes + 1 : 0);
    DestinationString->Buffer = (PCHAR)(ULONG_PTR)SourceString;
}

VOID RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString)
{
    RtlInitString(DestinationString, SourceString);
}

VOID RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    size_t bytes = SourceString ? ft_wcslen(SourceString) * sizeof(WCHAR) : 0;

    bytes = limited(bytes, STRING_BYTES_MAX - sizeof(WCHAR));
    DestinationString->Length = (USHORT)bytes;
    DestinationString->MaximumLength = (USHORT)(SourceString ? bytes + sizeof(WCHAR) : 0);
    DestinationString->Buffer = (PWSTR)(ULONG_PTR)SourceString;
}

/* ---- copying and appending: what does not fit is cut, or refused ---- */

VOID RtlCopyString(PSTRING DestinationString, const STRING *SourceString)
{
    size_t bytes = SourceString ? SourceString->Length : 0;

    bytes = limited(bytes, DestinationString->MaximumLength);
    if (bytes)
        memmove(DestinationString->Buffer, SourceString->Buffer, bytes);
    DestinationString->Length = (USHORT)bytes;
}

static void terminate(PUNICODE_STRING string)
{
    if (string->Length + sizeof(WCHAR) <= string->MaximumLength)
        string->Buffer[string->Length / sizeof(WCHAR)] = 0;
}

VOID RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString)
{
    size_t bytes = SourceString ? SourceString->Length : 0;

    bytes = limited(bytes, DestinationString->MaximumLength);
    if (bytes)
        memmove(DestinationString->Buffer, SourceString->Buffer, bytes);
    DestinationString->Length = (USHORT)bytes;
    if (SourceString)
        terminate(DestinationString);
}

static NTSTATUS append(PUNICODE_STRING to, const WCHAR *text, size_t bytes)
{
    if (bytes > (size_t)to->MaximumLength - to->Length)
        return STATUS_BUFFER_TOO_SMALL;
    if (bytes)
        memmove((PUCHAR)to->Buffer + to->Length, text, bytes);
    to->Length = (USHORT)(to->Length + bytes);
    if (bytes)
        terminate(to);
    return STATUS_SUCCESS;
}

NTSTATUS RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    return append(Destination, Source->Buffer, Source->Length);
}

NTSTATUS RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
    return append(Destination, Source, Source ? ft_wcslen(Source) * sizeof(WCHAR) : 0);
}

/* ---- letters ---- */

WCHAR RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
    return ft_towupper(SourceCharacter);
}

WCHAR RtlDowncaseUnicodeChar(WCHAR SourceCharacter)
{
    return ft_towlower(SourceCharacter);
}

CHAR RtlUpperChar(CHAR Character)
{
    return Character >= 'a' && Character <= 'z' ? (CHAR)(Character - 0x20) : Character;
}

static WCHAR folded(WCHAR c, bool fold)
{
    return fold ? ft_towupper(c) : c;
}

NTSTATUS RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                BOOLEAN AllocateDestinationString)
{
    USHORT bytes = SourceString->Length;

    if (AllocateDestinationString) {
        struct ft_pool_want want = {.bytes = bytes, .tag = STRING_TAG, .memory = FT_POOL_OF_PAGED};

        DestinationString->Buffer = ft_pool_take(&want);
        if (!DestinationString->Buffer)
            return STATUS_NO_MEMORY;
        DestinationString->MaximumLength = bytes;
    }
    if (bytes > DestinationString->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    for (unsigned i = 0; i < bytes / sizeof(WCHAR); i++)
        DestinationString->Buffer[i] = ft_towupper(SourceString->Buffer[i]);
    DestinationString->Length = bytes;
    return STATUS_SUCCESS;
}

/* ---- comparing: the sign tells which comes first ---- */

LONG RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    unsigned shorter = (unsigned)limited(String1->Length, String2->Length);

    for (unsigned i = 0; i < shorter; i++) {
        CHAR a = String1->Buffer[i], b = String2->Buffer[i];

        if (CaseInSensitive) {
            a = RtlUpperChar(a);
            b = RtlUpperChar(b);
        }
        if (a != b)
            return (LONG)(UCHAR)a - (LONG)(UCHAR)b;
    }
    return (LONG)String1->Length - (LONG)String2->Length;
}

BOOLEAN RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           RtlCompareString(String1, String2, CaseInSensitive) == 0;
}

static LONG compare_wide(const WCHAR *a, const WCHAR *b, unsigned count, bool fold)
{
    for (unsigned i = 0; i < count; i++)
        if (folded(a[i], fold) != folded(b[i], fold))
            return (LONG)folded(a[i], fold) - (LONG)folded(b[i], fold);
    return 0;
}

LONG RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                             BOOLEAN CaseInSensitive)
{
    unsigned shorter = (unsigned)limited(String1->Length, String2->Length) / sizeof(WCHAR);
    LONG difference = compare_wide(String1->Buffer, String2->Buffer, shorter, CaseInSensitive != 0);

    return difference ? difference : (LONG)String1->Length - (LONG)String2->Length;
}

BOOLEAN RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                              BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           RtlCompareUnicodeString(String1, String2, CaseInSensitive) == 0;
}

BOOLEAN RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                               BOOLEAN CaseInSensitive)
{
    return String1->Length <= String2->Length &&
           compare_wide(String1->Buffer, String2->Buffer, String1->Length / sizeof(WCHAR),
                        CaseInSensitive != 0) == 0;
}

NTSTATUS RtlHashUnicodeString(const UNICODE_STRING *String, BOOLEAN CaseInSensitive,
                              ULONG HashAlgorithm, PULONG HashValue)
{
    enum { DEFAULT = 0, X65599 = 1, FACTOR = 65599 };
    ULONG hash = 0;

    if (!String || !HashValue || (HashAlgorithm != DEFAULT && HashAlgorithm != X65599))
        return STATUS_INVALID_PARAMETER;
    for (unsigned i = 0; i < String->Length / sizeof(WCHAR); i++)
        hash = hash * FACTOR + folded(String->Buffer[i], CaseInSensitive != 0);
    *HashValue = hash;
    return STATUS_SUCCESS;
}
