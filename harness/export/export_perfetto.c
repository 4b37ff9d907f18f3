/* export --format perfetto: track events in Perfetto's trace format (perfetto.proto).
 *
 * Event number N is at N microseconds, because simulated time stands still while nothing waits; it
 * is a counter track. Packets are written one by one, in the order of their times: at each event
 * the spans that begin there, the event, the spans that end there. Tracks that are read side by
 * side have one name, so that Perfetto draws them as one: requests, mappings, tasks of a kind.
 *
 * A flow goes from the request's event to the MapTransfer, the flush and the completion, one for
 * each mapping.
 */
#include "export/export.h"
#include "export/perfetto_packet.h"
#include "report/event_words.h"
#include "report/trace_clock.h"
#include "rules/rules.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES = 256, NAME_BYTES = 128, TASKS = 1 << 16, NO_CPU = 0xFF, CPUS = 256 };
enum { ROLES = 4 }; /* of an event in a flow: request, map, flush, completion */
/* Nanoseconds into its microsecond at which something stands. */
enum { AT_BEGIN = 0, AT_EVENT = 10, AT_EVENT_END = 800, AT_END = 900, AT_TASK_END = 950 };

/* Tracks by number. Those of spans and of tasks without one have a range each. */
enum track {
    TRACK_RUN = 1,
    TRACK_OPS,
    TRACK_TIME,
    TRACK_REQUESTS,
    TRACK_DEVICE,
    TRACK_PROCESSORS,
    TRACK_TASKS,
    TRACK_BUS,
    TRACK_HARNESS,
    TRACK_CPU = 0x100,
    TRACK_IRQL = 0x200
};
#define TRACK_SPAN ((uint64_t)2 << 33)
#define TRACK_TASK ((uint64_t)3 << 33)

struct timeline {
    const struct ft_export *export;
    const struct ft_trace *trace;
    struct ft_packets packets;
    struct ft_story story;
    struct ft_clock clock;
    size_t begun;          /* spans that have begun */
    uint32_t *first_ended; /* by event: the innermost span that ends there */
    uint32_t *next_ended;  /* by span */
    uint32_t *first_flow;  /* by event: mapping * ROLES + role */
    uint32_t *next_flow;
    uint32_t task_span[TASKS];
    uint8_t known_task[TASKS];
    uint8_t known_cpu[CPUS], irql[CPUS];
    uint64_t now;
};

static uint64_t time_of(uint64_t index, unsigned offset)
{
    return (index + 1) * 1000 + offset;
}

/* ---- tracks ---- */

static void describe_fixed(struct timeline *line)
{
    const struct ft_trace *trace = line->trace;
    char name[NAME_BYTES + 80];

    snprintf(name, sizeof(name), "%s%s%s", trace->core, trace->mutant[0] != '\0' ? "+" : "",
             trace->mutant);
    ft_packets_process(&line->packets, TRACK_RUN, name);
    ft_packets_track(&line->packets, TRACK_OPS, TRACK_RUN, "ops and verdict", 1);
    ft_packets_counter(&line->packets, TRACK_TIME, TRACK_RUN, "simulated time", "ns", 2);
    ft_packets_track(&line->packets, TRACK_REQUESTS, TRACK_RUN, "requests", 3);
    ft_packets_track(&line->packets, TRACK_DEVICE, TRACK_RUN, "device", 4);
    ft_packets_track(&line->packets, TRACK_PROCESSORS, TRACK_RUN, "processors", 5);
    ft_packets_track(&line->packets, TRACK_TASKS, TRACK_RUN, "tasks", 6);
    ft_packets_track(&line->packets, TRACK_HARNESS, TRACK_RUN, "harness", 7);
    ft_packets_track(&line->packets, TRACK_BUS, TRACK_DEVICE, "bus", 0);
}

/* Tasks of a kind that come and go are drawn as one track. */
static void task_track_name(unsigned kind, uint32_t task, char *name, size_t capacity)
{
    if (kind == FT_TASK_THREAD || kind == 0) {
        snprintf(name, capacity, "%s-%" PRIu32, ft_task_kind_text(kind), task);
    } else {
        snprintf(name, capacity, "%ss", ft_task_kind_text(kind));
    }
}

static uint64_t task_track(struct timeline *line, const struct ft_event *event)
{
    uint32_t span = line->task_span[event->task];
    char name[NAME_BYTES];

    if (event->task == 0) {
        return event->layer == FT_LAYER_DEVICE ? TRACK_BUS : TRACK_HARNESS;
    }
    if (span != FT_STORY_NONE) {
        return TRACK_SPAN + span;
    }
    if (line->known_task[event->task] == 0) {
        line->known_task[event->task] = 1;
        task_track_name(0, event->task, name, sizeof(name));
        ft_packets_track(&line->packets, TRACK_TASK + event->task, TRACK_TASKS, name, 0);
    }
    return TRACK_TASK + event->task;
}

