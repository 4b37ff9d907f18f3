/* ft-make-seeds: seeds and dictionaries for the fuzz targets, from what the project has anyway.
 *
 *     ft-make-seeds scenarios CORE FOLDER FILE...   scenarios (.fts), and those in traces of that
 *                                                   core (.ftr), as the bytes that engines mutate
 *     ft-make-seeds sections FOLDER FILE.ftr...     traces without frames, cut to a few events
 *     ft-make-seeds traces FOLDER FILE.ftr...       the same with frames
 *     ft-make-seeds events FOLDER FILE.ftr...       one event of each kind, as text
 *     ft-make-seeds lines FOLDER FILE.ftr...        the first events of each, as lines of text
 *     ft-make-seeds dictionary KIND                 on standard output: scenario-bytes,
 *                                                   scenario-text, event-text, baseline, trace
 *
 * A seed is named by its content, so that equal ones are one file.
 */
#include "rules/rules.h"
#include "scenario/scenario_codec.h"
#include "trace/byte_stream.h"
#include "trace/host_file.h"
#include "trace/trace.h"
#include "trace/trace_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { EVENTS_KEPT = 40, LINES_KEPT = 60, EVENT_KINDS = 4096, PLATFORMS = FT_PLATFORM_COUNT };

static _Noreturn void refuse(const char *what, const char *why)
{
    fprintf(stderr, "ft-make-seeds: %s: %s\n", what, why);
    exit(3);
}

