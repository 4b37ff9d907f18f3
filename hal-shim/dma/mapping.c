/* Mappings: what MapTransfer makes once and a scatter/gather list once for each element, and what a
 * flush does to one of them (wdm-dma sheet, 6.2, 6.3, 6.5, 6.7).
 *
 * A flush moves exactly what its arguments name, so wrong arguments lose or spoil data as they
 * would on the machine; the rules judge them. Not modelled: bouncing of read ends that share a
 * cache line with data of others (buffers share no line).
 */
#include "dma/dma_private.h"
#include "dma/mapping_view.h"
#include "dma/frames.h"
#include "sim/dma_words.h"

#include <string.h>

enum { HEADER_OFFSET = 0x20, PFNS_OFFSET = 0x30, LOST_FILL = 0x5A };

uint64_t ft_dma_mapping_handle(const struct ft_dma_mapping *mapping)
{
    return mapping ? ft_handle(FT_HC_MAPPING, mapping->id, 0) : 0;
}

static unsigned span_of(const void *va, uint32_t bytes)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, (ULONG_PTR)bytes);
}

static struct ft_dma_mapping *mappings_end(void)
{
    return FT_M->dma.mapping + FT_M->dma.mappings_high;
}

static void mapping_drop(struct ft_dma_mapping *mapping)
{
    ft_dma_registers_set(FT_M->dma.mapped, mapping->first, mapping->count, false);
    /* A driver that skips the next flush must not find data by chance. */
    if (mapping->bounced)
        ft_dma_bounce_pages_fill(mapping->first, mapping->count);
    memset(mapping, 0, sizeof *mapping);
    FT_M->dma.mappings_live--;
}

void ft_dma_drop_mappings(uint32_t grant)
{
    for (struct ft_dma_mapping *m = FT_M->dma.mapping; m < mappings_end(); m++)
        if (m->id && m->grant == grant)
            mapping_drop(m);
}

unsigned ft_dma_mappings_free(void)
{
    return FT_DMA_MAPPINGS_MAX - FT_M->dma.mappings_live;
}

unsigned ft_dma_registers_left(const struct ft_dma_grant *grant)
{
    unsigned left = grant->count;

    for (struct ft_dma_mapping *m = FT_M->dma.mapping; m < mappings_end(); m++)
        if (m->id && m->grant == grant->id)
            left -= m->count;
    return left;
}

/* ---- the plan: how much, where, and through which pages ---- */

static bool page_bounces(const struct ft_dma_adapter *adapter, uint64_t physical)
{
    const struct ft_platform *platform = &FT_M->platform;

    /* The HAL has no reason to copy what processor and device share, nor may it: a channel that
     * auto-initialises works in its common buffer for a long time. */
    if (adapter->slave && ft_physical_is_common(physical))
        return false;
    /* An IOMMU brings every page into reach, but the system DMA controller is not behind it. */
    if ((!platform->iommu || adapter->slave) && physical >> adapter->reach % 64 != 0 &&
        adapter->reach < 64)
        return true;
    return platform->bounce == FT_BOUNCE_ALWAYS ||
           (platform->bounce == FT_BOUNCE_ODD_PAGES && physical / FT_PAGE_BYTES % 2 == 1);
}

/* Driver Verifier's: data goes through pages of its own. */
static bool hooked(const struct ft_dma_grant *grant)
{
    return FT_M->platform.verifier && grant->first + grant->count <= FT_VERIFIER_REGISTERS;
}

static bool run_page_bounces(const struct ft_dma_run *r, uint64_t physical)
{
    bool shared = r->adapter->slave && ft_physical_is_common(physical);

    return page_bounces(r->adapter, physical) || (hooked(r->grant) && !shared);
}

/* Bytes from the start up to the first page that does not continue the run: physically, or in how
 * the device reaches it. */
static uint32_t run_length(const struct ft_dma_run *r, bool *bounced)
{
    uint64_t physical = ft_mdl_physical(r->mdl, r->va);
    uint32_t length = FT_PAGE_BYTES - (uint32_t)(physical % FT_PAGE_BYTES);

    *bounced = run_page_bounces(r, physical);
    while (length < r->asked) {
        uint64_t next = ft_mdl_physical(r->mdl, ft_va_further(r->va, length));

        /* Bounce pages lie in a row whatever they stand for. */
        if (run_page_bounces(r, next) != *bounced || (!*bounced && next != physical + length))
            break;
        length += FT_PAGE_BYTES;
    }
    return length < r->asked ? length : r->asked;
}

