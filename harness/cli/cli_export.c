/* flushtrace export: a trace in another form. */
#include "atomic_file.h"
#include "cli/cli.h"
#include "cli/explaining.h"
#include "export/export.h"
#include "report/report_json.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct ft_export_format *find_format(const char *name)
{
    for (unsigned i = 0; ft_export_formats[i] != NULL; i++) {
        if (strcmp(ft_export_formats[i]->name, name) == 0) {
            return ft_export_formats[i];
        }
    }
    return NULL;
}

static int check(const struct ft_cli *cli, const struct ft_export_format **ret)
{
    struct ft_error error = {0};

    if (cli->format == NULL) {
        return ft_cli_refuse(cli, FT_USAGE, "--format is missing: %s",
                             "html, perfetto, json or ctest");
    }
    *ret = find_format(cli->format);
    if (*ret == NULL) {
        return ft_cli_refuse(cli, FT_USAGE,
                             "--format takes html, perfetto, json or ctest, not '%.40s'",
                             cli->format);
    }
    if (cli->explain && !(*ret)->has_facts) {
        return ft_cli_refuse(cli, FT_USAGE, "--explain is for html and json, not %s", cli->format);
    }
    if (cli->output == NULL && cli->json) {
        return ft_cli_refuse(cli, FT_USAGE,
                             "-o is missing: with --json, standard output has the answer");
    }
    if (cli->output == NULL && (*ret)->binary && isatty(STDOUT_FILENO) != 0) {
        return ft_cli_refuse(cli, FT_USAGE, "-o is missing: a terminal cannot show %s",
                             cli->format);
    }
    if (cli->output != NULL && ft_cli_check_output(cli->output, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->output);
    }
    return FT_EXIT_OK;
}

static void answer(const struct ft_cli *cli, const struct ft_export *export)
{
    json_t *object = ft_json_trace(export->trace);
    struct stat facts = {0};

    stat(cli->output, &facts);
    json_object_set_new(object, "trace", ft_json_text(export->path));
    json_object_set_new(object, "rerun", ft_json_text(export->rerun));
    json_object_set_new(object, "complete", json_boolean(export->trace->complete));
    json_object_set_new(object, "format", json_string(cli->format));
    json_object_set_new(object, "output", ft_json_text(cli->output));
    json_object_set_new(object, "bytes", json_integer((json_int_t)facts.st_size));
    ft_cli_print_json(object);
}

static int write_file(const struct ft_cli *cli, const struct ft_export_format *format,
                      const struct ft_export *export)
{
    struct ft_error error = {0};
    struct ft_atomic_file file;
    enum ft_status status = ft_atomic_begin(&file, cli->output, &error);

    if (status != FT_OK) {
        return ft_cli_fail(cli, &error, cli->output);
    }
    status = format->write(export, file.stream, &error);
    if (status != FT_OK) {
        ft_atomic_abandon(&file);
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    if (ft_atomic_commit(&file, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->output);
    }
    if (cli->json) {
        answer(cli, export);
    }
    return FT_EXIT_OK;
}

static int write_out(const struct ft_cli *cli, const struct ft_export_format *format,
                     const struct ft_export *export)
{
    struct ft_error error = {0};

    if (cli->output != NULL) {
        return write_file(cli, format, export);
    }
    return format->write(export, stdout, &error) == FT_OK
               ? FT_EXIT_OK
               : ft_cli_fail(cli, &error, cli->argument[0]);
}

/* With --explain the driver is run; without it a trace is only read. */
static int export_trace(struct ft_cli *cli, const struct ft_export_format *format,
                        struct ft_trace *trace)
{
    struct ft_export export = {.trace = trace, .path = cli->argument[0]};
    struct ft_explained explained;
    struct ft_command rerun;
    int status = FT_EXIT_OK;

    if (cli->explain) {
        status = ft_cli_explain_recorded(cli, trace, &explained);
        if (status != FT_EXIT_OK) {
            return status;
        }
        export.no_return = ft_explained_json(&explained);
        ft_explained_free(&explained);
    }
    ft_command_replay_of(&rerun, cli, trace);
    export.rerun = rerun.text;
    status = write_out(cli, format, &export);
    json_decref(export.no_return);
    return status;
}

static int run(struct ft_cli *cli)
{
    const struct ft_export_format *format = NULL;
    struct ft_error error = {0};
    struct ft_trace trace;
    int status = check(cli, &format);

    if (status != FT_EXIT_OK) {
        return status;
    }
    if (ft_cli_read_trace(cli->argument[0], &trace, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    status = export_trace(cli, format, &trace);
    ft_trace_free(&trace);
    return status;
}

const struct ft_verb ft_verb_export = {
    .name = "export",
    .sentence = "A trace as a page, for Perfetto, as JSON or as a regression test.",
    .arguments = "TRACE",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = FT_OPT(FORMAT) | FT_OPT(OUTPUT) | FT_OPT(EXPLAIN) | FT_OPT(DRIVER) |
               FT_OPT(FLAVOUR) | FT_OPT(TIME) | FT_OPT(JSON),
    .output = "FILE",
    .output_help = "write to this file (standard output otherwise)",
    .details =
        "html: one page with swim lanes per processor and task, bars from MapTransfer to flush to "
        "completion, ops and the violation; opens from disk in any browser, without a network.\n"
        "perfetto: the same as tracks, slices and flows for ui.perfetto.dev.\n"
        "json: one object with the run, its scenario, the verdict, spans, and every event with its "
        "arguments.\n"
        "ctest: a test in C that runs the scenario again and fails as long as a rule is broken.\n\n"
        "A trace is only read; --explain also runs the driver, and html and json have the point of "
        "no return (flushtrace explain says what that is); --driver, --flavour and --time are for "
        "that.\n\n"
        "docs/EXPORT.md describes each. A file appears whole or not at all. With --json the answer "
        "says what was written, and -o is needed.\n\n"
        "Exit status: 0 written, 3 the trace cannot be read or bad usage, 5 it cannot be "
        "written; with --explain also those of explain.\n\n"
        "  flushtrace export fail.ftr --format html -o fail.html\n"
        "  flushtrace export fail.ftr --format html --explain -o fail.html\n"
        "  flushtrace export fail.ftr --format json | jq .rule\n"
        "  flushtrace export fail.ftr --format ctest -o tests/fail.c",
    .run = run,
};
