/* WDFDEVICE_INIT: what the driver says before it makes its device. It lives from AddDevice (or
 * WdfControlDeviceInitAllocate) until the device is made or it is freed. */
#include "kmdf/children.h"

ft_wdf_init *ft_wdf_init_new(struct ft_wdf_driver *driver, PDEVICE_OBJECT pdo)
{
    ft_wdf_init *init = ft_block_for_driver(sizeof *init, FT_HC_WDF_INIT, 0);

    if (!init)
        return NULL;
    init->driver = driver;
    init->pdo = pdo;
    init->type = FILE_DEVICE_UNKNOWN;
    init->characteristics = FILE_DEVICE_SECURE_OPEN;
    init->io_type = WdfDeviceIoBuffered;
    init->release_order = WdfReleaseHardwareOrderOnFailureEarly;
    init->pageable = WdfUseDefault;
    init->owner = WdfUseDefault;
    init->name.string.Buffer = init->name.text;
    init->name.string.MaximumLength = sizeof init->name.text;
    return init;
}

void ft_wdf_init_free(ft_wdf_init *init)
{
    if (FT_WDF->adding == init)
        FT_WDF->adding = NULL;
    if (init->child)
        ft_wdf_child_free(init->child);
    ft_block_free(init);
}

ft_wdf_init *ft_wdf_init_check(PWDFDEVICE_INIT init)
{
    ft_wdf_require(init);
    if (!ft_block_is_live(init, FT_HC_WDF_INIT))
        ft_wdf_bad_handle(init, FT_HC_WDF_INIT);
    return init;
}

/* A setter: `effect` works on `init`. */
#define SETTER(effect) SETTER_AT(DISPATCH_LEVEL, effect)
#define SETTER_AT(highest, effect)                                                                 \
    ft_wdf_init *init;                                                                             \
    FT_WDF_BEGIN(WDF_DEVICE, 0);                                                                   \
    init = ft_wdf_init_check(DeviceInit);                                                          \
    ft_wdf_irql_ok(highest);                                                                       \
    effect;                                                                                        \
    FT_WDF_END(WDF_DEVICE, 0)

/* A structure of the wrong size is as good as none: the framework breaks in and leaves it alone. */
#define COPY(to, from)                                                                             \
    do {                                                                                           \
        ft_wdf_require(from);                                                                      \
        if ((from)->Size == sizeof *(from))                                                        \
            (to) = *(from);                                                                        \
        else                                                                                       \
            ft_wdf_emit(FT_EV_WDF_SIZE, sizeof *(from), (from)->Size);                             \
    } while (0)

VOID WdfDeviceInitFree(PWDFDEVICE_INIT DeviceInit)
{
    FT_WDF_BEGIN(WDF_DEVICE, 0);
    ft_wdf_init_free(ft_wdf_init_check(DeviceInit));
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_DEVICE, 0);
}

VOID WdfDeviceInitSetPnpPowerEventCallbacks(PWDFDEVICE_INIT DeviceInit,
                                            PWDF_PNPPOWER_EVENT_CALLBACKS PnpPowerEventCallbacks)
{
    SETTER(COPY(init->callbacks, PnpPowerEventCallbacks));
}

VOID WdfDeviceInitSetPowerPolicyEventCallbacks(
    PWDFDEVICE_INIT DeviceInit, PWDF_POWER_POLICY_EVENT_CALLBACKS PowerPolicyEventCallbacks)
{
    SETTER(COPY(init->policy, PowerPolicyEventCallbacks));
}

VOID WdfDeviceInitSetPowerPolicyOwnership(PWDFDEVICE_INIT DeviceInit, BOOLEAN IsPowerPolicyOwner)
{
    SETTER(init->owner = IsPowerPolicyOwner ? WdfTrue : WdfFalse);
}

VOID WdfDeviceInitSetExclusive(PWDFDEVICE_INIT DeviceInit, BOOLEAN IsExclusive)
{
    SETTER(init->exclusive = IsExclusive != FALSE);
}

