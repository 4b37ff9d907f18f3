/* What a driver prints and asserts. */
#include "kernel/format.h"
#include "world/machine.h"

#include <stdarg.h>
#include <string.h>
#include <wdm.h>

enum { TEXT_BYTES = 512 };

static ULONG print(const char *prefix, const char *format, va_list *args)
{
    char bytes[TEXT_BYTES];
    struct ft_text text = {.narrow = bytes, .size = sizeof bytes};

    ft_text_put(&text, prefix);
    ft_text_format(&text, format, args);
    ft_text_end(&text);
    if (text.used)
        ft_emit_text(FT_EV_DBG_PRINT, bytes);
    return STATUS_SUCCESS;
}

ULONG DbgPrint(PCSTR Format, ...)
{
    va_list args;
    ULONG status;

    va_start(args, Format);
    status = print("", Format, &args);
    va_end(args);
    return status;
}

ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
    va_list args;
    ULONG status;

    (void)ComponentId;
    (void)Level;
    va_start(args, Format);
    status = print("", Format, &args);
    va_end(args);
    return status;
}

/* The argument list is the caller's, and stays where it is. */
ULONG vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format,
                            va_list arglist)
{
    va_list args;
    ULONG status;

    (void)ComponentId;
    (void)Level;
    va_copy(args, arglist);
    status = print(Prefix, Format, &args);
    va_end(args);
    return status;
}

ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, va_list arglist)
{
    return vDbgPrintExWithPrefix("", ComponentId, Level, Format, arglist);
}

/* A checked build would stop here; the trace shows it and the run goes on. */
void ft_driver_assert(const char *expression, const char *file, unsigned line)
{
    uint64_t arg[7] = {line};

    (void)file;
    memcpy(&arg[1], expression, strnlen(expression, 48));
    ft_emit_args(FT_EV_ASSERT_FAILED, 7, arg);
}

/* The message, when there is one, is printed before. */
VOID RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PCHAR Message)
{
    if (Message)
        ft_emit_text(FT_EV_DBG_PRINT, Message);
    ft_driver_assert(FailedAssertion, FileName, LineNumber);
}

void ft_list_corrupt(const LIST_ENTRY *entry)
{
    ft_bugcheck(0x139, 3, ft_handle_of(entry), 0, 0);
}

DECLSPEC_NORETURN VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1,
                                    ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3,
                                    ULONG_PTR BugCheckParameter4)
{
    ft_bugcheck(BugCheckCode, BugCheckParameter1, BugCheckParameter2, BugCheckParameter3,
                BugCheckParameter4);
}

DECLSPEC_NORETURN VOID KeBugCheck(ULONG BugCheckCode)
{
    ft_bugcheck(BugCheckCode, 0, 0, 0, 0);
}

/* No kernel debugger is attached, so a break point is an exception like any other: a handler may
 * take it, else it is bug check 0x1E with STATUS_BREAKPOINT. */
VOID DbgBreakPoint(VOID)
{
    ExRaiseStatus(STATUS_BREAKPOINT);
}

VOID DbgBreakPointWithStatus(ULONG Status)
{
    (void)Status;
    ExRaiseStatus(STATUS_BREAKPOINT);
}
