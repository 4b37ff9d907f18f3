/* Findings on their way from an engine's process to the campaign: one small file each, written
 * atomically.
 *
 * The name tells findings apart: verdict, rule, call site. The content is the scenario's bytes. The
 * campaign re-runs each in a worker and makes a trace of it.
 */
#ifndef FT_FINDING_FILE_H
#define FT_FINDING_FILE_H

#include "sim/scenario.h"
#include "verdict.h"

#include <stdbool.h>

enum { FT_FINDING_BYTES_MAX = 4096 };

/* Writes the verdict's finding of that index (0 when it has none: a crash, a hang) unless one of
 * that name was written before, by this process or another. */
void ft_finding_file_write(const char *folder, const struct ft_scenario *scenario,
                           const struct ft_verdict *verdict, uint32_t index);

/* Reads one. False: the file cannot be read, is empty, or is longer than
 * a scenario. */
bool ft_finding_file_read(const char *path, struct ft_scenario *ret);

#endif
