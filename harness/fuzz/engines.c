/* The two engines as processes. Their own flags pass through; what a campaign needs is set here. */
#define _GNU_SOURCE
#include "fuzz/campaign.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { ARGS_MAX = 64, TEXT_MAX = 1024, INPUT_BYTES_MAX = 512 };

struct command {
    char *arg[ARGS_MAX + 1];
    unsigned count;
};

const char *ft_engine_name(enum ft_engine engine)
{
    return engine == FT_ENGINE_AFL ? "afl" : "libfuzzer";
}

void ft_engine_log(const struct ft_campaign *campaign, unsigned job, char *path, size_t capacity)
{
    snprintf(path, capacity, "%s/log/%s-%u.log", campaign->folder, ft_engine_name(campaign->engine),
             job);
}

__attribute__((format(printf, 2, 3))) static void add(struct command *command, const char *format,
                                                      ...)
{
    va_list args;

    if (command->count == ARGS_MAX)
        abort();
    va_start(args, format);
    if (vasprintf(&command->arg[command->count++], format, args) < 0)
        abort();
    va_end(args);
}

/* Where the target counts its runs: the engines' own figures come late and differ in meaning. */
static void counter_path(const struct ft_campaign *campaign, unsigned job, char *path,
                         size_t capacity)
{
    snprintf(path, capacity, "%s/log/%s-%u.runs", campaign->folder,
             ft_engine_name(campaign->engine), job);
}

static void add_target_arguments(const struct ft_campaign *campaign, unsigned job,
                                 struct command *command)
{
    char counter[TEXT_MAX];

    counter_path(campaign, job, counter, sizeof counter);
    unlink(counter);
    add(command, "--ft-counter=%s", counter);
    add(command, "--ft-mutant=%s", campaign->module->mutant);
    add(command, "--ft-findings=%s/pending", campaign->folder);
    if (campaign->platform)
        add(command, "--ft-platform=%s", campaign->platform);
    if (campaign->bytes_only)
        add(command, "--ft-mutation=bytes");
}

static void libfuzzer_command(const struct ft_campaign *campaign, unsigned job,
                              struct command *command)
{
    add(command, "%s/flushtrace-fuzz-%s", campaign->programs, campaign->module->core);
    add_target_arguments(campaign, job, command);
    add(command, "-seed=%llu", (unsigned long long)campaign->seed + job);
    add(command, "-max_total_time=%u", campaign->seconds + 5);
    add(command, "-max_len=%d", INPUT_BYTES_MAX);
    /* Bytes grow slowly, as they do best; whole ops need no such help, and lose hundreds of runs. */
    add(command, "-len_control=%d", campaign->bytes_only ? 20 : 0);
    add(command, "-reduce_inputs=0");
    add(command, "-reload=%d", campaign->jobs > 1 ? 1 : 0);
    add(command, "-rss_limit_mb=0");
    add(command, "-timeout=30");
    add(command, "-artifact_prefix=%s/log/", campaign->folder);
    for (char **passed = campaign->passed; passed && *passed; passed++)
        add(command, "%s", *passed);
    add(command, "%s/corpus", campaign->folder);
}

static void afl_command(const struct ft_campaign *campaign, unsigned job, struct command *command)
{
    add(command, "afl-fuzz");
    add(command, "-i");
    add(command, "%s/corpus", campaign->folder);
    add(command, "-o");
    add(command, "%s/afl", campaign->folder);
    add(command, job == 0 ? "-M" : "-S");
    add(command, "job%u", job);
    add(command, "-s");
    add(command, "%llu", (unsigned long long)campaign->seed + job);
    add(command, "-V");
    add(command, "%u", campaign->seconds + 5);
    add(command, "-t");
    add(command, "5000");
    add(command, "-G");
    add(command, "%d", INPUT_BYTES_MAX);
    for (char **passed = campaign->passed; passed && *passed; passed++)
        add(command, "%s", *passed);
    add(command, "--");
    add(command, "%s/flushtrace-afl-%s", campaign->programs, campaign->module->core);
    add_target_arguments(campaign, job, command);
}

static void set_afl_environment(const struct ft_campaign *campaign)
{
    char library[TEXT_MAX];

    setenv("AFL_SKIP_CPUFREQ", "1", 0);
    setenv("AFL_NO_AFFINITY", "1", 0);
    setenv("AFL_NO_UI", "1", 0);
    setenv("AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "1", 0);
    setenv("AFL_AUTORESUME", "1", 0);
    snprintf(library, sizeof library, "%s/flushtrace-afl-mutator.so", campaign->programs);
    if (!campaign->bytes_only)
        setenv("AFL_CUSTOM_MUTATOR_LIBRARY", library, 0);
}

static _Noreturn void become(const struct ft_campaign *campaign, unsigned job,
                             struct command *command)
{
    char log[TEXT_MAX];
    int file;

    ft_engine_log(campaign, job, log, sizeof log);
    file = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    /* A campaign that is killed takes its engines along. A terminal's Ctrl-C is for the campaign,
     * which stops them in order. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setpgid(0, 0);
    if (file < 0 || dup2(file, 1) < 0 || dup2(file, 2) < 0)
        _exit(126);
    unsetenv("ASAN_OPTIONS");
    unsetenv("UBSAN_OPTIONS");
    if (campaign->engine == FT_ENGINE_AFL)
        set_afl_environment(campaign);
    execvp(command->arg[0], command->arg);
    fprintf(stderr, "cannot start %s: %s\n", command->arg[0], strerror(errno));
    _exit(127);
}

enum ft_status ft_engine_start(struct ft_campaign *campaign, unsigned job, struct ft_error *error)
{
    struct command command = {.count = 0};

    if (campaign->engine == FT_ENGINE_AFL)
        afl_command(campaign, job, &command);
    else
        libfuzzer_command(campaign, job, &command);
    fflush(NULL);
    campaign->job[job] = fork();
    if (campaign->job[job] == 0)
        become(campaign, job, &command);
    for (unsigned i = 0; i < command.count; i++)
        free(command.arg[i]);
    if (campaign->job[job] < 0)
        return ft_fail(error, FT_IO, 0, "cannot start the engine: %s", strerror(errno));
    return FT_OK;
}

uint64_t ft_engine_executions(const struct ft_campaign *campaign, unsigned job)
{
    char path[TEXT_MAX];
    uint64_t runs = 0;
    FILE *file;

    counter_path(campaign, job, path, sizeof path);
    file = fopen(path, "rb");
    if (!file)
        return 0;
    if (fread(&runs, sizeof runs, 1, file) != 1)
        runs = 0;
    fclose(file);
    return runs;
}
