/* flushtrace rules: every invariant, judged or not. */
#include "cli/cli.h"
#include "report/colour.h"
#include "report/report_json.h"
#include "report/verdict_block.h"
#include "rules/rules.h"

#include <string.h>

struct counts {
    unsigned shown, judged, never, later[FT_CUT_NEVER];
};

static const char *const cut_names[] = {
    [FT_CUT_SPINE] = "spine", [FT_CUT_WDM] = "wdm",   [FT_CUT_V3] = "dma-v3",
    [FT_CUT_KMDF] = "kmdf",   [FT_CUT_SCSI] = "scsi", [FT_CUT_ACCESS] = "access",
    [FT_CUT_NEVER] = "never",
};

static const char *severity_text(enum ft_severity severity)
{
    static const char *const names[] = {"violation", "warning", "self-check"};

    return names[severity];
}

/* An id, an alias, a number or the beginning of ids. */
static bool matches(const struct ft_rule_row *row, const char *wanted,
                    const struct ft_rule_row *exact)
{
    char number[16];

    if (exact != NULL) {
        return row == exact;
    }
    snprintf(number, sizeof(number), "%u", row->number);
    return strncmp(row->id, wanted, strlen(wanted)) == 0 || strcmp(number, wanted) == 0;
}

static void count(struct counts *counts, const struct ft_rule_row *row)
{
    counts->shown++;
    if (row->judged) {
        counts->judged++;
    } else if (row->cut == FT_CUT_NEVER) {
        counts->never++;
    } else {
        counts->later[row->cut]++;
    }
}

static void mark_text(const struct ft_rule_row *row, char *text, size_t capacity)
{
    if (row->judged) {
        snprintf(text, capacity, "judged");
    } else if (row->cut == FT_CUT_NEVER) {
        snprintf(text, capacity, "never judged");
    } else {
        snprintf(text, capacity, "later: %s", cut_names[row->cut]);
    }
}

static void print_needs(unsigned needs, FILE *out)
{
    const char *comma = "    needs: ";

    for (unsigned bit = 1; bit <= needs; bit <<= 1) {
        if ((needs & bit) != 0) {
            fprintf(out, "%s%s", comma, ft_need_name(bit));
            comma = ", ";
        }
    }
    fputs(needs != 0 ? "\n" : "", out);
}

static void print_row(const struct ft_rule_row *row, FILE *out, bool colour)
{
    char mark[32];

    mark_text(row, mark, sizeof(mark));
    fprintf(out, "%s%-40s%s %u  %-10s %s%s%s\n", ft_colour(colour, FT_COLOUR_BOLD), row->id,
            ft_colour(colour, FT_COLOUR_NONE), row->number, severity_text(row->severity),
            ft_colour(colour, row->judged ? FT_COLOUR_GOOD : FT_COLOUR_DIM), mark,
            ft_colour(colour, FT_COLOUR_NONE));
    ft_wrap(row->sentence, 4, out);
    fprintf(out, "    %ssource: %s%s\n", ft_colour(colour, FT_COLOUR_DIM), row->source,
            ft_colour(colour, FT_COLOUR_NONE));
    if (row->bugcheck[0] != '\0') {
        fprintf(out, "    bug check: %s\n", row->bugcheck);
    }
    print_needs(row->needs, out);
    if (row->note[0] != '\0') {
        fprintf(out, "    %s: %s\n", row->judged ? "witness" : "lacks", row->note);
    }
    if (row->aliases[0] != '\0') {
        fprintf(out, "    also called: %s\n", row->aliases);
    }
    if (row->refines != 0 && ft_rule_by_number(row->refines) != NULL) {
        fprintf(out, "    refines: %s\n", ft_rule_by_number(row->refines)->id);
    }
}

static json_t *row_object(const struct ft_rule_row *row)
{
    const struct ft_rule_row *refined = row->refines != 0 ? ft_rule_by_number(row->refines) : NULL;

    return json_pack("{s:s, s:i, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:i}", "rule",
                     row->id, "number", row->number, "severity", severity_text(row->severity),
                     "judged", row->judged, "cut", cut_names[row->cut], "sentence", row->sentence,
                     "source", row->source, "bugcheck", row->bugcheck, "note", row->note,
                     "first_event", row->first_event, "aliases", row->aliases, "refines",
                     refined != NULL ? refined->id : NULL, "needs", (int)row->needs);
}

static void print_counts(const struct counts *counts, FILE *out)
{
    fprintf(out, "\n%u rules: %u judged", counts->shown, counts->judged);
    for (unsigned i = 0; i < FT_CUT_NEVER; i++) {
        if (counts->later[i] != 0) {
            fprintf(out, ", %u later (%s)", counts->later[i], cut_names[i]);
        }
    }
    fprintf(out, ", %u never\n", counts->never);
}

static int run(struct ft_cli *cli)
{
    const char *wanted = cli->argument_count != 0 ? cli->argument[0] : "";
    const struct ft_rule_row *exact = ft_rule_by_id(wanted);
    bool colour = !cli->json && ft_colour_wanted(stdout);
    FILE *out = cli->json ? stdout : ft_cli_page_begin(cli);
    json_t *list = json_array();
    struct counts counts = {0};

    for (size_t i = 0; i < ft_rule_count(); i++) {
        const struct ft_rule_row *row = ft_rule_at(i);

        if (!matches(row, wanted, exact)) {
            continue;
        }
        count(&counts, row);
        if (cli->json) {
            json_array_append_new(list, row_object(row));
        } else {
            print_row(row, out, colour);
        }
    }
    if (cli->json) {
        ft_cli_print_json(json_pack("{s:O, s:i, s:i, s:i}", "rules", list, "judged",
                                    (int)counts.judged, "never", (int)counts.never, "count",
                                    (int)counts.shown));
    } else {
        print_counts(&counts, out);
        ft_cli_page_end(cli, out);
    }
    json_decref(list);
    if (counts.shown == 0) {
        ft_cli_note(cli, "no rule is called '%s' or begins like that", wanted);
        return FT_EXIT_USAGE;
    }
    return FT_EXIT_OK;
}

const struct ft_verb ft_verb_rules = {
    .name = "rules",
    .sentence = "Every rule with its sentence and source, and whether this build judges it.",
    .arguments = "[ID|PREFIX]",
    .arguments_max = 1,
    .options = FT_OPT(JSON),
    .details =
        "A violation changes the exit status, a warning never does. A rule that is not judged "
        "says which delivery brings it and what it lacks.\n\n"
        "  flushtrace rules dma.\n"
        "  flushtrace rules dma.flush-before-complete\n"
        "  flushtrace rules --json",
    .run = run,
};
