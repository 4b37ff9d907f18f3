/* Interfaces, symbolic links and properties of a device: PASSIVE_LEVEL. */
#include "kmdf/pnp_private.h"

/* `effect` sets `status` with `pnp` of the device, at PASSIVE_LEVEL only. */
#define CALL(handle, effect)                                                                       \
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;                                               \
    struct ft_wdf_pnp *pnp;                                                                        \
    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(handle));                                                \
    pnp = ft_wdf_pnp_of(ft_wdf_check(handle, FT_HC_WDF_DEVICE));                                   \
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))                                                             \
        status = effect;                                                                           \
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(handle));                                                  \
    return status

/* ---- device interfaces ---- */

static bool same_reference(const struct ft_wdf_interface *interface, PCUNICODE_STRING reference)
{
    return RtlEqualUnicodeString(&interface->reference.string, reference, TRUE);
}

struct ft_wdf_interface *ft_wdf_interface_find(struct ft_wdf_pnp *pnp, const GUID *class_,
                                               PCUNICODE_STRING reference)
{
    static const UNICODE_STRING none;

    for (unsigned i = 0; i < FT_WDF_INTERFACES; i++) {
        struct ft_wdf_interface *interface = &pnp->interface[i];

        if (!class_ ? !interface->link.Buffer
                    : interface->link.Buffer &&
                          memcmp(&interface->class_, class_, sizeof *class_) == 0 &&
                          same_reference(interface, reference ? reference : &none))
            return interface;
    }
    return NULL;
}

static NTSTATUS enable(struct ft_wdf_interface *interface, bool on)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (interface->enabled != on)
        status = IoSetDeviceInterfaceState(&interface->link, on);
    if (NT_SUCCESS(status))
        interface->enabled = on;
    return status;
}

NTSTATUS ft_wdf_interfaces_set(struct ft_wdf_pnp *pnp, bool on)
{
    NTSTATUS status = STATUS_SUCCESS;

    pnp->interfaces_on = on;
    for (unsigned i = 0; i < FT_WDF_INTERFACES && NT_SUCCESS(status); i++)
        if (pnp->interface[i].link.Buffer && pnp->interface[i].wanted)
            status = enable(&pnp->interface[i], on);
    return status;
}

/* An interface that is made when the device works already is enabled at once. */
static NTSTATUS create_interface(struct ft_wdf_pnp *pnp, const GUID *class_,
                                 PCUNICODE_STRING reference)
{
    struct ft_wdf_interface *interface = ft_wdf_interface_find(pnp, NULL, NULL);
    NTSTATUS status;

    if (ft_wdf_interface_find(pnp, class_, reference))
        return STATUS_SUCCESS;
    if (!interface || (reference && reference->Length >= sizeof interface->reference.text))
        return STATUS_INSUFFICIENT_RESOURCES;
    status = IoRegisterDeviceInterface(pnp->device->pdo, class_, (PUNICODE_STRING)reference,
                                       &interface->link);
    if (!NT_SUCCESS(status)) {
        interface->link.Buffer = NULL;
        return status;
    }
    interface->class_ = *class_;
    interface->reference.string.Buffer = interface->reference.text;
    interface->reference.string.Length = reference ? reference->Length : 0;
    if (reference)
        RtlCopyMemory(interface->reference.text, reference->Buffer, reference->Length);
    interface->wanted = 1;
    interface->enabled = 0;
    return pnp->interfaces_on ? enable(interface, true) : STATUS_SUCCESS;
}

NTSTATUS WdfDeviceCreateDeviceInterface(WDFDEVICE Device, CONST GUID *InterfaceClassGUID,
                                        PCUNICODE_STRING ReferenceString)
{
    ft_wdf_require(InterfaceClassGUID);
    CALL(Device, create_interface(pnp, InterfaceClassGUID, ReferenceString));
}

/* Before the device has started only the wish is noted. */
static NTSTATUS set_interface(struct ft_wdf_pnp *pnp, const GUID *class_,
                              PCUNICODE_STRING reference, bool on)
{
    struct ft_wdf_interface *interface = ft_wdf_interface_find(pnp, class_, reference);

    if (!interface)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    interface->wanted = on;
    return pnp->interfaces_on ? enable(interface, on) : STATUS_SUCCESS;
}

