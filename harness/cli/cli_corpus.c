/* flushtrace corpus: many traces in one file. */
#include "cli/cli.h"
#include "corpus/corpus.h"
#include "corpus/corpus_minimize.h"
#include "corpus/trace_list.h"
#include "report/trace_facts.h"
#include "trace/host_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROGRESS_EVERY = 64, KINDS = 16, CORES_MAX = 64 };

static const char *doing;
static size_t of;

static bool progress(size_t done)
{
    if (isatty(STDERR_FILENO) == 0) {
        return true;
    }
    if (done == of) {
        fputs("\r\033[K", stderr);
    } else if (done % PROGRESS_EVERY == 0) {
        fprintf(stderr, "\r\033[K%s %zu of %zu", doing, done, of);
    }
    return true;
}

/* The traces that the arguments from the second on name, sorted. */
static int take_list(const struct ft_cli *cli, struct ft_trace_list *list)
{
    struct ft_error error = {0};

    for (int i = 1; i < cli->argument_count; i++) {
        if (ft_trace_list_add(list, cli->argument[i], &error) != FT_OK) {
            return ft_cli_fail(cli, &error, NULL);
        }
    }
    if (list->count == 0) {
        return ft_cli_refuse(cli, FT_NO_FILE, "no trace (*.ftr, *.ftc) below %.150s",
                             cli->argument_count > 1 ? cli->argument[1] : "nothing");
    }
    ft_trace_list_sort(list);
    return FT_EXIT_OK;
}

/* As tar has it: the path as it was typed, without what would lead out of a folder. */
static const char *name_in_corpus(const char *path)
{
    char file[4096];
    const char *name;

    if (ft_corpus_path(path, file, sizeof(file), &name) && name != NULL) {
        return name;
    }
    while (path[0] == '/' || strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0) {
        path += strchr(path, '/') - path + 1;
    }
    return path;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ft_corpus_item *)a)->name,
                  ((const struct ft_corpus_item *)b)->name);
}

static int write_corpus(const struct ft_cli *cli, const struct ft_trace_list *list,
                        const char *output, size_t *ret_length)
{
    struct ft_corpus_item *item = calloc(list->count, sizeof(*item));
    struct ft_error error = {0};
    uint8_t *bytes = NULL;
    size_t bad = 0;
    int status = FT_EXIT_OK;

    if (item == NULL) {
        return ft_cli_refuse(cli, FT_NO_MEMORY, "%zu traces", list->count);
    }
    for (size_t i = 0; i < list->count; i++) {
        item[i] = (struct ft_corpus_item){list->path[i], name_in_corpus(list->path[i])};
    }
    qsort(item, list->count, sizeof(*item), by_name);
    doing = "packed";
    of = list->count;
    if (ft_corpus_encode(item, list->count, progress, &bytes, ret_length, &bad, &error) != FT_OK) {
        status = ft_cli_fail(cli, &error, item[bad].path);
    } else if (ft_file_write(output, bytes, *ret_length, &error) != FT_OK) {
        status = ft_cli_fail(cli, &error, output);
    }
    free(bytes);
    free(item);
    return status;
}

static int need_output(const struct ft_cli *cli, const char *what)
{
    return cli->output != NULL
               ? FT_EXIT_OK
               : ft_cli_refuse(cli, FT_USAGE, "%s: -o %s is missing", cli->argument[0], what);
}

static uint64_t bytes_of_files(const struct ft_trace_list *list)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct stat facts;

        bytes += stat(list->path[i], &facts) == 0 ? (uint64_t)facts.st_size : 0;
    }
    return bytes;
}

static int pack(struct ft_cli *cli)
{
    struct ft_trace_list list = {0};
    struct ft_error error = {0};
    size_t length = 0;
    int status = need_output(cli, "FILE.ftc");

    if (status == FT_EXIT_OK && ft_cli_check_output(cli->output, &error) != FT_OK) {
        status = ft_cli_fail(cli, &error, cli->output);
    }
    if (status == FT_EXIT_OK) {
        status = take_list(cli, &list);
    }
    if (status == FT_EXIT_OK) {
        status = write_corpus(cli, &list, cli->output, &length);
    }
    if (status == FT_EXIT_OK && cli->json) {
        ft_cli_print_json(json_pack("{s:s, s:I, s:I, s:I, s:s}", "verdict", "clean", "traces",
                                    (json_int_t)list.count, "bytes", (json_int_t)length,
                                    "bytes_of_files", (json_int_t)bytes_of_files(&list), "output",
                                    cli->output));
    } else if (status == FT_EXIT_OK) {
        uint64_t before = bytes_of_files(&list);

        printf("%s: %zu traces in %zu bytes", cli->output, list.count, length);
        if (before != 0) {
            printf(", %" PRIu64 " as files", before);
        }
        putchar('\n');
    }
    ft_trace_list_free(&list);
    return status;
}

