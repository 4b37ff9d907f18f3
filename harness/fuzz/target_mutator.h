/* How the fuzz target's inputs come about, for libFuzzer: the mutation that --ft-mutation names,
 * and the point catalogue it draws from. AFL++ has its mutator in another process (afl_mutator.c),
 * which reads the catalogue that the target writes. Internal to harness/fuzz.
 */
#ifndef FT_TARGET_MUTATOR_H
#define FT_TARGET_MUTATOR_H

#include "sim/module.h"
#include "sim/world.h"

#include <stdbool.h>

/* The environment variable that tells AFL++'s mutator where the catalogue is. */
#define FT_CATALOGUE_VARIABLE "FLUSHTRACE_CATALOGUE"

/* "structured" (the default), "bytes" or "random"; false: no such mutation. */
bool ft_target_mutation_set(const char *name);

/* Begins to learn. path NULL: the catalogue stays in memory. False: the file is something else, or
 * cannot be written. */
bool ft_target_learning_begin(const struct ft_module *module, const char *path);

/* Where a run is to note what it met; NULL when nobody learns. */
struct ft_met *ft_target_met(void);

/* Takes in what the last run met. */
void ft_target_learn(const struct ft_scenario *scenario);

/* libFuzzer lets inputs grow slowly, and would cut structured ones off; its limit is lifted unless
 * the user has set it. */
void ft_target_lift_length_limit(int *argc, char ***argv);

#endif
