/* The bytes of a file to a trace. Whatever the bytes are, memory stays below FT_TRACE_BYTES_MAX: a
 * frame says how large its content is before anything is allocated for it, and one that says
 * nothing is refused. */
#include "trace/event_block.h"
#include "trace/seek_table.h"
#include "trace/trace.h"
#include "trace/trace_check.h"
#include "trace/trace_frame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { FRAME_CHECKSUM_FLAG = 0x04, FRAME_DICTIONARY_FLAGS = 0x03, FRAME_DESCRIPTOR_AT = 4 };

struct reader {
    const uint8_t *bytes;
    size_t length;
    unsigned how;           /* enum ft_decode_how */
    size_t at;              /* offset of the frame (or bare section) in hand */
    size_t size;            /* of it */
    bool cut;               /* the file ends inside the frame in hand */
    struct ft_trace *trace; /* under construction */
    uint64_t event_capacity;
    struct ft_bytes_in section; /* body of the frame in hand */
    char letters[4];            /* and what kind of section it is */
    uint8_t *content;
    size_t content_capacity;
    size_t content_length;
    struct ft_seek_table seek;
    struct ft_block_scratch *scratch;
    ZSTD_DCtx *zstd;
    struct ft_error *error;
};

static enum ft_status no_memory(struct reader *reader)
{
    return ft_fail(reader->error, FT_NO_MEMORY, reader->at, "no memory for a trace");
}

/* A failure inside the content of the frame in hand. */
static enum ft_status bad_section(struct reader *reader, enum ft_status status)
{
    return ft_fail(reader->error, status, reader->at, "%.4s section, byte %zu of its content: %s",
                   reader->letters, (size_t)(reader->section.at - reader->section.begin),
                   reader->section.reason);
}

/* Room for a frame's content. */
static bool reserve_content(struct reader *reader, size_t length)
{
    uint8_t *content;

    if (length <= reader->content_capacity) {
        return true;
    }
    content = realloc(reader->content, length);
    if (content == NULL) {
        return false;
    }
    reader->content = content;
    reader->content_capacity = length;
    return true;
}

/* Sees that what is left begins like a zstd frame, as far as it goes. */
static bool begins_like_frame(const struct reader *reader)
{
    static const uint8_t magic[] = {0x28, 0xB5, 0x2F, 0xFD};
    size_t left = reader->length - reader->at;

    return memcmp(reader->bytes + reader->at, magic, left < 4 ? left : 4) == 0;
}

/* Checks what the frame header claims; sets reader->content_length. */
static enum ft_status check_frame(struct reader *reader, size_t size, size_t content_max)
{
    const uint8_t *frame = reader->bytes + reader->at;
    unsigned long long content = ZSTD_getFrameContentSize(frame, size);
    unsigned descriptor = frame[FRAME_DESCRIPTOR_AT];

    if (content == ZSTD_CONTENTSIZE_ERROR || content == ZSTD_CONTENTSIZE_UNKNOWN) {
        return ft_fail(reader->error, FT_BAD_FIELD, reader->at,
                       "the frame does not say how large its content is");
    }
    if (content > content_max) {
        return ft_fail(reader->error, FT_TOO_LARGE, reader->at,
                       "the frame claims %llu bytes of content, at most %zu are allowed here",
                       content, content_max);
    }
    if ((descriptor & FRAME_CHECKSUM_FLAG) == 0 || (descriptor & FRAME_DICTIONARY_FLAGS) != 0) {
        return ft_fail(reader->error, FT_BAD_FIELD, reader->at,
                       "the frame has no checksum, or wants a dictionary");
    }
    reader->content_length = (size_t)content;
    return FT_OK;
}

/* Finds the size of the frame in hand. 0 with reader->cut set: the file ends inside it. */
static enum ft_status frame_size(struct reader *reader)
{
    size_t left = reader->length - reader->at;
    size_t size;

    reader->size = 0;
    reader->cut = false;
    if (!begins_like_frame(reader)) {
        return ft_fail(reader->error, FT_BAD_FIELD, reader->at, "neither a frame nor the end");
    }
    size = ZSTD_findFrameCompressedSize(reader->bytes + reader->at, left);
    if (!ZSTD_isError(size)) {
        reader->size = size;
        return FT_OK;
    }
    if (ZSTD_getErrorCode(size) != ZSTD_error_srcSize_wrong) {
        return ft_fail(reader->error, FT_BAD_FIELD, reader->at, "damaged frame: %s",
                       ZSTD_getErrorName(size));
    }
    if (ft_seek_table_ends(reader->bytes, reader->length)) {
        /* The end of the file is there, so the frame is damaged and not cut off. */
        return ft_fail(reader->error, FT_BAD_FIELD, reader->at,
                       "damaged frame: it reaches beyond the end of the file");
    }
    reader->cut = true;
    return FT_OK;
}

