/* DPCs: one queue in order, once in it at a time, on the processor that queued them. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static KDPC dpc[3];

static VOID note_context(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)argument1, (void)argument2;
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    wb_note(context);
}

static void initialize_all(PKDEFERRED_ROUTINE routine)
{
    static char *const names[] = {"a", "b", "c"};

    for (unsigned i = 0; i < 3; i++)
        KeInitializeDpc(&dpc[i], routine, names[i]);
}

static void body_order(void)
{
    initialize_all(note_context);
    CHECK(KeInsertQueueDpc(&dpc[1], NULL, NULL));
    CHECK(KeInsertQueueDpc(&dpc[0], NULL, NULL));
    CHECK(KeInsertQueueDpc(&dpc[2], NULL, NULL));
    wb_note("queued");
    ft_task_wait_quiet();
    wb_note("quiet");
}

static void dpcs_run_in_the_order_they_were_queued(void **state)
{
    (void)state;
    wb_body(body_order, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "queued b a c quiet");
    assert_int_equal(wb_event(FT_EV_CALL_ENTER, 2)->arg[0], FT_ROUTINE_DPC);
}

static void *got[2];

static VOID keep_arguments(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)context;
    wb_note("ran");
    got[0] = argument1;
    got[1] = argument2;
}

static void body_twice(void)
{
    int one, two, three;

    KeInitializeDpc(&dpc[0], keep_arguments, NULL);
    CHECK(KeInsertQueueDpc(&dpc[0], &one, &two));
    CHECK(!KeInsertQueueDpc(&dpc[0], &three, &three));
    ft_task_wait_quiet();
    CHECK(got[0] == &one && got[1] == &two);
    CHECK(KeInsertQueueDpc(&dpc[0], &three, &three));
    ft_task_wait_quiet();
    CHECK(got[0] == &three);
}

static void a_second_insert_says_no_and_loses_its_arguments(void **state)
{
    (void)state;
    wb_body(body_twice, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "ran ran");
    assert_int_equal(wb_event(FT_EV_DPC_INSERT, 1)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_DPC_INSERT, 2)->arg[1], false);
}

static VOID queue_itself(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)context, (void)argument2;
    wb_note("ran");
    if (!argument1)
        CHECK(KeInsertQueueDpc(object, object, NULL));
}

static void body_requeue(void)
{
    KeInitializeDpc(&dpc[0], queue_itself, NULL);
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    ft_task_wait_quiet();
}

static void a_dpc_leaves_the_queue_before_it_runs(void **state)
{
    (void)state;
    wb_body(body_requeue, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "ran ran");
}

static void body_remove(void)
{
    initialize_all(note_context);
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    KeInsertQueueDpc(&dpc[1], NULL, NULL);
    KeInsertQueueDpc(&dpc[2], NULL, NULL);
    CHECK(KeRemoveQueueDpc(&dpc[1]));
    CHECK(!KeRemoveQueueDpc(&dpc[1]));
    ft_task_wait_quiet();
    CHECK(!KeRemoveQueueDpc(&dpc[0])); /* it has run */
    CHECK(KeInsertQueueDpc(&dpc[1], NULL, NULL));
    ft_task_wait_quiet();
}

static void a_removed_dpc_does_not_run_and_may_be_queued_again(void **state)
{
    (void)state;
    wb_body(body_remove, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "a c b");
}

static void body_flush(void)
{
    initialize_all(note_context);
    KeFlushQueuedDpcs();
    wb_note("nothing");
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    KeInsertQueueDpc(&dpc[1], NULL, NULL);
    KeFlushQueuedDpcs();
    wb_note("flushed");
}

static void flushing_waits_for_what_was_queued(void **state)
{
    (void)state;
    wb_body(body_flush, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "nothing a b flushed");
    assert_int_equal(wb_count(FT_EV_DPC_FLUSH), 2);
}

