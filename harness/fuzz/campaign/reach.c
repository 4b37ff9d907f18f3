#define _GNU_SOURCE
#include "fuzz/campaign/reach.h"
#include "fuzz/campaign/campaign_private.h"
#include "fuzz/finding_file.h"
#include "replay/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CPU_SECONDS = 20 };

struct measure {
    const struct ft_subject *subject;
    struct ft_reach *reach; /* shared with the campaign */
    struct ft_session session;
    struct ft_scenario scenario;
    double end;
};

/* An op that struck at its moment, and where that was. */
static bool see(void *state, const struct ft_event *event)
{
    const struct measure *measure = state;
    uint64_t index = event->arg[0];

    if (event->kind != FT_EV_OP_FIRED || index == 0 || index > measure->scenario.op_count)
        return false;
    measure->reach->fired[measure->scenario.op[index - 1].kind] = true;
    if (measure->scenario.op[index - 1].moment.count)
        measure->reach->struck[measure->scenario.op[index - 1].moment.point] = true;
    return false;
}

static void run_input(void *context, const char *name)
{
    struct measure *measure = context;
    struct ft_run_options options = {.scenario = &measure->scenario};
    struct ft_run_result result;
    char path[FT_PATH_BYTES];

    if (ft_campaign_now() >= measure->end) {
        measure->reach->whole = false;
        return;
    }
    ft_path(path, "%s/corpus/%s", measure->subject->folder, name);
    if (!ft_finding_file_read(path, &measure->scenario))
        return;
    ft_session_run(&measure->session, &options, &result, NULL);
    measure->reach->inputs++;
}

static _Noreturn void measure_here(const struct ft_subject *subject, struct ft_reach *reach)
{
    struct measure measure = {
        .subject = subject, .reach = reach, .end = ft_campaign_now() + FT_REACH_SECONDS};
    struct rlimit limit = {CPU_SECONDS, CPU_SECONDS}, none = {0, 0};
    char folder[FT_PATH_BYTES];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    setrlimit(RLIMIT_CPU, &limit);
    setrlimit(RLIMIT_CORE, &none);
    if (!ft_session_open(&measure.session, subject->module, false, 0))
        _exit(1);
    measure.session.tap = see;
    measure.session.tap_state = &measure;
    ft_path(folder, "%s/corpus", subject->folder);
    reach->whole = true;
    ft_each_file(folder, false, run_input, &measure);
    _exit(0);
}

bool ft_reach_measure(struct ft_subject *subject)
{
    struct ft_reach *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    pid_t pid;

    if (shared == MAP_FAILED)
        return false;
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        measure_here(subject, shared);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    subject->reach = *shared;
    subject->reach.whole &= pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    munmap(shared, sizeof *shared);
    return pid > 0;
}

/* Requests that the driver does not take never come to it; a device with a model is not moved by
 * ops. */
bool ft_reach_expects(const struct ft_subject *subject, unsigned kind)
{
    const struct ft_op_row *row = ft_op_row(kind);
    unsigned takes = subject->module->description->requests;

    if (!row || !row->built)
        return false;
    switch (kind) {
    case FT_OP_READ:
        return takes & FT_TAKES_READ;
    case FT_OP_WRITE:
        return takes & FT_TAKES_WRITE;
    case FT_OP_IOCTL:
        return takes & FT_TAKES_IOCTL;
    case FT_OP_DEVICE_REGISTER:
    case FT_OP_DEVICE_INTERRUPT:
    case FT_OP_DEVICE_MOVES:
        return subject->module->device == NULL;
    default:
        return true;
    }
}
