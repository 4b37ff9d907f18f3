/* Prints docs/RULES.md from the rows of rules.def: by prefix, the judged rules first. A test
 * compares the committed page with this output. */
#include "rules/rules.h"

#include <stdio.h>
#include <string.h>

struct group {
    const char *prefix;
    const char *title;
};

static const struct group groups[] = {
    {"dma.", "DMA: adapters, channels, transfers, flushes, common buffers"},
    {"io.", "Requests, cancellation, PnP, power, IRQL, locks, interrupts, timers"},
    {"mem.", "Memory of the machine: pool, MDLs, map registers, pages"},
    {"kmdf.", "KMDF"},
    {"scsi.", "SCSI Port miniports"},
};
enum { GROUP_COUNT = sizeof(groups) / sizeof(groups[0]) };

static const char *cut_name(enum ft_cut cut)
{
    switch (cut) {
    case FT_CUT_SPINE:
        return "first delivery";
    case FT_CUT_WDM:
        return "WDM";
    case FT_CUT_V3:
        return "DMA version 3";
    case FT_CUT_KMDF:
        return "KMDF";
    case FT_CUT_SCSI:
        return "SCSI Port";
    case FT_CUT_ACCESS:
        return "access build";
    default:
        return "never";
    }
}

static const char *severity_name(enum ft_severity severity)
{
    switch (severity) {
    case FT_SEVERITY_E:
        return "E";
    case FT_SEVERITY_W:
        return "W";
    default:
        return "F";
    }
}

static bool in_group(const struct ft_rule_row *row, const struct group *group)
{
    return strncmp(row->id, group->prefix, strlen(group->prefix)) == 0;
}

/* A cell of a table; a bar inside it would end it. */
static void print_cell(const char *text)
{
    printf(" ");
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            printf("\\");
        }
        printf("%c", *text);
    }
    printf(" |");
}

static void print_needs(unsigned needs)
{
    static const struct {
        unsigned need;
        const char *name;
    } names[] = {
        {FT_NEED_HONEST_DEVICE, "honest device"},
        {FT_NEED_LIVE_DEVICE, "live device"},
        {FT_NEED_HONEST_INTERRUPT, "honest interrupt"},
        {FT_NEED_NO_INJECTED_FAILURE, "no injected failure"},
        {FT_NEED_PRESENT_HARDWARE, "present hardware"},
    };
    const char *separator = " ";

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((needs & names[i].need) != 0) {
            printf("%s%s", separator, names[i].name);
            separator = ", ";
        }
    }
    printf(" |");
}

/* What a row is about, with the rule that it refines and its other names. */
static void print_sentence(const struct ft_rule_row *row)
{
    const struct ft_rule_row *general = ft_rule_by_number(row->refines);

    printf(" %s", row->sentence);
    if (general != NULL) {
        printf(" Refines `%s`.", general->id);
    }
    if (row->aliases[0] != '\0') {
        printf(" Also known as `%s`.", row->aliases);
    }
    printf(" |");
}

static void print_judged(const struct ft_rule_row *row)
{
    printf("| %u | `%s` | %s |", row->number, row->id, severity_name(row->severity));
    print_sentence(row);
    print_needs(row->needs);
    print_cell(row->bugcheck);
    print_cell(row->source);
    print_cell(row->note);
    printf("\n");
}

static void print_other(const struct ft_rule_row *row)
{
    printf("| %u | `%s` | %s |", row->number, row->id, severity_name(row->severity));
    print_sentence(row);
    printf(" %s |", cut_name(row->cut));
    print_cell(row->note);
    printf("\n");
}

/* Rows of the group that are judged, or that are not. With `print` false they are only counted. */
static unsigned each_row(const struct group *group, bool judged, bool print)
{
    unsigned count = 0;

    for (size_t i = 0; i < ft_rule_count(); i++) {
        const struct ft_rule_row *row = ft_rule_at(i);

        if (!in_group(row, group) || row->judged != judged) {
            continue;
        }
        count++;
        if (print && judged) {
            print_judged(row);
        } else if (print) {
            print_other(row);
        }
    }
    return count;
}

static void print_group(const struct group *group)
{
    unsigned judged = each_row(group, true, false);
    unsigned other = each_row(group, false, false);

    printf("\n## %s\n", group->title);
    if (judged != 0) {
        printf("\n### Judged (%u)\n\n"
               "| number | rule | | invariant | needs | bug check | source | witness |\n"
               "|---|---|---|---|---|---|---|---|\n",
               judged);
        (void)each_row(group, true, true);
    }
    if (other != 0) {
        printf("\n### Not judged (%u)\n\n"
               "| number | rule | | invariant | delivery | what it lacks |\n"
               "|---|---|---|---|---|---|\n",
               other);
        (void)each_row(group, false, true);
    }
}

int main(void)
{
    unsigned judged = 0;

    for (size_t i = 0; i < GROUP_COUNT; i++) {
        judged += each_row(&groups[i], true, false);
    }
    printf("<!-- Written by gen_rules_doc from harness/rules/rules.def; do not edit. -->\n"
           "# Rules\n\n"
           "Every invariant that flushtrace knows: %zu rules, of which this build judges %u. "
           "Numbers are for ever.\n\n"
           "Severity: **E** a violation; **W** a warning, which changes no exit status; **F** a "
           "fault of our own\nshim. Where a rule and one that it refines fire at one event, the "
           "refining rule is the verdict; otherwise\nthe lowest number is, and the others stand "
           "under `also`. A rule is not judged for a device or request\nthat does not keep what "
           "the rule needs: a *live device* (no lost interrupt, yank or sleep before the\ndriver "
           "has handled its removal), *present hardware* (no yank that the driver was not told "
           "of), an *honest\ndevice* or *interrupt* (no hostile data; no late or spurious "
           "interrupt), *no injected failure*.\n\n"
           "Every judged rule has a witness: events that it rejects (`<rule>.witness.events` in "
           "`tests/rules/events`)\nand a near miss that it accepts (`<rule>.near.events`). Bug "
           "checks are the nearest that Driver Verifier or\nWindows has.\n",
           ft_rule_count(), judged);
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        print_group(&groups[i]);
    }
    return ferror(stdout) || fflush(stdout) != 0;
}
