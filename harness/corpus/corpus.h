/* Corpora (.ftc): many small traces in one file. docs/TRACE_FORMAT.md is the specification.
 *
 * A file is a sequence of zstd frames: the head (version, names, a dictionary trained on these
 * traces), one frame with that dictionary for each trace, which holds its sections in a row, and a
 * seek table. So one trace is read without the others. The same traces under the same names give
 * the same bytes.
 *
 * A trace in a corpus is named FILE.ftc:NAME wherever a trace may be given.
 */
#ifndef FT_CORPUS_H
#define FT_CORPUS_H

#include "status.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FT_CORPUS_VERSION = 1,
    FT_CORPUS_TRACES_MAX = 1 << 20,
    FT_CORPUS_NAME_MAX = 512,              /* with its zero */
    FT_CORPUS_DICTIONARY_MAX = 112 * 1024, /* bytes */
    FT_CORPUS_HEAD_MAX = 64 << 20,         /* bytes of content of the head */
    FT_CORPUS_FILE_MAX = 1 << 30           /* bytes */
};

struct ft_corpus_entry {
    char *name;        /* relative, without "." and ".." parts */
    size_t at, length; /* its frame in the file; length 0: the file was cut off before its end */
};

struct ft_corpus {
    uint8_t *bytes;
    size_t length;
    struct ft_corpus_entry *entry; /* sorted by name */
    size_t count;
    size_t dictionary_bytes;
    bool complete; /* false: cut off; the whole traces before the cut are there */
    void *dictionary;
};

/* True for a path that ends in .ftc, or FILE.ftc:NAME; *ret_name is what is behind the colon, NULL:
 * nothing. */
bool ft_corpus_path(const char *path, char *file, size_t capacity, const char **ret_name);

/* Reads a file. Memory stays below the file and its head, whatever they claim. */
enum ft_status ft_corpus_read(const char *path, struct ft_corpus *ret, struct ft_error *error);
enum ft_status ft_corpus_decode(uint8_t *bytes, size_t length, struct ft_corpus *ret,
                                struct ft_error *error); /* takes `bytes`, which is malloc'd */
void ft_corpus_free(struct ft_corpus *corpus);

/* The entry of that name, NULL: none. */
const struct ft_corpus_entry *ft_corpus_find(const struct ft_corpus *corpus, const char *name);

/* Decodes one trace; `how` is of enum ft_decode_how, without FT_DECODE_SECTIONS. Offsets of errors
 * are those of its frame in the file. */
enum ft_status ft_corpus_trace(const struct ft_corpus *corpus, const struct ft_corpus_entry *entry,
                               unsigned how, struct ft_trace *ret, struct ft_error *error);

/* ---- corpus_write.c ---- */

/* A trace to pack: the file that it is in (or FILE.ftc:NAME), and its name in the corpus. */
struct ft_corpus_item {
    const char *path;
    const char *name;
};

/* Why this is no name of a trace in a corpus, NULL: it is one. */
const char *ft_check_corpus_name(const char *name);

/* Packs the items, which are sorted by name and all different; *ret is malloc'd. Each trace is read
 * twice, so that memory holds one at a time. `progress` may be NULL; false from it gives up
 * (FT_NOT_FOUND). *ret_bad is the item that an error is about. */
enum ft_status ft_corpus_encode(const struct ft_corpus_item *item, size_t count,
                                bool (*progress)(size_t done), uint8_t **ret, size_t *ret_length,
                                size_t *ret_bad, struct ft_error *error);

#endif
