/* The device's way to memory: logical addresses become mappings, common buffers, or what happens to
 * lie there (sim/device.h).
 *
 * An access is split where what it hits changes. One that hits no live mapping and no common buffer
 * faults behind an IOMMU, and elsewhere reaches whatever memory has that physical address: freed
 * pages, somebody else's, or a bounce page after its flush.
 */
#include "dma/common.h"
#include "dma/dma_private.h"
#include "dma/frames.h"
#include "kmdf/wdf_touches.h"
#include "sim/device.h"
#include "sim/dma_words.h"

#include <string.h>

enum { IOMMU_FAULT = 0x26 }; /* code of Driver Verifier */

/* The first part of an access. */
struct piece {
    uint8_t *memory; /* as the device sees it; NULL: the bus refuses */
    uint8_t *buffer; /* the processor's address when a live mapping is hit, else NULL */
    uint64_t target; /* handle with offset, 0: nothing of the driver's */
    uint32_t bytes;
    unsigned request; /* IRP handle id of the mapping's request */
};

/* Each device has an address space of its own behind an IOMMU, unless its adapter shares one. */
static bool is_translated(uint32_t adapter)
{
    const struct ft_dma_adapter *slot;

    if (!FT_M->platform.iommu || ft_dma_is_of_device(adapter))
        return true;
    slot = ft_dma_adapter_by_id(adapter);
    return slot && slot->domain != 0;
}

static bool hit_mapping(uint64_t address, struct piece *piece)
{
    for (unsigned i = 0; i < FT_M->dma.mappings_high; i++) {
        const struct ft_dma_mapping *m = &FT_M->dma.mapping[i];
        uint64_t at = address - m->logical;

        if (!m->id || at >= m->length || !is_translated(m->adapter))
            continue;
        piece->buffer = m->memory + at;
        piece->memory = m->bounced ? (uint8_t *)ft_dma_bounce_page(m->first) +
                                         (uintptr_t)m->va % FT_PAGE_BYTES + at
                                   : ft_bus_view(piece->buffer);
        piece->target = ft_handle(FT_HC_MAPPING, m->id, (uint32_t)at);
        piece->request = m->request;
        if (piece->bytes > m->length - at)
            piece->bytes = (uint32_t)(m->length - at);
        return true;
    }
    return false;
}

static bool hit_common(uint64_t address, struct piece *piece)
{
    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++) {
        const struct ft_dma_common *c = &FT_M->dma.common[i];
        uint64_t at = address - c->logical;

        if (!c->live || at >= c->length || !ft_domain_is_reached(c->domain) ||
            !is_translated(c->adapter))
            continue;
        piece->memory = (uint8_t *)ft_common_address(c) + at;
        if (c->memory)
            piece->memory = ft_bus_view(piece->memory);
        piece->target = ft_handle(FT_HC_COMMON, c->id, (uint32_t)at);
        if (piece->bytes > c->length - at)
            piece->bytes = (uint32_t)(c->length - at);
        return true;
    }
    return false;
}

static void stop_before(uint64_t address, uint64_t logical, struct piece *piece)
{
    if (logical > address && piece->bytes > logical - address)
        piece->bytes = (uint32_t)(logical - address);
}

/* Nothing of the driver's is at this address: up to where something is again. */
static void hit_stray(uint64_t address, struct piece *piece)
{
    uint64_t in_bounce = address - FT_BOUNCE_PHYSICAL_BASE;
    uint32_t left = FT_PAGE_BYTES - (uint32_t)(address % FT_PAGE_BYTES);

    for (unsigned i = 0; i < FT_M->dma.mappings_high; i++)
        if (FT_M->dma.mapping[i].id)
            stop_before(address, FT_M->dma.mapping[i].logical, piece);
    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++)
        if (FT_M->dma.common[i].live)
            stop_before(address, FT_M->dma.common[i].logical, piece);
    if (FT_M->platform.iommu)
        return;
    if (in_bounce < FT_M->dma.bounce_high * (uint64_t)FT_PAGE_BYTES)
        piece->memory = (uint8_t *)FT_BOUNCE_BASE + in_bounce;
    else
        piece->memory = ft_physical_memory(address, &left);
    /* A stray access must not reach the frames of the shim's own routines. */
    if ((uintptr_t)piece->memory >= FT_STACKS_BASE && (uintptr_t)piece->memory < FT_CPU_VIEW_BASE)
        piece->memory = NULL;
    if (piece->memory)
        piece->memory = ft_bus_view(piece->memory);
    if (piece->bytes > left)
        piece->bytes = left;
}

static struct piece find_piece(uint64_t address, uint32_t bytes)
{
    struct piece piece = {.bytes = bytes};

    if (!hit_mapping(address, &piece) && !hit_common(address, &piece))
        hit_stray(address, &piece);
    return piece;
}

