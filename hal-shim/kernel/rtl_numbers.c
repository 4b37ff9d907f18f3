/* Integers and GUIDs as text, and the generators of random numbers and of UUIDs, which are
 * functions of their seed and of the run. */
#include "kernel/pool.h"
#include "world/machine.h"

#include <string.h>
#include <wdm.h>

/* ---- integers ---- */

static bool base_is_known(ULONG base)
{
    return base == 2 || base == 8 || base == 10 || base == 16;
}

static NTSTATUS put_number(ULONGLONG value, ULONG base, PUNICODE_STRING string)
{
    WCHAR digits[64];
    unsigned count = 0;

    if (base == 0)
        base = 10;
    if (!base_is_known(base))
        return STATUS_INVALID_PARAMETER;
    do {
        digits[count++] = (WCHAR) "0123456789ABCDEF"[value % base];
        value /= base;
    } while (value);
    if (count * sizeof(WCHAR) > string->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    for (unsigned i = 0; i < count; i++)
        string->Buffer[i] = digits[count - 1 - i];
    string->Length = (USHORT)(count * sizeof(WCHAR));
    if (string->Length + sizeof(WCHAR) <= string->MaximumLength)
        string->Buffer[count] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    return put_number(Value, Base, String);
}

NTSTATUS RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    return put_number(Value, Base, String);
}

/* What is read: characters one by one, 0 behind the last. */
struct source {
    const WCHAR *wide;
    const CHAR *narrow;
    size_t count; /* of wide characters */
};

static unsigned character(const struct source *source, size_t at)
{
    if (source->wide)
        return at < source->count ? source->wide[at] : 0;
    return (UCHAR)source->narrow[at];
}

static unsigned digit(unsigned c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0xFF;
}

/* 0x, 0o and 0b say the base when the caller does not. */
static ULONG base_of_prefix(const struct source *source, size_t *at)
{
    unsigned letter = character(source, *at) == '0' ? character(source, *at + 1) : 0;
    ULONG base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;

    if (base != 10)
        *at += 2;
    return base;
}

/* White space, a sign, digits up to the first character that is none; no digit: 0. */
static NTSTATUS read_number(const struct source *source, ULONG base, PULONG value)
{
    bool negative = false;
    ULONG number = 0;
    size_t at = 0;

    while (character(source, at) && character(source, at) <= ' ')
        at++;
    if (character(source, at) == '-' || character(source, at) == '+')
        negative = character(source, at++) == '-';
    if (base == 0)
        base = base_of_prefix(source, &at);
    if (!base_is_known(base))
        return STATUS_INVALID_PARAMETER;
    for (; digit(character(source, at)) < base; at++)
        number = number * base + digit(character(source, at));
    *value = negative ? 0 - number : number;
    return STATUS_SUCCESS;
}

NTSTATUS RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    struct source source = {.wide = String->Buffer, .count = String->Length / sizeof(WCHAR)};

    return String->Buffer ? read_number(&source, Base, Value) : STATUS_INVALID_PARAMETER;
}

NTSTATUS RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value)
{
    struct source source = {.narrow = String};

    return read_number(&source, Base, Value);
}

/* ---- GUIDs: {01234567-0123-0123-0123-0123456789AB} ---- */

/* The bytes of a GUID in the order in which the text has them; -1 is a dash. */
static const int8_t guid_order[] = {3,  2, 1, 0,  -1, 5,  4,  -1, 7,  6,
                                    -1, 8, 9, -1, 10, 11, 12, 13, 14, 15};
enum { GUID_CHARACTERS = 38, GUID_STEPS = sizeof guid_order };

NTSTATUS RtlStringFromGUID(REFGUID Guid, PUNICODE_STRING GuidString)
{
    struct ft_pool_want want = {.bytes = (GUID_CHARACTERS + 1) * sizeof(WCHAR),
                                .tag = 0x67727453 /* Strg */,
                                .memory = FT_POOL_OF_PAGED};
    const UCHAR *bytes = (const UCHAR *)Guid;
    WCHAR *at = ft_pool_take(&want);

    if (!at)
        return STATUS_NO_MEMORY;
    GuidString->Buffer = at;
    GuidString->Length = GUID_CHARACTERS * sizeof(WCHAR);
    GuidString->MaximumLength = (USHORT)want.bytes;
    *at++ = '{';
    for (unsigned i = 0; i < GUID_STEPS; i++) {
        if (guid_order[i] < 0) {
            *at++ = '-';
            continue;
        }
        *at++ = (WCHAR) "0123456789ABCDEF"[bytes[guid_order[i]] >> 4];
        *at++ = (WCHAR) "0123456789ABCDEF"[bytes[guid_order[i]] & 15];
    }
    *at++ = '}';
    *at = 0;
    return STATUS_SUCCESS;
}

NTSTATUS RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid)
{
    const WCHAR *at = GuidString->Buffer;
    UCHAR bytes[sizeof(GUID)];

    if (GuidString->Length != GUID_CHARACTERS * sizeof(WCHAR) || *at++ != '{')
        return STATUS_INVALID_PARAMETER;
    for (unsigned i = 0; i < GUID_STEPS; i++) {
        if (guid_order[i] < 0) {
            if (*at++ != '-')
                return STATUS_INVALID_PARAMETER;
            continue;
        }
        if (digit(at[0]) > 15 || digit(at[1]) > 15)
            return STATUS_INVALID_PARAMETER;
        bytes[guid_order[i]] = (UCHAR)(digit(at[0]) << 4 | digit(at[1]));
        at += 2;
    }
    if (*at != '}')
        return STATUS_INVALID_PARAMETER;
    memcpy(Guid, bytes, sizeof bytes);
    return STATUS_SUCCESS;
}

/* ---- random ---- */

/* A linear congruential generator modulo 2^31 - 1, of the seed alone. */
static ULONG next_random(PULONG seed)
{
    *seed = (ULONG)(((ULONGLONG)*seed * 0x7FFFFFED + 0x7FFFFFC3) % 0x7FFFFFFF);
    return *seed;
}

ULONG RtlRandom(PULONG Seed)
{
    return next_random(Seed);
}

ULONG RtlRandomEx(PULONG Seed)
{
    return next_random(Seed);
}

/* The n-th of the run: no clock and no address is in it. */
NTSTATUS ExUuidCreate(GUID *Uuid)
{
    static const GUID first = {0, 0x4654, 0x4000, {0x80, 0x00, 0x66, 0x6C, 0x75, 0x73, 0x68, 0x00}};

    *Uuid = first;
    Uuid->Data1 = ++FT_M->uuids;
    return STATUS_SUCCESS;
}
