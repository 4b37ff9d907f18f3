/* DMA domains (wdm-dma sheet, 1.31 to 1.33).
 *
 * A domain is a set of adapters that see the same logical addresses. There are some only behind an
 * IOMMU: elsewhere GetDmaDomain returns NULL and a join is not supported (the pages do not say: a
 * modelled choice). Every adapter begins in a domain of its own, and goes back there when it
 * leaves; a common buffer made for a domain is reached only while some adapter is in it.
 */
#include "dma/transfer_ex.h"

enum { GET, JOIN, LEAVE };

/* A handle names the domain and owns nothing: the pages know no call that closes it. */
#define HANDLE_BASE ((uintptr_t)0x00D03A10)

static HANDLE handle_of(unsigned domain)
{
    return (HANDLE)(HANDLE_BASE + domain * sizeof(uint32_t));
}

unsigned ft_domain_id(HANDLE domain)
{
    for (unsigned id = 1; id <= FT_M->dma.domains; id++)
        if (handle_of(id) == domain)
            return id;
    return 0;
}

bool ft_domain_is_reached(unsigned domain)
{
    for (unsigned i = 0; i < FT_DMA_ADAPTERS_MAX; i++)
        if (FT_M->dma.adapter[i].block && FT_M->dma.adapter[i].domain == domain)
            return true;
    return domain == 0;
}

static void announce(const struct ft_dma_adapter *slot, unsigned domain, unsigned what,
                     NTSTATUS status)
{
    ft_emit(FT_EV_DMA_DOMAIN, ft_dma_adapter_handle(slot),
            domain ? ft_handle(FT_HC_DOMAIN, domain, 0) : 0, what, (uint32_t)status);
}

static bool has_domains(const struct ft_dma_adapter *slot)
{
    return FT_M->platform.iommu && !slot->slave;
}

NTSTATUS ft_dma_join_domain(PDMA_ADAPTER adapter, HANDLE domain)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct ft_dma_adapter *slot;

    FT_DMA_BEGIN(DMA_QUERY, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_QUERY);
    if (slot) {
        unsigned id = ft_domain_id(domain);

        if (!has_domains(slot))
            status = STATUS_NOT_SUPPORTED;
        else if (id)
            status = STATUS_SUCCESS;
        if (NT_SUCCESS(status))
            slot->domain = (uint16_t)id;
        announce(slot, id, JOIN, status);
    }
    FT_DDI_END(DMA_QUERY, 0);
    return status;
}

NTSTATUS ft_dma_leave_domain(PDMA_ADAPTER adapter)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct ft_dma_adapter *slot;

    FT_DMA_BEGIN(DMA_QUERY, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_QUERY);
    if (slot) {
        status = has_domains(slot) ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
        announce(slot, slot->domain, LEAVE, status);
        slot->domain = 0;
    }
    FT_DDI_END(DMA_QUERY, 0);
    return status;
}

HANDLE ft_dma_get_domain(PDMA_ADAPTER adapter)
{
    struct ft_dma_adapter *slot;
    HANDLE handle = NULL;

    FT_DMA_BEGIN(DMA_QUERY, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_QUERY);
    if (slot) {
        if (has_domains(slot)) {
            if (!slot->domain)
                slot->domain = ++FT_M->dma.domains;
            handle = handle_of(slot->domain);
        }
        announce(slot, slot->domain, GET, handle ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED);
    }
    FT_DDI_END(DMA_QUERY, 0);
    return handle;
}
