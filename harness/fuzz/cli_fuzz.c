/* flushtrace fuzz: arguments. */
#define _GNU_SOURCE
#include "fuzz/cli_fuzz.h"
#include "fuzz/campaign/campaign_private.h"
#include "fuzz/engine_words.h"
#include "report/colour.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KEY_STOP = 256,
    KEY_JSON,
    KEY_BYTES,
    KEY_TIME,
    KEY_BASELINE,
    KEY_IGNORE,
    KEY_NO_SHRINK,
    KEY_USAGE,
    KEY_COLOUR,
    KEY_NO_PAGER,
    KEY_FLAVOUR,
    DEFAULT_SECONDS = 60
};

struct arguments {
    struct ft_cli *cli;
    char *driver[FT_SUBJECTS_MAX];
    unsigned driver_count;
    const char *mutant, *platform, *out;
    bool engine[FT_ENGINE_COUNT];
    uint64_t jobs, seconds, seed;
    bool stop, keep_going, bytes, no_shrink, help;
    char **words; /* for the engines, NULL-terminated */
};

static const struct argp_option options[] = {
    {"engine", 'e', "ENGINE", 0,
     "libfuzzer (the default), afl, or both side by side on one corpus (repeatable)", 0},
    {"mutant", 'm', "M", 0, "fuzz this mutant instead of the sound core (or DRIVER+M)", 0},
    {"platform", 'p', "P", 0, "every scenario on this preset", 0},
    {"jobs", 'j', "N", 0,
     "engine processes in all, dealt out over drivers and engines (one for each)", 0},
    {"time", KEY_TIME, "S", 0, "seconds (60); m, h and d are understood: 90m", 0},
    {"out", 'o', "DIR", 0, "where corpus and findings go (flushtrace-out)", 0},
    {"seed", 's', "N", 0, "the engines' seed (1)", 0},
    {"stop-at-finding", KEY_STOP, NULL, 0, "end at the first new finding that counts", 0},
    {"baseline", KEY_BASELINE, "FILE", 0,
     "findings listed there (rule function reason) do not count", 0},
    {"ignore", KEY_IGNORE, "RULE[:FUNCTION]", 0, "this finding does not count (repeatable)", 0},
    {"keep-going", 'k', NULL, 0, "runs go on after a violation; each one is a finding of its own",
     0},
    {"no-shrink", KEY_NO_SHRINK, NULL, 0, "keep findings as they were found", 0},
    {"bytes", KEY_BYTES, NULL, 0, "the engine's byte mutations only, not whole ops", 0},
    {"no-pager", KEY_NO_PAGER, NULL, 0, "changes nothing: a campaign uses no pager", 0},
    {"colour", KEY_COLOUR, "WHEN", 0, "auto (on a terminal), always or never", 0},
    {"color", KEY_COLOUR, "WHEN", 0, "the same", 0},
    {"flavour", KEY_FLAVOUR, "F", OPTION_HIDDEN, NULL, 0},
    {"json", KEY_JSON, NULL, 0, "print exactly one JSON object on standard output", 0},
    {"help", 'h', NULL, 0, "print this text", 0},
    {"usage", KEY_USAGE, NULL, OPTION_HIDDEN, NULL, 0},
    {0}};

static struct ft_baseline *baseline;

static const char *why_known(const struct ft_verdict *verdict, const char *function)
{
    const struct ft_baseline_entry *entry =
        verdict->finding_count ? ft_baseline_finding(baseline, &verdict->finding[0])
                               : ft_baseline_stop(baseline, verdict->kind, function);

    return entry ? entry->reason : NULL;
}

/* Both options end in the same list; a bad one ends the program with its reason. */
static error_t know(struct argp_state *state, bool file, const char *text)
{
    struct arguments *a = state->input;
    struct ft_error error = {0};
    enum ft_status status = file ? ft_baseline_read(&a->cli->baseline, text, &error)
                                 : ft_baseline_ignore(&a->cli->baseline, text, &error);

    if (file)
        a->cli->baseline_path = text;
    if (status == FT_OK)
        return 0;
    if (file && error.offset)
        argp_error(state, "%s:%llu: %s", text, (unsigned long long)error.offset, error.text);
    else
        argp_error(state, "%s", error.text);
    return EINVAL;
}

static error_t take_number(const struct argp_state *state, const char *name, const char *text,
                           uint64_t least, uint64_t most, uint64_t *ret)
{
    char *end = NULL;

    errno = 0;
    *ret = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 0) : 0;
    if (end && !*end && errno == 0 && *ret >= least && *ret <= most)
        return 0;
    argp_error(state, "--%s takes a number from %llu to %llu, not '%s'", name,
               (unsigned long long)least, (unsigned long long)most, text);
    return EINVAL;
}

