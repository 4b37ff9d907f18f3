/* Answers: JSON, errors, exit statuses. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void ft_cli_print_json(json_t *object)
{
    if (object == NULL || json_dumpf(object, stdout, JSON_INDENT(2)) != 0) {
        fputs("flushtrace: no memory for the answer\n", stderr);
        exit(FT_EXIT_FAILURE);
    }
    putchar('\n');
    json_decref(object);
}

void ft_cli_note(const struct ft_cli *cli, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "flushtrace %s: ", cli->verb->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* Bytes of a hostile file may stand in a reason. */
static void clean(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7E) {
            *text = '?';
        }
    }
}

/* "FILE: byte 12: reason", "FILE:3: reason" for text files, "reason". */
static void describe(const struct ft_error *error, const char *file, char *text, size_t capacity)
{
    bool named = file == NULL || strncmp(error->text, file, strlen(file)) == 0;

    if (named) {
        snprintf(text, capacity, "%s", error->text);
    } else if (error->status == FT_SYNTAX) {
        snprintf(text, capacity, "%s:%llu: %s", file, (unsigned long long)error->offset,
                 error->text);
    } else if (error->status == FT_NO_DRIVER || error->status == FT_USAGE) {
        snprintf(text, capacity, "%s: %s", file, error->text);
    } else {
        snprintf(text, capacity, "%s: byte %llu: %s", file, (unsigned long long)error->offset,
                 error->text);
    }
    clean(text);
}

int ft_cli_fail(const struct ft_cli *cli, const struct ft_error *error, const char *file)
{
    char text[1400];

    describe(error, file, text, sizeof(text));
    ft_cli_note(cli, "%s", text);
    if (cli->json) {
        ft_cli_print_json(json_pack("{s:s, s:s, s:s, s:s?, s:I}", "verdict", "error", "error", text,
                                    "status", ft_status_text(error->status), "file", file, "offset",
                                    (json_int_t)error->offset));
    }
    return ft_status_exit(error->status);
}

int ft_cli_refuse(const struct ft_cli *cli, enum ft_status status, const char *format, ...)
{
    struct ft_error error = {.status = status};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error.text, sizeof(error.text), format, arguments);
    va_end(arguments);
    return ft_cli_fail(cli, &error, NULL);
}

/* How the run stopped, when that is wrong by itself and no finding speaks of it. */
static enum ft_verdict_kind unexplained_stop(const struct ft_trace *trace)
{
    const struct ft_verdict *verdict = &trace->verdict;
    uint16_t last = trace->event_count != 0 ? trace->event[trace->event_count - 1].kind : 0;

    if (verdict->kind == FT_VERDICT_CRASH || verdict->kind == FT_VERDICT_HANG) {
        return verdict->kind;
    }
    for (uint32_t i = 0; i < verdict->finding_count; i++) {
        if (verdict->finding[i].event == trace->event_count) {
            return FT_VERDICT_CLEAN;
        }
    }
    if (last == FT_EV_RUN_HANG) {
        return FT_VERDICT_HANG;
    }
    return last == FT_EV_RUN_CRASH || last == FT_EV_RUN_BUGCHECK ? FT_VERDICT_CRASH
                                                                 : FT_VERDICT_CLEAN;
}

static bool all_known(struct ft_cli *cli, const struct ft_trace *trace, const char **known)
{
    enum ft_verdict_kind stop = unexplained_stop(trace);
    const struct ft_baseline_entry *entry = NULL;
    bool all = true;

    for (uint32_t i = 0; i < trace->verdict.finding_count; i++) {
        const struct ft_baseline_entry *found =
            ft_baseline_finding(&cli->baseline, &trace->verdict.finding[i]);

        /* What else breaks at the event of a known finding is the same finding. */
        if (found == NULL && entry != NULL && i > 0 &&
            trace->verdict.finding[i].event == trace->verdict.finding[0].event) {
            continue;
        }
        entry = entry != NULL ? entry : found;
        all = all && found != NULL;
    }
    if (stop != FT_VERDICT_CLEAN) {
        const struct ft_event *last =
            trace->event_count != 0 ? &trace->event[trace->event_count - 1] : NULL;
        const struct ft_baseline_entry *found = ft_baseline_stop(
            &cli->baseline, stop,
            stop == FT_VERDICT_CRASH && last != NULL ? ft_trace_function(trace, last->site) : "");

        entry = entry != NULL ? entry : found;
        all = all && found != NULL;
    }
    *known = all && entry != NULL ? entry->reason : NULL;
    return *known != NULL;
}

int ft_cli_judge(struct ft_cli *cli, const struct ft_trace *trace, const char **known)
{
    *known = NULL;
    switch (trace->verdict.kind) {
    case FT_VERDICT_CLEAN:
        return FT_EXIT_OK;
    case FT_VERDICT_VIOLATION:
    case FT_VERDICT_CRASH:
    case FT_VERDICT_HANG:
        return all_known(cli, trace, known) ? FT_EXIT_OK : FT_EXIT_FINDING;
    case FT_VERDICT_DIVERGENCE:
        return FT_EXIT_DIVERGENCE;
    case FT_VERDICT_CUT:
    case FT_VERDICT_UNJUDGED:
        return FT_EXIT_NO_VERDICT;
    case FT_VERDICT_ERROR:
        break;
    }
    return FT_EXIT_FAILURE;
}

void ft_cli_complain_unused(const struct ft_cli *cli)
{
    for (unsigned i = 0; i < cli->baseline.count; i++) {
        const struct ft_baseline_entry *entry = &cli->baseline.entry[i];

        if (entry->used) {
            continue;
        }
        if (entry->line != 0) {
            ft_cli_note(cli, "%s:%u: not used: %s", cli->baseline_path, entry->line, entry->text);
        } else {
            ft_cli_note(cli, "--ignore was not used: %s", entry->text);
        }
    }
}
