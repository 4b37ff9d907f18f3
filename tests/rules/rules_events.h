/* Events as data for the tests of the rules engine: files in the text form of events, one per line.
 *
 * A line is what ft_event_parse takes; arguments and attributes that are left out are zero (layer:
 * driver). `#` begins a comment line, empty lines are skipped.
 */
#ifndef FT_TESTS_RULES_EVENTS_H
#define FT_TESTS_RULES_EVENTS_H

#include "rules/rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FT_FILE_EVENTS_MAX = 512 };

struct ft_file_events {
    size_t count;
    struct ft_event event[FT_FILE_EVENTS_MAX];
};

/* ft_file_events_read reads tests/rules/events/<name>. False: no such file, or a line that is no
 * event, with the place on standard error. */
bool ft_file_events_read(const char *name, struct ft_file_events *ret);

/* ft_text_events_read does the same for lines in a string. */
bool ft_text_events_read(const char *text, struct ft_file_events *ret);

/* ft_judge runs events through a fresh engine up to the end that it asks for, as the world does,
 * and gives its verdict. */
void ft_judge(const struct ft_file_events *events, bool keep_going, uint16_t disabled,
              struct ft_verdict *ret);

/* ft_verdict_has_rule, ft_verdict_has_warning: the rule is among the findings, the warnings. */
bool ft_verdict_has_rule(const struct ft_verdict *verdict, uint16_t rule);
bool ft_verdict_has_warning(const struct ft_verdict *verdict, uint16_t rule);

/* ft_verdict_show prints kind, findings and warnings on standard error. */
void ft_verdict_show(const char *title, const struct ft_verdict *verdict);

#endif
