/* The registry keys of a driver and of its devices. */
#include "kmdf/pnp_private.h"

/* "Parameters" below the driver's own key; it is made when it is not there. */
static NTSTATUS open_parameters(const struct ft_wdf_driver *driver, ACCESS_MASK access,
                                PHANDLE handle)
{
    DECLARE_CONST_UNICODE_STRING(name, L"Parameters");
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING path;
    HANDLE service;
    NTSTATUS status;

    RtlInitUnicodeString(&path, driver->registry_path);
    InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    status = ZwOpenKey(&service, KEY_CREATE_SUB_KEY, &attributes);
    if (!NT_SUCCESS(status))
        return status;
    InitializeObjectAttributes(&attributes, (PUNICODE_STRING)(ULONG_PTR)&name,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, service, NULL);
    status = ZwCreateKey(handle, access, &attributes, 0, NULL, REG_OPTION_NON_VOLATILE, NULL);
    ZwClose(service);
    return status;
}

static NTSTATUS open_key(WDFDRIVER handle, bool persistent, ACCESS_MASK access,
                         const WDF_OBJECT_ATTRIBUTES *attributes, WDFKEY *ret)
{
    struct ft_wdf_driver *driver = ft_wdf_check(handle, FT_HC_WDF_DRIVER);
    NTSTATUS status;
    HANDLE key;

    ft_wdf_require(ret);
    *ret = NULL;
    if (!ft_wdf_irql_ok(PASSIVE_LEVEL))
        return STATUS_INVALID_DEVICE_REQUEST;
    status = ft_wdf_attributes_check(attributes, true);
    if (!NT_SUCCESS(status))
        return status;
    if (persistent)
        status =
            IoOpenDriverRegistryKey(driver->driver, DriverRegKeyPersistentState, access, 0, &key);
    else
        status = open_parameters(driver, access, &key);
    return NT_SUCCESS(status) ? ft_wdf_key_new(key, &driver->object, attributes, ret) : status;
}

NTSTATUS WdfDriverOpenParametersRegistryKey(WDFDRIVER Driver, ACCESS_MASK DesiredAccess,
                                            PWDF_OBJECT_ATTRIBUTES KeyAttributes, WDFKEY *Key)
{
    FT_WDF_RETURN(NTSTATUS, WDF_OBJECT, 0,
                  open_key(Driver, false, DesiredAccess, KeyAttributes, Key));
}

NTSTATUS WdfDriverOpenPersistentStateRegistryKey(WDFDRIVER Driver, ACCESS_MASK DesiredAccess,
                                                 PWDF_OBJECT_ATTRIBUTES KeyAttributes, WDFKEY *Key)
{
    FT_WDF_RETURN(NTSTATUS, WDF_OBJECT, 0,
                  open_key(Driver, true, DesiredAccess, KeyAttributes, Key));
}

/* A volatile key below HKLM/Hardware/DeviceMap; it is made when it is not there. */
static NTSTATUS open_map(PCUNICODE_STRING name, ACCESS_MASK access, PHANDLE handle)
{
    WCHAR text[256] = L"\\REGISTRY\\MACHINE\\HARDWARE\\DEVICEMAP\\";
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING path;
    NTSTATUS status;

    RtlInitUnicodeString(&path, text);
    path.MaximumLength = sizeof text;
    status = RtlAppendUnicodeStringToString(&path, name);
    if (!NT_SUCCESS(status))
        return status;
    InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return ZwCreateKey(handle, access, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
}

static NTSTATUS open_device_map(struct ft_wdf_device *device, PCUNICODE_STRING name,
                                ACCESS_MASK access, PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *key)
{
    HANDLE handle;
    NTSTATUS status;

    if (name->Length % sizeof(WCHAR) || name->Length > name->MaximumLength || name->Length == 0 ||
        !name->Buffer)
        return STATUS_INVALID_PARAMETER;
    if (!ft_wdf_irql_ok(PASSIVE_LEVEL))
        return STATUS_INVALID_DEVICE_REQUEST;
    status = ft_wdf_attributes_check(attributes, false);
    if (NT_SUCCESS(status))
        status = open_map(name, access, &handle);
    if (NT_SUCCESS(status))
        status = ft_wdf_key_new(handle, &device->object, attributes, key);
    return status;
}

NTSTATUS WdfDeviceOpenDevicemapKey(WDFDEVICE Device, PCUNICODE_STRING KeyName,
                                   ACCESS_MASK DesiredAccess, PWDF_OBJECT_ATTRIBUTES KeyAttributes,
                                   WDFKEY *Key)
{
    struct ft_wdf_device *device;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_require(Key);
    ft_wdf_require(KeyName);
    *Key = NULL;
    status = open_device_map(device, KeyName, DesiredAccess, KeyAttributes, Key);
    FT_WDF_END(WDF_OBJECT, ft_wdf_label(Device));
    return status;
}

/* DeviceInstanceKeyType: as for IoOpenDeviceRegistryKey. */
NTSTATUS WdfDeviceOpenRegistryKey(WDFDEVICE Device, ULONG DeviceInstanceKeyType,
                                  ACCESS_MASK DesiredAccess, PWDF_OBJECT_ATTRIBUTES KeyAttributes,
                                  WDFKEY *Key)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_device *device;
    HANDLE handle;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_require(Key);
    *Key = NULL;
    if (ft_wdf_irql_ok(PASSIVE_LEVEL) && device->pdo) {
        status = ft_wdf_attributes_check(KeyAttributes, true);
        if (NT_SUCCESS(status))
            status =
                IoOpenDeviceRegistryKey(device->pdo, DeviceInstanceKeyType, DesiredAccess, &handle);
        if (NT_SUCCESS(status))
            status = ft_wdf_key_new(handle, &device->object, KeyAttributes, Key);
    }
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}
