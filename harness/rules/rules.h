/* The rules engine: judges events, live or from a file; it knows nothing of the shim.
 *
 * Order of calls: give ft_rules_init a zeroed block of ft_rules_state_bytes() bytes (the world's
 * reserved state, or malloc'd for a trace read from disk), feed every event in order to
 * ft_rules_event, read the verdict with ft_rules_verdict. The block holds all state and no pointer
 * into itself, so it may be copied, saved and restored.
 */
#ifndef FT_RULES_H
#define FT_RULES_H

#include "sim/event.h"
#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>

enum ft_severity { FT_SEVERITY_E, FT_SEVERITY_W, FT_SEVERITY_F };

/* Honesty that a rule presumes; a broken need suspends the rule for that device or request. */
enum {
    FT_NEED_NONE = 0,
    FT_NEED_HONEST_DEVICE = 1,
    FT_NEED_LIVE_DEVICE = 2,
    FT_NEED_HONEST_INTERRUPT = 4,
    FT_NEED_NO_INJECTED_FAILURE = 8,
    FT_NEED_PRESENT_HARDWARE = 16
};

enum ft_cut {
    FT_CUT_SPINE,
    FT_CUT_WDM,
    FT_CUT_V3,
    FT_CUT_KMDF,
    FT_CUT_SCSI,
    FT_CUT_ACCESS,
    FT_CUT_NEVER
};

struct ft_rule_row {
    uint16_t number;
    const char *id; /* "dma.flush-before-complete" */
    enum ft_severity severity;
    unsigned needs; /* FT_NEED_* */
    const char *first_event;
    const char *sentence;
    const char *source;
    const char *bugcheck; /* "0xE6 (0x0D)", "" when there is none */
    enum ft_cut cut;
    const char *note; /* judged rows: the witness; others: what they lack */
    const char *aliases;
    uint16_t refines; /* rule number, 0: none */
    bool judged;      /* a check exists in this build */
};

size_t ft_rule_count(void);
const struct ft_rule_row *ft_rule_at(size_t index);
const struct ft_rule_row *ft_rule_by_number(uint16_t number);
const struct ft_rule_row *ft_rule_by_id(const char *id); /* also finds aliases */

struct ft_rules; /* opaque state */

size_t ft_rules_state_bytes(void);

/* keep_going: an E violation is recorded and the run goes on. disabled: rule number that must not
 * judge, 0 none (meta-tests). */
void ft_rules_init(struct ft_rules *rules, bool keep_going, uint16_t disabled);

/* Judges one event. True: the run should end (an E violation, and not keep_going). Has the
 * signature of ft_observer. */
bool ft_rules_event(void *rules, const struct ft_event *event);

/* Fills kind (CLEAN, VIOLATION, CRASH, HANG, CUT, UNJUDGED from run:* events), findings and
 * warnings. */
void ft_rules_verdict(const struct ft_rules *rules, struct ft_verdict *ret);

/* Which needs are broken now, for anything at all: bit mask of FT_NEED_*. */
unsigned ft_rules_suspended(const struct ft_rules *rules);

/* Needs that are broken for one object: rules with one of them do not judge it. */
struct ft_suspension {
    uint64_t object; /* handle of a device or a request, 0: of everything */
    unsigned needs;  /* FT_NEED_* */
};

/* Writes the objects whose needs are broken now, at most `capacity`, in an order that stays the
 * same while the objects live; returns how many were written. */
size_t ft_rules_suspensions(const struct ft_rules *rules, struct ft_suspension *list,
                            size_t capacity);

/* A single FT_NEED_* bit in words ("an honest device"), NULL for none. */
const char *ft_need_name(unsigned bit);

#endif
