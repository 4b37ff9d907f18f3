/* export --format ctest: a regression test in C (regression.h). */
#include "export/export.h"
#include "rules/rules.h"
#include "scenario/scenario_codec.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum { SCENARIO_BYTES = 16384, WRAP = 92, NAME_BYTES = 128 };

/* Text of a trace, which is anybody's, inside a comment: it must not end it. */
static void put_comment(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        fputc(*text == '\n' ? ' ' : *text, out);
        if (*text == '*' && text[1] == '/') {
            fputc(' ', out);
        }
    }
}

/* The same inside a string literal. */
static void put_literal(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || *text == '?') {
            fputc('\\', out);
        }
        fputc(*text, out);
    }
}

/* A sentence in lines of a comment. */
static void put_wrapped(const char *text, FILE *out)
{
    size_t column = WRAP;

    while (*text != '\0') {
        size_t length = strcspn(text, " ");

        if (column + 1 + length > WRAP) {
            fputs("\n *    ", out);
            column = 7;
        }
        fprintf(out, " %.*s", (int)length, text);
        column += 1 + length;
        text += length + (text[length] == ' ');
    }
    fputc('\n', out);
}

/* What the test is made of: the rule, "crash", "hang", "" for nothing. */
static const char *rule_of(const struct ft_trace *trace, const struct ft_rule_row **row)
{
    const struct ft_verdict *verdict = &trace->verdict;

    *row = verdict->finding_count != 0 ? ft_rule_by_number(verdict->finding[0].rule) : NULL;
    if (*row != NULL) {
        return (*row)->id;
    }
    return verdict->kind == FT_VERDICT_CRASH || verdict->kind == FT_VERDICT_HANG
               ? ft_verdict_name(verdict->kind)
               : "";
}

/* "wdm-packet", "dma.flush-double": wdm-packet-dma-flush-double, a name for a target. */
static void print_name(const char *core, const char *rule, char *text, size_t capacity)
{
    size_t length;

    snprintf(text, capacity, "%s-%s", core, rule[0] != '\0' ? rule : "clean");
    length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        text[i] = isalnum((unsigned char)text[i]) != 0 ? text[i] : '-';
    }
}

static void put_head(const struct ft_export *export, const char *rule,
                     const struct ft_rule_row *row, FILE *out)
{
    const struct ft_trace *trace = export->trace;
    char name[NAME_BYTES];

    print_name(trace->core, rule, name, sizeof(name));
    fputs("/* A regression test: ", out);
    put_comment(trace->core, out);
    if (rule[0] == '\0') {
        fputs(" is right in this scenario.\n", out);
    } else {
        fprintf(out, "%s%s.\n", row != NULL ? " broke the rule " : " ended in a ", rule);
    }
    if (row != NULL) {
        fputs(" *", out);
        put_wrapped(row->sentence, out);
    }
    fputs(" *\n * Recorded on ", out);
    put_comment(trace->mutant[0] != '\0' ? "mutant " : "the sound core", out);
    put_comment(trace->mutant, out);
    fprintf(out, ", model %" PRIu32 ", %" PRIu64 " events", trace->model, trace->event_count);
    if (trace->verdict.finding_count != 0) {
        fprintf(out, ";\n * event %" PRIu64, trace->verdict.finding[0].event);
        if (trace->verdict.finding[0].function[0] != '\0') {
            fputs(" in ", out);
            put_comment(trace->verdict.finding[0].function, out);
        }
    }
    fputs(".\n * Written by flushtrace export --format ctest from ", out);
    put_comment(export->path, out);
    fputs(".\n *\n * In the driver's CMakeLists.txt, behind flushtrace_add_driver:\n *\n"
          " *     enable_testing()\n *     flushtrace_add_regression_test(NAME ",
          out);
    fprintf(out, "%s SOURCE %s.c\n *                                    CORE ", name, name);
    put_comment(trace->core, out);
    if (strcmp(trace->flavour, "asan") == 0 || strcmp(trace->flavour, "access") == 0) {
        fprintf(out, " FLAVOUR %s", trace->flavour);
    }
    fputs(")\n */\n", out);
}

/* One line of the scenario, one literal. */
static void put_scenario(const struct ft_scenario *scenario, FILE *out)
{
    char text[SCENARIO_BYTES];
    char *line = text;

    ft_scenario_print(scenario, text, sizeof(text));
    fputs("    .scenario =", out);
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        bool more = line[length] == '\n';

        line[length] = '\0';
        fputs("\n        \"", out);
        put_literal(line, out);
        fputs("\\n\"", out);
        line += length + more;
    }
    fputs(",\n", out);
}

static enum ft_status write_ctest(const struct ft_export *export, FILE *out, struct ft_error *error)
{
    const struct ft_trace *trace = export->trace;
    const struct ft_rule_row *row;
    const char *rule = rule_of(trace, &row);

    if (strchr(trace->core, '/') != NULL || trace->core[0] == '\0') {
        return ft_fail(error, FT_USAGE, 0, "the trace names no driver");
    }
    put_head(export, rule, row, out);
    fputs("#include \"export/regression.h\"\n\nstatic const struct ft_regression test = {\n"
          "    .driver = \"",
          out);
    put_literal(trace->core, out);
    fprintf(out, "\",\n    .rule = \"%s\",\n    .function = \"", rule);
    put_literal(trace->verdict.finding_count != 0 ? trace->verdict.finding[0].function : "", out);
    fputs("\",\n", out);
    put_scenario(&trace->scenario, out);
    fputs("};\n\nint main(int argc, char **argv)\n{\n"
          "    return ft_regression_main(&test, argc, argv);\n}\n",
          out);
    return FT_OK;
}

const struct ft_export_format ft_export_ctest = {
    .name = "ctest",
    .sentence = "a regression test in C: fails as long as the driver does it again",
    .write = write_ctest};
