/* One trace of a regression run. */
#ifndef FT_REGRESS_CASE_H
#define FT_REGRESS_CASE_H

#include "cli/replaying.h"

/* Replays (or with --refresh records again) the trace at one->path and fills the rest. Runs in a
 * worker. */
void ft_regress_one(const struct ft_cli *cli, struct ft_regress_case *one);

#endif
