/* What a driver asks an I/O target's stack: properties and interfaces. PASSIVE_LEVEL. */
#include "kmdf/pnp_private.h"
#include "kmdf/requests.h"

static NTSTATUS query_property(PDEVICE_OBJECT pdo, DEVICE_REGISTRY_PROPERTY property, ULONG bytes,
                               PVOID buffer, PULONG result)
{
    if (!pdo)
        return STATUS_INVALID_DEVICE_REQUEST;
    return IoGetDeviceProperty(pdo, property, bytes, buffer, result);
}

NTSTATUS WdfIoTargetQueryTargetProperty(WDFIOTARGET IoTarget,
                                        DEVICE_REGISTRY_PROPERTY DeviceProperty, ULONG BufferLength,
                                        PVOID PropertyBuffer, PULONG ResultLength)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_target *target;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_check(IoTarget, FT_HC_WDF_TARGET);
    ft_wdf_require(ResultLength);
    if (BufferLength > 0)
        ft_wdf_require(PropertyBuffer);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status =
            query_property(target->pdo, DeviceProperty, BufferLength, PropertyBuffer, ResultLength);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return status;
}

NTSTATUS WdfIoTargetAllocAndQueryTargetProperty(WDFIOTARGET IoTarget,
                                                DEVICE_REGISTRY_PROPERTY DeviceProperty,
                                                POOL_TYPE PoolType,
                                                PWDF_OBJECT_ATTRIBUTES PropertyMemoryAttributes,
                                                WDFMEMORY *PropertyMemory)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_target *target;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_check(IoTarget, FT_HC_WDF_TARGET);
    ft_wdf_require(PropertyMemory);
    *PropertyMemory = NULL;
    if (ft_wdf_irql_ok(PASSIVE_LEVEL)) {
        status = ft_wdf_attributes_check(PropertyMemoryAttributes, true);
        if (NT_SUCCESS(status))
            status = target->pdo
                         ? ft_wdf_property_into_memory(target->pdo, DeviceProperty, PoolType,
                                                       PropertyMemoryAttributes, PropertyMemory)
                         : STATUS_INVALID_DEVICE_REQUEST;
    }
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return status;
}

/* The question goes to the top of the target's stack. */
static NTSTATUS query_interface(struct ft_wdf_target *target, const GUID *type,
                                PINTERFACE interface, USHORT size, USHORT version, PVOID data)
{
    PDEVICE_OBJECT top;
    NTSTATUS status;

    if (!target->below)
        return STATUS_INVALID_DEVICE_STATE;
    top = IoGetAttachedDeviceReference(target->below);
    status = ft_wdf_query_interface(top, type, interface, size, version, data);
    ObDereferenceObject(top);
    return status;
}

/* Of a target that is closed the framework would use a device object that is not there; here it is
 * refused. */
NTSTATUS WdfIoTargetQueryForInterface(WDFIOTARGET IoTarget, LPCGUID InterfaceType,
                                      PINTERFACE Interface, USHORT Size, USHORT Version,
                                      PVOID InterfaceSpecificData)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_target *target;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    target = ft_wdf_check(IoTarget, FT_HC_WDF_TARGET);
    ft_wdf_require(InterfaceType);
    ft_wdf_require(Interface);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status =
            query_interface(target, InterfaceType, Interface, Size, Version, InterfaceSpecificData);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return status;
}