static NTSTATUS set_interface_state(WDFDEVICE Device, const GUID *class_,
                                    PCUNICODE_STRING reference, bool on)
{
    ft_wdf_require(class_);
    CALL(Device, set_interface(pnp, class_, reference, on));
}

VOID WdfDeviceSetDeviceInterfaceState(WDFDEVICE Device, CONST GUID *InterfaceClassGUID,
                                      PCUNICODE_STRING ReferenceString, BOOLEAN IsInterfaceEnabled)
{
    set_interface_state(Device, InterfaceClassGUID, ReferenceString, IsInterfaceEnabled != FALSE);
}

VOID WdfDeviceSetDeviceInterfaceStateEx(WDFDEVICE Device, CONST GUID *InterfaceClassGUID,
                                        PCUNICODE_STRING ReferenceString,
                                        BOOLEAN IsInterfaceEnabled)
{
    set_interface_state(Device, InterfaceClassGUID, ReferenceString, IsInterfaceEnabled != FALSE);
}

/* ---- symbolic links ---- */

static NTSTATUS create_link(struct ft_wdf_pnp *pnp, PCUNICODE_STRING link)
{
    WCHAR *copy;
    NTSTATUS status;

    if (pnp->name.string.Length == 0)
        return STATUS_INVALID_DEVICE_STATE;
    if (pnp->link_name.Buffer)
        return STATUS_INVALID_DEVICE_STATE;
    copy = ft_block_for_driver(link->Length, FT_HC_OTHER, 0);
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(copy, link->Buffer, link->Length);
    pnp->link_name =
        (UNICODE_STRING){.Length = link->Length, .MaximumLength = link->Length, .Buffer = copy};
    status = IoCreateSymbolicLink(&pnp->link_name, &pnp->name.string);
    if (!NT_SUCCESS(status)) {
        ft_block_free(copy);
        pnp->link_name.Buffer = NULL;
    }
    return status;
}

NTSTATUS WdfDeviceCreateSymbolicLink(WDFDEVICE Device, PCUNICODE_STRING SymbolicLinkName)
{
    ft_wdf_require(SymbolicLinkName);
    CALL(Device, create_link(pnp, SymbolicLinkName));
}

/* ---- properties ---- */

NTSTATUS WdfDeviceQueryProperty(WDFDEVICE Device, DEVICE_REGISTRY_PROPERTY DeviceProperty,
                                ULONG BufferLength, PVOID PropertyBuffer, PULONG ResultLength)
{
    ft_wdf_require(ResultLength);
    CALL(Device, IoGetDeviceProperty(pnp->device->pdo, DeviceProperty, BufferLength, PropertyBuffer,
                                     ResultLength));
}

/* Twice: how long it is, and the property itself. */
NTSTATUS ft_wdf_property_into_memory(PDEVICE_OBJECT pdo, DEVICE_REGISTRY_PROPERTY property,
                                     POOL_TYPE pool, PWDF_OBJECT_ATTRIBUTES attributes,
                                     WDFMEMORY *ret)
{
    ULONG length = 0;
    PVOID buffer;
    NTSTATUS status = IoGetDeviceProperty(pdo, property, 0, NULL, &length);

    if (status != STATUS_BUFFER_TOO_SMALL)
        return NT_SUCCESS(status) ? STATUS_UNSUCCESSFUL : status;
    status = WdfMemoryCreate(attributes, pool, 'LdfW', length, ret, &buffer);
    if (!NT_SUCCESS(status))
        return status;
    status = IoGetDeviceProperty(pdo, property, length, buffer, &length);
    if (!NT_SUCCESS(status)) {
        WdfObjectDelete(*ret);
        *ret = NULL;
    }
    return status;
}

NTSTATUS WdfDeviceAllocAndQueryProperty(WDFDEVICE Device, DEVICE_REGISTRY_PROPERTY DeviceProperty,
                                        POOL_TYPE PoolType,
                                        PWDF_OBJECT_ATTRIBUTES PropertyMemoryAttributes,
                                        WDFMEMORY *PropertyMemory)
{
    ft_wdf_require(PropertyMemory);
    *PropertyMemory = NULL;
    CALL(Device, ft_wdf_property_into_memory(pnp->device->pdo, DeviceProperty, PoolType,
                                             PropertyMemoryAttributes, PropertyMemory));
}

