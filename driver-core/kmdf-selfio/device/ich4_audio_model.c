/* The device of kmdf-selfio: the PCM-in channel of the AC '97 controller in an Intel ICH4.
 *
 * The channel moves samples from the codec to memory, through a ring of 32 descriptors in host
 * memory (address, number of samples with flags). The engine loads one descriptor, or moves one
 * burst, per step.
 *
 * - It works through the ring from the current index (PICIV) to the last valid index (PILVI). When
 *   it is through with the latter it halts, says so (PISR: DCH, CELV, LVBCI), and drops what the
 *   codec goes on to deliver. It continues as soon as software writes PILVI.
 * - A descriptor may ask for an interrupt on completion (BCIS).
 * - Clearing the run bit (PICR.RPBM) stops the channel at the next step; its registers stay. The
 *   reset bit (RR) works only then.
 * - An address that the bus refuses halts the channel, which says so as a FIFO error (the part
 * tells its bridge; a modelled choice).
 *
 * Not modelled: the codec, its registers and the other channels; the pace of the samples, which
 * here come as fast as the engine moves them.
 */
#include "sim/device.h"

#include <string.h>

enum { BUS_MASTER_BAR = 3, MIXER_BAR = 2 };

/* Registers of the channel, by bytes. */
enum {
    PI_BDBAR = 0x00,
    PI_CIV = 0x04,
    PI_LVI = 0x05,
    PI_SR = 0x06,   /* 16 bits */
    PI_PICB = 0x08, /* 16 bits */
    PI_PIV = 0x0A,
    PI_CR = 0x0B,
    GLOB_CNT = 0x2C,
    GLOB_STA = 0x30
};
enum { SR_DCH = 1, SR_CELV = 2, SR_LVBCI = 4, SR_BCIS = 8, SR_FIFOE = 16 };
enum { CR_RPBM = 1, CR_RR = 2, CR_LVBIE = 4, CR_FEIE = 8, CR_IOCE = 16, CR_WRITABLE = 0x1D };
enum { CNT_COLD = 2, CNT_WRITABLE = 0x3F, STA_PIINT = 1 << 5, STA_READY = 1 << 8 };
enum { DESCRIPTORS = 32, DESCRIPTOR_IOC = 1u << 15, SAMPLE_BYTES = 2, DESCRIPTOR_BYTES = 8 };
enum { DATA_CHANNEL, RING_CHANNEL }; /* to the rules, what fetches descriptors is its own channel */

/* A sample tells its place in the stream: the lower half of the product with an odd number. */
enum { MULTIPLIER = 0x9E37, INVERSE = 0x7787, SAMPLES_TOLD_APART = 0x10000 };
enum { STARTS = 16, READS = 4, BYTES_JUDGED = 256, BYTES_LEFT_OUT = 3 };

/* Bytes [from, to) of the stream. */
struct stretch {
    uint32_t from, to;
};

struct ich4_state {
    uint32_t bdbar, glob_cnt;
    uint32_t sample;                /* the next one of the codec, since power-on */
    uint32_t address, bytes, moved; /* of the present descriptor */
    uint32_t fetched;               /* bytes of descriptors, since the channel last began */
    uint16_t control;               /* of the present descriptor */
    uint8_t civ, lvi, piv, sr, cr;
    uint8_t loaded; /* the present descriptor is */
    uint8_t active; /* engine:begin was told of it */
    uint8_t irq_enabled;
    uint8_t last_start, last_read;
    uint8_t torn;           /* it has lost its power: what is read from then on proves nothing */
    uint32_t start[STARTS]; /* bytes of the stream with which the channel began, the latest */
    struct stretch read[READS]; /* what the latest reads got */
};

static void update_line(struct sim_device *device, struct ich4_state *s)
{
    bool level = ((s->sr & SR_LVBCI) && (s->cr & CR_LVBIE)) ||
                 ((s->sr & SR_BCIS) && (s->cr & CR_IOCE)) ||
                 ((s->sr & SR_FIFOE) && (s->cr & CR_FEIE));
    bool enabled = (s->cr & (CR_LVBIE | CR_IOCE | CR_FEIE)) != 0;

    if (s->irq_enabled != enabled) {
        s->irq_enabled = enabled;
        sim_irq_enable(device, enabled);
    }
    sim_irq_set(device, level);
}

