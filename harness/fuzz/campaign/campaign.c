#define _GNU_SOURCE
#include "fuzz/campaign/campaign.h"
#include "fuzz/campaign/campaign_private.h"
#include "fuzz/campaign/reach.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    POLL_MICROSECONDS = 50000,
    POLLS_A_REPORT = 4,
    POLLS_AN_EXCHANGE = 20,
    STOP_POLLS = 60, /* an engine's time to end in order */
    CANNOT_START = 126
};

static volatile sig_atomic_t interrupted;
static struct ft_campaign *running; /* for the second Ctrl-C */

/* The first ends the campaign in order; whoever asks twice is in a hurry. */
static void on_interrupt(int number)
{
    if (interrupted) {
        for (unsigned i = 0; i < running->jobs; i++)
            if (running->job[i].pid > 0)
                kill(-running->job[i].pid, SIGTERM);
        _exit(128 + number);
    }
    interrupted = 1;
}

double ft_campaign_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double ft_campaign_seconds(const struct ft_campaign *campaign)
{
    return (campaign->end > 0 ? campaign->end : ft_campaign_now()) - campaign->start;
}

void ft_campaign_deal(struct ft_campaign *campaign)
{
    enum ft_engine engines[FT_ENGINE_COUNT];
    unsigned engine_count = 0, places;

    for (int i = 0; i < FT_ENGINE_COUNT; i++)
        if (campaign->engine[i])
            engines[engine_count++] = (enum ft_engine)i;
    places = engine_count * campaign->subject_count;
    if (campaign->jobs < places)
        campaign->jobs = places;
    for (unsigned i = 0; i < campaign->jobs; i++) {
        unsigned place = i % places;

        campaign->job[i].subject = &campaign->subject[place / engine_count];
        campaign->job[i].engine = engines[place % engine_count];
        campaign->job[i].number = i / places;
    }
}

/* An engine that died is started again, a few times; one that ended as its flags asked is not. */
static void take_end(struct ft_campaign *campaign, struct ft_job *job, int status)
{
    const char *name = ft_job_name(job);
    char how[64], log[FT_PATH_BYTES];

    job->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        job->finished = true;
        return;
    }
    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "was ended by signal %d", WTERMSIG(status));
    else
        snprintf(how, sizeof how, "ended with status %d", WEXITSTATUS(status));
    ft_job_log_path(job, log);
    if (job->restarts < FT_RESTARTS_MAX &&
        !(WIFEXITED(status) && WEXITSTATUS(status) >= CANNOT_START)) {
        job->restarts++;
        job->restart_at = ft_campaign_now() + 1;
        ft_note(campaign, "%s on %s %s; it is started again (%u of %d); its last words are in %s",
                name, job->subject->module->core, how, job->restarts, FT_RESTARTS_MAX, log);
        return;
    }
    job->failed = true;
    campaign->engine_failed = true;
    ft_note(campaign, "%s on %s %s, and stays away; its last words are in %s", name,
            job->subject->module->core, how, log);
}

/* True while an engine runs or is about to. */
static bool engines_run(struct ft_campaign *campaign)
{
    struct ft_error error;
    bool any = false;

    for (unsigned i = 0; i < campaign->jobs; i++) {
        struct ft_job *job = &campaign->job[i];
        int status;

        if (job->pid > 0 && waitpid(job->pid, &status, WNOHANG) == job->pid)
            take_end(campaign, job, status);
        if (job->pid == 0 && job->restart_at > 0 && ft_campaign_now() >= job->restart_at) {
            job->restart_at = 0;
            if (ft_engine_start(campaign, job, &error) != FT_OK)
                job->failed = campaign->engine_failed = true;
        }
        any |= job->pid > 0 || job->restart_at > 0;
    }
    return any;
}

static void stop_engines(struct ft_campaign *campaign)
{
    for (unsigned i = 0; i < campaign->jobs; i++)
        if (campaign->job[i].pid > 0)
            kill(-campaign->job[i].pid, SIGINT);
    for (unsigned poll = 0; poll < STOP_POLLS; poll++) {
        bool any = false;

        for (unsigned i = 0; i < campaign->jobs; i++) {
            struct ft_job *job = &campaign->job[i];

            if (job->pid > 0 && waitpid(job->pid, NULL, WNOHANG) != 0)
                job->pid = 0;
            any |= job->pid > 0;
        }
        if (!any)
            return;
        usleep(POLL_MICROSECONDS);
    }
    for (unsigned i = 0; i < campaign->jobs; i++)
        if (campaign->job[i].pid > 0) {
            kill(-campaign->job[i].pid, SIGKILL);
            waitpid(campaign->job[i].pid, NULL, 0);
            campaign->job[i].pid = 0;
        }
}

static void count(struct ft_campaign *campaign)
{
    uint64_t executions = 0;

    for (unsigned i = 0; i < campaign->jobs; i++)
        executions += ft_job_executions(&campaign->job[i]);
    if (executions > campaign->executions)
        campaign->executions = executions;
}

