/* The command line: what its verbs share.
 *
 * A verb is one struct ft_verb. main.c finds it, ft_cli_parse reads its arguments (options.c has
 * every option once), and run does the work and returns the exit status. With --json a verb prints
 * exactly one object on standard output (ft_cli_print_json), also when it fails (ft_cli_fail);
 * everything else that is not the answer goes to standard error.
 */
#ifndef FT_CLI_H
#define FT_CLI_H

#include "cli/baseline.h"
#include "replay/execute.h"
#include "status.h"
#include "trace/trace.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses (design, section 8). */
enum ft_exit {
    FT_EXIT_OK = 0,         /* clean; the stored verdict; same */
    FT_EXIT_FINDING = 1,    /* a finding that is not in the baseline; another verdict; different */
    FT_EXIT_DIVERGENCE = 2, /* replay and regress: other events than recorded */
    FT_EXIT_USAGE = 3,      /* bad input or usage */
    FT_EXIT_NO_VERDICT = 4, /* cut, unjudged */
    FT_EXIT_FAILURE = 5     /* our own failure */
};

/* OPTION(SYMBOL, "name", key, "ARGUMENT" or NULL, "description"): key is the short option or 0. */
#define FT_CLI_OPTIONS(OPTION)                                                                     \
    OPTION(SCENARIO, "scenario", 0, "FILE",                                                        \
           "run this scenario: text, or an engine's input (.bytes)")                               \
    OPTION(SEED, "seed", 0, "N", "run the random scenario of this seed")                           \
    OPTION(MUTANT, "mutant", 0, "M", "take this mutant of the driver; none: the sound core")       \
    OPTION(PLATFORM, "platform", 0, "P", "coherent, bounce, noncoherent or iommu")                 \
    OPTION(DRIVER, "driver", 0, "DRIVER",                                                          \
           "take this core or module (a path) instead of the one that the trace names")            \
    OPTION(FLAVOUR, "flavour", 0, "F", "plain, asan or access: the program of that flavour runs")  \
    OPTION(OUTPUT, "output", 'o', "TRACE", "write the trace to this file")                         \
    OPTION(FORMAT, "format", 0, "FORMAT", "html, perfetto, json or ctest")                         \
    OPTION(KEEP_GOING, "keep-going", 'k', NULL, "record violations and run on")                    \
    OPTION(FOLLOW, "follow", 0, NULL,                                                              \
           "run the scenario and compare rule and driver function only, not every event")          \
    OPTION(STOP_AT, "stop-at", 0, "EVENT", "stop (SIGTRAP) before this event, in a debugger")      \
    OPTION(GDB, "gdb", 0, NULL, "run in gdb and stop at the event of the verdict, or --stop-at")   \
    OPTION(AROUND, "around", 0, "EVENT[:RADIUS]", "only events this near (radius 15)")             \
    OPTION(CONTEXT, "context", 0, "RADIUS", "how near --around is")                                \
    OPTION(FROM, "from", 0, "EVENT", "only events from this one on")                               \
    OPTION(TO, "to", 0, "EVENT", "only events up to this one")                                     \
    OPTION(OBJECT, "object", 0, "OBJECT",                                                          \
           "only events that concern this object: irp#3 (repeatable)")                             \
    OPTION(KIND, "kind", 0, "KIND",                                                                \
           "only events whose name begins like this, or fits this pattern: dma:, '*:cancel' "      \
           "(repeatable)")                                                                         \
    OPTION(BASELINE, "baseline", 0, "FILE",                                                        \
           "findings listed there (rule function reason) do not count")                            \
    OPTION(IGNORE, "ignore", 0, "RULE[:FUNCTION]", "this finding does not count (repeatable)")     \
    OPTION(JUNIT, "junit", 0, "FILE", "also write JUnit XML")                                      \
    OPTION(SARIF, "sarif", 0, "FILE", "also write SARIF 2.1.0")                                    \
    OPTION(HTML, "html", 0, "DIR", "also write the annotated sources there")                       \
    OPTION(JOBS, "jobs", 'j', "N", "worker processes (default: one for each processor)")           \
    OPTION(REFRESH, "refresh", 0, NULL, "record every trace again and list changed verdicts")      \
    OPTION(TIME, "time", 0, "S", "end after that many seconds with what there is by then")         \
    OPTION(MODEL, "model", 0, "MODEL", "wdm, kmdf or scsi (wdm)")                                  \
    OPTION(STRATEGY, "strategy", 0, "S",                                                           \
           "sweep (the default), pairs, random, pct:D or exhaustive:K")                            \
    OPTION(POINTS, "points", 0, "SET",                                                             \
           "where a schedule may change: all points, entry (the default) or sync")                 \
    OPTION(CONFIDENCE, "confidence", 0, "PERCENT",                                                 \
           "pct: end when any bug of that depth would have been found with it (99)")               \
    OPTION(FIRST, "first", 0, NULL, "end with the first finding")                                  \
    OPTION(DISTURB, "disturb", 0, "KIND",                                                          \
           "only this disturbance or world choice: an op of a scenario (repeatable)")              \
    OPTION(LIMIT, "limit", 0, "N", "end after that many runs")                                     \
    OPTION(RESUME, "resume", 0, "N", "go on there; a call that was stopped says where")            \
    OPTION(STATE, "state", 0, "FILE",                                                              \
           "pct, exhaustive: keep there what was done, and go on with what is there")              \
    OPTION(EXPLAIN, "explain", 0, NULL,                                                            \
           "mark the point of no return (runs the driver: see flushtrace explain)")                \
    OPTION(FULL, "full", 0, NULL, "print the points without a finding, too")                       \
    OPTION(NO_PAGER, "no-pager", 0, NULL, "print to the terminal at once")                         \
    OPTION(COLOUR, "colour", 0, "WHEN", "auto (on a terminal), always or never")                   \
    OPTION(COLOR, "color", 0, "WHEN", "the same")                                                  \
    OPTION(JSON, "json", 0, NULL, "print exactly one JSON object on standard output")

