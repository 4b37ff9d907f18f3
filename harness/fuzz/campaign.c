#define _GNU_SOURCE
#include "fuzz/campaign.h"
#include "fuzz/finding_file.h"
#include "replay/execute.h"
#include "rules/rules.h"
#include "scenario/scenario_codec.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 768, POLL_MICROSECONDS = 50000, POLLS_A_REPORT = 4 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

double ft_campaign_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum ft_status make_folders(const struct ft_campaign *campaign, struct ft_error *error)
{
    static const char *const parts[] = {"", "/corpus", "/pending", "/findings", "/log"};
    char path[PATH_BYTES];

    for (const char *slash = strchr(campaign->folder + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof path, "%.*s", (int)(slash - campaign->folder), campaign->folder);
        mkdir(path, 0777);
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s%s", campaign->folder, parts[i]);
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return ft_fail(error, FT_IO, 0, "%s: %s", path, strerror(errno));
    }
    return FT_OK;
}

/* AFL++ wants one input to begin with: an empty scenario. */
static enum ft_status make_first_input(const struct ft_campaign *campaign, struct ft_error *error)
{
    char path[PATH_BYTES];
    FILE *file;

    snprintf(path, sizeof path, "%s/corpus/empty", campaign->folder);
    file = fopen(path, "wb");
    if (!file || fputc(0, file) == EOF || fclose(file) != 0)
        return ft_fail(error, FT_IO, 0, "%s: %s", path, strerror(errno));
    return FT_OK;
}

/* The finding's place in findings/: verdict or rule, and the driver function. */
static void trace_path(const struct ft_campaign *campaign, const struct ft_verdict *verdict,
                       char *path, size_t capacity)
{
    const struct ft_finding *finding = &verdict->finding[0];
    const struct ft_rule_row *rule =
        verdict->finding_count ? ft_rule_by_number(finding->rule) : NULL;
    const char *function = verdict->finding_count ? finding->function : "";
    const char *name = strchr(function, ':');
    char key[FT_FUNCTION_MAX] = "";

    if (name)
        snprintf(key, sizeof key, "--%.*s", (int)strcspn(name + 1, ":"), name + 1);
    snprintf(path, capacity, "%s/findings/%s%s.ftr", campaign->folder,
             rule ? rule->id : ft_verdict_name(verdict->kind), key);
    for (char *c = path + strlen(campaign->folder) + strlen("/findings/"); *c; c++)
        if (*c == '/' || *c == ' ')
            *c = '_';
}

static bool known(const struct ft_campaign *campaign, const char *path)
{
    for (unsigned i = 0; i < campaign->finding_count; i++)
        if (strcmp(campaign->finding[i].path, path) == 0)
            return true;
    return false;
}

static void remember(struct ft_campaign *campaign, const struct ft_verdict *verdict,
                     const char *path, bool fresh)
{
    struct ft_campaign_finding *finding = &campaign->finding[campaign->finding_count];

    if (campaign->finding_count == FT_CAMPAIGN_FINDINGS_MAX)
        return;
    campaign->finding_count++;
    finding->verdict = *verdict;
    finding->seconds = fresh ? ft_campaign_now() - campaign->start : 0;
    finding->fresh = fresh;
    finding->known = campaign->is_known && campaign->is_known(verdict);
    snprintf(finding->path, sizeof finding->path, "%s", path);
}

