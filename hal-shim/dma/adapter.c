/* Adapters: IoGetDmaAdapter, the tables of versions 1 and 2, PutDmaAdapter and the queries (wdm-dma
 * sheet, 1.0, 1.1, 1.9, 1.10, 6.1).
 *
 * The DMA_ADAPTER block stays when an adapter is put, so a driver that goes on using it gets as far
 * as its table, and every member of the table finds out (event dma:dead-adapter) and does nothing
 * sensible. Not modelled: subordinate devices and version 3, which stop the run by name;
 * more than FT_DMA_ADAPTERS_MAX adapters at one time (the next IoGetDmaAdapter returns NULL).
 */
#include "dma/dma_private.h"
#include "dma/frames.h"

enum {
    TABLE_BYTES_V1 = 0x68,
    TABLE_BYTES_V2 = 0x80,
    ALIGNMENT_BYTES = 1, /* buffers of requests share no page, so no cache line either */
    LOGICAL_HIGH_PAGES = 0x10000,
    LOGICAL_LOW_PAGES = 0x300
};
#define LOGICAL_LOW_BASE 0x00D00000ULL /* for devices that reach 16 MiB */

static VOID put_adapter(PDMA_ADAPTER adapter);
static ULONG get_alignment(PDMA_ADAPTER adapter);
static ULONG read_counter(PDMA_ADAPTER adapter);
static const DMA_OPERATIONS table_v1 = {
    .Size = TABLE_BYTES_V1,
    .PutDmaAdapter = put_adapter,
    .AllocateCommonBuffer = ft_dma_allocate_common,
    .FreeCommonBuffer = ft_dma_free_common,
    .AllocateAdapterChannel = ft_dma_allocate_channel,
    .FlushAdapterBuffers = ft_dma_flush,
    .FreeAdapterChannel = ft_dma_free_channel,
    .FreeMapRegisters = ft_dma_free_registers,
    .MapTransfer = ft_dma_map,
    .GetDmaAlignment = get_alignment,
    .ReadDmaCounter = read_counter,
    .GetScatterGatherList = ft_dma_get_list,
    .PutScatterGatherList = ft_dma_put_list,
};

static const DMA_OPERATIONS table_v2 = {
    .Size = TABLE_BYTES_V2,
    .PutDmaAdapter = put_adapter,
    .AllocateCommonBuffer = ft_dma_allocate_common,
    .FreeCommonBuffer = ft_dma_free_common,
    .AllocateAdapterChannel = ft_dma_allocate_channel,
    .FlushAdapterBuffers = ft_dma_flush,
    .FreeAdapterChannel = ft_dma_free_channel,
    .FreeMapRegisters = ft_dma_free_registers,
    .MapTransfer = ft_dma_map,
    .GetDmaAlignment = get_alignment,
    .ReadDmaCounter = read_counter,
    .GetScatterGatherList = ft_dma_get_list,
    .PutScatterGatherList = ft_dma_put_list,
    .CalculateScatterGatherList = ft_dma_calculate_list,
    .BuildScatterGatherList = ft_dma_build_list,
    .BuildMdlFromScatterGatherList = ft_dma_build_list_mdl,
};

_Static_assert(offsetof(DMA_OPERATIONS, CalculateScatterGatherList) == TABLE_BYTES_V1,
               "x64 layout");
_Static_assert(offsetof(DMA_OPERATIONS, GetDmaAdapterInfo) == TABLE_BYTES_V2, "x64 layout");

uint64_t ft_dma_adapter_handle(const struct ft_dma_adapter *adapter)
{
    return ft_handle(FT_HC_ADAPTER, adapter->id, 0);
}

struct ft_dma_adapter *ft_dma_adapter_by_id(uint32_t id)
{
    for (unsigned i = 0; i < FT_DMA_ADAPTERS_MAX; i++)
        if (FT_M->dma.adapter[i].block && FT_M->dma.adapter[i].id == id)
            return &FT_M->dma.adapter[i];
    return NULL;
}

static struct ft_dma_adapter *find(const void *block)
{
    for (unsigned i = 0; i < FT_DMA_ADAPTERS_MAX; i++)
        if (block && FT_M->dma.adapter[i].block == block)
            return &FT_M->dma.adapter[i];
    return NULL;
}

struct ft_dma_adapter *ft_dma_adapter_check(const void *adapter, enum ft_point point)
{
    struct ft_dma_adapter *found = find(adapter);

    if (!found)
        ft_emit(FT_EV_DMA_DEAD_ADAPTER, ft_handle_of(adapter), point);
    return found;
}

uint64_t ft_dma_logical_take(const struct ft_dma_adapter *adapter, unsigned pages)
{
    bool low = adapter->low_reach;
    uint64_t *next = &FT_M->dma.logical_next[low],
             limit = low ? LOGICAL_LOW_PAGES : LOGICAL_HIGH_PAGES;
    uint64_t page;

    /* The range is longer than what can be live at one time; addresses come back only after all of
     * it was used. */
    if (*next + pages + 1 > limit)
        *next = 0;
    page = *next;
    *next += pages + 1;
    return (low ? LOGICAL_LOW_BASE : FT_LOGICAL_BASE) + page * FT_PAGE_BYTES;
}

/* ---- IoGetDmaAdapter ---- */

