/* Regression tests as programs. */
#include "export/regression.h"
#include "replay/execute.h"
#include "report/colour.h"
#include "report/verdict_block.h"
#include "rules/rules.h"
#include "scenario/scenario_codec.h"
#include "trace/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PASSED = 0, FAILED = 1, BAD_USAGE = 3, NO_VERDICT = 4 };

struct arguments {
    const char *mutant, *trace;
};

static bool parse(int argc, char **argv, struct arguments *ret)
{
    *ret = (struct arguments){.mutant = ""};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--mutant") == 0) {
            ret->mutant = strcmp(argv[i + 1], "none") != 0 ? argv[i + 1] : "";
        } else if (i + 1 < argc && strcmp(argv[i], "--trace") == 0) {
            ret->trace = argv[i + 1];
        } else {
            fprintf(stderr, "usage: %s [--mutant M] [--trace FILE]\n", argv[0]);
            return false;
        }
    }
    return true;
}

static int fail(const struct ft_error *error)
{
    fprintf(stderr, "%s\n", error->text);
    return ft_status_exit(error->status);
}

/* What was found, as struct ft_regression has it. */
static const char *found_rule(const struct ft_verdict *verdict)
{
    const struct ft_rule_row *row =
        verdict->finding_count != 0 ? ft_rule_by_number(verdict->finding[0].rule) : NULL;

    return row != NULL ? row->id : ft_verdict_name(verdict->kind);
}

static int report(const struct ft_regression *test, const struct ft_trace *trace,
                  const struct arguments *arguments)
{
    struct ft_block block = {.trace = trace,
                             .path = arguments->trace,
                             .colour = ft_colour_wanted(stdout),
                             .width = ft_terminal_width(stdout)};
    const char *rule = found_rule(&trace->verdict);

    ft_block_print(&block, stdout);
    switch (trace->verdict.kind) {
    case FT_VERDICT_CLEAN:
        puts("\npassed");
        return PASSED;
    case FT_VERDICT_VIOLATION:
    case FT_VERDICT_CRASH:
    case FT_VERDICT_HANG:
        if (test->rule[0] == '\0') {
            printf("\nFAILED: %s, where nothing was wrong\n", rule);
        } else if (strcmp(rule, test->rule) == 0) {
            printf("\nFAILED: %s is still there\n", rule);
        } else {
            printf("\nFAILED: %s, where %s was\n", rule, test->rule);
        }
        return FAILED;
    default:
        puts("\nFAILED: no verdict");
        return NO_VERDICT;
    }
}

int ft_regression_main(const struct ft_regression *test, int argc, char **argv)
{
    struct ft_execute_options options = {0};
    const struct ft_module *module;
    struct arguments arguments;
    struct ft_error error = {0};
    struct ft_scenario scenario;
    struct ft_trace trace;
    enum ft_status status;
    int ret;

    if (!parse(argc, argv, &arguments)) {
        return BAD_USAGE;
    }
    module = ft_module_find(test->driver, arguments.mutant);
    if (module == NULL) {
        fprintf(stderr, "%s: no driver %s%s%s is linked in\n", argv[0], test->driver,
                arguments.mutant[0] != '\0' ? ", mutant " : "", arguments.mutant);
        return BAD_USAGE;
    }
    if (ft_scenario_parse(test->scenario, strlen(test->scenario), &scenario, &error) != FT_OK) {
        fprintf(stderr, "scenario, line %" PRIu64 ": %s\n", error.offset, error.text);
        return BAD_USAGE;
    }
    if (ft_execute(module, &scenario, &options, &trace, &error) != FT_OK) {
        return fail(&error);
    }
    status = arguments.trace != NULL ? ft_trace_write(arguments.trace, &trace, &error) : FT_OK;
    ret = status == FT_OK ? report(test, &trace, &arguments) : fail(&error);
    ft_trace_free(&trace);
    return ret;
}
