/* The conversions of DbgPrint and of the printf forms of ntstrsafe.h. Pointers print as handles, so
 * that no address reaches an event, nor a string that a driver may print later.
 */
#include "kernel/format.h"

#include "world/machine.h"

#include <stdio.h>
#include <string.h>

enum {
    NUMBER_BYTES = 512, /* longest number: a width or precision above it is cut short */
    SPEC_CHARACTERS = 32
};

static void put_character(struct ft_text *text, WCHAR c)
{
    if (text->used + 1 >= text->size) {
        text->cut = true;
        return;
    }
    if (text->wide)
        text->wide[text->used++] = c;
    else
        text->narrow[text->used++] = (char)c;
}

void ft_text_put(struct ft_text *text, const char *ascii)
{
    while (*ascii)
        put_character(text, (unsigned char)*ascii++);
}

void ft_text_end(struct ft_text *text)
{
    if (text->wide)
        text->wide[text->used] = 0;
    else
        text->narrow[text->used] = '\0';
}

static void put_handle(struct ft_text *text, const void *pointer)
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
    ft_text_put(text, bytes);
}

/* A conversion: %[flags][width][.precision][size]type. */
struct spec {
    char flags[6];
    int width, precision; /* precision -1: none */
    bool sixty_four, wide, narrow;
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
        if (value < NUMBER_BYTES)
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
        spec->narrow |= **at == 'h';
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

static void put_integer(struct ft_text *text, const struct spec *spec, va_list *args)
{
    bool is_signed = spec->type == 'd' || spec->type == 'i';
    char format[24], bytes[NUMBER_BYTES];
    unsigned long long value;

    if (spec->sixty_four)
        value = va_arg(*args, unsigned long long);
    else
        value = is_signed ? (unsigned long long)va_arg(*args, int) : va_arg(*args, unsigned);
    snprintf(format, sizeof format, "%%%s*.*ll%c", spec->flags, spec->type);
    if (snprintf(bytes, sizeof bytes, format, spec->width, spec->precision, value) >= NUMBER_BYTES)
        text->cut = true;
    ft_text_put(text, bytes);
}

static void pad(struct ft_text *text, size_t count)
{
    while (count-- > 0 && !text->cut)
        put_character(text, ' ');
}

/* Without a size, s and c have the characters of the text they go to, S and C the other ones. */
static bool is_wide(const struct ft_text *text, const struct spec *spec)
{
    bool other = spec->type == 'S' || spec->type == 'C';

    if (spec->wide || spec->narrow)
        return spec->wide;
    return other != (text->wide != NULL);
}

/* Characters of one or two bytes, up to the precision and the first zero. Others than ASCII print
 * as
 * '?' where the sizes differ: code pages are not modelled. */
static void put_characters(struct ft_text *text, const struct spec *spec, const void *from,
                           size_t count, bool wide)
{
    const char *narrow = from;
    const WCHAR *broad = from;
    bool left = strchr(spec->flags, '-') != NULL, same = wide == (text->wide != NULL);
    size_t length = 0, width = spec->width > 0 ? (size_t)spec->width : 0;

    if (spec->precision >= 0 && (size_t)spec->precision < count)
        count = (size_t)spec->precision;
    while (length < count && (wide ? broad[length] != 0 : narrow[length] != 0))
        length++;
    if (!left && width > length)
        pad(text, width - length);
    for (size_t i = 0; i < length && !text->cut; i++) {
        WCHAR c = wide ? broad[i] : (unsigned char)narrow[i];

        put_character(text, same || c < 0x80 ? c : '?');
    }
    if (left && width > length)
        pad(text, width - length);
}

/* %s %S %ws %hs, and the counted strings %Z (ANSI_STRING) and %wZ (UNICODE_STRING). More than
 * the text can hold is not read. */
static void put_string(struct ft_text *text, const struct spec *spec, va_list *args)
{
    const void *argument = va_arg(*args, const void *);

    if (spec->type != 'Z') {
        if (argument)
            put_characters(text, spec, argument, text->size, is_wide(text, spec));
        else
            put_characters(text, spec, "(null)", text->size, false);
    } else if (spec->wide && argument) {
        const UNICODE_STRING *string = argument;

        put_characters(text, spec, string->Buffer, string->Length / sizeof(WCHAR), true);
    } else if (argument) {
        const ANSI_STRING *string = argument;

        put_characters(text, spec, string->Buffer, string->Length, false);
    }
}

static void put_one(struct ft_text *text, const struct spec *spec, va_list *args)
{
    int value = va_arg(*args, int);
    WCHAR broad = (WCHAR)value;
    char narrow = (char)value;
    bool wide = is_wide(text, spec);

    put_characters(text, spec, wide ? (const void *)&broad : &narrow, 1, wide);
}

static void convert(struct ft_text *text, const struct spec *spec, va_list *args)
{
    switch (spec->type) {
    case '%':
        put_character(text, '%');
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
        put_one(text, spec, args);
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
        if (text->strict)
            ft_unimplemented("a printf conversion other than % c C d i o p s S u x X Z");
        break;
    }
}

void ft_text_format(struct ft_text *text, const char *format, va_list *args)
{
    while (*format) {
        struct spec spec;

        if (*format != '%') {
            put_character(text, (unsigned char)*format++);
            continue;
        }
        format++;
        spec = read_spec(&format, args);
        convert(text, &spec, args);
    }
}

void ft_text_format_wide(struct ft_text *text, const WCHAR *format, va_list *args)
{
    while (*format) {
        char narrow[SPEC_CHARACTERS] = "";
        const char *at = narrow;
        struct spec spec;

        if (*format != '%') {
            put_character(text, *format++);
            continue;
        }
        format++;
        /* A conversion is ASCII, and shorter than this. */
        for (size_t i = 0; i + 1 < sizeof narrow && format[i] && format[i] < 0x80; i++)
            narrow[i] = (char)format[i];
        spec = read_spec(&at, args);
        format += at - narrow;
        convert(text, &spec, args);
    }
}
