/* Interrupts (wdm-io, 9 and 13): a level-sensitive line, and what ops do to it. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define READ_OP                                                                                    \
    {                                                                                              \
        .kind = FT_OP_READ, .arg = { 16, 0 }                                                       \
    }
#define OP(kind_)                                                                                  \
    {                                                                                              \
        .kind = FT_OP_##kind_                                                                      \
    }

static unsigned runs, drop_after; /* the ISR drops the line in that run */

static BOOLEAN isr(PKINTERRUPT interrupt, PVOID context)
{
    (void)context;
    CHECK(interrupt == the_driver.interrupt);
    CHECK(KeGetCurrentIrql() == WB_IRQ_LEVEL);
    runs++;
    if (bench_register(WB_REG_LINE) == 0) {
        wb_note("not-mine");
        return FALSE;
    }
    wb_note("isr");
    if (runs >= drop_after)
        bench_register_set(WB_REG_LINE, 0);
    return TRUE;
}

static NTSTATUS raise_line(PDEVICE_OBJECT device, PIRP irp)
{
    NTSTATUS status;

    (void)device;
    bench_register_set(WB_REG_LINE, 1);
    status = bench_complete(irp, STATUS_SUCCESS, 0);
    wb_note("raised");
    return status;
}

static const char *run(PDRIVER_DISPATCH request, const struct ft_op *op, unsigned count,
                       unsigned drop)
{
    runs = 0;
    drop_after = drop;
    bench_driver_run(&(struct bench_driver){.request = request, .isr = isr}, op, count);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    return wb_notes();
}

static void the_isr_runs_again_while_the_line_is_up(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    assert_non_null(strstr(run(raise_line, op, 1, 1), "read raised isr cleanup"));
    assert_non_null(strstr(run(raise_line, op, 1, 3), "read raised isr isr isr cleanup"));
    assert_int_equal(wb_count(FT_EV_LINE_SET), 2);
}

static void a_late_interrupt_comes_when_the_machine_is_quiet(void **state)
{
    static const struct ft_op op[] = {
        OP(INT_LATE),
        READ_OP,
        {.kind = FT_OP_WRITE,
         .moment = {.point = FT_PT_IRP_COMPLETE_OUT, .count = 1},
         .arg = {16, 0}},
    };

    (void)state;
    /* The write's thread runs before the interrupt of the read; it raises no edge of its own. */
    assert_non_null(strstr(run(raise_line, op, 3, 1), "read write raised raised isr cleanup"));
    assert_int_equal(wb_count(FT_EV_INT_LATE), 1);
    assert_true(wb_place(FT_EV_INT_LATE, 1) > wb_place(FT_EV_LINE_SET, 1));
}

static void a_raised_interrupt_can_still_be_made_late(void **state)
{
    static const struct ft_op op[] = {
        READ_OP, {.kind = FT_OP_INT_LATE, .moment = {.point = FT_PT_IRQ_RAISED, .count = 1}}};

    (void)state;
    assert_non_null(strstr(run(raise_line, op, 2, 1), "read raised isr cleanup"));
    assert_int_equal(wb_count(FT_EV_INT_LATE), 1);
    assert_int_equal(wb_result()->ops_late, 0);
}

static void a_lost_interrupt_comes_only_in_the_honest_tail(void **state)
{
    static const struct ft_op op[] = {OP(INT_LOST), READ_OP};

    (void)state;
    assert_non_null(strstr(run(raise_line, op, 2, 1), "read raised isr cleanup"));
    assert_int_equal(wb_count(FT_EV_INT_LOST), 1);
    /* Routine calls before the tail: DriverEntry, AddDevice, dispatches, but no ISR. */
    for (unsigned n = 1; n <= wb_count(FT_EV_CALL_ENTER); n++)
        if (wb_event(FT_EV_CALL_ENTER, n)->arg[0] == FT_ROUTINE_ISR)
            assert_true(wb_place(FT_EV_CALL_ENTER, n) > wb_place(FT_EV_RUN_TAIL, 1));
}