enum ft_cli_option {
#define OPTION(symbol, name, key, argument, description) FT_OPT_##symbol,
    FT_CLI_OPTIONS(OPTION)
#undef OPTION
        FT_OPT_COUNT
};

#define FT_OPT(symbol) ((uint64_t)1 << FT_OPT_##symbol)

enum { FT_JOBS_LIMIT = 64, FT_AROUND_RADIUS = 15, FT_FILTERS_MAX = 16 };

/* What an option that may be given several times was given. */
struct ft_words {
    const char *word[FT_FILTERS_MAX];
    unsigned count;
};

/* Every verb takes these. */
#define FT_OPTIONS_COMMON (FT_OPT(NO_PAGER) | FT_OPT(COLOUR) | FT_OPT(COLOR))

struct ft_verb;

/* The arguments of one call. Strings are borrowed from argv. */
struct ft_cli {
    const char *program; /* as typed */
    const struct ft_verb *verb;
    char **typed; /* argv of the whole call, for the flavour's program */
    char **argument;
    int argument_count;
    const char *scenario, *mutant, *platform, *driver, *flavour, *output;
    const char *junit, *sarif, *html, *baseline_path, *model, *strategy, *format;
    const char *points, *confidence, *state;
    struct ft_words object, kind, disturb;
    bool json, keep_going, follow, gdb, refresh, seed_given, no_pager, radius_given, full, explain;
    bool first;
    uint64_t seed, stop_at, around, radius, from, to;
    uint64_t limit, resume;
    uint64_t seconds; /* --time, 0: not given */
    unsigned jobs;    /* 0: as many as there are processors */
    struct ft_baseline baseline;
};

struct ft_verb {
    const char *name;
    const char *sentence;
    const char *arguments; /* "DRIVER", "" for none */
    const char *details;   /* help after the options: what it does, exit status, examples */
    const char *output, *output_help; /* of -o, when it is no trace; NULL: as in FT_CLI_OPTIONS */
    uint64_t options; /* FT_OPT bits; those of FT_OPTIONS_COMMON need not be named */
    int arguments_min, arguments_max;
    int (*run)(struct ft_cli *cli); /* NULL: not built yet */
};

extern const struct ft_verb ft_verb_drivers, ft_verb_rules, ft_verb_ops, ft_verb_points;
extern const struct ft_verb ft_verb_run, ft_verb_replay, ft_verb_show, ft_verb_check, ft_verb_diff;
extern const struct ft_verb ft_verb_shrink, ft_verb_regress, ft_verb_new, ft_verb_coverage,
    ft_verb_explore, ft_verb_corpus, ft_verb_export, ft_verb_explain;

/* ---- options.c ---- */

/* Reads argv[1..] of a verb (argv[0] is "flushtrace VERB"). True: go on. False: *exit_status says
 * how the program ends (--help, bad usage). */
