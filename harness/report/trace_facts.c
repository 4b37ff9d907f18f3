/* Counts, judgement and texts drawn from a trace. */
#include "report/trace_facts.h"
#include "rules/rules.h"
#include "scenario/scenario_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ft_count_ops(const struct ft_trace *trace, struct ft_op_counts *ret)
{
    uint32_t struck = 0;

    *ret = (struct ft_op_counts){0};
    for (uint64_t i = 0; i < trace->event_count; i++) {
        uint16_t kind = trace->event[i].kind;

        struck += kind == FT_EV_OP_FIRED || kind == FT_EV_OP_LATE;
        ret->late += kind == FT_EV_OP_LATE;
        ret->skipped += kind == FT_EV_OP_SKIPPED;
    }
    /* A skipped op is announced first, and then skipped. */
    ret->fired = struck > ret->skipped ? struck - ret->skipped : 0;
}

static bool ends_run(uint16_t kind)
{
    return kind == FT_EV_RUN_END || kind == FT_EV_RUN_CRASH || kind == FT_EV_RUN_HANG ||
           kind == FT_EV_RUN_CUT || kind == FT_EV_RUN_UNIMPLEMENTED || kind == FT_EV_RUN_BUGCHECK;
}

bool ft_kept_going(const struct ft_trace *trace)
{
    uint64_t first = trace->verdict.finding_count != 0 ? trace->verdict.finding[0].event : 0;

    return first != 0 && first < trace->event_count &&
           ends_run(trace->event[trace->event_count - 1].kind);
}

static void name_findings(const struct ft_trace *trace, struct ft_finding *finding, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        snprintf(finding[i].function, sizeof(finding[i].function), "%s",
                 ft_trace_function(trace, finding[i].site));
    }
}

bool ft_judge_trace(const struct ft_trace *trace, bool keep_going, struct ft_verdict *ret)
{
    struct ft_rules *rules = calloc(1, ft_rules_state_bytes());

    if (rules == NULL) {
        return false;
    }
    ft_rules_init(rules, keep_going, 0);
    for (uint64_t i = 0; i < trace->event_count; i++) {
        ft_rules_event(rules, &trace->event[i]);
    }
    ft_rules_verdict(rules, ret);
    free(rules);
    name_findings(trace, ret->finding, ret->finding_count);
    name_findings(trace, ret->warning, ret->warning_count);
    return true;
}

size_t ft_platform_print(const struct ft_scenario *scenario, char *text, size_t capacity)
{
    static const char word[] = "platform ";
    struct ft_scenario only = {.platform = scenario->platform};
    char line[512];
    char *start = line;

    ft_scenario_print(&only, line, sizeof(line));
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, word, sizeof(word) - 1) == 0) {
        start += sizeof(word) - 1;
    }
    return (size_t)snprintf(text, capacity, "%s",
                            start[0] != '\0' ? start
                                             : ft_platform_preset_name(scenario->platform.preset));
}

static void clean(char *text, size_t capacity)
{
    text[capacity - 1] = '\0';
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7E) {
            *text = '?';
        }
    }
}

void ft_trace_clean_texts(struct ft_trace *trace)
{
    struct ft_verdict *verdict = &trace->verdict;

    clean(trace->core, sizeof(trace->core));
    clean(trace->mutant, sizeof(trace->mutant));
    clean(trace->flavour, sizeof(trace->flavour));
    clean(trace->compiler, sizeof(trace->compiler));
    clean(trace->fingerprint, sizeof(trace->fingerprint));
    clean(verdict->detail, sizeof(verdict->detail));
    for (uint32_t i = 0; i < verdict->finding_count; i++) {
        clean(verdict->finding[i].function, sizeof(verdict->finding[i].function));
    }
    for (uint32_t i = 0; i < verdict->warning_count; i++) {
        clean(verdict->warning[i].function, sizeof(verdict->warning[i].function));
    }
    for (uint32_t i = 0; i < trace->site_count; i++) {
        clean(trace->site[i].function, sizeof(trace->site[i].function));
    }
}
