/* Children of a bus driver: static ones, what a PDO answers itself. The tests send the PnP
 * manager's requests themselves; test_wdf_bus.c has the machine do it. */
#include "child_bench.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <initguid.h>
#include <wdmguid.h>

static const UNICODE_STRING text = RTL_CONSTANT_STRING(L"A\\1");
static const UNICODE_STRING other = RTL_CONSTANT_STRING(L"B\\2");

static bool is_answer(PCWSTR expected, size_t bytes)
{
    bool same = child_result.Information &&
                memcmp((const void *)child_result.Information, expected, bytes) == 0;

    if (child_result.Information)
        ExFreePool((PVOID)child_result.Information);
    return same;
}

static NTSTATUS query_id(PDEVICE_OBJECT device, BUS_QUERY_ID_TYPE type)
{
    KEVENT done;
    PIRP irp = child_begin(device, IRP_MN_QUERY_ID, &done);

    IoGetNextIrpStackLocation(irp)->Parameters.QueryId.IdType = type;
    return child_end(device, irp, &done);
}

static NTSTATUS query_text(PDEVICE_OBJECT device, DEVICE_TEXT_TYPE type, LCID locale)
{
    KEVENT done;
    PIRP irp = child_begin(device, IRP_MN_QUERY_DEVICE_TEXT, &done);

    IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceText.DeviceTextType = type;
    IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceText.LocaleId = locale;
    return child_end(device, irp, &done);
}

/* ---- what a child is ---- */

typedef NTSTATUS assign_id(PWDFDEVICE_INIT init, PCUNICODE_STRING id);

