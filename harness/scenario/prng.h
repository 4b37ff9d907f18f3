/* A small generator of pseudo-random numbers: splitmix64 (Steele, Lea, Flood 2014), a pure function
 * of seed and stream.
 *
 * Each purpose draws from a stream of its own, so that one more draw for one purpose does not shift
 * the others. No floats: odds are ratios.
 */
#ifndef FT_PRNG_H
#define FT_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct ft_prng {
    uint64_t state;
};

static inline uint64_t ft_prng_next(struct ft_prng *prng)
{
    uint64_t z = prng->state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline struct ft_prng ft_prng_init(uint64_t seed, uint64_t stream)
{
    struct ft_prng prng = {stream};

    prng.state = ft_prng_next(&prng) ^ seed;
    prng.state = ft_prng_next(&prng);
    return prng;
}

/* 0..bound-1; bound is at least 1. The bias, below bound / 2^32, is of no account here. */
static inline uint32_t ft_prng_below(struct ft_prng *prng, uint32_t bound)
{
    return (uint32_t)(((ft_prng_next(prng) >> 32) * bound) >> 32);
}

/* True in `times` of `of` cases. */
static inline bool ft_prng_odds(struct ft_prng *prng, uint32_t times, uint32_t of)
{
    return ft_prng_below(prng, of) < times;
}

#endif
