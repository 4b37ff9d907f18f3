/* The bytes of a corpus to its traces. */
#include "corpus/corpus.h"
#include "trace/byte_stream.h"
#include "trace/host_file.h"
#include "trace/seek_table.h"
#include "trace/trace_frame.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

struct reader {
    struct ft_corpus *corpus;
    struct ft_seek_table seek;
    struct ft_error *error;
};

bool ft_corpus_path(const char *path, char *file, size_t capacity, const char **ret_name)
{
    static const char suffix[] = ".ftc";
    const char *colon = strstr(path, ".ftc:");
    size_t length = colon != NULL ? (size_t)(colon - path) + strlen(suffix) : strlen(path);

    if (length < sizeof(suffix) || length >= capacity ||
        memcmp(path + length - strlen(suffix), suffix, strlen(suffix)) != 0) {
        return false;
    }
    memcpy(file, path, length);
    file[length] = '\0';
    *ret_name = colon != NULL ? path + length + 1 : NULL;
    return true;
}

const char *ft_check_corpus_name(const char *name)
{
    if (name[0] == '\0' || name[0] == '/' || strlen(name) >= FT_CORPUS_NAME_MAX) {
        return "a name is empty, too long, or begins with /";
    }
    for (const char *part = name; *part != '\0'; part += *part == '/') {
        size_t length = strcspn(part, "/");

        if (length == 0 || (length == 1 && part[0] == '.') ||
            (length == 2 && part[0] == '.' && part[1] == '.')) {
            return "a name has an empty part, . or ..";
        }
        part += length;
    }
    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7F) {
            return "a name has a control character";
        }
    }
    return name[strlen(name) - 1] == '/' ? "a name ends with /" : NULL;
}

/* Size of the frame at `at`; 0 with FT_OK: the file ends inside it. */
static enum ft_status frame_size(struct reader *reader, size_t at, size_t *ret)
{
    const struct ft_corpus *corpus = reader->corpus;
    size_t size = ZSTD_findFrameCompressedSize(corpus->bytes + at, corpus->length - at);

    *ret = 0;
    if (!ZSTD_isError(size)) {
        *ret = size;
        return FT_OK;
    }
    if (ZSTD_getErrorCode(size) != ZSTD_error_srcSize_wrong ||
        ft_seek_table_ends(corpus->bytes, corpus->length)) {
        return ft_fail(reader->error, FT_BAD_FIELD, at, "damaged frame: %s",
                       ZSTD_getErrorName(size));
    }
    return FT_OK;
}

/* What a frame says it holds, within `most`. */
static enum ft_status content_size(const struct ft_corpus *corpus, size_t at, size_t size,
                                   size_t most, size_t *ret, struct ft_error *error)
{
    unsigned long long content = ZSTD_getFrameContentSize(corpus->bytes + at, size);

    if (content == ZSTD_CONTENTSIZE_ERROR || content == ZSTD_CONTENTSIZE_UNKNOWN) {
        return ft_fail(error, FT_BAD_FIELD, at, "the frame does not say how large its content is");
    }
    if (content > most) {
        return ft_fail(error, FT_TOO_LARGE, at,
                       "the frame claims %llu bytes of content, at most %zu are allowed here",
                       content, most);
    }
    *ret = (size_t)content;
    return FT_OK;
}

static enum ft_status unpack(const struct ft_corpus *corpus, size_t at, size_t size, size_t most,
                             uint8_t **ret, size_t *ret_length, struct ft_error *error)
{
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    uint8_t *content = NULL;
    size_t length = 0;
    enum ft_status status = content_size(corpus, at, size, most, &length, error);

    if (status == FT_OK) {
        content = malloc(length + 1);
        if (zstd == NULL || content == NULL) {
            status = ft_fail(error, FT_NO_MEMORY, at, "no memory for a corpus");
        }
    }
    if (status == FT_OK) {
        size_t got = corpus->dictionary != NULL
                         ? ZSTD_decompress_usingDDict(zstd, content, length, corpus->bytes + at,
                                                      size, corpus->dictionary)
                         : ZSTD_decompressDCtx(zstd, content, length, corpus->bytes + at, size);

        if (ZSTD_isError(got) || got != length) {
            status = ft_fail(error,
                             ZSTD_getErrorCode(got) == ZSTD_error_checksum_wrong ? FT_BAD_CHECKSUM
                                                                                 : FT_BAD_FIELD,
                             at, "damaged frame: %s",
                             ZSTD_isError(got) ? ZSTD_getErrorName(got) : "its size is another");
        }
    }
    ZSTD_freeDCtx(zstd);
    if (status != FT_OK) {
        free(content);
        return status;
    }
    *ret = content;
    *ret_length = length;
    return FT_OK;
}

