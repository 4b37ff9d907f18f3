/* Cancel-safe queues (wdm-io, 4.5): the driver's queue, the library's races. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static IO_CSQ csq;
static KSPIN_LOCK lock;
static LIST_ENTRY list;
static IO_CSQ_IRP_CONTEXT context;
static NTSTATUS insert_answer;

static VOID insert(PIO_CSQ queue, PIRP irp)
{
    CHECK(queue == &csq && KeGetCurrentIrql() == DISPATCH_LEVEL);
    InsertTailList(&list, &irp->Tail.Overlay.ListEntry);
}

static NTSTATUS insert_ex(PIO_CSQ queue, PIRP irp, PVOID insert_context)
{
    CHECK(insert_context == &list);
    if (NT_SUCCESS(insert_answer))
        insert(queue, irp);
    return insert_answer;
}

static VOID take_out(PIO_CSQ queue, PIRP irp)
{
    CHECK(queue == &csq && KeGetCurrentIrql() == DISPATCH_LEVEL);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

static PIRP peek(PIO_CSQ queue, PIRP irp, PVOID peek_context)
{
    PLIST_ENTRY next = irp ? irp->Tail.Overlay.ListEntry.Flink : list.Flink;

    CHECK(queue == &csq && peek_context == &context);
    return next == &list ? NULL : CONTAINING_RECORD(next, IRP, Tail.Overlay.ListEntry);
}

static VOID acquire(PIO_CSQ queue, PKIRQL irql)
{
    CHECK(queue == &csq);
    KeAcquireSpinLock(&lock, irql);
}

static VOID release(PIO_CSQ queue, KIRQL irql)
{
    CHECK(queue == &csq);
    KeReleaseSpinLock(&lock, irql);
}

static VOID complete_canceled(PIO_CSQ queue, PIRP irp)
{
    CHECK(queue == &csq && irp->CancelRoutine == NULL);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && ft_current()->locks == 0);
    CHECK(irp->Tail.Overlay.DriverContext[3] == NULL);
    wb_note("canceled");
    bench_complete(irp, STATUS_CANCELLED, 0);
}

static void started(void)
{
    KeInitializeSpinLock(&lock);
    InitializeListHead(&list);
    CHECK(IoCsqInitialize(&csq, insert, take_out, peek, acquire, release, complete_canceled) ==
          STATUS_SUCCESS);
}

static void started_ex(void)
{
    KeInitializeSpinLock(&lock);
    InitializeListHead(&list);
    CHECK(IoCsqInitializeEx(&csq, insert_ex, take_out, peek, acquire, release, complete_canceled) ==
          STATUS_SUCCESS);
}

static NTSTATUS queue_read(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoCsqInsertIrp(&csq, irp, NULL);
    return STATUS_PENDING;
}

static NTSTATUS queue_read_with_context(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoCsqInsertIrp(&csq, irp, &context);
    return STATUS_PENDING;
}

static const struct ft_op read_and_cancel[] = {
    {.kind = FT_OP_READ, .label = 1, .arg = {16, 0}},
    {.kind = FT_OP_CANCEL, .arg = {1, 0}},
};

static uint32_t status_of_first_cancelled(void)
{
    for (unsigned n = 1; n <= wb_count(FT_EV_IRP_DONE); n++)
        if (wb_event(FT_EV_IRP_DONE, n)->arg[0] == wb_event(FT_EV_IRP_CANCEL, 1)->arg[0])
            return (uint32_t)wb_event(FT_EV_IRP_DONE, n)->arg[1];
    return 0;
}

static void a_queued_request_is_pending_and_can_be_cancelled(void **state)
{
    (void)state;
    bench_driver_run(&(struct bench_driver){.started = started, .request = queue_read},
                     read_and_cancel, 2);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_CSQ_INIT), 1);
    assert_int_equal(wb_event(FT_EV_IRP_PENDING, 1)->layer, FT_LAYER_DRIVER);
    assert_int_equal(wb_event(FT_EV_CSQ_INSERT, 1)->arg[2], STATUS_SUCCESS);
    assert_int_equal(wb_event(FT_EV_CSQ_INSERT, 1)->arg[3], false);
    assert_int_equal(wb_event(FT_EV_IRP_CANCEL, 1)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_CSQ_CANCEL, 1)->arg[1], wb_event(FT_EV_IRP_CANCEL, 1)->arg[0]);
    assert_int_equal(wb_event(FT_EV_CSQ_CANCEL, 1)->layer, FT_LAYER_SYSTEM);
    assert_int_equal(status_of_first_cancelled(), (uint32_t)STATUS_CANCELLED);
    assert_non_null(strstr(wb_notes(), "read canceled cleanup"));
}

static NTSTATUS queue_and_take(PDEVICE_OBJECT device, PIRP irp)
{
    PIRP other;

    (void)device;
    if (IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_READ)
        return queue_read(device, irp);
    other = IoCsqRemoveNextIrp(&csq, &context);
    wb_note(other ? "got" : "empty");
    if (other) {
        CHECK(other->CancelRoutine == NULL);
        CHECK(other->Tail.Overlay.DriverContext[3] == NULL);
        wb_note(IoGetCurrentIrpStackLocation(other)->Parameters.Read.Length == 16 ? "16" : "32");
        bench_complete(other, STATUS_SUCCESS, 0);
    }
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void requests_leave_in_the_order_that_peek_gives(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_WRITE},
        {.kind = FT_OP_READ, .arg = {16, 0}},
        {.kind = FT_OP_READ, .arg = {32, 0}},
        {.kind = FT_OP_WRITE},
        {.kind = FT_OP_WRITE},
    };

    (void)state;
    bench_driver_run(&(struct bench_driver){.started = started, .request = queue_and_take}, ops, 5);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(
        strstr(wb_notes(), "write empty read read write got 16 write got 32 cleanup close"));
    assert_int_equal(wb_event(FT_EV_CSQ_REMOVE, 1)->arg[1], 0);
    assert_int_equal(wb_event(FT_EV_CSQ_REMOVE, 2)->arg[1], wb_event(FT_EV_CSQ_INSERT, 1)->arg[1]);
    assert_int_equal(wb_event(FT_EV_CSQ_REMOVE, 2)->irql, PASSIVE_LEVEL);
}

static NTSTATUS queue_and_take_by_context(PDEVICE_OBJECT device, PIRP irp)
{
    PIRP other;

    if (IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_READ)
        return queue_read_with_context(device, irp);
    other = IoCsqRemoveIrp(&csq, &context);
    wb_note(other ? "got" : "nothing");
    CHECK(context.Irp == NULL);
    if (other)
        bench_complete(other, STATUS_SUCCESS, 0);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_context_gives_its_request_once(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_READ, .arg = {16, 0}},
        {.kind = FT_OP_WRITE},
        {.kind = FT_OP_WRITE},
    };

    (void)state;
    bench_driver_run(
        &(struct bench_driver){.started = started, .request = queue_and_take_by_context}, ops, 3);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(wb_notes(), "read write got write nothing"));
    assert_int_equal(wb_event(FT_EV_CSQ_INSERT, 1)->arg[3], true);
    assert_int_equal(wb_event(FT_EV_CSQ_REMOVE, 1)->arg[2], true);
}

static void a_context_gives_nothing_once_its_request_was_cancelled(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {16, 0}},
        {.kind = FT_OP_CANCEL, .arg = {1, 0}},
        {.kind = FT_OP_WRITE},
    };

    (void)state;
    bench_driver_run(
        &(struct bench_driver){.started = started, .request = queue_and_take_by_context}, ops, 3);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(wb_notes(), "read canceled write nothing"));
}

/* The cancel strikes at the entry of IoCsqInsertIrp, or when the request is in the driver's list
 * and has no cancel routine yet. */
