/* edit-trace IN OUT WHAT [VALUE]: a trace with one thing changed, for the tests of the command
 * line.
 *
 *   event N          argument 0 of event N is another
 *   clean            the stored verdict is clean
 *   rule NUMBER      the finding is of this rule
 *   crash            the stored verdict is a crash
 *   flavour NAME, model N, fingerprint TEXT, core TEXT, function TEXT
 *   ops KIND         sixty-four ops of this kind
 *   events N         its events again and again, up to that many
 *   print N TEXT     event N is a dbg:print of this text
 *   unknown N        no argument of event N is known
 */
#include "trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool change_event(struct ft_trace *trace, const char *value)
{
    unsigned long number = strtoul(value, NULL, 10);

    if (number == 0 || number > trace->event_count || trace->event[number - 1].argc == 0) {
        return false;
    }
    trace->event[number - 1].arg[0] ^= 1;
    return true;
}

static bool repeat_events(struct ft_trace *trace, uint64_t count)
{
    uint64_t have = trace->event_count;
    struct ft_event *event;

    if (have == 0 || count < have || count > FT_TRACE_EVENTS_MAX) {
        return false;
    }
    event = realloc(trace->event, count * sizeof(*event));
    if (event == NULL) {
        return false;
    }
    for (uint64_t i = have; i < count; i++) {
        event[i] = event[i - have];
    }
    trace->event = event;
    trace->event_count = count;
    return true;
}

static bool replace_event(struct ft_trace *trace, const char *what, const char *value)
{
    char *text = NULL;
    unsigned long number = strtoul(value, &text, 10);
    struct ft_event *event = &trace->event[number - 1];

    if (number == 0 || number > trace->event_count) {
        return false;
    }
    memset(event->arg, 0, sizeof(event->arg));
    if (strcmp(what, "unknown") == 0) {
        const struct ft_event_row *row = ft_event_row(event->kind);

        event->unknown = (uint8_t)((1U << (event->argc < row->argc ? event->argc : row->argc)) - 1);
        return true;
    }
    event->kind = FT_EV_DBG_PRINT;
    event->argc = ft_event_row(FT_EV_DBG_PRINT)->words;
    event->unknown = 0;
    strncpy((char *)event->arg, *text == ' ' ? text + 1 : text, 48);
    return true;
}

static bool change_verdict(struct ft_trace *trace, const char *what, const char *value)
{
    struct ft_verdict *verdict = &trace->verdict;

    if (strcmp(what, "clean") == 0 || strcmp(what, "crash") == 0) {
        memset(verdict, 0, sizeof(*verdict));
        verdict->kind = what[1] == 'l' ? FT_VERDICT_CLEAN : FT_VERDICT_CRASH;
        return true;
    }
    if (verdict->finding_count == 0) {
        return false;
    }
    if (strcmp(what, "rule") == 0) {
        verdict->finding[0].rule = (uint16_t)strtoul(value, NULL, 10);
    } else {
        snprintf(verdict->finding[0].function, FT_FUNCTION_MAX, "%s", value);
    }
    return true;
}

static bool change(struct ft_trace *trace, const char *what, const char *value)
{
    if (strcmp(what, "event") == 0) {
        return change_event(trace, value);
    }
    if (strcmp(what, "events") == 0) {
        return repeat_events(trace, strtoull(value, NULL, 10));
    }
    if (strcmp(what, "print") == 0 || strcmp(what, "unknown") == 0) {
        return replace_event(trace, what, value);
    }
    if (strcmp(what, "flavour") == 0) {
        snprintf(trace->flavour, sizeof(trace->flavour), "%s", value);
    } else if (strcmp(what, "model") == 0) {
        trace->model = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(what, "fingerprint") == 0) {
        snprintf(trace->fingerprint, sizeof(trace->fingerprint), "%s", value);
    } else if (strcmp(what, "core") == 0) {
        snprintf(trace->core, sizeof(trace->core), "%s", value);
    } else if (strcmp(what, "ops") == 0) {
        trace->scenario.op_count = FT_OPS_MAX;
        memset(trace->scenario.op, 0, sizeof(trace->scenario.op));
        for (unsigned i = 0; i < FT_OPS_MAX; i++) {
            trace->scenario.op[i].kind = (uint8_t)strtoul(value, NULL, 10);
        }
    } else {
        return change_verdict(trace, what, value);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct ft_error error = {0};
    struct ft_trace trace;

    if (argc < 4) {
        fputs("usage: edit-trace IN OUT WHAT [VALUE]\n", stderr);
        return 3;
    }
    if (ft_trace_read(argv[1], &trace, &error) != FT_OK) {
        fprintf(stderr, "%s: %s\n", argv[1], error.text);
        return 3;
    }
    if (!change(&trace, argv[3], argc > 4 ? argv[4] : "")) {
        fprintf(stderr, "edit-trace: cannot change that: %s\n", argv[3]);
        return 3;
    }
    if (ft_trace_write(argv[2], &trace, &error) != FT_OK) {
        fprintf(stderr, "%s: %s\n", argv[2], error.text);
        return 3;
    }
    ft_trace_free(&trace);
    return 0;
}
