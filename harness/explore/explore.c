#define _GNU_SOURCE 1
#include "explore/explore.h"

#include "explore/findings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A moment and a cancel can only speak of a request that has a label. */
static void label_requests(struct ft_scenario *scenario)
{
    bool used[FT_LABEL_MAX + 1] = {false};
    unsigned next = 1;

    for (unsigned i = 0; i < scenario->op_count; i++)
        if (scenario->op[i].label <= FT_LABEL_MAX)
            used[scenario->op[i].label] = true;
    for (unsigned i = 0; i < scenario->op_count; i++) {
        struct ft_op *op = &scenario->op[i];

        if (op->label != 0 || ft_op_row(op->kind)->class_ != FT_OP_CLASS_REQUEST)
            continue;
        while (next < FT_LABEL_MAX && used[next])
            next++;
        used[next] = true;
        op->label = (uint8_t)next;
    }
}

static enum ft_status make_folder(const struct ft_explore *explore, struct ft_error *error)
{
    struct stat facts;

    if (!explore->folder)
        return FT_OK;
    if (mkdir(explore->folder, 0777) != 0 && errno != EEXIST)
        return ft_fail(error,
                       errno == ENOSPC || errno == EDQUOT || errno == EIO ? FT_IO : FT_NO_FILE, 0,
                       "%s: %s", explore->folder, strerror(errno));
    if (stat(explore->folder, &facts) != 0 || !S_ISDIR(facts.st_mode) ||
        access(explore->folder, W_OK | X_OK) != 0)
        return ft_fail(error, FT_NO_FILE, 0, "%s: cannot write traces there", explore->folder);
    return FT_OK;
}

static size_t cell_bytes(const struct ft_explore *explore)
{
    return ((size_t)explore->place_count * explore->disturbance_count + 1) * sizeof(struct ft_cell);
}

/* The undisturbed run: its trace, then its places. */
static enum ft_status scout(struct ft_explore *explore, struct ft_error *error)
{
    struct ft_execute_options options = {.keep_going = explore->keep_going, .cold = true};
    enum ft_status status =
        ft_execute(explore->module, &explore->base, &options, &explore->trace, error);
    struct ft_board *board = explore->board;
    void *cells;

    if (status != FT_OK)
        return status;
    ft_flights_read(&explore->trace, &explore->flights);
    ft_disturbances_fit(&explore->flights, explore->disturbance, &explore->disturbance_count);
    /* A run that kills its process has no places: its own verdict is all there is to say. */
    if (!ft_crew_scout(explore))
        return FT_OK;
    if (board->base.hash != explore->trace.hash)
        return ft_fail(error, FT_INTERNAL, 0, "the undisturbed run is not the same twice");
    explore->more_places = board->base.places > board->passed_count;
    explore->place_count = board->passed_count;
    explore->place = calloc(explore->place_count + 1, sizeof *explore->place);
    cells =
        mmap(NULL, cell_bytes(explore), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!explore->place || cells == MAP_FAILED)
        return ft_fail(error, FT_NO_MEMORY, 0, "%llu places",
                       (unsigned long long)explore->place_count);
    explore->cell = cells;
    ft_places_name(board->passed, explore->place_count, explore->place);
    return FT_OK;
}

static void run_units(struct ft_explore *explore)
{
    explore->units = explore->strategy->units(explore);
    ft_crew_run(explore);
}

static enum ft_status list_live(struct ft_explore *explore, struct ft_error *error)
{
    uint64_t cells = explore->place_count * explore->disturbance_count;

    explore->live = malloc((cells + 1) * sizeof *explore->live);
    if (!explore->live)
        return ft_fail(error, FT_NO_MEMORY, 0, "the pairs");
    for (uint64_t i = 0; i < cells; i++)
        if (explore->cell[i].state == FT_CELL_RUN && explore->cell[i].verdict == FT_VERDICT_CLEAN)
            explore->live[explore->live_count++] = (uint32_t)i;
    return FT_OK;
}

/* Pairs begin with the sweep: what one disturbance breaks needs no second. Limits are for pairs. */
static enum ft_status run_pairs(struct ft_explore *explore, struct ft_error *error)
{
    uint64_t limit = explore->limit, from = explore->from;
    double seconds = explore->seconds;
    enum ft_status status;

    explore->strategy = &ft_strategy_sweep;
    explore->limit = explore->from = 0;
    run_units(explore);
    explore->strategy = &ft_strategy_pairs;
    explore->from = from;
    if (explore->stopped != FT_EXPLORE_DONE) {
        explore->resume = from; /* no pair has run */
        return FT_OK;
    }
    status = list_live(explore, error);
    if (status != FT_OK || explore->live_count == 0)
        return status;
    explore->limit = limit ? limit + explore->board->runs : 0;
    explore->seconds = seconds;
    explore->phase = 1;
    run_units(explore);
    explore->limit = limit;
    return FT_OK;
}

bool ft_explore_phase(struct ft_explore *explore, unsigned phase, uint64_t from, uint64_t to)
{
    double before = explore->elapsed, seconds = explore->seconds;
    uint64_t begin = explore->from;

    explore->phase = phase;
    explore->units = to;
    explore->from = from;
    if (seconds > 0)
        explore->seconds = seconds > before ? seconds - before : 0.001;
    ft_crew_run(explore);
    explore->elapsed += before;
    explore->seconds = seconds;
    explore->from = begin;
    return explore->stopped == FT_EXPLORE_DONE;
}

enum ft_status ft_explore_run(struct ft_explore *explore, struct ft_error *error)
{
    enum ft_status status = make_folder(explore, error);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (status != FT_OK)
        return status;
    if (explore->jobs == 0)
        explore->jobs = processors > 0 ? (unsigned)processors : 1;
    if (explore->jobs > FT_CREW_MAX)
        explore->jobs = FT_CREW_MAX;
    explore->board = ft_board_new();
    if (!explore->board)
        return ft_fail(error, FT_NO_MEMORY, 0, "the workers' board");
    if (explore->strategy->places) {
        label_requests(&explore->base);
        status = scout(explore, error);
    }
    if (status == FT_OK && explore->strategy == &ft_strategy_pairs)
        status = run_pairs(explore, error);
    else if (status == FT_OK && explore->strategy->drive)
        status = explore->strategy->drive(explore, error);
    else if (status == FT_OK)
        run_units(explore);
    return status == FT_OK ? ft_findings_collect(explore, error) : status;
}

void ft_explore_free(struct ft_explore *explore)
{
    if (explore->cell)
        munmap(explore->cell, cell_bytes(explore));
    ft_pct_free(explore);
    ft_exhaustive_free(explore);
    ft_board_free(explore->board);
    ft_trace_free(&explore->trace);
    free(explore->place);
    free(explore->live);
}
