/* Looking for the point of no return from the command line: progress, Ctrl-C, what is refused. */
#define _GNU_SOURCE 1
#include "cli/explaining.h"
#include "report/report_json.h"
#include "report/trace_facts.h"
#include "report/verdict_block.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static bool must_stop(void *context)
{
    (void)context;
    return interrupted != 0;
}

/* One line that is rewritten, on a terminal only. */
static void show_progress(void *context, const struct ft_explain *explain)
{
    static double last;

    (void)context;
    if (explain->elapsed - last < 0.1) {
        return;
    }
    last = explain->elapsed;
    fprintf(stderr, "\r\033[Klooking for the point of no return: %" PRIu64 " continuations, %.1f s",
            explain->runs, explain->elapsed);
    fflush(stderr);
}

/* The first Ctrl-C ends the search, the second one the program. */
static enum ft_status search(const struct ft_cli *cli, struct ft_explained *ret,
                             struct ft_error *error)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    bool shown = !cli->json && isatty(STDERR_FILENO) != 0;
    enum ft_status status;

    ret->explain.jobs = cli->jobs;
    ret->explain.seconds = (double)cli->seconds;
    ret->explain.stop = must_stop;
    ret->explain.progress = shown ? show_progress : NULL;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    status = ft_explain_run(&ret->explain, error);
    if (shown) {
        fputs("\r\033[K", stderr);
    }
    return status;
}

/* In this flavour there is another verdict, or altogether. */
static int not_found(struct ft_cli *cli, const struct ft_trace *recorded,
                     const struct ft_trace *now)
{
    char text[200];

    if (cli->flavour == NULL && strcmp(recorded->flavour, ft_cli_own_flavour()) != 0) {
        return ft_cli_take_flavour(cli, recorded->flavour);
    }
    ft_verdict_print(&now->verdict, text, sizeof(text));
    ft_cli_refuse(cli, FT_USAGE, "%s: the scenario gives another verdict now: %s", cli->argument[0],
                  text);
    return FT_EXIT_FINDING;
}

static bool has_finding(const struct ft_trace *trace)
{
    return trace->verdict.kind == FT_VERDICT_VIOLATION || trace->verdict.kind == FT_VERDICT_CRASH ||
           trace->verdict.kind == FT_VERDICT_HANG;
}