/* The world choice short-map: at most that many pages, and at least what is left of the first. */
static uint32_t shortened(const struct ft_dma_run *r, uint32_t length)
{
    uint32_t pages = FT_M->dma.short_pages ? FT_M->dma.short_pages : 1;
    uint32_t most = pages * FT_PAGE_BYTES - (uint32_t)((uintptr_t)r->va % FT_PAGE_BYTES);

    if (!FT_M->dma.short_armed || r->of_list)
        return length;
    FT_M->dma.short_armed = 0;
    if (most >= length)
        return length;
    ft_emit(FT_EV_DMA_SHORT_MAP, r->asked, most);
    return most;
}

/* A scatter/gather device gets one run. Where it reaches the pages themselves, registers do not
 * bound it; the rules do. */
static bool plan_run(struct ft_dma_run *r)
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

static bool behind_iommu(const struct ft_dma_adapter *adapter)
{
    return FT_M->platform.iommu && !adapter->slave;
}

/* The controller would not come from the first byte to the last. */
static bool crosses(const struct ft_dma_adapter *adapter, uint64_t physical, uint32_t bytes)
{
    uint64_t boundary = ft_dma_boundary(adapter);

    return boundary && physical / boundary != (physical + bytes - 1) / boundary;
}

/* Any other device gets everything, in one run as it sees it. */
static bool plan_whole(struct ft_dma_run *r)
{
    unsigned span = span_of(r->va, r->asked);
    uint64_t physical = ft_mdl_physical(r->mdl, r->va);
    uint32_t page_left = FT_PAGE_BYTES - (uint32_t)(physical % FT_PAGE_BYTES);
    bool contiguous = true;

    r->length = r->asked;
    r->bounced = run_page_bounces(r, physical);
    for (uint32_t at = page_left; at < r->asked; at += FT_PAGE_BYTES) {
        uint64_t next = ft_mdl_physical(r->mdl, ft_va_further(r->va, at));

        r->bounced = r->bounced || run_page_bounces(r, next);
        contiguous = contiguous && next == physical + at;
    }
    if (!contiguous && !behind_iommu(r->adapter))
        r->bounced = true;
    if (r->adapter->slave && crosses(r->adapter, physical, r->asked)) {
        /* Registers of a subordinate device do not cross the boundary (channel.c). */
        r->bounced = true;
    }
    return span <= ft_dma_registers_left(r->grant) &&
           ft_dma_registers_find(FT_M->dma.mapped, r->grant->first, r->grant->count, span,
                                 &r->first, &r->count);
}

/* ---- making one ---- */

static uint64_t logical_of(const struct ft_dma_run *r)
{
    uint64_t in_page = (uintptr_t)r->va % FT_PAGE_BYTES;

    if (behind_iommu(r->adapter))
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
    struct ft_dma_mapping *mapping = FT_M->dma.mapping, *end = mapping + FT_DMA_MAPPINGS_MAX;

    while (mapping < end && mapping->id)
        mapping++;
    if (mapping < end) {
        if (mapping == mappings_end())
            FT_M->dma.mappings_high++;
        FT_M->dma.mappings_live++;
        return mapping;
    }
    /* More live mappings than this have no verdict; they must not look clean. */
    ft_emit(FT_EV_RUN_CUT, FT_M->steps);
    ft_stop(FT_STOP_CUT);
    return NULL;
}

/* What a driver may not change while the MDL is mapped: the range, and which pages it is. Flags and
 * system address come and go with MmGetSystemAddressForMdlSafe. */
static uint32_t sum_of(const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    uint32_t sum = 2166136261U;

    for (size_t i = 0; i < count; i++)
        sum = (sum ^ at[i]) * 16777619U;
    return sum;
}

static uint32_t header_sum(const MDL *mdl)
{
    const uint64_t field[] = {(uintptr_t)mdl->StartVa, mdl->ByteCount, mdl->ByteOffset};

    return sum_of(field, sizeof field);
}

static uint32_t pfn_sum(const MDL *mdl, const void *va, uint32_t bytes)
{
    uint64_t first = (mdl->ByteOffset + ft_mdl_offset(mdl, va)) >> PAGE_SHIFT;

    return sum_of(MmGetMdlPfnArray(mdl) + first, span_of(va, bytes) * sizeof(PFN_NUMBER));
}

/* SCSI Port keeps one channel for all its requests: a mapping is of the one that its task serves.
 */
static uint16_t request_of(const struct ft_dma_run *r)
{
    const struct ft_task *task = ft_current();

    return task && task->layer == FT_LAYER_PORT ? task->request : r->grant->request;
}

static struct ft_dma_mapping *mapping_make(const struct ft_dma_run *r)
{
    struct ft_dma_mapping *mapping = free_mapping();