/* A defect that only ASan's or UBSan's build can see is recorded by that build. */
static bool record_elsewhere(const struct ft_campaign *campaign, const struct ft_scenario *scenario,
                             const char *pending)
{
    char program[PATH_BYTES], file[PATH_BYTES + 8], out[PATH_BYTES], text[8192];
    FILE *stream;
    pid_t pid;
    int status = 0;

    snprintf(program, sizeof program, "%s/flushtrace-asan", campaign->programs);
    snprintf(file, sizeof file, "%s.fts", pending);
    snprintf(out, sizeof out, "%s/findings/%.200s.ftr", campaign->folder,
             strrchr(pending, '/') + 1);
    ft_scenario_print(scenario, text, sizeof text);
    stream = fopen(file, "w");
    if (!stream)
        return false;
    fputs(text, stream);
    fclose(stream);
    pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(127);
        execl(program, program, "run", campaign->module->core, "--mutant", campaign->module->mutant,
              "--scenario", file, "-o", out, (char *)NULL);
        _exit(127);
    }
    if (pid > 0)
        waitpid(pid, &status, 0);
    unlink(file);
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* A finding as a trace; moves it from pending/ to findings/. */
static enum ft_status convert(struct ft_campaign *campaign, const char *pending,
                              struct ft_error *error)
{
    static const struct ft_execute_options options = {.cpu_seconds = 5};
    struct ft_scenario scenario;
    struct ft_trace trace;
    enum ft_status status;
    char path[PATH_BYTES];

    if (!ft_finding_file_read(pending, &scenario))
        return ft_fail(error, FT_IO, 0, "%s: %s", pending, strerror(errno));
    if (campaign->platform)
        for (unsigned i = 0; i < FT_PLATFORM_COUNT; i++)
            if (strcmp(campaign->platform, ft_platform_preset_name(i)) == 0)
                ft_platform_preset((enum ft_platform_name)i, &scenario.platform);
    status = ft_execute(campaign->module, &scenario, &options, &trace, error);
    if (status != FT_OK)
        return status;
    if (trace.verdict.kind == FT_VERDICT_CLEAN) {
        bool recorded = record_elsewhere(campaign, &scenario, pending);

        ft_trace_free(&trace);
        if (!recorded)
            return ft_fail(error, FT_INTERNAL, 0,
                           "%s: an engine's finding did not come again in a worker", pending);
        snprintf(path, sizeof path, "%s/findings/%.200s.ftr", campaign->folder,
                 strrchr(pending, '/') + 1);
        status = ft_trace_read(path, &trace, error);
        if (status != FT_OK)
            return status;
    } else {
        trace_path(campaign, &trace.verdict, path, sizeof path);
        if (!known(campaign, path))
            status = ft_trace_write(path, &trace, error);
    }
    if (status == FT_OK && !known(campaign, path))
        remember(campaign, &trace.verdict, path, true);
    ft_trace_free(&trace);
    if (status == FT_OK)
        unlink(pending);
    return status;
}

static enum ft_status convert_pending(struct ft_campaign *campaign, struct ft_error *error)
{
    enum ft_status status = FT_OK;
    char folder[PATH_BYTES], path[PATH_BYTES];
    struct dirent *entry;
    DIR *dir;

    snprintf(folder, sizeof folder, "%s/pending", campaign->folder);
    dir = opendir(folder);
    if (!dir)
        return ft_fail(error, FT_IO, 0, "%s: %s", folder, strerror(errno));
    while (status == FT_OK && (entry = readdir(dir))) {
        const char *suffix = strrchr(entry->d_name, '.');

        if (entry->d_name[0] == '.' || !suffix || strcmp(suffix, ".bytes") != 0)
            continue;
        snprintf(path, sizeof path, "%.*s/%.240s", (int)strnlen(folder, 500), folder,
                 entry->d_name);
        status = convert(campaign, path, error);
    }
    closedir(dir);
    return status;
}

/* Findings of an earlier campaign in the same folder are known from the start. */
static void load_findings(struct ft_campaign *campaign)
{
    char folder[PATH_BYTES], path[PATH_BYTES];
    struct dirent *entry;
    DIR *dir;

    snprintf(folder, sizeof folder, "%s/findings", campaign->folder);
    dir = opendir(folder);
    while (dir && (entry = readdir(dir))) {
        struct ft_trace trace;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%.*s/%.240s", (int)strnlen(folder, 500), folder,
                 entry->d_name);
        if (ft_trace_read(path, &trace, NULL) != FT_OK)
            continue;
        remember(campaign, &trace.verdict, path, false);
        ft_trace_free(&trace);
    }
    if (dir)
        closedir(dir);
}

