/* Runs a command and strikes at the nth system call by which it, or a process that it started,
 * changes something in a folder.
 *
 * usage: strike FOLDER WHAT N REPORT COMMAND...      FOLDER: as realpath says
 *
 *   count      strikes never
 *   kill       SIGKILL for all of its processes before the nth call
 *   torn       the same, when half of the nth write is done; before the call when it is no write
 *   nospace    from the nth on every call that needs room fails with ENOSPC
 *   badsync    from the nth on every fsync fails with EIO
 *   short      from the nth on every write does half (of more than one byte)
 *   interrupt  from the nth on every second write and fsync fails with EINTR
 *
 * Writes "COUNT STRUCK CALL PATH" to REPORT: the calls counted, whether it struck, and where. The
 * exit status is the command's, 128 and the signal when one ended it, 127 for our own failure.
 *
 * The calls are seen by the kernel's eyes (ptrace, with a seccomp filter that stops at these calls
 * only), so it makes no difference through which library they come, or what else is preloaded.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, TASKS_MAX = 256, OUR_FAILURE = 127 };

enum what { COUNT, KILL, TORN, NOSPACE, BADSYNC, SHORT, INTERRUPT };

static const char *const what_names[] = {"count",   "kill",  "torn",     "nospace",
                                         "badsync", "short", "interrupt"};

/* How a call says which file it changes. */
enum place { BY_NUMBER, BY_PATH, BY_FOLDER_AND_PATH };

enum kind { MAKES, WRITES, SYNCS, MOVES };

static const struct call {
    const char *name;
    long number;
    enum place place;
    enum kind kind;
    int flags; /* the argument with O_CREAT and O_TRUNC, -1: it always changes something */
} calls[] = {{"open", SYS_open, BY_PATH, MAKES, 1},
             {"creat", SYS_creat, BY_PATH, MAKES, -1},
             {"openat", SYS_openat, BY_FOLDER_AND_PATH, MAKES, 2},
             {"mkdir", SYS_mkdir, BY_PATH, MAKES, -1},
             {"mkdirat", SYS_mkdirat, BY_FOLDER_AND_PATH, MAKES, -1},
             {"write", SYS_write, BY_NUMBER, WRITES, -1},
             {"pwrite", SYS_pwrite64, BY_NUMBER, WRITES, -1},
             {"writev", SYS_writev, BY_NUMBER, MAKES, -1}, /* never cut: its length is a list's */
             {"ftruncate", SYS_ftruncate, BY_NUMBER, MOVES, -1},
             {"fsync", SYS_fsync, BY_NUMBER, SYNCS, -1},
             {"fdatasync", SYS_fdatasync, BY_NUMBER, SYNCS, -1},
             {"rename", SYS_rename, BY_PATH, MOVES, -1},
             {"renameat", SYS_renameat, BY_FOLDER_AND_PATH, MOVES, -1},
             {"renameat2", SYS_renameat2, BY_FOLDER_AND_PATH, MOVES, -1},
             {"link", SYS_link, BY_PATH, MOVES, -1},
             {"linkat", SYS_linkat, BY_FOLDER_AND_PATH, MOVES, -1},
             {"unlink", SYS_unlink, BY_PATH, MOVES, -1},
             {"unlinkat", SYS_unlinkat, BY_FOLDER_AND_PATH, MOVES, -1},
             {"rmdir", SYS_rmdir, BY_PATH, MOVES, -1}};

enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static struct {
    const char *folder;
    enum what what;
    unsigned long at, count, failed;
    bool struck, killed;
    char where[PATH_BYTES + 32];
    pid_t first, task[TASKS_MAX];
    unsigned tasks;
    pid_t torn; /* its call is under way; the kill comes when it is done */
    int status;
} strike;

static void fail(const char *text)
{
    fprintf(stderr, "strike: %s: %s\n", text, strerror(errno));
    exit(OUR_FAILURE);
}

/* ---- the command ---- */

static void install_filter(void)
{
    struct sock_filter code[CALLS + 3];
    struct sock_fprog program = {.len = CALLS + 3, .filter = code};

    code[0] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < CALLS; i++) {
        code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                   (unsigned)calls[i].number, CALLS - i, 0);
    }
    code[CALLS + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[CALLS + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        fail("seccomp");
    }
}

