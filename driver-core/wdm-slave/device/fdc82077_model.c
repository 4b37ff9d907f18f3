/* The Intel 82077AA floppy disk controller, with one 1.44 MB drive that has a disk in it.
 *
 * A command has three phases: the processor writes its bytes into the FIFO, the controller works
 * (seeks, or moves sectors over its channel of the system DMA controller), and the processor reads
 * the result bytes. The controller says by RQM and DIO whose turn it is at the FIFO. It interrupts
 * after a reset (while polling is on), at the end of a seek or recalibration, whose result a SENSE
 * INTERRUPT STATUS command fetches, and at the end of a data command, whose result waits in the
 * FIFO; the interrupt goes when the first result byte is read.
 *
 * The terminal count ends a data command, also within a sector: the rest of the sector is read
 * past, or written as zeros. The content of the disk is a function of place; what is written is
 * forgotten.
 *
 * Not modelled: non-DMA transfers, formatting, scan and verify commands, the other drives, tape,
 * perpendicular recording, write protection, disk changes, and the speed of rotation.
 */
#include "sim/device.h"

#include <string.h>

/* Ports, from the first. */
enum { SRA = 0, SRB = 1, DOR = 2, TDR = 3, MSR = 4, DSR = 4, FIFO = 5, DIR = 7, CCR = 7 };
enum { DOR_RUNS = 0x04, DOR_GATE = 0x08, DSR_RESET = 0x80 };
enum { MSR_REQUEST = 0x80, MSR_TO_HOST = 0x40, MSR_BUSY = 0x10, MSR_DRIVE_0 = 0x01 };

/* Commands, without their modifier bits. */
enum {
    SPECIFY = 0x03,
    SENSE_DRIVE = 0x04,
    WRITE_DATA = 0x05,
    READ_DATA = 0x06,
    RECALIBRATE = 0x07,
    SENSE_INTERRUPT = 0x08,
    READ_ID = 0x0A,
    DUMP = 0x0E,
    SEEK = 0x0F,
    VERSION = 0x10,
    CONFIGURE = 0x13,
    LOCK = 0x14,
    COMMAND_MASK = 0x1F,
    MULTI_TRACK = 0x80,
    LOCK_ON = 0x80
};

/* Status register 0 of a result, then 1 and 3. */
enum { ABNORMAL = 0x40, INVALID = 0x80, POLLED = 0xC0, SEEK_END = 0x20 };
enum { NO_DATA = 0x04, OVERRUN = 0x10, END_OF_CYLINDER = 0x80 };
enum { TRACK_0 = 0x10, TWO_SIDED = 0x08, READY = 0x20 };

enum {
    CYLINDERS = 80,
    SECTORS = 18,
    SECTOR_BYTES = 512,
    SIZE_CODE = 2,
    CHUNK = 256,       /* moved in one step */
    SEEK_STEPS = 2,    /* steps that a seek takes */
    STARVE_STEPS = 32, /* steps without a byte before the FIFO overruns */
    DRIVES = 4,
    ENHANCED = 0x90, /* what VERSION answers */
    POLL_OFF = 0x10, /* in the second byte of CONFIGURE */
    CHANNEL = 0
};

enum work { RESTS, SEEKS, READS, WRITES };

struct fdc_state {
    uint8_t dor;
    uint8_t command[9], command_count; /* written so far */
    uint8_t result[10], result_count, result_next;
    uint8_t work; /* enum work */
    uint8_t interrupt;
    uint8_t polled;    /* SENSE INTERRUPT commands due after a reset */
    uint8_t seek_done; /* a seek ended and nobody has asked */
    uint8_t cylinder;  /* where the heads are */
    uint8_t target;    /* where they go */
    uint8_t steps;     /* of the seek, or without progress */
    uint8_t poll_off, locked;
    uint8_t head, sector; /* of the data command */
    uint8_t last_sector;  /* EOT */
    uint8_t both_sides;
    uint16_t offset; /* in the sector */
    uint32_t moved;
};