int ft_cli_explain(struct ft_cli *cli, struct ft_trace *recorded, struct ft_explained *ret)
{
    static const struct ft_execute_options options = {0};
    const struct ft_module *module = NULL;
    struct ft_error error = {0};
    bool other = false;
    int status = FT_EXIT_OK;

    memset(ret, 0, sizeof(*ret));
    if (!has_finding(recorded)) {
        return ft_cli_refuse(cli, FT_USAGE, "%s: the verdict is %s; there is no finding to explain",
                             cli->argument[0], ft_verdict_name(recorded->verdict.kind));
    }
    if (ft_cli_trace_module(cli, recorded, &module, &other, &error) != FT_OK ||
        ft_execute(module, &recorded->scenario, &options, &ret->trace, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    if (!ft_same_finding(&recorded->verdict, &ret->trace.verdict)) {
        status = not_found(cli, recorded, &ret->trace);
    }
    if (status == FT_EXIT_OK) {
        ret->same_run = ret->trace.hash == recorded->hash;
        ret->explain.module = module;
        ret->explain.trace = &ret->trace;
        if (search(cli, ret, &error) != FT_OK) {
            status = ft_cli_fail(cli, &error, cli->argument[0]);
        }
    }
    if (status != FT_EXIT_OK) {
        ft_explained_free(ret);
    }
    return status;
}

int ft_cli_explain_recorded(struct ft_cli *cli, struct ft_trace *recorded, struct ft_explained *ret)
{
    int status = ft_cli_explain(cli, recorded, ret);

    if (status == FT_EXIT_OK && !ret->same_run) {
        ft_explained_free(ret);
        return ft_cli_refuse(cli, FT_USAGE,
                             "%s: the driver does other things now than were recorded; see "
                             "flushtrace explain",
                             cli->argument[0]);
    }
    return status;
}

void ft_explained_free(struct ft_explained *explained)
{
    ft_explain_free(&explained->explain);
    ft_trace_free(&explained->trace);
}

/* ---- in words ---- */

uint64_t ft_explained_point(const struct ft_explained *explained)
{
    return explained->explain.end == FT_EXPLAIN_POINT ? explained->explain.event : 0;
}

static void print_share(const struct ft_share *share, char *text, size_t capacity)
{
    if (share->same == share->runs) {
        snprintf(text, capacity, "all %" PRIu32, share->runs);
    } else {
        snprintf(text, capacity, "%" PRIu32 " of %" PRIu32, share->same, share->runs);
    }
}

static void print_point(const struct ft_explain *explain, FILE *out)
{
    uint64_t distance = explain->rule_event - explain->event;
    char before[64], at[64];

    print_share(&explain->before, before, sizeof(before));
    print_share(&explain->at, at, sizeof(at));
    fprintf(out, "event %" PRIu64 "%s: ", explain->event,
            distance == 0 ? ", the rule's own event" : "");
    if (distance != 0) {
        fprintf(out, "%" PRIu64 " event%s before the rule's own, %" PRIu64 ": ", distance,
                distance == 1 ? "" : "s", explain->rule_event);
    }
    fprintf(out, "from it on %s continuations fail, from the event before it %s%s", at, before,
            explain->single_escapes ? ", but a single preemption there still avoids it" : "");
}

void ft_explained_print(const struct ft_explained *explained, FILE *out)
{
    const struct ft_explain *explain = &explained->explain;
    char text[512];
    FILE *memory = fmemopen(text, sizeof(text), "w");

    if (memory == NULL) {
        return;
    }
    switch (explain->end) {
    case FT_EXPLAIN_POINT:
        print_point(explain, memory);
        break;
    case FT_EXPLAIN_START:
        fprintf(memory,
                "none: doomed from the start. Without any op, and whichever task runs when, all "
                "%" PRIu32 " continuations from before the first event fail",
                explain->at.runs);
        break;
    case FT_EXPLAIN_TIME:
        fprintf(memory, "not determined: out of time after %" PRIu64 " continuations",
                explain->runs);
        break;
    case FT_EXPLAIN_STOPPED:
        fprintf(memory, "not determined: interrupted after %" PRIu64 " continuations",
                explain->runs);
        break;
    }
    fclose(memory);
    ft_wrap(text, 4, out);
}

/* ---- JSON ---- */

static json_t *share_json(const struct ft_share *share)
{
    return json_pack("{s:i, s:i, s:i, s:i}", "event", (int)share->event, "runs", (int)share->runs,
                     "same", (int)share->same, "clean", (int)share->clean);
}

json_t *ft_explained_json(const struct ft_explained *explained)
{
    static const char *const ends[] = {[FT_EXPLAIN_POINT] = "point",
                                       [FT_EXPLAIN_START] = "start",
                                       [FT_EXPLAIN_TIME] = "out of time",
                                       [FT_EXPLAIN_STOPPED] = "interrupted"};
    const struct ft_explain *explain = &explained->explain;
    bool known = explain->end == FT_EXPLAIN_POINT || explain->end == FT_EXPLAIN_START;
    json_t *object = json_object();
    json_t *shares = json_array();

    json_object_set_new(object, "found", json_string(ends[explain->end]));
    json_object_set_new(object, "event",
                        known ? json_integer((json_int_t)explain->event) : json_null());
    json_object_set_new(object, "any_finding_event",
                        known ? json_integer((json_int_t)explain->any) : json_null());
    json_object_set_new(object, "rule_event", json_integer((json_int_t)explain->rule_event));
    json_object_set_new(object, "line",
                        known && explain->event != 0
                            ? ft_json_event(&explained->trace, explain->event - 1)
                            : json_null());
    if (known) {
        json_object_set_new(object, "at", share_json(&explain->at));
        json_object_set_new(object, "before",
                            explain->event != 0 ? share_json(&explain->before) : json_null());
    }
    json_object_set_new(object, "single_preemption_escapes", json_boolean(explain->single_escapes));
    for (unsigned i = 0; i < explain->share_count; i++) {
        json_array_append_new(shares, share_json(&explain->share[i]));
    }
    json_object_set_new(object, "shares", shares);
    json_object_set_new(object, "stride", json_integer((json_int_t)explain->stride));
    json_object_set_new(object, "runs", json_integer((json_int_t)explain->runs));
    json_object_set_new(object, "seconds", json_real(explain->elapsed));
    return object;
}
