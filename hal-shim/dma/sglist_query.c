/* What may be asked about scatter/gather lists: CalculateScatterGatherList and
 * BuildMdlFromScatterGatherList (wdm-dma sheet, 1.13, 1.15, 6.6). */
#include "dma/frames.h"
#include "dma/sg_lists.h"
#include "world/races.h"

NTSTATUS ft_dma_list_registers(const MDL *mdl, const void *va, ULONG length, ULONG *ret)
{
    uint64_t offset = ft_mdl_offset(mdl, va);

    *ret = 0;
    for (unsigned i = 0; i < FT_CHAIN_MAX && ft_mdl_readable(mdl); i++, mdl = mdl->Next) {
        uint64_t left = offset < mdl->ByteCount ? mdl->ByteCount - offset : 0;
        ULONG piece = left < length ? (ULONG)left : length;

        if (left == 0 && i == 0)
            break;
        *ret += ADDRESS_AND_SIZE_TO_SPAN_PAGES(mdl->ByteOffset + offset, (ULONG_PTR)piece);
        length -= piece;
        if (length == 0)
            return STATUS_SUCCESS;
        offset = 0;
    }
    return STATUS_BUFFER_TOO_SMALL;
}

/* Without an MDL the answer is for the worst case: scattered pages. */
NTSTATUS ft_dma_calculate_list(PDMA_ADAPTER adapter, PMDL mdl, PVOID va, ULONG length, PULONG size,
                               PULONG registers)
{
    unsigned label = ft_label_of(mdl);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    const struct ft_dma_adapter *slot;
    ULONG need;

    FT_DMA_BEGIN(SG_SIZE, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_SG_SIZE);
    if (slot) {
        need = ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, (ULONG_PTR)length);
        status = mdl ? ft_dma_list_registers(mdl, va, length, &need) : STATUS_SUCCESS;
        if (NT_SUCCESS(status) && need > slot->registers)
            status = STATUS_INSUFFICIENT_RESOURCES;
        if (NT_SUCCESS(status)) {
            *size = ft_dma_list_bytes(need);
            if (registers)
                *registers = need;
        }
        ft_emit(FT_EV_SG_SIZE, ft_dma_adapter_handle(slot), ft_handle_of(mdl),
                NT_SUCCESS(status) ? ft_dma_list_bytes(need) : 0, NT_SUCCESS(status) ? need : 0,
                (uint32_t)status);
    }
    FT_DDI_END(SG_SIZE, label);
    return status;
}

static bool any_bounced(uint32_t grant)
{
    for (struct ft_dma_mapping *m = ft_dma_list_mapping(grant, 0); m;
         m = ft_dma_list_mapping(grant, m->id))
        if (m->bounced)
            return true;
    return false;
}

/* An MDL over the pages that the device sees: of the bounce pages, and of the buffer's own where
 * those are seen. It has a system address where they lie in one piece. */
static PMDL list_mdl(const struct ft_dma_grant *grant)
{
    const struct ft_dma_list *l = grant->list;
    PMDL mdl =
        ft_block_alloc(sizeof(MDL) + grant->count * sizeof(PFN_NUMBER), FT_HC_MDL, grant->label);
    const uint8_t *first = NULL;
    bool one_piece = true;
    unsigned page = 0;

    if (!mdl)
        return NULL;
    MmInitializeMdl(mdl, l->va, l->length);
    mdl->MdlFlags = MDL_PAGES_LOCKED;
    for (struct ft_dma_mapping *m = ft_dma_list_mapping(grant->id, 0); m;
         m = ft_dma_list_mapping(grant->id, m->id)) {
        unsigned pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(m->va, (ULONG_PTR)m->length);
        const uint8_t *memory =
            m->bounced ? ft_dma_bounce_page(m->first) : (const uint8_t *)PAGE_ALIGN(m->memory);

        for (unsigned i = 0; i < pages && page < grant->count; i++, page++) {
            const uint8_t *at = memory + i * (size_t)FT_PAGE_BYTES;

            first = page ? first : at;
            one_piece = one_piece && at == first + page * (size_t)FT_PAGE_BYTES;
            MmGetMdlPfnArray(mdl)[page] =
                m->bounced ? (FT_BOUNCE_PHYSICAL_BASE >> PAGE_SHIFT) + m->first + i
                           : ft_physical_of(at) >> PAGE_SHIFT;
        }
    }
    if (one_piece && first) {
        mdl->MappedSystemVa = (uint8_t *)first + mdl->ByteOffset;
        mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
        ft_view_map(mdl, true);
    }
    return mdl;
}

NTSTATUS ft_dma_build_list_mdl(PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST list, PMDL original,
                               PMDL *target)
{
    const struct ft_dma_adapter *slot;
    const struct ft_dma_grant *grant;
    unsigned label = ft_label_of(original);
    NTSTATUS status = STATUS_SUCCESS;
    struct ft_dma_list *l;
    PMDL mdl = original;

    FT_DMA_BEGIN(SG_SIZE, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_SG_SIZE);
    grant = slot ? ft_dma_list_find(list) : NULL;
    l = grant ? grant->list : NULL;
    if (!l || !original)
        status = STATUS_INVALID_PARAMETER;
    else if (l->has_mdl)
        status = STATUS_NONE_MAPPED;
    else if (any_bounced(grant->id) &&
             (ft_alloc_fails(FT_FAIL_MDL) || !(mdl = l->target = list_mdl(grant))))
        status = STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(status)) {
        l->has_mdl = 1;
        *target = mdl;
    }
    if (slot)
        ft_emit(FT_EV_SG_MDL, ft_dma_adapter_handle(slot),
                l ? ft_dma_list_handle(l) : ft_dma_list_ended(list),
                NT_SUCCESS(status) ? ft_handle_of(mdl) : 0, (uint32_t)status);
    FT_DDI_END(SG_SIZE, label);
    return status;
}
