/* export --format html: one page that needs nothing else.
 *
 * The page (page/) has a place for its style, its script and its data. The data are a JSON object
 * (the facts of the run, tables, texts) and two streams of numbers in the encoding of traces
 * (LEB128), as base64: one for the events, one for the spans. page/data.js reads them.
 */
#include "export/export.h"
#include "export/page.h"
#include "export/texts.h"
#include "report/event_words.h"
#include "report/report_json.h"
#include "report/trace_clock.h"
#include "trace/byte_stream.h"
#include "trace/event_text.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES = 256, EVENTS_MAX = 1100000, NO_CPU = 0xFF, KINDS = 1 << 16 };

struct page {
    const struct ft_export *export;
    struct ft_texts texts;
    struct ft_bytes_out events, spans;
    uint16_t *kind_index; /* by kind: number of its row in `kinds` + 1; owned */
    json_t *kinds;        /* the rows that the trace uses; owned */
};

/* ---- numbers ---- */

static uint16_t kind_number(struct page *page, uint16_t kind)
{
    const struct ft_event_row *row = ft_event_row(kind);
    json_t *object, *names;

    if (page->kind_index[kind] == 0) {
        object = json_object();
        names = json_array();
        for (unsigned i = 0; row != NULL && i < row->argc; i++) {
            json_array_append_new(names, json_string(row->arg_name[i]));
        }
        json_object_set_new(object, "name", json_string(row != NULL ? row->name : "?"));
        json_object_set_new(object, "sentence", json_string(row != NULL ? row->sentence : ""));
        json_object_set_new(object, "arguments", names);
        json_array_append_new(page->kinds, object);
        page->kind_index[kind] = (uint16_t)json_array_size(page->kinds);
    }
    return (uint16_t)(page->kind_index[kind] - 1);
}

static void put_text(struct page *page, struct ft_bytes_out *out, const char *text)
{
    ft_out_number(out, ft_texts_add(&page->texts, text));
}

static void put_event(struct page *page, uint64_t index, uint64_t *now, uint64_t time)
{
    const struct ft_trace *trace = page->export->trace;
    const struct ft_event *event = &trace->event[index];
    const struct ft_event_row *row = ft_event_row(event->kind);
    struct ft_bytes_out *out = &page->events;
    struct ft_words_of_event words;
    char value[VALUE_BYTES];

    ft_event_words(trace, event, &words);
    ft_out_number(out, kind_number(page, event->kind));
    ft_out_number(out, event->cpu == NO_CPU ? 0 : event->cpu + 1U);
    ft_out_number(out, event->irql);
    ft_out_number(out, event->layer);
    ft_out_number(out, event->nesting);
    ft_out_number(out, event->task);
    ft_out_number(out, event->device);
    ft_out_number(out, event->request);
    ft_out_number(out, event->label);
    ft_out_number(out, ft_zigzag(time - *now));
    put_text(page, out, ft_trace_function(trace, event->site));
    put_text(page, out, words.text);
    for (unsigned i = 0; row != NULL && i < row->argc; i++) {
        ft_arg_print(event, i, value, sizeof(value));
        put_text(page, out, i < event->argc ? value : "");
    }
    *now = time;
}

static void put_span(struct page *page, const struct ft_span *span, uint32_t *before)
{
    const char *class_name = ft_handle_class_name(ft_handle_class(span->object));
    struct ft_bytes_out *out = &page->spans;
    char text[VALUE_BYTES] = "";

    ft_out_number(out, span->kind);
    ft_out_number(out, span->begin - *before);
    ft_out_number(out, span->end - span->begin);
    ft_out_number(out, span->mark != FT_STORY_NONE ? span->mark - span->begin + 1 : 0);
    ft_out_number(out, span->owner != FT_STORY_NONE ? span->owner + 1U : 0);
    ft_out_number(out, span->lane);
    ft_out_number(out, span->detail);
    ft_out_number(out, span->depth);
    ft_out_number(out, (span->write ? 1U : 0) | (span->open ? 2U : 0));
    if (span->object != 0 && class_name != NULL) {
        snprintf(text, sizeof(text), "%s#%" PRIu32, class_name, ft_handle_id(span->object));
    }
    put_text(page, out, text);
    ft_span_print(span, text, sizeof(text));
    put_text(page, out, text);
    *before = span->begin;
}

/* ---- text ---- */

/* JSON inside a script element: `<` is the one byte that could end it. */
static int put_escaped(const char *bytes, size_t length, void *context)
{
    FILE *out = context;

    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '<') {
            fputs("\\u003c", out);
        } else {
            fputc(bytes[i], out);
        }
    }
    return 0;
}

