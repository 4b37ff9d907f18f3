/* flushtrace coverage: what a corpus has reached of a driver. */
#define _GNU_SOURCE
#include "cli/cli.h"
#include "coverage/coverage.h"
#include "report/colour.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPEN_FOLDERS = 8 };

/* Where a campaign writes when it is not told, and where a project keeps its traces. */
static const char out_folder[] = "flushtrace-out";
static const char traces_folder[] = "traces";

static bool is_path(const char *driver)
{
    return strchr(driver, '/') != NULL;
}

/* The lines are counted by the program of the flavour coverage, which takes our place. Goes on here
 * when there is none, or the driver is not in it; *missing says why. */
static int enter(struct ft_cli *cli, char *missing, size_t capacity)
{
    char path[4096];

    missing[0] = '\0';
    if (is_path(cli->argument[0])) {
        snprintf(missing, capacity,
                 "%.150s is loaded from its path; lines are counted in drivers that are linked "
                 "into flushtrace-coverage",
                 cli->argument[0]);
    } else if (ft_coverage_counts_lines()) {
        return FT_EXIT_OK;
    } else if (!ft_cli_sibling("flushtrace-coverage", path, sizeof(path)) ||
               access(path, X_OK) != 0) {
        snprintf(missing, capacity,
                 "no program flushtrace-coverage beside this one (build the preset release)");
    } else {
        cli->flavour = "coverage";
        return ft_cli_enter_flavour(cli);
    }
    return FT_EXIT_OK;
}

/* What there is when no folder is named. */
static enum ft_status add_usual_folders(const char *core, struct ft_inputs *inputs,
                                        struct ft_error *error)
{
    enum ft_status status = FT_OK;
    char folder[512];

    snprintf(folder, sizeof(folder), "%s/%.200s", out_folder, core);
    if (access(folder, R_OK) == 0) {
        status = ft_inputs_add(inputs, folder, core, error);
    }
    if (status == FT_OK && access(traces_folder, R_OK) == 0) {
        status = ft_inputs_add(inputs, traces_folder, core, error);
    }
    return status;
}

static int collect(const struct ft_cli *cli, const char *core, struct ft_inputs *inputs)
{
    struct ft_error error = {0};
    enum ft_status status = FT_OK;

    if (cli->argument_count == 1) {
        status = add_usual_folders(core, inputs, &error);
    }
    for (int i = 1; status == FT_OK && i < cli->argument_count; i++) {
        status = ft_inputs_add(inputs, cli->argument[i], core, &error);
    }
    if (status != FT_OK) {
        return ft_cli_fail(cli, &error, NULL);
    }
    if (inputs->count == 0) {
        return ft_cli_refuse(
            cli, FT_NO_FILE, "no trace, scenario or engine input of %.60s in %s", core,
            cli->argument_count == 1 ? "flushtrace-out and traces" : "the folders named");
    }
    return FT_EXIT_OK;
}

static size_t input_count;

static bool show_progress(size_t done)
{
    if (isatty(STDERR_FILENO) == 0) {
        return true;
    }
    fprintf(stderr, done < input_count ? "\r\033[K%zu of %zu inputs" : "\r\033[K", done,
            input_count);
    fflush(stderr);
    return true;
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    (void)kind;
    (void)where;
    return remove(path);
}

static unsigned job_count(const struct ft_cli *cli)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    return cli->jobs != 0 ? cli->jobs : processors < 1 ? 1 : (unsigned)processors;
}

static int report(const struct ft_cli *cli, const struct ft_coverage *coverage)
{
    bool colour = ft_colour_wanted(stdout);
    FILE *out;

    if (cli->json) {
        ft_cli_print_json(ft_coverage_json(coverage));
        return FT_EXIT_OK;
    }
    out = ft_cli_page_begin(cli);
    ft_coverage_print(coverage, colour, out);
    ft_cli_page_end(cli, out);
    return FT_EXIT_OK;
}

/* Runs the inputs and measures; profiles go through a folder that does not stay. */
static int measure(const struct ft_cli *cli, const struct ft_module *module,
                   const struct ft_inputs *inputs, struct ft_lines *lines)
{
    static struct ft_reached reached;
    const struct ft_coverage coverage = {module, inputs, &reached, lines};
    const char *temporary = getenv("TMPDIR");
    struct ft_error error = {0};
    char folder[4096];
    enum ft_status status;

    snprintf(folder, sizeof(folder), "%s/flushtrace-coverage.XXXXXX",
             temporary != NULL ? temporary : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return ft_cli_refuse(cli, FT_IO, "%.150s: %s", folder, strerror(errno));
    }
    input_count = inputs->count;
    status =
        ft_coverage_run(module, inputs, job_count(cli), folder, show_progress, &reached, &error);
    if (status == FT_OK && lines->missing[0] == '\0') {
        status = ft_lines_measure(module, folder, cli->html, lines, &error);
    }
    (void)nftw(folder, remove_one, OPEN_FOLDERS, FTW_PHYS | FTW_DEPTH);
    return status == FT_OK ? report(cli, &coverage) : ft_cli_fail(cli, &error, NULL);
}

static int run(struct ft_cli *cli)
{
    struct ft_inputs inputs = {.count = 0};
    struct ft_lines lines = {.count = 0};
    const struct ft_module *module = NULL;
    struct ft_error error = {0};
    int status = enter(cli, lines.missing, sizeof(lines.missing));

    if (status != FT_EXIT_OK) {
        return status;
    }
    if (ft_cli_module(cli->argument[0], "none", &module, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, NULL);
    }
    if (cli->html != NULL && lines.missing[0] != '\0') {
        return ft_cli_refuse(cli, FT_USAGE, "--html: %.200s", lines.missing);
    }
    status = collect(cli, module->core, &inputs);
    if (status == FT_EXIT_OK) {
        status = measure(cli, module, &inputs, &lines);
    }
    ft_lines_free(&lines);
    ft_inputs_free(&inputs);
    return status;
}

const struct ft_verb ft_verb_coverage = {
    .name = "coverage",
    .sentence = "State cells and driver source lines that were reached, and that were not.",
    .arguments = "DRIVER [DIR...]",
    .arguments_min = 1,
    .arguments_max = 1 << 20,
    .options = FT_OPT(JOBS) | FT_OPT(HTML) | FT_OPT(JSON) | FT_OPTIONS_COMMON,
    .details =
        "Runs every input once on the sound driver: traces (*.ftr) of that driver, whatever mutant "
        "they were recorded on, scenarios (*.fts), and what libFuzzer and AFL++ keep in their "
        "corpora. DIR is a folder (a campaign's: flushtrace-out/DRIVER) or one such file; without "
        "any, flushtrace-out/DRIVER and traces are looked through.\n\n"
        "A state cell is one kind of event, in one phase of a request, in one state of the device. "
        "Tables show of how many states each was reached, as REACHED/POSSIBLE. A cell that a sound "
        "driver cannot reach is not counted. Lines come from clang's counters in the program "
        "flushtrace-coverage, and need llvm-profdata and llvm-cov (Debian: llvm).\n\n"
        "Exit status: 0 measured, 3 bad input or usage, 5 our own failure.\n\n"
        "  flushtrace coverage wdm-packet\n"
        "  flushtrace coverage wdm-packet flushtrace-out/wdm-packet traces --html report\n"
        "  flushtrace coverage ./mine.so scenarios --json",
    .run = run,
};
