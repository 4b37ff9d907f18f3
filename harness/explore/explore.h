/* Exploring: a strategy tries many scenarios near a given one, in worker processes, and says which
 * break which rule (flushtrace explore).
 *
 * Fill the first part of struct ft_explore, call ft_explore_run, read the rest, call
 * ft_explore_free. The driver's code runs in workers only: one that crashes, loops or damages its
 * process is replaced and the next one goes on behind that cell; what it was doing is run again by
 * ft_execute, which has the verdict. Every finding is such a run from the start: its trace replays.
 */
#ifndef FT_EXPLORE_H
#define FT_EXPLORE_H

#include "explore/certificate.h"
#include "explore/crew.h"
#include "explore/disturbance.h"
#include "explore/past.h"
#include "replay/execute.h"

enum { FT_EXPLORE_FINDINGS_MAX = 256, FT_EXPLORE_PATH = 512 };

/* Why it ended before all was tried. */
enum ft_explore_stop {
    FT_EXPLORE_DONE,
    FT_EXPLORE_INTERRUPTED,
    FT_EXPLORE_LIMIT,
    FT_EXPLORE_TIME,
    FT_EXPLORE_FIRST
};

/* One distinct finding: a rule (or crash or hang) and a driver function. */
struct ft_explore_finding {
    struct ft_verdict verdict;   /* finding[0] is this one */
    struct ft_scenario scenario; /* the first one that shows it */
    uint64_t count;              /* how many scenarios do */
    uint64_t events, hash;       /* of the first */
    bool known;                  /* in the baseline */
    bool confirmed;              /* the run from the start has it */
    bool alone;                  /* the undisturbed run has it */
    char path[FT_EXPLORE_PATH];  /* of its trace, "" when none was written */
};

struct ft_strategy;
struct ft_pct;
struct ft_exhaustive;

struct ft_explore {
    /* --- what to do --- */
    const struct ft_module *module;
    const struct ft_strategy *strategy;
    struct ft_scenario base; /* requests get labels, if they have none */
    struct ft_disturbance disturbance[FT_DISTURBANCES_MAX];
    unsigned disturbance_count;
    bool keep_going;
    unsigned jobs;        /* 0: one for each processor */
    uint64_t limit;       /* runs; 0: no limit */
    double seconds;       /* 0: no limit */
    uint64_t from;        /* the unit to begin with */
    uint64_t seed, seeds; /* random: the first, and how many */
    unsigned depth;       /* pct: D; exhaustive: K */
    unsigned points;      /* enum ft_point_set of both */
    double confidence;    /* pct: end when a bug would have been found with that probability */
    bool first;           /* end with the first finding */
    int platform;         /* preset of random scenarios, -1: any */
    const char *folder;   /* for traces; NULL: none are written */
    /* NULL: none is. A crash has that function. */
    bool (*is_known)(void *context, const struct ft_verdict *verdict, const char *function);
    void (*progress)(void *context, const struct ft_explore *explore); /* NULL: nobody looks */
    void *context;
    struct ft_past
        *past; /* pct and exhaustive: what earlier calls did, and then this one; or NULL */

    /* --- what came out --- */
    struct ft_trace trace; /* of the undisturbed run; no events for random */
    struct ft_flights flights;
    struct ft_place *place;
    uint64_t place_count;
    bool more_places; /* the run has more of them than we keep */
    struct ft_board *board;
    struct ft_cell *cell; /* disturbance_count for each place */
    uint32_t *live;       /* pairs: cells that ran clean, and are worth a second disturbance */
    uint64_t live_count;
    uint64_t units, resume; /* of the strategy; the first that is not finished */
    uint64_t runs, deaths;
    unsigned phase;     /* pairs: 0 the sweep, 1 the pairs; pct: 0 which chains there are */
    struct ft_pct *pct; /* pct's own */
    struct ft_exhaustive *exhaustive;
    struct ft_certificate certificate; /* of pct and exhaustive */
    double elapsed;
    enum ft_explore_stop stopped;
    struct ft_explore_finding finding[FT_EXPLORE_FINDINGS_MAX];
    unsigned finding_count;
    unsigned findings_lost; /* beyond the table */
};

/* One strategy: units of work in an order, each with cells (single runs) that the worker numbers.
 */
struct ft_strategy {
    const char *name;
    bool places; /* it goes by the places of the base scenario's run */
    uint64_t (*units)(const struct ft_explore *explore);
    /* Runs the cells of a unit from `cell` on; returns early when ft_worker_stopped. */
    void (*run)(struct ft_worker *worker, uint64_t unit, uint32_t cell);
    /* Calls the crew itself, more than once, and writes the certificate; NULL: one call does. */
    enum ft_status (*drive)(struct ft_explore *explore, struct ft_error *error);
};

extern const struct ft_strategy ft_strategy_sweep, ft_strategy_pairs, ft_strategy_random,
    ft_strategy_pct, ft_strategy_exhaustive;

/* Needs -> strategy etc. set. Ctrl-C ends it in order; what is there so far stays. */
enum ft_status ft_explore_run(struct ft_explore *explore, struct ft_error *error);
void ft_explore_free(struct ft_explore *explore);

void ft_pct_free(struct ft_explore *explore);
void ft_exhaustive_free(struct ft_explore *explore);

/* One call of the crew, for strategies that make several: units `from` to `to`. Time and limits are
 * those of the whole exploration. False: it was stopped. */
bool ft_explore_phase(struct ft_explore *explore, unsigned phase, uint64_t from, uint64_t to);

/* The cell of a place. */
static inline struct ft_cell *ft_explore_cell(const struct ft_explore *explore, uint64_t place,
                                              unsigned disturbance)
{
    return &explore->cell[place * explore->disturbance_count + disturbance];
}

/* Pairs: the distances (in places) of a ring, nearest first. */
void ft_pairs_ring(uint64_t unit, uint64_t live_count, uint64_t *from, uint64_t *to);

#endif
