/* Workers of an exploration: processes that share a board with us and take units of work from it.
 *
 * A worker writes what it is about to run on the board before it runs it, so its death loses
 * nothing. Units are taken in order; each result depends on unit and cell alone, never on which
 * worker has it.
 */
#ifndef FT_CREW_H
#define FT_CREW_H

#include "explore/disturbance.h"
#include "explore/explore_walk.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    FT_CREW_MAX = 32,
    FT_FOUND_MAX = 128,
    FT_PLACES_MAX = 1 << 15,
    FT_RING_PLACES = 1 << 11 /* behind a first disturbance that a second can be put at */
};

enum ft_cell_state {
    FT_CELL_NOT_RUN,
    FT_CELL_ABSENT,  /* the disturbance means nothing there, or an op of the scenario has the place
                      */
    FT_CELL_SKIPPED, /* not legal there: it did nothing */
    FT_CELL_RUN,
    FT_CELL_DIED /* the worker did */
};

struct ft_cell {
    uint8_t state;   /* enum ft_cell_state */
    uint8_t verdict; /* enum ft_verdict_kind of a run */
    uint8_t late;    /* ops that came late, beyond those of the undisturbed run */
    uint8_t skipped; /* the same */
    uint16_t rule;
    uint64_t site, hash;
};

/* What workers found: each distinct (verdict, rule, call site) once, with its first scenario. */
struct ft_found {
    uint8_t kind; /* enum ft_verdict_kind; FT_VERDICT_ERROR: the worker died there */
    uint16_t rule;
    uint64_t site;
    uint64_t unit; /* behind all units of an earlier phase */
    uint32_t cell;
    uint64_t count;
    struct ft_scenario scenario;
};

struct ft_seat {
    volatile pid_t pid;
    volatile bool busy, crashed;
    volatile uint64_t unit, beat;
    volatile uint32_t number; /* of the cell */
    uint64_t site;            /* of its place */
    struct ft_cell *cell;     /* where its result goes; NULL: nowhere */
    struct ft_scenario scenario;
    uint32_t found_count, found_lost;
    struct ft_found found[FT_FOUND_MAX];
    struct ft_cell spare; /* for strategies that have no table of places */
    uint32_t pair_runs[FT_DISTURBANCES_MAX][FT_DISTURBANCES_MAX];
    uint16_t pair_rule[FT_DISTURBANCES_MAX][FT_DISTURBANCES_MAX];
    uint8_t pair_kind[FT_DISTURBANCES_MAX][FT_DISTURBANCES_MAX];
};

struct ft_board {
    uint64_t next_unit; /* atomic */
    uint64_t runs;      /* atomic */
    volatile int stop;  /* enum ft_explore_stop */
    volatile uint64_t passed_count;
    volatile bool scouted;
    volatile bool found; /* anything */
    struct ft_run_result base;
    struct ft_passed passed[FT_PLACES_MAX];
    struct ft_seat seat[FT_CREW_MAX];
};

struct ft_explore;

/* A worker, in its own process. */
struct ft_worker {
    const struct ft_explore *explore;
    struct ft_seat *seat;
    struct ft_walk walk;
    bool open;
    bool walking; /* slot 0 is a moment of the base run */
    uint64_t unit;
    struct ft_passed *passed; /* room for what a strategy records, FT_RING_PLACES */
    struct ft_place *place;
};

/* True when the worker should return: interrupted, time up, limit reached, or its process is not
 * to be trusted any more. */
bool ft_worker_stopped(const struct ft_worker *worker);

/* Stands in front of a place of the base run (slot 0), with decisions taken from there on. False:
 * the run does not come there (it does, unless it differs from the one that was scouted). */
bool ft_worker_go(struct ft_worker *worker, const struct ft_place *place,
                  const struct ft_decision *decision, unsigned count);

/* Announces a cell; then runs: what was restored or begun and decided goes on to its end. */
void ft_worker_announce(struct ft_worker *worker, uint32_t number, uint64_t site,
                        const struct ft_scenario *scenario, struct ft_cell *cell);
void ft_worker_finish(struct ft_worker *worker);
void ft_worker_note(struct ft_worker *worker, const struct ft_walk_end *end);

/* Passes the base run once and leaves its places on the board. False: the worker died. */
bool ft_crew_scout(struct ft_explore *explore);

/* Runs all units; returns when none is left or somebody said stop. */
void ft_crew_run(struct ft_explore *explore);

struct ft_board *ft_board_new(void);
void ft_board_free(struct ft_board *board);

#endif
