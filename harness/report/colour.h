/* Terminals: whether to colour, how wide to write, which marks can be shown.
 *
 * Colour goes to a terminal only, and never when NO_COLOR is set (https://no-color.org); --colour
 * overrides both. Lines are cut to a terminal's width and to nothing else's.
 */
#ifndef FT_COLOUR_H
#define FT_COLOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Colours that can be read on a dark and on a light ground: no plain yellow, blue or white. */
enum ft_colour {
    FT_COLOUR_NONE, /* ends any other */
    FT_COLOUR_DIM,
    FT_COLOUR_BOLD,
    FT_COLOUR_GOOD,
    FT_COLOUR_BAD,
    FT_COLOUR_OP,
    FT_COLOUR_DEVICE,
    FT_COLOUR_CODE,
    FT_COLOUR_COUNT
};

/* What --colour says: auto, which it is without, always or never. False: none of them. */
bool ft_colour_choose(const char *when);

/* Whether text written to this stream may be coloured. Ask before a pager takes the stream's place.
 */
bool ft_colour_wanted(FILE *out);

/* The escape sequence, "" when colour is off. */
const char *ft_colour(bool on, enum ft_colour colour);

/* Columns of the terminal that the stream is, by COLUMNS or the terminal itself; 0 when it is none:
 * lines are as long as they are. */
int ft_terminal_width(FILE *out);

/* What stands where a line was cut: one column where the locale has UTF-8. */
const char *ft_ellipsis(void);
int ft_ellipsis_columns(void);

/* How many bytes of the text go on one line of so many columns: up to a blank, if there is one. */
size_t ft_wrap_length(const char *text, size_t columns);

#endif