/* ---- interrupt and results ---- */

static void update_line(struct sim_device *device, const struct fdc_state *s)
{
    sim_irq_set(device, s->interrupt && (s->dor & DOR_GATE) != 0);
}

static void interrupt(struct sim_device *device, struct fdc_state *s, bool level)
{
    s->interrupt = level;
    update_line(device, s);
}

static void put_result(struct fdc_state *s, const uint8_t *bytes, unsigned count)
{
    memcpy(s->result, bytes, count);
    s->result_count = (uint8_t)count;
    s->result_next = 0;
}

/* The data command is over: seven bytes of result, and an interrupt. */
static void end_data(struct sim_device *device, struct fdc_state *s, uint8_t st0, uint8_t st1,
                     enum sim_engine_end why)
{
    uint8_t bytes[] = {
        (uint8_t)(st0 | s->head << 2), st1, 0, s->cylinder, s->head, s->sector, SIZE_CODE};

    s->work = RESTS;
    put_result(s, bytes, sizeof bytes);
    sim_engine_end(device, CHANNEL, s->moved, why);
    interrupt(device, s, true);
}

/* ---- reset ---- */

static void forget(struct sim_device *device, struct fdc_state *s, enum sim_engine_end why)
{
    if (s->work == READS || s->work == WRITES)
        sim_engine_end(device, CHANNEL, s->moved, why);
    s->work = RESTS;
    s->command_count = s->result_count = s->result_next = 0;
    s->seek_done = s->polled = 0;
    interrupt(device, s, false);
}

static void leave_reset(struct sim_device *device, struct fdc_state *s)
{
    if (s->poll_off && s->locked)
        return;
    s->poll_off = 0;
    s->polled = DRIVES;
    interrupt(device, s, true);
}

static void fdc_reset(struct sim_device *device)
{
    struct fdc_state *s = sim_device_state(device);

    forget(device, s, SIM_END_ABORTED);
    memset(s, 0, sizeof *s);
    sim_irq_enable(device, false);
}

static void fdc_stop(struct sim_device *device, enum sim_engine_end why)
{
    struct fdc_state *s = sim_device_state(device);

    forget(device, s, why);
    s->dor = 0;
}

/* ---- commands ---- */

static unsigned command_bytes(uint8_t first)
{
    switch (first & COMMAND_MASK) {
    case SPECIFY:
    case SEEK:
        return 3;
    case SENSE_DRIVE:
    case RECALIBRATE:
    case READ_ID:
        return 2;
    case CONFIGURE:
        return 4;
    case READ_DATA:
    case WRITE_DATA:
        return 9;
    default:
        return 1;
    }
}

static void start_seek(struct fdc_state *s, uint8_t target)
{
    s->target = target < CYLINDERS ? target : CYLINDERS - 1;
    s->steps = SEEK_STEPS;
    s->work = SEEKS;
}

static void start_data(struct sim_device *device, struct fdc_state *s)
{
    bool write = (s->command[0] & COMMAND_MASK) == WRITE_DATA;

    s->work = write ? WRITES : READS;
    s->both_sides = (s->command[0] & MULTI_TRACK) != 0;
    s->head = s->command[3] & 1;
    s->sector = s->command[4];
    s->last_sector = s->command[6];
    s->offset = 0;
    s->moved = 0;
    s->steps = 0;
    /* Where in memory is the DMA controller's knowledge alone. */
    sim_engine_begin(device, CHANNEL, 0, 0, write);
    if (s->command[2] != s->cylinder || s->sector == 0 || s->sector > SECTORS)
        end_data(device, s, ABNORMAL, NO_DATA, SIM_END_DONE);
}

