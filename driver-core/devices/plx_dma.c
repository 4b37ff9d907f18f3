/* The DMA engine of the PLX PCI 9054, 9056 and their like: bridges between PCI and a local bus,
 * here with local memory behind them (PCI 9054 and 9056 Data Books: DMA operation, and the
 * registers at 68h to B8h).
 *
 * Two channels move data between PCI and local bus, each by itself: one block from its registers,
 * or a chain of descriptors in host memory (PCI address, local address, byte count, next descriptor
 * with flags and, with dual addresses and DMAMODE bit 18, the high half of the PCI address). The
 * engine moves one burst, or loads one descriptor, per step; busy channels take turns.
 *
 * - With dual addresses (struct plx_part) data may lie anywhere in 64 bits: above 4 GB a channel
 *   uses dual address cycles, with the high half from DMADAC or from the descriptor. Descriptors
 *   themselves lie below 4 GB.
 * - Clearing a channel's enable bit pauses it. Start and abort together end the transfer at the
 *   next step.
 * - In clear-count mode the byte count of a descriptor in host memory is zeroed when its bytes have
 *   been moved.
 * - A channel interrupts when it is done (DMAMODE bit 10) or after a descriptor that asks for it.
 * - An address that the bus refuses ends the channel: INTCSR bit 14 is set and bit 25 or 26
 *   dropped. Both stay until the channel is started again (in the part they follow the PCI status
 *   register, which this machine has no configuration space for).
 * - The software reset (CNTRL bit 30) stops the channels and resets the DMA registers. INTCSR, a
 *   runtime register, keeps its enable bits.
 *
 * Not modelled: descriptors on the local bus, ring management, demand mode, doorbells, mailboxes
 * (but one), direct master and messaging; an abort of an idle channel, which in the part spoils its
 * next transfer.
 *
 * The local memory has no bytes of its own: what a read gets depends on the local address and on
 * all that was written since power-on, so a page in the wrong place is seen. Mailbox 7 has the fold
 * of what was written.
 */
#include "plx_dma.h"

#include <string.h>

enum {
    REG_MARBR = 0x08,
    REG_MBOX7 = 0x5C,
    REG_INTCSR = 0x68,
    REG_CNTRL = 0x6C,
    REG_PCIHIDR = 0x70,
    REG_PCIHREV = 0x74,
    REG_DMA = 0x80, /* two channels */
    REG_DMACSR = 0xA8,
    REG_DMAARB = 0xAC,
    REG_DMATHR = 0xB0,
    REG_DMADAC = 0xB4 /* two channels, a word each */
};
/* Registers of a channel, from its DMAMODE on. */
enum { MODE, PADR, LADR, SIZ, DPR };
enum {
    CHANNELS = PLX_CHANNELS,
    CHANNEL_BYTES = PLX_CHANNEL_REGISTERS * 4,
    REGISTER_BAR = 0,
    WINDOW_BAR = 2
};

enum {
    INTCSR_PCI_ENABLE = 1 << 8,
    INTCSR_ABORT_ENABLE = 1 << 10,
    INTCSR_ABORT_ACTIVE = 1 << 14,
    INTCSR_DMA0_ENABLE = 1 << 18,
    INTCSR_DMA0_ACTIVE = 1 << 21,
    INTCSR_DMA0_NOT_ABORTED = 1 << 25,
    INTCSR_NOT_ABORTED = 0xF << 24,
    INTCSR_WRITABLE = 0x000F1F0F,
    INTCSR_RESET = 0x00010100
};
enum { CNTRL_RESET = 1 << 30, CNTRL_WRITABLE = 0x4001FFFF };
#define CNTRL_POWER_ON 0x9000767Eu /* local side initialised, EEPROM present, command codes */
enum {
    MODE_CHAIN = 1 << 9,
    MODE_DONE_INTERRUPT = 1 << 10,
    MODE_LOCAL_CONSTANT = 1 << 11,
    MODE_CLEAR_COUNT = 1 << 16,
    MODE_PCI_INTERRUPT = 1 << 17,
    MODE_LOAD_HIGH = 1 << 18,
    MODE_RESET = 0x43
};
enum { DPR_PCI = 1, DPR_END = 2, DPR_INTERRUPT = 4, DPR_TO_PCI = 8, DPR_FLAGS = 0xF };
enum { CSR_ENABLE = 1, CSR_START = 2, CSR_ABORT = 4, CSR_CLEAR = 8, CSR_DONE = 16 };
enum { SIZ_MASK = 0x7FFFFF, COUNT_OFFSET = 8, WORD = sizeof(uint64_t) };

