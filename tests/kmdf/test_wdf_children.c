/* Children of a bus driver: static ones, lists of descriptions, what a PDO answers itself. The
 * tests send the PnP manager's requests themselves. */
#include "wdf_bench.h"
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

/* ---- requests ---- */

static IO_STATUS_BLOCK result;

static PIRP begin(PDEVICE_OBJECT device, UCHAR minor, PKEVENT done)
{
    PIRP irp;

    KeInitializeEvent(done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, device, NULL, 0, NULL, done, &result);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(irp)->MinorFunction = minor;
    return irp;
}

static NTSTATUS end(PDEVICE_OBJECT device, PIRP irp, PKEVENT done)
{
    if (IoCallDriver(device, irp) == STATUS_PENDING)
        KeWaitForSingleObject(done, Executive, KernelMode, FALSE, NULL);
    return result.Status;
}

static NTSTATUS send(PDEVICE_OBJECT device, UCHAR minor)
{
    KEVENT done;
    PIRP irp = begin(device, minor, &done);

    return end(device, irp, &done);
}

static PDEVICE_RELATIONS ask(PDEVICE_OBJECT device, DEVICE_RELATION_TYPE type, NTSTATUS expected)
{
    KEVENT done;
    PIRP irp = begin(device, IRP_MN_QUERY_DEVICE_RELATIONS, &done);

    IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type = type;
    CHECK(end(device, irp, &done) == expected);
    return (PDEVICE_RELATIONS)result.Information;
}

/* Bus relations of that device: so many, the first of them returned. */
static PDEVICE_OBJECT children(WDFDEVICE device, ULONG count)
{
    PDEVICE_RELATIONS all = ask(WdfDeviceWdmGetDeviceObject(device), BusRelations, STATUS_SUCCESS);
    PDEVICE_OBJECT first;

    CHECK(all && all->Count == count);
    first = count ? all->Objects[0] : NULL;
    for (ULONG i = 0; i < all->Count; i++)
        ObDereferenceObject(all->Objects[i]);
    ExFreePool(all);
    return first;
}

static bool is_answer(PCWSTR expected, size_t bytes)
{
    bool same =
        result.Information && memcmp((const void *)result.Information, expected, bytes) == 0;

    if (result.Information)
        ExFreePool((PVOID)result.Information);
    return same;
}

static NTSTATUS query_id(PDEVICE_OBJECT device, BUS_QUERY_ID_TYPE type)
{
    KEVENT done;
    PIRP irp = begin(device, IRP_MN_QUERY_ID, &done);

    IoGetNextIrpStackLocation(irp)->Parameters.QueryId.IdType = type;
    return end(device, irp, &done);
}

static NTSTATUS query_text(PDEVICE_OBJECT device, DEVICE_TEXT_TYPE type, LCID locale)
{
    KEVENT done;
    PIRP irp = begin(device, IRP_MN_QUERY_DEVICE_TEXT, &done);

    IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceText.DeviceTextType = type;
    IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceText.LocaleId = locale;
    return end(device, irp, &done);
}

/* ---- the child's callbacks ---- */

static NTSTATUS lock_answer;

static NTSTATUS set_lock(WDFDEVICE device, BOOLEAN locked)
{
    (void)device;
    wb_note(locked ? "lock:1" : "lock:0");
    return lock_answer;
}

static NTSTATUS eject(WDFDEVICE device)
{
    (void)device;
    wb_note("eject");
    return STATUS_SUCCESS;
}

static VOID missing(WDFDEVICE device)
{
    (void)device;
    wb_note("missing");
}

static NTSTATUS resources(WDFDEVICE device, WDFCMRESLIST list)
{
    CM_PARTIAL_RESOURCE_DESCRIPTOR part = {.Type = CmResourceTypeMemory};

    (void)device;
    return WdfCmResourceListAppendDescriptor(list, &part);
}

static NTSTATUS requirements(WDFDEVICE device, WDFIORESREQLIST list)
{
    IO_RESOURCE_DESCRIPTOR part = {.Type = CmResourceTypeMemory};
    WDFIORESLIST one;

    (void)device;
    CHECK(WdfIoResourceListCreate(list, NULL, &one) == STATUS_SUCCESS);
    CHECK(WdfIoResourceListAppendDescriptor(one, &part) == STATUS_SUCCESS);
    return WdfIoResourceRequirementsListAppendIoResList(list, one);
}

