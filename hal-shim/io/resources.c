/* The resources that the bus driver gives the device: raw and translated lists with the same order
 * (wdm-io sheet, section 13).
 *
 * Raw addresses are the bus's own and never the processor's, on every platform, so that a driver
 * that maps one reaches nothing. Interrupts differ too: raw has the line, translated the vector and
 * DIRQL to connect with. Ports and DMA channels are the same in both.
 *
 * A device with interrupt messages has one descriptor for each, as message tables (MSI-X) have. A
 * device may be placed elsewhere by a rebalance: other processor addresses, other vectors. A START
 * carries the place it shall have; the bus changes over when the START reaches it.
 */
#include "io/io_private.h"

enum {
    VECTOR_BASE = 0x50,
    VECTOR_ELSEWHERE = 0x20,
    VECTOR_SECOND = 0x10, /* of the second device */
    LINE_CHANNELS = 8,    /* of the system DMA controller of version 3 */
    /* And ports, and DMA channels. */
    RESOURCES_MAX = FT_BARS_MAX + FT_MESSAGES_MAX + 1 + FT_LINES_MAX
};

/* A line that two devices share is wired: a rebalance of one of them does not move it. */
static ULONG vector_at(bool elsewhere, unsigned input)
{
    ULONG first = VECTOR_BASE + (ULONG)ft_world_module()->description->irq_vector;

    if (ft_interrupt_line_is_shared())
        return first;
    return first + input + (elsewhere ? VECTOR_ELSEWHERE : 0) +
           (FT_DEV->number ? VECTOR_SECOND : 0);
}

/* The line, as the bus counts it. */
ULONG ft_bus_line(void)
{
    bool next = FT_DEV->number && !ft_interrupt_line_is_shared();

    return ft_world_module()->description->irq_vector + (next ? 1u : 0u);
}

static uint64_t memory_at(bool elsewhere)
{
    return FT_BAR_PHYSICAL_BASE + (elsewhere ? FT_BAR_ELSEWHERE : 0) +
           FT_DEV->number * FT_BAR_SECOND;
}

ULONG ft_bus_ports(void)
{
    const struct ft_description *description = ft_world_module()->description;

    return description->port_base + FT_DEV->number * (ULONG)description->port_bytes;
}

ULONG ft_bus_vector(unsigned input)
{
    return vector_at(FT_DEV->elsewhere, input);
}

uint64_t ft_bus_memory(void)
{
    return memory_at(FT_DEV->elsewhere);
}

unsigned ft_bus_inputs(void)
{
    const struct ft_description *description = ft_world_module()->description;

    if (description->irq_level == 0)
        return 0;
    return description->interrupt == FT_INTERRUPT_MESSAGES ? description->messages : 1;
}

