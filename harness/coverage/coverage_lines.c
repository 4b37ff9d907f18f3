/* Lines of a driver's sources that were reached, from clang's counters by way of llvm-profdata and
 * llvm-cov.
 *
 * llvm-cov writes lcov's format: for each file SF:path, then FN:line,name and FNDA:count,name for
 * each function, DA:line,count for each line with code, and end_of_record.
 */
#define _GNU_SOURCE
#include "coverage/coverage.h"
#include "replay/execute.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ARGS_MAX = 128, SOURCES_MAX = 96 };

/* A command line under construction. */
struct command {
    char *arg[ARGS_MAX + 1];
    unsigned count;
    bool full;
};

static void add_arg(struct command *command, const char *text)
{
    char *copy = command->count < ARGS_MAX ? strdup(text) : NULL;

    if (copy)
        command->arg[command->count++] = copy;
    else
        command->full = true;
}

static void forget(struct command *command)
{
    while (command->count)
        free(command->arg[--command->count]);
}

/* Runs it with its output in a file; its complaints go to another, whose path is `output`.err. */
static enum ft_status run_tool(struct command *command, const char *output, struct ft_error *error)
{
    posix_spawn_file_actions_t actions;
    char complaints[4096];
    int status = 0, failed;
    pid_t process;

    if (command->full)
        return ft_fail(error, FT_NO_MEMORY, 0, "too many files");
    snprintf(complaints, sizeof complaints, "%s.err", output);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_addopen(&actions, 2, complaints, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    failed = posix_spawnp(&process, command->arg[0], &actions, NULL, command->arg, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return ft_fail(error, FT_USAGE, 0, "%s: %s (Debian's package llvm has it)", command->arg[0],
                       strerror(failed));
    while (waitpid(process, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return ft_fail(error, FT_INTERNAL, 0, "%s failed with status %d", command->arg[0],
                       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) + 128);
    return FT_OK;
}

/* ---- llvm-profdata, llvm-cov ---- */

static enum ft_status merge_profiles(const char *folder, const char *merged, struct ft_error *error)
{
    struct command command = {.count = 0};
    DIR *entries = opendir(folder);
    enum ft_status status;
    char path[4096];
    const struct dirent *entry;

    if (!entries)
        return ft_fail(error, FT_IO, 0, "%.150s: %s", folder, strerror(errno));
    add_arg(&command, "llvm-profdata");
    add_arg(&command, "merge");
    add_arg(&command, "-sparse");
    add_arg(&command, "-o");
    add_arg(&command, merged);
    while ((entry = readdir(entries)) != NULL) {
        const char *end = strrchr(entry->d_name, '.');

        if (!end || strcmp(end, ".profraw") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        add_arg(&command, path);
    }
    closedir(entries);
    snprintf(path, sizeof path, "%s/profdata.log", folder);
    status = run_tool(&command, path, error);
    forget(&command);
    return status;
}

/* llvm-cov's arguments up to the sources: what, how, with which counters, of which program. */
static void cov_command(struct command *command, const char *what, const char *format,
                        const char *merged)
{
    char text[4096 + 32], self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    self[length > 0 ? length : 0] = '\0';
    add_arg(command, "llvm-cov");
    add_arg(command, what);
    snprintf(text, sizeof text, "-format=%s", format);
    add_arg(command, text);
    snprintf(text, sizeof text, "-instr-profile=%s", merged);
    add_arg(command, text);
    add_arg(command, self);
}

/* ---- lcov's format ---- */

/* A file while it is read: every line of it that has code. */
struct reading {
    struct ft_source_file *file;
    struct {
        unsigned line;
        bool reached;
    } * code;
    size_t code_count;
};

/* Room for one more of a growing array, which doubles at powers of two; NULL: no memory. */
static void *grow(void *array, size_t count, size_t each)
{
    if (count & (count - 1))
        return array;
    return reallocarray(array, count ? count * 2 : 1, each);
}

static struct ft_source_file *add_source(struct ft_lines *lines, const char *path)
{
    struct ft_source_file *more = grow(lines->file, lines->count, sizeof *more);

    if (!more)
        return NULL;
    lines->file = more;
    more[lines->count] = (struct ft_source_file){.path = strdup(path)};
    return &more[lines->count++];
}

/* clang names a static function "file.c:Function". */
static const char *plain_name(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon ? colon + 1 : name;
}

static bool add_function(struct ft_source_file *file, unsigned line, const char *name)
{
    struct ft_source_function *more = grow(file->function, file->function_count, sizeof *more);

    if (!more)
        return false;
    file->function = more;
    more[file->function_count++] =
        (struct ft_source_function){.name = strdup(plain_name(name)), .line = line};
    return true;
}

/* A function of a header is told once for each source that has it. */
static void reach_function(struct ft_source_file *file, const char *name)
{
    for (size_t i = 0; i < file->function_count; i++)
        if (!file->function[i].reached && strcmp(file->function[i].name, plain_name(name)) == 0) {
            file->function[i].reached = true;
            return;
        }
}

static bool add_code(struct reading *reading, unsigned line, bool reached)
{
    void *more = grow(reading->code, reading->code_count, sizeof *reading->code);

    if (!more)
        return false;
    reading->code = more;
    reading->code[reading->code_count].line = line;
    reading->code[reading->code_count++].reached = reached;
    return true;
}

static bool add_range(struct ft_source_file *file, unsigned line)
{
    struct ft_source_range *more = grow(file->range, file->range_count, sizeof *more);

    if (!more)
        return false;
    file->range = more;
    more[file->range_count] = (struct ft_source_range){.first = line, .last = line};
    for (size_t i = 0; i < file->function_count; i++)
        if (file->function[i].line <= line)
            more[file->range_count].function = file->function[i].name;
    file->range_count++;
    return true;
}

static int by_line(const void *a, const void *b)
{
    const struct ft_source_function *one = a, *other = b;

    return one->line < other->line ? -1 : one->line > other->line;
}

/* One entry for a function that several sources have from a header. */
static void unite_functions(struct ft_source_file *file)
{
    size_t kept = 0;

    qsort(file->function, file->function_count, sizeof *file->function, by_line);
    for (size_t i = 0; i < file->function_count; i++) {
        struct ft_source_function *last = kept ? &file->function[kept - 1] : NULL;

        if (last && last->line == file->function[i].line) {
            last->reached = last->reached || file->function[i].reached;
            free(file->function[i].name);
        } else {
            file->function[kept++] = file->function[i];
        }
    }
    file->function_count = kept;
    for (size_t i = 0; i < kept; i++)
        file->functions_reached += file->function[i].reached;
}

static bool finish_file(struct reading *reading)
{
    struct ft_source_file *file = reading->file;
    bool open = false;

    unite_functions(file);
    for (size_t i = 0; i < reading->code_count; i++) {
        bool reached = reading->code[i].reached;

        file->lines++;
        file->reached += reached;
        if (!reached && !open && !add_range(file, reading->code[i].line))
            return false;
        if (!reached)
            file->range[file->range_count - 1].last = reading->code[i].line;
        open = !reached;
    }
    free(reading->code);
    *reading = (struct reading){.file = NULL};
    return true;
}

/* One line of the file; false: no memory. Lines of other kinds (branches, sums) say nothing new. */
static bool take_line(struct ft_lines *lines, struct reading *reading, char *line)
{
    unsigned at = 0;
    unsigned long long count = 0;
    int name = 0;

    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "SF:", 3) == 0) {
        reading->file = add_source(lines, line + 3);
        return reading->file && reading->file->path;
    }
    if (!reading->file)
        return true;
    if (sscanf(line, "FN:%u,%n", &at, &name) == 1 && name)
        return add_function(reading->file, at, line + name);
    if (sscanf(line, "FNDA:%llu,%n", &count, &name) == 1 && name && count)
        reach_function(reading->file, line + name);
    else if (sscanf(line, "DA:%u,%llu", &at, &count) == 2)
        return add_code(reading, at, count != 0);
    else if (strcmp(line, "end_of_record") == 0)
        return finish_file(reading);
    return true;
}

static enum ft_status read_lcov(const char *path, struct ft_lines *ret, struct ft_error *error)
{
    struct reading reading = {.file = NULL};
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0;
    bool good = true;

    if (!file)
        return ft_fail(error, FT_IO, 0, "%.150s: %s", path, strerror(errno));
    while (good && getline(&line, &capacity, file) > 0)
        good = take_line(ret, &reading, line);
    free(reading.code);
    free(line);
    fclose(file);
    return good ? FT_OK : ft_fail(error, FT_NO_MEMORY, 0, "no memory for the lines");
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct ft_source_file *)a)->path,
                  ((const struct ft_source_file *)b)->path);
}