bool ft_cli_parse(struct ft_cli *cli, int argc, char **argv, int *exit_status);

/* ---- answer.c ---- */

/* Says what went wrong on standard error (and as JSON object), and gives the exit status for it.
 * `file` is the input concerned, NULL for none. */
int ft_cli_fail(const struct ft_cli *cli, const struct ft_error *error, const char *file);

/* The same for a sentence of one's own. */
int ft_cli_refuse(const struct ft_cli *cli, enum ft_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints the object and releases it. */
void ft_cli_print_json(json_t *object);

/* A remark on standard error: "flushtrace VERB: …". */
void ft_cli_note(const struct ft_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Exit status of a verdict for run and check, after baseline and --ignore. When every finding is
 * known, *known is the reason of the first, else NULL. */
int ft_cli_judge(struct ft_cli *cli, const struct ft_trace *trace, const char **known);

/* Says which baseline entries were not used. */
void ft_cli_complain_unused(const struct ft_cli *cli);

/* ---- pager.c ---- */

/* Text on standard output, through $PAGER (less -R -F -X) when that is a terminal and --no-pager
 * was not given. End with ft_cli_page_end. A reader who quits early is no failure: writing stops
 * with ferror(out). */
FILE *ft_cli_page_begin(const struct ft_cli *cli);
void ft_cli_page_end(const struct ft_cli *cli, FILE *out);

/* ---- subjects.c ---- */

/* Finds a driver by core name or loads it from a path (one with '/'), and its mutant ("none" or
 * "": the sound core). */
enum ft_status ft_cli_module(const char *driver, const char *mutant, const struct ft_module **ret,
                             struct ft_error *error);

/* The module that a trace was recorded on, or --driver, or --mutant. *other: not the recorded one,
 * so strict replay is out. */
enum ft_status ft_cli_trace_module(const struct ft_cli *cli, const struct ft_trace *trace,
                                   const struct ft_module **ret, bool *other,
                                   struct ft_error *error);

/* Number of a preset's name, or -1. */
int ft_cli_platform(const char *name);

/* Reads a trace and cleans its texts. A trace that was cut off is given back with
 * complete false and the verdict of the events that are there. */
enum ft_status ft_cli_read_trace(const char *path, struct ft_trace *ret, struct ft_error *error);

/* Sees that a file can be written there, before the work is done that it is for. */
enum ft_status ft_cli_check_output(const char *path, struct ft_error *error);

/* Reads a scenario file: text (error->offset is the line), or bytes if its name ends in .bytes. */
enum ft_status ft_cli_read_scenario(const char *path, struct ft_scenario *ret,
                                    struct ft_error *error);

/* The scenario that run and explore begin with: --scenario, --seed or the driver's default, on
 * --platform when that is given. FT_EXIT_OK, or the exit status of what was refused. */
int ft_cli_scenario(const struct ft_cli *cli, const struct ft_module *module,
                    struct ft_scenario *ret);

/* ---- flavour.c ---- */

/* The flavour of the modules of this program. */
const char *ft_cli_own_flavour(void);

/* Path of a program beside this one. False: it cannot be told. */
bool ft_cli_sibling(const char *name, char *path, size_t capacity);

/* Runs the program of cli->flavour in our place; returns 0 when this program is it already, else an
 * exit status. */
int ft_cli_enter_flavour(const struct ft_cli *cli);

/* The same call again, by the program of that flavour: what only it sees. Returns when that fails.
 */
int ft_cli_take_flavour(struct ft_cli *cli, const char *flavour);

/* ---- rerun.c ---- */

/* A command line under construction; words are quoted for a shell. */
struct ft_command {
    char text[2048];
    size_t length;
};

/* Begins with the program as typed and the verb, and --flavour when one was given. */
void ft_command_begin(struct ft_command *command, const struct ft_cli *cli, const char *verb);
void ft_command_word(struct ft_command *command, const char *word);
/* Nothing when value is NULL. */
void ft_command_option(struct ft_command *command, const char *option, const char *value);

/* The command that replays a trace file. */
void ft_command_replay(struct ft_command *command, const struct ft_cli *cli, const char *path);

/* The same for the trace that is the verb's argument: with the module and the flavour it needs. */
void ft_command_replay_of(struct ft_command *command, const struct ft_cli *cli,
                          const struct ft_trace *trace);

#endif
