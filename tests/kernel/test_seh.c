/*
 * test_seh.c: __try, __except, __finally and __leave (ddi/ft_seh.h, kernel/seh.c).
 *
 * The test is the world: it provides the task's slots and the two ways to stop. Locals that a
 * handler reads are volatile, as ft_seh.h asks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bugcodes.h"
#include "ft_seh.h"
#include "ntstatus.h"
#include "wdm_ex.h"
#include "wdm_ke.h"

static void *slots[FT_SEH_SLOTS];
static jmp_buf stop;
static const char *misuse;
static ULONG bug_check;
static ULONG_PTR bug_check_code;

void **ft_seh_head(void)
{
    return slots;
}

void ft_seh_misuse(const char *what)
{
    misuse = what;
    longjmp(stop, 1);
}

VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
                  ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4)
{
    (void)BugCheckParameter2, (void)BugCheckParameter3, (void)BugCheckParameter4;
    bug_check = BugCheckCode;
    bug_check_code = BugCheckParameter1;
    longjmp(stop, 1);
}

static int new_task(void **state)
{
    (void)state;
    memset(slots, 0, sizeof(slots));
    misuse = NULL;
    bug_check = 0;
    return 0;
}

static int no_frame_is_left(void **state)
{
    (void)state;
    return slots[0] == NULL ? 0 : -1;
}

static void a_body_without_exception_skips_the_handler(void **state)
{
    volatile int body = 0, handler = 0;

    (void)state;
    __try {
        body++;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        handler++;
    }
    assert_int_equal(body, 1);
    assert_int_equal(handler, 0);
}

static void a_raised_status_reaches_the_handler_with_its_code(void **state)
{
    volatile NTSTATUS in_filter = 0, in_handler = 0;

    (void)state;
    __try {
        ExRaiseStatus(STATUS_IO_DEVICE_ERROR);
    } __except (in_filter = GetExceptionCode(), EXCEPTION_EXECUTE_HANDLER) {
        in_handler = GetExceptionCode();
    }
    assert_int_equal(in_filter, STATUS_IO_DEVICE_ERROR);
    assert_int_equal(in_handler, STATUS_IO_DEVICE_ERROR);
}

static int only_access_violations(PEXCEPTION_POINTERS information, volatile ULONG_PTR *address)
{
    PEXCEPTION_RECORD record = information->ExceptionRecord;

    if (record->ExceptionCode != STATUS_ACCESS_VIOLATION || record->NumberParameters != 2)
        return EXCEPTION_CONTINUE_SEARCH;
    *address = record->ExceptionInformation[1];
    return EXCEPTION_EXECUTE_HANDLER;
}

static void a_filter_reads_the_record_of_an_access_violation(void **state)
{
    static const ULONG_PTR write_to[] = {1, 0xdead000};
    volatile ULONG_PTR address = 0;

    (void)state;
    __try {
        ft_seh_raise(STATUS_ACCESS_VIOLATION, NULL, 2, write_to);
    } __except (only_access_violations(GetExceptionInformation(), &address)) {
    }
    assert_int_equal(address, 0xdead000);
}

static void a_filter_that_declines_passes_to_the_outer_frame(void **state)
{
    volatile int inner = 0, outer = 0;

    (void)state;
    __try {
        __try {
            ExRaiseStatus(STATUS_UNSUCCESSFUL);
        } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION) {
            inner++;
        }
        inner++;
    } __except (GetExceptionCode() == STATUS_UNSUCCESSFUL) {
        outer++;
    }
    assert_int_equal(inner, 0);
    assert_int_equal(outer, 1);
}

static void finally_runs_after_the_body_and_knows_that_all_is_well(void **state)
{
    volatile int order = 0, abnormal = -1;

    (void)state;
    __try {
        order = order * 10 + 1;
    } __finally {
        order = order * 10 + 2;
        abnormal = AbnormalTermination();
    }
    order = order * 10 + 3;
    assert_int_equal(order, 123);
    assert_int_equal(abnormal, 0);
}

static void finally_runs_before_the_outer_handler(void **state)
{
    volatile int order = 0, abnormal = 0;
    volatile ULONG_PTR address = 0;
    static const ULONG_PTR read_from[] = {0, 0x1234};

    (void)state;
    __try {
        __try {
            order = order * 10 + 1;
            ft_seh_raise(STATUS_ACCESS_VIOLATION, NULL, 2, read_from);
        } __finally {
            order = order * 10 + 2;
            abnormal = AbnormalTermination();
        }
        order = order * 10 + 9;
    } __except (address = GetExceptionInformation()->ExceptionRecord->ExceptionInformation[1], 1) {
        order = order * 10 + 3;
        assert_int_equal(GetExceptionCode(), STATUS_ACCESS_VIOLATION);
    }
    assert_int_equal(order, 123);
    assert_int_not_equal(abnormal, 0);
    assert_int_equal(address, 0x1234);
}

static void leave_ends_the_body_from_inside_a_loop(void **state)
{
    volatile int rounds = 0, order = 0;

    (void)state;
    __try {
        for (;;) {
            if (++rounds == 3)
                __leave;
        }
    } __finally {
        order = order * 10 + 1;
        assert_int_equal(AbnormalTermination(), 0);
    }
    __try {
        __try {
            __leave;
        } __except (EXCEPTION_EXECUTE_HANDLER) {
        }
        order = order * 10 + 2;
        __leave;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        order = order * 10 + 9;
    }
    assert_int_equal(rounds, 3);
    assert_int_equal(order, 12);
}

static int return_from_body(int value)
{
    __try {
        __try {
            return value;
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            return -1;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return -2;
    }
    return -3; /* gcc -O0 cannot see that nothing arrives here; clang can */
}

