/* MapTransfer and FlushAdapterBuffers (wdm-dma sheet, 1.5, 1.8, 6.2, 6.3, 6.5, 6.7).
 *
 * MapTransfer has no error return. Where the contract is broken nothing is mapped: Length 0, an
 * address where no memory is, and an event with a null mapping and the length that was asked for. A
 * flush moves exactly what its arguments name, so wrong arguments lose or spoil data as they would
 * on the machine; the rules judge them. Not modelled: bouncing of read ends that share a cache line
 * with data of others (buffers share no line), and failing flushes of present adapters.
 */
#include "dma/dma_private.h"
#include "dma/frames.h"

#include <string.h>

enum { POISON_FILL = 0xA5 };
#define LOW_REACH_END 0x01000000ULL

/* What one MapTransfer asks for and what was found out about it. */
struct map_request {
    const struct ft_dma_adapter *adapter;
    struct ft_dma_grant *grant;
    const MDL *mdl;
    uint8_t *va;
    uint8_t *memory;
    uint32_t asked;
    uint32_t length; /* of the run that is mapped */
    unsigned first;  /* register */
    unsigned count;  /* registers it uses */
    bool write;
    bool bounced;
};

static uint64_t mapping_handle(const struct ft_dma_mapping *mapping)
{
    return ft_handle(FT_HC_MAPPING, mapping->id, 0);
}

static unsigned span_of(const void *va, uint32_t bytes)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, (ULONG_PTR)bytes);
}

static void mapping_drop(struct ft_dma_mapping *mapping)
{
    ft_dma_registers_set(FT_M->dma.mapped, mapping->first, mapping->count, false);
    memset(mapping, 0, sizeof *mapping);
}

void ft_dma_drop_mappings(uint32_t grant)
{
    for (unsigned i = 0; i < FT_DMA_MAPPINGS_MAX; i++)
        if (FT_M->dma.mapping[i].id && FT_M->dma.mapping[i].grant == grant)
            mapping_drop(&FT_M->dma.mapping[i]);
}

/* Registers of the file that no live mapping uses. */
static unsigned registers_left(const struct ft_dma_grant *grant)
{
    unsigned left = grant->count;

    for (unsigned i = 0; i < FT_DMA_MAPPINGS_MAX; i++)
        if (FT_M->dma.mapping[i].id && FT_M->dma.mapping[i].grant == grant->id)
            left -= FT_M->dma.mapping[i].count;
    return left;
}

/* ---- MapTransfer ---- */

static bool page_bounces(const struct ft_dma_adapter *adapter, uint64_t physical)
{
    const struct ft_platform *platform = &FT_M->platform;

    /* An IOMMU brings every page into reach. */
    if (adapter->low_reach && !platform->iommu && physical >= LOW_REACH_END)
        return true;
    return platform->bounce == FT_BOUNCE_ALWAYS ||
           (platform->bounce == FT_BOUNCE_ODD_PAGES && physical / FT_PAGE_BYTES % 2 == 1);
}

/* Bytes from the start up to the first page that does not continue the run: physically, or in how
 * the device reaches it. */
static uint32_t run_length(const struct map_request *r, bool *bounced)
{
    uint64_t physical = ft_mdl_physical(r->mdl, r->va);
    uint32_t length = FT_PAGE_BYTES - (uint32_t)(physical % FT_PAGE_BYTES);

    *bounced = page_bounces(r->adapter, physical);
    while (length < r->asked) {
        uint64_t next = ft_mdl_physical(r->mdl, r->va + length);

        /* Bounce pages lie in a row whatever they stand for. */
        if (page_bounces(r->adapter, next) != *bounced || (!*bounced && next != physical + length))
            break;
        length += FT_PAGE_BYTES;
    }
    return length < r->asked ? length : r->asked;
}

/* The world choice short-map: at most that many pages, and at least what is left of the first. */
static uint32_t shortened(const struct map_request *r, uint32_t length)
{
    uint32_t pages = FT_M->dma.short_pages ? FT_M->dma.short_pages : 1;
    uint32_t most = pages * FT_PAGE_BYTES - (uint32_t)((uintptr_t)r->va % FT_PAGE_BYTES);

    if (!FT_M->dma.short_armed)
        return length;
    FT_M->dma.short_armed = 0;
    if (most >= length)
        return length;
    ft_emit(FT_EV_DMA_SHORT_MAP, r->asked, most);
    return most;
}

/* A scatter/gather device gets one run. Where it reaches the pages themselves, registers do not
 * bound it; the rules do. */
static bool plan_run(struct map_request *r)
{
    const struct ft_dma_grant *grant = r->grant;

    r->length = shortened(r, run_length(r, &r->bounced));
    r->count = span_of(r->va, r->length);
    if (ft_dma_registers_find(FT_M->dma.mapped, grant->first, grant->count, r->count, &r->first,
                              &r->count))
        return true;
    if (!r->bounced)
        return true;
    r->length = r->count * FT_PAGE_BYTES - (uint32_t)((uintptr_t)r->va % FT_PAGE_BYTES);
    return r->count > 0;
}

