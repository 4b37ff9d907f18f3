/* From what workers found to findings: one for each rule and driver function, run again from the
 * start. */
#ifndef FT_FINDINGS_H
#define FT_FINDINGS_H

#include "explore/explore.h"

/* Fills explore->finding from the board, runs each from the start, and writes its trace when there
 * is a folder. */
enum ft_status ft_findings_collect(struct ft_explore *explore, struct ft_error *error);

#endif
