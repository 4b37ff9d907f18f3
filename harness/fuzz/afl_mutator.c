/* AFL++ 4.04c custom mutator: the same structure-aware mutation as in the libFuzzer target. A
 * shared library for AFL_CUSTOM_MUTATOR_LIBRARY. */
#include "fuzz/afl_import.h"
#include "scenario/scenario_codec.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 1024 };

struct mutator {
    uint64_t seed, drawn;
    uint8_t bytes[BYTES_MAX];
};

void *afl_custom_init(void *afl, unsigned seed);
void afl_custom_deinit(void *data);
size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max_size);
const char *afl_custom_describe(void *data, size_t max_length);

void *afl_custom_init(void *afl, unsigned seed)
{
    struct mutator *mutator = calloc(1, sizeof *mutator);

    (void)afl;
    if (mutator)
        mutator->seed = seed;
    return mutator;
}

void afl_custom_deinit(void *data)
{
    free(data);
}

/* The buffer stays ours until the next call. AFL's limit is a megabyte; ours keeps inputs small. */
size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t size, uint8_t **out, uint8_t *other,
                       size_t other_size, size_t max_size)
{
    struct mutator *mutator = data;
    size_t capacity = max_size < BYTES_MAX ? max_size : BYTES_MAX;
    size_t length;

    (void)other;
    (void)other_size;
    length = ft_afl_import(mutator->bytes, capacity);
    *out = mutator->bytes;
    if (length > 0)
        return length;
    if (size > capacity)
        size = capacity;
    memcpy(mutator->bytes, bytes, size);
    return ft_scenario_mutate(mutator->bytes, size, capacity,
                              mutator->seed * 0x9E3779B97F4A7C15ull + mutator->drawn++);
}

/* Part of the name of a queue entry. */
const char *afl_custom_describe(void *data, size_t max_length)
{
    const char *imported = ft_afl_import_describe();
    const char *text = imported ? imported : "op:flushtrace";

    (void)data;
    return strlen(text) <= max_length ? text : "";
}