/* Makes the folders on the way to a file. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            return false;
        }
        *slash = '/';
    }
    return true;
}

static int unpack_one(const struct ft_cli *cli, const struct ft_corpus *corpus,
                      const struct ft_corpus_entry *entry)
{
    struct ft_error error = {0};
    struct ft_trace trace;
    char path[4096];
    int status = FT_EXIT_OK;

    snprintf(path, sizeof(path), "%.3500s/%s", cli->output, entry->name);
    if (ft_corpus_trace(corpus, entry, 0, &trace, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, entry->name);
    }
    if (!make_folders(path)) {
        status = ft_cli_refuse(cli, FT_IO, "%.150s: %s", path, strerror(errno));
    } else if (ft_trace_write(path, &trace, &error) != FT_OK) {
        status = ft_cli_fail(cli, &error, path);
    }
    ft_trace_free(&trace);
    return status;
}

static int unpack(struct ft_cli *cli)
{
    struct ft_corpus corpus = {0};
    struct ft_error error = {0};
    size_t done = 0;
    int status = need_output(cli, "DIR");

    if (status == FT_EXIT_OK && cli->argument_count != 2) {
        status = ft_cli_refuse(cli, FT_USAGE, "unpack takes one corpus");
    }
    if (status == FT_EXIT_OK && ft_corpus_read(cli->argument[1], &corpus, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[1]);
    }
    doing = "unpacked";
    of = corpus.count;
    while (status == FT_EXIT_OK && done < corpus.count && corpus.entry[done].length != 0) {
        status = unpack_one(cli, &corpus, &corpus.entry[done]);
        progress(++done);
    }
    if (status == FT_EXIT_OK && done < corpus.count) {
        status = ft_cli_refuse(cli, FT_TRUNCATED, "%.100s is cut off: %zu of %zu traces are whole",
                               cli->argument[1], done, corpus.count);
    } else if (status == FT_EXIT_OK && cli->json) {
        ft_cli_print_json(json_pack("{s:s, s:I, s:s}", "verdict", "clean", "traces",
                                    (json_int_t)done, "output", cli->output));
    } else if (status == FT_EXIT_OK) {
        printf("%s: %zu traces\n", cli->output, done);
    }
    ft_corpus_free(&corpus);
    return status;
}

/* ---- stats ---- */

struct sums {
    uint64_t events, ops, kind[KINDS];
    size_t distinct;
    struct {
        char name[64];
        size_t traces;
    } core[CORES_MAX];
    unsigned cores;
};

