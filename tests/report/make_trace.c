/* make-trace EVENTS OUT: a trace from events as text (trace.h, ft_event_parse), for the tests of
 * reports. The rules judge it. Other lines than events:
 *
 *   # comment
 *   scenario LINE      a line of the scenario
 *   mutant NAME
 *   place FILE:F:LINE  where the driver called for the next event; it may hold \e, an escape
 */
#include "report/trace_facts.h"
#include "scenario/scenario_codec.h"
#include "trace/trace.h"

#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 1000, SITES_MAX = 100, LINE_BYTES = 1024, SCENARIO_BYTES = 8192 };

static struct ft_event events[EVENTS_MAX];
static struct ft_trace_site sites[SITES_MAX];
static char scenario[SCENARIO_BYTES];

static uint64_t add_site(struct ft_trace *trace, const char *place)
{
    struct ft_trace_site *site = &sites[trace->site_count++];
    char *escape;

    site->site = trace->site_count;
    snprintf(site->function, sizeof(site->function), "%.80s", place);
    escape = strstr(site->function, "\\e");
    if (escape != NULL) {
        escape[0] = '\033';
        memmove(escape + 1, escape + 2, strlen(escape + 2) + 1);
    }
    return site->site;
}

static bool take_line(struct ft_trace *trace, const char *line, uint64_t *site)
{
    struct ft_event *event = &trace->event[trace->event_count];
    size_t used = strlen(scenario);
    struct ft_error error;

    if (line[0] == '#' || line[0] == '\0') {
        return true;
    }
    if (strncmp(line, "scenario ", 9) == 0) {
        snprintf(scenario + used, sizeof(scenario) - used, "%s\n", line + 9);
        return true;
    }
    if (strncmp(line, "mutant ", 7) == 0) {
        snprintf(trace->mutant, sizeof(trace->mutant), "%.60s", line + 7);
        return true;
    }
    if (strncmp(line, "place ", 6) == 0) {
        *site = trace->site_count < SITES_MAX ? add_site(trace, line + 6) : 0;
        return *site != 0;
    }
    if (trace->event_count == EVENTS_MAX || ft_event_parse(line, event, &error) != FT_OK) {
        fprintf(stderr, "column %llu: %s\n", (unsigned long long)error.offset, error.text);
        return false;
    }
    event->site = *site;
    *site = 0;
    trace->event_count++;
    return true;
}

static bool read_events(FILE *file, struct ft_trace *trace)
{
    struct ft_error error;
    char line[LINE_BYTES];
    uint64_t site = 0;

    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (!take_line(trace, line, &site)) {
            fprintf(stderr, "make-trace: %s\n", line);
            return false;
        }
    }
    if (ft_scenario_parse(scenario, strlen(scenario), &trace->scenario, &error) != FT_OK) {
        fprintf(stderr, "make-trace: scenario, line %llu: %s\n", (unsigned long long)error.offset,
                error.text);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct ft_trace trace = {.origin = FT_ORIGIN_SIMULATED,
                             .model = FT_MODEL_NUMBER,
                             .core = "wdm-packet",
                             .flavour = "plain",
                             .fingerprint = "0123456789abcdef",
                             .event = events,
                             .site = sites};
    struct ft_error error;
    FILE *file = argc == 3 ? fopen(argv[1], "re") : NULL;

    if (file == NULL || !read_events(file, &trace)) {
        fputs("usage: make-trace EVENTS OUT\n", stderr);
        return 3;
    }
    fclose(file);
    if (!ft_judge_trace(&trace, false, &trace.verdict)) {
        return 5;
    }
    if (ft_trace_write(argv[2], &trace, &error) != FT_OK) {
        fprintf(stderr, "%s: %s\n", argv[2], error.text);
        return 3;
    }
    return 0;
}
