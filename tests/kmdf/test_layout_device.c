/* The structures of the framework's driver, device, resource and interrupt headers have the sizes,
 * offsets and values of x64 Windows, and their INIT functions fill them. The order of the members
 * and the values come from the published headers. */
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
    SIZE(WDF_FILEOBJECT_CONFIG, 40),
    OFFSET(WDF_FILEOBJECT_CONFIG, EvtFileCleanup, 24),
    OFFSET(WDF_FILEOBJECT_CONFIG, AutoForwardCleanupClose, 32),
    OFFSET(WDF_FILEOBJECT_CONFIG, FileObjectClass, 36),
    VALUE(WdfFileObjectWdfCannotUseFsContexts, 4),
    SIZE(WDF_DRIVER_CONFIG, 32),
    OFFSET(WDF_DRIVER_CONFIG, EvtDriverDeviceAdd, 8),
    OFFSET(WDF_DRIVER_CONFIG, EvtDriverUnload, 16),
    OFFSET(WDF_DRIVER_CONFIG, DriverInitFlags, 24),
    OFFSET(WDF_DRIVER_CONFIG, DriverPoolTag, 28),
    SIZE(WDF_DRIVER_VERSION_AVAILABLE_PARAMS, 12),
    OFFSET(WDF_DRIVER_VERSION_AVAILABLE_PARAMS, MajorVersion, 4),
    OFFSET(WDF_DRIVER_VERSION_AVAILABLE_PARAMS, MinorVersion, 8),
    SIZE(WDF_PNPPOWER_EVENT_CALLBACKS, 144),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceD0Entry, 8),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceD0EntryPostInterruptsEnabled, 16),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceD0Exit, 24),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceD0ExitPreInterruptsDisabled, 32),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDevicePrepareHardware, 40),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceReleaseHardware, 48),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceSelfManagedIoCleanup, 56),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceSelfManagedIoFlush, 64),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceSelfManagedIoInit, 72),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceSelfManagedIoSuspend, 80),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceSelfManagedIoRestart, 88),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceSurpriseRemoval, 96),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceQueryRemove, 104),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceQueryStop, 112),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceUsageNotification, 120),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceRelationsQuery, 128),
    OFFSET(WDF_PNPPOWER_EVENT_CALLBACKS, EvtDeviceUsageNotificationEx, 136),
    SIZE(WDF_POWER_POLICY_EVENT_CALLBACKS, 64),
    OFFSET(WDF_POWER_POLICY_EVENT_CALLBACKS, EvtDeviceArmWakeFromS0, 8),
    OFFSET(WDF_POWER_POLICY_EVENT_CALLBACKS, EvtDeviceDisarmWakeFromS0, 16),
    OFFSET(WDF_POWER_POLICY_EVENT_CALLBACKS, EvtDeviceWakeFromS0Triggered, 24),
    OFFSET(WDF_POWER_POLICY_EVENT_CALLBACKS, EvtDeviceArmWakeFromSx, 32),
    OFFSET(WDF_POWER_POLICY_EVENT_CALLBACKS, EvtDeviceDisarmWakeFromSx, 40),
    OFFSET(WDF_POWER_POLICY_EVENT_CALLBACKS, EvtDeviceWakeFromSxTriggered, 48),
    OFFSET(WDF_POWER_POLICY_EVENT_CALLBACKS, EvtDeviceArmWakeFromSxWithReason, 56),
    SIZE(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, 36),
    OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, IdleCaps, 4),
    OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, DxState, 8),
    OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, IdleTimeout, 12),
    OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, UserControlOfIdleSettings, 16),
    OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, Enabled, 20),
    OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, PowerUpIdleDeviceOnSystemWake, 24),
    OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, IdleTimeoutType, 28),
    OFFSET(WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS, ExcludeD3Cold, 32),
    SIZE(WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS, 20),
    OFFSET(WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS, DxState, 4),
    OFFSET(WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS, UserControlOfWakeSettings, 8),
    OFFSET(WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS, Enabled, 12),
    OFFSET(WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS, ArmForWakeIfChildrenAreArmedForWake, 16),
    OFFSET(WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS, IndicateChildWakeOnParentWake, 17),
    SIZE(WDF_DEVICE_STATE, 32),
    OFFSET(WDF_DEVICE_STATE, Disabled, 4),
    OFFSET(WDF_DEVICE_STATE, DontDisplayInUI, 8),
    OFFSET(WDF_DEVICE_STATE, Failed, 12),
    OFFSET(WDF_DEVICE_STATE, NotDisableable, 16),
    OFFSET(WDF_DEVICE_STATE, Removed, 20),
    OFFSET(WDF_DEVICE_STATE, ResourcesChanged, 24),
    OFFSET(WDF_DEVICE_STATE, AssignedToGuest, 28),
    SIZE(WDF_DEVICE_PNP_CAPABILITIES, 48),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, LockSupported, 4),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, EjectSupported, 8),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, Removable, 12),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, DockDevice, 16),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, UniqueID, 20),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, SilentInstall, 24),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, SurpriseRemovalOK, 28),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, HardwareDisabled, 32),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, NoDisplayInUI, 36),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, Address, 40),
    OFFSET(WDF_DEVICE_PNP_CAPABILITIES, UINumber, 44),
    SIZE(WDF_DEVICE_POWER_CAPABILITIES, 80),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, DeviceD1, 4),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, DeviceD2, 8),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, WakeFromD0, 12),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, WakeFromD1, 16),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, WakeFromD2, 20),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, WakeFromD3, 24),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, DeviceState, 28),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, DeviceWake, 56),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, SystemWake, 60),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, D1Latency, 64),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, D2Latency, 68),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, D3Latency, 72),
    OFFSET(WDF_DEVICE_POWER_CAPABILITIES, IdealDxStateForSx, 76),
    SIZE(WDF_REMOVE_LOCK_OPTIONS, 8),
    OFFSET(WDF_REMOVE_LOCK_OPTIONS, Flags, 4),
    SIZE(WDF_IO_TYPE_CONFIG, 16),
    OFFSET(WDF_IO_TYPE_CONFIG, ReadWriteIoType, 4),
    OFFSET(WDF_IO_TYPE_CONFIG, DeviceControlIoType, 8),
    OFFSET(WDF_IO_TYPE_CONFIG, DirectTransferThreshold, 12),
    SIZE(WDF_DEVICE_PROPERTY_DATA, 24),
    OFFSET(WDF_DEVICE_PROPERTY_DATA, PropertyKey, 8),
    OFFSET(WDF_DEVICE_PROPERTY_DATA, Lcid, 16),
    OFFSET(WDF_DEVICE_PROPERTY_DATA, Flags, 20),
    SIZE(WDF_FDO_EVENT_CALLBACKS, 32),
    OFFSET(WDF_FDO_EVENT_CALLBACKS, EvtDeviceFilterAddResourceRequirements, 8),
    OFFSET(WDF_FDO_EVENT_CALLBACKS, EvtDeviceFilterRemoveResourceRequirements, 16),
    OFFSET(WDF_FDO_EVENT_CALLBACKS, EvtDeviceRemoveAddedResources, 24),
    SIZE(WDF_PDO_EVENT_CALLBACKS, 64),
    OFFSET(WDF_PDO_EVENT_CALLBACKS, EvtDeviceResourcesQuery, 8),
    OFFSET(WDF_PDO_EVENT_CALLBACKS, EvtDeviceResourceRequirementsQuery, 16),
    OFFSET(WDF_PDO_EVENT_CALLBACKS, EvtDeviceEject, 24),
    OFFSET(WDF_PDO_EVENT_CALLBACKS, EvtDeviceSetLock, 32),
    OFFSET(WDF_PDO_EVENT_CALLBACKS, EvtDeviceEnableWakeAtBus, 40),
    OFFSET(WDF_PDO_EVENT_CALLBACKS, EvtDeviceDisableWakeAtBus, 48),
    OFFSET(WDF_PDO_EVENT_CALLBACKS, EvtDeviceReportedMissing, 56),
    SIZE(WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER, 4),
    SIZE(WDF_CHILD_ADDRESS_DESCRIPTION_HEADER, 4),
    SIZE(WDF_CHILD_RETRIEVE_INFO, 40),
    OFFSET(WDF_CHILD_RETRIEVE_INFO, IdentificationDescription, 8),
    OFFSET(WDF_CHILD_RETRIEVE_INFO, AddressDescription, 16),
    OFFSET(WDF_CHILD_RETRIEVE_INFO, Status, 24),
    OFFSET(WDF_CHILD_RETRIEVE_INFO, EvtChildListIdentificationDescriptionCompare, 32),
    SIZE(WDF_CHILD_LIST_CONFIG, 96),
    OFFSET(WDF_CHILD_LIST_CONFIG, IdentificationDescriptionSize, 4),
    OFFSET(WDF_CHILD_LIST_CONFIG, AddressDescriptionSize, 8),
    OFFSET(WDF_CHILD_LIST_CONFIG, EvtChildListCreateDevice, 16),
    OFFSET(WDF_CHILD_LIST_CONFIG, EvtChildListScanForChildren, 24),
    OFFSET(WDF_CHILD_LIST_CONFIG, EvtChildListIdentificationDescriptionCopy, 32),
    OFFSET(WDF_CHILD_LIST_CONFIG, EvtChildListIdentificationDescriptionDuplicate, 40),
    OFFSET(WDF_CHILD_LIST_CONFIG, EvtChildListIdentificationDescriptionCleanup, 48),
    OFFSET(WDF_CHILD_LIST_CONFIG, EvtChildListIdentificationDescriptionCompare, 56),
    OFFSET(WDF_CHILD_LIST_CONFIG, EvtChildListAddressDescriptionCopy, 64),
    OFFSET(WDF_CHILD_LIST_CONFIG, EvtChildListAddressDescriptionDuplicate, 72),
    OFFSET(WDF_CHILD_LIST_CONFIG, EvtChildListAddressDescriptionCleanup, 80),
    OFFSET(WDF_CHILD_LIST_CONFIG, EvtChildListDeviceReenumerated, 88),
    SIZE(WDF_CHILD_LIST_ITERATOR, 40),
    OFFSET(WDF_CHILD_LIST_ITERATOR, Flags, 4),
    OFFSET(WDF_CHILD_LIST_ITERATOR, Reserved, 8),
    SIZE(WDF_QUERY_INTERFACE_CONFIG, 48),
    OFFSET(WDF_QUERY_INTERFACE_CONFIG, Interface, 8),
    OFFSET(WDF_QUERY_INTERFACE_CONFIG, InterfaceType, 16),
    OFFSET(WDF_QUERY_INTERFACE_CONFIG, SendQueryToParentStack, 24),
    OFFSET(WDF_QUERY_INTERFACE_CONFIG, EvtDeviceProcessQueryInterfaceRequest, 32),
    OFFSET(WDF_QUERY_INTERFACE_CONFIG, ImportInterface, 40),
    SIZE(WDF_WMI_PROVIDER_CONFIG, 40),
    OFFSET(WDF_WMI_PROVIDER_CONFIG, Guid, 4),
    OFFSET(WDF_WMI_PROVIDER_CONFIG, Flags, 20),
    OFFSET(WDF_WMI_PROVIDER_CONFIG, MinInstanceBufferSize, 24),
    OFFSET(WDF_WMI_PROVIDER_CONFIG, EvtWmiProviderFunctionControl, 32),
    SIZE(WDF_WMI_INSTANCE_CONFIG, 64),
    OFFSET(WDF_WMI_INSTANCE_CONFIG, Provider, 8),
    OFFSET(WDF_WMI_INSTANCE_CONFIG, ProviderConfig, 16),
    OFFSET(WDF_WMI_INSTANCE_CONFIG, UseContextForQuery, 24),
    OFFSET(WDF_WMI_INSTANCE_CONFIG, Register, 25),
    OFFSET(WDF_WMI_INSTANCE_CONFIG, EvtWmiInstanceQueryInstance, 32),
    OFFSET(WDF_WMI_INSTANCE_CONFIG, EvtWmiInstanceSetInstance, 40),
    OFFSET(WDF_WMI_INSTANCE_CONFIG, EvtWmiInstanceSetItem, 48),
    OFFSET(WDF_WMI_INSTANCE_CONFIG, EvtWmiInstanceExecuteMethod, 56),
    SIZE(WDF_INTERRUPT_CONFIG, 104),
    OFFSET(WDF_INTERRUPT_CONFIG, SpinLock, 8),
    OFFSET(WDF_INTERRUPT_CONFIG, ShareVector, 16),
    OFFSET(WDF_INTERRUPT_CONFIG, FloatingSave, 20),
    OFFSET(WDF_INTERRUPT_CONFIG, AutomaticSerialization, 21),
    OFFSET(WDF_INTERRUPT_CONFIG, EvtInterruptIsr, 24),
    OFFSET(WDF_INTERRUPT_CONFIG, EvtInterruptDpc, 32),
    OFFSET(WDF_INTERRUPT_CONFIG, EvtInterruptEnable, 40),
    OFFSET(WDF_INTERRUPT_CONFIG, EvtInterruptDisable, 48),
    OFFSET(WDF_INTERRUPT_CONFIG, EvtInterruptWorkItem, 56),
    OFFSET(WDF_INTERRUPT_CONFIG, InterruptRaw, 64),
    OFFSET(WDF_INTERRUPT_CONFIG, InterruptTranslated, 72),
    OFFSET(WDF_INTERRUPT_CONFIG, WaitLock, 80),
    OFFSET(WDF_INTERRUPT_CONFIG, PassiveHandling, 88),
    OFFSET(WDF_INTERRUPT_CONFIG, ReportInactiveOnPowerDown, 92),
    OFFSET(WDF_INTERRUPT_CONFIG, CanWakeDevice, 96),
    SIZE(WDF_INTERRUPT_INFO, 64),
    OFFSET(WDF_INTERRUPT_INFO, Reserved1, 8),
    OFFSET(WDF_INTERRUPT_INFO, TargetProcessorSet, 16),
    OFFSET(WDF_INTERRUPT_INFO, Reserved2, 24),
    OFFSET(WDF_INTERRUPT_INFO, MessageNumber, 28),
    OFFSET(WDF_INTERRUPT_INFO, Vector, 32),
    OFFSET(WDF_INTERRUPT_INFO, Irql, 36),
    OFFSET(WDF_INTERRUPT_INFO, Mode, 40),
    OFFSET(WDF_INTERRUPT_INFO, Polarity, 44),
    OFFSET(WDF_INTERRUPT_INFO, MessageSignaled, 48),
    OFFSET(WDF_INTERRUPT_INFO, ShareDisposition, 49),
    OFFSET(WDF_INTERRUPT_INFO, Group, 56),
    SIZE(WDF_INTERRUPT_EXTENDED_POLICY, 32),
    OFFSET(WDF_INTERRUPT_EXTENDED_POLICY, Policy, 4),
    OFFSET(WDF_INTERRUPT_EXTENDED_POLICY, Priority, 8),
    OFFSET(WDF_INTERRUPT_EXTENDED_POLICY, TargetProcessorSetAndGroup, 16),
    VALUE(WdfDevStatePnpInit, 0x105),
    VALUE(WdfDevStatePnpQueryRemovePending, 0x10C),
    VALUE(WdfDevStatePnpRemoved, 0x113),
    VALUE(WdfDevStatePnpStarted, 0x119),
    VALUE(WdfDevStatePnpStopped, 0x11E),
    VALUE(WdfDevStatePnpFailedInit, 0x12F),
    VALUE(WdfDevStatePnpFinal, 0x135),
    VALUE(WdfDevStatePnpNull, 0x13A),
    VALUE(WdfDevStatePowerD0, 0x307),
    VALUE(WdfDevStatePowerD0NP, 0x8308),
    VALUE(WdfDevStatePowerGotoDx, 0x31A),
    VALUE(WdfDevStatePowerDx, 0x31F),
    VALUE(WdfDevStatePowerFinalPowerDownFailed, 0x350),
    VALUE(WdfDevStatePowerNull, 0x369),
    VALUE(WdfDevStatePwrPolStartedIdleCapable, 0x505),
    VALUE(WdfDevStatePwrPolStopped, 0x563),
    VALUE(WdfDevStatePwrPolNull, 0x5C0),
    VALUE(WdfPowerDeviceD3Final, 5),
    VALUE(WdfPowerDevicePrepareForHibernation, 6),
    VALUE(WdfSpecialFileGuestAssigned, 6),
    VALUE(WdfDeviceIoBufferedOrDirect, 4),
    VALUE(WdfDeviceFailedNoRestart, 2),
    VALUE(IdleUsbSelectiveSuspend, 3),
    VALUE(SystemManagedIdleTimeoutWithHint, 2),
    VALUE(WakeAllowUserControl, 2),
    VALUE(WdfIrqPolicySpreadMessagesAcrossAllProcessors, 5),
    VALUE(WdfRetrieveAllChildren, 7),
    VALUE(WdfWmiProviderValidFlags, 7),
    VALUE(WdfDriverInitNonPnpDriver, 1),
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