static void sense_interrupt(struct sim_device *device, struct fdc_state *s)
{
    uint8_t bytes[2] = {INVALID, s->cylinder};

    if (s->polled != 0) {
        bytes[0] = (uint8_t)(POLLED | (DRIVES - s->polled--));
    } else if (s->seek_done) {
        bytes[0] = SEEK_END;
        s->seek_done = 0;
    }
    put_result(s, bytes, bytes[0] == INVALID ? 1 : 2);
    interrupt(device, s, false);
}

static void dump(struct fdc_state *s)
{
    uint8_t bytes[10] = {s->cylinder,
                         0,
                         0,
                         0,
                         0,
                         0,
                         s->last_sector,
                         (uint8_t)(s->locked << 7),
                         s->poll_off ? POLL_OFF : 0,
                         0};

    put_result(s, bytes, sizeof bytes);
}

static void answer(struct fdc_state *s, uint8_t byte)
{
    put_result(s, &byte, 1);
}

static void execute(struct sim_device *device, struct fdc_state *s)
{
    switch (s->command[0] & COMMAND_MASK) {
    case SPECIFY:
        break;
    case SENSE_DRIVE:
        answer(s, (uint8_t)((s->cylinder == 0 ? TRACK_0 : 0) | TWO_SIDED | READY));
        break;
    case WRITE_DATA:
    case READ_DATA:
        start_data(device, s);
        break;
    case RECALIBRATE:
        start_seek(s, 0);
        break;
    case SEEK:
        start_seek(s, s->command[2]);
        break;
    case SENSE_INTERRUPT:
        sense_interrupt(device, s);
        break;
    case READ_ID:
        s->sector = 1;
        s->moved = 0;
        put_result(s, (const uint8_t[]){0, 0, 0, s->cylinder, 0, 1, SIZE_CODE}, 7);
        interrupt(device, s, true);
        break;
    case DUMP:
        dump(s);
        break;
    case VERSION:
        answer(s, ENHANCED);
        break;
    case CONFIGURE:
        s->poll_off = (s->command[2] & POLL_OFF) != 0;
        break;
    case LOCK:
        s->locked = (s->command[0] & LOCK_ON) != 0;
        answer(s, (uint8_t)(s->locked << 4));
        break;
    default:
        answer(s, INVALID);
        break;
    }
    s->command_count = 0;
}

/* ---- ports ---- */

static bool running(const struct fdc_state *s)
{
    return (s->dor & DOR_RUNS) != 0;
}

static uint8_t main_status(const struct fdc_state *s)
{
    if (!running(s))
        return 0;
    if (s->result_next < s->result_count)
        return MSR_REQUEST | MSR_TO_HOST | MSR_BUSY;
    if (s->work == READS || s->work == WRITES)
        return MSR_BUSY;
    return (uint8_t)(MSR_REQUEST | (s->command_count ? MSR_BUSY : 0) |
                     (s->work == SEEKS ? MSR_DRIVE_0 : 0));
}

static uint8_t read_fifo(struct sim_device *device, struct fdc_state *s)
{
    uint8_t byte;

    if (s->result_next >= s->result_count)
        return 0;
    byte = s->result[s->result_next++];
    if (s->result_next == 1)
        interrupt(device, s, false);
    if (s->result_next == s->result_count)
        s->result_count = s->result_next = 0;
    return byte;
}

static uint64_t fdc_read(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width)
{
    struct fdc_state *s = sim_device_state(device);

    if (bar != SIM_BAR_PORTS || width != 1)
        return ~0ULL >> (64 - 8 * width);
    switch (offset) {
    case SRA:
        return s->interrupt ? 0x80 : 0;
    case DOR:
        return s->dor;
    case MSR:
        return main_status(s);
    case FIFO:
        return read_fifo(device, s);
    default: /* SRB, TDR; DIR: the disk was not changed */
        return 0;
    }
}

static void write_dor(struct sim_device *device, struct fdc_state *s, uint8_t value)
{
    bool was_running = running(s);

    s->dor = value;
    if (was_running && !running(s))
        forget(device, s, SIM_END_ABORTED);
    else if (!was_running && running(s))
        leave_reset(device, s);
    sim_irq_enable(device, (value & DOR_GATE) != 0 && running(s));
    update_line(device, s);
}