/* ---- the engine ---- */

static void report_end(struct sim_device *device, struct ich4_state *s, enum sim_engine_end why)
{
    if (s->active)
        sim_engine_end(device, DATA_CHANNEL, s->moved, why);
    s->active = 0;
    if (s->fetched)
        sim_engine_end(device, RING_CHANNEL, s->fetched, why);
    s->fetched = 0;
}

static void halt(struct sim_device *device, struct ich4_state *s, uint8_t status,
                 enum sim_engine_end why)
{
    report_end(device, s, why);
    s->sr |= SR_DCH | status;
    update_line(device, s);
}

static void load_descriptor(struct sim_device *device, struct ich4_state *s)
{
    uint32_t words[2], at = s->bdbar + s->civ * DESCRIPTOR_BYTES;

    if (!sim_dma_read(device, at, words, sizeof words)) {
        halt(device, s, SR_FIFOE, SIM_END_BUS_ERROR);
        return;
    }
    if (!s->fetched)
        sim_engine_begin(device, RING_CHANNEL, at, sizeof words, true);
    s->fetched += sizeof words;
    s->piv = (uint8_t)((s->civ + 1) % DESCRIPTORS);
    s->address = words[0] & ~1u;
    s->bytes = (words[1] & 0xFFFF) * SAMPLE_BYTES;
    s->control = (uint16_t)(words[1] >> 16);
    s->moved = 0;
    s->loaded = 1;
    if (s->bytes == 0)
        return;
    s->active = 1;
    sim_engine_begin(device, DATA_CHANNEL, s->address, s->bytes, false);
}

/* The present descriptor is done with. */
static void end_descriptor(struct sim_device *device, struct ich4_state *s)
{
    if (s->active)
        sim_engine_end(device, DATA_CHANNEL, s->moved, SIM_END_DONE);
    s->active = 0;
    s->loaded = 0;
    if (s->control & DESCRIPTOR_IOC)
        s->sr |= SR_BCIS;
    if (s->civ == s->lvi) {
        halt(device, s, SR_CELV | SR_LVBCI, SIM_END_DONE);
        return;
    }
    s->civ = s->piv;
    update_line(device, s);
}

static void move_burst(struct sim_device *device, struct ich4_state *s)
{
    uint16_t data[SIM_BURST_BYTES / SAMPLE_BYTES];
    uint32_t left = s->bytes - s->moved;
    uint32_t bytes = left < sizeof data ? left : (uint32_t)sizeof data;

    for (uint32_t i = 0; i < bytes / SAMPLE_BYTES; i++)
        data[i] = (uint16_t)((s->sample + i) * MULTIPLIER);
    if (bytes != 0 && !sim_dma_write(device, (uint64_t)s->address + s->moved, data, bytes)) {
        halt(device, s, SR_FIFOE, SIM_END_BUS_ERROR);
        return;
    }
    s->sample += bytes / SAMPLE_BYTES;
    s->moved += bytes;
    if (s->moved == s->bytes)
        end_descriptor(device, s);
}

static bool ich4_busy(const struct sim_device *device)
{
    const struct ich4_state *s = sim_device_state(device);

    return (s->cr & CR_RPBM) && !(s->sr & SR_DCH);
}

static void ich4_step(struct sim_device *device)
{
    struct ich4_state *s = sim_device_state(device);

    if (s->loaded)
        move_burst(device, s);
    else
        load_descriptor(device, s);
}

/* ---- reset and power ---- */

static void reset_channel(struct ich4_state *s)
{
    s->bdbar = 0;
    s->civ = s->lvi = s->piv = 0;
    s->sr = SR_DCH;
    s->cr = 0;
    s->bytes = s->moved = 0;
    s->loaded = 0;
}

static void ich4_reset(struct sim_device *device)
{
    struct ich4_state *s = sim_device_state(device);

    report_end(device, s, SIM_END_ABORTED);
    reset_channel(s);
    s->glob_cnt = 0;
    update_line(device, s);
}

