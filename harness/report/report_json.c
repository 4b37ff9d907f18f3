/* Findings, events and traces as JSON objects. */
#include "report/report_json.h"
#include "report/suspension.h"
#include "report/trace_facts.h"
#include "rules/rules.h"
#include "trace/event_text.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NO_CPU = 0xFF, VALUE_BYTES = 256 };

json_t *ft_json_text(const char *text)
{
    char clean[4096];
    size_t length = 0;

    for (; text[length] != '\0' && length + 1 < sizeof(clean); length++) {
        unsigned char byte = (unsigned char)text[length];

        clean[length] = (char)(byte == '\n' || (byte >= 0x20 && byte <= 0x7E) ? byte : '?');
    }
    clean[length] = '\0';
    return json_string(clean);
}

static void print_handle(uint64_t handle, char *text, size_t capacity)
{
    const char *name = ft_handle_class_name(ft_handle_class(handle));

    if (handle == 0 || name == NULL) {
        snprintf(text, capacity, "%s", "");
    } else {
        snprintf(text, capacity, "%s#%" PRIu32, name, ft_handle_id(handle));
    }
}

static const char *severity_letter(enum ft_severity severity)
{
    return severity == FT_SEVERITY_E ? "E" : severity == FT_SEVERITY_W ? "W" : "F";
}

json_t *ft_json_finding(const struct ft_finding *finding)
{
    const struct ft_rule_row *row = ft_rule_by_number(finding->rule);
    json_t *object = json_object();
    char handle[64];

    print_handle(finding->object, handle, sizeof(handle));
    json_object_set_new(object, "rule", json_string(row != NULL ? row->id : "?"));
    json_object_set_new(object, "number", json_integer(finding->rule));
    json_object_set_new(object, "event", json_integer((json_int_t)finding->event));
    json_object_set_new(object, "function", ft_json_text(finding->function));
    json_object_set_new(object, "object", json_string(handle));
    if (row != NULL) {
        json_object_set_new(object, "severity", json_string(severity_letter(row->severity)));
        json_object_set_new(object, "sentence", ft_json_text(row->sentence));
        json_object_set_new(object, "source", ft_json_text(row->source));
        json_object_set_new(object, "bugcheck", ft_json_text(row->bugcheck));
    }
    return object;
}

static json_t *arguments_of(const struct ft_event *event, const struct ft_event_row *row)
{
    json_t *object = json_object();

    for (unsigned i = 0; row != NULL && i < row->argc && i < event->argc; i++) {
        char value[VALUE_BYTES];

        ft_arg_print(event, i, value, sizeof(value));
        json_object_set_new(object, row->arg_name[i], ft_json_text(value));
    }
    return object;
}

static void set_handle(json_t *object, const char *key, enum ft_handle_class handle_class,
                       uint32_t id)
{
    char text[64] = "";

    if (id != 0) {
        print_handle(ft_handle(handle_class, id, 0), text, sizeof(text));
    }
    json_object_set_new(object, key, json_string(text));
}

json_t *ft_json_event(const struct ft_trace *trace, uint64_t index)
{
    const struct ft_event *event = &trace->event[index];
    const struct ft_event_row *row = ft_event_row(event->kind);
    const char *layer = ft_layer_name(event->layer);
    json_t *object = json_object();
    char irql[VALUE_BYTES];

    ft_value_print(FT_ARG_IRQL, event->irql, irql, sizeof(irql));
    json_object_set_new(object, "event", json_integer((json_int_t)index + 1));
    json_object_set_new(object, "name", json_string(row != NULL ? row->name : "?"));
    json_object_set_new(object, "cpu",
                        event->cpu == NO_CPU ? json_null() : json_integer(event->cpu));
    json_object_set_new(object, "irql", json_string(irql));
    json_object_set_new(object, "layer", json_string(layer != NULL ? layer : "?"));
    set_handle(object, "task", FT_HC_TASK, event->task);
    set_handle(object, "device", FT_HC_DEVICE, event->device);
    set_handle(object, "request", FT_HC_IRP, event->request);
    json_object_set_new(object, "label", json_integer(event->label));
    json_object_set_new(object, "nesting", json_integer(event->nesting));
    json_object_set_new(object, "arguments", arguments_of(event, row));
    json_object_set_new(object, "function", ft_json_text(ft_trace_function(trace, event->site)));
    return object;
}