static void put_json(json_t *value, FILE *out)
{
    json_dump_callback(value, put_escaped, out, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
}

static void put_base64(const struct ft_bytes_out *bytes, FILE *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes->length; i += 3) {
        size_t left = bytes->length - i;
        uint32_t word = (uint32_t)bytes->bytes[i] << 16;

        word |= left > 1 ? (uint32_t)bytes->bytes[i + 1] << 8 : 0;
        word |= left > 2 ? bytes->bytes[i + 2] : 0;
        fputc(digits[word >> 18], out);
        fputc(digits[word >> 12 & 63], out);
        fputc(left > 1 ? digits[word >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[word & 63] : '=', out);
    }
}

static void put_data(struct page *page, size_t spans, FILE *out)
{
    json_t *facts = ft_export_facts(page->export);

    json_object_set_new(facts, "spans", json_integer((json_int_t)spans));
    json_object_set(facts, "kinds", page->kinds);
    fputs("<script type=\"application/json\" id=\"facts\">", out);
    put_json(facts, out);
    fputs("</script>\n<script type=\"application/json\" id=\"texts\">[", out);
    for (size_t i = 0; i < page->texts.count && ferror(out) == 0; i++) {
        fputs(i != 0 ? "," : "", out);
        put_json(json_string(ft_texts_at(&page->texts, i)), out);
    }
    fputs("]</script>\n<script type=\"text/plain\" id=\"events\">", out);
    put_base64(&page->events, out);
    fputs("</script>\n<script type=\"text/plain\" id=\"spans\">", out);
    put_base64(&page->spans, out);
    fputs("</script>\n", out);
}

static void put_page(struct page *page, size_t spans, FILE *out)
{
    const char *at = ft_page_html;

    while (*at != '\0') {
        const char *mark = strstr(at, "<!--@");

        if (mark == NULL) {
            fputs(at, out);
            return;
        }
        fwrite(at, 1, (size_t)(mark - at), out);
        if (strncmp(mark, "<!--@style-->", 13) == 0) {
            fprintf(out, "<style>\n%s</style>", ft_page_css);
        } else if (strncmp(mark, "<!--@data-->", 12) == 0) {
            put_data(page, spans, out);
        } else {
            fputs("<script>\n\"use strict\";\n(() => {\n", out);
            for (size_t i = 0; i < ft_page_script_count; i++) {
                fputs(ft_page_script[i], out);
            }
            fputs("})();\n</script>", out);
        }
        at = strstr(mark, "-->") + 3;
    }
}

/* ---- the whole ---- */

static bool prepare(struct page *page, struct ft_story *story)
{
    const struct ft_trace *trace = page->export->trace;
    struct ft_clock clock = {.trace = trace};
    uint64_t now = 0;
    uint32_t before = 0;

    page->kind_index = calloc(KINDS, sizeof(*page->kind_index));
    page->kinds = json_array();
    if (page->kind_index == NULL || page->kinds == NULL || !ft_story_begin(story, trace)) {
        return false;
    }
    ft_texts_add(&page->texts, ""); /* number 0: no text */
    for (uint64_t i = 0; i < trace->event_count && !page->texts.failed; i++) {
        put_event(page, i, &now, ft_clock_at(&clock, i));
    }
    for (size_t i = 0; i < story->count && !page->texts.failed; i++) {
        put_span(page, &story->span[i], &before);
    }
    return !page->texts.failed && !page->events.failed && !page->spans.failed;
}

static enum ft_status write_html(const struct ft_export *export, FILE *out, struct ft_error *error)
{
    struct page page = {.export = export};
    struct ft_story story = {0};
    enum ft_status status = FT_OK;

    if (export->trace->event_count > EVENTS_MAX) {
        return ft_fail(error, FT_USAGE, 0,
                       "%" PRIu64 " events are too many for a page, which holds %d",
                       export->trace->event_count, EVENTS_MAX);
    }
    if (prepare(&page, &story)) {
        put_page(&page, story.count, out);
    } else {
        status = ft_fail(error, FT_NO_MEMORY, 0, "no memory");
    }
    ft_story_end(&story);
    ft_texts_free(&page.texts);
    free(page.events.bytes);
    free(page.spans.bytes);
    free(page.kind_index);
    json_decref(page.kinds);
    return status;
}

const struct ft_export_format ft_export_html = {
    .name = "html",
    .has_facts = true,
    .sentence = "a page with the timeline: opens from disk, needs no network",
    .write = write_html};
