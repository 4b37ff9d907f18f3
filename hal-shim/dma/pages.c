/* Physical memory that drivers allocate: contiguous, noncached, and pages for an MDL (wdm.h).
 *
 * All of it is frames. Contiguous and noncached memory lies where common buffers do, below 16 MiB;
 * pages for an MDL lie as the platform's knob `frames` says, unless they are asked for so low that
 * only the other place will do. Such memory has one view on every platform. Freed pages keep a fill
 * that is checked.
 *
 * Not modelled: NUMA nodes, caching types, SkipBytes beyond the first search, ranges that need more
 * than one run of frames (the allocation is then shorter, as it may be).
 */
#include "dma/dma_private.h"
#include "dma/frames.h"
#include "kernel/pool.h"

#include <string.h>

/* The last argument of pages:alloc and pages:free. */
enum { CONTIGUOUS = 1, FOR_MDL = 2, NONCACHED = 3 };
enum { NEW_FILL = 0xCD, NOT_CONTIGUOUS = 0x60 };

static struct ft_dma_pages *free_slot(void)
{
    for (unsigned i = 0; i < FT_DMA_PAGES_MAX; i++)
        if (!FT_M->dma.pages[i].id)
            return &FT_M->dma.pages[i];
    return NULL;
}

/* The allocation that begins at that address, NULL when there is none. */
static struct ft_dma_pages *find(const void *va, unsigned what)
{
    for (unsigned i = 0; i < FT_DMA_PAGES_MAX; i++) {
        struct ft_dma_pages *pages = &FT_M->dma.pages[i];

        if (pages->id && pages->what == what && ft_frame_address(pages->frame) == va)
            return pages;
    }
    return NULL;
}

/* ---- contiguous and noncached memory ---- */

static struct ft_dma_pages *take(const struct ft_frame_want *want, uint64_t bytes, unsigned what)
{
    struct ft_dma_pages *slot = free_slot();
    unsigned frame;

    if (!slot || want->pages > UINT8_MAX || !ft_frames_take_where(want, &frame))
        return NULL;
    *slot = (struct ft_dma_pages){.bytes = bytes,
                                  .frame = (uint16_t)frame,
                                  .pages = (uint8_t)want->pages,
                                  .what = (uint8_t)what};
    return slot;
}

/* A boundary is a power of two, 0: none; one of less than a page cannot be kept by more than a
 * page. */
static bool boundary_is_sound(uint64_t boundary, uint64_t bytes)
{
    return (boundary & (boundary - 1)) == 0 &&
           (boundary == 0 || boundary >= ROUND_TO_PAGES(bytes) || boundary >= bytes);
}

static unsigned boundary_frames(uint64_t boundary)
{
    uint64_t frames = boundary / FT_PAGE_BYTES;

    return frames < FT_FRAMES_MAX ? (unsigned)frames : 0;
}

static PVOID allocate(SIZE_T bytes, uint64_t low, uint64_t high, uint64_t boundary, unsigned what,
                      void *caller)
{
    struct ft_frame_want want = {.use = FT_FRAME_COMMON, .low = low, .high = high};
    struct ft_dma_pages *pages = NULL;
    uint64_t handle = 0;
    void *va = NULL;

    ft_ddi_begin(FT_PT_PAGES, 0, caller);
    if (!ft_alloc_fails(FT_FAIL_COMMON) && bytes <= FT_FRAMES_MAX * (SIZE_T)FT_PAGE_BYTES &&
        boundary_is_sound(boundary, bytes)) {
        want.pages = (unsigned)BYTES_TO_PAGES(bytes);
        want.align = boundary_frames(boundary);
        pages = take(&want, bytes, what);
    }
    if (pages) {
        handle = ft_handle_new(FT_HC_PAGES);
        pages->id = ft_handle_id(handle);
        va = ft_frame_address(pages->frame);
        memset(va, NEW_FILL, pages->pages * (size_t)FT_PAGE_BYTES);
    }
    ft_emit(FT_EV_PAGES_ALLOC, handle, bytes, what);
    FT_DDI_END(PAGES, 0);
    return va;
}

static void give_back(struct ft_dma_pages *pages)
{
    ft_frames_give_filled(pages->frame, pages->pages);
    memset(pages, 0, sizeof *pages);
}

/* bytes: as the caller says, 0: it does not. */
static void release(PVOID base, SIZE_T bytes, unsigned what, void *caller)
{
    struct ft_dma_pages *pages;

    ft_ddi_begin(FT_PT_PAGES, 0, caller);
    pages = find(base, what);
    ft_emit(FT_EV_PAGES_FREE, pages ? ft_handle(FT_HC_PAGES, pages->id, 0) : 0,
            pages && !bytes ? pages->bytes : bytes, what);
    if (!pages)
        ft_bugcheck(BAD_POOL_CALLER, NOT_CONTIGUOUS, 0, 0, 0);
    give_back(pages);
    FT_DDI_END(PAGES, 0);
}

