/* flushtrace regress: every trace below some folders against its verdict, in parallel. */
#include "cli/cli.h"
#include "cli/regress_case.h"
#include "cli/regress_crew.h"
#include "corpus/trace_list.h"
#include "report/colour.h"
#include "report/report_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int find_traces(const struct ft_cli *cli, struct ft_trace_list *found)
{
    struct ft_error error = {0};

    for (int i = 0; i < cli->argument_count; i++) {
        if (ft_trace_list_add(found, cli->argument[i], &error) != FT_OK) {
            return ft_cli_fail(cli, &error, NULL);
        }
    }
    if (found->count == 0) {
        return ft_cli_refuse(cli, FT_NO_FILE, "no trace (*.ftr, *.ftc) below %.150s",
                             cli->argument[0]);
    }
    ft_trace_list_sort(found);
    return FT_EXIT_OK;
}

static const struct ft_regress_case *cases; /* for qsort */

/* By driver, mutant, name: a process keeps its world while the driver stays the same. */
static int compare_cases(const void *a, const void *b)
{
    const struct ft_regress_case *left = &cases[*(const uint32_t *)a];
    const struct ft_regress_case *right = &cases[*(const uint32_t *)b];
    int order = strcmp(left->driver, right->driver);

    if (order == 0) {
        order = strcmp(left->mutant, right->mutant);
    }
    return order != 0 ? order : strcmp(left->path, right->path);
}

static bool run_all(struct ft_cli *cli, const struct ft_regress_list *list, unsigned jobs)
{
    struct ft_regress_worker worker = {.cli = cli};
    const struct ft_regress_work read = {.what = "read", .work = ft_regress_read, .state = &worker};
    const struct ft_regress_work replay = {.what = "replayed",
                                           .work = ft_regress_replay,
                                           .end = ft_regress_worker_close,
                                           .state = &worker};

    if (!ft_regress_crew(list, &read, jobs)) {
        return false;
    }
    cases = list->one;
    qsort(list->order, list->count, sizeof(*list->order), compare_cases);
    return ft_regress_crew(list, &replay, jobs);
}

/* The status that says most: our failure, a bad file, another verdict, a divergence, no verdict. */
static int worst_exit(const struct ft_regress_case *list, size_t count)
{
    static const int order[] = {FT_EXIT_FAILURE, FT_EXIT_USAGE, FT_EXIT_FINDING, FT_EXIT_DIVERGENCE,
                                FT_EXIT_NO_VERDICT};

    for (unsigned k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
        for (size_t i = 0; i < count; i++) {
            if (ft_outcome_exit(list[i].outcome) == order[k]) {
                return order[k];
            }
        }
    }
    return FT_EXIT_OK;
}

static void print_case(const struct ft_regress_case *one, bool colour)
{
    printf("%s%-14s%s %s\n", ft_colour(colour, FT_COLOUR_BAD), ft_outcome_name(one->outcome),
           ft_colour(colour, FT_COLOUR_NONE), one->path);
    if (one->note[0] != '\0') {
        printf("    %s\n", one->note);
    }
    printf("    %s\n", one->rerun);
}

static size_t print_table(const struct ft_regress_case *list, size_t count)
{
    bool colour = ft_colour_wanted(stdout);
    size_t failed = 0, followed = 0;

    for (size_t i = 0; i < count; i++) {
        followed += list[i].followed;
        if (list[i].outcome != FT_OUTCOME_PASSED) {
            failed++;
            print_case(&list[i], colour);
        } else if (list[i].followed || list[i].refreshed || list[i].known) {
            printf("%-14s %s\n    %s\n",
                   list[i].refreshed ? "recorded"
                   : list[i].known   ? "known"
                                     : "followed",
                   list[i].path, list[i].note);
        }
    }
    if (followed != 0) {
        printf(
            "%zu replayed with --follow: the model number or the driver is not the recorded one\n",
            followed);
    }
    printf("%zu passed, %zu failed\n", count - failed, failed);
    for (size_t i = 0; i < count && failed != 0; i++) {
        if (list[i].outcome != FT_OUTCOME_PASSED) {
            printf("\nrun the first failure again with\n%s\n", list[i].rerun);
            break;
        }
    }
    return failed;
}

