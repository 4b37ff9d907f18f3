#define _GNU_SOURCE
#include "explore/crew.h"

#include "explore/explore.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STUCK_SECONDS = 8, /* of processor time in one cell: more than the world needs to see a loop */
    POLL_NANOSECONDS = 20000000,
    EXIT_DONE = 0,
    EXIT_NEXT = 7, /* the driver crashed: a fresh process goes on */
    EXIT_NO_WORLD = 3
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

struct ft_board *ft_board_new(void)
{
    void *board = mmap(NULL, sizeof(struct ft_board), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return board == MAP_FAILED ? NULL : board;
}

void ft_board_free(struct ft_board *board)
{
    if (board)
        munmap(board, sizeof *board);
}

/* ---- in the worker ---- */

bool ft_worker_stopped(const struct ft_worker *worker)
{
    struct ft_board *board = worker->explore->board;
    uint64_t limit = worker->explore->limit;

    if (worker->explore->first && board->found)
        board->stop = FT_EXPLORE_FIRST;
    if (limit && __atomic_load_n(&board->runs, __ATOMIC_RELAXED) >= limit)
        board->stop = FT_EXPLORE_LIMIT;
    return board->stop || worker->seat->crashed;
}

bool ft_worker_go(struct ft_worker *worker, const struct ft_place *place,
                  const struct ft_decision *decision, unsigned count)
{
    struct ft_walk *walk = &worker->walk;

    if (!worker->walking || walk->slot[0].next > place->stand.first) {
        ft_walk_begin(walk, &worker->explore->base);
        ft_walk_save(walk, 0);
        worker->walking = true;
    }
    return ft_walk_stand(walk, 0, &place->stand, NULL, 0) &&
           ft_walk_stand(walk, 0, &place->stand, decision, count);
}

void ft_worker_announce(struct ft_worker *worker, uint32_t number, uint64_t site,
                        const struct ft_scenario *scenario, struct ft_cell *cell)
{
    struct ft_seat *seat = worker->seat;

    seat->scenario = *scenario;
    seat->site = site;
    seat->cell = cell;
    seat->number = number;
    seat->beat++;
    __atomic_fetch_add(&worker->explore->board->runs, 1, __ATOMIC_RELAXED);
}

/* Orders what is found in a later phase behind all of an earlier one. */
enum { PHASE_SHIFT = 56 };

static void find(const struct ft_explore *explore, struct ft_seat *seat, unsigned kind,
                 unsigned rule, uint64_t site)
{
    struct ft_found *found;

    for (unsigned i = 0; i < seat->found_count; i++) {
        found = &seat->found[i];
        if (found->kind == kind && found->rule == rule && found->site == site) {
            found->count++;
            return;
        }
    }
    if (seat->found_count == FT_FOUND_MAX) {
        seat->found_lost++;
        return;
    }
    found = &seat->found[seat->found_count];
    *found = (struct ft_found){.kind = (uint8_t)kind,
                               .rule = (uint16_t)rule,
                               .site = site,
                               .unit = seat->unit | (uint64_t)explore->phase << PHASE_SHIFT,
                               .cell = seat->number,
                               .count = 1,
                               .scenario = seat->scenario};
    seat->found_count++;
    if (kind != FT_VERDICT_CUT && kind != FT_VERDICT_UNJUDGED)
        explore->board->found = true;
}

static uint8_t beyond(uint32_t count, uint32_t base)
{
    uint32_t more = count > base ? count - base : 0;

    return more > UINT8_MAX ? UINT8_MAX : (uint8_t)more;
}

void ft_worker_note(struct ft_worker *worker, const struct ft_walk_end *end)
{
    const struct ft_run_result *base = &worker->explore->board->base;
    const struct ft_verdict *verdict = &end->verdict;
    struct ft_seat *seat = worker->seat;
    struct ft_cell cell = {.state = FT_CELL_RUN,
                           .verdict = (uint8_t)verdict->kind,
                           .late = beyond(end->result.ops_late, base->ops_late),
                           .skipped = beyond(end->result.ops_skipped, base->ops_skipped),
                           .hash = end->result.hash};

    if (end->skipped) {
        *seat->cell = (struct ft_cell){.state = FT_CELL_SKIPPED};
        return;
    }
    if (verdict->finding_count) {
        cell.rule = verdict->finding[0].rule;
        cell.site = verdict->finding[0].site;
    }
    for (unsigned i = 0; i < verdict->finding_count; i++)
        if (i == 0 || worker->explore->keep_going)
            find(worker->explore, seat, verdict->kind, verdict->finding[i].rule,
                 verdict->finding[i].site);
    if (verdict->finding_count == 0 && verdict->kind != FT_VERDICT_CLEAN)
        find(worker->explore, seat, verdict->kind, 0, 0);
    *seat->cell = cell;
    seat->crashed = verdict->kind == FT_VERDICT_CRASH || end->result.stop == FT_STOP_CRASH;
}

void ft_worker_finish(struct ft_worker *worker)
{
    struct ft_walk_end end;

    ft_walk_finish(&worker->walk, &end);
    ft_worker_note(worker, &end);
}

static bool open_worker(struct ft_worker *worker)
{
    worker->passed = calloc(FT_RING_PLACES, sizeof *worker->passed);
    worker->place = calloc(FT_RING_PLACES, sizeof *worker->place);
    return worker->passed && worker->place &&
           ft_walk_open(&worker->walk, worker->explore->module, worker->explore->keep_going) &&
           ft_walk_share(&worker->walk);
}

static void enter_process(void)
{
    struct rlimit none = {0, 0};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the terminal tells us, too; whoever started us decides */
    signal(SIGTERM, SIG_DFL);
    setrlimit(RLIMIT_CORE, &none);
}

/* resume: goes on with the unit on the seat, behind its cell. */
static int work(const struct ft_explore *explore, struct ft_seat *seat, bool resume)
{
    static struct ft_worker worker;
    struct ft_board *board = explore->board;
    uint32_t cell = resume ? seat->number + 1 : 0;

    enter_process();
    worker.explore = explore;
    worker.seat = seat;
    if (!open_worker(&worker))
        return EXIT_NO_WORLD;
    seat->crashed = false;
    while (!ft_worker_stopped(&worker)) {
        if (!resume) {
            seat->unit = __atomic_fetch_add(&board->next_unit, 1, __ATOMIC_RELAXED);
            seat->busy = seat->unit < explore->units;
        }
        if (!seat->busy)
            break;
        explore->strategy->run(&worker, seat->unit, cell);
        if (ft_worker_stopped(&worker))
            break;
        seat->busy = false;
        resume = false;
        cell = 0;
    }
    return seat->crashed ? EXIT_NEXT : EXIT_DONE;
}

static int scout(struct ft_explore *explore)
{
    static struct ft_walk walk;
    struct ft_board *board = explore->board;
    struct ft_walk_end end;

    enter_process();
    if (!ft_walk_open(&walk, explore->module, explore->keep_going))
        return EXIT_NO_WORLD;
    ft_walk_begin(&walk, &explore->base);
    ft_walk_record(&walk, board->passed, FT_PLACES_MAX, 1);
    ft_walk_finish(&walk, &end);
    board->passed_count = walk.passed_count;
    board->base = end.result;
    board->scouted = true;
    return EXIT_DONE;
}

/* ---- here ---- */

bool ft_crew_scout(struct ft_explore *explore)
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        struct rlimit limit = {STUCK_SECONDS, STUCK_SECONDS + 1};