/* Any other device gets everything, in one run as it sees it. */
static bool plan_whole(struct map_request *r)
{
    unsigned span = span_of(r->va, r->asked);
    uint64_t physical = ft_mdl_physical(r->mdl, r->va);
    uint32_t page_left = FT_PAGE_BYTES - (uint32_t)(physical % FT_PAGE_BYTES);
    bool contiguous = true;

    r->length = r->asked;
    r->bounced = page_bounces(r->adapter, physical);
    for (uint32_t at = page_left; at < r->asked; at += FT_PAGE_BYTES) {
        uint64_t next = ft_mdl_physical(r->mdl, r->va + at);

        r->bounced = r->bounced || page_bounces(r->adapter, next);
        contiguous = contiguous && next == physical + at;
    }
    if (!contiguous && !FT_M->platform.iommu)
        r->bounced = true;
    return span <= registers_left(r->grant) &&
           ft_dma_registers_find(FT_M->dma.mapped, r->grant->first, r->grant->count, span,
                                 &r->first, &r->count);
}

static uint64_t logical_of(const struct map_request *r)
{
    uint64_t in_page = (uintptr_t)r->va % FT_PAGE_BYTES;

    if (FT_M->platform.iommu)
        return ft_dma_logical_take(r->adapter, span_of(r->va, r->length)) + in_page;
    if (r->bounced)
        return FT_BOUNCE_PHYSICAL_BASE + r->first * (uint64_t)FT_PAGE_BYTES + in_page;
    return ft_mdl_physical(r->mdl, r->va);
}

/* The processor's address of a mapping's bounce pages at this offset of the mapping. */
static uint8_t *bounce_at(const struct ft_dma_mapping *mapping, uint64_t offset)
{
    return (uint8_t *)ft_dma_bounce_page(mapping->first) + (uintptr_t)mapping->va % FT_PAGE_BYTES +
           offset;
}

static struct ft_dma_mapping *free_mapping(void)
{
    for (unsigned i = 0; i < FT_DMA_MAPPINGS_MAX; i++)
        if (!FT_M->dma.mapping[i].id)
            return &FT_M->dma.mapping[i];
    /* More live mappings than this have no verdict; they must not look clean. */
    ft_emit(FT_EV_RUN_CUT, FT_M->steps);
    ft_stop(FT_STOP_CUT);
    return NULL;
}

static struct ft_dma_mapping *mapping_make(const struct map_request *r)
{
    struct ft_dma_mapping *mapping = free_mapping();

    if (!mapping)
        return NULL;
    *mapping = (struct ft_dma_mapping){
        .logical = logical_of(r),
        .va = r->va,
        .memory = r->memory,
        .id = ft_handle_id(ft_handle_new(FT_HC_MAPPING)),
        .grant = r->grant->id,
        .adapter = r->adapter->id,
        .length = r->length,
        .first = (uint16_t)r->first,
        .count = (uint16_t)r->count,
        .request = r->grant->request,
        .write = r->write,
        .bounced = r->bounced,
    };
    ft_dma_registers_set(FT_M->dma.mapped, mapping->first, mapping->count, true);
    if (r->bounced) {
        /* A driver that skips the flush must not find its data by chance. */
        memset(ft_dma_bounce_page(mapping->first), POISON_FILL,
               mapping->count * (size_t)FT_PAGE_BYTES);
        if (r->write)
            ft_raw_copy(bounce_at(mapping, 0), r->memory, r->length);
    }
    return mapping;
}

/* NULL: the contract is broken, nothing is mapped. */
static struct ft_dma_mapping *try_map(struct map_request *r, const void *base)
{
    bool planned;

    r->grant = ft_dma_grant_of_base(base);
    if (!r->grant || r->grant->adapter != r->adapter->id || r->asked == 0)
        return NULL;
    r->memory = ft_mdl_memory(r->mdl, r->va, r->asked);
    if (!r->memory)
        return NULL;
    planned = r->adapter->scatter_gather ? plan_run(r) : plan_whole(r);
    return planned ? mapping_make(r) : NULL;
}

