#define _GNU_SOURCE
#include "world/host.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

enum { ALT_STACK_BYTES = 128 * 1024 };

static ft_host_fault_fn *fault_handler;
static struct sigaction old_action[NSIG];
static unsigned char alt_stack[ALT_STACK_BYTES];
static stack_t old_stack;

static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGVTALRM};

/* Names who sits at an address, from the process map. */
static void print_culprit(uintptr_t base, size_t bytes)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[256];

    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long from = 0, to = 0;

        if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from < base + bytes && to > base)
            fprintf(stderr, "flushtrace: in the way: %s", line);
    }
    if (maps)
        fclose(maps);
}

bool ft_host_map_region(uintptr_t base, size_t bytes)
{
    void *got = mmap((void *)base, bytes, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    if (got == (void *)base)
        return true;
    fprintf(stderr,
            "flushtrace: cannot map the world at 0x%lx (%s); build position-independent (PIE)\n",
            (unsigned long)base, got == MAP_FAILED ? strerror(errno) : "another address given");
    if (got != MAP_FAILED)
        munmap(got, bytes);
    print_culprit(base, bytes);
    return false;
}

void ft_host_unmap_region(uintptr_t base, size_t bytes)
{
    munmap((void *)base, bytes);
}

bool ft_host_open(uintptr_t base, size_t bytes)
{
    if (mprotect((void *)base, bytes, PROT_READ | PROT_WRITE) == 0)
        return true;
    perror("flushtrace: mprotect");
    return false;
}

void *ft_host_grow(void *old, size_t old_bytes, size_t bytes)
{
    void *got = old ? mremap(old, old_bytes, bytes, MREMAP_MAYMOVE)
                    : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return got == MAP_FAILED ? NULL : got;
}

void ft_host_release(void *memory, size_t bytes)
{
    if (memory)
        munmap(memory, bytes);
}

static enum ft_fault fault_of(int signal_number)
{
    switch (signal_number) {
    case SIGFPE:
        return FT_FAULT_DIVIDE;
    case SIGILL:
        return FT_FAULT_ILLEGAL;
    case SIGABRT:
        return FT_FAULT_ABORT;
    case SIGVTALRM:
        return FT_FAULT_LOOP;
    default:
        return FT_FAULT_WILD;
    }
}

static uintptr_t code_of(const void *context)
{
#ifdef __x86_64__
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

static void on_signal(int signal_number, siginfo_t *info, void *context)
{
    sigset_t set;

    /* libFuzzer re-installs SIGSEGV without SA_NODEFER: unblock it ourselves, or the second fault
     * kills the process silently. */
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    fault_handler(fault_of(signal_number), signal_number,
                  signal_number == SIGSEGV || signal_number == SIGBUS ? (uintptr_t)info->si_addr
                                                                      : 0,
                  code_of(context));
    if (signal_number == SIGVTALRM)
        return;
    ft_host_release_faults();
    raise(signal_number);
}

bool ft_host_catch_faults(ft_host_fault_fn *handler)
{
    struct sigaction action;
    stack_t stack = {.ss_sp = alt_stack, .ss_size = sizeof alt_stack};
    struct itimerval every = {{1, 0}, {1, 0}};

    fault_handler = handler;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    if (sigaltstack(&stack, &old_stack) != 0)
        return false;
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        if (sigaction(caught[i], &action, &old_action[caught[i]]) != 0)
            return false;
    return setitimer(ITIMER_VIRTUAL, &every, NULL) == 0;
}

void ft_host_release_faults(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};

    if (!fault_handler)
        return;
    setitimer(ITIMER_VIRTUAL, &never, NULL);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        sigaction(caught[i], &old_action[caught[i]], NULL);
    fault_handler = NULL;
}

void ft_host_break(void)
{
    raise(SIGTRAP);
}

void ft_host_print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
}

_Noreturn void ft_host_die(void)
{
    ft_host_release_faults();
    fflush(NULL);
    _exit(5);
}