static NTSTATUS child_prepare(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
    (void)device, (void)raw, (void)translated;
    wb_note("child-prepare");
    return STATUS_SUCCESS;
}

static NTSTATUS child_release(WDFDEVICE device, WDFCMRESLIST translated)
{
    (void)device, (void)translated;
    wb_note("child-release");
    return STATUS_SUCCESS;
}

static VOID child_gone(WDFOBJECT device)
{
    (void)device;
    wb_note("child-gone");
}

static void set_callbacks(PWDFDEVICE_INIT init)
{
    WDF_PNPPOWER_EVENT_CALLBACKS pnp;
    WDF_PDO_EVENT_CALLBACKS pdo;

    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
    pnp.EvtDevicePrepareHardware = child_prepare;
    pnp.EvtDeviceReleaseHardware = child_release;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
    WDF_PDO_EVENT_CALLBACKS_INIT(&pdo);
    pdo.EvtDeviceResourcesQuery = resources;
    pdo.EvtDeviceResourceRequirementsQuery = requirements;
    pdo.EvtDeviceEject = eject;
    pdo.EvtDeviceSetLock = set_lock;
    pdo.EvtDeviceReportedMissing = missing;
    WdfPdoInitSetEventCallbacks(init, &pdo);
    pdo.Size--;
    WdfPdoInitSetEventCallbacks(init, &pdo); /* is not taken */
}

static WDFDEVICE make_from(PWDFDEVICE_INIT init)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE child;

    set_callbacks(init);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = child_gone;
    CHECK(WdfDeviceCreate(&init, &attributes, &child) == STATUS_SUCCESS);
    return child;
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
    PIRP irp = begin(pdo, IRP_MN_QUERY_CAPABILITIES, &done);

    IoGetNextIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities = &caps;
    CHECK(end(pdo, irp, &done) == STATUS_SUCCESS);
    CHECK(caps.RawDeviceOK && caps.SilentInstall && caps.Removable);
    CHECK(caps.DeviceState[PowerSystemWorking] == PowerDeviceD0);
    caps.Version = 2;
    irp = begin(pdo, IRP_MN_QUERY_CAPABILITIES, &done);
    IoGetNextIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities = &caps;
    CHECK(end(pdo, irp, &done) == STATUS_UNSUCCESSFUL);
}

static void check_hardware(WDFDEVICE device, PDEVICE_OBJECT pdo)
{
    PNP_BUS_INFORMATION bus = {GUID_BUS_TYPE_PCI, PCIBus, 3};
    PCM_RESOURCE_LIST raw;
    PIO_RESOURCE_REQUIREMENTS_LIST wanted;

    CHECK(send(pdo, IRP_MN_QUERY_BUS_INFORMATION) == STATUS_NOT_SUPPORTED);
    WdfDeviceSetBusInformationForChildren(device, &bus);
    CHECK(send(pdo, IRP_MN_QUERY_BUS_INFORMATION) == STATUS_SUCCESS);
    CHECK(is_answer((PCWSTR)&bus, sizeof bus));
    CHECK(send(pdo, IRP_MN_QUERY_RESOURCES) == STATUS_SUCCESS);
    raw = (PCM_RESOURCE_LIST)result.Information;
    CHECK(raw->Count == 1 && raw->List[0].PartialResourceList.Count == 1);
    ExFreePool(raw);
    CHECK(send(pdo, IRP_MN_QUERY_RESOURCE_REQUIREMENTS) == STATUS_SUCCESS);
    wanted = (PIO_RESOURCE_REQUIREMENTS_LIST)result.Information;
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

    child = make_from(init);
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
    all = ask(pdo, EjectionRelations, STATUS_SUCCESS);
    CHECK(all->Count == 1 && all->Objects[0] == fdo);
    ObDereferenceObject(fdo);
    ExFreePool(all);
    WdfPdoRemoveEjectionRelationsPhysicalDevice(child, fdo);
    all = ask(pdo, EjectionRelations, STATUS_SUCCESS); /* one has left */
    CHECK(all->Count == 0);
    ExFreePool(all);
    CHECK(WdfPdoAddEjectionRelationsPhysicalDevice(child, fdo) == STATUS_SUCCESS);
    WdfPdoClearEjectionRelationsDevices(child);
    CHECK(ask(pdo, EjectionRelations, STATUS_NOT_SUPPORTED) == NULL);
    all = ask(pdo, TargetDeviceRelation, STATUS_SUCCESS);
    CHECK(all->Count == 1 && all->Objects[0] == pdo);
    ObDereferenceObject(pdo);
    ExFreePool(all);
}

