/* System threads, thread objects, references and handles, affinity. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MS = 10000 /* 100 ns */ };

static KEVENT go;
static PKTHREAD seen;
static HANDLE seen_id;

static NTSTATUS wait_for(PVOID object)
{
    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, NULL);
}

static void pass_ms(LONGLONG ms)
{
    LARGE_INTEGER interval = {.QuadPart = -ms * MS};

    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

static HANDLE create(PKSTART_ROUTINE routine, PVOID context)
{
    HANDLE handle = NULL;

    CHECK(NT_SUCCESS(
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, context)));
    return handle;
}

static PVOID reference(HANDLE handle)
{
    PVOID object = NULL;

    CHECK(NT_SUCCESS(
        ObReferenceObjectByHandle(handle, SYNCHRONIZE, *PsThreadType, KernelMode, &object, NULL)));
    return object;
}

/* ---- life of a thread ---- */

static VOID returns(PVOID context)
{
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    seen = KeGetCurrentThread();
    seen_id = PsGetCurrentThreadId();
    wb_note(context);
}

static VOID terminates(PVOID context)
{
    wb_note(context);
    PsTerminateSystemThread(STATUS_CANCELLED);
    wb_note("never");
}

static void body_life(void)
{
    CLIENT_ID client;
    HANDLE handle;
    PVOID thread;

    CHECK(NT_SUCCESS(
        PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, &client, returns, "runs")));
    thread = reference(handle);
    CHECK(NT_SUCCESS(ZwClose(handle)));
    CHECK(wait_for(thread) == STATUS_SUCCESS);
    wb_note("over");
    CHECK(seen == thread && seen != KeGetCurrentThread());
    CHECK(client.UniqueThread == seen_id && seen_id != PsGetCurrentThreadId());
    CHECK(client.UniqueProcess == PsGetCurrentProcessId());
    CHECK(wait_for(thread) == STATUS_SUCCESS); /* it stays signalled */
    CHECK(ObDereferenceObject(thread) == 0);
    handle = create(terminates, "ends");
    thread = reference(handle);
    ZwClose(handle);
    wait_for(thread);
    ObDereferenceObject(thread);
    wb_note("over");
}

static void a_thread_ends_by_return_or_by_its_own_call_and_signals(void **state)
{
    (void)state;
    wb_body(body_life, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "runs over ends over");
    assert_int_equal(wb_event(FT_EV_THREAD_END, 1)->arg[2], true);
    assert_int_equal(wb_event(FT_EV_THREAD_END, 2)->arg[2], false);
    assert_int_equal(wb_event(FT_EV_THREAD_END, 2)->arg[1], (uint32_t)STATUS_CANCELLED);
    assert_int_equal(wb_event(FT_EV_THREAD_NEW, 1)->arg[0], wb_event(FT_EV_THREAD_END, 1)->arg[0]);
    assert_int_equal(wb_event(FT_EV_CALL_ENTER, 2)->arg[0], FT_ROUTINE_THREAD);
}

static void body_foreign(void)
{
    CHECK(PsTerminateSystemThread(STATUS_SUCCESS) == STATUS_INVALID_PARAMETER);
    wb_note("here");
}

static void only_a_thread_of_the_driver_can_end_itself(void **state)
{
    (void)state;
    wb_body(body_foreign, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "here");
    assert_int_equal(wb_count(FT_EV_THREAD_END), 0);
}

static VOID waits_for_ever(PVOID context)
{
    (void)context;
    wait_for(&go);
    wb_note("never");
}

static void body_left(void)
{
    KeInitializeEvent(&go, NotificationEvent, FALSE);
    ZwClose(create(waits_for_ever, NULL));
    pass_ms(1);
}

static void a_thread_that_waits_is_no_hang_and_is_seen_to_be_left(void **state)
{
    (void)state;
    wb_body(body_left, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_THREAD_NEW), 1);
    assert_int_equal(wb_count(FT_EV_THREAD_END), 0);
    assert_int_equal(wb_count(FT_EV_RUN_HANG), 0);
}

static void body_join_for_ever(void)
{
    KeInitializeEvent(&go, NotificationEvent, FALSE);
    wait_for(reference(create(waits_for_ever, NULL)));
}

static void waiting_for_a_thread_that_never_ends_hangs(void **state)
{
    (void)state;
    wb_body(body_join_for_ever, FT_STOP_HANG);
    assert_int_equal(wb_count(FT_EV_RUN_HANG), 1);
}

static void body_at_dispatch(void)
{
    HANDLE handle;

    KeRaiseIrqlToDpcLevel();
    PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, returns, "ran");
    KeLowerIrql(PASSIVE_LEVEL);
    pass_ms(1);
}

static void creating_one_at_dispatch_shows_in_the_event(void **state)
{
    (void)state;
    wb_body(body_at_dispatch, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_THREAD_NEW)->irql, DISPATCH_LEVEL);
}

static VOID dies_with_mutex(PVOID context)
{
    wait_for(context);
}