static bool take_dictionary(struct reader *reader, struct ft_bytes_in *in)
{
    struct ft_corpus *corpus = reader->corpus;
    size_t length = (size_t)ft_in_number(in, 0, FT_CORPUS_DICTIONARY_MAX, "bytes of dictionary");

    if (in->reason == NULL && length > (size_t)(in->end - in->at)) {
        ft_in_fail(in, "bytes of dictionary");
    }
    if (in->reason != NULL || length == 0) {
        return true;
    }
    corpus->dictionary = ZSTD_createDDict(in->at, length);
    corpus->dictionary_bytes = length;
    in->at += length;
    return corpus->dictionary != NULL;
}

static bool take_names(struct reader *reader, struct ft_bytes_in *in)
{
    struct ft_corpus *corpus = reader->corpus;
    size_t count = (size_t)ft_in_number(in, 0, FT_CORPUS_TRACES_MAX, "number of traces");
    char name[FT_CORPUS_NAME_MAX];

    /* A name takes two bytes or more. */
    if (count > (size_t)(in->end - in->at) / 2) {
        ft_in_fail(in, "number of traces");
    }
    if (in->reason != NULL) {
        return true;
    }
    corpus->entry = calloc(count + 1, sizeof(*corpus->entry));
    if (corpus->entry == NULL) {
        return false;
    }
    while (corpus->count < count && in->reason == NULL) {
        const char *before = corpus->count != 0 ? corpus->entry[corpus->count - 1].name : "";
        const char *wrong;

        ft_in_string(in, name, sizeof(name), "name of a trace");
        wrong = in->reason == NULL ? ft_check_corpus_name(name) : NULL;
        if (wrong == NULL && in->reason == NULL && strcmp(before, name) >= 0) {
            wrong = "names are not sorted";
        }
        if (wrong != NULL) {
            ft_in_fail(in, wrong);
        }
        if (in->reason == NULL) {
            corpus->entry[corpus->count].name = strdup(name);
            if (corpus->entry[corpus->count].name == NULL) {
                return false;
            }
            corpus->count++;
        }
    }
    return true;
}

static enum ft_status read_head(struct reader *reader, const uint8_t *content, size_t length)
{
    struct ft_bytes_in in = {.begin = content, .at = content, .end = content + length};
    uint64_t version;

    if (length < FT_SECTION_HEAD_BYTES || memcmp(content, FT_SECTION_CORPUS, 4) != 0) {
        return ft_fail(reader->error, FT_NOT_A_TRACE, 0, "the first frame is no corpus head");
    }
    in.at += 4;
    if (ft_in_u32(&in, "length") != length - FT_SECTION_HEAD_BYTES) {
        return ft_fail(reader->error, FT_BAD_FIELD, 0,
                       "the section has another length than its frame");
    }
    version = ft_in_number(&in, 1, UINT64_MAX, "version");
    if (version > FT_CORPUS_VERSION) {
        return ft_fail(reader->error, FT_BAD_VERSION, 0, "version %llu, this build reads up to %d",
                       (unsigned long long)version, FT_CORPUS_VERSION);
    }
    if (!take_dictionary(reader, &in) || !take_names(reader, &in)) {
        return ft_fail(reader->error, FT_NO_MEMORY, 0, "no memory for a corpus");
    }
    if (in.reason == NULL && in.at != in.end) {
        ft_in_fail(&in, "bytes behind the last name");
    }
    if (in.reason != NULL) {
        return ft_fail(reader->error, FT_BAD_FIELD, 0, "%.4s section, byte %zu of its content: %s",
                       FT_SECTION_CORPUS, (size_t)(in.at - in.begin), in.reason);
    }
    return FT_OK;
}

/* Adds a frame to the table that the file must end with. */
static enum ft_status count_frame(struct reader *reader, size_t at, size_t size, size_t most)
{
    size_t content = 0;
    enum ft_status status = content_size(reader->corpus, at, size, most, &content, reader->error);

    if (status == FT_OK) {
        ft_seek_table_add(&reader->seek, (uint32_t)size, (uint32_t)content);
    }
    return status;
}

static enum ft_status check_seek_table(struct reader *reader, size_t at)
{
    struct ft_corpus *corpus = reader->corpus;
    struct ft_bytes_out expected = {0};
    size_t left = corpus->length - at;
    enum ft_status status = FT_OK;