static void check_lock(PDEVICE_OBJECT pdo)
{
    KEVENT done;
    PIRP irp = begin(pdo, IRP_MN_SET_LOCK, &done);

    IoGetNextIrpStackLocation(irp)->Parameters.SetLock.Lock = TRUE;
    lock_answer = STATUS_DEVICE_BUSY;
    CHECK(end(pdo, irp, &done) == STATUS_DEVICE_BUSY);
    lock_answer = STATUS_SUCCESS;
    CHECK(send(pdo, IRP_MN_SET_LOCK) == STATUS_SUCCESS);
}

/* It may be started and removed again and again while it is there. */
static void check_lives(PDEVICE_OBJECT pdo)
{
    for (unsigned i = 0; i < 2; i++) {
        CHECK(send(pdo, IRP_MN_START_DEVICE) == STATUS_SUCCESS);
        CHECK(send(pdo, IRP_MN_QUERY_REMOVE_DEVICE) == STATUS_SUCCESS);
        CHECK(send(pdo, IRP_MN_REMOVE_DEVICE) == STATUS_SUCCESS);
    }
    CHECK(send(pdo, IRP_MN_START_DEVICE) == STATUS_SUCCESS);
}

static void check_eject(WDFDEVICE device)
{
    WDFDEVICE third = make_from(WdfPdoInitAllocate(device));
    PDEVICE_OBJECT pdo = WdfDeviceWdmGetDeviceObject(third);

    CHECK(WdfFdoAddStaticChild(device, third) == STATUS_SUCCESS);
    children(device, 2);
    CHECK(send(pdo, IRP_MN_EJECT) == STATUS_SUCCESS);
    children(device, 1);
    CHECK(send(pdo, IRP_MN_REMOVE_DEVICE) == STATUS_SUCCESS);
}

static void check_static(WDFDEVICE device)
{
    WDFDEVICE child = make_from(WdfPdoInitAllocate(device));
    WDFDEVICE second = make_from(WdfPdoInitAllocate(device));
    PDEVICE_OBJECT pdo = WdfDeviceWdmGetDeviceObject(child);

    CHECK(WdfPdoGetParent(child) == device && WdfPdoGetParent(device) == NULL);
    CHECK(WdfPdoMarkMissing(device) == STATUS_INVALID_PARAMETER);
    CHECK(WdfPdoMarkMissing(child) == STATUS_NO_SUCH_DEVICE);
    CHECK(WdfFdoAddStaticChild(device, device) == STATUS_INVALID_PARAMETER);
    CHECK(WdfFdoAddStaticChild(child, child) == STATUS_INVALID_PARAMETER);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfFdoAddStaticChild(device, child) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(WdfFdoAddStaticChild(device, child) == STATUS_SUCCESS);
    CHECK(children(device, 1) == pdo);
    check_iteration(device, child);
    CHECK(WdfFdoAddStaticChild(device, second) == STATUS_SUCCESS);
    CHECK(WdfPdoMarkMissing(second) == STATUS_SUCCESS); /* nobody has heard of it: it ends */
    check_ejection(device, child);
    check_lock(pdo);
    check_lives(pdo);
    check_eject(device);
    CHECK(WdfPdoMarkMissing(child) == STATUS_SUCCESS);
    CHECK(children(device, 0) == NULL);
    CHECK(send(pdo, IRP_MN_SURPRISE_REMOVAL) == STATUS_SUCCESS);
    CHECK(send(pdo, IRP_MN_REMOVE_DEVICE) == STATUS_SUCCESS);
    CHECK(ask(WdfDeviceWdmGetDeviceObject(device), BusRelations, STATUS_NOT_SUPPORTED) == NULL);
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

/* ---- lists ---- */

struct id {
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER header;
    ULONG number;
};
struct address {
    WDF_CHILD_ADDRESS_DESCRIPTION_HEADER header;
    ULONG slot;
};

static NTSTATUS create_answer;

static NTSTATUS create_child(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                             PWDFDEVICE_INIT init)
{
    struct id own;

    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && ((struct id *)(void *)id)->number != 0);
    CHECK(WdfChildListGetDevice(list) == the_wdf.device);
    if (create_answer == STATUS_NO_SUCH_DEVICE)
        return create_answer;
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&own.header, sizeof own);
    CHECK(WdfPdoRetrieveIdentificationDescription(make_from(init), &own.header) == STATUS_SUCCESS);
    CHECK(own.number == ((struct id *)(void *)id)->number);
    return create_answer;
}

