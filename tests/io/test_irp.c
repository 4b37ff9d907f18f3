/* IRPs: stack locations on the way down, completion routines on the way up (wdm-io, 2.2 to 2.5). */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { LAYERS = 3 }; /* stack[0] is the lowest */

static PDEVICE_OBJECT stack[LAYERS];
static struct layer {
    bool skip;         /* forward without a location of its own */
    bool routine;      /* set a completion routine */
    BOOLEAN on[3];     /* success, error, cancel */
    bool mark;         /* its routine marks the IRP pending when PendingReturned says so */
    NTSTATUS answer;   /* of its routine */
} layer[LAYERS + 1];   /* [LAYERS]: the originator */
static bool extended;  /* the routines are set by IoSetCompletionRoutineEx */
static NTSTATUS final; /* what the lowest completes with */
static bool pend;      /* the lowest marks the IRP pending */
static BOOLEAN pending_seen[LAYERS + 1];

static unsigned index_of(PDEVICE_OBJECT device)
{
    for (unsigned i = 0; i < LAYERS; i++)
        if (stack[i] == device)
            return i;
    return LAYERS;
}

static NTSTATUS routine(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    static const char *const names[] = {"lowest", "middle", "top", "originator"};
    unsigned i = index_of(device);

    wb_note(names[i]);
    CHECK(context == &layer[i]);
    CHECK((device == NULL) == (i == LAYERS));
    /* The location below, where this routine stood, is wiped by now. */
    CHECK(IoGetNextIrpStackLocation(irp)->CompletionRoutine == NULL);
    CHECK(irp->CurrentLocation == (CHAR)i + 1);
    pending_seen[i] = irp->PendingReturned;
    if (irp->PendingReturned && layer[i].mark)
        IoMarkIrpPending(irp);
    return layer[i].answer;
}

static NTSTATUS dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    unsigned i = index_of(device);
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    CHECK(location->DeviceObject == device);
    CHECK(location->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL);
    CHECK(location->Parameters.Others.Argument1 == &stack);
    if (i == 0) {
        if (pend)
            IoMarkIrpPending(irp);
        return bench_complete(irp, final, 0);
    }
    if (layer[i].skip) {
        IoSkipCurrentIrpStackLocation(irp);
    } else {
        IoCopyCurrentIrpStackLocationToNext(irp);
        if (layer[i].routine && extended)
            CHECK(IoSetCompletionRoutineEx(device, irp, routine, &layer[i], layer[i].on[0],
                                           layer[i].on[1], layer[i].on[2]) == STATUS_SUCCESS);
        else if (layer[i].routine)
            IoSetCompletionRoutine(irp, routine, &layer[i], layer[i].on[0], layer[i].on[1],
                                   layer[i].on[2]);
    }
    return IoCallDriver(stack[i - 1], irp);
}

/* Three devices, one above the other, and an IRP for the top one. */
static PIRP build(void)
{
    PDRIVER_OBJECT driver = wb_driver_object();
    PIRP irp;
    PIO_STACK_LOCATION next;

    driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = dispatch;
    for (unsigned i = 0; i < LAYERS; i++) {
        CHECK(
            NT_SUCCESS(IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &stack[i])));
        if (i > 0)
            CHECK(IoAttachDeviceToDeviceStack(stack[i], stack[0]) == stack[i - 1]);
    }
    CHECK(stack[LAYERS - 1]->StackSize == LAYERS);
    irp = IoAllocateIrp(LAYERS, FALSE);
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    next->Parameters.Others.Argument1 = &stack;
    IoSetCompletionRoutine(irp, routine, &layer[LAYERS], TRUE, TRUE, TRUE);
    return irp;
}

/* Every layer has a routine for everything, which lets completion go on. */
static void plain_layers(void)
{
    final = STATUS_SUCCESS;
    pend = false;
    for (unsigned i = 0; i <= LAYERS; i++)
        layer[i] = (struct layer){.routine = true, .on = {TRUE, TRUE, TRUE}, .mark = i < LAYERS};
    layer[LAYERS].answer = STATUS_MORE_PROCESSING_REQUIRED; /* as the originator must */
}

static PIRP send(void)
{
    PIRP irp = build();

    IoCallDriver(stack[LAYERS - 1], irp);
    return irp;
}

static void body_new(void)
{
    PIRP irp = IoAllocateIrp(4, FALSE);

    CHECK(irp->Size == sizeof(IRP) + 4 * sizeof(IO_STACK_LOCATION) && irp->StackCount == 4);
    CHECK(irp->CurrentLocation == 5 && irp->Type == IO_TYPE_IRP);
    CHECK(IoGetNextIrpStackLocation(irp) == (PIO_STACK_LOCATION)(irp + 1) + 3);
    IoFreeIrp(irp);
    CHECK(!ft_block_is_live(irp, FT_HC_IRP));
}

