/* export --format json: the whole trace as one object. */
#include "export/export.h"
#include "report/report_json.h"
#include "report/trace_clock.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The members that stand before the lists, without the closing brace. */
static bool put_facts(const struct ft_export *export, FILE *out)
{
    json_t *object = ft_export_facts(export);
    char *text;

    json_object_set_new(object, "format", json_string("flushtrace-json"));
    json_object_set_new(object, "format_version", json_integer(1));
    text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    if (text == NULL) {
        return false;
    }
    fprintf(out, "%.*s", (int)strlen(text) - 2, text);
    free(text);
    return true;
}

/* Writes an element of a list, and releases it. */
static void put_element(json_t *element, bool first, FILE *out)
{
    fputs(first ? "\n    " : ",\n    ", out);
    json_dumpf(element, out, 0);
    json_decref(element);
}

static json_t *event_number(uint32_t index)
{
    return index != FT_STORY_NONE ? json_integer((json_int_t)index + 1) : json_null();
}

static json_t *handle_text(uint64_t handle)
{
    const char *name = ft_handle_class_name(ft_handle_class(handle));
    char text[64] = "";

    if (handle != 0 && name != NULL) {
        snprintf(text, sizeof(text), "%s#%" PRIu32, name, ft_handle_id(handle));
    }
    return json_string(text);
}

static json_t *span_object(const struct ft_story *story, const struct ft_span *span)
{
    json_t *object = json_object();
    char text[96];

    ft_span_print(span, text, sizeof(text));
    json_object_set_new(object, "span", json_string(ft_span_kind_name(span->kind)));
    json_object_set_new(object, "name", json_string(text));
    json_object_set_new(object, "object", handle_text(span->object));
    json_object_set_new(object, "begin", event_number(span->begin));
    json_object_set_new(object, "end", span->open ? json_null() : event_number(span->end));
    switch (span->kind) {
    case FT_SPAN_REQUEST:
        json_object_set_new(object, "completed", event_number(span->mark));
        break;
    case FT_SPAN_MAPPING:
        json_object_set_new(object, "flushed", event_number(span->mark));
        json_object_set_new(object, "request",
                            span->owner != FT_STORY_NONE
                                ? handle_text(story->span[span->owner].object)
                                : json_string(""));
        break;
    case FT_SPAN_ROUTINE:
        json_object_set_new(object, "task", json_integer(span->lane));
        json_object_set_new(object, "depth", json_integer(span->depth));
        break;
    default:
        break;
    }
    if (span->kind == FT_SPAN_MAPPING || span->kind == FT_SPAN_ENGINE) {
        json_object_set_new(object, "to_device", json_boolean(span->write));
    }
    if (span->kind == FT_SPAN_MAPPING || span->kind == FT_SPAN_ENGINE ||
        span->kind == FT_SPAN_COMMON) {
        json_object_set_new(object, "bytes", json_integer(span->detail));
    }
    return object;
}

static enum ft_status write_json(const struct ft_export *export, FILE *out, struct ft_error *error)
{
    const struct ft_trace *trace = export->trace;
    struct ft_clock clock = {.trace = trace};
    struct ft_story story;

    if (!ft_story_begin(&story, trace) || !put_facts(export, out)) {
        ft_story_end(&story);
        return ft_fail(error, FT_NO_MEMORY, 0, "no memory");
    }
    fputs(",\n  \"spans\": [", out);
    for (size_t i = 0; i < story.count && ferror(out) == 0; i++) {
        put_element(span_object(&story, &story.span[i]), i == 0, out);
    }
    ft_story_end(&story);
    fputs("\n  ],\n  \"lines\": [", out);
    for (uint64_t i = 0; i < trace->event_count && ferror(out) == 0; i++) {
        json_t *event = ft_json_event(trace, i);

        json_object_set_new(event, "time", json_integer((json_int_t)ft_clock_at(&clock, i)));
        put_element(event, i == 0, out);
    }
    fputs("\n  ]\n}\n", out);
    return FT_OK;
}

const struct ft_export_format ft_export_json = {
    .name = "json",
    .has_facts = true,
    .sentence = "one JSON object: run, scenario, verdict, spans, events with decoded arguments",
    .write = write_json};
