/* Device interfaces (nf-wdm-ioregisterdeviceinterface, -iosetdeviceinterfacestate,
 * -iogetdeviceinterfaces).
 *
 * An interface is its symbolic link name: the device's identity, the class, and the reference
 * string if there is one. It stays registered when the device goes, as in the registry.
 */
#include "io/io_private.h"

#include <stdio.h>
#include <string.h>

enum { TAG_INTERFACE = 0x66496F49, NAME_CHARS = 200, INCLUDE_INACTIVE = 1 };

struct built_name {
    UNICODE_STRING text;
    WCHAR characters[NAME_CHARS];
};

static void append(struct built_name *name, const char *text)
{
    for (; *text && name->text.Length / sizeof(WCHAR) < NAME_CHARS; text++) {
        name->characters[name->text.Length / sizeof(WCHAR)] = (WCHAR)(unsigned char)*text;
        name->text.Length += sizeof(WCHAR);
    }
}

static void append_class(struct built_name *name, const GUID *class_)
{
    char text[48];

    snprintf(text, sizeof text, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
             (unsigned)class_->Data1, class_->Data2, class_->Data3, class_->Data4[0],
             class_->Data4[1], class_->Data4[2], class_->Data4[3], class_->Data4[4],
             class_->Data4[5], class_->Data4[6], class_->Data4[7]);
    append(name, text);
}

static void build_name(struct built_name *name, const GUID *class_, const UNICODE_STRING *reference)
{
    *name = (struct built_name){.text.Buffer = name->characters};
    append(name, "\\??\\");
    append(name, ft_world_module()->description->name);
    append(name, FT_DEV->number ? "#1#" : "#0#");
    append_class(name, class_);
    if (!reference || !reference->Length)
        return;
    append(name, "\\");
    for (unsigned i = 0; i < reference->Length / sizeof(WCHAR); i++)
        append(name, (char[]){(char)reference->Buffer[i], 0});
}

/* A copy in pool, as RtlFreeUnicodeString expects it. */
static bool give_name(PUNICODE_STRING ret, const UNICODE_STRING *text)
{
    PWSTR copy = ExAllocatePoolWithTag(PagedPool, text->Length + sizeof(WCHAR), TAG_INTERFACE);

    if (!copy)
        return false;
    memcpy(copy, text->Buffer, text->Length);
    copy[text->Length / sizeof(WCHAR)] = 0;
    *ret = (UNICODE_STRING){text->Length, (USHORT)(text->Length + sizeof(WCHAR)), copy};
    return true;
}

static NTSTATUS register_interface(PDEVICE_OBJECT device, const GUID *class_,
                                   const UNICODE_STRING *reference, PUNICODE_STRING ret)
{
    struct built_name built;
    struct ft_name **at;

    if (device != FT_DEV->pdo)
        return STATUS_INVALID_DEVICE_REQUEST;
    build_name(&built, class_, reference);
    at = ft_name_find(&FT_IO->interfaces, &built.text);
    if (!*at)
        *at = ft_name_new(&built.text, FT_HC_INTERFACE);
    if (!*at)
        return STATUS_INSUFFICIENT_RESOURCES;
    (*at)->class_ = *class_;
    (*at)->device = FT_DEV->number;
    return give_name(ret, &built.text) ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static uint64_t handle_of_name(const UNICODE_STRING *text)
{
    return text ? ft_block_handle(*ft_name_find(&FT_IO->interfaces, text)) : 0;
}

/* Pool of the I/O manager's own on the driver's behalf: layer SYSTEM. */
NTSTATUS IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject,
                                   CONST GUID *InterfaceClassGuid, PUNICODE_STRING ReferenceString,
                                   PUNICODE_STRING SymbolicLinkName)
{
    struct ft_focus was;
    NTSTATUS status;
    uint8_t layer;

    FT_DDI_BEGIN(INTERFACE, 0);
    was = ft_focus_on_owner(PhysicalDeviceObject);
    layer = ft_layer_set(FT_LAYER_SYSTEM);
    status = register_interface(PhysicalDeviceObject, InterfaceClassGuid, ReferenceString,
                                SymbolicLinkName);
    ft_layer_set(layer);
    ft_emit(FT_EV_INTERFACE_NEW, NT_SUCCESS(status) ? handle_of_name(SymbolicLinkName) : 0,
            (uint32_t)status);
    ft_focus_back(was);
    FT_DDI_END(INTERFACE, 0);
    return status;
}

