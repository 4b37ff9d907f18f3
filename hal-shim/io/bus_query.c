/* What the bus driver answers to PnP queries: identity, text, resources, relations, configuration
 * space and the standard bus interface (wdm-io sheet, section 6; the IRP_MN_QUERY_... pages).
 *
 * Answers that outlive the request are paged pool, which whoever asked frees. The device has the
 * header of a PCI function (64 bytes, made of its description); of it only the command register and
 * the interrupt line keep what is written. An ISA part has none.
 */
#include "io/io_private.h"

#include <stdio.h>
#include <string.h>

enum {
    BUS_TAG = 0x53554246,
    TEXT_MAX = 128, /* characters of an identity */
    CONFIG_BYTES = 64,
    CONFIG_COMMAND = 0x04,
    CONFIG_BARS = 0x10,
    CONFIG_LINE = 0x3C
};

static const struct ft_description *description(void)
{
    return ft_world_module()->description;
}

static bool is_pci(void)
{
    return ft_bus_type() == PCIBus;
}

/* ---- identity and text ---- */

/* A copy in pool, wide, with a second terminator for lists. */
static NTSTATUS answer_text(PIRP irp, const char *text)
{
    size_t length = strlen(text);
    PWCHAR wide = ExAllocatePoolWithTag(PagedPool, (length + 2) * sizeof(WCHAR), BUS_TAG);

    if (!wide)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (size_t i = 0; i < length; i++)
        wide[i] = (WCHAR)(text[i] == '\n' ? 0 : (unsigned char)text[i]);
    wide[length] = wide[length + 1] = 0;
    irp->IoStatus.Information = (ULONG_PTR)wide;
    return STATUS_SUCCESS;
}

/* The separator of a list is a line feed here. */
static NTSTATUS answer_id(PIRP irp, BUS_QUERY_ID_TYPE type)
{
    unsigned vendor = description()->pci_id & 0xFFFF, device = description()->pci_id >> 16;
    char text[TEXT_MAX];

    switch (type) {
    case BusQueryDeviceID:
    case BusQueryHardwareIDs:
        if (is_pci())
            snprintf(text, sizeof text, "PCI\\VEN_%04X&DEV_%04X", vendor, device);
        else
            snprintf(text, sizeof text, "ISA\\%s", description()->name);
        return answer_text(irp, text);
    case BusQueryCompatibleIDs:
        if (!is_pci())
            return irp->IoStatus.Status;
        snprintf(text, sizeof text, "PCI\\CC_%06X\nPCI\\CC_%04X", description()->pci_class,
                 description()->pci_class >> 8);
        return answer_text(irp, text);
    case BusQueryInstanceID:
        return answer_text(irp, FT_DEV->number ? "1" : "0");
    default:
        return irp->IoStatus.Status;
    }
}

static NTSTATUS answer_device_text(PIRP irp, DEVICE_TEXT_TYPE type)
{
    if (type == DeviceTextDescription)
        return answer_text(irp, description()->name);
    if (type == DeviceTextLocationInformation)
        return answer_text(irp, !is_pci()        ? "ISA bus 0"
                                : FT_DEV->number ? "PCI bus 0, device 1, function 0"
                                                 : "PCI bus 0, device 0, function 0");
    return irp->IoStatus.Status;
}

static NTSTATUS answer_bus(PIRP irp)
{
    static const GUID pci = {
        0xc8ebdfb0, 0xb510, 0x11d0, {0x80, 0xe5, 0x00, 0xa0, 0xc9, 0x25, 0x42, 0xe3}};
    static const GUID isa = {
        0xe676f854, 0xd87d, 0x11d0, {0x92, 0xb2, 0x00, 0xa0, 0xc9, 0x05, 0x5f, 0xc5}};
    PPNP_BUS_INFORMATION bus = ExAllocatePoolWithTag(PagedPool, sizeof *bus, BUS_TAG);

    if (!bus)
        return STATUS_INSUFFICIENT_RESOURCES;
    bus->BusTypeGuid = is_pci() ? pci : isa;
    bus->LegacyBusType = ft_bus_type();
    bus->BusNumber = 0;
    irp->IoStatus.Information = (ULONG_PTR)bus;
    return STATUS_SUCCESS;
}

/* ---- capabilities and relations ---- */

static NTSTATUS answer_capabilities(PDEVICE_CAPABILITIES capabilities)
{
    bool wakes = ft_device_wakes();

    if (capabilities->Version != 1 || capabilities->Size < sizeof *capabilities)
        return STATUS_UNSUCCESSFUL;
    capabilities->DeviceD1 = 1;
    capabilities->DeviceD2 = 1;
    capabilities->SurpriseRemovalOK = 1;
    capabilities->Removable = 1;
    capabilities->UniqueID = 1;
    capabilities->WakeFromD0 = capabilities->WakeFromD1 = wakes;
    capabilities->WakeFromD2 = capabilities->WakeFromD3 = wakes;
    capabilities->SystemWake = wakes ? (SYSTEM_POWER_STATE)FT_WAKES_FROM : PowerSystemUnspecified;
    capabilities->DeviceWake = wakes ? PowerDeviceD3 : PowerDeviceUnspecified;
    capabilities->Address = 0;
    capabilities->UINumber = 0;
    for (unsigned i = PowerSystemSleeping1; i < POWER_SYSTEM_MAXIMUM; i++)
        capabilities->DeviceState[i] = PowerDeviceD3;
    capabilities->DeviceState[PowerSystemWorking] = PowerDeviceD0;
    return STATUS_SUCCESS;
}