        setrlimit(RLIMIT_CPU, &limit);
        _exit(scout(explore));
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return explore->board->scouted;
}

static bool start(struct ft_explore *explore, struct ft_seat *seat, bool resume)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0)
        _exit(work(explore, seat, resume));
    if (pid > 0)
        seat->pid = pid;
    return pid > 0;
}

/* What a worker died of is found out by a run of its own. */
static void bury(struct ft_explore *explore, struct ft_seat *seat)
{
    explore->deaths++;
    if (seat->cell)
        *seat->cell = (struct ft_cell){.state = FT_CELL_DIED};
    find(explore, seat, FT_VERDICT_ERROR, 0, seat->site);
}

static double processor_seconds(pid_t pid)
{
    struct timespec time;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

struct watch {
    uint64_t beat;
    double since;    /* processor time at that beat */
    uint64_t grave;  /* the unit of the last death, plus one */
    uint32_t number; /* and its cell */
};

/* A cell that takes this long loops where the world cannot see it. */
static void watch_seat(struct ft_seat *seat, struct watch *watch)
{
    double spent = processor_seconds(seat->pid);

    if (watch->beat != seat->beat || spent < watch->since)
        watch->beat = seat->beat, watch->since = spent;
    else if (spent - watch->since > STUCK_SECONDS)
        kill(seat->pid, SIGKILL);
}

/* A worker that dies where the last one died would do so for ever: the unit is given up. */
static void give_up(struct ft_seat *seat, struct watch *watch)
{
    if (watch->grave == seat->unit + 1 && watch->number == seat->number)
        seat->busy = false;
    watch->grave = seat->unit + 1;
    watch->number = seat->number;
}

/* True: the seat is still taken, perhaps by another process. */
static bool look_after(struct ft_explore *explore, struct ft_seat *seat, struct watch *watch)
{
    int status = 0;
    pid_t got = waitpid(seat->pid, &status, WNOHANG);
    bool crashed;

    if (got != seat->pid) {
        watch_seat(seat, watch);
        return true;
    }
    seat->pid = 0;
    watch->beat = 0, watch->since = 0;
    crashed = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NEXT;
    if (WIFEXITED(status) &&
        (WEXITSTATUS(status) == EXIT_DONE || WEXITSTATUS(status) == EXIT_NO_WORLD))
        return false;
    if (!crashed && seat->busy) {
        bury(explore, seat);
        give_up(seat, watch);
    }
    return !explore->board->stop && start(explore, seat, seat->busy);
}

static void check_time(struct ft_explore *explore, double began)
{
    explore->elapsed = now() - began;
    if (interrupted)
        explore->board->stop = FT_EXPLORE_INTERRUPTED;
    else if (explore->seconds > 0 && explore->elapsed > explore->seconds && !explore->board->stop)
        explore->board->stop = FT_EXPLORE_TIME;
}

static void find_resume(struct ft_explore *explore)
{
    struct ft_board *board = explore->board;

    explore->resume = board->next_unit < explore->units ? board->next_unit : explore->units;
    for (unsigned i = 0; i < explore->jobs; i++)
        if (board->seat[i].busy && board->seat[i].unit < explore->resume)
            explore->resume = board->seat[i].unit;
}

void ft_crew_run(struct ft_explore *explore)
{
    static const struct timespec pause = {0, POLL_NANOSECONDS};
    struct sigaction action = {.sa_handler = on_interrupt}, old_int, old_term;
    struct watch watch[FT_CREW_MAX] = {{0}};
    struct ft_board *board = explore->board;
    double began = now();
    unsigned alive = 0;

    interrupted = 0;
    sigaction(SIGINT, &action, &old_int);
    sigaction(SIGTERM, &action, &old_term);
    board->next_unit = explore->from;
    for (unsigned i = 0; i < explore->jobs; i++)
        alive += start(explore, &board->seat[i], false);
    while (alive > 0) {
        nanosleep(&pause, NULL);
        check_time(explore, began);
        alive = 0;
        for (unsigned i = 0; i < explore->jobs; i++)
            alive += board->seat[i].pid && look_after(explore, &board->seat[i], &watch[i]);
        explore->runs = board->runs;
        if (explore->progress)
            explore->progress(explore->context, explore);
    }
    check_time(explore, began);
    explore->stopped = (enum ft_explore_stop)board->stop;
    find_resume(explore);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
}
