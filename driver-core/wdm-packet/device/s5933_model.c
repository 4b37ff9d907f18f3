/* The device of wdm-packet: the PCI side of an AMCC S5933 "PCI Matchmaker", with add-on logic that
 * always has data to give and always takes what it gets.
 *
 * Two engines move data between memory and the add-on, each a single run: the write engine writes
 * memory (MWAR, MWTC), the read engine reads it (MRAR, MRTC). An engine runs while its enable bit
 * in MCSR is set and its count is not zero; address and count follow what has been moved. Both move
 * one burst per step and take turns.
 *
 * - Addresses are multiples of 4, their low bits read as zero; counts are bytes, 26 bits.
 * - A count that reaches zero interrupts, if INTCSR allows that. A cycle that the bus refuses is a
 *   master abort: it stops both engines until its bit is cleared, and interrupts if either
 *   interrupt is allowed.
 * - An engine whose enable bit is cleared stops at once: between two bursts, since the register
 *   cannot be written while the part is the bus's master. What it has not moved stays in the count.
 * - A write to the address or the count of a running engine begins a new run.
 * - The add-on reset does no more than to begin the add-on's data anew.
 *
 * Not modelled: mailboxes (but one) with their interrupts and flags, the non-volatile memory, what
 * the FIFOs hold (they are always empty), byte order, the add-on's own bus mastering.
 *
 * A read gets a stream of words that goes on from one run to the next; each tells its place, so a
 * page in the wrong place is seen. What is written is folded into incoming mailbox 1. The FIFO
 * register moves words of the same data.
 */
#include "sim/device.h"

#include <string.h>

enum {
    REG_IMB1 = 0x10,
    REG_FIFO = 0x20,
    REG_ENGINE = 0x24, /* two of them: address, count */
    REG_MBEF = 0x34,
    REG_INTCSR = 0x38,
    REG_MCSR = 0x3C
};
enum { WRITE, READ, ENGINES, ENGINE_BYTES = 8 };

enum {
    INTCSR_WRITE_ENABLE = 1 << 14, /* the read engine's is the next bit; so with COMPLETE */
    INTCSR_READ_ENABLE = 1 << 15,
    INTCSR_ENABLES = INTCSR_WRITE_ENABLE | INTCSR_READ_ENABLE,
    INTCSR_WRITE_COMPLETE = 1 << 18,
    INTCSR_MASTER_ABORT = 1 << 20,
    INTCSR_TARGET_ABORT = 1 << 21,
    INTCSR_ABORTS = INTCSR_MASTER_ABORT | INTCSR_TARGET_ABORT,
    INTCSR_STATUS = 0x3F << 16, /* a one written clears the bit */
    INTCSR_ASSERTED = 1 << 23
};
#define INTCSR_WRITABLE 0xFF00DF1Fu
#define INTCSR_RESET    0x00000C0Cu

enum {
    MCSR_READ_COUNT_ZERO = 1 << 6,
    MCSR_WRITE_COUNT_ZERO = 1 << 7,
    MCSR_WRITE_ENABLE = 1 << 10,
    MCSR_READ_ENABLE = 1 << 14,
    MCSR_ADD_ON_RESET = 1 << 24,
    MCSR_WRITABLE = MCSR_ADD_ON_RESET | 0x7700,
    MCSR_FIFOS_EMPTY = 0x26
};

enum { ADDRESS_LOW_BITS = 3, COUNT_MASK = 0x03FFFFFF, WORD = sizeof(uint64_t) };
#define MULTIPLIER 0x9E3779B97F4A7C15ull /* odd, with well mixed bits */

struct engine {
    uint32_t address; /* of the next byte */
    uint32_t count;   /* bytes left */
    uint32_t length;  /* count when the run began */
    uint8_t running;
};

struct s5933_state {
    struct engine engine[ENGINES];
    uint32_t intcsr;   /* writable and status bits */
    uint32_t mcsr;     /* its writable bits */
    uint32_t fold;     /* of all bytes read from memory since the add-on was reset */
    uint32_t position; /* in the stream of bytes that the add-on gives */
    uint8_t turn;      /* the engine that has the next step, if it runs */
    uint8_t irq_enabled;
};

/* ---- interrupt ---- */

