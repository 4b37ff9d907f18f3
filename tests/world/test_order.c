/* The order of steps (world/order.h): who goes next when a task ends or blocks, and where. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MS = 10000 /* 100 ns */ };

static KEVENT done;
static KDPC dpc, timer_dpc;
static KTIMER timer;

static const struct ft_op one_read[] = {{.kind = FT_OP_READ, .label = 1, .arg = {16, 0}}};

static VOID note_dpc(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)argument1, (void)argument2;
    wb_note(context);
}

static BOOLEAN isr(PKINTERRUPT interrupt, PVOID context)
{
    (void)interrupt, (void)context;
    wb_note(KeGetCurrentProcessorNumber() == 0 ? "isr" : "isr-on-1");
    bench_register_set(WB_REG_LINE, 0);
    return TRUE;
}

static void note_task(void *name)
{
    wb_note(name);
}

static void last_task(void *name)
{
    wb_note(name);
    KeSetEvent(&done, 0, FALSE);
}

static void wait_done(void)
{
    KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
}

/* Makes one of each kind ready, the last of the order first; then blocks. */
static NTSTATUS one_of_each(PDEVICE_OBJECT device, PIRP irp)
{
    LARGE_INTEGER at_once = {.QuadPart = -1};

    (void)device;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    KeInitializeDpc(&dpc, note_dpc, "dpc");
    KeInitializeDpc(&timer_dpc, note_dpc, "timer");
    KeInitializeTimer(&timer);
    ft_task_spawn(FT_TASK_THREAD, last_task, "thread", 0);
    ft_task_spawn(FT_TASK_WORK, note_task, "work", 0);
    KeSetTimer(&timer, at_once, &timer_dpc);
    KeStallExecutionProcessor(1);
    bench_register_set(WB_REG_BURSTS, 2);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    bench_register_set(WB_REG_LINE, 1);
    wb_note("goes-on");
    wait_done();
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void isr_dpc_engine_timer_work_thread(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){.request = one_of_each, .isr = isr}, one_read, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(
        strstr(wb_notes(), "read goes-on isr dpc engine engine timer work thread cleanup"));
}

static void body_clock(void)
{
    LARGE_INTEGER soon = {.QuadPart = -1};
    uint64_t from;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    KeInitializeTimer(&timer);
    KeInitializeDpc(&timer_dpc, note_dpc, "timer");
    ft_task_spawn(FT_TASK_THREAD, note_task, "one", 0);
    ft_task_spawn(FT_TASK_THREAD, note_task, "two", 0);
    from = FT_M->now;
    KeSetTimer(&timer, soon, &timer_dpc);
    KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL);
    wb_note("waited");
    CHECK(FT_M->now == from + 1);
}

static void the_clock_steps_only_when_nothing_else_may(void **state)
{
    (void)state;
    wb_body(body_clock, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "one two timer waited");
    assert_int_equal(wb_count(FT_EV_CLOCK_ADVANCE), 1);
}

static void body_runs_on(void)
{
    KIRQL old;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    KeInitializeDpc(&dpc, note_dpc, "dpc");
    ft_task_spawn(FT_TASK_THREAD, note_task, "thread", 0);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    for (unsigned i = 0; i < 50; i++) {
        KeSetEvent(&done, 0, FALSE);
        KeRaiseIrql(DISPATCH_LEVEL, &old);
        KeLowerIrql(old);
    }
    wb_note("first");
    ft_task_wait_quiet();
}

static void the_running_task_keeps_running(void **state)
{
    (void)state;
    wb_body(body_runs_on, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "first dpc thread");
}

static void body_three_threads(void)
{
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    KeInitializeDpc(&dpc, note_dpc, "dpc");
    ft_task_spawn(FT_TASK_THREAD, note_task, "one", 0);
    ft_task_spawn(FT_TASK_THREAD, note_task, "two", 0);
    ft_task_spawn(FT_TASK_THREAD, note_task, "three", 0);
    ft_task_spawn(FT_TASK_WORK, note_task, "work", 0);
    KeSetEvent(&done, 0, FALSE); /* the op strikes here */
    wb_note("back");
    KeInsertQueueDpc(&dpc, NULL, NULL);
    ft_task_wait_quiet();
}

static const char *preempted(unsigned kind, unsigned index)
{
    struct ft_op op = {.kind = FT_OP_PREEMPT,
                       .moment = {.point = FT_PT_EVENT_SET, .count = 2}, /* 1: KeInitializeEvent */
                       .arg = {(uint16_t)kind, (uint16_t)index}};

    wb_run(&(struct wb_case){.body = body_three_threads, .op = &op, .op_count = 1});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    return wb_notes();
}

static void preempting_runs_the_index_th_task_of_a_kind(void **state)
{
    (void)state;
    assert_string_equal(preempted(FT_TASK_THREAD, 0), "one work back dpc two three");
    assert_string_equal(preempted(FT_TASK_THREAD, 1), "two work back dpc one three");
    assert_string_equal(preempted(FT_TASK_THREAD, 2), "three work back dpc one two");
    assert_string_equal(preempted(FT_TASK_WORK, 0), "work back dpc one two three");
    assert_int_equal(wb_result()->ops_skipped, 0);
}