static NTSTATUS drop_and_raise(PDEVICE_OBJECT device, PIRP irp)
{
    bench_register_set(WB_REG_LINE, 0);
    return raise_line(device, irp);
}

static void the_next_edge_after_a_lost_one_is_seen(void **state)
{
    static const struct ft_op op[] = {OP(INT_LOST), READ_OP, READ_OP};

    (void)state;
    assert_non_null(strstr(run(drop_and_raise, op, 3, 1), "read raised read raised isr cleanup"));
    assert_true(wb_place(FT_EV_LINE_SET, 4) < wb_place(FT_EV_RUN_TAIL, 1));
}

static void a_spurious_interrupt_runs_the_isr_once_without_a_line(void **state)
{
    static const struct ft_op op[] = {OP(INT_SPURIOUS)};

    (void)state;
    assert_string_equal(run(NULL, op, 1, 1), "start create not-mine cleanup close query-remove "
                                             "remove hw-off unload");
    assert_int_equal(wb_count(FT_EV_INT_SPURIOUS), 1);
    assert_int_equal(wb_count(FT_EV_LINE_SET), 0);
    assert_int_equal(runs, 1);
}

static void interrupt_ops_need_a_connected_interrupt(void **state)
{
    static const struct ft_op op[] = {OP(INT_LATE), OP(INT_LOST), OP(INT_SPURIOUS)};

    (void)state;
    bench_driver_run(&(struct bench_driver){0}, op, 3);
    assert_int_equal(wb_result()->ops_skipped, 3);
}

static void a_yank_drops_the_line(void **state)
{
    static const struct ft_op op[] = {OP(INT_LOST), READ_OP, OP(YANK)};

    (void)state;
    assert_null(strstr(run(raise_line, op, 3, 1), "isr"));
    assert_int_equal(wb_last(FT_EV_LINE_SET)->arg[0], false);
}

/* ---- connecting ---- */

static NTSTATUS disconnect_and_raise(PDEVICE_OBJECT device, PIRP irp)
{
    IoDisconnectInterrupt(the_driver.interrupt);
    the_driver.interrupt = NULL;
    return raise_line(device, irp);
}

static void no_isr_runs_after_the_disconnect(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    assert_null(strstr(run(disconnect_and_raise, op, 1, 1), "isr"));
    assert_int_equal(wb_count(FT_EV_ISR_DISCONNECT), 1);
}

static NTSTATUS connect_badly(PDEVICE_OBJECT device, PIRP irp)
{
    PKINTERRUPT second = NULL;

    (void)device;
    CHECK(IoConnectInterrupt(&second, isr, NULL, NULL, the_driver.vector + 1, WB_IRQ_LEVEL,
                             WB_IRQ_LEVEL, LevelSensitive, TRUE, 1,
                             FALSE) == STATUS_INVALID_PARAMETER);
    CHECK(IoConnectInterrupt(&second, isr, NULL, NULL, the_driver.vector, WB_IRQ_LEVEL,
                             WB_IRQ_LEVEL - 1, LevelSensitive, TRUE, 1,
                             FALSE) == STATUS_INVALID_PARAMETER);
    CHECK(second == NULL);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_connection_wants_the_device_s_vector_and_levels(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    run(connect_badly, op, 1, 1);
    assert_int_equal(wb_count(FT_EV_ISR_CONNECT), 3);
    assert_int_equal(wb_last(FT_EV_ISR_CONNECT)->arg[0], 0);
}

static NTSTATUS disconnect_twice(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device, (void)irp;
    IoDisconnectInterrupt(the_driver.interrupt);
    IoDisconnectInterrupt(the_driver.interrupt);
    return STATUS_SUCCESS;
}

static void disconnecting_twice_is_bug_check_ca(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = disconnect_twice, .isr = isr}, op, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xCA);
}

/* ---- the interrupt lock ---- */

static BOOLEAN synchronized(PVOID context)
{
    CHECK(KeGetCurrentIrql() == WB_IRQ_LEVEL);
    bench_register_set(WB_REG_LINE, 1);
    ft_task_yield(); /* the other processor could serve it, but for the lock */
    wb_note("in-section");
    return context != NULL;
}