static bool is_asserted(const struct s5933_state *s)
{
    uint32_t complete = (s->intcsr & INTCSR_ENABLES) << 4 & s->intcsr;

    return complete != 0 || ((s->intcsr & INTCSR_ABORTS) && (s->intcsr & INTCSR_ENABLES));
}

static void update_line(struct sim_device *device, struct s5933_state *s)
{
    bool enabled = (s->intcsr & INTCSR_ENABLES) != 0;

    if (s->irq_enabled != enabled) {
        s->irq_enabled = enabled;
        sim_irq_enable(device, enabled);
    }
    sim_irq_set(device, is_asserted(s));
}

/* ---- the add-on ---- */

/* Whole words are by far the most: of a constant size, they are no calls. */
static void copy_word(void *to, const void *from, uint32_t bytes)
{
    if (bytes >= WORD)
        memcpy(to, from, WORD);
    else
        memcpy(to, from, bytes);
}

static void add_on_give(struct s5933_state *s, uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i += WORD) {
        uint64_t word = (s->position + i + 1ull) * MULTIPLIER;

        copy_word(bytes + i, &word, length - i);
    }
}

static void add_on_take(struct s5933_state *s, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i += WORD) {
        uint64_t word = 0;

        copy_word(&word, bytes + i, length - i);
        word = (word ^ s->fold) * MULTIPLIER;
        s->fold = (uint32_t)(word >> 32);
    }
}

/* ---- the engines ---- */

static bool may_run(const struct s5933_state *s, unsigned index)
{
    uint32_t enable = index == WRITE ? MCSR_WRITE_ENABLE : MCSR_READ_ENABLE;

    return (s->mcsr & enable) && s->engine[index].count != 0 && !(s->intcsr & INTCSR_ABORTS);
}

static void end_run(struct sim_device *device, struct s5933_state *s, unsigned index,
                    enum sim_engine_end why)
{
    struct engine *e = &s->engine[index];

    if (!e->running)
        return;
    e->running = 0;
    sim_engine_end(device, index, e->length - e->count, why);
}

/* After any change of the registers. */
static void update_engines(struct sim_device *device, struct s5933_state *s)
{
    for (unsigned i = 0; i < ENGINES; i++) {
        struct engine *e = &s->engine[i];

        if (!may_run(s, i)) {
            end_run(device, s, i, SIM_END_ABORTED);
        } else if (!e->running) {
            e->running = 1;
            e->length = e->count;
            sim_engine_begin(device, i, e->address, e->count, i == READ);
        }
    }
}

static bool move_burst(struct sim_device *device, struct s5933_state *s, unsigned index,
                       uint32_t bytes)
{
    uint8_t data[SIM_BURST_BYTES];

    if (index == READ) {
        if (!sim_dma_read(device, s->engine[READ].address, data, bytes))
            return false;
        add_on_take(s, data, bytes);
        return true;
    }
    add_on_give(s, data, bytes);
    if (!sim_dma_write(device, s->engine[WRITE].address, data, bytes))
        return false;
    s->position += bytes;
    return true;
}

static bool s5933_busy(const struct sim_device *device)
{
    const struct s5933_state *s = sim_device_state(device);

    return s->engine[WRITE].running || s->engine[READ].running;
}

static void s5933_step(struct sim_device *device)
{
    struct s5933_state *s = sim_device_state(device);
    unsigned index = s->engine[s->turn].running ? s->turn : !s->turn;
    struct engine *e = &s->engine[index];
    uint32_t bytes = e->count < SIM_BURST_BYTES ? e->count : SIM_BURST_BYTES;

    s->turn = (uint8_t)!index;
    if (!move_burst(device, s, index, bytes)) {
        s->intcsr |= INTCSR_MASTER_ABORT;
        end_run(device, s, index, SIM_END_BUS_ERROR);
    } else {
        e->address += bytes;
        e->count -= bytes;
        if (e->count == 0) {
            s->intcsr |= (s->intcsr & (uint32_t)INTCSR_WRITE_ENABLE << index) << 4;
            end_run(device, s, index, SIM_END_DONE);
        }
    }
    update_engines(device, s);
    update_line(device, s);
}

/* ---- reset and power ---- */

static void power_on(struct sim_device *device, enum sim_engine_end why)
{
    struct s5933_state *s = sim_device_state(device);
    uint8_t irq_enabled = s->irq_enabled;

    end_run(device, s, WRITE, why);
    end_run(device, s, READ, why);
    *s = (struct s5933_state){.intcsr = INTCSR_RESET, .irq_enabled = irq_enabled};
    update_line(device, s);
}