#define REVISION_VALUE 0x0Bu
#define MULTIPLIER     0x9E3779B97F4A7C15ull /* odd, with well mixed bits */

/* ---- interrupt ---- */

static uint32_t intcsr_value(const struct plx_state *s)
{
    uint32_t value = s->intcsr | INTCSR_NOT_ABORTED;

    for (unsigned i = 0; i < CHANNELS; i++) {
        if (s->channel[i].interrupt)
            value |= (uint32_t)INTCSR_DMA0_ACTIVE << i;
        if (s->channel[i].refused) {
            value &= ~((uint32_t)INTCSR_DMA0_NOT_ABORTED << i);
            value |= INTCSR_ABORT_ACTIVE;
        }
    }
    return value;
}

static void update_line(struct sim_device *device, struct plx_state *s)
{
    uint32_t value = intcsr_value(s);
    bool level = (value & INTCSR_ABORT_ENABLE) && (value & INTCSR_ABORT_ACTIVE);
    bool enabled = (value & INTCSR_ABORT_ENABLE) != 0;

    for (unsigned i = 0; i < CHANNELS; i++) {
        const struct plx_channel *c = &s->channel[i];

        if (!(value & (uint32_t)INTCSR_DMA0_ENABLE << i) || !(c->reg[MODE] & MODE_PCI_INTERRUPT))
            continue;
        enabled = true;
        level = level || c->interrupt;
    }
    enabled = enabled && (value & INTCSR_PCI_ENABLE);
    if (s->irq_enabled != enabled) {
        s->irq_enabled = enabled;
        sim_irq_enable(device, enabled);
    }
    sim_irq_set(device, level && enabled);
}

/* ---- the local memory ---- */

static uint64_t local_word(const struct plx_state *s, uint32_t address)
{
    return (address / WORD + 1ull) * MULTIPLIER ^ s->fold;
}

/* Whole words are by far the most: of a constant size, they are no calls. */
static void copy_word(void *to, const void *from, uint32_t bytes)
{
    if (bytes >= WORD)
        memcpy(to, from, WORD);
    else
        memcpy(to, from, bytes);
}

static void local_read(const struct plx_state *s, uint32_t address, uint8_t *bytes, uint32_t length)
{
    for (uint32_t done = 0; done < length;) {
        uint64_t word = local_word(s, address + done);
        uint32_t skip = (address + done) % WORD, part = WORD - skip;

        if (part > length - done)
            part = length - done;
        copy_word(bytes + done, (const uint8_t *)&word + skip, part);
        done += part;
    }
}

static void local_write(struct plx_state *s, uint32_t address, const uint8_t *bytes,
                        uint32_t length)
{
    for (uint32_t done = 0; done < length; done += WORD) {
        uint64_t word = 0;

        copy_word(&word, bytes + done, length - done);
        s->fold = (s->fold ^ word ^ (address + done)) * MULTIPLIER;
        s->fold ^= s->fold >> 32;
    }
}

/* ---- a channel ---- */

static void report_end(struct sim_device *device, struct plx_channel *c, unsigned index,
                       enum sim_engine_end why)
{
    if (c->active)
        sim_engine_end(device, index, c->moved, why);
    c->active = 0;
}

