#include "fuzz/target_mutator.h"

#include "scenario/mutate/mutate.h"
#include "scenario/scenario_codec.h"

#include <stdlib.h>
#include <string.h>

enum { SYNC_ONE_IN = 64 };

enum mutation { MUTATION_STRUCTURED, MUTATION_BYTES, MUTATION_RANDOM };

static struct {
    enum mutation mutation;
    const char *path; /* of the catalogue, NULL: none */
    uint64_t runs;
    struct ft_catalogue catalogue;
    struct ft_met met;
} target;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
                                 size_t other_size, uint8_t *ret, size_t max_size, unsigned seed);

bool ft_target_mutation_set(const char *name)
{
    static const char *const names[] = {"structured", "bytes", "random"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            target.mutation = (enum mutation)i;
            return true;
        }
    return false;
}

bool ft_target_learning_begin(const struct ft_module *module, const char *path)
{
    ft_catalogue_init(&target.catalogue, module);
    target.path = path;
    return !path || ft_catalogue_sync(&target.catalogue, path);
}

struct ft_met *ft_target_met(void)
{
    return target.mutation == MUTATION_STRUCTURED ? &target.met : NULL;
}

/* The first runs teach most, and a mutator in another process waits for them. */
void ft_target_learn(const struct ft_scenario *scenario)
{
    uint64_t run = ++target.runs;

    if (target.mutation != MUTATION_STRUCTURED)
        return;
    ft_catalogue_learn(&target.catalogue, scenario, &target.met);
    if (target.path && (run % SYNC_ONE_IN == 0 || (run & (run - 1)) == 0))
        ft_catalogue_sync(&target.catalogue, target.path);
}

void ft_target_lift_length_limit(int *argc, char ***argv)
{
    static char lifted[] = "-len_control=0";
    char **longer;

    if (target.mutation == MUTATION_BYTES)
        return;
    for (int i = 1; i < *argc; i++)
        if (strncmp((*argv)[i], "-len_control=", 13) == 0)
            return;
    longer = calloc((size_t)*argc + 2, sizeof *longer);
    if (!longer)
        return;
    memcpy(longer, *argv, (size_t)*argc * sizeof *longer);
    longer[(*argc)++] = lifted;
    *argv = longer;
}

/* What a generator without feedback would run: nothing of the engine's input survives. */
static size_t write_random(uint8_t *data, size_t max_size, unsigned seed)
{
    struct ft_scenario scenario;
    size_t length;

    ft_scenario_random_for(seed, -1, target.catalogue.requests, &scenario);
    length = ft_scenario_encode(&scenario, data, max_size);
    return length < max_size ? length : max_size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    if (target.mutation == MUTATION_RANDOM)
        return write_random(data, max_size, seed);
    if (target.mutation == MUTATION_BYTES && LLVMFuzzerMutate)
        return LLVMFuzzerMutate(data, size, max_size);
    return ft_mutate((struct ft_bytes){data, size}, (struct ft_bytes){NULL, 0}, seed,
                     &target.catalogue, data, max_size);
}

/* 0: the engine is to try something else. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other,
                                 size_t other_size, uint8_t *ret, size_t max_size, unsigned seed)
{
    if (target.mutation != MUTATION_STRUCTURED)
        return 0;
    return ft_mutate((struct ft_bytes){data, size}, (struct ft_bytes){other, other_size}, seed,
                     &target.catalogue, ret, max_size);
}
