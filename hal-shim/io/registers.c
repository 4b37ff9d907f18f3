/* Device registers and their windows (wdm-io sheet, section 13; wdm.h READ_REGISTER_*).
 *
 * Terms: a window is what MmMapIoSpace returns: an address in a region that is never accessible
 * memory, so that only these routines reach the device. The offset of a register event is BAR << 24
 * | offset in the BAR.
 *
 * A driver that reads one register again and again would keep the machine to itself; from the
 * second such read on, time passes and the hardware gets a chance.
 */
#include "io/io_private.h"

enum { BUGCHECK_BAD_ADDRESS = 0x50, POLL_UNITS = 10 /* 1 microsecond */ };

/* ---- windows ---- */

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

bool ft_window_physical(const void *address, uint64_t *physical)
{
    uint64_t offset;
    int index = find_window(address, 1, &offset);

    if (index >= 0)
        *physical = FT_IO->window[index].physical + offset;
    return index >= 0;
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

/* MmMapIoSpace: the caching type has no effect. Not modelled: mapping what is no BAR (it is mapped,
 * and reads as ones). */
PVOID MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                   MEMORY_CACHING_TYPE CacheType)
{
    uint64_t physical = (uint64_t)PhysicalAddress.QuadPart, offset = 0;
    int index = -1;
    PVOID window;

    (void)CacheType;
    FT_DDI_BEGIN(IO_MAP, 0);
    window = map_window(physical, NumberOfBytes);
    if (window)
        index = find_window(window, 1, &offset);
    ft_emit(FT_EV_MAP_IO, physical, NumberOfBytes,
            window ? window_name((unsigned)index, page_offset(physical)) : 0);
    FT_DDI_END(IO_MAP, 0);
    return window;
}

VOID MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    enum { BUGCHECK_PTE_MISUSE = 0xDA };
    uint64_t offset = 0;
    int index;

    FT_DDI_BEGIN(IO_MAP, 0);
    index = find_window(BaseAddress, 1, &offset);
    ft_emit(FT_EV_UNMAP_IO,
            index < 0
                ? 0
                : window_name((unsigned)index, page_offset(FT_IO->window[index].physical) + offset),
            NumberOfBytes);
    if (index < 0)
        ft_bugcheck(BUGCHECK_PTE_MISUSE, 0, 0, 0, 0);
    FT_IO->window[index].bytes = 0;
    FT_DDI_END(IO_MAP, 0);
}

/* ---- accesses ---- */

struct place {
    uint32_t offset; /* as the events have it */
    unsigned bar;
    uint32_t within;
    bool live; /* a BAR, and the device answers */
};

/* An address outside every window stops the machine, as a page fault at a bad address does. */
static struct place find_place(const volatile void *address, unsigned width, bool write)
{
    const struct ft_description *description = ft_world_module()->description;
    struct place place = {0};
    uint64_t offset, physical;
    int index = find_window(address, width, &offset);

    if (index < 0) {
        bool ours = (uintptr_t)address >= FT_BAR_BASE &&
                    (uintptr_t)address < FT_REGION_BASE + FT_REGION_BYTES;

        ft_bugcheck(BUGCHECK_BAD_ADDRESS, ours ? (uintptr_t)address - FT_BAR_BASE : 0, write, 0, 0);
    }
    physical = FT_IO->window[index].physical + offset - ft_bus_memory();
    place.offset = (uint32_t)physical;
    place.bar = (unsigned)(physical / FT_BAR_STRIDE);
    place.within = (uint32_t)(physical % FT_BAR_STRIDE);
    place.live = physical / FT_BAR_STRIDE < FT_BARS_MAX &&
                 place.within + width <= description->bar_bytes[place.bar] && ft_hardware_live();
    return place;
}

static uint64_t ones(unsigned width)
{
    return width == 8 ? UINT64_MAX : ((uint64_t)1 << width * 8) - 1;
}

/* device-data: the value of a later read is another. */
static uint64_t hostile(uint64_t value, unsigned width)
{
    uint64_t other = FT_IO->hostile_value & ones(width);

    if (!FT_IO->hostile_armed)
        return value;
    if (FT_IO->hostile_left > 0) {
        FT_IO->hostile_left--;
        return value;
    }
    FT_IO->hostile_armed = 0;
    ft_emit_as(FT_LAYER_HARNESS, 0, FT_EV_DEV_HOSTILE, 1, &other);
    return other;
}

/* Is this the same read again? Then the world moves on a little first. */
static void pass_when_polling(uint32_t offset)
{
    struct ft_machine *m = FT_M;

    if (m->last_read_repeats == 0 || m->last_read_offset != offset ||
        m->last_read_task != ft_current()->id)
        return;
    ft_time_pass(POLL_UNITS);
    ft_hardware_pass();
}

