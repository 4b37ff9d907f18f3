/* A trace to the bytes of a file. */
#include "trace/event_block.h"
#include "trace/seek_table.h"
#include "trace/trace.h"
#include "trace/trace_check.h"
#include "trace/trace_frame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

struct writer {
    const struct ft_trace *trace;
    bool bare;                  /* sections without frames */
    struct ft_trace_site *site; /* sorted: those of the trace and those that only events have */
    uint32_t site_count;
    struct ft_bytes_out file;
    struct ft_bytes_out section;
    struct ft_seek_table seek;
    struct ft_block_scratch *scratch;
    ZSTD_CCtx *zstd;
    struct ft_error *error;
};

static enum ft_status no_memory(struct writer *writer)
{
    return ft_fail(writer->error, FT_NO_MEMORY, writer->file.length, "no memory for a trace");
}

static enum ft_status bad(struct writer *writer, const char *reason)
{
    return ft_fail(writer->error, FT_BAD_FIELD, 0, "%s", reason);
}

#define IS_TERMINATED(array) (memchr((array), 0, sizeof(array)) != NULL)

static bool findings_terminated(const struct ft_finding *finding, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!IS_TERMINATED(finding[i].function)) {
            return false;
        }
    }
    return true;
}

static enum ft_status check_texts(struct writer *writer)
{
    const struct ft_trace *trace = writer->trace;
    bool ok = IS_TERMINATED(trace->core) && IS_TERMINATED(trace->mutant) &&
              IS_TERMINATED(trace->flavour) && IS_TERMINATED(trace->compiler) &&
              IS_TERMINATED(trace->fingerprint) && IS_TERMINATED(trace->description) &&
              IS_TERMINATED(trace->verdict.detail) &&
              findings_terminated(trace->verdict.finding, trace->verdict.finding_count) &&
              findings_terminated(trace->verdict.warning, trace->verdict.warning_count);

    for (uint32_t i = 0; ok && i < trace->site_count; i++) {
        ok = IS_TERMINATED(trace->site[i].function);
    }
    return ok ? FT_OK : bad(writer, "a text has no end");
}

static enum ft_status check_scenario(struct writer *writer)
{
    const struct ft_scenario *scenario = &writer->trace->scenario;
    const char *reason = ft_check_platform(&scenario->platform);

    if (reason != NULL) {
        return bad(writer, reason);
    }
    if (scenario->op_count > FT_OPS_MAX) {
        return bad(writer, "more ops than a scenario may have");
    }
    for (unsigned i = 0; i < scenario->op_count; i++) {
        reason = ft_check_op(&scenario->op[i]);
        if (reason != NULL) {
            return ft_fail(writer->error, FT_BAD_FIELD, 0, "op %u: %s", i, reason);
        }
    }
    return FT_OK;
}

static enum ft_status check_trace(struct writer *writer)
{
    const struct ft_trace *trace = writer->trace;
    const char *reason = ft_check_verdict(&trace->verdict, trace->event_count);
    enum ft_status status;

    if (trace->event_count > FT_TRACE_EVENTS_MAX || trace->site_count > FT_TRACE_SITES_MAX) {
        return ft_fail(writer->error, FT_TOO_LARGE, 0,
                       "more events or sites than a trace may have");
    }
    if (trace->origin != FT_ORIGIN_SIMULATED && trace->origin != FT_ORIGIN_CAPTURED) {
        return bad(writer, "no such origin");
    }
    if (reason != NULL) {
        return bad(writer, reason);
    }
    for (uint64_t i = 0; i < trace->event_count; i++) {
        reason = ft_check_event(&trace->event[i]);
        if (reason != NULL) {
            return ft_fail(writer->error, FT_BAD_FIELD, 0, "event %" PRIu64 " (0x%04x): %s", i + 1,
                           trace->event[i].kind, reason);
        }
    }
    for (uint32_t i = 0; i < trace->site_count; i++) {
        if (trace->site[i].site <= (i > 0 ? trace->site[i - 1].site : 0)) {
            return bad(writer, "sites are not sorted");
        }
    }
    /* Findings are counted before their texts are looked at. */
    status = check_texts(writer);
    return status == FT_OK ? check_scenario(writer) : status;
}

static int by_site(const void *a, const void *b)
{
    const struct ft_trace_site *left = a;
    const struct ft_trace_site *right = b;

    return (left->site > right->site) - (left->site < right->site);
}

static bool lists_site(const struct ft_trace_site *site, size_t count, uint64_t wanted)
{
    struct ft_trace_site key = {.site = wanted};

    return count != 0 && bsearch(&key, site, count, sizeof(*site), by_site) != NULL;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

/* Sorts and removes what is there twice; returns how many are left. */
static size_t sort_unique(uint64_t *number, size_t count)
{
    size_t kept = 0;

    if (count != 0) {
        qsort(number, count, sizeof(*number), by_number);
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || number[i] != number[i - 1]) {
            number[kept++] = number[i];
        }
    }
    return kept;
}

