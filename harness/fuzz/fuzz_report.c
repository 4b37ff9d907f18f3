/* What a campaign says to people: progress, findings as they come, the summary. */
#define _GNU_SOURCE
#include "fuzz/cli_fuzz.h"
#include "fuzz/campaign/reach.h"
#include "report/colour.h"
#include "rules/rules.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    SECONDS_A_LINE = 10,
    COLUMNS = 100,
    QUIET_SECONDS = 10,
    NAME_COLUMNS = 14,
    POINTS_SHOWN = 12
};

static const struct ft_cli *speaker;
static bool terminal;
static unsigned said; /* findings that were said as they came */

const char *ft_fuzz_finding_name(const struct ft_campaign_finding *finding)
{
    const struct ft_verdict *verdict = &finding->verdict;
    const struct ft_rule_row *rule =
        verdict->finding_count ? ft_rule_by_number(verdict->finding[0].rule) : NULL;

    return rule ? rule->id : ft_verdict_name(verdict->kind);
}

const char *ft_fuzz_finding_function(const struct ft_campaign_finding *finding)
{
    return finding->function;
}

void ft_fuzz_replay_command(const struct ft_cli *cli, const struct ft_campaign_finding *finding,
                            struct ft_command *command)
{
    struct ft_cli replaying = {.program = cli->program, .driver = finding->subject->path};

    if (strcmp(finding->flavour, finding->subject->module->flavour) != 0)
        replaying.flavour = finding->flavour;
    ft_command_replay(command, &replaying, finding->path);
}

const struct ft_campaign_finding *ft_fuzz_first(const struct ft_campaign *campaign)
{
    for (unsigned i = 0; i < campaign->finding_count; i++)
        if (!campaign->finding[i].known)
            return &campaign->finding[i];
    return NULL;
}

static unsigned count_that_count(const struct ft_campaign *campaign)
{
    unsigned count = 0;

    for (unsigned i = 0; i < campaign->finding_count; i++)
        count += !campaign->finding[i].known;
    return count;
}

static uint64_t inputs(const struct ft_campaign *campaign, bool at_begin)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < campaign->subject_count; i++)
        count += at_begin ? campaign->subject[i].inputs_begun : campaign->subject[i].inputs;
    return count;
}

static void print_names(const struct ft_campaign *campaign, FILE *out)
{
    for (unsigned i = 0; i < campaign->subject_count; i++) {
        const struct ft_module *module = campaign->subject[i].module;

        fprintf(out, "%s%s%s%s", i ? ", " : "", module->core, *module->mutant ? "+" : "",
                module->mutant);
    }
}

/* "42 s", "1:30:00". Two of them fit into one line. */
static const char *clock_text(double seconds)
{
    static char text[2][32];
    static unsigned turn;
    char *ret = text[turn++ % 2];
    unsigned whole = (unsigned)seconds;

    if (whole < 3600)
        snprintf(ret, sizeof text[0], "%u s", whole);
    else
        snprintf(ret, sizeof text[0], "%u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
    return ret;
}

void ft_fuzz_report_begin(const struct ft_cli *cli, const struct ft_campaign *campaign)
{
    unsigned jobs[FT_ENGINE_COUNT] = {0};

    speaker = cli;
    terminal = isatty(STDERR_FILENO) != 0;
    said = 0;
    if (cli->json)
        return;
    for (unsigned i = 0; i < campaign->jobs; i++)
        jobs[campaign->job[i].engine]++;
    fputs("fuzzing ", stderr);
    print_names(campaign, stderr);
    fprintf(stderr, " for %s:", clock_text(campaign->seconds));
    for (int i = 0; i < FT_ENGINE_COUNT; i++)
        if (jobs[i])
            fprintf(stderr, " %u x %s", jobs[i], ft_engine_name((enum ft_engine)i));
    fputs(terminal ? "; Ctrl-C ends it\n" : "\n", stderr);
}

static void clear_line(void)
{
    if (terminal && !speaker->json)
        fputs("\r\033[K", stderr);
}

void ft_fuzz_note(const char *text)
{
    clear_line();
    ft_cli_note(speaker, "%s", text);
}

static void print_finding(const struct ft_campaign_finding *finding, FILE *out)
{
    const char *function = ft_fuzz_finding_function(finding);
    bool colour = ft_colour_wanted(out);
    char when[32] = "earlier";

    if (finding->fresh)
        snprintf(when, sizeof when, "%.1f s", finding->seconds);
    fprintf(out, "  %9s  %s%s%s%s%s", when,
            ft_colour(colour, finding->known ? FT_COLOUR_DIM : FT_COLOUR_BAD),
            ft_fuzz_finding_name(finding), ft_colour(colour, FT_COLOUR_NONE),
            *function ? "  in " : "", function);
    if (finding->known)
        fprintf(out, "  (known: %s)", finding->known);
    fprintf(out, "\n             ");
    if (finding->shrink == FT_SHRINK_DONE && finding->ops < finding->ops_found)
        fprintf(out, "%u ops, of %u  ", finding->ops, finding->ops_found);
    else
        fprintf(out, "%u ops%s  ", finding->ops,
                finding->shrink == FT_SHRINK_DUE ? ", not shrunk yet" : "");
    fprintf(out, "%s\n", finding->path);
}

/* "1234567" as people read it. */
static const char *rate(double a_second)
{
    static char text[32];

    if (a_second >= 10000)
        snprintf(text, sizeof text, "%.1f k/s", a_second / 1000);
    else
        snprintf(text, sizeof text, "%.0f/s", a_second);
    return text;
}

/* Since when nothing is new: worth a word when that is long, and long for this campaign. */
static bool on_plateau(const struct ft_campaign *campaign, double *since)
{
    double seconds = ft_campaign_seconds(campaign);

    *since = campaign->last_new - campaign->start;
    return seconds - *since >= QUIET_SECONDS && seconds - *since >= seconds / 4;
}

static int columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return COLUMNS;
    return size.ws_col;
}

