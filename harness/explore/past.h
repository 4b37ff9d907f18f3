/* An exploration of schedules in several calls: what the calls so far did, kept in a file, so that
 * the last of them can certify the whole. The file speaks of one exploration: driver, scenario,
 * strategy, points, confidence, seed. */
#ifndef FT_PAST_H
#define FT_PAST_H

#include "explore/certificate.h"
#include "status.h"

struct ft_explore;

struct ft_past {
    bool there;  /* an earlier call left something */
    bool found;  /* it had findings */
    uint64_t at; /* the first unit that is not finished */
    double seconds;
    struct ft_tally tally;
    /* pct: chains in the order in which they were met, and how many there were at each round. */
    uint32_t chains, rounds;
    uint32_t chain[FT_CHAINS_MAX], round_end[FT_CHAINS_MAX];
};

/* *ret is empty when there is no such file. FT_USAGE: it is of another exploration. */
enum ft_status ft_past_read(const char *path, const struct ft_explore *explore, struct ft_past *ret,
                            struct ft_error *error);

/* At the end of a call: the tally grows by what the earlier calls added up, and they, if there is
 * an explore->past, become the sum. Once, before the other two. */
void ft_past_add(struct ft_explore *explore, struct ft_tally *tally);
double ft_past_seconds(const struct ft_explore *explore);
bool ft_past_found(const struct ft_explore *explore);

enum ft_status ft_past_write(const char *path, const struct ft_explore *explore,
                             const struct ft_past *past, struct ft_error *error);

#endif
