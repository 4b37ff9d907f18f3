/* The device of wdm-packet: a bus master with one channel that moves one contiguous run per
 * operation.
 *
 * On a read it writes a stream of bytes that goes on from one operation to the next; on a write it
 * folds what it reads into a checksum. An abort takes effect at the next burst, a reset at once.
 * The interrupt line is high while an event is set and interrupts are enabled.
 */
#include "sim/device.h"

#include <string.h>

enum {
    REG_ID = 0x00,
    REG_STATUS = 0x04,
    REG_CONTROL = 0x08,
    REG_EVENTS = 0x0C,
    REG_ADDRESS_LO = 0x10,
    REG_ADDRESS_HI = 0x14,
    REG_LENGTH = 0x18,
    REG_DIRECTION = 0x1C,
    REG_COUNT = 0x20,
    REG_CHECKSUM = 0x24
};

enum { STATUS_BUSY = 1 };
enum { CONTROL_INTERRUPT = 1, CONTROL_START = 2, CONTROL_ABORT = 4, CONTROL_RESET = 8 };
enum { EVENT_DONE = 1, EVENT_ABORTED = 2, EVENT_BUS_ERROR = 4 };
enum { ID_VALUE = 0x544B4350, OPERATION_BYTES_MAX = 16384, CHANNEL = 0 };
enum { WORD = sizeof(uint64_t) };

#define MULTIPLIER 0x9E3779B97F4A7C15ull /* odd, with well mixed bits */

struct packet_state {
    uint32_t control; /* CONTROL_INTERRUPT or 0 */
    uint32_t events;
    uint32_t address_lo, address_hi;
    uint32_t length;
    uint32_t direction;
    uint32_t count;    /* bytes moved by the present or last operation */
    uint32_t checksum; /* of all bytes read from memory since the reset */
    uint32_t position; /* in the stream of bytes that reads get */
    uint8_t busy;
    uint8_t aborting;
};

static void update_line(struct sim_device *device, const struct packet_state *s)
{
    sim_irq_set(device, s->events != 0 && (s->control & CONTROL_INTERRUPT) != 0);
}

/* The engine goes idle; `event` tells the driver, 0 does not. */
static void end_operation(struct sim_device *device, struct packet_state *s, uint32_t event,
                          enum sim_engine_end why)
{
    s->busy = 0;
    s->aborting = 0;
    s->events |= event;
    sim_engine_end(device, CHANNEL, s->count, why);
    update_line(device, s);
}

static void packet_reset(struct sim_device *device)
{
    struct packet_state *s = sim_device_state(device);

    if (s->busy)
        end_operation(device, s, 0, SIM_END_ABORTED);
    memset(s, 0, sizeof *s);
    update_line(device, s);
}

static void packet_stop(struct sim_device *device, enum sim_engine_end why)
{
    struct packet_state *s = sim_device_state(device);

    s->control = 0;
    if (s->busy)
        end_operation(device, s, 0, why);
    update_line(device, s);
}

static uint64_t packet_read(struct sim_device *device, unsigned bar, uint32_t offset,
                            unsigned width)
{
    const struct packet_state *s = sim_device_state(device);

    if (bar != 0 || width != 4)
        return 0;
    switch (offset) {
    case REG_ID:
        return ID_VALUE;
    case REG_STATUS:
        return s->busy ? STATUS_BUSY : 0;
    case REG_CONTROL:
        return s->control;
    case REG_EVENTS:
        return s->events;
    case REG_ADDRESS_LO:
        return s->address_lo;
    case REG_ADDRESS_HI:
        return s->address_hi;
    case REG_LENGTH:
        return s->length;
    case REG_DIRECTION:
        return s->direction;
    case REG_COUNT:
        return s->count;
    case REG_CHECKSUM:
        return s->checksum;
    default:
        return 0;
    }
}

