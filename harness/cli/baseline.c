/* Baseline files and --ignore. */
#include "cli/baseline.h"
#include "rules/rules.h"
#include "trace/host_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1024 /* with its zero */ };

static enum ft_status add(struct ft_baseline *baseline, const char *rule, const char *function,
                          const char *reason, unsigned line, struct ft_error *error)
{
    struct ft_baseline_entry *entry = &baseline->entry[baseline->count];
    const struct ft_rule_row *row = ft_rule_by_id(rule);

    if (baseline->count == FT_BASELINE_MAX) {
        return ft_fail(error, FT_TOO_LARGE, line, "more than %d findings are ignored",
                       FT_BASELINE_MAX);
    }
    *entry = (struct ft_baseline_entry){.line = line};
    if (strcmp(rule, "crash") == 0) {
        entry->kind = FT_VERDICT_CRASH;
    } else if (strcmp(rule, "hang") == 0) {
        entry->kind = FT_VERDICT_HANG;
    } else if (row != NULL) {
        entry->rule = row->number;
    } else {
        return ft_fail(error, FT_SYNTAX, line, "no such rule: %.80s (see flushtrace rules)", rule);
    }
    if (strlen(function) >= sizeof(entry->function)) {
        return ft_fail(error, FT_SYNTAX, line, "the name of the function is too long");
    }
    snprintf(entry->function, sizeof(entry->function), "%s", function);
    snprintf(entry->reason, sizeof(entry->reason), "%s", reason);
    snprintf(entry->text, sizeof(entry->text), "%.60s %s", rule, function);
    baseline->count++;
    return FT_OK;
}

/* One line of a file, writable, without its newline. */
static enum ft_status read_line(struct ft_baseline *baseline, char *line, unsigned number,
                                struct ft_error *error)
{
    char *rest = NULL;
    char *rule = strtok_r(line, " \t\r", &rest);
    char *function = rule != NULL ? strtok_r(NULL, " \t\r", &rest) : NULL;
    char *reason = rest != NULL ? rest + strspn(rest, " \t\r") : NULL;

    if (rule == NULL || rule[0] == '#') {
        return FT_OK;
    }
    if (function == NULL || reason == NULL || reason[0] == '\0') {
        return ft_fail(error, FT_SYNTAX, number, "an entry reads: rule function reason");
    }
    return add(baseline, rule, function, reason, number, error);
}

enum ft_status ft_baseline_parse(struct ft_baseline *baseline, const char *text, size_t length,
                                 struct ft_error *error)
{
    enum ft_status status = FT_OK;
    char line[LINE_BYTES];

    for (unsigned number = 1; status == FT_OK && length != 0; number++) {
        const char *newline = memchr(text, '\n', length);
        size_t bytes = newline != NULL ? (size_t)(newline - text) : length;
        size_t taken = newline != NULL ? bytes + 1 : bytes;

        if (bytes >= sizeof(line)) {
            return ft_fail(error, FT_SYNTAX, number, "the line is too long");
        }
        if (memchr(text, '\0', bytes) != NULL) {
            return ft_fail(error, FT_SYNTAX, number, "the line has a zero byte");
        }
        memcpy(line, text, bytes);
        line[bytes] = '\0';
        status = read_line(baseline, line, number, error);
        text += taken;
        length -= taken;
    }
    return status;
}

enum ft_status ft_baseline_read(struct ft_baseline *baseline, const char *path,
                                struct ft_error *error)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    enum ft_status status = ft_file_read(path, FT_BASELINE_FILE_MAX, &bytes, &length, error);

    if (status == FT_OK) {
        status = ft_baseline_parse(baseline, (const char *)bytes, length, error);
        free(bytes);
    }
    return status;
}

enum ft_status ft_baseline_ignore(struct ft_baseline *baseline, const char *text,
                                  struct ft_error *error)
{
    const char *colon = strchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    char rule[80];

    if (length == 0 || length >= sizeof(rule) || (colon != NULL && colon[1] == '\0')) {
        return ft_fail(error, FT_USAGE, 0, "--ignore takes RULE or RULE:FUNCTION, not '%.80s'",
                       text);
    }
    snprintf(rule, sizeof(rule), "%.*s", (int)length, text);
    return add(baseline, rule, colon != NULL ? colon + 1 : "*", "--ignore", 0, error);
}

/* A piece of "file.c:Function:line" that ends where a part ends. */
static bool names(const char *entry, const char *function)
{
    const char *colon = strchr(function, ':');
    size_t length = strlen(entry);

    if (strcmp(entry, "*") == 0) {
        return true;
    }
    if (strcmp(entry, "-") == 0 || function[0] == '\0') {
        return strcmp(entry, "-") == 0 && function[0] == '\0';
    }
    if (strncmp(function, entry, length) == 0 &&
        (function[length] == '\0' || (strchr(entry, ':') != NULL && function[length] == ':'))) {
        return true;
    }
    return colon != NULL && strncmp(colon + 1, entry, length) == 0 &&
           (colon[1 + length] == '\0' || colon[1 + length] == ':');
}

static const struct ft_baseline_entry *search(struct ft_baseline *baseline, uint16_t rule,
                                              unsigned kind, const char *function)
{
    for (unsigned i = 0; i < baseline->count; i++) {
        struct ft_baseline_entry *entry = &baseline->entry[i];

        if (entry->rule == rule && entry->kind == kind && names(entry->function, function)) {
            entry->used = true;
            return entry;
        }
    }
    return NULL;
}

const struct ft_baseline_entry *ft_baseline_finding(struct ft_baseline *baseline,
                                                    const struct ft_finding *finding)
{
    return search(baseline, finding->rule, 0, finding->function);
}

const struct ft_baseline_entry *ft_baseline_stop(struct ft_baseline *baseline,
                                                 enum ft_verdict_kind kind, const char *function)
{
    const struct ft_baseline_entry *found = search(baseline, 0, kind, function);

    /* An entry without a function, `-`, means every one. */
    return found != NULL ? found : search(baseline, 0, kind, "");
}
