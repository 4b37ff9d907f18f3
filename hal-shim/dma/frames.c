/* Frames, request buffers, truth and caches: see frames.h. */
#include "dma/frames.h"
#include "world/machine.h"
#include "world/races.h"

#include <string.h>

enum {
    SLACK_FILL = 0xB5,
    FREE_FILL = 0xDD,
    STALE_FILL = 0x5A, /* what memory holds before the requester's data gets there */
    DAMAGE_BEFORE = 1,
    DAMAGE_AFTER = 2
};
#define WORD_STEP   0x9E3779B97F4A7C15ULL
#define FRAMES_SPAN ((uint64_t)FT_FRAMES_MAX * FT_PAGE_BYTES)

_Static_assert(FT_FRAMES_MAX == sizeof FT_M->dma.frame_used, "one entry for each frame");
_Static_assert(FT_PAGE_BYTES / FT_LINE_BYTES == 64, "one bit for each line of a page");

/* ---- addresses ---- */

void *ft_frame_address(unsigned frame)
{
    return (void *)(FT_CPU_VIEW_BASE + (uintptr_t)frame * FT_PAGE_BYTES);
}

int ft_frame_of(const void *va)
{
    uintptr_t at = (uintptr_t)va - FT_CPU_VIEW_BASE;

    return at < FRAMES_SPAN ? (int)(at / FT_PAGE_BYTES) : -1;
}

static bool is_buffer(uintptr_t page)
{
    return FT_M->dma.frame_used[page] == FT_FRAME_BUFFER ||
           FT_M->dma.frame_used[page] == FT_FRAME_SYSTEM;
}

static bool two_views(const void *va)
{
    int frame = ft_frame_of(va);

    /* A free frame had two once. */
    return frame >= 0 && !FT_M->platform.coherent &&
           (is_buffer((unsigned)frame) || FT_M->dma.frame_used[frame] == FT_FRAME_FREE);
}

void *ft_bus_view(void *va)
{
    return two_views(va) ? (uint8_t *)va + (FT_BUS_VIEW_BASE - FT_CPU_VIEW_BASE) : va;
}

/* ---- the pattern ---- */

static uint64_t seed_of(unsigned label, bool device_writes)
{
    return (label + 1) * 0xD1B54A32D192ED03ULL ^ (device_writes ? 0x8CB92BA72F3D8DD7ULL : 0);
}

/* Eight bytes at a time: the pattern of byte 8 * i + k is byte k of seed + i * WORD_STEP. */
static void fill_pattern(uint8_t *at, uint32_t bytes, uint64_t seed, uint64_t invert)
{
    uint32_t words = bytes / 8;
    uint64_t last = (seed + words * WORD_STEP) ^ invert;

    for (uint32_t i = 0; i < words; i++) {
        uint64_t word = (seed + i * WORD_STEP) ^ invert;

        memcpy(at + 8 * (size_t)i, &word, 8);
    }
    memcpy(at + 8 * (size_t)words, &last, bytes % 8);
}

void ft_buffer_pattern(const struct ft_dma_buffer *buffer, uint32_t from, uint8_t *at,
                       uint32_t bytes)
{
    fill_pattern(at, bytes, buffer->seed + from / 8 * WORD_STEP, 0);
}

/* ---- buffers ---- */

/* align: the run does not cross a multiple of it, 0: it may. */
static bool is_free(unsigned frame)
{
    uint8_t use = FT_M->dma.frame_used[frame];

    return use == FT_FRAME_FREE || use == FT_FRAME_FILLED;
}

static bool in_reach(unsigned frame, const struct ft_frame_want *want)
{
    uint64_t physical;

    if (want->low == 0 && want->high == UINT64_MAX)
        return true;
    physical = ft_frame_physical(frame, want->use);
    return physical >= want->low && physical + (FT_PAGE_BYTES - 1) <= want->high;
}

static bool find_run(const struct ft_frame_want *want, unsigned *frame)
{
    unsigned run = 0;

    for (unsigned i = 0; i < FT_FRAMES_MAX; i++) {
        if (want->align && i % want->align == 0)
            run = 0;
        run = is_free(i) && in_reach(i, want) ? run + 1 : 0;
        if (run == want->pages) {
            *frame = i + 1 - want->pages;
            return true;
        }
    }
    return false;
}

