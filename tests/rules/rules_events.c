/* Reading events from text, and judging them. */
#include "rules_events.h"

#include "trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FT_SOURCE_DIR
#define FT_SOURCE_DIR "."
#endif

/* Takes one line without its newline. */
static bool take_line(const char *where, unsigned number, const char *line,
                      struct ft_file_events *ret)
{
    struct ft_error error = {0};

    if (*line == '\0' || *line == '#') {
        return true;
    }
    if (ret->count == FT_FILE_EVENTS_MAX) {
        (void)fprintf(stderr, "%s:%u: too many events\n", where, number);
        return false;
    }
    if (ft_event_parse(line, &ret->event[ret->count], &error) != FT_OK) {
        (void)fprintf(stderr, "%s:%u: %s\n", where, number, error.text);
        return false;
    }
    ret->count++;
    return true;
}

bool ft_text_events_read(const char *text, struct ft_file_events *ret)
{
    char line[1024];

    ret->count = 0;
    for (unsigned number = 1; *text != '\0'; number++) {
        size_t length = strcspn(text, "\n");

        if (length >= sizeof(line)) {
            return false;
        }
        memcpy(line, text, length);
        line[length] = '\0';
        if (!take_line("text", number, line, ret)) {
            return false;
        }
        text += length + (text[length] == '\n');
    }
    return true;
}

bool ft_file_events_read(const char *name, struct ft_file_events *ret)
{
    char path[512];
    char line[1024];
    bool ok = true;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/tests/rules/events/%s", FT_SOURCE_DIR, name);
    ret->count = 0;
    file = fopen(path, "r");
    if (file == NULL) {
        (void)fprintf(stderr, "%s: no such file\n", path);
        return false;
    }
    for (unsigned number = 1; ok && fgets(line, sizeof(line), file) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        ok = take_line(path, number, line, ret);
    }
    (void)fclose(file);
    return ok;
}

void ft_judge(const struct ft_file_events *events, bool keep_going, uint16_t disabled,
              struct ft_verdict *ret)
{
    struct ft_rules *rules = calloc(1, ft_rules_state_bytes());

    ft_rules_init(rules, keep_going, disabled);
    for (size_t i = 0; i < events->count; i++) {
        if (ft_rules_event(rules, &events->event[i])) {
            break;
        }
    }
    ft_rules_verdict(rules, ret);
    free(rules);
}

static bool has(const struct ft_finding *finding, uint32_t count, uint16_t rule)
{
    for (uint32_t i = 0; i < count; i++) {
        if (finding[i].rule == rule) {
            return true;
        }
    }
    return false;
}

bool ft_verdict_has_rule(const struct ft_verdict *verdict, uint16_t rule)
{
    return has(verdict->finding, verdict->finding_count, rule);
}

bool ft_verdict_has_warning(const struct ft_verdict *verdict, uint16_t rule)
{
    return has(verdict->warning, verdict->warning_count, rule);
}

static void show(const char *what, const struct ft_finding *finding)
{
    const struct ft_rule_row *row = ft_rule_by_number(finding->rule);

    (void)fprintf(stderr, "  %s %s at event %llu, object 0x%llx\n", what,
                  row != NULL ? row->id : "?", (unsigned long long)finding->event,
                  (unsigned long long)finding->object);
}

void ft_verdict_show(const char *title, const struct ft_verdict *verdict)
{
    (void)fprintf(stderr, "%s: %s %s\n", title, ft_verdict_name(verdict->kind), verdict->detail);
    for (uint32_t i = 0; i < verdict->finding_count; i++) {
        show("finding", &verdict->finding[i]);
    }
    for (uint32_t i = 0; i < verdict->warning_count; i++) {
        show("warning", &verdict->warning[i]);
    }
}
