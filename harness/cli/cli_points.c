/* flushtrace points: when an op may strike. */
#include "cli/cli.h"
#include "report/colour.h"

#include <string.h>

struct point_row {
    unsigned number;
    const char *name;
    const char *sentence;
};

static const struct point_row rows[] = {
#define PT(number, symbol, name, sentence) {number, name, sentence},
#include "sim/points.def"
#undef PT
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static int run(struct ft_cli *cli)
{
    const char *wanted = cli->argument_count != 0 ? cli->argument[0] : "";
    bool colour = !cli->json && ft_colour_wanted(stdout);
    FILE *out = cli->json ? stdout : ft_cli_page_begin(cli);
    json_t *list = json_array();
    unsigned shown = 0;

    for (unsigned i = 0; i < ROW_COUNT; i++) {
        if (strncmp(rows[i].name, wanted, strlen(wanted)) != 0) {
            continue;
        }
        shown++;
        if (cli->json) {
            json_array_append_new(list,
                                  json_pack("{s:s, s:i, s:s}", "point", rows[i].name, "number",
                                            (int)rows[i].number, "sentence", rows[i].sentence));
        } else {
            fprintf(out, "%s%-26s%s %3u  %s\n", ft_colour(colour, FT_COLOUR_BOLD), rows[i].name,
                    ft_colour(colour, FT_COLOUR_NONE), rows[i].number, rows[i].sentence);
        }
    }
    if (cli->json) {
        ft_cli_print_json(json_pack("{s:O, s:i}", "points", list, "count", (int)shown));
    } else {
        fprintf(out, "\n%u points\nsource: hal-shim/sim/points.def, docs/SCENARIOS.md\n", shown);
        ft_cli_page_end(cli, out);
    }
    json_decref(list);
    if (shown == 0) {
        ft_cli_note(cli, "no point begins with '%s'", wanted);
        return FT_EXIT_USAGE;
    }
    return FT_EXIT_OK;
}

const struct ft_verb ft_verb_points = {
    .name = "points",
    .sentence = "When an op may strike: the points that moments name.",
    .arguments = "[PREFIX]",
    .arguments_max = 1,
    .options = FT_OPT(JSON),
    .details =
        "A moment reads TARGET/POINT/COUNT: a/dma:map.out/2 is after the second MapTransfer that "
        "serves the request with label a returned; device/POINT/COUNT is for any request.\n\n"
        "  flushtrace points dma:",
    .run = run,
};