static VOID scan(WDFCHILDLIST list)
{
    CHECK(list == WdfFdoGetDefaultChildList(the_wdf.device));
    wb_note("scan");
}

static BOOLEAN compare(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER first,
                       PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER second)
{
    (void)list;
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    return ((struct id *)(void *)first)->number == ((struct id *)(void *)second)->number;
}

static VOID forget(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id)
{
    (void)list, (void)id;
    wb_note("forget");
}

static void configure(PWDF_CHILD_LIST_CONFIG config)
{
    WDF_CHILD_LIST_CONFIG_INIT(config, sizeof(struct id), create_child);
    config->AddressDescriptionSize = sizeof(struct address);
    config->EvtChildListScanForChildren = scan;
    config->EvtChildListIdentificationDescriptionCompare = compare;
    config->EvtChildListIdentificationDescriptionCleanup = forget;
}

static void set_default_list(PWDFDEVICE_INIT init)
{
    WDF_CHILD_LIST_CONFIG config;

    configure(&config);
    config.Size--;
    WdfFdoInitSetDefaultChildListConfig(init, &config, NULL); /* is not taken */
    config.Size++;
    WdfFdoInitSetDefaultChildListConfig(init, &config, NULL);
}

static struct id id_of(ULONG number)
{
    return (struct id){{sizeof(struct id)}, number};
}

static NTSTATUS add(WDFCHILDLIST list, ULONG number, ULONG slot)
{
    struct id id = id_of(number);
    struct address address = {{sizeof address}, slot};

    return WdfChildListAddOrUpdateChildDescriptionAsPresent(list, &id.header, &address.header);
}

static NTSTATUS slot_of(WDFCHILDLIST list, ULONG number, ULONG *slot)
{
    struct id id = id_of(number);
    struct address address = {{sizeof address}, 0};
    NTSTATUS status = WdfChildListRetrieveAddressDescription(list, &id.header, &address.header);

    *slot = address.slot;
    return status;
}

static WDFDEVICE pdo_of(WDFCHILDLIST list, ULONG number,
                        WDF_CHILD_LIST_RETRIEVE_DEVICE_STATUS expected)
{
    struct id id = id_of(number);
    WDF_CHILD_RETRIEVE_INFO info;
    WDFDEVICE device;

    WDF_CHILD_RETRIEVE_INFO_INIT(&info, &id.header);
    device = WdfChildListRetrievePdo(list, &info);
    CHECK(info.Status == expected && (device != NULL) == (expected == 1));
    return device;
}

static void check_create(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_CHILD_LIST_CONFIG config;
    WDFCHILDLIST list;

    configure(&config);
    config.Size--;
    CHECK(WdfChildListCreate(device, &config, NULL, &list) == STATUS_INFO_LENGTH_MISMATCH);
    config.Size++;
    config.EvtChildListCreateDevice = NULL;
    CHECK(WdfChildListCreate(device, &config, NULL, &list) == STATUS_INVALID_PARAMETER);
    configure(&config);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    CHECK(WdfChildListCreate(device, &config, &attributes, &list) ==
          STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfChildListCreate(device, &config, NULL, &list) == STATUS_INSUFFICIENT_RESOURCES);
    config.EvtChildListScanForChildren = NULL;
    CHECK(WdfChildListCreate(device, &config, NULL, &list) == STATUS_SUCCESS);
    CHECK(WdfChildListGetDevice(list) == device);
}