static NTSTATUS add(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
    (void)driver, (void)init;
    return STATUS_SUCCESS;
}

static BOOLEAN isr(WDFINTERRUPT interrupt, ULONG message)
{
    (void)interrupt, (void)message;
    return FALSE;
}

static void driver_body(void)
{
    WDF_DRIVER_CONFIG driver = {.DriverPoolTag = 1};
    WDF_DRIVER_VERSION_AVAILABLE_PARAMS version;
    WDF_FDO_EVENT_CALLBACKS fdo = {.EvtDeviceRemoveAddedResources = NULL};
    WDF_REMOVE_LOCK_OPTIONS lock;
    WDF_FILEOBJECT_CONFIG file;
    WDF_IO_TYPE_CONFIG io;
    WDF_INTERRUPT_CONFIG interrupt = {.CanWakeDevice = TRUE};
    WDF_INTERRUPT_INFO info = {.Vector = 1};
    WDF_INTERRUPT_EXTENDED_POLICY policy = {.Priority = WdfIrqPriorityHigh};

    WDF_DRIVER_CONFIG_INIT(&driver, add);
    CHECK(driver.Size == 32 && driver.EvtDriverDeviceAdd == add && !driver.DriverPoolTag);
    WDF_DRIVER_VERSION_AVAILABLE_PARAMS_INIT(&version, 1, 33);
    CHECK(version.Size == 12 && version.MajorVersion == 1 && version.MinorVersion == 33);
    WDF_FDO_EVENT_CALLBACKS_INIT(&fdo);
    CHECK(fdo.Size == 32 && !fdo.EvtDeviceFilterAddResourceRequirements);
    WDF_REMOVE_LOCK_OPTIONS_INIT(&lock, WDF_REMOVE_LOCK_OPTION_ACQUIRE_FOR_IO);
    CHECK(lock.Size == 8 && lock.Flags == 1);
    WDF_FILEOBJECT_CONFIG_INIT(&file, NULL, NULL, NULL);
    CHECK(file.Size == 40 && file.AutoForwardCleanupClose == WdfUseDefault);
    CHECK(file.FileObjectClass == WdfFileObjectWdfCannotUseFsContexts);
    WDF_IO_TYPE_CONFIG_INIT(&io);
    CHECK(io.Size == 16 && io.ReadWriteIoType == WdfDeviceIoBuffered);
    CHECK(io.DeviceControlIoType == WdfDeviceIoBuffered && io.DirectTransferThreshold == 0);
    WDF_INTERRUPT_CONFIG_INIT(&interrupt, isr, NULL);
    CHECK(interrupt.Size == sizeof interrupt && interrupt.EvtInterruptIsr == isr);
    CHECK(interrupt.ShareVector == WdfUseDefault && !interrupt.CanWakeDevice);
    CHECK(interrupt.ReportInactiveOnPowerDown == WdfUseDefault);
    WDF_INTERRUPT_INFO_INIT(&info);
    CHECK(info.Size == sizeof info && info.Vector == 0);
    WDF_INTERRUPT_EXTENDED_POLICY_INIT(&policy);
    CHECK(policy.Size == sizeof policy && policy.Priority == WdfIrqPriorityUndefined);
}

