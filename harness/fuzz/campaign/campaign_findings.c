/* Findings: from an engine's file in pending/ to a trace in findings/, one per rule and function.
 */
#define _GNU_SOURCE
#include "fuzz/campaign/campaign_private.h"
#include "fuzz/finding_file.h"
#include "replay/execute.h"
#include "rules/rules.h"
#include "scenario/scenario_codec.h"

#include "sim/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

/* A finding of another build, put back for a new look: its name begins like this. */
#define AGAIN "again-"

enum { SCENARIO_TEXT_MAX = 1 << 14 };

/* Where the driver was: the function of the rule, or of the fault that ended the run. */
static const char *function_of(const struct ft_trace *trace, uint32_t index)
{
    const struct ft_event *last = trace->event_count ? &trace->event[trace->event_count - 1] : NULL;

    if (index < trace->verdict.finding_count)
        return trace->verdict.finding[index].function;
    return trace->verdict.kind == FT_VERDICT_CRASH && last ? ft_trace_function(trace, last->site)
                                                           : "";
}

/* The place in findings/ of one of a trace's findings: verdict or rule, and the driver function.
 * The same finding has the same name in every campaign. */
static void trace_path(const struct ft_subject *subject, const struct ft_trace *trace,
                       uint32_t index, char *path)
{
    const struct ft_verdict *verdict = &trace->verdict;
    const struct ft_rule_row *rule =
        index < verdict->finding_count ? ft_rule_by_number(verdict->finding[index].rule) : NULL;
    const char *colon = strchr(function_of(trace, index), ':');
    const char *function = colon ? colon + 1 : "";

    ft_path(path, "%s/findings/%s%s%.*s.ftr", subject->folder,
            rule ? rule->id : ft_verdict_name(verdict->kind), colon ? "--" : "",
            (int)strcspn(function, ":"), function);
    for (char *c = path + strlen(subject->folder) + strlen("/findings/"); *c; c++)
        if (*c == '/' || *c == ' ')
            *c = '_';
}

static bool is_remembered(const struct ft_campaign *campaign, const char *path)
{
    for (unsigned i = 0; i < campaign->finding_count; i++)
        if (strcmp(campaign->finding[i].path, path) == 0)
            return true;
    return false;
}

/* The verdict with another of its findings in front. */
static struct ft_verdict verdict_about(const struct ft_verdict *verdict, uint32_t index)
{
    struct ft_verdict ret = *verdict;

    ret.finding[0] = verdict->finding[index];
    ret.finding[index] = verdict->finding[0];
    return ret;
}

/* Which finding of a trace its file is named for: not the first when the run went on. */
static uint32_t named_finding(const struct ft_subject *subject, const struct ft_trace *trace,
                              const char *path)
{
    char candidate[FT_PATH_BYTES];

    for (uint32_t i = 0; i < trace->verdict.finding_count; i++) {
        trace_path(subject, trace, i, candidate);
        if (strcmp(candidate, path) == 0)
            return i;
    }
    return 0;
}

static void take_facts(struct ft_campaign_finding *finding, const struct ft_trace *trace)
{
    finding->index = named_finding(finding->subject, trace, finding->path);
    snprintf(finding->function, sizeof finding->function, "%s", function_of(trace, finding->index));
    finding->verdict = verdict_about(&trace->verdict, finding->index);
    finding->ops = trace->scenario.op_count;
    finding->events = trace->event_count;
    finding->hash = trace->hash;
    snprintf(finding->flavour, sizeof finding->flavour, "%s", trace->flavour);
    snprintf(finding->platform, sizeof finding->platform, "%s",
             ft_platform_preset_name(trace->scenario.platform.preset));
}

bool ft_finding_read(struct ft_campaign_finding *finding)
{
    struct ft_trace trace;

    if (ft_trace_read(finding->path, &trace, NULL) != FT_OK)
        return false;
    if (trace.complete)
        take_facts(finding, &trace);
    ft_trace_free(&trace);
    return true;
}

/* NULL: there are too many; the rest waits in pending/ for a campaign after these are dealt with.
 */
static struct ft_campaign_finding *remember(struct ft_campaign *campaign,
                                            const struct ft_subject *subject,
                                            const struct ft_trace *trace, const char *path)
{
    struct ft_campaign_finding *finding = &campaign->finding[campaign->finding_count];

    if (campaign->finding_count == FT_CAMPAIGN_FINDINGS_MAX)
        return NULL;
    campaign->finding_count++;
    *finding = (struct ft_campaign_finding){.subject = subject};
    ft_path(finding->path, "%s", path);
    take_facts(finding, trace);
    finding->ops_found = finding->ops;
    finding->known = campaign->known ? campaign->known(&finding->verdict, finding->function) : NULL;
    return finding;
}