static void check_wrong(WDFCHILDLIST list)
{
    struct id id = id_of(9);
    struct address address = {{sizeof address}, 0};
    WDF_CHILD_RETRIEVE_INFO info;

    CHECK(WdfChildListAddOrUpdateChildDescriptionAsPresent(list, &id.header, NULL) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfChildListUpdateChildDescriptionAsMissing(list, &id.header) == STATUS_NO_SUCH_DEVICE);
    CHECK(WdfChildListRetrieveAddressDescription(list, &id.header, &address.header) ==
          STATUS_NO_SUCH_DEVICE);
    id.header.IdentificationDescriptionSize--;
    CHECK(WdfChildListUpdateChildDescriptionAsMissing(list, &id.header) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfChildListRetrieveAddressDescription(list, &id.header, &address.header) ==
          STATUS_INVALID_DEVICE_REQUEST);
    WDF_CHILD_RETRIEVE_INFO_INIT(&info, &id.header);
    CHECK(WdfChildListRetrievePdo(list, &info) == NULL);
}

static void check_next(WDFCHILDLIST list)
{
    struct id id = id_of(0);
    struct address address = {{sizeof address}, 0};
    WDF_CHILD_LIST_ITERATOR at;
    WDF_CHILD_RETRIEVE_INFO info;
    WDFDEVICE device;

    WDF_CHILD_LIST_ITERATOR_INIT(&at, WdfRetrieveAddedChildren);
    CHECK(WdfChildListRetrieveNextDevice(list, &at, &device, NULL) == STATUS_INVALID_DEVICE_STATE);
    WdfChildListBeginIteration(list, &at);
    WDF_CHILD_RETRIEVE_INFO_INIT(&info, &id.header);
    info.AddressDescription = &address.header;
    CHECK(WdfChildListRetrieveNextDevice(list, &at, &device, &info) == STATUS_SUCCESS);
    CHECK(device && id.number == 1 && address.slot == 11);
    CHECK(add(list, 5, 15) == STATUS_SUCCESS);
    CHECK(WdfChildListRetrieveNextDevice(list, &at, &device, &info) == STATUS_SUCCESS);
    CHECK(!device && id.number == 5 && info.Status == WdfChildListRetrieveDeviceNotYetCreated);
    CHECK(WdfChildListRetrieveNextDevice(list, &at, &device, &info) == STATUS_NO_MORE_ENTRIES);
    id.header.IdentificationDescriptionSize--;
    CHECK(WdfChildListRetrieveNextDevice(list, &at, &device, &info) == STATUS_INVALID_PARAMETER);
    info.Size--;
    CHECK(WdfChildListRetrieveNextDevice(list, &at, &device, &info) == STATUS_INFO_LENGTH_MISMATCH);
    id = id_of(5);
    CHECK(WdfChildListUpdateChildDescriptionAsMissing(list, &id.header) == STATUS_SUCCESS);
    WdfChildListEndIteration(list, &at);
}

static void check_address(WDFDEVICE device, WDFDEVICE child)
{
    struct id id = id_of(0);
    struct address address = {{sizeof address}, 0};

    CHECK(WdfPdoRetrieveAddressDescription(child, &address.header) == STATUS_SUCCESS);
    CHECK(address.slot == 11);
    CHECK(WdfPdoUpdateAddressDescription(child, &address.header) == STATUS_SUCCESS);
    CHECK(WdfPdoRetrieveAddressDescription(device, &address.header) == STATUS_INVALID_PARAMETER);
    CHECK(WdfPdoUpdateAddressDescription(device, &address.header) == STATUS_INVALID_PARAMETER);
    CHECK(WdfPdoRetrieveIdentificationDescription(device, &id.header) == STATUS_INVALID_PARAMETER);
    address.header.AddressDescriptionSize--;
    id.header.IdentificationDescriptionSize--;
    CHECK(WdfPdoRetrieveAddressDescription(child, &address.header) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfPdoUpdateAddressDescription(child, &address.header) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfPdoRetrieveIdentificationDescription(child, &id.header) ==
          STATUS_INVALID_DEVICE_REQUEST);
}

