/* flushtrace: the verbs. */
#include "cli/cli.h"
#include "fuzz/cli_fuzz.h"

#include "sim/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* `fuzz` reads its own arguments. */
static const struct ft_verb verb_fuzz = {
    .name = "fuzz",
    .sentence = "Let an engine choose when removal, power and cancellation strike."};

static const struct ft_verb *const verbs[] = {
    &ft_verb_drivers,  &ft_verb_rules,  &ft_verb_ops,     &ft_verb_points,  &ft_verb_run,
    &verb_fuzz,        &ft_verb_replay, &ft_verb_show,    &ft_verb_explain, &ft_verb_check,
    &ft_verb_diff,     &ft_verb_shrink, &ft_verb_explore, &ft_verb_regress, &ft_verb_new,
    &ft_verb_coverage, &ft_verb_corpus, &ft_verb_export};

enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

static void print_help(FILE *out)
{
    fputs("usage: flushtrace VERB [OPTION...] [ARGUMENT...]\n\n"
          "Runs the core of a Windows DMA driver on a simulated machine, and strikes it with "
          "removal,\n"
          "power transitions and cancellation at chosen moments.\n\n",
          out);
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        fprintf(out, "  %-10s%s\n", verbs[i]->name, verbs[i]->sentence);
    }
    fputs(
        "\n  flushtrace VERB --help   the options of a verb, with examples\n"
        "  flushtrace --version     model number, verbs, what is not implemented\n\n"
        "Exit status: 0 clean, the stored verdict, same; 1 a finding, another verdict, different;\n"
        "2 divergence; 3 bad input or usage; 4 no verdict (cut, unjudged); 5 our own failure.\n\n"
        "A first run:\n"
        "  flushtrace drivers\n"
        "  flushtrace run wdm-packet -o first.ftr\n"
        "  flushtrace show first.ftr\n"
        "  flushtrace replay first.ftr\n",
        out);
}

static void print_version(void)
{
    printf("flushtrace, model %d, flavour %s\n", FT_MODEL_NUMBER, ft_cli_own_flavour());
    fputs("verbs:", stdout);
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        printf(" %s", verbs[i]->name);
    }
    printf("\nDDIs declared and not implemented: %u\n", ft_unimplemented_count());
}

static const struct ft_verb *find(const struct ft_verb *const *list, unsigned count,
                                  const char *name)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(list[i]->name, name) == 0) {
            return list[i];
        }
    }
    return NULL;
}

/* "flushtrace VERB" as the name of the program: usage texts and complaints begin with it. */
static void name_verb(char **argv, const char *verb)
{
    static char name[64];

    snprintf(name, sizeof(name), "flushtrace %s", verb);
    argv[0] = name;
}

static int run_verb(const struct ft_verb *verb, int argc, char **argv)
{
    static struct ft_cli cli; /* large, and everything it holds lives as long as the program */
    char **words = calloc((size_t)argc + 1, sizeof(*words));
    int status = FT_EXIT_OK;

    if (words == NULL) {
        abort();
    }
    cli.program = argv[0];
    cli.verb = verb;
    cli.typed = argv;
    memcpy(words, argv + 1, ((size_t)argc - 1) * sizeof(*words));
    name_verb(words, verb->name);
    if (verb == &verb_fuzz) {
        status = ft_cli_fuzz(&cli, argc - 1, words);
    } else if (ft_cli_parse(&cli, argc - 1, words, &status)) {
        status = ft_cli_enter_flavour(&cli);
        status = status == FT_EXIT_OK ? verb->run(&cli) : status;
    }
    free(cli.argument);
    free(words);
    return status;
}

/* An answer that could not be written is no answer. */
static int finish(int status)
{
    if (ferror(stdout) == 0 && fflush(stdout) == 0) {
        return status;
    }
    /* stdio keeps no reason: the next byte meets it again. */
    errno = 0;
    putchar('\n');
    fflush(stdout);
    fprintf(stderr, "flushtrace: cannot write to standard output%s%s\n", errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : "");
    return FT_EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    const struct ft_verb *verb = find(verbs, VERB_COUNT, name);

    if (argc > 2 && strcmp(name, "help") == 0 && find(verbs, VERB_COUNT, argv[2]) != NULL) {
        char *words[] = {argv[0], argv[2], "--help", NULL};

        return finish(run_verb(find(verbs, VERB_COUNT, argv[2]), 3, words));
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return finish(FT_EXIT_OK);
    }
    if (strcmp(name, "--version") == 0) {
        print_version();
        return finish(FT_EXIT_OK);
    }
    if (verb != NULL) {
        return finish(run_verb(verb, argc, argv));
    }
    if (name[0] == '\0') {
        print_help(stderr);
    } else {
        fprintf(stderr, "flushtrace: no verb '%s'; see flushtrace --help\n", name);
    }
    return FT_EXIT_USAGE;
}
