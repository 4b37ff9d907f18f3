/* Arguments that compile and are still wrong (event ddi:odd-argument). */
#include "dma/dma_private.h"
#include "dma/frames.h"

enum { MDL_ARGUMENT = 2, LENGTH_ARGUMENT = 5 };

void ft_dma_odd_boolean(enum ft_point point, unsigned argument, BOOLEAN value)
{
    if (value > 1)
        ft_emit(FT_EV_ODD_ARGUMENT, point, argument, value);
}

/* The offset of `pointer` in [begin, begin + bytes); false when it lies elsewhere. */
static bool lies_in(const void *pointer, const void *begin, uint64_t bytes, uint64_t *offset)
{
    *offset = (uint64_t)((uintptr_t)pointer - (uintptr_t)begin);
    return *offset < bytes;
}

/* MapTransfer writes the length back: into the MDL's header, or into the request that says how long
 * it is. */
static bool is_alias(const MDL *mdl, const ULONG *length, uint64_t *offset)
{
    const struct ft_request *request;

    if (ft_mdl_readable(mdl) && lies_in(length, mdl, sizeof *mdl, offset))
        return true;
    for (unsigned i = 0; (request = ft_request_at(i)) != NULL; i++) {
        PIRP irp = request->irp;

        if (request->state == FT_REQUEST_SENT && irp && lies_in(length, irp, irp->Size, offset))
            return true;
    }
    return false;
}

/* Flags that no routine leaves behind: two origins at once, I/O space, or locked pages that are not
 * known. */
static bool flags_lie(const MDL *mdl, const void *va)
{
    enum { TWO_ORIGINS = MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL };
    unsigned origin = (unsigned)mdl->MdlFlags & TWO_ORIGINS;

    if (origin == TWO_ORIGINS || mdl->MdlFlags & MDL_IO_SPACE)
        return true;
    return origin && !(mdl->MdlFlags & MDL_PARTIAL) && ft_mdl_offset(mdl, va) < mdl->ByteCount &&
           ft_mdl_physical(mdl, va) >> PAGE_SHIFT == FT_NO_PHYSICAL >> PAGE_SHIFT;
}

void ft_dma_odd_map(const MDL *mdl, const void *va, const ULONG *length)
{
    uint64_t offset;

    if (ft_mdl_readable(mdl) && flags_lie(mdl, va))
        ft_emit(FT_EV_ODD_ARGUMENT, FT_PT_DMA_MAP, MDL_ARGUMENT, (uint16_t)mdl->MdlFlags);
    if (is_alias(mdl, length, &offset))
        ft_emit(FT_EV_ODD_ARGUMENT, FT_PT_DMA_MAP, LENGTH_ARGUMENT, offset);
}