static void check_assign(PWDFDEVICE_INIT init, assign_id *assign)
{
    UNICODE_STRING odd = text;

    odd.Length--;
    CHECK(assign(init, &odd) == STATUS_INVALID_PARAMETER);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(assign(init, &text) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(assign(init, &text) == STATUS_SUCCESS);
}

static void check_texts(PWDFDEVICE_INIT init)
{
    UNICODE_STRING odd = text;

    odd.Length--;
    CHECK(WdfPdoInitAddDeviceText(init, &text, &odd, 1) == STATUS_INVALID_PARAMETER);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfPdoInitAddDeviceText(init, &text, &other, 1) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(WdfPdoInitAddDeviceText(init, &text, &other, 1) == STATUS_SUCCESS);
    CHECK(WdfPdoInitAddDeviceText(init, &other, &text, 2) == STATUS_SUCCESS);
    WdfPdoInitSetDefaultLocale(init, 2);
}

/* An init that is of no child. */
static void check_other_init(PWDFDEVICE_INIT init)
{
    CHECK(WdfPdoInitAssignDeviceID(init, &text) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfPdoInitAssignInstanceID(init, &text) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfPdoInitAssignContainerID(init, &text) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfPdoInitAddHardwareID(init, &text) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfPdoInitAddCompatibleID(init, &text) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfPdoInitAddDeviceText(init, &text, &text, 1) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfPdoInitAssignRawDevice(init, &GUID_BUS_TYPE_PCI) == STATUS_INVALID_PARAMETER);
    WdfPdoInitSetDefaultLocale(init, 2);
    WdfPdoInitAllowForwardingRequestToParent(init);
    WdfPdoInitRemovePowerDependencyOnParent(init);
}

static void check_answers(PDEVICE_OBJECT pdo)
{
    CHECK(query_id(pdo, BusQueryDeviceID) == STATUS_SUCCESS && is_answer(L"A\\1", 8));
    CHECK(query_id(pdo, BusQueryInstanceID) == STATUS_SUCCESS && is_answer(L"A\\1", 8));
    CHECK(query_id(pdo, BusQueryContainerID) == STATUS_SUCCESS && is_answer(L"A\\1", 8));
    CHECK(query_id(pdo, BusQueryDeviceSerialNumber) == STATUS_NOT_SUPPORTED);
    CHECK(query_id(pdo, BusQueryHardwareIDs) == STATUS_SUCCESS && is_answer(L"A\\1\0B\\2\0", 18));
    CHECK(query_id(pdo, BusQueryCompatibleIDs) == STATUS_SUCCESS && is_answer(L"A\\1\0", 10));
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(query_id(pdo, BusQueryDeviceID) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(query_text(pdo, DeviceTextDescription, 1) == STATUS_SUCCESS && is_answer(L"A\\1", 8));
    CHECK(query_text(pdo, DeviceTextLocationInformation, 1) == STATUS_SUCCESS);
    CHECK(is_answer(L"B\\2", 8));
    CHECK(query_text(pdo, DeviceTextDescription, 7) == STATUS_SUCCESS && is_answer(L"B\\2", 8));
}

static void check_capabilities(PDEVICE_OBJECT pdo)
{
    DEVICE_CAPABILITIES caps = {.Size = sizeof caps, .Version = 1};
    KEVENT done;
    PIRP irp = child_begin(pdo, IRP_MN_QUERY_CAPABILITIES, &done);

    IoGetNextIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities = &caps;
    CHECK(child_end(pdo, irp, &done) == STATUS_SUCCESS);
    CHECK(caps.RawDeviceOK && caps.SilentInstall && caps.Removable);
    CHECK(caps.DeviceState[PowerSystemWorking] == PowerDeviceD0);
    caps.Version = 2;
    irp = child_begin(pdo, IRP_MN_QUERY_CAPABILITIES, &done);
    IoGetNextIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities = &caps;
    CHECK(child_end(pdo, irp, &done) == STATUS_UNSUCCESSFUL);
}

static void check_hardware(WDFDEVICE device, PDEVICE_OBJECT pdo)
{
    PNP_BUS_INFORMATION bus = {GUID_BUS_TYPE_PCI, PCIBus, 3};
    PCM_RESOURCE_LIST raw;
    PIO_RESOURCE_REQUIREMENTS_LIST wanted;

    CHECK(child_send(pdo, IRP_MN_QUERY_BUS_INFORMATION) == STATUS_NOT_SUPPORTED);
    WdfDeviceSetBusInformationForChildren(device, &bus);
    CHECK(child_send(pdo, IRP_MN_QUERY_BUS_INFORMATION) == STATUS_SUCCESS);
    CHECK(is_answer((PCWSTR)&bus, sizeof bus));
    CHECK(child_send(pdo, IRP_MN_QUERY_RESOURCES) == STATUS_SUCCESS);
    raw = (PCM_RESOURCE_LIST)child_result.Information;
    CHECK(raw->Count == 1 && raw->List[0].PartialResourceList.Count == 1);
    ExFreePool(raw);
    CHECK(child_send(pdo, IRP_MN_QUERY_RESOURCE_REQUIREMENTS) == STATUS_SUCCESS);
    wanted = (PIO_RESOURCE_REQUIREMENTS_LIST)child_result.Information;
    CHECK(wanted->AlternativeLists == 1 && wanted->List[0].Count == 1);
    ExFreePool(wanted);
}

static PWDFDEVICE_INIT describe(WDFDEVICE device)
{
    PWDFDEVICE_INIT init = WdfPdoInitAllocate(device);

    check_assign(init, WdfPdoInitAssignDeviceID);
    check_assign(init, WdfPdoInitAssignInstanceID);
    check_assign(init, WdfPdoInitAssignContainerID);
    check_assign(init, WdfPdoInitAddHardwareID);
    CHECK(WdfPdoInitAddHardwareID(init, &other) == STATUS_SUCCESS);
    check_assign(init, WdfPdoInitAddCompatibleID);
    check_texts(init);
    CHECK(WdfPdoInitAssignRawDevice(init, &GUID_BUS_TYPE_PCI) == STATUS_SUCCESS);
    WdfPdoInitAllowForwardingRequestToParent(init);
    WdfPdoInitRemovePowerDependencyOnParent(init);
    return init;
}

static void check_child(WDFDEVICE device)
{
    PWDFDEVICE_INIT init = describe(device);
    WDF_DEVICE_PNP_CAPABILITIES pnp;
    PDEVICE_OBJECT pdo;
    WDFDEVICE child;

    child = child_make_from(init);
    CHECK(WdfPdoInitAllocate(child) == NULL);
    init = WdfPdoInitAllocate(device);
    WdfDeviceInitSetCharacteristics(init, 0, FALSE);
    CHECK(WdfDeviceCreate(&init, NULL, &device) == STATUS_OBJECT_NAME_INVALID);
    WdfDeviceInitFree(init);
    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp);
    pnp.Removable = WdfTrue;
    WdfDeviceSetPnpCapabilities(child, &pnp);
    pdo = WdfDeviceWdmGetDeviceObject(child);
    CHECK(pdo->Flags & DO_DEVICE_HAS_NAME && WdfDeviceWdmGetPhysicalDevice(child) == pdo);
    check_answers(pdo);
    check_capabilities(pdo);
    check_hardware(WdfPdoGetParent(child), pdo);
    WdfObjectDelete(child);
}

static void at_smio(enum ft_routine routine, WDFOBJECT device, void (*check)(WDFDEVICE device))
{
    if (routine == FT_ROUTINE_WDF_SMIO_INIT)
        check(device);
}

static void in_describe(enum ft_routine routine, WDFOBJECT device)
{
    at_smio(routine, device, check_child);
}

static void the_bus_driver_says_what_a_child_is(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.init = check_other_init, .in = in_describe}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* ---- static children ---- */

static void check_iteration(WDFDEVICE device, WDFDEVICE child)
{
    enum { PRESENT = WdfRetrievePresentChildren };

    CHECK(WdfFdoRetrieveNextStaticChild(device, NULL, PRESENT) == NULL); /* not locked */
    WdfFdoLockStaticChildListForIteration(device);
    CHECK(WdfFdoRetrieveNextStaticChild(device, NULL, 0) == NULL);
    CHECK(WdfFdoRetrieveNextStaticChild(device, NULL, WdfRetrieveMissingChildren) == NULL);
    CHECK(WdfFdoRetrieveNextStaticChild(device, NULL, PRESENT) == child);
    CHECK(WdfFdoRetrieveNextStaticChild(device, child, PRESENT) == NULL);
    WdfFdoUnlockStaticChildListFromIteration(device);
}

static void check_ejection(WDFDEVICE device, WDFDEVICE child)
{
    PDEVICE_OBJECT fdo = WdfDeviceWdmGetDeviceObject(device);
    PDEVICE_OBJECT pdo = WdfDeviceWdmGetDeviceObject(child);
    PDEVICE_RELATIONS all;

    CHECK(WdfPdoAddEjectionRelationsPhysicalDevice(device, fdo) == STATUS_INVALID_PARAMETER);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfPdoAddEjectionRelationsPhysicalDevice(child, fdo) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(WdfPdoAddEjectionRelationsPhysicalDevice(child, fdo) == STATUS_SUCCESS);
    CHECK(WdfPdoAddEjectionRelationsPhysicalDevice(child, fdo) == STATUS_DUPLICATE_OBJECTID);
    all = child_ask(pdo, EjectionRelations, STATUS_SUCCESS);
    CHECK(all->Count == 1 && all->Objects[0] == fdo);
    ObDereferenceObject(fdo);
    ExFreePool(all);
    WdfPdoRemoveEjectionRelationsPhysicalDevice(child, fdo);
    all = child_ask(pdo, EjectionRelations, STATUS_SUCCESS); /* one has left */
    CHECK(all->Count == 0);
    ExFreePool(all);
    CHECK(WdfPdoAddEjectionRelationsPhysicalDevice(child, fdo) == STATUS_SUCCESS);
    WdfPdoClearEjectionRelationsDevices(child);
    CHECK(child_ask(pdo, EjectionRelations, STATUS_NOT_SUPPORTED) == NULL);
    all = child_ask(pdo, TargetDeviceRelation, STATUS_SUCCESS);
    CHECK(all->Count == 1 && all->Objects[0] == pdo);
    ObDereferenceObject(pdo);
    ExFreePool(all);
}

static void check_lock(PDEVICE_OBJECT pdo)
{
    KEVENT done;
    PIRP irp = child_begin(pdo, IRP_MN_SET_LOCK, &done);

    IoGetNextIrpStackLocation(irp)->Parameters.SetLock.Lock = TRUE;
    child_lock_answer = STATUS_DEVICE_BUSY;
    CHECK(child_end(pdo, irp, &done) == STATUS_DEVICE_BUSY);
    child_lock_answer = STATUS_SUCCESS;
    CHECK(child_send(pdo, IRP_MN_SET_LOCK) == STATUS_SUCCESS);
}

/* It may be started and removed again and again while it is there. */
static void check_lives(PDEVICE_OBJECT pdo)
{
    for (unsigned i = 0; i < 2; i++) {
        CHECK(child_send(pdo, IRP_MN_START_DEVICE) == STATUS_SUCCESS);
        CHECK(child_send(pdo, IRP_MN_QUERY_REMOVE_DEVICE) == STATUS_SUCCESS);
        CHECK(child_send(pdo, IRP_MN_REMOVE_DEVICE) == STATUS_SUCCESS);
    }
    CHECK(child_send(pdo, IRP_MN_START_DEVICE) == STATUS_SUCCESS);
}

static void check_eject(WDFDEVICE device)
{
    WDFDEVICE third = child_make_from(WdfPdoInitAllocate(device));
    PDEVICE_OBJECT pdo = WdfDeviceWdmGetDeviceObject(third);

    CHECK(WdfFdoAddStaticChild(device, third) == STATUS_SUCCESS);
    child_list_of(device, 2);
    CHECK(child_send(pdo, IRP_MN_EJECT) == STATUS_SUCCESS);
    child_list_of(device, 1);
    CHECK(child_send(pdo, IRP_MN_REMOVE_DEVICE) == STATUS_SUCCESS);
}

static void check_static(WDFDEVICE device)
{
    WDFDEVICE child = child_make_from(WdfPdoInitAllocate(device));
    WDFDEVICE second = child_make_from(WdfPdoInitAllocate(device));
    PDEVICE_OBJECT pdo = WdfDeviceWdmGetDeviceObject(child);

    CHECK(WdfPdoGetParent(child) == device && WdfPdoGetParent(device) == NULL);
    CHECK(WdfPdoMarkMissing(device) == STATUS_INVALID_PARAMETER);
    CHECK(WdfPdoMarkMissing(child) == STATUS_NO_SUCH_DEVICE);
    CHECK(WdfFdoAddStaticChild(device, device) == STATUS_INVALID_PARAMETER);
    CHECK(WdfFdoAddStaticChild(child, child) == STATUS_INVALID_PARAMETER);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfFdoAddStaticChild(device, child) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(WdfFdoAddStaticChild(device, child) == STATUS_SUCCESS);
    CHECK(child_list_of(device, 1) == pdo);
    check_iteration(device, child);
    CHECK(WdfFdoAddStaticChild(device, second) == STATUS_SUCCESS);
    CHECK(WdfPdoMarkMissing(second) == STATUS_SUCCESS); /* nobody has heard of it: it ends */
    check_ejection(device, child);
    check_lock(pdo);
    check_lives(pdo);
    check_eject(device);
    CHECK(WdfPdoMarkMissing(child) == STATUS_SUCCESS);
    CHECK(child_list_of(device, 0) == NULL);
    CHECK(child_send(pdo, IRP_MN_SURPRISE_REMOVAL) == STATUS_SUCCESS);
    CHECK(child_send(pdo, IRP_MN_REMOVE_DEVICE) == STATUS_SUCCESS);
    CHECK(child_ask(WdfDeviceWdmGetDeviceObject(device), BusRelations, STATUS_NOT_SUPPORTED) ==
          NULL);
}

static void in_static(enum ft_routine routine, WDFOBJECT device)
{
    at_smio(routine, device, check_static);
}

static void static_children_come_and_go(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.in = in_static, .flags = WDF_BENCH_QUIET}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_non_null(strstr(
        wb_notes(),
        "init child-gone lock:1 lock:0 child-prepare child-release "
        "child-prepare child-release child-prepare eject missing child-gone missing child-release "
        "child-gone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bus_driver_says_what_a_child_is),
        cmocka_unit_test(static_children_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