static void s5933_reset(struct sim_device *device)
{
    power_on(device, SIM_END_ABORTED);
}

static void s5933_stop(struct sim_device *device, enum sim_engine_end why)
{
    power_on(device, why);
}

/* ---- registers ---- */

static struct engine *engine_at(struct s5933_state *s, uint32_t offset)
{
    uint32_t index = (offset - REG_ENGINE) / ENGINE_BYTES;

    return offset >= REG_ENGINE && index < ENGINES ? &s->engine[index] : NULL;
}

static bool is_count(uint32_t offset)
{
    return (offset - REG_ENGINE) % ENGINE_BYTES != 0;
}

static uint32_t mcsr_value(const struct s5933_state *s)
{
    uint32_t value = s->mcsr | MCSR_FIFOS_EMPTY;

    if (s->engine[WRITE].count == 0)
        value |= MCSR_WRITE_COUNT_ZERO;
    if (s->engine[READ].count == 0)
        value |= MCSR_READ_COUNT_ZERO;
    return value;
}

/* Without the effects of a read. */
static uint32_t register_value(struct s5933_state *s, uint32_t offset)
{
    const struct engine *e = engine_at(s, offset);

    if (e)
        return is_count(offset) ? e->count : e->address;
    switch (offset) {
    case REG_IMB1:
        return s->fold;
    case REG_INTCSR:
        return s->intcsr | (is_asserted(s) ? INTCSR_ASSERTED : 0);
    case REG_MCSR:
        return mcsr_value(s);
    default:
        return 0;
    }
}

static uint32_t read_fifo(struct s5933_state *s)
{
    uint32_t value;

    add_on_give(s, (uint8_t *)&value, sizeof value);
    s->position += sizeof value;
    return value;
}

static uint64_t s5933_read(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width)
{
    struct s5933_state *s = sim_device_state(device);
    uint32_t value;

    if (bar != 0 || width > 4)
        return 0;
    value = (offset & ~3u) == REG_FIFO ? read_fifo(s) : register_value(s, offset & ~3u);
    value >>= offset % 4 * 8;
    return width < 4 ? value & ((1u << width * 8) - 1) : value;
}

static void write_engine(struct sim_device *device, struct s5933_state *s, uint32_t offset,
                         uint32_t value)
{
    struct engine *e = engine_at(s, offset);

    end_run(device, s, (unsigned)(e - s->engine), SIM_END_ABORTED);
    if (is_count(offset))
        e->count = value & COUNT_MASK;
    else
        e->address = value & ~(uint32_t)ADDRESS_LOW_BITS;
}

static void write_mcsr(struct s5933_state *s, uint32_t value)
{
    s->mcsr = value & MCSR_WRITABLE;
    if (value & MCSR_ADD_ON_RESET) {
        s->position = 0;
        s->fold = 0;
    }
}

static void s5933_write(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                        uint64_t wide)
{
    struct s5933_state *s = sim_device_state(device);
    uint32_t shift = offset % 4 * 8, lanes, value;

    if (bar != 0 || width > 4)
        return;
    lanes = (uint32_t)((1ull << width * 8) - 1) << shift;
    value = (uint32_t)wide << shift & lanes;
    offset &= ~3u;
    if (offset == REG_FIFO)
        add_on_take(s, (const uint8_t *)&value, sizeof value);
    else if (offset == REG_INTCSR)
        s->intcsr = (s->intcsr & ~(lanes & INTCSR_WRITABLE) & ~(value & INTCSR_STATUS)) |
                    (value & INTCSR_WRITABLE);
    else if (offset == REG_MCSR)
        write_mcsr(s, (s->mcsr & ~lanes) | value);
    else if (engine_at(s, offset))
        write_engine(device, s, offset, (register_value(s, offset) & ~lanes) | value);
    update_engines(device, s);
    update_line(device, s);
}

extern const struct sim_device_model ft_driver_device;
const struct sim_device_model ft_driver_device = {
    .name = "s5933",
    .state_bytes = sizeof(struct s5933_state),
    .reset = s5933_reset,
    .read = s5933_read,
    .write = s5933_write,
    .engine_busy = s5933_busy,
    .engine_step = s5933_step,
    .stop = s5933_stop,
};