static void remember_fresh(struct ft_campaign *campaign, const struct ft_subject *subject,
                           const struct ft_trace *trace, const char *path)
{
    struct ft_campaign_finding *finding = remember(campaign, subject, trace, path);

    if (!finding)
        return;
    finding->fresh = true;
    finding->seconds = ft_campaign_now() - campaign->start;
    finding->executions = campaign->executions;
    campaign->last_new = ft_campaign_now();
    if (!campaign->no_shrink && finding->ops > 0 && finding->index == 0) {
        finding->shrink = FT_SHRINK_DUE;
        ft_shrink_mark(finding);
    }
}

/* Runs a program quietly to its end; its exit status, -1 when it has none. */
static int run_quietly(char *const argv[])
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout) ||
            !freopen("/dev/null", "w", stderr))
            _exit(127);
        execv(argv[0], argv);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A defect that only ASan's or UBSan's build can see is recorded by that build. */
static bool record_in_asan(const struct ft_campaign *campaign, const struct ft_subject *subject,
                           const struct ft_scenario *scenario, struct ft_trace *ret)
{
    char program[FT_PATH_BYTES], file[FT_PATH_BYTES], out[FT_PATH_BYTES], scratch[FT_PATH_BYTES];
    char core[64], mutant[64], text[SCENARIO_TEXT_MAX];
    size_t length = ft_scenario_print(scenario, text, sizeof text);
    char *argv[] = {program, "run", core, "--mutant", mutant, "--scenario", file, "-o", out, NULL};
    bool found;

    ft_path(program, "%s/flushtrace-asan", campaign->programs);
    if (subject->path || length >= sizeof text || access(program, X_OK) != 0)
        return false;
    snprintf(core, sizeof core, "%s", subject->module->core);
    snprintf(mutant, sizeof mutant, "%s",
             *subject->module->mutant ? subject->module->mutant : "none");
    ft_path(scratch, "%s/log", subject->folder);
    ft_path(file, "%s/asan.fts", scratch);
    ft_path(out, "%s/asan.ftr", scratch);
    if (!ft_write_whole(scratch, file, text, length))
        return false;
    found = run_quietly(argv) == 1 && ft_trace_read(out, ret, NULL) == FT_OK;
    unlink(file);
    unlink(out);
    return found;
}

/* Runs the scenario again. A verdict that is no finding, or no trace at all, is none. */
static bool record(const struct ft_campaign *campaign, const struct ft_subject *subject,
                   const struct ft_scenario *scenario, struct ft_trace *ret)
{
    const struct ft_execute_options options = {.cpu_seconds = 5,
                                               .keep_going = campaign->keep_going};
    struct ft_error error;

    if (ft_execute(subject->module, scenario, &options, ret, &error) != FT_OK) {
        ft_note(campaign, "%s", error.text);
        return false;
    }
    if (ret->verdict.kind == FT_VERDICT_VIOLATION || ret->verdict.kind == FT_VERDICT_CRASH ||
        ret->verdict.kind == FT_VERDICT_HANG)
        return true;
    ft_trace_free(ret);
    return record_in_asan(campaign, subject, scenario, ret);
}

/* A finding that does not come again: our own failure, or a defect that this build has no more. */
static void set_aside(struct ft_campaign *campaign, const struct ft_subject *subject,
                      const char *pending, const char *name)
{
    bool again = strncmp(name, AGAIN, strlen(AGAIN)) == 0;
    char folder[FT_PATH_BYTES], path[FT_PATH_BYTES];

    if (again) {
        ft_note(campaign, "%s: the driver has changed, and does not do that any more", name);
        unlink(pending);
        return;
    }
    ft_path(folder, "%s/unconfirmed", subject->folder);
    ft_path(path, "%s/%s", folder, name);
    mkdir(folder, 0777);
    if (rename(pending, path) != 0)
        unlink(pending);
    campaign->unconfirmed++;
    ft_note(campaign, "own failure: an engine's finding did not come again: %s", path);
}

/* Saves the trace for one of its findings, unless that is known. */
static enum ft_status save(struct ft_campaign *campaign, const struct ft_subject *subject,
                           const struct ft_trace *trace, uint32_t index, struct ft_error *error)
{
    enum ft_status status;
    char path[FT_PATH_BYTES];

    trace_path(subject, trace, index, path);
    if (is_remembered(campaign, path))
        return FT_OK;
    status = ft_trace_write(path, trace, error);
    if (status == FT_OK)
        remember_fresh(campaign, subject, trace, path);
    return status;
}

