/* What a device model sees: the whole machine from the side of the hardware.
 *
 * A model is one struct sim_device_model with functions. It sees registers and logical addresses,
 * never pointers into the driver, never IRPs. Its engine is a task with no processor: the world
 * calls engine_step, which moves one burst (at most SIM_BURST_BYTES), for as long as engine_busy
 * says so. All its state lives in one block of state_bytes that the world allocates, zeroes, saves
 * and restores. A model never keeps state elsewhere, never fails and never blocks.
 *
 * What a request should have got is known without the model's help: the world remembers every byte
 * that the device wrote through a mapping, and every byte it read, and compares both with the
 * requester's buffer (event data:compare). What the processor copied only the model can judge
 * (`delivered`).
 *
 * Hostility is not coded here: the world may replace what `read` returns and what sim_dma_write
 * writes.
 */
#ifndef FT_SIM_DEVICE_H
#define FT_SIM_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_device;

enum {
    SIM_BURST_BYTES = 1024,
    SIM_BAR_PORTS = 6 /* the bar of an access to the device's ports; offset from the first */
};

/* Why an engine stopped; the last argument of the event engine:end. */
enum sim_engine_end {
    SIM_END_DONE = 1,
    SIM_END_ABORTED,
    SIM_END_BUS_ERROR,
    SIM_END_YANKED,
    SIM_END_POWER
};

/* What happens on a storage adapter's bus; the ops bus-reset and target say it to the model. */
enum sim_outside {
    SIM_OUTSIDE_NOTHING,
    SIM_OUTSIDE_BUS_RESET,   /* somebody else resets the bus (unit: the path) */
    SIM_OUTSIDE_DISCONNECT,  /* the target disconnects at its next chance, in mid-transfer too, and
                                reselects later */
    SIM_OUTSIDE_GONE,        /* it does not answer selections any more */
    SIM_OUTSIDE_BACK,        /* it does again */
    SIM_OUTSIDE_CHECK,       /* its next command ends with CHECK CONDITION */
    SIM_OUTSIDE_BUSY,        /* … with BUSY */
    SIM_OUTSIDE_QUEUE_FULL,  /* … with QUEUE FULL, when it was tagged */
    SIM_OUTSIDE_PARITY,      /* … with a parity error on the bus */
    SIM_OUTSIDE_STUCK,       /* it accepts its next command and never answers, until a reset */
    SIM_OUTSIDE_SHORT,       /* its next data phase ends early */
    SIM_OUTSIDE_DROP,        /* it drops off the bus in its next phase (unexpected bus free) */
    SIM_OUTSIDE_UNKNOWN_TAG, /* it reselects with a tag that nobody uses */
    SIM_OUTSIDE_COUNT
};

struct sim_device_model {
    const char *name;
    size_t state_bytes; /* at most 2048 */

    /* Power-on reset: called at the cold start of a run and at every change to D0. State is not
     * zeroed again for the latter. */
    void (*reset)(struct sim_device *device);

    /* A register access: bar (0..5, or SIM_BAR_PORTS), byte offset, width in bytes (1, 2, 4, 8).
     * Never called while yanked or without power. */
    uint64_t (*read)(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width);
    void (*write)(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                  uint64_t value);

    /* The engine. */
    bool (*engine_busy)(const struct sim_device *device);
    void (*engine_step)(struct sim_device *device);

    /* The device loses power (D0 to Dx) or is pulled out: stop the engine; report it with
     * sim_engine_end. */
    void (*stop)(struct sim_device *device, enum sim_engine_end why);

    /* A storage adapter's bus: what happens there, at unit `unit` (0..3, in the order of path,
     * target and logical unit). NULL: the device has no such bus, the op is skipped. False: it
     * cannot happen now, the op is skipped. */
    bool (*outside)(struct sim_device *device, enum sim_outside what, unsigned unit);
    /* For a device whose data the driver's processor hands on, out of a ring for example. These
     * bytes are what a read got that was completed with success: how many of them, from the first,
     * are what the device sent, each byte once and in its order? (Event data:stream.) NULL: what
     * the processor moved is not looked at. */
    uint32_t (*delivered)(struct sim_device *device, const void *data, uint32_t bytes);
};

