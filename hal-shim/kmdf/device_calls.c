/* What a driver may ask its device, and say about it: <= DISPATCH_LEVEL unless noted. */
#include "kmdf/pnp_private.h"

/* `effect` works on `pnp`, of the device of that handle. */
#define CALL(handle, highest, effect)                                                              \
    struct ft_wdf_pnp *pnp;                                                                        \
    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(handle));                                                \
    pnp = ft_wdf_pnp_of(ft_wdf_check(handle, FT_HC_WDF_DEVICE));                                   \
    ft_wdf_irql_ok(highest);                                                                       \
    effect;                                                                                        \
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(handle))

/* Inside CALL: a structure that is there and has its size; the framework breaks in when not. */
#define SIZED(structure)                                                                           \
    (ft_wdf_require(structure),                                                                    \
     (structure)->Size == sizeof *(structure)                                                      \
         ? true                                                                                    \
         : (ft_layer_set(ft_wdf_layer),                                                            \
            ft_emit(FT_EV_WDF_SIZE, sizeof *(structure), (structure)->Size),                       \
            ft_layer_set(FT_LAYER_FRAMEWORK), false))

WDFDEVICE WdfWdmDeviceGetWdfDeviceHandle(PDEVICE_OBJECT DeviceObject)
{
    ft_wdf_require(DeviceObject);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    return ft_wdf_device_of(DeviceObject);
}

PDEVICE_OBJECT WdfDeviceWdmGetDeviceObject(WDFDEVICE Device)
{
    PDEVICE_OBJECT object;

    CALL(Device, DISPATCH_LEVEL, object = pnp->device->fdo);
    return object;
}

PDEVICE_OBJECT WdfDeviceWdmGetAttachedDevice(WDFDEVICE Device)
{
    PDEVICE_OBJECT object;

    CALL(Device, DISPATCH_LEVEL, object = pnp->device->below);
    return object;
}

PDEVICE_OBJECT WdfDeviceWdmGetPhysicalDevice(WDFDEVICE Device)
{
    PDEVICE_OBJECT object;

    CALL(Device, DISPATCH_LEVEL, object = pnp->device->pdo);
    return object;
}

WDFDRIVER WdfDeviceGetDriver(WDFDEVICE Device)
{
    CALL(Device, DISPATCH_LEVEL, (void)pnp);
    return FT_WDF->driver;
}

static unsigned with_paging(const struct ft_wdf_pnp *pnp, unsigned state)
{
    bool pageable = (pnp->device->fdo->Flags & DO_POWER_PAGABLE) != 0;

    return pageable || state == WdfDevStatePowerStopped ? state : (state + 1) | WdfDevStateNP;
}

WDF_DEVICE_PNP_STATE WdfDeviceGetDevicePnpState(WDFDEVICE Device)
{
    unsigned state;

    CALL(Device, DISPATCH_LEVEL, state = pnp->pnp.state);
    return (WDF_DEVICE_PNP_STATE)state;
}

/* Resting states of a device that must not page have numbers of their own, right behind. */
WDF_DEVICE_POWER_STATE WdfDeviceGetDevicePowerState(WDFDEVICE Device)
{
    unsigned state;

    CALL(Device, DISPATCH_LEVEL, state = pnp->power.state;
         if (state == WdfDevStatePowerD0 || state == WdfDevStatePowerDx) state =
             with_paging(pnp, state));
    return (WDF_DEVICE_POWER_STATE)state;
}

WDF_DEVICE_POWER_POLICY_STATE WdfDeviceGetDevicePowerPolicyState(WDFDEVICE Device)
{
    unsigned state;

    CALL(Device, DISPATCH_LEVEL, state = pnp->policy.state);
    return (WDF_DEVICE_POWER_POLICY_STATE)state;
}

POWER_ACTION WdfDeviceGetSystemPowerAction(WDFDEVICE Device)
{
    unsigned action;

    CALL(Device, DISPATCH_LEVEL, (void)pnp; action = FT_M->io.action);
    return (POWER_ACTION)action;
}

ULONG WdfDeviceGetCharacteristics(WDFDEVICE Device)
{
    ULONG value;

    CALL(Device, DISPATCH_LEVEL, value = pnp->device->fdo->Characteristics);
    return value;
}

VOID WdfDeviceSetCharacteristics(WDFDEVICE Device, ULONG DeviceCharacteristics)
{
    CALL(Device, DISPATCH_LEVEL, pnp->device->fdo->Characteristics = DeviceCharacteristics);
}

