/* Every option of the command line, once. A verb says which it takes. */
#define _GNU_SOURCE 1
#include "cli/cli.h"
#include "report/colour.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BASE = 256, KEY_HELP = 'h', KEY_USAGE = KEY_BASE + FT_OPT_COUNT };

struct option_row {
    const char *name;
    int key;
    const char *argument;
    const char *description;
};

static const struct option_row rows[FT_OPT_COUNT] = {
#define OPTION(symbol, name, key, argument, description)                                           \
    [FT_OPT_##                                                                                     \
        symbol] = {name, (key) != 0 ? (key) : KEY_BASE + FT_OPT_##symbol, argument, description},
    FT_CLI_OPTIONS(OPTION)
#undef OPTION
};

struct parse {
    struct ft_cli *cli;
    bool help;
    FILE *said; /* what argp complains of: for standard error, and for the JSON answer */
};

static int option_of_key(int key)
{
    for (int i = 0; i < FT_OPT_COUNT; i++) {
        if (rows[i].key == key) {
            return i;
        }
    }
    return -1;
}

static error_t bad(const struct argp_state *state, const char *option, const char *text,
                   const char *wanted)
{
    argp_error(state, "--%s takes %s, not '%s'", option, wanted, text);
    return EINVAL;
}

/* A whole unsigned number, decimal or 0x…; no sign, no rest. */
static bool parse_number(const char *text, const char *end_at, uint64_t *ret)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *ret = strtoull(text, &end, 0);
    return errno == 0 && strchr(end_at, *end) != NULL;
}

static error_t take_number(const struct argp_state *state, int option, const char *text,
                           uint64_t least, uint64_t most, uint64_t *ret)
{
    uint64_t value;

    if (!parse_number(text, "", &value) || value < least || value > most) {
        char wanted[80];

        snprintf(wanted, sizeof(wanted), "a number from %llu to %llu", (unsigned long long)least,
                 (unsigned long long)most);
        return bad(state, rows[option].name, text, wanted);
    }
    *ret = value;
    return 0;
}

static error_t take_around(const struct argp_state *state, const char *text, struct ft_cli *cli)
{
    const char *colon = strchr(text, ':');

    cli->radius_given = cli->radius_given || colon != NULL;
    if (!parse_number(text, ":", &cli->around) || cli->around == 0 ||
        (colon != NULL && !parse_number(colon + 1, "", &cli->radius))) {
        return bad(state, "around", text, "EVENT or EVENT:RADIUS (1 is the first event)");
    }
    return 0;
}

static error_t take_colour(const struct argp_state *state, int option, const char *text)
{
    return ft_colour_choose(text) ? 0
                                  : bad(state, rows[option].name, text, "auto, always or never");
}

static error_t take_word(const struct argp_state *state, int option, const char *text,
                         struct ft_words *words)
{
    if (words->count == FT_FILTERS_MAX) {
        argp_error(state, "--%s is given more than %d times", rows[option].name, FT_FILTERS_MAX);
        return EINVAL;
    }
    words->word[words->count++] = text;
    return 0;
}

static error_t take_ignore(const struct argp_state *state, const char *text, struct ft_cli *cli)
{
    struct ft_error error;

    if (ft_baseline_ignore(&cli->baseline, text, &error) != FT_OK) {
        argp_error(state, "%s", error.text);
        return EINVAL;
    }
    return 0;
}