/* Nobody may have written to a free page. */
static void check_filled(unsigned frame)
{
    enum { DAMAGE_OF_FREE_PAGE = 6 };
    const uint8_t *page = ft_frame_address(frame);

    if (FT_M->dma.frame_used[frame] != FT_FRAME_FILLED)
        return;
    ft_unpoison(page, FT_PAGE_BYTES);
    for (unsigned i = 0; i < FT_PAGE_BYTES; i++)
        if (page[i] != FREE_FILL) {
            ft_emit(FT_EV_MEM_DAMAGE, DAMAGE_OF_FREE_PAGE, 0, i);
            break;
        }
    ft_poison(page, FT_PAGE_BYTES);
}

void ft_frames_check(void)
{
    for (unsigned i = 0; i < FT_M->dma.frames_high; i++)
        check_filled(i);
}

static bool take(const struct ft_frame_want *want, unsigned *frame)
{
    struct ft_dma_state *dma = &FT_M->dma;

    if (want->pages == 0 || !find_run(want, frame))
        return false;
    for (unsigned i = 0; i < want->pages; i++)
        check_filled(*frame + i);
    memset(dma->frame_used + *frame, want->use, want->pages);
    if (dma->frames_high < *frame + want->pages)
        dma->frames_high = (uint16_t)(*frame + want->pages);
    memset(dma->dirty + *frame, 0, want->pages * sizeof *dma->dirty);
    ft_unpoison(ft_frame_address(*frame), want->pages * (size_t)FT_PAGE_BYTES);
    return true;
}

bool ft_frames_take_where(const struct ft_frame_want *want, unsigned *frame)
{
    if (!take(want, frame))
        return false;
    ft_access_fresh(ft_frame_address(*frame), want->pages * (size_t)FT_PAGE_BYTES);
    ft_view_fresh(*frame, want->pages);
    /* Stray accesses meet this view once the frames are free. */
    if (!FT_M->platform.coherent)
        memset((uint8_t *)ft_frame_address(*frame) + (FT_BUS_VIEW_BASE - FT_CPU_VIEW_BASE),
               STALE_FILL, want->pages * (size_t)FT_PAGE_BYTES);
    return true;
}

bool ft_frames_take(unsigned pages, unsigned align, unsigned *frame)
{
    return ft_frames_take_where(
        &(struct ft_frame_want){
            .use = FT_FRAME_COMMON, .pages = pages, .align = align, .high = UINT64_MAX},
        frame);
}

static void give_as(unsigned frame, unsigned pages, uint8_t use)
{
    memset(FT_M->dma.frame_used + frame, use, pages);
    memset(FT_M->dma.dirty + frame, 0, pages * sizeof *FT_M->dma.dirty);
    ft_poison(ft_frame_address(frame), pages * (size_t)FT_PAGE_BYTES);
}

void ft_frames_give(unsigned frame, unsigned pages)
{
    give_as(frame, pages, FT_FRAME_FREE);
}

void ft_frames_give_filled(unsigned frame, unsigned pages)
{
    memset(ft_frame_address(frame), FREE_FILL, pages * (size_t)FT_PAGE_BYTES);
    give_as(frame, pages, FT_FRAME_FILLED);
}

/* Fills whole pages: what a stray access finds there must not depend on earlier runs. */
static void fill_images(const struct ft_dma_buffer *buffer, uint8_t *va)
{
    uint8_t *page = ft_frame_address(buffer->frame);
    uint8_t *truth = va + (FT_TRUTH_BASE - FT_CPU_VIEW_BASE);
    size_t span = buffer->pages * (size_t)FT_PAGE_BYTES, head = buffer->page_offset;
    size_t tail = span - head - buffer->bytes;

    memset(page, SLACK_FILL, head);
    memset(va + buffer->bytes, SLACK_FILL, tail);
    fill_pattern(va, buffer->bytes, buffer->seed, 0);
    /* What the device does not write must not compare equal; neither must what it does not read. */
    fill_pattern(truth, buffer->bytes, buffer->seed, UINT64_MAX);
    if (!FT_M->platform.coherent) {
        uint8_t *bus = ft_bus_view(page);

        memset(bus, SLACK_FILL, head);
        memset(bus + head, STALE_FILL, buffer->bytes);
        memset(bus + head + buffer->bytes, SLACK_FILL, tail);
    }
    ft_poison(page, head);
    ft_poison(va + buffer->bytes, tail);
}

