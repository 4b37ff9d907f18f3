/* The figures of a sweep: `name value unit` lines. */
#ifndef FT_BENCH_SWEEP_H
#define FT_BENCH_SWEEP_H

#include "sim/module.h"

/* Ends the program when a run by its prefix differs from the one from the start. */
void ft_bench_sweep(const struct ft_module *module);

#endif
