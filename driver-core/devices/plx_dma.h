/* The DMA engine of PLX PCI 905x bridges (plx_dma.c), for the cores that have one of them.
 *
 * A core's own device file says which part it is (plx_part) and defines
 *
 *     const struct sim_device_model ft_driver_device = PLX_DEVICE_MODEL("plx9056");
 *
 * and flushtrace_add_driver gets both files as DEVICE. Each module has a copy of its own.
 */
#ifndef FT_DEVICES_PLX_DMA_H
#define FT_DEVICES_PLX_DMA_H

#include "sim/device.h"

struct plx_part {
    uint32_t id;       /* device and vendor, register 70h */
    bool dual_address; /* data may lie above 4 GB */
};
extern const struct plx_part plx_part;

enum { PLX_CHANNELS = 2, PLX_CHANNEL_REGISTERS = 5 };

struct plx_channel {
    uint32_t reg[PLX_CHANNEL_REGISTERS];
    uint32_t high;       /* half of the PCI address, DMADAC */
    uint32_t descriptor; /* where the present one lies, when chaining */
    uint32_t moved;      /* bytes of the present block */
    uint32_t fetched;    /* bytes of descriptors, since the chain began */
    uint8_t enabled;
    uint8_t busy;
    uint8_t aborting;
    uint8_t loading;   /* the next step loads a descriptor */
    uint8_t active;    /* engine:begin was told */
    uint8_t interrupt; /* active */
    uint8_t refused;   /* the bus ended its last transfer */
};

struct plx_state {
    struct plx_channel channel[PLX_CHANNELS];
    uint32_t intcsr; /* its writable bits */
    uint32_t cntrl;
    uint32_t arbitration;
    uint32_t threshold;
    uint64_t fold; /* of all bytes written to the local memory */
    uint8_t turn;  /* the channel that has the next step, if it can use it */
    uint8_t irq_enabled;
};

void plx_reset(struct sim_device *device);
uint64_t plx_read(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width);
void plx_write(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
               uint64_t value);
bool plx_busy(const struct sim_device *device);
void plx_step(struct sim_device *device);
void plx_stop(struct sim_device *device, enum sim_engine_end why);

#define PLX_DEVICE_MODEL(name_)                                                                    \
    {                                                                                              \
        .name = (name_), .state_bytes = sizeof(struct plx_state), .reset = plx_reset,              \
        .read = plx_read, .write = plx_write, .engine_busy = plx_busy, .engine_step = plx_step,    \
        .stop = plx_stop                                                                           \
    }

#endif
