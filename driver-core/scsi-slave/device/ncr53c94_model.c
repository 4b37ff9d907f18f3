/* The NCR 53C94 (AMD Am53C94) SCSI controller as an initiator, on a system DMA channel, with the
 * disks of scsi_disks.h on its bus.
 *
 * The processor writes messages and commands into the 16-byte FIFO and a command into the command
 * register; the chip interrupts when it is done, or needs to be told what next. Reading the
 * interrupt register ends the interrupt, and clears it with the sequence step and the error bits of
 * the status. Data goes over the DMA channel: the transfer counter counts what the channel moved;
 * towards the disk up to a FIFO of that may not have left the chip when the target changes phase.
 * While a reselection has not been read from the interrupt register, the FIFO and the selecting
 * commands refuse what the processor writes.
 *
 * Not modelled: target mode, synchronous transfers, diagnostics, parity of the processor's bus, DMA
 * for anything but data, and the 16-bit DMA bus.
 */
#include "../../devices/scsi_disks.h"

#include <string.h>

/* Registers, as read and as written. */
enum {
    COUNT_LOW = 0,
    COUNT_HIGH = 1,
    FIFO = 2,
    COMMAND = 3,
    STATUS = 4,
    DESTINATION = 4,
    INTERRUPT = 5,
    TIMEOUT = 5,
    STEP = 6,
    FIFO_FLAGS = 7,
    CONFIG_1 = 8,
    CONFIG_2 = 11,
    CONFIG_3 = 12
};
enum {
    STATUS_INTERRUPT = 0x80,
    STATUS_GROSS = 0x40,
    STATUS_PARITY = 0x20,
    STATUS_COUNT_ZERO = 0x10
};
enum {
    INT_RESET = 0x80,
    INT_ILLEGAL = 0x40,
    INT_DISCONNECTED = 0x20,
    INT_SERVICE = 0x10,
    INT_DONE = 0x08,
    INT_RESELECTED = 0x04
};
enum {
    CMD_NOP = 0x00,
    CMD_CLEAR_FIFO = 0x01,
    CMD_RESET_CHIP = 0x02,
    CMD_RESET_BUS = 0x03,
    CMD_TRANSFER = 0x10,
    CMD_COMPLETE = 0x11,
    CMD_ACCEPT = 0x12,
    CMD_PAD = 0x18,
    CMD_SET_ATN = 0x1A,
    CMD_CLEAR_ATN = 0x1B,
    CMD_SELECT = 0x41,
    CMD_SELECT_ATN = 0x42,
    CMD_SELECT_STOP = 0x43,
    CMD_LISTEN = 0x44,
    CMD_DEAF = 0x45,
    CMD_SELECT_ATN3 = 0x46,
    CMD_DMA = 0x80
};
enum {
    OWN_ID = 0x07,      /* of configuration 1 */
    QUIET_RESET = 0x40, /* no interrupt for a reset of the bus */
    FIFO_BYTES = 16,
    ANSWER_STEPS = 3,  /* how long a selection waits for an answer */
    STARVE_STEPS = 64, /* without a byte over the channel, before the chip only waits */
    PAD_STEP = SCSI_SECTOR,
    CHANNEL = 0
};

enum work {
    RESTS,
    RESETS_BUS,
    SELECTS,
    AWAITS, /* REQ, or bus free */
    TRANSFERS,
    COMPLETES,
    ACCEPTS,
    PADS
};

struct chip {
    struct scsi_bus bus;
    uint8_t fifo[FIFO_BYTES], fifo_count;
    uint16_t start_count;
    uint32_t count;
    uint8_t command;
    uint8_t work, dma; /* enum work; over the channel */
    uint8_t how;       /* the command that selects */
    uint8_t steps;
    uint8_t interrupt, errors, step;
    uint8_t next_interrupt; /* what ends AWAITS */
    uint8_t destination;
    uint8_t config[3], timing[4];
    uint8_t halted;     /* since a RESET CHIP, until a NOP */
    uint8_t connected;  /* as the initiator */
    uint8_t listening;  /* to reselection */
    uint8_t armed;      /* may interrupt */
    uint8_t claimed;    /* reselected, and the interrupt register was not read since */
    uint8_t unanswered; /* a message byte waits for MESSAGE ACCEPTED */
    uint8_t count_zero;
    uint8_t moving; /* engine:begin was said */
    uint32_t moved;
};

