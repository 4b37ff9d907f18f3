/* A fuzz campaign: engine processes on one corpus, findings made into traces while it runs.
 *
 * On disk, below `folder` (all of it survives kill -9; starting again goes on from it):
 *     corpus/     the engine's inputs (scenario bytes)
 *     pending/    findings that the engines wrote and nobody has re-run yet
 *     findings/   one trace per distinct finding (rule and driver function)
 *     log/        what the engines printed
 */
#ifndef FT_CAMPAIGN_H
#define FT_CAMPAIGN_H

#include "sim/module.h"
#include "status.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum ft_engine { FT_ENGINE_LIBFUZZER, FT_ENGINE_AFL };
enum { FT_JOBS_MAX = 32, FT_CAMPAIGN_FINDINGS_MAX = 256 };

struct ft_campaign_finding {
    struct ft_verdict verdict;
    double seconds; /* after the start of the campaign */
    bool fresh;     /* found by this campaign, not by an earlier one */
    bool known;     /* in the baseline or ignored: it does not count */
    char path[768];
};

struct ft_campaign {
    /* what to do */
    const struct ft_module *module;
    enum ft_engine engine;
    const char *platform; /* NULL: the scenarios' own */
    unsigned jobs, seconds;
    uint64_t seed;
    bool stop_at_finding, bytes_only;
    char folder[256];
    char programs[256]; /* where the engines' executables are */
    char **passed;      /* flags for the engine, NULL-terminated */
    bool (*is_known)(
        const struct ft_verdict *verdict); /* findings that do not count; may be NULL */

    /* how it goes */
    pid_t job[FT_JOBS_MAX];
    double start;
    uint64_t executions;
    uint64_t corpus;
    bool interrupted, engine_failed;
    unsigned finding_count;
    struct ft_campaign_finding finding[FT_CAMPAIGN_FINDINGS_MAX];
};

/* Runs until the time is up, the first finding (stop_at_finding) or Ctrl-C. `progress` is called
 * about five times a second. */
enum ft_status ft_campaign_run(struct ft_campaign *campaign,
                               void (*progress)(const struct ft_campaign *campaign),
                               struct ft_error *error);

/* Seconds since an arbitrary start; the campaign's clock, never the world's. */
double ft_campaign_now(void);

/* engines.c: starts job i of a campaign as a process that dies with us; reads how many executions
 * it has done. */
enum ft_status ft_engine_start(struct ft_campaign *campaign, unsigned job, struct ft_error *error);
uint64_t ft_engine_executions(const struct ft_campaign *campaign, unsigned job);
const char *ft_engine_name(enum ft_engine engine);

/* The log file of a job. */
void ft_engine_log(const struct ft_campaign *campaign, unsigned job, char *path, size_t capacity);

#endif
