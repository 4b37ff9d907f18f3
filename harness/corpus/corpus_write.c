/* Traces to the bytes of a corpus. */
#include "corpus/corpus.h"
#include "corpus/trace_list.h"
#include "trace/byte_stream.h"
#include "trace/seek_table.h"
#include "trace/trace_frame.h"

#include <stdlib.h>
#include <string.h>
#include <zdict.h>
#include <zstd.h>

/* What the dictionary is trained on: so much of each trace, and so much of all. More gains nothing
 * that could be measured. */
enum { LEVEL = 9, SAMPLE_MAX = 64 << 10, SAMPLES_MAX = 8 << 20, SAMPLES_LEAST = 16 };

struct writer {
    const struct ft_corpus_item *item;
    size_t count;
    size_t at; /* item in hand */
    bool (*progress)(size_t done);
    struct ft_bytes_out file;
    struct ft_bytes_out head;
    struct ft_seek_table seek;
    uint8_t *dictionary;
    size_t dictionary_bytes;
    ZSTD_CCtx *zstd;
    ZSTD_CDict *prepared;
    struct ft_error *error;
};

static enum ft_status no_memory(struct writer *writer)
{
    return ft_fail(writer->error, FT_NO_MEMORY, 0, "no memory for a corpus");
}

/* One trace as bare sections; *ret is malloc'd. */
static enum ft_status sections_of(struct writer *writer, size_t index, uint8_t **ret,
                                  size_t *ret_length)
{
    struct ft_trace trace;
    enum ft_status status;

    writer->at = index;
    status = ft_trace_read_any(writer->item[index].path, 0, &trace, writer->error);
    if (status != FT_OK) {
        return status;
    }
    if (trace.complete) {
        status = ft_trace_encode_sections(&trace, ret, ret_length, writer->error);
    } else {
        status = ft_fail(writer->error, FT_TRUNCATED, 0, "cut off before its verdict");
    }
    ft_trace_free(&trace);
    return status;
}

/* Every nth trace is a sample, so that all of them have a say. */
static enum ft_status take_samples(struct writer *writer, struct ft_bytes_out *samples,
                                   size_t **ret_size, unsigned *ret_count)
{
    size_t each = writer->count / (SAMPLES_MAX / SAMPLE_MAX * 4) + 1;
    size_t *size = calloc(writer->count / each + 1, sizeof(*size));
    enum ft_status status = size != NULL ? FT_OK : no_memory(writer);
    unsigned count = 0;

    for (size_t i = 0; status == FT_OK && i < writer->count && samples->length < SAMPLES_MAX;
         i += each) {
        uint8_t *bytes = NULL;
        size_t length = 0;

        status = sections_of(writer, i, &bytes, &length);
        if (status == FT_OK) {
            size[count] = length < SAMPLE_MAX ? length : SAMPLE_MAX;
            ft_out_bytes(samples, bytes, size[count++]);
            free(bytes);
            status = samples->failed ? no_memory(writer) : FT_OK;
        }
    }
    *ret_size = size;
    *ret_count = count;
    return status;
}

/* Trains the dictionary. Few or tiny traces give none, which is no failure. */
static enum ft_status train(struct writer *writer)
{
    struct ft_bytes_out samples = {0};
    size_t *size = NULL;
    unsigned count = 0;
    enum ft_status status = take_samples(writer, &samples, &size, &count);

    if (status == FT_OK && count >= SAMPLES_LEAST) {
        writer->dictionary = malloc(FT_CORPUS_DICTIONARY_MAX);
        if (writer->dictionary == NULL) {
            status = no_memory(writer);
        } else {
            size_t bytes = ZDICT_trainFromBuffer(writer->dictionary, FT_CORPUS_DICTIONARY_MAX,
                                                 samples.bytes, size, count);

            writer->dictionary_bytes = ZDICT_isError(bytes) ? 0 : bytes;
        }
    }
    if (status == FT_OK && writer->dictionary_bytes != 0) {
        writer->prepared = ZSTD_createCDict(writer->dictionary, writer->dictionary_bytes, LEVEL);
        status = writer->prepared != NULL ? FT_OK : no_memory(writer);
    }
    free(samples.bytes);
    free(size);
    return status;
}

static enum ft_status add_frame(struct writer *writer, const uint8_t *bytes, size_t length)
{
    size_t bound = ZSTD_compressBound(length);
    size_t size;

