/* Common buffers (wdm-dma sheet, 1.2, 1.3): memory that processor and device see at once, on every
 * platform.
 *
 * A common buffer has whole frames. The rest of its last page is slack with a known fill, checked
 * when the buffer is freed (event mem:damage) and poisoned for ASan. CacheEnabled is ignored, as
 * on x64.
 */
#include "dma/common.h"
#include "dma/frames.h"
#include "sim/dma_words.h"

#include <string.h>

enum { NEW_FILL = 0xCD, SLACK_FILL = 0xB5, PAD_FILL = 0x0F, PAGES_MAX = 255, TAG_BYTES = 8 };

struct ft_dma_common *ft_common_free_slot(void)
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

void *ft_common_address(const struct ft_dma_common *common)
{
    return common->memory ? common->memory
                          : (uint8_t *)ft_frame_address(common->frame) + common->offset;
}

/* The buffer at that address: the live one, else the one freed last, else NULL. */
static struct ft_dma_common *find(const void *va)
{
    struct ft_dma_common *found = NULL;

    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++) {
        struct ft_dma_common *common = &FT_M->dma.common[i];

        if (!common->id || ft_common_address(common) != va)
            continue;
        if (!found || common->live || (!found->live && common->id > found->id))
            found = common;
    }
    return found;
}

uint64_t ft_common_handle(const void *va)
{
    const struct ft_dma_common *common = find(va);

    return common ? ft_handle(FT_HC_COMMON, common->id, 0) : 0;
}

/* The live buffer that a free with a wrong processor address means: one that the address lies in,
 * or one at that logical address. */
static struct ft_dma_common *find_near(const void *va, uint64_t logical)
{
    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++) {
        struct ft_dma_common *common = &FT_M->dma.common[i];

        if (common->live && (common->logical == logical ||
                             (uintptr_t)va - (uintptr_t)ft_common_address(common) < common->length))
            return common;
    }
    return NULL;
}

/* Frames in a row; for a subordinate device the controller has to come from the first byte to the
 * last. */
static bool take_frames(const struct ft_dma_adapter *adapter, unsigned pages, unsigned *frame)
{
    unsigned align = (unsigned)(ft_dma_boundary(adapter) / FT_PAGE_BYTES);

    return ft_frames_take(pages, align, frame);
}

/* What lies round the buffer in its pages. Driver Verifier puts the buffer in their middle, with a
 * tag on either side where there is room. */
static void fill_slack(const struct ft_dma_common *common)
{
    uint8_t *page = ft_frame_address(common->frame), *va = ft_common_address(common);
    size_t span = common->pages * (size_t)FT_PAGE_BYTES;
    size_t after = span - common->offset - common->length;
    int fill = FT_M->platform.verifier ? PAD_FILL : SLACK_FILL;

    memset(page, fill, common->offset);
    memset(va, NEW_FILL, common->length);
    memset(va + common->length, fill, after);
    if (common->offset >= TAG_BYTES) {
        memcpy(va - TAG_BYTES, "DmaVrfy0", TAG_BYTES);
        memcpy(va + common->length, "DmaVrfy0", TAG_BYTES);
    }
    ft_poison(page, common->offset);
    ft_poison(va + common->length, after);
}

struct ft_dma_common *ft_common_create(const struct ft_dma_adapter *adapter,
                                       const struct ft_common_want *want)
{
    struct ft_dma_common *common = ft_common_free_slot();
    unsigned pages = BYTES_TO_PAGES(want->length), frame;

    if (!common || want->length == 0 || pages > adapter->registers || pages > PAGES_MAX ||
        !take_frames(adapter, pages, &frame))
        return NULL;
    *common = (struct ft_dma_common){
        .id = ft_handle_id(ft_handle_new(FT_HC_COMMON)),
        .adapter = adapter->id,
        .length = want->length,
        .domain = (uint16_t)want->domain,
        .vector = want->vector,
        .frame = (uint16_t)frame,
        .pages = (uint8_t)pages,
        .live = 1,
        .cached = want->cached,
    };
    if (FT_M->platform.verifier)
        common->offset = (uint32_t)(pages * FT_PAGE_BYTES - want->length) / 2;
    common->logical = FT_M->platform.iommu && !adapter->slave
                          ? ft_dma_logical_take(adapter, pages)
                          : FT_COMMON_PHYSICAL_BASE + frame * (uint64_t)FT_PAGE_BYTES;
    common->logical += common->offset;
    if (common->logical < want->low || common->logical + want->length - 1 > want->high) {
        ft_frames_give(common->frame, common->pages);
        *common = (struct ft_dma_common){0};
        return NULL;
    }
    fill_slack(common);
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
        ft_dma_odd_boolean(FT_PT_DMA_COMMON, 4, cached);
        if (!ft_alloc_fails(FT_FAIL_COMMON))
            common = ft_common_create(slot, &(struct ft_common_want){.length = length,
                                                                     .cached = cached != FALSE,
                                                                     .high = UINT64_MAX});
        if (common) {
            va = ft_common_address(common);
            logical->QuadPart = (LONGLONG)common->logical;
        }
        ft_emit(FT_EV_DMA_CB_ALLOC, ft_dma_adapter_handle(slot),
                common ? ft_handle(FT_HC_COMMON, common->id, 0) : 0, length,
                common ? common->logical : 0, cached != FALSE);
    }
    FT_DDI_END(DMA_COMMON, 0);
    return va;
}

