/* Callback objects, bug check callbacks, break points. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static KBUGCHECK_CALLBACK_RECORD record, record2;
static PCALLBACK_OBJECT object;
static PVOID registration;
static KEVENT event;

static VOID notes(PVOID context, PVOID argument1, PVOID argument2)
{
    CHECK(argument1 == &record && argument2 == &record2);
    wb_note(context);
}

static NTSTATUS open_named(PCALLBACK_OBJECT *ret, PCWSTR name, BOOLEAN create, BOOLEAN multiple)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING string;

    RtlInitUnicodeString(&string, name);
    InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return ExCreateCallback(ret, &attributes, create, multiple);
}

static void body_object(void)
{
    PCALLBACK_OBJECT again;
    PVOID second;

    CHECK(open_named(&object, L"\\Callback\\Mine", FALSE, TRUE) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(NT_SUCCESS(open_named(&object, L"\\Callback\\Mine", TRUE, TRUE)));
    CHECK(NT_SUCCESS(open_named(&again, L"\\callback\\MINE", FALSE, FALSE)) && again == object);
    ObDereferenceObject(again);
    registration = ExRegisterCallback(object, notes, "one");
    second = ExRegisterCallback(object, notes, "two");
    ExNotifyCallback(object, &record, &record2);
    ExUnregisterCallback(registration);
    ExNotifyCallback(object, &record, &record2);
    ExUnregisterCallback(second);
    ExNotifyCallback(object, &record, &record2);
    CHECK(ObDereferenceObject(object) == 0);
    CHECK(open_named(&object, L"\\Callback\\Mine", FALSE, TRUE) == STATUS_OBJECT_NAME_NOT_FOUND);
}

static void callbacks_are_called_in_the_order_of_registration(void **state)
{
    (void)state;
    wb_body(body_object, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "one two two");
    assert_int_equal(wb_count(FT_EV_CALLBACK), 4);
    assert_int_equal(wb_event(FT_EV_CALLBACK, 1)->arg[0], 2);
    assert_int_equal(wb_event(FT_EV_CALLBACK, 3)->arg[1], false);
}

static void body_single(void)
{
    CHECK(NT_SUCCESS(ExCreateCallback(&object, NULL, TRUE, FALSE)));
    registration = ExRegisterCallback(object, notes, "one");
    CHECK(registration && !ExRegisterCallback(object, notes, "two"));
    ExUnregisterCallback(registration);
    ObDereferenceObject(object);
    CHECK(NT_SUCCESS(open_named(&object, L"\\Callback\\PowerState", FALSE, TRUE)));
    registration = ExRegisterCallback(object, notes, "power");
    CHECK(registration != NULL);
    ExUnregisterCallback(registration);
    CHECK(ObDereferenceObject(object) == 1); /* Windows keeps its own */
    wb_note("done");
}

static void an_object_may_take_one_callback_only(void **state)
{
    (void)state;
    wb_body(body_single, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
}

static VOID slow(PVOID context, PVOID argument1, PVOID argument2)
{
    (void)context, (void)argument1, (void)argument2;
    wb_note("begins");
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    wb_note("ends");
}

static void notifies(void *unused)
{
    (void)unused;
    ExNotifyCallback(object, NULL, NULL);
}

static void unregisters(void *unused)
{
    (void)unused;
    ExUnregisterCallback(registration);
    wb_note("unregistered");
}

static void body_running(void)
{
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    ExCreateCallback(&object, NULL, TRUE, FALSE);
    registration = ExRegisterCallback(object, slow, NULL);
    ft_task_spawn(FT_TASK_THREAD, notifies, NULL, 0);
    ft_task_wait_quiet();
    ft_task_spawn(FT_TASK_THREAD, unregisters, NULL, 0);
    ft_task_wait_quiet();
    wb_note("lets go");
    KeSetEvent(&event, 0, FALSE);
    ft_task_wait_quiet();
    ObDereferenceObject(object);
}

static void unregistering_waits_for_a_callback_that_runs(void **state)
{
    (void)state;
    wb_body(body_running, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "begins lets go ends unregistered");
}

/* ---- bug checks ---- */

static VOID at_bugcheck(PVOID buffer, ULONG length)
{
    CHECK(length == 4 && KeGetCurrentIrql() == HIGH_LEVEL);
    wb_note(buffer);
}

static BOOLEAN add_record(PKBUGCHECK_CALLBACK_RECORD which, char *buffer)
{
    return KeRegisterBugCheckCallback(which, at_bugcheck, buffer, 4, (PUCHAR) "bench");
}

static void body_bugcheck(void)
{
    KeInitializeCallbackRecord(&record);
    KeInitializeCallbackRecord(&record2);
    CHECK(!KeDeregisterBugCheckCallback(&record));
    CHECK(add_record(&record, "one") && add_record(&record2, "two"));
    CHECK(!add_record(&record, "one"));
    CHECK(KeDeregisterBugCheckCallback(&record) && !KeDeregisterBugCheckCallback(&record));
    CHECK(add_record(&record, "one"));
    KeBugCheck(0xE2);
}

static void bug_check_callbacks_run_at_the_end(void **state)
{
    (void)state;
    wb_body(body_bugcheck, FT_STOP_BUGCHECK);
    assert_string_equal(wb_notes(), "one two");
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xE2);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 0);
    assert_int_equal(wb_count(FT_EV_CALLBACK), 4);
}

static VOID stops_again(PVOID buffer, ULONG length)
{
    (void)buffer, (void)length;
    wb_note("again");
    KeBugCheck(0xE3);
}

static void body_nested(void)
{
    KeInitializeCallbackRecord(&record);
    KeRegisterBugCheckCallback(&record, stops_again, NULL, 0, NULL);
    KeBugCheckEx(0xE2, 1, 2, 3, 4);
}

static void a_bug_check_in_a_callback_ends_it(void **state)
{
    (void)state;
    wb_body(body_nested, FT_STOP_BUGCHECK);
    assert_string_equal(wb_notes(), "again");
    assert_int_equal(wb_event(FT_EV_RUN_BUGCHECK, 1)->arg[4], 4);
}

static void body_break(void)
{
    volatile NTSTATUS status = 0;

    __try {
        DbgBreakPointWithStatus(1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK(status == STATUS_BREAKPOINT);
    wb_note("handled");
    DbgBreakPoint();
    wb_note("never");
}

static void a_break_point_without_debugger_is_an_exception(void **state)
{
    (void)state;
    wb_body(body_break, FT_STOP_BUGCHECK);
    assert_string_equal(wb_notes(), "handled");
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x1E);
    assert_int_equal((uint32_t)wb_last(FT_EV_RUN_BUGCHECK)->arg[1], (uint32_t)STATUS_BREAKPOINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callbacks_are_called_in_the_order_of_registration),
        cmocka_unit_test(an_object_may_take_one_callback_only),
        cmocka_unit_test(unregistering_waits_for_a_callback_that_runs),
        cmocka_unit_test(bug_check_callbacks_run_at_the_end),
        cmocka_unit_test(a_bug_check_in_a_callback_ends_it),
        cmocka_unit_test(a_break_point_without_debugger_is_an_exception),
    };

    return cmocka_run_group_tests_name("callbacks", tests, NULL, NULL);
}
