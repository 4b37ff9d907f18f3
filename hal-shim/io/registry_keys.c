/* The registry keys that belong to a device or an interface of it. */
#include "io/io_private.h"

#include "kernel/registry.h"

enum { DEPTH = 64 };

#define HARDWARE_PATH                                                                              \
    L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\FT\\Device\\Device Parameters"
#define HARDWARE_PATH_2                                                                            \
    L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\FT\\Device2\\Device Parameters"
#define SOFTWARE_PATH_2 L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\FT\\0001"
#define SOFTWARE_PATH   L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\FT\\0000"
#define INTERFACES_PATH L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses"

static NTSTATUS open_device_key(PDEVICE_OBJECT device, ULONG type, ACCESS_MASK access,
                                PHANDLE handle)
{
    const UNICODE_STRING *path;

    *handle = NULL;
    if (device != FT_DEV->pdo)
        return STATUS_INVALID_DEVICE_REQUEST;
    switch (type & ~(ULONG)PLUGPLAY_REGKEY_CURRENT_HWPROFILE) {
    case PLUGPLAY_REGKEY_DEVICE:
        path = FT_DEV->number ? FT_WIDE(HARDWARE_PATH_2) : FT_WIDE(HARDWARE_PATH);
        break;
    case PLUGPLAY_REGKEY_DRIVER:
        path = FT_DEV->number ? FT_WIDE(SOFTWARE_PATH_2) : FT_WIDE(SOFTWARE_PATH);
        break;
    default:
        return STATUS_INVALID_PARAMETER;
    }
    return ft_key_open(ft_key_make(NULL, path, DEPTH), access, handle);
}

/* Not modelled: keys of a hardware profile of their own. */
NTSTATUS IoOpenDeviceRegistryKey(PDEVICE_OBJECT DeviceObject, ULONG DevInstKeyType,
                                 ACCESS_MASK DesiredAccess, PHANDLE DeviceRegKey)
{
    struct ft_focus was;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    was = ft_focus_on_owner(DeviceObject);
    status = ft_registry_told(FT_REGISTRY_OPEN, open_device_key(DeviceObject, DevInstKeyType,
                                                                DesiredAccess, DeviceRegKey));
    ft_focus_back(was);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

/* Where the system keeps what a driver writes is not documented; it is a key beside Parameters. */
static NTSTATUS open_driver_key(PDRIVER_OBJECT driver, DRIVER_REGKEY_TYPE type, ACCESS_MASK access,
                                PHANDLE handle)
{
    static const WCHAR *const names[] = {[DriverRegKeyParameters] = L"Parameters",
                                         [DriverRegKeyPersistentState] = L"State",
                                         [DriverRegKeySharedPersistentState] = L"SharedState"};
    struct ft_key *service = ft_key_make(NULL, FT_IO->registry_path, DEPTH);
    UNICODE_STRING name;

    *handle = NULL;
    if (driver != FT_IO->driver || type < DriverRegKeyParameters ||
        type > DriverRegKeySharedPersistentState)
        return STATUS_INVALID_PARAMETER;
    if (!service)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlInitUnicodeString(&name, names[type]);
    return ft_key_open(ft_key_make(service, &name, 1), access, handle);
}

NTSTATUS IoOpenDriverRegistryKey(PDRIVER_OBJECT DriverObject, DRIVER_REGKEY_TYPE RegKeyType,
                                 ACCESS_MASK DesiredAccess, ULONG Flags, PHANDLE DriverRegKey)
{
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    status = Flags ? STATUS_INVALID_PARAMETER
                   : open_driver_key(DriverObject, RegKeyType, DesiredAccess, DriverRegKey);
    status = ft_registry_told(FT_REGISTRY_OPEN, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

/* The link's name is one component of the path: # stands for what would part it. */
static NTSTATUS open_interface_key(const UNICODE_STRING *link, ACCESS_MASK access, PHANDLE handle)
{
    struct ft_key *classes = ft_key_make(NULL, FT_WIDE(INTERFACES_PATH), DEPTH);
    WCHAR text[128];
    UNICODE_STRING name = {.Length = link->Length, .Buffer = text};

    *handle = NULL;
    if (link->Length == 0 || link->Length > sizeof text)
        return STATUS_OBJECT_NAME_INVALID;
    for (unsigned i = 0; i < link->Length / sizeof(WCHAR); i++)
        text[i] = link->Buffer[i] == '\\' ? '#' : link->Buffer[i];
    return classes ? ft_key_open(ft_key_make(classes, &name, 1), access, handle)
                   : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS IoOpenDeviceInterfaceRegistryKey(PUNICODE_STRING SymbolicLinkName,
                                          ACCESS_MASK DesiredAccess, PHANDLE DeviceInterfaceKey)
{
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    status = ft_registry_told(
        FT_REGISTRY_OPEN, open_interface_key(SymbolicLinkName, DesiredAccess, DeviceInterfaceKey));
    FT_DDI_END(REGISTRY, 0);
    return status;
}
