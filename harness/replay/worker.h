/* A worker: a world in a process of its own, so that whatever the driver does to its process ends
 * there.
 *
 * Order of calls: ft_worker_open; ft_worker_run for each scenario, after each of which worker->run
 * says how it went; ft_worker_close. The process is started at the first run, lives on from run to
 * run (and so begins warm), and is started again when a run has killed it. Its events are in memory
 * that both share, so a recorded run that ends in its death is judged all the same. It ends with
 * the process that opened it, and leaves Ctrl-C to that one.
 */
#ifndef FT_WORKER_H
#define FT_WORKER_H

#include "sim/module.h"
#include "sim/world.h"
#include "status.h"
#include "trace/trace.h"
#include "verdict.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One run, in shared memory. */
struct ft_worker_log {
    struct ft_scenario scenario;
    bool recorded;          /* cold and with its events; else warm if it can be, and without */
    volatile bool finished; /* false: the process died; the last event of a recorded run says how */
    struct ft_run_result result;
    struct ft_verdict verdict; /* the worker's own; see ft_worker_judge */
    struct ft_event_log log;   /* the events follow */
};

struct ft_worker_options {
    bool keep_going;      /* record violations and run on */
    bool quiet;           /* what the process prints, sanitizer reports too, goes nowhere */
    bool impatient;       /* a loop without points is a hang after 0.1 s of CPU time, not 2 s */
    uint16_t disabled;    /* rule that must not judge, 0: none */
    uint32_t cpu_seconds; /* host CPU time before a run is a hang (longer runs have more); 0: 5 */
    /* Asked while a run lasts, about 20 times a second: true gives the run up. May be NULL. */
    bool (*stop)(void *context);
    void *context;
};

struct ft_worker {
    const struct ft_module *module;
    struct ft_worker_options options;
    struct ft_worker_log *run;
    pid_t process; /* 0: not started */
    int line;      /* to and from the process: a byte to begin a run, a byte when it is done */
    bool stopped;  /* the last run was given up */
};

/* Events of a run that is as long as runs are (see ft_worker_capacity). */
enum { FT_WORKER_EVENTS = 1 << 19 };

/* How many events of a run can be recorded: more when its platform says that it may be longer, and
 * never more than a trace holds. */
uint64_t ft_worker_capacity(const struct ft_scenario *scenario);

/* The log alone, for a run in this process. NULL: no memory. */
struct ft_worker_log *ft_worker_log_map(void);
void ft_worker_log_unmap(struct ft_worker_log *log);

enum ft_status ft_worker_open(struct ft_worker *worker, const struct ft_module *module,
                              const struct ft_worker_options *options, struct ft_error *error);

/* FT_OK also when the driver killed the process (worker->run->finished is false), or the run was
 * given up (worker->stopped). */
enum ft_status ft_worker_run(struct ft_worker *worker, const struct ft_scenario *scenario,
                             bool recorded, struct ft_error *error);

/* Ends the process; the next run begins in a new one. */
void ft_worker_restart(struct ft_worker *worker);
void ft_worker_close(struct ft_worker *worker);

/* Judges the events of a recorded run once more, here: a verdict never rests on the process that
 * the driver ran in. */
void ft_worker_judge(const struct ft_worker_log *run, bool keep_going, uint16_t disabled,
                     struct ft_verdict *ret);

/* True when both verdicts come from the same rules over the same events. */
bool ft_worker_agrees(const struct ft_worker_log *run, const struct ft_verdict *outside);

#endif
