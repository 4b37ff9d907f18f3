/*
 * seh.c: structured exceptions over setjmp, the runtime behind the macros of ddi/ft_seh.h.
 *
 * Terms. A frame is one __try being executed. It is first probed: setjmp returns 0, control goes
 * to what follows the body, which says whether that is an __except or a __finally and jumps back
 * to run the body. An exception unwinds to the innermost frame and lands in the same place.
 *
 * Frames lie on the stacks of their functions; the only state beside them is the running task's
 * ft_seh_task, in the slots that ft_seh_head() hands out.
 *
 * Not modelled: continuing at the faulting instruction, two-phase unwinding (filters run after
 * inner __finally blocks), CONTEXT records.
 */
#undef _FORTIFY_SOURCE /* its longjmp refuses to jump on a stack that it does not know */

#include "bugcodes.h"
#include "ft_seh.h"
#include "ntstatus.h"
#include "wdm_ex.h"
#include "wdm_ke.h"

enum { FRAME_PROBED = 0, FRAME_ACTIVE, FRAME_CAUGHT };
enum { JUMP_BODY = FT_SEH_BODY, JUMP_CAUGHT };

/* Information values kept across a __finally block; an access violation has two. */
enum { KEPT_PARAMETERS = 2 };

struct ft_seh_task {
    struct ft_seh_frame *top;    /* innermost frame, NULL: none */
    struct ft_seh_frame *caught; /* landed in, and its filter not yet answered */
    NTSTATUS code;               /* of the handler or __finally block entered last */
    ULONG finally_pending;       /* landed in front of a __finally block that has not begun */
    PVOID address;
    ULONG_PTR parameter_count;
    ULONG_PTR information[KEPT_PARAMETERS];
};

C_ASSERT(sizeof(struct ft_seh_task) <= FT_SEH_SLOTS * sizeof(void *));

static struct ft_seh_task *running_task(void)
{
    return (struct ft_seh_task *)(void *)ft_seh_head();
}

struct ft_seh_frame *ft_seh_push(struct ft_seh_frame *frame)
{
    struct ft_seh_task *task = running_task();

    frame->outer = task->top;
    frame->kind = 0;
    frame->state = FRAME_PROBED;
    task->top = frame;
    return frame;
}

struct ft_seh_guard ft_seh_begin(void)
{
    struct ft_seh_guard guard = {running_task()->top, 0};

    return guard;
}

void ft_seh_pop(struct ft_seh_guard *guard)
{
    struct ft_seh_task *task = running_task();

    if (!guard->done && guard->frame->kind == FT_SEH_FINALLY)
        ft_seh_misuse("return, break, continue or goto out of a __try with __finally");
    if (task->top != guard->frame)
        ft_seh_misuse("a __try ended that was not the innermost one");
    task->top = guard->frame->outer;
}

/* Ends a probe by jumping into the body, or notes which construct caught the exception. */
void ft_seh_landed(int kind)
{
    struct ft_seh_task *task = running_task();
    struct ft_seh_frame *frame = task->top;

    if (frame != NULL && frame->state == FRAME_PROBED) {
        frame->kind = kind;
        frame->state = FRAME_ACTIVE;
        longjmp(frame->env, JUMP_BODY);
    }
    if (kind == FT_SEH_EXCEPT)
        return;
    frame = task->caught;
    task->caught = NULL;
    task->finally_pending = 1;
    task->code = frame->record.ExceptionCode;
    task->address = frame->record.ExceptionAddress;
    task->parameter_count = frame->record.NumberParameters;
    if (task->parameter_count > KEPT_PARAMETERS)
        task->parameter_count = KEPT_PARAMETERS;
    memcpy(task->information, frame->record.ExceptionInformation,
           task->parameter_count * sizeof(task->information[0]));
}

/* Unwinds to the innermost frame. `record` may be the record of the frame unwound before. */
static void __attribute__((noreturn)) unwind(const EXCEPTION_RECORD *record)
{
    struct ft_seh_task *task = running_task();
    struct ft_seh_frame *frame = task->top;

    if (frame == NULL)
        KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)(LONG_PTR)record->ExceptionCode,
                     (ULONG_PTR)record->ExceptionAddress, record->ExceptionInformation[0],
                     record->ExceptionInformation[1]);
    task->top = frame->outer;
    task->caught = frame;
    frame->record = *record;
    frame->state = FRAME_CAUGHT;
    longjmp(frame->env, JUMP_CAUGHT);
}

/* Returns 1 if the handler shall run. Otherwise the search goes on, and this does not return. */
int ft_seh_handles(int filter)
{
    struct ft_seh_task *task = running_task();
    struct ft_seh_frame *frame = task->caught;

    if (filter < 0)
        ft_seh_misuse("EXCEPTION_CONTINUE_EXECUTION");
    if (filter == EXCEPTION_CONTINUE_SEARCH)
        unwind(&frame->record);
    task->caught = NULL;
    task->code = frame->record.ExceptionCode;
    return 1;
}

struct ft_seh_unwind ft_seh_finally(void)
{
    struct ft_seh_task *task = running_task();
    struct ft_seh_unwind result = {0,  (int)task->finally_pending, task->code, task->address, 0,
                                   {0}};

    if (result.pending) {
        result.parameter_count = task->parameter_count;
        memcpy(result.information, task->information, sizeof(result.information));
    }
    task->finally_pending = 0;
    return result;
}

int ft_seh_finally_step(struct ft_seh_unwind *state)
{
    if (state->rounds++ == 0)
        return 1;
    if (state->pending)
        ft_seh_raise(state->code, state->address, (ULONG)state->parameter_count,
                     state->information);
    return 0;
}

NTSTATUS ft_seh_code(void)
{
    struct ft_seh_task *task = running_task();

    return task->caught != NULL ? task->caught->record.ExceptionCode : task->code;
}

PEXCEPTION_POINTERS ft_seh_information(void)
{
    struct ft_seh_frame *frame = running_task()->caught;

    if (frame == NULL)
        ft_seh_misuse("GetExceptionInformation outside a filter");
    frame->pointers.ExceptionRecord = &frame->record;
    frame->pointers.ContextRecord = NULL;
    return &frame->pointers;
}

void ft_seh_raise(NTSTATUS code, PVOID address, ULONG count, const ULONG_PTR *information)
{
    EXCEPTION_RECORD record = {.ExceptionCode = code, .ExceptionAddress = address};

    if (count > EXCEPTION_MAXIMUM_PARAMETERS)
        count = EXCEPTION_MAXIMUM_PARAMETERS;
    record.NumberParameters = count;
    if (count != 0)
        memcpy(record.ExceptionInformation, information, count * sizeof(information[0]));
    unwind(&record);
}

/*
 * ExRaiseStatus: raises the status as an exception in the calling thread (nf-wdm-exraisestatus).
 * The address is not recorded: it would differ from host to host.
 */
VOID ExRaiseStatus(NTSTATUS Status)
{
    ft_seh_raise(Status, NULL, 0, NULL);
}

/* ExRaiseAccessViolation: ExRaiseStatus(STATUS_ACCESS_VIOLATION). */
VOID ExRaiseAccessViolation(VOID)
{
    ft_seh_raise(STATUS_ACCESS_VIOLATION, NULL, 0, NULL);
}

/* ExRaiseDatatypeMisalignment: ExRaiseStatus(STATUS_DATATYPE_MISALIGNMENT). */
VOID ExRaiseDatatypeMisalignment(VOID)
{
    ft_seh_raise(STATUS_DATATYPE_MISALIGNMENT, NULL, 0, NULL);
}