static void ich4_stop(struct sim_device *device, enum sim_engine_end why)
{
    struct ich4_state *s = sim_device_state(device);

    report_end(device, s, why);
    s->torn = 1;
    reset_channel(s);
    update_line(device, s);
}

/* ---- registers ---- */

static void registers_of(const struct ich4_state *s, uint8_t *bytes)
{
    uint16_t left = (uint16_t)((s->bytes - s->moved) / SAMPLE_BYTES);
    uint32_t status = STA_READY;

    if (s->sr & (SR_LVBCI | SR_BCIS | SR_FIFOE))
        status |= STA_PIINT;
    memcpy(bytes + PI_BDBAR, &s->bdbar, sizeof s->bdbar);
    bytes[PI_CIV] = s->civ;
    bytes[PI_LVI] = s->lvi;
    bytes[PI_SR] = s->sr;
    memcpy(bytes + PI_PICB, &left, sizeof left);
    bytes[PI_PIV] = s->piv;
    bytes[PI_CR] = s->cr;
    memcpy(bytes + GLOB_CNT, &s->glob_cnt, sizeof s->glob_cnt);
    memcpy(bytes + GLOB_STA, &status, sizeof status);
}

static uint64_t ich4_read(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width)
{
    const struct ich4_state *s = sim_device_state(device);
    uint8_t bytes[64] = {0};
    uint64_t value = 0;

    if (bar != BUS_MASTER_BAR || offset + width > sizeof bytes)
        return 0;
    registers_of(s, bytes);
    memcpy(&value, bytes + offset, width);
    return value;
}

/* A channel that was stopped goes on where it stood. */
static void start_channel(struct sim_device *device, struct ich4_state *s)
{
    s->sr &= (uint8_t) ~(SR_DCH | SR_CELV);
    s->last_start = (uint8_t)((s->last_start + 1) % STARTS);
    s->start[s->last_start] = s->sample * SAMPLE_BYTES;
    if (!s->loaded || s->bytes == s->moved)
        return;
    s->address += s->moved;
    s->bytes -= s->moved;
    s->moved = 0;
    s->active = 1;
    sim_engine_begin(device, DATA_CHANNEL, s->address, s->bytes, false);
}

static void write_control(struct sim_device *device, struct ich4_state *s, uint8_t value)
{
    bool ran = s->cr & CR_RPBM;

    s->cr = value & CR_WRITABLE;
    if (value & CR_RPBM) {
        if (!ran)
            start_channel(device, s);
    } else {
        report_end(device, s, SIM_END_ABORTED);
        s->sr |= SR_DCH;
        if (value & CR_RR) {
            reset_channel(s);
            s->cr = value & CR_WRITABLE; /* what enables interrupts stays */
        }
    }
    update_line(device, s);
}

static void write_last(struct ich4_state *s, uint8_t value)
{
    s->lvi = value % DESCRIPTORS;
    if ((s->sr & SR_CELV) && (s->cr & CR_RPBM)) {
        s->sr &= (uint8_t) ~(SR_DCH | SR_CELV);
        s->civ = s->piv;
    }
}

static void write_status(struct sim_device *device, struct ich4_state *s, uint8_t value)
{
    s->sr &= (uint8_t) ~(value & (SR_LVBCI | SR_BCIS | SR_FIFOE));
    update_line(device, s);
}

static void ich4_write(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                       uint64_t value)
{
    struct ich4_state *s = sim_device_state(device);

    (void)width;
    if (bar != BUS_MASTER_BAR)
        return;
    switch (offset) {
    case PI_BDBAR:
        if (s->sr & SR_DCH)
            s->bdbar = (uint32_t)value & ~7u;
        break;
    case PI_LVI:
        write_last(s, (uint8_t)value);
        break;
    case PI_SR:
        write_status(device, s, (uint8_t)value);
        break;
    case PI_CR:
        write_control(device, s, (uint8_t)value);
        break;
    case GLOB_CNT:
        s->glob_cnt = (uint32_t)value & CNT_WRITABLE;
        break;
    default:
        break;
    }
}