static void a_new_irp_stands_above_its_highest_location(void **state)
{
    (void)state;
    wb_body(body_new, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_IRP_FREE)->arg[0], wb_last(FT_EV_IRP_NEW)->arg[0]);
}

static void body_order(void)
{
    plain_layers();
    IoFreeIrp(send());
}

static void completion_routines_run_from_the_bottom_up(void **state)
{
    (void)state;
    wb_body(body_order, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "middle top originator");
    for (unsigned n = 1; n <= LAYERS; n++) /* each call uses one location */
        assert_int_equal(wb_event(FT_EV_IRP_CALL, n)->arg[3], LAYERS + 1 - n);
    assert_int_equal(wb_count(FT_EV_IRP_DONE), 0); /* the originator kept it */
}

static void body_skip(void)
{
    plain_layers();
    layer[1].skip = true;
    IoFreeIrp(send());
}

static void a_skipped_location_is_the_next_driver_s(void **state)
{
    (void)state;
    wb_body(body_skip, FT_STOP_NONE);
    /* The top's routine stands in the location that the middle gave to the lowest. */
    assert_string_equal(wb_notes(), "top originator");
    assert_int_equal(wb_event(FT_EV_IRP_CALL, 2)->arg[3], 2);
    assert_int_equal(wb_event(FT_EV_IRP_CALL, 3)->arg[3], 2);
}

static void body_copy(void)
{
    PIRP irp = IoAllocateIrp(2, FALSE);
    PIO_STACK_LOCATION next;

    irp->CurrentLocation--; /* as a driver that was called with it finds it */
    irp->Tail.Overlay.CurrentStackLocation--;
    IoGetCurrentIrpStackLocation(irp)->CompletionRoutine = routine;
    IoGetCurrentIrpStackLocation(irp)->Context = irp;
    IoGetCurrentIrpStackLocation(irp)->Parameters.Others.Argument2 = irp;
    IoMarkIrpPending(irp);
    next = IoGetNextIrpStackLocation(irp);
    next->Control = 0xFF;
    IoCopyCurrentIrpStackLocationToNext(irp);
    CHECK(next->Control == 0 && next->CompletionRoutine == NULL && next->Context == NULL);
    CHECK(next->Parameters.Others.Argument2 == irp);
    CHECK(IoGetCurrentIrpStackLocation(irp)->Control == SL_PENDING_RETURNED);
    IoFreeIrp(irp);
}

static void a_copy_leaves_out_the_routine_and_clears_control(void **state)
{
    (void)state;
    wb_body(body_copy, FT_STOP_NONE);
}

static void body_keep(void)
{
    PIRP irp;

    plain_layers();
    layer[1].answer = STATUS_MORE_PROCESSING_REQUIRED;
    irp = send();
    wb_note("kept");
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    IoFreeIrp(irp);
}

static void more_processing_required_stops_until_completed_again(void **state)
{
    (void)state;
    wb_body(body_keep, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "middle kept top originator");
    assert_int_equal(wb_event(FT_EV_IRP_COMPLETE, 1)->arg[3], 1);
    assert_int_equal(wb_event(FT_EV_IRP_COMPLETE, 2)->arg[3], 2);
}

static struct {
    NTSTATUS status;
    bool cancel;
} ending;

static void body_flags(void)
{
    static const BOOLEAN flags[][3] = {
        {TRUE, FALSE, FALSE}, {FALSE, TRUE, FALSE}, {FALSE, FALSE, TRUE}};
    PIRP irp;

    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"success:", "error:", "cancel:"};

        wb_note(names[i]);
        plain_layers();
        final = ending.status;
        layer[1].routine = false;
        memcpy(layer[2].on, flags[i], sizeof flags[i]);
        irp = build();
        irp->Cancel = ending.cancel;
        IoCallDriver(stack[LAYERS - 1], irp);
        IoFreeIrp(irp);
    }
}

static void invoked(NTSTATUS status, bool cancel, const char *notes)
{
    ending.status = status;
    ending.cancel = cancel;
    wb_body(body_flags, FT_STOP_NONE);
    assert_string_equal(wb_notes(), notes);
}

static void a_routine_is_called_for_what_it_asked(void **state)
{
    static const char only_error[] = "success: originator error: top originator cancel: originator";

    (void)state;
    extended = true;
    invoked(STATUS_UNSUCCESSFUL, false, only_error);
    extended = false;
    invoked(STATUS_SUCCESS, false, "success: top originator error: originator cancel: originator");
    invoked(STATUS_UNSUCCESSFUL, false, only_error);
    invoked(STATUS_BUFFER_OVERFLOW, false, only_error); /* a warning is no success */
    invoked(STATUS_CANCELLED, false, only_error);
    invoked(STATUS_SUCCESS, true,
            "success: top originator error: originator cancel: top originator");
    invoked(STATUS_CANCELLED, true,
            "success: originator error: top originator cancel: top originator");
}

