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
    };

    return cmocka_run_group_tests_name("DPCs", tests, NULL, NULL);
}