ULONG WdfDeviceGetAlignmentRequirement(WDFDEVICE Device)
{
    ULONG value;

    CALL(Device, DISPATCH_LEVEL, value = pnp->device->fdo->AlignmentRequirement);
    return value;
}

VOID WdfDeviceSetAlignmentRequirement(WDFDEVICE Device, ULONG AlignmentRequirement)
{
    CALL(Device, DISPATCH_LEVEL, pnp->device->alignment = AlignmentRequirement;
         pnp->device->fdo->AlignmentRequirement = AlignmentRequirement);
}

VOID WdfDeviceSetStaticStopRemove(WDFDEVICE Device, BOOLEAN Stoppable)
{
    CALL(Device, DISPATCH_LEVEL, pnp->not_stoppable = !Stoppable);
}

VOID WdfDeviceSetSpecialFileSupport(WDFDEVICE Device, WDF_SPECIAL_FILE_TYPE FileType,
                                    BOOLEAN FileTypeIsSupported)
{
    uint8_t bit = (uint8_t)(1u << FileType);

    CALL(Device, DISPATCH_LEVEL,
         if (FileType > WdfSpecialFileUndefined && FileType < WdfSpecialFileMax)
             pnp->files_supported = (uint8_t)(FileTypeIsSupported ? pnp->files_supported | bit
                                                                  : pnp->files_supported & ~bit));
}

/* ---- state ---- */

VOID WdfDeviceGetDeviceState(WDFDEVICE Device, PWDF_DEVICE_STATE DeviceState)
{
    CALL(Device, DISPATCH_LEVEL, if (SIZED(DeviceState)) *DeviceState = pnp->state);
}

VOID WdfDeviceSetDeviceState(WDFDEVICE Device, PWDF_DEVICE_STATE DeviceState)
{
    CALL(
        Device, DISPATCH_LEVEL, if (SIZED(DeviceState)) {
            pnp->state = *DeviceState;
            IoInvalidateDeviceState(pnp->device->pdo);
        });
}

void ft_wdf_device_failed(struct ft_wdf_device *device, WDF_DEVICE_FAILED_ACTION action)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(device);

    ft_emit(FT_EV_WDF_FAILED, ft_wdf_handle(device), action);
    pnp->failed = 1;
    pnp->failed_action = (uint8_t)action;
    if (device->pdo)
        IoInvalidateDeviceState(device->pdo);
}

/* The PnP manager asks for the device's state then, and removes the device. */
VOID WdfDeviceSetFailed(WDFDEVICE Device, WDF_DEVICE_FAILED_ACTION FailedAction)
{
    CALL(Device, DISPATCH_LEVEL,
         if (FailedAction > WdfDeviceFailedUndefined && FailedAction <= WdfDeviceFailedNoRestart)
             ft_wdf_device_failed(pnp->device, FailedAction));
}

VOID WdfDeviceSetPnpCapabilities(WDFDEVICE Device, PWDF_DEVICE_PNP_CAPABILITIES PnpCapabilities)
{
    CALL(Device, DISPATCH_LEVEL, if (SIZED(PnpCapabilities)) pnp->pnp_caps = *PnpCapabilities);
}

VOID WdfDeviceSetPowerCapabilities(WDFDEVICE Device,
                                   PWDF_DEVICE_POWER_CAPABILITIES PowerCapabilities)
{
    CALL(Device, DISPATCH_LEVEL,
         if (SIZED(PowerCapabilities)) pnp->power_caps = *PowerCapabilities);
}

/* ---- interfaces that the driver exports ---- */

static NTSTATUS add_query(struct ft_wdf_pnp *pnp, const WDF_QUERY_INTERFACE_CONFIG *config)
{
    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!config->InterfaceType || !config->Interface || config->SendQueryToParentStack ||
        (config->ImportInterface && !config->EvtDeviceProcessQueryInterfaceRequest))
        return STATUS_INVALID_PARAMETER;
    if (pnp->queries == FT_WDF_QUERY_INTERFACES)
        return STATUS_INSUFFICIENT_RESOURCES;
    pnp->query[pnp->queries++] = *config;
    return STATUS_SUCCESS;
}

/* The interface and its type must stay valid as long as the device. */
NTSTATUS WdfDeviceAddQueryInterface(WDFDEVICE Device, PWDF_QUERY_INTERFACE_CONFIG InterfaceConfig)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_pnp *pnp;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    pnp = ft_wdf_pnp_of(ft_wdf_check(Device, FT_HC_WDF_DEVICE));
    ft_wdf_require(InterfaceConfig);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = add_query(pnp, InterfaceConfig);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}
