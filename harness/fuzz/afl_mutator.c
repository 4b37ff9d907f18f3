/* AFL++ 4.04c custom mutator: the same structure-aware mutation as in the libFuzzer target. A
 * shared library for AFL_CUSTOM_MUTATOR_LIBRARY. The catalogue that the target keeps with
 * --ft-catalogue=FILE is read from the file that the environment variable names; without it,
 * moments are drawn from all points there are. */
#include "fuzz/afl_import.h"
#include "fuzz/target_mutator.h"
#include "scenario/mutate/mutate.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 1024, LOAD_ONE_IN = 32 };

struct mutator {
    const char *path; /* of the catalogue, NULL: none */
    uint64_t seed, drawn;
    struct ft_catalogue catalogue;
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
    if (!mutator)
        return NULL;
    mutator->seed = seed;
    mutator->path = getenv(FT_CATALOGUE_VARIABLE);
    ft_catalogue_init(&mutator->catalogue, NULL);
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

    *out = mutator->bytes;
    length = ft_afl_import(mutator->bytes, capacity);
    if (length > 0)
        return length;
    if (mutator->path && mutator->drawn % LOAD_ONE_IN == 0)
        ft_catalogue_load(&mutator->catalogue, mutator->path);
    return ft_mutate((struct ft_bytes){bytes, size},
                     (struct ft_bytes){other, other ? other_size : 0},
                     mutator->seed * 0x9E3779B97F4A7C15ull + mutator->drawn++, &mutator->catalogue,
                     mutator->bytes, capacity);
}

/* Part of the name of a queue entry. */
const char *afl_custom_describe(void *data, size_t max_length)
{
    const char *imported = ft_afl_import_describe();
    const char *text = imported ? imported : "op:flushtrace";

    (void)data;
    return strlen(text) <= max_length ? text : "";
}
