/* flushtrace fuzz: arguments, live progress, summary. */
#define _GNU_SOURCE
#include "fuzz/cli_fuzz.h"
#include "cli/baseline.h"
#include "fuzz/campaign.h"
#include "replay/execute.h"
#include "rules/rules.h"

#include <argp.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KEY_STOP = 256,
    KEY_JSON,
    KEY_BYTES,
    KEY_JOBS,
    KEY_TIME,
    KEY_BASELINE,
    KEY_IGNORE,
    DEFAULT_SECONDS = 60,
    EXIT_BAD = 3
};

struct arguments {
    const char *core, *mutant, *platform, *engine, *out;
    unsigned jobs, seconds;
    uint64_t seed;
    bool stop, json, bytes;
    char **passed;
};

static const struct argp_option options[] = {
    {"engine", 'e', "ENGINE", 0, "libfuzzer (the default) or afl", 0},
    {"mutant", 'm', "M", 0, "fuzz this mutant instead of the sound core", 0},
    {"platform", 'p', "P", 0, "every scenario on this preset", 0},
    {"jobs", KEY_JOBS, "N", 0, "engine processes on one corpus (1)", 0},
    {"time", KEY_TIME, "S", 0, "seconds (60)", 0},
    {"out", 'o', "DIR", 0, "where corpus and findings go (flushtrace-out)", 0},
    {"seed", 's', "N", 0, "the engine's seed (1)", 0},
    {"stop-at-finding", KEY_STOP, NULL, 0, "end at the first new finding", 0},
    {"baseline", KEY_BASELINE, "FILE", 0,
     "findings listed there (rule function reason) do not count", 0},
    {"ignore", KEY_IGNORE, "RULE[:FUNCTION]", 0, "this finding does not count (repeatable)", 0},
    {"bytes", KEY_BYTES, NULL, 0, "the engine's byte mutations only, not whole ops", 0},
    {"json", KEY_JSON, NULL, 0, "one JSON object on standard output", 0},
    {0}};

static struct ft_baseline baseline;

static bool is_known(const struct ft_verdict *verdict)
{
    return verdict->finding_count ? ft_baseline_finding(&baseline, &verdict->finding[0]) != NULL
                                  : ft_baseline_stop(&baseline, verdict->kind) != NULL;
}

