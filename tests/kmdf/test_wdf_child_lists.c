/* Lists of child descriptions. The tests send the PnP manager's requests themselves; test_wdf_bus.c
 * has the machine do it. */
#include "child_bench.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

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
    CHECK(WdfPdoRetrieveIdentificationDescription(child_make_from(init), &own.header) ==
          STATUS_SUCCESS);
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
    CHECK(child_list_of(device, 1) == pdo);
    WdfChildListBeginScan(list);
    CHECK(add(list, 3, 13) == STATUS_SUCCESS);
    WdfChildListEndScan(list);
    create_answer = STATUS_NO_SUCH_DEVICE; /* the new one is lost again */
    CHECK(child_list_of(device, 0) == NULL);
    create_answer = STATUS_SUCCESS;
    CHECK(pdo_of(list, 1, WdfChildListRetrieveDeviceSuccess) != NULL); /* until it is removed */
    CHECK(child_send(pdo, IRP_MN_REMOVE_DEVICE) == STATUS_SUCCESS);
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
    CHECK(child_list_of(device, 0) == NULL); /* made, and undone */
    create_answer = STATUS_SUCCESS;
    pdo = child_list_of(device, 1);
    CHECK(child_list_of(device, 1) == pdo);
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
        cmocka_unit_test(lists_describe_children),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
