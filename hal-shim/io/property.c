/* Questions about the device, and news of it (nf-wdm-iogetdeviceproperty, -ioinvalidatedevicestate,
 * -ioinvalidatedevicerelations). What is said comes from the driver's description.
 *
 * Not modelled: resources as properties, friendly names, removal policy, container identity: the
 * device has none of them, and the answer is STATUS_OBJECT_NAME_NOT_FOUND.
 */
#include "io/io_private.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_BYTES = 256, INVALID_STATE = 1, INVALID_RELATIONS = 2 };

struct answer {
    ULONG bytes; /* 0: there is no such property */
    uint8_t data[ANSWER_BYTES];
};

static const struct ft_description *description(void)
{
    return ft_world_module()->description;
}

/* '\n' separates the strings of a list, which ends with an empty one. */
static void answer_text(struct answer *answer, const char *text, bool list)
{
    WCHAR *at = (WCHAR *)answer->data;

    for (; *text && at < (WCHAR *)answer->data + ANSWER_BYTES / sizeof(WCHAR) - 2; text++)
        *at++ = *text == '\n' ? 0 : (WCHAR)(unsigned char)*text;
    *at++ = 0;
    if (list)
        *at++ = 0;
    answer->bytes = (ULONG)((uint8_t *)at - answer->data);
}

static void answer_number(struct answer *answer, ULONG number)
{
    memcpy(answer->data, &number, sizeof number);
    answer->bytes = sizeof number;
}

static void answer_identity(struct answer *answer, DEVICE_REGISTRY_PROPERTY property)
{
    unsigned vendor = description()->pci_id & 0xFFFF, device = description()->pci_id >> 16;
    bool pci = ft_bus_type() == PCIBus;
    char text[96];

    if (property == DevicePropertyEnumeratorName) {
        answer_text(answer, pci ? "PCI" : "ISA", false);
    } else if (property == DevicePropertyHardwareID) {
        if (pci)
            snprintf(text, sizeof text, "PCI\\VEN_%04X&DEV_%04X", vendor, device);
        else
            snprintf(text, sizeof text, "ISA\\%s", description()->name);
        answer_text(answer, text, true);
    } else if (pci) { /* compatible identities */
        snprintf(text, sizeof text, "PCI\\CC_%06X\nPCI\\CC_%04X",
                 (unsigned)description()->pci_class, (unsigned)description()->pci_class >> 8);
        answer_text(answer, text, true);
    }
}

/* False: no such property exists at all. */
static bool find_answer(struct answer *answer, DEVICE_REGISTRY_PROPERTY property)
{
    switch (property) {
    case DevicePropertyDeviceDescription:
    case DevicePropertyDriverKeyName:
        answer_text(answer, description()->name, false);
        return true;
    case DevicePropertyHardwareID:
    case DevicePropertyCompatibleIDs:
    case DevicePropertyEnumeratorName:
        answer_identity(answer, property);
        return true;
    case DevicePropertyPhysicalDeviceObjectName:
        answer_text(answer, ft_pdo_name(FT_DEV), false);
        return true;
    case DevicePropertyLocationInformation:
        answer_text(answer,
                    FT_DEV->number ? "bus 0, device 1, function 0" : "bus 0, device 0, function 0",
                    false);
        return true;
    case DevicePropertyLegacyBusType:
        answer_number(answer, (ULONG)ft_bus_type());
        return true;
    case DevicePropertyAddress: /* of PCI: device << 16 | function */
        answer_number(answer, (ULONG)FT_DEV->number << 16);
        return true;
    case DevicePropertyBusNumber:
    case DevicePropertyInstallState: /* 0: installed */
        answer_number(answer, 0);
        return true;
    default:
        return property >= 0 && property <= DevicePropertyContainerID;
    }
}

NTSTATUS ft_device_property(PDEVICE_OBJECT device, DEVICE_REGISTRY_PROPERTY property, ULONG bytes,
                            PVOID buffer, PULONG result)
{
    struct answer answer = {0};

    *result = 0;
    if (device != FT_DEV->pdo)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!find_answer(&answer, property))
        return STATUS_INVALID_PARAMETER_2;
    if (answer.bytes == 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *result = answer.bytes;
    if (bytes < answer.bytes)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(buffer, answer.data, answer.bytes);
    return STATUS_SUCCESS;
}

NTSTATUS IoGetDeviceProperty(PDEVICE_OBJECT DeviceObject, DEVICE_REGISTRY_PROPERTY DeviceProperty,
                             ULONG BufferLength, PVOID PropertyBuffer, PULONG ResultLength)
{
    struct ft_focus was;
    NTSTATUS status;

    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    was = ft_focus_on_owner(DeviceObject);
    status = ft_device_property(DeviceObject, DeviceProperty, BufferLength, PropertyBuffer,
                                ResultLength);
    ft_emit(FT_EV_DEVICE_PROPERTY, ft_handle_of(DeviceObject), DeviceProperty, (uint32_t)status);
    ft_focus_back(was);
    FT_DDI_END(DEVICE_QUERY, 0);
    return status;
}

/* The machine has one node. */
NTSTATUS IoGetDeviceNumaNode(PDEVICE_OBJECT Pdo, PUSHORT NodeNumber)
{
    if (!ft_is_pdo(Pdo))
        return STATUS_INVALID_PARAMETER;
    *NodeNumber = 0;
    return STATUS_SUCCESS;
}

static bool is_ours(PDEVICE_OBJECT device)
{
    return ft_device_top(device) == ft_device_top(FT_DEV->pdo);
}

/* The manager asks again, when it gets to it. One that is asked too often has the news already. */
VOID IoInvalidateDeviceState(PDEVICE_OBJECT PhysicalDeviceObject)
{
    struct ft_focus was;

    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    was = ft_focus_on_owner(PhysicalDeviceObject);
    ft_emit(FT_EV_DEVICE_INVALIDATE, ft_handle_of(PhysicalDeviceObject), INVALID_STATE);
    if (!ft_child_state(PhysicalDeviceObject) && is_ours(PhysicalDeviceObject))
        ft_manager_submit(FT_WORK_DEVICE_STATE, 0, NULL);
    ft_focus_back(was);
    FT_DDI_END(DEVICE_QUERY, 0);
}

/* Bus relations lead to a query; the others only matter to whoever keeps lists of them. */
VOID IoInvalidateDeviceRelations(PDEVICE_OBJECT DeviceObject, DEVICE_RELATION_TYPE Type)
{
    struct ft_focus was;

    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    was = ft_focus_on_owner(DeviceObject);
    ft_emit(FT_EV_DEVICE_INVALIDATE, ft_handle_of(DeviceObject), INVALID_RELATIONS);
    if (Type == BusRelations && is_ours(DeviceObject))
        ft_manager_submit(FT_WORK_RELATIONS, 0, NULL);
    ft_focus_back(was);
    FT_DDI_END(DEVICE_QUERY, 0);
}
