/* What stands inside the frames of a corpus: names, dictionary, traces. The input is a row of
 * parts, each two bytes of length (little end first) and so many bytes: the body of the head, then
 * one trace each. They become frames with right lengths, checksums and seek table. */
#include "fuzz/parsers/corpus_check.h"
#include "fuzz/parsers/parser_check.h"
#include "trace/seek_table.h"
#include "trace/trace_frame.h"

#include <stdlib.h>
#include <zstd.h>

struct maker {
    ZSTD_CCtx *zstd;
    struct ft_bytes_out file;
    struct ft_seek_table seek;
};

static void add_frame(struct maker *maker, const uint8_t *content, size_t length)
{
    size_t bound = ZSTD_compressBound(length), size;

    if (!ft_out_reserve(&maker->file, bound))
        abort();
    size =
        ZSTD_compress2(maker->zstd, maker->file.bytes + maker->file.length, bound, content, length);
    ft_parser_check(!ZSTD_isError(size), "a part can be packed");
    maker->file.length += size;
    ft_seek_table_add(&maker->seek, (uint32_t)size, (uint32_t)length);
}

static void add_head(struct maker *maker, const uint8_t *body, size_t length)
{
    struct ft_bytes_out head = {.length = 0};

    ft_out_bytes(&head, FT_SECTION_CORPUS, 4);
    ft_out_u32(&head, (uint32_t)length);
    ft_out_bytes(&head, body, length);
    add_frame(maker, head.bytes, head.length);
    free(head.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct maker maker = {.zstd = ZSTD_createCCtx()};
    bool head = true;

    if (!maker.zstd)
        return 0;
    ZSTD_CCtx_setParameter(maker.zstd, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(maker.zstd, ZSTD_c_checksumFlag, 1);
    while (size >= 2) {
        size_t length = data[0] | (size_t)data[1] << 8;

        data += 2;
        size -= 2;
        length = length < size ? length : size;
        if (head)
            add_head(&maker, data, length);
        else
            add_frame(&maker, data, length);
        head = false;
        data += length;
        size -= length;
    }
    ft_seek_table_write(&maker.seek, &maker.file);
    ft_parser_check_corpus(maker.file.bytes, maker.file.length);
    ft_seek_table_deinit(&maker.seek);
    ZSTD_freeCCtx(maker.zstd);
    return 0;
}
