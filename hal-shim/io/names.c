/* Names: of device objects, and symbolic links to them (nf-wdm-iocreatedevice,
 * -iocreatesymboliclink, -iodeletesymboliclink). Compared without regard to case, as the object
 * manager does.
 *
 * Not modelled: directories of the namespace, security.
 */
#include "io/io_private.h"

#include <string.h>

static WCHAR upper(WCHAR c)
{
    return c >= 'a' && c <= 'z' ? (WCHAR)(c - 'a' + 'A') : c;
}

bool ft_name_equal(const UNICODE_STRING *a, const UNICODE_STRING *b)
{
    if (a->Length != b->Length)
        return false;
    for (unsigned i = 0; i < a->Length / sizeof(WCHAR); i++)
        if (upper(a->Buffer[i]) != upper(b->Buffer[i]))
            return false;
    return true;
}

struct ft_name *ft_name_new(const UNICODE_STRING *text, enum ft_handle_class class_)
{
    struct ft_name *name = ft_block_for_driver(sizeof *name + text->Length, class_, 0);

    if (!name)
        return NULL;
    name->text.Length = name->text.MaximumLength = text->Length;
    name->text.Buffer = name->characters;
    memcpy(name->characters, text->Buffer, text->Length);
    return name;
}

struct ft_name **ft_name_find(void **list, const UNICODE_STRING *text)
{
    struct ft_name **at = (struct ft_name **)list;

    while (*at && !ft_name_equal(&(*at)->text, text))
        at = &(*at)->next;
    return at;
}

/* ---- devices ---- */

static const UNICODE_STRING *name_of(PDEVICE_OBJECT device)
{
    const struct ft_name *name = ft_device_private(device)->name;

    return name ? &name->text : NULL;
}

/* Among the devices of that driver. */
static PDEVICE_OBJECT find_device(const DRIVER_OBJECT *driver, const UNICODE_STRING *text)
{
    PDEVICE_OBJECT device = driver->DeviceObject;

    while (device && (!name_of(device) || !ft_name_equal(name_of(device), text)))
        device = device->NextDevice;
    return device;
}

NTSTATUS ft_device_name(PDEVICE_OBJECT device, const UNICODE_STRING *text)
{
    if (find_device(device->DriverObject, text))
        return STATUS_OBJECT_NAME_COLLISION;
    ft_device_private(device)->name = ft_name_new(text, FT_HC_OTHER);
    return ft_device_private(device)->name ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* ---- symbolic links ---- */

/* A name and, behind it in the same block, where it leads. */
static NTSTATUS create_link(const UNICODE_STRING *text, const UNICODE_STRING *target)
{
    struct ft_name **at = ft_name_find(&FT_IO->links, text), *link;
    UNICODE_STRING both = {.Length = text->Length};

    if (*at)
        return STATUS_OBJECT_NAME_COLLISION;
    link = ft_block_for_driver(sizeof *link + text->Length + target->Length, FT_HC_OTHER, 0);
    if (!link)
        return STATUS_INSUFFICIENT_RESOURCES;
    both.MaximumLength = text->Length;
    both.Buffer = link->characters;
    link->text = both;
    link->target = (UNICODE_STRING){.Length = target->Length,
                                    .MaximumLength = target->Length,
                                    .Buffer = link->characters + text->Length / sizeof(WCHAR)};
    memcpy(link->text.Buffer, text->Buffer, text->Length);
    memcpy(link->target.Buffer, target->Buffer, target->Length);
    *at = link;
    FT_IO->link_count++;
    return STATUS_SUCCESS;
}

static NTSTATUS delete_link(const UNICODE_STRING *text)
{
    struct ft_name **at = ft_name_find(&FT_IO->links, text), *gone = *at;

    if (!gone)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *at = gone->next;
    ft_block_free(gone);
    FT_IO->link_count--;
    return STATUS_SUCCESS;
}

/* target NULL: it is deleted. */
static NTSTATUS link(const UNICODE_STRING *text, const UNICODE_STRING *target)
{
    NTSTATUS status = target ? create_link(text, target) : delete_link(text);

    ft_emit(FT_EV_SYMBOLIC_LINK, target != NULL, (uint32_t)status, FT_IO->link_count);
    return status;
}

NTSTATUS IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    NTSTATUS status;

    FT_DDI_BEGIN(INTERFACE, 0);
    status = link(SymbolicLinkName, DeviceName);
    FT_DDI_END(INTERFACE, 0);
    return status;
}

NTSTATUS IoCreateUnprotectedSymbolicLink(PUNICODE_STRING SymbolicLinkName,
                                         PUNICODE_STRING DeviceName)
{
    NTSTATUS status;

    FT_DDI_BEGIN(INTERFACE, 0);
    status = link(SymbolicLinkName, DeviceName);
    FT_DDI_END(INTERFACE, 0);
    return status;
}

NTSTATUS IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName)
{
    NTSTATUS status;

    FT_DDI_BEGIN(INTERFACE, 0);
    status = link(SymbolicLinkName, NULL);
    FT_DDI_END(INTERFACE, 0);
    return status;
}