/* ---- what a read got ---- */

static uint8_t byte_at(uint32_t place)
{
    return (uint8_t)((place / SAMPLE_BYTES) * MULTIPLIER >> place % SAMPLE_BYTES * 8);
}

/* Where the stream has that sample, the latest such place. */
static uint32_t place_of(const struct ich4_state *s, const uint8_t *data)
{
    uint32_t low = (uint32_t)(data[0] | data[1] << 8) * INVERSE % SAMPLES_TOLD_APART;
    uint32_t back = (s->sample - 1 - low) % SAMPLES_TOLD_APART;

    return (s->sample - 1 - back) * SAMPLE_BYTES;
}

static uint32_t equal_bytes(const uint8_t *data, uint32_t bytes, uint32_t place)
{
    uint32_t i = 0;

    while (i < bytes && data[i] == byte_at(place + i))
        i++;
    return i;
}

/* A read that waited while the channel was stopped goes on where the channel began anew; first
 * bytes there may have looked like the next ones before. Bytes that are right from there on, 0:
 * none; *place gets the place of the first. */
static uint32_t go_on(const struct ich4_state *s, const uint8_t *data, uint32_t at, uint32_t bytes,
                      uint32_t *place)
{
    uint32_t best = 0, best_place = *place;

    for (unsigned i = 0; i < STARTS; i++)
        for (uint32_t back = 0; back <= BYTES_LEFT_OUT && back <= at; back++) {
            uint32_t equal = equal_bytes(data + at - back, bytes - at + back, s->start[i]);

            if (s->start[i] + back <= *place || equal <= back + best)
                continue;
            best = equal - back;
            best_place = s->start[i] + back;
        }
    *place = best_place;
    return best;
}

/* How far the bytes follow the stream, beginning with the sample at `from`. */
static uint32_t follow(const struct ich4_state *s, const uint8_t *data, uint32_t from,
                       uint32_t bytes, struct stretch *read)
{
    uint32_t place = place_of(s, data + from), at = from, more;

    *read = (struct stretch){0};
    if (s->sample * SAMPLE_BYTES < bytes)
        return 0;
    read->from = place;
    do {
        more = equal_bytes(data + at, bytes - at, place);
        if (more == 0)
            more = go_on(s, data, at, bytes, &place);
        at += more;
        place += more;
    } while (more != 0 && at < bytes);
    read->to = place;
    return at;
}

static bool was_read(const struct ich4_state *s, const struct stretch *read)
{
    for (unsigned i = 0; i < READS; i++)
        if (read->from < s->read[i].to && s->read[i].from < read->to)
            return true;
    return false;
}

/* A read may begin in the middle of a sample, or where the channel began anew: its first bytes are
 * taken as they are. The last byte before a stop and the first one after it may look like a sample
 * that was read long ago: of several ways to read it all, one that is new counts. */
static uint32_t ich4_delivered(struct sim_device *device, const void *data, uint32_t bytes)
{
    struct ich4_state *s = sim_device_state(device);
    struct stretch read, best_read = {0};
    uint32_t best = 0;
    bool again = false;

    if (bytes < BYTES_JUDGED || s->torn)
        return bytes;
    for (uint32_t from = 0; from <= BYTES_LEFT_OUT; from++) {
        uint32_t right = follow(s, data, from, bytes, &read);
        bool twice = was_read(s, &read);

        if (right > best || (right == best && again && !twice)) {
            best = right;
            best_read = read;
            again = twice;
        }
    }
    if (best == bytes && again)
        return 0;
    s->last_read = (uint8_t)((s->last_read + 1) % READS);
    s->read[s->last_read] = best_read;
    return best;
}

extern const struct sim_device_model ft_driver_device;
const struct sim_device_model ft_driver_device = {
    .name = "ich4-audio",
    .state_bytes = sizeof(struct ich4_state),
    .reset = ich4_reset,
    .read = ich4_read,
    .write = ich4_write,
    .engine_busy = ich4_busy,
    .engine_step = ich4_step,
    .stop = ich4_stop,
    .delivered = ich4_delivered,
};
