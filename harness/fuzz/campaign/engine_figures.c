/* How far the engines are: our targets' own counters, and what the engines write down. */
#define _GNU_SOURCE
#include "fuzz/campaign/campaign_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_TAIL = 8192 };

const char *ft_job_name(const struct ft_job *job)
{
    static char name[32];

    snprintf(name, sizeof name, "%s-%u", ft_engine_name(job->engine), job->number);
    return name;
}

void ft_job_log_path(const struct ft_job *job, char *path)
{
    ft_path(path, "%s/log/%s.log", job->subject->folder, ft_job_name(job));
}

/* The engines' own figures come late and differ in meaning. */
void ft_job_counter_path(const struct ft_job *job, char *path)
{
    ft_path(path, "%s/log/%s.runs", job->subject->folder, ft_job_name(job));
}

uint64_t ft_job_executions(const struct ft_job *job)
{
    char path[FT_PATH_BYTES];
    uint64_t runs = 0;
    FILE *file;

    ft_job_counter_path(job, path);
    file = fopen(path, "rbe");
    if (!file)
        return 0;
    if (fread(&runs, sizeof runs, 1, file) != 1)
        runs = 0;
    fclose(file);
    return runs;
}

/* The number behind a key of fuzzer_stats, or of libFuzzer's status line. */
static uint64_t number_behind(const char *text, const char *key)
{
    const char *at = text ? strstr(text, key) : NULL;

    return at ? strtoull(at + strlen(key) + strspn(at + strlen(key), " :"), NULL, 10) : 0;
}

static size_t read_tail(const char *path, char *text, size_t capacity)
{
    FILE *file = fopen(path, "rbe");
    size_t length;

    text[0] = '\0';
    if (!file)
        return 0;
    if (fseek(file, -(long)(capacity - 1), SEEK_END) != 0)
        rewind(file);
    length = fread(text, 1, capacity - 1, file);
    fclose(file);
    text[length] = '\0';
    return length;
}

/* "#8192 NEW    cov: 310 ft: 1421 corp: 512/9Kb lim: 96 exec/s: 4096 rss: 40Mb" */
static void read_libfuzzer(const struct ft_job *job, struct ft_job_figures *ret)
{
    char path[FT_PATH_BYTES], text[LOG_TAIL];
    const char *last = NULL;

    ft_job_log_path(job, path);
    read_tail(path, text, sizeof text);
    for (const char *at = text; (at = strstr(at, "cov: ")); at++)
        last = at;
    ret->coverage = number_behind(last, "cov:");
    ret->corpus = number_behind(last, "corp:");
}

static void read_afl(const struct ft_job *job, struct ft_job_figures *ret)
{
    char path[FT_PATH_BYTES], text[LOG_TAIL];
    const char *stability;

    ft_path(path, "%s/afl/%s/fuzzer_stats", job->subject->folder, ft_job_name(job));
    read_tail(path, text, sizeof text);
    ret->corpus = number_behind(text, "corpus_count ");
    ret->coverage = number_behind(text, "edges_found ");
    stability = strstr(text, "stability ");
    if (stability)
        sscanf(stability, "stability : %15s", ret->stability);
}

void ft_job_figures(const struct ft_job *job, struct ft_job_figures *ret)
{
    *ret = (struct ft_job_figures){.executions = ft_job_executions(job)};
    if (job->engine == FT_ENGINE_AFL)
        read_afl(job, ret);
    else
        read_libfuzzer(job, ret);
}
