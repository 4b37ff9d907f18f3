/* HwScsiFindAdapter: the configuration that it gets, bus data, register mappings. */
#include "scsi_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { VENDOR = 0x1AF4, DEVICE = 0x10C2 };

static void on_pci(struct ft_description *description)
{
    description->pci_id = (uint32_t)DEVICE << 16 | VENDOR;
}

/* ---- the configuration ---- */

static void the_configuration_comes_with_the_sheets_values(void **state)
{
    const PORT_CONFIGURATION_INFORMATION *in = &the_scsi.given;

    (void)state;
    scsi_bench_run(&(struct scsi_bench){0}, NULL, 0);
    assert_int_equal(in->Length, sizeof *in);
    assert_int_equal(in->SystemIoBusNumber, 0);
    assert_int_equal(in->AdapterInterfaceType, PCIBus);
    assert_int_equal(in->BusInterruptLevel, 9);
    assert_int_equal(in->InterruptMode, LevelSensitive);
    assert_int_equal(in->MaximumTransferLength, SP_UNINITIALIZED_VALUE);
    assert_int_equal(in->NumberOfPhysicalBreaks, SP_UNINITIALIZED_VALUE);
    assert_int_equal(in->DmaChannel, SP_UNINITIALIZED_VALUE);
    assert_int_equal(in->DmaPort, SP_UNINITIALIZED_VALUE);
    assert_int_equal(in->DmaWidth, Width8Bits);
    assert_int_equal(in->DmaSpeed, Compatible);
    assert_int_equal(in->NumberOfAccessRanges, 1);
    assert_int_equal(in->NumberOfBuses, 0);
    assert_false(in->ScatterGather || in->Master || in->CachesData || in->AdapterScansDown ||
                 in->AtdiskPrimaryClaimed || in->Dma32BitAddresses || in->DemandMode ||
                 in->NeedPhysicalAddresses || in->TaggedQueuing || in->AutoRequestSense ||
                 in->MultipleRequestPerLu || in->ReceiveEvent || in->RealModeInitialized ||
                 in->WmiDataProvider);
    assert_true(in->MapBuffers);
    assert_int_equal(in->MaximumNumberOfTargets, 8);
    assert_int_equal(in->MaximumNumberOfLogicalUnits, 8);
    assert_int_equal(in->Dma64BitAddresses, SCSI_DMA64_SYSTEM_SUPPORTED);
    assert_int_equal(in->DeviceExtensionSize, SCSI_BENCH_EXTENSION);
    assert_int_equal(the_scsi.range.RangeStart.QuadPart, FT_BAR_BUS_BASE);
    assert_int_equal(the_scsi.range.RangeLength, WB_BAR_BYTES);
    assert_true(the_scsi.range.RangeInMemory);
}

static void on_a_channel(struct ft_description *description)
{
    description->bar_bytes[0] = 0;
    description->port_base = 0x330;
    description->port_bytes = 16;
    description->dma_channel = 3;
    description->dma_bits = 8;
}

static void on_isa(PHW_INITIALIZATION_DATA data)
{
    data->AdapterInterfaceType = Isa;
    data->TaggedQueuing = data->AutoRequestSense = TRUE;
    data->SrbExtensionSize = 0;
}

static void an_isa_adapter_gets_ports_and_channel(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.init = on_isa,
                                        .describe = on_a_channel,
                                        .find_result = SP_RETURN_ERROR},
                   NULL, 0);
    assert_int_equal(the_scsi.given.DmaChannel, 3);
    assert_true(the_scsi.given.TaggedQueuing && the_scsi.given.AutoRequestSense);
    assert_int_equal(the_scsi.range.RangeStart.QuadPart, 0x330);
    assert_int_equal(the_scsi.range.RangeLength, 16);
    assert_false(the_scsi.range.RangeInMemory);
}

/* Arguments of event scsi:found. */
enum { RESULT = 1, AGAIN, CHANGED, STYLE };