static NTSTATUS return_from_handler(NTSTATUS status)
{
    __try {
        ExRaiseStatus(status);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
}

static void return_inside_a_body_takes_all_its_frames_off(void **state)
{
    volatile int caught = 0;

    (void)state;
    assert_int_equal(return_from_body(7), 7);
    assert_null(slots[0]);
    assert_int_equal(return_from_handler(STATUS_NO_MEMORY), STATUS_NO_MEMORY);
    __try {
        ExRaiseStatus(STATUS_CANCELLED); /* must not land in a function that has returned */
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        caught = 1;
    }
    assert_int_equal(caught, 1);
}

static void break_and_continue_act_on_the_loop_around_the_try(void **state)
{
    volatile int bodies = 0, handlers = 0;

    (void)state;
    for (volatile int i = 0; i < 10; i++) {
        __try {
            bodies++;
            if (i == 0)
                continue;
            if (i == 5)
                break;
            ExRaiseStatus(STATUS_UNSUCCESSFUL);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            if (i < 4)
                continue;
            handlers++;
        }
    }
    assert_int_equal(bodies, 6);
    assert_int_equal(handlers, 1);
    assert_null(slots[0]);
}

static void raise_from_deep(int depth)
{
    if (depth == 0)
        ExRaiseAccessViolation();
    __try {
        raise_from_deep(depth - 1);
    } __except (GetExceptionCode() == STATUS_DATATYPE_MISALIGNMENT) {
        fail();
    }
}

static void an_exception_crosses_calls_and_a_handler_may_raise_again(void **state)
{
    volatile NTSTATUS first = 0, second = 0;

    (void)state;
    __try {
        __try {
            raise_from_deep(5);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            first = GetExceptionCode();
            ExRaiseDatatypeMisalignment();
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        second = GetExceptionCode();
    }
    assert_int_equal(first, STATUS_ACCESS_VIOLATION);
    assert_int_equal(second, STATUS_DATATYPE_MISALIGNMENT);
}

static int filter_with_a_finally_of_its_own(volatile int *ran)
{
    __try {
        (*ran)++;
    } __finally {
        (*ran) += AbnormalTermination() ? 100 : 10;
    }
    return EXCEPTION_EXECUTE_HANDLER;
}

static void a_filter_may_use_finally_itself(void **state)
{
    volatile int ran = 0, handled = 0;

    (void)state;
    __try {
        ExRaiseStatus(STATUS_UNSUCCESSFUL);
    } __except (filter_with_a_finally_of_its_own(&ran)) {
        handled = 1;
    }
    assert_int_equal(ran, 11);
    assert_int_equal(handled, 1);
}

static int return_over_finally(void)
{
    __try {
        return 1;
    } __finally {
    }
    return 2;
}

static void what_is_not_modelled_stops_the_run_by_name(void **state)
{
    (void)state;
    if (setjmp(stop) == 0)
        return_over_finally();
    assert_non_null(misuse);
    assert_non_null(strstr(misuse, "__finally"));
    new_task(NULL);
    if (setjmp(stop) == 0) {
        __try {
            ExRaiseStatus(STATUS_UNSUCCESSFUL);
        } __except (EXCEPTION_CONTINUE_EXECUTION) {
        }
    }
    assert_non_null(misuse);
    assert_string_equal(misuse, "EXCEPTION_CONTINUE_EXECUTION");
    new_task(NULL);
}

static void an_exception_that_nobody_handles_is_bug_check_1e(void **state)
{
    (void)state;
    if (setjmp(stop) == 0) {
        __try {
            ExRaiseStatus(STATUS_NO_SUCH_DEVICE);
        } __except (EXCEPTION_CONTINUE_SEARCH) {
        }
    }
    assert_int_equal(bug_check, KMODE_EXCEPTION_NOT_HANDLED);
    assert_int_equal((NTSTATUS)bug_check_code, STATUS_NO_SUCH_DEVICE);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, new_task, no_frame_is_left)
    const struct CMUnitTest tests[] = {
        ROW(a_body_without_exception_skips_the_handler),
        ROW(a_raised_status_reaches_the_handler_with_its_code),
        ROW(a_filter_reads_the_record_of_an_access_violation),
        ROW(a_filter_that_declines_passes_to_the_outer_frame),
        ROW(finally_runs_after_the_body_and_knows_that_all_is_well),
        ROW(finally_runs_before_the_outer_handler),
        ROW(leave_ends_the_body_from_inside_a_loop),
        ROW(return_inside_a_body_takes_all_its_frames_off),
        ROW(break_and_continue_act_on_the_loop_around_the_try),
        ROW(an_exception_crosses_calls_and_a_handler_may_raise_again),
        ROW(a_filter_may_use_finally_itself),
        ROW(what_is_not_modelled_stops_the_run_by_name),
        ROW(an_exception_that_nobody_handles_is_bug_check_1e),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