/* A finding as a trace; moves it from pending/ to findings/. */
static enum ft_status convert(struct ft_campaign *campaign, const struct ft_subject *subject,
                              const char *pending, const char *name, struct ft_error *error)
{
    enum ft_status status = FT_OK;
    struct ft_scenario scenario;
    struct ft_trace trace;

    if (!ft_finding_file_read(pending, &scenario)) {
        ft_note(campaign, "removed %s, which is no scenario", pending);
        unlink(pending);
        return FT_OK;
    }
    if (campaign->platform)
        for (unsigned i = 0; i < FT_PLATFORM_COUNT; i++)
            if (strcmp(campaign->platform, ft_platform_preset_name(i)) == 0)
                ft_platform_preset((enum ft_platform_name)i, &scenario.platform);
    if (!record(campaign, subject, &scenario, &trace)) {
        set_aside(campaign, subject, pending, name);
        return FT_OK;
    }
    for (uint32_t i = 0;
         status == FT_OK && (i == 0 || (campaign->keep_going && i < trace.verdict.finding_count));
         i++)
        status = save(campaign, subject, &trace, i, error);
    ft_trace_free(&trace);
    if (status == FT_OK)
        unlink(pending);
    return status;
}

struct conversion {
    struct ft_campaign *campaign;
    const struct ft_subject *subject;
    struct ft_error *error;
    enum ft_status status;
};

static void convert_one(void *context, const char *name)
{
    struct conversion *conversion = context;
    const char *suffix = strrchr(name, '.');
    char path[FT_PATH_BYTES];

    if (conversion->status != FT_OK || !suffix || strcmp(suffix, ".bytes") != 0 ||
        conversion->campaign->finding_count == FT_CAMPAIGN_FINDINGS_MAX)
        return;
    ft_path(path, "%s/pending/%s", conversion->subject->folder, name);
    conversion->status =
        convert(conversion->campaign, conversion->subject, path, name, conversion->error);
}

enum ft_status ft_findings_convert(struct ft_campaign *campaign, struct ft_subject *subject,
                                   struct ft_error *error)
{
    struct conversion conversion = {.campaign = campaign, .subject = subject, .error = error};
    char folder[FT_PATH_BYTES];

    ft_path(folder, "%s/pending", subject->folder);
    ft_each_file(folder, false, convert_one, &conversion);
    return conversion.status;
}

/* A trace of another build says nothing about this one: its scenario goes to pending/, the trace to
 * gone/. */
static void look_again(const struct ft_campaign *campaign, const struct ft_subject *subject,
                       const struct ft_trace *trace, const char *path, const char *name)
{
    char pending[FT_PATH_BYTES], gone[FT_PATH_BYTES], scratch[FT_PATH_BYTES];
    uint8_t bytes[FT_FINDING_BYTES_MAX];
    size_t length = ft_scenario_encode(&trace->scenario, bytes, sizeof bytes);

    ft_path(scratch, "%s/log", subject->folder);
    ft_path(pending, "%s/pending/" AGAIN "%.*s.bytes", subject->folder, (int)strlen(name) - 4,
            name);
    ft_path(gone, "%s/gone", subject->folder);
    mkdir(gone, 0777);
    ft_path(gone, "%s/gone/%s", subject->folder, name);
    if (length > sizeof bytes || !ft_write_whole(scratch, pending, bytes, length) ||
        rename(path, gone) != 0)
        ft_note(campaign, "%s: %s", path, strerror(errno));
    else
        ft_note(campaign, "%s is of another build; run again, kept in gone/", name);
}

static void load_one(void *context, const char *name)
{
    const struct conversion *loading = context;
    struct ft_campaign_finding *finding;
    struct ft_error error = {.text = "cut off"};
    char path[FT_PATH_BYTES], damaged[FT_PATH_BYTES];
    struct ft_trace trace;

    if (!strstr(name, ".ftr") || strcmp(strstr(name, ".ftr"), ".ftr") != 0)
        return;
    ft_path(path, "%s/findings/%s", loading->subject->folder, name);
    ft_path(damaged, "%s.damaged", path);
    if (ft_trace_read(path, &trace, &error) != FT_OK || !trace.complete) {
        ft_note(loading->campaign, "%s: %s; it is called %s.damaged now", path, error.text, name);
        rename(path, damaged);
        return;
    }
    if (trace.model != FT_MODEL_NUMBER ||
        strcmp(trace.fingerprint, loading->subject->module->fingerprint) != 0) {
        look_again(loading->campaign, loading->subject, &trace, path, name);
    } else {
        finding = remember(loading->campaign, loading->subject, &trace, path);
        if (finding)
            finding->shrink = ft_shrink_is_marked(finding) && !loading->campaign->no_shrink
                                  ? FT_SHRINK_DUE
                                  : FT_SHRINK_NOT;
    }
    ft_trace_free(&trace);
}

void ft_findings_load(struct ft_campaign *campaign, struct ft_subject *subject)
{
    struct conversion loading = {.campaign = campaign, .subject = subject};
    char folder[FT_PATH_BYTES];

    ft_path(folder, "%s/findings", subject->folder);
    ft_each_file(folder, false, load_one, &loading);
}

unsigned ft_findings_fresh(const struct ft_campaign *campaign)
{
    unsigned fresh = 0;

    for (unsigned i = 0; i < campaign->finding_count; i++)
        fresh += campaign->finding[i].fresh && !campaign->finding[i].known;
    return fresh;
}
