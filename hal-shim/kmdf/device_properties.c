/* Device properties of the unified model: <= APC_LEVEL, and PASSIVE_LEVEL before the device is
 * made. A control device is not known to PnP and has none. */
#include "kmdf/pnp_private.h"

static NTSTATUS check(const WDF_DEVICE_PROPERTY_DATA *data, unsigned highest)
{
    if (data->Size != sizeof *data)
        return STATUS_INFO_LENGTH_MISMATCH;
    return ft_wdf_irql_ok(highest) ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
}

/* ---- into a buffer ---- */

static NTSTATUS query(PDEVICE_OBJECT pdo, const WDF_DEVICE_PROPERTY_DATA *data, ULONG bytes,
                      PVOID buffer, PULONG required, PDEVPROPTYPE type)
{
    DEVPROPTYPE found = DEVPROP_TYPE_EMPTY;
    ULONG length = 0;
    NTSTATUS status;

    *required = 0;
    *type = DEVPROP_TYPE_EMPTY;
    if (!pdo)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = IoGetDevicePropertyData(pdo, data->PropertyKey, data->Lcid, 0, bytes, buffer, &length,
                                     &found);
    if (NT_SUCCESS(status) || status == STATUS_BUFFER_TOO_SMALL) {
        *required = length;
        *type = found;
    }
    return status;
}

static NTSTATUS query_checked(PDEVICE_OBJECT pdo, const WDF_DEVICE_PROPERTY_DATA *data,
                              unsigned highest, ULONG bytes, PVOID buffer, PULONG required,
                              PDEVPROPTYPE type)
{
    NTSTATUS status = check(data, highest);

    if (!NT_SUCCESS(status))
        return status;
    ft_wdf_require(required);
    ft_wdf_require(type);
    if ((bytes == 0) != (buffer == NULL))
        return STATUS_INVALID_PARAMETER;
    return query(pdo, data, bytes, buffer, required, type);
}

NTSTATUS WdfDeviceQueryPropertyEx(WDFDEVICE Device, PWDF_DEVICE_PROPERTY_DATA DeviceProperty,
                                  ULONG BufferLength, PVOID PropertyBuffer, PULONG RequiredSize,
                                  PDEVPROPTYPE Type)
{
    struct ft_wdf_device *device;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_require(DeviceProperty);
    status = query_checked(device->pdo, DeviceProperty, APC_LEVEL, BufferLength, PropertyBuffer,
                           RequiredSize, Type);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}

NTSTATUS WdfFdoInitQueryPropertyEx(PWDFDEVICE_INIT DeviceInit,
                                   PWDF_DEVICE_PROPERTY_DATA DeviceProperty, ULONG BufferLength,
                                   PVOID PropertyBuffer, PULONG ResultLength, PDEVPROPTYPE Type)
{
    NTSTATUS status;
    ft_wdf_init *init;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    init = ft_wdf_init_check(DeviceInit);
    ft_wdf_require(DeviceProperty);
    status = query_checked(init->pdo, DeviceProperty, PASSIVE_LEVEL, BufferLength, PropertyBuffer,
                           ResultLength, Type);
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

/* ---- into memory of its own ---- */

/* Twice: how long it is, and the property itself. */
static NTSTATUS query_into_memory(PDEVICE_OBJECT pdo, const WDF_DEVICE_PROPERTY_DATA *data,
                                  POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES attributes,
                                  WDFMEMORY *memory, PDEVPROPTYPE type)
{
    DEVPROPTYPE found;
    ULONG length = 0;
    PVOID buffer;
    NTSTATUS status = ft_wdf_attributes_check(attributes, true);

    if (NT_SUCCESS(status))
        status = query(pdo, data, 0, NULL, &length, &found);
    if (status != STATUS_BUFFER_TOO_SMALL)
        return status;
    *type = DEVPROP_TYPE_EMPTY;
    status = WdfMemoryCreate(attributes, pool, 'LdfW', length, memory, &buffer);
    if (!NT_SUCCESS(status))
        return status;
    status = query(pdo, data, length, buffer, &length, &found);
    if (NT_SUCCESS(status)) {
        *type = found;
    } else {
        WdfObjectDelete(*memory);
        *memory = NULL;
    }
    return status;
}

static NTSTATUS alloc_checked(PDEVICE_OBJECT pdo, const WDF_DEVICE_PROPERTY_DATA *data,
                              unsigned highest, POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES attributes,
                              WDFMEMORY *memory, PDEVPROPTYPE type)
{
    NTSTATUS status = check(data, highest);

    if (!NT_SUCCESS(status))
        return status;
    ft_wdf_require(memory);
    ft_wdf_require(type);
    *memory = NULL;
    return query_into_memory(pdo, data, pool, attributes, memory, type);
}

NTSTATUS WdfDeviceAllocAndQueryPropertyEx(WDFDEVICE Device,
                                          PWDF_DEVICE_PROPERTY_DATA DeviceProperty,
                                          POOL_TYPE PoolType,
                                          PWDF_OBJECT_ATTRIBUTES PropertyMemoryAttributes,
                                          WDFMEMORY *PropertyMemory, PDEVPROPTYPE Type)
{
    struct ft_wdf_device *device;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_require(DeviceProperty);
    status = alloc_checked(device->pdo, DeviceProperty, APC_LEVEL, PoolType,
                           PropertyMemoryAttributes, PropertyMemory, Type);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}

NTSTATUS WdfFdoInitAllocAndQueryPropertyEx(PWDFDEVICE_INIT DeviceInit,
                                           PWDF_DEVICE_PROPERTY_DATA DeviceProperty,
                                           POOL_TYPE PoolType,
                                           PWDF_OBJECT_ATTRIBUTES PropertyMemoryAttributes,
                                           WDFMEMORY *PropertyMemory, PDEVPROPTYPE Type)
{
    NTSTATUS status;
    ft_wdf_init *init;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    init = ft_wdf_init_check(DeviceInit);
    ft_wdf_require(DeviceProperty);
    status = alloc_checked(init->pdo, DeviceProperty, PASSIVE_LEVEL, PoolType,
                           PropertyMemoryAttributes, PropertyMemory, Type);
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

/* ---- the other way ---- */

static NTSTATUS assign(PDEVICE_OBJECT pdo, const WDF_DEVICE_PROPERTY_DATA *data, DEVPROPTYPE type,
                       ULONG bytes, PVOID buffer)
{
    NTSTATUS status = check(data, APC_LEVEL);

    if (!NT_SUCCESS(status))
        return status;
    if (bytes == 0 && buffer)
        return STATUS_INVALID_PARAMETER;
    if (!pdo)
        return STATUS_INVALID_DEVICE_STATE;
    return IoSetDevicePropertyData(pdo, data->PropertyKey, data->Lcid, data->Flags, type, bytes,
                                   buffer);
}

/* No data: the property goes. */
NTSTATUS WdfDeviceAssignProperty(WDFDEVICE Device, PWDF_DEVICE_PROPERTY_DATA DeviceProperty,
                                 DEVPROPTYPE Type, ULONG Size, PVOID Data)
{
    struct ft_wdf_device *device;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_require(DeviceProperty);
    status = assign(device->pdo, DeviceProperty, Type, Size, Data);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}
