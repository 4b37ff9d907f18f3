/* Interlocked lists, sequenced lists, sums under a lock. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static KSPIN_LOCK lock;

static void body_doubly(void)
{
    LIST_ENTRY head, one, two, three;

    KeInitializeSpinLock(&lock);
    InitializeListHead(&head);
    CHECK(ExInterlockedRemoveHeadList(&head, &lock) == NULL);
    CHECK(ExInterlockedInsertHeadList(&head, &two, &lock) == NULL);
    CHECK(ExInterlockedInsertHeadList(&head, &one, &lock) == &two);
    CHECK(ExInterlockedInsertTailList(&head, &three, &lock) == &two);
    CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &one);
    CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &two);
    CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &three && IsListEmpty(&head));
    CHECK(ExInterlockedInsertTailList(&head, &one, &lock) == NULL);
    CHECK(lock == 0 && KeGetCurrentIrql() == PASSIVE_LEVEL);
    wb_note("done");
}

static void doubly_linked_lists_return_the_neighbour(void **state)
{
    (void)state;
    wb_body(body_doubly, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
}

static void body_singly(void)
{
    SINGLE_LIST_ENTRY head = {NULL}, one, two;
    LARGE_INTEGER sum = {.QuadPart = -3}, add = {.QuadPart = 5};
    ULONG count = 0xFFFFFFFF;

    KeInitializeSpinLock(&lock);
    CHECK(ExInterlockedPopEntryList(&head, &lock) == NULL);
    CHECK(ExInterlockedPushEntryList(&head, &one, &lock) == NULL);
    CHECK(ExInterlockedPushEntryList(&head, &two, &lock) == &one);
    CHECK(ExInterlockedPopEntryList(&head, &lock) == &two);
    CHECK(ExInterlockedPopEntryList(&head, &lock) == &one && head.Next == NULL);
    CHECK(ExInterlockedAddUlong(&count, 2, &lock) == 0xFFFFFFFF && count == 1);
    CHECK(ExInterlockedAddLargeInteger(&sum, add, &lock).QuadPart == -3 && sum.QuadPart == 2);
    KeRaiseIrqlToDpcLevel();
    CHECK(ExInterlockedAddUlong(&count, 1, &lock) == 1 && KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeLowerIrql(PASSIVE_LEVEL);
    wb_note("done");
}

static void singly_linked_lists_and_sums_return_what_was(void **state)
{
    (void)state;
    wb_body(body_singly, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
}

/* The forms without a lock are macros and inline functions of the headers. */
static void body_unlocked(void)
{
    SINGLE_LIST_ENTRY single = {NULL}, one, two;
    LIST_ENTRY head, more, a, b, c;

    PushEntryList(&single, &one);
    PushEntryList(&single, &two);
    CHECK(PopEntryList(&single) == &two && PopEntryList(&single) == &one);
    CHECK(PopEntryList(&single) == NULL);
    InitializeListHead(&head);
    InitializeListHead(&more);
    InsertTailList(&head, &a);
    InsertTailList(&more, &b);
    InsertTailList(&more, &c);
    RemoveEntryList(&more); /* its entries are a ring without a head */
    AppendTailList(&head, &b);
    CHECK(RemoveTailList(&head) == &c && RemoveHeadList(&head) == &a);
    CHECK(RemoveHeadList(&head) == &b && IsListEmpty(&head));
    wb_note("done");
}

static void lists_without_a_lock_are_joined_and_taken_apart(void **state)
{
    (void)state;
    wb_body(body_unlocked, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
}

static void body_broken(void)
{
    LIST_ENTRY head, one, stray;

    KeInitializeSpinLock(&lock);
    InitializeListHead(&head);
    ExInterlockedInsertHeadList(&head, &one, &lock);
    one.Flink = &stray;
    stray.Blink = NULL;
    wb_note("broken");
    ExInterlockedRemoveHeadList(&head, &lock);
    wb_note("never");
}

static void a_broken_list_stops_the_machine(void **state)
{
    (void)state;
    wb_body(body_broken, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x139);
    assert_string_equal(wb_notes(), "broken");
}

static LIST_ENTRY shared_head, shared_entry;

static void inserts(void *unused)
{
    (void)unused;
    ExInterlockedInsertTailList(&shared_head, &shared_entry, &lock);
    wb_note("inserted");
}

static void body_lock_held(void)
{
    struct ft_task *task = ft_task_spawn(FT_TASK_THREAD, inserts, NULL, 0);
    KIRQL old;

    KeInitializeSpinLock(&lock);
    InitializeListHead(&shared_head);
    KeAcquireSpinLock(&lock, &old);
    ft_task_prefer(task);
    KeStallExecutionProcessor(1);
    wb_note("frees");
    KeReleaseSpinLock(&lock, old);
    ft_task_wait_quiet();
    CHECK(!IsListEmpty(&shared_head));
}

static void a_list_waits_for_its_lock(void **state)
{
    (void)state;
    wb_body_on(2, body_lock_held);
    assert_string_equal(wb_notes(), "frees inserted");
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 1);
}

static void body_sequenced(void)
{
    SLIST_HEADER head;
    SLIST_ENTRY one, two, three;

    InitializeSListHead(&head);
    CHECK(ExQueryDepthSList(&head) == 0 && InterlockedPopEntrySList(&head) == NULL);
    CHECK(InterlockedPushEntrySList(&head, &one) == NULL);
    CHECK(ExInterlockedPushEntrySList(&head, &two, &lock) == &one);
    CHECK(InterlockedPushEntrySList(&head, &three) == &two);
    CHECK(ExQueryDepthSList(&head) == 3);
    CHECK(ExInterlockedPopEntrySList(&head, &lock) == &three && ExQueryDepthSList(&head) == 2);
    CHECK(InterlockedFlushSList(&head) == &two && two.Next == &one && one.Next == NULL);
    CHECK(ExQueryDepthSList(&head) == 0 && ExInterlockedFlushSList(&head) == NULL);
    wb_note("done");
}

static void sequenced_lists_are_last_in_first_out(void **state)
{
    (void)state;
    wb_body(body_sequenced, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "done");
}

static void body_misaligned(void)
{
    static _Alignas(16) char bytes[64];
    volatile NTSTATUS status = 0;
    void *volatile odd = bytes + 8;

    __try {
        InitializeSListHead(odd);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK(status == STATUS_DATATYPE_MISALIGNMENT);
    wb_note("raised");
}

static void a_sequenced_list_must_be_aligned(void **state)
{
    (void)state;
    wb_body(body_misaligned, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "raised");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubly_linked_lists_return_the_neighbour),
        cmocka_unit_test(singly_linked_lists_and_sums_return_what_was),
        cmocka_unit_test(lists_without_a_lock_are_joined_and_taken_apart),
        cmocka_unit_test(a_broken_list_stops_the_machine),
        cmocka_unit_test(a_list_waits_for_its_lock),
        cmocka_unit_test(sequenced_lists_are_last_in_first_out),
        cmocka_unit_test(a_sequenced_list_must_be_aligned),
    };

    return cmocka_run_group_tests_name("lists", tests, NULL, NULL);
}
