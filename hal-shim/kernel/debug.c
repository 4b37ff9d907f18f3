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

static void put_wide(struct text *text, const WCHAR *wide, size_t count)
{
    for (size_t i = 0; wide && i < count && wide[i]; i++) {
        char c = wide[i] < 0x80 ? (char)wide[i] : '?';

        put(text, &c, 1);
    }
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

/* One conversion. spec is the whole specification, "%08lx"; `wide` counts l's and I64. */
static void convert(struct text *text, const char *spec, bool sixty_four, char type, va_list *args)
{
    char format[32], bytes[64], flags[16];
    size_t length = strcspn(spec, "hlIdiouxXcCsSpzwZ");

    if (length >= sizeof flags)
        length = sizeof flags - 1;
    memcpy(flags, spec, length);
    flags[length] = '\0';
    switch (type) {
    case 'd':
    case 'i':
        snprintf(format, sizeof format, "%slld", flags);
        snprintf(bytes, sizeof bytes, format,
                 sixty_four ? va_arg(*args, long long) : (long long)va_arg(*args, int));
        break;
    case 'c':
    case 'C':
        snprintf(bytes, sizeof bytes, "%c", va_arg(*args, int));
        break;
    default:
        snprintf(format, sizeof format, "%sll%c", flags, type);
        snprintf(bytes, sizeof bytes, format,
                 sixty_four ? va_arg(*args, unsigned long long)
                            : (unsigned long long)va_arg(*args, unsigned));
    }
    put(text, bytes, strlen(bytes));
}

static void put_string(struct text *text, char type, bool wide, va_list *args)
{
    if (type == 'Z') {
        const UNICODE_STRING *string = va_arg(*args, const UNICODE_STRING *);

        put_wide(text, string ? string->Buffer : NULL, string ? string->Length / sizeof(WCHAR) : 0);
    } else if (wide || type == 'S') {
        put_wide(text, va_arg(*args, const WCHAR *), TEXT_BYTES);
    } else {
        const char *string = va_arg(*args, const char *);

        put(text, string ? string : "(null)", string ? strnlen(string, TEXT_BYTES) : 6);
    }
}

static void format_text(struct text *text, const char *format, va_list *args)
{
    while (*format) {
        const char *spec = format;
        bool sixty_four = false, wide = false;

        if (*format != '%') {
            put(text, format++, 1);
            continue;
        }
        format++;
        if (*format == '%') {
            put(text, format++, 1);
            continue;
        }
        while (*format && strchr("-+ #0123456789.", *format))
            format++;
        for (; *format && strchr("hlIzw64", *format); format++) {
            sixty_four |= *format == '6' || *format == 'z' ||
                          (*format == 'l' && format[1] == 'l') ||
                          (*format == 'I' && format[1] != '3');
            wide |= *format == 'w' || *format == 'l';
        }
        if (!*format)
            break;
        if (*format == 'p')
            put_handle(text, va_arg(*args, void *));
        else if (strchr("sSZ", *format))
            put_string(text, *format, wide, args);
        else if (strchr("diouxXcC", *format))
            convert(text, spec, sixty_four, *format, args);
        format++;
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