static void body_held(void)
{
    static KMUTEX mutex;

    KeInitializeMutex(&mutex, 0);
    create(dies_with_mutex, &mutex);
    pass_ms(1);
    wb_note("never");
}

static void a_thread_that_ends_with_a_mutex_stops_the_machine(void **state)
{
    (void)state;
    wb_body(body_held, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x4000008A);
    assert_string_equal(wb_notes(), "");
}

/* ---- references and handles ---- */

static void body_handles(void)
{
    OBJECT_HANDLE_INFORMATION information;
    PVOID object = &go, again = NULL;
    HANDLE handle, second;

    KeInitializeEvent(&go, NotificationEvent, FALSE);
    CHECK(NT_SUCCESS(
        PsCreateSystemThread(&handle, SYNCHRONIZE, NULL, NULL, NULL, waits_for_ever, NULL)));
    CHECK(ObReferenceObjectByHandle(handle, 0, *ExEventObjectType, KernelMode, &object, NULL) ==
          STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(object == NULL);
    CHECK(ObReferenceObjectByHandle(handle, THREAD_TERMINATE, *PsThreadType, UserMode, &object,
                                    NULL) == STATUS_ACCESS_DENIED);
    CHECK(NT_SUCCESS(
        ObReferenceObjectByHandle(handle, SYNCHRONIZE, NULL, UserMode, &object, &information)));
    CHECK(information.GrantedAccess == SYNCHRONIZE);
    CHECK(
        NT_SUCCESS(ObOpenObjectByPointer(object, 0, NULL, 0, *PsThreadType, KernelMode, &second)));
    CHECK(second != handle);
    CHECK(ObOpenObjectByPointer(object, 0, NULL, 0, *ExEventObjectType, KernelMode, &second) ==
          STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(NT_SUCCESS(ObReferenceObjectByHandle(second, 0, NULL, KernelMode, &again, NULL)));
    CHECK(again == object);
    CHECK(NT_SUCCESS(ObReferenceObjectByPointer(object, 0, *PsThreadType, KernelMode)));
    CHECK(ObReferenceObjectByPointer(object, 0, *IoFileObjectType, KernelMode) ==
          STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(ObReferenceObject(object) == 7); /* itself, two handles, four references */
    CHECK(NT_SUCCESS(ZwClose(handle)) && ZwClose(handle) == STATUS_INVALID_HANDLE);
    CHECK(NT_SUCCESS(ObCloseHandle(second, KernelMode)));
    CHECK(ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &again, NULL) ==
          STATUS_INVALID_HANDLE);
    ObDereferenceObjectDeferDelete(object);
    CHECK(ObDereferenceObject(object) == 3);
    CHECK(NT_SUCCESS(
        ObReferenceObjectByHandle(ZwCurrentThread(), 0, NULL, KernelMode, &again, NULL)));
    CHECK(again == KeGetCurrentThread());
}

static void handles_and_references_keep_an_object(void **state)
{
    (void)state;
    wb_body(body_handles, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_HANDLE_OPEN), 2);
    assert_int_equal(wb_count(FT_EV_HANDLE_CLOSE), 3);
    assert_int_equal(wb_event(FT_EV_HANDLE_CLOSE, 2)->arg[0], 0);
    assert_int_equal(wb_event(FT_EV_HANDLE_CLOSE, 3)->arg[0],
                     wb_event(FT_EV_HANDLE_OPEN, 2)->arg[0]);
    assert_int_equal(wb_last(FT_EV_OBJECT_DEREFERENCE)->arg[1], 3);
}

static void body_too_many(void)
{
    PVOID thread;
    HANDLE handle;

    KeInitializeEvent(&go, NotificationEvent, FALSE);
    handle = create(waits_for_ever, NULL);
    thread = reference(handle);
    ZwClose(handle);
    ObDereferenceObject(thread);
    wb_note("once");
    ObDereferenceObject(thread);
    wb_note("never");
}

static void body_no_object(void)
{
    wb_note("once");
    ObReferenceObject(&go);
    wb_note("never");
}

static void a_reference_too_many_given_back_is_bug_check_18(void **state)
{
    static void (*const bodies[])(void) = {body_too_many, body_no_object};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        wb_body(bodies[i], FT_STOP_BUGCHECK);
        assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x18);
        assert_string_equal(wb_notes(), "once");
    }
}

static void body_device(void)
{
    PDEVICE_OBJECT device;

    CHECK(NT_SUCCESS(
        IoCreateDevice(wb_driver_object(), 16, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device)));
    CHECK(ObReferenceObject(device) == 2);
    IoDeleteDevice(device);
    device->Flags |= DO_DIRECT_IO; /* still there */
    CHECK(ObDereferenceObject(device) == 0);
    wb_note("gone");
}

static void a_deleted_device_stays_until_its_last_reference_goes(void **state)
{
    (void)state;
    wb_body(body_device, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "gone");
}

