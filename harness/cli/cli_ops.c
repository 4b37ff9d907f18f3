/* flushtrace ops: what a scenario may do. */
#include "cli/cli.h"
#include "report/colour.h"

#include <string.h>

enum { OP_NUMBERS = 255 };

static const char *class_name(enum ft_op_class op_class)
{
    static const char *const names[] = {"request", "disturbance", "choice"};

    return names[op_class];
}

static bool matches(const struct ft_op_row *row, const char *wanted)
{
    return row != NULL && (strncmp(row->name, wanted, strlen(wanted)) == 0 ||
                           strcmp(class_name(row->class_), wanted) == 0);
}

/* "length=0..65024 offset=0..4095" */
static void print_arguments(const struct ft_op_row *row, char *text, size_t capacity)
{
    const char *at = row->args;
    size_t length = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < row->argc && length < capacity; i++) {
        size_t name = strcspn(at, ":");

        length += (size_t)snprintf(text + length, capacity - length, "%s%.*s=", i != 0 ? " " : "",
                                   (int)name, at);
        if (length < capacity) {
            length +=
                name == 2 && strncmp(at, "of", 2) == 0
                    ? (size_t)snprintf(text + length, capacity - length, "LABEL")
                    : (size_t)snprintf(text + length, capacity - length, "0..%u", row->arg_max[i]);
        }
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
}

static json_t *row_object(const struct ft_op_row *row)
{
    char arguments[128];

    print_arguments(row, arguments, sizeof(arguments));
    return json_pack("{s:s, s:i, s:s, s:b, s:s, s:s}", "op", row->name, "number", row->number,
                     "class", class_name(row->class_), "built", row->built, "arguments", arguments,
                     "sentence", row->sentence);
}

static void print_row(const struct ft_op_row *row, FILE *out, bool colour)
{
    char arguments[128];

    print_arguments(row, arguments, sizeof(arguments));
    fprintf(out, "%s%-20s%s %3u  %-11s  %s%s%s\n    %s\n", ft_colour(colour, FT_COLOUR_BOLD),
            row->name, ft_colour(colour, FT_COLOUR_NONE), row->number, class_name(row->class_),
            arguments, arguments[0] != '\0' && !row->built ? "  " : "",
            row->built ? "" : "not built yet", row->sentence);
}

static int run(struct ft_cli *cli)
{
    const char *wanted = cli->argument_count != 0 ? cli->argument[0] : "";
    bool colour = !cli->json && ft_colour_wanted(stdout);
    FILE *out = cli->json ? stdout : ft_cli_page_begin(cli);
    json_t *list = json_array();
    unsigned shown = 0, built = 0;

    for (unsigned number = 0; number < OP_NUMBERS; number++) {
        const struct ft_op_row *row = ft_op_row(number);

        if (!matches(row, wanted)) {
            continue;
        }
        shown++;
        built += row->built;
        if (cli->json) {
            json_array_append_new(list, row_object(row));
        } else {
            print_row(row, out, colour);
        }
    }
    if (cli->json) {
        ft_cli_print_json(
            json_pack("{s:O, s:i, s:i}", "ops", list, "count", (int)shown, "built", (int)built));
    } else {
        fprintf(out,
                "\n%u ops: %u built, %u later\nsource: hal-shim/sim/ops.def, docs/SCENARIOS.md\n",
                shown, built, shown - built);
        ft_cli_page_end(cli, out);
    }
    json_decref(list);
    if (shown == 0) {
        ft_cli_note(cli, "no op is called '%s' or begins like that", wanted);
        return FT_EXIT_USAGE;
    }
    return FT_EXIT_OK;
}

const struct ft_verb ft_verb_ops = {
    .name = "ops",
    .sentence = "What a scenario may do: requests, disturbances, world choices.",
    .arguments = "[PREFIX|CLASS]",
    .arguments_max = 1,
    .options = FT_OPT(JSON),
    .details =
        "Columns: name, number (its byte in the byte form), class, arguments. The text form is "
        "described in docs/SCENARIOS.md.\n\n"
        "  flushtrace ops\n"
        "  flushtrace ops disturbance",
    .run = run,
};
