/* Who the device is: the bus driver's answers to queries, and device properties, for a PCI function
 * and for an ISA part; what each refuses, and what it says when there is no memory. */
#include "bench_driver.h"
#include "io/io_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { ANSWER_MAX = 200 };

/* ---- the machine ---- */

static void on_pci(struct ft_description *description)
{
    description->pci_id = 0x12348086;
    description->pci_class = 0x010802;
}

static void on_isa(struct ft_description *description)
{
    description->bar_bytes[0] = 0;
    description->port_base = 0x300;
    description->port_bytes = 8;
}

static void run(void (*started)(void), void (*describe)(struct ft_description *description))
{
    bench_driver_run(&(struct bench_driver){.started = started, .describe = describe}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    for (unsigned i = 1; i <= wb_count(FT_EV_POOL_BAD_FREE); i++)
        fail_msg("a bad free");
}

static NTSTATUS caught(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device, (void)irp, (void)context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* A PnP request of the driver's own. */
static PIRP prepare(UCHAR minor)
{
    PIRP irp = IoAllocateIrp(the_driver.below->StackSize, FALSE);

    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_PNP;
    IoGetNextIrpStackLocation(irp)->MinorFunction = minor;
    return irp;
}

static NTSTATUS send(PIRP irp, ULONG_PTR *information)
{
    NTSTATUS status;

    IoSetCompletionRoutine(irp, caught, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(the_driver.below, irp);
    status = irp->IoStatus.Status;
    *information = irp->IoStatus.Information;
    IoFreeIrp(irp);
    return status;
}

/* The text, its terminator and, for a list, another one. Frees it. */
static bool is_text(ULONG_PTR wide, const WCHAR *text, size_t characters)
{
    bool same = wide && RtlCompareMemory((PVOID)wide, text, characters * sizeof(WCHAR)) ==
                            characters * sizeof(WCHAR);

    if (wide)
        ExFreePool((PVOID)wide);
    return same;
}
#define IS_TEXT(wide, text) is_text(wide, text, sizeof(text) / sizeof(WCHAR))

/* ---- queries ---- */

static NTSTATUS query_id(BUS_QUERY_ID_TYPE type, ULONG_PTR *answer)
{
    PIRP irp = prepare(IRP_MN_QUERY_ID);

    IoGetNextIrpStackLocation(irp)->Parameters.QueryId.IdType = type;
    return send(irp, answer);
}

static NTSTATUS query_text(DEVICE_TEXT_TYPE type, ULONG_PTR *answer)
{
    PIRP irp = prepare(IRP_MN_QUERY_DEVICE_TEXT);

    IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceText.DeviceTextType = type;
    return send(irp, answer);
}

static NTSTATUS query_relations(DEVICE_RELATION_TYPE type, ULONG_PTR *answer)
{
    PIRP irp = prepare(IRP_MN_QUERY_DEVICE_RELATIONS);

    IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type = type;
    return send(irp, answer);
}

static void pci_queries(void)
{
    ULONG_PTR answer;

    CHECK(query_id(BusQueryDeviceID, &answer) == STATUS_SUCCESS);
    CHECK(IS_TEXT(answer, L"PCI\\VEN_8086&DEV_1234"));
    CHECK(query_id(BusQueryHardwareIDs, &answer) == STATUS_SUCCESS);
    CHECK(IS_TEXT(answer, L"PCI\\VEN_8086&DEV_1234\0"));
    CHECK(query_id(BusQueryCompatibleIDs, &answer) == STATUS_SUCCESS);
    CHECK(IS_TEXT(answer, L"PCI\\CC_010802\0PCI\\CC_0108\0"));
    CHECK(query_id(BusQueryInstanceID, &answer) == STATUS_SUCCESS);
    CHECK(IS_TEXT(answer, L"0"));
    CHECK(query_id(BusQueryDeviceSerialNumber, &answer) == STATUS_NOT_SUPPORTED && !answer);
    CHECK(query_text(DeviceTextLocationInformation, &answer) == STATUS_SUCCESS);
    CHECK(IS_TEXT(answer, L"PCI bus 0, device 0, function 0"));
    CHECK(query_text((DEVICE_TEXT_TYPE)7, &answer) == STATUS_NOT_SUPPORTED && !answer);
}

static void isa_queries(void)
{
    ULONG_PTR answer;

    CHECK(query_id(BusQueryHardwareIDs, &answer) == STATUS_SUCCESS);
    CHECK(IS_TEXT(answer, L"ISA\\bench\0"));
    CHECK(query_id(BusQueryCompatibleIDs, &answer) == STATUS_NOT_SUPPORTED && !answer);
    CHECK(query_text(DeviceTextLocationInformation, &answer) == STATUS_SUCCESS);
    CHECK(IS_TEXT(answer, L"ISA bus 0"));
}

static void the_bus_driver_names_the_device(void **state)
{
    (void)state;
    run(pci_queries, on_pci);
    run(isa_queries, on_isa);
}

static void relations(void)
{
    ULONG_PTR answer;
    PDEVICE_RELATIONS list;

    CHECK(query_relations(TargetDeviceRelation, &answer) == STATUS_SUCCESS);
    list = (PDEVICE_RELATIONS)answer;
    CHECK(list && list->Count == 1 && list->Objects[0] == the_driver.below);
    ExFreePool(list);
    CHECK(query_relations(BusRelations, &answer) == STATUS_NOT_SUPPORTED && !answer);
    CHECK(query_relations(EjectionRelations, &answer) == STATUS_NOT_SUPPORTED && !answer);
}

static void the_device_is_its_own_target(void **state)
{
    (void)state;
    run(relations, on_pci);
}

/* Each answer is pool; without it nothing is answered. */
static void no_memory(void)
{
    static const UCHAR minors[] = {IRP_MN_QUERY_ID, IRP_MN_QUERY_DEVICE_TEXT,
                                   IRP_MN_QUERY_BUS_INFORMATION, IRP_MN_QUERY_RESOURCES,
                                   IRP_MN_QUERY_RESOURCE_REQUIREMENTS};
    ULONG_PTR answer;

    for (unsigned i = 0; i < sizeof minors; i++) {
        PIRP irp = prepare(minors[i]);

        FT_M->alloc_fail_what = FT_FAIL_POOL;
        CHECK(send(irp, &answer) == STATUS_INSUFFICIENT_RESOURCES && !answer);
        CHECK(FT_M->alloc_fail_what == 0);
    }
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(query_relations(TargetDeviceRelation, &answer) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(!answer);
}

static void without_memory_no_query_is_answered(void **state)
{
    (void)state;
    run(no_memory, on_pci);
}

static void bad_capabilities(void)
{
    DEVICE_CAPABILITIES capabilities = {.Size = sizeof capabilities, .Version = 2};
    ULONG_PTR answer;
    PIRP irp = prepare(IRP_MN_QUERY_CAPABILITIES);

    IoGetNextIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities = &capabilities;
    CHECK(send(irp, &answer) == STATUS_UNSUCCESSFUL);
    irp = prepare(IRP_MN_QUERY_CAPABILITIES);
    IoGetNextIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities = &capabilities;
    capabilities.Version = 1;
    capabilities.Size--;
    CHECK(send(irp, &answer) == STATUS_UNSUCCESSFUL);
    CHECK(!capabilities.SurpriseRemovalOK && !capabilities.UniqueID); /* untouched */
}

static void capabilities_of_another_version_are_not_filled(void **state)
{
    (void)state;
    run(bad_capabilities, on_pci);
}

/* ---- configuration space ---- */

static NTSTATUS access(UCHAR minor, ULONG space, ULONG offset, ULONG length, PVOID buffer,
                       ULONG_PTR *moved)
{
    PIRP irp = prepare(minor);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);

    next->Parameters.ReadWriteConfig.WhichSpace = space;
    next->Parameters.ReadWriteConfig.Buffer = buffer;
    next->Parameters.ReadWriteConfig.Offset = offset;
    next->Parameters.ReadWriteConfig.Length = length;
    return send(irp, moved);
}

static void pci_config(void)
{
    UCHAR bytes[8] = {0};
    ULONG_PTR moved;

    CHECK(access(IRP_MN_READ_CONFIG, 1, 0, 4, bytes, &moved) == STATUS_INVALID_PARAMETER);
    CHECK(access(IRP_MN_READ_CONFIG, PCI_WHICHSPACE_CONFIG, 60, 8, bytes, &moved) ==
          STATUS_SUCCESS);
    CHECK(moved == 4); /* the header ends */
    CHECK(access(IRP_MN_READ_CONFIG, PCI_WHICHSPACE_CONFIG, 64, 4, bytes, &moved) ==
          STATUS_SUCCESS);
    CHECK(moved == 0);
    bytes[0] = 11;
    CHECK(access(IRP_MN_WRITE_CONFIG, PCI_WHICHSPACE_CONFIG, 60, 8, bytes, &moved) ==
          STATUS_SUCCESS);
    CHECK(moved == 4);
    CHECK(access(IRP_MN_WRITE_CONFIG, PCI_WHICHSPACE_CONFIG, 64, 4, bytes, &moved) ==
          STATUS_SUCCESS);
    CHECK(moved == 0);
    bytes[0] = 0;
    CHECK(access(IRP_MN_READ_CONFIG, PCI_WHICHSPACE_CONFIG, 60, 1, bytes, &moved) ==
          STATUS_SUCCESS);
    CHECK(moved == 1 && bytes[0] == 11); /* the interrupt line keeps what is written */
    FT_M->io.first.yanked = 1;
    CHECK(access(IRP_MN_READ_CONFIG, PCI_WHICHSPACE_CONFIG, 0, 2, bytes, &moved) == STATUS_SUCCESS);
    CHECK(bytes[0] == 0xFF && bytes[1] == 0xFF); /* nobody answers */
    FT_M->io.first.yanked = 0;
}

static void isa_config(void)
{
    UCHAR byte = 1;
    ULONG_PTR moved;

    CHECK(access(IRP_MN_READ_CONFIG, PCI_WHICHSPACE_CONFIG, 0, 1, &byte, &moved) ==
          STATUS_NOT_SUPPORTED);
    CHECK(moved == 0 && byte == 1);
}

static void configuration_space_ends_with_its_header(void **state)
{
    (void)state;
    run(pci_config, on_pci);
    run(isa_config, on_isa);
}

/* ---- properties ---- */

static UCHAR property[ANSWER_MAX];

static NTSTATUS get(DEVICE_REGISTRY_PROPERTY which, ULONG bytes, ULONG *needed)
{
    property[0] = 0x77;
    return IoGetDeviceProperty(the_driver.below, which, bytes, property, needed);
}

/* Exactly those bytes; with one fewer the buffer is too small and stays as it is. */
static void check_property(DEVICE_REGISTRY_PROPERTY which, const void *wanted, ULONG bytes)
{
    ULONG needed;

    CHECK(get(which, ANSWER_MAX, &needed) == STATUS_SUCCESS && needed == bytes);
    CHECK(RtlCompareMemory(property, wanted, bytes) == bytes);
    CHECK(get(which, bytes - 1, &needed) == STATUS_BUFFER_TOO_SMALL);
    CHECK(needed == bytes && property[0] == 0x77);
}
#define CHECK_TEXT(which, text)     check_property(which, text, sizeof(text))
#define CHECK_NUMBER(which, number) check_property(which, &(const ULONG){number}, sizeof(ULONG))

static void pci_properties(void)
{
    ULONG needed = 1;

    CHECK_TEXT(DevicePropertyDeviceDescription, L"bench");
    CHECK_TEXT(DevicePropertyHardwareID, L"PCI\\VEN_8086&DEV_1234\0");
    CHECK_TEXT(DevicePropertyCompatibleIDs, L"PCI\\CC_010802\0PCI\\CC_0108\0");
    CHECK_TEXT(DevicePropertyEnumeratorName, L"PCI");
    CHECK_TEXT(DevicePropertyPhysicalDeviceObjectName, L"\\Device\\NTPNP_PCI0001");
    CHECK_TEXT(DevicePropertyLocationInformation, L"bus 0, device 0, function 0");
    CHECK_NUMBER(DevicePropertyLegacyBusType, PCIBus);
    CHECK_NUMBER(DevicePropertyBusNumber, 0);
    CHECK_NUMBER(DevicePropertyInstallState, 0);
    CHECK(get(DevicePropertyFriendlyName, ANSWER_MAX, &needed) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(needed == 0);
    CHECK(get((DEVICE_REGISTRY_PROPERTY)99, ANSWER_MAX, &needed) == STATUS_INVALID_PARAMETER_2);
    CHECK(IoGetDeviceProperty(the_driver.device, DevicePropertyAddress, ANSWER_MAX, property,
                              &needed) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(needed == 0);
}

static void isa_properties(void)
{
    ULONG needed;

    CHECK_TEXT(DevicePropertyHardwareID, L"ISA\\bench\0");
    CHECK_TEXT(DevicePropertyEnumeratorName, L"ISA");
    CHECK_NUMBER(DevicePropertyLegacyBusType, Isa);
    CHECK(get(DevicePropertyCompatibleIDs, ANSWER_MAX, &needed) == STATUS_OBJECT_NAME_NOT_FOUND);
}

static void properties_say_what_the_bus_says(void **state)
{
    (void)state;
    run(pci_properties, on_pci);
    run(isa_properties, on_isa);
}

static void nodes(void)
{
    USHORT node = 7;

    CHECK(IoGetDeviceNumaNode(the_driver.device, &node) == STATUS_INVALID_PARAMETER);
    CHECK(IoGetDeviceNumaNode(NULL, &node) == STATUS_INVALID_PARAMETER && node == 7);
    CHECK(IoGetDeviceNumaNode(the_driver.below, &node) == STATUS_SUCCESS && node == 0);
}

static void only_a_pdo_has_a_node(void **state)
{
    (void)state;
    run(nodes, on_pci);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bus_driver_names_the_device),
        cmocka_unit_test(the_device_is_its_own_target),
        cmocka_unit_test(without_memory_no_query_is_answered),
        cmocka_unit_test(capabilities_of_another_version_are_not_filled),
        cmocka_unit_test(configuration_space_ends_with_its_header),
        cmocka_unit_test(properties_say_what_the_bus_says),
        cmocka_unit_test(only_a_pdo_has_a_node),
    };

    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