/* ---- priority, affinity, identity ---- */

static void body_priority(void)
{
    PKTHREAD thread = KeGetCurrentThread();

    CHECK(KeQueryPriorityThread(thread) == 8);
    CHECK(KeSetPriorityThread(thread, LOW_REALTIME_PRIORITY) == 8);
    CHECK(KeQueryPriorityThread(thread) == LOW_REALTIME_PRIORITY);
    CHECK(KeSetBasePriorityThread(thread, 2) == 0);
    CHECK(KeSetBasePriorityThread(thread, -1) == 2);
    CHECK(KeQueryPriorityThread(thread) == 7);
    CHECK(IoGetCurrentProcess() && PsGetCurrentProcess() == IoGetCurrentProcess());
    CHECK(PsGetCurrentThread() == (PETHREAD)thread);
    wb_note("set");
}

static void priorities_are_kept_and_told(void **state)
{
    (void)state;
    wb_body(body_priority, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "set");
}

static void body_affinity(void)
{
    GROUP_AFFINITY group = {.Mask = 1}, old;

    KeSetSystemAffinityThread(2);
    CHECK(KeGetCurrentProcessorNumber() == 1);
    pass_ms(1);
    CHECK(KeGetCurrentProcessorNumber() == 1);
    CHECK(KeSetSystemAffinityThreadEx(1) == 2);
    CHECK(KeGetCurrentProcessorNumber() == 0);
    CHECK(KeSetSystemAffinityThreadEx(4) == 0); /* no such processor: nothing changes */
    KeRevertToUserAffinityThreadEx(2);
    CHECK(KeGetCurrentProcessorNumber() == 1);
    KeSetSystemGroupAffinityThread(&group, &old);
    CHECK(old.Mask == 2 && old.Group == 0 && KeGetCurrentProcessorNumber() == 0);
    KeRevertToUserGroupAffinityThread(&old);
    CHECK(KeGetCurrentProcessorNumber() == 1);
    KeRevertToUserAffinityThread();
    pass_ms(1);
    CHECK(KeGetCurrentProcessorNumber() == 0);
    wb_note("moved");
}

static void a_thread_runs_where_its_affinity_says(void **state)
{
    (void)state;
    wb_body_on(2, body_affinity);
    assert_string_equal(wb_notes(), "moved");
}

static ULONG_PTR everywhere(ULONG_PTR argument)
{
    static const char *const names[] = {"zero", "one", "two"};
    PROCESSOR_NUMBER number;

    CHECK(KeGetCurrentIrql() == IPI_LEVEL);
    CHECK(KeGetCurrentProcessorNumberEx(&number) == number.Number && number.Group == 0);
    wb_note(names[number.Number]);
    return argument + number.Number;
}

static void body_processors(void)
{
    PROCESSOR_NUMBER number = {.Number = 2}, none = {.Number = 3};

    CHECK(KeIpiGenericCall(everywhere, 40) == 40);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    CHECK(KeGetProcessorIndexFromNumber(&number) == 2);
    CHECK(KeGetProcessorIndexFromNumber(&none) == 0xFFFFFFFF);
    CHECK(NT_SUCCESS(KeGetProcessorNumberFromIndex(1, &number)) && number.Number == 1);
    CHECK(KeGetProcessorNumberFromIndex(3, &number) == STATUS_INVALID_PARAMETER);
    CHECK(KeQueryGroupAffinity(0) == 7 && KeQueryGroupAffinity(1) == 0);
    CHECK(KeQueryHighestNodeNumber() == 0 && KeGetCurrentNodeNumber() == 0);
    CHECK(KeGetRecommendedSharedDataAlignment() == 64 && KeInvalidateAllCaches());
    KeInvalidateRangeAllCaches(&number, sizeof number);
    KeFlushWriteBuffer();
}

static void a_broadcast_runs_once_for_each_processor(void **state)
{
    (void)state;
    wb_body_on(3, body_processors);
    assert_string_equal(wb_notes(), "zero one two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_ends_by_return_or_by_its_own_call_and_signals),
        cmocka_unit_test(only_a_thread_of_the_driver_can_end_itself),
        cmocka_unit_test(a_thread_that_waits_is_no_hang_and_is_seen_to_be_left),
        cmocka_unit_test(waiting_for_a_thread_that_never_ends_hangs),
        cmocka_unit_test(creating_one_at_dispatch_shows_in_the_event),
        cmocka_unit_test(a_thread_that_ends_with_a_mutex_stops_the_machine),
        cmocka_unit_test(handles_and_references_keep_an_object),
        cmocka_unit_test(a_reference_too_many_given_back_is_bug_check_18),
        cmocka_unit_test(a_deleted_device_stays_until_its_last_reference_goes),
        cmocka_unit_test(priorities_are_kept_and_told),
        cmocka_unit_test(a_thread_runs_where_its_affinity_says),
        cmocka_unit_test(a_broadcast_runs_once_for_each_processor),
    };

    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