/* The track of a span that begins, described when it is new. */
static uint64_t span_track(struct timeline *line, uint32_t index)
{
    const struct ft_span *span = &line->story.span[index];
    char name[NAME_BYTES];
    uint64_t track = TRACK_SPAN + index;

    switch (span->kind) {
    case FT_SPAN_REQUEST:
        ft_packets_track(&line->packets, track, TRACK_REQUESTS, "IRPs", 1);
        break;
    case FT_SPAN_MAPPING:
        ft_packets_track(&line->packets, track, TRACK_REQUESTS, "DMA mappings", 2);
        break;
    case FT_SPAN_COMMON:
        ft_packets_track(&line->packets, track, TRACK_DEVICE, "common buffers", 3);
        break;
    case FT_SPAN_ENGINE:
        snprintf(name, sizeof(name), "engine channel %" PRIu32 "%s", span->lane % FT_STORY_SECOND,
                 span->lane < FT_STORY_SECOND ? "" : " of device 2");
        ft_packets_track(&line->packets, track, TRACK_DEVICE, name, 1);
        break;
    case FT_SPAN_TASK:
        task_track_name(span->detail, span->lane, name, sizeof(name));
        ft_packets_track(&line->packets, track, TRACK_TASKS, name, 0);
        line->task_span[span->lane] = index;
        break;
    default: /* a routine is on the track of its task */
        track = task_track(line, &line->trace->event[span->begin]);
        break;
    }
    return track;
}

/* ---- flows ---- */

static void add_flow(struct timeline *line, uint32_t event, uint32_t mapping, unsigned role)
{
    uint32_t entry = mapping * ROLES + role;

    if (event == FT_STORY_NONE) {
        return;
    }
    line->next_flow[entry] = line->first_flow[event];
    line->first_flow[event] = entry;
}

static void find_flows(struct timeline *line)
{
    for (size_t i = 0; i < line->story.count; i++) {
        const struct ft_span *span = &line->story.span[i];
        const struct ft_span *owner;

        if (span->kind != FT_SPAN_MAPPING || span->owner == FT_STORY_NONE) {
            continue;
        }
        owner = &line->story.span[span->owner];
        add_flow(line, owner->begin, (uint32_t)i, 0);
        add_flow(line, span->begin, (uint32_t)i, 1);
        add_flow(line, span->mark, (uint32_t)i, 2);
        add_flow(line,
                 owner->mark != FT_STORY_NONE && owner->mark > span->begin ? owner->mark
                                                                           : FT_STORY_NONE,
                 (uint32_t)i, 3);
    }
}

static void put_flows(struct timeline *line, uint64_t index)
{
    uint32_t entry = line->first_flow[index];

    for (; entry != FT_STORY_NONE; entry = line->next_flow[entry]) {
        ft_packets_flow(&line->packets, entry / ROLES + 1, entry % ROLES == ROLES - 1);
    }
}

/* ---- events ---- */

static void annotate_event(struct timeline *line, uint64_t index)
{
    const struct ft_event *event = &line->trace->event[index];
    const struct ft_event_row *row = ft_event_row(event->kind);
    const char *function = ft_trace_function(line->trace, event->site);
    const char *layer = ft_layer_name(event->layer);
    char value[VALUE_BYTES];

    for (unsigned i = 0; row != NULL && i < row->argc && i < event->argc; i++) {
        ft_arg_print(event, i, value, sizeof(value));
        ft_packets_text(&line->packets, row->arg_name[i], value);
    }
    if (function[0] != '\0') {
        ft_packets_text(&line->packets, "called from", function);
    }
    ft_packets_text(&line->packets, "layer", layer != NULL ? layer : "?");
    ft_packets_number(&line->packets, "event", index + 1);
    ft_packets_number(&line->packets, "simulated ns", line->now * 100);
}

static void put_event(struct timeline *line, uint64_t index)
{
    const struct ft_event *event = &line->trace->event[index];
    const struct ft_event_row *row = ft_event_row(event->kind);
    uint64_t track = task_track(line, event);
    struct ft_words_of_event words;

    if (event->kind == FT_EV_CALL_ENTER || event->kind == FT_EV_CALL_LEAVE) {
        return; /* the slice of the routine */
    }
    if (ft_event_is_op(event)) {
        ft_event_words(line->trace, event, &words);
        annotate_event(line, index);
        ft_packets_put(&line->packets, FT_PACKET_INSTANT, time_of(index, AT_EVENT), TRACK_OPS,
                       words.text);
    }
    annotate_event(line, index);
    put_flows(line, index);
    ft_packets_put(&line->packets, FT_PACKET_BEGIN, time_of(index, AT_EVENT), track,
                   row != NULL ? row->name : "?");
    ft_packets_put(&line->packets, FT_PACKET_END, time_of(index, AT_EVENT_END), track, NULL);
}