_Static_assert(sizeof(struct chip) <= 2048, "state of a device model");

/* ---- FIFO, interrupt, engine ---- */

static void push(struct chip *c, uint8_t byte)
{
    if (c->fifo_count < FIFO_BYTES)
        c->fifo[c->fifo_count++] = byte;
    else
        c->errors |= STATUS_GROSS;
}

static uint8_t pop(struct chip *c)
{
    uint8_t byte = c->fifo[0];

    if (c->fifo_count == 0)
        return 0;
    memmove(c->fifo, c->fifo + 1, --c->fifo_count);
    return byte;
}

static void interrupt(struct sim_device *device, struct chip *c, uint8_t why)
{
    c->interrupt |= why;
    sim_irq_set(device, true);
}

static void begin_engine(struct sim_device *device, struct chip *c, bool to_device)
{
    c->moving = 1;
    c->moved = 0;
    /* Where in memory is the DMA controller's knowledge alone. */
    sim_engine_begin(device, CHANNEL, 0, c->count, to_device);
}

static void end_engine(struct sim_device *device, struct chip *c, enum sim_engine_end why)
{
    if (c->moving)
        sim_engine_end(device, CHANNEL, c->moved, why);
    c->moving = 0;
}

static void await(struct chip *c, uint8_t next_interrupt)
{
    c->work = AWAITS;
    c->next_interrupt = next_interrupt;
}

/* ---- reset ---- */

/* What RESET CHIP and a loss of power have in common. */
static void clear_chip(struct sim_device *device, struct chip *c, enum sim_engine_end why)
{
    end_engine(device, c, why);
    memset((uint8_t *)c + sizeof c->bus, 0, sizeof *c - sizeof c->bus);
    c->config[0] = OWN_ID;
    sim_irq_set(device, false);
    sim_irq_enable(device, false);
}

static void chip_reset(struct sim_device *device)
{
    struct chip *c = sim_device_state(device);

    clear_chip(device, c, SIM_END_ABORTED);
    scsi_power_on(&c->bus);
}

static void chip_stop(struct sim_device *device, enum sim_engine_end why)
{
    struct chip *c = sim_device_state(device);

    clear_chip(device, c, why);
    scsi_power_on(&c->bus);
}

/* ---- the command register ---- */

static bool selects(uint8_t command)
{
    return command == CMD_SELECT || command == CMD_SELECT_ATN || command == CMD_SELECT_STOP ||
           command == CMD_SELECT_ATN3;
}

static enum work work_of(uint8_t command)
{
    switch (command) {
    case CMD_TRANSFER:
        return TRANSFERS;
    case CMD_COMPLETE:
        return COMPLETES;
    case CMD_ACCEPT:
        return ACCEPTS;
    default:
        return PADS;
    }
}

/* Commands of an initiator that is connected. */
static void write_initiator(struct sim_device *device, struct chip *c, uint8_t command)
{
    if (!c->connected) {
        interrupt(device, c, INT_ILLEGAL);
    } else if (command == CMD_SET_ATN) {
        scsi_attention(&c->bus);
    } else if (command == CMD_CLEAR_ATN) {
        c->bus.attention = 0;
    } else {
        c->work = (uint8_t)work_of(command);
        c->dma = (c->command & CMD_DMA) != 0;
        c->steps = 0;
        if (c->work == TRANSFERS && c->dma && c->bus.phase <= SCSI_DATA_IN)
            begin_engine(device, c, c->bus.phase == SCSI_DATA_OUT);
    }
}

