/* DEVICE auto: what a driver without a device model talks to. Its first 2 KiB of registers (all
 * BARs together, the lowest first) keep what is written to them; the rest reads as zero. It never
 * moves data and never interrupts; ops do the rest (device-data, spurious-interrupt). */
#include "io/io_private.h"

#include <string.h>

/* Offset of a register in the state block, or FT_MODEL_STATE_BYTES for none. */
static uint32_t place_of(unsigned bar, uint32_t offset, unsigned width)
{
    const struct ft_description *description = ft_world_module()->description;
    uint64_t at = offset;

    for (unsigned i = 0; i < bar; i++)
        at += description->bar_bytes[i];
    return at + width <= FT_MODEL_STATE_BYTES ? (uint32_t)at : FT_MODEL_STATE_BYTES;
}

static void reset(struct sim_device *device)
{
    memset(sim_device_state(device), 0, FT_MODEL_STATE_BYTES);
}

static uint64_t read_register(struct sim_device *device, unsigned bar, uint32_t offset,
                              unsigned width)
{
    uint32_t at = place_of(bar, offset, width);
    uint64_t value = 0;

    if (at < FT_MODEL_STATE_BYTES)
        memcpy(&value, (char *)sim_device_state(device) + at, width);
    return value;
}

static void write_register(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                           uint64_t value)
{
    uint32_t at = place_of(bar, offset, width);

    if (at < FT_MODEL_STATE_BYTES)
        memcpy((char *)sim_device_state(device) + at, &value, width);
}

static bool engine_busy(const struct sim_device *device)
{
    (void)device;
    return false;
}

static void engine_step(struct sim_device *device)
{
    (void)device;
}

static void stop(struct sim_device *device, enum sim_engine_end why)
{
    (void)device;
    (void)why;
}

const struct sim_device_model ft_device_auto = {
    .name = "auto",
    .state_bytes = FT_MODEL_STATE_BYTES,
    .reset = reset,
    .read = read_register,
    .write = write_register,
    .engine_busy = engine_busy,
    .engine_step = engine_step,
    .stop = stop,
};