static void settings_body(void)
{
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS idle;
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS wake;
    WDF_POWER_POLICY_EVENT_CALLBACKS policy = {.Size = 1};
    WDF_PNPPOWER_EVENT_CALLBACKS pnp = {.Size = 1};
    WDF_DEVICE_STATE state;
    WDF_DEVICE_PNP_CAPABILITIES pnp_caps;
    WDF_DEVICE_POWER_CAPABILITIES power_caps;
    WDF_DEVICE_PROPERTY_DATA property;

    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&idle, IdleCannotWakeFromS0);
    CHECK(idle.Size == 36 && idle.DxState == PowerDeviceD3 && idle.Enabled == WdfUseDefault);
    CHECK(idle.IdleTimeout == 0 && idle.UserControlOfIdleSettings == IdleAllowUserControl);
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&idle, IdleCanWakeFromS0);
    CHECK(idle.DxState == PowerDeviceMaximum && idle.ExcludeD3Cold == WdfUseDefault);
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&wake);
    CHECK(wake.Size == 20 && wake.DxState == PowerDeviceMaximum && wake.Enabled == WdfUseDefault);
    WDF_POWER_POLICY_EVENT_CALLBACKS_INIT(&policy);
    CHECK(policy.Size == 64 && !policy.EvtDeviceArmWakeFromS0);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
    CHECK(pnp.Size == 144 && !pnp.EvtDeviceD0Entry);
    WDF_DEVICE_STATE_INIT(&state);
    CHECK(state.Size == 32 && state.Failed == WdfUseDefault && state.Removed == WdfUseDefault);
    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp_caps);
    CHECK(pnp_caps.Size == 48 && pnp_caps.Removable == WdfUseDefault);
    CHECK(pnp_caps.Address == (ULONG)-1 && pnp_caps.UINumber == (ULONG)-1);
    WDF_DEVICE_POWER_CAPABILITIES_INIT(&power_caps);
    CHECK(power_caps.Size == sizeof power_caps && power_caps.D3Latency == (ULONG)-1);
    CHECK(power_caps.DeviceState[PowerSystemShutdown] == PowerDeviceMaximum);
    WDF_DEVICE_PROPERTY_DATA_INIT(&property, NULL);
    CHECK(property.Size == 24 && property.Flags == 0);
    CHECK(WdfDevStateNormalize(WdfDevStatePowerD0NP) == 0x308);
    CHECK(WdfDevStateIsNP(WdfDevStatePowerD0NP) && !WdfDevStateIsNP(WdfDevStatePowerD0));
}