static void write_fifo(struct sim_device *device, struct fdc_state *s, uint8_t value)
{
    if (!running(s) || s->result_count != 0 || s->work == READS || s->work == WRITES)
        return;
    s->command[s->command_count++] = value;
    if (s->command_count == command_bytes(s->command[0]))
        execute(device, s);
}

static void fdc_write(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                      uint64_t value)
{
    struct fdc_state *s = sim_device_state(device);

    if (bar != SIM_BAR_PORTS || width != 1)
        return;
    if (offset == DOR)
        write_dor(device, s, (uint8_t)value);
    else if (offset == FIFO)
        write_fifo(device, s, (uint8_t)value);
    else if (offset == DSR && (value & DSR_RESET) != 0 && running(s)) {
        forget(device, s, SIM_END_ABORTED);
        leave_reset(device, s);
    }
}

/* ---- the engine ---- */

static bool fdc_busy(const struct sim_device *device)
{
    const struct fdc_state *s = sim_device_state(device);

    return s->work != RESTS;
}

static void step_seek(struct sim_device *device, struct fdc_state *s)
{
    if (--s->steps != 0)
        return;
    s->cylinder = s->target;
    s->work = RESTS;
    s->seek_done = 1;
    interrupt(device, s, true);
}

/* To the next sector of the cylinder. False: there is none. */
static bool next_sector(struct fdc_state *s)
{
    s->offset = 0;
    if (s->sector < s->last_sector && s->sector < SECTORS) {
        s->sector++;
        return true;
    }
    if (!s->both_sides || s->head != 0)
        return false;
    s->head = 1;
    s->sector = 1;
    return true;
}

static void fill(const struct fdc_state *s, uint8_t *bytes, uint32_t length)
{
    uint32_t place = (((uint32_t)s->cylinder * 2 + s->head) * SECTORS + s->sector) * SECTOR_BYTES;

    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)((place + s->offset + i) * 0x9E3779B1u >> 24);
}

/* Nobody feeds the FIFO: after a while it overruns. */
static void starve(struct sim_device *device, struct fdc_state *s)
{
    if (++s->steps == STARVE_STEPS)
        end_data(device, s, ABNORMAL, OVERRUN, SIM_END_BUS_ERROR);
}

static void step_data(struct sim_device *device, struct fdc_state *s)
{
    uint32_t left = SECTOR_BYTES - s->offset;
    uint8_t bytes[CHUNK];
    bool terminal = false;
    uint32_t moved;

    if (s->work == READS)
        fill(s, bytes, CHUNK);
    moved = sim_slave_transfer(device, s->work == WRITES, bytes, left < CHUNK ? left : CHUNK,
                               &terminal);
    s->moved += moved;
    s->offset = (uint16_t)(s->offset + moved);
    if (moved == 0 && !terminal) {
        starve(device, s);
        return;
    }
    s->steps = 0;
    if (terminal)
        end_data(device, s, 0, 0, SIM_END_DONE);
    else if (s->offset == SECTOR_BYTES && !next_sector(s))
        end_data(device, s, ABNORMAL, END_OF_CYLINDER, SIM_END_DONE);
}

static void fdc_step(struct sim_device *device)
{
    struct fdc_state *s = sim_device_state(device);

    if (s->work == SEEKS)
        step_seek(device, s);
    else
        step_data(device, s);
}

extern const struct sim_device_model ft_driver_device;
const struct sim_device_model ft_driver_device = {
    .name = "82077AA",
    .state_bytes = sizeof(struct fdc_state),
    .reset = fdc_reset,
    .read = fdc_read,
    .write = fdc_write,
    .engine_busy = fdc_busy,
    .engine_step = fdc_step,
    .stop = fdc_stop,
};
