/* Physical addresses: where the memory of the machine lies, and back (frames.h). */
#include "dma/frames.h"
#include "world/machine.h"

#define POOL_SPAN   ((uint64_t)FT_POOL_BYTES)
#define FRAMES_SPAN ((uint64_t)FT_FRAMES_MAX * FT_PAGE_BYTES)

enum { FIRST_FRAMES = 256, MORE_FRAMES = FT_FRAMES_MAX - FIRST_FRAMES };
_Static_assert(MORE_FRAMES == 64, "the random order is made for powers of two");

/* Among `count` frames, 256 or 64. Its own inverse. */
static unsigned permute_among(unsigned frame, unsigned count)
{
    switch (FT_M->platform.frames) {
    case FT_FRAMES_REVERSED:
        return count - 1 - frame;
    case FT_FRAMES_PAIRWISE:
        return frame ^ 1;
    case FT_FRAMES_RANDOM:
        /* Affine, swapped, and the affine step undone (109 * 101 is 1 modulo 256 and 64). */
        return (((frame * 109 + 57) ^ 0x5B) % count + count - 57) * 101 % count;
    default:
        return frame;
    }
}

/* The first frames keep their order among themselves, which traces know. */
static unsigned permute(unsigned frame)
{
    if (frame < FIRST_FRAMES)
        return permute_among(frame, FIRST_FRAMES);
    return FIRST_FRAMES + permute_among(frame - FIRST_FRAMES, MORE_FRAMES);
}

uint64_t ft_frames_base(void)
{
    return FT_PHYSICAL_BASE + (FT_M->platform.high ? FT_HIGH_OFFSET : 0);
}

/* ---- what is no frame: the pool arena, the stacks behind it, the driver's data ---- */

/* Guard pages are no memory. */
static bool in_stacks(uintptr_t at)
{
    uintptr_t offset = at - FT_STACKS_BASE;

    return offset < (uintptr_t)FT_TASKS_MAX * FT_STACK_STRIDE &&
           offset % FT_STACK_STRIDE >= FT_PAGE_BYTES;
}

/* The page in which a section of the driver's data begins; 0 when it has none. */
static uintptr_t data_begin(unsigned section)
{
    const struct ft_module_data *data = &ft_world_module()->data[section];

    return data->begin == data->end ? 0 : (uintptr_t)data->begin & ~(uintptr_t)(FT_PAGE_BYTES - 1);
}

static bool in_data(uintptr_t at, unsigned section)
{
    const struct ft_module_data *data = &ft_world_module()->data[section];

    return at >= (uintptr_t)data->begin && at < (uintptr_t)data->end &&
           at - data_begin(section) < FT_DATA_PHYSICAL_STRIDE;
}

static uint64_t physical_of_data(uintptr_t at)
{
    for (unsigned i = 0; i < 2; i++)
        if (in_data(at, i))
            return FT_DATA_PHYSICAL_BASE + i * FT_DATA_PHYSICAL_STRIDE + (at - data_begin(i));
    return FT_NO_PHYSICAL;
}

static void *data_memory(uint64_t physical)
{
    uint64_t offset = physical - FT_DATA_PHYSICAL_BASE;
    uint64_t section = offset / FT_DATA_PHYSICAL_STRIDE;
    uintptr_t at;

    if (section >= 2)
        return NULL;
    at = data_begin((unsigned)section) + offset % FT_DATA_PHYSICAL_STRIDE;
    return in_data(at, (unsigned)section) ? (void *)at : NULL;
}

/* ---- physical addresses ---- */

uint64_t ft_frame_physical(unsigned frame, unsigned use)
{
    switch (use) {
    case FT_FRAME_FREE:
    case FT_FRAME_FILLED:
        return FT_NO_PHYSICAL;
    case FT_FRAME_COMMON:
        return FT_COMMON_PHYSICAL_BASE + (uint64_t)frame * FT_PAGE_BYTES;
    default:
        return ft_frames_base() + (uint64_t)permute(frame) * FT_PAGE_BYTES;
    }
}

uint64_t ft_physical_of(const void *va)
{
    uintptr_t in_pool = (uintptr_t)va - FT_POOL_BASE, in_page = (uintptr_t)va % FT_PAGE_BYTES;
    int frame = ft_frame_of(va);
    uint64_t physical;

    if (in_pool < POOL_SPAN || in_stacks((uintptr_t)va))
        return FT_POOL_PHYSICAL_BASE + in_pool;
    if (frame < 0)
        return physical_of_data((uintptr_t)va);
    physical = ft_frame_physical((unsigned)frame, FT_M->dma.frame_used[frame]);
    return physical == FT_NO_PHYSICAL ? physical : physical + in_page;
}

bool ft_physical_is_common(uint64_t physical)
{
    return physical - FT_COMMON_PHYSICAL_BASE < FRAMES_SPAN;
}

/* A frame that was used in this run exists as memory; what it holds is known. */
static void *frame_memory(unsigned frame, uint64_t physical)
{
    if (frame >= FT_M->dma.frames_high)
        return NULL;
    return (uint8_t *)ft_frame_address(frame) + physical % FT_PAGE_BYTES;
}

/* The bytes up to the end of what was used of the arena, if that is before the end of the page. */
static void *pool_memory(uint64_t offset, uint32_t *left)
{
    uint64_t to_end = FT_M->pool_used - offset;

    if (*left > to_end)
        *left = (uint32_t)to_end;
    return (void *)(FT_POOL_BASE + (uintptr_t)offset);
}

void *ft_physical_memory(uint64_t physical, uint32_t *left)
{
    uint64_t in_pool = physical - FT_POOL_PHYSICAL_BASE;

    *left = (uint32_t)(FT_PAGE_BYTES - physical % FT_PAGE_BYTES);
    if (physical - ft_frames_base() < FRAMES_SPAN)
        return frame_memory(permute((unsigned)((physical - ft_frames_base()) / FT_PAGE_BYTES)),
                            physical);
    if (physical - FT_COMMON_PHYSICAL_BASE < FRAMES_SPAN)
        return frame_memory((unsigned)((physical - FT_COMMON_PHYSICAL_BASE) / FT_PAGE_BYTES),
                            physical);
    if (in_pool < FT_M->pool_used)
        return pool_memory(in_pool, left);
    if (in_stacks(FT_POOL_BASE + (uintptr_t)in_pool))
        return (void *)(FT_POOL_BASE + (uintptr_t)in_pool);
    return data_memory(physical);
}

bool ft_is_user_memory(const void *address, uint64_t bytes)
{
    uintptr_t at = (uintptr_t)address - FT_CPU_VIEW_BASE;

    if (bytes == 0)
        return true;
    if (at >= FRAMES_SPAN || bytes > FRAMES_SPAN - at)
        return false;
    for (uintptr_t page = at / FT_PAGE_BYTES; page <= (at + bytes - 1) / FT_PAGE_BYTES; page++)
        if (FT_M->dma.frame_used[page] != FT_FRAME_BUFFER)
            return false;
    return true;
}