VOID WdfDeviceInitSetIoType(PWDFDEVICE_INIT DeviceInit, WDF_DEVICE_IO_TYPE IoType)
{
    SETTER(init->io_type = IoType; init->io_type_set = 1);
}

/* Device control requests carry their method in their code, so only reads and writes differ. */
VOID WdfDeviceInitSetIoTypeEx(PWDFDEVICE_INIT DeviceInit, PWDF_IO_TYPE_CONFIG IoTypeConfig)
{
    WDF_IO_TYPE_CONFIG config = {.ReadWriteIoType = WdfDeviceIoBuffered};

    SETTER_AT(PASSIVE_LEVEL, COPY(config, IoTypeConfig); init->io_type = config.ReadWriteIoType;
              init->io_type_set = 1);
}

VOID WdfDeviceInitSetPowerNotPageable(PWDFDEVICE_INIT DeviceInit)
{
    SETTER(init->pageable = WdfFalse);
}

VOID WdfDeviceInitSetPowerPageable(PWDFDEVICE_INIT DeviceInit)
{
    SETTER(init->pageable = WdfTrue);
}

/* An inrush device cannot page. */
VOID WdfDeviceInitSetPowerInrush(PWDFDEVICE_INIT DeviceInit)
{
    SETTER(init->inrush = 1; init->pageable = WdfFalse);
}

VOID WdfDeviceInitSetDeviceType(PWDFDEVICE_INIT DeviceInit, DEVICE_TYPE DeviceType)
{
    SETTER(init->type = DeviceType; init->type_set = 1);
}

VOID WdfDeviceInitSetCharacteristics(PWDFDEVICE_INIT DeviceInit, ULONG DeviceCharacteristics,
                                     BOOLEAN OrInValues)
{
    SETTER(init->characteristics = DeviceCharacteristics | (OrInValues ? init->characteristics : 0);
           init->characteristics_set = 1);
}

static NTSTATUS set_name(ft_wdf_init *init, PCUNICODE_STRING name)
{
    init->has_name = 0;
    if (!name)
        return STATUS_SUCCESS;
    if (!NT_SUCCESS(ft_wdf_text_check(name)))
        return STATUS_INVALID_PARAMETER;
    if (name->Length >= init->name.string.MaximumLength)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(init->name.text, name->Buffer, name->Length);
    init->name.string.Length = name->Length;
    init->has_name = 1;
    return STATUS_SUCCESS;
}

/* NULL takes the name back. */
NTSTATUS WdfDeviceInitAssignName(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING DeviceName)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    ft_wdf_init_check(DeviceInit);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = set_name(DeviceInit, DeviceName);
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

/* Who may open the device is not modelled: the one requester may. */
NTSTATUS WdfDeviceInitAssignSDDLString(PWDFDEVICE_INIT DeviceInit, PCUNICODE_STRING SDDLString)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    ft_wdf_init_check(DeviceInit);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = !SDDLString || SDDLString->Length > 0 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

/* The class only names where an administrator may override the security descriptor. */
VOID WdfDeviceInitSetDeviceClass(PWDFDEVICE_INIT DeviceInit, CONST GUID *DeviceClassGuid)
{
    SETTER((void)init; ft_wdf_require(DeviceClassGuid));
}

VOID WdfDeviceInitSetFileObjectConfig(PWDFDEVICE_INIT DeviceInit,
                                      PWDF_FILEOBJECT_CONFIG FileObjectConfig,
                                      PWDF_OBJECT_ATTRIBUTES FileObjectAttributes)
{
    SETTER(COPY(init->file, FileObjectConfig);
           if (FileObjectAttributes) init->file_attributes = *FileObjectAttributes);
}

VOID WdfDeviceInitSetRequestAttributes(PWDFDEVICE_INIT DeviceInit,
                                       PWDF_OBJECT_ATTRIBUTES RequestAttributes)
{
    SETTER(COPY(init->request_attributes, RequestAttributes));
}

