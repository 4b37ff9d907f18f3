/* Processes that share a list of cases: each takes a few at a time, one that dies costs the case it
 * had in hand and is replaced. */
#ifndef FT_REGRESS_CREW_H
#define FT_REGRESS_CREW_H

#include "report/regress_report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ft_regress_list {
    struct ft_regress_case *one; /* shared memory */
    uint32_t *order;             /* shared memory: indices, in the order of work */
    size_t count;
};

/* False: no memory. */
bool ft_regress_list_map(struct ft_regress_list *list, size_t count);
void ft_regress_list_unmap(struct ft_regress_list *list);

/* What a process does with a case; `state` is its own. */
struct ft_regress_work {
    const char *what; /* "read", for the progress line */
    void (*begin)(void *state);
    void (*work)(void *state, struct ft_regress_case *one);
    void (*end)(void *state);
    void *state;
};

/* Does all cases with `jobs` processes. False with errno: no process could be started. */
bool ft_regress_crew(const struct ft_regress_list *list, const struct ft_regress_work *work,
                     unsigned jobs);

#endif
