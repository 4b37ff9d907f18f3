/* Shrinking beside the campaign: `flushtrace shrink` in a process of its own, one finding at a
 * time.
 *
 * A finding is saved as it was found and listed in unshrunk/; the small trace takes its place by
 * rename, and its name leaves the list. So a campaign that is killed shrinks the rest the next
 * time.
 */
#define _GNU_SOURCE
#include "fuzz/campaign/campaign_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_EACH = 20, STOP_POLLS = 40, POLL_MICROSECONDS = 50000 };

/* The one that runs. Asked to stop it leaves the best so far. */
static struct {
    pid_t pid;
    struct ft_campaign_finding *finding;
    double stop_at;
} shrinker;

static void marker_path(const struct ft_campaign_finding *finding, char *path)
{
    ft_path(path, "%s/unshrunk/%s", finding->subject->folder, strrchr(finding->path, '/') + 1);
}

void ft_shrink_mark(const struct ft_campaign_finding *finding)
{
    char path[FT_PATH_BYTES];
    int file;

    marker_path(finding, path);
    file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file >= 0)
        close(file);
}

bool ft_shrink_is_marked(const struct ft_campaign_finding *finding)
{
    char path[FT_PATH_BYTES];

    marker_path(finding, path);
    return access(path, F_OK) == 0;
}

/* Which program can see the finding: the flavour's that recorded it. */
static void shrink_program(const struct ft_campaign *campaign,
                           const struct ft_campaign_finding *finding, char *program)
{
    bool own = strcmp(finding->flavour, finding->subject->module->flavour) == 0;

    ft_path(program, "%s/flushtrace%s%s", campaign->programs, own ? "" : "-",
            own ? "" : finding->flavour);
    if (own)
        ft_path(program, "/proc/self/exe");
}

static _Noreturn void become_shrinker(const struct ft_campaign *campaign,
                                      struct ft_campaign_finding *finding)
{
    char program[FT_PATH_BYTES], log[FT_PATH_BYTES];
    const char *driver = finding->subject->path;
    char *argv[] = {"flushtrace",   "shrink",      finding->path,
                    "-o",           finding->path, driver ? "--driver" : NULL,
                    (char *)driver, NULL};
    int nothing = open("/dev/null", O_RDONLY), file;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    shrink_program(campaign, finding, program);
    ft_path(log, "%s/log/shrink.log", finding->subject->folder);
    file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (nothing < 0 || file < 0 || dup2(nothing, 0) < 0 || dup2(file, 1) < 0 || dup2(file, 2) < 0)
        _exit(126);
    execv(program, argv);
    _exit(127);
}

static void start(struct ft_campaign *campaign, struct ft_campaign_finding *finding)
{
    fflush(NULL);
    shrinker.pid = fork();
    if (shrinker.pid == 0)
        become_shrinker(campaign, finding);
    if (shrinker.pid < 0) {
        shrinker.pid = 0;
        return;
    }
    shrinker.finding = finding;
    shrinker.stop_at = ft_campaign_now() + SECONDS_EACH;
    finding->shrink = FT_SHRINK_RUNNING;
}

static void take_result(const struct ft_campaign *campaign, int status)
{
    struct ft_campaign_finding *finding = shrinker.finding;
    char path[FT_PATH_BYTES];

    shrinker.pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !ft_finding_read(finding)) {
        finding->shrink = FT_SHRINK_NOT;
        ft_note(campaign, "%s could not be shrunk; see log/shrink.log in %s", finding->path,
                finding->subject->folder);
        return;
    }
    finding->shrink = FT_SHRINK_DONE;
    marker_path(finding, path);
    unlink(path);
}

bool ft_shrink_step(struct ft_campaign *campaign)
{
    int status;

    if (shrinker.pid > 0) {
        if (waitpid(shrinker.pid, &status, WNOHANG) != shrinker.pid) {
            if (ft_campaign_now() >= shrinker.stop_at)
                kill(shrinker.pid, SIGTERM);
            return true;
        }
        take_result(campaign, status);
    }
    for (unsigned i = 0; i < campaign->finding_count; i++)
        if (campaign->finding[i].shrink == FT_SHRINK_DUE) {
            start(campaign, &campaign->finding[i]);
            return true;
        }
    return false;
}

void ft_shrink_stop(void)
{
    pid_t ended = 0;

    if (shrinker.pid <= 0)
        return;
    kill(shrinker.pid, SIGTERM);
    for (unsigned poll = 0; poll < STOP_POLLS && ended == 0; poll++) {
        ended = waitpid(shrinker.pid, NULL, WNOHANG);
        if (ended == 0)
            usleep(POLL_MICROSECONDS);
    }
    if (ended == 0) {
        kill(-shrinker.pid, SIGKILL);
        waitpid(shrinker.pid, NULL, 0);
    }
    shrinker.pid = 0;
    shrinker.finding->shrink = FT_SHRINK_DUE;
    ft_finding_read(shrinker.finding);
}
