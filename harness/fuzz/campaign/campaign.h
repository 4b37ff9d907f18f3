/* A fuzz campaign: engine processes on one corpus for each driver, findings made into traces while
 * it runs.
 *
 * On disk, below the folder of each driver (all of it survives kill -9; starting again goes on from
 * it):
 *     corpus/     inputs that every engine shares (scenario bytes, named by their content)
 *     catalogue   the points that the driver was seen to meet (scenario/mutate/catalogue.h)
 *     afl/        what AFL++ keeps, one folder per job
 *     pending/    findings that the engines wrote and nobody has re-run yet
 *     findings/   one trace per distinct finding (rule and driver function)
 *     unshrunk/   the names of those that are as they were found, an empty file each
 *     gone/       findings of an earlier build that this one does not have any more
 *     log/        what the engines printed, and how often they ran
 *     lock        held while a campaign is at work there
 *
 * Whatever another process may read appears by rename: nothing is ever half written. The catalogue
 * is written in place, and whoever reads it expects anything.
 */
#ifndef FT_CAMPAIGN_H
#define FT_CAMPAIGN_H

#include "coverage/coverage.h"
#include "sim/module.h"
#include "status.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum ft_engine { FT_ENGINE_LIBFUZZER, FT_ENGINE_AFL, FT_ENGINE_COUNT };

enum {
    FT_JOBS_MAX = 64,
    FT_SUBJECTS_MAX = 16,
    FT_CAMPAIGN_FINDINGS_MAX = 256,
    FT_PATH_BYTES = 1024,
    FT_RESTARTS_MAX = 5,      /* of one job that dies */
    FT_SHRINK_GRACE = 5,      /* seconds after the time limit that a finding may still shrink */
    FT_INPUT_BYTES_MAX = 1024 /* of a scenario that an engine makes */
};

/* A driver in a campaign. */
struct ft_subject {
    const struct ft_module *module;
    const char *path; /* the module's file, NULL: linked into this program */
    char folder[FT_PATH_BYTES];
    char programs[FT_PATH_BYTES]; /* where the executables of its engines are */
    int lock;
    uint64_t inputs;           /* files in corpus/ */
    uint64_t inputs_begun;     /* of those, there before the campaign */
    struct ft_reached reached; /* by the corpus, when the campaign has ended */
    bool reached_whole;        /* the whole corpus was run for that */
};

/* An engine's process. */
struct ft_job {
    struct ft_subject *subject;
    enum ft_engine engine;
    unsigned number; /* among the jobs of this engine on this driver */
    pid_t pid;       /* 0: not running */
    unsigned restarts;
    double restart_at; /* 0: not going to */
    bool finished;     /* ended by itself, as its own flags asked */
    bool failed;       /* died and was not started again */
    uint64_t exported; /* AFL++: queue entries looked at, for the shared corpus */
    unsigned crashes;  /* AFL++: inputs that took the target down */
};

enum ft_shrink_state { FT_SHRINK_NOT, FT_SHRINK_DUE, FT_SHRINK_RUNNING, FT_SHRINK_DONE };

struct ft_campaign_finding {
    const struct ft_subject *subject;
    struct ft_verdict verdict; /* finding[0] is what this one is about */
    uint32_t index;            /* of it in the trace's own verdict: not 0 when the run went on */
    char function[FT_FUNCTION_MAX]; /* of the driver, "" when it is not known */
    double seconds;                 /* after the start of the campaign */
    uint64_t executions;            /* of all jobs, when it was found */
    uint16_t ops, ops_found;        /* of the scenario now, and as it was found */
    uint64_t events, hash;
    char platform[32];
    char flavour[16];
    bool fresh;        /* found by this campaign, not by an earlier one */
    const char *known; /* why it does not count (baseline, --ignore), NULL: it does */
    enum ft_shrink_state shrink;
    char path[FT_PATH_BYTES];
};

struct ft_campaign {
    /* what to do */
    struct ft_subject subject[FT_SUBJECTS_MAX];
    unsigned subject_count;
    bool engine[FT_ENGINE_COUNT]; /* which take part */
    const char *platform;         /* NULL: the scenarios' own */
    unsigned jobs, seconds;
    uint64_t seed;
    bool stop_at_finding, keep_going, bytes_only, no_shrink;
    char programs[FT_PATH_BYTES];   /* this program's own folder */
    char **passed[FT_ENGINE_COUNT]; /* flags for an engine, NULL-terminated; or NULL */
    /* Why a finding does not count; a crash has that function. */
    const char *(*known)(const struct ft_verdict *verdict, const char *function);

    /* how to talk; both may be called at any time while the campaign runs */
    void (*progress)(const struct ft_campaign *campaign); /* about five times a second */
    void (*note)(const char *text);                       /* something to know, one line */

    /* how it goes */
    struct ft_job job[FT_JOBS_MAX];
    double start, end;   /* end 0: it runs */
    double last_new;     /* when an input or a finding came that is new */
    uint64_t executions; /* of all jobs */
    bool interrupted, engine_failed;
    unsigned unconfirmed; /* findings of an engine that did not come again */
    unsigned finding_count;
    struct ft_campaign_finding finding[FT_CAMPAIGN_FINDINGS_MAX];
};

/* Deals the jobs out, in turn, over drivers and engines: at least one for each. Call when subjects,
 * engines and jobs are set. */
void ft_campaign_deal(struct ft_campaign *campaign);

/* Runs until the time is up, the first finding (stop_at_finding), the engines' own end, or Ctrl-C
 * (a second one ends the program at once). FT_USAGE: another campaign is at work in the folder. */
enum ft_status ft_campaign_run(struct ft_campaign *campaign, struct ft_error *error);

/* Seconds since an arbitrary start; the campaign's clock, never the world's. */
double ft_campaign_now(void);

/* Seconds that the campaign has run, until it ended. */
double ft_campaign_seconds(const struct ft_campaign *campaign);

const char *ft_engine_name(enum ft_engine engine);

/* "libfuzzer-0", the name of a job's files. Until the next call. */
const char *ft_job_name(const struct ft_job *job);

/* What a job has done: its own counter, and what the engine says of itself (0 or "" where it has
 * not said anything yet). */
struct ft_job_figures {
    uint64_t executions;
    uint64_t corpus;    /* inputs that this process keeps */
    uint64_t coverage;  /* libFuzzer: edges of the driver; AFL++: edges of the target */
    char stability[16]; /* AFL++: "100.00%" */
};

void ft_job_figures(const struct ft_job *job, struct ft_job_figures *ret);

#endif