INTERFACE_TYPE ft_bus_type(void)
{
    const struct ft_description *description = ft_world_module()->description;

    return description->pci_id == 0 && description->port_bytes > 0 ? Isa : PCIBus;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR add_bars(PCM_PARTIAL_RESOURCE_DESCRIPTOR at, bool translated)
{
    const struct ft_description *description = ft_world_module()->description;
    uint64_t base =
        translated ? memory_at(FT_DEV->assigned) : FT_BAR_BUS_BASE + FT_DEV->number * FT_BAR_SECOND;

    for (unsigned i = 0; i < FT_BARS_MAX; i++) {
        if (description->bar_bytes[i] == 0)
            continue;
        at->Type = CmResourceTypeMemory;
        at->ShareDisposition = CmResourceShareDeviceExclusive;
        at->Flags = CM_RESOURCE_MEMORY_READ_WRITE;
        at->u.Memory.Start.QuadPart = (LONGLONG)(base + i * (uint64_t)FT_BAR_STRIDE);
        at->u.Memory.Length = description->bar_bytes[i];
        at++;
    }
    return at;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR add_ports(PCM_PARTIAL_RESOURCE_DESCRIPTOR at)
{
    const struct ft_description *description = ft_world_module()->description;

    if (description->port_bytes == 0)
        return at;
    at->Type = CmResourceTypePort;
    at->ShareDisposition = CmResourceShareDeviceExclusive;
    at->Flags = CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE;
    at->u.Port.Start.QuadPart = ft_bus_ports();
    at->u.Port.Length = description->port_bytes;
    return at + 1;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR add_line(PCM_PARTIAL_RESOURCE_DESCRIPTOR at, bool translated)
{
    const struct ft_description *description = ft_world_module()->description;
    bool latched = description->interrupt == FT_INTERRUPT_LATCHED;

    at->Type = CmResourceTypeInterrupt;
    at->ShareDisposition = latched ? CmResourceShareDeviceExclusive : CmResourceShareShared;
    at->Flags = latched ? CM_RESOURCE_INTERRUPT_LATCHED : CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE;
    at->u.Interrupt.Level = translated ? description->irq_level : ft_bus_line();
    at->u.Interrupt.Vector = translated ? vector_at(FT_DEV->assigned, 0) : ft_bus_line();
    at->u.Interrupt.Affinity = ((KAFFINITY)1 << FT_M->cpus) - 1;
    return at + 1;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR add_message(PCM_PARTIAL_RESOURCE_DESCRIPTOR at,
                                                   unsigned message, bool translated)
{
    KAFFINITY all = ((KAFFINITY)1 << FT_M->cpus) - 1;

    at->Type = CmResourceTypeInterrupt;
    at->ShareDisposition = CmResourceShareDeviceExclusive;
    at->Flags = CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE;
    if (translated) {
        at->u.MessageInterrupt.Translated.Level = ft_world_module()->description->irq_level;
        at->u.MessageInterrupt.Translated.Vector = vector_at(FT_DEV->assigned, message);
        at->u.MessageInterrupt.Translated.Affinity = all;
    } else {
        at->u.MessageInterrupt.Raw.MessageCount = 1;
        at->u.MessageInterrupt.Raw.Vector = CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN;
        at->u.MessageInterrupt.Raw.Affinity = all;
    }
    return at + 1;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR add_interrupts(PCM_PARTIAL_RESOURCE_DESCRIPTOR at,
                                                      bool translated)
{
    if (ft_world_module()->description->interrupt != FT_INTERRUPT_MESSAGES)
        return ft_bus_inputs() ? add_line(at, translated) : at;
    for (unsigned i = 0; i < ft_bus_inputs(); i++)
        at = add_message(at, i, translated);
    return at;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR add_request_line(PCM_PARTIAL_RESOURCE_DESCRIPTOR at,
                                                        unsigned line)
{
    at->Type = CmResourceTypeDma;
    at->ShareDisposition = CmResourceShareDeviceExclusive;
    at->Flags = CM_RESOURCE_DMA_V3;
    at->u.DmaV3.Channel = line % LINE_CHANNELS;
    at->u.DmaV3.RequestLine = line;
    at->u.DmaV3.TransferWidth = (UCHAR)(ft_world_module()->description->dma_bits / 16);
    return at + 1;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR add_channels(PCM_PARTIAL_RESOURCE_DESCRIPTOR at)
{
    const struct ft_description *description = ft_world_module()->description;

    if (description->dma_bits == 0)
        return at;
    if (description->dma_version >= DEVICE_DESCRIPTION_VERSION3) {
        at = add_request_line(at, description->dma_channel);
        for (unsigned i = 1; i < description->dma_lines && i < FT_LINES_MAX; i++)
            at = add_request_line(at, description->dma_channel + i);
        return at;
    }
    at->Type = CmResourceTypeDma;
    at->ShareDisposition = CmResourceShareDeviceExclusive;
    at->Flags = description->dma_bits == 16 ? CM_RESOURCE_DMA_16 : CM_RESOURCE_DMA_8;
    at->u.Dma.Channel = description->dma_channel;
    return at + 1;
}

PCM_RESOURCE_LIST ft_bus_resources(bool translated)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR at;
    PCM_PARTIAL_RESOURCE_LIST partial;
    PCM_RESOURCE_LIST list = ft_block_alloc(
        sizeof *list + RESOURCES_MAX * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR), FT_HC_OTHER, 0);

    if (!list)
        return NULL;
    list->Count = 1;
    list->List[0].InterfaceType = ft_bus_type();
    partial = &list->List[0].PartialResourceList;
    partial->Version = 1;
    partial->Revision = 1;
    at = add_ports(add_bars(partial->PartialDescriptors, translated));
    at = add_channels(add_interrupts(at, translated));
    partial->Count = (ULONG)(at - partial->PartialDescriptors);
    return list;
}

/* ---- requirements ---- */

static PIO_RESOURCE_DESCRIPTOR require(PIO_RESOURCE_LIST list, PCM_PARTIAL_RESOURCE_DESCRIPTOR part)
{
    PIO_RESOURCE_DESCRIPTOR at = &list->Descriptors[list->Count++];

    at->Type = part->Type;
    at->ShareDisposition = part->ShareDisposition;
    at->Flags = part->Flags;
    return at;
}

/* A range anywhere that the bus decodes; what it has now comes from raw resources. */
static void require_range(PIO_RESOURCE_DESCRIPTOR at, ULONG bytes, uint64_t first, uint64_t last)
{
    at->u.Generic.Length = bytes;
    at->u.Generic.Alignment = bytes;
    at->u.Generic.MinimumAddress.QuadPart = (LONGLONG)first;
    at->u.Generic.MaximumAddress.QuadPart = (LONGLONG)last;
}

static void require_part(PIO_RESOURCE_LIST list, PCM_PARTIAL_RESOURCE_DESCRIPTOR part)
{
    PIO_RESOURCE_DESCRIPTOR at = require(list, part);

    switch (part->Type) {
    case CmResourceTypePort:
        require_range(at, part->u.Port.Length, (ULONGLONG)part->u.Port.Start.QuadPart,
                      (ULONGLONG)part->u.Port.Start.QuadPart + part->u.Port.Length - 1);
        break;
    case CmResourceTypeMemory:
        require_range(at, part->u.Memory.Length, 0, UINT32_MAX);
        break;
    case CmResourceTypeInterrupt:
        at->u.Interrupt.MinimumVector = part->u.Interrupt.Vector;
        at->u.Interrupt.MaximumVector = part->u.Interrupt.Vector;
        break;
    default:
        at->u.Dma.MinimumChannel = part->u.Dma.Channel;
        at->u.Dma.MaximumChannel = part->u.Dma.Channel;
        break;
    }
}

PIO_RESOURCE_REQUIREMENTS_LIST ft_bus_requirements(void)
{
    ULONG bytes =
        sizeof(IO_RESOURCE_REQUIREMENTS_LIST) + RESOURCES_MAX * sizeof(IO_RESOURCE_DESCRIPTOR);
    PIO_RESOURCE_REQUIREMENTS_LIST list = ft_block_alloc(bytes, FT_HC_OTHER, 0);
    PCM_RESOURCE_LIST raw = ft_bus_resources(false);
    PCM_PARTIAL_RESOURCE_DESCRIPTOR part;

    if (!list || !raw)
        return NULL;
    list->ListSize = bytes;
    list->InterfaceType = ft_bus_type();
    list->AlternativeLists = 1;
    list->List[0].Version = 1;
    list->List[0].Revision = 1;
    /* Past the declared end of the arrays: through pointers, as drivers walk them. */
    part = raw->List[0].PartialResourceList.PartialDescriptors;
    for (ULONG left = raw->List[0].PartialResourceList.Count; left > 0; left--)
        require_part(&list->List[0], part++);
    ft_block_free(raw);
    return list;
}
