/* IRPs of a driver's own (wdm-io, 2.5): allocated, initialised, reused, associated, and built by
 * the I/O manager; and IRPs that a driver sends down and gets back. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 64 };

static PDEVICE_OBJECT below; /* a device that answers */
static PIRP held;            /* what it holds back */
static NTSTATUS answer;
static ULONG_PTR information;
static bool hold;
static UCHAR data[BYTES];

static NTSTATUS dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    CHECK(device == below);
    wb_note("sent");
    if (hold) {
        IoMarkIrpPending(irp);
        held = irp;
        return STATUS_PENDING;
    }
    if (IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_WRITE &&
        irp->AssociatedIrp.SystemBuffer)
        memcpy(data, irp->AssociatedIrp.SystemBuffer, BYTES);
    return bench_complete(irp, answer, information);
}

static void make_below(ULONG flags)
{
    PDRIVER_OBJECT driver = wb_driver_object();

    answer = STATUS_SUCCESS;
    information = 0;
    hold = false;
    held = NULL;
    driver->MajorFunction[IRP_MJ_READ] = dispatch;
    driver->MajorFunction[IRP_MJ_WRITE] = dispatch;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch;
    driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = dispatch;
    CHECK(NT_SUCCESS(IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &below)));
    below->Flags |= flags;
}

static NTSTATUS keep(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)irp;
    CHECK(context == &held && device == NULL);
    wb_note("kept");
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void set_fails(unsigned what)
{
    FT_M->alloc_fail_what = what;
    FT_M->alloc_fail_after = 0;
}

/* ---- allocation ---- */

static void body_allocate(void)
{
    PIRP irp;

    make_below(0);
    irp = IoAllocateIrpEx(below, 2, FALSE);
    CHECK(irp && irp->StackCount == 2);
    IoFreeIrp(irp);
    set_fails(3);
    CHECK(IoAllocateIrpEx(below, 2, FALSE) == NULL);
    set_fails(3);
    CHECK(IoAllocateIrp(2, FALSE) == NULL);
    IoDeleteDevice(below);
}

static void an_allocation_may_fail(void **state)
{
    (void)state;
    wb_body(body_allocate, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_IRP_NEW, 2)->arg[0], 0);
    assert_int_equal(wb_event(FT_EV_IRP_NEW, 1)->argc, 8);
}

/* The originator takes a location of its own: its completion routine gets its device. */
static NTSTATUS own_location(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    CHECK(context == &below && device == below);
    CHECK(IoGetCurrentIrpStackLocation(irp)->DeviceObject == below);
    wb_note("own");
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void body_set_next(void)
{
    PIRP irp = IoAllocateIrp(2, FALSE);

    make_below(0);
    IoSetNextIrpStackLocation(irp);
    CHECK(irp->CurrentLocation == 2);
    IoGetCurrentIrpStackLocation(irp)->DeviceObject = below;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(irp, own_location, &below, TRUE, TRUE, TRUE);
    IoCallDriver(below, irp);
    IoReuseIrp(irp, STATUS_TIMEOUT);
    CHECK(irp->IoStatus.Status == STATUS_TIMEOUT && irp->CurrentLocation == 3);
    IoFreeIrp(irp);
}

static void an_originator_may_take_a_location(void **state)
{
    (void)state;
    wb_body(body_set_next, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "sent own");
    assert_int_equal(wb_count(FT_EV_IRP_SET_NEXT), 1);
    assert_int_equal(wb_event(FT_EV_IRP_SET_COMPLETION, 1)->arg[1],
                     SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL);
    assert_int_equal(wb_event(FT_EV_IRP_REUSE, 1)->arg[1], (uint32_t)STATUS_TIMEOUT);
    assert_int_equal(wb_event(FT_EV_IRP_REUSE, 1)->arg[2], false);
}

static void body_reuse_in_use(void)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    make_below(0);
    hold = true;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(irp, keep, &held, TRUE, TRUE, TRUE);
    CHECK(IoCallDriver(below, irp) == STATUS_PENDING);
    IoReuseIrp(irp, STATUS_SUCCESS);
}

static void reusing_what_is_in_use_shows(void **state)
{
    (void)state;
    wb_body(body_reuse_in_use, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_IRP_REUSE, 1)->arg[2], true);
}