static void write_seed(const char *folder, const void *bytes, size_t length)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, length);
    struct ft_error error;
    char path[4096];

    snprintf(path, sizeof path, "%s/%016llx%016llx", folder, (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
    if (ft_file_write(path, bytes, length, &error) != FT_OK)
        refuse(path, error.text);
}

static void write_scenario(const char *folder, const struct ft_scenario *scenario)
{
    uint8_t bytes[4096];

    write_seed(folder, bytes, ft_scenario_encode(scenario, bytes, sizeof bytes));
}

static void read_trace(const char *path, struct ft_trace *ret)
{
    struct ft_error error;

    if (ft_trace_read(path, ret, &error) != FT_OK)
        refuse(path, error.text);
}

static bool is_trace(const char *path)
{
    size_t length = strlen(path);

    return length > 4 && strcmp(path + length - 4, ".ftr") == 0;
}

static void make_scenario(const char *core, const char *folder, const char *path)
{
    struct ft_scenario scenario;
    struct ft_error error;
    struct ft_trace trace;
    uint8_t *text;
    size_t length;

    if (is_trace(path)) {
        read_trace(path, &trace);
        if (strcmp(trace.core, core) == 0)
            write_scenario(folder, &trace.scenario);
        ft_trace_free(&trace);
        return;
    }
    if (ft_file_read(path, 1 << 20, &text, &length, &error) != FT_OK ||
        ft_scenario_parse((const char *)text, length, &scenario, &error) != FT_OK)
        refuse(path, error.text);
    free(text);
    write_scenario(folder, &scenario);
}

/* The first events only, and a verdict that fits them. */
static void make_trace(const char *folder, const char *path, bool framed)
{
    struct ft_error error;
    struct ft_trace trace;
    uint8_t *bytes;
    size_t length;

    read_trace(path, &trace);
    if (trace.event_count > EVENTS_KEPT)
        trace.event_count = EVENTS_KEPT;
    for (uint32_t i = 0; i < trace.verdict.finding_count; i++)
        trace.verdict.finding[i].event = trace.event_count;
    trace.verdict.warning_count = 0;
    if ((framed ? ft_trace_encode : ft_trace_encode_sections)(&trace, &bytes, &length, &error) !=
        FT_OK)
        refuse(path, error.text);
    write_seed(folder, bytes, length);
    free(bytes);
    ft_trace_free(&trace);
}

static void make_events(const char *folder, const char *path)
{
    static bool seen[EVENT_KINDS];
    struct ft_trace trace;
    char line[4096];

    read_trace(path, &trace);
    for (uint64_t i = 0; i < trace.event_count; i++) {
        size_t length = ft_event_print(&trace.event[i], line, sizeof line);

        if (trace.event[i].kind >= EVENT_KINDS || seen[trace.event[i].kind] ||
            length >= sizeof line)
            continue;
        seen[trace.event[i].kind] = true;
        write_seed(folder, line, length);
    }
    ft_trace_free(&trace);
}

static void make_lines(const char *folder, const char *path)
{
    struct ft_bytes_out text = {.length = 0};
    struct ft_trace trace;
    char line[4096];

    read_trace(path, &trace);
    for (uint64_t i = 0; i < trace.event_count && i < LINES_KEPT; i++) {
        size_t length = ft_event_print(&trace.event[i], line, sizeof line - 1);

        line[length] = '\n';
        ft_out_bytes(&text, line, length + 1);
    }
    write_seed(folder, text.bytes, text.length);
    free(text.bytes);
    ft_trace_free(&trace);
}

static void print_word(const void *word, size_t length)
{
    const uint8_t *byte = word;

    putchar('"');
    for (size_t i = 0; i < length; i++)
        if (byte[i] <= ' ' || byte[i] > '~' || byte[i] == '"' || byte[i] == '\\')
            printf("\\x%02X", byte[i]);
        else
            putchar(byte[i]);
    puts("\"");
}

static void print_string(const char *word)
{
    print_word(word, strlen(word));
}

/* The border of an op, and its slot. */
static void print_slots(void)
{
    for (unsigned number = 0; number <= UINT8_MAX; number++) {
        struct ft_scenario scenario = {.op_count = 1};
        uint8_t bytes[256], *border;
        size_t length;

        if (!ft_op_row(number))
            continue;
        scenario.op[0].kind = (uint8_t)number;
        length = ft_scenario_encode(&scenario, bytes, sizeof bytes);
        border = memchr(bytes, 0xFF, length);
        if (border && border + 1 < bytes + length)
            print_word(border, 2);
    }
}

static void print_scenario_words(void)
{
    for (unsigned number = 0; number <= UINT8_MAX; number++) {
        const struct ft_op_row *row = ft_op_row(number);

        if (row)
            print_string(row->name);
        for (const char *at = row ? row->args : ""; *at; at += strspn(at, " ")) {
            print_word(at, strcspn(at, ":"));
            at += strcspn(at, " ");
        }
        if (ft_point_name(number))
            print_string(ft_point_name(number));
    }
    for (unsigned i = 0; i < PLATFORMS; i++)
        print_string(ft_platform_preset_name(i));
    print_string("platform ");
    print_string(" @ device/");
    print_string(" @ a/");
}

static void print_event_words(void)
{
    for (size_t i = 0; i < ft_event_row_count(); i++) {
        const struct ft_event_row *row = ft_event_row_at(i);

        print_string(row->name);
        for (unsigned k = 0; k < row->argc; k++)
            if (i < 64)
                print_string(row->arg_name[k]);
    }
    print_string(" ; irql=DISPATCH layer=driver task=1 cpu=0");
}

static void print_rules(void)
{
    for (size_t i = 0; i < ft_rule_count(); i++)
        print_string(ft_rule_at(i)->id);
    print_string("crash ");
    print_string("hang ");
}

static void print_sections(void)
{
    print_string(FT_SECTION_HEADER);
    print_string(FT_SECTION_EVENTS);
    print_string(FT_SECTION_VERDICT);
    print_string(FT_SECTION_CORPUS);
    print_word("\x28\xB5\x2F\xFD", 4);
    print_word("\x5E\x2A\x4D\x18", 4);
    print_word("\xB1\xEA\x92\x8F", 4);
}

static void print_dictionary(const char *kind)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } dictionary[] = {{"scenario-bytes", print_slots},
                      {"scenario-text", print_scenario_words},
                      {"event-text", print_event_words},
                      {"baseline", print_rules},
                      {"trace", print_sections}};

    for (unsigned i = 0; i < sizeof dictionary / sizeof *dictionary; i++)
        if (strcmp(kind, dictionary[i].name) == 0) {
            dictionary[i].print();
            return;
        }
    refuse(kind, "no such dictionary");
}

int main(int argc, char **argv)
{
    const char *what = argc >= 3 ? argv[1] : "";

    if (strcmp(what, "dictionary") == 0 && argc == 3)
        print_dictionary(argv[2]);
    else if (strcmp(what, "scenarios") == 0 && argc > 4)
        for (int i = 4; i < argc; i++)
            make_scenario(argv[2], argv[3], argv[i]);
    else if (strcmp(what, "sections") == 0 || strcmp(what, "traces") == 0)
        for (int i = 3; i < argc; i++)
            make_trace(argv[2], argv[i], what[0] == 't');
    else if (strcmp(what, "events") == 0)
        for (int i = 3; i < argc; i++)
            make_events(argv[2], argv[i]);
    else if (strcmp(what, "lines") == 0)
        for (int i = 3; i < argc; i++)
            make_lines(argv[2], argv[i]);
    else
        refuse("usage", "see the head of make_seeds.c");
    return fflush(stdout) == 0 ? 0 : 5;
}
