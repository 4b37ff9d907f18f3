/* When rules fall silent: which needs of which device or request are broken, since when and why.
 *
 * A rule presumes honesty (rules.def, needs): a device that does as its model says, an interrupt
 * that comes when it is due, an allocation that nobody made fail. An op that breaks a need suspends
 * the rules with that need for the device or request concerned, until the need holds again. The
 * watch judges the events once more, one after another, and keeps a list of what was suspended.
 *
 * Order of calls: begin, event for every event from the first on, end.
 */
#ifndef FT_SUSPENSION_H
#define FT_SUSPENSION_H

#include "rules/rules.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { FT_SUSPENDED_MAX = 64 };

struct ft_suspended {
    uint64_t object; /* device or request, 0: everything */
    unsigned need;   /* a single FT_NEED_* bit */
    uint64_t since;  /* the event that broke it, 1 is the first */
    uint64_t until;  /* the event that mended it, 0: it is broken still */
    bool framework;  /* the driver uses the framework */
};

struct ft_watch {
    struct ft_rules *rules; /* owned */
    uint64_t events;        /* seen so far */
    unsigned count;
    bool framework;                             /* it has been seen */
    struct ft_suspended list[FT_SUSPENDED_MAX]; /* the oldest that are over give way */
};

/* False: no memory. */
bool ft_watch_begin(struct ft_watch *watch, bool keep_going);
void ft_watch_end(struct ft_watch *watch);

/* Takes the next event. True: it broke or mended a need; the entries of the list whose since or
 * until is watch->events say which. */
bool ft_watch_event(struct ft_watch *watch, const struct ft_event *event);

/* A judged rule that the entry suspends. The framework's rules are not for drivers without it. */
bool ft_suspends(const struct ft_suspended *one, const struct ft_rule_row *row);

/* The ids of those rules, with commas between. */
void ft_suspended_print_rules(const struct ft_suspended *one, char *text, size_t capacity);

/* "device#1: 24 rules that need an honest interrupt". snprintf convention. */
size_t ft_suspended_print(const struct ft_suspended *one, char *text, size_t capacity);

#endif
