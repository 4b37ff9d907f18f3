/* The first difference of two traces, with its surroundings. */
#include "report/difference.h"
#include "report/colour.h"
#include "report/event_line.h"

#include <inttypes.h>
#include <string.h>

enum { SIDE_COLUMNS = 2 };

static bool same_event(const struct ft_event *a, const struct ft_event *b)
{
    struct ft_event left = *a, right = *b;

    left.site = right.site = 0;
    return memcmp(&left, &right, sizeof(left)) == 0;
}

uint64_t ft_first_difference(const struct ft_trace *a, const struct ft_trace *b, uint64_t after)
{
    uint64_t common = a->event_count < b->event_count ? a->event_count : b->event_count;

    for (uint64_t i = after; i < common; i++) {
        if (!same_event(&a->event[i], &b->event[i])) {
            return i + 1;
        }
    }
    return a->event_count == b->event_count ? 0 : common + 1;
}

uint64_t ft_first_departure(const struct ft_trace *a, const struct ft_trace *b)
{
    uint64_t event = ft_first_difference(a, b, 0);
    uint64_t further;

    if (event != 1 || a->event_count == 0 || b->event_count == 0 ||
        a->event[0].kind != FT_EV_RUN_BEGIN || b->event[0].kind != FT_EV_RUN_BEGIN) {
        return event;
    }
    further = ft_first_difference(a, b, 1);
    return further != 0 ? further : event;
}

static void print_side(struct ft_lines *lines, uint64_t first, uint64_t end, char mark,
                       enum ft_colour colour, FILE *out)
{
    if (first >= lines->trace->event_count) {
        fprintf(out, "%s%c%s   (ends after %" PRIu64 " events)\n", ft_colour(lines->colour, colour),
                mark, ft_colour(lines->colour, FT_COLOUR_NONE), lines->trace->event_count);
        return;
    }
    for (uint64_t i = first; i < end && i < lines->trace->event_count; i++) {
        fprintf(out, "%s%c%s ", ft_colour(lines->colour, colour), mark,
                ft_colour(lines->colour, FT_COLOUR_NONE));
        ft_lines_print(lines, i, out);
    }
}

void ft_difference_print(const struct ft_trace *a, const struct ft_trace *b, uint64_t event,
                         unsigned context, FILE *out)
{
    uint64_t first = event - 1;
    int width = ft_terminal_width(out) - SIDE_COLUMNS;
    struct ft_lines left, right;

    width = width > 0 ? width : 0;
    if (!ft_lines_begin(&left, a, ft_colour_wanted(out), width)) {
        return;
    }
    if (ft_lines_begin(&right, b, left.colour, width)) {
        left.unmarked = right.unmarked = true;
        right.number_width = left.number_width =
            left.number_width > right.number_width ? left.number_width : right.number_width;
        for (uint64_t i = first > context ? first - context : 0; i < first; i++) {
            fputs("  ", out);
            ft_lines_print(&left, i, out);
        }
        print_side(&left, first, first + 1 + context, '-', FT_COLOUR_BAD, out);
        print_side(&right, first, first + 1 + context, '+', FT_COLOUR_GOOD, out);
        ft_lines_end(&right);
    }
    ft_lines_end(&left);
}
