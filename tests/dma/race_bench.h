/* A bench for races between members of DMA_OPERATIONS version 3: one task calls a member, and a
 * rival (another thread, on another processor) comes at a point inside the call.
 *
 * The rival strikes at the member's entry, when its effect is still to come, or at its exit, when
 * the effect is there and the caller does not know it yet; a race's test asserts what comes of
 * either order. The rules engine watches.
 */
#ifndef FT_RACE_BENCH_H
#define FT_RACE_BENCH_H

#include "v3_bench.h"

enum race_when { RACE_ENTRY, RACE_EXIT, RACE_WHENS };

struct race {
    void (*ready)(void); /* at PASSIVE_LEVEL */
    void (*call)(void);  /* the member, in the first task */
    void (*rival)(void); /* in the second one, from PASSIVE_LEVEL on */
    enum ft_point point; /* of the member's entry; its exit is the next number */
    void (*after)(void); /* when both are over, at PASSIVE_LEVEL; may be NULL */
    /* The first rule of severity E that is broken when the rival comes at the entry, and at the
     * exit; NULL: none is. */
    const char *rule[RACE_WHENS];
};

/* Which order the run at hand has. */
enum race_when race_when(void);
/* entry when the rival came at the entry, exit when it came at the exit. */
#define RACE_EITHER(entry, exit) (race_when() == RACE_ENTRY ? (entry) : (exit))

/* Runs the race in that order; it must reach its end, or stop as `stop`. */
void race_run(enum ft_platform_name preset, enum race_when when, const struct race *race,
              enum ft_stop stop);
/* Both orders on every preset. */
void race_run_all(const struct race *race);

/* An adapter with its context, another initialized context and a read request of that many bytes,
 * all in the pool, where the shim sees that a context is alive. */
struct v3 *race_open(bool master, ULONG bytes);
/* Lowers to PASSIVE_LEVEL and frees all but the adapter. */
void race_free(struct v3 *v);

#endif