static void body_initialize(void)
{
    USHORT size = IoSizeOfIrp(1);
    PIRP irp = ExAllocatePoolWithTag(NonPagedPool, size, 'tset');

    make_below(0);
    IoInitializeIrp(irp, size, 1);
    CHECK(irp->Size == size && irp->StackCount == 1 && irp->CurrentLocation == 2);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(irp, keep, &held, TRUE, TRUE, TRUE);
    CHECK(IoCallDriver(below, irp) == STATUS_SUCCESS);
    CHECK(!IoCancelIrp(irp) && irp->Cancel);
    ExFreePool(irp);
    irp = IoAllocateIrp(1, FALSE);
    IoInitializeIrp(irp, size, 1);
    IoFreeIrp(irp);
}

static void an_irp_may_live_in_the_driver_s_memory(void **state)
{
    (void)state;
    wb_body(body_initialize, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "sent kept");
    assert_int_equal(wb_event(FT_EV_IRP_INIT, 1)->arg[1], false);
    assert_int_equal(ft_handle_class(wb_event(FT_EV_IRP_INIT, 1)->arg[0]), FT_HC_IRP);
    assert_int_equal(wb_event(FT_EV_IRP_CALL, 1)->arg[0], wb_event(FT_EV_IRP_INIT, 1)->arg[0]);
    assert_int_equal(wb_event(FT_EV_IRP_COMPLETE, 1)->arg[0], wb_event(FT_EV_IRP_INIT, 1)->arg[0]);
    assert_int_equal(wb_event(FT_EV_IRP_INIT, 2)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_IRP_INIT, 2)->arg[0], wb_last(FT_EV_IRP_FREE)->arg[0]);
}

static void body_free_foreign(void)
{
    PIRP irp = ExAllocatePoolWithTag(NonPagedPool, IoSizeOfIrp(1), 'tset');

    IoInitializeIrp(irp, IoSizeOfIrp(1), 1);
    IoFreeIrp(irp);
}

static void io_free_irp_is_not_for_the_driver_s_memory(void **state)
{
    (void)state;
    wb_body(body_free_foreign, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC9);
}

/* ---- completion events, and the call's own ---- */

static void body_flags(void)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    make_below(0);
    hold = true;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(irp, keep, &held, FALSE, FALSE, TRUE);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    irp->IoStatus.Information = 7;
    IoCallDriver(below, irp);
    CHECK(!IoCancelIrp(irp));
    bench_complete(held, STATUS_CANCELLED, 0);
    IoFreeIrp(irp);
}

static void a_completion_routine_is_announced_with_the_irp_s_state(void **state)
{
    (void)state;
    wb_body(body_flags, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_IRP_SET_COMPLETION, 1)->arg[1], SL_INVOKE_ON_CANCEL);
    assert_int_equal(wb_event(FT_EV_IRP_CALL, 1)->arg[5], (uint32_t)STATUS_NOT_SUPPORTED);
    assert_int_equal(wb_event(FT_EV_IRP_CALL, 1)->arg[6], 7);
    assert_int_equal(wb_event(FT_EV_IRP_CALL, 1)->arg[7], false);
    assert_int_equal(wb_event(FT_EV_IRP_COMPLETION, 1)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_IRP_COMPLETION, 1)->arg[2], true);
    assert_int_equal(wb_event(FT_EV_IRP_COMPLETION, 1)->arg[3], true);
}

static NTSTATUS mark_and_skip(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoMarkIrpPending(irp);
    IoSkipCurrentIrpStackLocation(irp);
    IoCallDriver(the_driver.below, irp);
    return STATUS_PENDING;
}

static void a_call_says_whether_its_location_is_marked(void **state)
{
    static const struct ft_op read[] = {{.kind = FT_OP_READ, .arg = {16, 0}}};
    bool found = false;

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = mark_and_skip}, read, 1);
    for (unsigned n = 1; n <= wb_count(FT_EV_IRP_CALL); n++) {
        const struct ft_event *call = wb_event(FT_EV_IRP_CALL, n);

        if (call->layer == FT_LAYER_DRIVER && call->arg[2] >> 8 == IRP_MJ_READ) {
            found = true;
            assert_int_equal(call->arg[7], true);
        }
    }
    assert_true(found);
}

/* ---- forwarding ---- */

static void complete_held(void *unused)
{
    (void)unused;
    wb_note("completes");
    bench_complete(held, STATUS_DEVICE_BUSY, 3);
}