static void write_general(struct sim_device *device, struct chip *c, uint8_t command)
{
    switch (command) {
    case CMD_NOP:
        break;
    case CMD_CLEAR_FIFO:
        c->fifo_count = 0;
        break;
    case CMD_RESET_CHIP:
        clear_chip(device, c, SIM_END_ABORTED);
        c->halted = 1;
        break;
    case CMD_RESET_BUS:
        end_engine(device, c, SIM_END_ABORTED);
        c->work = RESETS_BUS;
        break;
    case CMD_LISTEN:
    case CMD_DEAF:
        if (c->connected && !c->claimed)
            interrupt(device, c, INT_ILLEGAL);
        else
            c->listening = command == CMD_LISTEN && !c->connected;
        break;
    default:
        interrupt(device, c, INT_ILLEGAL);
        break;
    }
}

/* The chip has no bit for it: it may interrupt from the first command on that can make it. */
static void arm(struct sim_device *device, struct chip *c, uint8_t command)
{
    if (c->armed || command <= CMD_RESET_CHIP)
        return;
    c->armed = 1;
    sim_irq_enable(device, true);
}

static void write_command(struct sim_device *device, struct chip *c, uint8_t value)
{
    uint8_t command = value & (uint8_t)~CMD_DMA;

    if (c->halted) {
        c->halted = command != CMD_NOP;
        return;
    }
    arm(device, c, command);
    c->command = value;
    if (value & CMD_DMA) {
        c->count = c->start_count != 0 ? c->start_count : 0x10000;
        c->count_zero = 0;
    }
    if (command >= CMD_TRANSFER && command <= CMD_CLEAR_ATN) {
        write_initiator(device, c, command);
    } else if (!selects(command)) {
        write_general(device, c, command);
    } else if (c->claimed) {
        return;
    } else if (c->connected) {
        interrupt(device, c, INT_ILLEGAL);
    } else {
        c->work = SELECTS;
        c->how = command;
        c->steps = 0;
    }
}

/* ---- registers ---- */

static uint8_t read_status(const struct chip *c)
{
    uint8_t phase = c->bus.phase == SCSI_NO_REQUEST ? 0 : c->bus.phase;

    return (uint8_t)((c->interrupt ? STATUS_INTERRUPT : 0) | c->errors |
                     (c->count_zero ? STATUS_COUNT_ZERO : 0) | (c->connected ? phase : 0));
}

static uint8_t read_interrupt(struct sim_device *device, struct chip *c)
{
    uint8_t value = c->interrupt;

    if (value & INT_RESET)
        sim_bus_tell(device, SIM_BUS_RESET_TOLD, 0, 0);
    if (value != 0) {
        c->interrupt = c->errors = c->step = 0;
        c->claimed = 0;
        sim_irq_set(device, false);
    }
    return value;
}

static uint64_t chip_read(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width)
{
    struct chip *c = sim_device_state(device);

    if (bar != SIM_BAR_PORTS || width != 1)
        return ~0ULL >> (64 - 8 * width);
    switch (offset) {
    case COUNT_LOW:
        return c->count & 0xFF;
    case COUNT_HIGH:
        return c->count >> 8 & 0xFF;
    case FIFO:
        return pop(c);
    case COMMAND:
        return c->command;
    case STATUS:
        return read_status(c);
    case INTERRUPT:
        return read_interrupt(device, c);
    case STEP:
        return c->step;
    case FIFO_FLAGS:
        return (uint64_t)(c->step << 5 | c->fifo_count);
    case CONFIG_1:
        return c->config[0];
    case CONFIG_2:
    case CONFIG_3:
        return c->config[offset - CONFIG_2 + 1];
    default:
        return 0;
    }
}