/* ---- ---- */

static enum ft_status ask(const struct ft_module *module, const char *what, const char *format,
                          const char *merged, const char *output, const char *html,
                          struct ft_error *error)
{
    char source[SOURCES_MAX][FT_SOURCE_MAX], text[4096 + 32];
    size_t count = ft_module_sources(module, source, SOURCES_MAX);
    struct command command = {.count = 0};
    enum ft_status status;

    cov_command(&command, what, format, merged);
    if (html) {
        snprintf(text, sizeof text, "-output-dir=%s", html);
        add_arg(&command, text);
    }
    for (size_t i = 0; i < count; i++)
        add_arg(&command, source[i]);
    status = count ? run_tool(&command, output, error)
                   : ft_fail(error, FT_INTERNAL, 0, "no source of %s is known", module->core);
    forget(&command);
    return status;
}

enum ft_status ft_lines_measure(const struct ft_module *module, const char *folder,
                                const char *html, struct ft_lines *ret, struct ft_error *error)
{
    char merged[4096], lcov[4096];
    enum ft_status status;

    *ret = (struct ft_lines){.count = 0};
    snprintf(merged, sizeof merged, "%s/all.profdata", folder);
    snprintf(lcov, sizeof lcov, "%s/lines", folder);
    status = merge_profiles(folder, merged, error);
    if (status == FT_OK)
        status = ask(module, "export", "lcov", merged, lcov, NULL, error);
    if (status == FT_OK)
        status = read_lcov(lcov, ret, error);
    if (status == FT_OK && html)
        status = ask(module, "show", "html", merged, lcov, html, error);
    if (status != FT_OK) {
        ft_lines_free(ret);
        return status;
    }
    qsort(ret->file, ret->count, sizeof *ret->file, by_path);
    return FT_OK;
}

void ft_lines_free(struct ft_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        struct ft_source_file *file = &lines->file[i];

        for (size_t k = 0; k < file->function_count; k++)
            free(file->function[k].name);
        free(file->function);
        free(file->range);
        free(file->path);
    }
    free(lines->file);
    lines->file = NULL;
    lines->count = 0;
}
