/* Bus data, bus addresses and vectors by the HAL, and routines by name. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { VENDOR = 0x1234, DEVICE = 0x5678, BASE = 0x3F0, LINE = 9 };

static void on_pci(struct ft_description *description)
{
    description->pci_id = (uint32_t)DEVICE << 16 | VENDOR;
    description->pci_class = 0x010802;
}

static void on_isa(struct ft_description *description)
{
    description->bar_bytes[0] = 0;
    description->port_base = BASE;
    description->port_bytes = 8;
}

static void run(void (*body)(void), void (*describe)(struct ft_description *description))
{
    wb_run(&(struct wb_case){.body = body, .describe = describe});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static void body_pci(void)
{
    PCI_COMMON_CONFIG config;
    USHORT command = PCI_ENABLE_MEMORY_SPACE | PCI_ENABLE_BUS_MASTER;
    ULONG id = 0;

    memset(&config, 0x55, sizeof config);
    CHECK(HalGetBusData(PCIConfiguration, 0, 0, &config, PCI_COMMON_HDR_LENGTH) ==
          PCI_COMMON_HDR_LENGTH);
    CHECK(config.VendorID == VENDOR && config.DeviceID == DEVICE);
    CHECK(config.BaseClass == 1 && config.SubClass == 8 && config.ProgIf == 2);
    CHECK(config.u.type0.BaseAddresses[0] != 0 && config.u.type0.InterruptPin == 1);
    CHECK(HalGetBusDataByOffset(PCIConfiguration, 0, 0, &id, 2, 2) == 2 && id == DEVICE);
    CHECK(HalSetBusDataByOffset(PCIConfiguration, 0, 0, &command, 4, 2) == 2);
    config.VendorID = 0;
    CHECK(HalSetBusData(PCIConfiguration, 0, 0, &config, 2) == 2); /* the vendor is not writable */
    CHECK(HalGetBusData(PCIConfiguration, 0, 0, &config, 6) == 6);
    CHECK(config.VendorID == VENDOR && config.Command == command);
    CHECK(HalGetBusData(PCIConfiguration, 0, 1, &config, 64) == 2 && config.VendorID == 0xFFFF);
    CHECK(HalGetBusData(PCIConfiguration, 1, 0, &config, 64) == 0);
    CHECK(HalGetBusData(Cmos, 0, 0, &config, 64) == 0);
    CHECK(HalSetBusData(PCIConfiguration, 0, 1, &config, 2) == 0);
}

static void configuration_comes_from_the_description(void **state)
{
    (void)state;
    run(body_pci, on_pci);
}

static void body_isa(void)
{
    PHYSICAL_ADDRESS port = {.QuadPart = BASE}, far = {.QuadPart = 0x10000}, translated;
    ULONG space = 1;
    USHORT id;

    CHECK(HalGetBusData(PCIConfiguration, 0, 0, &id, 2) == 0);
    CHECK(HalTranslateBusAddress(Isa, 0, port, &space, &translated));
    CHECK(translated.QuadPart == BASE && space == 1);
    CHECK(!HalTranslateBusAddress(Isa, 0, far, &space, &translated));
    CHECK(!HalTranslateBusAddress(PCIBus, 0, port, &space, &translated));
    space = 0;
    CHECK(!HalTranslateBusAddress(Isa, 0, port, &space, &translated));
}

static void an_isa_part_has_ports_and_no_configuration(void **state)
{
    (void)state;
    run(body_isa, on_isa);
}

static void body_translate(void)
{
    PHYSICAL_ADDRESS bar = {.QuadPart = FT_BAR_BUS_BASE + 16}, translated;
    KAFFINITY affinity = 0;
    ULONG space = 0;
    KIRQL irql = 0;

    CHECK(HalTranslateBusAddress(PCIBus, 0, bar, &space, &translated));
    CHECK(translated.QuadPart == (LONGLONG)FT_BAR_PHYSICAL_BASE + 16);
    CHECK(!HalTranslateBusAddress(PCIBus, 1, bar, &space, &translated));
    CHECK(HalGetInterruptVector(PCIBus, 0, LINE, LINE, &irql, &affinity) > LINE);
    CHECK(irql == WB_IRQ_LEVEL && affinity == KeQueryActiveProcessors());
    CHECK(HalGetInterruptVector(PCIBus, 0, LINE + 1, LINE, &irql, &affinity) == 0);
}

static void addresses_and_vectors_are_those_of_the_resources(void **state)
{
    (void)state;
    run(body_translate, on_pci);
}

/* ---- routines by name ---- */

static PVOID by_name(const WCHAR *text)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, text);
    return MmGetSystemRoutineAddress(&name);
}

static uint8_t windows;

static void old_windows(struct ft_description *description)
{
    description->windows = windows;
}

static void body_routines(void)
{
    CHECK(by_name(L"KeSetEvent") == (PVOID)(ULONG_PTR)KeSetEvent);
    CHECK(by_name(L"MmGetSystemRoutineAddress") == (PVOID)(ULONG_PTR)MmGetSystemRoutineAddress);
    CHECK(by_name(L"KeSetEven") == NULL && by_name(L"KeSetEventX") == NULL && by_name(L"") == NULL);
    CHECK(by_name(L"ft_emit_args") == NULL);                  /* ours is not the system's */
    CHECK(by_name(L"IoSkipCurrentIrpStackLocation") == NULL); /* inline, so nobody exports it */
    CHECK(by_name(L"ZwReadFile") == NULL);                    /* not implemented: not there */
    CHECK(by_name(L"IoGetDeviceProperty") == (PVOID)(ULONG_PTR)IoGetDeviceProperty);
    CHECK((by_name(L"KeAcquireGuardedMutex") != NULL) == (windows >= 52));
    CHECK((by_name(L"ExAllocatePool2") != NULL) == (windows >= 100));
    CHECK((by_name(L"KeSetCoalescableTimer") != NULL) == (windows >= 61));
}

static void routines_are_found_where_windows_has_them(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        windows = (const uint8_t[]){51, 61, 100}[i];
        run(body_routines, old_windows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configuration_comes_from_the_description),
        cmocka_unit_test(an_isa_part_has_ports_and_no_configuration),
        cmocka_unit_test(addresses_and_vectors_are_those_of_the_resources),
        cmocka_unit_test(routines_are_found_where_windows_has_them),
    };

    return cmocka_run_group_tests_name("hal-bus", tests, NULL, NULL);
}