/* Sites that events have and the trace does not list, sorted. *ret is malloc'd. */
static bool more_sites(const struct ft_trace *trace, uint64_t **ret, size_t *ret_count)
{
    uint64_t *more = malloc(((size_t)trace->event_count + 1) * sizeof(*more));
    uint64_t last = 0;
    size_t count = 0;

    if (more == NULL) {
        return false;
    }
    for (uint64_t i = 0; i < trace->event_count; i++) {
        uint64_t site = trace->event[i].site;

        if (site != 0 && site != last && !lists_site(trace->site, trace->site_count, site)) {
            more[count++] = site;
        }
        last = site;
    }
    *ret = more;
    *ret_count = sort_unique(more, count);
    return true;
}

static enum ft_status collect_sites(struct writer *writer)
{
    const struct ft_trace *trace = writer->trace;
    uint64_t *more;
    size_t more_count;
    size_t count;

    if (!more_sites(trace, &more, &more_count)) {
        return no_memory(writer);
    }
    count = trace->site_count + more_count;
    if (count > FT_TRACE_SITES_MAX) {
        free(more);
        return ft_fail(writer->error, FT_TOO_LARGE, 0, "more than %d call sites",
                       FT_TRACE_SITES_MAX);
    }
    writer->site = calloc(count + 1, sizeof(*writer->site));
    if (writer->site == NULL) {
        free(more);
        return no_memory(writer);
    }
    if (trace->site_count != 0) {
        memcpy(writer->site, trace->site, trace->site_count * sizeof(*trace->site));
    }
    for (size_t i = 0; i < more_count; i++) {
        writer->site[trace->site_count + i].site = more[i];
    }
    free(more);
    if (count != 0) {
        qsort(writer->site, count, sizeof(*writer->site), by_site);
    }
    writer->site_count = (uint32_t)count;
    return FT_OK;
}

static void begin_section(struct writer *writer, const char *letters)
{
    writer->section.length = 0;
    ft_out_bytes(&writer->section, letters, 4);
    ft_out_u32(&writer->section, 0); /* end_section knows it */
}

/* Compresses the section into a frame of its own. */
static enum ft_status add_frame(struct writer *writer)
{
    struct ft_bytes_out *section = &writer->section;
    size_t bound = ZSTD_compressBound(section->length);
    size_t size;

    if (!ft_out_reserve(&writer->file, bound)) {
        return no_memory(writer);
    }
    size = ZSTD_compress2(writer->zstd, writer->file.bytes + writer->file.length, bound,
                          section->bytes, section->length);
    if (ZSTD_isError(size)) {
        return ft_fail(writer->error, FT_INTERNAL, writer->file.length, "zstd: %s",
                       ZSTD_getErrorName(size));
    }
    writer->file.length += size;
    ft_seek_table_add(&writer->seek, (uint32_t)size, (uint32_t)section->length);
    if (writer->file.length > FT_TRACE_FILE_MAX) {
        return ft_fail(writer->error, FT_TOO_LARGE, writer->file.length,
                       "the file would be larger than a trace may be");
    }
    return FT_OK;
}

static enum ft_status end_section(struct writer *writer)
{
    struct ft_bytes_out *section = &writer->section;
    uint32_t length = (uint32_t)section->length - FT_SECTION_HEAD_BYTES;

    if (section->failed) {
        return no_memory(writer);
    }
    for (unsigned i = 0; i < 4; i++) {
        section->bytes[4 + i] = (uint8_t)(length >> (8 * i));
    }
    if (!writer->bare) {
        return add_frame(writer);
    }
    ft_out_bytes(&writer->file, section->bytes, section->length);
    return writer->file.failed ? no_memory(writer) : FT_OK;
}

static void write_scenario(struct ft_bytes_out *out, const struct ft_scenario *scenario)
{
    static const size_t knobs[] = {
#define KNOB(field, name, maximum, sentence) offsetof(struct ft_platform, field),
        FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
    };
    const uint8_t *platform = (const uint8_t *)&scenario->platform;
    size_t count = sizeof(knobs) / sizeof(knobs[0]);

    /* A reader takes what is missing for 0: a trace without them is what it was before there were
     * such knobs. */
    while (count > FT_PLATFORM_OF_MACHINE && platform[knobs[count - 1]] == 0) {
        count--;
    }
    ft_out_number(out, count);
    for (size_t i = 0; i < count; i++) {
        ft_out_number(out, platform[knobs[i]]);
    }
    ft_out_number(out, scenario->op_count);
    for (unsigned i = 0; i < scenario->op_count; i++) {
        const struct ft_op *op = &scenario->op[i];

        ft_out_number(out, op->kind + (ft_op_devices(op) ? FT_OP_OF_DEVICES : 0u));
        ft_out_number(out, op->label);
        ft_out_number(out, op->moment.target);
        ft_out_number(out, op->moment.point);
        ft_out_number(out, op->moment.count);
        ft_out_number(out, op->moment.accesses);
        for (unsigned k = 0; k < FT_OP_ARGS_MAX; k++) {
            ft_out_number(out, op->arg[k]);
        }
        if (ft_op_devices(op)) {
            ft_out_number(out, ft_op_devices(op));
        }
    }
}

