#define _GNU_SOURCE
#include "corpus/trace_list.h"
#include "corpus/corpus.h"
#include "trace/host_file.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FIRST_CAPACITY = 64 };

/* The corpus read last. */
static struct {
    char file[PATH_MAX];
    struct ft_corpus corpus;
} source;

void ft_trace_source_close(void)
{
    if (source.file[0] != '\0') {
        ft_corpus_free(&source.corpus);
        source.file[0] = '\0';
    }
}

static enum ft_status open_source(const char *file, struct ft_error *error)
{
    struct ft_corpus corpus;
    enum ft_status status;

    if (strcmp(source.file, file) == 0) {
        return FT_OK;
    }
    status = ft_corpus_read(file, &corpus, error);
    if (status == FT_OK) {
        ft_trace_source_close();
        snprintf(source.file, sizeof(source.file), "%s", file);
        source.corpus = corpus;
    }
    return status;
}

static enum ft_status read_member(const char *file, const char *name, unsigned how,
                                  struct ft_trace *ret, struct ft_error *error)
{
    const struct ft_corpus_entry *entry;
    enum ft_status status = open_source(file, error);

    if (status != FT_OK) {
        return status;
    }
    entry = ft_corpus_find(&source.corpus, name);
    if (entry == NULL) {
        return ft_fail(error, FT_NO_FILE, 0, "%.120s holds no trace %.100s", file, name);
    }
    return ft_corpus_trace(&source.corpus, entry, how, ret, error);
}

enum ft_status ft_trace_read_any(const char *path, unsigned how, struct ft_trace *ret,
                                 struct ft_error *error)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    char file[PATH_MAX];
    const char *name;
    enum ft_status status;

    if (ft_corpus_path(path, file, sizeof(file), &name)) {
        if (name != NULL) {
            return read_member(file, name, how, ret, error);
        }
        status = open_source(file, error);
        return status != FT_OK ? status
                               : ft_fail(error, FT_USAGE, 0,
                                         "a corpus; name one of its traces: %.120s:NAME", path);
    }
    status = ft_file_read(path, FT_TRACE_FILE_MAX, &bytes, &length, error);
    if (status == FT_OK) {
        status = ft_trace_decode_as(bytes, length, how, ret, error);
        free(bytes);
    }
    return status;
}

static enum ft_status no_memory(struct ft_error *error)
{
    return ft_fail(error, FT_NO_MEMORY, 0, "no memory for a list of traces");
}

/* Takes a malloc'd path. */
static enum ft_status take_path(struct ft_trace_list *list, char *path, struct ft_error *error)
{
    if (path == NULL) {
        return no_memory(error);
    }
    if (list->count == FT_TRACE_LIST_MAX) {
        free(path);
        return ft_fail(error, FT_TOO_LARGE, 0, "more than %d traces", FT_TRACE_LIST_MAX);
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity != 0 ? list->capacity * 2 : FIRST_CAPACITY;
        char **grown = realloc(list->path, capacity * sizeof(*grown));

        if (grown == NULL) {
            free(path);
            return no_memory(error);
        }
        list->path = grown;
        list->capacity = capacity;
    }
    list->path[list->count++] = path;
    return FT_OK;
}

static enum ft_status add_corpus(struct ft_trace_list *list, const char *file,
                                 struct ft_error *error)
{
    enum ft_status status = open_source(file, error);

    /* One that cannot be read stays in the list: whoever reads it learns why. */
    if (status != FT_OK && status != FT_NO_MEMORY) {
        return take_path(list, strdup(file), error);
    }
    for (size_t i = 0; status == FT_OK && i < source.corpus.count; i++) {
        char *path = NULL;

        if (asprintf(&path, "%s:%s", file, source.corpus.entry[i].name) < 0) {
            path = NULL;
        }
        status = take_path(list, path, error);
    }
    return status;
}

/* A file below a folder. */
static enum ft_status add_found(struct ft_trace_list *list, const char *path,
                                struct ft_error *error)
{
    const char *suffix = strrchr(path, '.');

    if (suffix != NULL && strcmp(suffix, ".ftc") == 0) {
        return add_corpus(list, path, error);
    }
    return suffix != NULL && strcmp(suffix, ".ftr") == 0 ? take_path(list, strdup(path), error)
                                                         : FT_OK;
}

static enum ft_status add_folder(struct ft_trace_list *list, const char *folder,
                                 struct ft_error *error)
{
    char *roots[] = {(char *)folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    enum ft_status status = walk != NULL ? FT_OK : no_memory(error);

    while (status == FT_OK) {
        FTSENT *at = fts_read(walk);

        if (at == NULL) {
            break;
        }
        if (at->fts_info == FTS_F) {
            status = add_found(list, at->fts_path, error);
        } else if (at->fts_info == FTS_ERR || at->fts_info == FTS_DNR || at->fts_info == FTS_NS) {
            status =
                ft_fail(error, FT_NO_FILE, 0, "%.150s: %s", at->fts_path, strerror(at->fts_errno));
        }
    }
    if (walk != NULL) {
        fts_close(walk);
    }
    return status;
}

enum ft_status ft_trace_list_add(struct ft_trace_list *list, const char *path,
                                 struct ft_error *error)
{
    char file[PATH_MAX];
    const char *name;
    struct stat facts;
    bool corpus = ft_corpus_path(path, file, sizeof(file), &name);

    if (corpus && name != NULL) {
        return take_path(list, strdup(path), error);
    }
    if (stat(path, &facts) != 0) {
        return ft_fail(error, FT_NO_FILE, 0, "%.150s: %s", path, strerror(errno));
    }
    if (S_ISDIR(facts.st_mode)) {
        return add_folder(list, path, error);
    }
    return corpus ? add_corpus(list, path, error) : take_path(list, strdup(path), error);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void ft_trace_list_sort(struct ft_trace_list *list)
{
    size_t kept = 0;

    if (list->count != 0) {
        qsort(list->path, list->count, sizeof(*list->path), compare_paths);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (kept != 0 && strcmp(list->path[kept - 1], list->path[i]) == 0) {
            free(list->path[i]);
        } else {
            list->path[kept++] = list->path[i];
        }
    }
    list->count = kept;
}

void ft_trace_list_free(struct ft_trace_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->path[i]);
    }
    free(list->path);
    *list = (struct ft_trace_list){0};
}
