#include "cli/regress_crew.h"
#include "cli/cli.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Cases in one driver stand together, so that a process keeps its world for some of them. */
enum { CHUNK = 8, PROGRESS_MILLISECONDS = 100, KEPT_BYTES = 256 << 20 };

/* Shared: what is taken, and what each process has in hand. */
struct board {
    atomic_size_t next; /* of the order */
    atomic_size_t done;
    struct {
        volatile size_t at, end; /* at < end: in hand and what is left of its chunk */
    } hand[FT_JOBS_LIMIT];
};

struct crew {
    const struct ft_regress_list *list;
    const struct ft_regress_work *work;
    struct board *board;
    pid_t process[FT_JOBS_LIMIT];
    struct pollfd alive[FT_JOBS_LIMIT]; /* hangs up when the process has ended */
    unsigned jobs;
};

static void *map_shared(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

bool ft_regress_list_map(struct ft_regress_list *list, size_t count)
{
    list->count = count;
    list->one = map_shared(count * sizeof(*list->one));
    list->order = map_shared(count * sizeof(*list->order));
    if (list->one == NULL || list->order == NULL) {
        ft_regress_list_unmap(list);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        list->order[i] = (uint32_t)i;
    }
    return true;
}

void ft_regress_list_unmap(struct ft_regress_list *list)
{
    if (list->one != NULL) {
        munmap(list->one, list->count * sizeof(*list->one));
    }
    if (list->order != NULL) {
        munmap(list->order, list->count * sizeof(*list->order));
    }
    *list = (struct ft_regress_list){0};
}

/* ---- in a process of the crew ---- */

static bool take_chunk(struct crew *crew, unsigned slot)
{
    size_t first = atomic_fetch_add(&crew->board->next, CHUNK);

    if (first >= crew->list->count) {
        return false;
    }
    crew->board->hand[slot].end =
        first + CHUNK < crew->list->count ? first + CHUNK : crew->list->count;
    crew->board->hand[slot].at = first;
    return true;
}

static _Noreturn void serve(struct crew *crew, unsigned slot)
{
    const struct ft_regress_work *work = crew->work;

    /* The next trace needs the memory of the last one: no pages to and fro between. */
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    if (work->begin != NULL) {
        work->begin(work->state);
    }
    do {
        while (crew->board->hand[slot].at < crew->board->hand[slot].end) {
            work->work(work->state,
                       &crew->list->one[crew->list->order[crew->board->hand[slot].at]]);
            atomic_fetch_add(&crew->board->done, 1);
            crew->board->hand[slot].at++;
        }
    } while (take_chunk(crew, slot));
    if (work->end != NULL) {
        work->end(work->state);
    }
    _exit(0);
}

/* ---- in ours ---- */

static bool start(struct crew *crew, unsigned slot)
{
    int line[2];
    pid_t process;

    if (pipe(line) != 0) {
        return false;
    }
    process = fork();
    if (process == 0) {
        close(line[0]);
        for (unsigned i = 0; i < crew->jobs; i++) {
            if (i != slot && crew->alive[i].fd >= 0) {
                close(crew->alive[i].fd);
            }
        }
        serve(crew, slot);
    }
    close(line[1]);
    crew->process[slot] = process;
    crew->alive[slot] = (struct pollfd){.fd = line[0], .events = POLLIN};
    if (process < 0) {
        close(line[0]);
        crew->alive[slot].fd = -1;
    }
    return process > 0;
}

/* The process died and took a case with it. */
static void bury(struct crew *crew, unsigned slot, int status)
{
    struct ft_regress_case *one = &crew->list->one[crew->list->order[crew->board->hand[slot].at]];

    one->outcome = FT_OUTCOME_OWN_FAILURE;
    if (WIFSIGNALED(status)) {
        snprintf(one->note, sizeof(one->note), "the worker died of signal %d", WTERMSIG(status));
    } else {
        snprintf(one->note, sizeof(one->note), "the worker ended with status %d",
                 WEXITSTATUS(status));
    }
    crew->board->hand[slot].at++;
    atomic_fetch_add(&crew->board->done, 1);
}

/* False: nobody can go on with what is left. */
static bool replace(struct crew *crew, unsigned slot)
{
    int status = 0;

    while (waitpid(crew->process[slot], &status, 0) < 0 && errno == EINTR) {
    }
    close(crew->alive[slot].fd);
    crew->alive[slot].fd = -1;
    if (crew->board->hand[slot].at >= crew->board->hand[slot].end) {
        return true;
    }
    bury(crew, slot, status);
    return start(crew, slot);
}

static void show_progress(const struct crew *crew, bool last)
{
    size_t failed = 0;

    if (isatty(STDERR_FILENO) == 0) {
        return;
    }
    for (size_t i = 0; i < crew->list->count; i++) {
        failed += crew->list->one[i].outcome > FT_OUTCOME_PASSED;
    }
    if (last) {
        fputs("\r\033[K", stderr);
    } else {
        fprintf(stderr, "\r\033[K%s %zu of %zu, %zu failed", crew->work->what,
                atomic_load(&crew->board->done), crew->list->count, failed);
    }
    fflush(stderr);
}

static bool run(struct crew *crew)
{
    unsigned alive = 0;
    bool started = true;

    for (unsigned i = 0; i < FT_JOBS_LIMIT; i++) {
        crew->alive[i].fd = -1;
    }
    while (alive < crew->jobs && started) {
        started = start(crew, alive);
        alive += started;
    }
    /* Fewer than wanted will do. */
    while (alive != 0) {
        if (poll(crew->alive, crew->jobs, PROGRESS_MILLISECONDS) <= 0) {
            show_progress(crew, false);
            continue;
        }
        for (unsigned i = 0; i < crew->jobs; i++) {
            if (crew->alive[i].fd >= 0 && crew->alive[i].revents != 0) {
                (void)!replace(crew, i);
                alive -= crew->alive[i].fd < 0;
            }
        }
    }
    show_progress(crew, true);
    return atomic_load(&crew->board->done) == crew->list->count;
}

bool ft_regress_crew(const struct ft_regress_list *list, const struct ft_regress_work *work,
                     unsigned jobs)
{
    struct crew crew = {.list = list, .work = work, .board = map_shared(sizeof(struct board))};
    bool done;

    crew.jobs = jobs < list->count / CHUNK + 1 ? jobs : (unsigned)(list->count / CHUNK + 1);
    if (crew.board == NULL) {
        return false;
    }
    fflush(NULL);
    done = run(&crew);
    munmap(crew.board, sizeof(struct board));
    return done;
}