static void a_request_cancelled_on_its_way_in_goes_out_at_once(void **state)
{
    static const struct ft_moment moments[] = {
        {.target = 1, .point = FT_PT_CSQ, .count = 1},
        {.target = 1, .point = FT_PT_CALL_LEAVE, .count = 2},
    };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct ft_op ops[2] = {read_and_cancel[0], read_and_cancel[1]};

        ops[1].moment = moments[i];
        bench_driver_run(&(struct bench_driver){.started = started, .request = queue_read}, ops, 2);
        assert_int_equal(wb_result()->stop, FT_STOP_NONE);
        assert_int_equal(wb_result()->ops_fired, 2);
        assert_int_equal(wb_event(FT_EV_IRP_CANCEL, 1)->arg[1], false);
        assert_int_equal(wb_count(FT_EV_CSQ_CANCEL), 0);
        assert_int_equal(status_of_first_cancelled(), (uint32_t)STATUS_CANCELLED);
        assert_non_null(strstr(wb_notes(), "read canceled cleanup"));
    }
}

/* The cancel strikes inside IoCsqRemoveNextIrp, which holds the lock: the cancel routine waits for
 * it, and the removal passes the request over. */
static void a_request_whose_cancel_routine_runs_is_passed_over(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {16, 0}},
        {.kind = FT_OP_WRITE, .label = 2},
        {.kind = FT_OP_CANCEL,
         .arg = {1, 0},
         .moment = {.target = 2, .point = FT_PT_CALL_LEAVE, .count = 1}},
    };

    (void)state;
    bench_driver_run(&(struct bench_driver){.started = started, .request = queue_and_take}, ops, 3);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_IRP_CANCEL, 1)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_CSQ_REMOVE, 1)->arg[1], 0);
    assert_int_equal(wb_count(FT_EV_CSQ_CANCEL), 1);
    assert_int_equal(wb_count(FT_EV_LOCK_WAIT), 1);
    assert_non_null(strstr(wb_notes(), "empty"));
    assert_non_null(strstr(wb_notes(), "canceled"));
}

