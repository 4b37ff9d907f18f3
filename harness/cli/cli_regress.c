/* flushtrace regress: every trace below some folders against its verdict, in parallel. */
#define _GNU_SOURCE
#include "cli/cli.h"
#include "cli/regress_case.h"
#include "report/colour.h"
#include "report/report_json.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPEN_FOLDERS = 16, CASES_MAX = 100000 };

/* Paths of traces; nftw has no way to pass it. */
static struct found {
    char **path;
    size_t count, capacity;
    bool failed;
} found;

static void add_path(const char *path)
{
    if (found.count == found.capacity) {
        char **more = realloc(found.path, (found.capacity * 2 + 64) * sizeof(*more));

        if (more == NULL) {
            found.failed = true;
            return;
        }
        found.path = more;
        found.capacity = found.capacity * 2 + 64;
    }
    found.path[found.count] = strdup(path);
    found.failed |= found.path[found.count] == NULL;
    found.count += found.path[found.count] != NULL;
}

static int visit(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    size_t length = strlen(path);

    (void)facts;
    (void)where;
    if (kind == FTW_F && length > 4 && strcmp(path + length - 4, ".ftr") == 0) {
        add_path(path);
    }
    return found.failed || found.count > CASES_MAX;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void forget_paths(void)
{
    for (size_t i = 0; i < found.count; i++) {
        free(found.path[i]);
    }
    free(found.path);
    found = (struct found){0};
}

static int find_traces(const struct ft_cli *cli)
{
    for (int i = 0; i < cli->argument_count; i++) {
        const char *folder = cli->argument[i];
        struct stat facts;

        if (stat(folder, &facts) != 0) {
            return ft_cli_refuse(cli, FT_NO_FILE, "%.150s: %s", folder, strerror(errno));
        }
        if (!S_ISDIR(facts.st_mode)) {
            add_path(folder); /* a single file, whatever its name */
        } else if (nftw(folder, visit, OPEN_FOLDERS, FTW_PHYS) < 0) {
            return ft_cli_refuse(cli, FT_NO_FILE, "%.150s: %s", folder, strerror(errno));
        }
    }
    if (found.failed || found.count > CASES_MAX) {
        return ft_cli_refuse(cli, FT_NO_MEMORY, "too many traces");
    }
    if (found.count == 0) {
        return ft_cli_refuse(cli, FT_NO_FILE, "no trace (*.ftr) below %.150s", cli->argument[0]);
    }
    qsort(found.path, found.count, sizeof(*found.path), compare_paths);
    return FT_EXIT_OK;
}

/* A worker that died before it said anything. */
static void bury(struct ft_regress_case *one, int status)
{
    if (one->outcome != FT_OUTCOME_PENDING) {
        return;
    }
    one->outcome = FT_OUTCOME_OWN_FAILURE;
    if (WIFSIGNALED(status)) {
        snprintf(one->note, sizeof(one->note), "the worker died of signal %d", WTERMSIG(status));
    } else {
        snprintf(one->note, sizeof(one->note), "the worker ended with status %d",
                 WEXITSTATUS(status));
    }
}

static void show_progress(const struct ft_regress_case *list, size_t count, size_t done, bool last)
{
    size_t failed = 0;

    if (isatty(STDERR_FILENO) == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        failed += list[i].outcome > FT_OUTCOME_PASSED;
    }
    if (last) {
        fputs("\r\033[K", stderr);
    } else {
        fprintf(stderr, "\r\033[K%zu of %zu, %zu failed", done, count, failed);
    }
    fflush(stderr);
}

/* Keeps up to `jobs` workers busy, one for each trace. */
static bool run_workers(const struct ft_cli *cli, struct ft_regress_case *list, size_t count,
                        unsigned jobs)
{
    pid_t worker[FT_JOBS_LIMIT] = {0};
    size_t item[FT_JOBS_LIMIT];
    size_t next = 0, done = 0;
    unsigned busy = 0;

    fflush(NULL);
    while (done < count) {
        int status = 0;
        pid_t pid;

        if (next < count && busy < jobs) {
            unsigned slot = 0;

            while (worker[slot] != 0) {
                slot++;
            }
            pid = fork();
            if (pid < 0) {
                return false;
            }
            if (pid == 0) {
                ft_regress_one(cli, &list[next]);
                _exit(0);
            }
            worker[slot] = pid;
            item[slot] = next++;
            busy++;
            continue;
        }
        pid = wait(&status);
        for (unsigned slot = 0; slot < jobs; slot++) {
            if (pid > 0 && worker[slot] == pid) {
                bury(&list[item[slot]], status);
                worker[slot] = 0;
                busy--;
                show_progress(list, count, ++done, false);
            }
        }
        if (pid < 0 && errno != EINTR) {
            return false;
        }
    }
    show_progress(list, count, done, true);
    return true;
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
        } else if (list[i].followed || list[i].refreshed) {
            printf("%-14s %s\n    %s\n", list[i].refreshed ? "recorded" : "followed", list[i].path,
                   list[i].note);
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

static int regress(const struct ft_cli *cli)
{
    size_t count = found.count;
    size_t bytes = count * sizeof(struct ft_regress_case);
    struct ft_regress_case *list = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int status;

    if (list == MAP_FAILED) {
        return ft_cli_refuse(cli, FT_NO_MEMORY, "%zu traces", count);
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(list[i].path, sizeof(list[i].path), "%s", found.path[i]);
    }
    if (run_workers(cli, list, count, job_count(cli))) {
        status = report(cli, list, count);
    } else {
        status = ft_cli_refuse(cli, FT_IO, "cannot start a worker: %s", strerror(errno));
    }
    munmap(list, bytes);
    return status;
}

static int run(struct ft_cli *cli)
{
    const char *files[] = {cli->junit, cli->sarif};
    struct ft_error error = {0};
    int status;

    for (unsigned i = 0; i < 2; i++) {
        if (files[i] != NULL && ft_cli_check_output(files[i], &error) != FT_OK) {
            return ft_cli_fail(cli, &error, files[i]);
        }
    }
    status = find_traces(cli);
    if (status == FT_EXIT_OK) {
        status = regress(cli);
    }
    forget_paths();
    return status;
}

const struct ft_verb ft_verb_regress = {
    .name = "regress",
    .sentence = "Every trace below some folders against its stored verdict, in parallel.",
    .arguments = "DIR...",
    .arguments_min = 1,
    .arguments_max = 1 << 20,
    .options = FT_OPT(JUNIT) | FT_OPT(SARIF) | FT_OPT(JOBS) | FT_OPT(REFRESH) | FT_OPT(DRIVER) |
               FT_OPT(FLAVOUR) | FT_OPT(JSON),
    .details =
        "Replays strictly where model number and driver fingerprint match, and follows where they "
        "do "
        "not (and says so). A folder's name is part of what is expected: below clean/ every "
        "verdict is "
        "clean, below violates/RULE/ the rule is that one, below refused/ no file can be read as a "
        "trace.\n\n"
        "Exit status: 0 every stored verdict came, 1 another verdict, 2 a divergence, 3 a file "
        "that "
        "cannot be read, 4 no verdict, 5 our own failure; of several the first of 5 3 1 2 4.\n\n"
        "  flushtrace regress traces\n"
        "  flushtrace regress traces --junit regress.xml --sarif regress.sarif\n"
        "  flushtrace regress traces --refresh",
    .run = run,
};
