/* What a process of regress does with one trace. */
#include "cli/regress_case.h"
#include "corpus/trace_list.h"
#include "report/trace_facts.h"
#include "report/verdict_block.h"
#include "rules/rules.h"

#include <string.h>

/* The part of the path after the last folder of that name: "violates/dma.x/a.ftr" gives
 * "dma.x/a.ftr" for "violates"; NULL: no such folder. */
static const char *below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    const char *last = NULL;

    for (const char *at = strstr(path, folder); at != NULL; at = strstr(at + 1, folder)) {
        if ((at == path || at[-1] == '/') && at[length] == '/') {
            last = at + length + 1;
        }
    }
    return last;
}

static void fail(struct ft_regress_case *one, enum ft_outcome outcome, const char *note)
{
    one->outcome = outcome;
    snprintf(one->note, sizeof(one->note), "%.250s", note);
    if (one->got[0] == '\0') {
        snprintf(one->got, sizeof(one->got), "%.250s", note);
    }
}

/* A file that must not be read as a trace. */
static void expect_refusal(struct ft_regress_case *one)
{
    struct ft_error error = {0};
    struct ft_trace trace;
    enum ft_status status = ft_cli_read_trace(one->path, &trace, &error);

    snprintf(one->expected, sizeof(one->expected), "refused");
    if (status == FT_OK && trace.complete) {
        snprintf(one->got, sizeof(one->got), "read without complaint");
        fail(one, FT_OUTCOME_OTHER, "the file is below refused/ and is a good trace");
    } else {
        snprintf(one->got, sizeof(one->got), "%s", status == FT_OK ? "cut off" : error.text);
        one->outcome = status == FT_OK || ft_status_exit(status) == FT_EXIT_USAGE
                           ? FT_OUTCOME_PASSED
                           : FT_OUTCOME_OWN_FAILURE;
    }
    if (status == FT_OK) {
        ft_trace_free(&trace);
    }
}

/* Sees that the verdict is the one that the folder speaks of. */
static bool fits_folder(const char *path, const struct ft_verdict *verdict)
{
    const char *rule = below(path, "violates");
    const struct ft_rule_row *row =
        verdict->finding_count != 0 ? ft_rule_by_number(verdict->finding[0].rule) : NULL;

    if (below(path, "clean") != NULL) {
        return verdict->kind == FT_VERDICT_CLEAN;
    }
    if (rule == NULL || strchr(rule, '/') == NULL) {
        return true;
    }
    if (row == NULL) {
        const char *name = ft_verdict_name(verdict->kind); /* violates/crash/, violates/hang/ */

        return strncmp(rule, name, strlen(name)) == 0 && rule[strlen(name)] == '/';
    }
    return strncmp(rule, row->id, strlen(row->id)) == 0 && rule[strlen(row->id)] == '/';
}

static void take_facts(struct ft_regress_case *one, const struct ft_trace *trace)
{
    snprintf(one->driver, sizeof(one->driver), "%s", trace->core);
    snprintf(one->mutant, sizeof(one->mutant), "%s", trace->mutant);
    ft_platform_print(&trace->scenario, one->platform, sizeof(one->platform));
    ft_verdict_print(&trace->verdict, one->expected, sizeof(one->expected));
    one->model = trace->model;
}

static void take_result(struct ft_regress_case *one, const struct ft_replayed *replayed)
{
    const char *why = one->followed ? one->note : "";
    char text[sizeof(one->note)];

    snprintf(text, sizeof(text), "%.60s%s%.380s", why,
             replayed->note[0] != '\0' && why[0] != '\0' ? "; " : "", replayed->note);
    snprintf(one->note, sizeof(one->note), "%s", text);
    one->outcome = replayed->outcome;
    one->divergence = replayed->divergence;
    one->verdict = replayed->trace.verdict;
    one->events = replayed->trace.event_count;
    one->hash = replayed->trace.hash;
    ft_verdict_print(&one->verdict, one->got, sizeof(one->got));
    if (one->outcome == FT_OUTCOME_PASSED && !fits_folder(one->path, &one->verdict)) {
        fail(one, FT_OUTCOME_MISPLACED, "the stored verdict is not the one that its folder names");
    }
}