static const char **text_of(struct ft_cli *cli, int option)
{
    switch (option) {
    case FT_OPT_SCENARIO:
        return &cli->scenario;
    case FT_OPT_MODEL:
        return &cli->model;
    case FT_OPT_STATE:
        return &cli->state;
    case FT_OPT_MUTANT:
        return &cli->mutant;
    case FT_OPT_PLATFORM:
        return &cli->platform;
    case FT_OPT_DRIVER:
        return &cli->driver;
    case FT_OPT_FLAVOUR:
        return &cli->flavour;
    case FT_OPT_OUTPUT:
        return &cli->output;
    case FT_OPT_BASELINE:
        return &cli->baseline_path;
    case FT_OPT_JUNIT:
        return &cli->junit;
    case FT_OPT_SARIF:
        return &cli->sarif;
    case FT_OPT_HTML:
        return &cli->html;
    case FT_OPT_STRATEGY:
        return &cli->strategy;
    case FT_OPT_FORMAT:
        return &cli->format;
    case FT_OPT_POINTS:
        return &cli->points;
    case FT_OPT_CONFIDENCE:
        return &cli->confidence;
    default:
        return NULL;
    }
}

static bool *flag_of(struct ft_cli *cli, int option)
{
    switch (option) {
    case FT_OPT_KEEP_GOING:
        return &cli->keep_going;
    case FT_OPT_FOLLOW:
        return &cli->follow;
    case FT_OPT_GDB:
        return &cli->gdb;
    case FT_OPT_REFRESH:
        return &cli->refresh;
    case FT_OPT_NO_PAGER:
        return &cli->no_pager;
    case FT_OPT_JSON:
        return &cli->json;
    case FT_OPT_FULL:
        return &cli->full;
    case FT_OPT_EXPLAIN:
        return &cli->explain;
    case FT_OPT_FIRST:
        return &cli->first;
    default:
        return NULL;
    }
}

static error_t take_option(const struct argp_state *state, int option, const char *text,
                           struct ft_cli *cli)
{
    uint64_t jobs = 0;
    error_t error;

    switch (option) {
    case FT_OPT_SEED:
        cli->seed_given = true;
        return take_number(state, option, text, 0, UINT64_MAX, &cli->seed);
    case FT_OPT_STOP_AT:
        return take_number(state, option, text, 1, UINT64_MAX, &cli->stop_at);
    case FT_OPT_TIME:
        return take_number(state, option, text, 1, UINT32_MAX, &cli->seconds);
    case FT_OPT_JOBS:
        error = take_number(state, option, text, 1, FT_JOBS_LIMIT, &jobs);
        cli->jobs = (unsigned)jobs;
        return error;
    case FT_OPT_AROUND:
        return take_around(state, text, cli);
    case FT_OPT_IGNORE:
        return take_ignore(state, text, cli);
    case FT_OPT_CONTEXT:
        cli->radius_given = true;
        return take_number(state, option, text, 0, UINT64_MAX, &cli->radius);
    case FT_OPT_FROM:
        return take_number(state, option, text, 1, UINT64_MAX, &cli->from);
    case FT_OPT_TO:
        return take_number(state, option, text, 1, UINT64_MAX, &cli->to);
    case FT_OPT_OBJECT:
        return take_word(state, option, text, &cli->object);
    case FT_OPT_KIND:
        return take_word(state, option, text, &cli->kind);
    case FT_OPT_DISTURB:
        return take_word(state, option, text, &cli->disturb);
    case FT_OPT_LIMIT:
        return take_number(state, option, text, 1, UINT64_MAX, &cli->limit);
    case FT_OPT_RESUME:
        return take_number(state, option, text, 0, UINT64_MAX, &cli->resume);
    case FT_OPT_COLOUR:
    case FT_OPT_COLOR:
        return take_colour(state, option, text);
    default:
        break;
    }
    if (flag_of(cli, option) != NULL) {
        *flag_of(cli, option) = true;
    } else {
        *text_of(cli, option) = text;
    }
    return 0;
}

static error_t take_argument(const struct argp_state *state, char *text, struct ft_cli *cli)
{
    const struct ft_verb *verb = cli->verb;

    if (cli->argument_count == verb->arguments_max) {
        argp_error(state, "one argument too many: '%s'", text);
        return EINVAL;
    }
    cli->argument[cli->argument_count++] = text;
    return 0;
}