static NTSTATUS synchronize(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    CHECK(KeSynchronizeExecution(the_driver.interrupt, synchronized, &runs));
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    ft_task_yield();
    CHECK(!KeSynchronizeExecution(the_driver.interrupt, synchronized, NULL));
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void the_isr_waits_for_the_synchronized_section(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    assert_non_null(strstr(run(synchronize, op, 1, 1), "read in-section isr in-section isr"));
    assert_int_equal(wb_count(FT_EV_SYNC_ENTER), 2);
    assert_int_equal(wb_count(FT_EV_SYNC_LEAVE), 2);
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 0); /* it does not begin, rather than spin */
}

static NTSTATUS lock_interrupt(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL old = KeAcquireInterruptSpinLock(the_driver.interrupt);

    (void)device;
    CHECK(old == PASSIVE_LEVEL);
    synchronized(NULL);
    KeReleaseInterruptSpinLock(the_driver.interrupt, old);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void the_interrupt_lock_by_hand_is_the_same(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    assert_non_null(strstr(run(lock_interrupt, op, 1, 1), "read in-section isr cleanup"));
}

/* ---- DpcForIsr ---- */

static IO_DPC_ROUTINE dpc_for_isr;
static VOID dpc_for_isr(PKDPC dpc, PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    CHECK(dpc == &device->Dpc && device == the_driver.device);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && context == &runs);
    wb_note("dpc");
    bench_complete(irp, STATUS_SUCCESS, 0);
}

static BOOLEAN isr_asks_for_a_dpc(PKINTERRUPT interrupt, PVOID context)
{
    (void)interrupt, (void)context;
    if (bench_register(WB_REG_LINE) == 0)
        return FALSE;
    bench_register_set(WB_REG_LINE, 0);
    IoRequestDpc(the_driver.device, the_driver.device->CurrentIrp, &runs);
    IoRequestDpc(the_driver.device, NULL, NULL); /* coalesces: these arguments are lost */
    wb_note("isr");
    return TRUE;
}

static NTSTATUS wait_for_the_isr(PDEVICE_OBJECT device, PIRP irp)
{
    IoInitializeDpcRequest(device, dpc_for_isr);
    IoMarkIrpPending(irp);
    device->CurrentIrp = irp;
    bench_register_set(WB_REG_LINE, 1);
    return STATUS_PENDING;
}

static void the_dpc_for_isr_gets_what_the_first_call_gave(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = wait_for_the_isr, .isr = isr_asks_for_a_dpc},
                     op, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(wb_notes(), "read isr dpc cleanup"));
    assert_int_equal(wb_event(FT_EV_DPC_INSERT, 1)->arg[1], 1);
    assert_int_equal(wb_event(FT_EV_DPC_INSERT, 2)->arg[1], 0);
    assert_int_equal(wb_event(FT_EV_DPC_INSERT, 1)->irql, WB_IRQ_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_isr_runs_again_while_the_line_is_up),
        cmocka_unit_test(a_late_interrupt_comes_when_the_machine_is_quiet),
        cmocka_unit_test(a_raised_interrupt_can_still_be_made_late),
        cmocka_unit_test(a_lost_interrupt_comes_only_in_the_honest_tail),
        cmocka_unit_test(the_next_edge_after_a_lost_one_is_seen),
        cmocka_unit_test(a_spurious_interrupt_runs_the_isr_once_without_a_line),
        cmocka_unit_test(interrupt_ops_need_a_connected_interrupt),
        cmocka_unit_test(a_yank_drops_the_line),
        cmocka_unit_test(no_isr_runs_after_the_disconnect),
        cmocka_unit_test(a_connection_wants_the_device_s_vector_and_levels),
        cmocka_unit_test(disconnecting_twice_is_bug_check_ca),
        cmocka_unit_test(the_isr_waits_for_the_synchronized_section),
        cmocka_unit_test(the_interrupt_lock_by_hand_is_the_same),
        cmocka_unit_test(the_dpc_for_isr_gets_what_the_first_call_gave),
    };

    return cmocka_run_group_tests_name("interrupts", tests, NULL, NULL);
}