static void print_line(const struct ft_campaign *campaign, double seconds)
{
    unsigned findings = count_that_count(campaign);
    char line[256], quiet[64] = "";
    double since;

    if (on_plateau(campaign, &since))
        snprintf(quiet, sizeof quiet, "  nothing new since %s", clock_text(since));
    snprintf(line, sizeof line, "  %s of %s  %llu runs  %s  corpus %llu  %u finding%s%s",
             clock_text(seconds), clock_text(campaign->seconds),
             (unsigned long long)campaign->executions,
             rate(seconds > 0 ? (double)campaign->executions / seconds : 0),
             (unsigned long long)inputs(campaign, false), findings, findings == 1 ? "" : "s",
             quiet);
    if (terminal)
        fprintf(stderr, "\r\033[K%.*s", columns() - 1, line);
    else
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
}

void ft_fuzz_progress(const struct ft_campaign *campaign)
{
    static double last;
    double seconds = ft_campaign_seconds(campaign);

    if (speaker->json)
        return;
    for (; said < campaign->finding_count; said++) {
        const struct ft_campaign_finding *finding = &campaign->finding[said];
        const char *function = ft_fuzz_finding_function(finding);

        if (!finding->fresh)
            continue;
        clear_line();
        fprintf(stderr, "%5.1f s  %s%s%s%s\n", finding->seconds, ft_fuzz_finding_name(finding),
                *function ? "  in " : "", function, finding->known ? "  (known)" : "");
    }
    if (!terminal && (seconds - last < SECONDS_A_LINE || campaign->end > 0))
        return;
    last = seconds;
    print_line(campaign, seconds);
}

static void print_jobs(const struct ft_campaign *campaign, double seconds)
{
    for (unsigned i = 0; i < campaign->jobs; i++) {
        const struct ft_job *job = &campaign->job[i];
        struct ft_job_figures figures;

        ft_job_figures(job, &figures);
        printf("  %-*s", NAME_COLUMNS, ft_job_name(job));
        if (campaign->subject_count > 1)
            printf("%-*s", NAME_COLUMNS, job->subject->module->core);
        printf("%10llu runs  %10s  corpus %-6llu  edges %-5llu",
               (unsigned long long)figures.executions,
               rate(seconds > 0 ? (double)figures.executions / seconds : 0),
               (unsigned long long)figures.corpus, (unsigned long long)figures.coverage);
        if (*figures.stability)
            printf("  stability %s", figures.stability);
        if (job->restarts)
            printf("  started again %u times", job->restarts);
        fputs(job->failed ? "  stayed away\n" : "\n", stdout);
    }
}

static void print_findings(const struct ft_campaign *campaign)
{
    if (campaign->finding_count)
        fputs("\nfindings\n", stdout);
    for (int known = 0; known < 2; known++)
        for (unsigned i = 0; i < campaign->finding_count; i++)
            if ((campaign->finding[i].known != NULL) == known)
                print_finding(&campaign->finding[i], stdout);
}

