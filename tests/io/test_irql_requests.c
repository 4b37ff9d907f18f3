/* The levels of the I/O manager's routines (wdm-io, 8): judged at every wrong one, at no right
 * one. */
#include "irql_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define COUNT(rows)     (sizeof(rows) / sizeof *(rows))
#define LOW_TO(highest) PASSIVE_LEVEL, (highest)

static KIRQL old;
static PDEVICE_OBJECT device;

static void new_device(void)
{
    CHECK(NT_SUCCESS(
        IoCreateDevice(wb_driver_object(), 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device)));
}

/* ---- requests ---- */

static PIRP irp;

static NTSTATUS keep(PDEVICE_OBJECT object, PIRP request, PVOID context)
{
    (void)object, (void)request, (void)context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS take(PDEVICE_OBJECT object, PIRP request)
{
    (void)object;
    IoMarkIrpPending(request);
    return STATUS_PENDING;
}

/* An IRP for a device of this driver, which holds it back. */
static void new_irp(void)
{
    PDRIVER_OBJECT driver = wb_driver_object();

    driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = take;
    new_device();
    irp = IoAllocateIrp(2, FALSE);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    IoSetCompletionRoutine(irp, keep, NULL, TRUE, TRUE, TRUE);
}

static void sent_irp(void)
{
    new_irp();
    IoCallDriver(device, irp);
}

static void allocate_irp(void)
{
    IoAllocateIrp(2, FALSE);
}

static void free_irp(void)
{
    IoFreeIrp(irp);
}

static void reuse_irp(void)
{
    IoReuseIrp(irp, STATUS_SUCCESS);
}

static void set_completion(void)
{
    IoSetCompletionRoutine(irp, keep, NULL, TRUE, TRUE, TRUE);
}

static void call_driver(void)
{
    IoCallDriver(device, irp);
}

static void po_call_driver(void)
{
    PoCallDriver(device, irp);
}

static void complete(void)
{
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static void mark_pending(void)
{
    IoMarkIrpPending(irp);
}

static void cancel_irp(void)
{
    IoCancelIrp(irp);
}

static void build_control(void)
{
    static KEVENT event;
    static IO_STATUS_BLOCK status;

    IoBuildDeviceIoControlRequest(WB_CONTROL, the_driver.below, NULL, 0, NULL, 0, FALSE, &event,
                                  &status);
}

static void build_synchronous(void)
{
    static KEVENT event;
    static IO_STATUS_BLOCK status;
    static LARGE_INTEGER start;
    static UCHAR bytes[16];

    IoBuildSynchronousFsdRequest(IRP_MJ_READ, the_driver.below, bytes, sizeof bytes, &start, &event,
                                 &status);
}

static void build_asynchronous(void)
{
    static IO_STATUS_BLOCK status;
    static LARGE_INTEGER start;
    static UCHAR bytes[16];

    IoBuildAsynchronousFsdRequest(IRP_MJ_READ, the_driver.below, bytes, sizeof bytes, &start,
                                  &status);
}

static const struct irql_row irp_rows[] = {
    {"IoAllocateIrp", LOW_TO(DISPATCH_LEVEL), NULL, allocate_irp},
    {"IoFreeIrp", LOW_TO(DISPATCH_LEVEL), new_irp, free_irp},
    {"IoReuseIrp", LOW_TO(DISPATCH_LEVEL), new_irp, reuse_irp},
    {"IoSetCompletionRoutine", LOW_TO(DISPATCH_LEVEL), new_irp, set_completion},
    {"IoCallDriver", LOW_TO(DISPATCH_LEVEL), new_irp, call_driver},
    {"PoCallDriver", LOW_TO(DISPATCH_LEVEL), new_irp, po_call_driver},
    {"IoCompleteRequest", LOW_TO(DISPATCH_LEVEL), sent_irp, complete},
    {"IoMarkIrpPending", LOW_TO(IRQL_ANY), new_irp, mark_pending},
    {"IoCancelIrp", LOW_TO(DISPATCH_LEVEL), new_irp, cancel_irp},
    {"IoBuildDeviceIoControlRequest", LOW_TO(PASSIVE_LEVEL), NULL, build_control},
    {"IoBuildSynchronousFsdRequest", LOW_TO(APC_LEVEL), NULL, build_synchronous},
    {"IoBuildAsynchronousFsdRequest", LOW_TO(APC_LEVEL), NULL, build_asynchronous},
};

static void requests(void **state)
{
    (void)state;
    irql_windows(irp_rows, COUNT(irp_rows), NULL);
}

/* ---- the cancel lock, queues, StartIo ---- */

static KDEVICE_QUEUE queue;
static KDEVICE_QUEUE_ENTRY entry[2];
static PCONTROLLER_OBJECT controller;

static void lock_cancel(void)
{
    IoAcquireCancelSpinLock(&old);
}

static void unlock_cancel(void)
{
    IoReleaseCancelSpinLock(old);
}

static void lock_and_unlock_cancel(void)
{
    lock_cancel();
    unlock_cancel();
}

static void new_queue(void)
{
    KeInitializeDeviceQueue(&queue);
}

static void busy_queue(void)
{
    new_queue();
    KeRaiseIrqlToDpcLevel();
    KeInsertDeviceQueue(&queue, &entry[0]); /* busy now, and empty */
    KeInsertDeviceQueue(&queue, &entry[1]);
    KeLowerIrql(PASSIVE_LEVEL);
}

static void insert(void)
{
    KeInsertDeviceQueue(&queue, &entry[0]);
}

static void insert_by_key(void)
{
    KeInsertByKeyDeviceQueue(&queue, &entry[0], 1);
}

static void remove_first(void)
{
    KeRemoveDeviceQueue(&queue);
}

static void remove_by_key(void)
{
    KeRemoveByKeyDeviceQueue(&queue, 1);
}

static void remove_entry(void)
{
    KeRemoveEntryDeviceQueue(&queue, &entry[1]);
}

static VOID start_io(PDEVICE_OBJECT object, PIRP request)
{
    (void)object, (void)request;
}

static void new_packet(void)
{
    PDRIVER_OBJECT driver = wb_driver_object();

    driver->DriverStartIo = start_io;
    new_irp();
}

static void start_packet(void)
{
    IoStartPacket(device, irp, NULL, NULL);
}

static void start_next(void)
{
    IoStartNextPacket(device, FALSE);
}

static void start_next_by_key(void)
{
    IoStartNextPacketByKey(device, FALSE, 1);
}

static IO_ALLOCATION_ACTION control(PDEVICE_OBJECT object, PIRP request, PVOID base, PVOID context)
{
    (void)object, (void)request, (void)base, (void)context;
    return DeallocateObject;
}

static void new_controller(void)
{
    new_device();
    controller = IoCreateController(16);
}

static void allocate_controller(void)
{
    IoAllocateController(controller, device, control, NULL);
}

static const struct irql_row queue_rows[] = {
    {"IoAcquireCancelSpinLock", LOW_TO(DISPATCH_LEVEL), NULL, lock_and_unlock_cancel},
    {"IoReleaseCancelSpinLock", DISPATCH_LEVEL, DISPATCH_LEVEL, lock_cancel, unlock_cancel},
    {"KeInsertDeviceQueue", DISPATCH_LEVEL, DISPATCH_LEVEL, new_queue, insert},
    {"KeInsertByKeyDeviceQueue", DISPATCH_LEVEL, DISPATCH_LEVEL, new_queue, insert_by_key},
    {"KeRemoveDeviceQueue", DISPATCH_LEVEL, DISPATCH_LEVEL, busy_queue, remove_first},
    {"KeRemoveByKeyDeviceQueue", DISPATCH_LEVEL, DISPATCH_LEVEL, busy_queue, remove_by_key},
    {"KeRemoveEntryDeviceQueue", LOW_TO(DISPATCH_LEVEL), busy_queue, remove_entry},
    {"IoStartPacket", LOW_TO(DISPATCH_LEVEL), new_packet, start_packet},
    {"IoStartNextPacket", DISPATCH_LEVEL, DISPATCH_LEVEL, new_packet, start_next},
    {"IoStartNextPacketByKey", DISPATCH_LEVEL, DISPATCH_LEVEL, new_packet, start_next_by_key},
    {"IoAllocateController", DISPATCH_LEVEL, DISPATCH_LEVEL, new_controller, allocate_controller},
};

static void queues(void **state)
{
    (void)state;
    irql_windows(queue_rows, COUNT(queue_rows), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(queues),
    };

    return cmocka_run_group_tests_name("levels of requests and queues", tests, NULL, NULL);
}
