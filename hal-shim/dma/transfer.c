/* MapTransfer and FlushAdapterBuffers (wdm-dma sheet, 1.5, 1.8).
 *
 * MapTransfer has no error return. Where the contract is broken nothing is mapped: Length 0, an
 * address where no memory is, and an event with a null mapping and the length that was asked for.
 */
#include "dma/dma_private.h"
#include "dma/frames.h"

/* NULL: the contract is broken, nothing is mapped. */
static struct ft_dma_mapping *try_map(struct ft_dma_run *r, const void *base)
{
    r->grant = ft_dma_grant_of_base(base);
    if (!r->grant || r->grant->adapter != r->adapter->id)
        return NULL;
    return ft_dma_map_run(r);
}

/* Why nothing was mapped, as Driver Verifier tells it. */
static void verify_map(const struct ft_dma_run *r)
{
    enum { READY = MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL };
    enum { NO_RUN = 0x00, PAGEABLE = 0x0E, NOT_IN_MDL = 0x1B, NO_BYTES = 0x21, TOO_SHORT = 0x24 };
    uint64_t offset = ft_mdl_offset(r->mdl, r->va);

    if (r->asked == 0)
        ft_dma_verify(NO_BYTES, 0, 0, 0);
    else if (!ft_mdl_readable(r->mdl) || !r->grant)
        return;
    else if (!(r->mdl->MdlFlags & READY))
        ft_dma_verify(PAGEABLE, 0, 0, 0);
    else if (offset >= r->mdl->ByteCount)
        ft_dma_verify(NOT_IN_MDL, offset, 0, 0);
    else if (r->asked > r->mdl->ByteCount - offset)
        ft_dma_verify(TOO_SHORT, r->asked - (r->mdl->ByteCount - offset), 0, 0);
    else
        ft_dma_verify(NO_RUN, 2, ADDRESS_AND_SIZE_TO_SPAN_PAGES(r->va, (ULONG_PTR)r->asked),
                      r->grant->count);
}

PHYSICAL_ADDRESS ft_dma_map(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, PVOID va, PULONG length,
                            BOOLEAN write)
{
    unsigned label = ft_label_of(mdl);
    PHYSICAL_ADDRESS address;
    struct ft_dma_run r = {.mdl = mdl, .va = va, .write = write != FALSE};
    const struct ft_dma_mapping *mapping = NULL;

    FT_DMA_BEGIN(DMA_MAP, label);
    address.QuadPart = (LONGLONG)(FT_POISON_LOGICAL + (uintptr_t)va % FT_PAGE_BYTES);
    r.asked = *length;
    r.adapter = ft_dma_adapter_check(adapter, FT_PT_DMA_MAP);
    if (r.adapter) {
        ft_dma_odd_boolean(FT_PT_DMA_MAP, 6, write);
        ft_dma_odd_map(mdl, va, length);
        mapping = try_map(&r, base);
        if (!mapping)
            verify_map(&r);
        /* A subordinate device has no use for the address. */
        if (mapping && !r.adapter->slave)
            address.QuadPart = (LONGLONG)mapping->logical;
        ft_emit(FT_EV_DMA_MAP, ft_dma_adapter_handle(r.adapter), ft_handle_of(base),
                ft_handle_of(mdl), ft_mdl_offset(mdl, va), mapping ? mapping->length : r.asked,
                r.write, ft_dma_mapping_handle(mapping), (uint64_t)address.QuadPart);
    }
    *length = mapping ? mapping->length : 0;
    FT_DDI_END(DMA_MAP, label);
    return address;
}

/* Flushes what the range and the grant's mappings have in common; false when that is nothing. */
static bool flush_grant(const struct ft_dma_grant *grant, const MDL *mdl, PVOID va, ULONG length,
                        bool write)
{
    struct ft_dma_mapping *mapping;
    uintptr_t at = 0;
    uint32_t id = 0;
    bool any = false;

    while ((mapping = ft_dma_next_mapping(grant->id, at, id)) != NULL) {
        at = (uintptr_t)mapping->va;
        id = mapping->id;
        any = ft_dma_flush_mapping(mapping, mdl, va, length, write) || any;
    }
    return any;
}

bool ft_dma_flush_is_to_fail(const struct ft_dma_grant *grant)
{
    const struct ft_dma_mapping *mapping = ft_dma_next_mapping(grant->id, 0, 0);
    uint64_t what = FT_FAIL_FLUSH;

    if (!FT_M->dma.flush_fails || !mapping)
        return false;
    FT_M->dma.flush_fails = 0;
    ft_emit_as(FT_LAYER_HARNESS, mapping->request, FT_EV_CHOICE_FAIL, 1, &what);
    return true;
}

BOOLEAN ft_dma_flush(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, PVOID va, ULONG length,
                     BOOLEAN write)
{
    enum { NOT_MAPPED = 0x20 };
    unsigned label = ft_label_of(mdl);
    struct ft_dma_adapter *slot;
    const struct ft_dma_grant *grant;
    bool ok = false;

    FT_DMA_BEGIN(DMA_FLUSH, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_FLUSH);
    if (slot) {
        ft_dma_odd_boolean(FT_PT_DMA_FLUSH, 6, write);
        ft_emit(FT_EV_DMA_FLUSH, ft_dma_adapter_handle(slot), ft_handle_of(base), ft_handle_of(mdl),
                ft_mdl_offset(mdl, va), length, write != FALSE);
        grant = ft_dma_grant_of_base(base);
        if (grant && grant->adapter == slot->id) {
            bool fails = ft_dma_flush_is_to_fail(grant);

            if (slot->slave)
                ft_dma_stop_system(slot, grant->id);
            FT_M->dma.flush_lost = fails;
            ok = flush_grant(grant, mdl, va, length, write != FALSE);
            FT_M->dma.flush_lost = 0;
            if (!ok)
                ft_dma_verify(NOT_MAPPED, 0, ft_mdl_offset(mdl, va), 0);
            ok = ok && !fails;
        }
        slot->mapped_bytes = 0;
        ft_emit(FT_EV_DMA_FLUSH_RESULT, ft_handle_of(base), ok);
    }
    FT_DDI_END(DMA_FLUSH, label);
    return ok;
}
