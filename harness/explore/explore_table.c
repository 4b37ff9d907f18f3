#include "explore/explore_table.h"

#include "report/colour.h"
#include "rules/rules.h"
#include "scenario/scenario_codec.h"

#include <string.h>

enum { COLUMNS = 80, INDENT = 2, NAME_COLUMNS = 28 };

static bool is_finding(unsigned kind)
{
    return kind == FT_VERDICT_VIOLATION || kind == FT_VERDICT_CRASH || kind == FT_VERDICT_HANG;
}

/* ---- marks ---- */

static void add_mark(struct ft_marks *marks, unsigned kind, unsigned rule)
{
    for (unsigned i = 0; i < marks->count; i++)
        if (marks->mark[i].kind == kind && marks->mark[i].rule == rule) {
            marks->mark[i].cells++;
            return;
        }
    if (marks->count == FT_MARKS_MAX)
        return;
    marks->mark[marks->count].kind = (uint8_t)kind;
    marks->mark[marks->count].rule = (uint16_t)rule;
    marks->mark[marks->count++].cells = 1;
}

/* The first worker that saw a pair of kinds break something speaks for it. */
static const struct ft_seat *pair_seat(const struct ft_explore *explore, unsigned first,
                                       unsigned second)
{
    for (unsigned i = 0; i < explore->jobs; i++)
        if (explore->board->seat[i].pair_kind[first][second] != 0)
            return &explore->board->seat[i];
    return NULL;
}

void ft_marks_collect(const struct ft_explore *explore, struct ft_marks *ret)
{
    unsigned kinds = explore->disturbance_count;

    memset(ret, 0, sizeof *ret);
    for (uint64_t i = 0; explore->cell && i < explore->place_count * kinds; i++)
        if (explore->cell[i].state == FT_CELL_RUN && is_finding(explore->cell[i].verdict))
            add_mark(ret, explore->cell[i].verdict, explore->cell[i].rule);
    for (unsigned i = 0; explore->phase == 1 && i < kinds * kinds; i++) {
        const struct ft_seat *seat = pair_seat(explore, i / kinds, i % kinds);

        if (seat && is_finding(seat->pair_kind[i / kinds][i % kinds]))
            add_mark(ret, seat->pair_kind[i / kinds][i % kinds],
                     seat->pair_rule[i / kinds][i % kinds]);
    }
}

static char letter(unsigned index)
{
    return (char)(index < 26 ? 'a' + index : 'A' + index - 26);
}

char ft_mark_letter(const struct ft_marks *marks, unsigned kind, unsigned rule)
{
    for (unsigned i = 0; i < marks->count; i++)
        if (marks->mark[i].kind == kind && marks->mark[i].rule == rule)
            return letter(i);
    return '*';
}

const char *ft_mark_name(unsigned kind, unsigned rule)
{
    const struct ft_rule_row *row = rule ? ft_rule_by_number((uint16_t)rule) : NULL;

    return row ? row->id : ft_verdict_name((enum ft_verdict_kind)kind);
}

/* ---- rows ---- */

static bool as_undisturbed(const struct ft_explore *explore, const struct ft_cell *cell)
{
    const struct ft_verdict *alone = &explore->trace.verdict;
    const struct ft_finding *finding = &alone->finding[0];

    if (cell->verdict != alone->kind)
        return false;
    return alone->finding_count == 0 ? cell->rule == 0
                                     : cell->rule == finding->rule && cell->site == finding->site;
}

static char cell_mark(const struct ft_explore *explore, const struct ft_marks *marks,
                      const struct ft_cell *cell)
{
    switch (cell->state) {
    case FT_CELL_ABSENT:
    case FT_CELL_SKIPPED:
        return '-';
    case FT_CELL_DIED:
        return '!';
    case FT_CELL_RUN:
        break;
    default:
        return ' ';
    }
    if (cell->verdict == FT_VERDICT_CLEAN)
        return cell->late || cell->skipped ? ',' : '.';
    if (!is_finding(cell->verdict))
        return '?';
    if (as_undisturbed(explore, cell))
        return '=';
    return ft_mark_letter(marks, cell->verdict, cell->rule);
}

bool ft_table_row(const struct ft_explore *explore, const struct ft_marks *marks, uint64_t place,
                  char row[FT_ROW_MAX])
{
    bool found = false;

    for (unsigned i = 0; i < explore->disturbance_count; i++) {
        row[i] = cell_mark(explore, marks, ft_explore_cell(explore, place, i));
        found = found || strchr("-., =", row[i]) == NULL;
    }
    row[explore->disturbance_count] = '\0';
    return found;
}

size_t ft_moment_print(const struct ft_moment *moment, char *text, size_t capacity)
{
    struct ft_op op = {.kind = FT_OP_YANK, .moment = *moment};
    char line[128];
    const char *at;

    ft_op_print(&op, line, sizeof line);
    at = strrchr(line, ' ');
    return (size_t)snprintf(text, capacity, "%s", at ? at + 1 : line);
}

const char *ft_place_function(const struct ft_explore *explore, const struct ft_place *place)
{
    return place->site ? ft_trace_function(&explore->trace, place->site) : "";
}

/* Names stand upright over their columns. */
static void print_head(const struct ft_explore *explore, int indent, FILE *out)
{
    size_t height = 0;

    for (unsigned i = 0; i < explore->disturbance_count; i++)
        if (strlen(explore->disturbance[i].name) > height)
            height = strlen(explore->disturbance[i].name);
    for (size_t line = 0; line < height; line++) {
        char text[FT_ROW_MAX] = "";

        for (unsigned i = 0; i < explore->disturbance_count; i++) {
            const char *name = explore->disturbance[i].name;
            size_t above = height - strlen(name);

            text[i] = line < above ? ' ' : name[line - above];
            text[i + 1] = '\0';
        }
        fprintf(out, "%*s%s\n", indent, "", text);
    }
}

