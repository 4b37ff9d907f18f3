/* The facts of a run for the formats that have room for them. */
#include "export/export.h"
#include "report/event_words.h"
#include "report/report_json.h"
#include "scenario/scenario_codec.h"
#include "trace/event_text.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <string.h>

enum { SCENARIO_BYTES = 16384, OP_BYTES = 256 };

/* The event of this kind for op `number`, or null. */
static json_t *event_of_op(const struct ft_trace *trace, uint16_t kind, unsigned number)
{
    for (uint64_t i = 0; i < trace->event_count; i++) {
        if (trace->event[i].kind == kind && trace->event[i].arg[0] == number) {
            return json_integer((json_int_t)i + 1);
        }
    }
    return json_null();
}

static json_t *ops_of(const struct ft_trace *trace)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < trace->scenario.op_count; i++) {
        json_t *one = json_object();
        char text[OP_BYTES];

        ft_op_print(&trace->scenario.op[i], text, sizeof(text));
        json_object_set_new(one, "op", json_integer(i + 1));
        json_object_set_new(one, "text", ft_json_text(text));
        json_object_set_new(one, "fired", event_of_op(trace, FT_EV_OP_FIRED, i + 1));
        json_object_set_new(one, "late", event_of_op(trace, FT_EV_OP_LATE, i + 1));
        json_object_set_new(one, "skipped", event_of_op(trace, FT_EV_OP_SKIPPED, i + 1));
        json_array_append_new(list, one);
    }
    return list;
}

json_t *ft_export_facts(const struct ft_export *export)
{
    const struct ft_trace *trace = export->trace;
    json_t *object = ft_json_trace(trace);
    char text[SCENARIO_BYTES];

    ft_scenario_print(&trace->scenario, text, sizeof(text));
    json_object_set_new(object, "compiler", ft_json_text(trace->compiler));
    json_object_set_new(object, "description", ft_json_text(trace->description));
    json_object_set_new(object, "complete", json_boolean(trace->complete));
    json_object_set_new(object, "suspended", ft_json_suspended(trace));
    if (export->no_return != NULL) {
        json_object_set(object, "no_return", export->no_return);
    }
    json_object_set_new(object, "trace", ft_json_text(export->path));
    json_object_set_new(object, "rerun", ft_json_text(export->rerun));
    json_object_set_new(object, "scenario", ft_json_text(text));
    json_object_set_new(object, "scenario_ops", ops_of(trace));
    return object;
}

const char *ft_span_kind_name(unsigned kind)
{
    static const char *const names[FT_SPAN_KINDS] = {
        [FT_SPAN_REQUEST] = "request", [FT_SPAN_MAPPING] = "mapping", [FT_SPAN_COMMON] = "common",
        [FT_SPAN_ENGINE] = "engine",   [FT_SPAN_TASK] = "task",       [FT_SPAN_ROUTINE] = "routine",
    };

    return kind < FT_SPAN_KINDS ? names[kind] : "?";
}

size_t ft_span_print(const struct ft_span *span, char *text, size_t capacity)
{
    const char *class_name = ft_handle_class_name(ft_handle_class(span->object));
    size_t length = 0;

    switch (span->kind) {
    case FT_SPAN_REQUEST:
        return ft_value_print(FT_ARG_MAJOR, span->detail, text, capacity);
    case FT_SPAN_ENGINE:
        length =
            (size_t)snprintf(text, capacity, "channel %" PRIu32 "%s", span->lane % FT_STORY_SECOND,
                             span->lane < FT_STORY_SECOND ? "" : " of device 2");
        break;
    case FT_SPAN_TASK:
        length = (size_t)snprintf(text, capacity, "%s-%" PRIu32, ft_task_kind_text(span->detail),
                                  span->lane);
        break;
    case FT_SPAN_ROUTINE:
        return ft_value_print(FT_ARG_ROUTINE, span->detail, text, capacity);
    default:
        length =
            (size_t)snprintf(text, capacity, "%s#%" PRIu32, class_name != NULL ? class_name : "?",
                             ft_handle_id(span->object));
        break;
    }
    return length;
}
