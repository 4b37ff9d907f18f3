/* See memory_kind.h. Objects of the shim's own in the pool arena (IRPs, MDLs) are nonpaged pool, as
 * they are in Windows. */
#include "kernel/memory_kind.h"
#include "dma/frames.h"
#include "world/machine.h"

#include <wdm.h>

static bool in_driver_data(const void *address)
{
    const struct ft_module_data *data = ft_world_module()->data;
    const unsigned char *at = address;

    return (at >= data[0].begin && at < data[0].end) || (at >= data[1].begin && at < data[1].end);
}

static bool in_common_buffer(const void *address)
{
    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++) {
        const struct ft_dma_common *common = &FT_M->dma.common[i];

        if (common->live && (uintptr_t)address - (uintptr_t)ft_frame_address(common->frame) <
                                common->pages * (uintptr_t)FT_PAGE_BYTES)
            return true;
    }
    return false;
}

unsigned ft_memory_kind(const void *address)
{
    uintptr_t at = (uintptr_t)address;
    struct ft_block_place place;

    if (at >= FT_STACKS_BASE && at < FT_CPU_VIEW_BASE)
        return FT_MEMORY_STACK;
    if (in_driver_data(address))
        return FT_MEMORY_DRIVER_DATA;
    if (ft_frame_of(address) >= 0 && FT_M->dma.frame_used[ft_frame_of(address)] == FT_FRAME_SYSTEM)
        return FT_MEMORY_NONPAGED_POOL;
    if (ft_frame_of(address) >= 0)
        return in_common_buffer(address) ? FT_MEMORY_COMMON_BUFFER : FT_MEMORY_UNKNOWN;
    if (!ft_block_find(address, &place) || !place.live)
        return FT_MEMORY_UNKNOWN;
    if (place.class_ == FT_HC_DEVICE)
        return place.offset < sizeof(DEVICE_OBJECT) ? FT_MEMORY_NONPAGED_POOL
                                                    : FT_MEMORY_DEVICE_EXTENSION;
    return place.paged ? FT_MEMORY_PAGED_POOL : FT_MEMORY_NONPAGED_POOL;
}
