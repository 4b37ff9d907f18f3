/* Files that a driver opens by name (nf-wdm-zwcreatefile, -zwopenfile): devices of this machine.
 * The file object gets CREATE with the opening, CLEANUP with its last handle and CLOSE with its
 * last reference.
 *
 * Not modelled: files of a file system, at whose names the run stops; security, extended
 * attributes, exclusive devices.
 */
#include "io/io_private.h"
#include "kernel/handles.h"

#include <string.h>

/* A drive, or the system's own directory. */
static bool is_of_file_system(const UNICODE_STRING *name)
{
    static const WCHAR root[] = L"\\SystemRoot";
    unsigned length = name->Length / sizeof(WCHAR);

    if (name->Length >= sizeof root - sizeof *root &&
        ft_name_equal(
            &(UNICODE_STRING){.Length = sizeof root - sizeof *root,
                              .Buffer = (PWSTR)(uintptr_t)root},
            &(UNICODE_STRING){.Length = sizeof root - sizeof *root, .Buffer = name->Buffer}))
        return true;
    for (unsigned i = 2; i < length; i++)
        if (name->Buffer[i] == ':' && name->Buffer[i - 2] == '\\')
            return true;
    return false;
}

/* How much of `name` is `prefix`: all of it, or up to a backslash; 0: it is another name. */
static unsigned matched(const UNICODE_STRING *name, const UNICODE_STRING *prefix)
{
    UNICODE_STRING begin = {.Length = prefix->Length, .Buffer = name->Buffer};

    if (prefix->Length == 0 || name->Length < prefix->Length || !ft_name_equal(&begin, prefix))
        return 0;
    if (name->Length > prefix->Length && name->Buffer[prefix->Length / sizeof(WCHAR)] != '\\')
        return 0;
    return prefix->Length;
}

/* *rest: what stands behind the device's name. */
static PDEVICE_OBJECT find_named(const UNICODE_STRING *name, UNICODE_STRING *rest)
{
    const DRIVER_OBJECT *driver = FT_IO->driver;
    unsigned bytes = 0;
    PDEVICE_OBJECT device;

    for (device = driver ? driver->DeviceObject : NULL; device; device = device->NextDevice) {
        const struct ft_name *own = ft_device_private(device)->name;

        bytes = own ? matched(name, &own->text) : 0;
        if (bytes > 0)
            break;
    }
    if (!device) {
        device = ft_pdo_named(name);
        bytes = device ? name->Length : 0;
    }
    rest->Buffer = name->Buffer + bytes / sizeof(WCHAR);
    rest->Length = (USHORT)(name->Length - bytes);
    return device;
}

/* An interface leads to the device while it is enabled, a link to what it was made for. */
static PDEVICE_OBJECT find(const UNICODE_STRING *name, UNICODE_STRING *rest)
{
    for (struct ft_name *at = FT_IO->interfaces; at; at = at->next) {
        unsigned bytes = at->enabled ? matched(name, &at->text) : 0;

        if (bytes == 0)
            continue;
        rest->Buffer = name->Buffer + bytes / sizeof(WCHAR);
        rest->Length = (USHORT)(name->Length - bytes);
        return ft_device_numbered(at->device)->pdo;
    }
    for (struct ft_name *at = FT_IO->links; at; at = at->next) {
        unsigned bytes = matched(name, &at->text);
        UNICODE_STRING none;

        if (bytes == 0)
            continue;
        rest->Buffer = name->Buffer + bytes / sizeof(WCHAR);
        rest->Length = (USHORT)(name->Length - bytes);
        return find_named(&at->target, &none);
    }
    return find_named(name, rest);
}

static NTSTATUS create(PHANDLE handle, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes,
                       const struct ft_file_how *how)
{
    const UNICODE_STRING *name = attributes->ObjectName;
    UNICODE_STRING rest = {0};
    PDEVICE_OBJECT device;
    PFILE_OBJECT file;
    NTSTATUS status;

    if (!name || name->Length == 0 || attributes->RootDirectory)
        return STATUS_OBJECT_NAME_INVALID;
    device = find(name, &rest);
    if (!device && is_of_file_system(name))
        ft_unimplemented("ZwCreateFile of a file");
    if (!device)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (device->Flags & DO_DEVICE_INITIALIZING)
        return STATUS_NO_SUCH_DEVICE;
    status = ft_file_open_handle(device, &rest, how, &file);
    if (!NT_SUCCESS(status))
        return status;
    *handle = ft_handle_open(file, access);
    ft_object_put(file);
    return *handle ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS create_file(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes,
                            PIO_STATUS_BLOCK result, const struct ft_file_how *how)
{
    enum { OPENED = 1 };
    NTSTATUS status;

    FT_DDI_BEGIN(OBJECT, 0);
    *handle = NULL;
    status = create(handle, access, attributes, how);
    result->Status = status;
    result->Information = NT_SUCCESS(status) ? OPENED : 0;
    FT_DDI_END(OBJECT, 0);
    return status;
}

NTSTATUS ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                      POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                      PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength)
{
    const struct ft_file_how how = {.options =
                                        CreateDisposition << 24 | (CreateOptions & 0x00FFFFFF),
                                    .attributes = (USHORT)FileAttributes,
                                    .share = (USHORT)ShareAccess,
                                    .ea = EaBuffer,
                                    .ea_bytes = EaLength};

    (void)AllocationSize;
    return create_file(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, &how);
}

NTSTATUS ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                    POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                    ULONG ShareAccess, ULONG OpenOptions)
{
    const struct ft_file_how how = {.options = (ULONG)FILE_OPEN << 24 | (OpenOptions & 0x00FFFFFF),
                                    .share = (USHORT)ShareAccess};

    return create_file(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, &how);
}
