/* The highest levels of routines of framework drivers, devices, power policy, interrupts and
 * resource lists: above them each is told (wdf:irql), up to them none is. */
#include "wdf_bench.h"

#include "kmdf/kmdf_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const GUID some_guid = {1, 2, 3, {4}};
static UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Level");
static PWDFDEVICE_INIT the_init;
static ULONG length;
static WDFMEMORY memory;
static WDFDEVICE device;

/* ---- calls on the device, in EvtDeviceSelfManagedIoInit ---- */

#define CALL(routine, ...)                                                                         \
    static void call_##routine(void)                                                               \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }
#define D the_wdf.device
#define I the_wdf.interrupt[0]
CALL(WdfDriverGetRegistryPath, WdfDriverGetRegistryPath(the_wdf.driver))
CALL(WdfDriverIsVersionAvailable, WDF_DRIVER_VERSION_AVAILABLE_PARAMS v;
     WDF_DRIVER_VERSION_AVAILABLE_PARAMS_INIT(&v, 1, 9);
     WdfDriverIsVersionAvailable(the_wdf.driver, &v))
CALL(WdfDeviceGetDeviceState, WDF_DEVICE_STATE s; WDF_DEVICE_STATE_INIT(&s);
     WdfDeviceGetDeviceState(D, &s))
CALL(WdfDeviceSetDeviceState, WDF_DEVICE_STATE s; WDF_DEVICE_STATE_INIT(&s);
     WdfDeviceSetDeviceState(D, &s))
CALL(WdfDeviceWdmGetDeviceObject, WdfDeviceWdmGetDeviceObject(D))
CALL(WdfDeviceWdmGetAttachedDevice, WdfDeviceWdmGetAttachedDevice(D))
CALL(WdfDeviceWdmGetPhysicalDevice, WdfDeviceWdmGetPhysicalDevice(D))
CALL(WdfDeviceGetDriver, WdfDeviceGetDriver(D))
CALL(WdfDeviceGetDevicePnpState, WdfDeviceGetDevicePnpState(D))
CALL(WdfDeviceGetDevicePowerState, WdfDeviceGetDevicePowerState(D))
CALL(WdfDeviceGetDevicePowerPolicyState, WdfDeviceGetDevicePowerPolicyState(D))
CALL(WdfDeviceGetSystemPowerAction, WdfDeviceGetSystemPowerAction(D))
CALL(WdfDeviceGetCharacteristics, WdfDeviceGetCharacteristics(D))
CALL(WdfDeviceSetCharacteristics, WdfDeviceSetCharacteristics(D, 0))
CALL(WdfDeviceGetAlignmentRequirement, WdfDeviceGetAlignmentRequirement(D))
CALL(WdfDeviceSetAlignmentRequirement, WdfDeviceSetAlignmentRequirement(D, 0))
CALL(WdfDeviceSetStaticStopRemove, WdfDeviceSetStaticStopRemove(D, TRUE))
CALL(WdfDeviceSetSpecialFileSupport, WdfDeviceSetSpecialFileSupport(D, WdfSpecialFilePaging, FALSE))
CALL(WdfDeviceSetFailed, WdfDeviceSetFailed(D, WdfDeviceFailedUndefined))
CALL(WdfDeviceSetPnpCapabilities, WDF_DEVICE_PNP_CAPABILITIES c;
     WDF_DEVICE_PNP_CAPABILITIES_INIT(&c); WdfDeviceSetPnpCapabilities(D, &c))
CALL(WdfDeviceSetPowerCapabilities, WDF_DEVICE_POWER_CAPABILITIES c;
     WDF_DEVICE_POWER_CAPABILITIES_INIT(&c); WdfDeviceSetPowerCapabilities(D, &c))
CALL(WdfDeviceAddQueryInterface, WDF_QUERY_INTERFACE_CONFIG c;
     WDF_QUERY_INTERFACE_CONFIG_INIT(&c, NULL, &some_guid, NULL); WdfDeviceAddQueryInterface(D, &c))