VOID WdfDeviceInitSetIoInCallerContextCallback(PWDFDEVICE_INIT DeviceInit,
                                               PFN_WDF_IO_IN_CALLER_CONTEXT EvtIoInCallerContext)
{
    SETTER(init->in_caller = EvtIoInCallerContext);
}

VOID WdfDeviceInitSetRemoveLockOptions(PWDFDEVICE_INIT DeviceInit, PWDF_REMOVE_LOCK_OPTIONS Options)
{
    WDF_REMOVE_LOCK_OPTIONS options = {0};

    SETTER(COPY(options, Options); init->remove_lock_flags = options.Flags);
}

/* The order is one between a device and its children, which this machine removes first always: both
 * are alike. */
VOID WdfDeviceInitSetReleaseHardwareOrderOnFailure(
    PWDFDEVICE_INIT DeviceInit, WDF_RELEASE_HARDWARE_ORDER_ON_FAILURE ReleaseHardwareOrderOnFailure)
{
    SETTER(init->release_order = ReleaseHardwareOrderOnFailure);
}

/* ---- IRPs before the framework has them ---- */

static NTSTATUS set_preprocess(ft_wdf_init *init, PFN_WDFDEVICE_WDM_IRP_PREPROCESS callback,
                               UCHAR major, const UCHAR *minors, ULONG count)
{
    struct ft_wdf_preprocess *entry;

    if (!callback || major > IRP_MJ_MAXIMUM_FUNCTION || (minors && count == 0))
        return STATUS_INVALID_PARAMETER;
    entry = &init->preprocess[major];
    if (entry->callback && entry->callback != callback)
        return STATUS_INVALID_DEVICE_REQUEST;
    entry->callback = callback;
    entry->all |= !minors;
    for (ULONG i = 0; minors && i < count; i++)
        entry->minors[minors[i] / 32] |= 1u << minors[i] % 32;
    return STATUS_SUCCESS;
}

NTSTATUS WdfDeviceInitAssignWdmIrpPreprocessCallback(
    PWDFDEVICE_INIT DeviceInit, PFN_WDFDEVICE_WDM_IRP_PREPROCESS EvtDeviceWdmIrpPreprocess,
    UCHAR MajorFunction, PUCHAR MinorFunctions, ULONG NumMinorFunctions)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    ft_wdf_init_check(DeviceInit);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        status = set_preprocess(DeviceInit, EvtDeviceWdmIrpPreprocess, MajorFunction,
                                MinorFunctions, NumMinorFunctions);
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

/* ---- state callbacks ---- */