static void chip_write(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                       uint64_t value)
{
    struct chip *c = sim_device_state(device);
    uint8_t byte = (uint8_t)value;

    if (bar != SIM_BAR_PORTS || width != 1 || (c->halted && offset != COMMAND))
        return;
    switch (offset) {
    case COUNT_LOW:
        c->start_count = (uint16_t)((c->start_count & 0xFF00) | byte);
        break;
    case COUNT_HIGH:
        c->start_count = (uint16_t)((c->start_count & 0x00FF) | byte << 8);
        break;
    case FIFO:
        if (!c->claimed)
            push(c, byte);
        break;
    case COMMAND:
        write_command(device, c, byte);
        break;
    case DESTINATION:
        c->destination = byte & OWN_ID;
        break;
    case CONFIG_1:
        c->config[0] = byte;
        break;
    case CONFIG_2:
    case CONFIG_3:
        c->config[offset - CONFIG_2 + 1] = byte;
        break;
    default: /* time-out, synchronous period and offset, clock: nothing to see of them */
        break;
    }
}

/* ---- selection and reselection ---- */

/* Messages, then the command, as far as the target goes along. Returns the sequence step. */
static uint8_t send_command(struct sim_device *device, struct chip *c, unsigned messages)
{
    while (messages != 0 && c->bus.phase == SCSI_MESSAGE_OUT && c->fifo_count != 0)
        scsi_put(device, &c->bus, pop(c), --messages == 0);
    if (messages != 0)
        return 0;
    if (c->bus.phase != SCSI_COMMAND)
        return 2;
    while (c->bus.phase == SCSI_COMMAND && c->fifo_count != 0)
        scsi_put(device, &c->bus, pop(c), false);
    return c->bus.phase == SCSI_COMMAND ? 3 : 4;
}

static void step_select(struct sim_device *device, struct chip *c)
{
    uint8_t command = c->how;

    if (c->steps++ == 0)
        return; /* arbitration */
    if (c->steps == 2 && scsi_select(&c->bus, c->destination, command != CMD_SELECT)) {
        c->connected = 1;
        c->listening = 0;
        if (command == CMD_SELECT_STOP) {
            scsi_put(device, &c->bus, pop(c), false);
            c->step = 1;
        } else {
            c->step = send_command(device, c,
                                   command == CMD_SELECT_ATN3  ? 3
                                   : command == CMD_SELECT_ATN ? 1
                                                               : 0);
        }
        await(c, INT_SERVICE | INT_DONE);
    } else if (c->steps > ANSWER_STEPS) {
        c->work = RESTS;
        interrupt(device, c, INT_DISCONNECTED);
    }
}

static void reselected(struct sim_device *device, struct chip *c)
{
    c->work = RESTS;
    c->connected = c->claimed = c->unanswered = 1;
    c->listening = 0;
    c->fifo_count = 0;
    push(c, (uint8_t)(1u << c->bus.owner | 1u << (c->config[0] & OWN_ID)));
    push(c, scsi_get(&c->bus));
    interrupt(device, c, INT_RESELECTED);
}

/* ---- data ---- */

/* Nobody feeds the FIFO, or empties it: in the end the chip only waits. */
static void starve(struct chip *c, uint32_t moved)
{
    if (moved != 0)
        c->steps = 0;
    else if (c->steps < STARVE_STEPS)
        c->steps++;
}

static void counted(struct chip *c, uint32_t moved)
{
    c->count -= moved;
    c->moved += moved;
    if (c->count == 0)
        c->count_zero = 1;
}

static void step_data_in(struct sim_device *device, struct chip *c)
{
    const uint8_t *bytes;
    uint32_t have = scsi_ready(device, &c->bus, &bytes), moved;
    uint8_t burst[SCSI_SECTOR];
    bool terminal;

    if (have > c->count)
        have = c->count;
    memcpy(burst, bytes, have);
    moved = sim_slave_transfer(device, false, burst, have, &terminal);
    counted(c, moved);
    starve(c, moved);
    scsi_gave(&c->bus, moved);
    if (c->bus.parity) {
        c->bus.parity = 0;
        c->errors |= STATUS_PARITY;
        scsi_attention(&c->bus);
    }
}

