/* Bytes that are no trace, or one no longer: a clear error or a trace that can be written again;
 * never a crash or a hang. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_samples.h"

#include "trace/byte_stream.h"
#include "trace/event_block.h"
#include "trace/seek_table.h"
#include "trace/trace_frame.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { FRAMES_MAX = 16, SECTION_HEAD = FT_SECTION_HEAD_BYTES, PATCHES_PER_BYTE = 2 };

/* Some 20,000 bytes of events: every one of them with the argument `whole`, else the first ones and
 * then every 11th. */
static size_t stride = 11;

static size_t next_place(size_t at)
{
    enum { FIRST = 512 };

    return at < FIRST ? at + 1 : at + stride;
}

/* A trace taken apart: the content of each frame, and where the frame ended in the file. */
struct parts {
    uint8_t *file;
    size_t length;
    unsigned count;
    struct ft_bytes_out content[FRAMES_MAX];
    size_t end[FRAMES_MAX];
};

static void take_apart(const struct ft_trace *trace, struct parts *ret)
{
    size_t at = 0;

    memset(ret, 0, sizeof(*ret));
    assert_int_equal(ft_trace_encode(trace, &ret->file, &ret->length, NULL), FT_OK);
    while (ret->file[at] == 0x28) { /* the seek table's frame begins with 0x5E */
        size_t size = ZSTD_findFrameCompressedSize(ret->file + at, ret->length - at);
        struct ft_bytes_out *content = &ret->content[ret->count];
        size_t length = (size_t)ZSTD_getFrameContentSize(ret->file + at, size);

        assert_true(ret->count < FRAMES_MAX);
        assert_true(ft_out_reserve(content, length));
        assert_int_equal(ZSTD_decompress(content->bytes, length, ret->file + at, size), length);
        content->length = length;
        at += size;
        ret->end[ret->count++] = at;
    }
}

static void free_parts(struct parts *parts)
{
    for (unsigned i = 0; i < parts->count; i++) {
        free(parts->content[i].bytes);
    }
    free(parts->file);
}

/* Appends one frame of that content as it is. */
static void put_frame_unchanged(struct ft_bytes_out *file, struct ft_seek_table *seek,
                                const struct ft_bytes_out *content)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound(content->length);
    size_t size;

    assert_non_null(zstd);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    assert_true(ft_out_reserve(file, bound));
    size = ZSTD_compress2(zstd, file->bytes + file->length, bound, content->bytes, content->length);
    assert_false(ZSTD_isError(size));
    file->length += size;
    ft_seek_table_add(seek, (uint32_t)size, (uint32_t)content->length);
    ZSTD_freeCCtx(zstd);
}

/* Appends one frame of that content, with its own right section length. */
static void put_frame(struct ft_bytes_out *file, struct ft_seek_table *seek,
                      const struct ft_bytes_out *content)
{
    uint32_t body = (uint32_t)content->length - SECTION_HEAD;

    for (unsigned i = 0; content->length >= SECTION_HEAD && i < 4; i++) {
        content->bytes[4 + i] = (uint8_t)(body >> (8 * i));
    }
    put_frame_unchanged(file, seek, content);
}

/* Builds a file of the frames whose indices `order` lists, as digits, with a right seek table. */
static void assemble(const struct parts *parts, const char *order, struct ft_bytes_out *file)
{
    struct ft_seek_table seek = {0};

    file->length = 0;
    for (; *order != '\0'; order++) {
        put_frame(file, &seek, &parts->content[*order - '0']);
    }
    ft_seek_table_write(&seek, file);
    ft_seek_table_deinit(&seek);
}

/* Decodes; checks that an error is complete, and that what was decoded can be written. */
static enum ft_status try_bytes(const uint8_t *bytes, size_t length, struct ft_trace *ret)
{
    struct ft_error error = {.status = FT_OK, .offset = UINT64_MAX, .text = ""};
    enum ft_status status = ft_trace_decode(bytes, length, ret, &error);
    uint8_t *again = NULL;
    size_t again_length;