static void bus_body(void)
{
    static const GUID guid = {1, 2, 3, {4}};
    struct {
        WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER header;
        ULONG number;
    } id = {.number = 1};
    struct {
        WDF_CHILD_ADDRESS_DESCRIPTION_HEADER header;
        ULONG number;
    } address = {.number = 1};
    WDF_PDO_EVENT_CALLBACKS pdo;
    WDF_CHILD_RETRIEVE_INFO info;
    WDF_CHILD_LIST_CONFIG list;
    WDF_CHILD_LIST_ITERATOR iterator;
    WDF_QUERY_INTERFACE_CONFIG query;
    WDF_WMI_PROVIDER_CONFIG provider;
    WDF_WMI_INSTANCE_CONFIG instance;
    UNICODE_STRING string;
    USHORT buffer[4];
    ULONG size;

    WDF_PDO_EVENT_CALLBACKS_INIT(&pdo);
    CHECK(pdo.Size == 64 && !pdo.EvtDeviceEject);
    WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER_INIT(&id.header, sizeof id);
    CHECK(id.header.IdentificationDescriptionSize == sizeof id && id.number == 0);
    WDF_CHILD_ADDRESS_DESCRIPTION_HEADER_INIT(&address.header, sizeof address);
    CHECK(address.header.AddressDescriptionSize == sizeof address && address.number == 0);
    WDF_CHILD_RETRIEVE_INFO_INIT(&info, &id.header);
    CHECK(info.Size == sizeof info && info.IdentificationDescription == &id.header);
    WDF_CHILD_LIST_CONFIG_INIT(&list, sizeof id, NULL);
    CHECK(list.Size == sizeof list && list.IdentificationDescriptionSize == sizeof id);
    WDF_CHILD_LIST_ITERATOR_INIT(&iterator, WdfRetrievePresentChildren);
    CHECK(iterator.Size == sizeof iterator && iterator.Flags == 1);
    WDF_QUERY_INTERFACE_CONFIG_INIT(&query, NULL, &guid, NULL);
    CHECK(query.Size == sizeof query && query.InterfaceType == &guid && !query.ImportInterface);
    WdfDeviceInterfaceReferenceNoOp(NULL);
    WdfDeviceInterfaceDereferenceNoOp(NULL);
    WDF_WMI_PROVIDER_CONFIG_INIT(&provider, &guid);
    CHECK(provider.Size == sizeof provider && provider.Guid.Data3 == 3);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&instance, NULL);
    CHECK(instance.Size == sizeof instance && !instance.ProviderConfig);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER_CONFIG(&instance, &provider);
    CHECK(instance.ProviderConfig == &provider);
    RtlInitUnicodeString(&string, L"abc");
    CHECK(WDF_WMI_BUFFER_APPEND_STRING(buffer, 7, &string, &size) == STATUS_BUFFER_TOO_SMALL);
    CHECK(size == 8);
    CHECK(WDF_WMI_BUFFER_APPEND_STRING(buffer, 8, &string, &size) == STATUS_SUCCESS);
    CHECK(buffer[0] == 6 && buffer[1] == 'a' && buffer[3] == 'c');
}

static void test_init(void **state)
{
    (void)state;
    wb_body(driver_body, FT_STOP_NONE);
    wb_body(settings_body, FT_STOP_NONE);
    wb_body(bus_body, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_init),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