/* The channel fills the FIFO ahead of what the target takes. */
static void step_data_out(struct sim_device *device, struct chip *c)
{
    uint8_t burst[FIFO_BYTES + SCSI_SECTOR];
    uint32_t want = scsi_room(&c->bus) + FIFO_BYTES - c->fifo_count, had = c->fifo_count, taken;
    bool terminal = false;
    uint32_t moved;

    memcpy(burst, c->fifo, had);
    if (want > c->count)
        want = c->count;
    moved = want == 0 ? 0 : sim_slave_transfer(device, true, burst + had, want, &terminal);
    counted(c, moved);
    taken = had + moved < scsi_room(&c->bus) ? had + moved : scsi_room(&c->bus);
    starve(c, moved + taken);
    c->fifo_count = (uint8_t)(had + moved - taken);
    memcpy(c->fifo, burst + taken, c->fifo_count);
    scsi_took(device, &c->bus, burst, taken);
}

static bool in_data(const struct chip *c)
{
    return c->bus.phase == SCSI_DATA_IN || c->bus.phase == SCSI_DATA_OUT;
}

static void step_data(struct sim_device *device, struct chip *c)
{
    uint8_t phase = c->bus.phase;

    if (phase == SCSI_DATA_IN)
        step_data_in(device, c);
    else
        step_data_out(device, c);
    if (c->bus.phase != phase || (c->count == 0 && (phase == SCSI_DATA_IN || c->fifo_count == 0))) {
        end_engine(device, c, SIM_END_DONE);
        await(c, INT_SERVICE);
    }
}

/* Bytes for nobody, or from nowhere. */
static void step_pad(struct sim_device *device, struct chip *c)
{
    static const uint8_t nothing[PAD_STEP];
    uint8_t phase = c->bus.phase;
    const uint8_t *bytes;
    uint32_t count;

    count = phase == SCSI_DATA_IN ? scsi_ready(device, &c->bus, &bytes) : scsi_room(&c->bus);
    if (count > c->count)
        count = c->count;
    c->count -= count;
    if (phase == SCSI_DATA_IN)
        scsi_gave(&c->bus, count);
    else
        scsi_took(device, &c->bus, nothing, count);
    if (c->count == 0)
        c->count_zero = 1;
    if (c->count == 0 || c->bus.phase != phase)
        await(c, INT_SERVICE);
}

/* ---- other phases ---- */

static void message_in(struct sim_device *device, struct chip *c)
{
    push(c, scsi_get(&c->bus));
    c->unanswered = 1;
    c->work = RESTS;
    interrupt(device, c, INT_DONE);
}

/* A transfer without the channel: what is in the FIFO goes out, or one byte comes in. */
static void step_bytes(struct sim_device *device, struct chip *c)
{
    uint8_t phase = c->bus.phase;

    switch (phase) {
    case SCSI_MESSAGE_IN:
        message_in(device, c);
        return;
    case SCSI_STATUS:
        push(c, scsi_get(&c->bus));
        break;
    case SCSI_MESSAGE_OUT:
    case SCSI_COMMAND:
        while (c->fifo_count != 0 && c->bus.phase == phase) {
            uint8_t byte = pop(c);

            scsi_put(device, &c->bus, byte, phase == SCSI_MESSAGE_OUT && c->fifo_count == 0);
        }
        break;
    default: /* data has to go over the channel */
        c->errors |= STATUS_GROSS;
        break;
    }
    await(c, INT_SERVICE);
}

static void step_complete(struct sim_device *device, struct chip *c)
{
    if (c->bus.phase == SCSI_STATUS)
        push(c, scsi_get(&c->bus));
    if (c->bus.phase == SCSI_MESSAGE_IN)
        message_in(device, c);
    else
        await(c, INT_SERVICE);
}

static void step_accept(struct chip *c)
{
    if (c->unanswered && c->bus.phase == SCSI_MESSAGE_IN)
        scsi_accept(&c->bus);
    c->unanswered = 0;
    await(c, INT_SERVICE);
}

/* ---- the engine ---- */

static void reset_bus(struct sim_device *device, struct chip *c, enum sim_bus_news whose)
{
    end_engine(device, c, SIM_END_ABORTED);
    scsi_bus_reset(&c->bus);
    sim_bus_tell(device, whose, 0, 0);
    c->work = RESTS;
    c->connected = c->listening = c->claimed = c->unanswered = 0;
    c->fifo_count = 0;
    if (!(c->config[0] & QUIET_RESET))
        interrupt(device, c, INT_RESET);
}

