/* What the sanitizers' runtimes ask of programs that run driver code: a report is recoverable, it
 * ends the run as a crash at the next point, and the process goes on. Linked into the executables
 * of instrumented flavours, not into our unit tests. */
#include "world/shadow.h"

const char *__asan_default_options(void);
void __asan_on_error(void);
void __ubsan_on_report(void);

/* A driver's memory is the world's: what malloc holds back is the harness's, and a little of it is
 * enough. */
const char *__asan_default_options(void)
{
    return "halt_on_error=0:suppress_equal_pcs=0:symbolize=0:detect_stack_use_after_return=0:"
           "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigfpe=0:"
           "handle_sigill=0:use_sigaltstack=0:print_summary=0:quarantine_size_mb=16";
}

void __asan_on_error(void)
{
    ft_sanitizer_report();
}

void __ubsan_on_report(void)
{
    ft_sanitizer_report();
}
