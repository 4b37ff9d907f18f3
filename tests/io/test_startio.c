/* Device queues, IoStartPacket and IoStartNextPacket (wdm-io, section 3). */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* ---- device queues ---- */

static KDEVICE_QUEUE queue;
static KDEVICE_QUEUE_ENTRY entry[4];

static void body_queue(void)
{
    KeInitializeDeviceQueue(&queue);
    KeRaiseIrqlToDpcLevel();
    CHECK(!KeInsertDeviceQueue(&queue, &entry[0])); /* idle: not queued, now busy */
    CHECK(queue.Busy && !entry[0].Inserted);
    CHECK(KeInsertDeviceQueue(&queue, &entry[1]));
    CHECK(KeInsertDeviceQueue(&queue, &entry[2]));
    CHECK(KeRemoveEntryDeviceQueue(&queue, &entry[1]));
    CHECK(!KeRemoveEntryDeviceQueue(&queue, &entry[1]));
    CHECK(KeRemoveDeviceQueue(&queue) == &entry[2]);
    CHECK(queue.Busy);
    CHECK(KeRemoveDeviceQueue(&queue) == NULL && !queue.Busy);
    CHECK(KeRemoveByKeyDeviceQueueIfBusy(&queue, 0) == NULL && !queue.Busy);
}

static void an_idle_queue_does_not_queue(void **state)
{
    (void)state;
    wb_body(body_queue, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_QUEUE_INIT), 1);
    assert_int_equal(wb_event(FT_EV_QUEUE_INIT, 1)->arg[1], 0);
    assert_int_equal(wb_event(FT_EV_QUEUE_INSERT, 1)->arg[2], false);
    assert_int_equal(wb_event(FT_EV_QUEUE_INSERT, 2)->arg[2], true);
    assert_int_equal(wb_event(FT_EV_QUEUE_REMOVE, 1)->arg[2], true);
    assert_int_equal(wb_event(FT_EV_QUEUE_REMOVE, 2)->arg[1], 0);
    assert_int_equal(wb_event(FT_EV_QUEUE_REMOVE, 3)->arg[1],
                     wb_event(FT_EV_QUEUE_INSERT, 3)->arg[1]);
    assert_int_equal(wb_event(FT_EV_QUEUE_REMOVE, 5)->arg[3], false);
}

static void body_keys(void)
{
    KeInitializeDeviceQueue(&queue);
    KeRaiseIrqlToDpcLevel();
    KeInsertByKeyDeviceQueue(&queue, &entry[0], 0);
    CHECK(KeInsertByKeyDeviceQueue(&queue, &entry[1], 20));
    CHECK(KeInsertByKeyDeviceQueue(&queue, &entry[2], 10));
    CHECK(KeInsertByKeyDeviceQueue(&queue, &entry[3], 10));
    CHECK(KeRemoveByKeyDeviceQueue(&queue, 15) == &entry[1]);
    CHECK(KeRemoveByKeyDeviceQueueIfBusy(&queue, 15) == &entry[2]); /* around to the first */
    CHECK(KeRemoveByKeyDeviceQueue(&queue, 10) == &entry[3]);
    CHECK(KeRemoveByKeyDeviceQueue(&queue, 10) == NULL && !queue.Busy);
}

static void keys_sort(void **state)
{
    (void)state;
    wb_body(body_keys, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_QUEUE_INSERT, 2)->arg[3], 20);
}

/* ---- StartIo ---- */

static BOOLEAN deferred, twice;
static PDRIVER_CANCEL cancel;
static PIRP started_irp[4];
static unsigned started_count, depth;

static VOID start_io(PDEVICE_OBJECT device, PIRP irp)
{
    char word[] = "start0";

    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && device->CurrentIrp == irp);
    started_irp[started_count++ % 4] = irp;
    word[5] = (char)('0' + IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length / 16);
    wb_note(word);
    CHECK(depth == 0 || !deferred);
    depth++;
    if (deferred) {
        IoStartNextPacket(device, cancel != NULL);
        if (twice)
            IoStartNextPacket(device, cancel != NULL);
        IoSetCancelRoutine(irp, NULL);
        bench_complete(irp, STATUS_SUCCESS, 0);
    }
    depth--;
}

static VOID cancel_queued(PDEVICE_OBJECT device, PIRP irp)
{
    BOOLEAN queued;

    if (device->CurrentIrp == irp) {
        IoReleaseCancelSpinLock(irp->CancelIrql);
        return;
    }
    queued = KeRemoveEntryDeviceQueue(&device->DeviceQueue, &irp->Tail.Overlay.DeviceQueueEntry);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    wb_note(queued ? "unqueued" : "gone");
    if (queued)
        bench_complete(irp, STATUS_CANCELLED, 0);
}