static PIRP irp_at(CCHAR locations)
{
    PIRP irp = IoAllocateIrp(locations, FALSE);

    IoSetNextIrpStackLocation(irp);
    IoGetCurrentIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    return irp;
}

static void body_forward(void)
{
    PIRP irp = irp_at(2);

    make_below(0);
    CHECK(IoForwardIrpSynchronously(below, irp));
    CHECK(irp->CurrentLocation == 2 && irp->IoStatus.Status == STATUS_SUCCESS);
    hold = true;
    ft_task_spawn(FT_TASK_THREAD, complete_held, NULL, 0);
    wb_note("again");
    CHECK(IoForwardIrpSynchronously(below, irp));
    wb_note("back");
    CHECK(irp->IoStatus.Status == STATUS_DEVICE_BUSY && irp->IoStatus.Information == 3);
    IoFreeIrp(irp);
    irp = irp_at(1);
    CHECK(!IoForwardIrpSynchronously(below, irp));
    IoFreeIrp(irp);
}

static void forwarding_synchronously_waits_for_the_irp(void **state)
{
    (void)state;
    wb_body(body_forward, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "sent again sent completes back");
    assert_int_equal(wb_count(FT_EV_IRP_CALL), 2);
    assert_int_equal(wb_count(FT_EV_IRP_COPY), 2);
    assert_int_equal(wb_count(FT_EV_IRP_COMPLETION), 0); /* the routine is not the driver's */
    assert_int_equal(wb_count(FT_EV_IRP_DONE), 0);
    assert_int_equal(wb_count(FT_EV_WAIT_BEGIN), 2);
}

/* ---- associated IRPs ---- */

static NTSTATUS free_it(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device;
    CHECK(context == &held);
    irp->AssociatedIrp.MasterIrp->AssociatedIrp.IrpCount--;
    IoFreeIrp(irp);
    wb_note("freed");
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static void body_associated(void)
{
    PIRP master = IoAllocateIrp(1, FALSE), part[3];

    make_below(0);
    hold = true;
    IoGetNextIrpStackLocation(master)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(master, keep, &held, TRUE, TRUE, TRUE);
    IoCallDriver(below, master);
    hold = false;
    for (unsigned i = 0; i < 3; i++) {
        part[i] = IoMakeAssociatedIrp(master, 1);
        CHECK(part[i]->AssociatedIrp.MasterIrp == master);
        CHECK(part[i]->Flags & IRP_ASSOCIATED_IRP);
        IoGetNextIrpStackLocation(part[i])->MajorFunction = IRP_MJ_READ;
    }
    master->AssociatedIrp.IrpCount = 3;
    master->IoStatus.Status = STATUS_SUCCESS;
    IoSetCompletionRoutine(part[0], free_it, &held, TRUE, TRUE, TRUE);
    for (unsigned i = 0; i < 3; i++) {
        wb_note("part");
        IoCallDriver(below, part[i]);
        CHECK(!ft_block_is_live(part[i], FT_HC_IRP));
    }
    IoFreeIrp(master);
    set_fails(3);
    master = IoAllocateIrp(1, FALSE);
    CHECK(master == NULL);
    master = IoAllocateIrp(1, FALSE);
    set_fails(3);
    CHECK(IoMakeAssociatedIrp(master, 1) == NULL);
    IoFreeIrp(master);
}

static void a_master_is_complete_with_its_last_associated_irp(void **state)
{
    (void)state;
    wb_body(body_associated, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "sent part sent freed part sent part sent kept");
    assert_int_equal(wb_event(FT_EV_IRP_NEW, 2)->arg[7], wb_event(FT_EV_IRP_NEW, 1)->arg[0]);
    assert_int_equal(wb_count(FT_EV_IRP_DONE), 2); /* the parts that nobody kept */
    assert_int_equal(wb_last(FT_EV_IRP_COMPLETE)->layer, FT_LAYER_SYSTEM);
    assert_int_equal(wb_last(FT_EV_IRP_COMPLETE)->arg[0], wb_event(FT_EV_IRP_NEW, 1)->arg[0]);
}

/* ---- built requests ---- */

static KEVENT event;
static IO_STATUS_BLOCK iosb;
static UCHAR *buffer;

static void begin(ULONG flags)
{
    make_below(flags);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    iosb.Status = STATUS_PENDING;
    buffer = ExAllocatePoolWithTag(NonPagedPool, BYTES, 'tset');
    memset(buffer, 0x11, BYTES);
    memset(data, 0, BYTES);
}

static void send_built(PIRP irp)
{
    CHECK(irp != NULL);
    IoCallDriver(below, irp);
    CHECK(KeReadStateEvent(&event) && iosb.Status == answer && iosb.Information == information);
    CHECK(!ft_block_is_live(irp, FT_HC_IRP));
}

static void body_synchronous(void)
{
    LARGE_INTEGER at = {.QuadPart = 0x1234};
    PIRP irp;

    begin(DO_BUFFERED_IO);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, below, buffer, BYTES, &at, &event, &iosb);
    CHECK(IoGetNextIrpStackLocation(irp)->Parameters.Write.ByteOffset.QuadPart == 0x1234);
    CHECK(IoGetNextIrpStackLocation(irp)->Parameters.Write.Length == BYTES);
    CHECK(irp->AssociatedIrp.SystemBuffer && irp->AssociatedIrp.SystemBuffer != buffer);
    information = BYTES;
    send_built(irp);
    CHECK(data[0] == 0x11 && data[BYTES - 1] == 0x11);
    ExFreePool(buffer);
}