static int report(const struct ft_cli *cli, const struct ft_regress_case *list, size_t count)
{
    struct ft_error error = {0};
    size_t passed = 0;
    int status = worst_exit(list, count);

    if (cli->junit != NULL && ft_write_junit(cli->junit, list, count, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->junit);
    }
    if (cli->sarif != NULL && ft_write_sarif(cli->sarif, list, count, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->sarif);
    }
    if (!cli->json) {
        print_table(list, count);
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        passed += list[i].outcome == FT_OUTCOME_PASSED;
    }
    ft_cli_print_json(json_pack("{s:s, s:o, s:I, s:I}", "verdict",
                                passed == count                ? "clean"
                                : status == FT_EXIT_FINDING    ? "violation"
                                : status == FT_EXIT_DIVERGENCE ? "divergence"
                                : status == FT_EXIT_NO_VERDICT ? "unjudged"
                                                               : "error",
                                "traces", ft_json_cases(list, count), "passed", (json_int_t)passed,
                                "failed", (json_int_t)(count - passed)));
    return status;
}

static unsigned job_count(const struct ft_cli *cli)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (cli->jobs != 0) {
        return cli->jobs;
    }
    return processors < 1 ? 1 : processors > FT_JOBS_LIMIT ? FT_JOBS_LIMIT : (unsigned)processors;
}

/* Entries were used in the processes of the crew. */
static void complain_unused(struct ft_cli *cli, const struct ft_regress_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        for (unsigned k = 0; k < cli->baseline.count; k++) {
            cli->baseline.entry[k].used |= ft_regress_used(&list->one[i], k);
        }
    }
    ft_cli_complain_unused(cli);
}

static int regress(struct ft_cli *cli, const struct ft_trace_list *found)
{
    struct ft_regress_list list;
    int status;

    if (!ft_regress_list_map(&list, found->count)) {
        return ft_cli_refuse(cli, FT_NO_MEMORY, "%zu traces", found->count);
    }
    for (size_t i = 0; i < found->count; i++) {
        snprintf(list.one[i].path, sizeof(list.one[i].path), "%s", found->path[i]);
    }
    if (run_all(cli, &list, job_count(cli))) {
        complain_unused(cli, &list);
        status = report(cli, list.one, list.count);
    } else {
        status = ft_cli_refuse(cli, FT_IO, "cannot start a worker: %s", strerror(errno));
    }
    ft_regress_list_unmap(&list);
    return status;
}

static int run(struct ft_cli *cli)
{
    const char *files[] = {cli->junit, cli->sarif};
    struct ft_trace_list found = {0};
    struct ft_error error = {0};
    int status;

    for (unsigned i = 0; i < 2; i++) {
        if (files[i] != NULL && ft_cli_check_output(files[i], &error) != FT_OK) {
            return ft_cli_fail(cli, &error, files[i]);
        }
    }
    status = find_traces(cli, &found);
    if (status == FT_EXIT_OK) {
        status = regress(cli, &found);
    }
    ft_trace_list_free(&found);
    ft_trace_source_close();
    return status;
}

const struct ft_verb ft_verb_regress = {
    .name = "regress",
    .sentence = "Every trace below some folders against its stored verdict, in parallel.",
    .arguments = "DIR|FILE...",
    .arguments_min = 1,
    .arguments_max = 1 << 20,
    .options = FT_OPT(JUNIT) | FT_OPT(SARIF) | FT_OPT(JOBS) | FT_OPT(REFRESH) | FT_OPT(DRIVER) |
               FT_OPT(BASELINE) | FT_OPT(IGNORE) | FT_OPT(FLAVOUR) | FT_OPT(JSON),
    .details =
        "Replays strictly where model number and driver fingerprint match, and follows where they "
        "do "
        "not (and says so). A folder's name is part of what is expected: below clean/ every "
        "verdict is "
        "clean, below violates/RULE/ the rule is that one, below refused/ no file can be read as a "
        "trace. A corpus (*.ftc) stands for all its traces.\n\nWith --baseline or --ignore another "
        "verdict does not count when the findings that came are known "
        "there: what fails is what nobody knew.\n\n"
        "Exit status: 0 every stored verdict came, 1 another verdict, 2 a divergence, 3 a file "
        "that "
        "cannot be read, 4 no verdict, 5 our own failure; of several the first of 5 3 1 2 4.\n\n"
        "  flushtrace regress traces\n"
        "  flushtrace regress corpus.ftc --baseline known.txt\n"
        "  flushtrace regress traces --junit regress.xml --sarif regress.sarif\n"
        "  flushtrace regress traces --refresh",
    .run = run,
};