static unsigned fresh_count(const struct ft_campaign *campaign)
{
    unsigned fresh = 0;

    for (unsigned i = 0; i < campaign->finding_count; i++)
        fresh += campaign->finding[i].fresh && !campaign->finding[i].known;
    return fresh;
}

/* True while an engine runs; notes one that ended on its own before its time. */
static bool engines_run(struct ft_campaign *campaign)
{
    bool any = false;

    for (unsigned i = 0; i < campaign->jobs; i++) {
        int status;

        if (campaign->job[i] <= 0)
            continue;
        if (waitpid(campaign->job[i], &status, WNOHANG) == 0) {
            any = true;
            continue;
        }
        campaign->job[i] = 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            campaign->engine_failed = true;
    }
    return any;
}

static void stop_engines(struct ft_campaign *campaign)
{
    enum { PATIENCE = 60 };

    for (unsigned i = 0; i < campaign->jobs; i++)
        if (campaign->job[i] > 0)
            kill(-campaign->job[i], SIGINT);
    for (unsigned wait = 0; wait < PATIENCE; wait++) {
        bool any = false;

        for (unsigned i = 0; i < campaign->jobs; i++) {
            if (campaign->job[i] > 0 && waitpid(campaign->job[i], NULL, WNOHANG) != 0)
                campaign->job[i] = 0;
            any |= campaign->job[i] > 0;
        }
        if (!any)
            return;
        usleep(POLL_MICROSECONDS);
    }
    for (unsigned i = 0; i < campaign->jobs; i++)
        if (campaign->job[i] > 0) {
            kill(-campaign->job[i], SIGKILL);
            waitpid(campaign->job[i], NULL, 0);
        }
}

static void count(struct ft_campaign *campaign)
{
    uint64_t executions = 0;

    for (unsigned i = 0; i < campaign->jobs; i++)
        executions += ft_engine_executions(campaign, i);
    if (executions > campaign->executions)
        campaign->executions = executions;
}

static enum ft_status watch(struct ft_campaign *campaign,
                            void (*progress)(const struct ft_campaign *), struct ft_error *error)
{
    for (unsigned poll = 0;; poll++) {
        enum ft_status status = convert_pending(campaign, error);

        if (status != FT_OK)
            return status;
        if (poll % POLLS_A_REPORT == 0) {
            count(campaign);
            progress(campaign);
        }
        campaign->interrupted = interrupted;
        if (interrupted || (campaign->stop_at_finding && fresh_count(campaign) > 0) ||
            ft_campaign_now() - campaign->start >= campaign->seconds || !engines_run(campaign))
            return FT_OK;
        usleep(POLL_MICROSECONDS);
    }
}

enum ft_status ft_campaign_run(struct ft_campaign *campaign,
                               void (*progress)(const struct ft_campaign *campaign),
                               struct ft_error *error)
{
    struct sigaction action = {.sa_handler = on_interrupt}, old_int, old_term;
    enum ft_status status = make_folders(campaign, error);

    if (status == FT_OK && campaign->engine == FT_ENGINE_AFL)
        status = make_first_input(campaign, error);
    if (status != FT_OK)
        return status;
    interrupted = 0;
    sigaction(SIGINT, &action, &old_int);
    sigaction(SIGTERM, &action, &old_term);
    campaign->start = ft_campaign_now();
    load_findings(campaign);
    for (unsigned i = 0; i < campaign->jobs && status == FT_OK; i++)
        status = ft_engine_start(campaign, i, error);
    if (status == FT_OK)
        status = watch(campaign, progress, error);
    stop_engines(campaign);
    if (status == FT_OK)
        status = convert_pending(campaign, error);
    count(campaign);
    progress(campaign);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    return status;
}
