/* Runs inputs in worker processes and sums what they reached. */
#define _GNU_SOURCE
#include "coverage/coverage.h"
#include "replay/session.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS_MAX = 64, CPU_SECONDS = 20, PROFILE_EVERY = 512, NO_INPUT = -1, POLL_NS = 50000000 };

/* In shared memory; one for each worker, so that none waits for another. */
struct job {
    struct ft_reached reached;
    _Atomic(ssize_t) input; /* that it is running, or NO_INPUT */
};

struct shared {
    atomic_size_t next, done;
    struct job job[];
};

bool ft_coverage_counts_lines(void)
{
    return ft_profile_write != NULL;
}

static struct {
    struct ft_cell_state *cells; /* in the machine's region */
    struct ft_reached *reached;
    uint64_t *count; /* where the last op was counted; a skipped one has not struck */
} tap;

static bool observe(void *state, const struct ft_event *event)
{
    unsigned cell = ft_cell_of_event(state, event);

    if (cell != FT_NO_CELL)
        tap.reached->cell[cell]++;
    switch (event->kind) {
    case FT_EV_OP_FIRED:
        tap.count = &tap.reached->fired[event->arg[1] % FT_OP_SLOTS];
        ++*tap.count;
        break;
    case FT_EV_OP_LATE:
        tap.count = &tap.reached->late[event->arg[1] % FT_OP_SLOTS];
        ++*tap.count;
        break;
    case FT_EV_OP_SKIPPED:
        tap.reached->skipped[event->arg[1] % FT_OP_SLOTS]++;
        if (tap.count != NULL && *tap.count != 0)
            --*tap.count;
        break;
    default:
        break;
    }
    return false;
}

static void note_points(const struct ft_scenario *scenario, const struct ft_met *met,
                        struct ft_reached *reached)
{
    for (unsigned point = 0; point < FT_MET_POINTS; point++)
        reached->met[point] += met->point[0][point] != 0;
    for (unsigned i = 0; i < scenario->op_count; i++)
        if (met->op[i] == FT_MET_FIRED && scenario->op[i].moment.count)
            reached->struck[scenario->op[i].moment.point]++;
}

/* A run takes milliseconds; whole seconds of the processor are a loop that nothing else caught. */
static void limit_cpu(void)
{
    struct rlimit limit;
    struct rusage usage;

    getrlimit(RLIMIT_CPU, &limit);
    getrusage(RUSAGE_SELF, &usage);
    limit.rlim_cur = (rlim_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + CPU_SECONDS;
    setrlimit(RLIMIT_CPU, &limit);
}

static void write_profile(const char *folder)
{
    char path[4096];

    if (!folder || !ft_coverage_counts_lines())
        return;
    snprintf(path, sizeof path, "%s/%d.profraw", folder, (int)getpid());
    (void)ft_profile_write(path);
}

static _Noreturn void work(const struct ft_module *module, const struct ft_inputs *inputs,
                           const char *folder, struct shared *shared, struct job *job)
{
    struct ft_session session;
    struct ft_run_result result;
    struct ft_verdict verdict;
    struct ft_run_options options;
    struct ft_met met;
    unsigned since = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!ft_session_open(&session, module, false, 0))
        _exit(1);
    tap.reached = &job->reached;
    session.tap_state = ft_world_reserve(session.world, sizeof(struct ft_cell_state));
    session.tap = observe;
    for (;;) {
        size_t input = atomic_fetch_add(&shared->next, 1);

        if (input >= inputs->count)
            break;
        job->input = (ssize_t)input;
        options = (struct ft_run_options){.scenario = &inputs->scenario[input], .met = &met};
        limit_cpu();
        ft_session_run(&session, &options, &result, &verdict);
        note_points(options.scenario, &met, &job->reached);
        job->reached.runs++;
        job->reached.verdict[verdict.kind]++;
        job->input = NO_INPUT;
        atomic_fetch_add(&shared->done, 1);
        if (++since == PROFILE_EVERY) {
            since = 0;
            write_profile(folder);
        }
    }
    write_profile(folder);
    _exit(0);
}