static enum ft_status write_header(struct writer *writer)
{
    const struct ft_trace *trace = writer->trace;
    struct ft_bytes_out *out = &writer->section;
    uint64_t previous = 0;

    begin_section(writer, FT_SECTION_HEADER);
    ft_out_number(out, FT_TRACE_VERSION);
    ft_out_number(out, trace->origin);
    ft_out_number(out, trace->model);
    ft_out_string(out, trace->core);
    ft_out_string(out, trace->mutant);
    ft_out_string(out, trace->flavour);
    ft_out_string(out, trace->compiler);
    ft_out_string(out, trace->fingerprint);
    ft_out_string(out, trace->description);
    write_scenario(out, &trace->scenario);
    ft_out_number(out, writer->site_count);
    for (uint32_t i = 0; i < writer->site_count; i++) {
        ft_out_number(out, writer->site[i].site - previous);
        ft_out_string(out, writer->site[i].function);
        previous = writer->site[i].site;
    }
    return end_section(writer);
}

static enum ft_status write_blocks(struct writer *writer)
{
    const struct ft_trace *trace = writer->trace;
    enum ft_status status = FT_OK;

    for (uint64_t i = 0; status == FT_OK && i < trace->event_count; i += FT_TRACE_BLOCK_EVENTS) {
        uint64_t left = trace->event_count - i;
        unsigned count = left < FT_TRACE_BLOCK_EVENTS ? (unsigned)left : FT_TRACE_BLOCK_EVENTS;

        begin_section(writer, FT_SECTION_EVENTS);
        ft_block_write(writer->scratch, trace->event + i, count, i + 1, writer->site,
                       writer->site_count, &writer->section);
        status = end_section(writer);
    }
    return status;
}

static void write_findings(struct ft_bytes_out *out, const struct ft_finding *finding,
                           uint32_t count)
{
    ft_out_number(out, count);
    for (uint32_t i = 0; i < count; i++) {
        ft_out_number(out, finding[i].rule);
        ft_out_number(out, finding[i].event);
        ft_out_number(out, finding[i].object);
        ft_out_number(out, finding[i].site);
        ft_out_string(out, finding[i].function);
    }
}

static enum ft_status write_verdict(struct writer *writer)
{
    const struct ft_trace *trace = writer->trace;
    struct ft_bytes_out *out = &writer->section;

    begin_section(writer, FT_SECTION_VERDICT);
    ft_out_number(out, trace->event_count);
    ft_out_u64(out, trace->hash);
    ft_out_number(out, trace->verdict.kind);
    write_findings(out, trace->verdict.finding, trace->verdict.finding_count);
    write_findings(out, trace->verdict.warning, trace->verdict.warning_count);
    ft_out_string(out, trace->verdict.detail);
    return end_section(writer);
}

static enum ft_status write_all(struct writer *writer)
{
    enum ft_status status = check_trace(writer);

    if (status == FT_OK) {
        status = collect_sites(writer);
    }
    if (status != FT_OK) {
        return status;
    }
    writer->scratch = ft_block_scratch_create();
    writer->zstd = ZSTD_createCCtx();
    if (writer->scratch == NULL || writer->zstd == NULL) {
        return no_memory(writer);
    }
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, FT_ZSTD_LEVEL);
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_contentSizeFlag, 1);
    status = write_header(writer);
    if (status == FT_OK) {
        status = write_blocks(writer);
    }
    if (status == FT_OK) {
        status = write_verdict(writer);
    }
    if (status == FT_OK && !writer->bare) {
        ft_seek_table_write(&writer->seek, &writer->file);
        status = writer->file.failed ? no_memory(writer) : FT_OK;
    }
    return status;
}

static enum ft_status encode(const struct ft_trace *trace, bool bare, uint8_t **ret,
                             size_t *ret_length, struct ft_error *error)
{
    struct writer writer = {.trace = trace, .bare = bare, .error = error};
    enum ft_status status = write_all(&writer);

    if (status == FT_OK) {
        *ret = writer.file.bytes;
        *ret_length = writer.file.length;
    } else {
        free(writer.file.bytes);
    }
    free(writer.site);
    free(writer.section.bytes);
    free(writer.scratch);
    ft_seek_table_deinit(&writer.seek);
    ZSTD_freeCCtx(writer.zstd);
    return status;
}

enum ft_status ft_trace_encode(const struct ft_trace *trace, uint8_t **ret, size_t *ret_length,
                               struct ft_error *error)
{
    return encode(trace, false, ret, ret_length, error);
}

enum ft_status ft_trace_encode_sections(const struct ft_trace *trace, uint8_t **ret,
                                        size_t *ret_length, struct ft_error *error)
{
    return encode(trace, true, ret, ret_length, error);
}