static void print_marks(const char *row, bool colour, FILE *out)
{
    for (; *row; row++) {
        bool bad = strchr("-., =", *row) == NULL;

        fprintf(out, "%s%c%s", bad ? ft_colour(colour, FT_COLOUR_BAD) : "", *row,
                bad ? ft_colour(colour, FT_COLOUR_NONE) : "");
    }
    fputc('\n', out);
}

static void print_fold(uint64_t folded, FILE *out)
{
    if (folded)
        fprintf(out, "  ... %llu place%s without a finding\n", (unsigned long long)folded,
                folded == 1 ? "" : "s");
}

/* What stands before the marks. Where place and moment would make a line wider than a terminal, the
 * place has a line of its own above the moments it has in a row. */
struct columns {
    int function; /* 0: a line of its own */
    int moment;
    const char *above; /* the place that was printed last */
};

static int longer(int columns, const char *text)
{
    return (int)strlen(text) > columns ? (int)strlen(text) : columns;
}

static struct columns choose_columns(const struct ft_explore *explore)
{
    struct columns columns = {.function = 1};

    for (uint64_t i = 0; i < explore->place_count; i++) {
        char moment[64];

        ft_moment_print(&explore->place[i].moment, moment, sizeof moment);
        columns.moment = longer(columns.moment, moment);
        columns.function = longer(columns.function, ft_place_function(explore, &explore->place[i]));
    }
    if (columns.function + 1 + columns.moment + 1 + (int)explore->disturbance_count > COLUMNS)
        columns.function = 0;
    return columns;
}

/* Columns that stand before the marks. */
static int marks_begin(const struct columns *columns)
{
    return (columns->function ? columns->function + 1 : INDENT) + columns->moment + 1;
}

static void print_place(const struct ft_explore *explore, struct columns *columns,
                        const struct ft_place *place, FILE *out)
{
    const char *function = ft_place_function(explore, place);
    char moment[64];

    function = *function ? function : "-";
    ft_moment_print(&place->moment, moment, sizeof moment);
    if (columns->function) {
        fprintf(out, "%-*s %-*s ", columns->function, function, columns->moment, moment);
        return;
    }
    if (!columns->above || strcmp(columns->above, function) != 0)
        fprintf(out, "%s\n", function);
    columns->above = function;
    fprintf(out, "%*s%-*s ", INDENT, "", columns->moment, moment);
}

static void print_sweep(const struct ft_explore *explore, const struct ft_marks *marks, bool full,
                        bool colour, FILE *out)
{
    struct columns columns = choose_columns(explore);
    uint64_t folded = 0;
    bool any = false;

    for (uint64_t i = 0; i < explore->place_count; i++) {
        char row[FT_ROW_MAX];

        if (!ft_table_row(explore, marks, i, row) && !full) {
            folded++;
            continue;
        }
        if (!any)
            print_head(explore, marks_begin(&columns), out);
        any = true;
        print_fold(folded, out);
        columns.above = folded ? NULL : columns.above;
        folded = 0;
        print_place(explore, &columns, &explore->place[i], out);
        print_marks(row, colour, out);
    }
    if (any)
        print_fold(folded, out);
}

static void print_pairs(const struct ft_explore *explore, const struct ft_marks *marks, bool colour,
                        FILE *out)
{
    fprintf(out, "Rows: what strikes first; columns: what strikes behind it.\n");
    print_head(explore, NAME_COLUMNS + 1, out);
    for (unsigned first = 0; first < explore->disturbance_count; first++) {
        char row[FT_ROW_MAX] = "";

        for (unsigned second = 0; second < explore->disturbance_count; second++) {
            const struct ft_seat *seat = pair_seat(explore, first, second);
            uint64_t runs = 0;

            for (unsigned i = 0; i < explore->jobs; i++)
                runs += explore->board->seat[i].pair_runs[first][second];
            row[second] = runs ? '.' : ' ';
            if (seat && is_finding(seat->pair_kind[first][second]))
                row[second] = ft_mark_letter(marks, seat->pair_kind[first][second],
                                             seat->pair_rule[first][second]);
            else if (seat)
                row[second] = '?';
        }
        fprintf(out, "%-*.*s ", NAME_COLUMNS, NAME_COLUMNS, explore->disturbance[first].name);
        print_marks(row, colour, out);
    }
}

static void print_legend(const struct ft_marks *marks, FILE *out)
{
    for (unsigned i = 0; i < marks->count; i++)
        fprintf(out, "  %c  %s (%llu)\n", letter(i),
                ft_mark_name(marks->mark[i].kind, marks->mark[i].rule),
                (unsigned long long)marks->mark[i].cells);
    fputs("  .  clean   ,  clean, and a later op came late or was skipped\n"
          "  -  not legal there, did nothing   =  as without a disturbance\n"
          "  ?  no verdict   !  the worker died   blank  not run\n\n",
          out);
}

void ft_table_print(const struct ft_explore *explore, bool full, bool colour, FILE *out)
{
    struct ft_marks marks;

    if (!explore->strategy->places || !explore->cell)
        return;
    ft_marks_collect(explore, &marks);
    print_sweep(explore, &marks, full, colour, out);
    if (explore->phase == 1) {
        fputc('\n', out);
        print_pairs(explore, &marks, colour, out);
    }
    if (full || marks.count != 0 || explore->phase == 1)
        print_legend(&marks, out);
}
