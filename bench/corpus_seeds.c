/* Makes the traces for ./dev bench corpus: random scenarios of fixed seeds, on every core and on
 * some of its mutants, no two with one event hash.
 *
 *     ft-corpus-seeds COUNT DIR      writes DIR/CORE/MODULE-SEED.ftr
 *
 * Of each core the sound module has four fifths of the traces, its first MUTANTS mutants have the
 * rest. Only traces that end clean or with a violation are kept: the others are about the harness.
 * Exit: 0, 3 bad usage, 5 a trace cannot be made or written.
 */
#include "replay/execute.h"
#include "replay/session.h"
#include "scenario/scenario_codec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MUTANTS = 4, CORES_MAX = 64, COUNT_MAX = 1 << 20, OUR_FAILURE = 5 };

static struct {
    const char *folder;
    const char *core[CORES_MAX];
    unsigned cores;
    uint64_t *seen; /* open addressing; 0: free */
    size_t slots;
} make;

static bool is_new(uint64_t hash)
{
    size_t slot = hash % make.slots;

    while (make.seen[slot] != 0 && make.seen[slot] != hash) {
        slot = (slot + 1) % make.slots;
    }
    if (make.seen[slot] == hash) {
        return false;
    }
    make.seen[slot] = hash;
    return true;
}

static int failed(const char *what, const struct ft_error *error)
{
    fprintf(stderr, "ft-corpus-seeds: %s: %s\n", what, error->text);
    return OUR_FAILURE;
}

/* One seed; *kept grows when its trace is one more. */
static int add_trace(const struct ft_module *module, uint64_t seed, size_t *kept)
{
    const struct ft_execute_options options = {.keep_going = false};
    struct ft_scenario scenario;
    struct ft_error error = {0};
    struct ft_trace trace;
    char path[4096];
    int status = 0;

    ft_scenario_random_for(seed, -1, ft_takes(module->description), &scenario);
    if (ft_execute(module, &scenario, &options, &trace, &error) != FT_OK) {
        return failed(module->core, &error);
    }
    if ((trace.verdict.kind == FT_VERDICT_CLEAN || trace.verdict.kind == FT_VERDICT_VIOLATION) &&
        is_new(trace.hash)) {
        snprintf(path, sizeof(path), "%.2000s/%s/%s-%05llu.ftr", make.folder, module->core,
                 *module->mutant ? module->mutant : "sound", (unsigned long long)seed);
        status = ft_trace_write(path, &trace, &error) == FT_OK ? 0 : failed(module->core, &error);
        *kept += status == 0;
    }
    ft_trace_free(&trace);
    return status;
}

/* A mutant that few seeds tell from the sound driver gives up early. */
static int add_module(const struct ft_module *module, size_t wanted, size_t *ret_kept)
{
    size_t kept = 0;
    int status = 0;

    for (uint64_t seed = 1; status == 0 && kept < wanted && seed <= 20 * wanted + 100; seed++) {
        status = add_trace(module, seed, &kept);
    }
    *ret_kept += kept;
    return status;
}

static int add_core(const char *core, size_t wanted)
{
    const struct ft_module *sound = NULL;
    size_t kept = 0;
    unsigned mutants = 0;
    char path[4096];
    int status = 0;

    snprintf(path, sizeof(path), "%.2000s/%s", make.folder, core);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        perror(path);
        return OUR_FAILURE;
    }
    for (size_t i = 0; i < ft_module_count() && status == 0; i++) {
        const struct ft_module *module = ft_module_at(i);

        if (strcmp(module->core, core) != 0) {
            continue;
        }
        if (*module->mutant == '\0') {
            sound = module;
        } else if (mutants < MUTANTS) {
            mutants++;
            status = add_module(module, wanted / (MUTANTS * 5), &kept);
        }
    }
    if (status == 0 && sound != NULL) {
        status = add_module(sound, wanted - kept, &kept);
    }
    printf("%s %zu\n", core, kept);
    fflush(stdout);
    if (status == 0 && kept != wanted) {
        fprintf(stderr, "ft-corpus-seeds: %s: %zu of %zu traces\n", core, kept, wanted);
        status = OUR_FAILURE;
    }
    return status;
}

static void list_cores(void)
{
    for (size_t i = 0; i < ft_module_count(); i++) {
        const char *core = ft_module_at(i)->core;
        unsigned at = 0;

        while (at < make.cores && strcmp(make.core[at], core) != 0) {
            at++;
        }
        if (at == make.cores && at < CORES_MAX) {
            make.core[make.cores++] = core;
        }
    }
}

int main(int argc, char **argv)
{
    size_t count = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, left;
    int status = 0;

    if (count == 0 || count > COUNT_MAX) {
        fputs("usage: ft-corpus-seeds COUNT DIR\n", stderr);
        return 3;
    }
    make.folder = argv[2];
    make.slots = 4 * count;
    make.seen = calloc(make.slots, sizeof(*make.seen));
    list_cores();
    if (make.seen == NULL || make.cores == 0 ||
        (mkdir(make.folder, 0777) != 0 && errno != EEXIST)) {
        perror(make.folder);
        return OUR_FAILURE;
    }
    left = count;
    for (unsigned i = 0; i < make.cores && status == 0; i++) {
        size_t share = left / (make.cores - i);

        status = add_core(make.core[i], share);
        left -= share;
    }
    free(make.seen);
    return status;
}
