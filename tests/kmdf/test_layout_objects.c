/* The structures of objects, memory, DPCs, timers and work items have the sizes, offsets and values
 * of x64 Windows, and their INIT functions fill them. The rows come from the published headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
#define STATUS(name, expected)                                                                     \
    {                                                                                              \
#name, expected, (uint32_t)(name)                                                          \
    }

static const struct row rows[] = {
    SIZE(WDF_OBJECT_ATTRIBUTES, 56),
    OFFSET(WDF_OBJECT_ATTRIBUTES, EvtCleanupCallback, 8),
    OFFSET(WDF_OBJECT_ATTRIBUTES, EvtDestroyCallback, 16),
    OFFSET(WDF_OBJECT_ATTRIBUTES, ExecutionLevel, 24),
    OFFSET(WDF_OBJECT_ATTRIBUTES, SynchronizationScope, 28),
    OFFSET(WDF_OBJECT_ATTRIBUTES, ParentObject, 32),
    OFFSET(WDF_OBJECT_ATTRIBUTES, ContextSizeOverride, 40),
    OFFSET(WDF_OBJECT_ATTRIBUTES, ContextTypeInfo, 48),
    SIZE(WDF_OBJECT_CONTEXT_TYPE_INFO, 40),
    OFFSET(WDF_OBJECT_CONTEXT_TYPE_INFO, ContextName, 8),
    OFFSET(WDF_OBJECT_CONTEXT_TYPE_INFO, ContextSize, 16),
    OFFSET(WDF_OBJECT_CONTEXT_TYPE_INFO, UniqueType, 24),
    OFFSET(WDF_OBJECT_CONTEXT_TYPE_INFO, EvtDriverGetUniqueContextType, 32),
    SIZE(WDF_CUSTOM_TYPE_CONTEXT, 16),
    SIZE(WDFMEMORY_OFFSET, 16),
    SIZE(WDF_MEMORY_DESCRIPTOR, 24),
    OFFSET(WDF_MEMORY_DESCRIPTOR, u.BufferType.Length, 16),
    OFFSET(WDF_MEMORY_DESCRIPTOR, u.HandleType.Offsets, 16),
    SIZE(WDF_DPC_CONFIG, 24),
    OFFSET(WDF_DPC_CONFIG, AutomaticSerialization, 16),
    SIZE(WDF_TIMER_CONFIG, 40),
    OFFSET(WDF_TIMER_CONFIG, EvtTimerFunc, 8),
    OFFSET(WDF_TIMER_CONFIG, Period, 16),
    OFFSET(WDF_TIMER_CONFIG, AutomaticSerialization, 20),
    OFFSET(WDF_TIMER_CONFIG, TolerableDelay, 24),
    OFFSET(WDF_TIMER_CONFIG, UseHighResolutionTimer, 32),
    SIZE(WDF_WORKITEM_CONFIG, 24),
    SIZE(WDF_POWER_ROUTINE_TIMED_OUT_DATA, 32),
    SIZE(WDF_QUEUE_FATAL_ERROR_DATA, 24),
    SIZE(WDF_REQUEST_FATAL_ERROR_INFORMATION_LENGTH_MISMATCH_DATA, 40),
    VALUE(WdfExecutionLevelInheritFromParent, 1),
    VALUE(WdfExecutionLevelPassive, 2),
    VALUE(WdfExecutionLevelDispatch, 3),
    VALUE(WdfSynchronizationScopeInheritFromParent, 1),
    VALUE(WdfSynchronizationScopeDevice, 2),
    VALUE(WdfSynchronizationScopeQueue, 3),
    VALUE(WdfSynchronizationScopeNone, 4),
    VALUE(WdfFalse, 0),
    VALUE(WdfTrue, 1),
    VALUE(WdfUseDefault, 2),
    VALUE(WdfMemoryDescriptorTypeBuffer, 1),
    VALUE(WdfMemoryDescriptorTypeMdl, 2),
    VALUE(WdfMemoryDescriptorTypeHandle, 3),
    VALUE(WDF_POWER_ROUTINE_TIMED_OUT, 1),
    VALUE(WDF_REQUEST_FATAL_ERROR, 6),
    VALUE(WDF_API_UNAVAILABLE, 16),
    VALUE(WDF_REQUEST_FATAL_ERROR_INFORMATION_LENGTH_MISMATCH, 4),
    VALUE(TolerableDelayUnlimited, 0xFFFFFFFF),
    STATUS(STATUS_WDF_QUEUED, 0x40200000),
    STATUS(STATUS_WDF_POSTED, 0x40200002),
    STATUS(STATUS_WDF_NO_PACKAGE, 0xC0200200),
    STATUS(STATUS_WDF_INTERNAL_ERROR, 0xC0200201),
    STATUS(STATUS_WDF_PAUSED, 0xC0200203),
    STATUS(STATUS_WDF_BUSY, 0xC0200204),
    STATUS(STATUS_WDF_IO_TIMEOUT_NOT_SENT, 0xC0200205),
    STATUS(STATUS_WDF_DEVICE_REMOVED_NOT_SENT, 0xC0200206),
    STATUS(STATUS_WDF_REQUEST_ALREADY_PENDING, 0xC0200207),
    STATUS(STATUS_WDF_REQUEST_INVALID_STATE, 0xC0200208),
    STATUS(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID, 0xC0200209),
    STATUS(STATUS_WDF_TOO_FRAGMENTED, 0xC020020A),
    STATUS(STATUS_WDF_NO_CALLBACK, 0xC020020B),
    STATUS(STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL, 0xC020020C),
    STATUS(STATUS_WDF_PARENT_ALREADY_ASSIGNED, 0xC020020D),
    STATUS(STATUS_WDF_PARENT_IS_SELF, 0xC020020E),
    STATUS(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED, 0xC020020F),
    STATUS(STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID, 0xC0200210),
    STATUS(STATUS_WDF_EXECUTION_LEVEL_INVALID, 0xC0200211),
    STATUS(STATUS_WDF_PARENT_NOT_SPECIFIED, 0xC0200212),
    STATUS(STATUS_WDF_TOO_MANY_TRANSFERS, 0xC0200213),
    STATUS(STATUS_WDF_NOT_ENOUGH_MAP_REGISTERS, 0xC0200214),
};

static void layouts_and_values_are_those_of_windows(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].expected == rows[i].actual)
            continue;
        print_error("%s: expected %#llx, is %#llx\n", rows[i].name,
                    (unsigned long long)rows[i].expected, (unsigned long long)rows[i].actual);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

typedef struct one_context {
    int value[3];
} ONE;
WDF_DECLARE_CONTEXT_TYPE(ONE)

static void body_attributes(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;

    memset(&attributes, 0xAA, sizeof attributes);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, ONE);
    CHECK(attributes.Size == sizeof attributes);
    CHECK(attributes.ExecutionLevel == WdfExecutionLevelInheritFromParent);
    CHECK(attributes.SynchronizationScope == WdfSynchronizationScopeInheritFromParent);
    CHECK(!attributes.ParentObject);
    CHECK(!attributes.EvtCleanupCallback);
    CHECK(!attributes.EvtDestroyCallback);
    CHECK(attributes.ContextSizeOverride == 0);
    CHECK(attributes.ContextTypeInfo->ContextSize == sizeof(ONE));
    CHECK(strcmp(attributes.ContextTypeInfo->ContextName, "ONE") == 0);
    CHECK(attributes.ContextTypeInfo->UniqueType == attributes.ContextTypeInfo);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    CHECK(!attributes.ContextTypeInfo);
}

static void attributes_begin_as_inherited(void **state)
{
    (void)state;
    wb_body(body_attributes, FT_STOP_NONE);
}

static EVT_WDF_TIMER on_timer;
static EVT_WDF_DPC on_dpc;
static EVT_WDF_WORKITEM on_work;

static VOID on_timer(WDFTIMER timer)
{
    (void)timer;
}

static VOID on_dpc(WDFDPC dpc)
{
    (void)dpc;
}

static VOID on_work(WDFWORKITEM item)
{
    (void)item;
}

static void body_configurations(void)
{
    WDF_TIMER_CONFIG timer;
    WDF_DPC_CONFIG dpc;
    WDF_WORKITEM_CONFIG work;

    WDF_TIMER_CONFIG_INIT(&timer, on_timer);
    CHECK(timer.Size == sizeof timer);
    CHECK(timer.Period == 0);
    CHECK(timer.AutomaticSerialization);
    CHECK((PVOID)timer.EvtTimerFunc == (PVOID)(on_timer));
    WDF_TIMER_CONFIG_INIT_PERIODIC(&timer, on_timer, 7);
    CHECK(timer.Period == 7);
    CHECK(timer.TolerableDelay == 0);
    WDF_DPC_CONFIG_INIT(&dpc, on_dpc);
    CHECK(dpc.Size == sizeof dpc);
    CHECK(dpc.AutomaticSerialization);
    CHECK((PVOID)dpc.EvtDpcFunc == (PVOID)(on_dpc));
    WDF_WORKITEM_CONFIG_INIT(&work, on_work);
    CHECK(work.Size == sizeof work);
    CHECK(work.AutomaticSerialization);
    CHECK((PVOID)work.EvtWorkItemFunc == (PVOID)(on_work));
}

static void configurations_are_serialized_by_default(void **state)
{
    (void)state;
    wb_body(body_configurations, FT_STOP_NONE);
}

static void body_descriptors(void)
{
    WDF_MEMORY_DESCRIPTOR descriptor;
    WDFMEMORY_OFFSET offset = {4, 8};
    char buffer[16];

    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&descriptor, buffer, sizeof buffer);
    CHECK(descriptor.Type == WdfMemoryDescriptorTypeBuffer);
    CHECK((PVOID)descriptor.u.BufferType.Buffer == (PVOID)buffer);
    CHECK(descriptor.u.BufferType.Length == sizeof buffer);
    WDF_MEMORY_DESCRIPTOR_INIT_MDL(&descriptor, (PMDL)(void *)buffer, 12);
    CHECK(descriptor.Type == WdfMemoryDescriptorTypeMdl);
    CHECK((PVOID)descriptor.u.MdlType.Mdl == (PVOID)buffer);
    CHECK(descriptor.u.MdlType.BufferLength == 12);
    WDF_MEMORY_DESCRIPTOR_INIT_HANDLE(&descriptor, (WDFMEMORY)buffer, &offset);
    CHECK(descriptor.Type == WdfMemoryDescriptorTypeHandle);
    CHECK((PVOID)descriptor.u.HandleType.Memory == (PVOID)(buffer));
    CHECK((PVOID)descriptor.u.HandleType.Offsets == (PVOID)(&offset));
}

static void descriptors_describe_each_kind_of_memory(void **state)
{
    (void)state;
    wb_body(body_descriptors, FT_STOP_NONE);
}

static void body_times(void)
{
    char bytes[8];

    CHECK(WDF_REL_TIMEOUT_IN_SEC(2) == -20000000);
    CHECK(WDF_ABS_TIMEOUT_IN_SEC(2) == 20000000);
    CHECK(WDF_REL_TIMEOUT_IN_MS(3) == -30000);
    CHECK(WDF_ABS_TIMEOUT_IN_MS(3) == 30000);
    CHECK(WDF_REL_TIMEOUT_IN_US(5) == -50);
    CHECK(WDF_ABS_TIMEOUT_IN_US(5) == 50);
    CHECK(WDF_ALIGN_SIZE_DOWN(17, 8) == 16);
    CHECK(WDF_ALIGN_SIZE_UP(17, 8) == 24);
    CHECK(WDF_ALIGN_SIZE_UP(16, 8) == 16);
    CHECK((PVOID)WDF_PTR_ADD_OFFSET(bytes, 3) == (PVOID)(bytes + 3));
    CHECK(WDF_PTR_GET_OFFSET(bytes, bytes + 3) == 3);
}

static void times_are_in_units_of_100_ns(void **state)
{
    (void)state;
    wb_body(body_times, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_and_values_are_those_of_windows),
        cmocka_unit_test(attributes_begin_as_inherited),
        cmocka_unit_test(configurations_are_serialized_by_default),
        cmocka_unit_test(descriptors_describe_each_kind_of_memory),
        cmocka_unit_test(times_are_in_units_of_100_ns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
