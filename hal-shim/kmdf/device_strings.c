/* Names of drivers and devices as strings, and the keys of a device that is not made yet:
 * PASSIVE_LEVEL. */
#include "kmdf/pnp_private.h"

/* ---- keys ---- */

static NTSTATUS open_device_key(PDEVICE_OBJECT pdo, struct ft_wdf_object *parent, ULONG type,
                                ACCESS_MASK access, PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *ret)
{
    HANDLE handle;
    NTSTATUS status = IoOpenDeviceRegistryKey(pdo, type, access, &handle);

    return NT_SUCCESS(status) ? ft_wdf_key_new(handle, parent, attributes, ret) : status;
}

NTSTATUS WdfFdoInitOpenRegistryKey(PWDFDEVICE_INIT DeviceInit, ULONG DeviceInstanceKeyType,
                                   ACCESS_MASK DesiredAccess, PWDF_OBJECT_ATTRIBUTES KeyAttributes,
                                   WDFKEY *Key)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    ft_wdf_init *init;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    init = ft_wdf_init_check(DeviceInit);
    ft_wdf_require(Key);
    *Key = NULL;
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = open_device_key(init->pdo, &init->driver->object, DeviceInstanceKeyType,
                                 DesiredAccess, KeyAttributes, Key);
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

/* ---- strings ---- */

NTSTATUS WdfDriverRetrieveVersionString(WDFDRIVER Driver, WDFSTRING String)
{
    static const UNICODE_STRING version =
        RTL_CONSTANT_STRING(L"Kernel Mode Driver Framework version 1.33");
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    ft_wdf_check(Driver, FT_HC_WDF_DRIVER);
    ft_wdf_check(String, FT_HC_WDF_STRING);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = ft_wdf_string_set(String, &version);
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

/* A device without a name has an empty one. */
NTSTATUS WdfDeviceRetrieveDeviceName(WDFDEVICE Device, WDFSTRING String)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_pnp *pnp;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    pnp = ft_wdf_pnp_of(ft_wdf_check(Device, FT_HC_WDF_DEVICE));
    ft_wdf_check(String, FT_HC_WDF_STRING);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = ft_wdf_string_set(String, &pnp->name.string);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}

static NTSTATUS interface_string(struct ft_wdf_pnp *pnp, const GUID *class_,
                                 PCUNICODE_STRING reference, WDFSTRING string)
{
    const struct ft_wdf_interface *interface = ft_wdf_interface_find(pnp, class_, reference);

    return interface ? ft_wdf_string_set(string, &interface->link) : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS WdfDeviceRetrieveDeviceInterfaceString(WDFDEVICE Device, CONST GUID *InterfaceClassGUID,
                                                PCUNICODE_STRING ReferenceString, WDFSTRING String)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_pnp *pnp;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    pnp = ft_wdf_pnp_of(ft_wdf_check(Device, FT_HC_WDF_DEVICE));
    ft_wdf_require(InterfaceClassGUID);
    ft_wdf_check(String, FT_HC_WDF_STRING);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = interface_string(pnp, InterfaceClassGUID, ReferenceString, String);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}
