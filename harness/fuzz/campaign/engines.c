/* The two engines as processes. Their own flags and AFL_* variables pass through; what a campaign
 * needs is set here. */
#define _GNU_SOURCE
#include "fuzz/campaign/campaign_private.h"
#include "fuzz/target_mutator.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARGS_MAX = 96, SPARE_SECONDS = 5, SEEDS_A_RESTART = 1000 };

struct command {
    char *arg[ARGS_MAX + 1];
    unsigned count;
};

const char *ft_engine_name(enum ft_engine engine)
{
    return engine == FT_ENGINE_AFL ? "afl" : "libfuzzer";
}

__attribute__((format(printf, 2, 3))) static void add(struct command *command, const char *format,
                                                      ...)
{
    va_list args;

    if (command->count == ARGS_MAX) {
        fprintf(stderr, "flushtrace fuzz: too many flags for an engine\n");
        exit(3);
    }
    va_start(args, format);
    if (vasprintf(&command->arg[command->count++], format, args) < 0)
        abort();
    va_end(args);
}

void ft_engine_program(const struct ft_subject *subject, enum ft_engine engine, char *path)
{
    ft_path(path, "%s/flushtrace-%s-%s", subject->programs,
            engine == FT_ENGINE_AFL ? "afl" : "fuzz", subject->module->core);
}

static void add_target_arguments(const struct ft_campaign *campaign, const struct ft_job *job,
                                 struct command *command)
{
    char counter[FT_PATH_BYTES];

    ft_job_counter_path(job, counter);
    add(command, "--ft-counter=%s", counter);
    add(command, "--ft-mutant=%s", job->subject->module->mutant);
    add(command, "--ft-findings=%s/pending", job->subject->folder);
    if (campaign->platform)
        add(command, "--ft-platform=%s", campaign->platform);
    if (campaign->keep_going)
        add(command, "--ft-keep-going");
    if (campaign->bytes_only)
        add(command, "--ft-mutation=bytes");
    else
        add(command, "--ft-catalogue=%s/catalogue", job->subject->folder);
}

static void add_passed(const struct ft_campaign *campaign, const struct ft_job *job,
                       struct command *command)
{
    for (char **passed = campaign->passed[job->engine]; passed && *passed; passed++)
        add(command, "%s", *passed);
}

/* An engine that loses sight of us ends by itself soon after the campaign would have. */
static unsigned seconds_left(const struct ft_campaign *campaign)
{
    double left = campaign->start + campaign->seconds - ft_campaign_now();

    return (unsigned)(left > 0 ? left : 0) + SPARE_SECONDS;
}

static unsigned long long seed_of(const struct ft_campaign *campaign, const struct ft_job *job)
{
    return campaign->seed + (unsigned long long)(job - campaign->job) +
           (unsigned long long)job->restarts * SEEDS_A_RESTART;
}

static void libfuzzer_command(const struct ft_campaign *campaign, const struct ft_job *job,
                              const char *program, struct command *command)
{
    const char *folder = job->subject->folder;

    add(command, "%s", program);
    add_target_arguments(campaign, job, command);
    add(command, "-seed=%llu", seed_of(campaign, job));
    add(command, "-max_total_time=%u", seconds_left(campaign));
    add(command, "-max_len=%d", FT_INPUT_BYTES_MAX);
    /* Bytes grow slowly, as they do best; whole ops need no such help, and lose hundreds of runs.
     */
    add(command, "-len_control=%d", campaign->bytes_only ? 20 : 0);
    add(command, "-reduce_inputs=0");
    add(command, "-reload=1");
    add(command, "-rss_limit_mb=0");
    add(command, "-timeout=30");
    add(command, "-print_funcs=0");
    add(command, "-artifact_prefix=%s/log/", folder);
    add_passed(campaign, job, command);
    add(command, "%s/corpus", folder);
}

static void afl_command(const struct ft_campaign *campaign, const struct ft_job *job,
                        const char *program, struct command *command)
{
    const char *folder = job->subject->folder;

    add(command, "afl-fuzz");
    add(command, "-i");
    add(command, "%s/corpus", folder);
    add(command, "-o");
    add(command, "%s/afl", folder);
    add(command, job->number == 0 ? "-M" : "-S");
    add(command, "%s", ft_job_name(job));
    if (job->number == 0) {
        add(command, "-F");
        add(command, "%s/corpus", folder);
    }
    add(command, "-s");
    add(command, "%llu", seed_of(campaign, job));
    add(command, "-V");
    add(command, "%u", seconds_left(campaign));
    add(command, "-t");
    add(command, "5000");
    add(command, "-G");
    add(command, "%d", FT_INPUT_BYTES_MAX);
    add_passed(campaign, job, command);
    add(command, "--");
    add(command, "%s", program);
    add_target_arguments(campaign, job, command);
}

