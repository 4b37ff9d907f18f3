/* Conversions between ANSI, Unicode and UTF-8 strings.
 *
 * The ANSI code page is ASCII: any other character becomes '?'. Strings that these routines
 * allocate are paged pool and the driver's to free.
 */
#include "kernel/pool.h"
#include "world/machine.h"

#include <string.h>
#include <wdm.h>

enum {
    STRING_TAG = 0x67727453, /* Strg */
    REPLACEMENT = 0xFFFD,
    SURROGATES = 0xD800,
    LOW_SURROGATES = 0xDC00,
    BEHIND_SURROGATES = 0xE000,
    ASCII_END = 0x80
};

/* ---- ANSI ---- */

static void *new_string(size_t bytes)
{
    struct ft_pool_want want = {.bytes = bytes, .tag = STRING_TAG, .memory = FT_POOL_OF_PAGED};

    return ft_pool_take(&want);
}

ULONG RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString)
{
    return UnicodeString->Length / (ULONG)sizeof(WCHAR) + 1;
}

ULONG RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString)
{
    return (AnsiString->Length + 1u) * (ULONG)sizeof(WCHAR);
}

/* What does not fit is cut, with a terminator, and STATUS_BUFFER_OVERFLOW says so. */
NTSTATUS RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString)
{
    ULONG size = RtlxUnicodeStringToAnsiSize(SourceString), count = size - 1;
    NTSTATUS status = STATUS_SUCCESS;

    if (AllocateDestinationString) {
        DestinationString->Buffer = new_string(size);
        if (!DestinationString->Buffer)
            return STATUS_NO_MEMORY;
        DestinationString->MaximumLength = (USHORT)size;
    } else if (size > DestinationString->MaximumLength) {
        if (DestinationString->MaximumLength == 0)
            return STATUS_BUFFER_OVERFLOW;
        count = DestinationString->MaximumLength - 1u;
        status = STATUS_BUFFER_OVERFLOW;
    }
    for (ULONG i = 0; i < count; i++) {
        WCHAR c = SourceString->Buffer[i];

        DestinationString->Buffer[i] = c < ASCII_END ? (CHAR)c : '?';
    }
    DestinationString->Buffer[count] = 0;
    DestinationString->Length = (USHORT)count;
    return status;
}

NTSTATUS RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString,
                                      BOOLEAN AllocateDestinationString)
{
    ULONG size = RtlxAnsiStringToUnicodeSize(SourceString);

    if (size > MAXUSHORT)
        return STATUS_INVALID_PARAMETER_2;
    if (!AllocateDestinationString && size > DestinationString->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    if (AllocateDestinationString) {
        DestinationString->Buffer = new_string(size);
        if (!DestinationString->Buffer)
            return STATUS_NO_MEMORY;
        DestinationString->MaximumLength = (USHORT)size;
    }
    for (ULONG i = 0; i < SourceString->Length; i++) {
        UCHAR c = (UCHAR)SourceString->Buffer[i];

        DestinationString->Buffer[i] = c < ASCII_END ? c : '?';
    }
    DestinationString->Length = (USHORT)(size - sizeof(WCHAR));
    DestinationString->Buffer[SourceString->Length] = 0;
    return STATUS_SUCCESS;
}

VOID RtlFreeUnicodeString(PUNICODE_STRING UnicodeString)
{
    if (UnicodeString->Buffer)
        ft_pool_give(UnicodeString->Buffer, 0, false);
    memset(UnicodeString, 0, sizeof *UnicodeString);
}

VOID RtlFreeAnsiString(PANSI_STRING AnsiString)
{
    if (AnsiString->Buffer)
        ft_pool_give(AnsiString->Buffer, 0, false);
    memset(AnsiString, 0, sizeof *AnsiString);
}

/* ---- UTF-8 ---- */

/* The next character; *bad when it had to be replaced. */
static ULONG next_wide(const WCHAR *text, ULONG count, ULONG *at, bool *bad)
{
    ULONG c = text[(*at)++];

    if (c < SURROGATES || c >= BEHIND_SURROGATES)
        return c;
    if (c < LOW_SURROGATES && *at < count && text[*at] >= LOW_SURROGATES &&
        text[*at] < BEHIND_SURROGATES)
        return 0x10000 + ((c - SURROGATES) << 10) + (text[(*at)++] - (ULONG)LOW_SURROGATES);
    *bad = true;
    return REPLACEMENT;
}

/* At most four bytes; returns how many. */
static ULONG put_utf8(ULONG c, CHAR *ret)
{
    static const UCHAR first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    ULONG bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (ULONG i = bytes; i-- > 1; c >>= 6)
        ret[i] = (CHAR)(0x80 | (c & 0x3F));
    ret[0] = (CHAR)(first[bytes] | c);
    return bytes;
}

/* Without a destination only the size is told. A character goes in whole, or not at all. */
NTSTATUS RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount,
                           PULONG UTF8StringActualByteCount, PCWCH UnicodeStringSource,
                           ULONG UnicodeStringByteCount)
{
    ULONG count = UnicodeStringByteCount / (ULONG)sizeof(WCHAR), used = 0;
    NTSTATUS status = STATUS_SUCCESS;
    bool bad = false;

    if (!UnicodeStringSource)
        return STATUS_INVALID_PARAMETER_4;
    if (!UTF8StringDestination && !UTF8StringActualByteCount)
        return STATUS_INVALID_PARAMETER;
    for (ULONG at = 0; at < count;) {
        CHAR bytes[4];
        ULONG length = put_utf8(next_wide(UnicodeStringSource, count, &at, &bad), bytes);

        if (UTF8StringDestination) {
            if (length > UTF8StringMaxByteCount - used) {
                status = STATUS_BUFFER_TOO_SMALL;
                break;
            }
            memcpy(UTF8StringDestination + used, bytes, length);
        }
        used += length;
    }
    if (UTF8StringActualByteCount)
        *UTF8StringActualByteCount = used;
    return status || !bad ? status : STATUS_SOME_NOT_MAPPED;
}

