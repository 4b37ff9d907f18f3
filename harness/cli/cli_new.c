/* flushtrace new: begins a driver project. It is a sound core of ours under another name, so what a
 * newcomer starts from is what the tests run; the files are part of the program. */
#define _GNU_SOURCE 1
#include "cli/cli.h"
#include "cli/new_files.h"
#include "trace/host_file.h"

#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_CHARS = 32, PATH_CHARS = 1024, LIST_CHARS = 2048 };

/* The name in each of its spellings. */
struct spelling {
    char name[NAME_MAX_CHARS + 1];  /* my-driver */
    char lower[NAME_MAX_CHARS + 1]; /* my_driver */
    char upper[NAME_MAX_CHARS + 1]; /* MY_DRIVER */
    char camel[NAME_MAX_CHARS + 1]; /* MyDriver */
};

static bool spell(const char *name, struct spelling *ret)
{
    size_t length = strlen(name), camel = 0;

    if (length == 0 || length > NAME_MAX_CHARS || !islower((unsigned char)name[0]))
        return false;
    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];

        if (!islower(c) && !isdigit(c) && (c != '-' || name[i + 1] == '-' || name[i + 1] == '\0'))
            return false;
        ret->name[i] = (char)c;
        ret->lower[i] = c == '-' ? '_' : (char)c;
        ret->upper[i] = c == '-' ? '_' : (char)toupper(c);
        if (c != '-')
            ret->camel[camel++] = (char)(i == 0 || name[i - 1] == '-' ? toupper(c) : c);
    }
    return true;
}

/* ---- words ---- */

static bool is_letter(const char *text, const char *at, unsigned back)
{
    return at >= text + back && isalnum((unsigned char)at[-(int)back]) != 0;
}

static bool follows(const char *text, const char *at, const char *word)
{
    size_t length = strlen(word);

    return at >= text + length && strncmp(at - length, word, length) == 0 &&
           !is_letter(text, at, (unsigned)length + 1);
}

/* "Packet" is the core's own name unless it ends another word, as in IoStartPacket. PPACKET is a
 * pointer to it, EvtPacket... a callback of it. In "NCR 53C94" and ncr53c94_model.c the name is the
 * maker's. */
static bool is_own_name(const char *text, const char *at, size_t length)
{
    if (isdigit((unsigned char)at[length + (at[length] == ' ')]))
        return false;
    return !is_letter(text, at, 1) || follows(text, at, "P") || follows(text, at, "Evt");
}

static void put_renamed(const struct ft_new_core *core, const char *text, size_t length,
                        const struct spelling *to, FILE *out)
{
    const struct {
        const char *from, *to;
    } words[] = {{core->name, to->name},
                 {core->lower, to->lower},
                 {core->upper, to->upper},
                 {core->camel, to->camel}};
    const char *at = text;

    while (at < text + length) {
        unsigned i = 0;

        while (i < 4 && (strncmp(at, words[i].from, strlen(words[i].from)) != 0 ||
                         !is_own_name(text, at, strlen(words[i].from))))
            i++;
        if (i < 4) {
            fputs(words[i].to, out);
            at += strlen(words[i].from);
        } else {
            fputc(*at++, out);
        }
    }
}

/* Fills @KEY@ from the lists of files. */
static void put_filled(const char *text, const char *const (*values)[2], size_t count, FILE *out)
{
    while (*text != '\0') {
        size_t i = 0;

        while (i < count && strncmp(text, values[i][0], strlen(values[i][0])) != 0)
            i++;
        if (i < count) {
            fputs(values[i][1], out);
            text += strlen(values[i][0]);
        } else {
            fputc(*text++, out);
        }
    }
}

/* ---- files ---- */

static char *renamed(const struct ft_new_core *core, const char *text, size_t length,
                     const struct spelling *to)
{
    char *ret = NULL;
    size_t size;
    FILE *out = open_memstream(&ret, &size);

    if (out == NULL)
        return NULL;
    put_renamed(core, text, length, to, out);
    return fclose(out) == 0 ? ret : NULL;
}

/* Makes the folders of a path below `root`, then the file. */
static enum ft_status write_file(const char *root, const char *name, const char *text,
                                 struct ft_error *error)
{
    char path[PATH_CHARS];

    if ((size_t)snprintf(path, sizeof(path), "%s/%s", root, name) >= sizeof(path))
        return ft_fail(error, FT_IO, 0, "%s: the path is too long", root);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return ft_fail(error, FT_IO, 0, "%s: %s", path, strerror(errno));
        *slash = '/';
    }
    return ft_file_write(path, text, strlen(text), error);
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    (void)facts, (void)kind, (void)place;
    return remove(path);
}

/* A folder that could not be filled would be in the way of the next try. It is ours: it was not
 * there before. */
static void remove_project(const char *root)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);

    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* What CMakeLists.txt lists, by kind. */
enum list { SOURCES, HEADERS, DEVICE, DEVICE_HEADERS, DESCRIPTION, MUTANTS, SCENARIO, LISTS };

static enum list list_of(const char *name)
{
    if (strncmp(name, "device/", 7) == 0 && ends_with(name, ".h"))
        return DEVICE_HEADERS;
    if (strncmp(name, "device/", 7) == 0)
        return ends_with(name, "_description.c") ? DESCRIPTION : DEVICE;
    if (strncmp(name, "mutants/", 8) == 0)
        return MUTANTS;
    if (strncmp(name, "scenarios/", 10) == 0)
        return SCENARIO;
    return ends_with(name, ".h") ? HEADERS : SOURCES;
}

static void list_add(char *list, const char *name, const char *separator)
{
    size_t used = strlen(list);

    snprintf(list + used, LIST_CHARS - used, "%s%s", used ? separator : "", name);
}

