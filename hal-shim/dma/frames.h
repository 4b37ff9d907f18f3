/* Physical pages: what the processor, the device and the requester see of them.
 *
 * Frames are numbered by their place in FT_CPU_VIEW_BASE; they hold the buffers of requests and the
 * common buffers. Each has up to three images at the same offset: the processor's
 * (FT_CPU_VIEW_BASE), memory's as the bus sees it (FT_BUS_VIEW_BASE, only on platforms that are not
 * coherent) and the truth (FT_TRUTH_BASE): what the requester must find, kept up to date by the
 * bus. Physical addresses are computed: the knob `frames` decides in which order frames lie in
 * physical memory.
 *
 * Slack, the bytes of a buffer's pages outside the buffer, has a known fill, is poisoned for ASan,
 * and is checked when the buffer goes away (event pool:damage of object#0).
 */
#ifndef FT_DMA_FRAMES_H
#define FT_DMA_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

/* Physical addresses beside FT_PHYSICAL_BASE. Bounce pages and common buffers lie below 16 MiB, in
 * reach of every device. */
#define FT_BOUNCE_PHYSICAL_BASE 0x00800000ULL /* bounce page 0 */
#define FT_COMMON_PHYSICAL_BASE 0x00C00000ULL /* frame 0 when it is part of a common buffer */
#define FT_POOL_PHYSICAL_BASE   0x50000000ULL /* the pool arena, the stacks of tasks behind it */
#define FT_DATA_PHYSICAL_BASE   0x52000000ULL /* the driver's data, 32 MiB a section */
#define FT_DATA_PHYSICAL_STRIDE 0x02000000ULL
#define FT_NO_PHYSICAL          UINT64_MAX

/* What a frame is in use for. */
enum {
    FT_FRAME_FREE,
    FT_FRAME_BUFFER, /* of a request: two views where the platform is not coherent */
    FT_FRAME_COMMON, /* low in memory, in the order of the frames, one view */
    FT_FRAME_PAGES,  /* allocated as pages: one view */
    FT_FRAME_FILLED, /* free, was pages, and still holds the fill of free pages */
    FT_FRAME_SYSTEM  /* of a system buffer: as a request's, but nonpaged pool to the driver */
};

/* A buffer of `bytes` (not zero) for a request, at that offset in its first page, filled with the
 * pattern of `label`; the lines of the buffer are dirty in the caches where the platform is not
 * coherent. device_writes: it is for a read request. NULL when there are no frames left. The
 * requester owns it until ft_buffer_destroy. */
void *ft_buffer_create(uint32_t bytes, uint32_t page_offset, unsigned label, bool device_writes);

/* The same in pages of the system: the system buffer of buffered I/O. */
void *ft_buffer_create_system(uint32_t bytes, uint32_t page_offset, unsigned label,
                              bool device_writes);

/* ---- compare.c ---- */

/* Compares the first `bytes` of the buffer with what the requester should have: for a read the
 * bytes that the device wrote through live mappings, for a write (write: true) the bytes that the
 * device read with the pattern. Outside of what was ever mapped the processor may have done the
 * device's work: there a byte is right that the processor changed, or, for a write, up to `by_hand`
 * bytes that the device did not read. *equal counts equal bytes, *first is the offset of the first
 * difference (`bytes` when there is none). */
void ft_buffer_compare(void *va, uint32_t bytes, bool write, uint32_t by_hand, uint32_t *equal,
                       uint32_t *first);

/* Those bytes among the first `bytes` that the processor moved instead of the device. */
uint32_t ft_buffer_by_hand(const void *va, uint32_t bytes, bool write, uint32_t by_hand);

/* A mapping of these bytes was made: from now on they are the device's to move. */
void ft_buffer_mapped(const void *va, uint32_t bytes);

/* What the I/O manager copies from a system buffer to its requester, truth included. */
void ft_buffer_copy(void *to, const void *from, uint32_t bytes);

/* ---- frames.c ---- */

struct ft_dma_buffer;
/* The buffer that holds this byte, slack excluded; NULL: none. */
struct ft_dma_buffer *ft_buffer_at(const void *va);
/* `bytes` of its pattern, from that offset, a multiple of 8. */
void ft_buffer_pattern(const struct ft_dma_buffer *buffer, uint32_t from, uint8_t *at,
                       uint32_t bytes);

/* Checks the slack, then gives the frames back. */
void ft_buffer_destroy(void *va);

/* Lines of a buffer become dirty because the processor wrote them: for routines of the shim that
 * copy on the driver's behalf. Addresses that are no frame of a buffer, and coherent platforms, are
 * ignored. */
void ft_buffer_touched(const void *va, uint64_t bytes);

/* Whole frames in a row for a common buffer, which do not cross a multiple of `align` frames (0:
 * they may). False: none left. */
bool ft_frames_take(unsigned pages, unsigned align, unsigned *frame);
/* The physical address of the first frame in physical order. */
uint64_t ft_frames_base(void);
bool ft_physical_is_common(uint64_t physical);
void ft_frames_give(unsigned frame, unsigned pages);

/* The same where the physical addresses lie in [low, high], for that use. Frames in a row are a row
 * of physical pages only when the use is FT_FRAME_COMMON; then a run does not cross a multiple of
 * `align` frames (0: it may). */
struct ft_frame_want {
    uint8_t use;
    unsigned pages, align;
    uint64_t low, high;
};
bool ft_frames_take_where(const struct ft_frame_want *want, unsigned *frame);
/* Gives them back with the fill of free pages, which is checked when they are taken and at the end
 * of the run by ft_frames_check (event mem:damage). */
void ft_frames_give_filled(unsigned frame, unsigned pages);
/* The physical address of a frame that has that use. */
uint64_t ft_frame_physical(unsigned frame, unsigned use);

/* The frame at a processor address, or -1. */
int ft_frame_of(const void *va);
void *ft_frame_address(unsigned frame);

/* The physical address of a byte in the pool arena, a frame in use, a stack or the driver's data;
 * FT_NO_PHYSICAL for anything else. */
uint64_t ft_physical_of(const void *va);

/* The processor's address of a physical byte in any of these, NULL when there is no memory; *left
 * gets the bytes up to the end of its page. */
void *ft_physical_memory(uint64_t physical, uint32_t *left);

/* Every byte of the range lies in pages of requests' buffers. */
bool ft_is_user_memory(const void *address, uint64_t bytes);

/* The same byte as the device sees it: in the bus view, or the address itself. */
void *ft_bus_view(void *va);

/* The truth of a byte in a request's buffer, or NULL when it lies in none, or in one for the other
 * direction. */
void *ft_truth_of(const void *va, bool device_writes);

/* The caches: writes back the dirty lines that [va, va + bytes) touches and returns how many there
 * were; and the reverse, which loses dirty lines. Nothing happens on coherent platforms and outside
 * of frames. */
unsigned ft_cache_write_back(const void *va, uint64_t bytes);
void ft_cache_invalidate(const void *va, uint64_t bytes);

/* Writes back up to `lines` dirty lines (0: all), lowest frames first. Returns how many. */
unsigned ft_cache_evict(unsigned lines);

#endif
