/* Memory that the driver has and may not touch: what the watches and views of the access flavour
 * tell, and what they leave alone. */
#include "bench_driver.h"
#include "dma/frames.h"
#include "world/machine.h"
#include "world/races.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* An access of the driver, as the compiler would have reported it. */
static void look_as(const volatile void *address, size_t bytes, unsigned how)
{
    static uint64_t next_site;

    ft_current()->site = ++next_site;
    ft_access(address, bytes, how);
}

static void look(const volatile void *address, size_t bytes)
{
    look_as(address, bytes, 0);
}

struct run {
    PDRIVER_DISPATCH request;
    BOOLEAN neither;
    enum ft_platform_name platform;
    bool plain;
};

static void run(const struct run *how, unsigned op)
{
    const struct ft_op ops[] = {{.kind = (uint8_t)op, .label = 1, .arg = {512, 0}}};

    bench_driver_run(&(struct bench_driver){.request = how->request,
                                            .neither = how->neither,
                                            .platform = how->platform,
                                            .accesses = !how->plain},
                     ops, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* What a read with that handler is told for: 0: nothing; only one kind of touch may come. */
static unsigned told_by(const struct run *how)
{
    unsigned what = 0;

    run(how, FT_OP_READ);
    for (unsigned n = 1; n <= wb_count(FT_EV_MEM_TOUCH); n++) {
        unsigned other = (unsigned)wb_event(FT_EV_MEM_TOUCH, n)->arg[3];

        assert_true(n == 1 || other == what);
        what = other;
    }
    return what;
}

static unsigned told(PDRIVER_DISPATCH request)
{
    return told_by(&(struct run){.request = request});
}

/* ---- passed down ---- */

static NTSTATUS below_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device;
    look(&irp->IoStatus, 16);
    return (NTSTATUS)(LONG_PTR)context;
}

static NTSTATUS send_down(PIRP irp, PIO_COMPLETION_ROUTINE routine, NTSTATUS answer)
{
    if (routine) {
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoSetCompletionRoutine(irp, routine, (PVOID)(LONG_PTR)answer, TRUE, TRUE, TRUE);
    } else {
        IoSkipCurrentIrpStackLocation(irp);
    }
    return IoCallDriver(the_driver.below, irp);
}

static NTSTATUS pass_and_look(PDEVICE_OBJECT device, PIRP irp)
{
    NTSTATUS status = send_down(irp, NULL, STATUS_SUCCESS);

    (void)device;
    look(&irp->IoStatus, 16);
    return status;
}

static NTSTATUS pass_and_leave(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    look(&irp->IoStatus, 16);
    return send_down(irp, NULL, STATUS_SUCCESS);
}

static NTSTATUS let_go_and_look(PDEVICE_OBJECT device, PIRP irp)
{
    NTSTATUS status = send_down(irp, below_done, STATUS_SUCCESS);

    (void)device;
    look(&irp->Flags, 4);
    return status;
}

static NTSTATUS take_back_and_look(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    send_down(irp, below_done, STATUS_MORE_PROCESSING_REQUIRED);
    look(irp, sizeof *irp);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS wait_and_look(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    CHECK(IoForwardIrpSynchronously(the_driver.below, irp));
    look(irp, sizeof *irp);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void an_irp_that_was_passed_down(void **state)
{
    (void)state;
    assert_int_equal(told(pass_and_look), FT_TOUCH_FORWARDED);
    assert_int_equal(ft_handle_class(wb_last(FT_EV_MEM_TOUCH)->arg[0]), FT_HC_IRP);
    assert_int_equal(told(let_go_and_look), FT_TOUCH_FORWARDED);
    assert_int_equal(told(pass_and_leave), 0);
    assert_int_equal(told(take_back_and_look), 0);
    assert_int_equal(told(wait_and_look), 0);
}

/* ---- queued ---- */

static IO_CSQ csq;
static KSPIN_LOCK lock;
static FAST_MUTEX mutex;
static LIST_ENTRY list;

static VOID insert(PIO_CSQ queue, PIRP irp)
{
    (void)queue;
    look(&irp->Tail.Overlay.ListEntry, sizeof(LIST_ENTRY));
    InsertTailList(&list, &irp->Tail.Overlay.ListEntry);
}

static VOID take_out(PIO_CSQ queue, PIRP irp)
{
    (void)queue;
    look(&irp->Tail.Overlay.ListEntry, sizeof(LIST_ENTRY));
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

static PIRP peek(PIO_CSQ queue, PIRP irp, PVOID context)
{
    (void)queue;
    (void)irp;
    (void)context;
    return IsListEmpty(&list) ? NULL : CONTAINING_RECORD(list.Flink, IRP, Tail.Overlay.ListEntry);
}

static VOID acquire(PIO_CSQ queue, PKIRQL irql)
{
    (void)queue;
    KeAcquireSpinLock(&lock, irql);
}

static VOID release(PIO_CSQ queue, KIRQL irql)
{
    (void)queue;
    KeReleaseSpinLock(&lock, irql);
}

static VOID acquire_mutex(PIO_CSQ queue, PKIRQL irql)
{
    (void)queue;
    *irql = PASSIVE_LEVEL;
    ExAcquireFastMutex(&mutex);
}

static VOID release_mutex(PIO_CSQ queue, KIRQL irql)
{
    (void)queue;
    (void)irql;
    ExReleaseFastMutex(&mutex);
}

static VOID complete_canceled(PIO_CSQ queue, PIRP irp)
{
    (void)queue;
    look(irp, sizeof *irp);
    bench_complete(irp, STATUS_CANCELLED, 0);
}

static void put_in(PIRP irp, bool by_mutex)
{
    KeInitializeSpinLock(&lock);
    ExInitializeFastMutex(&mutex);
    InitializeListHead(&list);
    IoCsqInitialize(&csq, insert, take_out, peek, by_mutex ? acquire_mutex : acquire,
                    by_mutex ? release_mutex : release, complete_canceled);
    IoCsqInsertIrp(&csq, irp, NULL);
}

static NTSTATUS take_back(void)
{
    PIRP irp = IoCsqRemoveNextIrp(&csq, NULL);

    look(irp, sizeof *irp);
    bench_complete(irp, STATUS_SUCCESS, 0);
    return STATUS_PENDING;
}

static NTSTATUS queue_and_look(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    put_in(irp, false);
    look(&irp->Flags, 4);
    return take_back();
}

static NTSTATUS queue_and_look_locked(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL irql;

    (void)device;
    put_in(irp, false);
    KeAcquireSpinLock(&lock, &irql);
    look(&irp->Flags, 4);
    KeReleaseSpinLock(&lock, irql);
    return take_back();
}

static NTSTATUS queue_and_overwrite(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL irql;

    (void)device;
    put_in(irp, false);
    KeAcquireSpinLock(&lock, &irql);
    look_as(&irp->Tail.Overlay.DriverContext[3], 8, FT_ACCESS_WRITE);
    KeReleaseSpinLock(&lock, irql);
    return take_back();
}

static NTSTATUS queue_by_mutex_and_look(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    put_in(irp, true);
    look(&irp->Flags, 4);
    return take_back();
}

static NTSTATUS queue_and_leave(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    put_in(irp, false);
    return STATUS_PENDING;
}

static void an_irp_in_a_cancel_safe_queue(void **state)
{
    (void)state;
    assert_int_equal(told(queue_and_look), FT_TOUCH_QUEUED);
    assert_int_equal(told(queue_and_look_locked), 0);
    assert_int_equal(told(queue_and_overwrite), FT_TOUCH_QUEUE_LINK);
    /* The lock may be anything else: who holds it is not known. */
    assert_int_equal(told(queue_by_mutex_and_look), 0);
    assert_int_equal(told(queue_and_leave), 0); /* the tail cancels it */
}

/* ---- a cancel routine was set ---- */

static VOID cancelled(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    bench_complete(irp, STATUS_CANCELLED, 0);
}

static NTSTATUS set(PIRP irp)
{
    IoMarkIrpPending(irp);
    IoSetCancelRoutine(irp, cancelled);
    return STATUS_PENDING;
}

static NTSTATUS set_and_leave(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    return set(irp);
}

static NTSTATUS set_and_test(PDEVICE_OBJECT device, PIRP irp)
{
    NTSTATUS status = set(irp);

    (void)device;
    look(&irp->Cancel, 1);
    return status;
}

static NTSTATUS set_and_take_back(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    set(irp);
    CHECK(IoSetCancelRoutine(irp, NULL) == cancelled);
    bench_complete(irp, STATUS_SUCCESS, 0);
    return STATUS_PENDING;
}

static NTSTATUS test_and_set_locked(PDEVICE_OBJECT device, PIRP irp)
{
    NTSTATUS status;
    KIRQL irql;

    (void)device;
    IoAcquireCancelSpinLock(&irql);
    look(&irp->Cancel, 1);
    status = set(irp);
    IoReleaseCancelSpinLock(irql);
    return status;
}

static void a_cancel_routine_without_a_look_at_cancel(void **state)
{
    (void)state;
    assert_int_equal(told(set_and_leave), FT_TOUCH_UNTESTED);
    assert_int_equal(wb_event(FT_EV_MEM_TOUCH, 1)->arg[0] & 0xFFFFFF, offsetof(IRP, Cancel));
    assert_int_equal(told(set_and_test), 0);
    assert_int_equal(told(set_and_take_back), 0);
    assert_int_equal(told(test_and_set_locked), 0);
}

/* ---- views ---- */

static KDPC dpc;

static VOID look_in_dpc(PKDPC object, PVOID address, PVOID argument1, PVOID argument2)
{
    (void)object;
    (void)argument1;
    (void)argument2;
    look(address, 4);
}

static void look_elsewhere(PVOID address)
{
    KeInitializeDpc(&dpc, look_in_dpc, address);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    KeFlushQueuedDpcs();
}

static NTSTATUS index_here(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    look(MmGetMdlVirtualAddress(irp->MdlAddress), 4);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS index_elsewhere(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    look_elsewhere(MmGetMdlVirtualAddress(irp->MdlAddress));
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static PVOID map(PMDL mdl)
{
    return MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
}

static NTSTATUS mapped_elsewhere(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    look_elsewhere(map(irp->MdlAddress));
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS unmapped_elsewhere(PDEVICE_OBJECT device, PIRP irp)
{
    PVOID address = map(irp->MdlAddress);

    (void)device;
    MmUnmapLockedPages(address, irp->MdlAddress);
    look(address, 4);
    look_elsewhere(address);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS completed_here(PDEVICE_OBJECT device, PIRP irp)
{
    PVOID address = map(irp->MdlAddress);

    (void)device;
    bench_complete(irp, STATUS_SUCCESS, 0);
    look(address, 4);
    return STATUS_SUCCESS;
}

static NTSTATUS part_mapped(PDEVICE_OBJECT device, PIRP irp)
{
    PUCHAR va = MmGetMdlVirtualAddress(irp->MdlAddress);
    PMDL part = IoAllocateMdl(va, 64, FALSE, FALSE, NULL);

    (void)device;
    IoBuildPartialMdl(irp->MdlAddress, part, va, 64);
    look_elsewhere(map(part));
    MmPrepareMdlForReuse(part);
    look_elsewhere(va);
    IoFreeMdl(part);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

/* Memory that nobody has locked: another rule's business. */
static NTSTATUS users_elsewhere(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    look_elsewhere(irp->UserBuffer);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS locked_and_unlocked(PDEVICE_OBJECT device, PIRP irp)
{
    PMDL mdl = IoAllocateMdl(irp->UserBuffer, 512, FALSE, FALSE, NULL);

    (void)device;
    MmProbeAndLockPages(mdl, UserMode, IoWriteAccess);
    MmUnlockPages(mdl);
    look_elsewhere(irp->UserBuffer);
    IoFreeMdl(mdl);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void pages_without_a_system_address(void **state)
{
    (void)state;
    assert_int_equal(told(index_elsewhere), FT_TOUCH_NO_VIEW);
    assert_int_equal(told(index_here), 0);
    assert_int_equal(told(mapped_elsewhere), 0);
    assert_int_equal(told_by(&(struct run){.request = users_elsewhere, .neither = TRUE}), 0);
    assert_int_equal(told_by(&(struct run){.request = locked_and_unlocked, .neither = TRUE}), 0);
}

static void pages_whose_system_address_is_over(void **state)
{
    (void)state;
    assert_int_equal(told(unmapped_elsewhere), FT_TOUCH_VIEW_OVER);
    assert_int_equal(wb_count(FT_EV_MEM_TOUCH), 1);
    assert_int_equal(told(completed_here), FT_TOUCH_VIEW_OVER);
    assert_int_equal(told(part_mapped), FT_TOUCH_VIEW_OVER);
    assert_int_equal(wb_count(FT_EV_MEM_TOUCH), 1);
}

/* ---- programmed I/O ---- */

static void fill(PIRP irp)
{
    READ_REGISTER_BUFFER_ULONG((PULONG)(the_driver.registers + WB_REG_SCRATCH),
                               map(irp->MdlAddress), 2);
}

static NTSTATUS fill_and_complete(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    fill(irp);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS fill_and_flush(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    fill(irp);
    KeFlushIoBuffers(irp->MdlAddress, TRUE, FALSE);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void programmed_io_without_a_flush(void **state)
{
    (void)state;
    assert_int_equal(
        told_by(&(struct run){.request = fill_and_complete, .platform = FT_PLATFORM_NONCOHERENT}),
        FT_TOUCH_UNFLUSHED);
    assert_int_equal(
        told_by(&(struct run){.request = fill_and_flush, .platform = FT_PLATFORM_NONCOHERENT}), 0);
    assert_int_equal(told(fill_and_complete), 0);
}

/* ---- the watches themselves ---- */

static NTSTATUS null_after_extension(PDEVICE_OBJECT device, PIRP irp)
{
    static PVOID extension;

    (void)device;
    ft_watch(FT_TOUCH_NO_EXTENSION, &extension, sizeof extension);
    look(&extension, sizeof extension);
    look((const void *)16, 4);
    ft_unwatch(FT_TOUCH_NO_EXTENSION, &extension);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS null_before_extension(PDEVICE_OBJECT device, PIRP irp)
{
    static PVOID extension;

    (void)device;
    ft_watch(FT_TOUCH_NO_EXTENSION, &extension, sizeof extension);
    look((const void *)16, 4);
    look(&extension, sizeof extension);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

/* More than there is room for: some are forgotten, and the rest still tells. */
static NTSTATUS many(PDEVICE_OBJECT device, PIRP irp)
{
    static UCHAR bytes[3 * FT_WATCHES];

    (void)device;
    for (unsigned i = 0; i < sizeof bytes; i++)
        ft_watch(FT_TOUCH_BUS_DATA, &bytes[i], 1);
    look(&bytes[sizeof bytes - 1], 1);
    look(bytes, 1); /* forgotten */
    ft_unwatch_all(bytes, sizeof bytes);
    look(bytes, sizeof bytes);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void an_extension_that_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(told(null_after_extension), FT_TOUCH_NO_EXTENSION);
    assert_int_equal(told(null_before_extension), FT_TOUCH_NEAR_NULL);
}

static void room_for_so_many(void **state)
{
    (void)state;
    assert_int_equal(told(many), FT_TOUCH_BUS_DATA);
    assert_int_equal(wb_count(FT_EV_MEM_TOUCH), 1);
}

static void nothing_in_other_flavours(void **state)
{
    static const PDRIVER_DISPATCH requests[] = {pass_and_look, queue_and_look, set_and_leave,
                                                index_elsewhere, many};

    (void)state;
    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++)
        assert_int_equal(told_by(&(struct run){.request = requests[i], .plain = true}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_irp_that_was_passed_down),
        cmocka_unit_test(an_irp_in_a_cancel_safe_queue),
        cmocka_unit_test(a_cancel_routine_without_a_look_at_cancel),
        cmocka_unit_test(pages_without_a_system_address),
        cmocka_unit_test(pages_whose_system_address_is_over),
        cmocka_unit_test(programmed_io_without_a_flush),
        cmocka_unit_test(an_extension_that_is_not_there),
        cmocka_unit_test(room_for_so_many),
        cmocka_unit_test(nothing_in_other_flavours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
