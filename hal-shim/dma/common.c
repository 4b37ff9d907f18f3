/* Common buffers (wdm-dma sheet, 1.2, 1.3): memory that processor and device see at once, on every
 * platform.
 *
 * A common buffer has whole frames. The rest of its last page is slack with a known fill, checked
 * when the buffer is freed (event mem:damage) and poisoned for ASan. CacheEnabled is ignored, as
 * on x64.
 */
#include "dma/dma_private.h"
#include "dma/frames.h"

#include <string.h>

enum { NEW_FILL = 0xCD, SLACK_FILL = 0xB5, DAMAGE_OF_COMMON = 5, PAGES_MAX = 255 };

/* What of a free differs from the allocation; bits of the event dma:common-free. */
enum { WRONG_LENGTH = 1, WRONG_ADDRESS = 2, WRONG_VA = 4, WRONG_CACHED = 8, NOT_LIVE = 16 };

static struct ft_dma_common *free_slot(void)
{
    struct ft_dma_common *oldest = NULL;

    /* The slot of the buffer that was freed first, so that a late second free is still told apart.
     */
    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++) {
        struct ft_dma_common *common = &FT_M->dma.common[i];

        if (!common->live && (!oldest || common->id < oldest->id))
            oldest = common;
    }
    return oldest;
}

/* The buffer at that address: the live one, else the one freed last, else NULL. */
static struct ft_dma_common *find(const void *va)
{
    struct ft_dma_common *found = NULL;

    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++) {
        struct ft_dma_common *common = &FT_M->dma.common[i];

        if (!common->id || ft_frame_address(common->frame) != va)
            continue;
        if (!found || common->live || (!found->live && common->id > found->id))
            found = common;
    }
    return found;
}

/* A live buffer at that logical address, for a free with a wrong processor address. */
static struct ft_dma_common *find_logical(uint64_t logical)
{
    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++)
        if (FT_M->dma.common[i].live && FT_M->dma.common[i].logical == logical)
            return &FT_M->dma.common[i];
    return NULL;
}

/* Frames in a row; for a subordinate device the controller has to come from the first byte to the
 * last. */
static bool take_frames(const struct ft_dma_adapter *adapter, unsigned pages, unsigned *frame)
{
    unsigned align = adapter->slave
                         ? (unsigned)(ft_system_boundary(adapter->system_channel) / FT_PAGE_BYTES)
                         : 0;

    return ft_frames_take(pages, align, frame);
}

static struct ft_dma_common *create(const struct ft_dma_adapter *adapter, ULONG length,
                                    BOOLEAN cached)
{
    struct ft_dma_common *common = free_slot();
    unsigned pages = BYTES_TO_PAGES(length), frame;
    uint8_t *va;

    if (!common || length == 0 || pages > adapter->registers || pages > PAGES_MAX ||
        !take_frames(adapter, pages, &frame))
        return NULL;
    *common = (struct ft_dma_common){
        .id = ft_handle_id(ft_handle_new(FT_HC_COMMON)),
        .adapter = adapter->id,
        .length = length,
        .frame = (uint16_t)frame,
        .pages = (uint8_t)pages,
        .live = 1,
        .cached = cached != FALSE,
    };
    common->logical = FT_M->platform.iommu && !adapter->slave
                          ? ft_dma_logical_take(adapter, pages)
                          : FT_COMMON_PHYSICAL_BASE + frame * (uint64_t)FT_PAGE_BYTES;
    va = ft_frame_address(frame);
    memset(va, NEW_FILL, length);
    memset(va + length, SLACK_FILL, pages * (size_t)FT_PAGE_BYTES - length);
    ft_poison(va + length, pages * (size_t)FT_PAGE_BYTES - length);
    return common;
}

PVOID ft_dma_allocate_common(PDMA_ADAPTER adapter, ULONG length, PPHYSICAL_ADDRESS logical,
                             BOOLEAN cached)
{
    const struct ft_dma_adapter *slot;
    const struct ft_dma_common *common = NULL;
    PVOID va = NULL;

    FT_DMA_BEGIN(DMA_COMMON, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_COMMON);
    if (slot) {
        if (!ft_alloc_fails(FT_FAIL_COMMON))
            common = create(slot, length, cached);
        if (common) {
            va = ft_frame_address(common->frame);
            logical->QuadPart = (LONGLONG)common->logical;
        }
        ft_emit(FT_EV_DMA_CB_ALLOC, ft_dma_adapter_handle(slot),
                common ? ft_handle(FT_HC_COMMON, common->id, 0) : 0, length,
                common ? common->logical : 0, cached != FALSE);
    }
    FT_DDI_END(DMA_COMMON, 0);
    return va;
}

static void destroy(struct ft_dma_common *common)
{
    const uint8_t *va = ft_frame_address(common->frame);

    ft_unpoison(va, common->pages * (size_t)FT_PAGE_BYTES);
    for (size_t i = common->length; i < common->pages * (size_t)FT_PAGE_BYTES; i++)
        if (va[i] != SLACK_FILL) {
            ft_emit(FT_EV_MEM_DAMAGE, DAMAGE_OF_COMMON, ft_handle(FT_HC_COMMON, common->id, 0), i);
            break;
        }
    ft_frames_give(common->frame, common->pages);
    common->live = 0;
}

/* The event has what the driver passed; an address that is no live common buffer frees nothing. */
VOID ft_dma_free_common(PDMA_ADAPTER adapter, ULONG length, PHYSICAL_ADDRESS logical, PVOID va,
                        BOOLEAN cached)
{
    uint64_t address = (uint64_t)logical.QuadPart;
    const struct ft_dma_adapter *slot;
    struct ft_dma_common *common;
    unsigned wrong = 0;

    FT_DMA_BEGIN(DMA_COMMON, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_COMMON);
    if (slot) {
        common = find(va);
        if (!common && (common = find_logical(address)) != NULL)
            wrong |= WRONG_VA;
        if (common)
            wrong |= (common->length != length ? WRONG_LENGTH : 0) |
                     (common->logical != address ? WRONG_ADDRESS : 0) |
                     (common->cached != (cached != FALSE) ? WRONG_CACHED : 0);
        if (!common || !common->live)
            wrong |= NOT_LIVE;
        ft_emit(FT_EV_DMA_CB_FREE, ft_dma_adapter_handle(slot),
                common ? ft_handle(FT_HC_COMMON, common->id, 0) : ft_handle_of(va), length, address,
                wrong);
        if (!(wrong & (WRONG_VA | NOT_LIVE)))
            destroy(common);
    }
    FT_DDI_END(DMA_COMMON, 0);
}