/* Both options end in the same list; a bad one ends the program with its reason. */
static void know(struct argp_state *state, bool file, const char *text)
{
    struct ft_error error = {0};
    enum ft_status status = file ? ft_baseline_read(&baseline, text, &error)
                                 : ft_baseline_ignore(&baseline, text, &error);

    if (status != FT_OK)
        argp_error(state, "%s%s%s", file ? text : "", file ? ": " : "", error.text);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'e':
        a->engine = text;
        break;
    case 'm':
        a->mutant = text;
        break;
    case 'p':
        a->platform = text;
        break;
    case 'o':
        a->out = text;
        break;
    case 's':
        a->seed = strtoull(text, NULL, 0);
        break;
    case KEY_JOBS:
        a->jobs = (unsigned)strtoul(text, NULL, 0);
        break;
    case KEY_TIME:
        a->seconds = (unsigned)strtoul(text, NULL, 0);
        break;
    case KEY_STOP:
        a->stop = true;
        break;
    case KEY_BYTES:
        a->bytes = true;
        break;
    case KEY_JSON:
        a->json = true;
        break;
    case KEY_BASELINE:
    case KEY_IGNORE:
        know(state, key == KEY_BASELINE, text);
        break;
    case ARGP_KEY_ARG:
        if (a->core) {
            a->passed = &state->argv[state->next - 1];
            state->next = state->argc;
        } else {
            a->core = text;
        }
        break;
    case ARGP_KEY_NO_ARGS:
        argp_usage(state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp argp = {.options = options,
                                 .parser = parse,
                                 .args_doc = "DRIVER [-- ENGINE FLAGS...]",
                                 .doc =
                                     "Fuzz a driver core: the engine chooses requests and the "
                                     "moments at which cancellation, removal and power "
                                     "transitions strike.\vFindings become traces in "
                                     "DIR/DRIVER[+MUTANT]/findings, one for each rule and driver "
                                     "function. Ctrl-C ends the campaign in order; kill -9 loses "
                                     "nothing; starting again goes on from the same "
                                     "folder.\n\nExit: 0 nothing found, 1 a finding, 3 bad usage, "
                                     "5 our own failure.\n\nExample: flushtrace fuzz "
                                     "wdm-packet --time 30"};

static bool quiet_progress;

static const char *finding_name(const struct ft_verdict *verdict)
{
    const struct ft_rule_row *rule =
        verdict->finding_count ? ft_rule_by_number(verdict->finding[0].rule) : NULL;

    return rule ? rule->id : ft_verdict_name(verdict->kind);
}

static void print_finding(const struct ft_campaign_finding *finding)
{
    const struct ft_verdict *verdict = &finding->verdict;
    char when[32] = "earlier";

    if (finding->fresh)
        snprintf(when, sizeof when, "%.1f s", finding->seconds);
    fprintf(stderr, "  %9s  %s%s%s%s\n             %s\n", when, finding_name(verdict),
            verdict->finding_count ? "  in " : "",
            verdict->finding_count ? verdict->finding[0].function : "",
            finding->known ? "  (known)" : "", finding->path);
}

/* One line that is rewritten on a terminal; findings scroll above it. */
static void progress(const struct ft_campaign *campaign)
{
    static unsigned printed;
    static double last;
    bool terminal = isatty(STDERR_FILENO);
    double seconds = ft_campaign_now() - campaign->start;

    if (quiet_progress)
        return;
    for (; printed < campaign->finding_count; printed++) {
        if (!campaign->finding[printed].fresh)
            continue;
        fputs(terminal ? "\r\033[K" : "", stderr);
        print_finding(&campaign->finding[printed]);
    }
    if (!terminal && seconds - last < 10)
        return;
    last = seconds;
    fprintf(stderr, "%s  %5.0f of %u s  %10llu runs  %8.0f/s  %u finding%s%s",
            terminal ? "\r\033[K" : "", seconds, campaign->seconds,
            (unsigned long long)campaign->executions,
            seconds > 0 ? (double)campaign->executions / seconds : 0, campaign->finding_count,
            campaign->finding_count == 1 ? "" : "s", terminal ? "" : "\n");
    fflush(stderr);
}

static int refuse(const char *what, const char *value)
{
    fprintf(stderr, "flushtrace fuzz: %s: %s\n", what, value);
    return EXIT_BAD;
}

static bool program_folder(char *path, size_t capacity)
{
    ssize_t length = readlink("/proc/self/exe", path, capacity - 1);

    if (length <= 0)
        return false;
    path[length] = '\0';
    *strrchr(path, '/') = '\0';
    return true;
}

static int check(const struct arguments *a, struct ft_campaign *campaign)
{
    bool found = !a->platform;

    campaign->module = ft_module_find(a->core, a->mutant);
    if (!campaign->module)
        return refuse("no such driver or mutant (see flushtrace drivers)",
                      *a->mutant ? a->mutant : a->core);
    for (unsigned i = 0; i < FT_PLATFORM_COUNT; i++)
        found |= a->platform && strcmp(a->platform, ft_platform_preset_name(i)) == 0;
    if (!found)
        return refuse("no such platform", a->platform);
    if (strcmp(a->engine, "libfuzzer") != 0 && strcmp(a->engine, "afl") != 0)
        return refuse("the engine is libfuzzer or afl, not", a->engine);
    if (a->jobs < 1 || a->jobs > FT_JOBS_MAX || a->seconds < 1)
        return refuse("out of range", "--jobs takes 1 to 32, --time at least 1");
    campaign->engine = strcmp(a->engine, "afl") == 0 ? FT_ENGINE_AFL : FT_ENGINE_LIBFUZZER;
    campaign->platform = a->platform;
    campaign->jobs = a->jobs;
    campaign->seconds = a->seconds;
    campaign->seed = a->seed;
    campaign->stop_at_finding = a->stop;
    campaign->bytes_only = a->bytes;
    campaign->passed = a->passed;
    campaign->is_known = is_known;
    snprintf(campaign->folder, sizeof campaign->folder, "%s/%s%s%s", a->out, a->core,
             *a->mutant ? "+" : "", a->mutant);
    if (!program_folder(campaign->programs, sizeof campaign->programs))
        return refuse("cannot find my own folder", "/proc/self/exe");
    return 0;
}

static unsigned count_that_count(const struct ft_campaign *campaign)
{
    unsigned count = 0;

    for (unsigned i = 0; i < campaign->finding_count; i++)
        count += !campaign->finding[i].known;
    return count;
}

static json_t *finding_json(const struct ft_campaign *campaign,
                            const struct ft_campaign_finding *finding)
{
    const struct ft_verdict *verdict = &finding->verdict;
    char rerun[1024];

    snprintf(rerun, sizeof rerun, "flushtrace replay %s", finding->path);
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:f, s:b, s:b, s:s, s:s}", "verdict",
                     ft_verdict_name(verdict->kind), "rule", finding_name(verdict), "function",
                     verdict->finding_count ? verdict->finding[0].function : "", "event",
                     (json_int_t)(verdict->finding_count ? verdict->finding[0].event : 0), "driver",
                     campaign->module->core, "mutant", campaign->module->mutant, "seconds",
                     finding->seconds, "new", finding->fresh, "known", finding->known, "trace",
                     finding->path, "rerun", rerun);
}