static error_t take_time(const struct argp_state *state, const char *text, uint64_t *ret)
{
    static const struct {
        char unit;
        unsigned seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t length = strlen(text);
    char number[24];
    unsigned factor = 1;

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (length > 1 && text[length - 1] == units[i].unit) {
            factor = units[i].seconds;
            length--;
            break;
        }
    snprintf(number, sizeof number, "%.*s", (int)(length < 20 ? length : 20), text);
    if (take_number(state, "time", number, 1, INT32_MAX / factor, ret) != 0)
        return EINVAL;
    *ret *= factor;
    return 0;
}

static error_t take_engine(const struct argp_state *state, const char *text, bool *engine)
{
    bool both = strcmp(text, "both") == 0, any = false;

    for (int i = 0; i < FT_ENGINE_COUNT; i++)
        if (both || strcmp(text, ft_engine_name((enum ft_engine)i)) == 0)
            engine[i] = any = true;
    if (any)
        return 0;
    argp_error(state, "the engine is libfuzzer, afl or both, not '%s'", text);
    return EINVAL;
}

static error_t take_colour(const struct argp_state *state, const char *text)
{
    if (ft_colour_choose(text))
        return 0;
    argp_error(state, "--colour takes auto, always or never, not '%s'", text);
    return EINVAL;
}

static error_t take_driver(const struct argp_state *state, char *text, struct arguments *a)
{
    if (a->driver_count == FT_SUBJECTS_MAX) {
        argp_error(state, "more than %d drivers", FT_SUBJECTS_MAX);
        return EINVAL;
    }
    a->driver[a->driver_count++] = text;
    return 0;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'e':
        return take_engine(state, text, a->engine);
    case 'm':
        a->mutant = text;
        return 0;
    case 'p':
        a->platform = text;
        return 0;
    case 'o':
        a->out = text;
        return 0;
    case 's':
        return take_number(state, "seed", text, 0, UINT32_MAX, &a->seed);
    case 'j':
        return take_number(state, "jobs", text, 1, FT_JOBS_MAX, &a->jobs);
    case KEY_TIME:
        return take_time(state, text, &a->seconds);
    case KEY_STOP:
        a->stop = true;
        return 0;
    case 'k':
        a->keep_going = true;
        return 0;
    case KEY_BYTES:
        a->bytes = true;
        return 0;
    case KEY_NO_SHRINK:
        a->no_shrink = true;
        return 0;
    case KEY_COLOUR:
        return take_colour(state, text);
    case KEY_NO_PAGER:
        return 0;
    case KEY_FLAVOUR:
        argp_error(state, "a campaign runs in the flavour of its engine (--engine): libfuzzer has "
                          "ASan and UBSan, afl has neither");
        return EINVAL;
    case KEY_JSON: /* taken already: also bad usage is answered that way */
        return 0;
    case KEY_BASELINE:
    case KEY_IGNORE:
        return know(state, key == KEY_BASELINE, text);
    case ARGP_KEY_ARG:
        return take_driver(state, text, a);
    case 'h':
    case KEY_USAGE:
        argp_state_help(state, stdout,
                        key == KEY_USAGE ? ARGP_HELP_USAGE
                                         : ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC);
        a->help = true;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_END:
        if (a->help || a->driver_count)
            return 0;
        argp_error(state, "DRIVER is missing");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "DRIVER... [-FLAG=VALUE...] [-- ENGINE FLAGS...]",
    .doc =
        "Fuzz driver cores: the engine chooses requests and the moments at which cancellation, "
        "removal and power transitions strike.\v"
        "DRIVER is a name that flushtrace drivers lists, or the path of a module with its fuzz "
        "target beside it (flushtrace_add_driver, flushtrace_add_fuzz_targets); DRIVER+MUTANT is a "
        "mutant of it.\n\n"
        "Findings become traces in DIR/DRIVER[+MUTANT]/findings, one for each rule and driver "
        "function, shrunk while the engines go on. Ctrl-C ends the campaign in order, a second one "
        "at once; kill -9 loses nothing; starting again goes on from the same folder.\n\n"
        "Flags of libFuzzer (-max_len=64) pass through, as does what stands behind --: with both "
        "engines, words like -name=value go to libFuzzer and the others to afl-fuzz. AFL_* "
        "variables reach afl-fuzz. DIR/DRIVER/corpus is a libFuzzer corpus, DIR/DRIVER/afl an "
        "AFL++ output folder: -merge=1, afl-cmin and afl-whatsup work on them.\n\n"
        "Exit status: 0 nothing found, 1 a finding that counts, 3 bad usage, 5 our own failure.\n\n"
        "  flushtrace fuzz wdm-packet --time 30\n"
        "  flushtrace fuzz wdm-packet wdm-sglist --engine both --jobs 8 --time 8h --out night\n"
        "  flushtrace fuzz wdm-packet+no-flush-on-abort --stop-at-finding -max_len=256"};

/* libFuzzer would pass over what it does not know. */
static int check_words(struct ft_cli *cli, const struct arguments *a,
                       const struct ft_campaign *campaign)
{
    for (char **word = a->words; *word; word++) {
        const char *meant = ft_engine_flag_meant(*word);

        if (meant && campaign->engine[FT_ENGINE_LIBFUZZER])
            return ft_cli_refuse(cli, FT_USAGE, "libFuzzer has no flag %.60s; -%s?", *word, meant);
    }
    return FT_EXIT_OK;
}

/* Whose a word is follows from its form, when both engines are there to take it. */
static void deal_words(const struct arguments *a, struct ft_campaign *campaign)
{
    unsigned total = 0, count[FT_ENGINE_COUNT] = {0};
    bool both = campaign->engine[FT_ENGINE_LIBFUZZER] && campaign->engine[FT_ENGINE_AFL];

    while (a->words[total])
        total++;
    for (int i = 0; i < FT_ENGINE_COUNT; i++) {
        campaign->passed[i] = calloc(total + 1, sizeof(char *));
        if (!campaign->passed[i])
            abort();
    }
    for (unsigned i = 0; i < total; i++) {
        enum ft_engine engine =
            (both ? ft_is_engine_flag(a->words[i]) : campaign->engine[FT_ENGINE_LIBFUZZER])
                ? FT_ENGINE_LIBFUZZER
                : FT_ENGINE_AFL;

        campaign->passed[engine][count[engine]++] = a->words[i];
    }
}

static bool has_program(const struct ft_subject *subject, enum ft_engine engine)
{
    char program[FT_PATH_BYTES];

    ft_engine_program(subject, engine, program);
    return access(program, X_OK) == 0;
}

/* The engines' programs stand beside the driver's module, or beside this program. */
static int find_programs(struct ft_cli *cli, const struct ft_campaign *campaign,
                         struct ft_subject *subject)
{
    for (int i = 0; i < FT_ENGINE_COUNT; i++) {
        char program[FT_PATH_BYTES];

        if (!campaign->engine[i])
            continue;
        if (subject->path)
            ft_path(subject->programs, "%.*s", (int)(strrchr(subject->path, '/') - subject->path),
                    subject->path);
        if (!subject->path || !has_program(subject, (enum ft_engine)i))
            ft_path(subject->programs, "%s", campaign->programs);
        if (has_program(subject, (enum ft_engine)i))
            continue;
        ft_engine_program(subject, (enum ft_engine)i, program);
        return ft_cli_refuse(cli, FT_NO_DRIVER,
                             "no fuzz target %s (flavour %s is not built; see "
                             "flushtrace_add_fuzz_targets)",
                             strrchr(program, '/') + 1, ft_engine_name((enum ft_engine)i));
    }
    return FT_EXIT_OK;
}

/* "DRIVER", "DRIVER+MUTANT", or a path. */
static int add_subject(struct ft_cli *cli, const struct arguments *a, const char *word,
                       struct ft_campaign *campaign)
{
    struct ft_subject *subject = &campaign->subject[campaign->subject_count];
    const char *plus = strchr(word, '/') ? NULL : strchr(word, '+');
    struct ft_error error = {0};
    char driver[FT_PATH_BYTES];

    if (plus && *a->mutant)
        return ft_cli_refuse(cli, FT_USAGE, "%.60s and --mutant %.40s: which one?", word,
                             a->mutant);
    ft_path(driver, "%.*s", plus ? (int)(plus - word) : (int)strlen(word), word);
    if (ft_cli_module(driver, plus ? plus + 1 : a->mutant, &subject->module, &error) != FT_OK)
        return ft_cli_fail(cli, &error, NULL);
    if (strchr(word, '/') && !(subject->path = realpath(word, NULL)))
        return ft_cli_refuse(cli, FT_NO_FILE, "%s: %s", word, strerror(errno));
    ft_path(subject->folder, "%s/%s%s%s", a->out, subject->module->core,
            *subject->module->mutant ? "+" : "", subject->module->mutant);
    for (unsigned i = 0; i < campaign->subject_count; i++)
        if (strcmp(campaign->subject[i].folder, subject->folder) == 0)
            return ft_cli_refuse(cli, FT_USAGE, "%s stands there twice", word);
    campaign->subject_count++;
    return find_programs(cli, campaign, subject);
}

static bool in_path(const char *program)
{
    const char *folders = getenv("PATH");
    char path[FT_PATH_BYTES];

    while (folders && *folders) {
        size_t length = strcspn(folders, ":");

        snprintf(path, sizeof path, "%.*s/%s", (int)length, folders, program);
        if (access(path, X_OK) == 0)
            return true;
        folders += length + (folders[length] == ':');
    }
    return false;
}

static int prepare(struct ft_cli *cli, const struct arguments *a, struct ft_campaign *campaign)
{
    if (a->platform && ft_cli_platform(a->platform) < 0)
        return ft_cli_refuse(cli, FT_USAGE, "no such platform: %.40s", a->platform);
    if (*a->mutant && a->driver_count > 1)
        return ft_cli_refuse(cli, FT_USAGE, "--mutant is for one driver; write DRIVER+MUTANT");
    for (int i = 0; i < FT_ENGINE_COUNT; i++)
        campaign->engine[i] = a->engine[i];
    if (!a->engine[FT_ENGINE_AFL])
        campaign->engine[FT_ENGINE_LIBFUZZER] = true;
    if (check_words(cli, a, campaign) != FT_EXIT_OK)
        return FT_EXIT_USAGE;
    if (campaign->engine[FT_ENGINE_AFL] && !in_path("afl-fuzz"))
        return ft_cli_refuse(cli, FT_NO_DRIVER, "there is no afl-fuzz in PATH (package afl++)");
    if (!ft_cli_sibling("", campaign->programs, sizeof campaign->programs))
        return ft_cli_refuse(cli, FT_IO, "cannot find my own folder");
    campaign->programs[strlen(campaign->programs) - 1] = '\0';
    for (unsigned i = 0; i < a->driver_count; i++) {
        int status = add_subject(cli, a, a->driver[i], campaign);

        if (status != FT_EXIT_OK)
            return status;
    }
    campaign->platform = a->platform;
    campaign->jobs = (unsigned)a->jobs;
    campaign->seconds = (unsigned)a->seconds;
    campaign->seed = a->seed;
    campaign->stop_at_finding = a->stop;
    campaign->keep_going = a->keep_going;
    campaign->bytes_only = a->bytes;
    campaign->no_shrink = a->no_shrink;
    campaign->known = why_known;
    campaign->progress = ft_fuzz_progress;
    campaign->note = ft_fuzz_note;
    deal_words(a, campaign);
    ft_campaign_deal(campaign);
    if (a->jobs && a->jobs < campaign->jobs)
        ft_cli_note(cli, "%u jobs: one for each driver and engine", campaign->jobs);
    return FT_EXIT_OK;
}

/* An engine that stays away, a finding that does not come again: our own failures. */
static int exit_status(const struct ft_campaign *campaign)
{
    if (campaign->unconfirmed || campaign->engine_failed)
        return FT_EXIT_FAILURE;
    return ft_fuzz_first(campaign) ? FT_EXIT_FINDING : FT_EXIT_OK;
}

int ft_cli_fuzz(struct ft_cli *cli, int argc, char **argv)
{
    static struct ft_campaign campaign;
    struct arguments a = {
        .cli = cli, .mutant = "", .out = "flushtrace-out", .seconds = DEFAULT_SECONDS, .seed = 1};
    struct ft_error error = {0};
    int status;

    baseline = &cli->baseline;
    for (int i = 0; i < argc; i++)
        cli->json |= strcmp(argv[i], "--json") == 0;
    argc = ft_take_engine_words(argc, argv, &a.words);
    setenv("ARGP_HELP_FMT", "rmargin=96,opt-doc-col=30,no-dup-args-note", 0);
    if (argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &a) != 0) {
        if (cli->json)
            ft_cli_print_json(json_pack("{s:s, s:s}", "verdict", "error", "error", "bad usage"));
        return FT_EXIT_USAGE;
    }
    if (a.help)
        return FT_EXIT_OK;
    status = prepare(cli, &a, &campaign);
    if (status != FT_EXIT_OK)
        return status;
    ft_fuzz_report_begin(cli, &campaign);
    if (ft_campaign_run(&campaign, &error) != FT_OK)
        return ft_cli_fail(cli, &error, NULL);
    ft_cli_complain_unused(cli);
    ft_fuzz_summary(cli, &campaign);
    return exit_status(&campaign);
}