    if (status != FT_OK) {
        assert_int_equal(error.status, status);
        assert_true(error.offset <= length);
        assert_true(error.text[0] != '\0');
        memset(ret, 0, sizeof(*ret));
        return status;
    }
    if (ret->complete) {
        if (ft_trace_encode(ret, &again, &again_length, &error) != FT_OK) {
            fail_msg("read, but cannot be written: %s", error.text);
        }
        free(again);
    }
    return status;
}

static enum ft_status try_and_free(const uint8_t *bytes, size_t length)
{
    struct ft_trace trace;
    enum ft_status status = try_bytes(bytes, length, &trace);

    ft_trace_free(&trace);
    return status;
}

static void expect(const struct ft_bytes_out *file, enum ft_status status, const char *words)
{
    struct ft_trace trace = {0};
    struct ft_error error = {.text = ""};

    assert_int_equal(ft_trace_decode(file->bytes, file->length, &trace, &error), status);
    if (status != FT_OK && strstr(error.text, words) == NULL) {
        fail_msg("`%s` is not in `%s`", words, error.text);
    }
    ft_trace_free(&trace);
}

/* One length of a file that was cut off there. */
static void check_cut(const struct parts *parts, size_t length, const struct ft_trace *whole)
{
    uint8_t *bytes = malloc(length + 1); /* exact, so that a sanitizer sees every byte too far */
    unsigned frames = 0;
    uint64_t events = 0;
    struct ft_trace trace;

    assert_non_null(bytes);
    memcpy(bytes, parts->file, length);
    bytes = realloc(bytes, length != 0 ? length : 1);
    while (frames < parts->count && parts->end[frames] <= length) {
        frames++;
    }
    if (frames == 0) {
        assert_int_equal(try_bytes(bytes, length, &trace), FT_TRUNCATED);
    } else {
        assert_int_equal(try_bytes(bytes, length, &trace), FT_OK);
        assert_int_equal(trace.complete, frames == parts->count);
        events = (uint64_t)(frames - 1) * FT_TRACE_BLOCK_EVENTS;
        events = events < whole->event_count ? events : whole->event_count;
        assert_int_equal(trace.event_count, events);
        assert_memory_equal(trace.event != NULL ? trace.event : whole->event, whole->event,
                            events * sizeof(*trace.event));
        ft_trace_free(&trace);
    }
    free(bytes);
}

static void a_small_file_may_be_cut_anywhere(void **state)
{
    struct ft_trace trace;
    struct parts parts;

    (void)state;
    sample_small(&trace);
    take_apart(&trace, &parts);
    for (size_t length = 0; length <= parts.length; length++) {
        check_cut(&parts, length, &trace);
    }
    free_parts(&parts);
    ft_trace_free(&trace);
}

static void a_file_of_blocks_yields_those_before_the_cut(void **state)
{
    struct ft_trace trace;
    struct parts parts;
    size_t last = 0;

    (void)state;
    sample_requests(200, &trace);
    take_apart(&trace, &parts);
    assert_int_equal(parts.count, 5); /* header, three blocks, verdict */
    for (unsigned i = 0; i < parts.count; i++) {
        check_cut(&parts, last + 1, &trace);
        check_cut(&parts, last + 3, &trace);
        check_cut(&parts, last + 11, &trace);
        for (size_t length = last; length < parts.end[i]; length += 97) {
            check_cut(&parts, length, &trace);
        }
        check_cut(&parts, parts.end[i] - 1, &trace);
        check_cut(&parts, parts.end[i], &trace);
        last = parts.end[i];
    }
    free_parts(&parts);
    ft_trace_free(&trace);
}

