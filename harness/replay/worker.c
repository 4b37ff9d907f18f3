/* A world in a process of its own. */
#define _GNU_SOURCE 1
#include "replay/worker.h"
#include "replay/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CPU_SECONDS = 5, EXIT_NO_WORLD = 3, POLL_MILLISECONDS = 50, IMPATIENT_MICROSECONDS = 50000 };

/* Address space; what no run has used is no memory. */
static size_t log_bytes(void)
{
    return sizeof(struct ft_worker_log) + (size_t)FT_TRACE_EVENTS_MAX * sizeof(struct ft_event);
}

uint64_t ft_worker_capacity(const struct ft_scenario *scenario)
{
    uint64_t events = (uint64_t)FT_WORKER_EVENTS * (1u + scenario->platform.longer);

    return events < FT_TRACE_EVENTS_MAX ? events : FT_TRACE_EVENTS_MAX;
}

/* The events of a long run are not kept for the runs behind it. */
static void release_events(struct ft_worker_log *run)
{
    uintptr_t begin = (uintptr_t)&run->log.event[FT_WORKER_EVENTS];
    uintptr_t end = (uintptr_t)&run->log.event[run->log.count];
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    begin = (begin + page - 1) / page * page;
    if (run->log.count > FT_WORKER_EVENTS && end > begin)
        madvise((void *)begin, end - begin, MADV_REMOVE);
}

struct ft_worker_log *ft_worker_log_map(void)
{
    struct ft_worker_log *log = mmap(NULL, log_bytes(), PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (log == MAP_FAILED)
        return NULL;
    return log;
}

void ft_worker_log_unmap(struct ft_worker_log *log)
{
    munmap(log, log_bytes());
}

/* ---- in the worker's process ---- */

/* The limit is of the whole process, in whole seconds: what it has used before does not count. */
static void limit_cpu(uint32_t seconds)
{
    struct rlimit limit;
    struct rusage usage;

    getrlimit(RLIMIT_CPU, &limit);
    getrusage(RUSAGE_SELF, &usage);
    limit.rlim_cur = (rlim_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + seconds;
    setrlimit(RLIMIT_CPU, &limit);
}

static void be_impatient(void)
{
    struct itimerval every = {{0, IMPATIENT_MICROSECONDS}, {0, IMPATIENT_MICROSECONDS}};

    setitimer(ITIMER_VIRTUAL, &every, NULL);
}

static void be_quiet(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (nowhere < 0)
        return;
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
}

static _Noreturn void serve(const struct ft_worker *worker, int line)
{
    uint32_t seconds = worker->options.cpu_seconds ? worker->options.cpu_seconds : CPU_SECONDS;
    struct ft_worker_log *run = worker->run;
    struct ft_run_options options = {.scenario = &run->scenario};
    struct rlimit none = {0, 0};
    struct ft_session session;
    char byte;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN);
    setrlimit(RLIMIT_CORE, &none);
    limit_cpu(seconds);
    if (!ft_session_open(&session, worker->module, worker->options.keep_going,
                         worker->options.disabled))
        _exit(EXIT_NO_WORLD);
    if (worker->options.quiet)
        be_quiet();
    if (worker->options.impatient)
        be_impatient();
    while (read(line, &byte, 1) == 1) {
        limit_cpu(seconds * (1u + run->scenario.platform.longer));
        options.log = run->recorded ? &run->log : NULL;
        ft_session_run(&session, &options, &run->result, &run->verdict);
        run->finished = true;
        if (write(line, &byte, 1) != 1)
            break;
    }
    _exit(0);
}

/* ---- in ours ---- */

static enum ft_status start(struct ft_worker *worker, struct ft_error *error)
{
    int line[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) != 0)
        return ft_fail(error, FT_IO, 0, "cannot reach a worker: %s", strerror(errno));
    fflush(NULL);
    worker->process = fork();
    if (worker->process == 0) {
        close(line[0]);
        serve(worker, line[1]);
    }
    close(line[1]);
    worker->line = line[0];
    if (worker->process > 0)
        return FT_OK;
    worker->process = 0;
    close(line[0]);
    return ft_fail(error, FT_IO, 0, "cannot start a worker: %s", strerror(errno));
}

/* Waits for the end of the process, which is on its way. */
static int reap(struct ft_worker *worker)
{
    int status = 0;

    while (waitpid(worker->process, &status, 0) < 0 && errno == EINTR)
        ;
    close(worker->line);
    worker->process = 0;
    return status;
}