CALL(WdfDeviceCreateDeviceInterface, WdfDeviceCreateDeviceInterface(D, &some_guid, NULL))
CALL(WdfDeviceSetDeviceInterfaceState, WdfDeviceSetDeviceInterfaceState(D, &some_guid, NULL, TRUE))
CALL(WdfDeviceSetDeviceInterfaceStateEx,
     WdfDeviceSetDeviceInterfaceStateEx(D, &some_guid, NULL, TRUE))
CALL(WdfDeviceCreateSymbolicLink, WdfDeviceCreateSymbolicLink(D, &name))
CALL(WdfDeviceQueryProperty,
     WdfDeviceQueryProperty(D, DevicePropertyBusNumber, sizeof length, &length, &length))
CALL(WdfDeviceAllocAndQueryProperty,
     if (WdfDeviceAllocAndQueryProperty(D, DevicePropertyHardwareID, NonPagedPoolNx, NULL,
                                        &memory) == STATUS_SUCCESS) WdfObjectDelete(memory))
CALL(WdfFdoQueryForInterface, INTERFACE i = {0};
     WdfFdoQueryForInterface(D, &some_guid, &i, sizeof i, 1, NULL))
CALL(WdfDeviceAssignS0IdleSettings, WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS s = {.Size = 1};
     WdfDeviceAssignS0IdleSettings(D, &s))
CALL(WdfDeviceAssignSxWakeSettings, WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS s = {.Size = 1};
     WdfDeviceAssignSxWakeSettings(D, &s))
CALL(StopIdleAndWait, if (WdfDeviceStopIdle(D, TRUE) == STATUS_SUCCESS) WdfDeviceResumeIdle(D))
CALL(StopIdleAndResume, WdfDeviceStopIdle(D, FALSE); WdfDeviceResumeIdle(D))
CALL(WdfInterruptCreate, WDF_INTERRUPT_CONFIG c; WDFINTERRUPT i;
     WDF_INTERRUPT_CONFIG_INIT(&c, NULL, NULL); WdfInterruptCreate(D, &c, NULL, &i))
CALL(WdfInterruptEnable, WdfInterruptEnable(I))
CALL(WdfInterruptDisable, WdfInterruptDisable(I);
     if (KeGetCurrentIrql() == PASSIVE_LEVEL) WdfInterruptEnable(I))
CALL(WdfInterruptSetPolicy,
     WdfInterruptSetPolicy(I, WdfIrqPolicyMachineDefault, WdfIrqPriorityLow, 1))
CALL(WdfInterruptSetExtendedPolicy, WDF_INTERRUPT_EXTENDED_POLICY p;
     WDF_INTERRUPT_EXTENDED_POLICY_INIT(&p); WdfInterruptSetExtendedPolicy(I, &p))
CALL(WdfInterruptTryToAcquireLock, WdfInterruptTryToAcquireLock(I))
CALL(WdfInterruptReportActive, WdfInterruptReportActive(I))
CALL(WdfInterruptReportInactive, WdfInterruptReportInactive(I);
     if (KeGetCurrentIrql() <= DISPATCH_LEVEL) WdfInterruptReportActive(I))
CALL(WdfCmResourceListGetCount, WdfCmResourceListGetCount(the_wdf.raw))
CALL(WdfCmResourceListGetDescriptor, WdfCmResourceListGetDescriptor(the_wdf.raw, 0))
CALL(WdfCmResourceListAppendDescriptor, CM_PARTIAL_RESOURCE_DESCRIPTOR d = {0};
     WdfCmResourceListAppendDescriptor(the_wdf.raw, &d))
CALL(WdfCmResourceListInsertDescriptor, CM_PARTIAL_RESOURCE_DESCRIPTOR d = {0};
     WdfCmResourceListInsertDescriptor(the_wdf.raw, &d, 0))