static void remember_read(uint32_t offset, uint64_t value)
{
    struct ft_machine *m = FT_M;
    bool again = m->last_read_repeats > 0 && m->last_read_offset == offset &&
                 m->last_read_task == ft_current()->id && m->last_read_value == value;

    m->last_read_offset = offset;
    m->last_read_task = ft_current()->id;
    m->last_read_value = value;
    m->last_read_repeats = again ? m->last_read_repeats + 1 : 1;
}

static uint64_t read_register(const volatile void *address, unsigned width, void *caller)
{
    struct place place;
    uint64_t value;

    ft_ddi_begin(FT_PT_REG_READ, 0, caller);
    place = find_place(address, width, false);
    pass_when_polling(place.offset);
    place = find_place(address, width, false);
    value = ones(width);
    if (place.live)
        value = hostile(ft_model_read(place.bar, place.within, width) & ones(width), width);
    ft_emit(FT_EV_REG_READ, place.offset, width, value, place.live);
    remember_read(place.offset, value);
    ft_ddi_end(FT_PT_REG_READ_OUT, 0);
    return value;
}

static void write_register(volatile void *address, unsigned width, uint64_t value, void *caller)
{
    struct place place;

    ft_ddi_begin(FT_PT_REG_WRITE, 0, caller);
    place = find_place(address, width, true);
    FT_M->last_read_repeats = 0;
    ft_emit(FT_EV_REG_WRITE, place.offset, width, value, place.live);
    if (place.live)
        ft_model_write(place.bar, place.within, width, value);
    ft_ddi_end(FT_PT_REG_WRITE_OUT, 0);
}

#define CALLER __builtin_return_address(0)

UCHAR READ_REGISTER_UCHAR(volatile UCHAR *Register)
{
    return (UCHAR)read_register(Register, sizeof *Register, CALLER);
}

USHORT READ_REGISTER_USHORT(volatile USHORT *Register)
{
    return (USHORT)read_register(Register, sizeof *Register, CALLER);
}

ULONG READ_REGISTER_ULONG(volatile ULONG *Register)
{
    return (ULONG)read_register(Register, sizeof *Register, CALLER);
}

ULONG64 READ_REGISTER_ULONG64(volatile ULONG64 *Register)
{
    return read_register(Register, sizeof *Register, CALLER);
}

VOID WRITE_REGISTER_UCHAR(volatile UCHAR *Register, UCHAR Value)
{
    write_register(Register, sizeof *Register, Value, CALLER);
}

VOID WRITE_REGISTER_USHORT(volatile USHORT *Register, USHORT Value)
{
    write_register(Register, sizeof *Register, Value, CALLER);
}

VOID WRITE_REGISTER_ULONG(volatile ULONG *Register, ULONG Value)
{
    write_register(Register, sizeof *Register, Value, CALLER);
}

VOID WRITE_REGISTER_ULONG64(volatile ULONG64 *Register, ULONG64 Value)
{
    write_register(Register, sizeof *Register, Value, CALLER);
}

/* The BUFFER forms move Count elements to or from consecutive addresses, as the string moves of x64
 * do. Conflict of the sources: the documentation leaves open whether the address advances. */

VOID READ_REGISTER_BUFFER_UCHAR(volatile UCHAR *Register, PUCHAR Buffer, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++)
        Buffer[i] = (UCHAR)read_register(Register + i, sizeof *Register, CALLER);
}

VOID READ_REGISTER_BUFFER_USHORT(volatile USHORT *Register, PUSHORT Buffer, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++)
        Buffer[i] = (USHORT)read_register(Register + i, sizeof *Register, CALLER);
}

VOID READ_REGISTER_BUFFER_ULONG(volatile ULONG *Register, PULONG Buffer, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++)
        Buffer[i] = (ULONG)read_register(Register + i, sizeof *Register, CALLER);
}

VOID READ_REGISTER_BUFFER_ULONG64(volatile ULONG64 *Register, PULONG64 Buffer, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++)
        Buffer[i] = read_register(Register + i, sizeof *Register, CALLER);
}

VOID WRITE_REGISTER_BUFFER_UCHAR(volatile UCHAR *Register, PUCHAR Buffer, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++)
        write_register(Register + i, sizeof *Register, Buffer[i], CALLER);
}

VOID WRITE_REGISTER_BUFFER_USHORT(volatile USHORT *Register, PUSHORT Buffer, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++)
        write_register(Register + i, sizeof *Register, Buffer[i], CALLER);
}

VOID WRITE_REGISTER_BUFFER_ULONG(volatile ULONG *Register, PULONG Buffer, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++)
        write_register(Register + i, sizeof *Register, Buffer[i], CALLER);
}

VOID WRITE_REGISTER_BUFFER_ULONG64(volatile ULONG64 *Register, PULONG64 Buffer, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++)
        write_register(Register + i, sizeof *Register, Buffer[i], CALLER);
}