/* What the media of a storage adapter's units hold: SIM_MEDIA_BLOCKS blocks each. A block that
 * nobody has written holds bytes that only its unit and number decide. The media keep what they
 * hold when power goes. Blocks beyond the end: false, nothing is moved.
 *
 * A unit says in the last byte of its INQUIRY data (of 36) which one it is, '0' to '3': a scan may
 * miss one that is gone just then, and the others keep their media. Without that the order of the
 * scan counts. */
enum { SIM_MEDIA_UNITS = 4, SIM_MEDIA_BLOCKS = 256, SIM_MEDIA_BLOCK_BYTES = 512 };
bool sim_media_read(struct sim_device *device, unsigned unit, uint32_t block, void *bytes);
bool sim_media_write(struct sim_device *device, unsigned unit, uint32_t block, const void *bytes);

/* What a storage adapter's model says of its bus; rules judge by it what the driver does about that
 * (event scsi:bus). A model that says nothing has those rules judge nothing. Where: path << 16 |
 * target << 8 | unit; operation: the first byte of a command. */
enum sim_bus_news {
    SIM_BUS_RESET = 1,   /* the adapter has reset the bus, for its driver */
    SIM_BUS_RESET_OTHER, /* somebody else has */
    SIM_BUS_RESET_TOLD,  /* the driver has read, or dismissed, that it was reset */
    SIM_BUS_TAKEN,       /* a unit has taken a command */
    SIM_BUS_OVER,        /* it has sent its status, or has forgotten the command */
    SIM_BUS_LEFT         /* a target has left the bus, and its command has data to move still */
};
void sim_bus_tell(struct sim_device *device, enum sim_bus_news what, uint32_t where,
                  uint8_t operation);

/* The model's state block. */
void *sim_device_state(const struct sim_device *device);

/* Reads or writes memory at a logical address. False: the bus or the IOMMU refused it; for a read
 * the bytes are then 0xFF. Length at most SIM_BURST_BYTES. Records bus:read, bus:write or
 * bus:fault. */
bool sim_dma_read(struct sim_device *device, uint64_t address, void *bytes, uint32_t length);
bool sim_dma_write(struct sim_device *device, uint64_t address, const void *bytes, uint32_t length);

/* Raises or drops the interrupt line (level-sensitive). No effect if it has that level already. */
void sim_irq_set(struct sim_device *device, bool level);

/* System DMA, for a device on a channel of the platform's controller: it asserts its request line
 * and moves up to `length` bytes (at most SIM_BURST_BYTES; whole words on a channel of 16 bits) in
 * that direction. Returns the bytes moved: fewer, or none, when the channel is masked, runs the
 * other way, or reaches its terminal count, which *terminal then says. A channel that
 * auto-initialises goes on at the next call. The device never sees an address. Records bus:read or
 * bus:write with the mapping as target, and dma:terminal; engine:begin and engine:end are the
 * model's to say. */
uint32_t sim_slave_transfer(struct sim_device *device, bool to_device, void *bytes, uint32_t length,
                            bool *terminal);

/* The same for a device that has several request lines of version 3 (ft_description.dma_lines);
 * `line` counts from its first. */
uint32_t sim_line_transfer(struct sim_device *device, unsigned line, bool to_device, void *bytes,
                           uint32_t length, bool *terminal);

/* The device was told whether it may interrupt (its own enable bit, not the line). */
void sim_irq_enable(struct sim_device *device, bool enabled);

/* The device sends interrupt message `message` (message-signalled interrupts), or asks that the
 * machine wake (only while a wait-wake request is armed and the device sleeps). */
void sim_irq_message(struct sim_device *device, unsigned message);
void sim_wake(struct sim_device *device);

/* Tells the world that channel `channel` (0..3) starts to move data between the device and
 * [address, address + length), and that it stopped after `bytes`. Rules judge early flushes and
 * short transfers by these. */
void sim_engine_begin(struct sim_device *device, unsigned channel, uint64_t address,
                      uint32_t length, bool to_device);
void sim_engine_end(struct sim_device *device, unsigned channel, uint32_t bytes,
                    enum sim_engine_end why);

#endif
