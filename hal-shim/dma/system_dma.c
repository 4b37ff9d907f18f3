/* The system DMA controller: two Intel 8237A, cascaded over channel 4 (wdm-dma
 * sheet, 3.4, 6.2, 6.7).
 *
 * Channels 0 to 3 count bytes, channels 5 to 7 words. A channel has 16 bits of address and count; a
 * page register gives the bits above, and nothing carries into it: that is where the boundary of 64
 * (or 128) KiB comes from, and the reach of 24 bits. The device asserts its request line and moves
 * data (sim_slave_transfer); at the terminal count the channel masks itself, or begins anew when it
 * auto-initialises. Not modelled: priorities, software requests, cascading a bus master, memory to
 * memory, verify transfers, descending addresses, and block mode's hold of the bus.
 */
#include "dma/dma_private.h"
#include "dma/mapping_view.h"
#include "sim/device.h"

enum { CASCADE = 4, POLL_UNITS = 10 };

static struct ft_system_channel *channel_of(unsigned channel)
{
    return &FT_M->dma.system[channel % 8];
}

/* log2 of the bytes in a unit. */
static unsigned shift_of(unsigned channel)
{
    return channel > CASCADE ? 1 : 0;
}

bool ft_system_channel_exists(unsigned channel)
{
    return channel < 8 && channel != CASCADE;
}

uint64_t ft_system_boundary(unsigned channel)
{
    return 0x10000ULL << shift_of(channel);
}

uint64_t ft_dma_boundary(const struct ft_dma_adapter *adapter)
{
    if (!adapter->slave || adapter->version >= DEVICE_DESCRIPTION_VERSION3)
        return 0;
    return ft_system_boundary(adapter->system_channel);
}

/* Bits 16 to 23 of the address are the page; on a channel of words bit 16 is the address's own. */
static uint64_t physical_of(unsigned channel, const struct ft_system_channel *c)
{
    unsigned shift = shift_of(channel);
    uint64_t page = shift ? c->page & ~1U : c->page;

    return page << 16 | (uint64_t)c->address << shift;
}

void ft_system_mask(unsigned channel, bool masked)
{
    channel_of(channel)->masked = masked;
    ft_emit(FT_EV_SYS_MASK, channel, masked);
}

void ft_system_program(unsigned channel, uint64_t physical, uint32_t length, unsigned mode)
{
    struct ft_system_channel *c = channel_of(channel);
    unsigned shift = shift_of(channel);
    uint32_t units = length >> shift;

    *c = (struct ft_system_channel){
        .base_address = (uint16_t)(physical >> shift),
        .base_count = (uint16_t)(units - 1),
        .page = (uint8_t)(physical >> 16),
        .mode = (uint8_t)mode,
        .masked = 1,
    };
    c->address = c->base_address;
    c->count = c->base_count;
    ft_system_mask(channel, false);
}

uint32_t ft_system_counter(unsigned channel, bool polled)
{
    const struct ft_system_channel *c = channel_of(channel);
    uint32_t low, again;

    if (polled) {
        ft_time_pass(POLL_UNITS);
        ft_hardware_pass();
    }
    /* The two bytes are read one after the other: two readings that agree are right. */
    do {
        low = c->count;
        again = c->count;
    } while (low != again);
    if (c->mode == 0 || (c->terminal && !(c->mode & FT_SYSTEM_AUTO)))
        return 0;
    return (low + 1U) << shift_of(channel);
}

/* The channel has counted to its end. */
static void reach_terminal(unsigned channel)
{
    struct ft_system_channel *c = channel_of(channel);
    uint64_t arg[] = {channel, true};

    c->terminal = 1;
    ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_SYS_TERMINAL, 1, arg);
    if (c->mode & FT_SYSTEM_AUTO) {
        c->address = c->base_address;
        c->count = c->base_count;
        return;
    }
    c->masked = 1;
    ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_SYS_MASK, 2, arg);
}

/* Up to the end of the channel's count, of its page, or of the bytes. */
static uint32_t piece_of(const struct ft_system_channel *c, uint32_t units)
{
    uint32_t to_end = c->count + 1U, to_wrap = 0x10000U - c->address;

    if (units > to_end)
        units = to_end;
    return units > to_wrap ? to_wrap : units;
}

uint32_t sim_line_transfer(struct sim_device *device, unsigned line, bool to_device, void *bytes,
                           uint32_t length, bool *terminal)
{
    return ft_line_transfer(device, ft_world_module()->description->dma_channel + line, to_device,
                            bytes, length, terminal);
}

static bool lines_run(const struct ft_description *machine, unsigned *line, bool *to_device)
{
    unsigned count = machine->dma_lines ? machine->dma_lines : 1;

    for (*line = 0; *line < count; ++*line)
        if (ft_line_runs(machine->dma_channel + *line, to_device))
            return true;
    return false;
}

bool ft_system_runs(unsigned *line, bool *to_device)
{
    const struct ft_description *machine = ft_world_module()->description;
    const struct ft_system_channel *c = channel_of(machine->dma_channel);

    *line = 0;
    if (machine->dma_bits == 0)
        return false;
    if (machine->dma_version >= DEVICE_DESCRIPTION_VERSION3)
        return lines_run(machine, line, to_device);
    *to_device = c->mode & FT_SYSTEM_TO_DEVICE;
    return !c->masked && (c->mode & (FT_SYSTEM_TO_DEVICE | FT_SYSTEM_FROM_DEVICE));
}

uint32_t sim_slave_transfer(struct sim_device *device, bool to_device, void *bytes, uint32_t length,
                            bool *terminal)
{
    unsigned channel = ft_world_module()->description->dma_channel, shift = shift_of(channel);
    unsigned way = to_device ? FT_SYSTEM_TO_DEVICE : FT_SYSTEM_FROM_DEVICE;
    struct ft_system_channel *c = channel_of(channel);
    uint32_t moved = 0;

    if (ft_world_module()->description->dma_version >= DEVICE_DESCRIPTION_VERSION3)
        return sim_line_transfer(device, 0, to_device, bytes, length, terminal);
    FT_ASSERT(length <= SIM_BURST_BYTES);
    *terminal = false;
    /* After a reset of the machine nothing is programmed: no way. */
    while (!*terminal && moved + (1U << shift) <= length && !c->masked && (c->mode & way)) {
        uint32_t units = piece_of(c, (length - moved) >> shift), piece = units << shift;
        uint64_t physical = physical_of(channel, c);
        uint8_t *at = (uint8_t *)bytes + moved;

        if (to_device)
            sim_dma_read(device, physical, at, piece);
        else
            sim_dma_write(device, physical, at, piece);
        moved += piece;
        c->address = (uint16_t)(c->address + units);
        c->count = (uint16_t)(c->count - units);
        if (c->count == 0xFFFF) {
            *terminal = true;
            reach_terminal(channel);
        }
    }
    return moved;
}
