/* Structure-aware mutation, one for every engine (LLVMFuzzerCustomMutator and CustomCrossOver,
 * AFL++'s afl_custom_fuzz).
 *
 * Bytes are decoded, changed as a scenario and encoded again. A new input comes about in one of
 * four ways, drawn from the seed: a fresh scenario (walk.c), changes of whole ops of the parent
 * (change.c), a splice with another input at op borders (splice.c), or, rarely, byte noise,
 * because a structure can hide what it does not know. Each input draws from a random subset of the
 * op kinds (kinds.c), and moments from the points that were met (moments.c).
 */
#ifndef FT_MUTATE_H
#define FT_MUTATE_H

#include "scenario/mutate/catalogue.h"

#include <stddef.h>
#include <stdint.h>

struct ft_bytes {
    const uint8_t *data;
    size_t length;
};

/* Writes a new input of at most `capacity` bytes and returns its length; `bytes` may lie in `ret`
 * itself. A pure function of bytes, other bytes ({NULL, 0}: no crossover), seed and catalogue. */
size_t ft_mutate(struct ft_bytes bytes, struct ft_bytes other, uint64_t seed,
                 const struct ft_catalogue *catalogue, uint8_t *ret, size_t capacity);

#endif
