/* Adapters: IoGetDmaAdapter, PutDmaAdapter and the queries (wdm-dma
 * sheet, 1.0, 1.1, 1.9, 1.10, 6.1).
 *
 * The block of an adapter stays when it is put, so a driver that goes on using it gets as far as
 * its table, and every member of the table finds out (event dma:dead-adapter) and does nothing
 * sensible. Not modelled: more than FT_DMA_ADAPTERS_MAX adapters at one time (the next
 * IoGetDmaAdapter returns NULL).
 */
#include "dma/frames.h"
#include "dma/transfer_ex.h"

#include <string.h>

/* Codes of Driver Verifier. */
enum { AFTER_PUT = 0x18, NO_ADAPTER = 0x19, OBSOLETE = 0x1E, BAD_VERSION = 0x25 };

enum {
    SYSTEM_REGISTERS_MAX = 16, /* 64 KiB */
    FIRST_OF_VERSION_2 = 13,   /* member of the table */
    FIRST_OF_VERSION_3 = 16,
    ALIGNMENT_BYTES = 1, /* buffers of requests share no page, so no cache line either */
    LOGICAL_HIGH_PAGES = 0x10000,
    LOGICAL_LOW_PAGES = 0x300
};
#define LOGICAL_LOW_BASE 0x00D00000ULL /* for devices that reach 16 MiB */

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

/* ---- how members are called ---- */

/* What the driver sees of an adapter: it must not change any of it. */
struct seen {
    DMA_ADAPTER adapter;
    DMA_OPERATIONS table;
};

static unsigned slot_index(const struct ft_dma_adapter *adapter)
{
    return (unsigned)(adapter - FT_M->dma.adapter);
}

static void fill_seen(struct seen *seen, const struct ft_dma_adapter *slot)
{
    struct seen *block = slot->block;

    memset(seen, 0, sizeof *seen);
    seen->adapter.Version = HAL_DMA_ADAPTER_VERSION_1;
    seen->adapter.Size = sizeof seen->adapter;
    seen->adapter.DmaOperations = &block->table;
    seen->table = *ft_dma_table(slot_index(slot), slot->version);
}

static void check_seen(struct ft_dma_adapter *slot)
{
    const uint8_t *block = slot->block;
    struct seen wanted;

    fill_seen(&wanted, slot);
    if (slot->damaged || memcmp(block, &wanted, sizeof wanted) == 0)
        return;
    slot->damaged = 1; /* said once */
    for (unsigned i = 0; i < sizeof wanted; i++)
        if (block[i] != ((const uint8_t *)&wanted)[i]) {
            ft_emit(FT_EV_MEM_DAMAGE, FT_DAMAGE_ADAPTER, ft_dma_adapter_handle(slot), i);
            return;
        }
}

void ft_dma_enter(unsigned table, unsigned member, void *site)
{
    struct ft_dma_entry *entry = &FT_M->dma.entry[FT_M->current];

    /* Read before the task's next point, so one place for all tasks is enough. */
    FT_M->dma.site = (uint64_t)(uintptr_t)site;
    entry->table = (uint8_t)(table + 1);
    entry->member = (uint8_t)member;
}

struct ft_dma_adapter *ft_dma_adapter_check(const void *adapter, enum ft_point point)
{
    struct ft_dma_adapter *found = find(adapter);
    struct ft_dma_entry entry = FT_M->dma.entry[FT_M->current];

    FT_M->dma.entry[FT_M->current] = (struct ft_dma_entry){0, 0};
    ft_dma_verify_irql(entry.member);
    if (!found) {
        ft_emit(FT_EV_DMA_DEAD_ADAPTER, ft_handle_of(adapter), point);
        ft_dma_verify(adapter ? AFTER_PUT : NO_ADAPTER, 0, 0, 0);
        return NULL;
    }
    check_seen(found);
    if (entry.table && (entry.table != slot_index(found) + 1 ||
                        (entry.member >= FIRST_OF_VERSION_2 && found->version < 2) ||
                        (entry.member >= FIRST_OF_VERSION_3 && found->version < 3)))
        ft_emit(FT_EV_DMA_OLD_TABLE, ft_dma_adapter_handle(found), entry.member);
    return found;
}

void ft_dma_later_member(const void *adapter, unsigned member, const char *name, void *site)
{
    ft_ddi_begin(FT_PT_DMA_QUERY, 0, site);
    ft_emit(FT_EV_DMA_OLD_TABLE, ft_handle_of(adapter), member);
    ft_unimplemented(name);
}