void ft_worker_restart(struct ft_worker *worker)
{
    if (!worker->process)
        return;
    kill(worker->process, SIGKILL);
    reap(worker);
}

/* Appends what the worker could not say itself. */
static void append_event(struct ft_worker_log *run, enum ft_event_kind kind, unsigned argc,
                         uint64_t a, uint64_t b)
{
    struct ft_event event = {.kind = (uint16_t)kind,
                             .cpu = 0xFF,
                             .layer = FT_LAYER_HARNESS,
                             .argc = (uint8_t)argc,
                             .arg = {a, b}};

    if (run->log.count == run->log.capacity)
        return;
    run->log.event[run->log.count] = event;
    run->log.count = run->log.count + 1;
    run->log.hash = ft_event_hash(run->log.hash, &event);
}

/* The process died in a run. */
static enum ft_status explain_death(struct ft_worker_log *run, int status, struct ft_error *error)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    if (run->finished)
        return FT_OK;
    if (!number)
        return ft_fail(error, FT_INTERNAL, 0, "the worker ended with status %d before the run did",
                       WEXITSTATUS(status));
    /* A worker that had to be stopped, or that died where its own handler could not help. */
    if (number == SIGXCPU || number == SIGKILL)
        append_event(run, FT_EV_RUN_HANG, 1, 3, 0);
    else
        append_event(run, FT_EV_RUN_CRASH, 3, number == SIGABRT ? 5 : 1, (uint64_t)number);
    return FT_OK;
}

static enum ft_status await(struct ft_worker *worker, struct ft_error *error)
{
    struct pollfd line = {.fd = worker->line, .events = POLLIN};
    char byte;

    for (;;) {
        int ready = poll(&line, 1, worker->options.stop ? POLL_MILLISECONDS : -1);

        if (ready > 0)
            break;
        if (worker->options.stop && worker->options.stop(worker->options.context)) {
            ft_worker_restart(worker);
            worker->stopped = true;
            return FT_OK;
        }
    }
    if (recv(worker->line, &byte, 1, 0) == 1)
        return FT_OK;
    return explain_death(worker->run, reap(worker), error);
}

enum ft_status ft_worker_open(struct ft_worker *worker, const struct ft_module *module,
                              const struct ft_worker_options *options, struct ft_error *error)
{
    memset(worker, 0, sizeof *worker);
    worker->module = module;
    worker->options = *options;
    worker->run = ft_worker_log_map();
    return worker->run ? FT_OK : ft_fail(error, FT_NO_MEMORY, 0, "the event log");
}

enum ft_status ft_worker_run(struct ft_worker *worker, const struct ft_scenario *scenario,
                             bool recorded, struct ft_error *error)
{
    enum ft_status status = worker->process ? FT_OK : start(worker, error);
    char byte = 1;

    if (status != FT_OK)
        return status;
    worker->stopped = false;
    worker->run->finished = false;
    worker->run->scenario = *scenario;
    worker->run->recorded = recorded;
    release_events(worker->run);
    worker->run->log.capacity = ft_worker_capacity(scenario);
    worker->run->log.count = worker->run->log.lost = worker->run->log.hash = 0;
    /* Nobody there: the answer tells. */
    (void)!send(worker->line, &byte, 1, MSG_NOSIGNAL);
    return await(worker, error);
}

void ft_worker_close(struct ft_worker *worker)
{
    ft_worker_restart(worker);
    if (worker->run)
        ft_worker_log_unmap(worker->run);
    worker->run = NULL;
}

void ft_worker_judge(const struct ft_worker_log *run, bool keep_going, uint16_t disabled,
                     struct ft_verdict *ret)
{
    struct ft_rules *rules = calloc(1, ft_rules_state_bytes());

    if (!rules)
        abort();
    ft_rules_init(rules, keep_going, disabled);
    for (uint64_t i = 0; i < run->log.count; i++)
        ft_rules_event(rules, &run->log.event[i]);
    ft_rules_verdict(rules, ret);
    free(rules);
}

bool ft_worker_agrees(const struct ft_worker_log *run, const struct ft_verdict *outside)
{
    if (!run->finished || run->log.lost)
        return true;
    return outside->kind == run->verdict.kind &&
           outside->finding_count == run->verdict.finding_count &&
           (outside->finding_count == 0 ||
            outside->finding[0].rule == run->verdict.finding[0].rule);
}