/* The device is its own target and goes alone when it is ejected; it has no children. */
static NTSTATUS answer_relations(PDEVICE_OBJECT device, PIRP irp, DEVICE_RELATION_TYPE type)
{
    PDEVICE_RELATIONS relations;

    if (type != TargetDeviceRelation)
        return irp->IoStatus.Status;
    relations = ExAllocatePoolWithTag(PagedPool, sizeof *relations, BUS_TAG);
    if (!relations)
        return STATUS_INSUFFICIENT_RESOURCES;
    relations->Count = 1;
    relations->Objects[0] = device;
    irp->IoStatus.Information = (ULONG_PTR)relations;
    return STATUS_SUCCESS;
}

/* ---- resources ---- */

/* Moves a list of our own into pool. */
static NTSTATUS answer_block(PIRP irp, void *block, size_t bytes)
{
    void *pool = block ? ExAllocatePoolWithTag(PagedPool, bytes, BUS_TAG) : NULL;

    if (pool)
        memcpy(pool, block, bytes);
    if (block)
        ft_block_free(block);
    irp->IoStatus.Information = (ULONG_PTR)pool;
    return pool ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS answer_resources(PIRP irp)
{
    PCM_RESOURCE_LIST list = ft_bus_resources(false);

    return answer_block(irp, list,
                        list ? sizeof *list + list->List[0].PartialResourceList.Count *
                                                  sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR)
                             : 0);
}

static NTSTATUS answer_requirements(PIRP irp)
{
    PIO_RESOURCE_REQUIREMENTS_LIST list = ft_bus_requirements();

    return answer_block(irp, list, list ? list->ListSize : 0);
}

/* ---- configuration space ---- */

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    memcpy(at, &value, bytes);
}

static void make_header(uint8_t header[CONFIG_BYTES])
{
    uint64_t base = FT_BAR_BUS_BASE + FT_DEV->number * FT_BAR_SECOND;

    memset(header, 0, CONFIG_BYTES);
    put(header, description()->pci_id & 0xFFFF, 2);
    put(header + 2, description()->pci_id >> 16, 2);
    put(header + CONFIG_COMMAND, FT_DEV->pci_command, 2);
    put(header + 9, description()->pci_class, 3);
    for (unsigned i = 0; i < FT_BARS_MAX; i++)
        if (description()->bar_bytes[i])
            put(header + CONFIG_BARS + 4 * i, base + i * (uint64_t)FT_BAR_STRIDE, 4);
    put(header + CONFIG_LINE, FT_DEV->pci_line, 1);
    header[CONFIG_LINE + 1] = description()->irq_level != 0;
}

/* Bytes read: what lies beyond the header, or a device that is gone, is not there. */
ULONG ft_bus_read_config(void *buffer, ULONG offset, ULONG length)
{
    uint8_t header[CONFIG_BYTES];

    if (!is_pci() || offset >= CONFIG_BYTES)
        return 0;
    make_header(header);
    if (length > CONFIG_BYTES - offset)
        length = CONFIG_BYTES - offset;
    if (FT_DEV->yanked)
        memset(buffer, 0xFF, length);
    else
        memcpy(buffer, header + offset, length);
    return length;
}

ULONG ft_bus_write_config(const void *buffer, ULONG offset, ULONG length)
{
    uint8_t header[CONFIG_BYTES];

    if (!is_pci() || offset >= CONFIG_BYTES)
        return 0;
    make_header(header);
    if (length > CONFIG_BYTES - offset)
        length = CONFIG_BYTES - offset;
    memcpy(header + offset, buffer, length);
    if (!FT_DEV->yanked) {
        FT_DEV->pci_command = (uint16_t)(header[CONFIG_COMMAND] | header[CONFIG_COMMAND + 1] << 8);
        FT_DEV->pci_line = header[CONFIG_LINE];
    }
    return length;
}

static NTSTATUS access_config(PIRP irp, PIO_STACK_LOCATION location, bool write)
{
    PVOID buffer = location->Parameters.ReadWriteConfig.Buffer;
    ULONG offset = location->Parameters.ReadWriteConfig.Offset;
    ULONG length = location->Parameters.ReadWriteConfig.Length;

    if (!is_pci())
        return irp->IoStatus.Status;
    if (location->Parameters.ReadWriteConfig.WhichSpace != PCI_WHICHSPACE_CONFIG)
        return STATUS_INVALID_PARAMETER;
    irp->IoStatus.Information = write ? ft_bus_write_config(buffer, offset, length)
                                      : ft_bus_read_config(buffer, offset, length);
    return STATUS_SUCCESS;
}

