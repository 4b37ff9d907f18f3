/* The DMA structures of the framework's headers have the sizes, offsets and values of x64 Windows,
 * and their INIT functions fill them. The rows come from the published headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world_bench.h"

#include <ntddk.h>
#include <wdf.h>

struct row {
    const char *name;
    uint64_t expected, actual;
};

#define SIZE(type, expected)                                                                       \
    {                                                                                              \
        "sizeof " #type, expected, sizeof(type)                                                    \
    }
#define OFFSET(type, member, expected)                                                             \
    {                                                                                              \
#type "." #member, expected, offsetof(type, member)                                        \
    }
#define VALUE(name, expected)                                                                      \
    {                                                                                              \
#name, expected, (uint64_t)(name)                                                          \
    }

static const struct row rows[] = {
    SIZE(WDF_DMA_ENABLER_CONFIG, 80),
    OFFSET(WDF_DMA_ENABLER_CONFIG, Profile, 4),
    OFFSET(WDF_DMA_ENABLER_CONFIG, MaximumLength, 8),
    OFFSET(WDF_DMA_ENABLER_CONFIG, EvtDmaEnablerFill, 16),
    OFFSET(WDF_DMA_ENABLER_CONFIG, EvtDmaEnablerFlush, 24),
    OFFSET(WDF_DMA_ENABLER_CONFIG, EvtDmaEnablerDisable, 32),
    OFFSET(WDF_DMA_ENABLER_CONFIG, EvtDmaEnablerEnable, 40),
    OFFSET(WDF_DMA_ENABLER_CONFIG, EvtDmaEnablerSelfManagedIoStart, 48),
    OFFSET(WDF_DMA_ENABLER_CONFIG, EvtDmaEnablerSelfManagedIoStop, 56),
    OFFSET(WDF_DMA_ENABLER_CONFIG, AddressWidthOverride, 64),
    OFFSET(WDF_DMA_ENABLER_CONFIG, WdmDmaVersionOverride, 68),
    OFFSET(WDF_DMA_ENABLER_CONFIG, Flags, 72),
    SIZE(WDF_DMA_SYSTEM_PROFILE_CONFIG, 32),
    OFFSET(WDF_DMA_SYSTEM_PROFILE_CONFIG, DemandMode, 4),
    OFFSET(WDF_DMA_SYSTEM_PROFILE_CONFIG, LoopedTransfer, 5),
    OFFSET(WDF_DMA_SYSTEM_PROFILE_CONFIG, DmaWidth, 8),
    OFFSET(WDF_DMA_SYSTEM_PROFILE_CONFIG, DeviceAddress, 16),
    OFFSET(WDF_DMA_SYSTEM_PROFILE_CONFIG, DmaDescriptor, 24),
    SIZE(WDF_COMMON_BUFFER_CONFIG, 8),
    OFFSET(WDF_COMMON_BUFFER_CONFIG, AlignmentRequirement, 4),
    VALUE(WdfDmaProfileInvalid, 0),
    VALUE(WdfDmaProfilePacket, 1),
    VALUE(WdfDmaProfileScatterGather, 2),
    VALUE(WdfDmaProfilePacket64, 3),
    VALUE(WdfDmaProfileScatterGather64, 4),
    VALUE(WdfDmaProfileScatterGatherDuplex, 5),
    VALUE(WdfDmaProfileScatterGather64Duplex, 6),
    VALUE(WdfDmaProfileSystem, 7),
    VALUE(WdfDmaProfileSystemDuplex, 8),
    VALUE(WdfDmaDirectionReadFromDevice, 0),
    VALUE(WdfDmaDirectionWriteToDevice, 1),
    VALUE(WDF_DMA_ENABLER_CONFIG_NO_SGLIST_PREALLOCATION, 1),
    VALUE(WDF_DMA_ENABLER_CONFIG_REQUIRE_SINGLE_TRANSFER, 2),
    VALUE(WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS, 0xFFFFFFFF),
};

static void test_layout(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].expected == rows[i].actual)
            continue;
        print_error("%s: expected %llu, is %llu\n", rows[i].name,
                    (unsigned long long)rows[i].expected, (unsigned long long)rows[i].actual);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void init_body(void)
{
    CM_PARTIAL_RESOURCE_DESCRIPTOR descriptor = {0};
    PHYSICAL_ADDRESS address = {.QuadPart = 0x1234};
    WDF_DMA_SYSTEM_PROFILE_CONFIG system = {.LoopedTransfer = TRUE};
    WDF_OBJECT_ATTRIBUTES attributes = {.ParentObject = &descriptor};
    WDF_DMA_ENABLER_CONFIG enabler = {.Flags = 1};
    WDF_COMMON_BUFFER_CONFIG buffer;

    WDF_DMA_ENABLER_CONFIG_INIT(&enabler, WdfDmaProfilePacket, 0x1000);
    CHECK(enabler.Size == 80 && enabler.Profile == WdfDmaProfilePacket);
    CHECK(enabler.MaximumLength == 0x1000 && enabler.Flags == 0);
    WDF_DMA_SYSTEM_PROFILE_CONFIG_INIT(&system, address, Width16Bits, &descriptor);
    CHECK(system.Size == 32 && system.DmaWidth == Width16Bits);
    CHECK(system.DeviceAddress.QuadPart == 0x1234 && system.DmaDescriptor == &descriptor);
    CHECK(!system.DemandMode && !system.LoopedTransfer);
    WDF_COMMON_BUFFER_CONFIG_INIT(&buffer, FILE_LONG_ALIGNMENT);
    CHECK(buffer.Size == 8 && buffer.AlignmentRequirement == 3);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    CHECK(attributes.Size == 56 && attributes.ParentObject == NULL);
    CHECK(attributes.ExecutionLevel == WdfExecutionLevelInheritFromParent);
    CHECK(attributes.SynchronizationScope == WdfSynchronizationScopeInheritFromParent);
}

static void test_init(void **state)
{
    (void)state;
    wb_body(init_body, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_init),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
