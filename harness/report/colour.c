/* Escape sequences, and when not to use them. */
#include "report/colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const sequences[FT_COLOUR_COUNT] = {
    [FT_COLOUR_NONE] = "\033[0m",    [FT_COLOUR_DIM] = "\033[2m",    [FT_COLOUR_BOLD] = "\033[1m",
    [FT_COLOUR_GOOD] = "\033[32m",   [FT_COLOUR_BAD] = "\033[1;31m", [FT_COLOUR_OP] = "\033[1;33m",
    [FT_COLOUR_DEVICE] = "\033[36m", [FT_COLOUR_CODE] = "\033[2m",
};

bool ft_colour_wanted(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    if (no_colour != NULL && no_colour[0] != '\0') {
        return false;
    }
    return isatty(fileno(out)) != 0 && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

const char *ft_colour(bool on, enum ft_colour colour)
{
    return on ? sequences[colour] : "";
}