static void every_flipped_bit_is_noticed(void **state)
{
    struct ft_trace trace;
    struct parts parts;
    unsigned harmless = 0;

    (void)state;
    sample_requests(2, &trace);
    take_apart(&trace, &parts);
    for (size_t bit = 0; bit < 8 * parts.length; bit++) {
        struct ft_trace damaged;

        parts.file[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (try_bytes(parts.file, parts.length, &damaged) == FT_OK) {
            /* zstd's coding has bits that mean nothing; the checksum says that nothing changed. */
            sample_assert_equal(&trace, &damaged);
            harmless++;
        }
        ft_trace_free(&damaged);
        parts.file[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    print_message("%zu flipped bits, %u without effect\n", 8 * parts.length, harmless);
    free_parts(&parts);
    ft_trace_free(&trace);
}

static uint8_t patched(uint8_t byte, uint64_t bits)
{
    switch (bits % 4) {
    case 0:
        return (uint8_t)(byte ^ (1U << (bits >> 8) % 8));
    case 1:
        return 0xFF;
    case 2:
        return (uint8_t)(byte + 1);
    default:
        return (uint8_t)(bits >> 8);
    }
}

/* Damage with right checksums: what a wrong or hostile writer makes. */
static void damaged_content_never_surprises(void **state)
{
    struct ft_bytes_out file = {0};
    struct ft_trace trace;
    struct parts parts;
    struct sample_random random;
    unsigned read = 0;
    unsigned tried = 0;

    (void)state;
    sample_small(&trace);
    take_apart(&trace, &parts);
    assert_int_equal(parts.count, 3);
    sample_random_init(&random, 4);
    for (unsigned part = 0; part < parts.count; part++) {
        struct ft_bytes_out *content = &parts.content[part];

        for (size_t at = SECTION_HEAD; at < content->length; at = next_place(at)) {
            uint8_t kept = content->bytes[at];

            for (unsigned i = 0; i < PATCHES_PER_BYTE; i++) {
                content->bytes[at] = patched(kept, sample_random_next(&random));
                assemble(&parts, "012", &file);
                read += try_and_free(file.bytes, file.length) == FT_OK;
                tried++;
            }
            content->bytes[at] = kept;
        }
    }
    print_message("%u damaged contents, %u read all the same\n", tried, read);
    free(file.bytes);
    free_parts(&parts);
    ft_trace_free(&trace);
}

/* Content with bytes missing at its end, put in, or taken out. */
static void content_of_another_length_never_surprises(void **state)
{
    struct ft_bytes_out file = {0};
    struct ft_trace trace;
    struct parts parts;
    struct sample_random random;

    (void)state;
    sample_small(&trace);
    take_apart(&trace, &parts);
    sample_random_init(&random, 6);
    for (unsigned part = 0; part < parts.count; part++) {
        struct ft_bytes_out *content = &parts.content[part];
        size_t length = content->length;
        uint8_t *kept = malloc(length);

        assert_non_null(kept);
        memcpy(kept, content->bytes, length);
        for (size_t at = SECTION_HEAD; at < length; at = next_place(at)) {
            content->length = at;
            assemble(&parts, "012", &file);
            assert_int_equal(try_and_free(file.bytes, file.length), FT_BAD_FIELD);
            content->length = length - 1;
            memmove(content->bytes + at, content->bytes + at + 1, length - at - 1);
            assemble(&parts, "012", &file);
            try_and_free(file.bytes, file.length);
            memcpy(content->bytes, kept, length);
            content->length = length;
        }
        ft_out_byte(content, 0);
        assemble(&parts, "012", &file);
        assert_int_equal(try_and_free(file.bytes, file.length), FT_BAD_FIELD);
        content->length = length;
        free(kept);
    }
    free(file.bytes);
    free_parts(&parts);
    ft_trace_free(&trace);
}

static void frames_in_another_order_are_refused(void **state)
{
    struct ft_bytes_out file = {0};
    struct ft_trace trace;
    struct parts parts;

    (void)state;
    sample_requests(200, &trace);
    take_apart(&trace, &parts);
    assemble(&parts, "01234", &file);
    expect(&file, FT_OK, "");
    assemble(&parts, "0234", &file);
    expect(&file, FT_BAD_FIELD, "a block is missing");
    assemble(&parts, "0124", &file);
    expect(&file, FT_BAD_FIELD, "a block is missing");
    assemble(&parts, "02134", &file);
    expect(&file, FT_BAD_FIELD, "a block is missing");
    assemble(&parts, "011234", &file);
    expect(&file, FT_BAD_FIELD, "a block is missing or twice");
    assemble(&parts, "001234", &file);
    expect(&file, FT_BAD_FIELD, "neither events nor verdict");
    assemble(&parts, "1234", &file);
    expect(&file, FT_NOT_A_TRACE, "no trace header");
    assemble(&parts, "0123", &file);
    expect(&file, FT_BAD_FIELD, "neither a frame nor the end");
    assemble(&parts, "012344", &file);
    expect(&file, FT_BAD_FIELD, "seek table");
    assemble(&parts, "012341", &file);
    expect(&file, FT_BAD_FIELD, "seek table");
    free(file.bytes);
    free_parts(&parts);
    ft_trace_free(&trace);
}

static void bytes_behind_the_end_are_refused(void **state)
{
    struct ft_bytes_out file = {0};
    struct ft_error error = {.text = ""};
    struct ft_trace trace;
    struct parts parts;

    (void)state;
    sample_small(&trace);
    take_apart(&trace, &parts);
    ft_out_bytes(&file, parts.file, parts.length);
    ft_out_byte(&file, 0);
    ft_trace_free(&trace);
    assert_int_equal(ft_trace_decode(file.bytes, file.length, &trace, &error), FT_BAD_FIELD);
    assert_int_equal(error.offset, parts.length);
    assert_non_null(strstr(error.text, "behind the seek table"));
    ft_out_bytes(&file, parts.file, parts.length); /* two files in one */
    expect(&file, FT_BAD_FIELD, "behind the seek table");
    free(file.bytes);
    free_parts(&parts);
}

static void other_files_are_no_traces(void **state)
{
    static const char text[] = "platform bounce registers=2\n";
    static const uint8_t skippable[] = {0x5E, 0x2A, 0x4D, 0x18, 0, 0, 0, 0};
    struct ft_bytes_out file = {0};
    struct ft_seek_table seek = {0};
    struct ft_bytes_out content = {0};

    (void)state;
    expect(&file, FT_TRUNCATED, "empty");
    ft_out_bytes(&file, text, sizeof(text));
    expect(&file, FT_NOT_A_TRACE, "zstd");
    file.length = 0;
    ft_out_bytes(&file, skippable, sizeof(skippable));
    expect(&file, FT_NOT_A_TRACE, "zstd");
    file.length = 0;
    ft_out_bytes(&content, text, sizeof(text));
    put_frame(&file, &seek, &content);
    expect(&file, FT_NOT_A_TRACE, "no trace header");
    file.length = 0;
    content.length = 3;
    put_frame(&file, &seek, &content);
    expect(&file, FT_BAD_FIELD, "no section");
    ft_seek_table_deinit(&seek);
    free(content.bytes);
    free(file.bytes);
}

static void other_versions_are_named(void **state)
{
    struct ft_bytes_out file = {0};
    struct ft_trace trace;
    struct parts parts;

    (void)state;
    sample_empty(&trace);
    take_apart(&trace, &parts);
    parts.content[0].bytes[SECTION_HEAD] = FT_TRACE_VERSION + 1;
    assemble(&parts, "01", &file);
    expect(&file, FT_BAD_VERSION, "version 2");
    parts.content[0].bytes[SECTION_HEAD] = 0;
    assemble(&parts, "01", &file);
    expect(&file, FT_BAD_FIELD, "version");
    free(file.bytes);
    free_parts(&parts);
}

/* A block that claims what `fill` writes, behind a good header. */
static void expect_block(void (*fill)(struct ft_bytes_out *out), const char *words)
{
    struct ft_bytes_out file = {0};
    struct ft_bytes_out *content;
    struct ft_trace trace;
    struct parts parts;

    sample_empty(&trace);
    take_apart(&trace, &parts);
    content = &parts.content[1];
    content->length = 0;
    ft_out_bytes(content, FT_SECTION_EVENTS, 4);
    ft_out_u32(content, 0);
    fill(content);
    assemble(&parts, "01", &file);
    expect(&file, FT_BAD_FIELD, words);
    free(file.bytes);
    free_parts(&parts);
}

static void no_event_at_all(struct ft_bytes_out *out)
{
    ft_out_number(out, 1);
    ft_out_number(out, 0);
}

static void too_many_events(struct ft_bytes_out *out)
{
    ft_out_number(out, 1);
    ft_out_number(out, FT_TRACE_BLOCK_EVENTS + 1);
}

static void too_many_kinds(struct ft_bytes_out *out)
{
    ft_out_number(out, 1);
    ft_out_number(out, 2);
    ft_out_number(out, UINT64_MAX);
}

static void event_of_the_future(struct ft_bytes_out *out)
{
    ft_out_number(out, 1);
    ft_out_number(out, 1);
    ft_out_number(out, 1);
    ft_out_number(out, 0x0FFE);
    ft_out_number(out, 0);
}

static void long_number(struct ft_bytes_out *out)
{
    ft_out_byte(out, 0x81); /* 1 in two bytes */
    ft_out_byte(out, 0x00);
}

static void endless_number(struct ft_bytes_out *out)
{
    for (unsigned i = 0; i < 64; i++) {
        ft_out_byte(out, 0xFF);
    }
}

/* Everything up to the order column: one shape of irq:late for `count` events. */
static void one_shape(struct ft_bytes_out *out, unsigned count)
{
    ft_out_number(out, 1);
    ft_out_number(out, count);
    ft_out_number(out, 1);
    ft_out_number(out, FT_EV_INT_LATE);
    ft_out_number(out, 0);
    ft_out_number(out, 1);
    for (unsigned column = 0; column < 6; column++) {
        ft_out_number(out, 0);
    }
}

static void shape_out_of_nowhere(struct ft_bytes_out *out)
{
    one_shape(out, 1);
    ft_out_number(out, FT_ORDER_AS_LAST);
}

static void context_out_of_nowhere(struct ft_bytes_out *out)
{
    one_shape(out, 1);
    ft_out_number(out, FT_ORDER_NEW);
    ft_out_number(out, FT_CONTEXT_SAME);
}

static void context_field_too_wide(struct ft_bytes_out *out)
{
    one_shape(out, 1);
    ft_out_number(out, FT_ORDER_NEW);
    ft_out_number(out, FT_CONTEXT_NEW);
    ft_out_number(out, 256);
}

static void site_that_is_not_there(struct ft_bytes_out *out)
{
    one_shape(out, 1);
    out->length--;
    ft_out_number(out, 1);
}

static void absurd_blocks_are_refused(void **state)
{
    (void)state;
    expect_block(no_event_at_all, "number of events");
    expect_block(too_many_events, "number of events");
    expect_block(too_many_kinds, "number of kinds");
    expect_block(event_of_the_future, "later version");
    expect_block(long_number, "number of the first event");
    expect_block(endless_number, "number of the first event");
    expect_block(shape_out_of_nowhere, "not there yet");
    expect_block(context_out_of_nowhere, "not there yet");
    expect_block(context_field_too_wide, "field of a context");
    expect_block(site_that_is_not_there, "site of a shape");
}

static void absurd_headers_are_refused(void **state)
{
    struct ft_bytes_out file = {0};
    struct ft_trace trace;
    struct parts parts;
    size_t length;

    (void)state;
    sample_empty(&trace);
    take_apart(&trace, &parts);
    length = parts.content[0].length - 1; /* the site count is the last byte */
    parts.content[0].length = length;
    ft_out_number(&parts.content[0], FT_TRACE_SITES_MAX);
    assemble(&parts, "01", &file);
    expect(&file, FT_BAD_FIELD, "number of sites");
    parts.content[0].length = length;
    ft_out_number(&parts.content[0], UINT64_MAX);
    assemble(&parts, "01", &file);
    expect(&file, FT_BAD_FIELD, "number of sites");
    parts.content[0].length = length;
    ft_out_number(&parts.content[0], 2);
    for (unsigned i = 0; i < 2; i++) { /* the second wraps around */
        ft_out_number(&parts.content[0], UINT64_MAX);
        ft_out_string(&parts.content[0], "f");
    }
    assemble(&parts, "01", &file);
    expect(&file, FT_BAD_FIELD, "site");
    free(file.bytes);
    free_parts(&parts);
}

/* Small files that unpack to much, or say that they do. */
static void bombs_are_refused_before_they_unpack(void **state)
{
    /* Magic, descriptor, 2^40 bytes of content, one last block that repeats a zero, checksum. */
    static const uint8_t claims[] = {0x28, 0xB5, 0x2F, 0xFD, 0xE4, 0, 0, 0, 0, 0, 1,
                                     0,    0,    3,    0,    0,    0, 0, 0, 0, 0};
    struct ft_bytes_out file = {0};
    struct ft_bytes_out content = {0};
    struct ft_seek_table seek = {0};
    struct ft_trace trace;
    struct parts parts;

    (void)state;
    ft_out_bytes(&file, claims, sizeof(claims));
    expect(&file, FT_TOO_LARGE, "claims");
    assert_true(ft_out_reserve(&content, FT_HEADER_BYTES_MAX + 1));
    memset(content.bytes, 0, FT_HEADER_BYTES_MAX + 1);
    content.length = FT_HEADER_BYTES_MAX + 1;
    file.length = 0;
    put_frame(&file, &seek, &content);
    assert_true(file.length < 4096);
    expect(&file, FT_TOO_LARGE, "claims");
    sample_empty(&trace);
    take_apart(&trace, &parts);
    file.length = 0;
    ft_out_bytes(&file, parts.file, parts.end[0]);
    content.length = FT_BLOCK_BYTES_MAX + 1;
    put_frame(&file, &seek, &content);
    expect(&file, FT_TOO_LARGE, "claims");
    ft_seek_table_deinit(&seek);
    free(content.bytes);
    free(file.bytes);
    free_parts(&parts);
}

/* Frames that hide their size or have no checksum: `zstd` makes them, a trace has none. */
static void frames_of_another_making_are_refused(void **state)
{
    struct ft_bytes_out file = {0};
    struct ft_trace trace;
    struct parts parts;
    size_t size;

    (void)state;
    sample_empty(&trace);
    take_apart(&trace, &parts);
    for (int checksum = 0; checksum < 2; checksum++) {
        ZSTD_CCtx *zstd = ZSTD_createCCtx();

        assert_non_null(zstd);
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, checksum);
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, !checksum);
        file.length = 0;
        assert_true(ft_out_reserve(&file, 65536));
        size = ZSTD_compress2(zstd, file.bytes, 65536, parts.content[0].bytes,
                              parts.content[0].length);
        assert_false(ZSTD_isError(size));
        file.length = size;
        expect(&file, FT_BAD_FIELD, checksum ? "how large" : "no checksum");
        ZSTD_freeCCtx(zstd);
    }
    free(file.bytes);
    free_parts(&parts);
}

/* A section that says it is longer or shorter than its frame. */
static void sections_of_another_length_than_their_frame_are_refused(void **state)
{
    struct ft_bytes_out file = {0};
    struct ft_seek_table seek = {0};
    struct ft_trace trace;
    struct parts parts;

    (void)state;
    sample_empty(&trace);
    take_apart(&trace, &parts);
    for (int step = -1; step <= 1; step += 2) {
        parts.content[0].bytes[4] = (uint8_t)(parts.content[0].bytes[4] + step);
        file.length = 0;
        put_frame_unchanged(&file, &seek, &parts.content[0]);
        expect(&file, FT_BAD_FIELD, "another length than its frame");
        parts.content[0].bytes[4] = (uint8_t)(parts.content[0].bytes[4] - step);
    }
    ft_seek_table_deinit(&seek);
    free(file.bytes);
    free_parts(&parts);
}

/* A verdict section about a trace without events. */
static void put_verdict(struct ft_bytes_out *out, uint64_t event_of_finding)
{
    out->length = 0;
    ft_out_bytes(out, FT_SECTION_VERDICT, 4);
    ft_out_u32(out, 0);
    ft_out_number(out, 0);
    ft_out_u64(out, 0);
    ft_out_number(out, FT_VERDICT_VIOLATION);
    for (unsigned list = 0; list < 2; list++) {
        ft_out_number(out, list == 0 ? 1 : 0);
        if (list == 0) {
            ft_out_number(out, 1001);
            ft_out_number(out, event_of_finding);
            ft_out_number(out, 0);
            ft_out_number(out, 0);
            ft_out_string(out, "");
        }
    }
    ft_out_string(out, "");
}

static void findings_at_events_that_are_not_there_are_refused(void **state)
{
    struct ft_bytes_out file = {0};
    struct ft_trace trace;
    struct parts parts;

    (void)state;
    sample_empty(&trace);
    take_apart(&trace, &parts);
    assert_int_equal(parts.count, 2);
    put_verdict(&parts.content[1], 0);
    assemble(&parts, "01", &file);
    expect(&file, FT_OK, "");
    put_verdict(&parts.content[1], 1);
    assemble(&parts, "01", &file);
    expect(&file, FT_BAD_FIELD, "finding");
    free(file.bytes);
    free_parts(&parts);
}

static void more_bytes_than_a_trace_may_have_are_not_looked_at(void **state)
{
    struct ft_error error = {.text = ""};
    struct ft_trace trace;
    uint8_t byte = 0x28;

    (void)state;
    assert_int_equal(ft_trace_decode(&byte, (size_t)FT_TRACE_FILE_MAX + 1, &trace, &error),
                     FT_TOO_LARGE);
    assert_int_equal(error.status, FT_TOO_LARGE);
}

/* What an engine would feed first: short noise, with and without a good beginning. */
static void noise_is_refused(void **state)
{
    struct sample_random random;
    struct ft_trace trace;
    struct parts parts;

    (void)state;
    sample_small(&trace);
    take_apart(&trace, &parts);
    sample_random_init(&random, 8);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t bytes[512];
        size_t length = (size_t)(sample_random_next(&random) % sizeof(bytes));
        size_t good = (size_t)(sample_random_next(&random) % 64);

        for (size_t k = 0; k < length; k++) {
            bytes[k] = k < good ? parts.file[k] : (uint8_t)sample_random_next(&random);
        }
        assert_int_not_equal(try_and_free(bytes, length), FT_OK);
    }
    free_parts(&parts);
    ft_trace_free(&trace);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_may_be_cut_anywhere),
        cmocka_unit_test(a_file_of_blocks_yields_those_before_the_cut),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(damaged_content_never_surprises),
        cmocka_unit_test(content_of_another_length_never_surprises),
        cmocka_unit_test(frames_in_another_order_are_refused),
        cmocka_unit_test(bytes_behind_the_end_are_refused),
        cmocka_unit_test(other_files_are_no_traces),
        cmocka_unit_test(other_versions_are_named),
        cmocka_unit_test(absurd_blocks_are_refused),
        cmocka_unit_test(absurd_headers_are_refused),
        cmocka_unit_test(bombs_are_refused_before_they_unpack),
        cmocka_unit_test(frames_of_another_making_are_refused),
        cmocka_unit_test(sections_of_another_length_than_their_frame_are_refused),
        cmocka_unit_test(findings_at_events_that_are_not_there_are_refused),
        cmocka_unit_test(more_bytes_than_a_trace_may_have_are_not_looked_at),
        cmocka_unit_test(noise_is_refused),
    };

    stride = argc > 1 && strcmp(argv[1], "whole") == 0 ? 1 : stride;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