CALL(WdfCmResourceListRemove, WdfCmResourceListRemove(the_wdf.raw, 0))
CALL(WdfCmResourceListRemoveByDescriptor, CM_PARTIAL_RESOURCE_DESCRIPTOR d;
     WdfCmResourceListRemoveByDescriptor(the_wdf.raw, &d))

/* ---- calls before the device is made ---- */

CALL(WdfDeviceInitSetExclusive, WdfDeviceInitSetExclusive(the_init, FALSE))
CALL(WdfDeviceInitSetIoType, WdfDeviceInitSetIoType(the_init, WdfDeviceIoBuffered))
CALL(WdfDeviceInitSetDeviceType, WdfDeviceInitSetDeviceType(the_init, FILE_DEVICE_UNKNOWN))
CALL(WdfDeviceInitAssignName, WdfDeviceInitAssignName(the_init, NULL))
CALL(WdfDeviceInitAssignSDDLString, WdfDeviceInitAssignSDDLString(the_init, NULL))
CALL(WdfDeviceInitSetCharacteristics, WdfDeviceInitSetCharacteristics(the_init, 0, TRUE))
CALL(WdfDeviceInitSetPowerPageable, WdfDeviceInitSetPowerPageable(the_init))
CALL(WdfFdoInitWdmGetPhysicalDevice, WdfFdoInitWdmGetPhysicalDevice(the_init))
CALL(WdfFdoInitQueryProperty,
     WdfFdoInitQueryProperty(the_init, DevicePropertyBusNumber, sizeof length, &length, &length))
CALL(WdfDeviceInitRegisterPnpStateChangeCallback,
     WdfDeviceInitRegisterPnpStateChangeCallback(the_init, WdfDevStatePnpStarted, NULL, 1))
CALL(WdfDeviceInitAssignWdmIrpPreprocessCallback,
     WdfDeviceInitAssignWdmIrpPreprocessCallback(the_init, NULL, IRP_MJ_PNP, NULL, 0))
CALL(WdfDeviceCreate, WDF_OBJECT_ATTRIBUTES a; WDF_OBJECT_ATTRIBUTES_INIT(&a); a.Size = 1;
     WdfDeviceCreate(&the_init, &a, &device))

struct row {
    const char *name;
    void (*call)(void);
    KIRQL highest;
    bool init; /* before the device is made */
};

#define P(routine)                                                                                 \
    {                                                                                              \
#routine, call_##routine, PASSIVE_LEVEL, false                                             \
    }
#define U(routine)                                                                                 \
    {                                                                                              \
#routine, call_##routine, DISPATCH_LEVEL, false                                            \
    }
#define N(routine)                                                                                 \
    {                                                                                              \
#routine, call_##routine, PASSIVE_LEVEL, true                                              \
    }
#define M(routine)                                                                                 \
    {                                                                                              \
#routine, call_##routine, DISPATCH_LEVEL, true                                             \
    }
