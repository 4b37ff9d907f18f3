/* A driver that faults ends its run with run:crash, and leaves nothing behind for the next run. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* The fault itself, not a sanitizer's report of it. */
#define RAW __attribute__((no_sanitize("address", "undefined"), noinline))

enum { WILD = 1, STACK, DIVISION, ILLEGAL, ABORT, FAULTS };
enum { ROUNDS = 1000, IN_THREAD = 0, IN_DPC, IN_ISR, UNDER_LOCK, PLACES, NEAR_NULL = 0x18 };

static volatile int zero;
static unsigned fault, place; /* of the run */
static volatile uintptr_t wild_address = NEAR_NULL;
static KSPIN_LOCK lock;
static KDPC dpc;

RAW static unsigned overrun(volatile unsigned *above)
{
    volatile unsigned frame[64] = {0};

    if (zero) /* never */
        return 0;
    frame[0] = *above + 1;
    return overrun(frame) + frame[1];
}

RAW static void do_fault(void)
{
    volatile unsigned depth = 0;

    switch (fault) {
    case WILD:
        *(volatile int *)wild_address = 1;
        break;
    case STACK:
        depth = overrun(&depth);
        break;
    case DIVISION:
        depth = (unsigned)(1000 / zero);
        break;
    case ILLEGAL:
        __asm__ volatile("ud2");
        break;
    default:
        break;
    }
}

static VOID dpc_routine(PKDPC object, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)object, (void)context, (void)argument1, (void)argument2;
    if (place == IN_DPC)
        do_fault();
}

static BOOLEAN isr(PKINTERRUPT interrupt, PVOID context)
{
    (void)interrupt, (void)context;
    if (place == IN_ISR)
        do_fault();
    bench_register_set(WB_REG_LINE, 0);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    return TRUE;
}

static NTSTATUS request(PDEVICE_OBJECT device, PIRP irp)
{
    void *block = ExAllocatePoolWithTag(NonPagedPoolNx, 100, 1);
    LARGE_INTEGER now;
    KIRQL old;

    (void)device;
    KeQuerySystemTime(&now);
    DbgPrint("%I64d %d", now.QuadPart, block != NULL); /* time and order are in the hash */
    KeInitializeDpc(&dpc, dpc_routine, NULL);
    KeInitializeSpinLock(&lock);
    bench_register_set(WB_REG_LINE, 1);
    ft_task_yield();
    KeAcquireSpinLock(&lock, &old);
    if (place == UNDER_LOCK)
        do_fault();
    KeReleaseSpinLock(&lock, old);
    if (place == IN_THREAD)
        do_fault();
    ExFreePoolWithTag(block, 1);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static const struct ft_op reads[] = {{.kind = FT_OP_READ, .label = 1, .arg = {4000, 5}},
                                     {.kind = FT_OP_WRITE, .label = 2, .arg = {50, 0}}};

static uint64_t run(unsigned what, unsigned where)
{
    fault = what;
    place = where;
    wb_again(reads, sizeof reads / sizeof *reads);
    return wb_result()->hash;
}

static void open_world(void)
{
    the_driver = (struct bench_driver){.request = request, .isr = isr};
    wb_open(&(struct wb_case){.entry = bench_driver_entry});
}

static void a_fault_ends_the_run_and_names_its_kind(void **state)
{
    (void)state;
    open_world();
    for (unsigned where = IN_THREAD; where < PLACES; where++)
        for (unsigned what = WILD; what <= ILLEGAL; what++) {
            run(what, where);
            assert_int_equal(wb_result()->stop, FT_STOP_CRASH);
            assert_int_equal(wb_count(FT_EV_RUN_CRASH), 1);
            assert_int_equal(wb_last(FT_EV_RUN_CRASH)->arg[0], what);
            assert_int_equal(wb_last(FT_EV_RUN_CRASH)->layer, FT_LAYER_DRIVER);
            assert_int_equal(wb_last(FT_EV_RUN_CRASH)->irql, where == IN_THREAD ? PASSIVE_LEVEL
                                                             : where == IN_ISR  ? WB_IRQ_LEVEL
                                                                                : DISPATCH_LEVEL);
        }
    run(WILD, IN_THREAD);
    assert_int_equal(wb_last(FT_EV_RUN_CRASH)->arg[2], wild_address);
    wild_address = (uintptr_t)0x500000000000; /* no address of the host's in an event */
    run(WILD, IN_THREAD);
    assert_int_equal(wb_last(FT_EV_RUN_CRASH)->arg[2], UINT64_MAX);
    wild_address = NEAR_NULL;
    wb_close();
}

static void nothing_of_the_driver_runs_after_its_fault(void **state)
{
    (void)state;
    open_world();
    run(WILD, IN_THREAD);
    assert_int_equal(wb_place(FT_EV_RUN_CRASH, 1), (long)wb_result()->event_count - 1);
    assert_null(strstr(wb_notes(), "remove"));
    wb_close();
}

static void the_next_run_is_as_if_nothing_had_happened(void **state)
{
    uint64_t clean, crash[FAULTS][PLACES] = {{0}};

    (void)state;
    open_world();
    clean = run(0, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned what = WILD + round % ILLEGAL, where = round / ILLEGAL % PLACES;
        uint64_t hash = run(what, where);

        assert_int_equal(wb_result()->stop, FT_STOP_CRASH);
        if (!crash[what][where])
            crash[what][where] = hash;
        assert_int_equal(hash, crash[what][where]);
        assert_int_equal(run(0, 0), clean);
        assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    }
    wb_close();
}

static void faults_in_a_row_are_all_caught(void **state)
{
    (void)state;
    open_world();
    for (unsigned round = 0; round < ROUNDS; round++) {
        run(WILD + round % ILLEGAL, IN_THREAD);
        assert_int_equal(wb_result()->stop, FT_STOP_CRASH);
    }
    wb_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_ends_the_run_and_names_its_kind),
        cmocka_unit_test(nothing_of_the_driver_runs_after_its_fault),
        cmocka_unit_test(the_next_run_is_as_if_nothing_had_happened),
        cmocka_unit_test(faults_in_a_row_are_all_caught),
    };

    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
