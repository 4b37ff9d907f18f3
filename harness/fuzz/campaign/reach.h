/* What the corpus of a campaign reaches, and what it does not: every input runs once more, in a
 * process of its own. */
#ifndef FT_REACH_H
#define FT_REACH_H

#include "fuzz/campaign/campaign.h"

enum { FT_REACH_SECONDS = 3 };

/* Takes about FT_REACH_SECONDS at most. Fills subject->reach. False: the process could not be
 * started. A driver that
 * takes it down leaves what was reached until then. */
bool ft_reach_measure(struct ft_subject *subject);

/* True for an op kind that a campaign on this driver could have fired. */
bool ft_reach_expects(const struct ft_subject *subject, unsigned kind);

#endif