uint64_t ft_dma_logical_take(const struct ft_dma_adapter *adapter, unsigned pages)
{
    bool low = adapter->reach < 32;
    uint64_t high = adapter->reach > 32 && FT_M->platform.high ? FT_HIGH_OFFSET : 0;
    uint64_t *next = &FT_M->dma.logical_next[low],
             limit = low ? LOGICAL_LOW_PAGES : LOGICAL_HIGH_PAGES;
    uint64_t page;

    /* The range is longer than what can be live at one time; addresses come back only after all of
     * it was used. */
    if (*next + pages + 1 > limit)
        *next = 0;
    page = *next;
    *next += pages + 1;
    return (low ? LOGICAL_LOW_BASE : FT_LOGICAL_BASE + high) + page * FT_PAGE_BYTES;
}

/* ---- IoGetDmaAdapter ---- */

static bool version_granted(const DEVICE_DESCRIPTION *description)
{
    unsigned most = ft_world_module()->description->dma_version;
    unsigned asked = description->Version == 0 ? 1 : description->Version;

    return asked <= DEVICE_DESCRIPTION_VERSION3 && asked <= most;
}

/* The machine gave the device that request line. */
static bool line_exists(ULONG line)
{
    const struct ft_description *machine = ft_world_module()->description;
    unsigned lines = machine->dma_lines ? machine->dma_lines : 1;

    return line >= machine->dma_channel && line - machine->dma_channel < lines;
}

/* Of version 3: a bus master says how many address bits it drives, a subordinate device is on a
 * request line that the machine gave it. */
static bool line_granted(const DEVICE_DESCRIPTION *description)
{
    const struct ft_description *machine = ft_world_module()->description;

    if (description->Master)
        return description->DmaAddressWidth >= 1 && description->DmaAddressWidth <= 64;
    return machine->dma_bits && machine->dma_version >= DEVICE_DESCRIPTION_VERSION3 &&
           line_exists(description->DmaRequestLine) &&
           description->DmaWidth == (DMA_WIDTH)(machine->dma_bits / 16);
}

/* A subordinate device is on the channel that the machine gave it, and as wide as the channel. */
static bool channel_granted(const DEVICE_DESCRIPTION *description)
{
    const struct ft_description *machine = ft_world_module()->description;
    bool wide = description->DmaChannel > 4;

    if (description->Version >= DEVICE_DESCRIPTION_VERSION3)
        return line_granted(description);
    return description->Master ||
           (machine->dma_bits && description->DmaChannel == machine->dma_channel &&
            ft_system_channel_exists(description->DmaChannel) &&
            description->DmaWidth == (wide ? Width16Bits : Width8Bits));
}

/* One register more than the pages of the longest transfer, for an unaligned start; the knobs make
 * it fewer. The system DMA controller reaches 64 KiB in one operation, and a subordinate device
 * that waits for reprogramming (ScatterGather) gets page after page. */
static uint32_t registers_granted(const DEVICE_DESCRIPTION *description)
{
    uint32_t count = (uint32_t)BYTES_TO_PAGES(description->MaximumLength) + 1;
    uint32_t cap = FT_M->platform.registers, pool = ft_dma_register_count();

    bool classic = !description->Master && description->Version < DEVICE_DESCRIPTION_VERSION3;

    if (classic && count > SYSTEM_REGISTERS_MAX)
        count = SYSTEM_REGISTERS_MAX;
    if (classic && description->ScatterGather)
        count = 1;
    if (cap && count > cap)
        count = cap;
    return count < pool ? count : pool;
}

/* Address bits that the device, or the controller for it, drives. */
static uint8_t reach(const DEVICE_DESCRIPTION *description)
{
    bool pci_list = description->ScatterGather && description->InterfaceType == PCIBus;

    if (description->Version >= DEVICE_DESCRIPTION_VERSION3)
        return description->Master ? (uint8_t)description->DmaAddressWidth : 32;

    if (!description->Master)
        return 24;
    if (description->Dma64BitAddresses)
        return 64;
    return description->Dma32BitAddresses || pci_list ? 32 : 24;
}

static struct ft_dma_adapter *free_slot(void)
{
    for (unsigned i = 0; i < FT_DMA_ADAPTERS_MAX; i++)
        if (!FT_M->dma.adapter[i].block)
            return &FT_M->dma.adapter[i];
    return NULL;
}

static ULONG channel_of(const DEVICE_DESCRIPTION *description)
{
    return description->Version >= DEVICE_DESCRIPTION_VERSION3 ? description->DmaRequestLine
                                                               : description->DmaChannel;
}