static void body_pending(void)
{
    plain_layers();
    pend = true;
    IoFreeIrp(send());
    CHECK(pending_seen[1] && pending_seen[2] && pending_seen[LAYERS]);
    layer[1].mark = false; /* forgets it */
    IoFreeIrp(send());
    CHECK(pending_seen[1] && !pending_seen[2] && !pending_seen[LAYERS]);
    layer[1].routine = false; /* then the I/O manager does it */
    IoFreeIrp(send());
    CHECK(pending_seen[2] && pending_seen[LAYERS]);
    pend = false;
    IoFreeIrp(send());
    CHECK(!pending_seen[2] && !pending_seen[LAYERS]);
}

static void pending_returned_goes_up_by_mark_or_by_itself(void **state)
{
    (void)state;
    wb_body(body_pending, FT_STOP_NONE);
}

static void body_exhausted(void)
{
    PIRP irp = build();

    irp->CurrentLocation = 1;
    IoCallDriver(stack[0], irp);
    wb_note("never");
}

static void body_complete_twice(void)
{
    PIRP irp;

    plain_layers();
    layer[LAYERS].answer = STATUS_SUCCESS; /* it lets the IRP go on to nobody */
    irp = send();
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    wb_note("never");
}

static void body_complete_freed(void)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    IoFreeIrp(irp);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    wb_note("never");
}

static void body_call_freed(void)
{
    PIRP irp = build();

    IoFreeIrp(irp);
    IoCallDriver(stack[0], irp);
    wb_note("never");
}

static void body_call_no_device(void)
{
    PIRP irp = build();

    IoDeleteDevice(stack[2]);
    IoCallDriver(stack[2], irp);
    wb_note("never");
}

static void body_free_twice(void)
{
    PIRP irp = IoAllocateIrp(1, FALSE);

    IoFreeIrp(irp);
    IoFreeIrp(irp);
    wb_note("never");
}

static void what_would_stop_windows_stops_the_run(void **state)
{
    static const struct {
        void (*body)(void);
        unsigned code, parameter;
    } rows[] = {{body_exhausted, 0x35, 0},      {body_complete_twice, 0x44, 0},
                {body_complete_freed, 0x44, 0}, {body_call_freed, 0xC9, 3},
                {body_call_no_device, 0xC9, 4}, {body_free_twice, 0xC9, 1}};

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        wb_body(rows[i].body, FT_STOP_BUGCHECK);
        assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], rows[i].code);
        if (rows[i].parameter)
            assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], rows[i].parameter);
        assert_null(strstr(wb_notes(), "never"));
    }
}

static NTSTATUS free_it(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoFreeIrp(irp);
    return STATUS_SUCCESS;
}

static void a_driver_may_not_free_the_requester_s_irp(void **state)
{
    static const struct ft_op read = {.kind = FT_OP_READ, .arg = {16, 0}};

    (void)state;
    bench_driver_run(&(struct bench_driver){.request = free_it}, &read, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xC9);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 2);
}

static void body_reuse(void)
{
    PIRP irp;

    plain_layers();
    irp = send();
    irp->Cancel = TRUE;
    IoReuseIrp(irp, STATUS_NOT_SUPPORTED);
    CHECK(irp->CurrentLocation == LAYERS + 1 && !irp->Cancel && irp->StackCount == LAYERS);
    CHECK(irp->IoStatus.Status == STATUS_NOT_SUPPORTED);
    CHECK(IoGetNextIrpStackLocation(irp)->MajorFunction == 0);
    IoFreeIrp(irp);
}

static void a_reused_irp_is_like_new(void **state)
{
    (void)state;
    wb_body(body_reuse, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_irp_stands_above_its_highest_location),
        cmocka_unit_test(completion_routines_run_from_the_bottom_up),
        cmocka_unit_test(a_skipped_location_is_the_next_driver_s),
        cmocka_unit_test(a_copy_leaves_out_the_routine_and_clears_control),
        cmocka_unit_test(more_processing_required_stops_until_completed_again),
        cmocka_unit_test(a_routine_is_called_for_what_it_asked),
        cmocka_unit_test(pending_returned_goes_up_by_mark_or_by_itself),
        cmocka_unit_test(what_would_stop_windows_stops_the_run),
        cmocka_unit_test(a_driver_may_not_free_the_requester_s_irp),
        cmocka_unit_test(a_reused_irp_is_like_new),
    };

    return cmocka_run_group_tests_name("IRPs", tests, NULL, NULL);
}