/* Writes the trace again. What is recorded already, event for event, stays as it is. */
static void refresh(struct ft_regress_case *one, const struct ft_trace *recorded,
                    const struct ft_replayed *replayed)
{
    bool changed = !ft_same_finding(&recorded->verdict, &replayed->trace.verdict);
    struct ft_error error = {0};
    char text[256];

    if (ft_trace_write(one->path, &replayed->trace, &error) != FT_OK) {
        fail(one, FT_OUTCOME_OWN_FAILURE, error.text);
        return;
    }
    one->refreshed = true;
    if (changed) {
        snprintf(text, sizeof(text), "recorded again with another verdict; it was %.180s",
                 one->expected);
        fail(one, FT_OUTCOME_OTHER, text);
    } else {
        fail(one, FT_OUTCOME_PASSED, "recorded again, same verdict");
    }
}

/* The run again in the worker of this process, warm if it can be, without its events: the same hash
 * says that they are the same, and the rules have judged them in passing. False: something is not
 * as recorded, and only a recorded run can tell what. */
static bool runs_alike(struct ft_regress_worker *worker, const struct ft_trace *recorded,
                       const struct ft_module *module)
{
    static const struct ft_worker_options options = {0};
    const struct ft_worker_log *run;
    struct ft_error error;
    uint64_t hash = 0;

    if (ft_kept_going(recorded)) {
        return false;
    }
    if (!worker->open || worker->worker.module != module) {
        ft_regress_worker_close(worker);
        worker->open = ft_worker_open(&worker->worker, module, &options, &error) == FT_OK;
    }
    if (!worker->open ||
        ft_worker_run(&worker->worker, &recorded->scenario, false, &error) != FT_OK) {
        return false;
    }
    run = worker->worker.run;
    if (!run->finished || run->result.event_count != recorded->event_count) {
        return false;
    }
    for (uint64_t i = 0; i < recorded->event_count; i++) {
        hash = ft_event_hash(hash, &recorded->event[i]);
    }
    return run->result.hash == hash && ft_same_strictly(&recorded->verdict, &run->verdict);
}

static void pass(struct ft_regress_case *one, const struct ft_trace *recorded)
{
    one->outcome = FT_OUTCOME_PASSED;
    one->verdict = recorded->verdict;
    one->events = recorded->event_count;
    one->hash = recorded->hash;
    ft_verdict_print(&one->verdict, one->got, sizeof(one->got));
    if (!fits_folder(one->path, &one->verdict)) {
        fail(one, FT_OUTCOME_MISPLACED, "the stored verdict is not the one that its folder names");
    }
}

/* Another verdict that the baseline knows is no failure. */
static void forgive(struct ft_cli *cli, struct ft_regress_case *one, const struct ft_trace *trace)
{
    const char *reason = NULL;

    if (one->outcome != FT_OUTCOME_OTHER || cli->baseline.count == 0) {
        return;
    }
    if (ft_cli_judge(cli, trace, &reason) == FT_EXIT_OK && reason != NULL) {
        one->outcome = FT_OUTCOME_PASSED;
        one->known = true;
        snprintf(one->note, sizeof(one->note), "known: %.200s", reason);
    }
    for (unsigned k = 0; k < cli->baseline.count; k++) {
        if (cli->baseline.entry[k].used) {
            one->used[k / 64] |= (uint64_t)1 << (k % 64);
        }
    }
}

bool ft_regress_used(const struct ft_regress_case *one, unsigned entry)
{
    return (one->used[entry / 64] >> (entry % 64) & 1) != 0;
}

