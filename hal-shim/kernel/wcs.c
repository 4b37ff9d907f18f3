/*
 * wcs.c: string routines for 16-bit wide characters, behind the wcs* names of ddi/wdm_rtl.h.
 *
 * The host's library takes a wide character for 32 bits, so nothing of it is used here. Case is
 * that of Latin-1 only: the names in drivers and registries that this serves need no more.
 */
#include "wdm_rtl.h"

size_t ft_wcslen(const WCHAR *s)
{
    size_t n = 0;

    while (s[n] != 0)
        n++;
    return n;
}

size_t ft_wcsnlen(const WCHAR *s, size_t limit)
{
    size_t n = 0;

    while (n < limit && s[n] != 0)
        n++;
    return n;
}

WCHAR ft_towupper(WCHAR c)
{
    if (c >= L'a' && c <= L'z')
        return (WCHAR)(c - 0x20);
    if (c >= 0xE0 && c <= 0xFE && c != 0xF7)
        return (WCHAR)(c - 0x20);
    return c;
}

WCHAR ft_towlower(WCHAR c)
{
    if (c >= L'A' && c <= L'Z')
        return (WCHAR)(c + 0x20);
    if (c >= 0xC0 && c <= 0xDE && c != 0xD7)
        return (WCHAR)(c + 0x20);
    return c;
}

int ft_wcsncmp(const WCHAR *a, const WCHAR *b, size_t limit)
{
    for (size_t i = 0; i < limit; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
        if (a[i] == 0)
            return 0;
    }
    return 0;
}

int ft_wcscmp(const WCHAR *a, const WCHAR *b)
{
    return ft_wcsncmp(a, b, (size_t)-1);
}

int ft_wcsnicmp(const WCHAR *a, const WCHAR *b, size_t limit)
{
    for (size_t i = 0; i < limit; i++) {
        WCHAR left = ft_towlower(a[i]);
        WCHAR right = ft_towlower(b[i]);

        if (left != right)
            return left < right ? -1 : 1;
        if (left == 0)
            return 0;
    }
    return 0;
}

int ft_wcsicmp(const WCHAR *a, const WCHAR *b)
{
    return ft_wcsnicmp(a, b, (size_t)-1);
}

WCHAR *ft_wcscpy(WCHAR *destination, const WCHAR *source)
{
    size_t n = 0;

    do
        destination[n] = source[n];
    while (source[n++] != 0);
    return destination;
}

/* As wcsncpy: fills up with zeros, and leaves out the terminator when the limit is reached. */
WCHAR *ft_wcsncpy(WCHAR *destination, const WCHAR *source, size_t limit)
{
    size_t n = 0;

    for (; n < limit && source[n] != 0; n++)
        destination[n] = source[n];
    for (; n < limit; n++)
        destination[n] = 0;
    return destination;
}

WCHAR *ft_wcscat(WCHAR *destination, const WCHAR *source)
{
    ft_wcscpy(destination + ft_wcslen(destination), source);
    return destination;
}

WCHAR *ft_wcsncat(WCHAR *destination, const WCHAR *source, size_t limit)
{
    WCHAR *end = destination + ft_wcslen(destination);
    size_t n = 0;

    for (; n < limit && source[n] != 0; n++)
        end[n] = source[n];
    end[n] = 0;
    return destination;
}

WCHAR *ft_wcschr(const WCHAR *s, WCHAR c)
{
    for (;; s++) {
        if (*s == c)
            return (WCHAR *)(ULONG_PTR)s;
        if (*s == 0)
            return NULL;
    }
}

WCHAR *ft_wcsrchr(const WCHAR *s, WCHAR c)
{
    const WCHAR *found = NULL;

    for (;; s++) {
        if (*s == c)
            found = s;
        if (*s == 0)
            return (WCHAR *)(ULONG_PTR)found;
    }
}

WCHAR *ft_wcsstr(const WCHAR *s, const WCHAR *part)
{
    size_t length = ft_wcslen(part);

    for (;; s++) {
        if (ft_wcsncmp(s, part, length) == 0)
            return (WCHAR *)(ULONG_PTR)s;
        if (*s == 0)
            return NULL;
    }
}

