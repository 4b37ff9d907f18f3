/* Events with names and handles. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static UNICODE_STRING name;
static OBJECT_ATTRIBUTES attributes;

static void begin(PCWSTR text, ULONG flags)
{
    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&attributes, &name, flags, NULL, NULL);
}

static NTSTATUS look_at(HANDLE handle)
{
    LARGE_INTEGER none = {.QuadPart = 0};

    return ZwWaitForSingleObject(handle, FALSE, &none);
}

static void body_handles(void)
{
    HANDLE handle, second;
    LONG previous = 9;

    begin(L"\\BaseNamedObjects\\Mine", OBJ_KERNEL_HANDLE);
    CHECK(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &attributes) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(NT_SUCCESS(
        ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &attributes, SynchronizationEvent, FALSE)));
    CHECK(ZwCreateEvent(&second, EVENT_ALL_ACCESS, &attributes, SynchronizationEvent, FALSE) ==
          STATUS_OBJECT_NAME_COLLISION);
    CHECK(NT_SUCCESS(ZwOpenEvent(&second, EVENT_ALL_ACCESS, &attributes)));
    CHECK(look_at(handle) == STATUS_TIMEOUT);
    CHECK(NT_SUCCESS(ZwSetEvent(second, &previous)) && previous == 0);
    CHECK(look_at(handle) == STATUS_SUCCESS && look_at(handle) == STATUS_TIMEOUT);
    CHECK(NT_SUCCESS(ZwClose(second)));
    begin(L"\\basenamedobjects\\MINE", OBJ_KERNEL_HANDLE | OBJ_OPENIF);
    CHECK(ZwCreateEvent(&second, EVENT_ALL_ACCESS, &attributes, SynchronizationEvent, FALSE) ==
          STATUS_OBJECT_NAME_EXISTS);
    ZwClose(second);
    CHECK(ZwSetEvent(second, NULL) == STATUS_INVALID_HANDLE);
    CHECK(look_at(second) == STATUS_INVALID_HANDLE);
    ZwClose(handle);
    CHECK(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &attributes) == STATUS_OBJECT_NAME_NOT_FOUND);
    wb_note("done");
}

static void a_named_event_lives_as_long_as_a_handle_to_it(void **state)
{
    (void)state;
    wb_body(body_handles, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
    assert_int_equal(wb_count(FT_EV_EVENT_INIT), 1);
    assert_int_equal(wb_count(FT_EV_HANDLE_OPEN), 3);
    assert_int_equal(wb_count(FT_EV_HANDLE_CLOSE), 3);
}

static void body_io(void)
{
    HANDLE handle, second, wrong;
    PKEVENT event, same;
    PVOID object;

    RtlInitUnicodeString(&name, L"\\BaseNamedObjects\\Io");
    event = IoCreateNotificationEvent(&name, &handle);
    same = IoCreateSynchronizationEvent(&name, &second);
    CHECK(event && event == same && KeReadStateEvent(event)); /* signalled at first */
    CHECK(KeResetEvent(event) && look_at(second) == STATUS_TIMEOUT);
    CHECK(NT_SUCCESS(ObReferenceObjectByHandle(handle, EVENT_MODIFY_STATE, *ExEventObjectType,
                                               KernelMode, &object, NULL)));
    CHECK(object == event);
    ZwClose(handle);
    ZwClose(second);
    KeSetEvent(event, 0, FALSE); /* the reference keeps it */
    ObDereferenceObject(object);
    ObOpenObjectByPointer(KeGetCurrentThread(), 0, NULL, 0, NULL, KernelMode, &wrong);
    CHECK(ZwSetEvent(wrong, NULL) == STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(look_at(wrong) == STATUS_TIMEOUT);
    ZwClose(wrong);
    wb_note("done");
}

static void the_io_manager_opens_or_makes_an_event(void **state)
{
    (void)state;
    wb_body(body_io, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
    assert_int_equal(wb_count(FT_EV_EVENT_INIT), 1);
}

static void body_at_dispatch(void)
{
    HANDLE handle;

    KeRaiseIrqlToDpcLevel();
    ZwCreateEvent(&handle, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE);
    KeLowerIrql(PASSIVE_LEVEL);
    ZwClose(handle);
}

static void creating_one_at_dispatch_shows_in_the_event(void **state)
{
    (void)state;
    wb_body(body_at_dispatch, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_HANDLE_OPEN)->irql, DISPATCH_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_named_event_lives_as_long_as_a_handle_to_it),
        cmocka_unit_test(the_io_manager_opens_or_makes_an_event),
        cmocka_unit_test(creating_one_at_dispatch_shows_in_the_event),
    };

    return cmocka_run_group_tests_name("named events", tests, NULL, NULL);
}