static void body_level(void)
{
    KIRQL old;

    initialize_all(note_context);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    KeInsertQueueDpc(&dpc[1], NULL, NULL);
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    ft_task_yield();                  /* others may go first, if they can */
    CHECK(KeRemoveQueueDpc(&dpc[1])); /* it is in the queue still */
    wb_note("still");
    KeLowerIrql(old);
    ft_task_yield();
    wb_note("lowered");
}

static void a_dpc_waits_for_its_processor_to_drop_below_dispatch(void **state)
{
    (void)state;
    for (unsigned processors = 1; processors <= FT_CPUS_MAX; processors++) {
        wb_body_on(processors, body_level);
        assert_string_equal(wb_notes(), "still a lowered");
    }
}

static VOID note_processor(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)context, (void)argument1, (void)argument2;
    wb_note(KeGetCurrentProcessorNumber() == 1 ? "on-1" : "elsewhere");
}

static void queue_from_here(void *unused)
{
    (void)unused;
    CHECK(KeGetCurrentProcessorNumber() == 1);
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
}

static void body_processor(void)
{
    struct ft_task *task = ft_task_spawn(FT_TASK_THREAD, queue_from_here, NULL, 0);
    KIRQL old;

    KeInitializeDpc(&dpc[0], note_processor, NULL);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    ft_task_prefer(task);
    KeStallExecutionProcessor(1);
    ft_task_yield();
    wb_note("back");
    KeLowerIrql(old);
}

static void a_dpc_runs_on_the_processor_that_queued_it(void **state)
{
    (void)state;
    wb_body_on(2, body_processor);
    assert_string_equal(wb_notes(), "on-1 back");
    assert_int_equal(wb_event(FT_EV_CALL_ENTER, 2)->cpu, 1);
}

static unsigned processors_asked;

static void body_count(void)
{
    KAFFINITY mask = 0, all = ((KAFFINITY)1 << processors_asked) - 1;

    CHECK(KeQueryActiveProcessorCount(NULL) == processors_asked);
    CHECK(KeQueryActiveProcessorCount(&mask) == processors_asked && mask == all);
    CHECK(KeQueryActiveProcessors() == all);
    CHECK(KeQueryActiveProcessorCountEx(0) == processors_asked);
    CHECK(KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS) == processors_asked);
    CHECK(KeQueryActiveProcessorCountEx(1) == 0 && KeQueryMaximumProcessorCountEx(1) == 0);
    CHECK(KeQueryMaximumProcessorCount() == processors_asked);
    CHECK(KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS) == processors_asked);
    CHECK(KeQueryActiveGroupCount() == 1 && KeQueryMaximumGroupCount() == 1);
    wb_note("counted");
}

static void processors_are_counted_in_one_group(void **state)
{
    (void)state;
    for (processors_asked = 1; processors_asked <= FT_CPUS_MAX; processors_asked++) {
        wb_body_on(processors_asked, body_count);
        assert_string_equal(wb_notes(), "counted");
    }
}

static void body_importance(void)
{
    KIRQL old;

    initialize_all(note_context);
    KeSetImportanceDpc(&dpc[2], HighImportance);
    KeSetImportanceDpc(&dpc[1], LowImportance);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    for (unsigned i = 0; i < 3; i++)
        KeInsertQueueDpc(&dpc[i], NULL, NULL);
    KeLowerIrql(old);
    KeFlushQueuedDpcs();
}

static void a_dpc_of_high_importance_comes_first(void **state)
{
    (void)state;
    wb_body(body_importance, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "c a b");
    assert_int_equal(wb_event(FT_EV_DPC_SETUP, 1)->arg[1], HighImportance);
}

static void body_target(void)
{
    PROCESSOR_NUMBER none = {.Number = 9}, zero = {.Number = 0};

    KeInitializeThreadedDpc(&dpc[0], note_processor, NULL);
    KeSetTargetProcessorDpc(&dpc[0], 1);
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    KeFlushQueuedDpcs();
    CHECK(KeSetTargetProcessorDpcEx(&dpc[0], &none) == STATUS_INVALID_PARAMETER);
    CHECK(NT_SUCCESS(KeSetTargetProcessorDpcEx(&dpc[0], &zero)));
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    KeFlushQueuedDpcs();
}