static void *create(uint32_t bytes, uint32_t page_offset, unsigned label, bool device_writes,
                    uint8_t use)
{
    struct ft_dma_buffer *buffer = FT_M->dma.buffer, *end = buffer + FT_DMA_BUFFERS_MAX;
    unsigned pages = (page_offset + bytes + FT_PAGE_BYTES - 1) / FT_PAGE_BYTES, frame;
    struct ft_frame_want want = {.use = use, .pages = pages, .high = UINT64_MAX};
    uint8_t *va;

    FT_ASSERT(bytes > 0 && page_offset < FT_PAGE_BYTES && bytes <= FRAMES_SPAN);
    while (buffer < end && buffer->pages)
        buffer++;
    if (buffer == end || !take(&want, &frame))
        return NULL;
    *buffer = (struct ft_dma_buffer){.seed = seed_of(label, device_writes),
                                     .bytes = bytes,
                                     .frame = (uint16_t)frame,
                                     .pages = (uint16_t)pages,
                                     .page_offset = (uint16_t)page_offset,
                                     .device_writes = device_writes};
    va = (uint8_t *)ft_frame_address(frame) + page_offset;
    fill_images(buffer, va);
    ft_buffer_touched(va, bytes);
    return va;
}

void *ft_buffer_create(uint32_t bytes, uint32_t page_offset, unsigned label, bool device_writes)
{
    return create(bytes, page_offset, label, device_writes, FT_FRAME_BUFFER);
}

void *ft_buffer_create_system(uint32_t bytes, uint32_t page_offset, unsigned label,
                              bool device_writes)
{
    return create(bytes, page_offset, label, device_writes, FT_FRAME_SYSTEM);
}

struct ft_dma_buffer *ft_buffer_at(const void *va)
{
    uintptr_t at = (uintptr_t)va - FT_CPU_VIEW_BASE;

    for (unsigned i = 0; i < FT_DMA_BUFFERS_MAX; i++) {
        struct ft_dma_buffer *buffer = &FT_M->dma.buffer[i];
        uintptr_t begin = buffer->frame * (uintptr_t)FT_PAGE_BYTES + buffer->page_offset;

        if (buffer->pages && at - begin < buffer->bytes)
            return buffer;
    }
    return NULL;
}

/* One more than the offset of the first byte that is not the fill, 0 when there is none. */
static uint32_t first_changed(const uint8_t *at, size_t bytes)
{
    /* Every byte equals its neighbour, and the first is right: the fast way for the usual case. */
    if (bytes == 0 || (at[0] == SLACK_FILL && memcmp(at, at + 1, bytes - 1) == 0))
        return 0;
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != SLACK_FILL)
            return (uint32_t)i + 1;
    return 0;
}

static void check_slack(const struct ft_dma_buffer *buffer)
{
    const uint8_t *page = ft_frame_address(buffer->frame);
    size_t head = buffer->page_offset, end = head + buffer->bytes;
    size_t tail = buffer->pages * (size_t)FT_PAGE_BYTES - end;
    uint32_t bad;

    ft_unpoison(page, buffer->pages * (size_t)FT_PAGE_BYTES);
    bad = first_changed(page, head);
    if (bad)
        ft_emit(FT_EV_POOL_DAMAGE, ft_handle(FT_HC_OTHER, 0, 0), DAMAGE_BEFORE, head - (bad - 1));
    bad = first_changed(page + end, tail);
    if (bad)
        ft_emit(FT_EV_POOL_DAMAGE, ft_handle(FT_HC_OTHER, 0, 0), DAMAGE_AFTER,
                buffer->bytes + bad - 1);
}

void ft_buffer_destroy(void *va)
{
    struct ft_dma_buffer *buffer = va ? ft_buffer_at(va) : NULL;

    if (!va)
        return;
    FT_ASSERT(buffer);
    check_slack(buffer);
    ft_frames_give(buffer->frame, buffer->pages);
    memset(buffer, 0, sizeof *buffer);
}