#define CALLER __builtin_return_address(0)

PVOID MmAllocateContiguousMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS HighestAcceptableAddress)
{
    return allocate(NumberOfBytes, 0, (uint64_t)HighestAcceptableAddress.QuadPart, 0, CONTIGUOUS,
                    CALLER);
}

PVOID MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
                                             PHYSICAL_ADDRESS LowestAcceptableAddress,
                                             PHYSICAL_ADDRESS HighestAcceptableAddress,
                                             PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                             MEMORY_CACHING_TYPE CacheType)
{
    (void)CacheType;
    return allocate(NumberOfBytes, (uint64_t)LowestAcceptableAddress.QuadPart,
                    (uint64_t)HighestAcceptableAddress.QuadPart,
                    (uint64_t)BoundaryAddressMultiple.QuadPart, CONTIGUOUS, CALLER);
}

PVOID MmAllocateContiguousMemorySpecifyCacheNode(SIZE_T NumberOfBytes,
                                                 PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                 PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                 PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                 MEMORY_CACHING_TYPE CacheType,
                                                 NODE_REQUIREMENT PreferredNode)
{
    (void)CacheType;
    (void)PreferredNode;
    return allocate(NumberOfBytes, (uint64_t)LowestAcceptableAddress.QuadPart,
                    (uint64_t)HighestAcceptableAddress.QuadPart,
                    (uint64_t)BoundaryAddressMultiple.QuadPart, CONTIGUOUS, CALLER);
}

PVOID MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS LowestAcceptableAddress,
                                     PHYSICAL_ADDRESS HighestAcceptableAddress,
                                     PHYSICAL_ADDRESS BoundaryAddressMultiple, ULONG Protect,
                                     NODE_REQUIREMENT PreferredNode)
{
    (void)Protect;
    (void)PreferredNode;
    return allocate(NumberOfBytes, (uint64_t)LowestAcceptableAddress.QuadPart,
                    (uint64_t)HighestAcceptableAddress.QuadPart,
                    (uint64_t)BoundaryAddressMultiple.QuadPart, CONTIGUOUS, CALLER);
}

VOID MmFreeContiguousMemory(PVOID BaseAddress)
{
    release(BaseAddress, 0, CONTIGUOUS, CALLER);
}

VOID MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
                                        MEMORY_CACHING_TYPE CacheType)
{
    (void)CacheType;
    release(BaseAddress, NumberOfBytes, CONTIGUOUS, CALLER);
}

PVOID MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
    return allocate(NumberOfBytes, 0, UINT64_MAX, 0, NONCACHED, CALLER);
}

VOID MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    release(BaseAddress, NumberOfBytes, NONCACHED, CALLER);
}

/* ---- pages for an MDL ---- */

/* As many as there are in one run, up to those asked for. */
static struct ft_dma_pages *take_up_to(struct ft_frame_want *want, bool all)
{
    unsigned least = all ? want->pages : 1;

    for (; want->pages >= least && want->pages > 0; want->pages--) {
        struct ft_dma_pages *pages = take(want, want->pages * (uint64_t)FT_PAGE_BYTES, FOR_MDL);

        if (pages)
            return pages;
    }
    return NULL;
}

static PMDL describe(struct ft_dma_pages *pages, bool zero)
{
    PMDL mdl = ft_block_alloc(MmSizeOfMdl(NULL, pages->bytes), FT_HC_MDL, ft_current()->label);
    uint8_t *va = ft_frame_address(pages->frame);

    if (!mdl)
        return NULL;
    MmInitializeMdl(mdl, NULL, pages->bytes);
    mdl->MdlFlags = MDL_PAGES_LOCKED;
    for (unsigned i = 0; i < pages->pages; i++)
        MmGetMdlPfnArray(mdl)[i] =
            (PFN_NUMBER)(ft_physical_of(va + i * (size_t)FT_PAGE_BYTES) >> PAGE_SHIFT);
    memset(va, zero ? 0 : NEW_FILL, pages->bytes);
    ft_block_hand_over(mdl);
    pages->id = ft_handle_id(ft_block_handle(mdl));
    return mdl;
}