static void start(char **command)
{
    const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                         PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
    int status;

    strike.first = fork();
    if (strike.first < 0) {
        fail("fork");
    }
    if (strike.first == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            fail("ptrace");
        }
        raise(SIGSTOP);
        install_filter();
        execvp(command[0], command);
        fail(command[0]);
    }
    if (waitpid(strike.first, &status, 0) < 0 || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, strike.first, NULL, options) != 0 ||
        ptrace(PTRACE_CONT, strike.first, NULL, 0) != 0) {
        fail("ptrace");
    }
    strike.task[strike.tasks++] = strike.first;
}

/* ---- which file a call changes ---- */

static void read_text(pid_t task, unsigned long long address, char *text, size_t capacity)
{
    size_t length = 0;

    /* To the end of the page first: what is behind it need not be there. */
    while (length < capacity - 1) {
        size_t part = 4096 - (address + length) % 4096;
        struct iovec to = {text + length,
                           part < capacity - 1 - length ? part : capacity - 1 - length};
        struct iovec from = {(void *)(uintptr_t)(address + length), to.iov_len};
        ssize_t got = process_vm_readv(task, &to, 1, &from, 1, 0);

        if (got <= 0 || memchr(text + length, '\0', (size_t)got) != NULL) {
            length += got > 0 ? (size_t)got : 0;
            break;
        }
        length += (size_t)got;
    }
    text[length] = '\0';
}

static void path_of_number(pid_t task, int number, char *path)
{
    char link[64];
    ssize_t length;

    if (number == AT_FDCWD) {
        snprintf(link, sizeof(link), "/proc/%d/cwd", (int)task);
    } else {
        snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)task, number);
    }
    length = readlink(link, path, PATH_BYTES - 1);
    path[length > 0 ? length : 0] = '\0';
}

static void path_of_call(pid_t task, const struct call *call, const unsigned long long *argument,
                         char *path)
{
    char name[PATH_BYTES], folder[PATH_BYTES];

    if (call->place == BY_NUMBER) {
        path_of_number(task, (int)argument[0], path);
        return;
    }
    read_text(task, argument[call->place == BY_PATH ? 0 : 1], name, sizeof(name));
    if (name[0] == '/') {
        snprintf(path, PATH_BYTES, "%s", name);
        return;
    }
    path_of_number(task, call->place == BY_PATH ? AT_FDCWD : (int)argument[0], folder);
    snprintf(path, PATH_BYTES, "%.2000s/%.2000s", folder, name);
}

