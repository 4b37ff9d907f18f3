/* Events as text, one a line, judged by the rules, as `flushtrace check` judges a trace from
 * anywhere: whatever the events say, the verdict is one, and its findings are at events that are
 * there. Lines that are no events are passed over. */
#include "fuzz/parsers/parser_check.h"
#include "rules/rules.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1024, SUSPENSIONS = 8 };

/* The next line, cut to a size; false: no more. */
static bool next_line(const uint8_t **data, size_t *size, char line[LINE_BYTES])
{
    const uint8_t *newline;
    size_t length, kept;

    if (*size == 0)
        return false;
    newline = memchr(*data, '\n', *size);
    length = newline ? (size_t)(newline - *data) : *size;
    kept = length < LINE_BYTES - 1 ? length : LINE_BYTES - 1;
    memcpy(line, *data, kept);
    line[kept] = '\0';
    length += newline != NULL;
    *data += length;
    *size -= length;
    return true;
}

static void check_findings(const struct ft_finding *finding, uint32_t count, uint64_t events)
{
    ft_parser_check(count <= FT_FINDINGS_MAX, "findings have room");
    for (uint32_t i = 0; i < count; i++) {
        ft_parser_check(ft_rule_by_number(finding[i].rule) != NULL, "a finding has a rule");
        ft_parser_check(finding[i].event <= events, "a finding is at an event that is there");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ft_rules *rules = calloc(1, ft_rules_state_bytes());
    struct ft_suspension suspension[SUSPENSIONS];
    struct ft_verdict verdict;
    struct ft_event event;
    uint64_t events = 0;
    char line[LINE_BYTES];

    if (!rules)
        return 0;
    ft_rules_init(rules, true, 0);
    while (next_line(&data, &size, line))
        if (ft_event_parse(line, &event, NULL) == FT_OK) {
            events++;
            ft_rules_event(rules, &event);
        }
    ft_rules_verdict(rules, &verdict);
    check_findings(verdict.finding, verdict.finding_count, events);
    check_findings(verdict.warning, verdict.warning_count, events);
    ft_parser_check(ft_rules_suspensions(rules, suspension, SUSPENSIONS) <= SUSPENSIONS,
                    "suspensions have room");
    free(rules);
    return 0;
}
