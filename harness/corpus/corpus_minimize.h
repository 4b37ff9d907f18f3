/* Which traces of a list are enough: one owner for every state cell that they reach and every
 * finding they have. */
#ifndef FT_CORPUS_MINIMIZE_H
#define FT_CORPUS_MINIMIZE_H

#include "corpus/trace_list.h"

#include <stdbool.h>

struct ft_minimized {
    size_t kept;
    size_t cells;    /* of a core each, that the traces reach */
    size_t findings; /* rule of a driver or mutant, that they have */
};

/* Takes out of the list what owns nothing. Owners are the smallest: fewest ops, then fewest events,
 * then by name; so the answer depends on nothing but the traces. *ret_bad is the path that an error
 * is about. */
enum ft_status ft_corpus_minimize(struct ft_trace_list *list, bool (*progress)(size_t done),
                                  struct ft_minimized *ret, const char **ret_bad,
                                  struct ft_error *error);

#endif
