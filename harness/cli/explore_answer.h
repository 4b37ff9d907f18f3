/* What flushtrace explore says: table, findings, JSON. */
#ifndef FT_EXPLORE_ANSWER_H
#define FT_EXPLORE_ANSWER_H

#include "cli/cli.h"
#include "explore/explore.h"

/* Table, summary, findings, and the command that reruns the first; or one JSON object. */
void ft_explore_print(const struct ft_cli *cli, const struct ft_explore *explore);
void ft_explore_print_json(const struct ft_cli *cli, const struct ft_explore *explore);

/* The exit status of what came out. */
int ft_explore_exit(const struct ft_explore *explore);

#endif
