/* What a verb works on: modules, traces, scenarios. */
#include "cli/cli.h"
#include "corpus/trace_list.h"
#include "report/trace_facts.h"
#include "scenario/scenario_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_LABEL = 1, SCENARIO_FILE_MAX = 1 << 20 };

/* Names that could have been meant: cores, or the mutants of a core. As many as fit. */
static void list_names(const char *core, char *names, size_t capacity)
{
    size_t length = 0;

    snprintf(names, capacity, "none");
    for (size_t i = 0; i < ft_module_count(); i++) {
        const struct ft_module *module = ft_module_at(i);
        const char *name = core != NULL ? module->mutant : module->core;
        bool wanted = core != NULL ? strcmp(module->core, core) == 0 && name[0] != '\0'
                                   : module->mutant[0] == '\0';

        if (!wanted) {
            continue;
        }
        if (length + strlen(name) + 8 > capacity) {
            snprintf(names + length, capacity - length, ", ...");
            return;
        }
        length += (size_t)snprintf(names + length, capacity - length, "%s%s",
                                   length != 0 ? ", " : "", name);
    }
}

/* A core or mutant that is not there: says which there are. */
static void no_module(const char *core, const char *mutant, struct ft_error *error)
{
    bool core_known = ft_module_find(core, "") != NULL;
    char names[120];

    list_names(core_known ? core : NULL, names, sizeof(names));
    if (core_known) {
        ft_fail(error, FT_NO_DRIVER, 0, "%.40s has no mutant %.40s (it has: %s)", core, mutant,
                names);
    } else {
        ft_fail(error, FT_NO_DRIVER, 0, "no driver %.60s (there are: %s)", core, names);
    }
}

enum ft_status ft_cli_module(const char *driver, const char *mutant, const struct ft_module **ret,
                             struct ft_error *error)
{
    const char *plus = strchr(driver, '/') == NULL ? strchr(driver, '+') : NULL;
    char core[64];

    mutant = strcmp(mutant, "none") == 0 ? "" : mutant;
    if (plus != NULL && mutant[0] == '\0') { /* DRIVER+MUTANT, as fuzz takes it */
        snprintf(core, sizeof(core), "%.*s", (int)(plus - driver), driver);
        driver = core;
        mutant = plus + 1;
    }
    if (strchr(driver, '/') != NULL) {
        enum ft_status status = ft_module_load(driver, ret, error);

        if (status == FT_OK && mutant[0] != '\0' && strcmp((*ret)->mutant, mutant) != 0) {
            return ft_fail(error, FT_USAGE, 0, "a module from a path is one driver; no --mutant");
        }
        return status;
    }
    *ret = ft_module_find(driver, mutant);
    if (*ret == NULL) {
        no_module(driver, mutant, error);
        return FT_NO_DRIVER;
    }
    return FT_OK;
}

enum ft_status ft_cli_trace_module(const struct ft_cli *cli, const struct ft_trace *trace,
                                   const struct ft_module **ret, bool *other,
                                   struct ft_error *error)
{
    const char *driver = cli->driver != NULL ? cli->driver : trace->core;
    const char *mutant = trace->mutant;
    enum ft_status status;

    /* A name in a trace is never a path to load code from. */
    if (cli->driver == NULL && strchr(driver, '/') != NULL) {
        return ft_fail(error, FT_NO_DRIVER, 0, "the trace names no driver; see --driver");
    }
    if (cli->mutant != NULL || strchr(driver, '/') != NULL) {
        mutant = cli->mutant != NULL ? cli->mutant : "none";
    }
    status = ft_cli_module(driver, mutant, ret, error);
    if (status == FT_NO_DRIVER && cli->driver == NULL && ft_module_find(driver, "") == NULL) {
        return ft_fail(error, FT_NO_DRIVER, 0,
                       "this program has no driver %.60s; name its module with --driver PATH",
                       driver);
    }
    if (status == FT_OK) {
        *other =
            strcmp((*ret)->core, trace->core) != 0 || strcmp((*ret)->mutant, trace->mutant) != 0;
    }
    return status;
}

int ft_cli_platform(const char *name)
{
    for (unsigned i = 0; i < FT_PLATFORM_COUNT; i++) {
        if (strcmp(name, ft_platform_preset_name(i)) == 0) {
            return (int)i;
        }
    }
    return -1;
}

enum ft_status ft_cli_read_trace(const char *path, struct ft_trace *ret, struct ft_error *error)
{
    enum ft_status status = ft_trace_read_any(path, 0, ret, error);

    if (status == FT_IO) {
        /* A path that cannot be read, a folder for one, is bad input and not our failure. */
        error->status = FT_NO_FILE;
        return FT_NO_FILE;
    }
    if (status != FT_OK) {
        return status;
    }
    ft_trace_clean_texts(ret);
    /* What is there can be judged, though not for how the run ended. */
    if (!ret->complete && !ft_judge_trace(ret, false, &ret->verdict)) {
        ft_trace_free(ret);
        return ft_fail(error, FT_NO_MEMORY, 0, "no memory to judge the trace");
    }
    return FT_OK;
}

enum ft_status ft_cli_check_output(const char *path, struct ft_error *error)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) : 0;
    char folder[4096];
    struct stat facts;

    if (path[0] == '\0' || length >= sizeof(folder)) {
        return ft_fail(error, FT_USAGE, 0, "not the name of a file");
    }
    snprintf(folder, sizeof(folder), "%.*s", (int)length, path);
    if (access(slash == NULL ? "." : length == 0 ? "/" : folder, W_OK | X_OK) != 0) {
        return ft_fail(error, FT_USAGE, 0, "cannot write there: %s", strerror(errno));
    }
    if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode)) {
        return ft_fail(error, FT_USAGE, 0, "cannot write there: %s", strerror(EISDIR));
    }
    return FT_OK;
}

