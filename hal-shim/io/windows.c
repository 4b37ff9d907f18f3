/* Windows of MmMapIoSpace (wdm-io sheet, section 13): addresses in a region that is never
 * accessible memory, so that only the register routines reach the device. */
#include "io/io_private.h"

#include <ntddk.h>

static uint32_t window_name(unsigned index, uint64_t within)
{
    return (uint32_t)((uint64_t)(index + 1) * FT_BAR_STRIDE + within);
}

/* A free window, beginning after the last one given, so that an address which was unmapped is not
 * soon mapped again. -1: none. */
static int find_free_window(void)
{
    for (unsigned i = 0; i < FT_WINDOWS_MAX; i++) {
        unsigned index = (FT_IO->window_next + i) % FT_WINDOWS_MAX;

        if (FT_IO->window[index].bytes == 0)
            return (int)index;
    }
    return -1;
}

static uint64_t page_offset(uint64_t physical)
{
    return physical % FT_PAGE_BYTES;
}

static void *map_window(uint64_t physical, uint64_t bytes)
{
    int index = find_free_window();
    uint64_t offset = page_offset(physical);

    if (index < 0 || bytes == 0 || bytes > FT_BAR_STRIDE - FT_PAGE_BYTES)
        return NULL;
    FT_IO->window[index] = (struct ft_window){physical, bytes};
    FT_IO->window_next = (uint8_t)((index + 1) % FT_WINDOWS_MAX);
    return (char *)FT_BAR_BASE + (uint64_t)index * FT_BAR_STRIDE + offset;
}

/* The window that an address lies in (-1: none), and its offset there. */
static int find_window(const volatile void *address, unsigned width, uint64_t *offset)
{
    uint64_t at = (uint64_t)(uintptr_t)address - FT_BAR_BASE, index = at / FT_BAR_STRIDE;
    const struct ft_window *window;

    if ((uintptr_t)address < FT_BAR_BASE || index >= FT_WINDOWS_MAX)
        return -1;
    window = &FT_IO->window[index];
    at = at % FT_BAR_STRIDE - page_offset(window->physical);
    if (at >= window->bytes || window->bytes - at < width)
        return -1;
    *offset = at;
    return (int)index;
}

bool ft_window_holds(const volatile void *address, unsigned width, uint64_t *physical)
{
    uint64_t offset;
    int index = find_window(address, width, &offset);

    if (index >= 0)
        *physical = FT_IO->window[index].physical + offset;
    return index >= 0;
}

bool ft_window_physical(const void *address, uint64_t *physical)
{
    return ft_window_holds(address, 1, physical);
}

void *ft_window_of(uint64_t physical)
{
    for (unsigned i = 0; i < FT_WINDOWS_MAX; i++) {
        const struct ft_window *window = &FT_IO->window[i];

        if (physical - window->physical < window->bytes)
            return (char *)FT_BAR_BASE + (uint64_t)i * FT_BAR_STRIDE +
                   page_offset(window->physical) + (physical - window->physical);
    }
    return NULL;
}

static PVOID map_io(PHYSICAL_ADDRESS address, SIZE_T bytes, void *caller)
{
    uint64_t physical = (uint64_t)address.QuadPart, offset = 0;
    int index = -1;
    PVOID window;

    ft_ddi_begin(FT_PT_IO_MAP, 0, caller);
    window = ft_alloc_fails(FT_FAIL_MAPPING) ? NULL : map_window(physical, bytes);
    if (window)
        index = find_window(window, 1, &offset);
    ft_emit(FT_EV_MAP_IO, physical, bytes,
            window ? window_name((unsigned)index, page_offset(physical)) : 0);
    FT_DDI_END(IO_MAP, 0);
    return window;
}

/* The caching type has no effect. Not modelled: mapping what is no BAR (it is mapped, and reads as
 * ones). */
PVOID MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                   MEMORY_CACHING_TYPE CacheType)
{
    (void)CacheType;
    return map_io(PhysicalAddress, NumberOfBytes, __builtin_return_address(0));
}

/* NULL for a protection that makes no sense for a device; else the protection has no effect. */
PVOID MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, ULONG Protect)
{
    enum { CACHING = PAGE_NOCACHE | PAGE_WRITECOMBINE };
    ULONG access = Protect & ~(ULONG)CACHING;
    bool sound = access == PAGE_READONLY || access == PAGE_READWRITE ||
                 access == PAGE_EXECUTE_READ || access == PAGE_EXECUTE_READWRITE;

    return map_io(PhysicalAddress, sound && (Protect & CACHING) != CACHING ? NumberOfBytes : 0,
                  __builtin_return_address(0));
}

PVOID MmMapVideoDisplay(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                        MEMORY_CACHING_TYPE CacheType)
{
    (void)CacheType;
    return map_io(PhysicalAddress, NumberOfBytes, __builtin_return_address(0));
}

static void unmap_io(PVOID address, SIZE_T bytes, void *caller)
{
    enum { BUGCHECK_PTE_MISUSE = 0xDA };
    uint64_t offset = 0;
    int index;

    ft_ddi_begin(FT_PT_IO_MAP, 0, caller);
    index = find_window(address, 1, &offset);
    ft_emit(FT_EV_UNMAP_IO,
            index < 0
                ? 0
                : window_name((unsigned)index, page_offset(FT_IO->window[index].physical) + offset),
            bytes);
    if (index < 0)
        ft_bugcheck(BUGCHECK_PTE_MISUSE, 0, 0, 0, 0);
    FT_IO->window[index].bytes = 0;
    FT_DDI_END(IO_MAP, 0);
}

VOID MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    unmap_io(BaseAddress, NumberOfBytes, __builtin_return_address(0));
}

VOID MmUnmapVideoDisplay(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    unmap_io(BaseAddress, NumberOfBytes, __builtin_return_address(0));
}