static void a_dpc_runs_on_its_target_processor(void **state)
{
    (void)state;
    wb_body_on(2, body_target);
    assert_string_equal(wb_notes(), "on-1 elsewhere");
    assert_int_equal(wb_event(FT_EV_DPC_SETUP, 1)->arg[3], true);
    assert_int_equal(wb_event(FT_EV_DPC_SETUP, 2)->arg[2], 2);
    assert_int_equal(wb_event(FT_EV_DPC_SETUP, 3)->arg[2], 2); /* refused: as it was */
    assert_int_equal(wb_event(FT_EV_DPC_SETUP, 4)->arg[2], 1);
    assert_int_equal(wb_event(FT_EV_CALL_ENTER, 2)->irql, DISPATCH_LEVEL);
}

static void body_no_target(void)
{
    KeInitializeDpc(&dpc[0], note_processor, NULL);
    KeSetTargetProcessorDpc(&dpc[0], 7);
    wb_note("set");
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    wb_note("never");
}

static void a_target_that_does_not_exist_is_bug_check_c7(void **state)
{
    (void)state;
    wb_body(body_no_target, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC7);
    assert_string_equal(wb_notes(), "set");
}

static KSPIN_LOCK lock;

static void spins(void *unused)
{
    KIRQL old;

    (void)unused;
    KeAcquireSpinLock(&lock, &old);
    KeReleaseSpinLock(&lock, old);
}

static void flushes(void *unused)
{
    (void)unused;
    KeFlushQueuedDpcs();
    wb_note("flushed");
}

static void let_go(struct ft_task *task)
{
    ft_task_prefer(task);
    KeStallExecutionProcessor(1);
}

/* b waits for processor 1, which spins; it is queued after the flush began. */
static void body_flush_early(void)
{
    struct ft_task *spinner = ft_task_spawn(FT_TASK_THREAD, spins, NULL, 0);
    struct ft_task *flusher = ft_task_spawn(FT_TASK_THREAD, flushes, NULL, 0);
    KIRQL old;

    initialize_all(note_context);
    KeInitializeSpinLock(&lock);
    KeSetTargetProcessorDpc(&dpc[1], 1);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    KeAcquireSpinLockAtDpcLevel(&lock);
    KeInsertQueueDpc(&dpc[0], NULL, NULL);
    let_go(spinner);
    let_go(flusher);
    KeInsertQueueDpc(&dpc[1], NULL, NULL);
    wb_note("lowers");
    KeLowerIrql(old);
    ft_task_wait_quiet();
    wb_note("frees");
    KeReleaseSpinLockFromDpcLevel(&lock);
    ft_task_wait_quiet();
}

static void flushing_does_not_wait_for_what_is_queued_later(void **state)
{
    (void)state;
    wb_body_on(3, body_flush_early);
    assert_string_equal(wb_notes(), "lowers a flushed frees b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dpcs_run_in_the_order_they_were_queued),
        cmocka_unit_test(a_second_insert_says_no_and_loses_its_arguments),
        cmocka_unit_test(a_dpc_leaves_the_queue_before_it_runs),
        cmocka_unit_test(a_removed_dpc_does_not_run_and_may_be_queued_again),
        cmocka_unit_test(flushing_waits_for_what_was_queued),
        cmocka_unit_test(a_dpc_waits_for_its_processor_to_drop_below_dispatch),
        cmocka_unit_test(a_dpc_runs_on_the_processor_that_queued_it),
        cmocka_unit_test(processors_are_counted_in_one_group),
        cmocka_unit_test(a_dpc_of_high_importance_comes_first),
        cmocka_unit_test(a_dpc_runs_on_its_target_processor),
        cmocka_unit_test(a_target_that_does_not_exist_is_bug_check_c7),
        cmocka_unit_test(flushing_does_not_wait_for_what_is_queued_later),
    };

    return cmocka_run_group_tests_name("DPCs", tests, NULL, NULL);
}