static void count_core(struct sums *sums, const char *name)
{
    unsigned at = 0;

    while (at < sums->cores && strcmp(sums->core[at].name, name) != 0) {
        at++;
    }
    if (at == CORES_MAX) {
        return;
    }
    if (at == sums->cores) {
        snprintf(sums->core[at].name, sizeof(sums->core[at].name), "%s", name);
        sums->cores++;
    }
    sums->core[at].traces++;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static int add_up(const struct ft_cli *cli, const struct ft_trace_list *list, struct sums *sums)
{
    uint64_t *hash = calloc(list->count, sizeof(*hash));
    struct ft_error error = {0};
    int status = hash != NULL ? FT_EXIT_OK : ft_cli_refuse(cli, FT_NO_MEMORY, "no memory");

    doing = "read";
    of = list->count;
    for (size_t i = 0; status == FT_EXIT_OK && i < list->count; i++) {
        struct ft_trace trace;

        if (ft_trace_read_any(list->path[i], FT_DECODE_FACTS, &trace, &error) != FT_OK) {
            status = ft_cli_fail(cli, &error, list->path[i]);
            break;
        }
        ft_trace_clean_texts(&trace);
        hash[i] = trace.hash;
        sums->events += trace.event_count;
        sums->ops += trace.scenario.op_count;
        sums->kind[trace.verdict.kind % KINDS]++;
        count_core(sums, trace.core);
        ft_trace_free(&trace);
        progress(i + 1);
    }
    if (status == FT_EXIT_OK) {
        qsort(hash, list->count, sizeof(*hash), by_number);
        for (size_t i = 0; i < list->count; i++) {
            sums->distinct += i == 0 || hash[i] != hash[i - 1];
        }
    }
    free(hash);
    return status;
}

static json_t *sums_object(const struct ft_trace_list *list, const struct sums *sums)
{
    json_t *verdicts = json_object(), *cores = json_array();

    for (unsigned i = 0; i < KINDS; i++) {
        if (sums->kind[i] != 0) {
            json_object_set_new(verdicts, ft_verdict_name(i),
                                json_integer((json_int_t)sums->kind[i]));
        }
    }
    for (unsigned i = 0; i < sums->cores; i++) {
        json_array_append_new(cores, json_pack("{s:s, s:I}", "driver", sums->core[i].name, "traces",
                                               (json_int_t)sums->core[i].traces));
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "verdict", "clean", "traces",
                     (json_int_t)list->count, "distinct", (json_int_t)sums->distinct, "events",
                     (json_int_t)sums->events, "ops", (json_int_t)sums->ops, "verdicts", verdicts,
                     "drivers", cores);
}

static void print_sums(const struct ft_trace_list *list, const struct sums *sums)
{
    printf("traces    %zu, %zu different event hashes\n", list->count, sums->distinct);
    printf("events    %" PRIu64 "\nops       %" PRIu64 "\nverdicts ", sums->events, sums->ops);
    for (unsigned i = 0; i < KINDS; i++) {
        if (sums->kind[i] != 0) {
            printf(" %s %" PRIu64, ft_verdict_name(i), sums->kind[i]);
        }
    }
    printf("\ndrivers\n");
    for (unsigned i = 0; i < sums->cores; i++) {
        printf("  %-24s %zu\n", sums->core[i].name, sums->core[i].traces);
    }
}

static int stats(struct ft_cli *cli)
{
    struct ft_trace_list list = {0};
    struct sums sums = {0};
    int status = take_list(cli, &list);

    if (status == FT_EXIT_OK) {
        status = add_up(cli, &list, &sums);
    }
    if (status == FT_EXIT_OK && cli->json) {
        ft_cli_print_json(sums_object(&list, &sums));
    } else if (status == FT_EXIT_OK) {
        print_sums(&list, &sums);
    }
    ft_trace_list_free(&list);
    return status;
}

static int minimize(struct ft_cli *cli)
{
    struct ft_trace_list list = {0};
    struct ft_error error = {0};
    struct ft_minimized result;
    const char *bad = NULL;
    size_t length = 0, before;
    int status = need_output(cli, "FILE.ftc");

    if (status == FT_EXIT_OK) {
        status = take_list(cli, &list);
    }
    before = list.count;
    doing = "looked at";
    of = before;
    if (status == FT_EXIT_OK &&
        ft_corpus_minimize(&list, progress, &result, &bad, &error) != FT_OK) {
        status = ft_cli_fail(cli, &error, bad);
    }
    if (status == FT_EXIT_OK) {
        status = write_corpus(cli, &list, cli->output, &length);
    }
    if (status == FT_EXIT_OK && cli->json) {
        ft_cli_print_json(json_pack(
            "{s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "verdict", "clean", "before", (json_int_t)before,
            "traces", (json_int_t)result.kept, "cells", (json_int_t)result.cells, "findings",
            (json_int_t)result.findings, "bytes", (json_int_t)length, "output", cli->output));
    } else if (status == FT_EXIT_OK) {
        printf("%s: %zu of %zu traces own all %zu state cells and %zu findings; %zu bytes\n",
               cli->output, result.kept, before, result.cells, result.findings, length);
    }
    ft_trace_list_free(&list);
    return status;
}

static int run(struct ft_cli *cli)
{
    static const struct {
        const char *name;
        int (*run)(struct ft_cli *cli);
    } action[] = {{"pack", pack}, {"unpack", unpack}, {"stats", stats}, {"minimize", minimize}};
    int status = -1;

    for (unsigned i = 0; i < sizeof(action) / sizeof(action[0]); i++) {
        if (strcmp(cli->argument[0], action[i].name) == 0) {
            status = action[i].run(cli);
        }
    }
    ft_trace_source_close();
    return status >= 0 ? status
                       : ft_cli_refuse(cli, FT_USAGE, "no %.40s: pack, unpack, stats or minimize",
                                       cli->argument[0]);
}

const struct ft_verb ft_verb_corpus = {
    .name = "corpus",
    .sentence = "Many traces in one file: pack, unpack, stats, minimize.",
    .arguments = "pack|unpack|stats|minimize FILE|DIR...",
    .arguments_min = 2,
    .arguments_max = 1 << 20,
    .options = FT_OPT(OUTPUT) | FT_OPT(JSON),
    .output = "FILE|DIR",
    .output_help = "the corpus (FILE.ftc) to write, or the folder to unpack into",
    .details =
        "pack writes every trace (*.ftr, and those of other corpora) below the folders into one "
        "file, compressed with a dictionary trained on them; the same traces give the same bytes. "
        "Names are the paths as typed. unpack writes them as files again. minimize packs only "
        "enough of them to own every state cell and every finding; the smallest owns. A trace in a "
        "corpus is named FILE.ftc:NAME wherever a trace may be given, and `regress FILE.ftc` "
        "replays all.\n\n"
        "Exit status: 0 done, 3 bad input, 5 our own failure.\n\n"
        "  flushtrace corpus pack traces/clean traces/violates -o all.ftc\n"
        "  flushtrace corpus stats all.ftc\n"
        "  flushtrace corpus unpack all.ftc -o again\n"
        "  flushtrace corpus minimize all.ftc -o few.ftc",
    .run = run,
};
