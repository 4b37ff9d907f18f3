/* What the corpus of a campaign reaches, and what it does not: every input runs once more, in
 * processes of their own (coverage/coverage.h). */
#ifndef FT_REACH_H
#define FT_REACH_H

#include "fuzz/campaign/campaign.h"

enum { FT_REACH_SECONDS = 3 };

/* Fills subject->reached; takes about FT_REACH_SECONDS at most, and then leaves out the rest. */
enum ft_status ft_reach_measure(struct ft_subject *subject, unsigned jobs, struct ft_error *error);

/* True for an op kind that a campaign on this driver could have fired. */
bool ft_reach_expects(const struct ft_subject *subject, unsigned kind);

/* True for a point that the driver meets and no op struck at. */
bool ft_reach_missed(const struct ft_subject *subject, unsigned point);

#endif
