/* Device properties of the unified model (nf-wdm-iogetdevicepropertydata,
 * -iosetdevicepropertydata): what is set is kept with the device, one entry for each key and
 * locale; what nobody has set and belongs to the system's own category is answered as
 * IoGetDeviceProperty does.
 *
 * Not modelled: that properties without PLUGPLAY_PROPERTY_PERSISTENT end with the system, since no
 * run outlives it.
 */
#include "io/io_private.h"

#include <string.h>

/* Added to the number of a key, as the event tells it. */
enum { GOT = 0x10000, SET = 0x20000 };

struct property {
    struct property *next;
    DEVPROPKEY key;
    LCID locale;
    DEVPROPTYPE type;
    ULONG bytes;
    unsigned char data[];
};

static struct property **find(const DEVPROPKEY *key, LCID locale)
{
    struct property **at = (struct property **)(void *)&FT_DEV->properties;

    while (*at && (memcmp(&(*at)->key.fmtid, &key->fmtid, sizeof(GUID)) != 0 ||
                   (*at)->key.pid != key->pid || (*at)->locale != locale))
        at = &(*at)->next;
    return at;
}

/* ---- the system's own ---- */

static const GUID device_category = {
    0xa45c254e, 0xdf1c, 0x4efd, {0x80, 0x20, 0x67, 0xd1, 0x46, 0xa8, 0x50, 0xe0}};

/* Keys of that category, and what they are as DEVICE_REGISTRY_PROPERTY. */
static const struct {
    DEVPROPID pid;
    DEVICE_REGISTRY_PROPERTY property;
    DEVPROPTYPE type;
} known[] = {
    {2, DevicePropertyDeviceDescription, DEVPROP_TYPE_STRING},
    {3, DevicePropertyHardwareID, DEVPROP_TYPE_STRING_LIST},
    {4, DevicePropertyCompatibleIDs, DEVPROP_TYPE_STRING_LIST},
    {11, DevicePropertyDriverKeyName, DEVPROP_TYPE_STRING},
    {15, DevicePropertyLocationInformation, DEVPROP_TYPE_STRING},
    {16, DevicePropertyPhysicalDeviceObjectName, DEVPROP_TYPE_STRING},
    {22, DevicePropertyLegacyBusType, DEVPROP_TYPE_UINT32},
    {23, DevicePropertyBusNumber, DEVPROP_TYPE_UINT32},
    {24, DevicePropertyEnumeratorName, DEVPROP_TYPE_STRING},
    {30, DevicePropertyAddress, DEVPROP_TYPE_UINT32},
};

static NTSTATUS get_known(PDEVICE_OBJECT device, const DEVPROPKEY *key, ULONG bytes, PVOID buffer,
                          PULONG required, PDEVPROPTYPE type)
{
    if (memcmp(&key->fmtid, &device_category, sizeof(GUID)) != 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].pid != key->pid)
            continue;
        *type = known[i].type;
        return ft_device_property(device, known[i].property, bytes, buffer, required);
    }
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

/* ---- the two routines ---- */

static NTSTATUS get(PDEVICE_OBJECT device, const DEVPROPKEY *key, LCID locale, ULONG bytes,
                    PVOID buffer, PULONG required, PDEVPROPTYPE type)
{
    const struct property *property = *find(key, locale);

    *required = 0;
    *type = DEVPROP_TYPE_EMPTY;
    if (device != FT_DEV->pdo)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!property)
        return get_known(device, key, bytes, buffer, required, type);
    *type = property->type;
    *required = property->bytes;
    if (bytes < property->bytes)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(buffer, property->data, property->bytes);
    return STATUS_SUCCESS;
}

NTSTATUS IoGetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, LCID Lcid,
                                 ULONG Flags, ULONG Size, PVOID Data, PULONG RequiredSize,
                                 PDEVPROPTYPE Type)
{
    struct ft_focus was;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    was = ft_focus_on_owner(Pdo);
    if (PropertyKey && Flags == 0 && (Size == 0 || Data))
        status = get(Pdo, PropertyKey, Lcid, Size, Data, RequiredSize, Type);
    ft_emit(FT_EV_DEVICE_PROPERTY, ft_handle_of(Pdo), GOT | (PropertyKey ? PropertyKey->pid : 0),
            (uint32_t)status);
    ft_focus_back(was);
    FT_DDI_END(DEVICE_QUERY, 0);
    return status;
}

static NTSTATUS drop(struct property **at)
{
    struct property *property = *at;

    if (!property)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *at = property->next;
    ft_block_free(property);
    return STATUS_SUCCESS;
}

/* The old value stays when there is no memory for the new one. */
static NTSTATUS put(const DEVPROPKEY *key, LCID locale, DEVPROPTYPE type, ULONG bytes,
                    const void *data)
{
    struct property **at = find(key, locale), *property;

    if (!data)
        return drop(at);
    property = ft_block_for_driver(sizeof *property + bytes, FT_HC_OTHER, 0);
    if (!property)
        return STATUS_INSUFFICIENT_RESOURCES;
    property->next = *at ? (*at)->next : NULL;
    property->key = *key;
    property->locale = locale;
    property->type = type;
    property->bytes = bytes;
    memcpy(property->data, data, bytes);
    if (*at)
        ft_block_free(*at);
    *at = property;
    return STATUS_SUCCESS;
}

/* No data: the property goes. */
NTSTATUS IoSetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, LCID Lcid,
                                 ULONG Flags, DEVPROPTYPE Type, ULONG Size, PVOID Data)
{
    struct ft_focus was;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    was = ft_focus_on_owner(Pdo);
    if (PropertyKey && PropertyKey->pid >= DEVPROPID_FIRST_USABLE &&
        (Flags & ~(ULONG)PLUGPLAY_PROPERTY_PERSISTENT) == 0)
        status = Pdo != FT_DEV->pdo ? STATUS_INVALID_DEVICE_REQUEST
                                    : put(PropertyKey, Lcid, Type, Size, Data);
    ft_emit(FT_EV_DEVICE_PROPERTY, ft_handle_of(Pdo), SET | (PropertyKey ? PropertyKey->pid : 0),
            (uint32_t)status);
    ft_focus_back(was);
    FT_DDI_END(DEVICE_QUERY, 0);
    return status;
}