/* Bytes of the character that begins with this one; 0: none does. */
static unsigned utf8_length(UCHAR first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first < 0xE0)
        return 2;
    if (first >= 0xE0 && first < 0xF0)
        return 3;
    return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

static bool is_sound(ULONG c, unsigned length)
{
    static const ULONG least[] = {0, 0, 0x80, 0x800, 0x10000};

    return c >= least[length] && c <= 0x10FFFF && (c < SURROGATES || c >= BEHIND_SURROGATES);
}

static ULONG next_utf8(const UCHAR *text, ULONG count, ULONG *at, bool *bad)
{
    static const UCHAR mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    UCHAR first = text[(*at)++];
    unsigned length = utf8_length(first), taken = 1;
    ULONG c = first & mask[length];

    for (; taken < length && *at < count && (text[*at] & 0xC0) == 0x80; taken++)
        c = c << 6 | (text[(*at)++] & 0x3F);
    if (length && taken == length && is_sound(c, length))
        return c;
    *bad = true;
    return REPLACEMENT;
}

static ULONG put_wide(ULONG c, WCHAR *ret)
{
    if (c < 0x10000) {
        ret[0] = (WCHAR)c;
        return 1;
    }
    ret[0] = (WCHAR)(SURROGATES + ((c - 0x10000) >> 10));
    ret[1] = (WCHAR)(LOW_SURROGATES + ((c - 0x10000) & 0x3FF));
    return 2;
}

NTSTATUS RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                           PULONG UnicodeStringActualByteCount, PCCH UTF8StringSource,
                           ULONG UTF8StringByteCount)
{
    ULONG room = UnicodeStringMaxByteCount / (ULONG)sizeof(WCHAR), used = 0;
    NTSTATUS status = STATUS_SUCCESS;
    bool bad = false;

    if (!UTF8StringSource)
        return STATUS_INVALID_PARAMETER_4;
    if (!UnicodeStringDestination && !UnicodeStringActualByteCount)
        return STATUS_INVALID_PARAMETER;
    for (ULONG at = 0; at < UTF8StringByteCount;) {
        WCHAR units[2];
        ULONG length = put_wide(
            next_utf8((const UCHAR *)UTF8StringSource, UTF8StringByteCount, &at, &bad), units);

        if (UnicodeStringDestination) {
            if (length > room - used) {
                status = STATUS_BUFFER_TOO_SMALL;
                break;
            }
            memcpy(UnicodeStringDestination + used, units, length * sizeof *units);
        }
        used += length;
    }
    if (UnicodeStringActualByteCount)
        *UnicodeStringActualByteCount = used * (ULONG)sizeof(WCHAR);
    return status || !bad ? status : STATUS_SOME_NOT_MAPPED;
}
