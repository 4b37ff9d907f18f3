/* Work items of both kinds. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { TAG = 0x31676154 };

static PDEVICE_OBJECT device;
static PIO_WORKITEM item;
static WORK_QUEUE_ITEM plain, plain2;
static KEVENT event;

static void begin(void)
{
    CHECK(NT_SUCCESS(
        IoCreateDevice(wb_driver_object(), 16, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device)));
    item = IoAllocateWorkItem(device);
    CHECK(item != NULL);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
}

static VOID works(PDEVICE_OBJECT object, PVOID context)
{
    CHECK(object == device && KeGetCurrentIrql() == PASSIVE_LEVEL);
    wb_note(context);
}

static VOID frees_itself(PVOID object, PVOID context, PIO_WORKITEM self)
{
    CHECK(object == device && self == item);
    wb_note(context);
    IoFreeWorkItem(self);
}

static void body_io(void)
{
    begin();
    IoQueueWorkItem(item, works, DelayedWorkQueue, "one");
    wb_note("queued");
    ft_task_wait_quiet();
    IoQueueWorkItemEx(item, frees_itself, CriticalWorkQueue, "two");
    ft_task_wait_quiet();
    IoDeleteDevice(device);
}

static void a_work_item_runs_at_passive_and_may_free_itself(void **state)
{
    (void)state;
    wb_body(body_io, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "queued one two");
    assert_int_equal(wb_count(FT_EV_WORK_INIT), 1);
    assert_int_equal(wb_event(FT_EV_WORK_QUEUE, 1)->arg[1], false);
    assert_int_equal(wb_last(FT_EV_WORK_FREE)->arg[1], false);
    assert_int_equal(wb_last(FT_EV_WORK_FREE)->arg[0], wb_last(FT_EV_WORK_INIT)->arg[0]);
    assert_int_equal(wb_event(FT_EV_CALL_ENTER, 2)->arg[0], FT_ROUTINE_WORK_ITEM);
    assert_int_equal(wb_event(FT_EV_TASK_NEW, 2)->arg[1], FT_TASK_WORK);
}

static VOID queues_again(PDEVICE_OBJECT object, PVOID context)
{
    static const char *const names[] = {"zero", "one", "two"};
    ULONG_PTR round = (ULONG_PTR)context;

    (void)object;
    wb_note(names[round]);
    if (round < 2)
        IoQueueWorkItem(item, queues_again, DelayedWorkQueue, (PVOID)(round + 1));
}

static void body_again(void)
{
    begin();
    IoQueueWorkItem(item, queues_again, DelayedWorkQueue, NULL);
    ft_task_wait_quiet();
    IoFreeWorkItem(item);
}

static void a_routine_may_queue_its_item_again(void **state)
{
    (void)state;
    wb_body(body_again, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "zero one two");
}

static void body_delete(void)
{
    begin();
    IoQueueWorkItem(item, works, DelayedWorkQueue, "late");
    IoDeleteDevice(device);
    wb_note("deleted");
    ft_task_wait_quiet();
    IoFreeWorkItem(item);
}

static void the_device_object_stays_while_its_item_is_queued(void **state)
{
    (void)state;
    wb_body(body_delete, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "deleted late");
}

static void body_queued_twice(void)
{
    begin();
    IoQueueWorkItem(item, works, DelayedWorkQueue, "never");
    IoQueueWorkItem(item, works, DelayedWorkQueue, "never");
    wb_note("never");
}

static void body_freed_while_queued(void)
{
    begin();
    IoQueueWorkItem(item, works, DelayedWorkQueue, "never");
    IoFreeWorkItem(item);
    wb_note("never");
}

static VOID plain_works(PVOID context);

static void body_plain_twice(void)
{
    ExInitializeWorkItem(&plain, plain_works, "never");
    ExQueueWorkItem(&plain, DelayedWorkQueue);
    ExQueueWorkItem(&plain, DelayedWorkQueue);
    wb_note("never");
}

static void queueing_or_freeing_a_queued_item_is_bug_check_96(void **state)
{
    static void (*const bodies[])(void) = {body_queued_twice, body_freed_while_queued,
                                           body_plain_twice};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        wb_body(bodies[i], FT_STOP_BUGCHECK);
        assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x96);
        assert_int_equal(wb_last(i == 1 ? FT_EV_WORK_FREE : FT_EV_WORK_QUEUE)->arg[1], true);
        assert_string_equal(wb_notes(), "");
    }
}

static void body_freed_twice(void)
{
    begin();
    IoFreeWorkItem(item);
    wb_note("once");
    IoFreeWorkItem(item);
    wb_note("never");
}

static void freeing_what_is_no_work_item_is_bug_check_c2(void **state)
{
    (void)state;
    wb_body(body_freed_twice, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC2);
    assert_string_equal(wb_notes(), "once");
}

static VOID returns_raised(PDEVICE_OBJECT object, PVOID context)
{
    (void)object, (void)context;
    wb_note("ran");
    KeRaiseIrqlToDpcLevel();
}

static void body_raised(void)
{
    begin();
    IoQueueWorkItem(item, returns_raised, DelayedWorkQueue, NULL);
    ft_task_wait_quiet();
    wb_note("never");
}

static void returning_above_passive_is_bug_check_e1(void **state)
{
    (void)state;
    wb_body(body_raised, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xE1);
    assert_string_equal(wb_notes(), "ran");
}

static VOID plain_works(PVOID context)
{
    wb_note(context);
}

static VOID waits(PVOID context)
{
    wb_note(context);
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
    wb_note("woken");
}

static void body_plain(void)
{
    begin();
    ExInitializeWorkItem(&plain, waits, "waits");
    ExInitializeWorkItem(&plain2, plain_works, "works");
    ExQueueWorkItem(&plain, DelayedWorkQueue);
    ExQueueWorkItem(&plain2, DelayedWorkQueue);
    ft_task_wait_quiet();
    KeSetEvent(&event, 0, FALSE);
    ft_task_wait_quiet();
    IoFreeWorkItem(item);
}

static void an_item_that_waits_does_not_keep_the_next(void **state)
{
    (void)state;
    wb_body(body_plain, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "waits works woken");
}

static void body_own_memory(void)
{
    PIO_WORKITEM own = ExAllocatePoolWithTag(NonPagedPool, IoSizeofWorkItem(), TAG);

    begin();
    IoInitializeWorkItem(device, own);
    IoQueueWorkItem(own, works, DelayedWorkQueue, "own");
    ft_task_wait_quiet();
    IoUninitializeWorkItem(own);
    ExFreePoolWithTag(own, TAG);
    IoFreeWorkItem(item);
}

static void an_item_in_the_drivers_memory_works_the_same(void **state)
{
    (void)state;
    wb_body(body_own_memory, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "own");
    assert_int_equal(wb_count(FT_EV_WORK_INIT), 2);
    assert_int_equal(wb_count(FT_EV_WORK_FREE), 2);
    assert_int_equal(wb_count(FT_EV_POOL_DAMAGE), 0);
}

static void body_above_dispatch(void)
{
    begin();
    KfRaiseIrql(5);
    IoQueueWorkItem(item, works, DelayedWorkQueue, "ran");
    KeLowerIrql(PASSIVE_LEVEL);
    ft_task_wait_quiet();
}

static void queueing_above_dispatch_shows_in_the_event(void **state)
{
    (void)state;
    wb_body(body_above_dispatch, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_WORK_QUEUE)->irql, 5);
    assert_string_equal(wb_notes(), "ran");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_work_item_runs_at_passive_and_may_free_itself),
        cmocka_unit_test(a_routine_may_queue_its_item_again),
        cmocka_unit_test(the_device_object_stays_while_its_item_is_queued),
        cmocka_unit_test(queueing_or_freeing_a_queued_item_is_bug_check_96),
        cmocka_unit_test(freeing_what_is_no_work_item_is_bug_check_c2),
        cmocka_unit_test(returning_above_passive_is_bug_check_e1),
        cmocka_unit_test(an_item_that_waits_does_not_keep_the_next),
        cmocka_unit_test(an_item_in_the_drivers_memory_works_the_same),
        cmocka_unit_test(queueing_above_dispatch_shows_in_the_event),
    };

    return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
