/* The point of no return of a trace, for the verbs that show it: explain, show --explain, export
 * --explain. */
#ifndef FT_EXPLAINING_H
#define FT_EXPLAINING_H

#include "cli/cli.h"
#include "explain/explain.h"

struct ft_explained {
    struct ft_trace trace; /* the run again, with its finding; owned once FT_EXIT_OK came back */
    struct ft_explain explain;
    bool same_run; /* it has the recorded events */
};

/* Runs the trace's scenario again, and continuations of it (it executes the driver). FT_EXIT_OK, or
 * the exit status of what was refused: a verdict without a finding, a finding that is not there any
 * more. End with ft_explained_free. */
int ft_cli_explain(struct ft_cli *cli, struct ft_trace *recorded, struct ft_explained *ret);
void ft_explained_free(struct ft_explained *explained);

/* The same for verbs that show the recorded events: refused when the driver does other things now.
 */
int ft_cli_explain_recorded(struct ft_cli *cli, struct ft_trace *recorded,
                            struct ft_explained *ret);

/* The number of its event; 0: there is none, or it is not known. */
uint64_t ft_explained_point(const struct ft_explained *explained);

/* One line about the point of no return: where, and the shares in front of it and from it on. */
void ft_explained_print(const struct ft_explained *explained, FILE *out);

/* The same as JSON: "no_return". */
json_t *ft_explained_json(const struct ft_explained *explained);

#endif
