/* What an exploration of schedules is worth: a statement that holds whatever the schedules showed.
 *
 * It speaks of one scenario on one platform, of the chains and turns of hal-shim/world/chains.h and
 * of no other choice (docs/CERTIFICATES.md has the words). */
#ifndef FT_CERTIFICATE_H
#define FT_CERTIFICATE_H

#include "sim/world.h"

#include <stdbool.h>
#include <stdint.h>

enum { FT_DEPTH_MAX = 6, FT_PREEMPTIONS_MAX = 8, FT_WHY_MAX = 200 };

struct ft_certificate {
    bool given;
    char why[FT_WHY_MAX]; /* it is withheld */
    bool exhaustive;      /* all schedules with at most `bound` preemptions; else depth `bound` */
    unsigned bound;
    unsigned points;    /* enum ft_point_set */
    uint32_t chains;    /* n: most chains of a run */
    uint32_t turns;     /* k: most turns of a run at which a change may lie */
    uint64_t schedules; /* run */
    uint64_t same;      /* not run: the same schedule as one that was */
    double restored;    /* share of the turns that were not run again, but restored */
    double family;      /* n * k^(d-1): in so many runs of PCT one is bound to hit */
    double probability; /* with which any bug of that depth would have been found */
    uint64_t scenario;  /* its hash */
    double seconds;
};

/* What workers add up while they run; in shared memory. */
struct ft_tally {
    uint64_t schedules, same;  /* atomic, as all here */
    uint32_t chains, turns;    /* maxima */
    uint64_t passed, restored; /* turns; of these not run, but restored with a save point */
    uint32_t demoted, lost, cut, full, broken;
};

#define FT_OBJECTION_FINDINGS                                                                      \
    "there are findings: a run that ends early says nothing of what follows"
#define FT_OBJECTION_RESUMED "it went on behind a part that this call knows nothing of"

void ft_tally_run(struct ft_tally *tally, const struct ft_turns *turns,
                  const struct ft_run_result *result);

/* What earlier calls added up comes to it. */
void ft_tally_add(struct ft_tally *to, const struct ft_tally *past);

/* Why the tally allows no certificate; NULL: it does. */
const char *ft_tally_objection(const struct ft_tally *tally);

uint64_t ft_scenario_hash(const struct ft_scenario *scenario);

#endif
