/* Drivers that dispatch IRPs themselves: EvtDeviceWdmIrpDispatch, and preprocess callbacks that
 * choose a queue. */
#include "wdf_bench.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum how { COMPLETES, GIVES_BACK, TO_QUEUE, TO_QUEUE_BY_CALLER, WRONG_CONTEXT, WRONG_FLAGS, HOWS };

static enum how how;
static WDFQUEUE other, writes;
static const struct ft_op ops[] = {{.kind = FT_OP_READ, .label = 1, .arg = {64, 0}}};

static VOID on_read(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    wb_note(queue == other ? "other" : "default");
    WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, length);
}

static VOID in_caller(WDFDEVICE device, WDFREQUEST request)
{
    wb_note("caller");
    CHECK(WdfDeviceEnqueueRequest(device, request) == STATUS_SUCCESS);
}

static NTSTATUS end(PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = 64;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS on_irp(WDFDEVICE device, UCHAR major, UCHAR minor, ULONG code, WDFCONTEXT context,
                       PIRP irp, WDFCONTEXT dispatch)
{
    CHECK(major == IRP_MJ_READ && minor == 0 && context == (WDFCONTEXT)&how);
    (void)code;
    wb_note("irp");
    switch (how) {
    case COMPLETES:
        return end(irp);
    case GIVES_BACK:
        return WdfDeviceWdmDispatchIrp(device, irp, dispatch);
    case TO_QUEUE:
        return WdfDeviceWdmDispatchIrpToIoQueue(device, irp, other, 0);
    case TO_QUEUE_BY_CALLER:
        return WdfDeviceWdmDispatchIrpToIoQueue(
            device, irp, other, WDF_DISPATCH_IRP_TO_IO_QUEUE_INVOKE_INCALLERCTX_CALLBACK);
    case WRONG_CONTEXT:
        return WdfDeviceWdmDispatchIrp(device, irp, &how);
    default:
        return WdfDeviceWdmDispatchIrpToIoQueue(device, irp, other, 4);
    }
}

static NTSTATUS configure(WDFDEVICE device, UCHAR major)
{
    return WdfDeviceConfigureWdmIrpDispatchCallback(device, the_wdf.driver, major, on_irp,
                                                    (WDFCONTEXT)&how);
}

static void make_queues(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoRead = on_read;
    CHECK(WdfIoQueueCreate(device, &config, NULL, NULL) == STATUS_SUCCESS);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    config.EvtIoRead = on_read;
    CHECK(WdfIoQueueCreate(device, &config, NULL, &other) == STATUS_SUCCESS);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchParallel);
    config.EvtIoWrite = on_read;
    CHECK(WdfIoQueueCreate(device, &config, NULL, &writes) == STATUS_SUCCESS);
}

static NTSTATUS make(WDFDEVICE device)
{
    make_queues(device);
    CHECK(configure(device, IRP_MJ_CREATE) == STATUS_INVALID_PARAMETER);
    CHECK(configure(device, IRP_MJ_READ) == STATUS_SUCCESS);
    CHECK(configure(device, IRP_MJ_READ) == STATUS_INVALID_PARAMETER);
    CHECK(WdfDeviceConfigureWdmIrpDispatchCallback(device, NULL, IRP_MJ_DEVICE_CONTROL, on_irp,
                                                   NULL) == STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static void say_caller(PWDFDEVICE_INIT init)
{
    WdfDeviceInitSetIoInCallerContextCallback(init, in_caller);
}

static void too_late(enum ft_routine routine, WDFOBJECT device)
{
    if (routine == FT_ROUTINE_WDF_SMIO_INIT)
        CHECK(configure(device, IRP_MJ_WRITE) == STATUS_INVALID_DEVICE_STATE);
}

static bool was_refused(void)
{
    bool refused = false;

    for (unsigned n = 1; n <= wb_count(FT_EV_IRP_DONE); n++)
        refused |= wb_event(FT_EV_IRP_DONE, n)->arg[1] == (uint32_t)STATUS_INVALID_PARAMETER;
    return refused;
}

static void the_driver_gets_irps_and_gives_them_back(void **state)
{
    static const char *const notes[HOWS] = {"irp suspend",       "irp caller default suspend",
                                            "irp other suspend", "irp caller other suspend",
                                            "irp suspend",       "irp suspend"};

    (void)state;
    for (how = 0; how < HOWS; how++) {
        wdf_bench_run(&(struct wdf_bench){.init = say_caller,
                                          .add = make,
                                          .in = too_late,
                                          .flags = WDF_BENCH_QUIET,
                                          .without = {[FT_ROUTINE_WDF_QUERY_REMOVE] = 1}},
                      ops, 1);
        if (!strstr(wb_notes(), notes[how]))
            fail_msg("how %d: %s", how, wb_notes());
        assert_int_equal(was_refused(), how >= WRONG_CONTEXT);
    }
}

/* ---- from a preprocess callback ---- */

static NTSTATUS preprocess(WDFDEVICE device, PIRP irp)
{
    WDFQUEUE queue = how == WRONG_FLAGS ? writes : other; /* which does not take reads */

    IoSkipCurrentIrpStackLocation(irp);
    return WdfDeviceWdmDispatchIrpToIoQueue(device, irp, queue,
                                            WDF_DISPATCH_IRP_TO_IO_QUEUE_PREPROCESSED_IRP);
}

static void say_preprocess(PWDFDEVICE_INIT init)
{
    CHECK(WdfDeviceInitAssignWdmIrpPreprocessCallback(init, preprocess, IRP_MJ_READ, NULL, 0) ==
          STATUS_SUCCESS);
}

static NTSTATUS only_queues(WDFDEVICE device)
{
    make_queues(device);
    return STATUS_SUCCESS;
}

static void a_preprocess_callback_chooses_a_queue(void **state)
{
    (void)state;
    for (how = TO_QUEUE; how <= WRONG_FLAGS; how += WRONG_FLAGS - TO_QUEUE) {
        wdf_bench_run(&(struct wdf_bench){.init = say_preprocess,
                                          .add = only_queues,
                                          .flags = WDF_BENCH_QUIET},
                      ops, 1);
        assert_int_equal(strstr(wb_notes(), "other") != NULL, how == TO_QUEUE);
        assert_int_equal(was_refused(), how == WRONG_FLAGS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_driver_gets_irps_and_gives_them_back),
        cmocka_unit_test(a_preprocess_callback_chooses_a_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
