/* The coverage report for a terminal. */
#include "coverage/coverage.h"
#include "report/colour.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_COLUMNS = 98, NAME_COLUMNS = 19, BAR_COLUMNS = 24 };

struct page {
    const struct ft_coverage *coverage;
    bool colour;
    FILE *out;
};

static const char *colour_of(const struct page *page, enum ft_colour colour)
{
    return ft_colour(page->colour, colour);
}

static void heading(const struct page *page, const char *text)
{
    fprintf(page->out, "\n%s%s%s\n", colour_of(page, FT_COLOUR_BOLD), text,
            colour_of(page, FT_COLOUR_NONE));
}

/* ---- inputs and ops ---- */

static void print_inputs(const struct page *page)
{
    const struct ft_inputs *inputs = page->coverage->inputs;
    const struct ft_reached *reached = page->coverage->reached;
    const char *separator = ":";

    fprintf(page->out, "%s: %zu inputs (%zu traces, %zu scenarios, %zu of engines)",
            page->coverage->module->core, inputs->count, inputs->traces, inputs->texts,
            inputs->engine);
    for (unsigned kind = 0; kind < sizeof reached->verdict / sizeof *reached->verdict; kind++) {
        if (reached->verdict[kind]) {
            fprintf(page->out, "%s %" PRIu64 " %s", separator, reached->verdict[kind],
                    ft_verdict_name(kind));
            separator = ",";
        }
    }
    fputc('\n', page->out);
    if (reached->died)
        fprintf(page->out, "%" PRIu64 " more ended their worker\n", reached->died);
    if (inputs->foreign)
        fprintf(page->out, "%zu traces of other drivers left out\n", inputs->foreign);
    if (inputs->unreadable)
        fprintf(page->out, "%zu files cannot be read and are left out\n", inputs->unreadable);
}

/* Words in lines that do not get too long. */
struct paragraph {
    const struct page *page;
    size_t column;
};

static void begin_paragraph(struct paragraph *paragraph, const struct page *page, const char *title)
{
    paragraph->page = page;
    paragraph->column = NAME_COLUMNS + 2;
    fprintf(page->out, "  %-*s", NAME_COLUMNS, title);
}

static void add_words(struct paragraph *paragraph, const char *words)
{
    size_t length = strlen(words) + 2;

    if (paragraph->column + length > TEXT_COLUMNS) {
        fprintf(paragraph->page->out, "\n  %*s", NAME_COLUMNS, "");
        paragraph->column = NAME_COLUMNS + 2;
    }
    fprintf(paragraph->page->out, "%s  ", words);
    paragraph->column += length;
}

static void print_op_list(const struct page *page, const char *title, bool struck)
{
    const struct ft_reached *reached = page->coverage->reached;
    struct paragraph paragraph;
    char words[96];
    bool any = false;

    begin_paragraph(&paragraph, page, title);
    for (unsigned number = 0; number < FT_OP_SLOTS; number++) {
        const struct ft_op_row *row = ft_op_row(number);
        uint64_t fired = reached->fired[number], late = reached->late[number];

        if (!row || !row->built || (fired + late != 0) != struck)
            continue;
        if (struck && late)
            snprintf(words, sizeof words, "%s %" PRIu64 "+%" PRIu64, row->name, fired, late);
        else if (struck)
            snprintf(words, sizeof words, "%s %" PRIu64, row->name, fired);
        else
            snprintf(words, sizeof words, "%s", row->name);
        add_words(&paragraph, words);
        any = true;
    }
    fputs(any ? "\n" : "-\n", page->out);
}

static void print_ops(const struct page *page)
{
    heading(page, "Ops: how often each struck (+ late)");
    print_op_list(page, "struck", true);
    print_op_list(page, "never", false);
}

/* ---- state cells ---- */

/* "3/12": reached, and how many there are; blank when there is none. */
static void print_share(const struct page *page, unsigned reached, unsigned of)
{
    enum ft_colour colour = reached == 0    ? FT_COLOUR_BAD
                            : reached == of ? FT_COLOUR_GOOD
                                            : FT_COLOUR_NONE;
    char text[24] = "";

    if (of)
        snprintf(text, sizeof text, "%u/%u", reached, of);
    fprintf(page->out, "%s%7s%s", of ? colour_of(page, colour) : "", text,
            of ? colour_of(page, FT_COLOUR_NONE) : "");
}