static NTSTATUS init_property(PWDFDEVICE_INIT init, DEVICE_REGISTRY_PROPERTY property, ULONG length,
                              PVOID buffer, PULONG result)
{
    ft_wdf_init_check(init);
    if (!ft_wdf_irql_ok(PASSIVE_LEVEL))
        return STATUS_INVALID_DEVICE_REQUEST;
    return IoGetDeviceProperty(init->pdo, property, length, buffer, result);
}

NTSTATUS WdfFdoInitQueryProperty(PWDFDEVICE_INIT DeviceInit,
                                 DEVICE_REGISTRY_PROPERTY DeviceProperty, ULONG BufferLength,
                                 PVOID PropertyBuffer, PULONG ResultLength)
{
    NTSTATUS status;

    ft_wdf_require(ResultLength);
    FT_WDF_BEGIN(WDF_DEVICE, 0);
    status = init_property(DeviceInit, DeviceProperty, BufferLength, PropertyBuffer, ResultLength);
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

NTSTATUS WdfFdoInitAllocAndQueryProperty(PWDFDEVICE_INIT DeviceInit,
                                         DEVICE_REGISTRY_PROPERTY DeviceProperty,
                                         POOL_TYPE PoolType,
                                         PWDF_OBJECT_ATTRIBUTES PropertyMemoryAttributes,
                                         WDFMEMORY *PropertyMemory)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    ft_wdf_init *init;

    ft_wdf_require(PropertyMemory);
    *PropertyMemory = NULL;
    FT_WDF_BEGIN(WDF_DEVICE, 0);
    init = ft_wdf_init_check(DeviceInit);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = ft_wdf_property_into_memory(init->pdo, DeviceProperty, PoolType,
                                             PropertyMemoryAttributes, PropertyMemory);
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

/* ---- interfaces of drivers below ---- */

NTSTATUS ft_wdf_query_interface(PDEVICE_OBJECT below, const GUID *type, PINTERFACE interface,
                                USHORT size, USHORT version, PVOID data)
{
    IO_STATUS_BLOCK result = {0};
    PIO_STACK_LOCATION location;
    NTSTATUS status;
    KEVENT done;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, below, NULL, 0, NULL, &done, &result);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    location = IoGetNextIrpStackLocation(irp);
    location->MinorFunction = IRP_MN_QUERY_INTERFACE;
    location->Parameters.QueryInterface.InterfaceType = type;
    location->Parameters.QueryInterface.Size = size;
    location->Parameters.QueryInterface.Version = version;
    location->Parameters.QueryInterface.Interface = interface;
    location->Parameters.QueryInterface.InterfaceSpecificData = data;
    status = IoCallDriver(below, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = result.Status;
    }
    return status;
}

/* To the top of the stack, as any driver in it would be asked. */
NTSTATUS WdfFdoQueryForInterface(WDFDEVICE Fdo, LPCGUID InterfaceType, PINTERFACE Interface,
                                 USHORT Size, USHORT Version, PVOID InterfaceSpecificData)
{
    ft_wdf_require(InterfaceType);
    ft_wdf_require(Interface);
    CALL(Fdo, ft_wdf_query_interface(pnp->device->fdo, InterfaceType, Interface, Size, Version,
                                     InterfaceSpecificData));
}

/* ---- capabilities: what the bus says of the device ---- */

NTSTATUS ft_wdf_ask_capabilities(PDEVICE_OBJECT top, PDEVICE_CAPABILITIES caps)
{
    IO_STATUS_BLOCK result = {0};
    NTSTATUS status;
    KEVENT done;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, top, NULL, 0, NULL, &done, &result);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(caps, sizeof *caps);
    caps->Size = sizeof *caps;
    caps->Version = 1;
    caps->Address = caps->UINumber = (ULONG)-1;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(irp)->MinorFunction = IRP_MN_QUERY_CAPABILITIES;
    IoGetNextIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities = caps;
    status = IoCallDriver(top, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = result.Status;
    }
    return status;
}

NTSTATUS ft_wdf_read_capabilities(struct ft_wdf_pnp *pnp)
{
    const struct ft_wdf_device *device = pnp->device;

    return ft_wdf_ask_capabilities(device->below ? device->below : device->fdo, &pnp->caps);
}