    if (!mapping)
        return NULL;
    *mapping = (struct ft_dma_mapping){
        .logical = logical_of(r),
        .va = r->va,
        .memory = r->memory,
        .mdl = r->mdl,
        .id = ft_handle_id(ft_handle_new(FT_HC_MAPPING)),
        .grant = r->grant->id,
        .adapter = r->adapter->id,
        .length = r->length,
        .header_sum = header_sum(r->mdl),
        .pfn_sum = pfn_sum(r->mdl, r->va, r->length),
        .first = (uint16_t)r->first,
        .count = (uint16_t)r->count,
        .request = request_of(r),
        .write = r->write,
        .bounced = r->bounced,
    };
    ft_dma_registers_set(FT_M->dma.mapped, mapping->first, mapping->count, true);
    ft_buffer_mapped(r->memory, r->length);
    /* From version 3 on the HAL keeps the caches in step: nobody calls KeFlushIoBuffers. */
    if (r->adapter->version >= DEVICE_DESCRIPTION_VERSION3)
        ft_cache_write_back(r->memory, r->length);
    if (r->bounced) {
        ft_dma_bounce_pages_check(mapping->first, mapping->count);
        if (r->write)
            ft_raw_copy(bounce_at(mapping, 0), r->memory, r->length);
    }
    return mapping;
}

/* The system DMA controller is told; it waits for the device's request. */
static void program(const struct ft_dma_adapter *adapter, const struct ft_dma_mapping *mapping)
{
    unsigned mode = adapter->demand ? FT_SYSTEM_DEMAND : FT_SYSTEM_SINGLE;
    unsigned automatic = adapter->auto_initialize ? FT_SYSTEM_AUTO : 0;
    unsigned way = mapping->write ? FT_SYSTEM_TO_DEVICE : FT_SYSTEM_FROM_DEVICE;

    ft_emit(FT_EV_SYS_PROGRAM, ft_dma_adapter_handle(adapter), mapping->logical, mapping->length,
            mapping->write, mode / FT_SYSTEM_SINGLE + (automatic ? 4 : 0));
    ft_system_program(adapter->system_channel, mapping->logical, mapping->length,
                      mode | automatic | way);
}

struct ft_dma_mapping *ft_dma_map_run(struct ft_dma_run *r)
{
    struct ft_dma_mapping *mapping;
    bool planned;

    if (r->asked == 0)
        return NULL;
    if (r->adapter->slave && r->adapter->version >= DEVICE_DESCRIPTION_VERSION3 && !r->of_transfer)
        ft_unimplemented("a transfer of version 1 on a system DMA adapter of version 3");
    r->memory = ft_mdl_memory(r->mdl, r->va, r->asked);
    if (!r->memory)
        return NULL;
    planned = r->adapter->scatter_gather ? plan_run(r) : plan_whole(r);
    mapping = planned ? mapping_make(r) : NULL;
    if (mapping)
        ft_dma_verify_mapped(r->adapter, mapping->length);
    if (mapping && r->adapter->slave && !r->of_transfer)
        program(r->adapter, mapping);
    return mapping;
}

/* ---- flush ---- */

enum { MAPPABLE = MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL };

/* The MDL is not what it was when it was mapped. One that is gone or unlocked is another matter. */
static void check_mdl(const struct ft_dma_mapping *mapping)
{
    const MDL *mdl = mapping->mdl;

    if (!ft_mdl_readable(mdl) || !(mdl->MdlFlags & MAPPABLE))
        return;
    if (header_sum(mdl) != mapping->header_sum)
        ft_emit(FT_EV_MEM_DAMAGE, FT_DAMAGE_MDL, ft_handle_of(mdl), HEADER_OFFSET);
    else if (pfn_sum(mdl, mapping->va, mapping->length) != mapping->pfn_sum)
        ft_emit(FT_EV_MEM_DAMAGE, FT_DAMAGE_MDL, ft_handle_of(mdl), PFNS_OFFSET);
}

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

/* What the device moved of [offset, offset + bytes) of the mapping. */
static uint32_t without_residual(const struct ft_dma_mapping *mapping, uint32_t offset,
                                 uint32_t bytes)
{
    uint32_t moved = mapping->length - mapping->residual;

    if (offset >= moved)
        return 0;
    return bytes < moved - offset ? bytes : moved - offset;
}

void ft_dma_stop_system(const struct ft_dma_adapter *adapter, uint32_t grant)
{
    uint32_t left = ft_system_counter(adapter->system_channel, false);
    struct ft_dma_mapping *latest = NULL;

    ft_system_mask(adapter->system_channel, true);
    for (struct ft_dma_mapping *m = FT_M->dma.mapping; m < mappings_end(); m++)
        if (m->id && m->grant == grant && (!latest || m->id > latest->id))
            latest = m;
    if (latest && !adapter->ignore_count && !adapter->auto_initialize)
        latest->residual = left < latest->length ? left : latest->length;
}

