/* Escape sequences, and when not to use them; the width of a terminal. */
#include "report/colour.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_COLUMNS = 80, COLUMNS_MIN = 40, COLUMNS_MAX = 4096 };

static const char *const sequences[FT_COLOUR_COUNT] = {
    [FT_COLOUR_NONE] = "\033[0m",    [FT_COLOUR_DIM] = "\033[2m",    [FT_COLOUR_BOLD] = "\033[1m",
    [FT_COLOUR_GOOD] = "\033[32m",   [FT_COLOUR_BAD] = "\033[1;31m", [FT_COLOUR_OP] = "\033[1;35m",
    [FT_COLOUR_DEVICE] = "\033[36m", [FT_COLOUR_CODE] = "\033[2m",
};

enum ft_colour_when { FT_COLOUR_AUTO, FT_COLOUR_ALWAYS, FT_COLOUR_NEVER };
static enum ft_colour_when chosen = FT_COLOUR_AUTO;

bool ft_colour_choose(const char *when)
{
    static const char *const words[] = {
        [FT_COLOUR_AUTO] = "auto", [FT_COLOUR_ALWAYS] = "always", [FT_COLOUR_NEVER] = "never"};

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(when, words[i]) == 0) {
            chosen = (enum ft_colour_when)i;
            return true;
        }
    }
    return false;
}

bool ft_colour_wanted(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    if (chosen != FT_COLOUR_AUTO) {
        return chosen == FT_COLOUR_ALWAYS;
    }
    if (no_colour != NULL && no_colour[0] != '\0') {
        return false;
    }
    return isatty(fileno(out)) != 0 && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

const char *ft_colour(bool on, enum ft_colour colour)
{
    return on ? sequences[colour] : "";
}

static int in_bounds(long columns)
{
    if (columns <= 0) {
        return USUAL_COLUMNS;
    }
    return columns < COLUMNS_MIN ? COLUMNS_MIN : columns > COLUMNS_MAX ? COLUMNS_MAX : (int)columns;
}

int ft_terminal_width(FILE *out)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size = {0};

    if (isatty(fileno(out)) == 0) {
        return 0;
    }
    if (columns != NULL && strtol(columns, NULL, 10) > 0) {
        return in_bounds(strtol(columns, NULL, 10));
    }
    return in_bounds(ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0);
}

/* The first of these variables that is set names the character set. */
static bool has_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (unsigned i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i]);

        if (value != NULL && value[0] != '\0') {
            return strstr(value, "UTF-8") != NULL || strstr(value, "utf8") != NULL;
        }
    }
    return false;
}

const char *ft_ellipsis(void)
{
    return has_utf8() ? "\xE2\x80\xA6" : "...";
}

int ft_ellipsis_columns(void)
{
    return has_utf8() ? 1 : 3;
}

size_t ft_wrap_length(const char *text, size_t columns)
{
    size_t end = strlen(text);

    if (end > columns) {
        for (end = columns; end > 0 && text[end] != ' '; end--) {
        }
        end = end != 0 ? end : columns;
    }
    return end;
}