void *ft_truth_of(const void *va, bool device_writes)
{
    const struct ft_dma_buffer *buffer = ft_buffer_at(va);

    if (!buffer || buffer->device_writes != device_writes)
        return NULL;
    return (uint8_t *)va + (FT_TRUTH_BASE - FT_CPU_VIEW_BASE);
}

/* ---- caches ---- */

/* Lines of the frame that [from, to), offsets into the frame area, touches: a mask. */
static uint64_t lines_in(unsigned frame, uintptr_t from, uintptr_t to)
{
    uintptr_t page = frame * (uintptr_t)FT_PAGE_BYTES;
    uintptr_t begin = from > page ? from - page : 0, end = to - page;
    unsigned first = (unsigned)(begin / FT_LINE_BYTES), last;

    if (end > FT_PAGE_BYTES)
        end = FT_PAGE_BYTES;
    last = (unsigned)((end - 1) / FT_LINE_BYTES);
    return (UINT64_MAX >> (63 - (last - first))) << first;
}

static void copy_lines(unsigned frame, uint64_t lines, bool to_memory)
{
    uint8_t *cpu = ft_frame_address(frame), *bus = cpu + (FT_BUS_VIEW_BASE - FT_CPU_VIEW_BASE);

    while (lines) {
        unsigned first = (unsigned)__builtin_ctzll(lines);
        uint64_t rest = ~(lines >> first);
        unsigned run = rest ? (unsigned)__builtin_ctzll(rest) : 64;
        size_t at = first * (size_t)FT_LINE_BYTES, bytes = run * (size_t)FT_LINE_BYTES;

        ft_raw_copy((to_memory ? bus : cpu) + at, (to_memory ? cpu : bus) + at, bytes);
        lines &= run + first >= 64 ? 0 : UINT64_MAX << (first + run);
    }
}

/* The part of [va, va + bytes) that lies in the frames; false when nothing has to be done. */
static bool cached_range(const void *va, uint64_t bytes, uintptr_t *from, uintptr_t *to)
{
    if (bytes == 0 || !two_views(va))
        return false;
    *from = (uintptr_t)va - FT_CPU_VIEW_BASE;
    *to = bytes > FRAMES_SPAN - *from ? FRAMES_SPAN : *from + bytes;
    return true;
}

void ft_buffer_touched(const void *va, uint64_t bytes)
{
    uintptr_t from, to;

    if (!cached_range(va, bytes, &from, &to))
        return;
    for (uintptr_t page = from / FT_PAGE_BYTES; page * FT_PAGE_BYTES < to; page++)
        if (is_buffer(page))
            FT_M->dma.dirty[page] |= lines_in((unsigned)page, from, to);
}

unsigned ft_cache_write_back(const void *va, uint64_t bytes)
{
    unsigned count = 0;
    uintptr_t from, to;

    if (!cached_range(va, bytes, &from, &to))
        return 0;
    for (uintptr_t page = from / FT_PAGE_BYTES; page * FT_PAGE_BYTES < to; page++) {
        uint64_t lines = FT_M->dma.dirty[page] & lines_in((unsigned)page, from, to);

        copy_lines((unsigned)page, lines, true);
        FT_M->dma.dirty[page] &= ~lines;
        count += (unsigned)__builtin_popcountll(lines);
    }
    return count;
}

void ft_cache_invalidate(const void *va, uint64_t bytes)
{
    uintptr_t from, to;

    if (!cached_range(va, bytes, &from, &to))
        return;
    for (uintptr_t page = from / FT_PAGE_BYTES; page * FT_PAGE_BYTES < to; page++) {
        uint64_t lines = lines_in((unsigned)page, from, to);

        if (!is_buffer(page))
            continue;
        copy_lines((unsigned)page, lines, false);
        FT_M->dma.dirty[page] &= ~lines;
    }
}

unsigned ft_cache_evict(unsigned lines)
{
    unsigned left = lines ? lines : UINT32_MAX, count = 0;

    for (unsigned frame = 0; frame < FT_M->dma.frames_high && left > 0; frame++) {
        uint64_t dirty = FT_M->dma.dirty[frame], victims = 0;

        for (; dirty && left > 0; left--, count++) {
            victims |= dirty & -dirty;
            dirty &= dirty - 1;
        }
        copy_lines(frame, victims, true);
        FT_M->dma.dirty[frame] = dirty;
    }
    return count;
}