static error_t parse_one(int key, char *text, struct argp_state *state)
{
    struct parse *parse = state->input;
    struct ft_cli *cli = parse->cli;
    int option = option_of_key(key);

    if (key == KEY_HELP || key == KEY_USAGE) {
        argp_state_help(state, stdout,
                        key == KEY_USAGE ? ARGP_HELP_USAGE
                                         : ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC);
        parse->help = true;
        state->next = state->argc;
        return 0;
    }
    if (option >= 0) {
        return take_option(state, option, text, cli);
    }
    switch (key) {
    case ARGP_KEY_INIT:
        state->err_stream = parse->said;
        return 0;
    case ARGP_KEY_ARG:
        return take_argument(state, text, cli);
    case ARGP_KEY_END:
        if (!parse->help && cli->argument_count < cli->verb->arguments_min) {
            argp_error(state, "%s is missing", cli->verb->arguments);
            return EINVAL;
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void list_options(const struct ft_verb *verb, struct argp_option *list)
{
    unsigned count = 0;

    for (int i = 0; i < FT_OPT_COUNT; i++) {
        if (((verb->options | FT_OPTIONS_COMMON) >> i & 1) != 0) {
            bool own = i == FT_OPT_OUTPUT && verb->output != NULL;

            list[count++] =
                (struct argp_option){.name = rows[i].name,
                                     .key = rows[i].key,
                                     .arg = own ? verb->output : rows[i].argument,
                                     .doc = own ? verb->output_help : rows[i].description,
                                     .group = 1};
        }
    }
    list[count++] =
        (struct argp_option){.name = "help", .key = KEY_HELP, .doc = "print this text", .group = 1};
    list[count] =
        (struct argp_option){.name = "usage", .key = KEY_USAGE, .flags = OPTION_HIDDEN, .group = 1};
}

/* A JSON answer is due as soon as somebody has asked for one, even when the rest is wrong. */
static bool asks_for_json(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

bool ft_cli_parse(struct ft_cli *cli, int argc, char **argv, int *exit_status)
{
    struct argp_option options[FT_OPT_COUNT + 3] = {{0}};
    struct parse parse = {.cli = cli};
    struct argp argp = {.options = options, .parser = parse_one, .args_doc = cli->verb->arguments};
    struct ft_error error = {0};
    char *text = NULL, *said = NULL;
    size_t said_length = 0;
    bool refused;

    if (asprintf(&text, "%s\v%s", cli->verb->sentence, cli->verb->details) < 0) {
        abort();
    }
    argp.doc = text;
    list_options(cli->verb, options);
    cli->radius = FT_AROUND_RADIUS;
    cli->argument = calloc((size_t)argc + 1, sizeof(*cli->argument));
    if (cli->argument == NULL) {
        abort();
    }
    cli->json = asks_for_json(argc, argv) && (cli->verb->options & FT_OPT(JSON)) != 0;
    *exit_status = FT_EXIT_OK;
    setenv("ARGP_HELP_FMT", "rmargin=96,opt-doc-col=30,no-dup-args-note", 0);
    parse.said = open_memstream(&said, &said_length);
    if (parse.said == NULL) {
        abort();
    }
    refused = argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &parse) != 0;
    fclose(parse.said);
    fputs(said, stderr);
    said[strcspn(said, "\n")] = '\0';
    if (refused) {
        if (cli->json) {
            ft_cli_print_json(
                json_pack("{s:s, s:s, s:s}", "verdict", "error", "error",
                          strstr(said, ": ") != NULL ? strstr(said, ": ") + 2 : "bad usage",
                          "status", "bad usage"));
        }
        *exit_status = FT_EXIT_USAGE;
    } else if (!parse.help && cli->baseline_path != NULL &&
               ft_baseline_read(&cli->baseline, cli->baseline_path, &error) != FT_OK) {
        *exit_status = ft_cli_fail(cli, &error, cli->baseline_path);
    }
    free(text);
    free(said);
    return *exit_status == FT_EXIT_OK && !parse.help;
}