static void a_synchronous_request_is_freed_and_its_event_set(void **state)
{
    (void)state;
    wb_body(body_synchronous, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_IRP_NEW, 1)->arg[1], IRP_MJ_WRITE << 8);
    assert_int_equal(wb_event(FT_EV_IRP_NEW, 1)->arg[2], BYTES);
    assert_int_equal(wb_event(FT_EV_IRP_NEW, 1)->layer, FT_LAYER_DRIVER);
    assert_int_equal(wb_count(FT_EV_IRP_FREE), 1);
    assert_int_equal(wb_count(FT_EV_POOL_FREE), 2);
}

static void body_read_copied_back(void)
{
    PIRP irp;

    begin(DO_BUFFERED_IO);
    hold = true;
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, below, buffer, BYTES, NULL, &event, &iosb);
    CHECK(IoCallDriver(below, irp) == STATUS_PENDING);
    CHECK(!KeReadStateEvent(&event) && iosb.Status == STATUS_PENDING);
    memset(held->AssociatedIrp.SystemBuffer, 0x77, BYTES);
    bench_complete(held, STATUS_SUCCESS, 8);
    CHECK(KeReadStateEvent(&event));
    CHECK(buffer[0] == 0x77 && buffer[7] == 0x77 && buffer[8] == 0x11);
    /* An error brings nothing back. */
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, below, buffer, BYTES, NULL, &event, &iosb);
    IoCallDriver(below, irp);
    memset(held->AssociatedIrp.SystemBuffer, 0x55, BYTES);
    bench_complete(held, STATUS_UNSUCCESSFUL, BYTES);
    CHECK(buffer[0] == 0x77 && iosb.Status == STATUS_UNSUCCESSFUL);
    ExFreePool(buffer);
}

static void buffered_data_comes_back_up_to_information(void **state)
{
    (void)state;
    wb_body(body_read_copied_back, FT_STOP_NONE);
}

static void body_direct_and_neither(void)
{
    PIRP irp;

    begin(DO_DIRECT_IO);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, below, buffer, BYTES, NULL, &event, &iosb);
    CHECK(irp->MdlAddress && (irp->MdlAddress->MdlFlags & MDL_PAGES_LOCKED));
    CHECK(MmGetMdlVirtualAddress(irp->MdlAddress) == buffer);
    send_built(irp);
    below->Flags &= ~(ULONG)DO_DIRECT_IO;
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, below, buffer, BYTES, NULL, &event, &iosb);
    CHECK(!irp->MdlAddress && irp->UserBuffer == buffer);
    send_built(irp);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, below, NULL, 0, NULL, &event, &iosb);
    CHECK(!irp->MdlAddress && !irp->AssociatedIrp.SystemBuffer);
    send_built(irp);
    ExFreePool(buffer);
}

static void direct_and_neither_give_the_buffer_itself(void **state)
{
    (void)state;
    wb_body(body_direct_and_neither, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_MDL_LOCK), 1);
    assert_int_equal(wb_count(FT_EV_MDL_UNLOCK), 1);
    assert_int_equal(wb_count(FT_EV_MDL_FREE), 1);
    assert_int_equal(wb_event(FT_EV_MDL_LOCK, 1)->layer, FT_LAYER_SYSTEM);
}

