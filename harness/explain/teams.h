/* Worker processes that run continuations, unit by unit; private to explain.
 *
 * A unit is one event and how hard to try it. Its counts are in shared memory, so they survive a
 * worker that the driver kills: another one goes on behind the continuation that did it.
 */
#ifndef FT_EXPLAIN_TEAMS_H
#define FT_EXPLAIN_TEAMS_H

#include "explain/explain.h"

#include <sys/types.h>

enum { FT_UNITS_MAX = 1 << 16 };

enum ft_try {
    FT_TRY_AS_IS,  /* the world's own order only */
    FT_TRY_ESCAPE, /* all ways, until one is clean */
    FT_TRY_SHARE   /* as-is and random ones, all of them */
};

struct ft_unit {
    struct ft_share share;
    uint8_t how;      /* enum ft_try */
    uint32_t random;  /* continuations of that way */
    uint32_t singles; /* places behind the event whose single preemptions are tried */
    /* while it lasts */
    uint32_t next;   /* the continuation to go on with */
    uint32_t places; /* known after the first */
    uint64_t length; /* events of the first */
};

struct ft_explain_board {
    volatile bool stop;
    volatile uint64_t next_unit, runs;
    uint64_t units;
    struct ft_explain_seat {
        pid_t pid;
        uint64_t unit; /* at work on it */
        volatile bool busy;
        volatile uint64_t beat;
    } seat[FT_EXPLAIN_JOBS_MAX];
    struct ft_unit unit[FT_UNITS_MAX];
};

/* NULL: no memory. */
struct ft_explain_board *ft_explain_board_new(void);
void ft_explain_board_free(struct ft_explain_board *board);

/* Runs all units of the board. False: it was stopped (explain->end says why), or there are no
 * workers. */
bool ft_explain_team(struct ft_explain *explain, double began);

double ft_explain_now(void);

#endif