static NTSTATUS queue_read_ex(PDEVICE_OBJECT device, PIRP irp)
{
    NTSTATUS status = IoCsqInsertIrpEx(&csq, irp, &context, &list);

    (void)device;
    if (NT_SUCCESS(status))
        return STATUS_PENDING;
    CHECK(irp->CancelRoutine == NULL && context.Irp == NULL);
    CHECK(!(IoGetCurrentIrpStackLocation(irp)->Control & SL_PENDING_RETURNED));
    wb_note("refused");
    return bench_complete(irp, status, 0);
}

static void insert_ex_may_refuse(void **state)
{
    (void)state;
    insert_answer = STATUS_DEVICE_BUSY;
    bench_driver_run(&(struct bench_driver){.started = started_ex, .request = queue_read_ex},
                     read_and_cancel, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_IRP_PENDING), 0);
    assert_int_equal(wb_event(FT_EV_CSQ_INSERT, 1)->arg[2], (uint32_t)STATUS_DEVICE_BUSY);
    assert_non_null(strstr(wb_notes(), "refused"));
}

static void insert_ex_may_accept(void **state)
{
    (void)state;
    insert_answer = STATUS_SUCCESS;
    bench_driver_run(&(struct bench_driver){.started = started_ex, .request = queue_read_ex},
                     read_and_cancel, 2);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_IRP_PENDING), 1);
    assert_non_null(strstr(wb_notes(), "read canceled cleanup"));
}

/* Each callback is a driver routine with its own code. */
static void callbacks_carry_their_code(void **state)
{
    static const unsigned codes[] = {4, 1, 5, 4, 2, 5, 6};
    unsigned found = 0;

    (void)state;
    bench_driver_run(&(struct bench_driver){.started = started, .request = queue_read},
                     read_and_cancel, 2);
    for (unsigned n = 1; n <= wb_count(FT_EV_CALL_ENTER); n++) {
        const struct ft_event *event = wb_event(FT_EV_CALL_ENTER, n);

        if (event->arg[0] == FT_ROUTINE_CSQ) {
            assert_in_range(found, 0, 6);
            assert_int_equal(event->arg[2], codes[found]);
            assert_int_equal(ft_handle_class(event->arg[1]), FT_HC_CSQ);
            found++;
        }
    }
    assert_int_equal(found, 7);
}

static void body_dead_irp(void)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    started();
    IoFreeIrp(irp);
    IoCsqInsertIrp(&csq, irp, NULL);
}

static void inserting_what_is_no_irp_is_bug_check_c9(void **state)
{
    (void)state;
    wb_body(body_dead_irp, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queued_request_is_pending_and_can_be_cancelled),
        cmocka_unit_test(requests_leave_in_the_order_that_peek_gives),
        cmocka_unit_test(a_context_gives_its_request_once),
        cmocka_unit_test(a_context_gives_nothing_once_its_request_was_cancelled),
        cmocka_unit_test(a_request_cancelled_on_its_way_in_goes_out_at_once),
        cmocka_unit_test(a_request_whose_cancel_routine_runs_is_passed_over),
        cmocka_unit_test(insert_ex_may_refuse),
        cmocka_unit_test(insert_ex_may_accept),
        cmocka_unit_test(callbacks_carry_their_code),
        cmocka_unit_test(inserting_what_is_no_irp_is_bug_check_c9),
    };

    return cmocka_run_group_tests_name("cancel-safe queues", tests, NULL, NULL);
}
