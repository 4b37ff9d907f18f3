/* What a person sees at the end of a run: one head line when all is well, the failure block else.
 *
 * The failure block has, in this order: the head line, the scenario, the last ten events up to the
 * one that is wrong, the rule with its sentence, source and bug check, further findings and
 * warnings, and on the last line the command that runs it again.
 */
#ifndef FT_VERDICT_BLOCK_H
#define FT_VERDICT_BLOCK_H

#include "trace/trace.h"

#include <stdbool.h>
#include <stdio.h>

enum { FT_WRAP_COLUMNS = 96 };

struct ft_block {
    const struct ft_trace *trace;
    const char *path;  /* where the trace is, NULL: nowhere */
    const char *rerun; /* the command, printed last; NULL: none */
    const char *known; /* why the verdict does not count (baseline), NULL: it does */
    bool colour;
    int width; /* of the terminal, 0: lines are not cut */
};

/* The head line and the numbers of the run; for a finding also the rest of the failure block. */
void ft_block_print(const struct ft_block *block, FILE *out);

/* What the trace is about and how it ended, in two lines: what a timeline begins with. */
void ft_block_print_title(const struct ft_block *block, FILE *out);

/* Only the verdict's part: rule, sentence, source, bug check, last events of the object concerned,
 * suspended rules, rerun. For show, which has printed the events already. */
void ft_block_print_verdict(const struct ft_block *block, FILE *out);

/* Only what was broken and why: rule, sentence, place, source, further findings, warnings. */
void ft_block_print_why(const struct ft_block *block, FILE *out);

/* "violation dma.flush-before-complete in packet.c:PacketDpc:212", "clean": a verdict in a few
 * words. snprintf convention. */
size_t ft_verdict_print(const struct ft_verdict *verdict, char *text, size_t capacity);

/* Prints text wrapped at that many columns, every line behind `indent` blanks, with a newline. */
void ft_wrap_at(const char *text, int indent, int columns, FILE *out);

/* The same at FT_WRAP_COLUMNS, every line behind `indent` blanks, with a newline. */
void ft_wrap(const char *text, int indent, FILE *out);

#endif