/* The content in hand is one section: letters, length, body. */
static enum ft_status open_section(struct reader *reader, const uint8_t *content, size_t length)
{
    if (length < FT_SECTION_HEAD_BYTES) {
        return ft_fail(reader->error, FT_BAD_FIELD, reader->at, "the frame holds no section");
    }
    memcpy(reader->letters, content, sizeof(reader->letters));
    reader->section =
        (struct ft_bytes_in){.begin = content, .at = content + 4, .end = content + length};
    if (ft_in_u32(&reader->section, "length") != length - FT_SECTION_HEAD_BYTES) {
        return ft_fail(reader->error, FT_BAD_FIELD, reader->at,
                       "the section has another length than its frame");
    }
    return FT_OK;
}

/* Takes the frame at reader->at apart: content, section letters, body. */
static enum ft_status open_frame(struct reader *reader, size_t content_max)
{
    enum ft_status status = check_frame(reader, reader->size, content_max);
    size_t length;

    if (status != FT_OK) {
        return status;
    }
    if (!reserve_content(reader, reader->content_length + FT_SECTION_HEAD_BYTES)) {
        return no_memory(reader);
    }
    length = ZSTD_decompressDCtx(reader->zstd, reader->content, reader->content_length,
                                 reader->bytes + reader->at, reader->size);
    if (ZSTD_isError(length)) {
        bool checksum = ZSTD_getErrorCode(length) == ZSTD_error_checksum_wrong;

        return ft_fail(reader->error, checksum ? FT_BAD_CHECKSUM : FT_BAD_FIELD, reader->at,
                       "damaged frame: %s", ZSTD_getErrorName(length));
    }
    status = open_section(reader, reader->content, length == reader->content_length ? length : 0);
    if (status != FT_OK) {
        return status;
    }
    ft_seek_table_add(&reader->seek, (uint32_t)reader->size, (uint32_t)length);
    return reader->seek.entry.failed ? no_memory(reader) : FT_OK;
}

/* The section at reader->at without a frame around it. */
static enum ft_status open_bare(struct reader *reader, size_t content_max)
{
    const uint8_t *head = reader->bytes + reader->at;
    size_t left = reader->length - reader->at;
    uint64_t size;

    if (left < FT_SECTION_HEAD_BYTES) {
        return ft_fail(reader->error, FT_TRUNCATED, reader->at, "cut off inside a section's head");
    }
    size = FT_SECTION_HEAD_BYTES +
           (head[4] | (uint64_t)head[5] << 8 | (uint64_t)head[6] << 16 | (uint64_t)head[7] << 24);
    if (size > content_max) {
        return ft_fail(reader->error, FT_TOO_LARGE, reader->at,
                       "the section claims %llu bytes, at most %zu are allowed here",
                       (unsigned long long)size, content_max);
    }
    if (size > left) {
        return ft_fail(reader->error, FT_TRUNCATED, reader->at, "cut off inside a section");
    }
    reader->size = (size_t)size;
    return open_section(reader, head, reader->size);
}

/* The next section, from a frame or bare. FT_OK with reader->cut set: there is none any more. */
static enum ft_status next_section(struct reader *reader, size_t content_max)
{
    enum ft_status status;

    if ((reader->how & FT_DECODE_SECTIONS) != 0) {
        return open_bare(reader, content_max);
    }
    status = frame_size(reader);
    return status != FT_OK || reader->cut ? status : open_frame(reader, content_max);
}

static bool section_is(const struct reader *reader, const char *letters)
{
    return memcmp(reader->letters, letters, sizeof(reader->letters)) == 0;
}