static void print_json(const struct ft_campaign *campaign)
{
    json_t *findings = json_array(), *object;
    double seconds = ft_campaign_now() - campaign->start;

    for (unsigned i = 0; i < campaign->finding_count; i++)
        json_array_append_new(findings, finding_json(campaign, &campaign->finding[i]));
    object = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:I, s:f, s:f, s:b, s:o}", "verdict",
        count_that_count(campaign) ? "violation" : "clean", "driver", campaign->module->core,
        "mutant", campaign->module->mutant, "engine", ft_engine_name(campaign->engine), "platform",
        campaign->platform ? campaign->platform : "any", "executions",
        (json_int_t)campaign->executions, "seconds", seconds, "executions_per_second",
        seconds > 0 ? (double)campaign->executions / seconds : 0.0, "interrupted",
        campaign->interrupted, "findings", findings);
    json_dumpf(object, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(object);
}

static void print_summary(const struct ft_campaign *campaign)
{
    double seconds = ft_campaign_now() - campaign->start;

    fprintf(stderr, "%s%s%s%s: %llu runs in %.1f s with %s, %u finding%s%s\n",
            isatty(STDERR_FILENO) ? "\r\033[K" : "", campaign->module->core,
            *campaign->module->mutant ? "+" : "", campaign->module->mutant,
            (unsigned long long)campaign->executions, seconds, ft_engine_name(campaign->engine),
            campaign->finding_count, campaign->finding_count == 1 ? "" : "s",
            campaign->interrupted ? " (interrupted)" : "");
    /* The new ones have scrolled by; these are from an earlier campaign in the same folder. */
    for (unsigned i = 0; i < campaign->finding_count; i++)
        if (!campaign->finding[i].fresh)
            print_finding(&campaign->finding[i]);
    if (campaign->finding_count)
        fprintf(stderr, "flushtrace replay %s\n", campaign->finding[0].path);
}

/* An engine that died on its own is our failure, and its log says why. */
static int engine_failure(const struct ft_campaign *campaign)
{
    char log[1024];

    ft_engine_log(campaign, 0, log, sizeof log);
    fprintf(stderr, "flushtrace fuzz: an engine ended before its time; its last words are in %s\n",
            log);
    return 5;
}

int ft_cli_fuzz(int argc, char **argv)
{
    static struct ft_campaign campaign;
    struct arguments a = {.mutant = "",
                          .engine = "libfuzzer",
                          .out = "flushtrace-out",
                          .jobs = 1,
                          .seconds = DEFAULT_SECONDS,
                          .seed = 1};
    struct ft_error error = {0};
    int status;

    argp_err_exit_status = EXIT_BAD;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    status = check(&a, &campaign);
    if (status)
        return status;
    quiet_progress = a.json;
    if (ft_campaign_run(&campaign, progress, &error) != FT_OK) {
        fprintf(stderr, "flushtrace fuzz: %s\n", error.text);
        return ft_status_exit(error.status);
    }
    if (a.json)
        print_json(&campaign);
    else
        print_summary(&campaign);
    if (campaign.engine_failed && !campaign.interrupted)
        return engine_failure(&campaign);
    return count_that_count(&campaign) ? 1 : 0;
}
