/* The table of an exploration as text: which places break which rule. */
#ifndef FT_EXPLORE_TABLE_H
#define FT_EXPLORE_TABLE_H

#include "explore/explore.h"

#include <stdio.h>

enum {
    FT_MARKS_MAX = 52, /* letters */
    FT_ROW_MAX = FT_DISTURBANCES_MAX + 1
};

/* A letter for each rule (and crash, hang) in the order of the table. */
struct ft_marks {
    unsigned count;
    struct {
        uint8_t kind; /* enum ft_verdict_kind */
        uint16_t rule;
        uint64_t cells;
    } mark[FT_MARKS_MAX];
};

void ft_marks_collect(const struct ft_explore *explore, struct ft_marks *ret);

/* "a", or "?" when the letters do not suffice. */
char ft_mark_letter(const struct ft_marks *marks, unsigned kind, unsigned rule);

/* What a mark stands for: the rule's id, "crash". */
const char *ft_mark_name(unsigned kind, unsigned rule);

/* The cells of a place as one character each, and whether one of them is a finding. */
bool ft_table_row(const struct ft_explore *explore, const struct ft_marks *marks, uint64_t place,
                  char row[FT_ROW_MAX]);

/* "a/dma:map.out/2". snprintf convention. */
size_t ft_moment_print(const struct ft_moment *moment, char *text, size_t capacity);

/* The driver function and line of a place, "" when it is not in the driver. */
const char *ft_place_function(const struct ft_explore *explore, const struct ft_place *place);

/* Prints the table of a sweep (places without a finding are folded unless `full`), or of pairs, and
 * its legend. */
void ft_table_print(const struct ft_explore *explore, bool full, bool colour, FILE *out);

#endif