static void exchange(struct ft_campaign *campaign)
{
    for (unsigned i = 0; i < campaign->jobs; i++)
        ft_exchange(campaign, &campaign->job[i]);
    for (unsigned i = 0; i < campaign->subject_count; i++) {
        uint64_t before = campaign->subject[i].inputs;

        ft_folder_count(&campaign->subject[i]);
        if (campaign->subject[i].inputs > before)
            campaign->last_new = ft_campaign_now();
    }
}

static enum ft_status convert(struct ft_campaign *campaign, struct ft_error *error)
{
    enum ft_status status = FT_OK;

    for (unsigned i = 0; i < campaign->subject_count && status == FT_OK; i++)
        status = ft_findings_convert(campaign, &campaign->subject[i], error);
    return status;
}

static bool over(struct ft_campaign *campaign)
{
    campaign->interrupted = interrupted != 0;
    return interrupted || (campaign->stop_at_finding && ft_findings_fresh(campaign) > 0) ||
           ft_campaign_now() - campaign->start >= campaign->seconds || !engines_run(campaign);
}

static enum ft_status watch(struct ft_campaign *campaign, struct ft_error *error)
{
    for (unsigned poll = 0;; poll++) {
        enum ft_status status;

        if (poll % POLLS_A_REPORT == 0)
            count(campaign);
        status = convert(campaign, error);
        if (status != FT_OK)
            return status;
        ft_shrink_step(campaign);
        if (poll % POLLS_AN_EXCHANGE == POLLS_AN_EXCHANGE - 1)
            exchange(campaign);
        if (poll % POLLS_A_REPORT == 0)
            campaign->progress(campaign);
        if (over(campaign))
            return FT_OK;
        usleep(POLL_MICROSECONDS);
    }
}

/* The engines are gone; a finding that is not small yet has what is left of the time, and a little
 * more. */
static void finish_shrinking(struct ft_campaign *campaign)
{
    double limit = campaign->start + campaign->seconds;

    if (limit < campaign->end)
        limit = campaign->end;
    limit += FT_SHRINK_GRACE;
    while (!interrupted && ft_campaign_now() < limit && ft_shrink_step(campaign))
        usleep(POLL_MICROSECONDS);
    ft_shrink_stop();
}

static void measure_reach(struct ft_campaign *campaign)
{
    struct ft_error error;

    for (unsigned i = 0; i < campaign->subject_count; i++)
        if (ft_reach_measure(&campaign->subject[i], campaign->jobs, &error) != FT_OK)
            ft_note(campaign, "cannot say what %s reaches: %s", campaign->subject[i].folder,
                    error.text);
}

static enum ft_status begin(struct ft_campaign *campaign, struct ft_error *error)
{
    enum ft_status status = FT_OK;
    char counter[FT_PATH_BYTES];

    for (unsigned i = 0; i < campaign->subject_count; i++)
        campaign->subject[i].lock = -1;
    for (unsigned i = 0; i < campaign->subject_count && status == FT_OK; i++)
        status = ft_folder_open(campaign, &campaign->subject[i], error);
    for (unsigned i = 0; i < campaign->subject_count && status == FT_OK; i++)
        ft_findings_load(campaign, &campaign->subject[i]);
    for (unsigned i = 0; i < campaign->jobs && status == FT_OK; i++) {
        ft_job_counter_path(&campaign->job[i], counter);
        unlink(counter);
        ft_job_log_path(&campaign->job[i], counter);
        unlink(counter);
        status = ft_engine_start(campaign, &campaign->job[i], error);
    }
    return status;
}

static enum ft_status finish(struct ft_campaign *campaign, enum ft_status status,
                             struct ft_error *error)
{
    stop_engines(campaign);
    campaign->end = ft_campaign_now();
    if (status == FT_OK) {
        count(campaign);
        exchange(campaign);
        status = convert(campaign, error);
        finish_shrinking(campaign);
        measure_reach(campaign);
        campaign->progress(campaign);
    }
    for (unsigned i = 0; i < campaign->subject_count; i++)
        ft_folder_close(&campaign->subject[i]);
    return status;
}

enum ft_status ft_campaign_run(struct ft_campaign *campaign, struct ft_error *error)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_interrupt}, old[3];
    enum ft_status status;

    interrupted = 0;
    running = campaign;
    campaign->start = campaign->last_new = ft_campaign_now();
    campaign->end = 0;
    for (unsigned i = 0; i < 3; i++) {
        sigaction(signals[i], NULL, &old[i]);
        if (old[i].sa_handler != SIG_IGN || signals[i] != SIGHUP) /* nohup */
            sigaction(signals[i], &action, NULL);
    }
    status = begin(campaign, error);
    if (status == FT_OK)
        status = watch(campaign, error);
    status = finish(campaign, status, error);
    for (unsigned i = 0; i < 3; i++)
        sigaction(signals[i], &old[i], NULL);
    return status;
}