/* The target has let go of the bus. */
static void lost(struct sim_device *device, struct chip *c)
{
    end_engine(device, c, SIM_END_DONE);
    c->work = RESTS;
    c->connected = c->listening = c->unanswered = 0;
    interrupt(device, c, INT_DISCONNECTED);
}

static bool bus_free(const struct chip *c)
{
    return c->bus.owner == SCSI_NOBODY;
}

static bool listens(const struct chip *c)
{
    return c->listening && !c->connected && c->interrupt == 0 && !c->halted &&
           (c->work == RESTS || (c->work == SELECTS && c->steps == 0));
}

static bool target_stuck(const struct chip *c)
{
    return !bus_free(c) && c->bus.disks[c->bus.owner].stuck;
}

/* Whether the chip's work can go on. */
static bool works(const struct chip *c)
{
    if (c->halted)
        return false;
    if (c->connected && bus_free(c))
        return true;
    switch (c->work) {
    case RESTS:
        return false;
    case SELECTS:
        return c->steps != 0 || bus_free(c);
    case AWAITS:
        return c->bus.phase != SCSI_NO_REQUEST;
    case TRANSFERS:
        return c->bus.phase != SCSI_NO_REQUEST && c->steps < STARVE_STEPS && !target_stuck(c);
    default:
        return true;
    }
}

static void step_work(struct sim_device *device, struct chip *c)
{
    if (c->work == RESETS_BUS) {
        reset_bus(device, c, SIM_BUS_RESET);
    } else if (c->connected && bus_free(c)) {
        lost(device, c);
    } else if (c->work == SELECTS) {
        step_select(device, c);
    } else if (c->work == AWAITS) {
        c->work = RESTS;
        interrupt(device, c, c->next_interrupt);
    } else if (c->work == TRANSFERS && c->dma && in_data(c)) {
        step_data(device, c);
    } else if (c->work == TRANSFERS && !c->dma) {
        step_bytes(device, c);
    } else if (c->work == TRANSFERS) {
        end_engine(device, c, SIM_END_DONE);
        await(c, INT_SERVICE);
    } else if (c->work == COMPLETES) {
        step_complete(device, c);
    } else if (c->work == ACCEPTS) {
        step_accept(c);
    } else if (in_data(c)) {
        step_pad(device, c);
    } else {
        await(c, INT_SERVICE);
    }
}

static bool chip_busy(const struct sim_device *device)
{
    const struct chip *c = sim_device_state(device);

    return works(c) || scsi_time_runs(&c->bus, listens(c));
}

static void chip_step(struct sim_device *device)
{
    struct chip *c = sim_device_state(device);

    if (scsi_tick(&c->bus, listens(c)))
        reselected(device, c);
    else if (works(c))
        step_work(device, c);
    scsi_tell(device, &c->bus);
}

/* ---- what happens on the bus ---- */

static bool chip_outside(struct sim_device *device, enum sim_outside what, unsigned unit)
{
    struct chip *c = sim_device_state(device);

    if (what == SIM_OUTSIDE_BUS_RESET) {
        if (c->halted)
            scsi_bus_reset(&c->bus);
        else
            reset_bus(device, c, SIM_BUS_RESET_OTHER);
        scsi_tell(device, &c->bus);
        return true;
    }
    if (!scsi_outside(&c->bus, what, unit))
        return false;
    scsi_tell(device, &c->bus);
    return true;
}

extern const struct sim_device_model ft_driver_device;
const struct sim_device_model ft_driver_device = {
    .name = "53C94",
    .state_bytes = sizeof(struct chip),
    .reset = chip_reset,
    .read = chip_read,
    .write = chip_write,
    .engine_busy = chip_busy,
    .engine_step = chip_step,
    .stop = chip_stop,
    .outside = chip_outside,
};
