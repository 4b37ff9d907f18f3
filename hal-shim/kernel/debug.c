/* What a driver prints and asserts. Pointers print as handles, so that no address reaches an event.
 */
#include "world/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wdm.h>

enum { TEXT_BYTES = 512 };

struct text {
    char bytes[TEXT_BYTES];
    size_t used;
};

static void put(struct text *text, const char *bytes, size_t count)
{
    while (count-- > 0 && text->used + 1 < TEXT_BYTES)
        text->bytes[text->used++] = *bytes++;
    text->bytes[text->used] = '\0';
}

static void put_handle(struct text *text, const void *pointer)
{
#define HC(number, symbol, name) [number] = name,
    static const char *const names[] = {FT_HANDLE_CLASSES(HC)};
#undef HC
    char bytes[48];
    uint64_t handle = ft_handle_of(pointer);

    if (!handle)
        strcpy(bytes, "NULL");
    else
        snprintf(bytes, sizeof bytes, "%s#%u", names[ft_handle_class(handle)],
                 ft_handle_id(handle));
    put(text, bytes, strlen(bytes));
}

/* A conversion: %[flags][width][.precision][size]type. */
struct spec {
    char flags[6];
    int width, precision; /* precision -1: none */
    bool sixty_four, wide;
    char type;
};

static int read_number(const char **at, va_list *args)
{
    int value = 0;

    if (**at == '*') {
        (*at)++;
        return va_arg(*args, int);
    }
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (value < TEXT_BYTES)
            value = value * 10 + (**at - '0');
    return value;
}

static void read_size(const char **at, struct spec *spec)
{
    if (strncmp(*at, "I64", 3) == 0 || strncmp(*at, "I32", 3) == 0) {
        spec->sixty_four = (*at)[1] == '6';
        *at += 3;
        return;
    }
    for (; **at && strchr("hlIzw", **at); (*at)++) {
        /* A long has 32 bits here; only two of them, or a pointer's size, have 64. */
        spec->sixty_four |= **at == 'I' || **at == 'z' || (**at == 'l' && spec->wide);
        spec->wide |= **at == 'l' || **at == 'w';
    }
}

/* Reads what follows the percent sign, and leaves *at behind it. */
static struct spec read_spec(const char **at, va_list *args)
{
    struct spec spec = {.precision = -1};
    size_t flags = 0;

    for (; **at && strchr("-+ #0", **at); (*at)++)
        if (flags + 1 < sizeof spec.flags)
            spec.flags[flags++] = **at;
    spec.width = read_number(at, args);
    if (**at == '.') {
        (*at)++;
        spec.precision = read_number(at, args);
    }
    read_size(at, &spec);
    spec.type = **at;
    if (**at)
        (*at)++;
    return spec;
}

static void put_integer(struct text *text, const struct spec *spec, va_list *args)
{
    bool is_signed = spec->type == 'd' || spec->type == 'i';
    char format[24], bytes[TEXT_BYTES];
    unsigned long long value;

    if (spec->sixty_four)
        value = va_arg(*args, unsigned long long);
    else
        value = is_signed ? (unsigned long long)va_arg(*args, int) : va_arg(*args, unsigned);
    snprintf(format, sizeof format, "%%%s*.*ll%c", spec->flags, spec->type);
    snprintf(bytes, sizeof bytes, format, spec->width, spec->precision, value);
    put(text, bytes, strlen(bytes));
}

static void pad(struct text *text, size_t count)
{
    while (count-- > 0 && text->used + 1 < TEXT_BYTES)
        put(text, " ", 1);
}

/* Characters of one or two bytes, up to the precision and the first zero; others than ASCII print
 * as '?' when wide. */
static void put_characters(struct text *text, const struct spec *spec, const void *from,
                           size_t count, bool wide)
{
    const char *narrow = from;
    const WCHAR *broad = from;
    bool left = strchr(spec->flags, '-') != NULL;
    size_t length = 0, width = spec->width > 0 ? (size_t)spec->width : 0;

    if (spec->precision >= 0 && (size_t)spec->precision < count)
        count = (size_t)spec->precision;
    while (length < count && (wide ? broad[length] != 0 : narrow[length] != 0))
        length++;
    if (!left && width > length)
        pad(text, width - length);
    for (size_t i = 0; i < length; i++) {
        char c = (char)(!wide ? narrow[i] : broad[i] < 0x80 ? broad[i] : '?');

        put(text, &c, 1);
    }
    if (left && width > length)
        pad(text, width - length);
}

/* %s %S %ws %hs, and the counted strings %Z (ANSI_STRING) and %wZ (UNICODE_STRING). */
static void put_string(struct text *text, const struct spec *spec, va_list *args)
{
    const void *argument = va_arg(*args, const void *);
    bool wide = spec->wide || spec->type == 'S';

    if (spec->type != 'Z') {
        if (argument)
            put_characters(text, spec, argument, TEXT_BYTES, wide);
        else
            put_characters(text, spec, "(null)", TEXT_BYTES, false);
    } else if (wide && argument) {
        const UNICODE_STRING *string = argument;

        put_characters(text, spec, string->Buffer, string->Length / sizeof(WCHAR), true);
    } else if (argument) {
        const ANSI_STRING *string = argument;

        put_characters(text, spec, string->Buffer, string->Length, false);
    }
}

static void convert(struct text *text, const struct spec *spec, va_list *args)
{
    char c;

    switch (spec->type) {
    case '%':
        put(text, "%", 1);
        break;
    case 'p':
        put_handle(text, va_arg(*args, void *));
        break;
    case 's':
    case 'S':
    case 'Z':
        put_string(text, spec, args);
        break;
    case 'c':
    case 'C':
        c = (char)va_arg(*args, int);
        put_characters(text, spec, &c, 1, false);
        break;
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        put_integer(text, spec, args);
        break;
    default:
        break;
    }
}

/* Not modelled: floating point, %n. */
static void format_text(struct text *text, const char *format, va_list *args)
{
    while (*format) {
        struct spec spec;

        if (*format != '%') {
            put(text, format++, 1);
            continue;
        }
        format++;
        spec = read_spec(&format, args);
        convert(text, &spec, args);
    }
}

static ULONG print(const char *format, va_list *args)
{
    struct text text = {.used = 0};

    format_text(&text, format, args);
    if (text.used)
        ft_emit_text(FT_EV_DBG_PRINT, text.bytes);
    return STATUS_SUCCESS;
}

ULONG DbgPrint(PCSTR Format, ...)
{
    va_list args;
    ULONG status;

    va_start(args, Format);
    status = print(Format, &args);
    va_end(args);
    return status;
}

ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    va_list args;
    ULONG status;

    (void)ComponentId;
    (void)Level;
    va_start(args, Format);
    status = print(Format, &args);
    va_end(args);
    return status;
}

/* A checked build would stop here; the trace shows it and the run goes on. */
void ft_driver_assert(const char *expression, const char *file, unsigned line)
{
    uint64_t arg[7] = {line};

    (void)file;
    memcpy(&arg[1], expression, strnlen(expression, 48));
    ft_emit_args(FT_EV_ASSERT_FAILED, 7, arg);
}

void ft_list_corrupt(const LIST_ENTRY *entry)
{
    ft_bugcheck(0x139, 3, ft_handle_of(entry), 0, 0);
}

DECLSPEC_NORETURN VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1,
                                    ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3,
                                    ULONG_PTR BugCheckParameter4)
{
    ft_bugcheck(BugCheckCode, BugCheckParameter1, BugCheckParameter2, BugCheckParameter3,
                BugCheckParameter4);
}