    if (!ft_out_reserve(&writer->file, bound)) {
        return no_memory(writer);
    }
    size = ZSTD_compress2(writer->zstd, writer->file.bytes + writer->file.length, bound, bytes,
                          length);
    if (ZSTD_isError(size)) {
        return ft_fail(writer->error, FT_INTERNAL, writer->file.length, "zstd: %s",
                       ZSTD_getErrorName(size));
    }
    writer->file.length += size;
    ft_seek_table_add(&writer->seek, (uint32_t)size, (uint32_t)length);
    if (writer->file.length > FT_CORPUS_FILE_MAX) {
        return ft_fail(writer->error, FT_TOO_LARGE, writer->file.length,
                       "the file would be larger than a corpus may be");
    }
    return FT_OK;
}

static enum ft_status add_head(struct writer *writer)
{
    struct ft_bytes_out *head = &writer->head;
    uint32_t length;

    ft_out_bytes(head, FT_SECTION_CORPUS, 4);
    ft_out_u32(head, 0);
    ft_out_number(head, FT_CORPUS_VERSION);
    ft_out_number(head, writer->dictionary_bytes);
    if (writer->dictionary_bytes != 0) {
        ft_out_bytes(head, writer->dictionary, writer->dictionary_bytes);
    }
    ft_out_number(head, writer->count);
    for (size_t i = 0; i < writer->count; i++) {
        ft_out_string(head, writer->item[i].name);
    }
    if (head->failed) {
        return no_memory(writer);
    }
    length = (uint32_t)head->length - FT_SECTION_HEAD_BYTES;
    for (unsigned i = 0; i < 4; i++) {
        head->bytes[4 + i] = (uint8_t)(length >> (8 * i));
    }
    return add_frame(writer, head->bytes, head->length);
}

static enum ft_status add_traces(struct writer *writer)
{
    enum ft_status status = FT_OK;

    if (writer->prepared != NULL) {
        ZSTD_CCtx_refCDict(writer->zstd, writer->prepared);
    }
    for (size_t i = 0; status == FT_OK && i < writer->count; i++) {
        uint8_t *bytes = NULL;
        size_t length = 0;

        status = sections_of(writer, i, &bytes, &length);
        if (status == FT_OK) {
            status = add_frame(writer, bytes, length);
            free(bytes);
        }
        if (status == FT_OK && writer->progress != NULL && !writer->progress(i + 1)) {
            status = ft_fail(writer->error, FT_NOT_FOUND, 0, "interrupted");
        }
    }
    return status;
}

static enum ft_status check_items(struct writer *writer)
{
    if (writer->count > FT_CORPUS_TRACES_MAX) {
        return ft_fail(writer->error, FT_TOO_LARGE, 0, "more than %d traces", FT_CORPUS_TRACES_MAX);
    }
    for (size_t i = 0; i < writer->count; i++) {
        const char *wrong = ft_check_corpus_name(writer->item[i].name);

        writer->at = i;
        if (wrong == NULL && i > 0 && strcmp(writer->item[i - 1].name, writer->item[i].name) >= 0) {
            wrong = "two traces would have one name";
        }
        if (wrong != NULL) {
            return ft_fail(writer->error, FT_USAGE, 0, "%.120s: %s", writer->item[i].name, wrong);
        }
    }
    return FT_OK;
}

static enum ft_status write_all(struct writer *writer)
{
    enum ft_status status = check_items(writer);

    if (status == FT_OK) {
        status = train(writer);
    }
    if (status != FT_OK) {
        return status;
    }
    writer->zstd = ZSTD_createCCtx();
    if (writer->zstd == NULL) {
        return no_memory(writer);
    }
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_contentSizeFlag, 1);
    status = add_head(writer);
    if (status == FT_OK) {
        status = add_traces(writer);
    }
    if (status == FT_OK) {
        ft_seek_table_write(&writer->seek, &writer->file);
        status = writer->file.failed ? no_memory(writer) : FT_OK;
    }
    return status;
}

enum ft_status ft_corpus_encode(const struct ft_corpus_item *item, size_t count,
                                bool (*progress)(size_t done), uint8_t **ret, size_t *ret_length,
                                size_t *ret_bad, struct ft_error *error)
{
    struct writer writer = {.item = item, .count = count, .progress = progress, .error = error};
    enum ft_status status = write_all(&writer);

    *ret_bad = writer.at;
    if (status == FT_OK) {
        *ret = writer.file.bytes;
        *ret_length = writer.file.length;
    } else {
        free(writer.file.bytes);
    }
    free(writer.head.bytes);
    free(writer.dictionary);
    ft_seek_table_deinit(&writer.seek);
    ZSTD_freeCCtx(writer.zstd);
    ZSTD_freeCDict(writer.prepared);
    return status;
}