static void print_class(const struct page *page, enum ft_cell_class class_, bool cancelled)
{
    fprintf(page->out, "  %-*s", NAME_COLUMNS - 2, ft_class_name(class_));
    for (unsigned phase = 0; phase < FT_PHASE_COUNT; phase++) {
        unsigned of, reached;

        if (ft_phase_cancelled(phase) != cancelled)
            continue;
        reached = ft_coverage_cells(page->coverage->reached, class_, phase, &of);
        print_share(page, reached, of);
    }
    fputc('\n', page->out);
}

static bool has_cells(enum ft_cell_class class_, bool cancelled)
{
    for (unsigned phase = 0; phase < FT_PHASE_COUNT; phase++)
        for (unsigned machine = 0; machine < FT_MACHINE_COUNT; machine++)
            if (ft_phase_cancelled(phase) == cancelled && ft_cell_expected(class_, phase, machine))
                return true;
    return false;
}

/* Classes of the groups first..last by phase of the request. */
static void print_classes(const struct page *page, const char *title, enum ft_cell_group first,
                          enum ft_cell_group last, bool cancelled)
{
    heading(page, title);
    fprintf(page->out, "  %-*s", NAME_COLUMNS - 2, "");
    for (unsigned phase = 0; phase < FT_PHASE_COUNT; phase++)
        if (ft_phase_cancelled(phase) == cancelled)
            fprintf(page->out, "%7s", ft_phase_short_name(phase));
    fputc('\n', page->out);
    for (unsigned class_ = 0; class_ < FT_CLASS_COUNT; class_++)
        if (ft_class_group(class_) >= first && ft_class_group(class_) <= last &&
            has_cells(class_, cancelled))
            print_class(page, class_, cancelled);
}

static void print_machines(const struct page *page)
{
    heading(page, "State of the device: PnP by power");
    fprintf(page->out, "  %-*s", NAME_COLUMNS - 2, "");
    for (unsigned power = 0; power < FT_CELL_POWER_COUNT; power++)
        fprintf(page->out, "%12s", ft_cell_power_name(power));
    fputc('\n', page->out);
    for (unsigned pnp = 0; pnp < FT_CELL_PNP_COUNT; pnp++) {
        fprintf(page->out, "  %-*s", NAME_COLUMNS - 2, ft_cell_pnp_name(pnp));
        for (unsigned power = 0; power < FT_CELL_POWER_COUNT; power++) {
            bool own;
            enum ft_cell_machine machine = ft_cell_machine_of(pnp, power, &own);
            unsigned of = 0;
            unsigned reached = own ? ft_coverage_machine(page->coverage->reached, machine, &of) : 0;

            fputs("     ", page->out);
            print_share(page, reached, of);
        }
        fputc('\n', page->out);
    }
}

/* Where a disturbance has never struck, in words. */
static void print_never(const struct page *page)
{
    heading(page, "Never struck while a request was");
    for (unsigned class_ = 0; class_ < FT_CLASS_COUNT; class_++) {
        struct paragraph paragraph;
        bool any = false;

        if (ft_class_group(class_) != FT_GROUP_STRIKE)
            continue;
        for (unsigned phase = FT_PHASE_NEW; phase < FT_PHASE_COUNT; phase++) {
            char words[64];
            unsigned of;

            if (ft_coverage_cells(page->coverage->reached, class_, phase, &of) || !of)
                continue;
            if (!any)
                begin_paragraph(&paragraph, page, ft_class_name(class_));
            any = true;
            snprintf(words, sizeof words, "%s%s", ft_phase_cancelled(phase) ? "cancelled+" : "",
                     ft_phase_name(phase));
            add_words(&paragraph, words);
        }
        if (any)
            fputc('\n', page->out);
    }
}

