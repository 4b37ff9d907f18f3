/*
 * ft_seh.h: __try, __except, __finally and __leave, which no compiler has on Linux, as macros over
 * setjmp. excpt.h and wdm.h include it.
 *
 *     __try { ... } __except (filter) { ... }
 *     __try { ... } __finally { ... }
 *
 * Both nest, in one function and across calls. __leave ends the body. GetExceptionCode() serves in
 * filter and handler, GetExceptionInformation() in the filter (ContextRecord is NULL),
 * AbnormalTermination() in the __finally block. return, break, continue and goto may leave the body
 * of a __try with __except, and any handler: a cleanup attribute takes the frame off.
 *
 * What differs from Windows:
 *  - The filter runs after the stack is unwound to its frame, so an inner __finally runs before an
 *    outer filter, and EXCEPTION_CONTINUE_EXECUTION is refused (the run stops, by name).
 *  - return, break, continue and goto out of a __try with __finally would skip the block; the run
 *    stops, by name. Write __leave, as Microsoft advises anyway.
 *  - A local changed in the body and read in filter, handler or __finally must be volatile, or the
 *    file be compiled with FT_SEH_OPTNONE defined: that turns the optimiser off for the file's
 *    functions, as an optimiser keeps such variables in registers that longjmp restores.
 *  - After an exception was handled inside a handler, GetExceptionCode() in the rest of the outer
 *    handler gives the inner code.
 *  - C++ needs C++17, and libstdc++ headers have a __try of their own: include them before.
 * FT_SEH_LOWERCASE defines try, except, finally and leave too, for old C drivers.
 *
 * Cost: a __try is entered through one longjmp, which tells the frame what follows its body.
 */
#ifndef FT_SEH_H
#define FT_SEH_H

#include <setjmp.h>

#include "ntdef.h"

#ifdef __cplusplus
#include <new>
#endif

#define EXCEPTION_EXECUTE_HANDLER    1
#define EXCEPTION_CONTINUE_SEARCH    0
#define EXCEPTION_CONTINUE_EXECUTION (-1)
#define EXCEPTION_NONCONTINUABLE     0x1
#define EXCEPTION_MAXIMUM_PARAMETERS 15