static void emit_access(enum ft_event_kind kind, uint64_t address, const struct piece *piece)
{
    uint64_t arg[] = {address, piece->bytes, piece->target};

    ft_emit_as(FT_LAYER_DEVICE, piece->request, kind, 3, arg);
}

/* ---- what an address looks like ---- */

static bool is_virtual(uint64_t address)
{
    const struct ft_module *module = ft_world_module();

    for (unsigned i = 0; i < 2; i++)
        if (address - (uintptr_t)module->data[i].begin <
            (uintptr_t)(module->data[i].end - module->data[i].begin))
            return true;
    return address - FT_REGION_BASE < FT_REGION_BYTES;
}

/* Logical addresses are never physical ones here, so a physical one is told apart. */
static bool physical_differs(void)
{
    return FT_M->platform.iommu || FT_M->platform.bounce == FT_BOUNCE_ALWAYS;
}

static bool looks_like_common(uint64_t address, unsigned *looks)
{
    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++) {
        const struct ft_dma_common *c = &FT_M->dma.common[i];
        uint64_t begin = c->frame * (uint64_t)FT_PAGE_BYTES, bytes = c->pages * FT_PAGE_BYTES;

        if (!c->live || c->memory)
            continue;
        if (address - (uintptr_t)ft_frame_address(c->frame) < bytes)
            *looks = FT_LOOKS_COMMON_VIRTUAL;
        else if (c->offset && address == c->logical - c->offset)
            *looks = FT_LOOKS_COMMON_PAGE;
        else if (c->logical >> 32 && address - (uint32_t)c->logical < c->length)
            *looks = FT_LOOKS_CUT;
        else if (FT_M->platform.iommu && address - (FT_COMMON_PHYSICAL_BASE + begin) < bytes)
            *looks = FT_LOOKS_COMMON_PHYSICAL;
        else
            continue;
        return true;
    }
    return false;
}

unsigned ft_dma_looks(uint64_t address)
{
    struct piece piece = {.bytes = 1};
    unsigned looks;
    uint32_t left;

    if (hit_mapping(address, &piece) || hit_common(address, &piece))
        return FT_LOOKS_NOTHING;
    if (looks_like_common(address, &looks))
        return looks;
    if (is_virtual(address))
        return FT_LOOKS_VIRTUAL;
    for (unsigned i = 0; i < FT_M->dma.mappings_high; i++) {
        const struct ft_dma_mapping *m = &FT_M->dma.mapping[i];

        if (m->id && m->logical >> 32 && address - (uint32_t)m->logical < m->length)
            return FT_LOOKS_CUT;
    }
    return physical_differs() && ft_physical_memory(address, &left) ? FT_LOOKS_PHYSICAL
                                                                    : FT_LOOKS_NOTHING;
}

/* ---- accesses ---- */

static void emit_fault(uint64_t address, uint32_t bytes, bool write)
{
    uint64_t arg[] = {address, bytes, write, ft_dma_looks(address)};

    ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_BUS_FAULT, 4, arg);
    ft_dma_verify(IOMMU_FAULT, 0, address, 0);
}

bool sim_dma_read(struct sim_device *device, uint64_t address, void *bytes, uint32_t length)
{
    uint8_t *to = bytes;

    (void)device;
    FT_ASSERT(length <= SIM_BURST_BYTES);
    for (uint32_t done = 0; done < length;) {
        struct piece piece = find_piece(address + done, length - done);
        void *truth;

        if (!piece.memory) {
            emit_fault(address + done, length - done, false);
            memset(bytes, 0xFF, length);
            return false;
        }
        emit_access(FT_EV_BUS_READ, address + done, &piece);
        ft_raw_copy(to + done, piece.memory, piece.bytes);
        truth = piece.buffer ? ft_truth_of(piece.buffer, false) : NULL;
        if (truth)
            memcpy(truth, to + done, piece.bytes);
        done += piece.bytes;
    }
    return true;
}

bool sim_dma_write(struct sim_device *device, uint64_t address, const void *bytes, uint32_t length)
{
    const uint8_t *from = bytes;

    (void)device;
    FT_ASSERT(length <= SIM_BURST_BYTES);
    for (uint32_t done = 0; done < length;) {
        struct piece piece = find_piece(address + done, length - done);
        void *truth;

        if (!piece.memory) {
            emit_fault(address + done, length - done, true);
            return false;
        }
        emit_access(FT_EV_BUS_WRITE, address + done, &piece);
        ft_raw_copy(piece.memory, from + done, piece.bytes);
        ft_wdf_touch_device_wrote(piece.memory, piece.bytes);
        truth = piece.buffer ? ft_truth_of(piece.buffer, true) : NULL;
        if (truth)
            memcpy(truth, from + done, piece.bytes);
        done += piece.bytes;
    }
    return true;
}
