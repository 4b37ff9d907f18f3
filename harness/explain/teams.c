#define _GNU_SOURCE
#include "explain/teams.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STUCK_SECONDS = 8,
    POLL_NANOSECONDS = 2000000,
    IMPATIENT_MICROSECONDS = 50000,
    EXIT_DONE = 0,
    EXIT_NEXT = 7, /* the driver crashed: a fresh process goes on */
    EXIT_NO_WORLD = 3,
    EXIT_KILLED = -1
};

double ft_explain_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

struct ft_explain_board *ft_explain_board_new(void)
{
    void *board = mmap(NULL, sizeof(struct ft_explain_board), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return board == MAP_FAILED ? NULL : board;
}

void ft_explain_board_free(struct ft_explain_board *board)
{
    if (board)
        munmap(board, sizeof *board);
}

/* ---- in the worker ---- */

static void enter_process(void)
{
    struct itimerval every = {{0, IMPATIENT_MICROSECONDS}, {0, IMPATIENT_MICROSECONDS}};
    struct rlimit none = {0, 0};
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the terminal tells us, too; whoever started us decides */
    signal(SIGTERM, SIG_DFL);
    setrlimit(RLIMIT_CORE, &none);
    setitimer(ITIMER_VIRTUAL, &every, NULL);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        close(nowhere);
    }
}

/* The order: as-is, each single preemption, the random ones. False: there are no more. */
static bool draw(const struct ft_unit *unit, uint32_t next, enum ft_way *way, uint32_t *wish)
{
    uint32_t places = unit->places < unit->singles ? unit->places : unit->singles;
    uint32_t singles = unit->how == FT_TRY_ESCAPE ? places * FT_WAY_KINDS : 0;

    *way = next == 0 ? FT_WAY_AS_IS : next <= singles ? FT_WAY_ONE : FT_WAY_RANDOM;
    *wish = next == 0 ? 0 : next <= singles ? next - 1 : next - singles - 1;
    return next == 0 || (unit->how != FT_TRY_AS_IS && next <= singles + unit->random);
}

static void count(struct ft_unit *unit, enum ft_continued how)
{
    if (how == FT_CONTINUED_IDLE)
        return;
    unit->share.runs++;
    unit->share.same += how == FT_CONTINUED_SAME;
    unit->share.clean += how == FT_CONTINUED_CLEAN;
}

/* False: this process has seen a crash that is not the one in question, and is to be left. */
static bool run_unit(struct ft_continuer *continuer, struct ft_explain_board *board,
                     struct ft_explain_seat *seat, struct ft_unit *unit)
{
    enum ft_way way;
    uint32_t wish;

    while (!board->stop && draw(unit, unit->next, &way, &wish)) {
        enum ft_continued how = ft_continue(continuer, unit->share.event, way, wish);

        if (way == FT_WAY_AS_IS) {
            unit->places = ft_continue_places(continuer);
            unit->length = continuer->length;
        }
        count(unit, how);
        unit->next++;
        seat->beat++;
        __atomic_fetch_add(&board->runs, 1, __ATOMIC_RELAXED);
        if (continuer->crashed && how != FT_CONTINUED_SAME)
            return false;
        if (unit->how == FT_TRY_ESCAPE && how == FT_CONTINUED_CLEAN)
            break;
    }
    return true;
}

static int work(const struct ft_explain *explain, struct ft_explain_seat *seat)
{
    static struct ft_continuer continuer;
    struct ft_explain_board *board = explain->board;

    enter_process();
    if (!ft_continuer_open(&continuer, explain->module, explain->trace))
        return EXIT_NO_WORLD;
    while (!board->stop) {
        if (!seat->busy) {
            seat->unit = __atomic_fetch_add(&board->next_unit, 1, __ATOMIC_RELAXED);
            seat->busy = seat->unit < board->units;
        }
        if (!seat->busy)
            break;
        if (!run_unit(&continuer, board, seat, &board->unit[seat->unit]))
            return EXIT_NEXT;
        seat->busy = false;
    }
    return EXIT_DONE;
}

/* ---- here ---- */

static bool start(struct ft_explain *explain, struct ft_explain_seat *seat)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0)
        _exit(work(explain, seat));
    seat->pid = pid > 0 ? pid : 0;
    return pid > 0;
}

/* The continuation killed its process: that is the same finding only when the recorded run did. */
static void bury(const struct ft_explain *explain, struct ft_unit *unit)
{
    const struct ft_trace *trace = explain->trace;
    const struct ft_event *stop = ft_stop_event(trace->event, trace->event_count);

    count(unit, stop && stop->layer == FT_LAYER_HARNESS && stop->site == 0 ? FT_CONTINUED_SAME
                                                                           : FT_CONTINUED_OTHER);
    unit->next++;
}

struct watch {
    uint64_t beat;
    double since;
};

static void watch_seat(struct ft_explain_seat *seat, struct watch *watch)
{
    double now = ft_explain_now();

    if (watch->beat != seat->beat || watch->since == 0)
        *watch = (struct watch){seat->beat, now};
    else if (now - watch->since > STUCK_SECONDS)
        kill(seat->pid, SIGKILL);
}

/* True: the seat is still taken, perhaps by another process. */
static bool look_after(struct ft_explain *explain, struct ft_explain_seat *seat,
                       struct watch *watch)
{
    struct ft_explain_board *board = explain->board;
    int status = 0, ended;

    if (waitpid(seat->pid, &status, WNOHANG) != seat->pid) {
        watch_seat(seat, watch);
        return true;
    }
    seat->pid = 0;
    *watch = (struct watch){0, 0};
    ended = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_KILLED;
    if (ended == EXIT_DONE || ended == EXIT_NO_WORLD)
        return false;
    if (ended != EXIT_NEXT && seat->busy) /* by a signal, or by a sanitizer's own exit */
        bury(explain, &board->unit[seat->unit]);
    return !board->stop && start(explain, seat);
}

static void check_time(struct ft_explain *explain, double began)
{
    explain->elapsed = ft_explain_now() - began;
    explain->runs = explain->board->runs;
    if (explain->board->stop)
        return;
    if (explain->stop && explain->stop(explain->context))
        explain->end = FT_EXPLAIN_STOPPED;
    else if (explain->seconds > 0 && explain->elapsed > explain->seconds)
        explain->end = FT_EXPLAIN_TIME;
    else
        return;
    explain->board->stop = true;
}

bool ft_explain_team(struct ft_explain *explain, double began)
{
    static const struct timespec pause = {0, POLL_NANOSECONDS};
    struct watch watch[FT_EXPLAIN_JOBS_MAX] = {{0, 0}};
    struct ft_explain_board *board = explain->board;
    unsigned alive = 0;

    board->next_unit = 0;
    for (unsigned i = 0; i < explain->jobs && i < board->units; i++) {
        board->seat[i].busy = false;
        alive += start(explain, &board->seat[i]);
    }
    while (alive > 0) {
        nanosleep(&pause, NULL);
        check_time(explain, began);
        if (explain->progress)
            explain->progress(explain->context, explain);
        alive = 0;
        for (unsigned i = 0; i < explain->jobs; i++)
            alive += board->seat[i].pid && look_after(explain, &board->seat[i], &watch[i]);
    }
    check_time(explain, began);
    return !board->stop && board->next_unit >= board->units;
}