static json_t *findings(const struct ft_finding *finding, uint32_t first, uint32_t count)
{
    json_t *list = json_array();

    for (uint32_t i = first; i < count; i++) {
        json_array_append_new(list, ft_json_finding(&finding[i]));
    }
    return list;
}

void ft_json_add_verdict(json_t *object, const struct ft_verdict *verdict)
{
    json_object_set_new(object, "verdict", json_string(ft_verdict_name(verdict->kind)));
    json_object_set_new(object, "rule", json_null());
    json_object_set_new(object, "event", json_null());
    json_object_set_new(object, "function", json_null());
    if (verdict->finding_count != 0) {
        json_t *first = ft_json_finding(&verdict->finding[0]);

        json_object_update(object, first);
        json_decref(first);
    }
    json_object_set_new(object, "detail", ft_json_text(verdict->detail));
    json_object_set_new(object, "also", findings(verdict->finding, 1, verdict->finding_count));
    json_object_set_new(object, "warnings", findings(verdict->warning, 0, verdict->warning_count));
}

json_t *ft_json_trace(const struct ft_trace *trace)
{
    json_t *object = json_object();
    struct ft_op_counts ops;
    char text[512];

    ft_count_ops(trace, &ops);
    ft_json_add_verdict(object, &trace->verdict);
    json_object_set_new(object, "driver", ft_json_text(trace->core));
    json_object_set_new(object, "mutant", ft_json_text(trace->mutant));
    ft_platform_print(&trace->scenario, text, sizeof(text));
    json_object_set_new(object, "platform",
                        json_string(ft_platform_preset_name(trace->scenario.platform.preset)));
    json_object_set_new(object, "platform_knobs", json_string(text));
    json_object_set_new(object, "flavour", ft_json_text(trace->flavour));
    json_object_set_new(object, "model", json_integer(trace->model));
    json_object_set_new(object, "fingerprint", ft_json_text(trace->fingerprint));
    json_object_set_new(object, "events", json_integer((json_int_t)trace->event_count));
    snprintf(text, sizeof(text), "%016" PRIx64, trace->hash);
    json_object_set_new(object, "hash", json_string(text));
    json_object_set_new(object, "ops", json_integer(trace->scenario.op_count));
    json_object_set_new(object, "ops_fired", json_integer(ops.fired));
    json_object_set_new(object, "ops_late", json_integer(ops.late));
    json_object_set_new(object, "ops_skipped", json_integer(ops.skipped));
    return object;
}

static json_t *rules_of(const struct ft_suspended *one)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ft_rule_count(); i++) {
        const struct ft_rule_row *row = ft_rule_at(i);

        if (ft_suspends(one, row)) {
            json_array_append_new(list, json_string(row->id));
        }
    }
    return list;
}

json_t *ft_json_suspended(const struct ft_trace *trace)
{
    json_t *list = json_array();
    struct ft_watch watch;

    if (!ft_watch_begin(&watch, ft_kept_going(trace))) {
        return list;
    }
    for (uint64_t i = 0; i < trace->event_count; i++) {
        ft_watch_event(&watch, &trace->event[i]);
    }
    for (unsigned i = 0; i < watch.count; i++) {
        const struct ft_suspended *one = &watch.list[i];
        char object[64];

        print_handle(one->object, object, sizeof(object));
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:I, s:o}", "object", object, "need",
                            ft_need_name(one->need), "rules", rules_of(one), "since",
                            (json_int_t)one->since, "until",
                            one->until != 0 ? json_integer((json_int_t)one->until) : json_null()));
    }
    ft_watch_end(&watch);
    return list;
}
