/* Common buffers of version 3: AllocateCommonBufferEx, AllocateCommonBufferWithBounds,
 * AllocateDomainCommonBuffer and CreateCommonBufferFromMdl (wdm-dma sheet, 1.19, 1.29, 1.34, 1.39).
 *
 * The machine has one place for common buffers: a bound either admits it or the call fails. A
 * buffer that is not to be cached is as any other (its processor sees it at once anyway). Not
 * modelled: nodes, and large pages (512 pages do not fit the machine, so such a request fails).
 */
#include "dma/common.h"
#include "dma/frames.h"

enum { LARGE_PAGES = 512 };

/* What one call asks. */
struct common_call {
    const PHYSICAL_ADDRESS *low, *high; /* NULL: no bound */
    ULONG length;
    ULONG flags;
    uint8_t cached; /* enum ft_cached */
    bool of_domain;
    unsigned domain;
};

static uint64_t bound_of(const PHYSICAL_ADDRESS *address, uint64_t otherwise)
{
    return address ? (uint64_t)address->QuadPart : otherwise;
}

static NTSTATUS check(const struct common_call *call)
{
    bool large = call->flags & DOMAIN_COMMON_BUFFER_LARGE_PAGE;

    if (call->length == 0 || (call->flags & ~(ULONG)DOMAIN_COMMON_BUFFER_LARGE_PAGE) ||
        (large && call->length % (LARGE_PAGES * FT_PAGE_BYTES)))
        return STATUS_INVALID_PARAMETER;
    if (call->of_domain && !call->domain)
        return FT_M->platform.iommu ? STATUS_INVALID_PARAMETER : STATUS_NOT_SUPPORTED;
    return STATUS_SUCCESS;
}

/* Inside the points. NULL: the status says why. */
static const struct ft_dma_common *allocate(const struct ft_dma_adapter *slot,
                                            const struct common_call *call, NTSTATUS *status)
{
    const struct ft_common_want want = {
        .length = call->length,
        .cached = call->cached,
        .domain = call->domain,
        .low = bound_of(call->low, 0),
        .high = bound_of(call->high, UINT64_MAX),
    };
    const struct ft_dma_common *common = NULL;
    unsigned how = (call->cached ? FT_HOW_CACHED : 0) |
                   (call->flags & DOMAIN_COMMON_BUFFER_LARGE_PAGE ? FT_HOW_LARGE_PAGES : 0);
    uint64_t handle;

    *status = check(call);
    if (NT_SUCCESS(*status)) {
        if (!ft_alloc_fails(FT_FAIL_COMMON))
            common = ft_common_create(slot, &want);
        *status = common ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    handle = common ? ft_handle(FT_HC_COMMON, common->id, 0) : 0;
    ft_emit(FT_EV_CB_ALLOC_EX, ft_dma_adapter_handle(slot), handle, call->length, want.low,
            want.high, how, call->domain ? ft_handle(FT_HC_DOMAIN, call->domain, 0) : 0,
            (uint32_t)*status);
    ft_emit(FT_EV_DMA_CB_ALLOC, ft_dma_adapter_handle(slot), handle, call->length,
            common ? common->logical : 0, call->cached != FT_CACHED_NO);
    return common;
}

static PVOID give(const struct ft_dma_common *common, PPHYSICAL_ADDRESS logical)
{
    if (!common)
        return NULL;
    logical->QuadPart = (LONGLONG)common->logical;
    return ft_common_address(common);
}

PVOID ft_dma_common_ex(PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS maximum, ULONG length,
                       PPHYSICAL_ADDRESS logical, BOOLEAN cached, NODE_REQUIREMENT node)
{
    const struct common_call call = {.high = maximum, .length = length, .cached = cached != FALSE};
    const struct ft_dma_adapter *slot;
    PVOID va = NULL;
    NTSTATUS status;

    (void)node;
    FT_DMA_BEGIN(DMA_COMMON, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_COMMON);
    if (slot) {
        ft_dma_odd_boolean(FT_PT_DMA_COMMON, 5, cached);
        va = give(allocate(slot, &call, &status), logical);
    }
    FT_DDI_END(DMA_COMMON, 0);
    return va;
}

/* Only cached and not cached are known. */
static bool cache_type(const MEMORY_CACHING_TYPE *cache, uint8_t *cached)
{
    *cached = !cache ? FT_CACHED_UNSAID : *cache == MmCached ? FT_CACHED_YES : FT_CACHED_NO;
    return !cache || *cache == MmCached || *cache == MmNonCached;
}

PVOID ft_dma_common_bounds(PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS minimum,
                           PPHYSICAL_ADDRESS maximum, ULONG length, ULONG flags,
                           MEMORY_CACHING_TYPE *cache, NODE_REQUIREMENT node,
                           PPHYSICAL_ADDRESS logical)
{
    struct common_call call = {.low = minimum, .high = maximum, .length = length, .flags = flags};
    const struct ft_dma_adapter *slot;
    PVOID va = NULL;
    NTSTATUS status;

    (void)node;
    FT_DMA_BEGIN(DMA_COMMON, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_COMMON);
    if (slot) {
        if (!cache_type(cache, &call.cached))
            call.length = 0; /* refused as an argument */
        va = give(allocate(slot, &call, &status), logical);
    }
    FT_DDI_END(DMA_COMMON, 0);
    return va;
}

NTSTATUS ft_dma_common_domain(PDMA_ADAPTER adapter, HANDLE domain, PPHYSICAL_ADDRESS maximum,
                              ULONG length, ULONG flags, MEMORY_CACHING_TYPE *cache,
                              NODE_REQUIREMENT node, PPHYSICAL_ADDRESS logical, PVOID *va)
{
    struct common_call call = {.high = maximum,
                               .length = length,
                               .flags = flags,
                               .of_domain = true,
                               .domain = ft_domain_id(domain)};
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    const struct ft_dma_adapter *slot;

    (void)node;
    FT_DMA_BEGIN(DMA_COMMON, 0);
    *va = NULL;
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_COMMON);
    if (slot) {
        if (!cache_type(cache, &call.cached))
            call.length = 0;
        *va = give(allocate(slot, &call, &status), logical);
    }
    FT_DDI_END(DMA_COMMON, 0);
    return status;
}

