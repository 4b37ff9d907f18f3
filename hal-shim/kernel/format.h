/* Formatting as the kernel's printf family does it: 16-bit WCHAR, a long of 32 bits, counted
 * strings
 * (%Z, %wZ), sizes h l ll w z I I32 I64. Pointers (%p) print as handles. Not modelled: floating
 * point, %n, code pages (a character that is not ASCII becomes '?' where it changes its size).
 */
#ifndef FT_KERNEL_FORMAT_H
#define FT_KERNEL_FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <wdm.h>

/* Where the text goes: exactly one of narrow and wide is set, and is the caller's. */
struct ft_text {
    char *narrow;
    WCHAR *wide;
    size_t size; /* in characters, at least 1: the last one is kept for the terminator */
    size_t used; /* in characters; zero at first */
    bool strict; /* a conversion that is not modelled stops the run by name, else prints nothing */
    bool cut;    /* set when something did not fit */
};

void ft_text_put(struct ft_text *text, const char *ascii);

/* Both read the arguments that the format asks for, and leave the text without a terminator. */
void ft_text_format(struct ft_text *text, const char *format, va_list *args);
void ft_text_format_wide(struct ft_text *text, const WCHAR *format, va_list *args);

/* Writes the terminator. */
void ft_text_end(struct ft_text *text);

#endif
