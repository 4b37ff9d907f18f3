/* What a device asks for, as the driver may change it: WDFIORESREQLIST and WDFIORESLIST. */
#include "wdf_bench.h"

#include "kmdf/kmdf_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static bool wrong_level;

/* ---- before the drivers below: things may only go ---- */

static void check_remove_only(WDFIORESREQLIST all, WDFIORESLIST list)
{
    IO_RESOURCE_DESCRIPTOR part = {.Type = CmResourceTypeMemory};

    CHECK(WdfIoResourceListAppendDescriptor(list, &part) == STATUS_ACCESS_DENIED);
    CHECK(WdfIoResourceListInsertDescriptor(list, &part, 0) == STATUS_ACCESS_DENIED);
    CHECK(WdfIoResourceRequirementsListAppendIoResList(all, list) == STATUS_ACCESS_DENIED);
    CHECK(WdfIoResourceRequirementsListInsertIoResList(all, list, 0) == STATUS_ACCESS_DENIED);
}

static NTSTATUS filter_remove(WDFDEVICE device, WDFIORESREQLIST all)
{
    WDFIORESLIST list = WdfIoResourceRequirementsListGetIoResList(all, 0);
    ULONG count = WdfIoResourceListGetCount(list);

    CHECK(device == the_wdf.device && WdfIoResourceRequirementsListGetCount(all) == 1);
    CHECK(WdfIoResourceRequirementsListGetIoResList(all, 1) == NULL);
    CHECK(count >= 2 && WdfIoResourceListGetDescriptor(list, count) == NULL);
    check_remove_only(all, list);
    WdfIoResourceListRemove(list, count); /* there is none */
    CHECK(WdfIoResourceListGetCount(list) == count);
    WdfIoResourceListRemove(list, count - 1);
    CHECK(WdfIoResourceListGetCount(list) == count - 1);
    WdfIoResourceListRemoveByDescriptor(list, WdfIoResourceListGetDescriptor(list, 0));
    CHECK(WdfIoResourceListGetCount(list) == count - 2);
    wb_note("remove");
    return STATUS_SUCCESS;
}

static bool by_index;

static NTSTATUS filter_remove_all(WDFDEVICE device, WDFIORESREQLIST all)
{
    WDFIORESLIST list = WdfIoResourceRequirementsListGetIoResList(all, 0);

    (void)device;
    WdfIoResourceRequirementsListRemove(all, 7); /* there is none */
    WdfIoResourceRequirementsListRemoveByIoResList(all, NULL);
    CHECK(WdfIoResourceRequirementsListGetCount(all) == 1);
    if (by_index)
        WdfIoResourceRequirementsListRemove(all, 0);
    else
        WdfIoResourceRequirementsListRemoveByIoResList(all, list);
    CHECK(WdfIoResourceRequirementsListGetCount(all) == 0);
    return STATUS_UNSUCCESSFUL; /* nothing of this counts */
}

/* ---- after them: things may only come ---- */

static void change_descriptors(WDFIORESLIST list)
{
    IO_RESOURCE_DESCRIPTOR part = {.Type = CmResourceTypePort};
    ULONG count = WdfIoResourceListGetCount(list);

    CHECK(WdfIoResourceListAppendDescriptor(list, &part) == STATUS_SUCCESS);
    part.Type = CmResourceTypeMemory;
    CHECK(WdfIoResourceListInsertDescriptor(list, &part, 0) == STATUS_SUCCESS);
    CHECK(WdfIoResourceListInsertDescriptor(list, &part, 99) == STATUS_ARRAY_BOUNDS_EXCEEDED);
    CHECK(WdfIoResourceListGetCount(list) == count + 2);
    CHECK(WdfIoResourceListGetDescriptor(list, 0)->Type == CmResourceTypeMemory);
    CHECK(WdfIoResourceListGetDescriptor(list, count + 1)->Type == CmResourceTypePort);
    part.Type = CmResourceTypeDma;
    WdfIoResourceListUpdateDescriptor(list, &part, 0);
    CHECK(WdfIoResourceListGetDescriptor(list, 0)->Type == CmResourceTypeDma);
    WdfIoResourceListRemove(list, 0); /* not now */
    CHECK(WdfIoResourceListGetCount(list) == count + 2);
    for (ULONG i = count + 2; i < 16; i++)
        CHECK(WdfIoResourceListAppendDescriptor(list, &part) == STATUS_SUCCESS);
    CHECK(WdfIoResourceListAppendDescriptor(list, &part) == STATUS_INSUFFICIENT_RESOURCES);
}

static NTSTATUS filter_add(WDFDEVICE device, WDFIORESREQLIST all)
{
    WDFIORESLIST list;

    CHECK(device == the_wdf.device && WdfIoResourceRequirementsListGetCount(all) == 1);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfIoResourceListCreate(all, NULL, &list) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(list == NULL);
    CHECK(WdfIoResourceListCreate(all, NULL, &list) == STATUS_SUCCESS);
    change_descriptors(list);
    CHECK(WdfIoResourceRequirementsListInsertIoResList(all, list, 9) ==
          STATUS_ARRAY_BOUNDS_EXCEEDED);
    CHECK(WdfIoResourceRequirementsListInsertIoResList(all, list, 0) == STATUS_SUCCESS);
    CHECK(WdfIoResourceRequirementsListGetIoResList(all, 0) == list);
    CHECK(WdfIoResourceListCreate(all, NULL, &list) == STATUS_SUCCESS);
    CHECK(WdfIoResourceRequirementsListAppendIoResList(all, list) == STATUS_SUCCESS);
    WdfIoResourceRequirementsListSetSlotNumber(all, 3);
    WdfIoResourceRequirementsListSetInterfaceType(all, PCIBus);
    wb_note("add");
    return STATUS_SUCCESS;
}