/* ---- the standard bus interface ---- */

static VOID reference(PVOID context)
{
    ft_device_owning(context)->bus_references++;
}

static VOID dereference(PVOID context)
{
    ft_device_owning(context)->bus_references--;
}

bool ft_bus_translate(uint64_t address, uint32_t length, uint64_t *translated)
{
    uint64_t base = FT_BAR_BUS_BASE + FT_DEV->number * FT_BAR_SECOND, offset = address - base;

    if (address < base || offset + length > FT_BARS_MAX * (uint64_t)FT_BAR_STRIDE)
        return false;
    *translated = ft_bus_memory() + offset;
    return true;
}

static BOOLEAN translate(PVOID context, PHYSICAL_ADDRESS bus, ULONG length, PULONG space,
                         PPHYSICAL_ADDRESS translated)
{
    struct ft_focus was = ft_focus_on_owner(context);
    uint64_t address;
    bool found = *space == 0 && ft_bus_translate((uint64_t)bus.QuadPart, length, &address);

    ft_focus_back(was);
    if (!found)
        return FALSE;
    translated->QuadPart = (LONGLONG)address;
    return TRUE;
}

static PDMA_ADAPTER get_adapter(PVOID context, PDEVICE_DESCRIPTION wanted, PULONG registers)
{
    return IoGetDmaAdapter(context, wanted, registers);
}

static ULONG get_data(PVOID context, ULONG type, PVOID buffer, ULONG offset, ULONG length)
{
    struct ft_focus was;
    ULONG bytes;

    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    was = ft_focus_on_owner(context);
    bytes = type == PCI_WHICHSPACE_CONFIG ? ft_bus_read_config(buffer, offset, length) : 0;
    ft_focus_back(was);
    FT_DDI_END(DEVICE_QUERY, 0);
    return bytes;
}

static ULONG set_data(PVOID context, ULONG type, PVOID buffer, ULONG offset, ULONG length)
{
    struct ft_focus was;
    ULONG bytes;

    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    was = ft_focus_on_owner(context);
    bytes = type == PCI_WHICHSPACE_CONFIG ? ft_bus_write_config(buffer, offset, length) : 0;
    ft_focus_back(was);
    FT_DDI_END(DEVICE_QUERY, 0);
    return bytes;
}

static const GUID standard_interface = {
    0x496b8280, 0x6f25, 0x11d0, {0xbe, 0xaf, 0x08, 0x00, 0x2b, 0xe2, 0x09, 0x2f}};

static NTSTATUS answer_interface(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION location)
{
    PBUS_INTERFACE_STANDARD bus =
        (PBUS_INTERFACE_STANDARD)location->Parameters.QueryInterface.Interface;

    if (memcmp(location->Parameters.QueryInterface.InterfaceType, &standard_interface,
               sizeof(GUID)) != 0)
        return irp->IoStatus.Status;
    if (location->Parameters.QueryInterface.Size < sizeof *bus)
        return STATUS_INVALID_PARAMETER;
    *bus = (BUS_INTERFACE_STANDARD){.Size = sizeof *bus,
                                    .Version = 1,
                                    .Context = device,
                                    .InterfaceReference = reference,
                                    .InterfaceDereference = dereference,
                                    .TranslateBusAddress = translate,
                                    .GetDmaAdapter = get_adapter,
                                    .SetBusData = set_data,
                                    .GetBusData = get_data};
    FT_DEV->bus_references++;
    return STATUS_SUCCESS;
}

/* ---- all of them ---- */

bool ft_bus_query(PDEVICE_OBJECT device, PIRP irp, NTSTATUS *status)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    switch (location->MinorFunction) {
    case IRP_MN_QUERY_CAPABILITIES:
        *status = answer_capabilities(location->Parameters.DeviceCapabilities.Capabilities);
        return true;
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        *status = answer_relations(device, irp, location->Parameters.QueryDeviceRelations.Type);
        return true;
    case IRP_MN_QUERY_ID:
        *status = answer_id(irp, location->Parameters.QueryId.IdType);
        return true;
    case IRP_MN_QUERY_DEVICE_TEXT:
        *status = answer_device_text(irp, location->Parameters.QueryDeviceText.DeviceTextType);
        return true;
    case IRP_MN_QUERY_BUS_INFORMATION:
        *status = answer_bus(irp);
        return true;
    case IRP_MN_QUERY_RESOURCES:
        *status = answer_resources(irp);
        return true;
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
        *status = answer_requirements(irp);
        return true;
    case IRP_MN_QUERY_INTERFACE:
        *status = answer_interface(device, irp, location);
        return true;
    case IRP_MN_READ_CONFIG:
    case IRP_MN_WRITE_CONFIG:
        *status = access_config(irp, location, location->MinorFunction == IRP_MN_WRITE_CONFIG);
        return true;
    default:
        return false;
    }
}