/* A list of names behind a heading, wrapped. */
struct list {
    unsigned count, column;
};

static void list_name(struct list *list, const char *heading, const char *name)
{
    enum { INDENT = 26 };
    size_t length = strlen(name);

    if (list->count++ == 0) {
        printf("  %-*s", INDENT - 2, heading);
        list->column = INDENT;
    } else if (list->column + length + 3 > COLUMNS) {
        printf(",\n%*s", INDENT, "");
        list->column = INDENT;
    } else {
        fputs(", ", stdout);
        list->column += 2;
    }
    fputs(name, stdout);
    list->column += (unsigned)length;
}

static void print_ops_not_fired(const struct ft_subject *subject)
{
    struct list list = {0};

    for (unsigned kind = 0; kind < FT_OP_SLOTS; kind++)
        if (ft_reach_expects(subject, kind) && !subject->reached.fired[kind])
            list_name(&list, "ops that never fired", ft_op_row(kind)->name);
    fputs(list.count ? "\n" : "", stdout);
}

static void print_points_not_struck(const struct ft_subject *subject)
{
    struct list list = {0};
    unsigned met = 0, missed = 0;

    for (unsigned point = 0; point < FT_MET_POINTS; point++) {
        met += subject->reached.met[point] != 0 && point != FT_PT_ANY;
        if (!ft_reach_missed(subject, point))
            continue;
        if (++missed <= POINTS_SHOWN)
            list_name(&list, "points never struck at", ft_point_name(point));
    }
    if (missed > POINTS_SHOWN)
        printf(", and %u more", missed - POINTS_SHOWN);
    if (missed)
        printf(" (of %u that it meets)\n", met);
}

/* What nobody has tried is not known to be right. */
static void print_not_reached(const struct ft_subject *subject)
{
    unsigned cells, unexpected, reached = ft_coverage_total(&subject->reached, &cells, &unexpected);

    if (!subject->reached.runs)
        return;
    printf("\nnot reached by the corpus of %s%s%s (%llu inputs%s)\n", subject->module->core,
           *subject->module->mutant ? "+" : "", subject->module->mutant,
           (unsigned long long)subject->reached.runs,
           subject->reached_whole ? "" : " of it were run");
    print_ops_not_fired(subject);
    print_points_not_struck(subject);
    printf("  %-24s%u of %u; see flushtrace coverage %s %s\n", "state cells", cells - reached,
           cells, subject->path ? subject->path : subject->module->core, subject->folder);
}

/* The same words again go on with it. */
static void continue_command(const struct ft_cli *cli, struct ft_command *command)
{
    command->length = 0;
    for (char **word = cli->typed; *word; word++)
        ft_command_word(command, *word);
}

void ft_fuzz_summary(const struct ft_cli *cli, const struct ft_campaign *campaign)
{
    const struct ft_campaign_finding *first = ft_fuzz_first(campaign);
    double seconds = ft_campaign_seconds(campaign), since;
    unsigned findings = count_that_count(campaign);
    struct ft_command next = {.length = 0};

    if (first)
        ft_fuzz_replay_command(cli, first, &next);
    else
        continue_command(cli, &next);
    if (cli->json) {
        ft_fuzz_json(cli, campaign, next.text);
        return;
    }
    clear_line();
    fflush(stderr);
    fputs("fuzzed ", stdout);
    print_names(campaign, stdout);
    printf(" for %.1f s%s\n", seconds, campaign->interrupted ? " (interrupted)" : "");
    printf("  %llu runs (%s), corpus %llu (%llu new), %u finding%s\n",
           (unsigned long long)campaign->executions,
           rate(seconds > 0 ? (double)campaign->executions / seconds : 0),
           (unsigned long long)inputs(campaign, false),
           (unsigned long long)(inputs(campaign, false) - inputs(campaign, true)), findings,
           findings == 1 ? "" : "s");
    print_jobs(campaign, seconds);
    if (on_plateau(campaign, &since))
        printf("  nothing new since %s: no input that reaches more, no finding\n",
               clock_text(since));
    if (campaign->unconfirmed)
        printf("  %u finding%s of an engine did not come again, and should have: own failure\n",
               campaign->unconfirmed, campaign->unconfirmed == 1 ? "" : "s");
    print_findings(campaign);
    for (unsigned i = 0; i < campaign->subject_count; i++)
        print_not_reached(&campaign->subject[i]);
    printf("\n%s\n%s\n", first ? "run the first finding again with" : "go on with", next.text);
}