static const struct {
    size_t offset;
    unsigned bit;
} read_only[] = {
    {offsetof(PORT_CONFIGURATION_INFORMATION, Length), 1},
    {offsetof(PORT_CONFIGURATION_INFORMATION, SystemIoBusNumber), 2},
    {offsetof(PORT_CONFIGURATION_INFORMATION, AdapterInterfaceType), 4},
    {offsetof(PORT_CONFIGURATION_INFORMATION, NumberOfAccessRanges), 8},
    {offsetof(PORT_CONFIGURATION_INFORMATION, SlotNumber), 32},
    {offsetof(PORT_CONFIGURATION_INFORMATION, Reserved), 64},
    {offsetof(PORT_CONFIGURATION_INFORMATION, DmaChannel2), 64},
};
static size_t changed_offset;

static void change(PPORT_CONFIGURATION_INFORMATION config)
{
    if (changed_offset != SIZE_MAX)
        *(UCHAR *)((UCHAR *)config + changed_offset) ^= 2;
}

static void what_must_stay_is_watched(void **state)
{
    const struct scsi_bench how = {.configure = change, .find_result = SP_RETURN_ERROR};

    (void)state;
    changed_offset = SIZE_MAX;
    scsi_bench_run(&how, NULL, 0);
    assert_int_equal(wb_last(FT_EV_SCSI_FOUND)->arg[CHANGED], 0);
    for (size_t i = 0; i < sizeof read_only / sizeof read_only[0]; i++) {
        changed_offset = read_only[i].offset;
        scsi_bench_run(&how, NULL, 0);
        assert_int_equal(wb_last(FT_EV_SCSI_FOUND)->arg[CHANGED], read_only[i].bit);
    }
}

static void store_base(PPORT_CONFIGURATION_INFORMATION config)
{
    (*config->AccessRanges)[0].RangeStart.QuadPart = (LONGLONG)(ULONG_PTR)the_scsi.registers;
    config->CachesData = TRUE;
    config->Dma32BitAddresses = TRUE;
}

static void a_mapped_address_in_the_ranges_is_seen(void **state)
{
    enum { IN_RANGES = 512, MAPS_BUFFERS = 128, BITS32 = 256, CACHES = 1024, CONTROLS = 32768 };

    (void)state;
    scsi_bench_run(&(struct scsi_bench){.configure = store_base}, NULL, 0);
    assert_int_equal(wb_last(FT_EV_SCSI_FOUND)->arg[CHANGED], IN_RANGES);
    assert_int_equal(wb_last(FT_EV_SCSI_FOUND)->arg[STYLE],
                     MAPS_BUFFERS | BITS32 | CACHES | CONTROLS);
}

/* ---- bus data ---- */

static void use_bus_data(enum ft_routine routine)
{
    PVOID extension = the_scsi.extension;
    PCI_COMMON_CONFIG pci, *own = NULL;
    UCHAR line = 5;

    if (routine != FT_ROUTINE_SCSI_FIND_ADAPTER)
        return;
    memset(&pci, 0, sizeof pci);
    CHECK(ScsiPortGetBusData(extension, PCIConfiguration, 0, 0, &pci, PCI_COMMON_HDR_LENGTH) ==
          PCI_COMMON_HDR_LENGTH);
    CHECK(pci.VendorID == VENDOR && pci.DeviceID == DEVICE);
    CHECK(ScsiPortGetBusData(extension, PCIConfiguration, 0, 0, &own, 0) >= PCI_COMMON_HDR_LENGTH);
    CHECK(own && own->VendorID == VENDOR);
    CHECK(ScsiPortGetBusData(extension, PCIConfiguration, 0, 3, &pci, sizeof pci) == 2);
    CHECK(pci.VendorID == PCI_INVALID_VENDORID);
    CHECK(ScsiPortGetBusData(extension, PCIConfiguration, 1, 0, &pci, sizeof pci) == 0);
    CHECK(ScsiPortGetBusData(extension, EisaConfiguration, 0, 0, &pci, sizeof pci) == 0);
    CHECK(ScsiPortSetBusDataByOffset(extension, PCIConfiguration, 0, 0, &line,
                                     FIELD_OFFSET(PCI_COMMON_CONFIG, u.type0.InterruptLine),
                                     sizeof line) == sizeof line);
    CHECK(ScsiPortSetBusDataByOffset(extension, Cmos, 0, 0, &line, 0, sizeof line) == 0);
    CHECK(ScsiPortGetBusData(extension, PCIConfiguration, 0, 0, &pci, PCI_COMMON_HDR_LENGTH) > 0);
    CHECK(pci.u.type0.InterruptLine == line);
}