static void replay(struct ft_regress_worker *worker, const struct ft_trace *recorded,
                   const struct ft_module *module, bool other, struct ft_regress_case *one)
{
    const char *why = other ? "on another driver" : ft_why_not_strict(module, recorded);
    enum ft_replay_way way = why == NULL ? FT_REPLAY_STRICT
                             : other     ? FT_REPLAY_FOLLOW
                                         : FT_REPLAY_FOLLOW_NEAR;
    struct ft_error error = {0};
    struct ft_replayed replayed;

    one->followed = why != NULL;
    snprintf(one->note, sizeof(one->note), "%s", why != NULL ? why : "");
    if (why == NULL && runs_alike(worker, recorded, module)) {
        pass(one, recorded);
        return;
    }
    if (ft_replay_compare(module, recorded, way, false, &replayed, &error) != FT_OK) {
        fail(one, FT_OUTCOME_OWN_FAILURE, error.text);
        return;
    }
    if (worker->cli->refresh && (why != NULL || replayed.outcome != FT_OUTCOME_PASSED)) {
        struct ft_replayed again;

        /* A divergence hides the verdict: run once more, following. */
        if (ft_replay_compare(module, recorded, way == FT_REPLAY_STRICT ? FT_REPLAY_FOLLOW : way,
                              false, &again, &error) != FT_OK) {
            fail(one, FT_OUTCOME_OWN_FAILURE, error.text);
        } else {
            take_result(one, &again);
            refresh(one, recorded, &again);
            ft_trace_free(&again.trace);
        }
    } else {
        take_result(one, &replayed);
        forgive(worker->cli, one, &replayed.trace);
    }
    ft_trace_free(&replayed.trace);
}

static void bad_file(struct ft_regress_case *one, const struct ft_error *error)
{
    char text[250];

    snprintf(one->expected, sizeof(one->expected), "a trace");
    snprintf(text, sizeof(text), "byte %llu: %.200s", (unsigned long long)error->offset,
             error->text);
    fail(one, FT_OUTCOME_BAD_FILE, text);
}

void ft_regress_read(void *state, struct ft_regress_case *one)
{
    const struct ft_regress_worker *worker = state;
    struct ft_error error = {0};
    struct ft_command rerun;
    struct ft_trace trace;

    one->verdict.kind = FT_VERDICT_ERROR; /* until there is another one */
    ft_command_replay(&rerun, worker->cli, one->path);
    snprintf(one->rerun, sizeof(one->rerun), "%s", rerun.text);
    if (below(one->path, "refused") != NULL) {
        expect_refusal(one);
    } else if (ft_trace_read_any(one->path, FT_DECODE_FACTS, &trace, &error) != FT_OK) {
        bad_file(one, &error);
    } else {
        ft_trace_clean_texts(&trace);
        take_facts(one, &trace);
        ft_trace_free(&trace);
    }
}

void ft_regress_replay(void *state, struct ft_regress_case *one)
{
    struct ft_regress_worker *worker = state;
    const struct ft_module *module = NULL;
    struct ft_error error = {0};
    struct ft_trace trace;
    bool other = false;

    if (one->outcome != FT_OUTCOME_PENDING) {
        return;
    }
    if (ft_cli_read_trace(one->path, &trace, &error) != FT_OK) {
        bad_file(one, &error);
        return;
    }
    if (!trace.complete) {
        fail(one, FT_OUTCOME_BAD_FILE, "cut off before its verdict");
    } else if (ft_cli_trace_module(worker->cli, &trace, &module, &other, &error) != FT_OK) {
        fail(one, FT_OUTCOME_BAD_FILE, error.text);
    } else {
        replay(worker, &trace, module, other, one);
        if (one->followed) {
            struct ft_command rerun;

            ft_command_replay(&rerun, worker->cli, one->path);
            ft_command_word(&rerun, "--follow");
            snprintf(one->rerun, sizeof(one->rerun), "%s", rerun.text);
        }
    }
    ft_trace_free(&trace);
}

void ft_regress_worker_close(void *state)
{
    struct ft_regress_worker *worker = state;

    if (worker->open) {
        ft_worker_close(&worker->worker);
    }
    worker->open = false;
}
