/* The inputs of a coverage run, from traces, scenario files and engines' corpora. */
#define _GNU_SOURCE
#include "coverage/coverage.h"
#include "scenario/scenario_codec.h"
#include "trace/trace.h"

#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    OPEN_FOLDERS = 16,
    FILE_MAX = 1 << 16,
    INPUTS_MAX = 1 << 20,
    SHA1_DIGITS = 40,
    XXH128_DIGITS = 32
};

/* nftw has no way to pass it. */
static struct {
    struct ft_inputs *inputs;
    const char *core;
    bool failed;
} walk;

static struct ft_scenario *new_input(struct ft_inputs *inputs)
{
    if (inputs->count == inputs->capacity) {
        size_t capacity = inputs->capacity * 2 + 256;
        struct ft_scenario *more =
            capacity > INPUTS_MAX ? NULL : realloc(inputs->scenario, capacity * sizeof *more);

        if (!more) {
            walk.failed = true;
            return NULL;
        }
        inputs->scenario = more;
        inputs->capacity = capacity;
    }
    return &inputs->scenario[inputs->count++];
}

static void add_trace(struct ft_inputs *inputs, const char *path)
{
    struct ft_scenario *scenario;
    struct ft_trace trace;

    if (ft_trace_read(path, &trace, NULL) != FT_OK) {
        inputs->unreadable++;
        return;
    }
    if (strcmp(trace.core, walk.core) != 0) {
        inputs->foreign++;
    } else if ((scenario = new_input(inputs)) != NULL) {
        *scenario = trace.scenario;
        inputs->traces++;
    }
    ft_trace_free(&trace);
}

static size_t read_small(const char *path, void *bytes)
{
    FILE *file = fopen(path, "rbe");
    size_t length = file ? fread(bytes, 1, FILE_MAX, file) : FILE_MAX;

    if (file)
        fclose(file);
    return length;
}

static void add_file(struct ft_inputs *inputs, const char *path, bool text)
{
    static char bytes[FILE_MAX];
    size_t length = read_small(path, bytes);
    struct ft_scenario scenario = {.op_count = 0}, *added;

    if (length == FILE_MAX) {
        inputs->unreadable++;
        return;
    }
    if (!text) {
        ft_scenario_decode((const uint8_t *)bytes, length, &scenario);
    } else if (ft_scenario_parse(bytes, length, &scenario, NULL) != FT_OK) {
        inputs->unreadable++;
        return;
    }
    added = new_input(inputs);
    if (!added)
        return;
    *added = scenario;
    inputs->texts += text;
    inputs->engine += !text;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), wanted = strlen(end);

    return length > wanted && strcmp(text + length - wanted, end) == 0;
}

/* libFuzzer names an input by its SHA-1, a campaign what it took over from AFL++ by a hash of its
 * own, AFL++ by a number: "id:000001,src:…". */
static bool is_engine_name(const char *name)
{
    size_t length = strspn(name, "0123456789abcdef");

    return ((length == SHA1_DIGITS || length == XXH128_DIGITS) && name[length] == '\0') ||
           (strncmp(name, "id:", 3) == 0 && isdigit((unsigned char)name[3]));
}

static int visit(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    if (kind == FTW_F && ends_with(path, ".ftr"))
        add_trace(walk.inputs, path);
    else if (kind == FTW_F && (ends_with(path, ".fts") || is_engine_name(path + where->base)))
        add_file(walk.inputs, path, ends_with(path, ".fts"));
    return walk.failed;
}

enum ft_status ft_inputs_add(struct ft_inputs *inputs, const char *path, const char *core,
                             struct ft_error *error)
{
    struct stat facts;

    walk.inputs = inputs;
    walk.core = core;
    walk.failed = false;
    if (stat(path, &facts) != 0)
        return ft_fail(error, FT_NO_FILE, 0, "%.150s: %s", path, strerror(errno));
    if (!S_ISDIR(facts.st_mode)) {
        if (ends_with(path, ".ftr"))
            add_trace(inputs, path);
        else
            add_file(inputs, path, ends_with(path, ".fts"));
    } else if (nftw(path, visit, OPEN_FOLDERS, FTW_PHYS) < 0) {
        return ft_fail(error, FT_NO_FILE, 0, "%.150s: %s", path, strerror(errno));
    }
    return walk.failed ? ft_fail(error, FT_NO_MEMORY, 0, "too many inputs") : FT_OK;
}

void ft_inputs_free(struct ft_inputs *inputs)
{
    free(inputs->scenario);
    *inputs = (struct ft_inputs){.scenario = NULL};
}