static void put_findings(struct timeline *line, const struct ft_finding *finding, uint32_t count,
                         uint64_t index)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct ft_rule_row *rule = ft_rule_by_number(finding[i].rule);

        if (finding[i].event != index + 1 || rule == NULL) {
            continue;
        }
        ft_packets_text(&line->packets, "rule", rule->sentence);
        ft_packets_text(&line->packets, "source", rule->source);
        ft_packets_text(&line->packets, "called from", finding[i].function);
        ft_packets_number(&line->packets, "event", index + 1);
        ft_packets_put(&line->packets, FT_PACKET_INSTANT, time_of(index, AT_EVENT), TRACK_OPS,
                       rule->id);
    }
}

/* ---- spans ---- */

static void annotate_span(struct timeline *line, const struct ft_span *span)
{
    const char *class_name = ft_handle_class_name(ft_handle_class(span->object));
    char text[NAME_BYTES];

    if (span->object != 0 && class_name != NULL) {
        snprintf(text, sizeof(text), "%s#%" PRIu32, class_name, ft_handle_id(span->object));
        ft_packets_text(&line->packets, "object", text);
    }
    if (span->kind == FT_SPAN_MAPPING || span->kind == FT_SPAN_ENGINE ||
        span->kind == FT_SPAN_COMMON) {
        ft_packets_number(&line->packets, "bytes", span->detail);
    }
    if (span->kind == FT_SPAN_MAPPING || span->kind == FT_SPAN_ENGINE) {
        ft_packets_text(&line->packets, "direction", span->write ? "to device" : "from device");
    }
}

static void begin_spans(struct timeline *line, uint64_t index)
{
    for (; line->begun < line->story.count && line->story.span[line->begun].begin == index;
         line->begun++) {
        const struct ft_span *span = &line->story.span[line->begun];
        uint64_t track = span_track(line, (uint32_t)line->begun);
        char name[NAME_BYTES];

        ft_span_print(span, name, sizeof(name));
        annotate_span(line, span);
        ft_packets_put(&line->packets, FT_PACKET_BEGIN, time_of(index, AT_BEGIN), track, name);
        if (span->kind == FT_SPAN_MAPPING) {
            ft_packets_put(&line->packets, FT_PACKET_BEGIN, time_of(index, AT_EVENT), track,
                           span->mark != FT_STORY_NONE ? "mapped" : "mapped, never flushed");
        }
    }
}

/* What became of a mapping is told below it: mapped until its flush, then until the end. */
static void turn_mapping(struct timeline *line, uint64_t index)
{
    uint32_t entry = line->first_flow[index];

    for (; entry != FT_STORY_NONE; entry = line->next_flow[entry]) {
        const struct ft_span *span = &line->story.span[entry / ROLES];
        uint64_t track = TRACK_SPAN + entry / ROLES;

        if (entry % ROLES == 2 && span->end > index) {
            ft_packets_put(&line->packets, FT_PACKET_END, time_of(index, AT_EVENT_END), track,
                           NULL);
            ft_packets_put(&line->packets, FT_PACKET_BEGIN, time_of(index, AT_EVENT_END), track,
                           "flushed");
        }
    }
}

static void end_spans(struct timeline *line, uint64_t index, bool tasks)
{
    uint32_t next = line->first_ended[index];

    for (; next != FT_STORY_NONE; next = line->next_ended[next]) {
        const struct ft_span *span = &line->story.span[next];
        uint64_t track = TRACK_SPAN + next;

        if ((span->kind == FT_SPAN_TASK) != tasks) {
            continue;
        }
        if (span->kind == FT_SPAN_ROUTINE) {
            track = task_track(line, &line->trace->event[span->begin]);
        }
        if (span->kind == FT_SPAN_MAPPING) {
            ft_packets_put(&line->packets, FT_PACKET_END, time_of(index, AT_END), track, NULL);
        }
        ft_packets_put(&line->packets, FT_PACKET_END, time_of(index, tasks ? AT_TASK_END : AT_END),
                       track, NULL);
    }
}

/* ---- processors ---- */

/* True when both events are of one stretch that a task ran on a processor. */
static bool same_run(const struct timeline *line, uint64_t a, uint64_t b)
{
    const struct ft_event *one = &line->trace->event[a], *other = &line->trace->event[b];

    return one->cpu == other->cpu && one->task == other->task;
}