static enum ft_status write_templates(const struct ft_new_core *core, const char *root,
                                      const struct spelling *to, char lists[LISTS][LIST_CHARS],
                                      struct ft_error *error)
{
    const char *const values[][2] = {{"@NAME@", to->name},
                                     {"@WHAT@", core->what},
                                     {"@SOURCES@", lists[SOURCES]},
                                     {"@HEADERS@", lists[HEADERS]},
                                     {"@DEVICE@", lists[DEVICE]},
                                     {"@DEVICE_HEADERS@", lists[DEVICE_HEADERS]},
                                     {"@DESCRIPTION@", lists[DESCRIPTION]},
                                     {"@MUTANTS@", lists[MUTANTS]},
                                     {"@SCENARIO@", lists[SCENARIO]}};
    enum ft_status status = FT_OK;

    for (size_t i = 0; i < ft_new_template_count && status == FT_OK; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (out == NULL)
            return ft_fail(error, FT_IO, 0, "%s", strerror(errno));
        put_filled((const char *)ft_new_template[i].bytes, values,
                   sizeof(values) / sizeof(values[0]), out);
        if (fclose(out) == 0)
            status = write_file(root, ft_new_template[i].name, text, error);
        free(text);
    }
    return status;
}

static enum ft_status write_project(const struct ft_new_core *core, const char *root,
                                    const struct spelling *to, struct ft_error *error)
{
    static char lists[LISTS][LIST_CHARS];
    enum ft_status status = FT_OK;

    memset(lists, 0, sizeof(lists));
    for (size_t i = 0; i < core->file_count && status == FT_OK; i++) {
        const struct ft_new_file *file = &core->file[i];
        char *name = renamed(core, file->name, strlen(file->name), to);
        char *text = renamed(core, (const char *)file->bytes, file->length, to);
        enum list list = name != NULL ? list_of(name) : LISTS;

        if (name == NULL || text == NULL) {
            status = ft_fail(error, FT_IO, 0, "%s", strerror(errno));
        } else {
            if (list != SCENARIO)
                list_add(lists[list], name, "\n          ");
            else if (lists[SCENARIO][0] == '\0')
                list_add(lists[SCENARIO], name + strlen("scenarios/"), "");
            status = write_file(root, name, text, error);
        }
        free(name);
        free(text);
    }
    return status == FT_OK ? write_templates(core, root, to, lists, error) : status;
}

/* ---- the verb ---- */

static int answer(const struct ft_cli *cli, const struct ft_new_core *core, const char *root,
                  const struct spelling *to)
{
    size_t files = core->file_count + ft_new_template_count;

    if (cli->json) {
        ft_cli_print_json(json_pack("{s:s, s:s, s:s, s:i}", "driver", to->name, "model",
                                    core->model, "folder", root, "files", (int)files));
        return FT_EXIT_OK;
    }
    printf("%s: %zu files, a %s with its device model\n\nnext\n"
           "cmake -G Ninja -S %s -B %s/build -DCMAKE_C_COMPILER=clang "
           "-DCMAKE_PREFIX_PATH=PREFIX && cmake --build %s/build\n",
           root, files, core->what, root, root, root);
    return FT_EXIT_OK;
}

static const struct ft_new_core *find_core(const char *model)
{
    for (size_t i = 0; i < ft_new_core_count; i++)
        if (model == NULL || strcmp(model, ft_new_core[i].model) == 0)
            return &ft_new_core[i];
    return NULL;
}

static int run(struct ft_cli *cli)
{
    const char *root = cli->output != NULL ? cli->output : cli->argument[0];
    const struct ft_new_core *core = find_core(cli->model);
    struct ft_error error = {.text = ""};
    struct spelling to;

    if (core == NULL)
        return ft_cli_refuse(cli, FT_USAGE, "no such model; wdm, kmdf or scsi: --model %s",
                             cli->model);
    if (!spell(cli->argument[0], &to))
        return ft_cli_refuse(cli, FT_USAGE,
                             "a name is 1 to %d lower-case letters, digits and single hyphens, a "
                             "letter first: '%s' is not",
                             NAME_MAX_CHARS, cli->argument[0]);
    if (mkdir(root, 0777) != 0)
        return ft_cli_refuse(cli, errno == EEXIST ? FT_USAGE : FT_IO, "%s: %s", root,
                             strerror(errno));
    if (write_project(core, root, &to, &error) != FT_OK) {
        remove_project(root);
        return ft_cli_fail(cli, &error, NULL);
    }
    return answer(cli, core, root, &to);
}

const struct ft_verb ft_verb_new = {
    .name = "new",
    .sentence = "Begin a driver project: sources, device model, scenarios, CMake.",
    .arguments = "NAME",
    .details =
        "Makes the folder NAME (or -o FOLDER) with a whole driver of that name to begin from: a "
        "WDM (or, with --model kmdf, a KMDF) driver for a bus master, or with --model scsi a SCSI "
        "miniport on a system DMA channel; its device model, a mutant, scenarios, and a "
        "CMakeLists.txt that builds NAME.so and a fuzz target with find_package(flushtrace).\n\n"
        "CMakeLists.txt is written last: a folder without it is what a killed `new` left, and can "
        "be deleted.\n\n"
        "Exit status: 0 made; 3 bad name, or the folder is there already; 5 it cannot be "
        "written.\n\nExample:\n  flushtrace new my-driver --model kmdf",
    .output = "FOLDER",
    .output_help = "make this folder (NAME)",
    .options = FT_OPT(MODEL) | FT_OPT(OUTPUT) | FT_OPT(JSON),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run};