typedef struct _EXCEPTION_RECORD {
    NTSTATUS ExceptionCode;
    ULONG ExceptionFlags;
    struct _EXCEPTION_RECORD *ExceptionRecord;
    PVOID ExceptionAddress;
    ULONG NumberParameters;
    ULONG_PTR ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD, *PEXCEPTION_RECORD;

typedef struct _EXCEPTION_POINTERS {
    PEXCEPTION_RECORD ExceptionRecord;
    struct _CONTEXT *ContextRecord;
} EXCEPTION_POINTERS, *PEXCEPTION_POINTERS;

enum ft_seh_kind { FT_SEH_EXCEPT = 1, FT_SEH_FINALLY };

/* One __try that is being executed. Lives on the stack of its function. */
struct ft_seh_frame {
    struct ft_seh_frame *outer;
    int kind;  /* enum ft_seh_kind, 0 until it is known */
    int state; /* private to seh.c */
    EXCEPTION_RECORD record;
    EXCEPTION_POINTERS pointers;
    jmp_buf env;
};

/* In the body of a __try; its cleanup takes the frame off. */
struct ft_seh_guard {
    struct ft_seh_frame *frame;
    int done; /* the body ended at its end, or by __leave */
};

/* In a __finally block; what to raise again after it. */
struct ft_seh_unwind {
    int rounds;
    int pending; /* AbnormalTermination() */
    NTSTATUS code;
    PVOID address;
    ULONG_PTR parameter_count;
    ULONG_PTR information[2];
};

#define FT_SEH_BODY 1 /* what setjmp returns to run the body */

EXTERN_C_START

/*
 * ft_seh_head(): the running task's FT_SEH_SLOTS pointers, all NULL when the task begins. The first
 * is its innermost frame. The world provides it, and saves the slots with the task.
 */
#define FT_SEH_SLOTS 8
void **ft_seh_head(void);
/* ft_seh_misuse(what): stops the run because SEH is used in a way not modelled. The world's too. */
void ft_seh_misuse(const char *what) __attribute__((noreturn));

/*
 * ft_seh_raise(): raises an exception in the running task; the innermost frame catches it. Without
 * one the machine stops with bug check 0x1E. `information` (may be NULL when count is 0) has count
 * values, at most 15; for an access violation: 0 read or 1 write or 8 execute, then the address.
 * It may be called from a signal handler that was installed with SA_NODEFER.
 */
void ft_seh_raise(NTSTATUS code, PVOID address, ULONG count, const ULONG_PTR *information)
    __attribute__((noreturn));

/* The rest serves the macros. */
struct ft_seh_frame *ft_seh_push(struct ft_seh_frame *frame);
struct ft_seh_guard ft_seh_begin(void);
void ft_seh_pop(struct ft_seh_guard *guard);
void ft_seh_landed(int kind);
int ft_seh_handles(int filter);
struct ft_seh_unwind ft_seh_finally(void);
int ft_seh_finally_step(struct ft_seh_unwind *unwind);
NTSTATUS ft_seh_code(void);
PEXCEPTION_POINTERS ft_seh_information(void);

EXTERN_C_END

#undef __try
#undef __except
#undef __finally
#undef __leave

#ifdef __cplusplus
#define FT_SEH_IF                                                                                  \
    if (struct ft_seh_frame ft_seh_frame_ = {};                                                    \
        setjmp(ft_seh_push(&ft_seh_frame_)->env) == FT_SEH_BODY)
#else
/* The literal lives as long as the whole if statement, else branch included (C11 6.8.4). */
#define FT_SEH_IF                                                                                  \
    if (setjmp(ft_seh_push(&(struct ft_seh_frame){.outer = NULL})->env) == FT_SEH_BODY)
#endif

#define __try                                                                                      \
    FT_SEH_IF                                                                                      \
    {                                                                                              \
        __label__ ft_seh_left_;                                                                    \
        struct ft_seh_guard ft_seh_guard_ __attribute__((cleanup(ft_seh_pop))) = ft_seh_begin();

#define FT_SEH_BODY_END                                                                            \
    ft_seh_left_:                                                                                  \
    __attribute__((unused));                                                                       \
    ft_seh_guard_.done = 1;                                                                        \
    }

/* clang-format takes __except for the keyword and would part it from its parameters. */
/* clang-format off */
#define __except(...)                                                                              \
    FT_SEH_BODY_END                                                                                \
    else if ((ft_seh_landed(FT_SEH_EXCEPT), !ft_seh_handles((__VA_ARGS__))))                       \
    {                                                                                              \
        __builtin_unreachable();                                                                   \
    }                                                                                              \
    else
/* clang-format on */

#define __finally                                                                                  \
    FT_SEH_BODY_END                                                                                \
    else                                                                                           \
    {                                                                                              \
        ft_seh_landed(FT_SEH_FINALLY);                                                             \
    }                                                                                              \
    for (struct ft_seh_unwind ft_seh_unwind_ = ft_seh_finally();                                   \
         ft_seh_finally_step(&ft_seh_unwind_);)

#define __leave goto ft_seh_left_

#define GetExceptionCode()        ft_seh_code()
#define GetExceptionInformation() ft_seh_information()
#define AbnormalTermination()     (ft_seh_unwind_.pending)
#define _exception_code()         ft_seh_code()
#define _exception_info()         ft_seh_information()
#define _abnormal_termination()   AbnormalTermination()

#ifdef FT_SEH_LOWERCASE
#define try     __try
#define except  __except
#define finally __finally
#define leave   __leave
#endif

#ifdef FT_SEH_OPTNONE
#ifdef __clang__
#pragma clang optimize off
#else
#pragma GCC optimize("O0")
#endif
#endif

#endif
