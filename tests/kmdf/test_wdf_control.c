/* Control devices: made, opened, told of the shutdown, and deleted by the driver. */
#include "wdf_bench.h"

#include "kmdf/kmdf_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static WDFDEVICE control;

static VOID on_shutdown(WDFDEVICE device)
{
    CHECK(device == control && KeGetCurrentIrql() == PASSIVE_LEVEL);
    wb_note("shutdown");
}

static VOID on_cleanup(WDFOBJECT object)
{
    CHECK(object == control);
    wb_note("control-cleanup");
}

static NTSTATUS make_control(WDFDEVICE device)
{
    UNICODE_STRING sddl = RTL_CONSTANT_STRING(L"D:P"), name = RTL_CONSTANT_STRING(L"\\Device\\C");
    WDF_OBJECT_ATTRIBUTES attributes;
    PWDFDEVICE_INIT init;

    (void)device;
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfControlDeviceInitAllocate(the_wdf.driver, &sddl) == NULL);
    init = WdfControlDeviceInitAllocate(the_wdf.driver, &sddl);
    CHECK(init != NULL);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = on_cleanup;
    CHECK(WdfDeviceCreate(&init, &attributes, &control) == STATUS_INVALID_PARAMETER); /* no name */
    CHECK(WdfDeviceInitAssignName(init, &name) == STATUS_SUCCESS);
    WdfControlDeviceInitSetShutdownNotification(init, on_shutdown, WdfDeviceShutdown);
    CHECK(WdfDeviceCreate(&init, &attributes, &control) == STATUS_SUCCESS);
    CHECK(WdfDeviceWdmGetDeviceObject(control)->Flags & DO_DEVICE_INITIALIZING);
    WdfControlFinishInitializing(control);
    CHECK(!(WdfDeviceWdmGetDeviceObject(control)->Flags & DO_DEVICE_INITIALIZING));
    CHECK(WdfDeviceWdmGetPhysicalDevice(control) == NULL);
    return STATUS_SUCCESS;
}

static void delete_control(enum ft_routine routine, WDFOBJECT object)
{
    (void)object;
    if (routine == FT_ROUTINE_WDF_SMIO_CLEANUP)
        WdfObjectDelete(control);
}

static void a_control_device_lives_beside_the_others(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_SLEEP, .arg = {5}}, {.kind = FT_OP_WAKE}};

    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = make_control, .in = delete_control}, ops, 2);
    assert_non_null(strstr(wb_notes(), "shutdown"));
    assert_non_null(strstr(wb_notes(), "cleanup control-cleanup device-cleanup"));
}

/* ---- levels ---- */

static NTSTATUS at_high_levels(WDFDEVICE device)
{
    UNICODE_STRING sddl = RTL_CONSTANT_STRING(L"D:P");
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(the_wdf.driver, &sddl);
    KIRQL old;

    KeRaiseIrql(DISPATCH_LEVEL, &old);
    CHECK(WdfControlDeviceInitAllocate(the_wdf.driver, &sddl) == NULL);
    WdfControlDeviceInitSetShutdownNotification(init, on_shutdown, 1);
    KeLowerIrql(old);
    KeRaiseIrql(WB_IRQ_LEVEL, &old);
    WdfControlFinishInitializing(device);
    KeLowerIrql(old);
    WdfDeviceInitFree(init);
    return STATUS_SUCCESS;
}

static void calls_above_their_level_do_nothing(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = at_high_levels}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_control_device_lives_beside_the_others),
        cmocka_unit_test(calls_above_their_level_do_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