static void body_asynchronous(void)
{
    PIRP irp;

    begin(DO_BUFFERED_IO);
    irp = IoBuildAsynchronousFsdRequest(IRP_MJ_READ, below, buffer, BYTES, NULL, &iosb);
    CHECK(irp->UserIosb == &iosb && irp->UserEvent == NULL);
    IoSetCompletionRoutine(irp, keep, &held, TRUE, TRUE, TRUE);
    CHECK(IoCallDriver(below, irp) == STATUS_SUCCESS);
    CHECK(ft_block_is_live(irp, FT_HC_IRP) && iosb.Status == STATUS_PENDING);
    ExFreePool(irp->AssociatedIrp.SystemBuffer);
    IoFreeIrp(irp);
    irp = IoBuildAsynchronousFsdRequest(IRP_MJ_PNP, below, NULL, 0, NULL, &iosb);
    CHECK(irp->IoStatus.Status == STATUS_NOT_SUPPORTED);
    IoFreeIrp(irp);
    ExFreePool(buffer);
}

static void an_asynchronous_request_is_the_driver_s_to_free(void **state)
{
    (void)state;
    wb_body(body_asynchronous, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "sent kept");
    assert_int_equal(wb_event(FT_EV_IRP_NEW, 2)->arg[6], (uint32_t)STATUS_NOT_SUPPORTED);
}

static void body_free_built(void)
{
    begin(0);
    IoFreeIrp(IoBuildSynchronousFsdRequest(IRP_MJ_READ, below, buffer, BYTES, NULL, &event, &iosb));
}

static void freeing_a_thread_s_irp_is_bug_check_c9(void **state)
{
    (void)state;
    wb_body(body_free_built, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 2);
}

static void body_no_memory(void)
{
    static const unsigned buffered[] = {1, 3}, direct[] = {2, 3};

    begin(DO_BUFFERED_IO);
    for (unsigned i = 0; i < 2; i++) {
        set_fails(buffered[i]);
        CHECK(
            !IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, below, buffer, BYTES, NULL, &event, &iosb));
    }
    below->Flags = DO_DIRECT_IO;
    for (unsigned i = 0; i < 2; i++) {
        set_fails(direct[i]);
        CHECK(!IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, below, buffer, BYTES, NULL, &iosb));
    }
    set_fails(1);
    CHECK(!IoBuildDeviceIoControlRequest(
        CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS), below, buffer, 8,
        buffer, 8, FALSE, &event, &iosb));
    ExFreePool(buffer);
}

static void no_memory_gives_no_irp(void **state)
{
    (void)state;
    wb_body(body_no_memory, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_IRP_NEW), 5);
    for (unsigned n = 1; n <= 5; n++)
        assert_int_equal(wb_event(FT_EV_IRP_NEW, n)->arg[0], 0);
    assert_int_equal(wb_count(FT_EV_IRP_BUFFERS), 0);
}

/* ---- device control ---- */

static PIRP control(ULONG method, ULONG input, ULONG output, BOOLEAN internal)
{
    return IoBuildDeviceIoControlRequest(
        CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, method, FILE_ANY_ACCESS), below, input ? buffer : NULL,
        input, output ? buffer + BYTES / 2 : NULL, output, internal, &event, &iosb);
}