/* A channel of the system DMA controller has one adapter, however often it is got. */
static struct ft_dma_adapter *shared_adapter(const DEVICE_DESCRIPTION *description)
{
    for (unsigned i = 0; i < FT_DMA_ADAPTERS_MAX; i++) {
        struct ft_dma_adapter *slot = &FT_M->dma.adapter[i];

        if (slot->block && slot->slave && !description->Master &&
            slot->system_channel == channel_of(description))
            return slot;
    }
    return NULL;
}

static struct ft_dma_adapter *create(const DEVICE_DESCRIPTION *description)
{
    struct ft_dma_adapter *slot = free_slot();
    struct seen *seen = slot ? ft_block_alloc(sizeof *seen, FT_HC_ADAPTER, 0) : NULL;

    if (!seen)
        return NULL;
    *slot = (struct ft_dma_adapter){
        .block = seen,
        .id = ft_handle_id(ft_block_handle(seen)),
        .registers = registers_granted(description),
        .maximum = description->MaximumLength,
        .version = description->Version == 0 ? 1 : (uint8_t)description->Version,
        /* The controller of version 3 gathers whatever the description says. */
        .scatter_gather = description->Master ? description->ScatterGather != FALSE
                                              : description->Version >= DEVICE_DESCRIPTION_VERSION3,
        .reach = reach(description),
        .slave = !description->Master,
        .system_channel = (uint16_t)channel_of(description),
        .demand = description->DemandMode != FALSE,
        .auto_initialize = description->AutoInitialize != FALSE,
        /* Version 0 has no such member. */
        .ignore_count = description->Version != 0 && description->IgnoreCount,
        .device = FT_DEV->number,
    };
    fill_seen(seen, slot);
    return slot;
}

bool ft_dma_is_of_device(uint32_t adapter)
{
    const struct ft_dma_adapter *slot = FT_M->io.second ? ft_dma_adapter_by_id(adapter) : NULL;

    return !slot || slot->device == FT_DEV->number;
}

static void reference(struct ft_dma_adapter *slot, int change)
{
    slot->references = (uint16_t)(slot->references + change);
    ft_emit(FT_EV_DMA_REFS, ft_dma_adapter_handle(slot), slot->references);
}

static bool not_boolean(BOOLEAN value)
{
    return value > 1;
}

/* Members that nobody asked the driver to set. */
static bool not_zeroed(const DEVICE_DESCRIPTION *d)
{
    bool later = d->DmaAddressWidth || d->DmaControllerInstance || d->DmaRequestLine ||
                 d->DeviceAddress.QuadPart;

    return d->Reserved1 || (d->Version < DEVICE_DESCRIPTION_VERSION3 && later) ||
           not_boolean(d->Master) || not_boolean(d->ScatterGather) || not_boolean(d->DemandMode) ||
           not_boolean(d->AutoInitialize) || not_boolean(d->Dma32BitAddresses) ||
           not_boolean(d->IgnoreCount) || not_boolean(d->Dma64BitAddresses);
}

static uint8_t width_word(const DEVICE_DESCRIPTION *d)
{
    return d->DmaAddressWidth < UINT8_MAX ? (uint8_t)d->DmaAddressWidth : UINT8_MAX;
}

/* The description as the event dma:get-adapter has it. */
static uint64_t description_word(const DEVICE_DESCRIPTION *d)
{
    return FT_DD_KNOWN | (d->Master ? FT_DD_MASTER : 0) |
           (d->ScatterGather ? FT_DD_SCATTER_GATHER : 0) | (d->DemandMode ? FT_DD_DEMAND : 0) |
           (d->AutoInitialize ? FT_DD_AUTO_INITIALIZE : 0) |
           (d->Dma32BitAddresses ? FT_DD_32_BITS : 0) | (d->Dma64BitAddresses ? FT_DD_64_BITS : 0) |
           (d->IgnoreCount ? FT_DD_IGNORE_COUNT : 0) | (not_zeroed(d) ? FT_DD_NOT_ZEROED : 0) |
           ((uint64_t)d->DmaChannel & 0xFF) << 16 |
           ((uint64_t)(uint32_t)d->InterfaceType & 0xFF) << 24 |
           (d->Version == DEVICE_DESCRIPTION_VERSION3
                ? (uint64_t)width_word(d) << 32 | (uint64_t)(uint16_t)d->DmaRequestLine << 40
                : 0);
}