static NTSTATUS start_packet(PDEVICE_OBJECT device, PIRP irp)
{
    ULONG key = IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length;

    IoMarkIrpPending(irp);
    if (key == 0) { /* a write of no bytes ends the current request and starts the next */
        KIRQL old = KeRaiseIrqlToDpcLevel();
        PIRP current = device->CurrentIrp;

        IoStartNextPacketByKey(device, cancel != NULL, 32);
        KeLowerIrql(old);
        if (current) {
            IoSetCancelRoutine(current, NULL);
            bench_complete(current, STATUS_SUCCESS, 0);
        }
        bench_complete(irp, STATUS_SUCCESS, 0);
        return STATUS_PENDING;
    }
    IoStartPacket(device, irp, &key, cancel);
    return STATUS_PENDING;
}

static void started(void)
{
    started_count = depth = 0;
    ((PDRIVER_OBJECT)wb_driver_object())->DriverStartIo = start_io;
    IoSetStartIoAttributes(the_driver.device, deferred, FALSE);
}

static const struct ft_op three[] = {
    {.kind = FT_OP_READ, .label = 1, .arg = {48, 0}},
    {.kind = FT_OP_READ, .label = 2, .arg = {16, 0}},
    {.kind = FT_OP_READ, .label = 3, .arg = {32, 0}},
    {.kind = FT_OP_WRITE},
    {.kind = FT_OP_WRITE},
    {.kind = FT_OP_WRITE},
};

static void keys_choose_the_next_request(void **state)
{
    (void)state;
    deferred = twice = FALSE;
    cancel = NULL;
    bench_driver_run(&(struct bench_driver){.request = start_packet, .started = started}, three, 6);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(wb_notes(), "read start3 read read write start2 write start1 write"));
    assert_int_equal(wb_event(FT_EV_START_PACKET, 1)->arg[2], false);
    assert_int_equal(wb_event(FT_EV_START_PACKET, 2)->arg[2], true);
    assert_int_equal(wb_event(FT_EV_START_PACKET, 2)->arg[3], 16);
    assert_int_equal(wb_event(FT_EV_START_PACKET, 2)->arg[4], false);
    assert_int_equal(wb_event(FT_EV_START_NEXT, 1)->arg[1],
                     wb_event(FT_EV_START_PACKET, 3)->arg[1]);
    assert_int_equal(wb_event(FT_EV_START_NEXT, 1)->arg[3], true);
    assert_int_equal(wb_event(FT_EV_START_NEXT, 3)->arg[1], 0);
    /* The queue of a device is announced with it. */
    assert_int_equal(wb_event(FT_EV_QUEUE_INIT, 1)->arg[1],
                     wb_event(FT_EV_DEVICE_CREATE, 1)->arg[0]);
}

static void a_queued_request_can_be_cancelled(void **state)
{
    static const struct ft_op ops[] = {
        {.kind = FT_OP_READ, .label = 1, .arg = {16, 0}},
        {.kind = FT_OP_READ, .label = 2, .arg = {32, 0}},
        {.kind = FT_OP_CANCEL, .arg = {2, 0}},
        {.kind = FT_OP_WRITE},
    };

    (void)state;
    deferred = twice = FALSE;
    cancel = cancel_queued;
    bench_driver_run(&(struct bench_driver){.request = start_packet, .started = started}, ops, 4);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(wb_notes(), "read start1 read unqueued write"));
    assert_int_equal(wb_event(FT_EV_START_PACKET, 1)->arg[4], true);
    assert_int_equal(wb_event(FT_EV_START_NEXT, 1)->arg[2], true);
    assert_int_equal(ft_handle_class(wb_event(FT_EV_QUEUE_REMOVE, 1)->arg[1]), FT_HC_IRP);
}

/* With DeferredStartIo each IoStartNextPacket inside StartIo counts, and none recurses. */
static void deferred_calls_each_count(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        deferred = TRUE;
        twice = i == 1;
        cancel = NULL;
        bench_driver_run(&(struct bench_driver){.request = start_packet, .started = started}, three,
                         3);
        assert_int_equal(wb_result()->stop, FT_STOP_NONE);
        assert_non_null(strstr(wb_notes(), "read start3 read start1 read start2"));
        assert_int_equal(wb_count(FT_EV_START_NEXT), twice ? 6 : 3);
    }
}

static void body_dead(void)
{
    PDEVICE_OBJECT device;
    PIRP irp = IoAllocateIrp(1, FALSE);

    CHECK(NT_SUCCESS(
        IoCreateDevice(wb_driver_object(), 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device)));
    IoFreeIrp(irp);
    IoStartPacket(device, irp, NULL, NULL);
}

static void starting_what_is_no_irp_is_bug_check_c9(void **state)
{
    (void)state;
    wb_body(body_dead, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_queue_does_not_queue),
        cmocka_unit_test(keys_sort),
        cmocka_unit_test(keys_choose_the_next_request),
        cmocka_unit_test(a_queued_request_can_be_cancelled),
        cmocka_unit_test(deferred_calls_each_count),
        cmocka_unit_test(starting_what_is_no_irp_is_bug_check_c9),
    };

    return cmocka_run_group_tests_name("StartIo and device queues", tests, NULL, NULL);
}
