/* What the rules of loads and stores share: the words of mem:touch. */
#ifndef FT_RULES_TOUCHES_H
#define FT_RULES_TOUCHES_H

#include "rules/rules_io.h"

/* Arguments of mem:touch. */
enum { FT_TOUCHED_OBJECT, FT_TOUCHED_BYTES, FT_TOUCHED_WRITE, FT_TOUCHED_WHAT };

/* Its argument `what`: as enum ft_touch of the machine. */
enum {
    FT_TOUCHED_MAPPED_IN = 1,
    FT_TOUCHED_MAPPED_OUT,
    FT_TOUCHED_LINE,
    FT_TOUCHED_FREED,
    FT_TOUCHED_COMMON_FREED,
    FT_TOUCHED_NOBODYS,
    FT_TOUCHED_NEAR_NULL,
    FT_TOUCHED_PAGED,
    FT_TOUCHED_FORWARDED,
    FT_TOUCHED_QUEUED,
    FT_TOUCHED_QUEUE_LINK,
    FT_TOUCHED_UNTESTED,
    FT_TOUCHED_NO_VIEW,
    FT_TOUCHED_VIEW_OVER,
    FT_TOUCHED_NO_EXTENSION,
    FT_TOUCHED_UNFLUSHED,
    FT_TOUCHED_BUS_DATA,
    FT_TOUCHED_CONTEXT = 20,
    FT_TOUCHED_LIST_OVER,
    FT_TOUCHED_NULL_BEFORE_SMIO,
    FT_TOUCHED_UNMOVED,
    FT_TOUCHED_STALE
};

/* ---- rules_accesses.c ---- */

/* The rule that it breaks to use the last NULL that a routine gave to this task; 0: none did. */
enum ft_judged_rule ft_null_source(const struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_accesses_kmdf.c ---- */

/* False: the touch breaks no rule that is a framework driver's alone. */
bool ft_kmdf_touch_judge(struct ft_rules *rules, const struct ft_event *event);

#endif