/* To the rules, what fetches the descriptors of a channel is a channel of its own. */
static void report_chain_end(struct sim_device *device, struct plx_channel *c, unsigned index,
                             enum sim_engine_end why)
{
    if (c->fetched)
        sim_engine_end(device, CHANNELS + index, c->fetched, why);
    c->fetched = 0;
}

/* The channel is done; all but a software reset and the loss of power may interrupt. */
static void end_transfer(struct sim_device *device, struct plx_state *s, unsigned index,
                         enum sim_engine_end why)
{
    struct plx_channel *c = &s->channel[index];

    report_end(device, c, index, why);
    report_chain_end(device, c, index, why);
    c->busy = 0;
    c->aborting = 0;
    c->loading = 0;
    if (why == SIM_END_BUS_ERROR)
        c->refused = 1;
    if (c->reg[MODE] & MODE_DONE_INTERRUPT)
        c->interrupt = 1;
    update_line(device, s);
}

static uint64_t host_address(const struct plx_channel *c)
{
    return (uint64_t)c->high << 32 | c->reg[PADR];
}

static void begin_block(struct sim_device *device, struct plx_channel *c, unsigned index)
{
    c->moved = 0;
    c->loading = 0;
    if ((c->reg[SIZ] & SIZ_MASK) == 0)
        return;
    c->active = 1;
    sim_engine_begin(device, index, host_address(c), c->reg[SIZ] & SIZ_MASK,
                     !(c->reg[DPR] & DPR_TO_PCI));
}

static void start_transfer(struct sim_device *device, struct plx_state *s, unsigned index)
{
    struct plx_channel *c = &s->channel[index];

    if (c->busy || (s->cntrl & CNTRL_RESET))
        return;
    c->busy = 1;
    c->aborting = 0;
    c->refused = 0;
    if (c->reg[MODE] & MODE_CHAIN)
        c->loading = 1;
    else
        begin_block(device, c, index);
}

static void load_descriptor(struct sim_device *device, struct plx_state *s, unsigned index)
{
    struct plx_channel *c = &s->channel[index];
    bool loads_high = plx_part.dual_address && (c->reg[MODE] & MODE_LOAD_HIGH);
    uint32_t words[5]; /* the fifth is the high half */
    uint32_t bytes = loads_high ? sizeof words : sizeof words - sizeof *words;

    c->descriptor = c->reg[DPR] & ~(uint32_t)DPR_FLAGS;
    c->moved = 0;
    if (!(c->reg[DPR] & DPR_PCI) || !sim_dma_read(device, c->descriptor, words, bytes)) {
        end_transfer(device, s, index, SIM_END_BUS_ERROR);
        return;
    }
    if (!c->fetched)
        sim_engine_begin(device, CHANNELS + index, c->descriptor, bytes, true);
    c->fetched += bytes;
    memcpy(&c->reg[PADR], words, 4 * sizeof *words);
    if (loads_high)
        c->high = words[4];
    begin_block(device, c, index);
}

/* All bytes of the block have been moved. */
static void end_block(struct sim_device *device, struct plx_state *s, unsigned index)
{
    struct plx_channel *c = &s->channel[index];
    const uint32_t none = 0;

    report_end(device, c, index, SIM_END_DONE);
    if (!(c->reg[MODE] & MODE_CHAIN)) {
        end_transfer(device, s, index, SIM_END_DONE);
        return;
    }
    if ((c->reg[MODE] & MODE_CLEAR_COUNT) &&
        !sim_dma_write(device, c->descriptor + COUNT_OFFSET, &none, sizeof none)) {
        end_transfer(device, s, index, SIM_END_BUS_ERROR);
        return;
    }
    if (c->reg[DPR] & DPR_INTERRUPT)
        c->interrupt = 1;
    if (c->reg[DPR] & DPR_END)
        end_transfer(device, s, index, SIM_END_DONE);
    else
        c->loading = 1;
    update_line(device, s);
}

