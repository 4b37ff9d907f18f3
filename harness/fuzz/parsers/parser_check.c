#include "fuzz/parsers/parser_check.h"

#include "scenario/scenario_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENTS_SHOWN = 64,     /* whose text form is tried */
    LINE_BYTES = 4096,     /* of an event */
    SCENARIO_BYTES = 2048, /* more than FT_OPS_MAX of the longest ops */
    SCENARIO_TEXT = 32768
};

void ft_parser_check(bool holds, const char *sentence)
{
    if (holds)
        return;
    fprintf(stderr, "flushtrace: a parser does not keep its promise: %s\n", sentence);
    abort();
}

void ft_parser_check_error(enum ft_status status, const struct ft_error *error, uint64_t last)
{
    ft_parser_check(status > FT_OK && status < FT_STATUS_COUNT, "a status is one of the list");
    ft_parser_check(error->status == status, "the error has the status that was returned");
    ft_parser_check(memchr(error->text, '\0', sizeof error->text) != NULL && error->text[0] != '\0',
                    "the error has a reason");
    ft_parser_check(error->offset <= last, "the error is inside the input");
}

/* parse(print(e)) == e but for the site, for events that have all the words of their row. */
static void check_event(const struct ft_event *event)
{
    const struct ft_event_row *row = ft_event_row(event->kind);
    struct ft_event was = *event, is;
    struct ft_error error = {.text = ""};
    char line[LINE_BYTES];

    if (!row || event->argc != row->words)
        return;
    ft_parser_check(ft_event_print(event, line, sizeof line) < sizeof line, "an event is one line");
    if (ft_event_parse(line, &is, &error) != FT_OK) {
        fprintf(stderr, "%s\n%s (column %llu)\n", line, error.text,
                (unsigned long long)error.offset);
        ft_parser_check(false, "the text of an event can be read");
    }
    was.site = is.site = 0;
    ft_parser_check(memcmp(&was, &is, sizeof was) == 0, "the text of an event is that event");
}

typedef enum ft_status encode_fn(const struct ft_trace *trace, uint8_t **ret, size_t *ret_length,
                                 struct ft_error *error);

static void check_encoding(const struct ft_trace *trace, encode_fn *encode, unsigned how)
{
    struct ft_error error = {.text = ""};
    size_t length, again_length;
    uint8_t *bytes, *again;
    struct ft_trace read;

    if (encode(trace, &bytes, &length, &error) != FT_OK) {
        fprintf(stderr, "%s\n", error.text);
        ft_parser_check(false, "a trace that was read can be written");
    }
    ft_parser_check(ft_trace_decode_as(bytes, length, how, &read, &error) == FT_OK,
                    "what was written can be read");
    ft_parser_check(read.complete && read.event_count == trace->event_count &&
                        read.hash == trace->hash,
                    "what was written is the same trace");
    ft_parser_check(encode(&read, &again, &again_length, &error) == FT_OK,
                    "it can be written once more");
    ft_parser_check(length == again_length && memcmp(bytes, again, length) == 0,
                    "the same trace is the same bytes");
    ft_trace_free(&read);
    free(bytes);
    free(again);
}

void ft_parser_check_trace(struct ft_trace *trace)
{
    for (uint64_t i = 0; i < trace->event_count && i < EVENTS_SHOWN; i++)
        check_event(&trace->event[i]);
    ft_parser_check_scenario(&trace->scenario);
    /* Only a whole trace has a verdict, and only one with a verdict can be written. */
    if (!trace->complete)
        trace->verdict = (struct ft_verdict){.kind = FT_VERDICT_CUT};
    check_encoding(trace, ft_trace_encode, 0);
    check_encoding(trace, ft_trace_encode_sections, FT_DECODE_SECTIONS);
}

void ft_parser_check_scenario(const struct ft_scenario *scenario)
{
    static uint8_t bytes[SCENARIO_BYTES], again[SCENARIO_BYTES];
    static char text[SCENARIO_TEXT];
    struct ft_error error = {.text = ""};
    size_t length = ft_scenario_encode(scenario, bytes, sizeof bytes);
    struct ft_scenario read;

    ft_parser_check(length <= sizeof bytes, "a scenario has a bounded size");
    ft_scenario_decode(bytes, length, &read);
    ft_parser_check(read.op_count == scenario->op_count, "no op is lost in the bytes");
    ft_parser_check(ft_scenario_encode(&read, again, sizeof again) == length &&
                        memcmp(bytes, again, length) == 0,
                    "decode(encode(s)) is s");
    length = ft_scenario_print(scenario, text, sizeof text);
    ft_parser_check(length < sizeof text && strlen(text) == length, "a scenario has a text");
    if (ft_scenario_parse(text, length, &read, &error) != FT_OK) {
        fprintf(stderr, "%sline %llu: %s\n", text, (unsigned long long)error.offset, error.text);
        ft_parser_check(false, "the text of a scenario can be read");
    }
    length = ft_scenario_encode(scenario, bytes, sizeof bytes);
    ft_parser_check(ft_scenario_encode(&read, again, sizeof again) == length &&
                        memcmp(bytes, again, length) == 0,
                    "the text of a scenario is that scenario");
}