static PMDL allocate_for_mdl(PHYSICAL_ADDRESS low, PHYSICAL_ADDRESS high, SIZE_T bytes, ULONG flags,
                             void *caller)
{
    bool chunks = (flags & MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS) != 0;
    struct ft_frame_want want = {
        .use = FT_FRAME_PAGES, .low = (uint64_t)low.QuadPart, .high = (uint64_t)high.QuadPart};
    uint64_t pages_wanted = BYTES_TO_PAGES(bytes);
    struct ft_dma_pages *pages = NULL;
    PMDL mdl = NULL;

    ft_ddi_begin(FT_PT_PAGES, 0, caller);
    if (chunks || want.high < ft_frames_base())
        want.use = FT_FRAME_COMMON;
    want.pages = pages_wanted > UINT8_MAX ? UINT8_MAX : (unsigned)pages_wanted;
    if (!ft_alloc_fails(FT_FAIL_MDL) &&
        (pages_wanted == want.pages || !(flags & MM_ALLOCATE_FULLY_REQUIRED)))
        pages = take_up_to(&want, (flags & MM_ALLOCATE_FULLY_REQUIRED) != 0);
    if (pages) {
        mdl = describe(pages, !(flags & MM_DONT_ZERO_ALLOCATION));
        if (!mdl)
            give_back(pages);
    }
    ft_emit(FT_EV_PAGES_ALLOC, ft_block_handle(mdl), mdl ? mdl->ByteCount : bytes, FOR_MDL);
    FT_DDI_END(PAGES, 0);
    return mdl;
}

/* The MDL may describe less than was asked for: the caller looks at its byte count. */
PMDL MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                           PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
    (void)SkipBytes;
    return allocate_for_mdl(LowAddress, HighAddress, TotalBytes, 0, CALLER);
}

PMDL MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                             PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
                             MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
    (void)SkipBytes;
    (void)CacheType;
    return allocate_for_mdl(LowAddress, HighAddress, TotalBytes, Flags, CALLER);
}

PMDL MmAllocateNodePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                 PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
                                 MEMORY_CACHING_TYPE CacheType, ULONG IdealNode, ULONG Flags)
{
    (void)SkipBytes;
    (void)CacheType;
    (void)IdealNode;
    return allocate_for_mdl(LowAddress, HighAddress, TotalBytes, Flags, CALLER);
}

static struct ft_dma_pages *pages_of_mdl(PMDL mdl)
{
    uint32_t left, id = ft_handle_id(ft_block_handle(mdl));
    struct ft_dma_pages *pages;

    if (!ft_block_is_live(mdl, FT_HC_MDL))
        return NULL;
    pages = find(ft_physical_memory(MmGetMdlPfnArray(mdl)[0] << PAGE_SHIFT, &left), FOR_MDL);
    return pages && pages->id == id ? pages : NULL;
}

/* The MDL itself stays: ExFreePool frees it. */
VOID MmFreePagesFromMdl(PMDLX MemoryDescriptorList)
{
    PMDL mdl = MemoryDescriptorList;
    struct ft_dma_pages *pages;

    FT_DDI_BEGIN(PAGES, ft_label_of(mdl));
    pages = pages_of_mdl(mdl);
    ft_emit(FT_EV_PAGES_FREE, ft_handle_of(mdl), pages ? pages->bytes : 0, FOR_MDL);
    if (!pages)
        ft_bugcheck(PFN_LIST_CORRUPT, 0, 0, 0, 0);
    give_back(pages);
    mdl->MdlFlags &= (CSHORT)~MDL_PAGES_LOCKED;
    ft_mdl_forget_mappings(mdl);
    FT_DDI_END(PAGES, ft_label_of(mdl));
}

/* ---- the machine's memory ---- */

/* An array that ends with an empty range; the caller frees it with ExFreePool. */
PPHYSICAL_MEMORY_RANGE MmGetPhysicalMemoryRanges(VOID)
{
    const uint64_t ranges[][2] = {
        {FT_BOUNCE_PHYSICAL_BASE, FT_DMA_REGISTERS_MAX * (uint64_t)FT_PAGE_BYTES},
        {FT_COMMON_PHYSICAL_BASE, FT_FRAMES_MAX * (uint64_t)FT_PAGE_BYTES},
        {ft_frames_base(), FT_FRAMES_MAX * (uint64_t)FT_PAGE_BYTES},
        {FT_POOL_PHYSICAL_BASE, FT_CPU_VIEW_BASE - FT_POOL_BASE}};
    enum { COUNT = sizeof ranges / sizeof *ranges, TAG = 0x6852506D /* mPRh */ };
    struct ft_pool_want want = {.bytes = (COUNT + 1) * sizeof(PHYSICAL_MEMORY_RANGE),
                                .tag = TAG,
                                .memory = FT_POOL_OF_NONPAGED,
                                .zero = true};
    PPHYSICAL_MEMORY_RANGE list;

    FT_DDI_BEGIN(PAGES, 0);
    list = ft_pool_take(&want);
    for (unsigned i = 0; list && i < COUNT; i++) {
        list[i].BaseAddress.QuadPart = (LONGLONG)ranges[i][0];
        list[i].NumberOfBytes.QuadPart = (LONGLONG)ranges[i][1];
    }
    FT_DDI_END(PAGES, 0);
    return list;
}