static const struct row rows[] = {
    P(WdfDriverGetRegistryPath),
    P(WdfDriverIsVersionAvailable),
    U(WdfDeviceGetDeviceState),
    U(WdfDeviceSetDeviceState),
    U(WdfDeviceWdmGetDeviceObject),
    U(WdfDeviceWdmGetAttachedDevice),
    U(WdfDeviceWdmGetPhysicalDevice),
    U(WdfDeviceGetDriver),
    U(WdfDeviceGetDevicePnpState),
    U(WdfDeviceGetDevicePowerState),
    U(WdfDeviceGetDevicePowerPolicyState),
    U(WdfDeviceGetSystemPowerAction),
    U(WdfDeviceGetCharacteristics),
    U(WdfDeviceSetCharacteristics),
    U(WdfDeviceGetAlignmentRequirement),
    U(WdfDeviceSetAlignmentRequirement),
    U(WdfDeviceSetStaticStopRemove),
    U(WdfDeviceSetSpecialFileSupport),
    U(WdfDeviceSetFailed),
    U(WdfDeviceSetPnpCapabilities),
    U(WdfDeviceSetPowerCapabilities),
    P(WdfDeviceAddQueryInterface),
    P(WdfDeviceCreateDeviceInterface),
    P(WdfDeviceSetDeviceInterfaceState),
    P(WdfDeviceSetDeviceInterfaceStateEx),
    P(WdfDeviceCreateSymbolicLink),
    P(WdfDeviceQueryProperty),
    P(WdfDeviceAllocAndQueryProperty),
    P(WdfFdoQueryForInterface),
    U(WdfDeviceAssignS0IdleSettings),
    U(WdfDeviceAssignSxWakeSettings),
    P(StopIdleAndWait),
    U(WdfInterruptCreate),
    P(WdfInterruptEnable),
    P(WdfInterruptDisable),
    U(WdfInterruptSetPolicy),
    U(WdfInterruptSetExtendedPolicy),
    P(WdfInterruptTryToAcquireLock),
    U(WdfInterruptReportActive),
    U(WdfInterruptReportInactive),
    U(WdfCmResourceListGetCount),
    U(WdfCmResourceListGetDescriptor),
    U(WdfCmResourceListAppendDescriptor),
    U(WdfCmResourceListInsertDescriptor),
    U(WdfCmResourceListRemove),
    U(WdfCmResourceListRemoveByDescriptor),
    M(WdfDeviceInitSetExclusive),
    M(WdfDeviceInitSetIoType),
    M(WdfDeviceInitSetDeviceType),
    N(WdfDeviceInitAssignName),
    N(WdfDeviceInitAssignSDDLString),
    M(WdfDeviceInitSetCharacteristics),
    M(WdfDeviceInitSetPowerPageable),
    M(WdfFdoInitWdmGetPhysicalDevice),
    N(WdfFdoInitQueryProperty),
    N(WdfDeviceInitRegisterPnpStateChangeCallback),
    M(WdfDeviceInitAssignWdmIrpPreprocessCallback),
    N(WdfDeviceCreate),
};

static const struct row *now;
static KIRQL level;

static void make_call(void)
{
    KIRQL old = PASSIVE_LEVEL;

    if (level > PASSIVE_LEVEL)
        KeRaiseIrql(level, &old);
    now->call();
    if (level > PASSIVE_LEVEL)
        KeLowerIrql(old);
}

static void in_init(PWDFDEVICE_INIT init)
{
    the_init = init;
    if (now->init)
        make_call();
}

static void in_callback(enum ft_routine routine, WDFOBJECT object)
{
    (void)object;
    if (!now->init && routine == FT_ROUTINE_WDF_SMIO_INIT)
        make_call();
}

static bool run_at(KIRQL irql, unsigned expected)
{
    level = irql;
    wdf_bench_run(&(struct wdf_bench){.interrupts = 1, .init = in_init, .in = in_callback}, NULL,
                  0);
    if (wb_count(FT_EV_WDF_IRQL) == expected &&
        (expected == 0 || wb_last(FT_EV_WDF_IRQL)->arg[0] == now->highest))
        return true;
    print_error("%s at %u: %u events\n", now->name, irql, wb_count(FT_EV_WDF_IRQL));
    return false;
}

static void levels(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        now = &rows[i];
        wrong += !run_at(now->highest, 0);
        wrong += !run_at(now->highest == PASSIVE_LEVEL ? DISPATCH_LEVEL : WB_IRQ_LEVEL, 1);
    }
    assert_int_equal(wrong, 0);
}

/* WdfDeviceStopIdle that does not wait, and its end: each by itself tells. */
static void power_references(void **state)
{
    static const struct row row = {"StopIdleAndResume", call_StopIdleAndResume, DISPATCH_LEVEL,
                                   false};

    (void)state;
    now = &row;
    assert_true(run_at(DISPATCH_LEVEL, 0));
    assert_true(run_at(WB_IRQ_LEVEL, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(power_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