static void set_afl_environment(const struct ft_campaign *campaign, const struct ft_job *job)
{
    char text[FT_PATH_BYTES];

    setenv("AFL_SKIP_CPUFREQ", "1", 0);
    setenv("AFL_NO_AFFINITY", "1", 0);
    setenv("AFL_NO_UI", "1", 0);
    setenv("AFL_NO_COLOR", "1", 0);
    setenv("AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "1", 0);
    setenv("AFL_AUTORESUME", "1", 0);
    setenv("AFL_SYNC_TIME", "1", 0);
    ft_path(text, "%s/corpus", job->subject->folder);
    setenv("FLUSHTRACE_SHARED_CORPUS", text, 1);
    ft_path(text, "%s/catalogue", job->subject->folder);
    setenv(FT_CATALOGUE_VARIABLE, text, 1);
    ft_path(text, "%s/flushtrace-afl-mutator.so", campaign->programs);
    if (!campaign->bytes_only)
        setenv("AFL_CUSTOM_MUTATOR_LIBRARY", text, 0);
}

static bool has_entries(const char *job_folder, const char *part)
{
    char path[FT_PATH_BYTES];
    struct dirent *entry;
    bool found = false;
    DIR *folder;

    ft_path(path, "%s/%s", job_folder, part);
    folder = opendir(path);
    while (folder && (entry = readdir(folder)))
        found |= strncmp(entry->d_name, "id", 2) == 0;
    if (folder)
        closedir(folder);
    return found;
}

/* AFL++ cannot go on from a folder without an entry: one of a campaign that was killed before the
 * first was written. It is put out of the way, and the job begins again from the shared corpus. */
static void set_torn_folder_aside(const struct ft_campaign *campaign, const struct ft_job *job)
{
    char folder[FT_PATH_BYTES], aside[FT_PATH_BYTES];

    ft_path(folder, "%s/afl/%s", job->subject->folder, ft_job_name(job));
    if (access(folder, F_OK) != 0 || has_entries(folder, "queue") || has_entries(folder, "_resume"))
        return;
    ft_path(aside, "%s/log/%s.torn-%lld", job->subject->folder, ft_job_name(job),
            (long long)getpid() * SEEDS_A_RESTART + job->restarts);
    if (rename(folder, aside) == 0)
        ft_note(campaign, "%s has no queue to go on from; it is called %s now", folder, aside);
}

static _Noreturn void become(const struct ft_campaign *campaign, const struct ft_job *job,
                             struct command *command)
{
    char log[FT_PATH_BYTES];
    int nothing = open("/dev/null", O_RDONLY);
    int file;

    ft_job_log_path(job, log);
    file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    /* A campaign that is killed takes its engines along. A terminal's Ctrl-C is for the campaign,
     * which stops them in order. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setpgid(0, 0);
    if (nothing < 0 || file < 0 || dup2(nothing, 0) < 0 || dup2(file, 1) < 0 || dup2(file, 2) < 0)
        _exit(126);
    unsetenv("ASAN_OPTIONS");
    unsetenv("UBSAN_OPTIONS");
    if (job->engine == FT_ENGINE_AFL)
        set_afl_environment(campaign, job);
    execvp(command->arg[0], command->arg);
    fprintf(stderr, "cannot start %s: %s\n", command->arg[0], strerror(errno));
    _exit(127);
}

enum ft_status ft_engine_start(const struct ft_campaign *campaign, struct ft_job *job,
                               struct ft_error *error)
{
    struct command command = {.count = 0};
    char program[FT_PATH_BYTES];

    ft_engine_program(job->subject, job->engine, program);
    if (job->engine == FT_ENGINE_AFL) {
        set_torn_folder_aside(campaign, job);
        afl_command(campaign, job, program, &command);
    } else {
        libfuzzer_command(campaign, job, program, &command);
    }
    fflush(NULL);
    job->pid = fork();
    if (job->pid == 0)
        become(campaign, job, &command);
    for (unsigned i = 0; i < command.count; i++)
        free(command.arg[i]);
    if (job->pid < 0) {
        job->pid = 0;
        return ft_fail(error, FT_IO, 0, "cannot start the engine: %s", strerror(errno));
    }
    return FT_OK;
}