static bool is_watched(const struct call *call, const unsigned long long *argument,
                       const char *path)
{
    size_t length = strlen(strike.folder);

    if (call->flags >= 0 && (argument[call->flags] & (O_CREAT | O_TRUNC)) == 0) {
        return false;
    }
    return strncmp(path, strike.folder, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

/* ---- striking ---- */

static void kill_all(void)
{
    strike.killed = true;
    for (unsigned i = 0; i < strike.tasks; i++) {
        kill(strike.task[i], SIGKILL);
    }
}

/* The kernel skips a call whose number is -1; its result is what stands in rax. */
static void refuse(pid_t task, struct user_regs_struct *registers, int reason)
{
    registers->orig_rax = ~0ULL;
    registers->rax = (unsigned long long)-reason;
    ptrace(PTRACE_SETREGS, task, NULL, registers);
}

static void halve(pid_t task, struct user_regs_struct *registers)
{
    if (registers->rdx > 1) {
        registers->rdx /= 2;
        ptrace(PTRACE_SETREGS, task, NULL, registers);
    }
}

static void strike_at(pid_t task, const struct call *call, struct user_regs_struct *registers)
{
    bool applies = true;

    switch (strike.what) {
    case COUNT:
        return;
    case KILL:
        kill_all();
        break;
    case TORN:
        if (call->kind == WRITES) {
            halve(task, registers);
            strike.torn = task;
        } else {
            kill_all();
        }
        break;
    case NOSPACE:
        applies = call->kind != MOVES;
        if (applies) {
            refuse(task, registers, ENOSPC);
        }
        break;
    case BADSYNC:
        applies = call->kind == SYNCS;
        if (applies) {
            refuse(task, registers, EIO);
        }
        break;
    case SHORT:
        applies = call->kind == WRITES;
        if (applies) {
            halve(task, registers);
        }
        break;
    case INTERRUPT:
        applies = (call->kind == WRITES || call->kind == SYNCS) && strike.failed++ % 2 == 0;
        if (applies) {
            refuse(task, registers, EINTR);
        }
        break;
    }
    strike.struck = strike.struck || applies;
}

static void at_call(pid_t task)
{
    struct user_regs_struct registers;
    const struct call *call = NULL;
    char path[PATH_BYTES];

    if (ptrace(PTRACE_GETREGS, task, NULL, &registers) != 0) {
        return;
    }
    for (unsigned i = 0; i < CALLS; i++) {
        if ((unsigned long)calls[i].number == registers.orig_rax) {
            call = &calls[i];
        }
    }
    if (call != NULL) {
        unsigned long long argument[3] = {registers.rdi, registers.rsi, registers.rdx};

        path_of_call(task, call, argument, path);
        if (!is_watched(call, argument, path)) {
            return;
        }
        strike.count++;
        if (strike.count >= strike.at && !strike.killed && strike.torn == 0) {
            if (!strike.struck) {
                snprintf(strike.where, sizeof(strike.where), "%s %s", call->name, path);
            }
            strike_at(task, call, &registers);
        }
    }
}

/* ---- the loop ---- */

static void add_task(pid_t task)
{
    if (strike.tasks == TASKS_MAX) {
        errno = E2BIG;
        fail("processes");
    }
    strike.task[strike.tasks++] = task;
    if (strike.killed) {
        kill(task, SIGKILL);
    }
}

static void remove_task(pid_t task)
{
    for (unsigned i = 0; i < strike.tasks; i++) {
        if (strike.task[i] == task) {
            strike.task[i] = strike.task[--strike.tasks];
            return;
        }
    }
}

static bool is_known(pid_t task)
{
    for (unsigned i = 0; i < strike.tasks; i++) {
        if (strike.task[i] == task) {
            return true;
        }
    }
    return false;
}

static void go_on(pid_t task, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16;

    if (event == PTRACE_EVENT_SECCOMP) {
        at_call(task);
        signal = 0;
    } else if (event != 0) {
        unsigned long made = 0;

        if (ptrace(PTRACE_GETEVENTMSG, task, NULL, &made) == 0 && !is_known((pid_t)made)) {
            add_task((pid_t)made);
        }
        signal = 0;
    } else if (signal == (SIGTRAP | 0x80)) { /* the torn call is done */
        strike.torn = 0;
        kill_all();
        signal = 0;
    } else if (signal == SIGTRAP || (signal == SIGSTOP && !is_known(task))) {
        signal = 0; /* exec; a process that begins */
    } else if (signal == SIGSTOP) {
        signal = 0;
    }
    if (!is_known(task)) {
        add_task(task);
    }
    ptrace(strike.torn == task ? PTRACE_SYSCALL : PTRACE_CONT, task, NULL, signal);
}

static void follow(void)
{
    int status;
    pid_t task;

    while ((task = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (task > 0 && WIFSTOPPED(status)) {
            go_on(task, status);
        } else if (task > 0) {
            remove_task(task);
            if (task == strike.first) {
                strike.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            }
        }
    }
}

int main(int argc, char **argv)
{
    FILE *report;

    if (argc < 6) {
        fputs("usage: strike FOLDER WHAT N REPORT COMMAND...\n", stderr);
        return OUR_FAILURE;
    }
    strike.folder = argv[1];
    strike.what = COUNT;
    while (strike.what < INTERRUPT && strcmp(argv[2], what_names[strike.what]) != 0) {
        strike.what++;
    }
    strike.at = strtoul(argv[3], NULL, 10);
    start(argv + 5);
    follow();
    report = fopen(argv[4], "w");
    if (report == NULL) {
        fail(argv[4]);
    }
    fprintf(report, "%lu %d %s\n", strike.count, strike.struck || strike.killed,
            strike.where[0] != '\0' ? strike.where : "-");
    return fclose(report) == 0 ? strike.status : OUR_FAILURE;
}