static NTSTATUS set_state(const UNICODE_STRING *text, bool enable)
{
    struct ft_name *name = text && text->Buffer ? *ft_name_find(&FT_IO->interfaces, text) : NULL;

    if (!text || !text->Buffer)
        return STATUS_INVALID_PARAMETER;
    if (!name || (!enable && !name->enabled))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (enable && name->enabled)
        return STATUS_OBJECT_NAME_EXISTS;
    name->enabled = enable;
    return STATUS_SUCCESS;
}

NTSTATUS IoSetDeviceInterfaceState(PUNICODE_STRING SymbolicLinkName, BOOLEAN Enable)
{
    NTSTATUS status;

    FT_DDI_BEGIN(INTERFACE, 0);
    status = set_state(SymbolicLinkName, Enable != 0);
    ft_emit(FT_EV_INTERFACE_STATE,
            SymbolicLinkName && SymbolicLinkName->Buffer ? handle_of_name(SymbolicLinkName) : 0,
            Enable != 0, (uint32_t)status);
    FT_DDI_END(INTERFACE, 0);
    return status;
}

/* device NULL: of any. */
struct wanted {
    const GUID *class_;
    const struct ft_io_device *device;
    ULONG flags;
};

static bool is_wanted(const struct ft_name *name, const struct wanted *wanted)
{
    return memcmp(&name->class_, wanted->class_, sizeof name->class_) == 0 &&
           (name->enabled || (wanted->flags & INCLUDE_INACTIVE)) &&
           (!wanted->device || name->device == wanted->device->number);
}

/* Names, one after the other, and an empty one; NULL when there is no pool. */
static PWSTR list_interfaces(const struct wanted *wanted)
{
    size_t bytes = sizeof(WCHAR);
    PWSTR list, at;

    for (struct ft_name *name = FT_IO->interfaces; name; name = name->next)
        bytes += is_wanted(name, wanted) ? name->text.Length + sizeof(WCHAR) : 0;
    list = at = ExAllocatePoolWithTag(PagedPool, bytes, TAG_INTERFACE);
    if (!list)
        return NULL;
    for (struct ft_name *name = FT_IO->interfaces; name; name = name->next) {
        if (!is_wanted(name, wanted))
            continue;
        memcpy(at, name->text.Buffer, name->text.Length);
        at += name->text.Length / sizeof(WCHAR);
        *at++ = 0;
    }
    *at = 0;
    return list;
}

NTSTATUS IoGetDeviceInterfaces(CONST GUID *InterfaceClassGuid, PDEVICE_OBJECT PhysicalDeviceObject,
                               ULONG Flags, PZZWSTR *SymbolicLinkList)
{
    struct wanted wanted = {.class_ = InterfaceClassGuid, .flags = Flags};
    NTSTATUS status = STATUS_SUCCESS;
    uint8_t layer;

    FT_DDI_BEGIN(INTERFACE, 0);
    layer = ft_layer_set(FT_LAYER_SYSTEM);
    *SymbolicLinkList = NULL;
    if (PhysicalDeviceObject)
        wanted.device = ft_device_owning(PhysicalDeviceObject);
    if (PhysicalDeviceObject && !ft_is_pdo(PhysicalDeviceObject))
        status = STATUS_INVALID_DEVICE_REQUEST;
    else
        *SymbolicLinkList = list_interfaces(&wanted);
    if (NT_SUCCESS(status) && !*SymbolicLinkList)
        status = STATUS_INSUFFICIENT_RESOURCES;
    ft_layer_set(layer);
    FT_DDI_END(INTERFACE, 0);
    return status;
}