static bool version_granted(const DEVICE_DESCRIPTION *description)
{
    unsigned most = ft_world_module()->description->dma_version;
    unsigned asked = description->Version == 0 ? 1 : description->Version;

    return asked <= DEVICE_DESCRIPTION_VERSION3 && asked <= most;
}

/* One register more than the pages of the longest transfer, for an unaligned start; the knobs make
 * it fewer. */
static uint32_t registers_granted(const DEVICE_DESCRIPTION *description)
{
    uint32_t count = (uint32_t)BYTES_TO_PAGES(description->MaximumLength) + 1;
    uint32_t cap = FT_M->platform.registers, pool = ft_dma_register_count();

    if (cap && count > cap)
        count = cap;
    return count < pool ? count : pool;
}

static bool reaches_16_mib_only(const DEVICE_DESCRIPTION *description)
{
    bool pci_list = description->ScatterGather && description->InterfaceType == PCIBus;

    return !description->Dma64BitAddresses && !description->Dma32BitAddresses && !pci_list;
}

static struct ft_dma_adapter *free_slot(void)
{
    for (unsigned i = 0; i < FT_DMA_ADAPTERS_MAX; i++)
        if (!FT_M->dma.adapter[i].block)
            return &FT_M->dma.adapter[i];
    return NULL;
}

static PDMA_ADAPTER create(const DEVICE_DESCRIPTION *description, struct ft_dma_adapter *slot)
{
    bool second = description->Version >= DEVICE_DESCRIPTION_VERSION2;
    PDMA_ADAPTER adapter = ft_block_alloc(sizeof *adapter, FT_HC_ADAPTER, 0);

    if (!adapter)
        return NULL;
    adapter->Version = HAL_DMA_ADAPTER_VERSION_1;
    adapter->Size = sizeof *adapter;
    adapter->DmaOperations = (PDMA_OPERATIONS)(second ? &table_v2 : &table_v1);
    *slot = (struct ft_dma_adapter){
        .block = adapter,
        .id = ft_handle_id(ft_block_handle(adapter)),
        .registers = registers_granted(description),
        .maximum = description->MaximumLength,
        .version = second ? 2 : 1,
        .scatter_gather = description->ScatterGather != FALSE,
        .low_reach = reaches_16_mib_only(description),
    };
    return adapter;
}

PDMA_ADAPTER IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject,
                             PDEVICE_DESCRIPTION DeviceDescription, PULONG NumberOfMapRegisters)
{
    struct ft_dma_adapter *slot = NULL;
    PDMA_ADAPTER adapter = NULL;

    (void)PhysicalDeviceObject;
    FT_DDI_BEGIN(DMA_GET, 0);
    if (version_granted(DeviceDescription) && !ft_alloc_fails(FT_FAIL_ADAPTER)) {
        if (DeviceDescription->Version == DEVICE_DESCRIPTION_VERSION3)
            ft_unimplemented("IoGetDmaAdapter with DEVICE_DESCRIPTION_VERSION3");
        if (!DeviceDescription->Master)
            ft_unimplemented("IoGetDmaAdapter for a subordinate device");
        slot = free_slot();
        adapter = slot ? create(DeviceDescription, slot) : NULL;
    }
    if (adapter)
        *NumberOfMapRegisters = slot->registers;
    ft_emit(FT_EV_DMA_GET, adapter ? ft_block_handle(adapter) : 0, DeviceDescription->Version,
            adapter ? slot->registers : 0, DeviceDescription->MaximumLength,
            DeviceDescription->ScatterGather != FALSE, DeviceDescription->Master != FALSE);
    FT_DDI_END(DMA_GET, 0);
    return adapter;
}

/* What the driver still has through the adapter is taken from it; common buffers stay as they are.
 */
static VOID put_adapter(PDMA_ADAPTER adapter)
{
    struct ft_dma_adapter *slot;

    FT_DDI_BEGIN(DMA_GET, 0);
    slot = find(adapter);
    if (!slot && !ft_block_is_live(adapter, FT_HC_ADAPTER)) {
        ft_dma_adapter_check(adapter, FT_PT_DMA_GET);
    } else {
        ft_emit(FT_EV_DMA_PUT, ft_handle_of(adapter), slot == NULL);
        if (slot) {
            ft_dma_release_all(slot);
            *slot = (struct ft_dma_adapter){0};
        }
    }
    FT_DDI_END(DMA_GET, 0);
}

/* ---- the other members that this file has ---- */

static ULONG get_alignment(PDMA_ADAPTER adapter)
{
    const struct ft_dma_adapter *slot;

    FT_DDI_BEGIN(DMA_QUERY, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_QUERY);
    if (slot)
        ft_emit(FT_EV_DMA_ALIGNMENT, ft_dma_adapter_handle(slot), ALIGNMENT_BYTES);
    FT_DDI_END(DMA_QUERY, 0);
    return ALIGNMENT_BYTES;
}

/* Counts for subordinate devices only. */
static ULONG read_counter(PDMA_ADAPTER adapter)
{
    FT_DDI_BEGIN(DMA_QUERY, 0);
    ft_dma_adapter_check(adapter, FT_PT_DMA_QUERY);
    FT_DDI_END(DMA_QUERY, 0);
    return 0;
}