/* ---- CreateCommonBufferFromMdl ---- */

/* What the configurations say; defaults without any. */
struct from_mdl {
    uint64_t low, high, offset;
    uint32_t length;
    unsigned seen; /* bit by type */
    unsigned why;
};

static NTSTATUS read_config(const DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION *config,
                            struct from_mdl *from)
{
    if ((unsigned)config->ConfigType >= CommonBufferConfigTypeMax)
        return STATUS_INVALID_PARAMETER;
    if (from->seen & 1U << config->ConfigType) {
        from->why = FT_WHY_TWICE;
        return STATUS_INVALID_PARAMETER;
    }
    from->seen |= 1U << config->ConfigType;
    switch (config->ConfigType) {
    case CommonBufferConfigTypeLogicalAddressLimits:
        from->low = (uint64_t)config->LogicalAddressLimits.MinimumAddress.QuadPart;
        from->high = (uint64_t)config->LogicalAddressLimits.MaximumAddress.QuadPart;
        return STATUS_SUCCESS;
    case CommonBufferConfigTypeSubSection:
        from->offset = config->SubSection.Offset;
        from->length = config->SubSection.Length;
        return from->offset % FT_PAGE_BYTES || from->length % FT_PAGE_BYTES || !from->length
                   ? STATUS_INVALID_PARAMETER
                   : STATUS_SUCCESS;
    default:
        /* Other permissions than read and write need a remapping that the machine does not do. */
        return config->HardwareAccessType == CommonBufferHardwareAccessReadWrite
                   ? STATUS_SUCCESS
                   : STATUS_NOT_SUPPORTED;
    }
}

