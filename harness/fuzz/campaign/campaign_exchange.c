/* AFL++'s queues and the shared corpus.
 *
 * libFuzzer reads the shared corpus again every second (-reload) and writes its own finds there. An
 * AFL++ job has a queue of its own; what it adds there is copied to the shared corpus here, named
 * by its content. The other way round AFL++ reads the shared corpus as a foreign queue (-F) and, at
 * once, through our mutator (afl_import.h). */
#include "fuzz/campaign/campaign_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

struct exchange {
    struct ft_job *job;
    char queue[FT_PATH_BYTES];
    bool stop; /* the rest comes next time */
};

/* Entries that came from the shared corpus, or from another job, whose own entry is copied. */
static bool came_from_elsewhere(const char *name)
{
    return strstr(name, "sync:") || strstr(name, "orig:") || strstr(name, "op:shared");
}

static size_t read_input(const char *path, uint8_t *bytes, size_t capacity)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, bytes, capacity);

    if (file >= 0)
        close(file);
    return length > 0 ? (size_t)length : 0;
}

static void copy_entry(void *context, const char *name)
{
    struct exchange *exchange = context;
    const char *folder = exchange->job->subject->folder;
    char path[FT_PATH_BYTES], scratch[FT_PATH_BYTES];
    uint8_t bytes[4 * FT_INPUT_BYTES_MAX];
    unsigned long long number;
    XXH128_hash_t hash;
    size_t length;

    if (exchange->stop || sscanf(name, "id:%llu", &number) != 1 || number < exchange->job->exported)
        return;
    ft_path(path, "%s/%s", exchange->queue, name);
    length = read_input(path, bytes, sizeof bytes);
    /* Empty: it is being written. */
    exchange->stop = length == 0;
    if (exchange->stop)
        return;
    exchange->job->exported = number + 1;
    if (came_from_elsewhere(name))
        return;
    hash = XXH3_128bits(bytes, length);
    ft_path(scratch, "%s/log", folder);
    ft_path(path, "%s/corpus/%016llx%016llx", folder, (unsigned long long)hash.high64,
            (unsigned long long)hash.low64);
    if (access(path, F_OK) != 0)
        ft_write_whole(scratch, path, bytes, length);
}

static void count_crash(void *context, const char *name)
{
    unsigned *count = context;

    *count += strncmp(name, "id:", 3) == 0;
}

/* A target that ends is no finding of the driver's, those are written down and the target goes on:
 * it said of itself that it failed. libFuzzer ends then, AFL++ keeps the input and goes on. */
static void look_for_crashes(struct ft_campaign *campaign, struct ft_job *job)
{
    char folder[FT_PATH_BYTES];
    unsigned count = 0;

    ft_path(folder, "%s/afl/%s/crashes", job->subject->folder, ft_job_name(job));
    ft_each_file(folder, false, count_crash, &count);
    if (count > job->crashes) {
        campaign->engine_failed = true;
        ft_note(campaign, "own failure: the fuzz target ended, and should not; inputs are in %s",
                folder);
    }
    job->crashes = count;
}

void ft_exchange(struct ft_campaign *campaign, struct ft_job *job)
{
    struct exchange exchange = {.job = job};

    if (job->engine != FT_ENGINE_AFL)
        return;
    ft_path(exchange.queue, "%s/afl/%s/queue", job->subject->folder, ft_job_name(job));
    ft_each_file(exchange.queue, false, copy_entry, &exchange);
    look_for_crashes(campaign, job);
}