static void print_cells(const struct page *page)
{
    unsigned of, unexpected;
    unsigned reached = ft_coverage_total(page->coverage->reached, &of, &unexpected);
    struct paragraph paragraph;

    heading(page, "State cells: event by phase of the request and state of the device");
    fprintf(page->out, "  %u of %u reached\n", reached, of);
    print_classes(page, "Disturbances by phase of the request (device states reached / possible)",
                  FT_GROUP_STRIKE, FT_GROUP_STRIKE, false);
    print_classes(page, "Other events by phase of the request", FT_GROUP_CHOICE, FT_GROUP_TROUBLE,
                  false);
    print_classes(page, "The same after the request's cancellation was asked for", FT_GROUP_STRIKE,
                  FT_GROUP_TROUBLE, true);
    print_machines(page);
    print_never(page);
    if (!unexpected)
        return;
    heading(page, "In a state that a sound driver is not expected to be in");
    begin_paragraph(&paragraph, page, "");
    for (unsigned number = 0; number < ft_cell_count(); number++)
        if (page->coverage->reached->cell[number] && ft_cell_at(number).unexpected)
            add_words(&paragraph, ft_class_name(ft_cell_at(number).class_));
    fputc('\n', page->out);
}

/* ---- lines ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static unsigned percent(unsigned reached, unsigned of)
{
    return of ? 100 * reached / of : 100;
}

static void print_bar(const struct page *page, const char *name, unsigned reached, unsigned of)
{
    unsigned full = of ? BAR_COLUMNS * reached / of : BAR_COLUMNS;
    char bar[BAR_COLUMNS + 1];

    for (unsigned i = 0; i < BAR_COLUMNS; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR_COLUMNS] = '\0';
    fprintf(page->out, "  %-*s  %s%s%s %3u %%  %u of %u lines", NAME_COLUMNS, name,
            colour_of(page, reached == of ? FT_COLOUR_GOOD : FT_COLOUR_NONE), bar,
            colour_of(page, FT_COLOUR_NONE), percent(reached, of), reached, of);
}

static void print_missing_lines(const struct page *page, const struct ft_source_file *file)
{
    if (file->reached == file->lines)
        return;
    fprintf(page->out, "  %s\n", base_name(file->path));
    for (size_t i = 0; i < file->function_count; i++)
        if (!file->function[i].reached)
            fprintf(page->out, "    %s%s (line %u): never called%s\n",
                    colour_of(page, FT_COLOUR_BAD), file->function[i].name, file->function[i].line,
                    colour_of(page, FT_COLOUR_NONE));
    for (size_t i = 0; i < file->range_count; i++) {
        const struct ft_source_range *range = &file->range[i];
        char lines[32];
        bool whole = false;

        for (size_t k = 0; range->function && k < file->function_count; k++)
            whole =
                whole || (!file->function[k].reached && file->function[k].name == range->function);
        if (whole)
            continue;
        if (range->first == range->last)
            snprintf(lines, sizeof lines, "%u", range->first);
        else
            snprintf(lines, sizeof lines, "%u-%u", range->first, range->last);
        fprintf(page->out, "    %-12s%s\n", lines, range->function ? range->function : "");
    }
}

static void print_lines(const struct page *page)
{
    const struct ft_lines *lines = page->coverage->lines;
    unsigned of = 0, reached = 0;

    if (lines->missing[0]) {
        heading(page, "Lines of the driver's sources");
        fprintf(page->out, "  not measured: %s\n", lines->missing);
        return;
    }
    heading(page, "Lines of the driver's sources");
    for (size_t i = 0; i < lines->count; i++) {
        const struct ft_source_file *file = &lines->file[i];

        print_bar(page, base_name(file->path), file->reached, file->lines);
        fprintf(page->out, ", %zu of %zu functions\n", file->functions_reached,
                file->function_count);
        of += file->lines;
        reached += file->reached;
    }
    print_bar(page, "all", reached, of);
    fputc('\n', page->out);
    if (reached == of)
        return;
    heading(page, "Not reached");
    for (size_t i = 0; i < lines->count; i++)
        print_missing_lines(page, &lines->file[i]);
}

void ft_coverage_print(const struct ft_coverage *coverage, bool colour, FILE *out)
{
    const struct page page = {coverage, colour, out};

    print_inputs(&page);
    print_ops(&page);
    print_cells(&page);
    print_lines(&page);
}