/* The MDL that holds the section, and where in it. */
static NTSTATUS section(const MDL **mdl, struct from_mdl *from)
{
    bool sub = from->seen & 1U << CommonBufferConfigTypeSubSection;

    if (!sub)
        from->length = (*mdl)->ByteCount;
    if ((!sub && (*mdl)->Next) || (sub && !ft_chain_seek(mdl, &from->offset)))
        return STATUS_INVALID_PARAMETER;
    if ((*mdl)->ByteOffset || (*mdl)->ByteCount % FT_PAGE_BYTES ||
        from->length > (*mdl)->ByteCount - from->offset || !from->length)
        return STATUS_INVALID_PARAMETER;
    return (*mdl)->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)
               ? STATUS_SUCCESS
               : STATUS_INVALID_PARAMETER;
}

static bool is_contiguous(const MDL *mdl, const uint8_t *va, uint32_t bytes)
{
    uint64_t first = ft_mdl_physical(mdl, va);

    for (uint32_t at = FT_PAGE_BYTES; at < bytes; at += FT_PAGE_BYTES)
        if (ft_mdl_physical(mdl, va + at) != first + at)
            return false;
    return true;
}

static NTSTATUS make(const struct ft_dma_adapter *slot, const MDL *mdl, const struct from_mdl *from,
                     struct ft_dma_common **ret)
{
    uint8_t *va = ft_va_further(MmGetMdlVirtualAddress((PMDL)mdl), from->offset);
    uint8_t *memory = ft_mdl_memory(mdl, va, from->length);
    uint64_t most = slot->reach < 64 ? (1ULL << slot->reach) - 1 : UINT64_MAX, logical;
    bool remapped = FT_M->platform.iommu && !slot->slave;

    if (!memory)
        return STATUS_INVALID_PARAMETER;
    if (!remapped && !is_contiguous(mdl, va, from->length))
        return STATUS_INVALID_PARAMETER;
    *ret = ft_alloc_fails(FT_FAIL_COMMON) ? NULL : ft_common_free_slot();
    if (!*ret)
        return STATUS_INSUFFICIENT_RESOURCES;
    logical = remapped ? ft_dma_logical_take(slot, BYTES_TO_PAGES(from->length))
                       : ft_mdl_physical(mdl, va);
    if (logical < from->low || logical + from->length - 1 > from->high ||
        logical + from->length - 1 > most)
        return STATUS_INSUFFICIENT_RESOURCES;
    **ret = (struct ft_dma_common){
        .logical = logical,
        .id = ft_handle_id(ft_handle_new(FT_HC_COMMON)),
        .adapter = slot->id,
        .length = from->length,
        .live = 1,
        .cached = FT_CACHED_UNSAID,
        .memory = memory,
    };
    return STATUS_SUCCESS;
}

NTSTATUS ft_dma_common_from_mdl(PDMA_ADAPTER adapter, PMDL mdl,
                                PDMA_COMMON_BUFFER_EXTENDED_CONFIGURATION configs, ULONG count,
                                PPHYSICAL_ADDRESS logical)
{
    struct from_mdl from = {.high = UINT64_MAX};
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct ft_dma_common *common = NULL;
    const struct ft_dma_adapter *slot;
    const MDL *part = mdl;
    uint64_t handle;

    FT_DMA_BEGIN(DMA_COMMON, ft_label_of(mdl));
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_COMMON);
    if (slot) {
        status = ft_mdl_readable(mdl) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
        for (ULONG i = 0; i < count && NT_SUCCESS(status); i++)
            status = read_config(&configs[i], &from);
        if (NT_SUCCESS(status) && !NT_SUCCESS(status = section(&part, &from)))
            from.why = FT_WHY_MDL;
        if (NT_SUCCESS(status))
            status = make(slot, part, &from, &common);
        handle = NT_SUCCESS(status) ? ft_handle(FT_HC_COMMON, common->id, 0) : 0;
        if (NT_SUCCESS(status))
            logical->QuadPart = (LONGLONG)common->logical;
        ft_emit(FT_EV_CB_ALLOC_EX, ft_dma_adapter_handle(slot), handle, from.length, from.low,
                from.high, FT_HOW_FROM_MDL | from.why << 24, 0, (uint32_t)status);
        ft_emit(FT_EV_DMA_CB_ALLOC, ft_dma_adapter_handle(slot), handle, from.length,
                handle ? common->logical : 0, true);
    }
    FT_DDI_END(DMA_COMMON, ft_label_of(mdl));
    return status;
}