/* Inside the points of either routine. */
static PDMA_ADAPTER get_adapter(PDEVICE_OBJECT device, const DEVICE_DESCRIPTION *description,
                                PULONG registers)
{
    struct ft_dma_adapter *slot = NULL;

    if (version_granted(description) && channel_granted(description) &&
        !ft_alloc_fails(FT_FAIL_ADAPTER)) {
        slot = shared_adapter(description);
        if (!slot)
            slot = create(description);
    }
    ft_emit(FT_EV_DMA_GET, slot ? ft_dma_adapter_handle(slot) : 0, description->Version,
            slot ? slot->registers : 0, description->MaximumLength,
            description->ScatterGather != FALSE, description->Master != FALSE, ft_handle_of(device),
            description_word(description));
    if (description->Version > DEVICE_DESCRIPTION_VERSION3)
        ft_dma_verify(BAD_VERSION, 0, 0, 0);
    if (!slot)
        return NULL;
    reference(slot, 1);
    *registers = slot->registers;
    return slot->block;
}

PDMA_ADAPTER IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject,
                             PDEVICE_DESCRIPTION DeviceDescription, PULONG NumberOfMapRegisters)
{
    struct ft_focus was;
    PDMA_ADAPTER adapter;

    FT_DDI_BEGIN(DMA_GET, 0);
    was = ft_focus_on(ft_device_owning(PhysicalDeviceObject));
    adapter = get_adapter(PhysicalDeviceObject, DeviceDescription, NumberOfMapRegisters);
    ft_focus_back(was);
    FT_DDI_END(DMA_GET, 0);
    return adapter;
}

/* Obsolete: what IoGetDmaAdapter was before there were physical device objects. */
PADAPTER_OBJECT HalGetAdapter(PDEVICE_DESCRIPTION DeviceDescription, PULONG NumberOfMapRegisters)
{
    PDMA_ADAPTER adapter;

    FT_DDI_BEGIN(DMA_GET, 0);
    adapter = get_adapter(NULL, DeviceDescription, NumberOfMapRegisters);
    ft_emit(FT_EV_HAL_GET_ADAPTER, ft_handle_of(adapter));
    ft_dma_verify(OBSOLETE, 0, 0, 0);
    FT_DDI_END(DMA_GET, 0);
    return adapter;
}

/* ---- members of the table ---- */

/* With the last reference, what the driver still has through the adapter is taken from it; common
 * buffers stay as they are. */
VOID ft_dma_put_adapter(PDMA_ADAPTER adapter)
{
    struct ft_dma_adapter *slot;

    FT_DMA_BEGIN(DMA_GET, 0);
    if (!find(adapter) && ft_block_is_live(adapter, FT_HC_ADAPTER)) {
        ft_emit(FT_EV_DMA_PUT, ft_handle_of(adapter), true);
    } else if ((slot = ft_dma_adapter_check(adapter, FT_PT_DMA_GET)) != NULL) {
        ft_emit(FT_EV_DMA_PUT, ft_handle_of(adapter), false);
        reference(slot, -1);
        if (slot->references == 0) {
            ft_dma_verify_put(slot);
            ft_dma_release_all(slot);
            *slot = (struct ft_dma_adapter){0};
        }
    }
    FT_DDI_END(DMA_GET, 0);
}

ULONG ft_dma_get_alignment(PDMA_ADAPTER adapter)
{
    const struct ft_dma_adapter *slot;

    FT_DMA_BEGIN(DMA_QUERY, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_QUERY);
    if (slot)
        ft_emit(FT_EV_DMA_ALIGNMENT, ft_dma_adapter_handle(slot), ALIGNMENT_BYTES);
    FT_DDI_END(DMA_QUERY, 0);
    return ALIGNMENT_BYTES;
}

/* Bytes that the system DMA controller has still to move for the adapter. */
static ULONG bytes_left(const struct ft_dma_adapter *slot)
{
    enum { POLL_UNITS = 10 };
    const struct ft_dma_grant *grant;

    if (slot->version < DEVICE_DESCRIPTION_VERSION3)
        return ft_system_counter(slot->system_channel, true);
    ft_time_pass(POLL_UNITS);
    ft_hardware_pass();
    grant = ft_dma_grant_by_id(slot->channel);
    return grant && grant->transfer ? ft_transfer_left(grant->transfer) : 0;
}

/* Counts for subordinate devices only. */
ULONG ft_dma_read_counter(PDMA_ADAPTER adapter)
{
    const struct ft_dma_adapter *slot;
    ULONG left = 0;

    FT_DMA_BEGIN(DMA_QUERY, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_QUERY);
    if (slot) {
        left = slot->slave ? bytes_left(slot) : 0;
        ft_emit(FT_EV_DMA_COUNTER, ft_dma_adapter_handle(slot), left);
    }
    FT_DDI_END(DMA_QUERY, 0);
    return left;
}