static bool move_burst(struct sim_device *device, struct plx_state *s, struct plx_channel *c,
                       uint32_t bytes)
{
    uint32_t local = c->reg[LADR] + (c->reg[MODE] & MODE_LOCAL_CONSTANT ? 0 : c->moved);
    uint8_t data[SIM_BURST_BYTES];

    if (c->reg[DPR] & DPR_TO_PCI) {
        local_read(s, local, data, bytes);
        return sim_dma_write(device, host_address(c) + c->moved, data, bytes);
    }
    if (!sim_dma_read(device, host_address(c) + c->moved, data, bytes))
        return false;
    local_write(s, local, data, bytes);
    return true;
}

static void channel_step(struct sim_device *device, struct plx_state *s, unsigned index)
{
    struct plx_channel *c = &s->channel[index];
    uint32_t left = (c->reg[SIZ] & SIZ_MASK) - c->moved;
    uint32_t bytes = left < SIM_BURST_BYTES ? left : SIM_BURST_BYTES;

    if (c->aborting) {
        end_transfer(device, s, index, SIM_END_ABORTED);
        return;
    }
    if (c->loading) {
        load_descriptor(device, s, index);
        return;
    }
    if (bytes != 0 && !move_burst(device, s, c, bytes)) {
        end_transfer(device, s, index, SIM_END_BUS_ERROR);
        return;
    }
    c->moved += bytes;
    if (bytes == left)
        end_block(device, s, index);
}

static bool can_step(const struct plx_channel *c)
{
    return c->busy && (c->enabled || c->aborting);
}

bool plx_busy(const struct sim_device *device)
{
    const struct plx_state *s = sim_device_state(device);

    return can_step(&s->channel[0]) || can_step(&s->channel[1]);
}

void plx_step(struct sim_device *device)
{
    struct plx_state *s = sim_device_state(device);
    unsigned index = s->turn;

    if (!can_step(&s->channel[index]))
        index = !index;
    s->turn = (uint8_t)!index;
    channel_step(device, s, index);
}

/* ---- reset and power ---- */

static void stop_channels(struct sim_device *device, struct plx_state *s, enum sim_engine_end why)
{
    for (unsigned i = 0; i < CHANNELS; i++) {
        report_end(device, &s->channel[i], i, why);
        report_chain_end(device, &s->channel[i], i, why);
        s->channel[i] = (struct plx_channel){.reg[MODE] = MODE_RESET};
    }
}

void plx_reset(struct sim_device *device)
{
    struct plx_state *s = sim_device_state(device);

    stop_channels(device, s, SIM_END_ABORTED);
    s->intcsr = INTCSR_RESET;
    s->cntrl = CNTRL_POWER_ON;
    s->arbitration = 0;
    s->threshold = 0;
    s->turn = 0;
    update_line(device, s);
}

void plx_stop(struct sim_device *device, enum sim_engine_end why)
{
    struct plx_state *s = sim_device_state(device);

    stop_channels(device, s, why);
    s->intcsr = 0;
    update_line(device, s);
}

/* ---- registers ---- */

static uint8_t csr_value(const struct plx_channel *c)
{
    return (uint8_t)((c->enabled ? CSR_ENABLE : 0) | (c->busy ? 0 : CSR_DONE));
}

static uint32_t register_value(const struct plx_state *s, uint32_t offset)
{
    uint32_t channel = (offset - REG_DMA) / CHANNEL_BYTES;

    if (offset >= REG_DMA && channel < CHANNELS)
        return s->channel[channel].reg[(offset - REG_DMA) % CHANNEL_BYTES / 4];
    switch (offset) {
    case REG_MARBR:
    case REG_DMAARB:
        return s->arbitration;
    case REG_MBOX7:
        return (uint32_t)s->fold;
    case REG_INTCSR:
        return intcsr_value(s);
    case REG_CNTRL:
        return s->cntrl;
    case REG_PCIHIDR:
        return plx_part.id;
    case REG_PCIHREV:
        return REVISION_VALUE;
    case REG_DMACSR:
        return csr_value(&s->channel[0]) | (uint32_t)csr_value(&s->channel[1]) << 8;
    case REG_DMATHR:
        return s->threshold;
    case REG_DMADAC:
    case REG_DMADAC + 4:
        return s->channel[(offset - REG_DMADAC) / 4].high;
    default:
        return 0;
    }
}