/* What is not found in a scan is missing when it ends. */
static void check_scan(WDFDEVICE device, WDFCHILDLIST list, PDEVICE_OBJECT pdo)
{
    WdfChildListBeginScan(list);
    WdfChildListUpdateAllChildDescriptionsAsPresent(list);
    WdfChildListEndScan(list);
    CHECK(children(device, 1) == pdo);
    WdfChildListBeginScan(list);
    CHECK(add(list, 3, 13) == STATUS_SUCCESS);
    WdfChildListEndScan(list);
    create_answer = STATUS_NO_SUCH_DEVICE; /* the new one is lost again */
    CHECK(children(device, 0) == NULL);
    create_answer = STATUS_SUCCESS;
    CHECK(pdo_of(list, 1, WdfChildListRetrieveDeviceSuccess) != NULL); /* until it is removed */
    CHECK(send(pdo, IRP_MN_REMOVE_DEVICE) == STATUS_SUCCESS);
    pdo_of(list, 1, WdfChildListRetrieveDeviceNoSuchDevice);
}

static void check_lists(WDFDEVICE device)
{
    WDFCHILDLIST list = WdfFdoGetDefaultChildList(device);
    PDEVICE_OBJECT pdo;
    WDFDEVICE child;
    ULONG slot;

    check_create(device);
    check_wrong(list);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(add(list, 1, 10) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(add(list, 1, 10) == STATUS_SUCCESS);
    pdo_of(list, 1, WdfChildListRetrieveDeviceNotYetCreated);
    CHECK(add(list, 1, 11) == STATUS_OBJECT_NAME_EXISTS);
    CHECK(slot_of(list, 1, &slot) == STATUS_SUCCESS && slot == 11);
    create_answer = STATUS_RETRY;
    CHECK(children(device, 0) == NULL); /* made, and undone */
    create_answer = STATUS_SUCCESS;
    pdo = children(device, 1);
    CHECK(children(device, 1) == pdo);
    child = pdo_of(list, 1, WdfChildListRetrieveDeviceSuccess);
    CHECK(WdfDeviceWdmGetDeviceObject(child) == pdo);
    check_address(device, child);
    check_next(list);
    check_scan(device, list, pdo);
}

static void in_lists(enum ft_routine routine, WDFOBJECT device)
{
    /* Scanned after DMA is up and before queues start (kmdf sheet, 4.2). */
    if (routine == FT_ROUTINE_WDF_D0_ENTRY_POST)
        CHECK(strstr(wb_notes(), "scan") == NULL);
    if (routine == FT_ROUTINE_WDF_SMIO_INIT) {
        CHECK(strstr(wb_notes(), "scan") != NULL);
        CHECK(WdfFdoGetDefaultChildList(device) != NULL);
        check_lists(device);
    }
}

static NTSTATUS add_without(WDFDEVICE device)
{
    WDF_CHILD_LIST_CONFIG config;
    WDF_CHILD_LIST_ITERATOR at;
    WDF_CHILD_RETRIEVE_INFO info;
    struct address address = {{sizeof address}, 0};
    WDFCHILDLIST list;

    CHECK(WdfFdoGetDefaultChildList(device) == NULL);
    WDF_CHILD_LIST_CONFIG_INIT(&config, sizeof(struct id), create_child);
    CHECK(WdfChildListCreate(device, &config, NULL, &list) == STATUS_SUCCESS);
    WDF_CHILD_LIST_ITERATOR_INIT(&at, WdfRetrieveAllChildren);
    WDF_CHILD_RETRIEVE_INFO_INIT(&info, NULL);
    info.AddressDescription = &address.header;
    CHECK(WdfChildListRetrieveNextDevice(list, &at, &device, &info) ==
          STATUS_INVALID_DEVICE_REQUEST);
    return STATUS_SUCCESS;
}

static void lists_describe_children(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = add_without}, NULL, 0);
    wdf_bench_run(
        &(struct wdf_bench){.init = set_default_list, .in = in_lists, .flags = WDF_BENCH_QUIET},
        NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_true(wb_count(FT_EV_WDF_CHILD) > 0);
    assert_non_null(strstr(wb_notes(), "child-gone"));
    assert_non_null(strstr(wb_notes(), "missing"));
    assert_non_null(strstr(wb_notes(), "scan"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bus_driver_says_what_a_child_is),
        cmocka_unit_test(static_children_come_and_go),
        cmocka_unit_test(lists_describe_children),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