static pid_t start(const struct ft_module *module, const struct ft_inputs *inputs,
                   const char *folder, struct shared *shared, struct job *job)
{
    pid_t process;

    fflush(NULL);
    process = fork();
    if (process == 0)
        work(module, inputs, folder, shared, job);
    return process;
}

/* A worker has ended. True: it died in an input, and another one has to go on. */
static bool died(struct job *job, struct shared *shared)
{
    if (job->input == NO_INPUT)
        return false;
    job->input = NO_INPUT;
    job->reached.died++;
    atomic_fetch_add(&shared->done, 1);
    return true;
}

static void add(struct ft_reached *sum, const struct ft_reached *one)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)one;

    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

/* Waits for all; false when a worker could not begin at all. */
static bool wait_for_all(const struct ft_module *module, const struct ft_inputs *inputs,
                         unsigned jobs, const char *folder, bool (*progress)(size_t done),
                         struct shared *shared, pid_t *process)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};
    unsigned busy = jobs;
    bool good = true;

    while (busy) {
        for (unsigned i = 0; i < jobs; i++) {
            int status = 0;

            if (process[i] <= 0 || waitpid(process[i], &status, WNOHANG) == 0)
                continue;
            process[i] = 0;
            if (died(&shared->job[i], shared))
                process[i] = start(module, inputs, folder, shared, &shared->job[i]);
            else
                good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
            good = good && process[i] >= 0;
            busy -= process[i] <= 0;
        }
        if (progress && !progress(shared->done))
            shared->next = inputs->count;
        if (busy)
            nanosleep(&pause, NULL);
    }
    return good;
}

enum ft_status ft_coverage_run(const struct ft_module *module, const struct ft_inputs *inputs,
                               unsigned jobs, const char *folder, bool (*progress)(size_t done),
                               struct ft_reached *ret, struct ft_error *error)
{
    pid_t process[JOBS_MAX] = {0};
    struct shared *shared;
    size_t bytes;
    bool good = true;

    if (jobs > JOBS_MAX)
        jobs = JOBS_MAX;
    if (jobs > inputs->count)
        jobs = inputs->count ? (unsigned)inputs->count : 1;
    bytes = sizeof *shared + jobs * sizeof(struct job);
    shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return ft_fail(error, FT_NO_MEMORY, 0, "no memory for %u workers", jobs);
    for (unsigned i = 0; i < jobs; i++) {
        shared->job[i].input = NO_INPUT;
        process[i] = start(module, inputs, folder, shared, &shared->job[i]);
        good = good && process[i] > 0;
    }
    good = good && wait_for_all(module, inputs, jobs, folder, progress, shared, process);
    memset(ret, 0, sizeof *ret);
    for (unsigned i = 0; i < jobs; i++)
        add(ret, &shared->job[i].reached);
    munmap(shared, bytes);
    return good ? FT_OK : ft_fail(error, FT_INTERNAL, 0, "a worker ended before its inputs did");
}

unsigned ft_coverage_cells(const struct ft_reached *reached, enum ft_cell_class class_,
                           enum ft_cell_phase phase, unsigned *of)
{
    unsigned count = 0;

    *of = 0;
    for (unsigned machine = 0; machine < FT_MACHINE_COUNT; machine++) {
        if (!ft_cell_expected(class_, phase, machine))
            continue;
        ++*of;
        count += reached->cell[ft_cell_number(class_, phase, machine)] != 0;
    }
    return count;
}

unsigned ft_coverage_machine(const struct ft_reached *reached, enum ft_cell_machine machine,
                             unsigned *of)
{
    unsigned count = 0;

    *of = 0;
    for (unsigned number = 0; number < ft_cell_count(); number++) {
        struct ft_cell cell = ft_cell_at(number);

        if (cell.unexpected || cell.machine != machine)
            continue;
        ++*of;
        count += reached->cell[number] != 0;
    }
    return count;
}

unsigned ft_coverage_total(const struct ft_reached *reached, unsigned *of, unsigned *unexpected)
{
    unsigned count = 0;

    *of = *unexpected = 0;
    for (unsigned number = 0; number < ft_cell_count(); number++) {
        bool hit = reached->cell[number] != 0;

        if (ft_cell_at(number).unexpected) {
            *unexpected += hit;
        } else {
            ++*of;
            count += hit;
        }
    }
    return count;
}