static void with_filters(PWDFDEVICE_INIT init)
{
    WDF_FDO_EVENT_CALLBACKS fdo;

    WDF_FDO_EVENT_CALLBACKS_INIT(&fdo);
    fdo.EvtDeviceFilterAddResourceRequirements = filter_add;
    fdo.EvtDeviceFilterRemoveResourceRequirements = filter_remove;
    WdfFdoInitSetEventCallbacks(init, &fdo);
}

static void requirements_can_be_changed(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.init = with_filters}, NULL, 0);
    assert_non_null(strstr(wb_notes(), "add remove add prepare"));
}

static void with_failing_filter(PWDFDEVICE_INIT init)
{
    WDF_FDO_EVENT_CALLBACKS fdo;

    WDF_FDO_EVENT_CALLBACKS_INIT(&fdo);
    fdo.EvtDeviceFilterRemoveResourceRequirements = filter_remove_all;
    WdfFdoInitSetEventCallbacks(init, &fdo);
}

static void a_filter_that_fails_changes_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        by_index = i != 0;
        wdf_bench_run(&(struct wdf_bench){.init = with_failing_filter}, NULL, 0);
        assert_non_null(strstr(wb_notes(), "add prepare"));
    }
}

/* ---- levels ---- */

static WDFIORESREQLIST the_all;
static WDFIORESLIST the_list;

static void change(unsigned which)
{
    IO_RESOURCE_DESCRIPTOR part = {0};
    WDFIORESLIST made;

    switch (which) {
    case 0:
        WdfIoResourceRequirementsListAppendIoResList(the_all, the_list);
        break;
    case 1:
        WdfIoResourceRequirementsListInsertIoResList(the_all, the_list, 0);
        break;
    case 2:
        WdfIoResourceRequirementsListRemove(the_all, 9);
        break;
    case 3:
        WdfIoResourceRequirementsListRemoveByIoResList(the_all, NULL);
        break;
    case 4:
        WdfIoResourceListCreate(the_all, NULL, &made);
        break;
    case 5:
        WdfIoResourceListAppendDescriptor(the_list, &part);
        break;
    case 6:
        WdfIoResourceListInsertDescriptor(the_list, &part, 0);
        break;
    case 7:
        WdfIoResourceListRemove(the_list, 9);
        break;
    default:
        WdfIoResourceListRemoveByDescriptor(the_list, &part);
        break;
    }
}

static void ask(unsigned which)
{
    IO_RESOURCE_DESCRIPTOR part = {0};

    switch (which) {
    case 0:
        WdfIoResourceRequirementsListSetSlotNumber(the_all, 1);
        break;
    case 1:
        WdfIoResourceRequirementsListSetInterfaceType(the_all, PCIBus);
        break;
    case 2:
        WdfIoResourceRequirementsListGetCount(the_all);
        break;
    case 3:
        WdfIoResourceRequirementsListGetIoResList(the_all, 0);
        break;
    case 4:
        WdfIoResourceListUpdateDescriptor(the_list, &part, 9);
        break;
    case 5:
        WdfIoResourceListGetCount(the_list);
        break;
    default:
        WdfIoResourceListGetDescriptor(the_list, 0);
        break;
    }
}

static NTSTATUS try_levels(WDFDEVICE device, WDFIORESREQLIST all)
{
    KIRQL old;

    (void)device;
    the_all = all;
    the_list = WdfIoResourceRequirementsListGetIoResList(all, 0);
    KeRaiseIrql(wrong_level ? WB_IRQ_LEVEL : DISPATCH_LEVEL, &old);
    for (unsigned i = 0; i < 9; i++)
        change(i);
    for (unsigned i = 0; i < 7; i++)
        ask(i);
    KeLowerIrql(old);
    return STATUS_UNSUCCESSFUL;
}

static void with_levels(PWDFDEVICE_INIT init)
{
    WDF_FDO_EVENT_CALLBACKS fdo;

    WDF_FDO_EVENT_CALLBACKS_INIT(&fdo);
    fdo.EvtDeviceFilterAddResourceRequirements = try_levels;
    WdfFdoInitSetEventCallbacks(init, &fdo);
}

static void calls_above_their_level_do_nothing(void **state)
{
    (void)state;
    wrong_level = false;
    wdf_bench_run(&(struct wdf_bench){.init = with_levels}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 0);
    wrong_level = true;
    wdf_bench_run(&(struct wdf_bench){.init = with_levels}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 16);
}

/* ---- handles ---- */

static NTSTATUS confuse(WDFDEVICE device, WDFIORESREQLIST all)
{
    (void)device;
    WdfIoResourceListGetCount((WDFIORESLIST)all); /* bug check 0x10D/5 */
    return STATUS_SUCCESS;
}

static void with_confusion(PWDFDEVICE_INIT init)
{
    WDF_FDO_EVENT_CALLBACKS fdo;

    WDF_FDO_EVENT_CALLBACKS_INIT(&fdo);
    fdo.EvtDeviceFilterAddResourceRequirements = confuse;
    WdfFdoInitSetEventCallbacks(init, &fdo);
}

static void the_two_kinds_of_lists_are_not_the_same(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.init = with_confusion}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requirements_can_be_changed),
        cmocka_unit_test(a_filter_that_fails_changes_nothing),
        cmocka_unit_test(calls_above_their_level_do_nothing),
        cmocka_unit_test(the_two_kinds_of_lists_are_not_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
