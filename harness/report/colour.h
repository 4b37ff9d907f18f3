/* Colour: on a terminal only, and never when NO_COLOR is set (https://no-color.org). */
#ifndef FT_COLOUR_H
#define FT_COLOUR_H

#include <stdbool.h>
#include <stdio.h>

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

/* Whether text written to this stream may be coloured. Ask before a pager takes the stream's place.
 */
bool ft_colour_wanted(FILE *out);

/* The escape sequence, "" when colour is off. */
const char *ft_colour(bool on, enum ft_colour colour);

#endif