uint64_t plx_read(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width)
{
    const struct plx_state *s = sim_device_state(device);
    uint64_t value = 0;

    if (bar == WINDOW_BAR)
        local_read(s, offset, (uint8_t *)&value, width);
    else if (bar == REGISTER_BAR && width <= 4)
        value = register_value(s, offset & ~3u) >> offset % 4 * 8;
    return width < 8 ? value & ((1ull << width * 8) - 1) : value;
}

static void write_csr(struct sim_device *device, struct plx_state *s, unsigned index, uint8_t value)
{
    struct plx_channel *c = &s->channel[index];

    c->enabled = value & CSR_ENABLE;
    if (value & CSR_CLEAR)
        c->interrupt = 0;
    if (value & CSR_ABORT)
        c->aborting = c->busy;
    else if ((value & CSR_START) && c->enabled)
        start_transfer(device, s, index);
}

static void write_cntrl(struct sim_device *device, struct plx_state *s, uint32_t value)
{
    s->cntrl = (s->cntrl & ~(uint32_t)CNTRL_WRITABLE) | (value & CNTRL_WRITABLE);
    if (value & CNTRL_RESET)
        stop_channels(device, s, SIM_END_ABORTED);
}

/* A channel under way keeps its registers, but may be told another mode. */
static void write_channel(struct plx_state *s, uint32_t offset, uint32_t value)
{
    struct plx_channel *c = &s->channel[(offset - REG_DMA) / CHANNEL_BYTES];
    uint32_t reg = (offset - REG_DMA) % CHANNEL_BYTES / 4;

    if (reg == MODE || !c->busy)
        c->reg[reg] = value;
}

static void write_high(struct plx_channel *c, uint32_t value)
{
    if (plx_part.dual_address && !c->busy)
        c->high = value;
}

static void write_register(struct sim_device *device, struct plx_state *s, uint32_t offset,
                           uint32_t value, uint32_t lanes)
{
    if (offset >= REG_DMA && offset < REG_DMACSR)
        write_channel(s, offset, value);
    else if (offset == REG_INTCSR)
        s->intcsr = value & INTCSR_WRITABLE;
    else if (offset == REG_CNTRL)
        write_cntrl(device, s, value);
    else if (offset == REG_MARBR || offset == REG_DMAARB)
        s->arbitration = value;
    else if (offset == REG_DMATHR)
        s->threshold = value;
    else if (offset == REG_DMADAC || offset == REG_DMADAC + 4)
        write_high(&s->channel[(offset - REG_DMADAC) / 4], value);
    else if (offset == REG_DMACSR)
        for (unsigned i = 0; i < CHANNELS; i++)
            if (lanes & 0xFFu << i * 8)
                write_csr(device, s, i, (uint8_t)(value >> i * 8));
}

void plx_write(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
               uint64_t wide)
{
    struct plx_state *s = sim_device_state(device);
    uint32_t shift = offset % 4 * 8;
    uint32_t lanes = (uint32_t)((1ull << width * 8 % 64) - 1) << shift, value;

    if (bar == WINDOW_BAR) {
        local_write(s, offset, (const uint8_t *)&wide, width);
        return;
    }
    if (bar != REGISTER_BAR || width > 4)
        return;
    offset &= ~3u;
    value = (register_value(s, offset) & ~lanes) | ((uint32_t)wide << shift & lanes);
    write_register(device, s, offset, value, lanes);
    update_line(device, s);
}