static bool is_engine_input(const char *path)
{
    const char *suffix = strrchr(path, '.');

    return suffix != NULL && strcmp(suffix, ".bytes") == 0;
}

enum ft_status ft_cli_read_scenario(const char *path, struct ft_scenario *ret,
                                    struct ft_error *error)
{
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? malloc(SCENARIO_FILE_MAX + 1) : NULL;
    enum ft_status status;
    size_t length;

    if (file == NULL) {
        return ft_fail(error, FT_NO_FILE, 0, "%s: %s", path, strerror(errno));
    }
    if (text == NULL) {
        fclose(file);
        return ft_fail(error, FT_NO_MEMORY, 0, "%s: no memory", path);
    }
    length = fread(text, 1, SCENARIO_FILE_MAX + 1, file);
    if (ferror(file) != 0) {
        status = ft_fail(error, FT_NO_FILE, 0, "%s: %s", path, strerror(errno));
    } else if (length > SCENARIO_FILE_MAX) {
        status = ft_fail(error, FT_TOO_LARGE, length, "more than a scenario of 64 ops can need");
    } else if (is_engine_input(path)) {
        ft_scenario_decode((const uint8_t *)text, length, ret); /* any bytes are a scenario */
        status = FT_OK;
    } else {
        status = ft_scenario_parse(text, length, ret, error);
        if (status != FT_OK) {
            error->status = FT_SYNTAX; /* whatever is wrong with it, the offset is a line */
        }
    }
    free(text);
    fclose(file);
    return status;
}

static void add_request(struct ft_scenario *scenario, enum ft_op_kind kind, uint32_t length,
                        uint32_t offset, uint32_t most)
{
    struct ft_op *op = &scenario->op[scenario->op_count];

    length = most != 0 && length > most ? most : length;
    *op = (struct ft_op){.kind = (uint8_t)kind,
                         .label = (uint8_t)(FIRST_LABEL + scenario->op_count),
                         .arg = {(uint16_t)length, (uint16_t)offset}};
    scenario->op_count++;
}

static void add_second(struct ft_scenario *scenario)
{
    unsigned count = scenario->op_count;

    for (unsigned i = 0; i < count; i++) {
        struct ft_op *op = &scenario->op[scenario->op_count];

        *op = scenario->op[i];
        op->label = (uint8_t)(FIRST_LABEL + scenario->op_count);
        op->device = 1;
        scenario->op_count++;
    }
}

/* Two reads and a write for each device, as far as the driver takes them; nothing disturbs it. */
static void default_scenario(const struct ft_description *description, struct ft_scenario *ret)
{
    uint32_t most = description->request_bytes_max;

    memset(ret, 0, sizeof(*ret));
    ft_platform_preset(FT_PLATFORM_COHERENT, &ret->platform);
    if ((description->requests & FT_TAKES_READ) != 0) {
        add_request(ret, FT_OP_READ, 4096, 0, most);
        add_request(ret, FT_OP_READ, 12288, 512, most);
    }
    if ((description->requests & FT_TAKES_WRITE) != 0) {
        add_request(ret, FT_OP_WRITE, 8192, 0, most);
    }
    if ((description->requests & FT_TAKES_BLOCKS) != 0) {
        add_request(ret, FT_OP_DISK_READ, 8, 0, 0);
        add_request(ret, FT_OP_DISK_WRITE, 16, 4, 0);
        add_request(ret, FT_OP_DISK_READ, 24, 0, 0);
    }
    if (description->devices > 1) {
        add_second(ret);
    }
}

static bool has_label(const struct ft_scenario *scenario, unsigned label)
{
    bool found = label == 0;

    for (unsigned i = 0; i < scenario->op_count && !found; i++) {
        found = scenario->op[i].label == label;
    }
    return found;
}

/* Legal, as any bytes are; in a text that a person wrote it is a typing error. */
static void note_labels(const struct ft_cli *cli, const struct ft_scenario *scenario)
{
    for (unsigned i = 0; i < scenario->op_count; i++) {
        const struct ft_op *op = &scenario->op[i];
        bool of = strncmp(ft_op_row(op->kind)->args, "of:", 3) == 0;

        if (!has_label(scenario, op->moment.target) || (of && !has_label(scenario, op->arg[0]))) {
            ft_cli_note(cli, "%s: op %u (%s) names a label that no op has", cli->scenario, i + 1,
                        ft_op_row(op->kind)->name);
        }
    }
}

int ft_cli_scenario(const struct ft_cli *cli, const struct ft_module *module,
                    struct ft_scenario *ret)
{
    int platform = cli->platform != NULL ? ft_cli_platform(cli->platform) : -1;
    struct ft_error error = {0};

    if (cli->platform != NULL && platform < 0) {
        return ft_cli_refuse(cli, FT_USAGE,
                             "no platform %.60s: coherent, bounce, noncoherent or iommu",
                             cli->platform);
    }
    if (cli->scenario != NULL && cli->seed_given) {
        return ft_cli_refuse(cli, FT_USAGE, "--scenario and --seed: which one?");
    }
    if (cli->scenario != NULL) {
        if (ft_cli_read_scenario(cli->scenario, ret, &error) != FT_OK) {
            return ft_cli_fail(cli, &error, cli->scenario);
        }
        note_labels(cli, ret);
    } else if (cli->seed_given) {
        ft_scenario_random_for(cli->seed, platform, ft_takes(module->description), ret);
    } else {
        default_scenario(module->description, ret);
    }
    if (platform >= 0) {
        ft_platform_change((enum ft_platform_name)platform, &ret->platform);
    }
    return FT_EXIT_OK;
}
