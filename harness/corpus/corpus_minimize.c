#include "corpus/corpus_minimize.h"
#include "feedback/state_cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CORES_MAX = 256, KEY_MAX = 160 };

struct candidate {
    char *path;
    uint64_t events;
    uint16_t ops;
};

/* What is owned already. */
struct owned {
    char core[CORES_MAX][64];
    unsigned cores;
    bool *cell;   /* CORES_MAX * FT_CELLS_MAX */
    char **found; /* "core+mutant rule" */
    size_t found_count, found_capacity;
};

static int by_size(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;

    if (left->ops != right->ops) {
        return left->ops < right->ops ? -1 : 1;
    }
    if (left->events != right->events) {
        return left->events < right->events ? -1 : 1;
    }
    return strcmp(left->path, right->path);
}

static int core_number(struct owned *owned, const char *core)
{
    for (unsigned i = 0; i < owned->cores; i++) {
        if (strcmp(owned->core[i], core) == 0) {
            return (int)i;
        }
    }
    if (owned->cores == CORES_MAX) {
        return -1;
    }
    snprintf(owned->core[owned->cores], sizeof(owned->core[0]), "%s", core);
    return (int)owned->cores++;
}

/* 1: new, 0: known, -1: no memory. */
static int own_finding(struct owned *owned, const char *key)
{
    for (size_t i = 0; i < owned->found_count; i++) {
        if (strcmp(owned->found[i], key) == 0) {
            return 0;
        }
    }
    if (owned->found_count == owned->found_capacity) {
        size_t capacity = owned->found_capacity * 2 + 64;
        char **grown = realloc(owned->found, capacity * sizeof(*grown));

        if (grown == NULL) {
            return -1;
        }
        owned->found = grown;
        owned->found_capacity = capacity;
    }
    owned->found[owned->found_count] = strdup(key);
    if (owned->found[owned->found_count] == NULL) {
        return -1;
    }
    owned->found_count++;
    return 1;
}

static enum ft_status own_cells(struct owned *owned, const struct ft_trace *trace,
                                struct ft_minimized *ret, bool *owner, struct ft_error *error)
{
    struct ft_cell_state *state = calloc(1, sizeof(*state));
    int core = core_number(owned, trace->core);

    if (state == NULL || core < 0) {
        free(state);
        return core < 0 ? ft_fail(error, FT_TOO_LARGE, 0, "more than %d drivers", CORES_MAX)
                        : ft_fail(error, FT_NO_MEMORY, 0, "no memory for state cells");
    }
    for (uint64_t i = 0; i < trace->event_count; i++) {
        unsigned cell = ft_cell_of_event(state, &trace->event[i]);
        bool *mine = cell != FT_NO_CELL ? &owned->cell[core * FT_CELLS_MAX + cell] : NULL;

        if (mine != NULL && !*mine) {
            *mine = *owner = true;
            ret->cells++;
        }
    }
    free(state);
    return FT_OK;
}

static enum ft_status own_findings(struct owned *owned, const struct ft_trace *trace,
                                   struct ft_minimized *ret, bool *owner, struct ft_error *error)
{
    const struct ft_verdict *verdict = &trace->verdict;
    uint32_t count = verdict->finding_count != 0 ? verdict->finding_count : 1;

    for (uint32_t i = 0; i < count; i++) {
        char key[KEY_MAX];
        int fresh;

        snprintf(key, sizeof(key), "%.63s+%.63s %u.%u", trace->core, trace->mutant,
                 (unsigned)verdict->kind,
                 verdict->finding_count != 0 ? verdict->finding[i].rule : 0);
        fresh = own_finding(owned, key);
        if (fresh < 0) {
            return ft_fail(error, FT_NO_MEMORY, 0, "no memory for findings");
        }
        if (fresh > 0) {
            *owner = true;
            ret->findings += verdict->finding_count != 0;
        }
    }
    return FT_OK;
}

static enum ft_status weigh(struct owned *owned, const char *path, struct ft_minimized *ret,
                            bool *owner, struct ft_error *error)
{
    struct ft_trace trace;
    enum ft_status status = ft_trace_read_any(path, 0, &trace, error);

    *owner = false;
    if (status != FT_OK) {
        return status;
    }
    status = own_cells(owned, &trace, ret, owner, error);
    if (status == FT_OK) {
        status = own_findings(owned, &trace, ret, owner, error);
    }
    ft_trace_free(&trace);
    return status;
}

/* Sizes first, so that the smallest are asked first. */
static enum ft_status measure(const struct ft_trace_list *list, struct candidate *candidate,
                              const char **ret_bad, struct ft_error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        struct ft_trace trace;
        enum ft_status status = ft_trace_read_any(list->path[i], FT_DECODE_FACTS, &trace, error);

        *ret_bad = list->path[i];
        if (status != FT_OK) {
            return status;
        }
        candidate[i] = (struct candidate){
            .path = list->path[i], .events = trace.event_count, .ops = trace.scenario.op_count};
        ft_trace_free(&trace);
    }
    qsort(candidate, list->count, sizeof(*candidate), by_size);
    return FT_OK;
}

static enum ft_status choose(struct ft_trace_list *list, struct candidate *candidate,
                             struct owned *owned, bool (*progress)(size_t done),
                             struct ft_minimized *ret, const char **ret_bad, struct ft_error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        bool owner;
        enum ft_status status = weigh(owned, candidate[i].path, ret, &owner, error);

        *ret_bad = candidate[i].path;
        if (status != FT_OK) {
            return status;
        }
        if (!owner) {
            free(candidate[i].path);
            candidate[i].path = NULL;
        }
        if (progress != NULL && !progress(i + 1)) {
            return ft_fail(error, FT_NOT_FOUND, 0, "interrupted");
        }
    }
    return FT_OK;
}

enum ft_status ft_corpus_minimize(struct ft_trace_list *list, bool (*progress)(size_t done),
                                  struct ft_minimized *ret, const char **ret_bad,
                                  struct ft_error *error)
{
    struct candidate *candidate = calloc(list->count + 1, sizeof(*candidate));
    struct owned owned = {.cell = calloc((size_t)CORES_MAX * FT_CELLS_MAX, sizeof(bool))};
    enum ft_status status = FT_OK;
    size_t count = list->count;

    *ret = (struct ft_minimized){0};
    if (candidate == NULL || owned.cell == NULL) {
        status = ft_fail(error, FT_NO_MEMORY, 0, "no memory for %zu traces", count);
    }
    if (status == FT_OK) {
        status = measure(list, candidate, ret_bad, error);
    }
    if (status == FT_OK) {
        status = choose(list, candidate, &owned, progress, ret, ret_bad, error);
        /* The list keeps what is left, whether it came to the end or not. */
        list->count = 0;
        for (size_t i = 0; i < count; i++) {
            if (candidate[i].path != NULL) {
                list->path[list->count++] = candidate[i].path;
            }
        }
        ft_trace_list_sort(list);
        ret->kept = list->count;
    }
    for (size_t i = 0; i < owned.found_count; i++) {
        free(owned.found[i]);
    }
    free(owned.found);
    free(owned.cell);
    free(candidate);
    return status;
}