PHYSICAL_ADDRESS ft_dma_map(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, PVOID va, PULONG length,
                            BOOLEAN write)
{
    unsigned label = ft_label_of(mdl);
    PHYSICAL_ADDRESS address;
    struct map_request r = {.mdl = mdl, .va = va, .write = write != FALSE};
    const struct ft_dma_mapping *mapping = NULL;

    FT_DDI_BEGIN(DMA_MAP, label);
    address.QuadPart = (LONGLONG)(FT_POISON_LOGICAL + (uintptr_t)va % FT_PAGE_BYTES);
    r.asked = *length;
    r.adapter = ft_dma_adapter_check(adapter, FT_PT_DMA_MAP);
    if (r.adapter) {
        mapping = try_map(&r, base);
        if (mapping)
            address.QuadPart = (LONGLONG)mapping->logical;
        ft_emit(FT_EV_DMA_MAP, ft_dma_adapter_handle(r.adapter), ft_handle_of(base),
                ft_handle_of(mdl), ft_mdl_offset(mdl, va), mapping ? mapping->length : r.asked,
                r.write, mapping ? mapping_handle(mapping) : 0, (uint64_t)address.QuadPart);
    }
    *length = mapping ? mapping->length : 0;
    FT_DDI_END(DMA_MAP, label);
    return address;
}

/* ---- FlushAdapterBuffers ---- */

/* What a flush in the direction of a read moves to the buffer that its own arguments name. Returns
 * the bytes that moved. */
static uint32_t move_to_buffer(const struct ft_dma_mapping *mapping, const MDL *mdl, uint8_t *from,
                               uint32_t bytes)
{
    uint8_t *memory = bytes ? ft_mdl_memory(mdl, from, bytes) : NULL;

    if (!memory)
        return 0;
    if (mapping->bounced) {
        ft_raw_copy(memory, bounce_at(mapping, (uint64_t)(from - mapping->va)), bytes);
        /* Written by the processor, and cleaned at once: the next piece may share the last line. */
        ft_buffer_touched(memory, bytes);
        ft_cache_write_back(memory, bytes);
        return bytes;
    }
    if (ft_bus_view(memory) == memory)
        return 0;
    ft_cache_invalidate(memory, bytes);
    return bytes;
}

/* Flushes what [va, va + length) and the mapping have in common, which ends the mapping. False:
 * they have nothing in common. */
static bool flush_one(struct ft_dma_mapping *mapping, const MDL *mdl, uint8_t *va, uint32_t length,
                      bool write)
{
    uintptr_t begin = (uintptr_t)va, end = begin + length;
    uintptr_t map_begin = (uintptr_t)mapping->va, map_end = map_begin + mapping->length;
    uintptr_t from = begin > map_begin ? begin : map_begin, to = end < map_end ? end : map_end;
    uint32_t bytes, copied = 0;
    uint64_t handle = mapping_handle(mapping);

    /* A flush of no bytes ends the mapping that starts there: the device moved nothing. */
    if (length == 0 ? begin != map_begin : from >= to)
        return false;
    bytes = length ? (uint32_t)(to - from) : 0;
    if (!write)
        copied = move_to_buffer(mapping, mdl, mapping->va + (from - map_begin), bytes);
    mapping_drop(mapping);
    ft_emit(FT_EV_DMA_FLUSHED, handle, bytes, copied);
    return true;
}

/* The live mapping of that grant with the lowest CurrentVa at or after `from`; among equals the
 * older one. */
static struct ft_dma_mapping *next_mapping(uint32_t grant, uintptr_t from, uint32_t after_id)
{
    struct ft_dma_mapping *best = NULL;

    for (unsigned i = 0; i < FT_DMA_MAPPINGS_MAX; i++) {
        struct ft_dma_mapping *m = &FT_M->dma.mapping[i];
        uintptr_t at = (uintptr_t)m->va;

        if (!m->id || m->grant != grant || at < from || (at == from && m->id <= after_id))
            continue;
        if (!best || at < (uintptr_t)best->va || (at == (uintptr_t)best->va && m->id < best->id))
            best = m;
    }
    return best;
}

BOOLEAN ft_dma_flush(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, PVOID va, ULONG length,
                     BOOLEAN write)
{
    unsigned label = ft_label_of(mdl);
    const struct ft_dma_adapter *slot;
    const struct ft_dma_grant *grant;
    struct ft_dma_mapping *mapping;
    uintptr_t at = 0;
    uint32_t id = 0;
    bool ok = false;

    FT_DDI_BEGIN(DMA_FLUSH, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_FLUSH);
    if (slot) {
        ft_emit(FT_EV_DMA_FLUSH, ft_dma_adapter_handle(slot), ft_handle_of(base), ft_handle_of(mdl),
                ft_mdl_offset(mdl, va), length, write != FALSE);
        grant = ft_dma_grant_of_base(base);
        if (grant && grant->adapter == slot->id)
            while ((mapping = next_mapping(grant->id, at, id)) != NULL) {
                at = (uintptr_t)mapping->va;
                id = mapping->id;
                ok = flush_one(mapping, mdl, va, length, write != FALSE) || ok;
            }
        ft_emit(FT_EV_DMA_FLUSH_RESULT, ft_handle_of(base), ok);
    }
    FT_DDI_END(DMA_FLUSH, label);
    return ok;
}