static void configuration_space_is_read_and_written(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.in = use_bus_data, .describe = on_pci}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_SCSI_BUS_DATA), 8);
    assert_int_equal(wb_event(FT_EV_SCSI_BUS_DATA, 1)->arg[5], FT_ROUTINE_SCSI_FIND_ADAPTER);
}

static void too_late(enum ft_routine routine)
{
    ULONG id = 0;

    if (routine == FT_ROUTINE_SCSI_INITIALIZE)
        CHECK(ScsiPortGetBusData(the_scsi.extension, PCIConfiguration, 0, 0, &id, sizeof id) == 0);
}

/* Its wrong context and level are in the event. */
static void bus_data_at_device_level_are_none(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.in = too_late, .describe = on_pci}, NULL, 0);
    assert_int_equal(wb_last(FT_EV_SCSI_BUS_DATA)->arg[5], FT_ROUTINE_SCSI_INITIALIZE);
    assert_int_equal(wb_last(FT_EV_SCSI_BUS_DATA)->irql, WB_IRQ_LEVEL);
}

/* ---- registers ---- */

static PVOID base_at(uint64_t address, ULONG bytes, BOOLEAN io)
{
    SCSI_PHYSICAL_ADDRESS at = {.QuadPart = (LONGLONG)address};

    return ScsiPortGetDeviceBase(the_scsi.extension, PCIBus, 0, at, bytes, io);
}

static BOOLEAN free_at(uint64_t address, ULONG bytes, BOOLEAN io)
{
    SCSI_PHYSICAL_ADDRESS at = {.QuadPart = (LONGLONG)address};

    return ScsiPortValidateRange(the_scsi.extension, PCIBus, 0, at, bytes, io);
}

static void use_ranges(enum ft_routine routine)
{
    uint64_t bar = FT_BAR_BUS_BASE;
    PVOID base;

    if (routine != FT_ROUTINE_SCSI_FIND_ADAPTER)
        return;
    base = base_at(bar + 4, 4, FALSE);
    CHECK(base != NULL);
    ScsiPortWriteRegisterUlong(base, 0x1234);
    CHECK(scsi_bench_register(WB_REG_SCRATCH) == 0x1234);
    CHECK(base_at(bar, 0, FALSE) == NULL);
    CHECK(base_at(0x1000, 16, FALSE) == NULL); /* memory that the bus does not decode */
    CHECK(free_at(bar, WB_BAR_BYTES, FALSE) && !free_at(0x1000, 16, FALSE));
    CHECK(free_at(0x330, 16, TRUE) && !free_at(0x20, 2, TRUE) && !free_at(0xFFFF, 2, TRUE));
    CHECK(base_at(0x330, 16, TRUE) == (PVOID)0x330);
    ScsiPortFreeDeviceBase(the_scsi.extension, base);
    ScsiPortFreeDeviceBase(the_scsi.extension, base);
}

static void registers_are_mapped_and_freed(void **state)
{
    static const uint8_t source[] = {1, 1, 1, 3, 2};

    (void)state;
    scsi_bench_run(&(struct scsi_bench){.in = use_ranges}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_SCSI_GET_BASE), sizeof source);
    for (unsigned i = 0; i < sizeof source; i++)
        assert_int_equal(wb_event(FT_EV_SCSI_GET_BASE, i + 1)->arg[4], source[i]);
    assert_int_equal(wb_event(FT_EV_SCSI_FREE_BASE, 1)->arg[1], 1);
    assert_int_equal(wb_event(FT_EV_SCSI_FREE_BASE, 2)->arg[1], 0);
    assert_int_equal(wb_count(FT_EV_MAP_IO), wb_count(FT_EV_UNMAP_IO));
}

static void map_late(enum ft_routine routine)
{
    if (routine == FT_ROUTINE_SCSI_CONTROL && the_scsi.calls[FT_ROUTINE_SCSI_CONTROL] == 1)
        ScsiPortFreeDeviceBase(the_scsi.extension, base_at(FT_BAR_BUS_BASE, 4, FALSE));
}