static int is_space(WCHAR c)
{
    return c == L' ' || (c >= 0x09 && c <= 0x0D);
}

static int digit_of(WCHAR c)
{
    if (c >= L'0' && c <= L'9')
        return c - L'0';
    c = ft_towlower(c);
    return c >= L'a' && c <= L'f' ? c - L'a' + 10 : 16;
}

struct conversion {
    unsigned width; /* characters at most, 0: no limit */
    unsigned bytes; /* size of the result */
    BOOLEAN skip;   /* %* */
    WCHAR letter;
};

/* Reads one conversion behind its '%'; returns what follows it. */
static const WCHAR *read_conversion(const WCHAR *format, struct conversion *ret)
{
    struct conversion result = {0, 4, FALSE, 0};

    if (*format == L'*') {
        result.skip = TRUE;
        format++;
    }
    while (*format >= L'0' && *format <= L'9')
        result.width = result.width * 10 + (unsigned)(*format++ - L'0');
    if (format[0] == L'h' && format[1] == L'h') {
        result.bytes = 1;
        format += 2;
    } else if (*format == L'h') {
        result.bytes = 2;
        format++;
    } else if (format[0] == L'l' && format[1] == L'l') {
        result.bytes = 8;
        format += 2;
    } else if (format[0] == L'I' && format[1] == L'6' && format[2] == L'4') {
        result.bytes = 8;
        format += 3;
    } else if (*format == L'l') {
        format++;
    }
    result.letter = *format;
    *ret = result;
    return result.letter != 0 ? format + 1 : format;
}

/* Reads a number in the base of the conversion; NULL: none stands there. */
static const WCHAR *read_number(const WCHAR *text, const struct conversion *how, ULONGLONG *ret)
{
    unsigned left = how->width != 0 ? how->width : 64;
    int base = how->letter == L'x' || how->letter == L'X' ? 16 : 10;
    BOOLEAN negative = FALSE;
    ULONGLONG value = 0;
    const WCHAR *first;

    if (left > 0 && (*text == L'-' || *text == L'+')) {
        negative = *text++ == L'-';
        left--;
    }
    if ((base == 16 || how->letter == L'i') && left > 2 && text[0] == L'0' &&
        ft_towlower(text[1]) == L'x' && digit_of(text[2]) < 16) {
        base = 16;
        text += 2;
        left -= 2;
    } else if (how->letter == L'i' && text[0] == L'0') {
        base = 8;
    }
    for (first = text; left > 0 && digit_of(*text) < base; left--)
        value = value * (ULONGLONG)base + (ULONGLONG)digit_of(*text++);
    if (text == first)
        return NULL;
    *ret = negative ? 0 - value : value;
    return text;
}

static void store(void *to, unsigned bytes, ULONGLONG value)
{
    memcpy(to, &value, bytes); /* the host is little-endian, as x64 Windows is */
}

/*
 * ft_swscanf_s: returns the number of values stored, or -1 when the text ends before the first
 * conversion. Not modelled: strings, character sets, floating point (reading stops there).
 */
int ft_swscanf_s(const WCHAR *text, const WCHAR *format, ...)
{
    int stored = 0;
    va_list args;

    va_start(args, format);
    while (*format != 0) {
        struct conversion how;
        ULONGLONG value = 0;

        if (is_space(*format)) {
            format++;
            while (is_space(*text))
                text++;
            continue;
        }
        if (*format != L'%' || format[1] == L'%') {
            format += *format == L'%' ? 1 : 0;
            if (*text != *format)
                break;
            text++;
            format++;
            continue;
        }
        format = read_conversion(format + 1, &how);
        while (is_space(*text))
            text++;
        if (*text == 0) {
            stored = stored == 0 ? -1 : stored;
            break;
        }
        if (how.letter == 0 || ft_wcschr(L"diuxX", how.letter) == NULL)
            break;
        text = read_number(text, &how, &value);
        if (text == NULL)
            break;
        if (!how.skip) {
            store(va_arg(args, void *), how.bytes, value);
            stored++;
        }
    }
    va_end(args);
    return stored;
}