static void begin_run(struct timeline *line, uint64_t index)
{
    const struct ft_event *event = &line->trace->event[index];
    char name[NAME_BYTES];

    if (event->cpu == NO_CPU) {
        return;
    }
    if (line->known_cpu[event->cpu] == 0) {
        line->known_cpu[event->cpu] = 1;
        line->irql[event->cpu] = UINT8_MAX;
        snprintf(name, sizeof(name), "processor %u", event->cpu);
        ft_packets_track(&line->packets, TRACK_CPU + event->cpu, TRACK_PROCESSORS, name,
                         2 * event->cpu);
        snprintf(name, sizeof(name), "IRQL of processor %u", event->cpu);
        ft_packets_counter(&line->packets, TRACK_IRQL + event->cpu, TRACK_PROCESSORS, name, "IRQL",
                           2 * event->cpu + 1);
    }
    if (line->irql[event->cpu] != event->irql) {
        line->irql[event->cpu] = event->irql;
        ft_packets_value(&line->packets, time_of(index, AT_EVENT), TRACK_IRQL + event->cpu,
                         event->irql);
    }
    if (index == 0 || !same_run(line, index - 1, index)) {
        uint32_t span = line->task_span[event->task];

        snprintf(name, sizeof(name), "%s-%u",
                 ft_task_kind_text(span != FT_STORY_NONE ? line->story.span[span].detail : 0),
                 event->task);
        ft_packets_put(&line->packets, FT_PACKET_BEGIN, time_of(index, AT_EVENT),
                       TRACK_CPU + event->cpu, name);
    }
}

static void end_run(struct timeline *line, uint64_t index)
{
    uint8_t cpu = line->trace->event[index].cpu;

    if (cpu != NO_CPU &&
        (index + 1 == line->trace->event_count || !same_run(line, index, index + 1))) {
        ft_packets_put(&line->packets, FT_PACKET_END, time_of(index, AT_EVENT_END), TRACK_CPU + cpu,
                       NULL);
    }
}

/* ---- the whole ---- */

static uint32_t *make_table(size_t count)
{
    uint32_t *table = malloc((count + 1) * sizeof(*table));

    for (size_t i = 0; table != NULL && i <= count; i++) {
        table[i] = FT_STORY_NONE;
    }
    return table;
}

static bool begin_timeline(struct timeline *line, FILE *out)
{
    size_t spans;

    if (!ft_story_begin(&line->story, line->trace)) {
        return false;
    }
    spans = line->story.count;
    line->packets.out = out;
    line->clock.trace = line->trace;
    line->now = UINT64_MAX;
    line->first_ended = make_table(line->trace->event_count);
    line->first_flow = make_table(line->trace->event_count);
    line->next_ended = make_table(spans);
    line->next_flow = make_table(ROLES * spans);
    for (size_t i = 0; i < TASKS; i++) {
        line->task_span[i] = FT_STORY_NONE;
    }
    if (line->first_ended == NULL || line->first_flow == NULL || line->next_ended == NULL ||
        line->next_flow == NULL) {
        return false;
    }
    /* The last to begin comes first in each list: it is the innermost. */
    for (size_t i = 0; i < spans; i++) {
        uint32_t end = line->story.span[i].end;

        line->next_ended[i] = line->first_ended[end];
        line->first_ended[end] = (uint32_t)i;
    }
    find_flows(line);
    return true;
}

static void put_timeline(struct timeline *line)
{
    describe_fixed(line);
    for (uint64_t i = 0; i < line->trace->event_count && !line->packets.failed; i++) {
        const struct ft_verdict *verdict = &line->trace->verdict;
        uint64_t now = ft_clock_at(&line->clock, i);

        if (now != line->now) {
            line->now = now;
            ft_packets_value(&line->packets, time_of(i, AT_BEGIN), TRACK_TIME,
                             (int64_t)(now * 100));
        }
        begin_spans(line, i);
        begin_run(line, i);
        put_findings(line, verdict->finding, verdict->finding_count, i);
        put_findings(line, verdict->warning, verdict->warning_count, i);
        put_event(line, i);
        end_run(line, i);
        turn_mapping(line, i);
        end_spans(line, i, false);
        end_spans(line, i, true);
    }
}

static enum ft_status write_perfetto(const struct ft_export *export, FILE *out,
                                     struct ft_error *error)
{
    struct timeline *line = calloc(1, sizeof(*line));
    bool ok = false;

    if (line != NULL) {
        line->export = export;
        line->trace = export->trace;
        if (begin_timeline(line, out)) {
            put_timeline(line);
            ok = !line->packets.failed;
        }
        ft_story_end(&line->story);
        ft_packets_free(&line->packets);
        free(line->first_ended);
        free(line->first_flow);
        free(line->next_ended);
        free(line->next_flow);
    }
    free(line);
    return ok ? FT_OK : ft_fail(error, FT_NO_MEMORY, 0, "no memory");
}

const struct ft_export_format ft_export_perfetto = {
    .name = "perfetto",
    .sentence = "track events for Perfetto (ui.perfetto.dev), with flows",
    .binary = true,
    .write = write_perfetto};