    ft_seek_table_write(&reader->seek, &expected);
    if (expected.failed) {
        status = ft_fail(reader->error, FT_NO_MEMORY, at, "no memory for a corpus");
    } else if (left > expected.length || memcmp(corpus->bytes + at, expected.bytes, left) != 0) {
        status = ft_fail(reader->error, FT_BAD_FIELD, at, "the seek table does not fit the frames");
    }
    corpus->complete = status == FT_OK && left == expected.length;
    free(expected.bytes);
    return status;
}

/* Finds the frame of each trace. */
static enum ft_status find_frames(struct reader *reader, size_t at)
{
    struct ft_corpus *corpus = reader->corpus;

    for (size_t i = 0; i < corpus->count; i++) {
        size_t size = 0;
        enum ft_status status = at < corpus->length ? frame_size(reader, at, &size) : FT_OK;

        if (status != FT_OK || size == 0) {
            return status;
        }
        status = count_frame(reader, at, size, FT_TRACE_FILE_MAX);
        if (status != FT_OK) {
            return status;
        }
        corpus->entry[i].at = at;
        corpus->entry[i].length = size;
        at += size;
    }
    return check_seek_table(reader, at);
}

static enum ft_status read_all(struct reader *reader)
{
    static const uint8_t magic[] = {0x28, 0xB5, 0x2F, 0xFD};
    struct ft_corpus *corpus = reader->corpus;
    uint8_t *content = NULL;
    size_t size = 0, length = 0;
    enum ft_status status;

    if (corpus->length < sizeof(magic) || memcmp(corpus->bytes, magic, sizeof(magic)) != 0) {
        return ft_fail(reader->error, FT_NOT_A_TRACE, 0, "does not begin with a zstd frame");
    }
    status = frame_size(reader, 0, &size);
    if (status == FT_OK && size == 0) {
        status = ft_fail(reader->error, FT_TRUNCATED, corpus->length, "cut off inside the head");
    }
    if (status == FT_OK) {
        status = unpack(corpus, 0, size, FT_CORPUS_HEAD_MAX, &content, &length, reader->error);
    }
    if (status == FT_OK) {
        status = read_head(reader, content, length);
    }
    if (status == FT_OK) {
        status = count_frame(reader, 0, size, FT_CORPUS_HEAD_MAX);
    }
    free(content);
    return status == FT_OK ? find_frames(reader, size) : status;
}

enum ft_status ft_corpus_decode(uint8_t *bytes, size_t length, struct ft_corpus *ret,
                                struct ft_error *error)
{
    struct ft_corpus corpus = {.bytes = bytes, .length = length};
    struct reader reader = {.corpus = &corpus, .error = error};
    enum ft_status status = read_all(&reader);

    ft_seek_table_deinit(&reader.seek);
    if (status == FT_OK) {
        *ret = corpus;
    } else {
        ft_corpus_free(&corpus);
    }
    return status;
}

enum ft_status ft_corpus_read(const char *path, struct ft_corpus *ret, struct ft_error *error)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    enum ft_status status = ft_file_read(path, FT_CORPUS_FILE_MAX, &bytes, &length, error);

    return status == FT_OK ? ft_corpus_decode(bytes, length, ret, error) : status;
}

void ft_corpus_free(struct ft_corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) {
        free(corpus->entry[i].name);
    }
    free(corpus->entry);
    free(corpus->bytes);
    ZSTD_freeDDict(corpus->dictionary);
    *corpus = (struct ft_corpus){0};
}

static int compare_name(const void *key, const void *entry)
{
    return strcmp(key, ((const struct ft_corpus_entry *)entry)->name);
}

const struct ft_corpus_entry *ft_corpus_find(const struct ft_corpus *corpus, const char *name)
{
    return corpus->count == 0
               ? NULL
               : bsearch(name, corpus->entry, corpus->count, sizeof(*corpus->entry), compare_name);
}

enum ft_status ft_corpus_trace(const struct ft_corpus *corpus, const struct ft_corpus_entry *entry,
                               unsigned how, struct ft_trace *ret, struct ft_error *error)
{
    uint8_t *content = NULL;
    size_t length = 0;
    enum ft_status status;

    if (entry->length == 0) {
        return ft_fail(error, FT_TRUNCATED, corpus->length, "the corpus is cut off before it");
    }
    status = unpack(corpus, entry->at, entry->length, FT_TRACE_FILE_MAX, &content, &length, error);
    if (status == FT_OK) {
        status = ft_trace_decode_as(content, length, how | FT_DECODE_SECTIONS, ret, error);
        free(content);
        /* What the decoder names is a place in the content, which the file does not have. */
        if (status != FT_OK && error != NULL) {
            error->offset = entry->at;
        }
    }
    return status;
}
