/* Replay of one trace and what came of it: shared by replay and regress. */
#ifndef FT_REPLAYING_H
#define FT_REPLAYING_H

#include "cli/cli.h"
#include "report/regress_report.h"

struct ft_replayed {
    struct ft_trace trace; /* of the replay; owned once ft_replay_compare returned FT_OK */
    enum ft_outcome outcome;
    uint64_t
        divergence; /* first event that differs, 0: none, or the verdict came though following */
    char note[384]; /* one sentence for people, "" when there is nothing to say */
};

/* Strictly; following; or following a driver that has changed, whose calls a moment may no longer
 * count right: then the finding may also come of a moment near by (ft_replay_near). */
enum ft_replay_way { FT_REPLAY_STRICT, FT_REPLAY_FOLLOW, FT_REPLAY_FOLLOW_NEAR };

/* Replays `recorded` on the module and compares. The trace's own run may have kept going: the
 * replay then does too. */
enum ft_status ft_replay_compare(const struct ft_module *module, const struct ft_trace *recorded,
                                 enum ft_replay_way way, bool keep_going, struct ft_replayed *ret,
                                 struct ft_error *error);

/* Why strict replay is not possible, NULL: it is. */
const char *ft_why_not_strict(const struct ft_module *module, const struct ft_trace *recorded);

/* For runs that are the same event for event: then the same rule at the same event is the same
 * finding, though another compiler may name another function at its call site (inlining). */
bool ft_same_strictly(const struct ft_verdict *a, const struct ft_verdict *b);

int ft_outcome_exit(enum ft_outcome outcome);

#endif