static void preempting_by_no_kind_takes_the_first_of_the_order(void **state)
{
    (void)state;
    assert_string_equal(preempted(0, 0), "work back dpc one two three");
    assert_string_equal(preempted(0, 1), "two work back dpc one three");
}

static void preempting_for_a_task_that_is_not_there_is_skipped(void **state)
{
    (void)state;
    assert_string_equal(preempted(FT_TASK_THREAD, 3), "back dpc work one two three");
    assert_int_equal(wb_result()->ops_skipped, 1);
    assert_string_equal(preempted(FT_TASK_DPC, 0), "back dpc work one two three");
    assert_int_equal(wb_result()->ops_skipped, 1);
    assert_string_equal(preempted(FT_TASK_ENGINE, 0), "back dpc work one two three");
    assert_int_equal(wb_result()->ops_skipped, 1);
}

static void body_prefer(void)
{
    const struct ft_task *two;

    ft_task_spawn(FT_TASK_THREAD, note_task, "one", 0);
    two = ft_task_spawn(FT_TASK_THREAD, note_task, "two", 0);
    ft_task_prefer(two);
    wb_note("until-the-next-point");
    KeStallExecutionProcessor(1);
    wb_note("back");
    ft_task_wait_quiet();
}

static void a_preferred_task_goes_next_and_only_once(void **state)
{
    (void)state;
    wb_body(body_prefer, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "until-the-next-point two back one");
}

static void body_at_dispatch(void)
{
    KIRQL old;

    KeInitializeDpc(&dpc, note_dpc, "dpc");
    ft_task_spawn(FT_TASK_THREAD, note_task, "thread", 0);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    ft_task_yield(); /* whoever has a processor goes first only if it comes first */
    wb_note("still");
    ft_task_prefer(&FT_M->task[1]);
    KeStallExecutionProcessor(1);
    wb_note("back");
    KeLowerIrql(old);
    ft_task_wait_quiet();
}

static void a_thread_needs_a_processor_below_dispatch(void **state)
{
    (void)state;
    wb_body_on(1, body_at_dispatch);
    assert_string_equal(wb_notes(), "still back dpc thread");
    wb_body_on(2, body_at_dispatch);
    assert_string_equal(wb_notes(), "still thread back dpc");
    assert_int_equal(wb_event(FT_EV_TASK_END, 1)->cpu, 1);
}

static NTSTATUS interrupt_at(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL level = (KIRQL)irp->Tail.Overlay.CurrentStackLocation->Parameters.Read.Length, old;

    (void)device;
    KeRaiseIrql(level, &old);
    bench_register_set(WB_REG_LINE, 1);
    ft_task_yield();
    wb_note("at-level");
    KeLowerIrql(old);
    ft_task_yield();
    wb_note("lowered");
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static unsigned processors;

static void set_processors(struct ft_platform *platform)
{
    platform->processors = (uint8_t)(processors - 1);
}

static bool interrupted(unsigned on, unsigned level, const char *expected)
{
    struct ft_op op = {.kind = FT_OP_READ, .arg = {(uint16_t)level, 0}};

    processors = on;
    the_driver = (struct bench_driver){.request = interrupt_at, .isr = isr};
    wb_run(&(struct wb_case){
        .entry = bench_driver_entry, .adjust = set_processors, .op = &op, .op_count = 1});
    return strstr(wb_notes(), expected) != NULL;
}

static void an_isr_takes_the_lowest_processor_below_its_level(void **state)
{
    (void)state;
    assert_true(interrupted(1, DISPATCH_LEVEL, "read isr at-level lowered"));
    assert_true(interrupted(1, WB_IRQ_LEVEL, "read at-level isr lowered"));
    assert_true(interrupted(2, DISPATCH_LEVEL, "read isr at-level lowered"));
    assert_true(interrupted(2, WB_IRQ_LEVEL, "read isr-on-1 at-level lowered"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(isr_dpc_engine_timer_work_thread),
        cmocka_unit_test(the_clock_steps_only_when_nothing_else_may),
        cmocka_unit_test(the_running_task_keeps_running),
        cmocka_unit_test(preempting_runs_the_index_th_task_of_a_kind),
        cmocka_unit_test(preempting_by_no_kind_takes_the_first_of_the_order),
        cmocka_unit_test(preempting_for_a_task_that_is_not_there_is_skipped),
        cmocka_unit_test(a_preferred_task_goes_next_and_only_once),
        cmocka_unit_test(a_thread_needs_a_processor_below_dispatch),
        cmocka_unit_test(an_isr_takes_the_lowest_processor_below_its_level),
    };

    return cmocka_run_group_tests_name("order of steps", tests, NULL, NULL);
}