/* What lies round the mapped bytes in the pages of the registers. */
static void check_padding(const struct ft_dma_mapping *mapping)
{
    enum { OUTSIDE = 0x0F, BEFORE = 4, AFTER = 5, PAD = 0x0F };
    const uint8_t *page = ft_dma_bounce_page(mapping->first), *data = bounce_at(mapping, 0);
    const uint8_t *end = page + mapping->count * (size_t)FT_PAGE_BYTES;

    if (!FT_M->platform.verifier || !mapping->bounced)
        return;
    for (const uint8_t *at = page; at < end; at++)
        if (*at != PAD && (at < data || at >= data + mapping->length)) {
            ft_dma_verify(OUTSIDE, at < data ? BEFORE : AFTER, 0, (uint64_t)(at - page));
            return;
        }
}

/* The end of the data did not come through: what was in the adapter's buffers is gone. */
static void lose(const struct ft_dma_mapping *mapping)
{
    uint32_t lost = mapping->length < FT_LINE_BYTES ? mapping->length : FT_LINE_BYTES;

    if (!mapping->write && !mapping->bounced && ft_mdl_memory(mapping->mdl, mapping->va, 1))
        ft_raw_fill(mapping->memory + mapping->length - lost, LOST_FILL, lost);
}

bool ft_dma_flush_mapping(struct ft_dma_mapping *mapping, const MDL *mdl, uint8_t *va,
                          uint32_t length, bool write)
{
    uintptr_t begin = (uintptr_t)va, end = begin + length;
    uintptr_t map_begin = (uintptr_t)mapping->va, map_end = map_begin + mapping->length;
    uintptr_t from = begin > map_begin ? begin : map_begin, to = end < map_end ? end : map_end;
    uint32_t bytes, copied = 0;
    uint64_t handle = ft_dma_mapping_handle(mapping);

    /* A flush of no bytes ends the mapping that starts there: the device moved nothing. */
    if (length == 0 ? begin != map_begin : from >= to)
        return false;
    bytes = length ? (uint32_t)(to - from) : 0;
    check_mdl(mapping);
    check_padding(mapping);
    if (FT_M->dma.flush_lost)
        lose(mapping);
    else if (!write)
        copied = move_to_buffer(mapping, mdl, ft_va_further(mapping->va, from - map_begin),
                                without_residual(mapping, (uint32_t)(from - map_begin), bytes));
    mapping_drop(mapping);
    ft_emit(FT_EV_DMA_FLUSHED, handle, bytes, copied);
    return true;
}

void ft_dma_end_mapping(struct ft_dma_mapping *mapping)
{
    uint64_t handle = ft_dma_mapping_handle(mapping);

    mapping_drop(mapping);
    ft_emit(FT_EV_DMA_FLUSHED, handle, 0, 0);
}

struct ft_dma_mapping *ft_dma_next_mapping(uint32_t grant, uintptr_t from, uint32_t after_id)
{
    struct ft_dma_mapping *best = NULL;

    for (struct ft_dma_mapping *m = FT_M->dma.mapping; m < mappings_end(); m++) {
        uintptr_t at = (uintptr_t)m->va;

        if (!m->id || m->grant != grant || at < from || (at == from && m->id <= after_id))
            continue;
        if (!best || at < (uintptr_t)best->va || (at == (uintptr_t)best->va && m->id < best->id))
            best = m;
    }
    return best;
}

/* ---- by age, for other layers (mapping_view.h) ---- */

/* The oldest mapping younger than `id`. Handle ids count up, so they tell the age. */
static const struct ft_dma_mapping *next_after(uint32_t id)
{
    const struct ft_dma_mapping *next = NULL;

    for (unsigned i = 0; i < FT_DMA_MAPPINGS_MAX; i++) {
        const struct ft_dma_mapping *mapping = &FT_M->dma.mapping[i];

        if (mapping->id > id && (!next || mapping->id < next->id))
            next = mapping;
    }
    return next;
}

static const struct ft_dma_mapping *next_of_device(uint32_t id)
{
    const struct ft_dma_mapping *mapping = next_after(id);

    while (mapping && !ft_dma_is_of_device(mapping->adapter))
        mapping = next_after(mapping->id);
    return mapping;
}

bool ft_mapping_view(unsigned older, struct ft_mapping_view *ret)
{
    const struct ft_dma_mapping *mapping = next_of_device(0);

    for (; mapping && older > 0; older--)
        mapping = next_of_device(mapping->id);
    if (!mapping)
        return false;
    *ret = (struct ft_mapping_view){mapping->logical, mapping->length, mapping->write != 0};
    return true;
}