static void read_scenario(struct ft_bytes_in *in, struct ft_scenario *scenario)
{
    static const size_t knobs[] = {
#define KNOB(field, name, maximum, sentence) offsetof(struct ft_platform, field),
        FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
    };
    enum { KNOB_COUNT = sizeof(knobs) / sizeof(knobs[0]) };
    uint8_t *platform = (uint8_t *)&scenario->platform;
    unsigned count = (unsigned)ft_in_number(in, 0, KNOB_COUNT, "number of platform knobs");
    const char *reason;

    for (unsigned i = 0; i < count; i++) {
        platform[knobs[i]] = (uint8_t)ft_in_number(in, 0, UINT8_MAX, "platform knob");
    }
    reason = ft_check_platform(&scenario->platform);
    if (reason != NULL) {
        ft_in_fail(in, reason);
    }
    scenario->op_count = (uint16_t)ft_in_number(in, 0, FT_OPS_MAX, "number of ops");
    for (unsigned i = 0; i < scenario->op_count && in->reason == NULL; i++) {
        struct ft_op *op = &scenario->op[i];

        op->kind = (uint8_t)ft_in_number(in, 0, UINT8_MAX, "op number");
        op->label = (uint8_t)ft_in_number(in, 0, UINT8_MAX, "label of an op");
        op->moment.target = (uint8_t)ft_in_number(in, 0, UINT8_MAX, "target of a moment");
        op->moment.point = (uint8_t)ft_in_number(in, 0, UINT8_MAX, "point of a moment");
        op->moment.count = (uint8_t)ft_in_number(in, 0, UINT8_MAX, "count of a moment");
        op->moment.accesses = (uint16_t)ft_in_number(in, 0, UINT16_MAX, "accesses of a moment");
        for (unsigned k = 0; k < FT_OP_ARGS_MAX; k++) {
            op->arg[k] = (uint16_t)ft_in_number(in, 0, UINT16_MAX, "argument of an op");
        }
        if (op->kind >= FT_OP_OF_DEVICES) {
            op->kind = (uint8_t)(op->kind - FT_OP_OF_DEVICES);
            ft_op_devices_set(op, (unsigned)ft_in_number(in, 1, FT_OP_DEVICES - 1, "devices"));
        }
        reason = in->reason == NULL ? ft_check_op(op) : NULL;
        if (reason != NULL) {
            ft_in_fail(in, reason);
        }
    }
}

static enum ft_status read_sites(struct reader *reader)
{
    struct ft_bytes_in *in = &reader->section;
    struct ft_trace *trace = reader->trace;
    uint32_t count = (uint32_t)ft_in_number(in, 0, FT_TRACE_SITES_MAX, "number of sites");
    uint64_t site = 0;

    /* A site takes two bytes or more, so the table is never far larger than the section that claims
     * it. */
    if (count > (size_t)(in->end - in->at) / 2) {
        ft_in_fail(in, "number of sites");
    }
    if (in->reason != NULL || count == 0) {
        return FT_OK;
    }
    trace->site = calloc(count, sizeof(*trace->site));
    if (trace->site == NULL) {
        return no_memory(reader);
    }
    trace->site_count = count;
    for (uint32_t i = 0; i < count && in->reason == NULL; i++) {
        site += ft_in_number(in, 1, UINT64_MAX - site, "site");
        trace->site[i].site = site;
        ft_in_string(in, trace->site[i].function, sizeof(trace->site[i].function),
                     "function of a site");
    }
    return FT_OK;
}

static enum ft_status read_header(struct reader *reader)
{
    struct ft_bytes_in *in = &reader->section;
    struct ft_trace *trace = reader->trace;
    uint64_t version = ft_in_number(in, 1, UINT64_MAX, "version");
    enum ft_status status;

    if (version > FT_TRACE_VERSION) {
        return ft_fail(reader->error, FT_BAD_VERSION, reader->at,
                       "version %" PRIu64 ", this build reads up to %d", version, FT_TRACE_VERSION);
    }
    trace->origin = (uint8_t)ft_in_number(in, FT_ORIGIN_SIMULATED, FT_ORIGIN_CAPTURED, "origin");
    trace->model = (uint32_t)ft_in_number(in, 0, UINT32_MAX, "model number");
    ft_in_string(in, trace->core, sizeof(trace->core), "core");
    ft_in_string(in, trace->mutant, sizeof(trace->mutant), "mutant");
    ft_in_string(in, trace->flavour, sizeof(trace->flavour), "flavour");
    ft_in_string(in, trace->compiler, sizeof(trace->compiler), "compiler");
    ft_in_string(in, trace->fingerprint, sizeof(trace->fingerprint), "fingerprint");
    ft_in_string(in, trace->description, sizeof(trace->description), "description");
    read_scenario(in, &trace->scenario);
    status = read_sites(reader);
    if (status != FT_OK) {
        return status;
    }
    if (in->reason == NULL && in->at != in->end) {
        ft_in_fail(in, "bytes behind the last site");
    }
    return in->reason == NULL ? FT_OK : bad_section(reader, FT_BAD_FIELD);
}