static NTSTATUS add_state_callback(ft_wdf_init *init, unsigned machine, unsigned state,
                                   void *callback, ULONG types)
{
    if (!callback || types == 0 || types > StateNotificationAllStates || state == 0)
        return STATUS_INVALID_PARAMETER;
    for (unsigned i = 0; i < FT_WDF_STATE_CALLBACKS; i++) {
        struct ft_wdf_state_callback *entry = &init->state_callback[i];

        if (entry->callback)
            continue;
        *entry = (struct ft_wdf_state_callback){.callback = callback,
                                                .state = (uint16_t)state,
                                                .types = (uint8_t)types,
                                                .machine = (uint8_t)machine};
        return STATUS_SUCCESS;
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS register_state(PWDFDEVICE_INIT init, unsigned machine, unsigned state,
                               void *callback, ULONG types)
{
    ft_wdf_init_check(init);
    if (!ft_wdf_irql_ok(PASSIVE_LEVEL))
        return STATUS_INVALID_DEVICE_REQUEST;
    return add_state_callback(init, machine, state, callback, types);
}

NTSTATUS WdfDeviceInitRegisterPnpStateChangeCallback(
    PWDFDEVICE_INIT DeviceInit, WDF_DEVICE_PNP_STATE PnpState,
    PFN_WDF_DEVICE_PNP_STATE_CHANGE_NOTIFICATION EvtDevicePnpStateChange, ULONG CallbackTypes)
{
    FT_WDF_RETURN(NTSTATUS, WDF_DEVICE, 0,
                  register_state(DeviceInit, FT_WDF_PNP_MACHINE, PnpState,
                                 (void *)EvtDevicePnpStateChange, CallbackTypes));
}

NTSTATUS WdfDeviceInitRegisterPowerStateChangeCallback(
    PWDFDEVICE_INIT DeviceInit, WDF_DEVICE_POWER_STATE PowerState,
    PFN_WDF_DEVICE_POWER_STATE_CHANGE_NOTIFICATION EvtDevicePowerStateChange, ULONG CallbackTypes)
{
    FT_WDF_RETURN(NTSTATUS, WDF_DEVICE, 0,
                  register_state(DeviceInit, FT_WDF_POWER_MACHINE, PowerState,
                                 (void *)EvtDevicePowerStateChange, CallbackTypes));
}

NTSTATUS WdfDeviceInitRegisterPowerPolicyStateChangeCallback(
    PWDFDEVICE_INIT DeviceInit, WDF_DEVICE_POWER_POLICY_STATE PowerPolicyState,
    PFN_WDF_DEVICE_POWER_POLICY_STATE_CHANGE_NOTIFICATION EvtDevicePowerPolicyStateChange,
    ULONG CallbackTypes)
{
    FT_WDF_RETURN(NTSTATUS, WDF_DEVICE, 0,
                  register_state(DeviceInit, FT_WDF_POLICY_MACHINE, PowerPolicyState,
                                 (void *)EvtDevicePowerPolicyStateChange, CallbackTypes));
}

/* ---- function devices ---- */

VOID WdfFdoInitSetFilter(PWDFDEVICE_INIT DeviceInit)
{
    SETTER_AT(PASSIVE_LEVEL, init->filter = ft_wdf_init_is_function(init));
}

VOID WdfFdoInitSetEventCallbacks(PWDFDEVICE_INIT DeviceInit,
                                 PWDF_FDO_EVENT_CALLBACKS FdoEventCallbacks)
{
    SETTER_AT(PASSIVE_LEVEL, COPY(init->fdo, FdoEventCallbacks);
              if (init->fdo.EvtDeviceRemoveAddedResources)
                  ft_unimplemented("EvtDeviceRemoveAddedResources"));
}

PDEVICE_OBJECT WdfFdoInitWdmGetPhysicalDevice(PWDFDEVICE_INIT DeviceInit)
{
    PDEVICE_OBJECT pdo = NULL;

    SETTER(pdo = init->pdo);
    return pdo;
}

static void set_list(ft_wdf_init *init, const WDF_CHILD_LIST_CONFIG *config,
                     const WDF_OBJECT_ATTRIBUTES *attributes)
{
    init->list = *config;
    init->list_attributes = attributes ? *attributes : (WDF_OBJECT_ATTRIBUTES){0};
}

/* A configuration that is no good is not taken. */
VOID WdfFdoInitSetDefaultChildListConfig(PWDFDEVICE_INIT DeviceInit, PWDF_CHILD_LIST_CONFIG Config,
                                         PWDF_OBJECT_ATTRIBUTES DefaultChildListAttributes)
{
    ft_wdf_init *init;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    init = ft_wdf_init_check(DeviceInit);
    ft_wdf_require(Config);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL) && ft_wdf_init_is_function(init)) {
        if (Config->Size != sizeof *Config)
            ft_wdf_emit(FT_EV_WDF_SIZE, sizeof *Config, Config->Size);
        else if (NT_SUCCESS(ft_wdf_child_config_check(Config)) &&
                 NT_SUCCESS(ft_wdf_attributes_check(DefaultChildListAttributes, false)))
            set_list(init, Config, DefaultChildListAttributes);
    }
    FT_WDF_END(WDF_DEVICE, 0);
}