static void body_control(void)
{
    PIO_STACK_LOCATION next;
    PIRP irp;

    begin(0);
    irp = control(METHOD_BUFFERED, 4, 16, FALSE);
    next = IoGetNextIrpStackLocation(irp);
    CHECK(next->MajorFunction == IRP_MJ_DEVICE_CONTROL);
    CHECK(next->Parameters.DeviceIoControl.InputBufferLength == 4);
    CHECK(next->Parameters.DeviceIoControl.OutputBufferLength == 16);
    CHECK(((PUCHAR)irp->AssociatedIrp.SystemBuffer)[3] == 0x11);
    CHECK(irp->UserBuffer == buffer + BYTES / 2);
    memset(irp->AssociatedIrp.SystemBuffer, 0x22, 16);
    information = 2;
    IoCallDriver(below, irp);
    CHECK(buffer[BYTES / 2 + 1] == 0x22 && buffer[BYTES / 2 + 2] == 0x11);
    information = 0;

    irp = control(METHOD_IN_DIRECT, 4, 16, TRUE);
    CHECK(IoGetNextIrpStackLocation(irp)->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL);
    CHECK(irp->AssociatedIrp.SystemBuffer && irp->MdlAddress);
    CHECK(!(irp->MdlAddress->MdlFlags & MDL_WRITE_OPERATION));
    send_built(irp);
    irp = control(METHOD_OUT_DIRECT, 0, 16, FALSE);
    CHECK(!irp->AssociatedIrp.SystemBuffer && irp->MdlAddress);
    CHECK(irp->MdlAddress->MdlFlags & MDL_WRITE_OPERATION);
    send_built(irp);
    irp = control(METHOD_NEITHER, 4, 16, FALSE);
    CHECK(irp->UserBuffer == buffer + BYTES / 2 && !irp->AssociatedIrp.SystemBuffer);
    next = IoGetNextIrpStackLocation(irp);
    CHECK(next->Parameters.DeviceIoControl.Type3InputBuffer == buffer);
    send_built(irp);
    irp = control(METHOD_BUFFERED, 0, 0, FALSE);
    CHECK(!irp->AssociatedIrp.SystemBuffer);
    send_built(irp);
    ExFreePool(buffer);
}

static void a_control_request_has_its_method_s_buffers(void **state)
{
    (void)state;
    wb_body(body_control, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_IRP_BUFFERS), 5);
    for (unsigned n = 1; n <= 4; n++)
        assert_int_equal(wb_event(FT_EV_IRP_BUFFERS, n)->arg[4], n - 1);
    assert_int_equal(wb_event(FT_EV_IRP_BUFFERS, 1)->arg[2], 4);
    assert_int_equal(wb_event(FT_EV_IRP_BUFFERS, 1)->arg[3], 16);
}

/* ---- cancelling, and the stack ---- */

static void body_cancel_point(void)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    uint64_t steps = FT_M->steps;

    IoCancelIrp(irp);
    CHECK(FT_M->steps == steps + 2); /* one at its entry, one at its exit */
    IoFreeIrp(irp);
}

static void io_cancel_irp_has_a_point_of_its_own(void **state)
{
    (void)state;
    wb_body(body_cancel_point, FT_STOP_NONE);
}

static void body_stack(void)
{
    ULONG_PTR low, high;
    int here;

    IoGetStackLimits(&low, &high);
    CHECK((ULONG_PTR)&here > low && (ULONG_PTR)&here < high);
    CHECK(IoGetInitialStack() == (PVOID)high);
    CHECK(IoGetRemainingStackSize() > 0x1000 && IoGetRemainingStackSize() < high - low);
}

static void the_stack_is_the_running_task_s(void **state)
{
    (void)state;
    wb_body(body_stack, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allocation_may_fail),
        cmocka_unit_test(an_originator_may_take_a_location),
        cmocka_unit_test(reusing_what_is_in_use_shows),
        cmocka_unit_test(an_irp_may_live_in_the_driver_s_memory),
        cmocka_unit_test(io_free_irp_is_not_for_the_driver_s_memory),
        cmocka_unit_test(a_completion_routine_is_announced_with_the_irp_s_state),
        cmocka_unit_test(a_call_says_whether_its_location_is_marked),
        cmocka_unit_test(forwarding_synchronously_waits_for_the_irp),
        cmocka_unit_test(a_master_is_complete_with_its_last_associated_irp),
        cmocka_unit_test(a_synchronous_request_is_freed_and_its_event_set),
        cmocka_unit_test(buffered_data_comes_back_up_to_information),
        cmocka_unit_test(direct_and_neither_give_the_buffer_itself),
        cmocka_unit_test(an_asynchronous_request_is_the_driver_s_to_free),
        cmocka_unit_test(freeing_a_thread_s_irp_is_bug_check_c9),
        cmocka_unit_test(no_memory_gives_no_irp),
        cmocka_unit_test(a_control_request_has_its_method_s_buffers),
        cmocka_unit_test(io_cancel_irp_has_a_point_of_its_own),
        cmocka_unit_test(the_stack_is_the_running_task_s),
    };

    return cmocka_run_group_tests_name("IRPs of a driver's own", tests, NULL, NULL);
}