static bool reserve_events(struct reader *reader, unsigned more)
{
    struct ft_trace *trace = reader->trace;
    uint64_t capacity = reader->event_capacity != 0 ? reader->event_capacity : 256;
    struct ft_event *event;

    while (capacity < trace->event_count + more) {
        capacity *= 2;
    }
    if (capacity == reader->event_capacity) {
        return true;
    }
    event = realloc(trace->event, (size_t)capacity * sizeof(*event));
    if (event == NULL) {
        return false;
    }
    trace->event = event;
    reader->event_capacity = capacity;
    return true;
}

static enum ft_status read_block(struct reader *reader)
{
    struct ft_bytes_in *in = &reader->section;
    struct ft_trace *trace = reader->trace;
    uint64_t first;
    unsigned count;

    ft_block_read_head(in, &first, &count);
    if (in->reason == NULL && first != trace->event_count + 1) {
        return ft_fail(reader->error, FT_BAD_FIELD, reader->at,
                       "a block is missing or twice: event %" PRIu64 " is next, not %" PRIu64,
                       trace->event_count + 1, first);
    }
    if (trace->event_count + count > FT_TRACE_EVENTS_MAX) {
        return ft_fail(reader->error, FT_TOO_LARGE, reader->at, "more than %d events",
                       FT_TRACE_EVENTS_MAX);
    }
    if (in->reason == NULL && (reader->how & FT_DECODE_FACTS) == 0) {
        if (!reserve_events(reader, count)) {
            return no_memory(reader);
        }
        ft_block_read(reader->scratch, in, trace->site, trace->site_count, count,
                      trace->event + trace->event_count);
    }
    if (in->reason != NULL) {
        return bad_section(reader, FT_BAD_FIELD);
    }
    trace->event_count += count;
    return FT_OK;
}

static uint32_t read_findings(struct ft_bytes_in *in, struct ft_finding *finding)
{
    uint32_t count = (uint32_t)ft_in_number(in, 0, FT_FINDINGS_MAX, "number of findings");

    for (uint32_t i = 0; i < count; i++) {
        finding[i].rule = (uint16_t)ft_in_number(in, 0, UINT16_MAX, "rule of a finding");
        finding[i].event = ft_in_number(in, 0, UINT64_MAX, "event of a finding");
        finding[i].object = ft_in_number(in, 0, UINT64_MAX, "object of a finding");
        finding[i].site = ft_in_number(in, 0, UINT64_MAX, "site of a finding");
        ft_in_string(in, finding[i].function, sizeof(finding[i].function), "function of a finding");
    }
    return count;
}

static enum ft_status read_verdict(struct reader *reader)
{
    struct ft_bytes_in *in = &reader->section;
    struct ft_trace *trace = reader->trace;
    struct ft_verdict *verdict = &trace->verdict;
    const char *reason;

    if (ft_in_number(in, 0, UINT64_MAX, "number of events") != trace->event_count) {
        ft_in_fail(in, "number of events: a block is missing");
    }
    trace->hash = ft_in_u64(in, "hash");
    verdict->kind =
        (enum ft_verdict_kind)ft_in_number(in, FT_VERDICT_CLEAN, FT_VERDICT_ERROR, "verdict");
    verdict->finding_count = read_findings(in, verdict->finding);
    verdict->warning_count = read_findings(in, verdict->warning);
    ft_in_string(in, verdict->detail, sizeof(verdict->detail), "detail of the verdict");
    reason = in->reason == NULL ? ft_check_verdict(verdict, trace->event_count) : NULL;
    if (reason != NULL) {
        ft_in_fail(in, reason);
    }
    if (in->reason == NULL && in->at != in->end) {
        ft_in_fail(in, "bytes behind the verdict");
    }
    trace->complete = in->reason == NULL;
    return in->reason == NULL ? FT_OK : bad_section(reader, FT_BAD_FIELD);
}

/* What is behind the verdict is the seek table, as far as it goes, and nothing else. There is one
 * right table for the frames that were read, so it is built and compared. */
static enum ft_status check_seek_table(struct reader *reader)
{
    struct ft_bytes_out expected = {0};
    size_t left = reader->length - reader->at;
    size_t same = 0;