/* Which routine calls, and that there is no such type of control that runs, is in the event. */
static void the_event_says_who_maps(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.in = map_late}, NULL, 0);
    assert_int_equal(wb_last(FT_EV_SCSI_GET_BASE)->arg[6], FT_ROUTINE_SCSI_CONTROL);
    assert_int_equal(wb_last(FT_EV_SCSI_FREE_BASE)->arg[2], FT_ROUTINE_SCSI_CONTROL);
}

/* ---- the registry ---- */

static void set_value(HANDLE key, const WCHAR *name, ULONG type, const void *data, ULONG bytes)
{
    UNICODE_STRING string;

    RtlInitUnicodeString(&string, name);
    CHECK(NT_SUCCESS(ZwSetValueKey(key, &string, 0, type, (PVOID)data, bytes)));
}

static HANDLE make_key(HANDLE root, PUNICODE_STRING name)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE key = NULL;

    InitializeObjectAttributes(&attributes, name, OBJ_KERNEL_HANDLE, root, NULL);
    CHECK(NT_SUCCESS(ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, NULL)));
    return key;
}

static ULONG write_registry(PVOID driver, PVOID path, PHW_INITIALIZATION_DATA data)
{
    static const WCHAR argument[] = L"base=330;irq=5";
    static const ULONG one = 1, zero = 0;
    UNICODE_STRING parameters, device, second;
    HANDLE service = make_key(NULL, path), below, all, first;

    RtlInitUnicodeString(&parameters, L"Parameters");
    RtlInitUnicodeString(&device, L"Device");
    RtlInitUnicodeString(&second, L"Device0");
    below = make_key(service, &parameters);
    all = make_key(below, &device);
    first = make_key(below, &second);
    set_value(all, L"DriverParameter", REG_SZ, L"for all", 16);
    set_value(all, L"DisableTaggedQueuing", REG_DWORD, &one, sizeof one);
    set_value(all, L"DisableDisconnects", REG_DWORD, &zero, sizeof zero);
    set_value(all, L"DisableMultipleRequests", REG_SZ, L"1", 4); /* not a number */
    set_value(first, L"DisableSynchronousTransfers", REG_DWORD, &one, sizeof one);
    set_value(first, L"DriverParameter", REG_SZ, argument, sizeof argument);
    data->TaggedQueuing = data->MultipleRequestPerLu = data->AutoRequestSense = TRUE;
    ZwClose(first);
    ZwClose(all);
    ZwClose(below);
    ZwClose(service);
    the_scsi.status = ScsiPortInitialize(driver, path, data, NULL);
    return the_scsi.status;
}

static BOOLEAN look_at_flags(PSCSI_REQUEST_BLOCK srb)
{
    CHECK(srb->SrbFlags & SRB_FLAGS_DISABLE_SYNCH_TRANSFER);
    CHECK(!(srb->SrbFlags & SRB_FLAGS_DISABLE_DISCONNECT));
    scsi_bench_complete(srb, scsi_bench_answer(srb));
    return TRUE;
}

static void the_registry_has_a_say(void **state)
{
    (void)state;
    scsi_bench_run(&(struct scsi_bench){.entry = write_registry, .start_io = look_at_flags}, NULL,
                   0);
    assert_string_equal(the_scsi.argument, "base=330;irq=5");
    assert_true(the_scsi.given.TaggedQueuing && the_scsi.taken.TaggedQueuing);
    assert_false(wb_last(FT_EV_SCSI_UNIT)->arg[4]); /* not any more */
    scsi_bench_run(&(struct scsi_bench){0}, NULL, 0);
    assert_string_equal(the_scsi.argument, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configuration_comes_with_the_sheets_values),
        cmocka_unit_test(an_isa_adapter_gets_ports_and_channel),
        cmocka_unit_test(what_must_stay_is_watched),
        cmocka_unit_test(a_mapped_address_in_the_ranges_is_seen),
        cmocka_unit_test(configuration_space_is_read_and_written),
        cmocka_unit_test(bus_data_at_device_level_are_none),
        cmocka_unit_test(registers_are_mapped_and_freed),
        cmocka_unit_test(the_event_says_who_maps),
        cmocka_unit_test(the_registry_has_a_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
