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
        mapping = try_map(&r, base);
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

    FT_DMA_BEGIN(DMA_FLUSH, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_FLUSH);
    if (slot) {
        ft_emit(FT_EV_DMA_FLUSH, ft_dma_adapter_handle(slot), ft_handle_of(base), ft_handle_of(mdl),
                ft_mdl_offset(mdl, va), length, write != FALSE);
        grant = ft_dma_grant_of_base(base);
        if (grant && grant->adapter != slot->id)
            grant = NULL;
        if (grant && slot->slave)
            ft_dma_stop_system(slot, grant->id);
        if (grant)
            while ((mapping = ft_dma_next_mapping(grant->id, at, id)) != NULL) {
                at = (uintptr_t)mapping->va;
                id = mapping->id;
                ok = ft_dma_flush_mapping(mapping, mdl, va, length, write != FALSE) || ok;
            }
        ft_emit(FT_EV_DMA_FLUSH_RESULT, ft_handle_of(base), ok);
    }
    FT_DDI_END(DMA_FLUSH, label);
    return ok;
}