    ft_seek_table_write(&reader->seek, &expected);
    if (expected.failed) {
        free(expected.bytes);
        return no_memory(reader);
    }
    while (same < left && same < expected.length &&
           reader->bytes[reader->at + same] == expected.bytes[same]) {
        same++;
    }
    reader->at += same;
    free(expected.bytes);
    if (same == left) {
        return FT_OK;
    }
    return ft_fail(reader->error, FT_BAD_FIELD, reader->at, "%s",
                   same == expected.length ? "bytes behind the seek table"
                                           : "the seek table does not fit the frames");
}

static enum ft_status read_first_section(struct reader *reader)
{
    enum ft_status status;

    if (reader->length == 0) {
        return ft_fail(reader->error, FT_TRUNCATED, 0, "the file is empty");
    }
    if ((reader->how & FT_DECODE_SECTIONS) == 0 && !begins_like_frame(reader)) {
        return ft_fail(reader->error, FT_NOT_A_TRACE, 0, "does not begin with a zstd frame");
    }
    status = next_section(reader, FT_HEADER_BYTES_MAX);
    if (status != FT_OK) {
        return status;
    }
    if (reader->cut) {
        return ft_fail(reader->error, FT_TRUNCATED, reader->length, "cut off inside the header");
    }
    if (!section_is(reader, FT_SECTION_HEADER)) {
        return ft_fail(reader->error, FT_NOT_A_TRACE, 0, "the first frame is no trace header");
    }
    status = read_header(reader);
    reader->at += reader->size;
    return status;
}

static enum ft_status read_section(struct reader *reader)
{
    if (section_is(reader, FT_SECTION_EVENTS)) {
        return read_block(reader);
    }
    if (section_is(reader, FT_SECTION_VERDICT)) {
        return read_verdict(reader);
    }
    return ft_fail(reader->error, FT_BAD_FIELD, reader->at,
                   "a frame that is neither events nor verdict");
}

/* What may stand behind the verdict. */
static enum ft_status check_end(struct reader *reader)
{
    if ((reader->how & FT_DECODE_SECTIONS) == 0) {
        return check_seek_table(reader);
    }
    return reader->at == reader->length
               ? FT_OK
               : ft_fail(reader->error, FT_BAD_FIELD, reader->at, "bytes behind the verdict");
}

static enum ft_status read_all(struct reader *reader)
{
    enum ft_status status;

    reader->scratch = ft_block_scratch_create();
    reader->zstd = ZSTD_createDCtx();
    if (reader->scratch == NULL || reader->zstd == NULL) {
        return no_memory(reader);
    }
    status = read_first_section(reader);
    while (status == FT_OK && reader->at < reader->length && !reader->trace->complete) {
        status = next_section(reader, FT_BLOCK_BYTES_MAX);
        if (status != FT_OK || reader->cut) {
            return status;
        }
        status = read_section(reader);
        reader->at += reader->size;
    }
    return status == FT_OK && reader->trace->complete ? check_end(reader) : status;
}

enum ft_status ft_trace_decode_as(const uint8_t *bytes, size_t length, unsigned how,
                                  struct ft_trace *ret, struct ft_error *error)
{
    struct ft_trace trace = {0};
    struct reader reader = {
        .bytes = bytes, .length = length, .how = how, .trace = &trace, .error = error};
    enum ft_status status;

    if (length > FT_TRACE_FILE_MAX) {
        return ft_fail(error, FT_TOO_LARGE, FT_TRACE_FILE_MAX, "the file is larger than %d bytes",
                       FT_TRACE_FILE_MAX);
    }
    status = read_all(&reader);
    free(reader.content);
    free(reader.scratch);
    ft_seek_table_deinit(&reader.seek);
    ZSTD_freeDCtx(reader.zstd);
    if (status == FT_OK) {
        *ret = trace;
    } else {
        ft_trace_free(&trace);
    }
    return status;
}

enum ft_status ft_trace_decode(const uint8_t *bytes, size_t length, struct ft_trace *ret,
                               struct ft_error *error)
{
    return ft_trace_decode_as(bytes, length, 0, ret, error);
}

void ft_trace_free(struct ft_trace *trace)
{
    free(trace->event);
    free(trace->site);
    trace->event = NULL;
    trace->event_count = 0;
    trace->site = NULL;
    trace->site_count = 0;
}

const char *ft_trace_function(const struct ft_trace *trace, uint64_t site)
{
    uint32_t low = 0;
    uint32_t high = trace->site_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (trace->site[middle].site == site) {
            return trace->site[middle].function;
        }
        if (trace->site[middle].site < site) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return "";
}
