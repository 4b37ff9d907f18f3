/* A baseline file. Each entry covers the finding that it names. */
#include "fuzz/parsers/parser_check.h"

#include "cli/baseline.h"

#include <stdio.h>
#include <string.h>

static void check_entry(struct ft_baseline *baseline, const struct ft_baseline_entry *entry)
{
    struct ft_finding finding = {.rule = entry->rule};

    ft_parser_check((entry->rule != 0) != (entry->kind != 0), "an entry is a rule or a stop");
    ft_parser_check(entry->reason[0] != '\0', "an entry has a reason");
    if (strcmp(entry->function, "-") != 0 && strcmp(entry->function, "*") != 0)
        snprintf(finding.function, sizeof finding.function, "%s", entry->function);
    if (entry->rule)
        ft_parser_check(ft_baseline_finding(baseline, &finding) != NULL,
                        "an entry covers its finding");
    else
        ft_parser_check(
            ft_baseline_stop(baseline, (enum ft_verdict_kind)entry->kind, finding.function) != NULL,
            "an entry covers its stop");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ft_baseline baseline;
    struct ft_error error = {.text = ""};
    enum ft_status status;

    baseline.count = 0;
    status = ft_baseline_parse(&baseline, (const char *)data, size, &error);
    ft_parser_check(baseline.count <= FT_BASELINE_MAX, "a baseline has a bounded size");
    if (status != FT_OK)
        ft_parser_check_error(status, &error, size + 1);
    for (unsigned i = 0; i < baseline.count; i++)
        check_entry(&baseline, &baseline.entry[i]);
    return 0;
}