/* The byte that the slack holds there. */
static uint8_t slack_at(const struct ft_dma_common *common, size_t at)
{
    size_t begin = common->offset, end = begin + common->length;

    if (!FT_M->platform.verifier)
        return SLACK_FILL;
    if (begin >= TAG_BYTES && at >= begin - TAG_BYTES && at < begin)
        return (uint8_t) "DmaVrfy0"[at - (begin - TAG_BYTES)];
    if (begin >= TAG_BYTES && at >= end && at < end + TAG_BYTES)
        return (uint8_t) "DmaVrfy0"[at - end];
    return PAD_FILL;
}

static void check_slack(const struct ft_dma_common *common)
{
    enum { OUTSIDE = 0x0F, TAG_BEFORE = 1, TAG_AFTER = 2 };
    const uint8_t *page = ft_frame_address(common->frame);
    size_t begin = common->offset, end = begin + common->length;

    for (size_t i = 0; i < common->pages * (size_t)FT_PAGE_BYTES; i++) {
        i = i == begin ? end : i;
        if (i >= common->pages * (size_t)FT_PAGE_BYTES || page[i] == slack_at(common, i))
            continue;
        ft_emit(FT_EV_MEM_DAMAGE, FT_DAMAGE_COMMON_SLACK, ft_handle(FT_HC_COMMON, common->id, 0),
                i - begin);
        ft_dma_verify(OUTSIDE, i < begin ? TAG_BEFORE : TAG_AFTER, common->length, 0);
        return;
    }
}

void ft_common_destroy(struct ft_dma_common *common)
{
    common->live = 0;
    if (common->memory)
        return; /* the driver's own */
    ft_unpoison(ft_frame_address(common->frame), common->pages * (size_t)FT_PAGE_BYTES);
    check_slack(common);
    ft_frames_give(common->frame, common->pages);
}

/* The event has what the driver passed; an address that is no live common buffer frees nothing. */
VOID ft_dma_free_common(PDMA_ADAPTER adapter, ULONG length, PHYSICAL_ADDRESS logical, PVOID va,
                        BOOLEAN cached)
{
    uint64_t address = (uint64_t)logical.QuadPart;
    const struct ft_dma_adapter *slot;
    struct ft_dma_common *common;
    unsigned wrong = 0;
    enum { TOO_MANY_FREED = 0x03 };

    FT_DMA_BEGIN(DMA_COMMON, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_COMMON);
    if (slot) {
        ft_dma_odd_boolean(FT_PT_DMA_COMMON, 5, cached);
        common = find(va);
        if (!common && (common = find_near(va, address)) != NULL)
            wrong |= FT_CF_VIRTUAL;
        if (common)
            wrong |= (common->length != length ? FT_CF_LENGTH : 0) |
                     (common->logical != address ? FT_CF_LOGICAL : 0) |
                     (common->adapter != slot->id ? FT_CF_ADAPTER : 0) |
                     (common->cached == (cached ? FT_CACHED_NO : FT_CACHED_YES) ? FT_CF_CACHE : 0);
        if (common && !common->live)
            wrong |= FT_CF_FREED;
        if (!common)
            wrong |= FT_CF_VIRTUAL;
        if (!common || !common->live)
            ft_dma_verify(TOO_MANY_FREED, 1, 0, 0);
        ft_emit(FT_EV_DMA_CB_FREE, ft_dma_adapter_handle(slot),
                common ? ft_handle(FT_HC_COMMON, common->id, 0) : ft_handle_of(va), length, address,
                wrong);
        if (!(wrong & (FT_CF_VIRTUAL | FT_CF_FREED)))
            ft_common_destroy(common);
    }
    FT_DDI_END(DMA_COMMON, 0);
}