static void start(struct sim_device *device, struct packet_state *s)
{
    uint64_t address = ((uint64_t)s->address_hi << 32) | s->address_lo;

    if (s->busy)
        return;
    s->count = 0;
    if (s->length == 0 || s->length > OPERATION_BYTES_MAX) {
        s->events |= EVENT_BUS_ERROR;
        return;
    }
    s->busy = 1;
    sim_engine_begin(device, CHANNEL, address, s->length, s->direction != 0);
}

static void write_control(struct sim_device *device, struct packet_state *s, uint32_t value)
{
    if (value & CONTROL_RESET) {
        packet_reset(device);
        return;
    }
    s->control = value & CONTROL_INTERRUPT;
    if (value & CONTROL_START)
        start(device, s);
    if ((value & CONTROL_ABORT) && s->busy)
        s->aborting = 1;
    update_line(device, s);
}

static void packet_write(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                         uint64_t wide)
{
    struct packet_state *s = sim_device_state(device);
    uint32_t value = (uint32_t)wide;

    if (bar != 0 || width != 4)
        return;
    if (offset == REG_CONTROL) {
        write_control(device, s, value);
        return;
    }
    if (offset == REG_EVENTS) {
        s->events &= ~value;
        update_line(device, s);
        return;
    }
    if (s->busy)
        return; /* an operation under way does not change */
    if (offset == REG_ADDRESS_LO)
        s->address_lo = value;
    else if (offset == REG_ADDRESS_HI)
        s->address_hi = value;
    else if (offset == REG_LENGTH)
        s->length = value;
    else if (offset == REG_DIRECTION)
        s->direction = value & 1;
}

static bool packet_busy(const struct sim_device *device)
{
    const struct packet_state *s = sim_device_state(device);

    return s->busy;
}

static bool burst_to_device(struct sim_device *device, struct packet_state *s, uint64_t address,
                            uint32_t bytes)
{
    uint8_t data[SIM_BURST_BYTES];

    if (!sim_dma_read(device, address, data, bytes))
        return false;
    memset(data + bytes, 0, sizeof data - bytes);
    for (uint32_t i = 0; i < bytes; i += WORD) {
        uint64_t word;

        memcpy(&word, data + i, WORD);
        word = (word ^ s->checksum) * MULTIPLIER;
        s->checksum = (uint32_t)(word >> 32);
    }
    return true;
}

static bool burst_to_memory(struct sim_device *device, struct packet_state *s, uint64_t address,
                            uint32_t bytes)
{
    uint8_t data[SIM_BURST_BYTES];

    /* Every word tells its place in the stream: a page in the wrong place is seen. */
    for (uint32_t i = 0; i < bytes; i += WORD) {
        uint64_t word = (s->position + i + 1ull) * MULTIPLIER;

        memcpy(data + i, &word, WORD);
    }
    if (!sim_dma_write(device, address, data, bytes))
        return false;
    s->position += bytes;
    return true;
}

static void packet_step(struct sim_device *device)
{
    struct packet_state *s = sim_device_state(device);
    uint64_t address = (((uint64_t)s->address_hi << 32) | s->address_lo) + s->count;
    uint32_t bytes = s->length - s->count;
    bool moved;

    if (s->aborting) {
        end_operation(device, s, EVENT_ABORTED, SIM_END_ABORTED);
        return;
    }
    if (bytes > SIM_BURST_BYTES)
        bytes = SIM_BURST_BYTES;
    moved = s->direction ? burst_to_device(device, s, address, bytes)
                         : burst_to_memory(device, s, address, bytes);
    if (!moved) {
        end_operation(device, s, EVENT_BUS_ERROR, SIM_END_BUS_ERROR);
        return;
    }
    s->count += bytes;
    if (s->count == s->length)
        end_operation(device, s, EVENT_DONE, SIM_END_DONE);
}

extern const struct sim_device_model ft_driver_device;
const struct sim_device_model ft_driver_device = {
    .name = "packet",
    .state_bytes = sizeof(struct packet_state),
    .reset = packet_reset,
    .read = packet_read,
    .write = packet_write,
    .engine_busy = packet_busy,
    .engine_step = packet_step,
    .stop = packet_stop,
};
